"""The shape of the earth: lengths on it, and the way to a metric plane and back."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import geopandas as gpd
import pyproj

LONLAT: Final = pyproj.CRS.from_epsg(4326)
"""Longitude and latitude. Each thread builds each object of this class anew when it first compares
it, in up to a tenth of a second: tables share this one, which is among the quick ones."""
GEODESIC: Final = pyproj.Geod(ellps="WGS84")
"""Lengths and directions on the ellipsoid."""


def in_lonlat(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a table with its geometry in `LONLAT`, and in this very object.

    Examples
    --------
    >>> points = gpd.GeoDataFrame(geometry=gpd.points_from_xy([500_000.0], [0.0]), crs=32632)
    >>> in_lonlat(points).crs is LONLAT
    True
    """
    return table.to_crs(LONLAT).set_crs(LONLAT, allow_override=True)


@lru_cache(maxsize=32)
def to_metric(crs: pyproj.CRS) -> pyproj.Transformer:
    """Return what turns lon/lat into a metric CRS; safe between threads.

    Examples
    --------
    >>> x_m, y_m = to_metric(pyproj.CRS.from_epsg(32632)).transform(9.0, 0.0)
    >>> round(x_m), round(y_m)
    (500000, 0)
    """
    return pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)


@lru_cache(maxsize=32)
def to_lonlat(crs: pyproj.CRS) -> pyproj.Transformer:
    """Return what turns a metric CRS into lon/lat; safe between threads.

    Examples
    --------
    >>> lon, lat = to_lonlat(pyproj.CRS.from_epsg(32632)).transform(500_000, 0)
    >>> round(lon, 9), round(lat, 9)
    (9.0, 0.0)
    """
    return pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
