"""Which of many boxes come near one of some others, read off a board of cells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CELLS: Final = 512
"""On a side."""


@dataclass(frozen=True)
class Board:
    """Boxes drawn on a board of cells, with which others are compared.

    Examples
    --------
    >>> board = Board.of(np.array([[0.0, 0.0, 1.0, 1.0], [8.0, 8.0, 9.0, 9.0]]))
    >>> board.near(np.array([[0.5, 0.5, 3.0, 3.0], [4.0, 4.0, 5.0, 5.0]])).tolist()
    [True, False]
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    sums: NDArray[np.int64]
    """How many cells to the left and below are marked."""

    @classmethod
    def of(cls, boxes: NDArray[np.float64]) -> Board:
        """Draw boxes, shape (n, 4), of which there is at least one."""
        board = cls(boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0), np.zeros((0, 0), np.int64))
        (left, bottom), (right, top) = board._cells(boxes)
        edges = np.zeros((CELLS + 1, CELLS + 1), np.int64)
        for x, y, sign in (
            (left, bottom, 1),
            (right, bottom, -1),
            (left, top, -1),
            (right, top, 1),
        ):
            np.add.at(edges, (x, y), sign)
        marked = edges.cumsum(axis=0).cumsum(axis=1) > 0
        sums = np.zeros((CELLS + 1, CELLS + 1), np.int64)
        sums[1:, 1:] = marked[:-1, :-1].cumsum(axis=0).cumsum(axis=1)
        return replace(board, sums=sums)

    def near(self, boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say which boxes meet one of those drawn, and perhaps of a few more that come near one."""
        (left, bottom), (right, top) = self._cells(boxes)
        sums = self.sums
        marked = sums[right, top] - sums[left, top] - sums[right, bottom] + sums[left, bottom]
        inside = (boxes[:, :2] <= self.high) & (boxes[:, 2:] >= self.low)
        near: NDArray[np.bool_] = inside.all(axis=1) & (marked > 0)
        return near

    def _cells(self, boxes: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the first cells of boxes (x, y), and those after the last, shape (2, n) each."""
        cell = np.maximum((self.high - self.low) / CELLS, 1e-12)
        first, last = (
            np.clip((at - self.low) / cell, 0, CELLS - 1).astype(np.int64).T
            for at in (boxes[:, :2], boxes[:, 2:])
        )
        return first, last + 1
