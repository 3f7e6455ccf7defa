"""The flags that say what is assumed: the scenario and the access standard."""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from shelterplan.scenario import WALKERS, WORST_LEVEL, Scenario
from shelterplan.standards import AccessStandard, presets

if TYPE_CHECKING:
    from collections.abc import Callable

Command = TypeVar("Command", bound="Callable[..., Any]")

_SCENARIO = (
    click.option(
        "--scenario",
        "scenario_file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="TOML file with the scenario's settings; the flags below change single ones.",
    ),
    click.option(
        "--walker",
        type=click.Choice(list(WALKERS)),
        help="Who walks: sets the speed, and whether steps can be used.  [default: adult]",
    ),
    click.option("--speed-m-s", type=float, help="Walking speed of your own, on the flat [m/s]."),
    click.option("--hazard", metavar="NAME", help="The hazard, such as flood or tsunami."),
    click.option(
        "--hazard-level",
        type=click.IntRange(1, WORST_LEVEL),
        help="Zones of this level and above count, 1 (mildest) to 4.",
    ),
    click.option(
        "--return-period",
        type=click.IntRange(1),
        metavar="YEARS",
        help="Only zones that are struck at least once in so many years.",
    ),
    click.option(
        "--phase",
        type=click.Choice(["during", "before"]),
        help="During: zones close streets. Before: they can still be walked.",
    ),
    click.option(
        "--gates",
        type=click.Choice(["open", "emergency"]),
        help="Whether gates that open in an emergency only are open.",
    ),
    click.option(
        "--close-street",
        "closed_streets",
        type=click.IntRange(0),
        multiple=True,
        metavar="NUMBER",
        help="A street that cannot be walked: its row in the streets table. Repeatable.",
    ),
    click.option(
        "--close-shelter",
        "closed_shelters",
        multiple=True,
        metavar="ID",
        help="A shelter that cannot be used. Repeatable.",
    ),
    click.option(
        "--time",
        type=click.Choice(["any", "day", "night"]),
        help="Day or night: who is where, and how fast they walk in the dark.",
    ),
    click.option(
        "--delay-min",
        type=float,
        metavar="MINUTES",
        help="Time before people leave; counts against a standard in minutes.",
    ),
    click.option(
        "--slope",
        type=click.Choice(["tobler", "irmischer", "none"]),
        help="How slopes change the speed, where the elevation is known.",
    ),
    click.option(
        "--room",
        type=click.Choice(["assigned", "nearest", "ignored"]),
        help="Whether people are sent where there is room, go to the nearest and then to the "
        "next, or room is not looked at.  [default: assigned]",
    ),
    click.option(
        "--unknown-fitness",
        type=click.Choice(["accept", "refuse"]),
        help="Whether shelters are used of which nobody has said if they are fit for the hazard.",
    ),
)
_STANDARD = (
    click.option(
        "--standard",
        "standard_name",
        type=click.Choice(list(presets())),
        metavar="NAME",
        help="A published access standard; how sure we are of its text is shown. One of: "
        f"{', '.join(presets())}.",
    ),
    click.option(
        "--distance-m",
        type=float,
        help="Longest acceptable walk, inclusive [m]; 500 if nothing else is given.",
    ),
    click.option("--minutes", type=float, help="Longest acceptable time, inclusive, instead."),
    click.option(
        "--m2-per-person",
        type=float,
        help="Estimate unknown room from the shelter's area; the estimate is marked.",
    ),
)
_CHANGED = (
    "hazard",
    "hazard_level",
    "return_period",
    "phase",
    "gates",
    "time",
    "slope",
    "room",
    "unknown_fitness",
)


def scenario_options(command: Command) -> Command:
    """Give a command the flags of the scenario, and the scenario as its argument `scenario`."""

    @functools.wraps(command)
    def run(**given: Any) -> Any:  # noqa: ANN401
        flags = {name: given.pop(name) for name in (*_CHANGED, *_OTHER)}
        return command(scenario=scenario_of(**flags), **given)

    return _with_options(cast("Command", run), _SCENARIO)


def standard_options(command: Command) -> Command:
    """Give a command the flags of the standard, and the standard as its argument `standard`."""

    @functools.wraps(command)
    def run(**given: Any) -> Any:  # noqa: ANN401
        flags = {name: given.pop(name) for name in _LIMITS}
        return command(standard=standard_of(**flags), **given)

    return _with_options(cast("Command", run), _STANDARD)


