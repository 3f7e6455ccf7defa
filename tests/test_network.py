"""Networks: what is refused, what is kept, and the way to networkx and back."""

from __future__ import annotations

import networkx as nx
import numpy as np
import osmnx
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from shelterplan import WalkNetwork, access
from shelterplan.earth import GEODESIC
from shelterplan.errors import NetworkError
from shelterplan.kernels import group
from shelterplan.snap import snap
from tests.benchmarks.city import CRS, build_city
from tests.worlds import UTM, lonlat, network_of, random_network, streets_of

steady = settings(derandomize=True, deadline=None, max_examples=40, database=None)


@pytest.mark.parametrize(
    ("length_m", "rows"),
    [
        ([1.0, np.nan, -1.0], "1, 2"),
        ([np.inf, 1.0, 1.0], "0"),
        ([1.0, 1.0, 2e6], "2"),
        ([-1e-9, 1.0, 1.0], "0"),
    ],
)
def test_what_is_no_length_is_refused_by_row(length_m, rows):
    with pytest.raises(NetworkError, match=rf"edges {rows}\)"):
        WalkNetwork.from_edges([0, 1, 2], [1, 2, 0], length_m)


@pytest.mark.parametrize(
    ("u", "v", "count", "reason"),
    [
        ([0, -1], [1, 0], None, "not in 0 to 1"),
        ([0, 5], [1, 0], 3, "not in 0 to 2"),
        ([0.0, 1.0], [1, 0], None, "whole node numbers"),
        ([0, 1], [1], None, "differ in shape"),
        ([[0, 1]], [[1, 0]], None, "differ in shape"),
    ],
)
def test_impossible_nodes_are_refused(u, v, count, reason):
    with pytest.raises(NetworkError, match=reason):
        WalkNetwork.from_edges(u, v, np.ones(2), node_count=count)


def test_lengths_are_whole_millimetres():
    network = WalkNetwork.from_edges([0] * 4, [1] * 4, [0.0004, 0.0006, 12.3456, 1_000_000.0])
    assert network.edge_mm.tolist() == [0, 1, 12_346, 1_000_000_000]


def test_an_empty_network_is_a_network():
    network = WalkNetwork.from_edges([], [], [])
    assert (network.node_count, len(network.edge_mm), network.delta) == (0, 0, 1)
    assert network.node_component.tolist() == []
    assert network.to_networkx().number_of_nodes() == 0


@steady
@given(st.integers(0, 2**32 - 1))
def test_arcs_are_the_open_ways(seed):
    rng = np.random.default_rng(seed)
    network, _ = random_network(rng)
    wanted = [
        (u, v, mm, e)
        for e, (u, v, mm, forth, back) in enumerate(
            zip(
                network.edge_u.tolist(),
                network.edge_v.tolist(),
                network.edge_mm.tolist(),
                network.forward,
                network.backward,
                strict=True,
            )
        )
        for u, v, open_ in ((u, v, forth), (v, u, back))
        if open_
    ]
    for arcs, turned in ((network.forward_arcs, False), (network.reverse_arcs, True)):
        tail = np.repeat(np.arange(network.node_count), np.diff(arcs.indptr))
        found = list(
            zip(
                tail.tolist(),
                arcs.indices.tolist(),
                arcs.mm.tolist(),
                arcs.edge.tolist(),
                strict=True,
            )
        )
        assert sorted(found) == sorted(
            (v, u, mm, e) if turned else (u, v, mm, e) for u, v, mm, e in wanted
        )


@given(st.lists(st.integers(0, 6)))
@steady
def test_groups_keep_the_order_of_rows(key):
    ptr, order = group(np.array(key, np.int32), 7)
    assert order.tolist() == np.argsort(key, kind="stable").tolist()
    assert np.diff(ptr).tolist() == [key.count(i) for i in range(7)]


def test_the_longest_part_comes_first():
    network = network_of(
        [0, 1, 3, 5],
        [1, 2, 4, 5],
        [1.0, 1.0, 50.0, 0.0],
        node_count=7,
        forward=[True, False, True, True],
        backward=[False, True, True, True],
    )
    component = network.node_component
    assert component[[3, 4]].tolist() == [0, 0]
    assert component[[0, 1, 2]].tolist() == [1, 1, 1]
    assert sorted(component[[5, 6]].tolist()) == [2, 3]
    assert network.edge_component.tolist() == [1, 1, 0, component[5]]


# ---------------------------------------------------------------- streets


