"""Proposals in a report: beside each other, and each with its winners and losers by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from shelterplan.views.proposal_telling import Telling, signed
from shelterplan.views.proposal_words import parts
from shelterplan.views.report.html_equity import changed, changes_left_out, measure_value
from shelterplan.views.report.parts import escape, paragraph, table, third
from shelterplan.views.report.picture import draw_proposal
from shelterplan.views.report.voice import had, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shelterplan.views.report.contents import Proposed, Report
    from shelterplan.views.report.voice import Voice

MOST_SITES: Final = 40
"""Sites of one proposal in its table; the data files have all."""


def proposals(report: Report) -> str:
    """Return what the proposals would change; empty if there are none."""
    if not report.proposals:
        return ""
    beside = _beside(report) if len(report.proposals) > 1 else ""
    each = (_one(report, number, one) for number, one in enumerate(report.proposals, 1))
    return beside + "".join(each)


def _beside(report: Report) -> str:
    voice, rows = report.voice, []
    for number, one in enumerate(report.proposals, 1):
        found = one.found
        told = _telling(report, one)
        equity = found.equity["after"]
        rows.append(
            [
                f"{number}. {one.title}",
                str(len(found.sites)),
                had(found.served["newly_people"].sum()),
                short(found.served["lost_people"].sum()),
                f"{had(told.after)} ({voice.share(told.after, told.everybody)})",
                f"{found.saved_person_min:,.0f}",
                measure_value(voice, "gini", float(equity["gini"])),
                measure_value(voice, "worst_district", float(equity["worst_district"])),
                _best(report, one),
            ]
        )
    names = ("proposal", "sites", "newly", "lost", "after", "minutes", "gini", "worst", "best")
    head = [voice.say(f"head.{name}") for name in names]
    return third(voice.say("proposals.compared")) + table(head, rows, css="gaps")


def _best(report: Report, one: Proposed) -> str:
    """Return how many have a place under the best plan, and whether that is proven."""
    voice, other = report.voice, one.found.alternative
    if other is None:
        return "–"
    people = had(other.after.total[other.counted_column])
    if other.result.optimal:
        return f"{people} ({voice.say('proposals.proven')})"
    return f"{people} ({voice.say('proposals.not_proven', number=short(other.result.bound))})"


def _telling(report: Report, one: Proposed) -> Telling:
    return Telling(one.found, report.language, one.title, report.area)


def _one(report: Report, number: int, one: Proposed) -> str:
    voice, told = report.voice, _telling(report, one)
    said = parts(told)
    lines = [voice.say("proposals.mind", said=mind) for mind in one.mind]
    drawn = draw_proposal(report, told, name=f"lost{number}")
    gain = ("sites", "gain", "walks", "use", "unused", "room")
    who = ("winners", "losers", "groups", "hazards", "interval")
    return (
        f"<div class='proposal'>{third(f'{number}. {one.title}')}"
        + paragraph(told.together(said.get(name, "") for name in gain))
        + paragraph(told.together(said.get(name, "") for name in who))
        + "".join(paragraph(line, "banner") for line in lines)
        + f"<figure>{drawn.svg}<figcaption>{drawn.legend}</figcaption></figure></div>"
        + _table(voice, "sites", _sites(report, told), texts=2)
        + _winners(report, told)
        + _districts(report, told)
        + _table(voice, "equity", changed(voice, one), texts=1)
        + paragraph(changes_left_out(voice, one))
        + _alternative(voice, told, said.get("best", ""))
    )


def _table(
    voice: Voice, name: str, made: tuple[Sequence[str], list[list[str]]], *, texts: int
) -> str:
    head, rows = made
    title = f"<h4>{escape(voice.say(f'proposals.{name}'))}</h4>"
    return title + table(head, rows, texts=texts) if rows else ""


def _sites(report: Report, told: Telling) -> tuple[list[str], list[list[str]]]:
    voice, sites = report.voice, told.found.sites
    priced = "cost" in sites and bool(sites["cost"].notna().any())
    ignored = told.scenario.get("room") == "ignored"
    rows = []
    for number, (_, site) in enumerate(sites.head(MOST_SITES).iterrows(), 1):
        room = told.say("card.unknown") if pd.isna(site["room"]) else had(site["room"])
        row = [str(number), told.named(site["name"])]
        row += [told.say("card.not_looked") if ignored else room, had(site["assigned_population"])]
        row += ["–" if ignored else had(site["had_place_population"])]
        row += [_cost(told, site["cost"])] if priced else []
        rows.append([*row, told.unused_reason(site) or ""])
    head = ["number", "site", "room", "sent", "had", *(["cost"] if priced else []), "why"]
    return [voice.say(f"card.{name}") for name in head], rows


def _cost(told: Telling, cost: Any) -> str:  # noqa: ANN401 - a number or NA
    return told.say("card.unknown") if pd.isna(cost) else f"{cost:,g}"


def _winners(report: Report, told: Telling) -> str:
    """Return every community where something changes, by name, and the others in one row."""
    voice, found = report.voice, told.found.communities
    changed = (found["newly_people"] > 1e-6) | (found["lost_people"] > 1e-6)
    first = found[changed].sort_values(
        ["newly_people", "lost_people"], ascending=False, kind="stable"
    )
    if first.empty:
        return paragraph(voice.say("proposals.nothing"))
    rows = [_change(voice.called("community", row["name"]), row) for _, row in first.iterrows()]
    others = found[~changed]
    numbers = ["population", "before_people", "after_people", "saved_person_min"]
    if len(others):
        label = voice.say("proposals.others", number=f"{len(others):,}")
        rows.append(_change(label, others[numbers].sum()))
    rows.append(_change(told.say("card.all"), found[numbers].sum()))
    title = f"<h4>{escape(voice.say('proposals.winners'))}</h4>"
    return title + table(_change_head(told, "community"), rows, last=True)


def _districts(report: Report, told: Telling) -> str:
    found = told.found.districts
    if len(found) < 2:
        return ""
    rows = [_change(report.voice.called("district", key), row) for key, row in found.iterrows()]
    return _table(report.voice, "districts", (_change_head(told, "district"), rows), texts=1)


def _change_head(told: Telling, first: str) -> list[str]:
    names = (first, "people", "before", "after", "change", "minutes_column")
    return [told.say(f"card.{name}") for name in names]


def _change(label: str, row: Any) -> list[str]:  # noqa: ANN401 - a row of a table
    before, after = float(row["before_people"]), float(row["after_people"])
    people, minutes = float(row["population"]), float(row["saved_person_min"])
    change = signed(after - before)
    return [label, f"{people:,.0f}", had(before), had(after), change, f"{minutes:,.0f}"]


def _alternative(voice: Voice, told: Telling, said: str) -> str:
    other = told.found.alternative
    title = f"<h4>{escape(voice.say('proposals.alternative'))}</h4>"
    text = paragraph(said or told.say("card.not_compared"))
    if other is None or not len(other.sites):
        return title + text
    mine = set(told.found.sites.index)
    names = [
        f"{told.named(name)} {told.say('card.common') if key in mine else ''}".strip()
        for key, name in other.sites["name"].items()
    ]
    return (
        title + text + paragraph(told.say("card.plan_sites", list=told.listed(names, longer=True)))
    )
