"""The k nearest labels of every node, and of places beside the network.

Keys are cost << 32 | label << 1 here: the lowest bit says that a key's arcs were scanned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shelterplan.kernels.common import FAR, LOW, NEAR, ONE, SHIFT, UNREACHED, advance, compiled

if TYPE_CHECKING:
    from shelterplan.kernels.common import Bounds, Costs, Keys, Nodes

SCANNED = np.uint64(1)


@compiled
def _insert(row: Keys, key: np.uint64) -> bool:
    """Put a key into a sorted row of keys with distinct labels; say whether it went in."""
    last = row.shape[0] - 1
    if key >= row[last]:
        return False
    label = key & LOW
    position = last
    for q in range(last + 1):
        if row[q] == UNREACHED:
            position = q
            break
        held = row[q] & ~SCANNED
        if held & LOW == label:
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
def k_nearest(  # noqa: C901, PLR0912, PLR0915
    indptr: Bounds,
    indices: Nodes,
    cost: Costs,
    seed_node: Nodes,
    seed_cost: Bounds,
    seed_label: Bounds,
    k: int,
    cutoff: int,
    delta: int,
) -> tuple[Keys, bool]:
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
    limit = (np.uint64(cutoff) + ONE) << SHIFT
    step = np.uint64(delta) << SHIFT
    threshold = np.uint64(0)
    for i in range(seed_node.shape[0]):
        v = seed_node[i]
        key = (np.uint64(seed_cost[i]) << SHIFT) | (np.uint64(seed_label[i]) << ONE)
        if key >= limit:
            clipped = True
        elif _insert(state[v], key):
            pending[v] = min(pending[v], key)
            if waits[v] == 0:
                waits[v] = FAR
                far[n_far] = v
                n_far += 1
    while n_far > 0:
        n_near, n_far, threshold = advance(pending, waits, near, far, n_far, threshold, step)
        while n_near > 0:
            n_near -= 1
            u = near[n_near]
            waits[u] &= FAR
            pending[u] = UNREACHED
            n_ready = 0
            for q in range(k):
                key = state[u, q]
                if key == UNREACHED:
                    break
                if key & SCANNED != 0:
                    continue
                if key >= threshold:
                    pending[u] = key
                    if waits[u] == 0:
                        waits[u] = FAR
                        far[n_far] = u
                        n_far += 1
                    break
                state[u, q] = key | SCANNED
                ready[n_ready] = key
                n_ready += 1
            for arc in range(indptr[u], indptr[u + 1]):
                v = indices[arc]
                for i in range(n_ready):
                    there = ready[i] + (np.uint64(cost[arc]) << SHIFT)
                    if there >= state[v, k - 1]:
                        break
                    if there >= limit:
                        clipped = True
                        break
                    if _insert(state[v], there):
                        pending[v] = min(pending[v], there)
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
    return state, clipped


@compiled
def merge_k(
    state: Keys,
    end_place: Bounds,
    end_node: Nodes,
    end_cost: Bounds,
    place_count: int,
    pair_place: Bounds,
    pair_cost: Bounds,
    pair_label: Bounds,
    cutoff: int,
) -> tuple[Keys, bool]:
    """Carry the k nearest of the nodes on to places: over their ends, and by direct ways.

    Returns keys (place_count, k), sorted: cost << 32 | label, or `UNREACHED`; and `clipped`.
    """
    k = state.shape[1]
    clipped = False
    found = np.full((place_count, k), UNREACHED, np.uint64)
    limit = (np.uint64(cutoff) + ONE) << SHIFT
    for i in range(end_place.shape[0]):
        for q in range(k):
            key = state[end_node[i], q]
            if key == UNREACHED:
                break
            key = (key & ~SCANNED) + (np.uint64(end_cost[i]) << SHIFT)
            if key >= limit:
                clipped = True
                break
            _insert(found[end_place[i]], key)
    for i in range(pair_place.shape[0]):
        key = (np.uint64(pair_cost[i]) << SHIFT) | (np.uint64(pair_label[i]) << ONE)
        if key >= limit:
            clipped = True
            continue
        _insert(found[pair_place[i]], key)
    for i in range(place_count):
        for q in range(k):
            key = found[i, q]
            if key != UNREACHED:
                found[i, q] = (key & ~LOW) | ((key & LOW) >> ONE)
    return found, clipped
