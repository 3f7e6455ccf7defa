"""The ways of a country and the positions of their nodes, from a file that is read once.

A .osm.pbf file is read piece by piece. Its nodes are laid aside in the order of their ids, as
they stand in the file, and its ways in chunks. Then the nodes that each chunk needs are looked up
by a join on disk: the places where ways touch nodes are laid aside by blocks of node ids, each
block is looked through once, and what is found goes back to the chunk that asked.

Memory holds one piece of the file, one chunk of ways, or one block of nodes, and besides what
grows slowly: the different sets of tags, and some bytes for each chunk and each block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pyarrow as pa
import pyarrow.feather
from osmium.filter import KeyFilter
from osmium.io import FileBuffer, Reader

from shelterplan.errors import SourceError
from shelterplan.progress import Progress, silent
from shelterplan.scale.spill import Records, Spill
from shelterplan.sources import walk_rules
from shelterplan.sources.osm import NODE_KEYS, WAY_KEYS
from shelterplan.sources.osm_features import is_emergency_only, is_way_in
from shelterplan.sources.osm_file import EMPTY, Object, plain_errors, positions_and_objects
from shelterplan.sources.osm_pbf import PIECE_BYTES, pieces
from shelterplan.sources.streets import Ints
from shelterplan.sources.ways import Found, View, WayCollector, Ways

KNOWN, MOVED, CUT, STOP = 1, 2, 4, 8
"""What a mark says of a node: see `topology.Found`."""

_NODE = np.dtype([("id", "<i8"), ("x", "<i4"), ("y", "<i4"), ("mark", "u1")])
_ASKED = np.dtype([("id", "<i8"), ("chunk", "<i4"), ("at", "<i4")])
_GATE = np.dtype([("x", "<i4"), ("y", "<i4"), ("emergency_only", "u1")])
_ANSWER = np.dtype([("at", "<i4"), ("x", "<i4"), ("y", "<i4"), ("mark", "u1")])


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """How much is done at once; results do not depend on it."""

    piece_bytes: int = PIECE_BYTES
    """Unpacked size of a piece of the file [bytes]."""
    chunk_places: int = 1 << 18
    """Places where ways touch nodes that make a chunk of ways full."""
    block_nodes: int = 1 << 20
    """Nodes that are looked through together."""
    bucket_places: int = 1 << 18
    """Places where streets touch nodes that come together in a bucket, about."""
    group_places: int = 1 << 18
    """The same for a group of tiles."""


@dataclass
class Taken:
    """A file that was read: where its ways and nodes lie in the spill."""

    spill: Spill
    views: tuple[View, ...] = ()
    chunks: int = 0
    places: int = 0
    """Places where ways touch nodes."""
    nodes: int = 0
    """Nodes in the file, walked or not."""
    date: str = ""
    block_id: list[int] = field(default_factory=list)
    """First node id of each block of nodes."""
    block_size: list[int] = field(default_factory=list)
    """Nodes in each block."""

    def ways(self, chunk: int) -> Ways:
        """Read a chunk of ways."""
        table = pyarrow.feather.read_table(self.spill.path("ways", chunk), memory_map=False)
        osm_id, size, kind = (table[name].to_numpy() for name in ("osm_id", "size", "kind"))
        offset = np.concatenate([[0], np.cumsum(size)])
        name = np.array([*table["name"].to_pylist(), None], dtype=np.object_)[:-1]
        return Ways(osm_id, offset, self._refs(chunk), kind, name, self.views)

    def found(self, chunk: int, ref: Ints) -> Found:
        """Read what `look_up` found of the nodes of a chunk."""
        answer = np.zeros(ref.size, dtype=_ANSWER)
        given = self.spill.fetch("answers", chunk, _ANSWER)
        answer[given["at"]] = given
        marks = [(answer["mark"] & bit) > 0 for bit in (KNOWN, MOVED, CUT, STOP)]
        return Found(ref, answer["x"] / 1e7, answer["y"] / 1e7, *marks)

    def _refs(self, chunk: int) -> Ints:
        return np.fromfile(self.spill.path("refs", chunk), dtype="<i8")


def take_in(
    path: Path, spill: Spill, *, sizes: Sizes | None = None, progress: Progress = silent
) -> Taken:
    """Read a .osm.pbf file once, and lay its ways and nodes aside.

    Parameters
    ----------
    path
        A file in the order of ids, as all extracts are.
    spill
        Where things are laid aside: 17 bytes for each node of the file, some 8 for each place
        where a street touches one.
    sizes
        How much is done at once.
    progress
        Told how far the reading is.

    Raises
    ------
    SourceError
        The file is none, is damaged, or is not in order.
    """
    sizes = sizes or Sizes()
    taken = Taken(spill)
    nodes = _NodeWriter(taken, sizes.block_nodes)
    ways = _WayWriter(taken, sizes.chunk_places, path.name)
    date = ""
    with plain_errors(path):
        for piece in pieces(path, piece_bytes=sizes.piece_bytes):
            progress("reading the file", piece.share)
            source = FileBuffer(piece.content, "pbf")
            date = date or _date(FileBuffer(piece.content, "pbf"))
            stored, objects = positions_and_objects(source, *_filters())
            records = _marked(stored, objects)
            nodes.add(records, path.name)
            _lay_gates(records, objects, spill)
            ways.add(one for one in objects if one.kind == "way")
    ways.close()
    taken.views = ways.collector.views
    taken.date = date or ways.newest
    return taken


def _date(source: FileBuffer) -> str:
    """Return the state of the data as the head of a file has it."""
    with Reader(source, osmium.osm.NOTHING) as reader:
        return str(reader.header().get("osmosis_replication_timestamp"))


def _filters() -> tuple[Any, Any]:
    """Let the ways and nodes pass that may matter to walkers."""
    of_ways, of_nodes = KeyFilter(*WAY_KEYS), KeyFilter(*NODE_KEYS, "entrance")
    of_ways.enable_for(osmium.osm.WAY)
    of_nodes.enable_for(osmium.osm.NODE)
    return of_ways, of_nodes


def _marked(stored: Records, objects: Iterable[Object]) -> Records:
    """Return positions as records, with what the tags of a node say of it."""
    records = np.zeros(stored.size, dtype=_NODE)
    for name in ("id", "x", "y"):
        records[name] = stored[name]
    tagged = [one for one in objects if one.kind == "node" and one.osm_id > 0]
    marks = [
        CUT * walk_rules.node_cuts(one.tags) + STOP * walk_rules.node_stops_wheelchair(one.tags)
        for one in tagged
    ]
    at = _rows_of(records, tagged)
    np.bitwise_or.at(records["mark"], at, np.array(marks, dtype=np.uint8))
    return records


def _rows_of(records: Records, tagged: list[Object]) -> Ints:
    """Return where the nodes with tags stand among all."""
    ids = np.array([one.osm_id for one in tagged], dtype=np.int64)
    return np.searchsorted(records["id"], ids).astype(np.int64)


def _lay_gates(records: Records, objects: Iterable[Object], spill: Spill) -> None:
    """Lay the gates aside: which of them are a shelter's is seen when the shelters are known."""
    gates = [
        one for one in objects if one.kind == "node" and one.osm_id > 0 and is_way_in(one.tags)
    ]
    rows = records[_rows_of(records, gates)]
    found = np.zeros(rows.size, dtype=_GATE)
    found["x"], found["y"] = rows["x"], rows["y"]
    found["emergency_only"] = [is_emergency_only(one.tags) for one in gates]
    spill.add("gates", 0, found[found["x"] != EMPTY])


