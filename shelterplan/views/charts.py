"""Charts as plain specifications for Vega-Lite: nothing is drawn or fetched here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd


LIGHT = ("#0b0c0c", "#0b3c8c", "#b1270f", "#d5dade")
DARK = ("#f4f6f7", "#8ec5ff", "#ffdd00", "#4a545c")
"""Colours of text, curve, access standard and grid."""
STATUS_COLOURS = {
    "covered": "#009e73",
    "capacity_unknown": "#56b4e9",
    "full": "#f0e442",
    "unsafe": "#d55e00",
    "cut_off": "#cc79a7",
    "too_far": "#e69f00",
    "no_path": "#0072b2",
    "no_network": "#858d95",
}
"""One for each status, told apart with any colour vision and on light and dark ground (Okabe and
Ito 2008, with a grey)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CurveWords:
    """The words on the curve of walks."""

    x: str
    y: str
    standard: str
    """What the vertical line stands for."""
    description: str
    """The chart in a sentence, for a screen reader."""


def walk_curve(
    curve: pd.DataFrame, *, limit: float, words: CurveWords, dark: bool = False
) -> dict[str, Any]:
    """Return the chart of the share of people who reach a shelter within a distance or a time.

    Parameters
    ----------
    curve
        ``walk`` [m or min], ascending, and ``share`` (0 to 1) of all people.
    limit
        The access standard, drawn as a line, in the unit of ``walk``.
    words
        The words on the chart.
    dark
        Whether the page is dark.
    """
    ink, line, mark, grid = DARK if dark else LIGHT
    axis = axis_look(ink, grid)
    x = {"field": "walk", "type": "quantitative", "title": words.x, "axis": axis}
    y = {
        "field": "share",
        "type": "quantitative",
        "title": words.y,
        "scale": {"domain": [0, 1]},
        "axis": axis | {"format": ".0%"},
    }
    drawn = {"type": "line", "interpolate": "step-after", "strokeWidth": 3, "color": line}
    finite = curve[np.isfinite(curve["walk"])]
    return {
        "description": words.description,
        "height": 280,
        "data": {"values": _thinned(finite)},
        "layer": [
            {"mark": drawn, "encoding": {"x": x, "y": y}},
            *_standard_line(x, limit, words.standard, mark),
        ],
    }


def _standard_line(x: dict[str, Any], limit: float, text: str, colour: str) -> list[dict[str, Any]]:
    """Return the layers that mark the access standard."""
    data = {"values": [{"walk": float(limit), "text": text}]}
    rule = {"type": "rule", "strokeWidth": 2, "strokeDash": [6, 4], "color": colour}
    label = {"type": "text", "align": "right", "dx": -6, "y": 14, "fontSize": 14, "color": colour}
    return [
        {"data": data, "mark": rule, "encoding": {"x": x}},
        {
            "data": data,
            "mark": label | {"fontWeight": 600},
            "encoding": {"x": x, "text": {"field": "text"}},
        },
    ]


def _thinned(curve: pd.DataFrame, most: int = 400) -> list[dict[str, float]]:
    """Return at most about `most` points of a curve, its first and last among them."""
    if curve.empty:
        return []
    picks = np.unique(np.linspace(0, len(curve) - 1, most).round().astype(int))
    kept = curve.iloc[picks]
    first = [] if kept["walk"].iloc[0] <= 0 else [{"walk": 0.0, "share": 0.0}]
    return first + [
        {"walk": float(d), "share": float(s)}
        for d, s in zip(kept["walk"], kept["share"], strict=True)
    ]


def axis_look(ink: str, grid: str) -> dict[str, Any]:
    """Return how an axis looks."""
    return {
        "labelColor": ink,
        "titleColor": ink,
        "labelFontSize": 14,
        "titleFontSize": 14,
        "gridColor": grid,
    }


