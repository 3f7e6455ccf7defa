"""A proposal on a card for a council: one HTML file that needs no network, made to be printed."""

from __future__ import annotations

import json
import math
import shlex
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from shelterplan.scenario import Scenario
from shelterplan.study_area import ATTRIBUTION
from shelterplan.views.escape import escape as inert
from shelterplan.views.exports import plain
from shelterplan.views.proposal_svg import draw
from shelterplan.views.proposal_telling import Telling, lost, places, signed
from shelterplan.views.proposal_words import assumptions, parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shelterplan.siting.evaluate import Evaluation
    from shelterplan.study_area import StudyArea

MOST_ROWS: Final = 15
"""Communities in the table before the rest is put together."""
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)
TAGS: Final = {"en": "en", "zh": "zh-Hans"}
MEASURES: Final = (
    "gini",
    "theil",
    "palma",
    "worst_district",
    "district_gap",
    "concentration",
    "too_far",
    "shortfall",
    "children_gap",
    "elderly_65_gap",
    "disabled_gap",
)
"""Measures of equity that are shown, those that could be worked out."""
SHARES: Final = ("worst_district", "district_gap", "too_far")
LACKING: Final = ("district_gap", "too_far")
"""Shares that nobody wants: they are rounded up."""


def card(found: Evaluation, *, language: str, title: str, area: StudyArea) -> bytes:
    """Return the card of a proposal, as HTML in UTF-8.

    Every text on it is escaped, it runs no script, and its own policy forbids the browser to ask
    anybody for anything.

    Parameters
    ----------
    found : Evaluation
        What was found of the proposal.
    language : {"en", "zh"}
        Language of the card.
    title : str
        What the proposal is called.
    area : StudyArea
        The place.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> from shelterplan.siting.evaluate import evaluate
    >>> area = StudyArea.open("monaco")
    >>> found = evaluate(area, area.candidates.loc[["way/432751852"]], compare=False)
    >>> page = card(found, language="en", title="<b>Park</b>", area=area).decode()
    >>> "<b>" in page, "1,228" in page
    (False, True)
    """
    told = Telling(found, language, title, area)
    said = parts(told)
    body = "".join(
        (
            _head(told, said),
            _section(told, "question", _question(told, said)),
            _section(told, "answer", _answer(told, said)),
            _section(told, "map", f"<div class='where'>{_map(told)}{_sites(told, said)}</div>"),
            _section(told, "who", _who(told, said)),
            _section(told, "other", _other(told, said)),
            _section(told, "fair", _fair(told, said)),
            _section(told, "unknowns", _unknowns(told, said)),
            _section(told, "method", _method(told)),
            _section(told, "repeat", _repeat(told)),
            f"<footer>{escape(ATTRIBUTION)}</footer>",
        )
    )
    return (
        f"<!doctype html><html lang='{TAGS[language]}'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{_style()}</style></head><body><main>{body}</main>"
        "</body></html>"
    ).encode()


def escape(text: str) -> str:
    """Return an inert text in which blanks that do not break stay what they are."""
    return "&#160;".join(inert(part) for part in text.split("\u00a0"))


def _style() -> str:
    return files("shelterplan.views").joinpath("proposal_card.css").read_text("utf-8")


def _section(told: Telling, name: str, content: str) -> str:
    return f"<section class='{name}'><h2>{escape(told.say(f'card.{name}'))}</h2>{content}</section>"


def _p(said: str, css: str = "") -> str:
    """Return a paragraph; nothing if there is nothing to say."""
    mark = f" class='{css}'" if css else ""
    return f"<p{mark}>{escape(said)}</p>" if said else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int = 1) -> str:
    """Return a table of which the first `texts` columns are texts and the others numbers."""

    def cell(kind: str, at: int, text: str) -> str:
        mark = "" if at < texts else " class='number'"
        return f"<{kind}{mark}>{escape(text)}</{kind}>"

    titles = "".join(cell("th", at, text) for at, text in enumerate(head))
    body = "".join(
        f"<tr>{''.join(cell('td', at, text) for at, text in enumerate(row))}</tr>" for row in rows
    )
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def _head(told: Telling, said: dict[str, str]) -> str:
    place = told.say("card.place", area=told.named(told.area.title))
    banner = said.get("illustrative", "")
    return (
        f"<header><p class='kind'>{escape(told.say('card.kind'))}</p><h1>{escape(told.title)}</h1>"
        f"<p>{escape(place)}</p></header>{_p(banner, css='banner')}"
    )


