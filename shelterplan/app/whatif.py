"""What if this shelter or that street were closed: taps, names, and what it changes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from shelterplan.app import gaps_told as told
from shelterplan.app import maps, settings, store
from shelterplan.app.markup import plain
from shelterplan.snap import NOWHERE, snap
from shelterplan.views import map as views

if TYPE_CHECKING:
    from shelterplan.app.gaps_view import View
    from shelterplan.app.words import Words
    from shelterplan.plan import Plan
    from shelterplan.scenario import Scenario
    from shelterplan.study_area import StudyArea

MODES = ("community", "shelter", "street")
"""What a tap on the map does: it chooses a community, or closes or opens one of the others."""
NEAR_M, NEAR_SHARE = 50.0, 0.015
"""How far from a thing a tap may be: so far [m], or so large a share of the map."""
M_PER_DEGREE = 111_195.0


def mode(words: Words) -> str:
    """Show the choice of what a tap does, and return it."""
    chosen: str = st.segmented_control(
        words("whatif.mode"),
        MODES,
        key="tap_mode",
        default="community",
        required=True,
        format_func=lambda one: words.of("tap", one),
    )
    return chosen


def toggle_at(area: StudyArea, scenario: Scenario, kind: str, lon: float, lat: float) -> None:
    """Close what is nearest to a tap, or open it again; say so if nothing is near."""
    found = nearest_shelter(area, lon, lat) if kind == "shelter" else None
    number = nearest_street(area, scenario, lon, lat) if kind == "street" else None
    st.session_state["tap_missed"] = kind if found is None and number is None else ""
    if found is not None:
        settings.toggle_shelter(found)
    if number is not None:
        settings.toggle_street(number)
    st.session_state["gaps_stale"] = True


def nearest_shelter(area: StudyArea, lon: float, lat: float) -> str | None:
    """Return the shelter whose dot is nearest to a place, None if none is near."""
    if not len(area.shelters):
        return None
    dots = np.array(maps.shelter_points(area), float)
    east = (dots[:, 0] - lon) * math.cos(math.radians(lat)) * M_PER_DEGREE
    away_m = np.hypot(east, (dots[:, 1] - lat) * M_PER_DEGREE)
    nearest = int(away_m.argmin())
    return str(area.shelters.index[nearest]) if away_m[nearest] <= near_m(area) else None


def nearest_street(area: StudyArea, scenario: Scenario, lon: float, lat: float) -> int | None:
    """Return the number of the street nearest to a place, None if none is near."""
    place = snap(area.network(scenario.walker), [lon], [lat], max_leg_m=near_m(area))
    if place.edge[0] == NOWHERE:
        return None
    return int(np.flatnonzero(area.passable(scenario.walker))[place.edge[0]])


def near_m(area: StudyArea) -> float:
    """Return how far from a thing a tap may be [m]."""
    west, south, east, north = area.communities.total_bounds
    wide = (east - west) * math.cos(math.radians((south + north) / 2))
    return max(NEAR_M, NEAR_SHARE * float(max(wide, north - south)) * M_PER_DEGREE)


def show(view: View, kind: str) -> None:
    """Show how to close things by name, what is closed by hand and what that changes."""
    words, chosen = view.words, view.chosen
    if kind != "community":
        st.html(f"<p>{words.of('whatif', f'how_{kind}')}</p>")
        _by_name(view, kind)
    missed = st.session_state.get("tap_missed", "")
    if missed and kind == missed:
        st.html(f"<p class='check' role='status'>{words.of('whatif', f'missed_{missed}')}</p>")
    if not (chosen.closed_shelters or chosen.closed_streets or chosen.closed_areas):
        return
    with st.spinner(words("gaps.working")):
        before = total_of(_without_closures(view), view.chosen.district)
    st.html(told.changes(words, before, view.total, "whatif"))
    with st.container(key="closed_list", horizontal=True):
        for number, shelter in enumerate(chosen.closed_shelters):
            name = words.translated(str(view.area.shelters.loc[shelter, "name"]))
            _reopen(words, name, f"shelter_{number}", "closed_shelters", shelter)
        for street in chosen.closed_streets:
            _reopen(words, street_name(view, street), f"street_{street}", "closed_streets", street)
        st.button(
            words("whatif.reopen_all"), key="reopen_all", on_click=_reopen_all, type="secondary"
        )


def total_of(plan: Plan, district: str) -> pd.Series[Any]:
    """Return the figures of a plan for one district, or for all of it if there is none such."""
    if district not in plan.districts.index:
        return plan.total
    return pd.Series(plan.districts.loc[district])


def street_name(view: View, number: int) -> str:
    """Return what a street is called, its kind where it has no name."""
    street = view.area.streets.iloc[number]
    name = street["name"]
    if isinstance(name, str) and name.strip():
        return name
    return view.words("whatif.unnamed", number=number)


def signs(view: View) -> tuple[list[views.Sign], list[list[views.Point]]]:
    """Return the marks of shelters to which nobody is sent, and of streets closed by hand."""
    area, words, chosen = view.area, view.words, view.chosen
    made = []
    rows = zip(
        area.shelters.index,
        maps.shelter_points(area),
        area.shelters["name"],
        view.plan.shelters["reason"],
        strict=True,
    )
    for key, at, name, reason in rows:
        shut = key in chosen.closed_shelters
        if reason:
            said = words("whatif.closed") if shut else words.of("refusal", str(reason))
            tip = f"{words.translated(str(name))} ({said})"
            made.append(views.Sign(at=at, tip=tip, shut=shut))
    lines = []
    for number in chosen.closed_streets:
        line = area.streets.geometry.iloc[number]
        middle = line.interpolate(0.5, normalized=True)
        tip = f"{street_name(view, number)} ({words('whatif.closed')})"
        made.append(views.Sign(at=(middle.x, middle.y), tip=tip, shut=True))
        lines.append([(x, y) for x, y in line.coords])
    return made, lines


def _without_closures(view: View) -> Plan:
    """Return the plan of the same scenario with nothing closed by hand."""
    usual = view.scenario.with_changes(closed_shelters=(), closed_streets=(), closed_areas=())
    return store.plan(view.area.name, view.area.version, usual, view.standard)


def _by_name(view: View, kind: str) -> None:
    """Show the list from which a shelter or a street is closed, or opened, without a tap."""
    words, area = view.words, view.area
    if kind == "shelter":
        named = area.shelters["name"].map(words.translated)
        options = list(area.shelters.index)
    else:
        names = area.streets["name"].dropna().astype(str).str.strip()
        options = sorted(set(names) - {""})
        named = None
    st.selectbox(
        words.of("whatif", f"by_name_{kind}"),
        options,
        index=None,
        key=f"close_{kind}",
        placeholder=words("gaps.none"),
        format_func=lambda one: str(one if named is None else named[one]),
        on_change=_take_name,
        args=(area, kind),
    )


def _take_name(area: StudyArea, kind: str) -> None:
    """Close what was chosen by its name, or open it again; a name may be that of many streets."""
    name = st.session_state.get(f"close_{kind}")
    if name is None:
        return
    st.session_state[f"close_{kind}"] = None
    st.session_state["gaps_stale"] = True
    if kind == "shelter":
        settings.toggle_shelter(name)
        return
    of_name = np.flatnonzero((area.streets["name"].astype(str).str.strip() == name).to_numpy())
    chosen: settings.Settings = st.session_state["settings"]
    open_still = [int(n) for n in of_name if n not in chosen.closed_streets]
    for number in open_still or of_name:
        settings.toggle_street(int(number))
        if settings.closing_refused():
            return


def _reopen(words: Words, name: str, key: str, field: str, item: str | int) -> None:
    """Show the button that opens one thing again."""
    st.button(
        words("whatif.reopen", name=plain(name)),
        key=f"reopen_{key}",
        on_click=_open,
        args=(field, item),
    )


def _open(field: str, item: str | int) -> None:
    if field == "closed_shelters":
        settings.toggle_shelter(str(item))
    else:
        settings.toggle_street(int(item))
    st.session_state["gaps_stale"] = True


def _reopen_all() -> None:
    settings.reopen()
    st.session_state["gaps_stale"] = True
