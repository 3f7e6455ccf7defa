"""Who finds room: values by eye, laws, and the same optimum as two other engines."""

import dataclasses
import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array

from shelterplan.allocation import Allocation, assign, rooms
from shelterplan.errors import TableError
from shelterplan.tables import PERSON_UNIT

MODES = ("assigned", "nearest")


def sparse(walks):
    """Turn rows of walks, None being out of reach, into a matrix that keeps walks of 0."""
    entries = [
        (i, j, walk)
        for i, row in enumerate(walks)
        for j, walk in enumerate(row)
        if walk is not None
    ]
    i, j, walk = zip(*entries, strict=True) if entries else ((), (), ())
    shape = (len(walks), len(walks[0]) if walks else 0)
    return csr_array(coo_array((np.array(walk, float), (i, j)), shape=shape))


@st.composite
def worlds(draw):
    """Return walks, people and room of a small world."""
    points, shelters = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    walk = st.none() | st.integers(0, 30).map(float) | st.floats(0, 9).map(lambda x: round(x, 3))
    row = st.lists(walk, min_size=shelters, max_size=shelters)
    walks = draw(st.lists(row, min_size=points, max_size=points))
    number = st.integers(0, 9).map(float) | st.integers(1, 2**23).map(lambda x: x * PERSON_UNIT)
    people = draw(st.lists(number, min_size=points, max_size=points))
    room = st.integers(0, 14).map(float) | st.just(math.nan)
    capacity = draw(st.lists(room, min_size=shelters, max_size=shelters))
    return walks, np.array(people), np.array(capacity)


def confirmed(told, capacity):
    return told.people[~np.isnan(capacity)[told.shelter]].sum()


def check(told, walks, people, capacity):
    """Check that nobody is lost, nobody is overcounted and nothing overfull."""
    placed = np.bincount(told.point, told.people, len(people))
    assert (placed + told.unserved + told.unreached == people).all()
    inside = np.bincount(told.shelter, told.people, len(capacity))
    assert (inside <= np.where(np.isnan(capacity), np.inf, capacity)).all()
    assert (told.people > 0).all()
    assert (told.people / PERSON_UNIT % 1 == 0).all()
    assert (np.minimum(told.unserved, told.unreached) == 0).all()
    alone = [all(walk is None for walk in row) for row in walks]
    assert (told.unreached == np.where(alone, people, 0)).all()
    walked = [walks[i][j] for i, j in zip(told.point, told.shelter, strict=True)]
    assert None not in walked
    units = (told.people / PERSON_UNIT).astype(int).tolist()
    assert told.walking == sum(
        round(1000 * walk) * unit for walk, unit in zip(walked, units, strict=True)
    )


def network(walks, people, capacity, weight):
    """Return the flow network in whole units, with what a place costs by its tier."""
    graph = nx.DiGraph()
    units = (people / PERSON_UNIT).astype(int).tolist()
    graph.add_node("end", demand=sum(units))
    for i, row in enumerate(walks):
        graph.add_node(("point", i), demand=-units[i])
        graph.add_edge(("point", i), "end", weight=weight(2))
        for j, walk in enumerate(row):
            if walk is not None:
                graph.add_edge(("point", i), ("shelter", j), weight=round(walk * 1000))
    for j, room in enumerate(capacity.tolist()):
        limit = {} if not math.isfinite(room) else {"capacity": int(room / PERSON_UNIT)}
        graph.add_edge(("shelter", j), "end", weight=weight(int(math.isnan(room))), **limit)
    return graph


@given(worlds())
def test_each_tier_equals_the_network_simplex(world):
    walks, people, capacity = world
    told = assign(sparse(walks), people, capacity)
    check(told, *world)
    assert told.exact
    assert told.gap == 0
    big = 10**9
    cost, _ = nx.network_simplex(network(*world, lambda tier: tier * big))
    nowhere = told.unserved.sum() + told.unreached.sum()
    possible = told.people.sum() - confirmed(told, capacity)
    assert cost == told.walking + big * int((2 * nowhere + possible) / PERSON_UNIT)


@given(worlds())
def test_served_and_confirmed_equal_the_maximum_flows(world):
    walks, people, capacity = world
    told = assign(sparse(walks), people, capacity)

    def most(known_only):
        graph = nx.DiGraph()
        graph.add_nodes_from(["start", "end"])
        total = int(people.sum() / PERSON_UNIT)
        for i, row in enumerate(walks):
            graph.add_edge("start", i, capacity=int(people[i] / PERSON_UNIT))
            for j, walk in enumerate(row):
                if walk is not None and not (known_only and math.isnan(capacity[j])):
                    graph.add_edge(i, f"shelter {j}")
        for j, room in enumerate(capacity):
            limit = int(room / PERSON_UNIT) if math.isfinite(room) else total
            graph.add_edge(f"shelter {j}", "end", capacity=limit)
        return nx.maximum_flow_value(graph, "start", "end") * PERSON_UNIT

    assert told.people.sum() == most(known_only=False)
    assert confirmed(told, capacity) == most(known_only=True)


