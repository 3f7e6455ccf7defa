"""A study area under a scenario: what is closed, which shelters are fit, who is at risk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from shelterplan import earth
from shelterplan.closures import Ground, Open, without
from shelterplan.errors import UnknownNameError
from shelterplan.pace import Pace
from shelterplan.scenario import ScenarioError
from shelterplan.study_area import NOT_USABLE
from shelterplan.tables import HAZARDS, TIMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.network import WalkNetwork
    from shelterplan.scenario import Scenario
    from shelterplan.snap import Places
    from shelterplan.study_area import StudyArea

REASONS = (
    "",
    "closed",
    "full",
    "no_wheelchair",
    "no_entrance",
    "unfit",
    "in_zone",
    "fitness_unknown",
)
"""Why nobody is sent to a shelter; empty: people are."""


class Streets(NamedTuple):
    """A network with the places on it."""

    network: WalkNetwork
    pace: Pace
    homes: Places
    """The demand points."""
    doors: Places
    """Every entrance; its owner is the row of the shelter."""


@dataclass(frozen=True, eq=False)
class Situation:
    """What a scenario makes of a study area."""

    area: StudyArea
    scenario: Scenario
    whole: Streets
    """Nothing closed."""
    open: Streets
    """Without what is closed; places that have no open way to a street are nowhere."""
    reason: NDArray[np.object_]
    """Why nobody is sent to each shelter, one of `REASONS`, shape (shelters,)."""
    fitness: NDArray[np.object_]
    """Whether each shelter is fit for the hazard: yes, no or unknown, shape (shelters,)."""
    usable: NDArray[np.bool_]
    """Entrances that would be used if every shelter were fit, shape (entrances,)."""
    full: NDArray[np.bool_]
    """Entrances that would be used if their shelters, which are full, were not, shape
    (entrances,)."""
    level: NDArray[np.int64]
    """Worst level of the hazard's zones at each demand point, 0 outside, shape (demand,)."""
    people: NDArray[np.float64]
    """People at each demand point at this time of day, shape (demand,)."""
    ground: Ground | None
    """What cannot be walked, in the metric CRS; None: nothing."""
    opened: Open | None
    """How the open network follows from the whole one; None: nothing is closed."""

    @property
    def anything_closed(self) -> bool:
        """Whether any street is closed."""
        return self.open is not self.whole

    @property
    def fit(self) -> NDArray[np.bool_]:
        """Entrances that are used, shape (entrances,)."""
        good: NDArray[np.bool_] = self.usable & (self.reason == "")[self.whole.doors.owner]
        return good

    def moved(self, places: Places) -> Places:
        """Return places of the whole network on the open one."""
        if self.opened is None:
            return places
        return self.opened.moved(places, _blocked(self.whole.network, places, self.ground))

    def level_at(self, lon: float, lat: float) -> int:
        """Return the worst level of the hazard's zones at a place, 0 outside."""
        zones = active_zones(self.area, self.scenario)
        to_metric = earth.to_metric(self.area.crs)
        here = shapely.Point(to_metric.transform(lon, lat))
        hit = shapely.intersects(self.area.metric_hazards[zones], here)
        levels = self.area.hazards["level"].to_numpy(np.int64)[zones][hit]
        return int(levels.max(initial=0))

    @property
    def doors(self) -> Places:
        """Entrances of usable, fit shelters on the open network."""
        return self.open.doors.take(np.flatnonzero(self.fit))


def situation(area: StudyArea, scenario: Scenario, *, part: bool = False) -> Situation:
    """Return what a scenario makes of a study area; the last few are remembered.

    Zones of the scenario's hazard that are bad enough close the streets in them (unless the hazard
    is still on its way), make the shelters that they touch unfit, and put the people in them at
    risk. Streets are cut where a zone begins. Somebody whose home, or whose way to the street, lies
    in a closed zone has no way.

    Raises
    ------
    ScenarioError
        If the scenario names a street or a shelter that is not there.
    UnknownNameError
        If nobody has heard of the hazard.
    """
    if not part:
        refuse_strangers(area, scenario)
    return area.memory.get(scenario, lambda: _situation(area, scenario))


