"""Maximal covering against brute force, and the laws that any answer keeps."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from shelterplan.siting import (
    SitingError,
    cover_bound,
    cover_search,
    cover_tabu,
    cover_tree,
    reduce,
    set_cover_cuts,
)
from shelterplan.siting.cover_bound import descend, evaluate, even_prices
from shelterplan.siting.cover_cuts import cut_model
from shelterplan.siting.cover_linear import cover_model
from shelterplan.siting.cover_must import lifted, no_better_without
from shelterplan.siting.cover_run import Run, reduced
from shelterplan.siting.cover_search import Cover, Limits, covered, greedy, improve, search
from shelterplan.siting.cover_tree import grow
from shelterplan.siting.highs import solve
from shelterplan.siting.max_cover import max_cover, warm_up
from shelterplan.siting.problem import Choice, as_cover
from shelterplan.siting.reduce import merge_rows
from shelterplan.siting.watch import Watch
from tests.benchmarks.siting_city import siting_city


@st.composite
def worlds(draw):
    """A few demand points and sites, empty and equal ones among them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, sites = draw(st.integers(0, 12)), draw(st.integers(1, 7))
    cover = rng.random((rows, sites)) < draw(st.sampled_from([0.1, 0.3, 0.6]))
    weights = rng.integers(0, 9, rows).astype(float)
    if draw(st.booleans()):
        weights += rng.random(rows)
    costs = rng.integers(0, 6, sites).astype(float)
    fixed = np.flatnonzero(rng.random(sites) < 0.2).tolist()
    return cover, weights, costs, fixed


def brute(cover, weights, fixed, count=None, costs=None, budget=np.inf):
    """The most that any allowed choice covers."""
    sites = cover.shape[1]
    free = [j for j in range(sites) if j not in fixed]
    best = 0.0
    for number in range(min(len(free), len(free) if count is None else count) + 1):
        for added in combinations(free, number):
            if costs is not None and costs[list(added)].sum() > budget:
                continue
            best = max(best, weights[cover[:, [*fixed, *added]].any(axis=1)].sum())
    return best


def check(found, cover, weights, best):
    assert found.optimal
    assert found.objective == pytest.approx(best, abs=1e-6)
    assert found.objective == weights[cover[:, list(found.selected)].any(axis=1)].sum()
    assert found.bound >= found.objective


@given(worlds(), st.integers(0, 8))
def test_a_number_of_sites_against_brute_force(world, count):
    cover, weights, _, fixed = world
    found = max_cover(cover, weights, count, fixed=fixed)
    check(found, cover, weights, brute(cover, weights, fixed, count))
    assert set(fixed) <= set(found.selected)
    assert len(found.selected) <= len(fixed) + count


@given(worlds(), st.integers(0, 14))
def test_a_budget_against_brute_force(world, budget):
    cover, weights, costs, fixed = world
    found = max_cover(cover, weights, budget=budget, costs=costs, fixed=fixed)
    check(found, cover, weights, brute(cover, weights, fixed, None, costs, budget))
    assert costs[sorted(set(found.selected) - set(fixed))].sum() <= budget


@given(worlds(), st.integers(0, 14), st.integers(0, 4))
def test_both_limits_against_brute_force(world, budget, count):
    cover, weights, costs, fixed = world
    found = max_cover(cover, weights, count, budget=budget, costs=costs, fixed=fixed)
    check(found, cover, weights, brute(cover, weights, fixed, count, costs, budget))
    added = sorted(set(found.selected) - set(fixed))
    assert len(added) <= count
    assert costs[added].sum() <= budget


@given(worlds(), st.integers(0, 5))
def test_laws(world, count):
    cover, weights, _, fixed = world
    found = max_cover(cover, weights, count, fixed=fixed)
    assert max_cover(cover, weights, count + 1, fixed=fixed).objective >= found.objective - 1e-6
    assert max_cover(cover, 2 * weights, count, fixed=fixed).selected == found.selected
    more = max_cover(cover, weights, count, fixed=[*fixed, cover.shape[1] - 1])
    assert more.objective >= found.objective - 1e-6
    assert max_cover(cover, weights, count, fixed=fixed).selected == found.selected


