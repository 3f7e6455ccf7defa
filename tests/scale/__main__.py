"""Whether a country in tiles gives what it gives undivided, and what it takes.

``python -m tests.scale``; see ``--help``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from shelterplan import StudyArea
from shelterplan.scale.siting_region import suggest
from shelterplan.scale.stages import Parameters
from shelterplan.scenario import Scenario
from shelterplan.standards import AccessStandard
from tests.region_of import region_of
from tests.scale.city import WHOLE_M, City, Written, write_city
from tests.scale.exact import Run, differences, run

SMALL = 1_000_000
"""Nodes of the country on which halos that are too narrow are tried."""
MOST_WORK = 1.3
"""Work of all tiles together, as a multiple of the undivided run's, cutting included."""
MOST_MEMORY = 1.1
"""Peak memory of a worker in the largest country, as a multiple of that in the smallest."""
NARROW_LEG_M = 60.0
"""Longest way to the street where halos that are too narrow are tried: with the usual 500 m, half a
halo is still as wide as nearly all walks, which are not straight."""
NARROW_M = 2000.0
"""Longest walk there [m]."""
MONACO_M = (1500.0, 700.0, 400.0)
"""Sides of the tiles of Monaco [m]."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing that was tried."""

    what: str
    figure: str
    bar: str = ""
    met: bool | None = None
    """None: only told."""


class World:
    """Countries and runs over them, each made when it is first asked for."""

    def __init__(self, folder: Path, nodes: int, tile_km: float, parameters: Parameters) -> None:
        self.folder, self.nodes, self.tile_m = folder, nodes, tile_km * 1000
        self.parameters = parameters
        self._cities: dict[str, Written] = {}
        self._runs: dict[str, Run] = {}

    @property
    def small(self) -> int:
        """Nodes of the smaller country."""
        return min(SMALL, self.nodes)

    def city(self, nodes: int, tile_m: float) -> Written:
        """Return a country on disk."""
        name = f"{nodes}-{tile_m:.0f}"
        if name not in self._cities:
            self._cities[name] = write_city(City(nodes), self.folder / name, tile_m, workers=2)
        return self._cities[name]

    def run(
        self, nodes: int, tile_m: float, halo: float | None = None, *, leg_m: float | None = None
    ) -> Run:
        """Return a run over it; `leg_m` is the longest way to the street, if not the usual one."""
        name = f"{nodes}-{tile_m:.0f}-run-{halo}-{leg_m}"
        parameters = self.parameters
        if leg_m is not None:
            scenario = replace(parameters.scenario, max_leg_m=leg_m)
            parameters = Parameters.of(scenario, AccessStandard(max_distance_m=NARROW_M))
        if name not in self._runs:
            region = self.city(nodes, tile_m).region.folder
            # one process each time: two that share a machine's caches seem to work more than one
            self._runs[name] = run(region, self.folder / name, parameters, workers=1, halo=halo)
        return self._runs[name]

    def cuts(self) -> list[tuple[int, float]]:
        """Return how many nodes the country has, and the side of its tiles, each time [m]."""
        return sorted({(self.small, self.tile_m / 2), (self.nodes, self.tile_m)})


def exact(world: World) -> Iterator[Line]:
    """Compare tiles with the whole, and see that a halo too narrow is noticed."""
    for nodes, tile_m in world.cuts():
        whole, tiled = world.run(nodes, WHOLE_M), world.run(nodes, tile_m)
        walks = whole.walks
        count = differences(walks, tiled.walks)
        yield Line(
            what=f"{nodes:,} nodes in {len(tiled.outcome.tiles)} tiles",
            figure=f"{count:,} of {len(walks):,} walks differ",
            bar="none",
            met=count == 0 and len(walks) > 0,
        )
    walks = world.run(world.small, WHOLE_M, leg_m=NARROW_LEG_M).walks
    for halo, bar in ((1.0, "none"), (0.5, "some"), (0.0, "some")):
        found = world.run(world.small, world.tile_m / 2, halo, leg_m=NARROW_LEG_M).walks
        count = differences(walks, found)
        yield Line(
            what=f"walks up to {NARROW_M:,.0f} m, {halo:.0%} of the halo",
            figure=f"{count:,} of {len(walks):,} walks differ",
            bar=bar,
            met=(count == 0) == (bar == "none"),
        )


def monaco(world: World) -> Iterator[Line]:
    """Compare Monaco in tiles with Monaco undivided."""
    area, walks = StudyArea.open("monaco"), None
    for side in (WHOLE_M, *MONACO_M):
        folder = world.folder / f"monaco-{side:.0f}"
        region = region_of(area, folder, side)
        found = run(folder, folder / "run", world.parameters).walks
        if walks is None:
            walks = found
            continue
        count = differences(walks, found)
        yield Line(
            what=f"Monaco in {len(region.tiles)} tiles of {side:,.0f} m",
            figure=f"{count:,} of {len(walks):,} walks differ",
            bar="none",
            met=count == 0,
        )