_OTHER = (
    "scenario_file",
    "walker",
    "speed_m_s",
    "closed_streets",
    "closed_shelters",
    "delay_min",
)
_LIMITS = ("standard_name", "distance_m", "minutes", "m2_per_person")


def _with_options(run: Command, options: tuple[Callable[[Command], Command], ...]) -> Command:
    for option in reversed(options):
        run = option(run)
    return run


def scenario_of(
    *,
    scenario_file: Path | None,
    walker: str | None,
    speed_m_s: float | None,
    closed_streets: tuple[int, ...],
    closed_shelters: tuple[str, ...],
    delay_min: float | None,
    **changed: Any,  # noqa: ANN401
) -> Scenario:
    """Return the scenario of a file and of flags, which go before it."""
    scenario = Scenario() if scenario_file is None else Scenario.from_toml(scenario_file)
    changes = {name: value for name, value in changed.items() if value is not None}
    if walker is not None:
        changes["walker"] = WALKERS[walker]
    if speed_m_s is not None:
        who = changes.get("walker", scenario.walker)
        changes["walker"] = replace(
            who, speed_m_s=speed_m_s, certainty="own choice", source="given by the user"
        )
    if delay_min is not None:
        changes["delay_s"] = delay_min * 60
    changes["closed_streets"] = (*scenario.closed_streets, *closed_streets)
    changes["closed_shelters"] = (*scenario.closed_shelters, *closed_shelters)
    return replace(scenario, **changes)


def standard_of(
    *,
    standard_name: str | None,
    distance_m: float | None,
    minutes: float | None,
    m2_per_person: float | None,
) -> AccessStandard:
    """Return a preset, or a standard with the user's own limit."""
    if sum(given is not None for given in (standard_name, distance_m, minutes)) > 1:
        raise click.UsageError("give one of --standard, --distance-m and --minutes")
    for flag, value, highest in (
        ("--distance-m", distance_m, 1e6),
        ("--minutes", minutes, 1e5),
        ("--m2-per-person", m2_per_person, 1e6),
    ):
        if value is not None and not (math.isfinite(value) and 0 <= value <= highest):
            raise click.BadParameter(f"{value:g} is not from 0 to {highest:g}", param_hint=flag)
    if standard_name:
        chosen = AccessStandard.preset(standard_name)
    elif minutes is not None:
        chosen = AccessStandard(max_time_s=minutes * 60)
    else:
        chosen = (
            AccessStandard() if distance_m is None else AccessStandard(max_distance_m=distance_m)
        )
    if m2_per_person is None:
        return chosen
    return replace(chosen, area_m2_per_person=m2_per_person)


def assumed(scenario: Scenario, standard: AccessStandard | None) -> str:
    """Return what is assumed, in one sentence without its end."""
    walker = scenario.walker
    said = [f"{walker.name} at {scenario.speed_m_s:.3g} m/s ({walker.certainty})"]
    if standard is not None:
        limit = standard.limit
        named = "" if standard.name == "own" else f", {standard.name}"
        longest = f"{limit.value:g} m" if limit.unit == "m" else f"{limit.value / 60:g} minutes"
        said.insert(0, f"longest walk {longest} ({standard.certainty}{named})")
    if scenario.hazard:
        period = f", {scenario.return_period} years" if scenario.return_period else ""
        worse = "" if scenario.hazard_level == WORST_LEVEL else " and worse"
        said.append(
            f"{scenario.phase} {scenario.hazard.replace('_', ' ')}, zones of level "
            f"{scenario.hazard_level}{worse}{period}"
        )
    said += [
        words
        for holds, words in (
            (scenario.gates == "emergency", "emergency gates open"),
            (scenario.time != "any", f"by {scenario.time}"),
            (scenario.delay_s > 0, f"leaving after {scenario.delay_s / 60:g} minutes"),
            (scenario.room == "nearest", "everybody goes to the nearest, then to the next"),
            (scenario.room == "ignored", "room is not looked at"),
            (scenario.unknown_fitness == "refuse", "only shelters known to be fit"),
            (bool(scenario.closed_streets), f"{len(scenario.closed_streets)} streets closed"),
            (bool(scenario.closed_areas), f"{len(scenario.closed_areas)} areas closed"),
            (bool(scenario.closed_shelters), f"{len(scenario.closed_shelters)} shelters closed"),
        )
        if holds
    ]
    return "; ".join(said)
