"""The pages and what stands around them."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

import streamlit as st

from shelterplan.app import assets, data_page, find_page, gaps_page, settings, store
from shelterplan.app.markup import plain
from shelterplan.app.parts import page_language
from shelterplan.app.words import LANGUAGES, Words
from shelterplan.errors import ShelterplanError
from shelterplan.scenario import WALKERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from shelterplan.app.settings import Settings
    from shelterplan.study_area import StudyArea

DARK = (
    ":root { --go: #2fae74; --action: #007a43; --action-dark: #00612f; --soft: #1d2429; "
    "--rule: #8a959e; --warn: #3a2c08; --warn-rule: #ffb84d; --bad: #ff8a75; }"
)
"""The colours of `style.css` on a dark page."""

PAGES = {"find": find_page.show, "gaps": gaps_page.show, "data": data_page.show}
"""What each page shows, by its name in the address; the first one opens first."""


def run() -> None:
    """Show the page that the address names."""
    areas = list(store.known_areas())
    chosen = settings.current(areas)
    words = Words(chosen.lang)
    st.html(f"<style>{_style()}</style>")
    assets.register()
    pages = [
        st.Page(_page(name), title=words.of("page", name), url_path=name, default=position == 0)
        for position, name in enumerate(PAGES)
    ]
    here = st.navigation(pages, position="hidden")
    st.set_page_config(
        page_title=f"{here.title} – {words('app.name')}",
        page_icon="🟩",
        layout="wide",
        initial_sidebar_state="collapsed",
    )
    page_language(chosen.lang)
    _header(words, pages, chosen)
    with st.container(key="main"):
        here.run()
    _footer(words)
    settings.write_address()


def _style() -> str:
    """Return the style sheet, with the colours of a dark page where it is dark."""
    sheet = files("shelterplan.app").joinpath("style.css").read_text("utf-8")
    return sheet + (DARK if st.context.theme.type == "dark" else "")


def _page(name: str) -> Callable[[], None]:
    """Return what Streamlit runs for a page: its content, or in plain words why there is none."""

    def show() -> None:
        chosen: Settings = st.session_state["settings"]
        words = Words(chosen.lang)
        st.title(words.of("page", name), anchor=False)
        try:
            area = _choices(name, words, chosen)
            words = words.for_area(area)
            _banner(words, area)
            PAGES[name](area, chosen, words)
        except ShelterplanError as error:
            st.error(f"{words('app.failed')} {plain(str(error))}")

    return show


def _header(words: Words, pages: list[st.Page], chosen: Settings) -> None:
    """Show the name, the links to the pages and the languages."""
    with st.container(key="header", horizontal=True, vertical_alignment="center"):
        st.html(f"<p class='brand'>{escape(words('app.name'))}</p>", width="content")
        for page in pages:
            st.page_link(page, query_params=chosen.address())
        st.segmented_control(
            words("app.language"),
            list(LANGUAGES),
            key=settings.pick("lang"),
            required=True,
            format_func=LANGUAGES.__getitem__,
            label_visibility="collapsed",
            on_change=settings.take,
            args=("lang",),
        )


def _choices(name: str, words: Words, chosen: Settings) -> StudyArea:
    """Show the choice of the study area and of the walker; return the study area."""
    with st.container(key="choices", horizontal=True):
        titles = {key: _title(words, key) for key in store.known_areas()}
        st.selectbox(
            words("app.area"),
            list(titles),
            key=settings.pick("area"),
            format_func=titles.__getitem__,
            on_change=settings.take,
            args=("area",),
        )
        if name != "data":
            st.selectbox(
                words("app.walker"),
                list(WALKERS),
                key=settings.pick("walker"),
                format_func=lambda walker: words.of("walker", walker),
                on_change=settings.take,
                args=("walker",),
            )
    with st.spinner(words("app.opening")):
        return store.ready(chosen.area, chosen.scenario())


def _title(words: Words, name: str) -> str:
    """Return the title of a study area, its name if it cannot be opened."""
    try:
        area = store.area(name)
    except ShelterplanError:
        return name
    return words.for_area(area).translated(area.title)


def _banner(words: Words, area: StudyArea) -> None:
    """Say that the shelters are illustrative, where they are."""
    if "shelters" in area.illustrative:
        st.html(
            f"<p class='banner' role='note'><strong>{escape(words('app.illustrative'))}</strong> "
            f"{escape(words('app.illustrative_more'))}</p>"
        )


def _footer(words: Words) -> None:
    """Say whose data this is."""
    st.html(
        f"<footer><p>{escape(words('app.attribution'))}</p>"
        f"<p>{escape(words('app.privacy'))}</p></footer>"
    )
