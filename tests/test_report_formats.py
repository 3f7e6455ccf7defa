"""The formats of a report: each is read back and compared with its tables, cell by cell."""

from __future__ import annotations

import dataclasses
import io
import math
import re
import socket
import sqlite3
import threading
import zipfile
from collections import Counter
from datetime import date
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import geopandas as gpd
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pypdf
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from shelterplan.errors import UnknownNameError
from shelterplan.scenario import Scenario
from shelterplan.siting.proposal import Proposal
from shelterplan.standards import AccessStandard
from shelterplan.study_area import ATTRIBUTION
from shelterplan.views.exports import FORMULA, safe_cell
from shelterplan.views.pdf import to_pdf
from shelterplan.views.report import report, styles
from shelterplan.views.report.as_csv import SAID
from shelterplan.views.report.formats import FORMATS, in_format
from shelterplan.views.report.parts import quoted
from tests import village

from .test_report import rows_of, sites, text_of
from .test_views_escape import PAYLOADS

DAY = date(2026, 1, 31)
FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-5", "@SUM(1)", "\t=2", "\r=3"]
NAMES = [*PAYLOADS, *FORMULAS, "NA", "民田路 <3"]


def hostile():
    """Return the village with a zone, somebody far away, and names that mean harm."""

    def named(table, first):
        return table.assign(name=[NAMES[(first + i) % len(NAMES)] for i in range(len(table))])

    zone = gpd.GeoDataFrame(
        {"hazard": "flood", "level": [1, 4], "return_period": [100, 10], "source": NAMES[:2]},
        geometry=[village.box(550, -300, 1100, 300), village.box(900, -300, 1100, 300)],
        index=pd.Index(["z1", "z4"], name="zone_id"),
        crs=4326,
    )
    empty = village.communities().iloc[[0]].set_axis(["nobody"])
    empty.geometry = [village.box(1050, -50, 1200, 100)]
    area = village.village(
        communities=named(pd.concat([village.communities(), empty]), 8),
        shelters=named(village.shelters(), 11),
        hazards=zone,
    )
    return dataclasses.replace(
        area, title=NAMES[4], notes=tuple(NAMES), illustrative=frozenset({"shelters", "hazards"})
    )


def told_of(area, **more):
    mine = sites(("=a", NAMES[3], 60, 20, 5), ("b", NAMES[9], None, 25, 3005))
    given_ = Proposal.of(NAMES[5], mine, area, Scenario(), AccessStandard())
    scenario = Scenario(hazard="flood")
    return report(area, scenario, proposals=[given_], today=DAY, time_limit_s=2, **more)


@pytest.fixture(scope="module")
def told():
    return told_of(hostile())


@pytest.fixture(scope="module")
def made(told):
    return {name: in_format(told, name) for name in FORMATS}


def same_cell(written: str, value: object) -> bool:
    """Return whether a text says the same as a value of a table."""
    if isinstance(value, str):
        return written == safe_cell(value)
    if pd.isna(value):
        return written == ""
    if isinstance(value, bool):
        return written == str(value)
    return float(written) == value


def test_csv_holds_the_same_cells(told, made):
    with zipfile.ZipFile(io.BytesIO(made["zip"])) as files:
        assert files.namelist() == [f"{name}.csv" for name in told.tables]
        for name, table in told.tables.items():
            raw = io.BytesIO(files.read(f"{name}.csv"))
            back = pd.read_csv(raw, dtype=str, encoding="utf-8-sig", keep_default_na=False)
            assert set(back["attribution"]) == {ATTRIBUTION}
            assert set(back["illustrative"]) == {"hazards, shelters"}
            plain = table.drop(columns="geometry", errors="ignore")
            kept = back.drop(columns=[*SAID, "lon", "lat"], errors="ignore")
            assert list(kept.columns) == list(plain.columns)
            for column in plain:
                pairs = list(zip(kept[column], plain[column].tolist(), strict=True))
                assert all(same_cell(*pair) for pair in pairs), (name, column, pairs)


