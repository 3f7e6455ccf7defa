"""From ways and node positions to a table of streets that meet at nodes.

Whoever reads OpenStreetMap data (a file, an Overpass answer) hands its ways and nodes to
`build_streets`. Ways are judged by the walk rules, cut where they meet, measured on the ellipsoid,
and every piece that cannot be trusted is left out and counted: one bad node costs its own
stretches, never the file.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TypeVar

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from shelterplan.sources import walk_rules
from shelterplan.sources.streets import (
    CHORD_TOLERANCE_M,
    MAX_SEGMENT_M,
    Bools,
    Floats,
    Ints,
    Report,
    Streets,
    geodesic_m,
    hilbert_order,
)
from shelterplan.sources.ways import Nodes, Ways

S = TypeVar("S", bound=np.generic)


@dataclass(frozen=True)
class _Path:
    """All ways laid end to end: one entry for each place where a way touches a node."""

    way: Ints
    """Number of the way, ascending."""
    node: Ints
    """Number of the node."""
    lon: Floats
    lat: Floats
    usable: Bools
    """False where the node is missing or its position cannot be used."""
    cut: Bools
    """True where nobody can walk past the node."""
    stop: Bools
    """True where a wheelchair cannot pass the node."""

    def only(self, mask: Bools) -> _Path:
        """Keep the marked entries."""
        return _Path(*(getattr(self, item.name)[mask] for item in fields(self)))


def build_streets(ways: Ways, nodes: Nodes, *, date: str = "") -> Streets:
    """Judge ways by the walk rules and join them to a table of streets.

    Parameters
    ----------
    ways
        The candidate ways (see `walk_rules.is_candidate`), walkable or not.
    nodes
        The nodes they touch.
    date
        The state of the data.

    Returns
    -------
    Streets
        Edges run from crossing to crossing. Nodes are numbered along a Hilbert curve, so that near
        ones have near numbers; edges are in the order of their nodes. Lengths are geodesic [m].

    Examples
    --------
    A path of three nodes that a street meets in the middle:

    >>> from shelterplan.sources.ways import WayCollector
    >>> collector = WayCollector()
    >>> collector.add(7, [1, 2, 3], {"highway": "path"})
    >>> collector.add(8, [2, 4], {"highway": "residential", "name": "Rue Basse"})
    >>> lon, lat = np.array([0, 0, 0, 0.001]), np.array([0, 0.001, 0.002, 0.001])
    >>> nodes = Nodes(np.array([1, 2, 3, 4]), lon, lat)
    >>> build_streets(collector.ways(), nodes).edges["length_m"].round(1).tolist()
    [110.6, 110.6, 111.3]
    """
    report = Report()
    kept = np.array([view.rule is None for view in ways.views], dtype=np.bool_)[ways.kind]
    path = _lay_out(ways, nodes, kept, report)
    start, length = _segments(path)
    lengths = np.bincount(path.way[start], np.minimum(length, MAX_SEGMENT_M), ways.osm_id.size)
    for rule in walk_rules.RULES:
        hit = np.array([view.rule is rule for view in ways.views], dtype=np.bool_)[ways.kind]
        report.add(rule.name, rule.reason, int(hit.sum()), lengths[hit].sum())
    keep = kept[path.way[start]]
    edges = _edges(path, start[keep], length[keep], ways, report)
    drawn = _repeated(ways.osm_id)
    drawn[path.way[start]] = True
    report.fault("one_node", np.flatnonzero(kept & ~drawn))
    kept_ways = int(edges["osm_id"].nunique())
    return Streets(edges, report.table(), kept_ways, date)


def _lay_out(ways: Ways, nodes: Nodes, kept: Bools, report: Report) -> _Path:
    """Look up the position of every node of every way, and note what cannot be used."""
    node_id, first, place_of = np.unique(nodes.osm_id, return_index=True, return_inverse=True)
    lon, lat = nodes.lon[first], nodes.lat[first]
    moved = np.zeros(node_id.size, dtype=np.bool_)
    differs = ~((nodes.lon == lon[place_of]) & (nodes.lat == lat[place_of]))
    differs &= np.isfinite(nodes.lon) | np.isfinite(nodes.lat)
    moved[place_of[differs]] = True
    on_earth = (np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0)

    way = np.repeat(np.arange(ways.osm_id.size), np.diff(ways.offset))
    at = np.minimum(np.searchsorted(node_id, ways.ref), max(node_id.size - 1, 0))
    known = node_id[at] == ways.ref if node_id.size else np.zeros(way.size, dtype=np.bool_)
    at = np.where(known, at, 0)
    twice = _repeated(ways.osm_id)
    mine = kept[way] & ~twice[way]
    faults = {
        "missing_node": ~known,
        "duplicate_node": known & _take(moved, at),
        "bad_position": known & ~_take(moved, at) & ~_take(on_earth, at),
    }
    usable = known.copy()
    for name, bad in faults.items():
        report.fault(name, way[bad & mine])
        usable &= ~bad
    report.fault("duplicate_way", np.flatnonzero(twice))
    path = _Path(
        way,
        at,
        _take(lon, at),
        _take(lat, at),
        usable,
        cut=usable & np.isin(ways.ref, list(nodes.cuts)),
        stop=usable & np.isin(ways.ref, list(nodes.stops_wheelchair)),
    )
    return _collapse(path.only(~twice[way]))


def _take(values: npt.NDArray[S], at: Ints) -> npt.NDArray[S]:
    """Look values up, with something for every place even where there are no values."""
    return values[at] if values.size else np.zeros(at.size, dtype=values.dtype)


def _repeated(ids: Ints) -> Bools:
    """Mark every entry whose id stood in the list before."""
    repeated = np.ones(ids.size, dtype=np.bool_)
    repeated[np.unique(ids, return_index=True)[1]] = False
    return repeated


def _collapse(path: _Path) -> _Path:
    """Make one node of neighbours on a way that stand at the same place: no piece has length 0."""
    same = (path.way[1:] == path.way[:-1]) & path.usable[1:] & path.usable[:-1]
    same &= (path.lon[1:] == path.lon[:-1]) & (path.lat[1:] == path.lat[:-1])
    pairs = np.flatnonzero(same)
    if not pairs.size:
        return path
    count = int(path.node.max()) + 1
    links = coo_array(
        (np.ones(pairs.size, dtype=np.int8), (path.node[pairs], path.node[pairs + 1])),
        shape=(count, count),
    )
    label = connected_components(links, directed=False)[1]
    lowest = np.full(count, count, dtype=np.int64)
    np.minimum.at(lowest, label, np.arange(count))
    node = lowest[label[path.node]]
    merged = replace(path, node=node, cut=_any_at(node, path.cut), stop=_any_at(node, path.stop))
    return merged.only(np.concatenate([[True], ~same]))


def _any_at(node: Ints, mark: Bools) -> Bools:
    """Mark every entry whose node is marked somewhere."""
    marked = np.zeros(int(node.max(initial=0)) + 1, dtype=np.bool_)
    marked[node[mark]] = True
    return marked[node]


def _segments(path: _Path) -> tuple[Ints, Floats]:
    """Measure every straight piece between two usable neighbours of a way.

    Returns
    -------
    start, length
        Where in the path each piece starts, and its geodesic length [m].
    """
    joined = (path.way[1:] == path.way[:-1]) & path.usable[1:] & path.usable[:-1]
    start = np.flatnonzero(joined)
    return start, geodesic_m(
        path.lon[start], path.lat[start], path.lon[start + 1], path.lat[start + 1]
    )


def _edges(
    path: _Path, start: Ints, length: Floats, ways: Ways, report: Report
) -> gpd.GeoDataFrame:
    """Join the pieces of the kept ways from one crossing to the next."""
    far = length > MAX_SEGMENT_M
    report.fault("long_segment", path.way[start[far]], length[far].sum())
    start, length = start[~far], length[~far]

    crossing = (_uses(path, start) > 1) | path.cut
    opens = np.ones(start.size, dtype=np.bool_)
    opens[1:] = (np.diff(start) != 1) | crossing[start[1:]]
    first = np.flatnonzero(opens)
    head = start[first]
    tail = head + np.diff(np.append(first, start.size))
    length_m = np.add.reduceat(length, first) if first.size else np.zeros(0)
    chord = geodesic_m(path.lon[head], path.lat[head], path.lon[tail], path.lat[tail])
    good = np.isfinite(length_m) & (length_m >= chord - CHORD_TOLERANCE_M)
    report.fault("bad_length", path.way[head[~good]])
    head, tail = head[good], tail[good]
    stopped = _stops(path, head, tail, start)
    return _table(path, head, tail, length_m[good], stopped, ways)


def _uses(path: _Path, start: Ints) -> Ints:
    """Count for each entry how often the pieces in use touch its node."""
    used = np.zeros(path.node.size, dtype=np.bool_)
    used[start] = True
    used[start + 1] = True
    return np.bincount(path.node[used], minlength=int(path.node.max(initial=0)) + 1)[path.node]


def _stops(path: _Path, head: Ints, tail: Ints, start: Ints) -> Bools:
    """Mark the edges on which something stops a wheelchair.

    A raised kerb where three ways meet stands in one of them, and the data does not say in which:
    it counts only between two pieces, or inside one.
    """
    touching = np.concatenate([path.node[start], path.node[start + 1]])
    degree = np.bincount(touching, minlength=int(path.node.max(initial=0)) + 1)[path.node]
    before = np.concatenate([[0], np.cumsum(path.stop & (degree <= 2))])
    return np.asarray(before[tail + 1] > before[head], dtype=np.bool_)


def _table(
    path: _Path,
    head: Ints,
    tail: Ints,
    length_m: Floats,
    stopped: Bools,
    ways: Ways,
) -> gpd.GeoDataFrame:
    """Give every node its number and write the streets table."""
    start_node, end_node = _number_nodes(path, head, tail)
    way = path.way[head]
    order = np.lexsort((head, ways.osm_id[way], end_node, start_node))
    head, tail, way = head[order], tail[order], way[order]
    about = pd.DataFrame([view.about for view in ways.views], columns=list(_ABOUT)).astype(_ABOUT)
    table = about.iloc[ways.kind[way]].reset_index(drop=True)
    table.insert(1, "name", pd.Series(ways.name[way], dtype="str"))
    table["wheelchair"] = table["wheelchair"].mask(
        stopped[order] & table["wheelchair"].isna(), "no"
    )
    table.insert(0, "from", start_node[order])
    table.insert(1, "to", end_node[order])
    table.insert(2, "length_m", length_m[order])
    table["osm_id"] = ways.osm_id[way]
    edges = gpd.GeoDataFrame(table, geometry=_lines(path, head, tail), crs="EPSG:4326")
    return edges.rename_axis("edge")


_ABOUT = {
    "class": "str",
    "steps": "bool",
    "incline": "str",
    "forward": "bool",
    "backward": "bool",
    "bridge_tunnel": "str",
    "wheelchair": "str",
}
"""Columns of the streets table that come from `ways.About`, in its order."""


def _number_nodes(path: _Path, head: Ints, tail: Ints) -> tuple[Ints, Ints]:
    """Give the ends of the edges numbers; at a cut each edge has an end of its own."""
    ends = np.concatenate([head, tail])
    key = path.node[ends]
    cut = path.cut[ends]
    key[cut] = int(path.node.max(initial=0)) + 1 + np.arange(cut.sum())
    first, row = np.unique(key, return_index=True, return_inverse=True)[1:]
    number = hilbert_order(path.lon[ends[first]], path.lat[ends[first]])[row]
    return number[: head.size], number[head.size :]


def _lines(path: _Path, head: Ints, tail: Ints) -> npt.NDArray[np.object_]:
    """Draw each edge through the nodes from its head to its tail."""
    count = tail - head + 1
    edge = np.repeat(np.arange(head.size), count)
    entry = np.arange(edge.size) + np.repeat(head - np.cumsum(count) + count, count)
    where = np.column_stack([path.lon[entry], path.lat[entry]])
    return np.asarray(shapely.linestrings(where, indices=edge), dtype=np.object_)
