"""Illustrative hazard zones: bands by distance from a line, the nearest the worst."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import shapely

if TYPE_CHECKING:
    from collections.abc import Mapping

GRID_DEG = 1e-7
"""Coordinates are rounded to this, about 1 cm."""
ARC = 4
"""Bands turn a right angle around a corner in so many straight pieces."""


def bands(
    line: shapely.Geometry,
    ground: shapely.Geometry,
    reach_m: Mapping[int, float],
    *,
    crs: str,
    hazard: str,
    source: str,
    return_period: int | None = None,
) -> gpd.GeoDataFrame:
    """Cut the ground near a line into bands that do not overlap, one a level.

    Parameters
    ----------
    line, ground : shapely geometry
        In the metric `crs`.
    reach_m : mapping
        How far each level reaches from the line [m], the worst level first.
    crs, hazard, source, return_period
        Metric CRS, and what the columns of the same name hold; `return_period` in years.

    Returns
    -------
    GeoDataFrame
        A table of hazard zones in EPSG:4326.
    """
    near = [line.buffer(reach, ARC).intersection(ground) for reach in reach_m.values()]
    within = gpd.GeoSeries(near, crs=crs).to_crs("EPSG:4326").set_precision(GRID_DEG).to_list()
    inner = shapely.GeometryCollection()
    shapes = []
    for shape in within:
        whole = shapely.union(shape, inner, grid_size=GRID_DEG)
        shapes.append(only_polygons(shapely.difference(whole, inner, grid_size=GRID_DEG)))
        inner = whole
    period = "" if return_period is None else f"-{return_period}"
    return gpd.GeoDataFrame(
        {
            "hazard": hazard,
            "level": list(reach_m),
            "return_period": pd.array([return_period] * len(reach_m), dtype="Float64"),
            "source": source,
        },
        index=pd.Index([f"{hazard}{period}-{level}" for level in reach_m], name="zone_id"),
        geometry=shapes,
        crs="EPSG:4326",
    )


def only_polygons(shape: shapely.Geometry) -> shapely.MultiPolygon:
    """Leave out the points and lines that cutting can leave behind."""
    parts = shapely.get_parts(shape)
    return shapely.MultiPolygon(parts[shapely.get_dimensions(parts) == 2].tolist())
