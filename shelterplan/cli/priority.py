"""The command that ranks communities by hazard, vulnerability and gap: `priority`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shelterplan.cli import text
from shelterplan.cli.answers import AREA, JSON, heading, open_area
from shelterplan.cli.files import ends_in, write_file
from shelterplan.cli.scenario_flags import scenario_options, standard_options

if TYPE_CHECKING:
    import pandas as pd

    from shelterplan.scenario import Scenario
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea

PARTS = ("hazard", "vulnerability", "gap")


def _weights(_: click.Context, __: click.Parameter, given: str | None) -> dict[str, float]:
    """Return weights of text such as `hazard=1,gap=2`."""
    found: dict[str, float] = {}
    for pair in (given or "").split(",") if given else ():
        name, _equals, number = (part.strip() for part in pair.partition("="))
        try:
            weight = float(number)
        except ValueError:
            weight = -1.0
        if name not in PARTS or name in found or not 0 <= weight <= 1e6:
            raise click.BadParameter(
                f"{pair.strip()!r} is none: write each of {', '.join(PARTS)} at most once, with a "
                "number from 0 to 1000000, as in hazard=1,vulnerability=1,gap=2"
            )
        found[name] = weight
    return found


@click.command(
    epilog="""\b
Examples:
  shelterplan priority mytown --hazard flood --hazard-level 2
  shelterplan priority mytown --hazard flood --weights gap=2 --top 10 --json
  shelterplan priority monaco --walker elderly --minutes 10 --out priority.csv

