"""Shortest-path searches over arcs in CSR form, with whole numbers as costs.

All three searches are near-far variants of delta-stepping on one thread (Meyer and Sanders 2003):
nodes below the current threshold are scanned in any order, the others wait. A node waits at most
once in either queue, so a search needs a fixed memory. A key packs a cost into the upper and a
label into the lower 32 bits of one uint64: comparing keys compares costs first and breaks ties
towards the smallest label, so that the result does not depend on the order of the scan. None of the
searches holds the interpreter's lock.

Costs stay below 2**31 (in millimetres 2,147 km), so that no sum can wrap around; a path that would
be longer is left out and reported in `clipped`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import NDArray

    Costs = NDArray[np.uint32]
    Keys = NDArray[np.uint64]
    Nodes = NDArray[np.int32]
    Bounds = NDArray[np.int64]

UNREACHED = np.uint64(0xFFFFFFFFFFFFFFFF)
"""State of a node that no seed reaches."""
UNSEEN = np.uint32(0xFFFFFFFF)
"""The same in the search that keeps costs only."""
MAX_COST = 2**31 - 1
"""Longest path that is searched."""

_SHIFT = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_ONE = np.uint64(1)
_SCANNED = np.uint64(1)
"""Lowest bit of a key of the k nearest: its arcs were scanned. Labels stand one bit higher there."""
_NEAR = np.uint8(1)
_FAR = np.uint8(2)

_Function = TypeVar("_Function", bound="Callable[..., Any]")


def compiled(function: _Function) -> _Function:
    """Compile a function on its first call, keep the machine code on disk, release the lock."""
    return cast("_Function", njit(cache=True, nogil=True)(function))


@compiled
def group(key: Nodes, count: int) -> tuple[Bounds, Bounds]:
    """Sort rows by a whole number from 0 to count - 1, in time proportional to their number.

    Returns `ptr` (rows of group `i` stand at `ptr[i]` to `ptr[i + 1]`) and the rows in the order of
    the groups; rows of one group keep their order.
    """
    ptr = np.zeros(count + 1, np.int64)
    for i in range(key.shape[0]):
        ptr[key[i] + 1] += 1
    for i in range(count):
        ptr[i + 1] += ptr[i]
    free = ptr[:count].copy()
    order = np.empty(key.shape[0], np.int64)
    for i in range(key.shape[0]):
        order[free[key[i]]] = i
        free[key[i]] += 1
    return ptr, order


@compiled
def _advance(key: Keys | Costs, waits: NDArray[np.uint8], near: Nodes, far: Nodes,  # noqa: PLR0917
             n_far: int, threshold: np.uint64, delta: np.uint64) -> tuple[int, int, np.uint64]:
    """Raise the threshold past the nearest node that waits, and move those below it to `near`.

    Whatever lies below the old threshold was scanned and is dropped. Returns the number of nodes in
    `near` and in `far` and the new threshold; the search ends where `near` stays empty.
    """
    lowest = UNREACHED
    kept = 0
    for i in range(n_far):
        node = far[i]
        cost = np.uint64(key[node])
        if cost < threshold or cost == UNREACHED:
            waits[node] = 0
        else:
            lowest = min(lowest, cost)
            far[kept] = node
            kept += 1
    if kept == 0:
        return 0, 0, threshold
    threshold = lowest + delta
    n_near = 0
    n_far = 0
    for i in range(kept):
        node = far[i]
        if np.uint64(key[node]) < threshold:
            waits[node] = _NEAR
            near[n_near] = node
            n_near += 1
        else:
            far[n_far] = node
            n_far += 1
    return n_near, n_far, threshold


@compiled
def nearest(indptr: Bounds, indices: Nodes, cost: Costs, seed_node: Nodes,  # noqa: PLR0917
            seed_cost: Bounds, seed_label: Bounds, cutoff: int,
            delta: int) -> tuple[Keys, Nodes, bool]:
    """Find the nearest seed of every node.

    Returns `state` (cost << 32 | label, or `UNREACHED`), `via` (the arc over which the node was
    reached last, -1 at seeds) and `clipped`.
    """
    n = indptr.shape[0] - 1
    state = np.full(n, UNREACHED, np.uint64)
    via = np.full(n, -1, np.int32)
    near = np.empty(n, np.int32)
    far = np.empty(n, np.int32)
    waits = np.zeros(n, np.uint8)
    n_far = 0
    clipped = False
    limit = (np.uint64(cutoff) + _ONE) << _SHIFT
    step = np.uint64(delta) << _SHIFT
    threshold = np.uint64(0)
    for i in range(seed_node.shape[0]):
        v = seed_node[i]
        key = (np.uint64(seed_cost[i]) << _SHIFT) | np.uint64(seed_label[i])
        if key >= limit:
            clipped = True
        elif key < state[v]:
            state[v] = key
            if waits[v] == 0:
                waits[v] = _FAR
                far[n_far] = v
                n_far += 1
    while n_far > 0:
        n_near, n_far, threshold = _advance(state, waits, near, far, n_far, threshold, step)
        while n_near > 0:
            n_near -= 1
            u = near[n_near]
            waits[u] &= _FAR
            here = state[u]
            for arc in range(indptr[u], indptr[u + 1]):
                v = indices[arc]
                there = here + (np.uint64(cost[arc]) << _SHIFT)
                if there < state[v]:
                    if there >= limit:
                        clipped = True
                        continue
                    state[v] = there
                    via[v] = arc
                    waiting = waits[v]
                    if there < threshold:
                        if waiting & _NEAR == 0:
                            waits[v] = waiting | _NEAR
                            near[n_near] = v
                            n_near += 1
                    elif waiting & _FAR == 0:
                        waits[v] = waiting | _FAR
                        far[n_far] = v
                        n_far += 1
    return state, via, clipped


@compiled
def _insert(row: Keys, key: np.uint64) -> bool:
    """Put a key into a sorted row of keys with distinct labels; say whether it went in."""
    last = row.shape[0] - 1
    if key >= row[last]:
        return False
    label = key & _LOW
    position = last
    for q in range(last + 1):
        if row[q] == UNREACHED:
            position = q
            break
        held = row[q] & ~_SCANNED
        if held & _LOW == label:
            if held <= key:
                return False
            position = q
            break
    while position > 0 and row[position - 1] > key:
        row[position] = row[position - 1]
        position -= 1
    row[position] = key
    return True


@compiled
def k_nearest(indptr: Bounds, indices: Nodes, cost: Costs, seed_node: Nodes,  # noqa: PLR0915, PLR0917
              seed_cost: Bounds, seed_label: Bounds, k: int, cutoff: int,
              delta: int) -> tuple[Keys, bool]:
    """Find the k nearest distinct labels of every node: `state` (n, k), sorted, and `clipped`.

    Keys are cost << 32 | label << 1, and the lowest bit is of no meaning to the caller.
    """
    n = indptr.shape[0] - 1
    state = np.full((n, k), UNREACHED, np.uint64)
    pending = np.full(n, UNREACHED, np.uint64)  # lowest key of each node still to be scanned
    ready = np.empty(k, np.uint64)
    near = np.empty(n, np.int32)
    far = np.empty(n, np.int32)
    waits = np.zeros(n, np.uint8)
    n_far = 0
    clipped = False
    limit = (np.uint64(cutoff) + _ONE) << _SHIFT
    step = np.uint64(delta) << _SHIFT
    threshold = np.uint64(0)
    for i in range(seed_node.shape[0]):
        v = seed_node[i]
        key = (np.uint64(seed_cost[i]) << _SHIFT) | (np.uint64(seed_label[i]) << _ONE)
        if key >= limit:
            clipped = True
        elif _insert(state[v], key):
            pending[v] = min(pending[v], key)
            if waits[v] == 0:
                waits[v] = _FAR
                far[n_far] = v
                n_far += 1
    while n_far > 0:
        n_near, n_far, threshold = _advance(pending, waits, near, far, n_far, threshold, step)
        while n_near > 0:
            n_near -= 1
            u = near[n_near]
            waits[u] &= _FAR
            pending[u] = UNREACHED
            n_ready = 0
            for q in range(k):
                key = state[u, q]
                if key == UNREACHED:
                    break
                if key & _SCANNED != 0:
                    continue
                if key >= threshold:
                    pending[u] = key
                    if waits[u] == 0:
                        waits[u] = _FAR
                        far[n_far] = u
                        n_far += 1
                    break
                state[u, q] = key | _SCANNED
                ready[n_ready] = key
                n_ready += 1
            for arc in range(indptr[u], indptr[u + 1]):
                v = indices[arc]
                for i in range(n_ready):
                    there = ready[i] + (np.uint64(cost[arc]) << _SHIFT)
                    if there >= state[v, k - 1]:
                        break
                    if there >= limit:
                        clipped = True
                        break
                    if _insert(state[v], there):
                        pending[v] = min(pending[v], there)
                        waiting = waits[v]
                        if there < threshold:
                            if waiting & _NEAR == 0:
                                waits[v] = waiting | _NEAR
                                near[n_near] = v
                                n_near += 1
                        elif waiting & _FAR == 0:
                            waits[v] = waiting | _FAR
                            far[n_far] = v
                            n_far += 1
    return state, clipped


@compiled
def merge_k(state: Keys, end_place: Bounds, end_node: Nodes, end_cost: Bounds,  # noqa: PLR0917
            place_count: int, pair_place: Bounds, pair_cost: Bounds, pair_label: Bounds,
            cutoff: int) -> tuple[Keys, bool]:
    """Carry the k nearest of the nodes on to places: over their ends, and by direct ways.

    Returns keys (place_count, k), sorted: cost << 32 | label, or `UNREACHED`; and `clipped`.
    """
    k = state.shape[1]
    clipped = False
    found = np.full((place_count, k), UNREACHED, np.uint64)
    limit = (np.uint64(cutoff) + _ONE) << _SHIFT
    for i in range(end_place.shape[0]):
        for q in range(k):
            key = state[end_node[i], q]
            if key == UNREACHED:
                break
            key = (key & ~_SCANNED) + (np.uint64(end_cost[i]) << _SHIFT)
            if key >= limit:
                clipped = True
                break
            _insert(found[end_place[i]], key)
    for i in range(pair_place.shape[0]):
        key = (np.uint64(pair_cost[i]) << _SHIFT) | (np.uint64(pair_label[i]) << _ONE)
        if key >= limit:
            clipped = True
            continue
        _insert(found[pair_place[i]], key)
    for i in range(place_count):
        for q in range(k):
            key = found[i, q]
            if key != UNREACHED:
                found[i, q] = (key & ~_LOW) | ((key & _LOW) >> _ONE)
    return found, clipped


@compiled
def _grown(array: NDArray[Any]) -> NDArray[Any]:
    """Return a copy of twice the size."""
    larger = np.empty(2 * array.shape[0], array.dtype)
    larger[: array.shape[0]] = array
    return larger


@compiled
def catchments(indptr: Bounds, indices: Nodes, cost: Costs,  # noqa: PLR0913, PLR0915, PLR0917
               seed_ptr: Bounds, seed_node: Nodes, seed_cost: Costs,
               end_ptr: Bounds, end_place: Nodes, end_cost: Costs, place_count: int,
               pair_ptr: Bounds, pair_place: Nodes, pair_cost: Costs,
               first: int, last: int, cutoff: int, delta: int) -> tuple[Bounds, Nodes, Costs]:
    """Find all places within the cutoff of each destination in `first` to `last`.

    Seeds are grouped by destination (`seed_ptr`), the ends of places by node (`end_ptr`), the direct
    ways along a shared edge by destination (`pair_ptr`). Returns `ptr`, `place`, `cost` in CSR form,
    one row a destination.
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
                    waits[v] = _FAR
                    far[n_far] = v
                    n_far += 1
                dist[v] = there
        while n_far > 0:
            n_near, n_far, threshold = _advance(dist, waits, near, far, n_far, threshold,
                                                np.uint64(delta))
            while n_near > 0:
                n_near -= 1
                u = near[n_near]
                waits[u] &= _FAR
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
                            if waiting & _NEAR == 0:
                                waits[v] = waiting | _NEAR
                                near[n_near] = v
                                n_near += 1
                        elif waiting & _FAR == 0:
                            waits[v] = waiting | _FAR
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