def stacked_people(
    names: Sequence[str],
    people: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    x_title: str,
    description: str,
    dark: bool = False,
) -> dict[str, Any]:
    """Return the chart of the people of each community by status, as stacked bars.

    It has no legend of its own: the page shows one that fits a phone, too.

    Parameters
    ----------
    names
        Name of each community, in the order of the bars; of equal names each has its own bar.
    people
        One row a community, one column a status, a key of `STATUS_COLOURS`.
    labels
        What each status that is shown is called, in the order of the stack.
    x_title, description
        The words on the chart, and the chart in a sentence, for a screen reader.
    dark
        Whether the page is dark.
    """
    ink, _, _, grid = DARK if dark else LIGHT
    shown = apart(names)
    values = [
        {"name": name, "status": labels[status], "order": place, "people": float(count)}
        for place, status in enumerate(labels)
        for name, count in zip(shown, people[status], strict=True)
        if count > 0
    ]
    axis = axis_look(ink, grid)
    colours = {"domain": list(labels.values()), "range": [STATUS_COLOURS[key] for key in labels]}
    return {
        "description": description,
        "height": {"step": 26},
        "data": {"values": values},
        "mark": {"type": "bar", "stroke": ink, "strokeWidth": 0.75},
        "encoding": {
            "y": {
                "field": "name",
                "type": "nominal",
                "sort": None,
                "title": None,
                "scale": {"domain": shown},
                "axis": axis | {"labelLimit": 150, "ticks": False},
            },
            "x": {
                "field": "people",
                "type": "quantitative",
                "stack": "zero",
                "title": x_title,
                "axis": axis | {"format": ",d", "tickCount": 4},
            },
            "color": {"field": "status", "type": "nominal", "scale": colours, "legend": None},
            "order": {"field": "order", "type": "quantitative"},
        },
    }


def apart(names: Sequence[str]) -> list[str]:
    """Return names of which no two are equal.

    Examples
    --------
    >>> apart(["Mill", "Port", "Mill"])
    ['Mill', 'Port', 'Mill (2)']
    """
    made: dict[str, None] = {}
    for name in names:
        turn, free = 1, name
        while free in made:
            turn += 1
            free = f"{name} ({turn})"
        made[free] = None
    return list(made)


def plans_chart(
    plans: Sequence[Mapping[str, Any]],
    *,
    x_title: str,
    y_title: str,
    x_format: str,
    description: str,
    dark: bool = False,
) -> dict[str, Any]:
    """Return the chart of plans as numbered points, of which one can be picked.

    Parameters
    ----------
    plans
        Of each: `plan` (its number), `x`, `y` and whether it is `chosen`.
    x_title, y_title, x_format, description
        The words on the chart, how `x` is written (as d3 does), and the chart in a sentence, for a
        screen reader.
    dark
        Whether the page is dark.
    """
    ink, line, mark, grid = DARK if dark else LIGHT
    axis = axis_look(ink, grid)
    whole = {"tickMinStep": 1} if x_format == "d" else {}

    def along(field: str, title: str, form: str, **more: object) -> dict[str, Any]:
        return {
            "field": field,
            "type": "quantitative",
            "title": title,
            "scale": {"zero": False, "nice": True, "padding": 14},
            "axis": axis | {"format": form, "tickCount": 5, **more},
        }

    place = {"x": along("x", x_title, x_format, **whole), "y": along("y", y_title, ",d")}
    point = {"type": "point", "filled": True, "size": 420, "opacity": 1, "stroke": ink}
    label = {"type": "text", "fontSize": 13, "fontWeight": 700, "color": "#ffffff"}
    colour = {"condition": {"test": "datum.chosen", "value": mark}, "value": "#0b3c8c"}
    dark_ink = "#0b0c0c" if dark else "#ffffff"
    told = {"condition": {"test": "datum.chosen", "value": dark_ink}, "value": "#ffffff"}
    return {
        "description": description,
        "height": 280,
        "data": {"values": [dict(plan) for plan in plans]},
        "layer": [
            {"mark": {"type": "line", "color": line, "strokeWidth": 2}, "encoding": place},
            {
                "params": [{"name": "pick", "select": {"type": "point", "fields": ["plan"]}}],
                "mark": point | {"cursor": "pointer"},
                "encoding": place | {"color": colour | {"legend": None}},
            },
            {
                "mark": label | {"tooltip": None},
                "encoding": place | {"text": {"field": "plan"}, "color": told},
            },
        ],
    }
