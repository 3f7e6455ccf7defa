"""New sites on a map: candidates, the sites of a plan in the order to build them, and outlines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shelterplan.views.escape import escape
from shelterplan.views.map import FeatureGroup, MapTemplate, Point, _lat_lon, _Layer, _outline

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Fitness = Literal["free", "out"]
"""Whether a candidate can be chosen, or a rule leaves it out."""
MANY = 100
"""With more candidates than this the rings are small, so that shelters can still be seen."""
RADIUS_PX, SMALL_RADIUS_PX = 4.5, 2.5
MOST_MARKED = 2000
"""Most candidates on a map; those that can be chosen come first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A candidate site that is not in the plan."""

    at: Point
    tip: str
    """Its name, and why it is left out if it is."""
    fitness: Fitness = "free"


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanSite:
    """A site of a plan."""

    at: Point
    number: int
    """Its turn to be built."""
    tip: str
    chosen: bool = False


class _Candidates(_Layer):
    """Rings for candidates that can be chosen, grey crosses for those that cannot."""

    _template = MapTemplate("""
        {% macro script(this, kwargs) %}
        (function (group, value) {
            for (const [lat, lon, tip] of value.out) L.marker([lat, lon], {keyboard: false,
                bubblingMouseEvents: true, zIndexOffset: 100, icon: L.divIcon({className: "",
                    html: "<div class='map-out'>×</div>", iconSize: [16, 16]})})
                .bindTooltip(tip).addTo(group);
            for (const [lat, lon, tip] of value.free) L.circleMarker([lat, lon], {
                radius: value.radius,
                weight: 2, opacity: 1, fillOpacity: 1, bubblingMouseEvents: true,
                className: "candidate"}).bindTooltip(tip).addTo(group);
        })({{ this._parent.get_name() }}, {{ this.value }});
        {% endmacro %}
    """)


class _Plan(_Layer):
    """The sites of a plan, numbered."""

    _template = MapTemplate("""
        {% macro script(this, kwargs) %}
        (function (map, group, value) {
            for (const [lat, lon, number, tip, chosen] of value.sites)
                L.marker([lat, lon], {keyboard: false, bubblingMouseEvents: true,
                    zIndexOffset: chosen ? 900 : 600, icon: L.divIcon({className: "",
                        html: "<div class='map-site" + (chosen ? " chosen" : "") + "'>" + number +
                            "</div>", iconSize: [30, 30]})}).bindTooltip(tip).addTo(group);
            if (value.move && map.getSize().y > 100) {
                map.keepView();
                const at = L.latLng(value.move);
                if (!map.getBounds().pad(-0.1).contains(at)) map.panTo(at, {animate: false});
            }
        })({{ this._parent._parent.get_name() }}, {{ this._parent.get_name() }}, {{ this.value }});
        {% endmacro %}
    """)


class _Outlines(_Layer):
    """Communities that stand out: a broad line with dashes, so that it is no border."""

    _template = MapTemplate("""
        {% macro script(this, kwargs) %}
        for (const shape of {{ this.value }})
            for (const [css, weight, dash] of [["casing", 6, ""], ["urgent", 3.5, "10 5"]])
                L.geoJSON(shape, {interactive: false, style: {weight: weight, opacity: 1,
                    dashArray: dash, fill: false, className: css}})
                    .addTo({{ this._parent.get_name() }});
        {% endmacro %}
    """)


def mark_candidates(to: FeatureGroup, candidates: Sequence[Candidate]) -> None:
    """Put candidates on the map: rings where they can be chosen, crosses where they cannot."""
    free = [one for one in candidates if one.fitness == "free"][:MOST_MARKED]
    out = [one for one in candidates if one.fitness == "out"][: MOST_MARKED - len(free)]
    value = {
        "free": [[*_lat_lon(one.at), escape(one.tip)] for one in free],
        "out": [[*_lat_lon(one.at), escape(one.tip)] for one in out],
        "radius": RADIUS_PX if len(free) <= MANY else SMALL_RADIUS_PX,
    }
    _Candidates("candidates", value).add_to(to)


def mark_plan(to: FeatureGroup, sites: Sequence[PlanSite], *, move: bool = False) -> None:
    """Put the sites of a plan on the map; `move` brings the chosen one into view."""
    chosen = next((site for site in sites if site.chosen), None)
    value = {
        "sites": [
            [*_lat_lon(site.at), str(int(site.number)), escape(site.tip), site.chosen]
            for site in sites
        ],
        "move": _lat_lon(chosen.at) if move and chosen else None,
    }
    _Plan("plan", value).add_to(to)


def outline(to: FeatureGroup, shapes: Sequence[BaseGeometry]) -> None:
    """Outline communities that stand out."""
    _Outlines("outlines", [_outline(shape) for shape in shapes]).add_to(to)
