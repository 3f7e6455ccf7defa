"""The embedded study areas: rebuilt from the raw files to the same bytes, and sound."""

import hashlib
import importlib
import re
import struct
import sys
from collections import Counter
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from shelterplan import area_files
from shelterplan.plan import make_plan
from shelterplan.scenario import Scenario
from shelterplan.sources.osm_features import read_areas
from shelterplan.sources.population import zone_of_points
from shelterplan.study_area import StudyArea, embedded_areas

DATA = Path(__file__).parent.parent / "data"
NAMES = ("monaco", "coquimbo")
PEOPLE = {"monaco": 38_367, "coquimbo": 451_834}


def script(name):
    """Load one of the scripts in data/."""
    if str(DATA) not in sys.path:
        sys.path.insert(0, str(DATA))
    return importlib.import_module(name)


def hashes(folder):
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.iterdir()
        if file.suffix in {".parquet", ".toml"}
    }


@pytest.fixture(scope="module", params=NAMES)
def area(request):
    """Give each embedded study area, as it is opened."""
    return StudyArea.open(request.param)


@pytest.fixture(scope="module")
def monaco():
    return StudyArea.open("monaco")


@pytest.fixture(scope="module")
def coquimbo():
    return StudyArea.open("coquimbo")


@pytest.mark.parametrize("name", NAMES)
def test_the_raw_files_give_the_same_bytes_again(name, tmp_path):
    stored = embedded_areas()[name]
    written_with = area_files.read(stored)[0]["written_with"]
    script(f"build_{name}").main(tmp_path / name)
    here = area_files.read(tmp_path / name)[0]["written_with"]
    if written_with != here:
        pytest.skip(f"the bytes depend on library versions: stored with {written_with}, not {here}")
    assert hashes(tmp_path / name) == hashes(stored)


def test_people_are_whole_and_sum_to_the_population(area):
    assert area.demand["population"].sum() == PEOPLE[area.name]
    assert area.communities["population"].sum() == PEOPLE[area.name]
    assert (area.demand["population"] % 1 == 0).all()
    by_community = area.demand.groupby("community_id")["population"].sum()
    pd.testing.assert_series_equal(
        by_community.reindex(area.communities.index),
        area.communities["population"],
        check_names=False,
        check_dtype=False,
    )


def test_every_demand_point_lies_in_its_community(area):
    own = area.communities.geometry.loc[area.demand["community_id"]]
    assert shapely.covers(own.to_numpy(), area.demand.geometry.to_numpy()).all()


def test_communities_do_not_overlap(area):
    metric = area.communities.geometry.to_crs(area.crs)
    assert metric.area.sum() == pytest.approx(metric.union_all().area, abs=0.01)


def test_what_is_illustrative_is_said(area):
    assert area.illustrative == {"shelters", "candidates", "hazards"}
    assert area.notes[0].startswith("Shelters and candidate sites are illustrative: not an offici")
    assert area.shelters["source"].str.startswith("illustrative:").all()
    assert not set(area.shelters.index) & set(area.candidates.index)


def test_hazard_zones_are_called_illustrative_everywhere(area):
    told = "illustrative: distance from .* alone, not an official hazard map"
    assert area.hazards["source"].str.fullmatch(told).all()
    (note,) = (note for note in area.notes if "not a hazard map" in note)
    assert "no guide for an evacuation" in note
    assert "并非灾害图，不能作为疏散依据" in area.translations["zh"][note]
    (source,) = (source for source in area.sources if source.table == "hazards")
    assert source.note.startswith("Illustrative: ")
    assert area.translations["zh"][source.note].startswith("示例：")


def test_zones_of_one_hazard_and_return_period_do_not_overlap(area):
    for _, zones in area.hazards.groupby(["hazard", "return_period"], dropna=False):
        shapes = zones.geometry.to_crs(area.crs)
        assert shapes.area.sum() == pytest.approx(shapes.union_all().area, abs=0.01)
        assert zones["level"].is_unique


def test_the_nearer_the_worse(area):
    module = script(f"build_{area.name}")
    for key, line, reach_m in lines_and_reaches(module, area):
        zones = area.hazards[area.hazards.index.str.startswith(key)].to_crs(area.crs)
        assert zones["level"].tolist() == list(reach_m)
        nearest_m = 0
        for shape, farthest_m in zip(zones.geometry, reach_m.values(), strict=True):
            assert shape.area > 10_000
            assert shape.intersection(line.buffer(0.95 * nearest_m)).area < 1
            assert shape.difference(line.buffer(1.01 * farthest_m)).area < 1
            nearest_m = farthest_m


def lines_and_reaches(module, area):
    """List the first letters of the zones, the line that they lie along and how far they reach."""
    if area.name == "monaco":
        return [
            ("storm_surge", module.natural_lines("coastline"), module.SURGE_REACH_M),
            ("landslide", module.natural_lines("cliff"), module.LANDSLIDE_REACH_M),
        ]
    front = module.sea_front(module.ground_of(area.communities))
    return [
        (f"tsunami-{years}-", front, reach_m) for years, reach_m in module.TSUNAMI_REACH_M.items()
    ]


