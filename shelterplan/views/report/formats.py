"""A report as a file: the ending says in which format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shelterplan.errors import UnknownNameError
from shelterplan.views.report import as_csv, as_gpkg, as_html, as_parquet, as_pdf, as_xlsx

if TYPE_CHECKING:
    from collections.abc import Callable

    from shelterplan.views.report.contents import Report

FORMATS: Final[dict[str, Callable[[Report], bytes]]] = {
    "html": as_html.to_html,
    "pdf": as_pdf.to_pdf,
    "xlsx": as_xlsx.to_xlsx,
    "gpkg": as_gpkg.to_gpkg,
    "zip": as_csv.to_csv,
    "parquet": as_parquet.to_zip,
}
"""What makes each format, by its name: `zip` is CSV, `parquet` is GeoParquet in a ZIP archive."""
MIME: Final = {
    "html": "text/html",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "gpkg": "application/geopackage+sqlite3",
    "zip": "application/zip",
    "parquet": "application/zip",
}


def in_format(report: Report, name: str) -> bytes:
    """Return a report in one format, the same bytes for the same report.

    Parameters
    ----------
    report : Report
        What is told.
    name : str
        One of `FORMATS`.

    Raises
    ------
    UnknownNameError
        If there is no such format.
    PdfError
        If a PDF is asked for and its engine's libraries are missing.
    """
    if name not in FORMATS:
        raise UnknownNameError("format of a report", name, list(FORMATS))
    return FORMATS[name](report)