def test_no_cell_of_csv_is_a_formula(made):
    with zipfile.ZipFile(io.BytesIO(made["zip"])) as files:
        for name in files.namelist():
            raw = io.BytesIO(files.read(name))
            back = pd.read_csv(raw, dtype=str, encoding="utf-8-sig", keep_default_na=False)
            cells = [*back.columns, *back.to_numpy().ravel()]
            harmful = [cell for cell in cells if cell.lstrip(" ").startswith(FORMULA)]
            assert [cell for cell in harmful if not is_number(cell)] == []


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_xlsx_holds_the_same_cells(told, made):
    book = openpyxl.load_workbook(io.BytesIO(made["xlsx"]))
    assert book.sheetnames == list(told.tables)
    assert book.sheetnames[0] == "about"
    words = told.tables["columns"].set_index(["table", "column"])["meaning"]
    for name, table in told.tables.items():
        sheet = book[name]
        assert sheet.freeze_panes is not None
        assert sheet.auto_filter.ref
        for column, cells in zip(table.columns, sheet.iter_cols(), strict=False):
            if column == "geometry":
                break
            if name != "columns":
                assert cells[0].value.startswith(words[name, column])
            assert cells[0].font.bold
            values = table[column].tolist()
            assert len(cells) == len(values) + 1
            for cell, value in zip(cells[1:], values, strict=True):
                assert same_sheet_cell(cell.value, value), (name, column, cell.value, value)


def same_sheet_cell(shown: object, value: object) -> bool:
    if isinstance(value, str):
        return (shown or "") == safe_cell(value)
    if pd.isna(value):
        return shown is None
    if isinstance(value, float) and math.isinf(value):
        return shown == "inf"
    return shown == pytest.approx(value, rel=1e-15)  # a sheet holds 15 to 16 digits


