"""Colour classes for counts of people: cividis, readable with any colour vision and in grey."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

CIVIDIS = ("#fee838", "#cdbb69", "#958f78", "#666970", "#2f4470", "#00224e")
"""Six steps of the cividis palette, light to dark."""

EMPTY = "none"
"""The fill of a community in which nobody is without a shelter."""


@dataclass(frozen=True, slots=True)
class Step:
    """One class of a legend."""

    colour: str
    low: int
    """Fewest people in the class."""
    high: int
    """Most people in the class."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Classes of people from few to many; nobody is a class of its own and has no fill."""

    steps: tuple[Step, ...]

    def colour(self, people: float) -> str:
        """Return the fill for a number of people.

        Examples
        --------
        >>> people_scale([0, 10, 400]).colour(0), people_scale([0, 10, 400]).colour(400)
        ('none', '#00224e')
        """
        if people <= 0:
            return EMPTY
        return next((s.colour for s in self.steps if people <= s.high), self.steps[-1].colour)


def people_scale(people: Iterable[float], *, dark: bool = False) -> Scale:
    """Return at most six classes with round limits that hold about equally many communities.

    On a light page more people are darker, on a dark page lighter: more stands out more.

    Examples
    --------
    >>> [(s.low, s.high) for s in people_scale([0, 3, 40, 41, 900]).steps]
    [(1, 25), (26, 40), (41, 45), (46, 500), (501, 900)]
    """
    counts = np.array([p for p in people if p > 0])
    if not len(counts):
        return Scale(())
    highs = sorted({_round_up(float(q)) for q in np.quantile(counts, np.linspace(0, 1, 7)[1:])})
    colours = CIVIDIS[::-1] if dark else CIVIDIS
    picks = np.rint(np.linspace(0, 5, len(highs))).astype(int) if len(highs) > 1 else [5]
    lows = [1] + [high + 1 for high in highs[:-1]]
    return Scale(
        tuple(Step(colours[c], low, high) for c, low, high in zip(picks, lows, highs, strict=True))
    )


def _round_up(value: float) -> int:
    """Return the next number of the row 10, 12, 15, 20, 25, 30, 35, 40 ...

    Examples
    --------
    >>> _round_up(0.3), _round_up(21), _round_up(50), _round_up(7001)
    (10, 25, 50, 8000)
    """
    unit = 1
    while True:
        for step in (10, 12, 15, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90):
            if value <= step * unit:
                return step * unit
        unit *= 10
