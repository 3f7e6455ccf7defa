"""The scenarios of a resident map: which streets are open, which entrances are used, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from shelterplan import access, coverage
from shelterplan.pace import sloped
from shelterplan.situation import active_zones, situation
from shelterplan.views.resident.numbers import gaps, varints

if TYPE_CHECKING:
    import pandas as pd
    import shapely
    from numpy.typing import NDArray

    from shelterplan.scenario import Scenario
    from shelterplan.situation import Situation
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea

FIT, USABLE, FULL, OPEN = 1, 2, 4, 8
"""Bits of an entrance: it is used; it would be if every shelter were fit; it would be if its
shelter were not full; there is an open way to it."""


class Scene(NamedTuple):
    """One scenario, packed."""

    facts: dict[str, Any]
    """What a page is told of it."""
    sections: dict[str, bytes]
    reason: list[str]
    """Why nobody is sent to each shelter; empty: people are."""
    fitness: list[str]
    fills_at_share: list[float | None]
    room: pd.DataFrame
    """For how many people each shelter has room."""


class Walks(NamedTuple):
    """What scenarios of walkers of like abilities share."""

    sections: dict[str, bytes]
    facts: dict[str, Any]


def walks_key(scenario: Scenario) -> tuple[bool, bool, float, float]:
    """Return what decides where places and entrances stand on the streets."""
    walker = scenario.walker
    return walker.steps, walker.wheelchair, scenario.max_leg_m, scenario.island_slack_m


def walks_of(area: StudyArea, scenario: Scenario, prefix: str) -> Walks:
    """Return which streets a walker can use and prefers, and where the entrances are on them."""
    passable = area.passable(scenario.walker)
    number = np.flatnonzero(passable)
    doors = area.every_door(scenario)
    edge = np.where(doors.snapped, np.append(number, -1)[doors.edge], -1)
    preferred = np.zeros(len(passable), bool)
    preferred[number] = area.leads_somewhere(scenario)
    return Walks(
        sections={
            f"{prefix}_barred": gaps(np.flatnonzero(~passable)),
            f"{prefix}_unliked": gaps(np.flatnonzero(passable & ~preferred)),
            f"{prefix}_door_edge": varints(edge + 1),
            f"{prefix}_door_mm": varints(doors.offset_mm),
            f"{prefix}_door_leg_mm": varints(np.maximum(doors.leg_mm, 0)),
        },
        facts={"max_leg_m": scenario.max_leg_m, "island_slack_m": scenario.island_slack_m},
    )


def scene_of(area: StudyArea, scenario: Scenario, standard: AccessStandard, prefix: str) -> Scene:
    """Return one scenario, packed; its `zones` and `ground` are still to be numbered."""
    here = situation(area, scenario)
    use = coverage.examine(area, scenario, standard).shelters
    limit = coverage.limit_of(here, standard)
    pace = here.open.pace
    facts = {
        "hazard": scenario.hazard,
        "level": scenario.hazard_level,
        "return_period": scenario.return_period,
        "phase": scenario.phase,
        "walker": scenario.walker.name,
        "gates": scenario.gates,
        "time": scenario.time,
        "speed_m_s": scenario.speed_m_s,
        "stairs_speed_m_s": scenario.stairs_speed_m_s,
        "uniform": bool(here.whole.pace.uniform),
        "open_uniform": bool(pace.uniform),
        "slope": scenario.slope if sloped(here.whole.network, scenario) else "",
        "by": limit.unit,
        "limit": access.whole_mm(limit.value) if limit.value >= 0 else -1,
        "standard": {
            "name": standard.name,
            "unit": standard.limit.unit,
            "value": standard.limit.value,
            "delay_s": scenario.delay_s,
        },
        "zones_known": bool(active_zones(area, scenario).any()),
    }
    shares = use.get("fills_at_share")
    count = len(area.shelters)
    return Scene(
        facts=facts,
        sections=_open_streets(area, here, prefix) | {f"{prefix}_doors": _door_bits(here)},
        reason=[str(word) for word in here.reason],
        fitness=[str(word) for word in use["fitness"]],
        fills_at_share=[None] * count
        if shares is None
        else [float(s) if np.isfinite(s) else None for s in shares.to_numpy(float)],
        room=use[["room", "room_from"]],
    )


def ground_of(
    area: StudyArea, scenario: Scenario
) -> tuple[NDArray[np.intp], list[shapely.Geometry]]:
    """Return the zones that count, and the polygons that a scenario closes besides."""
    closed: list[shapely.Geometry] = []
    if scenario.closed_areas:
        closed = list(area.metric_ground(np.array(scenario.polygons, object)))
    return np.flatnonzero(active_zones(area, scenario)), closed


def _door_bits(here: Situation) -> bytes:
    """Return the bits of every entrance, one byte each."""
    bits = FIT * here.fit + USABLE * here.usable + FULL * here.full
    bits = bits + OPEN * here.open.doors.snapped
    written: bytes = bits.astype(np.uint8).tobytes()
    return written


def _open_streets(area: StudyArea, here: Situation, prefix: str) -> dict[str, bytes]:
    """Return the streets that are not open from end to end, and the open pieces of those."""
    number = np.flatnonzero(area.passable(here.scenario.walker))
    gone: NDArray[np.intp] = np.zeros(0, np.intp)
    parent = start = stop = np.zeros(0, np.int64)
    if here.opened is not None:
        opened = here.opened
        whole = here.whole.network.edge_mm[opened.parent].astype(np.int64)
        intact = (opened.start_mm == 0) & (opened.stop_mm == whole)
        left = np.ones(len(number), bool)
        left[opened.parent[intact]] = False
        gone = number[left]
        parent = number[opened.parent[~intact]]
        start, stop = opened.start_mm[~intact], opened.stop_mm[~intact]
    return {
        f"{prefix}_gone": gaps(gone),
        f"{prefix}_piece": gaps(parent),
        f"{prefix}_piece_start": varints(start),
        f"{prefix}_piece_mm": varints(stop - start),
    }
