"""Who lives in which community: demand points put into polygons, nobody lost on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from shelterplan.errors import TableError
from shelterplan.sources.records import fault_frame

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False, slots=True)
class Assigned:
    """Demand points with their communities, and those that lie in none."""

    demand: gpd.GeoDataFrame
    """The points inside a community, with `community_id`."""
    quarantine: pd.DataFrame
    """The points outside every community: table, row, column, problem, mend."""
    population_before: float
    """People in all points."""
    population_after: float
    """People in the points inside a community."""

    @property
    def population_outside(self) -> float:
        """People in the points outside every community."""
        return self.population_before - self.population_after


def assign_communities(
    demand: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, *, rows: ArrayLike | None = None
) -> Assigned:
    """Put each demand point into the community whose polygon covers it, borders included.

    Where several do, the earlier row wins, so that nobody is counted twice.

    Parameters
    ----------
    demand : GeoDataFrame
        Index demand_id; population, Point geometry.
    communities : GeoDataFrame
        Index community_id; polygons, in the same coordinate system.
    rows : array of int, optional
        Row number of each point in its file; by default 1, 2, ...

    Raises
    ------
    TableError
        No point lies in any community.

    Examples
    --------
    >>> import geopandas as gpd
    >>> west = gpd.GeoDataFrame({"name": ["West"]}, index=["w"], geometry=[shapely.box(0, 0, 1, 1)])
    >>> homes = gpd.GeoDataFrame({"population": [30.0, 12.0]}, index=["a", "b"],
    ...                          geometry=gpd.points_from_xy([0.5, 7], [0.5, 7]))
    >>> found = assign_communities(homes, west)
    >>> found.demand["community_id"].to_dict(), found.population_outside
    ({'a': 'w'}, 12.0)
    """
    owner = owners(demand.geometry.to_numpy(), shapely.STRtree(communities.geometry.to_numpy()))
    inside = owner >= 0
    numbers = np.arange(1, len(demand) + 1) if rows is None else np.asarray(rows)
    if not inside.any():
        problem = f"None of the {len(demand):,} points lies in a community: "
        raise TableError(
            "population",
            [problem + "do both files show the same place, in longitude and latitude?"],
        )
    kept = demand[inside].assign(community_id=communities.index.to_numpy()[owner[inside]])
    total = float(demand["population"].sum())
    return Assigned(
        kept, _outside(demand[~inside], numbers[~inside]), total, float(kept["population"].sum())
    )


def owners(points: np.ndarray, polygons: shapely.STRtree) -> np.ndarray:
    """Return the row of the first polygon that covers each point, -1 where none does.

    Parameters
    ----------
    points : array of Point, shape (n,)
    polygons : STRtree
        Polygons in the same coordinate system.
    """
    point, polygon = polygons.query(points, predicate="covered_by")
    none = len(polygons)
    owner = np.full(len(points), none, dtype=np.int64)
    np.minimum.at(owner, point, polygon)
    return np.where(owner < none, owner, -1)


def _outside(points: gpd.GeoDataFrame, rows: np.ndarray) -> pd.DataFrame:
    """Return points in no community as quarantined rows, each with its people."""
    return fault_frame(
        "population",
        [
            (
                int(row),
                "",
                f"{people:g} people at {x:.6f}, {y:.6f} (lon, lat) lie in no community",
                "draw the community there, or move the point",
            )
            for row, people, x, y in zip(
                rows, points["population"], points.geometry.x, points.geometry.y, strict=True
            )
        ],
    )
