"""People are whole, sums are exact, and nobody is forgotten."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from shelterplan.errors import TableError
from shelterplan.sources.apportion import allocate, apportion
from shelterplan.sources.population import (
    along_streets,
    building_demand,
    residential_floor_area,
    zone_of_points,
)

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
