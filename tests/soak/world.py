"""A town in two versions, the commands that write about it, and what may lie on disk after each."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import shapely

from shelterplan.area_files import MANIFEST
from shelterplan.atomic import _DRAFT
from shelterplan.cli import main
from shelterplan.study_area import StudyArea
from tests.osm_xml import node, osm, way

LON, LAT, STEP = 100.0, 1.0, 0.001
DAY = "2026-01-31"
REPORTS = ("html", "pdf", "xlsx", "gpkg", "zip", "csv", "parquet")
"""Formats of `report`."""

Tree = dict[str, bytes]
"""Files below a folder, by their path in it."""


@dataclass(frozen=True)
class Job:
    """A command that writes into a folder, on the old and on the new town."""

    name: str
    run: Callable[[Path, str], None]
    """Does it, for a folder and a version: "old" or "new"."""
    has_old: bool = True
    """Whether something is there before, in half of the runs."""


def jobs(inputs: Path, endpoint: str) -> list[Job]:
    """Return everything that is killed; the inputs must have been written (see `write_inputs`)."""
    return [
        Job("build", lambda out, version: _cli(build_arguments(inputs, version, out / "t"))),
        *(_writer(inputs, f"report.{one}", "report", f"r.{one}", "--date", DAY) for one in REPORTS),
        _writer(inputs, "coverage --out", "coverage", "c.csv"),
        _writer(inputs, "cards", "cards", "k.html"),
        _writer(inputs, "resident-map", "resident-map", "map.html", "--installable"),
        _writer(inputs, "suggest --out", "suggest", "plan.geojson", "--sites", "1"),
        Job("download cache", lambda out, _: download(out, endpoint), has_old=False),
    ]


def _writer(inputs: Path, name: str, command: str, file: str, *more: str) -> Job:
    def run(out: Path, version: str) -> None:
        _cli([command, str(inputs / version / "town"), *more, "--out", str(out / file)])

    return Job(name, run)


def write_inputs(inputs: Path) -> None:
    """Write both versions of the town: the raw files and the study area made of them."""
    for version, people in (("old", 60), ("new", 75)):
        folder = inputs / version
        folder.mkdir(parents=True)
        points = {
            i * 4 + j + 1: (LON + j * STEP, LAT + i * STEP) for i in range(4) for j in range(4)
        }
        rows = [[i * 4 + j + 1 for j in range(4)] for i in range(4)]
        lines = [*rows, *([row[j] for row in rows] for j in range(4))]
        (folder / "town.osm").write_text(
            osm(
                *(node(number, *at) for number, at in points.items()),
                *(way(n, refs, {"highway": "residential"}) for n, refs in enumerate(lines, 1)),
            ),
            "utf-8",
        )
        _write_communities(folder / "c.geojson")
        _write_points(folder, people)
        _cli(build_arguments(inputs, version, folder / "town"))


def _write_points(folder: Path, people: int) -> None:
    (folder / "p.csv").write_text(
        f"lat,lon,population\n{LAT},{LON},{people}\n{LAT + 2 * STEP},{LON + STEP},30\nx,1,4\n"
        + (f"{LAT},{LON + 2 * STEP},9\n" if people > 60 else "50,50,9\n")
    )
    (folder / "s.csv").write_text(
        f"id,name,lat,lon,capacity\n1,School,{LAT + 2 * STEP},{LON + 2 * STEP},{people}\n"
    )
    (folder / "k.csv").write_text(
        f"id,name,lat,lon,capacity\n9,Park,{LAT},{LON + STEP},50\n8,Hall,{LAT + STEP},{LON},20\n"
    )


def _write_communities(path: Path) -> None:
    east = LON + 1.5 * STEP
    boxes = {
        "w": shapely.box(LON - STEP, LAT - STEP, east, LAT + 4 * STEP),
        "e": shapely.box(east, LAT - STEP, LON + 4 * STEP, LAT + 4 * STEP),
    }
    features = [
        {
            "type": "Feature",
            "geometry": json.loads(shapely.to_geojson(box)),
            "properties": {"id": key, "name": key.upper(), "district": "Town"},
        }
        for key, box in boxes.items()
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def build_arguments(inputs: Path, version: str, out: Path) -> list[str]:
    """Return the command line that builds one version of the town."""
    files = {"streets": "town.osm", "communities": "c.geojson", "population": "p.csv"}
    files |= {"shelters": "s.csv", "candidates": "k.csv"}
    given = [w for key, name in files.items() for w in (f"--{key}", str(inputs / version / name))]
    return ["build", str(out), *given]


def _cli(arguments: list[str]) -> None:
    """Run a command line of the program, silently."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):  # noqa: PTH123
        main(arguments, standalone_mode=False)


def download(out: Path, endpoint: str) -> None:
    """Download streets into a cache."""
    from shelterplan.sources.overpass import fetch_streets

    place = shapely.box(7.0, 43.0, 7.01, 43.01)
    fetch_streets(place, endpoint=endpoint, cache_dir=out / "cache", deadline_s=30)


def tree(folder: Path) -> Tree:
    """Return all files below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a folder hold these files and nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _units(files: Tree) -> dict[str, Tree]:
    """Group files by what is whole or not as one: a file, or a folder of files."""
    found: dict[str, Tree] = {}
    for name, content in files.items():
        found.setdefault(name.partition("/")[0], {})[name] = content
    return found


def visible(files: Tree) -> Tree:
    """Return files without what nobody reads: drafts."""
    return {
        name: content
        for name, content in files.items()
        if not any(_DRAFT.fullmatch(part) for part in name.split("/"))
    }


def states(folder: Path, old: Tree, new: Tree, *, opened: bool = False) -> dict[str, str]:
    """Return for each thing that a command writes: old, new, absent or damaged.

    A study area can be opened besides; that its files are the same to the bit is always looked at.
    """
    here, before, after = (_units(visible(files)) for files in (tree(folder), old, new))
    found = {}
    for unit in sorted({*here, *before, *after}):
        if MANIFEST in {Path(name).name for name in after.get(unit, {})}:
            found[unit] = _state_of_area(folder / unit, here, before, after)
            if opened and found[unit] in {"old", "new"}:
                StudyArea.open(folder / unit).network()
        elif unit not in here:
            found[unit] = "absent"
        else:
            versions = {"new": after.get(unit), "old": before.get(unit)}
            same = [version for version, files in versions.items() if files == here[unit]]
            found[unit] = same[0] if same else "damaged"
    return found


def _state_of_area(area: Path, here: dict[str, Tree], *known: dict[str, Tree]) -> str:
    """Compare a study area: it, and the list of what was left out, must be of one version."""
    unit = area.name
    files = here.get(unit, {})
    if f"{unit}/{MANIFEST}" not in files:
        strays = [name for name in files if not name.endswith(".parquet")]
        return "damaged" if strays or known[0] else "absent"
    listed = f"{unit}/quarantine.csv"
    for version, units in zip(("old", "new"), known, strict=True):
        whole = units.get(unit, {})
        if files.get(listed, whole.get(listed)) == whole.get(listed) and all(
            files.get(name) == content for name, content in whole.items() if name != listed
        ):
            return version
    return "damaged"
