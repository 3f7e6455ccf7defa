"""Build the embedded study area Monaco from data/raw/monaco.

    python data/build_monaco.py [FOLDER]

The same raw files give the same bytes. What is real: streets, buildings, quarters, public places
(OpenStreetMap) and the population of the country and of four of its quarters (IMSEE). What is
estimated: the population of the other five, and where in a quarter people live. What is
illustrative: which public places are shelters, and the hazard zones along coast and cliffs.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import monaco_texts as texts
import numpy as np
import osmium
import pandas as pd
import shapely
from hazard_bands import bands
from shapely.ops import substring

from shelterplan.sources.osm import read_streets
from shelterplan.sources.osm_features import (
    read_areas,
    read_buildings,
    read_gates,
    read_public_places,
)
from shelterplan.sources.population import (
    EQUAL_AREA,
    Breakdown,
    FloorArea,
    apportion,
    building_demand,
    residential_floor_area,
    zone_of_points,
)
from shelterplan.study_area import Source, StudyArea

HERE = Path(__file__).parent
EXTRACT = HERE / "raw" / "monaco" / "monaco_2023-12-26.osm.pbf"
BORDER = HERE / "raw" / "monaco" / "monaco_boundary.geojson"
METRIC = "EPSG:32632"

QUARTERS = {
    2220206: ("fontvieille", "Fontvieille"),
    2220207: ("monaco-ville", "Monaco-Ville"),
    2221178: ("la-condamine", "La Condamine"),
    5986436: ("la-rousse", "La Rousse"),
    5986437: ("larvotto", "Larvotto"),
    5986438: ("monte-carlo", "Monte-Carlo"),
    5986473: ("jardin-exotique", "Jardin Exotique"),
    5986474: ("les-moneghetti", "Les Moneghetti"),
    5986475: ("ravin-de-sainte-devote", "Ravin de Sainte-Dévote"),
}
"""Id and name of each quarter, by OSM relation (which spells one of them `Les Monegetti`)."""

POPULATION = 38_367
"""Residents on 31 December 2023 (IMSEE)."""
PUBLISHED = {
    "monte-carlo": round(0.216 * POPULATION),
    "la-rousse": round(0.209 * POPULATION),
    "larvotto": 2_192,
    "monaco-ville": 1_000,
}
"""Quarters with a published population (IMSEE)."""
CERTAINTY = {
    "monte-carlo": ("published as 21.6 % of the country", "公布为全国的 21.6%"),
    "la-rousse": ("published as 20.9 % of the country", "公布为全国的 20.9%"),
    "larvotto": ("published", "已公布"),
    "monaco-ville": ("published as about 1,000", "公布为约 1,000"),
}
"""How it was published, in English and in Chinese; the others are estimated."""

OTHER_USES = (
    "amenity", "club", "craft", "government", "healthcare", "historic", "leisure", "man_made",
    "military", "office", "public_transport", "railway", "shop", "tourism",
)  # fmt: skip
"""A `building=yes` with one of these keys is not a home."""
PUBLIC_HALLS = {"Auditorium Rainier III", "Grimaldi Forum"}
"""Named halls that OSM tags `building=yes` and nothing else."""

INDOOR = {"school", "university", "sports_hall", "stadium", "town_hall", "community_centre"}
OPEN_AIR = {"park", "garden", "square", "pitch"}
MIN_OPEN_AREA_M2 = 1_000
SURGE_REACH_M = {4: 15, 3: 30, 2: 45, 1: 60}
"""How far from the coastline each level of the storm surge reaches."""
LANDSLIDE_REACH_M = {3: 10, 2: 20}
"""How far from a mapped cliff each level of the landslide reaches."""
NOT_PUBLIC = {"no", "private", "customers"}
PLACE_KEYS = ("railway", "place", "amenity", "tourism", "leisure", "historic", "highway")
NO_DESTINATION = {
    "artwork", "atm", "bicycle_rental", "information", "parking_entrance", "telephone",
}  # fmt: skip
PLACE_VALUES = {"railway": {"station"}, "place": {"square"}, "highway": {"bus_stop"}}


def main(folder: Path) -> None:
    """Build the study area and write it to a folder."""
    area = build()
    area.save(folder)
    people = int(area.demand["population"].sum())
    print(
        f"{area.title}: {len(area.communities)} quarters, {len(area.demand):,} buildings, "
        f"{people:,} people, {len(area.streets):,} streets, version {area.version}"
    )


def build() -> StudyArea:
    """Turn the extract into a study area."""
    outlines = quarter_outlines()
    homes = residential_floor_area(dwellings())
    communities = with_population(outlines, homes)
    people = building_demand(communities, homes)
    sites = public_sites(communities)
    chosen = largest_of_each_quarter(sites)
    streets = read_streets(EXTRACT)
    notes = texts.notes(
        communities,
        CERTAINTY,
        population=POPULATION,
        min_open_area_m2=MIN_OPEN_AREA_M2,
        surge_reach_m=SURGE_REACH_M,
        landslide_reach_m=LANDSLIDE_REACH_M,
    )
    sources = dict(sources_told(homes, people))
    return StudyArea.build(
        name="monaco",
        title=texts.TITLE[0],
        streets=streets,
        communities=communities,
        demand=people.demand,
        shelters=as_shelters(sites[chosen]),
        candidates=as_candidates(sites[~chosen]),
        hazards=hazard_zones(communities),
        places=named_places(communities),
        gates=public_gates(),
        sources=sources,
        notes=[english for english, _ in notes],
        translations={"zh": dict([texts.TITLE, texts.OSM, texts.IMSEE, *notes, *sources.values()])},
        illustrative=("shelters", "candidates", "hazards"),
    )


def quarter_outlines() -> gpd.GeoDataFrame:
    """Assemble the nine quarters as OSM draws them, harbour basins included.

    Together they are the commune of Monaco (relation 2220322). Three relations lack one segment
    of the land border, which is cut out of the national boundary.
    """
    areas = read_areas(EXTRACT, {"boundary": "administrative", "admin_level": "10"})
    unclosed = areas.unclosed
    closed = unclosed.set_geometry([close_by_border(lines) for lines in unclosed.geometry])
    both = pd.concat([areas.closed, closed], ignore_index=True)
    both = both[both["osm_id"].isin(list(QUARTERS))].set_index("osm_id").loc[list(QUARTERS)]
    ids, names = zip(*QUARTERS.values(), strict=True)
    return gpd.GeoDataFrame(
        {"name": names, "district": "Monaco"},
        index=pd.Index(ids, name="community_id"),
        geometry=both.geometry.to_numpy(),
        crs=both.crs,
    )


def close_by_border(outline: shapely.MultiLineString) -> shapely.Geometry:
    """Close an outline with the piece of the national boundary between its two loose ends."""
    border = json.loads(BORDER.read_text("utf-8"))["features"][0]["geometry"]
    ring = shapely.geometry.shape(border).exterior
    ends = sorted(shapely.boundary(outline).geoms, key=ring.project)
    if len(ends) != 2:
        raise SystemExit(f"expected two loose ends, found {len(ends)}")
    start, end = (ring.project(point) for point in ends)
    there = substring(ring, start, end).coords
    back = [*substring(ring, end, ring.length).coords, *substring(ring, 0, start).coords][::-1]
    inner = min((list(there), back), key=lambda path: shapely.LineString(path).length)[1:-1]
    missing = shapely.LineString([*ends[0].coords, *inner, *ends[1].coords])
    faces, cuts, dangles, invalid = shapely.polygonize_full([*outline.geoms, missing])
    if not faces.geoms or cuts.geoms or dangles.geoms or invalid.geoms:
        raise SystemExit("the outline does not close")
    return shapely.union_all(faces.geoms)


def dwellings() -> gpd.GeoDataFrame:
    """Read the buildings, without those whose own tags name another use than living."""
    buildings = read_buildings(EXTRACT)
    key = list(zip(buildings["osm_type"], buildings["osm_id"], strict=True))
    other = pd.Index(key).isin(other_uses()) | buildings["name"].isin(PUBLIC_HALLS)
    buildings.index = pd.Index([f"{kind}/{number}" for kind, number in key], name="building_id")
    return buildings[~((buildings["building"] == "yes") & other.to_numpy())]


def other_uses() -> list[tuple[str, int]]:
    """List the buildings that carry a key of another use."""
    kinds = {"w": "way", "r": "relation"}
    objects = osmium.FileProcessor(EXTRACT, osmium.osm.WAY | osmium.osm.RELATION)
    tagged = objects.with_filter(osmium.filter.KeyFilter(*OTHER_USES))
    return [(kinds[thing.type_str()], thing.id) for thing in tagged if "building" in thing.tags]


def with_population(quarters: gpd.GeoDataFrame, homes: FloorArea) -> gpd.GeoDataFrame:
    """Give each quarter its people: as published, the others a share of the rest by floor area."""
    quarter = zone_of_points(quarters, homes.buildings.geometry)
    floor_m2 = homes.buildings["floor_area_m2"].groupby(quarter).sum().reindex(quarters.index)
    others = [quarter for quarter in quarters.index if quarter not in PUBLISHED]
    rest = POPULATION - sum(PUBLISHED.values())
    shares = apportion(rest, floor_m2[others])
    people = pd.Series(PUBLISHED | dict(zip(others, shares.tolist(), strict=True)))
    return quarters.assign(
        population=people.reindex(quarters.index),
        certainty=[CERTAINTY.get(key, texts.ESTIMATED)[0] for key in quarters.index],
    )


def public_sites(quarters: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """List the named public buildings and open spaces of Monaco that could take people in.

    Public buildings are the kinds of `INDOOR`, and buildings tagged `school` or `college`; open
    spaces the kinds of `OPEN_AIR` with an outline of at least `MIN_OPEN_AREA_M2`.
    """
    places = read_public_places(EXTRACT)
    buildings = read_buildings(EXTRACT)
    schools = buildings[buildings["building"].isin({"school", "college"})].assign(kind="school")
    sites = pd.concat([places, schools], ignore_index=True)
    sites = sites.drop_duplicates(["osm_type", "osm_id"])
    sites["quarter"] = zone_of_points(quarters, sites.representative_point())
    area_m2 = sites.geometry.to_crs(EQUAL_AREA).area.round(0)
    sites["area_m2"] = area_m2.where(area_m2 > 0)
    sites["indoor"] = sites["kind"].isin(INDOOR)
    open_air = sites["kind"].isin(OPEN_AIR) & (sites["area_m2"] >= MIN_OPEN_AREA_M2)
    public = sites["name"].notna() & ~sites["access"].isin(NOT_PUBLIC) & sites["quarter"].notna()
    sites = sites[public & (sites["indoor"] | open_air)]
    sites = sites.sort_values("area_m2", ascending=False, kind="stable", na_position="last")
    return sites.drop_duplicates(["name", "kind"]).reset_index(drop=True)


def largest_of_each_quarter(sites: gpd.GeoDataFrame) -> pd.Series:
    """Choose the largest public building and the largest open space of each quarter.

    Sites come with the largest first, those without an outline last.
    """
    return ~sites.duplicated(["quarter", "indoor"])


def as_shelters(sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Make shelters of sites: their room is not known, so capacity stays empty."""
    wheelchair = sites["wheelchair"].where(sites["wheelchair"].isin(["yes", "no"]), "unknown")
    return gpd.GeoDataFrame(
        {
            "name": sites["name"],
            "kind": sites["kind"],
            "indoor": sites["indoor"],
            "capacity": pd.NA,
            "area_m2": sites["area_m2"],
            "wheelchair": wheelchair,
            "status": "open",
            "verified": pd.NA,
            "source": "illustrative: a public place in OpenStreetMap, not an official shelter",
        },
        geometry=sites.geometry,
        crs=sites.crs,
    ).set_index(site_ids(sites))


