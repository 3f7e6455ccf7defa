"""People of zones spread over the homes or along the streets inside, groups included."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from shelterplan import tables
from shelterplan.errors import SourceError, TableError
from shelterplan.sources.apportion import apportion
from shelterplan.sources.osm_objects import number, object_table, read_objects
from shelterplan.sources.population import (
    RESIDENTIAL_BUILDINGS,
    Breakdown,
    FloorArea,
    along_streets,
    building_demand,
    residential_floor_area,
    zone_of_points,
)
from shelterplan.sources.records import Checked, fault_frame

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from shelterplan.sources.walk_rules import Tags

OTHER_USES = frozenset(
    {"amenity", "club", "craft", "government", "healthcare", "historic", "leisure", "man_made"}
    | {"military", "office", "public_transport", "railway", "shop", "tourism"}
)
"""A `building=yes` with one of these keys is not a home."""
LEAST_FLOOR_M2 = 5.0
"""Less floor than this a person [m2] tells that homes are missing from the map. Own choice: about
half of what the most crowded cities have."""
CROWDED = f"the mapped homes have less than {LEAST_FLOOR_M2:g} m2 of floor a person"


def read_homes(path: str | os.PathLike[str]) -> FloorArea:
    """Read the residential buildings of an OpenStreetMap file with their floor area.

    A building whose own tags name another use is none. Where no building has known levels all
    count with one, so that the footprint alone decides.

    Raises
    ------
    SourceError
        The file cannot be read, or has no residential building.
    """
    from osmium.filter import KeyFilter

    rows = [
        thing.base()
        | {"building": thing.tags["building"], "levels": number(thing.tags, "building:levels")}
        | {"geometry": thing.geometry}
        for thing in read_objects(Path(path), _is_home, KeyFilter("building"))
        if thing.osm_type != "node"
    ]
    if not rows:
        raise SourceError(
            f"{Path(path).name} has no residential building: spread the people along streets"
        )
    homes = object_table(rows, {"building": "str", "levels": "Float64"})
    if not (homes["levels"] > 0).any():
        homes = homes.assign(levels=1.0)
    return residential_floor_area(homes)


def _is_home(tags: Tags) -> bool:
    """Tell whether people can be taken to live in a building.

    >>> _is_home({"building": "yes"}), _is_home({"building": "yes", "shop": "bakery"})
    (True, False)
    """
    building = tags.get("building", "no")
    other = building == "yes" and bool(OTHER_USES & set(tags))
    return building in RESIDENTIAL_BUILDINGS and not other


def over_buildings(zones: Checked, homes: FloorArea) -> Checked:
    """Spread the people of zones over the homes inside each, by floor area.

    Parameters
    ----------
    zones : Checked
        As `inputs.read_population(..., zones=True)` returns them.
    homes : FloorArea
        Residential buildings.

    Returns
    -------
    Checked
        Demand points: people are whole (where a zone's number is not, one of its points carries
        the fraction), groups are in proportion to them, and both sum to the zone's exactly. A
        zone without a home gets one point, which is said in the remarks; so are zones whose homes
        have less than `LEAST_FLOOR_M2` a person, where the map is not complete.
    """
    levels = homes.levels_filled
    told = (
        f"spread over {len(homes.buildings):,} residential buildings by floor area (levels known "
        f"of {int(levels['levels_known'].sum()):,})"
    )
    crowded = _crowded(zones.table, homes)
    if crowded.any():
        told += (
            f"; in {int(crowded.sum()):,} of {len(crowded):,} zones homes are missing from the map "
            "(see the remarks): spread along streets instead"
        )
    return _spread(
        _with_remarks(
            zones,
            [
                (int(row), "geometry", CROWDED, "spread along streets, or map the buildings")
                for row in zones.rows[crowded]
            ],
        ),
        building_demand(_whole(zones.table), homes),
        told,
    )


def _crowded(zones: gpd.GeoDataFrame, homes: FloorArea) -> NDArray[np.bool_]:
    """Say which zones have homes, but hardly room in them for their people."""
    zone = zone_of_points(zones, homes.buildings.geometry)
    floor_m2 = homes.buildings["floor_area_m2"].groupby(zone).sum().reindex(zones.index)
    needed_m2 = LEAST_FLOOR_M2 * zones["population"].to_numpy(np.float64)
    return np.asarray(floor_m2.to_numpy(np.float64) < needed_m2, dtype=bool)


def _with_remarks(checked: Checked, rows: list[tuple[int, str, str, str]]) -> Checked:
    remarks = [checked.remarks, fault_frame("population", rows)] if rows else [checked.remarks]
    return replace(checked, remarks=pd.concat(remarks, ignore_index=True))


def over_streets(zones: Checked, streets: gpd.GeoDataFrame) -> Checked:
    """Spread the people of zones along the residential streets inside each, by length.

    As `over_buildings`; see `population.along_streets` for zones without such a street.
    """
    told = "spread along residential streets by length"
    return _spread(zones, along_streets(_whole(zones.table), streets), told)


def _whole(zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return zones with their people rounded up to whole ones."""
    return zones[["population", "geometry"]].assign(
        population=np.ceil(tables.people(zones["population"])).astype(np.int64)
    )


