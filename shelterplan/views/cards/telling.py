"""Texts, numbers and names of the cards in one language."""

from __future__ import annotations

import math
import tomllib
import unicodedata
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from shelterplan.errors import UnknownNameError
from shelterplan.scenario import WALKERS
from shelterplan.views import proposal_telling

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shelterplan.scenario import Scenario
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea

LANGUAGES: Final = proposal_telling.LANGUAGES
NARROW: Final = frozenset("iljtfrI .,:;'|!()[]-·")
_SIGNS: Final = {"en": (", ", "; "), "zh": ("、", "；")}
"""What stands between the parts of a list, and between longer parts."""


@cache
def texts() -> dict[str, dict[str, str]]:
    """Return every text of the cards by its key (``section.name``) and language."""
    source = files("shelterplan.views.cards").joinpath("words.toml").read_text("utf-8")
    return {
        f"{section}.{name}": both
        for section, entries in tomllib.loads(source).items()
        for name, both in entries.items()
    }


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language, with what a study area says in it itself."""

    area: StudyArea
    language: str

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise UnknownNameError("language", self.language, list(LANGUAGES))

    def say(self, key: str, /, **values: object) -> str:
        """Return a text with its values filled in."""
        return texts()[key][self.language].format(**values)

    def word(self, family: str, member: str) -> str:
        """Return the word for one of a family, as it stands if there is none."""
        key = f"{family}.{member}"
        return self.say(key) if key in texts() else member.replace("_", " ")

    def hazard(self, name: str) -> str:
        """Return the name of a hazard."""
        both = proposal_telling.texts().get(f"hazard.{name}")
        return both[self.language] if both else name.replace("_", " ")

    def named(self, name: object) -> str:
        """Return a name in this language, on one line; "without a name" for none."""
        own = self.area.translations.get(self.language, {}).get(str(name), str(name))
        return (
            _one_line(own) if isinstance(name, str) and _one_line(own) else self.say("card.unnamed")
        )

    def listed(self, items: Iterable[str], *, longer: bool = False) -> str:
        """Return a list of words, or of longer things."""
        return _SIGNS[self.language][longer].join(items)

    def assumed(self, scenario: Scenario) -> list[str]:
        """Return what is assumed of the scenario besides its hazard, as far as it is unusual."""
        closed = (scenario.closed_streets, scenario.closed_areas, scenario.closed_shelters)
        number = sum(map(len, closed))
        struck = bool(scenario.hazard)
        holds = {
            "delay": scenario.delay_s > 0,
            "level": struck and scenario.hazard_level > 1,
            "years": struck and scenario.return_period is not None,
            "before": struck and scenario.phase == "before",
            "day": scenario.time == "day",
            "night": scenario.time == "night",
            "emergency": scenario.gates == "emergency",
            "refuse": scenario.unknown_fitness == "refuse",
            "nearest": scenario.room == "nearest",
            "ignored": scenario.room == "ignored",
            "closed": number > 0,
        }
        values: dict[str, dict[str, object]] = {
            "delay": {"minutes": self.delay(scenario)},
            "level": {"number": scenario.hazard_level},
            "years": {"number": f"{scenario.return_period or 0:,}"},
            "closed": {"number": number},
        }
        said = [] if scenario.walker.name == "adult" else [_walker(self.language, scenario)]
        said += [self.say("card.walking", speed=self.pace(scenario))] if own_pace(scenario) else []
        texts_of = proposal_telling.texts()
        return said + [
            texts_of[f"assumed.{name}"][self.language].format(**values.get(name, {}))
            for name, holding in holds.items()
            if holding
        ]

    def pace(self, scenario: Scenario) -> str:
        """Return the speed on the flat at this time of day."""
        return self.say("card.speed", number=f"{scenario.speed_m_s:.3g}")

    def delay(self, scenario: Scenario) -> str:
        """Return the number of minutes before people leave."""
        return f"{scenario.delay_s / 60:,.3g}"

    def minutes(self, seconds: float) -> str:
        """Return a time in whole minutes, rounded up, at least one."""
        return self.say("card.minutes", number=f"{whole_minutes(seconds):,}")

    def distance(self, metres: float) -> str:
        """Return a walk, rounded up to tens of metres, or tenths of kilometres from 1 km on."""
        tens = max(1, math.ceil(metres / 10 - 1e-6))
        if tens < 100:
            return self.say("card.metres", number=tens * 10)
        return self.say("card.km", number=f"{math.ceil(tens / 10) / 10:g}")

    def limit(self, standard: AccessStandard) -> str:
        """Return the limit of a standard."""
        value, unit = standard.limit
        if unit == "m":
            return self.say("card.metres", number=f"{value:,g}")
        return self.say("card.minutes", number=f"{value / 60:,g}")


def _walker(language: str, scenario: Scenario) -> str:
    """Return who walks, in one language."""
    name = scenario.walker.name
    both = proposal_telling.texts().get(f"walker.{name}")
    return both[language] if both else _one_line(name)


def own_pace(scenario: Scenario) -> bool:
    """Return whether who walks does so otherwise than the named walker, so that its word misleads.

    Examples
    --------
    >>> from shelterplan.scenario import Scenario, Walker
    >>> own_pace(Scenario.of(walker="elderly"))
    False
    >>> own_pace(Scenario.of(walker=Walker(name="elderly", speed_m_s=0.4)))
    True
    """
    walker = scenario.walker
    named = WALKERS.get(walker.name)
    return named is None or walker != replace(
        named, certainty=walker.certainty, source=walker.source
    )


def whole_minutes(seconds: float) -> int:
    """Return a time in whole minutes, rounded up, at least one [min].

    Examples
    --------
    >>> whole_minutes(60.1), whole_minutes(0.0)
    (2, 1)
    """
    return max(1, math.ceil(seconds / 60 - 1e-6))


def width(text: str) -> float:
    """Return about how wide a text is, in letters: Chinese ones and capitals take more.

    Examples
    --------
    >>> width("noon"), width("公园"), width("ill")
    (4.0, 4.0, 1.8)
    """
    return round(sum(_sign_width(sign) for sign in text), 1)


def _sign_width(sign: str) -> float:
    if unicodedata.combining(sign):
        return 0.0
    if unicodedata.east_asian_width(sign) in "WF":
        return 2.0
    if sign in NARROW:
        return 0.6
    return 1.6 if sign in "mwMW@%—…" else 1.3 if sign.isupper() else 1.0


def cut(text: str, most: float) -> str:
    """Return a text that is at most so wide, cut with an ellipsis.

    Examples
    --------
    >>> cut("莲花山公园", 7.6), cut("park", 4)
    ('莲花山…', 'park')
    """
    if width(text) <= most:
        return text
    kept, used = [], 1.6
    for sign in text:
        used += _sign_width(sign)
        if used > most:
            break
        kept.append(sign)
    return "".join(kept).rstrip() + "…"


def _one_line(text: str) -> str:
    """Return a text on one line, without signs that cannot be seen."""
    seen = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(seen.split())
