"""Walking times: slopes, stairs and directions, against networkx and against the closed form."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelterplan import AccessStandard, Scenario, WalkNetwork, access, coverage
from shelterplan.errors import NetworkError
from shelterplan.finder import find_shelters
from shelterplan.pace import Pace
from shelterplan.scenario import WALKERS
from shelterplan.snap import Places
from tests.village import demand, lonlat, point, shelters, streets, village
from tests.worlds import random_ends, random_network


def random_pace(rng, network):
    """Return times that have nothing to do with the lengths, as slopes make them."""
    count = len(network.edge_mm)
    forward, backward = rng.integers(0, 100_000, (2, count)).astype(np.uint32)
    forward[network.edge_mm == 0] = backward[network.edge_mm == 0] = 0
    return Pace(forward_ms=forward, backward_ms=backward, ms_per_mm=0.8, uniform=False)


def oracle_ms(network, pace, sources, targets):  # noqa: C901
    """Return all times [ms] as networkx finds them; `inf` where there is no way."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(network.node_count))

    def add(a, b, ms):
        if not graph.has_edge(a, b) or ms < graph[a][b]["weight"]:
            graph.add_edge(a, b, weight=int(ms))

    def ends(given, row, *, leaves):
        """Yield node and time of each way between a place and the nodes of its edge."""
        if not isinstance(given, Places):
            yield int(given[row]), 0
        elif given.snapped[row]:
            edge, offset = int(given.edge[row]), int(given.offset_mm[row])
            length = max(int(network.edge_mm[edge]), 1)
            leg = round(int(given.leg_mm[row]) * pace.ms_per_mm)
            up, down = int(pace.forward_ms[edge]), int(pace.backward_ms[edge])
            rest = int(network.edge_mm[edge]) - offset
            if network.backward[edge] if leaves else network.forward[edge]:
                yield (
                    int(network.edge_u[edge]),
                    leg + round((down if leaves else up) * (offset / length)),
                )
            if network.forward[edge] if leaves else network.backward[edge]:
                yield (
                    int(network.edge_v[edge]),
                    leg + round((up if leaves else down) * (rest / length)),
                )

    for edge in range(len(network.edge_mm)):
        u, v = int(network.edge_u[edge]), int(network.edge_v[edge])
        if network.forward[edge]:
            add(u, v, pace.forward_ms[edge])
        if network.backward[edge]:
            add(v, u, pace.backward_ms[edge])
    for row in range(len(sources)):
        for node, ms in ends(sources, row, leaves=True):
            add(("source", row), node, ms)
    for row in range(len(targets)):
        for node, ms in ends(targets, row, leaves=False):
            add(node, ("target", row), ms)
    found = np.full((len(sources), len(targets)), np.inf)
    for row in range(len(sources)):
        if ("source", row) in graph:
            for key, ms in nx.single_source_dijkstra_path_length(graph, ("source", row)).items():
                if isinstance(key, tuple) and key[0] == "target":
                    found[row, key[1]] = ms
        for column in range(len(targets)):
            found[row, column] = min(
                found[row, column], straight(network, pace, sources, targets, row, column)
            )
    return found


def straight(network, pace, sources, targets, row, column):
    """Return the time along one edge that holds both places; `inf` if none does."""
    if not (isinstance(sources, Places) and isinstance(targets, Places)):
        return np.inf
    edge = int(sources.edge[row])
    if edge != targets.edge[column] or not sources.snapped[row]:
        return np.inf
    ahead = int(targets.offset_mm[column]) - int(sources.offset_mm[row])
    if (ahead > 0 and not network.forward[edge]) or (ahead < 0 and not network.backward[edge]):
        return np.inf
    whole = pace.forward_ms[edge] if ahead > 0 else pace.backward_ms[edge]
    legs = sum(
        round(int(p.leg_mm[r]) * pace.ms_per_mm) for p, r in ((sources, row), (targets, column))
    )
    return legs + round(int(whole) * (abs(ahead) / max(int(network.edge_mm[edge]), 1)))


