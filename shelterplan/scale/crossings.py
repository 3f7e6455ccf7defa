"""Where the streets of a country meet, found without holding more than a part of them.

Whether a way is cut at a node depends on all ways that touch it. Each chunk of ways therefore
tells how it uses its nodes; all that is told of one place on the ground comes together in one
bucket, by a number made of its position, so that nodes at the same place which ways join become
one node, as in `sources.topology`. What was found goes back to the chunks, and they cut their ways.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

import geopandas as gpd
import numpy as np

from shelterplan.progress import Progress, silent
from shelterplan.scale.osm_stream import CUT, STOP, Taken
from shelterplan.scale.spill import Records
from shelterplan.sources.streets import Bools, Floats, Ints, Report
from shelterplan.sources.topology import (
    attributes,
    cut_up,
    lay_out,
    lines,
    note_one_node,
    one_node_each,
    standing,
    walked,
    without_standing,
)
from shelterplan.sources.ways import Course

_USE = np.dtype([("node", "<i8"), ("chunk", "<i4"), ("at", "<i4"), ("ends", "u1"), ("mark", "u1")])
_LINK = np.dtype([("node", "<i8"), ("other", "<i8"), ("mark", "u1")])
_FOUND = np.dtype([("at", "<i4"), ("node", "<i8"), ("mark", "u1")])
_CROSSING: Final = 1
_FACTOR: Final = 0x9E3779B97F4A7C15
"""Odd number that scatters positions over the buckets."""


@dataclass
class Met:
    """Streets whose ways have told how they use their nodes."""

    taken: Taken
    buckets: int
    extent: tuple[float, float, float, float]
    """West, south, east, north of the streets [degrees]; not finite if there are none."""
    report: Report


def use_nodes(taken: Taken, *, bucket_places: int = 1 << 20, progress: Progress = silent) -> Met:
    """Measure the ways of each chunk, and tell how they use their nodes.

    Parameters
    ----------
    taken
        A file whose nodes have been looked up.
    bucket_places
        How much comes together in a bucket.
    progress
        Told how far it is.
    """
    met = Met(
        taken, 1 + taken.places // bucket_places, (np.inf, np.inf, -np.inf, -np.inf), Report()
    )
    for chunk in range(taken.chunks):
        progress("measuring ways", chunk / taken.chunks)
        ways = taken.ways(chunk)
        path = lay_out(ways, taken.found(chunk, ways.ref), met.report)
        taken.spill.drop("answers", chunk)
        pairs = standing(path)
        _lay_links(met, path, pairs)
        path = without_standing(path, pairs)
        start, length = walked(path, ways, met.report)
        note_one_node(path, ways, met.report)
        _lay_uses(met, chunk, path, start)
        _keep(met, chunk, path, start, length)
    progress("measuring ways", 1.0)
    return met


def _bucket(met: Met, lon: Floats, lat: Floats) -> Ints:
    """Return the bucket of each position."""
    x, y = (np.round(one * 1e7).astype(np.int64).view(np.uint64) for one in (lon, lat))
    mixed = (x * np.uint64(_FACTOR)) ^ (y * np.uint64(_FACTOR >> 7 | 1))
    mixed ^= mixed >> np.uint64(29)
    return ((mixed >> np.uint64(8)) % np.uint64(met.buckets)).astype(np.int64)


def _marks(path: Course) -> np.ndarray:
    return (CUT * path.cut + STOP * path.stop).astype(np.uint8)


def _lay_links(met: Met, path: Course, pairs: Ints) -> None:
    """Tell which nodes stand at the same place, one after the other on a way."""
    links = np.zeros(pairs.size, dtype=_LINK)
    mark = _marks(path)
    links["node"], links["other"] = path.node[pairs], path.node[pairs + 1]
    links["mark"] = mark[pairs] | mark[pairs + 1]
    met.taken.spill.lay("links", _bucket(met, path.lon[pairs], path.lat[pairs]), links)


def _lay_uses(met: Met, chunk: int, path: Course, start: Ints) -> None:
    """Tell which nodes the streets of a chunk use, and how many pieces end there."""
    ends = np.zeros(path.node.size, dtype=np.uint8)
    ends[start] += 1
    ends[start + 1] += 1
    at = np.flatnonzero(ends)
    lon, lat = path.lon[at], path.lat[at]
    if at.size:
        west, south, east, north = met.extent
        met.extent = (
            min(west, float(lon.min())),
            min(south, float(lat.min())),
            max(east, float(lon.max())),
            max(north, float(lat.max())),
        )
    uses = np.zeros(at.size, dtype=_USE)
    uses["node"], uses["chunk"], uses["at"] = path.node[at], chunk, at
    uses["ends"], uses["mark"] = ends[at], _marks(path)[at]
    met.taken.spill.lay("uses", _bucket(met, lon, lat), uses)


def _keep(met: Met, chunk: int, path: Course, start: Ints, length: Floats) -> None:
    """Lay the ways of a chunk aside as measured."""
    arrays = {item.name: getattr(path, item.name) for item in fields(path)}
    with met.taken.spill.path("paths", chunk).open("wb") as stream:
        np.savez(stream, allow_pickle=False, start=start, length=length, **arrays)


def meet(met: Met, *, progress: Progress = silent) -> None:
    """Bring together what is told of each node, and give it back to the chunks.

    Parameters
    ----------
    met
        As `use_nodes` gives it.
    progress
        Told how far it is.
    """
    spill = met.taken.spill
    for bucket in range(met.buckets):
        progress("finding crossings", bucket / met.buckets)
        uses = spill.fetch("uses", bucket, _USE)
        links = spill.fetch("links", bucket, _LINK)
        spill.lay("found", uses["chunk"].astype(np.int64), _judged(uses, links))
        spill.drop("uses", bucket)
        spill.drop("links", bucket)
    progress("finding crossings", 1.0)


def _judged(uses: Records, links: Records) -> Records:
    """Return for each use of a node its own number, and whether ways are cut there."""
    every = np.concatenate([uses["node"], links["node"], links["other"]])
    ids, row = np.unique(every, return_inverse=True)
    used, link, other = np.split(row, [uses.size, uses.size + links.size])
    lowest = one_node_each(ids.size, link, other) if links.size else np.arange(ids.size)
    used, link = lowest[used], lowest[link]
    count = np.bincount(used, minlength=ids.size)
    degree = np.bincount(used, uses["ends"], minlength=ids.size)
    mark = np.zeros(ids.size, dtype=np.uint8)
    np.bitwise_or.at(mark, used, uses["mark"])
    np.bitwise_or.at(mark, link, links["mark"])
    cut, stop = (mark & CUT) > 0, ((mark & STOP) > 0) & (degree <= 2)
    said = (_CROSSING * ((count > 1) | cut) + CUT * cut + STOP * stop).astype(np.uint8)
    found = np.zeros(uses.size, dtype=_FOUND)
    found["at"], found["node"], found["mark"] = uses["at"], ids[used], said[used]
    return found


def edges(met: Met, *, progress: Progress = silent) -> Iterator[gpd.GeoDataFrame]:
    """Cut the ways, and yield the streets chunk by chunk.

    Parameters
    ----------
    met
        After `meet`.
    progress
        Told how far it is.

    Yields
    ------
    GeoDataFrame
        The columns of the streets table. `from` and `to` are ids of nodes of OpenStreetMap; where
        nobody can walk past a node each street has an end of its own, with a negative number.
    """
    own = 0
    for chunk in range(met.taken.chunks):
        progress("cutting ways", chunk / met.taken.chunks)
        table = _cut(met, chunk, own)
        own += 2 * len(table)
        for name in ("ways", "refs", "paths", "found"):
            met.taken.spill.drop(name, chunk)
        if len(table):
            yield table
    progress("cutting ways", 1.0)


def _cut(met: Met, chunk: int, own: int) -> gpd.GeoDataFrame:
    """Cut the ways of one chunk; `own` numbers have been given to ends before."""
    ways = met.taken.ways(chunk)
    path, start, length = _kept(met, chunk)
    found = met.taken.spill.fetch("found", chunk, _FOUND)
    mark = np.zeros(path.node.size, dtype=np.uint8)
    mark[found["at"]] = found["mark"]
    path.node[found["at"]] = found["node"]
    pieces = cut_up(path, start, length, (mark & _CROSSING) > 0, met.report)
    table = attributes(ways, path.way[pieces.head], pieces.passing((mark & STOP) > 0))
    number = -1 - own - 2 * np.arange(pieces.head.size)
    cut: Bools = (mark & CUT) > 0
    table.insert(0, "from", np.where(cut[pieces.head], number, path.node[pieces.head]))
    table.insert(1, "to", np.where(cut[pieces.tail], number - 1, path.node[pieces.tail]))
    table.insert(2, "length_m", pieces.length_m)
    return gpd.GeoDataFrame(table, geometry=lines(path, pieces.head, pieces.tail), crs="EPSG:4326")


def _kept(met: Met, chunk: int) -> tuple[Course, Ints, Floats]:
    """Read the ways of a chunk as measured."""
    with np.load(met.taken.spill.path("paths", chunk), allow_pickle=False) as arrays:
        path = Course(*(arrays[item.name] for item in fields(Course)))
        return path, arrays["start"], arrays["length"]
