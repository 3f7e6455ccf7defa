"""The map of a report as SVG: readable in black and white, nothing in it but numbers and words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd
import shapely

from shelterplan.coverage import STATUSES
from shelterplan.scenario import Scenario
from shelterplan.situation import active_zones
from shelterplan.study_area import ATTRIBUTION
from shelterplan.views.look import ZONE_GAPS, ZONES
from shelterplan.views.proposal_card import escape
from shelterplan.views.proposal_svg import _Plane, _ruler
from shelterplan.views.report.voice import short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shapely.geometry.base import BaseGeometry

    from shelterplan.views.proposal_telling import Telling
    from shelterplan.views.report.contents import Report

CLASSES: Final = (0.25, 0.5, 0.75, 0.95)
"""Borders of the classes of the share of people with a place."""
FILLS: Final = ("#5c6b78", "#8a98a4", "#b5c0c9", "#dbe1e6", "#f6f7f8")
"""Their colours, the fewest people with a place darkest: told apart without colour."""
NOBODY: Final = "#ffffff"
GAINS: Final = "#a9dcc0"
"""Colour of communities that gain places."""
CELL: Final = 13.0
"""People without a place are put together in squares of this size [px]."""
LARGEST: Final = 6.5
"""Radius of the largest circle [px]."""
FOOT: Final = 36.0
"""Height of the two lines below the map: its scale, and whose data it is [px]."""
_INK: Final = "#0b0c0c"
_PLACED: Final = frozenset({"covered", "capacity_unknown"})
_UNPLACED: Final = [status for status in STATUSES if status not in _PLACED]


class Map(NamedTuple):
    """A map and its legend, as HTML."""

    svg: str
    legend: str


def share_class(share: float) -> int:
    """Return the class of a share of people with a place; -1 if nobody lives there.

    Examples
    --------
    >>> [share_class(share) for share in (0.0, 0.25, 0.949, 0.95, 1.0, float("nan"))]
    [0, 1, 3, 4, 4, -1]
    """
    return -1 if pd.isna(share) else int(np.searchsorted(CLASSES, share, "right"))


def draw(report: Report, *, numbers: Sequence[str] = ()) -> Map:
    """Return the map of a report.

    Parameters
    ----------
    report
        Its tables and words.
    numbers
        Ids of communities that get a number on the map, from 1 on.
    """
    voice = report.voice
    plane = _Plane([float(value) for value in report.plan.communities.total_bounds])
    zones, gaps = _zones(report), _gaps(report, plane)
    most = max(gaps.values(), default=0.0)
    parts = [
        *_areas(report, plane),
        *(_zone(plane, shape, level) for level, shape in zones),
        *(_circle(x, y, LARGEST * (people / most) ** 0.5) for (x, y), people in gaps.items()),
        *_shelters(report, plane),
        *_numbers(report, plane, numbers),
        _north(plane, escape(voice.say("map.north"))),
        _foot(plane, voice.say("map.scale", km="{km}")),
    ]
    levels = sorted({level for level, _ in zones})
    label = voice.say("map.label", area=voice.named(report.area.title))
    patterns = [_pattern(level, "map") for level in levels]
    legend = _legend(report, levels, most, numbered=bool(numbers))
    return Map(_svg(plane, label, patterns, parts), legend)


def draw_proposal(report: Report, told: Telling, *, name: str) -> Map:
    """Return the map of a proposal: its sites, and the communities that gain and lose places.

    Parameters
    ----------
    report
        Its words and communities.
    told
        The proposal.
    name
        What tells its patterns from those of other maps on the page; letters and digits.
    """
    found, communities = told.found, report.area.communities
    points = found.sites.geometry.representative_point()
    spots = np.c_[points.x, points.y]
    west, south, east, north = (float(value) for value in communities.total_bounds)
    low, high = (
        np.minimum(spots.min(axis=0), (west, south)),
        np.maximum(spots.max(axis=0), (east, north)),
    )
    plane = _Plane([*low, *high])
    better = found.communities["newly_people"].reindex(communities.index) >= 1 - 1e-6
    worse = found.communities["lost_people"].reindex(communities.index) > 1e-6
    fills = np.select([worse, better], [f"url(#{name})", GAINS], FILLS[-1])
    fine = communities.geometry.simplify_coverage(0.4 / plane.scale)
    used = [not told.unused_reason(site) for _, site in found.sites.iterrows()]
    parts = [
        *(_area(plane, shape, fill) for shape, fill in zip(fine, fills, strict=True)),
        *_shelters(report, plane),
        *(
            _site(x, y, number, used=on)
            for number, ((x, y), on) in enumerate(zip(plane.at(spots), used, strict=True), 1)
        ),
        _north(plane, escape(report.voice.say("map.north"))),
        _foot(plane, report.voice.say("map.scale", km="{km}")),
    ]
    signs = [
        (_site(9, 9, 1, used=True), "legend_site", True),
        (_site(9, 9, 2, used=False), "legend_unused", not all(used)),
        (_square(9, 9, used=True), "legend_shelter", True),
        (_box(GAINS), "legend_better", bool(better.any())),
        (
            f"<defs>{_stripes(f'{name}key')}</defs>{_box(f'url(#{name}key)')}",
            "legend_worse",
            bool(worse.any()),
        ),
    ]
    items = [(sign, told.say(f"card.{word}")) for sign, word, there in signs if there]
    label = report.voice.say("map.proposal")
    return Map(_svg(plane, label, [_stripes(name)], parts), _list(items))


def _svg(plane: _Plane, label: str, patterns: Sequence[str], parts: Sequence[str]) -> str:
    wide, high = plane.width, plane.height + FOOT
    return (
        f"<svg viewBox='0 0 {wide:.0f} {high:.0f}' width='{wide:.0f}' height='{high:.0f}' "
        f"role='img' aria-label='{escape(label)}'>"
        f"<defs>{''.join(patterns)}</defs>{''.join(parts)}</svg>"
    )


def _area(plane: _Plane, shape: BaseGeometry, fill: str) -> str:
    return (
        f"<path d='{plane.path(shape)}' fill='{fill}' stroke='#3b444b' stroke-width='0.7' "
        "fill-rule='evenodd'/>"
    )


def _stripes(name: str) -> str:
    """Return the hatch of communities that lose places."""
    return (
        f"<pattern id='{name}' width='7' height='7' patternUnits='userSpaceOnUse' "
        "patternTransform='rotate(-45)'><rect width='7' height='7' fill='#fbd9d0'/>"
        "<rect width='2' height='7' fill='#b1270f'/></pattern>"
    )


def _site(x: float, y: float, number: int, *, used: bool) -> str:
    """Return the sign of a proposed site: white on blue, black on white if it is not used."""
    fill, ink = ("#0b3c8c", "#ffffff") if used else ("#ffffff", _INK)
    dashes = "" if used else " stroke-dasharray='3 2'"
    return (
        f"<rect x='{x - 9:.1f}' y='{y - 9:.1f}' width='18' height='18' rx='3' fill='{fill}' "
        f"stroke='{ink}' stroke-width='1.5'{dashes}/><text x='{x:.1f}' y='{y + 4:.1f}' "
        f"font-family='sans-serif' font-weight='700' font-size='11' text-anchor='middle' "
        f"fill='{ink}'>{number}</text>"
    )


def _areas(report: Report, plane: _Plane) -> Iterator[str]:
    """Yield the communities, filled by the share of people with a place."""
    table = report.plan.communities
    fine = table.geometry.simplify_coverage(0.4 / plane.scale)
    for shape, share in zip(fine, table["possible_share"], strict=True):
        yield _area(plane, shape, FILLS[share_class(share)] if share_class(share) >= 0 else NOBODY)


def _zones(report: Report) -> list[tuple[int, BaseGeometry]]:
    """Return the zones of the scenario's hazard within the map, the mildest first."""
    area, scenario = report.area, Scenario.from_dict(report.plan.manifest["scenario"])
    zones = area.hazards[active_zones(area, scenario)].sort_values("level", kind="stable")
    frame = shapely.box(*area.communities.total_bounds)
    cut = shapely.intersection(np.asarray(zones.geometry.array), frame)
    return [
        (int(level), shape)
        for level, shape in zip(zones["level"], cut, strict=True)
        if not shape.is_empty
    ]


