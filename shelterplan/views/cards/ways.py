"""The ways from the main streets to the shelters: the figures of `finder`, for all at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import shapely
from shapely.ops import substring

from shelterplan import access, coverage
from shelterplan.scenario import WALKERS
from shelterplan.situation import situation
from shelterplan.snap import snap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from shelterplan.access import Forest
    from shelterplan.network import WalkNetwork
    from shelterplan.scenario import Scenario
    from shelterplan.situation import Situation, Streets
    from shelterplan.snap import Places
    from shelterplan.standards import AccessStandard, Limit
    from shelterplan.study_area import StudyArea

LOOKED_AT: Final = 3
"""Nearest shelters of which one is advised, as for one who asks."""
PACES: Final = ("adult", "elderly")
"""Walkers whose time is told, besides that of the scenario, who stands for the one of that name."""
STEP_FREE: Final = "pushchair"
"""Walker who takes no steps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """The way from one main street to the shelter to take, or why there is none."""

    name: str
    """Name of the street."""
    people: float
    """Residents who count for the street."""
    lon: float
    lat: float
    """Where the way begins."""
    status: str
    """`ok`, or why there is no way: as `finder.Answer.status`."""
    shelter_id: str = ""
    """The shelter to take, empty if there is none."""
    distance_m: float = np.inf
    """The whole walk, legs included [m]."""
    within: bool = False
    """Whether the walk meets the standard."""
    walk_time_s: Mapping[str, float] = field(default_factory=dict)
    """By walker: the time of the walk to that shelter, without the delay, `inf` without a way; that
    of the scenario has the scenario's own speed [s]."""
    stairs: bool = False
    """Whether the way has stairs."""
    step_free_m: float = np.inf
    """The walk to that shelter without stairs; `inf` if there is none; told if the way has stairs
    [m]."""
    step_free_s: float = np.inf
    """Its time with a pushchair [s]."""
    line: shapely.LineString | None = None
    """The way along streets, in the metric CRS."""
    door: tuple[float, float] | None = None
    """The entrance where it ends (lon, lat)."""
    streets: Mapping[str, float] = field(default_factory=dict)
    """Named streets along the way, with the length walked on each [m]."""


@dataclass(frozen=True, eq=False, slots=True)
class _Asked:
    """Places under one scenario."""

    here: Situation
    limit: Limit
    place: Places
    """On the whole network."""
    moved: Places
    """On the open one."""

    @classmethod
    def of(
        cls, area: StudyArea, points: pd.DataFrame, scenario: Scenario, standard: AccessStandard
    ) -> _Asked:
        here = situation(area, scenario)
        place = snap(
            here.whole.network,
            points["lon"],
            points["lat"],
            max_leg_m=scenario.max_leg_m,
            prefer=area.leads_somewhere(scenario),
            island_slack_m=scenario.island_slack_m,
        )
        return cls(here, coverage.limit_of(here, standard), place, here.moved(place))

    def forest(self, shelter: int) -> tuple[Forest, Places]:
        """Return the ways to one shelter, and its entrances that are used."""
        doors = self.here.doors.take(np.flatnonzero(self.here.doors.owner == shelter))
        bare = replace(self.here.open.network, streets=None, crs=None)
        pace, by = self.here.open.pace, self.limit.unit
        alike = pace.uniform and by == "m"
        return access.forest(bare, doors, pace=None if alike else pace, by=by), doors

    def walks(self, forest: Forest, rows: NDArray[np.intp]) -> pd.DataFrame:
        """Return `distance_m` and `walk_time_s` of some places."""
        found = forest.nearest(self.moved.take(rows))
        if "walk_time_s" not in found:
            found = found.assign(
                walk_time_s=self.here.scenario.walk_time_s(found["distance_m"].to_numpy(float))
            )
        return found[["distance_m", "walk_time_s"]]


