"""What somebody has chosen, kept in the page's address; never a position.

The address is read once, when a session begins (to open another address is to begin another
session); from then on the choices live in the session, and every change is written back. To read
it again would lose what was chosen a moment ago: a browser that has not heard of a change yet
still sends the address from before it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final, TypeVar, get_args
from urllib.parse import quote, unquote

import shapely
import streamlit as st

from shelterplan.app.words import LANGUAGES
from shelterplan.scenario import (
    WALKERS,
    WORST_LEVEL,
    Gates,
    Phase,
    Room,
    Scenario,
    ScenarioError,
    Time,
    Unknown,
)
from shelterplan.situation import hazards_of
from shelterplan.standards import AccessStandard, presets

if TYPE_CHECKING:
    from shelterplan.study_area import StudyArea

Item = TypeVar("Item", str, int)

OWN: Final = "own"
"""The access standard whose distance the user sets."""
OWN_MINUTES: Final = "own_minutes"
"""The access standard whose time the user sets."""

LONGEST_M: Final = 20_000
"""Longest distance that may be set [m]."""
LONGEST_MINUTES: Final = 240
"""Longest walk or delay that may be set [min]."""
MOST_SITES: Final = 20
"""Most new sites that are looked for at once."""
MOST_CLOSED: Final = {"closed_shelters": 30, "closed_streets": 60, "closed_areas": 5}
"""How many of each the address holds, so that it can still be sent to somebody."""
LONGEST_CLOSED: Final = 1_200
"""Signs that each of them may take in the address."""

WORDS: Final[dict[str, tuple[str, ...]]] = {
    "lang": tuple(LANGUAGES),
    "walker": tuple(WALKERS),
    "phase": get_args(Phase),
    "gates": get_args(Gates),
    "time": get_args(Time),
    "room": get_args(Room),
    "unknown": get_args(Unknown),
    "standard": (OWN, OWN_MINUTES, *presets()),
    "estimate": ("standard", "none", "own"),
    "objective": (
        *("people", "need", "fair", "everyone", "walking", "longest"),
        *("expected", "worst", "regret"),
    ),
    "plan_by": ("sites", "budget"),
    "counted": ("possible", "confirmed"),
    "seconds": ("10", "30", "60"),
}
"""Settings that are one of a few words, the usual one first."""
NUMBERS: Final[dict[str, tuple[int, int]]] = {
    "level": (1, WORST_LEVEL),
    "years": (0, 1_000_000),
    "delay": (0, LONGEST_MINUTES),
    "distance": (1, LONGEST_M),
    "minutes": (1, LONGEST_MINUTES),
    "sites": (1, MOST_SITES),
    "budget": (0, 1_000_000_000),
    "quota": (0, 100),
}
"""Settings that are whole numbers, with the least and the most."""
LEAST_M2, MOST_M2 = 0.1, 100.0
"""Bounds of the area a person needs [m2]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The choices of one person.

    Examples
    --------
    >>> read = Settings.read({"lang": "xx", "walker": "elderly", "delay": "-5"}, areas=["monaco"])
    >>> read.lang, read.walker, read.delay
    ('en', 'elderly', 0)
    >>> read.address()
    {'area': 'monaco', 'walker': 'elderly'}
    """

    area: str
    lang: str = "en"
    hazard: str = ""
    """Name of the hazard; empty: none."""
    level: int = 1
    """Zones of this level and above count; 1: all."""
    years: int = 0
    """Zones that are struck at least once in so many years count; 0: all [years]."""
    phase: Phase = "during"
    walker: str = "adult"
    gates: Gates = "open"
    time: Time = "any"
    delay: int = 0
    """Time before people leave [min]."""
    standard: str = OWN
    distance: int = 500
    """Longest walk of the own standard [m]."""
    minutes: int = 10
    """Longest time of the own standard in minutes [min]."""
    estimate: str = "standard"
    """Area a person needs, from which room is estimated: as the standard says, none, or own."""
    m2: float = 2.0
    """Own area a person needs [m2]."""
    room: Room = "assigned"
    unknown: Unknown = "accept"
    """Whether shelters of unknown fitness are used."""
    closed_shelters: tuple[str, ...] = ()
    closed_streets: tuple[int, ...] = ()
    closed_areas: tuple[str, ...] = ()
    """Polygons in WKT, longitude and latitude."""
    district: str = ""
    """The only district shown; empty: all."""
    community: str = ""
    """The chosen community_id; empty: none."""
    objective: str = "people"
    """What new sites are to do best; see `siting.suggest.Objective`."""
    plan_by: str = "sites"
    """Whether their number is given, or what they may cost."""
    sites: int = 5
    """Most new sites."""
    budget: int = 0
    """What new sites may cost together, in the unit of the candidates' costs."""
    quota: int = 0
    """Per cent of the people of every district who must have a place; 0: no quota."""
    counted: str = "possible"
    """How shelters of unknown size are counted; see `siting.ground.Counted`."""
    seconds: str = "10"
    """How long the search for new sites may take [s]."""

    @classmethod
    def read(cls, address: Mapping[str, str], *, areas: list[str]) -> Settings:
        """Return the settings of an address; what is unknown there falls back."""
        values: dict[str, object] = {"area": areas[0]}
        if address.get("area") in areas:
            values["area"] = address["area"]
        for name, text in address.items():
            if name in WORDS and text in WORDS[name]:
                values[name] = text
            elif name in NUMBERS:
                low, high = NUMBERS[name]
                values[name] = _whole(text, low, high)
            elif name == "m2":
                values[name] = _area_m2(text)
            elif name in MOST_CLOSED:
                values[name] = _listed(name, text)
            elif name in {"district", "community", "hazard"}:
                values[name] = text[:200]
        return cls(**{k: v for k, v in values.items() if v is not None})  # type: ignore[arg-type]

    def address(self) -> dict[str, str]:
        """Return the parameters of the address, without those that are as by default."""
        plain = Settings(area="")
        changed = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if getattr(self, f.name) != getattr(plain, f.name)
        }
        return {
            name: _joined(value) if isinstance(value, tuple) else str(value)
            for name, value in changed.items()
        }

    def fitting(self, area: StudyArea) -> Settings:
        """Return the settings without what the study area does not have."""
        hazard = self.hazard if self.hazard in hazards_of(area) else ""
        level = self.level if self.level in levels(area, hazard) else 1
        years = self.years if self.years in return_periods(area, hazard) else 0
        zoned = (area.hazards["hazard"] == hazard).any()
        ground = shapely.box(*area.communities.total_bounds)
        return replace(
            self,
            hazard=hazard,
            level=level,
            years=years,
            phase=self.phase if zoned else "during",
            closed_shelters=tuple(k for k in self.closed_shelters if k in area.shelters.index),
            closed_streets=tuple(n for n in self.closed_streets if n < len(area.streets)),
            closed_areas=tuple(
                wkt for wkt in self.closed_areas if shapely.from_wkt(wkt).intersects(ground)
            ),
        )

    def scenario(self) -> Scenario:
        """Return the scenario of these settings."""
        return Scenario.of(
            walker=self.walker,
            hazard=self.hazard,
            hazard_level=self.level,
            return_period=self.years or None,
            phase=self.phase,
            gates=self.gates,
            closed_streets=self.closed_streets,
            closed_areas=self.closed_areas,
            closed_shelters=self.closed_shelters,
            time=self.time,
            delay_s=self.delay * 60.0,
            room=self.room,
            unknown_fitness=self.unknown,
        )

    def access_standard(self) -> AccessStandard:
        """Return the access standard of these settings."""
        if self.standard == OWN:
            standard = AccessStandard(max_distance_m=float(self.distance))
        elif self.standard == OWN_MINUTES:
            standard = AccessStandard(max_time_s=self.minutes * 60.0)
        else:
            standard = presets()[self.standard]
        if self.estimate == "standard":
            return standard
        return replace(standard, area_m2_per_person=self.m2 if self.estimate == "own" else None)


