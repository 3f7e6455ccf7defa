"""Scenarios: what goes in comes out, impossible values are refused with the mend."""

import math
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelterplan.errors import UnknownNameError
from shelterplan.scenario import WALKERS, Scenario, ScenarioError, Walker
from shelterplan.standards import AccessStandard, StandardError

WORDS = st.text("abcdefgh_ éß市", min_size=1, max_size=12)
SPEEDS = st.floats(0.01, 100)
TRIANGLE = "POLYGON ((3 0, 3.001 0, 3.001 0.001, 3 0))"
SCENARIOS = st.builds(
    Scenario,
    walker=st.sampled_from(list(WALKERS.values()))
    | st.builds(
        Walker,
        name=WORDS,
        speed_m_s=SPEEDS,
        stairs_speed_m_s=st.none() | SPEEDS,
        steps=st.booleans(),
        wheelchair=st.booleans(),
        source=WORDS,
    ),
    hazard=st.sampled_from(["", "flood", "tsunami"]) | WORDS,
    hazard_level=st.integers(1, 4),
    return_period=st.none() | st.integers(1, 10_000),
    phase=st.sampled_from(["during", "before"]),
    gates=st.sampled_from(["open", "emergency"]),
    closed_streets=st.lists(st.integers(0, 10**6), max_size=5).map(tuple),
    closed_areas=st.lists(st.just(TRIANGLE), max_size=2).map(tuple),
    closed_shelters=st.lists(WORDS, max_size=5).map(tuple),
    time=st.sampled_from(["any", "day", "night"]),
    delay_s=st.floats(0, 10_000),
    slope=st.sampled_from(["tobler", "irmischer", "none"]),
    room=st.sampled_from(["assigned", "nearest", "ignored"]),
    unknown_fitness=st.sampled_from(["accept", "refuse"]),
    max_leg_m=st.floats(0, 5000),
)


@given(SCENARIOS)
def test_a_scenario_comes_out_of_its_file_as_it_went_in(scenario):
    assert Scenario.from_dict(tomllib.loads(scenario.to_toml())) == scenario
    assert hash(Scenario.from_dict(scenario.to_dict())) == hash(scenario)


def test_the_order_in_which_things_are_closed_does_not_matter():
    one = Scenario(closed_streets=(5, 3, 3), closed_shelters=("b", "a"))
    assert one == Scenario(closed_streets=(3, 5), closed_shelters=("a", "b", "b"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"hazard_levl": 2}, "hazard_level"),
        ({"hazard_level": 5}, "1 to 4"),
        ({"hazard_level": 2.5}, "whole number"),
        ({"hazard_level": True}, "whole number"),
        ({"return_period": 0}, "1 to 10,000,000 years"),
        ({"phase": "after"}, "during, before"),
        ({"gates": ["open"]}, "open, emergency"),
        ({"closed_streets": [-1]}, "whole numbers >= 0"),
        ({"closed_streets": 5}, "list of whole numbers"),
        ({"closed_shelters": [5]}, "list of texts"),
        ({"closed_areas": ["POINT (0 0)"]}, "polygon in longitude and latitude"),
        ({"closed_areas": ["POLYGON ((0 0, 500 0, 500 1, 0 0))"]}, "polygon in longitude"),
        ({"closed_areas": ["POLYGON (("]}, "not a polygon in WKT"),
        ({"delay_s": math.nan}, "finite number"),
        ({"delay_s": -1}, ">= 0"),
        ({"delay_s": 10**400}, "finite number"),
        ({"return_period": 10**400}, "1 to 10,000,000 years"),
        ({"delay_s": "5"}, "finite number"),
        ({"walker": 3}, "a name or a table"),
        ({"walker": {"speed_m_s": 1.0}}, "has no name"),
        ({"walker": {"name": "x", "speed_m_s": 0}}, "speed_m_s must be a number > 0"),
        ({"walker": {"name": "x", "speed_m_s": 1, "wings": True}}, "wings"),
        ({"closed_streets": list(range(10_001))}, "the most is 10,000"),
    ],
)
def test_an_impossible_setting_is_refused_with_what_it_must_be(settings, said):
    with pytest.raises(ScenarioError, match=said):
        Scenario.from_dict(settings)


def test_an_unknown_walker_is_named_with_the_known_ones():
    with pytest.raises(UnknownNameError, match="pushchair"):
        Scenario.of(walker="bird")


def test_a_file_that_is_wrong_is_named(tmp_path):
    file = tmp_path / "night.toml"
    file.write_text("time = 'dusk'\n", "utf-8")
    with pytest.raises(ScenarioError, match=r"night\.toml: time .* any, day, night"):
        Scenario.from_toml(file)
    file.write_text("walker = 'bird'", "utf-8")
    with pytest.raises(ScenarioError, match=r"night\.toml: there is no walker called 'bird'"):
        Scenario.from_toml(file)
    file.write_text("time = ", "utf-8")
    with pytest.raises(ScenarioError, match=r"night\.toml is not a TOML file"):
        Scenario.from_toml(file)
    file.write_text(Scenario.of(walker="elderly", time="night").to_toml(), "utf-8")
    assert Scenario.from_toml(file) == Scenario.of(walker="elderly", time="night")


def test_the_night_slows_everybody_once():
    assert Scenario(time="night").speed_m_s == pytest.approx(1.27 * 0.8)
    assert Scenario.of(walker="night").speed_m_s == pytest.approx(1.27 * 0.8)
    assert Scenario.of(walker="night", time="night").speed_m_s == pytest.approx(1.27 * 0.8)
    assert Scenario(time="day").speed_m_s == 1.27


@pytest.mark.parametrize("walker", WALKERS.values(), ids=str)
def test_every_walker_says_where_its_speed_comes_from(walker):
    assert walker.source
    assert walker.certainty in {"seen", "secondary", "background"}
    assert 0.3 < walker.speed_m_s < 2


@pytest.mark.parametrize(
    "settings",
    [
        {"max_distance_m": -1},
        {"max_distance_m": True},
        {"max_distance_m": math.nan},
        {"max_distance_m": 10**400},
        {"max_time_s": -5},
        {"max_time_s": 60, "max_distance_m": 60},
        {"area_m2_per_person": "2"},
        {"area_m2_per_person": 0},
    ],
)
def test_an_impossible_standard_is_refused(settings):
    with pytest.raises(StandardError, match=r"must be a|is a distance or a time"):
        AccessStandard(**settings)
