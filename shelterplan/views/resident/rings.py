"""Polygons of a resident map, in centimetres on the metric plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from shelterplan.views.resident.numbers import signed, varints

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_CM = 100.0


def ring_sections(shapes: Iterable[shapely.Geometry], prefix: str) -> dict[str, bytes]:
    """Return the rings of polygons: a point lies inside where an odd number of them is around it.

    Sections `_shape` (rings of each shape), `_ring` (points of each ring, the first not repeated),
    `_x` and `_y` (steps from point to point [cm]).
    """
    polygons, shape_of = shapely.get_parts(np.array(list(shapes), object), return_index=True)
    flat = shapely.get_dimensions(polygons) == 2
    polygons, shape_of = polygons[flat], shape_of[flat]
    rings, polygon_of = shapely.get_rings(polygons, return_index=True)
    points, ring_of = shapely.get_coordinates(rings, return_index=True)
    whole = np.rint(points * _CM).astype(np.int64)
    last = np.append(ring_of[1:] != ring_of[:-1], True)[: len(ring_of)]
    whole, ring_of = whole[~last], ring_of[~last]
    step = np.diff(whole, axis=0, prepend=np.zeros((1, 2), np.int64))
    count = len(np.atleast_1d(np.array(list(shapes), object)))
    return {
        f"{prefix}_shape": varints(_tally(shape_of[polygon_of], count)),
        f"{prefix}_ring": varints(_tally(ring_of, len(rings))),
        f"{prefix}_x": signed(step[:, 0]),
        f"{prefix}_y": signed(step[:, 1]),
    }


def _tally(index: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    return np.bincount(index, minlength=count)
