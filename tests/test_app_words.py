"""The catalogue is complete in every language, and nothing in it is idle."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter
from types import SimpleNamespace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import shelterplan.app
from shelterplan import coverage, tables
from shelterplan.app import figures, gaps_told, main, settings
from shelterplan.app.words import LANGUAGES, TAGS, Words, catalogue
from shelterplan.quality import LIMITS, MESSAGES
from shelterplan.routes import Turn
from shelterplan.scenario import WALKERS
from shelterplan.sources.osm_features import PLACE_KINDS
from shelterplan.sources.streets import FAULTS
from shelterplan.sources.walk_rules import RULES
from shelterplan.standards import Certainty, presets
from shelterplan.study_area import NOT_USABLE, StudyArea, embedded_areas

APP = Path(shelterplan.app.__file__).parent


def calls():
    """Every call of a `Words` in the app: (name of the method or '', first argument)."""
    for path in APP.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            target = node.func
            method = target.attr if isinstance(target, ast.Attribute) else ""
            owner = target.value if isinstance(target, ast.Attribute) else target
            if (isinstance(owner, ast.Name) and owner.id == "words") or (
                isinstance(owner, ast.Name) and owner.id == "self" and path.name == "words.py"
            ):
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    yield path.name, method, first.value


LITERAL = {key for _, method, key in calls() if method == ""}
FAMILIES = {key for _, method, key in calls() if method in {"of", "count"}}


def test_the_calls_are_seen():
    assert "find.go" in LITERAL
    assert {"turn", "minutes"} <= FAMILIES


def test_no_text_is_missing():
    assert LITERAL - set(catalogue()) == set()


def test_no_text_is_idle():
    idle = {key for key in catalogue() if key not in LITERAL and key.split(".")[0] not in FAMILIES}
    assert idle == set()


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_every_language_has_the_text_with_the_same_values(key):
    texts = catalogue()[key]
    assert set(texts) == set(LANGUAGES)
    values = {
        lang: sorted({name for _, name, _, _ in Formatter().parse(text) if name})
        for lang, text in texts.items()
    }
    assert values["en"] == values["zh"]
    assert all(text.strip() for text in texts.values())


def test_chinese_texts_are_chinese():
    latin = {
        key for key, texts in catalogue().items() if not re.search(r"[\u4e00-\u9fff]", texts["zh"])
    }
    assert latin <= {"data.hash", "gaps.standard_title", "mending.quarantined"}


@pytest.mark.parametrize(
    ("family", "members"),
    [
        ("walker", list(WALKERS)),
        ("page", list(main.PAGES)),
        ("status", gaps_told.REASONS),
        ("certainty", [name.replace(" ", "_") for name in get_args(Certainty)]),
        ("standard", [settings.OWN, *presets()]),
        ("turn", [turn for turn in get_args(Turn) if turn not in {"start", "arrive"}]),
        ("bearing", ["N", "NE", "E", "SE", "S", "SW", "W", "NW"]),
        ("rule", [rule.name for rule in RULES]),
        ("measure", [*LIMITS, "none"]),
        ("table", list(tables.TABLES)),
        ("shelter_status", NOT_USABLE),
        ("from", ["tap", "position", "name"]),
        ("problem", ["refused", "unavailable", "no_name", "no_text"]),
        ("way", ["steps", "path", "street"]),
        ("minutes", ["one", "many"]),
        ("finding", list(MESSAGES)),
        ("mending", list(MESSAGES)),
        ("rule", list(FAULTS)),
    ],
)
def test_every_member_of_a_family_has_a_text(family, members):
    assert members
    assert [name for name in members if f"{family}.{name}" not in catalogue()] == []


@pytest.mark.parametrize("name", embedded_areas())
def test_every_kind_in_an_embedded_area_has_a_text(name):
    area = StudyArea.open(name)
    kinds = {
        kind.replace(" ", "_")
        for table in (area.shelters, area.candidates, area.places)
        for kind in table["kind"].dropna()
    }
    assert kinds
    assert [kind for kind in sorted(kinds) if f"kind.{kind}" not in catalogue()] == []


def test_every_kind_of_public_place_has_a_text():
    kinds = {kind for kind, _, _ in PLACE_KINDS}
    assert [kind for kind in sorted(kinds) if f"kind.{kind}" not in catalogue()] == []


def test_what_an_area_says_is_told_in_the_language_or_as_it_stands():
    area = SimpleNamespace(translations={"zh": {"Zone 1": "小区 1"}})
    assert Words("zh").for_area(area).translated("Zone 1") == "小区 1"
    assert Words("zh").for_area(area).translated("Zone 2") == "Zone 2"
    assert Words("en").for_area(area).translated("Zone 1") == "Zone 1"


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("code", MESSAGES)
def test_a_finding_is_told_from_the_values_it_has(code):
    message, texts = MESSAGES[code], catalogue()
    assert fields(texts[f"finding.{code}"]["zh"]) <= fields(message.problem)
    assert fields(texts[f"mending.{code}"]["zh"]) <= fields(message.mend)


def test_reasons_are_all_statuses_but_covered():
    assert {"covered", *gaps_told.REASONS} == set(coverage.STATUSES)


def test_an_unknown_member_is_told_in_words():
    assert Words("zh").of("status", "not_yet_known") == "not yet known"
    assert Words("zh").of("rule", "new", otherwise="a reason") == "a reason"


def test_every_language_has_a_tag():
    assert set(TAGS) == set(LANGUAGES)


@given(st.floats(0, 1e6))
def test_a_distance_is_never_told_shorter_than_it_is(distance_m):
    number, unit = Words("en").distance(distance_m).split()
    told = float(number) * (1000 if unit == "km" else 1)
    assert told >= distance_m * (1 - 1e-9) - 1e-5
    assert told - distance_m <= max(10, 100 if distance_m > 990 else 10) + 1e-5


@given(st.floats(0, 1e6))
def test_a_time_is_never_told_shorter_than_it_is(time_s):
    minutes = int(Words("en").minutes(time_s).split()[0].replace(",", ""))
    assert minutes * 60 >= time_s - 1e-4
    assert minutes == 1 or (minutes - 1) * 60 < time_s + 1e-4


@given(st.floats(0, 1))
def test_a_share_is_nothing_or_everything_only_if_it_is(share):
    text = figures.percent(share)
    assert (text == "0\xa0%") == (share == 0)
    assert (text == "100\xa0%") == (share == 1)
