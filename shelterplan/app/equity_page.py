"""Equity: who has less, where need meets little access, how unequal it is, who is left out."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from shelterplan.app import equity_told as told
from shelterplan.app import equity_work as work
from shelterplan.app.equity_map import show_map
from shelterplan.app.figures import lacking, percent
from shelterplan.app.gaps_view import View, offer_csv, view_of_all
from shelterplan.app.sidebar import limit_told
from shelterplan.views import exports
from shelterplan.views.equity_charts import interval_chart, lorenz_chart

if TYPE_CHECKING:
    from shelterplan.app.settings import Settings
    from shelterplan.app.words import Words
    from shelterplan.equity import Inequality
    from shelterplan.equity.unequal import Of
    from shelterplan.study_area import StudyArea

MOST_ROWS = 20
"""Most areas in the chart of the ranking; the table has all."""
FORMATS = {"coverage": ".0%", "walk_time": ".0%", "m2_per_person": ".2~f", "two_step": ".2~f"}
"""How the figures are written on an axis, as d3 does."""
OF: tuple[Of, ...] = ("coverage", "walk_time", "m2_per_person", "two_step")


def show(area: StudyArea, chosen: Settings, words: Words) -> None:
    """Show the page."""
    st.html(f"<p class='lead'>{escape(words('equity.lead'))}</p>")
    with st.spinner(words("gaps.working")):
        view = view_of_all(area, chosen, words)
    st.fragment(_body)(view)


def _body(view: View) -> None:
    """Show everything about the thing that is compared."""
    words = view.words
    of: Of = st.selectbox(
        words("equity.of"), OF, key="equity_of", format_func=lambda one: words.of("equity_of", one)
    )
    with st.spinner(words("gaps.working")):
        found = work.unequal(view, of)
    st.html(told.half(words, found))
    limit = words("equity.limit", limit=limit_told(words, view.standard))
    certainty = words.of("certainty", view.standard.certainty)
    st.html(f"<p class='certainty'>{escape(limit)} {escape(certainty)}</p>")
    _ranking(view, of)
    _crossing(view, of)
    _lorenz(view, of)
    _left_out(view)


def _head(text: str) -> None:
    st.header(text, anchor=False)


def _folded(title: str, table: str) -> None:
    """Show a table that unfolds, for whoever wants the numbers or cannot see the chart."""
    if table:
        st.html(f"<details class='refused'><summary>{escape(title)}</summary>{table}</details>")


def _ranking(view: View, of: Of) -> None:
    """Show the districts, the worst first, with intervals; communities where there is only one."""
    words, several = view.words, len(view.plan.districts) > 1
    table = work.districts(view) if several else work.communities(view)
    column = work.FIGURES[of]
    ordered = table.sort_values(
        [column, "population"],
        ascending=[of not in work.MORE_IS_WORSE, False],
        kind="stable",
        na_position="last",
    )
    raw = ordered.index if several else ordered["name"]
    names = [words.translated(str(name)) for name in raw]
    figures = _figures(ordered, column)
    _head(words("equity.districts") if several else words("equity.communities"))
    said = told.worst(words, of, names, figures)
    if not several:
        said = f"{words('equity.one_district')} {said}"
    st.html(f"<p>{escape(said)}</p>")
    if figures["value"].notna().any():
        _ranked(view, of, names, figures)
    _folded(
        words("equity.numbers"),
        told.areas(
            words, names, ordered, title=words("gaps.district" if several else "gaps.column_name")
        ),
    )
    with st.container(horizontal=True):
        offer_csv(view, ordered, "equity-districts" if several else "equity-communities")
        if several:
            label = words("equity.download_communities")
            _offer(view, label, work.communities(view), "equity-communities")


def _figures(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return a figure of each row with its interval, NaN where there is none."""
    nothing = pd.Series(float("nan"), index=table.index)
    ends = {end: table.get(f"{column}_{end}", nothing) for end in ("low", "high")}
    unknown = table.get(f"{column.removesuffix('_per_person')}_unknown_share", nothing)
    return pd.DataFrame({"value": table[column], **ends, "least": unknown > 0})