def _question(told: Telling, said: dict[str, str]) -> str:
    source = str(told.standard.get("source") or "")
    named = told.say("card.source", source=source.rstrip(".")) if source else ""
    return _p(told.say("card.asked")) + _p(
        told.together([assumptions(told), said["standard"], named])
    )


def _answer(told: Telling, said: dict[str, str]) -> str:
    gained = float(told.found.served["newly_people"].sum())
    away = float(told.found.served["lost_people"].sum())
    now, then = (told.share(part, told.everybody) for part in (told.before, told.after))
    figures = [
        (places(gained), told.say("card.gain")),
        (lost(away), told.say("card.worse")),
        (then, told.say("card.share", before=now)),
        (f"{told.found.saved_person_min:,.0f}", told.say("card.minutes")),
    ]
    tiles = "".join(
        f"<div><strong>{escape(figure)}</strong><span>{escape(text)}</span></div>"
        for figure, text in figures
    )
    lines = ("sites", "gain", "walks", "use", "interval")
    return f"<div class='tiles'>{tiles}</div>" + _p(
        told.together(said.get(name, "") for name in lines)
    )


def _map(told: Telling) -> str:
    table, found = told.found.communities, told.found
    points = found.sites.geometry.representative_point()
    used = [not told.unused_reason(site) for _, site in found.sites.iterrows()]
    known = told.area.shelters.geometry.representative_point()
    better, worse = _changed(table)
    order = told.area.communities.index
    svg = draw(
        told.area.communities.geometry,
        better=list(better.reindex(order)),
        worse=list(worse.reindex(order)),
        shelters=list(zip(known.x, known.y, strict=True)),
        sites=list(zip(points.x, points.y, used, strict=True)),
        label=escape(told.say("card.map_alt")),
        words={"scale": told.say("card.scale", km="{km}")},
    )
    keys = [("site", "1", "legend_site"), ("shelter", "", "legend_shelter")]
    keys += [] if all(used) else [("site unused", "2", "legend_unused")]
    keys += [("better", "", "legend_better")] if better.any() else []
    keys += [("worse", "", "legend_worse")] if worse.any() else []
    items = "".join(
        f"<li><span class='key {css}'>{sign}</span>{escape(told.say(f'card.{text}'))}</li>"
        for css, sign, text in keys
    )
    return f"<figure>{svg}<ul class='legend'>{items}</ul></figure>"


def _changed(table: pd.DataFrame) -> tuple[pd.Series[bool], pd.Series[bool]]:
    """Return whether people of each community gain, and whether they lose, a place."""
    return table["newly_people"] >= 1 - 1e-6, table["lost_people"] > 1e-6


def _sites(told: Telling, said: dict[str, str]) -> str:
    table = told.found.sites
    costs = table["cost"] if "cost" in table and table["cost"].notna().any() else None
    head = ["number", "site", "room", "sent", "had", *(["cost"] if costs is not None else [])]
    ignored = told.scenario.get("room") == "ignored"
    rows = []
    for number, (key, site) in enumerate(table.iterrows(), 1):
        row = [str(number), told.named(site["name"]), _room(told, site["room"], ignored=ignored)]
        row += ["–" if pd.isna(n) else places(float(n)) for n in site[["assigned_population"]]]
        row += ["–" if ignored else places(float(site["had_place_population"]))]
        if costs is not None:
            row.append(_cost(told, costs.loc[key]))
        rows.append(row)
    titles = [told.say(f"card.{name}") for name in head]
    return f"<div>{_table(titles, rows, texts=2)}{_p(said.get('unused', ''))}</div>"


def _room(told: Telling, room: float, *, ignored: bool) -> str:
    if ignored:
        return told.say("card.not_looked")
    return told.say("card.unknown") if pd.isna(room) else places(room)


