"""The command that looks at the data of a study area: `check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from shelterplan.cli import text
from shelterplan.cli.answers import AREA, JSON, heading, open_area
from shelterplan.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

    from shelterplan.quality import Check
    from shelterplan.study_area import StudyArea

SHOWN_FINDINGS = 40
SHOWN_ALIKE = 8
"""Findings of one severity that `check` prints for people."""


@click.command(
    epilog="""\b
Examples:
  shelterplan check monaco
  shelterplan check mytown --json > problems.json

With --json: an object with findings (table, row, severity, problem, mend), grades (one for each
district, A to D) and snapping (how far places are from the streets, and how many stand on streets
that lead nowhere)."""
)
@AREA
@JSON
def check(area: str, as_json: bool) -> None:  # noqa: FBT001
    """Say what is wrong or thin in the data, row by row, with a grade for each district.

    AREA is a study area's folder or an embedded name.
    """
    from shelterplan import quality

    opened = open_area(area)
    found = quality.check(opened)
    if as_json:
        text.print_json(
            {
                "findings": found.findings.to_dict(orient="records"),
                "grades": found.grades.reset_index().to_dict(orient="records"),
                "snapping": found.snapping.reset_index().to_dict(orient="records"),
            }
        )
    else:
        _print_check(opened, found)


def _print_check(area: StudyArea, found: Check) -> None:
    for line in heading(area, None, Scenario()):
        click.echo(line)
    click.echo("\nGrades (A good, D not to be relied on; the program's own limits):")
    measures = [name for name in found.grades.columns if name not in {"grade", "reason"}]
    text.print_table(
        ["district", "grade", "because of", *(_measure(name) for name in measures)],
        [
            [
                str(key),
                str(row["grade"]),
                _measure(str(row["reason"])),
                *(_value(name, row[name]) for name in measures),
            ]
            for key, row in found.grades.iterrows()
        ],
    )
    click.echo("\nHow places meet the streets:")
    snapping = found.snapping.reset_index()
    text.print_table(
        [str(name).replace("_", " ") for name in snapping.columns],
        snapping.to_numpy(dtype=object).tolist(),
    )
    click.echo(f"\nFindings: {len(found.findings):,}")
    for severity in ("error", "warning", "note"):
        _print_findings(severity, found.findings[found.findings["severity"] == severity])
    click.echo("")
    text.print_notes(area.notes)


def _print_findings(severity: str, rows: pd.DataFrame) -> None:
    rows = rows.iloc[
        (rows["row"] != "").argsort(kind="stable")
    ]  # what concerns a whole table first
    alike = rows.groupby("code").cumcount()
    shown = rows[alike < SHOWN_ALIKE][:SHOWN_FINDINGS]
    for _, row in shown.iterrows():
        where = f"{row['table']} {row['row']}".strip()
        click.echo(
            f"  {severity}: {text.clean(where)}: {text.clean(row['problem'])} "
            f"({text.clean(row['mend'])})."
        )
    more = len(rows) - len(shown)
    if more > 0:
        click.echo(f"  ... and {text.counted(more, 'more ' + severity)}; --json lists all.")


def _measure(name: str) -> str:
    return name.removesuffix("_share").removesuffix("_years").replace("_", " ")


def _value(name: str, value: object) -> str:
    """Return a share as a percentage, an age in years."""
    years = text.plain_number(value)
    if not name.endswith("_years"):
        return text.percent(value)
    return "-" if years is None else f"{years:.1f} years"
