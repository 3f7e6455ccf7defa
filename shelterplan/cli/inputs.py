"""The tables that `build` is given: read one after the other, their problems told together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shelterplan.cli.streets import looks_like_osm
from shelterplan.errors import ShelterplanError, TableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import geopandas as gpd

    from shelterplan.sources.records import Checked
    from shelterplan.study_area import Source

AROUND_DEG = 0.05
"""Grids of a hazard are read this far around the communities: people walk beyond the border, but
hardly more than an hour [degrees; about 5 km]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """The files and choices that people give to `build`."""

    communities: Path
    population: Path
    shelters: Path
    candidates: Path | None = None
    candidates_from: tuple[str, ...] | None = None
    """Kinds of place that are candidates, from the file of the streets; none named: all."""
    hazards: tuple[Path, ...] = ()
    hazard: str = ""
    """Hazard of the files that do not name theirs."""
    levels: tuple[float, ...] | None = None
    """Depths at which levels begin [m]; None for our own."""
    elevation: Path | None = None
    datum: str = "wgs84"
    """Coordinate system of the shelters and candidates."""
    spread: str | None = None
    """What the people of zones are spread over: buildings or streets."""


@dataclass(frozen=True, eq=False, slots=True)
class Inputs:
    """The checked tables that a study area is made of."""

    communities: Checked
    population: Checked
    shelters: Checked
    candidates: Checked | None = None
    hazards: tuple[Checked, ...] = ()

    def tables(self) -> Iterator[tuple[str, str, Checked]]:
        """Yield the tables that were given: name of the table, name for people, the table.

        Of several files of one table people see the name of the file too.
        """
        yield "communities", "communities", self.communities
        yield "population", "population", self.population
        yield "shelters", "shelters", self.shelters
        if self.candidates is not None:
            yield "candidates", "candidates", self.candidates
        for number, one in enumerate(self.hazards, start=1):
            several = f" {number} ({one.facts['name']})" if len(self.hazards) > 1 else ""
            yield "hazards", f"hazards{several}", one

    def zones(self) -> gpd.GeoDataFrame | None:
        """Return the hazard zones of all files; with several, ids begin with the file's number."""
        import pandas as pd

        if not self.hazards:
            return None
        if len(self.hazards) == 1:
            return self.hazards[0].table
        return pd.concat(
            [
                one.table.set_axis(f"{number}-" + one.table.index.astype(str))
                for number, one in enumerate(self.hazards, start=1)
            ]
        )


def read_inputs(given: Given) -> Inputs:
    """Read every table; problems of all of them come together.

    Raises
    ------
    ShelterplanError
        Of the one file that cannot be used; `TableError` if there are several.
    """
    done: dict[str, Checked] = {}
    failures: list[ShelterplanError] = []

    def attempt(name: str, read: Callable[[], Checked]) -> None:
        try:
            done[name] = read()
        except ShelterplanError as error:
            failures.append(error)

    from shelterplan.sources.inputs import read_communities

    attempt("communities", lambda: read_communities(given.communities))
    here = done["communities"].table.total_bounds.tolist() if done else None
    for name, read in _jobs(given, here).items():
        attempt(name, read)
    if given.elevation is not None:
        failures.extend(_elevation_problem(given.elevation))
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise TableError("input files", [str(failure) for failure in failures])
    return Inputs(
        done["communities"],
        done["population"],
        done["shelters"],
        done.get("candidates"),
        tuple(done[name] for name in done if name.startswith("hazards")),
    )


def _jobs(given: Given, here: list[float] | None) -> dict[str, Callable[[], Checked]]:
    """Return what is to be read beside the communities, whose box is `here`.

    Grids are left alone as long as it is not known which part of them is wanted.
    """
    from shelterplan.sources import inputs as readers
    from shelterplan.sources.hazards import DEPTH_LEVELS_M, read_hazards
    from shelterplan.sources.raster import is_geotiff

    jobs: dict[str, Callable[[], Checked]] = {
        "population": lambda: readers.read_population(
            given.population, bounds=here, zones=given.spread is not None
        ),
        "shelters": lambda: readers.read_shelters(given.shelters, datum=given.datum),
    }
    candidates = given.candidates
    if candidates is not None:
        jobs["candidates"] = lambda: readers.read_candidates(candidates, datum=given.datum)
    around = None if here is None else _around(here)
    for number, path in enumerate(given.hazards):
        jobs[f"hazards {number}"] = partial(
            read_hazards,
            path,
            hazard=given.hazard,
            levels=given.levels or DEPTH_LEVELS_M,
            bounds=around,
        )
    paths = {"population": given.population} | {
        f"hazards {number}": path for number, path in enumerate(given.hazards)
    }
    waiting = {name for name, path in paths.items() if here is None and is_geotiff(path)}
    return {name: job for name, job in jobs.items() if name not in waiting}


