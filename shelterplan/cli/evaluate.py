"""The command that says what a proposal would change: `evaluate`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shelterplan.cli import text
from shelterplan.cli.answers import AREA, JSON, heading, open_area
from shelterplan.cli.files import write_file
from shelterplan.cli.interrupt import Interrupt
from shelterplan.cli.plan_flags import COUNTED, LANGUAGE, REPORT, SCENARIOS, TIME_LIMIT
from shelterplan.cli.scenario_flags import scenario_options, standard_options
from shelterplan.cli.suggest import as_object
from shelterplan.errors import TableError

if TYPE_CHECKING:
    import pandas as pd

    from shelterplan.scenario import Scenario
    from shelterplan.siting.evaluate import Evaluation
    from shelterplan.siting.proposal import Proposal
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea

MOST_COMMUNITIES = 10
"""Communities that are printed; --json has all."""


@click.command(
    epilog="""\b
Examples:
  shelterplan evaluate coquimbo --proposal plan.geojson
  shelterplan evaluate mytown --proposal sites.csv --hazard flood --report card.html
  shelterplan evaluate monaco --proposal sites.csv --no-compare --json

The scenario and the standard are those of the flags, not those that the proposal was made for: it
is said if they differ.

With --json: an object with title, counted, population, before_people, after_people, newly_people,
saved_person_min, sites, communities, districts, groups, hazards, interval and shelters (lists),
equity, alternative (as `suggest` prints it; null with why_no_alternative), warnings, summary,
scenario and standard."""
)
@AREA
@click.option(
    "--proposal",
    "path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The sites: a proposal file, or a list of sites (.geojson, .csv, .xlsx, .gpkg).",
)
@COUNTED
@click.option(
    "--compare/--no-compare",
    default=True,
    help="Whether to look for the best plan at the same cost.",
)
@SCENARIOS
@TIME_LIMIT
@LANGUAGE
@scenario_options
@standard_options
@REPORT
@JSON
def evaluate(
    area: str,
    scenario: Scenario,
    standard: AccessStandard,
    path: Path,
    more: tuple[Path, ...],
    language: str,
    report: Path | None,
    as_json: bool,  # noqa: FBT001
    **chosen: Any,  # noqa: ANN401
) -> None:
    """Say what a proposal would change: for whom, by how much, and what could be had instead.

    AREA is a study area's folder or an embedded name.
    """
    from shelterplan.scenario import Scenario as Given
    from shelterplan.siting.evaluate import evaluate as weigh
    from shelterplan.siting.proposal import read_proposal
    from shelterplan.views.proposal_card import card
    from shelterplan.views.proposal_words import paragraph

    opened, proposal = open_area(area), read_proposal(path)
    if proposal.problems:  # with a site less it would be another proposal
        raise TableError(path.name, list(proposal.problems))
    progress = text.bar(shown=not as_json)
    with Interrupt() as interrupt:
        found = weigh(
            opened,
            proposal.sites,
            scenario,
            standard,
            scenarios={file.stem: Given.from_toml(file) for file in more},
            progress=progress,
            stop=interrupt,
            **chosen,
        )
    progress("done", 1.0)
    said = paragraph(found, language=language, title=proposal.title, area=opened)
    if report:
        page = card(found, language=language, title=proposal.title, area=opened)
        write_file(report, page)
    warnings = [*warnings_of(proposal, opened, scenario, standard), *found.doubles]
    if as_json:
        text.print_json(_object(found, proposal.title, said, warnings))
        interrupt.leave()
        return
    for line in heading(opened, standard, scenario):
        click.echo(line)
    for warning in warnings:
        click.echo(f"Mind: {text.clean(warning)}.")
    click.echo("")
    click.echo(click.wrap_text(text.clean(said), width=text.NOTE_WIDTH))
    _print(found)
    if report:
        click.echo(f"\nWritten: {report}")
    click.echo("")
    text.print_notes(opened.notes)
    interrupt.leave()


def warnings_of(
    proposal: Proposal, area: StudyArea, scenario: Scenario, standard: AccessStandard
) -> list[str]:
    """Say in what a proposal was made for something else than what it is looked at under."""
    warnings = proposal.warnings(area)
    if proposal.scenario is not None and proposal.scenario != scenario:
        warnings.append("it was made for another scenario than this one")
    if proposal.standard is not None:
        mine = replace(standard, name="own", certainty="own choice", source="")
        if mine != replace(proposal.standard, name="own", certainty="own choice", source=""):
            warnings.append("it was made for another standard than this one")
    return warnings


def _object(found: Evaluation, title: str, said: str, warnings: list[str]) -> dict[str, Any]:
    total = found.served
    sites = found.sites
    points = sites.geometry.representative_point()
    return {
        "title": title,
        "counted": found.counted,
        "population": float(total["population"].sum()),
        "before_people": float(total["before_people"].sum()),
        "after_people": float(total["after_people"].sum()),
        "newly_people": found.newly_people,
        "saved_person_min": found.saved_person_min,
        "sites": _rows(
            sites.drop(columns="geometry").assign(lon=points.x, lat=points.y), "site_id"
        ),
        "communities": _rows(found.communities, "community_id"),
        "districts": _rows(found.districts, "district"),
        "groups": _rows(found.groups, "group"),
        "hazards": _rows(found.hazards, "hazard"),
        "interval": _rows(found.interval, "scenario"),
        "shelters": _rows(found.shelters, "shelter_id"),
        "equity": _rows(found.equity, "measure"),
        "alternative": as_object(found.alternative) if found.alternative else None,
        "why_no_alternative": found.why_no_alternative,
        "warnings": warnings,
        "summary": said,
        **{name: found.before.manifest[name] for name in ("scenario", "standard")},
    }


def _rows(table: pd.DataFrame, name: str) -> list[dict[str, Any]]:
    """Return a table as a list of plain objects."""
    rows: Any = table.rename_axis(name).reset_index().to_dict(orient="records")
    return list(rows)


def _print(found: Evaluation) -> None:
    click.echo("")
    text.print_table(
        ["site", "room", "sent there", "who had a place", "not used because"],
        [
            [
                str(row["name"]),
                row["room"],
                row["assigned_population"],
                row["had_place_population"],
                str(row["reason"]).replace("_", " ") or "-",
            ]
            for _, row in found.sites.iterrows()
        ],
    )
    changed = found.communities[
        (found.communities["newly_people"] > 0) | (found.communities["lost_people"] > 0)
    ].sort_values(["newly_people", "lost_people"], ascending=False, kind="stable")
    if len(changed):
        click.echo("")
        text.print_table(
            ["community", "people", "with a place", "after", "better off", "worse off"],
            [
                [
                    str(row["name"]),
                    *(
                        row[column]
                        for column in (
                            "population",
                            "before_people",
                            "after_people",
                            "newly_people",
                            "lost_people",
                        )
                    ),
                ]
                for _, row in changed.head(MOST_COMMUNITIES).iterrows()
            ],
        )
        if len(changed) > MOST_COMMUNITIES:
            click.echo(f"... and {len(changed) - MOST_COMMUNITIES} more (--json has all)")
    for table, name in ((found.hazards, "hazard"), (found.interval, "scenario")):
        if len(table):
            click.echo("")
            text.print_table(
                [name, "with a place", "after", "more"],
                [
                    [str(key).replace("_", " ") or "ordinary day", *row]
                    for key, row in zip(
                        table.index,
                        table[["before_people", "after_people", "newly_people"]].to_numpy(),
                        strict=True,
                    )
                ],
            )
