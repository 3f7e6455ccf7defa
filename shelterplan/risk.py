"""Which communities come first: how many people a hazard strikes, how hard, and who has no shelter.

The index is plain on purpose: three parts from 0 to 1, weights that can be changed, and the ranks
that a community would have under other weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from shelterplan import coverage
from shelterplan.compliance import standards_check
from shelterplan.errors import UnknownNameError
from shelterplan.grades import grades
from shelterplan.penalty import penalty_summary, walker_penalty
from shelterplan.ranking import (
    Mean,
    RiskError,
    high_risk_query,
    high_risk_under_served,
    left_out_of,
    ranking,
)
from shelterplan.scenario import WORST_LEVEL, Scenario
from shelterplan.situation import Situation, situation
from shelterplan.tables import GROUPS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import geopandas as gpd

    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea

__all__ = [
    "RiskError",
    "exposure",
    "high_risk_query",
    "high_risk_under_served",
    "penalty_summary",
    "priority",
    "ranking",
    "standards_check",
    "vulnerability",
    "walker_penalty",
]

UnknownRoom = Literal["possible", "none"]


def exposure(area: StudyArea, scenario: Scenario | None = None) -> pd.DataFrame:
    """Count the people of each community by the level of the hazard where they are.

    Parameters
    ----------
    area : StudyArea
        The place.
    scenario : Scenario, optional
        The hazard, which zones of it count, and the time of day.

    Returns
    -------
    DataFrame
        One row a community: `name`, `district`, `population` at that time of day,
        `level_0_population` (outside every zone that counts) to `level_4_population`, by the worst
        zone at the point, which add up to the population exactly; `at_risk_people`, those of
        level 1 and above (NaN if no zone is known); and `zones_known`, whether any zone of the
        hazard is known at all: if not, level 0 only says that nobody has drawn one.

    Examples
    --------
    >>> from shelterplan import Scenario, StudyArea
    >>> found = exposure(StudyArea.open("monaco"), Scenario(hazard="flood"))
    >>> int(found["level_0_population"].sum()), bool(found["zones_known"].any())
    (38367, False)
    """
    return _exposure(situation(area, scenario or Scenario()))


def _exposure(here: Situation) -> pd.DataFrame:
    communities = here.area.communities
    rows = pd.DataFrame(
        {
            "community_id": here.area.demand["community_id"].to_numpy(object),
            "level": here.level,
            "population": here.people,
        }
    )
    people = (
        rows.pivot_table("population", "community_id", "level", aggfunc="sum")
        .reindex(index=communities.index, columns=range(WORST_LEVEL + 1))
        .fillna(0.0)
    )
    known = bool((here.area.hazards["hazard"] == here.scenario.hazard).any())
    return pd.DataFrame(
        {
            "name": communities["name"],
            "district": communities["district"],
            "population": people.sum(axis=1),
            **{f"level_{level}_population": people[level] for level in people.columns},
            "at_risk_people": people.drop(columns=0).sum(axis=1) if known else np.nan,
            "zones_known": known,
        }
    )


def vulnerability(area: StudyArea) -> pd.DataFrame:
    """Say how hard a hazard would hit the people of each community, as far as the data tells.

    It is the plain mean of the components that are known: the shares of children, of people from
    65 and of disabled people (of the residents of points where the group is known), and the rank of
    a column `deprivation` of the communities, in which more is worse: (rank - 1/2) / communities,
    ties sharing their mean rank, so that no scale matters and nobody is at 0. A component that is
    not known for every community with residents is left out for all of them, so that communities
    can be compared. Nothing is filled in.

    Parameters
    ----------
    area : StudyArea
        The place; groups are columns of its demand, `deprivation` one of its communities.

    Returns
    -------
    DataFrame
        One row a community: `name`, `district`, `population` (residents); `children_share`,
        `elderly_65_share`, `disabled_share`, `deprivation_rank` (NaN where not known);
        `vulnerability` (0 to 1; NaN where nothing is known) and `vulnerability_left_out`, the
        components that are not in it. Why, is in `attrs["left_out"]`.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> found = vulnerability(StudyArea.open("monaco"))
    >>> found["vulnerability"].isna().all(), found.attrs["left_out"]["deprivation_rank"]
    (np.True_, 'not given')
    """
    parts = {f"{group}_share": _group_share(area, group) for group in GROUPS}
    parts["deprivation_rank"] = _deprivation_rank(area)
    table = area.communities[["name", "district", "population"]]
    found = pd.DataFrame(table).assign(**parts)
    left_out = left_out_of(found[list(parts)], found["population"] > 0)
    used = [name for name in parts if name not in left_out]
    index = found[used].mean(axis=1) if used else pd.Series(np.nan, index=found.index)
    found = found.assign(
        vulnerability=index.where(found["population"] > 0),
        vulnerability_left_out=", ".join(left_out),
    )
    found.attrs["left_out"] = left_out
    return found


def _group_share(area: StudyArea, group: str) -> pd.Series:
    """Return the share of a group among the residents of points where it is known."""
    index = area.communities.index
    if group not in area.demand:
        return pd.Series(np.nan, index=index)
    known = area.demand[["community_id", "population", group]].dropna()
    total = known.groupby("community_id")[["population", group]].sum().astype(float)
    share = (total[group] / total["population"]).where(total["population"] > 0)
    found: pd.Series = share.clip(upper=1.0).reindex(index)
    return found


def _deprivation_rank(area: StudyArea) -> pd.Series:
    """Return the rank of each community's deprivation between 0 and 1."""
    index = area.communities.index
    if "deprivation" not in area.communities:
        return pd.Series(np.nan, index=index)
    values = area.communities["deprivation"]
    lived_in = pd.Series(values.to_numpy(float, na_value=np.nan), index=index).where(
        area.communities["population"] > 0
    )
    rank: pd.Series = (lived_in.rank() - 0.5) / lived_in.notna().sum()
    return rank