def _around(here: list[float]) -> list[float]:
    """Return a box with `AROUND_DEG` around it, within the world.

    Examples
    --------
    >>> _around([7.0, 43.0, 7.5, 89.99])
    [6.95, 42.95, 7.55, 90.0]
    """
    west, south, east, north = here
    return [
        max(west - AROUND_DEG, -180.0),
        max(south - AROUND_DEG, -90.0),
        min(east + AROUND_DEG, 180.0),
        min(north + AROUND_DEG, 90.0),
    ]


def _elevation_problem(path: Path) -> list[ShelterplanError]:
    """Return why a file cannot be a grid of elevations; it is read once the streets are."""
    from shelterplan.sources.raster import check_raster

    try:
        check_raster(path)
    except ShelterplanError as error:
        return [error]
    return []


def check_spread(spread: str | None, streets: Path | None) -> None:
    """Stop where the buildings that people are to be spread over cannot be known."""
    if spread == "buildings" and not (
        streets is not None and streets.is_file() and looks_like_osm(streets)
    ):
        raise click.UsageError(
            "--spread buildings needs the buildings of an OpenStreetMap file: give it as "
            "--streets, or use --spread streets"
        )


def check_candidates(given: Given, streets: Path | None) -> None:
    """Stop where the candidate sites cannot be read from the file of the streets."""
    if given.candidates_from is None:
        return
    from shelterplan.sources.osm_candidates import wanted_kinds

    wanted_kinds(given.candidates_from)
    if given.candidates is not None:
        raise click.UsageError("give either --candidates or --candidates-from")
    if streets is None or not streets.is_file() or not looks_like_osm(streets):
        raise click.UsageError(
            "--candidates-from needs an OpenStreetMap file: give it as --streets, or give the "
            "sites with --candidates"
        )


def with_osm_candidates(
    inputs: Inputs, given: Given, path: Path | None, streets: gpd.GeoDataFrame, source: Source
) -> Inputs:
    """Return the inputs with the candidate sites of the file of the streets, if they are wanted.

    Sites farther than `AROUND_DEG` from the box of the communities are left out.
    """
    if given.candidates_from is None or path is None:
        return inputs
    import numpy as np

    from shelterplan.sources.osm_candidates import read_osm_candidates, wanted_kinds
    from shelterplan.sources.records import Checked, fault_frame

    kinds = wanted_kinds(given.candidates_from)
    found = read_osm_candidates(
        path,
        kinds=kinds,
        shelters=inputs.shelters.table,
        streets=streets,
        bounds=_around(inputs.communities.table.total_bounds.tolist()),
    )
    nothing = fault_frame("candidates", [])
    facts = {
        "name": source.name,
        "kind": "OpenStreetMap",
        "sha256": source.sha256,
        "date": source.date,
        "licence": source.licence,
        "note": ", ".join(kinds),
        "rows_read": len(found.sites),
        "rows_kept": len(found.sites),
        "left_out": found.left_out,
    }
    rows = np.arange(1, len(found.sites) + 1)
    return replace(inputs, candidates=Checked(found.sites, rows, nothing, nothing, facts))


def spread_people(
    inputs: Inputs, spread: str, path: Path | None, streets: gpd.GeoDataFrame
) -> Inputs:
    """Return the inputs with the people of zones spread over buildings or along streets."""
    from shelterplan.sources.spread import over_buildings, over_streets, read_homes

    people = (
        over_buildings(inputs.population, read_homes(path))
        if spread == "buildings" and path is not None
        else over_streets(inputs.population, streets)
    )
    return replace(inputs, population=people)
