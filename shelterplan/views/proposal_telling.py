"""Texts, numbers and names of a proposal in one language; `proposal_words` makes sentences."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shelterplan.siting.evaluate import Evaluation
    from shelterplan.study_area import StudyArea

LANGUAGES: Final = ("en", "zh")
_COMMA: Final = {"en": (", ", "; ", " "), "zh": ("、", "；", "")}
"""What stands between the parts of a list, between longer parts, and between sentences."""


@cache
def texts() -> dict[str, dict[str, str]]:
    """Return every text by its key (``section.name``) and language."""
    source = files("shelterplan.views").joinpath("proposal_words.toml").read_text("utf-8")
    return {
        f"{section}.{name}": both
        for section, entries in tomllib.loads(source).items()
        for name, both in entries.items()
    }


def places(count: float) -> str:
    """Return a number of people who gain or have something; a part of a person is nobody.

    Examples
    --------
    >>> places(1234.9), places(0.5)
    ('1,234', '0')
    """
    return f"{math.floor(count + 1e-6):,}"


def lost(count: float) -> str:
    """Return a number of people who lose or lack something; a part of a person is a person.

    Examples
    --------
    >>> lost(1233.1)
    '1,234'
    """
    return f"{math.ceil(count - 1e-6):,}"


def placed(table: pd.Series[Any], counted: str) -> float:
    """Return how many people have a place, from the total of a plan."""
    return float(table["possible_people" if counted == "possible" else "covered_population"])


def signed(count: float) -> str:
    """Return how many people more or fewer have something, with its sign.

    Examples
    --------
    >>> signed(12.7), signed(-3.2), signed(0.0)
    ('+12', '−4', '0')
    """
    if count <= -1e-6:
        return f"−{lost(-count)}"
    shown = places(count)
    return shown if shown == "0" else f"+{shown}"


@dataclass(frozen=True, slots=True)
class Telling:
    """One proposal that is told of in one language."""

    found: Evaluation
    language: str
    title: str
    area: StudyArea

    @property
    def scenario(self) -> Mapping[str, Any]:
        """The settings of the scenario, as the manifest has them."""
        settings: Mapping[str, Any] = self.found.before.manifest["scenario"]
        return settings

    @property
    def standard(self) -> Mapping[str, Any]:
        """The access standard, as the manifest has it."""
        settings: Mapping[str, Any] = self.found.before.manifest["standard"]
        return settings

    @property
    def before(self) -> float:
        """People with a place without the proposal."""
        return float(self.found.served["before_people"].sum())

    @property
    def after(self) -> float:
        """People with a place with it."""
        return float(self.found.served["after_people"].sum())

    @property
    def everybody(self) -> float:
        """All people."""
        return float(self.found.served["population"].sum())

    def say(self, key: str, /, **values: object) -> str:
        """Return a text with its values filled in."""
        return texts()[key][self.language].format(**values)

    def word(self, family: str, member: str) -> str:
        """Return the word for one of a family, as it stands if there is none."""
        key = f"{family}.{member}"
        return self.say(key) if key in texts() else member.replace("_", " ")

    def count(self, family: str, number: float, /, **values: object) -> str:
        """Return a counted text in the singular or plural."""
        whole = math.floor(number + 1e-6)
        return self.say(
            f"{family}.{'one' if whole == 1 else 'many'}", number=f"{whole:,}", **values
        )

    def named(self, name: object) -> str:
        """Return the name of a community, a district, a shelter or a site in this language."""
        if name is None or name is pd.NA or name != name or not str(name).strip():  # noqa: PLR0124
            return self.say("item.unnamed")
        return self.area.translations.get(self.language, {}).get(str(name), str(name))

    def share(self, part: float, whole: float | None = None) -> str:
        """Return a share in per cent, rounded down; never 0 % or 100 % unless it is."""
        share = part / whole if whole else part if whole is None else 0.0
        space = "\u00a0" if self.language == "en" else ""
        if 0 < share < 0.001:
            return f"<{space}0.1{space}%"
        if 0.999 < share < 1:
            return f">{space}99.9{space}%"
        return f"{math.floor(share * 1000 + 1e-9) / 10:.1f}".removesuffix(".0") + f"{space}%"

    def without(self, share: float) -> str:
        """Return the share of people who lack something, rounded up.

        It and the share of all others, which is rounded down, make up 100 %.
        """
        if 0 < share < 0.001 or 0.999 < share < 1:
            return self.share(share)
        return self.share(math.ceil(share * 1000 - 1e-9) / 1000)

    def listed(self, items: Iterable[str], *, longer: bool = False) -> str:
        """Return a list of names, or of longer things."""
        return _COMMA[self.language][longer].join(items)

    def together(self, sentences: Iterable[str]) -> str:
        """Return sentences one after the other, those that say something."""
        return _COMMA[self.language][2].join(filter(None, sentences))

    def hazard(self, hazard: object) -> str:
        """Return the name of a hazard, of an ordinary day for none."""
        return self.word("hazard", str(hazard) or "none")

    def limit(self) -> str:
        """Return the access standard's limit."""
        seconds = self.standard.get("max_time_s")
        if seconds is None:
            return self.say("limit.m", number=f"{self.standard['max_distance_m']:,g}")
        return self.say("limit.s", number=f"{seconds / 60:,g}")

    def unused_reason(self, site: pd.Series[Any]) -> str:
        """Return why nobody would be sent to a site; empty if somebody would, or nobody looked."""
        if site["reason"]:
            return self.word("reason", str(site["reason"]))
        if pd.isna(site["assigned_population"]) or site["assigned_population"] > 0:
            return ""
        return self.word("reason", "no_room" if site["room"] == 0 else "far")
