"""A seeded country of any size, street-like, written straight into a region, tile by tile.

Everything about a corner of the streets follows from the seed and the corner's column and row, by a
hash: a tile is drawn without its neighbours, and the country is the same however it is cut.
It lies in the Atlantic, so that nobody takes it for a real one.
"""

from __future__ import annotations

import math
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyproj
import shapely

from shelterplan import tables
from shelterplan.earth import GEODESIC
from shelterplan.scale.grid import Grid, Tile
from shelterplan.scale.store import Part, Region, finish, write_part
from shelterplan.study_area import CORNER_EVERY

CRS = "EPSG:32626"
"""UTM 26 north."""
BLOCK_M = 85.0
WHOLE_M = 1e7
"""A tile with this side holds everything [m]."""
_MERIDIAN_M = 500_000.0
"""Where the plane is smallest."""
_MIDDLE_M = (525_000.0, 3_325_000.0)
"""In the middle of a tile of 50 km, so that a country of 1M nodes holds it with its halo."""
_AT_ONCE = 512
"""Corners on a side that are drawn together."""
_KEPT = 0.68
"""Share of the streets of the grid that are there: as many arcs a node as real cities have."""
_LONGEST = 640
"""Blocks that a long edge spans at most."""
_LAKE, _ISLAND, _ZONE = 96, 40, 60
"""Corners on a side of the squares that may hold one lake, island or hazard zone."""
_RADIUS_M = 6_367_000.0
"""Of the earth's curve at 30 degrees."""
_LARGEST_PARK_M = 900.0
_COMMUNITY = (37, 41)
"""Corners on the sides of a community: they lie across tiles of any size."""
_NAMES = ("Ocean Road", "Mill Lane", "Long Street", "Harbour Way", None)
_KINDS = np.array(["residential", "steps", "footway", "path"], object)
_TURNS = np.array(
    [(1, 0), (0.7, 0.7), (0, 1), (-0.7, 0.7), (-1, 0), (-0.7, -0.7), (0, -1), (0.7, -0.7)]
)

Ints = np.ndarray
Floats = np.ndarray


class Window(NamedTuple):
    """Columns and rows of corners, the upper ends left out."""

    left: int
    bottom: int
    right: int
    top: int

    def corners(self) -> tuple[Ints, Ints]:
        """Return the columns and rows of all corners."""
        i, j = np.meshgrid(np.arange(self.left, self.right), np.arange(self.bottom, self.top))
        return i.ravel(), j.ravel()

    def wider(self, by: int) -> Window:
        """Return the window with so many corners more on each side."""
        return Window(self.left - by, self.bottom - by, self.right + by, self.top + by)

    def parts(self, size: int) -> list[Window]:
        """Return windows of at most so many corners on a side that make this one up."""
        return [
            Window(i, j, min(i + size, self.right), min(j + size, self.top))
            for j in range(self.bottom, self.top, size)
            for i in range(self.left, self.right, size)
        ]


class Edges(NamedTuple):
    """Streets before they are a table."""

    number: Ints
    ends: Ints
    """Column and row of the first and the last corner, shape (n, 4)."""
    metric: Floats
    """Points of all lines in a row [m]."""
    start: Ints
    """Where each line begins, shape (n + 1,)."""


