"""What a task has written, and how to see that it is whole and still holds.

A result is a few tables and a record beside them, which is put in place last:

    <folder>/<name>.<table>.parquet
    <folder>/<name>.json                the key, and the hash of each table

The key is a hash of all that the tables depend on. A result whose key or hashes differ from what is
expected does not count, and is made again; the same key gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from shelterplan.area_files import serialised
from shelterplan.atomic import write_whole
from shelterplan.errors import AreaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Where(NamedTuple):
    """Where a result lies."""

    folder: Path
    name: str

    @property
    def record(self) -> Path:
        """The record, which is written last."""
        return self.folder / f"{self.name}.json"

    def table(self, table: str) -> Path:
        """Return the file of one table."""
        return self.folder / f"{self.name}.{table}.parquet"


def key_of(
    what: str, name: str, inputs: Iterable[tuple[str, str]], parameters: str, code: str
) -> str:
    """Return the hash of all that a result depends on.

    Parameters
    ----------
    what, name : str
        The stage and the tile.
    inputs : iterable of (str, str)
        Name and hash of each file that is read; their order does not matter.
    parameters : str
        The parameters as text.
    code : str
        See `code_version.code_version`.

    Examples
    --------
    >>> one = key_of("walks", "1_2", [("a", "0f"), ("b", "aa")], "{}", "c")
    >>> one == key_of("walks", "1_2", [("b", "aa"), ("a", "0f")], "{}", "c")
    True
    >>> one == key_of("walks", "1_2", [("a", "0f"), ("b", "ab")], "{}", "c")
    False
    """
    text = json.dumps([what, name, sorted(map(list, inputs)), parameters, code])
    return hashlib.sha256(text.encode()).hexdigest()


def write(where: Where, key: str, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write a result: the tables, each in one step, then the record; what it replaces is dropped.

    Killed at any moment, it leaves a result that counts and is whole, or none that counts.
    """
    where.folder.mkdir(parents=True, exist_ok=True)
    contents = serialised(tables)
    for table, content in contents.items():
        write_whole(where.table(table), content)
    hashes = {table: hashlib.sha256(content).hexdigest() for table, content in contents.items()}
    write_whole(where.record, _text(where, key, hashes))
    kept = {where.table(table).name for table in tables}
    for old in where.folder.glob(f"{where.name}.*.parquet"):
        if old.name not in kept:
            old.unlink(missing_ok=True)


def finished(where: Where, key: str) -> bool:
    """Say whether a result is there, was made of the same things, and is whole."""
    hashes = _hashes(where, key)
    return hashes is not None and all(
        _sha256(where.table(table)) == digest for table, digest in hashes.items()
    )


def files(where: Where) -> list[tuple[str, str]]:
    """Return name and hash of each file of a result, as its record says.

    Raises
    ------
    AreaError
        If there is no record, or it is damaged.
    """
    found = _record(where)
    if found is None:
        message = f"{where.folder.name}/{where.record.name} is missing or damaged. Run it again."
        raise AreaError(message)
    return sorted((where.table(table).name, digest) for table, digest in found[1].items())


def read(where: Where) -> dict[str, pd.DataFrame]:
    """Return the tables of a result, each checked against its hash.

    Raises
    ------
    AreaError
        If a file is missing or damaged; it is named.
    """
    found = _record(where)
    if found is None:
        message = f"{where.folder.name}/{where.record.name} is missing or damaged. Run it again."
        raise AreaError(message)
    tables = {}
    for table, digest in found[1].items():
        path = where.table(table)
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != digest:
            message = f"{where.folder.name}/{path.name} is missing or damaged. Run it again."
            raise AreaError(message)
        tables[table] = pd.read_parquet(io.BytesIO(content))
    return tables


def drop(where: Where) -> None:
    """Remove a result, the record first."""
    where.record.unlink(missing_ok=True)
    for table in where.folder.glob(f"{where.name}.*.parquet"):
        table.unlink(missing_ok=True)


def _text(where: Where, key: str, hashes: Mapping[str, str]) -> bytes:
    content = {"result": where.name, "key": key, "sha256": dict(hashes)}
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def _record(where: Where) -> tuple[str, dict[str, str]] | None:
    """Return key and hashes of a record; None if it is missing or not as it was written."""
    try:
        content = where.record.read_bytes()
        found: dict[str, Any] = json.loads(content)
        key, hashes = str(found["key"]), {str(t): str(h) for t, h in found["sha256"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return (key, hashes) if _text(where, key, hashes) == content else None


def _hashes(where: Where, key: str) -> dict[str, str] | None:
    found = _record(where)
    return None if found is None or found[0] != key else found[1]


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""
