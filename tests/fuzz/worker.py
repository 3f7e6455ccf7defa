"""The process that tries inputs on one reader: ``python -m tests.fuzz.worker READER FOLDER``.

With atheris the code of the readers is instrumented, and inputs that reach new code are kept and
changed further; elsewhere inputs are changed at random. Either way the same changes are made, and
the same oracle judges. Every input stands in the folder before it is tried, so that one which ends
the process is known.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import sys
import tempfile
import time
import warnings
from pathlib import Path
from types import FunctionType

CODE = (
    "shelterplan.sources", "shelterplan.tables", "shelterplan.scenario", "shelterplan.standards",
    "shelterplan.siting.proposal", "shelterplan.area_files", "shelterplan.study_area",
)  # fmt: skip
"""What is instrumented; never the kernels, which numba compiles."""
MOST_FINDINGS = 12
"""Findings of different kinds that one process keeps."""
LARGEST = 1 << 20
SLOW_S = 10.0
"""Longest work on one small input [s of processor time]."""


class Trial:
    """Tries inputs on one reader, counts, and keeps what it finds."""

    def __init__(self, target, folder, guard, judge):
        self.target, self.folder, self.guard, self.judge = target, Path(folder), guard, judge
        self.counts = {"read": 0, "refused": 0, "finding": 0}
        self.found = {}
        self.told = time.monotonic()

    def one(self, data):
        """Try one input."""
        kind, said = self.outcome(data)
        self.counts[kind] += 1
        known = said.split(":")[0][:60]
        if kind == "finding" and known not in self.found and len(self.found) < MOST_FINDINGS:
            self.found[known] = said
            self._keep(data, said, known)
        if kind == "finding" or time.monotonic() - self.told > 1:
            self._tell()

    def outcome(self, data):
        """Return what comes of an input, and what is wrong with that."""
        path = self.folder / f"input{self.target.suffix}"
        path.write_bytes(data)
        os.utime(self.folder)
        started = time.process_time()
        self.guard.SEEN.clear()
        kind, said = self.judge(*self.target.chosen(data), path)
        if self.guard.SEEN:
            return "finding", f"did what it may not: {self.guard.SEEN[0]}"
        taken = time.process_time() - started
        if taken > SLOW_S:
            return "finding", f"slow: {taken:.0f} s"
        return kind, said

    def _keep(self, data, said, known):
        small = self._smaller(data, known)
        name = hashlib.sha256(small).hexdigest()[:10]
        (self.folder / f"found-{name}{self.target.suffix}").write_bytes(small)
        (self.folder / f"found-{name}.txt").write_text(said + "\n", "utf-8")

    def _smaller(self, data, known, tries=150, seconds=10.0):
        """Return a part of an input for which the same reader finds the same."""
        chosen, end = self.target.chosen(data), time.monotonic() + seconds
        piece = len(data) // 2
        path = self.folder / f"input{self.target.suffix}"
        while piece and tries > 0 and time.monotonic() < end:
            at = 0
            while at < len(data) and tries > 0:
                less = data[:at] + data[at + piece :]
                tries -= 1
                path.write_bytes(less)
                os.utime(self.folder)
                same = self.target.chosen(less) == chosen
                if same and self.judge(*chosen, path)[1].split(":")[0][:60] == known:
                    data = less
                else:
                    at += piece
            piece //= 2
        return data

    def _tell(self):
        self.told = time.monotonic()
        report = {"counts": self.counts, "found": self.found, "cpu_s": time.process_time()}
        (self.folder / "report.json").write_text(json.dumps(report), "utf-8")


def change_of(target):
    """Return the change of a target as atheris wants it; bytes of its own now and then."""
    import atheris

    whole = target.seeds()

    def change(data, most, seed):
        draw = random.Random(seed)  # noqa: S311
        if draw.random() < 0.1:
            return atheris.Mutate(data, most)
        if draw.random() < 0.4:
            data = draw.choice(whole)
        return changed(target, data, draw)[:most]

    return change


def changed(target, data, draw):
    """Change an input once, sometimes twice."""
    for _ in range(draw.choice((1, 1, 2))):
        try:
            data = target.change(data, draw)
        except Exception:  # noqa: BLE001  (what was changed before may be anything)
            data = data[: draw.randrange(len(data) + 1)]
    return data


def at_random(trial, corpus, seconds, seed):
    """Try changed inputs for some seconds; keep those that were read as a start for more."""
    draw = random.Random(seed)  # noqa: S311
    end = time.monotonic() + seconds
    known = [path.read_bytes() for path in sorted(corpus.iterdir())]
    for data in known:
        trial.one(data)
    while time.monotonic() < end:
        data = changed(trial.target, draw.choice(known), draw)[:LARGEST]
        before = trial.counts["read"]
        trial.one(data)
        if trial.counts["read"] > before and len(known) < 500 and draw.random() < 0.1:
            known.append(data)


def instrument(atheris):
    """Let the functions of the readers tell which of their lines ran.

    In place of atheris's hook on imports, which takes whole packages, kernels and all.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith(CODE):
            for thing in list(vars(module).values()):
                inside = vars(thing).values() if isinstance(thing, type) else [thing]
                for one in inside:
                    function = getattr(one, "__func__", getattr(one, "fget", one))
                    if isinstance(function, FunctionType) and function.__module__ == name:
                        atheris.instrument_func(function)


def main():
    """Fuzz one reader."""
    options = argparse.ArgumentParser()
    options.add_argument("reader")
    options.add_argument("folder", type=Path)
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--random", action="store_true")
    chosen = options.parse_args()
    warnings.simplefilter("ignore")
    tempfile.tempdir = str(chosen.folder / "temp")
    Path(tempfile.tempdir).mkdir(exist_ok=True)
    from tests.fuzz import guard, oracle, targets

    atheris = None
    if not chosen.random:
        import atheris

        instrument(atheris)
    import logging

    logging.disable()
    target = targets.TARGETS[chosen.reader]
    corpus = chosen.folder / "corpus"
    corpus.mkdir(exist_ok=True)
    if not any(corpus.iterdir()):
        for number, data in enumerate(target.seeds()):
            (corpus / f"seed{number}").write_bytes(data)
    guard.fork_readers()
    guard.limit_memory()
    guard.watch(chosen.folder)
    trial = Trial(target, chosen.folder, guard, oracle.judge)
    if atheris is None:
        at_random(trial, corpus, chosen.seconds, chosen.seed)
        trial._tell()
        return
    for path in sorted(corpus.iterdir()):
        trial.one(path.read_bytes())
    flags = [
        f"-max_total_time={max(int(chosen.seconds), 1)}", f"-seed={chosen.seed}",
        f"-max_len={LARGEST}", "-timeout=100000", "-rss_limit_mb=0", "-handle_segv=0",
        "-handle_abrt=0",
        f"-artifact_prefix={chosen.folder}/", "-detect_leaks=0", "-len_control=0", str(corpus),
    ]  # fmt: skip
    atheris.Setup(
        [sys.argv[0], *flags], trial.one, custom_mutator=change_of(target), internal_libfuzzer=True
    )
    try:
        atheris.Fuzz()
    finally:
        trial._tell()


if __name__ == "__main__":
    main()
