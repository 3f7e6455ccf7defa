"""Access standards: how far a shelter may be, and how sure we are of the rule's text."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple, get_args

from shelterplan.errors import ShelterplanError, UnknownNameError

Certainty = Literal["seen", "secondary", "background", "own choice"]
"""`seen`: read in a public page or file; `secondary`: in somebody's digest; `background`: from
memory of the standard, not checked against its text; `own choice`: set by the user."""


_NOT_GIVEN = float("nan")


def is_number(value: object) -> bool:
    """Say whether something is a finite number, and no truth value.

    Examples
    --------
    >>> is_number(2), is_number(True), is_number(10**400), is_number("2")
    (True, False, False, False)
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


class Limit(NamedTuple):
    """The longest acceptable walk."""

    value: float
    unit: Literal["m", "s"]


class StandardError(ShelterplanError, ValueError):
    """An access standard with an impossible value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessStandard:
    """The longest walk that counts as covered.

    Examples
    --------
    >>> AccessStandard(max_distance_m=800).max_distance_m
    800
    >>> tuple(AccessStandard(max_time_s=600).limit)
    (600, 's')
    >>> AccessStandard.preset("cn_gb51143_emergency").certainty
    'background'
    """

    name: str = "own"
    """Short name; the key of a preset."""
    max_distance_m: float = _NOT_GIVEN
    """Longest acceptable walk along streets, door to entrance, inclusive; 500 if neither this nor a
    time is given, `inf` if a time is [m]."""
    max_time_s: float | None = None
    """Longest acceptable time until the entrance, from the alarm, inclusive; None where the
    standard is a distance [s]."""
    area_m2_per_person: float | None = None
    """Shelter floor or ground a person needs [m2]; None where the standard gives none."""
    certainty: Certainty = "own choice"
    """How sure we are that the standard says this."""
    source: str = ""
    """Where the numbers come from."""

    def __post_init__(self) -> None:
        by_time = self.max_time_s is not None
        if self.max_distance_m is _NOT_GIVEN:
            object.__setattr__(self, "max_distance_m", math.inf if by_time else 500.0)
        if by_time and self.max_distance_m != math.inf:
            message = "a standard is a distance or a time: give max_distance_m or max_time_s"
            raise StandardError(message)
        name = "max_time_s" if by_time else "max_distance_m"
        limit = self.limit.value
        if not (is_number(limit) and limit >= 0):
            message = f"{name} must be a finite number >= 0, got {limit!r}"
            raise StandardError(message)
        area = self.area_m2_per_person
        if area is not None and not (is_number(area) and area > 0):
            message = f"area_m2_per_person must be a number > 0, got {area!r}"
            raise StandardError(message)
        if self.certainty not in get_args(Certainty):
            message = f"certainty must be one of {get_args(Certainty)}, got {self.certainty!r}"
            raise StandardError(message)

    @property
    def limit(self) -> Limit:
        """The longest walk, in the unit of the standard."""
        if self.max_time_s is not None:
            return Limit(self.max_time_s, "s")
        return Limit(self.max_distance_m, "m")

    @classmethod
    def preset(cls, name: str) -> AccessStandard:
        """Return a named preset; `presets()` lists them."""
        known = presets()
        if name not in known:
            raise UnknownNameError("access standard", name, list(known))
        return known[name]


@cache
def presets() -> dict[str, AccessStandard]:
    """Return the presets that set a walking distance or a walking time, by name.

    Examples
    --------
    >>> sorted(presets())[0], presets()["jp_miyagi_tsunami"].max_distance_m
    ('cn_gb50180_10min', 500.0)
    """
    facts = json.loads(files("shelterplan").joinpath("standards.json").read_text("utf-8"))
    found = (
        preset
        for key, fact in facts.items()
        if isinstance(fact, dict)
        for preset in _walks(key, fact)
    )
    return {preset.name: preset for preset in found}


def _walks(key: str, fact: dict[str, Any]) -> Iterator[AccessStandard]:  # noqa: C901
    """Yield one preset for each walking distance that one published standard sets."""

    def preset(
        suffix: str, distance_m: float, area: float | None = None, *, minutes: float | None = None
    ) -> AccessStandard:
        return AccessStandard(
            name=key + suffix,
            max_distance_m=float(distance_m),
            max_time_s=None if minutes is None else minutes * 60.0,
            area_m2_per_person=area,
            certainty=fact["certainty"],
            source=fact.get("source") or fact["certainty_note"],
        )

    area = fact.get("m2_per_person")
    if isinstance(area, dict):
        area = area["emergency"]
    for field in ("radius_m", "distance_m", "emergency_radius_m", "max_walk_m"):
        if field in fact:
            yield preset("", fact[field], area)
    emergency, fixed = (
        fact[part] if isinstance(fact.get(part), dict) else {} for part in ("emergency", "fixed")
    )
    if emergency:
        yield preset("_emergency", emergency["radius_m"])
    for distance_m in fixed.get("radius_m", ()):
        yield preset(f"_fixed_{distance_m}", distance_m)
    for name in ("5min", "10min", "15min"):
        if name in fact:
            distance = fact[name]["m"]
            yield preset(f"_{name}", max(distance) if isinstance(distance, list) else distance)
    for suffix, stated in (("", fact), ("_emergency", emergency), ("_fixed", fixed)):
        if "minutes" in stated:
            minutes = stated["minutes"]
            yield preset(f"{suffix}_{minutes}_minutes", math.inf, minutes=minutes)
