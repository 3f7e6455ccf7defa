"""Build the embedded study area Coquimbo - La Serena (Chile) from data/raw/coquimbo.

    python data/build_coquimbo.py [FOLDER]

The same raw files give the same bytes. What is real: roads (OpenStreetMap), zones and their
modelled population (AequilibraE's Coquimbo project), bus stops. What is not: shelters and
candidate sites stand at street junctions chosen by a rule, because the data has no buildings; the
room of shelters and the tsunami zones follow rules too.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

import coquimbo_texts as texts
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from hazard_bands import bands
from shapely.ops import linemerge, substring

from shelterplan.network import WalkNetwork
from shelterplan.sources.lines import read_lines
from shelterplan.sources.population import (
    Breakdown,
    along_streets,
    zone_of_points,
)
from shelterplan.sources.streets import Streets
from shelterplan.study_area import Source, StudyArea

HERE = Path(__file__).parent
RAW = HERE / "raw" / "coquimbo"
METRIC = "EPSG:32719"
NOT_WALKABLE = {
    "motorway": "motorways are closed to people on foot",
    "trunk": "trunk roads (Ruta 5) without a known sidewalk are not walked along",
    "centroid_connector": "lines from a zone's centre to the roads: they are no streets",
}
SHELTER_EVERY = 3
"""Every third zone, by its number, has an illustrative shelter; each other one a candidate."""
ROOM_STEP, ROOM_STEPS = 1_000, 6
"""Shelters have room for 1 to 6 times 1,000 people, in turn."""
UNKNOWN_ROOM_EVERY = 5
"""The room of a shelter is left unknown if its zone's number is divisible by this."""
COST_BASE = 2
"""What a candidate site costs, in no currency, beside 1 for each step of its room."""
TSUNAMI_REACH_M = {
    100: {4: 100, 3: 200, 2: 300, 1: 400},
    1_000: {4: 200, 3: 400, 2: 600, 1: 800},
}
"""How far from the sea each level reaches, by return period in years."""
NOTCH_M = 200
"""Gaps between the teeth of the zones' outline that are narrower than twice this are filled."""
DETAIL_M = 5
"""The outline is then drawn with fewer points, at most this far from the exact one."""
FIRST_CORNER, LAST_CORNER = (-1, 1), (-2, -1)
"""The sea front begins at the corner farthest to the north-west and ends at the one farthest to
the west-south-west (directions east and north)."""


def main(folder: Path) -> None:
    """Build the study area and write it to a folder."""
    area = build()
    area.save(folder)
    people = int(area.demand["population"].sum())
    print(
        f"{area.title}: {len(area.communities)} zones, {len(area.demand):,} demand points, "
        f"{people:,} people, {len(area.streets):,} streets, version {area.version}"
    )


def build() -> StudyArea:
    """Turn the raw layers into a study area."""
    zones, links, stops = (
        gpd.read_parquet(RAW / f"{layer}.parquet") for layer in ("zones", "links", "stops")
    )
    streets = walkable_streets(links)
    communities, names = named_zones(zones, streets.edges)
    people = along_streets(communities, streets.edges)
    sites = sites_at_junctions(communities, people.demand, streets.edges)
    is_shelter = sites["zone"] % SHELTER_EVERY == 0
    shelters, candidates = sites[is_shelter], sites[~is_shelter]
    names |= dict([*site_names(texts.SHELTER, shelters), *site_names(texts.CANDIDATE, candidates)])
    notes = texts.notes(
        people,
        shelter_every=SHELTER_EVERY,
        room=(ROOM_STEP, ROOM_STEPS),
        unknown_room_every=UNKNOWN_ROOM_EVERY,
        cost_base=COST_BASE,
        tsunami_reach_m=TSUNAMI_REACH_M,
    )
    sources, sources_zh = sources_told(zones, people)
    return StudyArea.build(
        name="coquimbo",
        title=texts.TITLE[0],
        streets=streets,
        communities=communities,
        demand=people.demand,
        shelters=as_shelters(shelters),
        candidates=as_candidates(candidates),
        hazards=tsunami_zones(communities),
        places=stop_places(stops, streets.edges),
        sources=sources,
        notes=[english for english, _ in notes],
        translations={"zh": dict([texts.TITLE, *notes]) | sources_zh | names},
        illustrative=("shelters", "candidates", "hazards"),
    )


