"""Fair siting against every choice of sites there is."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from shelterplan.siting.fair import fairest_cover, quota_cover
from shelterplan.siting.floor_bound import Duals, bound_of, worst_bound
from shelterplan.siting.floors import Siting
from shelterplan.siting.grouped import Demand, Problem
from shelterplan.siting.max_cover import max_cover
from shelterplan.siting.problem import Choice
from shelterplan.siting.result import NoPlanError, SitingError

LONG = 30.0


@st.composite
def towns(draw, rows=9, sites=5):
    """Return a cover matrix, people, labels of districts, fixed sites, and how many to add."""
    n, m = draw(st.integers(1, rows)), draw(st.integers(1, sites))
    cover = np.array(draw(st.lists(st.booleans(), min_size=n * m, max_size=n * m))).reshape(n, m)
    people = np.array(draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)), float)
    group = draw(st.lists(st.sampled_from("abc"), min_size=n, max_size=n))
    fixed = draw(st.lists(st.integers(0, m - 1), max_size=2, unique=True))
    return cover, people, group, fixed, draw(st.integers(0, 3))


def plans(sites, fixed, count, costs=None, budget=np.inf):
    """Return every choice of sites."""
    free = [site for site in range(sites) if site not in fixed]
    for size in range(min(count, len(free)) + 1):
        for added in combinations(free, size):
            if costs is None or sum(costs[site] for site in added) <= budget + 1e-9:
                yield sorted({*fixed, *added})


def reached(cover, people, group, sites, total=None):
    """Return the people covered, and the shares of the groups where somebody counts."""
    near = cover[:, sites].any(axis=1)
    names = dict.fromkeys([*group, *(total or ())])
    inside = {name: sum(people[i] for i, g in enumerate(group) if g == name) for name in names}
    found = people * near
    have = {name: sum(found[i] for i, g in enumerate(group) if g == name) for name in names}
    total = inside | (total or {})
    return people[near].sum(), {name: have[name] / total[name] for name in names if total[name] > 0}


@given(towns(), st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_quota_is_the_best_of_all_plans(town, share):
    cover, people, group, fixed, count = town
    best = [
        reached(cover, people, group, sites)[0]
        for sites in plans(cover.shape[1], fixed, count)
        if min(reached(cover, people, group, sites)[1].values(), default=1) >= share - 1e-9
    ]
    options = {"group": group, "share": share, "fixed": fixed, "time_limit_s": LONG}
    if not best:
        with pytest.raises(NoPlanError):
            quota_cover(cover, people, count, **options)
        return
    found = quota_cover(cover, people, count, **options)
    assert found.status == "optimal"
    assert found.objective == found.bound == max(best) == found.people
    again = reached(cover, people, group, list(found.selected))
    assert again[0] == found.objective
    assert {k: v for k, v in found.shares.items() if not np.isnan(v)} == pytest.approx(again[1])
    assert set(fixed) <= set(found.selected)
    assert len(found.selected) <= count + len(fixed)


@settings(max_examples=40)
@given(towns(), st.lists(st.integers(1, 5), min_size=5, max_size=5), st.integers(0, 9))
def test_quota_with_a_budget_and_people_outside_the_matrix(town, costs, budget):
    cover, people, group, fixed, _ = town
    costs = costs[: cover.shape[1]]
    total = {"a": sum(p for p, g in zip(people, group, strict=True) if g == "a") + 4}
    best = [
        reached(cover, people, group, sites, total)[0]
        for sites in plans(cover.shape[1], fixed, 9, costs, budget)
        if reached(cover, people, group, sites, total)[1].get("a", 1) >= 0.4 - 1e-9
    ]
    options = {"group": group, "share": {"a": 0.4}, "total": total, "fixed": fixed, "costs": costs}
    if not best:
        with pytest.raises(NoPlanError):
            quota_cover(cover, people, budget, **options)
        return
    found = quota_cover(cover, people, budget=budget, **options)
    assert found.status == "optimal"
    assert found.objective == max(best)


@settings(max_examples=40)
@given(towns(), st.lists(st.integers(0, 3), min_size=9, max_size=9))
def test_quota_of_those_in_high_risk_zones(town, high):
    cover, people, group, fixed, count = town
    counted = np.minimum(people, high[: len(people)])
    best = [
        people[cover[:, sites].any(axis=1)].sum()
        for sites in plans(cover.shape[1], fixed, count)
        if min(reached(cover, counted, group, sites)[1].values(), default=1) >= 0.5
    ]
    options = {"group": group, "share": 0.5, "counted": counted, "fixed": fixed}
    if not best:
        with pytest.raises(NoPlanError):
            quota_cover(cover, people, count, **options)
        return
    found = quota_cover(cover, people, count, **options)
    assert (found.status, found.objective) == ("optimal", max(best))


@given(towns())
def test_no_quota_is_maximal_covering(town):
    cover, people, group, fixed, count = town
    free = max_cover(cover, people, count, fixed=fixed)
    found = quota_cover(cover, people, count, group=group, share=0, fixed=fixed)
    assert found.objective == free.objective


@settings(max_examples=50)
@given(towns(), st.integers(1, 3))
def test_fairest_is_lexicographic(town, levels):
    cover, people, group, fixed, count = town
    if not people.any():
        with pytest.raises(SitingError, match="nobody counts"):
            fairest_cover(cover, people, count, group=group)
        return
    every = []
    for sites in plans(cover.shape[1], fixed, count):
        total, shares = reached(cover, people, group, sites)
        every.append(([round(s, 9) for s in sorted(shares.values())][:levels], total))
    best = max(every)
    found = fairest_cover(cover, people, count, group=group, levels=levels, fixed=fixed)
    ranked = sorted(s for s in found.shares.values() if not np.isnan(s))[:levels]
    assert ranked == pytest.approx(best[0])
    assert found.people == best[1]
    assert found.status == "optimal"
    assert found.objective == found.worst_share == pytest.approx(best[0][0])
    assert {stage.status for stage in found.stages} == {"optimal"}
    assert [stage.value for stage in found.stages] == pytest.approx([*best[0], best[1]])


@settings(max_examples=30)
@given(towns())
def test_more_sites_never_leave_the_worst_group_worse_off(town):
    cover, people, group, fixed, count = town
    if not people.any():
        return
    few = fairest_cover(cover, people, count, group=group, fixed=fixed)
    more = fairest_cover(cover, people, count + 1, group=group, fixed=fixed)
    double = fairest_cover(cover, 2 * people, count, group=group, fixed=fixed)
    there = fairest_cover(cover, people, count, group=group, fixed=[*fixed, 0])
    assert more.worst_share >= few.worst_share
    assert double.worst_share == few.worst_share
    assert there.worst_share >= few.worst_share


def assigned(cover, people, group, sites, capacity, share):
    """Return the most people with room, if every group has its share: a linear program."""
    pairs = [(i, j) for i in range(len(people)) for j in sites if cover[i, j]]
    if not pairs:
        return 0.0 if not any(share * people[i] > 0 for i in range(len(people))) else None
    rows, upper = [], []
    for i in range(len(people)):
        rows.append([float(a == i) for a, _ in pairs])
        upper.append(people[i])
    for j in sites:
        rows.append([float(b == j) for _, b in pairs])
        upper.append(capacity[j])
    for name in set(group):
        rows.append([-float(group[a] == name) for a, _ in pairs])
        upper.append(-share * sum(p for p, g in zip(people, group, strict=True) if g == name))
    found = linprog([-1.0] * len(pairs), A_ub=rows, b_ub=upper)
    return -found.fun if found.status == 0 else None


@settings(max_examples=30)
@given(towns(rows=6, sites=4), st.lists(st.integers(0, 12), min_size=4, max_size=4))
def test_quota_with_room(town, capacity):
    cover, people, group, fixed, count = town
    capacity = capacity[: cover.shape[1]]
    every = [
        assigned(cover, people, group, sites, capacity, 0.3)
        for sites in plans(cover.shape[1], fixed, count)
    ]
    best = [value for value in every if value is not None]
    options = {"group": group, "share": 0.3, "fixed": fixed, "capacity": capacity}
    if not best:
        with pytest.raises(NoPlanError):
            quota_cover(cover, people, count, **options)
        return
    found = quota_cover(cover, people, count, **options)
    assert found.status == "optimal"
    assert found.objective == pytest.approx(max(best), abs=1e-4)


@settings(max_examples=20)
@given(towns(rows=6, sites=4), st.lists(st.integers(0, 12), min_size=4, max_size=4))
def test_fairest_with_room(town, capacity):
    cover, people, group, fixed, count = town
    capacity = capacity[: cover.shape[1]]
    if not people.any():
        return
    found = fairest_cover(cover, people, count, group=group, fixed=fixed, capacity=capacity)
    assert found.status == "optimal"
    for sites in plans(cover.shape[1], fixed, count):
        better = assigned(cover, people, group, sites, capacity, found.worst_share + 1e-3)
        assert better is None or found.worst_share > 1 - 1e-3
    same = assigned(cover, people, group, list(found.selected), capacity, found.worst_share - 1e-6)
    assert same is not None
    assert found.people == pytest.approx(same, abs=1e-3)


def test_a_floor_is_inclusive():
    cover = np.eye(10, 3, dtype=bool)
    options = {"group": ["a"] * 10, "share": 0.3}
    assert quota_cover(cover, np.ones(10), 3, **options).objective == 3
    with pytest.raises(NoPlanError, match="no 2 sites"):
        quota_cover(cover, np.ones(10), 2, **options)


def test_who_cannot_be_reached_is_named():
    with pytest.raises(NoPlanError, match=r"'south' cannot reach 50 %.* 0 of its 4"):
        quota_cover([[1], [0]], [1, 4], 1, group=["north", "south"], share=0.5)
    with pytest.raises(NoPlanError, match="'island'"):
        quota_cover([[1]], [1], 1, group=["north"], share=0.5, total={"north": 1, "island": 7})


def test_what_does_not_fit_is_said():
    with pytest.raises(SitingError, match="row 1 has none"):
        quota_cover([[1], [1]], [1, 1], 1, group=["a", None], share=0)
    with pytest.raises(SitingError, match="5 of it are in the matrix"):
        quota_cover([[1]], [5], 1, group=["a"], share=0, total={"a": 2})
    with pytest.raises(SitingError, match="share must be 0 to 1"):
        quota_cover([[1]], [5], 1, group=["a"], share=80)
    with pytest.raises(SitingError, match="1 labels are needed"):
        quota_cover([[1]], [5], 1, group=["a", "b"], share=0)


def test_without_time_nothing_is_called_optimal():
    rng = np.random.default_rng(3)
    cover = rng.random((400, 120)) < 0.03
    people, group = rng.integers(1, 50, 400), rng.integers(0, 8, 400)
    found = fairest_cover(cover, people, 12, group=group, time_limit_s=0.0)
    assert found.status.startswith("gap") or found.status == "no bound"
    assert found.bound > found.objective
    stopped = fairest_cover(cover, people, 12, group=group, stop=lambda: True)
    assert stopped.bound >= stopped.objective


@given(towns(), st.lists(st.floats(0, 20), min_size=12, max_size=12), st.floats(0, 1))
def test_any_prices_give_a_bound(town, prices, share):
    cover, people, group, fixed, count = town
    demand = Demand.of(cover, people, group=group)
    problem = Problem.of(demand, Choice.of(cover.shape[1], count, fixed=fixed))
    siting = Siting(demand, problem, [])
    duals = Duals(
        np.resize(prices[:9], problem.cover.shape[0]), np.resize(prices[9:], len(demand.names))
    )
    need = siting.need(share * demand.total)
    bound, each = bound_of(problem, need, duals)
    worst = worst_bound(problem, np.zeros(len(need)), demand.total, duals)
    for sites in plans(cover.shape[1], fixed, count):
        total, shares = reached(cover, people, group, sites)
        assert min(shares.values(), default=0) <= worst + 1e-6
        if min(shares.values(), default=1) >= share:
            assert total <= problem.base.people + bound + 1e-6
            used = problem.column_flags(sites)
            assert (total <= problem.base.people + each[used] + 1e-6).all()
