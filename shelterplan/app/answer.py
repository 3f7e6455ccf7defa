"""What a resident is told, in words: pure functions from an answer to texts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shelterplan.app.words import Words
    from shelterplan.finder import Answer, Option
    from shelterplan.routes import Step

SURE_M = 50.0
"""A position that may be farther from the truth than this is said to be so [m]."""
LEG_TOLD_M = 15.0
"""A way between a place and the street is told if it is longer than this [m]."""


def origin(words: Words, how: str, *, name: str, accuracy_m: float) -> str:
    """Return where the way begins, and how surely that is known if it is not.

    `how` the place was given: ``tap``, ``position`` or ``name``; `accuracy_m` is how far the
    phone's position may be from the truth [m].
    """
    if accuracy_m > SURE_M:
        return words("find.from_about", distance=words.distance(accuracy_m))
    return words.of("from", how, name=words.translated(name))


def headline(words: Words, answer: Answer, *, max_leg_m: float) -> tuple[str, str]:
    """Return the answer in one line, and the line beneath it.

    `max_leg_m` is the longest way from a place to the nearest street [m].
    """
    if answer.status == "outside":
        more = words("state.outside_more") if answer.options else words("state.outside_none")
        return words("state.outside"), more
    if answer.status == "no_network":
        return words("state.no_network"), words(
            "state.no_network_more", distance=words.distance(max_leg_m)
        )
    if answer.status == "no_path" or not answer.options:
        return words("state.no_path"), words("state.no_path_more")
    nearest = answer.options[0]
    line = words("state.ok", name=words.translated(nearest.name))
    return line, effort(words, nearest)


def effort(words: Words, option: Option) -> str:
    """Return how far an option is and how long it takes."""
    return words(
        "find.effort",
        distance=words.distance(option.distance_m),
        minutes=words.minutes(option.walk_time_s),
    )


def caption(words: Words, option: Option) -> str:
    """Return the line beneath an option: the walk, and what is known of its room."""
    said = [effort(words, option), words.of("kind", option.kind or "unknown kind")]
    said.append(
        words("find.capacity_unknown")
        if option.capacity is None
        else words("find.capacity", number=f"{option.capacity:,.0f}")
    )
    return " · ".join(said)


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


def _way(step: Step) -> str:
    """Return the kind of a way without a name."""
    if step.steps:
        return "steps"
    if step.street_class in {"footway", "path", "pedestrian", "track", "corridor", "cycleway"}:
        return "path"
    return "street"
