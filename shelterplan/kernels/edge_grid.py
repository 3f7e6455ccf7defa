"""The nearest edge of many points: segments sorted into square cells, searched ring by ring.

Lines and points stay plain arrays: next to a tree of shapely lines this saves most of the memory
and of the time (`tests/benchmarks` measures both).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shelterplan.kernels.common import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_EDGE = -1
"""Edge of a point that has none near enough."""
_SMALLEST_CELL_M = 1.0
_ROUNDING_M = 1e-6
_SEGMENTS_A_CELL = 4
_MOST_ENTRIES = 4
"""Cells grow until a segment stands in no more than this many on average."""


@dataclass(frozen=True, eq=False)
class EdgeGrid:
    """Lines in a metric plane, and the segments that pass each cell."""

    points: NDArray[np.float64]
    """Points of all lines in a row (x, y), shape (p, 2) [m]."""
    line_ptr: NDArray[np.int64]
    """Points of line `i` stand at `line_ptr[i]` to `line_ptr[i + 1]`."""
    corner: tuple[float, float]
    """Lower left corner of the cells (x, y) [m]."""
    cell_m: float
    """Side of a cell [m]."""
    shape: tuple[int, int]
    """Number of columns and rows."""
    cell_ptr: NDArray[np.int64]
    """Segments of cell `i`, row by row, stand at `cell_ptr[i]` to `cell_ptr[i + 1]`."""
    cell_segment: NDArray[np.int32]
    """First point of each of these segments."""

    @classmethod
    def of(cls, points: NDArray[np.float64], line_ptr: NDArray[np.int64]) -> EdgeGrid:
        """Sort the segments of lines into cells."""
        count = max(1, (len(points) - len(line_ptr) + 1) // _SEGMENTS_A_CELL)
        x0, y0 = points.min(axis=0).tolist() if len(points) else (0.0, 0.0)
        width, height = np.ptp(points, axis=0).tolist() if len(points) else (0.0, 0.0)
        cell_m = max(
            _SMALLEST_CELL_M, math.sqrt(width * height / count), max(width, height) / count
        )
        while _entries(points, line_ptr, x0, y0, cell_m) > _MOST_ENTRIES * len(points):
            cell_m *= 2
        shape = (int(width / cell_m) + 1, int(height / cell_m) + 1)
        ptr = _count(points, line_ptr, x0, y0, cell_m, shape)
        segment = _fill(points, line_ptr, x0, y0, cell_m, shape, ptr)
        return cls(
            points=points,
            line_ptr=line_ptr,
            corner=(x0, y0),
            cell_m=cell_m,
            shape=shape,
            cell_ptr=ptr,
            cell_segment=segment,
        )

    def nearest(
        self, points: NDArray[np.float64], max_m: float, allowed: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Find the nearest allowed edge of each point; of equally near ones the first.

        Parameters
        ----------
        points : array of float, shape (p, 2)
            Positions (x, y) [m].
        max_m : float
            Farthest edge that is found, inclusive [m].
        allowed : array of bool, shape (m,)
            Edges that may be found.

        Returns
        -------
        edge : array of int32, shape (p,)
            `NO_EDGE` where there is none.
        foot : array of float, shape (p, 4)
            The nearest point of the edge (x, y), its distance [m] and the share of the edge's
            length that lies before it.
        """
        return _nearest(
            points,
            self.points,
            self.line_ptr,
            self.corner[0],
            self.corner[1],
            self.cell_m,
            self.shape,
            self.cell_ptr,
            self.cell_segment,
            max_m,
            allowed,
        )


@compiled
def _cells(
    points: NDArray[np.float64], i: int, x0: float, y0: float, cell_m: float
) -> tuple[int, int, int, int]:
    """Return the columns and rows that the box of a segment touches, first and last."""
    xa, xb = (points[i, 0] - x0) / cell_m, (points[i + 1, 0] - x0) / cell_m
    ya, yb = (points[i, 1] - y0) / cell_m, (points[i + 1, 1] - y0) / cell_m
    return int(min(xa, xb)), int(max(xa, xb)), int(min(ya, yb)), int(max(ya, yb))


@compiled
def _entries(
    points: NDArray[np.float64], line_ptr: NDArray[np.int64], x0: float, y0: float, cell_m: float
) -> int:
    """Return how many entries all cells together would have."""
    total = 0
    for edge in range(line_ptr.shape[0] - 1):
        for i in range(line_ptr[edge], line_ptr[edge + 1] - 1):
            left, right, bottom, top = _cells(points, i, x0, y0, cell_m)
            total += (right - left + 1) * (top - bottom + 1)
    return total


@compiled
def _count(
    points: NDArray[np.float64],
    line_ptr: NDArray[np.int64],
    x0: float,
    y0: float,
    cell_m: float,
    shape: tuple[int, int],
) -> NDArray[np.int64]:
    """Return the bounds of the cells' segments."""
    ptr = np.zeros(shape[0] * shape[1] + 1, np.int64)
    for edge in range(line_ptr.shape[0] - 1):
        for i in range(line_ptr[edge], line_ptr[edge + 1] - 1):
            left, right, bottom, top = _cells(points, i, x0, y0, cell_m)
            for row in range(bottom, top + 1):
                for column in range(left, right + 1):
                    ptr[row * shape[0] + column + 1] += 1
    for cell in range(ptr.shape[0] - 1):
        ptr[cell + 1] += ptr[cell]
    return ptr


