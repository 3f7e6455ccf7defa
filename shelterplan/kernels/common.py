"""What the searches share: keys, sorting into groups, and the two queues of a search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Costs: TypeAlias = NDArray[np.uint32]
    Keys: TypeAlias = NDArray[np.uint64]
    Nodes: TypeAlias = NDArray[np.int32]
    Bounds: TypeAlias = NDArray[np.int64]

UNREACHED = np.uint64(0xFFFFFFFFFFFFFFFF)
"""State of a node that no seed reaches."""
MAX_COST = 2**31 - 1
"""Longest path that is searched."""
SHIFT = np.uint64(32)
LOW = np.uint64(0xFFFFFFFF)
ONE = np.uint64(1)
NEAR = np.uint8(1)
"""The node waits below the threshold."""
FAR = np.uint8(2)
"""The node waits beyond it."""

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
def arcs(
    tail: Nodes, head: Nodes, forward: NDArray[np.bool_], backward: NDArray[np.bool_], count: int
) -> tuple[Bounds, Nodes, Nodes]:
    """Return the open ways along edges in CSR form: bounds, far ends and edges.

    An edge leads from `tail` to `head` where `forward`, and back where `backward`. The arcs of a
    node stand in the order of the edges.
    """
    ptr = np.zeros(count + 1, np.int64)
    for edge in range(tail.shape[0]):
        ptr[tail[edge] + 1] += forward[edge]
        ptr[head[edge] + 1] += backward[edge]
    for i in range(count):
        ptr[i + 1] += ptr[i]
    free = ptr[:count].copy()
    far_end = np.empty(ptr[count], np.int32)
    arc_edge = np.empty(ptr[count], np.int32)
    for edge in range(tail.shape[0]):
        if forward[edge]:
            at = free[tail[edge]]
            free[tail[edge]] += 1
            far_end[at] = head[edge]
            arc_edge[at] = edge
        if backward[edge]:
            at = free[head[edge]]
            free[head[edge]] += 1
            far_end[at] = tail[edge]
            arc_edge[at] = edge
    return ptr, far_end, arc_edge


@compiled
def advance(
    key: Keys | Costs,
    waits: NDArray[np.uint8],
    near: Nodes,
    far: Nodes,
    n_far: int,
    threshold: np.uint64,
    delta: np.uint64,
) -> tuple[int, int, np.uint64]:
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
            waits[node] = NEAR
            near[n_near] = node
            n_near += 1
        else:
            far[n_far] = node
            n_far += 1
    return n_near, n_far, threshold
