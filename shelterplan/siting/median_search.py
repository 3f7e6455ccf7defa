"""Good plans for a p-median, quickly: greedy opening, then interchange.

Interchange takes, again and again, the best of all swaps of an open site for a closed one, until
none helps. What a swap is worth is kept up to date from swap to swap (Resende and Werneck 2007, "A
fast swap-based local search procedure for location problems"): gain of opening + what the two have
in common - loss of closing. From where it ends, some swaps at random lead on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from shelterplan.kernels.common import compiled
from shelterplan.siting.problem import is_whole

if TYPE_CHECKING:
    from shelterplan.siting.median_lists import Floats, Ints, Lists

MOVES = 200
"""Swaps between two looks at the clock; after them all sums are made anew, free of rounding."""


class Limits(NamedTuple):
    """What the open sites may cost together, and how many they can then be."""

    price: Floats
    """What each site costs, above 0, shape (sites,)."""
    budget: float
    most: int
    """Most sites that may be opened."""

    @classmethod
    def of(cls, price: Floats, budget: float, most: float = np.inf) -> Limits:
        """Return the limits of a budget, which sums of prices may pass through rounding alone.

        Prices that are not all whole are shares of all that could be spent.
        """
        limit = float(np.floor(budget)) if is_whole(price) else budget + 1e-9
        number = int((np.cumsum(np.sort(price)) <= limit).sum())
        return cls(price, limit, int(max(0, min(number, most))))


class State(NamedTuple):
    """Open sites in numbered slots, and what each swap would change."""

    site_of: Ints
    """Site of each slot, -1 if it is empty."""
    slot_of: Ints
    """Slot of each site, -1 if it is closed."""
    first: Ints
    """Slot of each point's nearest open site, -1: none."""
    second: Ints
    near: Floats
    """What each point pays."""
    next_: Floats
    """What it would pay if its nearest open site closed."""
    gain: Floats
    """What opening each site saves."""
    loss: Floats
    """What closing each slot costs; the last slot stands for closing none."""
    common: Floats
    """What closing a slot costs less if a site is opened, shape (sites, slots + 1)."""


@compiled
def greedy(lists: Lists, limits: Limits) -> Ints:
    """Open the site that saves most for its price, again and again; return them in that order."""
    sites = len(lists.site_ptr) - 1
    near = lists.base.copy()
    gain = np.zeros(sites)
    for i in range(len(near)):
        for t in range(lists.ptr[i], lists.ptr[i + 1]):
            gain[lists.site[t]] += near[i] - lists.cost[t]
    found = np.full(limits.most, -1)
    closed = np.ones(sites, np.bool_)
    spent = 0.0
    for k in range(limits.most):
        best, worth = -1, 0.0
        for j in range(sites):
            fits = closed[j] and spent + limits.price[j] <= limits.budget
            if fits and gain[j] > worth * limits.price[j]:
                best, worth = j, gain[j] / limits.price[j]
        if best < 0:
            break
        found[k] = best
        closed[best] = False
        spent += limits.price[best]
        _opened(lists, best, near, gain)
    return found


@compiled
def _opened(lists: Lists, site: int, near: Floats, gain: Floats) -> None:
    """Let points walk to a new site, and tell the others what is left to save."""
    for s in range(lists.site_ptr[site], lists.site_ptr[site + 1]):
        i, now = lists.row[s], lists.row_cost[s]
        if now >= near[i]:
            continue
        for t in range(lists.ptr[i], lists.ptr[i + 1]):
            cost = lists.cost[t]
            if cost >= near[i]:
                break
            gain[lists.site[t]] -= near[i] - max(cost, now)
        near[i] = now


@compiled
def interchange(lists: Lists, limits: Limits, start: Ints, moves: int) -> tuple[float, Ints, int]:
    """Swap for the better until no swap helps, or so many were made.

    Returns what all points pay, the site of each slot (-1: empty) and the number of swaps.
    """
    state = _state(lists, start)
    spent = 0.0
    for site in state.site_of:
        if site >= 0:
            spent += limits.price[site]
    made = 0
    least = 1e-9 * state.near.sum()
    while made < moves:
        site, slot = _best_swap(state, limits, spent, least)
        if site < 0:
            break
        out = state.site_of[slot] if slot < len(state.site_of) else -1
        spent += limits.price[site] - (limits.price[out] if out >= 0 else 0.0)
        _swap(lists, state, site, slot)
        made += 1
    return state.near.sum(), state.site_of, made


