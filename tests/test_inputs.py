"""Readers of the tables that people bring."""

import json
import math
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from shelterplan.errors import ShelterplanError, SourceError, TableError
from shelterplan.sources import inputs, text_tables
from shelterplan.sources.inputs import (
    read_candidates,
    read_communities,
    read_population,
    read_shelters,
)
from shelterplan.tables import HAZARDS


@pytest.fixture
def write(tmp_path):
    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


def square(west, south, size=1.0):
    return shapely.box(west, south, west + size, south + size)


def collection(*features, **members) -> str:
    return json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": properties,
                    "geometry": json.loads(shapely.to_geojson(geometry))
                    if geometry is not None
                    else None,
                }
                for properties, geometry in features
            ],
            **members,
        }
    )


def test_shelters_keep_text_as_written(write):
    checked = read_shelters(
        write(
            "s.csv",
            "code,name,lat,lon,capacity\n0330106,NA,22.54,114.06,\n0330107,二中,22.55,114.07,350\n",
        )
    )
    assert checked.table.index.tolist() == ["0330106", "0330107"]
    assert checked.table["name"].tolist() == ["NA", "二中"]
    assert checked.table["capacity"].isna().tolist() == [True, False]
    assert checked.table["capacity"].dtype == "Float64"
    assert checked.table.geometry.iloc[1].equals(shapely.Point(114.07, 22.55))
    assert checked.table.crs.to_epsg() == 4326
    assert checked.quarantine.empty
    assert checked.facts["rows_read"] == checked.facts["rows_kept"] == 2


def test_shelter_columns_are_those_of_the_study_area(write):
    table = read_shelters(
        write("s.csv", "name,lat,lon,status,wheelchair,indoor\nA,1,2,OPEN,YES,0\nB,1,3,,limited,\n")
    ).table
    assert table.columns.tolist() == [
        "name",
        "kind",
        "indoor",
        "capacity",
        "occupants",
        "area_m2",
        *(f"fit_{hazard}" for hazard in HAZARDS),
        "wheelchair",
        "status",
        "verified",
        "source",
        "geometry",
    ]
    assert table["status"].tolist() == ["open", "unknown"]
    assert table["wheelchair"].tolist() == ["yes", "unknown"]
    assert table["indoor"].tolist() == [False, pd.NA]
    assert table["verified"].isna().all()
    assert table["source"].tolist() == ["s.csv", "s.csv"]


def test_every_problem_is_reported_at_once_and_good_rows_go_on(write):
    checked = read_shelters(
        write(
            "s.csv",
            """id,name,lat,lon,capacity
1,good,22.54,114.06,10
2,swapped,114.06,22.54,10
3,nan,nan,114.06,10
4,inf,22.5,inf,10
5,null island,0,0,10
6,negative,22.5,114,-1
1,same id,22.6,114.1,5
8,word,22.5,114.1,many
9,projected,2500000,12700000,1
10,too,22.5,114.1,1,1
1,good,22.54,114.06,10
""",
        )
    )
    assert checked.table["name"].tolist() == ["good", "word"]
    assert checked.table["capacity"].isna().tolist() == [False, True]
    assert checked.remarks[["row", "problem"]].to_numpy().tolist() == [
        [9, "capacity 'many' is no plain number: unknown"]
    ]
    faults = checked.quarantine
    assert faults.columns.tolist() == ["table", "row", "column", "problem", "mend"]
    assert sorted(set(faults["row"])) == [3, 4, 5, 6, 7, 8, 10, 11, 12]
    swapped = faults[faults["row"] == 3].iloc[0]
    assert swapped["problem"] == "latitude 114.06 is out of range"
    assert swapped["mend"] == "latitude and longitude swapped?"
    assert "metres" in faults.loc[faults["row"] == 10, "mend"].iloc[0]
    assert "row 2" in faults.loc[faults["row"] == 8, "problem"].iloc[0]
    assert checked.facts["rows_read"] == 11


def test_no_good_row_is_an_error_that_lists_all(write):
    path = write("s.csv", "name,lat,lon\nA,114.06,22.54\nB,x,1\n")
    with pytest.raises(TableError) as raised:
        read_shelters(path)
    assert raised.value.problems[0] == (
        "row 2: latitude 114.06 is out of range (latitude and longitude swapped?)."
    )
    assert len(raised.value.problems) == 2


def test_missing_columns_are_named_together(write):
    with pytest.raises(TableError, match=r"latitude.*longitude") as raised:
        read_shelters(write("s.csv", "name,breite,laenge\nA,1,2\n"))
    assert "breite" in str(raised.value)
    with pytest.raises(TableError, match="population"):
        read_population(write("p.csv", "lat,lon\n1,2\n"))


