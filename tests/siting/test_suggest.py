"""Plans for a study area: they equal coverage runs of their own, and nothing better is missed."""

from itertools import combinations

import geopandas as gpd
import numpy as np
import pytest

from shelterplan import AccessStandard, Scenario, StudyArea, make_plan
from shelterplan.siting.candidates import SuitabilityRules
from shelterplan.siting.ground import Ground
from shelterplan.siting.result import NoPlanError, SitingError
from shelterplan.siting.suggest import Wish, suggest
from tests.village import communities, demand, point, shelters, village

SITES = [
    ("a", 40, 3, point(30, 5)),
    ("b", 90, 1, point(200, 5)),
    ("c", 20, 2, point(420, 5)),
    ("d", None, 5, point(900, 5)),
    ("e", 500, 4, point(300, -5)),
]


def candidates(rows=SITES):
    return gpd.GeoDataFrame(
        {
            "name": [row[0].upper() for row in rows],
            "capacity": [row[1] for row in rows],
            "cost": [row[2] for row in rows],
        },
        index=[row[0] for row in rows],
        geometry=[row[3] for row in rows],
        crs="EPSG:4326",
    )


def town(**changes):
    """The village with one small shelter, and five places where another could be."""
    few = shelters([("school", "Mill School", 25, point(600, 90))])
    people = demand(
        [
            ("west", 100, 10, 0),
            ("west", 50, 400, 60),
            ("west", 33, 150, 3),
            ("east", 30, 990, 10),
            ("east", 7, 700, 1500),
            ("isle", 13, 25, 3005),
        ]
    )
    return village(**{"shelters": few, "demand": people, "candidates": candidates()} | changes)


STANDARD = AccessStandard(max_distance_m=250)


def best_by_hand(area, scenario, column, choices):
    """The most people that any of the sets of sites serves, each by a run of its own."""
    return max(
        float(make_plan(area.with_sites(area.candidates.loc[list(chosen)]), scenario, STANDARD)
              .total[column])
        for chosen in choices
    )  # fmt: skip


@pytest.mark.parametrize("room", ["assigned", "ignored"])
@pytest.mark.parametrize("counted", ["possible", "confirmed"])
@pytest.mark.parametrize("count", [1, 2])
def test_no_set_of_sites_serves_more(room, counted, count):
    area, scenario = town(), Scenario(room=room)
    found = suggest(area, Wish(sites=count, counted=counted), scenario, STANDARD)
    column = found.counted_column
    wanted = best_by_hand(area, scenario, column, combinations(area.candidates.index, count))
    assert found.result.status == "optimal"
    assert float(found.after.total[column]) == wanted == found.result.objective
    assert len(found.sites) <= count


@pytest.mark.parametrize("budget", [0.5, 3, 5])
def test_no_set_of_sites_at_that_cost_serves_more(budget):
    area = town()
    found = suggest(area, Wish(budget=budget), Scenario(), STANDARD)
    cost = area.candidates["cost"].astype(float)
    sets = [
        chosen
        for count in range(6)
        for chosen in combinations(area.candidates.index, count)
        if cost[list(chosen)].sum() <= budget and chosen
    ]
    as_it_is = float(make_plan(area, Scenario(), STANDARD).total["possible_people"])
    wanted = best_by_hand(area, Scenario(), "possible_people", sets) if sets else as_it_is
    assert float(found.after.total["possible_people"]) == wanted
    assert found.sites["cost"].sum() <= budget


def test_the_steps_add_up_and_each_is_the_best_next_one():
    area = town()
    found = suggest(area, Wish(sites=3), Scenario(), STANDARD)
    gains = found.sites["newly_covered_population"].tolist()
    assert gains == sorted(gains, reverse=True)
    before, after = (float(plan.total["possible_people"]) for plan in (found.before, found.after))
    assert sum(gains) == after - before
    built = []
    for key, row in found.sites.iterrows():
        built.append(key)
        run = make_plan(area.with_sites(area.candidates.loc[built]), Scenario(), STANDARD)
        assert float(run.total["possible_people"]) == row["covered_after"]


def test_kept_sites_are_in_the_plan_and_forbidden_ones_are_not():
    free = suggest(town(), Wish(sites=2), Scenario(), STANDARD)
    best = free.sites.index[0]
    without = suggest(town(), Wish(sites=2, forbid=(best,)), Scenario(), STANDARD)
    assert best not in without.sites.index
    assert without.result.objective <= free.result.objective
    kept = suggest(town(), Wish(sites=2, keep=("c",)), Scenario(), STANDARD)
    assert "c" in kept.sites.index
    assert len(kept.sites) == 2
    assert kept.result.objective <= free.result.objective


