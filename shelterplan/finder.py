"""What a resident asks: the nearest shelters of a place, and the way to each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import shapely

from shelterplan import access, coverage, earth
from shelterplan.scenario import Scenario
from shelterplan.situation import situation
from shelterplan.snap import snap
from shelterplan.standards import AccessStandard

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.access import Measure
    from shelterplan.situation import Situation, Streets
    from shelterplan.snap import Places
    from shelterplan.standards import Limit
    from shelterplan.study_area import StudyArea

EDGE_M = 100.0
"""A place this near to a community still counts as inside the study area: a quay, a shore [m]."""
MOST_REFUSED = 5
"""Nearer shelters that are told of although nobody is sent there."""


@dataclass(frozen=True, slots=True)
class Option:
    """One shelter, and the way there."""

    shelter_id: str
    name: str
    kind: str
    distance_m: float
    """The whole walk, both legs included [m]."""
    walk_time_s: float
    """For the walker of the scenario, slopes and stairs included [s]."""
    status: Literal["covered", "too_far"]
    """Whether the walk meets the standard."""
    capacity: float | None
    """Free places; None if unknown."""
    capacity_from: Literal["stated", "area", "unknown"]
    """How that is known: stated, or estimated from the area."""
    fitness: Literal["yes", "no", "unknown"]
    """Whether it is fit for the hazard of the scenario."""
    fills_at_share: float | None
    """Share of the people nearest to it at which it is full; None if it has room for all, or if
    that is not known."""
    route: access.Route


@dataclass(frozen=True, slots=True)
class Refused:
    """A nearer shelter to which nobody is sent."""

    shelter_id: str
    name: str
    kind: str
    distance_m: float
    """The walk if nothing were closed [m]."""
    reason: str
    """One of `situation.REASONS`, or `cut_off`: every open way there is closed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found for one place."""

    status: Literal["ok", "outside", "no_network", "no_path", "cut_off", "unsafe"]
    """`outside`: not in the study area, so nearer shelters may be missing from its list;
    `no_network`: too far from any street; `no_path`: no shelter can be reached; `cut_off`: closed
    ground lies between; `unsafe`: only shelters that are not fit can be reached."""
    leg_m: float
    """From the place to the nearest street; `inf` if that is too far [m]."""
    options: tuple[Option, ...]
    """Nearest first; empty if there is no way to any."""
    refused: tuple[Refused, ...] = ()
    """Shelters nearer than the first option to which nobody is sent, and why."""
    advised: int = 0
    """Number of the option to take: the first one within the standard that is not expected to fill
    up, else the nearest."""
    hazard_level: int = 0
    """Worst level of the hazard's zones at the place; 0: it lies in none."""


def find_shelters(
    area: StudyArea,
    lon: float,
    lat: float,
    *,
    count: int = 3,
    looked_at: int = 0,
    scenario: Scenario | None = None,
    standard: AccessStandard | None = None,
) -> Answer:
    """Find the nearest shelters of a place, with the way to each.

    Parameters
    ----------
    area : StudyArea
        The place's study area.
    lon, lat : float
        Position, WGS 84.
    count : int
        How many shelters, at least 1.
    looked_at : int
        Among how many the advised one is sought: the list goes on up to it.
    scenario : Scenario, optional
        The hazard, who walks, what is open; by default an adult on an ordinary day.
    standard : AccessStandard, optional
        What counts as near enough; by default 500 m. A standard in time finds the quickest ways.

    Returns
    -------
    Answer
        Shelters that are open and fit for the hazard, by walking distance (or time).

    Raises
    ------
    NetworkError
        If the position is not one on the earth.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> answer = find_shelters(StudyArea.open("monaco"), 7.4197, 43.7325, count=2)
    >>> answer.status, len(answer.options)
    ('ok', 2)
    """
    scenario, standard = scenario or Scenario(), standard or AccessStandard()
    here = situation(area, scenario)
    limit = coverage.limit_of(here, standard)
    by = limit.unit
    place = snap(
        here.whole.network,
        [lon],
        [lat],
        max_leg_m=scenario.max_leg_m,
        prefer=area.leads_somewhere(scenario),
        island_slack_m=scenario.island_slack_m,
    )
    inside = _inside(area, lon, lat)
    level = here.level_at(lon, lat)
    if not place.snapped[0]:
        return Answer("no_network" if inside else "outside", np.inf, (), hazard_level=level)
    moved = here.moved(place)
    walks = _walks(here.open, moved, here.doors, by)
    use = coverage.examine(area, scenario, standard).shelters
    nearest = _nearest_doors(walks, here.doors, max(1, count, looked_at))
    advised = _advised(
        use.iloc[here.doors.owner[nearest]], coverage.within(walks[nearest], limit.value)
    )
    told = nearest[: max(1, count, advised + 1)]
    options = tuple(_option(here, moved, door, use, limit) for door in told)
    whole = _walks(here.whole, place, here.whole.doors, by)
    status = "ok" if options else _why_not(here, moved, whole, limit)
    return Answer(
        status=status if inside else "outside",
        leg_m=float(place.leg_m[0]),
        options=options,
        refused=_refused(here, place, whole, walks.min() if options else np.inf, walks),
        advised=advised,
        hazard_level=level,
    )


