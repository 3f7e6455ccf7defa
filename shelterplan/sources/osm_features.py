"""Read what stands beside the streets in an OpenStreetMap file: buildings, areas, places, gates.

Every table is in the order of its OpenStreetMap objects (nodes, ways, relations, each by id), in
longitude and latitude (EPSG:4326), with `osm_type` and `osm_id`. Polygons are valid.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import geopandas as gpd
import osmium
import pandas as pd
import shapely
from osmium.filter import EntityFilter, KeyFilter, TagFilter
from osmium.io import File, FileBuffer

from shelterplan.sources.osm_file import read_in_order
from shelterplan.sources.osm_objects import Feature, number, object_table, read_objects
from shelterplan.sources.streets import WGS84
from shelterplan.sources.walk_rules import CLOSED, Tags
from shelterplan.tables import HAZARDS

PLACE_KINDS: tuple[tuple[str, str, str], ...] = (
    ("school", "amenity", "school"),
    ("university", "amenity", "university"),
    ("university", "amenity", "college"),
    ("kindergarten", "amenity", "kindergarten"),
    ("community_centre", "amenity", "community_centre"),
    ("town_hall", "amenity", "townhall"),
    ("place_of_worship", "amenity", "place_of_worship"),
    ("stadium", "leisure", "stadium"),
    ("sports_hall", "leisure", "sports_hall"),
    ("sports_hall", "building", "sports_hall"),
    ("sports_centre", "leisure", "sports_centre"),
    ("park", "leisure", "park"),
    ("garden", "leisure", "garden"),
    ("pitch", "leisure", "pitch"),
    ("square", "place", "square"),
    ("parking", "amenity", "parking"),
)
"""Kinds of public place: kind, key and value of the tag. The first that fits names the place."""

PLACE_TAGS = {
    "capacity": "capacity",
    "wheelchair": "wheelchair",
    "access": "access",
    "building": "building",
    "levels": "building:levels",
    "parking": "parking",
    "sport": "sport",
    "opening_hours": "opening_hours",
}
"""Columns of the public places that are tags taken as they are (text, NA where not tagged)."""

GATES = frozenset(
    {"gate", "entrance", "kissing_gate", "lift_gate", "swing_gate", "sliding_gate", "wicket_gate"}
    | {"hampshire_gate", "turnstile", "full-height_turnstile", "sally_port"},
)
"""Values of `barrier` that are ways in."""


@dataclass(frozen=True)
class Areas:
    """Boundary areas of one kind."""

    closed: gpd.GeoDataFrame
    """osm_type, osm_id, name, population (Float64), geometry: polygons."""
    unclosed: gpd.GeoDataFrame
    """osm_id, name, population, missing_members, geometry: the outer lines, as far as they go, of
    each relation that does not close."""


@dataclass(frozen=True)
class MappedShelters:
    """Shelters as OpenStreetMap has them."""

    shelters: gpd.GeoDataFrame
    """The shelters table, index shelter_id such as "way/17"."""
    refused: pd.DataFrame
    """What only looks like a shelter: rule, reason, objects (how many)."""


def read_buildings(path: str | Path) -> gpd.GeoDataFrame:
    """Read the buildings of an OpenStreetMap file.

    Parameters
    ----------
    path
        An OpenStreetMap file (see `osm.read_streets`).

    Returns
    -------
    geopandas.GeoDataFrame
        osm_type, osm_id, building (the tag's value), levels (Float64, NA if not tagged), name,
        geometry: (multi)polygon.

    Raises
    ------
    SourceError
        The file cannot be read.
    """
    keep = lambda tags: tags.get("building", "no") != "no"  # noqa: E731
    rows = [
        thing.base()
        | {"building": thing.tags["building"], "levels": number(thing.tags, "building:levels")}
        | {"geometry": thing.geometry}
        for thing in read_objects(Path(path), keep, KeyFilter("building"))
        if thing.osm_type != "node"
    ]
    return object_table(rows, {"building": "str", "levels": "Float64"})


def read_public_places(path: str | Path) -> gpd.GeoDataFrame:
    """Read the public places where people could gather or be sheltered.

    Places that are closed to the public (`access=no`, `private`) are left out, and so are gardens
    of homes.

    Parameters
    ----------
    path
        An OpenStreetMap file.

    Returns
    -------
    geopandas.GeoDataFrame
        osm_type, osm_id, name, kind (see `PLACE_KINDS`), the tags of `PLACE_TAGS` as text,
        geometry: point or (multi)polygon.

    Raises
    ------
    SourceError
        The file cannot be read.
    """
    wanted = TagFilter(*sorted({(key, value) for _, key, value in PLACE_KINDS}))
    rows = [
        thing.base()
        | {"kind": place_kind(thing.tags)}
        | {column: thing.tags.get(key) for column, key in PLACE_TAGS.items()}
        | {"geometry": thing.geometry}
        for thing in read_objects(Path(path), lambda tags: place_kind(tags) is not None, wanted)
    ]
    return object_table(rows, {"kind": "str"} | dict.fromkeys(PLACE_TAGS, "str"))


def place_kind(tags: Tags) -> str | None:
    """Name the kind of public place, or None.

    >>> place_kind({"leisure": "garden"}), place_kind({"leisure": "garden", "access": "private"})
    ('garden', None)
    """
    if tags.get("access") in CLOSED or tags.get("garden:type") in {"residential", "private"}:
        return None
    return next((kind for kind, key, value in PLACE_KINDS if tags.get(key) == value), None)


def read_gates(path: str | Path) -> gpd.GeoDataFrame:
    """Read the mapped gates in fences and walls and the entrances of buildings.

    Parameters
    ----------
    path
        An OpenStreetMap file.

    Returns
    -------
    geopandas.GeoDataFrame
        osm_type, osm_id, name, kind ("gate" or "entrance"), emergency_only, the tags barrier,
        entrance, access, foot, locked, wheelchair (text, NA if not tagged), geometry: point.

    Raises
    ------
    SourceError
        The file cannot be read.
    """
    columns = ("barrier", "entrance", "access", "foot", "locked", "wheelchair")
    rows = [
        thing.base()
        | {"kind": "entrance" if _is_entrance(thing.tags) else "gate"}
        | {"emergency_only": is_emergency_only(thing.tags)}
        | {key: thing.tags.get(key) for key in columns}
        | {"geometry": thing.geometry}
        for thing in read_objects(
            Path(path),
            is_way_in,
            KeyFilter("barrier", "entrance"),
            areas=False,
        )
    ]
    types = {"kind": "str", "emergency_only": "bool"} | dict.fromkeys(columns, "str")
    return object_table(rows, types)


def is_way_in(tags: Tags) -> bool:
    """Tell whether a node is a gate in a fence or wall, or the entrance of a building."""
    return tags.get("barrier") in GATES or _is_entrance(tags)


def _is_entrance(tags: Tags) -> bool:
    """Tell whether people can go in here; an exit is no entrance."""
    return tags.get("entrance", "no") not in {"no", "exit"}


def is_emergency_only(tags: Tags) -> bool:
    """Tell whether the gate opens in an emergency alone."""
    return tags.get("entrance") == "emergency" or (
        tags.get("access") in CLOSED and tags.get("emergency") in {"yes", "designated"}
    )


def read_shelters(path: str | Path) -> MappedShelters:
    """Read the shelters that OpenStreetMap has: few places map theirs, and few are complete.

    `amenity=shelter` is no shelter of this kind, unless it is a bomb shelter: it is a roof against
    rain, mostly at a bus stop.

    Parameters
    ----------
    path
        An OpenStreetMap file.

    Returns
    -------
    MappedShelters
        The shelters table (one without a name goes by its id) with yes / no / unknown in
        `fit_<hazard>` for each of `tables.HAZARDS` (the tag `assembly_point:<hazard>`), and what
        was refused.

    Raises
    ------
    SourceError
        The file cannot be read.
    """
    keys = ("emergency", "social_facility", "emergency:social_facility", "emergency:amenity")
    wanted = KeyFilter(*keys, "evacuation_center", "bunker_type", "amenity")
    rows: list[dict[str, object]] = []
    refused: Counter[str] = Counter()
    looks = lambda tags: shelter_kind(tags) is not None or tags.get("amenity") == "shelter"  # noqa: E731
    for thing in read_objects(Path(path), looks, wanted):
        kind = shelter_kind(thing.tags)
        if kind is None:
            refused[thing.tags.get("shelter_type", "none given")] += 1
        else:
            rows.append(_shelter(thing, kind))
    types = {"kind": "str", "indoor": "boolean", "capacity": "Float64", "area_m2": "Float64"}
    fitness = [f"fit_{hazard}" for hazard in HAZARDS]
    types |= dict.fromkeys((*fitness, "wheelchair", "status", "verified", "source"), "str")
    table = object_table(rows, types)
    index = table["osm_type"] + "/" + table["osm_id"].astype("str")
    shelters = table.assign(name=table["name"].fillna(index)).set_index(index.rename("shelter_id"))
    shelters = shelters.drop(columns=["osm_type", "osm_id"])
    reasons = [
        ("roof", f"amenity=shelter with shelter_type {name}: a roof, no emergency shelter", count)
        for name, count in sorted(refused.items())
    ]
    return MappedShelters(shelters, pd.DataFrame(reasons, columns=["rule", "reason", "objects"]))


def shelter_kind(tags: Tags) -> str | None:
    """Name the kind of emergency shelter that the tags describe, or None.

    >>> shelter_kind({"amenity": "shelter", "shelter_type": "public_transport"}) is None
    True
    >>> shelter_kind({"emergency": "assembly_point"})
    'assembly_point'
    """
    if tags.get("emergency") == "assembly_point":
        return "assembly_point"
    bunker = tags.get("military") == "bunker" and tags.get("bunker_type") == "bomb_shelter"
    if bunker or (tags.get("amenity"), tags.get("shelter_type")) == ("shelter", "bomb_shelter"):
        return "civil_defence"
    if (
        tags.get("emergency:social_facility") == "shelter"
        or tags.get("emergency:amenity") in {"shelter", "social_facility"}
        or tags.get("evacuation_center") == "yes"
    ):
        return "evacuation_center"
    if tags.get("amenity") == "social_facility" and tags.get("social_facility") == "shelter":
        return "social_facility"
    return None


def _shelter(thing: Feature, kind: str) -> dict[str, object]:
    """Write one row of the shelters table; what is not tagged stays unknown."""
    tags = thing.tags
    wheelchair = {"yes": "yes", "designated": "yes", "no": "no"}.get(tags.get("wheelchair", ""))
    area_m2 = abs(WGS84.geometry_area_perimeter(thing.geometry)[0])
    hazards = {f"fit_{name}": tags.get(f"assembly_point:{name}", "") for name in HAZARDS}
    return thing.base() | {
        "kind": kind,
        "indoor": {"assembly_point": False, "civil_defence": True}.get(kind),
        "capacity": number(tags, "capacity"),
        "area_m2": area_m2 if area_m2 > 0 else None,
        "wheelchair": wheelchair or "unknown",
        "status": "unknown",
        "verified": tags.get("check_date"),
        "source": "OpenStreetMap",
        **{name: value if value in {"yes", "no"} else "unknown" for name, value in hazards.items()},
        "geometry": thing.geometry,
    }


def read_areas(path: str | Path, tags: Mapping[str, str]) -> Areas:
    """Read boundary areas, for example the quarters or municipalities of a place.

    Parameters
    ----------
    path
        An OpenStreetMap file.
    tags
        The tags that an area must have, for example
        `{"boundary": "administrative", "admin_level": "10"}`.

    Returns
    -------
    Areas
        The areas that close, and the outer lines of the relations that do not (a clipped extract
        often lacks a piece of the outer border). A closed way without a name is a piece of
        border, no area.

    Raises
    ------
    SourceError
        The file cannot be read.
    """
    matches = lambda found: all(found.get(k) == v for k, v in tags.items())  # noqa: E731
    things = read_objects(
        Path(path), matches, *(TagFilter(pair) for pair in tags.items()), max_extent_deg=math.inf
    )
    rows = [
        thing.base() | {"population": number(thing.tags, "population"), "geometry": thing.geometry}
        for thing in things
        if thing.osm_type == "relation" or (thing.osm_type == "way" and "name" in thing.tags)
    ]
    closed = object_table(rows, {"population": "Float64"})
    done = set(closed.loc[closed["osm_type"] == "relation", "osm_id"])
    outlines = read_in_order(Path(path), lambda source: _outlines(source, matches, done))
    types = {"population": "Float64", "missing_members": "int64"}
    return Areas(closed, object_table(outlines, types).drop(columns="osm_type"))


def _outlines(
    source: File | FileBuffer, matches: Callable[[Tags], bool], done: set[int]
) -> list[dict[str, object]]:
    """Collect the outer lines of the matching relations that are not done."""
    wanted: dict[int, tuple[dict[str, str], list[int]]] = {}
    for relation in cast("Iterable[Any]", osmium.FileProcessor(source, osmium.osm.RELATION)):
        tags = {tag.k: tag.v for tag in relation.tags} if relation.id not in done else {}
        if tags.get("type") in {"boundary", "multipolygon"} and matches(tags):
            outer = [m.ref for m in relation.members if m.type == "w" and m.role != "inner"]
            wanted[relation.id] = (tags, outer)
    members = {ref for _, outer in wanted.values() for ref in outer}
    lines = _way_lines(source, members) if members else {}
    return [
        {
            "osm_type": "relation",
            "osm_id": relation_id,
            "name": tags.get("name"),
            "population": number(tags, "population"),
            "missing_members": sum(ref not in lines for ref in outer),
            "geometry": shapely.MultiLineString([lines[ref] for ref in outer if ref in lines]),
        }
        for relation_id, (tags, outer) in wanted.items()
    ]


def _way_lines(source: File | FileBuffer, wanted: set[int]) -> dict[int, shapely.LineString]:
    """Draw ways as lines through those of their nodes that are known."""
    lines: dict[int, shapely.LineString] = {}
    ways = osmium.FileProcessor(source).with_locations().with_filter(EntityFilter(osmium.osm.WAY))
    for way in cast("Iterable[Any]", ways):
        if way.id in wanted:
            points = [(n.lon, n.lat) for n in way.nodes if n.location.valid()]
            if len(points) > 1:
                lines[way.id] = shapely.LineString(points)
    return lines