def _ranked(view: View, of: Of, names: list[str], figures: pd.DataFrame) -> None:
    """Show the chart of the ranking."""
    words = view.words
    if len(names) > MOST_ROWS:
        st.html(f"<p>{escape(words('equity.first', number=MOST_ROWS, all=len(names)))}</p>")
    everybody = work.unequal(view, of).units if of not in work.MORE_IS_WORSE else None
    mean = _mean(everybody) if everybody is not None else 1.0 - _reached(view)
    st.vega_lite_chart(
        interval_chart(
            names[:MOST_ROWS],
            figures.head(MOST_ROWS),
            x_title=words.of("equity_axis", of),
            x_format=FORMATS[of],
            description=told.worst(words, of, names, figures),
            everybody=mean,
            everybody_label=words("equity.everybody"),
            dark=view.dark,
        ),
        key="equity_ranking",
        theme=None,
    )
    said = [
        words("equity.interval_told") if figures["low"].notna().any() else "",
        words("equity.triangles") if figures["least"].any() else "",
    ]
    if any(said):
        st.html(f"<p class='certainty'>{escape(' '.join(filter(None, said)))}</p>")


def _mean(units: pd.DataFrame) -> float:
    """Return what a person has on average."""
    people = units["population"].where(units["access"].notna(), 0.0)
    total = float(people.sum())
    return float((units["access"].fillna(0.0) * people).sum() / total) if total else float("nan")


def _reached(view: View) -> float:
    return float(view.total["reached_share"])


def _crossing(view: View, of: Of) -> None:
    """Show where much need meets little access."""
    words, found = view.words, work.need(view, of)
    _head(words("equity.cross_title"))
    st.html(told.crossing(words, found))
    show_map(view, found)
    offer_csv(view, found.table.assign(need_is=found.kind, access_is=of), "equity-need-access")


def _lorenz(view: View, of: Of) -> None:
    """Show the Lorenz curve, the measures and the split between and within districts."""
    words, found = view.words, work.unequal(view, of)
    _head(words("equity.lorenz"))
    if found.measures["value"].isna().all():
        st.html(f"<p class='check'>{escape(told.not_known(words, found))}</p>")
        return
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _curve(view, found)
    with right:
        st.html(f"<p>{escape(words('equity.lorenz_lead'))}</p>")
        st.html(f"<p><strong>{escape(told.split(words, found))}</strong></p>")
        if "deprivation" not in view.plan.communities:
            st.html(f"<p class='check'>{escape(words('equity.no_deprivation'))}</p>")
    _folded(words("equity.measures"), told.measures(words, found))
    with st.container(horizontal=True):
        offer_csv(view, found.lorenz.rename_axis("point"), f"equity-lorenz-{of}")
        label = words("equity.download_measures")
        _offer(view, label, found.measures.assign(of=of), f"equity-measures-{of}")


def _curve(view: View, found: Inequality) -> None:
    """Show the Lorenz curve."""
    words, share = view.words, percent(float(found.measures["value"]["worst_half_share"]))
    st.vega_lite_chart(
        lorenz_chart(
            found.lorenz,
            x_title=words("equity.lorenz_x"),
            y_title=words.of("equity_lorenz_y", found.of),
            description=words.of("equity_half", found.of, share=share),
            dark=view.dark,
        ),
        key="equity_lorenz",
        theme=None,
    )


def _offer(view: View, label: str, table: pd.DataFrame, name: str) -> None:
    """Offer a further table as a file, under a name of its own."""
    st.download_button(
        label,
        partial(exports.to_csv, table, view.facts),
        f"{view.area.name}-{name}.csv",
        "text/csv",
        key=f"download_{name}",
        on_click="ignore",
    )


def _left_out(view: View) -> None:
    """Show which groups have no place."""
    words = view.words
    with st.spinner(words("gaps.working")):
        table = work.groups(view)
    _head(words("equity.who"))
    st.html(told.groups(words, table))
    if table["left_out_share"].isna().all():
        return
    shown: Any = table[["left_out_share", "left_out_share_low", "left_out_share_high"]]
    st.vega_lite_chart(
        interval_chart(
            [words.of("group", str(name)) for name in table.index],
            shown.set_axis(["value", "low", "high"], axis=1),
            x_title=words("equity.left_out_x"),
            x_format=".0%",
            description=words(
                "equity.left_out", share=lacking(float(table["left_out_share"]["everybody"]))
            ),
            dark=view.dark,
        ),
        key="equity_groups",
        theme=None,
    )
    _folded(words("equity.numbers"), told.group_table(words, table))
    offer_csv(view, table, "equity-groups")
