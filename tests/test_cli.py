"""The command line, from files to answers, on a town that can be checked by eye."""

import csv
import json
import math
import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import shapely
from click.testing import CliRunner

from shelterplan.cli import main
from shelterplan.cli import text as cli_text
from shelterplan.errors import DownloadError
from shelterplan.scenario import Scenario
from shelterplan.sources.osm import read_streets
from shelterplan.study_area import StudyArea, embedded_areas

STEP = 0.001
"""Streets of the town are this far apart [degrees]: 111 m from north to south."""
LAT, LON = 1.0, 100.0


def osm_file() -> str:
    """Return a town of 3 x 3 crossings, and a street in the north-east that leads nowhere."""
    points = {i * 3 + j + 1: (LAT + i * STEP, LON + j * STEP) for i in range(3) for j in range(3)}
    points |= {20: (LAT + 8 * STEP, LON + 8 * STEP), 21: (LAT + 8 * STEP, LON + 9 * STEP)}
    rows = [[i * 3 + j + 1 for j in range(3)] for i in range(3)]
    ways = [*rows, *([row[j] for row in rows] for j in range(3)), [20, 21]]
    nodes = "".join(
        f'<node id="{key}" version="1" lat="{lat:.4f}" lon="{lon:.4f}"/>'
        for key, (lat, lon) in points.items()
    )
    lines = "".join(
        f'<way id="{number}" version="1">'
        + "".join(f'<nd ref="{key}"/>' for key in way)
        + f'<tag k="highway" v="residential"/><tag k="name" v="Street {number}"/></way>'
        for number, way in enumerate(ways, start=1)
    )
    return f'<?xml version="1.0"?><osm version="0.6">{nodes}{lines}</osm>'


def communities(*, name="=West") -> str:
    west = shapely.box(LON - STEP, LAT - STEP, LON + 1.5 * STEP, LAT + 3 * STEP)
    east = shapely.box(LON + 1.5 * STEP, LAT - STEP, LON + 10 * STEP, LAT + 10 * STEP)
    return json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "geometry": json.loads(shapely.to_geojson(shape)),
                    "properties": {"id": key, "name": label, "district": "Town", "population": 100},
                }
                for key, label, shape in (("w", name, west), ("e", "东区", east))
            ],
        }
    )


POPULATION = f"""lat,lon,population
{LAT},{LON},60
{LAT + 2 * STEP},{LON},30
{LAT},{LON + 2 * STEP},20.5
{LAT + 8 * STEP},{LON + 8.5 * STEP},7
{LAT + 2 * STEP},{LON + 8 * STEP},3
50,50,9
x,1,4
"""
SHELTERS = f"""id,name,lat,lon,capacity
007,NA,{LAT},{LON},
008,School,{LAT + 2 * STEP},{LON + 2 * STEP},350
009,Swapped,{LON},{LAT},1
"""


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for name, content in (
        ("town.osm", osm_file()),
        ("c.geojson", communities()),
        ("p.csv", POPULATION),
        ("s.csv", SHELTERS),
    ):
        (folder / name).write_text(content, "utf-8")
    return folder


def build_arguments(files, out, **changed):
    given = {
        "streets": files / "town.osm",
        "communities": files / "c.geojson",
        "population": files / "p.csv",
        "shelters": files / "s.csv",
    } | changed
    return [
        "build",
        str(out),
        *(
            part
            for key, value in given.items()
            if value is not None
            for part in (f"--{key}", str(value))
        ),
    ]


