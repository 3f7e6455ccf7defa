"""The page of new sites: work in the background, what it says, and what is kept or forbidden."""

from __future__ import annotations

import dataclasses
import logging
import math
import re
import threading
import time
from html import unescape
from importlib import import_module
from types import SimpleNamespace
from typing import get_args

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pytest

from shelterplan import make_plan
from shelterplan.app import (
    jobs,
    settings,
    sites_form,
    sites_front,
    sites_map,
    sites_scenarios,
    sites_sure,
    sites_told,
    store,
)
from shelterplan.app import sites_work as work
from shelterplan.app.figures import percent
from shelterplan.app.jobs import Desk, Job, Shared
from shelterplan.app.sites_form import Picks
from shelterplan.app.words import LANGUAGES, Words, catalogue
from shelterplan.scenario import WALKERS, Scenario
from shelterplan.siting.candidates import RULES, SuitabilityRules, suitability
from shelterplan.siting.proposal import read_proposal
from shelterplan.siting.result import NoPlanError, SitingResult
from shelterplan.siting.robust import InScenario
from shelterplan.siting.suggest import ROBUST, Objective, Suggestion, Wish
from shelterplan.standards import AccessStandard
from shelterplan.views import map as views
from shelterplan.views.site_marks import Candidate, PlanSite, mark_candidates, mark_plan, outline
from tests import village

from .test_app_pages import drawn, opened, said
from .test_views_escape import PAYLOADS

EN = Words("en")


def ended(desk: Desk, key: object) -> jobs.Outcome | None:
    """Wait until a job has ended, and return what came of it."""
    deadline = time.monotonic() + 20
    while desk.running(key) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return desk.outcome(key)


def until_stopped(progress, stop):
    """Work that ends when it is told to, with the best it has."""
    progress("swaps: 10 covered, at most 12", 0.5)
    while not stop():
        time.sleep(0.01)
    return "best so far"


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(jobs, "ASK_S", 0.01)
    monkeypatch.setattr(jobs, "GONE_S", 0.05)


def a_desk(common: Shared | None = None, *, alive=lambda: True) -> Desk:
    return Desk(common or Shared(), alive)


def test_what_ended_by_itself_is_there_for_everybody_and_done_once():
    common, done = Shared(), []
    one, two = a_desk(common), a_desk(common)
    one.begin("key", lambda *_: done.append(1) or "plan")
    assert ended(one, "key").result == "plan"
    two.begin("key", lambda *_: done.append(1) or "another")
    assert two.job is None
    assert two.outcome("key").result == "plan"
    assert done == [1]


def test_what_was_stopped_stays_with_the_one_who_stopped_it(quick):
    common = Shared()
    one, two = a_desk(common), a_desk(common)
    one.begin("key", until_stopped)
    two.begin("key", until_stopped)
    one.job.stop()
    found = ended(one, "key")
    assert found.result == "best so far"
    assert found.stopped
    assert two.running("key") is not None
    assert two.outcome("key") is None
    assert common.get("key") is None
    two.end()


def test_another_job_of_a_session_stops_the_one_before(quick):
    desk = a_desk()
    desk.begin("first", until_stopped)
    first = desk.job
    desk.begin("second", lambda *_: "plan")
    assert ended(desk, "second").result == "plan"
    first.thread.join(5)
    assert first.outcome.stopped
    assert desk.outcome("first") is None


def test_a_session_that_went_away_ends_its_job(quick):
    desk = a_desk(alive=lambda: False)
    desk.begin("key", until_stopped)
    assert ended(desk, "key").stopped


def test_a_session_that_is_back_soon_keeps_its_job(monkeypatch):
    monkeypatch.setattr(jobs, "ASK_S", 0.0)
    there = iter([False, True])
    job = Job("key", lambda: next(there, True))
    assert not any(job.stopped() for _ in range(5))


