"""Who does the tasks: processes on this machine, or the workers of a Dask cluster."""

from __future__ import annotations

import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from shelterplan.scale.task import Job, RunError, Told, check_same, do

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

WAIT_S = 30.0
"""How long a scheduler and its first worker are waited for [s]."""


class Crew(Protocol):
    """Somebody who does tasks."""

    @property
    def size(self) -> int:
        """How many tasks are done at once."""

    def start(self, job: Job, stage: str, tile: str) -> Future[Told]:
        """Have a task done."""

    def lost(self, error: BaseException) -> bool:
        """Say whether an error means that the process died which had the task."""

    def gone(self) -> bool:
        """Say whether nobody is there to do anything."""


@contextmanager
def crew(job: Job, *, workers: int | None, cluster: str | None) -> Iterator[Crew]:
    """Return who does the tasks of a job.

    Raises
    ------
    RunError
        If there is no such cluster, or its workers cannot do the job.
    """
    if cluster is not None:
        with _dask(cluster, job) as there:
            yield there
        return
    if workers == 0:
        yield Nobody()
        return
    here = Local(workers or cores(), job.work)
    try:
        yield here
    except BaseException:
        here.stop()
        raise
    finally:
        here.end()


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Nobody:
    """No process but this one: for a debugger, and for very small regions."""

    size = 1

    def start(self, job: Job, stage: str, tile: str) -> Future[Told]:
        """Do a task here and now."""
        future: Future[Told] = Future()
        future.set_result(do(job, stage, tile))
        return future

    def lost(self, error: BaseException) -> bool:
        """Say no: if this process dies, nobody is there to ask."""
        del error
        return False

    def gone(self) -> bool:
        """Say no."""
        return False


class Local:
    """Processes on this machine, which may die: then new ones take their place.

    Each of them ends itself when the one that started it is gone, however that went: it holds the
    reading end of a pipe whose writing end is only here.
    """

    def __init__(self, size: int, work: str) -> None:
        self.size = size
        self._context = _context(work)
        self._life, self._ours = self._context.Pipe(duplex=False)
        self._pool: ProcessPoolExecutor | None = None

    def start(self, job: Job, stage: str, tile: str) -> Future[Told]:
        """Have a task done by one of the processes."""
        try:
            return self._processes().submit(do, job, stage, tile)
        except BrokenProcessPool:
            self.end()
            return self._processes().submit(do, job, stage, tile)

    def lost(self, error: BaseException) -> bool:
        """Say whether a process died; the pool ends the others with it."""
        return isinstance(error, BrokenProcessPool)

    def gone(self) -> bool:
        """Say no: new processes are started when they are needed."""
        return False

    def stop(self) -> None:
        """End the processes in the middle of what they do."""
        self._ours.close()

    def end(self) -> None:
        """End the processes when they have done what they do."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _processes(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self.size,
                mp_context=self._context,
                initializer=_live_with,
                initargs=(self._life,),
            )
        return self._pool


def _context(work: str) -> BaseContext:
    """Return how processes are started: from one that has imported everything, where there is."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, work])
    return context


def _live_with(life: Connection) -> None:
    """End this process when the other end of a pipe is closed; Ctrl-C is left to the other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_after, args=(life,), daemon=True).start()


def _end_after(life: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        life.recv_bytes()
    os._exit(1)


class Cluster:
    """The workers of a Dask cluster, as an executor of Python's own kind."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401
        self._client = client
        self._threads = 1
        self._executor: concurrent.futures.Executor = client.get_executor(pure=False, retries=0)

    @property
    def size(self) -> int:
        """One task for each thread of the workers that are there now."""
        with contextlib.suppress(OSError, TimeoutError):  # a busy scheduler: as many as before
            self._threads = max(sum(self._client.nthreads().values()), 1)
        return self._threads

    def start(self, job: Job, stage: str, tile: str) -> Future[Told]:
        """Have a task done by one of the workers."""
        return self._executor.submit(do, job, stage, tile)

    def lost(self, error: BaseException) -> bool:
        """Say whether workers died with the task: Dask tries others before it gives up."""
        from distributed.scheduler import KilledWorker

        return isinstance(error, KilledWorker)

    def gone(self) -> bool:
        """Say whether no worker is there, or nobody answers: Dask would wait for ever."""
        try:
            return not self._client.nthreads()
        except (OSError, TimeoutError):
            return True


@contextmanager
def _dask(address: str, job: Job) -> Iterator[Cluster]:
    """Return the workers of a cluster, checked: the same code, the same files."""
    try:
        import distributed
    except ImportError as error:
        message = 'a cluster needs Dask: pip install "shelterplan[cluster]"'
        raise RunError(message) from error
    try:
        connect: Any = distributed.Client
        client = connect(address, timeout=WAIT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        message = f"no Dask scheduler answers at {address}: {error}"
        raise RunError(message) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=WAIT_S)
        except TimeoutError as error:
            message = f"the Dask scheduler at {address} has no workers"
            raise RunError(message) from error
        try:
            client.run(check_same, job)
        except ImportError as error:
            message = f"a worker of {address} cannot import shelterplan: {error}"
            raise RunError(message) from error
        yield Cluster(client)
