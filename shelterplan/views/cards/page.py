"""Cards as pages of HTML, each exactly one A4 sheet: no network, no script, every text inert."""

from __future__ import annotations

import base64
import math
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import numpy as np

from shelterplan.study_area import ATTRIBUTION
from shelterplan.views.cards.figures import OUT_OF_REACH, UNSURE
from shelterplan.views.cards.link import square
from shelterplan.views.cards.picture import DASHES, draw
from shelterplan.views.cards.telling import cut, own_pace, width
from shelterplan.views.escape import escape
from shelterplan.views.proposal_telling import lost, places
from shelterplan.views.report.contents import day_of_report

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shelterplan.views.cards.card import Card
    from shelterplan.views.cards.figures import Shelter
    from shelterplan.views.cards.telling import Words
    from shelterplan.views.cards.ways import Way

POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)
TAGS: Final = {"en": "en", "zh": "zh-Hans"}
SHEET_MM: Final = 277.0
"""Height of a page without its margins."""
SPARE_MM: Final = 5.0
LEAST_MAP_MM, MOST_MAP_MM = 40.0, 150.0
LEGEND_MM: Final = 11.5
FOOT_MM: Final = 35.5
ICON_MM: Final = 3.8
DATED: Final = ("streets", "shelters")


def to_html(made: Sequence[Card]) -> str:
    """Return cards as one document: a page for each, which prints on one sheet of A4.

    The document asks nobody for anything: its own policy forbids it. `views.pdf.to_pdf` makes a
    PDF of it.
    """
    language = made[0].words.language if made else "en"
    title = (
        made[0].words.say("card.title", area=made[0].words.named(made[0].area.title))
        if made
        else ""
    )
    return (
        f"<!doctype html><html lang='{TAGS[language]}'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{_style()}</style></head>"
        f"<body><main>{''.join(map(_card, made))}</main></body></html>"
    )


def _style() -> str:
    return files("shelterplan.views.cards").joinpath("cards.css").read_text("utf-8")


def _card(card: Card) -> str:
    """Return one page: what must stand on it first, the map with what is left of its height."""
    parts = (_head(card), _shelters(card), _people(card))
    used = sum(height for _, height in parts) + FOOT_MM + SPARE_MM
    high = min(max(SHEET_MM - used - LEGEND_MM, LEAST_MAP_MM), MOST_MAP_MM)
    head, shelters, people = (html for html, _ in parts)
    shown = replace(card, ways=tuple(_fitting(card, high + LEGEND_MM)))
    where = _where(shown, high)
    return f"<section class='card'>{head}{where}{shelters}{people}{_foot(card)}</section>"


def _p(text: str, css: str = "") -> str:
    mark = f" class='{css}'" if css else ""
    return f"<p{mark}>{escape(text)}</p>" if text else ""


def _lines(text: str, letters: float) -> int:
    """Return in how many lines of so many letters a text stands, rather one too many."""
    return max(1, math.ceil(width(text) * 1.05 / letters))


def _head(card: Card) -> tuple[str, float]:
    """Return the name of the community and what the card is about, with its height [mm]."""
    words = card.words
    kicker = words.say("card.kicker")
    if card.scenario.hazard:
        hazard = words.hazard(card.scenario.hazard)
        kicker += " – " + words.say("card.hazard", hazard=cut(hazard, 30))
    name = cut(words.named(card.name), 80)
    small = width(name) > 29
    places_of = dict.fromkeys((words.named(card.area.title), words.named(card.district or " ")))
    about = [cut(name, 30) for name in places_of if name != words.say("card.unnamed")]
    near = "near_all" if card.delay_counts else "near"
    about.append(words.say(f"card.{near}", limit=words.limit(card.standard)))
    about += [cut(text, 50) for text in words.assumed(card.scenario)]
    line = " · ".join(about)
    css, letters, line_mm = ("about", 80, 5.0) if width(line) <= 160 else ("about long", 98, 4.0)
    banner, height = _banner(card)
    size = "small" if small else "large"
    html = (
        f"<header>{_p(kicker, 'kicker')}<h1 class='{size}'>{escape(name)}</h1>"
        f"{_p(line, css)}</header>{banner}"
    )
    name_mm = 8.2 * _lines(name, 42) if small else 11.5
    return html, 8 + name_mm + line_mm * _lines(line, letters) + 3 + height


