"""The p-center against brute force, and laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelterplan.siting.p_center import p_center
from shelterplan.siting.result import NoPlanError
from tests.siting import or_library
from tests.siting.test_p_median import agrees, choices_of, problems, shared_room, stored


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


def test_a_time_out_is_no_proof():
    cost = or_library.costs(or_library.made_up(60, 5, seed=2))
    with pytest.raises(NoPlanError, match="in time"):
        p_center(cost, count=5, time_limit_s=0)


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
