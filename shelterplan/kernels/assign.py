"""Room for people: the cheapest flow from many points to few shelters, and the stable one.

The cheapest flow is searched over the shelters alone (Tokuyama and Nakano 1995); see `switches`.
Every shelter has a price: what it costs to make room there for one more, by the cheapest chain of
switches that ends at a shelter with room (or at nowhere, the last column, which always has). The
chains form a forest whose roots have room. A chain carries as much as all its switches and its root
can take. What then breaks, breaks for the shelters upstream only: they get new prices by Dijkstra's
algorithm on those shelters (successive shortest paths: Ahuja, Magnanti and Orlin 1993, section
9.7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from shelterplan.kernels.common import compiled, group
from shelterplan.kernels.switches import (
    ENDLESS,
    Pairs,
    Switches,
    arcs_between,
    arrive,
    leave,
    offered,
    with_space,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.kernels.common import Bounds, Nodes


class Forest(NamedTuple):
    """The chain of each shelter towards room."""

    price: Bounds
    arc: Bounds
    """First switch of the chain; -1 at a root."""
    first: Nodes
    """First of the shelters whose chain comes next through this one; -1 if none."""
    after: Nodes
    before: Nodes
    waits: NDArray[np.uint8]
    """Whether the shelter awaits a new price."""
    rise: Bounds
    """By how much the price of a shelter that waits will rise, as far as is known."""
    queue: Nodes
    place: Nodes
    """Place of a shelter in the queue."""
    work: Bounds
    """Number of switches looked at so far."""


@compiled
def _attach(f: Forest, node: int, to: int) -> None:
    f.before[node] = -1
    f.after[node] = f.first[to]
    if f.first[to] >= 0:
        f.before[f.first[to]] = node
    f.first[to] = node


@compiled
def _detach(f: Forest, node: int, of: int) -> None:
    if f.before[node] >= 0:
        f.after[f.before[node]] = f.after[node]
    else:
        f.first[of] = f.after[node]
    if f.after[node] >= 0:
        f.before[f.after[node]] = f.before[node]


@compiled
def _upstream(s: Switches, f: Forest, node: int, found: Nodes) -> int:
    """Collect a shelter and all whose chain goes through it, and take them out of the forest."""
    if f.arc[node] >= 0:
        _detach(f, node, s.head[f.arc[node]])
    found[0] = node
    n, done = 1, 0
    while done < n:
        at = f.first[found[done]]
        f.first[found[done]] = -1
        done += 1
        while at >= 0:
            found[n] = at
            n += 1
            at = f.after[at]
    return n


@compiled
def _sift(f: Forest, at: int) -> None:
    """Move a shelter up in the queue to where its rise belongs; equal ones go by number."""
    node = f.queue[at]
    while at > 0:
        up = (at - 1) // 2
        other = f.queue[up]
        if f.rise[other] < f.rise[node] or (f.rise[other] == f.rise[node] and other < node):
            break
        f.queue[at] = other
        f.place[other] = at
        at = up
    f.queue[at] = node
    f.place[node] = at


@compiled
def _take(f: Forest, size: int) -> int:
    """Take the shelter that rises least off the queue, which then holds one less."""
    least: int = f.queue[0]
    node = f.queue[size - 1]
    size -= 1
    at = 0
    while 2 * at + 1 < size:
        down = 2 * at + 1
        if down + 1 < size:
            a, b = f.queue[down], f.queue[down + 1]
            if f.rise[b] < f.rise[a] or (f.rise[b] == f.rise[a] and b < a):
                down += 1
        other = f.queue[down]
        if f.rise[node] < f.rise[other] or (f.rise[node] == f.rise[other] and node < other):
            break
        f.queue[at] = other
        f.place[other] = at
        at = down
    f.queue[at] = node
    f.place[node] = at
    return least


@compiled
def _reprice(s: Switches, f: Forest, found: Nodes, n: int) -> None:
    """Find the chains and prices of some shelters anew, those of all others being right.

    Prices can only rise; taken in the order of the rise, no shelter need be looked at twice.
    """
    for i in range(n):
        f.waits[found[i]] = 1
    for i in range(n):
        node = found[i]
        lowest, arc = ENDLESS, -1
        for a in range(s.ptr[node], s.ptr[node + 1]):
            if s.best[a] < ENDLESS and f.waits[s.head[a]] == 0:
                price = f.price[s.head[a]] + s.best[a]
                if price < lowest:
                    lowest, arc = price, a
        f.work[0] += s.ptr[node + 1] - s.ptr[node]
        f.rise[node] = lowest - f.price[node]
        f.arc[node] = arc
        f.queue[i] = node
        _sift(f, i)
    for size in range(n, 0, -1):
        node = _take(f, size)
        f.waits[node] = 0
        f.price[node] += f.rise[node]
        _attach(f, node, s.head[f.arc[node]])
        for a in range(s.ptr[node], s.ptr[node + 1]):
            other = s.head[a]
            if f.waits[other] and s.best[s.back[a]] < ENDLESS:
                rise = f.price[node] + s.best[s.back[a]] - f.price[other]
                if rise < f.rise[other]:
                    f.rise[other] = rise
                    f.arc[other] = s.back[a]
                    _sift(f, f.place[other])
        f.work[0] += s.ptr[node + 1] - s.ptr[node]


@compiled
def _steps(s: Switches, f: Forest, node: int) -> int:
    """Return the number of switches in a shelter's chain."""
    n = 0
    while f.arc[node] >= 0:
        node = s.head[f.arc[node]]
        n += 1
    return n


