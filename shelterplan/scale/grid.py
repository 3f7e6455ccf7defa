"""The fixed grid of a region: square tiles in one metric CRS, and how far a tile is widened."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyproj

from shelterplan import earth
from shelterplan.errors import AreaError
from shelterplan.study_area import metric_crs

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

MOST_STRETCH = 0.01
"""How much longer or shorter than on the earth a short line may be in the plane, as a share."""
HALO = 1.012
"""A halo is this much wider than the longest walk that it must hold: the plane may stretch it, and
times are rounded on every street."""
_AROUND_M = 100.0
"""A box in longitude and latitude is this much larger: lines that are straight on one map are not
on the other [m]."""
_LEAST_DEGREE_M = 110_500.0
"""No degree of latitude is shorter, nor one of longitude on the equator [m]."""
_SAMPLES = 21


class Tile(NamedTuple):
    """Column and row of a tile; its lower left corner is at (column, row) times the tile's side."""

    column: int
    row: int

    def __str__(self) -> str:
        """Return the name under which files of the tile lie."""
        return f"{self.column}_{self.row}"

    @classmethod
    def named(cls, name: str) -> Tile:
        """Return the tile of a name.

        Examples
        --------
        >>> Tile.named("3_-7")
        Tile(column=3, row=-7)
        """
        column, row = name.split("_")
        return cls(int(column), int(row))


class Box(NamedTuple):
    """A box in the metric CRS, borders included [m]."""

    left: float
    bottom: float
    right: float
    top: float


@dataclass(frozen=True)
class Grid:
    """Square tiles in one metric CRS."""

    crs_name: str
    """The CRS, as pyproj reads it."""
    tile_m: float
    """Side of a tile [m]."""

    @cached_property
    def crs(self) -> pyproj.CRS:
        """The metric CRS of the whole region."""
        return pyproj.CRS.from_user_input(self.crs_name)

    @cached_property
    def to_metric(self) -> pyproj.Transformer:
        """From longitude and latitude into the plane."""
        return earth.to_metric(self.crs)

    def tiles_at(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.int64]:
        """Return the tile (column, row) of each point of the plane, shape (n, 2).

        A point on a border lies in the tile to the right of it, or above.
        """
        place = np.column_stack([np.asarray(x, float), np.asarray(y, float)])
        return np.floor(place / self.tile_m).astype(np.int64)

    def box(self, tile: Tile, halo_m: float = 0.0) -> Box:
        """Return the box of a tile, widened on every side.

        Examples
        --------
        >>> Grid("EPSG:32632", 1000.0).box(Tile(370, 4843), 50.0)
        Box(left=369950.0, bottom=4842950.0, right=371050.0, top=4844050.0)
        """
        left, bottom = tile.column * self.tile_m, tile.row * self.tile_m
        return Box(
            left - halo_m,
            bottom - halo_m,
            left + self.tile_m + halo_m,
            bottom + self.tile_m + halo_m,
        )

    def tiles_in(self, box: Box) -> list[Tile]:
        """Return the tiles that a box meets, row by row.

        Examples
        --------
        >>> Grid("EPSG:32632", 1000.0).tiles_in(Box(500, 500, 1500, 600))
        [Tile(column=0, row=0), Tile(column=1, row=0)]
        """
        (left, bottom), (right, top) = self.tiles_at([box.left, box.right], [box.bottom, box.top])
        return [Tile(c, r) for r in range(bottom, top + 1) for c in range(left, right + 1)]

    def lonlat(self, box: Box) -> tuple[float, float, float, float]:
        """Return a box in longitude and latitude that holds a box of the plane, and a little more.

        Returns
        -------
        tuple of float
            West, south, east, north [degrees].
        """
        west, south, east, north = self.to_metric.transform_bounds(
            box.left - _AROUND_M,
            box.bottom - _AROUND_M,
            box.right + _AROUND_M,
            box.top + _AROUND_M,
            direction="INVERSE",
            densify_pts=_SAMPLES,
        )
        if west > east or not np.isfinite([west, south, east, north]).all():
            return (-180.0, -90.0, 180.0, 90.0)
        return west, south, east, north


