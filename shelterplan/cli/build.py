"""The command that makes a study area of files: `build`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shelterplan.cli import text
from shelterplan.cli.build_told import QUARANTINE, more_notes, notes, print_summary, summarise
from shelterplan.cli.files import csv_bytes
from shelterplan.cli.inputs import (
    Given,
    Inputs,
    check_candidates,
    check_spread,
    read_inputs,
    spread_people,
    with_osm_candidates,
)
from shelterplan.cli.streets import read_any_streets, with_elevation
from shelterplan.errors import AreaError

if TYPE_CHECKING:
    import geopandas as gpd

    from shelterplan.cli.streets import Network
    from shelterplan.progress import Progress
    from shelterplan.sources.assign import Assigned
    from shelterplan.study_area import Source, StudyArea

FILE = click.Path(path_type=Path)


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
Population may be a GeoTIFF of people per cell (WorldPop), hazards one of water depths in metres,
and elevation one of metres above the sea. Hazard zones are polygons with hazard and level 1 to 4.
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
@click.option(
    "--candidates-from",
    metavar="KINDS",
    callback=lambda _context, _option, value: kinds_of(value),
    help="Take them from the OpenStreetMap file: all, or kinds such as school,park,parking.",
)
@click.option("--hazards", type=FILE, multiple=True, help="Hazard zones; may be given again.")
@click.option("--hazard", default="", metavar="NAME", help="Hazard that files do not name.")
@click.option(
    "--hazard-levels",
    "levels",
    callback=lambda _context, _option, value: depths(value),
    metavar="M,M,..",
    help="Depths at which the levels 1 to 4 begin; by default 0.15,0.5,1,3 (own choice).",
)
@click.option("--elevation", type=FILE, help="GeoTIFF of elevations, for the slopes of streets.")
@click.option(
    "--shelters-datum",
    "datum",
    type=click.Choice(["wgs84", "gcj02", "bd09"]),
    default="wgs84",
    show_default=True,
    help="What the positions of shelters and candidates refer to.",
)
@click.option(
    "--spread",
    type=click.Choice(["buildings", "streets"]),
    help="Spread the people of zones over homes or along streets.",
)
@click.option("--name", help="Short name of the study area; by default the name of OUT.")
@click.option("--title", help="Name that people read; by default the short name.")
@click.option("--json", "as_json", is_flag=True, help="Print a summary as JSON.")
def build(
    out: Path,
    streets: Path | None,
    place: str | None,
    name: str | None,
    title: str | None,
    as_json: bool,  # noqa: FBT001
    **files: Any,  # noqa: ANN401  (the fields of `Given`)
) -> None:
    """Make a study area of your own files and save it in the folder OUT."""
    if (streets is None) == (place is None):
        raise click.UsageError("give either --streets or --place")
    given = Given(**files)
    check_spread(given.spread, streets)
    check_candidates(given, streets)
    _refuse_foreign_folder(out)
    progress = text.bar(shown=not as_json)
    inputs = read_inputs(given)
    assigned = None if given.spread else assign(inputs)
    network = with_elevation(read_any_streets(streets, place, progress), given.elevation, progress)
    inputs = with_osm_candidates(inputs, given, streets, network.streets.edges, network.source)
    if given.spread:
        inputs = spread_people(inputs, given.spread, streets, network.streets.edges)
    assigned = assigned or assign(inputs)
    short = name or out.resolve().name
    area = assemble(inputs, assigned, network, name=short, title=title or short, progress=progress)
    area.save(out, beside={QUARANTINE: quarantine_file(area, inputs)})
    summary = summarise(area, inputs, assigned, network)
    if as_json:
        text.print_json(summary)
    else:
        print_summary(out, area, summary)


def depths(value: str | None) -> tuple[float, ...] | None:
    """Return depths written with commas, None for none.

    Examples
    --------
    >>> depths("0.15,0.5, 1")
    (0.15, 0.5, 1.0)
    """
    if value is None:
        return None
    try:
        return tuple(float(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter("give depths in metres, such as 0.15,0.5,1,3") from None


def kinds_of(value: str | None) -> tuple[str, ...] | None:
    """Return kinds written with commas, none for all; None if nothing was given.

    Examples
    --------
    >>> kinds_of("school, park"), kinds_of("all")
    (('school', 'park'), ())
    """
    if value is None:
        return None
    names = tuple(part.strip() for part in value.split(",") if part.strip())
    if not names:
        raise click.BadParameter("name kinds such as school,park, or all")
    return () if names == ("all",) else names


def assign(inputs: Inputs) -> Assigned:
    """Put people into communities; cells of a grid that lie in none are told in one row."""
    from dataclasses import replace

    from shelterplan.sources.assign import assign_communities
    from shelterplan.sources.records import fault_frame

    people = inputs.population
    found = assign_communities(people.table, inputs.communities.table, rows=people.rows)
    if "cells" not in people.facts or found.quarantine.empty:
        return found
    said = text.counted(len(found.quarantine), "cell")
    row = (
        1,
        "",
        f"{said} with {found.population_outside:,.0f} people in no community",
        "draw the communities there if they are meant",
    )
    return replace(found, quarantine=fault_frame("population", [row]))


def _refuse_foreign_folder(out: Path) -> None:
    """Stop before anything is written among files that are no study area's."""
    from shelterplan import area_files, study_area

    if not out.is_dir() or (out / area_files.MANIFEST).is_file():
        return
    if not area_files.is_unfinished(out, study_area.TABLES):
        raise AreaError(f"{out} has other files in it: give a new folder")


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

    zones, away = near_zones(inputs, network)
    quarantine = pd.concat(
        [*(one.quarantine for _, _, one in inputs.tables()), assigned.quarantine],
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
        hazards=zones,
        quarantine=quarantine,
        sources=[
            network.source,
            *([network.elevation] if network.elevation else []),
            *_sources(inputs),
        ],
        notes=[*notes(inputs, assigned), *more_notes(inputs, network, away)],
        progress=progress,
    )