def _zone(plane: _Plane, shape: BaseGeometry, level: int) -> str:
    fine = shapely.simplify(shape, 0.4 / plane.scale)
    return (
        f"<path d='{plane.path(fine)}' fill='url(#map{level})' stroke='{ZONES[level - 1]}' "
        "stroke-width='0.8' fill-rule='evenodd'/>"
    )


def _pattern(level: int, name: str) -> str:
    """Return the hatch of the zones of a level: denser where it is worse."""
    gap = ZONE_GAPS[level - 1]
    return (
        f"<pattern id='{name}{level}' width='{gap}' height='{gap}' "
        "patternUnits='userSpaceOnUse' patternTransform='rotate(45)'>"
        f"<rect width='1.4' height='{gap}' fill='{ZONES[level - 1]}'/></pattern>"
    )


def _gaps(report: Report, plane: _Plane) -> dict[tuple[float, float], float]:
    """Return where people without a place live, put together square by square, with the people."""
    walks = report.plan.demand
    rows = walks[walks["status"].isin(_UNPLACED) & (walks["population"] > 0)]
    if rows.empty:
        return {}
    places = pd.DataFrame(
        plane.at(np.column_stack([rows.geometry.x, rows.geometry.y])), columns=["x", "y"]
    ).assign(people=rows["population"].to_numpy(float))
    squares = [np.floor(places[axis] / CELL) for axis in ("x", "y")]
    weighted = places[["x", "y"]].mul(places["people"], axis=0).assign(people=places["people"])
    sums = weighted.groupby(squares).sum()
    ordered = sums.sort_values("people", ascending=False, kind="stable")
    return {
        (float(x / people), float(y / people)): float(people)
        for x, y, people in ordered[["x", "y", "people"]].to_numpy(float)
    }


