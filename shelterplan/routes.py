"""The way of one walk: its pieces of streets, its line on the map, its steps in words."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import shapely
from shapely.ops import substring

from shelterplan import earth, kernels
from shelterplan.ends import Anywhere, ends, legs_mm, pairs
from shelterplan.snap import Places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.network import WalkNetwork
    from shelterplan.pace import Pace

Turn = Literal[
    "start",
    "straight",
    "slight_left",
    "left",
    "sharp_left",
    "slight_right",
    "right",
    "sharp_right",
    "u_turn",
    "arrive",
]

_COMPASS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
_TURNS = ((25.0, ""), (60.0, "slight_"), (120.0, "plain"), (165.0, "sharp_"))
"""Upper bound of the change of direction [degrees] for each kind of turn; beyond is a u-turn."""
_SAME_WAY_DEGREES = 45.0
"""On a street of the same name, a turn above this is told as a step of its own."""
_LOOK_M = 12.0
"""How far along a piece its direction is taken, so that a kink at a corner does not mislead [m]."""


class Piece(NamedTuple):
    """A part of an edge, walked from `start_mm` to `stop_mm` (backward if that is less)."""

    edge: int
    start_mm: int
    stop_mm: int

    @property
    def mm(self) -> int:
        """Length [mm]."""
        return abs(self.stop_mm - self.start_mm)


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction of a walk."""

    turn: Turn
    """What to do at its beginning."""
    name: str
    """Name of the street; empty if it has none."""
    street_class: str
    """OSM highway class, such as `footway`."""
    steps: bool
    """Whether this is a stairway."""
    bearing: str
    """Direction at its beginning, on an eight-point compass; empty for `arrive`."""
    distance_m: float
    """Length [m]; for `arrive`, the leg from the street to the entrance."""


@dataclass(frozen=True, slots=True)
class Route:
    """The shortest way from a place to a target."""

    distance_m: float
    """The whole walk, both legs included [m]."""
    walk_time_s: float | None
    """Time of the whole walk; None without a pace [s]."""
    leg_start_m: float
    """From the place to the street [m]."""
    leg_end_m: float
    """From the street to the target [m]."""
    entry: int
    """Row of the target that is reached."""
    nodes: tuple[int, ...]
    """Nodes passed, in order."""
    pieces: tuple[Piece, ...]
    """Parts of edges walked, in order."""
    geometry: shapely.LineString | None
    """The way along streets (lon, lat); None for a network without geometry."""
    steps: tuple[Step, ...]
    """The way in words; empty for a network without geometry."""


class Found(NamedTuple):
    """What a search found for one source."""

    entry: int
    """Row of the targets."""
    total: int
    """Length or time of the whole walk [mm, ms]."""
    by: Literal["m", "s"]
    """Which of the two."""


def walk_back(
    network: WalkNetwork,
    source: Anywhere,
    targets: Anywhere,
    found: Found,
    state: NDArray[np.uint64],
    via: NDArray[np.int32],
    pace: Pace | None = None,
) -> Route:
    """Rebuild the way from one source to a target, from the state of a search."""
    target = targets.take([found.entry]) if isinstance(targets, Places) else targets[[found.entry]]
    nodes, pieces = _direct(network, source, target, found, pace)
    if not (nodes or pieces):
        nodes, pieces = _over_nodes(network, source, target, found, state, via, pace)
    walk_time_s = None
    if pace is not None:
        ms = sum(_piece_ms(network, pace, piece) for piece in pieces)
        walk_time_s = (
            ms + int(pace.leg_ms(legs_mm(source))[0] + pace.leg_ms(legs_mm(target))[0])
        ) / 1000
    mm = sum(piece.mm for piece in pieces) + int(legs_mm(source)[0] + legs_mm(target)[0])
    pieces = [piece for piece in pieces if piece.mm > 0 or len(pieces) == 1]
    leg_end_m = float(legs_mm(target)[0]) / 1000
    geometry: shapely.LineString | None = None
    steps: tuple[Step, ...] = ()
    if network.streets is not None:
        lines = _lonlat_lines(network, pieces, nodes)
        geometry = shapely.LineString(_joined(lines))
        steps = _steps(network, pieces, lines, leg_end_m)
    return Route(
        distance_m=mm / 1000,
        walk_time_s=walk_time_s,
        leg_start_m=float(legs_mm(source)[0]) / 1000,
        leg_end_m=leg_end_m,
        entry=found.entry,
        nodes=tuple(nodes),
        pieces=tuple(pieces),
        geometry=geometry,
        steps=steps,
    )


