"""What a planner is told about gaps, in words and small pieces of a page: pure functions."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from shelterplan import coverage
from shelterplan.app.figures import people, percent

if TYPE_CHECKING:
    from shelterplan.app.words import Words
    from shelterplan.views.scale import Scale

REASONS = tuple(status for status in coverage.STATUSES if status != "covered")
"""Every reason for which somebody may not be covered, in the order they are shown."""
COLOURS = ("#b1270f", "#5b2a86", "#0b3c8c", "#8a5a00", "#00615c", "#6b2346", "#3c4750")
"""One for each reason, in their order."""


def summary(words: Words, total: pd.Series[Any], max_distance_m: float) -> str:
    """Say how many people are not covered, and for which reasons."""
    everybody, gap = float(total["population"]), float(total["gap_population"])
    line = words(
        "gaps.summary",
        gap=people(gap),
        people=people(everybody),
        share=percent(gap / everybody if everybody else 0.0),
        distance=words.distance(max_distance_m),
    )
    return f"<p class='big' role='status'>{escape(line)}</p>{reasons(words, total)}"


def reasons(words: Words, row: pd.Series[Any]) -> str:
    """Return the reasons for which people are not covered, as a bar and a list of numbers."""
    counts = [float(row.get(f"{reason}_population", 0.0)) for reason in REASONS]
    shown = [
        (reason, count, COLOURS[i % len(COLOURS)])
        for i, (reason, count) in enumerate(zip(REASONS, counts, strict=True))
        if count > 0
    ]
    bar = "".join(
        f"<span style='flex:{count / sum(counts):.6f};background:{colour}'></span>"
        for _, count, colour in shown
    )
    items = "".join(
        f"<li><span class='key' style='background:{colour}'></span>"
        f"<strong>{people(count)}</strong> {escape(words.of('status', reason))} "
        f"({percent(count / float(row['population']))})</li>"
        for reason, count, colour in shown
    )
    drawn = f"<div class='bar' aria-hidden='true'>{bar}</div><ul class='reasons'>{items}</ul>"
    return drawn if shown else ""


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

    def walk(distance_m: float) -> str:
        return words.distance(distance_m) if distance_m < float("inf") else words("gaps.no_way")

    if not row["population"] > 0:
        return words("gaps.nobody")
    return words(
        "gaps.walks", median=walk(row["median_distance_m"]), p90=walk(row["p90_distance_m"])
    )


def legend(words: Words, scale: Scale) -> str:
    """Return the legend of the map."""
    items = [f"<li><span class='key empty'></span>{escape(words('gaps.legend_none'))}</li>"]
    items += [
        f"<li><span class='key' style='background:{step.colour}'></span>"
        f"{step.low:,}–{step.high:,}</li>"
        for step in scale.steps
    ]
    items.append(f"<li><span class='dot'></span>{escape(words('gaps.legend_shelter'))}</li>")
    return (
        f"<div class='legend'><p>{escape(words('gaps.legend'))}</p><ul>{''.join(items)}</ul></div>"
    )


def ranking(words: Words, communities: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that a planner sees of communities, under their titles."""
    columns = {
        words("gaps.column_name"): communities["name"].map(words.translated),
        words("gaps.column_gap"): _whole(communities["gap_population"]),
        words("gaps.column_people"): _whole(communities["population"]),
        words("gaps.column_share"): np.floor(communities["coverage_share"] * 1000) / 10,
    }
    for reason in REASONS:
        count = communities.get(f"{reason}_population")
        if count is not None and count.sum() > 0:
            columns[words.of("status", reason)] = _whole(count)
    return pd.DataFrame(columns)


def _whole(count: pd.Series[Any]) -> pd.Series[Any]:
    """Return counts of people as whole numbers."""
    return count.round().astype(int)
