"""Who is covered, and for everybody else the one reason why not. All sums are exact."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from shelterplan import access, allocation
from shelterplan.room import ASSIGNED, room_of, with_places, without_places
from shelterplan.scenario import Scenario
from shelterplan.situation import situation
from shelterplan.standards import AccessStandard, Limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from shelterplan.situation import Situation, Streets
    from shelterplan.snap import Places
    from shelterplan.study_area import StudyArea


class Rule(NamedTuple):
    """One status, and whom it holds for. The first rule that holds decides."""

    status: str
    holds: Callable[[pd.DataFrame], pd.Series]


RULES: tuple[Rule, ...] = (
    Rule("no_network", lambda walk: ~walk["on_network"]),
    Rule("covered", lambda walk: walk["near"]),
    Rule("full", lambda walk: walk["near_if_room"]),
    Rule("unsafe", lambda walk: walk["near_if_fit"]),
    Rule("cut_off", lambda walk: walk["near_if_open"]),
    Rule("cut_off", lambda walk: ~(walk["way"] | walk["way_if_room"]) & walk["way_if_open"]),
    Rule("unsafe", lambda walk: walk["near_if_both"]),
    Rule("too_far", lambda walk: walk["way"] | walk["way_if_room"] | walk["way_if_both"]),
    Rule("no_path", lambda walk: ~walk["way_if_both"]),
)
"""How the status of a demand point is found, before room is looked at.

