"""Buildings, areas, public places, gates and shelters of small OpenStreetMap files."""

import osmium
import pytest
import shapely

from shelterplan.errors import SourceError
from shelterplan.sources import osm_objects
from shelterplan.sources.osm_features import (
    place_kind,
    read_areas,
    read_buildings,
    read_gates,
    read_public_places,
    read_shelters,
    shelter_kind,
)
from shelterplan.tables import HAZARDS, checked
from tests.osm_xml import node, osm, relation, way

STEP = 0.001


def square(first, x, y, size=1):
    """Write four nodes, numbered from `first`, at the corners of a square."""
    corners = [(x, y), (x + size, y), (x + size, y + size), (x, y + size)]
    return [node(first + n, 7 + a * STEP, 43 + b * STEP) for n, (a, b) in enumerate(corners)]


def ring(first):
    return [first, first + 1, first + 2, first + 3, first]


@pytest.fixture
def write(tmp_path):
    def write_file(*objects):
        path = tmp_path / "things.osm"
        path.write_text(osm(*objects), encoding="utf-8")
        return path

    return write_file


def test_buildings_are_polygons_in_the_order_of_their_ids(write):
    path = write(
        *square(1, 0, 0, 4), *square(11, 1, 1), *square(21, 8, 8),
        node(31, 7.02, 43, building="yes"),
        way(60, ring(21), {"building": "apartments", "building:levels": "5", "name": "Le Nid"}),
        way(51, ring(1), {}), way(52, ring(11), {}),
        way(59, ring(11), {"building": "no"}), way(58, [1, 2, 3], {"building": "yes"}),
        relation(7, [("way", 51, "outer"), ("way", 52, "inner")],
                 {"type": "multipolygon", "building": "yes", "building:levels": "two"}),
    )  # fmt: skip
    table = read_buildings(path)
    assert table[["osm_type", "osm_id"]].to_numpy().tolist() == [["way", 60], ["relation", 7]]
    assert table["building"].tolist() == ["apartments", "yes"]
    assert table.loc[0, "levels"] == 5
    assert table["levels"].isna().tolist() == [False, True]
    assert table.loc[0, "name"] == "Le Nid"
    assert len(table.geometry[1].interiors) == 1
    assert table.crs == "EPSG:4326"


def test_a_file_without_buildings_gives_an_empty_table(write):
    table = read_buildings(write(*square(1, 0, 0)))
    assert len(table) == 0
    assert table.crs == "EPSG:4326"


def test_what_has_an_impossible_position_is_left_out(write):
    path = write(
        *square(1, 0, 0), *square(11, 3, 0)[:3], node(14, 7.003, 95),
        *square(21, 6, 0)[:3], node(24, 9.0, 44.0), *square(31, 9, 0)[:3], node(34, 7.003, 9999),
        *(way(n, ring(n), {"building": "yes"}) for n in (1, 11, 21, 31)),
    )  # fmt: skip
    assert read_buildings(path)["osm_id"].tolist() == [1]


def test_an_outline_that_one_node_tears_apart_is_left_out(write):
    nodes = *square(1, 0, 0), *square(11, 3, 0)
    torn = node(13, 9.0, 44.0)
    ways = [way(n, ring(n), {"building": "yes"}) for n in (1, 11)]
    assert read_buildings(write(*nodes, *ways))["osm_id"].tolist() == [1, 11]
    assert read_buildings(write(*nodes[:6], torn, nodes[7], *ways))["osm_id"].tolist() == [1]


@pytest.mark.parametrize("at", [(181, 0), (-181, 0), (0, 91), (0, -91)])
def test_what_is_not_on_earth_is_left_out(at):
    assert not osm_objects._is_placed(shapely.Point(at), 1.0)
    assert osm_objects._is_placed(shapely.Point(at[0] * 0.9, at[1] * 0.9), 1.0)


def test_a_bow_tie_becomes_valid_or_is_left_out(write):
    path = write(*square(1, 0, 0), way(5, [1, 2, 4, 3, 1], {"leisure": "park"}))
    assert read_public_places(path).is_valid.all()