def _banner(card: Card) -> tuple[str, float]:
    """Return that data is illustrative, if it is, with the height [mm]."""
    if not card.area.illustrative:
        return "", 0.0
    words = card.words
    told: list[str] = [name for name in ("shelters", "hazards") if name in card.area.illustrative]
    told += sorted(card.area.illustrative - {*told, "candidates"})
    listed = words.listed(words.word("table", name) for name in told or ["candidates"])
    text = words.say("card.illustrative", list=cut(listed, 70))
    return _p(text, "banner"), 5.2 * _lines(text, 78) + 5


def _where(card: Card, high: float) -> str:
    """Return the map, and beside it the main streets."""
    svg, _ = draw(
        card.ground,
        card.words,
        community=int(card.area.communities.index.get_indexer([card.community_id])[0]),
        ways=card.ways,
        letters=card.letters,
        high=high * 4,
    )
    return (
        f"<div class='where' style='height:{high + LEGEND_MM:.1f}mm'>"
        f"<div class='map'>{svg}{_legend(card, svg)}</div>"
        f"<div class='list'>{_list(card)}</div></div>"
    )


def _fitting(card: Card, high: float) -> list[Way]:
    """Return the first main streets, those for which there is room."""
    kept: list[Way] = []
    used = 12.5
    for way in card.ways:
        used += 5.4 * _lines(_street(card.words, way), 24)
        used += 6.2 + 1.8 + sum(4.7 * _lines(text, 32) for text in _remarks(card, way))
        if used > high and kept:
            break
        kept.append(way)
    return kept


def _street(words: Words, way: Way) -> str:
    return cut(words.named(way.name), 40)


def _remarks(card: Card, way: Way) -> list[str]:
    """Return what else must be said of a way: that it is too far, that it has stairs."""
    words, told = card.words, []
    if way.shelter_id and not way.within:
        far, values = "late" if card.delay_counts else "far", {"delay": words.delay(card.scenario)}
        told.append(words.say(f"card.{far}", limit=words.limit(card.standard), **values))
    if way.shelter_id and way.stairs and np.isfinite(way.step_free_m):
        values = {
            "minutes": words.minutes(way.step_free_s),
            "distance": words.distance(way.step_free_m),
        }
        told.append(words.say("card.stairs", **values))
    elif way.shelter_id and way.stairs:
        told.append(words.say("card.stairs_only"))
    if way.shelter_id not in {"", *(one.shelter_id for one in card.shelters)}:
        name = words.named(card.area.shelters.at[way.shelter_id, "name"])
        told.append(f"{card.letters.get(way.shelter_id, '')}: {cut(name, 55)}".lstrip(": "))
    return told


def _list(card: Card) -> str:
    """Return the main streets, each with the walk to its shelter."""
    words, ways = card.words, card.ways
    title = f"<h2>{escape(words.say('card.streets'))}</h2>"
    if not card.has_way:
        return f"{_p(words.say('people.none'), 'none')}{_p(words.say('people.ask'), 'none')}"
    if not ways:
        return title + _p(words.say("card.no_streets"))
    paces = list(next((way.walk_time_s for way in ways if way.shelter_id), {}))
    heads = [words.say("card.to"), words.say("card.walk")]
    heads += [_pace(card, name) for name in paces]
    made = "".join(f"<th>{escape(text)}</th>" for text in ["", *heads])
    columns = len(heads) + 1
    rows = "".join(_way(card, number, way, paces, columns) for number, way in enumerate(ways, 1))
    sizes = "<col class='mark'><col class='mark'>" + "<col>" * (columns - 2)
    return (
        f"{title}<table class='streets'><colgroup>{sizes}</colgroup>"
        f"<thead><tr>{made}</tr></thead>{rows}</table>"
    )


def _way(card: Card, number: int, way: Way, paces: Sequence[str], columns: int) -> str:
    """Return one main street: its name, its figures, and what else must be said."""
    words = card.words
    title = (
        f"<tr class='name'><td><span class='number'>{number}</span></td>"
        f"<td colspan='{columns - 1}'>{escape(_street(words, way))}</td></tr>"
    )
    if way.shelter_id:
        letter = f"<span class='letter'>{card.letters.get(way.shelter_id, '')}</span>"
        cells = [letter, escape(words.distance(way.distance_m))]
        cells += [_time(words, way.walk_time_s.get(name, np.inf)) for name in paces]
        figures = "".join(f"<td>{cell}</td>" for cell in ["", *cells])
    else:
        figures = (
            f"<td></td><td colspan='{columns - 1}'>{escape(words.word('none', way.status))}</td>"
        )
    more = "".join(
        f"<tr class='more'><td></td><td colspan='{columns - 1}'>{escape(text)}</td></tr>"
        for text in _remarks(card, way)
    )
    css = "figures three" if len(paces) > 2 else "figures"
    return f"<tbody>{title}<tr class='{css}'>{figures}</tr>{more}</tbody>"


