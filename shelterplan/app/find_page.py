"""Find a shelter: where somebody is, the nearest shelters, and the way there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from html import escape
from typing import TYPE_CHECKING

import streamlit as st
from streamlit_folium import st_folium

from shelterplan import gazetteer
from shelterplan.app import answer as told
from shelterplan.app import maps, parts, resident_maps
from shelterplan.app.markup import plain
from shelterplan.finder import find_shelters
from shelterplan.views import map as views

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shelterplan.app.settings import Settings
    from shelterplan.app.words import Words
    from shelterplan.finder import Answer
    from shelterplan.gazetteer import Hit
    from shelterplan.scenario import Scenario
    from shelterplan.study_area import StudyArea

COUNT = 3
"""Shelters to choose from; more if the advised one is farther."""
LOOKED_AT = 8
"""Shelters among which the advised one is looked for."""
LONGEST_NAME = 100
"""Most signs of a typed name that are looked at."""
SAME_MARK = 1e-6
"""A tap within so much of a mark is one on it: the map tells the mark's own place [degrees]."""
MAP_HEIGHT = 560
"""Height of the map [px]; the style sheet makes it lower on a phone."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is; kept in the session only."""

    lon: float
    lat: float
    how: str
    """``tap``, ``position`` or ``name``."""
    name: str = ""
    accuracy_m: float = 0.0
    """How far the position may be from the truth [m]."""


def show(area: StudyArea, chosen: Settings, words: Words) -> None:
    """Show the page. Everything that follows from a tap is drawn again alone, the map is kept."""
    st.fragment(_body)(area, chosen, words)


def _body(area: StudyArea, chosen: Settings, words: Words) -> None:
    """Show the question, the answer in words, the map and the way."""
    with st.container(key="find"):
        with st.container(key="find_ask"):
            _ask(area, words)
        place: Place | None = st.session_state.get("place")
        with st.container(key="find_status"):
            answer = _answer(area, words, place, chosen)
            _status(words, chosen, place, answer)
        picked = _picked(answer)
        with st.container(key="find_map"):
            _map(area, words, chosen.scenario(), place, answer, picked)
        with st.container(key="find_detail"):
            if answer is not None and answer.options:
                _detail(words, answer, chosen.scenario(), picked)
            elif answer is not None and answer.refused:
                st.html(told.refused_html(words, answer))
        if resident_maps.served():
            _offline(area, words)


def _offline(area: StudyArea, words: Words) -> None:
    """Lead to the same map as one file that needs no network."""
    address = escape(resident_maps.address(area.name, words.lang))
    save = escape(resident_maps.address(area.name, words.lang, save=True))
    st.html(
        f"<p class='offline'><a href='{address}' target='_blank'>"
        f"{escape(words('offline_map.open'))}</a> · "
        f"<a href='{save}' target='_blank'>{escape(words('offline_map.save'))}</a><br>"
        f"{escape(words('offline_map.more'))}</p>"
    )


def _ask(area: StudyArea, words: Words) -> None:
    """Show the box for a name and the button for the phone's position."""
    with (
        st.form("ask", border=False),
        st.container(horizontal=True, vertical_alignment="bottom", key="ask_row"),
    ):
        text = st.text_input(words("find.name"), key="ask_name", autocomplete="street-address")
        asked = st.form_submit_button(words("find.go"), type="primary")
    if asked:
        _search(area, text)
    hits: list[Hit] = st.session_state.get("hits", [])
    if len(hits) > 1:
        st.selectbox(
            words("find.which"),
            range(len(hits)),
            key="which_hit",
            format_func=lambda i: _hit_title(words, hits[i]),
            on_change=_take_hit,
        )
    position = parts.position_button(words)
    if position is not None and position.problem:
        _forget(position.problem)
    elif position is not None:
        _forget()
        st.session_state["place"] = Place(
            position.lon, position.lat, "position", accuracy_m=position.accuracy_m
        )


def _search(area: StudyArea, text: str) -> None:
    """Take the place with the best fitting name, and keep the others to choose from."""
    _forget()
    hits = gazetteer.search(area, text[:LONGEST_NAME], count=8) if text.strip() else []
    st.session_state["hits"] = hits
    st.session_state.pop("which_hit", None)
    if hits:
        _take(hits[0])
    else:
        st.session_state["find_problem"] = "no_name" if text.strip() else "no_text"


def _take_hit() -> None:
    """Take the place that was chosen among those of a like name."""
    _take(st.session_state["hits"][st.session_state["which_hit"]])


def _take(hit: Hit) -> None:
    st.session_state["place"] = Place(hit.lon, hit.lat, "name", hit.name)


def _take_tap(key: str, marks: Sequence[views.Point]) -> None:
    """Take the place that was tapped on the map, or the numbered shelter whose mark was."""
    tapped = (st.session_state.get(key) or {}).get("last_clicked")
    if not tapped:
        return
    lon, lat = float(tapped["lng"]), float(tapped["lat"])
    for number, (mark_lon, mark_lat) in enumerate(marks):
        if max(abs(lon - mark_lon), abs(lat - mark_lat)) <= SAME_MARK:
            st.session_state["option"] = number
            return
    _forget()
    st.session_state["place"] = Place(lon, lat, "tap")


def _forget(problem: str = "") -> None:
    """Forget the last place, and keep what went wrong with the new one, if anything."""
    for name in ("place", "hits"):
        st.session_state.pop(name, None)
    st.session_state["find_problem"] = problem