def hazards_of(area: StudyArea) -> list[str]:
    """Return the hazards of which a study area knows something: zones, or shelters fit or not."""
    zones = set(area.hazards["hazard"])
    listed = {
        hazard
        for hazard in HAZARDS
        if f"fit_{hazard}" in area.shelters and (area.shelters[f"fit_{hazard}"] != "unknown").any()
    }
    order = [*HAZARDS, *sorted(zones - set(HAZARDS))]
    return [hazard for hazard in order if hazard in zones | listed]


def active_zones(area: StudyArea, scenario: Scenario) -> NDArray[np.bool_]:
    """Return which hazard zones count in a scenario, shape (zones,)."""
    zones = area.hazards
    if not scenario.hazard:
        return np.zeros(len(zones), bool)
    counts = (zones["hazard"] == scenario.hazard) & (zones["level"] >= scenario.hazard_level)
    if scenario.return_period is not None:
        period = zones["return_period"]
        counts &= period.isna() | (period <= scenario.return_period).fillna(value=False)
    active: NDArray[np.bool_] = counts.to_numpy(bool)
    return active


def _situation(area: StudyArea, scenario: Scenario) -> Situation:
    network = area.network(scenario.walker)
    whole = Streets(
        network, Pace.of(network, scenario), area.demand_places(scenario), area.every_door(scenario)
    )
    zones = active_zones(area, scenario)
    ground = _closed_ground(area, scenario, zones)
    usable = area.usable(scenario)
    fitness, reason = _fitness(area, scenario, zones, usable)
    opened, streets = None, whole
    if ground is not None or scenario.closed_streets:
        dry = _dry(area, scenario, whole, ground)
        shut = np.zeros(len(area.streets), bool)
        shut[list(scenario.closed_streets)] = True
        opened = dry.opened.minus(shut[area.passable(scenario.walker)])
        streets = Streets(
            opened.network,
            Pace.of(opened.network, scenario),
            opened.moved(whole.homes, dry.homes),
            opened.moved(whole.doors, dry.doors),
        )
    return Situation(
        area=area,
        scenario=scenario,
        whole=whole,
        open=streets,
        reason=reason,
        fitness=fitness,
        usable=usable,
        full=_full_doors(area, scenario, usable, fitness),
        level=_levels(area, scenario, zones),
        people=_people(area, scenario),
        ground=ground,
        opened=opened,
    )


def refuse_strangers(area: StudyArea, scenario: Scenario) -> None:
    """Raise if a scenario names what is not there: nothing would be closed, and nobody told."""
    known = {*HAZARDS, *area.hazards["hazard"], ""}
    if scenario.hazard not in known:
        raise UnknownNameError("hazard", scenario.hazard, sorted(known - {""}))
    strange = [key for key in scenario.closed_shelters if key not in area.shelters.index]
    if strange:
        message = f"closed_shelters names shelters that do not exist: {', '.join(strange[:5])}"
        raise ScenarioError(message)
    far = [edge for edge in scenario.closed_streets if edge >= len(area.streets)]
    if far:
        message = (
            f"closed_streets names streets that do not exist: {far[:5]}; there are "
            f"{len(area.streets)}, numbered from 0"
        )
        raise ScenarioError(message)


def _closed_ground(area: StudyArea, scenario: Scenario, zones: NDArray[np.bool_]) -> Ground | None:
    """Return the ground that cannot be walked."""
    shapes = list(area.metric_hazards[zones]) if scenario.phase == "during" else []
    if scenario.closed_areas:
        shapes += list(area.metric_ground(np.array(scenario.polygons, object)))
    return Ground.of(shapes) if shapes else None


class _Dry(NamedTuple):
    """What closed ground leaves open."""

    opened: Open
    homes: NDArray[np.bool_]
    """Demand points on closed ground, or whose way to the street is."""
    doors: NDArray[np.bool_]
    """The same for entrances."""


def _dry(area: StudyArea, scenario: Scenario, whole: Streets, ground: Ground | None) -> _Dry:
    """Return what is left open by closed ground; remembered, as streets are closed one by one."""
    walker = scenario.walker
    key = (
        *("dry", walker.steps, walker.wheelchair, scenario.max_leg_m, scenario.island_slack_m),
        *(scenario.hazard, scenario.hazard_level, scenario.return_period, scenario.phase),
        scenario.closed_areas,
    )
    opened, homes = area.origin.memory.get(
        key,
        lambda: (
            without(whole.network, ground),
            _blocked(whole.network, whole.homes, ground),
        ),
    )
    return _Dry(opened, homes, _blocked(whole.network, whole.doors, ground))


