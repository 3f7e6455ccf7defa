"""Long work beside the page: one job a session, to be watched and stopped; results are shared.

A result that came about by itself is kept for everybody, under a key that holds all that it
depends on. What one person stopped stays with that person.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from shelterplan.errors import ShelterplanError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from shelterplan.progress import Progress

    Work = Callable[[Progress, Callable[[], bool]], Any]
    """Does the work: it tells its progress, and ends soon once `stop` says so."""

MOST_SHARED = 24
"""Results that are kept for everybody, the last ones used."""
MOST_OWN = 8
"""Stopped or failed results that are kept for one session."""
MOST_AT_ONCE = 2
"""Jobs that run at once in one process; others wait for their turn."""
LONGEST_WAIT_S = 120.0
"""How long somebody waits for a file while others are served [s]."""
GONE_S = 15.0
"""A session that has been away for so long is gone, and so is its job [s]."""
ASK_S = 0.5
"""How often it is asked whether a session is still there [s]."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job."""

    result: Any = None
    error: ShelterplanError | None = None
    """Why there is no result, in words; None with no result: the program failed."""
    stopped: bool = False
    """Whether somebody ended it before its time."""


class Shared:
    """Results of all sessions, and turns to work; safe between threads."""

    def __init__(self, most: int = MOST_SHARED, at_once: int = MOST_AT_ONCE) -> None:
        self.turns = threading.BoundedSemaphore(at_once)
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Outcome] = OrderedDict()

    def get(self, key: Hashable) -> Outcome | None:
        """Return the result of a key, None if there is none."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: Hashable, outcome: Outcome) -> None:
        """Keep a result; the one that was not used for longest goes."""
        with self._lock:
            self._kept[key] = outcome
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


@st.cache_resource(show_spinner=False)
def shared() -> Shared:
    """Return this process's shared results."""
    return Shared()


class BusyError(ShelterplanError):
    """So many others are being served that there is no turn in time."""


@contextmanager
def turn(longest_s: float = LONGEST_WAIT_S) -> Iterator[None]:
    """Wait for a turn to do heavy work here and now, a report or a card, so that taps stay quick.

    Raises
    ------
    BusyError
        If there is none in time.
    """
    turns = shared().turns
    if not turns.acquire(timeout=longest_s):
        raise BusyError("others are being served; please try again in a few minutes")
    try:
        yield
    finally:
        turns.release()


@dataclass(eq=False)
class Job:
    """One piece of work under way."""

    key: Hashable
    alive: Callable[[], bool]
    """Whether the session that wants it is still there."""
    begun: float = field(default_factory=time.monotonic)
    stage: str = ""
    """What is being done, as the library says it; empty: it waits for its turn."""
    share: float = 0.0
    """Share of the time that is used (0 to 1)."""
    outcome: Outcome | None = None
    thread: threading.Thread | None = None
    _wanted: threading.Event = field(default_factory=threading.Event)
    _asked: float = 0.0
    _seen: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> bool:
        """Whether it has come to an end."""
        return self.outcome is not None

    @property
    def seconds(self) -> float:
        """How long it has been there [s]."""
        return time.monotonic() - self.begun

    def stop(self) -> None:
        """Ask it to end with the best it has."""
        self._wanted.set()

    def stopped(self) -> bool:
        """Return whether it is to end: somebody said so, or nobody is there any more."""
        now = time.monotonic()
        if not self._wanted.is_set() and now - self._asked >= ASK_S:
            self._asked = now
            if self.alive():
                self._seen = now
            elif now - self._seen >= GONE_S:
                self._wanted.set()
        return self._wanted.is_set()

    def tell(self, stage: str, share: float) -> None:
        """Take note of the progress."""
        self.stage, self.share = stage, share

    def run(self, work: Work, common: Shared) -> None:
        """Do the work once it is its turn; keep for everybody what ended by itself."""
        while not common.turns.acquire(timeout=0.2):
            if self.stopped():
                self.outcome = Outcome(stopped=True)
                return
        try:
            outcome = self._worked(work)
        finally:
            common.turns.release()
        if outcome.result is not None and not outcome.stopped:
            common.keep(self.key, outcome)
        self.outcome = outcome

    def _worked(self, work: Work) -> Outcome:
        try:
            result = work(self.tell, self.stopped)
        except ShelterplanError as error:
            return Outcome(error=error, stopped=self._wanted.is_set())
        except Exception:
            log.exception("a job failed")
            return Outcome()
        return Outcome(result=result, stopped=self._wanted.is_set())


class Desk:
    """What one session has under way, and what it stopped."""

    def __init__(self, common: Shared, alive: Callable[[], bool]) -> None:
        self._common = common
        self._alive = alive
        self._own: OrderedDict[Hashable, Outcome] = OrderedDict()
        self.job: Job | None = None

    def begin(self, key: Hashable, work: Work) -> None:
        """Start a job, unless its result is there; one that was under way is stopped."""
        self.end()
        self._own.pop(key, None)
        if self._common.get(key) is not None:
            return
        job = Job(key, self._alive)
        job.thread = threading.Thread(
            target=job.run, args=(work, self._common), name="shelterplan-job", daemon=True
        )
        self.job = job
        job.thread.start()

    def end(self) -> None:
        """Stop what is under way and forget it."""
        if self.job is not None:
            self.job.stop()
            self.job = None

    def running(self, key: Hashable) -> Job | None:
        """Return the job of a key if it is under way."""
        self._collect()
        return self.job if self.job is not None and self.job.key == key else None

    def outcome(self, key: Hashable) -> Outcome | None:
        """Return what came of a key: this session's own, or what is shared; None if nothing."""
        self._collect()
        return self._own.get(key) or self._common.get(key)

    def _collect(self) -> None:
        """Put away a job that has ended."""
        if self.job is None or self.job.outcome is None:
            return
        if self._common.get(self.job.key) is not self.job.outcome:
            self._own[self.job.key] = self.job.outcome
            while len(self._own) > MOST_OWN:
                self._own.popitem(last=False)
        self.job = None


def desk() -> Desk:
    """Return this session's desk."""
    if "desk" not in st.session_state:
        st.session_state["desk"] = Desk(shared(), _here())
    found: Desk = st.session_state["desk"]
    return found


def _here() -> Callable[[], bool]:
    """Return what tells whether this session is still there; without a server it always is."""
    context = get_script_run_ctx()
    session = context.session_id if context else ""

    def alive() -> bool:
        return not runtime.exists() or runtime.get_instance().is_active_session(session)

    return alive
