"""Read one vector file and write it as GeoParquet: run alone, in a process with limits.

`child_entry.py` runs this file in a fresh interpreter; it imports nothing of the package. The
environment it is given switches off every GDAL driver but the one that is needed.
"""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

UNPACKED_BYTES = 2 * 1024**3
"""Most that a GeoParquet file may unpack to."""
MAX_ROWS = 2_000_000
"""Most rows of a GeoParquet file; the same value many times takes no room in it."""
HARMLESS = {"MEM"}
"""Drivers that open nothing and cannot be switched off."""
INDEX_TABLE = re.compile(
    r"""CREATE\s+VIRTUAL\s+TABLE\s+("[^"]+"|\w+)\s+USING\s+"?(rtree|fts[345])\b""", re.IGNORECASE
)
"""Virtual tables that read nothing outside their own database."""


def main(kind: str, source: str, target: str, wanted: str) -> None:
    """Read `source` (gpkg, shapefile or parquet) and write `target`."""
    table, layers = read_parquet(source) if kind == "parquet" else read_gdal(kind, source, wanted)
    table.to_parquet(target, index=False)
    Path(target).with_suffix(".json").write_text(json.dumps({"layers": layers}), "utf-8")


def read_parquet(source: str) -> tuple[Any, list[str]]:
    """Read a GeoParquet file, within the size its footer declares."""
    import geopandas
    import pyarrow.parquet

    footer = pyarrow.parquet.read_metadata(source)
    size = sum(footer.row_group(i).total_byte_size for i in range(footer.num_row_groups))
    if size > UNPACKED_BYTES:
        raise ValueError("unpacks to more than 2 GB")
    if footer.num_rows > MAX_ROWS:
        raise ValueError(f"it has {footer.num_rows:,} rows; at most {MAX_ROWS:,} are read")
    return geopandas.read_parquet(source), []


def read_gdal(kind: str, source: str, wanted: str) -> tuple[Any, list[str]]:
    """Read one layer through GDAL, after a look at which drivers and tables are live."""
    import pyogrio

    driver = {"gpkg": "GPKG", "shapefile": "ESRI Shapefile"}[kind]
    live = set(pyogrio.list_drivers()) - HARMLESS
    if live != {driver}:
        raise ValueError(f"drivers could not be limited to {driver}: {', '.join(sorted(live))}")
    if kind == "gpkg":
        refuse_virtual_tables(source)
    layers = [str(name) for name, geometry in pyogrio.list_layers(source) if geometry is not None]
    if wanted not in layers and (wanted or len(layers) != 1):
        problem = f"no layer {wanted!r}" if wanted else f"{len(layers)} layers with geometry"
        raise ValueError(f"{problem}; layers: {', '.join(layers) or 'none'}")
    table = pyogrio.read_dataframe(
        source,
        layer=wanted or layers[0],
        fid_as_index=False,
        encoding=declared_encoding(source, kind),
    )
    return table, layers


def declared_encoding(source: str, kind: str) -> str | None:
    """Return latin-1 (bytes kept one to one) for a shapefile that declares no encoding."""
    bare = kind == "shapefile" and not Path(source).with_suffix(".cpg").exists()
    return "ISO-8859-1" if bare else None


def refuse_virtual_tables(source: str) -> None:
    """Stop at a database with virtual tables that may reach outside it."""
    database = sqlite3.connect(f"file:{source}?mode=ro&immutable=1", uri=True)
    try:
        virtual = database.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'table' AND rootpage = 0"
        ).fetchall()
    finally:
        database.close()
    for (sql,) in virtual:
        if not INDEX_TABLE.match(sql or ""):
            raise ValueError("it holds a virtual table that is no spatial index")