def test_a_larger_number_never_serves_fewer():
    served = [
        suggest(town(), Wish(sites=count), Scenario(), STANDARD).result.objective
        for count in range(6)
    ]
    assert served == sorted(served)


def test_a_quota_raises_the_worst_district_or_says_that_none_can():
    area = town()
    with pytest.raises(NoPlanError, match="Sea"):
        suggest(area, Wish(sites=2, quota=0.4), Scenario(), STANDARD)
    isle = town(candidates=candidates([*SITES, ("i", 50, 1, point(30, 3002))]))
    plain = suggest(isle, Wish(sites=2), Scenario(), STANDARD)
    held = suggest(isle, Wish(sites=2, quota=0.4), Scenario(), STANDARD)
    assert sorted(held.sites.index) == ["b", "i"]
    assert held.result.objective < plain.result.objective
    with pytest.raises(NoPlanError, match=r"no 1 sites.* every district.*; 0.0% is the largest"):
        suggest(isle, Wish(sites=1, quota=0.4), Scenario(), STANDARD)


def test_fair_puts_the_worst_district_first():
    isle = town(candidates=candidates([*SITES, ("i", 50, 1, point(30, 3002))]))
    found = suggest(isle, Wish(sites=2, objective="fair"), Scenario(), STANDARD)
    assert sorted(found.sites.index) == ["b", "i"]
    shares = found.after.districts["possible_share"]
    assert found.result.objective == pytest.approx(shares.min())


def test_everyone_takes_the_fewest_sites_and_counts_who_cannot_be_served():
    area = town()
    found = suggest(area, Wish(objective="everyone"), Scenario(room="ignored"), STANDARD)
    assert found.after.total["gap_population"] == found.left_out_people == 7 + 13
    fewer = combinations(area.candidates.index, len(found.sites) - 1)
    most = best_by_hand(area, Scenario(room="ignored"), "possible_people", fewer)
    assert most < float(found.after.total["possible_people"])


@pytest.mark.parametrize("objective", ["walking", "longest"])
def test_walking_objectives_agree_with_runs_of_every_pair(objective):
    area, scenario = town(), Scenario(room="ignored")
    found = suggest(area, Wish(sites=2, objective=objective), scenario, STANDARD)

    def walk_of(plan):
        rows = plan.demand[np.isfinite(plan.demand["distance_m"])]
        if objective == "longest":
            return rows["distance_m"].max()
        return float((rows["distance_m"] * rows["population"]).sum())

    runs = [
        walk_of(make_plan(area.with_sites(area.candidates.loc[list(pair)]), scenario, STANDARD))
        for pair in combinations(area.candidates.index, 2)
    ]
    assert found.result.objective == pytest.approx(min(runs), abs=0.1)
    assert walk_of(found.after) == pytest.approx(min(runs), abs=0.1)


def test_need_prefers_people_at_risk():
    area = town()
    need = Ground(area, area.candidates, Scenario(), STANDARD, "possible").need()
    assert need.tolist() == [1.0] * len(area.demand)
    plain = suggest(area, Wish(sites=2), Scenario(), STANDARD)
    weighed = suggest(area, Wish(sites=2, objective="need"), Scenario(), STANDARD)
    assert weighed.result.objective == pytest.approx(plain.result.objective)


