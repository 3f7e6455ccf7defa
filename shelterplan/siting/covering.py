"""The cheapest sites that cover everybody, or whether limits allow for any."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from shelterplan.siting.highs import Model, solve
from shelterplan.siting.problem import is_whole
from shelterplan.siting.reduce import merge_rows, needed_rows, undominated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.problem import Choice, Sparse
    from shelterplan.siting.watch import Watch

_SAFE = 1e-6
_WHOLE = 2**50
"""Whole numbers below it can be counted with."""
_ROUNDED = 1e-9
"""Share of a budget that sums of prices may pass through rounding."""


class Purse(NamedTuple):
    """What may be opened: prices in units in which HiGHS' tolerances do no harm.

    A limit that cannot be passed is left out, and only one of two is left where one is enough.
    """

    price: NDArray[np.float64]
    """What opening each site uses up of the budget; 0 of fixed ones, shape (sites,)."""
    budget: float
    number: NDArray[np.float64]
    """What opening each site uses up of `most`: 0 of fixed ones, 1 of others, shape (sites,)."""
    most: float
    """Most sites that may be added; `inf`: the budget alone counts."""
    able: NDArray[np.bool_]
    """Sites that are fixed or for which the limits are enough, shape (sites,)."""

    @classmethod
    def of(cls, choice: Choice) -> Purse:
        """Return the limits of a choice.

        Prices are divided by the budget, or, if all are whole, by what divides them all.

        Examples
        --------
        >>> from shelterplan.siting.problem import Choice
        >>> purse = Purse.of(Choice.of(3, 1, budget=5.0, costs=[2, 4, 5]))
        >>> purse.price.tolist(), purse.budget, purse.most
        ([0.4, 0.8, 1.0], 1.0, 1.0)
        >>> Purse.of(Choice.of(3, budget=7.0, costs=[2, 4, 6])).budget
        3.0
        """
        sites = len(choice.fixed) + len(choice.free)
        number, price = np.zeros(sites), np.zeros(sites)
        number[choice.free] = 1.0
        able = np.ones(sites, bool)
        count = len(choice.free) if choice.count is None else choice.count
        if choice.costs is None:
            return cls(number, float(count), number, np.inf, able & (number <= count))
        price[choice.free] = choice.costs[choice.free]
        able = (price <= choice.budget * (1 + _ROUNDED)) & (number <= count)
        affordable = able & (number > 0)
        if price[affordable].sum() <= choice.budget * (1 + _ROUNDED):
            return cls(number, float(min(count, affordable.sum())), number, np.inf, able)
        price = np.where(able, price, 0.0)
        if count < affordable.sum():
            return cls(price / choice.budget, 1.0, number, float(count), able)
        if is_whole(price) and price.max() < _WHOLE:
            unit = float(np.gcd.reduce(np.unique(price).astype(np.int64)))
            budget = float(np.floor(choice.budget * (1 + _ROUNDED) / unit))
            return cls(price / unit, budget, number, np.inf, able)
        return cls(price / choice.budget, 1.0, number, np.inf, able)

    @property
    def given(self) -> NDArray[np.bool_]:
        """Sites that use up nothing, shape (sites,)."""
        free = (self.number == 0) | (self.most == np.inf)
        found: NDArray[np.bool_] = self.able & (self.price == 0) & free
        return found

    @property
    def limit(self) -> float:
        """Most that prices may sum up to."""
        return self.budget * (1 + _ROUNDED)

    def part(self, sites: NDArray[np.int64]) -> Purse:
        """Return the limits of some of the sites."""
        return self._replace(
            price=self.price[sites], number=self.number[sites], able=self.able[sites]
        )

    def allows(self, sites: NDArray[np.int64] | NDArray[np.bool_]) -> bool:
        """Return whether these sites may be open together."""
        return bool(
            self.price[sites].sum() <= self.limit
            and self.number[sites].sum() <= self.most
            and self.able[sites].all()
        )

    def rows(self) -> tuple[Sparse, NDArray[np.float64]]:
        """Return the limits as rows of a model, shape (limits, sites), and their upper ends."""
        rows, upper = [self.price], [self.budget]
        if self.most < np.inf:
            rows, upper = [*rows, self.number], [*upper, self.most]
        return sparse.csr_array(np.array(rows)), np.array(upper)


class Cover(NamedTuple):
    """What is known of covering everybody within limits."""

    sites: NDArray[np.int64] | None
    """Sites that do, ascending; None: none were found."""
    least: float
    """No sites that do cost less, in the purse's units."""
    none: bool
    """Whether it is proven that no sites do within the limits."""


