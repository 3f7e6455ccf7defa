"""Threats whose defence no other test would miss; each test fails when the defence is taken out.

The rows stand in SECURITY.md, with the module that defends and the test for each.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import textwrap
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import pytest
import rasterio
import shapely
from openpyxl import Workbook
from streamlit_folium import _get_feature_group_string

from shelterplan.app import uploads
from shelterplan.errors import ShelterplanError, SourceError
from shelterplan.scenario import Scenario, ScenarioError
from shelterplan.siting import proposal
from shelterplan.siting.candidate_rules import SuitabilityRules
from shelterplan.siting.proposal import read_proposal
from shelterplan.siting.result import SitingError
from shelterplan.sources import (
    child,
    child_entry,
    osm_pbf,
    population_grid,
    vector,
    vector_child,
    workbooks,
)
from shelterplan.sources import geojson as parse
from shelterplan.sources.inputs import read_population, read_shelters
from shelterplan.sources.osm import read_streets
from shelterplan.views import map as views

from .osm_xml import grid as nodes
from .osm_xml import osm, way
from .test_views_map import BOX, a_map, page

TAG = "<img src=x onerror=window.__X=1>"
POINT = {"type": "Point", "coordinates": [7.0, 43.0]}
DEEP = "GEOMETRYCOLLECTION(" * 200_000


def unwritten(text):
    r"""Return a script's text with its \uXXXX read, as the browser hands it to Leaflet."""
    return re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)


def layers():
    """Yield what each way of putting text on a map sends to the browser."""
    mark = views.Marked(at=(7.43, 43.74), number=1, name=TAG, chosen=True)
    painted = views.chosen_community(shapely.box(*BOX), move=False)
    views.paint_communities(painted, ["#00224e"], [TAG])
    shut = views.chosen_community(shapely.box(*BOX), move=False)
    views.mark_shut(shut, signs=[views.Sign(at=(7.42, 43.73), tip=TAG, shut=True)])
    you = {"you": (7.42, 43.73), "route": [(7.42, 43.73), (7.43, 43.74)]}
    groups = {
        "number": views.answer_group(you_tip="", shelters=[mark], **you),
        "you": views.answer_group(you_tip=TAG, **you),
        "painted": painted,
        "shut": shut,
    }
    made = a_map("x")
    for name, group in groups.items():
        yield name, _get_feature_group_string(group, made)
    dots, zones = a_map("x"), a_map("x")
    views.add_shelters(dots, [((7.42, 43.73), TAG)])
    views.add_zones(zones, [(4, shapely.box(*BOX))], source=TAG)
    yield "dots", page(dots)
    yield "zones", page(zones)
    look = views.Look(attribution=TAG, zoom_in="", zoom_out="", label="", streets_failed="")
    assets = views.Assets(vendor="../vendor", streets="../streets/a.bin")
    yield "attribution", page(views.base_map(bounds=BOX, ground=None, assets=assets, look=look))


def test_each_way_onto_the_map_escapes_for_what_the_script_reads():
    sent = dict(layers())
    assert len(sent) == 7
    for name, text in sent.items():
        assert "onerror" in unwritten(text), name
        assert "<img" not in unwritten(text), name


def geojson(tmp_path, *features, **members):
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features, **members}))
    return path


def feature(geometry=POINT, **properties):
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def test_features_that_share_no_name_do_not_make_a_square(tmp_path):
    path = geojson(tmp_path, *(feature(**{f"k{i}": 1}) for i in range(1_001)))
    with pytest.raises(SourceError, match=r"more than 1,000 columns"):
        read_shelters(path)


def test_a_table_of_more_cells_than_the_cap_is_refused(tmp_path, monkeypatch):
    path = geojson(tmp_path, *(feature(name="A", **{f"k{i}": 1}) for i in range(9)))
    monkeypatch.setattr(parse, "MAX_CELLS", 90)
    assert len(read_shelters(path).table) == 9
    monkeypatch.setattr(parse, "MAX_CELLS", 89)
    with pytest.raises(SourceError, match="9 features of 10 columns"):
        read_shelters(path)


@pytest.mark.parametrize("code", [5703, 4978], ids=["heights", "from the Earth's centre"])
def test_systems_that_place_nothing_on_the_map_are_refused(tmp_path, code):
    crs = {"type": "name", "properties": {"name": f"EPSG:{code}"}}
    with pytest.raises(SourceError, match=r"WGS 84"):
        read_shelters(geojson(tmp_path, feature(name="A"), crs=crs))
    table = gpd.GeoDataFrame({"name": ["A"]}, geometry=[shapely.Point(7, 43)], crs=code)
    table.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(SourceError, match=r"places nothing on the map"):
        read_shelters(tmp_path / "a.parquet")


