"""What a planner is told about gaps, in words and small pieces of a page: pure functions."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from shelterplan import coverage
from shelterplan.app.figures import NBSP, lacking, people, percent, signed
from shelterplan.app.sidebar import limit_told
from shelterplan.views.charts import STATUS_COLOURS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shelterplan.app.words import Words
    from shelterplan.scenario import Scenario
    from shelterplan.standards import AccessStandard
    from shelterplan.views.scale import Step

REASONS = tuple(status for status in coverage.STATUSES if status != "covered")
"""Every status of people whose place is not confirmed, in the order they are shown."""


def summary(
    words: Words,
    total: pd.Series[Any],
    scenario: Scenario,
    standard: AccessStandard,
    *,
    exact: bool = True,
) -> str:
    """Say how many people have no place, may have one and surely have one, and why."""
    everybody, gap = float(total["population"]), float(total["gap_population"])
    line = words(
        "gaps.summary",
        gap=people(gap),
        people=people(everybody),
        share=lacking(gap / everybody if everybody else 0.0),
        limit=limit_told(words, standard),
    )
    more = " ".join(_sureness(words, total, scenario, exact=exact))
    return (
        f"<p class='big' role='status'>{escape(line)}</p><p class='sureness'>{escape(more)}</p>"
        f"{reasons(words, total)}"
    )


def _sureness(words: Words, total: pd.Series[Any], scenario: Scenario, *, exact: bool) -> list[str]:
    """Say what is confirmed, what is only possible, and what else bears on the numbers."""
    everybody = float(total["population"])
    if not everybody:
        return [words("gaps.nobody")]
    if scenario.room == "ignored":
        said = [words("gaps.room_ignored")]
    else:
        said = [
            words(
                "gaps.confirmed",
                confirmed=percent(float(total["coverage_share"])),
                possible=percent(float(total["possible_share"])),
            )
        ]
    if total["estimated_people"] > 0:
        said.append(words("gaps.estimated", people=people(total["estimated_people"])))
    if scenario.hazard:
        at_risk = float(total["at_risk_people"])
        said.append(
            words(
                "gaps.at_risk",
                people=people(at_risk),
                share=lacking(at_risk / everybody),
                hazard=words.of("hazard", scenario.hazard),
            )
        )
    return said if exact else [*said, words("gaps.not_exact")]


PLACED = ("covered", "capacity_unknown")
"""Statuses of people who have a place, or may have one: their shares are rounded down."""


def reasons(words: Words, row: pd.Series[Any]) -> str:
    """Return the people of each status as a bar and a list of numbers; they add up to all."""
    everybody = float(row["population"])
    shown = [
        (status, count)
        for status in coverage.STATUSES
        if (count := float(row.get(f"{status}_population", 0.0))) > 0
    ]
    bar = "".join(
        f"<span style='flex:{count / everybody:.6f};background:{STATUS_COLOURS[status]}'></span>"
        for status, count in shown
    )
    items = "".join(
        f"<li><span class='key' style='background:{STATUS_COLOURS[status]}'></span>"
        f"<strong>{people(count)}</strong> {escape(words.of('status', status))} "
        f"({(percent if status in PLACED else lacking)(count / everybody)})</li>"
        for status, count in shown
    )
    drawn = f"<div class='bar' aria-hidden='true'>{bar}</div><ul class='reasons'>{items}</ul>"
    return drawn if shown else ""


def status_legend(words: Words, statuses: Iterable[str]) -> str:
    """Return the colours of statuses with their names."""
    items = "".join(
        f"<li><span class='key' style='background:{STATUS_COLOURS[status]}'></span>"
        f"{escape(words.of('status', status))}</li>"
        for status in statuses
    )
    return f"<ul class='reasons'>{items}</ul>"


def community(words: Words, row: pd.Series[Any]) -> str:
    """Say the figures of one community."""
    gap = words(
        "gaps.community_gap", gap=people(row["gap_population"]), people=people(row["population"])
    )
    name = words.translated(str(row["name"]))
    return (
        f"<div class='community' role='status'><h2>{escape(name)}</h2>"
        f"<p>{escape(gap)}</p><p>{escape(walks(words, row))}</p>{reasons(words, row)}</div>"
    )


def walks(words: Words, row: pd.Series[Any]) -> str:
    """Say how far half and nine in ten of the people walk."""
    median, most = float(row["median_distance_m"]), float(row["p90_distance_m"])
    if not row["population"] > 0:
        return words("gaps.nobody")
    if not math.isfinite(median):
        return words("gaps.walks_none")
    if not math.isfinite(most):
        return words("gaps.walks_half", median=words.distance(median))
    return words("gaps.walks", median=words.distance(median), p90=words.distance(most))


def changes(
    words: Words,
    before: pd.Series[Any],
    after: pd.Series[Any],
    family: Literal["compare", "whatif"],
) -> str:
    """Say how many people lose or gain a place, and which statuses grow."""
    lost = float(before["possible_people"] - after["possible_people"])
    sure = float(before["covered_population"] - after["covered_population"])
    key = "same" if lost == 0 else "lose" if lost > 0 else "gain"
    said = people(abs(lost))
    line = (
        words.of("compare", key, people=said)
        if family == "compare"
        else words.of("whatif", key, people=said)
    )
    more = words(
        "change.numbers",
        before=people(before["possible_people"]),
        after=people(after["possible_people"]),
        sure_before=people(before["covered_population"]),
        sure_after=people(after["covered_population"]),
    )
    grown = [f"<li>{escape(one)}</li>" for one in _grown(words, before, after)]
    tail = (
        f"<p>{escape(words('change.grown'))}</p><ul class='grown'>{''.join(grown)}</ul>"
        if grown
        else ""
    )
    css = "problem" if lost > 0 or sure > 0 else "answer"
    return (
        f"<div class='status {css}' role='status' aria-live='polite'>"
        f"<p class='line'>{escape(line)}</p><p>{escape(more)}</p>{tail}</div>"
    )


def _grown(words: Words, before: pd.Series[Any], after: pd.Series[Any]) -> list[str]:
    """Say which statuses have more people than before, the most first."""
    more = {
        status: float(after.get(f"{status}_population", 0) - before.get(f"{status}_population", 0))
        for status in REASONS
    }
    return [
        f"{signed(count)} {words.of('status', status)}"
        for status, count in sorted(more.items(), key=lambda entry: -entry[1])
        if count > 0
    ]


def legend(
    words: Words,
    title: str,
    items: Iterable[tuple[str, str]],
    *,
    nobody: str,
    unused: bool = False,
    shut: bool = False,
) -> str:
    """Return the legend of the map: its title, and each colour with its words."""
    keys = [f"<li><span class='key empty'></span>{escape(nobody)}</li>"]
    keys += [
        f"<li><span class='key' style='background:{colour}'></span>{escape(label)}</li>"
        for colour, label in items
    ]
    keys.append(f"<li><span class='dot'></span>{escape(words('gaps.legend_shelter'))}</li>")
    if unused:
        keys.append(f"<li><span class='sign unused'>–</span>{escape(words('gaps.unused'))}</li>")
    if shut:
        keys.append(f"<li><span class='sign shut'>×</span>{escape(words('whatif.closed'))}</li>")
    return f"<div class='legend'><p>{escape(title)}</p><ul>{''.join(keys)}</ul></div>"


def class_labels(steps: Iterable[Step], *, endless: bool = False) -> list[tuple[str, str]]:
    """Return the classes of a scale with their limits; the last one may have no end.

    Examples
    --------
    >>> from shelterplan.views.scale import Step
    >>> steps = [Step("#000", 1, 1), Step("#fff", 2, 1000)]
    >>> class_labels(steps), class_labels(steps, endless=True)[-1][1].replace(NBSP, " ")
    ([('#000', '1'), ('#fff', '2–1,000')], '≥ 2')
    """
    listed = list(steps)
    said = [
        f"{step.low:,}" if step.low == step.high else f"{step.low:,}–{step.high:,}"
        for step in listed
    ]
    if endless and listed:
        said[-1] = f"≥{NBSP}{listed[-1].low:,}"
    return [(step.colour, text) for step, text in zip(listed, said, strict=True)]


def ranking(words: Words, communities: pd.DataFrame, grades: Mapping[str, str]) -> pd.DataFrame:
    """Return the columns that a planner sees of communities, under their titles."""
    columns = {
        words("gaps.column_name"): communities["name"].map(words.translated),
        words("gaps.column_gap"): whole(communities["gap_population"]),
        words("gaps.column_people"): whole(communities["population"]),
        words("gaps.column_share"): _percent(communities["coverage_share"]),
        words("gaps.column_possible"): _percent(communities["possible_share"]),
        words("gaps.column_grade"): communities["district"].map(dict(grades)),
    }
    for name in ("estimated", "at_risk"):
        count = communities[f"{name}_people"]
        if count.sum() > 0:
            columns[words.of("column", name)] = whole(count)
    for status in REASONS:
        count = communities[f"{status}_population"]
        if count.sum() > 0:
            columns[words.of("status", status)] = whole(count)
    return pd.DataFrame(columns)


def minutes(words: Words, seconds: float) -> str:
    """Return extra time in whole minutes, rounded up; no way is said."""
    if not math.isfinite(seconds):
        return words("walkers.no_way")
    return words.count("minutes", max(0, math.ceil(seconds / 60 - 1e-6)))


def whole(count: pd.Series[Any]) -> pd.Series[Any]:
    """Return counts of people as whole numbers."""
    counted: pd.Series[Any] = count.round().astype(int)
    return counted


def _percent(share: pd.Series[Any]) -> pd.Series[Any]:
    """Return shares in per cent, rounded down: never more than it is."""
    rounded: pd.Series[Any] = np.floor(share * 1000 + 1e-9) / 10
    return rounded
