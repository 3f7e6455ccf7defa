"""Good plans under floors: swaps of sites with a memory of late moves (tabu search, Glover 1989).

A plan is worth the people it covers, less a price for everyone whom a group is short of its floor.
With a price above what all people together are worth, floors come first. Each step makes the best
move of all: add a site, or swap one for another; a site that has just moved rests for a while,
unless the plan would be the best so far. Deterministic for a seed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from shelterplan.kernels.common import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.grouped import Problem

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int32]

_WORK = 4e7
"""More steps in smaller models: about so many entries of the matrix in all."""
_SLACK = 1e-9
"""Sums of costs that exceed the budget by no more are rounding."""
_LEAVING = 5
"""How many of the chosen sites a step thinks of taking out."""


def steps(problem: Problem) -> int:
    """Return how many steps one search takes: fewer in larger models."""
    return int(np.clip(_WORK / max(1, problem.cover.nnz), 100, 1000))


class World(NamedTuple):
    """A problem as the compiled loops read it."""

    column: Ints
    """Where the rows of each column begin, shape (columns + 1,)."""
    row_of: Ints
    row: Ints
    """Where the columns of each row begin, shape (rows + 1,)."""
    column_of: Ints
    part: Ints
    """Where the rows of each group begin, shape (groups + 1,)."""
    rows: Ints
    people: Floats
    counted: Floats
    group: Ints
    need: Floats
    """How many of each group must be covered, shape (groups,)."""
    costs: Floats
    price: float
    """Of everyone whom a group is short."""

    @classmethod
    def of(cls, problem: Problem, need: Floats) -> World:
        """Return a problem both ways."""
        columns = sparse.csc_array(problem.cover)
        unit = problem.counted[problem.counted > 0]
        sizes = np.bincount(problem.group, minlength=len(need))
        price = 10.0 * (float(problem.people.sum()) + 1.0)
        return cls(
            column=columns.indptr.astype(np.int32),
            row_of=columns.indices.astype(np.int32),
            row=problem.cover.indptr.astype(np.int32),
            column_of=problem.cover.indices.astype(np.int32),
            part=np.r_[0, np.cumsum(sizes)].astype(np.int32),
            rows=np.argsort(problem.group, kind="stable").astype(np.int32),
            people=problem.people,
            counted=problem.counted,
            group=problem.group.astype(np.int32),
            need=np.maximum(need, 0.0),
            costs=problem.costs,
            price=price / (float(np.quantile(unit, 0.1)) if unit.size else 1.0),
        )


class State(NamedTuple):
    """A plan in the making."""

    taken: Flags
    """Shape (columns,)."""
    times: Ints
    """How many chosen columns cover each row, shape (rows,)."""
    have: Floats
    """How many of each group are covered, and last how many people, shape (groups + 1,)."""
    short: Flags
    """Groups below their floor, shape (groups,)."""
    gain: Floats
    """What a column would add if no group got more than its floor: at most that, shape
    (columns,)."""

    @classmethod
    def of(cls, world: World) -> State:
        """Return the plan that chooses nothing."""
        short = world.need > 0
        worth = world.people + world.price * world.counted * short[world.group]
        columns = len(world.column) - 1
        column = np.repeat(np.arange(columns), np.diff(world.column))
        return cls(
            taken=np.zeros(columns, bool),
            times=np.zeros(len(world.people), np.int32),
            have=np.zeros(len(world.need) + 1),
            short=short,
            gain=np.bincount(column, weights=worth[world.row_of], minlength=columns).astype(float),
        )


def search(
    problem: Problem,
    need: Floats,
    start: Flags,
    *,
    iterations: int | None = None,
    seed: int = 1,
    enough: bool = False,
) -> tuple[Flags, float]:
    """Return the best plan found, and by how many its groups are short of their floors.

    Parameters
    ----------
    problem : Problem
        Without capacities.
    need : array, shape (groups,)
        How many of each group must be covered by columns; 0 or less: none.
    start : array, shape (columns,)
        Columns to start with; within count and budget.
    iterations : int, optional
        Steps; by default as many as the model's size allows.
    seed : int
        Of the resting times.
    enough : bool
        Whether to end as soon as nobody is short.
    """
    world = World.of(problem, need)
    found, short = _search(
        world,
        State.of(world),
        start,
        problem.count,
        problem.budget,
        steps(problem) if iterations is None else iterations,
        seed,
        int(enough),
    )
    return found, float(short)


@compiled
def _search(
    world: World,
    state: State,
    start: Flags,
    count: int,
    budget: float,
    iterations: int,
    seed: int,
    enough: int,
) -> tuple[Flags, float]:
    rests = np.zeros(len(start), np.int64)
    draw = np.int64(seed)
    spent, chosen = 0.0, 0
    for j in range(len(start)):
        if start[j]:
            _move(world, state, j, 1)
            spent += world.costs[j]
            chosen += 1
    best, plan, least = _worth(world, state), start.copy(), _shortfall(world, state)
    late = 0
    for step in range(1, iterations + 1):
        if (enough > 0 and least <= 0.0) or step - late > max(100, iterations // 4):
            break
        draw = (draw * 1103515245 + 12345) % 2147483648
        out, into = _best_move(world, state, rests, step, budget - spent, best, chosen < count)
        if into < 0:
            break
        if out >= 0:
            _move(world, state, out, -1)
            spent -= world.costs[out]
            chosen -= 1
            rests[out] = step + 4 + (draw >> 8) % 6
        _move(world, state, into, 1)
        spent += world.costs[into]
        chosen += 1
        rests[into] = step + (draw >> 16) % max(1, min(6, count // 3))
        value = _worth(world, state)
        if value > best:
            best, least, late = value, _shortfall(world, state), step
            plan[:] = state.taken
    return plan, least


@compiled
def _best_move(
    world: World,
    state: State,
    rests: NDArray[np.int64],
    step: int,
    room: float,
    best: float,
    more: int,
) -> tuple[int, int]:
    """Return the site that leaves and the one that comes; -1: none does."""
    if more:
        into, top = _entering(world, state, rests, step, room, best)
        if into >= 0 and top > _worth(world, state) + _SLACK:
            return -1, into
    return _swap(world, state, rests, step, room, best)


@compiled
def _swap(
    world: World, state: State, rests: NDArray[np.int64], step: int, room: float, best: float
) -> tuple[int, int]:
    """Return the site that leaves and the one that comes, -1 if there are none."""
    top, out, into = -np.inf, -1, -1
    for q in _leaving(world, state, rests, step):
        _move(world, state, q, -1)
        rest = rests[q]
        rests[q] = step
        j, value = _entering(world, state, rests, step, room + world.costs[q], best)
        rests[q] = rest
        if j >= 0 and value > top:
            top, out, into = value, q, j
        _move(world, state, q, 1)
    return out, into


@compiled
def _leaving(world: World, state: State, rests: NDArray[np.int64], step: int) -> NDArray[np.int64]:
    """Return the sites that may leave and would be missed least, and one more in turn."""
    may = np.flatnonzero(state.taken & (rests < step))
    if len(may) <= _LEAVING:
        return may
    loss = np.zeros(len(may))
    lost = np.zeros(len(state.have))
    for i in range(len(may)):
        loss[i] = _loss(world, state, lost, may[i])
    order = np.argsort(loss)
    order[_LEAVING - 1] = order[_LEAVING - 1 + step % (len(may) - _LEAVING + 1)]
    return may[order[:_LEAVING]]


@compiled
def _entering(
    world: World, state: State, rests: NDArray[np.int64], step: int, room: float, best: float
) -> tuple[int, float]:
    """Return the site that adds most, and what the plan is worth with it.

    `gain` is at most what a site adds, so most sites need not be looked at.
    """
    here = _worth(world, state)
    top, into = -np.inf, -1
    added = np.zeros(len(state.have))
    for j in range(len(state.taken)):
        if state.taken[j] or here + state.gain[j] <= top or world.costs[j] > room + _SLACK:
            continue
        if rests[j] >= step and here + state.gain[j] <= best:
            continue
        value = here + _gain(world, state, added, j)
        if value > top and (rests[j] < step or value > best):
            top, into = value, j
    return into, top


@compiled
def _worth(world: World, state: State) -> float:
    """Return what a plan is worth: people, less the price of those short."""
    people: float = state.have[-1] - world.price * _shortfall(world, state)
    return people


@compiled
def _shortfall(world: World, state: State) -> float:
    short = 0.0
    for g in range(len(world.need)):
        short += max(0.0, world.need[g] - state.have[g])
    return short


@compiled
def _gain(world: World, state: State, added: Floats, j: int) -> float:
    """Return what a site would add to a plan's worth."""
    gain = 0.0
    first, last = world.column[j], world.column[j + 1]
    for t in range(first, last):
        r = world.row_of[t]
        if state.times[r] == 0:
            gain += world.people[r]
            g = world.group[r]
            left = world.need[g] - state.have[g] - added[g]
            if left > 0:
                gain += world.price * min(world.counted[r], left)
                added[g] += world.counted[r]
    for t in range(first, last):
        added[world.group[world.row_of[t]]] = 0.0
    return gain


