"""Changing the sites of a proposal: each change makes a new, checked table."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import shapely
import streamlit as st

from shelterplan import tables
from shelterplan.app import proposals_list as listed
from shelterplan.app.markup import plain
from shelterplan.siting.proposal import MOST_SITES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shelterplan.app.gaps_view import View
    from shelterplan.app.words import Words
    from shelterplan.siting.proposal import Proposal
    from shelterplan.study_area import StudyArea

TAPS = ("add", "move")
"""What a tap beside the sites does: it adds one, or moves the chosen one there."""
MOVED = " (moved)"
"""Ends the id of a candidate that was moved: the candidate itself stays where it is."""
LONGEST_NAME = 120
MOST_ROOM = 10_000_000.0
SAME_PLACE = 1e-6
"""Positions that differ by less are the same [degrees]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tap:
    """What was done on the map."""

    lon: float
    lat: float
    act: str
    """`tap` beside the sites, `choose` a site, or `move` it."""
    row: int
    """The site, counted from 0; -1 for none."""


def read_tap(answer: object, *, of: str) -> Tap | None:
    """Return what the map says was done; None if that is nothing, or was meant for other sites.

    Examples
    --------
    >>> read_tap({"lat": 43.7, "lng": 7.4, "act": "move", "row": 1, "of": "a"}, of="a").row
    1
    >>> read_tap({"lat": "x", "lng": 7.4}, of="a") is None
    True
    """
    if not isinstance(answer, dict):
        return None
    try:
        lon, lat = float(answer["lng"]), float(answer["lat"])
        act, row = str(answer.get("act", "tap")), int(answer.get("row", -1))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    stale = act != "tap" and answer.get("of") != of
    if stale or not (math.isfinite(lon) and math.isfinite(lat)):
        return None
    return Tap(lon=lon, lat=lat, act=act, row=row)


def added(proposal: Proposal, area: StudyArea, lon: float, lat: float, *, name: str) -> Proposal:
    """Return a proposal with one site more, of unknown room and cost."""
    taken, number = {*proposal.sites.index, *area.shelters.index, *area.candidates.index}, 1
    while f"new {number}" in taken:
        number += 1
    row = gpd.GeoDataFrame(
        {"name": [name.format(number=len(proposal.sites) + 1)]},
        geometry=[_point(lon, lat)],
        crs=4326,
        index=pd.Index([f"new {number}"], name="site_id"),
    )
    row = tables.checked("candidates", row)
    sites = row if proposal.sites.empty else pd.concat([proposal.sites, row])
    return _with(proposal, sites)


def moved(proposal: Proposal, area: StudyArea, row: int, lon: float, lat: float) -> Proposal:
    """Return a proposal with one site elsewhere: a point, even if it was an outline."""
    ids = list(proposal.sites.index)
    if ids[row] in area.candidates.index:
        ids[row] = f"{ids[row]}{MOVED}"
    shapes = list(proposal.sites.geometry)
    shapes[row] = _point(lon, lat)
    sites = proposal.sites.set_geometry(gpd.GeoSeries(shapes, index=proposal.sites.index, crs=4326))
    return _with(proposal, sites.set_axis(pd.Index(ids, name="site_id")))


def changed(proposal: Proposal, row: int, values: Mapping[str, object]) -> Proposal:
    """Return a proposal in which one site has other values."""
    sites = proposal.sites.copy()
    for name, value in values.items():
        sites.loc[sites.index[row], name] = pd.NA if value is None else value
    return _with(proposal, sites)


def without(proposal: Proposal, row: int) -> Proposal:
    """Return a proposal with one site less."""
    return _with(proposal, proposal.sites.drop(index=proposal.sites.index[row]))


def _with(proposal: Proposal, sites: gpd.GeoDataFrame) -> Proposal:
    return replace(proposal, sites=tables.checked("candidates", sites))


def _point(lon: float, lat: float) -> shapely.Point:
    return shapely.Point(round(lon, 7), round(lat, 7))


def take_tap(tap: Tap | None, area: StudyArea, words: Words, mode: str) -> None:
    """Do what was done on the map to the proposal that is looked at."""
    proposal = listed.current()
    st.session_state["tap_refused"] = ""
    if tap is None or proposal is None:
        return
    known = 0 <= tap.row < len(proposal.sites)
    if tap.act == "choose":
        if known:
            listed.choose(tap.row, "map")
    elif not listed.is_near(area, tap.lon, tap.lat):
        st.session_state["tap_refused"] = "far"
    elif tap.act == "move":
        if known:
            listed.put(moved(proposal, area, tap.row, tap.lon, tap.lat))
            listed.choose(tap.row, "map")
    elif mode == "add":
        add_at(area, words, tap.lon, tap.lat, "map")
    elif (row := listed.chosen()) is None:
        st.session_state["tap_refused"] = "none_chosen"
    else:
        listed.put(moved(proposal, area, row, tap.lon, tap.lat))


