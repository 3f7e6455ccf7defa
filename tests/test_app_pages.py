"""Every page, as Streamlit runs it, in both languages and on both embedded study areas."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from shelterplan.app import find_page, store
from shelterplan.app.find_page import Place
from shelterplan.app.words import LANGUAGES, Words
from shelterplan.errors import AreaError
from shelterplan.finder import Answer

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
    assert not app.radio


@pytest.mark.parametrize("status", ["no_network", "no_path"])
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
    assert not app.radio


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
    find_page._take_tap("m")
    assert state["place"] == Place(7.4, 43.7, "tap")
    assert state["find_problem"] == ""
