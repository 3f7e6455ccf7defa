"""The planners' page: what it says, what a tap closes, and that all people are counted."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from shelterplan import StudyArea, make_plan
from shelterplan.app import gaps_page, gaps_panels, gaps_told, maps, settings, store, whatif
from shelterplan.app.words import LANGUAGES, Words
from shelterplan.coverage import STATUSES
from shelterplan.scenario import Scenario
from shelterplan.standards import AccessStandard
from shelterplan.views.escape import escape

from .test_app_pages import drawn, opened, said
from .test_views_escape import PAYLOADS

EN = Words("en")


@pytest.fixture(scope="module")
def zoned(tmp_path_factory):
    """Monaco with two made-up flood zones of a hostile name, and some known capacities."""
    area = StudyArea.open("monaco")
    west, south, east, north = area.communities.total_bounds
    middle = (west + east) / 2
    zones = gpd.GeoDataFrame(
        {
            "hazard": "flood",
            "level": [2, 4],
            "return_period": pd.array([100, pd.NA], "Int64"),
            "source": "made up",
        },
        geometry=[
            shapely.box(middle, south, east, north),
            shapely.box(middle, south, (middle + east) / 2, north),
        ],
        index=pd.Index(["z2", "z4"], name="zone_id"),
        crs="EPSG:4326",
    )
    capacity = [3000 if i % 2 else pd.NA for i in range(len(area.shelters))]
    first = dataclasses.replace(area.sources[0], table="hazards", name=PAYLOADS[0])
    folder = tmp_path_factory.mktemp("zoned")
    dataclasses.replace(
        area,
        name="zoned",
        title="Zoned",
        hazards=zones,
        shelters=area.shelters.assign(capacity=pd.array(capacity, "Int64")),
        sources=(*area.sources, first),
        illustrative=area.illustrative | {"hazards"},
        _digests={},
        _snapped={},
        _networks={},
    ).save(folder)
    return folder


@pytest.fixture
def offered(zoned, monkeypatch):
    """The name of the zoned study area, which the app offers."""
    monkeypatch.setenv(store.OFFERED, str(zoned))
    store.known_areas.cache_clear()
    yield "zoned"
    store.known_areas.cache_clear()


def part(app, name):
    return app.segmented_control(key="gaps_part").set_value(name).run()


def plan_of(app):
    chosen = app.session_state["settings"]
    return make_plan(store.area(chosen.area), chosen.scenario(), chosen.access_standard())


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", list(gaps_page.PARTS))
def test_every_part_opens_in_both_languages(offered, name, lang):
    app = part(opened("gaps", area=offered, lang=lang, hazard="flood"), name)
    assert not app.exception
    assert not app.error
    group = drawn(app)["feature_group"]
    fills = json.loads(group.split('"fills":', 1)[1].split(',"opacity"', 1)[0])
    assert len(fills) == 9


def test_confirmed_and_possible_are_told_apart():
    app = opened("gaps", area="monaco")
    total = plan_of(app).total
    assert total["covered_population"] == 0
    assert "Confirmed: 0\xa0% of the people have a place. Possible: 79.8\xa0%" in said(app)
    table = app.dataframe[0].value
    assert (table["Confirmed"] == 0).all()
    assert set(table["Grade"]) <= set("ABCD")


def test_without_room_nothing_is_called_confirmed():
    app = opened("gaps", area="monaco", room="ignored")
    assert EN("gaps.room_ignored") in said(app)
    assert "Confirmed:" not in said(app)


def test_an_estimate_is_said_to_be_one():
    app = opened("gaps", area="monaco", estimate="own", m2="2")
    total = plan_of(app).total
    assert total["estimated_people"] > 0
    assert f"{total['estimated_people']:,.0f} rest on room" in said(app)
    assert EN.of("column", "estimated") in app.dataframe[0].value


def test_people_in_the_zones_are_counted(offered):
    app = opened("gaps", area=offered, hazard="flood")
    at_risk = plan_of(app).total["at_risk_people"]
    assert at_risk > 0
    assert f"In danger (Flood): {at_risk:,.0f} people" in said(app)


def test_a_standard_in_minutes_is_told_in_minutes():
    app = opened("gaps", area="monaco", standard="own_minutes", minutes="5")
    assert not app.exception
    assert "within 5 minutes on foot" in said(app)
    assert "inf" not in said(app).split("</style>")[-1]
    spec = json.loads(app.get("vega_lite_chart")[0].proto.spec)
    assert spec["layer"][1]["data"]["values"][0]["walk"] == 5.0


def test_the_use_of_every_shelter_is_shown():
    app = part(opened("gaps", area="coquimbo", room="nearest"), "reasons")
    table, use = app.dataframe[1].value, plan_of(app).shelters
    assert len(table) == len(use) == 42
    assert table["Have a place"].sum() == round(use["assigned_population"].sum())
    assert table["Room (empty: unknown)"].isna().sum() == 8
    full = table["Full at, of those nearest"].dropna()
    assert len(full) == 9
    assert (full < 100).all()


def test_all_statuses_add_up_to_the_people(offered):
    app = part(opened("gaps", area=offered, hazard="flood"), "reasons")
    table = app.dataframe[0].value
    counted = [EN.of("status", one) for one in STATUSES]
    shown = table[[name for name in counted if name in table]].sum(axis=1)
    assert (abs(shown - table["People"]) <= len(STATUSES)).all()
    total = plan_of(app).total
    bar = gaps_told.reasons(EN, total)
    for status in STATUSES:
        count = total["covered_population" if status == "covered" else f"{status}_population"]
        assert (EN.of("status", status) in bar) == (count > 0)


def test_priority_shows_its_question_as_text(offered):
    app = part(opened("gaps", area=offered, hazard="flood"), "priority")
    assert "hazard &gt;= 0.25 and gap &gt;= 0.5" in said(app)
    assert app.dataframe[0].value["Rank"].dropna().is_monotonic_increasing
    assert {one.key for one in app.slider} == {"weight_hazard", "weight_gap"}
    before = app.dataframe[0].value["Priority (0 to 1)"].tolist()
    app.slider(key="weight_hazard").set_value(0.0).run()
    assert app.dataframe[0].value["Priority (0 to 1)"].tolist() != before
    app.slider(key="weight_gap").set_value(0.0).run()
    assert not app.exception
    assert EN("priority.no_weight") in said(app)


def test_priority_without_a_hazard_says_what_is_left_out():
    app = part(opened("gaps", area="monaco"), "priority")
    assert "Left out: danger (no hazard was chosen)." in said(app)
    assert "Left out: vulnerability (the data does not have it)." in said(app)
    assert not app.slider
    assert EN("priority.no_weight") not in said(app)


def test_before_and_after_is_the_difference_of_two_plans(offered):
    app = part(opened("gaps", area=offered, hazard="flood"), "compare")
    after = plan_of(app)
    before = make_plan(store.area(offered), Scenario(), AccessStandard())
    lost = before.total["possible_people"] - after.total["possible_people"]
    assert f"{np.ceil(lost):,.0f} people who have a place on an ordinary day lose it" in said(app)
    table = app.dataframe[0].value
    assert abs(table["Difference"].sum() + lost) <= len(table)
    assert "only unsafe shelters near" in said(app)


def test_an_ordinary_day_has_nothing_to_compare():
    app = part(opened("gaps", area="monaco"), "compare")
    assert EN("compare.ordinary") in said(app)
    assert (app.dataframe[0].value["Difference"] == 0).all()


def test_ordinary_keeps_who_walks_and_when():
    flood = Scenario.of(
        walker="wheelchair", hazard="flood", time="night", gates="emergency", closed_shelters=("a",)
    )
    assert gaps_panels.ordinary(flood) == Scenario.of(walker="wheelchair", time="night")


def test_other_walkers_need_longer_and_some_lose_any_way():
    app = part(opened("gaps", area="monaco"), "walkers")
    assert "would have no way to a shelter at all" in said(app)
    table = app.dataframe[0].value
    assert (table["Minutes more (half)"].dropna() >= 0).all()
    app.selectbox(key="penalty_walker").set_value("elderly").run()
    assert not app.exception
    assert (app.dataframe[0].value["Lose any way"] == 0).all()


@pytest.fixture
def session(monkeypatch):
    """A session whose settings can be changed without a page."""
    state = {"settings": settings.Settings(area="monaco")}
    fake = SimpleNamespace(session_state=state)
    for module in (settings, whatif, gaps_page):
        monkeypatch.setattr(module, "st", fake)
    return state


@pytest.fixture(scope="module")
def monaco():
    return StudyArea.open("monaco")


def test_a_tap_on_a_dot_closes_that_shelter_and_the_next_opens_it(session, monaco):
    key, (lon, lat) = monaco.shelters.index[4], maps.shelter_points(monaco)[4]
    whatif.toggle_at(monaco, Scenario(), "shelter", lon, lat)
    assert session["settings"].closed_shelters == (key,)
    whatif.toggle_at(monaco, Scenario(), "shelter", lon, lat + 1e-6)
    assert session["settings"].closed_shelters == ()
    assert session["gaps_stale"]


@pytest.mark.parametrize("walker", ["adult", "wheelchair"])
def test_a_tap_on_a_street_closes_that_street(session, monaco, walker):
    scenario = Scenario.of(walker=walker)
    number = int(np.flatnonzero(monaco.passable(scenario.walker))[700])
    middle = monaco.streets.geometry.iloc[number].interpolate(0.5, normalized=True)
    whatif.toggle_at(monaco, scenario, "street", middle.x, middle.y)
    assert session["settings"].closed_streets == (number,)


@pytest.mark.parametrize("kind", ["shelter", "street"])
def test_a_tap_at_sea_closes_nothing_and_says_so(session, monaco, kind):
    whatif.toggle_at(monaco, Scenario(), kind, 7.60, 43.60)
    assert session["settings"] == settings.Settings(area="monaco")
    assert session["tap_missed"] == kind


def test_taps_do_what_was_chosen(session, monaco):
    at = maps.shelter_points(monaco)[0]
    session["m"] = {"last_clicked": {"lng": at[0], "lat": at[1]}}
    view = SimpleNamespace(area=monaco, scenario=Scenario(), shown=monaco.communities)
    gaps_page._take_tap("m", view, "shelter")
    assert session["settings"].closed_shelters == (monaco.shelters.index[0],)
    gaps_page._take_tap("m", view, "community")
    assert session["settings"].community in monaco.communities.index


def test_closing_says_at_once_who_loses_a_place():
    ids = ",".join(store.area("monaco").shelters.index[:6])
    app = opened("gaps", area="monaco", closed_shelters=ids)
    assert not app.exception
    usual = store.plan("monaco", store.area("monaco").version, Scenario(), AccessStandard())
    lost = usual.total["possible_people"] - plan_of(app).total["possible_people"]
    assert lost > 0
    assert f"{np.ceil(lost):,.0f} people lose their place" in said(app)
    assert drawn(app)["feature_group"].count(",true,") >= 6
    app.button(key="reopen_shelter_0").click().run()
    assert len(app.session_state["settings"].closed_shelters) == 5
    app.button(key="reopen_all").click().run()
    assert not app.exception
    assert "closed_shelters" not in app.query_params
    assert "lose their place" not in said(app)


def test_a_street_is_closed_by_its_name_without_a_tap():
    app = opened("gaps", area="monaco")
    app.segmented_control(key="tap_mode").set_value("street").run()
    name = "Boulevard Albert 1er"
    of_name = np.flatnonzero(store.area("monaco").streets["name"] == name)
    assert len(of_name) > 1
    app.selectbox(key="close_street").set_value(name).run()
    assert not app.exception
    assert set(app.session_state["settings"].closed_streets) <= set(of_name)
    assert app.session_state["settings"].closed_streets
    assert f"Open again: {name}" in [button.label for button in app.button]


def test_a_shelter_is_closed_by_its_name_without_a_tap():
    app = opened("gaps", area="monaco")
    app.segmented_control(key="tap_mode").set_value("shelter").run()
    key = store.area("monaco").shelters.index[2]
    app.selectbox(key="close_shelter").set_value(key).run()
    assert app.session_state["settings"].closed_shelters == (key,)
    assert app.selectbox(key="close_shelter").value is None


@pytest.mark.parametrize("page", ["find", "gaps"])
def test_zones_are_drawn_with_their_legend_and_source(offered, page):
    plain, app = opened(page, area=offered), opened(page, area=offered, hazard="flood")
    assert 'createPane("zones")' not in drawn(plain)["script"]
    script = drawn(app)["script"]
    assert '"zones":[[2,' in script
    assert "[4," in script
    assert escape(PAYLOADS[0]) in script
    assert PAYLOADS[0] not in script
    assert EN("zones.illustrative") in said(app)
    assert EN.of("zone_level", "4") in said(app)
    assert EN.of("zone_level", "3") not in said(app)


def test_only_zones_that_count_are_drawn(offered):
    app = opened("gaps", area=offered, hazard="flood", level="4")
    assert '"zones":[[4,' in drawn(app)["script"]
    assert EN.of("zone_level", "2") not in said(app)


def test_downloads_carry_the_scenario(offered):
    app = opened("gaps", area=offered, hazard="flood", walker="elderly", standard="own_minutes")
    manifest = plan_of(app).manifest
    facts = gaps_page.exports.Facts(attribution="", illustrative=(), manifest=manifest)
    texts = facts.texts()
    assert "walker: elderly" in texts["scenario"]
    assert "hazard: flood" in texts["scenario"]
    assert "max_time_s: 600" in texts["standard"]
    assert json.loads(texts["manifest"], parse_constant=pytest.fail)
