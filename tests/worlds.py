"""Worlds for the tests of the network: random ones for oracles, small ones to check by eye.

The oracle is networkx. It knows nothing of places: each place becomes nodes of its own on an edge
that is cut to pieces, for whoever starts there and whoever ends there.
"""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import networkx as nx
import numpy as np
import pyproj
from shapely import LineString

from shelterplan import WalkNetwork
from shelterplan.snap import NOWHERE, Places

UTM = pyproj.CRS.from_epsg(32631)
"""Metric CRS of the hand-made streets: their origin lies on its central meridian, at 52 degrees."""
ORIGIN = (500_000.0, 5_761_038.0)


def network_of(u, v, length_m, forward=None, backward=None, node_count=None) -> WalkNetwork:
    """Return a network without geometry whose edges may be one-way."""
    made = WalkNetwork.from_edges(u, v, length_m, node_count=node_count)
    count = len(made.edge_mm)
    return WalkNetwork(
        node_count=made.node_count,
        edge_u=made.edge_u,
        edge_v=made.edge_v,
        edge_mm=made.edge_mm,
        forward=np.ones(count, bool) if forward is None else np.array(forward, bool),
        backward=np.ones(count, bool) if backward is None else np.array(backward, bool),
    )


def places_at(network, edge, offset_mm, leg_mm=0, owner=None) -> Places:
    """Return places on a network without geometry."""
    edge = np.atleast_1d(np.asarray(edge, np.int32))
    count = len(edge)

    def column(value, dtype):
        return np.broadcast_to(np.asarray(value, dtype), count).copy()

    return Places(
        lon=np.zeros(count),
        lat=np.zeros(count),
        edge=edge,
        offset_mm=column(offset_mm, np.int64),
        leg_mm=column(leg_mm, np.int64),
        nearest_leg_mm=column(leg_mm, np.int64),
        owner=np.arange(count, dtype=np.int32) if owner is None else column(owner, np.int32),
    )


def random_network(rng: np.random.Generator) -> tuple[WalkNetwork, np.ndarray]:
    """Return a small multigraph with every oddity, and its lengths before rounding [m]."""
    nodes = int(rng.integers(1, 12))
    edges = int(rng.integers(0, 3 * nodes + 1))
    u, v = rng.integers(0, nodes, (2, edges))
    length_m = (
        rng.choice(
            [
                rng.uniform(0, 100, edges),
                rng.integers(0, 4, edges) * 25.0,
                rng.uniform(0, 0.01, edges),
            ],
            axis=0,
        )
        if edges
        else np.zeros(0)
    )
    length_m = np.where(rng.random(edges) < 0.1, 0.0, length_m)
    way = rng.random(edges)
    both = rng.random() < 0.3
    network = network_of(
        u, v, length_m, forward=(way < 0.85) | both, backward=(way > 0.15) | both, node_count=nodes
    )
    return network, length_m


def random_places(rng: np.random.Generator, network: WalkNetwork, most: int = 6) -> Places:
    """Return places: at random, at the ends of edges, several on one edge, or nowhere."""
    count = int(rng.integers(0, most + 1)) if len(network.edge_mm) else 0
    edge = rng.integers(0, max(1, min(len(network.edge_mm), int(rng.integers(1, 99)))), count)
    length = network.edge_mm[edge].astype(np.int64) if count else np.zeros(0, np.int64)
    where = rng.choice([rng.random(count), np.zeros(count), np.ones(count)], axis=0)
    leg = np.where(rng.random(count) < 0.4, 0, rng.integers(0, 50_000, count))
    edge = np.where(rng.random(count) < 0.1, NOWHERE, edge)
    return places_at(network, edge, np.rint(where * length), leg, rng.integers(0, most, count))


def random_ends(
    rng: np.random.Generator, network: WalkNetwork, most: int = 6
) -> Places | np.ndarray:
    """Return places, or node numbers."""
    if rng.random() < 0.3:
        return rng.integers(0, network.node_count, int(rng.integers(0, most + 1)))
    return random_places(rng, network, most)


def relabelled(network: WalkNetwork, number: np.ndarray) -> WalkNetwork:
    """Return the same network with other node numbers."""
    return WalkNetwork(
        node_count=network.node_count,
        edge_u=number[network.edge_u].astype(np.int32),
        edge_v=number[network.edge_v].astype(np.int32),
        edge_mm=network.edge_mm,
        forward=network.forward,
        backward=network.backward,
    )


