"""Candidate sites: where a shelter could be, and which of them are suitable, with the reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from shelterplan import access, tables
from shelterplan.closures import Ground
from shelterplan.errors import UnknownNameError
from shelterplan.room import room_of
from shelterplan.scenario import Scenario
from shelterplan.siting.candidate_rules import RULES, SuitabilityRules, judge
from shelterplan.siting.result import SitingError
from shelterplan.siting.ways_in import ways_in
from shelterplan.siting.why_none import why_none
from shelterplan.situation import active_zones, situation
from shelterplan.sources.outline_area import outline_area_m2
from shelterplan.standards import AccessStandard, is_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.situation import Situation
    from shelterplan.snap import Places
    from shelterplan.study_area import StudyArea

__all__ = ["RULES", "SuitabilityRules", "site_at", "suitability", "why_none", "with_areas"]

OWN_KIND = "own site"
"""Kind of a site that somebody put on the map."""


def site_at(
    area: StudyArea,
    lon: float,
    lat: float,
    *,
    name: str = "",
    kind: str = OWN_KIND,
    capacity: float | None = None,
    cost: float | None = None,
    area_m2: float | None = None,
    site_id: str = "",
) -> gpd.GeoDataFrame:
    """Return a candidate site at a place on the map, as a table of one row.

    Parameters
    ----------
    area : StudyArea
        The place must lie within the box of its communities and streets.
    lon, lat : float
        Where, WGS 84 [degrees].
    name, kind : str
        What it is called; by default "site at lat, lon".
    capacity, cost, area_m2 : float, optional
        People, any currency, square metres; None: unknown.
    site_id : str
        By default made of the position.

    Raises
    ------
    SitingError
        If the place is not within the study area, or a number is none.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> site = site_at(StudyArea.open("monaco"), 7.42, 43.735, name="Sports ground", capacity=300)
    >>> site.index[0], site["name"].iloc[0], float(site["capacity"].iloc[0])
    ('site/7.420000,43.735000', 'Sports ground', 300.0)
    """
    bounds = np.array([area.communities.total_bounds, area.streets.total_bounds])
    (west, south), (east, north) = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    if not (is_number(lon) and is_number(lat) and west <= lon <= east and south <= lat <= north):
        message = (
            f"longitude {lon}, latitude {lat} is not within {area.title}: longitude {west:.5f} to "
            f"{east:.5f}, latitude {south:.5f} to {north:.5f}"
        )
        raise SitingError(message)
    numbers = {"capacity": capacity, "cost": cost, "area_m2": area_m2}
    for what, value in numbers.items():
        if value is not None and not (is_number(value) and value >= 0):
            raise SitingError(f"{what} must be a number >= 0, or left out, got {value!r}")
    row = {"name": name.strip() or f"site at {lat:.5f}, {lon:.5f}", "kind": kind}
    table = gpd.GeoDataFrame(
        {key: [value] for key, value in (row | numbers).items()},
        index=[site_id or f"site/{lon:.6f},{lat:.6f}"],
        geometry=[shapely.Point(lon, lat)],
        crs="EPSG:4326",
    )
    return tables.checked("candidates", table)


def with_areas(sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return sites with the area of their outline where none is stated; points stay unknown.

    Examples
    --------
    >>> box = gpd.GeoDataFrame({"area_m2": pd.array([pd.NA], "Float64")}, crs=4326,
    ...                        geometry=[shapely.box(7, 43, 7.001, 43.001)])
    >>> with_areas(box)["area_m2"].round().tolist()
    [9058.0]
    """
    stated = sites["area_m2"].astype("Float64")
    measured = pd.Series(outline_area_m2(sites.geometry), index=sites.index).astype("Float64")
    return sites.assign(area_m2=stated.where(stated.notna(), measured))


def suitability(
    area: StudyArea,
    candidates: gpd.GeoDataFrame | None = None,
    *,
    scenario: Scenario | None = None,
    standard: AccessStandard | None = None,
    rules: SuitabilityRules | None = None,
) -> gpd.GeoDataFrame:
    """Say which candidate sites could become a shelter, and for every other one why not.

    Nothing is left out because something about it is not known: it stays, with its doubts.

    Parameters
    ----------
    area : StudyArea
        The place.
    candidates : GeoDataFrame, optional
        The candidates table; by default that of the study area.
    scenario : Scenario, optional
        The hazard, who walks, what is open; by default an adult on an ordinary day.
    standard : AccessStandard, optional
        Its `area_m2_per_person` tells the room where no capacity is stated.
    rules : SuitabilityRules, optional
        What is asked of a site.

    Returns
    -------
    GeoDataFrame
        The candidates table, every row of it, with `suitable` (bool), `reason` (name of the first
        of `RULES` that leaves it out, "" if none), `doubts` (names of the rules that could not be
        looked at), and what was measured: `hazard_level` (worst zone of the hazards that touches
        it, 0 outside, NA where no zone of them is known), `area_m2` (of the outline where none is
        stated), `slope` (mean of the streets at its entrances, climb and descent over length; NA
        unknown), `entrances`, `ways_in` (0 to 2, see `ways_in.ways_in`), `nearest_shelter_m`
        (shortest walk from it to a shelter that is used; `inf` if none), `land` (name of the
        excluded land on which it lies), `leg_m` (from an entrance to the street; `inf` if none is
        anywhere near), `on_network`, `room` (people; NaN if unknown), `room_from` (`stated`,
        `area`, `unknown`).

    Raises
    ------
    TableError
        If the candidates have problems; all of them are listed.
    UnknownNameError
        If nobody has heard of a hazard.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> found = suitability(StudyArea.open("monaco"), scenario=Scenario(hazard="storm_surge"))
    >>> found["reason"].value_counts().to_dict()
    {'': 18, 'in_zone': 4}
    """
    scenario, standard = scenario or Scenario(), standard or AccessStandard()
    rules = rules or SuitabilityRules()
    given = area.candidates if candidates is None else candidates
    sites = with_areas(tables.checked("candidates", given))
    here = situation(area.with_sites(sites), scenario)
    first = len(area.shelters)
    measured = sites.assign(
        **_hazards(here, rules, first),
        **_doors(here, rules, first),
        land=_land(sites, rules),
        **room_of(here.area, standard).iloc[first:],
    )
    if rules.min_area_m2 is None:
        rules = replace(rules, min_area_m2=standard.area_m2_per_person)
    judged = judge(measured, rules)
    return measured.assign(**judged)