def as_candidates(sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Make candidate sites of the sites that are no shelters."""
    return gpd.GeoDataFrame(
        {
            "name": sites["name"],
            "kind": sites["kind"],
            "capacity": pd.NA,
            "cost": pd.NA,
            "area_m2": sites["area_m2"],
        },
        geometry=sites.geometry,
        crs=sites.crs,
    ).set_index(site_ids(sites))


def site_ids(sites: gpd.GeoDataFrame) -> pd.Index:
    """Name sites by their OSM object."""
    return pd.Index(sites["osm_type"] + "/" + sites["osm_id"].astype(str))


def hazard_zones(quarters: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Make illustrative zones on land: bands along the coastline and around the cliffs."""
    coast, cliffs = natural_lines("coastline"), natural_lines("cliff")
    land = land_of(quarters.geometry.to_crs(METRIC).union_all(), coast)
    surge = bands(
        coast,
        land,
        SURGE_REACH_M,
        crs=METRIC,
        hazard="storm_surge",
        source="illustrative: distance from the coast alone, not an official hazard map",
    )
    landslide = bands(
        cliffs,
        land,
        LANDSLIDE_REACH_M,
        crs=METRIC,
        hazard="landslide",
        source="illustrative: distance from a cliff alone, not an official hazard map",
    )
    return pd.concat([surge, landslide])


def natural_lines(value: str) -> shapely.MultiLineString:
    """Read the lines tagged `natural` with a value, in the metric CRS."""
    factory = osmium.geom.WKBFactory()
    ways = osmium.FileProcessor(EXTRACT, osmium.osm.NODE | osmium.osm.WAY).with_locations()
    lines = [
        shapely.from_wkb(factory.create_linestring(way))
        for way in ways.with_filter(osmium.filter.TagFilter(("natural", value)))
        if way.is_way()
    ]
    return shapely.MultiLineString(gpd.GeoSeries(lines, crs="EPSG:4326").to_crs(METRIC).to_list())


def land_of(commune: shapely.Geometry, coast: shapely.MultiLineString) -> shapely.Geometry:
    """Leave the water out of the commune: OpenStreetMap's coastlines have it on their right."""
    faces = shapely.polygonize([shapely.union(commune.boundary, coast)]).geoms
    sea = shapely.MultiPoint(np.concatenate([beside(line) for line in coast.geoms]))
    return shapely.union_all([face for face in faces if not face.intersects(sea)])


def beside(line: shapely.LineString, off_m: float = 0.5) -> np.ndarray:
    """Return a point to the right of the middle of each segment, shape (segments, 2)."""
    points = shapely.get_coordinates(line)
    along = np.diff(points, axis=0)
    right = np.column_stack([along[:, 1], -along[:, 0]]) / np.hypot(*along.T)[:, None]
    return (points[:-1] + points[1:]) / 2 + off_m * right


def public_gates() -> gpd.GeoDataFrame:
    """Read gates and doors that people may walk through."""
    gates = read_gates(EXTRACT)
    shut = gates["access"].isin(NOT_PUBLIC) | gates["foot"].isin(NOT_PUBLIC)
    for_cars = gates["barrier"].isin(["lift_gate"]) | gates["entrance"].isin(
        ["garage", "home", "parking", "service"]
    )
    return gates[~(shut | for_cars) | gates["emergency_only"]]


def named_places(quarters: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Read the named places of Monaco that people may search for."""
    factory = osmium.geom.WKBFactory()
    keys = osmium.filter.KeyFilter(*PLACE_KEYS)
    rows = []
    for thing in osmium.FileProcessor(EXTRACT).with_areas(keys).with_filter(keys):
        tags = dict(thing.tags)
        kind = place_kind(tags)
        if kind and "name" in tags and (thing.is_node() or thing.is_area()):
            make = factory.create_point if thing.is_node() else factory.create_multipolygon
            rows.append((tags["name"], kind, shapely.from_wkb(make(thing))))
    table = gpd.GeoDataFrame(rows, columns=["name", "kind", "geometry"], crs="EPSG:4326")
    table = table.set_geometry(table.representative_point().set_precision(1e-7))
    table = table[zone_of_points(quarters, table.geometry).notna()]
    table = table.sort_values(["name", "kind"], kind="stable").drop_duplicates(["name", "kind"])
    return table.set_index(pd.Index([f"p{row}" for row in range(1, len(table) + 1)]))


def place_kind(tags: dict[str, str]) -> str | None:
    """Say what a place is: the first value of the first key that counts, in words."""
    for key in PLACE_KEYS:
        value = tags.get(key)
        if value and value in PLACE_VALUES.get(key, {value} - NO_DESTINATION):
            return value.split(";")[0].replace("_", " ")
    return None


def sources_told(homes: FloorArea, people: Breakdown) -> Iterator[tuple[Source, texts.Pair]]:
    """Name every source with its date, licence and hash, and its note in both languages."""
    for table, path, note in (
        ("streets", EXTRACT, texts.STREETS),
        ("communities", EXTRACT, texts.QUARTERS),
        ("communities", BORDER, texts.BORDER),
        ("demand", None, texts.PEOPLE),
        ("demand", EXTRACT, texts.buildings(homes, people)),
        ("shelters", EXTRACT, texts.SHELTERS),
        ("candidates", EXTRACT, texts.CANDIDATES),
        ("places", EXTRACT, texts.PLACES),
        ("hazards", EXTRACT, texts.HAZARDS),
    ):
        yield published(table, note[0]) if path is None else raw_file(table, path, note[0]), note


def published(table: str, note: str) -> Source:
    """Describe what IMSEE published."""
    return Source(table=table, name=texts.IMSEE[0], date="2023-12-31", note=note)


def raw_file(table: str, path: Path, note: str) -> Source:
    """Describe one raw file."""
    return Source(
        table=table,
        name=path.name,
        date="2023-12-26" if path == EXTRACT else "",
        licence=texts.OSM[0],
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        note=note,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "monaco")
