"""A report as a workbook: one sheet a table, headings in words, no cell that could be a formula."""

from __future__ import annotations

import io
import math
import re
import zipfile
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from shelterplan.views.exports import safe_cell
from shelterplan.views.report.as_csv import archive, with_points
from shelterplan.views.report.voice import unit_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

    from shelterplan.views.report.contents import Report
    from shelterplan.views.report.voice import Voice

LONGEST_CELL: Final = 32_767
"""Signs that a cell can hold."""
MOST_ROWS: Final = 1_048_575
"""Rows that a sheet can hold below its heading."""
SHARE: Final = '[<0.99995]0.00%;[<1]">"99.99%;0%'
"""Never 100 % unless it is."""
FORMATS: Final = {
    "people": "#,##0",
    "m": "#,##0",
    "m²": "#,##0",
    "s": "#,##0",
    "min": "#,##0",
    "years": "0.0",
}
_HEAD: Final = PatternFill("solid", fgColor="FFDDE5EA")
_WIDEST, _NARROWEST = 60, 9
_CHANGED = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms)")


def to_xlsx(report: Report) -> bytes:
    """Return all tables as a workbook, the same bytes for the same report.

    The first sheet says what the report is about, and what each other sheet holds. A heading is the
    column's meaning with its unit; the sheet `columns` has the names that the other formats use. A
    walk without end is the text ``inf``, what is not known is empty. Texts are stored as texts, and
    those that begin like a formula get an apostrophe, so that they stay texts when copied.
    """
    book = Workbook(write_only=True)
    voice = report.voice
    for name, table in report.tables.items():
        _sheet(book.create_sheet(name[:31]), voice, name, table)
    book.properties.title = ILLEGAL_CHARACTERS_RE.sub("", report.title)
    book.properties.creator = str(report.manifest["program"])
    stream = io.BytesIO()
    book.save(stream)
    return _dated(stream.getvalue(), f"{report.day.isoformat()}T00:00:00Z")


def _sheet(sheet: WriteOnlyWorksheet, voice: Voice, name: str, table: pd.DataFrame) -> None:
    rows = with_points(table).head(MOST_ROWS)
    heads = [_heading(voice, rows, column) for column in rows.columns]
    for number, column in enumerate(rows.columns, 1):
        width = _width(rows[column], heads[number - 1])
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.freeze_panes = "C2" if name in {"communities", "priority"} else "B2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(heads))}{len(rows) + 1}"
    sheet.append([_head_cell(sheet, head) for head in heads])
    formats = [_format(rows, column) for column in rows.columns]
    columns = [rows[column].tolist() for column in rows.columns]
    for values in zip(*columns, strict=True):
        cells = zip(values, formats, strict=True)
        sheet.append([_cell(sheet, value, form) for value, form in cells])


def _heading(voice: Voice, rows: pd.DataFrame, column: str) -> str:
    if column in {"lon", "lat"}:
        return voice.say(f"column.{column}")
    unit = "" if _worded(rows, column) or column == "return_period" else unit_of(column)
    shown = unit if unit in {"m", "s", "min", "m²"} else ""
    return f"{voice.column(column)} [{shown}]" if shown else voice.column(column)


def _worded(rows: pd.DataFrame, column: str) -> bool:
    return not pd.api.types.is_numeric_dtype(rows[column])


def _format(rows: pd.DataFrame, column: str) -> str:
    """Return how a column's numbers are shown; empty for texts."""
    if _worded(rows, column) or pd.api.types.is_bool_dtype(rows[column]):
        return ""
    if column.endswith("_share"):
        return SHARE
    unit = unit_of(column)
    if unit in FORMATS:
        return FORMATS[unit]
    return "0.00000" if column in {"lon", "lat"} else "0.000" if unit else "General"


def _head_cell(sheet: WriteOnlyWorksheet, text: str) -> WriteOnlyCell:
    cell = _text(sheet, text)
    cell.font, cell.fill = Font(bold=True), _HEAD
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def _cell(sheet: WriteOnlyWorksheet, value: Any, form: str) -> WriteOnlyCell | None:  # noqa: ANN401
    """Return a cell: a text as text, a finite number as number, nothing for what is not known."""
    if value is None or value is pd.NA or value != value:  # noqa: PLR0124 - NaN
        return None
    if isinstance(value, str):
        return _text(sheet, value)
    if isinstance(value, bool):
        return WriteOnlyCell(sheet, value=value)
    if not math.isfinite(value):
        return _text(sheet, "inf" if value > 0 else "-inf")
    cell = WriteOnlyCell(sheet, value=value)
    if form:
        cell.number_format = form
    return cell


def _text(sheet: WriteOnlyWorksheet, text: str) -> WriteOnlyCell:
    """Return a cell of text that no spreadsheet takes for anything else."""
    shown = ILLEGAL_CHARACTERS_RE.sub("", str(safe_cell(text)))[:LONGEST_CELL]
    cell = WriteOnlyCell(sheet, value=shown)
    cell.data_type = "s"
    return cell


def _width(column: pd.Series[Any], head: str) -> float:
    """Return how wide a column is shown."""
    texts: Iterable[str] = (
        column.dropna().head(400)
        if not pd.api.types.is_numeric_dtype(column)
        else (f"{value:,.0f}" for value in column.dropna().head(400))
    )
    longest = max((_signs(text) for text in texts), default=0)
    return float(min(_WIDEST, max(_NARROWEST, longest + 2, min(_signs(head), 24))))


def _signs(text: str) -> int:
    """Return how many columns of Latin letters a text takes."""
    return sum(2 if ord(sign) > 0x2E80 else 1 for sign in text)


def _dated(book: bytes, moment: str) -> bytes:
    """Return a workbook whose dates are not those of the clock."""
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        content = {name: parts.read(name) for name in parts.namelist()}
    core = "docProps/core.xml"
    content[core] = _CHANGED.sub(rb"\g<1>" + moment.encode() + rb"\g<3>", content[core])
    return archive(content)
