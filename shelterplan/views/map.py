"""Maps: the only module that builds folium elements.

Nothing here asks another host for anything: Leaflet is vendored, there are no tiles, and the
streets come from one binary (`street_pack`). Every text passes through `escape`, every value
through `script_json`, so the templates below hold no text from outside.

The base map stays the same while somebody uses it; what changes (a route, a chosen community)
is a `FeatureGroup` handed to the page beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, cast

import folium
from branca.element import Element, MacroElement
from folium.template import Template

from shelterplan.views import look as style
from shelterplan.views.escape import escape
from shelterplan.views.script_json import Written, rounded, script_json

if TYPE_CHECKING:
    import geopandas as gpd
    from branca.element import Figure
    from shapely.geometry.base import BaseGeometry

FeatureGroup = folium.FeatureGroup
MapTemplate = Template
Assets = style.Assets
Look = style.Look

Point = tuple[float, float]
"""Longitude and latitude [degrees]."""

Bounds = tuple[float, float, float, float]
"""West, south, east, north [degrees]."""


class _Text(Element):
    """A part of a page that is finished; branca would read it as a template once more."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def render(self, **_: object) -> str:
        """Return the text."""
        return self.text


class _AsWritten(MacroElement):
    """Puts its parts on the page as its template wrote them."""

    def render(self, **kwargs: object) -> str:
        """Put the parts of this element and of its children on the page; return nothing to add."""
        figure, module = cast("Figure", self.get_root()), self._template.module
        for part in ("header", "html", "script"):
            if (write := getattr(module, part, None)) is not None:
                getattr(figure, part).add_child(_Text(write(self, kwargs)), name=self.get_name())
        for child in self._children.values():
            child.render(**kwargs)
        return ""


class Map(_AsWritten, folium.Map):
    """A Leaflet map with vendored files, no tiles, and nothing from any other host."""

    _template = Template("""
        {% macro header(this, kwargs) %}
        <style>{{ this.css }}</style>
        {% endmacro %}
        {% macro html(this, kwargs) %}
        <div class="folium-map" id="{{ this.get_name() }}"></div>
        {% endmacro %}
        {% macro script(this, kwargs) %}
        (function (div) {
            div.style.height = "";
            div.setAttribute("aria-label", {{ this.label }});
            div.setAttribute("role", "application");
        })(document.getElementById("{{ this.get_name() }}"));
        document.documentElement.lang = {{ this.lang }};
        document.title = {{ this.label }};
        var {{ this.get_name() }} = L.map("{{ this.get_name() }}", {
            zoomControl: false, attributionControl: false, maxZoom: 19, minZoom: 9,
            zoomSnap: 0.25});
        {{ this.get_name() }}.fitBounds({{ this.bounds }});
        (function (map, box) {
            let own = true;
            const taken = () => { own = false; };
            for (const kind of ["pointerdown", "wheel", "keydown"])
                map.getContainer().addEventListener(kind, taken, {once: true, passive: true});
            map.keepView = taken;
            map.on("resize", () => { if (own) map.fitBounds(box, {animate: false}); });
        })({{ this.get_name() }}, {{ this.bounds }});
        L.control.zoom({{ this.zoom }}).addTo({{ this.get_name() }});
        L.control.scale({imperial: false}).addTo({{ this.get_name() }});
        L.control.attribution({prefix: false}).addAttribution({{ this.attribution }})
            .addTo({{ this.get_name() }});
        L.addStreets({{ this.get_name() }}, {{ this.streets }}, {{ this.street_options }});
        {% endmacro %}
    """)

    def __init__(self, bounds: Bounds, *, assets: Assets, look: Look) -> None:
        west, south, east, north = bounds
        super().__init__(location=[(south + north) / 2, (west + east) / 2], tiles=None)
        self._id = "base"
        self.default_js = [
            ("leaflet", f"{assets.vendor}/leaflet/leaflet.js"),
            ("street_layer", f"{assets.vendor}/street_layer.js"),
        ]
        self.default_css = [("leaflet_css", f"{assets.vendor}/leaflet/leaflet.css")]
        self.bounds = script_json([[south, west], [north, east]])
        self.label = script_json(look.label)
        self.lang = script_json(look.lang)
        self.attribution = script_json(escape(look.attribution))
        self.streets = script_json(assets.streets)
        self.street_options = script_json({"dark": look.dark, "failed": look.streets_failed})
        self.zoom = script_json({"zoomInTitle": look.zoom_in, "zoomOutTitle": look.zoom_out})
        self.css = style.sheet(dark=look.dark)