PLACES = [
    ({"amenity": "school"}, "school"),
    ({"amenity": "university"}, "university"),
    ({"amenity": "college"}, "university"),
    ({"amenity": "townhall"}, "town_hall"),
    ({"amenity": "community_centre"}, "community_centre"),
    ({"amenity": "place_of_worship"}, "place_of_worship"),
    ({"leisure": "stadium"}, "stadium"),
    ({"leisure": "sports_centre"}, "sports_centre"),
    ({"leisure": "park"}, "park"),
    ({"leisure": "garden"}, "garden"),
    ({"leisure": "garden", "access": "private"}, None),
    ({"leisure": "garden", "garden:type": "residential"}, None),
    ({"leisure": "pitch", "access": "no"}, None),
    ({"amenity": "parking"}, "parking"),
    ({"place": "square"}, "square"),
    ({"amenity": "restaurant"}, None),
]


@pytest.mark.parametrize(("tags", "kind"), PLACES)
def test_kinds_of_public_places(tags, kind):
    assert place_kind(tags) == kind


def test_public_places_are_points_and_polygons_with_their_tags(write):
    tags = {"amenity": "school", "capacity": "ca. 300", "wheelchair": "yes", "building:levels": "3"}
    path = write(
        *square(1, 0, 0), way(9, ring(1), tags), node(30, 7.01, 43, amenity="townhall", name="市"),
        node(31, 7.01, 43, amenity="bench"), way(8, ring(1), {"leisure": "park", "access": "no"}),
    )  # fmt: skip
    table = read_public_places(path)
    assert table["kind"].tolist() == ["town_hall", "school"]
    assert table.geometry.geom_type.tolist() == ["Point", "Polygon"]
    assert table.loc[0, "name"] == "市"
    assert table.loc[1, ["capacity", "wheelchair", "levels"]].tolist() == ["ca. 300", "yes", "3"]
    assert table["access"].isna().all()


def test_gates_and_entrances(write):
    path = write(
        node(1, 7, 43, barrier="gate", access="private"),
        node(2, 7.001, 43, entrance="main", wheelchair="yes"),
        node(3, 7.002, 43, barrier="bollard"),
        node(4, 7.003, 43, entrance="emergency"),
        node(5, 7.004, 43, barrier="gate", access="no", emergency="yes"),
        node(6, 7.005, 43, entrance="exit"),
        way(9, [1, 2], {"barrier": "gate"}),
    )
    table = read_gates(path)
    assert table["osm_id"].tolist() == [1, 2, 4, 5]
    assert table["kind"].tolist() == ["gate", "entrance", "entrance", "gate"]
    assert table["emergency_only"].tolist() == [False, False, True, True]
    assert table.loc[0, "access"] == "private"
    assert set(table.geometry.geom_type) == {"Point"}


SHELTERS = [
    ({"emergency": "assembly_point"}, "assembly_point"),
    ({"military": "bunker", "bunker_type": "bomb_shelter"}, "civil_defence"),
    ({"military": "bunker", "bunker_type": "pillbox"}, None),
    ({"amenity": "social_facility", "social_facility": "shelter"}, "social_facility"),
    ({"amenity": "social_facility", "social_facility": "outreach"}, None),
    ({"amenity": "school", "evacuation_center": "yes"}, "evacuation_center"),
    ({"amenity": "school", "emergency:social_facility": "shelter"}, "evacuation_center"),
    ({"amenity": "shelter"}, None),
    *(
        ({"amenity": "shelter", "shelter_type": kind}, None)
        for kind in ("public_transport", "picnic_shelter", "gazebo", "weather_shelter")
    ),
    ({"amenity": "shelter", "shelter_type": "bomb_shelter"}, "civil_defence"),
]


@pytest.mark.parametrize(("tags", "kind"), SHELTERS)
def test_kinds_of_shelter(tags, kind):
    assert shelter_kind(tags) == kind


def test_bus_stops_are_refused_and_counted(write):
    point = {"emergency": "assembly_point", "assembly_point:flood": "no", "name": "Stade"}
    path = write(
        *square(1, 0, 0), way(9, ring(1), point | {"assembly_point:earthquake": "yes"}),
        *(node(n, 7, 43, amenity="shelter", shelter_type="public_transport") for n in (41, 42, 43)),
        node(50, 7, 43, amenity="shelter"), node(51, 7, 43, amenity="cafe"),
        node(52, 7, 43, military="bunker", bunker_type="bomb_shelter", capacity="120"),
    )  # fmt: skip
    found = read_shelters(path)
    assert found.shelters.index.tolist() == ["node/52", "way/9"]
    assert found.shelters.index.name == "shelter_id"
    assert found.shelters["kind"].tolist() == ["civil_defence", "assembly_point"]
    assert found.shelters["indoor"].tolist() == [True, False]
    assert found.shelters.loc["node/52", "capacity"] == 120
    assert found.shelters["capacity"].isna().tolist() == [False, True]
    assert found.shelters.loc["way/9", "area_m2"] == pytest.approx(9058, rel=0.01)
    stadium = found.shelters.loc["way/9"]
    said = stadium[["fit_earthquake", "fit_flood", "fit_fire"]]
    assert said.tolist() == ["yes", "no", "unknown"]
    assert [name for name in found.shelters if name.startswith("fit_")] == [
        f"fit_{hazard}" for hazard in HAZARDS
    ]
    assert checked("shelters", found.shelters)["name"].tolist() == ["node/52", "Stade"]
    assert found.refused["objects"].tolist() == [1, 3]
    assert "public_transport" in found.refused["reason"][1]


