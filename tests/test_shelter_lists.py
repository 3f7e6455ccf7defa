"""Shelter lists in the layouts of several countries, and Excel workbooks."""

import io
import json
import tracemalloc
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.styles import numbers as formats

from shelterplan import tables
from shelterplan.errors import SourceError, TableError, UnknownNameError
from shelterplan.sources import columns, workbooks
from shelterplan.sources.datums import from_wgs84
from shelterplan.sources.inputs import read_candidates, read_communities, read_shelters
from shelterplan.tables import HAZARDS


@pytest.fixture
def write(tmp_path):
    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


@pytest.fixture
def book(tmp_path):
    """Write a workbook of sheets (name: rows)."""

    def write_book(**sheets) -> Path:
        workbook = Workbook()
        workbook.remove(workbook.active)
        for name, rows in sheets.items():
            sheet = workbook.create_sheet(name)
            for row in rows:
                sheet.append(row)
        workbook.save(tmp_path / "list.xlsx")
        return tmp_path / "list.xlsx"

    return write_book


def fit(table, row):
    return {hazard: table[f"fit_{hazard}"].iloc[row] for hazard in HAZARDS}


JAPAN_HAZARDS = "洪水,崖崩れ、土石流及び地滑り,高潮,地震,津波,大規模な火事,内水氾濫,火山現象"
JAPAN_END = "指定避難所との住所同一,緯度,経度,備考"
JAPAN_OLD = f"""市町村コード,都道府県名及び市町村名,NO,施設・場所名,住所,{JAPAN_HAZARDS},{JAPAN_END}
01100,北海道札幌市,1,大通公園,札幌市中央区大通西,1,,,1,,1,,,,43.0606,141.3465,
01100,北海道札幌市,2,中島公園,札幌市中央区中島公園,,,,1,,1,,1,1,43.0451,141.3545,夜間閉鎖
01202,北海道函館市,1,函館公園,函館市青柳町,,,,○,,△,,,,41.7570,140.7140,
"""
JAPAN_NEW = f"""NO,共通ID,施設・場所名,住所,{JAPAN_HAZARDS},{JAPAN_END}
1,E0110000000001,大通公園,札幌市中央区大通西,1,,,1,,1,,,,43.0606,141.3465,
"""


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932"])
def test_japan_older_header(write, encoding):
    checked = read_shelters(write("mergeFromCity_2.csv", JAPAN_OLD.encode(encoding)))
    assert checked.facts["layout"] == "Japan GSI"
    assert checked.facts["encoding"] == encoding
    table = checked.table
    assert table.index.tolist() == ["01100-1", "01100-2", "01202-1"]
    assert table["name"].tolist() == ["大通公園", "中島公園", "函館公園"]
    assert set(table["kind"]) == {"emergency"}
    assert fit(table, 0) == {
        "flood": "yes",
        "landslide": "no",
        "storm_surge": "no",
        "earthquake": "yes",
        "tsunami": "no",
        "fire": "yes",
        "inland_flood": "no",
        "volcano": "no",
        "tornado": "unknown",
    }
    assert fit(table, 1)["volcano"] == "yes"
    assert fit(table, 2)["earthquake"] == "yes"
    assert fit(table, 2)["fire"] == "unknown"
    assert checked.remarks["problem"].tolist() == [
        "大規模な火事 '△' is neither yes nor no: unknown"
    ]
    assert table["capacity"].isna().all()
    assert table.geometry.iloc[0].equals(shapely.Point(141.3465, 43.0606))
    tables.checked("shelters", table)


def test_japan_newer_header(write):
    checked = read_shelters(write("13101_2.csv", "\ufeff" + JAPAN_NEW))
    assert checked.facts["layout"] == "Japan GSI"
    assert checked.table.index.tolist() == ["E0110000000001"]
    assert fit(checked.table, 0)["flood"] == "yes"


