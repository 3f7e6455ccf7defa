r"""Fair siting: a least share for every group, and the worst group as well off as can be.

A group is a district, or any other label of a demand point. Its share is the part of its people who
are covered, of all of them: those off the network stay in the denominator.

**Quota.** Maximal covering (Church and ReVelle 1974) with a floor under each group $g$:

    most of sum of w_i x_i,   sum of c_i x_i over g >= share * total_g

**Lexicographic maximin.** The worst group as well off as can be (Rawls 1971), then the second
worst without harm to the worst, and so on; then most people covered. The sums of the $k$ least
shares are raised one after the other (Ogryczak and Tamir 2003), which is right for yes-or-no
choices too, where fixing the worst group by name is not.

References
----------
Church R, ReVelle C (1974). The maximal covering location problem. Papers of the Regional Science
Association 32, 101-118.
Ogryczak W, Tamir A (2003). Minimizing the sum of the k largest functions in linear time.
Information Processing Letters 85, 117-122.
Rawls J (1971). A Theory of Justice. Harvard University Press.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shelterplan.progress import Progress, silent
from shelterplan.siting.floors import (
    Outcome,
    Siting,
    Welfare,
    lift_worst,
    most_under,
    next_worst,
    roomy,
    shares,
)
from shelterplan.siting.grouped import Demand, Problem
from shelterplan.siting.problem import Choice
from shelterplan.siting.result import NoPlanError, SitingError, SitingResult
from shelterplan.siting.watch import Watch, never

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from shelterplan.siting.floor_model import Plan
    from shelterplan.siting.grouped import Floats
    from shelterplan.siting.problem import Matrix

    Groups = Sequence[Hashable] | NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One of the things that a plan was wanted for, after those before it."""

    level: int
    """1: the worst group's share; 2: the second worst's ...; 0: the people covered."""
    value: float
    """What the plan reaches."""
    bound: float
    """What no plan can better that is as good in the stages before."""
    gap: float
    status: str


@dataclass(frozen=True, kw_only=True)
class FairResult(SitingResult):
    """A plan with what it does for each group.

    Of `quota_cover` objective, bound, gap and status are of the people covered; of `fairest_cover`
    they are of the worst group's share.
    """

    people: float
    """People covered: sum of the weights."""
    shares: dict[Hashable, float]
    """Share of each group that is covered (0 to 1); NaN where nobody counts."""
    worst_share: float
    """The smallest share; NaN if nobody counts in any group."""
    stages: tuple[Stage, ...] = ()
    """What was wanted one after the other, with a bound each (`fairest_cover`)."""


