"""From the files of a country to a region: read piece by piece, written tile by tile."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import shapely

from shelterplan import tables
from shelterplan.atomic import alone
from shelterplan.errors import AreaError
from shelterplan.progress import Progress, silent
from shelterplan.scale import tables_in
from shelterplan.scale.crossings import edges, meet, use_nodes
from shelterplan.scale.demand_in import lay_people, write_people
from shelterplan.scale.grid import Grid, region_crs
from shelterplan.scale.osm_stream import Sizes, gates, look_up, take_in
from shelterplan.scale.spill import Spill
from shelterplan.scale.store import MANIFEST, Part, Region, finish
from shelterplan.scale.street_tiles import Groups, lay_streets, write_streets
from shelterplan.sources.hazards import read_hazards
from shelterplan.sources.inputs import read_candidates, read_communities, read_shelters
from shelterplan.sources.records import Checked
from shelterplan.study_area import AROUND, Source

if TYPE_CHECKING:
    import geopandas as gpd

SPILL: Final = ".spill"
"""Folder within that of the region for what does not fit into memory; it is gone at the end."""
TILE_KM: Final = 25.0
"""Side of a tile by default [km]."""
OSM_LICENCE: Final = "© OpenStreetMap contributors, ODbL 1.0"


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """The files that a region is made of."""

    streets: Path
    """OpenStreetMap extract (.osm.pbf)."""
    demand: Path
    """Where how many people live: text table, map layer or GeoTIFF."""
    communities: Path
    """Polygons of the communities."""
    shelters: Path
    hazards: tuple[Path, ...] = ()
    candidates: Path | None = None
    illustrative: tuple[str, ...] = ()
    """Tables that are made up: said on every output."""


@dataclass(frozen=True, eq=False, slots=True)
class Ingested:
    """A region that was made, and what was found on the way."""

    region: Region
    dropped: pd.DataFrame
    """What was left out of the streets: rule, reason, ways, length_m."""
    quarantine: pd.DataFrame
    """Rows that could not be used: table, row, column, problem, mend."""
    rows: Mapping[str, int]
    """Rows of each table in the region, each once."""
    population: float
    """People in communities."""
    population_outside: float
    """People in no community: they are not in the region."""
    nodes: int
    """Nodes in the extract."""
    spilled_bytes: int
    """Most that lay aside on disk at the end of a step."""


def ingest(
    out: Path,
    files: Files,
    *,
    tile_km: float = TILE_KM,
    title: str = "",
    sizes: Sizes | None = None,
    progress: Progress = silent,
) -> Ingested:
    """Make a region of files. The same files give the same bytes.

    Parameters
    ----------
    out : Path
        Folder of the region: a new one, or that of an earlier region, which stays what it was
        until the new one is whole.
    files : Files
        What it is made of.
    tile_km : float
        Side of a tile [km].
    title : str
        Name that people read; by default that of the folder.
    sizes : Sizes, optional
        How much is done at once.
    progress : Progress
        Told of each stage.

    Raises
    ------
    SourceError, TableError
        A file cannot be read.
    AreaError
        The files do not fit together, or the folder holds something else.

    Notes
    -----
    Memory does not grow with the extract and with the number of people, but with the rows of the
    smaller tables (communities with their polygons, shelters, candidates, hazard zones), the
    different sets of tags, and by some bytes for each tile. On disk 17 bytes for each node of the
    extract are laid aside for a while, and some 100 for each place where a way touches a node.
    """
    refuse_foreign_folder(out)
    small = _read_small(files)
    out.mkdir(parents=True, exist_ok=True)
    with alone(out, patience_s=0.0):
        spill = Spill.fresh(out / SPILL)
        try:
            work = _Work(out, files, small, spill, progress)
            work.lay_streets(tile_km, sizes or Sizes())
            work.write()
            made = work.finish(title or out.resolve().name)
        except BaseException:
            spill.remove()
            if not (out / MANIFEST).exists():
                (out / SPILL).mkdir(exist_ok=True)  # the folder stays known as one of a region
            raise
        spill.remove()
        return made


def refuse_foreign_folder(out: Path) -> None:
    """Stop before anything is written among files that are no region's."""
    ours = any((out / name).exists() for name in (MANIFEST, SPILL))
    if out.is_dir() and any(out.iterdir()) and not ours:
        raise AreaError(f"{out.name} has other files in it: give a new folder")


