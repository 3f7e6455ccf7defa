"""Good plans for maximal covering: greedy choice, then swaps with a short memory (tabu search)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from shelterplan.kernels.common import compiled
from shelterplan.siting.cover_tabu import LOOKED_AT, gains, tabu_search

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.problem import Sparse

    Ints = NDArray[np.int32]
    Floats = NDArray[np.float64]
    Columns = NDArray[np.int64]

SLACK = 1e-9
"""Sums of costs that exceed the budget by no more than this share of it are rounding."""


class Cover(NamedTuple):
    """A cover matrix by site and by demand point: what the compiled loops read."""

    start: Ints
    """Where each site's points begin in `point_of`, shape (sites + 1,)."""
    point_of: Ints
    point_start: Ints
    """Where each point's sites begin in `site_of`, shape (demand + 1,)."""
    site_of: Ints
    weights: Floats
    """Shape (demand,)."""

    @classmethod
    def of(cls, cover: Sparse, weights: Floats) -> Cover:
        """Return a sparse matrix of (demand, sites) both ways."""
        rows = sparse.csr_array(cover)
        columns = sparse.csc_array(cover)
        return cls(
            start=columns.indptr.astype(np.int32),
            point_of=columns.indices.astype(np.int32),
            point_start=rows.indptr.astype(np.int32),
            site_of=rows.indices.astype(np.int32),
            weights=np.ascontiguousarray(weights, float),
        )

    @property
    def sites(self) -> int:
        """Number of sites."""
        return len(self.start) - 1

    @property
    def entries(self) -> int:
        """Number of pairs of a site and a point that it covers."""
        return len(self.point_of)


class Limits(NamedTuple):
    """What may be chosen together."""

    most: int
    """Most sites."""
    costs: Floats
    """Cost of each site, shape (sites,)."""
    budget: float
    """Most that they may cost together, rounding allowed for; `inf`: any sum."""

    @classmethod
    def of(cls, sites: int, count: int | None, costs: Floats | None, budget: float) -> Limits:
        """Return limits in which no number of sites and no costs are possible, too."""
        return cls(
            most=sites if count is None else min(count, sites),
            costs=np.ones(sites) if costs is None else costs,
            budget=budget * (1 + SLACK) if np.isfinite(budget) else np.inf,
        )

    def allow(self, columns: Columns) -> bool:
        """Return whether sites may be chosen together."""
        return len(columns) <= self.most and float(self.costs[columns].sum()) <= self.budget

    def of_columns(self, columns: Columns) -> Limits:
        """Return the limits for some of the sites only."""
        return self._replace(most=min(self.most, len(columns)), costs=self.costs[columns])


def narrow(cover: Sparse) -> Sparse:
    """Return a matrix with indices of 32 bits, for which the loops are compiled.

    Examples
    --------
    >>> narrow(sparse.csr_array(np.eye(2))).indices.dtype
    dtype('int32')
    """
    found = sparse.csr_array(cover)
    found.indices = found.indices.astype(np.int32, copy=False)
    found.indptr = found.indptr.astype(np.int32, copy=False)
    return found


def covered(cover: Sparse, weights: Floats, columns: Columns) -> float:
    """Return the weight of the demand points that sites cover: by numpy, apart from all searches.

    Examples
    --------
    >>> cover = sparse.csr_array([[1.0, 0, 1], [0, 0, 0], [1, 0, 1], [0, 1, 0]])
    >>> covered(cover, np.array([10.0, 5, 7, 1]), np.array([1, 2]))
    18.0
    """
    open_sites = np.zeros(cover.shape[1], bool)
    open_sites[columns] = True
    reached = np.add.reduceat(
        np.append(open_sites[cover.indices], False), cover.indptr[:-1], dtype=np.int64
    )
    reached[np.diff(cover.indptr) == 0] = 0
    return float(weights[reached > 0].sum())


