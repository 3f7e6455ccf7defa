"""Odd tables, damaged folders, far places: nobody is lost, and nothing is guessed in silence."""

import hashlib
import json
import tomllib

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import tomli_w
from click.testing import CliRunner

from shelterplan import StudyArea, area_files, make_plan
from shelterplan.cli import main
from shelterplan.errors import AreaError, TableError
from shelterplan.finder import find_shelters
from shelterplan.gazetteer import search
from shelterplan.quality import check
from shelterplan.sources.geojson import parse_geojson
from shelterplan.study_area import metric_crs
from tests.village import box, communities, demand, lonlat, point, shelters, streets, village

FAR = shapely.Point(lonlat(0, 0)[0] + 90, 0.0)
"""A place that the metric CRS of the village does not reach."""


@pytest.fixture
def folder(tmp_path):
    village(notes=["a note"]).save(tmp_path / "v")
    return tmp_path / "v"


def rewrite(folder, change):
    """Change a saved manifest."""
    path = folder / area_files.MANIFEST
    manifest = tomllib.loads(path.read_text("utf-8"))
    del manifest["sha256"]
    change(manifest)
    path.write_bytes(area_files.sealed(tomli_w.dumps(manifest)))


def forge(folder, table, change):
    """Change a saved table, and its hash in the manifest to match."""

    def change_both(manifest):
        path = folder / manifest["tables"][table]["file"]
        read = pd.read_parquet if table in {"dropped", "quarantine"} else gpd.read_parquet
        change(read(path)).to_parquet(path)
        manifest["tables"][table]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()

    rewrite(folder, change_both)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("crs", "EPSG:4326", "crs is 'EPSG:4326' and not 'EPSG:32631'"),
        ("crs", "EPSG:3857", "EPSG:32631"),
        ("name", 5, "5 is not a text"),
        ("title", ["a"], "not a text"),
        ("notes", "abc", "'abc' is not a list"),
        ("notes", [1], "1 is not a text"),
        ("illustrative", "shelters", "not a list"),
        ("source", [{"table": "x", "name": 2}], "2 is not a text"),
        ("source", ["x"], "does not fit together"),
        ("translations", {"zh": {"a note": 1}}, "1 is not a text"),
        ("format", "1", "has format '1', not 2"),
    ],
)
def test_a_manifest_that_lies_is_refused(folder, key, value, told):
    rewrite(folder, lambda manifest: manifest.update({key: value}))
    with pytest.raises(AreaError, match=told):
        StudyArea.open(folder)


@pytest.mark.parametrize(
    ("table", "change", "told"),
    [
        ("demand", {"community_id": "nowhere"}, "communities that do not exist: nowhere"),
        ("entrances", {"shelter_id": "nowhere"}, "entrances belong to no shelter: school:1"),
        ("shelters", {"indoor": "maybe"}, "indoor must be true or false"),
        ("shelters", {"name": b"\x80"}, "does not fit together"),
    ],
)
def test_tables_that_do_not_fit_together_lose_nobody(folder, table, change, told):
    forge(folder, table, lambda rows: rows.assign(**change))
    with pytest.raises(AreaError, match=told):
        StudyArea.open(folder)


@pytest.mark.parametrize(("table", "column"), [("dropped", "ways"), ("quarantine", "mend")])
def test_a_report_without_a_column_is_refused_at_once(folder, table, column):
    forge(folder, table, lambda rows: rows.drop(columns=column))
    with pytest.raises(AreaError, match=f"lacks.*{column}"):
        StudyArea.open(folder)


def test_a_table_that_is_not_there_is_named(folder):
    rewrite(folder, lambda manifest: manifest["tables"].pop("places"))
    with pytest.raises(AreaError, match="it lacks 'places'"):
        StudyArea.open(folder)


def test_people_of_a_community_are_those_of_its_points_after_opening_too(folder):
    forge(folder, "communities", lambda rows: rows.assign(population=999.0))
    opened = StudyArea.open(folder)
    assert opened.communities["population"].sum() == opened.demand["population"].sum() == 200


def test_an_area_that_is_saved_while_it_is_read_is_read_anew(folder, monkeypatch):
    newer = village(demand=demand([("west", 1, 10, 0)]))
    read_table, saved = area_files._table, []

    def save_meanwhile(*arguments):
        if not saved:
            saved.append(newer.save(folder))
        return read_table(*arguments)

    monkeypatch.setattr(area_files, "_table", save_meanwhile)
    assert StudyArea.open(folder).version == newer.version


def test_your_own_folder_wins_over_an_embedded_area_of_its_name(tmp_path, monkeypatch):
    village().save(tmp_path / "monaco")
    monkeypatch.chdir(tmp_path)
    assert StudyArea.open("monaco").title == "Village"


@pytest.mark.parametrize("words", ["yes", ["True", "False"], [2, 3]])
def test_flags_that_are_none_are_told(words):
    with pytest.raises(TableError, match=r"indoor must be true or false \(2 rows"):
        village(shelters=shelters().assign(indoor=words))


def test_flags_may_be_numbers_or_unknown():
    area = village(shelters=shelters().assign(indoor=[1.0, np.nan]))
    assert area.shelters["indoor"].tolist() == [True, pd.NA]


