"""The Equity page: what it says agrees with the library, and nothing unknown is made up."""

from __future__ import annotations

import dataclasses
import json
import re
from html import unescape
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelterplan import StudyArea, equity, make_plan
from shelterplan.app import equity_page, equity_told, equity_work, store
from shelterplan.app.figures import NBSP
from shelterplan.app.words import Words
from shelterplan.equity.unequal import MEASURES
from shelterplan.views.equity_charts import interval_chart, lorenz_chart
from shelterplan.views.equity_classes import COLOURS, COLOURS_DARK, colour_of, ink_on, thirds

from .test_app_pages import drawn, opened, said
from .test_views_escape import PAYLOADS

EN = Words("en")


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """Monaco with made-up deprivation, groups and hostile names of many districts."""
    area = StudyArea.open("monaco")
    count = len(area.communities)
    names = [PAYLOADS[i % len(PAYLOADS)] for i in range(count)]
    children = (area.demand["population"] // 4).astype("Float64")
    folder = tmp_path_factory.mktemp("known")
    dataclasses.replace(
        area,
        name="known",
        communities=area.communities.assign(
            name=names, district=names, deprivation=np.arange(count) % 7
        ),
        demand=area.demand.assign(children=children),
        _digests={},
        _snapped={},
        _networks={},
    ).save(folder)
    return folder


@pytest.fixture
def offered(known, monkeypatch):
    monkeypatch.setenv(store.OFFERED, str(known))
    store.known_areas.cache_clear()
    yield "known"
    store.known_areas.cache_clear()


def charts(app):
    return [json.loads(chart.proto.spec) for chart in app.get("vega_lite_chart")]


def compared(app, of):
    return app.selectbox(key="equity_of").set_value(of).run()


@pytest.fixture(scope="module")
def coquimbo():
    """The page on Coquimbo, to be looked at."""
    return opened("equity", area="coquimbo")


@pytest.mark.parametrize(("area", "lang"), [("monaco", "en"), ("monaco", "zh"), ("coquimbo", "zh")])
def test_page_opens_in_both_languages(area, lang):
    app = opened("equity", area=area, lang=lang)
    assert not app.exception
    assert not app.error
    words = Words(lang)
    assert words("equity.no_deprivation") in said(app)
    assert len(app.get("vega_lite_chart")) == 3
    fills = json.loads(
        drawn(app)["feature_group"].split('"fills":', 1)[1].split(',"opacity"', 1)[0]
    )
    assert len(fills) == len(StudyArea.open(area).communities)


def test_sentences_are_those_of_the_library(coquimbo):
    area = StudyArea.open("coquimbo")
    plan = make_plan(area)
    text = said(coquimbo).replace(NBSP, " ")
    found = equity.inequality(plan)
    table = equity.by_district(plan, area)
    assert f"{int(table['unreachable_people'].sum()):,} people have no way" in text
    worst = table["possible_share"].idxmin()
    share = np.floor(table["possible_share"].min() * 1000) / 10
    assert f"Worst: {worst}, where {share} % of the people have a place." in text
    half = np.floor(found.measures.loc["worst_half_share", "value"] * 1000) / 10
    assert f"{half} % of all places" in text
    between = np.floor(found.measures.loc["between_share", "value"] * 1000) / 10
    assert f"{between} % of this inequality lies between districts" in text


@pytest.mark.parametrize("of", equity_page.OF)
def test_everything_can_be_compared(of):
    app = compared(opened("equity", area="monaco"), of)
    assert not app.exception
    if of == "two_step":
        assert EN.of("equity_unknown", "size") in said(app)
        assert len(app.get("vega_lite_chart")) == 1
    if of == "m2_per_person":
        assert EN("equity.triangles") in said(app)
        assert f"≥{NBSP}0.00 m²" in said(app)


def test_one_district_compares_communities():
    text = said(opened("equity", area="monaco"))
    assert EN("equity.one_district") in text
    assert EN("equity.split_one") in text
    assert "Larvotto" in text


def test_groups_that_nobody_counted_are_named_as_unknown():
    text = said(opened("equity", area="monaco"))
    assert "children, people from 65, disabled people" in text
    assert "people without a car" in text


def test_deprivation_groups_and_hostile_names(offered):
    app = opened("equity", area=offered)
    assert not app.exception
    text = said(app)
    assert EN("equity.no_deprivation") not in text
    assert EN.of("equity_measure", "concentration") in text
    assert EN.of("equity_need", "vulnerability") in text
    assert "Of children, " in text
    for payload in PAYLOADS:
        if "<" in payload:
            assert payload not in text
    assert "<img src=x" not in drawn(app)["feature_group"]


def test_hazard_is_the_need_where_zones_are_known():
    app = opened("equity", area="monaco", hazard="storm_surge")
    assert EN.of("equity_need", "hazard") in said(app)
    assert EN.of("equity_need", "people") not in said(app)


def test_legend_counts_every_community_once(coquimbo):
    text = said(coquimbo)
    cells = re.findall(r"title='([^']*)'>(\d+)</td>", text)
    assert len(cells) == 9
    area = StudyArea.open("coquimbo")
    assert sum(int(count) for _, count in cells) == (area.communities["population"] > 0).sum()
    assert unescape(cells[2][0]).startswith("much need, little access")


def test_every_table_can_be_taken_away(coquimbo):
    keys = {button.proto.id.split("-", 2)[-1] for button in coquimbo.get("download_button")}
    for name in ("districts", "communities", "lorenz-coverage", "measures-coverage", "groups"):
        assert any(f"equity-{name}" in key for key in keys), name
    assert any("equity-need-access" in key for key in keys)


def test_charts_say_what_they_show(coquimbo):
    for chart in charts(coquimbo):
        assert len(chart["description"]) > 20


def unequal(value, low=0.1, high=0.2, between=0.3):
    table = pd.DataFrame({"value": value, "low": low, "high": high}, index=list(MEASURES))
    table.loc["between_share", "value"] = between
    return SimpleNamespace(of="coverage", measures=table, left_out={}, unknown_share=0.0)


def test_split_is_said_either_way():
    more = equity_told.split(EN, unequal(0.5, between=0.7))
    assert EN.of("equity_split", "between") in more
    less = equity_told.split(EN, unequal(0.5, between=0.2))
    assert EN.of("equity_split", "within") in less


def test_worst_says_how_sure_it_is():
    figures = pd.DataFrame(
        {"value": [0.1, 0.5], "low": [0.05, 0.4], "high": [0.2, 0.6], "least": [False, False]}
    )
    assert EN.of("equity_overlap", "none") in equity_told.worst(EN, "coverage", ["a", "b"], figures)
    near = figures.assign(low=[0.05, 0.15])
    assert "overlaps with that of the worst: 1" in equity_told.worst(
        EN, "coverage", ["a", "b"], near
    )
    assert equity_told.worst(EN, "coverage", ["a"], figures.head(1)) == ""


class TestClasses:
    @given(st.lists(st.integers(0, 5), min_size=1, max_size=30))
    def test_more_is_never_a_lower_class(self, values):
        found = thirds([*values, np.nan])
        assert found[-1] == -1
        order = np.argsort(values, kind="stable")
        assert (np.diff(found[:-1][order]) >= 0).all()
        for value in set(values):
            assert len({int(c) for c, v in zip(found, values, strict=False) if v == value}) == 1

    @pytest.mark.parametrize("colours", [COLOURS, COLOURS_DARK])
    def test_colours_can_be_told_apart_by_lightness_and_read(self, colours):
        for row in colours:
            for colour in row:
                assert ink_on(colour) in {"#0b0c0c", "#ffffff"}
        assert len({colour for row in colours for colour in row}) == 9

    def test_no_colour_where_something_is_unknown(self):
        assert colour_of(-1, 2) == colour_of(1, -1) == "none"
        assert colour_of(2, 2, dark=True) == COLOURS_DARK[2][2]


class TestCharts:
    def test_numbers_that_are_not_there_are_null(self):
        figures = pd.DataFrame(
            {"value": [0.5, np.nan], "low": [0.4, np.nan], "high": [0.6, np.inf]}
        )
        made = interval_chart(
            ["a", "a"], figures, x_title="x", x_format=".0%", description="d", everybody=0.5
        )
        json.dumps(made, allow_nan=False)
        assert [row["name"] for row in made["data"]["values"]] == ["a", "a (2)"]
        assert made["data"]["values"][1]["value"] is None

    def test_lorenz_curve_marks_the_half(self):
        curve = equity.lorenz_curve([0.0, 1.0], [300, 100]).assign(low=np.nan, high=np.nan)
        made = lorenz_chart(curve, x_title="x", y_title="y", description="d")
        json.dumps(made, allow_nan=False)
        assert made["layer"][3]["data"]["values"] == [{"people": 0.5, "share": 0.0}]


def test_need_is_what_is_known():
    view = SimpleNamespace(
        area=StudyArea.open("coquimbo"), scenario=SimpleNamespace(hazard=""), standard=None
    )
    table = pd.DataFrame({"population": [5.0, 0.0]}, index=["1", "2"])
    kind, need = equity_work._need(view, table)
    assert kind == "people"
    assert need.tolist()[0] == 5
    assert np.isnan(need.iloc[1])