def run(*arguments, code=0):
    result = CliRunner().invoke(main, [str(one) for one in arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


@pytest.fixture(scope="session")
def town(files, tmp_path_factory):
    out = tmp_path_factory.mktemp("areas") / "town"
    run(*build_arguments(files, out, title="The Town"))
    return out


def test_build_reports_and_loses_nobody(files, tmp_path):
    summary = json.loads(run(*build_arguments(files, tmp_path / "t"), "--json").stdout)
    assert summary["name"] == "t"
    assert summary["population_before"] == summary["population_after"] + 9 == 129.5
    assert summary["population_outside"] == 9
    assert summary["stated_population"] == {"stated": 200, "points": 120.5, "communities_apart": 2}
    assert summary["rows"]["shelters"] == 2
    assert summary["shelters_outside_communities"] == 0
    with (tmp_path / "t" / "quarantine.csv").open(encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["table"], row["row"], row["used"]) for row in rows] == [
        ("population", "8", "no"),
        ("shelters", "4", "no"),
        ("population", "7", "no"),
    ]
    assert rows[1]["mend"] == "latitude and longitude swapped?"
    assert "lie in no community" in rows[2]["problem"]


def test_build_for_people(files, tmp_path):
    said = run(*build_arguments(files, tmp_path / "t", title="The Town")).stdout
    assert said.startswith("The Town: study area written to")
    assert "9 of 130 people (1 point) lie in no community" in said
    assert "states 200 people" in said
    again = run(*build_arguments(files, tmp_path / "t")).stdout
    assert "written" in again


def test_build_takes_candidates_from_the_osm_file(files, tmp_path):
    extra = (
        f'<node id="30" version="1" lat="{LAT + STEP}" lon="{LON}"><tag k="amenity" v="school"/>'
        f'</node><node id="31" version="1" lat="{LAT}" lon="{LON + STEP}"><tag k="leisure" '
        'v="park"/><tag k="name" v="Green"/></node><node id="32" version="1" '
        f'lat="{LAT}" lon="{LON}"><tag k="amenity" v="school"/><tag k="access" v="private"/></node>'
        f'<node id="33" version="1" lat="{LAT + 1}" lon="{LON}"><tag k="amenity" v="school"/>'
        "</node>"
    )
    path = tmp_path / "more.osm"
    path.write_text(osm_file().replace("</osm>", f"{extra}</osm>"), "utf-8")
    wanted = {"streets": path, "candidates-from": "all"}
    said = run(*build_arguments(files, tmp_path / "t", **wanted)).stdout
    assert "Candidate sites:   2" in said
    assert "2 places in OpenStreetMap left out: 1 closed to the public" in said
    assert "1 too far from the communities" in " ".join(said.split())
    area = StudyArea.open(tmp_path / "t")
    assert area.candidates["name"].tolist() == ["unnamed school near Street 4, node/30", "Green"]
    (source,) = [one for one in area.sources if one.table == "candidates"]
    assert source.name == "more.osm"
    assert "OpenStreetMap" in source.licence
    wanted["candidates-from"] = "park"
    run(*build_arguments(files, tmp_path / "u", **wanted))
    assert StudyArea.open(tmp_path / "u").candidates["kind"].tolist() == ["park"]


@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [
        ({"candidates-from": "prak"}, 1, "no kind of candidate site called 'prak'"),
        ({"candidates-from": ","}, 2, "name kinds such as school,park, or all"),
        ({"candidates-from": "all", "candidates": "x.csv"}, 2, "either --candidates or"),
        ({"candidates-from": "all", "streets": "c.geojson"}, 2, "needs an OpenStreetMap file"),
    ],
)
def test_candidates_that_cannot_be_taken(files, tmp_path, changed, code, said):
    given = changed | ({"streets": files / changed["streets"]} if "streets" in changed else {})
    result = run(*build_arguments(files, tmp_path / "t", **given), code=code)
    assert said in result.output


def test_coverage_by_community(town):
    rows = json.loads(run("coverage", town, "--by", "community", "--json").stdout)
    west, east = ({row["community_id"]: row for row in rows}[key] for key in "we")
    assert west["name"] == "=West"
    assert west["population"] == west["covered_population"] == 90
    assert west["coverage_share"] == 1
    assert (east["population"], east["covered_population"]) == (30.5, 20.5)
    assert east["no_path_population"] == 7
    assert east["no_network_population"] == 3
    for row in rows:
        reasons = [
            row[key]
            for key in row
            if key.endswith("_population") and key not in {"covered_population", "gap_population"}
        ]
        assert sum(reasons) + row["covered_population"] == row["population"]
    assert east["p95_distance_m"] is None


def test_coverage_by_district_and_standards(town):
    (row,) = json.loads(run("coverage", town, "--by", "district", "--json").stdout)
    assert (row["district"], row["population"], row["covered_population"]) == ("Town", 120.5, 110.5)
    (near,) = json.loads(
        run("coverage", town, "--by", "district", "--json", "--distance-m", "0").stdout
    )
    assert near["covered_population"] == 0  # they live beside a shelter of unknown room
    assert near["capacity_unknown_population"] == near["possible_people"] == 60
    (ignored,) = json.loads(
        run(
            *("coverage", town, "--by", "district", "--json"),
            *("--distance-m", "0", "--room", "ignored"),
        ).stdout
    )
    assert ignored["covered_population"] == 60
    said = run("coverage", town, "--standard", "cn_gb51143_emergency").stdout
    assert said.splitlines()[0] == (
        "The Town: longest walk 500 m (background, cn_gb51143_emergency); adult at 1.27 m/s (seen)."
    )
    assert "no way" in said
    assert "see quarantine.csv" in said


