"""One plan for several scenarios, against every choice of sites there is."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelterplan.siting.max_cover import max_cover
from shelterplan.siting.result import SitingError
from shelterplan.siting.robust import robust_cover


@st.composite
def futures(draw):
    """Return scenarios over the same sites, fixed sites and how many to add."""
    m = draw(st.integers(1, 5))
    scenarios = []
    for _ in range(draw(st.integers(1, 3))):
        n = draw(st.integers(1, 6))
        near = draw(st.lists(st.booleans(), min_size=n * m, max_size=n * m))
        people = draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
        scenarios.append((np.array(near).reshape(n, m), np.array(people, float)))
    fixed = draw(st.lists(st.integers(0, m - 1), max_size=1))
    return scenarios, fixed, draw(st.integers(0, 3))


def covered(scenarios, sites):
    return np.array([people[near[:, sites].any(axis=1)].sum() for near, people in scenarios])


def every(scenarios, fixed, count):
    """Return whom every choice of sites covers in each scenario."""
    free = [site for site in range(scenarios[0][0].shape[1]) if site not in fixed]
    return np.array(
        [
            covered(scenarios, [*fixed, *added])
            for size in range(min(count, len(free)) + 1)
            for added in combinations(free, size)
        ]
    )


@given(futures(), st.lists(st.integers(1, 4), min_size=3, max_size=3))
def test_expected_is_the_best_of_all_plans(future, odds):
    scenarios, fixed, count = future
    odds = np.array(odds[: len(scenarios)])
    found = robust_cover(scenarios, count, probabilities=odds, fixed=fixed)
    best = (every(scenarios, fixed, count) @ (odds / odds.sum())).max()
    assert found.status == "optimal"
    assert found.objective == pytest.approx(best)
    again = covered(scenarios, list(found.selected))
    assert [one.people for one in found.scenarios] == again.tolist()


@given(futures())
def test_worst_is_the_best_of_all_plans(future):
    scenarios, fixed, count = future
    total = np.array([people.sum() for _, people in scenarios])
    if not total.any():
        with pytest.raises(SitingError, match="no scenario has any people"):
            robust_cover(scenarios, count, objective="worst", fixed=fixed)
        return
    live = total > 0
    best = (every(scenarios, fixed, count)[:, live] / total[live]).min(axis=1).max()
    found = robust_cover(scenarios, count, objective="worst", fixed=fixed)
    assert found.status == "optimal"
    assert found.objective == pytest.approx(best)
    assert np.nanmin([one.share for one in found.scenarios]) == pytest.approx(best)


@given(futures())
def test_regret_is_the_least_of_all_plans(future):
    scenarios, fixed, count = future
    table = every(scenarios, fixed, count)
    best = table.max(axis=0)
    found = robust_cover(scenarios, count, objective="regret", fixed=fixed)
    assert found.status == "optimal"
    assert found.objective == pytest.approx((best - table).max(axis=1).min())
    assert [one.best for one in found.scenarios] == best.tolist()
    assert [one.best_bound for one in found.scenarios] == best.tolist()


@settings(max_examples=30)
@given(futures())
def test_a_single_scenario_is_maximal_covering(future):
    scenarios, fixed, count = future
    alone = max_cover(*scenarios[0], count, fixed=fixed).objective
    assert robust_cover(scenarios[:1], count, fixed=fixed).objective == alone
    regret = robust_cover(scenarios[:1], count, objective="regret", fixed=fixed)
    assert (regret.objective, regret.scenarios[0].people) == (0.0, alone)


@settings(max_examples=30)
@given(futures(), st.integers(0, 6))
def test_a_budget(future, budget):
    scenarios, fixed, _ = future
    sites = scenarios[0][0].shape[1]
    costs = np.arange(1, sites + 1)
    free = [site for site in range(sites) if site not in fixed]
    best = max(
        covered(scenarios, [*fixed, *added]).sum()
        for size in range(len(free) + 1)
        for added in combinations(free, size)
        if sum(costs[list(added)]) <= budget
    )
    found = robust_cover(scenarios, costs=costs, budget=budget, fixed=fixed)
    assert found.objective * len(scenarios) == pytest.approx(best)


def test_bounds_stay_valid_without_time():
    rng = np.random.default_rng(5)
    scenarios = [(rng.random((300, 80)) < 0.03, rng.integers(1, 40, 300)) for _ in range(3)]
    long = robust_cover(scenarios, 8, objective="regret", time_limit_s=4.0)
    short = robust_cover(scenarios, 8, objective="regret", time_limit_s=0.0)
    assert short.bound <= long.objective + 1e-6
    assert long.bound <= short.objective + 1e-6
    assert not short.optimal
    worst = max(one.best_bound - one.people for one in short.scenarios)
    assert short.objective == pytest.approx(worst)


def test_what_does_not_fit_is_said():
    one = ([[1, 0]], [1])
    with pytest.raises(SitingError, match="scenario 1 has 1 sites"):
        robust_cover([one, ([[1]], [1])], 1)
    with pytest.raises(SitingError, match="at least one scenario"):
        robust_cover([], 1)
    with pytest.raises(SitingError, match="mean nothing"):
        robust_cover([one], 1, objective="worst", probabilities=[1])
    with pytest.raises(SitingError, match="objective must be"):
        robust_cover([one], 1, objective="best")
    with pytest.raises(SitingError, match="above 0"):
        robust_cover([one], 1, probabilities=[0])