@pytest.mark.parametrize(
    ("encoding", "found"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("gb18030", "gb18030"), ("utf-16", "utf-16")],
)
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_chinese_headers_encodings_and_separators(write, encoding, found, mark):
    text = "名称,纬度,经度,可容纳人数\n莲花山公园,22.55,114.05,1200\n".replace(",", mark)
    checked = read_shelters(write("s.csv", text.encode(encoding)))
    assert checked.table["name"].tolist() == ["莲花山公园"]
    assert checked.table["capacity"].tolist() == [1200.0]
    assert checked.facts["encoding"] == found
    assert checked.facts["delimiter"] == text_tables.DELIMITERS[mark]


def test_western_bytes_are_not_taken_for_chinese(write):
    data = "name,lat,lon\nEscola São João,-30,-51\n".encode("cp1252")
    with pytest.raises(SourceError, match="CSV UTF-8"):
        read_shelters(write("s.csv", data))


def test_row_numbers_are_those_of_a_spreadsheet(write):
    checked = read_shelters(write("s.csv", 'name,lat,lon\n"two\nlines",1,2\n\nbad,95,2\n'))
    assert checked.quarantine["row"].tolist() == [4]
    assert checked.table["name"].tolist() == ["two\nlines"]


@pytest.mark.parametrize("newline", ["\r", "\n", "\r\n"])
def test_every_kind_of_newline(write, newline):
    lines = ["", "name,lat,lon", "A,1,2", "", "B,1,300"]
    checked = read_shelters(write("s.csv", newline.join(lines)))
    assert checked.table["name"].tolist() == ["A"]
    assert checked.quarantine["row"].tolist() == [5]


def test_limits(write, monkeypatch):
    with pytest.raises(SourceError, match="quotation mark"):
        read_shelters(write("s.csv", 'name,lat,lon\n"' + "x" * 200_000))
    long = read_shelters(write("l.csv", f"name,lat,lon\nA,1,2\n{'x' * 20_000},1,2\n"))
    assert "10,000 characters" in long.quarantine["problem"].iloc[0]
    monkeypatch.setattr(text_tables, "MAX_ROWS", 3)
    with pytest.raises(SourceError, match="more than 3 rows"):
        read_shelters(write("r.csv", "name,lat,lon\n" + "A,1,2\n" * 9))
    with pytest.raises(SourceError, match="more than 3 rows"):  # and no further is read
        read_shelters(write("e.csv", "name,lat,lon\n" + "A,1,2\n" * 9 + '"' + "x" * 200_000))
    monkeypatch.setattr("shelterplan.sources.vector.MAX_BYTES", 10)
    with pytest.raises(SourceError, match="at most"):
        read_shelters(write("b.csv", "name,lat,lon\nA,1,2\n"))


def test_two_columns_of_one_name_are_refused(write):
    with pytest.raises(SourceError, match="two columns called lat"):
        read_shelters(write("s.csv", "name,lat,Lat,lon\nA,1,2,3\n"))


def test_population_with_groups(write):
    checked = read_population(
        write(
            "p.csv",
            "LAT,Lon,人口,children,elderly_65\n1,2,10,3,\n1,3,5.5,9,1\n1,4,,0,0\n1,2,10,3,\n",
        )
    )
    assert checked.table["population"].tolist() == [10.0, 5.5, 10.0]
    assert checked.table["population"].dtype == "float64"
    assert checked.table["children"].tolist() == [3.0, 9.0, 3.0]
    assert checked.table["elderly_65"].isna().tolist() == [True, False, True]
    assert checked.quarantine["row"].tolist() == [4]
    assert "empty" in checked.quarantine["problem"].iloc[0]
    assert sorted(checked.remarks["row"]) == [3, 5]  # the second household of a block counts


def test_a_community_that_a_file_names_is_not_passed_over_in_silence(write):
    head = "lat,lon,population"
    plain = read_population(write("p.csv", f"{head}\n1.0,2.0,3\n"))
    named = read_population(write("q.csv", f"{head},community_id\n1.0,2.0,3,north\n"))
    assert "note" not in plain.facts
    assert "community_id is not used" in named.facts["note"]


def test_population_polygons_become_points_inside(write):
    checked = read_population(
        write(
            "p.geojson",
            collection(({"population": 7, "id": "a"}, square(10, 50)), ({"pop": 1}, None)),
        )
    )
    assert checked.table.index.tolist() == ["a"]
    assert square(10, 50).contains(checked.table.geometry.iloc[0])
    assert "polygons" in checked.remarks["problem"].iloc[0]
    assert checked.quarantine["row"].tolist() == [2, 2, 2]


def test_communities_from_geojson(write):
    checked = read_communities(
        write(
            "c.geojson",
            collection(
                ({"code": "007", "NAME": "West", "district": "D", "pop": 12}, square(0, 1)),
                ({"code": "008", "NAME": "", "district": "D", "pop": None}, square(1, 1)),
            ),
        )
    )
    assert checked.table.index.tolist() == ["007", "008"]
    assert checked.table.index.name == "community_id"
    assert checked.table["name"].tolist() == ["West", "008"]
    assert checked.table["population"].isna().tolist() == [False, True]
    assert checked.remarks["row"].tolist() == [2]


