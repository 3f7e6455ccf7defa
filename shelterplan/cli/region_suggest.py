"""The command that looks for new sites in a whole region: `region suggest`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shelterplan.cli import text
from shelterplan.cli.answers import JSON
from shelterplan.cli.files import ends_in, write_file
from shelterplan.cli.region_flags import run_options
from shelterplan.cli.scenario_flags import assumed, scenario_options, standard_options
from shelterplan.cli.site_rows import site_rows

if TYPE_CHECKING:
    from shelterplan.scale.siting_region import RegionPlan
    from shelterplan.scenario import Scenario
    from shelterplan.standards import AccessStandard


@click.command(
    epilog="""\b
Examples:
  shelterplan region suggest mycountry --sites 100
  shelterplan region suggest mycountry --sites 500 --hazard flood --time-limit 600 --out plan.csv

Sites that share demand are chosen together, the others apart from each other; the bound holds for
the whole region. The status says whether the plan is proven: "optimal", or how far the best plan
can be from this one.

With --json: an object with sites (site_id, name, kind, lon, lat, step, newly_covered_population,
covered_after), objective, bound, gap, status, unit, seconds, coverage_share_before,
coverage_share_after, newly_covered_population, population, not_computed_population, candidates,
refused (number of candidates by reason), parts (number, largest_sites, solved), tiles_done,
tiles_total, quarantined, notes, run_folder and attribution."""
)
@click.argument("region", metavar="REGION", type=click.Path(path_type=Path))
@click.option(
    "--sites",
    required=True,
    type=click.IntRange(0),
    metavar="N",
    help="Most sites that may be added.",
)
@click.option(
    "--time-limit",
    "time_limit_s",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0.1, 86400),
    metavar="SECONDS",
    help="How long sites may be looked for, once it is known who could walk where. Ctrl-C ends it "
    "with the best plan so far.",
)
@standard_options
@scenario_options
@run_options
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=ends_in(".csv"),
    help="Also write the sites: .csv.",
)
@JSON
@click.pass_context
def suggest(
    ctx: click.Context,
    region: Path,
    sites: int,
    time_limit_s: float,
    standard: AccessStandard,
    scenario: Scenario,
    workers: int | None,
    cluster: str | None,
    run_folder: Path | None,
    out: Path | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Find the sites of a whole region that bring most people within reach of a shelter.

    REGION is the folder that `shelterplan region ingest` has written. Room is not looked at.
    """
    from shelterplan.cli.interrupt import Interrupt
    from shelterplan.scale.siting_region import suggest as find
    from shelterplan.scale.stages import Parameters

    parameters = Parameters.of(replace(scenario, room="ignored"), standard)
    progress = text.bar(shown=not as_json)
    with Interrupt() as interrupt:
        found = find(
            region,
            run_folder,
            parameters,
            sites,
            time_limit_s=time_limit_s,
            workers=workers,
            cluster=cluster,
            progress=progress,
            stop=interrupt,
        )
    progress("done", 1.0)
    if out:
        write_file(out, _csv(found))
    if as_json:
        text.print_json(as_object(found))
    else:
        title = found.total.manifest["region"]["title"]
        click.echo(text.clean(f"{title}: {assumed(parameters.scenario, standard)}."))
        _print(found)
        if out:
            click.echo(f"\nWritten: {out}")
    interrupt.leave()
    if len(found.outcome.finished) < len(found.outcome.tiles):
        ctx.exit(1)