def test_where_nothing_helps_it_is_said_why():
    far = candidates([("x", 50, 1, point(2000, 900))])
    found = suggest(town(candidates=far), Wish(sites=2), Scenario(), STANDARD)
    assert not len(found.sites)
    assert found.reasons
    assert found.share_after == found.share_before
    none = suggest(town(candidates=candidates([])), Wish(sites=2), Scenario(), STANDARD)
    assert none.reasons
    assert none.result.objective == float(none.before.total["possible_people"])


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({}, "how many"),
        ({"sites": 1, "objective": "best"}, "objective"),
        ({"sites": 1, "keep": ("a",), "forbid": ("a",)}, "'a'"),
        ({"sites": 1, "quota": 1.5}, "quota"),
        ({"sites": 1, "quota": 0.5, "objective": "fair"}, "quota"),
        ({"sites": -1}, "-1"),
        ({"sites": 1.5}, "1.5"),
        ({"budget": float("nan")}, "nan"),
        ({"sites": 1, "keep": ("a", "b")}, "2 sites are to be kept"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(wish, said):
    with pytest.raises((SitingError, KeyError), match=said):
        Wish(**wish)


def test_strangers_and_what_cannot_be_paid_are_refused():
    with pytest.raises(SitingError, match="'zzz'"):
        suggest(town(), Wish(sites=1, keep=("zzz",)), Scenario(), STANDARD)
    priceless = candidates([("a", 40, None, point(30, 5)), *SITES[1:]])
    with pytest.raises(SitingError, match="cost of every candidate"):
        suggest(town(candidates=priceless), Wish(budget=3), Scenario(), STANDARD)
    with pytest.raises(SitingError, match="nearest"):
        suggest(town(), Wish(sites=1), Scenario(room="nearest"), STANDARD)
    rules = SuitabilityRules(excluded_kinds=("school",))
    assert (
        suggest(town(), Wish(sites=1), Scenario(), STANDARD, rules=rules)
        .candidates["suitable"]
        .all()
    )


@pytest.mark.parametrize("name", ["monaco", "coquimbo"])
@pytest.mark.parametrize("room", ["assigned", "ignored"])
def test_the_embedded_plans_are_proven_and_equal_fresh_runs(name, room):
    area, scenario = StudyArea.open(name), Scenario(room=room)
    found = suggest(area, Wish(sites=5), scenario)
    assert found.result.status == "optimal"
    fresh = make_plan(area.with_sites(area.candidates.loc[found.sites.index]), scenario)
    assert float(fresh.total["possible_people"]) == found.result.objective
    assert fresh.total.equals(found.after.total)
    gains = found.sites["newly_covered_population"]
    assert gains.sum() == fresh.total["possible_people"] - found.before.total["possible_people"]
    assert (gains > 0).all()


def test_kept_sites_count_in_what_everybody_needs():
    area, scenario = town(), Scenario(room="ignored")
    free = suggest(area, Wish(objective="everyone"), scenario, STANDARD)
    kept = suggest(area, Wish(objective="everyone", keep=("c",)), scenario, STANDARD)
    assert free.result.objective == len(free.sites)
    assert kept.result.objective == len(kept.sites)
    assert "c" in kept.sites.index


def test_a_quota_of_people_at_risk_is_one_of_them():
    area = StudyArea.open("monaco")
    wish = Wish(sites=3, quota=0.9, quota_among="at_risk")
    with pytest.raises(SitingError, match="hazard"):
        suggest(area, wish, Scenario(room="ignored"))
    before = Scenario(hazard="storm_surge", phase="before", room="ignored")
    found = suggest(area, wish, before)
    rows = found.after.demand[found.after.demand["hazard_level"] > 0]
    share = rows.loc[rows["status"] == "covered", "population"].sum() / rows["population"].sum()
    assert share >= 0.9
    with pytest.raises(NoPlanError):
        suggest(area, wish, Scenario(hazard="storm_surge", room="ignored"))


def test_plans_for_several_scenarios_do_not_look_at_room():
    area = town(candidates=candidates([("a", 0, 3, point(30, 5)), *SITES[1:]]))
    found = suggest(
        area,
        Wish(sites=2, objective="worst"),
        Scenario(),
        STANDARD,
        scenarios={"slow": Scenario.of(walker="elderly")},
    )
    assert found.scenario.room == "ignored"
    assert found.result.objective == min(one.share for one in found.scenarios.values())
    assert found.share_after == pytest.approx(found.scenarios[""].share)
    assert found.sites["newly_covered_population"].gt(0).all()


def test_a_plan_that_keeps_places_for_a_district_says_so():
    """Ten places between fifty of the west, who live nearer, and thirty of the east."""
    people = demand([("west", 50, 520, 0), ("east", 30, 720, 0)])
    few = shelters([("far", "Far School", 1, point(0, 3000))])
    hall = candidates([("hall", 10, 1, point(600, 5))])
    parts = communities().assign(district=["West", "East", "Sea"])
    area = village(shelters=few, demand=people, candidates=hall, communities=parts)
    found = suggest(area, Wish(sites=1, objective="fair"), None, STANDARD)
    assert found.result.objective == pytest.approx(10 / 80)
    assert found.worst_share_after == 0
    assert found.kept_places
    most = suggest(area, Wish(sites=1), None, STANDARD)
    assert not most.kept_places
    assert most.worst_share_after == 0