def _walks(streets: Streets, place: Places, doors: Places, by: Measure) -> NDArray[np.float64]:
    """Return the walk from a place to every entrance, in the unit of the standard."""
    return access.distances(streets.network, place, doors, pace=streets.pace, by=by)


def _why_not(
    here: Situation, place: Places, whole: NDArray[np.float64], limit: Limit
) -> Literal["no_path", "cut_off", "unsafe"]:
    """Return why no shelter is found for a place, by the rules that hold for everybody."""
    opened = _walks(here.open, place, here.open.doors, limit.unit)
    cases = {
        "": opened[here.fit],
        "_if_room": opened[here.fit | here.full],
        "_if_fit": opened[here.usable],
        "_if_open": whole[here.fit],
        "_if_both": whole[here.usable],
    }
    could = pd.DataFrame({"on_network": [True]})
    for name, walks in cases.items():
        least = walks.min(initial=np.inf)
        could[f"near{name}"] = coverage.within(least, limit.value)
        could[f"way{name}"] = np.isfinite(least)
    status = coverage.status_of(could)[0]
    if status == "too_far":  # what can be reached is not fit
        return "unsafe"
    return status if status in ("cut_off", "unsafe") else "no_path"


def _nearest_doors(walk: NDArray[np.float64], doors: Places, count: int) -> list[int]:
    """Return the nearest entrance of each of the nearest shelters."""
    order = np.lexsort((doors.owner, walk))
    order = order[np.isfinite(walk[order])]
    first = np.sort(np.unique(doors.owner[order], return_index=True)[1])
    return [int(door) for door in order[first[:count]]]


def _option(here: Situation, place: Places, door: int, use: pd.DataFrame, limit: Limit) -> Option:
    """Return one shelter with the way to one of its entrances."""
    doors, streets = here.doors, here.open
    route = access.route(
        streets.network, place, doors.take([door]), pace=streets.pace, by=limit.unit
    )
    number = int(doors.owner[door])
    shelter, found = here.area.shelters.iloc[number], use.iloc[number]
    walk_time_s = route.walk_time_s or 0.0
    if streets.pace.uniform and limit.unit == "m":
        walk_time_s = here.scenario.walk_time_s(route.distance_m)
    walk = route.distance_m if limit.unit == "m" else walk_time_s
    return Option(
        shelter_id=str(shelter.name),
        name=str(shelter["name"]),
        kind=_text(shelter["kind"]),
        distance_m=route.distance_m,
        walk_time_s=walk_time_s,
        status="covered" if coverage.within(walk, limit.value) else "too_far",
        capacity=_known(found["room"]),
        capacity_from=found["room_from"],
        fitness=found["fitness"],
        fills_at_share=_known(found.get("fills_at_share", np.nan)),
        route=route,
    )


def _advised(use: pd.DataFrame, near: NDArray[np.bool_]) -> int:
    """Return the number of the option to take.

    Parameters
    ----------
    use : DataFrame
        How the shelters are used, nearest first, as `coverage.Coverage.shelters` says it.
    near : array of bool, shape (shelters,)
        Which of them are within the standard.
    """
    for number in np.flatnonzero(near):
        found = use.iloc[number]
        fills = _known(found.get("fills_at_share", np.nan)) is not None
        if not (fills or _known(found["room"]) == 0 or found.get("utilisation", np.nan) >= 1):
            return int(number)
    return 0


def _refused(
    here: Situation,
    place: Places,
    whole: NDArray[np.float64],
    nearest: float,
    walks: NDArray[np.float64],
) -> tuple[Refused, ...]:
    """Return shelters that are nearer than the first option, to which nobody is sent, and why."""
    doors, table = here.whole.doors, here.area.shelters
    offered = set(here.doors.owner[np.isfinite(walks)].tolist())
    refused: list[Refused] = []
    for door in _nearest_doors(np.where(whole < nearest, whole, np.inf), doors, len(table)):
        number = int(doors.owner[door])
        if number in offered or len(refused) == MOST_REFUSED:
            continue
        one = access.distances(here.whole.network, place, doors.take([door]))[0]
        shelter = table.iloc[number]
        refused.append(
            Refused(
                shelter_id=str(shelter.name),
                name=str(shelter["name"]),
                kind=_text(shelter["kind"]),
                distance_m=float(one),
                reason=str(here.reason[number]) or "cut_off",
            )
        )
    return tuple(refused)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _known(value: object) -> float | None:
    number = float(value) if isinstance(value, int | float | np.number) else float("nan")
    return number if np.isfinite(number) else None


def _inside(area: StudyArea, lon: float, lat: float) -> bool:
    """Say whether a place lies in a community, or next to one."""
    to_metric = earth.to_metric(area.crs)
    x_m, y_m = to_metric.transform(lon, lat)
    if not np.isfinite([x_m, y_m]).all():  # on another side of the earth
        return False
    near = shapely.dwithin(area.metric_communities, shapely.Point(x_m, y_m), EDGE_M)
    return bool(near.any())
