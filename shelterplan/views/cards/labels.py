"""Marks and names on a small map, placed so that none lies on another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from shelterplan.views.cards.telling import width

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

MOST_COVERED: Final = 10.0
"""How much of a way a name may lie on."""
Box = tuple[float, float, float, float]
EM_PER_LETTER: Final = 0.6
"""Width of a letter; a wide font's, so that a name never takes more than its box [em]."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Something that was given a place: its middle and its size on the drawing."""

    text: str
    x: float
    y: float
    wide: float
    high: float

    @property
    def box(self) -> Box:
        """West, top, east, bottom."""
        w, h = self.wide / 2, self.high / 2
        return self.x - w, self.y - h, self.x + w, self.y + h


class Sheet:
    """A drawing on which places are taken one after the other."""

    def __init__(self, wide: float, high: float, soft: shapely.Geometry | None = None) -> None:
        self.wide, self.high = wide, high
        self.taken: list[Placed] = []
        self.soft = soft
        """What a name should rather not lie on."""

    def take(self, one: Placed) -> Placed:
        """Take a place, whatever is there."""
        self.taken.append(one)
        return one

    def free(self, boxes: ArrayLike) -> NDArray[np.bool_]:
        """Say which boxes lie on the drawing and on nothing else, shape (n,)."""
        box = np.asarray(boxes, float).reshape(-1, 4)
        least, most = np.ones(2), np.array([self.wide, self.high]) - 1
        inside = np.all((box[:, :2] >= least) & (box[:, 2:] <= most), axis=1)
        other = np.array([one.box for one in self.taken], float).reshape(-1, 4)
        apart = (box[:, None, :2] >= other[None, :, 2:]) | (other[None, :, :2] >= box[:, None, 2:])
        clear: NDArray[np.bool_] = inside & np.all(np.any(apart, axis=2), axis=1)
        return clear

    def mark(self, text: str, at: tuple[float, float], size: float) -> Placed:
        """Place a mark as near to a point as there is room; on the point itself if nowhere."""
        x, y = at
        x, y = min(max(x, size), self.wide - size), min(max(y, size), self.high - size)
        spots = [(x, y), *around(x, y, size * 1.15), *around(x, y, size * 1.9)]
        found = [Placed(text, *spot, size, size) for spot in spots]
        free = np.flatnonzero(self.free([one.box for one in found]))
        return self.take(found[int(free[0]) if len(free) else 0])

    def name(self, text: str, spots: Sequence[tuple[float, float]], font: float) -> Placed | None:
        """Place a name at the spot that covers least of the ways; None if there is no good one."""
        wide, high = _size(text, font)
        every = [Placed(text, x, y, wide, high) for x, y in spots]
        free = np.flatnonzero(self.free([one.box for one in every]))
        found = [(self._covered(every[row]), int(row)) for row in free]
        best = min(found, default=(np.inf, -1))
        return self.take(every[best[1]]) if best[0] <= MOST_COVERED else None

    def beside(self, text: str, mark: str | None, font: float) -> list[tuple[float, float]]:
        """Return where a name may stand next to a mark: right, left, above, below."""
        wide, high = _size(text, font)
        return [
            spot
            for one in self.taken
            if mark is not None and one.text == mark
            for spot in (
                (one.x + (one.wide + wide) / 2, one.y),
                (one.x - (one.wide + wide) / 2, one.y),
                (one.x, one.y - (one.high + high) / 2),
                (one.x, one.y + (one.high + high) / 2),
            )
        ]

    def _covered(self, one: Placed) -> float:
        if self.soft is None:
            return 0.0
        hidden: float = shapely.intersection(self.soft, shapely.box(*one.box)).length
        return hidden


def _size(text: str, font: float) -> tuple[float, float]:
    """Return width and height of a name."""
    return width(text) * EM_PER_LETTER * font + 4, font * 1.25


def around(x: float, y: float, far: float) -> Iterable[tuple[float, float]]:
    """Return eight points around one, to the right first.

    Examples
    --------
    >>> [(round(x), round(y)) for x, y in around(0.0, 0.0, 10.0)][:2]
    [(10, 0), (-10, 0)]
    """
    for degrees in (0, 180, 270, 90, 315, 225, 45, 135):
        angle = math.radians(degrees)
        yield x + far * math.cos(angle), y + far * math.sin(angle)
