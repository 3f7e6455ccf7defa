"""Closed ground: streets are cut where it begins, and no walk leads over it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from shelterplan import earth
from shelterplan.network import WalkNetwork
from shelterplan.snap import NOWHERE, Places

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

MOST_CORNERS = 200
"""Polygons with more corners are cut into smaller ones, so that each test is quick."""
_TOUCH_M = 1e-6
"""Shorter runs through a polygon only touch it [m]."""
_PARTS = 1e9
"""Parts of a metre in which positions along lines are added up exactly."""
_ASIDE_M = 1e-3
"""A run with ground this near on one side only follows the border [m]."""


@dataclass(frozen=True, eq=False)
class Ground:
    """Polygons in a metric CRS, in pieces small enough to be searched quickly."""

    shapes: NDArray[np.object_]

    @classmethod
    def of(cls, polygons: Iterable[shapely.Geometry]) -> Ground:
        """Return the ground that polygons cover together."""
        return cls(_small(np.array(list(polygons), object)))

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The pieces, indexed by place."""
        return shapely.STRtree(self.shapes)

    def touches(self, shapes: NDArray[np.object_]) -> NDArray[np.bool_]:
        """Say which shapes have a point in common with the ground, its border included."""
        hit = np.zeros(len(shapes), bool)
        hit[self.tree.query(shapes, predicate="intersects")[0]] = True
        return hit

    def crosses(self, lines: NDArray[np.object_]) -> NDArray[np.bool_]:
        """Say which straight lines run through the ground, not only along or up to its border."""
        return np.bincount(self._runs(lines)[0], minlength=len(lines)) > 0

    def covered(
        self, lines: NDArray[np.object_]
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
        """Return the runs of straight lines over the ground: line, and from and to in metres."""
        line, part = self._runs(lines)
        start = shapely.get_point(lines[line], 0)
        ends = [shapely.distance(start, shapely.get_point(part, end)) for end in (0, -1)]
        return line, np.minimum(*ends), np.maximum(*ends)

    def _runs(self, lines: NDArray[np.object_]) -> tuple[NDArray[np.intp], NDArray[np.object_]]:
        """Return the parts of straight lines with ground on both sides: line, and part."""
        line, shape = self.tree.query(lines, predicate="intersects")
        runs = shapely.intersection(lines[line], self.shapes[shape])
        part, owner = shapely.get_parts(runs, return_index=True)
        long = shapely.length(part) > _TOUCH_M
        part, line = part[long], line[owner[long]]
        first, last = (shapely.get_coordinates(shapely.get_point(part, end)) for end in (0, -1))
        ahead = (last - first) / np.maximum(shapely.length(part), _TOUCH_M)[:, None]
        aside = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1) * _ASIDE_M
        middle = (first + last) / 2
        sides = [np.array(shapely.points(middle + side), ndmin=1) for side in (aside, -aside)]
        within = self.touches(sides[0]) & self.touches(sides[1])
        return line[within], part[within]


