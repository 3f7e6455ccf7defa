"""Runs over regions, with what they took, and whether two of them say the same."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from shelterplan.scale import record, runner
from shelterplan.scale.record import Where
from tests.scale.measured import HALO

if TYPE_CHECKING:
    from pathlib import Path

    from shelterplan.scale.runner import Outcome
    from shelterplan.scale.stages import Parameters

MEASURED = "tests.scale.measured"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run over a region, and what it took."""

    outcome: Outcome
    cpu_s: float
    """Processor time of all processes together, their start included [s]."""
    wall_s: float
    worker_mib: float
    """Most memory that a process with tasks held [MiB]."""
    by_stage: dict[str, float]
    """Processor time of the tasks of each stage [s]."""

    @property
    def walks(self) -> pd.DataFrame:
        """All walks, by demand point."""
        found = [
            record.read(Where(self.outcome.run / "walks", str(tile)))["walks"]
            for tile in self.outcome.finished
        ]
        return pd.concat(found).set_index("demand_id").sort_index()


def run(
    region: Path,
    folder: Path,
    parameters: Parameters,
    *,
    workers: int = 2,
    halo: float | None = None,
) -> Run:
    """Do every task of a region in processes of their own; `halo` is a share of what it must be.

    With a halo, nothing beyond it is read; without, it is what it must be, and groups of rows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if halo is not None:
        (folder / runner.LOCK).touch()
        (folder / HALO).write_text(str(halo))
    before, began = time.process_time(), time.monotonic()
    outcome = runner.run(region, folder, parameters, workers=workers, work=MEASURED)
    own_s, wall_s = time.process_time() - before, time.monotonic() - began
    if len(outcome.quarantined):
        message = f"tiles failed: {outcome.quarantined.to_dict('records')[:3]}"
        raise RuntimeError(message)
    noted = pd.DataFrame(
        [json.loads(file.read_text()) for file in sorted((folder / "measured").glob("*.json"))]
    )
    others = noted[noted["process"] != os.getpid()]
    return Run(
        outcome=outcome,
        cpu_s=own_s + float(others.groupby("process")["until_s"].max().sum()),
        wall_s=wall_s,
        worker_mib=float(noted["mib"].max()),
        by_stage={
            str(k): round(float(v), 1) for k, v in noted.groupby("stage")["cpu_s"].sum().items()
        },
    )


def differences(one: pd.DataFrame, other: pd.DataFrame) -> int:
    """Return how many rows differ in any bit, are missing, or are too many."""
    common = one.index.intersection(other.index)
    apart = len(one) + len(other) - 2 * len(common)
    if list(one.columns) != list(other.columns):
        return max(len(one), len(other))
    left, right = one.loc[common], other.loc[common]
    differs = np.zeros(len(common), bool)
    for name in one.columns:
        a, b = left[name], right[name]
        if a.dtype != b.dtype:
            return max(len(one), len(other))
        if pd.api.types.is_float_dtype(a.dtype):
            differs |= a.to_numpy(np.float64).view(np.int64) != b.to_numpy(np.float64).view(
                np.int64
            )
        else:
            differs |= ~((a == b) | (a.isna() & b.isna())).to_numpy(bool)
    return apart + int(differs.sum())
