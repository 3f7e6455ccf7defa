"""The best sites of a study area, in the order in which to build them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import geopandas as gpd
import numpy as np
import pandas as pd

from shelterplan.coverage import limit_of
from shelterplan.errors import UnknownNameError
from shelterplan.plan import make_plan
from shelterplan.progress import Progress, silent
from shelterplan.scenario import Scenario
from shelterplan.siting.candidates import SuitabilityRules, suitability, why_none
from shelterplan.siting.fair import fairest_cover, quota_cover
from shelterplan.siting.ground import Counted, Ground
from shelterplan.siting.max_cover import max_cover
from shelterplan.siting.need import need_cover
from shelterplan.siting.p_center import p_center
from shelterplan.siting.p_median import p_median
from shelterplan.siting.result import NoPlanError, SitingError, SitingResult
from shelterplan.siting.robust import InScenario, robust_cover
from shelterplan.siting.set_cover import set_cover
from shelterplan.siting.watch import never
from shelterplan.standards import AccessStandard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from shelterplan.plan import Plan
    from shelterplan.study_area import StudyArea

Objective = Literal[
    "people", "need", "fair", "everyone", "walking", "longest", "expected", "worst", "regret"
]
"""What a plan is to do best.

`people`: most people with a place; `need`: the same, those at risk and vulnerable counting more
(see `Ground.need`); `fair`: the district that has least first, then most people; `everyone`: fewest
(cheapest) sites so that everybody who can have a place has one. Room is not looked at by `walking`:
least walking of all people; `longest`: the shortest longest walk; and, for several scenarios,
`expected`: most people within reach on average; `worst`: the largest share of people within reach
in the worst scenario; `regret`: the fewest people lost by not knowing which scenario comes."""
ROBUST = ("expected", "worst", "regret")
"""Objectives for several scenarios."""
REACH_ONLY = (*ROBUST, "walking", "longest")
"""Objectives that do not look at room: they are of the walk alone."""
FAR = 10
"""`walking` and `longest` look at walks up to this multiple of the standard."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What is asked for."""

    sites: int | None = None
    """Most sites that may be added; None: as many as the budget pays."""
    budget: float | None = None
    """What they may cost together, in the unit of the candidates' costs."""
    objective: Objective = "people"
    quota: float | None = None
    """Share of the people of every district who must have a place (0 to 1)."""
    quota_among: Literal["all", "at_risk"] = "all"
    """Whether the quota is one of all people, or of those in a zone of the hazard."""
    counted: Counted = "possible"
    """Whether a shelter of unknown size is taken to have room for everybody (then the plan serves
    those who have no place even so), or for nobody."""
    keep: tuple[str, ...] = ()
    """Sites that must be in the plan."""
    forbid: tuple[str, ...] = ()
    """Sites that must not."""
    time_limit_s: float = 10.0
    """How long the solver may take [s]."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "keep", tuple(dict.fromkeys(self.keep)))
        for what, given, known in (
            ("objective", self.objective, get_args(Objective)),
            ("way of counting", self.counted, get_args(Counted)),
            ("group for a quota", self.quota_among, ("all", "at_risk")),
        ):
            if given not in known:
                raise UnknownNameError(what, given, list(known))
        for problem in self._problems():
            raise SitingError(problem)

    def _problems(self) -> Iterator[str]:
        """Yield what makes no sense."""
        sites, budget, quota = self.sites, self.budget, self.quota
        if sites is not None and (sites != int(sites) or sites < 0):
            yield f"sites must be a whole number, 0 or more, not {sites!r}"
        if budget is not None and not budget >= 0:
            yield f"budget must be 0 or more, not {budget!r}"
        if self.objective != "everyone" and sites is None and budget is None:
            yield "say how many sites may be added, or what they may cost together"
        if quota is not None and not 0 <= quota <= 1:
            yield f"quota must be a share from 0 to 1, not {quota:g}"
        if quota is not None and self.objective != "people":
            yield "a quota goes with the objective people only"
        if sites is not None and len(self.keep) > sites:
            yield f"{len(self.keep)} sites are to be kept, but only {sites} may be added"
        both = sorted({*self.keep} & {*self.forbid})
        if both:
            yield f"site {both[0]!r} is to be kept and forbidden at once"

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return {
            item.name: list(value) if isinstance(value, tuple) else value
            for item in fields(self)
            for value in (getattr(self, item.name),)
        }


SHARE_TOLD = 5e-4
"""Shares that differ by less are the same as they are shown."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Suggestion:
    """A plan: which sites to build, in which order, and what they do."""

    sites: gpd.GeoDataFrame
    """The chosen sites, the first to build first: the candidates' columns, `step`,
    `newly_covered_population` (people who have a place once this one is built, too, and had none
    before) and `covered_after` (people with a place then)."""
    result: SitingResult
    """What the model says: columns are rows of `candidates` that were suitable."""
    candidates: gpd.GeoDataFrame
    """Every candidate with its suitability; see `candidates.suitability`."""
    before: Plan
    """The study area as it is."""
    after: Plan
    """The study area with the chosen sites: a coverage run of its own."""
    wish: Wish
    scenario: Scenario
    standard: AccessStandard
    reasons: tuple[str, ...] = ()
    """Why there are no sites, or fewer than asked for; empty if there are as many."""
    left_out_people: float = 0.0
    """People of whom the objective knows nothing: no site and no shelter can be reached."""
    unit: str = "people"
    """Unit of the objective and the bound."""
    scenarios: dict[str, InScenario] = field(default_factory=dict)
    """What the plan does in each scenario, by its name (`""`: the main one), if there are more."""
    manifest: dict[str, Any] = field(default_factory=dict)

    @property
    def counted_column(self) -> str:
        """Column of `Plan.total` with the people who have a place, as they were counted."""
        return "possible_people" if self.wish.counted == "possible" else "covered_population"

    @property
    def share_before(self) -> float:
        """Share of people with a place as it is."""
        return _share(self.before.total, self.counted_column)

    @property
    def share_after(self) -> float:
        """Share of people with a place with the chosen sites."""
        return _share(self.after.total, self.counted_column)

    @property
    def worst_share_after(self) -> float:
        """Smallest share of people of a district who have a place in `after`."""
        people = self.after.districts["population"]
        shares = (self.after.districts[self.counted_column] / people).where(people > 0)
        return float(shares.min())

    @property
    def kept_places(self) -> bool:
        """Whether the worst district has less in `after` than the model gives it.

        The model may keep places for a district that others live nearer to. A coverage run does
        not: it gives out as many places with as little walking as it can.
        """
        wish = self.wish
        promised = wish.quota if wish.objective == "people" else self.result.objective
        if promised is None or wish.objective not in {"people", "fair"}:
            return False
        return wish.quota_among == "all" and self.worst_share_after < promised - SHARE_TOLD


