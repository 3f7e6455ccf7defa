"""A tile of a region, widened, as a study area: what holds for the whole region is brought in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from shelterplan import tables
from shelterplan.scale.grid import Box
from shelterplan.study_area import CORNER_EVERY, DROPPED, QUARANTINE, StudyArea

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from shelterplan.scale.grid import Tile
    from shelterplan.scale.store import Part, Region
    from shelterplan.scenario import Scenario


_STREETS = (
    *("edge", "from", "to", "length_m", "forward", "backward"),
    *("steps", "wheelchair", "bridge_tunnel"),
)
"""What a task has to know of a street."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TileArea(StudyArea):
    """A widened tile of a region.

    Which connected part of the streets is the longest, and which parts lead to a shelter, cannot be
    seen from a tile: it is known of the whole region and brought along.
    """

    edge_part: NDArray[np.int64]
    """Number in the whole region of the connected part that each street lies in; -1 where a walker
    cannot pass, shape (streets,)."""
    leading: NDArray[np.int64]
    """Parts that have an entrance which can be used day by day, ascending."""

    def longest_part(self, scenario: Scenario) -> NDArray[np.bool_]:
        """Return which edges lie in the part of the network with the longest streets."""
        longest: NDArray[np.bool_] = self.edge_part[self.passable(scenario.walker)] == 0
        return longest

    def leads_somewhere(self, scenario: Scenario | None = None) -> NDArray[np.bool_]:
        """Return which edges lie in a part of the network that has a shelter's entrance."""
        walker = None if scenario is None else scenario.walker
        return np.isin(self.edge_part[self.passable(walker)], self.leading)

    def metric_ground(self, polygons: np.ndarray) -> np.ndarray:
        """Return polygons (lon, lat) in the metric CRS, not cut: every tile sees the same."""
        whole = shapely.segmentize(polygons, CORNER_EVERY)
        return np.asarray(gpd.GeoSeries(whole, crs="EPSG:4326").to_crs(self.crs).array)


def tile_area(
    region: Region,
    tile: Tile,
    box: Box,
    *,
    demand: bool = True,
    around: NDArray[np.float64] | None = None,
    part_of: Callable[[Part], NDArray[np.int64]] | None = None,
    leading: NDArray[np.int64] | None = None,
) -> TileArea:
    """Return a tile with everything near it.

    Parameters
    ----------
    region : Region
        The region.
    tile : Tile
        Its demand points are in the study area, those around it are not.
    box : Box
        Streets, entrances and shelters near it are in the study area.
    demand : bool
        Whether demand points are wanted.
    around : array of float, shape (n, 4), optional
        Boxes (lon, lat): only streets that meet one of them are wanted.
    part_of : callable, optional
        Returns, for a file of streets, the number of the connected part of each; -1 for all by
        default.
    leading : array of int, optional
        See `TileArea`.

    Raises
    ------
    AreaError
        If a file of the region is damaged; it is named.
    """
    streets = _streets(region, box, around, part_of)
    entrances = _near(region, "entrances", box)
    shelters = _near(region, "shelters", box)
    shelters = shelters[~shelters.index.duplicated()]
    shelters = shelters[shelters.index.isin(entrances["shelter_id"])]
    label = np.full(len(streets), -1)
    if "beside" in streets:
        label = streets.pop("beside").to_numpy(np.int64)
    return TileArea(
        name=str(tile),
        title=region.title,
        crs=region.grid.crs,
        communities=bare("communities"),
        demand=_or_empty("demand", region.read("demand", tile) if demand else None),
        shelters=shelters,
        entrances=entrances,
        candidates=bare("candidates"),
        hazards=_hazards(region, box, shelters),
        places=bare("places"),
        streets=streets.reset_index(drop=True).rename_axis("edge"),
        dropped=pd.DataFrame(columns=list(DROPPED)),
        quarantine=pd.DataFrame(columns=list(QUARANTINE)),
        illustrative=frozenset(region.illustrative),
        edge_part=label,
        leading=np.zeros(0, np.int64) if leading is None else leading,
    )


@cache
def bare(table: str) -> gpd.GeoDataFrame:
    """Return a table without rows: a tile may well have no street, or nobody in it."""
    spec = tables.TABLES[table]
    columns = {column.name: pd.Series([], dtype=object) for column in spec.columns}
    empty = gpd.GeoDataFrame(columns, geometry=[], crs="EPSG:4326").rename_axis(spec.index)
    return empty.astype({"population": "float64"} if table == "demand" else {})


def _streets(
    region: Region,
    box: Box,
    around: NDArray[np.float64] | None,
    part_of: Callable[[Part], NDArray[np.int64]] | None,
) -> gpd.GeoDataFrame:
    """Return the streets near a box by their number in the region; nodes are numbered anew."""
    found = region.near("streets", box, names=_STREETS, around=around, beside=part_of)
    if found is None:
        return bare("streets")
    ends = found[["from", "to"]].to_numpy(np.int64)
    local = np.unique(ends, return_inverse=True)[1].reshape(ends.shape)
    streets = found.set_index("edge")
    return streets.assign(**{"from": local[:, 0], "to": local[:, 1]})


def _near(region: Region, table: str, box: Box) -> gpd.GeoDataFrame:
    return _or_empty(table, region.near(table, box))


def _or_empty(table: str, rows: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    return bare(table) if rows is None else rows


def _hazards(region: Region, box: Box, shelters: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the zones near a box, and near the shelters there, which may reach beyond it."""
    bounds = [*map(float, box)]
    if len(shelters):
        west, south, east, north = shelters.total_bounds
        x, y = region.grid.to_metric.transform([west, west, east, east], [south, north] * 2)
        bounds = [
            *np.minimum(bounds[:2], [min(x), min(y)]),
            *np.maximum(bounds[2:], [max(x), max(y)]),
        ]
    return _near(region, "hazards", Box(*bounds))