@compiled
def _state(lists: Lists, start: Ints) -> State:
    sites, slots, rows = len(lists.site_ptr) - 1, len(start), len(lists.base)
    slot_of = np.full(sites, -1)
    for slot in range(slots):
        if start[slot] >= 0:
            slot_of[start[slot]] = slot
    state = State(
        start.copy(),
        slot_of,
        np.full(rows, -1),
        np.full(rows, -1),
        lists.base.copy(),
        lists.base.copy(),
        np.zeros(sites),
        np.zeros(slots + 1),
        np.zeros((sites, slots + 1)),
    )
    for i in range(rows):
        _find(lists, state, i)
        _count(lists, state, i, 1.0)
    return state


@compiled
def _find(lists: Lists, state: State, i: int) -> None:
    """Find the two nearest open sites of a point."""
    state.first[i] = state.second[i] = -1
    state.near[i] = state.next_[i] = lists.base[i]
    for t in range(lists.ptr[i], lists.ptr[i + 1]):
        slot = state.slot_of[lists.site[t]]
        if slot < 0:
            continue
        if state.first[i] < 0:
            state.first[i], state.near[i] = slot, lists.cost[t]
        else:
            state.second[i], state.next_[i] = slot, lists.cost[t]
            break


@compiled
def _count(lists: Lists, state: State, i: int, sign: float) -> None:
    """Add a point to what swaps are worth, or take it away."""
    near, after, slot = state.near[i], state.next_[i], state.first[i]
    if slot >= 0:
        state.loss[slot] += sign * (after - near)
    for t in range(lists.ptr[i], lists.ptr[i + 1]):
        cost, j = lists.cost[t], lists.site[t]
        if cost >= after:
            break
        if cost < near:
            state.gain[j] += sign * (near - cost)
        if slot >= 0:
            state.common[j, slot] += sign * (after - max(cost, near))


@compiled
def _best_swap(state: State, limits: Limits, spent: float, least: float) -> tuple[int, int]:
    slots = len(state.site_of)
    room = np.full(slots + 1, -1.0)
    empty = -1
    for slot in range(slots):
        if state.site_of[slot] >= 0:
            room[slot] = limits.budget - spent + limits.price[state.site_of[slot]]
        else:
            empty = slot
    if empty >= 0:
        room[empty] = limits.budget - spent
    best, site, out = least, -1, -1
    for j in range(len(state.slot_of)):
        if state.slot_of[j] >= 0:
            continue
        for slot in range(slots):
            if room[slot] >= limits.price[j]:
                worth = state.gain[j] + state.common[j, slot] - state.loss[slot]
                if worth > best:
                    best, site, out = worth, j, slot
    return site, out


@compiled
def _swap(lists: Lists, state: State, site: int, slot: int) -> None:
    touched = np.zeros(len(lists.base), np.bool_)
    for s in range(lists.site_ptr[site], lists.site_ptr[site + 1]):
        i = lists.row[s]
        touched[i] = lists.row_cost[s] < state.next_[i]
    for i in range(len(touched)):
        if state.first[i] == slot or state.second[i] == slot:
            touched[i] = True
        if touched[i]:
            _count(lists, state, i, -1.0)
    if state.site_of[slot] >= 0:
        state.slot_of[state.site_of[slot]] = -1
    state.site_of[slot], state.slot_of[site] = site, slot
    for i in range(len(touched)):
        if touched[i]:
            _find(lists, state, i)
            _count(lists, state, i, 1.0)


@compiled
def shaken(start: Ints, limits: Limits, closings: int, seed: int) -> Ints:
    """Close some of the open sites at random and open others that the budget allows."""
    np.random.seed(seed)  # noqa: NPY002 -- compiled code has its own generator, of this kind alone
    found = start.copy()
    sites = len(limits.price)
    is_open = np.zeros(sites, np.bool_)
    spent = 0.0
    for site in found:
        if site >= 0:
            is_open[site] = True
            spent += limits.price[site]
    for _ in range(closings):
        slot = np.random.randint(len(found))  # noqa: NPY002
        site = np.random.randint(sites)  # noqa: NPY002
        old = found[slot]
        after = spent + limits.price[site] - (limits.price[old] if old >= 0 else 0.0)
        if is_open[site] or after > limits.budget:
            continue
        if old >= 0:
            is_open[old] = False
        is_open[site] = True
        found[slot], spent = site, after
    return found