def test_coverage_by_shelter_tells_how_each_is_used(town):
    rows = json.loads(run("coverage", town, "--by", "shelter", "--json").stdout)
    assert all(
        {"shelter_id", "name", "room", "room_from", "assigned_population"} <= set(row)
        for row in rows
    )
    served = sum(row["assigned_population"] for row in rows)
    (total,) = json.loads(run("coverage", town, "--by", "district", "--json").stdout)
    assert served == total["covered_population"] + total["capacity_unknown_population"]
    said = run("coverage", town, "--by", "shelter").stdout
    assert "have a place" in said


def test_a_scenario_by_flags_is_the_one_of_a_file(town, tmp_path):
    file = tmp_path / "night.toml"
    file.write_text(Scenario.of(walker="elderly", time="night", delay_s=120.0).to_toml(), "utf-8")
    flags = ("--walker", "elderly", "--time", "night", "--delay-min", "2")
    asked = ("coverage", town, "--minutes", "10", "--json")
    assert run(*asked, *flags).stdout == run(*asked, "--scenario", file).stdout
    changed = run(*asked, "--scenario", file, "--walker", "adult").stdout
    assert changed == run(*asked, "--time", "night", "--delay-min", "2").stdout


def test_coverage_writes_files(town, tmp_path):
    for ending in ("csv", "geojson", "gpkg"):
        out = tmp_path / f"gaps.{ending}"
        run("coverage", town, "--out", out)
        assert out.stat().st_size > 0
    text = (tmp_path / "gaps.csv").read_text("utf-8-sig")
    assert "'=West" in text
    assert "OpenStreetMap" in text
    layer = json.loads((tmp_path / "gaps.geojson").read_text("utf-8"))
    assert len(layer["features"]) == 2
    assert "OpenStreetMap" in json.dumps(layer, ensure_ascii=False)
    run("coverage", town, "--by", "district", "--out", tmp_path / "d.geojson")
    (feature,) = json.loads((tmp_path / "d.geojson").read_text("utf-8"))["features"]
    assert feature["geometry"]["type"] in {"Polygon", "MultiPolygon"}
    assert "must end in" in run("coverage", town, "--out", "a.xlsx", code=2).stderr
    assert (
        "cannot be written"
        in run("coverage", town, "--out", tmp_path / "none" / "a.csv", code=1).stderr
    )


def test_nearest(town):
    rows = json.loads(run("nearest", town, "--lat", LAT, "--lon", LON, "--json").stdout)
    assert [row["shelter_id"] for row in rows] == ["007", "008"]
    assert rows[0]["name"] == "NA"
    assert rows[0]["distance_m"] == 0
    assert rows[1]["status"] == "covered"
    assert rows[1]["walk_time_s"] == rows[1]["distance_m"] / 1.27
    assert rows[1]["distance_m"] == pytest.approx(4 * STEP * 111_000, rel=0.01)
    assert (
        len(
            json.loads(
                run("nearest", town, "--lat", LAT, "--lon", LON, "--json", "--count", "1").stdout
            )
        )
        == 1
    )
    said = run("nearest", town, "--lat", LAT, "--lon", LON, "--walker", "elderly").stdout
    assert "elderly at 1.1 m/s" in said
    assert "The way to NA:" in said
    assert "School" in said


@pytest.mark.parametrize(
    ("lat", "lon", "status"),
    [
        (LAT + 8 * STEP, LON + 8.5 * STEP, "no_path"),
        (LAT + 2 * STEP, LON + 8 * STEP, "no_network"),
        (-80, 10, "outside"),
    ],
)
def test_nearest_without_a_way(town, lat, lon, status):
    result = run("nearest", town, "--lat", lat, "--lon", lon, "--json")
    (row,) = json.loads(result.stdout)
    assert row["status"] == status
    assert row["distance_m"] is row["shelter_id"] is None
    assert "Note:" in result.stderr
    assert (
        "streets there"
        in run("nearest", town, "--lat", LAT + 8 * STEP, "--lon", LON + 8.5 * STEP).stdout.lower()
    )


