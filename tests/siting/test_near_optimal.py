"""Plans that are nearly as good as the best one: all different, all near, none made up."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelterplan.siting import SitingError
from shelterplan.siting.max_cover import max_cover
from shelterplan.siting.near_optimal import NearPlan, frequency, near_optimal
from tests.benchmarks.siting_city import siting_city


def all_near(cover, weights, fixed, count, share):
    """Every full plan within a share of the best."""
    free = [j for j in range(cover.shape[1]) if j not in fixed]
    values = {
        tuple(sorted((*fixed, *added))): weights[cover[:, [*fixed, *added]].any(axis=1)].sum()
        for added in combinations(free, min(count, len(free)))
    }
    best = max(values.values())
    return {plan: value for plan, value in values.items() if value >= best * (1 - share) - 1e-9}


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.sampled_from([0.0, 0.1, 0.3]))
def test_all_near_plans_are_found_where_they_are_few(seed, count, share):
    rng = np.random.default_rng(seed)
    cover = rng.random((10, 6)) < 0.3
    weights = rng.integers(1, 9, 10).astype(float)
    fixed = np.flatnonzero(rng.random(6) < 0.15).tolist()
    near = all_near(cover, weights, fixed, count, share)
    found = near_optimal(cover, weights, count, fixed=fixed, share=share, plans=30)
    assert found.complete
    assert {plan.selected: plan.objective for plan in found.plans} == near
    assert "all of them" in found.words


def test_a_town_has_twenty_and_says_so():
    city = siting_city(points=1500, candidates=300, existing=8, radius_m=400)
    found = near_optimal(city.distance_m, city.people, 8, fixed=city.existing, time_limit_s=60)
    best = max_cover(city.distance_m, city.people, 8, fixed=city.existing, time_limit_s=60)
    assert found.plans[0].objective == best.objective
    assert len({plan.selected for plan in found.plans}) == 20
    assert not found.complete
    assert found.words == "20 plans; there may be more"
    for plan in found.plans:
        assert plan.objective >= 0.99 * best.objective
        reached = np.diff(city.distance_m[:, list(plan.selected)].indptr) > 0
        assert plan.objective == city.people[reached].sum()
        assert set(city.existing.tolist()) <= set(plan.selected)
    again = near_optimal(city.distance_m, city.people, 8, fixed=city.existing, time_limit_s=60)
    assert again == found


def test_words_of_frequency():
    plans = [
        NearPlan(selected=(1, 2), objective=9.0),
        NearPlan(selected=(1, 3), objective=9.0),
        NearPlan(selected=(1, 2), objective=9.0),
    ]
    assert [(row.site, row.plans, row.word) for row in frequency(plans)] == [
        (1, 3, "always"),
        (2, 2, "often"),
        (3, 1, "one of several equals"),
    ]
    assert [row.plans for row in frequency(plans, [3, 7])] == [1, 0]


def test_no_time_is_said():
    found = near_optimal(np.eye(30), None, 10, time_limit_s=0.0)
    assert len(found.plans) == 1
    assert not found.complete
    assert "only 1 of 20" in found.words


def test_odd_settings_are_refused():
    with pytest.raises(SitingError, match="share must be"):
        near_optimal(np.eye(2), None, 1, share=1.0)
    with pytest.raises(SitingError, match="plans at least 1"):
        near_optimal(np.eye(2), None, 1, plans=0)
