"""Which site of a plan somebody looks at."""

from __future__ import annotations

from typing import Literal

import streamlit as st


def choose(site: str, where: Literal["map", "table", "list"]) -> None:
    """Choose a site; the table is drawn anew unless it was chosen there."""
    st.session_state["sites_site"] = site
    st.session_state["site_chosen_on"] = where
    if where != "table":
        st.session_state["site_turn"] = st.session_state.get("site_turn", 0) + 1


def chosen() -> str:
    """Return the chosen site, "" if none is."""
    return str(st.session_state.get("sites_site", ""))


def turn() -> int:
    """Return a number that changes when the table must be drawn anew."""
    return int(st.session_state.get("site_turn", 0))
