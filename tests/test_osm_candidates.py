"""Candidate sites of a small OpenStreetMap file: what is taken, what is left out, and why."""

import geopandas as gpd
import pytest
import shapely

from shelterplan import tables
from shelterplan.errors import SourceError, UnknownNameError
from shelterplan.sources.osm_candidates import (
    CANDIDATE_KINDS,
    REASONS,
    read_osm_candidates,
    wanted_kinds,
)
from shelterplan.sources.outline_area import outline_area_m2
from tests.osm_xml import node, osm, way
from tests.test_osm_features import STEP, ring, square


def shelters(ids, shapes):
    return gpd.GeoDataFrame(
        {"name": "S"}, index=ids, geometry=[shapely.box(*one) for one in shapes], crs=4326
    )


@pytest.fixture
def write(tmp_path):
    def write_file(*objects):
        path = tmp_path / "town.osm"
        path.write_text(osm(*objects), encoding="utf-8")
        return path

    return write_file


def counts(found):
    return dict(zip(found.left_out["rule"], found.left_out["objects"], strict=True))


def test_sites_have_a_name_a_kind_and_the_area_of_their_outline(write):
    path = write(
        *square(1, 0, 0), way(9, ring(1), {"amenity": "school"}),
        node(30, 7.01, 43, amenity="townhall", name="市"),
        node(31, 7.01, 43, amenity="bench"), node(32, 7.012, 43, leisure="sports_hall", name=" "),
    )  # fmt: skip
    sites = read_osm_candidates(path).sites
    assert sites.index.tolist() == ["node/30", "node/32", "way/9"]
    assert sites.index.name == "site_id"
    assert sites["name"].tolist() == ["市", "unnamed sports hall, node/32", "unnamed school, way/9"]
    assert sites["kind"].tolist() == ["town_hall", "sports_hall", "school"]
    assert sites["area_m2"].isna().tolist() == [True, True, False]
    assert sites.loc["way/9", "area_m2"] == pytest.approx(STEP**2 * 9_058e6, rel=0.001)
    assert sites["capacity"].isna().all()
    assert sites["cost"].isna().all()
    assert sites.crs == "EPSG:4326"
    assert tables.checked("candidates", sites).equals(sites)


def test_a_site_without_a_name_is_named_by_the_nearest_named_street(write):
    path = write(
        node(30, 7.0, 43, amenity="school"), node(31, 7.01, 43, amenity="school"),
        node(32, 7.0, 43.0005, amenity="school", name="Own"),
    )  # fmt: skip
    east = [(6.999, 43.0002), (7.001, 43.0002)]
    near = [(6.999, 43.0001), (7.001, 43.0001)]
    streets = gpd.GeoDataFrame(
        {"name": ["Mill Lane", None, ""]},
        geometry=[shapely.LineString(line) for line in (east, near, near)],
        crs="EPSG:4326",
    )
    sites = read_osm_candidates(path, streets=streets).sites
    assert sites["name"].to_dict() == {
        "node/30": "unnamed school near Mill Lane, node/30",
        "node/31": "unnamed school, node/31",
        "node/32": "Own",
    }


@pytest.mark.parametrize("access", ["no", "private", "military"])
def test_private_ones_are_left_out_and_counted(write, access):
    path = write(
        node(1, 7, 43, leisure="pitch", access=access),
        node(2, 7.1, 43, leisure="pitch", access="customers"),
        node(3, 7.2, 43, leisure="garden", **{"garden:type": "residential"}),
        node(4, 7.3, 43, amenity="cafe", access="no"),
    )
    found = read_osm_candidates(path)
    assert found.sites.index.tolist() == ["node/2"]
    assert counts(found) == {"private": 2}
    assert found.left_out["reason"].tolist() == [REASONS["private"]]


def test_shelters_are_no_candidates(write):
    path = write(
        *square(1, 0, 0), way(9, ring(1), {"leisure": "park"}),
        *square(11, 1, 0), way(8, ring(11), {"leisure": "park"}),
        *square(21, 5, 5), way(7, ring(21), {"amenity": "school"}),
        node(30, 7.0005, 43.0005, amenity="townhall"), node(31, 7.02, 43, amenity="school"),
    )  # fmt: skip
    there = shelters(["s1", "way/7"], [(7, 43, 7.001, 43.001), (7.5, 43, 7.6, 43.1)])
    found = read_osm_candidates(path, shelters=there)
    assert found.sites.index.tolist() == ["node/31", "way/8"]  # way/8 only borders on one
    assert counts(found) == {"is_shelter": 3}


def test_the_pitch_of_a_school_is_no_site_of_its_own(write):
    path = write(
        *square(1, 0, 0, 4), way(9, ring(1), {"amenity": "school"}),
        *square(11, 1, 1), way(8, ring(11), {"leisure": "pitch"}),
        *square(21, 2, 2), way(7, ring(21), {"amenity": "place_of_worship"}),
        node(30, 7.0005, 43.0005, amenity="school"),
        *square(41, 3.5, 0), way(6, ring(41), {"leisure": "park"}),
    )  # fmt: skip
    found = read_osm_candidates(path)
    assert found.sites.index.tolist() == ["way/6", "way/7", "way/9"]
    assert counts(found) == {"part_of_another": 2}
    only = read_osm_candidates(path, kinds=["pitch"])
    assert only.sites.index.tolist() == ["way/8"]


def test_of_two_that_are_drawn_alike_one_stays(write):
    shape = [way(number, ring(1), {"leisure": "park"}) for number in (8, 9)]
    found = read_osm_candidates(write(*square(1, 0, 0), *shape))
    assert found.sites.index.tolist() == ["way/8"]


def test_sites_far_away_are_left_out(write):
    path = write(node(1, 7, 43, amenity="school"), node(2, 7.2, 43, amenity="school"))
    found = read_osm_candidates(path, bounds=(6.9, 42.9, 7.1, 43.1))
    assert found.sites.index.tolist() == ["node/1"]
    assert counts(found) == {"outside": 1}


def test_a_file_without_any_gives_an_empty_table(write):
    found = read_osm_candidates(write(node(1, 7, 43, amenity="cafe")))
    assert len(found.sites) == len(found.left_out) == 0
    assert list(found.sites.columns) == list(tables.empty("candidates").columns)


def test_kinds():
    assert wanted_kinds([]) == CANDIDATE_KINDS
    assert {"school", "university", "sports_hall", "stadium", "community_centre"} < set(
        CANDIDATE_KINDS
    )
    with pytest.raises(UnknownNameError, match=r"'prak'; known: .*park"):
        wanted_kinds(["school", "prak"])


def test_a_file_that_is_none_gives_a_sentence(tmp_path):
    with pytest.raises(SourceError):
        read_osm_candidates(tmp_path / "none.osm")


def test_areas_do_not_depend_on_the_direction_of_the_outline():
    box = shapely.box(7, 43, 7.001, 43.001)
    areas = outline_area_m2([box, box.reverse(), shapely.MultiPolygon([box])])
    assert areas[0] == areas[1] == areas[2]