@dataclass(frozen=True)
class City:
    """A country of about so many nodes."""

    nodes: int
    seed: int = 1
    link: int = 128
    """Corners on a side of the squares that may hold one long edge."""

    @property
    def side(self) -> int:
        """Corners on a side."""
        return max(2, math.ceil(self.nodes**0.5))

    @property
    def corner_m(self) -> tuple[float, float]:
        """Where corner (0, 0) lies in the plane, but for its jitter."""
        half = self.side * BLOCK_M / 2
        return _MIDDLE_M[0] - half, _MIDDLE_M[1] - half

    @cached_property
    def to_lonlat(self) -> pyproj.Transformer:
        """From the plane to longitude and latitude."""
        return pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)

    def draw(self, channel: int, i: Ints, j: Ints) -> Floats:
        """Return a number from 0 to 1 for each corner, another one in each channel."""
        key = np.asarray(i).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        key = key ^ (np.asarray(j).astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F))
        key = key + np.uint64(self.seed * 0x1000193 + channel * 0x5851F42D4C957)
        for shift, factor in (
            (30, 0xBF58476D1CE4E5B9),
            (27, 0x94D049BB133111EB),
            (31, 0xD6E8FEB86659FD93),
        ):
            key = (key ^ (key >> np.uint64(shift))) * np.uint64(factor)
        return (key >> np.uint64(11)).astype(float) * 2.0**-53

    def window(self, box: tuple[float, float, float, float], margin: int) -> Window:
        """Return the corners near a box of the plane."""
        (x, y), last = self.corner_m, self.side
        left, bottom = (
            math.floor((a - b) / BLOCK_M) - margin for a, b in zip(box[:2], (x, y), strict=True)
        )
        right, top = (
            math.ceil((a - b) / BLOCK_M) + margin + 1 for a, b in zip(box[2:], (x, y), strict=True)
        )
        return Window(max(left, 0), max(bottom, 0), min(right, last), min(top, last))

    def position(self, i: Ints, j: Ints) -> Floats:
        """Return where corners lie in the plane, shape (n, 2) [m]."""
        x, y = self.corner_m
        return np.column_stack(
            [
                x + (i + 0.84 * self.draw(0, i, j) - 0.42) * BLOCK_M,
                y + (j + 0.84 * self.draw(1, i, j) - 0.42) * BLOCK_M,
            ]
        )

    def _patch(
        self, channel: int, i: Ints, j: Ints, size: int, share: float, least: int, more: int
    ) -> Ints:
        """Return the number of the square patch that each corner lies in, 0 outside."""
        a, b = i // size, j // size
        width = least + (more * self.draw(channel, a, b)).astype(np.int64)
        left = ((size - width) * self.draw(channel + 1, a, b)).astype(np.int64)
        low = ((size - width) * self.draw(channel + 2, a, b)).astype(np.int64)
        di, dj = i - a * size - left, j - b * size - low
        inside = (di >= 0) & (di < width) & (dj >= 0) & (dj < width)
        there = inside & (self.draw(channel + 3, a, b) < share)
        return np.where(there, morton(a, b) + 1, 0)

    def lake(self, i: Ints, j: Ints) -> np.ndarray:
        """Return which corners lie in a lake: no street goes there."""
        return self._patch(10, i, j, _LAKE, 0.2, 16, 24) > 0

    def island(self, i: Ints, j: Ints) -> Ints:
        """Return the number of the island that each corner lies on, 0 for the mainland."""
        return self._patch(20, i, j, _ISLAND, 0.1, 4, 6)

    def edges(self, window: Window) -> Edges:
        """Return the short streets that begin at the corners of a window, by their number."""
        i, j = window.corners()
        found = []
        for kind, (di, dj) in enumerate(((1, 0), (0, 1))):
            a, b = i + di, j + dj
            there = (self.draw(30 + kind, i, j) < _KEPT) & (a < self.side) & (b < self.side)
            there &= ~self.lake(i, j) & ~self.lake(a, b)
            there &= self.island(i, j) == self.island(a, b)
            found.append((morton(i, j)[there] * 4 + kind, np.column_stack([i, j, a, b])[there]))
        number = np.concatenate([numbers for numbers, _ in found])
        order = np.argsort(number, kind="stable")
        return self._drawn(number[order], np.concatenate([ends for _, ends in found])[order])

    def long_edges(self, window: Window) -> Edges:
        """Return the long edges that may cross a window: few, some longer than a tile."""
        reach = min(_LONGEST, max(6, self.side // 3))
        near = window.wider(reach + self.link)
        a, b = Window(*(max(0, one // self.link) for one in near)).wider(1).corners()
        i, j = (
            c * self.link + (self.link * self.draw(40 + k, a, b)).astype(np.int64)
            for k, c in enumerate((a, b))
        )
        far = np.where(self.draw(42, a, b) < 0.25, reach, min(reach, 100))
        ends = np.column_stack(
            [
                i,
                j,
                *(
                    c + np.rint(far * (2 * self.draw(43 + k, a, b) - 1)).astype(np.int64)
                    for k, c in enumerate((i, j))
                ),
            ]
        )
        fits = (
            (ends >= 0).all(axis=1)
            & (ends < self.side).all(axis=1)
            & (np.abs(ends[:, :2] - ends[:, 2:]).sum(axis=1) > 2)
        )
        fits &= (a >= 0) & (b >= 0)
        ends = ends[fits]
        ends = ends[~self.lake(*ends[:, :2].T) & ~self.lake(*ends[:, 2:].T)]
        number = morton(*ends[:, :2].T) * 4 + 2
        order = np.argsort(number)
        return self._drawn(number[order], ends[order])

    def _drawn(self, number: Ints, ends: Ints) -> Edges:
        """Return streets as lines: a third of the short ones bend."""
        i, j = ends[:, 0], ends[:, 1]
        kind = number % 4
        bends = (self.draw(50, i, j * 4 + kind) < 0.35) & (kind < 2)
        start = np.zeros(len(number) + 1, np.int64)
        np.cumsum(np.where(bends, 4, 2), out=start[1:])
        first, last = self.position(i, j), self.position(ends[:, 2], ends[:, 3])
        points = np.empty((start[-1], 2))
        points[start[:-1]], points[start[1:] - 1] = first, last
        rows = np.flatnonzero(bends)
        for k, share in ((1, 1 / 3), (2, 2 / 3)):
            way = first[rows] * (1 - share) + last[rows] * share
            aside = np.column_stack(
                [self.draw(50 + 2 * k + n, i[rows], j[rows] * 4 + kind[rows]) for n in (0, 1)]
            )
            points[start[rows] + k] = way + (aside - 0.5) * 24
        return Edges(number, ends, points, start)

    def streets(self, grid: Grid, tile: Tile) -> gpd.GeoDataFrame:
        """Return the streets that touch a tile, by their number."""
        window = self.window(grid.box(tile), 2)
        drawn = [self.edges(part) for part in window.parts(_AT_ONCE)]
        rows = pd.concat(
            [
                self._table(_touching(edges, grid, tile), grid)
                for edges in (*drawn, self.long_edges(window))
            ],
            ignore_index=True,
        )
        rows = rows.iloc[np.argsort(rows["edge"].to_numpy(), kind="stable")].reset_index(drop=True)
        return gpd.GeoDataFrame(rows, geometry="geometry", crs="EPSG:4326")

    def _table(self, edges: Edges, grid: Grid) -> pd.DataFrame:
        """Return streets as the columns of a region."""
        i, j = edges.ends[:, 0], edges.ends[:, 1]
        kind, key = edges.number % 4, j * 4 + edges.number % 4
        lonlat = np.column_stack(self.to_lonlat.transform(*edges.metric.T))
        lines = shapely.linestrings(
            lonlat, indices=np.repeat(np.arange(len(i)), np.diff(edges.start))
        )
        way = np.where(kind == 2, 3, np.searchsorted([0.015, 0.1], self.draw(60, i, key)))
        way = np.where(kind == 2, 3, np.array([1, 2, 0])[np.minimum(way, 2)])
        named = np.where(kind == 2, 4, (self.draw(61, i, key) * 5).astype(np.int64))
        one_way = self.draw(62, i, key) < 0.02
        home = grid.tiles_at(*edges.metric[edges.start[:-1]].T)
        return pd.DataFrame(
            {
                "edge": edges.number,
                "from": morton(i, j),
                "to": morton(edges.ends[:, 2], edges.ends[:, 3]),
                "home": _tile_names(home),
                "length_m": _length_m(edges, lonlat),
                "class": _words(_KINDS, way),
                "name": _words(np.array(_NAMES, object), named),
                "steps": way == 1,
                "incline": _words(np.array([None], object), np.zeros(len(i), np.int64)),
                "forward": np.ones(len(i), bool),
                "backward": ~one_way,
                "bridge_tunnel": _words(np.array([None, "bridge"], object), (kind == 2) * 1),
                "wheelchair": _words(
                    np.array(["no", None], object), (self.draw(63, i, key) >= 0.01) * 1
                ),
                "osm_id": edges.number,
                "geometry": gpd.array.GeometryArray(np.asarray(lines), crs="EPSG:4326"),
            }
        )

    def demand(self, grid: Grid, tile: Tile) -> gpd.GeoDataFrame:
        """Return the demand points of a tile: one for five nodes."""
        i, j = self.window(grid.box(tile), 2).corners()
        lives = self.draw(70, i, j) < np.where(self.lake(i, j), 0.02, 0.2)
        i, j = i[lives], j[lives]
        aside = np.column_stack([self.draw(71 + k, i, j) for k in (0, 1)])
        place = self.position(i, j) + (aside - 0.5) * 80
        here = (grid.tiles_at(*place.T) == tile).all(axis=1)
        i, j, place = i[here], j[here], place[here]
        code = morton(i, j)
        order = np.argsort(code)
        i, j, place = i[order], j[order], place[order]
        crowd = self.draw(73, i, j)
        return self._points(
            {
                "community_id": _community_ids(i // _COMMUNITY[0], j // _COMMUNITY[1]).array,
                "population": np.floor(crowd * crowd * 60 * 64) / 64,
            },
            place,
            _ids("d", code[order], "demand_id"),
        )

    def communities(self) -> pd.DataFrame:
        """Return every community."""
        columns, rows = (self.side // size + 1 for size in _COMMUNITY)
        a, b = Window(0, 0, columns, rows).corners()
        named = _community_ids(a, b)
        return pd.DataFrame(
            {
                "name": ("Community " + named.str.slice(1)).to_numpy(),
                "district": _community_ids(a // 4, b // 4).str.replace("c", "District ").to_numpy(),
            },
            index=pd.Index(named, name="community_id"),
        ).astype("str")

    def shelters(self, grid: Grid, tile: Tile) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
        """Return the shelters that a tile needs, and the entrances in it."""
        margin = math.ceil(_LARGEST_PARK_M / BLOCK_M) + 3
        i, j = self.window(grid.box(tile), margin).corners()
        there = self.draw(80, i, j) < 1 / 400
        i, j = i[there], j[there]
        code = morton(i, j)
        order = np.argsort(code)
        i, j, code = i[order], j[order], code[order]
        drawn = [self.draw(81 + k, i, j) for k in range(9)]
        middle = self.position(i, j) + np.column_stack(drawn[:2]) * 40 - 20
        half = np.where(
            drawn[2] < 0.02, _LARGEST_PARK_M * (0.3 + 0.7 * drawn[3]), 12 + 60 * drawn[3]
        )
        box = shapely.box(*(middle - half[:, None]).T, *(middle + half[:, None]).T)
        ids = _ids("s", code, "shelter_id")
        gates = 1 + (drawn[4] * 4).astype(np.int64)
        owner = np.repeat(np.arange(len(i)), gates)
        turn = (np.arange(len(owner)) - np.repeat(np.cumsum(gates) - gates, gates)) * 2
        at = middle[owner] + _TURNS[turn % 8] * half[owner][:, None]
        door_here = (grid.tiles_at(*at.T) == tile).all(axis=1)
        needed = (grid.tiles_at(*middle.T) == tile).all(axis=1)
        needed[owner[door_here]] = True
        rows = np.flatnonzero(needed)
        known = np.array(["open", "unknown", "closed", "full"], object)
        fit = np.array(["yes", "no", "unknown"], object)
        shelters = gpd.GeoDataFrame(
            {
                "name": ("Park " + ids[rows].str.slice(1)).to_numpy(),
                "kind": "emergency",
                "indoor": False,
                "capacity": np.where(drawn[5] < 0.3, np.nan, np.floor(drawn[5] * 4000))[rows],
                "area_m2": ((2 * half) ** 2)[rows],
                "fit_flood": fit[(drawn[6] * 3).astype(np.int64)][rows],
                "wheelchair": np.where(drawn[7] < 0.05, "no", "unknown")[rows],
                "status": known[np.searchsorted([0.9, 0.95, 0.98], drawn[8])][rows],
                "source": "synthetic",
            },
            geometry=self._lonlat_shapes(box[rows]),
            index=ids[rows],
            crs="EPSG:4326",
        )
        rows = np.flatnonzero(door_here)
        nth = pd.Series(turn[rows] // 2).astype("str")
        doors = self._points(
            {
                "shelter_id": ids[owner[rows]].to_numpy(),
                "emergency_only": self.draw(90, i[owner], j[owner] * 4 + turn // 2)[rows] < 0.05,
                "how": "outline",
            },
            at[rows],
            pd.Index(
                ids[owner[rows]].astype("str") + "-" + nth.to_numpy(),
                dtype="str",
                name="entrance_id",
            ),
        )
        return _checked("shelters", shelters), _checked("entrances", doors)

    def candidates(self, grid: Grid, tile: Tile) -> gpd.GeoDataFrame:
        """Return the candidate sites of a tile: in clusters, so that they share demand."""
        i, j = self.window(grid.box(tile), 2).corners()
        dense = np.where(self.draw(100, i // 60, j // 60) < 0.2, 1 / 60, 1 / 900)
        there = (self.draw(101, i, j) < dense) & ~self.lake(i, j)
        code = morton(i[there], j[there])
        order = np.argsort(code)
        i, j, code = i[there][order], j[there][order], code[order]
        place = self.position(i, j)
        here = (grid.tiles_at(*place.T) == tile).all(axis=1)
        ids = _ids("k", code[here], "site_id")
        named = {"name": ("Site " + ids.str.slice(1)).to_numpy(), "kind": "park"}
        rows = self._points(
            {**named, "capacity": 500.0, "cost": 1.0, "area_m2": 900.0}, place[here], ids
        )
        return _checked("candidates", rows)

    def hazards(self, grid: Grid, tile: Tile) -> gpd.GeoDataFrame:
        """Return the hazard zones whose box touches a tile."""
        near = self.window(grid.box(tile), 24)
        a, b = Window(*(one // _ZONE for one in near)).wider(1).corners()
        there = (a >= 0) & (b >= 0) & (self.draw(110, a, b) < 0.25)
        a, b = a[there], b[there]
        i, j = (
            c * _ZONE + (_ZONE * self.draw(111 + k, a, b)).astype(np.int64)
            for k, c in enumerate((a, b))
        )
        radius = 150 + 1200 * self.draw(113, a, b)
        stretch = np.column_stack([0.6 + 0.4 * self.draw(114 + k, a, b) for k in range(8)])
        ring = self.position(i, j)[:, None] + (stretch * radius[:, None])[..., None] * _TURNS
        shapes = shapely.polygons(ring)
        bounds = shapely.bounds(shapes)
        hit = _meets(bounds, grid, tile)
        a, b = a[hit], b[hit]
        order = np.argsort(morton(a, b))
        a, b = a[order], b[order]
        periods = np.array([10.0, 50.0, 200.0])
        zones = gpd.GeoDataFrame(
            {
                "piece": morton(a, b),
                "hazard": "flood",
                "level": 1 + (self.draw(122, a, b) * 4).astype(np.int64),
                "return_period": periods[(self.draw(123, a, b) * 3).astype(np.int64)],
                "source": "synthetic",
            },
            geometry=shapely.segmentize(self._lonlat_shapes(shapes[hit][order]), CORNER_EVERY),
            index=_ids("z", morton(a, b), "zone_id"),
            crs="EPSG:4326",
        )
        return _checked("hazards", zones)

    def _points(
        self, columns: dict[str, object], metric: Floats, index: pd.Index
    ) -> gpd.GeoDataFrame:
        lon, lat = self.to_lonlat.transform(*metric.T)
        points = gpd.points_from_xy(lon, lat, crs="EPSG:4326")
        table = pd.DataFrame(columns, index=index)
        return gpd.GeoDataFrame(table, geometry=points)

    def _lonlat_shapes(self, shapes: np.ndarray) -> np.ndarray:
        return np.asarray(
            shapely.transform(shapes, lambda xy: np.column_stack(self.to_lonlat.transform(*xy.T)))
        )

    def tile(self, grid: Grid, tile: Tile) -> dict[str, gpd.GeoDataFrame]:
        """Return every table of a tile that has rows."""
        shelters, entrances = self.shelters(grid, tile)
        found = {
            "streets": self.streets(grid, tile),
            "demand": self.demand(grid, tile),
            "shelters": shelters,
            "entrances": entrances,
            "candidates": self.candidates(grid, tile),
            "hazards": self.hazards(grid, tile),
        }
        return {name: rows for name, rows in found.items() if len(rows)}

    def tiles(self, grid: Grid) -> list[Tile]:
        """Return all tiles that may hold anything, row by row."""
        (x, y), far = self.corner_m, self.side * BLOCK_M
        (left, bottom), (right, top) = grid.tiles_at(
            [x - 1500, x + far + 1500], [y - 1500, y + far + 1500]
        )
        return [Tile(c, r) for r in range(bottom, top + 1) for c in range(left, right + 1)]


class Written(NamedTuple):
    """A country on disk."""

    region: Region
    drawn_s: float
    """Processor time to draw it, over all processes [s]."""
    cut_s: float
    """Processor time to write the tables of its tiles [s]."""


def write_city(city: City, folder: Path, tile_m: float, *, workers: int = 1) -> Written:
    """Write a country into a region."""
    folder.mkdir(parents=True, exist_ok=True)
    grid = Grid(CRS, tile_m)
    work = [(city, folder, grid, tile) for tile in city.tiles(grid)]
    if workers > 1:  # in processes of their own, whose memory is free again afterwards
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            done = list(pool.map(_write_tile, work))
    else:
        done = [_write_tile(one) for one in work]
    region = finish(
        folder,
        grid,
        [part for parts, *_ in done for part in parts],
        city.communities(),
        title=f"Synthetic country of {city.nodes:,} nodes",
        notes=["Drawn from a seed: no such place exists."],
        illustrative=("streets", "demand", "shelters", "entrances", "candidates", "hazards"),
    )
    return Written(region, sum(one[1] for one in done), sum(one[2] for one in done))


def _write_tile(work: tuple[City, Path, Grid, Tile]) -> tuple[list[Part], float, float]:
    city, folder, grid, tile = work
    began = time.process_time()
    tables = city.tile(grid, tile)
    drawn = time.process_time()
    parts = [write_part(folder, table, tile, rows) for table, rows in tables.items()]
    return parts, drawn - began, time.process_time() - drawn


def morton(i: Ints, j: Ints) -> Ints:
    """Return the place of a column and row on a Z curve.

    Examples
    --------
    >>> morton(np.array([0, 1, 0, 1, 2]), np.array([0, 0, 1, 1, 0])).tolist()
    [0, 1, 2, 3, 4]
    """
    return (_spread(i) | (_spread(j) << np.uint64(1))).astype(np.int64)


def _spread(number: Ints) -> Ints:
    """Put a 0 between the bits of whole numbers below 2^31."""
    key = np.asarray(number).astype(np.uint64)
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF),
        (8, 0x00FF00FF00FF00FF),
        (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    ):
        key = (key | (key << np.uint64(shift))) & np.uint64(mask)
    return key


def _meets(bounds: Floats, grid: Grid, tile: Tile) -> np.ndarray:
    """Return which boxes of the plane touch a tile."""
    first, last = grid.tiles_at(*bounds[:, :2].T), grid.tiles_at(*bounds[:, 2:].T)
    return ((first <= tile) & (last >= tile)).all(axis=1)


def _touching(edges: Edges, grid: Grid, tile: Tile) -> Edges:
    """Return the streets whose box touches a tile."""
    if not len(edges.number):
        return edges
    low = np.minimum.reduceat(edges.metric, edges.start[:-1])
    high = np.maximum.reduceat(edges.metric, edges.start[:-1])
    keep = _meets(np.column_stack([low, high]), grid, tile)
    if keep.all():
        return edges
    size = np.diff(edges.start)
    start = np.concatenate([[0], np.cumsum(size[keep])])
    return Edges(edges.number[keep], edges.ends[keep], edges.metric[np.repeat(keep, size)], start)


def _length_m(edges: Edges, lonlat: Floats) -> Floats:
    """Return the length of lines on the earth [m]; of short ones by the scale of the plane.

    It is right to 3 millionths, never less.
    """
    if not len(lonlat):
        return np.zeros(0)
    step = np.diff(edges.metric, axis=0, append=edges.metric[-1:])
    east = edges.metric[:, 0] + step[:, 0] / 2 - _MERIDIAN_M
    scale = 0.9996 + east * east / (2 * 0.9996 * _RADIUS_M**2)
    leg = np.sqrt((step * step).sum(axis=1)) / scale * (1 + 2e-6)
    leg[edges.start[1:] - 1] = 0.0
    length = np.add.reduceat(leg, edges.start[:-1])
    far = np.flatnonzero(edges.number % 4 == 2)
    first, last = lonlat[edges.start[far]], lonlat[edges.start[far + 1] - 1]
    length[far] = GEODESIC.inv(*first.T, *last.T)[2]
    return length


def _words(words: np.ndarray, code: Ints) -> pd.Series:
    """Return words by their number."""
    coded = pa.DictionaryArray.from_arrays(pa.array(code, pa.int32()), pa.array(words, pa.string()))
    return pd.Series(pd.array(coded.cast(pa.large_string()), dtype="str"))


def _tile_names(tiles: Ints) -> pd.Series:
    """Return the names of tiles."""
    known, code = np.unique(tiles, axis=0, return_inverse=True)
    return _words(np.array([str(Tile(*one)) for one in known.tolist()], object), code.ravel())


def _ids(letter: str, code: Ints, name: str) -> pd.Index:
    """Return ids that sort along the Z curve."""
    digits = pc.utf8_lpad(pa.array(code, pa.int64()).cast(pa.large_string()), 15, "0")
    text = pc.binary_join_element_wise(
        pa.scalar(letter, pa.large_string()), digits, pa.scalar("", pa.large_string())
    )
    return pd.Index(pd.array(text, dtype="str"), name=name)


def _community_ids(a: Ints, b: Ints) -> pd.Series:
    known, code = np.unique(np.column_stack([a, b]), axis=0, return_inverse=True)
    named = [f"c{column:04d}-{row:04d}" for column, row in known.tolist()]
    return _words(np.array(named, object), code.ravel())


def _checked(name: str, table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return tables.checked(name, table)
