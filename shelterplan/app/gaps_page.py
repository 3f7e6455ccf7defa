"""Gaps: who has no shelter near enough, where they live, and why."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd
import shapely
import streamlit as st
from streamlit_folium import st_folium

from shelterplan import coverage
from shelterplan.app import gaps_told as told
from shelterplan.app import maps, settings, store
from shelterplan.standards import presets
from shelterplan.views import exports
from shelterplan.views import map as views
from shelterplan.views.charts import CurveWords, distance_curve
from shelterplan.views.scale import Scale, people_scale

if TYPE_CHECKING:
    import geopandas as gpd

    from shelterplan.app.settings import Settings
    from shelterplan.app.words import Words
    from shelterplan.plan import Plan
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea

MAP_HEIGHT = 520
"""Height of the map [px]; the style sheet makes it lower on a phone."""
NAME_WIDTH = 150
"""Width of the column of names [px], so that a phone shows the first number beside it."""


@dataclass(frozen=True, slots=True)
class _View:
    """What the parts of the page share."""

    area: StudyArea
    chosen: Settings
    words: Words
    plan: Plan
    shown: gpd.GeoDataFrame
    """Communities of the chosen district, those with the most people not covered first."""
    total: pd.Series[Any]
    """The same figures for all that is shown."""
    curve: pd.DataFrame
    """How far the people walk that are shown."""


def show(area: StudyArea, chosen: Settings, words: Words) -> None:
    """Show the page."""
    st.html(f"<p class='lead'>{escape(words('gaps.lead'))}</p>")
    standard = _standard(words, chosen, area)
    with st.spinner(words("gaps.working")):
        plan = store.plan(area.name, area.version, chosen.scenario(), standard)
    view = _view(area, chosen, words, plan)
    st.html(told.summary(words, view.total, standard.max_distance_m))
    st.fragment(_map_and_table)(view)
    _curve(view, standard)
    _downloads(view)


def _view(area: StudyArea, chosen: Settings, words: Words, plan: Plan) -> _View:
    """Return what is shown of a plan: all of it, or one district."""
    ranked = plan.communities.sort_values(
        ["gap_population", "population"], ascending=False, kind="stable"
    )
    if chosen.district not in plan.districts.index:
        return _View(area, chosen, words, plan, ranked, plan.total, plan.curve)
    ranked = ranked[ranked["district"] == chosen.district]
    walks = plan.demand[plan.demand["community_id"].isin(ranked.index)]
    return _View(
        area,
        chosen,
        words,
        plan,
        ranked,
        pd.Series(plan.districts.loc[chosen.district]),
        coverage.distance_curve(walks),
    )


def _standard(words: Words, chosen: Settings, area: StudyArea) -> AccessStandard:
    """Show the choice of the access standard, and how sure we are of it; return the standard."""
    with st.container(key="standard", horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            words("gaps.standard"),
            [settings.OWN, *presets()],
            key=settings.pick("standard"),
            format_func=partial(_standard_title, words),
            on_change=settings.take,
            args=("standard",),
        )
        if chosen.standard == settings.OWN:
            st.number_input(
                words("gaps.distance"),
                min_value=1,
                max_value=settings.LONGEST_M,
                step=50,
                key=settings.pick("distance"),
                on_change=settings.take,
                args=("distance",),
            )
        _district(words, chosen, area)
    standard = chosen.access_standard()
    said = words.of("certainty", standard.certainty.replace(" ", "_"))
    st.html(f"<p class='certainty'>{escape(said)}</p>")
    return standard


def _district(words: Words, chosen: Settings, area: StudyArea) -> None:
    """Show the choice of the district, if there is one."""
    districts = sorted(area.communities["district"].dropna().astype(str).unique())
    if chosen.district not in districts:
        settings.change(district="")
    if len(districts) > 1:
        st.selectbox(
            words("gaps.district"),
            ["", *districts],
            key=settings.pick("district"),
            format_func=lambda name: words.translated(name) or words("gaps.all_districts"),
            on_change=settings.take,
            args=("district",),
        )


def _standard_title(words: Words, name: str) -> str:
    """Return the name of a standard with its distance."""
    if name == settings.OWN:
        return words("standard.own")
    return words(
        "gaps.standard_title",
        name=words.of("standard", name),
        distance=words.distance(presets()[name].max_distance_m),
    )


def _map_and_table(view: _View) -> None:
    """Show the communities on the map and in the table; choosing in one chooses in the other."""
    words, shown = view.words, view.shown
    chosen: Settings = st.session_state["settings"]
    if chosen.community not in shown.index:
        chosen = settings.change(community="")
    look = maps.look(words)
    scale = people_scale(shown["gap_population"], dark=look.dark)
    with st.container(key="gaps"):
        with st.container(key="gaps_map"):
            _map(view, scale, look, chosen.community)
            st.html(told.legend(words, scale))
        with st.container(key="gaps_detail"):
            options = ["", *shown.index]
            st.selectbox(
                words("gaps.community"),
                options,
                key=settings.pick("community"),
                format_func=lambda key: (
                    words.translated(shown.loc[key, "name"]) if key else words("gaps.none")
                ),
                on_change=_choose_listed,
            )
            if chosen.community:
                st.html(told.community(words, shown.loc[chosen.community]))
            _table(view, chosen.community)
    settings.write_address()


def _map(view: _View, scale: Scale, look: views.Look, community: str) -> None:
    """Show the map; the chosen community is outlined, and moved to if it was chosen elsewhere."""
    chosen, area = view.chosen, view.area
    setting = (chosen.walker, chosen.standard, chosen.distance, chosen.district)
    key = f"gaps_map-{area.name}-{area.version}-{setting}-{view.words.lang}-{look.dark}"
    shape = view.shown.geometry.loc[community] if community else None
    st_folium(
        maps.gaps_map(area, view.plan, scale, view.words, look, chosen.district),
        key=key,
        height=MAP_HEIGHT,
        use_container_width=True,
        returned_objects=["last_clicked"],
        on_change=partial(_choose_tapped, key, view.shown),
        feature_group_to_add=views.chosen_community(
            shape, move=st.session_state.get("chosen_on") != "map"
        ),
    )


def _choose(community: str, where: str) -> None:
    """Choose a community; the table is drawn anew unless it was chosen there."""
    settings.change(community=community)
    st.session_state["chosen_on"] = where
    if where != "table":
        st.session_state["table_turn"] = st.session_state.get("table_turn", 0) + 1


def _choose_listed() -> None:
    _choose(st.session_state["pick_community"] or "", "list")


def _choose_tapped(key: str, shown: gpd.GeoDataFrame) -> None:
    """Choose the community that was tapped on the map."""
    tapped = (st.session_state.get(key) or {}).get("last_clicked")
    if tapped:
        hit = shown.index[shown.geometry.intersects(shapely.Point(tapped["lng"], tapped["lat"]))]
        _choose(str(hit[0]) if len(hit) else "", "map")


def _choose_row(key: str, ids: list[str]) -> None:
    """Choose the community of the row that was selected."""
    rows = st.session_state[key]["selection"]["rows"]
    _choose(ids[rows[0]] if rows else "", "table")


def _table(view: _View, community: str) -> None:
    """Show the communities, those with the most people not covered first."""
    words, ids = view.words, list(view.shown.index)
    table = told.ranking(words, view.shown)
    turn = st.session_state.get("table_turn", 0)
    key = f"gaps_table-{view.area.version}-{view.chosen.district}-{words.lang}-{turn}"
    rows = [ids.index(community)] if community else []
    formats: dict[str, Any] = dict.fromkeys(
        table.columns[1:], st.column_config.NumberColumn(format="localized")
    )
    formats[words("gaps.column_name")] = st.column_config.TextColumn(width=NAME_WIDTH)
    formats[words("gaps.column_share")] = st.column_config.NumberColumn(format="%.1f %%")
    st.dataframe(
        table,
        hide_index=True,
        key=key,
        height=360,
        row_height=40,
        selection_mode="single-row",
        on_select=partial(_choose_row, key, ids),
        alt=words("gaps.table"),
        selection_default={"selection": {"rows": rows, "columns": [], "cells": []}},
        column_config=formats,
    )


def _curve(view: _View, standard: AccessStandard) -> None:
    """Show which share of the people reaches a shelter within a distance."""
    words = view.words
    st.header(words("gaps.curve"), anchor=False)
    said = told.walks(words, view.total)
    st.html(f"<p>{escape(said)}</p>")
    curve_words = CurveWords(
        x=words("gaps.curve_x"),
        y=words("gaps.curve_y"),
        description=said,
        standard=words.distance(standard.max_distance_m),
    )
    st.vega_lite_chart(
        distance_curve(
            view.curve,
            max_distance_m=standard.max_distance_m,
            words=curve_words,
            dark=st.context.theme.type == "dark",
        ),
        key="curve",
        theme=None,
    )


def _downloads(view: _View) -> None:
    """Offer the table of communities as files."""
    words, area = view.words, view.area
    st.header(words("gaps.download"), anchor=False)
    st.html(f"<p>{escape(words('gaps.download_more'))}</p>")
    facts = exports.Facts(
        attribution=words("app.attribution"),
        illustrative=tuple(sorted(area.illustrative)),
        manifest=view.plan.manifest,
    )
    name = f"{area.name}-gaps"
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
                partial(make, view.shown, facts),
                f"{name}.{ending}",
                mime,
                key=f"download_{ending}",
                on_click="ignore",
            )