def test_an_error_is_told_and_not_shared():
    common = Shared()
    desk = a_desk(common)

    def fails(progress, stop):
        raise NoPlanError("no plan gives every district its share")

    desk.begin("key", fails)
    found = ended(desk, "key")
    assert found.result is None
    assert "every district" in str(found.error)
    assert common.get("key") is None


def test_a_fault_of_the_program_is_logged_and_ends_the_job(caplog):
    desk = a_desk()
    with caplog.at_level(logging.ERROR):
        desk.begin("key", lambda *_: 1 / 0)
        found = ended(desk, "key")
    assert (found.result, found.error, found.stopped) == (None, None, False)
    assert "ZeroDivisionError" in caplog.text


def test_jobs_wait_for_their_turn(quick):
    common = Shared(at_once=1)
    one, two, three = a_desk(common), a_desk(common), a_desk(common)
    go = threading.Event()
    one.begin("a", lambda *_: go.wait(10) and "first")
    while common.turns._value:
        time.sleep(0.01)
    two.begin("b", lambda *_: "second")
    three.begin("c", lambda *_: "third")
    assert two.job.stage == ""
    assert EN("sites.waiting") == sites_told.progress(EN, two.job, counts_people=True)
    three.job.stop()
    assert ended(three, "c") == jobs.Outcome(stopped=True)
    assert two.running("b") is not None
    go.set()
    assert ended(two, "b").result == "second"


def test_the_results_that_were_not_used_for_longest_go():
    common = Shared(most=2)
    for key in "ab":
        common.keep(key, jobs.Outcome(key))
    assert common.get("a").result == "a"
    common.keep("c", jobs.Outcome("c"))
    assert [common.get(key) is not None for key in "abc"] == [True, False, True]


def a_request(**changes) -> work.Request:
    values = {
        "area": "monaco",
        "version": "1",
        "scenario": Scenario(),
        "standard": AccessStandard(),
        "wish": Wish(sites=3),
        "rules": SuitabilityRules(),
    }
    return work.Request(**values | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "2"},
        {"scenario": Scenario(hazard="flood")},
        {"standard": AccessStandard(max_distance_m=300.0)},
        {"wish": Wish(sites=3, forbid=("a",))},
        {"rules": SuitabilityRules(min_ways_in=2)},
        {"scenarios": (("hazard:flood", Scenario(hazard="flood")),)},
    ],
)
def test_a_plan_is_another_ones_if_anything_differs(changes):
    assert a_request() == a_request()
    assert hash(a_request()) == hash(a_request())
    assert a_request() != a_request(**changes)
    same = not {"version", "scenario", "standard"} & set(changes)
    assert a_request().same_place(a_request(**changes)) == same


OBJECTIVES = get_args(Objective)
ALONE = [one for one in OBJECTIVES if one not in ROBUST]


def test_the_settings_know_the_objectives():
    assert set(ALONE) <= set(settings.WORDS["objective"]) <= set(OBJECTIVES)
    assert sites_form.OBJECTIVES == OBJECTIVES


@pytest.mark.parametrize(
    ("family", "members"),
    [
        ("objective", OBJECTIVES),
        ("objective_more", OBJECTIVES),
        ("sites_optimal", OBJECTIVES),
        ("sites_gap", OBJECTIVES),
        ("sites_rule", [rule.name for rule in RULES]),
        ("sites_reason", sites_told._REASONS),
        ("sites_front", get_args(sites_front.Kind)),
        ("sites_compare", get_args(sites_front.Kind)),
        ("counted", settings.WORDS["counted"]),
        ("plan_by", settings.WORDS["plan_by"]),
        ("ways", "012"),
        ("sites_achieved", ROBUST),
        ("sites_among", sites_form.AMONG),
        ("sites_quota", sites_form.AMONG),
    ],
)
def test_every_member_of_a_family_has_a_text(family, members):
    assert [name for name in members if f"{family}.{name}" not in catalogue()] == []


