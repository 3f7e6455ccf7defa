"""What one closed street takes away, and who has two shelters by ways that share no street.

Room is not looked at: coverage here means a fit shelter within the standard on open ways, as
`coverage.examine` finds it for a scenario whose `room` is "ignored".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from shelterplan import kernels
from shelterplan.progress import Progress, silent
from shelterplan.scenario import Scenario
from shelterplan.siting import redundancy_kernels
from shelterplan.siting.redundancy_walks import Walks
from shelterplan.siting.result import SitingError
from shelterplan.siting.watch import never
from shelterplan.situation import situation
from shelterplan.standards import AccessStandard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from shelterplan.network import WalkNetwork
    from shelterplan.situation import Situation
    from shelterplan.snap import Places
    from shelterplan.study_area import StudyArea

    Ints = NDArray[np.int64]

By = Literal["street", "way"]
"""What is closed at a time: a street of the table, or all streets of one OSM way."""
WHY: tuple[str, ...] = ("no_shelter", "one_shelter", "shared_street", "", "not_settled")
"""Why a demand point has no two ways: no shelter is within the standard; only one is; all pairs of
walks share a street; the search was given up; empty: it has two."""
_WAYS = np.array([0, 1, 1, 2, 1])
MOST_SEARCHES = 2000
"""Searches for the second way of one demand point, after which it is told as not settled."""
_STEP = 2048


def critical_streets(
    area: StudyArea,
    scenario: Scenario | None = None,
    standard: AccessStandard | None = None,
    *,
    by: By = "street",
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> gpd.GeoDataFrame:
    """Rank streets by how many people lose coverage when each is closed alone.

    The numbers are exact: those of `coverage.examine` before and after the street's number is put
    into `Scenario.closed_streets`, room ignored. People whose own way to the network begins on the
    street lose it too; they are told apart.

    Closing a street changes no walk but those that lead over it. So only the part of the tree of
    nearest shelters that hangs on the street is searched again, from the streets that lead into it.

    Parameters
    ----------
    area : StudyArea
        The place.
    scenario : Scenario, optional
        The hazard, who walks, what is closed already; its `room` is not looked at.
    standard : AccessStandard, optional
        What counts as covered; by default 500 m.
    by : {"street", "way"}
        Close one street of the table at a time (from junction to junction), or one whole OSM way,
        such as a bridge of several streets. Streets without an OSM number (0) are closed alone.
    progress, stop : callable
        Told the share of the streets that is done; asked whether to stop.

    Returns
    -------
    GeoDataFrame
        A row for each street or way without which somebody loses coverage, the most people first.
        Index `street`: the number of the (first) street. `streets`: all their numbers, as a text;
        `name`, `class`, `bridge_tunnel` (what OSM says: "bridge", "tunnel" or empty), `osm_id`,
        `length_m`; `lost_population`, of whom `here_population` live on it and `beyond_population`
        elsewhere, `lost_points` (demand points); `shelters_shut` (fit shelters all of whose
        entrances lie on it); `only_link` (whether the open streets, regardless of direction, fall
        into more parts without it, or without one of its streets: a bridge in the sense of graph
        theory; dead ends are such); `geometry`. In `attrs`: `covered_population`.

    Raises
    ------
    SitingError
        If `by` is neither, or `stop` said so before the end: a part of a ranking is none.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> found = critical_streets(StudyArea.open("monaco"))
    >>> bool((found["lost_population"] > 0).all()), found["lost_population"].is_monotonic_decreasing
    (True, True)
    """
    if by not in {"street", "way"}:
        message = f"by must be street or way, not {by!r}"
        raise SitingError(message)
    here = _here(area, scenario)
    label, count = _labels(area, by)
    walks = Walks.of(here, standard or AccessStandard(), label[_rows(here)], count)
    parts = [walks.lost(*part) for part in _steps(count, "closing streets", progress, stop)]
    table = _losses(here, walks, parts)
    found = _named(area, label, table[table["lost_population"] > 0])
    found = found.sort_values(["lost_population", "street"], ascending=[False, True])
    found.attrs["covered_population"] = float(here.people[walks.home].sum())
    return found


def two_ways(
    area: StudyArea,
    scenario: Scenario | None = None,
    standard: AccessStandard | None = None,
    *,
    most_searches: int = MOST_SEARCHES,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> gpd.GeoDataFrame:
    """Count, up to two, the shelters that each demand point reaches by ways that share no street.

    A demand point has two ways if there are two different fit shelters and a walk to each, both
    within the standard, such that no street of the table is walked on both, not even in parts or in
    opposite directions, but for the street that the point itself lies on. The street of a
    shelter's entrance belongs to the walk.

    Whether two such walks exist is NP-hard in general, as both are bounded in length. It is decided
    by branching: take the shortest walk for each of the two; where both lead to one shelter or over
    one street, one of them must do without it; a walk that becomes longer than the standard ends
    the branch. In a town this ends after a few searches. If it has not after `most_searches`, the
    point is told as not settled: 1 way at least, 2 at most.

    Parameters
    ----------
    area, scenario, standard
        See `critical_streets`.
    most_searches : int
        Searches for one demand point, at least 1.
    progress, stop : callable
        Told the share of the points that is done; asked whether to stop.

    Returns
    -------
    GeoDataFrame
        The demand table with `population` at the scenario's time of day; `ways`: 0, 1, 2 (proven),
        or NA where it is not settled; `why_not`, one of `WHY`; `first_id`, `second_id`, the
        shelters (NA if none), and the length of the two walks as `first_distance_m`,
        `second_distance_m` (`inf` if none) or, where the quickest way is not the shortest,
        `first_time_s`, `second_time_s`. They are walks that share no street, not always the
        shortest such pair.

    Raises
    ------
    SitingError
        If `stop` said so before the end.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> found = two_ways(StudyArea.open("monaco"))
    >>> sorted(found["ways"].dropna().unique().tolist())
    [0, 1, 2]
    """
    here = _here(area, scenario)
    rows = _rows(here).astype(np.int32)
    walks = Walks.of(here, standard or AccessStandard(), rows, len(area.streets))
    count = len(area.demand)
    answer = np.zeros(count, np.uint8)
    owner, cost = np.full((count, 2), -1), np.full((count, 2), np.inf)
    for first, last in _steps(len(walks.home), "looking for two ways", progress, stop):
        home = walks.home[first:last]
        answer[home], owner[home], cost[home], _ = walks.two(first, last, most_searches)
    ids = np.array([*area.shelters.index, None], object)
    unsettled: NDArray[np.bool_] = np.equal(answer, WHY.index("not_settled"))
    measure = "distance_m" if walks.by == "m" else "time_s"
    return area.demand.assign(
        population=here.people,
        ways=pd.arrays.IntegerArray(_WAYS[answer], unsettled),
        why_not=pd.Categorical(np.array(WHY)[answer], categories=list(WHY)),
        first_id=pd.array(ids[owner[:, 0]], dtype="str"),
        second_id=pd.array(ids[owner[:, 1]], dtype="str"),
        **{f"first_{measure}": cost[:, 0], f"second_{measure}": cost[:, 1]},
    )


def _here(area: StudyArea, scenario: Scenario | None) -> Situation:
    return situation(area, (scenario or Scenario()).with_changes(room="ignored"))


def _steps(
    count: int, stage: str, progress: Progress, stop: Callable[[], bool]
) -> Iterator[tuple[int, int]]:
    """Yield parts of a range, telling how much is done and looking whether to stop."""
    for first in range(0, count, _STEP):
        if stop():
            message = f"stopped after {first:,} of {count:,}: {stage}"
            raise SitingError(message)
        progress(stage, first / count)
        yield first, min(first + _STEP, count)
    progress(stage, 1.0)


def _rows(here: Situation) -> Ints:
    """Return the row of the streets table that each edge of the open network belongs to."""
    rows = np.flatnonzero(here.area.passable(here.scenario.walker))
    return rows if here.opened is None else rows[here.opened.parent]


def _labels(area: StudyArea, by: By) -> tuple[NDArray[np.int32], int]:
    """Return the number of what each street is closed with, and how many there are."""
    count = len(area.streets)
    label = np.arange(count, dtype=np.int32)
    if by == "way":
        way = area.streets["osm_id"].astype("Int64").fillna(0).to_numpy(np.int64)
        order = np.where(way == 0, way.min(initial=0) - 1 - label, way)
        label = pd.factorize(order)[0].astype(np.int32)
    return label, int(label.max(initial=-1)) + 1


def _only_links(network: WalkNetwork) -> NDArray[np.bool_]:
    """Return the edges without which the network falls into more parts, shape (m,)."""
    every = np.ones(len(network.edge_mm), bool)
    ptr, far, edge = kernels.arcs(network.edge_u, network.edge_v, every, every, network.node_count)
    only: NDArray[np.bool_] = redundancy_kernels.only_links(ptr, far, edge, len(every))
    return only


def _losses(
    here: Situation, walks: Walks, parts: list[tuple[NDArray[np.int32], NDArray[np.int32]]]
) -> pd.DataFrame:
    """Return who loses coverage with each street, one row a street."""
    street, home = (np.concatenate(column) for column in zip(*parts, strict=True))
    count, people = walks.street_count, here.people[walks.home]
    residents = np.bincount(walks.home_street, people, count)
    beyond = np.bincount(street, people[home], count)
    points = np.bincount(np.concatenate([street, walks.home_street]), minlength=count)
    only = np.zeros(count, bool)
    only[walks.street[_only_links(here.open.network)]] = True
    return pd.DataFrame(
        {
            "lost_population": residents + beyond,
            "here_population": residents,
            "beyond_population": beyond,
            "lost_points": points,
            "shelters_shut": _shut(here.doors, walks.street, count),
            "only_link": only,
        }
    )


def _shut(doors: Places, street: NDArray[np.int32], count: int) -> Ints:
    """Return how many shelters have all their entrances on each street."""
    rows = doors.take(np.flatnonzero(doors.snapped))
    found = pd.DataFrame({"shelter": rows.owner, "street": street[rows.edge]}).drop_duplicates()
    alone = found.drop_duplicates("shelter", keep=False)["street"].to_numpy(np.int64)
    shut: Ints = np.bincount(alone, minlength=count)
    return shut


def _named(area: StudyArea, label: NDArray[np.int32], table: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return a table of what was closed together, with what is known of its streets."""
    rows = np.flatnonzero(np.isin(label, table.index))
    rows = rows[np.argsort(label[rows], kind="stable")]
    group, start, size = np.unique(label[rows], return_index=True, return_counts=True)
    every = area.streets.iloc[rows]
    lines = np.asarray(every.geometry.array)
    shapes = lines[start].copy()
    for i in np.flatnonzero(size > 1):
        part = lines[start[i] : start[i] + size[i]]
        shapes[i] = shapely.line_merge(shapely.multilinestrings(part))
    numbers = np.split(rows, start[1:]) if len(rows) else []
    first = every.iloc[start][["name", "class", "bridge_tunnel", "osm_id"]].reset_index(drop=True)
    metres = every["length_m"].to_numpy(float)
    known = first.assign(
        street=rows[start],
        streets=pd.array([" ".join(map(str, one.tolist())) for one in numbers], dtype="str"),
        length_m=np.add.reduceat(metres, start) if len(rows) else metres,
    ).join(table.loc[group].reset_index(drop=True))
    known = known.set_index("street")
    return gpd.GeoDataFrame(known, geometry=shapes, crs=area.streets.crs)