def _small(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return polygons as single ones of few corners."""
    parts = shapely.get_parts(shapes)
    parts = parts[shapely.get_dimensions(parts) == 2]
    large = shapely.get_num_coordinates(parts) > MOST_CORNERS
    small = [parts[~large]]
    for shape in parts[large]:
        x0, y0, x1, y1 = shape.bounds
        middle = ((x0 + x1) / 2, (y0 + y1) / 2)
        wide = x1 - x0 > y1 - y0
        halves = (
            [shapely.box(x0, y0, middle[0], y1), shapely.box(middle[0], y0, x1, y1)]
            if wide
            else [shapely.box(x0, y0, x1, middle[1]), shapely.box(x0, middle[1], x1, y1)]
        )
        small.append(_small(shapely.intersection(shape, np.array(halves, object))))
    return np.concatenate(small)


@dataclass(frozen=True, eq=False)
class Open:
    """A network without what is closed: whole edges, and pieces of those that were cut."""

    network: WalkNetwork
    parent: NDArray[np.int32]
    """Edge of the whole network that each edge is a piece of, ascending, shape (pieces,)."""
    start_mm: NDArray[np.int64]
    """Where each piece begins along its parent, shape (pieces,) [mm]."""
    stop_mm: NDArray[np.int64]
    """Where it ends [mm]."""

    def minus(self, shut: NDArray[np.bool_]) -> Open:
        """Return the network without some whole streets too.

        Parameters
        ----------
        shut : array of bool, shape (m,)
            Edges of the whole network that are closed from end to end.
        """
        keep = ~shut[self.parent]
        if keep.all():
            return self
        return Open(
            network=self.network.subset(keep),
            parent=self.parent[keep],
            start_mm=self.start_mm[keep],
            stop_mm=self.stop_mm[keep],
        )

    def moved(self, places: Places, blocked: NDArray[np.bool_]) -> Places:
        """Return places of the whole network on this one; those on closed ground are nowhere.

        Parameters
        ----------
        places : Places
            Snapped to the whole network.
        blocked : array of bool, shape (p,)
            Whose way to the street is closed.
        """
        row = np.flatnonzero(places.snapped & ~blocked)
        edge, offset = places.edge[row], places.offset_mm[row]
        first = np.searchsorted(self.parent, edge, "left")
        count = np.searchsorted(self.parent, edge, "right") - first
        who = np.repeat(np.arange(len(row)), count)
        piece = np.repeat(first - (np.cumsum(count) - count), count) + np.arange(len(who))
        on = (self.start_mm[piece] <= offset[who]) & (offset[who] <= self.stop_mm[piece])
        who, piece = who[on], piece[on]
        new_edge = np.full(len(places), NOWHERE, np.int32)
        new_offset = np.zeros(len(places), np.int64)
        new_edge[row[who]] = piece
        new_offset[row[who]] = offset[who] - self.start_mm[piece]
        return replace(places, edge=new_edge, offset_mm=new_offset)


def without(network: WalkNetwork, ground: Ground | None) -> Open:
    """Return a network without the streets on closed ground.

    An edge is cut where it crosses the border of the ground: what lies outside stays.

    Parameters
    ----------
    network : WalkNetwork
        With geometry.
    ground : Ground, optional
        Closed ground in the metric CRS of the network.
    """
    whole = network.edge_mm.astype(np.int64)
    if ground is None:
        every = np.arange(len(whole), dtype=np.int32)
        return Open(network=network, parent=every, start_mm=np.zeros_like(whole), stop_mm=whole)
    parent, start, stop = _open_pieces(whole, *_closed_runs(network, ground))
    node_u, node_v, count = _piece_ends(network, parent, start, stop)
    cut = (start > 0) | (stop < whole[parent])
    streets = network.with_geometry().iloc[parent].reset_index(drop=True)
    pieces = WalkNetwork(
        node_count=count,
        edge_u=node_u,
        edge_v=node_v,
        edge_mm=(stop - start).astype(np.uint32),
        forward=network.forward[parent],
        backward=network.backward[parent],
        streets=_cut_lines(network, streets, parent, start, stop, cut),
        crs=network.crs,
    )
    return Open(network=pieces, parent=parent, start_mm=start, stop_mm=stop)


def _closed_runs(
    network: WalkNetwork, ground: Ground
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the closed parts of edges: edge, and from and to along it, widened to whole mm."""
    lines = network.lines(np.arange(len(network.edge_mm)))
    hit = np.flatnonzero(ground.touches(lines))
    points, line_of = shapely.get_coordinates(lines[hit], return_index=True)
    along = np.r_[0.0, np.hypot(*np.diff(points, axis=0).T)]
    same = np.r_[False, line_of[1:] == line_of[:-1]]
    step = np.where(same, np.rint(along * _PARTS), 0.0).astype(np.int64)
    position = np.cumsum(step)  # whole numbers: other lines before it move nothing
    begin = position[np.searchsorted(line_of, np.arange(len(hit)), "left")]
    length = position[np.searchsorted(line_of, np.arange(len(hit)), "right") - 1] - begin
    second = np.flatnonzero(same)
    ends = np.stack([points[second - 1], points[second]], axis=1)
    segments = np.array(shapely.linestrings(ends), ndmin=1)
    which, low, high = ground.covered(segments)
    owner = line_of[second[which]]
    offset = (position[second[which] - 1] - begin[owner]) / _PARTS
    edge = hit[owner]
    scale = network.edge_mm[edge] / np.maximum(length[owner] / _PARTS, 1e-9)
    low_mm = np.floor((offset + low) * scale).astype(np.int64)
    high_mm = np.ceil((offset + high) * scale).astype(np.int64)
    return edge, np.maximum(low_mm, 0), np.minimum(high_mm, network.edge_mm[edge])


def _open_pieces(
    whole: NDArray[np.int64],
    edge: NDArray[np.int64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """Return what stays of each edge once its closed parts are taken out."""
    order = np.lexsort((low, edge))
    edge, low, high = edge[order], low[order], high[order]
    untouched = np.flatnonzero(np.bincount(edge, minlength=len(whole)) == 0)
    pieces = [np.stack([untouched, np.zeros(len(untouched), np.int64), whole[untouched]], axis=1)]
    firsts = np.flatnonzero(np.r_[True, edge[1:] != edge[:-1]][: len(edge)])
    for first, last in zip(firsts, np.r_[firsts[1:], len(edge)][: len(firsts)], strict=True):
        e = edge[first]
        reached = np.maximum.accumulate(np.r_[0, high[first:last]])
        begin, end = reached, np.r_[low[first:last], whole[e]]
        stays = end > begin
        pieces.append(
            np.stack([np.full(stays.sum(), e), begin[stays], end[stays]], axis=1).astype(np.int64)
        )
    rows = np.concatenate(pieces)
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    return rows[:, 0].astype(np.int32), rows[:, 1], rows[:, 2]


def _piece_ends(
    network: WalkNetwork,
    parent: NDArray[np.int32],
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
) -> tuple[NDArray[np.int32], NDArray[np.int32], int]:
    """Return the nodes of each piece, and how many there are: each cut is a node of its own."""
    at_u, at_v = start == 0, stop == network.edge_mm[parent]
    count = network.node_count
    node_u = np.where(at_u, network.edge_u[parent], count + np.cumsum(~at_u) - 1)
    count += int((~at_u).sum())
    node_v = np.where(at_v, network.edge_v[parent], count + np.cumsum(~at_v) - 1)
    count += int((~at_v).sum())
    return node_u.astype(np.int32), node_v.astype(np.int32), count


def _cut_lines(
    network: WalkNetwork,
    streets: gpd.GeoDataFrame,
    parent: NDArray[np.int32],
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    cut: NDArray[np.bool_],
) -> gpd.GeoDataFrame:
    """Return the streets with the lines of the pieces that were cut."""
    rows = np.flatnonzero(cut)
    if not len(rows):
        return streets
    to_lonlat = earth.to_lonlat(network.crs)
    lines = np.array(streets.geometry.array)
    for row in rows:
        edge = int(parent[row])
        length = max(int(network.edge_mm[edge]), 1)
        line = shapely.ops.substring(
            network.line(edge), start[row] / length, stop[row] / length, normalized=True
        )
        xy = shapely.get_coordinates(line)
        if len(xy) == 1:  # a piece of a millimetre
            xy = np.repeat(xy, 2, axis=0)
        lines[row] = shapely.LineString(np.column_stack(to_lonlat.transform(*xy.T)))
    metres = (stop - start) / 1000
    return streets.set_geometry(gpd.GeoSeries(lines, index=streets.index, crs=streets.crs)).assign(
        length_m=np.where(cut, metres, streets["length_m"])
    )
