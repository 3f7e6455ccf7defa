"""Parts of a siting model that share no demand: what each is worth, and at most, by its sites."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from shelterplan.siting.cover_bound import descend, evaluate, even_prices
from shelterplan.siting.cover_search import Cover, Limits, greedy, narrow
from shelterplan.siting.max_cover import max_cover
from shelterplan.siting.result import ROUNDING

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from shelterplan.siting.cover_bound import Bound
    from shelterplan.siting.problem import Sparse

    Floats = NDArray[np.float64]
    Columns = NDArray[np.int64]

STEPS = 150
"""Steps by which prices are bettered for a number of sites before the model is solved."""


class Part:
    """Sites that share demand with each other, and with no others.

    Let ``f(n)`` be the most that n sites of the part cover. It never falls, and, as coverage is
    submodular:

    1. ``f(m) <= f(n)`` for m <= n;
    2. ``f(m) <= f(n) m / n`` for m >= n > 0: of the best m sites, taken away one by one, each time
       the one whose loss is least, no loss is more than the mean of what is still covered, so that
       n of them cover at least n / m of ``f(m)``;
    3. ``f(m + n) <= f(m) + f(n)``: the best m + n sites are m and n, and cover no more than both;
    4. for any prices ``0 <= u_i <= w_i`` of the demand points, ``f(n) <= sum (w_i - u_i) + the
       greatest n of the sums of the sites' prices``, for all n at once (Lagrangian relaxation).

    So one bound for one number of sites bounds all others, and no number has to be solved that does
    not matter. ``f`` need not be concave: a third site may add more than the second.

    Parameters
    ----------
    sites : array of int
        Their columns in the whole model.
    cover : sparse matrix, shape (points, sites)
        Which of them cover which points.
    weights : array, shape (points,)
        What the points are worth.
    most : int
        Most sites that it may get.
    """

    def __init__(self, sites: Columns, cover: Sparse, weights: Floats, most: int) -> None:
        self.sites, self.cover, self.weights = sites, narrow(cover), weights
        self._both = Cover.of(self.cover, weights)
        self.people = float(weights.sum())
        first = greedy(self._both, self._limits(most))
        self.most = len(first)
        self.reached = np.zeros(self.most + 1)
        """What the best known plan with 0, 1, 2 ... sites covers: at most `f`."""
        self.plans: list[Columns] = [np.zeros(0, np.int64)] * (self.most + 1)
        """Those plans: columns of `cover`, in any order."""
        self.bound = np.full(self.most + 1, self.people)
        """What none covers more than: at least `f`."""
        self.bound[0] = 0.0
        self._keep_all(first)
        self._prices: Bound = evaluate(self._both, self._limits(1), even_prices(self._both))
        self._lower_by(self._prices)
        self._lower_by(evaluate(self._both, self._limits(1), weights))
        self.solved: set[int] = set()
        """Numbers of sites whose model was given to the solver."""

    def gap(self, count: int) -> float:
        """Return how far a number of sites is from being proven; 0 if it is."""
        far = float(self.bound[count] - self.reached[count])
        return far if far > ROUNDING * self.reached[count] / 2 else 0.0

    def tighten(self, count: int, time_limit_s: float, stop: Callable[[], bool]) -> None:
        """Find a better plan and a better bound for a number of sites, in a limited time [s]."""
        if count not in self.solved:
            start = evaluate(self._both, self._limits(count), self._prices.prices)
            found = descend(
                self._both,
                self._limits(count),
                start,
                reached=float(self.reached[count]),
                iterations=STEPS,
            )
            self._prices = found.bound
            self._lower_by(found.bound)
            self._keep_all(found.columns)
            if not self.gap(count):
                return
        self.solved.add(count)
        solved = max_cover(self.cover, self.weights, count, time_limit_s=time_limit_s, stop=stop)
        self._keep_all(np.array(solved.selected, np.int64))
        self._lower(count, solved.bound)

    def _limits(self, count: int) -> Limits:
        return Limits.of(len(self.sites), count, None, np.inf)

    def _keep_all(self, columns: Columns) -> None:
        """Keep what 1, 2, 3 ... of some sites cover, the best first, where that is more."""
        order, gains = in_order(self._both.start, self._both.point_of, self.weights, columns)
        value = np.zeros(self.most + 1)
        used = order[: self.most]
        value[1 : len(used) + 1] = np.cumsum(gains[: len(used)])
        value[len(used) + 1 :] = value[len(used)]
        for count in np.flatnonzero(value > self.reached).tolist():
            self.reached[count], self.plans[count] = value[count], used[:count]

    def _lower_by(self, prices: Bound) -> None:
        """Lower the bounds of all numbers of sites by prices (4)."""
        best = np.cumsum(np.sort(prices.worth)[::-1][: self.most])
        rest = float(self.weights.sum() - prices.prices.sum())
        self.bound[1:] = np.minimum(self.bound[1:], rest + best)
        self._not_below()

    def _lower(self, count: int, bound: float) -> None:
        """Lower the bound of a number of sites, and of the others by what follows (1 to 3)."""
        self.bound[1 : count + 1] = np.minimum(self.bound[1 : count + 1], bound)
        more = np.arange(count, self.most + 1)
        self.bound[more] = np.minimum(self.bound[more], bound * (more / count))
        self.bound[more] = np.minimum(self.bound[more], bound + self.bound[more - count])
        self._not_below()

    def _not_below(self) -> None:
        """Keep bounds from falling below what is reached, as rounding might."""
        self.bound = np.maximum(self.bound, self.reached)


def in_order(
    start: NDArray[Any], point_of: NDArray[Any], weights: NDArray[Any], columns: Columns
) -> tuple[Columns, NDArray[Any]]:
    """Return sites so that each adds most to those before it, and what it adds.

    A gain never grows when other sites come first, so one that is still the greatest after it was
    worked out anew need not be compared with the others.

    Parameters
    ----------
    start, point_of : array of int
        The points that site j covers stand at `start[j]` to `start[j + 1]` of `point_of`.
    weights : array, shape (points,)
        What the points are worth, floating-point or whole.
    columns : array of int
        The sites.

    Examples
    --------
    >>> order, gains = in_order(
    ...     np.array([0, 1, 3, 5]), np.array([0, 0, 1, 1, 2]), np.array([5, 3, 4]), np.arange(3)
    ... )
    >>> order.tolist(), gains.tolist()
    ([1, 2, 0], [8, 4, 0])
    """
    worth = weights.copy()

    def gain(site: int) -> Any:  # noqa: ANN401  (of the weights' own type)
        return worth[point_of[start[site] : start[site + 1]]].sum()

    heap = [(-gain(site), site) for site in columns.tolist()]
    heapify(heap)
    order, gains = [], []
    while heap:
        told, site = heappop(heap)
        now = -gain(site)
        if now != told and heap and (now, site) > heap[0]:
            heappush(heap, (now, site))
            continue
        order.append(site)
        gains.append(-now)
        worth[point_of[start[site] : start[site + 1]]] = 0
    return np.array(order, np.int64), np.array(gains, weights.dtype)


def split(cover: Sparse, weights: Floats, most: int) -> tuple[list[Part], Columns, Floats]:
    """Split a model into parts that share no demand.

    Parameters
    ----------
    cover : sparse matrix, shape (points, sites)
        Which sites cover which points; every point is covered by one.
    weights : array, shape (points,)
        What they are worth.
    most : int
        Most sites in all.

    Returns
    -------
    parts : list of Part
        Those of two sites and more, by their first site.
    alone : array of int
        Sites that share demand with no other.
    worth : array of float
        What each of these covers.
    """
    points, sites = cover.shape
    entries = sparse.coo_array(cover)
    links = sparse.coo_array(
        (np.ones(entries.nnz, bool), (entries.coords[0], entries.coords[1] + points)),
        shape=(points + sites, points + sites),
    )
    label = connected_components(links, directed=False)[1]
    size = np.bincount(label[points:], minlength=int(label.max(initial=-1)) + 1)
    worth = np.asarray(cover.T @ weights, float)
    single = size[label[points:]] == 1
    order = np.argsort(label[points:], kind="stable")
    bounds = np.concatenate([[0], np.cumsum(size)])
    rows = np.argsort(label[:points], kind="stable")
    row_bounds = np.searchsorted(label[:points][rows], np.arange(len(size) + 1))
    found = []
    for part in np.flatnonzero(size > 1):
        columns = order[bounds[part] : bounds[part + 1]]
        own = np.sort(rows[row_bounds[part] : row_bounds[part + 1]])
        matrix = sparse.csr_array(cover[own][:, columns])
        found.append(Part(columns, matrix, weights[own], most))
    found.sort(key=lambda part: int(part.sites[0]))
    alone = np.flatnonzero(single)
    return found, alone, worth[alone]
