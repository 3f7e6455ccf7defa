"""`set_cover` against every choice of sites, in small."""

from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from shelterplan.siting.result import NoPlanError, SitingError
from shelterplan.siting.set_cover import set_cover
from shelterplan.siting.set_cover_cuts import tightened
from shelterplan.siting.set_cover_local import search
from shelterplan.siting.set_cover_search import Covering, cost_of, greedy, priced
from shelterplan.siting.watch import Watch


def choices(sites):
    return chain.from_iterable(combinations(sites, k) for k in range(len(sites) + 1))


def cheapest(cover, people, cost, fixed, most=np.inf):
    """Try all choices of sites; inf: none covers everybody."""
    best = np.inf
    for added in choices([j for j in range(cover.shape[1]) if j not in fixed]):
        open_ = [*fixed, *added]
        if len(added) <= most and cover[people > 0][:, open_].any(axis=1).all():
            best = min(best, float(cost[list(added)].sum()))
    return best


@st.composite
def small(draw, *, whole=True):
    rows, sites = draw(st.integers(1, 9)), draw(st.integers(1, 8))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    cover = random.random((rows, sites)) < draw(st.sampled_from([0.2, 0.35, 0.6]))
    people = random.integers(0, 4, rows).astype(float)
    cost = random.integers(0, 6, sites).astype(float)
    if not whole:
        cost = cost + np.round(random.random(sites), 2)
    fixed = np.flatnonzero(random.random(sites) < 0.2).tolist()
    return cover, people, cost, fixed


@given(small())
def test_fewest_sites_as_by_trying_all(world):
    cover, people, _, fixed = world
    best = cheapest(cover, people, np.ones(cover.shape[1]), fixed)
    if best == np.inf:
        with pytest.raises(NoPlanError, match="no site covers"):
            set_cover(cover, people, fixed=fixed)
        return
    found = set_cover(cover, people, fixed=fixed)
    assert (found.objective, found.bound, found.status) == (best, best, "optimal")
    assert len(found.selected) == best + len(fixed)
    assert set(fixed) <= set(found.selected)
    assert cover[people > 0][:, found.selected].any(axis=1).all()


@given(st.booleans().flatmap(lambda whole: small(whole=whole)))
def test_cheapest_sites_as_by_trying_all(world):
    cover, people, cost, fixed = world
    reached = cover.any(axis=1)
    best = cheapest(cover, people * reached, cost, fixed)
    found = set_cover(cover, people, costs=cost, fixed=fixed, skip_unreachable=True)
    assert found.objective == pytest.approx(best)
    assert found.optimal
    added = [j for j in found.selected if j not in fixed]
    assert cost[added].sum() == pytest.approx(found.objective)


@given(small(), st.integers(0, 3), st.integers(0, 8))
def test_limits_hold_and_only_the_impossible_is_refused(world, count, budget):
    cover, people, cost, fixed = world
    people = people * cover.any(axis=1)
    fewest = cheapest(cover, people, np.ones(len(cost)), fixed)
    if fewest <= count:
        assert set_cover(cover, people, fixed=fixed, count=count).objective == fewest
    else:
        with pytest.raises(NoPlanError, match="at least"):
            set_cover(cover, people, fixed=fixed, count=count)
    best = cheapest(cover, people, cost, fixed, count)
    asked = {"costs": cost, "fixed": fixed, "count": count, "budget": budget}
    if best <= budget:
        found = set_cover(cover, people, **asked)
        assert found.objective == best
        assert found.optimal
        assert len(found.selected) <= count + len(fixed)
    else:
        with pytest.raises(NoPlanError):
            set_cover(cover, people, **asked)


@given(small())
def test_people_do_not_matter_and_a_fixed_site_never_hurts(world):
    cover, people, cost, fixed = world
    people = people * cover.any(axis=1)
    found = set_cover(cover, people, costs=cost, fixed=fixed)
    assert set_cover(cover, people * 2, costs=cost, fixed=fixed).selected == found.selected
    more = set_cover(cover, people, costs=cost, fixed=[*fixed, 0])
    assert more.objective <= found.objective


def ring(sites):
    """Return demand points on a ring, each covered by the site before and the one after."""
    cover = np.zeros((sites, sites), bool)
    at = np.arange(sites)
    cover[at, at] = cover[at, (at + 1) % sites] = True
    return cover


def test_an_odd_ring_needs_more_than_its_relaxation():
    found = set_cover(ring(9))
    assert (found.objective, found.status) == (5.0, "optimal")


