"""Branch and bound for maximal covering with a number of sites, on Lagrangian bounds.

Each node of the tree has sites that are in and sites that are out. What the ones that are in cover
is certain; the rest is a smaller covering model, bounded by prices as in `cover_bound`: a few
subgradient steps from the prices of the node above. Sites that the prices rule out, or cannot do
without, follow at once. Nodes are cheap, so that where few sites are chosen, or the bound is near,
thousands of them are looked at in a second (the way of Beasley 1985 for p-median problems).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from shelterplan.kernels.common import compiled
from shelterplan.siting.cover_bound import largest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.cover_search import Columns, Cover, Floats, Ints
    from shelterplan.siting.watch import Watch

FREE, IN, OUT = np.int8(0), np.int8(1), np.int8(2)
STEPS = 40
"""Most subgradient steps at a node."""
HALF = 0.6
"""A node branches on a site that about so many of its steps take."""
SLICE = 3e7
"""Entries read between two looks at the clock: a small part of a second."""
MEMORY = 4_000_000
"""Prices that are kept, one for each demand point and level of the tree."""


class Grown(NamedTuple):
    """What a tree found."""

    columns: Columns
    """The best plan; empty if none was better than the one it began with."""
    bound: float
    """No plan covers more."""
    explored: float
    """The share of the tree that was searched, roughly; 1: all."""
    nodes: int


class _Tree(NamedTuple):
    """Where the search stands."""

    status: NDArray[np.int8]
    """Whether each site is free, in or out."""
    times: Ints
    """How many sites that are in cover each point."""
    trail: Ints
    """Sites that are not free, in the order in which that came about."""
    begin: Ints
    """How long the trail was where each level begins."""
    site: Ints
    """Which site each level branches on; it is in first, then out."""
    second: NDArray[np.bool_]
    """Whether the level's site is out by now."""
    bound: Floats
    """Of each level's node."""
    kept: NDArray[np.float64]
    """Prices of each level's node, shape (levels, demand)."""
    prices: Floats
    plan: Columns
    """The best plan; its first `number[3]` are known."""
    number: NDArray[np.int64]
    """Level, length of the trail, sites in, sites of the best plan, nodes, whether all is done."""
    value: Floats
    """What the best plan covers."""


def grow(
    cover: Cover,
    count: int,
    prices: Floats,
    reached: float,
    watch: Watch,
    *,
    enough: float,
    work: float,
    share: float = 1.0,
) -> Grown | None:
    """Search all plans of at most `count` sites, until it is proven which is best.

    Parameters
    ----------
    cover : Cover
        The model.
    count : int
        Most sites.
    prices : array, shape (demand,)
        Good prices to start from.
    reached : float
        What the best plan known covers.
    watch : Watch
        The clock.
    enough : float
        A bound below the best plan and this proves it.
    work : float
        Entries to read before the tree is judged.
    share : float
        If less of the tree is done by then, it is left unfinished; 1: it is in any case.

    Returns
    -------
    Grown or None
        None if the model is too large to be kept at every level.
    """
    levels = cover.sites + 2
    if levels * len(cover.weights) > MEMORY:
        levels = MEMORY // max(len(cover.weights), 1)
        if levels < 4 * count + 20:
            return None
    tree = _planted(cover, count, prices, reached, levels)
    each = STEPS * (2 * cover.entries + 10 * len(cover.weights) + 1)
    most = int(np.clip(SLICE / each, 5, 1000))
    spent = 0.0
    while not tree.number[5] and not watch.over:
        if spent >= work and _explored(tree) < share:
            break
        _search(cover, count, tree, enough, most)
        spent += most * each
        watch.tell("branch and bound")
    columns = np.sort(tree.plan[: int(tree.number[3])])
    return Grown(columns, _open_bound(tree, enough), _explored(tree), int(tree.number[4]))


def _open_bound(tree: _Tree, enough: float) -> float:
    """Return what no plan below a node that was not looked at can better."""
    bound = float(tree.value[0]) + enough
    level = int(tree.number[0])
    if tree.number[5]:
        return bound
    if not level:
        return np.inf
    above = np.minimum.accumulate(tree.bound[:level])
    waiting = above[~tree.second[:level]]
    return max(bound, float(above[-1]), float(waiting.max(initial=0.0)))


