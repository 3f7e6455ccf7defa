"""How a study area lies on disk: GeoParquet tables and a manifest that is put in place last."""

from __future__ import annotations

import hashlib
import io
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pyproj
import shapely
import tomli_w

from shelterplan.atomic import write_whole
from shelterplan.errors import AreaError

MANIFEST = "area.toml"
FORMAT = 1
"""Version of the layout; another one is refused."""


def serialised(tables: Mapping[str, pd.DataFrame]) -> dict[str, bytes]:
    """Return each table as the bytes of a (Geo)Parquet file, the same for the same table."""
    content = {}
    for name, table in tables.items():
        buffer = io.BytesIO()
        table.to_parquet(buffer, compression="zstd")
        content[name] = buffer.getvalue()
    return content


def write(folder: Path, manifest: Mapping[str, object], tables: Mapping[str, pd.DataFrame]) -> None:
    """Write tables under names made of their hashes, then the manifest, then drop old tables."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = {}
    for name, content in serialised(tables).items():
        digest = hashlib.sha256(content).hexdigest()
        entries[name] = {
            "file": f"{name}-{digest[:8]}.parquet",
            "rows": len(tables[name]),
            "sha256": digest,
        }
        path = folder / f"{name}-{digest[:8]}.parquet"
        if not (path.is_file() and path.read_bytes() == content):
            write_whole(path, content)
    write_whole(folder / MANIFEST, manifest_text(manifest, entries).encode())
    kept = {entry["file"] for entry in entries.values()}
    for old in folder.glob("*-????????.parquet"):
        if old.name not in kept and old.name.rsplit("-", 1)[0] in entries:
            old.unlink()


def manifest_text(manifest: Mapping[str, object], entries: Mapping[str, object]) -> str:
    """Return the text of a manifest."""
    return tomli_w.dumps(
        {"format": FORMAT, **manifest, "tables": dict(entries), "written_with": _versions()}
    )


def read(folder: Path) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Return the manifest and the tables of a study area, every file checked against its hash.

    If the study area is saved anew meanwhile, the new one is read.

    Raises
    ------
    AreaError
        If a file is missing, was changed, or cannot be read; it is named.
    """
    while True:
        content = (folder / MANIFEST).read_bytes()
        try:
            return _read(folder, content)
        except AreaError:
            if (folder / MANIFEST).read_bytes() == content:
                raise


def _read(folder: Path, content: bytes) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Return what one manifest names."""
    try:
        manifest = tomllib.loads(content.decode("utf-8"))
        entries = manifest["tables"]
        if manifest["format"] != FORMAT:
            message = f"{folder.name}/{MANIFEST} has format {manifest['format']!r}, not {FORMAT}"
            raise AreaError(message)
        named = {
            name: (str(entry["file"]), str(entry["sha256"])) for name, entry in entries.items()
        }
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as e:
        message = f"{folder.name}/{MANIFEST} is damaged: {e}. Build the study area again."
        raise AreaError(message) from e
    return manifest, {name: _table(folder, *entry) for name, entry in named.items()}


def _table(folder: Path, file: str, sha256: str) -> pd.DataFrame:
    path = folder / Path(file).name
    if not path.is_file():
        message = f"{folder.name}/{path.name} is missing. Build the study area again."
        raise AreaError(message)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        message = (
            f"{folder.name}/{path.name} is damaged: its hash is not the one in {MANIFEST}. "
            "Build the study area again."
        )
        raise AreaError(message)
    try:
        metadata = pa.parquet.read_schema(io.BytesIO(content)).metadata or {}
        reader = gpd.read_parquet if b"geo" in metadata else pd.read_parquet
        return reader(io.BytesIO(content))
    except (pa.ArrowException, ValueError, KeyError) as error:
        message = f"{folder.name}/{path.name} cannot be read: {error}"
        raise AreaError(message) from error


def text(value: object) -> str:
    """Return a text of a manifest."""
    if not isinstance(value, str):
        message = f"{value!r} is not a text"
        raise TypeError(message)
    return value


def texts(values: object) -> tuple[str, ...]:
    """Return a list of texts of a manifest."""
    if not isinstance(values, list):
        message = f"{values!r} is not a list"
        raise TypeError(message)
    return tuple(map(text, values))


def _versions() -> dict[str, str]:
    """Return the versions of the libraries on which the bytes of a study area depend."""
    return {
        "geopandas": gpd.__version__,
        "pandas": pd.__version__,
        "pyarrow": pa.__version__,
        "geos": shapely.geos_version_string,
        "proj": pyproj.proj_version_str,
    }
