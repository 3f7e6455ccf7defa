"""The command that asks for everybody: `coverage`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shelterplan.cli import text
from shelterplan.cli.answers import AREA, JSON, heading, open_area
from shelterplan.cli.files import write_file
from shelterplan.cli.scenario_flags import scenario_options, standard_options

if TYPE_CHECKING:
    import pandas as pd

    from shelterplan.plan import Plan
    from shelterplan.scenario import Scenario
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea

FORMATS = (".csv", ".geojson", ".gpkg")


@click.command(
    epilog="""\b
Examples:
  shelterplan coverage monaco
  shelterplan coverage coquimbo --by community --distance-m 800 --json
  shelterplan coverage mytown --standard cn_gb51143_emergency --walker elderly --out gaps.csv
  shelterplan coverage coquimbo --hazard tsunami --return-period 100 --minutes 15
  shelterplan coverage coquimbo --by shelter --room nearest

With --json: a list with community_id (or district), name, population, covered_population (who
certainly have a place), coverage_share, possible_people (who have one if shelters of unknown
size have room), one ..._population for each status, and walks in which null means that there is no
way. The populations of all statuses add up to the population. By shelter: the room, the people
whose nearest it is, those who have a place there, and at which share of the first it is full."""
)
@AREA
@click.option(
    "--by",
    default="community",
    show_default=True,
    type=click.Choice(["community", "district", "shelter"]),
    help="What one row is.",
)
@standard_options
@scenario_options
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the table: .csv, .geojson or .gpkg.",
)
@JSON
def coverage(
    area: str,
    by: str,
    standard: AccessStandard,
    scenario: Scenario,
    out: Path | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Count who has a shelter within the walk of a standard, and for the others why not.

    AREA is a study area's folder or an embedded name.
    """
    if out and out.suffix.lower() not in FORMATS:
        raise click.BadParameter(f"must end in {', '.join(FORMATS)}", param_hint="--out")
    from shelterplan.plan import make_plan

    opened = open_area(area)
    plan = make_plan(opened, scenario, standard)
    if out:
        write_table(plan, opened, by, out)
    if as_json:
        text.print_json(coverage_rows(plan, by))
        return
    for line in heading(opened, standard, scenario):
        click.echo(line)
    if by == "shelter":
        _print_shelters(plan)
    else:
        _print_coverage(plan, opened, by)
    if not plan.exact:
        click.echo("The allocation was too large to be exact: people might walk less.")
    click.echo("")
    text.print_notes(opened.notes)
    if out:
        click.echo(f"\nWritten: {out}")


def coverage_rows(plan: Plan, by: str) -> list[dict[str, Any]]:
    """Return coverage by community, district or shelter as plain rows, without geometry."""
    table = _table(plan, by)
    flat = table.drop(columns=[name for name in ("geometry",) if name in table]).reset_index()
    if by == "district" and "name" not in flat:
        flat.insert(1, "name", flat["district"])
    return [{str(key): value for key, value in row.items()} for row in flat.to_dict("records")]


def _table(plan: Plan, by: str) -> pd.DataFrame:
    """Return the table of a plan whose rows are asked for."""
    tables: dict[str, pd.DataFrame] = {
        "community": plan.communities,
        "district": plan.districts,
        "shelter": plan.shelters,
    }
    return tables[by]


def _print_shelters(plan: Plan) -> None:
    """Print how the shelters are used, the fullest first."""
    known = [name for name in _SHELTER_COLUMNS if name in plan.shelters]
    rows = plan.shelters.sort_values(
        [name for name in ("turned_away_population", "assigned_population") if name in known],
        ascending=False,
        kind="stable",
    )
    click.echo("")
    text.print_table(
        ["shelter", *(_SHELTER_COLUMNS[name] for name in known)],
        [[row["name"], *(_cell(name, row[name]) for name in known)] for _, row in rows.iterrows()],
    )


_SHELTER_COLUMNS = {
    "reason": "not used",
    "room": "room",
    "room_from": "known from",
    "expected_population": "nearest for",
    "assigned_population": "have a place",
    "utilisation": "used",
    "turned_away_population": "sent on",
    "fills_at_share": "full at",
}
"""Columns of the shelters, with what they are called in print."""


def _cell(name: str, value: Any) -> object:  # noqa: ANN401
    """Return one number of a shelter for print."""
    if isinstance(value, str):
        return value.replace("_", " ")
    if name in {"utilisation", "fills_at_share"}:
        return text.percent(value) if math.isfinite(value) else ""
    return value if math.isfinite(value) else "unknown"


def _print_coverage(plan: Plan, area: StudyArea, by: str) -> None:
    """Print coverage by community or district, the most people without a place first."""
    from shelterplan.coverage import STATUSES
    from shelterplan.grades import grades

    grade = grades(area)["grade"]
    reasons = [
        name
        for name in plan.total.index
        if name.endswith("_population")
        and name.removesuffix("_population") in STATUSES[1:]
        and plan.total[name] > 0
    ]
    words = [name.removesuffix("_population").replace("_", " ") for name in reasons]

    def cells(row: pd.Series[Any], district: object, *names: str) -> list[object]:
        return [
            *names,
            row["population"],
            row["covered_population"],
            text.percent(row["coverage_share"]),
            text.percent(row["possible_share"]),
            *(row[reason] for reason in reasons),
            round_m(row["median_distance_m"]),
            round_m(row["p90_distance_m"]),
            grade.get(str(district), ""),
        ]

    ordered = _table(plan, by).sort_values("gap_population", ascending=False, kind="stable")
    named = ["community", "district"] if by == "community" else ["district"]
    rows = [
        cells(row, row["district"], str(row["name"]), str(row["district"]))
        if by == "community"
        else cells(row, key, str(key))
        for key, row in ordered.iterrows()
    ]
    measures = ["people", "covered", "share", "possible", *words, "median [m]", "90 % within [m]"]
    click.echo("")
    text.print_table(
        [*named, *measures, "data"],
        [*rows, cells(plan.total, "", "all", *[""] * (len(named) - 1))],
    )
    click.echo("data: how far the district's data can be trusted, A to D; see `shelterplan check`")


def round_m(distance_m: float) -> float:
    """Return a distance in whole metres; `inf` and NaN as they are."""
    return round(distance_m) if math.isfinite(distance_m) else distance_m


def write_table(plan: Plan, area: StudyArea, by: str, out: Path) -> None:
    """Write coverage to a file whose ending sets the format, with its attribution."""
    from shelterplan.study_area import ATTRIBUTION
    from shelterplan.views import exports

    table: Any = plan.communities
    if by == "shelter":
        table = area.shelters[["geometry"]].join(plan.shelters)
    elif by == "district":
        outlines = plan.communities[["district", "geometry"]].dissolve("district")
        table = outlines.join(plan.districts)
    facts = exports.Facts(
        attribution=ATTRIBUTION,
        illustrative=tuple(sorted(area.illustrative)),
        manifest=plan.manifest,
    )
    ending = out.suffix.lower()
    if ending == ".csv":
        write_file(out, exports.to_csv(table, facts))
    elif ending == ".geojson":
        write_file(out, exports.to_geojson(table, facts))
    else:
        write_file(out, exports.to_geopackage(table, facts, layer="coverage"))
