"""The Proposals page, as Streamlit runs it, and what it does with what is given to it."""

from __future__ import annotations

import json

import geopandas as gpd
import pytest
import shapely

from shelterplan import AccessStandard, Scenario, StudyArea
from shelterplan.app import proposals_edit as edit
from shelterplan.app import proposals_list as listed
from shelterplan.app import proposals_told as told
from shelterplan.app import proposals_work as work
from shelterplan.app import store
from shelterplan.app.words import LANGUAGES, Words
from shelterplan.errors import ShelterplanError
from shelterplan.siting.evaluate import evaluate
from shelterplan.siting.proposal import Proposal, read_proposal
from shelterplan.views import exports

from .test_app_pages import drawn, opened, said

EN = Words("en")
IN_MONACO = (7.4258, 43.7375)


@pytest.fixture(scope="module")
def monaco() -> StudyArea:
    return store.area("monaco")


def begun(lang: str = "en", **address: str):
    """Open the page and begin a proposal."""
    app = opened("proposals", area="monaco", lang=lang, **address)
    app.text_input(key="new_title").set_value("My plan")
    next(b for b in app.button if b.form_id == "new_proposal").click().run()
    return app


def with_sites(proposal: Proposal, **address: str):
    """Open the page with a proposal that is there already."""
    app = opened("proposals", area="monaco", **address)
    app.session_state["proposals"] = [proposal]
    return app.run()


@pytest.fixture
def garden(monaco) -> Proposal:
    sites = monaco.candidates.loc[["way/432751852"]]
    return Proposal(title="Garden", sites=sites, area_name="monaco", area_version=monaco.version)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("area", ["monaco", "coquimbo"])
def test_the_page_opens_without_a_proposal(area, lang):
    app = opened("proposals", area=area, lang=lang)
    assert not app.exception
    assert Words(lang)("proposals.none") in said(app)


def test_a_site_added_by_hand_is_evaluated_named_and_deleted(monaco):
    app = begun()
    assert not app.exception
    assert EN("proposals.no_sites") in said(app)
    app.button(key="add_by_hand").click().run()
    assert not app.exception
    proposal = app.session_state["proposals"][0]
    assert (proposal.title, len(proposal.sites)) == ("My plan", 1)
    found = evaluate(monaco, proposal.sites, compare=False)
    words = told.telling(EN, found, "My plan", monaco)
    assert told.headline(words) in said(app)
    names = [box for box in app.text_input if box.label == EN("proposals.name")]
    names[0].set_value("Casino <b>")
    rooms = [box for box in app.number_input if box.label == EN("proposals.capacity")]
    rooms[0].set_value(300)
    next(b for b in app.button if b.label == EN("proposals.save")).click().run()
    assert not app.exception
    site = app.session_state["proposals"][0].sites.iloc[0]
    assert (site["name"], site["capacity"]) == ("Casino <b>", 300)
    app.button(key="delete_site").click().run()
    assert not app.exception
    assert app.session_state["proposals"][0].sites.empty


