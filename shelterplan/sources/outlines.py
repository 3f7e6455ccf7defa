"""Outlines from people: broken ones mended, and what is neither point nor polygon refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

if TYPE_CHECKING:
    from shelterplan.sources.records import Records


def repair(
    records: Records, geometry: gpd.GeoSeries, *, polygons_only: bool = False
) -> gpd.GeoSeries:
    """Return geometry with broken polygons mended (said) and lines refused."""
    shapes = geometry.to_numpy().copy()
    broken = np.flatnonzero(~shapely.is_valid(shapes) & ~shapely.is_missing(shapes) & ~records.bad)
    reasons = dict(zip(broken, shapely.is_valid_reason(shapes[broken]), strict=True))
    for i in broken:
        shapes[i] = polygonal_part(shapely.make_valid(shapes[i]))
    whole = [int(i) for i in broken if not shapes[i].is_empty]
    records.remark(
        whole,
        "geometry",
        lambda i: f"outline is broken ({reasons[i]}): repaired",
        "look at it on a map",
    )
    wanted = (3, 6) if polygons_only else (0, 3, 6)
    shapes = np.array([_single_point(one) for one in shapes], dtype=object)
    unfit = ~np.isin(shapely.get_type_id(shapes), wanted) | shapely.is_empty(shapes)
    if polygons_only:
        unfit |= shapely.area(shapes) == 0
    records.refuse(
        np.flatnonzero(unfit & ~records.bad),
        "geometry",
        "geometry is no polygon" if polygons_only else "geometry is neither a point nor a polygon",
        "draw it as one",
    )
    return gpd.GeoSeries(shapes, index=geometry.index, crs=4326)


def _single_point(one: shapely.Geometry | None) -> shapely.Geometry | None:
    """Return the point of a multipoint that has only one."""
    return one.geoms[0] if isinstance(one, shapely.MultiPoint) and len(one.geoms) == 1 else one


def polygonal_part(geometry: shapely.Geometry) -> shapely.Geometry:
    """Return the polygons of a geometry as one (multi)polygon, empty where it has none.

    Examples
    --------
    >>> bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    >>> polygonal_part(shapely.make_valid(bow)).area
    0.5
    """
    parts = [
        part
        for part in shapely.get_parts(shapely.get_parts(geometry))
        if isinstance(part, shapely.Polygon)
    ]
    return parts[0] if len(parts) == 1 else shapely.union_all(parts)
