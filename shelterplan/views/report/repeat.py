"""What makes a report again: the command, and by which proposals it was made."""

from __future__ import annotations

import hashlib
import json
import math
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from shelterplan.scenario import WALKERS, Scenario, Walker
from shelterplan.standards import AccessStandard, presets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from shelterplan.siting.proposal import Proposal
    from shelterplan.views.proposal_telling import Telling

_PLAIN = (
    "hazard",
    "hazard_level",
    "return_period",
    "phase",
    "gates",
    "time",
    "slope",
    "room",
    "unknown_fitness",
)
"""Settings whose flag is their name."""
TIME_LIMIT_S = 10.0
"""How long the search for the best plan beside a proposal may take if nothing else is said [s]."""


_MINE: Final[dict[str, Any]] = {"certainty": "own choice", "source": "given by the user"}
"""What the command line says of a speed of one's own."""


def command(told: Telling, *, proposals: int, day: date, time_limit_s: float) -> str:
    """Return the command line that makes a report again.

    A scenario that no flags can set is to be read from a file; see `needs_file`. Proposals are
    called `proposal-1.geojson` and so on.
    """
    words = ["shelterplan", "report", told.area.name, "--out", "report.html"]
    if needs_file(told.scenario):
        words += ["--scenario", "scenario.toml"]
    else:
        words += scenario_flags(told.scenario)
    words += standard_flags(told.standard)
    for number in range(1, proposals + 1):
        words += ["--proposal", f"proposal-{number}.geojson"]
    if proposals and time_limit_s != TIME_LIMIT_S:
        words += ["--time-limit", _exact(time_limit_s)]
    words += ["--lang", told.language] if told.language != "en" else []
    return shlex.join([*words, "--date", day.isoformat()])


def needs_file(given: Mapping[str, Any]) -> bool:
    """Return whether a scenario is another than the one that its flags ask for.

    Examples
    --------
    >>> needs_file(Scenario(time="night").to_dict()), needs_file(Scenario(max_leg_m=9.0).to_dict())
    (False, True)
    """
    flags = scenario_flags(given)
    one = dict(zip(flags[::2], flags[1::2], strict=True))
    walker = WALKERS[one.get("--walker", "adult")]
    if "--speed-m-s" in one:
        walker = replace(walker, speed_m_s=float(one["--speed-m-s"]), **_MINE)
    plain = {name: given[name] for name in _PLAIN if name in given}
    asked = Scenario(
        walker=walker,
        delay_s=float(one.get("--delay-min", 0.0)) * 60,
        closed_streets=tuple(given.get("closed_streets", ())),
        closed_shelters=tuple(given.get("closed_shelters", ())),
        **plain,
    )
    return asked != Scenario.from_dict(given)


def scenario_flags(given: Mapping[str, Any]) -> list[str]:
    """Return the flags for a scenario, those that differ from an ordinary day.

    Examples
    --------
    >>> scenario_flags(Scenario.of(walker="elderly", hazard="flood", delay_s=90.0).to_dict())
    ['--walker', 'elderly', '--hazard', 'flood', '--delay-min', '1.5']
    """
    usual, walker = Scenario().to_dict(), given["walker"]
    known = WALKERS.get(walker["name"])
    words = ["--walker", walker["name"]] if known and known != WALKERS["adult"] else []
    if known is None or Walker(**walker) != known:
        words += ["--speed-m-s", _exact(walker["speed_m_s"])]
    for name in _PLAIN:
        if given.get(name) != usual.get(name):
            words += [f"--{name.replace('_', '-')}", f"{given[name]}"]
    if given.get("delay_s"):
        words += ["--delay-min", _minutes(given["delay_s"])]
    words += [w for n in given.get("closed_streets", ()) for w in ("--close-street", str(n))]
    words += [w for one in given.get("closed_shelters", ()) for w in ("--close-shelter", str(one))]
    return words


def standard_flags(given: Mapping[str, Any]) -> list[str]:
    """Return the flags for an access standard: its preset, or its limit.

    Examples
    --------
    >>> standard_flags({"name": "own", "max_distance_m": 800.0, "max_time_s": None})
    ['--distance-m', '800']
    """
    area, seconds = given.get("area_m2_per_person"), given.get("max_time_s")
    preset = presets().get(str(given.get("name", "own")))
    usual = None
    if preset is not None and _is_preset(preset, given):
        usual, words = preset.area_m2_per_person, ["--standard", preset.name]
    elif seconds is not None:
        words = ["--minutes", _minutes(seconds)]
    else:
        words = ["--distance-m", _exact(given["max_distance_m"])]
    return [*words, *(["--m2-per-person", _exact(area)] if area not in {None, usual} else [])]


def same_standard(given: Mapping[str, Any]) -> bool:
    """Return whether flags ask for a standard with its name, source and certainty, too.

    Examples
    --------
    >>> same_standard({"name": "ours", "max_distance_m": 800.0})
    False
    """
    return standard_flags(given)[0] == "--standard" or _said_alike(AccessStandard(), given)


def _is_preset(preset: AccessStandard, given: Mapping[str, Any]) -> bool:
    """Return whether a standard is a preset, but for the area that a person needs if it has one."""
    column = "max_time_s" if preset.limit.unit == "s" else "max_distance_m"
    limit = given.get(column, preset.limit.value)
    asks = given.get("area_m2_per_person") is not None or preset.area_m2_per_person is None
    return _said_alike(preset, given) and limit == preset.limit.value and asks


def _said_alike(standard: AccessStandard, given: Mapping[str, Any]) -> bool:
    names = ("name", "certainty", "source")
    return all(
        given.get(name, getattr(standard, name)) == getattr(standard, name) for name in names
    )


def _exact(value: float) -> str:
    """Return a number with all its digits."""
    return repr(float(value)).removesuffix(".0")


def _minutes(seconds: float) -> str:
    """Return the minutes that are read as a number of seconds; the nearest if there are none."""
    near = seconds / 60
    tried = (near, math.nextafter(near, 0), math.nextafter(near, math.inf))
    return _exact(next((one for one in tried if one * 60 == seconds), near))


def asked_for(proposal: Proposal) -> dict[str, Any]:
    """Return by which proposal a report was made, for its manifest.

    Returns
    -------
    dict
        `title`, number of `sites`, `site_ids`, and `sha256`: the hash of the sites as JSON without
        blanks, sorted by id, each a list of id, longitude and latitude (of a point within, to seven
        decimals), capacity and cost (null where they are not known).
    """
    sites = proposal.sites
    points = sites.geometry.representative_point()
    known = {
        name: [None if pd.isna(one) else float(one) for one in sites[name]]
        if name in sites
        else [None] * len(sites)
        for name in ("capacity", "cost")
    }
    ids, lon, lat = map(str, sites.index), points.x.round(7), points.y.round(7)
    rows = sorted(zip(ids, lon, lat, known["capacity"], known["cost"], strict=True))
    text = json.dumps(rows, separators=(",", ":"), allow_nan=False)
    return {
        "title": proposal.title,
        "sites": len(rows),
        "site_ids": [row[0] for row in rows],
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
