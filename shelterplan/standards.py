"""Access standards: how far a shelter may be, and how sure we are of the rule's text."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from shelterplan.errors import ShelterplanError, UnknownNameError

Certainty = Literal["seen", "secondary", "background", "own choice"]
"""`seen`: read in a public page or file; `secondary`: in somebody's digest; `background`: from
memory of the standard, not checked against its text; `own choice`: set by the user."""


class StandardError(ShelterplanError, ValueError):
    """An access standard with an impossible value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessStandard:
    """The longest walk that counts as covered.

    Examples
    --------
    >>> AccessStandard(max_distance_m=800).max_distance_m
    800
    >>> AccessStandard.preset("cn_gb51143_emergency").certainty
    'background'
    """

    name: str = "own"
    """Short name; the key of a preset."""
    max_distance_m: float = 500.0
    """Longest acceptable walk along streets, door to entrance, inclusive [m]."""
    area_m2_per_person: float | None = None
    """Shelter floor or ground a person needs [m2]; None where the standard gives none."""
    certainty: Certainty = "own choice"
    """How sure we are that the standard says this."""
    source: str = ""
    """Where the numbers come from."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.max_distance_m) and self.max_distance_m >= 0):
            message = f"max_distance_m must be a finite number >= 0, got {self.max_distance_m!r}"
            raise StandardError(message)
        if self.certainty not in get_args(Certainty):
            message = f"certainty must be one of {get_args(Certainty)}, got {self.certainty!r}"
            raise StandardError(message)

    @classmethod
    def preset(cls, name: str) -> AccessStandard:
        """Return a named preset; `presets()` lists them."""
        known = presets()
        if name not in known:
            raise UnknownNameError("access standard", name, list(known))
        return known[name]


@cache
def presets() -> dict[str, AccessStandard]:
    """Return the presets that set a walking distance, by name.

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


def _walks(key: str, fact: dict[str, Any]) -> Iterator[AccessStandard]:
    """Yield one preset for each walking distance that one published standard sets."""

    def preset(suffix: str, distance_m: float, area: float | None = None) -> AccessStandard:
        return AccessStandard(
            name=key + suffix,
            max_distance_m=float(distance_m),
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
    if isinstance(fact.get("emergency"), dict):
        yield preset("_emergency", fact["emergency"]["radius_m"])
    if isinstance(fact.get("fixed"), dict):
        for distance_m in fact["fixed"]["radius_m"]:
            yield preset(f"_fixed_{distance_m}", distance_m)
    for minutes in ("5min", "10min", "15min"):
        if minutes in fact:
            distance = fact[minutes]["m"]
            yield preset(f"_{minutes}", max(distance) if isinstance(distance, list) else distance)
