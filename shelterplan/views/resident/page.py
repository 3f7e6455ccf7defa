"""The resident map as a page: one HTML file that needs no network, stores and sends nothing.

All scripts and the style sheet stand inside the file, and its content security policy names them by
their hashes: nothing else can run, and the browser may ask nobody for anything.
"""

from __future__ import annotations

import base64
import hashlib
import re
import tomllib
from functools import cache
from html import escape
from importlib.metadata import version
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any, Final

import shapely

from shelterplan.progress import Progress, silent
from shelterplan.scenario import Scenario
from shelterplan.situation import active_zones
from shelterplan.standards import AccessStandard
from shelterplan.study_area import ATTRIBUTION
from shelterplan.views import look
from shelterplan.views.resident.choices import choices
from shelterplan.views.resident.engine_script import engine_script
from shelterplan.views.resident.installable import (
    icon_address,
    manifest_name,
    scope_of,
    worker_name,
)
from shelterplan.views.resident.pack import pack
from shelterplan.views.script_json import rounded, script_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shelterplan.study_area import StudyArea

LANGUAGES: Final = {"en": "English", "zh": "中文"}
TAGS: Final = {"en": "en", "zh": "zh-Hans"}
AS_IN_THE_APP: Final = (
    "app",
    "walker",
    "hazard",
    "fitness",
    "refusal",
    "unit",
    "minutes",
    "map",
    "find",
    "state",
    "problem",
    "instead",
    "from",
    "bearing",
    "way",
    "step",
    "turn",
    "kind",
)
"""Sections of the app's texts that the map says in the same words."""
UNABLE: Final = ("too_old", "too_old_more", "no_script", "no_script_more", "no_script_list")
"""Texts that stand in the file for browsers in which the page does not run."""
SIMPLER_DEGREES: Final = 4e-5
"""Zones are drawn to about 4 m; what they close is exact all the same."""
TABLES: Final = frozenset({"streets", "shelters", "entrances", "hazards"})
"""Tables whose sources decide the date of the data."""
NO_SCRIPT_STYLE: Final = (
    "#too-old { display: none; } .panel > noscript { display: grid; gap: .75rem; }"
)
"""A browser that runs no script at all is not called too old."""
DAY: Final = slice(10)
"""The part of a time stamp that is shown: YYYY-MM-DD."""


def resident_map(
    area: StudyArea,
    *,
    scenarios: Mapping[str, Scenario] | None = None,
    standard: AccessStandard | None = None,
    language: str = "en",
    installable: str = "",
    left_out: Iterable[str] = (),
    progress: Progress = silent,
) -> bytes:
    """Return the map for residents: one HTML file in UTF-8.

    It finds the nearest shelter of any place by itself, from ``file://`` too: no server, no
    network, nothing stored, nothing sent. Names are data, never HTML.

    Parameters
    ----------
    area : StudyArea
        The place.
    scenarios : mapping of str to Scenario, optional
        What can be chosen; by default those of `choices.choices`.
    standard : AccessStandard, optional
        What counts as near enough; by default 500 m.
    language : {"en", "zh", ""}
        The language that it opens in, empty: that of the browser; both are in it.
    installable : str
        Its file name, if the files of `installable.beside` will stand beside it on a host.
    left_out : iterable of str
        Hazards of which the map says that it does not know them.
    progress : Progress
        Called with the stage and its share.

    Raises
    ------
    ResidentMapError
        If no map can be made of the study area.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> page = resident_map(StudyArea.open("monaco"), scenarios={"any day": Scenario()})
    >>> len(page) < 700_000, b"http://" in page.replace(b"http://www.w3.org", b"")
    (True, False)
    """
    standard = standard or AccessStandard()
    if scenarios is None:
        scenarios, left_out = choices(area)
    progress("packing the streets", 0.1)
    packed = pack(area, scenarios, standard)
    progress("writing the page", 0.9)
    facts = _facts(area, scenarios, standard, language=language)
    facts |= {"left_out": sorted(left_out), "installable": None}
    if installable:
        facts["installable"] = {"worker": worker_name(installable), "scope": scope_of(installable)}
    unable = {key: escape(_both(f"resident.{key}")) for key in UNABLE}
    manifest = f'\n<link rel="manifest" href="{escape(manifest_name(installable))}">'
    page = Template(_file("page.html")).substitute(
        scripts()
        | unable
        | {
            "lang": TAGS[language or "en"],
            "policy": escape(policy(installable=bool(installable)), quote=False),
            "title": escape(title_of(area, language)),
            "icon": escape(icon_address()),
            "manifest": manifest if installable else "",
            "style": style(),
            "no_script_style": NO_SCRIPT_STYLE,
            "no_script_illustrative": _illustrative(area),
            "shelter_names": _shelter_names(area),
            "attribution": escape(ATTRIBUTION),
            "licence": escape(_licence()),
            "page": script_json(facts),
            "head": script_json(packed.head),
            "blob": base64.b64encode(packed.blob).decode("ascii"),
        }
    )
    return page.encode("utf-8", "replace")