@given(worlds(), st.integers(1, 5), st.integers(0, 12), st.integers(0, 2**32 - 1))
def test_any_prices_bound_any_plan(world, count, budget, seed):
    cover, weights, costs, _ = world
    both = Cover.of(as_cover(cover), weights)
    rng = np.random.default_rng(seed)
    for limits in (
        Limits.of(both.sites, count, None, np.inf),
        Limits.of(both.sites, None, costs, float(budget)),
        Limits.of(both.sites, count, costs, float(budget)),
    ):
        spent = None if np.isinf(limits.budget) else costs
        best = brute(cover, weights, [], limits.most, spent, limits.budget)
        bound = evaluate(both, limits, rng.random(len(weights)) * 9)
        assert bound.value >= best - 1e-9
        for site, (with_it, without) in enumerate(
            zip(bound.with_site(limits.costs), bound.without_site(limits.costs), strict=True)
        ):
            if spent is None or costs[site] <= limits.budget:
                rest = np.delete(np.arange(both.sites), site)
                less = limits.budget - (0 if spent is None else costs[site])
                rest_costs = None if spent is None else costs[rest]
                reached = cover[:, site]
                inside = weights[reached].sum() + brute(
                    cover[~reached][:, rest],
                    weights[~reached],
                    [],
                    limits.most - 1,
                    rest_costs,
                    less,
                )
                assert with_it >= inside - 1e-9
                apart = brute(cover[:, rest], weights, [], limits.most, rest_costs, limits.budget)
                assert without >= apart - 1e-9
        better = descend(both, limits, bound, reached=0.0, iterations=30)
        assert best - 1e-9 <= better.bound.value <= bound.value
        assert limits.allow(better.columns)


@given(worlds(), st.integers(1, 5))
def test_the_tree_and_the_cuts_against_brute_force(world, count):
    cover, weights, _, _ = world
    merged = merge_rows(as_cover(cover), weights)
    both = Cover.of(merged.cover, merged.weights)
    count = min(count, both.sites)
    limits = Limits.of(both.sites, count, None, np.inf)
    best = brute(cover, weights, [], count)
    grown = grow(both, count, even_prices(both), 0.0, Watch(60), enough=1e-6, work=1e9)
    assert grown.explored == 1.0
    assert grown.bound == pytest.approx(best, abs=1e-5)
    assert covered(merged.cover, merged.weights, grown.columns) == pytest.approx(best, abs=1e-5)
    cut = cut_model(merged.cover, merged.weights, limits, Watch(60), reached=0.0)
    assert cut.bound >= best - 1e-5


@given(worlds(), st.integers(1, 5), st.floats(0.0, 9.0), st.sampled_from([0.8, 0.95, 1.0]))
def test_points_that_must_be_covered_are_in_every_better_plan(world, count, room, share):
    cover, weights, _, _ = world
    merged = merge_rows(as_cover(cover), weights)
    both = Cover.of(merged.cover, merged.weights)
    limits = Limits.of(both.sites, count, None, np.inf)
    start = evaluate(both, limits, even_prices(both))
    bound = descend(both, limits, start, reached=0.0, iterations=30).bound
    reached = share * brute(cover, weights, [], count)
    must = no_better_without(bound, both.weights, reached)
    small = lifted(merged.cover, both.weights, must, room)
    kept = small.heir == np.arange(len(must))
    assert kept[small.heir].all()
    for number in range(count + 1):
        for plan in combinations(range(both.sites), min(number, both.sites)):
            inside = merged.cover.toarray()[:, list(plan)].any(axis=1)
            value = both.weights[inside].sum()
            now = small.weights[inside & kept].sum() + small.base
            if inside[must].all():
                assert now == pytest.approx(value)
            else:
                assert value <= reached + 1e-9
                assert now <= value - room + 1e-9


@settings(max_examples=15)
@given(st.integers(0, 10**6))
def test_near_full_coverage_against_the_bare_model(seed):
    rng = np.random.default_rng(seed)
    at = rng.random((40, 2))
    cover = np.hypot(*(at[:, None] - at[None]).T) < 0.2
    weights = np.round(rng.lognormal(3, 1, 40)) + 1
    matrix = as_cover(cover)
    for count in (8, 11):
        limits = Limits.of(40, count, None, np.inf)
        bare = solve(cover_model(matrix, weights, limits, whole=True), Watch(60))
        choice = Choice.of(40, count)
        run = Run(reduced(matrix, weights, choice, Watch(60)), Watch(60), whole=True)
        first = run.small.base + run.value
        for _ in range(3):
            cut = cut_model(run.small.cover, run.small.weights, run.limits, run.watch, reached=0.0)
            assert run.small.base + max(cut.bound, run.value) >= bare.objective - 1e-5
            several = np.diff(run.small.cover.indptr) > 1
            must = np.zeros(len(several), bool)
            must[several] = cut.bound - np.maximum(cut.points, 0.0) < run.value + run.enough
            run.shrink(must=must)
            assert run.small.base + run.bound >= bare.objective - 1e-6
            assert run.small.base + run.value == first
        best = max_cover(cover, weights, count)
        assert best.optimal
        assert best.objective == pytest.approx(bare.objective)


