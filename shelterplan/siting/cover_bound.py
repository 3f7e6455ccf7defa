"""What no plan for maximal covering can better: Lagrangian bounds, and what they rule out.

Maximal covering asks for the most ``sum w_i z_i`` where ``z_i <= sum of y_j over the sites j that
cover i``. With a price ``u_i`` (0 to w_i) on each of these constraints, every plan is worth at most
``sum (w_i - u_i) + the best choice of sites by the sums of their points' prices``: the top sites,
or for a budget the fractional knapsack of Dantzig (1957). Prices are found by the subgradient
method (Held, Wolfe and Crowder 1974), its direction deflected by the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from shelterplan.kernels.common import compiled
from shelterplan.siting.cover_search import Cover, Limits

if TYPE_CHECKING:
    from shelterplan.siting.cover_search import Columns, Floats

PATIENCE = 15
"""Steps without a better bound before steps become shorter."""
DEFLECTION = 0.6
"""How much of the last direction is kept."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Bound:
    """Prices of demand points, and what follows from them."""

    value: float
    """No allowed choice of sites covers more."""
    prices: Floats
    """Shape (demand,)."""
    worth: Floats
    """Sum of the prices of each site's points, shape (sites,)."""
    per_cost: float
    """What one more unit of the limit (a site, or money) is worth at these prices."""
    by_count: bool
    """Whether the limit is the number of sites; else the budget."""

    def with_site(self, costs: Floats) -> Floats:
        """Return what no plan with each site can better, shape (sites,)."""
        bound: Floats = self.value - np.maximum(0.0, -self.surplus(costs))
        return bound

    def without_site(self, costs: Floats) -> Floats:
        """Return what no plan without each site can better, shape (sites,)."""
        bound: Floats = self.value - np.maximum(0.0, self.surplus(costs))
        return bound

    def surplus(self, costs: Floats) -> Floats:
        """Return how much more each site is worth than what it takes of the limit."""
        price = self.per_cost if self.by_count else self.per_cost * costs
        more: Floats = self.worth - price
        return more


def evaluate(cover: Cover, limits: Limits, prices: Floats) -> Bound:
    """Return the bound that prices give.

    Examples
    --------
    >>> from scipy import sparse
    >>> world = sparse.csr_array([[1.0, 0, 1], [1, 1, 0], [0, 1, 0], [0, 0, 1]])
    >>> cover = Cover.of(world, np.array([3.0, 3, 2, 2]))
    >>> evaluate(cover, Limits.of(3, 1, None, np.inf), np.array([2.0, 2, 2, 2])).value
    6.0
    """
    prices = np.clip(prices, 0.0, cover.weights)
    worth = _worth(cover, prices)
    taken = np.zeros(cover.sites)
    best, per_cost, by_count = _choose(worth, limits, taken)
    return Bound(
        value=float(cover.weights.sum() - prices.sum() + best),
        prices=prices,
        worth=worth,
        per_cost=float(per_cost),
        by_count=bool(by_count),
    )


def even_prices(cover: Cover) -> Floats:
    """Return prices to start from: each point's weight shared by the sites that cover it."""
    prices: Floats = cover.weights / np.maximum(1, np.diff(cover.point_start))
    return prices


class Descent(NamedTuple):
    """Where a subgradient descent stands."""

    bound: Bound
    columns: Columns
    """The best plan that it came across."""
    length: float
    """Of the next step, as a share of the gap over the squared direction."""


def descend(
    cover: Cover,
    limits: Limits,
    bound: Bound,
    *,
    reached: float,
    iterations: int,
    length: float = 1.5,
    enough: float = 0.0,
) -> Descent:
    """Lower a bound by a number of subgradient steps.

    Parameters
    ----------
    cover, limits : Cover, Limits
        The model.
    bound : Bound
        Where to start.
    reached : float
        What the best plan covers.
    iterations : int
        Most steps.
    length : float
        Of the first step.
    enough : float
        A bound below `reached` and this needs no further step.
    """
    prices, columns, length = _descend(
        cover, limits, bound.prices.copy(), bound.value, reached, iterations, length, enough
    )
    found = evaluate(cover, limits, prices)
    return Descent(found if found.value < bound.value else bound, np.sort(columns), float(length))


@compiled
def _worth(cover: Cover, prices: Floats) -> Floats:
    worth = np.zeros(len(cover.start) - 1)
    for j in range(len(worth)):
        total = 0.0
        for t in range(cover.start[j], cover.start[j + 1]):
            total += prices[cover.point_of[t]]
        worth[j] = total
    return worth