AMERICA = """SHELTER_ID,SHELTER_NAME,ADDRESS,CITY,STATE,ZIP,SHELTER_STATUS,EVACUATION_CAPACITY,\
POST_IMPACT_CAPACITY,TOTAL_POPULATION,HOURS_OPEN,HOURS_CLOSE,ORG_NAME,ADA_COMPLIANT,\
WHEELCHAIR_ACCESSIBLE,PET_ACCOMMODATIONS_CODE,GENERATOR_ONSITE,IN_100_YR_FLOODPLAIN,LATITUDE,\
LONGITUDE
00321,Topsail,1 Main St,Hampstead,NC,28443,OPEN,400,200,57,,,ARC,YES,UNK,NONE,NO,YES,34.37,-77.7
00322,Town Gym,2 Main St,Hampstead,NC,28443,FULL,,90,90,,,ARC,UNK,NO,NONE,NO,NO,34.38,-77.71
00323,Church,3 Main St,Hampstead,NC,28443,ALERT,null,null,,,,ARC,UNK,UNK,,UNK,UNK,34.39,-77.72
00324,Nowhere,4 Main St,Hampstead,NC,28443,CLOSED,10,5,0,,,ARC,NO,UNK,,,,null,
00325,Hall,5 Main St,Hampstead,NC,28443,EVACUATING,10,5,0,,,ARC,NO,YES,,,,34.4,-77.73
"""


def test_america(write):
    checked = read_shelters(write("OpenShelters.csv", AMERICA))
    assert checked.facts["layout"] == "US National Shelter System"
    table = checked.table
    assert table.index.tolist() == ["00321", "00322", "00323", "00325"]
    assert table["status"].tolist() == ["open", "full", "closed", "unknown"]
    assert table["capacity"].fillna(-1).tolist() == [400, 90, -1, 10]
    assert table["occupants"].fillna(-1).tolist() == [57, 90, -1, 0]
    assert table["wheelchair"].tolist() == ["yes", "no", "unknown", "yes"]
    assert table["fit_flood"].tolist() == ["no", "unknown", "unknown", "unknown"]
    assert set(checked.quarantine["row"]) == {5}
    assert "latitude 'null' is not a finite number" in checked.quarantine["problem"].tolist()
    said = dict(zip(checked.remarks["row"], checked.remarks["problem"], strict=True))
    assert said == {
        3: "capacity is not given: post_impact_capacity is taken",
        4: "status 'alert' means not open yet: taken as closed",
        6: "status 'evacuating' is not known",
    }
    tables.checked("shelters", table)


CHINA = [
    ["编号", "名称", "地址", "区", "类型", "面积", "有效面积", "可容纳人数", "经度", "纬度"],
    ["0330106", "莲花山公园", "红荔路", "福田区", "中心避难场所", "1.5公顷", "9,000平方米",
     "1.2万", "114.05", "22.55"],
    ["0330107", "二中", "东门路", "罗湖区", "室内应急避难场所", "2500㎡", "", "约300", "114.06",
     "22.56"],
    ["0330108", "体育馆", "体育路", "福田区", "紧急避难场所", "", "1200", "1,200人", "114.07",
     "22.57"],
]  # fmt: skip


def check_china(checked):
    table = checked.table
    assert checked.facts["layout"] == "China"
    assert table.index.tolist() == ["0330106", "0330107", "0330108"]
    assert table["kind"].tolist() == ["central", "室内应急避难场所", "emergency"]
    assert table["area_m2"].tolist() == [9000, 2500, 1200]
    assert table["capacity"].fillna(-1).tolist() == [12000, -1, 1200]
    assert table["district"].tolist() == ["福田区", "罗湖区", "福田区"]
    assert checked.quarantine.empty
    said = checked.remarks["problem"].tolist()
    assert "可容纳人数 '约300' is no plain number: unknown" in said
    assert "可容纳人数 '1,200人' is read as 1,200" in said
    assert "有效面积 '9,000平方米' is read as 9,000" in said
    assert "effective area is not given: the whole area is taken" in said
    tables.checked("shelters", table)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_china_csv(write, encoding):
    text = "\n".join(",".join(f'"{cell}"' for cell in row) for row in CHINA)
    check_china(read_shelters(write("s.csv", text.encode(encoding))))


