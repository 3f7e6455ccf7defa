"""Backup coverage against brute force."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from shelterplan.siting import SitingError
from shelterplan.siting.backup import backup_cover


def value(cover, weights, sites, share):
    times = cover[:, list(sites)].sum(axis=1)
    return float(weights @ ((1 - share) * (times >= 1) + share * (times >= 2)))


def best(cover, weights, fixed, fits, share):
    free = [j for j in range(cover.shape[1]) if j not in fixed]
    plans = [
        (*fixed, *more)
        for k in range(len(free) + 1)
        for more in combinations(free, k)
        if fits(more)
    ]
    return max(value(cover, weights, plan, share) for plan in plans)


@st.composite
def worlds(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, sites = int(rng.integers(0, 12)), int(rng.integers(1, 8))
    cover = rng.random((rows, sites)) < rng.uniform(0.1, 0.9)
    fixed = rng.permutation(sites)[: rng.integers(0, 3)].tolist()
    return cover, rng.integers(0, 9, rows).astype(float), fixed, rng


@given(worlds(), st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]))
@settings(max_examples=30)
def test_as_good_as_any_plan_of_so_many_sites(world, share):
    cover, weights, fixed, rng = world
    count = int(rng.integers(0, 5))
    found = backup_cover(cover, weights, count, fixed=fixed, share_backup=share)
    assert found.optimal
    assert set(fixed) <= set(found.selected)
    assert len(set(found.selected) - set(fixed)) <= count
    assert found.objective == pytest.approx(value(cover, weights, found.selected, share))
    assert found.objective == pytest.approx(
        best(cover, weights, fixed, lambda more: len(more) <= count, share)
    )
    again = backup_cover(cover, 2 * weights, count, fixed=fixed, share_backup=share)
    assert again.objective == pytest.approx(2 * found.objective)


@given(worlds())
@settings(max_examples=20)
def test_as_good_as_any_plan_of_a_budget(world):
    cover, weights, fixed, rng = world
    costs = rng.integers(0, 6, cover.shape[1]).astype(float)
    budget = float(rng.integers(0, 12))
    found = backup_cover(cover, weights, budget=budget, costs=costs, fixed=fixed)
    assert found.optimal
    assert costs[list(set(found.selected) - set(fixed))].sum() <= budget
    assert found.objective == pytest.approx(
        best(cover, weights, fixed, lambda more: costs[list(more)].sum() <= budget, 1.0)
    )


def test_two_near_sites_and_not_one():
    cover = [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    people = [10, 10, 30, 30]
    assert backup_cover(cover, people, 2).selected == (0, 1)  # twins: neither replaces the other
    assert backup_cover(cover, people, 2, share_backup=0).selected == (2, 3)
    assert backup_cover(cover, people, 1).objective == 0


def test_without_demand_or_choice():
    assert backup_cover(np.zeros((0, 3)), [], 2).objective == 0
    assert backup_cover([[1, 1]], [5.0], 3, fixed=[0, 1]).objective == 5
    assert backup_cover(sparse.csr_array((2, 2)), None, 0).selected == ()


def test_out_of_time_the_best_plan_so_far_comes_with_a_bound():
    rng = np.random.default_rng(3)
    cover = sparse.random_array((60, 14), density=0.2, rng=rng, format="csr")
    found = backup_cover(cover, None, 5, time_limit_s=0.0)
    proven = backup_cover(cover, None, 5, time_limit_s=30.0)
    assert found.objective <= proven.objective <= found.bound + 1e-6
    assert len(found.selected) <= 5
    stopped = backup_cover(cover, None, 5, stop=lambda: True)
    assert stopped.bound >= stopped.objective


def test_impossible_shares_are_refused():
    with pytest.raises(SitingError, match="from 0 to 1"):
        backup_cover([[1]], None, 1, share_backup=1.5)
