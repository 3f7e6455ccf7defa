"""Files to take away, colours of the map, and the curve."""

from __future__ import annotations

import io
import itertools
import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from shelterplan.coverage import STATUSES
from shelterplan.views import exports
from shelterplan.views.charts import STATUS_COLOURS, CurveWords, stacked_people, walk_curve
from shelterplan.views.scale import EMPTY, difference_scale, minutes_scale, people_scale

FACTS = exports.Facts(
    attribution="© OpenStreetMap contributors",
    illustrative=("shelters",),
    manifest={
        "area": {"version": "abc"},
        "scenario": {"walker": {"name": "elderly", "speed_m_s": 1.1}, "hazard": "flood"},
        "standard": {"max_distance_m": float("inf"), "max_time_s": 600.0, "name": "own"},
    },
)
SAVED = FACTS.manifest | {"standard": {"max_distance_m": None, "max_time_s": 600.0, "name": "own"}}
"""The manifest as JSON can tell it."""


@pytest.fixture
def table():
    return gpd.GeoDataFrame(
        {
            "name": ["=HYPERLINK(1)", "民田路", "-5"],
            "population": [10.0, 20.0, 0.0],
            "median_distance_m": [120.5, np.inf, np.nan],
        },
        geometry=[shapely.box(i, 0, i + 1, 1) for i in range(3)],
        index=pd.Index(["@a", "007", "c"], name="community_id"),
        crs="EPSG:4326",
    )


def test_csv_runs_no_formula_and_keeps_every_sign(table):
    raw = exports.to_csv(table, FACTS)
    assert raw.startswith(b"\xef\xbb\xbf")
    back = pd.read_csv(io.BytesIO(raw), dtype=str, encoding="utf-8-sig", keep_default_na=False)
    assert back["community_id"].tolist() == ["'@a", "007", "c"]
    assert back["name"].tolist() == ["'=HYPERLINK(1)", "民田路", "'-5"]
    assert back["median_distance_m"].tolist() == ["120.5", "inf", ""]
    assert set(back["attribution"]) == {FACTS.attribution}
    assert set(back["illustrative"]) == {"shelters"}
    assert json.loads(back["manifest"][0]) == SAVED
    assert set(back["scenario"]) == {"walker: elderly; hazard: flood"}
    assert set(back["standard"]) == {"max_time_s: 600; name: own"}


@given(st.text())
def test_no_cell_of_text_begins_like_a_formula(text):
    frame = pd.DataFrame({"name": [text]}, index=pd.Index([text], name="community_id"))
    raw = exports.to_csv(frame, FACTS).decode("utf-8-sig")
    row = pd.read_csv(io.StringIO(raw), dtype=str, keep_default_na=False, lineterminator=None)
    for cell in row.iloc[0, :2]:
        assert not str(cell).startswith(exports.FORMULA)


def test_geojson_carries_its_facts_and_is_json(table):
    made = json.loads(exports.to_geojson(table, FACTS), parse_constant=pytest.fail)
    assert made["attribution"] == FACTS.attribution
    assert made["illustrative"] == ["shelters"]
    assert made["manifest"] == SAVED
    assert made["scenario"] == "walker: elderly; hazard: flood"
    assert made["standard"] == "max_time_s: 600; name: own"
    assert [f["properties"]["median_distance_m"] for f in made["features"]] == [120.5, None, None]
    assert made["features"][1]["properties"]["name"] == "民田路"


def test_geopackage_carries_its_facts(table, tmp_path):
    path = tmp_path / "gaps.gpkg"
    path.write_bytes(exports.to_geopackage(table, FACTS, layer="gaps"))
    info = pyogrio.read_info(path, layer="gaps")
    assert json.loads(info["layer_metadata"]["manifest"]) == SAVED
    assert info["layer_metadata"]["scenario"] == "walker: elderly; hazard: flood"
    assert info["layer_metadata"]["attribution"] == FACTS.attribution
    assert pyogrio.read_dataframe(path)["name"].tolist() == table["name"].tolist()


