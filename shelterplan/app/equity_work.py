"""What the Equity page computes, shared by all visitors: read only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import streamlit as st

from shelterplan import equity, risk
from shelterplan.app import store
from shelterplan.views.equity_classes import thirds

if TYPE_CHECKING:
    from shelterplan.app.gaps_view import View
    from shelterplan.equity.unequal import Of
    from shelterplan.scenario import Scenario
    from shelterplan.standards import AccessStandard

FIGURES: dict[str, str] = {
    "coverage": "possible_share",
    "walk_time": "too_far",
    "m2_per_person": "m2_per_person",
    "two_step": "two_step",
}
"""The figure of an area by what is compared."""
MORE_IS_WORSE = ("walk_time",)

NeedKind = Literal["hazard", "vulnerability", "people"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Need:
    """Need and access of each community."""

    kind: NeedKind
    """What is taken for need: the share of people in the hazard's zones, the vulnerability index,
    or, where neither is known, the number of people."""
    table: pd.DataFrame
    """`name`, `district`, `population`, `need`, `access` (the figure compared), and the classes
    `need_class` and `lack_class` (0 little, 1, 2 much; -1 not known)."""

    @property
    def worst(self) -> pd.DataFrame:
        """Communities of much need and little access, those with the most people first."""
        found = self.table[(self.table["need_class"] == 2) & (self.table["lack_class"] == 2)]
        return found.sort_values("population", ascending=False, kind="stable")


def districts(view: View) -> pd.DataFrame:
    """Return what districts have, with intervals."""
    return _districts(view.area.name, view.area.version, view.scenario, view.standard)


def communities(view: View) -> pd.DataFrame:
    """Return what communities have."""
    return _communities(view.area.name, view.area.version, view.scenario, view.standard)


def groups(view: View) -> pd.DataFrame:
    """Return who is left out."""
    return _groups(view.area.name, view.area.version, view.scenario, view.standard)


def unequal(view: View, of: Of) -> equity.Inequality:
    """Return how unequal it is."""
    return _unequal(view.area.name, view.area.version, view.scenario, view.standard, of)


def need(view: View, of: Of) -> Need:
    """Return need and access of each community, and their classes."""
    table = communities(view)
    kind, known = _need(view, table)
    access = table[FIGURES[of]]
    lived_in = table["population"] > 0
    lack = access if of in MORE_IS_WORSE else -access
    return Need(
        kind=kind,
        table=table[["name", "district", "population"]].assign(
            need=known,
            access=access,
            need_class=thirds(known.where(lived_in)),
            lack_class=thirds(lack.where(lived_in)),
        ),
    )


def _need(view: View, table: pd.DataFrame) -> tuple[NeedKind, pd.Series[float]]:
    """Return what is taken for the need of each community."""
    if view.scenario.hazard:
        exposed = risk.exposure(view.area, view.scenario)
        if exposed["zones_known"].any():
            people = exposed["population"].where(exposed["population"] > 0)
            return "hazard", (exposed["at_risk_people"] / people).reindex(table.index)
    hurt = risk.vulnerability(view.area)["vulnerability"].reindex(table.index)
    if hurt.notna().any():
        return "vulnerability", hurt.astype(float)
    return "people", table["population"].where(table["population"] > 0, np.nan)


@st.cache_resource(max_entries=8, show_spinner=False)
def _districts(
    name: str, version: str, scenario: Scenario, standard: AccessStandard
) -> pd.DataFrame:
    plan = store.plan(name, version, scenario, standard)
    return equity.by_district(plan, store.area(name))


@st.cache_resource(max_entries=8, show_spinner=False)
def _communities(
    name: str, version: str, scenario: Scenario, standard: AccessStandard
) -> pd.DataFrame:
    plan = store.plan(name, version, scenario, standard)
    return equity.by_community(plan, store.area(name))


@st.cache_resource(max_entries=8, show_spinner=False)
def _groups(name: str, version: str, scenario: Scenario, standard: AccessStandard) -> pd.DataFrame:
    plan = store.plan(name, version, scenario, standard)
    return equity.left_out(plan, store.area(name))


@st.cache_resource(max_entries=16, show_spinner=False)
def _unequal(
    name: str, version: str, scenario: Scenario, standard: AccessStandard, of: Of
) -> equity.Inequality:
    plan = store.plan(name, version, scenario, standard)
    return equity.inequality(plan, store.area(name), of=of)
