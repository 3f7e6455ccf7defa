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

    from shelterplan.siting.median_lists import Floats, Ints
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
    spare: int,
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
    spare : int
        Sites that lists keep beyond twice those below the price to start from: the fewer, the
        quicker are steps, and the nearer to the start prices stay.
    """
    sites, rows = len(state), len(lists.base)
    base = _with_open(lists, state)
    price = np.minimum(start, base)
    lists, most = _of_free(lists, state, base, price, spare)
    best_price, best_worth = price.copy(), np.zeros(sites)
    worth, often, plan = np.zeros(sites), np.zeros(sites), np.zeros(sites, np.bool_)
    lower, stall, ended = -np.inf, 0, False
    served, own, way = np.zeros(rows), np.zeros(rows), np.zeros(rows)
    share, heap = np.zeros(sites), np.zeros(sites, np.int64)
    budget = limits.budget
    for j in range(sites):
        if state[j] == OPEN:
            budget -= limits.price[j]
    for _ in range(steps):
        looked = _fill_worth(lists, price, worth)
        value = price.sum() + _choose(worth, limits.price, state, budget, share, heap)
        paid = _serve(lists, base, price, share, served, own, looked)
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
            price, most, served, way, step * max(1.005 * upper - value, 1e-9 * upper), momentum
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
def _of_free(
    lists: Lists, state: NDArray[np.int8], base: Floats, start: Floats, spare: int
) -> tuple[Lists, Floats]:
    """Keep in the lists of points what can still be opened and helps; those of sites stay.

    Returns the lists, cut as `bound` says, and the highest price of each point, up to which its
    list goes.
    """
    ptr = np.zeros(len(base) + 1, np.int64)
    site, cost = np.empty_like(lists.site), np.empty_like(lists.cost)
    most = base.copy()
    at = 0
    for i in range(len(base)):
        more = spare
        for t in range(lists.ptr[i], lists.ptr[i + 1]):
            if lists.cost[t] >= base[i]:
                break
            if state[lists.site[t]] == FREE:
                more += 1 if lists.cost[t] < start[i] else -1
                if more < 0:
                    most[i] = lists.cost[t]
                    break
                site[at], cost[at] = lists.site[t], lists.cost[t]
                at += 1
        ptr[i + 1] = at
    free = Lists(ptr, site[:at], cost[:at], base, lists.site_ptr, lists.row, lists.row_cost)
    return free, most


@compiled
def _fill_worth(lists: Lists, price: Floats, worth: Floats) -> int:
    """Work out what each site is worth; return how many entries of lists were looked at."""
    worth[:] = 0.0
    looked = 0
    for i in range(len(price)):
        for t in range(lists.ptr[i], lists.ptr[i + 1]):
            less = lists.cost[t] - price[i]
            if less >= 0:
                break
            worth[lists.site[t]] += less
            looked += 1
    return looked


@compiled
def _choose(
    worth: Floats,
    price: Floats,
    state: NDArray[np.int8],
    budget: float,
    share: Floats,
    heap: Ints,
) -> float:
    """Open the most worth for the budget, the last site in part; fill shares, return their worth.

    Sites wait in a heap: few of them are taken.
    """
    share[:] = 0.0
    saved, waiting = 0.0, 0
    for j in range(len(worth)):
        if state[j] == FREE and worth[j] < 0:
            heap[waiting] = j
            waiting += 1
    for k in range(waiting // 2, 0, -1):
        _sink(heap, k - 1, waiting, worth, price)
    while waiting > 0 and budget > 0:
        j = heap[0]
        waiting -= 1
        heap[0] = heap[waiting]
        _sink(heap, 0, waiting, worth, price)
        share[j] = min(1.0, budget / price[j])
        if share[j] > 1 - 1e-9:
            share[j] = 1.0
        budget -= price[j]
        saved += worth[j] * share[j]
    return saved


@compiled
def _sink(heap: Ints, at: int, size: int, worth: Floats, price: Floats) -> None:
    """Let a site of the heap sink below those that are worth more for their price, or come first.

    `worth` is 0 or less: the lowest stands first.
    """
    j = heap[at]
    rate = worth[j] / price[j]
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        other = heap[below]
        least = worth[other] / price[other]
        if below + 1 < size:
            second = heap[below + 1]
            its = worth[second] / price[second]
            if its < least or (its == least and second < other):
                below, other, least = below + 1, second, its
        if least > rate or (least == rate and other > j):
            break
        heap[at] = other
        at = below
    heap[at] = j


@compiled
def _serve(
    lists: Lists,
    base: Floats,
    price: Floats,
    share: Floats,
    served: Floats,
    own: Floats,
    looked: int,
) -> float:
    """Fill how often each point is served at its price; return what all pay at the open sites.

    Goes through the lists of the open sites or of all points, whichever are shorter.
    """
    links = 0
    for j in range(len(share)):
        if share[j] > 0:
            links += lists.site_ptr[j + 1] - lists.site_ptr[j]
    if links > looked:
        return _serve_by_point(lists, base, price, share, served)
    served[:], own[:] = 0.0, base
    for j in range(len(share)):
        if share[j] > 0:
            whole = share[j] >= 1
            for s in range(lists.site_ptr[j], lists.site_ptr[j + 1]):
                i, cost = lists.row[s], lists.row_cost[s]
                if cost < price[i]:
                    served[i] += share[j]
                if whole and cost < own[i]:
                    own[i] = cost
    paid: float = own.sum()
    return paid


@compiled
def _serve_by_point(
    lists: Lists, base: Floats, price: Floats, share: Floats, served: Floats
) -> float:
    paid = 0.0
    for i in range(len(price)):
        times, own = 0.0, base[i]
        for t in range(lists.ptr[i], lists.ptr[i + 1]):
            cost, j = lists.cost[t], lists.site[t]
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
    price: Floats, most: Floats, served: Floats, way: Floats, length: float, momentum: float
) -> bool:
    """Move the prices, up to the highest they may be; return False if there is nowhere to go."""
    size = 0.0
    for i in range(len(price)):
        lack = 1.0 - served[i]
        if lack > 0 and price[i] >= most[i]:
            lack = 0.0
        way[i] = lack + momentum * way[i]
        size += way[i] * way[i]
    if size == 0.0:
        return False
    for i in range(len(price)):
        price[i] = min(most[i], max(0.0, price[i] + length / size * way[i]))
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
    last, next_ = _margins(found.worth, limits.price, state, budget)
    room = found.upper - target - found.lower
    for j in range(len(state)):
        price = limits.price[j]
        if state[j] != FREE:
            continue
        if last * price + found.worth[j] > room:
            after[j] = SHUT
        elif -found.worth[j] - next_ * price > room:
            after[j] = OPEN
    return after


@compiled
def _margins(
    worth: Floats, price: Floats, state: NDArray[np.int8], budget: float
) -> tuple[float, float]:
    """Return what the last unit of the budget is worth, and what the next would be."""
    heap = np.flatnonzero(state == FREE)
    waiting = len(heap)
    for k in range(waiting // 2, 0, -1):
        _sink(heap, k - 1, waiting, worth, price)
    last, next_ = np.inf, 0.0
    while waiting > 0:
        j = heap[0]
        rate = -worth[j] / price[j]
        if price[j] > budget * (1 + 1e-9):
            next_ = rate
            last = next_ if budget > 1e-9 * price[j] else last
            break
        last = rate
        budget -= price[j]
        waiting -= 1
        heap[0] = heap[waiting]
        _sink(heap, 0, waiting, worth, price)
    if not np.isfinite(last):
        last = next_
    if next_ == 0.0 and budget > 0:
        last = 0.0
    return last, next_