class _Layer(_AsWritten):
    """One Leaflet layer made by a line of script from a value."""

    def __init__(self, name: str, value: object) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = name
        self.value = script_json(value)


class _Shelters(_Layer):
    """All shelters as green dots with their names."""

    _template = Template("""
        {% macro script(this, kwargs) %}
        for (const [lat, lon, tip, radius] of {{ this.value }})
            L.circleMarker([lat, lon], {radius: radius, weight: 2, color: "#ffffff", opacity: 1,
                fillColor: "#00703c", fillOpacity: 1, className: "shelter"})
                .bindTooltip(tip).addTo({{ this._parent.get_name() }});
        {% endmacro %}
    """)


class _Ground(_Layer):
    """The study area as land, beneath the streets."""

    _template = Template("""
        {% macro script(this, kwargs) %}
        {{ this._parent.get_name() }}.createPane("ground").style.zIndex = 150;
        L.geoJSON({{ this.value }}, {pane: "ground", interactive: false,
            renderer: L.svg({pane: "ground"}),
            style: {stroke: true, color: "var(--line)", opacity: 0.5, weight: 1.5,
                dashArray: "6 4", fillColor: "var(--land)", fillOpacity: 1}})
            .addTo({{ this._parent.get_name() }});
        {% endmacro %}
    """)


class _Polygons(_Layer):
    """Communities, without a fill until they are painted."""

    _template = Template("""
        {% macro script(this, kwargs) %}
        {{ this._parent.get_name() }}.communities = {{ this.value }}.map(shape =>
            L.geoJSON(shape, {style: {color: "#ffffff", weight: 1.5, opacity: 0.9,
                fillOpacity: 0, className: "community"}})
                .bindTooltip("", {sticky: true}).addTo({{ this._parent.get_name() }}));
        {% endmacro %}
    """)


class _Paint(_Layer):
    """What each community is filled with, and told when it is pointed at."""

    _template = Template("""
        {% macro script(this, kwargs) %}
        (function (map, value) {
            value.fills.forEach(([colour, tip], i) =>
                map.communities[i].setTooltipContent(tip).setStyle({fillColor: colour,
                    fillOpacity: colour === "none" ? 0 : value.opacity}));
        })({{ this._parent._parent.get_name() }}, {{ this.value }});
        {% endmacro %}
    """)


class _Zones(_Layer):
    """Hazard zones above everything that is filled, hatched the closer the worse they are."""

    _template = Template("""
        {% macro script(this, kwargs) %}
        (function (map, value) {
            const make = (name, settings, parent) => {
                const made = document.createElementNS("http://www.w3.org/2000/svg", name);
                for (const [key, text] of Object.entries(settings)) made.setAttribute(key, text);
                return parent.appendChild(made);
            };
            const svg = make("svg", {width: 0, height: 0, "aria-hidden": "true"},
                map.getContainer());
            for (const [level, gap] of value.hatches) {
                const colour = "var(--zone" + level + ")";
                const hatch = make("pattern", {id: "zone" + level, width: gap, height: gap,
                    patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)"}, svg);
                make("rect", {width: gap, height: gap, fill: colour,
                    "fill-opacity": 0.06 + level * 0.05}, hatch);
                make("rect", {width: 1.8, height: gap, fill: colour}, hatch);
            }
            const pane = map.createPane("zones");
            pane.style.zIndex = 420;
            pane.style.pointerEvents = "none";
            for (const [level, shape] of value.zones)
                L.geoJSON(shape, {pane: "zones", interactive: false, attribution: value.source,
                    renderer: L.svg({pane: "zones"}), style: {weight: 1.5, fill: true,
                        fillOpacity: 1, className: "zone zone" + level}}).addTo(map);
        })({{ this._parent.get_name() }}, {{ this.value }});
        {% endmacro %}
    """)