def near_zones(inputs: Inputs, network: Network) -> tuple[gpd.GeoDataFrame | None, int]:
    """Return the hazard zones that meet the box of streets and communities; how many do not."""
    import numpy as np
    import shapely

    zones = inputs.zones()
    if zones is None:
        return None, 0
    boxes = [inputs.communities.table.total_bounds, network.streets.edges.total_bounds]
    low, high = np.min(boxes, axis=0)[:2], np.max(boxes, axis=0)[2:]
    near = shapely.intersects(zones.geometry.to_numpy(), shapely.box(*low, *high))
    if not near.any():
        raise AreaError(
            f"None of the {len(zones):,} hazard zones lies near the streets or the communities: do "
            "the files show the same place, with latitude and longitude not swapped?"
        )
    return zones[near], int((~near).sum())


def _sources(inputs: Inputs) -> list[Source]:
    from shelterplan.study_area import Source

    return [
        Source(
            table="demand" if table == "population" else table,
            name=one.facts["name"],
            date=one.facts.get("date", ""),
            licence=one.facts.get("licence", ""),
            sha256=one.facts["sha256"],
            note=", ".join(
                str(one.facts[key])
                for key in ("kind", "encoding", "crs", "note")
                if one.facts.get(key)
            ),
        )
        for table, _, one in inputs.tables()
    ]


def quarantine_file(area: StudyArea, inputs: Inputs) -> bytes:
    """Return every row that was left out, and every remark on a row that was kept, as CSV."""
    import pandas as pd

    remarks = pd.concat([one.remarks for _, _, one in inputs.tables()], ignore_index=True)
    rows = pd.concat(
        [area.quarantine.assign(used="no"), remarks.assign(used="yes")], ignore_index=True
    )
    return csv_bytes(rows)
