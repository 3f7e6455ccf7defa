"""Set covering, room, and fronts of fair plans at city size: gaps against their bars."""

from __future__ import annotations

import numpy as np

from shelterplan.siting.capacitated import capacitated_cover
from shelterplan.siting.pareto import front
from shelterplan.siting.problem import Choice, as_cover
from shelterplan.siting.set_cover import set_cover
from shelterplan.siting.watch import Watch
from tests.benchmarks.measure import Line
from tests.benchmarks.siting_city import SitingCity, siting_city

RADIUS_M = 400.0
LEAST_PLANS = 6


def more_lines(scale: float = 1.0) -> list[Line]:
    """Each runs to its time limit at most; small cities first, to compile everything."""
    tiny = siting_city(200, 60, 3, RADIUS_M)
    for line in (_set_cover, _room, _front):
        line(tiny, 5.0, judged=False)
    large = siting_city(max(60, int(20_000 * scale)), max(20, int(5_000 * scale)), 50, RADIUS_M)
    middle = siting_city(max(60, int(5_000 * scale)), max(20, int(1_000 * scale)), 20, RADIUS_M)
    judged = scale >= 1
    return [
        _set_cover(large, 30.0, judged=judged),
        _room(large, 60.0, judged=judged),
        _front(middle, 60.0, judged=judged),
    ]


def _name(city: SitingCity) -> str:
    return f"{len(city.people)} x {city.distance_m.shape[1]}"


def _line(what: str, seconds: float, limit_s: float, *, met: bool, judged: bool) -> Line:
    """A gap is not a time: the time is told, against the limit, and 0 where the bar is missed."""
    return Line(
        what=what,
        ours=seconds,
        baseline="time limit",
        theirs=limit_s if met else 0.0,
        bar=0.9 if judged else None,
    )


def _set_cover(city: SitingCity, seconds: float, *, judged: bool) -> Line:
    found = set_cover(city.distance_m, skip_unreachable=True, time_limit_s=seconds)
    return _line(
        f"set covering {_name(city)}: {found.status} (bar 5 %), {found.objective:.0f} sites",
        found.seconds,
        seconds,
        met=found.gap <= 0.05,
        judged=judged,
    )


def _room(city: SitingCity, seconds: float, *, judged: bool) -> Line:
    sites = city.distance_m.shape[1]
    count = max(2, sites // 100)
    spread = np.random.default_rng(2).uniform(0.5, 1.5, sites)
    room = spread * city.people.sum() / (count + len(city.existing))
    choice = Choice.of(sites, count, fixed=city.existing)
    cover = as_cover(city.distance_m)
    found = capacitated_cover(cover, city.people, choice, room, watch=Watch(seconds))
    return _line(
        f"room {_name(city)}, {count} sites: {found.status} (bar 5 %)",
        found.seconds,
        seconds,
        met=found.gap <= 0.05,
        judged=judged,
    )


def _front(city: SitingCity, seconds: float, *, judged: bool) -> Line:
    count = min(25, city.distance_m.shape[1] // 4)
    found = front(
        city.distance_m,
        city.people,
        count,
        group=city.district,
        fixed=city.existing,
        time_limit_s=seconds,
    )
    plans = list(found)
    worst = max((point.gap for point in plans), default=0.0)
    return _line(
        f"front {_name(city)}, {count} sites: {len(plans)} plans, gaps to {worst:.1%}",
        found.seconds,
        seconds,
        met=len(plans) >= LEAST_PLANS,
        judged=judged,
    )