def _explored(tree: _Tree) -> float:
    """Return the share of the tree that is done, were all its branches alike."""
    if tree.number[5]:
        return 1.0
    level = int(tree.number[0])
    return float((tree.second[:level] / 2.0 ** np.arange(1, level + 1)).sum())


def _planted(cover: Cover, count: int, prices: Floats, reached: float, levels: int) -> _Tree:
    sites, points = cover.sites, len(cover.weights)
    return _Tree(
        status=np.zeros(sites, np.int8),
        times=np.zeros(points, np.int32),
        trail=np.empty(sites, np.int32),
        begin=np.zeros(levels, np.int32),
        site=np.zeros(levels, np.int32),
        second=np.zeros(levels, np.bool_),
        bound=np.full(levels, np.inf),
        kept=np.zeros((levels, points)),
        prices=prices.copy(),
        plan=np.zeros(count, np.int64),
        number=np.zeros(6, np.int64),
        value=np.array([reached]),
    )


@compiled
def _put(j: int, status: np.int8, cover: Cover, tree: _Tree) -> None:
    """Take a site in, or leave it out."""
    tree.status[j] = status
    tree.trail[tree.number[1]] = j
    tree.number[1] += 1
    if status == IN:
        tree.number[2] += 1
        for t in range(cover.start[j], cover.start[j + 1]):
            tree.times[cover.point_of[t]] += 1


@compiled
def _undo(length: int, cover: Cover, tree: _Tree) -> None:
    """Make the sites at the end of the trail free again."""
    while tree.number[1] > length:
        tree.number[1] -= 1
        j = tree.trail[tree.number[1]]
        if tree.status[j] == IN:
            tree.number[2] -= 1
            for t in range(cover.start[j], cover.start[j + 1]):
                tree.times[cover.point_of[t]] -= 1
        tree.status[j] = FREE


@compiled
def _search(cover: Cover, count: int, tree: _Tree, enough: float, nodes: int) -> None:
    """Look at a number of nodes, depth first."""
    share = np.zeros(len(tree.status))
    for _ in range(nodes):
        tree.number[4] += 1
        level = tree.number[0]
        branch = _node(cover, count, tree, enough, share, level)
        if branch >= 0 and level + 1 < len(tree.begin):
            tree.site[level] = branch
            tree.second[level] = False
            for i in range(len(tree.prices)):
                tree.kept[level, i] = tree.prices[i]
            tree.number[0] = level + 1
            tree.begin[level + 1] = tree.number[1]
            _put(branch, IN, cover, tree)
            continue
        while level > 0:
            _undo(tree.begin[level], cover, tree)
            level -= 1
            if not tree.second[level]:
                tree.second[level] = True
                for i in range(len(tree.prices)):
                    tree.prices[i] = tree.kept[level, i]
                tree.number[0] = level + 1
                tree.begin[level + 1] = tree.number[1]
                _put(tree.site[level], OUT, cover, tree)
                break
        else:
            tree.number[5] = 1
            return


@compiled
def _node(cover: Cover, count: int, tree: _Tree, enough: float, share: Floats, level: int) -> int:
    """Bound a node; return the site to branch on, -1 if nothing better can be below it."""
    steps = STEPS
    while True:
        free = np.empty(len(tree.status), np.int32)
        number = 0
        for j in range(len(tree.status)):
            if tree.status[j] == FREE:
                free[number] = j
                number += 1
        left = min(count - tree.number[2], number)
        value, worth = _steps(cover, tree, enough, share, free[:number], left, steps)
        tree.bound[level] = value
        if left <= 0 or value < tree.value[0] + enough:
            return -1
        if left >= number:
            return -1
        if not _follow(cover, tree, value - tree.value[0] - enough, free[:number], left, worth):
            break
        steps = STEPS // 2
    pick, most = -1, -1.0
    for a in range(number):
        j = free[a]
        if tree.status[j] == FREE:
            score = 1.0 - abs(share[j] - HALF)
            if score > most:
                pick, most = j, score
    return pick


