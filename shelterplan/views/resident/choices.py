"""What residents can choose between on a map of their own: hazards and walkers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from shelterplan.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shelterplan.study_area import StudyArea

WALKERS: Final = ("adult", "elderly", "wheelchair")
"""Who can be chosen if nothing else is asked for."""
MOST_HAZARDS: Final = 7
"""Hazards on one map, if none are asked for: those whose zones cover the most ground."""


class Choices(NamedTuple):
    """The scenarios of a map, and the hazards for which there was no room."""

    scenarios: dict[str, Scenario]
    left_out: tuple[str, ...]


def choices(
    area: StudyArea, *, hazards: Sequence[str] = (), walkers: Sequence[str] = ()
) -> Choices:
    """Return an ordinary day and every hazard, each for every walker.

    Parameters
    ----------
    area : StudyArea
        The place.
    hazards : sequence of str
        Hazards beside the ordinary day; by default those with zones here, at most `MOST_HAZARDS`.
    walkers : sequence of str
        Names of `scenario.WALKERS`; by default adults, older people and wheelchair users.

    Raises
    ------
    ScenarioError
        If there is no such hazard or walker.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> found = choices(StudyArea.open("coquimbo"), walkers=["adult"])
    >>> list(found.scenarios), found.left_out
    (['none-adult', 'tsunami-adult'], ())
    """
    known = _by_ground(area)
    taken = list(dict.fromkeys(hazards)) or sorted(known[:MOST_HAZARDS])
    scenarios = {
        f"{hazard or 'none'}-{walker}": Scenario.of(hazard=hazard, walker=walker)
        for hazard in ["", *taken]
        for walker in dict.fromkeys(walkers or WALKERS)
    }
    return Choices(scenarios, () if hazards else tuple(sorted(known[MOST_HAZARDS:])))


def _by_ground(area: StudyArea) -> list[str]:
    """Return the hazards with zones here, those with the most ground first."""
    zones = area.hazards
    ground = zones.geometry.to_crs(area.crs).area.groupby(zones["hazard"]).sum()
    return [str(hazard) for hazard in ground.sort_values(ascending=False, kind="stable").index]
