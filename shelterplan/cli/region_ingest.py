"""The command that makes a region of a country's files: `region ingest`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from shelterplan.cli import text
from shelterplan.cli.build_told import QUARANTINE
from shelterplan.cli.files import csv_bytes, write_file

if TYPE_CHECKING:
    from shelterplan.scale.ingest import Ingested

FILE = click.Path(path_type=Path)
DROPPED = "dropped.csv"


@click.command(
    epilog="""\b
Example:
  shelterplan region ingest mycountry --streets mycountry.osm.pbf --demand people.tif
      --communities wards.gpkg --shelters shelters.csv --title "My Country"
  shelterplan region run mycountry

\b
The extract is read piece by piece, and so are people from CSV, GeoParquet or a GeoTIFF of people
per cell (WorldPop): memory does not grow with them. The other tables are read whole; their files
are those of `shelterplan build`. For a while OUT needs room for about 17 bytes for each node of the
extract and 100 for each of the streets. What cannot be used is written to OUT/quarantine.csv, what
was left out of the streets to OUT/dropped.csv."""
)
@click.argument("out", type=click.Path(file_okay=False, path_type=Path), metavar="OUT")
@click.option("--streets", type=FILE, required=True, help="OpenStreetMap extract (.osm.pbf).")
@click.option("--demand", type=FILE, required=True, help="Where how many people live.")
@click.option("--communities", type=FILE, required=True, help="Polygons of the communities.")
@click.option("--shelters", type=FILE, required=True, help="Existing shelters.")
@click.option("--hazards", type=FILE, multiple=True, help="Hazard zones; may be given again.")
@click.option("--candidates", type=FILE, help="Sites where a shelter could be.")
@click.option(
    "--tile-km",
    type=click.FloatRange(0.1, 200),
    default=25.0,
    show_default=True,
    help="Side of a tile.",
)
@click.option(
    "--illustrative",
    multiple=True,
    type=click.Choice(["communities", "demand", "shelters", "candidates", "hazards"]),
    help="Table that is made up; may be given again. Every output says so.",
)
@click.option("--title", default="", help="Name that people read; by default that of OUT.")
@click.option("--json", "as_json", is_flag=True, help="Print a summary as JSON.")
def ingest(
    out: Path,
    streets: Path,
    demand: Path,
    communities: Path,
    shelters: Path,
    hazards: tuple[Path, ...],
    candidates: Path | None,
    illustrative: tuple[str, ...],
    tile_km: float,
    title: str,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Make a region of a country's files, cut into tiles, in the folder OUT."""
    from shelterplan.scale.ingest import Files
    from shelterplan.scale.ingest import ingest as make

    files = Files(
        streets=streets,
        demand=demand,
        communities=communities,
        shelters=shelters,
        hazards=hazards,
        candidates=candidates,
        illustrative=tuple(sorted(set(illustrative))),
    )
    made = make(out, files, tile_km=tile_km, title=title, progress=text.bar(shown=not as_json))
    write_file(out / QUARANTINE, csv_bytes(made.quarantine))
    write_file(out / DROPPED, csv_bytes(made.dropped))
    if as_json:
        text.print_json(_summary(made))
    else:
        _print(out, made)


def _summary(made: Ingested) -> dict[str, object]:
    """Return what was made, in plain values."""
    from shelterplan.study_area import ATTRIBUTION

    return {
        "title": made.region.title,
        "sha256": made.region.sha256,
        "crs": made.region.grid.crs_name,
        "tile_m": made.region.grid.tile_m,
        "tiles": len(made.region.tiles),
        "files": len(made.region.parts),
        "rows": dict(made.rows),
        "nodes": made.nodes,
        "population": made.population,
        "population_outside": made.population_outside,
        "quarantined": len(made.quarantine),
        "dropped": made.dropped.to_dict("records"),
        "spilled_bytes": made.spilled_bytes,
        "illustrative": list(made.region.illustrative),
        "notes": list(made.region.notes),
        "attribution": ATTRIBUTION,
    }


def _print(out: Path, made: Ingested) -> None:
    """Print what was made, for people."""
    rows, grid = made.rows, made.region.grid
    click.echo(f"{text.clean(made.region.title)}: region written to {out}")
    text.print_facts(
        {
            "Tiles": f"{len(made.region.tiles):,} of {grid.tile_m / 1000:g} km",
            "Communities": f"{rows['communities']:,}",
            "People": f"{made.population:,.0f} in {rows['demand']:,} points",
            "Shelters": f"{rows['shelters']:,} with {rows['entrances']:,} entrances",
            "Candidate sites": f"{rows['candidates']:,}",
            "Hazard zones": f"{rows['hazards']:,}",
            "Streets": text.counted(rows["streets"], "piece"),
            "Coordinate system": grid.crs_name,
        }
    )
    text.print_notes(made.region.notes)
    if len(made.dropped):
        ways = text.counted(int(made.dropped["ways"].sum()), "way")
        click.echo(f"Note: {ways} left out, or cut short, of the streets; see {DROPPED}.")
    if len(made.quarantine):
        said = text.counted(len(made.quarantine), "row")
        click.echo(f"Note: {said} left out; see {QUARANTINE}.")
    click.echo("© OpenStreetMap contributors, ODbL 1.0")
    click.echo(f"Next: shelterplan region run {out}")
