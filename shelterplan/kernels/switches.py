"""Switches: the arcs between shelters in a cheapest flow, each with its cheapest switch.

An arc from shelter a to shelter b stands for the least of (way to b) - (way to a) over the points
that now send people to a and may go to b. It is the top of a pairing heap (Fredman et al. 1986);
points that have left a are dropped when they come up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from shelterplan.kernels.common import compiled

if TYPE_CHECKING:
    from shelterplan.kernels.common import Bounds, Nodes

ENDLESS = 2**62
"""Room without limit; also the cost of a switch that nobody can make."""
_HALF = 2**31


class Pairs(NamedTuple):
    """Who may go where: rows are points, the last entry of each row is nowhere."""

    ptr: Bounds
    column: Nodes
    cost: Bounds
    steps: Bounds
    """Cost in the steps that are compared first."""
    row: Nodes
    """Point of each entry."""
    column_ptr: Bounds
    by_column: Bounds
    """Entries in the order of columns."""


class Switches(NamedTuple):
    """Arcs between shelters that a point may choose between, and the heap of each arc."""

    ptr: Bounds
    head: Nodes
    back: Bounds
    """The arc in the other direction; -1 where it starts at nowhere."""
    top: Nodes
    """Heap entry of the cheapest switch; -1 if there is none."""
    best: Bounds
    """Its cost in steps; ENDLESS if there is none."""
    used: Bounds
    """Number of heap entries in use, the first one free again (-1 if none), entries allotted."""
    key: Bounds
    """Cost of a switch in steps << 32, plus its cost (which may be below 0)."""
    leaves: Nodes
    """Entry of `Pairs` that the switch empties."""
    enters: Nodes
    child: Nodes
    sibling: Nodes


@compiled
def _meld(s: Switches, a: int, b: int) -> int:
    """Join two heaps; equal costs go by the entry left."""
    if a < 0:
        return b
    if b < 0:
        return a
    if s.key[b] < s.key[a] or (s.key[b] == s.key[a] and s.leaves[b] < s.leaves[a]):
        a, b = b, a
    s.sibling[b] = s.child[a]
    s.child[a] = b
    return a


@compiled
def _pop(s: Switches, top: int) -> int:
    """Take the top off a heap and give its entry free; return the new top."""
    pairs = -1
    at = s.child[top]
    while at >= 0:
        other = s.sibling[at]
        following = -1
        if other >= 0:
            following = s.sibling[other]
        joined = _meld(s, at, other)
        s.sibling[joined] = pairs
        pairs = joined
        at = following
    joined = -1
    while pairs >= 0:
        following = s.sibling[pairs]
        joined = _meld(s, joined, pairs)
        pairs = following
    s.sibling[top] = s.used[1]
    s.used[1] = top
    return joined


@compiled
def arc_of(s: Switches, tail: int, head: int) -> int:
    """Return the number of the arc between two shelters."""
    low: int = s.ptr[tail]
    high: int = s.ptr[tail + 1] - 1
    while low < high:
        middle = (low + high) // 2
        if s.head[middle] < head:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def arrive(p: Pairs, s: Switches, entry: int) -> None:
    """Offer the switches of a point that now sends people to a shelter."""
    tail = p.column[entry]
    for other in range(p.ptr[p.row[entry]], p.ptr[p.row[entry] + 1]):
        if other == entry:
            continue
        free = s.used[1]
        if free >= 0:
            s.used[1] = s.sibling[free]
        else:
            free = s.used[0]
            s.used[0] += 1
        s.key[free] = ((p.steps[other] - p.steps[entry]) << 32) + p.cost[other] - p.cost[entry]
        s.leaves[free] = entry
        s.enters[free] = other
        s.child[free] = -1
        s.sibling[free] = -1
        arc = arc_of(s, tail, p.column[other])
        s.top[arc] = _meld(s, s.top[arc], free)
        s.best[arc] = (s.key[s.top[arc]] + _HALF) >> 32


@compiled
def leave(p: Pairs, s: Switches, people: Bounds, entry: int) -> None:
    """Take back the switches of a point that no longer sends people to a shelter."""
    tail = p.column[entry]
    for other in range(p.ptr[p.row[entry]], p.ptr[p.row[entry] + 1]):
        if other == entry:
            continue
        arc = arc_of(s, tail, p.column[other])
        top = s.top[arc]
        while top >= 0 and people[s.leaves[top]] == 0:
            top = _pop(s, top)
        s.top[arc] = top
        s.best[arc] = (s.key[top] + _HALF) >> 32 if top >= 0 else ENDLESS


@compiled
def with_space(s: Switches, entries: int) -> Switches:
    """Return switches whose heaps can take so many entries more."""
    size = s.key.shape[0]
    if s.used[0] + entries <= size:
        return s
    larger = max(2 * size, s.used[0] + entries)
    key = np.empty(larger, np.int64)
    leaves = np.empty(larger, np.int32)
    enters = np.empty(larger, np.int32)
    child = np.empty(larger, np.int32)
    sibling = np.empty(larger, np.int32)
    key[:size] = s.key
    leaves[:size] = s.leaves
    enters[:size] = s.enters
    child[:size] = s.child
    sibling[:size] = s.sibling
    return Switches(
        s.ptr, s.head, s.back, s.top, s.best, s.used, key, leaves, enters, child, sibling
    )


@compiled
def offered(p: Pairs, s: Switches, people: Bounds, node: int) -> Switches:
    """Return switches with those of all points that send people to a shelter which has filled."""
    need = 0
    for i in range(p.column_ptr[node], p.column_ptr[node + 1]):
        entry = p.by_column[i]
        if people[entry] > 0:
            need += p.ptr[p.row[entry] + 1] - p.ptr[p.row[entry]] - 1
    s = with_space(s, need)
    for i in range(p.column_ptr[node], p.column_ptr[node + 1]):
        if people[p.by_column[i]] > 0:
            arrive(p, s, p.by_column[i])
    return s


@compiled
def arcs_between(p: Pairs, count: int) -> Switches:  # noqa: C901
    """Find which shelters have a point in common; heads are sorted, nowhere has no arcs."""
    seen = np.full(count, -1, np.int32)
    ptr = np.zeros(count + 1, np.int64)
    head = np.empty(0, np.int32)
    for fill in range(2):
        if fill:
            head = np.empty(ptr[count], np.int32)
        seen[:] = -1
        n = 0
        for tail in range(count - 1):
            start = n
            for i in range(p.column_ptr[tail], p.column_ptr[tail + 1]):
                row = p.row[p.by_column[i]]
                for other in range(p.ptr[row], p.ptr[row + 1]):
                    node = p.column[other]
                    if node != tail and seen[node] != tail:
                        seen[node] = tail
                        if fill:
                            head[n] = node
                        n += 1
            ptr[tail + 1] = n
            if fill:
                head[start:n] = np.sort(head[start:n])
        ptr[count] = n
    arcs = head.shape[0]
    s = Switches(
        ptr,
        head,
        np.full(arcs, -1, np.int64),
        np.full(arcs, -1, np.int32),
        np.full(arcs, ENDLESS, np.int64),
        np.array([0, -1], np.int64),
        np.empty(1024, np.int64),
        np.empty(1024, np.int32),
        np.empty(1024, np.int32),
        np.empty(1024, np.int32),
        np.empty(1024, np.int32),
    )
    for tail in range(count - 1):
        for arc in range(ptr[tail], ptr[tail + 1]):
            if head[arc] < count - 1:
                s.back[arc] = arc_of(s, head[arc], tail)
    return s
