"""What no plan of a p-median can better: Lagrangian bounds.

Each demand point `i` gets a price u_i for being served. Given the prices, a site is worth
rho_j = sum over i of min(0, c_ij - u_i), the best plan opens the most worth within the budget, and
sum of u + their rho bounds every plan from below (Cornuejols, Fisher and Nemhauser 1977). The
prices are bettered by steps along the subgradient: up for who is not served, down for who is served
twice. In a plan better than the best known no site with too little worth is open, none with too
much is closed (reduced costs).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from shelterplan.kernels.common import compiled
from shelterplan.siting.median_lists import Lists

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.median_lists import Floats
    from shelterplan.siting.median_search import Limits

OPEN, FREE, SHUT = 1, 0, -1
_AVERAGE = 0.9
"""How much of what was open before stays in the memory of what is often open."""


class Bound(NamedTuple):
    """What is known after some steps."""

    lower: float
    """No plan within the node costs less."""
    upper: float
    """Cheapest plan seen, or what was known before."""
    plan: NDArray[np.bool_]
    """Its sites; none if it was known before."""
    price: Floats
    """Best price of each point, shape (demand,)."""
    worth: Floats
    """rho of each site at these prices, shape (sites,)."""
    often: Floats
    """How much each site was open in the steps, later ones counting more, shape (sites,)."""
    step: float
    """Step length to go on with."""
    ended: bool
    """Whether further steps would change nothing."""


@compiled
def bound(  # noqa: C901 -- one loop of steps: a compiled function gives no state away
    lists: Lists,
    limits: Limits,
    state: NDArray[np.int8],
    start: Floats,
    upper: float,
    step: float,
    steps: int,
    target: float,
    patience: int,
    shortest: float,
    momentum: float,
) -> Bound:
    """Better the prices by so many steps, for plans with some sites open and some shut.

    Parameters
    ----------
    lists, limits : Lists, Limits
        The problem.
    state : array, shape (sites,)
        `OPEN`, `FREE` or `SHUT`.
    start : array, shape (demand,)
        Prices to start from.
    upper : float
        What the best known plan costs.
    step : float
        Step length, as a share of the distance to `upper`.
    steps : int
        How many.
    target : float
        How much below the best known plan a better one must be: a bound above is enough.
    patience : int
        Steps without a better bound until steps are halved.
    shortest : float
        Step length at which a bound is left as it is.
    momentum : float
        How much of the last step's way each step keeps.
    """
    sites, rows = len(state), len(lists.base)
    base = _with_open(lists, state)
    lists = _of_free(lists, state, base)
    price = np.minimum(start, base)
    best_price, best_worth = price.copy(), np.zeros(sites)
    worth, often, plan = np.zeros(sites), np.zeros(sites), np.zeros(sites, np.bool_)
    lower, stall, ended = -np.inf, 0, False
    served, way = np.zeros(rows), np.zeros(rows)
    budget = limits.budget
    for j in range(sites):
        if state[j] == OPEN:
            budget -= limits.price[j]
    for _ in range(steps):
        _fill_worth(lists, price, worth)
        share, saved = _choose(worth, limits.price, state, budget)
        value = price.sum() + saved
        paid = _serve(lists, base, price, share, served)
        for j in range(sites):
            often[j] = _AVERAGE * often[j] + (1 - _AVERAGE) * share[j]
        stall = 0 if value > lower + 1e-6 * abs(value) else stall + 1
        if value > lower:
            lower = value
            best_price[:], best_worth[:] = price, worth
        if paid < upper:
            upper = paid
            plan[:] = (share >= 1) | (state == OPEN)
        if lower > upper - target:
            ended = True
            break
        if stall >= patience:
            step, stall = step / 2, 0
            price[:], way[:] = best_price, 0.0
            if step < shortest:
                ended = True
                break
            continue
        if not _step(
            price, base, served, way, step * max(1.005 * upper - value, 1e-9 * upper), momentum
        ):
            ended = True
            break
    return Bound(lower, upper, plan, best_price, best_worth, often, step, ended)


@compiled
def _with_open(lists: Lists, state: NDArray[np.int8]) -> Floats:
    """Return what each point pays if only the open sites are."""
    base = lists.base.copy()
    for j in range(len(state)):
        if state[j] == OPEN:
            for s in range(lists.site_ptr[j], lists.site_ptr[j + 1]):
                i = lists.row[s]
                base[i] = min(base[i], lists.row_cost[s])
    return base


@compiled
def _of_free(lists: Lists, state: NDArray[np.int8], base: Floats) -> Lists:
    """Keep in the lists of points what can still be opened and helps; those of sites stay."""
    ptr = np.zeros(len(base) + 1, np.int64)
    site, cost = np.empty_like(lists.site), np.empty_like(lists.cost)
    at = 0
    for i in range(len(base)):
        for t in range(lists.ptr[i], lists.ptr[i + 1]):
            if lists.cost[t] >= base[i]:
                break
            if state[lists.site[t]] == FREE:
                site[at], cost[at] = lists.site[t], lists.cost[t]
                at += 1
        ptr[i + 1] = at
    return Lists(ptr, site[:at], cost[:at], base, lists.site_ptr, lists.row, lists.row_cost)


@compiled
def _fill_worth(lists: Lists, price: Floats, worth: Floats) -> None:
    worth[:] = 0.0
    for i in range(len(price)):
        for t in range(lists.ptr[i], lists.ptr[i + 1]):
            less = lists.cost[t] - price[i]
            if less >= 0:
                break
            worth[lists.site[t]] += less


@compiled
def _choose(
    worth: Floats, price: Floats, state: NDArray[np.int8], budget: float
) -> tuple[Floats, float]:
    """Open the most worth for the budget, the last site in part; return shares and their worth."""
    share, saved = np.zeros(len(worth)), 0.0
    free = np.flatnonzero((state == FREE) & (worth < 0))
    for k in np.argsort(worth[free] / price[free]):
        j = free[k]
        if budget <= 0:
            break
        share[j] = min(1.0, budget / price[j])
        if share[j] > 1 - 1e-9:
            share[j] = 1.0
        budget -= price[j]
        saved += worth[j] * share[j]
    return share, saved


@compiled
def _serve(
    lists: Lists,
    base: Floats,
    price: Floats,
    share: Floats,
    served: Floats,
) -> float:
    """Fill how often each point is served at its price; return what all pay at the open sites."""
    paid = 0.0
    for i in range(len(price)):
        times, own = 0.0, base[i]
        for t in range(lists.ptr[i], lists.ptr[i + 1]):
            cost, j = lists.cost[t], lists.site[t]
            if cost >= base[i]:
                break
            if cost < price[i]:
                times += share[j]
            if share[j] >= 1:
                own = min(own, cost)
            if cost >= price[i] and own < base[i]:
                break
        served[i] = times
        paid += own
    return paid


@compiled
def _step(
    price: Floats, base: Floats, served: Floats, way: Floats, length: float, momentum: float
) -> bool:
    """Move the prices; return False if there is nowhere to go."""
    size = 0.0
    for i in range(len(price)):
        lack = 1.0 - served[i]
        if lack > 0 and price[i] >= base[i]:
            lack = 0.0
        way[i] = lack + momentum * way[i]
        size += way[i] * way[i]
    if size == 0.0:
        return False
    for i in range(len(price)):
        price[i] = min(base[i], max(0.0, price[i] + length / size * way[i]))
    return True


@compiled
def settled(
    found: Bound, limits: Limits, state: NDArray[np.int8], target: float
) -> NDArray[np.int8]:
    """Open and shut the sites of a node without which, or with which, no plan is better.

    With `mu` the worth of the next unit of the budget, opening site `j` raises the bound by
    rho_j + mu price_j, shutting it by the opposite.
    """
    after = state.copy()
    budget = limits.budget
    for j in range(len(state)):
        if state[j] == OPEN:
            budget -= limits.price[j]
    free = np.flatnonzero(state == FREE)
    rate = -found.worth[free] / limits.price[free]
    order = np.argsort(-rate)
    last, next_ = np.inf, 0.0
    for k in order:
        price = limits.price[free[k]]
        if price > budget * (1 + 1e-9):
            next_ = rate[k]
            last = next_ if budget > 1e-9 * price else last
            break
        last = rate[k]
        budget -= price
    if not np.isfinite(last):
        last = next_
    if next_ == 0.0 and budget > 0:
        last = 0.0
    room = found.upper - target - found.lower
    for k in range(len(free)):
        j = free[k]
        price = limits.price[j]
        if (last - rate[k]) * price > room:
            after[j] = SHUT
        elif (rate[k] - next_) * price > room:
            after[j] = OPEN
    return after