def cut_graph(  # noqa: C901
    network: WalkNetwork, lengths, sources, targets
) -> nx.DiGraph:
    """Return the arcs as networkx sees them, with sources and targets as nodes of their own.

    Parameters
    ----------
    network : WalkNetwork
        The streets.
    lengths : array
        Length of each edge, in any unit; offsets and legs [mm] are scaled to it for `float` lengths
        given in metres.
    sources, targets : Places or array of int
        They become ("source", row) and ("target", row).

    Notes
    -----
    Of parallel arcs only the shortest matters to a shortest path, so a DiGraph will do.
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(range(network.node_count))
    in_mm = np.issubdtype(np.asarray(lengths).dtype, np.integer)

    def add(a, b, weight):
        if not graph.has_edge(a, b) or weight < graph[a][b]["weight"]:
            graph.add_edge(a, b, weight=weight)

    stops: dict[int, list[tuple[float, object]]] = {e: [] for e in range(len(network.edge_mm))}
    for role, given in (("source", sources), ("target", targets)):
        for row in range(len(given)):
            graph.add_node((role, row))
            if not isinstance(given, Places):
                inner, leg = int(given[row]), 0
            elif given.edge[row] == NOWHERE:
                continue
            else:
                edge, inner, leg = (
                    int(given.edge[row]),
                    (role, row, "on the street"),
                    given.leg_mm[row],
                )
                share = given.offset_mm[row] / max(1, network.edge_mm[edge])
                at = int(given.offset_mm[row]) if in_mm else share * lengths[edge]
                stops[edge].append((at, inner))
            leg = int(leg) if in_mm else leg / 1000
            add(*(((role, row), inner) if role == "source" else (inner, (role, row))), leg)
    for edge, on_edge in stops.items():
        length = lengths[edge].item()
        u, v = int(network.edge_u[edge]), int(network.edge_v[edge])
        chain = [(0, u), *sorted(on_edge, key=lambda stop: stop[0]), (length, v)]
        for (at, a), (then, b) in pairwise(chain):
            if network.forward[edge]:
                add(a, b, then - at)
            if network.backward[edge]:
                add(b, a, then - at)
            if then == at and isinstance(a, tuple) and isinstance(b, tuple):
                add(a, b, 0)  # two places at one spot meet without walking
                add(b, a, 0)
    return graph


def oracle(network: WalkNetwork, lengths, sources, targets) -> np.ndarray:
    """Return all distances, shape (sources, targets); `inf` where there is no way."""
    graph = cut_graph(network, lengths, sources, targets)
    found = np.full((len(sources), len(targets)), np.inf)
    for row in range(len(sources)):
        reached = nx.single_source_dijkstra_path_length(graph, ("source", row))
        for column in range(len(targets)):
            found[row, column] = reached.get(("target", column), np.inf)
    return found


def streets_of(lines_m, **columns) -> gpd.GeoDataFrame:
    """Return the streets table of lines drawn in metres from `ORIGIN`; their ends become nodes."""
    to_lonlat = pyproj.Transformer.from_crs(UTM, "EPSG:4326", always_xy=True)
    geodesic = pyproj.Geod(ellps="WGS84")
    nodes: dict[tuple[float, float], int] = {}
    ends, lines = [], []
    for line in lines_m:
        ends.append(
            [
                nodes.setdefault(tuple(map(float, point)), len(nodes))
                for point in (line[0], line[-1])
            ]
        )
        xy = np.asarray(line, float) + ORIGIN
        lines.append(LineString(np.column_stack(to_lonlat.transform(xy[:, 0], xy[:, 1]))))
    count = len(lines)
    table = {
        "from": [u for u, _ in ends],
        "to": [v for _, v in ends],
        "length_m": [geodesic.geometry_length(line) for line in lines],
        "class": ["residential"] * count,
        "name": [None] * count,
        "steps": [False] * count,
        "forward": [True] * count,
        "backward": [True] * count,
    }
    return gpd.GeoDataFrame(table | columns, geometry=lines, crs="EPSG:4326")


def lonlat(x_m, y_m) -> tuple[np.ndarray, np.ndarray]:
    """Return positions drawn in metres from `ORIGIN` as longitude and latitude."""
    to_lonlat = pyproj.Transformer.from_crs(UTM, "EPSG:4326", always_xy=True)
    return to_lonlat.transform(
        np.asarray(x_m, float) + ORIGIN[0], np.asarray(y_m, float) + ORIGIN[1]
    )
