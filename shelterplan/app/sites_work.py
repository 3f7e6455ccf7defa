"""What is computed for the New sites page: in the background, each under a key of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from shelterplan import risk
from shelterplan.app import store
from shelterplan.siting.candidates import SuitabilityRules, suitability
from shelterplan.siting.suggest import Suggestion, Wish, suggest

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    import pandas as pd

    from shelterplan.progress import Progress
    from shelterplan.scenario import Scenario
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """All that a plan depends on: equal requests have equal plans."""

    area: str
    version: str
    """The study area's content; see `StudyArea.version`."""
    scenario: Scenario
    standard: AccessStandard
    wish: Wish
    rules: SuitabilityRules
    scenarios: tuple[tuple[str, Scenario], ...] = ()
    """Further scenarios, by their names; see `sites_scenarios.offered`."""

    def same_place(self, other: Request) -> bool:
        """Return whether another request looks at the same place under the same assumptions."""
        return (self.area, self.version, self.scenario, self.standard) == (
            other.area,
            other.version,
            other.scenario,
            other.standard,
        )


def plan(area: StudyArea, request: Request) -> Callable[[Progress, Callable[[], bool]], Suggestion]:
    """Return the work that finds the plan of a request."""

    def work(progress: Progress, stop: Callable[[], bool]) -> Suggestion:
        return suggest(
            area,
            request.wish,
            request.scenario,
            request.standard,
            scenarios=dict(request.scenarios) or None,
            rules=request.rules,
            progress=progress,
            stop=stop,
        )

    return work


@st.cache_resource(max_entries=8, show_spinner=False)
def fitness(
    name: str,
    version: str,  # noqa: ARG001 - part of the key
    scenario: Scenario,
    standard: AccessStandard,
    rules: SuitabilityRules,
) -> gpd.GeoDataFrame:
    """Return every candidate with its suitability; not to be changed."""
    area = store.area(name)
    return suitability(area, scenario=scenario, standard=standard, rules=rules)


@st.cache_resource(max_entries=8, show_spinner=False)
def priority(
    name: str,
    version: str,  # noqa: ARG001 - part of the key
    scenario: Scenario,
    standard: AccessStandard,
) -> pd.DataFrame:
    """Return the priority of the communities; not to be changed."""
    found: pd.DataFrame = risk.priority(store.area(name), scenario, standard)
    return found
