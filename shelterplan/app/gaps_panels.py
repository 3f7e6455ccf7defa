"""The parts of the Gaps page beside the map: reasons, priority, before and after, walkers."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from shelterplan import coverage, risk
from shelterplan.app import gaps_told as told
from shelterplan.app import store
from shelterplan.app.figures import people, signed
from shelterplan.app.gaps_view import Painted, View, offer_csv, show_table
from shelterplan.app.whatif import total_of
from shelterplan.ranking import PARTS
from shelterplan.scenario import Scenario
from shelterplan.views.charts import stacked_people
from shelterplan.views.scale import (
    CIVIDIS,
    EMPTY,
    Scale,
    Step,
    difference_scale,
    people_scale,
)

if TYPE_CHECKING:
    from shelterplan.standards import AccessStandard

BARS = 20
"""Most communities in the chart of reasons; the table has all."""
RANKS = ((1, 5), (6, 10), (11, 20), (21, 50), (51, 100_000))
"""Classes of ranks on the map."""


def gaps(view: View) -> Painted:
    """Paint the communities by the people without a place."""
    words, scale = view.words, people_scale(view.shown["gap_population"], dark=view.dark)
    reason = view.plan.shelters["reason"]
    by_hand = reason.index.isin(view.chosen.closed_shelters)
    return Painted(
        colours=[scale.colour(gap) for gap in view.shown["gap_population"]],
        tips=[
            words(
                "gaps.tip",
                name=words.translated(str(row["name"])),
                gap=people(row["gap_population"]),
                people=people(row["population"]),
            )
            for _, row in view.shown.iterrows()
        ],
        legend=told.legend(
            words,
            words("gaps.legend"),
            told.class_labels(scale.steps),
            nobody=words("gaps.legend_none"),
            unused=bool((reason[~by_hand] != "").any()),
            shut=bool(view.chosen.closed_shelters or view.chosen.closed_streets),
        ),
    )


def reasons(view: View) -> Painted:
    """Show the people of each community by status."""
    words, shown = view.words, view.shown
    counts = shown[[f"{one}_population" for one in coverage.STATUSES if one != "covered"]]
    counts = counts.assign(covered_population=shown["covered_population"])
    counts = counts.rename(columns=lambda name: name.removesuffix("_population"))
    used = [status for status in coverage.STATUSES if counts[status].sum() > 0]
    labels = {status: words.of("status", status) for status in used}
    first = counts.head(BARS)
    said = words.listed([f"{labels[one]}: {people(counts[one].sum())}" for one in used])
    if len(counts) > BARS:
        st.html(f"<p>{escape(words('reasons.first', number=BARS, all=len(counts)))}</p>")
    st.html(told.status_legend(words, used))
    st.vega_lite_chart(
        stacked_people(
            list(view.names.head(BARS)),
            first,
            labels=labels,
            x_title=words("gaps.column_people"),
            description=f"{words('reasons.title')} {said}",
            dark=view.dark,
        ),
        key="reasons_chart",
        theme=None,
    )
    table = pd.DataFrame(
        {words("gaps.column_name"): view.names}
        | {words("gaps.column_people"): told.whole(shown["population"])}
        | {labels[status]: told.whole(counts[status]) for status in used}
    )
    show_table(view, table, key="reasons_table", alt=words("reasons.title"))
    columns = [
        "name",
        "district",
        "population",
        *(f"{one}_population" for one in coverage.STATUSES),
    ]
    offer_csv(view, pd.DataFrame(shown)[columns], "reasons")
    _shelters(view)
    return gaps(view)


def _shelters(view: View) -> None:
    """Show how every shelter of the study area is used, those that turn most people away first."""
    words, used = view.words, view.plan.shelters
    if "assigned_population" not in used:  # room is not looked at
        return
    used = used.sort_values(
        ["turned_away_population", "assigned_population"], ascending=False, kind="stable"
    )
    st.subheader(words("shelters.title"), anchor=False)
    table = pd.DataFrame(
        {
            words("shelters.name"): used["name"].map(words.translated),
            words("shelters.room"): used["room"].round().astype("Int64"),
            words("shelters.expected"): told.whole(used["expected_population"]),
            words("shelters.assigned"): told.whole(used["assigned_population"]),
            words("shelters.turned_away"): told.whole(used["turned_away_population"]),
            words("shelters.fills_at"): used["fills_at_share"] * 100,
            words("shelters.refusal"): [
                words.of("refusal", reason) if reason else "" for reason in used["reason"]
            ],
        }
    )
    show_table(
        view,
        table,
        key="shelters_table",
        alt=words("shelters.title"),
        shares=(words("shelters.fills_at"),),
    )
    offer_csv(view, used, "shelters")


def priority(view: View) -> Painted:
    """Show which communities come first, and how sure that is."""
    words = view.words
    with st.spinner(words("gaps.working")):
        made = _priority(view.area.name, view.area.version, view.scenario, view.standard)
    st.html(f"<p>{escape(words('priority.lead'))}</p>")
    for part, reason in made.attrs["left_out"].items():
        st.html(f"<p class='check'>{escape(_left_out(view, part, reason))}</p>")
    known = [part for part in PARTS if part not in made.attrs["left_out"]]
    weights = _weights(view, known)
    if weights and not sum(weights.values()) > 0:
        st.html(f"<p class='check'>{escape(words('priority.no_weight'))}</p>")
        weights = {}
    ranked = made.assign(**risk.ranking(made[list(PARTS)], weights=weights))
    ranked = ranked.loc[ranked.index.isin(view.shown.index)].sort_values(
        ["rank", "gap_population"], ascending=[True, False], kind="stable"
    )
    _under_served(view, ranked)
    show_table(
        view, _priority_table(view, ranked, known), key="priority_table", alt=words("part.priority")
    )
    offer_csv(view, ranked, "priority")
    ranks = ranked["rank"].reindex(view.shown.index)
    colours = CIVIDIS if view.dark else CIVIDIS[::-1]
    used = [ends for ends in RANKS if ends[0] <= len(made)]
    scale = Scale(tuple(Step(c, *ends) for c, ends in zip(colours, used, strict=False)))
    return Painted(
        colours=[EMPTY if pd.isna(rank) else scale.colour(rank) for rank in ranks],
        tips=[
            words("priority.tip", name=name, rank="–" if pd.isna(rank) else rank)
            for name, rank in zip(view.names, ranks, strict=True)
        ],
        legend=told.legend(
            words,
            words("priority.legend"),
            told.class_labels(scale.steps, endless=True),
            nobody=words("priority.unranked"),
        ),
    )


def _weights(view: View, known: list[str]) -> dict[str, float]:
    """Show a slider for each part that is known, and return the weights."""
    words = view.words
    if len(known) < 2:
        return {}
    with st.container(key="weights", horizontal=True):
        return {
            part: st.slider(
                words("priority.weight", part=words.of("part", part)),
                0.0,
                3.0,
                1.0,
                0.25,
                key=f"weight_{part}",
            )
            for part in known
        }


def _left_out(view: View, part: str, reason: str) -> str:
    """Say why a part of the priority is not there."""
    words, count = view.words, re.search(r"\d+", reason)
    hazard = words.of("hazard", view.scenario.hazard or "none")
    kind = "not_given"
    if part == "hazard":
        kind = "no_zone" if view.scenario.hazard else "no_hazard"
    elif count:
        kind = "some_unknown"
    why = words.of("left_out", kind, hazard=hazard, number=count.group() if count else "")
    return words("priority.left_out", part=words.of("part", part), why=why)


def _under_served(view: View, ranked: pd.DataFrame) -> None:
    """Show the communities of high risk that are under-served, and the question as text."""
    words = view.words
    if ranked["hazard"].isna().all():
        return
    found = risk.high_risk_under_served(ranked)
    line = words(
        "priority.query",
        number=len(found),
        people=people(found["gap_population"].sum()),
    )
    names = words.listed([words.translated(str(name)) for name in found["name"].head(10)])
    st.html(
        f"<div class='query'><p><strong>{escape(line)}</strong> {escape(names)}</p>"
        f"<p><code>{escape(risk.high_risk_query())}</code></p></div>"
    )


def _priority_table(view: View, ranked: pd.DataFrame, known: list[str]) -> pd.DataFrame:
    """Return what a planner sees of the priority."""
    words = view.words
    low, high = ranked["rank_low"], ranked["rank_high"]
    spread = [
        "" if pd.isna(a) else str(a) if a == b else f"{a}–{b}"
        for a, b in zip(low, high, strict=True)
    ]
    return pd.DataFrame(
        {words("gaps.column_name"): ranked["name"].map(words.translated)}
        | {words("priority.rank"): ranked["rank"]}
        | {words("priority.spread"): spread}
        | {words("priority.index"): ranked["priority"].round(2)}
        | {words.of("part", part): ranked[part].round(2) for part in known}
        | {words("gaps.column_gap"): told.whole(ranked["gap_population"])}
        | {words("gaps.column_grade"): ranked["district"].map(dict(view.grades))}
    )


def compare(view: View) -> Painted:
    """Show what the scenario changes, compared with an ordinary day."""
    words, usual = view.words, ordinary(view.scenario)
    if usual == view.scenario:
        st.html(f"<p class='check'>{escape(words('compare.ordinary'))}</p>")
    with st.spinner(words("gaps.working")):
        before = store.plan(view.area.name, view.area.version, usual, view.standard)
    st.html(told.changes(words, total_of(before, view.chosen.district), view.total, "compare"))
    table = differences(before.communities.loc[view.shown.index], view.shown)
    table = table.sort_values("difference_population", kind="stable")
    show_table(
        view,
        pd.DataFrame(
            {words("gaps.column_name"): table["name"].map(words.translated)}
            | {
                words.of("compare", name): told.whole(table[f"{name}_population"])
                for name in ("difference", "before", "after", "sure_before", "sure_after")
            }
        ),
        key="compare_table",
        alt=words("part.compare"),
    )
    offer_csv(view, table, "before-after")
    change = table["difference_population"].reindex(view.shown.index)
    scale = difference_scale(change)
    return Painted(
        colours=[scale.colour(value) for value in change],
        tips=[
            words("compare.tip", name=name, people=signed(value))
            for name, value in zip(view.names, change, strict=True)
        ],
        legend=told.legend(
            words,
            words("compare.legend"),
            [(s.colour, f"{_signed(s.low)} … {_signed(s.high)}") for s in scale.steps],
            nobody=words("compare.none"),
        ),
    )


def ordinary(scenario: Scenario) -> Scenario:
    """Return the ordinary day that a scenario is compared with: the same walker, time and room.

    Examples
    --------
    >>> flood = Scenario.of(walker="elderly", hazard="flood", closed_streets=(3,))
    >>> ordinary(flood) == Scenario.of(walker="elderly")
    True
    """
    return scenario.with_changes(
        hazard="",
        hazard_level=1,
        return_period=None,
        phase="during",
        gates="open",
        closed_streets=(),
        closed_areas=(),
        closed_shelters=(),
    )


def differences(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return who has a place before and after, by community, in the order of `after`."""
    return pd.DataFrame(
        {
            "name": after["name"],
            "district": after["district"],
            "population": after["population"],
            "before_population": before["possible_people"],
            "after_population": after["possible_people"],
            "difference_population": after["possible_people"] - before["possible_people"],
            "sure_before_population": before["covered_population"],
            "sure_after_population": after["covered_population"],
        }
    )


def _signed(count: int) -> str:
    return signed(float(count))


@st.cache_resource(max_entries=8, show_spinner=False)
def _priority(
    name: str,
    version: str,  # noqa: ARG001 - part of the key
    scenario: Scenario,
    standard: AccessStandard,
) -> pd.DataFrame:
    """Return the priority of the communities under even weights."""
    found: pd.DataFrame = risk.priority(store.area(name), scenario, standard)
    return found