@pytest.fixture(scope="module")
def planned() -> Suggestion:
    """The village with one site, where the lane begins, chosen by hand."""
    sites = gpd.GeoDataFrame(
        {
            "name": ["Market", "Far Field"],
            "kind": ["park", None],
            "capacity": pd.array([60, pd.NA], "Float64"),
            "cost": pd.array([2.5, pd.NA], "Float64"),
            "area_m2": pd.array([900, pd.NA], "Float64"),
        },
        index=pd.Index(["market", "field"], name="site_id"),
        geometry=[village.point(200, 0), village.point(500, 1400)],
        crs="EPSG:4326",
    )
    area = village.village(candidates=sites)
    scenario, standard = Scenario(), AccessStandard(max_distance_m=250.0)
    table = suitability(area, scenario=scenario, standard=standard)
    chosen = table.loc[["market"]].assign(
        step=[1], newly_covered_population=[60.0], covered_after=[60.0]
    )
    return Suggestion(
        sites=chosen,
        result=SitingResult.of([2], 60.0, 63.0, seconds=1.23, sense="most"),
        candidates=table,
        before=make_plan(area, scenario, standard),
        after=make_plan(area.with_sites(chosen), scenario, standard),
        wish=Wish(sites=2),
        scenario=Scenario(),
        standard=AccessStandard(),
        reasons=("no further candidate would give a place to anybody who has none",),
        manifest={"scenario": scenario.to_dict()},
    )


def test_the_headline_says_who_gains_and_how_sure_that_is(planned):
    before, after = sites_told.placed(planned)
    line = sites_told.headline(EN, planned, sure=sites_told.proof(EN, planned, stopped=True))
    assert f"1 new site gives {after - before:,.0f} more people a place" in line
    assert f"{percent(planned.share_before)} of all people have one now" in line
    assert "The search was stopped: this is the best plan so far." in line
    assert "at most 3 more people (5\xa0%)" in line
    assert "Found in 1.2 seconds." in line
    assert "Only 1 of 2 sites are used." in line
    chinese = sites_told.headline(Words("zh"), planned, sure="")
    assert Words("zh")("sites_reason.no_further") in chinese
    assert "candidate" not in chinese


def test_a_proven_plan_is_called_so_even_if_it_was_stopped(planned):
    proven = dataclasses.replace(
        planned, result=SitingResult.of([2], 60.0, 60.0, seconds=1.0, sense="most")
    )
    assert sites_told.proof(EN, proven, stopped=True) == EN.of("sites_optimal", "people")
    endless = dataclasses.replace(
        planned, result=SitingResult.of([2], 60.0, math.inf, seconds=1.0, sense="most")
    )
    assert "not known" in sites_told.proof(EN, endless, stopped=False)


def test_whose_place_is_at_a_site_and_how_far_they_walked(planned):
    who = sites_told.who(planned, "market")
    after = planned.after.demand
    there = after[after["assigned_id"] == "market"]
    assert who["here_people"].sum() == there["population"].sum() == 60
    assert who.loc["west", "lacked_people"] == 60
    assert who.loc["west", "before"] > 500
    assert who.loc["west", "after"] <= 250
    told = sites_told.served(EN, who)
    assert told["Walk to here"].iloc[0].endswith("m")


def test_what_is_not_known_of_a_candidate_is_said(planned):
    table = sites_told.candidates(EN, planned.candidates)
    assert table.loc["market", "Suitable"] == "yes"
    assert table.loc["field", "Suitable"] == "no"
    assert table.loc["field", "Left out because"] == EN.of("sites_rule", "not_on_network")
    assert pd.isna(table.loc["field", "Area (m²)"])


@pytest.mark.parametrize("text", ["Everybody has a place already.", "Something new."])
def test_a_reason_is_chinese_where_we_have_it(text):
    chinese = sites_told.reason(Words("zh"), text)
    assert (chinese == text) == (text == "Something new.")
    assert sites_told.reason(EN, text) == text