def walkable_streets(links: gpd.GeoDataFrame) -> Streets:
    """Leave out links that are no streets for walkers, and say so.

    `modes` and `direction` describe car traffic; on foot every street leads both ways.
    """
    out = links["link_type"].isin(NOT_WALKABLE)
    streets = read_lines(
        links[~out],
        class_column="link_type",
        name_column="name",
        from_column="a_node",
        to_column="b_node",
        id_column="osm_id",
    )
    left_out = links[out].groupby("link_type")["distance"].agg(["size", "sum"])
    left_out = left_out.loc[list(NOT_WALKABLE)]
    rows = pd.DataFrame(
        {
            "rule": left_out.index,
            "reason": list(NOT_WALKABLE.values()),
            "ways": left_out["size"].to_numpy(),
            "length_m": left_out["sum"].round(1).to_numpy(),
        }
    )
    dropped = pd.concat([rows, streets.dropped], ignore_index=True).astype({"ways": "int64"})
    return Streets(streets.edges, dropped, streets.kept_ways, streets.date)


def named_zones(
    zones: gpd.GeoDataFrame, streets: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, dict[str, str]]:
    """Give zones whole people, a name and a group; the source has numbers only.

    Returned with them are their names and groups in Chinese, by the English ones.
    """
    ids = pd.Index(zones["zone_id"].astype(str), name="community_id")
    table = gpd.GeoDataFrame(
        {"population": np.floor(zones["population"]).astype("int64").to_numpy()},
        index=ids,
        geometry=zones.geometry.to_numpy(),
        crs=zones.crs,
    )
    longest = longest_street(table, streets)
    names = [texts.zone(zone, longest.get(zone)) for zone in table.index]
    districts = groups(table)
    named = table.assign(
        name=[english for english, _ in names], district=[english for english, _ in districts]
    )
    return named, dict([*names, *districts])


def longest_street(zones: gpd.GeoDataFrame, streets: gpd.GeoDataFrame) -> pd.Series:
    """Find the named street with the greatest length in each zone (by the middles of edges)."""
    named = streets[streets["name"].notna()]
    middle = named.geometry.to_crs(METRIC).interpolate(0.5, normalized=True).to_crs(zones.crs)
    length_m = named["length_m"].groupby([zone_of_points(zones, middle), named["name"]]).sum()
    in_order = length_m.round(1).reset_index().sort_values(
        ["level_0", "length_m", "name"], ascending=[True, False, True]
    )  # fmt: skip
    return in_order.drop_duplicates("level_0").set_index("level_0")["name"]


def groups(zones: gpd.GeoDataFrame) -> list[texts.Pair]:
    """Group zones: three bands from north to south, each cut into a western and eastern half.

    Every cut leaves about equal populations on both sides. The source has no district or
    municipality, so these are no official districts, and their names say it.
    """
    centre = zones.geometry.to_crs(METRIC).centroid
    band = equal_parts(-centre.y, zones["population"], len(texts.BANDS))
    half = pd.Series(0, index=zones.index)
    for number in range(len(texts.BANDS)):
        inside = band == number
        people = zones["population"][inside]
        half[inside] = equal_parts(centre.x[inside], people, len(texts.HALVES))
    return [texts.district(*numbers) for numbers in zip(band, half, strict=True)]


def equal_parts(value: pd.Series, population: pd.Series, parts: int) -> pd.Series:
    """Give each row the number of its part, by rising value; parts have about equal population."""
    order = value.sort_values(kind="stable").index
    people = population[order]
    middle_share = (people.cumsum() - people / 2) / people.sum()
    return (middle_share * parts).astype(int).reindex(value.index)


