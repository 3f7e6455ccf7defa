"""What all users of the app share: opened study areas, plans, checks and packed streets.

Everything is keyed by the study area's name and version and by the settings, and is read only:
whoever needs to change a table makes a new one.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from shelterplan.app import assets
from shelterplan.coverage import examine
from shelterplan.plan import Plan, make_plan
from shelterplan.quality import Check, check
from shelterplan.scenario import Scenario
from shelterplan.study_area import StudyArea, embedded_areas
from shelterplan.views.street_pack import pack_streets

if TYPE_CHECKING:
    from shelterplan.scenario import Walker
    from shelterplan.standards import AccessStandard
    from shelterplan.views.map import Assets

OFFERED = "SHELTERPLAN_AREA"
"""Environment variable with the folder or name of the study area that is opened first."""


MOST_PLANS = 16
"""Plans that are kept, the last ones asked for."""

FIRST = "monaco"
"""The embedded study area that is opened first: the one with footpaths and stairs."""


@cache
def known_areas() -> dict[str, Path]:
    """Return the folders of the study areas that may be chosen, by name, the first one first."""
    areas = dict(sorted(embedded_areas().items(), key=lambda entry: entry[0] != FIRST))
    offered = os.environ.get(OFFERED, "")
    if offered in areas:
        return {offered: areas[offered]} | areas
    if offered:
        folder = Path(offered).resolve()
        name = str(tomllib.loads(folder.joinpath("area.toml").read_text("utf-8"))["name"])
        return {name: folder} | areas | {name: folder}
    return areas


def area(name: str) -> StudyArea:
    """Return a study area by its name in `known_areas`; it is opened once for each content."""
    folder = known_areas()[name]
    stamp = hashlib.sha256(folder.joinpath("area.toml").read_bytes()).hexdigest()
    return _opened(name, stamp)


@st.cache_resource(max_entries=4, show_spinner=False)
def _opened(name: str, stamp: str) -> StudyArea:  # noqa: ARG001 - the stamp is part of the key
    return StudyArea.open(known_areas()[name])


def plan(name: str, version: str, scenario: Scenario, standard: AccessStandard) -> Plan:
    """Return the plan of a study area; `version` is the area's, so that it is part of the key.

    The numbers are shared, the tables that hold them are not: whatever is done to them, another
    person's stay as they are.
    """
    shared = _planned(name, version, scenario, standard)
    return replace(
        shared,
        demand=shared.demand.copy(deep=False),
        communities=shared.communities.copy(deep=False),
        districts=shared.districts.copy(deep=False),
        total=shared.total.copy(deep=False),
        shelters=shared.shelters.copy(deep=False),
        curve=shared.curve.copy(deep=False),
        manifest=deepcopy(shared.manifest),
    )


@st.cache_resource(max_entries=MOST_PLANS, show_spinner=False)
def _planned(name: str, version: str, scenario: Scenario, standard: AccessStandard) -> Plan:  # noqa: ARG001
    return make_plan(area(name), scenario, standard)


@st.cache_resource(max_entries=4, show_spinner=False)
def checked(name: str, version: str) -> Check:  # noqa: ARG001
    """Return what `check` says of a study area."""
    return check(area(name))


@st.cache_resource(max_entries=8, show_spinner=False)
def street_assets(name: str, version: str) -> Assets:  # noqa: ARG001
    """Return the addresses of the map's files, with the study area's packed streets."""
    return assets.publish(pack_streets(area(name).streets))


@st.cache_resource(max_entries=MOST_PLANS, show_spinner=False)
def prepare(name: str, version: str, scenario: Scenario, standard: AccessStandard) -> bool:  # noqa: ARG001
    """Work out beforehand what every answer to a resident needs; the study area remembers it."""
    examine(area(name), scenario, standard)
    return True


def ready(name: str, scenario: Scenario) -> StudyArea:
    """Return a study area whose network is built, so that the first answer is quick too."""
    opened = area(name)
    _network(name, opened.version, scenario.walker)
    return opened


@st.cache_resource(max_entries=8, show_spinner=False)
def _network(name: str, version: str, walker: Walker) -> bool:  # noqa: ARG001
    area(name).leads_somewhere(Scenario(walker=walker))
    return True