def ways(
    area: StudyArea, points: pd.DataFrame, scenario: Scenario, standard: AccessStandard
) -> list[Way]:
    """Find the shelter to take from each point, and the way there, for several walkers.

    The shelter is the one that `finder.find_shelters` advises the walker of the scenario; times of
    the others are those that it finds to the same shelter.

    Parameters
    ----------
    area : StudyArea
        The place.
    points : DataFrame
        `name`, `people`, `lon`, `lat`, as `main_streets` returns them.
    scenario : Scenario
        The hazard, and who walks.
    standard : AccessStandard
        What counts as near enough.

    Returns
    -------
    list of Way
        One a point, in order.
    """
    if not len(points):
        return []
    main = _Asked.of(area, points, scenario, standard)
    shelter = _advised(main, coverage.examine(area, scenario, standard).shelters)
    status = np.where(shelter >= 0, "ok", _why_none(main) if (shelter < 0).any() else "")
    names = dict.fromkeys((scenario.walker.name, *PACES))
    others = {
        name: scenario.with_changes(walker=WALKERS[name])
        for name in names
        if name != scenario.walker.name
    }
    asked = {name: _Asked.of(area, points, one, standard) for name, one in others.items()}
    found = [
        Way(
            name=str(row["name"]),
            people=float(row["people"]),
            lon=float(row["lon"]),
            lat=float(row["lat"]),
            status=str(one),
        )
        for row, one in zip(points.to_dict("records"), status, strict=True)
    ]
    for number in np.unique(shelter[shelter >= 0]):
        rows = np.flatnonzero(shelter == number)
        for row, way in zip(rows, _ways_to(main, asked, int(number), rows, found), strict=True):
            found[row] = way
    return _with_step_free(area, points, found, shelter, scenario, standard)


def _advised(asked: _Asked, use: pd.DataFrame) -> NDArray[np.int64]:
    """Return the shelter to take from each place, -1 if there is none.

    It is the first of the nearest ones within the standard that is not expected to fill up, else
    the nearest, as `finder.find_shelters` says.
    """
    found = _nearest(asked)
    used = use.get("utilisation", pd.Series(np.nan, use.index)).to_numpy(float)
    fills = use.get("fills_at_share", pd.Series(np.nan, use.index)).to_numpy(float)
    roomy = np.isnan(fills) & (use["room"].to_numpy(float) != 0) & ~(used >= 1)
    target = found["target"].to_numpy(np.int64)
    good = coverage.within(found["walk"], asked.limit.value) & roomy[target]
    order = found.assign(late=~good).sort_values(["source", "late", "rank"], kind="stable")
    first = order.drop_duplicates("source")
    shelter = np.full(len(asked.moved), -1)
    shelter[first["source"]] = first["target"]
    return shelter


def _nearest(asked: _Asked) -> pd.DataFrame:
    """Return the nearest shelters of each place: `source`, `rank`, `target`, `walk`."""
    here, unit = asked.here, asked.limit.unit
    if unit == "m":
        found = access.k_nearest(here.open.network, asked.moved, here.doors, LOOKED_AT)
        return found.rename(columns={"distance_m": "walk"})
    parts = []
    for number in np.unique(here.doors.owner):
        forest, _ = asked.forest(int(number))
        walk = asked.walks(forest, np.arange(len(asked.moved)))["walk_time_s"].to_numpy()
        reached = np.flatnonzero(np.isfinite(walk))
        parts.append(pd.DataFrame({"source": reached, "target": number, "walk": walk[reached]}))
    empty = pd.DataFrame({"source": [], "target": [], "walk": []}).astype(int)
    table = pd.concat([empty, *parts]).sort_values(["source", "walk", "target"], kind="stable")
    table = table.assign(rank=table.groupby("source").cumcount() + 1)
    return table[table["rank"] <= LOOKED_AT].astype({"source": int, "target": int})


