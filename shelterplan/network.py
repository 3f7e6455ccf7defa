"""The walking network: edges with whole-millimetre lengths, and arcs for the searches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pyproj
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from shelterplan import earth, kernels
from shelterplan.errors import NetworkError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

MOST_NODES = 2**31 - 2
"""Nodes that a network can have."""
MOST_UNUSED_NODES = 1_000_000
"""Node numbers that no street of a table need use: each takes memory."""
LONGEST_EDGE_M = 1_000_000.0
"""No edge of a walking network is longer [m]."""
CHORD_ROUNDING_M = 0.001
"""How much a stated length may fall short of the straight line, for rounding [m]."""
CHORD_TOLERANCE = 0.0
"""How much it may fall short besides, as a share."""
SPHERE_TOLERANCE = 0.006
"""The same for lengths on a sphere, as osmnx gives them: up to 0.56 % less than on the earth."""
_NAMED_PROBLEMS = 5
_CHUNK = 100_000


@dataclass(frozen=True, eq=False)
class Arcs:
    """Arcs in CSR form: those of node `i` stand at `indptr[i]` to `indptr[i + 1]`."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    """The node at the far end, shape (arcs,)."""
    mm: NDArray[np.uint32]
    """Length in whole millimetres, shape (arcs,)."""
    edge: NDArray[np.int32]
    """The edge that the arc belongs to, shape (arcs,)."""


@dataclass(frozen=True, eq=False)
class WalkNetwork:
    """Streets that can be walked, as nodes 0 to n - 1 and edges 0 to m - 1.

    Lengths are kept in whole millimetres: sums are exact, thresholds never flip, and every run
    gives the same bits. Build one with `from_edges`, `from_streets` or `from_networkx`.
    """

    node_count: int
    edge_u: NDArray[np.int32]
    """First node of each edge, shape (m,)."""
    edge_v: NDArray[np.int32]
    """Last node of each edge, shape (m,)."""
    edge_mm: NDArray[np.uint32]
    """Length [mm], shape (m,)."""
    forward: NDArray[np.bool_]
    """Whether the edge may be walked from `edge_u` to `edge_v`."""
    backward: NDArray[np.bool_]
    """Whether it may be walked from `edge_v` to `edge_u`."""
    streets: gpd.GeoDataFrame | None = None
    """The streets table in lon/lat, one row an edge; None for a network without geometry."""
    crs: pyproj.CRS | None = None
    """The metric CRS in which places are snapped."""

    @classmethod
    def from_edges(
        cls,
        u: ArrayLike,
        v: ArrayLike,
        length_m: ArrayLike,
        *,
        node_count: int | None = None,
        directed: bool = False,
    ) -> WalkNetwork:
        """Build a network without geometry from arrays of node numbers and lengths.

        Parameters
        ----------
        u, v : array_like of int, shape (m,)
            Nodes of each edge, from 0 upwards. Parallel edges and loops are allowed.
        length_m : array_like of float, shape (m,)
            Lengths [m], finite and not negative; kept to the nearest millimetre.
        node_count : int, optional
            Number of nodes; by default the largest node number plus one.
        directed : bool
            Whether an edge may be walked from `u` to `v` only.

        Raises
        ------
        NetworkError
            If a length or a node number is impossible; the rows are named.

        Examples
        --------
        >>> network = WalkNetwork.from_edges([0, 1], [1, 2], [100.0, 50.5])
        >>> network.node_count, network.edge_mm.tolist()
        (3, [100000, 50500])
        """
        u, v = _node_numbers("u", u), _node_numbers("v", v)
        length = np.asarray(length_m, float)
        if not (u.shape == v.shape == length.shape) or u.ndim != 1:
            message = f"u, v and length_m differ in shape: {u.shape}, {v.shape}, {length.shape}"
            raise NetworkError(message)
        highest = int(max(u.max(initial=-1), v.max(initial=-1)))
        count = highest + 1 if node_count is None else int(node_count)
        if count > MOST_NODES:
            message = f"nodes are numbered from 0 without large gaps; got one numbered {highest}"
            raise NetworkError(message)
        _refuse(
            (u < 0) | (v < 0) | (u >= count) | (v >= count),
            f"a node number is not in 0 to {count - 1}",
        )
        open_both = np.ones(len(u), bool)
        return cls(
            node_count=count,
            edge_u=u.astype(np.int32),
            edge_v=v.astype(np.int32),
            edge_mm=_millimetres(length),
            forward=open_both,
            backward=~open_both if directed else open_both,
        )

    @classmethod
    def from_streets(cls, streets: gpd.GeoDataFrame, crs: pyproj.CRS) -> WalkNetwork:
        """Build a network from the streets table of a study area.

        Parameters
        ----------
        streets : GeoDataFrame
            The streets table, geometry in lon/lat.
        crs : pyproj.CRS
            Metric CRS of the study area.

        Raises
        ------
        NetworkError
            If a length is not finite or shorter than the straight line between the ends.
        """
        return cls._from_streets(streets, crs, CHORD_TOLERANCE)

    @classmethod
    def _from_streets(
        cls, streets: gpd.GeoDataFrame, crs: pyproj.CRS, tolerance: float
    ) -> WalkNetwork:
        """Build a network whose lengths may fall short of the chord by a share of it."""
        u, v = (streets[end].to_numpy(np.int64) for end in ("from", "to"))
        count = int(max(u.max(initial=-1), v.max(initial=-1))) + 1
        most = MOST_UNUSED_NODES + 2 * len(streets)
        _refuse(
            (u >= most) | (v >= most),
            f"nodes are numbered from 0 without large gaps: {most - 1:,} at most here",
        )
        network = cls.from_edges(u, v, streets["length_m"], node_count=count)
        _refuse(
            _chord_m(streets) * (1 - tolerance) > streets["length_m"] + CHORD_ROUNDING_M,
            "the stated length is shorter than the straight line between the ends",
        )
        return cls(
            node_count=count,
            edge_u=network.edge_u,
            edge_v=network.edge_v,
            edge_mm=network.edge_mm,
            forward=streets["forward"].to_numpy(bool),
            backward=streets["backward"].to_numpy(bool),
            streets=streets.reset_index(drop=True),
            crs=crs,
        )

    @classmethod
    def from_networkx(cls, graph: nx.Graph[Any]) -> WalkNetwork:
        """Build a network from a networkx or osmnx graph whose edges have a `length` [m].

        Nodes are numbered in the order of the graph. Two opposite arcs of equal length become one
        edge that may be walked both ways. Node attributes `x`, `y` (lon, lat, or in the graph's
        `crs`) and edge `geometry` are kept where every node has a position.

        Raises
        ------
        NetworkError
            If an edge has no length, or one that is impossible.
        """
        number = {node: i for i, node in enumerate(graph.nodes)}
        rows = [(number[a], number[b], data) for a, b, data in graph.edges(data=True)]
        missing = np.array([data.get("length") is None for *_, data in rows], bool)
        _refuse(missing, "an edge has no length")
        network = cls.from_edges(
            [a for a, *_ in rows],
            [b for _, b, _ in rows],
            [data["length"] for *_, data in rows],
            node_count=len(number),
            directed=graph.is_directed(),
        )
        keep = np.arange(len(rows))
        if graph.is_directed():
            loop = [a == b and data.get("oneway") is False for a, b, data in rows]
            network, keep = _paired(network, np.array(loop, bool))
        if rows and all("x" in data and "y" in data for _, data in graph.nodes(data=True)):
            streets = _streets_of(network, graph, [rows[i][2] for i in keep])
            return cls._from_streets(streets, streets.estimate_utm_crs(), SPHERE_TOLERANCE)
        return network

    def to_networkx(self) -> nx.MultiDiGraph[int]:
        """Return the arcs as a networkx graph, in the form that osmnx uses.

        Edges carry `length` [m], `oneway` and, with geometry, the columns of the streets table;
        nodes carry `x` and `y` (lon, lat). The key of an arc is its edge number.
        """
        graph: nx.MultiDiGraph[int] = nx.MultiDiGraph(crs="EPSG:4326")
        graph.add_nodes_from(range(self.node_count))
        there: list[dict[str, Any]] = [{} for _ in range(len(self.edge_mm))]
        back = there
        if self.streets is not None:
            columns = self.streets.drop(columns=["from", "to", "length_m", "forward", "backward"])
            columns = columns.rename(columns={"class": "highway"})
            there = columns.to_dict("records")
            back = columns.assign(geometry=columns.geometry.reverse()).to_dict("records")
            for node, (x, y) in enumerate(self.node_lonlat.tolist()):
                graph.nodes[node].update(x=x, y=y)
        for a, b, allowed, attributes in (
            (self.edge_u, self.edge_v, self.forward, there),
            (self.edge_v, self.edge_u, self.backward, back),
        ):
            for e in np.flatnonzero(allowed).tolist():
                graph.add_edge(
                    int(a[e]),
                    int(b[e]),
                    key=e,
                    **attributes[e],
                    length=float(self.edge_mm[e]) / 1000,
                    oneway=bool(self.forward[e] != self.backward[e]),
                )
        return graph

    def subset(self, keep: NDArray[np.bool_]) -> WalkNetwork:
        """Return the network of some of the edges, with the same nodes.

        Parameters
        ----------
        keep : array of bool, shape (m,)
            Which edges stay.
        """
        streets = None if self.streets is None else self.streets[keep].reset_index(drop=True)
        return WalkNetwork(
            node_count=self.node_count,
            edge_u=self.edge_u[keep],
            edge_v=self.edge_v[keep],
            edge_mm=self.edge_mm[keep],
            forward=self.forward[keep],
            backward=self.backward[keep],
            streets=streets,
            crs=self.crs,
        )

    @cached_property
    def forward_arcs(self) -> Arcs:
        """Arcs in walking direction."""
        return self._arcs(self.edge_u, self.edge_v)

    @cached_property
    def reverse_arcs(self) -> Arcs:
        """Arcs against walking direction: a search from a shelter over them walks TO it."""
        if np.array_equal(self.forward, self.backward):
            return self.forward_arcs
        return self._arcs(self.edge_v, self.edge_u)

    def _arcs(self, tail: NDArray[np.int32], head: NDArray[np.int32]) -> Arcs:
        indptr, indices, edge = kernels.arcs(
            tail, head, self.forward, self.backward, self.node_count
        )
        return Arcs(indptr=indptr, indices=indices, mm=self.edge_mm[edge], edge=edge)

    @cached_property
    def delta(self) -> int:
        """Width of one step of the searches [mm]: about the length of a few edges."""
        return max(1, int(2 * self.edge_mm.mean())) if len(self.edge_mm) else 1

    @cached_property
    def node_component(self) -> NDArray[np.int32]:
        """Number of the connected part of the network that each node lies in, shape (n,).

        Parts are connected without regard to direction; 0 is the one with the longest streets.
        """
        shape = (self.node_count, self.node_count)
        links = coo_array(
            (np.ones(len(self.edge_u), bool), (self.edge_u, self.edge_v)), shape=shape
        )
        count, label = connected_components(links, directed=False)
        metres = np.bincount(label[self.edge_u], weights=self.edge_mm, minlength=count)
        rank = np.empty(count, np.int32)
        rank[np.argsort(-metres, kind="stable")] = np.arange(count)
        return rank[label]

    @property
    def edge_component(self) -> NDArray[np.int32]:
        """Number of the connected part that each edge lies in, shape (m,)."""
        return self.node_component[self.edge_u]

    @cached_property
    def node_lonlat(self) -> NDArray[np.float64]:
        """Positions of the nodes (lon, lat), shape (n, 2); NaN where no edge ends."""
        points, ptr = _points(self.with_geometry())
        lonlat = np.full((self.node_count, 2), np.nan)
        lonlat[self.edge_v] = points[ptr[1:] - 1]
        lonlat[self.edge_u] = points[ptr[:-1]]
        return lonlat

    @cached_property
    def grid(self) -> kernels.EdgeGrid:
        """The lines of the edges in the metric CRS, indexed by place."""
        points, ptr = _points(self.with_geometry())
        to_metric = earth.to_metric(self.crs)
        for first in range(0, len(points), _CHUNK):  # in parts and in place, to save memory
            part = slice(first, first + _CHUNK)
            points[part] = np.column_stack(to_metric.transform(points[part, 0], points[part, 1]))
        return kernels.EdgeGrid.of(points, ptr)

    def line(self, edge: int) -> shapely.LineString:
        """Return one edge as a line in the metric CRS."""
        ptr = self.grid.line_ptr
        return shapely.LineString(self.grid.points[ptr[edge] : ptr[edge + 1]])

    def lines(self, edges: NDArray[np.integer[Any]]) -> NDArray[np.object_]:
        """Return edges as lines in the metric CRS, shape (k,)."""
        first, last = self.grid.line_ptr[edges], self.grid.line_ptr[edges + 1]
        count = last - first
        row = np.repeat(np.arange(len(edges)), count)
        point = np.arange(len(row)) + np.repeat(first - (np.cumsum(count) - count), count)
        return np.array(shapely.linestrings(self.grid.points[point], indices=row), ndmin=1)

    def positions(
        self, edge: NDArray[np.int32], offset_mm: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return points along edges in the metric CRS, shape (k, 2)."""
        different, row = np.unique(edge, return_inverse=True)
        lines = self.lines(different)[row]
        share = offset_mm / np.maximum(self.edge_mm[edge], 1)
        return shapely.get_coordinates(
            shapely.line_interpolate_point(lines, share, normalized=True)
        )

    def with_geometry(self) -> gpd.GeoDataFrame:
        """Return the streets table, or raise NetworkError where there is none."""
        if self.streets is None or self.crs is None:
            message = "this network has no geometry: build it with from_streets"
            raise NetworkError(message)
        return self.streets


