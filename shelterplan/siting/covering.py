"""The cheapest sites that cover everybody, or whether a budget is enough for any."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from shelterplan.siting.highs import Model, solve
from shelterplan.siting.problem import is_whole
from shelterplan.siting.reduce import merge_rows, needed_rows, undominated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.problem import Sparse
    from shelterplan.siting.watch import Watch

_SAFE = 1e-6


class Cover(NamedTuple):
    """What is known of covering everybody within a budget."""

    sites: NDArray[np.int64] | None
    """Sites that do, ascending; None: none were found."""
    least: float
    """No sites that do cost less; `inf` if somebody is covered by none."""


def covered_within(cover: Sparse, price: NDArray[np.float64], budget: float, watch: Watch) -> Cover:
    """Look for sites that cover every row and cost no more than a budget.

    Location set covering (Toregas et al. 1971): least of the prices of the open sites, at least one
    of which covers each row. It ends with the first sites within the budget, or when it is proven
    that there are none.

    Examples
    --------
    >>> from shelterplan.siting.watch import Watch
    >>> cover = sparse.csr_array([[1.0, 1, 0], [0, 1, 1], [0, 0, 1]])
    >>> covered_within(cover, np.ones(3), 2, Watch(10.0))
    Cover(sites=array([0, 2]), least=0.0)
    >>> covered_within(cover, np.ones(3), 1, Watch(10.0))
    Cover(sites=None, least=2.0)
    """
    if (np.diff(cover.indptr) == 0).any():
        return Cover(None, np.inf)
    if cover.shape[0] == 0:
        return Cover(np.zeros(0, np.int64), 0.0)
    rest, number = _reduced(cover, price)
    cost = price[number]
    found = _greedy(rest, cost)
    if cost[found].sum() <= budget + _SAFE:
        return Cover(np.sort(number[found]), 0.0)
    whole = is_whole(price)
    least = _relaxed(rest, cost, watch)
    least = np.ceil(least - _SAFE) if whole else least
    if least > budget + _SAFE:
        return Cover(None, float(least))
    chosen, infeasible = _searched(rest, cost, budget, watch)
    if infeasible:
        least = np.floor(budget) + 1 if whole else np.nextafter(budget, np.inf)
    return Cover(None if chosen is None else np.sort(number[chosen]), float(least))


def _searched(
    cover: Sparse, price: NDArray[np.float64], budget: float, watch: Watch
) -> tuple[NDArray[np.int64] | None, bool]:
    """Return sites within the budget, and whether it is proven that there are none."""
    solved = solve(_model(cover, price, budget), watch)
    if solved.values is None:
        return None, solved.infeasible
    chosen = np.flatnonzero(solved.values[: len(price)] > 0.5)
    covered = (np.asarray(cover[:, chosen].sum(axis=1)) > 0).all()
    return (chosen if covered else None), False


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


def _greedy(cover: Sparse, price: NDArray[np.float64]) -> NDArray[np.int64]:
    """Take the site that covers most new rows for its price, then those that turn out idle away."""
    columns = sparse.csc_array(cover)
    waiting = np.ones(cover.shape[0])
    found: list[int] = []
    while waiting.any():
        site = int(np.argmax((columns.T @ waiting) / np.maximum(price, 1e-12)))
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


def _model(cover: Sparse, price: NDArray[np.float64], budget: float) -> Model:
    """Ask for any sites within the budget: most models then end at the first ones."""
    rows, sites = cover.shape
    return Model(
        objective=np.zeros(sites),
        rows=sparse.csr_array(sparse.vstack([cover, sparse.csr_array(price[None, :])])),
        row_lower=np.append(np.ones(rows), -np.inf),
        row_upper=np.append(np.full(rows, np.inf), budget),
        column_lower=np.zeros(sites),
        column_upper=np.ones(sites),
        whole=np.ones(sites, bool),
        sense="least",
    )