`near`: a fit shelter with room is within the standard on open ways; `way`: a way leads to one,
however far; `..._if_room`: if those that say they are full had room; `..._if_fit`: if every shelter
were fit; `..._if_open`: if nothing were closed; `..._if_both`: if all were fit and nothing closed.
(Of people who have no way at all, those whom an open way would help are cut off.)"""
STATUSES: tuple[str, ...] = (
    "covered",
    "capacity_unknown",
    "full",
    "unsafe",
    "cut_off",
    "too_far",
    "no_path",
    "no_network",
)
"""Every status, in the order in which tables show them."""
REACHED: tuple[str, ...] = ("covered", "capacity_unknown", "full")
"""Statuses of people who have a fit shelter within the standard."""
QUANTILES: dict[str, dict[str, float]] = {
    "distance_m": {"median_distance_m": 0.5, "p90_distance_m": 0.9, "p95_distance_m": 0.95},
    "walk_time_s": {"median_walk_time_s": 0.5, "p90_walk_time_s": 0.9},
}
"""Shares of the population whose longest walk is told."""
_QUANTILE_NAMES = [name for shares in QUANTILES.values() for name in shares]


def within(
    distance_m: pd.Series | NDArray[np.float64] | float, limit_m: float
) -> NDArray[np.bool_]:
    """Say which walks meet a limit, inclusive, in whole thousandths of a metre or a second.

    Examples
    --------
    >>> within(np.array([500.0, 500.001, np.inf]), 500.0).tolist()
    [True, False, False]
    """
    if limit_m < 0:
        return np.zeros(np.shape(distance_m), bool)
    met: NDArray[np.bool_] = np.less_equal(
        np.rint(np.asarray(distance_m, float) * 1000), access.whole_mm(limit_m)
    )
    return met


@dataclass(frozen=True, eq=False, kw_only=True)
class Coverage:
    """Who is covered, and how the shelters are used."""

    people: gpd.GeoDataFrame
    """See `assess`."""
    shelters: pd.DataFrame
    """One row a shelter: `reason` (why nobody is sent there, one of `situation.REASONS`; empty if
    people are), `fitness` for the hazard (yes, no, unknown), `room` (people; NaN if unknown),
    `room_from` (`stated`, `area`, `unknown`), `expected_population` (people within the standard
    whose nearest it is), `assigned_population`, `utilisation` (share of the room; NaN if unknown),
    `turned_away_population` and `fills_at_share` (share of the expected people at which it is full;
    NaN if it has room for all)."""
    exact: bool
    """Whether the allocation is exact. If it was too large to be, as many people as possible have a
    place all the same, but they might walk less."""


def assess(
    area: StudyArea, scenario: Scenario | None = None, standard: AccessStandard | None = None
) -> gpd.GeoDataFrame:
    """Find the walk of every demand point, and its status.

    Parameters
    ----------
    area : StudyArea
        The place.
    scenario : Scenario, optional
        The hazard, who walks, what is open; by default an adult on an ordinary day.
    standard : AccessStandard, optional
        What counts as covered; by default 500 m.

    Returns
    -------
    GeoDataFrame
        The demand table with `population` at the scenario's time of day, `on_network`,
        `hazard_level` (worst zone at the place, 0 outside), the nearest fit shelter on open ways
        as `shelter_id` (NA if none) with `distance_m`, its parts `leg_start_m`, `street_m`,
        `leg_end_m`, and `walk_time_s` (`inf` if there is no way); the shelter where the people have
        a place as `assigned_id` (NA if none), `assigned_distance_m` or, for a standard in time,
        `assigned_time_s`, `room_from` (how its room is known); and `status`, one of `STATUSES`.
        Where the people of one point fare differently, because a shelter fills up, the point has a
        row for each part: the populations of all rows add up.
    """
    return examine(area, scenario, standard).people


def examine(
    area: StudyArea, scenario: Scenario | None = None, standard: AccessStandard | None = None
) -> Coverage:
    """Find who is covered, as `assess` does, and how the shelters are used.

    The last few answers are remembered.
    """
    scenario, standard = scenario or Scenario(), standard or AccessStandard()
    key = ("coverage", scenario, standard)
    found = area.memory.get(key, lambda: _examine(area, scenario, standard))
    return replace(
        found, people=found.people.copy(deep=False), shelters=found.shelters.copy(deep=False)
    )


def _examine(area: StudyArea, scenario: Scenario, standard: AccessStandard) -> Coverage:
    here = situation(area, scenario)
    limit = limit_of(here, standard)
    found = walks(here, limit)
    room = room_of(area, standard)
    if scenario.room == "ignored":
        people = _timed(without_places(found, limit.unit), here, standard)
        return Coverage(people=people, shelters=_shelters(here, room), exact=True)
    reach = _reach(here, limit)
    given = allocation.assign(reach, here.people, room["room"].to_numpy(), mode=scenario.room)
    use = allocation.rooms(reach, here.people, room["room"].to_numpy(), given)
    return Coverage(
        people=_timed(with_places(found, room, reach, given, limit.unit), here, standard),
        shelters=_shelters(here, room).join(use.drop(columns="room").set_axis(room.index)),
        exact=given.exact or scenario.room == "nearest",
    )


def limit_of(here: Situation, standard: AccessStandard) -> Limit:
    """Return the longest walk of a standard once people have left; below 0 if they leave too late.

    Where every walk takes its length divided by one speed, a time is told in metres: the shortest
    walk is the quickest, and no rounding of single streets moves the limit.
    """
    value, unit = standard.limit
    if unit == "m":
        return Limit(value, "m")
    left_s = value - here.scenario.delay_s
    if here.whole.pace.uniform:
        return Limit(left_s * here.scenario.speed_m_s, "m")
    return Limit(left_s, "s")


def _timed(people: gpd.GeoDataFrame, here: Situation, standard: AccessStandard) -> gpd.GeoDataFrame:
    """Return the walk to people's places in the unit of the standard."""
    if standard.limit.unit == "m" or ASSIGNED["s"] in people:
        return people
    seconds = people[ASSIGNED["m"]] * here.open.pace.ms_per_mm
    return people.rename(columns={ASSIGNED["m"]: ASSIGNED["s"]}).assign(**{ASSIGNED["s"]: seconds})


def walks(
    here: Situation, limit: Limit, *, cutoff_m: float = math.inf, fastest_m_s: float = math.inf
) -> gpd.GeoDataFrame:
    """Return the demand table with the walk to the nearest fit shelter, and its status.

    Parameters
    ----------
    here : Situation
        The place, under a scenario.
    limit : Limit
        Longest walk that counts as near, as `limit_of` returns it.
    cutoff_m : float
        Longest walk that is looked for, at least the limit. With one, whoever has no shelter
        within the limit, and would have none if anything were otherwise, is `too_far` [m].
    fastest_m_s : float
        Speed at which walks that are measured in time are looked for up to the cutoff [m/s].
    """
    search = _Search(
        limit.unit, cutoff_m, cutoff_m / fastest_m_s if cutoff_m < math.inf else cutoff_m
    )
    found = _nearest(here.open, here.doors, search)
    ids = here.area.shelters.index.to_numpy(object)
    shelter = np.full(len(found), None, object)
    reached = found["target"].to_numpy() >= 0
    shelter[reached] = ids[found.loc[reached, "target"]]
    parts = ("distance_m", "leg_start_m", "street_m", "leg_end_m", "walk_time_s")
    table = here.area.demand.assign(
        population=here.people,
        on_network=here.whole.homes.snapped,
        hazard_level=here.level,
        shelter_id=pd.array(shelter, dtype="str"),
        **{name: found[name].to_numpy() for name in parts},
    )
    return table.assign(status=status_of(_could(here, found, limit, search)))


