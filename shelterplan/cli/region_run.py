"""The command that asks for everybody in a region: `region run`."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from shelterplan.cli import text
from shelterplan.cli.answers import JSON
from shelterplan.cli.files import ends_in, write_file
from shelterplan.cli.region_flags import run_options
from shelterplan.cli.scenario_flags import assumed, scenario_options, standard_options

if TYPE_CHECKING:
    from shelterplan.scale.reduce import Total
    from shelterplan.scale.runner import Outcome
    from shelterplan.scenario import Scenario
    from shelterplan.standards import AccessStandard

SHOWN: Final = 40
"""Communities that are printed."""
SHOWN_TILES: Final = 10
"""Tiles that were left out and are printed."""


@click.command(
    epilog="""\b
Examples:
  shelterplan region run mycountry
  shelterplan region run mycountry --standard cn_gb51143_emergency --workers 8 --out coverage.csv
  shelterplan region run mycountry --hazard flood --cluster tcp://10.0.0.5:8786 --json

What is finished is kept: after a crash, start it again, and only the rest is done. A tile that
fails again and again is left out by name; its people count as not computed, and the exit code is 1.
A Dask cluster runs whatever it is sent: keep it in a network of your own. Its workers need the same
shelterplan, and must see the region's folder under the same path.

With --json: an object with tiles_done, tiles_total, communities (community_id, name, district,
population, covered_population, coverage_share, not_computed_population, at_risk_people, one
..._population for each status), total, quarantined (stage, tile, error, attempts),
uncounted_points, notes, run_folder and attribution. The populations of all statuses, with those not
computed, add up to the population."""
)
@click.argument("region", metavar="REGION", type=click.Path(path_type=Path))
@standard_options
@scenario_options
@click.option(
    "--cutoff-m",
    type=click.FloatRange(0),
    metavar="M",
    help="Longest walk that is looked at.  [default: the longest that the standard allows]",
)
@run_options
@click.option(
    "--task-minutes",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0.01, 10_000),
    metavar="MINUTES",
    help="Longest time for one tile; after it its process is ended.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=ends_in(".csv", ".parquet"),
    help="Also write the communities: .csv or .parquet.",
)
@JSON
@click.pass_context
def run(
    ctx: click.Context,
    region: Path,
    standard: AccessStandard,
    scenario: Scenario,
    cutoff_m: float | None,
    workers: int | None,
    cluster: str | None,
    task_minutes: float,
    run_folder: Path | None,
    out: Path | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Count who has a shelter within the walk of a standard, in a whole region.

    REGION is the folder that `shelterplan region ingest` has written. Room is not shared out.
    """
    from shelterplan.scale import runner
    from shelterplan.scale.reduce import total_of
    from shelterplan.scale.stages import Parameters, refuse_strangers
    from shelterplan.scale.store import Region

    opened = Region.open(region)
    parameters = Parameters.of(replace(scenario, room="ignored"), standard, cutoff_m=cutoff_m)
    refuse_strangers(opened, parameters)
    outcome = runner.run(
        region,
        run_folder,
        parameters,
        workers=workers,
        cluster=cluster,
        limit_s=task_minutes * 60,
        progress=text.bar(shown=not as_json),
    )
    found = total_of(opened, outcome, parameters)
    if out:
        write_file(out, table_bytes(found, outcome, out.suffix.lower()))
    if as_json:
        text.print_json(as_object(found, outcome))
    else:
        click.echo(text.clean(f"{opened.title}: {assumed(parameters.scenario, standard)}."))
        _print(found, outcome)
        if out:
            click.echo(f"\nWritten: {out}")
    if len(outcome.finished) < len(outcome.tiles):
        ctx.exit(1)


def as_object(found: Total, outcome: Outcome) -> dict[str, Any]:
    """Return the result as plain values."""
    return {
        "tiles_done": len(outcome.finished),
        "tiles_total": len(outcome.tiles),
        "communities": found.communities.rename_axis("community_id")
        .reset_index()
        .to_dict("records"),
        "total": found.total.to_dict(),
        "quarantined": outcome.quarantined.to_dict("records"),
        "uncounted_points": found.uncounted_points,
        "notes": list(found.notes),
        "run_folder": str(outcome.run),
        "attribution": found.manifest["attribution"],
        "illustrative": found.manifest["region"]["illustrative"],
    }


def table_bytes(found: Total, outcome: Outcome, ending: str) -> bytes:
    """Return the communities as a file that says whose data it holds and how it was computed.

    Every row says how many tiles are in the result.
    """
    from shelterplan.views import exports

    manifest = found.manifest | {"notes": list(found.notes)}
    facts = exports.Facts(
        attribution=manifest["attribution"],
        illustrative=tuple(manifest["region"]["illustrative"]),
        manifest=manifest,
    )
    rows = found.communities.assign(tiles=outcome.told)
    if ending == ".csv":
        return exports.to_csv(rows, facts)
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(rows)
    buffer = io.BytesIO()
    about = {**(table.schema.metadata or {}), **facts.texts()}
    pq.write_table(table.replace_schema_metadata(about), buffer, compression="zstd")
    return buffer.getvalue()


def _print(found: Total, outcome: Outcome) -> None:
    """Print the communities with the most people who are not covered, and what is missing."""
    from shelterplan.coverage import STATUSES

    illustrative = found.manifest["region"]["illustrative"]
    if illustrative:
        click.echo(text.clean(f"Illustrative, not official: {', '.join(illustrative)}."))
    click.echo(f"{outcome.told}.")
    reasons = [
        name for name in (*STATUSES[1:], "not_computed") if found.total[f"{name}_population"] > 0
    ]

    def cells(row: Any, *names: str) -> list[object]:  # noqa: ANN401  (a row of the table)
        return [
            *names,
            row["population"],
            row["covered_population"],
            text.percent(row["coverage_share"]),
            *(row[f"{name}_population"] for name in reasons),
        ]

    rows = found.communities
    gap = (rows["population"] - rows["covered_population"]).rename("gap")
    worst = rows.loc[gap.sort_values(ascending=False, kind="stable").index[:SHOWN]]
    click.echo("")
    text.print_table(
        ["community", "district", "people", "covered", "share", *_words(reasons)],
        [
            *(cells(row, str(row["name"]), str(row["district"])) for _, row in worst.iterrows()),
            cells(found.total, "all", ""),
        ],
    )
    if len(rows) > SHOWN:
        click.echo(f"... and {len(rows) - SHOWN:,} more communities: see --out or --json.")
    _print_left_out(outcome)
    click.echo("")
    text.print_notes([*found.notes, f"{found.manifest['attribution']}."])


def _words(reasons: list[str]) -> list[str]:
    return [name.replace("_", " ") for name in reasons]


def _print_left_out(outcome: Outcome) -> None:
    """Print which tiles were left out, and why: the first reason of each."""
    first = outcome.quarantined.drop_duplicates("tile")
    if not len(first):
        return
    click.echo("")
    for row in first.head(SHOWN_TILES).to_dict("records"):
        click.echo(text.clean(f"Tile {row['tile']} was left out ({row['stage']}): {row['error']}"))
    if len(first) > SHOWN_TILES:
        click.echo(f"... and {len(first) - SHOWN_TILES:,} more; see {outcome.run.name}/run.toml.")