class _NodeWriter:
    """Lays nodes aside in blocks; all that have one id stand in one block."""

    def __init__(self, taken: Taken, block_nodes: int) -> None:
        self._taken = taken
        self._block_nodes = block_nodes
        self._last = 0

    def add(self, records: Records, name: str) -> None:
        """Lay the nodes of a piece of the file aside."""
        if not records.size:
            return
        ids = records["id"]
        if ids[0] < self._last or (np.diff(ids) < 0).any():
            raise SourceError(_unsorted(name))
        taken = self._taken
        taken.nodes += ids.size
        full = not taken.block_id or taken.block_size[-1] >= self._block_nodes
        if full and (not taken.block_id or ids[0] > self._last):
            taken.block_id.append(int(ids[0]))
            taken.block_size.append(0)
        taken.spill.add("nodes", len(taken.block_id) - 1, records)
        taken.block_size[-1] += ids.size
        self._last = int(ids[-1])


class _WayWriter:
    """Lays ways aside in chunks; all that have one id stand in one chunk."""

    def __init__(self, taken: Taken, chunk_places: int, name: str) -> None:
        self.collector = WayCollector()
        self.newest = ""
        self._taken = taken
        self._chunk_places = chunk_places
        self._file = name
        self._last = 0

    def add(self, objects: Iterable[Object]) -> None:
        """Gather the ways that are meant to be travelled."""
        for thing in objects:
            if not walk_rules.is_candidate(thing.tags):
                continue
            refs = list(map(int, thing.refs))
            if thing.osm_id < self._last or min(refs, default=1) < 0:
                raise SourceError(_unsorted(self._file))
            if len(self.collector) >= self._chunk_places and thing.osm_id > self._last:
                self.close()
            self._last = thing.osm_id
            self.collector.add(thing.osm_id, refs, thing.tags)
            self.newest = max(self.newest, thing.stamp)

    def close(self) -> None:
        """Write the chunk that has been gathered."""
        ways = self.collector.take()
        if not ways.osm_id.size:
            return
        taken = self._taken
        columns = {
            "osm_id": ways.osm_id,
            "size": np.diff(ways.offset),
            "kind": ways.kind,
            "name": pa.array(ways.name.tolist(), pa.large_string()),
        }
        path = taken.spill.path("ways", taken.chunks)
        pyarrow.feather.write_feather(pa.table(columns), path, compression="lz4")
        taken.spill.path("refs", taken.chunks).write_bytes(ways.ref.astype("<i8").tobytes())
        taken.chunks += 1
        taken.places += ways.ref.size


