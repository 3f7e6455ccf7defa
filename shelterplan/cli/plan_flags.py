"""The flags of the commands that weigh new sites, and those that say which sites are suitable."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from shelterplan.cli.files import ends_in
from shelterplan.scenario import WORST_LEVEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from shelterplan.scenario import Scenario
    from shelterplan.siting.candidate_rules import SuitabilityRules

Command = TypeVar("Command", bound="Callable[..., Any]")

COUNTED = click.option(
    "--counted",
    default="possible",
    show_default=True,
    type=click.Choice(["possible", "confirmed"]),
    help="Whether a shelter of unknown size is taken to have room.",
)
SCENARIOS = click.option(
    "--scenarios",
    "more",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A further scenario (TOML) that the plan must suit, or is looked at under. Repeatable.",
)
TIME_LIMIT = click.option(
    "--time-limit",
    "time_limit_s",
    default=10.0,
    show_default=True,
    type=click.FloatRange(0.1, 86400),
    metavar="SECONDS",
    help="How long the solver may take. Ctrl-C ends it with the best plan so far.",
)
LANGUAGE = click.option(
    "--lang",
    "--language",
    "language",
    default="en",
    show_default=True,
    type=click.Choice(["en", "zh"]),
    help="Language of what is written for people to read.",
)


REPORT = click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=ends_in(".html"),
    help="Also write a card for a council: .html, one file that needs no network.",
)

_RULES = (
    click.option(
        "--min-area-m2",
        type=click.FloatRange(0),
        metavar="M2",
        help="Smallest site.  [default: what the standard asks for one person]",
    ),
    click.option(
        "--max-slope",
        type=click.FloatRange(0),
        metavar="SHARE",
        help="Steepest mean slope of the streets at a site (0.05: 5 %).",
    ),
    click.option(
        "--min-ways-in",
        type=click.IntRange(0, 2),
        help="Ways into a site that share no street; 0: no rule.  [default: 1]",
    ),
    click.option(
        "--min-shelter-distance-m",
        type=click.FloatRange(0),
        metavar="M",
        help="Shortest walk from a site to a shelter that is used.",
    ),
    click.option(
        "--site-hazard-level",
        "rule_level",
        type=click.IntRange(1, WORST_LEVEL),
        help="Sites in zones of this level and above are out.  [default: --hazard-level]",
    ),
    click.option(
        "--exclude-kind",
        "excluded_kinds",
        multiple=True,
        metavar="KIND",
        help="A kind of site that is out, such as parking. Repeatable.",
    ),
)


def rule_options(command: Command) -> Command:
    """Add the flags that say which sites are suitable; they arrive as separate arguments."""
    for option in reversed(_RULES):
        command = option(command)
    return command


def rules_of(scenario: Scenario, given: dict[str, Any]) -> SuitabilityRules:
    """Take the rules out of the arguments of a command.

    Examples
    --------
    >>> from shelterplan.scenario import Scenario
    >>> given = {"min_ways_in": 2, "max_slope": None, "rule_level": None, "sites": 5}
    >>> rules = rules_of(Scenario(hazard_level=3), given)
    >>> rules.min_ways_in, rules.hazard_level, given
    (2, 3, {'sites': 5})
    """
    from shelterplan.siting.candidate_rules import SuitabilityRules

    names = ("min_area_m2", "max_slope", "min_ways_in", "min_shelter_distance_m", "excluded_kinds")
    said = {name: given.pop(name, None) for name in names}
    level = given.pop("rule_level", None) or scenario.hazard_level
    return SuitabilityRules(
        hazard_level=level, **{name: value for name, value in said.items() if value is not None}
    )
