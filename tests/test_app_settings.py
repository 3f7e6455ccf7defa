"""The address holds the choices, never a position; what is unknown in it falls back."""

from __future__ import annotations

from dataclasses import fields

import geopandas as gpd
import pytest
import streamlit
from hypothesis import given
from hypothesis import strategies as st

from shelterplan.app import settings, sidebar
from shelterplan.app.parts import Position, read_position
from shelterplan.app.settings import Settings
from shelterplan.app.words import LANGUAGES, Words
from shelterplan.situation import situation
from tests import village

AREAS = ["monaco", "coquimbo"]
NAMES = [field.name for field in fields(Settings)]
texts = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), st.text(max_size=300))
likely = st.fixed_dictionaries(
    {},
    optional={
        name: st.sampled_from(words) | st.text(max_size=3) for name, words in settings.WORDS.items()
    }
    | {name: st.integers(-5, 500).map(str) for name in settings.NUMBERS}
    | {
        "hazard": st.sampled_from(["flood", "fire", "x"]),
        "m2": st.floats(-1, 200).map(str),
        "closed_streets": st.lists(st.integers(-1, 99999)).map(lambda n: ",".join(map(str, n))),
        "closed_shelters": st.lists(st.text(max_size=40)).map(",".join),
    },
)
WALLED = "POLYGON ((3.0 -0.001, 3.001 -0.001, 3.001 0.001, 3.0 0.001, 3.0 -0.001))"
FAR_OFF = "POLYGON ((50 50, 51 50, 51 51, 50 50))"


def a_flood():
    """The village with two zones: the end of Mill Lane, often and badly, and the west, seldom."""
    return village.village(
        hazards=gpd.GeoDataFrame(
            {
                "hazard": ["flood", "flood", "fire"],
                "level": [3, 2, 1],
                "return_period": [10, 100, None],
                "source": "test",
            },
            index=["mill", "west", "dry"],
            geometry=[
                village.box(550, 50, 650, 150),
                village.box(-50, -50, 300, 200),
                village.box(0, 2900, 60, 3100),
            ],
            crs="EPSG:4326",
        )
    )


@pytest.fixture
def session(monkeypatch):
    """What Streamlit keeps of one person, as a plain dictionary."""
    state = {"settings": Settings(area="village")}
    monkeypatch.setattr(streamlit, "session_state", state)
    return state


@given(texts | likely)
def test_any_address_gives_settings_that_work(address):
    read = Settings.read(address, areas=AREAS)
    assert read.area in AREAS
    assert read.scenario().walker.name == read.walker
    assert 0 < read.access_standard().limit.value <= 20_000
    assert Settings.read(read.address(), areas=AREAS) == read
    assert all(len(read.address().get(name, "")) <= 1200 for name in settings.MOST_CLOSED)


@given(texts | likely)
def test_any_address_fits_any_study_area(address):
    area = AN_AREA
    read = Settings.read(address, areas=AREAS).fitting(area)
    assert read.fitting(area) == read
    assert len(situation(area, read.scenario()).reason) == len(area.shelters)


@given(likely, st.sampled_from(list(LANGUAGES)))
def test_what_is_assumed_is_said_and_an_ordinary_day_is_not(address, lang):
    read = Settings.read(address, areas=AREAS)
    said = sidebar.assumed(Words(lang), read)
    usual = Settings(area=read.area)
    assert "{" not in said.replace(read.hazard, "")
    if (read.scenario(), read.access_standard()) == (usual.scenario(), usual.access_standard()):
        assert said == ""
    if read.hazard or read.walker != "adult" or read.closed_streets:
        assert said


def test_what_is_assumed_in_words():
    chosen = Settings(
        area="village",
        hazard="flood",
        level=2,
        years=100,
        phase="before",
        walker="elderly",
        time="night",
        delay=15,
        standard="own_minutes",
        closed_streets=(1, 2),
        closed_shelters=("park",),
        unknown="refuse",
    )
    assert sidebar.assumed(Words("en"), chosen).replace("\xa0", " ") == (
        "Assumed: Flood, level 2 and worse, at least once in 100 years, on its way; only shelters "
        "known to be fit; older person; at night; people leave after 15 minutes; near enough is "
        "10 minutes; closed by hand: 1 shelter, 2 streets."
    )
    assert sidebar.assumed(Words("zh"), chosen).startswith("假设：洪水，2 级及以上，")


