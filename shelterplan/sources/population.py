"""Where people live: the population of zones broken down to buildings or along streets.

People are whole, and dealt out by `apportion.allocate`: the places of a zone sum to its number.
A zone that has people but no place to put them is never forgotten and never filled silently:
it gets one point inside it, and ``Breakdown.fallbacks`` names it.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from shelterplan.errors import TableError
from shelterplan.sources.apportion import allocate, apportion

__all__ = [
    "Breakdown",
    "FloorArea",
    "allocate",
    "along_streets",
    "apportion",
    "building_demand",
    "residential_floor_area",
    "zone_of_points",
]

RESIDENTIAL_BUILDINGS = frozenset(
    {
        "apartments",
        "bungalow",
        "cabin",
        "detached",
        "dormitory",
        "farm",
        "house",
        "residential",
        "semidetached_house",
        "static_caravan",
        "terrace",
        "yes",
    }
)
"""Values of OSM's `building` in which people are taken to live. `yes` says only that there is a
building; nearly half of all buildings have it, most of them homes, so it counts as one. Leave out
those whose other tags name another use before calling `residential_floor_area`."""

RESIDENTIAL_STREETS = frozenset({"residential", "living_street"})
"""Street classes along which people are taken to live."""

EQUAL_AREA = "+proj=cea +ellps=WGS84 +units=m"
"""Lambert's cylindrical equal-area projection of the ellipsoid: areas in it are true, anywhere."""

COORDINATE_STEP_DEG = 1e-7
"""Positions are kept to this step, OSM's own (about 1 cm)."""


@dataclass(frozen=True)
class Breakdown:
    """People of zones, broken down to demand points.

    Attributes
    ----------
    demand : GeoDataFrame
        Demand points: index `demand_id`, columns `community_id`, `population`, `geometry`.
        Points that were dealt nobody are left out.
    fallbacks : DataFrame
        One row for each zone whose people could not be broken down as asked: `community_id`,
        `population`, `reason`, `placed` (where its people were put instead).
    """

    demand: gpd.GeoDataFrame
    fallbacks: pd.DataFrame


@dataclass(frozen=True)
class FloorArea:
    """Residential buildings as points with their floor area.

    Attributes
    ----------
    buildings : GeoDataFrame
        Index as given; columns `building`, `levels`, `levels_known` (bool), `floor_area_m2`,
        geometry a point inside the building.
    levels_filled : DataFrame
        Index `building` (its OSM value); `buildings`, `levels_known` (counts), `levels_assumed`
        (median of the known ones) and `assumed_from` (`same type` or `all residential`).
    """

    buildings: gpd.GeoDataFrame
    levels_filled: pd.DataFrame


def residential_floor_area(
    buildings: gpd.GeoDataFrame, *, values: frozenset[str] = RESIDENTIAL_BUILDINGS
) -> FloorArea:
    """Measure the floor area of residential buildings: footprint times levels.

    Parameters
    ----------
    buildings : GeoDataFrame
        Columns `building` (OSM's value), `levels` (number, NA where unknown) and polygons in
        EPSG:4326.
    values : frozenset of str
        Values of `building` in which people are taken to live.

    Returns
    -------
    FloorArea
        A building of unknown height is given the median of the known levels of its type; a type
        of which none is known, the median over all residential buildings. Both are counted.

    Raises
    ------
    TableError
        No residential building has known levels, so that no height can be assumed.
    """
    homes = buildings[buildings["building"].isin(values)]
    levels = pd.to_numeric(homes["levels"], errors="coerce").astype("float64")
    levels = levels.where(levels > 0)
    if len(homes) and levels.isna().all():
        raise TableError("buildings", ["no residential building has known levels."])
    filled = _assumed_levels(homes["building"], levels)
    assumed = homes["building"].map(filled["levels_assumed"]).astype("float64")
    footprint_m2 = homes.geometry.to_crs(EQUAL_AREA).area
    table = gpd.GeoDataFrame(
        {
            "building": homes["building"],
            "levels": levels.fillna(assumed),
            "levels_known": levels.notna(),
            "floor_area_m2": (footprint_m2 * levels.fillna(assumed)).round(2),
        },
        geometry=_quantised(homes.representative_point()),
        crs=homes.crs,
    )
    return FloorArea(table, filled)