def test_hazards_bite_but_leave_most_of_the_city(area):
    homes = area.demand.geometry
    struck = homes.within(area.hazards.geometry.union_all())
    assert 0.03 < area.demand.loc[struck, "population"].sum() / PEOPLE[area.name] < 0.15
    unfit = area.shelters.geometry.intersects(area.hazards.geometry.union_all())
    assert 2 <= unfit.sum() < len(unfit) / 2


def numbers(text):
    """List the numbers in a text."""
    return re.findall(r"\d+(?:[.,]\d+)*", text)


def test_everything_that_is_said_is_said_in_chinese_with_the_same_numbers(area):
    told = [area.title, *area.notes, *(source.note for source in area.sources if source.note)]
    told += [source.licence for source in area.sources if source.licence]
    chinese = area.translations["zh"]
    assert [text for text in told if text not in chinese] == []
    assert [text for text in told if not re.search(r"[\u4e00-\u9fff]", chinese[text])] == []
    assert [
        text for text in chinese if Counter(numbers(text)) - Counter(numbers(chinese[text]))
    ] == []


def test_english_names_have_chinese_ones(coquimbo):
    names = [
        *coquimbo.communities["name"],
        *coquimbo.communities["district"],
        *coquimbo.shelters["name"],
        *coquimbo.candidates["name"],
    ]
    assert [name for name in names if name not in coquimbo.translations["zh"]] == []


def test_nothing_is_translated_that_nobody_says(area):
    said = {area.title, *area.notes}
    for source in area.sources:
        said |= {source.name, source.licence, source.note}
    for table in (area.communities, area.shelters, area.candidates):
        said |= set(table["name"]) | set(table.get("district", []))
    assert set(area.translations["zh"]) <= said


def test_nearly_everybody_is_on_the_network(area):
    snapped = area.demand_places().snapped
    share = area.demand.loc[snapped, "population"].sum() / PEOPLE[area.name]
    assert share > 0.99
    assert area.entrance_places().snapped.all()


def test_the_files_are_small():
    size = sum(file.stat().st_size for name in NAMES for file in (DATA / name).iterdir())
    assert size < 4e6


def test_hashes_of_the_raw_files_are_recorded(area):
    raw = {hashlib.sha256(f.read_bytes()).hexdigest() for f in (DATA / "raw" / area.name).iterdir()}
    recorded = {source.sha256 for source in area.sources} - {""}
    assert recorded
    assert recorded <= raw


def test_nine_quarters_tile_the_commune_of_monaco(monaco):
    commune = read_areas(
        DATA / "raw/monaco/monaco_2023-12-26.osm.pbf",
        {"boundary": "administrative", "admin_level": "8", "name": "Monaco"},
    )
    lines = gpd.GeoSeries(commune.unclosed.geometry, crs=4326).iloc[0]
    whole = script("build_monaco").close_by_border(lines)
    together = monaco.communities.geometry.union_all()
    assert len(monaco.communities) == 9
    gap = gpd.GeoSeries([whole.symmetric_difference(together)], crs=4326).to_crs(monaco.crs)
    assert gap.area.item() < 1.0
    area_m2 = gpd.GeoSeries([together], crs=4326).to_crs(monaco.crs).area.item()
    assert area_m2 == pytest.approx(2.39e6, rel=0.01)


def test_every_home_in_monaco_is_in_exactly_one_quarter(monaco):
    module = script("build_monaco")
    homes = module.residential_floor_area(module.dwellings()).buildings
    outlines = monaco.communities.geometry.to_numpy()
    count = sum(
        shapely.covers(outline, homes.geometry.to_numpy()).astype(int) for outline in outlines
    )
    assert set(count) == {0, 1}
    with_people = zone_of_points(monaco.communities, monaco.demand.geometry)
    assert (with_people == monaco.demand["community_id"]).all()


def test_published_numbers_of_monaco_are_kept(monaco):
    people = monaco.communities["population"]
    assert people["larvotto"] == 2_192
    assert people["monaco-ville"] == 1_000
    assert round(100 * people["monte-carlo"] / 38_367, 1) == 21.6
    assert round(100 * people["la-rousse"] / 38_367, 1) == 20.9
    estimated = monaco.communities["certainty"].str.startswith("estimated")
    assert estimated.sum() == 5


def test_every_quarter_with_public_places_has_a_shelter(monaco):
    where = zone_of_points(monaco.communities, monaco.shelters.representative_point())
    assert where.notna().all()
    assert where.value_counts().max() == 2
    assert 10 <= len(monaco.shelters) <= 16


def test_the_room_of_shelters_in_monaco_is_unknown(monaco):
    assert monaco.shelters["capacity"].isna().all()