def _cost(told: Telling, cost: float) -> str:
    return told.say("card.unknown") if pd.isna(cost) else f"{cost:,g}"


def _who(told: Telling, said: dict[str, str]) -> str:
    lines = _p(said.get("winners", "")) + _p(said["losers"])
    made = [_communities(told)]
    if len(told.found.districts) > 1:
        made.append(_people(told, told.found.districts, "district", told.named))
    if len(told.found.groups):
        made.append(_people(told, told.found.groups, "group", lambda key: told.word("group", key)))
    if len(told.found.hazards) > 1:
        made.append(_people(told, told.found.hazards, "case", told.hazard))
    if len(told.found.interval):
        made.append(_people(told, told.found.interval, "case", str))
    return lines + "".join(made)


def _communities(told: Telling) -> str:
    """Return the table of the communities where something changes, and of all others in one row."""
    table = told.found.communities
    better, worse = _changed(table)
    ranked = table[better | worse].sort_values(
        ["newly_people", "lost_people"], ascending=False, kind="stable"
    )
    first = ranked.index[:MOST_ROWS]
    shown = ranked.index[ranked.index.isin(first) | worse.reindex(ranked.index)]
    rest = table.drop(index=shown)
    rows = [_row(told.named(row["name"]), row) for _, row in table.loc[shown].iterrows()]
    numbers = ["population", "before_people", "after_people", "saved_person_min"]
    if len(rest):
        label = told.say("card.rest", number=len(rest)) if len(shown) else told.say("card.all")
        rows.append(_row(label, rest[numbers].sum()))
    if len(shown):
        rows.append(_row(told.say("card.all"), table[numbers].sum()))
    head = ["community", "people", "before", "after", "change", "minutes_column"]
    return _table([told.say(f"card.{name}") for name in head], rows)


def _row(label: str, row: pd.Series[Any]) -> list[str]:
    """Return what a table of people says of one row."""
    before, after = float(row["before_people"]), float(row["after_people"])
    people = [f"{row['population']:,.0f}"] if "population" in row else []
    minutes = [f"{row['saved_person_min']:,.0f}"] if "saved_person_min" in row else []
    return [label, *people, places(before), places(after), signed(after - before), *minutes]


def _people(told: Telling, table: pd.DataFrame, first: str, name: Any) -> str:  # noqa: ANN401
    head = [first, *(["people"] if "population" in table else []), "before", "after", "change"]
    head += ["minutes_column"] if "saved_person_min" in table else []
    rows = [_row(name(key), row) for key, row in table.iterrows()]
    return _table([told.say(f"card.{title}") for title in head], rows)


def _other(told: Telling, said: dict[str, str]) -> str:
    other = told.found.alternative
    text = _p(said.get("best", "") or told.say("card.not_compared"))
    if other is None or not len(other.sites):
        return text
    mine = set(told.found.sites.index)
    names = [
        f"{told.named(name)} {told.say('card.common') if key in mine else ''}".strip()
        for key, name in other.sites["name"].items()
    ]
    return text + _p(told.say("card.plan_sites", list=told.listed(names, longer=True)))


def _fair(told: Telling, said: dict[str, str]) -> str:
    table, rows = told.found.equity, []
    known = {str(name): row for name, row in table.iterrows()}
    for name in MEASURES:
        row = known.get(name)
        if row is not None:
            shown = [_measure(told, name, float(row[when])) for when in ("before", "after")]
            if "" not in shown:
                rows.append([told.say(f"measure.{name}"), *shown, _verdict(told, row, shown)])
    if not rows:
        return _p(told.say("card.no_equity"))
    head = [told.say(f"card.{name}") for name in ("measure", "now", "then", "verdict")]
    return _p(said.get("equity", "")) + _table(head, rows)


def _measure(told: Telling, name: str, value: float) -> str:
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return told.say("card.no_limit")
    if name in LACKING:
        return told.without(value)
    return told.share(value) if name in SHARES else f"{value:.3f}".replace("-", "−")


