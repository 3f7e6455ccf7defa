"""The most people who have a place, where sites have limited room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from shelterplan.siting.capacitated_bound import Ceiling, Limits, ceiling
from shelterplan.siting.capacitated_flow import Flow, Rooms, close, most_placed, refill
from shelterplan.siting.capacitated_model import Assigned, assigned, entries, whole_from
from shelterplan.siting.problem import Choice, Matrix, as_capacity, as_cover, as_weights, is_whole
from shelterplan.siting.reduce import merge_rows
from shelterplan.siting.result import ROUNDING, SitingResult

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from shelterplan.siting.watch import Watch

    Floats = NDArray[np.float64]

_SWAP_ROUNDS = 20
_TRIALS = 400
"""Times that a few near sites are closed and others opened, at most."""
_STEPS = 400
"""Steps of the Lagrangian bound, at most."""
_LARGEST_MODEL = 40_000
"""Pairs of demand point and site that HiGHS is given at most; beyond, it finds nothing in time."""


def capacitated_cover(
    cover: Matrix,
    weights: ArrayLike | None,
    choice: Choice,
    capacity: ArrayLike,
    *,
    whole_points: bool = False,
    watch: Watch,
) -> SitingResult:
    """Choose sites so that as many people as possible have a place at a site that covers them.

    The capacitated maximal covering problem (Current and Storbeck 1988): most
    sum(w[i] x[i, j]) over the pairs that cover, with sum(x[i, j] over j) <= 1,
    sum(w[i] x[i, j] over i) <= capacity[j] y[j], 0 <= x[i, j] <= y[j], y[j] 0 or 1 and 1 for fixed
    sites, and no more added sites than `choice` allows. The people of a point may be split between
    sites; with `whole_points`, x is 0 or 1 too: all of a point have a place at one site, or none.

    Given the sites, a maximum flow tells who has a place. A plan comes from opening sites greedily,
    closing one or a few that are near each other and opening the best others, each time with the
    change of the flow; the bound from a Lagrangian relaxation (`capacitated_bound.ceiling`), and
    HiGHS decides what is left where that is small enough.

    Parameters
    ----------
    cover : matrix, shape (demand, sites)
        Which demand points each site covers; see `problem.as_cover`.
    weights : array_like, shape (demand,), or None
        People.
    choice : Choice
        Which sites are there, how many more there may be.
    capacity : array_like, shape (sites,)
        People that each site has room for; `inf` or NaN without limit.
    whole_points : bool
        Whether the people of a demand point must stay together.
    watch : Watch
        How long it may take.

    Returns
    -------
    SitingResult
        `objective` is the number of people who have a place, at fixed sites too.

    Raises
    ------
    SitingError
        If numbers do not fit the matrix or are negative.

    Examples
    --------
    Site 0 covers all 16 people and has room for 8, site 1 covers ten and has room for 12.

    >>> from shelterplan.siting.watch import Watch
    >>> cover, people, room = [[1, 1], [1, 0]], [10, 6], [8, 12]
    >>> one = Choice.of(2, 1)
    >>> found = capacitated_cover(cover, people, one, room, watch=Watch(5.0))
    >>> found.selected, found.objective, found.status
    ((1,), 10.0, 'optimal')
    >>> both = Choice.of(2, 2)
    >>> capacitated_cover(cover, people, both, room, watch=Watch(5.0)).objective
    16.0
    """
    matrix = as_cover(cover)
    people = as_weights(weights, matrix.shape[0])
    room = as_capacity(capacity, matrix.shape[1], float(people.sum()))
    use = np.flatnonzero((people > 0) & (np.diff(matrix.indptr) > 0))
    rows, crowd = sparse.csr_array(matrix[use]), people[use]
    rooms = Rooms.of(rows, crowd, room)
    limits = _limits(choice)
    if whole_points:
        chosen, bound, objective = _whole(rooms, limits, watch)
    else:
        merged = merge_rows(rows, crowd)
        chosen, bound = _split(Rooms.of(merged.cover, merged.weights, room), limits, watch)
        objective = placed_at(rooms, chosen)
    whole = is_whole(crowd) and is_whole(rooms.room)
    bound = float(np.floor(bound * (1 + ROUNDING))) if whole else bound
    return SitingResult.of(
        chosen, objective, bound, seconds=watch.seconds, sense="most", whole=whole
    )


def placed_at(rooms: Rooms, sites: NDArray[np.int64]) -> float:
    """Return how many people find room at these sites: a maximum flow, from nothing, checked."""
    flow = most_placed(rooms, sites).flow
    rows = np.bincount(rooms.row_of, flow, len(rooms.weight))
    held = np.bincount(entries(rooms), flow, len(rooms.room))
    shut = np.ones(len(rooms.room), bool)
    shut[sites] = False
    slack = rooms.crumb * len(rooms.row_of) + 1e-9
    limit = np.where(shut, 0.0, rooms.room)
    if (flow < -slack).any() or (rows > rooms.weight + slack).any() or (held > limit + slack).any():
        message = "the flow gives places that are not there"
        raise RuntimeError(message)
    return float(flow.sum())


def _limits(choice: Choice) -> Limits:
    sites = len(choice.fixed) + len(choice.free)
    fixed = np.zeros(sites, np.bool_)
    fixed[choice.fixed] = True
    cost = np.ones(sites) if choice.costs is None else choice.costs
    count = len(choice.free) if choice.count is None else choice.count
    return Limits(fixed, cost.astype(float), choice.budget, count)


def _split(rooms: Rooms, limits: Limits, watch: Watch) -> tuple[NDArray[np.int64], float]:
    """Return the chosen sites and the bound, where points may be split."""
    plan, top = _searched(rooms, limits, watch)
    bound = top.bound
    near = plan.placed * (1 + ROUNDING)
    if bound > near and not watch.over:
        useful = _useful(plan.open_, plan.placed, top, limits)
        if _pairs(rooms, useful) <= _LARGEST_MODEL:
            found = assigned(rooms, limits, useful, plan.open_, plan.flow, watch, whole=False)
            bound = min(bound, max(found.bound, plan.placed))
            plan = _better(rooms, plan, found)
        else:
            plan = _Search(rooms, limits, watch, bound).trials(plan, _TRIALS)
    return np.flatnonzero(plan.open_), bound


def _whole(rooms: Rooms, limits: Limits, watch: Watch) -> tuple[NDArray[np.int64], float, float]:
    """Return the chosen sites, the bound and the people placed, where points stay together."""
    plan, top = _searched(rooms, limits, watch.part(0.4))
    best = whole_from(rooms, plan)
    useful = _useful(plan.open_, best.placed, top, limits)
    bound = top.bound
    for sites in (plan.open_, useful):
        if bound <= best.placed * (1 + ROUNDING) or watch.over:
            break
        if _pairs(rooms, sites) > _LARGEST_MODEL:
            continue
        all_ = sites is useful
        part = watch if all_ else watch.part(0.4)
        found = assigned(rooms, limits, sites, best.open_, best.flow, part, whole=True)
        if found.placed > best.placed:
            best = found
        if all_:
            bound = min(bound, max(found.bound, best.placed))
    return np.flatnonzero(best.open_), bound, _checked(rooms, best)


def _checked(rooms: Rooms, found: Assigned) -> float:
    """Count the people placed whole, after checking that they may be."""
    used = np.flatnonzero(found.flow > 0)
    point, site = rooms.row_of[used], entries(rooms)[used]
    held = np.bincount(site, rooms.weight[point], len(rooms.room))
    once = len(np.unique(point)) == len(point)
    slack = ROUNDING * np.maximum(1.0, rooms.room)
    if not once or not found.open_[site].all() or (held > rooms.room + slack).any():
        message = "points are given places that are not there"
        raise RuntimeError(message)
    return float(rooms.weight[point].sum())


def _searched(rooms: Rooms, limits: Limits, watch: Watch) -> tuple[Flow, Ceiling]:
    """Return a good plan and the Lagrangian bound."""
    search = _Search(rooms, limits, watch.part(0.3), np.inf)
    plan = search.swaps(search.first())
    top = ceiling(rooms, limits, plan.placed, watch.part(0.5), steps=_STEPS)
    search = _Search(rooms, limits, watch.part(0.3), top.bound)
    return search.trials(plan, _TRIALS // 4), top


def _useful(
    open_: NDArray[np.bool_], placed: float, top: Ceiling, limits: Limits
) -> NDArray[np.bool_]:
    """Return the sites that a better plan can have."""
    useful: NDArray[np.bool_] = top.bound + np.minimum(top.worth, 0.0) >= placed * (1 - ROUNDING)
    affordable = limits.cost <= limits.spend * (1 + 1e-9)
    return (useful & affordable & (limits.number > 0)) | open_ | limits.fixed


def _pairs(rooms: Rooms, sites: NDArray[np.bool_]) -> int:
    return int(np.diff(rooms.column)[sites].sum())


def _better(rooms: Rooms, plan: Flow, found: Assigned) -> Flow:
    """Return the plan that HiGHS found if its sites place more people."""
    other = most_placed(rooms, np.flatnonzero(found.open_))
    return other if other.placed > plan.placed else plan


@dataclass(frozen=True, eq=False)
class _Search:
    """Local search: sites are closed, and the best others opened."""

    rooms: Rooms
    limits: Limits
    watch: Watch
    bound: float

    def first(self) -> Flow:
        """Open the best sites one by one; without a budget's costs too, and keep the better."""
        start = most_placed(self.rooms, np.flatnonzero(self.limits.fixed))
        return self._filled(start, np.zeros(len(self.limits.cost), np.bool_))

    def _filled(self, flow: Flow, forbidden: NDArray[np.bool_]) -> Flow:
        added = flow.open_ & ~self.limits.fixed
        money = self.limits.spend - float(self.limits.cost[added].sum())
        count = self.limits.number - int(added.sum())
        cost = self.limits.cost
        found = refill(self.rooms, flow, cost, money, count, forbidden)
        if not np.isfinite(money):
            return found
        dear = refill(self.rooms, flow, cost, money, 1, forbidden | (cost <= 0.5 * money))
        more = int((dear.open_ & ~flow.open_).sum())
        money -= float(cost[dear.open_ & ~flow.open_].sum())
        dear = refill(self.rooms, dear, cost, money, count - more, forbidden)
        return dear if dear.placed > found.placed else found

    def swaps(self, plan: Flow) -> Flow:
        """Close each added site in turn and open the best others, until that gains nothing."""
        for _ in range(_SWAP_ROUNDS):
            before = plan.placed
            for site in np.flatnonzero(plan.open_ & ~self.limits.fixed):
                if self.watch.over:
                    return plan
                plan = self._tried(plan, np.array([site]))
            self.watch.tell(f"places: {plan.placed:.0f} people")
            if plan.placed <= before:
                break
        return plan

    def trials(self, plan: Flow, trials: int) -> Flow:
        """Close a few sites near each other, forbid one of them, and open the best others."""
        random = np.random.default_rng(1)
        for trial in range(trials):
            added = np.flatnonzero(plan.open_ & ~self.limits.fixed)
            if self.watch.over or not added.size or plan.placed >= self.bound * (1 - 1e-9):
                break
            size = int(random.integers(2, 6))
            sites = self._near(added, int(random.choice(added)), size)
            forbidden = np.zeros(len(plan.open_), np.bool_)
            forbidden[random.choice(sites)] = True
            plan = self._tried(plan, sites, forbidden)
            if trial % 10 == 0:
                self.watch.tell(f"places: {plan.placed:.0f} people, at most {self.bound:.0f}")
        return self.swaps(plan) if trials else plan

    def _near(self, added: NDArray[np.int64], site: int, size: int) -> NDArray[np.int64]:
        """Return the sites whose people could most of all go to this one as well."""
        column, row_of = self.rooms.column, self.rooms.row_of
        here = np.zeros(len(self.rooms.weight), bool)
        here[row_of[column[site] : column[site + 1]]] = True
        shared = [np.count_nonzero(here[row_of[column[j] : column[j + 1]]]) for j in added]
        order = np.argsort(-np.array(shared), kind="stable")
        return np.unique(np.append(added[order[:size]], site))

    def _tried(
        self, plan: Flow, sites: NDArray[np.int64], forbidden: NDArray[np.bool_] | None = None
    ) -> Flow:
        """Return the better of a plan and the one with sites closed and the best others opened."""
        shut = np.zeros(len(plan.open_), np.bool_) if forbidden is None else forbidden
        other = self._filled(close(self.rooms, plan, sites), shut)
        return other if other.placed > plan.placed + self.rooms.crumb else plan