def test_cuts_raise_the_bound_of_a_triangle_to_the_truth():
    cover = sparse.csr_array(ring(3).astype(float))
    assert tightened(cover, np.ones(3), 2.0, Watch(5.0)).bound == pytest.approx(2.0, abs=1e-3)


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_bounds_and_searches_hold_on_larger_worlds(seed):
    random = np.random.default_rng(seed)
    dense = random.random((60, 30)) < 0.12
    dense[np.arange(60), random.integers(0, 30, 60)] = True
    cover, cost = sparse.csr_array(dense.astype(float)), random.integers(1, 9, 30).astype(float)
    problem = Covering.of(cover, cost)
    best = set_cover(cover, costs=cost)
    assert best.optimal
    first = greedy(problem, np.zeros(60))
    relaxed = priced(problem, first, Watch(5.0))
    better = search(problem, first, 0.0, Watch(5.0), most_moves=2000)
    assert relaxed.bound <= best.objective + 1e-9
    assert tightened(cover, cost, best.objective, Watch(5.0)).bound <= best.objective + 1e-5
    assert best.objective <= cost_of(problem, better) <= cost_of(problem, first)
    assert dense[:, better].any(axis=1).all()


def test_a_search_goes_on_with_the_weights_of_the_one_before():
    random = np.random.default_rng(4)
    cover = random.random((80, 40)) < 0.1
    cover[np.arange(80), random.integers(0, 40, 80)] = True
    problem = Covering.of(sparse.csr_array(cover.astype(float)), np.ones(40))
    weight = np.ones(80, np.int64)
    first = greedy(problem, np.zeros(80))
    once = search(problem, first, 0.0, Watch(60.0), most_moves=200, weight=weight)
    learned = weight.copy()
    twice = search(problem, once, 0.0, Watch(60.0), most_moves=200, weight=weight)
    assert learned.min() >= 1
    assert learned.sum() > 80
    assert (weight >= learned).all()
    assert cover[:, twice].any(axis=1).all()
    assert twice.sum() <= once.sum() <= first.sum()


def test_no_time_still_gives_a_plan_that_does_not_claim_too_much():
    random = np.random.default_rng(5)
    cover = random.random((300, 80)) < 0.05
    cover[np.arange(300), random.integers(0, 80, 300)] = True
    for found in (set_cover(cover, time_limit_s=0.0), set_cover(cover, stop=lambda: True)):
        assert cover[:, found.selected].any(axis=1).all()
        assert found.bound <= found.objective
        assert not found.optimal


def test_the_same_twice():
    random = np.random.default_rng(6)
    cover = random.random((80, 30)) < 0.2
    cover[:, 0] |= ~cover.any(axis=1)
    assert set_cover(cover).selected == set_cover(cover).selected


def test_nothing_to_do():
    assert set_cover([[1, 0]], [0.0]).selected == ()
    assert set_cover([[1, 0]], fixed=[0]).objective == 0.0
    assert set_cover([[1, 0]], fixed=[0, 1], count=0).status == "optimal"
    assert set_cover(np.zeros((0, 2), bool)).selected == ()
    assert set_cover([[0, 0]], skip_unreachable=True).selected == ()


def test_duplicate_sites_are_taken_once():
    assert set_cover([[1, 1, 1], [1, 1, 1]]).objective == 1.0


def test_rows_that_nothing_covers_are_named():
    cover = [[1, 0], [0, 0], [0, 1], [0, 0]]
    with pytest.raises(NoPlanError, match=r"2 demand points with people \(row 1, 3\)"):
        set_cover(cover)
    with pytest.raises(NoPlanError, match=r"1 demand point with people \(row 3\)"):
        set_cover(cover, [1, 0, 1, 1])
    assert set_cover(cover, skip_unreachable=True).selected == (0, 1)


def test_a_budget_needs_costs():
    with pytest.raises(SitingError, match="needs costs"):
        set_cover([[1]], budget=3.0)


@pytest.mark.parametrize("unit", [1e-9, 1e-7, 1e8])
@pytest.mark.parametrize("seed", range(6))
def test_with_room_the_unit_of_prices_does_not_matter(seed, unit):
    rng = np.random.default_rng(seed)
    cover = rng.random((12, 8)) < 0.5
    cover[np.arange(12), rng.integers(0, 8, 12)] = True
    people, prices = rng.integers(1, 9, 12), rng.uniform(1, 3, 8)
    room = np.full(8, people.sum() / 3)
    once = set_cover(cover, people, costs=prices, capacity=room, budget=99)
    other = set_cover(cover, people, costs=prices * unit, capacity=room, budget=99 * unit)
    assert once.optimal
    assert other.optimal
    assert other.objective == pytest.approx(once.objective * unit)
    short = 0.999 * once.objective * unit
    with pytest.raises(NoPlanError, match="within the limits"):
        set_cover(cover, people, costs=prices * unit, capacity=room, budget=short)


@pytest.mark.parametrize("crowd", [10.0, 1e7, 1e9])
def test_one_person_beside_a_crowd_needs_a_place(crowd):
    cover = [[1, 1, 0], [1, 0, 1]]
    found = set_cover(cover, [crowd, 1], capacity=[crowd, 3, 3])
    assert len(found.selected) == 2
    with pytest.raises(NoPlanError, match="1 of"):
        set_cover([[1], [1]], [crowd, 1], capacity=[crowd])