def title_of(area: StudyArea, language: str) -> str:
    """Return what the map of a study area is called."""
    language = language or "en"
    name = area.translations.get(language, {}).get(area.title, area.title)
    return words()[language]["resident.title"].replace("{area}", name)


def policy(*, installable: bool = False) -> str:
    """Return the content security policy of every map: it does not depend on the study area.

    Examples
    --------
    >>> policy().split("; ")[0], "unsafe" in policy()
    ("default-src 'none'", False)
    """
    rules = [
        "default-src 'none'",
        f"script-src {' '.join(_hash(script) for script in scripts().values())}",
        f"style-src {_hash(style())} {_hash(NO_SCRIPT_STYLE)}",
        "img-src data: blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types default",
    ]
    if installable:
        rules += ["worker-src 'self'", "manifest-src 'self'"]
    return "; ".join(rules)


@cache
def scripts() -> dict[str, str]:
    """Return the scripts of the page, by their place in page.html."""
    vendor = files("shelterplan.views").joinpath("vendor", "leaflet", "leaflet.js")
    own = "\n".join(_file(name) for name in ("told.js", "map.js", "page.js"))
    texts = {
        "leaflet": f"{_file('guard.js')}\n{vendor.read_text('utf-8')}",
        "engine": engine_script(),
        "script": own,
    }
    return {name: _inside(text) for name, text in texts.items()}


@cache
def style() -> str:
    """Return the style sheet of the page, without the pictures that it does not use."""
    vendor = files("shelterplan.views").joinpath("vendor", "leaflet", "leaflet.css")
    unused = re.sub(r"url\([^)]*\)", "none", vendor.read_text("utf-8"))
    return f"{unused}\n{_file('page.css')}"


@cache
def words() -> dict[str, dict[str, str]]:
    """Return all that the page says, by language and key (``section.name``)."""
    app = files("shelterplan").joinpath("app", "catalogue.toml").read_text("utf-8")
    sections = {name: tomllib.loads(app)[name] for name in AS_IN_THE_APP}
    for name, entries in tomllib.loads(_file("words.toml")).items():
        sections[name] = sections.get(name, {}) | entries
    return {
        language: {
            f"{section}.{name}": texts[language]
            for section, entries in sections.items()
            for name, texts in entries.items()
        }
        for language in LANGUAGES
    }


def _facts(
    area: StudyArea,
    scenarios: Mapping[str, Scenario],
    standard: AccessStandard,
    *,
    language: str,
) -> dict[str, Any]:
    """Return what the page says beside the engine's own answers."""
    kinds = {*area.shelters["kind"].dropna(), *area.places["kind"].dropna()}
    kinds |= {"street", "community", "district", "shelter", "place", "unknown kind"}
    zones = {_zone_key(area, scenario): scenario for scenario in scenarios.values()}
    sources = {(one.name, one.date[DAY], one.licence): one for one in area.sources}
    return {
        "lang": language,
        "tags": TAGS,
        "languages": LANGUAGES,
        "words": {lang: _said_here(texts, kinds) for lang, texts in words().items()},
        "translations": {lang: _own_texts(area, lang) for lang in LANGUAGES},
        "title": area.title,
        "illustrative": sorted(area.illustrative),
        "notes": list(area.notes),
        "sources": [
            {"name": name, "date": date, "licence": licence} for name, date, licence in sources
        ],
        "date": min(
            (one.date[DAY] for one in area.sources if one.table in TABLES and one.date), default=""
        ),
        "version": version("shelterplan"),
        "standard": {
            "value": standard.limit.value,
            "unit": standard.limit.unit,
            "certainty": standard.certainty,
        },
        "scenarios": [_scenario_facts(area, scenario) for scenario in scenarios.values()],
        "zones": {key: _zones(area, scenario) for key, scenario in zones.items() if key},
        "hatch_gaps": list(look.ZONE_GAPS),
    }