def test_figures_of_a_search_are_told_only_where_they_are_people():
    job = Job("key", lambda: True, stage="swaps: 1,234 covered, at most 1,300", share=0.1)
    assert "1,234 people" in sites_told.progress(EN, job, counts_people=True)
    assert "1,234" not in sites_told.progress(EN, job, counts_people=False)


def test_before_the_clock_runs_the_page_says_that_the_solver_is_prepared():
    job = Job("key", lambda: True, stage="looking at the candidates")
    assert "preparing the solver" in sites_told.progress(EN, job, counts_people=True)
    assert "准备求解器" in sites_told.progress(Words("zh"), job, counts_people=True)


def several(people, best) -> InScenario:
    return InScenario(people=people, total=100.0, share=people / 100, best=best, best_bound=best)


def for_several(planned, objective: str, value: float, bound: float) -> Suggestion:
    sense = "least" if objective == "regret" else "most"
    best = 64.0 if objective == "regret" else math.nan
    return dataclasses.replace(
        planned,
        wish=Wish(sites=2, objective=objective),
        result=SitingResult.of([2], value, bound, seconds=1.0, sense=sense),
        scenarios={"": several(60.0, best), "walker:wheelchair": several(40.9, best)},
    )


@pytest.mark.parametrize(
    ("objective", "value", "bound", "achieved", "proof"),
    [
        ("expected", 50.45, 51.0, "On average 50 people", "at most 1.1\xa0% more people"),
        ("worst", 0.409, 0.42, "In the worst scenario 40.9\xa0% of the people", "1.1 points more"),
        ("regret", 23.1, 20.0, "at most 24 people fewer", "lose at most 4 people fewer"),
    ],
)
def test_what_a_plan_for_several_scenarios_does(planned, objective, value, bound, achieved, proof):
    found = for_several(planned, objective, value, bound)
    line = sites_told.headline(EN, found, sure=sites_told.proof(EN, found, stopped=False))
    assert achieved in line
    assert proof in line
    assert "2 scenarios" in sites_told.wished(EN, found)
    told = sites_scenarios.shares(EN, found)
    assert "As assumed</th><td class='number'>60</td><td class='number'>60\xa0%</td>" in told
    assert "Wheelchair user" in told
    assert "<td class='number'>40</td><td class='number'>40.9\xa0%</td>" in told
    assert ("Fewer" in told) == (objective == "regret")
    assert ("<td class='number'>64</td><td class='number'>24</td>" in told) == (
        objective == "regret"
    )
    proven = for_several(planned, objective, value, value)
    assert sites_told.proof(EN, proven, stopped=False) == EN.of("sites_optimal", objective)


def test_one_scenario_has_no_table(planned):
    assert sites_scenarios.shares(EN, planned) == ""
    assert sites_scenarios.manifest(()) == {}


def test_the_scenarios_are_those_that_the_data_can_tell_apart():
    coquimbo, ordinary = store.area("coquimbo"), Scenario()
    metres, minutes = AccessStandard(), AccessStandard(max_time_s=600.0)
    assert list(sites_scenarios.offered(coquimbo, ordinary, metres)) == [
        "hazard:tsunami",
        "walker:wheelchair",
    ]
    flooded = Scenario(hazard="tsunami", hazard_level=2)
    there = sites_scenarios.offered(coquimbo, flooded, minutes)
    assert list(there) == ["hazard:", "walker:elderly", "walker:wheelchair"]
    assert there["hazard:"] == Scenario()
    assert there["walker:elderly"] == flooded.with_changes(walker=WALKERS["elderly"])
    slow = Scenario.of(walker="wheelchair")
    assert list(sites_scenarios.offered(coquimbo, slow, metres)) == ["hazard:tsunami"]


