"""The commands that ask a study area: `nearest` and `coverage`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shelterplan.cli import text
from shelterplan.cli.files import write_file
from shelterplan.scenario import WALKERS, Scenario
from shelterplan.standards import AccessStandard, presets

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from shelterplan.finder import Answer
    from shelterplan.plan import Plan
    from shelterplan.study_area import StudyArea

AREA = click.argument("area", metavar="AREA")
JSON = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print JSON for programs; what is unreachable or unknown is null.",
)
WALKER = click.option(
    "--walker",
    default="adult",
    show_default=True,
    type=click.Choice(list(WALKERS)),
    help="Who walks: sets the speed, and whether steps can be used.",
)
FORMATS = (".csv", ".geojson", ".gpkg")
NO_WAY = {
    "no_network": "the place is too far from any street that this walker can use",
    "no_path": "the streets there lead to no shelter for this walker",
    "outside": "the place lies outside the study area, whose shelters are the only ones known",
}
"""What a status means, in words."""
UNNAMED = {
    "footway": "a footpath",
    "path": "a path",
    "steps": "the steps",
    "cycleway": "a cycleway",
    "pedestrian": "a pedestrian street",
    "residential": "a residential street",
    "living_street": "a residential street",
    "service": "a service road",
    "track": "a track",
}
"""What a way without a name is called, by its OSM class."""


def limits(
    lowest: float, highest: float, hint: str = ""
) -> Callable[[click.Context, click.Parameter, float | None], float | None]:
    """Return a check that a number lies within limits, as NaN and infinity do not."""

    def check_number(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
        if value is not None and not lowest <= value <= highest:
            raise click.BadParameter(f"{value:g} is not from {lowest:g} to {highest:g}{hint}")
        return value

    return check_number


def open_area(name: str) -> StudyArea:
    """Open a study area by its folder or embedded name."""
    from shelterplan.study_area import StudyArea

    return StudyArea.open(name)


def heading(area: StudyArea, standard: AccessStandard | None, scenario: Scenario) -> list[str]:
    """Return the first lines of an answer: the place, the standard and how sure it is, warnings."""
    walker = scenario.walker
    walk = f"{walker.name} at {walker.speed_m_s:g} m/s ({walker.certainty})"
    if standard is not None:
        named = "" if standard.name == "own" else f", {standard.name}"
        walk = f"longest walk {standard.max_distance_m:g} m ({standard.certainty}{named}); {walk}"
    lines = [f"{area.title}: {walk}."]
    if area.illustrative:
        lines.append(f"Illustrative, not official: {', '.join(sorted(area.illustrative))}.")
    return [text.clean(line) for line in lines]


@click.command(
    epilog="""\b
Examples:
  shelterplan nearest monaco --lat 43.7325 --lon 7.4197
  shelterplan nearest monaco --lat 43.7325 --lon 7.4197 --walker wheelchair --json

With --json: a list with shelter_id, name, distance_m, walk_time_s, status ("covered": within 500 m;
"too_far"), nearest first. If no shelter can be reached, its one entry has the reason as status
("no_network", "no_path", "outside") and null for everything else."""
)
@AREA
@click.option(
    "--lat",
    required=True,
    type=float,
    callback=limits(-90, 90, " (swapped with --lon?)"),
    help="Latitude of the place, WGS 84 degrees.",
)
@click.option(
    "--lon",
    required=True,
    type=float,
    callback=limits(-180, 180),
    help="Longitude of the place, WGS 84 degrees.",
)
@click.option(
    "--count", default=3, show_default=True, type=click.IntRange(1, 1000), help="How many shelters."
)
@WALKER
@JSON
def nearest(area: str, lat: float, lon: float, count: int, walker: str, as_json: bool) -> None:  # noqa: FBT001
    """Find the shelters with the shortest walk from one place, and the way there.

    AREA is a study area's folder or an embedded name.
    """
    from shelterplan.finder import find_shelters

    opened, scenario = open_area(area), Scenario.of(walker=walker)
    answer = find_shelters(opened, lon, lat, count=count, scenario=scenario)
    if as_json:
        text.print_json(answer_rows(answer))
    else:
        _print_answer(opened, answer, scenario)
    if as_json and answer.status != "ok":
        click.echo(f"Note: {NO_WAY[answer.status]}.", err=True)


def answer_rows(answer: Answer) -> list[dict[str, Any]]:
    """Return the shelters of an answer as plain rows; one row with the reason if there is none."""
    rows = [
        {
            "shelter_id": option.shelter_id,
            "name": option.name,
            "kind": option.kind,
            "distance_m": option.distance_m,
            "walk_time_s": option.walk_time_s,
            "status": option.status,
            "capacity": option.capacity,
            "outside_study_area": answer.status == "outside",
        }
        for option in answer.options
    ]
    empty = dict.fromkeys(("shelter_id", "name", "kind", "distance_m", "walk_time_s"))
    return rows or [
        {
            **empty,
            "status": answer.status,
            "capacity": None,
            "outside_study_area": answer.status == "outside",
        }
    ]


def _print_answer(area: StudyArea, answer: Answer, scenario: Scenario) -> None:
    for line in heading(area, AccessStandard(), scenario):
        click.echo(line)
    if answer.status != "ok":
        words = NO_WAY[answer.status]
        click.echo(f"{words[0].upper()}{words[1:]}.")
    if answer.options:
        _print_options(answer)
    click.echo("")
    text.print_notes(area.notes)


def _print_options(answer: Answer) -> None:
    click.echo("")
    text.print_table(
        ["shelter", "kind", "walk [m]", "minutes", "capacity", "within the standard"],
        [
            [
                option.name,
                option.kind,
                round(option.distance_m),
                math.ceil(option.walk_time_s / 60),
                "unknown" if option.capacity is None else f"{option.capacity:,.0f}",
                "yes" if option.status == "covered" else "no, too far",
            ]
            for option in answer.options
        ],
    )
    click.echo(f"\nThe way to {text.clean(answer.options[0].name)}:")
    for number, step in enumerate(answer.options[0].route.steps, start=1):
        click.echo(f"{number:>3}. {text.clean(step_words(step))}")


def step_words(step: Any) -> str:  # noqa: ANN401  (routes.Step, imported only where it is used)
    """Return one instruction in words."""
    turn = step.turn.replace("_", " ")
    if step.turn == "arrive":
        return f"the shelter's entrance is {step.distance_m:,.0f} m from the street"
    way = step.name or UNNAMED.get(step.street_class, "a street without a name")
    way = f"{way} (steps)" if step.steps and step.name else way
    start = {
        "start": f"start {step.bearing} on",
        "straight": "go straight on",
        "u_turn": "turn back on",
    }.get(step.turn, f"turn {turn} into")
    return f"{start} {way}, {step.distance_m:,.0f} m"


@click.command(
    epilog="""\b
