"""Times side by side: each line runs in turn with its baseline, and medians are compared."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Line:
    """One figure beside its baseline."""

    what: str
    ours: float
    """Seconds; in lines on memory, mebibytes."""
    baseline: str
    theirs: float
    bar: float | None = None
    """What the ratio has to reach, or to keep to; None where it is only told."""
    sense: Literal["faster", "cost"] = "faster"
    """`faster`: theirs / ours must reach the bar; `cost`: ours / theirs must not exceed it."""
    unit: Literal["s", "MiB"] = "s"
    note: str = ""

    @property
    def ratio(self) -> float:
        """How many times as fast, or as dear, as the baseline."""
        return self.theirs / self.ours if self.sense == "faster" else self.ours / self.theirs

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None where there is none."""
        if self.bar is None:
            return None
        return self.ratio >= self.bar if self.sense == "faster" else self.ratio <= self.bar

    def record(self) -> dict[str, object]:
        """Return everything, for JSON."""
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


def medians(*runs: Callable[[], object], times: int) -> list[float]:
    """Return the median seconds of each function; they take turns, after one unmeasured round.

    What earlier measurements left behind is set aside, so that Python's collector does not go
    through it again and again in the one that allocates more objects.
    """
    taken: list[list[float]] = [[] for _ in runs]
    for function in runs:
        function()
    gc.collect()
    gc.freeze()
    for _ in range(times):
        for function, seconds in zip(runs, taken, strict=True):
            start = time.perf_counter()
            function()
            seconds.append(time.perf_counter() - start)
    return [statistics.median(seconds) for seconds in taken]


def once(function: Callable[[], object]) -> float:
    """Return the seconds of one run, for baselines that take long."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def amount(value: float, unit: str) -> str:
    """Return a figure in words.

    Examples
    --------
    >>> amount(0.0036, "s"), amount(12.3, "s"), amount(612.4, "MiB"), amount(0.0000123, "s")
    ('3.6 ms', '12.3 s', '612 MiB', '12.3 us')
    """
    if unit == "MiB":
        return f"{value:.0f} MiB"
    scale, name = (1.0, "s") if value >= 1 else (1e-3, "ms") if value >= 1e-3 else (1e-6, "us")
    return f"{value / scale:.1f} {name}"


def table(lines: list[Line]) -> str:
    """Return the lines as a table in text."""
    rows = [("what", "ours", "baseline", "theirs", "ratio", "bar", "")]
    for line in lines:
        bound = {"faster": ">=", "cost": "<="}[line.sense]
        rows.append(
            (
                line.what,
                amount(line.ours, line.unit),
                line.baseline,
                amount(line.theirs, line.unit),
                f"{line.ratio:.1f}x",
                "" if line.bar is None else f"{bound} {line.bar:g}x",
                {None: "", True: "met", False: "MISSED"}[line.met],
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
