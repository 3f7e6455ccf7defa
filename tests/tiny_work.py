"""Work so small that nothing but its faults takes time: tiles count their people and their letters.

A fault is a file in a folder, `<kind>-<stage>-<tile>`, that holds how often it is still to strike.
"""

import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from shelterplan.errors import TableError

STAGES = ("count", "share")


@dataclass(frozen=True)
class Parameters:
    faults: str
    factor: int = 1

    def as_text(self):
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def of_text(cls, text):
        return cls(**json.loads(text))


def struck(parameters, kind, stage, tile):
    """Say whether a fault strikes now, and count it."""
    file = Path(parameters.faults) / f"{kind}-{stage}-{tile}"
    left = int(file.read_text()) if file.is_file() else 0
    if left:
        file.write_text(str(left - 1))
    return left > 0


def needs(stage, region, tile, parameters):
    """The share of a tile depends on those left and right of it."""
    if stage == "count":
        return []
    return [near for near in region.tiles if near.row == tile.row and abs(near[0] - tile[0]) <= 1]


def inputs(stage, region, tile, parameters):
    part = region.parts["demand", tile]
    return [(part.file, part.sha256)]


def execute(stage, region, tile, parameters, run):
    with (Path(parameters.faults) / f"worked-{stage}-{tile}").open("a") as begun:
        begun.write("x")
    if struck(parameters, "kill", stage, tile):
        os.kill(os.getpid(), signal.SIGKILL)
    if struck(parameters, "hang", stage, tile):
        time.sleep(60)
    if struck(parameters, "odd", stage, tile):
        raise TableError("demand", ["row 1: odd"])  # cannot be unpickled
    if struck(parameters, "bug", stage, tile):
        raise ZeroDivisionError
    people = region.read("demand", tile)["population"].sum() * parameters.factor
    if stage == "count":
        return {
            "people": pd.DataFrame({"people": [people]}),
            "tile": pd.DataFrame({"t": [tile[0]]}),
        }
    total = pd.read_parquet(run / "count.total.parquet")["people"].sum()
    near = [
        pd.read_parquet(run / "count" / f"{one}.people.parquet")["people"].sum()
        for one in needs(stage, region, tile, parameters)
    ]
    return {"share": pd.DataFrame({"share": [people / total], "near": [sum(near)]})}


def reduce(stage, tiles, results):
    if stage == "share":
        return {}
    return {"total": pd.concat([results(tile)["people"] for tile in tiles], ignore_index=True)}