class _Search(NamedTuple):
    """How shelters are looked for."""

    by: access.Measure
    cutoff_m: float
    cutoff_s: float


def _nearest(streets: Streets, doors: Places, search: _Search) -> pd.DataFrame:
    """Return the nearest shelter of every demand point, with the time of the walk."""
    way = (streets.network, streets.homes, doors)
    if search.by == "m" and streets.pace.uniform:  # the time follows from the length
        found = access.nearest(*way, cutoff_m=search.cutoff_m)
        return found.assign(walk_time_s=found["distance_m"] * streets.pace.ms_per_mm)
    return access.nearest(*way, pace=streets.pace, **search._asdict())


def _could(here: Situation, found: pd.DataFrame, limit: Limit, search: _Search) -> pd.DataFrame:
    """Return whether each demand point is near a shelter, and would be if things were otherwise."""
    walk = "distance_m" if limit.unit == "m" else "walk_time_s"
    every = np.flatnonzero(here.usable)
    fit = np.flatnonzero(here.fit)
    room = np.flatnonzero(here.fit | here.full)
    same_doors, same_streets = len(every) == len(fit), not here.anything_closed
    cases = {
        "": found,
        "_if_room": None if len(room) == len(fit) else (here.open, room),
        "_if_fit": None if same_doors else (here.open, every),
        "_if_open": None if same_streets else (here.whole, fit),
        "_if_both": None if same_doors or same_streets else (here.whole, every),
    }
    cases["_if_both"] = cases["_if_both"] or cases["_if_open"] or cases["_if_fit"]
    could = pd.DataFrame({"on_network": here.whole.homes.snapped})
    for name, case in cases.items():
        if isinstance(case, tuple):
            streets, doors = case
            case = _nearest(streets, streets.doors.take(doors), search)  # noqa: PLW2901
        metres = (found if case is None else case)[walk].to_numpy(float)
        could[f"near{name}"] = within(metres, limit.value)
        # beyond a cutoff nobody has looked
        could[f"way{name}"] = np.isfinite(metres) | math.isfinite(search.cutoff_m)
    return could


def status_of(could: pd.DataFrame) -> pd.Categorical:
    """Return the one status of each row: the first of `RULES` that holds."""
    chosen = np.select(
        [rule.holds(could).to_numpy(bool) for rule in RULES],
        [rule.status for rule in RULES],
        default=RULES[-1].status,
    )
    return pd.Categorical(chosen, categories=list(STATUSES))


def _reach(here: Situation, limit: Limit) -> csr_array:
    """Return the walks of all demand points to all fit shelters within the standard."""
    count = len(here.area.shelters)
    if limit.value < 0:
        return csr_array((len(here.people), count))
    reach = access.catchments(
        here.open.network,
        here.open.homes,
        here.doors,
        pace=here.open.pace,
        by=limit.unit,
        **{f"cutoff_{limit.unit}": limit.value},
    )
    whole = csr_array((reach.data, reach.indices, reach.indptr), shape=(len(here.people), count))
    whole.sort_indices()
    return whole


def _shelters(here: Situation, room: pd.DataFrame) -> pd.DataFrame:
    """Return what is known of each shelter in a situation."""
    return pd.DataFrame({"reason": here.reason, "fitness": here.fitness}, index=room.index).join(
        room
    )


