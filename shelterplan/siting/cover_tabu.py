"""Swaps with a short memory (tabu search, Glover 1989): the compiled loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from shelterplan.kernels.common import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.cover_search import Columns, Cover, Floats, Ints, Limits

TENURE = 8
"""A site that a swap took out stays out for so many swaps, up to twice as many by lot."""
STALL = 100
"""After so many swaps without a better plan, some sites are exchanged by lot."""
KICK = 0.1
"""The share of the sites that are exchanged then."""
LOOKED_AT = 15
"""About so many sites of the plan, drawn by lot, are looked at for the next swap."""


@compiled
def gains(cover: Cover) -> Floats:
    """Return what each site covers."""
    gain = np.zeros(len(cover.start) - 1)
    for j in range(len(gain)):
        for t in range(cover.start[j], cover.start[j + 1]):
            gain[j] += cover.weights[cover.point_of[t]]
    return gain


class _State(NamedTuple):
    """A plan during the search."""

    times: Ints
    """How many chosen sites cover each point."""
    chosen: NDArray[np.bool_]
    gain: Floats
    """What each site would add."""
    loss: Floats
    """What only this chosen site covers."""


@compiled
def _add(j: int, cover: Cover, state: _State) -> float:
    """Choose a site; return what that adds."""
    more = 0.0
    for t in range(cover.start[j], cover.start[j + 1]):
        i = cover.point_of[t]
        weight = cover.weights[i]
        state.times[i] += 1
        if state.times[i] == 1:
            more += weight
            state.loss[j] += weight
            for s in range(cover.point_start[i], cover.point_start[i + 1]):
                state.gain[cover.site_of[s]] -= weight
        elif state.times[i] == 2:
            for s in range(cover.point_start[i], cover.point_start[i + 1]):
                if state.chosen[cover.site_of[s]]:
                    state.loss[cover.site_of[s]] -= weight
                    break
    state.chosen[j] = True
    return more


@compiled
def _drop(j: int, cover: Cover, state: _State) -> float:
    """Give a site up; return what that costs."""
    less = 0.0
    state.chosen[j] = False
    state.loss[j] = 0.0
    for t in range(cover.start[j], cover.start[j + 1]):
        i = cover.point_of[t]
        weight = cover.weights[i]
        state.times[i] -= 1
        if state.times[i] == 0:
            less += weight
            for s in range(cover.point_start[i], cover.point_start[i + 1]):
                state.gain[cover.site_of[s]] += weight
        elif state.times[i] == 1:
            for s in range(cover.point_start[i], cover.point_start[i + 1]):
                if state.chosen[cover.site_of[s]]:
                    state.loss[cover.site_of[s]] += weight
                    break
    return less


@compiled
def _below(lot: NDArray[np.uint64], end: int) -> int:
    """Draw a whole number from 0 to end - 1 (xorshift, Marsaglia 2003)."""
    x = lot[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    lot[0] = x
    return np.int64((x >> np.uint64(11)) % np.uint64(end))  # type: ignore[return-value]


@compiled
def _best_swap(  # noqa: C901, PLR0912
    cover: Cover,
    limits: Limits,
    state: _State,
    plan: Columns,
    left: float,
    tabu: Columns,
    now: int,
    record: float,
    shared: Floats,
    touched: Ints,
    lot: NDArray[np.uint64],
) -> tuple[int, int]:
    """Return the place in the plan to free and the site to put there; -1 if all are tabu.

    A tabu site is taken where that betters the record by more than rounding. `record` is told from
    where the search stands.
    """
    sites = len(state.gain)
    plain = np.isinf(limits.budget)
    lone, most_alone = -1, -np.inf
    if plain:
        for j in range(sites):
            if not state.chosen[j] and tabu[j] < now and state.gain[j] > most_alone:
                lone, most_alone = j, state.gain[j]
    place, site, most = -1, -1, -np.inf
    for q in range(len(plan)):
        out = plan[q]
        if tabu[out] >= now or (len(plan) > LOOKED_AT and _below(lot, len(plan)) >= LOOKED_AT):
            continue
        loss = state.loss[out]
        room = left + limits.costs[out]
        if plain:
            if lone >= 0 and most_alone - loss > most:
                place, site, most = q, lone, most_alone - loss
        else:
            for j in range(sites):
                can = not state.chosen[j] and tabu[j] < now and limits.costs[j] <= room
                if can and state.gain[j] - loss > most:
                    place, site, most = q, j, state.gain[j] - loss
        number = 0
        for t in range(cover.start[out], cover.start[out + 1]):
            i = cover.point_of[t]
            if state.times[i] == 1:
                for s in range(cover.point_start[i], cover.point_start[i + 1]):
                    j = cover.site_of[s]
                    if shared[j] == 0.0:
                        touched[number] = j
                        number += 1
                    shared[j] += cover.weights[i]
        for x in range(number):
            j = touched[x]
            better = state.gain[j] + shared[j] - loss
            shared[j] = 0.0
            can = not state.chosen[j] and limits.costs[j] <= room
            if can and better > most and (tabu[j] < now or better > record + 1e-9):
                place, site, most = q, j, better
    return place, site


@compiled
def _fill(
    cover: Cover, limits: Limits, state: _State, plan: Columns, number: int, left: float
) -> tuple[int, float, float]:
    """Add sites while that is allowed and helps: the most for their cost first."""
    more = 0.0
    while number < limits.most:
        best, most = -1, 0.0
        for j in range(len(state.gain)):
            if not state.chosen[j] and state.gain[j] > 1e-9 and limits.costs[j] <= left:
                worth = state.gain[j] / max(limits.costs[j], 1e-12)
                if worth > most:
                    best, most = j, worth
        if best < 0:
            break
        more += _add(best, cover, state)
        plan[number] = best
        number += 1
        left -= limits.costs[best]
    return number, left, more


@compiled
def _spent(limits: Limits, plan: Columns) -> float:
    spent = 0.0
    for j in plan:
        spent += limits.costs[j]
    return spent


@compiled
def _kick(
    cover: Cover, limits: Limits, state: _State, plan: Columns, number: int, lot: NDArray[np.uint64]
) -> float:
    """Exchange some sites of a plan for neighbours or any others by lot; return what that adds."""
    more = 0.0
    sites = len(state.gain)
    spent = _spent(limits, plan[:number])
    times = max(2, int(number * KICK * (0.5 + _below(lot, 1000) / 1000)))
    for _ in range(times):
        q = _below(lot, number)
        out = plan[q]
        if cover.start[out] == cover.start[out + 1]:
            continue
        i = cover.point_of[cover.start[out] + _below(lot, cover.start[out + 1] - cover.start[out])]
        width = cover.point_start[i + 1] - cover.point_start[i]
        j = cover.point_start[i] + _below(lot, width)
        j = int(cover.site_of[j])
        if state.chosen[j] or _below(lot, 10) < 3:
            j = _below(lot, sites)
        if state.chosen[j] or spent - limits.costs[out] + limits.costs[j] > limits.budget:
            continue
        more -= _drop(out, cover, state)
        more += _add(j, cover, state)
        spent += limits.costs[j] - limits.costs[out]
        plan[q] = j
    return more


@compiled
def _return_to(cover: Cover, state: _State, plan: Columns, best: Columns) -> float:
    """Choose the sites of the best plan again; return what that adds."""
    more = 0.0
    wanted = np.zeros(len(state.gain), np.bool_)
    for j in best:
        wanted[j] = True
    for j in plan:
        if not wanted[j]:
            more -= _drop(j, cover, state)
    for j in best:
        if not state.chosen[j]:
            more += _add(j, cover, state)
    return more


@compiled
def tabu_search(
    cover: Cover,
    limits: Limits,
    start: Columns,
    iterations: int,
    seed: np.uint64,
    least: float,
    most: int,
) -> tuple[Columns, NDArray[np.int64]]:
    """Return the best plan of all swaps, and up to `most` full ones of at least `least`."""
    sites = len(cover.start) - 1
    lot = np.array([seed * np.uint64(0x9E3779B97F4A7C15) | np.uint64(1)])
    state = _State(
        np.zeros(len(cover.weights), np.int32),
        np.zeros(sites, np.bool_),
        gains(cover),
        np.zeros(sites),
    )
    shared, touched = np.zeros(sites), np.empty(sites, np.int32)
    tabu = np.zeros(sites, np.int64)
    plan = np.empty(limits.most, np.int64)
    number = len(start)
    value = 0.0
    for q in range(number):
        plan[q] = start[q]
        value += _add(start[q], cover, state)
    number, left, more = _fill(
        cover, limits, state, plan, number, limits.budget - _spent(limits, plan[:number])
    )
    value += more
    best, record, stall = plan[:number].copy(), value, 0
    kept, plans = np.empty((most, limits.most), np.int64), 0
    for now in range(1, iterations + 1):
        q, j = _best_swap(
            cover,
            limits,
            state,
            plan[:number],
            left,
            tabu,
            now,
            record - value,
            shared,
            touched,
            lot,
        )
        if q < 0:
            tabu[:] = 0
        else:
            out = plan[q]
            value -= _drop(out, cover, state)
            value += _add(j, cover, state)
            plan[q] = j
            tabu[out] = now + TENURE + _below(lot, TENURE + 1)
            tabu[j] = now + _below(lot, 1 + max(1, min(TENURE, number // 3)))
            left = limits.budget - _spent(limits, plan[:number])
            if number < limits.most:
                number, left, more = _fill(cover, limits, state, plan, number, left)
                value += more
        if plans < most and value >= least and number == limits.most:
            kept[plans] = plan[:number]
            plans += 1
        stall += 1
        if value > record + 1e-9:
            best, record, stall = plan[:number].copy(), value, 0
        if stall >= STALL or q < 0:
            stall = 0
            tabu[:] = 0
            if _below(lot, 10) < 7:
                value += _return_to(cover, state, plan[:number], best)
                number = len(best)
                for p in range(number):
                    plan[p] = best[p]
            value += _kick(cover, limits, state, plan, number, lot)
            left = limits.budget - _spent(limits, plan[:number])
            number, left, more = _fill(cover, limits, state, plan, number, left)
            value += more
    return best, kept[:plans]
