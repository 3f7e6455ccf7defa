"""The parts of the New sites page beside the map: the plan, why a site, and the candidates."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from shelterplan.app import jobs, sites_form, sites_work
from shelterplan.app import sites_told as told
from shelterplan.app.figures import people
from shelterplan.app.gaps_view import View, show_table
from shelterplan.app.markup import cards
from shelterplan.app.sites_chosen import choose, chosen, turn

if TYPE_CHECKING:
    from collections.abc import Hashable

    import geopandas as gpd

    from shelterplan.siting.suggest import Suggestion


def plan(view: View, found: Suggestion, sure: dict[str, str] | None) -> None:
    """Show the sites of a plan in the order to build them."""
    words, ids = view.words, [str(site) for site in found.sites.index]
    site = chosen() if chosen() in ids else ""
    st.html(f"<p>{escape(words('sites.order'))}</p>")
    key = f"sites_table-{view.area.version}-{words.lang}-{turn()}-{len(ids)}"
    rows = [ids.index(site)] if site else []
    table(
        view,
        told.steps(words, found, sure),
        key=key,
        alt=words("sites.table"),
        shares=(words("sites.column_after"),),
        selection_mode="single-row",
        on_select=partial(_choose_row, key, ids),
        selection_default={"selection": {"rows": rows, "columns": [], "cells": []}},
    )


def chosen_site(view: View, found: Suggestion) -> None:
    """Show the list of a plan's sites, and why the chosen one was chosen."""
    words, ids = view.words, [str(site) for site in found.sites.index]
    site = chosen() if chosen() in ids else ""
    named = {
        one: words("sites.option", number=place, name=told.site_name(words, name))
        for place, (one, name) in enumerate(zip(ids, found.sites["name"], strict=True), 1)
    }
    st.session_state["site_pick"] = site
    st.selectbox(
        words("sites.why"),
        ["", *ids],
        key="site_pick",
        format_func=lambda one: named.get(one, words("gaps.none")),
        on_change=_choose_listed,
    )
    if site:
        why(view, found, site)


def why(view: View, found: Suggestion, site: str) -> None:
    """Show whom a site serves, what is known of it, and the buttons that keep or forbid it."""
    words, row = view.words, found.sites.loc[site]
    who = told.who(found, site)
    here, lacked = float(who["here_people"].sum()), float(who["lacked_people"].sum())
    name = told.site_name(words, row["name"])
    gain = words("sites.gain", people=told.at_least(row["newly_covered_population"]))
    line = words("sites.here_all", people=people(here))
    if lacked < here - 0.5:
        line = words("sites.here", people=people(here), lacked=people(lacked))
    st.html(
        f"<div class='community' role='status'><h2>{escape(name)}</h2>"
        f"<p><strong>{escape(gain)}</strong></p><p>{escape(line)}</p></div>"
    )
    show_table(view, told.served(words, who), key="sites_who", alt=words("sites.who"))
    st.html(f"<p>{escape(words('sites.walks'))}</p>")
    st.html(cards([(words("sites.known"), facts(view, found.candidates.loc[site]))]))
    mine = sites_form.picks(view.area)
    with st.container(key="sites_buttons", horizontal=True):
        if site not in mine.keep:
            st.button(
                words("sites.keep"),
                key="site_keep",
                on_click=sites_form.pick,
                args=(view.area, mine.with_kept(site)),
            )
        if site not in mine.forbid:
            st.button(
                words("sites.forbid"),
                key="site_forbid",
                on_click=sites_form.pick,
                args=(view.area, mine.with_forbidden(site)),
            )


def facts(view: View, row: pd.Series[Any]) -> list[tuple[str, str]]:
    """Return what is known of a candidate: names and values, and what is not known."""
    words = view.words
    unknown = words("sites.unknown")

    def number(value: Any, text: str = "{:,.0f}") -> str:  # noqa: ANN401 - a number, or none
        return unknown if pd.isna(value) else text.format(value)

    near = float(row["nearest_shelter_m"])
    level = row["hazard_level"]
    listed = [
        (words("sites.column_kind"), words.of("kind", str(row["kind"]))),
        (words("sites.column_area"), number(row["area_m2"])),
        (words("sites.room"), number(row["room"])),
        (words("sites.column_ways"), number(row["ways_in"])),
        (words("sites.column_near"), words.distance(near) if near < 1e9 else words("sites.no_way")),
        (words("sites.column_slope"), number(row["slope"], "{:.1%}")),
    ]
    if view.scenario.hazard:
        outside = words("sites.outside_zones")
        said = unknown if pd.isna(level) else outside if level == 0 else str(level)
        listed.append((words("sites.column_level"), said))
    if pd.notna(row["cost"]):
        listed.append((words("sites.column_cost"), f"{row['cost']:,g}"))
    doubt = told.doubts(words, str(row["doubts"]))
    if doubt:
        listed.append((words("sites.column_doubts"), doubt))
    return listed


