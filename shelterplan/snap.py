"""Places on the network: snapped ALONG edges, at their true position, with the leg kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shelterplan import earth
from shelterplan.errors import NetworkError
from shelterplan.network import WalkNetwork

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

NOWHERE = -1
"""Edge of a place that is too far from any street."""


@dataclass(frozen=True, eq=False)
class Places:
    """Places on a network, one row each.

    Several places can belong to one owner, as the entrances of one shelter do: searches then
    count them as one target.
    """

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    edge: NDArray[np.int32]
    """Edge that the place was snapped to; `NOWHERE` if none is near enough."""
    offset_mm: NDArray[np.int64]
    """How far along the edge, from `edge_u` [mm]."""
    leg_mm: NDArray[np.int64]
    """Way from the place to the street [mm]; also given where it is too long, -1 if unknown."""
    nearest_leg_mm: NDArray[np.int64]
    """Way to the nearest street of all, which may lie on an island [mm]."""
    owner: NDArray[np.int32]
    """Number of the target that the place belongs to."""

    def __len__(self) -> int:
        return len(self.edge)

    @property
    def snapped(self) -> NDArray[np.bool_]:
        """Whether the place lies near enough to a street."""
        return np.asarray(self.edge != NOWHERE)

    @property
    def leg_m(self) -> NDArray[np.float64]:
        """Way from the place to the street [m]; `inf` where it was not snapped."""
        return np.where(self.snapped, self.leg_mm / 1000, np.inf)

    @property
    def moved_off_island(self) -> NDArray[np.bool_]:
        """Whether a nearer street was passed over because it leads nowhere."""
        return self.snapped & (self.nearest_leg_mm < self.leg_mm)

    def take(self, rows: ArrayLike) -> Places:
        """Return some of the places."""
        index = np.atleast_1d(np.asarray(rows))
        return Places(
            *(
                getattr(self, name)[index]
                for name in ("lon", "lat", "edge", "offset_mm", "leg_mm", "nearest_leg_mm", "owner")
            )
        )


def snap(
    network: WalkNetwork,
    lon: ArrayLike,
    lat: ArrayLike,
    *,
    max_leg_m: float = 500.0,
    prefer: NDArray[np.bool_] | None = None,
    island_slack_m: float = 50.0,
    owner: ArrayLike | None = None,
) -> Places:
    """Put places on the nearest edge, at the nearest point along it.

    Parameters
    ----------
    network : WalkNetwork
        With geometry.
    lon, lat : array_like of float, shape (p,)
        Positions, WGS 84.
    max_leg_m : float
        Longest way from a place to the street, inclusive [m].
    prefer : array of bool, shape (m,), optional
        Edges that lead somewhere. One of them is taken although another edge is nearer, if it is
        at most `island_slack_m` farther.
    island_slack_m : float
        See `prefer` [m].
    owner : array_like of int, shape (p,), optional
        Target that each place belongs to; by default each is its own.

    Returns
    -------
    Places
        One row a place, in order.

    Raises
    ------
    NetworkError
        If a position is not finite or out of range.
    """
    lon, lat = np.atleast_1d(np.asarray(lon, float)), np.atleast_1d(np.asarray(lat, float))
    bad = np.flatnonzero(~((np.abs(lon) <= 180) & (np.abs(lat) <= 90)))
    if len(bad):
        message = f"{len(bad)} positions are not in lon -180 to 180, lat -90 to 90 (rows {bad[:5]})"
        raise NetworkError(message)
    if not max_leg_m >= 0:
        message = f"max_leg_m must be a number >= 0, got {max_leg_m!r}"
        raise NetworkError(message)
    points = _metric(network, lon, lat)
    # a little beyond the limit: the projection may stretch, and the leg is measured on the earth
    reach_m = max_leg_m * 1.01 + 0.01
    edge, foot = network.grid.nearest(points, reach_m, np.ones(len(network.edge_mm), bool))
    leg_mm = _leg_mm(network, lon, lat, foot)
    nearest_leg_mm = leg_mm.copy()
    if prefer is not None and not prefer.all():
        row = np.flatnonzero((edge != NOWHERE) & ~prefer[edge])
        other, other_foot = network.grid.nearest(points[row], reach_m, prefer)
        other_mm = _leg_mm(network, lon[row], lat[row], other_foot)
        near = (other != NOWHERE) & (other_mm / 1000 <= max_leg_m)
        near &= other_mm - leg_mm[row] <= island_slack_m * 1000
        row = row[near]
        edge[row], foot[row], leg_mm[row] = other[near], other_foot[near], other_mm[near]
    on = edge != NOWHERE
    offset_mm = np.zeros(len(edge), np.int64)
    offset_mm[on] = np.rint(foot[on, 3] * network.edge_mm[edge[on]])
    too_far = leg_mm / 1000 > max_leg_m
    numbers = np.arange(len(lon)) if owner is None else np.asarray(owner)
    return Places(
        lon=lon,
        lat=lat,
        edge=np.where(too_far, NOWHERE, edge).astype(np.int32),
        offset_mm=offset_mm,
        leg_mm=leg_mm,
        nearest_leg_mm=nearest_leg_mm,
        owner=numbers.astype(np.int32),
    )


def _metric(
    network: WalkNetwork, lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return positions in the metric CRS of a network, shape (p, 2)."""
    if network.crs is None:
        message = "this network has no geometry: places cannot be snapped to it"
        raise NetworkError(message)
    to_metric = earth.to_metric(network.crs)
    return np.column_stack(to_metric.transform(lon, lat))


def _leg_mm(
    network: WalkNetwork,
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    foot: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Return how far each place is from its foot on the street, -1 if it has none [mm]."""
    leg_mm = np.full(len(foot), -1, np.int64)
    on = np.flatnonzero(np.isfinite(foot[:, 0]))
    to_lonlat = earth.to_lonlat(network.crs)
    foot_lon, foot_lat = to_lonlat.transform(foot[on, 0], foot[on, 1])
    leg_mm[on] = np.rint(earth.GEODESIC.inv(lon[on], lat[on], foot_lon, foot_lat)[2] * 1000)
    return leg_mm