@compiled
def largest(numbers: Floats, count: int) -> float:
    """Return which number is `count`-th from the top; their order is lost (Hoare's selection)."""
    first, last, wanted = 0, len(numbers) - 1, count - 1
    while first < last:
        middle = numbers[(first + last) // 2]
        i, j = first, last
        while i <= j:
            while numbers[i] > middle:
                i += 1
            while numbers[j] < middle:
                j -= 1
            if i <= j:
                numbers[i], numbers[j] = numbers[j], numbers[i]
                i += 1
                j -= 1
        if wanted <= j:
            last = j
        elif wanted >= i:
            first = i
        else:
            break
    return float(numbers[wanted])


@compiled
def _sink(heap: Columns, size: int, at: int, key: Floats) -> None:
    """Let a site sink in a heap whose top has the least key; of equals, the last."""
    site = heap[at]
    while 2 * at + 1 < size:
        below = 2 * at + 1
        if below + 1 < size:
            a, b = heap[below], heap[below + 1]
            if key[b] < key[a] or (key[b] == key[a] and b > a):
                below += 1
        other = heap[below]
        if key[other] > key[site] or (key[other] == key[site] and other < site):
            break
        heap[at] = other
        at = below
    heap[at] = site


@compiled
def _from_top(key: Floats) -> Columns:
    """Return the sites by their keys, the largest first; of equals, the first (heap sort)."""
    heap = np.arange(len(key))
    for at in range(len(heap) // 2 - 1, -1, -1):
        _sink(heap, len(heap), at, key)
    at = 0
    for size in range(len(heap) - 1, 0, -1):
        heap[0], heap[size] = heap[size], heap[0]
        _sink(heap, size, at, key)
    return heap


@compiled
def _choose_count(worth: Floats, count: int, taken: Floats) -> tuple[float, float]:
    """Take the most worthy sites; return their worth and that of the last one."""
    taken[:] = 0.0
    if count <= 0:
        return 0.0, np.inf
    if count >= len(worth):
        taken[:] = 1.0
        return worth.sum(), 0.0
    threshold = largest(worth.copy(), count)
    total, number = 0.0, 0
    for j in range(len(worth)):
        if worth[j] > threshold:
            taken[j] = 1.0
            total += worth[j]
            number += 1
    for j in range(len(worth)):
        if number < count and worth[j] == threshold:
            taken[j] = 1.0
            total += worth[j]
            number += 1
    return total, threshold


@compiled
def _choose_budget(
    worth: Floats, costs: Floats, budget: float, taken: Floats
) -> tuple[float, float]:
    """Take the most worthy sites for their cost, a share of the last one; return their worth."""
    taken[:] = 0.0
    total, left = 0.0, budget
    key = np.empty(len(worth))
    for j in range(len(worth)):
        key[j] = worth[j] / max(costs[j], 1e-12)
    for j in _from_top(key):
        if costs[j] > left:
            share = left / costs[j]
            taken[j] = share
            return total + share * worth[j], worth[j] / costs[j]
        taken[j] = 1.0
        total += worth[j]
        left -= costs[j]
    return total, 0.0


@compiled
def _choose(worth: Floats, limits: Limits, taken: Floats) -> tuple[float, float, bool]:
    """Choose sites by the limit that binds more; return their worth and that of one more unit."""
    if np.isinf(limits.budget):
        total, per_cost = _choose_count(worth, limits.most, taken)
        return total, per_cost, True
    total, per_cost = _choose_budget(worth, limits.costs, limits.budget, taken)
    if limits.most >= len(worth):
        return total, per_cost, False
    other = np.zeros(len(worth))
    fewest, per_site = _choose_count(worth, limits.most, other)
    if fewest >= total:
        return total, per_cost, False
    for j in range(len(worth)):
        taken[j] = other[j]
    return fewest, per_site, True


@compiled
def _plan(taken: Floats, limits: Limits) -> Columns:
    """Return the sites that were taken whole, as far as both limits allow."""
    plan = np.empty(len(taken), np.int64)
    spent = 0.0
    number = 0
    for j in range(len(taken)):
        fits = number < limits.most and spent + limits.costs[j] <= limits.budget
        if taken[j] >= 1.0 and fits:
            spent += limits.costs[j]
            plan[number] = j
            number += 1
    return plan[:number]


@compiled
def _copy(values: Floats, into: Floats) -> None:
    for i in range(len(values)):
        into[i] = values[i]


@compiled
def _descend(  # noqa: C901, PLR0912
    cover: Cover,
    limits: Limits,
    prices: Floats,
    bound: float,
    reached: float,
    iterations: int,
    length: float,
    enough: float,
) -> tuple[Floats, Columns, float]:
    weights = cover.weights
    points, sites = len(weights), len(cover.start) - 1
    best_prices, plan = prices.copy(), np.zeros(0, np.int64)
    taken, times, direction = np.zeros(sites), np.zeros(points), np.zeros(points)
    bound, stall = 1e300, 0
    for _ in range(iterations):
        worth = _worth(cover, prices)
        total, _, _ = _choose(worth, limits, taken)
        value = total
        times[:] = 0.0
        for i in range(points):
            value += weights[i] - prices[i]
        for j in range(sites):
            if taken[j] > 0.0:
                for t in range(cover.start[j], cover.start[j + 1]):
                    times[cover.point_of[t]] += taken[j]
        found = 0.0
        for i in range(points):
            if times[i] >= 1.0:
                found += weights[i]
        if found > reached + 1e-9:
            chosen = _plan(taken, limits)
            whole = 0
            for j in range(sites):
                whole += taken[j] >= 1.0
            if len(chosen) == whole:
                reached, plan = found, chosen
        stall += 1
        if value < bound - 1e-7 * abs(bound):
            if value < bound - 1e-5 * abs(bound):
                stall = 0
            bound = value
            _copy(prices, best_prices)
        if bound <= reached + enough:
            break
        if stall >= PATIENCE:
            stall = 0
            length *= 0.7
            _copy(best_prices, prices)
            direction[:] = 0.0
            if length < 1e-4:
                break
        square = 0.0
        for i in range(points):
            slope = times[i] - 1.0
            if (prices[i] <= 0.0 and slope > 0.0) or (prices[i] >= weights[i] and slope < 0.0):
                slope = 0.0
            direction[i] = slope + DEFLECTION * direction[i]
            square += direction[i] * direction[i]
        if square < 1e-12:
            break
        step = length * (value - reached) / square
        for i in range(points):
            prices[i] = min(weights[i], max(0.0, prices[i] - step * direction[i]))
    return best_prices, plan, length
