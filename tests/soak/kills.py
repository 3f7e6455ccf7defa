"""End every command that writes by kill -9, and look at what is left.

A warmed-up process forks a child for each run, which runs the command of the program itself. It is
killed at random moments, half of them while it writes (`--runs`), and then, without chance, at
every single change that it makes to its folder, half-written files included. After each kill every
output is the old one, the new one or absent, to the bit; then the command runs again and has to
give the same bytes as if nothing had happened.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import mmap
import os
import random
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.overpass_server import FaultyServer
from tests.soak.steps import Steps, kill_myself
from tests.soak.world import Job, Tree, jobs, put, states, tree, visible, write_inputs

PHASES = ("starting", "working", "writing", "done")
WHOLE_EVERY = 16
"""Of so many runs after a kill at a step, one begins anew; the others begin where writing does."""
SHOWN_FAULTS = 30
LONGEST_S = 120.0
"""A run that takes longer has failed."""


@dataclass
class Tally:
    """What was seen of one command."""

    job: str
    kills: Counter[str] = field(default_factory=Counter)
    """Kills by the phase in which they hit."""
    found: Counter[str] = field(default_factory=Counter)
    """Outputs after a kill by their state."""
    faults: list[str] = field(default_factory=list)

    def note(self, when: str, after: dict[str, str]) -> None:
        """Count what lies there after a kill."""
        self.kills[when] += 1
        self.found.update(after.values())
        self.faults += [
            f"{self.job}: {name} is damaged (killed: {when})"
            for name, state in after.items()
            if state == "damaged"
        ]


@dataclass(frozen=True)
class Trial:
    """A command, where it writes, and what is there before and after."""

    job: Job
    folder: Path
    old: Tree
    new: Tree
    work_s: float
    """How long it takes from its start to its first write [s]."""
    write_s: float
    """How long it writes [s]."""


def main(arguments: list[str]) -> int:
    """Kill, look, run again; return 1 on a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak kills", description=__doc__)
    parser.add_argument("--runs", type=int, default=210, help="kills at random moments, in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--only", metavar="WORD", action="append", help="commands with this in the name; repeatable"
    )
    given = parser.parse_args(arguments)
    warnings.filterwarnings("ignore", message=".*use of fork.*")
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        work = Path(name).resolve()
        os.environ["TMPDIR"] = tempfile.tempdir = str(work / "tmp")
        (work / "tmp").mkdir()
        endpoint, server = _serve()
        try:
            random_kills, every_step = _soak(work, endpoint, given)
        finally:
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)
    _print("killed at random moments", random_kills)
    _print("killed at every step of writing", every_step)
    faults = [fault for tally in (*random_kills, *every_step) for fault in tally.faults]
    for fault, times in Counter(faults).most_common(SHOWN_FAULTS):
        print(f"{fault}: {times} times")  # noqa: T201
    kills = sum(sum(tally.kills.values()) for tally in (*random_kills, *every_step))
    print(f"{kills} kills, {len(faults)} faults, {time.monotonic() - begin:.0f} s")  # noqa: T201
    return int(bool(faults))


def _serve() -> tuple[str, int]:
    """Start the server of streets in a process of its own; return its address and process id."""
    reader, writer = os.pipe()
    server = os.fork()
    if not server:
        _end_with_parent()
        with FaultyServer() as running:
            running.script, running.drip_s = ["trickle"] * 100_000, 0.0001
            os.write(writer, running.endpoint.encode())
            running.stopped.wait()
    address = os.read(reader, 200).decode()
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
    return address, server


def _soak(work: Path, endpoint: str, given: argparse.Namespace) -> tuple[list[Tally], list[Tally]]:
    write_inputs(work / "inputs")
    words = given.only or [""]
    wanted = [
        job for job in jobs(work / "inputs", endpoint) if any(word in job.name for word in words)
    ]
    trials = [_prepare(job, work / "out") for job in wanted]
    gc.freeze()
    chance = random.Random(given.seed)  # noqa: S311
    shares = _shares([trial.job.name for trial in trials], given.runs)
    at_random, every_step = [], []
    for number, trial in enumerate(trials, start=1):
        every_step.append(_at_every_step(trial))
        at_random.append(_at_random(trial, shares[trial.job.name], chance))
        sys.stderr.write(f"{number} of {len(trials)}: {trial.job.name}\n")
    return at_random, every_step


