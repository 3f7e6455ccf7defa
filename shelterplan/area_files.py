"""How a study area lies on disk: GeoParquet tables and a manifest that is put in place last."""

from __future__ import annotations

import hashlib
import io
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pyproj
import shapely
import tomli_w

from shelterplan.atomic import alone, draft, flush_folder, sweep, write_whole
from shelterplan.errors import AreaError

MANIFEST = "area.toml"
FORMAT = 2
"""Version of the layout; another one is refused."""


FREE_CELLS = 20_000_000
"""Cells that a table may have however small its file is."""
MAX_CELLS_PER_BYTE = 20
"""Cells for each byte of its file that a larger table may have; tables of ours have below 1."""
FREE_BYTES = 256 * 1024**2
"""Bytes to which a table may unpack however small its file is."""
MAX_RATIO = 100
"""How many times its own size a larger table may unpack to; tables of ours: below 5."""
_ODD = (
    *(pa.ArrowException, shapely.errors.ShapelyError, pyproj.exceptions.CRSError),
    *(OSError, ValueError, KeyError, TypeError, AttributeError),
    *(RecursionError, NotImplementedError),
)
"""What the readers of GeoParquet raise where a file is made to be odd."""


def serialised(tables: Mapping[str, pd.DataFrame]) -> dict[str, bytes]:
    """Return each table as the bytes of a (Geo)Parquet file, the same for the same table."""
    content = {}
    for name, table in tables.items():
        buffer = io.BytesIO()
        table.to_parquet(buffer, compression="zstd")
        content[name] = buffer.getvalue()
    return content


def write(
    folder: Path,
    manifest: Mapping[str, object],
    tables: Mapping[str, pd.DataFrame],
    beside: Mapping[str, bytes] | None = None,
) -> None:
    """Write tables under names made of their hashes, then the manifest, then drop old tables.

    One program at a time; another one waits. Files `beside` the study area are gone before the
    manifest changes and are put in place after it, so that none ever lies beside another version.

    Raises
    ------
    AreaError
        If the folder cannot be written, or the disk is full; an earlier study area is still there.
    """
    content = serialised(tables)
    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        flush_folder(folder.parent)
        with alone(folder):
            sweep(folder)
            try:
                text = manifest_text(manifest, _write_tables(folder, tables, content))
                _put_in_place(folder, text, beside or {})
            finally:
                _drop_unnamed(folder, tables)
    except OSError as error:
        if new:
            with suppress(OSError):
                folder.rmdir()
        name, why = Path(str(error.filename or folder)).name, error.strerror or error
        message = (
            f"the study area cannot be saved in {folder.name!r}: {name}: {why}. "
            f"{'Nothing was left there' if new else 'What was there before is unchanged'}. Make "
            "room, or give another folder."
        )
        raise AreaError(message) from error


def _write_tables(
    folder: Path, tables: Mapping[str, pd.DataFrame], content: Mapping[str, bytes]
) -> dict[str, object]:
    """Write the tables that are not there yet, and return what the manifest says of each."""
    entries: dict[str, object] = {}
    for name, one in content.items():
        digest = hashlib.sha256(one).hexdigest()
        path = folder / f"{name}-{digest[:8]}.parquet"
        entries[name] = {"file": path.name, "rows": len(tables[name]), "sha256": digest}
        if not (path.is_file() and path.read_bytes() == one):
            write_whole(path, one)
    return entries


def _put_in_place(folder: Path, text: bytes, beside: Mapping[str, bytes]) -> None:
    """Rename the manifest and the files beside it, after all of them are on disk."""
    with ExitStack() as drafts:
        manifest = drafts.enter_context(draft(folder / MANIFEST, text))
        others = [drafts.enter_context(draft(folder / n, one)) for n, one in beside.items()]
        for name in beside:
            (folder / name).unlink(missing_ok=True)
        flush_folder(folder)
        for put in (manifest, *others):
            put()


def _drop_unnamed(folder: Path, tables: Iterable[str]) -> None:
    """Remove the tables that the manifest in place does not name; none, if it is damaged."""
    try:
        path = folder / MANIFEST
        entries = _parsed(folder, path.read_bytes())["tables"] if path.exists() else {}
        named = {entry["file"] for entry in entries.values()}
    except (AreaError, OSError, KeyError, TypeError, AttributeError):
        return
    for old in table_files(folder, tables):
        if old.name not in named:
            with suppress(OSError):
                old.unlink()


def table_files(folder: Path, tables: Iterable[str]) -> list[Path]:
    """Return the files of a folder that are called as those of tables are."""
    known = set(tables)
    return [
        path
        for path in sorted(folder.glob("*-????????.parquet"))
        if path.name.rsplit("-", 1)[0] in known
    ]


def is_unfinished(folder: Path, tables: Iterable[str]) -> bool:
    """Return whether a folder has nothing but what a killed first save has left behind."""
    ours = {*table_files(folder, tables), *folder.glob(".*.tmp")}
    return all(path in ours for path in folder.iterdir())