def test_day_and_night_and_gates_are_scenarios_where_the_data_has_them():
    area = village.village()
    demand = area.demand.assign(population_day=1.0, population_night=2.0)
    entrances = area.entrances.assign(emergency_only=True)
    known = SimpleNamespace(hazards=area.hazards, demand=demand, entrances=entrances)
    there = sites_scenarios.offered(known, Scenario(time="day"), AccessStandard())
    assert {"time:night", "gates:emergency"} <= set(there)
    assert "time:day" not in there
    named = [sites_scenarios.title(EN, name) for name in ("time:night", "gates:emergency")]
    assert named == ["Night (slower walking)", "Emergency gates open"]


def test_a_site_is_kept_or_forbidden_never_both():
    mine = Picks().with_kept("a").with_forbidden("b").with_forbidden("a")
    assert mine == Picks(forbid=("b", "a"))
    assert mine.without("b").without("a") == Picks()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_of_sites_reach_the_map_only_escaped(payload):
    group = views.chosen_community(None, move=False)
    mark_candidates(
        group,
        [Candidate(at=(7.4, 43.7), tip=payload), Candidate(at=(7, 43), tip=payload, fitness="out")],
    )
    mark_plan(group, [PlanSite(at=(7.4, 43.7), number=1, tip=payload, chosen=True)], move=True)
    outline(group, [village.box(0, 0, 10, 10)])
    values = "".join(child.value for child in group._children.values())
    assert payload not in values
    assert not any(sign in values for sign in ("{{", "{%", "<", "`", "${"))


def found(app):
    """Press the button, and wait until the search has ended."""
    app.button(key="sites_find").click().run()
    return waited(app)


def waited(app):
    deadline = time.monotonic() + 300
    while any(button.key == "sites_stop" for button in app.button):
        assert time.monotonic() < deadline
        time.sleep(0.2)
        app.run()
    assert not app.exception
    assert not app.error
    return app


def button(app, key):
    return app.button(key=key).click().run()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_opens_without_looking_for_anything(lang):
    app = opened("sites", area="monaco", lang=lang)
    assert not app.exception
    assert not app.error
    assert Words(lang).of("sites_risk", "risk_unknown", hazard="") in said(app)
    assert app.session_state["desk"].job is None if "desk" in app.session_state else True
    assert not app.dataframe


@pytest.mark.parametrize("room", ["ignored", "assigned"])
def test_sites_are_found_chosen_forbidden_and_found_again(room):
    app = found(opened("sites", area="monaco", room=room, sites="3"))
    plan = app.dataframe[0].value
    assert plan["No."].tolist() == [1, 2, 3]
    assert (plan["Gain a place"] > 0).all()
    assert "3 new sites give" in said(app)
    assert '"sites":[[' in drawn(app)["feature_group"]
    first = str(plan.index[0])
    app.selectbox(key="site_pick").set_value(first).run()
    assert "Built after the sites before it" in said(app)
    assert app.dataframe[1].value["People here"].sum() > 0
    button(app, "site_forbid")
    assert EN("sites.changed") in said(app)
    button(app, "sites_again")
    again = waited(app).dataframe[0].value
    assert first not in again.index
    assert "1 forbidden" in said(app)
    button(app, "unpick_0")
    assert sites_form.Picks() == app.session_state["sites_picks"]["monaco"]
    found(app)
    assert app.dataframe[0].value.index.tolist() == plan.index.tolist()


@pytest.mark.parametrize("objective", ALONE)
def test_every_objective_has_a_plan_and_says_how_sure_it_is(objective):
    app = found(opened("sites", area="monaco", room="ignored", sites="2", objective=objective))
    assert EN.of("objective_more", objective) in said(app)
    assert "proven" in said(app)
    if objective == "longest":  # the longest walk is one that no candidate shortens
        assert EN("sites.no_better") in said(app)
        assert "The longest walk is 1.1\xa0km then." in said(app)
        assert not app.dataframe
    else:
        assert "more people a place" in said(app)
        assert (len(app.dataframe[0].value) == 2) == (objective != "everyone")


