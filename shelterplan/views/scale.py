"""Colour classes of maps: readable with any colour vision."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

CIVIDIS = ("#fee838", "#cdbb69", "#958f78", "#666970", "#2f4470", "#00224e")
"""Six steps of the cividis palette, light to dark."""

EMPTY = "none"
"""The fill of a community in which nobody is without a shelter."""


LOSSES, GAINS = ("#fdb863", "#d9740c", "#8a3a00"), ("#92c5de", "#3a86bf", "#0b3c8c")
"""Few to many: orange and blue are told apart with any colour vision."""

MINUTES = ((1, 1), (2, 3), (4, 6), (7, 10), (11, 20), (21, 10_000))
"""Classes of minutes, rounded up; the last one has no end."""


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


@dataclass(frozen=True, slots=True)
class Differences:
    """Classes of differences, the largest loss first; none has no fill."""

    steps: tuple[Step, ...]

    def colour(self, difference: float) -> str:
        """Return the fill for a difference of people.

        Examples
        --------
        >>> scale = difference_scale([-40.0, 3.0])
        >>> scale.colour(-40.0), scale.colour(0.0), scale.colour(0.4)
        ('#8a3a00', 'none', '#0b3c8c')
        """
        whole = math.floor(difference) if difference < 0 else math.ceil(difference)
        if whole == 0:
            return EMPTY
        same = [step for step in self.steps if (step.low < 0) == (whole < 0)]
        ends = [same[0], *same] if whole < 0 else [*same, same[-1]]
        return next((s.colour for s in same if s.low <= whole <= s.high), ends[-1].colour)


def difference_scale(differences: Iterable[float]) -> Differences:
    """Return at most three classes of losses and three of gains, with round limits.

    Examples
    --------
    >>> [(s.low, s.high) for s in difference_scale([-900.0, -30.0, -2.0, 0.0, 7.0]).steps]
    [(-900, -351), (-350, -26), (-25, -1), (1, 10)]
    """
    values = [value for value in differences if math.isfinite(value)]
    made: list[Step] = []
    for sign, colours in ((-1, LOSSES), (1, GAINS)):
        sizes = np.array([sign * value for value in values if sign * value > 0])
        if not len(sizes):
            continue
        highs = sorted({_round_up(float(q)) for q in np.quantile(sizes, (1 / 3, 2 / 3, 1))})
        lows = [1] + [high + 1 for high in highs[:-1]]
        shown = colours[-len(highs) :]
        steps = [
            Step(c, *sorted((sign * a, sign * b)))
            for c, a, b in zip(shown, lows, highs, strict=True)
        ]
        made += steps[::sign] if sign < 0 else steps
    return Differences(tuple(made))


def minutes_scale(*, dark: bool = False) -> Scale:
    """Return classes of minutes.

    Examples
    --------
    >>> minutes_scale().colour(0.5) == minutes_scale().steps[0].colour
    True
    """
    colours = CIVIDIS[::-1] if dark else CIVIDIS
    return Scale(
        tuple(Step(colour, low, high) for colour, (low, high) in zip(colours, MINUTES, strict=True))
    )
