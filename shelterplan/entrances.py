"""Where people go in: a park of 300 m has gates, and its centroid is no door."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from shelterplan import earth

if TYPE_CHECKING:
    import pyproj

GATE_REACH_M = 5.0
"""A mapped gate belongs to the shelter whose outline it lies within this distance of [m]."""
SAME_GATE_M = 3.0
"""Crossings nearer to each other than this are one entrance [m]."""


def find_entrances(
    shelters: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame,
    crs: pyproj.CRS,
    gates: gpd.GeoDataFrame | None = None,
) -> gpd.GeoDataFrame:
    """Return the entrances of shelters.

    A shelter that is a point has its entrance there (`position`). One with an outline has its
    mapped gates (`mapped`); without any, every crossing of the outline with a walkable way on the
    ground (`outline`: bridges and tunnels do not count); without any, the point of the outline
    nearest to a street (`position`).

    Parameters
    ----------
    shelters : GeoDataFrame
        Shelters or candidate sites, indexed by id.
    streets : GeoDataFrame
        The streets table.
    crs : pyproj.CRS
        Metric CRS.
    gates : GeoDataFrame, optional
        Points of mapped gates and doors; an `emergency_only` column is kept.

    Returns
    -------
    GeoDataFrame
        The entrances table in lon/lat, `shelter_id` being the index of `shelters`.
    """
    shapes = np.asarray(shelters.geometry.to_crs(crs).array)
    ways = streets[streets["bridge_tunnel"].fillna("") == ""] if len(streets) else streets
    lines = np.asarray(ways.geometry.to_crs(crs).array)
    lines = lines[_finite(lines)]
    tree = shapely.STRtree(lines)
    doors = gates.to_crs(crs) if gates is not None else None
    found = [_of_one(shape, lines, tree, doors) for shape in shapes]
    count = [len(one.points) for one in found]
    rows = pd.DataFrame(
        {
            "emergency_only": np.concatenate([*(one.emergency_only for one in found), []]).astype(
                bool
            ),
            "how": pd.array(np.repeat([one.how for one in found], count), dtype="str"),
            "geometry": np.concatenate([*(one.points for one in found), np.array([], object)]),
            "shelter_id": np.repeat(shelters.index.to_numpy(object), count),
        }
    )
    numbers = rows.groupby("shelter_id").cumcount() + 1
    rows.index = pd.Index(
        rows["shelter_id"].astype("str") + ":" + numbers.astype("str"), name="entrance_id"
    )
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=crs).to_crs(earth.LONLAT)


class _Found(NamedTuple):
    """Entrances of one shelter, in the metric CRS."""

    points: np.ndarray
    how: str
    emergency_only: np.ndarray


def _rows(
    points: list[BaseGeometry] | np.ndarray, how: str, *, emergency_only: bool | np.ndarray = False
) -> _Found:
    found = np.array(points, object, ndmin=1)
    return _Found(found, how, np.broadcast_to(np.asarray(emergency_only, bool), len(found)))


def _of_one(
    shape: BaseGeometry,
    lines: np.ndarray,
    tree: shapely.STRtree,
    gates: gpd.GeoDataFrame | None,
) -> _Found:
    """Return the entrances of one shelter, in the metric CRS."""
    if not _finite(shape):  # on another side of the earth: nobody walks there
        return _rows([], "position")
    if shape.geom_type == "Point":
        return _rows([shape], "position")
    outline = shapely.boundary(shape)
    if gates is not None and len(gates):
        near = gates.iloc[
            gates.sindex.query(outline, predicate="dwithin", distance=GATE_REACH_M, sort=True)
        ]
        if len(near):
            only = (
                near["emergency_only"].fillna(value=False).to_numpy(bool)
                if "emergency_only" in near
                else False
            )
            return _rows(np.asarray(near.geometry.array), "mapped", emergency_only=only)
    crossing = lines[tree.query(outline, predicate="intersects")]
    points = _apart(_points(shapely.intersection(crossing, outline)))
    if len(points):
        return _rows(points, "outline")
    if len(lines) == 0:
        return _rows([shapely.point_on_surface(shape)], "position")
    nearest = lines[tree.nearest(outline)]
    return _rows(shapely.get_point([shapely.shortest_line(outline, nearest)], 0), "position")


def _finite(shapes: shapely.Geometry | np.ndarray) -> np.ndarray:
    """Say which shapes the metric CRS reaches."""
    return np.asarray(np.isfinite(shapely.bounds(shapes)).all(axis=-1))


def _points(parts: np.ndarray) -> np.ndarray:
    """Return crossings as points; where a way runs along the outline, the middle of that run."""
    parts = shapely.get_parts(parts)
    line = shapely.get_dimensions(parts) == 1
    parts[line] = shapely.line_interpolate_point(parts[line], 0.5, normalized=True)
    points: np.ndarray = parts[shapely.get_type_id(parts) == 0]
    return points


def _apart(points: np.ndarray) -> np.ndarray:
    """Return the points without those that lie next to an earlier one."""
    order = np.lexsort((shapely.get_y(points), shapely.get_x(points)))
    kept: list[shapely.Point] = []
    for point in points[order]:
        if not kept or shapely.distance(point, np.array(kept, object)).min() > SAME_GATE_M:
            kept.append(point)
    return np.array(kept, object)
