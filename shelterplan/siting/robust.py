r"""Robust siting: one plan for several scenarios, when nobody knows which will come.

A scenario is a hazard, a walker, a time of day, a set of open gates: it changes who lives where and
what is near enough, but not the candidate sites. With $c_s(y)$ the people whom plan $y$ covers in
scenario $s$, $n_s$ all its people and $b_s$ the most that any plan can cover in it alone:

- `expected`: most of $\sum_s p_s c_s(y)$, with probabilities $p_s$: a maximal covering of all
  scenarios' demand points, each weighted by its scenario's probability.
- `worst`: most of $\min_s c_s(y) / n_s$, the share covered in the worst scenario (Wald 1950).
- `regret`: least of $\max_s (b_s - c_s(y))$, the people lost for not having known which scenario
  comes (Savage 1951; in siting Serra and Marianov 1998).

A best possible $b_s$ that is not proven lies between what was found and its bound. The regret
reported is the most it can be (with the bounds), its own bound the least any plan's can be (with
what was found): both are valid.

References
----------
Savage LJ (1951). The theory of statistical decision. Journal of the American Statistical
Association 46, 55-67.
Serra D, Marianov V (1998). The p-median problem in a changing network: the case of Barcelona.
Location Science 6, 383-394.
Wald A (1950). Statistical Decision Functions. Wiley.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import sparse

from shelterplan.progress import Progress, silent
from shelterplan.siting.floors import Siting, Welfare, lift_worst, shares
from shelterplan.siting.grouped import Demand, Problem
from shelterplan.siting.max_cover import max_cover
from shelterplan.siting.problem import Choice, as_cover, as_weights
from shelterplan.siting.result import SitingError, SitingResult
from shelterplan.siting.watch import Watch, never

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from shelterplan.siting.floor_model import Plan
    from shelterplan.siting.grouped import Floats
    from shelterplan.siting.problem import Matrix, Sparse

Robust = Literal["expected", "worst", "regret"]
"""What a plan for several scenarios is wanted for."""


@dataclass(frozen=True, kw_only=True)
class InScenario:
    """What a plan does in one scenario."""

    people: float
    """People covered."""
    total: float
    """All people of the scenario."""
    share: float
    """People covered as a share of all (0 to 1); NaN where there are none."""
    best: float
    """Most people that any plan found covers in this scenario alone; NaN unless for regret."""
    best_bound: float
    """What no plan can better in this scenario alone; NaN unless for regret."""


@dataclass(frozen=True, kw_only=True)
class RobustResult(SitingResult):
    """A plan for several scenarios.

    `objective` is the people expected to be covered (`expected`), the share covered in the worst
    scenario (`worst`), or the most people that can be lost by not knowing (`regret`).
    """

    scenarios: tuple[InScenario, ...]
    """In the order in which they were given."""


def robust_cover(
    scenarios: Sequence[tuple[Matrix, ArrayLike | None]],
    count: float | None = None,
    *,
    objective: Robust = "expected",
    probabilities: ArrayLike | None = None,
    budget: float | None = None,
    fixed: Sequence[int] = (),
    costs: ArrayLike | None = None,
    time_limit_s: float = 10.0,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> RobustResult:
    """Choose sites that do well whatever scenario comes.

    Parameters
    ----------
    scenarios : sequence of (cover, weights)
        For each scenario which sites are near enough to which demand points, shape (demand, sites),
        and their people, shape (demand,). The sites are the same ones in all; demand points may
        differ. A site that is unsafe in a scenario covers nobody there.
    count : int, optional
        Most sites that may be added; with `costs` and no `budget`, the budget.
    objective : {"expected", "worst", "regret"}
        See the module.
    probabilities : array, shape (scenarios,), optional
        How likely each scenario is, for `expected`; only their ratios matter; by default all alike.
    budget, fixed, costs
        As in `max_cover`.
    time_limit_s, progress, stop
        When to end with the best plan so far.

    Raises
    ------
    SitingError
        If scenarios have different sites, or something does not fit.

    Examples
    --------
    Site 0 is best by day, site 1 by night; site 2 is good enough in both:

    >>> day, night = [[1, 0, 1], [1, 0, 0]], [[0, 1, 1], [0, 1, 0]]
    >>> found = robust_cover([(day, [6, 4]), (night, [7, 3])], 1, objective="regret")
    >>> found.selected, found.objective, [one.people for one in found.scenarios]
    ((2,), 4.0, [6.0, 7.0])
    """
    parts = _checked(scenarios)
    sites = parts[0][0].shape[1]
    choice = Choice.of(sites, count, budget=budget, fixed=fixed, costs=costs)
    watch = Watch(time_limit_s, progress, stop)
    options: dict[str, Any] = {"count": choice.count, "fixed": choice.fixed.tolist()}
    if choice.costs is not None:
        options |= {"costs": choice.costs, "budget": choice.budget}
    if objective == "expected":
        return _expected(parts, probabilities, options, watch)
    if objective not in {"worst", "regret"}:
        message = f"objective must be expected, worst or regret, not {objective!r}"
        raise SitingError(message)
    if probabilities is not None:
        message = f"probabilities mean nothing for objective {objective!r}; leave them out"
        raise SitingError(message)
    siting = _stacked(parts, choice)
    if objective == "worst":
        return _worst(parts, siting, watch)
    return _least_regret(parts, siting, options, watch)


def _checked(scenarios: Sequence[tuple[Matrix, ArrayLike | None]]) -> list[tuple[Sparse, Floats]]:
    if not scenarios:
        message = "at least one scenario is needed"
        raise SitingError(message)
    parts: list[tuple[Sparse, Floats]] = []
    for number, (cover, weights) in enumerate(scenarios):
        matrix = as_cover(cover)
        if parts and matrix.shape[1] != parts[0][0].shape[1]:
            message = (
                f"scenario {number} has {matrix.shape[1]} sites, scenario 0 has "
                f"{parts[0][0].shape[1]}; all need the same ones, in the same order"
            )
            raise SitingError(message)
        parts.append((matrix, as_weights(weights, matrix.shape[0])))
    return parts


def _stacked(parts: list[tuple[Sparse, Floats]], choice: Choice) -> Siting:
    """Return the scenarios as groups of one problem."""
    demand = Demand.of(
        sparse.vstack([cover for cover, _ in parts]),
        np.concatenate([people for _, people in parts]),
        group=np.repeat(np.arange(len(parts)), [len(people) for _, people in parts]),
        total={number: float(people.sum()) for number, (_, people) in enumerate(parts)},
    )
    return Siting(demand, Problem.of(demand, choice), [])


def _expected(
    parts: list[tuple[Sparse, Floats]],
    probabilities: ArrayLike | None,
    options: dict[str, Any],
    watch: Watch,
) -> RobustResult:
    likely = as_weights(probabilities, len(parts), "probabilities")
    if not likely.sum() > 0:
        message = "probabilities: at least one must be above 0"
        raise SitingError(message)
    likely = likely / likely.sum()
    found = max_cover(
        sparse.vstack([cover for cover, _ in parts]),
        np.concatenate([p * people for p, (_, people) in zip(likely, parts, strict=True)]),
        **options,
        **_clock(watch, 1.0),
    )
    each = np.array([_people(cover, people, found.selected) for cover, people in parts])
    return _result(found, float(likely @ each), found.bound, "most", parts, watch)


def _worst(parts: list[tuple[Sparse, Floats]], siting: Siting, watch: Watch) -> RobustResult:
    if not siting.demand.total.any():
        message = "no scenario has any people"
        raise SitingError(message)
    welfare = shares(siting.demand)
    outcome = lift_worst(siting, welfare, watch)
    plan = siting.nothing if outcome.plan is None else outcome.plan
    value = float(welfare.of(siting.figures(plan).counted)[0])
    found = SitingResult.of(siting.selected(plan), value, outcome.bound, seconds=0.0, sense="most")
    return _result(found, value, outcome.bound, "most", parts, watch)


def _least_regret(
    parts: list[tuple[Sparse, Floats]], siting: Siting, options: dict[str, Any], watch: Watch
) -> RobustResult:
    best, above, starts = _each_alone(parts, siting, options, watch)
    welfare = Welfare(best, np.ones(len(parts)))
    outcome = lift_worst(siting, welfare, watch, starts)
    plans = [*starts, siting.nothing if outcome.plan is None else outcome.plan]
    regret = [float((above - siting.figures(plan).counted).max()) for plan in plans]
    least = int(np.argmin(regret))
    bound = max(0.0, -outcome.bound)
    found = SitingResult.of(
        siting.selected(plans[least]), regret[least], bound, seconds=0.0, sense="least"
    )
    return _result(found, regret[least], bound, "least", parts, watch, best=best, above=above)


def _each_alone(
    parts: list[tuple[Sparse, Floats]], siting: Siting, options: dict[str, Any], watch: Watch
) -> tuple[Floats, Floats, list[Plan]]:
    """Return the best found in each scenario alone, its bound, and the plans."""
    above, starts = np.zeros(len(parts)), []
    for number, (cover, people) in enumerate(parts):
        watch.tell(f"best plan for scenario {number + 1} of {len(parts)}")
        share = 0.6 / (0.6 * (len(parts) - number) + 0.4)
        found = max_cover(cover, people, **options, **_clock(watch, share))
        above[number] = found.bound
        starts.append(siting.plan_of(siting.problem.column_flags(found.selected)))
    best = np.max([siting.figures(plan).counted for plan in starts], axis=0)
    best = np.maximum(best, siting.problem.base.counted)
    return best, np.maximum(above, best), starts


def _clock(watch: Watch, share: float) -> dict[str, Any]:
    return {
        "time_limit_s": watch.left_s * share,
        "progress": watch.progress,
        "stop": lambda: watch.stopped,
    }


def _people(cover: Sparse, people: Floats, selected: Sequence[int]) -> float:
    """Return whom sites cover, by plain counting."""
    near = np.zeros(cover.shape[0], bool)
    for site in selected:
        row = np.repeat(np.arange(cover.shape[0]), np.diff(cover.indptr))
        near[row[cover.indices == site]] = True
    return float(people[near].sum())


def _result(
    found: SitingResult,
    objective: float,
    bound: float,
    sense: Literal["most", "least"],
    parts: list[tuple[Sparse, Floats]],
    watch: Watch,
    *,
    best: Floats | None = None,
    above: Floats | None = None,
) -> RobustResult:
    known = SitingResult.of(found.selected, objective, bound, seconds=watch.seconds, sense=sense)
    each = []
    for number, (cover, people) in enumerate(parts):
        covered, total = _people(cover, people, found.selected), float(people.sum())
        each.append(
            InScenario(
                people=covered,
                total=total,
                share=covered / total if total else np.nan,
                best=np.nan if best is None else float(best[number]),
                best_bound=np.nan if above is None else float(above[number]),
            )
        )
    return RobustResult(**vars(known), scenarios=tuple(each))