def test_every_choice_reaches_the_scenario_and_the_standard():
    chosen = Settings(
        area="village",
        hazard="flood",
        level=3,
        years=100,
        phase="before",
        walker="wheelchair",
        gates="emergency",
        time="day",
        delay=10,
        standard="own_minutes",
        minutes=12,
        estimate="own",
        m2=1.5,
        room="nearest",
        unknown="refuse",
        closed_shelters=("park",),
        closed_streets=(2,),
        closed_areas=(WALLED,),
    )
    scenario = chosen.scenario()
    assert (scenario.hazard, scenario.hazard_level, scenario.return_period) == ("flood", 3, 100)
    assert (scenario.phase, scenario.gates, scenario.time) == ("before", "emergency", "day")
    assert (scenario.delay_s, scenario.room) == (600.0, "nearest")
    assert scenario.unknown_fitness == "refuse"
    assert scenario.closed_shelters == ("park",)
    assert (scenario.closed_streets, scenario.closed_areas) == ((2,), (WALLED,))
    assert tuple(chosen.access_standard().limit) == (720.0, "s")
    assert chosen.access_standard().area_m2_per_person == 1.5
    assert Settings.read(chosen.address(), areas=["village"]) == chosen


@pytest.mark.parametrize(("estimate", "area"), [("standard", 2.0), ("none", None), ("own", 3.5)])
def test_the_area_a_person_needs_is_the_standards_or_ones_own(estimate, area):
    chosen = Settings(area="x", standard="cn_gb51143_short", estimate=estimate, m2=3.5)
    assert chosen.access_standard().area_m2_per_person == area
    assert chosen.access_standard().max_distance_m == 1000.0


def test_what_the_study_area_does_not_have_is_dropped():
    area = a_flood()
    chosen = Settings(
        area="village",
        hazard="flood",
        level=3,
        years=100,
        phase="before",
        closed_shelters=("park", "ghost"),
        closed_streets=(0, 5, 6, 999),
        closed_areas=(FAR_OFF, WALLED),
    )
    fitting = chosen.fitting(area)
    assert fitting.closed_shelters == ("park",)
    assert fitting.closed_streets == (0, 5)
    assert fitting.closed_areas == (WALLED,)
    assert (fitting.hazard, fitting.level, fitting.years) == ("flood", 3, 100)
    dry = chosen.fitting(village.village())
    assert (dry.hazard, dry.level, dry.years, dry.phase) == ("", 1, 0, "during")


def test_levels_and_return_periods_are_those_of_the_zones():
    area = a_flood()
    assert settings.levels(area, "flood") == [1, 3]
    assert settings.return_periods(area, "flood") == [0, 10, 100]
    assert settings.levels(area, "fire") == [1]
    assert settings.return_periods(area, "fire") == [0]


def test_streets_and_shelters_are_closed_and_opened_by_hand(session):
    settings.toggle_street(7)
    settings.toggle_street(3)
    settings.toggle_shelter("a,b")
    assert session["settings"].closed_streets == (3, 7)
    assert session["settings"].closed_shelters == ("a,b",)
    read = Settings.read(session["settings"].address(), areas=["village"])
    assert read == session["settings"]
    settings.toggle_street(7)
    assert session["settings"].closed_streets == (3,)
    settings.reopen()
    assert session["settings"] == Settings(area="village")


def test_no_more_is_closed_than_the_address_holds(session):
    for number in range(100_000, 100_100):
        settings.toggle_street(number)
    assert len(session["settings"].closed_streets) == settings.MOST_CLOSED["closed_streets"]
    assert settings.closing_refused()
    settings.toggle_street(100_000)
    assert not settings.closing_refused()
    settings.toggle_shelter("x" * 700)
    settings.toggle_shelter("y" * 700)
    assert session["settings"].closed_shelters == ("x" * 700,)
    assert settings.closing_refused()
    assert len("&".join(session["settings"].address().values())) < 2000


def test_another_study_area_opens_what_was_closed_in_the_old_one(session):
    settings.toggle_street(7)
    settings.change(area="coquimbo")
    assert session["settings"] == Settings(area="coquimbo")


@pytest.mark.parametrize(
    "text", ["POINT (1 2)", "POLYGON ((1 2", "x", "POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))", "%00"]
)
def test_a_closed_area_that_is_no_polygon_is_dropped(text):
    assert Settings.read({"closed_areas": text}, areas=AREAS).closed_areas == ()


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


AN_AREA = a_flood()


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
