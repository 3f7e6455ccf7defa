"""The command that asks for one place, `nearest`, and what all answers begin with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from shelterplan.cli import text
from shelterplan.cli.scenario_flags import assumed, scenario_options, standard_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from shelterplan.finder import Answer, Option
    from shelterplan.scenario import Scenario
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea

AREA = click.argument("area", metavar="AREA")
JSON = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print JSON for programs; what is unreachable or unknown is null.",
)
NO_WAY = {
    "no_network": "the place is too far from any street that this walker can use",
    "no_path": "the streets there lead to no shelter for this walker",
    "cut_off": "every way from there to a shelter that is fit is closed",
    "unsafe": "only shelters that are not fit for the hazard can be reached",
    "outside": "the place lies outside the study area, whose shelters are the only ones known",
}
"""What a status means, in words."""
WHY_NOT = {
    "closed": "closed",
    "full": "full",
    "no_wheelchair": "no way in for a wheelchair",
    "no_entrance": "its gates open in an emergency only",
    "unfit": "not fit for the hazard",
    "in_zone": "in the hazard's zone",
    "fitness_unknown": "nobody has said whether it is fit",
    "cut_off": "the way there is closed",
}
"""Why nobody is sent to a nearer shelter, in words."""
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
    """Return the first lines of an answer: the place, what is assumed and how sure, warnings."""
    lines = [f"{area.title}: {assumed(scenario, standard)}."]
    if area.illustrative:
        lines.append(f"Illustrative, not official: {', '.join(sorted(area.illustrative))}.")
    if scenario.hazard:
        lines += _about_hazard(area, scenario)
    return [text.clean(line) for line in lines]


def _about_hazard(area: StudyArea, scenario: Scenario) -> list[str]:
    """Return what is not known of the hazard here."""
    from shelterplan.situation import active_zones, situation

    lines = []
    if not active_zones(area, scenario).any():
        lines.append(f"No zones of this {scenario.hazard.replace('_', ' ')} are known here.")
    unknown = int((situation(area, scenario).fitness == "unknown").sum())
    if unknown:
        used = "used" if scenario.unknown_fitness == "accept" else "not used"
        lines.append(
            f"Of {unknown} of {len(area.shelters)} shelters nobody has said whether they are fit "
            f"({used})."
        )
    return lines


@click.command(
    epilog="""\b
Examples:
  shelterplan nearest monaco --lat 43.7325 --lon 7.4197
  shelterplan nearest monaco --lat 43.7325 --lon 7.4197 --walker wheelchair --json
  shelterplan nearest coquimbo --lat -29.95 --lon -71.33 --hazard tsunami --minutes 15

With --json: a list with shelter_id, name, distance_m, walk_time_s, status ("covered": within the
standard; "too_far"), nearest first; "advised" marks the one to take, "fills_at_share" says at which
share of the people nearest to it a shelter is full. If no shelter can be reached, its one entry has
the reason as status ("no_network", "no_path", "cut_off", "unsafe", "outside") and null for
everything else."""
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
@standard_options
@scenario_options
@JSON
def nearest(
    area: str,
    lat: float,
    lon: float,
    count: int,
    standard: AccessStandard,
    scenario: Scenario,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Find the shelters with the shortest walk from one place, and the way there.

    AREA is a study area's folder or an embedded name. Shelters that are closed, full or not fit for
    the hazard are not offered.
    """
    from shelterplan.finder import find_shelters

    opened = open_area(area)
    answer = find_shelters(opened, lon, lat, count=count, scenario=scenario, standard=standard)
    if as_json:
        text.print_json(answer_rows(answer, scenario.hazard))
    else:
        _print_answer(opened, answer, heading(opened, standard, scenario))
    if as_json and answer.status != "ok":
        click.echo(f"Note: {NO_WAY[answer.status]}.", err=True)


def answer_rows(answer: Answer, hazard: str = "") -> list[dict[str, Any]]:
    """Return the shelters of an answer as plain rows; one row with the reason if there is none."""
    columns = (
        "shelter_id",
        "name",
        "kind",
        "distance_m",
        "walk_time_s",
        "status",
        "capacity",
        "capacity_from",
        "fitness",
        "fills_at_share",
    )
    rows: list[dict[str, Any]] = [
        {name: getattr(option, name) for name in columns} | {"advised": number == answer.advised}
        for number, option in enumerate(answer.options)
    ]
    if not hazard:
        rows = [row | {"fitness": None} for row in rows]
    rows = rows or [dict.fromkeys(columns) | {"status": answer.status, "advised": False}]
    refused = [
        {name: getattr(one, name) for name in ("shelter_id", "name", "distance_m", "reason")}
        for one in answer.refused
    ]
    more = {"outside_study_area": answer.status == "outside", "hazard_level": answer.hazard_level}
    return [row | more | {"nearer_not_offered": refused} for row in rows]


def _print_answer(area: StudyArea, answer: Answer, first: list[str]) -> None:
    for line in first:
        click.echo(line)
    if answer.hazard_level:
        click.echo(f"The place itself lies in a zone of the hazard, level {answer.hazard_level}.")
    if answer.status != "ok":
        words = NO_WAY[answer.status]
        click.echo(f"{words[0].upper()}{words[1:]}.")
    if answer.options:
        _print_options(answer)
    for one in answer.refused:
        click.echo(
            f"Not offered: {text.clean(one.name)}, {one.distance_m:,.0f} m: "
            f"{WHY_NOT.get(one.reason, one.reason)}."
        )
    click.echo("")
    text.print_notes(area.notes)


def _print_options(answer: Answer) -> None:
    click.echo("")
    text.print_table(
        ["shelter", "kind", "walk [m]", "minutes", "room", "within the standard"],
        [
            [
                option.name,
                option.kind,
                round(option.distance_m),
                math.ceil(option.walk_time_s / 60),
                _room_words(option),
                "yes" if option.status == "covered" else "no, too far",
            ]
            for option in answer.options
        ],
    )
    click.echo(advice(answer))
    taken = answer.options[answer.advised]
    click.echo(f"\nThe way to {text.clean(taken.name)}:")
    for number, step in enumerate(taken.route.steps, start=1):
        click.echo(f"{number:>3}. {text.clean(step_words(step))}")


def _room_words(option: Option) -> str:
    """Return for how many people a shelter has room."""
    if option.capacity is None:
        return "unknown"
    about = "about " if option.capacity_from == "area" else ""
    return f"{about}{option.capacity:,.0f}"


def advice(answer: Answer) -> str:
    """Return which shelter to take, where the nearest is expected to fill up."""
    nearest, taken = answer.options[0], answer.options[answer.advised]
    if nearest.fills_at_share is None:
        return ""
    full = (
        f"{text.clean(nearest.name)} is full at {nearest.fills_at_share:.0%} of its expected demand"
    )
    if answer.advised == 0:
        return f"{full}; none of the others named here is nearer than the standard and has room."
    more = math.ceil((taken.walk_time_s - nearest.walk_time_s) / 60)
    return f"{full}; use {text.clean(taken.name)}, {text.counted(more, 'minute')} more."


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