def test_check(town):
    found = json.loads(run("check", town, "--json").stdout)
    assert {"findings", "grades", "snapping"} == set(found)
    assert any("swapped" in row["mend"] for row in found["findings"])
    assert found["grades"][0]["district"] == "Town"
    said = run("check", town).stdout
    assert "swapped" in said
    assert "grade" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nearest", "AREA", "--lat", "114", "--lon", "22"], "swapped"),
        (["nearest", "AREA", "--lat", "nan", "--lon", "22"], "not from -90"),
        (["nearest", "AREA", "--lat", "x", "--lon", "22"], "not a valid float"),
        (["nearest", "AREA", "--lat", "1", "--lon", "1", "--walker", "bird"], "elderly"),
        (["nearest", "AREA", "--lat", "1", "--lon", "1", "--count", "0"], "0"),
        (["coverage", "AREA", "--standard", "nope"], "cn_gb51143_emergency"),
        (["coverage", "AREA", "--standard", "jp_miyagi_tsunami", "--distance-m", "5"], "one of"),
        (["coverage", "AREA", "--distance-m", "-1"], "not from 0"),
        (["coverage", "AREA", "--distance-m", "inf"], "not from 0"),
        (["build", "OUT"], "--communities"),
        (["fly"], "No such command"),
    ],
)
def test_wrong_use(town, arguments, said):
    filled = [str(town) if one == "AREA" else one for one in arguments]
    result = run(*filled, code=2)
    assert said in result.stderr
    assert result.stdout == ""


def test_build_wants_one_source_of_streets(files, tmp_path):
    both = [*build_arguments(files, tmp_path / "t"), "--place", "Somewhere"]
    assert "either --streets or --place" in run(*both, code=2).stderr
    neither = build_arguments(files, tmp_path / "t", streets=None)
    assert "either --streets or --place" in run(*neither, code=2).stderr


