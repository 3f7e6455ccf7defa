"""A run over a region: stage after stage, tile by tile, and it can be killed at any moment.

What is finished is not done again; what fails is tried again and then left out, by name. The tiles
that depend on one that was left out are left out, too: they could not be right.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pandas as pd
import tomli_w

from shelterplan.atomic import sweep, write_whole
from shelterplan.progress import Progress, silent
from shelterplan.scale import record
from shelterplan.scale.code_version import code_version, versions
from shelterplan.scale.crew import crew
from shelterplan.scale.grid import Tile
from shelterplan.scale.record import Where
from shelterplan.scale.store import Region
from shelterplan.scale.task import Job, RunError, opened
from shelterplan.study_area import ATTRIBUTION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from shelterplan.scale.crew import Crew
    from shelterplan.scale.task import Told, Work

WORK: Final = "shelterplan.scale.stages"
"""Module that says what is done with each tile."""
RETRIES: Final = 2
"""How often a task that failed is tried again."""
LIMIT_S: Final = 3600.0
"""Longest time for one task [s]."""
CHECK_S: Final = 5.0
"""How often it is looked whether anybody is there to do the tasks [s]."""
ALONE_S: Final = 300.0
"""How long a run waits for a cluster that has lost all its workers [s]."""
MANIFEST: Final = "run.toml"
LOCK: Final = ".lock"
QUARANTINE: Final = ("stage", "tile", "error", "attempts")
_LOST: Final = (
    "the process that worked on it ended: it was killed, ran out of memory, or took longer than "
    "{limit}"
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """How a run went."""

    code: str
    """See `code_version.code_version`."""
    run: Path
    """Folder with the results."""
    tiles: tuple[Tile, ...]
    """Every tile of the region, row by row."""
    finished: tuple[Tile, ...]
    """Tiles for which every stage is finished."""
    done: int
    """Tasks that were done now."""
    skipped: int
    """Tasks that were finished before."""
    quarantined: pd.DataFrame
    """Tasks that were left out: `stage`, `tile`, `error`, `attempts` (0: it depends on one that was
    left out)."""

    @property
    def told(self) -> str:
        """How many tiles are in the result.

        Examples
        --------
        >>> one, two = Tile(0, 0), Tile(1, 0)
        >>> Outcome(code="", run=Path("."), tiles=(one, two), finished=(one,), done=5, skipped=0,
        ...         quarantined=pd.DataFrame(columns=list(QUARANTINE))).told
        '1 of 2 tiles'
        """
        return f"{len(self.finished):,} of {len(self.tiles):,} tiles"


class _Failed(NamedTuple):
    stage: str
    tile: str
    error: str
    attempts: int


@dataclass(slots=True)
class _Attempt:
    """A task that is still to be done, and how often that went wrong."""

    tile: str
    failed: int = 0


def run_folder(region: Region, parameters: Any) -> Path:  # noqa: ANN401  (the work's own)
    """Return the folder within a region for a run with these parameters."""
    text = region.sha256 + parameters.as_text()
    return region.folder / "runs" / hashlib.sha256(text.encode()).hexdigest()[:16]


def run(
    region_folder: Path,
    folder: Path | None,
    parameters: Any,  # noqa: ANN401  (the work's own)
    *,
    workers: int | None = None,
    cluster: str | None = None,
    retries: int = RETRIES,
    limit_s: float = LIMIT_S,
    work: str = WORK,
    progress: Progress = silent,
) -> Outcome:
    """Do all stages on all tiles of a region, as far as they are not done yet.

    Parameters
    ----------
    region_folder : Path
        Folder of the region.
    folder : Path, optional
        Folder for the results; by default `run_folder`, within the region.
    parameters : stages.Parameters
        What is asked.
    workers : int, optional
        Processes on this machine; by default one for each core; 0: no other than this one.
    cluster : str, optional
        Address of a Dask scheduler, whose workers do the tasks instead. They must see the same
        files under the same path.
    retries : int
        How often a task that failed is tried again before it is left out.
    limit_s : float
        Longest time for one task; after it the process is ended [s].
    work : str
        Name of a module like `stages`.
    progress : callable
        Told the stage and the share of its tiles that are done.

    Returns
    -------
    Outcome
        What is finished, and what was left out and why.

    Raises
    ------
    AreaError
        If the region cannot be opened.
    RunError
        If another run works in the same folder, or there is no such cluster.
    """
    began = time.monotonic()
    region = Region.open(region_folder)
    target = run_folder(region, parameters) if folder is None else Path(folder)
    _refuse_foreign(target)
    target.mkdir(parents=True, exist_ok=True)
    job = Job(
        region=str(region.folder.resolve()),
        region_sha256=region.sha256,
        run=str(target.resolve()),
        parameters=parameters.as_text(),
        code=code_version(work),
        work=work,
        limit_s=limit_s,
        elsewhere=cluster is not None,
    )
    stages = opened(job)[0].STAGES
    with _locked(target), crew(job, workers=workers, cluster=cluster) as hands:
        _sweep(target, stages)
        found = _Run(job, hands, retries, progress).all_stages(region.tiles)
        _sweep(target, stages)
        manifest = _manifest(region, job, found, time.monotonic() - began)
        write_whole(target / MANIFEST, tomli_w.dumps(manifest).encode())
    return found


class _Run:
    """The state of a run in the process that drives it."""

    def __init__(self, job: Job, hands: Crew, retries: int, progress: Progress) -> None:
        self._job, self._hands, self._retries, self._progress = job, hands, retries, progress
        self._failed: list[_Failed] = []
        self._done = self._skipped = 0

    def all_stages(self, tiles: Sequence[Tile]) -> Outcome:
        """Do every stage, and bring its tiles together for the next one."""
        work: Work = opened(self._job)[0]
        for stage in work.STAGES:
            good = self._stage(stage, tiles)
            self._together(stage, good)
        left_out = {one.tile for one in self._failed}
        return Outcome(
            code=self._job.code,
            run=Path(self._job.run),
            tiles=tuple(tiles),
            finished=tuple(tile for tile in tiles if str(tile) not in left_out),
            done=self._done,
            skipped=self._skipped,
            quarantined=pd.DataFrame(self._failed, columns=list(QUARANTINE)).astype(
                {"stage": "str", "tile": "str", "error": "str", "attempts": "int64"}
            ),
        )

    def _stage(self, stage: str, tiles: Sequence[Tile]) -> list[Tile]:
        """Do one stage; return the tiles for which it is finished."""
        blocked = self._blocked(stage, tiles)
        before = len(self._failed)
        self._failed += blocked
        waiting = deque(_Attempt(str(tile)) for tile in tiles)
        for one in blocked:
            waiting.remove(_Attempt(one.tile))
        total, alone = max(len(waiting), 1), deque[_Attempt]()
        self._progress(stage, 0.0)
        self._work_off(stage, waiting, alone, total)
        self._work_off(stage, alone, alone, total)
        self._progress(stage, 1.0)
        left_out = {one.tile for one in self._failed[before:]}
        for name in left_out:
            record.drop(Where(Path(self._job.run) / stage, name))
        return [tile for tile in tiles if str(tile) not in left_out]

    def _blocked(self, stage: str, tiles: Sequence[Tile]) -> list[_Failed]:
        """Return the tiles that depend on one that was left out in an earlier stage."""
        bad = {one.tile for one in self._failed}
        if not bad:
            return []
        work, region, parameters = opened(self._job)
        found = []
        for tile in tiles:
            near = {str(tile), *map(str, work.needs(stage, region, tile, parameters))} & bad
            if near:
                names = ", ".join(sorted(near))
                found.append(_Failed(stage, str(tile), f"it depends on tile {names}", 0))
        return found

    def _work_off(
        self, stage: str, waiting: deque[_Attempt], alone: deque[_Attempt], total: int
    ) -> None:
        """Do the tasks of a queue.

        When a process dies, nobody can say which of the tasks in flight did it: all of them go into
        the queue `alone`, whose tasks are done one at a time, so that one that kills its process
        takes no other along.
        """
        running: dict[Future[Told], _Attempt] = {}
        while waiting or running:
            size = 1 if waiting is alone else self._hands.size
            while waiting and len(running) < size:
                attempt = waiting.popleft()
                running[self._hands.start(self._job, stage, attempt.tile)] = attempt
            for future in self._next(running):
                attempt = running.pop(future)
                error = self._error(future)
                if error == _LOST and waiting is not alone:
                    alone.append(attempt)
                elif error:
                    self._again(stage, attempt, error, waiting)
            left = len(waiting) + len(running) + (0 if waiting is alone else len(alone))
            self._progress(stage, min(1 - left / total, 0.999))

    def _next(self, running: Iterable[Future[Told]]) -> set[Future[Told]]:
        """Wait until some tasks are finished, but not for ever if nobody is there to do them.

        Raises
        ------
        RunError
            If the cluster has had no worker for a long time.
        """
        alone_since = time.monotonic()
        while True:
            done = wait(running, timeout=CHECK_S, return_when=FIRST_COMPLETED).done
            if done:
                return done
            if not self._hands.gone():
                alone_since = time.monotonic()
            elif time.monotonic() - alone_since > ALONE_S:
                message = (
                    f"the Dask cluster has had no worker for {ALONE_S:,.0f} s; what is finished is "
                    "kept: start workers, then the run again"
                )
                raise RunError(message)

    def _error(self, future: Future[Told]) -> str:
        """Return why a task failed, `_LOST` if its process died, empty if it did not fail."""
        try:
            told = future.result()
        except CancelledError as error:
            message = "the Dask scheduler is gone; what is finished is kept: start the run again"
            raise RunError(message) from error
        except Exception as error:
            if self._hands.lost(error):
                return _LOST
            raise
        if not told.error:
            self._done += told.worked
            self._skipped += not told.worked
        return told.error

    def _again(self, stage: str, attempt: _Attempt, error: str, waiting: deque[_Attempt]) -> None:
        """Put a task that failed back into its queue, or leave it out."""
        attempt.failed += 1
        if attempt.failed <= self._retries:
            waiting.append(attempt)
            return
        limit = f"{self._job.limit_s:,.0f} s"
        told = _LOST.format(limit=limit) if error == _LOST else error
        self._failed.append(_Failed(stage, attempt.tile, told, attempt.failed))

    def _together(self, stage: str, tiles: Sequence[Tile]) -> None:
        """Bring the tiles of a stage together, unless that is done already."""
        target = Path(self._job.run)
        read = {tile: Where(target / stage, str(tile)) for tile in tiles}
        inputs = [pair for one in read.values() for pair in record.files(one)]
        key = record.key_of(stage, "", inputs, self._job.parameters, self._job.code)
        if not record.finished(Where(target, stage), key):
            work = opened(self._job)[0]
            tables = work.reduce(stage, tiles, lambda tile: record.read(read[tile]))
            record.write(Where(target, stage), key, tables)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep a second run out of a folder; the lock ends with this process, however that ends.

    Raises
    ------
    RunError
        If another process works in the folder.
    """
    if sys.platform == "win32":
        yield  # two runs would only do the same work twice: results are put in place in one step
        return
    import fcntl

    with (folder / LOCK).open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            message = f"another run is at work in {folder.name!r}: wait for it, or end it"
            raise RunError(message) from error
        yield


