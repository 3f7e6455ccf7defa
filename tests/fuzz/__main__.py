"""Fuzz every reader: ``python -m tests.fuzz [--seconds 300] [--reader NAME]``.

The time is shared out between the readers. What is found is kept under artefacts/fuzz with what is
wrong beside it, and the command ends with 1. An input that was mended belongs into
tests/fuzz/found, where tests/test_found.py reads it from then on.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
HANG_S = 90.0
"""An input that takes longer ends its process: ten seconds of work on a busy machine [s]."""
START_S = 400.0
"""Longest start of a process [s]."""
COVERAGE = re.compile(r"cov: (\d+) ft: (\d+)")


@dataclass
class Result:
    """What came of one reader."""

    reader: str
    read: int = 0
    refused: int = 0
    cpu_s: float = 0.0
    coverage: int = 0
    starts: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def line(self):
        """The reader's line of the table."""
        tried = self.read + self.refused + len(self.findings)
        return (
            f"{self.reader:16}{tried:>11,}{self.read:>11,}{self.refused:>11,}"
            f"{self.coverage or '-':>10}{self.cpu_s:>9.0f}{len(self.findings):>10}"
        )


HEAD = (
    f"{'reader':16}{'tried':>11}{'read':>11}{'refused':>11}{'coverage':>10}{'CPU s':>9}"
    f"{'findings':>10}"
)


def fuzz(reader, seconds, *, seed, guided, kept):
    """Fuzz one reader for some seconds, over as many processes as inputs end."""
    result = Result(reader)
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        while (left := end - time.monotonic()) > 0 and result.starts < 20:
            result.starts += 1
            ended = _run(reader, folder, left, seed=seed + result.starts, guided=guided)
            _take_report(result, folder)
            if ended and _take_input(result, folder, ended, kept):
                continue
            break
        for path in folder.glob("found-*"):
            kept.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, kept / f"{reader}-{path.name.removeprefix('found-')}")
    return result


def _run(reader, folder, seconds, *, seed, guided):
    """Run one process; return how it ended if it did not by itself ("" if so)."""
    command = [sys.executable, "-m", "tests.fuzz.worker", reader, str(folder)]
    command += ["--seconds", str(seconds), "--seed", str(seed)] + ["--random"] * (not guided)
    environment = os.environ | TARGETS[reader].environment()
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT)}
    (folder / "report.json").unlink(missing_ok=True)
    for old in folder.glob("input*"):
        old.unlink()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        started = time.time()
        while process.poll() is None:
            time.sleep(0.25)
            running = any(folder.glob("input*"))
            since = folder.stat().st_mtime if running else started
            if time.time() - since > (HANG_S if running else START_S):
                process.kill()
                process.wait()
                return f"hangs: more than {HANG_S:g} s"
    if process.returncode > 0:
        return f"ends the process: {(folder / 'log').read_text('utf-8', 'replace')[-600:]}"
    return f"ends the process: {process.returncode}" if process.returncode else ""


def _take_report(result, folder):
    """Add what a process counted and found."""
    seen = COVERAGE.findall((folder / "log").read_text("utf-8", "replace"))
    result.coverage = max([result.coverage, *(int(cov) for cov, _ in seen)])
    path = folder / "report.json"
    if path.is_file():
        told = json.loads(path.read_text("utf-8"))
        result.read += told["counts"]["read"]
        result.refused += told["counts"]["refused"]
        result.cpu_s += told["cpu_s"]
        result.findings += [one for one in told["found"].values() if one not in result.findings]


def _take_input(result, folder, ended, kept):
    """Keep the input that ended a process; return whether there is one to go on after."""
    inputs = sorted(folder.glob("input*"))
    if not inputs:
        tail = (folder / "log").read_text("utf-8", "replace")[-800:]
        result.findings.append(f"the process did not start: {ended} {tail}")
        return False
    data = inputs[0].read_bytes()
    name = f"{result.reader}-{hashlib.sha256(data).hexdigest()[:10]}"
    kept.mkdir(parents=True, exist_ok=True)
    (kept / f"{name}{TARGETS[result.reader].suffix}").write_bytes(data)
    (kept / f"{name}.txt").write_text(ended + "\n", "utf-8")
    result.findings.append(f"{ended} ({name})")
    return True


def _say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main():
    """Fuzz readers and print a table; return 1 if anything was found."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    seconds = float(os.environ.get("FUZZ_SECONDS", "300"))
    options.add_argument("--seconds", type=float, default=seconds, help="for all readers together")
    options.add_argument("--reader", action="append", choices=sorted(TARGETS), help="repeatable")
    options.add_argument("--jobs", type=int, default=2, help="processes at a time")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--random", action="store_true", help="without atheris")
    options.add_argument("--kept", type=Path, default=ROOT / "artefacts" / "fuzz")
    chosen = options.parse_args()
    guided = not chosen.random and importlib.util.find_spec("atheris") is not None
    how = "guided by coverage (atheris)" if guided else "changed at random: atheris is not there"
    readers = chosen.reader or list(TARGETS)
    each = chosen.seconds * min(chosen.jobs, len(readers)) / len(readers)
    _say(f"{len(readers)} readers, {each:.0f} s each; inputs {how}")
    _say(HEAD)

    def run(reader):
        result = fuzz(reader, each, seed=chosen.seed, guided=guided, kept=chosen.kept)
        _say(result.line)
        return result

    with ThreadPoolExecutor(chosen.jobs) as pool:
        results = list(pool.map(run, readers))
    for result in results:
        for finding in result.findings:
            _say(f"{result.reader}: {finding}")
    return 1 if any(result.findings for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
