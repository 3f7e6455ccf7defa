"""A page of HTML as PDF: made here, with nothing fetched from anywhere."""

from __future__ import annotations

from typing import Any, Final

from shelterplan.errors import ShelterplanError

MISSING: Final = (
    "PDF needs the system library Pango, which was not found. Install it (Debian and Ubuntu: "
    "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0; macOS: brew install "
    "pango; Windows: the GTK3 runtime), or write the document as .html and print it in a browser."
)


class PdfError(ShelterplanError, OSError):
    """A PDF cannot be made on this computer."""


def to_pdf(html: str) -> bytes:
    """Return a page of HTML as a tagged PDF.

    Only what stands in the page itself is used: its own styles, inline SVG and ``data:`` addresses.
    Everything else is refused, files and the network alike, and left out. The same page gives the
    same bytes with the same fonts and versions: a PDF has the date that stands in the page
    (``<meta name="dcterms.created">``), and none if there is none.

    Parameters
    ----------
    html : str
        The whole document; its ``lang`` and ``<title>`` are the PDF's.

    Returns
    -------
    bytes
        The PDF.

    Raises
    ------
    PdfError
        If the system libraries of the PDF engine (WeasyPrint) are missing.

    Examples
    --------
    >>> page = "<html lang='en'><title>Gaps</title><p>5 people</p></html>"
    >>> to_pdf(page)[:5], to_pdf(page) == to_pdf(page)
    (b'%PDF-', True)
    """
    page, fetcher = _engine()
    fetch = fetcher(allowed_protocols=("data",), allow_redirects=False)
    made: bytes = page(string=html, url_fetcher=fetch).write_pdf(pdf_tags=True)
    return made


def ready() -> bool:
    """Return whether PDFs can be made on this computer."""
    try:
        _engine()
    except PdfError:
        return False
    return True


def _engine() -> tuple[Any, Any]:
    """Return what makes a page, and what fetches for it."""
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:
        raise PdfError(MISSING) from error
    return HTML, URLFetcher
