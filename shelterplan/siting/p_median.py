"""The p-median: few sites, and the least walking of all people together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from shelterplan.progress import Progress, silent
from shelterplan.siting.covering import Purse, covered_within
from shelterplan.siting.median_bound import bound, settled
from shelterplan.siting.median_lists import as_sparse, first_of_equals, lists_of, narrowed
from shelterplan.siting.median_room import best_with_room
from shelterplan.siting.median_search import MOVES, Limits, greedy, interchange, shaken
from shelterplan.siting.median_tree import Search
from shelterplan.siting.problem import Choice, as_capacity, as_costs_matrix, as_weights, is_whole
from shelterplan.siting.result import NoPlanError, SitingError, SitingResult
from shelterplan.siting.room_for_all import warm_up as warm_up_flow
from shelterplan.siting.watch import Watch, never

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from shelterplan.siting.median_lists import Floats, Ints, Lists
    from shelterplan.siting.median_tree import Found
    from shelterplan.siting.problem import Matrix, Sparse


_FREE = 1e-14
"""Price of sites that cost nothing, where their number counts."""


def p_median(
    cost: Matrix,
    weights: ArrayLike | None = None,
    count: float | None = None,
    *,
    budget: float | None = None,
    fixed: Sequence[int] = (),
    costs: ArrayLike | None = None,
    capacity: ArrayLike | None = None,
    unserved_cost: float | None = None,
    time_limit_s: float = 10.0,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> SitingResult:
    """Choose the sites to which all people together walk the least.

    Formulation (Hakimi 1964; ReVelle and Swain 1970), with w_i the weights, c_ij the costs,
    x_ij = 1 if demand point i walks to site j, y_j = 1 if site j is open:

        least of      sum over i, j of  w_i c_ij x_ij
        such that     sum over j of x_ij = 1    for each i
                      x_ij <= y_j               for each i, j
                      sum over j not fixed of y_j <= count   (and costs_j y_j <= budget)
                      y_j = 1 for fixed j;  y_j is 0 or 1;  x_ij >= 0
                      sum over i of w_i x_ij <= capacity_j y_j   (with capacity)

    Without capacity, all walk to the nearest open site. A good plan comes from greedy opening and
    interchange (Resende and Werneck 2007), its bound from Lagrangian relaxation (Cornuejols, Fisher
    and Nemhauser 1977), the proof from reduced costs with branch and bound, or HiGHS on what is
    left. With capacity, all is left to HiGHS, and demand points can be split between sites.

    Parameters
    ----------
    cost : matrix, shape (demand, sites)
        What each person of a demand point pays at a site: a distance or a time. Dense (`inf`: not
        reached) or scipy sparse (what is not stored is not reached; a stored 0 costs nothing).
    weights : array, shape (demand,), optional
        People at each demand point; 1 each by default. Points of weight 0 count for nothing.
    count : int, optional
        Most sites that may be added to the fixed ones; with `costs` and no `budget`, the budget.
    budget : float, optional
        Most that the added sites may cost together; with `count`, both limits hold.
    fixed : sequence of int
        Columns of sites that are there already.
    costs : array, shape (sites,), optional
        What each site costs.
    capacity : array, shape (sites,), optional
        How much weight each site has room for.
    unserved_cost : float, optional
        What a person whom no open site serves pays, and the most that anybody pays. By default all
        must be served.
    time_limit_s : float
        How long it may take [s].
    progress : Progress
        Told the best plan and the bound so far.
    stop : callable
        Asked now and then; once it says yes, the best plan so far is returned.

    Returns
    -------
    SitingResult
        `objective`: what all people pay together. Sites that serve nobody are not added.

    Raises
    ------
    NoPlanError
        If there are people whom no site reaches, no sites within the count or budget reach all of
        them or have room, or no such sites were found in time.
    SitingError
        If the input cannot be used as given.

    References
    ----------
    Hakimi, S. L. 1964. Optimum locations of switching centers and the absolute centers and medians
    of a graph. Operations Research 12. Beasley, J. E. 1985. A note on solving large p-median
    problems. European Journal of Operational Research 21 (the problems of OR-Library).

    Examples
    --------
    Four places on a road at 0, 1, 2 and 6 km; one site, then two:

    >>> places = np.array([0.0, 1, 2, 6])
    >>> cost = abs(places[:, None] - places)
    >>> p_median(cost, count=1).objective
    7.0
    >>> found = p_median(cost, count=2)
    >>> found.selected, found.objective, found.status
    ((1, 3), 2.0, 'optimal')
    """
    warm_up()
    watch = Watch(time_limit_s, progress, stop)
    matrix = as_costs_matrix(cost)
    people = as_weights(weights, matrix.shape[0])
    choice = Choice.of(matrix.shape[1], count, budget=budget, fixed=fixed, costs=costs)
    if unserved_cost is not None and not (np.isfinite(unserved_cost) and unserved_cost >= 0):
        message = f"unserved_cost must be a finite number, 0 or more, not {unserved_cost!r}"
        raise SitingError(message)
    _refuse_unreached(matrix, people, unserved_cost)
    if capacity is not None:
        room = as_capacity(capacity, matrix.shape[1], float(people.sum()))
        warm_up_flow()
        watch = Watch(time_limit_s, progress, stop)
        return best_with_room(matrix, people, choice, room, unserved_cost, watch)
    return _solved(matrix, people, choice, unserved_cost, watch)


@cache
def warm_up() -> None:
    """Compile what the search runs on, once a process: it is no part of anybody's time limit."""
    cost = np.array([[0.0, 2, 5], [2, 0, 4], [5, 4, 0]])
    lists, limits = lists_of(cost, np.full(3, 9.0)), Limits.of(np.ones(3), 2.0)
    _, slots, _ = interchange(lists, limits, greedy(lists, limits), MOVES)
    shaken(slots, limits, 2, 0)
    state = np.zeros(3, np.int8)
    found = bound(lists, limits, state, np.ones(3), 9.0, 1.5, 2, 0.5, 20, 1e-3, 0.7, 3)
    settled(found, limits, state, 0.5)
    covered_within(as_sparse(lists), Purse.of(Choice.of(3, 1)), Watch(60.0))


