"""How evenly places are shared out, in a report: of an analysis, and what a proposal does to it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from shelterplan.equity.people import NO_DEPRIVATION, NO_LIMIT
from shelterplan.views.proposal_card import MEASURES, SHARES
from shelterplan.views.report.parts import listing, paragraph, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from shelterplan.plan import Plan
    from shelterplan.views.report.contents import Proposed, Report
    from shelterplan.views.report.voice import Voice

SHOWN: Final = (*MEASURES[:4], "best_district", *MEASURES[4:])
"""Measures of equity that are shown."""
_OF_SHARES: Final = frozenset({*SHARES, "best_district"})
_LACKING: Final = frozenset({"too_far", "district_gap"})
"""Shares of which less is better: they are rounded up."""
_PLACES: Final = frozenset({"worst_district", "best_district"})
_WHY: Final = {
    NO_DEPRIVATION: "not_given",
    "not given": "not_given",
    "nobody of this group is known of": "nobody_of_group",
    "not known for every community with people": "not_everywhere",
    NO_LIMIT: "limit",
}


def measure_name(voice: Voice, measure: str) -> str:
    """Return what a measure of equity is called; empty if it is not shown."""
    if measure == "best_district":
        return voice.say("equity.best_district")
    return voice.say(f"measure.{measure}") if measure in MEASURES else ""


def measure_value(voice: Voice, measure: str, value: float) -> str:
    """Return a measure of equity as it is shown; a dash if it could not be worked out."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return voice.say("equity.no_limit")
    if measure in _LACKING:
        return voice.lacking(value)
    return voice.share(value) if measure in _OF_SHARES else f"{value:.3f}".replace("-", "−")


def equity(report: Report) -> str:
    """Return the measures of an analysis, and which could not be worked out."""
    voice, found = report.voice, report.measures
    rows = [
        [
            measure_name(voice, name),
            voice.called("district", found["place"][name]) if name in _PLACES else "",
            measure_value(voice, name, float(found["value"][name])),
        ]
        for name in SHOWN
        if name in found.index and not math.isnan(found["value"][name])
    ]
    cut_off = float(found["unreachable_share"].iloc[0])
    lines = [
        voice.say("equity.unreachable", share=voice.lacking(cut_off)) if cut_off else "",
        left_out(voice, found["value"], found.attrs["left_out"], report.plan),
    ]
    head = [voice.say(f"head.{name}") for name in ("measure", "where", "value")]
    lead = ("equity.lead", "intro") if rows else ("card.no_equity", "")
    return (
        paragraph(voice.say(lead[0]), lead[1])
        + table(head, rows, texts=2)
        + listing(line for line in lines if line)
    )


def left_out(voice: Voice, values: pd.Series[float], reasons: Mapping[str, str], plan: Plan) -> str:
    """Say which measures could not be worked out, and why; empty if all could."""
    why = {name: voice.say(f"why.{_WHY.get(said, 'undefined')}") for name, said in reasons.items()}
    why |= dict.fromkeys(values.index[values.isna()], voice.say(f"why.{_not_defined(plan)}"))
    named = [f"{measure_name(voice, name)} ({why[name]})" for name in SHOWN if name in why]
    return voice.say("equity.left_out", list=voice.listed(named, longer=True)) if named else ""


def _not_defined(plan: Plan) -> str:
    """Return why a measure of a plan is NaN."""
    if not plan.total["population"] > 0:
        return "nobody_lives"
    return "undefined" if plan.total["possible_people"] > 0 else "nobody_has"


def changed(voice: Voice, one: Proposed) -> tuple[list[str], list[list[str]]]:
    """Return what a proposal does to the measures: the head and the rows of a table.

    A measure that can be worked out only without or only with the proposal has a dash.
    """
    found = one.found.equity
    rows = []
    for name in SHOWN:
        if name in found.index and found.loc[name, ["before", "after"]].notna().any():
            shown = [
                measure_value(voice, name, float(found[when][name])) for when in ("before", "after")
            ]
            verdict = "same" if shown[0] == shown[1] else str(found["verdict"][name])
            rows.append([measure_name(voice, name), *shown, voice.word("verdict", verdict)])
    return [voice.say(f"card.{name}") for name in ("measure", "now", "then", "verdict")], rows


def changes_left_out(voice: Voice, one: Proposed) -> str:
    """Say which measures could not be worked out without or with a proposal, and why."""
    found = one.found
    table, reasons = found.equity, found.equity.attrs["left_out"]
    missing = table["before"].isna()
    plan = found.before if missing.any() else found.after
    both = table["before"] + table["after"]
    return left_out(voice, both.where(missing | table["after"].isna(), 0.0), reasons, plan)