def priority(
    area: StudyArea,
    scenario: Scenario | None = None,
    standard: AccessStandard | None = None,
    *,
    weights: Mapping[str, float] | None = None,
    mean: Mean = "geometric",
    unknown_room: UnknownRoom = "possible",
    today: date | None = None,
) -> pd.DataFrame:
    """Rank communities by hazard, vulnerability and gap.

    `hazard` is the people of each level times level / 4, over all people: 1 if everybody is in a
    zone of the worst level. `vulnerability` is that of `vulnerability`. `gap` is the share of
    people without a place within the standard. See `ranking` for how they are put together.

    Parameters
    ----------
    area : StudyArea
        The place.
    scenario : Scenario, optional
        The hazard, who walks, what is open; by default an adult on an ordinary day, for which
        no hazard is known.
    standard : AccessStandard, optional
        What counts as covered; by default 500 m.
    weights, mean
        See `ranking`.
    unknown_room : {"possible", "none"}
        Whether shelters of unknown capacity are taken to have room: the gap is then one that
        nobody can doubt; with `none`, it also holds those who may have a place.
    today : date, optional
        The day from which the age of data is counted for `grade`.

    Returns
    -------
    DataFrame
        One row a community, in the order of the study area: `name`, `district`, `grade` of the
        district's data, `population`, what `ranking` gives, `at_risk_people`, `gap_population`,
        `at_risk_gap_population` (both; the risk is NaN if no zone is known) and
        `vulnerability_left_out`. `attrs` says which parts are left out and why (`left_out`), how
        the parts were put together (`mean`) and what `unknown_room` was.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> table = priority(StudyArea.open("monaco"))
    >>> table.loc[table["rank"] == 1, ["name", "left_out"]].to_numpy().tolist()
    [['Larvotto', 'hazard, vulnerability']]
    """
    if unknown_room not in get_args(UnknownRoom):
        known = list(get_args(UnknownRoom))
        raise UnknownNameError("treatment of unknown room", unknown_room, known)
    scenario = scenario or Scenario()
    exposed, hurt = exposure(area, scenario), vulnerability(area)
    lost = _uncovered(coverage.assess(area, scenario, standard), unknown_room).reindex(
        exposed.index, fill_value=0.0
    )
    people = exposed["population"].where(exposed["population"] > 0)
    by_level = pd.DataFrame(
        {n: exposed[f"level_{n}_population"] * n for n in range(1, WORST_LEVEL + 1)}
    ).sum(axis=1)
    parts = pd.DataFrame(
        {
            "hazard": (by_level / (WORST_LEVEL * people)).where(exposed["zones_known"]),
            "vulnerability": hurt["vulnerability"].where(people > 0),
            "gap": lost["gap_population"] / people,
        }
    )
    ranks = ranking(parts, weights=weights, mean=mean)
    trust = grades(area, scenario, today=today)["grade"]
    table = exposed[["name", "district"]].assign(
        grade=trust.reindex(exposed["district"]).to_numpy(object), population=exposed["population"]
    )
    table = table.join(ranks).assign(
        at_risk_people=exposed["at_risk_people"],
        gap_population=lost["gap_population"],
        at_risk_gap_population=lost["at_risk_gap_population"].where(exposed["zones_known"]),
        vulnerability_left_out=hurt["vulnerability_left_out"],
    )
    reasons = dict(ranks.attrs["left_out"])
    if "hazard" in reasons:
        zones = f"no zone of {scenario.hazard} is known" if scenario.hazard else ""
        reasons["hazard"] = zones or "no hazard was chosen"
    table.attrs = {"left_out": reasons, "mean": mean, "unknown_room": unknown_room}
    return table


def _uncovered(walks: gpd.GeoDataFrame, unknown_room: UnknownRoom) -> pd.DataFrame:
    """Return the people of each community who have no place, and those of them at risk."""
    placed = ["covered", "capacity_unknown"] if unknown_room == "possible" else ["covered"]
    lost = walks["population"].where(~walks["status"].isin(placed), 0.0)
    rows = pd.DataFrame(
        {
            "gap_population": lost,
            "at_risk_gap_population": lost.where(walks["hazard_level"] > 0, 0.0),
        }
    )
    found: pd.DataFrame = rows.groupby(walks["community_id"].to_numpy(object)).sum()
    return found
