"""The address holds the choices, never a position; what is unknown in it falls back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelterplan.app.parts import Position, read_position
from shelterplan.app.settings import Settings

AREAS = ["monaco", "coquimbo"]
texts = st.dictionaries(
    st.sampled_from(["area", "lang", "walker", "standard", "distance", "district", "community"])
    | st.text(max_size=5),
    st.text(max_size=300),
)


@given(texts)
def test_any_address_gives_settings_that_work(address):
    read = Settings.read(address, areas=AREAS)
    assert read.area in AREAS
    assert read.scenario().walker.name == read.walker
    assert 0 < read.access_standard().max_distance_m <= 20_000
    assert Settings.read(read.address(), areas=AREAS) == read


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "0", "1e9", "a", ""])
def test_an_impossible_distance_falls_back(text):
    assert Settings.read({"distance": text}, areas=AREAS).distance == 500


def test_settings_are_kept_in_the_address():
    wanted = Settings(
        area="coquimbo",
        lang="zh",
        walker="wheelchair",
        standard="cn_gb50188_town",
        district="North",
        community="7",
    )
    assert Settings.read(wanted.address(), areas=AREAS) == wanted


def test_no_setting_is_a_position():
    assert not {"lat", "lon", "lng", "at", "position", "place"} & set(Settings.__slots__)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (None, None),
        ({"problem": "refused"}, Position(problem="refused")),
        ({"problem": "<script>"}, Position(problem="unavailable")),
        ({"lon": 7.42, "lat": 43.73, "accuracy_m": 10}, Position(7.42, 43.73, 10.0)),
        ({"lon": 7.42}, Position(problem="unavailable")),
        ({"lon": "NaN", "lat": 0}, Position(problem="unavailable")),
        ({"lon": 999, "lat": 0}, Position(problem="unavailable")),
        ("x", Position(problem="unavailable")),
    ],
)
def test_only_a_position_on_earth_is_a_position(said, read):
    assert read_position(said) == read