def _points(streets: gpd.GeoDataFrame) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the points of all lines in a row (lon, lat), and where each line begins."""
    lines = streets.geometry.array
    _refuse(
        np.asarray(shapely.get_type_id(lines) != shapely.GeometryType.LINESTRING)
        | shapely.is_empty(lines),
        "the geometry is not a line",
    )
    ptr = np.zeros(len(lines) + 1, np.int64)
    np.cumsum(shapely.get_num_points(lines), out=ptr[1:])
    points = shapely.get_coordinates(lines)
    odd = np.zeros(len(lines), bool)
    odd[np.searchsorted(ptr, np.flatnonzero(~np.isfinite(points).all(axis=1)), "right") - 1] = True
    _refuse(odd, "a coordinate is not finite")
    return points, ptr


def _chord_m(streets: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Return how far the ends of each line are apart, shape (m,) [m]."""
    points, ptr = _points(streets)
    chord = np.empty(len(streets))
    for start in range(0, len(streets), _CHUNK):  # in parts, to save memory
        part = ptr[start : start + _CHUNK + 1]
        (x0, y0), (x1, y1) = points[part[:-1]].T, points[part[1:] - 1].T
        chord[start : start + _CHUNK] = earth.GEODESIC.inv(x0, y0, x1, y1)[2]
    return chord


