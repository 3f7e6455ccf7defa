r"""Pareto fronts: what fairness costs in people covered, and what people covered cost in sites.

`front` sets the people covered against the worst group's share by the epsilon constraint (Haimes,
Lasdon and Wismer 1971): most people covered of the plans whose worst share is at least
$\varepsilon$, for several $\varepsilon$ between the share that the plan with most people happens to
give and the best one that was found. `cost_front` does the same with the number of sites, or with
what they cost.

References
----------
Haimes YY, Lasdon LS, Wismer DA (1971). On a bicriterion formulation of the problems of integrated
system identification and system optimization. IEEE Transactions on Systems, Man, and Cybernetics 1,
296-297.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shelterplan.progress import Progress, silent
from shelterplan.siting.floors import Outcome, Siting, climb, lift_worst, most_under, shares
from shelterplan.siting.grouped import Demand, Problem
from shelterplan.siting.problem import Choice
from shelterplan.siting.result import SitingError, SitingResult
from shelterplan.siting.watch import Watch, never

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from numpy.typing import ArrayLike

    from shelterplan.siting.fair import Groups
    from shelterplan.siting.floor_model import Plan
    from shelterplan.siting.problem import Matrix


@dataclass(frozen=True, kw_only=True)
class Point:
    """A plan on a front."""

    selected: tuple[int, ...]
    """Columns of its sites, ascending, with those that were fixed."""
    objective: float
    """People covered."""
    worst_share: float
    """Share of the worst group (0 to 1); NaN without groups."""
    shares: dict[Hashable, float]
    """Share of each group; NaN where nobody counts."""
    cost: float
    """What the added sites cost; their number if no costs were given."""
    count: int
    """Sites added."""
    bound: float
    """What no plan covers whose worst share is at least this one's (or that costs no more)."""
    gap: float
    status: str


@dataclass(frozen=True, kw_only=True)
class Front:
    """Plans of which none is better in both, in order."""

    points: tuple[Point, ...]
    """Ascending by what is set against the people covered: worst share, or cost."""
    dropped: int
    """Plans that were found and left out, because another one is as good in both."""
    share_bound: float
    """What no plan's worst share can better; NaN for `cost_front`."""
    seconds: float
    """How long it took [s]."""

    def __iter__(self) -> Iterator[Point]:
        """Go through the points."""
        return iter(self.points)

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.points)

    def __getitem__(self, number: int) -> Point:
        """Return a point by its place."""
        return self.points[number]


