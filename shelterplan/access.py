"""Walking distances over the network: the nearest, the k nearest, all within reach, and the way.

People walk TO the shelter: every distance runs from a source to a target, in walking direction.
Sources and targets are `Places` (snapped along edges) or arrays of node numbers.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from shelterplan import kernels
from shelterplan.ends import Anywhere, as_places, ends, legs_mm, owners, pairs
from shelterplan.errors import NetworkError
from shelterplan.routes import Route, Step, walk_back

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from shelterplan.network import WalkNetwork
    from shelterplan.snap import Places

__all__ = [
    "Forest",
    "Route",
    "Step",
    "catchments",
    "distances",
    "forest",
    "k_nearest",
    "nearest",
    "route",
]

_SHIFT = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_FLOAT32_EXACT_M = 8000.0
"""Up to here a float32 tells every millimetre from the next [m]."""
_CHUNK = 256


def whole_mm(metres: float) -> int:
    """Return a limit in whole millimetres, rounded down; `inf` becomes the longest search.

    Examples
    --------
    >>> whole_mm(500.0), whole_mm(0.3), whole_mm(float("inf")) == kernels.MAX_COST
    (500000, 300, True)
    """
    if math.isnan(metres) or metres < 0:
        message = f"a distance limit must be a number >= 0, got {metres!r}"
        raise NetworkError(message)
    return int(min(kernels.MAX_COST, math.floor(round(min(metres, 1e9) * 1000, 6))))


def nearest(
    network: WalkNetwork,
    sources: ArrayLike | Places,
    targets: ArrayLike | Places,
    *,
    cutoff_m: float = math.inf,
) -> pd.DataFrame:
    """Find the nearest target of every source.

    Parameters
    ----------
    network : WalkNetwork
        The streets.
    sources, targets : Places or array_like of int
        Where walks start and end. Of equally near targets, the first is taken.
    cutoff_m : float
        Longest walk, inclusive, legs included [m].

    Returns
    -------
    DataFrame
        One row a source: `target` (owner number of the target, -1 if none is reached), `entry` (row
        of `targets` that is reached), `distance_m` (`inf` if none), and its parts `leg_start_m`,
        `street_m`, `leg_end_m`.

    Examples
    --------
    >>> from shelterplan import WalkNetwork
    >>> network = WalkNetwork.from_edges([0, 1], [1, 2], [100.0, 100.0], node_count=4)
    >>> nearest(network, [0, 3], [2])["distance_m"].tolist()
    [200.0, inf]
    """
    targets = as_places(network, targets)
    return forest(network, targets, cutoff_m=cutoff_m).nearest(sources)


@dataclass(frozen=True, eq=False)
class Forest:
    """The nearest target of every node, with the way there: one search serves every question."""

    network: WalkNetwork
    targets: Anywhere
    cutoff_mm: int
    """Longest walk [mm]."""
    state: NDArray[np.uint64]
    """Distance [mm] << 32 | row of the target, for each node."""
    via_arc: NDArray[np.int32]
    """Arc of `network.reverse_arcs` that ends here, on which the way from each node begins."""

    @cached_property
    def via(self) -> NDArray[np.int32]:
        """Edge on which the way from each node begins; -1 where the target's own is reached."""
        edge = np.append(self.network.reverse_arcs.edge, np.int32(-1))
        return edge[self.via_arc]  # arc -1 is the last one, edge -1

    @property
    def distance_m(self) -> NDArray[np.float64]:
        """Distance from each node to its nearest target, shape (n,) [m]."""
        mm = (self.state >> _SHIFT).astype(np.float64)
        return np.where(self.state == kernels.UNREACHED, np.inf, mm / 1000)

    @property
    def target(self) -> NDArray[np.int64]:
        """Row of each node's nearest target, shape (n,); -1 if none."""
        row = (self.state & _LOW).astype(np.int64)
        return np.where(self.state == kernels.UNREACHED, -1, row)

    def nearest(self, sources: ArrayLike | Places) -> pd.DataFrame:
        """Return the nearest target of every source; see `access.nearest`."""
        sources = as_places(self.network, sources)
        found = self._reach(sources)
        reached = found != kernels.UNREACHED
        entry = np.where(reached, (found & _LOW).astype(np.int64), -1)
        mm = (found >> _SHIFT).astype(np.int64)
        start = legs_mm(sources)
        end = np.where(reached, legs_mm(self.targets)[entry] if len(self.targets) else 0, 0)
        parts = {
            "distance_m": mm,
            "leg_start_m": start,
            "street_m": mm - start - end,
            "leg_end_m": end,
        }
        target = np.where(reached, owners(self.targets)[entry] if len(self.targets) else -1, -1)
        return pd.DataFrame(
            {"target": target, "entry": entry}
            | {name: np.where(reached, part / 1000, np.inf) for name, part in parts.items()}
        )

    def _reach(self, sources: Anywhere) -> NDArray[np.uint64]:
        """Return distance and target of each source, in the form of `state`."""
        out = ends(self.network, sources, "source")
        found = np.full(len(sources), kernels.UNREACHED)
        through = self.state[out.node]
        go = through != kernels.UNREACHED
        np.minimum.at(found, out.place[go], through[go] + (out.mm[go].astype(np.uint64) << _SHIFT))
        direct = pairs(self.network, sources, self.targets)
        np.minimum.at(
            found,
            direct.source,
            (direct.mm.astype(np.uint64) << _SHIFT) | direct.target.astype(np.uint64),
        )
        beyond = (found >> _SHIFT) > np.uint64(self.cutoff_mm)
        _refuse_clipped(bool((beyond & (found != kernels.UNREACHED)).any()), self.cutoff_mm)
        return np.where(beyond, kernels.UNREACHED, found)

    def route(self, source: ArrayLike | Places) -> Route | None:
        """Return the way from one source to its nearest target; None if there is none."""
        source = as_places(self.network, source)
        found = self._reach(source)[0]
        if found == kernels.UNREACHED:
            return None
        return walk_back(
            self.network,
            source,
            self.targets,
            int(found & _LOW),
            int(found >> _SHIFT),
            self.state,
            self.via,
        )


