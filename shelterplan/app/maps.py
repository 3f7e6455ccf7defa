"""The maps of the app: the study area's own things handed to the views."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from shelterplan.app import store
from shelterplan.app.words import TAGS
from shelterplan.views import map as views

if TYPE_CHECKING:
    import geopandas as gpd
    import shapely
    from shapely.geometry.base import BaseGeometry

    from shelterplan.app.words import Words
    from shelterplan.finder import Option
    from shelterplan.plan import Plan
    from shelterplan.study_area import StudyArea
    from shelterplan.views.scale import Scale


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


def find_map(area: StudyArea, words: Words, how: views.Look) -> views.Map:
    """Return the map for residents: the streets and every shelter."""
    made = _base(area, how)
    views.add_shelters(made, _shelters(area, words))
    return made


def gaps_map(
    area: StudyArea, plan: Plan, scale: Scale, words: Words, how: views.Look, district: str
) -> views.Map:
    """Return the map for planners: communities by people not covered, and every shelter."""
    shown = plan.communities
    if district:
        shown = shown[shown["district"] == district]
    made = _base(area, how, bounds=tuple(shown.total_bounds))
    views.add_communities(
        made,
        _simple(area.name, area.version).loc[shown.index],
        colours={key: scale.colour(gap) for key, gap in shown["gap_population"].items()},
        tips={
            key: words(
                "gaps.tip",
                name=words.translated(row["name"]),
                gap=f"{row['gap_population']:,.0f}",
                people=f"{row['population']:,.0f}",
            )
            for key, row in shown.iterrows()
        },
    )
    views.add_shelters(made, _shelters(area, words), radius_px=5)
    return made


def _shelters(area: StudyArea, words: Words) -> list[tuple[views.Point, str]]:
    """Return where each shelter is marked, and its name."""
    named = zip(_points(area.name, area.version), area.shelters["name"], strict=True)
    return [(at, words.translated(name)) for at, name in named]


@st.cache_resource(max_entries=8, show_spinner=False)
def _points(name: str, version: str) -> tuple[views.Point, ...]:  # noqa: ARG001
    """Return where each shelter is marked."""
    points = store.area(name).shelters.geometry.representative_point()
    return tuple((at.x, at.y) for at in points)


def shelter_point(area: StudyArea, option: Option) -> views.Point:
    """Return where a shelter is marked."""
    point: shapely.Point = area.shelters.geometry.loc[option.shelter_id].representative_point()
    return point.x, point.y


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