def _piece_ms(network: WalkNetwork, pace: Pace, piece: Piece) -> int:
    """Return the time of one piece [ms]."""
    edge = np.array([piece.edge], np.int32)
    share = np.array([piece.mm / max(int(network.edge_mm[piece.edge]), 1)])
    return int(pace.part_ms(edge, share, ahead=np.array([piece.stop_mm > piece.start_mm]))[0])


def _direct(
    network: WalkNetwork, source: Anywhere, target: Anywhere, found: Found, pace: Pace | None
) -> tuple[list[int], list[Piece]]:
    """Return the piece between two places on one edge, if that is the best way."""
    if not (isinstance(source, Places) and isinstance(target, Places)):
        return [], []
    straight = pairs(network, source, target, pace)
    if found.total not in (straight.mm if found.by == "m" else straight.ms):
        return [], []
    return [], [Piece(int(source.edge[0]), int(source.offset_mm[0]), int(target.offset_mm[0]))]


def _over_nodes(
    network: WalkNetwork,
    source: Anywhere,
    target: Anywhere,
    found: Found,
    state: NDArray[np.uint64],
    via: NDArray[np.int32],
    pace: Pace | None,
) -> tuple[list[int], list[Piece]]:
    """Follow the search's edges from the source to the target."""
    out = ends(network, source, "source", pace)
    key = state[out.node]
    cost = (key >> np.uint64(32)).astype(np.int64) + (out.mm if found.by == "m" else out.ms)
    good = (key != kernels.UNREACHED) & (cost == found.total)
    good &= (key & np.uint64(0xFFFFFFFF)).astype(np.int64) == found.entry
    first = int(np.flatnonzero(good)[0])
    node, pieces = int(out.node[first]), []
    if isinstance(source, Places):
        pieces.append(_to_end(network, source, at_u=bool(out.at_u[first])))
    passed, edges = kernels.follow(via, network.edge_u, network.edge_v, node)
    nodes = passed.tolist()
    forth = network.edge_u[edges] == passed[:-1]
    for edge, ahead, mm in zip(edges.tolist(), forth, network.edge_mm[edges].tolist(), strict=True):
        pieces.append(Piece(edge, 0, mm) if ahead else Piece(edge, mm, 0))
    node = nodes[-1]
    if isinstance(target, Places):
        into = ends(network, target, "target", pace)
        cost = into.mm if found.by == "m" else into.ms
        good = (into.node == node) & (cost == int(state[node] >> np.uint64(32)))
        edge, start, stop = _to_end(network, target, at_u=bool(into.at_u[good][0]))
        pieces.append(Piece(edge, stop, start))
    return nodes, pieces


def _to_end(network: WalkNetwork, place: Places, *, at_u: bool) -> Piece:
    """Return the piece from a place to one end of its edge."""
    edge = int(place.edge[0])
    return Piece(edge, int(place.offset_mm[0]), 0 if at_u else int(network.edge_mm[edge]))


def _lonlat_lines(
    network: WalkNetwork, pieces: list[Piece], nodes: list[int]
) -> list[NDArray[np.float64]]:
    """Return the coordinates of each piece, in walking direction (lon, lat)."""
    if not pieces:
        return [network.node_lonlat[nodes]]
    parts = [_metric_part(network, piece) for piece in pieces]
    to_lonlat = earth.to_lonlat(network.crs)
    xy = np.concatenate(parts)
    lonlat = np.column_stack(to_lonlat.transform(xy[:, 0], xy[:, 1]))
    return np.split(lonlat, np.cumsum([len(part) for part in parts])[:-1])