def _unsorted(name: str) -> str:
    return (
        f"{name} is not in the order of ids, or has the negative ids of an editor: sort it first "
        f"(osmium sort {name} -o sorted.osm.pbf)"
    )


def look_up(taken: Taken, *, progress: Progress = silent) -> None:
    """Find the nodes of all ways: see `Taken.found`. The nodes are thrown away.

    Parameters
    ----------
    taken
        What `take_in` has laid aside.
    progress
        Told how far it is.
    """
    spill, first_id = taken.spill, np.array(taken.block_id, dtype=np.int64)
    for chunk in range(taken.chunks):
        ref = taken._refs(chunk)  # noqa: SLF001
        asked = np.zeros(ref.size, dtype=_ASKED)
        asked["id"], asked["chunk"], asked["at"] = ref, chunk, np.arange(ref.size)
        block = np.searchsorted(first_id, ref, side="right") - 1
        spill.lay("asked", block[block >= 0], asked[block >= 0])
    for number in range(first_id.size):
        progress("looking nodes up", number / first_id.size)
        nodes = _distinct(spill.fetch("nodes", number, _NODE))
        for asked in spill.parts("asked", number, _ASKED):
            _answer(spill, nodes, asked)
        spill.drop("nodes", number)
        spill.drop("asked", number)
    progress("looking nodes up", 1.0)


def _distinct(nodes: Records) -> Records:
    """Return one record for each id: the first position, and all that is marked."""
    first = np.flatnonzero(np.diff(nodes["id"], prepend=nodes["id"][:1] - 1))
    if first.size == nodes.size:
        nodes["mark"] |= KNOWN
        return nodes
    one, count = nodes[first], np.diff(np.append(first, nodes.size))
    differs = (nodes["x"] != np.repeat(one["x"], count)) | (
        nodes["y"] != np.repeat(one["y"], count)
    )
    one["mark"] = np.bitwise_or.reduceat(nodes["mark"] | KNOWN | (MOVED * differs), first)
    return one


def _answer(spill: Spill, nodes: Records, asked: Records) -> None:
    """Give the chunks that asked what is known of their nodes."""
    at = np.minimum(np.searchsorted(nodes["id"], asked["id"]), nodes.size - 1)
    known = nodes["id"][at] == asked["id"]
    found, asked = nodes[at[known]], asked[known]
    answer = np.zeros(found.size, dtype=_ANSWER)
    answer["at"] = asked["at"]
    for name in ("x", "y", "mark"):
        answer[name] = found[name]
    spill.lay("answers", asked["chunk"].astype(np.int64), answer)


def gates(taken: Taken) -> Iterator[gpd.GeoDataFrame]:
    """Yield the mapped gates and entrances of the file, some at a time: see `read_gates`."""
    for some in taken.spill.parts("gates", 0, _GATE):
        yield gpd.GeoDataFrame(
            {"emergency_only": some["emergency_only"] > 0},
            geometry=gpd.points_from_xy(some["x"] / 1e7, some["y"] / 1e7),
            crs="EPSG:4326",
        )