@pytest.mark.parametrize("objective", ROBUST)
def test_a_plan_for_several_scenarios_has_its_share_in_each(objective):
    app = opened("sites", area="coquimbo", sites="3", standard="own_minutes")
    app.selectbox(key="pick_objective").set_value(objective).run()
    assert app.button(key="sites_find").disabled
    assert EN("sites.scenarios_needed") in said(app)
    names = ["hazard:tsunami", "walker:elderly"]
    app.segmented_control(key="pick_scenarios").set_value(names).run()
    found(app)
    assert EN("gaps.room_ignored") in said(app)
    asked = app.session_state["sites_asked"]
    assert [name for name, _ in asked.scenarios] == names
    table = cells(app)
    assert [row[0] for row in table] == ["As assumed", "Tsunami", "Older person"]
    area = store.area("coquimbo")
    with_sites = area.with_sites(area.candidates.loc[app.dataframe[0].value.index])
    scenarios = [asked.scenario, *(one for _, one in asked.scenarios)]
    for row, scenario in zip(table, scenarios, strict=True):
        run = make_plan(with_sites, scenario.with_changes(room="ignored"), asked.standard)
        within = run.total["possible_people"]
        assert row[1:3] == [f"{within:,.0f}", percent(within / run.total["population"])]
    app.segmented_control(key="pick_scenarios").set_value(names[:1]).run()
    assert EN("sites.changed") in said(app)
    app.segmented_control(key="pick_scenarios").set_value([]).run()
    assert not any(one.key == "sites_again" for one in app.button)


def cells(app) -> list[list[str]]:
    """Return the rows of the table of scenarios."""
    html = next(one.body for one in app.get("html") if "<th scope='col'>Scenario" in one.body)
    rows = html.partition("<tbody>")[2].split("<tr>")[1:]
    return [re.findall(r">([^<>]+)</t[hd]>", row) for row in rows]


def test_a_plan_opened_from_one_for_several_scenarios_is_for_one():
    app = opened("sites", area="monaco", sites="2", room="ignored")
    app.selectbox(key="pick_objective").set_value("expected").run()
    app.segmented_control(key="pick_scenarios").set_value(["walker:wheelchair"]).run()
    found(app)
    app.segmented_control(key="sites_part").set_value("front").run()
    waited(button(app, "compare_number"))
    waited(app.selectbox(key="open_number").set_value(1).run())
    assert app.button(key="sites_back")
    assert "new site" in said(app)


def test_the_quota_is_one_of_those_in_danger_where_it_is_known_who_is():
    app = opened("sites", area="coquimbo", quota="10")
    assert not any(one.key == "pick_among" for one in app.selectbox)
    app = opened("sites", area="coquimbo", quota="10", hazard="tsunami")
    assert EN("sites.among") in [one.label for one in app.selectbox]
    app.selectbox(key="pick_among").set_value("at_risk").run()
    assert app.selectbox(key="pick_among").value == "at_risk"
    app.button(key="sites_find").click().run()
    wish = app.session_state["sites_asked"].wish
    assert (wish.quota, wish.quota_among) == (0.1, "at_risk")
    app.session_state["desk"].end()
    app.selectbox(key="pick_hazard").set_value("").run()
    app.button(key="sites_find").click().run()
    assert app.session_state["sites_asked"].wish.quota_among == "all"
    app.session_state["desk"].end()


def test_a_budget_is_kept_to():
    app = opened("sites", area="coquimbo", plan_by="budget", budget="12")
    found(app)
    table = app.dataframe[0].value
    assert len(table) > 1
    assert table["Cost"].sum() <= 12
    assert "cost at most 12" in said(app)
    app.number_input(key="pick_budget").set_value(2).run()
    found(app)
    assert not app.dataframe
    assert EN("sites.no_sites") in said(app)


