"""Every page, as Streamlit runs it, in both languages and on both embedded study areas."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from shelterplan.app import find_page, store
from shelterplan.app.find_page import Place
from shelterplan.app.words import LANGUAGES, Words
from shelterplan.errors import AreaError
from shelterplan.finder import Answer, find_shelters
from shelterplan.scenario import Scenario
from shelterplan.situation import hazards_of
from shelterplan.standards import AccessStandard
from tests import village

SCRIPT = Path(__file__).parent.parent / "streamlit_app.py"
AREAS = ("monaco", "coquimbo")
IN_MONACO = Place(7.4258, 43.7375, "tap")
AT_SEA = Place(7.50, 43.60, "tap")


def opened(page: str = "find", **address: str) -> AppTest:
    """Open a page by its address."""
    app = AppTest.from_file(str(SCRIPT), default_timeout=120)
    for name, value in address.items():
        app.query_params[name] = value
    app._page_hash = calc_hash("" if page == "find" else page)
    return app.run()


def said(app: AppTest) -> str:
    """All our own texts on the page."""
    return " ".join(element.proto.body for element in app.get("html"))


def drawn(app: AppTest) -> dict:
    """What the map is given."""
    parts = [json.loads(part.proto.json_args) for part in app.get("component_instance")]
    return next(part for part in parts if "feature_group" in part)


def asked(app: AppTest, text: str) -> AppTest:
    """Type a name and press the button."""
    app.text_input(key="ask_name").set_value(text)
    go = next(button for button in app.button if button.form_id == "ask")
    return go.click().run()


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("page", ["find", "gaps", "data"])
def test_every_page_opens(page, area, lang):
    app = opened(page, area=area, lang=lang)
    assert not app.exception
    assert not app.error
    words = Words(lang)
    assert app.title[0].value == words.of("page", page)
    assert words("app.illustrative") in said(app)
    assert words("app.attribution") in said(app)
    other = Words("zh" if lang == "en" else "en")
    assert other("app.attribution") not in said(app)


def test_an_address_of_nonsense_opens_the_first_page():
    app = opened(
        area="../../etc",
        lang="xx",
        walker="<b>",
        standard="none",
        distance="nan",
        district="{{7*7}}",
        community="nowhere",
    )
    assert not app.exception
    assert app.title[0].value == "Find a shelter"
    assert app.query_params["area"] == "monaco"
    assert "lang" not in app.query_params


def test_a_tapped_place_gets_three_shelters_and_the_way():
    app = opened(area="monaco")
    app.session_state["place"] = IN_MONACO
    app.run()
    assert not app.exception
    assert "Nearest shelter: " in said(app)
    assert "on foot" in said(app)
    assert len(app.radio(key="option").options) == 3
    assert "<ol class='steps'>" in said(app)
    assert '"route":[[' in drawn(app)["feature_group"]


def test_another_shelter_can_be_chosen():
    app = opened(area="monaco")
    app.session_state["place"] = IN_MONACO
    app.run()
    before = drawn(app)["feature_group"]
    app.radio(key="option").set_value(2).run()
    assert drawn(app)["feature_group"] != before
    assert drawn(app)["script"] == drawn(opened(area="monaco"))["script"]


def test_a_position_is_in_no_address_and_not_shared():
    app = opened(area="monaco")
    app.session_state["place"] = IN_MONACO
    app.run()
    assert "7.41" not in json.dumps(dict(app.query_params))
    other = opened(area="monaco")
    assert "place" not in other.session_state


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_place_at_sea_is_told_so(lang):
    app = opened(area="monaco", lang=lang)
    app.session_state["place"] = AT_SEA
    app.run()
    assert Words(lang)("state.outside") in said(app)
    assert not app.main.radio


@pytest.mark.parametrize("status", ["no_network", "no_path", "cut_off", "unsafe"])
def test_a_place_without_a_way_is_told_so(monkeypatch, status):
    monkeypatch.setattr(
        find_page, "find_shelters", lambda *_, **__: Answer(status, float("inf"), ())
    )
    app = opened(area="monaco")
    app.session_state["place"] = IN_MONACO
    app.run()
    assert not app.exception
    assert Words("en")(f"state.{status}") in said(app)
    assert "inf" not in said(app).split("<style>")[0]
    assert not app.main.radio


@pytest.mark.parametrize("problem", ["refused", "unavailable"])
def test_a_phone_without_position_is_told_what_else_to_do(problem):
    app = opened(area="monaco")
    app.session_state["find_problem"] = problem
    app.run()
    assert Words("en").of("problem", problem) in said(app)
    assert Words("en")("instead.more") in said(app)


@pytest.mark.parametrize("text", ["larvotto", "LARVÓTTO"])
def test_a_name_is_enough(text):
    app = asked(opened(area="monaco"), text)
    assert not app.exception
    assert "From Larvotto" in said(app)
    assert "Nearest shelter: " in said(app)


def test_another_place_of_a_like_name_can_be_chosen():
    app = asked(opened(area="monaco"), "princesse")
    box = app.selectbox(key="which_hit")
    assert len(box.options) > 1
    before = said(app)
    box.set_value(1).run()
    assert said(app) != before


@pytest.mark.parametrize(("text", "problem"), [("qqqqxyzzy", "no_name"), ("  ", "no_text")])
def test_a_name_that_is_not_there_is_told_so(text, problem):
    app = asked(opened(area="monaco"), text)
    assert Words("en").of("problem", problem) in said(app)


def test_the_walker_changes_the_time():
    app = opened(area="monaco")
    app.session_state["place"] = IN_MONACO
    app.run()
    before = said(app)
    app.selectbox(key="pick_walker").set_value("wheelchair").run()
    assert said(app) != before
    assert app.query_params["walker"] == "wheelchair"


@pytest.fixture
def flooded(tmp_path, monkeypatch):
    """A village whose school lies in a flood zone, offered as the first study area."""
    homes = [("west", 100, 10, 0), ("west", 50, 400, 60), ("east", 30, 620, 100)]
    zones = gpd.GeoDataFrame(
        {"hazard": "flood", "level": [2], "return_period": [100], "source": "test"},
        index=["mill"],
        geometry=[village.box(560, 60, 640, 140)],
        crs="EPSG:4326",
    )
    shelters = village.shelters(
        [
            ("school", "Mill School", 20, village.point(600, 90)),
            ("park", "Long Park", 2000, village.box(880, -200, 1000, -5)),
        ]
    ).assign(fit_flood=["yes", "unknown"], wheelchair=["yes", "no"])
    area = village.village(hazards=zones, shelters=shelters, demand=village.demand(homes))
    area.save(tmp_path / "village")
    monkeypatch.setenv(store.OFFERED, str(tmp_path / "village"))
    store.known_areas.cache_clear()
    yield area
    store.known_areas.cache_clear()


def stood(x_m: float, y_m: float, **address: str) -> AppTest:
    """Stand somewhere in the village."""
    app = opened(**address)
    app.session_state["place"] = Place(*village.lonlat(x_m, y_m), "tap")
    return app.run()


def test_a_shelter_in_the_zone_is_not_offered_and_it_is_said_why(flooded):
    app = stood(500, 0, distance="300")
    assert "Nearest shelter: Mill School" in said(app)
    app = stood(500, 0, distance="900", hazard="flood")
    assert not app.exception
    assert "Go to Long Park" in said(app)
    assert "Mill School, 190\xa0m away: it lies in the danger zone" in said(app)
    assert "Assumed: Flood, happening now; near enough is 900\xa0m." in said(app)
    assert len(app.radio(key="option").options) == 1
    assert "not known whether it is fit for" in str(app.radio(key="option").proto.captions)


def test_a_place_in_the_zone_is_warned_and_has_no_way(flooded):
    app = stood(600, 100, hazard="flood")
    assert "This place lies in a danger zone: Flood, level 2 of 4." in said(app)
    assert Words("en")("state.cut_off") in said(app)
    assert Words("en")("instead.up") in said(app)
    assert "<details class='refused' open>" in said(app)
    app.radio(key="pick_phase").set_value("before").run()
    assert app.query_params["phase"] == "before"
    assert "Go to Long Park" in said(app)
    assert "This place lies in a danger zone" in said(app)


def test_only_unsafe_shelters_are_said_to_be_so(flooded):
    app = stood(500, 0, hazard="flood", unknown="refuse")
    assert Words("en")("state.unsafe") in said(app)
    assert Words("en").of("refusal", "fitness_unknown") in said(app)


def test_the_shelter_that_does_not_fill_is_chosen_first(flooded):
    app = stood(500, 0, distance="900")
    assert app.radio(key="option").value == 1
    assert "Mill School fills at 11\xa0% of its expected demand; use Long Park, " in said(app)
    app.radio(key="option").set_value(0).run()
    assert app.radio(key="option").value == 0
    assert app.session_state["option"] == 0


def test_a_delay_counts(flooded):
    app = stood(500, 0, delay="10", distance="300")
    assert "Leaving after 10 minutes, you are there after 13 minutes." in said(app)


def test_what_is_assumed_is_chosen_in_the_sidebar_and_kept_in_the_address(flooded):
    app = opened()
    assert "Assumed" not in said(app)
    app.selectbox(key="pick_hazard").set_value("flood").run()
    assert not app.exception
    for key, value in (("unknown", "refuse"), ("room", "nearest"), ("gates", "emergency")):
        app.radio(key=f"pick_{key}").set_value(value).run()
        assert app.query_params[key] == value
    app.selectbox(key="pick_years").set_value(100).run()
    app.number_input(key="pick_delay").set_value(15).run()
    app.selectbox(key="pick_standard").set_value("own_minutes").run()
    app.number_input(key="pick_minutes").set_value(20).run()
    app.radio(key="pick_estimate").set_value("own").run()
    app.number_input(key="pick_m2").set_value(1.5).run()
    assert not app.exception
    assert app.query_params["minutes"] == "20"
    assert "people leave after 15 minutes" in said(app)
    again = opened(**app.query_params)
    assert again.session_state["settings"] == app.session_state["settings"]


def test_what_is_closed_by_hand_is_said_and_can_be_opened(flooded):
    app = stood(500, 0, closed_shelters="school,ghost", closed_streets="2,77,x")
    assert not app.exception
    assert app.session_state["settings"].closed_streets == (2,)
    assert "closed by hand: 1 shelter, 1 street" in said(app)
    assert Words("en").of("refusal", "closed") in said(app)
    app.button(key="reopen").click().run()
    assert "closed by hand:" not in said(app)
    assert "closed_streets" not in app.query_params


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_data_page_assumes_nothing(flooded, lang):
    app = opened("data", lang=lang, hazard="flood")
    assert not app.exception
    assert not app.sidebar.children
    assert Words(lang).of("hazard", "flood") not in said(app).partition("<h")[0]


def test_a_hazard_that_is_not_known_there_is_none(flooded):
    app = opened(hazard="volcano", level="3")
    assert not app.exception
    assert app.session_state["settings"].hazard == ""
    assert app.session_state["settings"].level == 1


def test_illustrative_zones_are_said_to_be_so_in_their_hazard():
    assert "tsunami" in hazards_of(store.area("coquimbo"))
    assert "hazards" in store.area("coquimbo").illustrative
    told = Words("en")("app.illustrative_zones")
    assert told not in said(opened(area="coquimbo"))
    assert told in said(opened(area="coquimbo", hazard="tsunami"))


def test_what_one_person_does_to_a_plan_changes_nobody_elses():
    area = store.area("monaco")
    asked_for = ("monaco", area.version, Scenario(), AccessStandard())
    one = store.plan(*asked_for)
    one.communities.loc[one.communities.index[0], "gap_population"] = -1.0
    one.demand["status"] = "covered"
    one.manifest["scenario"]["hazard"] = "mine"
    other = store.plan(*asked_for)
    assert (other.communities["gap_population"] >= 0).all()
    assert len(other.demand["status"].unique()) > 1
    assert other.manifest["scenario"]["hazard"] == ""


def test_another_study_area_forgets_the_place():
    app = opened(area="monaco")
    app.session_state["place"] = IN_MONACO
    app.run()
    app.selectbox(key="pick_area").set_value("coquimbo").run()
    assert not app.exception
    assert app.query_params["area"] == "coquimbo"
    assert Words("en")("find.how") in said(app)


def test_gaps_add_up_on_screen():
    app = opened("gaps", area="monaco")
    plan = store.plan(
        "monaco",
        store.area("monaco").version,
        app.session_state["settings"].scenario(),
        app.session_state["settings"].access_standard(),
    )
    assert f"{plan.total['gap_population']:,.0f} of {plan.total['population']:,.0f}" in said(app)
    table = app.dataframe[0].value
    assert table["Not covered"].sum() == round(plan.total["gap_population"])
    assert table["Not covered"].is_monotonic_decreasing


def test_a_standard_shows_how_sure_we_are_of_it():
    app = opened("gaps", area="monaco", standard="cn_gb51143_short")
    assert Words("en").of("certainty", "background") in said(app)
    assert "within 1\xa0km" in said(app)


def test_an_own_distance_is_kept_in_the_address():
    app = opened("gaps", area="monaco")
    app.number_input(key="pick_distance").set_value(300).run()
    assert app.query_params["distance"] == "300"
    assert "within 300\xa0m" in said(app)


def test_one_district_alone():
    everything = opened("gaps", area="coquimbo")
    district = everything.selectbox(key="pick_district").options[1]
    app = everything.selectbox(key="pick_district").set_value(district).run()
    assert not app.exception
    assert app.query_params["district"] == district
    assert len(app.dataframe[0].value) < 133


def test_a_chosen_community_is_said_and_outlined():
    app = opened("gaps", area="monaco")
    box = app.selectbox(key="pick_community")
    app = box.set_value(store.area("monaco").communities.index[0]).run()
    assert not app.exception
    assert "<div class='community'" in said(app)
    assert '"move":true' in drawn(app)["feature_group"]
    assert "community" in app.query_params


def test_data_names_every_source_with_its_hash():
    app = opened("data", area="monaco")
    for source in store.area("monaco").sources:
        assert source.sha256 in said(app)
    assert Words("en")("data.grades") in [heading.value for heading in app.header]


@pytest.mark.parametrize("area", AREAS)
def test_the_chinese_data_page_shows_the_notes_in_chinese(area):
    app, shown = opened("data", area=area, lang="zh"), store.area(area)
    page, chinese = unescape(said(app)), shown.translations["zh"]
    for text in (*shown.notes, *(source.note for source in shown.sources)):
        assert chinese[text] in page
        assert text not in page
    assert "<li lang='zh-Hans'>" in page
    assert chinese[shown.title] in page
    assert chinese[shown.title] in app.selectbox(key="pick_area").options


def test_chinese_pages_name_zones_districts_and_sites_in_chinese():
    shown = store.area("coquimbo")
    chinese = shown.translations["zh"]
    app = opened("gaps", area="coquimbo", lang="zh")
    assert set(app.selectbox(key="pick_district").options[1:]) == {
        chinese[name] for name in shown.communities["district"]
    }
    assert app.dataframe[0].value["社区"].str.startswith("小区 ").all()
    app = opened(area="coquimbo", lang="zh")
    home = shown.demand.geometry.iloc[0]
    app.session_state["place"] = Place(home.x, home.y, "tap")
    app.run()
    assert "最近的避难场所：示例地点 " in said(app)
    assert "Illustrative" not in json.dumps(drawn(app))


def test_a_damaged_study_area_is_told_in_words(monkeypatch):
    def damaged(*_):
        raise AreaError("streets.parquet was changed. Build the study area again.")

    monkeypatch.setattr(store, "ready", damaged)
    app = opened(area="monaco")
    assert "Build the study area again" in app.error[0].value
    assert not app.exception


def test_what_is_shared_is_the_same_for_two_people():
    one, two = store.area("monaco"), store.area("monaco")
    assert one is two
    before = one.communities.copy()
    opened("gaps", area="monaco")
    assert one.communities.equals(before)


def test_a_tap_takes_the_place_and_forgets_the_last_problem(monkeypatch):
    state = {"m": {"last_clicked": {"lat": 43.7, "lng": 7.4}}, "find_problem": "refused"}
    monkeypatch.setattr(find_page.st, "session_state", state)
    find_page._take_tap("m", [])
    assert state["place"] == Place(7.4, 43.7, "tap")
    assert state["find_problem"] == ""


def test_a_tap_on_a_numbered_shelter_chooses_it_and_leaves_the_place_alone(monkeypatch):
    here = Place(7.4, 43.7, "tap")
    marks = [(7.41, 43.71), (7.42, 43.72)]
    state = {"m": {"last_clicked": {"lat": 43.72, "lng": 7.42}}, "place": here, "option": 0}
    monkeypatch.setattr(find_page.st, "session_state", state)
    find_page._take_tap("m", marks)
    assert (state["option"], state["place"]) == (1, here)
    state["m"] = {"last_clicked": {"lat": 43.72, "lng": 7.42001}}  # a metre beside the mark
    find_page._take_tap("m", marks)
    assert state["place"] == Place(7.42001, 43.72, "tap")


def test_marks_lie_elsewhere_after_each_choice_so_that_each_tap_on_them_is_told():
    area = store.area("monaco")
    answer = find_shelters(area, 7.4208, 43.7316, count=3)
    marks = [find_page._marks_of(area, answer, picked) for picked in range(len(answer.options))]
    assert len({mark for each in marks for mark in each}) == len(marks) ** 2
    assert np.ptp(marks, axis=0).max() < find_page.SAME_MARK
    assert find_page._marks_of(area, None, 0) == []


def test_an_address_from_before_a_change_does_not_undo_it():
    app = opened(area="monaco", lang="en")
    before = dict(app.query_params)
    app.selectbox(key="pick_walker").set_value("wheelchair").run()
    assert app.query_params["walker"] == "wheelchair"
    del app.query_params["walker"]  # what a browser sends that has not heard of the change yet
    assert dict(app.query_params) == before
    app.run()
    assert app.selectbox(key="pick_walker").value == "wheelchair"
    assert app.query_params["walker"] == "wheelchair"
