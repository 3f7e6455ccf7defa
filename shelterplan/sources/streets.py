"""What every reader of streets gives back, and the checks and measures they share."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

WGS84 = pyproj.Geod(ellps="WGS84")
MAX_SEGMENT_M = 20_000.0
"""Longest straight piece of a way that is believed [m]; longer ones come from misplaced nodes."""
CHORD_TOLERANCE_M = 0.001
"""By how much a length may fall short of the straight line between its ends [m]."""

FAULTS = {
    "missing_node": "a node of the way is not in the file; cut there (length unknown)",
    "bad_position": "a node has no position on Earth; cut there (length unknown)",
    "duplicate_node": "a node stands twice, at different places; cut there (length unknown)",
    "duplicate_way": "the way stands twice; the second is left out",
    "long_segment": f"a straight piece longer than {MAX_SEGMENT_M / 1000:g} km; cut there",
    "one_node": "fewer than two different nodes",
    "bad_length": "a length that is not finite, or shorter than the straight line between its ends",
}
"""What can be wrong with the data itself, in words."""


@dataclass(frozen=True)
class Streets:
    """Streets that people can walk along, and what was left out."""

    edges: gpd.GeoDataFrame
    """The streets table: one row for each piece between two nodes."""
    dropped: pd.DataFrame
    """What was left out: rule, reason, ways (how many), length_m (metres)."""
    kept_ways: int
    """How many ways the edges come from."""
    date: str
    """The state of the data, "" if unknown."""
    place: str = ""
    """What a server calls the place that was asked for by its name."""


class Report:
    """Collects what is left out, and prints it as a table.

    Examples
    --------
    >>> report = Report()
    >>> report.add("ferry", "a ferry is no walk", 1, 150.04)
    >>> report.add("ferry", "a ferry is no walk", 2, 0.02)
    >>> report.table().to_dict("list")
    {'rule': ['ferry'], 'reason': ['a ferry is no walk'], 'ways': [3], 'length_m': [150.1]}
    """

    def __init__(self) -> None:
        self._rows: dict[str, tuple[str, int, float]] = {}

    def add(self, rule: str, reason: str, ways: int, length_m: float = 0.0) -> None:
        """Note one kind of loss; what is noted of it again adds up."""
        _, before, metres = self._rows.get(rule, (reason, 0, 0.0))
        self._rows[rule] = (reason, before + ways, metres + float(length_m))

    def fault(self, name: str, ways: Ints, length_m: float = 0.0) -> None:
        """Note a fault of the data, in the ways with these numbers."""
        self.add(name, FAULTS[name], int(np.unique(ways).size), length_m)

    def table(self) -> pd.DataFrame:
        """Give the `dropped` table: what was lost, in the order in which it was first noted."""
        rows = [(rule, why, n, round(m, 1)) for rule, (why, n, m) in self._rows.items() if n]
        return pd.DataFrame(rows, columns=["rule", "reason", "ways", "length_m"]).astype(
            {"rule": "str", "reason": "str", "ways": "int64", "length_m": "float64"},
        )


def geodesic_m(lon: Floats, lat: Floats, to_lon: Floats, to_lat: Floats) -> Floats:
    """Measure straight lines on the ellipsoid WGS 84 [m]; coordinates in degrees."""
    if not lon.size:
        return np.zeros(0)
    return np.asarray(WGS84.inv(lon, lat, to_lon, to_lat)[2], dtype=np.float64)


def hilbert_order(lon: Floats, lat: Floats) -> Ints:
    """Give points their numbers along a Hilbert curve: near points get near numbers.

    Parameters
    ----------
    lon, lat
        Positions [degrees].

    Returns
    -------
    Ints
        The number of each point, 0 to n - 1.
    """
    number = np.zeros(lon.size, dtype=np.int64)
    if lon.size:
        flat = np.ptp(lon) == 0 or np.ptp(lat) == 0
        points = gpd.GeoSeries(gpd.points_from_xy(lon, lat))
        curve = lon + lat if flat else points.hilbert_distance().to_numpy()
        number[np.lexsort((np.arange(lon.size), curve))] = np.arange(lon.size)
    return number