def _verdict(told: Telling, row: Any, shown: list[str]) -> str:  # noqa: ANN401 - a row of a table
    return told.word("verdict", "same" if shown[0] == shown[1] else str(row["verdict"]))


def _unknowns(told: Telling, said: dict[str, str]) -> str:
    other, lines = told.found.alternative, [said.get("room", "")]
    if other is not None:
        mine = other.candidates.reindex(told.found.sites.index)
        for site, doubts in zip(told.found.sites["name"], mine["doubts"].fillna(""), strict=True):
            listed = [told.word("doubt", name) for name in str(doubts).split(", ") if name]
            if listed:
                line = told.say("card.doubts", site=told.named(site), list=told.listed(listed))
                lines.append(line)
    lines.append(said.get("illustrative", ""))
    known = [line for line in lines if line] or [told.say("card.nothing_unknown")]
    made = "".join(f"<li>{escape(line)}</li>" for line in known)
    notes = "".join(f"<li>{escape(told.named(note))}</li>" for note in told.area.notes)
    title = escape(told.say("card.notes"))
    return f"<ul>{made}</ul>" + (f"<h3>{title}</h3><ul class='small'>{notes}</ul>" if notes else "")


def _method(told: Telling) -> str:
    room = str(told.scenario.get("room", "assigned"))
    second = "method_2" if room == "assigned" else f"method_2_{room}"
    names = ("method_1", second, "method_3", "method_4", "method_5")
    said = (escape(told.say(f"card.{name}")) for name in names)
    return f"<ol>{''.join(f'<li>{text}</li>' for text in said)}</ol>"


def _repeat(told: Telling) -> str:
    closed = told.say("card.areas_closed") if told.scenario.get("closed_areas") else ""
    manifest = told.found.before.manifest | {
        "command": command(told),
        "counted": told.found.counted,
    }
    text = json.dumps(plain(manifest), ensure_ascii=False, indent=1, default=str)
    lines = "\n".join(escape(line) for line in text.split("\n"))
    area = manifest["area"]
    versions = told.say("card.versions", program=manifest["program"], version=area["version"])
    return (
        f"{_p(told.together([told.say('card.command'), closed]))}"
        f"<pre class='command'>{escape(command(told))}</pre>{_p(versions)}"
        f"<details><summary>{escape(told.say('card.manifest'))}</summary><pre>{lines}</pre>"
        "</details>"
    )


def command(told: Telling) -> str:
    """Return the command that makes this card again."""
    given, usual = dict(told.scenario), Scenario().to_dict()
    walker = given["walker"]
    words = ["shelterplan", "evaluate", told.area.name, "--proposal", "proposal.geojson"]
    if walker["name"] != usual["walker"]["name"]:
        words += ["--walker", str(walker["name"])]
    for name in (
        "hazard",
        "hazard_level",
        "return_period",
        "phase",
        "gates",
        "time",
        "slope",
        "room",
        "unknown_fitness",
    ):
        if given.get(name) != usual.get(name):
            words += [f"--{name.replace('_', '-')}", f"{given[name]}"]
    if given.get("delay_s"):
        words += ["--delay-min", f"{given['delay_s'] / 60:g}"]
    words += [w for n in given.get("closed_streets", ()) for w in ("--close-street", str(n))]
    words += [w for one in given.get("closed_shelters", ()) for w in ("--close-shelter", str(one))]
    words += _standard_flags(told)
    words += ["--counted", told.found.counted] if told.found.counted != "possible" else []
    words += ["--language", told.language] if told.language != "en" else []
    return shlex.join([*words, "--report", "card.html"])


def _standard_flags(told: Telling) -> list[str]:
    standard = told.standard
    area, seconds = standard.get("area_m2_per_person"), standard.get("max_time_s")
    if standard.get("name", "own") != "own":
        return ["--standard", str(standard["name"])]
    limit = (
        ["--minutes", f"{seconds / 60:g}"]
        if seconds is not None
        else ["--distance-m", f"{standard['max_distance_m']:g}"]
    )
    return [*limit, *(["--m2-per-person", f"{area:g}"] if area is not None else [])]
