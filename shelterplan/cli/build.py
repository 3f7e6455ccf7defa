"""The command that makes a study area of files: `build`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shelterplan.cli import text
from shelterplan.cli.files import csv_bytes, write_file
from shelterplan.cli.streets import read_any_streets
from shelterplan.errors import AreaError, ShelterplanError, TableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shelterplan.cli.streets import Network
    from shelterplan.progress import Progress
    from shelterplan.sources.assign import Assigned
    from shelterplan.sources.records import Checked
    from shelterplan.study_area import Source, StudyArea

FILE = click.Path(path_type=Path)
QUARANTINE = "quarantine.csv"
DIFFERENCE_SHARE = 0.01
"""Communities whose stated population differs by more than this from their points are counted."""


@dataclass(frozen=True, eq=False, slots=True)
class Inputs:
    """The checked tables that a study area is made of."""

    communities: Checked
    population: Checked
    shelters: Checked
    candidates: Checked | None

    def tables(self) -> dict[str, Checked]:
        """Return the tables that were given, by name."""
        every = {
            "communities": self.communities,
            "population": self.population,
            "shelters": self.shelters,
            "candidates": self.candidates,
        }
        return {name: checked for name, checked in every.items() if checked is not None}


@click.command(
    epilog="""\b
Example:
  shelterplan build mytown --streets mytown.osm.pbf --communities wards.geojson
      --population people.csv --shelters shelters.csv --title "My Town"
  shelterplan coverage mytown

\b
Files: communities are polygons (GeoJSON, GeoPackage, GeoParquet or zipped shapefile) with a name
and, if there is one, an id and a district. Population has lat, lon, population. Shelters have name,
lat, lon and, if known, capacity. Text tables may be UTF-8 or GB18030, with comma, semicolon or tab.
What cannot be used is written to OUT/quarantine.csv with its row number and how to mend it."""
)
@click.argument("out", type=click.Path(file_okay=False, path_type=Path), metavar="OUT")
@click.option(
    "--streets",
    type=FILE,
    help="OpenStreetMap file (.osm.pbf, .osm, .osm.gz), or a layer of lines.",
)
@click.option("--place", metavar="NAME", help="Download the streets of this place instead.")
@click.option("--communities", type=FILE, required=True, help="Polygons of the communities.")
@click.option("--population", type=FILE, required=True, help="Where how many people live.")
@click.option("--shelters", type=FILE, required=True, help="Existing shelters.")
@click.option("--candidates", type=FILE, help="Sites where a shelter could be.")
@click.option("--name", help="Short name of the study area; by default the name of OUT.")
@click.option("--title", help="Name that people read; by default the short name.")
@click.option("--json", "as_json", is_flag=True, help="Print a summary as JSON.")
def build(
    out: Path,
    streets: Path | None,
    place: str | None,
    communities: Path,
    population: Path,
    shelters: Path,
    candidates: Path | None,
    name: str | None,
    title: str | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Make a study area of your own files and save it in the folder OUT."""
    if (streets is None) == (place is None):
        raise click.UsageError("give either --streets or --place")
    _refuse_foreign_folder(out)
    progress = text.bar(shown=not as_json)
    inputs = read_inputs(communities, population, shelters, candidates)
    from shelterplan.sources.assign import assign_communities

    assigned = assign_communities(
        inputs.population.table, inputs.communities.table, rows=inputs.population.rows
    )
    network = read_any_streets(streets, place, progress)
    short = name or out.resolve().name
    area = assemble(inputs, assigned, network, name=short, title=title or short, progress=progress)
    area.save(out)
    write_quarantine(out, area, inputs)
    summary = summarise(area, inputs, assigned)
    if as_json:
        text.print_json(summary)
    else:
        _print_summary(out, area, summary)


def _refuse_foreign_folder(out: Path) -> None:
    """Stop before anything is written among files that are no study area's."""
    if out.is_dir() and any(out.iterdir()) and not (out / "area.toml").is_file():
        raise AreaError(f"{out} has other files in it: give a new folder")


def read_inputs(
    communities: Path, population: Path, shelters: Path, candidates: Path | None
) -> Inputs:
    """Read every table; problems of all of them come together.

    Raises
    ------
    ShelterplanError
        Of the one file that cannot be used; `TableError` if there are several.
    """
    from shelterplan.sources import inputs as readers

    jobs: list[tuple[Callable[..., Checked], Path]] = [
        (readers.read_communities, communities),
        (readers.read_population, population),
        (readers.read_shelters, shelters),
    ]
    if candidates is not None:
        jobs.append((readers.read_candidates, candidates))
    done: list[Checked] = []
    failures: list[ShelterplanError] = []
    for reader, path in jobs:
        try:
            done.append(reader(path))
        except ShelterplanError as error:
            failures.append(error)
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise TableError("input files", [str(failure) for failure in failures])
    return Inputs(done[0], done[1], done[2], done[3] if candidates is not None else None)


def assemble(
    inputs: Inputs,
    assigned: Assigned,
    network: Network,
    *,
    name: str,
    title: str,
    progress: Progress,
) -> StudyArea:
    """Make the study area of everything that was read."""
    import pandas as pd

    from shelterplan.study_area import StudyArea

    quarantine = pd.concat(
        [*(one.quarantine for one in inputs.tables().values()), assigned.quarantine],
        ignore_index=True,
    )
    return StudyArea.build(
        name=name,
        title=title,
        streets=network.streets,
        gates=network.gates,
        places=network.places,
        communities=inputs.communities.table.drop(columns="population"),
        demand=assigned.demand,
        shelters=inputs.shelters.table,
        candidates=None if inputs.candidates is None else inputs.candidates.table,
        quarantine=quarantine,
        sources=[network.source, *_sources(inputs)],
        notes=notes(inputs, assigned),
        progress=progress,
    )


