"""The button for a community's card: one printed page in the language of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from shelterplan.app import store
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
    st.download_button(
        words("gaps.card") if pdf else words("gaps.card_html"),
        lambda: card_file(*asked, words.lang, pdf=pdf),
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
    *,
    pdf: bool,
) -> bytes:
    """Return the card of a community as a file."""
    made = cards.cards(
        store.area(area),
        communities=[community],
        scenario=scenario,
        standard=standard,
        language=language,
    )
    page = cards.to_html(made)
    return to_pdf(page) if pdf else page.encode("utf-8")


def file_name(community: str) -> str:
    """Return an id as a part of a file's name: letters, digits and hyphens.

    Examples
    --------
    >>> file_name("way/12 34"), file_name("///")
    ('way-12-34', 'card')
    """
    kept = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in community)
    return kept.strip("-")[:60] or "card"
