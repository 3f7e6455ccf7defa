"""How far the data of each district can be trusted: measures, their limits, and a grade A to D."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from shelterplan.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd
    from numpy.typing import NDArray

    from shelterplan.snap import Places
    from shelterplan.study_area import StudyArea

GRADES = "ABCD"
LONG_LEG_M = 100.0
"""People who live farther than this from any street hint at missing streets [m]."""
ADJACENT_M = 25.0
"""Districts whose outlines are this near are neighbours: drawn borders seldom meet exactly [m]."""
DAYS_A_YEAR = 365.25
LIMITS: dict[str, tuple[float, float, float]] = {
    "off_network_share": (0.001, 0.01, 0.05),
    "long_leg_share": (0.02, 0.10, 0.25),
    "stranded_share": (0.005, 0.02, 0.10),
    "moved_share": (0.05, 0.20, 0.50),
    "unknown_capacity_share": (0.10, 0.50, 1.00),
    "unverified_share": (0.10, 0.50, 1.00),
    "verified_age_years": (1.0, 3.0, 5.0),
    "undated_streets_share": (0.0, 0.0, 1.0),
    "streets_age_years": (1.0, 3.0, 5.0),
    "missing_streets_share": (1 / 3, 1 / 2, 2 / 3),
}
"""Largest value for a grade of A, B and C; the worst of them is the district's grade. What is
unknown costs grades down to C, what is known to be bad down to D. These limits are the program's
own choice, not a published rule."""


def grades(
    area: StudyArea, scenario: Scenario | None = None, *, today: date | None = None
) -> pd.DataFrame:
    """Grade the data of each district.

    Parameters
    ----------
    area : StudyArea
        The place.
    scenario : Scenario, optional
        Who walks; by default an adult.
    today : date, optional
        The day from which the age of data is counted; by default, today.

    Returns
    -------
    DataFrame
        One row a district: `grade` (A to D), `reason` (the measure that decides it, empty for an
        A) and the measures, the keys of `LIMITS`. Of the people, the share off the network
        (`off_network_share`), with a long way to the street (`long_leg_share`), on streets that
        lead nowhere (`stranded_share`) and put on a farther street because the nearest leads
        nowhere (`moved_share`). Of the shelters, the share of unknown capacity
        (`unknown_capacity_share`) and without a readable date of verification
        (`unverified_share`), and the median age of the dates (`verified_age_years`); NaN without
        shelters. The age of the streets (`streets_age_years`, NaN if unknown, which is 1 in
        `undated_streets_share`). How much less street there is than in the median of the
        neighbouring districts (`missing_streets_share`), on the ground or for the people,
        whichever speaks better for the district; NaN without neighbours.

    Examples
    --------
    >>> from datetime import date
    >>> from shelterplan import StudyArea
    >>> found = grades(StudyArea.open("monaco"), today=date(2024, 6, 1))
    >>> found.loc["Monaco", ["grade", "reason"]].tolist()
    ['C', 'unknown_capacity_share']
    """
    return graded(measures(area, scenario or Scenario(), today or datetime.now(UTC).date()))


def measures(area: StudyArea, scenario: Scenario, today: date) -> pd.DataFrame:
    """Return the measures of each district, without a grade."""
    names = pd.Index(sorted(area.communities["district"].unique()))
    people = _shares_of_people(area, scenario).reindex(names)
    shelters = _shares_of_shelters(area, today).reindex(people.index)
    years = streets_age_years(area, today)
    return (
        people.join(shelters)
        .assign(
            undated_streets_share=float(np.isnan(years)),
            streets_age_years=years,
            missing_streets_share=_missing_streets(area).reindex(people.index),
        )[list(LIMITS)]
        .rename_axis("district")
    )


def graded(found: pd.DataFrame) -> pd.DataFrame:
    """Give each district the grade of its worst measure.

    Examples
    --------
    >>> good = dict.fromkeys(LIMITS, [0.0, 0.0])
    >>> found = pd.DataFrame(good | {"stranded_share": [0.0, 0.02]}, index=["North", "South"])
    >>> graded(found)[["grade", "reason"]].to_numpy().tolist()
    [['A', ''], ['B', 'stranded_share']]
    """
    level = levels(found)
    worst = level.max(axis=1)
    reason = level.idxmax(axis=1).where(worst > 0, "")
    return found.assign(grade=[GRADES[i] for i in worst], reason=reason)[
        ["grade", "reason", *found.columns]
    ]


def levels(found: pd.DataFrame) -> pd.DataFrame:
    """Return how many grades each measure costs, 0 to 3; 0 where it has no value."""
    return pd.DataFrame(
        {
            name: np.searchsorted(limits, found[name].fillna(0.0).to_numpy(float), "left")
            for name, limits in LIMITS.items()
        },
        index=found.index,
    )


def stranded(places: Places, leads: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which places stand on streets other than those that lead somewhere."""
    if not len(leads):
        return np.zeros(len(places), bool)
    astray: NDArray[np.bool_] = places.snapped & ~leads[np.where(places.snapped, places.edge, 0)]
    return astray


