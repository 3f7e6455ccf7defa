"""The words, colours and style of a map, and where its files are: nothing is drawn here."""

from __future__ import annotations

from dataclasses import dataclass


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


ZONES = ("#b667ad", "#9a3f94", "#77247a", "#4e0d58")
"""Colours of the levels of hazard zones, 1 to 4, on a light ground."""
ZONES_DARK = ("#a2529b", "#c679c0", "#dfa2da", "#f5cdf2")
ZONE_GAPS = (16, 11, 8, 5)
"""From line to line of the hatch of each level [px]."""


def hatch(level: int, *, dark: bool) -> str:
    """Return the background of a key that stands for the zones of a level, as CSS.

    Examples
    --------
    >>> hatch(4, dark=False)
    'repeating-linear-gradient(45deg,#4e0d58 0 2px,#4e0d5842 2px 5px)'
    """
    colour = (ZONES_DARK if dark else ZONES)[level - 1]
    tint = f"{colour}{round(255 * (0.06 + level * 0.05)):02x}"
    gap = ZONE_GAPS[level - 1]
    return f"repeating-linear-gradient(45deg,{colour} 0 2px,{tint} 2px {gap}px)"


def sheet(*, dark: bool) -> str:
    """Return the style sheet of a map."""
    zones = zip(range(1, 5), ZONES_DARK if dark else ZONES, strict=True)
    colours = "".join(f"--zone{level}:{colour};" for level, colour in zones)
    return (_DARK if dark else _LIGHT) + colours + "}" + _CSS


_LIGHT = """:root{--ground:#e9edf0;--land:#fbfaf7;--ink:#0b0c0c;
--paper:#ffffff;--line:#0b0c0c;--route:#0b3c8c;--casing:#ffffff;--shut:#c1121f;
"""
_DARK = """:root{--ground:#0c1013;--land:#171c20;--ink:#f4f6f7;
--paper:#1d2429;--line:#c8d0d6;--route:#6db3ff;--casing:#0b0c0c;--shut:#ff7b72;
"""
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
.map-shut,.map-unused{box-sizing:border-box;width:22px;height:22px;border:3px solid var(--shut);
background:var(--paper);color:var(--shut);font:900 18px/16px sans-serif;text-align:center}
.map-shut{box-shadow:0 0 0 2px var(--casing)}
.map-unused{width:16px;height:16px;border:2px solid var(--ink);color:var(--ink);
font:900 13px/11px sans-serif;border-radius:50%}
.shut{stroke:var(--shut)}
.urgent{stroke:var(--shut)}
.candidate{stroke:var(--route);fill:var(--paper)}
.map-site{display:flex;align-items:center;justify-content:center;box-sizing:border-box;
width:30px;height:30px;border-radius:5px;background:#0b3c8c;color:#fff;border:3px solid #fff;
box-shadow:0 0 0 2px #0b0c0c;font:700 16px/1 sans-serif}
.map-site.chosen{background:#ffdd00;color:#0b0c0c;border-color:#0b0c0c;
box-shadow:0 0 0 3px #ffdd00}
.map-site.idle{background:#fff;color:#0b0c0c;border:3px dashed #0b0c0c}
.map-out{box-sizing:border-box;width:16px;height:16px;border-radius:50%;background:var(--paper);
color:var(--ink);border:1.5px solid var(--ink);font:900 13px/12px sans-serif;text-align:center;
opacity:.75}
.zone{pointer-events:none}
.zone1{stroke:var(--zone1);fill:url(#zone1)}
.zone2{stroke:var(--zone2);fill:url(#zone2)}
.zone3{stroke:var(--zone3);fill:url(#zone3)}
.zone4{stroke:var(--zone4);fill:url(#zone4)}
"""
