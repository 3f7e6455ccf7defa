"""People are whole, sums are exact, and nobody is forgotten."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from shelterplan import tables
from shelterplan.errors import SourceError, TableError
from shelterplan.sources.apportion import allocate, apportion
from shelterplan.sources.inputs import read_population
from shelterplan.sources.population import (
    along_streets,
    building_demand,
    residential_floor_area,
    zone_of_points,
)
from shelterplan.sources.spread import over_buildings, over_streets, read_homes

weights = st.lists(st.one_of(st.just(0.0), st.floats(1e-3, 1e9)), min_size=1, max_size=40).filter(
    any
)
totals = st.integers(0, 10**7)


@given(totals, weights)
def test_apportion_sums_exactly_and_is_within_one_person(total, weight):
    people = apportion(total, weight)
    share = total * (np.array(weight) / np.sum(weight))
    assert people.sum() == total
    assert (people >= 0).all()
    assert (np.abs(people - share) < 1 + 1e-6).all()


@given(totals, weights)
def test_nobody_lives_where_the_weight_is_zero(total, weight):
    assert not apportion(total, weight)[np.array(weight) == 0].any()


@given(totals, weights)
def test_doubling_every_weight_changes_nothing(total, weight):
    assert np.array_equal(apportion(total, weight), apportion(total, 2 * np.array(weight)))


@given(totals, weights)
def test_a_heavier_place_never_gets_fewer(total, weight):
    people = apportion(total, weight)
    order = np.argsort(weight, kind="stable")
    heavier = np.diff(np.array(weight)[order]) > 0
    assert (np.diff(people[order])[heavier] >= 0).all()


@given(totals, st.integers(1, 50))
def test_equal_places_differ_by_one_at_most_and_the_first_come_first(total, count):
    people = apportion(total, np.ones(count))
    assert np.ptp(people) <= 1
    assert (np.diff(people) <= 0).all()


@given(
    st.lists(st.integers(0, 10**5), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 5), st.floats(0.1, 1e4)), max_size=60),
)
def test_every_zone_keeps_its_people(population, places):
    zones = pd.Series(population, index=[f"z{i}" for i in range(len(population))])
    places = [(zone % len(zones), weight) for zone, weight in places]
    places += [(zone, 1.0) for zone in range(len(zones))]
    ids = np.array([f"z{zone}" for zone, _ in places])
    people = allocate(zones, [weight for _, weight in places], ids)
    assert pd.Series(people).groupby(ids).sum().to_dict() == zones.to_dict()


def test_a_zone_with_people_but_no_place_is_named():
    zones = pd.Series({"a": 5, "b": 7, "c": 0})
    with pytest.raises(TableError, match=r"zone b: 7 people, but no place"):
        allocate(zones, [1.0, 0.0], ["a", "b"])


def test_every_problem_is_listed_at_once():
    with pytest.raises(TableError) as error:
        allocate(pd.Series({"a": 5}), [1.0, -1.0, np.nan, 1.0], ["a", "a", "a", "x"])
    assert len(error.value.problems) == 3
    assert "row 3: there is no zone 'x'." in error.value.problems


@pytest.mark.parametrize(
    ("population", "words"),
    [
        ({"a": -1}, "0 or more"),
        ({"a": np.nan}, "0 or more"),
        ({"a": np.inf}, "0 or more"),
        ({"a": 1.5}, "not whole"),
    ],
)
def test_unusable_populations_are_refused(population, words):
    with pytest.raises(TableError, match=words):
        allocate(pd.Series(population), [1.0], ["a"])


def test_a_zone_that_stands_twice_is_refused():
    with pytest.raises(TableError, match="more than once"):
        allocate(pd.Series([1, 2], index=["a", "a"]), [1.0], ["a"])


def test_weights_without_sum_or_with_faults_are_refused():
    with pytest.raises(TableError, match="no place with a weight"):
        apportion(3, [0.0, 0.0])
    with pytest.raises(TableError, match="number of 0 or more"):
        apportion(3, [1.0, np.inf])
    with pytest.raises(TableError, match="0 or more"):
        apportion(-3, [1.0])


@pytest.fixture
def two_zones():
    """Two squares side by side, 0.01 degrees wide, with 100 and 11 people."""
    return gpd.GeoDataFrame(
        {"population": [100, 11]},
        index=pd.Index(["west", "east"], name="community_id"),
        geometry=[box(0, 0, 0.01, 0.01), box(0.01, 0, 0.02, 0.01)],
        crs=4326,
    )


def house(x, y, size=0.001):
    return box(x, y, x + size, y + size)


@pytest.fixture
def buildings():
    """Three homes of known or unknown height in the west, a shop in the east."""
    return gpd.GeoDataFrame(
        {
            "building": ["apartments", "apartments", "house", "retail"],
            "levels": ["6", None, None, "1"],
        },
        index=pd.Index(["w1", "w2", "w3", "w4"], name="osm_id"),
        geometry=[house(0.001, 0), house(0.003, 0), house(0.005, 0, 0.0005), house(0.015, 0)],
        crs=4326,
    )


def test_floor_area_is_footprint_times_levels_and_says_what_was_assumed(buildings):
    floors = residential_floor_area(buildings)
    table = floors.buildings
    assert list(table.index) == ["w1", "w2", "w3"]
    assert table["levels_known"].tolist() == [True, False, False]
    assert table["levels"].tolist() == [6, 6, 6]
    footprint_m2 = 111_319.5 * 110_574.3 * 1e-6
    assert table.loc["w1", "floor_area_m2"] == pytest.approx(6 * footprint_m2, rel=1e-3)
    assert floors.levels_filled.loc["apartments", "assumed_from"] == "same type"
    assert floors.levels_filled.loc["house", "assumed_from"] == "all residential"
    assert floors.levels_filled["levels_known"].to_dict() == {"apartments": 1, "house": 0}
    inside = buildings.geometry.loc[table.index].contains(table.geometry)
    assert inside.all()


def test_without_any_known_level_nothing_is_assumed(buildings):
    with pytest.raises(TableError, match="known levels"):
        residential_floor_area(buildings.assign(levels=None))


def test_buildings_share_by_floor_area_and_a_zone_without_homes_is_reported(two_zones, buildings):
    broken = building_demand(two_zones, residential_floor_area(buildings))
    people = broken.demand.groupby("community_id")["population"].sum()
    assert people.to_dict() == {"west": 100, "east": 11}
    assert broken.demand.loc["west-1":"west-3", "population"].tolist() == [45, 44, 11]
    assert broken.fallbacks["community_id"].tolist() == ["east"]
    assert broken.fallbacks["reason"].tolist() == ["no residential building in it"]
    assert two_zones.geometry["east"].contains(broken.demand.geometry["east-1"])


@pytest.fixture
def streets():
    """A home street across both zones, and a road along the north of the eastern one."""
    return gpd.GeoDataFrame(
        {"class": ["residential", "primary"]},
        geometry=[
            LineString([(0.002, 0.005), (0.012, 0.005)]),
            LineString([(0.011, 0.009), (0.019, 0.009)]),
        ],
        crs=4326,
    )


def test_people_live_along_the_home_streets_of_their_own_zone(two_zones, streets):
    broken = along_streets(two_zones, streets, spacing_m=50)
    demand = broken.demand
    assert demand.groupby("community_id")["population"].sum().to_dict() == {"west": 100, "east": 11}
    assert len(demand.query("community_id == 'west'")) == 18  # 890 m of street
    assert broken.fallbacks.empty
    assert np.allclose(demand.geometry.y, 0.005, atol=1e-6)
    own = two_zones.geometry.loc[demand["community_id"]]
    assert shapely.covers(own.to_numpy(), demand.geometry.to_numpy()).all()


def test_without_home_streets_people_live_along_the_others_and_it_is_said(two_zones, streets):
    broken = along_streets(two_zones, streets.iloc[1:])
    assert broken.demand["population"].sum() == 111
    reasons = broken.fallbacks.set_index("community_id")["reason"].to_dict()
    assert reasons == {
        "east": "no residential street in it",
        "west": "no walkable street in it",
    }
    assert broken.demand.loc["west-1", "population"] == 100


def test_a_zone_without_people_needs_no_street(two_zones, streets):
    zones = two_zones.assign(population=[100, 0])
    broken = along_streets(zones, streets.iloc[:0])
    assert broken.demand["community_id"].tolist() == ["west"]
    assert broken.fallbacks["community_id"].tolist() == ["west"]


def test_inputs_are_not_changed(two_zones, streets, buildings):
    copies = two_zones.copy(), streets.copy(), buildings.copy()
    along_streets(two_zones, streets)
    building_demand(two_zones, residential_floor_area(buildings))
    for given_table, copy in zip((two_zones, streets, buildings), copies, strict=True):
        pd.testing.assert_frame_equal(pd.DataFrame(given_table), pd.DataFrame(copy))


def test_a_point_on_a_common_border_is_in_the_first_zone_only(two_zones):
    points = gpd.GeoSeries([Point(0.01, 0.005), Point(5, 5)], index=["b", "far"], crs=4326)
    zone = zone_of_points(two_zones, points)
    assert zone["b"] == "west"
    assert zone.isna().tolist() == [False, True]


@pytest.fixture
def write_grid(tmp_path):
    def written(cells, *, name="people.tif", **more):
        cells = np.asarray(cells, dtype="float32")
        profile = {
            "driver": "GTiff",
            "count": 1,
            "height": cells.shape[0],
            "width": cells.shape[1],
            "dtype": "float32",
            "crs": "EPSG:4326",
            "nodata": -99_999,
            "transform": rasterio.Affine(0.01, 0, 7, 0, -0.01, 44),
        }
        with rasterio.open(tmp_path / name, "w", **(profile | more)) as file:
            file.write(cells[None])
        return tmp_path / name

    return written


def test_a_grid_has_a_point_in_the_middle_of_each_cell_with_people(write_grid):
    found = read_population(write_grid([[0, 1.5, -99_999], [20, np.nan, 3]]))
    assert found.table["population"].to_dict() == {"r0c1": 1.5, "r1c0": 20, "r1c2": 3}
    assert [(round(p.x, 9), round(p.y, 9)) for p in found.table.geometry] == [
        (7.015, 43.995),
        (7.005, 43.985),
        (7.025, 43.985),
    ]
    assert found.facts["kind"] == "GeoTIFF"
    assert (found.facts["cells"], found.facts["cells_with_people"]) == (6, 3)
    assert found.facts["share_unknown"] == pytest.approx(2 / 6)
    assert "3 cells of about 957 m" in found.remarks["problem"].iloc[0]
    assert found.quarantine.empty


def test_a_grid_is_read_within_bounds_and_keeps_its_ids(write_grid):
    path = write_grid(np.arange(1, 10_001).reshape(100, 100))
    whole, bounds = read_population(path).table, (7.2, 43.4, 7.25, 43.45)
    part = read_population(path, bounds=bounds).table
    inside = whole[shapely.covered_by(whole.geometry.to_numpy(), box(*bounds))]
    assert len(part) == 25
    assert part["population"].to_dict() == inside["population"].to_dict()


@pytest.mark.parametrize(
    ("cells", "more", "said"),
    [
        ([[1, -5]], {}, "1 cells with fewer than 0 people"),
        ([[1, -200]], {"nodata": None}, "declare the value that means 'no data'"),
        ([[1, 2]], {"name": "bra_pd_2020_1km.tif"}, "people on an area"),
        ([[1, 2]], {"name": "Density.tif"}, "people on an area"),
    ],
)
def test_grids_of_other_numbers_are_refused(write_grid, cells, more, said):
    with pytest.raises(SourceError, match=said):
        read_population(write_grid(cells, **more))


def test_grids_with_a_unit_of_density_are_refused(write_grid):
    path = write_grid([[1, 2]])
    with rasterio.open(path, "r+") as file:
        file.units = ("people/km2",)
    with pytest.raises(SourceError, match="people/km2"):
        read_population(path)


def test_grids_of_nobody_and_grids_as_zones_are_refused(write_grid):
    with pytest.raises(TableError, match=r"No cell of people\.tif in this place has people"):
        read_population(write_grid([[0, -99_999]]))
    with pytest.raises(TableError, match="cannot be spread"):
        read_population(write_grid([[1]]), zones=True)


def zone_file(path, *rows):
    """Write zones of (west end, east end in degrees, properties)."""
    features = [
        {
            "type": "Feature",
            "geometry": json.loads(shapely.to_geojson(box(west, 0, east, 0.01))),
            "properties": properties,
        }
        for west, east, properties in rows
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_large_zones_are_told_how_to_be_spread(tmp_path):
    path = zone_file(tmp_path / "z.json", (0, 0.01, {"population": 5, "population_day": 9}))
    found = read_population(path)
    assert found.table.geom_type.tolist() == ["Point"]
    assert found.table["population_day"].tolist() == [9]
    assert "1 of them more than 250 m across" in found.remarks["problem"].iloc[0]
    assert "--spread buildings or streets" in found.remarks["mend"].iloc[0]
    kept = read_population(path, zones=True)
    assert kept.table.geom_type.tolist() == ["Polygon"]
    assert kept.remarks.empty


def homes(*rows):
    """Return homes of (longitude, footprint width in degrees, levels)."""
    table = gpd.GeoDataFrame(
        {"building": "house", "levels": [float(row[2]) for row in rows]},
        geometry=[box(x, 0.001, x + wide, 0.002) for x, wide, _ in rows],
        crs=4326,
    )
    return residential_floor_area(table)


def test_people_and_groups_are_spread_over_homes_and_sum_exactly(tmp_path):
    path = zone_file(
        tmp_path / "z.json",
        (0, 0.01, {"id": "a", "population": 30.25, "children": 7, "population_day": 10.1}),
        (0.01, 0.02, {"id": "b", "population": 5, "children": None, "population_day": 3}),
        (0.02, 0.03, {"id": "c", "population": 0, "children": 0, "population_day": 400}),
    )
    zones = read_population(path, zones=True)
    found = over_buildings(zones, homes((0.001, 0.001, 1), (0.004, 0.001, 2)))
    people = found.table
    assert people.index.tolist() == ["a-1", "a-2", "b-1", "c-1"]
    assert people["population"].tolist() == [10, 20.25, 5, 0]
    assert found.rows.tolist() == [1, 1, 2, 3]
    assert people["children"][["a-1", "a-2"]].sum() == 7
    assert people["children"]["a-1"] == pytest.approx(7 * 10 / 30.25, abs=1e-6)
    assert pd.isna(people["children"]["b-1"])
    assert (
        people["population_day"][["a-1", "a-2"]].sum() == tables.people(pd.Series([10.1])).iloc[0]
    )
    assert people["population_day"]["c-1"] == 400
    assert "no residential building in it" in found.remarks["problem"].iloc[-1]
    assert "2 residential buildings by floor area (levels known of 2)" in found.facts["note"]
    assert "1 of 3 zones have none" in found.facts["note"]
    pd.testing.assert_frame_equal(zones.table, read_population(path, zones=True).table)


def test_too_few_mapped_homes_are_said(tmp_path):
    path = zone_file(tmp_path / "z.json", (0, 0.01, {"population": 100_000}))
    found = over_buildings(read_population(path, zones=True), homes((0.001, 0.001, 1)))
    assert found.remarks["problem"].tolist() == [
        "the mapped homes have less than 5 m2 of floor a person"
    ]
    assert "in 1 of 1 zones homes are missing from the map" in found.facts["note"]


def test_people_are_spread_along_streets(tmp_path):
    path = zone_file(tmp_path / "z.json", (0, 0.01, {"population": 100, "elderly_65": 33}))
    streets = gpd.GeoDataFrame(
        {"class": ["residential", "primary"]},
        geometry=[
            LineString([(0.001, 0.005), (0.009, 0.005)]),
            LineString([(0.001, 0.009), (0.009, 0.009)]),
        ],
        crs=4326,
    )
    found = over_streets(read_population(path, zones=True), streets).table
    assert set(found.geometry.y.round(9)) == {0.005}
    assert (found["population"].sum(), found["elderly_65"].sum()) == (100, 33)


amounts = st.floats(0, 5_000).map(lambda value: round(value, 3))


@given(st.lists(st.tuples(amounts, amounts, amounts), min_size=1, max_size=4), st.data())
def test_spreading_keeps_every_sum(tmp_path_factory, rows, data):
    path = zone_file(
        tmp_path_factory.mktemp("zones") / "z.json",
        *(
            (
                i / 100,
                (i + 1) / 100,
                {"id": str(i), "population": a, "disabled": b, "population_night": c},
            )
            for i, (a, b, c) in enumerate(rows)
        ),
    )
    places = st.floats(0.0001, len(rows) / 100 - 0.001)
    home = st.tuples(places, st.floats(1e-4, 9e-4), st.integers(1, 30))
    some = data.draw(st.lists(home, min_size=1, max_size=6))
    zones = read_population(path, zones=True)
    if not np.any(rows):
        with pytest.raises(TableError, match="No zone has people"):
            over_buildings(zones, homes(*some))
        return
    found = over_buildings(zones, homes(*some)).table
    zone = found.index.str.rsplit("-", n=1).str[0]
    for column in ("population", "disabled", "population_night"):
        wanted = tables.people(zones.table[column].astype("float64"))
        dealt = found[column].astype("float64").groupby(zone).sum().reindex(wanted.index).fillna(0)
        assert dealt.tolist() == wanted.tolist()
    assert (found["population"] >= 0).all()


def test_homes_are_read_from_openstreetmap(tmp_path):
    corners = [(0, 0), (0, 0.001), (0.001, 0.001), (0.001, 0)]
    nodes, ways = "", ""
    kinds = [("house", ""), ("yes", ""), ("yes", "shop"), ("church", ""), ("apartments", "shop")]
    for number, (building, other) in enumerate(kinds):
        refs = ""
        for corner, (x, y) in enumerate([*corners, corners[0]]):
            key = number * 10 + corner % 4 + 1
            if corner < 4:
                nodes += (
                    f'<node id="{key}" version="1" lat="{y + 1}" lon="{x + number / 100 + 1}"/>'
                )
            refs += f'<nd ref="{key}"/>'
        more = f'<tag k="{other}" v="yes"/>' if other else ""
        tags = f'<tag k="building" v="{building}"/>{more}'
        ways += f'<way id="{number + 1}" version="1">{refs}{tags}</way>'
    (tmp_path / "a.osm").write_text(f'<osm version="0.6">{nodes}{ways}</osm>')
    found = read_homes(tmp_path / "a.osm")
    assert found.buildings["building"].tolist() == ["house", "yes", "apartments"]
    assert (found.buildings["levels"] == 1).all()
    (tmp_path / "b.osm").write_text(f'<osm version="0.6">{nodes}</osm>')
    with pytest.raises(SourceError, match="no residential building"):
        read_homes(tmp_path / "b.osm")
