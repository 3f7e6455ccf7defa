"""The command that compares districts, communities and groups: `equity`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shelterplan.cli import text
from shelterplan.cli.answers import AREA, JSON, heading, open_area
from shelterplan.cli.files import ends_in, write_file
from shelterplan.cli.scenario_flags import scenario_options, standard_options

if TYPE_CHECKING:
    import pandas as pd

    from shelterplan.equity import Inequality
    from shelterplan.plan import Plan
    from shelterplan.scenario import Scenario
    from shelterplan.standards import AccessStandard

OF = ("coverage", "walk_time", "m2_per_person", "two_step")
"""What may be compared."""
FIGURE = {"coverage": "possible_share", "walk_time": "shortfall"}
"""The column by which rows are in order, where it is not called as what is compared."""
WORDS = {
    "gini": "Gini coefficient",
    "palma": "Palma ratio",
    "theil": "Theil's T",
    "theil_between_districts": "Theil between districts",
    "theil_within_districts": "Theil within districts",
    "between_share": "Share of Theil between districts",
    "worst_half_share": "Share of the worse served half",
    "concentration": "Concentration index",
    "concentration_erreygers": "Concentration, Erreygers",
}
"""Measures of inequality, as they are called in print."""
GROUP_WORDS = {
    "everybody": "everybody",
    "children": "children",
    "elderly_65": "65 and older",
    "disabled": "disabled",
    "step_free": "everybody, if without steps",
    "without_car": "without a car",
}


@click.command(
    epilog="""\b
Examples:
  shelterplan equity coquimbo
  shelterplan equity coquimbo --of walk_time --by community --json
  shelterplan equity mytown --of m2_per_person --standard cn_gb51143_emergency --out districts.csv

