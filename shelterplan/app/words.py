"""The words on screen: one catalogue, every language complete."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shelterplan.study_area import StudyArea

LANGUAGES: Final = {"en": "English", "zh": "中文"}
"""The languages offered, each by its own name."""

TAGS: Final = {"en": "en", "zh": "zh-Hans"}
"""The language tags of a page."""

SIGNS: Final = {"en": (", ", "; "), "zh": ("，", "；")}
"""What stands between the parts of a list in each language, and between longer parts."""


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Return every text by its key (``section.name``) and language."""
    sections = tomllib.loads(files("shelterplan.app").joinpath("catalogue.toml").read_text("utf-8"))
    return {
        f"{section}.{name}": texts
        for section, entries in sections.items()
        for name, texts in entries.items()
    }


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language.

    Examples
    --------
    >>> Words("en")("page.find"), Words("zh").distance(1234.0)
    ('Find a shelter', '1.3 公里')
    """

    lang: str
    translations: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """The study area's own texts in this language, by how they stand in it."""

    def for_area(self, area: StudyArea) -> Words:
        """Return the same words, with what the study area itself says in this language."""
        return replace(self, translations=area.translations.get(self.lang, {}))

    def translated(self, text: str) -> str:
        """Return a name or note of the study area in this language, as it stands if it has none.

        Examples
        --------
        >>> words = Words("zh", {"Zone 1": "小区 1"})
        >>> words.translated("Zone 1"), words.translated("Zone 2")
        ('小区 1', 'Zone 2')
        """
        return self.translations.get(text, text)

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the text of a key with its values filled in."""
        return catalogue()[key][self.lang].format(**values)

    def of(self, family: str, member: str, /, *, otherwise: str = "", **values: object) -> str:
        """Return one of a family of texts, such as the name of a walker or of a reason.

        For a member that the catalogue does not know, return `otherwise`, or its name as words.
        """
        key = f"{family}.{member.replace(' ', '_')}"
        return self(key, **values) if key in catalogue() else otherwise or member.replace("_", " ")

    def count(self, family: str, number: int, /, **values: object) -> str:
        """Return a counted thing in the singular or plural.

        Examples
        --------
        >>> Words("en").count("minutes", 1), Words("en").count("minutes", 2)
        ('1 minute', '2 minutes')
        """
        form = "one" if number == 1 else "many"
        return self(f"{family}.{form}", number=f"{number:,}", **values)

    def listed(self, parts: Iterable[str], *, longer: bool = False) -> str:
        """Return parts as a list, those that are not empty.

        Examples
        --------
        >>> Words("en").listed(["a", "", "b"]), Words("zh").listed("ab", longer=True)
        ('a, b', 'a；b')
        """
        return SIGNS[self.lang][longer].join(filter(None, parts))

    @staticmethod
    def inside(text: str) -> str:
        """Return a text as it stands inside a sentence.

        Examples
        --------
        >>> Words.inside("Storm surge")
        'storm surge'
        """
        return text[:1].lower() + text[1:]

    def distance(self, distance_m: float) -> str:
        """Return a walk in words, rounded up: never shorter than it is.

        Examples
        --------
        >>> [Words("zh").distance(d) for d in (0.0, 41.0, 999.0, 1000.1)]
        ['10 米', '50 米', '1 公里', '1.1 公里']
        """
        tens = max(1, math.ceil(distance_m / 10 - 1e-6))
        if tens < 100:
            return self("unit.m", number=tens * 10)
        return self("unit.km", number=f"{math.ceil(tens / 10) / 10:g}")

    def minutes(self, walk_time_s: float) -> str:
        """Return a time in whole minutes, rounded up.

        Examples
        --------
        >>> Words("en").minutes(60.1), Words("en").minutes(0.0)
        ('2 minutes', '1 minute')
        """
        return self.count("minutes", self.whole_minutes(walk_time_s))

    @staticmethod
    def whole_minutes(walk_time_s: float) -> int:
        """Return a time in whole minutes, rounded up, at least one [min]."""
        return max(1, math.ceil(walk_time_s / 60 - 1e-6))
