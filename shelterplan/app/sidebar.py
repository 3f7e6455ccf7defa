"""The assumptions: what may be chosen of the scenario and the standard, and what that means."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st

from shelterplan.app import settings
from shelterplan.app.settings import OWN, OWN_MINUTES, WORDS, Settings
from shelterplan.situation import hazards_of
from shelterplan.standards import presets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shelterplan.app.words import Words
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea


def hazard_and_walker(words: Words, area: StudyArea) -> None:
    """Show the two choices that a resident needs; the hazard where anything is known of one."""
    hazards = hazards_of(area)
    if hazards:
        choose = partial(_select, words("app.hazard"), "hazard", ["", *hazards])
        choose(lambda hazard: words.of("hazard", hazard or "none"))
    _select(words("app.walker"), "walker", WORDS["walker"], lambda name: words.of("walker", name))


def show(words: Words, area: StudyArea, chosen: Settings) -> None:
    """Show everything else that is assumed, beside the page."""
    with st.sidebar, st.container(key="assumptions"):
        st.header(words("app.settings"), anchor=False)
        if chosen.hazard:
            st.subheader(words.of("hazard", chosen.hazard), anchor=False)
            _hazard(words, area, chosen)
        st.subheader(words("sidebar.near"), anchor=False)
        standard_choice(words, chosen)
        st.subheader(words("sidebar.room_title"), anchor=False)
        _room(words, chosen)
        st.subheader(words("sidebar.people"), anchor=False)
        _people(words)
        _closed(words, chosen)


def standard_choice(words: Words, chosen: Settings) -> None:
    """Show the choice of the access standard, and how sure we are of it."""
    _select(
        words("sidebar.standard"), "standard", WORDS["standard"], partial(standard_title, words)
    )
    if chosen.standard == OWN:
        _number(words("sidebar.distance"), "distance", 1, settings.LONGEST_M, 50)
    elif chosen.standard == OWN_MINUTES:
        _number(words("sidebar.minutes"), "minutes", 1, settings.LONGEST_MINUTES, 1)
    said = words.of("certainty", chosen.access_standard().certainty)
    st.html(f"<p class='certainty'>{escape(said)}</p>")


def standard_title(words: Words, name: str) -> str:
    """Return the name of a standard with its limit."""
    if name in {OWN, OWN_MINUTES}:
        return words.of("standard", name)
    title, limit = words.of("standard", name), limit_told(words, presets()[name])
    return words("sidebar.standard_title", name=title, limit=limit)


def limit_told(words: Words, standard: AccessStandard) -> str:
    """Return the longest walk of a standard in words."""
    value, unit = standard.limit
    return words.minutes(value) if unit == "s" else words.distance(value)


def assumed(words: Words, chosen: Settings) -> str:
    """Return in one line what is assumed; empty on an ordinary day.

    Examples
    --------
    >>> from shelterplan.app.words import Words
    >>> day = Settings(area="monaco")
    >>> assumed(Words("en"), day)
    ''
    >>> assumed(Words("en"), Settings(area="monaco", hazard="flood", level=2, walker="elderly"))
    'Assumed: Flood, level 2 and worse, happening now; older person.'
    """
    said = [*_hazard_told(words, chosen)]
    if chosen.walker != "adult":
        said.append(words.inside(words.of("walker", chosen.walker)))
    said += [
        words.of("assumed", value)
        for value in (chosen.gates, chosen.time, chosen.room)
        if value not in {"open", "any", "assigned"}
    ]
    if chosen.delay:
        said.append(words("assumed.delay", minutes=words.minutes(chosen.delay * 60.0)))
    standard, usual = chosen.access_standard(), Settings(area="").access_standard()
    if standard.limit != usual.limit:
        said.append(words("assumed.standard", limit=limit_told(words, standard)))
    if standard.area_m2_per_person is not None:
        said.append(words("assumed.m2", m2=f"{standard.area_m2_per_person:g}"))
    closed = _closed_told(words, chosen)
    if closed:
        said.append(words("assumed.closed", list=closed))
    return words("app.assumed", list=words.listed(said, longer=True)) if said else ""


def _hazard_told(words: Words, chosen: Settings) -> list[str]:
    """Return what is assumed of the hazard."""
    if not chosen.hazard:
        return []
    parts = [words.of("hazard", chosen.hazard)]
    if chosen.level > 1:
        parts.append(words("assumed.level", number=chosen.level))
    if chosen.years:
        parts.append(words("assumed.years", number=f"{chosen.years:,}"))
    parts.append(words.of("assumed", chosen.phase))
    hazard = words.listed(parts)
    return [hazard, words("assumed.refuse")] if chosen.unknown == "refuse" else [hazard]


def _closed_told(words: Words, chosen: Settings) -> str:
    """Return how much is closed by hand, empty if nothing is."""
    counts = [
        words.count("closed_shelters", len(chosen.closed_shelters)),
        words.count("closed_streets", len(chosen.closed_streets)),
        words.count("closed_areas", len(chosen.closed_areas)),
    ]
    closed = (chosen.closed_shelters, chosen.closed_streets, chosen.closed_areas)
    return words.listed(text for text, items in zip(counts, closed, strict=True) if items)


def _hazard(words: Words, area: StudyArea, chosen: Settings) -> None:
    """Show which zones of the hazard count, and which shelters are used in it."""
    levels = settings.levels(area, chosen.hazard)
    periods = settings.return_periods(area, chosen.hazard)
    if len(levels) > 1:
        _select(words("sidebar.level"), "level", levels, partial(_level, words))
    if len(periods) > 1:
        _select(words("sidebar.years"), "years", periods, partial(_years, words))
    if (area.hazards["hazard"] == chosen.hazard).any():
        _radio(words("sidebar.phase"), "phase", lambda name: words.of("phase", name))
    _radio(words("sidebar.unknown"), "unknown", lambda name: words.of("unfit", name))


def _level(words: Words, level: int) -> str:
    return words("sidebar.level_some", number=level) if level > 1 else words("sidebar.level_all")


def _years(words: Words, years: int) -> str:
    if years:
        return words("sidebar.years_some", number=f"{years:,}")
    return words("sidebar.years_all")


def _room(words: Words, chosen: Settings) -> None:
    """Show how people are shared out, and how much room a person needs."""
    _radio(words("sidebar.room"), "room", lambda name: words.of("room", name))
    _radio(words("sidebar.estimate"), "estimate", partial(_estimate, words, chosen.standard))
    if chosen.estimate == "own":
        _number(words("sidebar.m2"), "m2", settings.LEAST_M2, settings.MOST_M2, 0.5)


def _estimate(words: Words, standard: str, name: str) -> str:
    """Return how room is estimated, with what the chosen standard says."""
    if name != "standard":
        return words.of("estimate", name)
    stated = presets()[standard].area_m2_per_person if standard in presets() else None
    if stated is None:
        return words("sidebar.standard_silent")
    return words("sidebar.standard_area", m2=f"{stated:g}")


def _people(words: Words) -> None:
    """Show when people leave, and through which entrances."""
    _radio(words("sidebar.time"), "time", lambda name: words.of("time", name))
    _number(words("sidebar.delay"), "delay", 0, settings.LONGEST_MINUTES, 5)
    _radio(words("sidebar.gates"), "gates", lambda name: words.of("gates", name))


def _closed(words: Words, chosen: Settings) -> None:
    """Say what is closed by hand, and offer to open it again."""
    closed = _closed_told(words, chosen)
    if not closed:
        return
    st.subheader(words("sidebar.closed"), anchor=False)
    st.html(f"<p>{escape(closed)}</p>")
    st.button(words("sidebar.reopen"), key="reopen", on_click=settings.reopen, width="stretch")


def _select(label: str, field: str, options: Sequence[Any], title: Callable[[Any], str]) -> None:
    """Show the choice of one setting."""
    st.selectbox(
        label,
        options,
        key=settings.pick(field),
        format_func=title,
        filter_mode=None,
        on_change=settings.take,
        args=(field,),
    )


def _radio(label: str, field: str, title: Callable[[str], str]) -> None:
    """Show a setting of a few long words."""
    st.radio(
        label,
        WORDS[field],
        key=settings.pick(field),
        format_func=title,
        on_change=settings.take,
        args=(field,),
    )


def _number(label: str, field: str, low: float, high: float, step: float) -> None:
    """Show the number of one setting."""
    st.number_input(
        label,
        min_value=low,
        max_value=high,
        step=step,
        key=settings.pick(field),
        on_change=settings.take,
        args=(field,),
    )
