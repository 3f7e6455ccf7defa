"""What is wrong or thin in the data, how to mend it, and a grade for each district."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pandas as pd

from shelterplan import datum_check
from shelterplan import grades as grading
from shelterplan.grades import GRADES, LIMITS, dated, district_of, stranded
from shelterplan.scenario import Scenario
from shelterplan.study_area import NOT_USABLE
from shelterplan.tables import GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shelterplan.study_area import StudyArea

Severity = Literal["error", "warning", "note"]

__all__ = ["LIMITS", "MESSAGES", "Check", "Finding", "Message", "check"]


@dataclass(frozen=True, eq=False)
class Check:
    """What was found about the data."""

    findings: pd.DataFrame
    """`table`, `row` (empty if it concerns the whole table), `severity` (error, warning, note),
    `code` (a key of `MESSAGES`), `problem` and `mend` in English, and the `values` they name."""
    grades: pd.DataFrame
    """One row a district: `grade` (A to D), `reason` and measures; see `grades.grades`."""
    snapping: pd.DataFrame
    """One row for demand and one for entrances: `places`, `no_network`, `on_island_if_nearest`
    (would stand on an island at the nearest street), `moved_off_island`, `still_on_island`,
    `median_leg_m`, `p95_leg_m`."""


def check(area: StudyArea, scenario: Scenario | None = None, *, today: date | None = None) -> Check:
    """Look for what is wrong or thin in a study area.

    Parameters
    ----------
    area : StudyArea
        The place.
    scenario : Scenario, optional
        Who walks; by default an adult.
    today : date, optional
        The day from which the age of data is counted; by default, today.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> found = check(StudyArea.open("monaco"))
    >>> set(found.findings["severity"]) <= {"error", "warning", "note"}
    True
    """
    scenario, today = scenario or Scenario(), today or datetime.now(UTC).date()
    measures = grading.measures(area, scenario, today)
    findings = [
        *_of_rows(area, scenario),
        *_of_tables(area, today),
        *_of_hazards(area),
        *(Finding("shelters", "", *found) for found in datum_check.findings(area)),
        *_of_districts(measures, area.title),
    ]
    return Check(
        findings=_told(findings),
        grades=grading.graded(measures),
        snapping=_snapping(area, scenario),
    )


def _snapping(area: StudyArea, scenario: Scenario) -> pd.DataFrame:
    """Count both ways of treating islands, for demand and for entrances."""
    rows = {}
    main = area.network(scenario.walker).edge_component == 0
    for table, places, leads in (
        ("demand", area.demand_places(scenario), area.leads_somewhere(scenario)),
        ("entrances", area.entrance_places(scenario), main),
    ):
        moved, still = places.moved_off_island, stranded(places, leads)
        legs = places.leg_m[places.snapped]
        rows[table] = {
            "places": len(places),
            "no_network": int((~places.snapped).sum()),
            "on_island_if_nearest": int(moved.sum() + still.sum()),
            "moved_off_island": int(moved.sum()),
            "still_on_island": int(still.sum()),
            "median_leg_m": float(np.median(legs)) if len(legs) else np.nan,
            "p95_leg_m": float(np.quantile(legs, 0.95)) if len(legs) else np.nan,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("table")


class Message(NamedTuple):
    """What one kind of finding says; `{}` fields are filled from its values."""

    severity: Severity
    problem: str
    mend: str


MESSAGES: dict[str, Message] = {
    "home_off_network": Message(
        "warning",
        "{people:,.0f} people live more than {limit:.0f} m from any street",
        "look for a missing street in OpenStreetMap, or move the point to where they live",
    ),
    "shelter_not_usable": Message(
        "note",
        "{name}: {status}, nobody is sent there",
        "change its status when that is no longer so",
    ),
    "shelter_no_entrance": Message(
        "error",
        "{name}: no entrance can be used",
        "add an entrance that is open in general",
    ),
    "shelter_off_network": Message(
        "error",
        "{name}: no entrance lies within {limit:.0f} m of a street",
        "check its position, or add the street to OpenStreetMap",
    ),
    "shelters_outside": Message(
        "note",
        "{count} of {total} shelters lie outside every community",
        "nothing, if they belong to a neighbour: people may walk there if streets lead there",
    ),
    "datum_shifted": Message(
        "error",
        "the shelters fit this place as {datum} coordinates, about {offset_m:.0f} m from where "
        "they stand now (decided by: {decided_by})",
        "if the list is in that datum, build the study area again with --shelters-datum {datum}; "
        "nothing was moved",
    ),
    "datum_twice": Message(
        "error",
        "the shelters were in WGS 84 already and were moved about {offset_m:.0f} m (decided by: "
        "{decided_by})",
        "build the study area again without --shelters-datum",
    ),
    "datum_unclear": Message(
        "note",
        "nobody can tell from the map whether the {shelters} shelters are in WGS 84 or in a "
        "shifted datum (GCJ-02, BD-09); {near_streets} lie near streets",
        "ask who made the list for its datum; a column with the district of each shelter would "
        "decide it",
    ),
    "quarantined": Message("error", "not used: {problem}", "{mend}"),
    "capacity_unknown": Message(
        "warning",
        "the capacity of {count} of {total} shelters is unknown",
        "ask the operator; until then nobody can say whether there is room",
    ),
    "not_verified": Message(
        "note",
        "{count} of {total} shelters have no date of verification",
        "visit them and set `verified` to the date",
    ),
    "entrance_guessed": Message(
        "warning",
        "{count} of {total} shelters have no known entrance: their own position, or the point of "
        "their outline nearest to a street, is taken",
        "map their gates (barrier=gate, entrance=*) in OpenStreetMap",
    ),
    "nobody_lives_there": Message(
        "note",
        "{name}: nobody lives there according to the population data",
        "check the population data",
    ),
    "streets_left_out": Message(
        "note",
        "{count} ways left out ({rule}): {reason}",
        "correct the tags in OpenStreetMap if this is wrong",
    ),
    "date_unreadable": Message(
        "warning",
        "the date of verification of {count} of {total} shelters cannot be read or is yet to come",
        "write it as year-month-day, such as 2026-01-31",
    ),
    "capacity_estimated": Message(
        "note",
        "{count} of {total} shelters have an area but no capacity: under a standard with an area "
        "for each person their room is estimated",
        "ask the operator for the capacity",
    ),
    "fitness_unknown": Message(
        "warning",
        "{count} zones of {hazard} are known, but no shelter says whether it is fit for {hazard}",
        "ask the authority which shelters may be used, and fill in `fit_{hazard}` with yes or no",
    ),
    "group_too_large": Message(
        "warning",
        "{count} demand points have more people in {group} than they have people",
        "correct the numbers of the group or of the population",
    ),
    "grade_off_network_share": Message(
        "warning",
        "{name}: {percent:.1f} % of the people are too far from any street (grade {grade})",
        "add the missing streets to OpenStreetMap, or move the points to where people live",
    ),
    "grade_long_leg_share": Message(
        "warning",
        "{name}: {percent:.1f} % of the people live more than {limit:.0f} m from the next street "
        "(grade {grade})",
        "look for missing footpaths there, and add them to OpenStreetMap",
    ),
    "grade_stranded_share": Message(
        "warning",
        "{name}: {percent:.1f} % of the people are on streets that lead to no shelter "
        "(grade {grade})",
        "look where those streets should join the others: crossings, bridges and steps are often "
        "missing",
    ),
    "grade_moved_share": Message(
        "warning",
        "{name}: {percent:.1f} % of the people were put on a farther street, because the nearest "
        "one leads to no shelter (grade {grade})",
        "join the streets nearest to them to the others in OpenStreetMap",
    ),
    "grade_unknown_capacity_share": Message(
        "warning",
        "{name}: the capacity of {percent:.0f} % of the shelters is unknown (grade {grade})",
        "ask the operators for the capacity",
    ),
    "grade_unverified_share": Message(
        "warning",
        "{name}: {percent:.0f} % of the shelters have no date of verification (grade {grade})",
        "visit them and set `verified` to the date",
    ),
    "grade_verified_age_years": Message(
        "warning",
        "{name}: half of the dated shelters were last verified more than {years:.1f} years ago "
        "(grade {grade})",
        "visit them again and set `verified` to the date",
    ),
    "grade_undated_streets_share": Message(
        "warning",
        "{name}: nobody knows how old the streets are (grade {grade})",
        "build the study area from a file with a date, or state it in the source",
    ),
    "grade_streets_age_years": Message(
        "warning",
        "{name}: the streets are {years:.1f} years old (grade {grade})",
        "build the study area again with new streets",
    ),
    "grade_missing_streets_share": Message(
        "warning",
        "{name}: {percent:.0f} % less street than the neighbouring districts have, on the ground "
        "and for the people (grade {grade})",
        "compare with a photo from the air: footpaths are often missing in OpenStreetMap",
    ),
    "illustrative": Message(
        "warning",
        "the data is illustrative, not an official list",
        "replace it before anybody relies on a result",
    ),
}
"""Every kind of finding, by its code."""


class Finding(NamedTuple):
    """One thing that was found."""

    table: str
    row: str
    code: str
    filled: Mapping[str, object]
    severity: Severity | None = None
    """How severe it is here; None: as its message says."""


def _of_rows(area: StudyArea, scenario: Scenario) -> Iterator[Finding]:
    """Yield what is wrong with single rows."""
    homes, limit = area.demand_places(scenario), scenario.max_leg_m
    for key, people in area.demand.loc[~homes.snapped, "population"].items():
        yield Finding("demand", str(key), "home_off_network", {"people": people, "limit": limit})
    on_network = area.entrance_places(scenario).snapped
    usable = area.entrances["shelter_id"].to_numpy(object)[area.usable(scenario)]
    inside = district_of(area.shelters, area).notna()
    for key, shelter in area.shelters.iterrows():
        mine = usable == key
        values = {"name": shelter["name"], "status": shelter["status"], "limit": limit}
        if shelter["status"] in NOT_USABLE:
            yield Finding("shelters", str(key), "shelter_not_usable", values)
        elif not mine.any():
            yield Finding("shelters", str(key), "shelter_no_entrance", values)
        elif not on_network[mine].any() and inside[key]:
            yield Finding("shelters", str(key), "shelter_off_network", values)
    for _, row in area.quarantine.iterrows():
        values = {"problem": row["problem"], "mend": row["mend"]}
        yield Finding(str(row["table"]), str(row["row"]), "quarantined", values)


def _of_tables(area: StudyArea, today: date) -> Iterator[Finding]:
    """Yield what is thin in whole tables."""
    shelters = area.shelters
    given = shelters["verified"].notna().to_numpy(bool) & (shelters["verified"] != "").to_numpy(
        bool
    )
    wrong = given & dated(shelters["verified"], today).isna().to_numpy(bool)
    no_capacity = shelters["capacity"].isna()
    by_position = (area.entrances["how"] == "position").groupby(area.entrances["shelter_id"]).all()
    for table, code, count in (
        ("shelters", "capacity_unknown", no_capacity.sum()),
        ("shelters", "capacity_estimated", (no_capacity & shelters["area_m2"].notna()).sum()),
        ("shelters", "not_verified", (~given).sum()),
        ("shelters", "date_unreadable", wrong.sum()),
        ("entrances", "entrance_guessed", by_position.sum()),
    ):
        if count:
            yield Finding(table, "", code, {"count": int(count), "total": len(shelters)})
    afar = int(district_of(shelters, area).isna().sum())
    if afar:
        values = {"count": afar, "total": len(shelters)}
        yield Finding("shelters", "", "shelters_outside", values)
    for key, name in area.communities.loc[area.communities["population"] == 0, "name"].items():
        yield Finding("communities", str(key), "nobody_lives_there", {"name": name})
    for _, row in area.dropped.iterrows():
        values = {"count": int(row["ways"]), "rule": row["rule"], "reason": row["reason"]}
        yield Finding("streets", "", "streets_left_out", values)
    for table in sorted(area.illustrative):
        yield Finding(table, "", "illustrative", {})


def _of_hazards(area: StudyArea) -> Iterator[Finding]:
    """Yield what is thin in what is known of hazards, and of the groups of people."""
    for hazard, zones in area.hazards.groupby("hazard"):
        column = f"fit_{hazard}"
        said = column in area.shelters and area.shelters[column].isin(["yes", "no"]).any()
        if len(area.shelters) and not said:
            values = {"count": len(zones), "hazard": hazard}
            yield Finding("shelters", "", "fitness_unknown", values)
    for group in GROUPS:
        if group in area.demand:
            count = int((area.demand[group] > area.demand["population"]).fillna(value=False).sum())
            if count:
                yield Finding("demand", "", "group_too_large", {"count": count, "group": group})


_CONCERNS = {
    "off_network_share": "demand",
    "long_leg_share": "streets",
    "stranded_share": "streets",
    "moved_share": "streets",
    "unknown_capacity_share": "shelters",
    "unverified_share": "shelters",
    "verified_age_years": "shelters",
    "undated_streets_share": "streets",
    "streets_age_years": "streets",
    "missing_streets_share": "streets",
}
"""The table in which each measure of the grades can be mended."""
_OF_ALL = ("undated_streets_share", "streets_age_years")
"""Measures that are the same in every district: told once."""


def _of_districts(measures: pd.DataFrame, title: str) -> Iterator[Finding]:
    """Yield each measure that costs a district its grade."""
    level = grading.levels(measures)
    for name in LIMITS:
        costly = level.index[level[name] > 0]
        for district in costly[:1] if name in _OF_ALL else costly:
            worth, value = int(level.loc[district, name]), float(measures.loc[district, name])
            values = {
                "name": title if name in _OF_ALL else district,
                "grade": GRADES[worth],
                "percent": value * 100,
                "years": value,
                "limit": grading.LONG_LEG_M,
            }
            severity: Severity = "note" if worth == 1 else "warning"
            yield Finding(_CONCERNS[name], "", f"grade_{name}", values, severity)


def _told(findings: list[Finding]) -> pd.DataFrame:
    """Put findings in words."""
    rows = [
        (
            *finding[:2],
            finding.severity or message.severity,
            finding.code,
            message.problem.format(**finding.filled),
            message.mend.format(**finding.filled),
            finding.filled,
        )
        for finding in findings
        for message in [MESSAGES[finding.code]]
    ]
    columns = ["table", "row", "severity", "code", "problem", "mend", "values"]
    return pd.DataFrame(rows, columns=columns)
