"""What a resident is told, in words: pure functions from an answer to texts."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from shelterplan.app.figures import NBSP

if TYPE_CHECKING:
    from shelterplan.app.words import Words
    from shelterplan.finder import Answer, Option
    from shelterplan.routes import Step
    from shelterplan.scenario import Scenario

SURE_M = 50.0
"""A position that may be farther from the truth than this is said to be so [m]."""
LEG_TOLD_M = 15.0
"""A way between a place and the street is told if it is longer than this [m]."""
RISING_WATER = frozenset({"flood", "inland_flood", "storm_surge", "tsunami"})
"""Hazards from which people who cannot leave may go up."""


def origin(words: Words, how: str, *, name: str, accuracy_m: float) -> str:
    """Return where the way begins, and how surely that is known if it is not.

    `how` the place was given: ``tap``, ``position`` or ``name``; `accuracy_m` is how far the
    phone's position may be from the truth [m].
    """
    if accuracy_m > SURE_M:
        return words("find.from_about", distance=words.distance(accuracy_m))
    return words.of("from", how, name=words.translated(name))


def headline(words: Words, answer: Answer, scenario: Scenario) -> tuple[str, list[str]]:
    """Return the answer in one line, and the lines beneath it."""
    if answer.status == "outside":
        more = words("state.outside_more") if answer.options else words("state.outside_none")
        return words("state.outside"), [more]
    if answer.status == "no_network":
        limit = words.distance(scenario.max_leg_m)
        return words("state.no_network"), [words("state.no_network_more", distance=limit)]
    if answer.status in {"cut_off", "unsafe"}:
        return words.of("state", answer.status), _stay(words, answer, scenario)
    if answer.status == "no_path" or not answer.options:
        return words("state.no_path"), [words("state.no_path_more")]
    option = answer.options[answer.advised]
    name = words.translated(option.name)
    nearest = answer.advised == 0 and not answer.refused
    line = words("state.ok", name=name) if nearest else words("state.other", name=name)
    said = [effort(words, option), arrival(words, option, scenario), why_advised(words, answer)]
    return line, [text for text in said if text]


def _stay(words: Words, answer: Answer, scenario: Scenario) -> list[str]:
    """Return what to do where no shelter can be offered."""
    said = [words.of("state", f"{answer.status}_more")]
    if scenario.hazard and scenario.phase == "during" and answer.status == "cut_off":
        said.append(words("instead.before"))
    if scenario.hazard in RISING_WATER:
        said.append(words("instead.up"))
    return [*said, words("instead.ask")]


def why_advised(words: Words, answer: Answer) -> str:
    """Return why the advised option is not the nearest, or that no other is better; else empty."""
    nearest, other = answer.options[0], answer.options[answer.advised]
    if nearest.fills_at_share is None:
        return ""
    share = _share(nearest.fills_at_share)
    if answer.advised == 0:
        return words("find.full_only", share=share)
    longer = words.whole_minutes(other.walk_time_s) - words.whole_minutes(nearest.walk_time_s)
    names = {
        "nearest": words.translated(nearest.name),
        "other": words.translated(other.name),
        "share": share,
    }
    if longer > 0:
        return words("find.full_instead", **names, minutes=words.count("minutes", longer))
    return words("find.full_instead_same", **names)


def danger(words: Words, answer: Answer, scenario: Scenario) -> str:
    """Return that the place itself lies in a zone of the hazard; empty if it does not."""
    if answer.hazard_level == 0:
        return ""
    hazard = words.of("hazard", scenario.hazard)
    return words("find.in_zone", hazard=hazard, level=answer.hazard_level)


def refused(words: Words, answer: Answer) -> list[str]:
    """Return the nearer shelters to which nobody is sent, each with the reason."""
    return [
        words(
            "find.refused_line",
            name=words.translated(one.name),
            distance=words.distance(one.distance_m),
            reason=words.of("refusal", one.reason),
        )
        for one in answer.refused
    ]


def effort(words: Words, option: Option) -> str:
    """Return how far an option is and how long the walk takes."""
    return words(
        "find.effort",
        distance=words.distance(option.distance_m),
        minutes=words.minutes(option.walk_time_s),
    )


def arrival(words: Words, option: Option, scenario: Scenario) -> str:
    """Return when somebody is there who leaves later; empty for those who leave at once."""
    if not scenario.delay_s:
        return ""
    total = words.minutes(scenario.delay_s + option.walk_time_s)
    return words("find.delay", delay=words.minutes(scenario.delay_s), total=total)


def caption(words: Words, option: Option, scenario: Scenario) -> list[str]:
    """Return the lines beneath an option: the walk; its room, and whether it is fit."""
    walk = effort(words, option)
    if scenario.delay_s:
        total = words.minutes(scenario.delay_s + option.walk_time_s)
        walk = words("find.delay_short", effort=walk, total=total)
    said = [words.of("kind", option.kind or "unknown kind"), room(words, option)]
    if option.fills_at_share is not None:
        share = _share(option.fills_at_share)
        full = option.fills_at_share <= 0
        said.append(words("find.fills_none") if full else words("find.fills", share=share))
    if scenario.hazard:
        hazard = words.inside(words.of("hazard", scenario.hazard))
        said.append(words.of("fitness", option.fitness, hazard=hazard))
    return [walk, " · ".join(said)]


def _share(share: float) -> str:
    """Return a share in whole per cent, rounded down: full sooner rather than later."""
    number = math.floor(share * 100 + 1e-9)
    return f"{number}{NBSP}%" if number or share <= 0 else f"<{NBSP}1{NBSP}%"


def room(words: Words, option: Option) -> str:
    """Return how much room a shelter has, and how that is known."""
    if option.capacity is None:
        return words("find.capacity_unknown")
    number = f"{option.capacity:,.0f}"
    if option.capacity_from == "area":
        return words("find.capacity_area", number=number)
    return words("find.capacity", number=number)


def directions(words: Words, option: Option) -> list[str]:
    """Return the way to an option as sentences, one for each step, stairs said."""
    route = option.route
    said = []
    if route.leg_start_m > LEG_TOLD_M:
        said.append(words("step.to_street", distance=words.distance(route.leg_start_m)))
    walked = [step for step in route.steps if step.turn != "arrive"]
    said += [sentence(words, step) for step in walked]
    if route.leg_end_m > LEG_TOLD_M:
        said.append(words("step.from_street", distance=words.distance(route.leg_end_m)))
    said.append(words("step.arrive", name=words.translated(option.name)))
    return said


def sentence(words: Words, step: Step) -> str:
    """Return one step of a route as a sentence."""
    where = step.name or words.of("way", _way(step))
    distance = words.distance(step.distance_m)
    if step.turn == "start":
        text = words(
            "step.start", way=where, bearing=words.of("bearing", step.bearing), distance=distance
        )
    else:
        text = words.of("turn", step.turn, way=where, distance=distance)
    return text + words("step.stairs") if step.steps and step.name else text


def uses_stairs(option: Option) -> bool:
    """Return whether the way to an option has stairs."""
    return any(step.steps for step in option.route.steps)


def steps_html(lines: list[str]) -> str:
    """Return sentences as a numbered list."""
    return "<ol class='steps'>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ol>"


def refused_html(words: Words, answer: Answer) -> str:
    """Return the nearer shelters that are not offered; closed where there are others to choose."""
    lines = refused(words, answer)
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    if answer.options:
        title, shown = words.count("refused", len(lines)), ""
    else:
        title, shown = words.count("refused_all", len(lines)), " open"
    summary = f"<summary>{escape(title)}</summary>"
    return f"<details class='refused'{shown}>{summary}<ul>{items}</ul></details>"


def _way(step: Step) -> str:
    """Return the kind of a way without a name."""
    if step.steps:
        return "steps"
    if step.street_class in {"footway", "path", "pedestrian", "track", "corridor", "cycleway"}:
        return "path"
    return "street"
