"""The small map of a card as SVG, to be read in black and white."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import shapely

from shelterplan import earth
from shelterplan.situation import active_zones
from shelterplan.views.cards.labels import Placed, Sheet
from shelterplan.views.cards.telling import cut
from shelterplan.views.escape import escape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from shelterplan.scenario import Scenario
    from shelterplan.study_area import StudyArea
    from shelterplan.views.cards.telling import Words
    from shelterplan.views.cards.ways import Way

WIDTH: Final = 448.0
"""Width of the drawing: 112 mm, a quarter of a millimetre each."""
FONT, MARK = 14.0, 19.0
"""Size of a street's name, and of a mark."""
EDGE: Final = 26.0
"""Free space around the ways."""
LEAST_M: Final = 250.0
"""No map shows less [m]."""
MOST_STREETS: Final = 1500
"""Streets in the background; of more, the longest."""
MOST_NAMES: Final = 10
LONGEST_NAME: Final = 30.0
MAIN: Final = ("motorway", "trunk", "primary", "secondary", "tertiary")
STYLES: Final = {
    "street": "fill='none' stroke='#999' stroke-width='.8'",
    "road": "fill='none' stroke='#8a8a8a' stroke-width='2.2'",
    "border": "fill='none' stroke='#000' stroke-width='1.6' stroke-dasharray='9 3 2 3'",
    "site": "fill='#ccc' stroke='#000'",
    "zone": "stroke='#000' stroke-width='.7'",
    "casing": "fill='none' stroke='#fff' stroke-width='8'",
    "way": "fill='none' stroke='#000' stroke-width='4'",
    "door": "fill='#000' stroke='#fff' stroke-width='1.5'",
    "leader": "fill='none' stroke='#000'",
    "letter": "fill='#000' stroke='#fff'",
    "number": "fill='#fff' stroke='#000' stroke-width='2'",
    "on": "font-size='15' font-weight='700' text-anchor='middle' fill='#fff'",
    "in": "font-size='14' font-weight='700' text-anchor='middle'",
    "paper": "fill='#fff'",
    "name": "font-size='14' text-anchor='middle'",
    "scale": "font-size='13'",
    "ruler": "fill='none' stroke='#000' stroke-width='2'",
}
"""How things are drawn: in black, white and grey, told apart by shape and pattern."""
DASHES: Final = ("", "11 5", "2.5 4.5", "13 4 2.5 4", "5 5")
"""How the ways to the first shelter, the second and so on are drawn."""
FAMILIES: Final = {
    "en": "Liberation Sans, Arial, Noto Sans, DejaVu Sans, Noto Sans CJK SC, sans-serif",
    "zh": "Noto Sans CJK SC, PingFang SC, Microsoft YaHei, sans-serif",
}
_LENGTHS_M = (20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
_TOUCHING_PX = 1.0
_SHORTEST_PX = 2.0


@dataclass(frozen=True, eq=False)
class Ground:
    """What all maps of one study area draw from."""

    area: StudyArea
    scenario: Scenario

    @cached_property
    def lines(self) -> NDArray[np.object_]:
        """All streets in the metric CRS."""
        every: NDArray[np.object_] = self.area.network().lines(np.arange(len(self.area.streets)))
        return every

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Where they are."""
        return shapely.STRtree(self.lines)

    @cached_property
    def joined(self) -> tuple[NDArray[np.object_], NDArray[np.bool_], shapely.STRtree]:
        """The streets joined by name into long lines, which of them are wide, where they are."""
        kind = self.area.streets["class"].astype(str).str.removesuffix("_link")
        wide = kind.isin(MAIN).to_numpy(bool)
        group, _ = pd.factorize(pd.MultiIndex.from_arrays([self.names, wide]))
        order = np.argsort(group, kind="stable")
        whole = shapely.multilinestrings(self.lines[order], indices=group[order])
        first = order[np.unique(group[order], return_index=True)[1]]
        lines, row = shapely.get_parts(shapely.line_merge(whole), return_index=True)
        return lines, wide[first][row], shapely.STRtree(lines)

    @cached_property
    def names(self) -> NDArray[np.object_]:
        """Their names, empty for none."""
        found: NDArray[np.object_] = (
            self.area.streets["name"].fillna("").astype(str).to_numpy(object)
        )
        return found

    @cached_property
    def zones(self) -> shapely.Geometry:
        """The hazard's zones."""
        hit = active_zones(self.area, self.scenario)
        return shapely.union_all(self.area.metric_hazards[hit])

    def metric(self, lonlat: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
        """Return positions in the metric CRS, shape (n, 2)."""
        points = np.asarray(lonlat, float).reshape(-1, 2)
        to_metric = earth.to_metric(self.area.crs)
        x_m, y_m = to_metric.transform(points[:, 0], points[:, 1])
        return np.column_stack([np.asarray(x_m, float), np.asarray(y_m, float)])


class _Plane:
    """Metres as places on the drawing."""

    def __init__(self, bounds: Sequence[float], high: float) -> None:
        west, south, east, north = bounds
        wide_m, high_m = max(east - west, LEAST_M), max(north - south, LEAST_M)
        self.wide, self.high = WIDTH, high
        self.per_m = min((WIDTH - 2 * EDGE) / wide_m, (high - 2 * EDGE) / high_m)
        self.x0 = (west + east) / 2 - WIDTH / 2 / self.per_m
        self.y0 = (south + north) / 2 + high / 2 / self.per_m

    @property
    def window(self) -> shapely.Polygon:
        """What is seen, in metres."""
        return shapely.box(
            self.x0, self.y0 - self.high / self.per_m, self.x0 + self.wide / self.per_m, self.y0
        )

    def moved(self, shapes: Any) -> Any:  # noqa: ANN401 - a shape or an array of shapes
        """Return shapes on the drawing."""
        return shapely.transform(shapes, self.at)

    def at(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return positions on the drawing, shape (n, 2)."""
        return np.column_stack([xy[:, 0] - self.x0, self.y0 - xy[:, 1]]) * self.per_m


def draw(
    ground: Ground,
    words: Words,
    *,
    community: int,
    ways: Sequence[Way],
    letters: Mapping[str, str],
    high: float,
) -> tuple[str, list[Placed]]:
    """Return the map of one community, and the marks and names on it.

    Parameters
    ----------
    ground
        See there.
    words
        The language.
    community
        Row of the community.
    ways
        From its main streets; they are numbered from 1.
    letters
        Letters of the shelters by their ids.
    high
        Height in units of the drawing, a quarter of a millimetre each.
    """
    area = ground.area
    outline = area.metric_communities[community]
    rows = area.shelters.index.get_indexer(list(letters))
    shapes = area.metric_shelters[rows]
    lines = [way.line for way in ways if way.line is not None]
    starts = ground.metric([(way.lon, way.lat) for way in ways])
    doors = ground.metric([way.door for way in ways if way.door is not None])
    led = {way.shelter_id for way in ways}
    far = [shape for key, shape in zip(letters, shapes, strict=True) if key not in led]
    plane = _Plane(_bounds(outline, lines, starts, doors, far), high)
    paths = plane.moved(np.array(lines, object)) if lines else np.zeros(0, object)
    sheet = Sheet(WIDTH, high, shapely.union_all(paths) if lines else None)
    furniture = _furniture(plane, words, sheet)
    marks = _marks(
        plane, ways, letters, dict(zip(letters, shapes, strict=True)), sheet, starts, ground
    )
    names = _names(plane, ground, words, ways, sheet)
    parts = [
        _zones(plane, ground, f"zone-{community}"),
        _streets(plane, ground),
        _path(plane.moved(shapely.intersection(outline.boundary, plane.window)), "border"),
        "".join(_path(shape, "site") for shape in plane.moved(shapes)),
        _ways(ways, paths, letters),
        "".join(_door(x, y) for x, y in (plane.at(doors) if len(doors) else [])),
        names,
        marks,
        furniture,
    ]
    svg = (
        f"<svg viewBox='0 0 {WIDTH:.0f} {high:.0f}' width='{WIDTH / 4:g}mm' "
        f"height='{high / 4:g}mm' role='img' aria-label='{escape(words.say('card.map_alt'))}' "
        f"font-family='{FAMILIES[words.language]}'>"
        f"{''.join(parts)}<rect x='.7' y='.7' width='{WIDTH - 1.4:g}' height='{high - 1.4:g}' "
        "fill='none' stroke='#000' stroke-width='1.4'/></svg>"
    )
    return svg, sheet.taken


def _bounds(
    outline: shapely.Geometry,
    lines: Sequence[shapely.LineString],
    starts: NDArray[np.float64],
    doors: NDArray[np.float64],
    far: Sequence[shapely.Geometry],
) -> tuple[float, float, float, float]:
    """Return what the map shows: the ways, and the community unless it is far larger than they."""
    if not lines:
        return tuple(shapely.bounds(outline).tolist())
    points = [shapely.Point(xy) for xy in (*starts, *doors)]
    seen = shapely.total_bounds([*lines, *points, *far])
    both = shapely.total_bounds([shapely.box(*seen), outline])
    size = max(seen[2] - seen[0], seen[3] - seen[1], LEAST_M)
    if max(both[2] - both[0], both[3] - both[1]) <= 2 * size:
        seen = both
    return tuple(seen.tolist())


def _d(shape: shapely.Geometry) -> str:
    """Return lines and borders as the data of a path."""
    parts = shapely.get_parts(shape)
    kinds = shapely.get_type_id(parts)
    flat = [*parts[kinds == 1], *parts[kinds == 2]]
    flat += [ring for part in parts[kinds == 3] for ring in shapely.get_rings(part)]
    xy, line = shapely.get_coordinates(np.array(flat, object), return_index=True)
    if not len(xy):
        return ""
    begins = np.r_[True, line[1:] != line[:-1]]
    return "".join(
        f"{'M' if first else 'L'}{x:g} {y:g}"
        for first, (x, y) in zip(begins, np.round(xy, 1).tolist(), strict=True)
    )


def _path(shape: shapely.Geometry, css: str) -> str:
    data = _d(shape)
    return f"<path d='{data}' {STYLES[css]}/>" if data else ""


def _zones(plane: _Plane, ground: Ground, name: str) -> str:
    """Return the hazard's zones, hatched by a pattern of this name; nothing if none is seen."""
    if shapely.is_empty(ground.zones):
        return ""
    seen = shapely.simplify(shapely.intersection(ground.zones, plane.window), 1 / plane.per_m)
    data = _d(plane.moved(seen))
    return data and (
        f"<defs><pattern id='{name}' width='7' height='7' patternUnits='userSpaceOnUse'>"
        "<path d='M0 7L7 0' fill='none' stroke='#777' stroke-width='.8'/></pattern></defs>"
        f"<path d='{data}' fill='url(#{name})' {STYLES['zone']}/>"
    )


def _streets(plane: _Plane, ground: Ground) -> str:
    """Return the streets in the background, the wide ones above the others."""
    lines, wide, tree = ground.joined
    rows = np.sort(tree.query(plane.window))
    clipped = shapely.clip_by_rect(lines[rows], *plane.window.bounds)
    seen, row = shapely.get_parts(clipped, return_index=True)
    road, long = wide[rows][row], shapely.length(seen) * plane.per_m
    keep = np.flatnonzero(long >= _SHORTEST_PX)
    if len(keep) > MOST_STREETS:
        first = np.argsort(-long[keep] * np.where(road[keep], 10, 1), kind="stable")
        keep = np.sort(keep[first[:MOST_STREETS]])
    fine = plane.moved(shapely.simplify(seen[keep], _TOUCHING_PX / plane.per_m))
    return "".join(
        _path(shapely.multilinestrings(fine[some]), css)
        for css, some in (("street", ~road[keep]), ("road", road[keep]))
    )


def _ways(ways: Sequence[Way], paths: NDArray[np.object_], letters: Mapping[str, str]) -> str:
    """Return the ways: white beneath, then a line of its own kind for each shelter."""
    order = list(letters)
    keys = [way.shelter_id for way in ways if way.line is not None]
    below = "".join(_path(path, "casing") for path in paths)
    made = []
    for key, path in zip(keys, paths, strict=True):
        dash = DASHES[order.index(key) % len(DASHES)]
        made.append(f"<path d='{_d(path)}' {STYLES['way']} stroke-dasharray='{dash or 'none'}'/>")
    return below + "".join(made)


def _door(x: float, y: float) -> str:
    """Return the sign of a way in: a black triangle."""
    return f"<path d='M{x - 7:.1f} {y + 6:.1f}h14l-7-13z' {STYLES['door']}/>"


def _marks(
    plane: _Plane,
    ways: Sequence[Way],
    letters: Mapping[str, str],
    shapes: Mapping[str, shapely.Geometry],
    sheet: Sheet,
    starts: NDArray[np.float64],
    ground: Ground,
) -> str:
    """Return the letters of the shelters and the numbers of the streets."""
    made = []
    doors = {way.shelter_id: way.door for way in ways if way.door is not None}
    for way in ways:
        if way.door is not None:
            x, y = plane.at(ground.metric([way.door]))[0]
            sheet.take(Placed("", x, y, 14, 14))
    for key, letter in letters.items():
        at = ground.metric([doors[key]]) if key in doors else None
        if at is None:
            at = shapely.get_coordinates(shapely.point_on_surface(shapes[key]))
        x, y = plane.at(at)[0]
        mark = sheet.mark(letter, (x, y), MARK)
        made.append(_leader(x, y, mark) + _letter(mark))
    for number, (x, y) in enumerate(plane.at(starts) if len(starts) else [], 1):
        mark = sheet.mark(str(number), (x, y), MARK)
        made.append(_leader(x, y, mark) + _number(mark))
    return "".join(made)


def _leader(x: float, y: float, mark: Placed) -> str:
    """Return the line from a mark that had to stand aside to its place."""
    if abs(mark.x - x) < MARK / 2 and abs(mark.y - y) < MARK / 2:
        return ""
    return f"<path d='M{x:.1f} {y:.1f}L{mark.x:.1f} {mark.y:.1f}' {STYLES['leader']}/>"


def _letter(mark: Placed) -> str:
    x, y, half = mark.x, mark.y, MARK / 2
    return (
        f"<rect x='{x - half:.1f}' y='{y - half:.1f}' width='{MARK:g}' height='{MARK:g}' "
        f"{STYLES['letter']}/><text x='{x:.1f}' y='{y + 5.2:.1f}' {STYLES['on']}>{mark.text}</text>"
    )


def _number(mark: Placed) -> str:
    return (
        f"<circle cx='{mark.x:.1f}' cy='{mark.y:.1f}' r='{MARK / 2:g}' {STYLES['number']}/>"
        f"<text x='{mark.x:.1f}' y='{mark.y + 5:.1f}' {STYLES['in']}>{mark.text}</text>"
    )


def _names(plane: _Plane, ground: Ground, words: Words, ways: Sequence[Way], sheet: Sheet) -> str:
    """Return names of streets: the main streets, those walked along, the longest others."""
    window = shapely.box(0, 0, WIDTH, plane.high)
    rows = ground.tree.query(plane.window)
    rows = rows[ground.names[rows] != ""]
    seen = plane.moved(ground.lines[rows])
    names, length = ground.names[rows], shapely.length(seen)
    by_length: dict[str, float] = {}
    for name, one in zip(names, length, strict=True):
        by_length[name] = by_length.get(name, 0.0) + one
    walked = sorted(
        {name: metres for way in ways for name, metres in way.streets.items()}.items(),
        key=lambda one: -one[1],
    )
    wanted = [way.name for way in ways] + [name for name, _ in walked]
    wanted += sorted(by_length, key=lambda name: -by_length[name])[:MOST_NAMES]
    numbers = {way.name: str(number) for number, way in enumerate(ways, 1)}
    made: list[str] = []
    for name in dict.fromkeys(wanted):
        pieces = seen[names == name]
        if len(made) == MOST_NAMES or not len(pieces):
            continue
        spots = _spots(pieces, window)
        text = cut(words.named(name), LONGEST_NAME)
        placed = sheet.name(text, [*sheet.beside(text, numbers.get(name), FONT), *spots], FONT)
        if placed:
            made.append(_name(placed))
    return "".join(made)


def _spots(pieces: NDArray[np.object_], window: shapely.Polygon) -> list[tuple[float, float]]:
    """Return where a street's name may stand: along its longest pieces that are seen."""
    clipped = shapely.intersection(pieces, window)
    longest = clipped[np.argsort(-shapely.length(clipped), kind="stable")[:4]]
    shares = np.array([0.5, 0.3, 0.7, 0.12, 0.88])
    points = [
        point
        for line in shapely.get_parts(longest)
        if isinstance(line, shapely.LineString) and not line.is_empty
        for point in shapely.line_interpolate_point(line, shares, normalized=True)
    ]
    spots = [(float(point.x), float(point.y)) for point in points]
    return spots + [(x, y + side) for x, y in spots for side in (-12.0, 12.0)]


def _name(placed: Placed) -> str:
    west, top, _, _ = placed.box
    return (
        f"<rect x='{west:.1f}' y='{top:.1f}' width='{placed.wide:.1f}' "
        f"height='{placed.high:.1f}' {STYLES['paper']}/>"
        f"<text x='{placed.x:.1f}' y='{placed.y + FONT * 0.35:.1f}' {STYLES['name']}>"
        f"{escape(placed.text)}</text>"
    )


def _furniture(plane: _Plane, words: Words, sheet: Sheet) -> str:
    """Return the scale and the arrow to the north; they take their places first."""
    fitting = [one for one in _LENGTHS_M if one * plane.per_m <= WIDTH / 4]
    metres = fitting[-1] if fitting else _LENGTHS_M[0]
    end, y = 12 + metres * plane.per_m, plane.high - 10
    said = words.distance(metres)
    box = sheet.take(Placed("", (8 + end + 62) / 2, y - 4, end + 54, 22)).box
    x, top = WIDTH - 18, 12.0
    sheet.take(Placed("", x, top + 16, 28, 46))
    return (
        f"<rect x='{box[0]:.1f}' y='{box[1]:.1f}' width='{box[2] - box[0]:.1f}' height='22' "
        f"{STYLES['paper']}/>"
        f"<path d='M12 {y - 7:.1f}V{y:.1f}H{end:.1f}V{y - 7:.1f}' {STYLES['ruler']}/>"
        f"<text x='{end + 5:.1f}' y='{y:.1f}' {STYLES['scale']}>{escape(said)}</text>"
        f"<rect x='{x - 13:.1f}' y='3' width='28' height='42' {STYLES['paper']}/>"
        f"<path d='M{x} {top - 6}L{x + 7} {top + 12}L{x} {top + 7}L{x - 7} {top + 12}Z' "
        f"{STYLES['door']}/><text x='{x}' y='{top + 28}' {STYLES['in']}>"
        f"{escape(words.say('legend.north'))}</text>"
    )