def _refuse_unreached(matrix: Sparse | Floats, people: Floats, unserved_cost: float | None) -> None:
    """Refuse people whom no site reaches."""
    if unserved_cost is not None:
        return
    if isinstance(matrix, np.ndarray):
        reached = np.isfinite(matrix).any(axis=1)
    else:
        row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        reached = np.bincount(row[np.isfinite(matrix.data)], minlength=matrix.shape[0]) > 0
    rows = np.flatnonzero((people > 0) & ~reached)
    if rows.size:
        named = ", ".join(str(row) for row in rows[:5].tolist())
        more = f" and {rows.size - 5} more" if rows.size > 5 else ""
        message = (
            f"no site reaches the people of row {named}{more}: leave them out, or say what being "
            "unserved costs (unserved_cost)"
        )
        raise NoPlanError(message)


@dataclass(frozen=True, eq=False)
class _Problem:
    """The p-median in scaled units, without rows and sites that do not matter."""

    lists: Lists
    limits: Limits
    purse: Purse
    """The same limits for the lists' sites."""
    choice: Choice
    number: Ints
    """Which site each of the lists' sites is."""
    added: Ints
    """Sites that cost nothing, which are opened at once."""
    scale: float
    """What a cost of 1 in the lists stands for."""
    unit: float
    """1 if all costs in the lists are whole, 0 if not."""
    missed: float
    """What a point pays in the lists that must be served and is not; 0: there is none."""


def _problem(
    matrix: Sparse | Floats, people: Floats, choice: Choice, unserved_cost: float | None
) -> _Problem:
    purse = Purse.of(choice)
    added = choice.free[purse.given[choice.free]]
    free = choice.free[purse.able[choice.free] & ~purse.given[choice.free]]
    price = np.maximum(purse.price, _FREE)
    living = people > 0
    weight = people[living] / _common(people[living])
    there = matrix[living][:, np.concatenate([choice.fixed, added])]
    base = np.minimum(nearest(there), np.inf if unserved_cost is None else unserved_cost) * weight
    paid: Sparse | Floats
    part = matrix[living][:, free]
    if isinstance(part, np.ndarray):
        paid = part * weight[:, None]
        values = paid[paid < base[:, None]]
    else:
        values = part.data * np.repeat(weight, np.diff(part.indptr))
        paid = sparse.csr_array((values, part.indices, part.indptr), shape=part.shape)
        values = values[np.isfinite(values)]
    known = np.concatenate([values, base[np.isfinite(base)]])
    unit = _common(known) if is_whole(known) and known.max(initial=0.0) < 2**50 else 0.0
    scale = unit or 1.0
    worst = np.where(np.isfinite(base), base, 0.0) / scale
    missed = 0.0
    if not np.isfinite(base).all():
        missed = float(2 + worst.sum() + np.ceil(values.max(initial=0.0) / scale) * len(base))
    base = np.where(np.isfinite(base), base / scale, missed)
    lists = lists_of(paid, base, scale)
    kept = first_of_equals(lists, price[free])
    if not kept.all():
        lists = narrowed(lists, kept, base, np.full(len(base), np.inf))
    return _Problem(
        lists=lists,
        limits=Limits.of(price[free][kept], purse.budget, purse.most),
        purse=purse.part(free[kept]),
        choice=choice,
        number=free[kept],
        added=added,
        scale=scale * _common(people[living]),
        unit=1.0 if unit else 0.0,
        missed=missed,
    )


