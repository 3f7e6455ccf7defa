"""The stages of a region, with a note of what each task took.

A run given ``work="tests.scale.measured"`` does what it always does, and leaves a file beside the
results of each task. The halo can be made too small on purpose: a file `HALO` in the folder of the
run holds the share of what it must be. Then nothing beyond it is read at all: else the files, which
are read in groups of rows, would hold enough of what lies beyond it to hide that it is too small.
(Processes may have started before the run, so that no environment variable reaches them.)
"""

from __future__ import annotations

import json
import os
import time
from functools import partial
from pathlib import Path

import numpy as np

from shelterplan.scale import stages
from shelterplan.scale.grid import Box
from shelterplan.scale.stages import STAGES, Parameters, inputs, needs, reduce
from shelterplan.scale.store import Region
from tests.benchmarks.memory import peak_mib

__all__ = ["STAGES", "Parameters", "execute", "inputs", "needs", "reduce"]

HALO = "halo.txt"
_box_of, _near = stages.box_of, Region.near


def execute(stage, region, tile, parameters, run):
    """Do a task, and note its processor time and the peak memory of its process."""
    began = time.process_time()
    share = Path(run) / HALO
    if share.is_file():
        stages.box_of = partial(_narrow, float(share.read_text()))
        Region.near = _only_near
    try:
        found = stages.execute(stage, region, tile, parameters, run)
    finally:
        stages.box_of, Region.near = _box_of, _near
    took = {
        "stage": stage,
        "tile": str(tile),
        "cpu_s": time.process_time() - began,
        "mib": peak_mib(),
        "process": os.getpid(),
        "until_s": time.process_time(),
    }
    noted = Path(run) / "measured"
    noted.mkdir(exist_ok=True)
    (noted / f"{stage}-{tile}.json").write_text(json.dumps(took))
    return found


def _narrow(share, stage, region, tile, parameters):
    """Return a box with a share of its halo."""
    whole, own = np.array(_box_of(stage, region, tile, parameters)), np.array(region.grid.box(tile))
    return Box(*(own + share * (whole - own)).tolist())


def _only_near(region, table, box, **others):
    """Return the rows of a table whose box touches a box of the plane, and no others."""
    found = _near(region, table, box, **others)
    if found is None:
        return None
    low, left, high, right = found.geometry.to_crs(region.grid.crs).bounds.to_numpy().T
    touches = (low <= box.right) & (high >= box.left) & (left <= box.top) & (right >= box.bottom)
    return found[touches] if touches.any() else None
