"""The command `critical`: streets that people depend on, for programs, people and files."""

import csv
import io
import json

import geopandas as gpd
import pytest
from click.testing import CliRunner

from shelterplan.cli.critical import critical
from tests.village import streets, village


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    rows = [
        (0, 1, [(0, 0), (400, 0)], "=High Street", "residential"),
        (1, 2, [(400, 0), (600, 0)], "High Street", "residential"),
        (2, 3, [(600, 0), (1000, 0)], "High Street", "residential"),
        (1, 4, [(400, 0), (400, 100)], None, "steps"),
        (2, 5, [(600, 0), (600, 100)], "Mill Lane", "footway"),
        (6, 7, [(0, 3000), (50, 3000)], "Island Path", "path"),
    ]
    made = streets(rows)
    made.edges["osm_id"] = [7, 7, 8, 9, 10, 11]
    made.edges.loc[1, "bridge_tunnel"] = "bridge"
    path = tmp_path_factory.mktemp("areas") / "village"
    village(streets=made).save(path)
    return path


def run(*words, code=0):
    done = CliRunner().invoke(critical, list(map(str, words)))
    assert done.exit_code == code, done.output
    return done


def test_streets_for_programs(folder):
    found = json.loads(run(folder, "--distance-m", 700, "--json").stdout)
    assert found["covered_population"] == 180
    assert found["two_ways_population"] == 30  # the park lies in their own street
    assert found["shared_street_population"] == 50
    assert found["one_shelter_population"] == 100
    assert found["no_shelter_population"] == 20
    first = found["streets"][0]
    assert [row["street"] for row in found["streets"]] == [1, 0, 4, 3, 2]
    assert first["lost_population"] == first["beyond_population"] == 150
    assert first["bridge_tunnel"] == "bridge"
    assert first["only_link"] is True
    assert found["streets"][3]["name"] is None


def test_whole_ways(folder):
    found = json.loads(run(folder, "--distance-m", 700, "--by", "way", "--json").stdout)
    first = found["streets"][0]
    assert first["streets"] == "0 1"
    assert first["osm_id"] == 7
    assert first["lost_population"] == 150
    assert len(json.loads(run(folder, "--count", 0, "--json").stdout)["streets"]) == 0


def test_streets_for_people(folder):
    said = run(folder, "--distance-m", 700, "--count", 2).stdout
    assert "room is not looked at" in said
    assert "100 people (50.0 %) have one shelter only" in said
    assert "30 people (15.0 %) have two shelters by ways that share no street" in said
    assert "settled" not in said
    assert "Somebody loses coverage when one of 5 streets is closed." in said
    assert "Mill Lane" not in said
    assert "bridge" in said
    none = run(folder, "--distance-m", 0).stdout
    assert "Nobody loses coverage by any one street." in none


def test_files_to_take_away(folder, tmp_path):
    out = tmp_path / "critical.csv"
    run(folder, "--distance-m", 700, "--out", out)
    rows = list(csv.DictReader(io.StringIO(out.read_text("utf-8-sig"))))
    assert len(rows) == 5
    assert rows[1]["name"] == "'=High Street"
    assert json.loads(rows[0]["manifest"])["scenario"]["room"] == "ignored"
    for name in ("critical.geojson", "critical.gpkg"):
        run(folder, "--distance-m", 700, "--by", "way", "--out", tmp_path / name)
        assert gpd.read_file(tmp_path / name)["lost_population"].tolist()[0] == 150


def test_mistakes_are_refused(folder, tmp_path):
    assert "must end in .csv" in run(folder, "--out", tmp_path / "c.xlsx", code=2).stderr
    assert "--by" in run(folder, "--by", "bridge", code=2).stderr