def as_object(found: RegionPlan) -> dict[str, Any]:
    """Return a plan as plain values."""
    from shelterplan.scale.siting_region import UNIT

    result, parts, total = found.divided.result, found.divided.parts, found.total
    return {
        "sites": site_rows(found.sites),
        "objective": result.objective,
        "bound": text.plain_number(result.bound),
        "gap": text.plain_number(result.gap),
        "status": result.status,
        "unit": UNIT,
        "seconds": round(result.seconds, 3),
        "coverage_share_before": text.plain_number(found.share_before),
        "coverage_share_after": text.plain_number(found.share_after),
        "newly_covered_population": float(found.sites["newly_covered_population"].sum()),
        "population": float(total.total["population"]),
        "not_computed_population": float(total.total["not_computed_population"]),
        "candidates": found.candidates,
        "refused": {str(reason): int(number) for reason, number in found.refused.items()},
        "parts": {
            "number": len(parts) + found.divided.alone,
            "largest_sites": int(parts["sites"].max())
            if len(parts)
            else min(1, found.divided.alone),
            "solved": int(parts["solved"].sum()),
        },
        "tiles_done": len(found.outcome.finished),
        "tiles_total": len(found.outcome.tiles),
        "quarantined": found.outcome.quarantined.to_dict("records"),
        "notes": list(total.notes),
        "run_folder": str(found.outcome.run),
        "attribution": total.manifest["attribution"],
        "illustrative": total.manifest["region"]["illustrative"],
    }


def _csv(found: RegionPlan) -> bytes:
    """Return the sites as a file that says whose data it holds and how they were found."""
    import pandas as pd

    from shelterplan.views import exports

    result, manifest = found.divided.result, found.total.manifest
    proof = {name: getattr(result, name) for name in ("objective", "bound", "gap", "status")}
    facts = exports.Facts(
        attribution=manifest["attribution"],
        illustrative=tuple(manifest["region"]["illustrative"]),
        manifest=manifest | {"notes": list(found.total.notes), "plan": proof},
    )
    columns = ["site_id", "name", "kind", "lon", "lat", "step"]
    columns += ["newly_covered_population", "covered_after"]
    rows = pd.DataFrame(site_rows(found.sites), columns=columns).set_index("site_id")
    return exports.to_csv(rows, facts)


SHOWN = 40
"""Sites that are printed."""


def _print(found: RegionPlan) -> None:
    """Print the sites, what they do, and how sure that is."""
    illustrative = found.total.manifest["region"]["illustrative"]
    if illustrative:
        click.echo(text.clean(f"Illustrative, not official: {', '.join(illustrative)}."))
    click.echo(f"{found.outcome.told}.\n")
    rows = [
        [
            str(row["step"]),
            row["site_id"],
            row["name"],
            row["newly_covered_population"],
            row["covered_after"],
        ]
        for row in site_rows(found.sites)
    ]
    if rows:
        header = ["step", "site", "name", "newly within reach", "within reach then"]
        text.print_table(header, rows[:SHOWN])
        if len(rows) > SHOWN:
            click.echo(f"... and {len(rows) - SHOWN:,} more: see --out or --json.")
        click.echo("")
    total = found.total.total
    click.echo(
        f"People within reach: {total['covered_population']:,.0f} of {total['population']:,.0f} "
        f"({text.percent(found.share_before)}) before, {found.covered_after:,.0f} "
        f"({text.percent(found.share_after)}) after."
    )
    click.echo(_proof(found))
    said = ", ".join(
        f"{number} {str(reason).replace('_', ' ')}" for reason, number in found.refused.items()
    )
    if said:
        left = int(found.refused.sum())
        click.echo(f"Candidates left out: {left} of {found.candidates} ({said}).")
    for row in found.outcome.quarantined.drop_duplicates("tile").to_dict("records"):
        click.echo(text.clean(f"Tile {row['tile']} was left out ({row['stage']}): {row['error']}"))
    click.echo("")
    text.print_notes([*found.total.notes, f"{found.total.manifest['attribution']}."])


def _proof(found: RegionPlan) -> str:
    """Say how good the plan is."""
    result, parts = found.divided.result, found.divided
    number = text.counted(len(parts.parts) + parts.alone, "part")
    how = f"{number} that share no demand, {result.seconds:.1f} s"
    where = ""
    if len(found.outcome.finished) < len(found.outcome.tiles):
        where = ", in the tiles that were computed,"
    if result.optimal:
        return f"Proven: no choice of sites does better{where} ({how})."
    return (
        f"Not proven: {result.objective:,.0f} people newly within reach{where}; no plan can do "
        f"better than {result.bound:,.0f} ({result.status}; {how})."
    )
