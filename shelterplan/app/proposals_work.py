"""What is computed for the Proposals page: at once, or in the background."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from shelterplan.app import jobs
from shelterplan.scenario import WALKERS
from shelterplan.siting.evaluate import evaluate
from shelterplan.situation import hazards_of
from shelterplan.tables import TIMES

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from shelterplan.app.gaps_view import View
    from shelterplan.app.words import Words
    from shelterplan.progress import Progress
    from shelterplan.scenario import Scenario
    from shelterplan.siting.evaluate import Evaluation
    from shelterplan.siting.ground import Counted
    from shelterplan.siting.proposal import Proposal
    from shelterplan.siting.suggest import Suggestion
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea

MOST_KEPT = 12
"""Evaluations that one session keeps, the last ones used."""
WALKING = ("adult", "elderly")
"""Walkers of the further scenarios."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """All that an evaluation depends on: equal questions have equal answers."""

    kind: str
    """`now`, `hazards`, `best` or `scenarios`."""
    area: str
    version: str
    scenario: Scenario
    standard: AccessStandard
    counted: Counted
    sites: str
    """Digest of the sites."""
    lang: str = ""
    """Language of the scenarios' names."""


def question(view: View, proposal: Proposal, kind: str) -> Question:
    """Return the question of a kind about a proposal."""
    return Question(
        kind=kind,
        area=view.area.name,
        version=view.area.version,
        scenario=view.scenario,
        standard=view.standard,
        counted="confirmed" if view.chosen.counted == "confirmed" else "possible",
        sites=digest(proposal),
        lang=view.words.lang if kind == "scenarios" else "",
    )


def digest(proposal: Proposal) -> str:
    """Return what tells a proposal's sites from others."""
    return hashlib.sha256(proposal.sites.to_json(drop_id=False).encode()).hexdigest()[:16]


def evaluated(view: View, proposal: Proposal) -> Evaluation:
    """Return what a proposal changes under the scenario, without other hazards and plans."""
    return _kept(
        question(view, proposal, "now"),
        lambda: _evaluate(view, proposal, other_hazards=False),
    )


def by_hazard(view: View, proposal: Proposal) -> pd.DataFrame:
    """Return what a proposal changes under every hazard of the study area."""
    return _kept(
        question(view, proposal, "hazards"), lambda: _evaluate(view, proposal, other_hazards=True)
    ).hazards


def _evaluate(view: View, proposal: Proposal, *, other_hazards: bool) -> Evaluation:
    return evaluate(
        view.area,
        proposal.sites,
        view.scenario,
        view.standard,
        counted=question(view, proposal, "now").counted,
        other_hazards=other_hazards,
        compare=False,
        before=view.plan,
    )


def _kept(key: Question, work: Callable[[], Evaluation]) -> Evaluation:
    """Return what this session has worked out already, or work it out."""
    kept: OrderedDict[Question, Evaluation] = st.session_state.setdefault(
        "proposals_found", OrderedDict()
    )
    if key not in kept:
        kept[key] = work()
        while len(kept) > MOST_KEPT:
            kept.popitem(last=False)
    kept.move_to_end(key)
    return kept[key]


def begin(view: View, proposal: Proposal, kind: str) -> None:
    """Begin to look for the best plan at the same cost, or at further scenarios."""
    key = question(view, proposal, kind)
    common: dict[str, Any] = {
        "counted": key.counted,
        "other_hazards": False,
        "before": view.plan,
    }
    if kind == "best":
        common |= {"time_limit_s": float(view.chosen.seconds), "compare": True}
    else:
        common |= {"scenarios": scenarios(view.area, view.words), "compare": False}
    jobs.desk().begin(key, _work(view, proposal, common))


def _work(
    view: View, proposal: Proposal, common: dict[str, Any]
) -> Callable[[Progress, Callable[[], bool]], Evaluation]:
    def work(progress: Progress, stop: Callable[[], bool]) -> Evaluation:
        return evaluate(
            view.area,
            proposal.sites,
            view.scenario,
            view.standard,
            progress=progress,
            stop=stop,
            **common,
        )

    return work


def best(view: View, proposal: Proposal) -> tuple[Suggestion | None, str] | None:
    """Return the best plan at the same cost, or why there is none; None if nobody looked."""
    found = _came(view, proposal, "best")
    return None if found is None else (found.alternative, found.why_no_alternative)


def interval(view: View, proposal: Proposal) -> pd.DataFrame | None:
    """Return what a proposal changes in the further scenarios; None if they were not looked at."""
    found = _came(view, proposal, "scenarios")
    return None if found is None else found.interval


def _came(view: View, proposal: Proposal, kind: str) -> Evaluation | None:
    outcome = jobs.desk().outcome(question(view, proposal, kind))
    result: Evaluation | None = outcome.result if outcome is not None else None
    return result


def whole(view: View, proposal: Proposal) -> Evaluation:
    """Return all that was worked out of a proposal, with every hazard."""
    found = replace(evaluated(view, proposal), hazards=by_hazard(view, proposal))
    other, more = best(view, proposal), interval(view, proposal)
    if other is not None:
        found = replace(found, alternative=other[0], why_no_alternative=other[1])
    return found if more is None else replace(found, interval=more)


def scenarios(area: StudyArea, words: Words) -> dict[str, Scenario]:
    """Return the further scenarios: every hazard, walker and time of day that is known, by name."""
    chosen: Scenario = st.session_state["settings"].scenario()
    known = [time for time, column in TIMES.items() if column in area.demand]
    made = {}
    for hazard in ("", *hazards_of(area)):
        for walker in WALKING:
            for time in known or ["any"]:
                day = words.of("hazard", hazard) if hazard else words("compare.before")
                name = [day, words.of("walker", walker)]
                name += [words.of("time", time)] if time != "any" else []
                period = chosen.return_period if hazard == chosen.hazard else None
                made[words.listed(name)] = chosen.with_changes(
                    hazard=hazard, walker=WALKERS[walker], time=time, return_period=period
                )
    return made
