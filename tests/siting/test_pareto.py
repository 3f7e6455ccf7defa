"""Fronts against every choice of sites there is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelterplan.siting.fair import fairest_cover
from shelterplan.siting.max_cover import max_cover
from shelterplan.siting.pareto import cost_front, front
from shelterplan.siting.result import SitingError
from tests.siting.test_fair import plans, reached, towns


def both(cover, people, group, sites):
    total, shares = reached(cover, people, group, sites)
    return total, min(shares.values())


@settings(max_examples=50)
@given(towns())
def test_a_front_has_the_plans_that_none_is_better_than(town):
    cover, people, group, fixed, count = town
    if not people.any():
        return
    every = [both(cover, people, group, sites) for sites in plans(cover.shape[1], fixed, count)]
    found = front(cover, people, count, group=group, fixed=fixed, plans=12)
    best = {
        (a, round(b, 9))
        for a, b in every
        if not any((x >= a and y >= b and (x > a or y > b)) for x, y in every)
    }
    assert {(p.objective, round(p.worst_share, 9)) for p in found} == best
    for point in found:
        assert point.status == "optimal"
        again = both(cover, people, group, list(point.selected))
        assert again == pytest.approx((point.objective, point.worst_share))
    assert sorted(found, key=lambda point: point.worst_share) == list(found)
    assert found.share_bound == pytest.approx(found[-1].worst_share)


@settings(max_examples=25)
@given(towns())
def test_the_ends_are_most_people_and_the_fairest(town):
    cover, people, group, fixed, count = town
    if not people.any():
        return
    found = front(cover, people, count, group=group, fixed=fixed)
    assert found[0].objective == max_cover(cover, people, count, fixed=fixed).objective
    fairest = fairest_cover(cover, people, count, group=group, fixed=fixed)
    assert found[-1].worst_share == fairest.worst_share
    assert found[-1].objective == fairest.people


@settings(max_examples=25)
@given(towns())
def test_each_number_of_sites_has_its_best_plan(town):
    cover, people, group, fixed, count = town
    found = cost_front(cover, people, count, group=group, fixed=fixed)
    best = [max_cover(cover, people, number, fixed=fixed).objective for number in range(count + 1)]
    assert [point.objective for point in found] == sorted(set(best))
    assert all(point.status == "optimal" for point in found)
    for point in found:
        assert point.cost == point.count == best.index(point.objective)


@settings(max_examples=20)
@given(towns(), st.integers(0, 12))
def test_money(town, budget):
    cover, people, _, fixed, _ = town
    costs = np.arange(1, cover.shape[1] + 1)
    found = cost_front(cover, people, costs=costs, budget=budget, fixed=fixed, plans=3)
    last = max_cover(cover, people, costs=costs, budget=budget, fixed=fixed)
    assert found[-1].objective == last.objective
    assert all(point.cost <= budget for point in found)


def test_a_front_of_a_town_keeps_its_bounds():
    rng = np.random.default_rng(2)
    cover = rng.random((500, 90)) < 0.03
    people, group = rng.integers(1, 60, 500), rng.integers(0, 6, 500)
    short = front(cover, people, 9, group=group, time_limit_s=1.0)
    for point in short:
        assert point.bound >= point.objective
        assert (point.gap == 0) == (point.status == "optimal")
    shares = [point.worst_share for point in short]
    assert shares == sorted(set(shares))
    assert len(short) >= 2


def test_what_does_not_fit_is_said():
    with pytest.raises(SitingError, match="two ends"):
        front([[1]], [1], 1, group=["a"], plans=1)
    with pytest.raises(SitingError, match="nobody counts"):
        front([[1]], [0], 1, group=["a"])
    with pytest.raises(SitingError, match="needs a budget"):
        cost_front([[1]], [1], costs=[1], budget=1, plans=1)