@pytest.mark.parametrize("part", ["result", "compare", "best", "scenarios"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_part_opens(garden, part, lang):
    app = with_sites(garden, lang=lang)
    app.segmented_control(key="proposal_part").set_value(part).run()
    assert not app.exception
    assert not app.error


def test_the_result_has_the_figures_of_evaluate(garden, monaco):
    app = with_sites(garden)
    app.segmented_control(key="proposal_part").set_value("result").run()
    found = evaluate(monaco, garden.sites, compare=False)
    page = said(app)
    assert f"{found.newly_people:,.0f} more people a place" in page
    for _, row in found.hazards.iterrows():
        assert f"{row['after_people']:,.0f}" in page
    assert "Monte-Carlo" in page


def test_the_sites_are_on_the_map_and_can_be_dragged(garden):
    app = with_sites(garden)
    group = drawn(app)["feature_group"]
    assert "draggable" in group
    assert "dragend" in group
    assert work.digest(garden) in group


def test_copy_rename_and_delete(garden):
    app = with_sites(garden)
    app.button(key="proposal_copy").click().run()
    assert [one.title for one in app.session_state["proposals"]] == ["Garden", "Garden (copy)"]
    box = next(b for b in app.text_input if b.label == EN("proposals.rename"))
    box.set_value("Other").run()
    assert app.session_state["proposals"][1].title == "Other"
    app.button(key="proposal_delete").click().run()
    assert not app.exception
    assert [one.title for one in app.session_state["proposals"]] == ["Garden"]


def test_no_more_than_four(garden):
    app = opened("proposals", area="monaco")
    app.session_state["proposals"] = [garden] * 4
    app.run()
    assert EN("proposals.enough", number=4) in said(app)
    assert app.button(key="proposal_copy").disabled


def test_a_proposal_of_another_place_is_said_to_be_so(garden):
    app = opened("proposals", area="coquimbo")
    app.session_state["proposals"] = [garden]
    app.run()
    assert not app.exception
    assert "it was made for the study area" in said(app)


def test_a_move_makes_a_point_of_its_own_and_leaves_the_candidate(garden, monaco):
    after = edit.moved(garden, monaco, 0, *IN_MONACO)
    assert list(after.sites.index) == ["way/432751852 (moved)"]
    assert after.sites.geometry.iloc[0].equals(shapely.Point(IN_MONACO))
    assert list(garden.sites.index) == ["way/432751852"]
    again = edit.moved(after, monaco, 0, 7.42, 43.73)
    assert list(again.sites.index) == ["way/432751852 (moved)"]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "x",
        {},
        {"lat": None, "lng": 1},
        {"lat": float("nan"), "lng": 7.4},
        {"lat": 43.7, "lng": float("inf")},
        {"lat": 43.7, "lng": 7.4, "act": "move", "row": 0, "of": "other"},
        {"lat": 43.7, "lng": 7.4, "row": "one"},
    ],
)
def test_a_tap_that_is_none_changes_nothing(answer):
    assert edit.read_tap(answer, of="mine") is None


def test_taps_add_choose_and_move(monkeypatch, garden, monaco):
    state = {"proposals": [garden]}
    for module in (edit, listed):
        monkeypatch.setattr(module.st, "session_state", state)
    tap = {"lat": 43.7375, "lng": 7.4258}
    edit.take_tap(edit.read_tap(tap, of="d"), monaco, EN, "add")
    assert list(state["proposals"][0].sites.index) == ["way/432751852", "new 1"]
    assert state["proposal_site"] == 1
    dragged = {"lat": 43.73, "lng": 7.42, "act": "move", "row": 0, "of": "d"}
    edit.take_tap(edit.read_tap(dragged, of="d"), monaco, EN, "add")
    assert state["proposal_site"] == 0
    assert state["proposals"][0].sites.geometry.iloc[0].equals(shapely.Point(7.42, 43.73))
    edit.take_tap(
        edit.read_tap(tap | {"act": "choose", "row": 1, "of": "d"}, of="d"), monaco, EN, "add"
    )
    edit.take_tap(edit.read_tap({"lat": 43.731, "lng": 7.421}, of="d"), monaco, EN, "move")
    assert state["proposals"][0].sites.geometry.iloc[1].equals(shapely.Point(7.421, 43.731))
    before = state["proposals"][0]
    edit.take_tap(edit.read_tap({"lat": 0.0, "lng": 0.0}, of="d"), monaco, EN, "add")
    edit.take_tap(edit.read_tap(dragged | {"row": 99}, of="d"), monaco, EN, "add")
    assert state["proposals"][0] is before


GOOD = "name,lon,lat,capacity\n=1+1,7.4258,43.7375,100\n<b>x</b>,7.42,43.73,\n"


