"""The p-median against brute force, laws, and OR-Library's format."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog

from shelterplan.siting import median_bound, median_lists, median_search, reduce
from shelterplan.siting.p_median import p_median, warm_up
from shelterplan.siting.result import NoPlanError, SitingError
from tests.siting import or_library


def least(cost, weights, choices, unserved=np.inf):
    """Return the least anybody can do, by trying all choices; `inf` if none serves all."""
    best = np.inf
    for sites in choices:
        paid = np.minimum(np.min(cost[:, list(sites)], axis=1, initial=np.inf), unserved)
        best = min(best, float((weights[weights > 0] * paid[weights > 0]).sum()))
    return best


def choices_of(sites, fixed, *, count=None, costs=None, budget=np.inf):
    free = [j for j in range(sites) if j not in fixed]
    for size in range(len(free) + 1 if count is None else count + 1):
        for added in combinations(free, min(size, len(free))):
            if costs is None or sum(costs[j] for j in added) <= budget + 1e-9:
                yield (*fixed, *added)


@st.composite
def problems(draw, *, holes=True, whole=None):
    rows, sites = draw(st.integers(1, 8)), draw(st.integers(1, 6))
    seed = draw(st.integers(0, 10**6))
    rng = np.random.default_rng(seed)
    whole = draw(st.booleans()) if whole is None else whole
    cost = rng.integers(0, 12, (rows, sites)).astype(float)
    weights = rng.integers(0, 5, rows).astype(float)
    if not whole:
        cost, weights = cost * rng.uniform(0.5, 2, cost.shape), weights * rng.uniform(1, 2, rows)
    if holes and draw(st.booleans()):
        cost[rng.random(cost.shape) < 0.3] = np.inf
    fixed = tuple(sorted(rng.choice(sites, draw(st.integers(0, min(2, sites))), replace=False)))
    return cost, weights, tuple(int(j) for j in fixed), draw(st.integers(0, sites)), rng


def stored(cost):
    """Return a sparse matrix of what is reached, zeros stored."""
    row, site = np.nonzero(np.isfinite(cost))
    return sparse.csr_array((cost[row, site], (row, site)), shape=cost.shape)


def agrees(expected, solve):
    if np.isinf(expected):
        with pytest.raises(NoPlanError):
            solve()
        return
    found = solve()
    assert found.optimal
    assert found.objective == pytest.approx(expected, abs=1e-6)
    assert found.bound == pytest.approx(expected, abs=1e-5)


@given(problems(), st.booleans())
def test_brute_force(problem, as_sparse):
    cost, weights, fixed, count, _ = problem
    expected = least(cost, weights, choices_of(cost.shape[1], fixed, count=count))
    matrix = stored(cost) if as_sparse else cost
    agrees(expected, lambda: p_median(matrix, weights, count, fixed=fixed))


@given(problems(), st.booleans(), st.sampled_from([0.0, 3.0, 6.5, 100.0]))
def test_unserved(problem, as_sparse, unserved):
    cost, weights, fixed, count, _ = problem
    expected = least(cost, weights, choices_of(cost.shape[1], fixed, count=count), unserved)
    matrix = stored(cost) if as_sparse else cost
    agrees(expected, lambda: p_median(matrix, weights, count, fixed=fixed, unserved_cost=unserved))


@given(problems(), st.booleans())
def test_budget(problem, whole_prices):
    cost, weights, fixed, _, rng = problem
    costs = rng.integers(0, 6, cost.shape[1]) * (1.0 if whole_prices else 0.7)
    budget = float(rng.integers(0, 12))
    choices = choices_of(cost.shape[1], fixed, costs=costs, budget=budget)
    expected = least(cost, weights, choices)
    agrees(expected, lambda: p_median(cost, weights, budget=budget, costs=costs, fixed=fixed))


def both_limits(cost, fixed, rng):
    """Return prices, a count, a budget, and the choices that both allow."""
    sites = cost.shape[1]
    costs = rng.integers(0, 5, sites) * float(rng.choice([1.0, 0.7, 1e-7, 1e7]))
    count, budget = int(rng.integers(0, sites + 1)), float(costs.sum() * rng.choice([0, 0.3, 0.6]))
    slack = budget * 1e-9
    allowed = [
        chosen
        for chosen in choices_of(sites, fixed)
        if len(chosen) - len(fixed) <= count
        and sum(costs[j] for j in chosen if j not in fixed) <= budget + slack
    ]
    return {"count": count, "budget": budget, "costs": costs, "fixed": fixed}, allowed


@given(problems(), st.sampled_from([None, 6.5, 100.0]))
def test_count_and_budget_both_hold(problem, unserved):
    cost, weights, fixed, _, rng = problem
    limits, allowed = both_limits(cost, fixed, rng)
    expected = least(cost, weights, allowed, np.inf if unserved is None else unserved)
    agrees(expected, lambda: p_median(cost, weights, unserved_cost=unserved, **limits))


@settings(max_examples=15)
@given(problems(), st.sampled_from([None, 20.0]))
def test_count_and_budget_both_hold_with_room(problem, unserved):
    cost, weights, fixed, _, rng = problem
    limits, allowed = both_limits(cost, fixed, rng)
    room, living = rng.integers(2, 14, cost.shape[1]).astype(float), weights > 0
    expected = min(
        shared_room(cost[living], weights[living], room, sites, unserved) for sites in allowed
    )
    agrees(
        expected,
        lambda: p_median(cost, weights, capacity=room, unserved_cost=unserved, **limits),
    )


def test_no_budget_opens_nothing_that_costs():
    found = p_median([[1.0, 2]], None, 1, budget=0.0, costs=[0.29, 0.5], unserved_cost=1e4)
    assert (found.selected, found.objective) == ((), 1e4)
    with pytest.raises(NoPlanError, match="no 1 more sites and sites for 3 reach all"):
        p_median([[1.0, np.inf], [np.inf, 1]], None, 1, budget=3, costs=[2, 2])


@pytest.mark.parametrize("seed", range(3))
def test_larger_worlds_keep_both_limits_and_their_bounds(seed):
    rng = np.random.default_rng(seed)
    cost = or_library.costs(or_library.made_up(60, 6, seed=seed))
    costs = rng.uniform(1, 3, 60)
    both = p_median(cost, count=6, budget=9.0, costs=costs, time_limit_s=20)
    assert both.optimal
    assert len(both.selected) <= 6
    assert costs[list(both.selected)].sum() <= 9.0
    assert both.objective >= p_median(cost, count=6).objective
    assert both.objective >= p_median(cost, budget=9.0, costs=costs).objective
    assert both.objective <= p_median(cost, count=6, budget=7.0, costs=costs).objective


@pytest.mark.parametrize("unit", [1e-9, 1e-7, 1e8])
@pytest.mark.parametrize("room", [None, np.full(8, 25.0)])
@pytest.mark.parametrize("seed", range(4))
def test_the_unit_of_prices_does_not_matter(seed, room, unit):
    rng = np.random.default_rng(seed)
    cost, weights, prices = rng.uniform(1, 9, (12, 8)), rng.integers(1, 9, 12), rng.uniform(1, 3, 8)
    budget = 0.4 * prices.sum()
    options = {"unserved_cost": 20.0, "capacity": room}
    once = p_median(cost, weights, budget=budget, costs=prices, **options)
    other = p_median(cost, weights, budget=budget * unit, costs=prices * unit, **options)
    assert other.objective == pytest.approx(once.objective)
    assert prices[list(other.selected)].sum() <= budget * (1 + 1e-9)


@pytest.mark.parametrize("room", [None, [9, 9, 9]])
def test_without_time_sites_that_are_enough_are_found(room):
    cost = np.array([[1.0, np.inf, 5], [np.inf, 2, 6], [np.inf, np.inf, 7]])
    found = p_median(cost, None, 1, capacity=room, time_limit_s=0)
    assert (found.selected, found.objective) == ((2,), 18)
    found = p_median(cost, None, 1, fixed=[2], capacity=room, time_limit_s=0)
    assert 2 in found.selected


def test_the_unit_of_people_does_not_matter():
    cost, room = np.array([[1.0, 5], [2, 3], [4, 1]]), np.array([4.0, 4])
    for unit in (1e-8, 1.0, 1e7):
        found = p_median(cost, np.array([3.0, 2, 1]) * unit, 2, capacity=room * unit)
        assert found.objective == pytest.approx(9 * unit)
        with pytest.raises(NoPlanError):
            p_median(cost, np.array([3.0, 2, 1]) * unit, 1, capacity=room * unit)


def shared_room(cost, weights, room, sites, unserved):
    """Return the least of a transport problem, by scipy; `inf` if there is no room."""
    rows = len(weights)
    price = cost[:, list(sites)]
    if unserved is not None:
        price = np.column_stack([np.minimum(price, 1e9), np.full(rows, unserved)])
    limits = np.append(room[list(sites)], [weights.sum()] * (unserved is not None))
    k = price.shape[1]
    if k == 0 or rows == 0:
        return np.inf if rows else 0.0
    use = np.isfinite(price)
    bounds = [(0, None if ok else 0) for ok in use.ravel()]
    each = np.kron(np.eye(rows), np.ones(k))
    into = np.kron(np.ones(rows), np.eye(k))
    found = linprog(np.where(use, price, 0).ravel(), into, limits, each, weights, bounds=bounds)
    return found.fun if found.status == 0 else np.inf


@settings(max_examples=25)
@given(problems(), st.sampled_from([None, 20.0]))
def test_room(problem, unserved):
    cost, weights, fixed, count, rng = problem
    room = rng.integers(0, 12, cost.shape[1]).astype(float)
    living = weights > 0
    expected = min(
        shared_room(cost[living], weights[living], room, sites, unserved)
        for sites in choices_of(cost.shape[1], fixed, count=count)
    )
    agrees(
        expected,
        lambda: p_median(cost, weights, count, fixed=fixed, capacity=room, unserved_cost=unserved),
    )


@given(problems())
def test_laws(problem):
    cost, weights, _, count, _ = problem
    once = p_median(cost, weights, count, unserved_cost=30.0)
    twice = p_median(cost, 2 * weights, count, unserved_cost=30.0)
    assert twice.selected == once.selected
    assert twice.objective == pytest.approx(2 * once.objective)
    more = p_median(cost, weights, count + 1, unserved_cost=30.0)
    assert more.objective <= once.objective + 1e-9
    given_one = p_median(cost, weights, count, fixed=[0], unserved_cost=30.0)
    assert given_one.objective <= once.objective + 1e-9
    assert len(once.selected) <= count


@pytest.mark.parametrize("medians", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_or_library_files(tmp_path, medians, seed):
    graph = or_library.made_up(12, medians, seed=seed)
    or_library.write(graph, tmp_path / "pmed")
    again = or_library.read(tmp_path / "pmed")
    assert (again.nodes, again.medians) == (12, medians)
    cost = or_library.costs(again)
    expected = least(cost, np.ones(12), combinations(range(12), medians))
    assert p_median(cost, count=again.medians).objective == expected


def test_the_last_cost_of_a_repeated_edge_counts(tmp_path):
    (tmp_path / "pmed").write_text(" 3 3 1\n 1 2 30\n2 3 5\n 2 1 7 \n")
    graph = or_library.read(tmp_path / "pmed")
    assert or_library.costs(graph).tolist() == [[0, 7, 12], [7, 0, 5], [12, 5, 0]]
    assert p_median(or_library.costs(graph), count=1).objective == 12


@pytest.mark.parametrize("medians", [5, 20, 66])
def test_graphs_are_proven(medians):
    cost = or_library.costs(or_library.made_up(200, medians, seed=3))
    found = p_median(cost, count=medians, time_limit_s=30)
    assert found.status == "optimal"
    assert len(found.selected) == medians
    assert found.objective == found.bound == cost[:, found.selected].min(axis=1).sum()


def test_a_time_out_is_no_proof():
    cost = or_library.costs(or_library.made_up(100, 5, seed=1))
    found = p_median(cost, count=5, time_limit_s=0)
    assert found.status != "optimal"
    assert found.bound < found.objective == cost[:, found.selected].min(axis=1).sum()


def test_stopping_keeps_the_best_plan():
    cost = or_library.costs(or_library.made_up(100, 5, seed=3))
    found = p_median(cost, count=5, stop=lambda: True)
    assert len(found.selected) == 5


def test_nobody():
    found = p_median(np.ones((2, 3)), [0, 0], 2, fixed=[1])
    assert (found.selected, found.objective, found.status) == ((1,), 0, "optimal")
    assert p_median(np.ones((0, 3)), None, 2).objective == 0


def test_equal_sites_and_idle_ones_are_not_added():
    cost = np.array([[1.0, 1, 9], [2, 2, 9]])
    assert p_median(cost, count=3).selected == (0,)


def test_unreached_rows_are_named():
    cost = np.array([[1.0, 2], [np.inf, np.inf], [np.inf, np.inf]])
    with pytest.raises(NoPlanError, match="row 1: leave them out"):
        p_median(cost, [1, 1, 0], 1)
    assert p_median(cost, [1, 1, 0], 1, unserved_cost=50).objective == 51


def test_too_few_sites_are_proven_too_few():
    cost = np.where(np.eye(3, dtype=bool), 1.0, np.inf)
    with pytest.raises(NoPlanError, match="at least 3 are needed"):
        p_median(cost, count=2)
    with pytest.raises(NoPlanError, match="no sites for 4 reach all"):
        p_median(cost, budget=4, costs=[2, 2, 2])


def test_too_little_room_is_said():
    with pytest.raises(NoPlanError, match="3 people, and room for 2"):
        p_median(np.ones((3, 2)), count=2, capacity=[1, 1])


@pytest.mark.parametrize("unserved", [-1.0, np.nan, np.inf])
def test_unserved_cost_is_a_number(unserved):
    with pytest.raises(SitingError, match="unserved_cost"):
        p_median(np.ones((1, 1)), count=1, unserved_cost=unserved)


def test_inputs_stay_as_they_are():
    cost = stored(np.array([[0.0, 3, np.inf], [5, 0, 2]]))
    before = cost.copy()
    p_median(cost, [2, 3], 1)
    assert (cost.data == before.data).all()
    assert (cost.indices == before.indices).all()


def test_after_the_warm_up_nothing_is_compiled():
    kernels = [
        kernel
        for module in (median_bound, median_lists, median_search, reduce)
        for kernel in vars(module).values()
        if hasattr(kernel, "signatures") and kernel.py_func.__module__ == module.__name__
    ]
    warm_up()
    known = [tuple(kernel.signatures) for kernel in kernels]
    assert len(kernels) > 10
    assert median_bound.bound.signatures
    assert median_search.interchange.signatures
    cost = or_library.costs(or_library.made_up(60, 20, seed=4))
    p_median(cost, np.arange(60) / 7, 20)
    p_median(stored(cost), budget=9.0, costs=np.arange(60) % 4, unserved_cost=80, fixed=[2])
    assert [tuple(kernel.signatures) for kernel in kernels] == known


@pytest.mark.parametrize("prices", [np.ones(5), np.array([2.0, 1, 3, 1, 2])])
@pytest.mark.parametrize("spare", [0, 5])
@pytest.mark.parametrize("seed", range(8))
def test_bounds_hold_and_settled_sites_are_right(prices, spare, seed):
    rng = np.random.default_rng(seed)
    paid = rng.integers(1, 40, (9, 5)).astype(float)
    base, state = np.full(9, 50.0), np.array([0, 0, 0, -1, 0], np.int8)
    lists, limits = median_lists.lists_of(paid, base), median_search.Limits.of(prices, 3.0)
    plans = [
        np.array(plan)
        for plan in product([False, True], repeat=5)
        if not plan[3] and prices[np.array(plan)].sum() <= 3
    ]
    costs = [np.min(np.column_stack([base, paid[:, plan]]), axis=1).sum() for plan in plans]
    best, upper = min(costs), min(costs) + 6.0
    found = median_bound.bound(
        lists, limits, state, base / 2, upper, 1.0, 40, 0.5, 9, 1e-4, 0.5, spare
    )
    assert best - 1e-9 <= found.upper <= upper
    assert found.lower <= best + 1e-9
    assert found.lower > 0.6 * best
    after = median_bound.settled(found._replace(upper=upper), limits, state, 0.5)
    for plan, cost in zip(plans, costs, strict=True):
        if cost < upper - 0.5:
            assert not plan[after == median_bound.SHUT].any()
            assert plan[after == median_bound.OPEN].all()
