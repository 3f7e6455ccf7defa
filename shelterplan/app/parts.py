"""Parts that Streamlit lacks: the phone's position, a button for the sidebar, the language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import streamlit as st

from shelterplan.app.words import TAGS, Words

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

_POSITION_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const button = parentElement.querySelector('button');
  button.textContent = data.label;
  button.onclick = () => {
    if (!navigator.geolocation) return setTriggerValue('answer', { problem: 'unavailable' });
    button.setAttribute('aria-busy', 'true');
    button.textContent = data.waiting;
    const done = value => {
      button.removeAttribute('aria-busy');
      button.textContent = data.label;
      setTriggerValue('answer', value);
    };
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => done({
        lon: coords.longitude, lat: coords.latitude, accuracy_m: coords.accuracy }),
      error => done({ problem: error.code === 1 ? 'refused' : 'unavailable' }),
      { enableHighAccuracy: true, timeout: 15000, maximumAge: 30000 });
  };
}
"""

_BUTTON_CSS = """
button { font: inherit; font-size: 1.125rem; font-weight: 600; width: 100%; min-height: 3rem;
  padding: 0.5rem 1rem; border-radius: 4px; cursor: pointer;
  color: var(--st-text-color); background: var(--st-secondary-background-color);
  border: 2px solid var(--st-text-color); }
button:hover { text-decoration: underline; }
button:focus-visible { outline: 4px solid #ffdd00; box-shadow: inset 0 0 0 2px #0b0c0c; }
"""

_SIDEBAR_JS = """
export default function ({ data, parentElement }) {
  const button = parentElement.querySelector('button');
  const shut = () => document.querySelector('[data-testid="stExpandSidebarButton"]');
  const close = () => document.querySelector('[data-testid="stSidebarCollapseButton"] button');
  button.textContent = data.label;
  button.onclick = () => {
    const opens = shut();
    (opens ?? close())?.click();
    if (opens) setTimeout(() => {
      close()?.setAttribute('aria-label', data.close);
      close()?.focus();
    }, 400);
  };
}
"""

_LANGUAGE_JS = "export default ({ data }) => { document.documentElement.lang = data.tag; }"


@dataclass(frozen=True, slots=True)
class Position:
    """What the phone said about where it is."""

    lon: float = 0.0
    lat: float = 0.0
    accuracy_m: float = 0.0
    """How far it may be from the truth, by the phone's own word [m]."""
    problem: Literal["", "refused", "unavailable"] = ""


@cache
def _position() -> ComponentRenderer:
    return st.components.v2.component(
        "shelterplan_position",
        html="<button type='button'></button>",
        css=_BUTTON_CSS,
        js=_POSITION_JS,
    )


@cache
def _language() -> ComponentRenderer:
    return st.components.v2.component("shelterplan_language", js=_LANGUAGE_JS)


@cache
def _sidebar() -> ComponentRenderer:
    return st.components.v2.component(
        "shelterplan_sidebar",
        html="<button type='button'></button>",
        css=_BUTTON_CSS,
        js=_SIDEBAR_JS,
    )


def sidebar_button(words: Words) -> None:
    """Show the button that opens and closes the sidebar."""
    data = {"label": words("app.settings"), "close": words("app.close_settings")}
    _sidebar()(key="sidebar_button", data=data, width="content")


def position_button(words: Words) -> Position | None:
    """Show the button that asks the phone for its position; return what it just answered."""
    result = _position()(
        key="position",
        data={"label": words("find.use_position"), "waiting": words("find.locating")},
        on_answer_change=lambda: None,
    )
    return read_position(result.answer)


def read_position(answer: object) -> Position | None:
    """Return a position from the browser's answer, None if there is none.

    Examples
    --------
    >>> read_position({"problem": "refused"}).problem, read_position({"lon": "x"}).problem
    ('refused', 'unavailable')
    """
    if not answer:
        return None
    if not isinstance(answer, Mapping):
        return Position(problem="unavailable")
    try:
        if answer.get("problem"):
            return Position(problem="refused" if answer["problem"] == "refused" else "unavailable")
        lon, lat = float(answer["lon"]), float(answer["lat"])
        accuracy_m = float(answer.get("accuracy_m") or 0.0)
    except (KeyError, TypeError, ValueError):
        return Position(problem="unavailable")
    in_range = -180 <= lon <= 180 and -90 <= lat <= 90
    return Position(lon, lat, accuracy_m) if in_range else Position(problem="unavailable")


def page_language(lang: str) -> None:
    """Tell the browser, and a screen reader, which language the page is in."""
    with st.container(key="page_language"):
        _language()(key="language", data={"tag": TAGS[lang]})
