"""How large outlines are on the ground."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import shapely

from shelterplan.sources.streets import WGS84

if TYPE_CHECKING:
    from numpy.typing import NDArray


def outline_area_m2(shapes: Iterable[shapely.Geometry]) -> NDArray[np.float64]:
    """Measure outlines on the ellipsoid WGS 84 [m2]; NaN for points.

    Parameters
    ----------
    shapes : iterable of shapely geometries
        In longitude and latitude.

    Examples
    --------
    >>> outline_area_m2([shapely.box(7.0, 43.0, 7.001, 43.001), shapely.Point(7, 43)]).round()
    array([9058.,   nan])
    """
    areas = [abs(WGS84.geometry_area_perimeter(shape)[0]) for shape in shapes]
    found = np.round(np.array(areas, float), 1)
    return np.where(found > 0, found, np.nan)
