"""A small map of a proposal as SVG: nothing in it but numbers and our own words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry

WIDTH, HEIGHT = 700.0, 430.0
"""Largest size [px]."""
EDGE = 14.0
"""Free space around the communities [px]."""
M_PER_DEGREE = 111_195.0
_LENGTHS_M = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000)


class _Plane:
    """Longitude and latitude as places on the drawing."""

    def __init__(self, bounds: Sequence[float]) -> None:
        west, south, east, north = bounds
        self.west, self.north = west, north
        self.stretch = math.cos(math.radians((south + north) / 2))
        wide, high = max((east - west) * self.stretch, 1e-6), max(north - south, 1e-6)
        self.scale = min((WIDTH - 2 * EDGE) / wide, (HEIGHT - 2 * EDGE) / high)
        self.width = wide * self.scale + 2 * EDGE
        self.height = high * self.scale + 2 * EDGE

    def at(self, lon_lat: Any) -> Any:  # noqa: ANN401 - an array in, an array out
        """Return positions on the drawing, shape (n, 2)."""
        points = np.asarray(lon_lat, float).reshape(-1, 2)
        x = (points[:, 0] - self.west) * self.stretch * self.scale + EDGE
        y = (self.north - points[:, 1]) * self.scale + EDGE
        return np.column_stack([x, y])

    def path(self, shape: BaseGeometry) -> str:
        """Return a polygon as the data of a path."""
        rings = [ring for part in shapely.get_parts(shape) for ring in _rings(part)]
        return "".join(
            "M"
            + "L".join(f"{x:.1f} {y:.1f}" for x, y in self.at(shapely.get_coordinates(ring)))
            + "Z"
            for ring in rings
        )


def _rings(part: BaseGeometry) -> list[shapely.LinearRing]:
    if not isinstance(part, shapely.Polygon):
        return []
    return [part.exterior, *part.interiors]


def draw(
    communities: gpd.GeoSeries,
    *,
    better: Sequence[bool],
    worse: Sequence[bool],
    shelters: Sequence[tuple[float, float]],
    sites: Sequence[tuple[float, float, bool]],
    label: str,
    words: Mapping[str, str],
) -> str:
    """Return the map.

    Parameters
    ----------
    communities
        Their polygons, longitude and latitude.
    better, worse
        Whether people of each gain, or lose, a place.
    shelters
        Where the existing shelters are.
    sites
        Where the proposed sites are, and whether they would be used; they are numbered from 1.
    label
        The map in a sentence, already escaped.
    words
        `scale`: the words of the scale, with {km}, already escaped.
    """
    plane = _Plane(_bounds(communities, sites))
    fine = communities.simplify_coverage(0.4 / plane.scale)
    parts = [
        _area(plane, shape, gains=gains, loses=loses)
        for shape, gains, loses in zip(fine, better, worse, strict=True)
    ]
    parts += [
        f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3.2' class='shelter'/>"
        for x, y in plane.at(list(shelters))
    ]
    for number, (lon, lat, used) in enumerate(sites, 1):
        x, y = plane.at([(lon, lat)])[0]
        parts.append(_site(x, y, number, used=used))
    return (
        f"<svg viewBox='0 0 {plane.width:.0f} {plane.height:.0f}' role='img' aria-label='{label}' "
        f"width='{plane.width:.0f}' height='{plane.height:.0f}'>"
        "<defs><pattern id='worse' width='7' height='7' patternUnits='userSpaceOnUse' "
        "patternTransform='rotate(45)'><rect width='7' height='7' "
        "fill='#fbd9d0'/><rect width='2' height='7' fill='#b1270f'/></pattern></defs>"
        f"{''.join(parts)}{_ruler(plane, words['scale'])}</svg>"
    )


def _bounds(
    communities: gpd.GeoSeries, sites: Sequence[tuple[float, float, bool]]
) -> tuple[float, float, float, float]:
    west, south, east, north = (float(value) for value in communities.total_bounds)
    lons, lats = [site[0] for site in sites], [site[1] for site in sites]
    return (
        min([west, *lons]),
        min([south, *lats]),
        max([east, *lons]),
        max([north, *lats]),
    )


def _area(plane: _Plane, shape: BaseGeometry, *, gains: bool, loses: bool) -> str:
    css = "worse" if loses else "better" if gains else "area"
    return f"<path d='{plane.path(shape)}' class='{css}'/>"


def _site(x: float, y: float, number: int, *, used: bool) -> str:
    css = "site" if used else "site unused"
    return (
        f"<g class='{css}'><rect x='{x - 9:.1f}' y='{y - 9:.1f}' width='18' height='18' rx='3'/>"
        f"<text x='{x:.1f}' y='{y + 4:.1f}'>{number}</text></g>"
    )


def _ruler(plane: _Plane, words: str) -> str:
    """Return the scale: the longest round length that takes at most a quarter of the width."""
    per_m = plane.scale / M_PER_DEGREE
    fitting = [length for length in _LENGTHS_M if length * per_m <= plane.width / 4]
    length = fitting[-1] if fitting else _LENGTHS_M[0]
    y, end = plane.height - 6, EDGE + length * per_m
    said = words.format(km=f"{length / 1000:g}")
    return (
        f"<path d='M{EDGE} {y - 5:.1f}V{y:.1f}H{end:.1f}V{y - 5:.1f}' class='ruler'/>"
        f"<text x='{end + 6:.1f}' y='{y:.1f}' class='scale'>{said}</text>"
    )
