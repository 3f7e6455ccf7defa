"""The pages and what stands around them."""

from __future__ import annotations

from contextlib import suppress
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

import streamlit as st

from shelterplan.app import (
    assets,
    data_page,
    equity_page,
    find_page,
    gaps_page,
    proposals_page,
    resident_maps,
    settings,
    sidebar,
    sites_page,
    store,
    warm,
)
from shelterplan.app.markup import plain
from shelterplan.app.parts import page_language, sidebar_button
from shelterplan.app.words import LANGUAGES, Words
from shelterplan.errors import ShelterplanError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shelterplan.app.settings import Settings
    from shelterplan.study_area import StudyArea

DARK = (
    ":root { --go: #2fae74; --action: #007a43; --action-dark: #00612f; --soft: #1d2429; "
    "--rule: #8a959e; --warn: #3a2c08; --warn-rule: #ffb84d; --bad: #ff8a75; }"
)
"""The colours of `style.css` on a dark page."""

PAGES = {
    "find": find_page.show,
    "gaps": gaps_page.show,
    "sites": sites_page.show,
    "proposals": proposals_page.show,
    "equity": equity_page.show,
    "data": data_page.show,
}
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
    _header(words, pages, chosen, assumes=here.url_path != "data")
    with st.container(key="main"):
        here.run()
    _footer(words)
    settings.write_address()
    if here.url_path not in PAGES or here.url_path == "find":
        _prepare()
    if resident_maps.served():
        warm.settle()


def _prepare() -> None:
    """Prepare the first answer while the page is already there to be read."""
    chosen: Settings = st.session_state["settings"]
    with suppress(ShelterplanError):  # the page has said it
        version = store.area(chosen.area).version
        store.prepare(chosen.area, version, chosen.scenario(), chosen.access_standard())


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
            area = _choices(name, words)
            chosen = st.session_state["settings"]
            words = words.for_area(area)
            _banner(words, area, chosen.hazard)
            if name != "data":
                sidebar.show(words, area, chosen)
                _assumed(words, chosen)
            PAGES[name](area, chosen, words)
        except ShelterplanError as error:
            st.error(f"{words('app.failed')} {plain(str(error))}")

    return show


def _header(words: Words, pages: list[st.Page], chosen: Settings, *, assumes: bool) -> None:
    """Show the name, the links to the pages, the button of the assumptions and the languages."""
    with st.container(key="header", horizontal=True, vertical_alignment="center"):
        st.html(f"<p class='brand'>{escape(words('app.name'))}</p>", width="content")
        for page in pages:
            st.page_link(page, query_params=chosen.address())
        if assumes:
            sidebar_button(words)
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


def _choices(name: str, words: Words) -> StudyArea:
    """Show the choice of the study area, the hazard and the walker; return the study area."""
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
        chosen: Settings = st.session_state["settings"]
        area = store.area(chosen.area)
        chosen = settings.fit(area)
        if name != "data":
            sidebar.hazard_and_walker(words, area)
    with st.spinner(words("app.opening")):
        return store.ready(chosen.area, chosen.scenario())


def _assumed(words: Words, chosen: Settings) -> None:
    """Say in one line what is assumed, unless it is an ordinary day."""
    said = sidebar.assumed(words, chosen)
    if settings.closing_refused():
        said = f"{said} {words('app.too_many_closed')}"
    if said:
        st.html(f"<p class='assumed'>{escape(said)}</p>")


def _title(words: Words, name: str) -> str:
    """Return the title of a study area, its name if it cannot be opened."""
    try:
        area = store.area(name)
    except ShelterplanError:
        return name
    return words.for_area(area).translated(area.title)


def _banner(words: Words, area: StudyArea, hazard: str) -> None:
    """Say that the shelters, and the zones of the chosen hazard, are illustrative, if they are."""
    said = []
    if "shelters" in area.illustrative:
        said.append(words("app.illustrative_more"))
    if "hazards" in area.illustrative and (area.hazards["hazard"] == hazard).any():
        said.append(words("app.illustrative_zones"))
    if said:
        title = escape(words("app.illustrative"))
        more = escape(" ".join(said))
        st.html(f"<p class='banner' role='note'><strong>{title}</strong> {more}</p>")


def _footer(words: Words) -> None:
    """Say whose data this is."""
    st.html(
        f"<footer><p>{escape(words('app.attribution'))}</p>"
        f"<p>{escape(words('app.privacy'))}</p></footer>"
    )
