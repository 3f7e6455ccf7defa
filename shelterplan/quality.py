"""What is wrong or thin in the data, how to mend it, and a grade for each district."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pandas as pd

from shelterplan.scenario import Scenario
from shelterplan.study_area import NOT_USABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import geopandas as gpd

    from shelterplan.snap import Places
    from shelterplan.study_area import StudyArea

Severity = Literal["error", "warning", "note"]

GRADES = "ABCD"
LONG_LEG_M = 100.0
"""People who live farther than this from any street hint at missing streets [m]."""
LIMITS: dict[str, tuple[float, float, float]] = {
    "off_network_share": (0.001, 0.01, 0.05),
    "long_leg_share": (0.02, 0.10, 0.25),
    "stranded_share": (0.005, 0.02, 0.10),
    "unknown_capacity_share": (0.10, 0.50, 1.00),
}
"""Largest share for a grade of A, B and C; the worst of them is the district's grade. These are
the program's own choice, not a published rule."""


@dataclass(frozen=True, eq=False)
class Check:
    """What was found about the data."""

    findings: pd.DataFrame
    """`table`, `row` (empty if it concerns the whole table), `severity` (error, warning, note),
    `code` (a key of `MESSAGES`), `problem` and `mend` in English, and the `values` they name."""
    grades: pd.DataFrame
    """One row a district: `grade` (A to D), `reason` (the measure that decides it) and measures:
    shares of people off the network, with a long leg, on streets that lead nowhere, and of shelters
    with unknown capacity (NaN where there are none)."""
    snapping: pd.DataFrame
    """One row for demand and one for entrances: `places`, `no_network`, `on_island_if_nearest`
    (would stand on an island at the nearest street), `moved_off_island`, `still_on_island`,
    `median_leg_m`, `p95_leg_m`."""


def check(area: StudyArea, scenario: Scenario | None = None) -> Check:
    """Look for what is wrong or thin in a study area.

    Parameters
    ----------
    area : StudyArea
        The place.
    scenario : Scenario, optional
        Who walks; by default an adult.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> found = check(StudyArea.open("monaco"))
    >>> set(found.findings["severity"]) <= {"error", "warning", "note"}
    True
    """
    scenario = scenario or Scenario()
    return Check(
        findings=_told([*_of_rows(area, scenario), *_of_tables(area)]),
        grades=_graded(_measures(area, scenario)),
        snapping=_snapping(area, scenario),
    )


def _measures(area: StudyArea, scenario: Scenario) -> pd.DataFrame:
    """Return the measures of each district."""
    homes = area.demand_places(scenario)
    people = area.demand["population"].to_numpy(float)
    district = area.communities["district"].reindex(area.demand["community_id"]).to_numpy(object)
    rows = pd.DataFrame(
        {
            "population": people,
            "off_network_share": people * ~homes.snapped,
            "long_leg_share": people * (homes.snapped & (homes.leg_mm > LONG_LEG_M * 1000)),
            "stranded_share": people * _stranded(homes, area.leads_somewhere(scenario)),
        }
    )
    total = rows.groupby(district).sum()
    population = total.pop("population")
    shares = total.div(population, axis=0).where(population > 0, axis=0)
    shelters = _district_of(area.shelters, area)
    unknown = area.shelters["capacity"].isna().groupby(shelters).mean()
    return shares.assign(unknown_capacity_share=unknown.reindex(shares.index)).rename_axis(
        "district"
    )


def _stranded(places: Places, leads: np.ndarray) -> np.ndarray:
    """Return which places stand on streets other than those that lead somewhere."""
    return (
        places.snapped & ~leads[np.where(places.snapped, places.edge, 0)]
        if len(leads)
        else np.zeros(len(places), bool)
    )


def _district_of(points: gpd.GeoDataFrame, area: StudyArea) -> pd.Series:
    """Return the district that each shape's middle lies in, NA where it lies in none."""
    middle = points.set_geometry(points.geometry.representative_point())[["geometry"]]
    joined = middle.sjoin(
        area.communities[["district", "geometry"]], how="left", predicate="intersects"
    )
    found: pd.Series = joined[~joined.index.duplicated()]["district"].reindex(points.index)
    return found


def _graded(measures: pd.DataFrame) -> pd.DataFrame:
    """Give each district the grade of its worst measure."""
    worst = pd.DataFrame(
        {
            name: np.searchsorted(limits, measures[name].fillna(0.0), "left")
            for name, limits in LIMITS.items()
        },
        index=measures.index,
    )
    level = worst.max(axis=1)
    reason = worst.idxmax(axis=1).where(level > 0, "")
    return measures.assign(grade=[GRADES[i] for i in level], reason=reason)[
        ["grade", "reason", *measures.columns]
    ]


def _snapping(area: StudyArea, scenario: Scenario) -> pd.DataFrame:
    """Count both ways of treating islands, for demand and for entrances."""
    rows = {}
    main = area.network(scenario.walker).edge_component == 0
    for table, places, leads in (
        ("demand", area.demand_places(scenario), area.leads_somewhere(scenario)),
        ("entrances", area.entrance_places(scenario), main),
    ):
        moved, still = places.moved_off_island, _stranded(places, leads)
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


def _of_rows(area: StudyArea, scenario: Scenario) -> Iterator[Finding]:
    """Yield what is wrong with single rows."""
    homes, limit = area.demand_places(scenario), scenario.max_leg_m
    for key, people in area.demand.loc[~homes.snapped, "population"].items():
        yield Finding("demand", str(key), "home_off_network", {"people": people, "limit": limit})
    on_network = area.entrance_places(scenario).snapped
    usable = area.usable_entrances(scenario.walker)["shelter_id"].to_numpy(object)
    inside = _district_of(area.shelters, area).notna()
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


def _of_tables(area: StudyArea) -> Iterator[Finding]:
    """Yield what is thin in whole tables."""
    by_position = (area.entrances["how"] == "position").groupby(area.entrances["shelter_id"]).all()
    for table, code, count in (
        ("shelters", "capacity_unknown", area.shelters["capacity"].isna().sum()),
        ("shelters", "not_verified", area.shelters["verified"].isna().sum()),
        ("entrances", "entrance_guessed", by_position.sum()),
    ):
        if count:
            yield Finding(table, "", code, {"count": int(count), "total": len(area.shelters)})
    afar = int(_district_of(area.shelters, area).isna().sum())
    if afar:
        values = {"count": afar, "total": len(area.shelters)}
        yield Finding("shelters", "", "shelters_outside", values)
    for key, name in area.communities.loc[area.communities["population"] == 0, "name"].items():
        yield Finding("communities", str(key), "nobody_lives_there", {"name": name})
    for _, row in area.dropped.iterrows():
        values = {"count": int(row["ways"]), "rule": row["rule"], "reason": row["reason"]}
        yield Finding("streets", "", "streets_left_out", values)
    for table in sorted(area.illustrative):
        yield Finding(table, "", "illustrative", {})


def _told(findings: list[Finding]) -> pd.DataFrame:
    """Put findings in words."""
    rows = [
        (
            *finding[:2],
            message.severity,
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