def test_a_file_is_taken_with_its_hostile_names_as_text(monaco):
    proposal = listed.of_file("../../etc/p<b>.csv", GOOD.encode(), monaco, EN)
    assert proposal.sites["name"].tolist() == ["=1+1", "<b>x</b>"]
    assert "/" not in proposal.title
    assert "<" not in proposal.title
    found = [evaluate(monaco, proposal.sites, compare=False, other_hazards=False)]
    telling = told.telling(EN, found[0], "=cmd()", monaco)
    assert "<b>" not in told.sites(telling, EN)
    made = told.compared(EN, [proposal], found, [None], monaco)
    titled = made.assign(**{EN("proposals.title"): "=cmd()"})
    facts = exports.Facts(attribution="a", illustrative=(), manifest={})
    assert b"'=cmd()" in exports.to_csv(titled, facts)
    assert "<b>" not in told.side_by_side(EN, made.assign(**{EN("proposals.title"): "<b>"}))


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.exe", b"MZ", "geojson"),
        ("a.csv", b"x" * 10_000_000, "5 MB"),
        ("a.geojson", b"[" * 200_000, "."),
        ("a.geojson", b'{"a":' * 50_000, "."),
        ("a.csv", b"name,lon,lat\na,nan,nan\n", "."),
        ("a.csv", b"name,lon,lat\na,inf,43.7\n", "."),
        ("a.csv", b"name,lon,lat\na,-70.3,-29.9\n", "far"),
        ("a.csv", b"name,lon,lat\n", "."),
        ("a.csv", b"\x00\xff\xfe", "."),
        ("a.geojson", b"<OGRVRTDataset><SrcDataSource>/etc/passwd</SrcDataSource>", "."),
        (
            "a.geojson",
            b'{"type":"FeatureCollection","features":[],"shelterplan":{"format":"9"}}',
            "version",
        ),
    ],
)
def test_a_bad_file_is_refused_in_words(monaco, name, content, why):
    with pytest.raises(ShelterplanError, match=why) as caught:
        listed.of_file(name, content, monaco, EN)
    assert len(str(caught.value)) < 2000
    assert "shelterplan-" not in str(caught.value)


def test_rows_that_were_left_out_are_listed(monaco):
    text = "name,lon,lat\nA,7.4258,43.7375\nB,7.4258,999\n"
    proposal = listed.of_file("sites.csv", text.encode(), monaco, EN)
    assert len(proposal.sites) == 1
    assert any(note.startswith("row 3:") for note in proposal.problems)


def test_a_site_far_away_is_left_out_and_named(monaco):
    text = "name,lon,lat\nA,7.4258,43.7375\nFar,7.9,43.7\n"
    proposal = listed.of_file("sites.csv", text.encode(), monaco, EN)
    assert proposal.sites["name"].tolist() == ["A"]
    assert EN("proposals.far_site", name="Far") in proposal.problems


def test_the_file_of_a_proposal_comes_back_as_it_was(tmp_path, garden, monaco):
    made = edit.added(garden, monaco, *IN_MONACO, name="Site {number}")
    path = tmp_path / "p.geojson"
    path.write_bytes(Proposal.of("T", made.sites, monaco, Scenario(), AccessStandard()).to_bytes())
    again = read_proposal(path)
    assert again.title == "T"
    assert json.loads(path.read_bytes())["shelterplan"]["area"]["name"] == "monaco"
    assert list(again.sites.index) == list(made.sites.index)
    assert all(again.sites.geometry.geom_equals_exact(made.sites.geometry, 1e-7, align=False))


def ended(app) -> None:
    """Wait until the work beside the page has come to its end."""
    job = app.session_state["desk"].job
    if job is not None:
        job.thread.join(120)
        assert job.done


def test_the_best_plan_and_the_scenarios_come_in_the_background(garden):
    app = with_sites(garden)
    app.segmented_control(key="proposal_part").set_value("scenarios").run()
    app.button(key="begin_scenarios").click().run()
    ended(app)
    app.run()
    assert not app.exception
    assert "further scenarios" in said(app)
    app.segmented_control(key="proposal_part").set_value("best").run()
    app.button(key="begin_best").click().run()
    ended(app)
    app.run()
    assert not app.exception
    assert "gives more" in said(app)
    app.button(key="take_best").click().run()
    assert [one.title for one in app.session_state["proposals"]][1] == "Best instead of: Garden"


def test_a_table_of_a_geodataframe_is_not_changed(garden, monaco):
    before = gpd.GeoDataFrame(garden.sites, copy=True)
    edit.changed(garden, 0, {"name": "x", "capacity": 5.0})
    edit.without(garden, 0)
    assert garden.sites.equals(before)