def _refuse_foreign(folder: Path) -> None:
    """Raise if a folder holds what is no run's."""
    ours = any((folder / name).exists() for name in (MANIFEST, LOCK))
    if folder.is_dir() and any(folder.iterdir()) and not ours:
        message = f"{folder.name!r} has other files in it: give a new folder for the run"
        raise RunError(message)


def _sweep(folder: Path, stages: Iterable[str]) -> None:
    """Remove the files that a killed process had begun."""
    for one in (folder, *(folder / stage for stage in stages)):
        sweep(one)


def _manifest(region: Region, job: Job, found: Outcome, seconds: float) -> Mapping[str, Any]:
    """Return how a run came about."""
    return {
        "program": f"shelterplan {version('shelterplan')}",
        "region": {
            "title": region.title,
            "sha256": region.sha256,
            "crs": region.grid.crs_name,
            "tile_m": region.grid.tile_m,
            "notes": list(region.notes),
            "illustrative": list(region.illustrative),
        },
        "parameters": job.parameters,
        "code": job.code,
        "versions": versions(),
        "attribution": ATTRIBUTION,
        "tiles_total": len(found.tiles),
        "tiles_done": len(found.finished),
        "quarantined": found.quarantined.to_dict("records"),
        "last_time": {
            "cores": os.cpu_count() or 1,
            "tasks_done": found.done,
            "tasks_skipped": found.skipped,
            "seconds": round(seconds, 1),
        },
    }
