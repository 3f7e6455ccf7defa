"""What a proposal would change: for whom, by how much, and beside the best plan at its cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from shelterplan.coverage import STATUSES
from shelterplan.equity import changes
from shelterplan.plan import make_plan
from shelterplan.progress import Progress, silent
from shelterplan.scenario import Scenario
from shelterplan.siting.result import SitingError
from shelterplan.siting.suggest import Suggestion, Wish, suggest
from shelterplan.siting.watch import never
from shelterplan.situation import hazards_of, situation
from shelterplan.standards import AccessStandard
from shelterplan.tables import GROUPS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import geopandas as gpd
    from numpy.typing import NDArray

    from shelterplan.plan import Plan
    from shelterplan.siting.ground import Counted
    from shelterplan.study_area import StudyArea

PLACED: dict[str, tuple[str, ...]] = {
    "possible": ("covered", "capacity_unknown"),
    "confirmed": ("covered",),
}
"""Statuses of people who have a place, by how they are counted (see `ground.Counted`)."""


SAME_PLACE_M = 30.0
"""A site as near to a shelter as this may be that shelter [m]."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluation:
    """Before and after a proposal. People count as served as `counted` says."""

    sites: gpd.GeoDataFrame
    """The proposed sites: the candidates' columns, `reason` (why nobody would be sent there, one
    of `situation.REASONS`), `room` (NaN if unknown), `assigned_population`,
    `had_place_population` (those of them who have a place without the proposal: the overlap) and
    `utilisation`."""
    before: Plan
    after: Plan
    counted: Counted
    served: pd.DataFrame
    """One row a demand point: `community_id`, `population`, `before_people` and `after_people` with
    a place, `newly_people`, `lost_people`, `before_time_s` and `after_time_s` (walk to the nearest
    fit shelter, `inf` if there is none)."""
    communities: pd.DataFrame
    """One row a community: `name`, `district`, `population`, what `served` adds up to,
    `saved_person_min` (minutes saved on the walk to the nearest fit shelter, of people who have a
    place then and had a way before), `shorter_people` (those of them whose walk gets shorter) and
    `reconnected_people` (who had no way at all, and now have one)."""
    districts: pd.DataFrame
    """The same for each district."""
    hazards: pd.DataFrame
    """One row a hazard of the study area, `""` for an ordinary day: `before_people`,
    `after_people`, `newly_people`."""
    alternative: Suggestion | None
    """The best plan with as many sites or, where all costs are known, at the same cost."""
    why_no_alternative: str
    """Why there is none; empty if there is."""
    doubles: tuple[str, ...]
    """Sites that stand where a shelter is already: a sentence each."""
    interval: pd.DataFrame
    """One row a scenario: `before_people`, `after_people`, `newly_people`."""

    @cached_property
    def groups(self) -> pd.DataFrame:
        """The same people by population group: `population`, `before_people`, `after_people`."""
        return _groups(self.before, self.after, self.counted)

    @cached_property
    def shelters(self) -> pd.DataFrame:
        """One row an existing shelter, and how it is relieved.

        `name`, `room`, `before_people` and `after_people` assigned to it, `relieved_people`,
        `turned_away_before`, `turned_away_after`.
        """
        return _relieved(self.before, self.after)

    @cached_property
    def equity(self) -> pd.DataFrame:
        """How the measures of equity change; see `equity.changes`."""
        return changes(self.before, self.after, counted=self.counted)

    @property
    def newly_people(self) -> float:
        """How many more people have a place."""
        return float(self.served["after_people"].sum() - self.served["before_people"].sum())

    @property
    def saved_person_min(self) -> float:
        """Minutes of walking saved, added up over people who had a way before."""
        return float(self.communities["saved_person_min"].sum())


