"""A seeded city of any size, street-like: the same arguments give the same city."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree

CRS = pyproj.CRS.from_epsg(32719)
"""Metric CRS of the city (UTM 19 south)."""
GEODESIC = pyproj.Geod(ellps="WGS84")
_CORNER_M = (280_000.0, 6_680_000.0)
_BLOCK_M = 85.0
_EDGES_PER_NODE = 1.36
_CURVED_SHARE = 0.35
_ONE_WAY_SHARE = 0.02
_NAMES = ("Avenida del Mar", "Calle Balmaceda", "Pasaje Los Olivos", "Calle Larga", None)


@dataclass(frozen=True, eq=False)
class City:
    """Nodes in spatial order, and edges as arrays."""

    lon: np.ndarray
    lat: np.ndarray
    u: np.ndarray
    v: np.ndarray
    length_m: np.ndarray
    """Geodesic length of the drawn line [m]."""
    line_lonlat: np.ndarray
    """Points of all edges in a row (lon, lat)."""
    line_edge: np.ndarray
    """Edge that each of these points belongs to."""
    forward: np.ndarray
    backward: np.ndarray

    def streets(self) -> gpd.GeoDataFrame:
        """Return the streets table of a study area."""
        rng = np.random.default_rng(5)
        count = len(self.u)
        steps = rng.random(count) < 0.01
        return gpd.GeoDataFrame(
            {
                "from": self.u,
                "to": self.v,
                "length_m": self.length_m,
                "class": np.where(steps, "steps", "residential").astype(object),
                "name": np.array(_NAMES, object)[rng.integers(0, len(_NAMES), count)],
                "steps": steps,
                "incline": None,
                "forward": self.forward,
                "backward": self.backward,
                "bridge_tunnel": "",
                "wheelchair": None,
                "osm_id": np.arange(1, count + 1),
            },
            geometry=shapely.linestrings(self.line_lonlat, indices=self.line_edge),
            crs="EPSG:4326",
        )

    def positions(
        self, count: int, seed: int, spread_m: float = 30.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return `count` places beside the streets (lon, lat)."""
        rng = np.random.default_rng(seed)
        near = rng.integers(0, len(self.line_lonlat), count)
        degree = spread_m / 111_000
        return tuple((self.line_lonlat[near] + rng.normal(0, degree, (count, 2))).T)


def build_city(nodes: int, seed: int = 7) -> City:
    """Build a city of about `nodes` nodes, with as many arcs a node as real ones have (2.7).

    A grid of jittered corners keeps a random spanning tree, which makes dead ends and detours, and
    a share of the other blocks. A third of the edges bend. Nodes are numbered along a Z curve.
    """
    rng = np.random.default_rng(seed)
    side = max(2, round(nodes**0.5))
    east, north = np.meshgrid(np.arange(side), np.arange(side))
    order = np.argsort(_z_order(east.ravel(), north.ravel()), kind="stable")
    corner = np.column_stack([east.ravel(), north.ravel()])[order]
    number = np.empty(side * side, np.int64)
    number[order] = np.arange(side * side)
    number = number.reshape(side, side)
    metric = (corner + rng.uniform(-0.42, 0.42, corner.shape)) * _BLOCK_M + _CORNER_M
    u = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    v = np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])
    keep = _thinned(u, v, side * side, rng)
    u, v = u[keep], v[keep]
    by_place = np.lexsort((np.maximum(u, v), np.minimum(u, v)))
    u, v = u[by_place], v[by_place]
    points, edge = _drawn(metric, u, v, rng)
    to_lonlat = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    line_lonlat = np.column_stack(to_lonlat.transform(points[:, 0], points[:, 1]))
    lon, lat = to_lonlat.transform(metric[:, 0], metric[:, 1])
    one_way = rng.random(len(u)) < _ONE_WAY_SHARE
    return City(
        lon=lon,
        lat=lat,
        u=u,
        v=v,
        length_m=_geodesic(line_lonlat, edge, len(u)),
        line_lonlat=line_lonlat,
        line_edge=edge,
        forward=np.ones(len(u), bool),
        backward=~one_way,
    )


def _thinned(u: np.ndarray, v: np.ndarray, nodes: int, rng: np.random.Generator) -> np.ndarray:
    """Return the edges that stay: a random spanning tree and a share of the rest."""
    weight = rng.random(len(u)) + 0.01
    tree = minimum_spanning_tree(coo_array((weight, (u, v)), shape=(nodes, nodes)).tocsr()).tocoo()
    in_tree = np.isin(u * nodes + v, tree.row.astype(np.int64) * nodes + tree.col)
    spare = np.flatnonzero(~in_tree)
    wanted = min(len(spare), max(0, round(_EDGES_PER_NODE * nodes) - int(in_tree.sum())))
    in_tree[rng.choice(spare, wanted, replace=False)] = True
    return in_tree


def _drawn(
    metric: np.ndarray, u: np.ndarray, v: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of the lines: two ends, and two bends on some."""
    curved = rng.random(len(u)) < _CURVED_SHARE
    points_each = np.where(curved, 4, 2)
    edge = np.repeat(np.arange(len(u)), points_each)
    place = np.arange(len(edge)) - np.repeat(np.cumsum(points_each) - points_each, points_each)
    share = place / (points_each[edge] - 1)
    points = metric[u[edge]] * (1 - share[:, None]) + metric[v[edge]] * share[:, None]
    inner = (share > 0) & (share < 1)
    points[inner] += rng.normal(0, 6.0, (int(inner.sum()), 2))
    points[share == 1] = metric[v]
    return points, edge


def _geodesic(lonlat: np.ndarray, edge: np.ndarray, count: int) -> np.ndarray:
    """Return the geodesic length of each line [m]."""
    metres = GEODESIC.inv(lonlat[:-1, 0], lonlat[:-1, 1], lonlat[1:, 0], lonlat[1:, 1])[2]
    same = edge[:-1] == edge[1:]
    return np.bincount(edge[:-1][same], weights=metres[same], minlength=count)


def _z_order(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the rank of whole positions along a Z curve."""
    key = np.zeros(len(x), np.int64)
    for bit in range(16):
        key |= ((x >> bit) & 1) << (2 * bit) | ((y >> bit) & 1) << (2 * bit + 1)
    return key
