"""Walking distances over the network: the nearest, the k nearest, all within reach, and the way.

People walk TO the shelter: every distance runs from a source to a target, in walking direction.
Sources and targets are `Places` (snapped along edges) or arrays of node numbers. The shortest walk
is found; with a `Pace` and `by="s"`, the quickest.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from shelterplan import kernels
from shelterplan.ends import Anywhere, Ends, Pairs, as_places, ends, legs_mm, owners, pairs
from shelterplan.errors import NetworkError
from shelterplan.floating import balanced_floating_catchment, two_step_floating_catchment
from shelterplan.routes import Found, Route, Step, walk_back

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from shelterplan.network import Arcs, WalkNetwork
    from shelterplan.pace import Pace
    from shelterplan.snap import Places

__all__ = [
    "Forest",
    "Route",
    "Step",
    "balanced_floating_catchment",
    "catchments",
    "distances",
    "forest",
    "k_nearest",
    "nearest",
    "route",
    "two_step_floating_catchment",
]

_SHIFT = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_FLOAT32_EXACT = 8000.0
"""Up to here a float32 tells every thousandth from the next [m, s]."""
_CHUNK = 256
Measure = Literal["m", "s"]
"""What is least along a way: metres or seconds."""


def whole_mm(metres: float) -> int:
    """Return a limit in whole thousandths, rounded down; `inf` becomes the longest search.

    Examples
    --------
    >>> whole_mm(500.0), whole_mm(0.3), whole_mm(float("inf")) == kernels.MAX_COST
    (500000, 300, True)
    """
    if math.isnan(metres) or metres < 0:
        message = f"a limit must be a number >= 0, got {metres!r}"
        raise NetworkError(message)
    return int(min(kernels.MAX_COST, math.floor(round(min(metres, 1e9) * 1000, 6))))


def nearest(
    network: WalkNetwork,
    sources: ArrayLike | Places,
    targets: ArrayLike | Places,
    *,
    cutoff_m: float = math.inf,
    pace: Pace | None = None,
    by: Measure = "m",
    cutoff_s: float = math.inf,
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
    pace : Pace, optional
        Walking times; the result then has them too.
    by : {"m", "s"}
        Whether the shortest or the quickest walk is found, which needs a `pace`.
    cutoff_s : float
        Longest time, inclusive, where the quickest walk is found [s].

    Returns
    -------
    DataFrame
        One row a source: `target` (owner number of the target, -1 if none is reached), `entry` (row
        of `targets` that is reached), `distance_m` (`inf` if none), its parts `leg_start_m`,
        `street_m`, `leg_end_m`, and with a `pace` `walk_time_s`.

    Examples
    --------
    >>> from shelterplan import WalkNetwork
    >>> network = WalkNetwork.from_edges([0, 1], [1, 2], [100.0, 100.0], node_count=4)
    >>> nearest(network, [0, 3], [2])["distance_m"].tolist()
    [200.0, inf]
    """
    found = forest(network, targets, cutoff_m=cutoff_m, pace=pace, by=by, cutoff_s=cutoff_s)
    return found.nearest(sources)


