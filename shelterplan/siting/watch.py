"""How long a solver may take, whom it tells, and whether somebody has had enough."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from shelterplan.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Callable


def never() -> bool:
    """Never ask a solver to stop."""
    return False


class Watch:
    """A clock that a solver looks at between its steps.

    Parameters
    ----------
    time_limit_s : float
        How long the solver may take [s].
    progress : Progress
        Told the stage, with the best plan and the bound so far, and the share of the time used.
    stop : callable
        Asked now and then; once it says yes, the solver returns the best plan so far.
    """

    def __init__(
        self, time_limit_s: float, progress: Progress = silent, stop: Callable[[], bool] = never
    ) -> None:
        self.time_limit_s = time_limit_s
        self.progress = progress
        self._stop = stop
        self._start = perf_counter()
        self._stopped = False

    @property
    def seconds(self) -> float:
        """Time since the start [s]."""
        return perf_counter() - self._start

    @property
    def left_s(self) -> float:
        """Time that is left, at least 0; 0 once somebody has had enough [s]."""
        return 0.0 if self.stopped else max(0.0, self.time_limit_s - self.seconds)

    @property
    def stopped(self) -> bool:
        """Whether somebody has had enough."""
        self._stopped = self._stopped or self._stop()
        return self._stopped

    @property
    def over(self) -> bool:
        """Whether the solver must return what it has."""
        return self.left_s <= 0

    def part(self, share: float) -> Watch:
        """Return a watch over a share of the time that is left."""
        return Watch(self.left_s * share, self.progress, lambda: self.stopped)

    def tell(self, stage: str) -> None:
        """Tell what is being done."""
        self.progress(stage, min(1.0, self.seconds / max(self.time_limit_s, 1e-9)))
