"""The parts of the Proposals page beside the map: result, best plan, scenarios, comparison."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from shelterplan.app import jobs, sites_panels
from shelterplan.app import proposals_list as listed
from shelterplan.app import proposals_told as told
from shelterplan.app import proposals_work as work
from shelterplan.errors import ShelterplanError
from shelterplan.siting.proposal import Proposal
from shelterplan.views import exports
from shelterplan.views.proposal_card import card
from shelterplan.views.proposal_words import parts

if TYPE_CHECKING:
    from shelterplan.app.gaps_view import View
    from shelterplan.siting.evaluate import Evaluation
    from shelterplan.siting.suggest import Suggestion
    from shelterplan.views.proposal_telling import Telling

STEMS = {"file": "proposal.geojson", "card": "card.html"}


def result(view: View, proposal: Proposal, telling: Telling) -> None:
    """Show what a proposal changes: in words, and for whom, in tables."""
    words, found = view.words, telling.found
    st.html(told.paragraph(telling))
    _titled(view, "sites_title", told.sites(telling, words))
    _titled(view, "communities_title", told.communities(telling, words))
    if len(found.districts) > 1:
        made = told.people_table(words, found.districts, "district", telling.named)
        _titled(view, "districts_title", made)
    if len(found.groups):
        made = told.people_table(
            words, found.groups, "group", lambda key: telling.word("group", str(key))
        )
        _titled(view, "groups_title", made)
    _titled(view, "relieved_title", told.relieved(telling, words))
    _titled(view, "equity_title", told.equity(telling, words))
    with st.spinner(words("proposals.other_hazards")):
        hazards = work.by_hazard(view, proposal)
    _titled(view, "hazards_title", told.people_table(words, hazards, "hazard", telling.hazard))


def _titled(view: View, title: str, table: str) -> None:
    """Show a table under its title, unless there is nothing in it."""
    if table:
        st.html(f"<h3>{escape(view.words.of('proposals', title))}</h3>{table}")


def best(view: View, proposal: Proposal, telling: Telling) -> None:
    """Show the best plan at the same cost beside the proposal, or the button that looks for it."""
    words = view.words
    st.html(f"<p>{escape(words('proposals.best_lead'))}</p>")
    if view.scenario.room == "nearest":
        st.html(f"<p class='check'>{escape(words('sites.not_nearest'))}</p>")
        return
    if not _looked(view, proposal, "best", "proposals.find_best"):
        return
    came = work.best(view, proposal)
    if came is None:
        return
    other, why = came
    found = replace(telling.found, alternative=other, why_no_alternative=why)
    compared = told.telling(words, found, proposal.title, view.area)
    st.html(f"<p class='big' role='status'>{escape(parts(compared).get('best', ''))}</p>")
    if other is None or not len(other.sites):
        return
    st.html(told.difference(compared, words, other))
    st.button(
        words("proposals.take_best"),
        key="take_best",
        disabled=listed.full(),
        on_click=_take,
        args=(view, proposal, other),
    )
    if listed.full():
        st.html(f"<p>{escape(words('proposals.enough', number=listed.MOST))}</p>")


def _take(view: View, proposal: Proposal, other: Suggestion) -> None:
    """Take the best plan as a proposal of its own."""
    title = view.words("proposals.best_title", title=proposal.title)
    listed.add(Proposal.of(title, other.sites, view.area, view.scenario, view.standard))


def scenarios(view: View, proposal: Proposal, telling: Telling) -> None:
    """Show what a proposal changes in further scenarios, or the button that looks at them."""
    words = view.words
    names = work.scenarios(view.area, words)
    st.html(f"<p>{escape(words('proposals.scenarios_lead', number=len(names)))}</p>")
    if not _looked(view, proposal, "scenarios", "proposals.look_at_scenarios"):
        return
    more = work.interval(view, proposal)
    if more is None or more.empty:
        return
    said = parts(
        told.telling(words, replace(telling.found, interval=more), proposal.title, view.area)
    )
    st.html(f"<p class='big' role='status'>{escape(said['interval'])}</p>")
    ranked = more.sort_values("newly_people", kind="stable")
    st.html(told.people_table(words, ranked, "scenario", str))


def _looked(view: View, proposal: Proposal, kind: str, label: str) -> bool:
    """Return whether something was worked out in the background; show its button or how far it is.

    What failed is said, and can be tried again.
    """
    words, key = view.words, work.question(view, proposal, kind)
    if jobs.desk().running(key) is not None:
        st.fragment(sites_panels.watch, run_every=1.0)(view, key)
        return False
    outcome = jobs.desk().outcome(key)
    if outcome is not None and outcome.result is not None:
        if outcome.stopped:
            st.html(f"<p class='check'>{escape(words('proposals.stopped'))}</p>")
        return True
    if outcome is not None:
        said = str(outcome.error) if outcome.error is not None else words("sites.failed")
        st.html(f"<p class='check' role='status'>{escape(said)}</p>")
    st.button(
        words(label),
        key=f"begin_{kind}",
        type="primary",
        on_click=_begin,
        args=(view, proposal, kind),
    )
    return False


def _begin(view: View, proposal: Proposal, kind: str) -> None:
    work.begin(view, proposal, kind)


def compare(view: View, proposal: Proposal, telling: Telling | None) -> None:
    """Show the proposals side by side, and offer the table as a file."""
    del proposal, telling
    words, here = view.words, listed.mine()
    found = [_or_none(view, one) for one in here]
    others = [_best_of(view, one) if len(one.sites) else None for one in here]
    made = told.compared(words, here, found, others, view.area)
    st.html(told.side_by_side(words, made))
    if any(one is None for one in found):
        st.html(f"<p>{escape(words('proposals.not_compared'))}</p>")
    facts = exports.Facts(
        attribution=words("app.attribution"),
        illustrative=tuple(sorted(view.area.illustrative)),
        manifest=view.plan.manifest | {"counted": view.chosen.counted},
    )
    st.download_button(
        words("gaps.download_table"),
        partial(exports.to_csv, made, facts),
        f"{view.area.name}-proposals.csv",
        "text/csv",
        key="compare_csv",
        on_click="ignore",
    )


def _or_none(view: View, proposal: Proposal) -> Evaluation | None:
    """Return what a proposal changes; None if it has no sites, or none that lie here."""
    if not len(proposal.sites) or proposal.area_name not in ("", view.area.name):
        return None
    try:
        return work.evaluated(view, proposal)
    except ShelterplanError:
        return None


def _best_of(view: View, proposal: Proposal) -> Suggestion | None:
    came = work.best(view, proposal)
    return came[0] if came else None


def downloads(view: View, proposal: Proposal) -> None:
    """Offer the proposal as a file, and as a card for a council."""
    words = view.words
    st.html(f"<h3>{escape(words('gaps.download'))}</h3>")
    with st.container(key="downloads", horizontal=True):
        st.download_button(
            words("sites.proposal_file"),
            lambda: _file(view, proposal),
            f"{view.area.name}.{STEMS['file']}",
            "application/geo+json",
            key="proposal_file",
            on_click="ignore",
        )
        st.download_button(
            words("proposals.card"),
            lambda: _card(view, proposal),
            f"{view.area.name}-{STEMS['card']}",
            "text/html",
            key="proposal_card",
            on_click="ignore",
        )


def _file(view: View, proposal: Proposal) -> bytes:
    return Proposal.of(
        proposal.title, proposal.sites, view.area, view.scenario, view.standard
    ).to_bytes()


def _card(view: View, proposal: Proposal) -> bytes:
    found = work.whole(view, proposal)
    return card(found, language=view.words.lang, title=proposal.title, area=view.area)
