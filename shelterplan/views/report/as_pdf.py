"""A report as PDF, made of its page of HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelterplan.views.pdf import to_pdf as printed
from shelterplan.views.report.as_html import to_html

if TYPE_CHECKING:
    from shelterplan.views.report.contents import Report


def to_pdf(report: Report) -> bytes:
    """Return a report as a tagged PDF with the date of the report.

    Raises
    ------
    PdfError
        If the system libraries of the PDF engine are missing.
    """
    return printed(to_html(report).decode())
