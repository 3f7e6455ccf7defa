"""The main streets of each community: where a way to the shelter is shown from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import shapely

from shelterplan import earth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from shelterplan.study_area import StudyArea

MOST_STREETS: Final = 5
"""Main streets of one community."""
FAR_M: Final = 300.0
"""Homes that are farther from every named street count for none [m]."""


def main_streets(
    area: StudyArea, *, communities: Sequence[str] | None = None, count: int = MOST_STREETS
) -> pd.DataFrame:
    """Choose the main streets of every community, and a point on each.

    The rule: every home counts for the named street nearest to it, by the straight line. The
    streets with the most of the community's people come first; of equal ones the longer, by what
    lies in the community; of equally long ones, by name. A way begins at the point of the street
    that is nearest to the middle of the people who count for it; where nobody does, at the middle
    of the street's longest piece in the community.

    Parameters
    ----------
    area : StudyArea
        The place.
    communities : sequence of str, optional
        Ids of the communities; by default all.
    count : int
        How many streets of a community at the most.

    Returns
    -------
    DataFrame
        One row a street, the main one first: `community_id`, `name`, `people` (residents who count
        for it), `length_m` (in the community), `lon`, `lat`.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> found = main_streets(StudyArea.open("monaco"), count=1).set_index("community_id")
    >>> found.loc["larvotto", "name"]
    'Avenue Princesse Grace'
    """
    wanted = area.communities.index if communities is None else pd.Index(list(communities))
    named = _named(area)
    homes = _homes(area, named, wanted)
    ranked = _ranked(homes, _lengths(area, named, wanted), count)
    points = [
        _point(named, homes.get_group(key) if key in homes.groups else None, row["longest"])
        for key, row in zip(
            zip(ranked["community_id"], ranked["name"], strict=True),
            ranked.to_dict("records"),
            strict=True,
        )
    ]
    to_lonlat = earth.to_lonlat(area.crs)
    xy = np.array(points, float).reshape(-1, 2)
    lon, lat = to_lonlat.transform(xy[:, 0], xy[:, 1])
    return ranked.drop(columns="longest").assign(lon=np.round(lon, 7), lat=np.round(lat, 7))


def _named(area: StudyArea) -> pd.DataFrame:
    """Return the pieces of named streets, with their lines in the metric CRS."""
    names = area.streets["name"].fillna("").astype(str)
    rows = np.flatnonzero((names.str.strip() != "").to_numpy())
    return pd.DataFrame(
        {
            "name": names.to_numpy(object)[rows],
            "length_m": area.streets["length_m"].to_numpy(float)[rows],
            "line": area.network().lines(rows),
        }
    )


def _homes(
    area: StudyArea, named: pd.DataFrame, wanted: pd.Index
) -> pd.api.typing.DataFrameGroupBy[Any, Any]:
    """Return the homes by community and by the name of the street that they count for."""
    rows = np.flatnonzero(area.demand["community_id"].isin(wanted))
    home, piece = np.zeros(0, np.intp), np.zeros(0, np.intp)
    if len(named) and len(rows):
        tree = shapely.STRtree(named["line"].to_numpy())
        found, piece = tree.query_nearest(
            area.metric_demand[rows], max_distance=FAR_M, all_matches=False
        )
        home = rows[found]
    return pd.DataFrame(
        {
            "community_id": area.demand["community_id"].to_numpy(object)[home],
            "name": named["name"].to_numpy(object)[piece],
            "people": area.demand["population"].to_numpy(float)[home],
            "x_m": shapely.get_x(area.metric_demand[home]),
            "y_m": shapely.get_y(area.metric_demand[home]),
            "piece": piece,
        }
    ).groupby(["community_id", "name"], sort=False)


def _lengths(area: StudyArea, named: pd.DataFrame, wanted: pd.Index) -> pd.DataFrame:
    """Return how much of each street lies in each community, with its longest piece there.

    A piece lies where its middle is.
    """
    middle = shapely.line_interpolate_point(named["line"].to_numpy(), 0.5, normalized=True)
    ids = area.communities.index
    tree = shapely.STRtree(area.metric_communities[ids.isin(wanted)])
    piece, community = tree.query(middle, predicate="within")
    inside = pd.DataFrame(
        {
            "community_id": ids[ids.isin(wanted)].to_numpy(object)[community],
            "name": named["name"].to_numpy(object)[piece],
            "length_m": named["length_m"].to_numpy(float)[piece],
            "longest": piece,
        }
    ).sort_values("length_m", ascending=False, kind="stable")
    return inside.groupby(["community_id", "name"], sort=False).agg(
        length_m=("length_m", "sum"), longest=("longest", "first")
    )


def _ranked(
    homes: pd.api.typing.DataFrameGroupBy[Any, Any], lengths: pd.DataFrame, count: int
) -> pd.DataFrame:
    """Return the first streets of each community."""
    people = homes["people"].sum().to_frame()
    table = people.join(lengths, how="outer").reset_index()
    table = table.fillna({"people": 0.0, "length_m": 0.0, "longest": -1})
    table = table.sort_values(
        ["community_id", "people", "length_m", "name"],
        ascending=[True, False, False, True],
        kind="stable",
    )
    columns = ["community_id", "name", "people", "length_m", "longest"]
    first = table.groupby("community_id", sort=False).head(count)[columns]
    return first.astype({"longest": int}).reset_index(drop=True)


def _point(named: pd.DataFrame, homes: pd.DataFrame | None, longest: int) -> tuple[float, float]:
    """Return where the way from a street begins (x, y) [m]."""
    lines = named["line"].to_numpy()
    if homes is None or not homes["people"].sum() > 0:
        piece = longest if longest >= 0 else int(homes["piece"].iloc[0])  # type: ignore[index]
        return _xy(shapely.line_interpolate_point(lines[piece], 0.5, normalized=True))
    middle = shapely.Point(
        np.average(homes[["x_m", "y_m"]].to_numpy(float), axis=0, weights=homes["people"])
    )
    near: NDArray[np.object_] = lines[np.unique(homes["piece"].to_numpy())]
    line = near[np.argmin(shapely.distance(near, middle))]
    return _xy(shapely.line_interpolate_point(line, shapely.line_locate_point(line, middle)))


def _xy(point: shapely.Point) -> tuple[float, float]:
    return float(point.x), float(point.y)