def work(world: World) -> Iterator[Line]:
    """Compare the work of tiles with that of the whole."""
    for nodes, tile_m in world.cuts():
        whole, tiled = world.run(nodes, WHOLE_M), world.run(nodes, tile_m)
        cities = world.city(nodes, WHOLE_M), world.city(nodes, tile_m)
        spent = [one.cpu_s + city.cut_s for one, city in zip((whole, tiled), cities, strict=True)]
        ratio = spent[1] / spent[0]
        yield Line(
            what=f"work of {nodes:,} nodes in tiles of {tile_m / 1000:g} km, "
            f"walks up to {world.parameters.cutoff_m:,.0f} m",
            figure=f"{spent[1]:.1f} s, undivided {spent[0]:.1f} s: {ratio:.2f}x",
            bar=f"<= {MOST_WORK:g}x",
            met=ratio <= MOST_WORK if tile_m == world.tile_m else None,
        )
        yield Line(
            what="of it: writing the tables, and each stage",
            figure=f"cut {cities[1].cut_s:.1f} s, {tiled.by_stage}; "
            f"undivided {cities[0].cut_s:.1f} s, {whole.by_stage}",
        )
        disk = sum(one.stat().st_size for one in cities[1].region.folder.rglob("*.parquet"))
        yield Line(
            what="nodes a second and core; disk",
            figure=f"{nodes / spent[1]:,.0f}/s; {disk / nodes * 1e6 / 2**30:.3f} GiB for a "
            f"million nodes, in {len(cities[1].region.parts):,} files",
        )


def memory(world: World) -> Iterator[Line]:
    """Compare what a worker needs in countries of several sizes."""
    sizes = [round(0.4 * world.nodes), world.nodes]
    peaks = [world.run(nodes, world.tile_m / 2).worker_mib for nodes in sizes]
    ratio = peaks[-1] / peaks[0]
    yield Line(
        what="peak memory of a worker, " + ", ".join(f"{nodes:,}" for nodes in sizes) + " nodes",
        figure=", ".join(f"{peak:,.0f} MiB" for peak in peaks) + f": {ratio:.2f}x",
        bar=f"<= {MOST_MEMORY:g}x",
        met=ratio <= MOST_MEMORY,
    )
    yield Line(
        what="the same, undivided",
        figure=f"{world.run(world.small, WHOLE_M).worker_mib:,.0f} MiB for {world.small:,} nodes",
    )


def siting(world: World) -> Iterator[Line]:
    """Compare the plan of tiles with that of the whole."""
    plans = {}
    sides = (WHOLE_M, world.tile_m / 2)
    for side in sides:
        folder = world.run(world.small, side).outcome.run
        region = world.city(world.small, side).region.folder
        plans[side] = suggest(region, folder, world.parameters, 100, time_limit_s=60.0, workers=2)
    whole, tiled = (plans[side].divided for side in sides)
    same = whole.result.selected == tiled.result.selected
    yield Line(
        what=f"100 of {plans[sides[1]].candidates:,} sites, "
        f"{len(tiled.parts) + tiled.alone:,} parts",
        figure=f"{tiled.result.objective:,.0f} people, {tiled.result.status}, "
        f"{tiled.result.seconds:.1f} s; undivided {whole.result.objective:,.0f}",
        bar="the same",
        met=same and tiled.result.optimal == whole.result.optimal,
    )


def faults(world: World) -> Iterator[Line]:
    """Kill, break and restart: see `tests.scale.faults`."""
    from tests.scale import faults as trial

    del world
    failed = trial.main()
    yield Line(
        what="killed workers, killed drivers, broken files; Dask",
        figure="as told above",
        bar="same bytes",
        met=not failed,
    )


PARTS: dict[str, Callable[[World], Iterator[Line]]] = {
    "exact": exact,
    "work": work,
    "memory": memory,
    "siting": siting,
    "monaco": monaco,
    "faults": faults,
}


def size(text: str) -> int:
    """Return a number of nodes such as 10M or 200k."""
    unit = {"k": 1000, "M": 1_000_000}.get(text[-1:], 1)
    return int(float(text.rstrip("kM")) * unit)


def main(arguments: list[str]) -> int:
    """Try everything, print a table, write the JSON; return 1 if a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--nodes", type=size, default=size("10M"), help="nodes of the country")
    parser.add_argument(
        "--tile-km",
        type=float,
        default=100.0,
        help="side of a tile; half of it in the smaller country",
    )
    parser.add_argument("--distance-m", type=float, default=1000.0, help="longest walk")
    parser.add_argument("--folder", type=Path, help="where countries are kept; else in a new one")
    parser.add_argument("--json", type=Path, default=Path("artefacts/scale.json"))
    asked = parser.parse_args(arguments)
    for strange in set(asked.parts) - set(PARTS):
        parser.error(f"there is no part {strange!r}")
    parameters = Parameters.of(
        Scenario(room="ignored"), AccessStandard(max_distance_m=asked.distance_m)
    )
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="shelterplan-scale-"))
    try:
        lines = _all(World(folder, asked.nodes, asked.tile_km, parameters), asked.parts or [*PARTS])
    finally:
        if asked.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    _write(asked.json, lines, asked.nodes)
    return int(any(line.met is False for line in lines))


def _all(world: World, parts: list[str]) -> list[Line]:
    lines = []
    for name in parts:
        began = time.monotonic()
        for line in PARTS[name](world):
            lines.append(line)
            verdict = {None: "", True: "met", False: "MISSED"}[line.met]
            _tell(f"{name:<8}{line.what}\n{'':<10}{line.figure}  {line.bar}  {verdict}")
        _tell(f"{'':<8}({name}: {time.monotonic() - began:,.0f} s)")
    return lines


def _tell(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _write(file: Path, lines: list[Line], nodes: int) -> None:
    machine = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "nodes": nodes,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    found = {"machine": machine, "lines": [asdict(line) for line in lines]}
    file.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
