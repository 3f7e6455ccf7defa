"""Gaps: who has no shelter near enough, where they live, and why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd
import shapely
import streamlit as st
from streamlit_folium import st_folium

from shelterplan import coverage
from shelterplan.app import maps, settings, store
from shelterplan.app.figures import percent, people
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
REASONS = tuple(status for status in coverage.STATUSES if status != "covered")
"""Every reason for which somebody may not be covered, in the order they are shown."""
REASON_COLOURS = ("#b1270f", "#5b2a86", "#0b3c8c", "#8a5a00", "#00615c", "#6b2346", "#3c4750")


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
    _summary(view, standard)
    st.fragment(_map_and_table)(view)
    _curve(view, standard)
    _downloads(view)


def _view(area: StudyArea, chosen: Settings, words: Words, plan: Plan) -> _View:
    """Return what is shown of a plan: all of it, or one district."""
    ranked = plan.communities.sort_values(
        ["gap_population", "population"], ascending=False, kind="stable")
    if chosen.district not in plan.districts.index:
        return _View(area, chosen, words, plan, ranked, plan.total, plan.curve)
    ranked = ranked[ranked["district"] == chosen.district]
    walks = plan.demand[plan.demand["community_id"].isin(ranked.index)]
    return _View(area, chosen, words, plan, ranked, plan.districts.loc[chosen.district],
                 coverage.distance_curve(walks))


def _standard(words: Words, chosen: Settings, area: StudyArea) -> AccessStandard:
    """Show the choice of the access standard and of the district; return the standard."""
    districts = sorted(area.communities["district"].dropna().astype(str).unique())
    if chosen.district not in districts and chosen.district:
        settings.change(district="")
    with st.container(key="standard", horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            words("gaps.standard"), [settings.OWN, *presets()], key=settings.pick("standard"),
            format_func=partial(_standard_title, words), on_change=settings.take,
            args=("standard",))
        if chosen.standard == settings.OWN:
            st.number_input(
                words("gaps.distance"), min_value=1, max_value=settings.LONGEST_M, step=50,
                key=settings.pick("distance"), on_change=settings.take, args=("distance",))
        if len(districts) > 1:
            st.selectbox(
                words("gaps.district"), ["", *districts], key=settings.pick("district"),
                format_func=lambda name: name or words("gaps.all_districts"),
                on_change=settings.take, args=("district",))
    standard = chosen.access_standard()
    said = words.of("certainty", standard.certainty.replace(" ", "_"))
    st.html(f"<p class='certainty'>{escape(said)}</p>")
    return standard


def _standard_title(words: Words, name: str) -> str:
    """Return the name of a standard with its distance."""
    if name == settings.OWN:
        return words("standard.own")
    return words("gaps.standard_title", name=words.of("standard", name),
                 distance=words.distance(presets()[name].max_distance_m))


def _summary(view: _View, standard: AccessStandard) -> None:
    """Say how many people are not covered, and for which reasons."""
    words, total = view.words, view.total
    everybody, gap = float(total["population"]), float(total["gap_population"])
    line = words("gaps.summary", gap=people(gap), people=people(everybody),
                 share=percent(gap / everybody if everybody else 0.0),
                 distance=words.distance(standard.max_distance_m))
    parts = [(reason, float(total.get(f"{reason}_population", 0.0))) for reason in REASONS]
    st.html(f"<p class='big' role='status'>{escape(line)}</p>" + _reasons(words, parts, everybody))


def _reasons(words: Words, parts: list[tuple[str, float]], everybody: float) -> str:
    """Return the reasons as a bar and a list of numbers."""
    shown = [(reason, count, REASON_COLOURS[i % len(REASON_COLOURS)])
             for i, (reason, count) in enumerate(parts) if count > 0]
    if not shown:
        return ""
    gap = sum(count for _, count, _ in shown)
    bar = "".join(f"<span style='flex:{count / gap:.6f};background:{colour}'></span>"
                  for _, count, colour in shown)
    rows = "".join(
        f"<li><span class='key' style='background:{colour}'></span>"
        f"<strong>{people(count)}</strong> {escape(words.of('status', reason))} "
        f"({percent(count / everybody)})</li>" for reason, count, colour in shown)
    return f"<div class='bar' aria-hidden='true'>{bar}</div><ul class='reasons'>{rows}</ul>"


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
            st.html(_legend(words, scale))
        with st.container(key="gaps_detail"):
            options = ["", *shown.index]
            st.selectbox(
                words("gaps.community"), options, key=settings.pick("community"),
                format_func=lambda key: shown.loc[key, "name"] if key else words("gaps.none"),
                on_change=_choose_listed)
            if chosen.community:
                _community(words, shown.loc[chosen.community])
            _table(view, chosen.community)
    settings.write_address()


def _map(view: _View, scale: Scale, look: views.Look, community: str) -> None:
    """Show the map; the chosen community is outlined, and moved to if it was chosen elsewhere."""
    chosen, area = view.chosen, view.area
    key = "-".join(map(str, (
        "gaps_map", area.name, area.version, chosen.walker, chosen.standard, chosen.distance,
        chosen.district, view.words.lang, look.dark)))
    shape = view.shown.geometry.loc[community] if community else None
    st_folium(
        maps.gaps_map(area, view.plan, scale, view.words, look, chosen.district), key=key,
        height=MAP_HEIGHT, use_container_width=True, returned_objects=["last_clicked"],
        on_change=partial(_choose_tapped, key, view.shown),
        feature_group_to_add=views.chosen_community(
            shape, move=st.session_state.get("chosen_on") != "map"))


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
    words, shown = view.words, view.shown
    table = pd.DataFrame({
        words("gaps.column_name"): shown["name"],
        words("gaps.column_gap"): shown["gap_population"].round().astype(int),
        words("gaps.column_people"): shown["population"].round().astype(int),
        words("gaps.column_share"): (shown["coverage_share"] * 100).map(lambda s: math.floor(s * 10) / 10 if s == s else None),
    } | {
        words.of("status", reason): shown[f"{reason}_population"].round().astype(int)
        for reason in REASONS if shown.get(f"{reason}_population", pd.Series([0])).sum() > 0
    })
    ids = list(shown.index)
    key = "-".join(map(str, ("gaps_table", view.area.version, view.chosen.district, words.lang,
                             st.session_state.get("table_turn", 0))))
    rows = [ids.index(community)] if community else []
    st.dataframe(
        table, hide_index=True, key=key, height=360, row_height=40, selection_mode="single-row",
        on_select=partial(_choose_row, key, ids), alt=words("gaps.table"),
        selection_default={"selection": {"rows": rows, "columns": [], "cells": []}},
        column_config={name: st.column_config.NumberColumn(format="localized")
                       for name in table.columns[1:]}
        | {words("gaps.column_share"): st.column_config.NumberColumn(format="%.1f %%")})


def _community(words: Words, row: pd.Series[Any]) -> None:
    """Say the figures of the chosen community in words."""
    parts = [(reason, float(row.get(f"{reason}_population", 0.0))) for reason in REASONS]
    lines = [words("gaps.community_gap", gap=people(row["gap_population"]),
                   people=people(row["population"]))]
    lines += [_walks(words, row)]
    st.html(f"<div class='community' role='status'><h2>{escape(str(row['name']))}</h2>"
            + "".join(f"<p>{escape(line)}</p>" for line in lines)
            + _reasons(words, parts, float(row["population"]) or 1.0) + "</div>")


def _walks(words: Words, row: pd.Series[Any]) -> str:
    """Say how far half and nine in ten of the people walk."""
    def walk(distance_m: float) -> str:
        return words.distance(distance_m) if distance_m < float("inf") else words("gaps.no_way")

    if not row["population"] > 0:
        return words("gaps.nobody")
    return words("gaps.walks", median=walk(row["median_distance_m"]),
                 p90=walk(row["p90_distance_m"]))


def _legend(words: Words, scale: Scale) -> str:
    """Return the legend of the map."""
    items = [f"<li><span class='key empty'></span>{escape(words('gaps.legend_none'))}</li>"]
    items += [f"<li><span class='key' style='background:{step.colour}'></span>"
              f"{step.low:,}–{step.high:,}</li>" for step in scale.steps]
    return (f"<div class='legend'><p>{escape(words('gaps.legend'))}</p>"
            f"<ul>{''.join(items)}</ul></div>")


def _curve(view: _View, standard: AccessStandard) -> None:
    """Show which share of the people reaches a shelter within a distance."""
    words = view.words
    st.subheader(words("gaps.curve"), anchor=False)
    said = _walks(words, view.total)
    st.html(f"<p>{escape(said)}</p>")
    curve_words = CurveWords(
        x=words("gaps.curve_x"), y=words("gaps.curve_y"), description=said,
        standard=words.distance(standard.max_distance_m))
    st.vega_lite_chart(
        distance_curve(view.curve, max_distance_m=standard.max_distance_m, words=curve_words,
                       dark=st.context.theme.type == "dark"), key="curve", theme=None)


def _downloads(view: _View) -> None:
    """Offer the table of communities as files."""
    words, area = view.words, view.area
    st.subheader(words("gaps.download"), anchor=False)
    st.html(f"<p>{escape(words('gaps.download_more'))}</p>")
    facts = exports.Facts(
        attribution=words("app.attribution"), illustrative=tuple(sorted(area.illustrative)),
        manifest=view.plan.manifest)
    name = f"{area.name}-gaps"
    with st.container(key="downloads", horizontal=True):
        for label, ending, mime, make in (
            ("CSV", "csv", "text/csv", exports.to_csv),
            ("GeoJSON", "geojson", "application/geo+json", exports.to_geojson),
            ("GeoPackage", "gpkg", "application/geopackage+sqlite3",
             partial(exports.to_geopackage, layer="gaps")),
        ):
            st.download_button(label, partial(make, view.shown, facts), f"{name}.{ending}", mime,
                               key=f"download_{ending}", on_click="ignore")
