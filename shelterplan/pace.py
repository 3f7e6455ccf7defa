"""Walking times: whole milliseconds for each street and direction, slopes and stairs included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shelterplan import kernels
from shelterplan.errors import NetworkError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.network import WalkNetwork
    from shelterplan.scenario import Scenario


@dataclass(frozen=True, eq=False)
class Pace:
    """How long a walk over each edge of one network takes."""

    forward_ms: NDArray[np.uint32]
    """From `edge_u` to `edge_v`, shape (m,) [ms]."""
    backward_ms: NDArray[np.uint32]
    """From `edge_v` to `edge_u`, shape (m,) [ms]."""
    ms_per_mm: float
    """Off the street, on the flat."""
    uniform: bool
    """Whether every walk takes its length divided by one speed."""

    @classmethod
    def of(cls, network: WalkNetwork, scenario: Scenario) -> Pace:
        """Return the walking times of a scenario's walker.

        A street takes its length divided by the walker's speed (on stairs, by that on stairs),
        times the factor of its slope in each direction, where its elevation is known.

        Raises
        ------
        NetworkError
            If an edge takes longer than 24 days.

        Examples
        --------
        >>> from shelterplan import Scenario, WalkNetwork
        >>> network = WalkNetwork.from_edges([0], [1], [127.0])
        >>> Pace.of(network, Scenario()).forward_ms.tolist()
        [100000]
        """
        mm = network.edge_mm.astype(np.float64)
        speed = np.full(len(mm), scenario.speed_m_s)
        streets = network.streets
        if streets is not None:
            speed[streets["steps"].to_numpy(bool)] = scenario.stairs_speed_m_s
        flat_ms = mm / speed
        ways = []
        for direction in ("forward", "backward"):
            factor = _factor(network, scenario, direction)
            ms = np.rint(flat_ms * factor)
            if (ms > kernels.MAX_COST).any():
                message = "a street takes longer than 24 days at this speed"
                raise NetworkError(message)
            ways.append(ms.astype(np.uint32))
        uniform = scenario.stairs_speed_m_s == scenario.speed_m_s
        return cls(
            forward_ms=ways[0],
            backward_ms=ways[1],
            ms_per_mm=1 / scenario.speed_m_s,
            uniform=uniform and not sloped(network, scenario),
        )

    def part_ms(
        self, edge: NDArray[np.int32], share: NDArray[np.float64], *, ahead: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Return the time over a share of each edge; `ahead`: walked towards `edge_v` [ms]."""
        whole = np.where(ahead, self.forward_ms[edge], self.backward_ms[edge])
        ms: NDArray[np.int64] = np.rint(whole * share).astype(np.int64)
        return ms

    def leg_ms(self, leg_mm: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the time of ways off the street [ms]."""
        ms: NDArray[np.int64] = np.rint(leg_mm * self.ms_per_mm).astype(np.int64)
        return ms


def sloped(network: WalkNetwork, scenario: Scenario) -> bool:
    """Say whether slopes are known and counted."""
    streets = network.streets
    return (
        streets is not None
        and scenario.slope != "none"
        and f"{scenario.slope}_forward" in streets.columns
    )


def _factor(
    network: WalkNetwork, scenario: Scenario, direction: str
) -> NDArray[np.float64] | float:
    """Return how many times as long as on the flat each edge takes; 1 where that is not known."""
    if network.streets is None or not sloped(network, scenario):
        return 1.0
    column = network.streets[f"{scenario.slope}_{direction}"]
    factor: NDArray[np.float64] = column.fillna(1.0).to_numpy(np.float64)
    return factor
