"""The command `equity`: districts, groups and measures, for people and for programs."""

import csv
import io
import json
import math

import pandas as pd
import pytest
from click.testing import CliRunner

from shelterplan import StudyArea, equity, make_plan
from shelterplan.cli.equity import GROUP_WORDS, WORDS, _whole_up
from shelterplan.cli.equity import equity as command
from shelterplan.equity.unequal import MEASURES
from tests.village import communities, demand, shelters, village


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = village(
        demand=demand().assign(children=[40, 10, 20, 0, 0]),
        communities=communities().assign(name=["=West", "East End", "Île Dévote"]),
        shelters=shelters().assign(area_m2=pd.array([800, pd.NA], dtype="Float64")),
    )
    path = tmp_path_factory.mktemp("areas") / "village"
    place.save(path)
    return path


def run(*words, code=0):
    done = CliRunner().invoke(command, [*map(str, words)])
    assert done.exit_code == code, done.output
    return done


def test_every_measure_and_group_has_words():
    assert set(WORDS) == set(MEASURES)
    assert set(GROUP_WORDS) >= {"everybody", "children", "elderly_65", "disabled", "step_free"}


def test_for_programs(folder):
    found = json.loads(run(folder, "--json").stdout)
    area = StudyArea.open(folder)
    plan = make_plan(area)
    assert [row["district"] for row in found["rows"]] == ["Sea", "Town"]
    table = equity.by_district(plan, area)
    for row in found["rows"]:
        for name in ("possible_share", "m2_per_person", "too_far", "possible_share_low"):
            value = table.loc[row["district"], name]
            assert row[name] == (None if math.isnan(value) else pytest.approx(value))
    values = {row["measure"]: row["value"] for row in found["measures"]}
    assert values["gini"] == pytest.approx(equity.inequality(plan).measures.loc["gini", "value"])
    assert found["groups"][1]["group"] == "children"
    assert found["groups"][1]["left_out_share"] == pytest.approx(40 / 70)
    assert found["lorenz"][-1]["access_share"] == 1
    assert found["left_out"]["groups"]["elderly_65"] == "not given"
    assert found["unreachable_share"] == pytest.approx(0.1)


def test_by_community_of_something_else(folder):
    found = json.loads(run(folder, "--by", "community", "--of", "m2_per_person", "--json").stdout)
    assert [row["community_id"] for row in found["rows"]] == ["isle", "west", "east"]
    assert found["of"] == "m2_per_person"
    assert "m2" in found["what"]


def test_for_people(folder):
    said = run(folder).stdout
    assert said.index("Sea") < said.index("Town"), "the worst first"
    assert "children" in said
    assert "Not known: without a car (the data does not count them)." in said
    assert "at least" in said
    assert "10.0 % of the people have no way to a fit shelter; they are counted." in said
    assert "\x1b" not in said


def test_shares_of_those_left_out_are_rounded_up(folder):
    said = run(folder).stdout
    line = next(line for line in said.splitlines() if line.startswith("children"))
    assert "57.2" in line, "40 of 70"


def test_table_as_a_file_that_runs_nothing(folder, tmp_path):
    target = tmp_path / "equity.csv"
    assert str(target) in run(folder, "--by", "community", "--out", target).stdout
    rows = list(csv.DictReader(io.StringIO(target.read_text("utf-8-sig"))))
    assert {row["name"] for row in rows} == {"'=West", "East End", "Île Dévote"}
    assert all("OpenStreetMap" in row["attribution"] for row in rows)
    assert float(rows[-1]["possible_share"]) == pytest.approx(30 / 37)


def test_wrong_use(folder):
    assert "must end in .csv" in run(folder, "--out", "a.xlsx", code=2).output
    assert "--of" in run(folder, "--of", "luck", code=2).output


def test_one_district_is_said(tmp_path):
    village(communities=communities().assign(district="Town")).save(tmp_path / "one")
    assert "there is only one district" in run(tmp_path / "one").stdout


def test_where_nobody_lives_there_is_nothing_to_say_and_no_failure(tmp_path):
    village(demand=demand().assign(population=0.0)).save(tmp_path / "empty")
    for of in ("coverage", "walk_time", "two_step"):
        said = run(tmp_path / "empty", "--of", of)
        assert said.exit_code == 0, said.output
        assert "everybody" in said.stdout


def test_people_are_rounded_up_but_not_for_the_last_bit():
    assert _whole_up(22_679.000000000004) == 22_679
    assert _whole_up(12.25) == 13