def _hazards(here: Situation, rules: SuitabilityRules, first: int) -> dict[str, pd.Series]:
    """Return the worst level of the hazards' zones at each site."""
    area, sites = here.area, here.area.metric_shelters[first:]
    names = list(dict.fromkeys([here.scenario.hazard, *rules.hazards]))
    known = {*tables.HAZARDS, *area.hazards["hazard"]}
    level = np.zeros(len(sites), np.int64)
    unknown = False
    for name in filter(None, names):
        if name not in known:
            raise UnknownNameError("hazard", name, sorted(known))
        zones = active_zones(area, here.scenario.with_changes(hazard=name, hazard_level=1))
        unknown |= not zones.any()
        level = np.maximum(level, _worst(area, zones, sites))
    found = pd.Series(level, index=area.shelters.index[first:]).astype("Int64")
    return {"hazard_level": found.mask(unknown & (level == 0))}


def _worst(
    area: StudyArea, zones: NDArray[np.bool_], sites: NDArray[np.object_]
) -> NDArray[np.int64]:
    """Return the worst level of some zones that touch each site, 0 outside."""
    levels = area.hazards["level"].to_numpy(np.int64)
    found = np.zeros(len(sites), np.int64)
    for level in np.unique(levels[zones]):
        ground = Ground.of(area.metric_hazards[zones & (levels == level)])
        found[ground.touches(sites)] = level
    return found


def _doors(here: Situation, rules: SuitabilityRules, first: int) -> dict[str, pd.Series]:
    """Return what depends on where the sites meet the streets."""
    index = here.area.shelters.index[first:]
    rows = np.flatnonzero(here.whole.doors.owner >= first)
    whole, still_open = here.whole.doors.take(rows), here.open.doors.take(rows)
    site = whole.owner - first
    count = len(index)
    on_network = np.bincount(site[whole.snapped], minlength=count) > 0
    leg_m = np.where(whole.leg_mm >= 0, whole.leg_mm / 1000, np.inf)
    own = replace(still_open, owner=site.astype(np.int32))
    columns = {
        "on_network": on_network,
        "leg_m": _least(site, leg_m, count),
        "entrances": np.bincount(site, minlength=count),
        "ways_in": ways_in(here.open.network, own, count, rest_m=rules.rest_m),
        "nearest_shelter_m": _least(site, _to_shelter(here, own, first), count),
    }
    return {
        name: pd.Series(np.asarray(values), index=index) for name, values in columns.items()
    } | {"slope": _slope(here, whole, site, count).set_axis(index)}


def _least(site: NDArray[np.int32], values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the least value of each site's entrances, `inf` for one without."""
    least = np.full(count, np.inf)
    np.minimum.at(least, site, values)
    return least


def _to_shelter(here: Situation, own: Places, first: int) -> NDArray[np.float64]:
    """Return the walk from each entrance of a site to the nearest shelter that is used [m]."""
    used = here.doors.take(np.flatnonzero(here.doors.owner < first))
    if not len(own) or not len(used):
        return np.full(len(own), np.inf)
    return access.nearest(here.open.network, own, used)["distance_m"].to_numpy(float)


def _slope(here: Situation, feet: Places, site: NDArray[np.int32], count: int) -> pd.Series:
    """Return the mean slope of the streets at each site's entrances, NA where none is known."""
    streets = here.whole.network.with_geometry()
    slope = pd.Series([pd.NA] * count, dtype="Float64")
    if not {"climb_m", "descent_m"} <= set(streets.columns):
        return slope
    on = feet.snapped
    pairs = np.unique(np.stack([site[on], feet.edge[on]]), axis=1)
    edges = streets.iloc[pairs[1]]
    rise = (edges["climb_m"] + edges["descent_m"]).to_numpy(float, na_value=np.nan)
    metres = edges["length_m"].to_numpy(float)
    known = np.isfinite(rise) & (metres > 0)
    risen, run = (
        np.bincount(pairs[0][known], weights=values[known], minlength=count)
        for values in (rise, metres)
    )
    slope[run > 0] = risen[run > 0] / run[run > 0]
    return slope


def _land(sites: gpd.GeoDataFrame, rules: SuitabilityRules) -> pd.Series:
    """Return the name of the first excluded land on which each site lies, "" if on none."""
    found = np.full(len(sites), "", object)
    shapes = np.asarray(sites.geometry.array)
    for name, land in reversed(rules.land):
        found[shapely.intersects(shapes, land) & ~shapely.touches(shapes, land)] = name
    return pd.Series(pd.array(found, dtype="str"), index=sites.index)
