"""Prices of demand points, a bound from them, and cheap plans that cover everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from shelterplan.kernels.common import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.problem import Sparse
    from shelterplan.siting.watch import Watch

    Ints = NDArray[np.int32]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

_SLICE = 60
"""Steps of the subgradient method between two plans made from the prices."""
_HALVE_AFTER = 20
"""Steps without a better bound before steps become half as long."""
_MOST_SLICES = 40
_PATIENCE = 4
"""Slices without a better bound by `_PROGRESS` before the prices are taken as final."""
_PROGRESS = 1e-4


class Covering(NamedTuple):
    """A set covering problem: which columns cover each row, and the other way round."""

    row: Ints
    """Columns of row `i` stand at `row[i]` to `row[i + 1]` of `column_of`."""
    column_of: Ints
    column: Ints
    """Rows of column `j` stand at `column[j]` to `column[j + 1]` of `row_of`."""
    row_of: Ints
    cost: Floats

    @classmethod
    def of(cls, cover: Sparse, cost: Floats) -> Covering:
        """Return the problem of a sparse matrix, shape (rows, columns)."""
        columns = sparse.csc_array(cover)
        columns.sort_indices()
        return cls(
            cover.indptr.astype(np.int32),
            cover.indices.astype(np.int32),
            columns.indptr.astype(np.int32),
            columns.indices.astype(np.int32),
            np.asarray(cost, float),
        )


class Priced(NamedTuple):
    """What the Lagrangian relaxation found."""

    chosen: Flags
    """The cheapest plan made from prices, shape (columns,)."""
    bound: float
    """No plan costs less."""
    reduced: Floats
    """Cost of each column less the prices of its rows, at the best bound, shape (columns,)."""


def priced(problem: Covering, chosen: Flags, watch: Watch) -> Priced:
    """Return a plan and a bound from the Lagrangian relaxation.

    Each row has a price u >= 0; a column is worth taking where its cost is below the prices of its
    rows. For any prices, sum(u) + sum(min(0, cost - prices)) is no more than any plan costs. Prices
    follow a subgradient; now and then a greedy choice by reduced cost for each row still open, then
    pruned, makes a plan of them (Caprara, Fischetti and Toth 1999).
    """
    price = _first_prices(problem)
    best_price, bound, step, idle = price, -np.inf, 1.0, 0
    smooth = np.zeros(len(problem.row) - 1)
    for _ in range(_MOST_SLICES):
        upper = cost_of(problem, chosen)
        before = bound
        price, best_price, bound, step = _subgradient(
            problem, price, best_price, bound, upper, step, smooth, _SLICE
        )
        for u in (price, best_price):
            plan = greedy(problem, u)
            if cost_of(problem, plan) < upper:
                chosen, upper = plan, cost_of(problem, plan)
        watch.tell(f"set covering: {upper:g}, at least {bound:.1f}")
        idle = idle + 1 if bound - before < _PROGRESS * abs(bound) else 0
        if watch.over or idle >= _PATIENCE or upper - bound < 1e-9 * upper:
            break
    return Priced(chosen, bound, _reduced(problem, best_price))


def greedy(problem: Covering, price: Floats) -> Flags:
    """Return a plan made by taking, again and again, the column that is cheapest at these prices.

    Examples
    --------
    >>> cover = sparse.csr_array([[1.0, 0, 1], [1, 0, 0], [0, 1, 1]])
    >>> problem = Covering.of(cover, np.array([2.0, 1.0, 4.0]))
    >>> greedy(problem, np.zeros(3)).tolist()
    [True, True, False]
    """
    chosen, times = _greedy(problem, price)
    _prune(problem, chosen, times, _dearest_first(problem, chosen))
    found: Flags = chosen
    return found


def pruned(problem: Covering, chosen: Flags) -> Flags:
    """Return a plan without the columns that it does not need, the dearest left out first."""
    left = chosen.copy()
    times = np.zeros(len(problem.row) - 1, np.int32)
    count(problem, left, times)
    _prune(problem, left, times, _dearest_first(problem, left))
    return left


def _dearest_first(problem: Covering, chosen: Flags) -> NDArray[np.int64]:
    """Return the chosen columns, the dearest first, of equally dear ones the smallest."""
    inside = np.flatnonzero(chosen)
    size = np.diff(problem.column)[inside]
    order: NDArray[np.int64] = inside[np.lexsort((size, -problem.cost[inside]))]
    return order


def cost_of(problem: Covering, chosen: Flags) -> float:
    """Return what the chosen columns cost together."""
    return float(problem.cost[chosen].sum())


@compiled
def _first_prices(problem: Covering) -> Floats:
    price = np.full(len(problem.row) - 1, np.inf)
    for i in range(len(problem.row) - 1):
        for t in range(problem.row[i], problem.row[i + 1]):
            j = problem.column_of[t]
            price[i] = min(price[i], problem.cost[j] / (problem.column[j + 1] - problem.column[j]))
    return price


@compiled
def _reduced(problem: Covering, price: Floats) -> Floats:
    reduced = problem.cost.copy()
    for j in range(len(problem.cost)):
        for t in range(problem.column[j], problem.column[j + 1]):
            reduced[j] -= price[problem.row_of[t]]
    return reduced


@compiled
def _subgradient(
    problem: Covering,
    price: Floats,
    best_price: Floats,
    bound: float,
    upper: float,
    step: float,
    smooth: Floats,
    steps: int,
) -> tuple[Floats, Floats, float, float]:
    """Follow a subgradient; `smooth` is its running mean and is kept between calls."""
    price, best_price, since = price.copy(), best_price.copy(), 0
    rows = len(problem.row) - 1
    for _ in range(steps):
        reduced = _reduced(problem, price)
        value = price.sum() + np.minimum(reduced, 0.0).sum()
        since += 1
        if value > bound:
            since = 0 if value > bound + 1e-5 * abs(bound) else since
            bound = value
            best_price[:] = price
        elif since >= _HALVE_AFTER:
            step, since = step / 2, 0
            price[:] = best_price
            smooth[:] = 0.0
            continue
        squares = 0.0
        for i in range(rows):
            open_ = 1.0
            for t in range(problem.row[i], problem.row[i + 1]):
                open_ -= reduced[problem.column_of[t]] < 0
            if price[i] == 0 and open_ < 0:
                open_ = 0.0
            smooth[i] = open_ + 0.7 * smooth[i]
            squares += smooth[i] * smooth[i]
        if squares == 0:
            break
        length = step * (max(upper, bound * 1.0001) - value) / squares
        for i in range(rows):
            price[i] = max(0.0, price[i] + length * smooth[i])
    return price, best_price, bound, step


@compiled
def _greedy(problem: Covering, price: Floats) -> tuple[Flags, Ints]:
    """Return a plan and how many of its columns cover each row."""
    rows, columns = len(problem.row) - 1, len(problem.column) - 1
    chosen = np.zeros(columns, np.bool_)
    times = np.zeros(rows, np.int32)
    gain = problem.column[1:] - problem.column[:-1]
    reduced = _reduced(problem, price)
    left = rows
    while left > 0:
        pick, lowest = -1, np.inf
        for j in range(columns):
            if gain[j] > 0:
                value = reduced[j] / gain[j] if reduced[j] > 0 else reduced[j] * gain[j]
                if value < lowest:
                    pick, lowest = j, value
        if pick < 0:
            break
        chosen[pick] = True
        for t in range(problem.column[pick], problem.column[pick + 1]):
            i = problem.row_of[t]
            times[i] += 1
            if times[i] == 1:
                left -= 1
                for s in range(problem.row[i], problem.row[i + 1]):
                    gain[problem.column_of[s]] -= 1
                    reduced[problem.column_of[s]] += price[i]
    return chosen, times


@compiled
def count(problem: Covering, chosen: Flags, times: Ints) -> None:
    """Count how many chosen columns cover each row."""
    for j in np.flatnonzero(chosen):
        for t in range(problem.column[j], problem.column[j + 1]):
            times[problem.row_of[t]] += 1


@compiled
def _prune(problem: Covering, chosen: Flags, times: Ints, order: NDArray[np.int64]) -> None:
    """Leave out columns whose rows are all covered twice, in the given order."""
    for j in order:
        needless = True
        for t in range(problem.column[j], problem.column[j + 1]):
            if times[problem.row_of[t]] < 2:
                needless = False
                break
        if needless:
            chosen[j] = False
            for t in range(problem.column[j], problem.column[j + 1]):
                times[problem.row_of[t]] -= 1