def _sources(inputs: Inputs) -> list[Source]:
    from shelterplan.study_area import Source

    return [
        Source(
            table="demand" if name == "population" else name,
            name=one.facts["name"],
            sha256=one.facts["sha256"],
            note=", ".join(
                str(one.facts[key]) for key in ("kind", "encoding", "crs") if one.facts.get(key)
            ),
        )
        for name, one in inputs.tables().items()
    ]


def notes(inputs: Inputs, assigned: Assigned) -> list[str]:
    """Return what everybody who sees a result of this study area must know."""
    found = []
    for name, one in inputs.tables().items():
        lost = one.facts["rows_read"] - one.facts["rows_kept"]
        if lost:
            found.append(
                f"{name}: {lost:,} of {text.counted(one.facts['rows_read'], 'row')} could "
                f"not be used; see {QUARANTINE}."
            )
    if len(assigned.quarantine):
        found.append(
            f"population: {assigned.population_outside:,.0f} of {assigned.population_before:,.0f} "
            f"people ({text.counted(len(assigned.quarantine), 'point')}) lie in no community and "
            f"are not in the results; see {QUARANTINE}."
        )
    return found


def shelters_outside(inputs: Inputs) -> int:
    """Count the shelters that touch no community: kept, since people may walk there."""
    import shapely

    polygons = shapely.STRtree(inputs.communities.table.geometry.to_numpy())
    shelters = inputs.shelters.table.geometry.to_numpy()
    touching = polygons.query(shelters, predicate="intersects")[0]
    return len(shelters) - len(set(touching.tolist()))


def stated_population(inputs: Inputs, assigned: Assigned) -> dict[str, Any] | None:
    """Compare the population that the communities' file states with the sum of the points."""
    stated = inputs.communities.table["population"]
    if stated.isna().all():
        return None
    points = assigned.demand.groupby("community_id")["population"].sum()
    points = points.reindex(stated.index, fill_value=0.0)
    apart = (points - stated).abs() > DIFFERENCE_SHARE * stated.abs()
    return {
        "stated": float(stated.sum()),
        "points": float(points.sum()),
        "communities_apart": int(apart.sum()),
    }


def write_quarantine(out: Path, area: StudyArea, inputs: Inputs) -> None:
    """Write every row that was left out, and every remark on a row that was kept."""
    import pandas as pd

    remarks = pd.concat([one.remarks for one in inputs.tables().values()], ignore_index=True)
    rows = pd.concat(
        [area.quarantine.assign(used="no"), remarks.assign(used="yes")], ignore_index=True
    )
    write_file(out / QUARANTINE, csv_bytes(rows))


def summarise(area: StudyArea, inputs: Inputs, assigned: Assigned) -> dict[str, Any]:
    """Return what was made, in plain values."""
    return {
        "name": area.name,
        "title": area.title,
        "version": area.version,
        "crs": area.crs.to_string(),
        "rows": {
            name: len(getattr(area, name))
            for name in ("communities", "demand", "shelters", "entrances", "candidates", "streets")
        },
        "street_km": float(area.streets["length_m"].sum()) / 1000,
        "population_before": assigned.population_before,
        "population_after": assigned.population_after,
        "population_outside": assigned.population_outside,
        "stated_population": stated_population(inputs, assigned),
        "shelters_outside_communities": shelters_outside(inputs),
        "quarantined": len(area.quarantine),
        "remarks": sum(len(one.remarks) for one in inputs.tables().values()),
        "files": {
            name: {
                key: one.facts.get(key)
                for key in (
                    "name",
                    "kind",
                    "encoding",
                    "delimiter",
                    "crs",
                    "rows_read",
                    "rows_kept",
                )
            }
            for name, one in inputs.tables().items()
        },
        "notes": list(area.notes),
    }


def _print_summary(out: Path, area: StudyArea, summary: dict[str, Any]) -> None:
    rows = summary["rows"]
    click.echo(f"{text.clean(area.title)}: study area written to {out}")
    text.print_facts(
        {
            "Communities": f"{rows['communities']:,}",
            "People": f"{summary['population_after']:,.0f} in {rows['demand']:,} points",
            "Shelters": f"{rows['shelters']:,} with {rows['entrances']:,} entrances",
            "Candidate sites": f"{rows['candidates']:,}",
            "Streets": f"{summary['street_km']:,.0f} km in {rows['streets']:,} pieces",
            "Coordinate system": summary["crs"],
        }
    )
    text.print_notes(area.notes)
    stated = summary["stated_population"]
    if stated:
        click.echo(
            f"Note: the communities' file states {stated['stated']:,.0f} people, the points "
            f"give {stated['points']:,.0f} ({stated['communities_apart']:,} communities "
            "differ by more than 1 %); the points are used."
        )
    if summary["shelters_outside_communities"]:
        click.echo(
            f"Note: {summary['shelters_outside_communities']:,} of {rows['shelters']:,} "
            "shelters lie outside every community (kept: people may walk there)."
        )
    for name, file in summary["files"].items():
        if file["encoding"] not in {None, "utf-8", "utf-8-sig"}:
            click.echo(f"Note: {name} was read as {file['encoding']}: look at its names.")
    if summary["remarks"]:
        said = text.counted(summary["remarks"], "row")
        click.echo(f"Note: {said} repaired, or worth a look; see {QUARANTINE}.")
    click.echo(f"Next: shelterplan check {out}")