def summary(walks: pd.DataFrame, by: Sequence[object] | pd.Series) -> pd.DataFrame:
    """Add the people of each group up, by status, with the walks that most of them have.

    Parameters
    ----------
    walks : DataFrame
        As `assess` returns it.
    by : sequence, one entry a row
        The group of each row.

    Returns
    -------
    DataFrame
        One row a group: `population`; `covered_population`, who certainly have a place, and
        `coverage_share` (NaN without people); `possible_people` and `possible_share`, who have
        one if shelters of unknown size have room; `reached_people` and `reached_share`, who
        have a fit shelter within the standard, with room or without; `gap_population`, who have no
        place even if unknown shelters have room; `estimated_people`, those of the covered whose
        shelter's room is only estimated from its area; `at_risk_people`, who are in a zone of
        the hazard; quantiles of the walk to the nearest fit shelter, weighted by people
        (`inf` where that share of them has no way; NaN without people); and one
        `<status>_population` for each status.
    """
    group, names = pd.factorize(np.asarray(by, object), sort=True)
    keys = np.asarray(names, object)
    here = walks["population"].to_numpy(float)
    status = walks["status"].cat.codes.to_numpy(np.int64)
    cells = np.bincount(
        group * len(STATUSES) + status, weights=here, minlength=len(keys) * len(STATUSES)
    )
    people = pd.DataFrame(cells.reshape(-1, len(STATUSES)), pd.Index(keys), list(STATUSES))
    population = people.sum(axis=1)
    possible = people["covered"] + people["capacity_unknown"]
    reached = people[list(REACHED)].sum(axis=1)
    by_area = (walks["room_from"] == "area").to_numpy(bool) & (status == STATUSES.index("covered"))
    at_risk = (walks["hazard_level"] > 0).to_numpy(bool)
    columns = {
        "population": population,
        "covered_population": people["covered"],
        "possible_people": possible,
        "reached_people": reached,
        "gap_population": population - possible,
        "coverage_share": _share(people["covered"], population),
        "possible_share": _share(possible, population),
        "reached_share": _share(reached, population),
        "estimated_people": np.bincount(group, here * by_area, len(keys)),
        "at_risk_people": np.bincount(group, here * at_risk, len(keys)),
    }
    others = people.drop(columns="covered").add_suffix("_population")
    return pd.DataFrame(columns, index=people.index).join([_quantiles(walks, group, keys), others])


def _share(part: pd.Series, whole: pd.Series) -> pd.Series:
    return (part / whole).where(whole > 0)


def _quantiles(
    walks: pd.DataFrame, group: NDArray[np.intp], keys: NDArray[np.object_]
) -> pd.DataFrame:
    """Return the longest walks of most people of each group."""
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(len(keys) + 1))
    people = walks["population"].to_numpy(float)[order]
    found: dict[str, Sequence[float]] = {}
    for measure, shares in QUANTILES.items():
        values = walks[measure].to_numpy(float)[order]
        rows = [
            weighted_quantiles(values[a:b], people[a:b], shares.values())
            for a, b in pairwise(bounds)
        ]
        found |= dict(zip(shares, zip(*rows, strict=True), strict=True)) if rows else {}
    return pd.DataFrame(found, index=pd.Index(keys), columns=_QUANTILE_NAMES)


def weighted_quantiles(
    values: ArrayLike, weights: ArrayLike, shares: Iterable[float]
) -> list[float]:
    """Return the smallest values that the given shares of the weight do not exceed.

    Examples
    --------
    >>> weighted_quantiles([100.0, 300.0, np.inf], [50, 40, 10], [0.5, 0.9, 0.95])
    [100.0, 300.0, inf]
    """
    values = np.asarray(values, float)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    reached = np.cumsum(np.asarray(weights, float)[order])
    total = reached[-1] if len(reached) else 0.0
    if total <= 0:
        return [np.nan for _ in shares]
    wanted = [share * total * (1 - 1e-12) for share in shares]  # a share that is met exactly is met
    return [float(ordered[np.searchsorted(reached, people, "left")]) for people in wanted]


def distance_curve(
    walks: pd.DataFrame, *, step_m: float = 25.0, up_to_m: float = 3000.0
) -> pd.DataFrame:
    """Return how many people have a walk of at most each distance.

    Parameters
    ----------
    walks : DataFrame
        As `assess` returns it.
    step_m, up_to_m : float
        The distances: every `step_m` up to `up_to_m` [m].

    Returns
    -------
    DataFrame
        `distance_m`, `population` within it, `share` of all people (the unreachable included).
    """
    distance = np.arange(0.0, up_to_m + step_m / 2, step_m)
    order = np.argsort(walks["distance_m"].to_numpy(float), kind="stable")
    reached = np.concatenate([[0.0], np.cumsum(walks["population"].to_numpy(float)[order])])
    mm = np.rint(walks["distance_m"].to_numpy(float)[order] * 1000)
    people = reached[np.searchsorted(mm, np.rint(distance * 1000), "right")]
    total = reached[-1]
    share = people / total if total > 0 else np.full(len(people), np.nan)
    return pd.DataFrame({"distance_m": distance, "population": people, "share": share})
