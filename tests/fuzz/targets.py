"""What is fuzzed: each reader with its seeds, its changes and the check of what it gives."""

from __future__ import annotations

import shutil
import tempfile
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from shelterplan import area_files
from shelterplan.cli.streets import read_any_streets
from shelterplan.progress import silent
from shelterplan.scenario import Scenario
from shelterplan.siting.proposal import read_proposal
from shelterplan.sources import inputs, osm_features
from shelterplan.sources.hazards import read_hazards
from shelterplan.sources.lines import read_lines
from shelterplan.sources.osm import read_streets
from shelterplan.sources.osm_candidates import read_osm_candidates
from shelterplan.sources.raster import child_environment, read_raster
from shelterplan.sources.vector import _child_environment, read_vector
from shelterplan.study_area import StudyArea
from tests.fuzz import odd, oracle, packed, seeds

if TYPE_CHECKING:
    from collections.abc import Callable

BOUNDS = (7.01, 43.9, 7.05, 43.98)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A reader, and how it is fuzzed."""

    suffix: str
    seeds: Callable[[], list[bytes]]
    change: Callable[[bytes, Any], bytes]
    reads: tuple[tuple[Callable[[Path], Any], Callable[[Any], None]], ...]
    """Readers with their checks; the content decides which one is asked."""
    environment: Callable[[], dict[str, str]] = dict
    """What the process needs for a reader that usually runs in a child."""

    def chosen(self, data):
        """Return the reader and the check for an input: always the same for the same input."""
        return self.reads[zlib.crc32(data) % len(self.reads)]


ROWS = {
    "shelters": (inputs.read_shelters, oracle.rows_are_right("shelters")),
    "population": (inputs.read_population, oracle.rows_are_right("demand")),
    "candidates": (inputs.read_candidates, oracle.rows_are_right("candidates")),
    "communities": (inputs.read_communities, oracle.rows_are_right("communities")),
    "hazards": (lambda path: read_hazards(path, hazard="flood"), oracle.rows_are_right("hazards")),
}
STREETS = (lambda path: read_any_streets(path, None, silent).streets, oracle.streets_are_right)
LAYERS = (
    ROWS["shelters"],
    ROWS["communities"],
    ROWS["population"],
    ROWS["hazards"],
    ROWS["candidates"],
    (lambda path: read_lines(read_vector(path)), oracle.streets_are_right),
)
OSM = (
    (read_streets, oracle.streets_are_right),
    STREETS,
    (osm_features.read_gates, oracle.layer_is_right),
    (osm_features.read_buildings, oracle.layer_is_right),
    (
        lambda path: osm_features.read_shelters(path).shelters,
        lambda found: oracle.table_is_right("shelters", found),
    ),
    (
        lambda path: osm_features.read_areas(path, {"boundary": "administrative"}).closed,
        oracle.layer_is_right,
    ),
    (
        lambda path: read_osm_candidates(path).sites,
        lambda found: oracle.table_is_right("candidates", found),
    ),
)
GRIDS = (
    (read_raster, oracle.raster_is_right),
    (lambda path: read_raster(path, bounds=BOUNDS), oracle.raster_is_right),
    (inputs.read_population, oracle.rows_are_right("demand")),
)


@cache
def _area_files():
    return seeds.saved_area()


def open_area(path):
    """Open a study area that came as an archive of its files."""
    try:
        parts = packed.members(path.read_bytes())
    except Exception:  # noqa: BLE001  (an archive of the fuzzer's own, broken by it)
        parts = {"area.toml": path.read_bytes()}
    return _opened({Path(name).name: content for name, content in parts.items()})


def open_area_of_manifest(path):
    """Open a study area with good tables under a manifest."""
    return _opened(_area_files() | {"area.toml": path.read_bytes()})


def _table_of_area(name, content):
    """Read a table of a study area; one that was not changed is read once."""
    if content not in _area_files().values():
        return _FRAME(name, content)
    if content not in _GOOD:
        _GOOD[content] = _FRAME(name, content)
    return _GOOD[content].copy()


_FRAME = area_files._frame
_GOOD: dict[bytes, Any] = {}


def _opened(parts):
    folder = Path(tempfile.mkdtemp(prefix="fuzz-area-"))
    (folder / "area.toml").touch()  # without one, a message names the folder as it was given
    try:
        for name, content in parts.items():
            if name and "\0" not in name and len(name) < 200:
                (folder / name).write_bytes(content)
        with mock.patch.object(area_files, "_frame", _table_of_area):
            return StudyArea.open(folder)
    finally:
        shutil.rmtree(folder)


def _texts(*tables):
    return lambda: [
        *(seeds.csv_of(table) for table in tables),
        seeds.csv_of(tables[0], mark=";"),
        seeds.csv_of(tables[0], encoding="utf-16"),
        seeds.csv_of(tables[-1], encoding="gb18030"),
    ]


TARGETS = {
    "shelters-csv": Target(
        suffix=".csv",
        seeds=_texts(seeds.SHELTERS, seeds.CHINESE, seeds.JAPANESE, seeds.AMERICAN),
        change=odd.changed_csv,
        reads=(ROWS["shelters"],),
    ),
    "population-csv": Target(
        suffix=".csv",
        seeds=_texts(seeds.PEOPLE),
        change=odd.changed_csv,
        reads=(ROWS["population"],),
    ),
    "candidates-csv": Target(
        suffix=".csv",
        seeds=_texts(seeds.SITES),
        change=odd.changed_csv,
        reads=(ROWS["candidates"],),
    ),
    "shelters-xlsx": Target(
        suffix=".xlsx",
        seeds=lambda: [seeds.workbook_of(t) for t in (seeds.SHELTERS, seeds.CHINESE)],
        change=packed.changed_archive,
        reads=(ROWS["shelters"], ROWS["population"]),
    ),
    "geojson": Target(
        suffix=".geojson",
        seeds=lambda: [
            seeds.geojson_of(seeds.layer(k)) for k in ("communities", "hazards", "lines")
        ],
        change=packed.changed_json,
        reads=LAYERS,
    ),
    "shapefile": Target(
        suffix=".zip",
        seeds=lambda: seeds.saved_layers("shapefile"),
        change=packed.changed_archive,
        reads=LAYERS,
        environment=lambda: _child_environment("shapefile"),
    ),
    "gpkg": Target(
        suffix=".gpkg",
        seeds=lambda: seeds.saved_layers("gpkg"),
        change=packed.changed_gpkg,
        reads=LAYERS,
        environment=lambda: _child_environment("gpkg"),
    ),
    "parquet": Target(
        suffix=".parquet",
        seeds=lambda: seeds.saved_layers("parquet"),
        change=packed.changed_rows,
        reads=LAYERS,
        environment=lambda: _child_environment("parquet"),
    ),
    "osm-xml": Target(
        suffix=".osm",
        seeds=lambda: seeds.osm_files()["xml"],
        change=packed.changed_osm,
        reads=OSM,
    ),
    "osm-pbf": Target(
        suffix=".osm.pbf",
        seeds=lambda: seeds.osm_files()["pbf"],
        change=packed.changed_pbf,
        reads=OSM,
    ),
    "hazard-tiff": Target(
        suffix=".tif",
        seeds=seeds.grids,
        change=packed.changed_tiff,
        reads=(ROWS["hazards"],),
        environment=child_environment,
    ),
    "grid-tiff": Target(
        suffix=".tif",
        seeds=seeds.grids,
        change=packed.changed_tiff,
        reads=GRIDS,
        environment=child_environment,
    ),
    "area-toml": Target(
        suffix=".toml",
        seeds=lambda: [_area_files()["area.toml"]],
        change=packed.changed_manifest,
        reads=((open_area_of_manifest, oracle.area_is_right),),
    ),
    "area": Target(
        suffix=".zip",
        seeds=lambda: [packed.archive_of(_area_files())],
        change=packed.changed_area,
        reads=((open_area, oracle.area_is_right),),
    ),
    "proposal": Target(
        suffix=".geojson",
        seeds=seeds.proposals,
        change=packed.changed_json,
        reads=((read_proposal, oracle.proposal_is_right),),
    ),
    "scenario": Target(
        suffix=".toml",
        seeds=seeds.scenarios,
        change=packed.changed_toml,
        reads=((Scenario.from_toml, oracle.scenario_is_right),),
    ),
}
"""Every reader of what people bring, by name. Walkers of one's own stand in a scenario."""
