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
_FREE = 1e-9
"""What a column that costs nothing counts as."""


def search(
    problem: Covering,
    chosen: Flags,
    bound: float,
    watch: Watch,
    *,
    most_moves: int,
    weight: NDArray[np.int64] | None = None,
) -> Flags:
    """Return a plan that is at least as cheap, by local search with weights of rows.

    Columns leave and enter one by one; a row that stays open gains weight, so that the search does
    not come back to where it was (row weighting, Gao, Weise and Li 2015, with cost for each weight
    gained in place of weight alone). It ends at the bound, the moves or the time. `weight`, shape
    (rows,), is what rows weigh to begin with, 1 if not given; it is changed, so that another search
    can go on with what this one learned.
    """
    inside = chosen.copy()
    best = chosen.copy()
    rows, columns = len(problem.row) - 1, len(problem.column) - 1
    state = _State(
        inside,
        best,
        np.ones(rows, np.int64) if weight is None else weight,
        np.zeros(rows, np.int32),
        np.zeros(rows, np.int64),
        np.zeros(rows, np.int64),
        np.zeros(columns, np.int64),
        np.full(columns, -1, np.int64),
        np.array([88172645463325252], np.uint64),
        np.empty(columns, np.int32),
        np.full(columns, -1, np.int32),
        np.empty(columns),
        1 / np.maximum(problem.cost, _FREE),
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
    members: Ints
    """The columns in the plan at hand, in any order, and something beyond them."""
    spot: Ints
    """Where each column stands in `members`; -1: outside."""
    missed: Floats
    """Score for its cost of the column at each place of `members`."""
    rate: Floats
    """One by the cost of each column."""


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
def _enter(
    j: int,
    now: int,
    row: Ints,
    column_of: Ints,
    column: Ints,
    row_of: Ints,
    weight: NDArray[np.int64],
    times: Ints,
    total: NDArray[np.int64],
    changed: NDArray[np.int64],
    score: NDArray[np.int64],
    moved: NDArray[np.int64],
    missed: Floats,
    spot: Ints,
    rate: Floats,
) -> None:
    """Put a column into the plan."""
    moved[j] = now
    for t in range(column[j], column[j + 1]):
        i = row_of[t]
        changed[i] = now
        times[i] += 1
        if times[i] == 1:
            for s in range(row[i], row[i + 1]):
                score[column_of[s]] -= weight[i]
            score[j] += weight[i]
        elif times[i] == 2:
            other = total[i]
            score[other] -= weight[i]
            missed[spot[other]] = score[other] * rate[other]
        total[i] += j
    missed[spot[j]] = score[j] * rate[j]


@compiled
def _leave(
    j: int,
    now: int,
    row: Ints,
    column_of: Ints,
    column: Ints,
    row_of: Ints,
    weight: NDArray[np.int64],
    times: Ints,
    total: NDArray[np.int64],
    changed: NDArray[np.int64],
    score: NDArray[np.int64],
    moved: NDArray[np.int64],
    missed: Floats,
    spot: Ints,
    rate: Floats,
) -> None:
    """Take a column out of the plan."""
    moved[j] = now
    for t in range(column[j], column[j + 1]):
        i = row_of[t]
        changed[i] = now
        times[i] -= 1
        total[i] -= j
        if times[i] == 0:
            for s in range(row[i], row[i + 1]):
                score[column_of[s]] += weight[i]
            score[j] -= weight[i]
        elif times[i] == 1:
            other = total[i]
            score[other] += weight[i]
            missed[spot[other]] = score[other] * rate[other]


@compiled
def _may_enter(
    j: int, column: Ints, row_of: Ints, changed: NDArray[np.int64], moved: NDArray[np.int64]
) -> bool:
    """Return whether something beside a column changed since it left."""
    since = moved[j]
    for t in range(column[j], column[j + 1]):  # noqa: SIM110
        if changed[row_of[t]] > since:
            return True
    return False


@compiled
def _walk(  # noqa: C901, PLR0912, PLR0915
    problem: Covering, state: _State, now: int, moves: int, bound: float
) -> None:
    row, column_of, column, row_of, cost = problem
    inside, best, weight, times, total_of, changed, score, moved, random = state[:9]
    members, spot, missed, rate = state[9:]
    rows = len(row) - 1
    open_rows = np.empty(rows, np.int32)
    place = np.full(rows, -1, np.int32)
    opened, size, total = 0, 0, 0.0
    cheapest = cost[best].sum()
    for i in range(rows):
        if times[i] == 0:
            place[i] = opened
            open_rows[opened] = i
            opened += 1
    for j in range(len(cost)):
        if inside[j]:
            spot[j] = size
            members[size] = j
            missed[size] = score[j] * rate[j]
            size += 1
            total += cost[j]
    last = -1
    for move in range(now + 1, now + moves + 1):
        if opened == 0 and total < cheapest:
            cheapest = total
            best[:] = inside
            if cheapest <= bound:
                return
        leaving = _least_missed(size, members, missed, moved, last)
        if leaving < 0:
            return
        total -= cost[leaving]
        inside[leaving] = False
        _leave(
            leaving,
            2 * move,
            row,
            column_of,
            column,
            row_of,
            weight,
            times,
            total_of,
            changed,
            score,
            moved,
            missed,
            spot,
            rate,
        )
        size -= 1
        members[spot[leaving]] = members[size]
        missed[spot[leaving]] = missed[size]
        spot[members[size]] = spot[leaving]
        spot[leaving] = -1
        for t in range(column[leaving], column[leaving + 1]):
            i = row_of[t]
            if times[i] == 0:
                place[i] = opened
                open_rows[opened] = i
                opened += 1
        if opened == 0 or total >= cheapest:
            continue
        while opened > 0:
            random[0] ^= random[0] << np.uint64(13)
            random[0] ^= random[0] >> np.uint64(7)
            random[0] ^= random[0] << np.uint64(17)
            i = open_rows[np.int64(random[0] % np.uint64(opened))]
            entering = _most_gained(i, row, column_of, column, row_of, cost, changed, score, moved)
            if total + cost[entering] >= cheapest:
                break
            members[size] = entering
            spot[entering] = size
            size += 1
            inside[entering] = True
            _enter(
                entering,
                2 * move + 1,
                row,
                column_of,
                column,
                row_of,
                weight,
                times,
                total_of,
                changed,
                score,
                moved,
                missed,
                spot,
                rate,
            )
            total += cost[entering]
            last = entering
            for t in range(column[entering], column[entering + 1]):
                i = row_of[t]
                if times[i] == 1:
                    opened -= 1
                    open_rows[place[i]] = open_rows[opened]
                    place[open_rows[opened]] = place[i]
                    place[i] = -1
        for a in range(opened):
            i = open_rows[a]
            weight[i] += 1
            for s in range(row[i], row[i + 1]):
                score[column_of[s]] += 1


@compiled
def _least_missed(
    size: int, members: Ints, missed: Floats, moved: NDArray[np.int64], last: int
) -> int:
    """Return the column inside that covers least alone for its cost; of equals, the oldest."""
    pick, least, since = -1, np.inf, 0
    for a in range(size):
        if missed[a] > least:
            continue
        j = members[a]
        if j != last and (missed[a] < least or moved[j] < since):
            pick, least, since = j, missed[a], moved[j]
    return pick


@compiled
def _most_gained(
    i: int,
    row: Ints,
    column_of: Ints,
    column: Ints,
    row_of: Ints,
    cost: Floats,
    changed: NDArray[np.int64],
    score: NDArray[np.int64],
    moved: NDArray[np.int64],
) -> int:
    """Return the column that covers most for its cost; of equals, the oldest; free ones first."""
    pick, free, most, price, since = -1, False, 0.0, 1.0, 0
    for t in range(row[i], row[i + 1]):
        j = column_of[t]
        here, there = score[j] * price, most * cost[j]
        better = here > there or (here == there and moved[j] < since)
        if free and not better:
            continue
        may = _may_enter(j, column, row_of, changed, moved)
        if pick < 0 or (may and not free) or (may == free and better):
            pick, free, most, price, since = j, may, float(score[j]), cost[j], moved[j]
    return pick