def _answer(area: StudyArea, words: Words, place: Place | None, chosen: Settings) -> Answer | None:
    """Return the answer for a place; the last one is kept for this person alone."""
    if place is None:
        return None
    scenario, standard = chosen.scenario(), chosen.access_standard()
    key = (area.name, area.version, scenario, standard, place)
    if st.session_state.get("answer", (None,))[0] != key:
        with st.spinner(words("find.working")):
            found = find_shelters(
                area,
                place.lon,
                place.lat,
                count=COUNT,
                looked_at=LOOKED_AT,
                scenario=scenario,
                standard=standard,
            )
        st.session_state["answer"] = (key, found)
        st.session_state["option"] = found.advised
    answer: Answer = st.session_state["answer"][1]
    return answer


def _picked(answer: Answer | None) -> int:
    """Return which of the answer's options is chosen."""
    count = len(answer.options) if answer is not None else 0
    picked = st.session_state.get("option") or 0
    return picked if picked < count else 0


def _status(words: Words, chosen: Settings, place: Place | None, answer: Answer | None) -> None:
    """Say the answer, or what to do, in a place that a screen reader watches."""
    problem = st.session_state.get("find_problem", "")
    kind = "ask"
    if problem:
        line, more, kind = words.of("problem", problem), [words("instead.more")], "problem"
    elif place is None or answer is None:
        line, more = words("find.how"), [words("find.how_more")]
    else:
        line, more = told.headline(words, answer, chosen.scenario())
        kind = "answer" if answer.options else "problem"
    origin = danger = ""
    if place is not None and answer is not None and not problem:
        danger = told.danger(words, answer, chosen.scenario())
        origin = told.origin(words, place.how, name=place.name, accuracy_m=place.accuracy_m)
    st.html(
        f"<div class='status {kind}' role='status' aria-live='polite'>"
        + (f"<p class='origin'>{escape(origin)}</p>" if origin else "")
        + (f"<p class='danger'>{escape(danger)}</p>" if danger else "")
        + f"<p class='line'>{escape(line)}</p>"
        + "".join(f"<p class='more'>{escape(text)}</p>" for text in more)
        + "</div>"
    )


def _map(
    area: StudyArea,
    words: Words,
    scenario: Scenario,
    place: Place | None,
    answer: Answer | None,
    picked: int,
) -> None:
    """Show the map, which stays the same, and on it the answer, which changes."""
    look = maps.look(words)
    zones = maps.zone_key(scenario)
    key = f"find_map-{area.name}-{area.version}-{zones}-{words.lang}-{look.dark}"
    marks = _marks_of(area, answer, picked)
    st_folium(
        maps.find_map(area, words, look, scenario),
        key=key,
        height=MAP_HEIGHT,
        use_container_width=True,
        render=False,  # it is rendered anyhow; this would be a second time
        returned_objects=["last_clicked"],
        on_change=partial(_take_tap, key, marks),
        feature_group_to_add=_drawn(words, place, answer, picked, marks),
    )
    legend = maps.zone_legend(area, words, scenario)
    if legend:
        st.html(legend)


def _marks_of(area: StudyArea, answer: Answer | None, picked: int) -> list[views.Point]:
    """Return where each option is marked: with every choice a centimetre elsewhere.

    The map tells of a tap only if it is at another place than the one before.
    """
    points = (maps.shelter_point(area, one) for one in (answer.options if answer else ()))
    return [(lon, lat + picked * SAME_MARK / 10) for lon, lat in points]


def _drawn(
    words: Words,
    place: Place | None,
    answer: Answer | None,
    picked: int,
    marks: Sequence[views.Point],
) -> views.FeatureGroup:
    """Return what the answer draws on the map."""
    if place is None:
        return views.empty_group("answer")
    options = answer.options if answer is not None else ()
    route = options[picked].route.geometry if options else None
    return views.answer_group(
        you=(place.lon, place.lat),
        you_tip=words("find.you"),
        move=bool(options) or answer is None or answer.status != "outside",
        route=[(x, y) for x, y in route.coords] if route is not None else (),
        shelters=[
            views.Marked(
                at=marks[i],
                number=i + 1,
                name=words.translated(option.name),
                chosen=i == picked,
            )
            for i, option in enumerate(options)
        ],
    )


def _detail(words: Words, answer: Answer, scenario: Scenario, picked: int) -> None:
    """Show the nearest shelters to choose from, and the way to the chosen one."""
    options = answer.options
    st.header(words("find.nearest"), anchor=False)
    st.radio(
        words("find.choose"),
        range(len(options)),
        key="option",
        format_func=partial(_option_title, words, answer),
        captions=[
            "  \n".join(map(plain, told.caption(words, option, scenario))) for option in options
        ],
        label_visibility="collapsed",
    )
    if answer.refused:
        st.html(told.refused_html(words, answer))
    option = options[picked]
    st.header(words("find.way", name=plain(words.translated(option.name))), anchor=False)
    if told.uses_stairs(option):
        st.html(f"<p class='stairs'>{escape(words('find.stairs'))}</p>")
    st.html(told.steps_html(told.directions(words, option)))
    st.html(
        f"<p class='check'><strong>{escape(words('find.check'))}</strong> "
        f"{escape(words('find.check_more'))}</p>"
    )


def _option_title(words: Words, answer: Answer, number: int) -> str:
    """Return the name of an option, the advised one said where there is a choice."""
    name = f"**{number + 1}. {plain(words.translated(answer.options[number].name))}**"
    more = number == answer.advised and len(answer.options) > 1
    return f"{name} ({words('find.advised')})" if more else name


def _hit_title(words: Words, hit: Hit) -> str:
    """Return the name of a found place with its kind."""
    return f"{words.translated(hit.name)} · {words.of('kind', hit.kind)}"