def front(
    cover: Matrix,
    weights: ArrayLike | None = None,
    count: float | None = None,
    *,
    group: Groups,
    counted: ArrayLike | None = None,
    total: Mapping[Any, float] | None = None,
    plans: int = 8,
    budget: float | None = None,
    fixed: Sequence[int] = (),
    costs: ArrayLike | None = None,
    time_limit_s: float = 60.0,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> Front:
    """Return plans from most people covered to the worst group as well off as can be.

    Parameters
    ----------
    plans : int
        Most plans to return; fewer if there are no more, or none were found in time.
    cover, weights, count, group, counted, total, budget, fixed, costs
        As in `fair.quota_cover`.
    time_limit_s, progress, stop
        When to end with the plans so far.

    Returns
    -------
    Front
        Points ascending by worst share, so descending by people covered. A point that is `optimal`
        covers as many people as any plan that leaves no group worse off than its worst.

    Examples
    --------
    >>> cover = [[1, 0, 1], [0, 1, 1], [1, 0, 0]]
    >>> found = front(cover, [5, 1, 5], 1, group=["east", "west", "east"])
    >>> [(point.selected, point.objective, point.worst_share, point.status) for point in found]
    [((0,), 10.0, 0.0, 'optimal'), ((2,), 6.0, 0.5, 'optimal')]
    """
    demand = Demand.of(cover, weights, group=group, counted=counted, total=total)
    choice = Choice.of(demand.cover.shape[1], count, budget=budget, fixed=fixed, costs=costs)
    if plans < 2:
        message = f"plans must be 2 or more, not {plans!r}: a front has two ends"
        raise SitingError(message)
    if not demand.total.any():
        message = "nobody counts in any group: there is no worst one"
        raise SitingError(message)
    watch = Watch(time_limit_s, progress, stop)
    tracer = _Tracer(Siting(demand, Problem.of(demand, choice), []), choice, watch)
    tracer.trace(plans)
    points, dropped = _undominated(tracer.points())
    points = points if len(points) <= plans else _spread(points, plans)
    return Front(
        points=points, dropped=dropped, share_bound=tracer.share_bound, seconds=watch.seconds
    )


class _Tracer:
    """Solves for one floor after the other, and keeps what was found."""

    def __init__(self, siting: Siting, choice: Choice, watch: Watch) -> None:
        self.siting, self.choice, self.watch = siting, choice, watch
        self.welfare = shares(siting.demand)
        self.plans: list[Plan] = []
        self.proofs: list[tuple[float, float]] = []
        """Worst shares, and what no plan covers whose worst share is at least that."""
        self.share_bound = np.inf

    def trace(self, plans: int) -> None:
        """Solve for the two ends, then between the two neighbours that are farthest apart."""
        self.watch.tell("the plan with most people")
        top = self._solve(0.0, 1 / (plans + 1))
        self.watch.tell("the plan with the fairest share")
        begin = climb(self.siting, self.welfare, self.watch.part(0.3), top)
        outcome = lift_worst(self.siting, self.welfare, self.watch.part(1.5 / plans), [begin])
        self.share_bound = outcome.bound
        fairest = begin if outcome.plan is None else outcome.plan
        self.plans.append(fairest)
        ends = [(self._worst(top), self._worst(fairest))]
        self._solve(ends[0][1], 1 / plans)
        left = plans - 2
        while left > 0 and ends and not self.watch.over:
            low, high = ends.pop(int(np.argmax([high - low for low, high in ends])))
            if high - low <= 1e-6:
                continue
            middle = 0.5 * (low + high)
            self.watch.tell(f"the best plan with at least {100 * middle:.0f} % everywhere")
            found = self._worst(self._solve(middle, 1 / (left + 1)))
            if low < middle:
                ends.append((low, middle))
            if found < high - 1e-9:
                left -= 1
                ends.append((found, high))
            elif len(ends) > 4 * plans:
                break

    def _worst(self, plan: Plan) -> float:
        return self.siting.demand.worst(self.siting.figures(plan).counted)

    def _solve(self, share: float, part: float) -> Plan:
        """Find most people with a worst share, starting from all plans so far."""
        floors = self.welfare.floors(share)
        starts = [*self.plans, self.siting.nothing]
        outcome = most_under(self.siting, floors, self.watch.part(part), starts)
        self.proofs.append((share, outcome.bound))
        if outcome.plan is None:
            return max(starts, key=self._worst)
        self.plans.append(outcome.plan)
        return outcome.plan

    def points(self) -> list[Point]:
        """Return all plans, each with the best bound that any floor at or below it gave."""
        return [self._point(plan) for plan in self.plans]

    def _point(self, plan: Plan) -> Point:
        worst = self._worst(plan)
        reached = self.siting.figures(plan)
        bound = min(bound for share, bound in self.proofs if share <= worst + 1e-9)
        bound = min(bound, self.siting.bound(self.welfare.floors(worst)))
        return _point(self.siting, self.choice, Outcome(plan, max(bound, reached.people)))


def _point(siting: Siting, choice: Choice, outcome: Outcome, *, groups: bool = True) -> Point:
    plan = siting.nothing if outcome.plan is None else outcome.plan
    reached = siting.figures(plan)
    known = SitingResult.of(
        siting.selected(plan),
        reached.people,
        outcome.bound,
        seconds=0.0,
        sense="most",
        whole=siting.problem.whole,
    )
    added = np.setdiff1d(known.selected, choice.fixed).astype(np.int64)
    cost = float(len(added)) if choice.costs is None else float(choice.costs[added].sum())
    return Point(
        selected=known.selected,
        objective=reached.people,
        worst_share=siting.demand.worst(reached.counted) if groups else np.nan,
        shares=siting.demand.shares(reached.counted) if groups else {},
        cost=cost,
        count=len(added),
        bound=known.bound,
        gap=known.gap,
        status=known.status,
    )


def _undominated(points: list[Point]) -> tuple[tuple[Point, ...], int]:
    """Return the points that no other is as good as in both, ascending by worst share."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda one: (-one.worst_share, -one.objective, one.selected)):
        if not kept or point.objective > kept[-1].objective:
            kept.append(point)
    return tuple(reversed(kept)), len({one.selected for one in points}) - len(kept)


def _spread(points: tuple[Point, ...], plans: int) -> tuple[Point, ...]:
    """Leave out the points that are nearest to a neighbour, never an end."""
    kept = list(points)
    while len(kept) > plans:
        gaps = [kept[i + 1].worst_share - kept[i - 1].worst_share for i in range(1, len(kept) - 1)]
        del kept[1 + int(np.argmin(gaps))]
    return tuple(kept)


def cost_front(
    cover: Matrix,
    weights: ArrayLike | None = None,
    count: int | None = None,
    *,
    group: Groups | None = None,
    total: Mapping[Any, float] | None = None,
    plans: int = 8,
    budget: float | None = None,
    fixed: Sequence[int] = (),
    costs: ArrayLike | None = None,
    time_limit_s: float = 60.0,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> Front:
    """Return the most people that can be covered with ever more sites, or ever more money.

    Parameters
    ----------
    count : int, optional
        Without `costs`: the most sites; every number from 0 is a plan.
    budget : float, optional
        With `costs`: the most money; `plans` equal steps from 0 are plans.
    group, total : optional
        As in `fair.quota_cover`, for the shares of each point.
    cover, weights, fixed, costs, time_limit_s, progress, stop
        As in `front`.

    Returns
    -------
    Front
        Points ascending by cost and by people covered. Where more sites help nobody, it ends.

    Examples
    --------
    >>> found = cost_front([[1, 0], [1, 0], [0, 1]], [5, 5, 3], 2)
    >>> [(point.count, point.objective, point.status) for point in found]
    [(0, 0.0, 'optimal'), (1, 10.0, 'optimal'), (2, 13.0, 'optimal')]
    """
    rows = cover.shape[0] if hasattr(cover, "shape") else len(cover)
    labels = np.zeros(rows, np.int64) if group is None else group
    demand = Demand.of(cover, weights, group=labels, total=total)
    watch = Watch(time_limit_s, progress, stop)
    choices = _steps(demand, count, budget, fixed, costs, plans)
    found: list[tuple[Siting, Choice, Outcome]] = []
    start: Plan | None = None
    before: Siting | None = None
    for number, choice in enumerate(choices):
        siting = Siting(demand, Problem.of(demand, choice), [])
        if before is not None and start is not None:
            start = siting.plan_of(siting.problem.column_flags(before.selected(start)))
        watch.tell(f"step {number + 1} of {len(choices)}")
        outcome = most_under(
            siting,
            np.full(len(demand.names), -np.inf),
            watch.part(1 / (len(choices) - number)),
            [siting.nothing] if start is None else [start, siting.nothing],
        )
        found.append((siting, choice, outcome))
        before, start = siting, outcome.plan
    return _by_cost(found, watch, groups=group is not None)


def _steps(
    demand: Demand,
    count: int | None,
    budget: float | None,
    fixed: Sequence[int],
    costs: ArrayLike | None,
    plans: int,
) -> list[Choice]:
    """Return the choices from nothing to the most."""
    last = Choice.of(demand.cover.shape[1], count, budget=budget, fixed=fixed, costs=costs)
    if last.costs is None:
        numbers = range((last.count or 0) + 1)
        return [Choice.of(demand.cover.shape[1], n, fixed=fixed) for n in numbers]
    if plans < 2 or not np.isfinite(last.budget):
        message = "a front by cost needs a budget, and at least 2 plans"
        raise SitingError(message)
    return [
        Choice.of(demand.cover.shape[1], last.count, budget=float(b), fixed=fixed, costs=costs)
        for b in np.linspace(0.0, last.budget, plans)
    ]


def _by_cost(found: list[tuple[Siting, Choice, Outcome]], watch: Watch, *, groups: bool) -> Front:
    """Return the plans that cover more than every cheaper one; a bound holds for less money too."""
    points, bound = [], np.inf
    for siting, choice, outcome in reversed(found):
        bound = min(bound, outcome.bound)
        points.append(_point(siting, choice, outcome._replace(bound=bound), groups=groups))
    kept: list[Point] = []
    for point in sorted(points, key=lambda one: (one.cost, -one.objective)):
        if not kept or point.objective > kept[-1].objective:
            kept.append(point)
    dropped = len({one.selected for one in points}) - len(kept)
    return Front(points=tuple(kept), dropped=dropped, share_bound=np.nan, seconds=watch.seconds)