@compiled
def _follow(cover: Cover, tree: _Tree, room: float, free: Ints, left: int, worth: Floats) -> bool:
    """Put sites in and out where the prices leave no choice; return whether any came in."""
    key = np.empty(len(free))
    for a in range(len(free)):
        key[a] = worth[free[a]]
    last = largest(key.copy(), left)
    following = largest(key, left + 1)
    came = False
    for j in free:
        if worth[j] < last - room:
            _put(j, OUT, cover, tree)
        elif worth[j] > following + room:
            _put(j, IN, cover, tree)
            came = True
    return came


@compiled
def _steps(  # noqa: C901, PLR0912, PLR0915
    cover: Cover,
    tree: _Tree,
    enough: float,
    share: Floats,
    free: Ints,
    left: int,
    steps: int,
) -> tuple[float, Floats]:
    """Lower the bound of a node by subgradient steps; return it and the worth of each site."""
    weights, prices = cover.weights, tree.prices
    points = len(weights)
    worth, best_worth = np.zeros(len(tree.status)), np.zeros(len(tree.status))
    key = np.empty(len(free))
    best_prices, times, direction = prices.copy(), np.zeros(points), np.zeros(points)
    sure, open_ = 0.0, np.empty(points, np.int32)
    number = 0
    for i in range(points):
        if tree.times[i] > 0:
            sure += weights[i]
            prices[i] = 0.0
        else:
            open_[number] = i
            number += 1
    for j in free:
        share[j] = 0.0
    bound, length, stall, seen = np.inf, 1.0, 0, 0.0
    for _ in range(steps):
        for a in range(len(free)):
            total = 0.0
            for t in range(cover.start[free[a]], cover.start[free[a] + 1]):
                total += prices[cover.point_of[t]]
            worth[free[a]] = total
            key[a] = total
        value = sure
        for a in range(number):
            value += weights[open_[a]] - prices[open_[a]]
            times[open_[a]] = 0.0
        last = largest(key, left) if left > 0 else np.inf
        taken = 0
        for strictly in (True, False):
            for j in free:
                if taken < left and (worth[j] > last if strictly else worth[j] == last):
                    taken += 1
                    value += worth[j]
                    share[j] += 1.0
                    for t in range(cover.start[j], cover.start[j + 1]):
                        times[cover.point_of[t]] += 1.0
        seen += 1.0
        found = sure
        square = 0.0
        for a in range(number):
            i = open_[a]
            if times[i] > 0:
                found += weights[i]
            slope = times[i] - 1.0
            if (prices[i] <= 0.0 and slope > 0.0) or (prices[i] >= weights[i] and slope < 0.0):
                slope = 0.0
            direction[i] = slope + 0.6 * direction[i]
            square += direction[i] * direction[i]
        if found > tree.value[0] + 1e-9:
            tree.value[0] = found
            _keep(tree, free, worth, last, left)
        stall += 1
        if value < bound:
            if value < bound - 1e-5 * abs(bound):
                stall = 0
            bound = value
            for a in range(number):
                best_prices[open_[a]] = prices[open_[a]]
            for j in free:
                best_worth[j] = worth[j]
            if bound < tree.value[0] + enough:
                break
        if left <= 0 or square < 1e-12:
            break
        if stall >= 5:
            stall = 0
            length *= 0.6
        step = length * (value - tree.value[0]) / square
        for a in range(number):
            i = open_[a]
            prices[i] = min(weights[i], max(0.0, prices[i] - step * direction[i]))
    for a in range(number):
        prices[open_[a]] = best_prices[open_[a]]
    for j in free:
        share[j] /= seen
    return bound, best_worth


@compiled
def _keep(tree: _Tree, free: Ints, worth: Floats, last: float, left: int) -> None:
    """Keep the plan of the sites that are in and the most worthy free ones."""
    number = 0
    for j in range(len(tree.status)):
        if tree.status[j] == IN:
            tree.plan[number] = j
            number += 1
    taken = 0
    for strictly in (True, False):
        for j in free:
            if taken < left and (worth[j] > last if strictly else worth[j] == last):
                tree.plan[number] = j
                number += 1
                taken += 1
    tree.number[3] = number