def candidates(view: View) -> gpd.GeoDataFrame:
    """Show every candidate: suitable, or the rule that leaves it out; return the table."""
    words = view.words
    with st.spinner(words("sites.looking")):
        found = sites_work.fitness(
            view.area.name, view.area.version, view.scenario, view.standard, sites_form.rules()
        )
    free = int(found["suitable"].sum())
    st.html(f"<p>{escape(words('sites.fit', number=free, all=len(found)))}</p>")
    ordered = found.sort_values(["suitable", "name"], ascending=[False, True], kind="stable")
    table(
        view,
        told.candidates(words, ordered),
        key="sites_candidates",
        alt=words("sites.candidates"),
        shares=(words("sites.column_slope"),),
    )
    _pick_any(view, ordered)
    return found


def _pick_any(view: View, table_of: gpd.GeoDataFrame) -> None:
    """Show the list from which any candidate is kept or forbidden."""
    words, area = view.words, view.area
    ids = [str(site) for site in table_of.index]
    site = st.selectbox(
        words("sites.any"),
        ids,
        index=None,
        key="site_any",
        placeholder=words("gaps.none"),
        format_func=lambda one: told.site_name(words, table_of.loc[one, "name"]),
    )
    if site is None:
        return
    row, mine = table_of.loc[site], sites_form.picks(area)
    st.html(cards([(told.site_name(words, row["name"]), facts(view, row))]))
    with st.container(key="sites_any_buttons", horizontal=True):
        if row["suitable"]:
            st.button(
                words("sites.keep"),
                key="any_keep",
                on_click=sites_form.pick,
                args=(area, mine.with_kept(site)),
            )
        else:
            st.html(f"<p>{escape(told.rule(words, str(row['reason'])))}</p>")
        st.button(
            words("sites.forbid"),
            key="any_forbid",
            on_click=sites_form.pick,
            args=(area, mine.with_forbidden(site)),
        )


def table(
    view: View,
    rows: pd.DataFrame,
    *,
    key: str,
    alt: str,
    shares: tuple[str, ...] = (),
    **more: Any,  # noqa: ANN401 - handed on to Streamlit
) -> None:
    """Show a table of sites: numbers after the habit of the language."""
    words = view.words
    numbers = rows.select_dtypes("number").columns
    formats: dict[str, Any] = dict.fromkeys(
        numbers, st.column_config.NumberColumn(format="localized", width="small")
    )
    formats |= dict.fromkeys(shares, st.column_config.NumberColumn(format="%.1f %%"))
    formats[words("sites.column_new")] = st.column_config.NumberColumn(
        format="localized", width=100
    )
    formats[words("sites.column_site")] = st.column_config.TextColumn(width=260)
    formats[words("sites.column_step")] = st.column_config.NumberColumn(width=48)
    st.dataframe(
        rows,
        hide_index=True,
        key=key,
        height=min(360, 42 + 40 * max(1, len(rows))),
        row_height=40,
        alt=alt,
        column_config=formats,
        **more,
    )


def watch(view: View, key: Hashable) -> None:
    """Show how far the work has come, and the button that stops it; at its end the page anew."""
    words, job = view.words, jobs.desk().running(key)
    if job is None:
        st.rerun()
    wish = key.wish if isinstance(key, sites_work.Request) else None
    said = told.progress(words, job, counts_people=wish is not None and wish.objective == "people")
    bar = escape(words("sites.bar"))
    value = f" value='{job.share:.2f}'" if job.share > 0 else ""  # without one it is moving
    st.html(
        f"<div class='working'><p>{escape(said)}</p>"
        f"<progress max='1'{value} aria-label='{bar}'></progress></div>"
    )
    st.button(words("sites.stop"), key="sites_stop", on_click=job.stop)


def _choose_listed() -> None:
    choose(st.session_state["site_pick"] or "", "list")


def _choose_row(key: str, ids: list[str]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    choose(ids[rows[0]] if rows else "", "table")
