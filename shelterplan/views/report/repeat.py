"""The command that makes a report again."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from shelterplan.scenario import WALKERS, Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

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


def command(told: Telling, *, proposals: int, day: date, time_limit_s: float) -> str:
    """Return the command line that makes a report again.

    Closed areas have no flag: with them, the scenario is to be read from a file. Proposals are
    called `proposal-1.geojson` and so on.
    """
    words = ["shelterplan", "report", told.area.name, "--out", "report.html"]
    if told.scenario.get("closed_areas"):
        words += ["--scenario", "scenario.toml"]
    else:
        words += scenario_flags(told.scenario)
    words += standard_flags(told.standard)
    for number in range(1, proposals + 1):
        words += ["--proposal", f"proposal-{number}.geojson"]
    if proposals and time_limit_s != TIME_LIMIT_S:
        words += ["--time-limit", f"{time_limit_s:g}"]
    words += ["--lang", told.language] if told.language != "en" else []
    return shlex.join([*words, "--date", day.isoformat()])


def scenario_flags(given: Mapping[str, Any]) -> list[str]:
    """Return the flags for a scenario, those that differ from an ordinary day.

    Examples
    --------
    >>> scenario_flags(Scenario.of(walker="elderly", hazard="flood", delay_s=90.0).to_dict())
    ['--walker', 'elderly', '--hazard', 'flood', '--delay-min', '1.5']
    """
    usual, walker = Scenario().to_dict(), given["walker"]
    words = ["--walker", walker["name"]] if walker["name"] != usual["walker"]["name"] else []
    known = WALKERS.get(walker["name"])
    if known is None or walker["speed_m_s"] != known.speed_m_s:
        words = words if known else []
        words += ["--speed-m-s", f"{walker['speed_m_s']!r}"]
    for name in _PLAIN:
        if given.get(name) != usual.get(name):
            words += [f"--{name.replace('_', '-')}", f"{given[name]}"]
    if given.get("delay_s"):
        words += ["--delay-min", f"{given['delay_s'] / 60:g}"]
    words += [w for n in given.get("closed_streets", ()) for w in ("--close-street", str(n))]
    words += [w for one in given.get("closed_shelters", ()) for w in ("--close-shelter", str(one))]
    return words


def standard_flags(given: Mapping[str, Any]) -> list[str]:
    """Return the flags for an access standard.

    Examples
    --------
    >>> standard_flags({"name": "own", "max_distance_m": 800.0, "max_time_s": None})
    ['--distance-m', '800']
    """
    area, seconds = given.get("area_m2_per_person"), given.get("max_time_s")
    if given.get("name", "own") != "own":
        return ["--standard", str(given["name"])]
    if seconds is not None:
        limit = ["--minutes", f"{seconds / 60:g}"]
    else:
        limit = ["--distance-m", f"{given['max_distance_m']:g}"]
    return [*limit, *(["--m2-per-person", f"{area:g}"] if area is not None else [])]