@compiled
def _push(
    p: Pairs, s: Switches, f: Forest, people: Bounds, room: Bounds, node: int
) -> tuple[int, int]:
    """Send as many as possible along a shelter's chain.

    Returns the root of the chain, and the last shelter whose chain is broken (-1 if none is).
    """
    amount = -room[node]
    root = node
    while f.arc[root] >= 0:
        amount = min(amount, people[s.leaves[s.top[f.arc[root]]]])
        root = s.head[f.arc[root]]
    if room[root] < ENDLESS:
        amount = min(amount, room[root])
        room[root] -= amount
    room[node] += amount
    at, broken = node, -1
    while f.arc[at] >= 0:
        top = s.top[f.arc[at]]
        leaves, enters = s.leaves[top], s.enters[top]
        after = s.head[f.arc[at]]
        people[leaves] -= amount
        people[enters] += amount
        if people[enters] == amount and f.arc[after] >= 0:
            arrive(p, s, enters)
        if people[leaves] == 0:
            leave(p, s, people, leaves)
            cost = s.best[f.arc[at]]
            if cost == ENDLESS or cost + f.price[after] != f.price[at]:
                broken = at
        at = after
    return root, broken


@compiled
def _send(p: Pairs, supply: Bounds, price: Bounds, room: Bounds) -> Bounds:
    """Send everybody to the cheapest shelter; room may fall below 0."""
    people = np.zeros(p.column.shape[0], np.int64)
    for row in range(supply.shape[0]):
        best = p.ptr[row]
        lowest = p.steps[best] + price[p.column[best]]
        for entry in range(p.ptr[row] + 1, p.ptr[row + 1]):
            here = p.steps[entry] + price[p.column[entry]]
            if here < lowest or (here == lowest and p.cost[entry] < p.cost[best]):
                best, lowest = entry, here
        people[best] = supply[row]
        if room[p.column[best]] < ENDLESS:
            room[p.column[best]] -= supply[row]
    return people


@compiled
def _planted(price: Bounds) -> Forest:
    """Return a forest of roots only."""
    count = price.shape[0]
    return Forest(
        price,
        np.full(count, -1, np.int64),
        np.full(count, -1, np.int32),
        np.full(count, -1, np.int32),
        np.full(count, -1, np.int32),
        np.zeros(count, np.uint8),
        np.zeros(count, np.int64),
        np.empty(count, np.int32),
        np.empty(count, np.int32),
        np.zeros(1, np.int64),
    )


@compiled
def _clear(p: Pairs, s: Switches, f: Forest, people: Bounds, room: Bounds, effort: int) -> bool:
    """Send on whoever is above the room of a shelter; return whether all of them were."""
    count = room.shape[0]
    longest = 0
    for row in range(p.ptr.shape[0] - 1):
        longest = max(longest, p.ptr[row + 1] - p.ptr[row])
    found = np.empty(count, np.int32)
    n = 0
    for node in range(count):
        if room[node] <= 0:
            found[n] = node
            n += 1
            s = offered(p, s, people, node)
    _reprice(s, f, found, n)
    for node in range(count):
        while room[node] < 0:
            if f.work[0] > effort:
                return False
            s = with_space(s, longest * _steps(s, f, node))
            root, broken = _push(p, s, f, people, room, node)
            if room[root] == 0:
                s = offered(p, s, people, root)
                broken = root
            if broken >= 0:
                n = _upstream(s, f, broken, found)
                _reprice(s, f, found, n)
    return True


@compiled
def cheapest_flow(
    ptr: Bounds,
    column: Nodes,
    cost: Bounds,
    supply: Bounds,
    capacity: Bounds,
    tier: Bounds,
    shift: int,
    effort: int,
) -> tuple[Bounds, Bounds, bool]:
    """Give everybody a place at the least cost: of the ways, and of the places (`tier`).

    Every row ends with the last column, nowhere, which must have `ENDLESS` room; columns rise
    within a row; all supplies and capacities are above 0. What is least is the cost of ways in
    whole steps of 2**shift, rounded down, plus tiers. No sum along a chain of switches may reach
    the difference between two tiers. The search gives up after it has looked at `effort` switches.

    Returns
    -------
    people : array of int, shape (entries,)
        How many of the point go to the shelter.
    price : array of int, shape (columns,)
        Price of each shelter, in steps: the dual solution.
    done : bool
        False if the search gave up: some shelters are then overfull.
    """
    count = capacity.shape[0]
    column_ptr, by_column = group(column, count)
    row = np.empty(column.shape[0], np.int32)
    for i in range(supply.shape[0]):
        row[ptr[i] : ptr[i + 1]] = i
    p = Pairs(ptr, column, cost, cost >> shift, row, column_ptr, by_column)
    room, price = capacity.copy(), tier.copy()
    people = _send(p, supply, price, room)
    if (room >= 0).all():
        return people, price, True
    done = _clear(p, arcs_between(p, count), _planted(price), people, room, effort)
    return people, price, done


@compiled
def first_come(
    order: Bounds, row: Nodes, column: Nodes, supply: Bounds, capacity: Bounds
) -> tuple[Bounds, Bounds]:
    """Fill shelters in the order of pairs given: whoever is nearer comes first.

    Returns the people of each pair, and how many pairs of the same point came before it.
    """
    left, room = supply.copy(), capacity.copy()
    people = np.zeros(row.shape[0], np.int64)
    before = np.zeros(row.shape[0], np.int64)
    tried = np.zeros(supply.shape[0], np.int64)
    for pair in order:
        i, j = row[pair], column[pair]
        before[pair] = tried[i]
        tried[i] += 1
        amount = min(left[i], room[j])
        people[pair] = amount
        left[i] -= amount
        if room[j] < ENDLESS:
            room[j] -= amount
    return people, before