def test_communities_repaired_refused_and_overlapping(write):
    bow = shapely.Polygon([(5, 5), (6, 6), (6, 5), (5, 6)])
    checked = read_communities(
        write(
            "c.geojson",
            collection(
                ({"id": "a", "name": "A"}, square(0, 0)),
                ({"id": "b", "name": "B"}, square(0.5, 0)),
                ({"id": "c", "name": "C"}, bow),
                ({"id": "d", "name": "D"}, shapely.Point(3, 3)),
                ({"id": "e", "name": "E"}, square(500000, 4000000)),
                ({"id": "f", "name": "F"}, shapely.LineString([(0, 0), (1, 1)])),
            ),
        )
    )
    assert checked.table.index.tolist() == ["a", "b", "c"]
    assert checked.table.is_valid.all()
    assert checked.quarantine["row"].tolist() == [4, 5, 6]
    assert "EPSG:4326" in checked.quarantine["mend"].iloc[1]
    said = dict(zip(checked.remarks["row"], checked.remarks["problem"], strict=True))
    assert "50.0%" in said[2]
    assert "repaired" in said[3]


def test_communities_are_no_text_table(write):
    with pytest.raises(TableError, match="polygons"):
        read_communities(write("c.csv", "id,name,lat,lon\n1,A,1,2\n"))


def test_other_systems_are_brought_to_lon_lat(tmp_path):
    table = gpd.GeoDataFrame(
        {"community_id": ["a"], "name": ["A"]}, geometry=[square(10, 50)], crs=4326
    )
    table.to_crs(32632).to_file(tmp_path / "c.gpkg", engine="pyogrio")
    table.to_crs(3857).to_parquet(tmp_path / "c.parquet")
    for name in ("c.gpkg", "c.parquet"):
        read = read_communities(tmp_path / name)
        assert read.table.crs.to_epsg() == 4326
        assert read.table.geometry.iloc[0].equals_exact(square(10, 50), 1e-6)
        assert read.facts["crs"] in {"EPSG:32632", "EPSG:3857"}


def test_general_id_that_repeats_is_no_id(write):
    table = read_communities(
        write(
            "c.geojson",
            collection(
                ({"gb": 1, "name": "A"}, square(0, 1)), ({"gb": 1, "name": "B"}, square(1, 1))
            ),
        )
    ).table
    assert table.index.tolist() == ["c1", "c2"]


def test_candidates_have_a_cost(write):
    path = write("c.csv", "site_id,name,lat,lon,cost\nx,X,1,2,1000\ny,Y,1,3,\n")
    table = read_candidates(path).table
    assert table.index.name == "site_id"
    assert table["cost"].isna().tolist() == [False, True]


def test_polygonal_part_of_nothing_is_empty():
    assert inputs.polygonal_part(shapely.LineString([(0, 0), (1, 1)])).is_empty


CELLS = st.sampled_from(
    [
        "",
        "1",
        "-1",
        "nan",
        "inf",
        "1e400",
        "114",
        "90.1",
        "=x",
        '"',
        "名",
        "NA",
        "1_0",
        "a,b",
        "\r",
        "\0",
        "9" * 400,
    ]
)
HEADS = ["lat,lon,name,population", "lat;lon;id;capacity", "y\tx\tchildren\tpopulation", ""]


@settings(max_examples=60, deadline=None)
@given(
    head=st.sampled_from(HEADS),
    rows=st.lists(st.lists(CELLS, max_size=5), max_size=5),
    mark=st.sampled_from(",;\t"),
    encoding=st.sampled_from(["utf-8", "gb18030", "utf-16"]),
)
def test_any_table_is_read_or_refused_in_words(tmp_path_factory, head, rows, mark, encoding):
    text = "\n".join([head, *(mark.join(row) for row in rows)])
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(text.encode(encoding))
    for reader in (read_shelters, read_population, read_candidates, read_communities):
        try:
            checked = reader(path)
        except ShelterplanError:
            continue
        assert checked.table.index.is_unique
        assert len(checked.table) == len(checked.rows) == checked.facts["rows_kept"]
        assert checked.table.geometry.is_valid.all()


def test_deprivation_is_kept_on_any_scale_and_what_is_no_number_is_unknown(tmp_path):
    table = gpd.GeoDataFrame(
        {"name": ["A", "B", "C"], "deprivation": ["-1.5", "high", None]},
        geometry=[shapely.box(i, 0, i + 0.5, 0.5) for i in range(3)],
        crs=4326,
    )
    file = tmp_path / "wards.geojson"
    table.to_file(file)
    found = read_communities(file)
    assert found.table["deprivation"].tolist() == pytest.approx(
        [-1.5, math.nan, math.nan], nan_ok=True
    )
    assert "'high' is not a number" in found.remarks["problem"].str.cat()