def _shares(names: list[str], runs: int) -> dict[str, int]:
    """Share the runs out: six tenths to `build`, three to the reports, the rest to the others."""
    kinds = {name: "report" if name.startswith("report") else name for name in names}
    weight = {name: {"build": 0.6, "report": 0.3 / 7}.get(kinds[name], 0.02) for name in names}
    return {name: -int(-runs * weight[name] // sum(weight.values())) for name in names}


def _prepare(job: Job, folder: Path) -> Trial:
    """Run a command undisturbed on both versions: this compiles everything, too."""
    trees = {}
    for version in ("old", "new"):
        put(folder, {})
        job.run(folder, version)
        trees[version] = tree(folder)
    first = 0.0

    def at_step(_: str) -> None:
        nonlocal first
        first = first or time.monotonic()

    def timed() -> None:
        Steps(folder, at_step).watch()
        begin = time.monotonic()
        job.run(folder, "new")
        told = [first - begin, time.monotonic() - first, tree(folder) == trees["new"]]
        folder.with_suffix(".json").write_text(json.dumps(told))

    put(folder, {})
    _reap(_fork(timed))
    work_s, write_s, same = json.loads(folder.with_suffix(".json").read_text())
    if not same:
        raise AssertionError(f"{job.name} does not give the same bytes twice")
    old = trees["old"] if job.has_old else {}
    return Trial(job, folder, old, trees["new"], work_s, write_s)


def _end_with_parent() -> None:
    """See to it that nothing of this goes on when the soak is stopped (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _fork(run: Callable[[], None]) -> int:
    """Run something in a child; its exit code says whether it went well."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        _end_with_parent()
        run()
        code = 0
    except BaseException as error:  # noqa: BLE001  (the child ends here, whatever it was)
        sys.stderr.write("".join(traceback.format_exception_only(error)))
    finally:
        os._exit(code)


def _reap(child: int) -> int:
    """Wait for a child; return its exit code, or minus the signal that ended it."""
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError("a run did not come to an end")


def _at_random(trial: Trial, runs: int, chance: random.Random) -> Tally:
    """Kill a command at random moments, every other one while it writes."""
    tally = Tally(trial.job.name)
    number = 0
    while sum(tally.kills.values()) < runs and number < 4 * runs + 20:
        number += 1
        before = trial.old if number % 4 < 2 else {}
        put(trial.folder, before)
        phase = _kill_once(trial, chance, writing=number % 2 == 0)
        if phase == "done":
            continue
        tally.note(phase, states(trial.folder, before, trial.new, opened=True))
        _judge(trial, tally, _fork(lambda: trial.job.run(trial.folder, "new")), phase)
    return tally


def _kill_once(trial: Trial, chance: random.Random, *, writing: bool) -> str:
    """Start the command and kill it; return the phase it was in."""
    told = mmap.mmap(-1, 1)

    def enter(phase: str) -> None:
        told[0] = max(told[0], PHASES.index(phase))

    def run() -> None:
        Steps(trial.folder, lambda _: enter("writing")).watch()
        enter("working")
        trial.job.run(trial.folder, "new")
        enter("done")

    child = _fork(run)
    if writing:
        end = time.monotonic() + LONGEST_S
        while told[0] < PHASES.index("writing") and time.monotonic() < end:
            time.sleep(0.0002)
        time.sleep(chance.uniform(0, trial.write_s))
    else:
        time.sleep(chance.uniform(0, trial.work_s + trial.write_s))
    os.kill(child, signal.SIGKILL)
    return "done" if _reap(child) == 0 else PHASES[told[0]]


def _judge(trial: Trial, tally: Tally, again: int, when: str) -> None:
    """Wait for the command that runs again on what the killed one has left."""
    if _reap(again):
        tally.faults.append(f"{tally.job}: the run after a kill failed (killed: {when})")
    elif tree(trial.folder) != trial.new:
        tally.faults.append(f"{tally.job}: the run after a kill differs (killed: {when})")


def _at_every_step(trial: Trial) -> Tally:
    """Kill a command at each change that it makes, from nothing and from the old version."""
    tally = Tally(trial.job.name)
    report = trial.folder.with_suffix(".jsonl")
    for before in [{}, trial.old] if trial.old else [{}]:
        report.unlink(missing_ok=True)
        trunk = _fork(_Branching(trial, before, report).run)
        if os.waitstatus_to_exitcode(os.waitpid(trunk, 0)[1]):
            tally.faults.append(f"{tally.job}: the run that is killed at every step failed")
            continue
        for line in report.read_text().splitlines():
            when, after, faults = json.loads(line)
            tally.note(when, after)
            tally.faults += faults
    return tally


class _Branching:
    """A run that stops at its first change and goes on as many children, one for each step."""

    def __init__(self, trial: Trial, before: Tree, report: Path) -> None:
        self.trial = trial
        self.before = before
        self.report = report
        self.target = 0
        """The step at which this process ends itself; 0 while it is the trunk."""
        self.step = 0
        self.resting = False

    def run(self) -> None:
        put(self.trial.folder, self.before)
        Steps(self.trial.folder, self.at_step).watch()
        self.trial.job.run(self.trial.folder, "new")

    def at_step(self, what: str) -> None:
        if self.resting:
            return
        if not self.target:
            self.resting = True
            self.branch()
            self.resting = False
        self.step += 1
        if self.step == self.target:
            self.report.with_suffix(".what").write_text(what)
            kill_myself()

    def branch(self) -> None:
        """Fork a child for each step, and one that writes again after it; return there only."""
        lines = []
        for target in range(1, sys.maxsize):
            put(self.trial.folder, self.before)
            child = self.split(target)
            if not child:
                return
            code = _reap(child)
            if code == 0:
                break
            tally = Tally(self.trial.job.name)
            when = self.report.with_suffix(".what").read_text() if code == -signal.SIGKILL else "?"
            after = states(self.trial.folder, self.before, self.trial.new)
            if target % WHOLE_EVERY:  # its draft's name was chosen before: that of the killed one
                put(self.trial.folder, visible(tree(self.trial.folder)))
            again = self.from_the_start() if target % WHOLE_EVERY == 0 else self.split(sys.maxsize)
            if not again:
                return
            _judge(self.trial, tally, again, when)
            lines.append(json.dumps([when, after, tally.faults]))
        self.report.write_text("".join(f"{line}\n" for line in lines))
        os._exit(0)

    def split(self, target: int) -> int:
        """Fork a child that goes on until it has come to its step."""
        child = os.fork()
        if not child:
            _end_with_parent()
            self.target = target
        return child

    def from_the_start(self) -> int:
        return _fork(lambda: self.trial.job.run(self.trial.folder, "new"))


def _print(title: str, tallies: list[Tally]) -> None:
    """Print what was seen as a table."""
    phases = sorted({phase for tally in tallies for phase in tally.kills})
    columns = ["command", "kills", *phases, "old", "new", "absent", "damaged", "faults"]
    rows = [
        [
            tally.job,
            sum(tally.kills.values()),
            *(tally.kills[phase] for phase in phases),
            *(tally.found[state] for state in ("old", "new", "absent", "damaged")),
            len(tally.faults),
        ]
        for tally in tallies
    ]
    total = ["all", *(sum(int(row[i]) for row in rows) for i in range(1, len(columns)))]
    widths = [max(len(str(row[i])) for row in [columns, *rows, total]) for i in range(len(columns))]
    print(f"\n{title}")  # noqa: T201
    for row in [columns, *rows, total]:
        cells = (
            str(cell).rjust(wide) if i else str(cell).ljust(wide)
            for i, (cell, wide) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join(cells))  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
