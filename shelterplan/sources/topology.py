"""From ways and node positions to a table of streets that meet at nodes.

Whoever reads OpenStreetMap data (a file, an Overpass answer) hands its ways and nodes to
`build_streets`; a country is too large for that and goes through the same steps piece by piece (see
`scale.crossings`). Ways are judged by the walk rules, cut where they meet, measured on the
ellipsoid, and every piece that cannot be trusted is left out and counted: one bad node costs its
own stretches, never the file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, TypeVar

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
from shelterplan.sources.ways import Course, Found, Nodes, Ways

S = TypeVar("S", bound=np.generic)


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
    path = _collapse(lay_out(ways, _look_up(ways, nodes), report))
    start, length = walked(path, ways, report)
    crossing = (_uses(path, start) > 1) | path.cut
    pieces = cut_up(path, start, length, crossing, report)
    note_one_node(path, ways, report)
    stopped = pieces.passing(path.stop & (_degree(path, start) <= 2))
    edges = _table(path, pieces, stopped, ways)
    return Streets(edges, report.table(), int(edges["osm_id"].nunique()), date)


def _look_up(ways: Ways, nodes: Nodes) -> Found:
    """Look up the node at every place of every way."""
    node_id, first, place_of = np.unique(nodes.osm_id, return_index=True, return_inverse=True)
    lon, lat = nodes.lon[first], nodes.lat[first]
    moved = np.zeros(node_id.size, dtype=np.bool_)
    differs = ~((nodes.lon == lon[place_of]) & (nodes.lat == lat[place_of]))
    differs &= np.isfinite(nodes.lon) | np.isfinite(nodes.lat)
    moved[place_of[differs]] = True
    at = np.minimum(np.searchsorted(node_id, ways.ref), max(node_id.size - 1, 0))
    known = node_id[at] == ways.ref if node_id.size else np.zeros(ways.ref.size, dtype=np.bool_)
    at = np.where(known, at, 0)
    return Found(
        at,
        _take(lon, at),
        _take(lat, at),
        known,
        _take(moved, at),
        np.isin(ways.ref, list(nodes.cuts)),
        np.isin(ways.ref, list(nodes.stops_wheelchair)),
    )


def is_kept(ways: Ways) -> Bools:
    """Mark the ways that people can walk along."""
    return np.array([view.rule is None for view in ways.views], dtype=np.bool_)[ways.kind]


def lay_out(ways: Ways, found: Found, report: Report) -> Course:
    """Lay all ways end to end, each once, and note what cannot be used.

    Parameters
    ----------
    ways
        Candidate ways.
    found
        What is known of each of `ways.ref`.
    report
        Gets what is wrong with the ways that people can walk along.
    """
    way = np.repeat(np.arange(ways.osm_id.size), np.diff(ways.offset))
    on_earth = (np.abs(found.lon) <= 180.0) & (np.abs(found.lat) <= 90.0)
    twice = _repeated(ways.osm_id)
    mine = is_kept(ways)[way] & ~twice[way]
    faults = {
        "missing_node": ~found.known,
        "duplicate_node": found.known & found.moved,
        "bad_position": found.known & ~found.moved & ~on_earth,
    }
    usable = found.known.copy()
    for name, bad in faults.items():
        report.fault(name, way[bad & mine])
        usable &= ~bad
    report.fault("duplicate_way", np.flatnonzero(twice))
    path = Course(
        way,
        found.node,
        found.lon,
        found.lat,
        usable,
        cut=usable & found.cut,
        stop=usable & found.stop,
    )
    return path.only(~twice[way])


def _take(values: npt.NDArray[S], at: Ints) -> npt.NDArray[S]:
    """Look values up, with something for every place even where there are no values."""
    return values[at] if values.size else np.zeros(at.size, dtype=values.dtype)


def _repeated(ids: Ints) -> Bools:
    """Mark every entry whose id stood in the list before."""
    repeated = np.ones(ids.size, dtype=np.bool_)
    repeated[np.unique(ids, return_index=True)[1]] = False
    return repeated


def standing(path: Course) -> Ints:
    """Return the entries after which a way stands still: its next node is at the same place."""
    same = (path.way[1:] == path.way[:-1]) & path.usable[1:] & path.usable[:-1]
    same &= (path.lon[1:] == path.lon[:-1]) & (path.lat[1:] == path.lat[:-1])
    return np.flatnonzero(same)


def without_standing(path: Course, pairs: Ints) -> Course:
    """Leave out the entries after those where a way stands still: no piece has length 0."""
    keep = np.ones(path.way.size, dtype=np.bool_)
    keep[pairs + 1] = False
    return path.only(keep)


def one_node_each(count: int, node: Ints, other: Ints) -> Ints:
    """Make one node of linked ones: return for each of `count` the lowest that it is linked to.

    Examples
    --------
    >>> one_node_each(5, np.array([1, 3]), np.array([3, 4])).tolist()
    [0, 1, 2, 1, 1]
    """
    ones = np.ones(node.size, dtype=np.int8)
    links = coo_array((ones, (node, other)), shape=(count, count))
    label = connected_components(links, directed=False)[1]
    lowest = np.full(count, count, dtype=np.int64)
    np.minimum.at(lowest, label, np.arange(count))
    return lowest[label]


def _collapse(path: Course) -> Course:
    """Make one node of neighbours on a way that stand at the same place."""
    pairs = standing(path)
    if not pairs.size:
        return path
    lowest = one_node_each(int(path.node.max()) + 1, path.node[pairs], path.node[pairs + 1])
    node = lowest[path.node]
    merged = replace(path, node=node, cut=_any_at(node, path.cut), stop=_any_at(node, path.stop))
    return without_standing(merged, pairs)


def _any_at(node: Ints, mark: Bools) -> Bools:
    """Mark every entry whose node is marked somewhere."""
    marked = np.zeros(int(node.max(initial=0)) + 1, dtype=np.bool_)
    marked[node[mark]] = True
    return marked[node]


def walked(path: Course, ways: Ways, report: Report) -> tuple[Ints, Floats]:
    """Measure the straight pieces that people can walk along.

    Parameters
    ----------
    path
        The ways as laid out.
    ways
        The same ways.
    report
        Gets what the walk rules leave out, and pieces that are too long to be true.

    Returns
    -------
    start, length
        Where in the path each piece starts, and its geodesic length [m].
    """
    start, length = _segments(path)
    lengths = np.bincount(path.way[start], np.minimum(length, MAX_SEGMENT_M), ways.osm_id.size)
    for rule in walk_rules.RULES:
        hit = np.array([view.rule is rule for view in ways.views], dtype=np.bool_)[ways.kind]
        report.add(rule.name, rule.reason, int(hit.sum()), lengths[hit].sum())
    keep = is_kept(ways)[path.way[start]]
    start, length = start[keep], length[keep]
    far = length > MAX_SEGMENT_M
    report.fault("long_segment", path.way[start[far]], length[far].sum())
    return start[~far], length[~far]


def note_one_node(path: Course, ways: Ways, report: Report) -> None:
    """Report the ways that people could walk along, had they two nodes."""
    drawn = _repeated(ways.osm_id)
    drawn[path.way[_joined(path)]] = True
    report.fault("one_node", np.flatnonzero(is_kept(ways) & ~drawn))


def _joined(path: Course) -> Ints:
    """Return the entries from which a straight piece runs to the next one."""
    joined = (path.way[1:] == path.way[:-1]) & path.usable[1:] & path.usable[:-1]
    return np.flatnonzero(joined)


def _segments(path: Course) -> tuple[Ints, Floats]:
    """Measure every straight piece between two usable neighbours of a way.

    Returns
    -------
    start, length
        Where in the path each piece starts, and its geodesic length [m].
    """
    start = _joined(path)
    return start, geodesic_m(
        path.lon[start], path.lat[start], path.lon[start + 1], path.lat[start + 1]
    )


class Pieces(NamedTuple):
    """Pieces of way from one crossing to the next."""

    head: Ints
    """Where in the path each begins."""
    tail: Ints
    """Where it ends: the last of its entries."""
    length_m: Floats

    def passing(self, mark: Bools) -> Bools:
        """Tell which pieces have a marked entry of the path, their ends included."""
        before = np.concatenate([[0], np.cumsum(mark)])
        return np.asarray(before[self.tail + 1] > before[self.head], dtype=np.bool_)


def cut_up(path: Course, start: Ints, length: Floats, crossing: Bools, report: Report) -> Pieces:
    """Join the straight pieces of each way from one crossing to the next.

    Parameters
    ----------
    path
        The ways as laid out.
    start, length
        As `walked` gives them.
    crossing
        Which entries of the path stand at crossings.
    report
        Gets the pieces whose length cannot be.
    """
    opens = np.ones(start.size, dtype=np.bool_)
    opens[1:] = (np.diff(start) != 1) | crossing[start[1:]]
    first = np.flatnonzero(opens)
    head = start[first]
    tail = head + np.diff(np.append(first, start.size))
    length_m = np.add.reduceat(length, first) if first.size else np.zeros(0)
    chord = geodesic_m(path.lon[head], path.lat[head], path.lon[tail], path.lat[tail])
    good = np.isfinite(length_m) & (length_m >= chord - CHORD_TOLERANCE_M)
    report.fault("bad_length", path.way[head[~good]])
    return Pieces(head[good], tail[good], length_m[good])


def _uses(path: Course, start: Ints) -> Ints:
    """Count for each entry how often the pieces in use touch its node."""
    used = np.zeros(path.node.size, dtype=np.bool_)
    used[start] = True
    used[start + 1] = True
    return np.bincount(path.node[used], minlength=int(path.node.max(initial=0)) + 1)[path.node]


def _degree(path: Course, start: Ints) -> Ints:
    """Count for each entry how many straight pieces end at its node.

    A raised kerb where three ways meet stands in one of them, and the data does not say in which:
    it counts only between two pieces, or inside one.
    """
    touching = np.concatenate([path.node[start], path.node[start + 1]])
    return np.bincount(touching, minlength=int(path.node.max(initial=0)) + 1)[path.node]


def _table(path: Course, pieces: Pieces, stopped: Bools, ways: Ways) -> gpd.GeoDataFrame:
    """Give every node its number and write the streets table."""
    head, tail, length_m = pieces
    start_node, end_node = _number_nodes(path, head, tail)
    order = np.lexsort((head, ways.osm_id[path.way[head]], end_node, start_node))
    head, tail = head[order], tail[order]
    table = attributes(ways, path.way[head], stopped[order])
    table.insert(0, "from", start_node[order])
    table.insert(1, "to", end_node[order])
    table.insert(2, "length_m", length_m[order])
    edges = gpd.GeoDataFrame(table, geometry=lines(path, head, tail), crs="EPSG:4326")
    return edges.rename_axis("edge")


def attributes(ways: Ways, way: Ints, stopped: Bools) -> pd.DataFrame:
    """Return what the streets table says of pieces of way, apart from their ends and lengths.

    Parameters
    ----------
    ways
        The ways.
    way
        Number of the way of each piece.
    stopped
        Whether something stops a wheelchair on it.
    """
    about = pd.DataFrame([view.about for view in ways.views], columns=list(_ABOUT)).astype(_ABOUT)
    table = about.iloc[ways.kind[way]].reset_index(drop=True)
    table.insert(1, "name", pd.Series(ways.name[way], dtype="str"))
    table["wheelchair"] = table["wheelchair"].mask(stopped & table["wheelchair"].isna(), "no")
    table["osm_id"] = ways.osm_id[way]
    return table


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


def _number_nodes(path: Course, head: Ints, tail: Ints) -> tuple[Ints, Ints]:
    """Give the ends of the edges numbers; at a cut each edge has an end of its own."""
    ends = np.concatenate([head, tail])
    key = path.node[ends]
    cut = path.cut[ends]
    key[cut] = int(path.node.max(initial=0)) + 1 + np.arange(cut.sum())
    first, row = np.unique(key, return_index=True, return_inverse=True)[1:]
    number = hilbert_order(path.lon[ends[first]], path.lat[ends[first]])[row]
    return number[: head.size], number[head.size :]


def lines(path: Course, head: Ints, tail: Ints) -> npt.NDArray[np.object_]:
    """Draw each edge through the nodes from its head to its tail."""
    count = tail - head + 1
    edge = np.repeat(np.arange(head.size), count)
    entry = np.arange(edge.size) + np.repeat(head - np.cumsum(count) + count, count)
    where = np.column_stack([path.lon[entry], path.lat[entry]])
    return np.asarray(shapely.linestrings(where, indices=edge), dtype=np.object_)
