"""Charts as plain specifications for Vega-Lite: nothing is drawn or fetched here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


_LIGHT = ("#0b0c0c", "#0b3c8c", "#b1270f", "#d5dade")
_DARK = ("#f4f6f7", "#8ec5ff", "#ffdd00", "#4a545c")
"""Colours of text, curve, access standard and grid."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CurveWords:
    """The words on the distance curve."""

    x: str
    y: str
    standard: str
    """What the vertical line stands for."""
    description: str
    """The chart in a sentence, for a screen reader."""


def distance_curve(
    curve: pd.DataFrame, *, max_distance_m: float, words: CurveWords, dark: bool = False
) -> dict[str, Any]:
    """Return the chart of the share of people who reach a shelter within a distance.

    Parameters
    ----------
    curve
        ``distance_m`` [m], ascending, and ``share`` (0 to 1) of all people.
    max_distance_m
        The access standard, drawn as a line [m].
    words
        The words on the chart.
    dark
        Whether the page is dark.
    """
    ink, line, mark, grid = _DARK if dark else _LIGHT
    axis = {
        "labelColor": ink,
        "titleColor": ink,
        "labelFontSize": 14,
        "titleFontSize": 14,
        "gridColor": grid,
    }
    x = {"field": "distance_m", "type": "quantitative", "title": words.x, "axis": axis}
    y = {
        "field": "share",
        "type": "quantitative",
        "title": words.y,
        "scale": {"domain": [0, 1]},
        "axis": axis | {"format": ".0%"},
    }
    drawn = {"type": "line", "interpolate": "step-after", "strokeWidth": 3, "color": line}
    finite = curve[np.isfinite(curve["distance_m"])]
    return {
        "description": words.description,
        "height": 280,
        "data": {"values": _thinned(finite)},
        "layer": [
            {"mark": drawn, "encoding": {"x": x, "y": y}},
            *_standard_line(x, max_distance_m, words.standard, mark),
        ],
    }


def _standard_line(
    x: dict[str, Any], max_distance_m: float, text: str, colour: str
) -> list[dict[str, Any]]:
    """Return the layers that mark the access standard."""
    data = {"values": [{"distance_m": float(max_distance_m), "text": text}]}
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
    first = [] if kept["distance_m"].iloc[0] <= 0 else [{"distance_m": 0.0, "share": 0.0}]
    return first + [
        {"distance_m": float(d), "share": float(s)}
        for d, s in zip(kept["distance_m"], kept["share"], strict=True)
    ]
