"""The command that makes one document of everything: `report`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shelterplan.atomic import sweep, write_folder
from shelterplan.cli import text
from shelterplan.cli.answers import AREA, JSON, heading, open_area
from shelterplan.cli.evaluate import warnings_of
from shelterplan.cli.files import WriteError, write_file
from shelterplan.cli.interrupt import Interrupt
from shelterplan.cli.plan_flags import LANGUAGE, TIME_LIMIT
from shelterplan.cli.scenario_flags import scenario_options, standard_options
from shelterplan.errors import TableError

if TYPE_CHECKING:
    from datetime import datetime

    from shelterplan.scenario import Scenario
    from shelterplan.siting.proposal import Proposal
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea
    from shelterplan.views.report import Report

ENDINGS = (".html", ".pdf", ".xlsx", ".gpkg", ".zip", ".csv", ".parquet")
MOST_PROPOSALS = 4
"""Proposals that one report compares."""
Content = bytes | Mapping[str, bytes]
"""A file, or the files of a folder by name."""


def _endings(_: click.Context, __: click.Parameter, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """Refuse files of which nobody could tell the format."""
    for path in paths:
        if path.suffix.lower() not in ENDINGS:
            raise click.BadParameter(f"{path.name} must end in {', '.join(ENDINGS)}")
    return paths


def _at_most(_: click.Context, __: click.Parameter, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    if len(paths) > MOST_PROPOSALS:
        raise click.BadParameter(f"give at most {MOST_PROPOSALS} proposals")
    return paths


@click.command(
    epilog="""\b
Examples:
  shelterplan report monaco --out report.html
  shelterplan report coquimbo --out report.pdf --out report.xlsx --lang zh
  shelterplan report coquimbo --hazard tsunami --proposal plan.geojson --out report.gpkg

\b
The ending sets the format; --out can be given several times:
  .html     one file that needs no network, made to be read and printed
  .pdf      the same, for paper
  .xlsx     a sheet for each table
  .gpkg     a layer for each table, styled for QGIS
  .csv      a folder of that name with a CSV file for each table
  .zip      the same CSV files in one archive
  .parquet  a folder of that name with a GeoParquet file for each table

The numbers are the same in all of them. The date of the report, from which the age of the data is
counted, is --date, or that of SOURCE_DATE_EPOCH, or today: with the same date the same study area
gives the same bytes.

With --json: an object with title, date, population, gap_population, covered_population,
possible_people, tables (rows of each), command and written (path, format and bytes of each
file)."""
)
@AREA
@click.option(
    "--out",
    "outs",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    callback=_endings,
    metavar="FILE",
    help=f"Where to write: {', '.join(ENDINGS)}. Repeatable.",
)
@click.option(
    "--proposal",
    "proposals",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    callback=_at_most,
    metavar="FILE",
    help=f"A proposal to tell of, as `evaluate` reads it. Repeatable, at most {MOST_PROPOSALS}.",
)
@TIME_LIMIT
@LANGUAGE
@click.option(
    "--date",
    "moment",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Date of the report, from which the age of the data is counted.",
)
@scenario_options
@standard_options
@JSON
def report(
    area: str,
    scenario: Scenario,
    standard: AccessStandard,
    outs: tuple[Path, ...],
    proposals: tuple[Path, ...],
    moment: datetime | None,
    as_json: bool,  # noqa: FBT001
    **chosen: Any,  # noqa: ANN401
) -> None:
    """Make one document for a council or a newspaper: gaps, priorities, fairness, unknowns.

    AREA is a study area's folder or an embedded name.
    """
    from shelterplan.views.report import report as work_out

    opened = open_area(area)
    read = [_proposal(path) for path in proposals]
    progress = text.bar(shown=not as_json)
    with Interrupt() as interrupt:
        found = work_out(
            opened,
            scenario,
            standard,
            proposals=read,
            today=moment.date() if moment else None,
            progress=progress,
            stop=interrupt,
            **chosen,
        )
        content = [(path, _content(found, path)) for path in outs]
    for path, made in content:
        _write(path, made)
    progress("done", 1.0)
    if as_json:
        text.print_json(_object(found, content))
    else:
        _print(found, opened, scenario, standard, read)
        for path, made in content:
            click.echo(f"Written: {path} ({_size(made):,} bytes)")
        click.echo("")
        text.print_notes(opened.notes)
    interrupt.leave()


def _proposal(path: Path) -> Proposal:
    from shelterplan.siting.proposal import read_proposal

    proposal = read_proposal(path)
    if proposal.problems:  # with a site less it would be another proposal
        raise TableError(path.name, list(proposal.problems))
    return proposal


def _content(found: Report, path: Path) -> Content:
    """Return what is to be written to one place."""
    from shelterplan.views.report.as_csv import to_files
    from shelterplan.views.report.as_parquet import to_parquet
    from shelterplan.views.report.formats import in_format

    ending = path.suffix.lower().removeprefix(".")
    if ending in {"csv", "parquet"}:
        return to_parquet(found) if ending == "parquet" else to_files(found)
    return in_format(found, ending)


def _size(content: Content) -> int:
    return len(content) if isinstance(content, bytes) else sum(map(len, content.values()))


def _write(path: Path, content: Content) -> None:
    """Write a file or a folder, whole or not at all.

    Raises
    ------
    WriteError
        If it cannot be written, or something else of that name is there.
    """
    if isinstance(content, bytes):
        write_file(path, content)
        return
    try:
        _write_folder(path, content)
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error.strerror or error}") from error


def _write_folder(path: Path, content: Mapping[str, bytes]) -> None:
    """Put a folder in place, in the stead of an earlier one."""
    sweep(path.parent, path.name)
    if path.exists() and not (path.is_dir() and all(_ours(path, old) for old in path.iterdir())):
        raise WriteError(f"{path} is there already and is no folder of {path.suffix} files alone")
    write_folder(path, content)


def _ours(folder: Path, file: Path) -> bool:
    return file.is_file() and file.suffix == folder.suffix.lower()


def _object(found: Report, content: list[tuple[Path, Content]]) -> dict[str, Any]:
    total = found.plan.total
    people = ("population", "gap_population", "covered_population", "possible_people")
    return {
        "title": found.title,
        "date": found.day.isoformat(),
        **{name: float(total[name]) for name in people},
        "tables": {name: len(table) for name, table in found.tables.items()},
        "command": found.manifest["command"],
        "written": [
            {
                "path": str(path),
                "format": path.suffix.lower().removeprefix("."),
                "bytes": _size(made),
            }
            for path, made in content
        ],
    }


def _print(
    found: Report,
    area: StudyArea,
    scenario: Scenario,
    standard: AccessStandard,
    proposals: list[Proposal],
) -> None:
    for line in heading(area, standard, scenario):
        click.echo(line)
    for proposal in proposals:
        for warning in warnings_of(proposal, area, scenario, standard):
            click.echo(f"Mind, {text.clean(proposal.title)}: {text.clean(warning)}.")
    total = found.plan.total
    click.echo(
        f"{total['gap_population']:,.0f} of {total['population']:,.0f} people have no place."
    )
