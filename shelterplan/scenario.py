"""The assumptions of one analysis: who walks."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from shelterplan.errors import ShelterplanError, UnknownNameError
from shelterplan.standards import Certainty

Metres = TypeVar("Metres", float, "NDArray[np.float64]")


class ScenarioError(ShelterplanError, ValueError):
    """A scenario with an impossible value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Walker:
    """A kind of walker: how fast, and over what."""

    name: str
    """Short name, the key in `WALKERS`."""
    speed_m_s: float
    """Walking speed on the flat [m/s]."""
    steps: bool = True
    """Whether this walker can use steps."""
    wheelchair: bool = False
    """Whether ways and shelters that are marked as impassable for wheelchairs are left out."""
    certainty: Certainty = "own choice"
    """How sure we are of the speed."""
    source: str = ""
    """Where the speed comes from."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.speed_m_s) and self.speed_m_s > 0):
            message = f"speed_m_s must be a finite number > 0, got {self.speed_m_s!r}"
            raise ScenarioError(message)


WALKERS: dict[str, Walker] = {
    walker.name: walker
    for walker in (
        Walker(
            name="adult",
            speed_m_s=1.27,
            certainty="seen",
            source="Bohannon 1997: slowest group of comfortable adult walkers",
        ),
        Walker(
            name="elderly",
            speed_m_s=1.1,
            certainty="secondary",
            source="Japanese fire agency manual, quoted: elderly person alone",
        ),
        Walker(
            name="pushchair",
            speed_m_s=0.9,
            steps=False,
            certainty="secondary",
            source="Japanese fire agency manual, quoted: with a pushchair",
        ),
        Walker(
            name="wheelchair",
            speed_m_s=0.69,
            steps=False,
            wheelchair=True,
            certainty="background",
            source="Boyce: manual wheelchair",
        ),
    )
}
"""The named walkers, with their published speeds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """What is assumed of the walkers and of the way.

    Examples
    --------
    >>> round(Scenario.of(walker="elderly").walk_time_s(550.0), 3)
    500.0
    """

    walker: Walker = field(default_factory=lambda: WALKERS["adult"])
    """Who walks."""
    max_leg_m: float = 500.0
    """Longest way from a place to the nearest street; farther is `no_network` [m]."""
    island_slack_m: float = 50.0
    """How much farther a street may be that leads somewhere, to be preferred to one that
    does not [m]."""

    def __post_init__(self) -> None:
        for name in ("max_leg_m", "island_slack_m"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                message = f"{name} must be a finite number >= 0, got {value!r}"
                raise ScenarioError(message)

    @classmethod
    def of(cls, *, walker: str = "adult") -> Scenario:
        """Return the scenario of a named walker."""
        if walker not in WALKERS:
            raise UnknownNameError("walker", walker, list(WALKERS))
        return cls(walker=WALKERS[walker])

    def walk_time_s(self, distance_m: Metres) -> Metres:
        """Return the time of a walk on the flat [s]; arrays and `inf` pass through."""
        return distance_m / self.walker.speed_m_s

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, for a manifest."""
        return asdict(self)
