"""The p-center against brute force, and laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.csgraph import maximum_flow

from shelterplan.siting.p_center import p_center
from shelterplan.siting.result import NoPlanError
from tests.siting import or_library
from tests.siting.test_p_median import (
    agrees,
    both_limits,
    choices_of,
    problems,
    shared_room,
    stored,
)


def shortest(cost, weights, choices):
    best = np.inf
    for sites in choices:
        near = np.min(cost[:, list(sites)], axis=1, initial=np.inf)[weights > 0]
        best = min(best, float(near.max(initial=0.0)))
    return best


@given(problems(), st.booleans())
def test_brute_force(problem, as_sparse):
    cost, weights, fixed, count, _ = problem
    expected = shortest(cost, weights, choices_of(cost.shape[1], fixed, count=count))
    matrix = stored(cost) if as_sparse else cost
    agrees(expected, lambda: p_center(matrix, weights, count, fixed=fixed))


@given(problems(), st.booleans())
def test_budget(problem, whole_prices):
    cost, weights, fixed, _, rng = problem
    costs = rng.integers(0, 6, cost.shape[1]) * (1.0 if whole_prices else 0.7)
    budget = float(rng.integers(0, 12))
    choices = choices_of(cost.shape[1], fixed, costs=costs, budget=budget)
    expected = shortest(cost, weights, choices)
    agrees(expected, lambda: p_center(cost, weights, budget=budget, costs=costs, fixed=fixed))


@settings(max_examples=15)
@given(problems(whole=True))
def test_room(problem):
    cost, weights, fixed, count, rng = problem
    room = rng.integers(0, 12, cost.shape[1]).astype(float)
    living = weights > 0
    expected = 0.0 if not living.any() else np.inf
    for radius in np.unique(cost[living]) if living.any() else ():
        near = np.where(cost[living] <= radius, 0.0, np.inf)
        plans = choices_of(cost.shape[1], fixed, count=count)
        if np.isfinite(radius) and any(
            shared_room(near, weights[living], room, sites, None) < 1 for sites in plans
        ):
            expected = float(radius)
            break
    agrees(expected, lambda: p_center(cost, weights, count, fixed=fixed, capacity=room))


@given(problems(holes=False))
def test_laws(problem):
    cost, weights, _, count, rng = problem
    once = p_center(cost, weights, count + 1)
    assert p_center(cost, 2 * weights, count + 1).selected == once.selected
    assert p_center(cost, weights, count + 2).objective <= once.objective
    assert p_center(cost, weights, count + 1, fixed=[0]).objective <= once.objective
    people = np.where(weights > 0, rng.uniform(1, 5, len(weights)), 0)
    assert p_center(cost, people, count + 1).objective == once.objective


@pytest.mark.parametrize("medians", [5, 20])
def test_graphs_are_proven(medians):
    cost = or_library.costs(or_library.made_up(100, medians, seed=2))
    found = p_center(cost, count=medians, time_limit_s=30)
    assert found.status == "optimal"
    assert len(found.selected) <= medians
    assert found.objective == cost[:, found.selected].min(axis=1).max()


@pytest.mark.parametrize("room", [None, np.full(60, 20.0)])
def test_a_time_out_is_no_proof(room):
    cost = or_library.costs(or_library.made_up(60, 5, seed=2))
    found = p_center(cost, count=5, capacity=room, time_limit_s=0)
    assert found.status != "optimal"
    assert found.bound < found.objective
    assert len(found.selected) <= 5
    assert p_center(cost, count=0, fixed=[3], time_limit_s=0).objective == cost[:, 3].max()


def test_without_time_a_site_that_is_enough_is_found():
    cost = np.array([[1.0, np.inf, 5], [np.inf, 2, 6]])
    found = p_center(cost, budget=9, costs=[1, 1, 9], time_limit_s=0)
    assert found.selected in {(0, 1), (2,)}
    assert p_center(cost, count=1, time_limit_s=0).selected == (2,)


@given(problems())
def test_count_and_budget_both_hold(problem):
    cost, weights, fixed, _, rng = problem
    limits, allowed = both_limits(cost, fixed, rng)
    expected = shortest(cost, weights, allowed)
    agrees(expected, lambda: p_center(cost, weights, **limits))


def all_placed(near, people, room, sites):
    """Return whether whole people find room, by a maximum flow of whole numbers."""
    rows, use = len(people), list(sites)
    links = np.zeros((rows + len(use) + 2,) * 2, np.int32)
    links[-2, :rows], links[rows:-2, -1] = people, room[use]
    links[:rows, rows:-2] = np.where(near[:, use], people[:, None], 0)
    return maximum_flow(sparse.csr_array(links), len(links) - 2, len(links) - 1).flow_value == sum(
        people
    )


@settings(max_examples=40)
@given(problems(whole=True), st.sampled_from([1, 10**6, 2 * 10**8]))
def test_with_room_limits_hold_and_nobody_is_forgiven(problem, crowd):
    cost, weights, fixed, _, rng = problem
    limits, allowed = both_limits(cost, fixed, rng)
    people = weights.astype(int) * rng.choice([1, 1, crowd], len(weights))
    people = np.where(people.cumsum() < 2**31 - 9, people, 0)
    room = np.maximum(
        0, people.sum() * rng.integers(0, 3, cost.shape[1]) // 2 + rng.integers(-1, 2)
    )
    living = people > 0
    expected = np.inf if living.any() else 0.0
    for radius in np.unique(cost[living]) if living.any() else ():
        near = (cost[living] <= radius) & np.isfinite(cost[living])
        if any(all_placed(near, people[living], room, sites) for sites in allowed):
            expected = float(radius)
            break
    agrees(expected, lambda: p_center(cost, people, capacity=room, **limits))


def test_one_person_beside_a_crowd_needs_a_place():
    cost = np.array([[1.0, 3], [1, 9]])
    found = p_center(cost, [1e7, 1], 2, capacity=[1e7, 5])
    assert (found.objective, found.status) == (3, "optimal")
    found = p_center(cost, [1e-7, 1e-8], 2, capacity=[1e-7, 1e-7])
    assert (found.objective, found.status) == (3, "optimal")


@pytest.mark.parametrize("budget", [1.5, 0.0])
def test_fractional_prices_are_proven_too_dear(budget):
    with pytest.raises(NoPlanError, match="within the count or budget"):
        p_center([[1.0, 2], [3, 1]], [5, 5], budget=budget, costs=[1.2, 1.3], capacity=[6, 6])
    with pytest.raises(NoPlanError, match="within the count or budget"):
        p_center([[1.0, np.inf], [np.inf, 1]], budget=budget, costs=[1.2, 1.3])


@pytest.mark.parametrize("unit", [1e-9, 1e-7, 1e8])
@pytest.mark.parametrize("room", [None, np.full(8, 25.0)])
@pytest.mark.parametrize("seed", range(4))
def test_the_unit_of_prices_does_not_matter(seed, room, unit):
    rng = np.random.default_rng(seed)
    cost, people, prices = rng.uniform(1, 9, (12, 8)), rng.integers(1, 9, 12), rng.uniform(1, 3, 8)
    budget = 0.5 * prices.sum()
    once = p_center(cost, people, budget=budget, costs=prices, capacity=room)
    other = p_center(cost, people, budget=budget * unit, costs=prices * unit, capacity=room)
    assert once.optimal
    assert other.optimal
    assert other.objective == once.objective
    assert prices[list(other.selected)].sum() <= budget * (1 + 1e-9)


def test_unreached_rows_are_named():
    cost = np.array([[1.0, 2], [np.inf, np.inf]])
    with pytest.raises(NoPlanError, match="row 1: leave them out"):
        p_center(cost, count=1)
    assert p_center(cost, [1, 0], 1).objective == 1


def test_too_few_sites():
    with pytest.raises(NoPlanError, match="raise it"):
        p_center(np.where(np.eye(3, dtype=bool), 1.0, np.inf), count=2)


def test_a_far_person_counts_as_much_as_a_far_crowd():
    cost = np.array([[0.0, 10], [10, 0]])
    assert p_center(cost, [1000, 1], 1).objective == 10


def test_nobody():
    assert p_center(np.ones((2, 2)), [0, 0], 1).objective == 0
