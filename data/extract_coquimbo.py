"""Take the zones, links and bus stops out of the Coquimbo project, unchanged.

    pip download aequilibrae==1.7.2 --no-deps
    unzip -j aequilibrae-1.7.2-*.whl aequilibrae/reference_files/coquimbo.zip
    python data/extract_coquimbo.py coquimbo.zip

The zip (5 MB, SHA-256 below) holds two SpatiaLite databases. Three of their layers, with the
columns that are used and every coordinate as it stands, become small GeoParquet files in
data/raw/coquimbo; `data/build_coquimbo.py` needs nothing else.
"""

from __future__ import annotations

import hashlib
import sqlite3
import struct
import sys
import tempfile
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

RAW = Path(__file__).parent / "raw" / "coquimbo"
ZIP_SHA256 = "43de7e2ac90e87eb8d9ea8149e16f48c0c4e5bdf3ac8946a8f116f3bc51dc2a2"
LAYERS = {
    "zones": ("project_database.sqlite", ["zone_id", "population"]),
    "links": (
        "project_database.sqlite",
        ["link_id", "a_node", "b_node", "distance", "modes", "link_type", "name", "osm_id"],
    ),
    "stops": ("public_transport.sqlite", ["stop_id", "stop", "name"]),
}
WHOLE_NUMBERS = {"zone_id", "link_id", "a_node", "b_node", "osm_id"}
MULTIPOLYGON = 6


def main(archive: Path) -> None:
    """Write one GeoParquet file for each layer."""
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != ZIP_SHA256:
        raise SystemExit(f"{archive} is not the file that is meant: SHA-256 {digest}")
    RAW.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for layer, (database, columns) in LAYERS.items():
            path = zipfile.ZipFile(archive).extract(database, folder)
            table = read_layer(Path(path), layer, columns)
            out = RAW / f"{layer}.parquet"
            table.to_parquet(out, index=False, compression="zstd", compression_level=19)
            print(f"{out}: {len(table)} rows, {out.stat().st_size:,} bytes")


def read_layer(database: Path, layer: str, columns: list[str]) -> gpd.GeoDataFrame:
    """Read some columns of a SpatiaLite layer, ordered by the first of them."""
    query = f"SELECT {', '.join(columns)}, geometry FROM {layer} ORDER BY 1"  # noqa: S608
    with sqlite3.connect(database) as connection:
        rows = pd.DataFrame(connection.execute(query).fetchall(), columns=[*columns, "blob"])
    whole = dict.fromkeys(WHOLE_NUMBERS.intersection(columns), "Int64")
    shapes = [shapely.from_wkb(wkb_from_spatialite(blob)) for blob in rows["blob"]]
    return gpd.GeoDataFrame(rows[columns].astype(whole), geometry=shapes, crs=4326)


def wkb_from_spatialite(blob: bytes) -> bytes:
    """Turn SpatiaLite's geometry into well-known binary.

    SpatiaLite stores 39 bytes of header (start, byte order, SRID, bounding box, mark), then the
    same bytes as WKB without its leading byte order, then one end mark. Each part of a collection
    carries the mark 0x69 where WKB has the byte order.
    """
    if blob[:2] != b"\x00\x01" or blob[38] != 0x7C or blob[-1] != 0xFE:
        raise SystemExit("not a little-endian SpatiaLite geometry")
    body = bytearray(b"\x01" + blob[39:-1])
    kind, parts = struct.unpack_from("<ii", body, 1)
    if kind == MULTIPOLYGON:
        position = 9
        for _ in range(parts):
            body[position] = 1
            position = end_of_polygon(body, position)
    return bytes(body)


def end_of_polygon(body: bytearray, start: int) -> int:
    """Find the byte after a WKB polygon: mark, type, count of rings, then each ring's points."""
    (rings,) = struct.unpack_from("<i", body, start + 5)
    position = start + 9
    for _ in range(rings):
        (points,) = struct.unpack_from("<i", body, position)
        position += 4 + 16 * points
    return position


if __name__ == "__main__":
    main(Path(sys.argv[1]))