def district_of(points: gpd.GeoDataFrame, area: StudyArea) -> pd.Series:
    """Return the district that each shape's middle lies in, NA where it lies in none."""
    middle = points.set_geometry(points.geometry.representative_point())[["geometry"]]
    joined = middle.sjoin(
        area.communities[["district", "geometry"]], how="left", predicate="intersects"
    )
    found: pd.Series = joined[~joined.index.duplicated()]["district"].reindex(points.index)
    return found


def dated(texts: Iterable[object], today: date) -> pd.Series:
    """Return dates in ISO 8601; NaT where there is none, it cannot be read, or it is yet to come.

    A year alone is its first day.

    Examples
    --------
    >>> dated(["2024-05-01", "2023", "", "May", "2030-01-01"], date(2025, 1, 1)).dt.year.tolist()
    [2024.0, 2023.0, nan, nan, nan]
    """
    words = pd.Series(list(texts), dtype="object")
    words = words.where(words.notna(), None).map(lambda text: str(text) if text else None)
    read = pd.to_datetime(words, format="ISO8601", errors="coerce", utc=True)
    days: pd.Series = read.dt.tz_localize(None).dt.normalize()
    return days.where(days <= pd.Timestamp(today))


def streets_age_years(area: StudyArea, today: date) -> float:
    """Return the age of the oldest source of the streets, NaN if one of them has no date."""
    days = dated((source.date for source in area.sources if source.table == "streets"), today)
    if not len(days) or days.isna().any():
        return float("nan")
    return float((pd.Timestamp(today) - days.min()).days / DAYS_A_YEAR)


def _shares_of_people(area: StudyArea, scenario: Scenario) -> pd.DataFrame:
    """Return the measures that are shares of each district's people."""
    homes = area.demand_places(scenario)
    people = area.demand["population"].to_numpy(float)
    district = area.communities["district"].reindex(area.demand["community_id"]).to_numpy(object)
    rows = pd.DataFrame(
        {
            "population": people,
            "off_network_share": people * ~homes.snapped,
            "long_leg_share": people * (homes.snapped & (homes.leg_mm > LONG_LEG_M * 1000)),
            "stranded_share": people * stranded(homes, area.leads_somewhere(scenario)),
            "moved_share": people * homes.moved_off_island,
        }
    )
    total = rows.groupby(district).sum()
    population = total.pop("population")
    return total.div(population, axis=0).where(population > 0, axis=0)


def _shares_of_shelters(area: StudyArea, today: date) -> pd.DataFrame:
    """Return the measures of each district's shelters."""
    days = dated(area.shelters["verified"], today).set_axis(area.shelters.index)
    rows = pd.DataFrame(
        {
            "unknown_capacity_share": area.shelters["capacity"].isna().astype(float),
            "unverified_share": days.isna().astype(float),
            "verified_age_years": (pd.Timestamp(today) - days).dt.days / DAYS_A_YEAR,
        }
    ).groupby(district_of(area.shelters, area))
    found: pd.DataFrame = rows.mean().assign(verified_age_years=rows["verified_age_years"].median())
    return found


def _missing_streets(area: StudyArea) -> pd.Series:
    """Return how much less street each district has than the median of its neighbours, 0 to 1.

    Little street on much ground may be a hill, and little street for many people may be tower
    blocks: the smaller of both shortfalls is taken. A street counts where its middle lies.
    """
    lines = np.asarray(area.streets.geometry.array)
    middle = area.streets[["length_m"]].set_geometry(
        shapely.line_interpolate_point(lines, 0.5, normalized=True), crs=area.streets.crs
    )
    district = area.communities["district"]
    street_km = middle["length_m"].groupby(district_of(middle, area)).sum() / 1000
    ground = pd.Series(shapely.area(area.metric_communities) / 1e6, index=district.index)
    names = pd.Index(sorted(district.unique()))
    street_km = street_km.reindex(names, fill_value=0.0)
    people = area.communities["population"].groupby(district).sum()[names]
    near = _neighbours(area, names)
    shortfall = pd.DataFrame(
        {
            "ground": _shortfall(street_km / ground.groupby(district).sum()[names], near),
            "people": _shortfall((street_km / people).where(people > 0), near),
        },
        index=names,
    )
    return shortfall.min(axis=1).where(people > 0)


def _neighbours(area: StudyArea, names: pd.Index) -> NDArray[np.bool_]:
    """Return which districts lie beside each other, shape (districts, districts)."""
    shapes = area.metric_communities
    a, b = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=ADJACENT_M)
    number = names.get_indexer(area.communities["district"])
    near = np.zeros((len(names), len(names)), bool)
    near[number[a], number[b]] = True
    np.fill_diagonal(near, val=False)
    return near


def _shortfall(density: pd.Series, near: NDArray[np.bool_]) -> list[float]:
    """Return how far each density falls short of the median of its neighbours', 0 to 1."""
    values = density.to_numpy(float)
    found = []
    for own, beside in zip(values, near, strict=True):
        others = values[beside & np.isfinite(values)]
        usual = float(np.median(others)) if len(others) else 0.0
        found.append(max(0.0, 1.0 - own / usual) if usual > 0 and np.isfinite(own) else np.nan)
    return found
