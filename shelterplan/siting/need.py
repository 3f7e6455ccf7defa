"""Most need met: people who count differently compete for the same room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from shelterplan.progress import Progress, silent
from shelterplan.siting.capacitated import capacitated_cover
from shelterplan.siting.capacitated_flow import Rooms, most_placed
from shelterplan.siting.capacitated_model import constraints, entries
from shelterplan.siting.highs import Model, solve
from shelterplan.siting.max_cover import max_cover
from shelterplan.siting.problem import Choice, as_capacity, as_cover, as_weights
from shelterplan.siting.reduce import merge_rows
from shelterplan.siting.result import ROUNDING, SitingResult
from shelterplan.siting.watch import Watch, never

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from shelterplan.siting.problem import Matrix

    Floats = NDArray[np.float64]


def need_cover(
    cover: Matrix,
    people: ArrayLike,
    need: ArrayLike,
    count: float | None = None,
    *,
    budget: float | None = None,
    fixed: Sequence[int] = (),
    costs: ArrayLike | None = None,
    capacity: ArrayLike | None = None,
    time_limit_s: float = 10.0,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> SitingResult:
    """Choose sites so that as much need as possible is met.

    The most sum(need[i] x[i, j]), with x[i, j] people of demand point i at site j that covers it,
    sum(x[i, j] over j) <= people[i] and, with `capacity`, sum(x[i, j] over i) <= capacity[j]. A
    person takes one place, however much it counts. Without capacity this is `max_cover` with
    weights people times need.

    Parameters
    ----------
    cover : matrix, shape (demand, sites)
        See `problem.as_cover`.
    people : array_like, shape (demand,)
        People.
    need : array_like, shape (demand,)
        How much one of them counts.
    count, budget, fixed, costs, capacity, time_limit_s, progress, stop
        As in `max_cover`.

    Examples
    --------
    One place for two people: the one in greater need has it.

    >>> need_cover([[1], [1]], [1, 1], [1, 3], 1, capacity=[1]).objective
    3.0
    """
    matrix = as_cover(cover)
    crowd, worth = (as_weights(given, matrix.shape[0]) for given in (people, need))
    most = worth.max(initial=0.0)
    if capacity is None or len(np.unique(worth)) < 2:
        return max_cover(
            matrix,
            crowd * worth,
            count,
            budget=budget,
            fixed=fixed,
            costs=costs,
            capacity=None if capacity is None else np.asarray(capacity, float) * most,
            time_limit_s=time_limit_s,
            progress=progress,
            stop=stop,
        )
    watch = Watch(time_limit_s, progress, stop)
    choice = Choice.of(matrix.shape[1], count, budget=budget, fixed=fixed, costs=costs)
    levels, label = np.unique(worth, return_inverse=True)
    room = as_capacity(capacity, matrix.shape[1], float(crowd.sum()))
    there = np.flatnonzero(crowd > 0)
    merged = merge_rows(sparse.csr_array(matrix[there]), crowd[there], label[there])
    value = np.zeros(len(merged.weights))
    value[merged.group[merged.group >= 0]] = worth[there][merged.group >= 0]
    rooms = Rooms.of(merged.cover, merged.weights, room)
    start = capacitated_cover(matrix, crowd, choice, room, watch=watch.part(0.2))
    sites, bound = _by_solver(rooms, value, choice, np.array(start.selected, np.int64), watch)
    plans = [np.array(start.selected, np.int64), np.union1d(choice.fixed, sites)]
    met = [_met(matrix, crowd, worth, levels, room, plan) for plan in plans]
    best = int(np.argmax(met))
    return SitingResult.of(plans[best], met[best], bound, seconds=watch.seconds, sense="most")


def _met(
    cover: Any,  # noqa: ANN401
    people: Floats,
    need: Floats,
    levels: Floats,
    room: Floats,
    sites: NDArray[np.int64],
) -> float:
    """Return how much need is met at these sites, from maximum flows alone.

    Who can have a place together is a matroid: the greatest need first is best, and each flow of
    those who need at least so much tells how many of them have a place.
    """
    total, before = 0.0, 0.0
    for level in levels:
        if level > before:
            who = need >= level
            merged = merge_rows(sparse.csr_array(cover[who]), people[who])
            placed = most_placed(Rooms.of(merged.cover, merged.weights, room), sites).placed
            total += (level - before) * placed
            before = float(level)
    return total


def _by_solver(
    rooms: Rooms, value: Floats, choice: Choice, start: NDArray[np.int64], watch: Watch
) -> tuple[NDArray[np.int64], float]:
    """Return the sites that HiGHS chooses, and its bound."""
    sites, pairs = len(rooms.room), len(rooms.row_of)
    site = entries(rooms)
    rows, upper = constraints(rooms, np.arange(sites), site, rooms.row_of)
    limits, most = [], []
    added = np.ones(sites)
    added[choice.fixed] = 0.0
    for factor, limit in ((added, choice.count), (choice.costs, choice.budget)):
        if factor is not None and limit is not None and np.isfinite(limit):
            limits.append(np.concatenate([factor * added, np.zeros(pairs)]))
            most.append(float(limit))
    blocks = [rows, *([sparse.csr_array(np.array(limits))] if limits else [])]
    stacked = sparse.csr_array(sparse.vstack(blocks))
    whole = np.arange(sites + pairs) < sites
    lower = np.zeros(sites + pairs)
    lower[choice.fixed] = 1.0
    model = Model(
        objective=np.append(np.zeros(sites), (rooms.weight * value)[rooms.row_of]),
        rows=stacked,
        row_lower=np.full(stacked.shape[0], -np.inf),
        row_upper=np.append(upper, most),
        column_lower=lower,
        column_upper=np.ones(sites + pairs),
        whole=whole,
        sense="most",
    )
    first = np.isin(np.arange(sites), start).astype(float)
    flow = most_placed(rooms, start).flow / rooms.weight[rooms.row_of]
    solved = solve(model, watch, start=np.append(first, flow), absolute_gap=ROUNDING)
    everything = float((rooms.weight * value).sum())
    chosen = start if solved.values is None else np.flatnonzero(solved.values[:sites] > 0.5)
    return chosen, min(solved.bound, everything)