def suggest(
    area: StudyArea,
    wish: Wish,
    scenario: Scenario | None = None,
    standard: AccessStandard | None = None,
    *,
    scenarios: Mapping[str, Scenario] | None = None,
    candidates: gpd.GeoDataFrame | None = None,
    rules: SuitabilityRules | None = None,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> Suggestion:
    """Find the best sites for new shelters.

    Parameters
    ----------
    area : StudyArea
        The place.
    wish : Wish
        How many sites, for what.
    scenario, standard
        As in `make_plan`. Where the objective does not look at room, the figures do not, either.
    scenarios : mapping, optional
        Further scenarios, by name, for the objectives `expected`, `worst` and `regret`; `scenario`
        is one of those looked at, too.
    candidates : GeoDataFrame, optional
        Sites to choose from; by default those of the study area.
    rules : SuitabilityRules, optional
        Which of them are fit to be chosen; by default those with a way in, outside the zones that
        count in the scenario.
    progress, stop
        See `watch.Watch`.

    Raises
    ------
    SitingError
        If a site that is to be kept or forbidden is not there, or something does not fit.
    NoPlanError
        If no choice of sites does what was asked for.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> plan = suggest(StudyArea.open("monaco"), Wish(sites=2))
    >>> len(plan.sites), plan.result.status, plan.share_after > plan.share_before
    (2, 'optimal', True)
    """
    scenario, standard = scenario or Scenario(), standard or AccessStandard()
    if scenario.room == "nearest" and wish.objective not in REACH_ONLY:
        message = (
            "plans are made for people who are told where there is room (room assigned), or with "
            'room not looked at (room ignored), not for room "nearest"'
        )
        raise SitingError(message)
    if wish.objective in REACH_ONLY:  # figures of the same kind as the objective
        scenario = replace(scenario, room="ignored")
    if bool(scenarios) != (wish.objective in ROBUST):
        message = f"the objectives {', '.join(ROBUST)} need further scenarios, the others take none"
        raise SitingError(message)
    progress("looking at the candidates", 0.0)
    rules = rules or SuitabilityRules(hazard_level=scenario.hazard_level)
    table = suitability(area, candidates, scenario=scenario, standard=standard, rules=rules)
    _refuse_strangers(table, wish)
    ground = Ground(area, _choosable(table, wish), scenario, standard, wish.counted)
    others = [
        replace(ground, scenario=replace(one, room="ignored")) for one in (scenarios or {}).values()
    ]
    found = _solve(ground, others, wish, progress, stop) if len(ground.sites) else None
    columns = _added(ground, found)
    sites = _in_order(ground, columns)
    before = make_plan(area, scenario, standard)
    after = make_plan(area.with_sites(sites), scenario, standard) if len(sites) else before
    wanted = 1 if wish.sites is None or wish.objective == "everyone" else wish.sites
    return Suggestion(
        sites=sites,
        result=found.result if found else _nothing(ground),
        candidates=table,
        before=before,
        after=after,
        wish=wish,
        scenario=scenario,
        standard=standard,
        reasons=_why_few(ground, table, rules, wish.objective) if len(sites) < wanted else (),
        left_out_people=found.left_out if found else 0.0,
        unit=found.unit if found else "people",
        scenarios=dict(zip(("", *(scenarios or {})), found.scenarios, strict=False))
        if found
        else {},
        manifest=before.manifest
        | {
            "wish": wish.to_dict(),
            "scenarios": {name: one.to_dict() for name, one in (scenarios or {}).items()},
        },
    )


_WHY_NOT = {
    "fitness_unknown": "nobody has said whether they are fit for the hazard",
    "unfit": "they are not fit for the hazard",
    "in_zone": "they lie in a zone of the hazard",
    "no_wheelchair": "no wheelchair can enter them",
    "no_entrance": "they have no entrance that can be used",
}
"""Why nobody would be sent to a site; see `situation.REASONS`."""


def _why_few(
    ground: Ground, table: gpd.GeoDataFrame, rules: SuitabilityRules | None, objective: Objective
) -> tuple[str, ...]:
    """Say why there are fewer sites than were asked for."""
    if objective in REACH_ONLY:
        return ("no further candidate would make it better",)
    here = ground.here
    reason = here.reason[len(ground.area.shelters) :]
    said = [
        f"{count} of the suitable candidates would not be used: {_WHY_NOT[why]}"
        for why in _WHY_NOT
        if (count := int((reason == why).sum()))
    ]
    said += why_none(
        ground.area,
        table,
        scenario=ground.scenario,
        standard=ground.standard,
        rules=rules,
        counted=ground.counted,
    )
    return tuple(said) or ("no further candidate would give a place to anybody who has none",)


def _share(total: pd.Series[Any], column: str) -> float:
    people = float(total["population"])
    return float(total[column]) / people if people else float("nan")


def _refuse_strangers(table: gpd.GeoDataFrame, wish: Wish) -> None:
    """Raise if a site is named that is not there, or that cannot be kept."""
    for name in (*wish.keep, *wish.forbid):
        if name not in table.index:
            message = f"there is no candidate site {name!r}"
            raise SitingError(message)
    for name in wish.keep:
        if not table.loc[name, "suitable"]:
            message = (
                f"site {name!r} cannot be kept: it is not suitable ({table.loc[name, 'reason']})"
            )
            raise SitingError(message)


def _choosable(table: gpd.GeoDataFrame, wish: Wish) -> gpd.GeoDataFrame:
    """Return the suitable sites that are not forbidden, and can be paid."""
    chosen = table["suitable"].to_numpy(bool) & ~table.index.isin(wish.forbid)
    if wish.budget is not None:
        costs = table["cost"].astype("Float64")
        if costs[chosen].isna().any():
            unknown = table.index[chosen & costs.isna().to_numpy(bool)]
            message = (
                f"a budget needs the cost of every candidate; {len(unknown)} have none, such as "
                f"{unknown[0]!r}: give a number of sites instead, or add the column cost"
            )
            raise SitingError(message)
    return table[chosen]


@dataclass(frozen=True)
class _Found:
    result: SitingResult
    unit: str
    left_out: float = 0.0
    scenarios: tuple[InScenario, ...] = ()


def _solve(
    ground: Ground,
    others: list[Ground],
    wish: Wish,
    progress: Progress,
    stop: Callable[[], bool],
) -> _Found:
    """Let the model of the objective choose."""
    kept = ground.sites.index.get_indexer(list(wish.keep)) + len(ground.area.shelters)
    count = None if wish.sites is None else wish.sites - len(kept)
    costs, budget = None, None
    if wish.budget is not None:
        price = ground.sites["cost"].astype("Float64").to_numpy(float)
        costs = np.concatenate([np.zeros(len(ground.area.shelters)), price])
        budget = wish.budget - float(costs[kept].sum())
        if budget < 0:
            message = (
                f"the sites to be kept cost {costs[kept].sum():g}, the budget is {wish.budget:g}"
            )
            raise SitingError(message)
    common: dict[str, Any] = {
        "fixed": [*ground.fixed, *kept],
        "costs": costs,
        "budget": budget,
        "capacity": ground.room,
        "time_limit_s": wish.time_limit_s,
        "progress": progress,
        "stop": stop,
    }
    if others:
        return _robust([ground, *others], wish, count, common)
    return _MODELS[wish.objective](ground, wish, count, common)


def _robust(grounds: list[Ground], wish: Wish, count: int | None, common: dict[str, Any]) -> _Found:
    reach = [(ground.walks, ground.people) for ground in grounds]
    options = {name: value for name, value in common.items() if name != "capacity"}
    objective: Any = wish.objective
    found = robust_cover(reach, count, objective=objective, **options)
    units = {
        "expected": "people within reach, on average over the scenarios",
        "worst": "share of people within reach in the worst scenario",
        "regret": "people fewer than the best plan of a scenario, at most",
    }
    return _Found(found, units[wish.objective], scenarios=found.scenarios)


def _most(ground: Ground, wish: Wish, count: int | None, common: dict[str, Any]) -> _Found:
    people = ground.people
    if wish.quota is not None:
        counted = people if wish.quota_among == "all" else people * (ground.here.level > 0)
        if not counted.any():
            message = "nobody is known to be at risk: a quota of people at risk needs a hazard"
            raise SitingError(message)
        groups: dict[str, Any] = {"group": ground.district, "counted": counted, **common}
        try:
            found = quota_cover(ground.walks, people, count, share=wish.quota, **groups)
        except NoPlanError as error:
            best = fairest_cover(ground.walks, people, count, **groups).worst_share
            message = (
                f"{str(error).replace('group', 'district')}; {best:.1%} is the largest share of "
                "the worst district that was found"
            )
            raise NoPlanError(message) from error
        return _Found(found, "people")
    return _Found(max_cover(ground.walks, people, count, **common), "people")


def _most_in_need(ground: Ground, wish: Wish, count: int | None, common: dict[str, Any]) -> _Found:
    del wish
    found = need_cover(ground.walks, ground.people, ground.need(), count, **common)
    return _Found(found, "people, weighted by need")


def _fairest(ground: Ground, wish: Wish, count: int | None, common: dict[str, Any]) -> _Found:
    del wish
    found = fairest_cover(ground.walks, ground.people, count, group=ground.district, **common)
    return _Found(found, "share of the worst district")


def _all(ground: Ground, wish: Wish, count: int | None, common: dict[str, Any]) -> _Found:
    reached = np.diff(ground.walks.indptr) > 0
    people = np.where(reached, ground.people, 0.0)
    found = set_cover(ground.walks, people, count=count, **common)
    kept = ground.sites.loc[list(wish.keep)]
    priced = common["costs"] is not None
    there = float(kept["cost"].astype(float).sum()) if priced else float(len(kept))
    whole = replace(found, objective=found.objective + there, bound=found.bound + there)
    left_out = float(ground.people[~reached].sum())
    return _Found(whole, "cost" if priced else "sites", left_out)


def _least_walking(ground: Ground, wish: Wish, count: int | None, common: dict[str, Any]) -> _Found:
    del wish
    walks, people, left_out = _far(ground)
    limit = limit_of(ground.here, ground.standard)
    found = p_median(walks, people, count, unserved_cost=limit.value * FAR, **common)
    return _Found(found, "person metres" if limit.unit == "m" else "person seconds", left_out)


def _shortest_longest(
    ground: Ground, wish: Wish, count: int | None, common: dict[str, Any]
) -> _Found:
    del wish
    walks, people, left_out = _far(ground)
    found = p_center(walks, people, count, **common)
    return _Found(found, limit_of(ground.here, ground.standard).unit, left_out)


def _far(ground: Ground) -> tuple[Any, NDArray[np.float64], float]:
    """Return walks well beyond the standard, and the people who have any."""
    walks = ground.walks_up_to(max(limit_of(ground.here, ground.standard).value, 0.0) * FAR)
    reached = np.diff(walks.indptr) > 0
    people = np.where(reached, ground.people, 0.0)
    return walks, people, float(ground.people[~reached].sum())


_MODELS: dict[str, Callable[[Ground, Wish, int | None, dict[str, Any]], _Found]] = {
    "people": _most,
    "need": _most_in_need,
    "fair": _fairest,
    "everyone": _all,
    "walking": _least_walking,
    "longest": _shortest_longest,
}


def _added(ground: Ground, found: _Found | None) -> list[int]:
    """Return the columns of the chosen sites."""
    first = len(ground.area.shelters)
    return [column for column in found.result.selected if column >= first] if found else []


def _nothing(ground: Ground) -> SitingResult:
    """Return the result where there is nothing to choose from."""
    people = ground.placed(ground.fixed)
    return SitingResult.of([], people, people, seconds=0.0, sense="most")


def _in_order(ground: Ground, columns: list[int]) -> gpd.GeoDataFrame:
    """Return the chosen sites, each the best to build after those before it.

    The gain of a site never grows when others are built before it (places are a flow, whose value
    is submodular in the sites), so that a gain that is still the greatest need not be compared.
    """
    built, order = list(ground.fixed), []
    now = ground.placed(built)
    gains = dict.fromkeys(columns, np.inf)
    steps: list[tuple[float, float]] = []
    while gains:
        fresh: set[int] = set()
        while True:
            best = max(gains, key=lambda column: (gains[column], -column))
            if best in fresh:
                break
            gains[best] = ground.placed([*built, best]) - now
            fresh.add(best)
        gain = gains.pop(best)
        now += gain
        built.append(best)
        order.append(best - len(ground.area.shelters))
        steps.append((gain, now))
    table = ground.sites.iloc[order]
    return table.assign(
        step=np.arange(1, len(order) + 1),
        newly_covered_population=[gain for gain, _ in steps],
        covered_after=[after for _, after in steps],
    )
