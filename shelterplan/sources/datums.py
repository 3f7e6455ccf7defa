"""Coordinate datums of Chinese maps: WGS 84, GCJ-02 and BD-09, either way.

Maps sold in mainland China are drawn in GCJ-02, which moves every place by some hundred metres
(264 to 554 m in its cities); Baidu's maps move it once more, to BD-09. The rules are not published
by the authority. The formulas here are those that became known and that every map library uses
(github.com/googollee/eviltransform and github.com/wandergis/coordtransform give them, with test
values; see also the article "Restrictions on geographic data in China"). Their inverses have no
closed form: they are found by iteration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from shelterplan.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Pair = tuple[NDArray[np.float64], NDArray[np.float64]]

DATUMS = {
    "wgs84": "WGS 84",
    "cgcs2000": "CGCS2000, here the same as WGS 84",
    "gcj02": "GCJ-02 (Amap, Tencent and Google's map of China)",
    "bd09": "BD-09 (Baidu)",
}
"""Datums that coordinates may be given in, in words. CGCS2000 and WGS 84 differ by centimetres."""
CHINA = (72.004, 0.8293, 137.8347, 55.8271)
"""West, south, east, north of the rectangle in which GCJ-02 is applied [degrees].

It is the rectangle of the published formulas and covers far more than China: Korea, Taiwan and
parts of India and Japan too. Hong Kong, Macau and Taiwan lie in it, but lists from there are as a
rule in WGS 84 (or a grid of their own): declare what the list is really in."""
EARTH_RADIUS_M = 6_378_245.0
"""Semi-major axis of Krasovsky's ellipsoid, which the formulas use [m]."""
ECCENTRICITY2 = 0.00669342162296594323
"""Square of that ellipsoid's eccentricity."""
TURN = np.pi * 3000 / 180
"""Frequency of the waves of BD-09 [rad per degree]."""
STEPS = 30
"""Most rounds of an inverse; 5 to 8 are enough nearly everywhere."""
CLOSE_DEG = 1e-10
"""An inverse has been found when it is as near as this [degrees], 0.01 mm."""


def to_wgs84(lon: ArrayLike, lat: ArrayLike, datum: str) -> Pair:
    """Return positions in WGS 84.

    Parameters
    ----------
    lon, lat : array-like of float, shape (n,)
        Positions in `datum` [degrees].
    datum : str
        A key of `DATUMS`.

    Returns
    -------
    lon, lat : arrays of float, shape (n,)
        Positions in WGS 84 [degrees]. What lies outside `CHINA` comes back unchanged.

    Raises
    ------
    UnknownNameError
        There is no such datum.

    Examples
    --------
    >>> lon, lat = to_wgs84([116.410244], [39.916404], "gcj02")
    >>> lon.round(5).tolist(), lat.round(5).tolist()
    ([116.404], [39.915])
    """
    lon, lat = _floats(lon, lat)
    inside = in_china(lon, lat)
    if known_datum(datum) in _MOVES:
        lon[inside], lat[inside] = _unmoved(_MOVES[datum], lon[inside], lat[inside])
    return lon, lat


def from_wgs84(lon: ArrayLike, lat: ArrayLike, datum: str) -> Pair:
    """Return positions of WGS 84 in another datum: the opposite of `to_wgs84`.

    Raises
    ------
    UnknownNameError
        There is no such datum.

    Examples
    --------
    >>> lon, lat = from_wgs84([116.404, 2.35], [39.915, 48.86], "gcj02")
    >>> lon.round(6).tolist(), lat.round(6).tolist()
    ([116.410244, 2.35], [39.916404, 48.86])
    """
    lon, lat = _floats(lon, lat)
    inside = in_china(lon, lat)
    if known_datum(datum) in _MOVES:
        lon[inside], lat[inside] = _MOVES[datum](lon[inside], lat[inside])
    return lon, lat


def known_datum(datum: str) -> str:
    """Return the name of a datum, or raise UnknownNameError."""
    if datum not in DATUMS:
        raise UnknownNameError("datum", datum, list(DATUMS))
    return datum


def shapes_to_wgs84(shapes: NDArray[np.object_], datum: str) -> NDArray[np.object_]:
    """Return geometries (points, polygons, None) with every corner brought to WGS 84.

    Raises
    ------
    UnknownNameError
        There is no such datum.
    """
    known_datum(datum)

    def move(corners: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(to_wgs84(corners[:, 0], corners[:, 1], datum))

    moved: NDArray[np.object_] = shapely.transform(shapes, move)
    return moved


def in_china(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Say which positions lie in the rectangle `CHINA`.

    Examples
    --------
    >>> in_china([114.06, 7.42], [22.54, 43.73]).tolist()
    [True, False]
    """
    lon, lat = _floats(lon, lat)
    west, south, east, north = CHINA
    inside: NDArray[np.bool_] = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return inside


def _floats(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """Return copies as arrays of one dimension."""
    return np.array(lon, float, ndmin=1), np.array(lat, float, ndmin=1)


def _gcj02(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Pair:
    """Move positions from WGS 84 to GCJ-02, wherever they are."""
    east_m, north_m = _shift_m(lon - 105, lat - 35)
    angle = np.radians(lat)
    curve = 1 - ECCENTRICITY2 * np.sin(angle) ** 2
    meridian_m = EARTH_RADIUS_M * (1 - ECCENTRICITY2) / curve**1.5
    parallel_m = EARTH_RADIUS_M / np.sqrt(curve) * np.cos(angle)
    return lon + np.degrees(east_m / parallel_m), lat + np.degrees(north_m / meridian_m)


def _shift_m(x: NDArray[np.float64], y: NDArray[np.float64]) -> Pair:
    """Return the shift to the east and north [m] at x, y degrees from 105 E, 35 N."""

    def waves(at: NDArray[np.float64], *terms: tuple[float, float]) -> NDArray[np.float64]:
        return sum(
            (height * np.sin(np.pi * at * turns) for height, turns in terms), np.zeros_like(at)
        ) * (2 / 3)

    ripple = waves(x, (20, 6), (20, 2))
    east = 300 + x + 2 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
    north = -100 + 2 * x + 3 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x))
    return (
        east + ripple + waves(x, (20, 1), (40, 1 / 3), (150, 1 / 12), (300, 1 / 30)),
        north + ripple + waves(y, (20, 1), (40, 1 / 3), (160, 1 / 12), (320, 1 / 30)),
    )


def _bd09_of_gcj02(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Pair:
    """Move positions from GCJ-02 to BD-09, wherever they are."""
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * TURN)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * TURN)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def _bd09(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Pair:
    """Move positions from WGS 84 to BD-09, wherever they are."""
    return _bd09_of_gcj02(*_gcj02(lon, lat))


def _unmoved(
    forward: Callable[[NDArray[np.float64], NDArray[np.float64]], Pair],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
) -> Pair:
    """Return where positions were before `forward` moved them.

    The shift changes by less than 1 % of the way along, so that taking off the shift at the last
    guess brings each guess at least fifty times as near as the one before.
    """
    guess = (lon.copy(), lat.copy())
    for _ in range(STEPS):
        moved = forward(*guess)
        wrong = (moved[0] - lon, moved[1] - lat)
        guess = (guess[0] - wrong[0], guess[1] - wrong[1])
        if max(np.abs(part).max(initial=0) for part in wrong) < CLOSE_DEG:
            break
    return guess


_MOVES = {"gcj02": _gcj02, "bd09": _bd09}
