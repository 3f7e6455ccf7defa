"""Read the walkable streets of an OpenStreetMap file: .osm.pbf, .osm, .osm.gz, .osm.bz2."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import osmium
from osmium.filter import KeyFilter
from osmium.io import File, FileBuffer, Reader

from shelterplan.progress import Progress, silent
from shelterplan.sources import walk_rules
from shelterplan.sources.osm_file import positions, read_safely, tagged_objects
from shelterplan.sources.streets import Streets
from shelterplan.sources.topology import build_streets
from shelterplan.sources.ways import Nodes, WayCollector, Ways

__all__ = ["Streets", "read_streets"]

WAY_KEYS = ("highway", "railway", "route")
NODE_KEYS = ("barrier", "highway", "kerb")


def read_streets(path: str | Path, *, progress: Progress = silent) -> Streets:
    """Read the streets that people can walk along from an OpenStreetMap file.

    Parameters
    ----------
    path
        A .osm.pbf, .osm, .osm.gz or .osm.bz2 file; its content decides, not its name.
    progress
        Told how far the reading is.

    Returns
    -------
    Streets
        The streets table, what was left out and why, and the state of the data: the file's
        replication time, else the newest time stamp among the candidate ways.

    Raises
    ------
    SourceError
        The file cannot be read to its end, or is no OpenStreetMap file. Faults inside a readable
        file cost the pieces of way they touch and are counted in `Streets.dropped`.

    Notes
    -----
    Squares that are mapped as relations (multipolygons with `highway`) are not read: streets meet
    across them only where a way is drawn.
    """

    def read(source: File | FileBuffer) -> tuple[Ways, Nodes, str]:
        progress("reading ways", 0.0)
        ways, cuts, stops, date = _read_ways(source)
        progress("reading nodes", 0.3)
        wanted = np.sort(ways.ref)  # np.unique takes 20 times as long on a million ids
        wanted = wanted[np.diff(wanted, prepend=wanted[:1] - 1) > 0]
        ids, lon, lat = positions(source, wanted)
        return ways, Nodes(ids, lon, lat, cuts, stops), date

    ways, nodes, date = read_safely(Path(path), read)
    progress("joining streets", 0.7)
    streets = build_streets(ways, nodes, date=date)
    progress("joining streets", 1.0)
    return streets


def _read_ways(source: File | FileBuffer) -> tuple[Ways, frozenset[int], frozenset[int], str]:
    """Read the candidate ways, the nodes that cut them or stop a wheelchair, and the date."""
    with Reader(source, osmium.osm.NOTHING) as reader:
        date = reader.header().get("osmosis_replication_timestamp")
    of_ways, of_nodes = KeyFilter(*WAY_KEYS), KeyFilter(*NODE_KEYS)
    of_ways.enable_for(osmium.osm.WAY)
    of_nodes.enable_for(osmium.osm.NODE)
    entities = osmium.osm.NODE | osmium.osm.WAY
    ways = WayCollector()
    cuts: set[int] = set()
    stops: set[int] = set()
    newest = ""
    for thing in tagged_objects(source, entities, of_ways, of_nodes):
        if thing.kind == "node":
            if walk_rules.node_cuts(thing.tags):
                cuts.add(thing.osm_id)
            if walk_rules.node_stops_wheelchair(thing.tags):
                stops.add(thing.osm_id)
        elif walk_rules.is_candidate(thing.tags):
            ways.add(thing.osm_id, map(int, thing.refs), thing.tags)
            newest = max(newest, thing.stamp)
    return ways.ways(), frozenset(cuts), frozenset(stops), date or newest
