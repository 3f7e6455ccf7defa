"""A study area with sites added."""

import geopandas as gpd
import numpy as np
import pytest

from shelterplan import Scenario, StudyArea, coverage, make_plan
from shelterplan.errors import AreaError, TableError
from tests.village import box, point, village


def sites(rows):
    return gpd.GeoDataFrame(
        {"name": [row[0] for row in rows], "capacity": [row[1] for row in rows]},
        index=[row[0] for row in rows],
        geometry=[row[2] for row in rows],
        crs="EPSG:4326",
    )


def test_a_site_serves_like_a_shelter_that_was_there_from_the_start():
    hall = sites([("hall", 60, point(200, 5))])
    added = village().with_sites(hall)
    whole = gpd.GeoDataFrame(
        {"name": ["Mill School", "Long Park", "hall"], "capacity": [200, None, 60]},
        index=["school", "park", "hall"],
        geometry=[point(600, 90), box(880, -200, 1000, -5), point(200, 5)],
        crs="EPSG:4326",
    )
    built = village(shelters=whole)
    for scenario in (Scenario(), Scenario(room="ignored"), Scenario(room="nearest")):
        one, other = (coverage.assess(area, scenario) for area in (added, built))
        for column in ("population", "status", "shelter_id", "distance_m", "assigned_id"):
            assert one[column].astype(str).tolist() == other[column].astype(str).tolist(), column


def test_the_study_area_itself_is_not_changed():
    area = village()
    version, before = area.version, make_plan(area).total
    more = area.with_sites(sites([("hall", 60, point(200, 5))]))
    assert list(area.shelters.index) == ["school", "park"]
    assert area.version == version
    assert more.version != version
    assert more.version == area.with_sites(sites([("hall", 60, point(200, 5))])).version
    assert more.version != area.with_sites(sites([("hall", 61, point(200, 5))])).version
    assert make_plan(area).total.equals(before)
    assert more.origin is area


def test_sites_added_one_after_the_other_are_those_added_at_once():
    first, second = sites([("a", 5, point(200, 5))]), sites([("b", 7, point(800, 5))])
    both = sites([("a", 5, point(200, 5)), ("b", 7, point(800, 5))])
    stepwise = village().with_sites(first).with_sites(second)
    at_once = village().with_sites(both)
    assert stepwise.shelters.equals(at_once.shelters)
    assert make_plan(stepwise).total.equals(make_plan(at_once).total)


def test_an_outline_is_entered_where_a_street_crosses_it():
    added = village().with_sites(sites([("green", None, box(350, -50, 450, 50))]))
    doors = added.entrances[added.entrances["shelter_id"] == "green"]
    assert set(doors["how"]) == {"outline"}
    assert len(doors) == 3
    assert added.shelters.loc["green", "status"] == "open"
    assert added.shelters.loc["green", "source"] == "proposed"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("school", 5, point(200, 5))], "'school' is there already"),
        ([("x", 5, point(2_000_000, 5))], r"site 'x' \(x\) does not lie near"),
    ],
)
def test_what_cannot_be_added_is_refused(rows, said):
    with pytest.raises(AreaError, match=said):
        village().with_sites(sites(rows))


def test_a_negative_room_is_refused_with_its_row():
    with pytest.raises(TableError, match="capacity"):
        village().with_sites(sites([("x", -5, point(200, 5))]))


@pytest.mark.parametrize("hazard", ["", "tsunami"])
def test_another_shelter_never_lengthens_a_walk_nor_takes_a_place_away(hazard):
    area = StudyArea.open("coquimbo")
    scenario = Scenario(hazard=hazard)
    before = make_plan(area, scenario)
    after = make_plan(area.with_sites(area.candidates.iloc[::9]), scenario)
    walks = (plan.demand.groupby(level=0)["distance_m"].first() for plan in (before, after))
    old, new = (np.asarray(walk, float) for walk in walks)
    assert (new <= old).all()
    assert (new < old).any()
    for column in ("covered_population", "possible_people", "reached_people"):
        assert after.total[column] >= before.total[column]


def test_what_is_said_of_a_site_is_heeded():
    told = sites([("hall", 60, point(200, 5))]).assign(fit_flood="no", occupants=25)
    added = village().with_sites(told)
    assert added.shelters["fit_flood"].tolist() == ["unknown", "unknown", "no"]
    assert added.shelters.loc["hall", "occupants"] == 25
    assert (
        coverage.examine(added, Scenario(hazard="flood")).shelters.loc["hall", "reason"] == "unfit"
    )
    assert coverage.examine(added, Scenario()).shelters.loc["hall", "room"] == 35