def test_half_a_letter_in_the_name_of_a_column_is_text(tmp_path):
    path = tmp_path / "a.geojson"
    path.write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":'
        '{"na\\ud800me":["\\ud800"],"name":"A"},"geometry":{"type":"Point","coordinates":[7,43]}}]}'
    )
    assert read_shelters(path).table["name"].tolist() == ["A"]


def test_one_row_of_more_people_than_can_be_added_up_is_set_aside(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("lat,lon,population\n43,7,12\n43,7,1e300\n")
    found = read_population(path)
    assert found.table["population"].tolist() == [12.0]
    assert found.quarantine["row"].tolist() == [3]


@pytest.mark.parametrize(
    "text",
    [
        'closed_areas = ["' + DEEP + '"]',
        "hazard_level = " + "9" * 5_000,
        "closed_areas = " + "[" * 5_000 + "]" * 5_000,
        "k" * 5_000 + " = 1",
        f'phase = "{"x" * 5_000}"',
        'walker = "' + "x" * 5_000 + '"',
        "delay_s = " + "9" * 400,
    ],
    ids=["deep outline", "digits", "deep lists", "long name", "long text", "walker", "number"],
)
def test_a_hostile_scenario_is_one_sentence(tmp_path, text):
    """The deep outline ended the whole program: it runs where that is seen."""
    path = tmp_path / "s.toml"
    path.write_text(text)
    if DEEP in text:
        survives(f"Scenario.from_toml({str(path)!r})")
    with pytest.raises(ShelterplanError) as caught:
        Scenario.from_toml(path)
    assert len(str(caught.value)) < 1_000


def survives(expression):
    """Evaluate an expression in another interpreter, which must end with an error of ours."""
    code = f"""
    from shelterplan.errors import ShelterplanError
    from shelterplan.scenario import Scenario
    from shelterplan.siting.candidate_rules import SuitabilityRules
    try:
        {expression}
    except ShelterplanError:
        print("refused")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr[-300:]


def test_excluded_land_does_not_end_the_program():
    survives('SuitabilityRules(excluded_land=(("a", "GEOMETRYCOLLECTION(" * 200_000),))')
    with pytest.raises(SitingError, match="must be a polygon"):
        SuitabilityRules(excluded_land=(("a", "GEOMETRYCOLLECTION(POINT(0 0))"),))


@pytest.mark.parametrize("name", ["nothing.toml", "."])
def test_a_scenario_that_is_no_file_is_a_sentence(tmp_path, name):
    with pytest.raises(ScenarioError, match="cannot be opened"):
        Scenario.from_toml(tmp_path / name)


def test_a_reader_of_its_own_is_capped_before_it_reads():
    code = """
    import resource
    from types import SimpleNamespace
    from shelterplan.sources import child_entry
    def told(_):
        caps = (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE)
        caps += (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE)
        print(*(resource.getrlimit(one)[0] for one in caps))
        return {"main": lambda *_: None}
    child_entry.runpy = SimpleNamespace(run_path=told)
    child_entry.main("vector_child")
    """
    pytest.importorskip("resource")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    memory, seconds, written, files, dump = map(int, done.stdout.split())
    assert 0 < memory <= child_entry.MEMORY_BYTES
    assert 0 < seconds <= child_entry.CPU_S
    assert 0 < written <= child_entry.FILE_BYTES
    assert 0 < files <= 256
    assert dump == 0


def test_a_reader_of_its_own_gets_no_network_no_plugins_and_nothing_of_ours(monkeypatch):
    monkeypatch.setenv("CANARY_SECRET", "x")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("GDAL_DRIVER_PATH", "/somewhere")
    told = child.environment_of(["VRT"])
    assert not {"CANARY_SECRET", "HTTPS_PROXY"} & set(told)
    assert told["GDAL_DRIVER_PATH"] == "disable"
    assert told["GDAL_VRT_ENABLE_PYTHON"] == "NO"
    assert told["OGR_SQLITE_LOAD_EXTENSIONS"] == ""
    assert told["CPL_VSIL_CURL_ALLOWED_EXTENSIONS"] == ".none"
    assert told["PROJ_NETWORK"] == "OFF"


def test_a_reader_of_its_own_refuses_to_read_with_another_driver_on(tmp_path, monkeypatch):
    table = gpd.GeoDataFrame({"name": ["A"]}, geometry=[shapely.Point(7, 43)], crs=4326)
    table.to_file(tmp_path / "a.gpkg", engine="pyogrio")
    given = vector._child_environment("gpkg")
    live = dict.fromkeys(("GDAL_SKIP", "OGR_SKIP"), given["GDAL_SKIP"].replace(",OGR_VRT", ""))
    monkeypatch.setattr(vector, "_child_environment", lambda _: given | live)
    with pytest.raises(SourceError, match="drivers could not be limited to GPKG: GPKG, OGR_VRT"):
        vector.read_vector(tmp_path / "a.gpkg")


@pytest.mark.parametrize("ending", ["gpkg", "parquet"])
def test_a_reader_of_its_own_sees_a_name_of_ours(tmp_path, monkeypatch, ending):
    table = gpd.GeoDataFrame({"name": ["A"]}, geometry=[shapely.Point(7, 43)], crs=4326)
    path = tmp_path / f"PG:user=a,b.{ending}"
    table.to_parquet(path) if ending == "parquet" else table.to_file(path, driver="GPKG")
    seen, run = [], vector.run_reader

    def noted(reader, arguments, **more):
        seen.extend(arguments)
        run(reader, arguments, **more)

    monkeypatch.setattr(vector, "run_reader", noted)
    assert len(vector.read_vector(path)) == 1
    assert Path(seen[1]).name == f"in.{ending}"
    assert "user=a" not in "".join(seen)


def test_a_reader_of_its_own_is_cut_off_from_modules_that_lie_about(tmp_path, monkeypatch):
    entry = tmp_path / "entry.py"
    entry.write_text("import sys; sys.stderr.write(f'isolated: {sys.flags.isolated}'); sys.exit(3)")
    monkeypatch.setattr(child, "ENTRY", entry)
    limits = {"environment": child.environment_of([]), "timeout_s": 60.0}
    with pytest.raises(SourceError, match="isolated: 1"):
        child.run_reader("vector_child", ["gpkg", "in"], name="a", kind="GeoPackage", **limits)


def test_what_an_archive_holds_gets_names_of_ours(tmp_path, monkeypatch):
    table = gpd.GeoDataFrame({"name": ["A"]}, geometry=[shapely.Point(7, 43)], crs=4326)
    table.to_file(tmp_path / "a.shp", engine="pyogrio")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for ending in (".shp", ".shx", ".dbf", ".prj", ".cpg"):
            archive.write(tmp_path / f"a{ending}", f"../../b/PG:user=a{ending}")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    seen, run = set(), vector.run_reader

    def noted(reader, arguments, **more):
        run(reader, arguments, **more)
        seen.update(path.stem for path in tmp_path.rglob("*") if path.is_file())

    monkeypatch.setattr(vector, "run_reader", noted)
    assert len(vector.read_vector(tmp_path / "a.zip")) == 1
    assert seen == {"a", "in", "out"}
    assert [*(tmp_path / "temporary").iterdir()] == []


def test_an_archive_that_unpacks_beyond_the_cap_is_refused(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.shp", bytes(600))
        archive.writestr("a.dbf", bytes(600))
    monkeypatch.setattr(vector, "MAX_UNPACKED_BYTES", 1_000)
    with pytest.raises(SourceError, match="unpack to far more"):
        vector.read_vector(tmp_path / "a.zip")


def test_a_block_of_streets_that_unpacks_beyond_the_cap_is_refused(tmp_path, monkeypatch):
    text = osm(*nodes(3), way(1, [1, 2, 3], {"highway": "footway", "name": "a" * 900}))
    with osmium.SimpleWriter(str(tmp_path / "a.osm.pbf")) as writer:
        for thing in osmium.FileProcessor(osmium.io.FileBuffer(text.encode(), "osm")):
            writer.add(thing)
    assert len(read_streets(tmp_path / "a.osm.pbf").edges) == 1
    monkeypatch.setattr(osm_pbf, "MAX_BLOB_BYTES", 500)
    with pytest.raises(SourceError, match="unpacks to more than the format allows"):
        read_streets(tmp_path / "a.osm.pbf")


def test_what_all_sessions_keep_is_bounded(monkeypatch):
    limits = uploads.Limits(None)
    scope = {"path": f"{uploads.PATH}session/file"}
    assert limits._too_many(scope) is None
    monkeypatch.setattr(limits.held, "total_bytes", lambda: uploads.MOST_KEPT_BYTES)
    assert limits._too_many(scope) == (503, "there is no room for more files now, try again later")
    monkeypatch.setattr(limits.held, "total_bytes", lambda: 0)
    monkeypatch.setattr(limits.held, "sizes", lambda _: [1] * uploads.MOST_KEPT)
    assert limits._too_many(scope) == (429, "too many files")


def test_a_proposal_has_no_more_bytes_than_the_cap(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("name,lat,lon\nA,43,7\n" + "\n" * proposal.MOST_BYTES)
    with pytest.raises(SourceError, match="larger than 5 MB"):
        read_proposal(path)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_has_not_are_refused(tmp_path, number):
    path = geojson(tmp_path, feature(name="A", capacity=4321))
    path.write_text(path.read_text().replace("4321", number))
    with pytest.raises(SourceError, match=f"{number} is not a JSON number"):
        read_shelters(path)


def test_a_feature_outside_the_world_is_set_aside(tmp_path):
    away = {"type": "Point", "coordinates": [7.0, 430.0]}
    found = read_shelters(geojson(tmp_path, feature(name="A"), feature(away, name="B")))
    assert found.table["name"].tolist() == ["A"]
    assert found.quarantine["row"].tolist() == [2]


def test_a_text_table_has_no_more_columns_than_the_cap(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("name,lat,lon," + ",".join(f"c{i}" for i in range(998)) + "\nA,43,7\n")
    with pytest.raises(SourceError, match="1,001 columns; at most 1,000"):
        read_shelters(path)


def test_more_features_than_the_cap_are_refused(tmp_path, monkeypatch):
    path = geojson(tmp_path, feature(name="A"), feature(name="B"))
    monkeypatch.setattr(vector, "MAX_FEATURES", 2)
    assert len(vector.read_vector(path)) == 2
    monkeypatch.setattr(vector, "MAX_FEATURES", 1)
    with pytest.raises(SourceError, match="at most 1 are read"):
        vector.read_vector(path)


def test_geoparquet_that_unpacks_beyond_the_cap_is_refused(tmp_path, monkeypatch):
    table = gpd.GeoDataFrame({"name": ["A"]}, geometry=[shapely.Point(7, 43)], crs=4326)
    table.to_parquet(tmp_path / "a.parquet")
    assert len(vector_child.read_parquet(str(tmp_path / "a.parquet"))[0]) == 1
    monkeypatch.setattr(vector_child, "UNPACKED_BYTES", 10)
    with pytest.raises(ValueError, match="unpacks to more"):
        vector_child.read_parquet(str(tmp_path / "a.parquet"))
    monkeypatch.undo()
    assert vector_child.MAX_ROWS == vector.MAX_FEATURES
    monkeypatch.setattr(vector_child, "MAX_ROWS", 0)
    with pytest.raises(ValueError, match="has 1 rows; at most 0"):
        vector_child.read_parquet(str(tmp_path / "a.parquet"))


def grid(tmp_path, cells, crs="EPSG:4326", step=0.01):
    path = tmp_path / "a.tif"
    profile = {"driver": "GTiff", "count": 1, "dtype": "float64", "crs": crs}
    size = {"height": cells.shape[0], "width": cells.shape[1]}
    place = rasterio.Affine(step, 0, 7, 0, -step, 44)
    with rasterio.open(path, "w", **profile, **size, transform=place) as file:
        file.write(cells, 1)
    return path


def test_more_cells_with_people_than_the_cap_are_refused(tmp_path, monkeypatch):
    path = grid(tmp_path, np.array([[1.0, 2.0]]))
    monkeypatch.setattr(population_grid, "MAX_POINTS", 2)
    assert len(read_population(path).table) == 2
    monkeypatch.setattr(population_grid, "MAX_POINTS", 1)
    with pytest.raises(SourceError, match="at most 1"):
        read_population(path)


def test_grids_that_lie_nowhere_or_hold_impossible_people_are_refused(tmp_path):
    site = rasterio.crs.CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]')
    with pytest.raises(SourceError, match="coordinate system"):
        read_population(grid(tmp_path, np.ones((1, 2)), crs=site))
    with pytest.raises(SourceError, match="than live on Earth"):
        read_population(grid(tmp_path, np.array([[1.0, 1e300]])))
    with pytest.raises(SourceError, match="nowhere on Earth"):
        read_population(grid(tmp_path, np.ones((1, 2)), step=300.0))


def test_a_workbook_is_not_padded_to_a_square_beyond_the_cap(tmp_path, monkeypatch):
    book = Workbook()
    book.active.append(["lat", "lon", *(f"c{i}" for i in range(48))])
    for _ in range(20):
        book.active.append([43.0, 7.0])
    book.save(tmp_path / "a.xlsx")
    monkeypatch.setattr(workbooks, "MAX_CELLS", 500)
    with pytest.raises(SourceError, match="more than 500 cells"):
        read_shelters(tmp_path / "a.xlsx")


def test_a_proposal_has_no_more_sites_than_the_cap(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("name,lat,lon\n" + "".join(f"S{i},43.{i:03},7\n" for i in range(201)))
    with pytest.raises(SitingError, match="1 to 200 sites, not 201"):
        read_proposal(path)


def test_what_a_proposal_says_of_itself_is_short_text_or_nothing(tmp_path):
    own = {"format": "shelterplan proposal 1", "title": "\ud800" * 900, "area": {"name": [1]}}
    found = read_proposal(geojson(tmp_path, feature(name="A"), shelterplan=own))
    assert (found.title, found.area_name) == ("?" * 200, "")
    found.to_bytes()