def test_no_cell_of_the_workbook_is_a_formula(made):
    with zipfile.ZipFile(io.BytesIO(made["xlsx"])) as parts:
        sheets = [name for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
        for name in sheets:
            assert b"<f" not in parts.read(name)
        outside = [name for name in parts.namelist() if "external" in name.lower()]
        assert outside == []
    book = openpyxl.load_workbook(io.BytesIO(made["xlsx"]))
    texts = [c.value for sheet in book for row in sheet for c in row if isinstance(c.value, str)]
    assert {cell.data_type for sheet in book for row in sheet for cell in row} <= {
        "s",
        "inlineStr",
        "n",
        "b",
    }
    assert [text for text in texts if text.lstrip(" ").startswith(FORMULA)] == []
    assert any(text.startswith("'=1+1") for text in texts)


def test_a_share_that_is_not_whole_is_never_shown_as_100_percent(told, made):
    sheet = openpyxl.load_workbook(io.BytesIO(made["xlsx"]))["districts"]
    column = list(told.tables["districts"].columns).index("possible_share") + 1
    assert sheet.cell(2, column).number_format == '[<0.99995]0.00%;[<1]">"99.99%;0%'


def test_geopackage_holds_the_same_cells(told, made, tmp_path):
    path = tmp_path / "r.gpkg"
    path.write_bytes(made["gpkg"])
    layers = [str(name) for name, _ in pyogrio.list_layers(path)]
    assert sorted(layers) == sorted([*told.tables, "layer_styles"])
    assert layers[: len(styles.ORDER)] == [name for name in styles.ORDER if name in told.tables]
    for name, table in told.tables.items():
        back = pyogrio.read_dataframe(path, layer=name)
        plain = table.drop(columns="geometry", errors="ignore")
        assert [column for column in back.columns if column != "geometry"] == list(plain.columns)
        for column in plain:
            for got, value in zip(back[column].tolist(), plain[column].tolist(), strict=True):
                same = pd.isna(value) if pd.isna(got) else got == value
                assert same, (name, column, got, value)
        if name in styles.AREAS:
            assert back.geometry.geom_equals(table.geometry).all()
        elif name in styles.POINTS:
            assert shapely.dwithin(back.geometry.array, table.geometry.array, 1e-9).all()
    assert pyogrio.read_info(path, layer="communities")["layer_metadata"]["attribution"]


def test_every_place_is_drawn_by_one_rule_of_its_style(told, made, tmp_path):
    path = tmp_path / "r.gpkg"
    path.write_bytes(made["gpkg"])
    with sqlite3.connect(path) as base:
        rows = base.execute(
            "SELECT f_table_name, f_geometry_column, styleQML, styleSLD, useAsDefault, update_time "
            "FROM layer_styles"
        ).fetchall()
        geometry = dict(base.execute("SELECT table_name, column_name FROM gpkg_geometry_columns"))
        assert {row[0] for row in rows} == set(geometry)
        for layer, column, qml, sld, default, moment in rows:
            assert (column, default) == (geometry[layer], 1)
            assert moment.startswith("2026-01-31T00:00:00")
            rules = ET.fromstring(qml).findall(".//rule")  # noqa: S314
            symbols = ET.fromstring(qml).findall(".//symbol")  # noqa: S314
            assert len(rules) == len(symbols)
            tests = " + ".join(f"coalesce(({rule.get('filter')}), 0)" for rule in rules)
            found = {count for (count,) in base.execute(f'SELECT {tests} FROM "{layer}"')}  # noqa: S608
            assert found == {1}, layer
            named = ET.fromstring(sld).findall(".//{http://www.opengis.net/sld}Rule")  # noqa: S314
            assert len(named) == len(rules)
    base.close()


def test_geoparquet_is_the_tables_themselves(told, made):
    with zipfile.ZipFile(io.BytesIO(made["parquet"])) as files:
        assert files.namelist() == [f"{name}.parquet" for name in told.tables]
        for name, table in told.tables.items():
            raw = files.read(f"{name}.parquet")
            if "geometry" in table:
                back = gpd.read_parquet(io.BytesIO(raw))
                assert back.crs == table.crs
                assert back.geometry.geom_equals(table.geometry).all()
            else:
                back = pd.read_parquet(io.BytesIO(raw))
            plain = table.drop(columns="geometry", errors="ignore")
            pd.testing.assert_frame_equal(
                pd.DataFrame(back.drop(columns="geometry", errors="ignore")), pd.DataFrame(plain)
            )
            facts = pq.read_schema(io.BytesIO(raw)).metadata[b"shelterplan"].decode()
            assert ATTRIBUTION in facts
            assert "hazards, shelters" in facts


def test_the_page_shows_the_figures_of_the_tables(told, made):
    annex = rows_of(made["html"], "annex")[1:-1]
    table = told.tables["communities"].sort_values(
        ["gap_population", "population"], ascending=False, kind="stable"
    )
    assert len(annex) == len(table) == 4
    for row, (_, cells) in zip(annex, table.iterrows(), strict=True):
        assert row[2] == f"{cells['population']:,.0f}"
        assert row[3] == f"{math.ceil(cells['gap_population']):,}"
        assert row[5] == f"{math.floor(cells['covered_population']):,}"


def test_the_pdf_shows_every_figure_of_the_page(made):
    pages = pypdf.PdfReader(io.BytesIO(made["pdf"])).pages
    printed = Counter(re.findall(r"\d[\d,.]*", " ".join(page.extract_text() for page in pages)))
    cells = re.findall(r"<td class='number'>(.*?)</td>", made["html"].decode())
    texts = " ".join(text_of(cell.encode()) for cell in cells)
    shown = Counter(re.findall(r"\d[\d,.]*", texts))
    assert shown
    assert {number for number, times in shown.items() if printed[number] < times} == set()


def test_the_pdf_is_tagged_dated_and_has_no_way_out(told, made):
    read = pypdf.PdfReader(io.BytesIO(made["pdf"]))
    assert read.metadata.title == told.title
    assert read.metadata["/CreationDate"].startswith("D:20260131")
    catalogue = read.trailer["/Root"]
    assert catalogue["/MarkInfo"]["/Marked"]
    assert catalogue["/Lang"] == "en"
    assert not {"/OpenAction", "/AA", "/AcroForm"} & set(catalogue)
    assert all("/Annots" not in page for page in read.pages)
    last = read.pages[-1].extract_text()
    assert f"Page {len(read.pages)} of {len(read.pages)}" in re.sub(r"\s+", " ", last)
    assert ATTRIBUTION in re.sub(r"\s+", " ", last)


class Found(HTMLParser):
    """What a page is made of."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = Counter(), []

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]


def test_hostile_names_are_inert_in_the_page(made):
    page = made["html"].decode()
    found = Found()
    found.feed(page)
    found.close()
    assert not {"script", "img", "a", "link", "iframe", "object", "form", "base"} & set(found.tags)
    assert found.tags["style"] == found.tags["title"] == found.tags["main"] == 1
    bad = [one for one in found.attributes if one[1].startswith("on") or one[1] in {"src", "href"}]
    assert bad == []
    assert not re.search(r"\{\{|\{%|\{#|\$\{|`", page.partition("</style>")[2])
    assert "default-src 'none'" in page
    outside = re.findall(r"(?:url\(|@import)[^)]{0,60}", page)
    assert all(re.fullmatch(r"url\(#\w+", one) for one in outside)


@given(st.text())
def test_a_text_in_the_style_sheet_is_inert(text):
    inert = quoted(text)
    assert inert[0] == inert[-1] == "'"
    assert not set(inert[1:-1]) & set("'\"<>{};/*\n\r&:@")


@pytest.fixture(scope="module")
def again():
    return told_of(hostile())


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "pdf"])
def test_the_same_study_area_gives_the_same_bytes(made, again, name):
    assert in_format(again, name) == made[name]


def test_an_unknown_format_is_named(told):
    with pytest.raises(UnknownNameError, match="gpkg, html"):
        in_format(told, "docx")


def test_the_pdf_engine_asks_nobody_for_anything(tmp_path):
    secret = tmp_path / "secret.html"
    secret.write_text("<p>TOPSECRET</p>", "utf-8")
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)

        def listen():
            try:
                connection, _ = server.accept()
            except OSError:
                return
            asked.append(connection)
            connection.close()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        host = f"http://127.0.0.1:{server.getsockname()[1]}"
        page = (
            f"<html lang='en'><title>x</title><link rel=stylesheet href='{host}/a.css'>"
            f"<style>@font-face{{font-family:f;src:url({host}/f.woff)}}"
            f"p{{background:url({host}/b.png);font-family:f}}</style>"
            f"<p>seen</p><img src='{host}/c.png'><iframe src='{secret.as_uri()}'></iframe>"
            f"<object data='{secret.as_uri()}'></object><img src='{secret.as_uri()}'>"
            f"<svg><image href='{host}/d.png'/><use href='{secret.as_uri()}#a'/></svg></html>"
        )
        made = to_pdf(page)
        assert asked == []
    text = pypdf.PdfReader(io.BytesIO(made)).pages[0].extract_text()
    assert "seen" in text
    assert b"TOPSECRET" not in made
    assert "TOPSECRET" not in text


def test_chinese_in_a_pdf_can_be_searched():
    page = "<html lang='zh-Hans'><title>避难</title><p>谁能及时步行到避难场所</p></html>"
    made = to_pdf(page)
    assert "避难场所" in pypdf.PdfReader(io.BytesIO(made)).pages[0].extract_text()
    assert to_pdf(page) == made


def test_heads_of_tables_are_repeated_and_no_heading_ends_a_page():
    rows = "".join(f"<tr><th scope='row'>r{i}</th><td>{i}</td></tr>" for i in range(150))
    style = "<style>thead{display:table-header-group}h2{break-after:avoid}</style>"
    table = f"<table><thead><tr><th>HEAD</th></tr></thead><tbody>{rows}</tbody></table>"
    read = pypdf.PdfReader(io.BytesIO(to_pdf(f"<html lang='en'>{style}{table}</html>")))
    assert len(read.pages) > 2
    assert all("HEAD" in page.extract_text() for page in read.pages)
