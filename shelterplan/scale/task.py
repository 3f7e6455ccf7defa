"""One task: a stage of the work on one tile, done in whatever process it is given to."""

from __future__ import annotations

import faulthandler
import gc
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from shelterplan.errors import ShelterplanError
from shelterplan.scale import record
from shelterplan.scale.code_version import code_version
from shelterplan.scale.grid import Tile
from shelterplan.scale.record import Where
from shelterplan.scale.store import Region

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import TextIO

    import pandas as pd


class RunError(ShelterplanError, RuntimeError):
    """A run over a region cannot go on."""


class Work(Protocol):
    """What is done with each tile: a module like `stages`."""

    STAGES: tuple[str, ...]
    """In the order in which they follow each other."""

    def needs(self, stage: str, region: Region, tile: Tile, parameters: Any) -> list[Tile]:  # noqa: ANN401
        """Return the tiles whose results of earlier stages a task reads, or depends on."""

    def inputs(
        self,
        stage: str,
        region: Region,
        tile: Tile,
        parameters: Any,  # noqa: ANN401
    ) -> list[tuple[str, str]]:
        """Return name and hash of each file of the region that a task reads."""

    def execute(
        self,
        stage: str,
        region: Region,
        tile: Tile,
        parameters: Any,  # noqa: ANN401
        run: Path,
    ) -> Mapping[str, pd.DataFrame]:
        """Return the tables that a task comes to."""

    def reduce(
        self,
        stage: str,
        tiles: Iterable[Tile],
        results: Callable[[Tile], Mapping[str, pd.DataFrame]],
    ) -> Mapping[str, pd.DataFrame]:
        """Return the tables that all tiles of a stage come to together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What all tasks of a run have in common; it can be sent to another process or machine."""

    region: str
    """Folder of the region."""
    region_sha256: str
    run: str
    """Folder that the results are written to."""
    parameters: str
    """As `stages.Parameters.as_text` gives them."""
    code: str
    """See `code_version.code_version`."""
    work: str
    """Name of a module like `stages`."""
    limit_s: float
    """Longest time that a task may take, after which its process ends itself [s]."""
    elsewhere: bool = False
    """Whether tasks run on other machines, whose code may be another."""


class Told(NamedTuple):
    """How a task went."""

    worked: bool
    """Whether there was anything to do."""
    error: str = ""
    """Why it failed; empty if it did not."""


def do(job: Job, stage: str, name: str) -> Told:
    """Do one task, unless it is done already, and tell how it went.

    Errors are told in words: not every exception can be sent from one process to another.
    """
    try:
        with _time_limit(job.limit_s):
            return Told(_do(job, stage, Tile.named(name)))
    except ShelterplanError as error:
        return Told(worked=True, error=str(error))
    except Exception as error:  # noqa: BLE001  (a tile that fails in any way is left out, by name)
        return Told(worked=True, error=f"{type(error).__name__}: {error}")


def _do(job: Job, stage: str, tile: Tile) -> bool:
    """Do one task; return whether there was anything to do."""
    if job.elsewhere:
        check_same(job)
    work, region, parameters = opened(job)
    run = Path(job.run)
    where = Where(run / stage, str(tile))
    key = key_of(job, stage, tile)
    if record.finished(where, key):
        return False
    record.write(where, key, work.execute(stage, region, tile, parameters, run))
    gc.collect()  # what this tile held is free before the next one is read
    return True


def opened(job: Job) -> tuple[Work, Region, Any]:
    """Return the work, the region and the parameters of a job; they are remembered."""
    return _opened(job.work, job.region, job.region_sha256, job.parameters)


@lru_cache(maxsize=4)
def _opened(name: str, folder: str, sha256: str, parameters: str) -> tuple[Work, Region, Any]:
    module: Any = import_module(name)
    region = Region.open(folder)
    if region.sha256 != sha256:
        message = f"the region {region.folder.name!r} has changed since the run began: run again"
        raise RunError(message)
    return module, region, module.Parameters.of_text(parameters)


def key_of(job: Job, stage: str, tile: Tile) -> str:
    """Return the key of a task: all that its result depends on."""
    work, region, parameters = opened(job)
    run = Path(job.run)
    inputs = list(work.inputs(stage, region, tile, parameters))
    near_by = {tile, *work.needs(stage, region, tile, parameters)}
    for before in work.STAGES[: work.STAGES.index(stage)]:
        inputs += record.files(Where(run, before))
        for other in near_by:
            near = Where(run / before, str(other))
            inputs += [(f"{before}/{file}", digest) for file, digest in record.files(near)]
    return record.key_of(stage, str(tile), inputs, job.parameters, job.code)


def check_same(job: Job) -> None:
    """Raise unless this process sees the same region, and runs the same code.

    Raises
    ------
    RunError
        If it does not.
    """
    if not Path(job.region).is_dir() or not Path(job.run).is_dir():
        message = (
            f"a worker does not see the folder {Path(job.region).name!r}: all machines must share "
            "one file system, under the same path"
        )
        raise RunError(message)
    if code_version(job.work) != job.code:
        message = (
            "a worker runs another version of shelterplan, or of a library on which results "
            "depend: install the same ones on all machines"
        )
        raise RunError(message)


_ENDS: Final[dict[object, float]] = {}
"""When each task of this process must be done, by the clock of `time.monotonic` [s]."""
_LOCK: Final = Lock()


@contextmanager
def _time_limit(limit_s: float) -> Iterator[None]:
    """End this process if what it does takes too long, even where Python cannot interrupt it."""
    token = object()
    with _LOCK:
        _ENDS[token] = time.monotonic() + limit_s
        _watch()
    try:
        yield
    finally:
        with _LOCK:
            del _ENDS[token]
            _watch()


def _watch() -> None:
    faulthandler.cancel_dump_traceback_later()
    if _ENDS:
        left_s = max(min(_ENDS.values()) - time.monotonic(), 0.001)
        faulthandler.dump_traceback_later(left_s, exit=True, file=_nowhere())


@cache
def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123  (as long as the process)
