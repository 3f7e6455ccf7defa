"""Maps: the only module that builds folium elements.

Nothing here asks another host for anything: Leaflet is vendored, there are no tiles, and the
streets come from one binary (`street_pack`). Every text passes through `escape`, every value
through `script_json`, so the templates below hold no text from outside.

The base map stays the same while somebody uses it; what changes (a route, a chosen community)
is a `FeatureGroup` handed to the page beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import folium
from branca.element import MacroElement
from folium.template import Template

from shelterplan.views.escape import escape
from shelterplan.views.script_json import script_json

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry

FeatureGroup = folium.FeatureGroup

Point = tuple[float, float]
"""Longitude and latitude [degrees]."""

Bounds = tuple[float, float, float, float]
"""West, south, east, north [degrees]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """The words and colours of a map."""

    dark: bool = False
    """Whether the page around it is dark."""
    attribution: str = "OpenStreetMap contributors"
    """Whose data is drawn."""
    zoom_in: str = "Zoom in"
    zoom_out: str = "Zoom out"
    lang: str = "en"
    """Language of the words, as a BCP 47 tag."""
    label: str = "Map"
    """What a screen reader calls the map."""
    streets_failed: str = "The streets could not be loaded."


@dataclass(frozen=True, kw_only=True, slots=True)
class Assets:
    """Where the page finds the map's files, as addresses relative to the page."""

    vendor: str
    """Folder of Leaflet and of our street layer."""
    streets: str
    """The packed streets."""


class Map(folium.Map):
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
        self.css = _DARK + _CSS if look.dark else _LIGHT + _CSS


_LIGHT = """:root{--ground:#e9edf0;--land:#fbfaf7;--ink:#0b0c0c;
--paper:#ffffff;--line:#0b0c0c;--route:#0b3c8c;--casing:#ffffff}"""
_DARK = """:root{--ground:#0c1013;--land:#171c20;--ink:#f4f6f7;
--paper:#1d2429;--line:#c8d0d6;--route:#6db3ff;--casing:#0b0c0c}"""
_CSS = """
html,body{margin:0;padding:0;height:100%;overflow:hidden;background:var(--ground)}
#root,#parent,.float-child,#map_div,.folium-map{height:100% !important;width:100% !important}
body>span{display:none}
.leaflet-container{background:var(--ground);font:15px/1.4 "Source Sans","Noto Sans",
"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;cursor:crosshair}
.leaflet-container:focus-visible{outline:4px solid #ffdd00;outline-offset:-4px}
.leaflet-bar a,.leaflet-bar a:hover{background:var(--paper);color:var(--ink);width:44px;
height:44px;line-height:44px;font-size:24px;border-bottom-color:var(--line)}
.leaflet-touch .leaflet-bar a{width:44px;height:44px;line-height:44px}
.leaflet-bar a.leaflet-disabled{background:var(--paper);color:var(--ink);opacity:.5}
.leaflet-bar a:focus-visible{outline:4px solid #ffdd00;color:#0b0c0c;background:#ffdd00}
.leaflet-control-attribution,.leaflet-control-scale-line,
.leaflet-container .leaflet-control-attribution{background:var(--paper);color:var(--ink);
font-size:12px;padding:1px 6px;text-shadow:none}
.leaflet-control-scale-line{border-color:var(--ink)}
.leaflet-tooltip{background:var(--paper);color:var(--ink);border:1px solid var(--line);
font-size:15px;padding:4px 8px;white-space:normal;width:max-content;max-width:220px}
.leaflet-tooltip:before{display:none}
.route{stroke:var(--route)}
.casing{stroke:var(--casing)}
path.leaflet-interactive:focus{outline:none}
.map-note{background:var(--paper);color:var(--ink);padding:8px 12px;margin:0;font-weight:600}
.map-number{display:flex;align-items:center;justify-content:center;box-sizing:border-box;
width:34px;height:34px;border-radius:50%;background:#00703c;color:#fff;border:3px solid #fff;
box-shadow:0 0 0 2px #0b0c0c;font:700 18px/1 sans-serif}
.map-number.other{background:#fff;color:#00522c;border-color:#00703c;width:30px;height:30px;
font-size:16px}
.map-you{box-sizing:border-box;width:24px;height:24px;border-radius:50%;background:#0b0c0c;
border:5px solid #fff;box-shadow:0 0 0 3px #0b0c0c}
"""


class _Layer(MacroElement):
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
    """Communities, each filled with its colour and named when pointed at."""

    _template = Template("""
        {% macro script(this, kwargs) %}
        for (const [shape, colour, tip] of {{ this.value }})
            L.geoJSON(shape, {style: {color: "#ffffff", weight: 1.5, opacity: 0.9,
                fillColor: colour, fillOpacity: colour === "none" ? 0 : 0.82,
                className: "community"}})
                .bindTooltip(tip, {sticky: true}).addTo({{ this._parent.get_name() }});
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
                const marker = L.marker(at, {icon: icon, keyboard: false, zIndexOffset: z});
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


def base_map(*, bounds: Bounds, ground: BaseGeometry | None, assets: Assets, look: Look) -> Map:
    """Return a map of the streets, with the study area as land beneath them."""
    made = Map(bounds, assets=assets, look=look)
    if ground is not None:
        _Ground("ground", _rounded(ground.__geo_interface__)).add_to(made)
    return made


def add_shelters(to: Map, shelters: Sequence[tuple[Point, str]], *, radius_px: int = 7) -> None:
    """Put every shelter on the map, as a dot that tells its name when pointed at."""
    dots = [[*_lat_lon(at), escape(name), radius_px] for at, name in shelters]
    _Shelters("shelters", dots).add_to(to)


def add_communities(
    to: Map, communities: gpd.GeoSeries, *, colours: Mapping[str, str], tips: Mapping[str, str]
) -> None:
    """Fill each community with its colour; `colours` and `tips` are by community_id."""
    _Polygons(
        "communities",
        [
            [_rounded(shape.__geo_interface__), colours[key], escape(tips[key])]
            for key, shape in communities.items()
        ],
    ).add_to(to)


def chosen_community(shape: BaseGeometry | None, *, move: bool) -> FeatureGroup:
    """Return the outline of the chosen community; `move` brings it into view."""
    group = FeatureGroup("chosen")
    if shape is not None:
        _Chosen("outline", {"shape": _rounded(shape.__geo_interface__), "move": move}).add_to(group)
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


def _rounded(shape: object) -> object:
    """Return a GeoJSON geometry whose coordinates have six decimals."""
    if isinstance(shape, Mapping):
        return {key: _rounded(value) for key, value in shape.items()}
    if isinstance(shape, Sequence) and not isinstance(shape, str):
        return [_rounded(value) for value in shape]
    return round(shape, 6) if isinstance(shape, float) else shape
