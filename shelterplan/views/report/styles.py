"""How QGIS and others draw the layers of a report: the classes and colours of its map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

import pandas as pd

from shelterplan.views.look import ZONES
from shelterplan.views.report.picture import CLASSES, FILLS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shelterplan.views.report.contents import Report
    from shelterplan.views.report.voice import Voice

AREAS: Final = ("communities", "districts", "hazard_zones")
"""Layers of areas."""
POINTS: Final = ("shelters", "proposal_alternative", "proposal_sites")
"""Layers of points."""
ORDER: Final = (*AREAS, *POINTS)
"""Layers with places, from the one drawn below all others to the one above."""
_OGC: Final = "http://www.opengis.net"
_LINE: Final = "#3b444b"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sign:
    """How the places of one class are drawn."""

    label: str
    condition: str
    """Which places these are, as an expression of QGIS (SQL, in effect)."""
    filter: str
    """The same as an OGC filter."""
    fill: str
    outline: str = _LINE
    width_mm: float = 0.2
    shape: str = "polygon"
    """`polygon`, `line` (an outline alone), `hatch`, or the sign of a point: `square`,
    `cross` (a square with a cross)."""


def table(report: Report, layers: Sequence[str]) -> pd.DataFrame:
    """Return the table of styles: one row a layer, as QGIS reads it."""
    rows = [
        {
            "f_table_catalog": "",
            "f_table_schema": "",
            "f_table_name": layer,
            "f_geometry_column": "geom",
            "styleName": "shelterplan",
            "styleQML": qml(signs(layer, report.voice)),
            "styleSLD": sld(layer, signs(layer, report.voice)),
            "useAsDefault": True,
            "description": report.voice.say(f"table.{layer}"),
            "owner": "",
            "ui": "",
            "update_time": pd.Timestamp(report.day, tz="UTC"),
        }
        for layer in layers
    ]
    return pd.DataFrame(rows)


def signs(layer: str, voice: Voice) -> list[Sign]:
    """Return how a layer is drawn, class by class; every place is in one of them."""
    if layer == "communities":
        return _shares(voice)
    if layer == "hazard_zones":
        return _zones(voice)
    if layer == "shelters":
        return [
            _point(voice.say("map.shelter"), "reason", "", "#00522c", used=True),
            _point(voice.say("map.unused"), "reason", "", "#ffffff", used=False),
        ]
    if layer == "proposal_sites":
        return [
            _point(voice.say("card.legend_site"), "reason", "", "#0b3c8c", used=True),
            _point(voice.say("card.legend_unused"), "reason", "", "#ffffff", used=False),
        ]
    everything = {"condition": "TRUE", "filter": "", "label": voice.say(f"table.{layer}")}
    if layer == "districts":
        return [Sign(fill="#ffffff", outline="#0b0c0c", width_mm=0.5, shape="line", **everything)]
    return [Sign(fill="#8ec5ff", outline="#0b3c8c", width_mm=0.4, shape="square", **everything)]


def _zones(voice: Voice) -> list[Sign]:
    """Return the classes of hazard zones: those that count by level, and the others."""
    counted = _test("PropertyIsEqualTo", "counted", "true")
    levels = [
        Sign(
            label=voice.say("map.zone", level=level),
            condition=f'"counted" AND "level" = {level}',
            filter=f"<ogc:And>{counted}{_test('PropertyIsEqualTo', 'level', str(level))}</ogc:And>",
            fill=ZONES[level - 1],
            outline=ZONES[level - 1],
            shape="hatch",
        )
        for level in range(1, 5)
    ]
    other = Sign(
        label=voice.say("map.zone_not_counted"),
        condition='NOT "counted"',
        filter=_test("PropertyIsNotEqualTo", "counted", "true"),
        fill="#ffffff",
        outline="#8a939b",
        shape="line",
    )
    return [*levels, other]


def _shares(voice: Voice) -> list[Sign]:
    """Return the classes of communities by the share of people with a place."""
    name, edges = "possible_share", (None, *CLASSES, None)
    made = []
    for number, fill in enumerate(FILLS):
        low, high = edges[number], edges[number + 1]
        tests = [f'"{name}" >= {low:g}'] if low is not None else []
        tests += [f'"{name}" < {high:g}'] if high is not None else [f'"{name}" <= 1']
        filters = [_compared("GreaterThanOrEqualTo", name, low)] if low is not None else []
        filters.append(
            _compared("LessThan", name, high)
            if high is not None
            else _compared("LessThanOrEqualTo", name, 1.0)
        )
        both = "".join(filters)
        made.append(
            Sign(
                label=voice.say(f"map.class_{number}"),
                condition=" AND ".join(tests),
                filter=f"<ogc:And>{both}</ogc:And>" if len(filters) > 1 else both,
                fill=fill,
            )
        )
    nobody = f"<ogc:PropertyIsNull><ogc:PropertyName>{name}</ogc:PropertyName></ogc:PropertyIsNull>"
    return [
        *made,
        Sign(
            label=voice.say("map.class_none"),
            condition=f'"{name}" IS NULL',
            filter=nobody,
            fill="#ffffff",
        ),
    ]


def _point(label: str, name: str, value: str, fill: str, *, used: bool) -> Sign:
    operator = "=" if used else "<>"
    test = "PropertyIsEqualTo" if used else "PropertyIsNotEqualTo"
    return Sign(
        label=label,
        condition=f"\"{name}\" {operator} '{value}'",
        filter=_test(test, name, value),
        fill=fill,
        outline="#ffffff" if used else "#0b0c0c",
        width_mm=0.3,
        shape="square" if used else "cross",
    )


def _compared(test: str, name: str, value: float) -> str:
    return _test(f"PropertyIs{test}", name, f"{value:g}")


def _test(test: str, name: str, value: str) -> str:
    return (
        f"<ogc:{test}><ogc:PropertyName>{name}</ogc:PropertyName>"
        f"<ogc:Literal>{escape(value)}</ogc:Literal></ogc:{test}>"
    )


def qml(drawn: Sequence[Sign]) -> str:
    """Return a style as QGIS keeps it: a renderer by rules."""
    rules = "".join(
        f"<rule symbol='{number}' key='{{{number}}}' label={quoteattr(sign.label)} "
        f"filter={quoteattr(sign.condition)}/>"
        for number, sign in enumerate(drawn)
    )
    symbols = "".join(_symbol(number, sign) for number, sign in enumerate(drawn))
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
        "<qgis version='3.22' styleCategories='Symbology'>"
        "<renderer-v2 type='RuleRenderer' symbollevels='0' forceraster='0' enableorderby='0'>"
        f"<rules key='{{rules}}'>{rules}</rules><symbols>{symbols}</symbols></renderer-v2></qgis>"
    )


def _symbol(number: int, sign: Sign) -> str:
    kind = "fill" if sign.shape in {"polygon", "hatch", "line"} else "marker"
    if kind == "marker":
        filled = {
            "name": "square",
            "color": _rgb(sign.fill),
            "outline_color": _rgb(sign.outline),
            "outline_width": f"{sign.width_mm:g}",
            "size": "3",
            "size_unit": "MM",
        }
        layers = _layer("SimpleMarker", filled)
        if sign.shape == "cross":
            crossed = {"name": "cross2", "size": "2", "outline_width": "0.4"}
            layers += _layer("SimpleMarker", filled | crossed)
    else:
        style = {"polygon": "solid", "hatch": "b_diagonal", "line": "no"}[sign.shape]
        layers = _layer(
            "SimpleFill",
            {
                "color": _rgb(sign.fill),
                "style": style,
                "outline_color": _rgb(sign.outline),
                "outline_width": f"{sign.width_mm:g}",
                "outline_width_unit": "MM",
                "outline_style": "solid",
            },
        )
    return f"<symbol type='{kind}' name='{number}' alpha='1' clip_to_extent='1'>{layers}</symbol>"


def _layer(kind: str, settings: dict[str, str]) -> str:
    options = "".join(
        f"<Option type='QString' name={quoteattr(name)} value={quoteattr(value)}/>"
        for name, value in settings.items()
    )
    old = "".join(f"<prop k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in settings.items())
    return (
        f"<layer class='{kind}' enabled='1' pass='0' locked='0'>"
        f"<Option type='Map'>{options}</Option>{old}</layer>"
    )


def _rgb(colour: str) -> str:
    """Return a colour as QGIS writes it.

    Examples
    --------
    >>> _rgb("#00522c")
    '0,82,44,255'
    """
    return ",".join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5)) + ",255"


def sld(layer: str, drawn: Sequence[Sign]) -> str:
    """Return a style as a Styled Layer Descriptor 1.0, which most map servers read."""
    rules = "".join(_rule(sign) for sign in drawn)
    return (
        "<?xml version='1.0' encoding='UTF-8'?>"
        f"<StyledLayerDescriptor version='1.0.0' xmlns='{_OGC}/sld' xmlns:ogc='{_OGC}/ogc'>"
        f"<NamedLayer><Name>{layer}</Name><UserStyle><Title>shelterplan</Title><FeatureTypeStyle>"
        f"{rules}</FeatureTypeStyle></UserStyle></NamedLayer></StyledLayerDescriptor>"
    )


def _rule(sign: Sign) -> str:
    where = f"<ogc:Filter>{sign.filter}</ogc:Filter>" if sign.filter else ""
    return (
        f"<Rule><Name>{escape(sign.label)}</Name><Title>{escape(sign.label)}</Title>{where}"
        f"{_symbolizer(sign)}</Rule>"
    )


def _symbolizer(sign: Sign) -> str:
    stroke = (
        f"<Stroke><CssParameter name='stroke'>{sign.outline}</CssParameter>"
        f"<CssParameter name='stroke-width'>{max(sign.width_mm * 4, 0.8):g}</CssParameter></Stroke>"
    )
    fill = f"<Fill><CssParameter name='fill'>{sign.fill}</CssParameter></Fill>"
    if sign.shape == "polygon":
        return f"<PolygonSymbolizer>{fill}{stroke}</PolygonSymbolizer>"
    if sign.shape == "line":
        return f"<PolygonSymbolizer>{stroke}</PolygonSymbolizer>"
    if sign.shape == "hatch":
        hatch = f"<Fill><GraphicFill>{_graphic('shape://slash', sign.fill, 8)}</GraphicFill></Fill>"
        return f"<PolygonSymbolizer>{hatch}{stroke}</PolygonSymbolizer>"
    square = _graphic("square", sign.fill, 11, outline=sign.outline)
    made = f"<PointSymbolizer>{square}</PointSymbolizer>"
    if sign.shape == "square":
        return made
    return made + f"<PointSymbolizer>{_graphic('x', sign.outline, 8)}</PointSymbolizer>"


def _graphic(name: str, fill: str, size: int, *, outline: str = "") -> str:
    filled = f"<Fill><CssParameter name='fill'>{fill}</CssParameter></Fill>" if outline else ""
    stroke = f"<Stroke><CssParameter name='stroke'>{outline or fill}</CssParameter></Stroke>"
    return (
        f"<Graphic><Mark><WellKnownName>{name}</WellKnownName>{filled}{stroke}</Mark>"
        f"<Size>{size}</Size></Graphic>"
    )
