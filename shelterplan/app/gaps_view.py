"""What the parts of the Gaps page share: what is looked at, and how the map is painted with it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from shelterplan.app import store
from shelterplan.views import exports

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd

    from shelterplan.app.settings import Settings
    from shelterplan.app.words import Words
    from shelterplan.plan import Plan
    from shelterplan.scenario import Scenario
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea

NAME_WIDTH = 150
"""Width of the column of names [px], so that a phone shows the first number beside it."""


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at: the plan of the settings, all of it or one district."""

    area: StudyArea
    chosen: Settings
    words: Words
    scenario: Scenario
    standard: AccessStandard
    plan: Plan
    shown: gpd.GeoDataFrame
    """The communities looked at, those with the most people without a place first."""
    total: pd.Series[Any]
    """The same figures for all that is looked at."""
    grades: Mapping[str, str]
    """How good the data of each district is, A to D."""
    dark: bool

    @property
    def facts(self) -> exports.Facts:
        """What every file that is taken away says about itself."""
        return exports.Facts(
            attribution=self.words("app.attribution"),
            illustrative=tuple(sorted(self.area.illustrative)),
            manifest=self.plan.manifest,
        )

    def name_of(self, community: str) -> str:
        """Return the name of a community in the words' language."""
        return self.words.translated(str(self.shown.loc[community, "name"]))

    @property
    def names(self) -> pd.Series[str]:
        """Names of the communities that are shown."""
        named: pd.Series[str] = self.shown["name"].map(self.words.translated)
        return named


@dataclass(frozen=True, slots=True)
class Painted:
    """How the communities are shown on the map, in the order of `View.shown`."""

    colours: list[str]
    tips: list[str]
    legend: str
    """As HTML."""


def show_table(
    view: View,
    table: pd.DataFrame,
    *,
    key: str,
    alt: str,
    shares: tuple[str, ...] = (),
    **more: Any,  # noqa: ANN401 - handed on to Streamlit
) -> None:
    """Show a table by community: names first, numbers after the habit of the language."""
    words = view.words
    numbers = table.select_dtypes("number").columns
    formats: dict[str, Any] = dict.fromkeys(
        numbers, st.column_config.NumberColumn(format="localized")
    )
    formats |= dict.fromkeys(shares, st.column_config.NumberColumn(format="%.1f %%"))
    formats[words("gaps.column_name")] = st.column_config.TextColumn(width=NAME_WIDTH)
    st.dataframe(
        table,
        hide_index=True,
        key=key,
        height=min(360, 42 + 40 * max(1, len(table))),
        row_height=40,
        alt=alt,
        column_config=formats,
        **more,
    )


def offer_csv(view: View, table: pd.DataFrame, name: str) -> None:
    """Offer a table by community as a file; the geometry is left out."""
    words = view.words
    st.download_button(
        words("gaps.download_table"),
        partial(exports.to_csv, table, view.facts),
        f"{view.area.name}-{name}.csv",
        "text/csv",
        key=f"download_{name}",
        on_click="ignore",
    )


def view_of_all(area: StudyArea, chosen: Settings, words: Words) -> View:
    """Return what is looked at: the whole study area as it is."""
    scenario, standard = chosen.scenario(), chosen.access_standard()
    plan = store.plan(area.name, area.version, scenario, standard)
    return View(
        area=area,
        chosen=chosen,
        words=words,
        scenario=scenario,
        standard=standard,
        plan=plan,
        shown=plan.communities,
        total=plan.total,
        grades={},
        dark=st.context.theme.type == "dark",
    )
