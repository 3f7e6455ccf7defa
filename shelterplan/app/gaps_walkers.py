"""The part of the Gaps page on other walkers: how many minutes more than an adult they need."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from shelterplan import risk
from shelterplan.app import gaps_told as told
from shelterplan.app import store
from shelterplan.app.figures import lacking, people
from shelterplan.app.gaps_view import Painted, View, offer_csv, show_table
from shelterplan.scenario import WALKERS, Scenario
from shelterplan.views.scale import EMPTY, minutes_scale

if TYPE_CHECKING:
    import geopandas as gpd

OTHERS = ("wheelchair", "elderly", "pushchair", "assisted", "night")
"""Walkers that are compared with an adult."""
NO_WAY = "#a50f3c"
"""Fill of a community in which half of the people lose any way."""


def walkers(view: View) -> Painted:
    """Show how many minutes more another walker needs than an adult."""
    words = view.words
    walker = st.selectbox(
        words("walkers.who"),
        OTHERS,
        key="penalty_walker",
        format_func=lambda name: words.of("walker", name),
    )
    with st.spinner(words("gaps.working")):
        penalty = _penalty(
            view.area.name, view.area.version, everybody_alike(view.scenario), walker
        )
    found = risk.penalty_summary(penalty, penalty["community_id"]).reindex(view.shown.index)
    lost = float(found["lost_population"].sum())
    everybody = float(found["population"].sum())
    line = words(
        "walkers.lost", people=people(lost), share=lacking(lost / everybody if everybody else 0.0)
    )
    st.html(f"<p class='line'><strong>{escape(line)}</strong> {escape(words('walkers.lead'))}</p>")
    found = found.assign(name=view.shown["name"]).sort_values(
        ["lost_population", "median_extra_time_s"], ascending=False, kind="stable"
    )
    show_table(
        view,
        pd.DataFrame(
            {
                words("gaps.column_name"): found["name"].map(words.translated),
                words("walkers.median"): [_minutes(s) for s in found["median_extra_time_s"]],
                words("walkers.p90"): [_minutes(s) for s in found["p90_extra_time_s"]],
                words("walkers.column_lost"): told.whole(found["lost_population"].fillna(0.0)),
            }
        ),
        key="walkers_table",
        alt=words("part.walkers"),
    )
    offer_csv(view, found, f"walkers-{walker}")
    return _penalty_painted(view, found["median_extra_time_s"].reindex(view.shown.index))


def _penalty_painted(view: View, median_s: pd.Series[float]) -> Painted:
    words, scale = view.words, minutes_scale(dark=view.dark)

    def colour(seconds: float) -> str:
        if math.isinf(seconds):
            return NO_WAY
        return EMPTY if math.isnan(seconds) else scale.colour(math.ceil(seconds / 60 - 1e-6))

    return Painted(
        colours=[colour(seconds) for seconds in median_s],
        tips=[
            words(
                "walkers.tip",
                name=name,
                minutes="–" if math.isnan(seconds) else told.minutes(words, seconds),
            )
            for name, seconds in zip(view.names, median_s, strict=True)
        ],
        legend=told.legend(
            words,
            words("walkers.legend"),
            [*told.class_labels(scale.steps, endless=True), (NO_WAY, words("walkers.no_way"))],
            nobody=words("walkers.none"),
        ),
    )


def everybody_alike(scenario: Scenario) -> Scenario:
    """Return a scenario without its walker and the room, on which the penalty does not depend."""
    return scenario.with_changes(walker=WALKERS["adult"], room="ignored", delay_s=0.0)


def _minutes(seconds: float) -> float | None:
    """Return seconds in whole minutes, rounded up; None where there is no such time."""
    return math.ceil(seconds / 60 - 1e-6) if math.isfinite(seconds) else None


@st.cache_resource(max_entries=8, show_spinner=False)
def _penalty(
    name: str,
    version: str,  # noqa: ARG001 - part of the key
    scenario: Scenario,
    walker: str,
) -> gpd.GeoDataFrame:
    """Return the extra time of a walker at each demand point."""
    found: gpd.GeoDataFrame = risk.walker_penalty(
        store.area(name), scenario, walker=WALKERS[walker]
    )
    return found