def test_more_people_than_can_be_added_up_exactly_are_refused():
    with pytest.raises(TableError, match=r"population must be a number from 0 to 8,589,934,592"):
        village(demand=demand().assign(population=[1e308, 9e9, 1, 1, 1]))


def test_an_empty_id_and_a_table_without_geometry_are_told():
    with pytest.raises(TableError, match="an id is empty"):
        village(shelters=shelters().set_axis(pd.Index([None, "a"], dtype=object)))
    with pytest.raises(TableError, match="it has no geometry"):
        village(demand=gpd.GeoDataFrame({"community_id": ["west"], "population": [1]}))


@pytest.mark.parametrize("shape", [FAR, FAR.buffer(0.01)])
def test_a_shelter_on_another_side_of_the_earth_stops_nothing(shape):
    table = pd.concat([shelters(), shelters([("far", "Far", None, shape)])])
    area = village(shelters=table)
    assert set(area.entrances["shelter_id"]) == {"school", "park"}
    pd.testing.assert_series_equal(
        make_plan(area).demand["distance_m"], make_plan(village()).demand["distance_m"]
    )
    found = check(area).findings
    assert found[found["row"] == "far"]["code"].tolist() == ["shelter_no_entrance"]


def test_streets_of_another_place_are_refused():
    far = streets().edges
    far = far.set_geometry(shapely.transform(far.geometry.array, lambda xy: xy + np.array([1, 0])))
    with pytest.raises(AreaError, match="do both files show the same place"):
        village(streets=type(streets())(far, streets().dropped, 6, ""))


def test_a_position_on_another_side_of_the_earth_is_outside():
    assert find_shelters(village(), FAR.x, FAR.y).status == "outside"


def test_a_district_where_nobody_lives_is_listed():
    plan = make_plan(village(demand=demand([("west", 5, 10, 0)])))
    assert plan.districts.index.tolist() == ["Sea", "Town"]
    sea = plan.districts.loc["Sea"]
    assert sea["population"] == sea["no_path_population"] == 0
    assert np.isnan(sea["coverage_share"])


def test_the_metric_crs_of_a_place_across_180_degrees_is_one_of_its_own():
    halves = shapely.MultiPolygon(
        [shapely.box(179.99, -17, 180, -16.9), shapely.box(-180, -17, -179.98, -16.9)]
    )
    east = shapely.Point(179.995, -16.95)
    edges = streets().edges.assign(length_m=lambda edges: edges["length_m"] * 1.01)
    moved = shapely.transform(edges.geometry.array, lambda xy: xy + np.array([176.99, -16.95]))
    area = village(
        streets=type(streets())(edges.set_geometry(moved), streets().dropped, 6, ""),
        communities=communities().iloc[:1].set_geometry([halves]),
        demand=demand([("west", 5, 0, 0)]).set_geometry([east]),
        shelters=shelters([("s", "S", 5, east)]),
    )
    assert area.crs == metric_crs(-179.995, -16.95)


def test_shelters_on_an_island_are_counted():
    # the hut stands on the island path, from which no street leads to the village
    table = shelters([("school", "S", 1, point(600, 90)), ("hut", "Hut", 1, point(25, 3001))])
    snapping = check(village(shelters=table)).snapping
    assert snapping.loc["entrances", "still_on_island"] == 1
    assert snapping.loc["entrances", "on_island_if_nearest"] == 1
    assert snapping.loc["demand", "still_on_island"] == 0


def test_a_shelter_on_the_border_of_a_community_is_in_it():
    table = shelters([("s", "S", None, shapely.Point(communities().total_bounds[0], 0.0))])
    found = check(village(shelters=table)).findings
    assert "shelters_outside" not in set(found["code"])


def test_a_gate_between_two_parks_is_one_of_both():
    gates = gpd.GeoDataFrame({"emergency_only": [None]}, geometry=[point(500, 0)], crs="EPSG:4326")
    parks = [("a", "A", 1, box(300, -20, 500, 50)), ("b", "B", 1, box(500, -20, 600, 50))]
    found = village(shelters=shelters(parks), gates=gates).entrances
    assert found[["shelter_id", "how"]].to_numpy().tolist() == [["a", "mapped"], ["b", "mapped"]]


def test_an_endless_search_text_is_cut():
    assert search(village(), "high street" + " " * 200 + "x" * 100_000)[0].score == 100


def test_half_a_letter_costs_no_file():
    text = json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "id": "\ud800",
                    "geometry": {"type": "Point", "coordinates": [3, 1]},
                    "properties": {"name": "a\ud800b"},
                }
            ],
        }
    )
    layer = parse_geojson(text.encode(), "x.geojson")
    assert layer[["name", "id"]].to_numpy().tolist() == [["a?b", "?"]]


def test_districts_without_people_are_zero_in_every_file(tmp_path):
    village(demand=demand([("west", 5, 10, 0)])).save(tmp_path / "v")
    out = tmp_path / "d.geojson"
    done = CliRunner().invoke(
        main, ["coverage", str(tmp_path / "v"), "--by", "district", "--out", str(out), "--json"]
    )
    assert [row["population"] for row in json.loads(done.stdout)] == [0, 5]
    written = json.loads(out.read_text("utf-8"))["features"]
    assert [one["properties"]["population"] for one in written] == [0, 5]
