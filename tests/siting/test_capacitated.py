"""`capacitated_cover` against every choice of sites, with another solver for the places."""

from itertools import chain, combinations, product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from shelterplan.allocation import assign
from shelterplan.siting.capacitated import capacitated_cover
from shelterplan.siting.capacitated_bound import Limits, ceiling
from shelterplan.siting.capacitated_flow import Rooms, close, most_placed
from shelterplan.siting.max_cover import max_cover
from shelterplan.siting.problem import Choice
from shelterplan.siting.result import NoPlanError, SitingError
from shelterplan.siting.set_cover import set_cover
from shelterplan.siting.watch import Watch


def solve(cover, people, choice, room, *, time_limit_s=20.0, whole_points=False):
    return capacitated_cover(
        cover, people, choice, room, whole_points=whole_points, watch=Watch(time_limit_s)
    )


def flow_of(cover, people, room, sites):
    """Return the maximum flow by networkx."""
    graph = nx.DiGraph()
    graph.add_nodes_from(["people", "places"])
    for i, crowd in enumerate(people):
        graph.add_edge("people", ("point", i), capacity=crowd)
    for j in sites:
        graph.add_edge(("site", j), "places", capacity=room[j])
        for i in np.flatnonzero(cover[:, j]):
            graph.add_edge(("point", i), ("site", j))
    return nx.maximum_flow_value(graph, "people", "places")


def whole_of(cover, people, room, sites):
    """Try every way of giving whole points places."""
    options = [[None, *(j for j in sites if cover[i, j])] for i in range(len(people))]
    best = 0.0
    for given_ in product(*options):
        held = np.zeros(len(room))
        for i, j in enumerate(given_):
            if j is not None:
                held[j] += people[i]
        if (held <= room).all():
            best = max(best, held.sum())
    return best


def choices(choice, cost):
    for added in chain.from_iterable(
        combinations(choice.free, k) for k in range(len(choice.free) + 1)
    ):
        if choice.count is not None and len(added) > choice.count:
            continue
        if cost[list(added)].sum() <= choice.budget:
            yield [*choice.fixed, *added]


@st.composite
def small(draw, rows=8, sites=6):
    rows, sites = draw(st.integers(1, rows)), draw(st.integers(1, sites))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    cover = random.random((rows, sites)) < draw(st.sampled_from([0.3, 0.5]))
    people = random.integers(0, 9, rows).astype(float)
    room = random.integers(0, 14, sites).astype(float)
    cost = random.integers(0, 5, sites).astype(float)
    fixed = np.flatnonzero(random.random(sites) < 0.2).tolist()
    return cover, people, room, cost, fixed


@given(small(), st.integers(0, 3))
def test_most_people_as_by_trying_all(world, count):
    cover, people, room, cost, fixed = world
    choice = Choice.of(len(room), count, fixed=fixed)
    best = max(flow_of(cover, people, room, open_) for open_ in choices(choice, cost))
    found = solve(cover, people, choice, room)
    assert (found.objective, found.bound, found.status) == (best, best, "optimal")
    assert len(found.selected) <= count + len(fixed)
    assert set(fixed) <= set(found.selected)


@given(small(), st.integers(0, 8))
def test_most_people_for_a_budget(world, budget):
    cover, people, room, cost, fixed = world
    choice = Choice.of(len(room), budget=budget, fixed=fixed, costs=cost)
    best = max(flow_of(cover, people, room, open_) for open_ in choices(choice, cost))
    found = solve(cover, people, choice, room)
    assert (found.objective, found.status) == (best, "optimal")
    assert cost[[j for j in found.selected if j not in fixed]].sum() <= budget


@settings(max_examples=30)
@given(small(rows=5, sites=4), st.integers(0, 3))
def test_whole_points_as_by_trying_all(world, count):
    cover, people, room, cost, fixed = world
    choice = Choice.of(len(room), count, fixed=fixed)
    best = max(whole_of(cover, people, room, open_) for open_ in choices(choice, cost))
    found = solve(cover, people, choice, room, whole_points=True)
    assert (found.objective, found.status) == (best, "optimal")
    assert found.objective <= solve(cover, people, choice, room).objective


@given(small(), st.integers(0, 3))
def test_laws(world, count):
    cover, people, room, _, fixed = world
    choice = Choice.of(len(room), count, fixed=fixed)
    found = solve(cover, people, choice, room)
    assert solve(cover, people, choice, room).selected == found.selected
    doubled = solve(cover, people * 2, choice, room * 2)
    assert (doubled.selected, doubled.objective) == (found.selected, found.objective * 2)
    more = solve(cover, people, Choice.of(len(room), count + 1, fixed=fixed), room)
    assert more.objective >= found.objective
    there = solve(cover, people, Choice.of(len(room), count, fixed=[*fixed, 0]), room)
    assert there.objective >= found.objective
    roomier = solve(cover, people, choice, room + 1)
    assert roomier.objective >= found.objective