def _read_small(files: Files) -> dict[str, Checked]:
    """Read the tables that are held in memory."""
    communities = read_communities(files.communities)
    west, south, east, north = communities.table.total_bounds.tolist()
    around = (west - AROUND, south - AROUND, east + AROUND, north + AROUND)
    found = {"communities": communities, "shelters": read_shelters(files.shelters)}
    if files.candidates is not None:
        found["candidates"] = read_candidates(files.candidates)
    for number, path in enumerate(files.hazards, start=1):
        found[f"hazards {number}"] = read_hazards(path, bounds=around)
    return found


class _Work:
    """What is known so far while a region is made."""

    def __init__(
        self, out: Path, files: Files, small: dict[str, Checked], spill: Spill, progress: Progress
    ) -> None:
        self.out, self.files, self.small, self.spill = out, files, small, spill
        self.progress = progress
        self.parts: list[Part] = []
        self.rows: dict[str, int] = {}
        self.spilled_bytes = 0

    def lay_streets(self, tile_km: float, sizes: Sizes) -> None:
        """Read the extract, and lay its streets aside by groups of tiles."""
        self.taken = take_in(self.files.streets, self.spill, sizes=sizes, progress=self.progress)
        self._measure()
        look_up(self.taken, progress=self.progress)
        self.met = use_nodes(self.taken, bucket_places=sizes.bucket_places, progress=self.progress)
        self._measure()
        meet(self.met, progress=self.progress)
        self._refuse_other_place()
        crs = region_crs(*self.met.extent)
        self.grid = Grid(crs.to_string(), tile_km * 1000)
        count = 1 + self.taken.places // sizes.group_places
        self.streets = Groups(self.spill, "streets", count)
        pieces = edges(self.met, progress=self.progress)
        self.rows["streets"] = lay_streets(pieces, self.grid, self.streets)
        self._measure()

    def _measure(self) -> None:
        self.spilled_bytes = max(self.spilled_bytes, self.spill.size())

    def _refuse_other_place(self) -> None:
        """Stop where the streets and the other files do not show the same place."""
        if not np.isfinite(self.met.extent).all():
            message = f"{self.files.streets.name} has no street that people can walk along"
            raise AreaError(message)
        streets = shapely.box(*self.met.extent)
        communities = shapely.box(*self.small["communities"].table.total_bounds)
        if not streets.intersects(communities):
            message = (
                "no street lies near a community: do both files show the same place, in longitude "
                "and latitude?"
            )
            raise AreaError(message)
        around = shapely.union_all([streets, communities]).envelope.buffer(AROUND)
        shelters = self.small["shelters"].table
        if not shelters.geometry.intersects(around).any():
            message = (
                f"None of the {len(shelters):,} shelters lies near the streets or the "
                "communities: do the files show the same place, with latitude and longitude not "
                "swapped?"
            )
            raise AreaError(message)

    def write(self) -> None:
        """Write every table of the region."""
        out, grid = self.out, self.grid
        self.parts += write_streets(self.streets, out, progress=self.progress)
        communities = self.small["communities"].table
        self.people = lay_people(
            self.files.demand, communities, grid, self.spill, progress=self.progress
        )
        self._measure()
        self.rows["demand"] = self.people.points
        self.parts += write_people(self.people, out, progress=self.progress)
        self._write_shelters()
        for table in ("candidates", "hazards"):
            rows = self._checked(table)
            self.rows[table] = len(rows)
            if table == "candidates":
                self.parts += tables_in.write_points(table, rows, grid, out)
            else:
                self.parts += tables_in.write_hazards(rows, grid, out)

    def _checked(self, table: str) -> gpd.GeoDataFrame:
        """Return a small table, of all its files, as `tables` wants it; ids stay different."""
        found = [one.table for name, one in self.small.items() if name.split()[0] == table]
        if len(found) > 1:
            found = [
                one.set_axis(f"{number}-" + one.index.astype(str))
                for number, one in enumerate(found, start=1)
            ]
        return tables.checked(table, pd.concat(found)) if found else tables.empty(table)

    def _write_shelters(self) -> None:
        """Find the entrances of the shelters, and write both."""
        shelters = tables_in.on_the_map(self._checked("shelters"), self.grid)
        mapped = tables_in.gates_of(shelters, gates(self.taken), self.grid)
        so_far = Region(
            folder=self.out,
            grid=self.grid,
            title="",
            sources=(),
            notes=(),
            illustrative=(),
            parts={(part.table, part.tile): part for part in self.parts},
            sha256="",
            _communities=("", ""),
        )
        entrances = tables_in.find_all_entrances(shelters, so_far, mapped, progress=self.progress)
        self.rows |= {"shelters": len(shelters), "entrances": len(entrances)}
        self.parts += tables_in.write_shelters(shelters, entrances, self.grid, self.out)
        self.parts += tables_in.write_points("entrances", entrances, self.grid, self.out)

    def finish(self, title: str) -> Ingested:
        """Put the manifest in place."""
        communities = self._checked("communities")
        self.rows["communities"] = len(communities)
        quarantine = [one.quarantine for one in self.small.values()] + self.people.quarantine
        region = finish(
            self.out,
            self.grid,
            self.parts,
            pd.DataFrame(communities[["name", "district"]]),
            title=title,
            sources=[asdict(source) for source in self._sources()],
            notes=self._notes(),
            illustrative=self.files.illustrative,
        )
        return Ingested(
            region,
            self.met.report.table(),
            pd.concat(quarantine, ignore_index=True),
            self.rows,
            self.people.population,
            self.people.population_outside,
            self.taken.nodes,
            self.spilled_bytes,
        )

    def _notes(self) -> list[str]:
        """Return what everybody who sees a result must know."""
        found, people = [], self.people
        read = {
            name: (one.facts["rows_read"], one.facts["rows_kept"])
            for name, one in self.small.items()
        }
        read["demand"] = (people.rows_read, people.points + people.outside)
        found += [
            f"{name}: {before - kept:,} of {before:,} rows could not be used."
            for name, (before, kept) in read.items()
            if before > kept
        ]
        if "note" in people.facts:
            found.append(f"demand: {people.facts['note']}.")
        if people.outside:
            total = people.population + people.population_outside
            found.append(
                f"demand: {people.population_outside:,.0f} of {total:,.0f} people "
                f"({people.outside:,} points) lie in no community and are not in the results."
            )
        away = len(self.small["shelters"].table) - self.rows["shelters"]
        if away:
            found.append(f"shelters: {away:,} lie on another side of the earth and are left out.")
        return found

    def _sources(self) -> list[Source]:
        """Return where each table came from."""
        with self.files.streets.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        streets = Source(
            table="streets",
            name=self.files.streets.name,
            date=self.taken.date,
            licence=OSM_LICENCE,
            sha256=digest,
            note="walkable ways and mapped gates",
        )
        facts: Iterable[tuple[str, Mapping[str, Any]]] = [
            *((name.split()[0], one.facts) for name, one in self.small.items()),
            ("demand", self.people.facts),
        ]
        return [streets, *(_source(table, one, self.files) for table, one in facts)]


def _source(table: str, facts: Mapping[str, Any], files: Files) -> Source:
    """Return where a table came from."""
    digest = str(facts["sha256"])
    if table == "demand":  # it was read from parts of the file
        with files.demand.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    about = [str(facts[key]) for key in ("kind", "encoding", "crs", "note") if facts.get(key)]
    return Source(table=table, name=str(facts["name"]), sha256=digest, note=", ".join(about))