def levels(area: StudyArea, hazard: str) -> list[int]:
    """Return the levels that tell the zones of a hazard apart; the first one means all zones."""
    zones = area.hazards.loc[area.hazards["hazard"] == hazard, "level"]
    return [1, *sorted({int(level) for level in zones})[1:]]


def return_periods(area: StudyArea, hazard: str) -> list[int]:
    """Return the return periods of the zones of a hazard, shortest first; 0 means all [years]."""
    zones = area.hazards.loc[area.hazards["hazard"] == hazard, "return_period"].dropna()
    return [0, *sorted({max(1, math.ceil(period)) for period in zones})]


def fit(area: StudyArea) -> Settings:
    """Return this session's settings without what the study area does not have."""
    settings: Settings = st.session_state["settings"]
    fitting = settings.fitting(area)
    st.session_state["settings"] = fitting
    return fitting


def current(areas: list[str]) -> Settings:
    """Return this session's settings; a new session's are read from the address."""
    if "settings" not in st.session_state:
        address = st.query_params.to_dict()
        st.session_state["settings"] = Settings.read(address, areas=areas)
    settings: Settings = st.session_state["settings"]
    return settings


def change(**changes: object) -> Settings:
    """Return this session's settings, changed. Another study area forgets what lies in the old."""
    if "area" in changes:
        changes |= {"district": "", "community": ""} | dict.fromkeys(MOST_CLOSED, ())
        forget_place()
        st.session_state.pop("closing_refused", None)
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