def _blocked(network: WalkNetwork, places: Places, ground: Ground | None) -> NDArray[np.bool_]:
    """Return which places stand on closed ground, or would cross it to reach the street."""
    blocked = np.zeros(len(places), bool)
    rows = np.flatnonzero(places.snapped)
    if ground is None or not len(rows):
        return blocked
    to_metric = earth.to_metric(network.crs)
    here = np.column_stack(to_metric.transform(places.lon[rows], places.lat[rows]))
    foot = network.positions(places.edge[rows], places.offset_mm[rows])
    legs = np.array(shapely.linestrings(np.stack([here, foot], axis=1)), ndmin=1)
    points = np.array(shapely.points(here), ndmin=1)
    blocked[rows] = ground.touches(points) | ground.crosses(legs)
    return blocked


def _fitness(
    area: StudyArea, scenario: Scenario, zones: NDArray[np.bool_], usable: NDArray[np.bool_]
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Return whether each shelter is fit, and why nobody is sent there."""
    count = len(area.shelters)
    fitness = np.full(count, "yes" if not scenario.hazard else "unknown", object)
    column = f"fit_{scenario.hazard}"
    if scenario.hazard and column in area.shelters:
        fitness = area.shelters[column].fillna("unknown").to_numpy(object).copy()
    inside = np.zeros(count, bool)
    if zones.any() and count:
        inside = Ground.of(area.metric_hazards[zones]).touches(area.metric_shelters)
    owner = area.shelters.index.get_indexer(area.entrances["shelter_id"])
    has_door = np.bincount(owner[usable], minlength=count)[:count] > 0
    status = area.shelters["status"].to_numpy(object)
    shut = np.isin(area.shelters.index.to_numpy(object), scenario.closed_shelters)
    barred = (area.shelters["wheelchair"] == "no").to_numpy(bool) & scenario.walker.wheelchair
    full, closed = NOT_USABLE.index("full"), NOT_USABLE.index("closed")
    reason = np.select(
        [
            (status == NOT_USABLE[closed]) | shut,
            status == NOT_USABLE[full],
            barred,
            ~has_door,
            inside,
            fitness == "no",
            (fitness == "unknown") & (scenario.unknown_fitness == "refuse"),
        ],
        [
            "closed",
            "full",
            "no_wheelchair",
            "no_entrance",
            "in_zone",
            "unfit",
            "fitness_unknown",
        ],
        default="",
    ).astype(object)
    fitness[inside] = "no"
    return fitness, reason


def _full_doors(
    area: StudyArea,
    scenario: Scenario,
    usable: NDArray[np.bool_],
    fitness: NDArray[np.object_],
) -> NDArray[np.bool_]:
    """Return the entrances of shelters that are fit and say that they are full."""
    bad = (fitness == "no") | ((fitness == "unknown") & (scenario.unknown_fitness == "refuse"))
    owner = area.shelters.index.get_indexer(area.entrances["shelter_id"])
    full: NDArray[np.bool_] = area.usable(scenario, full_too=True) & ~usable & ~bad[owner]
    return full


def _levels(area: StudyArea, scenario: Scenario, zones: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the worst level of the zones at each demand point; remembered."""

    def worst() -> NDArray[np.int64]:
        found = np.zeros(len(area.demand), np.int64)
        levels = area.hazards["level"].to_numpy(np.int64)
        for level in np.unique(levels[zones]):
            ground = Ground.of(area.metric_hazards[zones & (levels == level)])
            found[ground.touches(area.metric_demand)] = level
        return found

    key = ("levels", scenario.hazard, scenario.hazard_level, scenario.return_period)
    return area.origin.memory.get(key, worst)


def _people(area: StudyArea, scenario: Scenario) -> NDArray[np.float64]:
    """Return the people at each demand point; where the time of day is not known, the residents."""
    residents: NDArray[np.float64] = area.demand["population"].to_numpy(float)
    column = TIMES.get(scenario.time, "")
    if column not in area.demand:
        return residents
    there = area.demand[column].astype("Float64").to_numpy(float, na_value=np.nan)
    known: NDArray[np.bool_] = ~np.isnan(there)
    residents = residents.copy()
    residents[known] = there[known]
    return residents