def _why_none(asked: _Asked) -> NDArray[np.object_]:
    """Return why no shelter is found for each place, by the rules that hold for everybody."""
    here, limit = asked.here, asked.limit
    could = pd.DataFrame({"on_network": asked.place.snapped})
    cases: dict[str, tuple[Streets, Places, NDArray[np.bool_]]] = {
        "": (here.open, asked.moved, here.fit),
        "_if_room": (here.open, asked.moved, here.fit | here.full),
        "_if_fit": (here.open, asked.moved, here.usable),
        "_if_open": (here.whole, asked.place, here.fit),
        "_if_both": (here.whole, asked.place, here.usable),
    }
    for name, (streets, places, doors) in cases.items():
        target = streets.doors.take(np.flatnonzero(doors))
        found = access.nearest(streets.network, places, target, pace=streets.pace, by=limit.unit)
        walk = found["distance_m" if limit.unit == "m" else "walk_time_s"].to_numpy(float)
        could[f"near{name}"] = coverage.within(walk, limit.value)
        could[f"way{name}"] = np.isfinite(walk)
    status = np.asarray(coverage.status_of(could), object)
    status[status == "too_far"] = "unsafe"  # what can be reached is not fit
    status[~np.isin(status, ["no_network", "cut_off", "unsafe"])] = "no_path"
    return status


def _ways_to(
    main: _Asked,
    asked: Mapping[str, _Asked],
    shelter: int,
    rows: NDArray[np.intp],
    found: list[Way],
) -> list[Way]:
    """Return the ways of some places to one shelter."""
    forest, doors = main.forest(shelter)
    walks = main.walks(forest, rows)
    times = {main.here.scenario.walker.name: walks["walk_time_s"].to_numpy(float)}
    for name, other in asked.items():
        times[name] = other.walks(other.forest(shelter)[0], rows)["walk_time_s"].to_numpy(float)
    least = walks["distance_m" if main.limit.unit == "m" else "walk_time_s"]
    within = coverage.within(least, main.limit.value)
    identity = str(main.here.area.shelters.index[shelter])
    made = []
    for at, row in enumerate(rows):
        route = forest.route(main.moved.take([row]))
        if route is None:
            message = f"the way from {found[row].name!r} to {identity!r} was lost"
            raise AssertionError(message)
        made.append(
            replace(
                found[row],
                shelter_id=identity,
                distance_m=float(walks["distance_m"].iloc[at]),
                within=bool(within[at]),
                walk_time_s={name: float(one[at]) for name, one in times.items()},
                door=(float(doors.lon[route.entry]), float(doors.lat[route.entry])),
                **_along(main.here.open.network, route),
            )
        )
    return made


def _along(network: WalkNetwork, route: access.Route) -> dict[str, object]:
    """Return the line of a way, whether it has stairs, and its named streets."""
    edges = np.array([piece.edge for piece in route.pieces], int)
    lines = list(network.lines(edges)) if len(edges) else list[shapely.LineString]()
    parts = []
    for piece, line in zip(route.pieces, lines, strict=True):
        whole = max(int(network.edge_mm[piece.edge]), 1)
        ends = piece.start_mm / whole, piece.stop_mm / whole
        parts.append(shapely.get_coordinates(substring(line, *ends, normalized=True)))
    xy = np.concatenate(parts) if parts else np.zeros((0, 2))
    streets = network.with_geometry()
    walked: dict[str, float] = {}
    for piece, name in zip(route.pieces, streets["name"].to_numpy(object)[edges], strict=True):
        if isinstance(name, str) and name.strip():
            walked[name] = walked.get(name, 0.0) + piece.mm / 1000
    return {
        "line": shapely.LineString(xy if len(xy) > 1 else np.repeat(xy, 2, axis=0)),
        "stairs": bool(streets["steps"].to_numpy(bool)[edges].any()),
        "streets": walked,
    }


def _with_step_free(
    area: StudyArea,
    points: pd.DataFrame,
    found: list[Way],
    shelter: NDArray[np.int64],
    scenario: Scenario,
    standard: AccessStandard,
) -> list[Way]:
    """Return the ways, those with stairs with the way without."""
    stairs = np.array([way.stairs for way in found])
    if not stairs.any():
        return found
    asked = _Asked.of(area, points, scenario.with_changes(walker=WALKERS[STEP_FREE]), standard)
    told = list(found)
    for number in np.unique(shelter[stairs]):
        rows = np.flatnonzero(stairs & (shelter == number))
        walks = asked.walks(asked.forest(int(number))[0], rows)
        for row, metres, seconds in zip(
            rows, walks["distance_m"], walks["walk_time_s"], strict=True
        ):
            told[row] = replace(told[row], step_free_m=metres, step_free_s=seconds)
    return told