def test_failures_are_one_sentence(files, tmp_path, town):
    assert "'nowhere' is neither" in run("check", "nowhere", code=1).stderr
    missing = build_arguments(files, tmp_path / "t", shelters=tmp_path / "none.csv")
    assert "there is no file" in run(*missing, code=1).stderr
    url = build_arguments(files, tmp_path / "t", streets="/vsicurl/http://127.0.0.1:9/a.osm")
    assert "there is no file" in run(*url, code=1).stderr
    assert not (tmp_path / "t").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    assert "other files" in run(*build_arguments(files, tmp_path / "full"), code=1).stderr
    (tmp_path / "broken").mkdir()
    for path in town.iterdir():
        content = path.read_bytes()
        cut = content[: len(content) // 2] if path.name.startswith("demand") else content
        (tmp_path / "broken" / path.name).write_bytes(cut)
    assert "damaged" in run("check", tmp_path / "broken", code=1).stderr


def test_problems_of_all_files_come_together(files, tmp_path):
    (tmp_path / "p.csv").write_text("lat,lon,population\n" + "200,1,1\n" * 30)
    (tmp_path / "s.csv").write_text("name\nA\n")
    result = run(
        *build_arguments(
            files, tmp_path / "t", population=tmp_path / "p.csv", shelters=tmp_path / "s.csv"
        ),
        code=1,
    )
    assert "population: 30 problems" in result.stderr
    assert "no latitude column" in result.stderr
    alone = run(*build_arguments(files, tmp_path / "t", population=tmp_path / "p.csv"), code=1)
    assert "row 2: latitude 200 is out of range" in alone.stderr
    assert "... and 18 more." in alone.stderr


def test_population_elsewhere_is_an_error(files, tmp_path):
    (tmp_path / "p.csv").write_text("lat,lon,population\n50,50,9\n")
    result = run(*build_arguments(files, tmp_path / "t", population=tmp_path / "p.csv"), code=1)
    assert "same place" in result.stderr


def test_unforeseen_faults_show_no_traceback(monkeypatch, town):
    monkeypatch.setattr("shelterplan.quality.check", lambda area: 1 / 0)
    assert "should not have happened (ZeroDivisionError" in run("check", town, code=1).stderr


def test_build_of_other_osm_packings_and_layers(files, tmp_path):
    import gzip

    (tmp_path / "town.osm.gz").write_bytes(gzip.compress((files / "town.osm").read_bytes()))
    run(*build_arguments(files, tmp_path / "z", streets=tmp_path / "town.osm.gz"))
    assert json.loads(run("coverage", tmp_path / "z", "--json").stdout)[0]["population"] > 0
    with_lines = build_arguments(files, tmp_path / "l", streets=tmp_path / "lines.geojson")
    run(*build_arguments(files, tmp_path / "o"))
    streets = StudyArea.open(tmp_path / "o").streets
    layer = streets[["name", "class", "geometry"]].rename(columns={"class": "highway"})
    (tmp_path / "lines.geojson").write_text(layer.to_json(drop_id=True))
    run(*with_lines)
    answers = [run("coverage", tmp_path / name, "--json").stdout for name in "ol"]
    assert answers[0] == answers[1]
    (tmp_path / "damaged.osm").write_text(osm_file()[:400])
    assert run(
        *build_arguments(files, tmp_path / "d", streets=tmp_path / "damaged.osm"), code=1
    ).stderr.startswith("Error: ")


def grid_file(path, cells, *, step=STEP, west=LON - STEP, north=LAT + 4 * STEP, **more):
    """Write a GeoTIFF whose north-west corner lies outside the town's."""
    import numpy as np
    import rasterio

    cells = np.asarray(cells, dtype="float32")
    transform = rasterio.Affine(step, 0, west, 0, -step, north)
    size = {"height": cells.shape[0], "width": cells.shape[1]}
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": "EPSG:4326", **size}
    with rasterio.open(path, "w", **(profile | {"transform": transform} | more)) as file:
        file.write(cells[None])
    return path


def test_build_with_hazards_and_slopes(files, tmp_path):
    import numpy as np

    zone = json.loads(shapely.to_geojson(shapely.box(LON, LAT, LON + STEP, LAT + STEP)))
    far = json.loads(shapely.to_geojson(shapely.box(10, 10, 11, 11)))
    rows = [(zone, "fire", 2), (far, "fire", 1), (zone, "fire", 9)]
    features = [
        {"type": "Feature", "geometry": shape, "properties": {"hazard": word, "level": level}}
        for shape, word, level in rows
    ]
    layer = {"type": "FeatureCollection", "features": features}
    (tmp_path / "h.json").write_text(json.dumps(layer))
    depth = np.zeros((5, 5))
    depth[3, 1:3] = 0.4, 2.5
    depth[0, 0] = -9
    grid_file(tmp_path / "depth.tif", depth, nodata=-9)
    hill = np.tile(np.arange(30.0), (30, 1))
    grid_file(tmp_path / "dem.tif", hill, step=STEP / 4)
    arguments = [
        *build_arguments(files, tmp_path / "t", elevation=tmp_path / "dem.tif"),
        *("--hazards", tmp_path / "h.json", "--hazards", tmp_path / "depth.tif"),
        *("--hazard", "Flood", "--hazard-levels", "0.3,2"),
    ]
    summary = json.loads(run(*arguments, "--json").stdout)
    assert summary["hazard_zones"] == {"fire": {"2": 1}, "flood": {"1": 1, "2": 1}}
    assert summary["rows"]["hazards"] == 3
    area = StudyArea.open(tmp_path / "t")
    assert area.hazards.index.tolist() == ["1-z1", "2-z1", "2-z2"]
    assert area.hazards.geometry.iloc[1].bounds == pytest.approx((LON, LAT, LON + STEP, LAT + STEP))
    east_west = area.streets[area.streets["name"] == "Street 1"]
    assert (east_west["climb_m"] + east_west["descent_m"]).round(3).tolist() == [4, 4]
    assert summary["slopes"]["edges_unknown"] == area.streets["climb_m"].isna().sum() == 1
    said = "\n".join(area.notes)
    assert "level 1 from 0.3 m, level 2 from 2 m; 4.0% of the cells are not known" in said
    assert "1 zone away from this place left out" in said
    assert "no elevation is known for 1 of" in said
    sources = {source.name: source.table for source in area.sources}
    assert sources["depth.tif"] == sources["h.json"] == "hazards"
    assert sources["dem.tif"] == "elevation"
    with (tmp_path / "t" / "quarantine.csv").open(encoding="utf-8-sig") as stream:
        left_out = [row["row"] for row in csv.DictReader(stream) if row["table"] == "hazards"]
    assert left_out == ["3"]
    people = run(*arguments).stdout
    assert "Hazard zones:      3: fire of level 2; flood of level 1, 2" in people
    assert "pieces of street, from cells of 28 m" in people


def test_build_of_a_grid_of_people(files, tmp_path):
    import numpy as np

    cells = np.zeros((40, 40))
    cells[3, 1], cells[1, 1], cells[35, 35] = 12.5, 4, 99
    path = grid_file(tmp_path / "ppp.tif", cells)
    arguments = build_arguments(files, tmp_path / "t", population=path)
    summary = json.loads(run(*arguments, "--json").stdout)
    assert summary["population_after"] == 16.5
    assert summary["files"]["population"]["kind"] == "GeoTIFF"
    assert any("people per cell of about 111 m" in note for note in summary["notes"])
    assert StudyArea.open(tmp_path / "t").demand.index.tolist() == ["r1c1", "r3c1"]
    cells[1, 0] = 7
    west = shapely.box(LON - STEP, LAT - STEP, LON + 1.5 * STEP, LAT + 3 * STEP)
    corner = shapely.box(LON - STEP, LAT + 2 * STEP, LON, LAT + 3 * STEP)
    outline = {"type": "Feature", "properties": {"name": "West"}}
    outline["geometry"] = json.loads(shapely.to_geojson(west - corner))
    (tmp_path / "c.geojson").write_text(json.dumps(outline))
    arguments = build_arguments(
        files,
        tmp_path / "u",
        population=grid_file(tmp_path / "ppp.tif", cells),
        communities=tmp_path / "c.geojson",
    )
    summary = json.loads(run(*arguments, "--json").stdout)
    assert (summary["population_after"], summary["population_outside"]) == (16.5, 7)
    left_out = StudyArea.open(tmp_path / "u").quarantine
    said = left_out.loc[left_out["table"] == "population", "problem"]
    assert said.tolist() == ["1 cell with 7 people in no community"]


def test_build_spreads_zones(files, tmp_path):
    zones = json.loads(communities())
    for feature in zones["features"]:
        feature["properties"] |= {"population": 40, "children": 10}
    (tmp_path / "z.geojson").write_text(json.dumps(zones))
    arguments = build_arguments(files, tmp_path / "t", population=tmp_path / "z.geojson")
    plain = json.loads(run(*arguments, "--json").stdout)
    assert (plain["rows"]["demand"], plain["remarks"]) == (2, 1)
    along = json.loads(run(*arguments, "--spread", "streets", "--json").stdout)
    assert along["rows"]["demand"] > 10
    assert along["population_after"] == 80
    assert StudyArea.open(tmp_path / "t").demand["children"].sum() == 20
    assert "spread along residential streets" in along["notes"][-1]
    assert "no residential building" in run(*arguments, "--spread", "buildings", code=1).stderr
    lines = build_arguments(
        files, tmp_path / "l", population=tmp_path / "z.geojson", streets=files / "c.geojson"
    )
    said = run(*lines, "--spread", "buildings", code=2).stderr
    assert "needs the buildings of an OpenStreetMap file" in said
    points = build_arguments(files, tmp_path / "p")
    assert "text table" in run(*points, "--spread", "streets", code=1).stderr


def test_build_brings_shelters_from_another_datum(files, tmp_path):
    (tmp_path / "s.csv").write_text(f"name,lat,lon\nA,{LAT},{LON}\n")
    arguments = build_arguments(files, tmp_path / "t", shelters=tmp_path / "s.csv")
    run(*arguments, "--shelters-datum", "wgs84")
    before = StudyArea.open(tmp_path / "t").shelters.geometry.iloc[0]
    run(*arguments, "--shelters-datum", "gcj02")
    after = StudyArea.open(tmp_path / "t").shelters.geometry.iloc[0]
    assert (before.x, before.y) == (LON, LAT)
    assert 100 < before.distance(after) * 111_000 < 1_000


def test_problems_of_grids_come_with_the_others(files, tmp_path):
    (tmp_path / "s.csv").write_text("name\nA\n")
    (tmp_path / "d.tif").write_text("no tiff")
    far = grid_file(tmp_path / "far.tif", [[1.0]], west=10, north=10)
    arguments = build_arguments(
        files, tmp_path / "t", shelters=tmp_path / "s.csv", elevation=tmp_path / "d.tif"
    )
    stderr = run(*arguments, "--hazards", far, code=1).stderr
    assert "no latitude column" in stderr
    assert "d.tif is no GeoTIFF" in stderr
    assert "far.tif cannot be read as GeoTIFF: it covers nothing of the place" in stderr
    alone = build_arguments(files, tmp_path / "t", elevation=far)
    assert "covers nothing of the place" in run(*alone, code=1).stderr
    broken = build_arguments(
        files, tmp_path / "t", communities=tmp_path / "none.geojson", population=far
    )
    assert (
        run(*broken, code=1).stderr
        == "Error: there is no file " + repr(str(tmp_path / "none.geojson")) + "\n"
    )
    words = [*build_arguments(files, tmp_path / "t"), "--hazard-levels", "0.3,deep"]
    assert "give depths in metres" in run(*words, code=2).stderr


def test_streets_of_a_place(files, tmp_path, monkeypatch):
    def fetch(place, *, progress):
        if place == "Nowhere":
            raise DownloadError("the server did not answer in 180 s")
        found = read_streets(files / "town.osm", progress=progress)
        return replace(found, place="Town, Another Country")

    monkeypatch.setattr("shelterplan.sources.overpass.fetch_streets", fetch)
    arguments = build_arguments(files, tmp_path / "t", streets=None)
    assert "did not answer" in run(*arguments, "--place", "Nowhere", code=1).stderr
    assert not (tmp_path / "t").exists()
    told = run(*arguments, "--place", "Town").stdout
    assert "the place was taken to be 'Town, Another Country'" in told
    names = {source.table: source.name for source in StudyArea.open(tmp_path / "t").sources}
    assert names["streets"] == "Overpass: Town"


def test_app_is_started_on_the_wanted_area(monkeypatch):
    called = {}
    monkeypatch.setattr("shelterplan.app.launch.run", lambda **given: called.update(given))
    run("app", "somewhere", "--port", "8600")
    assert called == {"host": "127.0.0.1", "port": 8600, "area": "somewhere"}


def test_embedded_names_in_the_help_exist():
    said = run("--help").stdout
    assert all(f'"{name}"' in said for name in embedded_areas())


def test_version_and_help():
    assert run("--version").stdout.startswith("shelterplan 0.")
    said = run("--help").stdout
    for command in ("app", "build", "check", "coverage", "nearest"):
        assert command in said
        assert "Example" in run(command, "--help").stdout or command == "app"
    assert "monaco" in said


def test_start_is_quick_and_light():
    """Help must not load tables or numba; time is bounded loosely for slow machines."""
    code = (
        "import sys; sys.argv[1:] = ['--help']\n"
        "import shelterplan.cli as c\ntry: c.main()\nfinally: "
        "print([m for m in ('numba', 'geopandas', 'streamlit', 'folium') if m in sys.modules],"
        " file=sys.stderr)"
    )
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "[]"
    assert time.perf_counter() - started < 3


def test_narrow_terminals(town):
    for arguments in (["--json"], []):
        done = subprocess.run(
            [sys.executable, "-m", "shelterplan.cli", "coverage", str(town), *arguments],
            capture_output=True,
            check=False,
            env={**os.environ, "PYTHONIOENCODING": "ascii"},
        )
        assert done.returncode == 0, done.stderr
        if arguments:
            assert {row["name"] for row in json.loads(done.stdout)} == {"=West", "东区"}


def test_bar_is_drawn_only_for_people(capsys):
    class Screen(list):
        def isatty(self):
            return True

        def write(self, text):
            self.append(text)

        def flush(self):
            pass

    screen = Screen()
    cli_text.bar(shown=True, stream=screen)("reading", 0.5)
    assert "reading" in screen[0]
    assert "50%" in screen[0]
    cli_text.bar(shown=False, stream=screen)("reading", 0.7)
    cli_text.bar(shown=True)("reading", 0.7)
    assert len(screen) == 1
    assert capsys.readouterr().err == ""


def test_tables_line_up_with_wide_letters(capsys):
    cli_text.print_table(["name", "n"], [["莲花山", 5], ["a", 1234.0], ["b", math.inf]])
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["name         n", "莲花山       5", "a        1,234", "b       no way"]


def test_names_cannot_move_the_cursor():
    assert cli_text.clean("a\x1b[31m\r\u202eb") == "a [31m  b"


def test_json_is_exact_and_strict():
    assert cli_text.plain({"a": [math.nan, 0.1 + 0.2]}) == {"a": [None, 0.1 + 0.2]}