@dataclass(frozen=True, eq=False)
class Forest:
    """The nearest target of every node, with the way there: one search serves every question."""

    network: WalkNetwork
    targets: Anywhere
    limit: int
    """Longest walk [mm, or ms where the quickest is searched]."""
    state: NDArray[np.uint64]
    """Length [mm] or time [ms] << 32 | row of the target, for each node."""
    via_arc: NDArray[np.int32]
    """Arc of `network.reverse_arcs` that ends here, on which the way from each node begins."""
    pace: Pace | None = None
    by: Measure = "m"

    @cached_property
    def via(self) -> NDArray[np.int32]:
        """Edge on which the way from each node begins; -1 where the target's own is reached."""
        edge = np.append(self.network.reverse_arcs.edge, np.int32(-1))
        return edge[self.via_arc]  # arc -1 is the last one, edge -1

    @property
    def distance_m(self) -> NDArray[np.float64]:
        """Distance from each node to its nearest target, shape (n,) [m]."""
        mm = self._other if self.by == "s" else (self.state >> _SHIFT)
        return np.where(self.state == kernels.UNREACHED, np.inf, mm.astype(np.float64) / 1000)

    @property
    def target(self) -> NDArray[np.int64]:
        """Row of each node's nearest target, shape (n,); -1 if none."""
        row = (self.state & _LOW).astype(np.int64)
        return np.where(self.state == kernels.UNREACHED, -1, row)

    @cached_property
    def _other(self) -> NDArray[np.int64]:
        """What is not least along the way from each node: the time [ms], or the length [mm]."""
        if self.pace is None:
            return np.zeros(self.network.node_count, np.int64)
        into = ends(self.network, self.targets, "target", self.pace)
        here = self.state[into.node]
        own = (here >> _SHIFT).astype(np.int64) == _least(into, self.by)
        own &= (here & _LOW).astype(np.int64) == into.place
        root = np.zeros(self.network.node_count, np.int64)
        root[into.node[own]] = (into.ms if self.by == "m" else into.mm)[own]
        ways = (self.pace.forward_ms, self.pace.backward_ms)
        if self.by == "s":
            ways = (self.network.edge_mm, self.network.edge_mm)
        return kernels.along(self.via, self.network.edge_u, self.network.edge_v, *ways, root)

    def nearest(self, sources: ArrayLike | Places) -> pd.DataFrame:
        """Return the nearest target of every source; see `access.nearest`."""
        sources = as_places(self.network, sources)
        found, other = self._reach(sources)
        reached = found != kernels.UNREACHED
        entry = np.where(reached, (found & _LOW).astype(np.int64), -1)
        least = (found >> _SHIFT).astype(np.int64)
        mm, ms = (least, other) if self.by == "m" else (other, least)
        start = legs_mm(sources)
        end = np.where(reached, legs_mm(self.targets)[entry] if len(self.targets) else 0, 0)
        parts = {
            "distance_m": mm,
            "leg_start_m": start,
            "street_m": mm - start - end,
            "leg_end_m": end,
        }
        if self.pace is not None:
            parts["walk_time_s"] = ms
        target = np.where(reached, owners(self.targets)[entry] if len(self.targets) else -1, -1)
        return pd.DataFrame(
            {"target": target, "entry": entry}
            | {name: np.where(reached, part / 1000, np.inf) for name, part in parts.items()}
        )

    def _reach(self, sources: Anywhere) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Return the best way of each source in the form of `state`, and its other measure."""
        out = ends(self.network, sources, "source", self.pace)
        direct = pairs(self.network, sources, self.targets, self.pace)
        go = self.state[out.node] != kernels.UNREACHED
        node = out.node[go]
        step, straight = _least(out, self.by)[go], _least(direct, self.by)
        key = np.concatenate(
            [
                self.state[node] + (step.astype(np.uint64) << _SHIFT),
                (straight.astype(np.uint64) << _SHIFT) | direct.target.astype(np.uint64),
            ]
        )
        source = np.concatenate([out.place[go], direct.source])
        found = np.full(len(sources), kernels.UNREACHED)
        np.minimum.at(found, source, key)
        other = np.zeros(len(sources), np.int64)
        if self.pace is not None:
            also = out.ms[go] if self.by == "m" else out.mm[go]
            also = np.concatenate([self._other[node] + also, _other(direct, self.by)])
            best = np.flatnonzero(key == found[source])[::-1]  # of equals, the first is kept
            other[source[best]] = also[best]
        beyond = (found >> _SHIFT) > np.uint64(self.limit)
        _refuse_clipped(bool((beyond & (found != kernels.UNREACHED)).any()), self.limit)
        return np.where(beyond, kernels.UNREACHED, found), other

    def route(self, source: ArrayLike | Places) -> Route | None:
        """Return the way from one source to its nearest target; None if there is none."""
        source = as_places(self.network, source)
        found = self._reach(source)[0][0]
        if found == kernels.UNREACHED:
            return None
        return walk_back(
            self.network,
            source,
            self.targets,
            Found(int(found & _LOW), int(found >> _SHIFT), self.by),
            self.state,
            self.via,
            self.pace,
        )


def _least(ways: Ends | Pairs, by: Measure) -> NDArray[np.int64]:
    return ways.mm if by == "m" else ways.ms


def _other(ways: Ends | Pairs, by: Measure) -> NDArray[np.int64]:
    return ways.ms if by == "m" else ways.mm


def _limit(pace: Pace | None, by: Measure, cutoff_m: float, cutoff_s: float) -> int:
    """Return the longest search in the unit of its measure."""
    if by == "m":
        return whole_mm(cutoff_m)
    if pace is None:
        message = "the quickest way needs a pace: give pace=Pace.of(network, scenario)"
        raise NetworkError(message)
    return whole_mm(cutoff_s)


def _costs(
    network: WalkNetwork, arcs: Arcs, pace: Pace | None, by: Measure, *, reverse: bool
) -> NDArray[np.uint32]:
    """Return the cost of each arc; `reverse`: the arcs lead against walking direction."""
    if by == "m" or pace is None:
        return arcs.mm
    tail = np.repeat(np.arange(network.node_count, dtype=np.int32), np.diff(arcs.indptr))
    ahead = (network.edge_v if reverse else network.edge_u)[arcs.edge] == tail
    return np.where(ahead, pace.forward_ms[arcs.edge], pace.backward_ms[arcs.edge])


def _step(network: WalkNetwork, cost: NDArray[np.uint32], by: Measure) -> int:
    """Return the width of one step of a search: about the cost of a few edges."""
    if by == "m":
        return network.delta
    return max(1, int(2 * cost.mean())) if len(cost) else 1


def forest(
    network: WalkNetwork,
    targets: ArrayLike | Places,
    *,
    cutoff_m: float = math.inf,
    pace: Pace | None = None,
    by: Measure = "m",
    cutoff_s: float = math.inf,
) -> Forest:
    """Search once from all targets against walking direction; see `nearest` and `Forest`."""
    targets = as_places(network, targets)
    limit = _limit(pace, by, cutoff_m, cutoff_s)
    seeds, arcs = ends(network, targets, "target", pace), network.reverse_arcs
    cost = _costs(network, arcs, pace, by, reverse=True)
    state, via_arc, clipped = kernels.nearest(
        arcs.indptr,
        arcs.indices,
        cost,
        seeds.node,
        _least(seeds, by),
        seeds.place,
        limit,
        _step(network, cost, by),
    )
    _refuse_clipped(clipped, limit)
    return Forest(
        network=network,
        targets=targets,
        limit=limit,
        state=state,
        via_arc=via_arc,
        pace=pace,
        by=by,
    )


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
    pace: Pace | None = None,
    by: Measure = "m",
    cutoff_s: float = math.inf,
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
    cutoff_m, pace, by, cutoff_s
        See `nearest`.

    Returns
    -------
    array of float, shape (t,)
        Distances [m], or times [s] if `by` is "s"; `inf` where there is no way within the cutoff.

    Examples
    --------
    >>> from shelterplan import WalkNetwork
    >>> network = WalkNetwork.from_edges([0, 1], [1, 2], [100.0, 50.0], directed=True)
    >>> distances(network, 1, [0, 1, 2]).tolist()
    [inf, 0.0, 50.0]
    """
    source, targets = _one(as_places(network, source)), as_places(network, targets)
    limit = _limit(pace, by, cutoff_m, cutoff_s)
    seeds, arcs = ends(network, source, "source", pace), network.forward_arcs
    cost = _costs(network, arcs, pace, by, reverse=False)
    state, _, clipped = kernels.nearest(
        arcs.indptr,
        arcs.indices,
        cost,
        seeds.node,
        _least(seeds, by),
        seeds.place,
        limit,
        _step(network, cost, by),
    )
    into, direct = ends(network, targets, "target", pace), pairs(network, source, targets, pace)
    reached = state[into.node] != kernels.UNREACHED
    found = np.full(len(targets), np.inf)
    np.minimum.at(
        found,
        into.place[reached],
        (state[into.node] >> _SHIFT)[reached].astype(np.int64) + _least(into, by)[reached],
    )
    np.minimum.at(found, direct.target, _least(direct, by))
    _refuse_clipped(clipped or bool((np.isfinite(found) & (found > limit)).any()), limit)
    return np.where(found <= limit, found / 1000, np.inf)


