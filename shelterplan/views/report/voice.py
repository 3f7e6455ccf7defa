"""What a report says, in one language: its own words, and those of proposals."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pandas as pd

from shelterplan.coverage import STATUSES
from shelterplan.views import proposal_telling
from shelterplan.views.proposal_telling import Telling, lost, places

if TYPE_CHECKING:
    from shelterplan.plan import Plan
    from shelterplan.siting.evaluate import Evaluation
    from shelterplan.study_area import StudyArea

PEOPLE = ("_population", "_people")
"""How the names of columns of people end."""
UNITS = {
    "_m": "m",
    "_s": "s",
    "_min": "min",
    "_m2": "m²",
    "_share": "0–1",
    "_years": "years",
    "_weight": "0–1",
}
"""Units by the end of a column's name."""
_PARTS = frozenset({"hazard", "vulnerability", "gap", "priority"})
_MORE_PEOPLE = frozenset({"population", "room", "capacity", "count", "total"})


@cache
def texts() -> dict[str, dict[str, str]]:
    """Return every text of a report by its key (``section.name``) and language."""
    source = files("shelterplan.views.report").joinpath("words.toml").read_text("utf-8")
    return {
        f"{section}.{name}": both
        for section, entries in tomllib.loads(source).items()
        for name, both in entries.items()
    }


class _Before(NamedTuple):
    """The one thing that words without a proposal need to know."""

    before: Plan


@dataclass(frozen=True, slots=True)
class Voice(Telling):
    """The words of a report; those it does not have itself are the words of proposals."""

    @classmethod
    def of(cls, plan: Plan, area: StudyArea, language: str) -> Voice:
        """Return the words on one analysis of a place."""
        return cls(cast("Evaluation", _Before(plan)), language, area.title, area)

    def say(self, key: str, /, **values: object) -> str:
        """Return a text with its values filled in."""
        both = texts().get(key) or proposal_telling.texts()[key]
        return both[self.language].format(**values)

    def word(self, family: str, member: str) -> str:
        """Return the word for one of a family, as it stands if there is none."""
        key = f"{family}.{member}"
        known = key in texts() or key in proposal_telling.texts()
        return self.say(key) if known else member.replace("_", " ")

    def called(self, kind: str, name: Any) -> str:  # noqa: ANN401 - a text or NA
        """Return the name of a district or a community; that it has none where it has none."""
        nameless = bool(pd.isna(name)) or not str(name).strip()
        return self.say(f"unnamed.{kind}") if nameless else self.named(name)

    def all_of(self, key: str, people: float) -> str:
        """Return a text on all people; few are told with their fraction, and one in the singular.

        The singular has the key with `_one` at its end.
        """
        shown = f"{people:,.0f}" if people >= 10 else f"{people:.2g}"
        return self.say(f"{key}_one" if shown == "1" else key, all=shown)

    def column(self, name: str) -> str:
        """Return the heading of a column of a table."""
        status = name.removesuffix("_population")
        if f"column.{name}" not in texts() and status in STATUSES:
            return self.say("column.status_population", status=self.word("status", status))
        level = name.removeprefix("level_").removesuffix("_population")
        if level.isdigit():
            return self.say("column.level_population", level=level)
        return self.word("column", name)

    def walk(self, distance_m: Any) -> str:  # noqa: ANN401 - numpy, pandas or plain
        """Return a walk, rounded up: never shorter than it is.

        A walk without end is told as such.
        """
        if pd.isna(distance_m):
            return "–"
        if math.isinf(distance_m):
            return self.say("walk.none")
        tens = max(1, math.ceil(distance_m / 10 - 1e-6)) * 10
        return self.say("walk.m", number=f"{tens:,}")

    def minutes(self, walk_time_s: Any) -> str:  # noqa: ANN401 - numpy, pandas or plain
        """Return a time in whole minutes, rounded up."""
        if pd.isna(walk_time_s):
            return "–"
        if math.isinf(walk_time_s):
            return self.say("walk.none")
        return self.count("minutes", max(1, math.ceil(walk_time_s / 60 - 1e-6)))

    def share_of(self, share: Any) -> str:  # noqa: ANN401 - numpy, pandas or plain
        """Return a share (0 to 1); a dash where it is not known."""
        return "–" if pd.isna(share) else self.share(float(share))

    def lacking(self, share: Any) -> str:  # noqa: ANN401 - numpy, pandas or plain
        """Return the share of people who lack something, rounded up; a dash if not known.

        It and the share of all others, which is rounded down, make up 100 %.
        """
        if pd.isna(share):
            return "–"
        return self.without(float(share))


def unit_of(column: str) -> str:
    """Return the unit of a column by its name; empty for texts and whole numbers.

    Examples
    --------
    >>> unit_of("median_distance_m"), unit_of("gap_population"), unit_of("name")
    ('m', 'people', '')
    """
    if column.endswith(PEOPLE) or column in _MORE_PEOPLE - {"count", "total"}:
        return "people"
    if column in _PARTS:
        return "0–1"
    found = [unit for ending, unit in UNITS.items() if column.endswith(ending)]
    return found[-1] if found else ""


def short(count: Any) -> str:  # noqa: ANN401 - numpy, pandas or plain
    """Return a number of people who lack something; a dash if it is not known."""
    return "–" if pd.isna(count) else lost(float(count))


def had(count: Any) -> str:  # noqa: ANN401 - numpy, pandas or plain
    """Return a number of people who have something; a dash if it is not known."""
    return "–" if pd.isna(count) else places(float(count))


def order(table: pd.DataFrame, *by: str) -> list[str]:
    """Return the rows of a table, those with the most of each column first."""
    return [str(key) for key in table.sort_values(list(by), ascending=False, kind="stable").index]
