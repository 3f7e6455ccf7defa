"""Proposals: sites that somebody proposes, what they would change, and for whom."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from shelterplan.app import proposals_edit as edit
from shelterplan.app import proposals_list as listed
from shelterplan.app import proposals_map as drawn
from shelterplan.app import proposals_panels as panels
from shelterplan.app import proposals_told as told
from shelterplan.app import proposals_work as work
from shelterplan.app import settings
from shelterplan.app.gaps_view import View, view_of_all
from shelterplan.app.markup import plain
from shelterplan.errors import ShelterplanError

if TYPE_CHECKING:
    from shelterplan.app.settings import Settings
    from shelterplan.app.words import Words
    from shelterplan.siting.proposal import Proposal
    from shelterplan.study_area import StudyArea
    from shelterplan.views.proposal_telling import Telling

PARTS = ("sites", "result", "best", "scenarios", "compare")
"""The parts of the page beside the map; the first one is open at first."""
MOST_SHOWN = 40
"""Signs of a title on its button."""


def show(area: StudyArea, chosen: Settings, words: Words) -> None:
    """Show the page."""
    st.html(f"<p class='lead'>{escape(words('proposals.lead'))}</p>")
    with st.spinner(words("gaps.working")):
        view = view_of_all(area, chosen, words)
    _make(view)
    st.fragment(_body)(view)


def _make(view: View) -> None:
    """Show how to make a proposal: by a name, or from a file."""
    words = view.words
    with st.container(key="proposals_make"):
        if listed.full():
            st.html(f"<p>{escape(words('proposals.enough', number=listed.MOST))}</p>")
        else:
            with st.expander(words("proposals.make"), expanded=not listed.mine()):
                _new(view)
                _upload(view)
    problem = st.session_state.get("upload_problem", "")
    if problem:
        st.html(
            f"<p class='check' role='alert'><strong>{escape(words('proposals.refused'))}</strong> "
            f"{escape(problem)}</p>"
        )
    notes = st.session_state.get("upload_notes", ())
    if notes:
        items = "".join(f"<li>{escape(note)}</li>" for note in notes[: listed.MOST_TOLD])
        more = len(notes) - listed.MOST_TOLD
        items += (
            f"<li>{escape(words('proposals.more_notes', number=more))}</li>" if more > 0 else ""
        )
        title = escape(words("proposals.notes"))
        st.html(f"<div class='check' role='status'><strong>{title}</strong><ul>{items}</ul></div>")


def _new(view: View) -> None:
    words = view.words
    with st.form("new_proposal", clear_on_submit=True, border=False):
        st.text_input(words("proposals.title_field"), key="new_title", max_chars=120)
        st.form_submit_button(words("proposals.begin"), on_click=_begin, args=(view,))


def _begin(view: View) -> None:
    number = len(listed.mine()) + 1
    title = str(st.session_state.get("new_title", "")).strip()
    named = title or view.words("proposals.unnamed", number=number)
    listed.add(listed.empty(view.area, named))


def _upload(view: View) -> None:
    key = f"upload-{st.session_state.get('upload_turn', 0)}"
    st.file_uploader(
        view.words("proposals.upload"),
        type=list(listed.ENDINGS),
        key=key,
        on_change=listed.take_file,
        args=(key, view.area, view.words),
    )
    st.html(f"<p class='why'>{escape(view.words('proposals.upload_more'))}</p>")


def _body(view: View) -> None:
    """Show the proposal that is looked at: its map, and beside it the part that is open."""
    if st.session_state.pop("proposals_stale", False):
        st.rerun()
    words, proposal = view.words, listed.current()
    if proposal is None:
        st.html(f"<p class='status ask'>{escape(words('proposals.none'))}</p>")
        return
    _chooser(view)
    telling = _found(view, proposal)
    part = st.segmented_control(
        words("gaps.part"),
        list(PARTS),
        key="proposal_part",
        default="sites",
        required=True,
        format_func=lambda name: words.of("proposal_part", name),
        label_visibility="collapsed",
    )
    with st.container(key="gaps"):
        left, right = st.container(key="gaps_map"), st.container(key="gaps_detail")
        with left:
            drawn.show(view, proposal, telling)
        with right:
            _part(view, proposal, telling, part)
    settings.write_address()


def _chooser(view: View) -> None:
    """Show the choice of the proposal, and what can be done with it."""
    words, here = view.words, listed.mine()
    st.session_state["proposal_now"] = listed.at()
    st.segmented_control(
        words("proposals.which"),
        list(range(len(here))),
        key="proposal_now",
        required=True,
        format_func=lambda row: plain(f"{row + 1}. {here[row].title[:MOST_SHOWN]}"),
        on_change=lambda: listed.look_at(st.session_state["proposal_now"] or 0),
    )
    for warning in here[listed.at()].warnings(view.area):
        said = words("proposals.mind", warning=warning)
        st.html(f"<p class='check'>{escape(said)}</p>")


def _found(view: View, proposal: Proposal) -> Telling | None:
    """Say what the proposal changes; return None if there is nothing to say."""
    words = view.words
    if proposal.area_name not in ("", view.area.name):
        return None
    if not len(proposal.sites):
        st.html(f"<p class='status ask'>{escape(words('proposals.no_sites'))}</p>")
        return None
    try:
        found = work.evaluated(view, proposal)
    except ShelterplanError as error:
        st.html(f"<p class='check' role='alert'>{escape(str(error))}</p>")
        return None
    telling = told.telling(words, found, proposal.title, view.area)
    st.html(told.headline(telling))
    return telling


def _part(view: View, proposal: Proposal, telling: Telling | None, part: str) -> None:
    """Show the open part; without any site there are only the sites, and the comparison."""
    if part == "compare":
        panels.compare(view, proposal, telling)
    elif part == "sites":
        edit.panel(view, proposal)
        if telling is not None:
            panels.downloads(view, proposal)
        _manage(view, proposal)
    elif telling is None:
        st.html(f"<p>{escape(view.words('proposals.first_sites'))}</p>")
    elif part == "result":
        _counted(view)
        panels.result(view, proposal, telling)
    elif part == "best":
        panels.best(view, proposal, telling)
    else:
        panels.scenarios(view, proposal, telling)


def _counted(view: View) -> None:
    """Show how shelters of unknown size are counted."""
    words = view.words
    st.selectbox(
        words("sites.counted"),
        settings.WORDS["counted"],
        key=settings.pick("counted"),
        format_func=lambda one: words.of("counted", one),
        on_change=_recount,
    )


def _recount() -> None:
    settings.take("counted")
    st.session_state["proposals_stale"] = True


def _manage(view: View, proposal: Proposal) -> None:
    """Show how to rename, copy and delete a proposal."""
    words = view.words
    with st.expander(words("proposals.manage")):
        key = f"rename-{listed.at()}-{proposal.title}"
        st.text_input(
            words("proposals.rename"),
            proposal.title,
            key=key,
            max_chars=120,
            on_change=listed.rename,
            args=(key,),
        )
        with st.container(key="proposal_buttons", horizontal=True):
            st.button(
                words("proposals.copy"),
                key="proposal_copy",
                disabled=listed.full(),
                on_click=listed.copy,
                args=(words("proposals.copy_title", title=proposal.title),),
            )
            st.button(words("proposals.delete"), key="proposal_delete", on_click=listed.remove)
