"""All places within reach of each of many destinations, and their turn into rows of places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from shelterplan.kernels.common import FAR, NEAR, advance, compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.kernels.common import Bounds, Costs, Nodes

UNSEEN = np.uint32(0xFFFFFFFF)
"""Cost of a node that is not within reach."""


@compiled
def _grown(array: NDArray[Any]) -> NDArray[Any]:
    """Return a copy of twice the size."""
    larger = np.empty(2 * array.shape[0], array.dtype)
    larger[: array.shape[0]] = array
    return larger


@compiled
def catchments(  # noqa: C901, PLR0912, PLR0915
    indptr: Bounds,
    indices: Nodes,
    cost: Costs,
    seed_ptr: Bounds,
    seed_node: Nodes,
    seed_cost: Costs,
    end_ptr: Bounds,
    end_place: Nodes,
    end_cost: Costs,
    place_count: int,
    pair_ptr: Bounds,
    pair_place: Nodes,
    pair_cost: Costs,
    first: int,
    last: int,
    cutoff: int,
    delta: int,
) -> tuple[Bounds, Nodes, Costs]:
    """Find all places within the cutoff of each destination in `first` to `last`.

    Seeds are grouped by destination (`seed_ptr`), the ends of places by node (`end_ptr`), direct
    ways along a shared edge by destination (`pair_ptr`). Returns `ptr`, `place`, `cost` in CSR
    form, one row a destination; `place` is not sorted within a row.
    """
    n = indptr.shape[0] - 1
    dist = np.full(n, UNSEEN, np.uint32)
    best = np.full(place_count, UNSEEN, np.uint32)
    seen = np.empty(n, np.int32)
    found = np.empty(place_count, np.int32)
    near = np.empty(n, np.int32)
    far = np.empty(n, np.int32)
    waits = np.zeros(n, np.uint8)
    ptr = np.zeros(last - first + 1, np.int64)
    out_place = np.empty(1024, np.int32)
    out_cost = np.empty(1024, np.uint32)
    n_out = 0
    for j in range(first, last):
        n_seen = 0
        n_found = 0
        n_far = 0
        threshold = np.uint64(0)
        for i in range(seed_ptr[j], seed_ptr[j + 1]):
            v = seed_node[i]
            there = np.uint64(seed_cost[i])
            if there <= cutoff and there < dist[v]:
                if dist[v] == UNSEEN:
                    seen[n_seen] = v
                    n_seen += 1
                    waits[v] = FAR
                    far[n_far] = v
                    n_far += 1
                dist[v] = there
        while n_far > 0:
            n_near, n_far, threshold = advance(
                dist, waits, near, far, n_far, threshold, np.uint64(delta)
            )
            while n_near > 0:
                n_near -= 1
                u = near[n_near]
                waits[u] &= FAR
                here = np.uint64(dist[u])
                for arc in range(indptr[u], indptr[u + 1]):
                    v = indices[arc]
                    there = here + np.uint64(cost[arc])
                    if there <= cutoff and there < dist[v]:
                        if dist[v] == UNSEEN:
                            seen[n_seen] = v
                            n_seen += 1
                        dist[v] = there
                        waiting = waits[v]
                        if there < threshold:
                            if waiting & NEAR == 0:
                                waits[v] = waiting | NEAR
                                near[n_near] = v
                                n_near += 1
                        elif waiting & FAR == 0:
                            waits[v] = waiting | FAR
                            far[n_far] = v
                            n_far += 1
        for i in range(n_seen):
            u = seen[i]
            for e in range(end_ptr[u], end_ptr[u + 1]):
                there = np.uint64(dist[u]) + np.uint64(end_cost[e])
                place = end_place[e]
                if there <= cutoff and there < best[place]:
                    if best[place] == UNSEEN:
                        found[n_found] = place
                        n_found += 1
                    best[place] = there
            dist[u] = UNSEEN
        for e in range(pair_ptr[j], pair_ptr[j + 1]):
            place = pair_place[e]
            if pair_cost[e] <= cutoff and pair_cost[e] < best[place]:
                if best[place] == UNSEEN:
                    found[n_found] = place
                    n_found += 1
                best[place] = pair_cost[e]
        while n_out + n_found > out_place.shape[0]:
            out_place = _grown(out_place)
            out_cost = _grown(out_cost)
        for i in range(n_found):
            place = found[i]
            out_place[n_out] = place
            out_cost[n_out] = best[place]
            n_out += 1
            best[place] = UNSEEN
        ptr[j - first + 1] = n_out
    return ptr, out_place[:n_out].copy(), out_cost[:n_out].copy()


@compiled
def tally(place: Nodes, count: Bounds) -> None:
    """Add to `count` how often each place stands in `place`."""
    for i in range(place.shape[0]):
        count[place[i]] += 1


@compiled
def distribute(
    ptr: Bounds,
    place: Nodes,
    cost: Costs,
    first: int,
    free: Bounds,
    column: Nodes,
    value: NDArray[Any],
    unit: float,
) -> None:
    """Move the rows of destinations, from number `first`, to the rows of places.

    The next entry of a place goes to `free[place]`, as the destination's number in `column` and its
    cost over `unit` in `value`. Taken in the order of destinations, rows come out sorted.
    """
    for j in range(ptr.shape[0] - 1):
        for i in range(ptr[j], ptr[j + 1]):
            at = free[place[i]]
            free[place[i]] += 1
            column[at] = first + j
            value[at] = cost[i] / unit