def forest(
    network: WalkNetwork, targets: ArrayLike | Places, *, cutoff_m: float = math.inf
) -> Forest:
    """Search once from all targets against walking direction; see `Forest`."""
    targets = as_places(network, targets)
    limit = whole_mm(cutoff_m)
    seeds, arcs = ends(network, targets, "target"), network.reverse_arcs
    state, via_arc, clipped = kernels.nearest(
        arcs.indptr, arcs.indices, arcs.mm, seeds.node, seeds.mm, seeds.place, limit, network.delta
    )
    _refuse_clipped(clipped, limit)
    return Forest(network=network, targets=targets, cutoff_mm=limit, state=state, via_arc=via_arc)


def k_nearest(
    network: WalkNetwork,
    sources: ArrayLike | Places,
    targets: ArrayLike | Places,
    k: int,
    *,
    cutoff_m: float = math.inf,
) -> pd.DataFrame:
    """Find the k nearest different targets of every source.

    Parameters
    ----------
    network : WalkNetwork
        The streets.
    sources, targets : Places or array_like of int
        Where walks start and end. Places of one owner are one target.
    k : int
        How many, at least 1.
    cutoff_m : float
        Longest walk, inclusive, legs included [m].

    Returns
    -------
    DataFrame
        A row for each source and rank that was found: `source`, `rank` (from 1), `target` (owner
        number) and `distance_m`.

    Examples
    --------
    >>> from shelterplan import WalkNetwork
    >>> network = WalkNetwork.from_edges([0, 1], [1, 2], [100.0, 50.0])
    >>> k_nearest(network, [1], [0, 2], 2)["distance_m"].tolist()
    [50.0, 100.0]
    """
    if k < 1:
        message = f"k must be at least 1, got {k}"
        raise NetworkError(message)
    sources, targets = as_places(network, sources), as_places(network, targets)
    limit = whole_mm(cutoff_m)
    seeds, arcs = ends(network, targets, "target"), network.reverse_arcs
    owner = owners(targets).astype(np.int64)
    k = min(k, max(1, len(np.unique(owner))))
    state, clipped = kernels.k_nearest(
        arcs.indptr,
        arcs.indices,
        arcs.mm,
        seeds.node,
        seeds.mm,
        owner[seeds.place],
        k,
        limit,
        network.delta,
    )
    out, direct = ends(network, sources, "source"), pairs(network, sources, targets)
    found, late = kernels.merge_k(
        state,
        out.place,
        out.node,
        out.mm,
        len(sources),
        direct.source,
        direct.mm,
        owner[direct.target],
        limit,
    )
    _refuse_clipped(clipped or late, limit)
    source, rank = np.nonzero(found != kernels.UNREACHED)
    key = found[source, rank]
    return pd.DataFrame(
        {
            "source": source,
            "rank": rank + 1,
            "target": (key & _LOW).astype(np.int64),
            "distance_m": (key >> _SHIFT).astype(np.float64) / 1000,
        }
    )


