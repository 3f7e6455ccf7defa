"""The command `priority`: ranks, weights, and a question that anybody can repeat."""

import csv
import io
import json

import geopandas as gpd
import pandas as pd
import pytest
from click.testing import CliRunner

from shelterplan.cli import main
from tests.village import box, communities, demand, village


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    zone = gpd.GeoDataFrame(
        {"hazard": ["flood"], "level": [4]},
        index=["z"],
        geometry=[box(-50, -50, 100, 50)],
        crs="EPSG:4326",
    )
    place = village(
        hazards=zone,
        demand=demand().assign(children=[25, 5, 8, 0, 13]),
        communities=communities().assign(name=["=West", "East End", "Île Dévote"]),
    )
    path = tmp_path_factory.mktemp("areas") / "village"
    place.save(path)
    return path


def run(*words, code=0):
    done = CliRunner().invoke(main, ["priority", *map(str, words)])
    assert done.exit_code == code, done.output
    return done


def test_ranks_for_programs(folder):
    rows = json.loads(run(folder, "--hazard", "flood", "--json").stdout)
    west = rows[0]
    assert [row["rank"] for row in rows] == [1, 2, 2]
    assert west["community_id"] == "west"
    assert west["hazard"] == pytest.approx(100 / 150)
    assert west["gap"] == pytest.approx(100 / 150)
    assert west["high_risk_under_served"] is True
    assert west["query"] == "hazard >= 0.25 and gap >= 0.5"
    table = pd.DataFrame(rows).query(west["query"])
    assert table["community_id"].tolist() == [
        row["community_id"] for row in rows if row["high_risk_under_served"]
    ]
    assert {"grade", "rank_low", "rank_high", "stable", "left_out", "gap_weight"} <= set(west)


def test_without_a_hazard_nobody_says_whose_risk_is_high(folder):
    rows = json.loads(run(folder, "--json").stdout)
    assert {row["hazard"] for row in rows} == {None}
    assert {row["high_risk_under_served"] for row in rows} == {None}
    said = run(folder).stdout
    assert "Left out for all communities: hazard (no hazard was chosen)." in said
    assert "nobody knows, because the hazard is not known" in said


def test_ranks_for_people(folder):
    said = run(folder, "--hazard", "flood", "--weights", "gap=2", "--top", 1).stdout
    assert "weights hazard 0.25, vulnerability 0.25, gap 0.50." in said
    assert "the query: hazard >= 0.25 and gap >= 0.5" in said
    assert "=West" in said
    assert "East End" not in said
    assert "elderly_65_share, disabled_share, deprivation_rank" in said


def test_a_file_that_no_spreadsheet_runs(folder, tmp_path):
    out = tmp_path / "p.csv"
    assert str(out) in run(folder, "--hazard", "flood", "--out", out).stdout
    rows = list(csv.DictReader(io.StringIO(out.read_text("utf-8-sig"))))
    assert rows[0]["name"] == "'=West"
    assert len(rows) == 3
    assert "OpenStreetMap" in rows[0]["attribution"]
    assert json.loads(rows[0]["manifest"])["scenario"]["hazard"] == "flood"


@pytest.mark.parametrize("weights", ["gap", "gap=x", "gap=-1", "gap=nan", "gap=1,gap=2", "gaps=1"])
def test_impossible_weights_are_refused(folder, weights):
    assert "is none: write each of hazard" in run(folder, "--weights", weights, code=2).stderr


def test_other_mistakes_are_refused(folder, tmp_path):
    assert "must end in .csv" in run(folder, "--out", tmp_path / "p.xlsx", code=2).stderr
    assert "--mean" in run(folder, "--mean", "harmonic", code=2).stderr
    nothing = run(folder, "--weights", "gap=0,vulnerability=0", code=1).stderr
    assert "no part with a weight is known" in nothing