def _pace(card: Card, walker: str) -> str:
    """Return the head of a column of times: the walker, or a speed that is not published."""
    if walker == card.scenario.walker.name and own_pace(card.scenario):
        return card.words.pace(card.scenario)
    return card.words.word("walker", walker)


def _time(words: Words, seconds: float) -> str:
    return f"<b>{escape(words.minutes(seconds))}</b>" if np.isfinite(seconds) else "–"


def _legend(card: Card, svg: str) -> str:
    """Return what the signs of the map mean."""
    words = card.words
    signs = {
        "start": "<circle cx='9' cy='9' r='7.5' fill='#fff' stroke='#000' stroke-width='2'/>",
        "shelter": "<path d='M1 1h16v16h-16z'/>",
        "door": "<path d='M2 16h14l-7-14z'/>",
        "border": "<path d='M0 9h30' stroke='#000' stroke-width='2' stroke-dasharray='9 3 2 3'/>",
    }
    drop = () if card.has_way else ("start", "door")
    if not card.letters:
        drop = (*drop, "shelter")
    items = [
        (sign, words.say(f"legend.{name}")) for name, sign in signs.items() if name not in drop
    ]
    used = [key for key in card.letters if any(way.shelter_id == key for way in card.ways)]
    for key in used[: len(DASHES)]:
        dash = DASHES[list(card.letters).index(key) % len(DASHES)] or "none"
        line = f"<path d='M0 9h30' stroke='#000' stroke-width='4' stroke-dasharray='{dash}'/>"
        items.append((line, f"{words.say('legend.way')} {card.letters[key]}"))
    if "url(#zone" in svg:
        hatch = "<path d='M1 1h28v16h-28zM1 17l16-16M13 17l16-16' fill='none' stroke='#000'/>"
        items.append((hatch, words.say("legend.zone")))
    return "<p class='legend'>" + " ".join(_item(*one) for one in items) + "</p>"


def _item(sign: str, text: str) -> str:
    wide = 30 if "h30" in sign or "h28" in sign else 18
    return f"<span>{_icon(sign, wide, 18)}\u00a0{escape(text)}</span>"


@cache
def _icon(drawn: str, wide: int, high: int) -> str:
    """Return a small drawing as a picture: many cards share it, so it is read once."""
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {wide} {high}'>{drawn}</svg>"
    data = base64.b64encode(svg.encode()).decode()
    size = f"width:{wide / high * ICON_MM:.3g}mm"
    return f"<img class='icon' alt='•' src='data:image/svg+xml;base64,{data}' style='{size}'>"