def test_china_workbook(book):
    checked = read_shelters(book(避难场所=[["深圳市避难场所一览表"], [], *CHINA], 说明=[["x"]]))
    check_china(checked)
    assert checked.facts["kind"] == "Excel workbook"
    assert checked.facts["sheet"] == "避难场所"
    assert set(checked.remarks["row"]) == {4, 5, 6}


def test_units_in_the_header(write):
    head = "名称,经度,纬度,面积（公顷）,可容纳人数(万人)"
    rows = ["甲,114,22,1.5,0.3", "乙,114,23,2平方米,9人"]
    table = read_shelters(write("s.csv", "\n".join([head, *rows]))).table
    assert table["area_m2"].tolist() == [15000, 2]
    assert table["capacity"].tolist() == [3000, 9]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("300", 300), ("300人", 300), ("1,200", 1200), ("1，200 人", 1200), ("12 500", 12500),
        ("1'200", 1200), ("１２００", 1200), ("3e2", 300), ("300 people", 300), ("0", 0),
        ("approx 300", None), ("约300", None), ("300-500", None), ("1.200", None), ("1,2", None),
        ("1,20,000", None), ("many", None), ("", None), ("UNK", None), ("300 m2", None),
        ("1_0", None), ("inf", None), ("1e400", None), ("9" * 400, None), ("300+", None),
        ("=300", None),
    ],
)  # fmt: skip
def test_capacity_is_read_or_unknown(write, text, number):
    rows = f'id,name,lat,lon,capacity\n1,A,1,2,"{text}"\n2,B,1,3,5\n'
    checked = read_shelters(write("s.csv", rows))
    assert checked.quarantine.empty
    assert checked.table["capacity"].tolist()[1] == 5
    found = checked.table["capacity"].iloc[0]
    assert pd.isna(found) if number is None else found == number
    plain = text.isdigit() and text.isascii() and len(text) < 9
    assert len(checked.remarks) == (not plain and text not in {"", "UNK", "3e2"})


@pytest.mark.parametrize("text", ["-1", "-300人", "−5"])
def test_a_negative_capacity_leaves_the_row_out(write, text):
    checked = read_shelters(
        write("s.csv", f"id,name,lat,lon,capacity\n1,A,1,2,{text}\n2,B,1,3,5\n")
    )
    assert checked.table.index.tolist() == ["2"]
    assert "negative" in checked.quarantine["problem"].iloc[0]


@given(st.integers(0, 10**12), st.sampled_from(["", "人", " people"]))
def test_separators_change_no_number(number, unit):
    for written in (f"{number}{unit}", f"{number:,}{unit}", f"{number:,}{unit}".replace(",", " ")):
        assert columns.read_amount(written, columns.PEOPLE)[0] == number


@given(st.text(max_size=12))
def test_any_cell_is_a_finite_number_or_none(text):
    value, _ = columns.read_amount(text, columns.SQUARE_METRES)
    assert value != value or abs(value) < float("inf")  # noqa: PLR0124  (NaN)


def test_our_own_columns_in_every_format(tmp_path, write):
    rows = {
        "shelter_id": ["007", "008"],
        "name": ["A", "B"],
        "kind": ["Short", "tent city"],
        "capacity": [10.0, None],
        "occupants": [4, None],
        "flood": ["yes", "no"],
        "fit_fire": ["unknown", "yes"],
        "status": ["open", "full"],
    }
    points = gpd.points_from_xy([10, 11], [50, 51])
    layer = gpd.GeoDataFrame(rows, geometry=points, crs=4326)
    layer.to_file(tmp_path / "s.gpkg", engine="pyogrio")
    layer.to_parquet(tmp_path / "s.parquet")
    (tmp_path / "s.geojson").write_text(layer.to_json(), encoding="utf-8")
    layer.drop(columns="geometry").assign(lat=[50, 51], lon=[10, 11]).to_csv(
        tmp_path / "s.csv", index=False
    )
    for name in ("s.gpkg", "s.parquet", "s.geojson", "s.csv"):
        checked = read_shelters(tmp_path / name)
        assert checked.facts["layout"] == "own"
        table = checked.table
        assert table.index.tolist() == ["007", "008"]
        assert table["kind"].tolist() == ["short", "tent city"]
        assert table["fit_flood"].tolist() == ["yes", "no"]
        assert table["fit_fire"].tolist() == ["unknown", "yes"]
        assert table["fit_tsunami"].tolist() == ["unknown"] * 2
        assert table["occupants"].fillna(-1).tolist() == [4, -1]
        assert table["status"].tolist() == ["open", "full"]
        assert "district" not in table