def quota_cover(
    cover: Matrix,
    weights: ArrayLike | None = None,
    count: float | None = None,
    *,
    group: Groups,
    share: float | Mapping[Any, float],
    counted: ArrayLike | None = None,
    total: Mapping[Any, float] | None = None,
    budget: float | None = None,
    fixed: Sequence[int] = (),
    costs: ArrayLike | None = None,
    capacity: ArrayLike | None = None,
    time_limit_s: float = 10.0,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> FairResult:
    """Choose sites that cover most people, and at least a share of every group.

    Parameters
    ----------
    cover : matrix, shape (demand, sites)
        Which sites are near enough to which demand points.
    weights : array, shape (demand,), optional
        People.
    count : int, optional
        Most sites that may be added; with `costs` and no `budget`, the budget.
    group : sequence, shape (demand,)
        Label of each demand point's group.
    share : float or mapping
        Least share of each group (0 to 1, inclusive), for all or by label (others: 0).
    counted : array, shape (demand,), optional
        Who counts for the share, such as people in high-risk zones; by default the weights.
    total : mapping, optional
        All who count in a group, by its label, those outside the matrix too (off the network); by
        default those in the matrix.
    budget, fixed, costs
        As in `max_cover`.
    capacity : array, shape (sites,), optional
        Room of each site: then people count who are assigned to a site with room, parts of a demand
        point if need be.
    time_limit_s, progress, stop
        When to end with the best plan so far.

    Raises
    ------
    NoPlanError
        If no plan gives every group its share, or none was found in time; it says which.

    Examples
    --------
    Two places of the east outweigh the west; half of the west must be covered all the same:

    >>> cover = [[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    >>> found = quota_cover(cover, [9, 9, 2, 2], 1, group=["e", "e", "w", "w"], share={"w": 0.5})
    >>> found.selected, found.objective, found.shares, found.status
    ((1,), 2.0, {'e': 0.0, 'w': 0.5}, 'optimal')
    """
    demand = Demand.of(cover, weights, group=group, counted=counted, total=total)
    choice = Choice.of(demand.cover.shape[1], count, budget=budget, fixed=fixed, costs=costs)
    watch = Watch(time_limit_s, progress, stop)
    siting = Siting(demand, Problem.of(demand, choice, capacity), [])
    floors = _floors(demand, share)
    refuse_unreachable(siting, floors)
    watch.tell("covering with floors")
    outcome = most_under(siting, floors, watch, roomy(siting, floors))
    if outcome.plan is None:
        raise NoPlanError(_why_none(outcome, choice))
    reached = siting.figures(outcome.plan)
    found = SitingResult.of(
        siting.selected(outcome.plan),
        reached.people,
        outcome.bound,
        seconds=watch.seconds,
        sense="most",
        whole=siting.problem.whole,
    )
    return _result(siting, outcome.plan, found)


def _floors(demand: Demand, share: float | Mapping[Any, float]) -> Floats:
    if isinstance(share, (int, float)):
        wanted = np.full(len(demand.names), float(share))
    else:
        unknown = [label for label in share if label not in demand.names]
        if unknown:
            message = f"share names group {unknown[0]!r}, which no demand point is in"
            raise SitingError(message)
        wanted = np.array([float(share.get(name, 0.0)) for name in demand.names])
    if not ((wanted >= 0) & (wanted <= 1)).all():
        message = f"share must be 0 to 1 (0.8 is 80 %), not {share!r}"
        raise SitingError(message)
    return wanted * demand.total


def refuse_unreachable(siting: Siting, floors: Floats) -> None:
    """Raise if a group cannot reach its floor even with every site open."""
    demand, reach = siting.demand, siting.reach()
    bad = np.flatnonzero(reach < floors - demand.slack)
    if bad.size:
        g = int(bad[np.argmax((floors - reach)[bad] / demand.total[bad])])
        message = (
            f"group {demand.names[g]!r} cannot reach {100 * floors[g] / demand.total[g]:.4g} %: "
            f"with every site open {reach[g]:,.0f} of its {demand.total[g]:,.0f} are covered; "
            "add candidates there, or ask for less"
        )
        raise NoPlanError(message)


def _why_none(outcome: Outcome, choice: Choice) -> str:
    if outcome.bound == -np.inf:
        limit = [] if choice.count is None else [f"no {choice.count} sites"]
        limit += [] if choice.budget == np.inf else [f"no sites for {choice.budget:g}"]
        return (
            f"{' and '.join(limit)} give every group its share (proven); "
            "allow more, or ask for a smaller share"
        )
    return (
        "no plan that gives every group its share was found in time, and none was ruled out; "
        "give it longer, or ask for a smaller share"
    )


def fairest_cover(
    cover: Matrix,
    weights: ArrayLike | None = None,
    count: float | None = None,
    *,
    group: Groups,
    levels: int = 1,
    counted: ArrayLike | None = None,
    total: Mapping[Any, float] | None = None,
    budget: float | None = None,
    fixed: Sequence[int] = (),
    costs: ArrayLike | None = None,
    capacity: ArrayLike | None = None,
    time_limit_s: float = 10.0,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> FairResult:
    """Choose sites that leave the worst group as well off as can be.

    Parameters
    ----------
    levels : int
        How many groups, from the worst, are lifted one after the other; then most people are
        covered. A stage that was not proven has a gap, and the later ones build on what it found.
    cover, weights, count, group, counted, total, budget, fixed, costs, capacity
        As in `quota_cover`.
    time_limit_s, progress, stop
        When to end with the best plan so far.

    Raises
    ------
    SitingError
        If nobody counts in any group, or something does not fit.

    Examples
    --------
    >>> cover = [[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    >>> found = fairest_cover(cover, [9, 9, 2, 3], 2, group=["e", "e", "w", "w"])
    >>> found.selected, found.objective, found.shares, found.status
    ((0, 2), 0.6, {'e': 1.0, 'w': 0.6}, 'optimal')
    """
    demand = Demand.of(cover, weights, group=group, counted=counted, total=total)
    choice = Choice.of(demand.cover.shape[1], count, budget=budget, fixed=fixed, costs=costs)
    watch = Watch(time_limit_s, progress, stop)
    if not demand.total.any():
        message = "nobody counts in any group: there is no worst one"
        raise SitingError(message)
    if levels < 1:
        message = f"levels must be 1 or more, not {levels!r}"
        raise SitingError(message)
    siting = Siting(demand, Problem.of(demand, choice, capacity), [])
    welfare = shares(demand)
    plan, bounds = _lexicographic(
        siting, welfare, min(levels, int((demand.total > 0).sum())), watch
    )
    stages = _stages(siting, welfare, plan, bounds)
    first = stages[0]
    found = SitingResult(
        selected=siting.selected(plan),
        objective=first.value,
        bound=first.bound,
        gap=first.gap,
        status=first.status,
        seconds=watch.seconds,
    )
    return _result(siting, plan, found, stages)


def _lexicographic(
    siting: Siting, welfare: Welfare, levels: int, watch: Watch
) -> tuple[Plan, list[float]]:
    """Return the plan, and a bound for each stage: on the sum of the worst, last on the people."""
    watch.tell("lifting the worst group")
    outcome = lift_worst(siting, welfare, watch.part(0.6), roomy(siting))
    bounds = [outcome.bound]
    plan = siting.nothing if outcome.plan is None else outcome.plan
    for level in range(1, levels):
        watch.tell(f"lifting the worst {level + 1} groups")
        outcome = next_worst(siting, welfare, level, watch.part(1 / (levels - level + 1)), plan)
        plan = plan if outcome.plan is None else outcome.plan
        bounds.append(outcome.bound)
    watch.tell("covering most people")
    if levels == 1:
        worst = float(welfare.of(siting.figures(plan).counted)[0])
        outcome = most_under(siting, welfare.floors(worst), watch, [plan])
    else:
        outcome = next_worst(siting, welfare, levels, watch, plan, people=True)
    return plan if outcome.plan is None else outcome.plan, [*bounds, outcome.bound]


def _stages(siting: Siting, welfare: Welfare, plan: Plan, bounds: list[float]) -> tuple[Stage, ...]:
    """Return what the plan reaches in each stage, beside what no plan can better."""
    reached = siting.figures(plan)
    ranked = welfare.of(reached.counted)
    before = np.r_[0.0, np.cumsum(ranked)]
    found = []
    for k, bound in enumerate(bounds[:-1]):
        most = max(float(ranked[k]), bound - float(before[k]))
        found.append(_stage(k + 1, float(ranked[k]), most, whole=False))
    found.append(
        _stage(0, reached.people, max(bounds[-1], reached.people), whole=siting.problem.whole)
    )
    return tuple(found)


def _stage(level: int, value: float, bound: float, *, whole: bool) -> Stage:
    known = SitingResult.of([], value, bound, seconds=0.0, sense="most", whole=whole)
    return Stage(level=level, value=value, bound=known.bound, gap=known.gap, status=known.status)


def _result(
    siting: Siting, plan: Plan, found: SitingResult, stages: tuple[Stage, ...] = ()
) -> FairResult:
    reached = siting.figures(plan)
    return FairResult(
        **vars(found),
        people=reached.people,
        shares=siting.demand.shares(reached.counted),
        worst_share=siting.demand.worst(reached.counted),
        stages=stages,
    )