def _shelters(card: Card) -> tuple[str, float]:
    """Return the shelters, with their height [mm]."""
    words = card.words
    if not card.shelters:
        return "", 0.0
    heads = (
        f"<th colspan='2'>{escape(words.say('card.shelters'))}</th>"
        f"<th>{escape(words.say('card.room'))}</th><th>{escape(words.say('card.fit_for'))}</th>"
    )
    rows, height = [], 9.0
    for one in card.shelters:
        row, high = _shelter(card, one)
        rows.append(row)
        height += high
    more = ""
    if card.other_shelters:
        more = words.say(
            "card.others", people=lost(card.other_people), number=f"{card.other_shelters:,}"
        )
        height += 6
    sizes = "".join(f"<col class='{name}'>" for name in ("mark", "who", "room", "fit"))
    table = (
        f"<table class='shelters'><colgroup>{sizes}</colgroup><thead><tr>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
    return table + _p(more, "others"), height


def _shelter(card: Card, one: Shelter) -> tuple[str, float]:
    """Return a row of the table of shelters, with its height [mm]."""
    words = card.words
    name = cut(words.named(one.name), 54)
    about = []
    if one.nearest_people > 0:
        values = {"people": lost(one.nearest_people), "all": lost(card.population)}
        about.append(words.say("card.nearest", **values))
    if one.sent_people > 0:
        about.append(words.say("card.sent", people=places(one.sent_people)))
    room = [_room(words, one)]
    if one.full_people > 0:
        room.append(words.say("room.full", people=lost(one.full_people)))
    elif np.isfinite(one.fills_at_share):
        room.append(words.say("room.fills"))
    fit = [
        (value, f"{cut(words.hazard(hazard), 18)}: {words.word('fit', value)}")
        for hazard, value in one.fitness.items()
    ]
    fit = fit or [("unknown", words.say("fit.nothing"))]
    html = (
        f"<tr><td><span class='letter'>{card.letters[one.shelter_id]}</span></td>"
        f"<td><strong>{escape(name)}</strong>{''.join(map(_p, about))}</td>"
        f"<td>{''.join(map(_p, room))}</td>"
        f"<td>{''.join(f'<p>{_sign(value)} {escape(text)}</p>' for value, text in fit)}</td></tr>"
    )
    columns = (
        6.1 * _lines(name, 29) + 5.4 * sum(_lines(text, 35) for text in about),
        5.4 * sum(_lines(text, 18) for text in room),
        5.4 * sum(_lines(text, 21) for _, text in fit),
    )
    return html, max(columns) + 2.6


def _room(words: Words, one: Shelter) -> str:
    if not np.isfinite(one.room):
        return words.say("room.unknown")
    key = "room.area" if one.room_from == "area" else "room.known"
    return words.say(key, number=places(one.room))


def _sign(fitness: str) -> str:
    """Return the sign of a fitness: a tick, a cross, or a question mark in a box."""
    drawn = {
        "yes": "<path d='M3 9l5 5l9-12' fill='none' stroke='#000' stroke-width='3'/>",
        "no": "<path d='M2 2h16v16h-16z'/><path d='M5 5l10 10M15 5l-10 10' stroke='#fff' "
        "stroke-width='3'/>",
    }.get(
        fitness,
        "<path d='M1.5 1.500h17v17h-17z' fill='none' stroke='#000' stroke-width='1.5' "
        "stroke-dasharray='3 2'/><path d='M7 7.5a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1-1.5 2.4"
        "M10 14.5v2' fill='none' stroke='#000' stroke-width='2'/>",
    )
    return _icon(drawn, 20, 20)


def _people(card: Card) -> tuple[str, float]:
    """Return who has no shelter within reach, and why, with the height [mm]."""
    words, everybody = card.words, card.population
    values = {"all": lost(everybody), "limit": words.limit(card.standard)}
    missing = card.out_of_reach
    if not everybody:
        text = words.say("people.nobody")
    elif missing > 0:
        text = words.say("people.some", people=lost(missing), **values)
    else:
        text = words.say("people.all", **values)
    lines = [
        words.listed(
            (
                words.say(f"status.{status}", people=lost(card.people[status]))
                for status in statuses
                if card.people[status] > 0
            ),
            longer=True,
        )
        for statuses in (OUT_OF_REACH, UNSURE)
    ]
    nowhere = missing > 0 or card.people["full"] > 0
    ask = words.say("people.ask") if nowhere and card.has_way else ""
    html = f"<div class='people'>{_p(text, 'first')}{''.join(map(_p, lines))}{_p(ask, 'ask')}</div>"
    height = 5.8 * _lines(text, 72) + 5.4 * sum(_lines(line, 80) for line in lines if line)
    height += 5.4 if ask else 0.0
    return html, height + 4


def _foot(card: Card) -> str:
    """Return the link, the notice, the dates and whose data it is."""
    words = card.words
    dates = {name: _date(card, name) for name in DATED} | {"made": day_of_report().isoformat()}
    version = words.say("card.version", version=card.area.version)
    small = " ".join(
        (
            words.say("card.rule"),
            words.say("card.dates", **dates),
            f"{version}.",
            words.named(ATTRIBUTION),
        )
    )
    code = f"<img class='code' alt='QR' src='{square(card.link)}'>" if card.link else ""
    link = ""
    if card.link:
        shown = escape(cut(card.link, 88))
        link = f"<p class='link'>{escape(words.say('card.link'))} <span>{shown}</span></p>"
    return (
        f"<footer{' class=with' if code else ''}>{code}{_p(words.say('card.check'), 'check')}{link}"
        f"{_p(small, 'small')}</footer>"
    )


def _date(card: Card, table: str) -> str:
    """Return the latest date of a table's sources."""
    known: Iterable[str] = (source.date for source in card.area.sources if source.table == table)
    return cut(max(known, default="")[:10] or card.words.say("card.no_date"), 12)