def test_a_search_that_is_stopped_shows_the_best_plan_so_far(monkeypatch):
    ready = threading.Event()

    def slowly(ground, wish, count, common):
        """Find the best plan, and go on looking for a proof until somebody has had enough."""
        plan = quickly(ground, wish, count, common)
        common["progress"]("bound: 10 covered, at most 12", 0.1)
        ready.set()
        while not common["stop"]():
            time.sleep(0.01)
        result = plan.result
        unproven = SitingResult.of(
            result.selected, result.objective, result.bound + 7, seconds=1.0, sense="most"
        )
        return dataclasses.replace(plan, result=unproven)

    models = import_module("shelterplan.siting.suggest")._MODELS
    quickly = models["people"]
    monkeypatch.setitem(models, "people", slowly)
    app = opened("sites", area="monaco", room="ignored", sites="4", seconds="60")
    app.button(key="sites_find").click().run()
    assert ready.wait(60)
    app.run()
    assert "Best so far: 10 people with a place" in said(app)
    waited(button(app, "sites_stop"))
    assert "The search was stopped: this is the best plan so far." in said(app)
    assert "at most 7 more people" in said(app)
    assert len(app.dataframe[0].value) == 4
    other = opened("sites", area="monaco", room="ignored", sites="4", seconds="60")
    assert jobs.shared().get(app.session_state["sites_asked"]) is None
    assert not other.dataframe


@pytest.mark.parametrize("room", ["ignored", "assigned"])
def test_how_sure_is_said_for_plans_with_and_without_room(room):
    app = found(opened("sites", area="monaco", room=room, sites="2"))
    waited(button(app, "sites_sure"))
    asked = app.session_state["sites_asked"]
    sites = tuple(app.dataframe[0].value.index)
    sure = jobs.shared().get(("sure", asked, sites)).result
    assert isinstance(sure, sites_sure.Sureness)
    words = {EN.of("sites_sure", one) for one in ("always", "often", "equal", "never")}
    assert set(app.dataframe[0].value["In nearly equal plans"]) <= words
    assert "within 1 % of the best" in said(app)
    assert set(sure.words) == set(sites)
    assert not (room == "assigned" and sure.complete)
    assert (EN("sites.by_exchange") in said(app)) == (room == "assigned")
    assert (EN("sites.all_plans") in said(app)) == sure.complete


def test_the_figures_are_those_of_a_coverage_run_with_the_sites():
    app = found(opened("sites", area="monaco", room="ignored", sites="2"))
    area = store.area("monaco")
    sites = area.candidates.loc[app.dataframe[0].value.index]
    scenario = app.session_state["settings"].scenario()
    before, after = (make_plan(a, scenario).total for a in (area, area.with_sites(sites)))
    gain = after["possible_people"] - before["possible_people"]
    assert f"2 new sites give {gain:,.0f} more people a place" in said(app)
    assert app.dataframe[0].value["Gain a place"].sum() == gain


def test_a_second_ask_is_answered_at_once_and_by_nobody_elses_choices():
    one = found(opened("sites", area="monaco", room="ignored", sites="2"))
    other = opened("sites", area="monaco", room="ignored", sites="2")
    assert not other.dataframe
    button(other, "sites_find")
    assert not other.exception
    assert other.dataframe[0].value.equals(one.dataframe[0].value)
    one.session_state["sites_picks"] = {"monaco": Picks(forbid=("x",))}
    assert "sites_picks" not in other.session_state or not other.session_state["sites_picks"]


def test_other_assumptions_ask_for_another_search():
    app = found(opened("sites", area="monaco", room="ignored", sites="2"))
    app.number_input(key="pick_sites").set_value(3).run()
    assert EN("sites.changed") in said(app)
    assert app.dataframe
    app.selectbox(key="pick_walker").set_value("elderly").run()
    assert EN("sites.elsewhere") in said(app)
    assert not app.dataframe