@compiled
def _fill(
    points: NDArray[np.float64],
    line_ptr: NDArray[np.int64],
    x0: float,
    y0: float,
    cell_m: float,
    shape: tuple[int, int],
    ptr: NDArray[np.int64],
) -> NDArray[np.int32]:
    """Return the first point of each segment, cell by cell, in the order of the edges."""
    free = ptr.copy()
    cell_segment = np.empty(ptr[-1], np.int32)
    for edge in range(line_ptr.shape[0] - 1):
        for i in range(line_ptr[edge], line_ptr[edge + 1] - 1):
            left, right, bottom, top = _cells(points, i, x0, y0, cell_m)
            for row in range(bottom, top + 1):
                for column in range(left, right + 1):
                    cell = row * shape[0] + column
                    cell_segment[free[cell]] = i
                    free[cell] += 1
    return cell_segment


@compiled
def _foot(x: float, y: float, points: NDArray[np.float64], i: int) -> tuple[float, float]:
    """Return the nearest point of a segment; at its ends exactly the end."""
    xa, ya, xb, yb = points[i, 0], points[i, 1], points[i + 1, 0], points[i + 1, 1]
    along = (x - xa) * (xb - xa) + (y - ya) * (yb - ya)
    whole = (xb - xa) ** 2 + (yb - ya) ** 2
    if along <= 0:
        return xa, ya
    if along >= whole:
        return xb, yb
    return xa + along / whole * (xb - xa), ya + along / whole * (yb - ya)


@compiled
def _share(points: NDArray[np.float64], first: int, last: int, i: int, x: float, y: float) -> float:
    """Return the share of a line's length before a point on its segment `i`; 0 for no length."""
    before = 0.0
    whole = 0.0
    for j in range(first, last - 1):
        if j == i:
            before = whole + math.hypot(x - points[j, 0], y - points[j, 1])
        whole += math.hypot(points[j + 1, 0] - points[j, 0], points[j + 1, 1] - points[j, 1])
    return min(1.0, before / whole) if whole > 0 else 0.0


@compiled
def _nearest(  # noqa: C901
    query: NDArray[np.float64],
    points: NDArray[np.float64],
    line_ptr: NDArray[np.int64],
    x0: float,
    y0: float,
    cell_m: float,
    shape: tuple[int, int],
    cell_ptr: NDArray[np.int64],
    cell_segment: NDArray[np.int32],
    max_m: float,
    allowed: NDArray[np.bool_],
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """See `EdgeGrid.nearest`."""
    found = np.full(query.shape[0], NO_EDGE, np.int32)
    foot = np.full((query.shape[0], 4), np.nan)
    for q in range(query.shape[0]):
        x, y = query[q, 0], query[q, 1]
        if not (math.isfinite(x) and math.isfinite(y)):  # beyond what the projection can show
            continue
        column = math.floor((x - x0) / cell_m)
        row = math.floor((y - y0) / cell_m)
        # nothing in ring r lies nearer than r cells less the way to the own cell's farthest side
        inside = cell_m - max(
            x - x0 - column * cell_m,
            (column + 1) * cell_m - x + x0,
            y - y0 - row * cell_m,
            (row + 1) * cell_m - y + y0,
        )
        first = max(0, -column, -row, column - shape[0] + 1, row - shape[1] + 1)
        last = max(column, row, shape[0] - 1 - column, shape[1] - 1 - row)
        best = max_m
        best_segment = -1
        for ring in range(first, last + 1):
            if (ring - 1) * cell_m + inside > best + _ROUNDING_M:
                break
            for r in range(max(row - ring, 0), min(row + ring, shape[1] - 1) + 1):
                across = 1 if r in (row - ring, row + ring) else max(1, 2 * ring)
                start = column - ring
                if start < 0:  # skip what lies left of the grid, in whole strides
                    start += -(start // across) * across
                for c in range(start, min(column + ring, shape[0] - 1) + 1, across):
                    cell = r * shape[0] + c
                    for e in range(cell_ptr[cell], cell_ptr[cell + 1]):
                        segment = cell_segment[e]
                        foot_x, foot_y = _foot(x, y, points, segment)
                        metres = math.hypot(x - foot_x, y - foot_y)
                        if metres > best or (metres == best and 0 <= best_segment <= segment):
                            continue
                        edge = np.searchsorted(line_ptr, segment, "right") - 1
                        if allowed[edge]:
                            best = metres
                            best_segment = segment
                            found[q] = edge
                            foot[q, 0] = foot_x
                            foot[q, 1] = foot_y
        if best_segment >= 0:
            edge = found[q]
            foot[q, 2] = best
            foot[q, 3] = _share(
                points, line_ptr[edge], line_ptr[edge + 1], best_segment, foot[q, 0], foot[q, 1]
            )
    return found, foot
