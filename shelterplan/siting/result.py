"""What a location model found, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shelterplan.errors import ShelterplanError

if TYPE_CHECKING:
    from collections.abc import Iterable

Sense = Literal["most", "least"]
"""Whether a model wants as much or as little of its objective as possible."""
ROUNDING = 1e-6
"""Objective and bound that differ by no more than this share are the same: HiGHS calls a constraint
met when it is missed by as much."""


class SitingError(ShelterplanError, ValueError):
    """A location model, a candidate or a proposal cannot be used as given."""


class NoPlanError(SitingError):
    """No choice of sites meets what was asked for, or none was found in time; it says which."""


@dataclass(frozen=True, kw_only=True)
class SitingResult:
    """The sites that a location model chose.

    Examples
    --------
    >>> SitingResult.of([4, 2], 996.0, 1000.0, seconds=10.0, sense="most").status
    'gap 0.41 %'
    >>> SitingResult.of([4, 2], 1000.0, 1000.0, seconds=0.1, sense="most").status
    'optimal'
    """

    selected: tuple[int, ...]
    """Columns of the chosen sites, ascending, with those that were fixed."""
    objective: float
    """What they reach, worked out from the chosen sites alone, whatever the solver said."""
    bound: float
    """What no choice of sites can better; `inf` (or 0) if nothing is known."""
    gap: float
    """How far apart objective and bound are, as a share of the objective; 0 if optimal."""
    status: str
    """`optimal`, or how far the best plan can be from the chosen one: `gap 0.4 %`."""
    seconds: float
    """How long it took [s]."""

    @property
    def optimal(self) -> bool:
        """Whether it is proven that no choice of sites is better."""
        return self.status == "optimal"

    @classmethod
    def of(
        cls,
        selected: Iterable[int],
        objective: float,
        bound: float,
        *,
        seconds: float,
        sense: Sense,
        whole: bool = False,
    ) -> SitingResult:
        """Return a result with its gap and status.

        Parameters
        ----------
        selected : iterable of int
            Columns of the chosen sites.
        objective, bound : float
            See the attributes.
        seconds : float
            How long it took [s].
        sense : {"most", "least"}
            What the model wants.
        whole : bool
            Whether the objective can only be a whole number: then a bound that is less than 1 away
            proves it.
        """
        far = bound - objective if sense == "most" else objective - bound
        slack = max(ROUNDING * abs(objective), 1 - ROUNDING if whole else 0.0)
        proven = far <= slack
        bound = objective if proven else bound
        gap = 0.0 if proven else math.inf if objective == 0 else far / abs(objective)
        return cls(
            selected=tuple(sorted({int(site) for site in selected})),
            objective=float(objective),
            bound=float(bound),
            gap=float(gap),
            status="optimal" if proven else gap_in_words(gap),
            seconds=seconds,
        )


def gap_in_words(gap: float) -> str:
    """Say a gap in per cent, rounded up: what is not proven never looks as if it were.

    Examples
    --------
    >>> gap_in_words(0.0041), gap_in_words(0.0), gap_in_words(math.inf), gap_in_words(1.3e-6)
    ('gap 0.41 %', 'optimal', 'no bound', 'gap 0.00013 %')
    >>> gap_in_words(1.1842), gap_in_words(0.1), gap_in_words(1.0), gap_in_words(0.0101)
    ('gap 119 %', 'gap 10 %', 'gap 100 %', 'gap 1.1 %')
    """
    if gap <= 0:
        return "optimal"
    if not math.isfinite(gap):
        return "no bound"
    percent = gap * 100
    digits = max(1 - math.floor(math.log10(percent)), 0)
    rounded = math.ceil(percent * 10**digits - 1e-6) / 10**digits
    said = f"{rounded:.{digits}f}"
    return f"gap {said.rstrip('0').rstrip('.') if digits else said} %"