def catchments(
    network: WalkNetwork,
    origins: ArrayLike | Places,
    destinations: ArrayLike | Places,
    *,
    cutoff_m: float = math.inf,
    pace: Pace | None = None,
    by: Measure = "m",
    cutoff_s: float = math.inf,
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
    pace, by, cutoff_s
        See `nearest`; the cutoff of the measure must be finite.

    Returns
    -------
    csr_array, shape (origins, destinations)
        Distances [m], or times [s] if `by` is "s"; what is out of reach is not stored, a distance
        of 0 is. The numbers are float32 up to a cutoff of 8,000, where it tells thousandths apart,
        else float64.

    Examples
    --------
    >>> from shelterplan import WalkNetwork
    >>> network = WalkNetwork.from_edges([0, 1], [1, 2], [100.0, 50.0])
    >>> reach = catchments(network, [0, 1, 2], [2], cutoff_m=60)
    >>> reach.nnz, float(reach[1, 0])
    (2, 50.0)
    """
    cutoff = cutoff_m if by == "m" else cutoff_s
    if not math.isfinite(cutoff):
        message = f"catchments need a finite cutoff_{by}"
        raise NetworkError(message)
    limit = _limit(pace, by, cutoff_m, cutoff_s)
    origins, destinations = as_places(network, origins), as_places(network, destinations)
    count = int(owners(destinations).max(initial=-1)) + 1
    parts = _catchment_parts(network, origins, destinations, count, limit, pace, by)
    ptr = np.zeros(len(origins) + 1, np.int64)
    for _, place, _ in parts:
        kernels.tally(place, ptr[1:])
    np.cumsum(ptr, out=ptr)
    column = np.empty(ptr[-1], np.int32)
    metres = np.empty(ptr[-1], np.float32 if cutoff <= _FLOAT32_EXACT else np.float64)
    free, first = ptr[:-1].copy(), 0
    for bounds, place, mm in parts:
        kernels.distribute(bounds, place, mm, first, free, column, metres, 1000.0)
        first += len(bounds) - 1
    if len(column) < 2**31:  # scipy widens both index arrays if one of them is wide
        ptr = ptr.astype(np.int32)
    return csr_array((metres, column, ptr), shape=(len(origins), count))


def _catchment_parts(
    network: WalkNetwork,
    origins: Anywhere,
    destinations: Anywhere,
    count: int,
    limit: int,
    pace: Pace | None,
    by: Measure,
) -> list[tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint32]]]:
    """Search in chunks of destinations, on all cores; each thread has its own workspace."""
    owner = owners(destinations)
    seeds, arcs = ends(network, destinations, "target", pace), network.reverse_arcs
    cost = _costs(network, arcs, pace, by, reverse=True)
    step_width = _step(network, cost, by)
    seed_ptr, seed = kernels.group(owner[seeds.place], count)
    out = ends(network, origins, "source", pace)
    end_ptr, end = kernels.group(out.node, network.node_count)
    direct = pairs(network, origins, destinations, pace)
    pair_ptr, pair = kernels.group(owner[direct.target], count)
    groups = (
        seed_ptr,
        seeds.node[seed],
        _clip(_least(seeds, by)[seed]),
        end_ptr,
        out.place[end].astype(np.int32),
        _clip(_least(out, by)[end]),
        len(origins),
        pair_ptr,
        direct.source[pair].astype(np.int32),
        _clip(_least(direct, by)[pair]),
    )

    def search(first: int) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint32]]:
        last = min(first + step, count)
        return kernels.catchments(
            arcs.indptr, arcs.indices, cost, *groups, first, last, limit, step_width
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
        message = "a walk is longer than 2,147 km, or 24 days: give a smaller cutoff"
        raise NetworkError(message)


def route(
    network: WalkNetwork,
    source: ArrayLike | Places,
    target: ArrayLike | Places,
    *,
    pace: Pace | None = None,
    by: Measure = "m",
) -> Route:
    """Find the shortest way from one source to one target.

    Parameters
    ----------
    network : WalkNetwork
        The streets.
    source : Places or int
        Where the walk starts: one row.
    target : Places or int
        Where it ends; of several rows, the one with the shortest walk.
    pace, by
        See `nearest`.

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
    way = forest(network, target, pace=pace, by=by).route(_one(as_places(network, source)))
    if way is None:
        message = "there is no way from the source to the target"
        raise NetworkError(message)
    return way


def _one(source: Anywhere) -> Anywhere:
    if len(source) != 1:
        message = f"there must be one source, got {len(source)}"
        raise NetworkError(message)
    return source