def test_hazard_zones_of_monaco_lie_on_land(monaco):
    zones = monaco.hazards.geometry.union_all()
    harbour, fontvieille = shapely.Point(7.4259, 43.7350), shapely.Point(7.4205, 43.7292)
    assert not zones.intersects(shapely.union(harbour, fontvieille))
    commune = gpd.GeoSeries([monaco.communities.geometry.union_all()], crs=4326).to_crs(monaco.crs)
    outside = gpd.GeoSeries([zones], crs=4326).to_crs(monaco.crs).difference(commune)
    assert outside.area.item() < 5


def test_water_lies_to_the_right_of_a_coastline():
    module = script("build_monaco")
    island = shapely.box(0, 0, 10, 10)
    half = shapely.MultiLineString([[(5, -1), (5, 11)]])
    assert module.land_of(island, half).equals(shapely.box(0, 0, 5, 10))
    assert module.land_of(island, half.reverse()).equals(shapely.box(5, 0, 10, 10))


def test_the_rarer_tsunami_reaches_farther_at_every_level(coquimbo):
    zones = coquimbo.hazards.to_crs(coquimbo.crs)
    assert set(zones["return_period"]) == {100, 1_000}
    for level in (1, 2, 3, 4):
        bad = zones[zones["level"] >= level]
        often, rarely = (
            bad[bad["return_period"] == years].geometry.union_all() for years in (100, 1_000)
        )
        assert often.difference(rarely).area < 1
        assert rarely.area > 1.5 * often.area


def test_the_sea_front_of_coquimbo_is_its_western_side():
    module = script("build_coquimbo")
    town = shapely.Polygon([(0, 10), (3, 10), (9, 12), (9, 0), (0, 2), (4, 5)])
    assert shapely.get_coordinates(module.sea_front(town)).tolist() == [[0, 10], [4, 5], [0, 2]]
    turned = shapely.Polygon([(4, 5), (0, 10), (3, 10), (9, 12), (9, 0), (0, 2)])
    assert module.sea_front(turned).equals(module.sea_front(town))


def test_the_room_of_shelters_in_coquimbo_follows_the_rule(coquimbo):
    capacity = coquimbo.shelters["capacity"]
    number = coquimbo.shelters.index.str[1:].astype(int)
    assert capacity[["s3", "s6", "s18", "s129"]].tolist() == [2_000, 3_000, 1_000, 2_000]
    assert (capacity.isna() == (number % 5 == 0)).all()
    assert capacity.isna().sum() == 8
    assert sorted(capacity.dropna().unique()) == [1_000, 2_000, 3_000, 4_000, 5_000, 6_000]
    assert coquimbo.shelters["source"].str.contains("its capacity is made by a rule").all()
    assert any(
        "How many people a shelter has room for is illustrative" in n for n in coquimbo.notes
    )


def test_every_status_occurs_in_coquimbo(coquimbo):
    found = make_plan(coquimbo, Scenario.of(hazard="tsunami", return_period=100)).demand
    people = found.groupby("status", observed=True)["population"].sum()
    assert len(people) == 8
    assert (people > 0).all()
    assert people.sum() == PEOPLE["coquimbo"]
    assert people["covered"] > people["full"] > 1_000


def test_coquimbo_says_what_was_left_out(coquimbo):
    ways = coquimbo.dropped.set_index("rule")["ways"]
    assert ways["motorway"] == 133
    assert ways["trunk"] == 326
    assert ways["centroid_connector"] == 137
    assert not set(coquimbo.streets["class"]) & {"motorway", "trunk", "centroid_connector"}
    assert coquimbo.streets["forward"].all()
    assert coquimbo.streets["backward"].all()
    assert "Footpaths" in " ".join(coquimbo.notes)


def test_districts_of_coquimbo_are_even_and_called_not_official(coquimbo):
    people = coquimbo.communities.groupby("district")["population"].sum()
    assert len(people) == 6
    assert people.index.str.endswith("(not official)").all()
    assert people.max() < 1.05 * people.mean()


def test_lost_letters_come_back_only_where_one_street_name_has_them():
    module = script("build_coquimbo")
    words = module.known_words(pd.Series(["Eleuterio Ramírez", "Peña", "Peño Largo", "Peño"]))
    assert module.mended("Ramrez, 302", words) == "Ramírez, 302"
    assert module.mended("Largo", words) == "Largo"
    ambiguous = module.known_words(pd.Series(["Muñoz", "Muóoz"]))
    assert module.mended("Muoz", ambiguous) == "Muoz"


def test_spatialite_geometry_becomes_well_known_binary():
    shape = shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(2, 2, 3, 4)])
    wkb = shapely.to_wkb(shape, byte_order=1)
    parts = bytearray(wkb[1:])
    step = 1 + 4 + 4 + 4 + 5 * 16
    for part in range(2):
        parts[8 + part * step] = 0x69
    box = struct.pack("<4d", *shape.bounds)
    blob = b"\x00\x01" + struct.pack("<i", 4326) + box + b"\x7c" + bytes(parts) + b"\xfe"
    module = script("extract_coquimbo")
    assert shapely.from_wkb(module.wkb_from_spatialite(blob)).equals(shape)
    with pytest.raises(SystemExit, match="SpatiaLite"):
        module.wkb_from_spatialite(b"\x01" * 60)