def test_bus_stops_of_openstreetmap_are_no_shelters(write):
    def feature(**tags):
        return {
            "type": "Feature",
            "properties": tags,
            "geometry": {"type": "Point", "coordinates": [7.4, 43.7]},
        }

    rows = [
        feature(**{"@id": "node/1"}, amenity="shelter", shelter_type="public_transport"),
        feature(**{"@id": "node/2"}, amenity="shelter"),
        feature(
            **{"@id": "node/3", "assembly_point:flood": "yes", "assembly_point:fire": "no"},
            emergency="assembly_point",
            name="Stade",
        ),
        feature(**{"@id": "node/4"}, amenity="school", name="École"),
    ]
    content = json.dumps({"type": "FeatureCollection", "features": rows})
    checked = read_shelters(write("export.geojson", content))
    assert checked.facts["layout"] == "OpenStreetMap tags"
    assert checked.table.index.tolist() == ["node/3", "node/4"]
    assert checked.table["kind"].tolist() == ["assembly_point", "school"]
    assert fit(checked.table, 0)["flood"] == "yes"
    assert fit(checked.table, 0)["fire"] == "no"
    assert checked.quarantine["problem"].tolist() == [
        "amenity=shelter with shelter_type public_transport: a roof, no emergency shelter",
        "amenity=shelter with shelter_type none given: a roof, no emergency shelter",
    ]


@pytest.mark.parametrize("reader", [read_shelters, read_candidates])
@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_a_declared_datum_is_brought_to_wgs84(write, reader, datum):
    lon, lat = from_wgs84(114.06, 22.54, datum)
    text = f"id,name,lat,lon\n1,A,{lat[0]:.9f},{lon[0]:.9f}\n2,B,48.86,2.35\n"
    checked = reader(write("s.csv", text), datum=datum)
    assert checked.table.geometry.iloc[0].distance(shapely.Point(114.06, 22.54)) < 1e-8
    assert checked.table.geometry.iloc[1].equals(shapely.Point(2.35, 48.86))
    assert "1 rows lie outside China" in checked.remarks["problem"].iloc[0]
    assert datum[:2].upper() in checked.facts["datum"]
    undeclared = reader(write("s.csv", text))
    assert undeclared.table.geometry.iloc[0].x == pytest.approx(lon[0], abs=1e-8)
    assert undeclared.facts["datum"] == "WGS 84"
    with pytest.raises(UnknownNameError, match="mars"):
        reader(write("s.csv", text), datum="mars")


def test_a_workbook_keeps_zeros_dates_and_sheets(tmp_path):
    workbook = Workbook()
    sheet = workbook.active
    sheet.title = "A"
    sheet.append(["code", "name", "lat", "lon", "capacity", "verified", "indoor"])
    sheet.append([330106, "=1+1", 22.5, 114, "=SUM(1,2)", pd.Timestamp("2024-05-06"), True])
    sheet["A2"].number_format = "0000000"
    sheet["F2"].number_format = formats.FORMAT_DATE_YYYYMMDD2
    workbook.create_sheet("B").append(["name", "lat", "lon"])
    workbook["B"].append(["Other", 22.6, 114.1])
    workbook.save(tmp_path / "s.xlsx")
    first = read_shelters(tmp_path / "s.xlsx").table
    assert first.index.tolist() == ["0330106"]
    assert first["name"].tolist() == ["0330106"]  # a formula that was never computed has no value
    assert first["capacity"].isna().all()
    assert first["verified"].tolist() == ["2024-05-06"]
    assert first["indoor"].tolist() == [True]
    assert read_shelters(tmp_path / "s.xlsx", layer="B").table["name"].tolist() == ["Other"]
    with pytest.raises(SourceError, match="no sheet 'C'; sheets: A, B"):
        read_shelters(tmp_path / "s.xlsx", layer="C")
    with pytest.raises(TableError, match="polygons"):
        read_communities(tmp_path / "s.xlsx")


