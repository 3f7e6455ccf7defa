"""Run all benchmarks: ``python -m tests.benchmarks``; see ``--help``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks import memory, reading, resident, rooms, searches, siting, siting_more
from tests.benchmarks.city import build_city
from tests.benchmarks.measure import Line, table

_LIBRARIES = (
    "numba",
    "numpy",
    "scipy",
    "highspy",
    "networkx",
    "osmnx",
    "shapely",
    "osmium",
    "pyproj",
)


def lines_of(
    nodes: int,
    read_nodes: int,
    room_points: int,
    memory_nodes: int,
    times: int,
    siting_scale: float = 0.0,
    *,
    resident_nodes: int = 0,
    long: bool = False,
) -> Iterator[list[Line]]:
    """Yield the lines of each part as it is done; a size of 0 leaves the part out."""
    if nodes:
        world = searches.World(build_city(nodes))
        for part in (
            searches.nearest_lines,
            searches.catchment_lines,
            searches.route_lines,
            searches.pandana_lines,
        ):
            yield part(world, times)
        yield reading.snapping_lines(world.city, times)
        del world
    if read_nodes:
        yield reading.reading_lines(build_city(read_nodes), times)
    if room_points:
        yield rooms.room_lines(room_points, times)
    if memory_nodes:
        yield memory.memory_lines(memory_nodes)
    if resident_nodes:
        yield resident.resident_lines(resident_nodes)
    if siting_scale:
        yield siting.siting_lines(siting_scale, long=long)
        if long:
            yield siting_more.more_lines(siting_scale)


def main(arguments: list[str]) -> int:
    """Measure, print the table, write the JSON; return 1 if a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--nodes", type=int, default=300_000, help="size of the searched city")
    parser.add_argument("--read-nodes", type=int, default=40_000, help="size of the OSM file")
    parser.add_argument("--room-points", type=int, default=4_000, help="points that need room")
    parser.add_argument("--memory-nodes", type=int, default=1_000_000)
    parser.add_argument(
        "--resident-nodes", type=int, default=200_000, help="size of the offline map"
    )
    parser.add_argument("--siting-scale", type=float, default=1.0, help="size of the sited city")
    parser.add_argument("--long", action="store_true", help="the lines that take minutes, too")
    parser.add_argument("--times", type=int, default=9, help="runs of each line: medians are told")
    parser.add_argument("--out", type=Path, default=Path("artefacts/bench.json"))
    given = parser.parse_args(arguments)
    lines: list[Line] = []
    for part in lines_of(
        given.nodes,
        given.read_nodes,
        given.room_points,
        given.memory_nodes,
        given.times,
        given.siting_scale,
        resident_nodes=given.resident_nodes,
        long=given.long,
    ):
        lines += part
        print(f"{len(lines)} lines", file=sys.stderr)  # noqa: T201
    print(table(lines))  # noqa: T201
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(
        json.dumps(
            {
                "nodes": given.nodes,
                "read_nodes": given.read_nodes,
                "room_points": given.room_points,
                "memory_nodes": given.memory_nodes,
                "resident_nodes": given.resident_nodes,
                "siting_scale": given.siting_scale,
                "times": given.times,
                "cores": os.cpu_count(),
                "python": platform.python_version(),
                "machine": platform.machine(),
                "versions": {name: version(name) for name in _LIBRARIES},
                "lines": [line.record() for line in lines],
            },
            indent=1,
        )
        + "\n",
        encoding="utf-8",
    )
    return int(any(line.met is False for line in lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
