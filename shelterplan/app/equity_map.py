"""The map of the Equity page: need and access of each community at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit_folium import st_folium

from shelterplan.app import equity_told as told
from shelterplan.app import maps
from shelterplan.views import map as views
from shelterplan.views.equity_classes import colour_of

if TYPE_CHECKING:
    from shelterplan.app.equity_work import Need
    from shelterplan.app.gaps_view import View

HEIGHT = 480
"""Height of the map [px]."""


def show_map(view: View, found: Need) -> None:
    """Show the map and its legend."""
    area, words = view.area, view.words
    look = maps.look(words)
    table = found.table.loc[area.communities.index]
    pairs = list(zip(table["need_class"], table["lack_class"], strict=True))
    group = views.chosen_community(None, move=False)
    views.paint_communities(
        group,
        [colour_of(need, lack, dark=view.dark) for need, lack in pairs],
        [
            words(
                "equity.tip",
                name=words.translated(str(name)),
                kind=told.class_told(words, need, lack),
            )
            for name, (need, lack) in zip(table["name"], pairs, strict=True)
        ],
    )
    st.html(told.legend(words, found, dark=view.dark))
    zones = maps.zone_key(view.scenario)
    with st.container(key="equity_map"):
        st_folium(
            maps.gaps_map(
                area, words, look, scenario=view.scenario, communities=list(area.communities.index)
            ),
            key=f"equity_map-{area.name}-{area.version}-{zones}-{words.lang}-{look.dark}",
            height=HEIGHT,
            use_container_width=True,
            render=False,  # it is rendered anyhow; this would be a second time
            returned_objects=[],
            feature_group_to_add=group,
        )
    if legend := maps.zone_legend(area, words, view.scenario):
        st.html(legend)
