"""Walking distances against networkx, and the laws that they keep."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shelterplan import WalkNetwork, access, kernels
from shelterplan.ends import legs_mm, owners
from shelterplan.errors import NetworkError
from shelterplan.snap import NOWHERE
from tests.worlds import (
    network_of,
    oracle,
    places_at,
    random_ends,
    random_network,
    random_places,
    relabelled,
)

GRAPHS_AN_EXAMPLE = 20
"""Random worlds made from one seed; hypothesis would spend its time on drawing numbers."""

steady = settings(
    derandomize=True,
    deadline=None,
    max_examples=30,
    database=None,
    suppress_health_check=list(HealthCheck),
)
seeds = st.integers(0, 2**32 - 1)


def worlds(seed):
    """Yield random networks with sources and targets."""
    rng = np.random.default_rng(seed)
    for _ in range(GRAPHS_AN_EXAMPLE):
        network, length_m = random_network(rng)
        yield rng, network, length_m, random_ends(rng, network), random_ends(rng, network)


def by_owner(distance, targets):
    """Return the distances to the nearest place of each owner, shape (sources, owners)."""
    owner = owners(targets)
    found = np.full((len(distance), int(owner.max(initial=-1)) + 1), np.inf)
    for column, number in enumerate(owner):
        found[:, number] = np.minimum(found[:, number], distance[:, column])
    return found


def metres(mm):
    return np.asarray(mm, float) / 1000


@steady
@given(seeds)
def test_nearest_is_that_of_networkx(seed):
    for _, network, _, sources, targets in worlds(seed):
        mm = oracle(network, network.edge_mm.astype(np.int64), sources, targets)
        found = access.nearest(network, sources, targets)
        nearest = mm.min(axis=1, initial=np.inf)
        assert found["distance_m"].tolist() == metres(nearest).tolist()
        for row, entry in enumerate(found["entry"]):
            if entry < 0:
                assert not np.isfinite(nearest[row])
                assert found["target"][row] == -1
            else:
                assert entry == np.argmin(mm[row])  # the first of equally near ones
                assert found["target"][row] == owners(targets)[entry]


@steady
@given(seeds)
def test_k_nearest_are_those_of_networkx(seed):
    for rng, network, _, sources, targets in worlds(seed):
        k = int(rng.integers(1, 8))
        mm = by_owner(oracle(network, network.edge_mm.astype(np.int64), sources, targets), targets)
        rows = []
        for source, row in enumerate(mm):
            order = np.argsort(row, kind="stable")[:k]
            rows += [
                (source, rank + 1, int(target), row[target] / 1000)
                for rank, target in enumerate(order)
                if np.isfinite(row[target])
            ]
        found = access.k_nearest(network, sources, targets, k)
        assert list(found.itertuples(index=False, name=None)) == rows


@steady
@given(seeds)
def test_catchments_are_those_of_networkx(seed):
    for rng, network, _, sources, targets in worlds(seed):
        cutoff_m = float(rng.choice([0.0, 1.0, 50.0, 120.0, 9000.0]))
        mm = by_owner(oracle(network, network.edge_mm.astype(np.int64), sources, targets), targets)
        found = access.catchments(network, sources, targets, cutoff_m=cutoff_m)
        assert found.shape == mm.shape
        assert found.has_canonical_format
        expected = [(i, j) for i, j in np.argwhere(mm <= cutoff_m * 1000).tolist()]
        rows = np.repeat(np.arange(len(sources)), np.diff(found.indptr))
        assert list(zip(rows.tolist(), found.indices.tolist(), strict=True)) == expected
        stored = np.rint(found.data.astype(float) * 1000)
        assert stored.tolist() == [mm[i, j] for i, j in expected]


@steady
@given(seeds)
def test_distances_are_those_of_networkx(seed):
    for rng, network, _, sources, targets in worlds(seed):
        mm = oracle(network, network.edge_mm.astype(np.int64), sources, targets)
        if len(sources) == 0:
            continue
        row = int(rng.integers(len(sources)))
        one = sources[[row]] if isinstance(sources, np.ndarray) else sources.take(row)
        assert access.distances(network, one, targets).tolist() == metres(mm[row]).tolist()


@steady
@given(seeds)
def test_rounding_costs_at_most_half_a_millimetre_an_arc(seed):
    for _, network, length_m, sources, targets in worlds(seed):
        exact = oracle(network, length_m, sources, targets).min(axis=1, initial=np.inf)
        found = access.nearest(network, sources, targets)["distance_m"].to_numpy()
        assert np.array_equal(np.isfinite(exact), np.isfinite(found))
        reached = np.isfinite(exact)
        arcs = network.node_count + 1  # no shortest way passes a node twice
        assert np.abs(exact[reached] - found[reached]).max(initial=0) <= 0.0005 * arcs + 1e-9


@steady
@given(seeds)
def test_routes_walk_the_distance_on_open_ways(seed):
    for _, network, _, sources, targets in worlds(seed):
        forest = access.forest(network, targets)
        found = forest.nearest(sources)
        for row in range(len(sources)):
            one = sources[[row]] if isinstance(sources, np.ndarray) else sources.take(row)
            way = forest.route(one)
            if found["entry"][row] < 0:
                assert way is None
                with pytest.raises(NetworkError, match="no way"):
                    access.route(network, one, targets)
                continue
            assert way.distance_m == found["distance_m"][row]
            assert way.entry == found["entry"][row]
            assert access.route(network, one, targets) == way
            check_walk(network, one, targets, way)


def check_walk(network, source, targets, way):
    """Check that the pieces of a walk hang together, keep to one-way rules and add up."""
    street_mm = sum(piece.mm for piece in way.pieces)
    legs = int(legs_mm(source)[0]) + int(legs_mm(targets)[way.entry])
    assert round(way.distance_m * 1000) == street_mm + legs
    position = stands_at(network, source, 0)
    for piece in way.pieces:
        assert (
            piece.mm == 0
            or (network.forward if piece.stop_mm > piece.start_mm else network.backward)[piece.edge]
        )
        assert position & spots(network, piece.edge, piece.start_mm)
        position = spots(network, piece.edge, piece.stop_mm)
    assert position & stands_at(network, targets, way.entry)
    for a, b in zip(way.nodes, way.nodes[1:], strict=False):
        assert {a, b} in [set(ends) for ends in zip(network.edge_u, network.edge_v, strict=True)]


def spots(network, edge, at_mm):
    """Return the names of a position: itself, and the nodes that lie there."""
    names = {(edge, at_mm)}
    if at_mm == 0:
        names |= together(network, int(network.edge_u[edge]))
    if at_mm == network.edge_mm[edge]:
        names |= together(network, int(network.edge_v[edge]))
    return names


def together(network, node):
    """Return the nodes that are no millimetre away from a node."""
    found = {node}
    none = network.edge_mm == 0
    for _ in range(network.node_count):
        for u, v in zip(network.edge_u[none].tolist(), network.edge_v[none].tolist(), strict=True):
            if found & {u, v}:
                found |= {u, v}
    return found


def stands_at(network, ends, row):
    if isinstance(ends, np.ndarray):
        return together(network, int(ends[row]))
    return spots(network, int(ends.edge[row]), int(ends.offset_mm[row]))


@steady
@given(seeds)
def test_parts_add_up_and_questions_agree(seed):
    for _, network, _, sources, targets in worlds(seed):
        found = access.nearest(network, sources, targets)
        reached = found["target"].to_numpy() >= 0
        parts = found[["leg_start_m", "street_m", "leg_end_m"]]
        mm = np.rint(parts[reached].to_numpy() * 1000)
        assert (mm >= 0).all()
        assert mm.sum(axis=1).tolist() == np.rint(found["distance_m"][reached] * 1000).tolist()
        assert np.isinf(parts[~reached].to_numpy()).all()
        ranked = access.k_nearest(network, sources, targets, 3)
        first = ranked[ranked["rank"] == 1].set_index("source")["distance_m"]
        assert first.to_dict() == found["distance_m"][reached].to_dict()
        reach = access.catchments(network, sources, targets, cutoff_m=9000)
        rows = np.split(reach.data, reach.indptr[1:-1])
        assert [min(row, default=math.inf) for row in rows[: len(sources)]] == (
            found["distance_m"].tolist()
        )


@steady
@given(seeds)
def test_another_target_never_lengthens_a_walk(seed):
    for rng, network, _, sources, _ in worlds(seed):
        targets = random_places(rng, network)
        if len(targets) == 0:
            continue
        fewer = access.nearest(network, sources, targets.take(np.arange(len(targets) - 1)))
        more = access.nearest(network, sources, targets)
        assert (more["distance_m"] <= fewer["distance_m"]).all()


@steady
@given(seeds)
def test_closing_a_street_never_shortens_a_walk(seed):
    for rng, network, _, _, _ in worlds(seed):
        nodes = np.arange(network.node_count)
        targets = rng.integers(0, network.node_count, 2)
        fewer = network.subset(rng.random(len(network.edge_mm)) < 0.7)
        before = access.nearest(network, nodes, targets)["distance_m"]
        assert (access.nearest(fewer, nodes, targets)["distance_m"] >= before).all()


@steady
@given(seeds)
def test_node_numbers_do_not_matter(seed):
    for rng, network, _, sources, targets in worlds(seed):
        number = rng.permutation(network.node_count)
        other = relabelled(network, number)

        def moved(ends, number=number):
            return number[ends] if isinstance(ends, np.ndarray) else ends

        assert access.nearest(network, sources, targets).equals(
            access.nearest(other, moved(sources), moved(targets))
        )


@steady
@given(seeds)
def test_walking_to_is_walking_from_where_all_arrows_turn(seed):
    for rng, network, _, _, _ in worlds(seed):
        a, b = rng.integers(0, network.node_count, 2)
        turned = WalkNetwork(
            node_count=network.node_count,
            edge_u=network.edge_u,
            edge_v=network.edge_v,
            edge_mm=network.edge_mm,
            forward=network.backward,
            backward=network.forward,
        )
        assert access.distances(network, a, b) == access.distances(turned, b, a)


# ---------------------------------------------------------------- worlds to check by eye


@pytest.fixture
def street():
    """One street of 1 km, and nodes at both ends."""
    return network_of([0], [1], [1000.0])


def test_a_walk_of_exactly_the_limit_meets_it(street):
    home = places_at(street, [0, 0], [0, 0], [0, 1])
    shelter = places_at(street, 0, 490_000, 10_000)
    found = access.nearest(street, home, shelter, cutoff_m=500.0)
    assert found["distance_m"].tolist() == [500.0, math.inf]
    assert access.k_nearest(street, home, shelter, 1, cutoff_m=500.0)["source"].tolist() == [0]
    assert access.catchments(street, home, shelter, cutoff_m=500.0).toarray().tolist() == [
        [500],
        [0],
    ]
    assert access.distances(street, home.take(0), shelter, cutoff_m=500.0).tolist() == [500.0]
    assert access.distances(street, home.take(1), shelter, cutoff_m=500.0).tolist() == [math.inf]


def test_the_limit_over_nodes_is_inclusive_too():
    network = network_of([0, 2], [1, 1], [500.0, 500.001])
    found = access.nearest(network, [0, 2], [1], cutoff_m=500)
    assert found["distance_m"].tolist() == [500.0, math.inf]
    assert access.catchments(network, [0, 2], [1], cutoff_m=500).nnz == 1


@pytest.mark.parametrize("cutoff_m", [math.nan, -1.0, -math.inf])
def test_a_limit_is_a_distance(street, cutoff_m):
    with pytest.raises(NetworkError, match="must be a number >= 0"):
        access.nearest(street, [0], [1], cutoff_m=cutoff_m)


def test_catchments_need_an_end(street):
    with pytest.raises(NetworkError, match="finite"):
        access.catchments(street, [0], [1], cutoff_m=math.inf)


def test_one_way_streets_lead_one_way():
    network = network_of([0], [1], [100.0], forward=[True], backward=[False])
    early, late = (places_at(network, 0, at) for at in (20_000, 70_000))
    assert access.nearest(network, early, late)["distance_m"].tolist() == [50.0]
    assert access.nearest(network, late, early)["distance_m"].tolist() == [math.inf]
    assert access.nearest(network, late, late)["distance_m"].tolist() == [0.0]


def test_the_way_round_a_loop_may_be_shorter():
    network = network_of([0], [0], [100.0])
    found = access.nearest(network, places_at(network, 0, 10_000), places_at(network, 0, 95_000))
    assert found["distance_m"].tolist() == [15.0]


def test_a_one_way_loop_is_walked_its_way_from_the_middle():
    network = network_of(
        [0, 0], [1, 0], [10.0, 100.0], forward=[True, False], backward=[True, True]
    )
    way = access.route(network, 1, places_at(network, 1, 50_000))
    check_walk(network, np.array([1]), places_at(network, 1, 50_000), way)
    assert (way.pieces[-1].start_mm, way.pieces[-1].stop_mm) == (100_000, 50_000)


def test_entrances_of_one_shelter_are_one_target(street):
    gates = places_at(street, [0, 0, 0], [100_000, 900_000, 500_000], owner=[7, 7, 2])
    found = access.nearest(street, [0, 1], gates)
    assert found["target"].tolist() == [7, 7]
    assert found["entry"].tolist() == [0, 1]
    ranked = access.k_nearest(street, [0], gates, 5)
    assert ranked[["target", "distance_m"]].to_numpy().tolist() == [[7, 100], [2, 500]]
    reach = access.catchments(street, [0], gates, cutoff_m=2000)
    assert reach.toarray().tolist() == [[0, 0, 500, 0, 0, 0, 0, 100]]


def test_places_without_a_street_reach_nothing(street):
    lost = places_at(street, NOWHERE, 0, 600_000)
    here = places_at(street, 0, 0)
    for sources, targets in ((lost, here), (here, lost)):
        found = access.nearest(street, sources, targets).iloc[0]
        assert (found["target"], found["distance_m"], found["leg_start_m"]) == (
            -1,
            math.inf,
            math.inf,
        )
        assert len(access.k_nearest(street, sources, targets, 2)) == 0
        assert access.catchments(street, sources, targets, cutoff_m=1e6).nnz == 0
        assert access.distances(street, sources, targets).tolist() == [math.inf]


@pytest.mark.parametrize(
    "network",
    [
        network_of([], [], [], node_count=0),
        network_of([], [], [], node_count=1),
        network_of([0], [1], [5.0]),
    ],
)
def test_nothing_to_do_is_no_error(network):
    nobody = np.zeros(0, np.int64)
    someone = np.arange(min(1, network.node_count))
    for sources, targets in ((nobody, someone), (someone, nobody), (nobody, nobody)):
        assert len(access.nearest(network, sources, targets)) == len(sources)
        assert len(access.k_nearest(network, sources, targets, 3)) == 0
        assert access.catchments(network, sources, targets, cutoff_m=10).shape == (
            len(sources),
            len(targets),
        )
        if len(sources):
            assert access.distances(network, sources, targets).shape == (len(targets),)


def test_one_node_is_at_itself():
    network = network_of([0], [0], [5.0])
    assert access.nearest(network, [0], [0])["distance_m"].tolist() == [0.0]
    assert access.route(network, 0, 0).distance_m == 0


@pytest.mark.parametrize("k", [0, -1])
def test_k_is_at_least_one(street, k):
    with pytest.raises(NetworkError, match="at least 1"):
        access.k_nearest(street, [0], [1], k)


def test_a_large_k_costs_no_more_than_there_are_targets(street):
    assert len(access.k_nearest(street, [0], [0, 1], 10**9)) == 2


@pytest.mark.parametrize("nodes", [[2], [-1], [0.5]])
def test_unknown_nodes_are_refused(street, nodes):
    with pytest.raises(NetworkError):
        access.nearest(street, nodes, [0])


def test_places_of_another_network_are_refused(street):
    with pytest.raises(NetworkError, match="another network"):
        access.nearest(street, places_at(street, 5, 0), [0])


def test_walks_too_long_to_count_are_no_silent_wrap():
    count = 5
    network = network_of(range(count), range(1, count + 1), [900_000.0] * count)
    with pytest.raises(NetworkError, match="2,147 km"):
        access.nearest(network, [count], [0])
    with pytest.raises(NetworkError, match="2,147 km"):
        access.k_nearest(network, [count], [0], 1)
    with pytest.raises(NetworkError, match="2,147 km"):
        access.distances(network, 0, [count])
    found = access.nearest(network, np.arange(count + 1), [0], cutoff_m=2_000_000)["distance_m"]
    assert found.tolist() == [0.0, 900_000.0, 1_800_000.0] + [math.inf] * 3
    reach = access.catchments(network, np.arange(count + 1), [0], cutoff_m=2_147_483.0)
    assert reach[:, [0]].toarray().ravel().tolist() == [0, 900_000, 1_800_000, 0, 0, 0]


def test_legs_too_long_to_count_are_no_silent_wrap(street):
    far = places_at(street, 0, 0, 2**32 + 5)
    with pytest.raises(NetworkError, match="2,147 km"):
        access.nearest(street, far, [0])
    assert access.nearest(street, far, [0], cutoff_m=1000)["target"].tolist() == [-1]
    assert access.nearest(street, [0], far, cutoff_m=1000)["target"].tolist() == [-1]
    assert access.catchments(street, [0], far, cutoff_m=1000).nnz == 0
    assert access.catchments(street, far, far, cutoff_m=1000).nnz == 0


def test_up_to_eight_kilometres_catchments_are_float32(street):
    assert access.catchments(street, [0], [1], cutoff_m=8000).dtype == np.float32
    assert access.catchments(street, [0], [1], cutoff_m=8000.001).dtype == np.float64
    every = np.arange(0, 8_000_001, dtype=np.int64)
    assert np.array_equal(np.rint((every / 1000).astype(np.float32).astype(float) * 1000), every)


@pytest.fixture(scope="module")
def town():
    """A town of 2,500 nodes, some ways one-way, and places in it."""
    rng = np.random.default_rng(4)
    number = np.arange(2500).reshape(50, 50)
    u = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    v = np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])
    keep = rng.random(len(u)) < 0.7
    u, v = u[keep], v[keep]
    network = network_of(
        u, v, rng.integers(10, 200, len(u)).astype(float), backward=rng.random(len(u)) < 0.95
    )
    edge = rng.integers(0, len(u), 900)
    offset = rng.random(900) * network.edge_mm[edge]
    homes = places_at(network, edge, offset.astype(np.int64), rng.integers(0, 90_000, 900))
    return network, homes.take(np.arange(600)), homes.take(np.arange(600, 900))


def answers(network, homes, sites):
    reach = access.catchments(network, homes, sites, cutoff_m=900)
    forest = access.forest(network, sites)
    return (
        forest.nearest(homes).to_numpy().tobytes(),
        forest.via.tobytes(),
        forest.state.tobytes(),
        access.k_nearest(network, homes, sites, 4).to_numpy().tobytes(),
        reach.indptr.tobytes(),
        reach.indices.tobytes(),
        reach.data.tobytes(),
    )


def test_every_run_gives_the_same_bits(town, monkeypatch):
    first = answers(*town)
    assert answers(*town) == first
    for threads in (1, 3, 16):
        monkeypatch.setattr("os.cpu_count", lambda threads=threads: threads)
        monkeypatch.setattr("os.process_cpu_count", lambda threads=threads: threads, raising=False)
        assert answers(*town) == first
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: answers(*town), range(16))) == {first}


def test_a_town_agrees_with_networkx(town):
    network, homes, sites = town
    homes, sites = homes.take(np.arange(40)), sites.take(np.arange(30))
    mm = oracle(network, network.edge_mm.astype(np.int64), homes, sites)
    assert (
        access.nearest(network, homes, sites)["distance_m"].tolist()
        == metres(mm.min(axis=1)).tolist()
    )


def test_the_width_of_a_step_changes_nothing(town):
    network, _, _ = town
    arcs = network.reverse_arcs
    seed = np.arange(0, 2500, 99).astype(np.int32)
    cost, label = np.zeros(len(seed), np.int64), np.arange(len(seed))
    found = [
        kernels.nearest(
            arcs.indptr, arcs.indices, arcs.mm, seed, cost, label, kernels.MAX_COST, delta
        )[0].tobytes()
        for delta in (1, 10**5, 10**9)
    ]
    assert len(set(found)) == 1
