"""The metric plane of a study area as polynomials, so that a page can project without a library.

A map projection is smooth: over one study area, polynomials of a modest degree follow it to less
than a thousandth of a millimetre. They are fitted here, and checked at other places than they were
fitted at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj

from shelterplan import earth
from shelterplan.errors import ShelterplanError

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNITS = 10_000_000
"""Whole units of a degree in which positions are kept: 11 mm, those of OpenStreetMap."""
WORST_M = 1e-6
"""How far a polynomial may be from the projection [m]."""
_DEGREES = range(3, 12)
_METRES_A_DEGREE = 111_700.0
_EQUATOR_M = 6_378_137.0
_FLATTENING = 1 / 298.257223563
_MM = 1000.0


class ResidentMapError(ShelterplanError, ValueError):
    """A study area of which no resident map can be made."""


@dataclass(frozen=True, eq=False)
class Plane:
    """A box around a study area, and how its positions are projected."""

    origin: tuple[int, int]
    """South-western corner of the box (lon, lat) [units]."""
    size: tuple[int, int]
    """Its width and height [units]."""
    to_metric: pyproj.Transformer
    facts: dict[str, Any]
    """What a page needs: see `plane_of`."""

    def units(self, lonlat: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return positions (lon, lat) in whole units from the corner, shape (p, 2)."""
        whole: NDArray[np.int64] = np.rint(np.asarray(lonlat, float) * UNITS).astype(np.int64)
        whole -= np.array(self.origin)
        whole[:, 0] %= 360 * UNITS
        return whole

    def lengths_mm(
        self, units: NDArray[np.int64], line_ptr: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the length of each line as a page works it out, shape (lines,) [mm].

        Only sums, products and square roots are used, which every computer rounds alike.
        """
        east, north = np.diff(units, axis=0).astype(np.float64).T
        middle = (units[:-1, 1] + units[1:, 1]) / self.size[1] - 1.0
        kx, ky = (_horner(self.facts["mm"][axis], middle) for axis in ("x", "y"))
        step = np.sqrt((kx * east) * (kx * east) + (ky * north) * (ky * north))
        line = np.repeat(np.arange(len(line_ptr) - 1), np.diff(line_ptr))
        inner = line[1:] == line[:-1]
        total = np.bincount(line[:-1][inner], weights=step[inner], minlength=len(line_ptr) - 1)
        whole: NDArray[np.int64] = np.floor(total + 0.5).astype(np.int64)
        return whole


def plane_of(crs: pyproj.CRS, bounds: NDArray[np.float64], around: float) -> Plane:
    """Fit the polynomials of a study area.

    Parameters
    ----------
    crs : pyproj.CRS
        Its metric CRS.
    bounds : array of float, shape (4,)
        West, south, east, north of all that it holds [degrees].
    around : float
        How far around it places are of any interest [degrees].

    Raises
    ------
    ResidentMapError
        If the area is too large to be followed by polynomials.

    Notes
    -----
    ``facts``: `origin`, `size` [units]; `degree` of the polynomials; `x`, `y` (of s and t, which
    run from -1 to 1 over the box: coefficients of s^i t^j, i + j <= degree, i first) [m]; `metric`
    (middle and half width, middle and half height of what they give) and `lon`, `lat`, the way
    back [units from the corner]; `mm`, polynomials of t: millimetres per unit to the east and to
    the north; `mercator`, one of t: web mercator, the world being 0 to 1 from north to south.

    Examples
    --------
    >>> import numpy as np
    >>> plane = plane_of(pyproj.CRS.from_epsg(32632), np.array([7.4, 43.7, 7.5, 43.8]), 0.05)
    >>> plane.facts["error_m"] < 1e-6
    True
    """
    south, north = np.clip([bounds[1] - around, bounds[3] + around], -89.9, 89.9)
    wider = around / max(0.01, float(np.cos(np.radians(max(abs(south), abs(north))))))
    west, east = bounds[0] - wider, bounds[2] + wider
    low = np.floor([west * UNITS, south * UNITS]).astype(np.int64)
    size = np.ceil([east * UNITS, north * UNITS]).astype(np.int64) - low
    to_metric = earth.to_metric(crs)
    facts = _fitted(to_metric, low, size)
    origin = (int(low[0]), int(low[1]))
    facts |= {
        "units": UNITS,
        "origin": list(origin),
        "size": size.tolist(),
        "mm": _scales(origin[1] / UNITS, size[1] / UNITS),
        "mercator": _mercator(origin[1] / UNITS, size[1] / UNITS),
    }
    return Plane(origin=origin, size=(int(size[0]), int(size[1])), to_metric=to_metric, facts=facts)


def _fitted(
    to_metric: pyproj.Transformer, low: NDArray[np.int64], size: NDArray[np.int64]
) -> dict[str, Any]:
    """Return polynomials there and back, of the lowest degree that is good enough."""
    fit, check = (
        np.stack(np.meshgrid(nodes, nodes), axis=-1).reshape(-1, 2)
        for nodes in (np.cos(np.pi * (np.arange(21) + 0.5) / 21), np.linspace(-1, 1, 28))
    )

    def metric(st: NDArray[np.float64]) -> NDArray[np.float64]:
        lonlat = (low + (st + 1) / 2 * size) / UNITS
        lon = (lonlat[:, 0] + 180) % 360 - 180
        return np.column_stack(to_metric.transform(lon, lonlat[:, 1]))

    xy, xy_check = metric(fit), metric(check)
    middle = (xy_check.max(axis=0) + xy_check.min(axis=0)) / 2
    half = np.ptp(xy_check, axis=0) / 2
    back = (size / 2) / (UNITS / _METRES_A_DEGREE)  # metres, at the most, of one step of s and t
    for degree in _DEGREES:
        there = _solve(fit, xy - middle, degree)
        here = _solve((xy - middle) / half, fit, degree)
        found = _terms(check, degree) @ there + middle
        again = _terms((xy_check - middle) / half, degree) @ here
        worst = max(np.abs(found - xy_check).max(), (np.abs(again - check) * back).max())
        if worst < WORST_M:
            there[0] += middle
            units = here * (size / 2)
            units[0] += size / 2
            return {
                "degree": degree,
                "error_m": float(worst),
                "x": there[:, 0].tolist(),
                "y": there[:, 1].tolist(),
                "metric": [float(middle[0]), float(half[0]), float(middle[1]), float(half[1])],
                "lon": units[:, 0].tolist(),
                "lat": units[:, 1].tolist(),
            }
    message = (
        "the study area is too large for a resident map: make one of each part of it "
        "(several hundred kilometres are the most)"
    )
    raise ResidentMapError(message)


def _terms(st: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
    """Return the products s^i t^j of each row, i first, i + j <= degree."""
    return np.column_stack(
        [st[:, 0] ** i * st[:, 1] ** j for i in range(degree + 1) for j in range(degree + 1 - i)]
    )


def _solve(
    st: NDArray[np.float64], values: NDArray[np.float64], degree: int
) -> NDArray[np.float64]:
    return np.linalg.lstsq(_terms(st, degree), values, rcond=None)[0].astype(np.float64)


def _scales(south: float, height: float) -> dict[str, list[float]]:
    """Return how many millimetres a unit is to the east and to the north, as polynomials of t."""
    t = np.cos(np.pi * (np.arange(60) + 0.5) / 60)
    lat = np.radians(south + (t + 1) / 2 * height)
    squared = _FLATTENING * (2 - _FLATTENING)
    bent = 1 - squared * np.sin(lat) ** 2
    east_m = _EQUATOR_M / np.sqrt(bent) * np.cos(lat)
    north_m = _EQUATOR_M * (1 - squared) / bent**1.5
    unit = np.radians(1 / UNITS) * _MM
    return {axis: _powers(t, m * unit) for axis, m in (("x", east_m), ("y", north_m))}


def _mercator(south: float, height: float) -> list[float]:
    t = np.cos(np.pi * (np.arange(60) + 0.5) / 60)
    lat = np.radians(np.clip(south + (t + 1) / 2 * height, -85.05, 85.05))
    return _powers(t, (1 - np.log(np.tan(np.pi / 4 + lat / 2)) / np.pi) / 2)


def _powers(t: NDArray[np.float64], values: NDArray[np.float64]) -> list[float]:
    fitted = np.polynomial.chebyshev.chebfit(t, values, 8)
    powers: list[float] = np.polynomial.chebyshev.cheb2poly(fitted).tolist()
    return powers


def _horner(powers: list[float], t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the value of a polynomial, in the order in which a page adds it up."""
    value: NDArray[np.float64] = np.full(len(t), powers[-1])
    for power in powers[-2::-1]:
        value = value * t + power
    return value