@given(st.integers(0, 2**32 - 1))
def test_the_quickest_walks_are_those_of_networkx(seed):
    rng = np.random.default_rng(seed)
    network, _ = random_network(rng)
    pace = random_pace(rng, network)
    sources, targets = random_ends(rng, network), random_ends(rng, network)
    ms = oracle_ms(network, pace, sources, targets)
    quickest = ms.min(axis=1, initial=np.inf)
    found = access.nearest(network, sources, targets, pace=pace, by="s")
    assert np.array_equal(np.rint(found["walk_time_s"] * 1000), quickest)
    owner = targets.owner if isinstance(targets, Places) else np.arange(len(targets))
    reach = access.catchments(network, sources, targets, pace=pace, by="s", cutoff_s=150)
    for row in range(len(sources)):
        for target in np.unique(owner):
            least = ms[row, owner == target].min()
            stored = reach[[row], :].tocoo()
            got = stored.data[stored.coords[1] == target]
            assert (len(got) == 1) == (least <= 150_000)
            if len(got):
                assert np.rint(got[0] * 1000) == least
        alone = sources.take([row]) if isinstance(sources, Places) else sources[[row]]
        times = access.distances(network, alone, targets, pace=pace, by="s")
        assert np.array_equal(np.rint(times * 1000), ms[row])
        if np.isfinite(quickest[row]):
            way = access.route(network, alone, targets, pace=pace, by="s")
            assert round(way.walk_time_s * 1000) == quickest[row]
            metres = sum(piece.mm for piece in way.pieces) / 1000
            assert way.distance_m == pytest.approx(metres + way.leg_start_m + way.leg_end_m)
            assert found["distance_m"][row] >= 0


@given(st.integers(0, 2**32 - 1))
def test_time_and_length_are_told_of_the_same_way(seed):
    rng = np.random.default_rng(seed)
    network, _ = random_network(rng)
    pace = random_pace(rng, network)
    sources, targets = random_ends(rng, network), random_ends(rng, network)
    for by in ("m", "s"):
        found = access.nearest(network, sources, targets, pace=pace, by=by)
        for row in np.flatnonzero(found["target"] >= 0):
            alone = sources.take([row]) if isinstance(sources, Places) else sources[[row]]
            entry = int(found["entry"][row])
            goal = targets.take([entry]) if isinstance(targets, Places) else targets[[entry]]
            way = access.route(network, alone, goal, pace=pace, by=by)
            least, other = ("distance_m", "walk_time_s")[:: 1 if by == "m" else -1]
            assert getattr(way, least) == pytest.approx(found[least][row], abs=1e-9)
            parts = found.loc[row, ["leg_start_m", "street_m", "leg_end_m"]].sum()
            assert parts == pytest.approx(found["distance_m"][row], abs=1e-6)
            assert found["street_m"][row] >= -1e-9
            if by == "m" and network.forward.all() and network.backward.all():
                ties = len(set(network.edge_mm.tolist())) < len(network.edge_mm)
                assert ties or getattr(way, other) == pytest.approx(found[other][row], abs=1e-9)


def sloped_village(**factors):
    """Return the village with its High Street on a slope, up to the east."""
    made = streets()
    for name in ("tobler_forward", "tobler_backward"):
        made.edges[name] = factors.get(name, 1.0)
    return village(streets=made, demand=demand([("west", 100, 10, 0), ("east", 30, 990, 0)]))


def test_a_way_up_takes_longer_than_the_way_down():
    area = sloped_village(tobler_forward=1.5, tobler_backward=1.1)
    flat = coverage.assess(area, Scenario(slope="none"))
    hill = coverage.assess(area, Scenario())
    assert np.array_equal(flat["distance_m"], hill["distance_m"])
    # d0 walks 590 m up the High Street and 90 m up Mill Lane, all of it forward
    assert hill["walk_time_s"].iloc[0] == pytest.approx(680 * 1.5 / 1.27, rel=1e-3)
    assert flat["walk_time_s"].iloc[0] == pytest.approx(680 / 1.27, rel=1e-3)
    # d1 walks down to the park: against the High Street's direction
    assert hill["walk_time_s"].iloc[1] == pytest.approx(flat["walk_time_s"].iloc[1] * 1.1, rel=0.05)