def add_at(area: StudyArea, words: Words, lon: float, lat: float, where: str) -> None:
    """Add a site to the proposal that is looked at, and choose it."""
    proposal = listed.current()
    if proposal is None:
        return
    if len(proposal.sites) >= MOST_SITES:
        st.session_state["tap_refused"] = "too_many"
        return
    name = words("proposals.site_name", number="{number}")
    listed.put(added(proposal, area, lon, lat, name=name))
    listed.choose(len(proposal.sites), where)


def panel(view: View, proposal: Proposal) -> None:
    """Show the sites, and the fields of the chosen one."""
    words, rows = view.words, list(range(len(proposal.sites)))
    refused = st.session_state.get("tap_refused", "")
    if refused:
        st.html(f"<p class='check' role='status'>{escape(words.of('tap_refused', refused))}</p>")
    if rows:
        now = listed.chosen()
        named = {str(row): site_label(words, proposal, row) for row in rows}
        st.session_state["proposal_pick"] = "" if now is None else str(now)
        st.selectbox(
            words("proposals.choose_site"),
            ["", *named],
            key="proposal_pick",
            format_func=lambda row: named.get(row, words("gaps.none")),
            on_change=_choose_listed,
            placeholder=words("gaps.none"),
        )
        row = listed.chosen()
        if row is not None:
            _fields(view, proposal, row)
    middle = view.area.communities.union_all().representative_point()
    st.button(
        words("proposals.add_by_hand"),
        key="add_by_hand",
        on_click=add_at,
        args=(view.area, words, middle.x, middle.y, "list"),
    )


def _choose_listed() -> None:
    row = st.session_state["proposal_pick"]
    listed.choose(int(row) if row else None, "list")


def site_label(words: Words, proposal: Proposal, row: int) -> str:
    """Return the number and the name of a site."""
    return words("proposals.option", number=row + 1, name=site_name(words, proposal, row))


def site_name(words: Words, proposal: Proposal, row: int) -> str:
    """Return the name of a site in the words' language."""
    name = proposal.sites["name"].iloc[row]
    return words.translated(str(name)) if pd.notna(name) else words("sites.unnamed")


def _fields(view: View, proposal: Proposal, row: int) -> None:
    """Show the form of one site, and the button that takes it away."""
    words, site = view.words, proposal.sites.iloc[row]
    at = site.geometry.representative_point()
    turn = f"{listed.at()}-{proposal.sites.index[row]}-{at.x:.6f}-{at.y:.6f}"
    with st.form(f"site_form-{turn}"):
        st.text_input(
            words("proposals.name"),
            site_name(words, proposal, row),
            max_chars=LONGEST_NAME,
            key=f"name-{turn}",
        )
        with st.container(horizontal=True, key="site_where"):
            for name, value in (("lon", at.x), ("lat", at.y)):
                st.number_input(
                    words.of("proposals", name),
                    value=float(value),
                    format="%.6f",
                    step=0.0005,
                    key=f"{name}-{turn}",
                )
        with st.container(horizontal=True, key="site_what"):
            for name in ("capacity", "cost"):
                known = None if pd.isna(site[name]) else float(site[name])
                st.number_input(
                    words.of("proposals", name),
                    min_value=0.0,
                    max_value=MOST_ROOM,
                    value=known,
                    step=1.0,
                    format="%g",
                    key=f"{name}-{turn}",
                )
        st.caption(words("proposals.unknown_empty"))
        st.form_submit_button(words("proposals.save"), on_click=_save, args=(view, row, turn))
    st.button(
        words("proposals.delete_site", name=plain(site_name(words, proposal, row))),
        key="delete_site",
        on_click=_delete,
        args=(row,),
    )


def _save(view: View, row: int, turn: str) -> None:
    """Take over the fields of a site."""
    proposal, state = listed.current(), st.session_state
    if proposal is None or not 0 <= row < len(proposal.sites):
        return
    lon, lat = (float(state[f"{name}-{turn}"]) for name in ("lon", "lat"))
    old = proposal.sites.geometry.iloc[row].representative_point()
    shown = site_name(view.words, proposal, row)
    name = str(state[f"name-{turn}"]).strip()
    values = {key: state[f"{key}-{turn}"] for key in ("capacity", "cost")}
    state["tap_refused"] = ""
    if not listed.is_near(view.area, lon, lat):
        state["tap_refused"] = "far"
        return
    proposal = changed(proposal, row, values | ({"name": name} if name not in ("", shown) else {}))
    if max(abs(lon - old.x), abs(lat - old.y)) > SAME_PLACE:
        proposal = moved(proposal, view.area, row, lon, lat)
    listed.put(proposal)


def _delete(row: int) -> None:
    proposal = listed.current()
    if proposal is not None and 0 <= row < len(proposal.sites):
        listed.put(without(proposal, row))
        listed.choose(None, "list")