def _common(numbers: Floats) -> float:
    """Return the largest whole number that divides all; of others a power of two near the most."""
    most = float(numbers.max(initial=0.0))
    if most == 0:
        return 1.0
    if most < 2**50 and is_whole(numbers):
        return float(np.gcd.reduce(np.unique(numbers).astype(np.int64)))
    return float(2.0 ** np.floor(np.log2(most)))


def nearest(cost: Sparse | Floats) -> Floats:
    """Return what each row pays at its cheapest site; `inf` if it reaches none."""
    if isinstance(cost, np.ndarray):
        dense: Floats = np.min(cost, axis=1, initial=np.inf)
        return dense
    found = np.full(cost.shape[0], np.inf)
    np.minimum.at(found, np.repeat(np.arange(cost.shape[0]), np.diff(cost.indptr)), cost.data)
    return found


def _solved(
    matrix: Sparse | Floats,
    people: Floats,
    choice: Choice,
    unserved_cost: float | None,
    watch: Watch,
) -> SitingResult:
    problem = _problem(matrix, people, choice, unserved_cost)
    start = _serving_all(problem, watch) if problem.missed else None
    found = _searched(problem, start, watch)
    if problem.missed and found.paid >= problem.missed:
        _refuse_missing(found, problem)
    opened = np.concatenate([choice.fixed, problem.added, problem.number[found.plan]])
    selected = _useful(matrix, people, opened, choice.fixed, unserved_cost)
    paid = nearest(matrix[:, selected])
    paid = np.minimum(paid, np.inf if unserved_cost is None else unserved_cost)
    objective = float((people[people > 0] * paid[people > 0]).sum())
    proven = found.lower >= found.paid
    return SitingResult.of(
        selected.tolist(),
        objective,
        objective if proven else min(objective, found.lower * problem.scale),
        seconds=watch.seconds,
        sense="least",
        whole=bool(problem.unit) and problem.scale == 1.0,
    )


def _searched(problem: _Problem, start: Ints | None, watch: Watch) -> Found:
    """Search; where count and budget both matter, first without the budget, for a better bound."""
    lists, limits, unit = problem.lists, problem.limits, problem.unit
    if problem.purse.most == np.inf:
        return Search(lists, limits, unit, watch, start).run()
    alike = Limits.of(np.ones(lists.sites), problem.purse.most)
    wide = Search(lists, alike, unit, watch.part(0.3), start).run()
    if problem.purse.allows(wide.plan):
        return wide
    found = Search(lists, limits, unit, watch, start).run()
    return found._replace(lower=min(found.paid, max(found.lower, wide.lower)))


def _serving_all(problem: _Problem, watch: Watch) -> Ints | None:
    """Return sites of a plan that serves all who must be served, or refuse."""
    must = problem.lists.base >= problem.missed
    limits = problem.limits
    if (np.diff(problem.lists.ptr)[must] == len(problem.number)).all() and limits.most:
        return None
    cover = sparse.csr_array(as_sparse(problem.lists)[must])
    cover.data[:] = 1.0
    found = covered_within(cover, problem.purse, watch.part(0.5))
    if found.none:
        raise NoPlanError(_too_few(problem, found.least))
    return found.sites


def _too_few(problem: _Problem, least: float) -> str:
    choice, whole = problem.choice, (problem.purse.price == 1).all()
    if choice.costs is None and whole and np.isfinite(least):
        return (
            f"{choice.count} more sites do not reach all people: at least {least:.0f} are needed; "
            "raise the count, or say what being unserved costs"
        )
    limits = [] if choice.count is None else [f"{choice.count} more sites"]
    limits += [] if choice.costs is None else [f"sites for {choice.budget:g}"]
    return (
        f"no {' and '.join(limits)} reach all people: raise what is allowed, or say what being "
        "unserved costs (unserved_cost)"
    )


def _refuse_missing(found: Found, problem: _Problem) -> None:
    if found.lower >= problem.missed:
        raise NoPlanError(_too_few(problem, problem.purse.budget + 1))
    message = "no sites that reach all people were found in time: raise the time limit"
    raise NoPlanError(message)


def _useful(
    matrix: Sparse | Floats,
    people: Floats,
    opened: Ints,
    fixed: Ints,
    unserved_cost: float | None,
) -> Ints:
    """Leave out the added sites to which nobody walks; where equal, people walk to the first."""
    part = matrix[people > 0][:, opened]
    base = np.full(part.shape[0], np.inf if unserved_cost is None else unserved_cost)
    lists = lists_of(part, base)
    used = np.unique(lists.site[lists.ptr[:-1][np.diff(lists.ptr) > 0]])
    return np.union1d(opened[used], fixed)
