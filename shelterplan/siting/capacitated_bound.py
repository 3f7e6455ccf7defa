"""How many people can have a place at most, whatever sites are chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from shelterplan.kernels.common import compiled
from shelterplan.siting.capacitated_flow import Rooms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.watch import Watch

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

_PATIENCE = 15
"""Steps without a better bound before steps become half as long."""
_SHORTEST = 1e-4
"""Steps end once they are shorter than this share of a Polyak step."""


class Limits(NamedTuple):
    """What may be opened."""

    fixed: Flags
    """Sites that are open already, shape (sites,)."""
    cost: Floats
    """What opening the others costs, shape (sites,)."""
    spend: float
    """Most that may be spent; `inf` without a budget."""
    number: int
    """Most sites that may be opened."""


class Ceiling(NamedTuple):
    """The Lagrangian bound."""

    bound: float
    """No choice of sites places more people."""
    worth: Floats
    """What opening each site adds to the relaxation, less its price, shape (sites,): a plan that
    opens a site of negative worth places no more than bound + worth."""


def ceiling(rooms: Rooms, limits: Limits, placed: float, watch: Watch, *, steps: int) -> Ceiling:
    """Return a bound: the Lagrangian relaxation of "nobody takes two places".

    With a price u[i] from 0 to 1 for each person of i, each site alone fills its room with those
    who have most left, 1 - u[i]; the bound is sum(u w) and what the best affordable sites hold so.
    It is as strong as the linear relaxation with x[i, j] <= y[j]. Prices follow a subgradient.
    """
    row_price = np.zeros(len(rooms.weight))
    best = Ceiling(float(rooms.weight.sum()), np.full(len(rooms.room), np.inf))
    mean = np.zeros(len(rooms.weight))
    length, since = 1.0, 0
    best_price = row_price
    for step in range(steps):
        value = _values(rooms, row_price)
        used, worth, extra = _best_sites(value, limits)
        bound = float(row_price @ rooms.weight) + extra
        since += 1
        if bound < best.bound * (1 - 1e-12):
            since = 0 if bound < best.bound * (1 - 1e-5) else since
            best, best_price = Ceiling(bound, worth), row_price
        if since > _PATIENCE:
            length, since, row_price = length / 2, 0, best_price
            mean[:] = 0.0
            continue
        if step % 20 == 0:
            watch.tell(f"places: {placed:.0f} people, at most {best.bound:.0f}")
        if watch.over or length < _SHORTEST or best.bound <= placed * (1 + 1e-9):
            break
        unserved = rooms.weight - _served(rooms, row_price, used)
        unserved[(row_price <= 0) & (unserved > 0)] = 0.0
        mean = unserved + 0.6 * mean
        squares = float(mean @ (mean / rooms.weight))
        if squares == 0:
            break
        step_length = length * (bound - placed) / squares
        row_price = np.clip(row_price - step_length * mean / rooms.weight, 0.0, 1.0)
    return best


def _best_sites(value: Floats, limits: Limits) -> tuple[Floats, Floats, float]:
    """Choose sites by value: which share of each, their worth above its price, and their sum.

    The fractional knapsack is as good as its dual: the price of money at which it is spent.
    """
    used = limits.fixed.astype(float)
    gain = np.where(limits.fixed, 0.0, value)
    number, price = _dearest(gain, np.ones(len(gain)), float(limits.number))
    if np.isfinite(limits.spend):
        spent, rate = _dearest(gain, limits.cost, limits.spend)
        by_money = rate * limits.spend + np.maximum(gain - rate * limits.cost, 0.0).sum()
        by_number = price * limits.number + np.maximum(gain - price, 0.0).sum()
        if by_money <= by_number:
            worth = np.where(limits.fixed, 0.0, gain - rate * limits.cost)
            return used + spent, worth, float(value[limits.fixed].sum() + by_money)
    extra = price * limits.number + np.maximum(gain - price, 0.0).sum()
    worth = np.where(limits.fixed, 0.0, gain - price)
    return used + number, worth, float(value[limits.fixed].sum() + extra)


def _dearest(gain: Floats, cost: Floats, spend: float) -> tuple[Floats, float]:
    """Solve the fractional knapsack; return the shares taken and the price of money."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(gain > 0, gain / cost, 0.0)
    order = np.argsort(-rate, kind="stable")
    before = np.cumsum(cost[order]) - cost[order]
    taken = np.zeros(len(gain))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(cost[order] > 0, (spend - before) / cost[order], 1.0)
    taken[order] = np.clip(share, 0.0, 1.0)
    taken[gain <= 0] = 0.0
    short = np.flatnonzero(taken[order] < 1)
    price = float(rate[order[short[0]]]) if short.size else 0.0
    return taken, price if np.isfinite(price) else 0.0


@compiled
def _values(rooms: Rooms, price: Floats) -> Floats:
    """Return what each site's room is worth when it is filled with those who have most left."""
    value = np.zeros(len(rooms.room))
    for j in range(len(rooms.room)):
        rows = rooms.row_of[rooms.column[j] : rooms.column[j + 1]]
        people = 0.0
        for i in rows:
            if price[i] < 1:
                people += rooms.weight[i]
                value[j] += rooms.weight[i] * (1 - price[i])
        if people > rooms.room[j]:
            value[j] = 0.0
            left = rooms.room[j]
            for a in np.argsort(price[rows], kind="mergesort"):
                i = rows[a]
                amount = min(left, rooms.weight[i])
                if amount <= 0 or price[i] >= 1:
                    break
                value[j] += amount * (1 - price[i])
                left -= amount
    return value


@compiled
def _served(rooms: Rooms, price: Floats, used: Floats) -> Floats:
    """Return how many people of each demand point the used sites take, each by itself."""
    served = np.zeros(len(rooms.weight))
    for j in range(len(rooms.room)):
        if used[j] > 0:
            rows = rooms.row_of[rooms.column[j] : rooms.column[j + 1]]
            left = rooms.room[j]
            for a in np.argsort(price[rows], kind="mergesort"):
                i = rows[a]
                amount = min(left, rooms.weight[i])
                if amount <= 0:
                    break
                served[i] += amount * used[j]
                left -= amount
    return served
