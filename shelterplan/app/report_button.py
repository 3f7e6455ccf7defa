"""The report as files to take away: each is made when somebody asks for it."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING, Final

import streamlit as st

from shelterplan.app import jobs, store
from shelterplan.views import pdf
from shelterplan.views.report.contents import Language, day_of_report, report
from shelterplan.views.report.formats import MIME, in_format

if TYPE_CHECKING:
    from datetime import date

    from shelterplan.app.words import Words
    from shelterplan.scenario import Scenario
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea

OFFERED: Final = {
    "pdf": ("PDF", "pdf"),
    "html": ("HTML", "html"),
    "xlsx": ("Excel", "xlsx"),
    "gpkg": ("GeoPackage", "gpkg"),
    "zip": ("CSV", "zip"),
}
"""Formats that are offered: what each is called, and how its file ends."""


def report_button(
    area: StudyArea, scenario: Scenario, standard: AccessStandard, words: Words
) -> None:
    """Offer the report on a study area in several formats.

    It is of the whole study area, in the page's language, and made on a click.

    Parameters
    ----------
    area
        The place.
    scenario, standard
        What is assumed on the page.
    words
        The page's language.
    """
    st.header(words("report.title"), anchor=False)
    st.html(f"<p>{escape(words('report.lead'))}</p>")
    day = day_of_report()
    shown = [name for name in OFFERED if name != "pdf" or pdf.ready()]
    with st.container(key="report_downloads", horizontal=True):
        for name in shown:
            label, ending = OFFERED[name]
            st.download_button(
                label,
                partial(made, area.name, area.version, scenario, standard, words.lang, day, name),
                f"{area.name}-report.{ending}",
                MIME[name],
                key=f"report_{name}",
                on_click="ignore",
            )
    if "pdf" not in shown:
        st.html(f"<p>{escape(words('report.no_pdf'))}</p>")


@st.cache_data(max_entries=8, show_spinner=False)
def made(
    area: str,
    version: str,  # noqa: ARG001 - part of the key
    scenario: Scenario,
    standard: AccessStandard,
    language: str,
    day: date,
    name: str,
) -> bytes:
    """Return the report on a study area in one format."""
    spoken: Language = "zh" if language == "zh" else "en"
    with jobs.turn():
        told = report(store.area(area), scenario, standard, language=spoken, today=day)
        return in_format(told, name)
