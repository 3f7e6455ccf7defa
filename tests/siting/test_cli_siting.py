"""The commands `suggest` and `evaluate`: the same figures as the library, in plain JSON."""

import json
from html import unescape

import pytest
from click.testing import CliRunner

from shelterplan import Scenario, StudyArea, make_plan
from shelterplan.cli import main
from shelterplan.siting.evaluate import evaluate
from shelterplan.siting.proposal import read_proposal


def run(*arguments):
    return CliRunner().invoke(main, [str(one) for one in arguments])


def answer(*arguments):
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    out = tmp_path_factory.mktemp("plan") / "plan.geojson"
    ask = ("suggest", "coquimbo", "--sites", 3, "--hazard", "tsunami")
    # in a fresh clone, compiling alone may take longer than the ten seconds of a search
    return answer(*ask, "--time-limit", 300, "--out", out), out


def test_suggest_tells_the_contract_and_its_sums_hold(plan):
    found, _ = plan
    assert found["status"] == "optimal"
    assert found["gap"] == 0
    assert found["bound"] == found["objective"]
    assert len(found["sites"]) == 3
    gains = [site["newly_covered_population"] for site in found["sites"]]
    assert gains == sorted(gains, reverse=True)
    assert sum(gains) == found["newly_covered_population"] > 0
    assert found["sites"][-1]["covered_after"] == found["objective"]
    assert found["coverage_share_after"] > found["coverage_share_before"]
    assert {"site_id", "lon", "lat", "name", "step", "room", "cost"} <= found["sites"][0].keys()
    assert {row["reason"] for row in found["excluded"]} == {"in_zone"}
    area = StudyArea.open("coquimbo")
    chosen = area.candidates.loc[[site["site_id"] for site in found["sites"]]]
    fresh = make_plan(area.with_sites(chosen), Scenario(hazard="tsunami"))
    assert fresh.total["possible_people"] == found["objective"]
    assert fresh.total["possible_share"] == found["coverage_share_after"]


def test_what_suggest_wrote_is_evaluated_to_the_same_gain(plan):
    found, path = plan
    said = answer("evaluate", "coquimbo", "--proposal", path, "--hazard", "tsunami")
    assert said["newly_people"] == found["newly_covered_population"]
    assert said["alternative"]["newly_covered_population"] >= said["newly_people"]
    assert said["warnings"] == []
    sums = [sum(row["newly_people"] - row["lost_people"] for row in said[name])
            for name in ("communities", "districts")]  # fmt: skip
    assert sums == [said["newly_people"]] * 2
    proposal = read_proposal(path)
    again = evaluate(
        StudyArea.open("coquimbo"), proposal.sites, Scenario(hazard="tsunami"), compare=False
    )
    assert again.newly_people == said["newly_people"]
    other = answer("evaluate", "coquimbo", "--proposal", path, "--no-compare")
    assert other["alternative"] is None
    assert "scenario" in other["warnings"][0]


def test_a_list_of_places_is_a_proposal_too(tmp_path):
    path = tmp_path / "halls.csv"
    path.write_text("name,lon,lat,capacity\nNew hall,7.4197,43.7325,300\n", "utf-8")
    said = answer("evaluate", "monaco", "--proposal", path, "--no-compare")
    assert [site["name"] for site in said["sites"]] == ["New hall"]
    assert said["population"] == 38367
    assert said["summary"]


def test_people_read_the_same(tmp_path, plan):
    _, path = plan
    card = tmp_path / "card.html"
    done = run(
        *("evaluate", "coquimbo", "--proposal", path, "--hazard", "tsunami"),
        *("--no-compare", "--report", card, "--language", "zh"),
    )
    assert done.exit_code == 0, done.output
    assert "better off" in done.output
    page = card.read_text("utf-8")
    assert "<script" not in page
    assert "OpenStreetMap" in page
    said = run("suggest", "monaco", "--sites", 2, "--room", "ignored")
    assert said.exit_code == 0
    assert "Proven: no choice of sites does better" in said.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("suggest", "monaco"), "how many sites"),
        (("suggest", "monaco", "--budget", "5"), "cost"),
        (("suggest", "monaco", "--sites", "2", "--keep", "nowhere"), "'nowhere'"),
        (("suggest", "monaco", "--sites", "2", "--objective", "worst"), "scenarios"),
        (("suggest", "monaco", "--sites", "2", "--out", "plan.xlsx"), ".geojson"),
        (("evaluate", "monaco", "--proposal", "missing.csv"), "missing.csv"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(arguments, said):
    done = run(*arguments)
    assert done.exit_code in (1, 2)
    assert said in done.output
    assert "Traceback" not in done.output


def test_a_proposal_with_a_bad_row_names_it(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("name,lon,lat,capacity\nA,7.42,43.73,10\nB,743,43.73,10\n", "utf-8")
    done = run("evaluate", "monaco", "--proposal", path, "--no-compare")
    assert done.exit_code == 1
    assert "bad.csv: 1 problem" in done.output
    assert "row 3: lon" in done.output


def test_a_plan_for_several_scenarios(tmp_path):
    night = tmp_path / "night.toml"
    night.write_text('walker = "elderly"\n', "utf-8")
    card = tmp_path / "card.html"
    said = answer(
        *("suggest", "monaco", "--sites", 2, "--objective", "worst"),
        *("--scenarios", night, "--report", card),
    )
    assert [one["scenario"] for one in said["scenarios"]] == ["", "night"]
    assert said["objective"] == min(one["share"] for one in said["scenarios"])
    assert said["unit"].startswith("share of people within reach")
    assert "Suggested: 2 sites" in unescape(card.read_text("utf-8"))


def test_how_sure_each_site_is():
    said = answer("suggest", "monaco", "--sites", 2, "--room", "ignored", "--how-sure")
    for site in said["sites"]:
        assert 0 < site["appears"]["plans"] <= 20
        assert site["appears"]["word"] in {"always", "often", "one of several equals"}


def test_the_rules_of_suitability_are_flags():
    ask = ("suggest", "monaco", "--sites", 2, "--room", "ignored")
    usual, strict = answer(*ask), answer(*ask, "--exclude-kind", "park", "--min-area-m2", 3000)
    out = {site["site_id"]: site["reason"] for site in strict["excluded"]}
    table = StudyArea.open("monaco").candidates
    assert {key for key, why in out.items() if "kind" in why} >= set(
        table.index[table["kind"] == "park"]
    )
    assert len(out) > len(usual["excluded"])
    assert strict["newly_covered_population"] <= usual["newly_covered_population"]
    refused = run(*ask, "--exclude-kind", "castle")
    assert refused.exit_code == 1
    assert "castle" in refused.stderr
    assert "sports_hall" in refused.stderr