@given(worlds())
def test_walking_equals_a_linear_program(world):
    walks, people, capacity = world
    told = assign(sparse(walks), people, capacity)
    reach = sparse(walks).tocoo()
    if reach.nnz == 0:
        assert told.walking == 0
        return
    entry = np.arange(reach.nnz)
    limited = np.isfinite(capacity)
    each = coo_array((np.ones(reach.nnz), (reach.row, entry)), shape=(len(people), reach.nnz))
    into = coo_array((np.ones(reach.nnz), (reach.col, entry)), shape=(len(capacity), reach.nnz))
    known = (~np.isnan(capacity)[reach.col]).astype(float)
    found = linprog(
        reach.data,
        np.vstack([each.toarray(), into.toarray()[limited]]),
        np.concatenate([people, capacity[limited]]),
        np.vstack([np.ones(reach.nnz), known]),
        [told.people.sum(), confirmed(told, capacity)],
    )
    assert found.status == 0
    assert told.walking_person == pytest.approx(found.fun, abs=1e-6)


@given(worlds())
def test_coarser_steps_serve_as_many_and_tell_a_true_bound(world):
    walks, people, capacity = world
    exact = assign(sparse(walks), people, capacity)
    coarse = assign(sparse(walks), people, capacity, effort=-1)
    check(coarse, *world)
    assert coarse.people.sum() == exact.people.sum()
    assert confirmed(coarse, capacity) == confirmed(exact, capacity)
    assert coarse.bound <= exact.walking <= coarse.walking
    assert coarse.gap >= 0


@pytest.mark.parametrize("mode", MODES)
@given(world=worlds(), j=st.integers(0, 3), more=st.integers(1, 5))
def test_more_room_or_another_shelter_never_serves_fewer(mode, world, j, more):
    walks, people, capacity = world
    before = assign(sparse(walks), people, capacity, mode=mode)
    larger = capacity.copy()
    larger[j % len(capacity)] += more
    assert assign(sparse(walks), people, larger, mode=mode).people.sum() >= before.people.sum()
    if mode == "assigned":
        another = [[*row, float(i)] for i, row in enumerate(walks)]
        after = assign(sparse(another), people, np.append(capacity, more), mode=mode)
        assert after.people.sum() >= before.people.sum()


@pytest.mark.parametrize("mode", MODES)
@given(world=worlds(), seed=st.integers(0, 9))
def test_order_changes_nothing_that_counts(mode, world, seed):
    walks, people, capacity = world
    told = assign(sparse(walks), people, capacity, mode=mode)
    again = assign(sparse(walks), people, capacity, mode=mode)
    for field in dataclasses.fields(Allocation):
        assert np.array_equal(getattr(told, field.name), getattr(again, field.name))
    if mode == "nearest":
        return  # who comes first among the equally near decides who is served
    rng = np.random.default_rng(seed)
    i, j = rng.permutation(len(people)), rng.permutation(len(capacity))
    turned = assign(sparse([[walks[a][b] for b in j] for a in i]), people[i], capacity[j])
    assert turned.walking == told.walking
    assert turned.people.sum() == told.people.sum()
    assert confirmed(turned, capacity[j]) == confirmed(told, capacity)


@given(worlds())
def test_nearest_first_is_stable(world):
    """Nobody prefers a shelter that has room, or that took somebody from farther away."""
    walks, people, capacity = world
    told = assign(sparse(walks), people, capacity, mode="nearest")
    check(told, *world)
    assert math.isnan(told.gap)
    inside = np.bincount(told.shelter, told.people, len(capacity))
    nowhere = [(i, None) for i in np.flatnonzero(told.unserved)]
    flows = list(zip(told.point.tolist(), told.shelter.tolist(), strict=True))
    for i, mine in [*flows, *nowhere]:
        nearer = [
            j
            for j, walk in enumerate(walks[i])
            if walk is not None and (mine is None or (walk, j) < (walks[i][mine], mine))
        ]
        for j in nearer:
            assert inside[j] == capacity[j]
            assert all(walks[a][j] <= walks[i][j] for a, b in flows if b == j)
        if mine is not None:
            assert told.turned_away[flows.index((i, mine))] == len(nearer)


@pytest.mark.parametrize("mode", MODES)
@given(world=worlds())
def test_rooms_add_up(mode, world):
    walks, people, capacity = world
    told = assign(sparse(walks), people, capacity, mode=mode)
    table = rooms(sparse(walks), people, capacity, told)
    assert table["assigned_population"].sum() == told.people.sum()
    assert table["expected_population"].sum() == people.sum() - told.unreached.sum()
    assert table["utilisation"].dropna().between(0, 1).all()
    assert (table["turned_away_population"] >= 0).all()
    assert (table["turned_away_population"] <= table["expected_population"]).all()
    assert (table["fills_at_share"].dropna() < 1).all()
    assert (
        table.loc[np.isnan(capacity), ["room", "utilisation", "fills_at_share"]]
        .isna()
        .to_numpy()
        .all()
    )


def test_unknown_room_is_used_last_whatever_the_walk():
    # the far shelter of known room comes before the near one of unknown room
    told = assign(sparse([[1.0, 900.0]]), [10.0], [math.nan, 4.0])
    assert told.shelter.tolist() == [0, 1]
    assert told.people.tolist() == [6.0, 4.0]


