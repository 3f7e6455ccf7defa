"""The stages of a region, with faults: a run given ``work="tests.scale.striking"`` meets them.

A fault is a file `<kind>-<stage>-<tile>` in the folder that the environment variable
`SHELTERPLAN_TEST_FAULTS` names; it holds how often the fault is still to strike.
"""

import os
import signal
import time
from pathlib import Path

from shelterplan.scale import stages
from shelterplan.scale.stages import STAGES, Parameters, inputs, needs, reduce

__all__ = ["FAULTS", "STAGES", "Parameters", "execute", "inputs", "needs", "reduce"]

FAULTS = "SHELTERPLAN_TEST_FAULTS"


def execute(stage, region, tile, parameters, run):
    """Do a task, unless a fault strikes."""
    for kind in ("kill", "hang", "odd"):
        file = Path(os.environ[FAULTS]) / f"{kind}-{stage}-{tile}"
        left = int(file.read_text()) if file.is_file() else 0
        if not left:
            continue
        file.write_text(str(left - 1))
        if kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif kind == "hang":
            time.sleep(3600)
        else:
            raise ValueError("a fault")
    return stages.execute(stage, region, tile, parameters, run)
