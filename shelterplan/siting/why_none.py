"""Why no candidate site helps, in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shelterplan import access
from shelterplan.coverage import assess, limit_of, within
from shelterplan.scenario import Scenario
from shelterplan.siting.candidate_rules import RULES, SuitabilityRules
from shelterplan.situation import situation
from shelterplan.standards import AccessStandard

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from shelterplan.siting.ground import Counted
    from shelterplan.study_area import StudyArea

_NAMED = 5
"""Communities that are named in a sentence."""


def why_none(
    area: StudyArea,
    table: gpd.GeoDataFrame,
    *,
    scenario: Scenario | None = None,
    standard: AccessStandard | None = None,
    rules: SuitabilityRules | None = None,
    counted: Counted = "possible",
) -> list[str]:
    """Say why none of the candidate sites helps anybody who has no place.

    Parameters
    ----------
    area : StudyArea
        The place.
    table : GeoDataFrame
        As `candidates.suitability` returned it.
    scenario : Scenario, optional
        The one of the table.
    standard : AccessStandard, optional
        What counts as covered; by default 500 m.
    rules : SuitabilityRules, optional
        The ones of the table.
    counted : {"possible", "confirmed"}
        Whether shelters and sites of unknown size are taken to have room for everybody, or for
        nobody.

    Returns
    -------
    list of str
        Plain sentences; empty if at least one suitable site is near enough to somebody without a
        place, and has room.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> from shelterplan.siting.candidates import suitability
    >>> area = StudyArea.open("monaco")
    >>> why_none(area, suitability(area, area.candidates.iloc[:0]))
    ['There are no candidate sites: give a file, take them from OpenStreetMap, or draw one.']
    >>> why_none(area, suitability(area))
    []
    """
    scenario, standard = scenario or Scenario(), standard or AccessStandard()
    if not len(table):
        nothing = (
            "There are no candidate sites: give a file, take them from OpenStreetMap, or draw one."
        )
        return [nothing]
    people = assess(area, scenario, standard)
    placed = ("covered", "capacity_unknown") if counted == "possible" else ("covered",)
    lacking = people[~people["status"].isin(placed) & (people["population"] > 0)]
    if not len(lacking):
        return ["Everybody has a place already."]
    suitable = table[table["suitable"].to_numpy(bool)]
    if len(suitable):
        room = suitable["room"].fillna(np.inf if counted == "possible" else 0.0)
        full = (room == 0).to_numpy(bool) & (scenario.room != "ignored")
        far = _too_far(area, suitable, full, lacking, scenario, standard)
        if not far:
            return []
    else:
        far = _all_out(table, scenario, rules or SuitabilityRules())
    return [far, *_off_network(area, people, scenario)]


def _all_out(table: pd.DataFrame, scenario: Scenario, rules: SuitabilityRules) -> str:
    """Say by which rules every site is left out."""
    names = list(dict.fromkeys(filter(None, [scenario.hazard, *rules.hazards])))
    zones = (names[0].replace("_", " ") if len(names) == 1 else "hazard") + " zones"
    counts = table["reason"].value_counts()
    total = len(table)
    said = [
        (int(counts[rule.name]), rule.words[int(counts[rule.name] > 1)].format(zones=zones))
        for rule in RULES
        if rule.name in counts
    ]
    if total == 1:
        return f"The only candidate {said[0][1]}."
    if len(said) == 1:
        return f"All {total:,} candidates {said[0][1]}."
    parts = ", ".join(f"{count:,} {words}" for count, words in said)
    return f"None of the {total:,} candidates is suitable: {parts}."


def _too_far(
    area: StudyArea,
    suitable: gpd.GeoDataFrame,
    full: NDArray[np.bool_],
    lacking: gpd.GeoDataFrame,
    scenario: Scenario,
    standard: AccessStandard,
) -> str:
    """Say that no suitable site is near enough, or that those that are have no room; or nothing."""
    here = situation(area.with_sites(suitable), scenario)
    limit = limit_of(here, standard)
    rows = np.unique(area.demand.index.get_indexer(lacking.index))
    homes = here.open.homes.take(rows)
    site = here.doors.owner - len(area.shelters)

    def walks(among: NDArray[np.bool_]) -> NDArray[np.float64]:
        wanted = np.flatnonzero(np.isin(site, np.flatnonzero(among)))
        if not len(wanted) or not homes.snapped.any():
            return np.full(len(homes), np.inf)
        found = access.nearest(
            here.open.network, homes, here.doors.take(wanted), pace=here.open.pace, by=limit.unit
        )
        metres: NDArray[np.float64] = found[
            "distance_m" if limit.unit == "m" else "walk_time_s"
        ].to_numpy(float)
        return metres

    every = np.ones(len(suitable), bool)
    if within(walks(~full), limit.value).any():
        return ""
    least = walks(every)
    if within(least, limit.value).any():
        return "The candidates near people without a place have no room that is known of."
    if not np.isfinite(least).any():
        return "No candidate can be reached by anybody without a place."
    return f"No candidate is within {_shown(*standard.limit)} of anybody without a place."


def _shown(value: float, unit: str) -> str:
    return f"{value:,.0f} m" if unit == "m" else f"{value / 60:g} minutes"


def _off_network(area: StudyArea, people: gpd.GeoDataFrame, scenario: Scenario) -> list[str]:
    """Say which communities lie too far from every street, if any."""
    there = people[people["population"] > 0]
    off = (there["status"] == "no_network").groupby(there["community_id"]).all()
    names = area.communities["name"].reindex(off.index[off.to_numpy(bool)]).tolist()
    if not names:
        return []
    shown = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    count = "1 community is" if len(names) == 1 else f"{len(names):,} communities are"
    within_m = f"{scenario.max_leg_m:g} m"
    return [f"{count} off the network ({shown}): no walkable street lies within {within_m}."]