ROWS = [["name", "lat", "lon"], ["A", 1, 2]]


def rewritten(path, **parts):
    """Return the bytes of a workbook with some parts replaced."""
    target = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            data = old.read(member)
            new.writestr(member.filename, parts.get(Path(member.filename).stem, data))
    return target.getvalue()


def sheet_xml(rows, head=""):
    return (
        f'<?xml version="1.0"?>{head}<worksheet '
        'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"<sheetData>{rows}</sheetData></worksheet>"
    )


def cell(at, text):
    return f'<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>'


HEAD = f'<row r="1">{cell("A1", "name")}{cell("B1", "lat")}{cell("C1", "lon")}</row>'


def test_entities_are_refused(book, write):
    path = book(a=ROWS)
    entity = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b SYSTEM "file:///etc/passwd">]>'
    row = f'<row r="2">{cell("A2", "&a;&b;")}<c r="B2"><v>1</v></c><c r="C2"><v>2</v></c></row>'
    for encoding in ("utf-8", "utf-16"):
        sheet = sheet_xml(HEAD + row, head=entity).encode(encoding)
        with pytest.raises(SourceError, match="document type"):
            read_shelters(write("evil.xlsx", rewritten(path, sheet1=sheet)))


def test_a_workbook_that_unpacks_without_bound_is_refused(book, write, monkeypatch):
    path = book(a=ROWS)
    bomb = sheet_xml(HEAD + " " * 30_000_000)
    with pytest.raises(SourceError, match="far more than its own size"):
        read_shelters(write("bomb.xlsx", rewritten(path, sheet1=bomb)))
    monkeypatch.setattr(workbooks, "MAX_UNPACKED_BYTES", 100)
    with pytest.raises(SourceError, match="far more than its own size"):
        read_shelters(path)
    monkeypatch.setattr(workbooks, "MAX_MEMBERS", 2)
    with pytest.raises(SourceError, match="members"):
        read_shelters(path)


def test_a_member_that_declares_less_than_it_holds_is_refused(book, write):
    data = bytearray(rewritten(book(a=ROWS), sheet1=sheet_xml(HEAD + " " * 4_000_000)))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size.to_bytes(4, "little")
    small = data.replace(size, (300).to_bytes(4, "little"))
    assert small != data
    tracemalloc.start()
    with pytest.raises(SourceError, match="no whole Excel workbook"):
        read_shelters(write("liar.xlsx", bytes(small)))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2_000_000, "all of it was unpacked"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(book, tmp_path, method):
    with (
        zipfile.ZipFile(book(a=ROWS)) as old,
        zipfile.ZipFile(tmp_path / "m.xlsx", "w", method) as new,
    ):
        for member in old.infolist():
            new.writestr(member.filename, old.read(member))
    with pytest.raises(SourceError, match="packed in a way"):
        read_shelters(tmp_path / "m.xlsx")


def test_far_corners_cost_nothing(book, write):
    path = book(a=ROWS)
    good = '<row r="2">' + cell("A2", "A") + '<c r="B2"><v>1</v></c><c r="C2"><v>2</v></c></row>'
    corner = f'<row r="1048576">{cell("XFD1048576", "far")}</row>'
    checked = read_shelters(
        write("c.xlsx", rewritten(path, sheet1=sheet_xml(HEAD + good + corner)))
    )
    assert checked.table["name"].tolist() == ["A"]
    assert checked.quarantine[["row", "problem"]].to_numpy().tolist() == [
        [1048576, "has 16384 fields, the header has 3"]
    ]
    endless = f'<row r="99999999999">{cell("A99999999999", "x")}</row>'
    with pytest.raises(SourceError, match="more than 2,000,000 rows"):
        read_shelters(write("e.xlsx", rewritten(path, sheet1=sheet_xml(HEAD + endless))))