Ranges in brackets are 95 % bootstrap intervals: communities are drawn anew. With --json: `rows`
(by district or community: population, mean_walk_time_s, coverage_share, possible_share,
m2_per_person, two_step, too_far, shortfall and so on, by district each with _low and _high),
`groups` (who is left out), `measures` (gini, palma, theil and its split, worst_half_share,
concentration; value, low, high; null: not known or without limit), `lorenz` (the curve), and
`left_out`: what is not known, and why."""
)
@AREA
@click.option(
    "--by",
    default="district",
    show_default=True,
    type=click.Choice(["district", "community"]),
    help="What one row of the table is.",
)
@click.option(
    "--of",
    "of",
    default="coverage",
    show_default=True,
    type=click.Choice(OF),
    help="What is compared: places, walks against the standard, m2 a person, or places a person "
    "among all who reach them (2SFCA).",
)
@click.option(
    "--counted",
    default="possible",
    show_default=True,
    type=click.Choice(["possible", "confirmed"]),
    help="Who has a place: also those whose shelter is of unknown size, or not.",
)
@standard_options
@scenario_options
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=ends_in(".csv"),
    help="Also write the table by district or community: .csv.",
)
@JSON
def equity(
    area: str,
    standard: AccessStandard,
    scenario: Scenario,
    out: Path | None,
    as_json: bool,  # noqa: FBT001
    **chosen: Any,  # noqa: ANN401
) -> None:
    """Compare districts, communities and groups: who has less, and how unequal it is.

    AREA is a study area's folder or an embedded name.
    """
    from shelterplan import equity as fair
    from shelterplan.plan import make_plan

    opened = open_area(area)
    plan = make_plan(opened, scenario, standard)
    by, of, counted = chosen["by"], chosen["of"], chosen["counted"]
    table = (fair.by_district if by == "district" else fair.by_community)(
        plan, opened, counted=counted
    )
    table = _ordered(table, of)
    groups = fair.left_out(plan, opened, counted=counted)
    unequal = fair.inequality(plan, opened, of=of, counted=counted)
    if out:
        write_file(out, _as_csv(plan, table))
    if as_json:
        text.print_json(answer(table, groups, unequal))
        return
    for line in heading(opened, standard, scenario):
        click.echo(line)
    _print_table(table, by)
    _print_groups(groups, counted)
    _print_measures(unequal)
    click.echo("")
    text.print_notes(opened.notes)
    if out:
        click.echo(f"\nWritten: {out}")


def answer(table: pd.DataFrame, groups: pd.DataFrame, unequal: Inequality) -> dict[str, Any]:
    """Return everything as plain values, for JSON."""
    return {
        "of": unequal.of,
        "what": unequal.what,
        "rows": table.reset_index().to_dict("records"),
        "groups": groups.reset_index().to_dict("records"),
        "measures": unequal.measures.reset_index().to_dict("records"),
        "lorenz": unequal.lorenz.to_dict("records"),
        "unreachable_share": unequal.unreachable_share,
        "unknown_share": unequal.unknown_share,
        "left_out": {
            "rows": table.attrs["left_out"],
            "groups": groups.attrs["left_out"],
            "measures": unequal.left_out,
        },
    }


def _ordered(table: pd.DataFrame, of: str) -> pd.DataFrame:
    """Return the rows, those who have the least first; where it is not known, last."""
    column = FIGURE.get(of, of)
    found = table.sort_values(
        column, ascending=of != "walk_time", kind="stable", na_position="last"
    )
    found.attrs = table.attrs
    return found


def _print_table(table: pd.DataFrame, by: str) -> None:
    """Print what areas have, with intervals by district."""
    click.echo("")
    names = ["name", "district"] if by == "community" else []
    rows = [
        [
            *(str(row[name]) for name in names),
            *([] if names else [str(key)]),
            row["population"],
            _figure(row, "coverage_share", _percent),
            _figure(row, "possible_share", _percent),
            _figure(row, "mean_walk_time_s", _minutes),
            _whole_up(row["unreachable_people"]),
            _figure(row, "too_far", _percent_up),
            _figure(row, "shortfall", _index),
            _at_least(row, "m2_per_person", "m2_unknown_share"),
            _at_least(row, "two_step", "two_step_unknown_share"),
        ]
        for key, row in table.iterrows()
    ]
    titles = ["community", "district"] if by == "community" else ["district"]
    titles += ["people", "covered [%]", "possible [%]", "walk [min]", "no way", "too far [%]"]
    titles += ["depth"]
    text.print_table([*titles, "m2/person", "places/person"], rows)
    click.echo(
        "walk: mean of those who have a way; depth: mean shortfall against the standard, 0 to 1; "
        "m2 and places are shared out between all who reach a shelter."
    )
    for name, reason in table.attrs["left_out"].items():
        if name in {"m2_per_person", "two_step", "too_far"}:
            click.echo(f"Not known: {name} ({reason}).")
    for name, what in (("m2", "m2"), ("two_step", "places")):
        share = table[f"{name}_unknown_share"]
        if (share > 0).any():
            people = (share * table["population"]).sum()
            click.echo(
                f"At least so many {what}: {text.number(round(people))} people also reach a "
                "shelter of unknown size."
            )


def _figure(row: pd.Series[Any], name: str, told: Any) -> str:  # noqa: ANN401
    """Return a figure, with its interval if it has one."""
    value = text.plain_number(row[name])
    if value is None:
        return "-"
    low, high = (text.plain_number(row.get(f"{name}_{end}")) for end in ("low", "high"))
    between = "" if low is None or high is None else f" ({told(low)} to {told(high)})"
    return f"{told(value)}{between}"


def _at_least(row: pd.Series[Any], name: str, unknown: str) -> str:
    """Return what is shared out, marked where shelters of unknown size add to it."""
    told = _figure(row, name, _two)
    return f"at least {told}" if told != "-" and row[unknown] > 0 else told


def _percent(share: float) -> str:
    return text.percent(share).removesuffix(" %")


def _percent_up(share: float) -> str:
    """Return what nobody wants in per cent, rounded up: never less than it is."""
    return f"{math.ceil(share * 1000 - 1e-9) / 10:.1f}"


def _whole_up(people: float) -> int:
    """Return people without something, rounded up: never fewer than there are."""
    return math.ceil(people - 1e-6)


def _points(gap: float) -> str:
    return "-" if math.isnan(gap) else f"{gap * 100:+.1f} points"


def _minutes(seconds: float) -> str:
    """Return a walk in minutes, rounded up as in the app."""
    return f"{math.ceil(seconds / 6 - 1e-9) / 10:.1f}"


def _index(value: float) -> str:
    return f"{value:.3f}"


def _two(value: float) -> str:
    return f"{value:.2f}"


def _print_groups(groups: pd.DataFrame, counted: str) -> None:
    """Print who is left out."""
    click.echo(f"\nWithout a place ({counted}):")
    text.print_table(
        ["group", "people", "no place", "share [%]", "than everybody", "no way"],
        [
            [
                GROUP_WORDS[str(key)],
                row["population"],
                _whole_up(row["left_out_people"]),
                _figure(row, "left_out_share", _percent_up),
                _points(row["gap"]),
                _whole_up(row["unreachable_people"]),
            ]
            for key, row in groups.iterrows()
        ],
    )
    for name, reason in groups.attrs["left_out"].items():
        click.echo(f"Not known: {GROUP_WORDS[name]} ({reason}).")


def _print_measures(unequal: Inequality) -> None:
    """Print how unequal it is between communities."""
    click.echo(f"\nBetween communities, {unequal.what}:")
    rows = [
        [WORDS[str(name)], *(_number(row[column]) for column in ("value", "low", "high"))]
        for name, row in unequal.measures.iterrows()
        if name not in unequal.left_out
    ]
    text.print_table(["measure", "value", "low", "high"], rows)
    for reason in dict.fromkeys(unequal.left_out.values()):
        named = [WORDS[name] for name, why in unequal.left_out.items() if why == reason]
        click.echo(f"Not known: {', '.join(named)} ({reason}).")
    if unequal.unreachable_share > 0:
        click.echo(
            f"{_percent_up(unequal.unreachable_share)} % of the people have no way to a fit "
            "shelter; they are counted."
        )


def _number(value: float) -> str:
    if math.isnan(value):
        return "-"
    return "no limit" if math.isinf(value) else f"{value:.3f}"


def _as_csv(plan: Plan, table: pd.DataFrame) -> bytes:
    """Return the table as CSV with its attribution and manifest."""
    from shelterplan.study_area import ATTRIBUTION
    from shelterplan.views import exports

    facts = exports.Facts(
        attribution=ATTRIBUTION,
        illustrative=tuple(plan.manifest["area"]["illustrative"]),
        manifest=plan.manifest,
    )
    return exports.to_csv(table, facts)