def greedy(cover: Cover, limits: Limits) -> Columns:
    """Choose one site after the other: what adds most; under a budget also what adds most for it.

    Returns the better one of both, ascending.
    """
    plain = _greedy(cover, limits, 0.0)
    if not np.isfinite(limits.budget):
        return np.sort(plain)
    thrifty = _greedy(cover, limits, 1.0)
    return np.sort(max(plain, thrifty, key=lambda plan: _value(cover, plan)))


def search(
    cover: Sparse, weights: Floats, count: int, iterations: int = 2000, seed: int = 0
) -> Columns:
    """Return good sites to add, ascending: greedy, then a number of swaps. Nothing is proven.

    Examples
    --------
    >>> cover = sparse.csr_array([[1.0, 0, 1], [1, 1, 0], [0, 1, 0], [0, 0, 1]])
    >>> search(cover, np.array([3.0, 3, 2, 2]), 2).tolist()
    [1, 2]
    """
    both = Cover.of(cover, weights)
    limits = Limits.of(both.sites, count, None, np.inf)
    return improve(both, limits, greedy(both, limits), iterations=iterations, seed=seed)


def improve(cover: Cover, limits: Limits, start: Columns, *, iterations: int, seed: int) -> Columns:
    """Return the best plan that a number of swaps comes across, ascending; never a worse one.

    Each step takes the best swap of a chosen site for another one, even if it is a worse plan, with
    those swapped lately left alone (Glover 1989); then adds what is still allowed.
    """
    if not start.size or start.size == cover.sites:
        return np.sort(start)
    best, _ = tabu_search(
        cover, limits, start.astype(np.int64), iterations, np.uint64(2 * seed + 1), np.inf, 0
    )
    found: Columns = np.sort(best)
    return found


def near_plans(
    cover: Cover,
    limits: Limits,
    start: Columns,
    least: float,
    *,
    iterations: int,
    seed: int,
    most: int,
) -> NDArray[np.int64]:
    """Return full plans that cover at least so much, as a number of swaps comes across them.

    Shape (plans, limits.most), at most `most` of them, each row ascending; some may be the same.
    """
    _, kept = tabu_search(
        cover, limits, start.astype(np.int64), iterations, np.uint64(2 * seed + 1), least, most
    )
    found: NDArray[np.int64] = np.sort(kept, axis=1)
    return found


def swaps_in(cover: Cover, count: int, work: float) -> int:
    """Return how many swaps take about so many steps of the processor: by size, not by clock."""
    points_of_site = cover.entries / max(cover.sites, 1)
    sites_of_point = cover.entries / max(len(cover.weights), 1)
    looked_at = min(count, LOOKED_AT)
    each = 2 * cover.sites + (looked_at + 4) * points_of_site * sites_of_point
    return int(np.clip(work / each, 20, 5000))


def _value(cover: Cover, columns: Columns) -> float:
    reached = np.zeros(len(cover.weights), bool)
    for site in columns.tolist():
        reached[cover.point_of[cover.start[site] : cover.start[site + 1]]] = True
    return float(cover.weights[reached].sum())


@compiled
def _greedy(cover: Cover, limits: Limits, thrift: float) -> Columns:
    """Choose what adds most by its cost to the power of `thrift`: 0 or 1."""
    gain = gains(cover)
    reached = np.zeros(len(cover.weights), np.bool_)
    chosen = np.empty(limits.most, np.int64)
    number = 0
    left = limits.budget
    while number < limits.most:
        best, most = -1, 0.0
        for j in range(len(gain)):
            if gain[j] > 1e-9 and limits.costs[j] <= left:
                worth = gain[j] / max(limits.costs[j], 1e-12) ** thrift
                if worth > most:
                    best, most = j, worth
        if best < 0:
            break
        chosen[number] = best
        number += 1
        left -= limits.costs[best]
        for t in range(cover.start[best], cover.start[best + 1]):
            i = cover.point_of[t]
            if not reached[i]:
                reached[i] = True
                for s in range(cover.point_start[i], cover.point_start[i + 1]):
                    gain[cover.site_of[s]] -= cover.weights[i]
        gain[best] = 0.0
    return chosen[:number]