def _node_numbers(name: str, values: ArrayLike) -> NDArray[np.int64]:
    """Return node numbers as int64, refusing fractions."""
    array = np.asarray(values)
    if array.size and not np.issubdtype(array.dtype, np.integer):
        message = f"{name} must hold whole node numbers, got {array.dtype}"
        raise NetworkError(message)
    return array.astype(np.int64)


def _refuse(bad: ArrayLike, reason: str) -> None:
    """Raise if any row is bad, naming the first few."""
    rows = np.flatnonzero(bad)
    if len(rows):
        named = ", ".join(map(str, rows[:_NAMED_PROBLEMS]))
        more = ", ..." if len(rows) > _NAMED_PROBLEMS else ""
        message = f"{len(rows)} edges refused: {reason} (edges {named}{more})"
        raise NetworkError(message)


def _millimetres(length_m: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Return lengths in whole millimetres, refusing what is no length."""
    _refuse(~np.isfinite(length_m) | (length_m < 0), "a length is not a finite number >= 0")
    _refuse(length_m > LONGEST_EDGE_M, f"a length is above {LONGEST_EDGE_M:.0f} m")
    return np.rint(length_m * 1000).astype(np.uint32)


def _paired(
    network: WalkNetwork, both_ways: NDArray[np.bool_]
) -> tuple[WalkNetwork, NDArray[np.int64]]:
    """Join opposite one-way edges of equal length into edges that go both ways, and open others."""
    low = np.minimum(network.edge_u, network.edge_v)
    high = np.maximum(network.edge_u, network.edge_v)
    arcs = pd.DataFrame(
        {"low": low, "high": high, "mm": network.edge_mm, "down": network.edge_u > network.edge_v}
    )
    arcs["nth"] = arcs.groupby(["low", "high", "mm", "down"]).cumcount()
    same = ["low", "high", "mm", "nth"]
    twin = arcs.duplicated(same, keep=False).to_numpy() & (low != high)
    second = twin & arcs.duplicated(same).to_numpy()
    both = WalkNetwork(
        node_count=network.node_count,
        edge_u=network.edge_u,
        edge_v=network.edge_v,
        edge_mm=network.edge_mm,
        forward=network.forward,
        backward=twin | both_ways,
    )
    return both.subset(~second), np.flatnonzero(~second)


def _streets_of(
    network: WalkNetwork, graph: nx.Graph[Any], data: list[dict[str, Any]]
) -> gpd.GeoDataFrame:
    """Make the streets table of a graph whose nodes have positions."""
    xy = np.array([(node["x"], node["y"]) for _, node in graph.nodes(data=True)], float)
    straight = shapely.linestrings(np.stack([xy[network.edge_u], xy[network.edge_v]], axis=1))
    lines = np.array(straight).ravel()
    for number, row in enumerate(data):
        lines[number] = row.get("geometry", lines[number])
    first, last = (shapely.get_coordinates(shapely.get_point(lines, end)) for end in (0, -1))
    at_u = xy[network.edge_u]  # undirected graphs keep the line of either direction
    turned = np.abs(last - at_u).sum(axis=1) < np.abs(first - at_u).sum(axis=1)
    lines[turned] = shapely.reverse(lines[turned])
    kinds = [_texts(row.get("highway")) for row in data]
    table = pd.DataFrame(
        {
            "from": network.edge_u,
            "to": network.edge_v,
            "length_m": network.edge_mm / 1000,
            "class": ["; ".join(kind) for kind in kinds],
            "name": ["; ".join(_texts(row.get("name"))) or None for row in data],
            "steps": ["steps" in kind for kind in kinds],
            "forward": network.forward,
            "backward": network.backward,
        }
    )
    crs = graph.graph.get("crs", "EPSG:4326")
    return gpd.GeoDataFrame(table, geometry=lines, crs=crs).to_crs("EPSG:4326")


def _texts(value: object) -> list[str]:
    """Return the texts of an attribute, which osmnx gives as one, as a list, or as NaN.

    Examples
    --------
    >>> _texts("Main Street"), _texts(["path", "steps"]), _texts(float("nan"))
    (['Main Street'], ['path', 'steps'], [])
    """
    return [
        text
        for text in (value if isinstance(value, list) else [value])
        if isinstance(text, str) and text
    ]