@compiled
def _loss(world: World, state: State, lost: Floats, j: int) -> float:
    """Return by how much less a plan would be worth without a site."""
    loss = 0.0
    first, last = world.column[j], world.column[j + 1]
    for t in range(first, last):
        r = world.row_of[t]
        if state.times[r] == 1:
            loss += world.people[r]
            g = world.group[r]
            left = max(0.0, state.have[g] - lost[g] - world.need[g])
            loss += world.price * max(0.0, world.counted[r] - left)
            lost[g] += world.counted[r]
    for t in range(first, last):
        lost[world.group[world.row_of[t]]] = 0.0
    return loss


@compiled
def _move(world: World, state: State, j: int, sign: int) -> None:
    """Add (1) or take away (-1) a site."""
    first, last = world.column[j], world.column[j + 1]
    for t in range(first, last):
        r = world.row_of[t]
        before = state.times[r]
        state.times[r] += sign
        if before + min(sign, 0) > 0:
            continue
        g = world.group[r]
        state.have[g] += sign * world.counted[r]
        state.have[-1] += sign * world.people[r]
        worth = sign * (world.people[r] + world.price * world.counted[r] * state.short[g])
        for u in range(world.row[r], world.row[r + 1]):
            state.gain[world.column_of[u]] -= worth
    for t in range(first, last):
        g = world.group[world.row_of[t]]
        if (state.have[g] < world.need[g]) != state.short[g]:
            _turn(world, state, g)
    state.taken[j] = sign > 0


@compiled
def _turn(world: World, state: State, g: int) -> None:
    """Note that a group is short of its floor, or no longer is."""
    state.short[g] = not state.short[g]
    price = world.price if state.short[g] else -world.price
    for s in range(world.part[g], world.part[g + 1]):
        r = world.rows[s]
        if state.times[r] == 0:
            for u in range(world.row[r], world.row[r + 1]):
                state.gain[world.column_of[u]] += price * world.counted[r]