def zone_of_points(zones: gpd.GeoDataFrame, points: gpd.GeoSeries) -> pd.Series:
    """Find the zone that each point lies in.

    Parameters
    ----------
    zones : GeoDataFrame
        Polygons that do not overlap; index: the zone's id.
    points : GeoSeries
        Points, in the same CRS.

    Returns
    -------
    Series
        The zone's id for each point, NA outside all of them. A point on a common border belongs
        to the zone that stands first in the table.
    """
    tree = shapely.STRtree(points.to_numpy())
    zone_row, point_row = tree.query(zones.geometry.to_numpy(), predicate="covers")
    found = pd.Series(zone_row, index=point_row).groupby(level=0).min()
    ids = pd.Series(pd.NA, index=points.index, dtype="object")
    ids.iloc[found.index.to_numpy()] = zones.index.to_numpy()[found.to_numpy()]
    return ids


def building_demand(zones: gpd.GeoDataFrame, floor_area: FloorArea) -> Breakdown:
    """Break the population of zones down to their residential buildings, by floor area.

    Parameters
    ----------
    zones : GeoDataFrame
        Index: the zone's id; columns `population` (whole people) and polygons in EPSG:4326.
    floor_area : FloorArea
        Residential buildings; those outside every zone are left out.

    Returns
    -------
    Breakdown
        One demand point inside each building that was dealt somebody. A zone with people but
        without a residential building gets one point, and is named in `fallbacks`.
    """
    homes = floor_area.buildings
    zone = zone_of_points(zones, homes.geometry)
    inside = zone.notna()
    places = gpd.GeoDataFrame(
        {"community_id": zone[inside], "weight": homes.loc[inside, "floor_area_m2"]},
        geometry=homes.geometry[inside],
        crs=homes.crs,
    )
    return _break_down(zones, places, reason="no residential building in it")


def along_streets(
    zones: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame,
    *,
    spacing_m: float = 50.0,
    classes: frozenset[str] = RESIDENTIAL_STREETS,
) -> Breakdown:
    """Break the population of zones down along the residential streets inside each zone.

    Parameters
    ----------
    zones : GeoDataFrame
        Index: the zone's id; columns `population` (whole people) and polygons in EPSG:4326.
    streets : GeoDataFrame
        Columns `class` and lines in EPSG:4326.
    spacing_m : float
        Distance between demand points along a street [m], about: every piece of street is cut
        into equal parts, and the point stands in the middle of its part.
    classes : frozenset of str
        Street classes along which people are taken to live.

    Returns
    -------
    Breakdown
        Weights are street lengths. A zone without any such street is broken down along all the
        walkable streets in it; one without any street gets one point. Both are in `fallbacks`.
    """
    metric = zones.estimate_utm_crs()
    outline = zones.geometry.to_crs(metric)
    lines = streets.geometry.to_crs(metric)
    home = streets["class"].isin(classes).to_numpy()
    pieces = _clip(lines[home], outline)
    bare = outline[~outline.index.isin(pieces["community_id"])]
    others = _clip(lines[~home], bare)
    places = _points_along(pd.concat([pieces, others], ignore_index=True), spacing_m)
    positions = _quantised(places.geometry.set_crs(metric).to_crs(zones.crs))
    places = gpd.GeoDataFrame(places[["community_id", "weight"]], geometry=positions)
    own = zones.geometry.loc[places["community_id"]]
    places = places[shapely.covers(own.to_numpy(), places.geometry.to_numpy())]
    broken = _break_down(zones, places, reason="no walkable street in it")
    by_other_streets = zones.index.isin(others["community_id"]) & (zones["population"] > 0)
    rows = _fallback_rows(
        zones[by_other_streets], "no residential street in it", "along its other walkable streets"
    )
    fallbacks = pd.concat([rows, broken.fallbacks], ignore_index=True)
    return Breakdown(broken.demand, fallbacks.drop_duplicates("community_id", keep="last"))