def distances(
    network: WalkNetwork,
    source: ArrayLike | Places,
    targets: ArrayLike | Places,
    *,
    cutoff_m: float = math.inf,
) -> NDArray[np.float64]:
    """Return the distance from one source to every target: one search, whatever their number.

    Parameters
    ----------
    network : WalkNetwork
        The streets.
    source : Places or int
        Where the walks start: one row.
    targets : Places or array_like of int, shape (t,)
        Where they end.
    cutoff_m : float
        Longest walk, inclusive, legs included [m].

    Returns
    -------
    array of float, shape (t,)
        Distances [m]; `inf` where there is no way within the cutoff.

    Examples
    --------
    >>> from shelterplan import WalkNetwork
    >>> network = WalkNetwork.from_edges([0, 1], [1, 2], [100.0, 50.0], directed=True)
    >>> distances(network, 1, [0, 1, 2]).tolist()
    [inf, 0.0, 50.0]
    """
    source, targets = _one(as_places(network, source)), as_places(network, targets)
    limit = whole_mm(cutoff_m)
    seeds, arcs = ends(network, source, "source"), network.forward_arcs
    state, _, clipped = kernels.nearest(
        arcs.indptr, arcs.indices, arcs.mm, seeds.node, seeds.mm, seeds.place, limit, network.delta
    )
    into, direct = ends(network, targets, "target"), pairs(network, source, targets)
    reached = state[into.node] != kernels.UNREACHED
    mm = np.full(len(targets), np.inf)
    np.minimum.at(
        mm,
        into.place[reached],
        (state[into.node] >> _SHIFT)[reached].astype(np.int64) + into.mm[reached],
    )
    np.minimum.at(mm, direct.target, direct.mm)
    _refuse_clipped(clipped or bool((np.isfinite(mm) & (mm > limit)).any()), limit)
    return np.where(mm <= limit, mm / 1000, np.inf)


