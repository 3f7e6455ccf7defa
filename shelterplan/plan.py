"""The table of contents of the whole analysis."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from shelterplan import coverage
from shelterplan.scenario import Scenario
from shelterplan.standards import AccessStandard
from shelterplan.study_area import ATTRIBUTION

if TYPE_CHECKING:
    import geopandas as gpd

    from shelterplan.study_area import StudyArea

Table = TypeVar("Table", bound=pd.DataFrame)


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """What one analysis found."""

    demand: gpd.GeoDataFrame
    """One row a demand point; see `coverage.assess`."""
    communities: gpd.GeoDataFrame
    """One row a community: `name`, `district`, `deprivation` where it is known, the columns of
    `coverage.summary`, polygon."""
    districts: pd.DataFrame
    """One row a district: the columns of `coverage.summary`."""
    total: pd.Series
    """The same for the whole study area."""
    shelters: pd.DataFrame
    """One row a shelter: `name`, `kind` and how it is used; see `coverage.Coverage`."""
    exact: bool
    """Whether the allocation of people to shelters is exact; see `coverage.Coverage`."""
    curve: pd.DataFrame
    """How many people have a walk of at most each distance; see `coverage.distance_curve`."""
    manifest: dict[str, Any]
    """What the numbers were made from: enough to repeat them."""


def make_plan(
    area: StudyArea, scenario: Scenario | None = None, standard: AccessStandard | None = None
) -> Plan:
    """Analyse a study area.

    Parameters
    ----------
    area : StudyArea
        The place.
    scenario : Scenario, optional
        The hazard, who walks, what is open; by default an adult on an ordinary day.
    standard : AccessStandard, optional
        What counts as covered; by default 500 m.

    Returns
    -------
    Plan
        Everything that was found, and its manifest.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> plan = make_plan(StudyArea.open("monaco"))
    >>> bool(plan.communities["population"].sum() == plan.total["population"])
    True
    """
    scenario, standard = scenario or Scenario(), standard or AccessStandard()
    found = coverage.examine(area, scenario, standard)
    walks = found.people
    district = area.communities["district"].reindex(walks["community_id"]).to_numpy()
    by_community = coverage.summary(walks, walks["community_id"])
    about = ["name", "district", *({"deprivation"} & {*area.communities.columns})]
    communities = _with_all(area.communities[[*about, "geometry"]], by_community)
    every_district = pd.Index(area.communities["district"].unique(), name="district").sort_values()
    return Plan(
        demand=walks,
        communities=communities[[*about, *by_community.columns, "geometry"]],
        districts=_with_all(pd.DataFrame(index=every_district), coverage.summary(walks, district)),
        total=coverage.summary(walks, ["all"] * len(walks)).iloc[0],
        shelters=area.shelters[["name", "kind"]].join(found.shelters),
        exact=found.exact,
        curve=coverage.distance_curve(walks),
        manifest=_manifest(area, scenario, standard),
    )


def _with_all(rows: Table, found: pd.DataFrame) -> Table:
    """Join what was found to every row, those without people included."""
    table = rows.join(found)
    people = [column for column in found.columns if column.endswith(("population", "people"))]
    table[people] = table[people].fillna(0.0)
    return table


def _manifest(area: StudyArea, scenario: Scenario, standard: AccessStandard) -> dict[str, Any]:
    return {
        "program": f"shelterplan {version('shelterplan')}",
        "area": {
            "name": area.name,
            "title": area.title,
            "version": area.version,
            "crs": area.crs.to_string(),
            "notes": list(area.notes),
            "illustrative": sorted(area.illustrative),
            "sources": [asdict(source) for source in area.sources],
        },
        "scenario": scenario.to_dict(),
        "standard": asdict(standard)
        | {"max_distance_m": standard.max_distance_m if standard.limit.unit == "m" else None},
        "attribution": ATTRIBUTION,
    }
