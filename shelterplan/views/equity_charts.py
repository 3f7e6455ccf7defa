"""Charts of equity as plain specifications for Vega-Lite: nothing is drawn or fetched here."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from shelterplan.views.charts import DARK, LIGHT, apart, axis_look

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

MOST_POINTS = 400
"""Points of a curve that are drawn."""


def lorenz_chart(
    curve: pd.DataFrame, *, x_title: str, y_title: str, description: str, dark: bool = False
) -> dict[str, Any]:
    """Return the chart of a Lorenz curve, with its interval and the line of equal shares.

    Parameters
    ----------
    curve
        `population_share` and `access_share` from 0 to 1; `low` and `high` may be NaN.
    x_title, y_title, description
        The words on the axes, and the chart in a sentence, for a screen reader.
    dark
        Whether the page is dark.
    """
    ink, line, mark, grid = DARK if dark else LIGHT
    axis = axis_look(ink, grid) | {"format": ".0%", "tickCount": 5}

    def along(field: str, title: str) -> dict[str, Any]:
        scale = {"domain": [0, 1]}
        kind = {"type": "quantitative", "title": title, "scale": scale, "axis": axis}
        return {"field": field} | kind

    x, y = along("people", x_title), along("share", y_title)
    ends = [{"people": 0.0, "share": 0.0}, {"people": 1.0, "share": 1.0}]
    half = [{"people": 0.5, "share": _at_half(curve)}]
    band = {"type": "area", "color": line, "opacity": 0.25}
    layers: list[dict[str, Any]] = [
        {"mark": band, "encoding": {"x": x, "y": along("low", y_title), "y2": {"field": "high"}}},
        {
            "data": {"values": ends},
            "mark": {"type": "line", "color": ink, "strokeWidth": 2, "strokeDash": [6, 4]},
            "encoding": {"x": x, "y": y},
        },
        {
            "mark": {"type": "line", "color": line, "strokeWidth": 3},
            "encoding": {"x": x, "y": y},
        },
        {
            "data": {"values": half},
            "mark": {"type": "point", "filled": True, "size": 160, "color": mark, "opacity": 1},
            "encoding": {"x": x, "y": y},
        },
    ]
    return {
        "description": description,
        "height": 340,
        "data": {"values": _points(curve)},
        "layer": layers,
    }


def _at_half(curve: pd.DataFrame) -> float:
    """Return what the worse served half has."""
    people, share = (curve[name].to_numpy(float) for name in ("population_share", "access_share"))
    return float(np.interp(0.5, people, share))


def _points(curve: pd.DataFrame) -> list[dict[str, float | None]]:
    """Return the points of a curve that are drawn, its first and last among them."""
    picks = np.unique(np.linspace(0, len(curve) - 1, MOST_POINTS).round().astype(int))
    names = {
        "people": "population_share",
        "share": "access_share",
        "low": "low",
        "high": "high",
    }
    rows = curve.iloc[picks]
    return [
        {short: _number(row[name]) for short, name in names.items()} for _, row in rows.iterrows()
    ]


def interval_chart(
    names: Sequence[str],
    figures: pd.DataFrame,
    *,
    x_title: str,
    x_format: str,
    description: str,
    everybody: float | None = None,
    everybody_label: str = "",
    dark: bool = False,
) -> dict[str, Any]:
    """Return the chart of one figure of several areas or groups: a dot each, with its interval.

    Parameters
    ----------
    names
        Names in the order of the rows, from the top; of equal names each has its own row.
    figures
        `value`, and `low` and `high`, NaN where there is no interval; rows without a value are left
        empty; `least`, if given: whether the value is at least so much, drawn as a triangle.
    x_title, x_format, description
        The words on the axis, how numbers are written (as d3 does), and the chart in a sentence.
    everybody, everybody_label
        A line at the figure of everybody, and what it is called.
    dark
        Whether the page is dark.
    """
    ink, line, mark, grid = DARK if dark else LIGHT
    axis, shown = axis_look(ink, grid), apart(names)
    columns = ("value", "low", "high")
    values = [
        {"name": name, "least": bool(row.get("least", False))}
        | {column: _number(row[column]) for column in columns}
        for name, (_, row) in zip(shown, figures.iterrows(), strict=True)
    ]
    y = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "title": None,
        "scale": {"domain": shown},
        "axis": axis | {"labelLimit": 150, "labelPadding": 10, "ticks": False},
    }
    x = {
        "field": "low",
        "type": "quantitative",
        "title": x_title,
        "scale": {"zero": True, "nice": True},
        "axis": axis | {"format": x_format, "tickCount": 5},
    }
    rule = {"type": "rule", "color": line, "strokeWidth": 3}
    dot = {"type": "point", "filled": True, "size": 140, "opacity": 1, "color": line, "stroke": ink}
    shape = {"condition": {"test": "datum.least", "value": "triangle-right"}, "value": "circle"}
    place = {"y": y, "x": x | {"field": "value"}, "shape": shape}
    sure = {"filter": "isValid(datum.low) && isValid(datum.high)"}
    layers: list[dict[str, Any]] = [
        {"transform": [sure], "mark": rule, "encoding": {"y": y, "x": x, "x2": {"field": "high"}}},
        {"mark": dot, "encoding": place},
    ]
    if everybody is not None and math.isfinite(everybody):
        layers += _line_of_all(x, everybody, everybody_label, mark)
    return {
        "description": description,
        "height": {"step": 34},
        "data": {"values": values},
        "layer": layers,
    }


def _line_of_all(x: dict[str, Any], value: float, text: str, colour: str) -> list[dict[str, Any]]:
    """Return the layers that mark the figure of everybody."""
    data = {"values": [{"value": float(value), "text": text}]}
    rule = {"type": "rule", "strokeWidth": 2, "strokeDash": [6, 4], "color": colour}
    label = {"type": "text", "align": "left", "dx": 6, "y": -8, "fontSize": 13, "color": colour}
    return [
        {"data": data, "mark": rule, "encoding": {"x": x | {"field": "value"}}},
        {
            "data": data,
            "mark": label | {"fontWeight": 600},
            "encoding": {"x": x | {"field": "value"}, "text": {"field": "text"}},
        },
    ]


def _number(value: Any) -> float | None:  # noqa: ANN401
    """Return a number for a chart, None where there is none."""
    number = float(value)
    return number if math.isfinite(number) else None