def catchments(
    network: WalkNetwork,
    origins: ArrayLike | Places,
    destinations: ArrayLike | Places,
    *,
    cutoff_m: float,
) -> csr_array:
    """Find every origin within walking distance of every destination.

    Parameters
    ----------
    network : WalkNetwork
        The streets.
    origins, destinations : Places or array_like of int
        Where walks start and end. Places of one owner are one destination.
    cutoff_m : float
        Longest walk, inclusive, legs included; finite [m].

    Returns
    -------
    csr_array, shape (origins, destinations)
        Distances [m]; what is out of reach is not stored, a distance of 0 is. The numbers are
        float32 up to 8 km, where it tells millimetres apart, else float64.

    Examples
    --------
    >>> from shelterplan import WalkNetwork
    >>> network = WalkNetwork.from_edges([0, 1], [1, 2], [100.0, 50.0])
    >>> reach = catchments(network, [0, 1, 2], [2], cutoff_m=60)
    >>> reach.nnz, float(reach[1, 0])
    (2, 50.0)
    """
    if not math.isfinite(cutoff_m):
        message = "catchments need a finite cutoff_m"
        raise NetworkError(message)
    origins, destinations = as_places(network, origins), as_places(network, destinations)
    count = int(owners(destinations).max(initial=-1)) + 1
    parts = _catchment_parts(network, origins, destinations, count, whole_mm(cutoff_m))
    ptr = np.zeros(len(origins) + 1, np.int64)
    for _, place, _ in parts:
        kernels.tally(place, ptr[1:])
    np.cumsum(ptr, out=ptr)
    column = np.empty(ptr[-1], np.int32)
    metres = np.empty(ptr[-1], np.float32 if cutoff_m <= _FLOAT32_EXACT_M else np.float64)
    free, first = ptr[:-1].copy(), 0
    for bounds, place, mm in parts:
        kernels.distribute(bounds, place, mm, first, free, column, metres, 1000.0)
        first += len(bounds) - 1
    if len(column) < 2**31:  # scipy widens both index arrays if one of them is wide
        ptr = ptr.astype(np.int32)
    return csr_array((metres, column, ptr), shape=(len(origins), count))


def _catchment_parts(
    network: WalkNetwork, origins: Anywhere, destinations: Anywhere, count: int, limit: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint32]]]:
    """Search in chunks of destinations, on all cores; each thread has its own workspace."""
    owner = owners(destinations)
    seeds, arcs = ends(network, destinations, "target"), network.reverse_arcs
    seed_ptr, seed = kernels.group(owner[seeds.place], count)
    out = ends(network, origins, "source")
    end_ptr, end = kernels.group(out.node, network.node_count)
    direct = pairs(network, origins, destinations)
    pair_ptr, pair = kernels.group(owner[direct.target], count)
    groups = (
        seed_ptr,
        seeds.node[seed],
        _clip(seeds.mm[seed]),
        end_ptr,
        out.place[end].astype(np.int32),
        _clip(out.mm[end]),
        len(origins),
        pair_ptr,
        direct.source[pair].astype(np.int32),
        _clip(direct.mm[pair]),
    )

    def search(first: int) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint32]]:
        last = min(first + step, count)
        return kernels.catchments(
            arcs.indptr, arcs.indices, arcs.mm, *groups, first, last, limit, network.delta
        )

    threads = os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count()
    step = max(_CHUNK, -(-count // (4 * (threads or 1))))
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(search, range(0, count, step)))


def _clip(mm: NDArray[np.int64]) -> NDArray[np.uint32]:
    return np.minimum(mm, kernels.MAX_COST).astype(np.uint32)


def _refuse_clipped(clipped: bool, limit: int) -> None:  # noqa: FBT001
    """Raise if an unlimited search met a path too long to be counted."""
    if clipped and limit == kernels.MAX_COST:
        message = "a walk is longer than 2,147 km: give a smaller cutoff_m"
        raise NetworkError(message)


def route(network: WalkNetwork, source: ArrayLike | Places, target: ArrayLike | Places) -> Route:
    """Find the shortest way from one source to one target.

    Parameters
    ----------
    network : WalkNetwork
        The streets.
    source : Places or int
        Where the walk starts: one row.
    target : Places or int
        Where it ends; of several rows, the one with the shortest walk.

    Returns
    -------
    Route
        Distance, geometry and steps.

    Raises
    ------
    NetworkError
        If there is no way.

    Examples
    --------
    >>> from shelterplan import WalkNetwork
    >>> network = WalkNetwork.from_edges([0, 1, 0], [1, 2, 2], [100.0, 50.0, 200.0])
    >>> way = route(network, 0, 2)
    >>> way.distance_m, way.nodes
    (150.0, (0, 1, 2))
    """
    way = forest(network, target).route(_one(as_places(network, source)))
    if way is None:
        message = "there is no way from the source to the target"
        raise NetworkError(message)
    return way


def _one(source: Anywhere) -> Anywhere:
    if len(source) != 1:
        message = f"there must be one source, got {len(source)}"
        raise NetworkError(message)
    return source