def _circle(x: float, y: float, radius: float) -> str:
    return (
        f"<circle cx='{x:.1f}' cy='{y:.1f}' r='{max(radius, 1.2):.1f}' fill='#ffb000' "
        f"stroke='{_INK}' stroke-width='0.8'/>"
    )


def _shelters(report: Report, plane: _Plane) -> Iterator[str]:
    points = report.area.shelters.geometry.representative_point()
    reasons = report.plan.shelters["reason"].reindex(points.index)
    for (x, y), reason in zip(plane.at(np.c_[points.x, points.y]), reasons, strict=True):
        yield _square(x, y, used=reason == "")


def _square(x: float, y: float, *, used: bool) -> str:
    """Return the sign of a shelter: a full square, one with a cross if it is not used."""
    mark = "" if used else f"<path d='M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6' stroke='{_INK}'/>"
    return (
        f"<rect x='{x - 5:.1f}' y='{y - 5:.1f}' width='10' height='10' fill='#ffffff' "
        f"stroke='{_INK}' stroke-width='1'/>"
        + f"<rect x='{x - 3:.1f}' y='{y - 3:.1f}' width='6' height='6' fill='#00522c'/>" * used
        + mark
    )


def _numbers(report: Report, plane: _Plane, numbers: Sequence[str]) -> Iterator[str]:
    shapes = report.plan.communities.geometry.loc[list(numbers)]
    points = shapes.representative_point()
    for number, (x, y) in enumerate(plane.at(np.c_[points.x, points.y]), 1):
        yield _number(x, y, number)


def _number(x: float, y: float, number: int) -> str:
    wide = 11 + 6 * len(str(number))
    return (
        f"<rect x='{x - wide / 2:.1f}' y='{y - 8:.1f}' width='{wide}' height='16' rx='8' "
        f"fill='#ffffff' stroke='{_INK}'/><text x='{x:.1f}' y='{y + 4:.1f}' "
        f"font-family='sans-serif' font-weight='700' font-size='11' text-anchor='middle' "
        f"fill='{_INK}'>{number}</text>"
    )


def _north(plane: _Plane, said: str) -> str:
    x, y = plane.width - 16, 12
    return (
        f"<path d='M{x:.1f} {y}l6 16l-6 -4l-6 4z' fill='{_INK}'/>"
        f"<text x='{x:.1f}' y='{y + 28}' font-family='sans-serif' font-size='11' "
        f"font-weight='700' text-anchor='middle'>{said}</text>"
    )


def _foot(plane: _Plane, words: str) -> str:
    """Return the scale and whose data it is, below the map; `words` has {km}."""
    ruler = _ruler(plane, words).replace("class='ruler'", f"fill='none' stroke='{_INK}'")
    ruler = ruler.replace("class='scale'", "font-family='sans-serif' font-size='11'")
    return (
        f"<rect x='0' y='{plane.height:.1f}' width='{plane.width:.1f}' height='{FOOT:.0f}' "
        f"fill='#ffffff'/><g transform='translate(0 15)'>{ruler}</g>"
        f"<text x='14' y='{plane.height + 29:.1f}' font-family='sans-serif' font-size='10'>"
        f"{escape(ATTRIBUTION)}</text>"
    )


def _legend(report: Report, levels: Sequence[int], most: float, *, numbered: bool) -> str:
    voice, shares = report.voice, report.plan.communities["possible_share"]
    found = sorted({share_class(share) for share in shares})
    unused = bool((report.plan.shelters["reason"] != "").any())
    items = [
        (
            _box(FILLS[one] if one >= 0 else NOBODY),
            voice.say(f"map.class_{one if one >= 0 else 'none'}"),
        )
        for one in reversed(found)
    ]
    first = f"<p class='legend-title'>{escape(voice.say('map.share'))}</p>{_list(items)}"
    signs = [(_square(9, 9, used=True), voice.say("map.shelter"))]
    signs += [(_square(9, 9, used=False), voice.say("map.unused"))] if unused else []
    if most:
        signs.append((_circle(9, 9, LARGEST), voice.say("map.gap", number=short(most))))
    signs += [
        (
            f"<defs>{_pattern(level, 'key')}</defs>{_box(f'url(#key{level})')}",
            voice.say("map.zone", level=level),
        )
        for level in levels
    ]
    signs += [(_number(9, 9, 1), voice.say("map.number"))] if numbered else []
    return first + _list(signs)


def _box(fill: str) -> str:
    return f"<rect x='1' y='1' width='16' height='16' fill='{fill}' stroke='#3b444b'/>"


def _list(items: Sequence[tuple[str, str]]) -> str:
    return (
        "<ul class='legend'>"
        + "".join(
            "<li><svg viewBox='0 0 18 18' width='18' height='18' aria-hidden='true'>"
            f"{sign}</svg>{escape(said)}</li>"
            for sign, said in items
        )
        + "</ul>"
    )
