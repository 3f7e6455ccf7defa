"""The map of a proposal: who has no place with it, and its sites, to be tapped and dragged."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING

import streamlit as st
from streamlit_folium import st_folium

from shelterplan.app import gaps_told, maps
from shelterplan.app import proposals_edit as edit
from shelterplan.app import proposals_list as listed
from shelterplan.app.figures import people
from shelterplan.app.proposals_work import digest
from shelterplan.views import map as views
from shelterplan.views import proposal_marks as marks
from shelterplan.views.proposal_telling import signed
from shelterplan.views.scale import people_scale

if TYPE_CHECKING:
    from shelterplan.app.gaps_view import View
    from shelterplan.siting.evaluate import Evaluation
    from shelterplan.siting.proposal import Proposal
    from shelterplan.views.proposal_telling import Telling

MAP_HEIGHT = 520
"""Height of the map [px]; the style sheet makes it lower on a phone."""
OPACITY = 0.7
"""Of the communities' fill."""


def show(view: View, proposal: Proposal, told: Telling | None) -> None:
    """Show the map; a tap or a drag on it changes the proposal."""
    words, area = view.words, view.area
    mode = _mode(view)
    look = maps.look(words)
    plan = view.plan if told is None else told.found.after
    gap = plan.communities["gap_population"].reindex(area.communities.index)
    scale = people_scale(view.plan.communities["gap_population"], dark=view.dark)
    group = views.chosen_community(None, move=False)
    tips = _tips(view, gap.tolist(), told.found if told is not None else None)
    views.paint_communities(group, [scale.colour(one) for one in gap], tips, opacity=OPACITY)
    of = digest(proposal)
    moved = st.session_state.get("proposal_site_on") != "map"
    marks.mark_proposal(group, _sites(view, proposal, told), of=of, move=moved)
    zones = maps.zone_key(view.scenario)
    key = f"proposals_map-{area.name}-{area.version}-{zones}-{words.lang}-{look.dark}"
    st_folium(
        maps.gaps_map(
            area, words, look, scenario=view.scenario, communities=list(area.communities.index)
        ),
        key=key,
        height=MAP_HEIGHT,
        use_container_width=True,
        render=False,  # it is rendered anyhow; this would be a second time
        returned_objects=["last_clicked"],
        on_change=partial(_take, key, view, mode, of),
        feature_group_to_add=group,
    )
    keys = [("<span class='key empty'></span>", words("gaps.legend_none"))]
    keys += [
        (f"<span class='key' style='background:{colour}'></span>", text)
        for colour, text in gaps_told.class_labels(scale.steps)
    ]
    keys.append(("<span class='dot'></span>", words("gaps.legend_shelter")))
    keys.append(("<span class='sign site'>1</span>", words("proposals.legend_site")))
    items = "".join(f"<li>{sign}{escape(text)}</li>" for sign, text in keys)
    title = escape(words("proposals.legend"))
    zoned = maps.zone_legend(area, words, view.scenario)
    st.html(f"<div class='legend'><p>{title}</p><ul>{items}</ul></div>{zoned}")


def _mode(view: View) -> str:
    words = view.words
    chosen: str = st.segmented_control(
        words("proposals.tap"),
        edit.TAPS,
        key="proposal_tap",
        default="add",
        required=True,
        format_func=lambda one: words.of("proposal_tap", one),
        help=None,
    )
    st.html(f"<p class='why'>{escape(words('proposals.drag'))}</p>")
    return chosen


def _tips(view: View, gap: list[float], found: Evaluation | None) -> list[str]:
    """Return what each community tells: people without a place, and what the proposal changes."""
    words, rows = view.words, view.area.communities
    everybody = view.plan.communities["population"].reindex(rows.index)
    tips = [
        words("gaps.tip", name=words.translated(str(name)), gap=people(lack), people=people(count))
        for name, lack, count in zip(rows["name"], gap, everybody, strict=True)
    ]
    if found is None:
        return tips
    table = found.communities.reindex(rows.index)
    more = table["after_people"] - table["before_people"]
    return [
        f"{tip} ({signed(float(change))})" if abs(change) >= 1 else tip
        for tip, change in zip(tips, more, strict=True)
    ]


def _sites(view: View, proposal: Proposal, told: Telling | None) -> list[marks.ProposedSite]:
    points = proposal.sites.geometry.representative_point()
    unused = [""] * len(proposal.sites)
    if told is not None:
        unused = [told.unused_reason(site) for _, site in told.found.sites.iterrows()]
    return [
        marks.ProposedSite(
            at=(at.x, at.y),
            tip=view.words.listed([edit.site_name(view.words, proposal, row), unused[row]]),
            used=not unused[row],
            chosen=row == listed.chosen(),
        )
        for row, at in enumerate(points)
    ]


def _take(key: str, view: View, mode: str, of: str) -> None:
    """Do to the proposal what was done on the map."""
    answer = (st.session_state.get(key) or {}).get("last_clicked")
    edit.take_tap(edit.read_tap(answer, of=of), view.area, view.words, mode)
