"""Excel workbooks (.xlsx) read as text: no formula is run, and nothing unpacks without bound.

openpyxl reads the cells one row after the other, so a cell in the last corner of a sheet costs
nothing (readers that lay out the whole rectangle need terabytes for it). What it is given is a
copy of the few parts that it needs, unpacked here within limits and free of document types, and
with them of entities.
"""

from __future__ import annotations

import datetime as dt
import re
import tempfile
import warnings
import zipfile
import zlib
from itertools import islice
from typing import IO, TYPE_CHECKING, Any
from xml.parsers import expat

from shelterplan.errors import SourceError
from shelterplan.sources.text_tables import MAX_COLUMNS, MAX_ROWS, TextTable, sort_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_MEMBERS = 2_000
"""Most members of a workbook (pictures count too, though they are not read)."""
MAX_UNPACKED_BYTES = 300 * 1024**2
"""Most that the parts that are read may unpack to [bytes]."""
MAX_RATIO = 250
"""Most that one part may grow by, once it is larger than `RATIO_FREE_BYTES`."""
RATIO_FREE_BYTES = 5 * 1024**2
"""Sheets of equal cells shrink a lot: below this size the growth does not matter [bytes]."""
MAX_CELLS = 10_000_000
"""Most cells of a sheet, empty ones between others counted."""
TITLE_ROWS = 10
"""A title above the table has at most this many rows."""
NOT_READ = re.compile(
    r"(^|/)(drawings|charts|theme|media|externalLinks|docProps|customXml|pivot\w*|comments)",
    re.IGNORECASE,
)
"""Parts of a workbook that hold no cells."""
ZEROS = re.compile(r"0+")
"""A number format that fills up with zeros, such as that of the code 0330106."""


def is_workbook(file: Path) -> bool:
    """Say whether a file is an Excel workbook, by its content."""
    with file.open("rb") as stream:
        if stream.read(4) != b"PK\x03\x04":
            return False
    try:
        with zipfile.ZipFile(file) as archive:
            names = {name.casefold() for name in archive.namelist()}
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return False
    return "[content_types].xml" in names and any(name.startswith("xl/") for name in names)


def read_workbook(file: Path, *, sheet: str = "") -> tuple[TextTable, str]:
    """Read a sheet of an Excel workbook as text.

    Numbers formatted with leading zeros keep them, dates become ISO 8601, a formula gives the
    value that was saved with it, and an error such as #N/A gives nothing. Rows with one filled
    cell above the table are its title and are skipped.

    Parameters
    ----------
    file : path
        The workbook.
    sheet : str
        Name of the sheet; by default the first.

    Returns
    -------
    table, sheet
        The rows with the numbers that Excel shows, and the name of the sheet.

    Raises
    ------
    SourceError
        No whole workbook, no such sheet, or larger than the limits.
    """
    from openpyxl import load_workbook

    with tempfile.TemporaryFile() as plain, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl names the decorations that it does not read
        _copy_parts(file, plain)
        try:
            book = load_workbook(plain, read_only=True, data_only=True, keep_links=False)
            names = [one.title for one in book.worksheets]
        except Exception as error:
            raise SourceError(f"{file.name} is no whole Excel workbook") from error
        if not names or (sheet and sheet not in names):
            raise SourceError(
                f"{file.name} has no sheet {sheet!r}; sheets: {', '.join(names)[:400] or 'none'}"
            )
        chosen = sheet or names[0]
        try:
            rows = list(_rows(book[chosen], file.name))
        except SourceError:
            raise
        except Exception as error:
            raise SourceError(
                f"{file.name}: sheet {chosen!r} cannot be read; save the workbook again, or as "
                "'CSV UTF-8'"
            ) from error
    return _table(rows, file.name), chosen


def _copy_parts(file: Path, target: IO[bytes]) -> None:
    """Write the parts that hold cells to a new archive, never more than they declare."""
    try:
        with zipfile.ZipFile(file) as archive, zipfile.ZipFile(target, "w") as copy:
            for name, member in _parts(archive, file.name).items():
                with archive.open(member) as stream:
                    data = stream.read(member.file_size)  # never more than it declares
                _refuse_document_type(data, file.name)
                copy.writestr(name, data)
    except (
        zipfile.BadZipFile,
        zlib.error,
        expat.ExpatError,
        RuntimeError,
        OSError,
        EOFError,
        NotImplementedError,
        ValueError,
    ) as error:
        if isinstance(error, SourceError):
            raise
        said = str(error)[:200]
        raise SourceError(f"{file.name} is no whole Excel workbook: {said}") from error


def _parts(archive: zipfile.ZipFile, name: str) -> dict[str, zipfile.ZipInfo]:
    """Return the parts that are read, within the limits."""
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise SourceError(f"{name} has {len(members):,} members; at most {MAX_MEMBERS:,}")
    parts = {
        one.filename: one
        for one in members
        if one.filename.lower().endswith((".xml", ".rels")) and not NOT_READ.search(one.filename)
    }
    if any(one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for one in members):
        raise SourceError(f"{name} is packed in a way that no workbook is: refused")
    if sum(one.file_size for one in parts.values()) > MAX_UNPACKED_BYTES or any(
        one.file_size > max(RATIO_FREE_BYTES, MAX_RATIO * one.compress_size)
        for one in parts.values()
    ):
        raise SourceError(f"{name} would unpack to far more than its own size: refused")
    return parts


def _refuse_document_type(data: bytes, name: str) -> None:
    """Stop at a document type: workbooks have none, and entities need one."""

    def refuse(*_: object) -> None:
        raise SourceError(f"{name} declares an XML document type, which no workbook needs: refused")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(data, True)


def _rows(sheet: Any, name: str) -> Iterator[tuple[int, list[str]]]:  # noqa: ANN401  (openpyxl)
    """Yield each row that has any text, with its number."""
    sheet.reset_dimensions()  # what a sheet says of its size may be wrong
    cells = 0
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells += len(row)
        if number > MAX_ROWS + 1 or cells > MAX_CELLS:
            raise SourceError(
                f"{name} has more than {MAX_ROWS:,} rows or {MAX_CELLS:,} cells: split it"
            )
        fields = [_text(cell) for cell in row]
        while fields and not fields[-1]:
            fields.pop()
        if fields:
            yield number, fields


def _text(cell: Any) -> str:  # noqa: ANN401  (a cell of openpyxl)
    """Return a cell as text."""
    value = cell.value
    if value is None or cell.data_type == "e":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, (int, float)) and float(value).is_integer():
        shown = cell.number_format
        width = len(shown) if value >= 0 and ZEROS.fullmatch(shown) else 0
        return str(int(value)).zfill(width)
    return str(value).strip()


def _table(rows: list[tuple[int, list[str]]], name: str) -> TextTable:
    """Return the rows under the first one that is no title."""
    filled = [sum(map(bool, fields)) for _, fields in rows[:TITLE_ROWS]]
    head = next((i for i, count in enumerate(filled) if count > 1), 0)
    header = rows[head][1] if rows else []
    if len(header) > MAX_COLUMNS:
        raise SourceError(f"{name} has {len(header):,} columns; at most {MAX_COLUMNS:,} are read")
    if len(rows) * len(header) > MAX_CELLS:
        raise SourceError(f"{name} has more than {MAX_CELLS:,} cells under its header: split it")
    padded = (
        (number, fields + [""] * (len(header) - len(fields)))
        for number, fields in islice(rows, head + 1, None)
    )
    good, faults = sort_rows(padded, len(header))
    return TextTable(header, good, faults, "", "")