class _Shut(_Layer):
    """What is closed by hand, and the shelters to which nobody is sent: by colour and by form."""

    _template = Template("""
        {% macro script(this, kwargs) %}
        (function (group, value) {
            const sign = ([lat, lon, shut, tip]) => {
                const size = shut ? 22 : 16;
                /* beside the dot, so that a second tap differs from the first and is told */
                L.marker([lat + 1e-6, lon], {keyboard: false, bubblingMouseEvents: true,
                    zIndexOffset: shut ? 400 : 200, icon: L.divIcon({className: "",
                        html: shut ? "<div class='map-shut'>×</div>"
                            : "<div class='map-unused'>–</div>", iconSize: [size, size]})})
                    .bindTooltip(tip).addTo(group);
            };
            for (const [name, weight, dash] of [["casing", 11, ""], ["shut", 7, "12 6"]])
                for (const line of value.streets) L.polyline(line, {weight: weight, opacity: 1,
                    dashArray: dash, lineCap: "butt", interactive: false, className: name})
                    .addTo(group);
            value.signs.forEach(sign);
        })({{ this._parent.get_name() }}, {{ this.value }});
        {% endmacro %}
    """)


class _Chosen(_Layer):
    """One chosen community: a thick outline, brought into view when it is not."""

    _template = Template("""
        {% macro script(this, kwargs) %}
        (function (map, group, value) {
            for (const [colour, weight] of [["#ffffff", 9], ["#0b0c0c", 5], ["#ffdd00", 2.5]])
                L.geoJSON(value.shape, {interactive: false, style: {color: colour,
                    weight: weight, fill: false, className: "chosen"}}).addTo(group);
            map.keepView();
            if (value.move) map.fitBounds(L.geoJSON(value.shape).getBounds(),
                {padding: [40, 40], maxZoom: 16});
        })({{ this._parent._parent.get_name() }}, {{ this._parent.get_name() }}, {{ this.value }});
        {% endmacro %}
    """)


class _Answer(_Layer):
    """Where somebody is, the route to one shelter, and the numbered shelters."""

    _template = Template("""
        {% macro script(this, kwargs) %}
        (function (map, group, value) {
            const mark = (at, css, text, tip, z) => {
                const size = css === "map-you" ? 24 : css === "map-number" ? 34 : 30;
                const icon = L.divIcon({className: "", html: "<div class='" + css + "'>" + text +
                    "</div>", iconSize: [size, size]});
                const marker = L.marker(at, {icon: icon, keyboard: false, zIndexOffset: z,
                    bubblingMouseEvents: true});
                if (tip) marker.bindTooltip(tip);
                marker.addTo(group);
            };
            for (const [name, weight] of [["casing", 11], ["route", 7]])
                if (value.route.length > 1) L.polyline(value.route, {weight: weight, opacity: 1,
                    lineJoin: "round", interactive: false, className: name}).addTo(group);
            for (const leg of value.legs) L.polyline(leg, {weight: 5, dashArray: "1 9",
                lineCap: "round", interactive: false, className: "route"}).addTo(group);
            for (const [lat, lon, text, tip, chosen] of value.shelters)
                mark([lat, lon], chosen ? "map-number" : "map-number other", text, tip,
                    chosen ? 900 : 500);
            mark(value.you, "map-you", "", value.you_tip, 800);
            const box = L.latLngBounds([value.you].concat(value.route));
            const size = map.latLngToContainerPoint(box.getNorthEast())
                .distanceTo(map.latLngToContainerPoint(box.getSouthWest()));
            map.keepView();
            if (value.move && (!map.getBounds().pad(-0.05).contains(box)
                    || (value.route.length && size < 120)))
                map.fitBounds(box, {padding: [60, 60], maxZoom: 17});
        })({{ this._parent._parent.get_name() }}, {{ this._parent.get_name() }}, {{ this.value }});
        {% endmacro %}
    """)


@dataclass(frozen=True, kw_only=True, slots=True)
class Marked:
    """A shelter that is an answer, to be numbered on the map."""

    at: Point
    number: int
    name: str
    chosen: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Sign:
    """A shelter or a street that cannot be used."""

    at: Point
    tip: str
    """What it is, and why nobody is sent there."""
    shut: bool
    """Whether it is closed by hand."""


