"""The map of new sites: who has no place, the candidates, and the plan in the order to build it."""

from __future__ import annotations

import math
from functools import partial
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
from streamlit_folium import st_folium

from shelterplan.app import gaps_told, maps, store
from shelterplan.app import sites_told as told
from shelterplan.app.figures import people
from shelterplan.app.sites_chosen import choose
from shelterplan.app.whatif import M_PER_DEGREE, near_m
from shelterplan.views import map as views
from shelterplan.views import site_marks
from shelterplan.views.scale import people_scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

    from shelterplan.app.gaps_view import View
    from shelterplan.siting.suggest import Suggestion

MAP_HEIGHT = 520
"""Height of the map [px]; the style sheet makes it lower on a phone."""
OPACITY = 0.7
"""Of the communities' fill."""


def show(
    view: View,
    *,
    found: Suggestion | None,
    table: gpd.GeoDataFrame | None,
    urgent: Sequence[str],
    site: str,
) -> None:
    """Show the map; what is chosen on it is a site of the plan."""
    words, area = view.words, view.area
    look = maps.look(words)
    when = _when(view) if found is not None else "before"
    gap = (
        (found.after if found is not None and when == "after" else view.plan)
        .communities["gap_population"]
        .reindex(area.communities.index)
    )
    scale = people_scale(view.plan.communities["gap_population"], dark=view.dark)
    group = views.chosen_community(None, move=False)
    views.paint_communities(
        group, [scale.colour(one) for one in gap], _tips(view, gap), opacity=OPACITY
    )
    site_marks.outline(group, list(area.communities.geometry.loc[list(urgent)]))
    planned = list(found.sites.index) if found is not None else []
    site_marks.mark_candidates(group, _candidates(view, table, planned))
    moved = st.session_state.get("site_chosen_on") != "map"
    site_marks.mark_plan(group, _plan(view, found, site), move=moved)
    zones = maps.zone_key(view.scenario)
    key = f"sites_map-{area.name}-{area.version}-{zones}-{words.lang}-{look.dark}"
    st_folium(
        maps.gaps_map(
            area, words, look, scenario=view.scenario, communities=list(area.communities.index)
        ),
        key=key,
        height=MAP_HEIGHT,
        use_container_width=True,
        render=False,  # it is rendered anyhow; this would be a second time
        returned_objects=["last_clicked", "last_object_clicked_count"],
        on_change=partial(_take_tap, key, view, planned),
        feature_group_to_add=group,
    )
    labels = gaps_told.class_labels(scale.steps)
    legend = _legend(view, labels, found=found, table=table, urgent=bool(len(urgent)))
    st.html(legend + maps.zone_legend(area, words, view.scenario))


def _when(view: View) -> str:
    """Show the choice between the map as it is and with the plan, and return it."""
    words = view.words
    chosen: str = st.segmented_control(
        words("sites.when"),
        ("after", "before"),
        key="sites_when",
        default="after",
        required=True,
        format_func=lambda one: words.of("sites_when", one),
        label_visibility="collapsed",
    )
    return chosen


def _tips(view: View, gap: pd.Series[float]) -> list[str]:
    words, all_of = view.words, view.area.communities
    everybody = view.plan.communities["population"].reindex(all_of.index)
    return [
        words("gaps.tip", name=words.translated(str(name)), gap=people(lack), people=people(count))
        for name, lack, count in zip(all_of["name"], gap, everybody, strict=True)
    ]


def _candidates(
    view: View, table: gpd.GeoDataFrame | None, planned: Sequence[str]
) -> list[site_marks.Candidate]:
    """Return the marks of the candidates that are not in the plan."""
    words, sites = view.words, view.area.candidates
    points = dict(zip(sites.index, site_points(view), strict=True))
    marks = []
    for site, name in sites["name"].items():
        if site in planned:
            continue
        title = told.site_name(words, name)
        reason = "" if table is None else str(table["reason"].get(site, ""))
        tip = words("sites.tip_out", name=title, reason=told.rule(words, reason))
        marks.append(
            site_marks.Candidate(
                at=points[site],
                tip=tip if reason else words("sites.tip_free", name=title),
                fitness="out" if reason else "free",
            )
        )
    return marks


def _plan(view: View, found: Suggestion | None, site: str) -> list[site_marks.PlanSite]:
    """Return the marks of the plan's sites."""
    if found is None:
        return []
    words, sites = view.words, found.sites
    points = dict(zip(view.area.candidates.index, site_points(view), strict=True))
    return [
        site_marks.PlanSite(
            at=points[str(key)],
            number=int(row["step"]),
            tip=words(
                "sites.tip_plan",
                number=int(row["step"]),
                name=told.site_name(words, row["name"]),
                people=told.at_least(row["newly_covered_population"]),
            ),
            chosen=key == site,
        )
        for key, row in sites.iterrows()
    ]


def site_points(view: View) -> tuple[views.Point, ...]:
    """Return where every candidate of the study area is marked."""
    return _points(view.area.name, view.area.version)


@st.cache_resource(max_entries=8, show_spinner=False)
def _points(name: str, version: str) -> tuple[views.Point, ...]:  # noqa: ARG001 - part of the key
    points = store.area(name).candidates.geometry.representative_point()
    return tuple((at.x, at.y) for at in points)


def _take_tap(key: str, view: View, planned: Sequence[str]) -> None:
    """Choose the site of the plan that was tapped on the map."""
    tapped = (st.session_state.get(key) or {}).get("last_clicked")
    if not tapped or not planned:
        return
    site = nearest(view, planned, float(tapped["lng"]), float(tapped["lat"]))
    if site:
        choose(site, "map")


def nearest(view: View, planned: Sequence[str], lon: float, lat: float) -> str:
    """Return the site of a plan that is nearest to a place, "" if none is near."""
    rows = view.area.candidates.index.get_indexer(list(planned))
    dots = np.array(site_points(view), float)[rows]
    east = (dots[:, 0] - lon) * math.cos(math.radians(lat)) * M_PER_DEGREE
    away_m = np.hypot(east, (dots[:, 1] - lat) * M_PER_DEGREE)
    first = int(away_m.argmin())
    return str(planned[first]) if away_m[first] <= 2 * near_m(view.area) else ""


def _legend(
    view: View,
    labels: list[tuple[str, str]],
    *,
    found: Suggestion | None,
    table: gpd.GeoDataFrame | None,
    urgent: bool,
) -> str:
    """Return the legend: what each sign stands for, those that are on the map."""
    words = view.words
    keys = [("<span class='key empty'></span>", words("gaps.legend_none"))]
    keys += [(f"<span class='key' style='background:{colour}'></span>", t) for colour, t in labels]
    keys.append(("<span class='dot'></span>", words("gaps.legend_shelter")))
    if found is not None and len(found.sites):
        keys.append(("<span class='sign site'>1</span>", words("sites.legend_plan")))
    keys.append(("<span class='ring'></span>", words("sites.legend_free")))
    if table is not None and not table["suitable"].all():
        keys.append(("<span class='sign unused'>×</span>", words("sites.legend_out")))
    if urgent:
        keys.append(("<span class='key urgent'></span>", words("sites.legend_urgent")))
    items = "".join(f"<li>{sign}{escape(text)}</li>" for sign, text in keys)
    return f"<div class='legend'><p>{escape(words('gaps.legend'))}</p><ul>{items}</ul></div>"