def _break_down(zones: gpd.GeoDataFrame, places: gpd.GeoDataFrame, *, reason: str) -> Breakdown:
    """Deal each zone's people to weighted points; a zone without any gets a point inside it."""
    weight = places.groupby("community_id")["weight"].sum()
    usable = zones.index.isin(weight.index[weight > 0])
    homeless = zones[~usable & (zones["population"] > 0).to_numpy()]
    inside = gpd.GeoDataFrame(
        {"community_id": homeless.index, "weight": 1.0},
        geometry=_quantised(homeless.representative_point()).to_numpy(),
        crs=zones.crs,
    )
    empty = places["community_id"].isin(homeless.index)
    points = pd.concat([places[~empty], inside] if len(inside) else [places], ignore_index=True)
    points["population"] = allocate(zones["population"], points["weight"], points["community_id"])
    demand = _numbered(points[points["population"] > 0], zones.index)
    return Breakdown(demand, _fallback_rows(homeless, reason, "one point inside the zone"))


def _numbered(points: gpd.GeoDataFrame, zone_order: pd.Index) -> gpd.GeoDataFrame:
    """Give demand points their id: the zone's, and their number within it."""
    rank = pd.Series(range(len(zone_order)), index=zone_order)
    order = points["community_id"].map(rank).argsort(kind="stable")
    points = points.iloc[order.to_numpy()]
    number = points.groupby("community_id").cumcount() + 1
    ids = points["community_id"].astype(str) + "-" + number.astype(str)
    columns = points[["community_id", "population"]]
    table = gpd.GeoDataFrame(columns, geometry=points.geometry, crs=points.crs)
    table.index = pd.Index(ids, name="demand_id")
    return table


def _fallback_rows(zones: gpd.GeoDataFrame, reason: str, placed: str) -> pd.DataFrame:
    """List zones that were broken down in another way than asked."""
    return pd.DataFrame(
        {
            "community_id": zones.index,
            "population": zones["population"].to_numpy(),
            "reason": reason,
            "placed": placed,
        }
    )


def _clip(lines: gpd.GeoSeries, zones: gpd.GeoSeries) -> gpd.GeoDataFrame:
    """Cut lines at the borders of zones: one row for each piece, with its `community_id`."""
    tree = shapely.STRtree(lines.to_numpy())
    zone_row, line_row = tree.query(zones.to_numpy(), predicate="intersects")
    cut = shapely.intersection(lines.to_numpy()[line_row], zones.to_numpy()[zone_row])
    parts, source = shapely.get_parts(cut, return_index=True)
    is_line = shapely.length(parts) > 0
    ids = zones.index.to_numpy()[zone_row[source[is_line]]]
    return gpd.GeoDataFrame({"community_id": ids}, geometry=parts[is_line])


def _points_along(pieces: gpd.GeoDataFrame, spacing_m: float) -> gpd.GeoDataFrame:
    """Cut each line into equal parts of about `spacing_m` [m]; a weighted point in each middle."""
    length_m = pieces.length.to_numpy()
    count = np.maximum(1, np.rint(length_m / spacing_m)).astype(np.int64)
    row = np.repeat(np.arange(len(pieces)), count)
    step = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    part_m = length_m[row] / count[row]
    points = shapely.line_interpolate_point(pieces.geometry.to_numpy()[row], (step + 0.5) * part_m)
    ids = pieces["community_id"].to_numpy()[row]
    return gpd.GeoDataFrame({"community_id": ids, "weight": part_m.round(3)}, geometry=points)


def _assumed_levels(building: pd.Series, levels: pd.Series) -> pd.DataFrame:
    """Take the median of known levels for each building type, and say where it comes from."""
    groups = levels.groupby(building)
    median = groups.median()
    return pd.DataFrame(
        {
            "buildings": groups.size(),
            "levels_known": groups.count(),
            "levels_assumed": median.fillna(levels.median()),
            "assumed_from": np.where(median.notna(), "same type", "all residential"),
        }
    ).rename_axis(index="building")


def _quantised(points: gpd.GeoSeries) -> gpd.GeoSeries:
    """Round positions to the step of OSM's own coordinates."""
    xy = np.round(shapely.get_coordinates(points.to_numpy()) / COORDINATE_STEP_DEG)
    rounded = np.round(xy * COORDINATE_STEP_DEG, 7)
    return gpd.GeoSeries(shapely.points(rounded), index=points.index, crs=points.crs)