def _spread(zones: Checked, broken: Breakdown, told: str) -> Checked:
    """Turn a breakdown of whole people into demand points with the zones' exact numbers."""
    table = zones.table
    bare = _without_people(table)
    points = pd.concat([broken.demand, bare]) if len(bare) else broken.demand
    if points.empty:
        raise TableError("population", ["No zone has people."])
    zone = table.index.get_indexer(points["community_id"])
    order = np.argsort(zone, kind="stable")
    points, zone = points.iloc[order], zone[order]
    starts = np.flatnonzero(np.diff(zone, prepend=-1))
    parts = [slice(a, b) for a, b in zip(starts, [*starts[1:], len(zone)], strict=True)]
    people = _exact(points["population"].to_numpy(np.float64), table, zone, parts)
    columns: dict[str, object] = {"population": people}
    for column in table.columns.drop(["population", "geometry"]):
        columns[column] = _in_proportion(table[column], people, zone, parts)
    demand = gpd.GeoDataFrame(columns, geometry=points.geometry.to_numpy(), crs=4326)
    demand = demand.set_axis(pd.Index(points.index, name="demand_id"))
    row_of = pd.Series(zones.rows, index=table.index)
    said = [
        (
            int(row_of[key]),
            "geometry",
            f"{reason}: its {count:,} people are placed {placed}",
            "look at it on a map",
        )
        for key, count, reason, placed in broken.fallbacks.to_numpy(object)
    ]
    if said:
        told += f"; {len(said):,} of {len(table):,} zones have none (see the remarks)"
    return replace(
        _with_remarks(zones, said),
        table=demand,
        rows=zones.rows[zone],
        facts=zones.facts | {"note": told, "points": len(demand)},
    )


def _without_people(zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return one point for each zone in which nobody lives but people are by day or by night."""
    others = zones[zones.columns.drop(["population", "geometry"])]
    there = (others.fillna(0) > 0).any(axis=1).to_numpy(bool)
    bare = zones[(tables.people(zones["population"]) == 0).to_numpy() & there]
    return gpd.GeoDataFrame(
        {"community_id": bare.index, "population": 0},
        geometry=bare.representative_point().to_numpy(),
        crs=zones.crs,
    ).set_axis(bare.index.astype(str) + "-1")


def _exact(
    dealt: NDArray[np.float64], zones: gpd.GeoDataFrame, zone: np.ndarray, parts: list[slice]
) -> NDArray[np.float64]:
    """Take off the fraction by which a zone was rounded up, where its most people are."""
    people = dealt.copy()
    wanted = tables.people(zones["population"]).to_numpy(np.float64)
    for part in parts:
        inside = people[part]
        inside[np.argmax(inside)] -= inside.sum() - wanted[zone[part.start]]
    return people


def _in_proportion(
    group: pd.Series, people: NDArray[np.float64], zone: np.ndarray, parts: list[slice]
) -> pd.api.extensions.ExtensionArray:
    """Deal a group of each zone in proportion to its people; NA stays NA."""
    units = (tables.people(group) / tables.PERSON_UNIT).to_numpy(np.float64, na_value=np.nan)
    dealt = np.full(len(people), np.nan)
    for part in parts:
        total = units[zone[part.start]]
        if np.isfinite(total):
            weight = people[part] if people[part].any() else np.ones(part.stop - part.start)
            dealt[part] = apportion(int(total), weight) * tables.PERSON_UNIT
    return pd.Series(pd.array(np.nan_to_num(dealt), dtype="Float64")).mask(np.isnan(dealt)).array
