"""A local search for cheaper plans that cover everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from shelterplan.kernels.common import compiled
from shelterplan.siting.set_cover_search import Covering, cost_of, count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.watch import Watch

    Ints = NDArray[np.int32]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

_MOVES = 50_000
"""Moves of the local search between two looks at the clock."""


def search(
    problem: Covering, chosen: Flags, bound: float, watch: Watch, *, most_moves: int
) -> Flags:
    """Return a plan that is at least as cheap, by local search with weights of rows.

    Columns leave and enter one by one; a row that stays open gains weight, so that the search does
    not come back to where it was (row weighting, Gao, Weise and Li 2015, with cost for each weight
    gained in place of weight alone). It ends at the bound, the moves or the time.
    """
    inside = chosen.copy()
    best = chosen.copy()
    rows, columns = len(problem.row) - 1, len(problem.column) - 1
    state = _State(
        inside,
        best,
        np.ones(rows, np.int64),
        np.zeros(rows, np.int32),
        np.zeros(rows, np.int64),
        np.zeros(rows, np.int64),
        np.zeros(columns, np.int64),
        np.full(columns, -1, np.int64),
        np.array([88172645463325252], np.uint64),
    )
    _begin(problem, state)
    done = 0
    while done < most_moves and not watch.over and cost_of(problem, best) > bound:
        _walk(problem, state, done, min(_MOVES, most_moves - done), bound)
        done += _MOVES
        watch.tell(f"set covering: {cost_of(problem, best):g}, at least {bound:.1f}")
    return best


class _State(NamedTuple):
    """Where the local search stands."""

    inside: Flags
    """The columns in the plan at hand."""
    best: Flags
    weight: NDArray[np.int64]
    """Of each row."""
    times: Ints
    """How many columns inside cover each row."""
    total: NDArray[np.int64]
    """Sum of the numbers of these columns: where there is one, the column."""
    changed: NDArray[np.int64]
    """When the columns inside that cover each row last changed."""
    score: NDArray[np.int64]
    """Weight that a column would cover (outside) or uncover (inside) if it moved."""
    moved: NDArray[np.int64]
    """When each column last moved; -1: never."""
    random: NDArray[np.uint64]


@compiled
def _begin(problem: Covering, state: _State) -> None:
    """Count how often rows are covered, and score the columns."""
    count(problem, state.inside, state.times)
    for j in range(len(problem.cost)):
        for t in range(problem.column[j], problem.column[j + 1]):
            i = problem.row_of[t]
            if state.inside[j]:
                state.total[i] += j
            if state.times[i] == (1 if state.inside[j] else 0):
                state.score[j] += state.weight[i]


@compiled
def _enter(j: int, now: int, problem: Covering, state: _State) -> None:
    """Put a column into the plan."""
    state.inside[j] = True
    state.moved[j] = now
    for t in range(problem.column[j], problem.column[j + 1]):
        i = problem.row_of[t]
        state.changed[i] = now
        state.times[i] += 1
        if state.times[i] == 1:
            for s in range(problem.row[i], problem.row[i + 1]):
                state.score[problem.column_of[s]] -= state.weight[i]
            state.score[j] += state.weight[i]
        elif state.times[i] == 2:
            state.score[state.total[i]] -= state.weight[i]
        state.total[i] += j


@compiled
def _leave(j: int, now: int, problem: Covering, state: _State) -> None:
    """Take a column out of the plan."""
    state.inside[j] = False
    state.moved[j] = now
    for t in range(problem.column[j], problem.column[j + 1]):
        i = problem.row_of[t]
        state.changed[i] = now
        state.times[i] -= 1
        state.total[i] -= j
        if state.times[i] == 0:
            for s in range(problem.row[i], problem.row[i + 1]):
                state.score[problem.column_of[s]] += state.weight[i]
            state.score[j] -= state.weight[i]
        elif state.times[i] == 1:
            state.score[state.total[i]] += state.weight[i]


@compiled
def _may_enter(j: int, problem: Covering, state: _State) -> bool:
    """Return whether something beside a column changed since it left."""
    moved = state.moved[j]
    for t in range(problem.column[j], problem.column[j + 1]):
        if state.changed[problem.row_of[t]] > moved:
            return True
    return False


@compiled
def _walk(  # noqa: C901, PLR0912, PLR0915
    problem: Covering, state: _State, now: int, moves: int, bound: float
) -> None:
    rows = len(problem.row) - 1
    open_rows = np.empty(rows, np.int32)
    place = np.full(rows, -1, np.int32)
    members = np.empty(len(problem.cost), np.int32)
    spot = np.full(len(problem.cost), -1, np.int32)
    opened, size, total = 0, 0, 0.0
    cheapest = problem.cost[state.best].sum()
    for i in range(rows):
        if state.times[i] == 0:
            place[i] = opened
            open_rows[opened] = i
            opened += 1
    for j in range(len(problem.cost)):
        if state.inside[j]:
            spot[j] = size
            members[size] = j
            size += 1
            total += problem.cost[j]
    last = -1
    for move in range(now + 1, now + moves + 1):
        if opened == 0 and total < cheapest:
            cheapest = total
            state.best[:] = state.inside
            if cheapest <= bound:
                return
        leaving = _least_missed(members, size, problem, state, last)
        if leaving < 0:
            return
        total -= problem.cost[leaving]
        size -= 1
        members[spot[leaving]] = members[size]
        spot[members[size]] = spot[leaving]
        spot[leaving] = -1
        _leave(leaving, 2 * move, problem, state)
        for t in range(problem.column[leaving], problem.column[leaving + 1]):
            i = problem.row_of[t]
            if state.times[i] == 0:
                place[i] = opened
                open_rows[opened] = i
                opened += 1
        if opened == 0 or total >= cheapest:
            continue
        while opened > 0:
            state.random[0] ^= state.random[0] << np.uint64(13)
            state.random[0] ^= state.random[0] >> np.uint64(7)
            state.random[0] ^= state.random[0] << np.uint64(17)
            i = open_rows[np.int64(state.random[0] % np.uint64(opened))]
            entering = _most_gained(i, problem, state)
            if total + problem.cost[entering] >= cheapest:
                break
            _enter(entering, 2 * move + 1, problem, state)
            total += problem.cost[entering]
            members[size] = entering
            spot[entering] = size
            size += 1
            last = entering
            for t in range(problem.column[entering], problem.column[entering + 1]):
                i = problem.row_of[t]
                if state.times[i] == 1:
                    opened -= 1
                    open_rows[place[i]] = open_rows[opened]
                    place[open_rows[opened]] = place[i]
                    place[i] = -1
        for a in range(opened):
            i = open_rows[a]
            state.weight[i] += 1
            for s in range(problem.row[i], problem.row[i + 1]):
                state.score[problem.column_of[s]] += 1


@compiled
def _least_missed(members: Ints, size: int, problem: Covering, state: _State, last: int) -> int:
    """Return the column inside that covers least alone for its cost; of equals, the oldest."""
    score, cost, moved = state.score, problem.cost, state.moved
    pick, least, price, since = -1, 0.0, 1.0, 0
    for a in range(size):
        j = members[a]
        here, there = score[j] * price, least * cost[j]
        if (pick < 0 or here < there or (here == there and moved[j] < since)) and j != last:
            pick, least, price, since = j, float(score[j]), cost[j], moved[j]
    return pick


@compiled
def _most_gained(i: int, problem: Covering, state: _State) -> int:
    """Return the column that covers most for its cost; of equals, the oldest; free ones first."""
    score, cost, moved = state.score, problem.cost, state.moved
    pick, free, most, price, since = -1, False, 0.0, 1.0, 0
    for t in range(problem.row[i], problem.row[i + 1]):
        j = problem.column_of[t]
        here, there = score[j] * price, most * cost[j]
        better = here > there or (here == there and moved[j] < since)
        if free and not better:
            continue
        may = _may_enter(j, problem, state)
        if pick < 0 or (may and not free) or (may == free and better):
            pick, free, most, price, since = j, may, float(score[j]), cost[j], moved[j]
    return pick