@settings(max_examples=25)
@given(st.integers(0, 10**6))
def test_flows_grow_and_shrink_as_other_engines_say(seed):
    random = np.random.default_rng(seed)
    dense = random.random((40, 12)) < 0.2
    people, room = (
        random.integers(1, 20, 40).astype(float),
        random.integers(0, 60, 12).astype(float),
    )
    rooms = Rooms.of(sparse.csr_array(dense.astype(float)), people, room)
    sites = np.flatnonzero(random.random(12) < 0.7)
    flow = most_placed(rooms, sites)
    assert flow.placed == flow_of(dense, people, room, sites)
    told = assign(sparse.csr_array(dense[:, sites].astype(float)), people, room[sites])
    assert flow.placed == told.people.sum()
    fewer = close(rooms, flow, sites[:2])
    assert fewer.placed == flow_of(dense, people, room, sites[2:])
    assert (fewer.left == people - np.bincount(rooms.row_of, fewer.flow, 40)).all()


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.booleans())
def test_the_ceiling_is_one(seed, budget):
    random = np.random.default_rng(seed)
    dense = random.random((30, 10)) < 0.25
    people, room = random.random(30) * 20 + 0.1, random.random(10) * 60
    cost = random.integers(1, 5, 10).astype(float)
    rooms = Rooms.of(sparse.csr_array(dense.astype(float)), people, room)
    choice = Choice.of(10, **({"budget": 6, "costs": cost} if budget else {"count": 3}), fixed=[2])
    best = max(flow_of(dense, people, room, open_) for open_ in choices(choice, cost))
    fixed = np.arange(10) == 2
    limits = Limits(fixed, cost, choice.budget, 9 if budget else 3)
    top = ceiling(rooms, limits, 0.0, Watch(5.0), steps=200)
    assert top.bound >= best - 1e-6
    assert solve(dense, people, choice, room).objective == pytest.approx(best, rel=1e-6)


def test_a_larger_world_is_within_its_bound_and_no_worse_than_with_no_time():
    random = np.random.default_rng(3)
    places, sites = random.random((900, 2)), random.random((90, 2))
    cover = np.hypot(*(places[:, None] - sites[None]).transpose(2, 0, 1)) < 0.12
    people, room = random.integers(1, 50, 900).astype(float), random.integers(0, 2500, 90)
    choice = Choice.of(90, 8, fixed=[1, 2])
    hasty = solve(cover, people, choice, room, time_limit_s=0.0)
    found = solve(cover, people, choice, room, time_limit_s=4.0)
    assert hasty.objective <= found.objective <= found.bound <= hasty.bound
    assert found.gap < 0.05
    together = solve(cover, people, choice, room, time_limit_s=4.0, whole_points=True)
    assert found.objective * 0.95 <= together.objective <= found.bound


def test_no_limit_of_room_and_none_at_all():
    cover, people = [[1, 1, 0], [0, 1, 1]], [5, 7]
    for endless in (np.nan, np.inf):
        found = solve(cover, people, Choice.of(3, 1), [0, endless, 3])
        assert (found.selected, found.objective) == ((1,), 12.0)
    nobody = solve(cover, people, Choice.of(3, 3), [0, 0, 0])
    assert (nobody.objective, nobody.status) == (0.0, "optimal")
    assert solve(cover, [0, 0], Choice.of(3, 1), [1, 1, 1]).objective == 0.0
    assert solve(np.zeros((0, 3), bool), [], Choice.of(3, 1), [1, 1, 1]).objective == 0.0
    assert solve(cover, people, Choice.of(3, 0, fixed=[0, 1, 2]), [9, 2, 3]).objective == 10.0


def test_room_that_cannot_be():
    with pytest.raises(SitingError, match="row 1 is -2"):
        solve([[1, 1]], [1], Choice.of(2, 1), [1, -2])
    with pytest.raises(SitingError, match="2 numbers are needed"):
        solve([[1, 1]], [1], Choice.of(2, 1), [1])


@given(small())
def test_cheapest_sites_with_room_for_all(world):
    cover, people, room, cost, fixed = world
    room = room + 6
    people = people * cover.any(axis=1)
    everything = Choice.of(len(room), len(room), fixed=fixed)
    best = min(
        (
            cost[[j for j in open_ if j not in fixed]].sum()
            for open_ in choices(everything, cost)
            if flow_of(cover, people, room, open_) == people.sum()
        ),
        default=np.inf,
    )
    if best == np.inf:
        with pytest.raises(NoPlanError, match="room"):
            set_cover(cover, people, costs=cost, fixed=fixed, capacity=room)
        return
    found = set_cover(cover, people, costs=cost, fixed=fixed, capacity=room)
    assert (found.objective, found.status) == (best, "optimal")
    assert flow_of(cover, people, room, found.selected) == people.sum()
    assert found.objective >= set_cover(cover, people, costs=cost, fixed=fixed).objective
    if best > 0:
        with pytest.raises(NoPlanError):
            set_cover(cover, people, costs=cost, fixed=fixed, capacity=room, budget=best - 0.5)


def test_whole_points_by_choice_through_the_public_model():
    cover, people, room = [[1], [1]], [6, 5], [8]
    assert max_cover(cover, people, 1, capacity=room).objective == 8
    assert max_cover(cover, people, 1, capacity=room, whole_points=True).objective == 6