def test_streets_shorter_than_their_chord_are_refused():
    streets = streets_of([[(0, 0), (100, 0)], [(100, 0), (100, 50), (150, 50)]])
    WalkNetwork.from_streets(streets, UTM)
    short = streets.assign(length_m=streets["length_m"] - [0.002, 0.0])
    with pytest.raises(NetworkError, match=r"shorter than the straight line.*edges 0\)"):
        WalkNetwork.from_streets(short, UTM)
    WalkNetwork.from_streets(streets.assign(length_m=streets["length_m"] - [0.0005, 20.0]), UTM)


@pytest.mark.parametrize(
    "shape",
    [
        shapely.Point(3, 52),
        shapely.LineString(),
        None,
        shapely.MultiLineString([[(3, 52), (3.001, 52)], [(3.002, 52), (3.003, 52)]]),
    ],
)
def test_what_is_no_line_is_refused(shape):
    streets = streets_of([[(0, 0), (100, 0)], [(100, 0), (200, 0)]])
    lines = [streets.geometry[0], shape]
    with pytest.raises(NetworkError, match=r"not a line \(edges 1\)"):
        WalkNetwork.from_streets(streets.set_geometry(lines, crs="EPSG:4326"), UTM)


def test_lines_with_odd_coordinates_are_refused():
    streets = streets_of([[(0, 0), (100, 0)], [(100, 0), (200, 0)]])
    with np.errstate(invalid="ignore"):
        odd = shapely.LineString([(3.0, 52.0), (np.nan, 52.0), (3.003, 52.0)])
    with pytest.raises(NetworkError, match=r"not finite.*edges 1\)"):
        WalkNetwork.from_streets(
            streets.set_geometry([streets.geometry[0], odd], crs="EPSG:4326"), UTM
        )


def test_nodes_lie_where_their_edges_end():
    streets = streets_of([[(0, 0), (50, 50), (100, 0)], [(100, 0), (200, 0)]])
    network = WalkNetwork.from_streets(streets, UTM)
    assert np.allclose(
        network.node_lonlat, np.column_stack(lonlat([0, 100, 200], [0, 0, 0])), atol=1e-12
    )
    assert network.line(0).length == pytest.approx(2 * 50 * 2**0.5, abs=1e-6)


def test_a_subset_keeps_nodes_and_lines():
    streets = streets_of([[(0, 0), (100, 0)], [(100, 0), (200, 0)], [(100, 0), (100, 70)]])
    network = WalkNetwork.from_streets(streets, UTM).subset(np.array([True, False, True]))
    assert network.node_count == 4
    assert network.streets["to"].tolist() == network.edge_v.tolist() == [1, 3]
    assert access.nearest(network, [0], [3])["distance_m"][0] == pytest.approx(170, abs=0.1)
    assert np.isinf(access.nearest(network, [0], [2])["distance_m"][0])
    assert access.route(network, 0, 3).geometry.length > 0


# ---------------------------------------------------------------- networkx and osmnx


def all_distances(network):
    nodes = np.arange(network.node_count)
    return [access.distances(network, node, nodes).tolist() for node in nodes]


@steady
@given(st.integers(0, 2**32 - 1))
def test_networkx_and_back_changes_no_distance(seed):
    network, _ = random_network(np.random.default_rng(seed))
    graph = network.to_networkx()
    loops = (network.edge_u == network.edge_v) & network.forward & network.backward
    assert graph.number_of_edges() == (network.forward.sum() + network.backward.sum() - loops.sum())
    back = WalkNetwork.from_networkx(graph)
    assert back.node_count == network.node_count
    assert all_distances(back) == all_distances(network)
    assert len(back.edge_mm) <= (network.forward | network.backward).sum()
    assert ((back.edge_u == back.edge_v) & back.forward & back.backward).sum() == loops.sum()


def test_a_city_to_networkx_and_back():
    network = WalkNetwork.from_streets(build_city(300).streets(), CRS)
    back = WalkNetwork.from_networkx(network.to_networkx())
    assert np.allclose(back.node_lonlat, network.node_lonlat)
    assert len(back.edge_mm) == len(network.edge_mm)
    nodes = np.arange(network.node_count)
    for targets in ([0, 50], [288]):
        assert access.nearest(back, nodes, targets).equals(access.nearest(network, nodes, targets))


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph])
def test_every_kind_of_graph_is_read(kind):
    graph = kind()
    graph.add_edge("a", "b", length=10.0)
    graph.add_edge("b", "c", length=5.5)
    network = WalkNetwork.from_networkx(graph)
    assert (network.node_count, network.edge_mm.tolist()) == (3, [10_000, 5_500])
    back = 15.5 if not graph.is_directed() else np.inf
    assert access.nearest(network, [0, 2], [2])["distance_m"].tolist() == [15.5, 0.0]
    assert access.nearest(network, [2], [0])["distance_m"].tolist() == [back]