def _metric_part(network: WalkNetwork, piece: Piece) -> NDArray[np.float64]:
    """Return the coordinates of one piece, in walking direction (x, y)."""
    length = max(int(network.edge_mm[piece.edge]), 1)
    line = network.line(piece.edge)
    if piece.mm < length:
        start, stop = piece.start_mm / length, piece.stop_mm / length
        return shapely.get_coordinates(substring(line, start, stop, normalized=True))
    xy = shapely.get_coordinates(line)
    return xy if piece.start_mm == 0 else xy[::-1]


def _joined(lines: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return one run of coordinates without repeats; at least two, for a line."""
    points = np.concatenate(lines)
    keep = np.r_[True, np.any(np.abs(np.diff(points, axis=0)) > 1e-12, axis=1)]
    points = points[keep]
    return points if len(points) > 1 else np.repeat(points, 2, axis=0)


def _bearings(lines: list[NDArray[np.float64]], *, at_end: bool) -> list[float]:
    """Return the direction in which each piece begins or ends [degrees from north, clockwise]."""
    runs = [line[::-1] for line in lines] if at_end else lines
    count = np.array([len(run) for run in runs])
    points, begin = np.concatenate(runs), np.repeat([run[0] for run in runs], count, axis=0)
    azimuth, _, metres = earth.GEODESIC.inv(begin[:, 0], begin[:, 1], points[:, 0], points[:, 1])
    found = []
    for first, last in pairwise([0, *np.cumsum(count).tolist()]):
        far = np.flatnonzero(metres[first:last] >= _LOOK_M)
        look = first + int(far[0]) if len(far) else last - 1
        found.append(float(azimuth[look] + (180 if at_end else 0)) % 360)
    return found


def _turn(before: float, after: float) -> Turn:
    """Name the change from one direction to another.

    Examples
    --------
    >>> _turn(0.0, 90.0), _turn(10.0, 350.0), _turn(0.0, 181.0), _turn(90.0, 55.0)
    ('right', 'straight', 'u_turn', 'slight_left')
    """
    change = (after - before + 180) % 360 - 180
    side = "right" if change > 0 else "left"
    for bound, kind in _TURNS:
        if abs(change) <= bound:
            if not kind:
                return "straight"
            return side if kind == "plain" else f"{kind}{side}"  # type: ignore[return-value]
    return "u_turn"


def _steps(
    network: WalkNetwork, pieces: list[Piece], lines: list[NDArray[np.float64]], leg_end_m: float
) -> tuple[Step, ...]:
    """Join the pieces into steps: a new one where the street, its kind or the direction changes."""
    found: list[Step] = []
    previous = 0.0
    streets = _streets(network, pieces)
    ways = zip(_bearings(lines, at_end=False), _bearings(lines, at_end=True), strict=True)
    for piece, street, (bearing, onward) in zip(pieces, streets, ways, strict=False):
        bend = abs((bearing - previous + 180) % 360 - 180)
        last = found[-1] if found else None
        if (
            last
            and (last.name, last.street_class, last.steps) == street
            and bend <= _SAME_WAY_DEGREES
        ):
            metres = last.distance_m + piece.mm / 1000
            found[-1] = Step(last.turn, *street, last.bearing, metres)
        else:
            turn: Turn = _turn(previous, bearing) if last else "start"
            compass = _COMPASS[round(bearing / 45) % 8]
            found.append(Step(turn, *street, compass, piece.mm / 1000))
        previous = onward
    return (*found, Step("arrive", "", "", False, "", leg_end_m))


def _streets(network: WalkNetwork, pieces: list[Piece]) -> list[tuple[str, str, bool]]:
    """Return name, class and whether it is a stairway, for each piece."""
    streets, edges = network.with_geometry(), [piece.edge for piece in pieces]
    name, street_class, steps = (streets[key].array[edges] for key in ("name", "class", "steps"))
    names = [one if isinstance(one, str) else "" for one in name]
    return list(zip(names, map(str, street_class), map(bool, steps), strict=True))
