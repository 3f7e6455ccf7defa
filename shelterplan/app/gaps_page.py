"""Gaps: who has no place in a shelter near enough, where they live, and why."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING

import pandas as pd
import shapely
import streamlit as st
from streamlit_folium import st_folium

from shelterplan import coverage
from shelterplan.app import gaps_panels as panels
from shelterplan.app import gaps_told as told
from shelterplan.app import gaps_walkers, maps, settings, store, whatif
from shelterplan.app.cards_button import card_button
from shelterplan.app.gaps_view import Painted, View, show_table
from shelterplan.app.report_button import report_button
from shelterplan.app.sidebar import limit_told
from shelterplan.views import exports
from shelterplan.views import map as views
from shelterplan.views.charts import CurveWords, walk_curve

if TYPE_CHECKING:
    from collections.abc import Callable

    from shelterplan.app.settings import Settings
    from shelterplan.app.words import Words
    from shelterplan.study_area import StudyArea

MAP_HEIGHT = 520
"""Height of the map [px]; the style sheet makes it lower on a phone."""
THICK, THIN = 0.82, 0.3
"""Opacity of the communities' fill; thin where the streets beneath are to be tapped."""
LONGEST_CURVE_S = 3600.0
"""The curve of walking times ends here [s]."""


def show(area: StudyArea, chosen: Settings, words: Words) -> None:
    """Show the page."""
    st.html(f"<p class='lead'>{escape(words('gaps.lead'))}</p>")
    _district(words, chosen, area)
    chosen = st.session_state["settings"]
    with st.spinner(words("gaps.working")):
        view = _view(area, chosen, words)
    said = words.of("certainty", view.standard.certainty)
    st.html(
        told.summary(words, view.total, view.scenario, view.standard, exact=view.plan.exact)
        + f"<p class='certainty'>{escape(said)}</p>"
    )
    st.fragment(_body)(view)
    _curve(view)
    _downloads(view)
    report_button(area, view.scenario, view.standard, words)


def _view(area: StudyArea, chosen: Settings, words: Words) -> View:
    """Return what is looked at: the whole plan, or one district of it."""
    scenario, standard = chosen.scenario(), chosen.access_standard()
    plan = store.plan(area.name, area.version, scenario, standard)
    ranked = plan.communities.sort_values(
        ["gap_population", "population"], ascending=False, kind="stable"
    )
    if chosen.district:
        ranked = ranked[ranked["district"] == chosen.district]
    found = store.checked(area.name, area.version).grades
    return View(
        area=area,
        chosen=chosen,
        words=words,
        scenario=scenario,
        standard=standard,
        plan=plan,
        shown=ranked,
        total=whatif.total_of(plan, chosen.district),
        grades={str(key): str(grade) for key, grade in found["grade"].items()},
        dark=st.context.theme.type == "dark",
    )


def _district(words: Words, chosen: Settings, area: StudyArea) -> None:
    """Show the choice of the district, if there is one."""
    districts = sorted(area.communities["district"].dropna().astype(str).unique())
    if chosen.district not in districts:
        settings.change(district="")
    if len(districts) > 1:
        with st.container(key="standard", horizontal=True):
            st.selectbox(
                words("gaps.district"),
                ["", *districts],
                key=settings.pick("district"),
                format_func=lambda name: words.translated(name) or words("gaps.all_districts"),
                on_change=settings.take,
                args=("district",),
            )


def _body(view: View) -> None:
    """Show the map, and beside it the part that is open; what a part needs is computed then."""
    if st.session_state.pop("gaps_stale", False):
        st.rerun()
    chosen: Settings = st.session_state["settings"]
    if chosen.community not in view.shown.index:
        chosen = settings.change(community="")
    words = view.words
    part = st.segmented_control(
        words("gaps.part"),
        list(PARTS),
        key="gaps_part",
        default="map",
        required=True,
        format_func=lambda name: words.of("part", name),
        label_visibility="collapsed",
    )
    with st.container(key="gaps"):
        left, right = st.container(key="gaps_map"), st.container(key="gaps_detail")
        with left:
            mode = whatif.mode(words) if part == "map" else "community"
        with right:
            painted = PARTS[part](view)
        with left:
            _map(view, painted, chosen.community, mode)
            zones = maps.zone_legend(view.area, words, view.scenario)
            st.html(painted.legend + zones)
    settings.write_address()


def _communities(view: View) -> Painted:
    """Show what is closed by hand, the chosen community and the table of all."""
    words, shown = view.words, view.shown
    whatif.show(view, st.session_state.get("tap_mode") or "community")
    st.selectbox(
        words("gaps.community"),
        ["", *shown.index],
        key=settings.pick("community"),
        format_func=lambda key: view.name_of(key) if key else words("gaps.none"),
        on_change=_choose_listed,
    )
    chosen: Settings = st.session_state["settings"]
    if chosen.community:
        st.html(told.community(words, shown.loc[chosen.community]))
        card_button(view, chosen.community)
    _table(view, chosen.community)
    return panels.gaps(view)


PARTS: dict[str, Callable[[View], Painted]] = {
    "map": _communities,
    "reasons": panels.reasons,
    "priority": panels.priority,
    "compare": panels.compare,
    "walkers": gaps_walkers.walkers,
}
"""The parts of the page by their names; the first one is open at first."""