def _scenario_facts(area: StudyArea, scenario: Scenario) -> dict[str, Any]:
    return {
        "hazard": scenario.hazard,
        "level": scenario.hazard_level,
        "walker": scenario.walker.name,
        "wheelchair": scenario.walker.wheelchair,
        "speed_m_s": float(f"{scenario.speed_m_s:.3g}"),
        "certainty": scenario.walker.certainty,
        "phase": scenario.phase,
        "gates": scenario.gates,
        "time": scenario.time,
        "delay_s": scenario.delay_s,
        "max_leg_m": scenario.max_leg_m,
        "zones": _zone_key(area, scenario),
    }


def _zone_key(area: StudyArea, scenario: Scenario) -> str:
    """Return a name for the zones that count in a scenario; empty if there are none."""
    return ",".join(str(number) for number in active_zones(area, scenario).nonzero()[0])


def _zones(area: StudyArea, scenario: Scenario) -> list[list[Any]]:
    """Return the zones of a scenario to be drawn, each with its level, the mildest first."""
    table = area.hazards[active_zones(area, scenario)].sort_values("level", kind="stable")
    shapes = shapely.simplify(table.geometry.to_numpy(), SIMPLER_DEGREES)
    return [
        [int(level), rounded(shape.__geo_interface__, 5)]
        for level, shape in zip(table["level"], shapes, strict=True)
    ]


def _said_here(texts: Mapping[str, str], kinds: Iterable[str]) -> dict[str, str]:
    """Return the words without the kinds of places that do not occur."""
    kept = {f"kind.{kind.replace(' ', '_')}" for kind in kinds}
    return {key: text for key, text in texts.items() if not key.startswith("kind.") or key in kept}


def _own_texts(area: StudyArea, language: str) -> dict[str, str]:
    """Return what the study area itself says in a language, of that which the page shows."""
    shown = {area.title, *area.notes}
    for table in (area.shelters, area.communities, area.places, area.streets):
        shown |= set(table["name"].dropna())
    shown |= set(area.communities["district"].dropna())
    for source in area.sources:
        shown |= {source.name, source.licence}
    known = area.translations.get(language, {})
    return {text: known[text] for text in sorted(shown & set(known))}


def _both(key: str) -> str:
    """Return a text in every language: it stands there before any script has run."""
    return " · ".join(texts[key] for texts in words().values())


def _illustrative(area: StudyArea) -> str:
    """Return the warning that the shelters are no official list, as HTML; empty if they are one."""
    said = [_both("app.illustrative"), _both("app.illustrative_more")]
    shown = "shelters" in area.illustrative
    return f'<p class="banner">{escape(" ".join(said))}</p>\n' if shown else ""


def _shelter_names(area: StudyArea) -> str:
    """Return the names of the shelters as HTML, in every language that has one of its own."""
    names = {
        name: dict.fromkeys(
            [name, *(own[name] for own in area.translations.values() if name in own)]
        )
        for name in sorted(area.shelters["name"].dropna())
    }
    return "".join(f"<li>{escape(' · '.join(said))}</li>" for said in names.values())


def _licence() -> str:
    vendor = files("shelterplan.views").joinpath("vendor", "leaflet")
    return "\n\n".join(vendor.joinpath(name).read_text("utf-8") for name in ("VERSION", "LICENSE"))


def _file(name: str) -> str:
    return files("shelterplan.views.resident").joinpath(name).read_text("utf-8")


def _inside(script: str) -> str:
    """Return a script that does not end where it names the end of a script."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