def boxes_around(
    lon: NDArray[np.float64], lat: NDArray[np.float64], metres: float
) -> NDArray[np.float64]:
    """Return boxes in longitude and latitude that hold all within a distance of places.

    Parameters
    ----------
    lon, lat : array of float, shape (n,)
        The places [degrees].
    metres : float
        The distance; a little more is held, too [m].

    Returns
    -------
    array of float, shape (n, 4)
        West, south, east, north [degrees].

    Examples
    --------
    >>> boxes_around(np.array([7.0]), np.array([60.0]), 1000.0).round(3).tolist()
    [[6.98, 59.99, 7.02, 60.01]]
    """
    up = metres * HALO / _LEAST_DEGREE_M + _AROUND_M / _LEAST_DEGREE_M
    aside = up / np.maximum(np.cos(np.radians(np.minimum(np.abs(lat) + up, 90.0))), 1e-9)
    return np.column_stack([lon - aside, lat - up, lon + aside, lat + up])


def halo_m(cutoff_m: float, max_leg_m: float) -> float:
    """Return how far a tile must be widened so that no walk within the cutoff is lost [m].

    A walk of at most `cutoff_m` from a place in the tile, and the streets to which that place and
    the entrances at the other end may be snapped, lie within `cutoff_m` and one leg of the tile.

    Parameters
    ----------
    cutoff_m : float
        Longest walk, legs included [m].
    max_leg_m : float
        Longest way between a place and the street [m].

    Examples
    --------
    >>> round(halo_m(1000.0, 500.0), 3)
    1518.0
    """
    return (cutoff_m + max_leg_m) * HALO


def region_crs(west: float, south: float, east: float, north: float) -> pyproj.CRS:
    """Return one metric CRS for a whole region.

    It is the UTM zone of the middle (the polar one beyond them), or, where that stretches a short
    line by more than 1 %, a transverse Mercator about the middle.

    Parameters
    ----------
    west, south, east, north : float
        Extent [degrees].

    Raises
    ------
    AreaError
        If no such map is true enough: the region is more than some 2,000 km wide.

    Examples
    --------
    >>> region_crs(7.40, 43.72, 7.44, 43.76).to_epsg()
    32632
    """
    lon, lat = (west + east) / 2, (south + north) / 2
    # a line at the border is 0.7 % shorter in the middle, so that it is no more than 1 % too long
    own = f"+proj=tmerc +lat_0=0 +lon_0={lon:.4f} +k=0.9925 +x_0=500000 +ellps=WGS84 +units=m"
    for crs in (metric_crs(lon, lat), pyproj.CRS.from_user_input(f"{own} +no_defs +type=crs")):
        if stretch(crs, west, south, east, north) <= MOST_STRETCH:
            return crs
    message = (
        f"the region reaches from {west:.1f} to {east:.1f} degrees east: no map of it is true to "
        "1 %. Cut it into parts of at most 2,000 km from west to east, with 50 km in common"
    )
    raise AreaError(message)


def stretch(crs: pyproj.CRS, west: float, south: float, east: float, north: float) -> float:
    """Return by how much a CRS stretches or shrinks short lines within an extent, as a share.

    Examples
    --------
    >>> round(stretch(pyproj.CRS.from_epsg(32632), 7.0, 43.0, 9.0, 44.0), 4)
    0.0004
    """
    steps = np.linspace(0, 1, _SAMPLES)
    lon, lat = np.meshgrid(west + (east - west) * steps, south + (north - south) * steps)
    factors = pyproj.Proj(crs).get_factors(lon.ravel(), lat.ravel())
    scale = np.concatenate([factors.meridional_scale, factors.parallel_scale])
    worst = float(np.abs(scale - 1).max())
    return worst if math.isfinite(worst) else math.inf
