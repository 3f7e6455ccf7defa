"""The notebooks on equity between districts and on a site proposal, executed."""

import html

import numpy as np
import pytest

from shelterplan import AccessStandard, Scenario, StudyArea, make_plan, siting
from tests.notebooks import run

LIMIT = AccessStandard(max_distance_m=500)


def test_equity_across_districts(tmp_path):
    found = run(
        "02_equity_across_districts",
        tmp_path,
        "{'districts': districts['possible_share'].to_dict(),"
        " 'ends': districts[['possible_share_low', 'possible_share_high']].to_numpy().tolist(),"
        " 'reach': reach.loc[500].to_dict(), 'gini': coverage.measures.loc['gini', 'value'],"
        " 'between': mine, 'by_chance': by_chance, 'shares': shares.to_dict(), 'short': short,"
        " 'csv': content.decode('utf-8-sig')}",
    )
    told = found.told
    area = StudyArea.open("coquimbo")
    plan = make_plan(area, standard=LIMIT)
    share = (plan.districts["possible_people"] / plan.districts["population"]).rename(told["short"])
    assert told["districts"] == pytest.approx(share.to_dict())
    assert list(told["districts"]) == share.sort_values().index.tolist()
    for value, (low, high) in zip(told["districts"].values(), told["ends"], strict=True):
        assert 0 <= low < value < high <= 1

    walks = plan.demand
    home = area.communities["district"].reindex(walks["community_id"]).to_numpy()
    for name, short in told["short"].items():
        people, near = walks["population"][home == name], walks["distance_m"][home == name] <= 500
        assert told["reach"][short] == pytest.approx(people[near].sum() / people.sum())

    here = plan.communities[plan.communities["population"] > 0]
    access = (here["possible_people"] / here["population"]).to_numpy()
    weight = (here["population"] / here["population"].sum()).to_numpy()
    mean = access @ weight
    apart = np.abs(access[:, None] - access[None, :])
    assert told["gini"] == pytest.approx(weight @ apart @ weight / (2 * mean))
    total = between = 0.0
    for name in told["short"]:
        rows = (here["district"] == name).to_numpy()
        p, x = weight[rows].sum(), access[rows] @ weight[rows] / weight[rows].sum() / mean
        between += p * x * np.log(x)
    some = access > 0
    total = (weight[some] * access[some] / mean * np.log(access[some] / mean)).sum()
    assert told["between"] == pytest.approx(between / total)
    assert 0.01 < np.mean(told["by_chance"]) < 0.1

    tsunami = make_plan(area, Scenario(hazard="tsunami"), LIMIT).districts["possible_share"]
    assert told["shares"]["500 m, tsunami"] == pytest.approx(
        tsunami.rename(told["short"]).to_dict()
    )
    assert "candidates, hazards, shelters" in told["csv"]
    assert len(found.pictures()) == 6


def test_evaluate_a_site_proposal(tmp_path):
    found = run(
        "03_evaluate_a_site_proposal",
        tmp_path,
        "{'reasons': candidates['reason'].to_dict(), 'best': best.sites.index.tolist(),"
        " 'steps': best.sites['newly_covered_population'].tolist(),"
        " 'objective': best.result.objective, 'bound': best.result.bound,"
        " 'fairer': fairer.sites.index.tolist(), 'shares': [float(one) for one in shares],"
        " 'robust': {key: one.people for key, one in robust.scenarios.items()},"
        " 'robust_sites': robust.sites.index.tolist(), 'sure': frequencies['plans'].tolist(),"
        " 'winners': found.communities['newly_people'].to_dict(), 'newly': found.newly_people,"
        " 'other': other.sites.index.tolist(), 'better': better}",
    )
    told, lesson = found.told, found.lesson
    area, tsunami = StudyArea.open("coquimbo"), Scenario(hazard="tsunami")
    before = make_plan(area, tsunami, LIMIT).total["possible_people"]

    def served(sites):
        return make_plan(area.with_sites(sites), tsunami, LIMIT)

    assert {*told["reasons"].values()} >= {"", "in_zone", "one_way_in"}
    chosen = area.candidates.loc[told["best"]]
    assert {told["reasons"][site] for site in told["best"]} == {""}
    after = served(chosen).total["possible_people"]
    assert after == told["objective"] == told["bound"]
    assert after - before == sum(told["steps"])
    assert told["steps"] == sorted(told["steps"], reverse=True)

    fairer = served(area.candidates.loc[told["fairer"]])
    assert told["shares"][1] == fairer.districts["possible_share"].min() >= 0.12 > told["shares"][0]
    assert fairer.total["possible_people"] <= after
    robust = area.with_sites(area.candidates.loc[told["robust_sites"]])
    reached = make_plan(robust, tsunami, LIMIT).total["reached_people"]
    assert told["robust"][""] == reached == min(told["robust"].values())
    assert all(1 <= plans <= 20 for plans in told["sure"])

    rival = siting.read_proposal(lesson / "rival.csv").sites
    with_rival = served(rival).total["possible_people"]
    assert with_rival - before == told["newly"] == sum(told["winners"].values()) > 0
    best = served(area.candidates.loc[told["other"]]).total["possible_people"]
    assert best - with_rival == told["better"] > 0
    winner = max(told["winners"], key=told["winners"].get)
    name = str(area.communities.loc[winner, "name"])
    for language, illustrative in (("en", "llustrative"), ("zh", "示例")):
        page = html.unescape((lesson / f"card-{language}.html").read_text("utf-8"))
        assert f"{told['winners'][winner]:,.0f}" in page
        assert area.translations.get(language, {}).get(name, name) in page
        assert illustrative in page
    assert name in " ".join(found.printed().split())
    own = siting.read_proposal(lesson / "best-five.geojson")
    assert own.sites.index.tolist() == told["best"]
    assert own.warnings(area) == []
    assert len(found.pictures()) == 2