BORDER = {"boundary": "administrative", "admin_level": "10"}


def test_areas_close_or_give_their_lines(write):
    path = write(
        *square(1, 0, 0, 2), *square(11, 5, 0, 2),
        way(21, [1, 2, 3], {}), way(22, [3, 4, 1], BORDER), way(23, [11, 12, 13], {}),
        way(24, ring(11), BORDER),
        relation(31, [("way", 21, "outer"), ("way", 22, "outer")],
                 {"type": "boundary", **BORDER, "name": "Port", "population": "812"}),
        relation(32, [("way", 23, "outer"), ("way", 999, "outer"), ("node", 1, "label")],
                 {"type": "boundary", **BORDER, "name": "Cap"}),
        relation(33, [("way", 21, "outer"), ("way", 22, "outer")],
                 {"type": "boundary", "boundary": "administrative", "admin_level": "8"}),
    )  # fmt: skip
    areas = read_areas(path, BORDER)
    assert areas.closed["name"].tolist() == ["Port"]
    assert areas.closed.loc[0, "population"] == 812
    assert areas.closed.geometry[0].geom_type == "Polygon"
    assert areas.unclosed["osm_id"].tolist() == [32]
    assert areas.unclosed["name"].tolist() == ["Cap"]
    assert areas.unclosed["missing_members"].tolist() == [1]
    assert isinstance(areas.unclosed.geometry[0], shapely.MultiLineString)
    assert len(areas.unclosed.geometry[0].geoms) == 1


def test_no_area_of_that_kind(write):
    areas = read_areas(write(*square(1, 0, 0)), BORDER)
    assert len(areas.closed) == len(areas.unclosed) == 0


def test_a_damaged_file_gives_a_sentence(tmp_path):
    (tmp_path / "a.osm").write_text(osm(*square(1, 0, 0), way(9, ring(1), {"building": "yes"})))
    with osmium.SimpleWriter(str(tmp_path / "a.osm.pbf")) as writer:
        for thing in osmium.FileProcessor(str(tmp_path / "a.osm")):
            writer.add(thing)
    assert len(read_buildings(tmp_path / "a.osm.pbf")) == 1
    whole = (tmp_path / "a.osm.pbf").read_bytes()
    (tmp_path / "a.osm.pbf").write_bytes(whole[:-20])
    with pytest.raises(SourceError, match="cut off or damaged"):
        read_buildings(tmp_path / "a.osm.pbf")
    with pytest.raises(SourceError, match="cut off or damaged"):
        read_gates(tmp_path / "a.osm.pbf")
    with pytest.raises(SourceError, match="cannot be opened"):
        read_areas(tmp_path / "none.osm", BORDER)


def test_the_order_of_a_file_does_not_matter(write):
    ways = [way(9, ring(11), {"building": "yes"}), way(8, ring(1), {"building": "hut"})]
    table = read_buildings(write(*ways, *square(11, 1, 1), *square(1, 0, 0)))
    assert table["osm_id"].tolist() == [8, 9]


@pytest.mark.parametrize("newest", [0, 1])
def test_of_an_object_that_stands_twice_in_a_pbf_the_newest_counts(tmp_path, caplog, newest):
    said = [("old", 1), ("new", 2)] if newest else [("new", 2), ("old", 1)]
    twice = [
        node(9, 7, 43, emergency="assembly_point", name=name).replace(
            '<node id="9"', f'<node id="9" version="{version}"'
        )
        for name, version in said
    ]
    with osmium.SimpleWriter(str(tmp_path / "a.osm.pbf")) as writer:
        for text in twice:
            for thing in osmium.FileProcessor(osmium.io.FileBuffer(osm(text).encode(), "osm")):
                writer.add(thing)
    found = read_shelters(tmp_path / "a.osm.pbf").shelters
    assert found["name"].tolist() == ["new"]
    assert "node 9 stands more than once" in caplog.text
