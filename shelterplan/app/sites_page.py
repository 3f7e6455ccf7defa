"""New sites: where the next shelters should go, how sure that is, and why there."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from shelterplan import risk
from shelterplan.app import jobs, settings, sites_form, sites_front, sites_map, sites_sure, store
from shelterplan.app import sites_panels as panels
from shelterplan.app import sites_scenarios as scenarios
from shelterplan.app import sites_told as told
from shelterplan.app import sites_work as work
from shelterplan.app.gaps_view import View
from shelterplan.app.markup import plain
from shelterplan.app.sites_chosen import chosen
from shelterplan.siting.proposal import Proposal
from shelterplan.views import exports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shelterplan.app.jobs import Outcome
    from shelterplan.app.settings import Settings
    from shelterplan.app.words import Words
    from shelterplan.siting.suggest import Suggestion
    from shelterplan.study_area import StudyArea

PARTS = ("plan", "front", "candidates")
"""The parts of the page beside the map; the first one is open at first."""
MOST_PROPOSALS = 4
"""So many proposals are compared side by side."""


def show(area: StudyArea, chosen: Settings, words: Words) -> None:
    """Show the page."""
    st.html(f"<p class='lead'>{escape(words('sites.lead'))}</p>")
    if chosen.room == "nearest":
        st.html(f"<p class='check'>{escape(words('sites.not_nearest'))}</p>")
        st.button(words("sites.use_assigned"), key="use_assigned", on_click=_assign)
        return
    with st.spinner(words("gaps.working")):
        view = _view(area, chosen, words)
        urgent = _urgent(view)
    _banner(view, urgent)
    if not len(area.candidates):
        st.html(f"<p class='check'>{escape(words('sites_reason.none_given'))}</p>")
        return
    if sites_form.show(view):
        ask(view)
    shown = _answer(view)
    st.fragment(_body)(view, shown, urgent)
    if shown is not None and len(shown.sites):
        _downloads(view, shown)


def _assign() -> None:
    settings.change(room="assigned")


def ask(view: View) -> None:
    """Begin to look for the sites that are asked for now."""
    request = sites_form.request(view)
    st.session_state["sites_asked"] = request
    st.session_state.pop("sites_opened", None)
    jobs.desk().begin(request, work.plan(view.area, request))


def _view(area: StudyArea, chosen: Settings, words: Words) -> View:
    """Return what is looked at: the study area as it is."""
    scenario, standard = chosen.scenario(), chosen.access_standard()
    plan = store.plan(area.name, area.version, scenario, standard)
    ranked = plan.communities.sort_values("gap_population", ascending=False, kind="stable")
    return View(
        area=area,
        chosen=chosen,
        words=words,
        scenario=scenario,
        standard=standard,
        plan=plan,
        shown=ranked,
        total=plan.total,
        grades={},
        dark=st.context.theme.type == "dark",
    )


def _urgent(view: View) -> list[str]:
    """Return the communities of high risk that are under-served, the most urgent first."""
    if not view.scenario.hazard:
        return []
    made = work.priority(view.area.name, view.area.version, view.scenario, view.standard)
    if made["hazard"].isna().all():
        return []
    found = risk.high_risk_under_served(made)
    return [str(one) for one in found.sort_values("rank", kind="stable").index]


def _banner(view: View, urgent: Sequence[str]) -> None:
    """Say which communities come first, and what is not known."""
    words, rows = view.words, view.plan.communities
    if urgent:
        listed = rows.loc[list(urgent)]
        body = told.urgent(words, listed, [words.translated(str(n)) for n in listed["name"]])
    else:
        first = view.shown[view.shown["gap_population"] > 0].head(told.CROWD)
        names = words.listed([words.translated(str(name)) for name in first["name"]])
        body = f"<p>{escape(words('sites.most_gap', names=names))}</p>" if len(first) else ""
        kind = "risk_unknown" if not view.scenario.hazard else "risk_none"
        hazard = words.of("hazard", view.scenario.hazard or "none")
        if view.scenario.hazard and not sites_form.zones_known(view.area, view.scenario.hazard):
            kind = "risk_no_zone"
        body = f"<p>{escape(words.of('sites_risk', kind, hazard=hazard))}</p>{body}"
    st.html(f"<div class='query'>{body}</div>")


def _answer(view: View) -> Suggestion | None:
    """Show what came of the search, or how far it is; return the plan, None if there is none."""
    words, asked = view.words, st.session_state.get("sites_asked")
    now = sites_form.request(view)
    if asked is None:
        return None
    if not asked.same_place(now):
        st.html(f"<p class='check'>{escape(words('sites.elsewhere'))}</p>")
        return None
    job = jobs.desk().job
    if job is not None and jobs.desk().running(job.key) is not None:
        st.fragment(panels.watch, run_every=1.0)(view, job.key)
        if job.key == asked:
            return None
    outcome = jobs.desk().outcome(asked)
    if outcome is None:
        st.html(f"<p class='check'>{escape(words('sites.gone'))}</p>")
        return None
    if asked != now:
        st.html(f"<p class='check'>{escape(words('sites.changed'))}</p>")
    return _said(view, outcome, asked)


def _said(view: View, outcome: Outcome, asked: work.Request) -> Suggestion | None:
    """Say what a plan does, or why there is none."""
    words = view.words
    if outcome.result is None:
        if outcome.error is not None:
            st.error(f"{words('sites.none')} {plain(told.reason(words, str(outcome.error)))}")
        else:
            st.error(words("sites.ended") if outcome.stopped else words("sites.failed"))
        return None
    opened = _opened(view, asked)
    if opened is not None:
        return opened
    found: Suggestion = outcome.result
    sure = told.proof(words, found, stopped=outcome.stopped)
    st.html(told.headline(words, found, sure=sure))
    st.html(f"<p class='certainty'>{escape(told.wished(words, found))}</p>")
    return found


def _opened(view: View, asked: work.Request) -> Suggestion | None:
    """Show another plan that was opened; None if none is, or it is still to be counted."""
    words, opened = view.words, sites_front.opened(asked)
    outcome = None if opened is None else jobs.desk().outcome(opened[0])
    if opened is None or outcome is None or outcome.result is None:
        return None
    found: Suggestion = outcome.result
    st.html(told.headline(words, found, sure=sites_front.proof(words, opened[1])))
    st.button(words("sites.back"), key="sites_back", on_click=sites_front.close)
    return found


def _body(view: View, found: Suggestion | None, urgent: Sequence[str]) -> None:
    """Show the map, and beside it the part that is open; what a part needs is computed then."""
    words = view.words
    if st.session_state.pop("sites_stale", False):
        st.rerun()
    with st.container(key="sites_part_row"):
        part = st.segmented_control(
            words("gaps.part"),
            list(PARTS) if found is not None else ["candidates"],
            key="sites_part" if found is not None else "sites_part_first",
            default="plan" if found is not None else None,
            required=found is not None,
            format_func=lambda name: words.of("sites_part", name),
            label_visibility="collapsed",
        )
    table = found.candidates if found is not None else None
    with st.container(key="gaps"):
        left, right = st.container(key="gaps_map"), st.container(key="gaps_detail")
        with right:
            if part == "candidates":
                table = panels.candidates(view)
            elif found is not None and part == "front":
                sites_front.show(view, st.session_state["sites_asked"], found)
            elif found is not None:
                _plan(view, found)
            else:
                st.html(f"<p>{escape(words('sites.press'))}</p>")
        with left:
            sites_map.show(view, found=found, table=table, urgent=urgent, site=chosen())
    settings.write_address()


def _plan(view: View, found: Suggestion) -> None:
    """Show the plan, how sure each site is, and why one was chosen."""
    words = view.words
    request: work.Request = st.session_state["sites_asked"]
    if len(found.sites):
        panels.plan(view, found, sites_sure.words_of(request, found))
        _in_scenarios(view, found)
        sites_sure.show(view, request, found)
        panels.chosen_site(view, found)
    else:
        _in_scenarios(view, found)
    if sites_form.request(view) != request and sites_form.ready(view):
        again = st.button(words("sites.again"), key="sites_again", type="primary")
        if again:
            ask(view)
            st.rerun()


def _in_scenarios(view: View, found: Suggestion) -> None:
    """Show what the plan does in each scenario, if it was made for several."""
    told_of = scenarios.shares(view.words, found)
    if told_of:
        st.html(told_of)


def _downloads(view: View, found: Suggestion) -> None:
    """Offer the plan as files, and as a proposal."""
    words = view.words
    asked: work.Request = st.session_state["sites_asked"]
    further = scenarios.manifest(asked.scenarios if found.scenarios else ())
    facts = exports.Facts(
        attribution=words("app.attribution"),
        illustrative=tuple(sorted(view.area.illustrative)),
        manifest=found.manifest
        | {"objective": found.result.objective, "bound": found.result.bound}
        | {"status": found.result.status, "unit": found.unit}
        | further,
    )
    st.header(words("gaps.download"), anchor=False)
    st.html(f"<p>{escape(words('gaps.download_more'))}</p>")
    name = f"{view.area.name}-sites"
    with st.container(key="downloads", horizontal=True):
        for label, ending, mime, make in (
            ("CSV", "csv", "text/csv", partial(exports.to_csv, found.sites, facts)),
            (
                "GeoJSON",
                "geojson",
                "application/geo+json",
                partial(exports.to_geojson, found.sites, facts),
            ),
        ):
            st.download_button(
                label, make, f"{name}.{ending}", mime, key=f"plan_{ending}", on_click="ignore"
            )
        st.download_button(
            words("sites.proposal_file"),
            lambda: proposal(view, found).to_bytes(),
            f"{name}.proposal.geojson",
            "application/geo+json",
            key="plan_proposal",
            on_click="ignore",
        )
        _take(view, found)


def _take(view: View, found: Suggestion) -> None:
    """Show the button that takes the plan as a proposal, to be compared with others."""
    words = view.words
    mine: list[Proposal] = st.session_state.setdefault("proposals", [])
    full = len(mine) >= MOST_PROPOSALS
    if st.button(words("sites.take"), key="sites_take", disabled=full):
        mine.append(proposal(view, found))
        st.session_state["sites_taken"] = mine[-1].title
        st.rerun()
    taken = st.session_state.pop("sites_taken", "")
    if taken:
        st.html(f"<p role='status'>{escape(words('sites.taken', title=taken))}</p>")
    elif full:
        st.html(f"<p>{escape(words('sites.proposals_full', number=MOST_PROPOSALS))}</p>")


def proposal(view: View, found: Suggestion) -> Proposal:
    """Return a plan as a proposal."""
    title = told.proposed(view.words, found)
    return Proposal.of(title, found.sites, view.area, view.scenario, view.standard)