def _map(view: View, painted: Painted, community: str, mode: str) -> None:
    """Show the map, which stays the same, and on it what changes: fills, marks and an outline."""
    area, words = view.area, view.words
    look = maps.look(words)
    zones = maps.zone_key(view.scenario)
    key = f"gaps_map-{area.name}-{area.version}-{view.chosen.district}-{zones}-{words.lang}"
    key += f"-{look.dark}"
    ids = [one for one in area.communities.index if one in view.shown.index]
    place = {one: number for number, one in enumerate(view.shown.index)}
    order = [place[one] for one in ids]
    shape = view.shown.geometry.loc[community] if community else None
    group = views.chosen_community(shape, move=st.session_state.get("chosen_on") != "map")
    views.paint_communities(
        group,
        [painted.colours[i] for i in order],
        [painted.tips[i] for i in order],
        opacity=THIN if mode == "street" else THICK,
    )
    marks, lines = whatif.signs(view)
    views.mark_shut(group, signs=marks, streets=lines)
    st_folium(
        maps.gaps_map(area, words, look, scenario=view.scenario, communities=ids),
        key=key,
        height=MAP_HEIGHT,
        use_container_width=True,
        render=False,  # it is rendered anyhow; this would be a second time
        returned_objects=["last_clicked", "last_object_clicked_count"],
        on_change=partial(_take_tap, key, view, mode),
        feature_group_to_add=group,
    )


def _take_tap(key: str, view: View, mode: str) -> None:
    """Choose the community that was tapped on the map, or close what was."""
    tapped = (st.session_state.get(key) or {}).get("last_clicked")
    if not tapped:
        return
    lon, lat = float(tapped["lng"]), float(tapped["lat"])
    if mode != "community":
        whatif.toggle_at(view.area, view.scenario, mode, lon, lat)
        return
    hit = view.shown.index[view.shown.geometry.intersects(shapely.Point(lon, lat))]
    _choose(str(hit[0]) if len(hit) else "", "map")


def _choose(community: str, where: str) -> None:
    """Choose a community; the table is drawn anew unless it was chosen there."""
    settings.change(community=community)
    st.session_state["chosen_on"] = where
    if where != "table":
        st.session_state["table_turn"] = st.session_state.get("table_turn", 0) + 1


def _choose_listed() -> None:
    _choose(st.session_state["pick_community"] or "", "list")


def _choose_row(key: str, ids: list[str]) -> None:
    """Choose the community of the row that was selected."""
    rows = st.session_state[key]["selection"]["rows"]
    _choose(ids[rows[0]] if rows else "", "table")


def _table(view: View, community: str) -> None:
    """Show the communities, those with the most people without a place first."""
    words, ids = view.words, list(view.shown.index)
    turn = st.session_state.get("table_turn", 0)
    key = f"gaps_table-{view.area.version}-{view.chosen.district}-{words.lang}-{turn}"
    rows = [ids.index(community)] if community else []
    show_table(
        view,
        told.ranking(words, view.shown, view.grades),
        key=key,
        alt=words("gaps.table"),
        shares=(words("gaps.column_share"), words("gaps.column_possible")),
        selection_mode="single-row",
        on_select=partial(_choose_row, key, ids),
        selection_default={"selection": {"rows": rows, "columns": [], "cells": []}},
    )


def _curve(view: View) -> None:
    """Show which share of the people reaches a shelter within a distance or a time."""
    words, (limit, unit) = view.words, view.standard.limit
    st.header(words("gaps.curve"), anchor=False)
    said = told.walks(words, view.total)
    st.html(f"<p>{escape(said)}</p>")
    st.vega_lite_chart(
        walk_curve(
            _walked(view),
            limit=limit if unit == "m" else limit / 60,
            words=CurveWords(
                x=words.of("curve_x", unit),
                y=words("gaps.curve_y"),
                description=said,
                standard=limit_told(words, view.standard),
            ),
            dark=view.dark,
        ),
        key="curve",
        theme=None,
    )


def _walked(view: View) -> pd.DataFrame:
    """Return the share of people by the walk, in the unit of the standard: metres or minutes."""
    if view.standard.limit.unit == "m" and not view.chosen.district:
        return view.plan.curve.rename(columns={"distance_m": "walk"})
    walks = view.plan.demand
    walks = walks[walks["community_id"].isin(view.shown.index)]
    if view.standard.limit.unit == "m":
        return coverage.distance_curve(walks).rename(columns={"distance_m": "walk"})
    since_alarm_s = walks["walk_time_s"] + view.scenario.delay_s
    timed = pd.DataFrame({"distance_m": since_alarm_s, "population": walks["population"]})
    curve = coverage.distance_curve(timed, step_m=30.0, up_to_m=LONGEST_CURVE_S)
    return curve.assign(walk=curve["distance_m"] / 60)


def _downloads(view: View) -> None:
    """Offer the table of communities as files."""
    words = view.words
    st.header(words("gaps.download"), anchor=False)
    st.html(f"<p>{escape(words('gaps.download_more'))}</p>")
    name = f"{view.area.name}-gaps"
    with st.container(key="downloads", horizontal=True):
        for label, ending, mime, make in (
            ("CSV", "csv", "text/csv", exports.to_csv),
            ("GeoJSON", "geojson", "application/geo+json", exports.to_geojson),
            (
                "GeoPackage",
                "gpkg",
                "application/geopackage+sqlite3",
                partial(exports.to_geopackage, layer="gaps"),
            ),
        ):
            st.download_button(
                label,
                partial(make, view.shown, view.facts),
                f"{name}.{ending}",
                mime,
                key=f"download_{ending}",
                on_click="ignore",
            )