def test_limits_of_a_sheet(book, monkeypatch):
    path = book(a=[*ROWS, ["B", 1, 3]])
    monkeypatch.setattr(workbooks, "MAX_CELLS", 8)
    with pytest.raises(SourceError, match="8 cells"):
        read_shelters(path)
    monkeypatch.setattr(workbooks, "MAX_COLUMNS", 2)
    monkeypatch.setattr(workbooks, "MAX_CELLS", 100)
    with pytest.raises(SourceError, match="3 columns"):
        read_shelters(path)


@pytest.mark.parametrize(
    "part",
    [{"sheet1": "<worksheet"}, {"workbook": "no xml"}, {"sheet1": sheet_xml('<row r="x"/>')}],
)
def test_a_damaged_workbook_is_a_sentence(book, write, part):
    path = book(a=ROWS)
    with pytest.raises(SourceError, match=r"Excel workbook|cannot be read"):
        read_shelters(write("d.xlsx", rewritten(path, **part)))
    with pytest.raises(SourceError):
        read_shelters(write("cut.xlsx", path.read_bytes()[:-40]))


def test_an_empty_sheet_has_no_columns(book):
    with pytest.raises(TableError, match="latitude"):
        read_shelters(book(a=[]))


@given(st.binary(max_size=200), st.integers(0, 4000))
def test_a_workbook_with_any_bytes_changed_is_read_or_refused(tmp_path_factory, junk, at):
    path = tmp_path_factory.getbasetemp() / "any.xlsx"
    workbook = Workbook()
    for row in ROWS:
        workbook.active.append(row)
    workbook.save(path)
    data = path.read_bytes()
    path.write_bytes(data[:at] + junk + data[at + len(junk) :])
    try:
        checked = read_shelters(path)
    except (SourceError, TableError):
        return
    assert len(checked.table) == 1


def test_a_capacity_that_no_shelter_has_leaves_the_row_out(tmp_path):
    file = tmp_path / "shelters.csv"
    file.write_text("name,lat,lon,capacity\nA,0.1,3,1e9\nB,0.1,3.1,500\n", "utf-8")
    found = read_shelters(file)
    assert found.table["capacity"].tolist() == [500]
    assert found.quarantine["row"].tolist() == [2]
    assert "more than any shelter holds" in found.quarantine["problem"][0]


def test_candidates_keep_what_else_is_known_of_them(write):
    text = "id,name,lat,lon,area_m2,flood,wheelchair,district\n"
    text += "a,A,1,2,500,yes,no,Town\nb,B,1,3,,maybe,,\n"
    checked = read_candidates(write("c.csv", text))
    assert checked.table["fit_flood"].tolist() == ["yes", "unknown"]
    assert checked.table["wheelchair"].tolist() == ["no", "unknown"]
    assert checked.table["district"].tolist() == ["Town", ""]
    assert "fit_fire" not in checked.table
    assert checked.table["area_m2"].isna().tolist() == [False, True]
    assert "'maybe' is neither yes nor no" in checked.remarks["problem"].iloc[0]


def test_the_area_of_candidates_is_that_of_their_outline_where_none_is_given(write):
    outline = json.loads(shapely.to_geojson(shapely.box(7, 43, 7.001, 43.001)))
    rows = [
        {"type": "Feature", "geometry": outline, "properties": {"name": name, "area_m2": area}}
        for name, area in (("A", 500), ("B", None), ("C", None))
    ]
    content = json.dumps({"type": "FeatureCollection", "features": rows})
    checked = read_candidates(write("c.geojson", content))
    assert checked.table["area_m2"].round(-1).tolist() == [500, 9060, 9060]
    assert checked.remarks["problem"].tolist() == [
        "area is not given in 2 rows: that of the outline is taken"
    ]


def test_faults_of_candidates_are_told_by_row(write):
    text = "name,lat,lon,capacity,cost\nA,1,2,10,5\nB,1,2,many,5\nC,1,2,10,-1\nD,91,2,,\n"
    checked = read_candidates(write("c.csv", text))
    assert checked.table["name"].tolist() == ["A", "B"]
    assert checked.table["capacity"].isna().tolist() == [False, True]
    assert [*zip(checked.quarantine["row"], checked.quarantine["column"], strict=True)] == [
        (4, "cost"),
        (5, "lat"),
    ]