def test_edges_without_a_length_are_refused():
    graph = nx.Graph([(0, 1), (1, 2)])
    graph.edges[0, 1]["length"] = 5.0
    with pytest.raises(NetworkError, match=r"no length \(edges 1\)"):
        WalkNetwork.from_networkx(graph)


def test_a_graph_of_osmnx_is_read():
    """Names as lists, one arc only, geometry on one of two opposite arcs, parallel arcs, a loop."""
    graph = nx.MultiDiGraph(crs="EPSG:4326")
    for node, (x, y) in {11: (0, 0), 12: (100, 0), 13: (100, 80)}.items():
        lon, lat = lonlat(x, y)
        graph.add_node(node, x=float(lon), y=float(lat))
    bent = shapely.LineString(np.column_stack(lonlat([0, 50, 100], [0, 40, 0])))
    length_m = GEODESIC.geometry_length(bent)
    common = {"osmid": [1, 2], "highway": ["footway", "steps"], "name": ["Rue A", "路 B"]}
    graph.add_edge(
        11, 12, 0, length=length_m, geometry=bent, oneway=False, reversed=False, **common
    )
    graph.add_edge(
        12, 11, 0, length=length_m, geometry=bent.reverse(), oneway=False, reversed=True, **common
    )
    graph.add_edge(11, 12, 1, length=100.3, highway="footway", oneway=False)
    graph.add_edge(12, 13, 0, length=80.3, highway="path", oneway=True, name=float("nan"))
    graph.add_edge(13, 13, 0, length=30.0, highway="path")
    network = WalkNetwork.from_networkx(graph)
    streets = network.streets
    assert len(streets) == 4
    assert streets["name"][0] == "Rue A; 路 B"
    assert streets["name"].isna().tolist() == [False, True, True, True]
    assert streets["class"].tolist() == ["footway; steps", "footway", "path", "path"]
    assert streets["steps"].tolist() == [True, False, False, False]
    assert streets.geometry[0].equals(bent)
    assert network.backward.tolist() == [True, False, False, False]
    assert access.nearest(network, [0, 1], [2])["distance_m"].tolist() == [180.6, 80.3]
    assert np.isinf(access.nearest(network, [2], [0])["distance_m"][0])
    assert snap(network, *lonlat([50], [41])).edge.tolist() == [0]
    assert access.route(network, 1, 0).steps[0].name == "Rue A; 路 B"


def test_lengths_that_osmnx_measures_on_a_sphere_are_kept():
    """At the equator a degree northwards is 0.56 % shorter on the ellipsoid, up north longer."""
    graph = nx.MultiDiGraph(crs="EPSG:4326")
    for node, lat in enumerate([80.0, 80.001, 0.0, 0.001]):
        graph.add_node(node, x=15.0, y=lat)
    graph.add_edges_from([(0, 1), (1, 0), (2, 3), (3, 2)])
    graph = osmnx.distance.add_edge_lengths(graph)
    network = WalkNetwork.from_networkx(graph)
    metres = [graph.edges[0, 1, 0]["length"], graph.edges[2, 3, 0]["length"]]
    assert network.edge_mm.tolist() == np.rint(np.array(metres) * 1000).tolist()
    with pytest.raises(NetworkError, match="shorter than the straight line"):
        WalkNetwork.from_streets(network.streets, network.crs)


def test_a_projected_graph_is_read_as_one():
    network = WalkNetwork.from_streets(build_city(120).streets(), CRS)
    graph = osmnx.project_graph(network.to_networkx(), to_crs=CRS)
    back = WalkNetwork.from_networkx(graph)
    assert np.allclose(back.node_lonlat, network.node_lonlat[list(graph.nodes)], atol=1e-9)


def test_osmnx_accepts_what_is_given_to_it():
    network = WalkNetwork.from_streets(build_city(120).streets(), CRS)
    graph = network.to_networkx()
    nodes, edges = osmnx.graph_to_gdfs(graph)
    assert len(nodes) == network.node_count
    assert {"length", "geometry", "highway", "name"} <= set(edges.columns)
    way = osmnx.shortest_path(graph, 0, 100, weight="length")
    metres = nx.path_weight(graph, way, "length")
    assert metres == pytest.approx(access.route(network, 0, 100).distance_m, abs=1e-6)


def test_a_node_number_out_of_all_proportion_is_refused():
    with pytest.raises(NetworkError, match="numbered from 0"):
        WalkNetwork.from_edges([0], [10**15], [1.0])
