"""The walk filter: each rule by itself, what rescues a way, and the order of the table."""

import inspect
import re

import pytest

from shelterplan.sources import walk_rules
from shelterplan.sources.walk_rules import (
    KEYS,
    RULES,
    bridge_or_tunnel,
    broken_rule,
    foot_directions,
    is_candidate,
    node_cuts,
    node_stops_wheelchair,
    street_class,
    wheelchair,
)

DROPPED = [
    ("ferry", {"route": "ferry", "foot": "yes"}),
    ("not_built", {"highway": "construction", "construction": "footway"}),
    ("not_built", {"highway": "proposed"}),
    ("not_built", {"highway": "abandoned", "foot": "yes"}),
    ("not_built", {"highway": "footway", "abandoned": "yes"}),
    ("no_way", {"highway": "services"}),
    ("raceway", {"highway": "raceway", "foot": "yes"}),
    ("lift", {"highway": "elevator", "foot": "yes"}),
    ("via_ferrata", {"highway": "via_ferrata"}),
    ("foot_closed", {"highway": "cycleway", "foot": "no"}),
    ("foot_closed", {"highway": "bridleway", "foot": "private"}),
    ("foot_closed", {"highway": "residential", "foot": "no", "sidewalk": "both"}),
    ("side_path", {"highway": "primary", "foot": "use_sidepath"}),
    ("motorway", {"highway": "motorway"}),
    ("motorway", {"highway": "motorway_link"}),
    ("motorroad", {"highway": "primary", "motorroad": "yes"}),
    ("trunk", {"highway": "trunk"}),
    ("trunk", {"highway": "trunk_link", "sidewalk": "no"}),
    ("trunk", {"highway": "trunk", "sidewalk": "separate"}),
    ("busway", {"highway": "busway"}),
    ("access_closed", {"highway": "service", "access": "private", "service": "driveway"}),
    ("access_closed", {"highway": "track", "access": "military"}),
    ("access_closed", {"highway": "footway", "access": "no"}),
    ("access_closed", {"highway": "residential", "access": "private", "sidewalk": "both"}),
    ("indoors", {"highway": "corridor"}),
    ("indoors", {"highway": "footway", "indoor": "yes"}),
    ("neither_way", {"highway": "path", "oneway:foot": "yes", "foot:forward": "no"}),
]

KEPT = [
    {"highway": "footway"},
    {"highway": "steps", "conveying": "yes"},
    {"highway": "pedestrian", "area": "yes"},
    {"highway": "platform"},
    {"highway": "service", "service": "driveway"},
    {"highway": "residential", "oneway": "yes"},
    {"highway": "residential", "sidewalk": "separate"},
    {"highway": "residential", "access": "destination"},
    {"highway": "cycleway"},
    {"highway": "bridleway"},
    {"highway": "trunk", "sidewalk": "left"},
    {"highway": "trunk", "sidewalk:right": "yes"},
    {"highway": "trunk", "foot": "designated"},
    {"highway": "motorway", "foot": "yes"},
    {"highway": "primary", "motorroad": "yes", "sidewalk": "both"},
    {"highway": "service", "access": "private", "foot": "permissive"},
    {"highway": "service", "access": "no", "sidewalk": "both"},
    {"highway": "corridor", "foot": "yes"},
    {"highway": "footway", "indoor": "no"},
    {"highway": "footway", "tunnel": "building_passage"},
]


@pytest.mark.parametrize(("name", "tags"), DROPPED)
def test_a_way_is_dropped_by_the_rule_that_names_the_reason(name, tags):
    assert is_candidate(tags)
    assert broken_rule(tags).name == name


@pytest.mark.parametrize("tags", KEPT)
def test_a_way_that_people_can_walk_is_kept(tags):
    assert is_candidate(tags)
    assert broken_rule(tags) is None


def test_every_rule_has_its_name_its_reason_and_a_case_above():
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert {name for name, _ in DROPPED} == set(names)
    assert all(rule.reason and rule.drops.__doc__ for rule in RULES)


def test_the_list_of_keys_holds_every_key_that_a_way_is_asked_for():
    asked = set()
    for name, function in inspect.getmembers(walk_rules, inspect.isfunction):
        if not name.startswith("node_"):
            source = inspect.getsource(function)
            asked |= set(re.findall(r'tags(?:\.get\(|\[)"([^"]+)"', source))
            asked |= set(re.findall(r'"([^"]+)" (?:not )?in tags', source))
    assert asked <= set(KEYS)


def test_what_is_no_way_to_travel_is_no_candidate():
    assert not is_candidate({"railway": "rail"})
    assert not is_candidate({"building": "yes"})
    assert is_candidate({"railway": "platform"})
    assert street_class({"railway": "platform"}) == "platform"


@pytest.mark.parametrize(
    ("tags", "directions"),
    [
        ({}, (True, True)),
        ({"oneway": "yes"}, (True, True)),
        ({"oneway": "-1"}, (True, True)),
        ({"oneway:foot": "yes"}, (True, False)),
        ({"oneway:foot": "1"}, (True, False)),
        ({"oneway:foot": "-1"}, (False, True)),
        ({"oneway:foot": "no"}, (True, True)),
        ({"foot:backward": "no"}, (True, False)),
        ({"foot:forward": "no"}, (False, True)),
    ],
)
def test_only_tags_about_walkers_make_a_way_one_way(tags, directions):
    assert foot_directions(tags) == directions


@pytest.mark.parametrize(
    ("tags", "cuts"),
    [
        ({"barrier": "gate"}, False),
        ({"barrier": "gate", "access": "private"}, True),
        ({"barrier": "gate", "access": "private", "foot": "yes"}, False),
        ({"barrier": "gate", "access": "private", "foot": "customers"}, False),
        ({"barrier": "gate", "foot": "no"}, True),
        ({"barrier": "gate", "locked": "yes"}, True),
        ({"barrier": "gate", "locked": "yes", "foot": "designated"}, False),
        ({"barrier": "bollard"}, False),
        ({"barrier": "lift_gate", "access": "no"}, True),
        ({"barrier": "wall"}, True),
        ({"barrier": "fence", "access": "yes"}, False),
        ({"barrier": "fence"}, True),
        ({"highway": "elevator"}, True),
        ({"highway": "elevator", "foot": "yes"}, True),
        ({"highway": "crossing"}, False),
    ],
)
def test_a_node_cuts_where_nobody_gets_past(tags, cuts):
    assert node_cuts(tags) is cuts


def test_wheelchairs():
    assert wheelchair({"highway": "path", "sac_scale": "hiking"}) == "no"
    assert wheelchair({"highway": "path", "sac_scale": "hiking", "wheelchair": "yes"}) == "yes"
    assert wheelchair({"highway": "footway"}) is None
    assert node_stops_wheelchair({"barrier": "stile"})
    assert node_stops_wheelchair({"barrier": "kerb", "kerb": "raised"})
    assert not node_stops_wheelchair({"barrier": "kerb", "kerb": "lowered"})
    assert not node_stops_wheelchair({"barrier": "turnstile", "wheelchair": "yes"})


def test_bridges_and_tunnels():
    assert bridge_or_tunnel({"bridge": "viaduct"}) == "bridge"
    assert bridge_or_tunnel({"tunnel": "building_passage"}) == "tunnel"
    assert bridge_or_tunnel({"bridge": "no", "tunnel": "no"}) == ""