def manifest_text(manifest: Mapping[str, object], entries: Mapping[str, object]) -> bytes:
    """Return the text of a manifest, sealed."""
    return sealed(
        tomli_w.dumps(
            {"format": FORMAT, **manifest, "tables": dict(entries), "written_with": _versions()}
        )
    )


def sealed(text: str) -> bytes:
    r"""Return a manifest whose first line is the hash of the others: no change goes unseen.

    Examples
    --------
    >>> sealed("format = 2\n").decode().splitlines()[1]
    'format = 2'
    """
    content = text.encode()
    return _seal(content) + b"\n" + content


def _seal(content: bytes) -> bytes:
    return f'sha256 = "{hashlib.sha256(content).hexdigest()}"'.encode()


def read(folder: Path) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Return the manifest and the tables of a study area, every file checked against its hash.

    If the study area is saved anew meanwhile, the new one is read.

    Raises
    ------
    AreaError
        If a file is missing, was changed, or cannot be read; it is named.
    """
    while True:
        content = _manifest_bytes(folder)
        try:
            return _read(folder, content)
        except AreaError:
            if _manifest_bytes(folder) == content:
                raise


def _manifest_bytes(folder: Path) -> bytes:
    return _content(folder, folder / MANIFEST)


def _read(folder: Path, content: bytes) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Return what one manifest names."""
    manifest = _parsed(folder, content)
    try:
        named = {
            name: (str(entry["file"]), str(entry["sha256"]))
            for name, entry in manifest["tables"].items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        message = f"{folder.name}/{MANIFEST} is damaged: {error}. Build the study area again."
        raise AreaError(message) from error
    whole = {name: _table(folder, *entry) for name, entry in named.items()}
    return manifest, {
        name: _frame(f"{folder.name}/{file}", whole.pop(name)) for name, (file, _) in named.items()
    }


def _parsed(folder: Path, content: bytes) -> dict[str, Any]:
    """Return a manifest that is whole and of our format."""
    return unsealed(content, f"{folder.name}/{MANIFEST}", FORMAT, "Build the study area again.")


def unsealed(content: bytes, name: str, known: int, mend: str) -> dict[str, Any]:
    """Return a manifest that `sealed` has made.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        What it is called in messages.
    known : int
        Its format; another one is refused.
    mend : str
        What to do, in messages.

    Raises
    ------
    AreaError
        If a byte of it is another one than was written, or is missing.
    """
    seal, _, rest = content.partition(b"\n")
    whole = seal == _seal(rest)
    try:
        manifest = tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        message = f"{name} is damaged: {error}. {mend}"
        raise AreaError(message) from error
    if (whole or "sha256" not in manifest) and manifest.get("format", known) != known:
        message = f"{name} has format {manifest['format']!r}, not {known}. {mend}"
        raise AreaError(message)
    if not whole:
        message = (
            f"{name} is damaged, or was changed by hand: its hash is not the one in its first "
            f"line. {mend}"
        )
        raise AreaError(message)
    return manifest


def _content(folder: Path, path: Path) -> bytes:
    """Return the bytes of a file of a study area."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        message = f"{folder.name}/{path.name} is missing. Build the study area again."
        raise AreaError(message) from error
    except OSError as error:
        message = (
            f"{folder.name}/{path.name} cannot be read: {error.strerror}. Mend that, or build the "
            "study area again."
        )
        raise AreaError(message) from error


def _table(folder: Path, file: str, sha256: str) -> bytes:
    """Return a table's file, which is the one that was written."""
    path = folder / Path(file).name
    content = _content(folder, path)
    if hashlib.sha256(content).hexdigest() != sha256:
        message = (
            f"{folder.name}/{path.name} is damaged: its hash is not the one in {MANIFEST}. "
            "Build the study area again."
        )
        raise AreaError(message)
    return content


def _frame(name: str, content: bytes) -> pd.DataFrame:
    try:
        footer = pa.parquet.read_metadata(io.BytesIO(content))
        _refuse_bomb(name, footer, len(content))
        metadata = footer.schema.to_arrow_schema().metadata or {}
        reader = gpd.read_parquet if b"geo" in metadata else pd.read_parquet
        return reader(io.BytesIO(content))
    except AreaError:
        raise
    except _ODD as error:
        message = f"{name} cannot be read: {str(error)[:200]}. Build the study area again."
        raise AreaError(message) from error


def _refuse_bomb(name: str, footer: pa.parquet.FileMetaData, size: int) -> None:
    """Raise if a table is far larger than its file: the same value many times takes no room."""
    cells = footer.num_rows * footer.num_columns
    declared = sum(footer.row_group(i).total_byte_size for i in range(footer.num_row_groups))
    if cells > max(FREE_CELLS, MAX_CELLS_PER_BYTE * size) or declared > max(
        FREE_BYTES, MAX_RATIO * size
    ):
        message = (
            f"{name} would unpack to far more than its own size ({footer.num_rows:,} rows in "
            f"{size / 1e6:,.1f} MB): it is not read."
        )
        raise AreaError(message)


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