def evaluate(
    area: StudyArea,
    sites: gpd.GeoDataFrame,
    scenario: Scenario | None = None,
    standard: AccessStandard | None = None,
    *,
    counted: Counted = "possible",
    scenarios: Mapping[str, Scenario] | None = None,
    other_hazards: bool = True,
    compare: bool = True,
    before: Plan | None = None,
    time_limit_s: float = 10.0,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> Evaluation:
    """Compare a study area with and without some sites.

    Parameters
    ----------
    area : StudyArea
        The place.
    sites : GeoDataFrame
        Rows of the candidates table, or others with its columns.
    scenario, standard
        As in `make_plan`.
    counted : {"possible", "confirmed"}
        Whether a shelter of unknown size is taken to have room.
    scenarios : mapping, optional
        Further scenarios, by name, under which the proposal is looked at; when stopped, those that
        were done.
    other_hazards : bool
        Whether to look at every hazard of the study area, too; else at the scenario's alone.
    compare : bool
        Whether to look for the best plan at the same cost, among the candidates of the study area
        and the proposed sites.
    before : Plan, optional
        The study area without the sites under the same scenario and standard, where it is known
        already; it is not checked.
    time_limit_s : float
        How long that may take [s].
    progress, stop
        See `watch.Watch`.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> area = StudyArea.open("monaco")
    >>> found = evaluate(area, area.candidates.loc[["way/432751852"]], compare=False)
    >>> before, after = (plan.total["possible_people"] for plan in (found.before, found.after))
    >>> bool(found.newly_people == after - before > 0)
    True
    """
    scenario, standard = scenario or Scenario(), standard or AccessStandard()
    progress("before", 0.0)
    before = before or make_plan(area, scenario, standard)
    progress("after", 0.2)
    with_sites = area.with_sites(sites)
    after = make_plan(with_sites, scenario, standard)
    served = _served(area, before, after, counted)
    progress("other hazards", 0.4)
    alternative, why = (
        _best(area, sites, after, counted, (scenario, standard), time_limit_s, progress, stop)
        if compare
        else (None, "not asked for")
    )
    more = _Pair(area, with_sites, standard, counted, {scenario: (before, after)}, progress, stop)
    return Evaluation(
        sites=_sites(with_sites, sites, scenario, after, served),
        before=before,
        after=after,
        counted=counted,
        served=served,
        communities=_by_community(area, served),
        districts=_by_district(area, served),
        hazards=more.under(_each_hazard(area, scenario, every=other_hazards)),
        doubles=_doubles(area, sites),
        alternative=alternative,
        why_no_alternative=why,
        interval=more.under(scenarios or {}),
    )


def _placed(walks: pd.DataFrame, counted: Counted) -> pd.Series[Any]:
    """Return the people of each row who have a place."""
    return walks["population"].where(walks["status"].isin(PLACED[counted]), 0.0)


def _served(area: StudyArea, before: Plan, after: Plan, counted: Counted) -> pd.DataFrame:
    table = pd.DataFrame({"community_id": area.demand["community_id"]})
    for name, plan in (("before", before), ("after", after)):
        point = area.demand.index.get_indexer(plan.demand.index)
        time_s = np.empty(len(table))
        time_s[point] = plan.demand["walk_time_s"]  # the same in all rows of one point
        table["population"] = _added(point, plan.demand["population"], len(table))
        table[f"{name}_people"] = _added(point, _placed(plan.demand, counted), len(table))
        table[f"{name}_time_s"] = time_s
    more = table["after_people"] - table["before_people"]
    return table.assign(newly_people=more.clip(lower=0), lost_people=(-more).clip(lower=0) + 0.0)


def _added(point: NDArray[np.intp], people: pd.Series[Any], count: int) -> NDArray[np.float64]:
    """Return the people of each demand point, whose rows are numbered by `point`."""
    return np.bincount(point, people.to_numpy(float), count).astype(float)


def _doubles(area: StudyArea, sites: gpd.GeoDataFrame) -> tuple[str, ...]:
    """Say which sites stand where a shelter is: their room may be counted twice."""
    if not len(sites) or not len(area.shelters):
        return ()
    shapes = sites.geometry.to_crs(area.crs)
    tree = shapely.STRtree(area.metric_shelters)
    near, away_m = tree.query_nearest(shapes.array, all_matches=False, return_distance=True)
    return tuple(
        f"{sites['name'].iloc[row]} lies {metres:.0f} m from the shelter "
        f"{area.shelters['name'].iloc[shelter]}: its room may be counted twice"
        for row, shelter, metres in zip(*near, away_m, strict=True)
        if metres <= SAME_PLACE_M
    )


def _by_community(area: StudyArea, served: pd.DataFrame) -> pd.DataFrame:
    found = _sums(served, served["community_id"]).reindex(area.communities.index, fill_value=0.0)
    return pd.DataFrame(area.communities[["name", "district"]]).join(found)


def _by_district(area: StudyArea, served: pd.DataFrame) -> pd.DataFrame:
    district = area.communities["district"].reindex(served["community_id"]).to_numpy(object)
    return _sums(served, pd.Series(district, index=served.index, name="district"))


def _sums(served: pd.DataFrame, by: pd.Series[Any]) -> pd.DataFrame:
    """Add people and minutes up by group."""
    before, after = served["before_time_s"], served["after_time_s"]
    had = np.isfinite(before)
    saved_s = (before.where(had, 0.0) - after.where(had, 0.0)).clip(lower=0)
    parts = served[["population", "before_people", "after_people", "newly_people", "lost_people"]]
    parts = parts.assign(
        saved_person_min=served["after_people"] * saved_s / 60,
        shorter_people=served["after_people"].where(saved_s > 0, 0.0),
        reconnected_people=served["population"].where(~had & np.isfinite(after), 0.0),
    )
    return parts.assign(by=by.to_numpy(object)).groupby("by", sort=True).sum().rename_axis(None)


def _groups(before: Plan, after: Plan, counted: Counted) -> pd.DataFrame:
    rows = {}
    for group in GROUPS:
        if group in before.demand:
            total, had, have = (
                _group(walks, group, statuses)
                for walks, statuses in (
                    (before.demand, STATUSES),
                    (before.demand, PLACED[counted]),
                    (after.demand, PLACED[counted]),
                )
            )
            rows[group] = {"population": total, "before_people": had, "after_people": have}
    return pd.DataFrame.from_dict(
        rows, orient="index", columns=["population", "before_people", "after_people"]
    )


def _group(walks: pd.DataFrame, group: str, statuses: tuple[str, ...]) -> float:
    return float(walks.loc[walks["status"].isin(statuses), group].fillna(0).sum())


def _each_hazard(area: StudyArea, scenario: Scenario, *, every: bool) -> dict[str, Scenario]:
    if not every:
        return {scenario.hazard: scenario}
    return {
        hazard: replace(scenario, hazard=hazard, return_period=None)
        if hazard != scenario.hazard
        else scenario
        for hazard in dict.fromkeys(["", *hazards_of(area), scenario.hazard])
    }


@dataclass(frozen=True, eq=False)
class _Pair:
    """A study area without and with some sites, to be looked at under many scenarios."""

    area: StudyArea
    with_sites: StudyArea
    standard: AccessStandard
    counted: Counted
    known: Mapping[Scenario, tuple[Plan, Plan]]
    progress: Progress
    stop: Callable[[], bool]

    def under(self, scenarios: Mapping[str, Scenario]) -> pd.DataFrame:
        """Return who has a place before and after in each scenario, in those that were done."""
        column = "possible_people" if self.counted == "possible" else "covered_population"
        rows = {}
        for name, scenario in scenarios.items():
            if scenario not in self.known and self.stop():
                break
            plans = self.known.get(scenario) or (
                make_plan(self.area, scenario, self.standard),
                make_plan(self.with_sites, scenario, self.standard),
            )
            had, have = (float(plan.total[column]) for plan in plans)
            rows[name] = {"before_people": had, "after_people": have, "newly_people": have - had}
            self.progress("other scenarios", 0.4 + 0.6 * len(rows) / len(scenarios))
        columns = ["before_people", "after_people", "newly_people"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _sites(
    with_sites: StudyArea,
    sites: gpd.GeoDataFrame,
    scenario: Scenario,
    after: Plan,
    served: pd.DataFrame,
) -> gpd.GeoDataFrame:
    """Return the proposed sites with what they would be used for."""
    here = situation(with_sites, scenario)
    reason = pd.Series(here.reason, index=with_sites.shelters.index)
    use = after.shelters.reindex(sites.index)
    share = (served["before_people"] / served["population"]).fillna(0.0)
    column = "assigned_id" if "assigned_population" in use else "shelter_id"
    rows = after.demand[after.demand[column].isin(sites.index)]
    overlap = (rows["population"] * share.reindex(rows.index)).groupby(rows[column]).sum()
    table = sites.assign(
        reason=reason.reindex(sites.index),
        room=use["room"],
        assigned_population=use.get("assigned_population", np.nan),
        had_place_population=overlap.reindex(sites.index).fillna(0.0),
        utilisation=use.get("utilisation", np.nan),
    )
    found: gpd.GeoDataFrame = table
    return found


def _relieved(before: Plan, after: Plan) -> pd.DataFrame:
    """Return how the existing shelters are relieved."""
    table = before.shelters[["name", "room"]]
    if "assigned_population" not in before.shelters:
        return table
    later = after.shelters.reindex(before.shelters.index)
    return table.assign(
        before_people=before.shelters["assigned_population"],
        after_people=later["assigned_population"],
        relieved_people=before.shelters["assigned_population"] - later["assigned_population"],
        turned_away_before=before.shelters["turned_away_population"],
        turned_away_after=later["turned_away_population"],
    )


def _best(
    area: StudyArea,
    sites: gpd.GeoDataFrame,
    after: Plan,
    counted: Counted,
    given: tuple[Scenario, AccessStandard],
    time_limit_s: float,
    progress: Progress,
    stop: Callable[[], bool],
) -> tuple[Suggestion | None, str]:
    """Return the best plan at the cost of a proposal, chosen among all sites that are known."""
    costs = sites["cost"].astype("Float64") if "cost" in sites else pd.Series([pd.NA])
    others = area.candidates[~area.candidates.index.isin(sites.index)]
    pool = pd.concat([others, sites])
    by_cost = bool(costs.notna().all() and others["cost"].notna().all())
    wish = Wish(
        sites=None if by_cost else len(sites),
        budget=float(costs.sum()) if by_cost else None,
        counted=counted,
        time_limit_s=time_limit_s,
    )
    try:
        found = suggest(area, wish, *given, candidates=pool, progress=progress, stop=stop)
    except SitingError as error:
        return None, str(error)
    column = found.counted_column
    if not found.result.optimal and found.after.total[column] < after.total[column]:
        return None, "no plan as good as the proposal was found in time"
    return found, ""
