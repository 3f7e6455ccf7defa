"""What the people of each demand point have: the walk, a place, and shelter shared with others."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from shelterplan import access
from shelterplan.coverage import limit_of, within
from shelterplan.equity.shortfall import as_access
from shelterplan.errors import TableError
from shelterplan.floating import two_step_floating_catchment
from shelterplan.room import room_of
from shelterplan.scenario import Scenario
from shelterplan.situation import situation
from shelterplan.standards import AccessStandard, Limit
from shelterplan.tables import GROUPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.plan import Plan
    from shelterplan.situation import Situation
    from shelterplan.study_area import StudyArea

PLACED: dict[str, tuple[str, ...]] = {
    "possible": ("covered", "capacity_unknown"),
    "confirmed": ("covered",),
}
"""Statuses of people who have a place, by the way of counting."""
SHARED = ("m2_per_person", "two_step")
"""What is shared out between all who reach a shelter; it takes the study area to know."""
NO_AREA = "give the study area, too"
"""Why what is shared out is not known."""
NO_DEPRIVATION = "the communities have no column `deprivation`"
"""Why nobody can be ranked by it."""
NO_LIMIT = "the standard leaves no time, or no way, to walk"
"""Why no walk can be measured against the standard."""


class Walks(NamedTuple):
    """The walks to the nearest fit shelter against the longest that the standard allows."""

    walk: NDArray[np.float64]
    """In the unit of the limit; `inf` without any way, exactly the limit where that is met."""
    limit: Limit
    """After the delay with which people leave; 0 or less: there is no time at all."""


def walks_of(plan: Plan) -> Walks:
    """Return the walks of the people of an analysis, in the unit of its standard."""
    standard = plan.manifest["standard"]
    if standard["max_time_s"] is None:
        limit = Limit(standard["max_distance_m"], "m")
    else:
        limit = Limit(standard["max_time_s"] - plan.manifest["scenario"]["delay_s"], "s")
    walk = plan.demand["distance_m" if limit.unit == "m" else "walk_time_s"].to_numpy(float)
    met = within(walk, limit.value)
    return Walks(np.where(met, np.minimum(walk, limit.value), walk), limit)


def people_of(plan: Plan, area: StudyArea | None = None) -> pd.DataFrame:
    """Return what the people of each demand point have.

    Parameters
    ----------
    plan : Plan
        The analysis.
    area : StudyArea, optional
        The place that was analysed. Without it, what is shared out (see below) is not known.

    Returns
    -------
    DataFrame
        One row for each row of `plan.demand`: `community_id`, `district`, `population` and the
        population groups that are given; `distance_m` and `walk_time_s` to the nearest fit shelter
        (`inf` without any way); `possible` and `confirmed`: 1 for people who have a place, the
        first also where the shelter's room is unknown; `too_far` (1 or 0), `access` (see
        `as_access`), `shortfall` (1 - access) and `shortfall_severity` (its square), NaN if the
        standard leaves no time to walk. Shared out between all people within the standard's walk
        (the two-step floating catchment, all walks within it counting alike): `m2_per_person`,
        the ground or floor of shelters in reach [m2] (that of `standards_check`: what the area's
        room stands for where only that is known), and `two_step`, their places. A shelter of which
        that is unknown adds nothing, and `m2_unknown` and `two_step_unknown` are 1 for those who
        reach one: they have at least what is said. Why a column is all NaN, is in
        `attrs["left_out"]`.

    Raises
    ------
    TableError
        If the analysis is of another study area.

    Examples
    --------
    >>> from shelterplan import StudyArea, make_plan
    >>> area = StudyArea.open("monaco")
    >>> found = people_of(make_plan(area), area)
    >>> bool((found["access"] + found["shortfall"] == 1).all()), found.attrs["left_out"]
    (True, {'two_step': 'no shelter of known size is used'})
    """
    demand = plan.demand
    district = plan.communities["district"].reindex(demand["community_id"]).to_numpy(object)
    status = demand["status"]
    given = [name for name in GROUPS if name in demand]
    columns = ["population", *given, "distance_m", "walk_time_s"]
    table = pd.DataFrame({"community_id": demand["community_id"], "district": district})
    table[columns] = demand[columns]
    for name, statuses in PLACED.items():
        table[name] = status.isin(statuses).to_numpy(float)
    notes: dict[str, str] = {}
    table = table.assign(**_against_standard(plan, notes))
    table = table.assign(**_shared_out(plan, area, notes))
    table.attrs["left_out"] = notes
    return table


def _against_standard(plan: Plan, notes: dict[str, str]) -> dict[str, NDArray[np.float64]]:
    """Return the columns that compare walks with the standard."""
    walk, limit = walks_of(plan)
    if limit.value <= 0:
        notes |= dict.fromkeys(("too_far", "access", "shortfall", "shortfall_severity"), NO_LIMIT)
        met = far = np.full(len(walk), np.nan)
    else:
        met, far = as_access(walk, limit.value), (walk > limit.value).astype(float)
    short = 1.0 - met
    return {"too_far": far, "access": met, "shortfall": short, "shortfall_severity": short**2}


def _shared_out(
    plan: Plan, area: StudyArea | None, notes: dict[str, str]
) -> dict[str, NDArray[np.float64]]:
    """Return the columns of what is shared between all who reach a shelter."""
    nothing = np.full(len(plan.demand), np.nan)
    if area is None:
        notes |= dict.fromkeys(SHARED, NO_AREA)
        return dict.fromkeys(
            ("m2_per_person", "m2_unknown", "two_step", "two_step_unknown"), nothing
        )
    refuse_another(plan, area)
    scenario, standard = assumed(plan)
    here = situation(area, scenario)
    reach = _reach(here, limit_of(here, standard))
    row = area.demand.index.get_indexer(plan.demand.index)
    found: dict[str, NDArray[np.float64]] = {}
    for name, supply in _supplies(area, standard).items():
        prefix = name.removesuffix("_per_person")
        used = here.reason == ""
        if not (used & np.isfinite(supply)).any():
            notes[name] = "no shelter of known size is used"
            found |= {name: nothing, f"{prefix}_unknown": nothing}
            continue
        known = np.where(np.isfinite(supply), supply, 0.0)
        each = two_step_floating_catchment(reach, here.people, known)
        doubtful = (reach.indptr[:-1] < reach.indptr[1:]) & (
            _ones(reach) @ np.isnan(supply).astype(float) > 0
        )
        found |= {name: each[row], f"{prefix}_unknown": doubtful[row].astype(float)}
    return found


def _supplies(area: StudyArea, standard: AccessStandard) -> dict[str, NDArray[np.float64]]:
    """Return what each shelter has to share out, NaN where it is not known."""
    room = room_of(area, standard)["room"].to_numpy(float)
    area_m2 = area.shelters["area_m2"].astype("Float64").to_numpy(float, na_value=np.nan)
    stands_for = room * (standard.area_m2_per_person or np.nan)
    return {"m2_per_person": np.where(np.isnan(area_m2), stands_for, area_m2), "two_step": room}


def _reach(here: Situation, limit: Limit) -> csr_array:
    """Return the walks from all demand points to all fit shelters within a limit."""
    shape = (len(here.people), len(here.area.shelters))
    if limit.value < 0:
        return csr_array(shape)
    found = access.catchments(
        here.open.network,
        here.open.homes,
        here.doors,
        pace=here.open.pace,
        by=limit.unit,
        **{f"cutoff_{limit.unit}": limit.value},
    )
    return csr_array((found.data, found.indices, found.indptr), shape=shape)


def _ones(reach: csr_array) -> csr_array:
    """Return which shelters are within reach, as ones."""
    ones = np.ones(len(reach.indices))
    return csr_array((ones, reach.indices, reach.indptr), shape=reach.shape)


def assumed(plan: Plan) -> tuple[Scenario, AccessStandard]:
    """Return the scenario and the standard of an analysis.

    Examples
    --------
    >>> from shelterplan import StudyArea, make_plan
    >>> assumed(make_plan(StudyArea.open("monaco"))) == (Scenario(), AccessStandard())
    True
    """
    settings = plan.manifest["standard"]
    given = {name: value for name, value in settings.items() if value is not None}
    return Scenario.from_dict(plan.manifest["scenario"]), AccessStandard(**given)


def no_ranks(plan: Plan, by: str) -> str:
    """Return why communities cannot be ranked by their deprivation; empty if they can."""
    if "deprivation" not in plan.communities:
        return NO_DEPRIVATION
    if by != "community":
        return "deprivation is known by community"
    lived_in = plan.communities["population"] > 0
    if plan.communities.loc[lived_in, "deprivation"].isna().any():
        return "not known for every community with people"
    return ""


def refuse_another(plan: Plan, area: StudyArea) -> None:
    """Raise if an analysis is not one of this study area."""
    analysed = plan.manifest["area"]
    if analysed["version"] != area.version:
        problem = (
            f"the analysis is of {analysed['name']} (version {analysed['version']}), not of "
            f"{area.name} (version {area.version}); give the study area that was analysed."
        )
        raise TableError("area", [problem])