def test_room_that_is_not_confirmed_may_have_a_limit():
    told = assign(sparse([[1.0, 900.0]]), [10.0], [3.0, 4.0], unknown=[True, False])
    assert told.people.tolist() == [3.0, 4.0]
    assert told.unserved.tolist() == [3.0]


def test_a_chain_of_switches():
    # 0 fills; its people move on to 1, whose people move on to 2
    walks = [[0.0, 10.0, None], [0.0, 11.0, None], [None, 0.0, 5.0]]
    told = assign(sparse(walks), [4.0, 4.0, 4.0], [4.0, 4.0, 4.0])
    assert told.shelter.tolist() == [1, 0, 2]
    assert told.walking_person == 60.0


def test_turned_away_twice():
    walks = [[1.0, 2.0, 3.0], [0.0, 0.0, None]]
    told = assign(sparse(walks), [5.0, 8.0], [4.0, 4.0, 2.0], mode="nearest")
    assert told.shelter.tolist() == [2, 0, 1]
    assert told.turned_away.tolist() == [2, 0, 1]
    assert told.unserved.tolist() == [3.0, 0.0]


def test_nobody_and_nothing():
    for mode in MODES:
        told = assign(csr_array((0, 0)), [], [], mode=mode)
        assert len(told.point) == told.walking == 0
        told = assign(csr_array((2, 1)), [1.0, 0.0], [5.0], mode=mode)
        assert told.unreached.tolist() == [1.0, 0.0]
        told = assign(sparse([[1.0]]), [3.0], [0.0], mode=mode)
        assert told.unserved.tolist() == [3.0]


def test_float32_walks_count_in_whole_millimetres():
    reach = sparse([[1234.567]]).astype(np.float32)
    assert assign(reach, [1.0], [1.0]).walking == 1234567 * 2**20


def test_parts_of_a_unit_are_no_room():
    told = assign(sparse([[1.0]]), [1.0], [1.0 - PERSON_UNIT / 3])
    assert told.people.tolist() == [1.0 - PERSON_UNIT]


def test_inputs_are_not_changed():
    reach = csr_array((np.array([2.0, 1.0]), np.array([1, 0]), np.array([0, 2])), shape=(1, 2))
    told = assign(reach, [1.0], [1.0, 1.0])
    assert told.shelter.tolist() == [0]
    assert reach.indices.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("walks", "people", "capacity", "options", "words"),
    [
        ([[1.0]], [0.3], [1.0], {}, "people: 1 problem. row 0: people must be whole multiples"),
        ([[1.0]], [-1.0], [1.0], {}, "people: 1 problem. row 0"),
        ([[1.0]], [math.nan], [1.0], {}, "people: 1 problem. row 0"),
        ([[1.0]], [2.0**34], [1.0], {}, "there are more than"),
        ([[1.0]], [1.0, 1.0], [1.0], {}, "people: 1 problem. there must be 1 numbers"),
        ([[1.0]], [1.0], [-1.0], {}, "capacity: 1 problem. row 0: room must be 0 or more"),
        ([[1.0]], [1.0], [math.nan], {"unknown": [False]}, "not said to be unknown"),
        ([[-1.0]], [1.0], [1.0], {}, "reach: 1 problem. row 0: a walk must be"),
        ([[math.inf]], [1.0], [1.0], {}, "reach: 1 problem. row 0: a walk must be"),
        ([[1.0]], [1.0], [1.0], {"mode": "best"}, "'best' is not known"),
    ],
)
def test_refused(walks, people, capacity, options, words):
    with pytest.raises(TableError, match=words.replace("*", r"\*")):
        assign(sparse(walks), people, capacity, **options)


def test_a_shelter_that_stands_twice_is_refused():
    reach = csr_array((np.array([2.0, 1.0]), np.array([0, 0]), np.array([0, 2])), shape=(1, 1))
    with pytest.raises(TableError, match="stands twice"):
        assign(reach, [1.0], [1.0])


@pytest.mark.parametrize("share", [0.6, 0.9, 1.1])
def test_a_town_is_optimal_by_its_own_prices(share):
    """Weak duality proves the least cost, without another engine; heaps must have grown."""
    rng = np.random.default_rng(7)
    far = np.hypot(*(rng.random((1500, 1, 2)) - rng.random((1, 20, 2))).transpose(2, 0, 1))
    walks = sparse([[round(x * 2000, 3) if x < 0.4 else None for x in row] for row in far.tolist()])
    people = rng.integers(1, 40, 1500).astype(float)
    room = np.floor(rng.dirichlet(np.full(20, 2.0)) * people.sum() * share)
    told, coarse = assign(walks, people, room), assign(walks, people, room, effort=0)
    assert told.exact
    assert not coarse.exact
    assert coarse.people.sum() == told.people.sum()
    assert coarse.bound <= told.walking <= coarse.walking
    assert coarse.gap < 0.02
    untold = assign(walks, people, room, mode="nearest")
    assert untold.people.sum() <= told.people.sum()
