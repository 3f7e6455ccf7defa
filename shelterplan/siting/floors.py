"""Plans under floors, and plans that lift the worst group: search, bound, then whole numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from shelterplan.siting.floor_bound import Duals, bound_of, worst_bound
from shelterplan.siting.floor_model import (
    Answer,
    Plan,
    fairest,
    most,
    relaxed,
    relaxed_worst,
)
from shelterplan.siting.floor_room import filled, placed, promised
from shelterplan.siting.floor_search import search
from shelterplan.siting.problem import is_whole
from shelterplan.siting.result import ROUNDING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shelterplan.siting.grouped import Demand, Flags, Floats, Problem, Reached
    from shelterplan.siting.watch import Watch

_KERNEL = 4
"""How many columns for each site to choose the first model of whole numbers has."""
_NOISE = 1e-9
"""Bounds of HiGHS that differ by no more are the same."""
_WORTH_IT = 0.6
"""A first model with a larger part of all columns is as hard as the last."""
_FINEST = 1e-3
"""The search for a better worst share ends with steps this small."""


class Outcome(NamedTuple):
    """The best plan found, and what no plan can better."""

    plan: Plan | None
    """None: none is in hand."""
    bound: float
    """Of the objective of the whole plan, fixed sites and all; `-inf`: there is no plan."""


@dataclass(frozen=True, eq=False)
class Siting:
    """A covering problem by groups, with the prices found so far: bounds for any floors."""

    demand: Demand
    problem: Problem
    duals: list[Duals]

    @cached_property
    def nothing(self) -> Plan:
        """The plan with the fixed sites alone, as many people as can be in their places."""
        if self.problem.capacity is None:
            return self.plan_of(self.problem.must.copy())
        return placed(self.problem, self.problem.must)

    def figures(self, plan: Plan) -> Reached:
        """Return whom a plan covers, worked out from the demand, its sites and who goes where."""
        if self.problem.capacity is None:
            return self.demand.reached(self.selected(plan))
        rows = self.problem.cover.shape[0]
        row = np.repeat(np.arange(rows), np.diff(self.problem.cover.indptr))
        part = np.bincount(row, weights=plan.flow, minlength=rows)
        return self.demand.tally(np.minimum(part, 1.0))

    def selected(self, plan: Plan) -> tuple[int, ...]:
        """Return the sites of a plan, ascending."""
        return self.problem.selected(plan.columns)

    def plan_of(self, columns: Flags) -> Plan:
        """Return the plan of columns, where there is room for all."""
        return Plan(columns, np.zeros(0))

    def need(self, floors: Floats) -> Floats:
        """Return how many of each group the columns must cover, shape (groups,).

        A floor that is missed by no more than rounding is met; where whole people count, it is
        raised to a whole number.
        """
        least = np.maximum(floors - 0.5 * self.demand.slack, 0.0)
        if self.problem.capacity is None and is_whole(self.demand.counted):
            least = np.ceil(least)
        return least - self.problem.base.counted

    def meets(self, plan: Plan, floors: Floats) -> bool:
        """Return whether a plan meets floors."""
        return bool((self.figures(plan).counted >= floors - self.demand.slack).all())

    def reach(self) -> Floats:
        """Return whom all columns together cover in each group, shape (groups,)."""
        return self.demand.reached([*self.problem.fixed, *self.problem.sites]).counted

    def bound(self, floors: Floats) -> float:
        """Return the best bound on people that the prices so far give."""
        need = self.need(floors)
        base = self.problem.base.people
        total = base + float(self.problem.people.sum())
        return min([total] + [base + bound_of(self.problem, need, d)[0] for d in self.duals])


def most_under(
    siting: Siting, floors: Floats, watch: Watch, starts: Iterable[Plan] = ()
) -> Outcome:
    """Find the plan that covers most people of those that meet floors."""
    need = siting.need(floors)
    known = sorted([*starts, siting.nothing], key=lambda plan: -siting.figures(plan).people)
    best = next((plan for plan in known if siting.meets(plan, floors)), None)
    if siting.problem.capacity is not None:
        now = _by_solver(siting, siting.problem, floors, watch, Outcome(best, np.inf))
        better = None if now.plan is None else filled(siting.problem, now.plan)
        return now._replace(plan=_better(siting, now.plan, better, floors))
    for begin in {siting.selected(plan): plan for plan in (best or known[-1], known[0])}.values():
        found = siting.plan_of(search(siting.problem, need, begin.columns)[0])
        best = _better(siting, best, found, floors)
    now = Outcome(best, siting.bound(floors))
    if _proven(siting, now) or watch.over:
        return now
    duals = relaxed(siting.problem, need, watch.part(0.7))
    if duals is not None:
        siting.duals.append(duals)
        now = now._replace(bound=siting.bound(floors))
    return now if _proven(siting, now) else _whole(siting, floors, watch, now)


def _whole(siting: Siting, floors: Floats, watch: Watch, now: Outcome) -> Outcome:
    """Go on with models of whole numbers: first over few columns, then over all that may help."""
    need = siting.need(floors)
    if now.plan is None:
        return _by_solver(siting, siting.problem, floors, watch, now)
    small = _kernel(siting, need, now.plan) if siting.duals else siting.problem
    if len(small.sites) < _WORTH_IT * len(siting.problem.sites):
        now = _by_solver(siting, small, floors, watch.part(0.4), now, part=True)
    if now.plan is None or _proven(siting, now):
        return now
    return _by_solver(siting, _hopeful(siting, need, now.plan), floors, watch, now)


def _better(siting: Siting, best: Plan | None, found: Plan | None, floors: Floats) -> Plan | None:
    if found is None or not siting.meets(found, floors):
        return best
    if best is None:
        return found
    old, new = siting.figures(best).people, siting.figures(found).people
    return found if new > old + _NOISE * max(1.0, abs(old)) else best


def _proven(siting: Siting, now: Outcome) -> bool:
    if now.plan is None:
        return False
    far = now.bound - siting.figures(now.plan).people
    return far <= (1 - ROUNDING if siting.problem.whole else ROUNDING * abs(now.bound))


def _hopeful(siting: Siting, need: Floats, best: Plan) -> Problem:
    """Return the problem without the columns that are in no better plan (reduced-cost fixing)."""
    problem = siting.problem
    least = siting.figures(best).people + (1 - ROUNDING if problem.whole else 0.0)
    keep = best.columns.copy()
    hope = np.ones(len(keep), bool)
    for duals in siting.duals:
        hope &= problem.base.people + bound_of(problem, need, duals)[1] > least
    return problem.only(keep | hope)


def _kernel(siting: Siting, need: Floats, best: Plan) -> Problem:
    """Return the problem with its most promising columns alone (Angelelli, Mansini et al. 2010)."""
    problem = siting.problem
    hope = bound_of(problem, need, siting.duals[-1])[1]
    keep = best.columns.copy()
    keep[np.argsort(-hope, kind="stable")[: _KERNEL * problem.count]] = True
    return problem.only(keep)


def _by_solver(
    siting: Siting,
    problem: Problem,
    floors: Floats,
    watch: Watch,
    now: Outcome,
    *,
    part: bool = False,
) -> Outcome:
    """Go on with the model of whole numbers, over all or some of the columns.

    Of a `part` of the columns nothing follows for the others.
    """
    start = None
    if now.plan is not None:
        start = now.plan._replace(columns=problem.column_flags(siting.selected(now.plan)))
    answer = most(problem, siting.need(floors), watch, start=start)
    if part:
        return now._replace(plan=_better(siting, now.plan, _back(siting, problem, answer), floors))
    if answer.infeasible:
        held = -np.inf if now.plan is None else siting.figures(now.plan).people
        return Outcome(now.plan, held)
    best = _better(siting, now.plan, _back(siting, problem, answer), floors)
    held = -np.inf if best is None else siting.figures(best).people
    return Outcome(best, max(held, min(now.bound, problem.base.people + answer.bound)))


def _back(siting: Siting, problem: Problem, answer: Answer) -> Plan | None:
    """Return a plan over some columns as one over all."""
    if answer.plan is None or problem is siting.problem:
        return answer.plan
    columns = siting.problem.column_flags(problem.sites[answer.plan.columns])
    return answer.plan._replace(columns=columns)


@dataclass(frozen=True, eq=False)
class Welfare:
    """How well off a plan leaves each group: (covered - at) / per."""

    at: Floats
    """Shape (groups,)."""
    per: Floats
    """Shape (groups,); a group whose `per` is 0 counts for nothing."""

    def of(self, counted: Floats) -> Floats:
        """Return the groups that count, the worst first."""
        live = self.per > 0
        return np.sort((counted[live] - self.at[live]) / self.per[live])

    def floors(self, least: float) -> Floats:
        """Return whom each group must have covered to be no worse off, shape (groups,)."""
        return np.where(self.per > 0, self.at + self.per * least, -np.inf)


def lift_worst(
    siting: Siting, welfare: Welfare, watch: Watch, starts: Iterable[Plan] = ()
) -> Outcome:
    """Find the plan whose worst group is as well off as can be; the bound is of that."""

    def worst(plan: Plan) -> float:
        return float(welfare.of(siting.figures(plan).counted)[0])

    best = climb(siting, welfare, watch, max([*starts, siting.nothing], key=worst))
    if siting.problem.capacity is not None:
        best = max(best, evened(siting, welfare, best, watch.part(0.3)), key=worst)
    top = float(welfare.of(siting.reach())[0])
    if worst(best) >= top - ROUNDING * abs(top):
        return Outcome(best, max(top, worst(best)))
    if siting.problem.capacity is None and not watch.over:
        duals = relaxed_worst(siting.problem, welfare.at, welfare.per, watch.part(0.5))
        if duals is not None:
            top = min(top, worst_bound(siting.problem, welfare.at, welfare.per, duals))
    answer = fairest(siting.problem, welfare.at, welfare.per, [], watch, start=best)
    if answer.plan is not None and worst(answer.plan) > worst(best):
        best = answer.plan
    bound = min(top, answer.bound)
    near = worst(best) + _NOISE * max(1.0, abs(bound))
    return Outcome(best, worst(best) if bound <= near else bound)


def evened(siting: Siting, welfare: Welfare, plan: Plan, watch: Watch) -> Plan:
    """Return a plan with its places given out so that the worst group is as well off as can be."""
    opened = replace(siting.problem, must=plan.columns, count=0)
    answer = fairest(opened, welfare.at, welfare.per, [], watch, start=plan)
    return plan if answer.plan is None else answer.plan


def climb(siting: Siting, welfare: Welfare, watch: Watch, best: Plan) -> Plan:
    """Return a plan whose worst group is better off, by searches for ever higher floors."""
    top = float(welfare.of(siting.reach())[0])
    least = float(welfare.of(siting.figures(best).counted)[0])
    step = 0.5 * (top - least)
    finest = _FINEST * (top - least)
    while step > finest and not watch.over:
        plan = _with_floors(siting, siting.need(welfare.floors(least + step)), best)
        found = float(welfare.of(siting.figures(plan).counted)[0])
        if found > least:
            best, least = plan, found
        else:
            step *= 0.5
        step = min(step, 0.5 * (top - least))
        watch.tell("lifting the worst group")
    return best


def _with_floors(siting: Siting, need: Floats, start: Plan) -> Plan:
    """Return a plan that a quick search finds for floors; it may miss them."""
    if siting.problem.capacity is not None:
        return promised(siting.problem, need)
    return siting.plan_of(search(siting.problem, need, start.columns, enough=True)[0])


def next_worst(
    siting: Siting,
    welfare: Welfare,
    levels: int,
    watch: Watch,
    start: Plan,
    *,
    people: bool = False,
) -> Outcome:
    """Find a plan whose worst `levels` groups stay as well off and the next is better off.

    The bound is of the sum of the worst `levels + 1`, or of the people.
    """
    ranked = welfare.of(siting.figures(start).counted)
    reached = np.cumsum(ranked)[:levels].tolist()
    answer = fairest(
        siting.problem, welfare.at, welfare.per, reached, watch, start=start, people=people
    )

    def value(plan: Plan) -> tuple[float, ...]:
        figures = siting.figures(plan)
        sums = np.cumsum(welfare.of(figures.counted))
        kept = bool((sums[:levels] >= np.array(reached) - ROUNDING).all())
        return (kept, figures.people if people else float(sums[levels]))

    best = start
    if answer.plan is not None and value(answer.plan) > value(start):
        best = answer.plan
    bound = answer.bound + (siting.problem.base.people if people else 0.0)
    return Outcome(best, max(bound, value(best)[1]))


def shares(demand: Demand) -> Welfare:
    """Return the share covered as what makes a group well off."""
    return Welfare(np.zeros(len(demand.total)), demand.total)


def roomy(siting: Siting, floors: Floats | None = None) -> list[Plan]:
    """Return plans to start from where sites have limited room; none where they have not.

    The fixed sites, those and the ones that place most people one after the other, and the sites
    that a search chooses that knows no room, each with the people who find room; and one that
    keeps places for the floors.
    """
    problem = siting.problem
    if problem.capacity is None:
        return []
    need = siting.need(np.zeros(len(siting.demand.names)) if floors is None else floors)
    chosen = search(
        replace(problem, capacity=None, count=problem.count + int(problem.must.sum())),
        need,
        problem.must,
        iterations=problem.count,
    )[0]
    plans = [siting.nothing, filled(problem, siting.nothing)]
    if floors is not None:
        plans.append(promised(problem, need))
    added = chosen & ~problem.must
    if added.sum() <= problem.count and problem.costs[added].sum() <= problem.budget:
        plans.append(placed(problem, chosen | problem.must))
    return plans
