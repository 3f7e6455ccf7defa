"""What a resident asks: the nearest shelters of a place, and the way to each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyproj
import shapely

from shelterplan import access
from shelterplan.coverage import within
from shelterplan.scenario import Scenario
from shelterplan.snap import Places, snap
from shelterplan.standards import AccessStandard

if TYPE_CHECKING:
    from shelterplan.study_area import StudyArea

EDGE_M = 100.0
"""A place this near to a community still counts as inside the study area: a quay, a shore [m]."""


@dataclass(frozen=True, slots=True)
class Option:
    """One shelter, and the way there."""

    shelter_id: str
    name: str
    kind: str
    distance_m: float
    """The whole walk, both legs included [m]."""
    walk_time_s: float
    """For the walker of the scenario [s]."""
    status: Literal["covered", "too_far"]
    """Whether the walk meets the standard."""
    capacity: float | None
    """People; None if unknown."""
    route: access.Route


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found for one place."""

    status: Literal["ok", "outside", "no_network", "no_path"]
    """`outside`: not in the study area, so nearer shelters may be missing from its list;
    `no_network`: too far from any street; `no_path`: no shelter can be reached."""
    leg_m: float
    """From the place to the nearest street; `inf` if that is too far [m]."""
    options: tuple[Option, ...]
    """Nearest first; empty if there is no way to any."""


def find_shelters(
    area: StudyArea,
    lon: float,
    lat: float,
    *,
    count: int = 3,
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
    scenario : Scenario, optional
        Who walks; by default an adult.
    standard : AccessStandard, optional
        What counts as near enough; by default 500 m.

    Returns
    -------
    Answer
        Shelters by walking distance.

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
    network = area.network(scenario.walker)
    here = snap(
        network,
        [lon],
        [lat],
        max_leg_m=scenario.max_leg_m,
        prefer=area.leads_somewhere(scenario),
        island_slack_m=scenario.island_slack_m,
    )
    inside = _inside(area, lon, lat)
    if not here.snapped[0]:
        return Answer("no_network" if inside else "outside", np.inf, ())
    doors = area.entrance_places(scenario)
    options = tuple(
        _option(area, here, doors, door, scenario, standard)
        for door in _nearest_doors(access.distances(network, here, doors), doors, max(1, count))
    )
    if not inside:
        return Answer("outside", float(here.leg_m[0]), options)
    return Answer("ok" if options else "no_path", float(here.leg_m[0]), options)


def _nearest_doors(distance_m: np.ndarray, doors: Places, count: int) -> list[int]:
    """Return the nearest entrance of each of the nearest shelters."""
    order = np.lexsort((doors.owner, distance_m))
    order = order[np.isfinite(distance_m[order])]
    first = np.sort(np.unique(doors.owner[order], return_index=True)[1])
    return [int(door) for door in order[first[:count]]]


def _option(
    area: StudyArea,
    here: Places,
    doors: Places,
    door: int,
    scenario: Scenario,
    standard: AccessStandard,
) -> Option:
    route = access.route(area.network(scenario.walker), here, doors.take([door]))
    shelter = area.shelters.iloc[int(doors.owner[door])]
    capacity = shelter["capacity"]
    near = bool(within(route.distance_m, standard.max_distance_m))
    return Option(
        shelter_id=str(shelter.name),
        name=str(shelter["name"]),
        kind=_text(shelter["kind"]),
        distance_m=route.distance_m,
        walk_time_s=scenario.walk_time_s(route.distance_m),
        status="covered" if near else "too_far",
        capacity=float(capacity) if np.isfinite(_number(capacity)) else None,
        route=route,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float | np.number) else float("nan")


def _inside(area: StudyArea, lon: float, lat: float) -> bool:
    """Say whether a place lies in a community, or next to one."""
    to_metric = pyproj.Transformer.from_crs("EPSG:4326", area.crs, always_xy=True)
    x_m, y_m = to_metric.transform(lon, lat)
    if not np.isfinite([x_m, y_m]).all():  # on another side of the earth
        return False
    near = shapely.dwithin(area.metric_communities, shapely.Point(x_m, y_m), EDGE_M)
    return bool(near.any())