def sites_at_junctions(
    zones: gpd.GeoDataFrame, demand: gpd.GeoDataFrame, streets: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Choose one site in each zone: the street junction nearest to the centre of its people.

    Only junctions of three or more streets in the largest connected part of the network count;
    a zone without one has no site.
    """
    junctions = street_junctions(streets)
    junctions["community_id"] = zone_of_points(zones, junctions.geometry)
    centre = people_centre(demand)
    inside = junctions[junctions["community_id"].isin(centre.index)]
    own_centre = centre.loc[inside["community_id"]].set_axis(inside.index)
    distance_m = inside.to_crs(METRIC).distance(own_centre.to_crs(METRIC)).round(3)
    order = inside.assign(distance_m=distance_m).sort_values(["distance_m", "node"])
    chosen = order.drop_duplicates("community_id").set_index("community_id")
    chosen = chosen.loc[[zone for zone in zones.index if zone in chosen.index]]
    return chosen.assign(zone=chosen.index.astype(int), near=nearest_name(chosen, streets))


def street_junctions(streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """List the nodes where three or more streets of the largest connected part meet."""
    main_part = streets[WalkNetwork.from_streets(streets, METRIC).edge_component == 0]
    lines = main_part.geometry.to_numpy()
    ends = pd.DataFrame(
        {
            "node": np.concatenate([main_part["from"], main_part["to"]]),
            "point": np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)]),
        }
    )
    met = ends.groupby("node")["point"].agg(["size", "first"])
    met = met[met["size"] >= 3].reset_index()
    return gpd.GeoDataFrame(met[["node"]], geometry=met["first"].to_numpy(), crs=streets.crs)


def people_centre(demand: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Find the population-weighted mean position of each zone's demand points."""
    weighted = pd.DataFrame(
        {
            "x": demand.geometry.x * demand["population"],
            "y": demand.geometry.y * demand["population"],
            "population": demand["population"],
        }
    )
    total = weighted.groupby(demand["community_id"]).sum()
    x, y = total["x"] / total["population"], total["y"] / total["population"]
    return gpd.GeoSeries(gpd.points_from_xy(x, y), index=total.index, crs=demand.crs)


def nearest_name(points: gpd.GeoDataFrame, streets: gpd.GeoDataFrame) -> list[str]:
    """Name the nearest named street of each point."""
    named = streets[streets["name"].notna()].to_crs(METRIC)
    tree = shapely.STRtree(named.geometry.to_numpy())
    target = points.geometry.to_crs(METRIC).to_numpy()
    row, edge = tree.query_nearest(target, all_matches=True)
    found = pd.Series(named["name"].to_numpy()[edge]).groupby(row).min()
    return found.tolist()


def site_names(what: texts.Pair, sites: gpd.GeoDataFrame) -> list[texts.Pair]:
    """Name sites by their zone's number and the nearest street."""
    pairs = zip(sites["zone"], sites["near"], strict=True)
    return [texts.site(what, zone, street) for zone, street in pairs]


def as_shelters(sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Make shelters of sites: their room follows a rule, nothing is known of access or state."""
    return gpd.GeoDataFrame(
        {
            "name": [english for english, _ in site_names(texts.SHELTER, sites)],
            "kind": "illustrative site",
            "indoor": pd.NA,
            "capacity": room(sites["zone"]).to_numpy(),
            "area_m2": pd.NA,
            "wheelchair": "unknown",
            "status": "open",
            "verified": pd.NA,
            "source": (
                "illustrative: a street junction chosen by a rule, not a real shelter; "
                "its capacity is made by a rule, too"
            ),
        },
        index=pd.Index([f"s{zone}" for zone in sites["zone"]], name="shelter_id"),
        geometry=sites.geometry.to_numpy(),
        crs=sites.crs,
    )


def room(zone: pd.Series) -> pd.Series:
    """Say by a rule on the zone's number how many people a shelter has room for; NA: unknown."""
    return places(zone).mask(zone % UNKNOWN_ROOM_EVERY == 0)


def places(zone: pd.Series) -> pd.Series:
    """Say by a rule on the zone's number how many people a site would have room for."""
    return (ROOM_STEP * (1 + zone // SHELTER_EVERY % ROOM_STEPS)).astype("Float64")


def tsunami_zones(zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Make illustrative tsunami zones: bands by distance from the sea, for each return period."""
    ground = ground_of(zones)
    front = sea_front(ground)
    return pd.concat(
        bands(
            front,
            ground,
            reach_m,
            crs=METRIC,
            hazard="tsunami",
            return_period=years,
            source="illustrative: distance from the sea alone, not an official hazard map",
        )
        for years, reach_m in TSUNAMI_REACH_M.items()
    )


def ground_of(zones: gpd.GeoDataFrame) -> shapely.Polygon:
    """Join the zones to one polygon without notches, in the metric CRS."""
    whole = zones.geometry.to_crs(METRIC).union_all()
    return shapely.Polygon(whole.exterior).buffer(NOTCH_M).buffer(-NOTCH_M).simplify(DETAIL_M)


def sea_front(ground: shapely.Polygon) -> shapely.LineString:
    """Cut the western side, which faces the ocean, out of the outline."""
    ring = shapely.orient_polygons(ground).exterior
    corners = shapely.get_coordinates(ring)
    first, last = (
        ring.project(shapely.Point(corners[np.argmax(corners @ np.array(towards))]))
        for towards in (FIRST_CORNER, LAST_CORNER)
    )
    line = shapely.LineString(ring.coords)
    if first < last:
        return substring(line, first, last)
    return linemerge([substring(line, first, line.length), substring(line, 0, last)])


def as_candidates(sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Make candidate sites of the sites that are no shelters."""
    return gpd.GeoDataFrame(
        {
            "name": [english for english, _ in site_names(texts.CANDIDATE, sites)],
            "kind": "illustrative site",
            "capacity": places(sites["zone"]).to_numpy(),
            "cost": (COST_BASE + places(sites["zone"]) / ROOM_STEP).to_numpy(),
            "area_m2": pd.NA,
        },
        index=pd.Index([f"c{zone}" for zone in sites["zone"]], name="site_id"),
        geometry=sites.geometry.to_numpy(),
        crs=sites.crs,
    )


def stop_places(stops: gpd.GeoDataFrame, streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Make searchable places of the bus stops, one for each name."""
    words = known_words(streets["name"].dropna())
    names = stops["name"].map(lambda name: mended(name, words))
    table = gpd.GeoDataFrame({"name": names, "kind": "bus stop"}, geometry=stops.geometry)
    table = table.drop_duplicates("name").sort_values("name", kind="stable")
    table.index = pd.Index([f"p{row}" for row in range(1, len(table) + 1)], name="place_id")
    return table


def known_words(names: pd.Series) -> dict[str, str]:
    """Map words that lost their accented letters to the one street-name word they can come from."""
    words = {word for name in names for word in re.findall(r"\w+", name)}
    table: dict[str, set[str]] = {}
    for word in words:
        table.setdefault(re.sub(r"[^\x00-\x7f]", "", word), set()).add(word)
    return {bare: next(iter(full)) for bare, full in table.items() if bare and len(full) == 1}


def mended(name: str, words: dict[str, str]) -> str:
    """Put back the letters that the stop list lost ("Ramrez"), where a street name has them."""
    return re.sub(r"\w+", lambda match: words.get(match[0], match[0]), name)


def sources_told(zones: gpd.GeoDataFrame, people: Breakdown) -> tuple[list[Source], dict[str, str]]:
    """Name every source with its licence and hash; and all that in Chinese, by the English."""
    rows = (
        ("streets", "links", texts.OSM, texts.STREETS),
        ("communities", "zones", texts.AEQUILIBRAE, texts.population(zones)),
        ("demand", "zones", texts.AEQUILIBRAE, texts.points(people)),
        ("places", "stops", texts.AEQUILIBRAE, texts.STOPS),
        ("hazards", "zones", texts.AEQUILIBRAE, texts.TSUNAMI),
    )
    sources = [raw_file(table, layer, licence[0], note[0]) for table, layer, licence, note in rows]
    sources.append(Source(table="shelters", name=texts.NO_FILE[0], note=texts.JUNCTIONS[0]))
    pairs = [pair for _, layer, *told in rows for pair in (texts.file(layer), *told)]
    return sources, dict([*pairs, texts.NO_FILE, texts.JUNCTIONS])


def raw_file(table: str, layer: str, licence: str, note: str) -> Source:
    """Describe one raw file."""
    path = RAW / f"{layer}.parquet"
    return Source(
        table=table,
        name=texts.file(layer)[0],
        licence=licence,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        note=note,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "coquimbo")
