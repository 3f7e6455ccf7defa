"""Ways in pieces, lines and words, in streets small enough to check by eye."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely

from shelterplan import WalkNetwork, access
from shelterplan.earth import GEODESIC
from shelterplan.errors import NetworkError
from shelterplan.snap import snap
from tests.benchmarks.city import CRS, build_city
from tests.worlds import UTM, lonlat, network_of, streets_of


@pytest.fixture
def crossing():
    """Four streets of 100 m from a crossing, and a stairway of 30 m at the end of the northern one.

    ::

                  |  stairway, 30 m
                  2  North Street
                  |
        1 ------- 0 ------- 3     West Street, East Street
                  |
                  4  South Street
    """
    return WalkNetwork.from_streets(
        streets_of(
            [
                [(0, 0), (-100, 0)],
                [(0, 0), (0, 100)],
                [(100, 0), (0, 0)],
                [(0, 0), (0, -100)],
                [(0, 100), (0, 130)],
            ],
            name=["West Street", "North Street", "East Street", "South Street", None],
            steps=[False] * 4 + [True],
            **{"class": ["footway"] * 4 + ["steps"]},
        ),
        UTM,
    )


def walk(network, start, end):
    """Return the way between two positions drawn in metres."""
    return access.route(
        network,
        snap(network, *lonlat([start[0]], [start[1]])),
        snap(network, *lonlat([end[0]], [end[1]])),
    )


def told(way):
    return [(step.turn, step.name, step.bearing, round(step.distance_m)) for step in way.steps]


SOUTH, NORTH, WEST, EAST = (0, -60), (0, 60), (-60, 0), (60, 0)


@pytest.mark.parametrize(
    ("start", "end", "turn", "compass"),
    [
        (SOUTH, EAST, "right", "NE"),
        (SOUTH, WEST, "left", "NW"),
        (SOUTH, NORTH, "straight", "NN"),
        (EAST, NORTH, "right", "WN"),
        (EAST, SOUTH, "left", "WS"),
        (EAST, WEST, "straight", "WW"),
        (NORTH, WEST, "right", "SW"),
        (NORTH, EAST, "left", "SE"),
        (WEST, SOUTH, "right", "ES"),
        (WEST, NORTH, "left", "EN"),
    ],
)
def test_turns_at_a_crossing(crossing, start, end, turn, compass):
    names = {SOUTH: "South Street", NORTH: "North Street", WEST: "West Street", EAST: "East Street"}
    assert told(walk(crossing, start, end)) == [
        ("start", names[start], compass[0], 60),
        (turn, names[end], compass[1], 60),
        ("arrive", "", "", 0),
    ]


@pytest.mark.parametrize(
    ("degrees", "turn"),
    [
        (0, "straight"),
        (20, "straight"),
        (40, "slight_right"),
        (90, "right"),
        (140, "sharp_right"),
        (175, "u_turn"),
        (-20, "straight"),
        (-40, "slight_left"),
        (-90, "left"),
        (-140, "sharp_left"),
        (-175, "u_turn"),
    ],
)
def test_turns_by_their_angle(degrees, turn):
    """One comes from the west; the other street leaves at `degrees` to the right of straight on."""
    angle = np.radians(-degrees)
    end = (100 * np.cos(angle), 100 * np.sin(angle))
    network = WalkNetwork.from_streets(
        streets_of([[(-100, 0), (0, 0)], [(0, 0), end]], name=["A", "B"]), UTM
    )
    assert [step.turn for step in access.route(network, 0, 2).steps] == ["start", turn, "arrive"]


def test_stairs_are_told(crossing):
    way = walk(crossing, (0, -60), (0, 125))
    assert [(step.name, step.steps, step.street_class) for step in way.steps] == [
        ("South Street", False, "footway"),
        ("North Street", False, "footway"),
        ("", True, "steps"),
        ("", False, ""),
    ]
    assert [round(step.distance_m) for step in way.steps] == [60, 100, 25, 0]


def test_legs_are_told(crossing):
    way = walk(crossing, (-60, 8), (70, -12))
    assert way.leg_start_m == pytest.approx(8, abs=0.01)
    assert way.leg_end_m == pytest.approx(12, abs=0.01)
    assert way.distance_m == pytest.approx(8 + 60 + 70 + 12, abs=0.1)
    assert way.steps[-1].turn == "arrive"
    assert way.steps[-1].distance_m == way.leg_end_m


def test_the_line_runs_from_foot_to_foot(crossing):
    way = walk(crossing, (-60, 8), (12, 70))
    line = shapely.get_coordinates(way.geometry)
    assert np.allclose(line, np.column_stack(lonlat([-60, 0, 0], [0, 0, 70])), atol=2e-8)


def test_a_street_that_bends_is_one_step_if_it_keeps_its_name():
    corners = [(0, 0), (100, 0), (190, 40), (190, 140)]
    network = WalkNetwork.from_streets(
        streets_of(list(pairwise(corners)), name=["Long Street"] * 3), UTM
    )
    way = access.route(network, 0, 3)
    assert [step.turn for step in way.steps] == ["start", "left", "arrive"]
    assert [step.name for step in way.steps] == ["Long Street", "Long Street", ""]


def test_a_kink_at_the_corner_does_not_mislead():
    network = WalkNetwork.from_streets(
        streets_of([[(0, 0), (98, 0), (100, 2)], [(100, 2), (102, 0), (200, 0)]], name=["A", "B"]),
        UTM,
    )
    assert [step.turn for step in access.route(network, 0, 2).steps] == [
        "start",
        "straight",
        "arrive",
    ]


def test_there_and_back_on_one_street(crossing):
    west = walk(crossing, (-80, 0), (-20, 0))
    assert told(west) == [("start", "West Street", "E", 60), ("arrive", "", "", 0)]
    assert told(walk(crossing, (-20, 0), (-80, 0)))[0][2] == "W"
    assert west.nodes == ()


@pytest.mark.parametrize("position", [(0, 0), (-50, 0), (0, 130)])
def test_one_who_is_there_has_arrived(crossing, position):
    way = walk(crossing, position, position)
    assert way.distance_m == 0
    assert way.geometry.length == 0
    assert len(way.geometry.coords) == 2
    assert [step.turn for step in way.steps][-1] == "arrive"
    assert sum(step.distance_m for step in way.steps) == 0


def test_from_node_to_the_same_node(crossing):
    way = access.route(crossing, 0, 0)
    assert (way.distance_m, way.nodes, way.pieces) == (0.0, (0,), ())
    assert shapely.get_coordinates(way.geometry).shape == (2, 2)
    assert [step.turn for step in way.steps] == ["arrive"]


def test_a_network_without_geometry_gives_pieces_only():
    way = access.route(network_of([0, 1], [1, 2], [10.0, 5.0]), 2, 0)
    assert (way.geometry, way.steps, way.nodes) == (None, (), (2, 1, 0))
    assert [tuple(piece) for piece in way.pieces] == [(1, 5000, 0), (0, 10_000, 0)]


def test_of_two_parallel_streets_the_shorter_is_drawn():
    network = WalkNetwork.from_streets(
        streets_of(
            [[(0, 0), (50, 50), (100, 0)], [(0, 0), (50, -20), (100, 0)]], name=["Long", "Short"]
        ),
        UTM,
    )
    way = access.route(network, 0, 1)
    assert way.steps[0].name == "Short"
    assert shapely.get_coordinates(way.geometry)[1].tolist() == pytest.approx(
        np.ravel(lonlat([50], [-20])).tolist(), abs=1e-9
    )


def test_one_source_at_a_time(crossing):
    with pytest.raises(NetworkError, match="one source, got 2"):
        access.route(crossing, [0, 1], 2)


def test_of_several_entrances_the_nearest_is_walked_to(crossing):
    gates = snap(crossing, *lonlat([-90, 40], [0, 0]), owner=[3, 3])
    way = access.route(crossing, snap(crossing, *lonlat([0], [-10])), gates)
    assert way.entry == 1
    assert way.steps[1].name == "East Street"


def test_ways_through_a_city_fit_their_length():
    network = WalkNetwork.from_streets(build_city(900, seed=3).streets(), CRS)
    city = build_city(900, seed=3)
    homes = snap(network, *city.positions(150, 8))
    shelters = snap(network, *city.positions(12, 9))
    forest = access.forest(network, shelters)
    found = forest.nearest(homes)
    for row in range(len(homes)):
        way = forest.route(homes.take(row))
        assert way.distance_m == found["distance_m"][row]
        street_mm = sum(piece.mm for piece in way.pieces)
        assert round(found["street_m"][row] * 1000) == street_mm
        steps_m = [step.distance_m for step in way.steps[:-1]]
        assert sum(steps_m) == pytest.approx(found["street_m"][row], abs=1e-6)
        # edges have no more than 4 points: their drawn length is the geodesic one
        assert GEODESIC.geometry_length(way.geometry) == pytest.approx(
            street_mm / 1000, rel=2e-3, abs=0.05
        )
        feet = shapely.get_coordinates(way.geometry)[[0, -1]]
        to_home = GEODESIC.inv(*feet[0], homes.lon[row], homes.lat[row])[2]
        to_gate = GEODESIC.inv(*feet[1], shelters.lon[way.entry], shelters.lat[way.entry])[2]
        assert to_home == pytest.approx(way.leg_start_m, abs=0.01)
        assert to_gate == pytest.approx(way.leg_end_m, abs=0.01)
        assert way.steps[0].turn in ("start", "arrive")
        assert [step.turn for step in way.steps].count("arrive") == 1