def test_a_tree_that_is_left_unfinished_bounds_all_plans():
    rng = np.random.default_rng(4)
    cover = rng.random((60, 40)) < 0.08
    weights = rng.integers(1, 100, 60).astype(float)
    both = Cover.of(as_cover(cover), weights)
    best = max_cover(cover, weights, 6)
    part = grow(both, 6, even_prices(both), 0.0, Watch(60), enough=0.999, work=1.0, share=0.99)
    whole = grow(both, 6, even_prices(both), 0.0, Watch(60), enough=0.999, work=np.inf)
    assert best.optimal
    assert part.bound >= best.objective
    assert covered(as_cover(cover), weights, whole.columns) == best.objective


def test_nothing_is_compiled_after_warming_up():
    warm_up()
    kernels = [
        kernel
        for module in (cover_bound, cover_search, cover_tabu, cover_tree, reduce, set_cover_cuts)
        for kernel in vars(module).values()
        if hasattr(kernel, "signatures")
    ]
    before = [len(kernel.signatures) for kernel in kernels]
    city = siting_city(600, 150, 5, 400.0)
    max_cover(city.distance_m, city.people, 8, fixed=city.existing)
    max_cover(city.distance_m, city.people, budget=8.0, costs=city.people[:150] % 3 + 1)
    assert [len(kernel.signatures) for kernel in kernels] == before


def test_a_walk_of_zero_metres_covers():
    distance_m = sparse.csr_array(([0.0, 400.0], ([0, 1], [0, 1])), shape=(2, 2))
    assert max_cover(distance_m, [5, 3], 1).selected == (0,)


@pytest.mark.parametrize(
    ("cover", "count", "selected"),
    [
        (np.zeros((0, 3)), 2, ()),
        (np.zeros((4, 3)), 2, ()),
        (np.ones((4, 3)), 0, ()),
        (np.ones((4, 3)), 3, (0,)),
        (np.ones((4, 0)), 1, ()),
    ],
)
def test_nothing_to_choose(cover, count, selected):
    found = max_cover(cover, None, count)
    assert found.selected == selected
    assert found.optimal


def test_equal_sites_are_told_by_the_first():
    assert max_cover([[1, 1, 0], [1, 1, 1]], [2, 1], 2).selected == (0,)


def test_costs_and_a_count_are_a_budget():
    cover = np.eye(3)
    found = max_cover(cover, [3, 2, 2], 4, costs=[4, 2, 2])
    assert found.selected == (1, 2)


def test_what_does_not_fit_is_refused():
    with pytest.raises(SitingError, match="count"):
        max_cover(np.eye(2))
    with pytest.raises(SitingError, match="weights: 2 numbers"):
        max_cover(np.eye(2), [1], 1)
    with pytest.raises(SitingError, match="fixed names site 2"):
        max_cover(np.eye(2), None, 1, fixed=[2])


@pytest.fixture(scope="module")
def city():
    return siting_city(points=1500, candidates=300, existing=8, radius_m=400)


def test_a_town_is_proven_and_repeats(city):
    told = []
    found = max_cover(
        city.distance_m,
        city.people,
        8,
        fixed=city.existing,
        time_limit_s=60,
        progress=lambda stage, share: told.append((stage, share)),
    )
    assert found.optimal
    again = max_cover(city.distance_m, city.people, 8, fixed=city.existing, time_limit_s=60)
    assert again.selected == found.selected
    assert any("covered, at most" in stage for stage, _ in told)
    assert all(0 <= share <= 1 for _, share in told)


def test_time_is_kept_and_the_gap_is_told(city):
    found = max_cover(city.distance_m, city.people, 40, fixed=city.existing, time_limit_s=0.0)
    assert not found.optimal
    assert found.status.startswith("gap")
    assert found.objective <= found.bound
    assert len(found.selected) == 48


def test_stopped_at_once_there_is_still_a_plan(city):
    asked = []

    def stop():
        asked.append(1)
        return len(asked) > 3

    found = max_cover(city.distance_m, city.people, 40, time_limit_s=60, stop=stop)
    assert found.seconds < 30
    assert len(found.selected) == 40
    assert found.bound >= found.objective


def test_swaps_never_lose_and_search_repeats(city):
    cover = as_cover(city.distance_m)
    both = Cover.of(cover, city.people)
    for limits in (
        Limits.of(both.sites, 20, None, np.inf),
        Limits.of(both.sites, None, 1.0 + np.arange(both.sites) % 3, 30.0),
    ):
        first = greedy(both, limits)
        better = improve(both, limits, first, iterations=300, seed=1)
        assert limits.allow(better)
        assert len(set(better.tolist())) == len(better)
        value = covered(cover, city.people, better)
        assert value >= covered(cover, city.people, first)
        start = evaluate(both, limits, even_prices(both))
        bound = descend(both, limits, start, reached=value, iterations=300).bound
        assert value <= bound.value < 1.2 * value
    plan = search(cover, city.people, 20, 300, seed=4)
    assert plan.tolist() == search(cover, city.people, 20, 300, seed=4).tolist()
