"""Room in shelters: who gets a place, who is turned away, what is not known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelterplan import AccessStandard, Scenario, coverage, make_plan
from shelterplan.finder import find_shelters
from shelterplan.room import room_of
from tests.village import communities, demand, lonlat, point, shelters, village

NEAR = AccessStandard(max_distance_m=450)


def crowded(capacity, **changes):
    """Return the village with three homes near the school, which has so much room, and the park."""
    homes = [("west", 40, 400, 0), ("east", 60, 600, 50), ("east", 30, 800, 0)]
    table = demand(homes)
    return village(
        demand=table.assign(**changes.pop("groups", {})),
        shelters=shelters().assign(capacity=capacity, **changes),
    )


def outcome(area, scenario=None, standard=NEAR):
    walks = coverage.assess(area, scenario, standard)
    people = walks.reset_index()[["demand_id", "assigned_id", "status", "population"]]
    return [
        (d, s if isinstance(s, str) else None, str(status), n)
        for d, s, status, n in people.itertuples(index=False)
    ]


def test_people_are_sent_where_there_is_room_with_the_least_walking():
    # the school is 90 m further for d0 (290 m) than for d1 (40 m); d2 can go to either
    assert outcome(crowded([100, 30])) == [
        ("d0", "school", "covered", 40),
        ("d1", "school", "covered", 60),
        ("d2", "park", "covered", 30),
    ]


def test_a_point_whose_people_fare_differently_has_a_row_for_each_part():
    found = outcome(crowded([70, 20]))
    assert found == [
        ("d0", "school", "covered", 10),
        ("d0", None, "full", 30),
        ("d1", "school", "covered", 60),
        ("d2", "park", "covered", 20),
        ("d2", None, "full", 10),
    ]
    assert sum(row[3] for row in found) == 130


def test_uninformed_people_go_to_the_nearest_and_then_to_the_next():
    area = crowded([60, 30])
    nearest = outcome(area, Scenario(room="nearest"))
    assert nearest == [
        ("d0", None, "full", 40),
        ("d1", "school", "covered", 60),
        ("d2", "park", "covered", 30),
    ]
    use = coverage.examine(area, Scenario(room="nearest"), NEAR).shelters
    assert use.loc["school", ["expected_population", "assigned_population"]].tolist() == [100, 60]
    assert use.loc["school", "fills_at_share"] == pytest.approx(0.6)
    assert use.loc["school", "turned_away_population"] == 40
    assert use.loc["park", "utilisation"] == 1


def test_unknown_room_is_neither_nought_nor_without_limit():
    found = outcome(crowded([60, None]))
    # d0 reaches the school only; whoever can goes to the park, of which nobody knows the room
    assert found == [
        ("d0", "school", "covered", 40),
        ("d1", "school", "covered", 20),
        ("d1", "park", "capacity_unknown", 40),
        ("d2", "park", "capacity_unknown", 30),
    ]
    total = make_plan(crowded([60, None]), standard=NEAR).total
    assert total["covered_population"] == 60
    assert total["capacity_unknown_population"] == 70
    assert total["gap_population"] == 0
    assert total["coverage_share"] == pytest.approx(60 / 130)
    assert total["possible_share"] == 1


def test_the_area_stands_in_for_unknown_room_and_is_marked():
    area = crowded([None, None], area_m2=[90.5, 40.0])
    standard = AccessStandard(max_distance_m=500, area_m2_per_person=2.0)
    room = room_of(area, standard)
    assert room["room"].tolist() == [45, 20]
    assert room["room_from"].tolist() == ["area", "area"]
    total = make_plan(area, standard=standard).total
    assert total["covered_population"] == 65
    assert total["full_population"] == 65
    assert total.filter(like="estimated").tolist() == [65]
    assert room_of(crowded([7, None], area_m2=[90.0, 40.0]), standard)["room"].tolist() == [7, 20]
    assert room_of(area, NEAR)["room"].isna().all()


def test_people_who_are_inside_already_take_room():
    area = crowded([100, 30], occupants=[70, 50])
    assert room_of(area, NEAR)["room"].tolist() == [30, 0]


def test_they_take_estimated_room_too_and_whole_divisions_are_not_rounded_down():
    area = crowded([None, None], area_m2=[100.0, 12.1], occupants=[20, None])
    standard = AccessStandard(max_distance_m=450, area_m2_per_person=1.1)
    assert room_of(area, standard)["room"].tolist() == [70, 11]


def test_nobody_is_advised_to_go_where_no_place_is_left():
    empty = [("zero", "Z", 0, point(10, 0)), ("ok", "O", 500, point(300, 0))]
    few = demand([("west", 10, 290, 0)])
    answer = find_shelters(village(shelters=shelters(empty), demand=few), *lonlat(20, 0))
    assert (answer.options[0].shelter_id, answer.advised) == ("zero", 1)
    small = [("big", "B", 10, point(100, 0)), ("small", "S", 10, point(300, 0))]
    many = demand([("west", 1000, 90, 0)])
    answer = find_shelters(village(shelters=shelters(small), demand=many), *lonlat(95, 0))
    assert answer.advised == 0


def test_groups_are_shared_out_with_the_people():
    area = crowded([70, 20], groups={"elderly_65": [9, 12, None]})
    walks = coverage.assess(area, None, NEAR)
    assert walks.groupby("demand_id")["elderly_65"].sum().tolist() == [9, 12, 0]
    assert walks.loc["d0", "elderly_65"].tolist() == pytest.approx([2.25, 6.75], abs=1e-5)
    assert walks.loc["d2", "elderly_65"].isna().all()


def test_a_resident_is_told_that_the_nearest_fills_up_and_which_to_take():
    area = crowded([50, 300])
    answer = find_shelters(area, *lonlat(800, 0), standard=NEAR)
    assert [option.shelter_id for option in answer.options] == ["park", "school"]
    assert answer.advised == 0
    answer = find_shelters(area, *lonlat(650, 0), standard=NEAR)
    assert answer.options[0].shelter_id == "school"
    assert answer.options[0].fills_at_share == pytest.approx(0.5)
    assert (answer.advised, answer.options[1].shelter_id) == (1, "park")
    assert answer.options[1].fills_at_share is None


def random_town(rng):
    """Return a village with random homes, shelters and capacities, some of them unknown."""
    homes = [
        ("west", int(rng.integers(0, 40)), rng.uniform(-40, 490), rng.uniform(-40, 90))
        for _ in range(8)
    ] + [("east", int(rng.integers(0, 40)), rng.uniform(510, 990), 5.0) for _ in range(6)]
    sites = [
        (f"s{i}", f"S{i}", None, point(rng.uniform(0, 1000), rng.uniform(-60, 95)))
        for i in range(4)
    ]
    capacity = np.where(rng.random(4) < 0.3, np.nan, rng.integers(0, 120, 4).astype(float))
    return homes, sites, capacity


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["assigned", "nearest"]))
def test_more_room_never_serves_fewer_and_everybody_is_counted_once(seed, room):
    rng = np.random.default_rng(seed)
    homes, sites, capacity = random_town(rng)
    more = capacity + rng.integers(0, 60, 4)
    scenario, served = Scenario(room=room), []
    for each in (capacity, more):
        area = village(demand=demand(homes), shelters=shelters(sites).assign(capacity=each))
        plan = make_plan(area, scenario, AccessStandard(max_distance_m=700))
        statuses = [f"{status}_population" for status in coverage.STATUSES]
        for table in (plan.communities, plan.districts):
            assert np.array_equal(table[statuses].sum(axis=1), table["population"])
        assert plan.total[statuses].sum() == plan.total["population"]
        assert plan.total["population"] == area.demand["population"].sum()
        assert (plan.shelters["assigned_population"] <= plan.shelters["room"].fillna(np.inf)).all()
        placed = plan.demand.groupby("assigned_id")["population"].sum()
        used = plan.shelters["assigned_population"]
        assert np.array_equal(placed.reindex(used.index).fillna(0.0), used)
        walks = plan.demand.dropna(subset="assigned_id")
        assert (walks["assigned_distance_m"] <= 700).all()
        assert (walks["assigned_distance_m"] >= walks["distance_m"] - 1e-9).all()
        served.append((plan.total["covered_population"], plan.total["gap_population"]))
    assert served[1][0] >= served[0][0]
    assert served[1][1] <= served[0][1]


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_a_slower_walker_is_never_near_enough_where_a_faster_one_is_not(seed):
    rng = np.random.default_rng(seed)
    homes, sites, capacity = random_town(rng)
    area = village(demand=demand(homes), shelters=shelters(sites).assign(capacity=capacity))
    standard = AccessStandard(max_time_s=400)
    slow, fast = (
        coverage.assess(area, Scenario.of(walker=walker, room="ignored"), standard)["status"]
        for walker in ("elderly", "adult")
    )
    assert not ((slow == "covered") & (fast != "covered")).any()


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_the_same_scenario_gives_the_same_bytes(seed):
    rng = np.random.default_rng(seed)
    homes, sites, capacity = random_town(rng)
    scenario = Scenario.of(walker="elderly", time="night", room="nearest")
    again = Scenario.from_dict(scenario.to_dict())
    tables = [
        make_plan(
            village(demand=demand(homes), shelters=shelters(sites).assign(capacity=capacity)),
            one,
            AccessStandard(max_time_s=600),
        )
        for one in (scenario, again)
    ]
    assert tables[0].manifest["scenario"] == tables[1].manifest["scenario"]
    for name in ("demand", "communities", "districts", "shelters"):
        assert getattr(tables[0], name).to_csv() == getattr(tables[1], name).to_csv()


def test_communities_without_people_are_there_in_every_table():
    area = village(demand=demand([("west", 5, 400, 0)]))
    plan = make_plan(area, standard=NEAR)
    assert plan.communities.index.tolist() == communities().index.tolist()
    assert plan.communities["population"].tolist() == [5, 0, 0]
    assert plan.communities["at_risk_people"].tolist() == [0, 0, 0]
