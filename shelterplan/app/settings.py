"""What somebody has chosen, kept in the page's address; never a position.

The address is read once when the page is opened (and again if it is changed by hand); from
then on the choices live in the session, and every change is written back to the address.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

import streamlit as st

from shelterplan.app.words import LANGUAGES
from shelterplan.scenario import WALKERS, Scenario
from shelterplan.standards import AccessStandard, presets

OWN: Final = "own"
"""The access standard whose distance the user sets."""

LONGEST_M: Final = 20_000
"""Longest distance that may be set [m]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The choices of one person.

    Examples
    --------
    >>> Settings.read({"lang": "xx", "walker": "elderly", "distance": "-5"}, areas=["monaco"])
    Settings(area='monaco', lang='en', walker='elderly', standard='own', distance=500, \
district='', community='')
    """

    area: str
    lang: str = "en"
    walker: str = "adult"
    standard: str = OWN
    distance: int = 500
    """Longest walk of the own standard [m]."""
    district: str = ""
    """The only district shown; empty: all."""
    community: str = ""
    """The chosen community_id; empty: none."""

    @classmethod
    def read(cls, address: Mapping[str, str], *, areas: list[str]) -> Settings:
        """Return the settings of an address; what is unknown there falls back."""

        def one_of(name: str, known: list[str], otherwise: str) -> str:
            return address[name] if address.get(name) in known else otherwise

        return cls(
            area=one_of("area", areas, areas[0]),
            lang=one_of("lang", list(LANGUAGES), "en"),
            walker=one_of("walker", list(WALKERS), "adult"),
            standard=one_of("standard", list(presets()), OWN),
            distance=_distance(address.get("distance", "")),
            district=address.get("district", "")[:200],
            community=address.get("community", "")[:200],
        )

    def address(self) -> dict[str, str]:
        """Return the parameters of the address, without those that are as by default."""
        plain = Settings(area="")
        return {
            f.name: str(getattr(self, f.name))
            for f in fields(self)
            if getattr(self, f.name) != getattr(plain, f.name)
        }

    def scenario(self) -> Scenario:
        """Return the scenario of these settings."""
        return Scenario.of(walker=self.walker)

    def access_standard(self) -> AccessStandard:
        """Return the access standard of these settings."""
        if self.standard == OWN:
            return AccessStandard(max_distance_m=float(self.distance))
        return presets()[self.standard]


def current(areas: list[str]) -> Settings:
    """Return this session's settings; an address changed by hand is read again."""
    address = st.query_params.to_dict()
    if "settings" not in st.session_state or address != st.session_state.get("address", address):
        known = {f.name for f in fields(Settings)}
        if "settings" not in st.session_state or known & set(address):
            st.session_state["settings"] = Settings.read(address, areas=areas)
    settings: Settings = st.session_state["settings"]
    return settings


def change(**changes: object) -> Settings:
    """Return this session's settings, changed. Another study area forgets what lies in the old."""
    if "area" in changes:
        changes |= {"district": "", "community": ""}
        forget_place()
    settings: Settings = st.session_state["settings"]
    changed = replace(settings, **changes)  # type: ignore[arg-type]
    st.session_state["settings"] = changed
    return changed


def take(field: str) -> None:
    """Take over what was chosen in the widget of a field (its key is ``pick_<field>``)."""
    value = st.session_state.get(f"pick_{field}")
    if value is not None:
        change(**{field: value})


def pick(field: str) -> str:
    """Set the widget of a field to the settings' value and return the widget's key."""
    key = f"pick_{field}"
    st.session_state[key] = getattr(st.session_state["settings"], field)
    return key


def write_address() -> None:
    """Write the settings to the page's address, if they differ from it."""
    settings: Settings = st.session_state["settings"]
    address = settings.address()
    if st.query_params.to_dict() != address:
        st.query_params.from_dict(address)
    st.session_state["address"] = address


def forget_place() -> None:
    """Forget where somebody is, and the answer to it."""
    for name in ("place", "answer", "hits", "find_problem"):
        st.session_state.pop(name, None)


def _distance(text: str) -> int:
    """Return a distance of the address [m], 500 if it is none."""
    try:
        value = float(text)
    except ValueError:
        return 500
    return round(value) if math.isfinite(value) and 1 <= value <= LONGEST_M else 500