def covered_within(cover: Sparse, purse: Purse, watch: Watch) -> Cover:
    """Look for sites that cover every row and are within the limits.

    Location set covering (Toregas et al. 1971): least of the prices of the open sites, at least one
    of which covers each row. It ends with the first sites within the limits, or when it is proven
    that there are none. A greedy choice is tried even if no time is left.

    Examples
    --------
    >>> from shelterplan.siting.problem import Choice
    >>> from shelterplan.siting.watch import Watch
    >>> cover = sparse.csr_array([[1.0, 1, 0], [0, 1, 1], [0, 0, 1]])
    >>> covered_within(cover, Purse.of(Choice.of(3, 2)), Watch(10.0))
    Cover(sites=array([0, 2]), least=0.0, none=False)
    >>> covered_within(cover, Purse.of(Choice.of(3, 1)), Watch(10.0))
    Cover(sites=None, least=2.0, none=True)
    """
    able = np.flatnonzero(purse.able)
    cover = sparse.csr_array(cover[:, able])
    if (np.diff(cover.indptr) == 0).any():
        return Cover(None, np.inf, none=True)
    if cover.shape[0] == 0:
        return Cover(np.zeros(0, np.int64), 0.0, none=False)
    rest, number = _reduced(cover, purse.price[able])
    number = able[number]
    own = purse.part(number)
    for price in (own.price, own.number):
        found = _greedy(rest, price, own.price)
        if own.allows(found):
            return Cover(np.sort(number[found]), 0.0, none=False)
    if watch.over:
        return Cover(None, 0.0, none=False)
    least = _least(rest, own.price, watch)
    fewest = _least(rest, own.number, watch) if own.most < np.inf else 0.0
    if least > own.budget * (1 + _SAFE) or fewest > own.most:
        return Cover(None, float(least), none=True)
    chosen, infeasible = _searched(rest, own, watch)
    if infeasible and is_whole(own.price):
        least = np.floor(own.budget) + 1
    return Cover(None if chosen is None else np.sort(number[chosen]), float(least), none=infeasible)


def _least(cover: Sparse, price: NDArray[np.float64], watch: Watch) -> float:
    """Return what covering costs at least, rounded up where prices are whole."""
    least = _relaxed(cover, price, watch)
    return float(np.ceil(least - _SAFE * max(1.0, least))) if is_whole(price) else least


def _searched(cover: Sparse, purse: Purse, watch: Watch) -> tuple[NDArray[np.int64] | None, bool]:
    """Return sites within the limits, and whether it is proven that there are none."""
    solved = solve(_model(cover, purse), watch)
    if solved.values is None:
        return None, solved.infeasible
    chosen = np.flatnonzero(solved.values[: cover.shape[1]] > 0.5)
    covered = (np.asarray(cover[:, chosen].sum(axis=1)) > 0).all()
    return (chosen if covered and purse.allows(chosen) else None), False


def one_more_of(model: Model, sites: NDArray[np.int64]) -> Model:
    """Return the model with one more row: at least one of these columns is 1."""
    row = sparse.csr_array(
        (np.ones(len(sites)), (np.zeros(len(sites), np.int64), sites)),
        shape=(1, model.rows.shape[1]),
    )
    return replace(
        model,
        rows=sparse.csr_array(sparse.vstack([model.rows, row])),
        row_lower=np.append(model.row_lower, 1.0),
        row_upper=np.append(model.row_upper, np.inf),
    )


def _reduced(cover: Sparse, price: NDArray[np.float64]) -> tuple[Sparse, NDArray[np.int64]]:
    """Leave out rows and sites that do not matter, until nothing changes."""
    number = np.arange(cover.shape[1])
    rest = merge_rows(cover, np.ones(cover.shape[0])).cover
    while True:
        size = rest.shape
        rest = sparse.csr_array(rest[needed_rows(rest)])
        kept = undominated(rest, price[number])
        rest, number = sparse.csr_array(rest[:, kept]), number[kept]
        if rest.shape == size:
            rest.sort_indices()
            return rest, number


def _greedy(
    cover: Sparse, worth: NDArray[np.float64], price: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Take the site that covers most new rows for its worth, then those that turn out idle away.

    Dear ones are taken away first.
    """
    columns = sparse.csc_array(cover)
    waiting = np.ones(cover.shape[0])
    found: list[int] = []
    while waiting.any():
        site = int(np.argmax((columns.T @ waiting) / np.maximum(worth, 1e-12)))
        found.append(site)
        waiting[columns.indices[columns.indptr[site] : columns.indptr[site + 1]]] = 0
    times: NDArray[np.float64] = np.asarray(columns[:, found].sum(axis=1)).ravel()
    for site in sorted(found, key=lambda j: -price[j]):
        rows = columns.indices[columns.indptr[site] : columns.indptr[site + 1]]
        if (times[rows] > 1).all():
            times[rows] -= 1
            found.remove(site)
    return np.array(found, np.int64)


def _relaxed(cover: Sparse, price: NDArray[np.float64], watch: Watch) -> float:
    """Return the bound of the linear relaxation, from its duals alone."""
    rows, sites = cover.shape
    solved = solve(
        Model(
            objective=price,
            rows=cover,
            row_lower=np.ones(rows),
            row_upper=np.full(rows, np.inf),
            column_lower=np.zeros(sites),
            column_upper=np.ones(sites),
            whole=np.zeros(sites, bool),
            sense="least",
        ),
        watch,
    )
    if not solved.optimal or len(solved.row_duals) != rows:
        return 0.0
    dual = np.maximum(solved.row_duals, 0.0)
    return float(dual.sum() + np.minimum(price - cover.T @ dual, 0.0).sum())


def _model(cover: Sparse, purse: Purse) -> Model:
    """Ask for any sites within the limits: most models then end at the first ones."""
    rows, sites = cover.shape
    limits, upper = purse.rows()
    return Model(
        objective=np.zeros(sites),
        rows=sparse.csr_array(sparse.vstack([cover, limits])),
        row_lower=np.append(np.ones(rows), np.full(len(upper), -np.inf)),
        row_upper=np.append(np.full(rows, np.inf), upper),
        column_lower=np.zeros(sites),
        column_upper=np.ones(sites),
        whole=np.ones(sites, bool),
        sense="least",
    )