def base_map(*, bounds: Bounds, ground: BaseGeometry | None, assets: Assets, look: Look) -> Map:
    """Return a map of the streets, with the study area as land beneath them."""
    made = Map(bounds, assets=assets, look=look)
    if ground is not None:
        _Ground("ground", _outline(ground)).add_to(made)
    return made


def add_shelters(to: Map, shelters: Sequence[tuple[Point, str]], *, radius_px: int = 7) -> None:
    """Put every shelter on the map, as a dot that tells its name when pointed at."""
    dots = [[*_lat_lon(at), escape(name), radius_px] for at, name in shelters]
    _Shelters("shelters", dots).add_to(to)


def add_communities(to: Map, communities: gpd.GeoSeries) -> None:
    """Put the communities on the map; `paint_communities` fills them, in the same order."""
    _Polygons("communities", [_outline(shape) for shape in communities]).add_to(to)


def add_zones(to: Map, zones: Sequence[tuple[int, BaseGeometry]], *, source: str) -> None:
    """Put hazard zones on the map, each with its level (1 to 4), and say whose they are."""
    if zones:
        shapes = [[int(level), _outline(shape)] for level, shape in zones]
        hatches = [list(hatch) for hatch in enumerate(style.ZONE_GAPS, 1)]
        value = {"zones": shapes, "hatches": hatches, "source": escape(source)}
        _Zones("zones", value).add_to(to)


def paint_communities(
    to: FeatureGroup, colours: Sequence[str], tips: Sequence[str], *, opacity: float = 0.82
) -> None:
    """Fill each community of the map with its colour, and set what it tells when pointed at."""
    fills = [[colour, escape(tip)] for colour, tip in zip(colours, tips, strict=True)]
    _Paint("paint", {"fills": fills, "opacity": opacity}).add_to(to)


def mark_shut(
    to: FeatureGroup, *, signs: Sequence[Sign] = (), streets: Sequence[Sequence[Point]] = ()
) -> None:
    """Mark shelters to which nobody is sent, and streets that are closed."""
    value = {
        "signs": [[*_lat_lon(sign.at), sign.shut, escape(sign.tip)] for sign in signs],
        "streets": [[_lat_lon(point) for point in line] for line in streets],
    }
    _Shut("shut", value).add_to(to)


def chosen_community(shape: BaseGeometry | None, *, move: bool) -> FeatureGroup:
    """Return the outline of the chosen community; `move` brings it into view."""
    group = FeatureGroup("chosen")
    if shape is not None:
        _Chosen("outline", {"shape": _outline(shape), "move": move}).add_to(group)
    return group


def answer_group(
    *,
    you: Point,
    you_tip: str,
    route: Sequence[Point] = (),
    shelters: Sequence[Marked] = (),
    move: bool = True,
) -> FeatureGroup:
    """Return a person's position, the route to the chosen shelter and the numbered shelters.

    `move` brings position and route into view where they are not, or too small to be seen.
    """
    group = FeatureGroup("answer")
    chosen = next((mark for mark in shelters if mark.chosen), None)
    legs = [] if not route or chosen is None else [(you, route[0]), (route[-1], chosen.at)]
    _Answer(
        "route",
        {
            "you": _lat_lon(you),
            "you_tip": escape(you_tip),
            "route": [_lat_lon(point) for point in route],
            "legs": [[_lat_lon(start), _lat_lon(stop)] for start, stop in legs],
            "move": move,
            "shelters": [
                [*_lat_lon(mark.at), str(mark.number), escape(mark.name), mark.chosen]
                for mark in shelters
            ],
        },
    ).add_to(group)
    return group


def empty_group(kind: Literal["answer", "chosen"]) -> FeatureGroup:
    """Return a group that shows nothing."""
    return FeatureGroup(kind)


def _lat_lon(point: Point) -> list[Any]:
    """Return a point in Leaflet's order, to about a tenth of a metre."""
    return [round(float(point[1]), 6), round(float(point[0]), 6)]


@lru_cache(maxsize=4096)
def _outline(shape: BaseGeometry) -> Written:
    """Return an outline as GeoJSON for a script; every page of a study area shows the same ones."""
    return Written(script_json(rounded(shape.__geo_interface__, 6)))
