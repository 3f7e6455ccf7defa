"""The button for a community's card: one printed page in the language of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import streamlit as st

from shelterplan.app import jobs, resident_maps, store
from shelterplan.views import cards
from shelterplan.views.pdf import ready, to_pdf

if TYPE_CHECKING:
    from shelterplan.app.gaps_view import View
    from shelterplan.scenario import Scenario
    from shelterplan.standards import AccessStandard


def card_button(view: View, community: str) -> None:
    """Offer the card of one community as a PDF, or as HTML where no PDF can be made.

    It is made when it is asked for. Streets, areas and shelters that were closed by hand are
    closed on the card, too.
    """
    words = view.words
    pdf = ready()
    ending, kind = ("pdf", "application/pdf") if pdf else ("html", "text/html")
    asked = (view.area.name, view.area.version, community, view.scenario, view.standard)
    address = st.context.url if resident_maps.served() else None
    link = map_address(address, view.area.name, words.lang)
    st.download_button(
        words("gaps.card") if pdf else words("gaps.card_html"),
        lambda: card_file(*asked, words.lang, link, pdf=pdf),
        f"{view.area.name}-{file_name(community)}-{words.lang}.{ending}",
        kind,
        key="download_card",
        on_click="ignore",
    )


@st.cache_data(max_entries=32, show_spinner=False)
def card_file(
    area: str,
    version: str,  # noqa: ARG001 - part of the key
    community: str,
    scenario: Scenario,
    standard: AccessStandard,
    language: str,
    link: str | None = None,
    *,
    pdf: bool,
) -> bytes:
    """Return the card of a community as a file."""
    with jobs.turn():
        made = cards.cards(
            store.area(area),
            communities=[community],
            scenario=scenario,
            standard=standard,
            language=language,
            link=link,
        )
        page = cards.to_html(made)
        return to_pdf(page) if pdf else page.encode("utf-8")


def map_address(page: str | None, area: str, lang: str) -> str | None:
    """Return where the offline map of a study area is, for paper; None if only here.

    Parameters
    ----------
    page : str or None
        Address at which somebody opened the app, as the browser says it.
    area, lang : str
        Study area and language.

    Examples
    --------
    >>> map_address("https://shelters.example.org/gaps?area=monaco", "monaco", "zh")
    'https://shelters.example.org/resident/monaco?lang=zh#zh'
    >>> map_address("http://127.0.0.1:8501/gaps", "monaco", "zh") is None
    True
    """
    parts = urlsplit(page or "")
    if parts.scheme not in {"http", "https"} or not parts.hostname or _is_here(parts.hostname):
        return None
    return f"{parts.scheme}://{parts.netloc}/{resident_maps.address(area, lang)}"


def _is_here(host: str) -> bool:
    """Return whether an address is one that only this computer knows."""
    return host == "localhost" or host.startswith("127.") or host in {"::1", "0.0.0.0"}  # noqa: S104


def file_name(community: str) -> str:
    """Return an id as a part of a file's name: letters, digits and hyphens.

    Examples
    --------
    >>> file_name("way/12 34"), file_name("///")
    ('way-12-34', 'card')
    """
    kept = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in community)
    return kept.strip("-")[:60] or "card"