def test_more_or_fewer_sites_are_compared_and_opened():
    app = found(opened("sites", area="monaco", room="ignored", sites="2"))
    app.segmented_control(key="sites_part").set_value("front").run()
    assert EN("sites.one_district") in unescape(said(app))
    waited(button(app, "compare_number"))
    data = app.get("vega_lite_chart")[0].proto.data.data
    values = pa.ipc.open_stream(data).read_pandas()
    assert values["x"].is_monotonic_increasing
    assert values["y"].is_monotonic_increasing
    assert values["chosen"].sum() <= 1
    four = int(values.index[values["x"] == 4][0])
    waited(app.selectbox(key="open_number").set_value(four).run())
    assert "4 new sites give" in said(app)
    button(app, "sites_back")
    assert "2 new sites give" in said(app)


def test_a_plan_is_taken_as_a_proposal_and_opens_again(tmp_path):
    app = found(opened("sites", area="monaco", room="ignored", sites="2"))
    button(app, "sites_take")
    taken = app.session_state["proposals"]
    assert [one.title for one in taken] == ["2 sites: Most people with a place"]
    assert "Compare it on the page Proposals." in said(app)
    target = tmp_path / "plan.geojson"
    target.write_bytes(taken[0].to_bytes())
    again = read_proposal(target)
    assert again.sites.index.tolist() == app.dataframe[0].value.index.tolist()
    assert again.area_name == "monaco"
    for _ in range(3):
        button(app, "sites_take")
    assert len(app.session_state["proposals"]) == 4
    assert app.button(key="sites_take").disabled


@pytest.mark.parametrize("lang", LANGUAGES)
def test_candidates_are_listed_with_the_rule_that_leaves_them_out(lang):
    app = opened("sites", area="coquimbo", lang=lang, hazard="tsunami")
    app.segmented_control(key="sites_part_first").set_value("candidates").run()
    assert not app.exception
    words, table = Words(lang), app.dataframe[0].value
    out = table[table[words("sites.column_fit")] == words("sites.no")]
    assert set(out[words("sites.column_why")]) == {words.of("sites_rule", "in_zone")}
    free = len(table) - len(out)
    assert words("sites.fit", number=free, all=len(table)) in said(app)
    assert "<strong>" in said(app)
    app.selectbox(key="rule_min_ways_in").set_value(2).run()
    assert words.of("sites_rule", "one_way_in") in set(app.dataframe[0].value.iloc[:, 2])


def test_people_who_move_on_when_it_is_full_are_not_planned_for():
    app = opened("sites", area="monaco", room="nearest")
    assert EN("sites.not_nearest") in said(app)
    button(app, "use_assigned")
    assert app.query_params.get("room", "assigned") == "assigned"
    assert app.button(key="sites_find")


def test_without_candidates_it_is_said(tmp_path, monkeypatch):
    village.village().save(tmp_path / "village")
    monkeypatch.setenv(store.OFFERED, str(tmp_path / "village"))
    store.known_areas.cache_clear()
    try:
        app = opened("sites", area="village")
        assert not app.exception
        assert EN.of("sites_reason", "none_given") in said(app)
    finally:
        store.known_areas.cache_clear()


def test_the_nearest_site_of_the_plan_is_chosen_by_a_tap():
    area = store.area("monaco")
    view = SimpleNamespace(area=area)
    sites = list(area.candidates.index[:3])
    at = area.candidates.geometry.iloc[1].representative_point()
    assert sites_map.nearest(view, sites, at.x, at.y) == sites[1]
    assert sites_map.nearest(view, sites, at.x + 1, at.y) == ""


def test_the_wish_is_in_the_address_and_what_is_kept_is_not():
    app = opened("sites", area="coquimbo", objective="fair", sites="7", seconds="60")
    assert app.session_state["settings"].sites == 7
    app.number_input(key="pick_sites").set_value(4).run()
    assert app.query_params["sites"] == "4"
    assert app.query_params["objective"] == "fair"
    app.selectbox(key="pick_plan_by").set_value("budget").run()
    app.number_input(key="pick_budget").set_value(12).run()
    wish = sites_form.wish(store.area("coquimbo"), app.session_state["settings"])
    assert (wish.sites, wish.budget, wish.time_limit_s) == (None, 12.0, 60.0)
