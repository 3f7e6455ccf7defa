"""Places in shelters: how many each has, and who gets one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from shelterplan.tables import GROUPS, PERSON_UNIT, TIMES

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from shelterplan.access import Measure
    from shelterplan.allocation import Allocation
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea

_ROUNDING = 1e-9
ASSIGNED = {"m": "assigned_distance_m", "s": "assigned_time_s"}
"""Column of the walk to the place that people have, by the unit of the standard."""


def room_of(area: StudyArea, standard: AccessStandard) -> pd.DataFrame:
    """Return for how many people each shelter has room, and how that is known.

    It is the capacity or, where none is stated and the standard sets an area for each person, the
    shelter's area divided by that; less the people who are inside already.

    Parameters
    ----------
    area : StudyArea
        The place.
    standard : AccessStandard
        Its `area_m2_per_person` is used.

    Returns
    -------
    DataFrame
        One row a shelter: `room` (NaN if unknown) and `room_from` (`stated`, `area`, `unknown`).
    """
    shelters = area.shelters
    stated = shelters["capacity"].astype("Float64").to_numpy(float, na_value=np.nan)
    by_area = np.full(len(shelters), np.nan)
    if standard.area_m2_per_person is not None:
        area_m2 = shelters["area_m2"].astype("Float64").to_numpy(float, na_value=np.nan)
        by_area = np.floor(area_m2 / standard.area_m2_per_person + _ROUNDING)
    known = np.isfinite(stated)
    room = np.where(known, stated, by_area)
    if "occupants" in shelters:
        inside = shelters["occupants"].astype("Float64").to_numpy(float, na_value=0.0)
        room = np.maximum(room - inside, 0.0)
    origin = np.select([known, np.isfinite(by_area)], ["stated", "area"], default="unknown")
    return pd.DataFrame({"room": room, "room_from": origin}, index=shelters.index)


def with_places(
    walks: gpd.GeoDataFrame, room: pd.DataFrame, reach: csr_array, given: Allocation, by: Measure
) -> gpd.GeoDataFrame:
    """Return demand points with the shelter where their people have a place.

    A point whose people fare differently has a row for each part; the populations add up.

    Parameters
    ----------
    walks : GeoDataFrame
        One row a demand point, `status` being `covered` where a shelter is within reach.
    room : DataFrame
        As `room_of` returns it.
    reach : csr_array, shape (points, shelters)
        The walks within the standard, indices sorted.
    given : Allocation
        Who has a place where.
    by : {"m", "s"}
        Unit of `reach`.
    """
    people = walks["population"].to_numpy(float)
    near = (walks["status"] == "covered").to_numpy()
    has_flow = np.bincount(given.point, minlength=len(walks)) > 0
    left_over = np.flatnonzero(near & (given.unserved > 0))
    alone = np.flatnonzero(~near | (near & ~has_flow & (given.unserved == 0)))  # nobody lives there
    row = np.concatenate([alone, given.point, left_over])
    shelter = np.concatenate(
        [np.full(len(alone), -1), given.shelter, np.full(len(left_over), -1)]
    ).astype(np.int64)
    share = np.concatenate([people[alone], given.people, given.unserved[left_over]])
    order = np.lexsort((np.where(shelter < 0, len(room), shelter), row))
    row, shelter, share = row[order], shelter[order], share[order]
    placed = shelter >= 0
    known = np.array([*room["room_from"], ""], object)[shelter]
    status = walks["status"].to_numpy(object)[row].copy()
    status[placed & (known == "unknown")] = "capacity_unknown"
    status[np.isin(row, left_over) & ~placed] = "full"
    ids = np.array([*room.index, None], object)[shelter]
    table = walks.iloc[row]
    return table.assign(
        population=share,
        **_shared_groups(table, people[row], share, row),
        assigned_id=pd.array(ids, dtype="str"),
        **{ASSIGNED[by]: _walk(reach, row, shelter)},
        room_from=pd.array(known, dtype="str"),
        status=pd.Categorical(status, categories=walks["status"].cat.categories),
    )


def without_places(walks: gpd.GeoDataFrame, by: Measure) -> gpd.GeoDataFrame:
    """Return demand points as `with_places` does where room is not looked at."""
    nobody = pd.array([None] * len(walks), dtype="str")
    return walks.assign(assigned_id=nobody, **{ASSIGNED[by]: np.nan}, room_from="")


def _shared_groups(
    table: pd.DataFrame,
    whole: NDArray[np.float64],
    part: NDArray[np.float64],
    row: NDArray[np.int64],
) -> dict[str, pd.Series]:
    """Return the groups of points that were split, in proportion; they add up exactly."""
    split = part != whole
    if not split.any():
        return {}
    after = pd.Series(part).groupby(row).cumsum().to_numpy()
    safe = np.where(whole > 0, whole, 1.0)
    found = {}
    for name in (*TIMES.values(), *GROUPS):
        if name in table:
            values = table[name].astype("Float64")
            units = values.to_numpy(float, na_value=np.nan) / PERSON_UNIT
            upto, before = (np.rint(units * (p / safe)) for p in (after, after - part))
            shared = pd.Series((upto - before) * PERSON_UNIT, index=table.index).astype("Float64")
            found[name] = values.where(~split, shared)
    return found


def _walk(
    reach: csr_array, row: NDArray[np.int64], shelter: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the walk from points to shelters, NaN where there is no shelter."""
    walk = np.full(len(row), np.nan)
    placed = np.flatnonzero(shelter >= 0)
    count = reach.shape[1]
    keys = np.repeat(np.arange(reach.shape[0], dtype=np.int64), np.diff(reach.indptr)) * count
    keys = keys + reach.indices
    walk[placed] = reach.data[np.searchsorted(keys, row[placed] * count + shelter[placed])]
    rounded: NDArray[np.float64] = np.rint(walk * 1000) / 1000
    return rounded