def test_unknown_slopes_count_as_flat():
    made = streets()
    made.edges["tobler_forward"] = [2.0, None, None, None, None, None]
    made.edges["tobler_backward"] = 1.0
    walks = coverage.assess(village(streets=made))
    # 390 m of the first street up the slope, the rest as on the flat
    assert walks["walk_time_s"].iloc[0] == pytest.approx((390 * 2 + 290) / 1.27, rel=1e-3)


def test_stairs_slow_who_needs_help():
    stairs = village(demand=demand([("west", 5, 400, 90)]))
    assisted = coverage.assess(stairs, Scenario.of(walker="assisted"))
    # 90 m of stairs at 0.4 m/s, then 200 + 90 m at 0.8 m/s
    assert assisted["walk_time_s"].iloc[0] == pytest.approx(90 / 0.4 + 290 / 0.8, rel=1e-3)
    assert assisted["distance_m"].iloc[0] == pytest.approx(380, abs=0.5)


def test_a_standard_in_time_is_inclusive_and_counts_the_delay():
    area = village()
    seconds = float(
        coverage.assess(area, standard=AccessStandard(max_time_s=900))["walk_time_s"].iloc[0]
    )
    for limit, delay, status in (
        (seconds, 0.0, "covered"),
        (seconds - 0.001, 0.0, "too_far"),
        (seconds + 60, 60.0, "covered"),
        (seconds + 59.999, 60.0, "too_far"),
        (30.0, 60.0, "too_far"),
    ):
        walks = coverage.assess(
            area,
            Scenario(delay_s=delay, room="ignored"),
            AccessStandard(max_time_s=limit),
        )
        assert walks["status"].iloc[0] == status, (limit, delay)


def test_many_short_streets_do_not_move_the_limit():
    mm = [84716, 74636, 75318, 81160, 72350, 85605, 66809, 63079, 75826, 82501]  # 600 s in all
    xs = np.cumsum([0, *mm]) / 1000
    rows = [
        (i, i + 1, [(xs[i], 0), (xs[i + 1], 0)], "High Street", "residential") for i in range(10)
    ]
    made = streets(rows)
    made.edges["length_m"] = np.array(mm) / 1000
    school = shelters([("s", "S", 500, point(xs[-1], 0))])
    area = village(streets=made, demand=demand([("west", 100, 0, 0)]), shelters=school)
    standard = AccessStandard(max_time_s=600)
    walks = coverage.assess(area, None, standard)
    assert walks["status"].tolist() == ["covered"]
    assert walks["assigned_time_s"].tolist() == pytest.approx([600.0])
    option = find_shelters(area, *lonlat(0, 0), standard=standard).options[0]
    assert (option.status, option.walk_time_s) == ("covered", pytest.approx(600.0))
    assert coverage.assess(area, None, AccessStandard(max_time_s=599.99))["status"].iloc[0] == (
        "too_far"
    )


@pytest.mark.parametrize("name", WALKERS)
def test_on_the_flat_time_is_length_by_speed_for_every_walker(name):
    network = WalkNetwork.from_edges([0, 1], [1, 2], [100.0, 55.5])
    scenario = Scenario.of(walker=name)
    pace = Pace.of(network, scenario)
    found = access.nearest(network, [0], [2], pace=pace, by="s")
    assert found["walk_time_s"][0] == pytest.approx(155.5 / scenario.speed_m_s, abs=0.002)
    assert pace.uniform == (scenario.walker.stairs_speed_m_s is None)


def test_a_street_that_takes_weeks_is_refused():
    slow = Scenario().with_changes(walker=WALKERS["adult"].__class__(name="x", speed_m_s=1e-5))
    with pytest.raises(NetworkError, match="24 days"):
        Pace.of(WalkNetwork.from_edges([0], [1], [100.0]), slow)


def test_the_quickest_way_needs_a_pace():
    network = WalkNetwork.from_edges([0], [1], [100.0])
    with pytest.raises(NetworkError, match="needs a pace"):
        access.nearest(network, [0], [1], by="s")