Examples:
  shelterplan coverage monaco
  shelterplan coverage coquimbo --by community --distance-m 800 --json
  shelterplan coverage mytown --standard cn_gb51143_emergency --walker elderly --out gaps.csv

With --json: a list with community_id (or district), name, population, covered_population,
coverage_share, one ..._population for each status, and distances in which null means that there is
no way. The populations of all statuses add up to the population."""
)
@AREA
@click.option(
    "--by",
    default="community",
    show_default=True,
    type=click.Choice(["community", "district"]),
    help="What one row is.",
)
@click.option(
    "--standard",
    type=click.Choice(list(presets())),
    metavar="NAME",
    help="A published access standard; how sure we are of its text is shown. One of: "
    f"{', '.join(presets())}.",
)
@click.option(
    "--distance-m",
    type=float,
    callback=limits(0, 1e6),
    help="Longest acceptable walk, inclusive [m]; 500 if neither is given.",
)
@WALKER
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the table: .csv, .geojson or .gpkg.",
)
@JSON
def coverage(
    area: str,
    by: str,
    standard: str | None,
    distance_m: float | None,
    walker: str,
    out: Path | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Count who has a shelter within the walk of a standard, and for the others why not.

    AREA is a study area's folder or an embedded name.
    """
    if standard and distance_m is not None:
        raise click.UsageError("give --standard or --distance-m, not both")
    if out and out.suffix.lower() not in FORMATS:
        raise click.BadParameter(f"must end in {', '.join(FORMATS)}", param_hint="--out")
    from shelterplan.plan import make_plan

    chosen = _standard(standard, distance_m)
    opened, scenario = open_area(area), Scenario.of(walker=walker)
    plan = make_plan(opened, scenario, chosen)
    if out:
        write_table(plan, opened, by, out)
    if as_json:
        text.print_json(coverage_rows(plan, by))
    else:
        _print_coverage(plan, opened, by, heading(opened, chosen, scenario))
        if out:
            click.echo(f"\nWritten: {out}")


def _standard(name: str | None, distance_m: float | None) -> AccessStandard:
    """Return a preset, or a standard with the user's own distance."""
    if name:
        return AccessStandard.preset(name)
    return AccessStandard() if distance_m is None else AccessStandard(max_distance_m=distance_m)


def coverage_rows(plan: Plan, by: str) -> list[dict[str, Any]]:
    """Return coverage by community or district as plain rows, without geometry."""
    table = plan.communities if by == "community" else plan.districts
    flat = table.drop(columns=[name for name in ("geometry",) if name in table]).reset_index()
    if by == "district" and "name" not in flat:
        flat.insert(1, "name", flat["district"])
    return [{str(key): value for key, value in row.items()} for row in flat.to_dict("records")]


def _print_coverage(plan: Plan, area: StudyArea, by: str, first: list[str]) -> None:
    for line in first:
        click.echo(line)
    reasons = [
        name
        for name in plan.total.index
        if name.endswith("_population")
        and name not in {"covered_population", "gap_population"}
        and plan.total[name] > 0
    ]
    words = [name.removesuffix("_population").replace("_", " ") for name in reasons]

    def cells(row: pd.Series[Any], *names: str) -> list[object]:
        return [
            *names,
            row["population"],
            row["covered_population"],
            text.percent(row["coverage_share"]),
            *(row[reason] for reason in reasons),
            round_m(row["median_distance_m"]),
            round_m(row["p90_distance_m"]),
        ]

    table = plan.communities if by == "community" else plan.districts
    ordered = table.sort_values("gap_population", ascending=False, kind="stable")
    named = ["community", "district"] if by == "community" else ["district"]
    rows = [
        cells(
            row, *((str(row["name"]), str(row["district"])) if by == "community" else (str(key),))
        )
        for key, row in ordered.iterrows()
    ]
    click.echo("")
    text.print_table(
        [*named, "people", "covered", "share", *words, "median [m]", "90 % within [m]"],
        [*rows, cells(plan.total, "all", *[""] * (len(named) - 1))],
    )
    click.echo("")
    text.print_notes(area.notes)


def round_m(distance_m: float) -> float:
    """Return a distance in whole metres; `inf` and NaN as they are."""
    return round(distance_m) if math.isfinite(distance_m) else distance_m


def write_table(plan: Plan, area: StudyArea, by: str, out: Path) -> None:
    """Write coverage to a file whose ending sets the format, with its attribution."""
    from shelterplan.study_area import ATTRIBUTION
    from shelterplan.views import exports

    table: Any = plan.communities
    if by == "district":
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