@given(st.lists(st.floats(0, 1e6), max_size=50))
def test_every_number_of_people_has_one_class(counts):
    scale = people_scale(counts)
    assert len(scale.steps) <= 6
    for count in counts:
        assert (scale.colour(count) == EMPTY) == (count == 0)
    limits = [(step.low, step.high) for step in scale.steps]
    assert all(low <= high for low, high in limits)
    assert all(a[1] + 1 == b[0] for a, b in itertools.pairwise(limits))
    colours = [step.colour for step in scale.steps]
    assert len(set(colours)) == len(colours)


def test_more_people_stand_out_on_either_ground():
    light, dark = people_scale([5, 500]), people_scale([5, 500], dark=True)
    assert light.steps[-1].colour == dark.steps[0].colour == "#00224e"


@given(st.lists(st.floats(-1e6, 1e6), max_size=50))
def test_every_difference_has_a_class_of_its_sign(differences):
    scale = difference_scale(differences)
    losses = {step.colour for step in scale.steps if step.low < 0}
    gains = {step.colour for step in scale.steps if step.low > 0}
    assert len(losses) <= 3 >= len(gains)
    assert not losses & gains
    assert all(step.low <= step.high for step in scale.steps)
    assert [s.low for s in scale.steps] == sorted(s.low for s in scale.steps)
    for value in differences:
        wanted = {EMPTY} if value == 0 else losses if value < 0 else gains
        assert scale.colour(value) in wanted


def test_extra_minutes_are_rounded_up_to_their_class():
    scale = minutes_scale()
    assert scale.colour(0) == EMPTY
    assert scale.colour(1) == scale.steps[0].colour
    assert scale.colour(2) == scale.steps[1].colour
    assert scale.colour(500) == scale.steps[-1].colour


def test_curve_shows_the_standard_and_no_infinity():
    curve = pd.DataFrame({"walk": [0.0, 25.0, np.inf], "share": [0.0, 0.5, 1.0]})
    words = CurveWords(x="x", y="y", standard="500 m", description="d")
    spec = walk_curve(curve, limit=500.0, words=words)
    assert spec["data"]["values"] == [
        {"walk": 0.0, "share": 0.0},
        {"walk": 25.0, "share": 0.5},
    ]
    assert spec["layer"][1]["data"]["values"][0]["walk"] == 500.0
    json.dumps(spec, allow_nan=False)


def test_curve_of_nobody_is_empty():
    spec = walk_curve(
        pd.DataFrame({"walk": [], "share": []}),
        limit=500.0,
        words=CurveWords(x="", y="", standard="", description=""),
    )
    assert spec["data"]["values"] == []


def test_every_status_has_a_colour_of_its_own():
    assert set(STATUS_COLOURS) == set(STATUSES)
    assert len(set(STATUS_COLOURS.values())) == len(STATUSES)


@pytest.mark.parametrize("dark", [False, True])
def test_bars_hold_all_people_and_stay_apart_by_name(dark):
    people = pd.DataFrame({"covered": [3.0, 0.0], "too_far": [2.0, 4.0]})
    labels = {"covered": "in", "too_far": "out"}
    spec = stacked_people(
        ["Mill", "Mill"], people, labels=labels, x_title="x", description="d", dark=dark
    )
    values = spec["data"]["values"]
    assert sum(value["people"] for value in values) == 9.0
    assert [(value["name"], value["status"]) for value in values] == [
        ("Mill", "in"),
        ("Mill", "out"),
        ("Mill (2)", "out"),
    ]
    assert spec["encoding"]["y"]["scale"]["domain"] == ["Mill", "Mill (2)"]
    assert spec["encoding"]["color"]["scale"]["range"] == [
        STATUS_COLOURS["covered"],
        STATUS_COLOURS["too_far"],
    ]
    json.dumps(spec, allow_nan=False)
