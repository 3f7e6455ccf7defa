"""Who is covered: boundaries, exact sums, one reason for everybody, and the laws."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelterplan import AccessStandard, Scenario, coverage, make_plan
from tests.village import demand, random_village, shelters, streets, village

PEOPLE = [f"{status}_population" for status in coverage.STATUSES]


@pytest.fixture(scope="module")
def area():
    return village()


def test_everybody_has_the_expected_reason(area):
    standard = AccessStandard(max_distance_m=450)
    walks = coverage.assess(area, standard=standard)
    # nobody knows how many people Long Park has room for
    expected = ["too_far", "covered", "capacity_unknown", "no_network", "no_path"]
    assert walks["status"].tolist() == expected
    assert walks["assigned_id"].tolist()[1:3] == ["school", "park"]
    ignored = coverage.assess(area, Scenario(room="ignored"), standard)
    assert ignored["status"].tolist()[2] == "covered"
    assert walks["shelter_id"].tolist()[:3] == ["school", "school", "park"]
    assert walks["shelter_id"].isna().tolist()[3:] == [True, True]


def test_distance_is_the_whole_walk_leg_by_leg(area):
    first = coverage.assess(area).iloc[0]
    # 590 m along the High Street, 90 m up Mill Lane; both places stand on the street
    assert first["distance_m"] == pytest.approx(680.0, abs=0.5)
    second = coverage.assess(area).iloc[1]
    assert second["distance_m"] == pytest.approx(60 + 200 + 90, abs=0.5)
    parts = ["leg_start_m", "street_m", "leg_end_m"]
    walks = coverage.assess(area)
    reached = walks[np.isfinite(walks["distance_m"])]
    assert np.allclose(reached[parts].sum(axis=1), reached["distance_m"], atol=1e-6)


def test_a_walk_of_exactly_the_limit_is_covered_and_a_millimetre_more_is_not(area):
    walk = coverage.assess(area).iloc[0]["distance_m"]
    at_limit = coverage.assess(area, standard=AccessStandard(max_distance_m=walk))
    below = coverage.assess(area, standard=AccessStandard(max_distance_m=walk - 0.001))
    assert at_limit.iloc[0]["status"] == "covered"
    assert below.iloc[0]["status"] == "too_far"


@pytest.mark.parametrize(("metres", "met"), [(500.0, True), (500.1, False), (np.inf, False)])
def test_limit_is_inclusive(metres, met):
    assert bool(coverage.within(metres, 500.0)) is met


def test_a_walker_who_cannot_use_steps_is_sent_round_or_told_there_is_no_way():
    high = village(demand=demand([("west", 5, 400, 95)]))
    adult = coverage.assess(high).iloc[0]
    wheels = coverage.assess(high, Scenario.of(walker="wheelchair")).iloc[0]
    assert adult["leg_start_m"] == pytest.approx(0, abs=0.1)
    assert wheels["leg_start_m"] == pytest.approx(95, abs=0.5)
    assert wheels["walk_time_s"] > adult["walk_time_s"]


def test_a_wheelchair_is_not_sent_where_it_is_marked_impassable():
    barred = streets()
    barred.edges["wheelchair"] = [None, "no", None, None, None, None]
    wheels = Scenario.of(walker="wheelchair")
    area = village(streets=barred, shelters=shelters().assign(wheelchair=["unknown", "no"]))
    # the High Street is barred in the middle, and Long Park has no way in
    assert coverage.assess(area, wheels)["shelter_id"].isna().tolist()[:3] == [True, True, False]
    assert coverage.assess(area)["shelter_id"].isna().tolist()[:3] == [False, False, False]
    assert set(coverage.assess(area, wheels)["shelter_id"].dropna()) == {"school"}


def test_closed_and_full_shelters_are_not_offered():
    table = shelters().assign(status=["closed", "unknown"])
    walks = coverage.assess(village(shelters=table))
    assert set(walks["shelter_id"].dropna()) == {"park"}


def test_no_shelter_at_all_leaves_everybody_without_a_way():
    nobody = shelters().iloc[:0]
    plan = make_plan(village(shelters=nobody))
    assert plan.total["covered_population"] == 0
    assert plan.total["no_path_population"] == 193
    assert plan.total["no_network_population"] == 7


def test_sums_are_exact_by_community_district_and_in_all(area):
    plan = make_plan(area)
    for table in (plan.communities, plan.districts, plan.total.to_frame().T):
        assert (table[PEOPLE].astype(float).sum(axis=1) == table["population"]).all()
        assert table["population"].sum() == 200
    assert plan.communities.loc["east", "no_network_population"] == 7
    assert plan.districts.loc["Sea", "no_path_population"] == 13


def test_the_unreachable_stay_in_the_distribution(area):
    plan = make_plan(area)
    assert plan.total["median_distance_m"] == pytest.approx(680, abs=0.5)
    assert plan.total["p95_distance_m"] == np.inf
    assert plan.communities.loc["isle", "median_distance_m"] == np.inf
    assert plan.curve["share"].iloc[-1] == pytest.approx(180 / 200)


def test_a_community_without_people_has_no_share(area):
    empty = village(demand=demand([("west", 5, 10, 0)]))
    row = make_plan(empty).communities.loc["isle"]
    assert row["population"] == 0
    assert np.isnan(row["coverage_share"])
    assert np.isnan(row["median_distance_m"])


def test_inputs_are_never_changed(area):
    before = area.demand.copy(), area.communities.copy()
    make_plan(area)
    pd.testing.assert_frame_equal(area.demand, before[0])
    pd.testing.assert_frame_equal(area.communities, before[1])


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000), limit=st.floats(0, 1500))
def test_people_in_all_states_sum_to_the_population(seed, limit):
    area = random_village(seed)
    plan = make_plan(area, standard=AccessStandard(max_distance_m=limit))
    assert plan.total[PEOPLE].sum() == area.demand["population"].sum()
    assert plan.communities[PEOPLE].sum().sum() == plan.total["population"]


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000), limits=st.tuples(st.floats(0, 1500), st.floats(0, 1500)))
def test_a_longer_walk_allowed_never_covers_fewer(seed, limits):
    area = random_village(seed)
    few, many = (
        make_plan(area, standard=AccessStandard(max_distance_m=limit)).total
        for limit in sorted(limits)
    )
    assert few["covered_population"] <= many["covered_population"]


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000))
def test_another_shelter_never_lengthens_a_walk(seed):
    area = random_village(seed)
    fewer = village(demand=area.demand, shelters=area.shelters.iloc[:1])
    more = coverage.assess(village(demand=area.demand, shelters=area.shelters))["distance_m"]
    assert (more <= coverage.assess(fewer)["distance_m"]).all()


@given(
    st.lists(
        st.tuples(st.floats(0, 5000) | st.just(np.inf), st.integers(0, 50)), min_size=1, max_size=30
    )
)
def test_weighted_quantiles_are_those_of_single_people(rows):
    distance, people = (pd.Series(column, dtype=float) for column in zip(*rows, strict=True))
    one_by_one = np.sort(np.repeat(distance, people.astype(int)))
    found = coverage.weighted_quantiles(distance, people, [0.5, 0.9])
    if len(one_by_one) == 0:
        assert np.isnan(found).all()
        return
    for share, value in zip((0.5, 0.9), found, strict=True):
        rank = int(np.ceil(round(share * len(one_by_one), 9)))
        assert value == one_by_one[max(rank, 1) - 1]


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000), at=st.integers(0, 60))
def test_curve_counts_the_people_within_each_distance(seed, at):
    walks = coverage.assess(random_village(seed))
    row = coverage.distance_curve(walks).iloc[at]
    near = coverage.within(walks["distance_m"], row["distance_m"])
    assert row["population"] == walks.loc[near, "population"].sum()
