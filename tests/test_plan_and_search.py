"""What a resident is told, what a name finds, what the check says, what a plan records."""

import json

import numpy as np
import pandas as pd
import pytest

from shelterplan import AccessStandard, Scenario, make_plan
from shelterplan.errors import NetworkError, UnknownNameError
from shelterplan.finder import find_shelters
from shelterplan.gazetteer import folded, search
from shelterplan.quality import MESSAGES, check
from shelterplan.scenario import WALKERS, ScenarioError, Walker
from shelterplan.standards import StandardError, presets
from tests.village import communities, lonlat, point, shelters, village


@pytest.fixture(scope="module")
def area():
    return village()


def find(area, x_m, y_m, **options):
    return find_shelters(area, *lonlat(x_m, y_m), **options)


def test_nearest_shelters_come_in_order_of_the_walk(area):
    answer = find(area, 400, -10)
    assert answer.status == "ok"
    assert answer.leg_m == pytest.approx(10, abs=0.1)
    assert [option.shelter_id for option in answer.options] == ["school", "park"]
    assert answer.options[0].distance_m == pytest.approx(10 + 200 + 90, abs=0.5)
    assert answer.options[0].capacity == 200
    assert answer.options[1].capacity is None


def test_the_finder_and_the_coverage_agree(area):
    walks = make_plan(area).demand
    for key, home in area.demand.iterrows():
        answer = find_shelters(area, home.geometry.x, home.geometry.y, count=1)
        walk = walks.loc[key]
        if answer.options:
            assert answer.options[0].distance_m == walk["distance_m"]
            assert answer.options[0].shelter_id == walk["shelter_id"]
        else:
            assert np.isinf(walk["distance_m"])
            assert answer.status in (walk["status"], "no_path")


def test_time_is_that_of_the_walker(area):
    adult, elderly = (
        find(area, 0, 0, scenario=Scenario.of(walker=name)).options[0]
        for name in ("adult", "elderly")
    )
    assert adult.walk_time_s == pytest.approx(adult.distance_m / 1.27)
    assert elderly.walk_time_s == pytest.approx(elderly.distance_m / 1.1)


def test_whether_the_walk_meets_the_standard_is_said(area):
    near = AccessStandard(max_distance_m=250)
    assert [o.status for o in find(area, 500, 0, standard=near).options] == ["covered", "too_far"]


@pytest.mark.parametrize(
    ("x_m", "y_m", "status", "count"),
    [
        (25, 3000, "no_path", 0),  # on the island
        (300, 1000, "no_network", 0),  # a kilometre from any street
        (5000, 0, "outside", 0),  # 4 km east of the village
        (-400, 0, "outside", 2),  # west of the village, but the street is near enough
    ],
)
def test_plain_states(area, x_m, y_m, status, count):
    answer = find(area, x_m, y_m)
    assert (answer.status, len(answer.options)) == (status, count)


@pytest.mark.parametrize("position", [(np.nan, 0), (0, 91), (181, 0), (np.inf, 0)])
def test_an_impossible_position_is_refused(area, position):
    with pytest.raises(NetworkError, match="lon -180 to 180"):
        find_shelters(area, *position)


def test_the_steps_of_a_walk_are_told(area):
    steps = find(area, 500, 0).options[0].route.steps
    assert [(step.turn, step.name) for step in steps] == [
        ("start", "High Street"),
        ("left", "Mill Lane"),
        ("arrive", ""),
    ]
    assert [step.bearing for step in steps] == ["E", "N", ""]


def test_names_are_found_despite_accents_case_and_slips(area):
    assert search(area, "ile devote")[0].name == "Île Dévote"
    assert search(area, "hihg street")[0].name == "High Street"
    assert search(area, "MILL")[0].name in {"Mill Lane", "Mill School"}
    assert search(area, "  ") == []
    assert search(area, "zzzz qqqq") == []


def test_chinese_names_are_found():
    named = communities().assign(name=["民田社区", "福强社区", "东海岛"])
    area = village(communities=named)
    assert search(area, "福强")[0].name == "福强社区"
    assert folded("福强,社区") == "福强 社区"


def test_the_check_names_rows_and_how_to_mend_them(area):
    quarantine = pd.DataFrame(
        [["shelters", "7", "lat", "latitude 114 is out of range", "swap"]],
        columns=["table", "row", "column", "problem", "mend"],
    )
    found = check(village(quarantine=quarantine)).findings.set_index("code")
    assert found.loc["home_off_network", "row"] == "d3"
    assert found.loc["home_off_network", "problem"].startswith("7 people live more than 500 m")
    assert found.loc["capacity_unknown", "problem"] == "the capacity of 1 of 2 shelters is unknown"
    assert found.loc["quarantined", ["row", "mend"]].tolist() == ["7", "swap"]
    assert set(found.index) <= set(MESSAGES)


def test_a_shelter_that_nobody_can_reach_is_an_error():
    table = shelters(
        [
            ("hut", "Hut", 5, village().shelters.geometry.iloc[0]),
            ("far", "Far Hut", 5, point(900, 1500)),
        ]
    )
    found = check(village(shelters=table)).findings
    far = found[found["code"] == "shelter_off_network"]
    assert far[["row", "severity"]].to_numpy().tolist() == [["far", "error"]]


def test_islands_are_counted_both_ways(area):
    snapping = check(area).snapping.loc["demand"]
    assert snapping["places"] == 5
    assert snapping["no_network"] == 1
    assert snapping["still_on_island"] == 1
    assert snapping["on_island_if_nearest"] == 1


def test_grades_tell_their_reason(area):
    grades = check(area).grades
    assert grades.loc["Town", "grade"] == "C"  # 7 of 187 people off the network
    assert grades.loc["Sea", ["grade", "reason"]].tolist() == ["D", "stranded_share"]


def test_the_manifest_can_be_written_as_json_and_names_everything(area):
    manifest = make_plan(area, Scenario.of(walker="elderly")).manifest
    again = json.loads(json.dumps(manifest, allow_nan=False))
    assert again["area"]["version"] == area.version
    assert again["scenario"]["walker"]["speed_m_s"] == 1.1
    assert again["standard"]["max_distance_m"] == 500
    assert "OpenStreetMap" in again["attribution"]


def test_every_preset_says_how_sure_it_is():
    assert {preset.certainty for preset in presets().values()} <= {
        "seen",
        "secondary",
        "background",
    }
    assert all(preset.source for preset in presets().values())
    assert presets()["cn_gb50413_fixed_3000"].max_distance_m == 3000
    assert presets()["cn_gb50180_15min"].max_distance_m == 1000


def test_impossible_assumptions_are_refused():
    with pytest.raises(StandardError, match="max_distance_m"):
        AccessStandard(max_distance_m=float("nan"))
    with pytest.raises(ScenarioError, match="speed_m_s"):
        Walker(name="x", speed_m_s=0)
    with pytest.raises(ScenarioError, match="max_leg_m"):
        Scenario(max_leg_m=-1)
    with pytest.raises(UnknownNameError, match="known: adult"):
        Scenario.of(walker="robot")
    with pytest.raises(UnknownNameError, match="cn_gb51143_emergency"):
        AccessStandard.preset("none")


def test_every_walker_says_where_its_speed_comes_from():
    assert all(walker.source and walker.certainty != "own choice" for walker in WALKERS.values())