def toggle_shelter(shelter_id: str) -> None:
    """Close a shelter, or open it again if it is closed; see `closing_refused`."""
    _toggle("closed_shelters", shelter_id)


def toggle_street(number: int) -> None:
    """Close a street (a row of the streets table), or open it again; see `closing_refused`."""
    _toggle("closed_streets", int(number))


def reopen() -> None:
    """Open everything again that was closed by hand."""
    st.session_state.pop("closing_refused", None)
    change(**dict.fromkeys(MOST_CLOSED, ()))


def closing_refused() -> bool:
    """Return whether the last thing was not closed, because the address would grow too long."""
    return bool(st.session_state.get("closing_refused", False))


def _toggle(name: str, item: str | int) -> None:
    settings: Settings = st.session_state["settings"]
    closed = set(getattr(settings, name)) ^ {item}
    listed = tuple(sorted(closed))
    too_long = len(listed) > MOST_CLOSED[name] or len(_joined(listed)) > LONGEST_CLOSED
    refused = item in closed and too_long
    st.session_state["closing_refused"] = refused
    if not refused:
        change(**{name: listed})


def write_address() -> None:
    """Write the settings to the page's address, if they differ from it."""
    settings: Settings = st.session_state["settings"]
    address = settings.address()
    if st.query_params.to_dict() != address:
        st.query_params.from_dict(address)


def forget_place() -> None:
    """Forget where somebody is, and the answer to it."""
    for name in ("place", "answer", "hits", "find_problem"):
        st.session_state.pop(name, None)


def _whole(text: str, low: int, high: int) -> int | None:
    """Return a whole number of the address, None if it is none within the bounds."""
    try:
        value = float(text)
    except ValueError:
        return None
    return round(value) if math.isfinite(value) and low <= value <= high else None


def _area_m2(text: str) -> float | None:
    """Return an area for a person of the address [m2], None if it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if LEAST_M2 <= value <= MOST_M2 else None


def _listed(name: str, text: str) -> tuple[str, ...] | tuple[int, ...]:
    """Return what is closed by an address: what is no number or no polygon is left out."""
    pieces = [unquote(one) for one in text.split(",", MOST_CLOSED[name])[: MOST_CLOSED[name]]]
    if name == "closed_streets":
        return _sorted([int(one) for one in pieces if one.isascii() and one.isdigit()])
    return _sorted([one for one in pieces if one and (name != "closed_areas" or _is_polygon(one))])


def _sorted(items: list[Item]) -> tuple[Item, ...]:
    """Return each thing once, in order, and no more of them than the address holds."""
    listed = tuple(sorted(set(items)))
    while len(_joined(listed)) > LONGEST_CLOSED:
        listed = listed[:-1]
    return listed


def _joined(items: tuple[object, ...]) -> str:
    """Return what is closed as one parameter of the address."""
    return ",".join(quote(str(one), safe=" ") for one in items)


def _is_polygon(wkt: str) -> bool:
    try:
        Scenario(closed_areas=(wkt,))
    except ScenarioError:
        return False
    return True