With --json: a list, first ranks first, with community_id, name, district, grade (of the district's
data), population, hazard, vulnerability and gap (0 to 1; null: not known), priority, rank, tied,
rank_low and rank_high (ranks under weights changed by 20 %), stable, weights, left_out (parts that
are not known everywhere and therefore used nowhere), people at risk and without a place,
high_risk_under_served (null: not known) and the query that decides it."""
)
@AREA
@scenario_options
@standard_options
@click.option(
    "--weights",
    callback=_weights,
    metavar="PART=N,...",
    help="Weights of hazard, vulnerability and gap; 1 where none is given.",
)
@click.option(
    "--mean",
    default="geometric",
    show_default=True,
    type=click.Choice(["geometric", "arithmetic"]),
    help="Geometric: a part of 0 cannot be made good by another one. Arithmetic: it can.",
)
@click.option(
    "--unknown-room",
    default="possible",
    show_default=True,
    type=click.Choice(["possible", "none"]),
    help="Whether shelters of unknown capacity are taken to have room.",
)
@click.option(
    "--hazard-at-least",
    default=0.25,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="From which value of hazard the risk is called high.",
)
@click.option(
    "--gap-at-least",
    default=0.5,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="From which gap a community is called under-served.",
)
@click.option("--top", type=click.IntRange(1), metavar="N", help="Only the first N ranks.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=ends_in(".csv"),
    help="Also write the whole table: .csv.",
)
@JSON
def priority(
    area: str,
    scenario: Scenario,
    standard: AccessStandard,
    out: Path | None,
    as_json: bool,  # noqa: FBT001
    **chosen: Any,  # noqa: ANN401
) -> None:
    """Rank communities: where risk, vulnerability and lack of shelter come together.

    AREA is a study area's folder or an embedded name.
    """
    from shelterplan import risk

    opened = open_area(area)
    found = risk.priority(
        opened,
        scenario,
        standard,
        weights=chosen["weights"],
        mean=chosen["mean"],
        unknown_room=chosen["unknown_room"],
    )
    limits = {name: chosen[name] for name in ("hazard_at_least", "gap_at_least")}
    table = _asked(found, limits)
    if out:
        write_file(out, _as_csv(opened, scenario, standard, table))
    shown = table[table["rank"] <= chosen["top"]] if chosen["top"] else table
    if as_json:
        text.print_json(shown.reset_index().to_dict(orient="records"))
        return
    for line in heading(opened, standard, scenario):
        click.echo(line)
    _print_ranks(shown)
    _print_reading(table, found.attrs["left_out"])
    if out:
        click.echo(f"\nWritten: {out}")
    click.echo("")
    text.print_notes(opened.notes)


def _asked(found: pd.DataFrame, limits: dict[str, float]) -> pd.DataFrame:
    """Return the ranked table in order, with the answer to the query and how it was made."""
    import pandas as pd

    from shelterplan import risk

    query = risk.high_risk_query(**limits)
    answer: list[bool | None] = [None] * len(found)
    if "hazard" not in found.attrs["left_out"]:
        chosen = risk.high_risk_under_served(found, **limits).index
        answer = [key in chosen for key in found.index]
    return found.assign(
        high_risk_under_served=pd.array(answer, dtype="boolean"),
        query=query,
        mean=found.attrs["mean"],
        unknown_room=found.attrs["unknown_room"],
    ).sort_values("rank", kind="stable", na_position="last")


def _as_csv(
    area: StudyArea, scenario: Scenario, standard: AccessStandard, table: pd.DataFrame
) -> bytes:
    """Return the table as CSV with its attribution and manifest."""
    from shelterplan.plan import make_plan
    from shelterplan.study_area import ATTRIBUTION
    from shelterplan.views import exports

    facts = exports.Facts(
        attribution=ATTRIBUTION,
        illustrative=tuple(sorted(area.illustrative)),
        manifest=make_plan(area, scenario, standard).manifest,
    )
    return exports.to_csv(table, facts)


def _print_ranks(table: pd.DataFrame) -> None:
    rows = [
        [
            _rank(row),
            str(row["name"]),
            str(row["district"]),
            str(row["grade"]),
            row["population"],
            *(_part(row[name]) for name in (*PARTS, "priority")),
            _range(row),
            row["at_risk_people"],
            row["gap_population"],
            row["at_risk_gap_population"],
        ]
        for _, row in table.iterrows()
    ]
    click.echo("")
    text.print_table(
        [
            *("rank", "community", "district", "data", "people", *PARTS, "priority"),
            *("with other weights", "at risk", "no place", "both"),
        ],
        rows,
    )


def _rank(row: pd.Series[Any]) -> str:
    """Return a rank; `=` where others share it."""
    if text.plain_number(row["priority"]) is None:
        return "-"
    return f"{row['rank']}{'=' if row['tied'] else ''}"


def _range(row: pd.Series[Any]) -> str:
    """Return the ranks under other weights."""
    if text.plain_number(row["priority"]) is None:
        return "-"
    return "stable" if row["stable"] else f"{row['rank_low']} to {row['rank_high']}"


def _part(value: Any) -> str:  # noqa: ANN401
    number = text.plain_number(value)
    return "-" if number is None else f"{number:.3f}"


def _print_reading(table: pd.DataFrame, left_out: dict[str, str]) -> None:
    """Say how the ranks were made, and how to repeat the question for high risk."""
    first = table.iloc[0]
    weights = ", ".join(
        f"{name} {first[f'{name}_weight']:.2f}" for name in PARTS if name not in left_out
    )
    click.echo(f"\nPriority: {first['mean']} mean; weights {weights}.")
    for name, reason in left_out.items():
        click.echo(f"Left out for all communities: {name} ({text.clean(reason)}).")
    if first["vulnerability_left_out"] and "vulnerability" not in left_out:
        click.echo(f"Left out of vulnerability: {first['vulnerability_left_out']}.")
    click.echo(
        "Data: grade of the district's data, A good to D not to be relied on. "
        '"=": others share the rank.'
    )
    if "hazard" in left_out:
        click.echo(
            "High risk and under-served: nobody knows, because the hazard is not known. Choose one "
            "with --hazard."
        )
        return
    count = int(table["high_risk_under_served"].astype(bool).sum())
    click.echo(f"High risk and under-served: {count} of {len(table)}; the query: {first['query']}")
