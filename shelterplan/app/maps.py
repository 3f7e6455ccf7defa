"""The maps of the app: the study area's own things handed to the views."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np
import shapely
import streamlit as st

from shelterplan.app import store
from shelterplan.app.words import TAGS
from shelterplan.scenario import Scenario
from shelterplan.situation import active_zones
from shelterplan.views import map as views
from shelterplan.views.look import hatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry

    from shelterplan.app.words import Words
    from shelterplan.finder import Option
    from shelterplan.study_area import StudyArea

SHELTER_PX = 5
"""Radius of a shelter's dot on the planners' map [px]."""
LONGEST_SOURCE = 90
"""Most signs of the source of hazard zones that stand in the corner of a map."""


def look(words: Words) -> views.Look:
    """Return the words and colours of a map for this page and this person's theme."""
    return views.Look(
        dark=st.context.theme.type == "dark",
        lang=TAGS[words.lang],
        label=words("map.label"),
        attribution=words("map.attribution"),
        zoom_in=words("map.zoom_in"),
        zoom_out=words("map.zoom_out"),
        streets_failed=words("map.streets_failed"),
    )


def find_map(
    area: StudyArea, words: Words, how: views.Look, scenario: Scenario | None = None
) -> views.Map:
    """Return the map for residents: the streets, the zones of the hazard and every shelter.

    A page that shows it under another hazard has to give it another key: see `zone_key`.
    """
    made = _base(area, how)
    _add_zones(made, area, words, scenario)
    views.add_shelters(made, _shelters(area, words))
    return made


def gaps_map(
    area: StudyArea,
    words: Words,
    how: views.Look,
    *,
    scenario: Scenario,
    communities: Sequence[str],
) -> views.Map:
    """Return the map for planners: communities still to be painted, zones and every shelter."""
    shown = area.communities.loc[list(communities)]
    made = _base(area, how, bounds=tuple(shown.total_bounds))
    views.add_communities(made, _simple(area.name, area.version).loc[shown.index])
    _add_zones(made, area, words, scenario)
    views.add_shelters(made, _shelters(area, words), radius_px=SHELTER_PX)
    return made


def zone_key(scenario: Scenario) -> tuple[str, int, int | None]:
    """Return what decides which hazard zones a map shows."""
    return scenario.hazard, scenario.hazard_level, scenario.return_period


def zone_levels(area: StudyArea, scenario: Scenario) -> list[int]:
    """Return the levels of the hazard zones that a map shows, the mildest first."""
    shown = area.hazards["level"][active_zones(area, scenario)]
    return sorted({int(level) for level in shown})


def zone_source(area: StudyArea) -> str:
    """Return whose hazard zones a study area has."""
    return ", ".join(one.name for one in area.sources if one.table == "hazards")


def zone_legend(area: StudyArea, words: Words, scenario: Scenario) -> str:
    """Return the legend of the hazard zones; empty if the map shows none."""
    levels, dark = zone_levels(area, scenario), st.context.theme.type == "dark"
    if not levels:
        return ""
    items = "".join(
        f"<li><span class='key' style='background:{hatch(level, dark=dark)}'></span>"
        f"{escape(words.of('zone_level', str(level)))}</li>"
        for level in levels
    )
    title = words("zones.title", hazard=words.of("hazard", scenario.hazard))
    said = [words("zones.illustrative")] if "hazards" in area.illustrative else []
    source = zone_source(area)
    said += [words("zones.source", source=words.translated(source))] if source else []
    more = f"<p class='zones'>{escape(' '.join(said))}</p>" if said else ""
    return f"<div class='legend'><p>{escape(title)}</p><ul>{items}</ul>{more}</div>"


def _add_zones(to: views.Map, area: StudyArea, words: Words, scenario: Scenario | None) -> None:
    """Put the zones of the scenario's hazard on a map."""
    if scenario is None or not scenario.hazard:
        return
    source = words("zones.source", source=words.translated(zone_source(area)))
    zones = _zones(area.name, area.version, *zone_key(scenario))
    views.add_zones(to, zones, source=source[:LONGEST_SOURCE])


@st.cache_resource(max_entries=8, show_spinner=False)
def _zones(
    name: str,
    version: str,  # noqa: ARG001 - part of the key
    hazard: str,
    level: int,
    return_period: int | None,
) -> tuple[tuple[int, BaseGeometry], ...]:
    """Return the zones that count, those of one level together, to about three metres."""
    area = store.area(name)
    scenario = Scenario(hazard=hazard, hazard_level=level, return_period=return_period)
    zones = area.hazards[active_zones(area, scenario)]
    return tuple(
        (int(worst), shapely.union_all(np.asarray(rows.geometry.array)).simplify(3e-5))
        for worst, rows in zones.groupby("level", sort=True)
    )


def _shelters(area: StudyArea, words: Words) -> list[tuple[views.Point, str]]:
    """Return where each shelter is marked, and its name."""
    named = zip(shelter_points(area), area.shelters["name"], strict=True)
    return [(at, words.translated(name)) for at, name in named]


@st.cache_resource(max_entries=8, show_spinner=False)
def _points(name: str, version: str) -> tuple[views.Point, ...]:  # noqa: ARG001
    """Return where each shelter is marked."""
    points = store.area(name).shelters.geometry.representative_point()
    return tuple((at.x, at.y) for at in points)


def shelter_point(area: StudyArea, option: Option) -> views.Point:
    """Return where a shelter is marked."""
    return shelter_points(area)[area.shelters.index.get_loc(option.shelter_id)]


def shelter_points(area: StudyArea) -> tuple[views.Point, ...]:
    """Return where every shelter is marked."""
    return _points(area.name, area.version)


def _base(area: StudyArea, how: views.Look, bounds: tuple[float, ...] = ()) -> views.Map:
    """Return the map of the streets; they are packed once for each study area."""
    west, south, east, north = bounds or area.communities.total_bounds
    return views.base_map(
        bounds=(float(west), float(south), float(east), float(north)),
        ground=_ground(area.name, area.version),
        look=how,
        assets=store.street_assets(area.name, area.version),
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _ground(name: str, version: str) -> BaseGeometry:  # noqa: ARG001 - part of the key
    """Return the outline of a study area, simplified to about five metres."""
    outline: BaseGeometry = store.area(name).communities.geometry.union_all().simplify(5e-5)
    return outline


@st.cache_resource(max_entries=8, show_spinner=False)
def _simple(name: str, version: str) -> gpd.GeoSeries:  # noqa: ARG001
    """Return the communities' polygons, simplified together so that no seams open."""
    shapes = store.area(name).communities.geometry
    return shapes.simplify_coverage(3e-5)
