"""A report as CSV: one file a table, in a ZIP archive, safe to open in a spreadsheet."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pandas as pd

from shelterplan.views.exports import safe_cell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shelterplan.views.report.contents import Report

FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a ZIP archive can tell: all entries have it, whatever the clock says."""

SAID = ("attribution", "illustrative")
"""Facts that every row tells, since a file may leave the archive."""


def to_csv(report: Report) -> bytes:
    """Return all tables as a ZIP archive of CSV files, the same bytes for the same report."""
    return archive(to_files(report))


def to_files(report: Report) -> dict[str, bytes]:
    """Return each table as the bytes of a CSV file, by its name."""
    facts = report.facts.texts()
    said = {name: facts[name] for name in SAID}
    return {f"{name}.csv": written(table.assign(**said)) for name, table in report.tables.items()}


def written(table: pd.DataFrame) -> bytes:
    r"""Return a table as CSV in UTF-8, with the mark by which spreadsheets know it.

    Texts that a spreadsheet would run as a formula get an apostrophe. A walk without end is written
    ``inf``, what is not known is empty. A place is told by a point of it, longitude and latitude.

    Examples
    --------
    >>> written(pd.DataFrame({"name": ["=1+1"], "walk_m": [float("inf")]})).decode("utf-8-sig")
    "name,walk_m\r\n'=1+1,inf\r\n"
    """
    rows = with_points(table)
    worded = rows.select_dtypes(exclude=["number", "bool"]).columns
    rows = rows.assign(**{name: rows[name].map(safe_cell) for name in worded})
    return ("\ufeff" + rows.to_csv(index=False, lineterminator="\r\n")).encode("utf-8")


def with_points(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with `lon` and `lat` of a point within each place instead of its geometry."""
    if "geometry" not in table:
        return table
    points = table["geometry"].representative_point()
    return pd.DataFrame(table.drop(columns="geometry")).assign(lon=points.x, lat=points.y)


def archive(content: Mapping[str, bytes]) -> bytes:
    """Return files as a ZIP archive whose bytes depend on nothing but them.

    Examples
    --------
    >>> archive({"a.txt": b"a"}) == archive({"a.txt": b"a"})
    True
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, one in content.items():
            entry = zipfile.ZipInfo(name, FIRST_DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            made.writestr(entry, one)
    return stream.getvalue()
