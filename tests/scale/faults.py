"""Whether a run over a region survives what happens to processes and files: Monaco in small tiles.

After each fault, and a new start where one is needed, every file of the run must have the bytes of
a run that nothing befell.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from shelterplan import StudyArea
from shelterplan.scale import runner
from shelterplan.scale.reduce import total_of
from shelterplan.scale.stages import Parameters
from shelterplan.scenario import Scenario
from shelterplan.standards import AccessStandard
from tests.region_of import region_of
from tests.scale.striking import FAULTS

TILE_M = 700
WORK = "tests.scale.striking"
PARAMETERS = Parameters.of(Scenario(room="ignored"), AccessStandard())
MOST_S = 300.0
"""Nothing here may take longer [s]."""


def main(wanted: tuple[str, ...] = ()) -> int:
    """Try every fault, or those named; print how it went, and return how many were too much."""
    failed = 0
    with tempfile.TemporaryDirectory(prefix="shelterplan-faults-") as folder:
        world = World(Path(folder))
        for fault in (
            *(no_fault, killed_worker, killed_driver, damaged_results, hang, odd_once),
            *(deadly_tile, damaged_demand, damaged_streets, dask, dask_killed_worker),
        ):
            if wanted and fault.__name__ not in ("no_fault", *wanted):
                continue
            began = time.monotonic()
            try:
                told, ok = fault(world), True
            except Exception as error:  # noqa: BLE001  (one fault that is not survived is a finding)
                told, ok = f"FAILED: {type(error).__name__}: {error}", False
            seconds = round(time.monotonic() - began, 1)
            failed += not ok
            line = f"{'ok ' if ok else 'NOT'} {fault.__doc__:<58} {told} ({seconds} s)"
            print(line, flush=True)  # noqa: T201
    return failed


class World:
    """Monaco as a region, what a run makes of it, and where faults are laid."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.region = region_of(StudyArea.open("monaco"), folder / "region", TILE_M)
        self.faults = folder / "faults"
        self.faults.mkdir()
        os.environ[FAULTS] = str(self.faults)
        self.calm: dict[str, bytes] = {}
        self.tasks = len(self.region.tiles) * 3
        self.runs = 0

    def new_run(self) -> Path:
        """Return a new folder for a run."""
        self.runs += 1
        return self.folder / f"run{self.runs}"

    def go(self, run: Path, **options):
        """Do a run in this process."""
        options = {"workers": 2, "work": WORK} | options
        return runner.run(self.region.folder, run, PARAMETERS, **options)

    def lay(self, kind: str, stage: str, tile: object, times: int = 1) -> None:
        """Lay a fault."""
        (self.faults / f"{kind}-{stage}-{tile}").write_text(str(times))

    def busy(self):
        """Return the tiles with the most people's homes, the most first."""
        parts = [part for (table, _), part in self.region.parts.items() if table == "demand"]
        return [part.tile for part in sorted(parts, key=lambda part: -part.rows)]

    def check(self, run: Path) -> str:
        """Raise unless every file is as in the run that nothing befell."""
        found = contents(run)
        strange = sorted({*found, *self.calm} - {k for k in found if found[k] == self.calm.get(k)})
        assert not strange, f"other bytes: {strange[:5]}"
        return f"{len(found)} files the same"


def contents(run: Path) -> dict[str, bytes]:
    """Return every file of a run but the manifest, which tells the time."""
    return {
        path.relative_to(run).as_posix(): path.read_bytes()
        for path in run.rglob("*")
        if path.is_file() and path.name != runner.MANIFEST
    }


def no_fault(world):
    """nothing happens"""
    run = world.new_run()
    found = world.go(run)
    assert len(found.finished) == len(found.tiles)
    world.calm = contents(run)
    again = world.go(run)
    assert (again.done, again.skipped) == (0, world.tasks), "a second run did something"
    return f"{found.told}; {world.check(run)} after a second run"


def killed_worker(world):
    """a worker killed -9 in the middle of each stage"""
    run, killed = world.new_run(), 0
    driver = drive(world, run)
    for share in (0.15, 0.5, 0.85):
        wait_for(driver, run, share * world.tasks)
        workers = [pid for pid in descendants(driver.pid) if is_worker(pid)]
        if workers:
            os.kill(workers[0], signal.SIGKILL)
            killed += 1
    assert driver.wait(MOST_S) == 0, "the run failed"
    assert killed, "no worker was seen"
    return f"{killed} killed; {world.check(run)}"


def killed_driver(world):
    """the driver killed -9 in the middle, then started again"""
    run, done = world.new_run(), []
    for share in (0.1, 0.4, 0.7, 0.9):
        driver = drive(world, run)
        wait_for(driver, run, share * world.tasks)
        workers = descendants(driver.pid)
        driver.kill()
        driver.wait()
        until(lambda: not any(map(alive, workers)), "processes stayed behind")  # noqa: B023
        done.append(finished(run))
    found = world.go(run)
    assert found.skipped >= done[-1] - 2
    return f"killed after {done} of {world.tasks} tasks; {world.check(run)}"


def damaged_results(world):
    """finished results damaged: a byte flipped, a record cut"""
    run = world.new_run()
    world.go(run)
    one, two, three = world.busy()[:3]
    flip(run / "parts" / f"{one}.edges.parquet")
    flip(run / "walks" / f"{two}.walks.parquet")
    cut(run / "walks" / f"{three}.json")
    cut(run / "doors.leading.parquet")
    found = world.go(run)
    assert found.done == 3, f"{found.done} tasks were done again, not 3"
    return f"3 tasks done again; {world.check(run)}"


def hang(world):
    """a task that hangs is ended, and done again"""
    run = world.new_run()
    world.lay("hang", "walks", world.busy()[0])
    world.go(run, limit_s=20.0)
    return world.check(run)


def odd_once(world):
    """a task that raises is done again"""
    run = world.new_run()
    world.lay("odd", "doors", world.busy()[0], times=2)
    world.go(run)
    return world.check(run)


def deadly_tile(world):
    """a tile that kills its process each time is left out alone"""
    run, tile = world.new_run(), world.busy()[0]
    world.lay("kill", "walks", tile, times=99)
    found = world.go(run)
    assert found.quarantined["tile"].tolist() == [str(tile)]
    total = total_of(world.region, found, PARAMETERS)
    told = f"{found.told}, {total.total['not_computed_population']:,.0f} people not computed"
    assert total.total["population"] == StudyArea.open("monaco").demand["population"].sum()
    world.lay("kill", "walks", tile, times=0)
    world.go(run)
    return f"{told}; mended: {world.check(run)}"


def damaged_demand(world):
    """a region's file of people is damaged"""
    return _damaged(world, "demand", world.busy()[0], lost=1)


def damaged_streets(world):
    """a region's file of streets is damaged"""
    corner = next(tile for tile in world.region.tiles if ("streets", tile) in world.region.parts)
    return _damaged(world, "streets", corner, lost=None)


def _damaged(world, table, tile, *, lost):
    """Damage a file of the region, look at what is said of it, and mend it."""
    run = world.new_run()
    file = world.region.folder / world.region.parts[table, tile].file
    good = file.read_bytes()
    flip(file)
    try:
        found = world.go(run)
    finally:
        file.write_bytes(good)
    left_out = found.quarantined.drop_duplicates("tile")
    assert file.name in left_out.set_index("tile").loc[str(tile), "error"]
    assert len(found.finished) == len(found.tiles) - len(left_out)
    assert lost is None or len(left_out) == lost
    walks = {k: v for k, v in contents(run).items() if k.endswith(".walks.parquet")}
    assert len(walks) == len(found.finished)
    other = [name for name, content in walks.items() if content != world.calm[name]]
    assert not other, f"other tiles came out differently: {other[:5]}"
    world.go(run)
    return f"{found.told}; mended: {world.check(run)}"


def dask(world):
    """two Dask workers"""
    run = world.new_run()
    with cluster() as address:
        found = world.go(run, cluster=address)
    return f"{found.told}; {world.check(run)}"


def dask_killed_worker(world):
    """two Dask workers, one killed -9 in the middle, twice"""
    run = world.new_run()
    one, two = world.busy()[:2]
    world.lay("kill", "parts", one)
    world.lay("kill", "walks", two)
    with cluster() as address:
        found = world.go(run, cluster=address)
    left = [file.name for file in world.faults.glob("kill-*") if file.read_text() != "0"]
    assert not left, "nobody was killed"
    return f"{found.told}; {world.check(run)}"


def cluster():
    """Return two Dask workers on this machine, as a context that gives their address."""
    import contextlib

    import dask as settings
    import distributed

    patient = {
        "distributed.comm.timeouts.connect": "120s",
        "distributed.comm.timeouts.tcp": "120s",
        "distributed.scheduler.worker-ttl": None,
    }

    @contextlib.contextmanager
    def started():
        with settings.config.set(patient):
            here = distributed.LocalCluster(
                n_workers=2,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=":0",
                silence_logs=50,
            )
            try:
                yield here.scheduler_address
            except Exception as error:
                print(f"    {type(error).__name__}: {error}", flush=True)  # noqa: T201
                raise
            finally:
                with contextlib.suppress(TimeoutError):
                    here.close(timeout=60)

    return started()


def drive(world, run):
    """Start a run in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.scale.faults", str(world.region.folder), str(run)],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONWARNINGS": "ignore"},  # of what a killed process leaves behind
    )


def finished(run):
    """Return how many tasks are finished."""
    return sum(1 for _ in run.glob("*/*.json"))


def wait_for(driver, run, count):
    """Wait until so many tasks are finished, or the driver is."""
    until(lambda: finished(run) >= count or driver.poll() is not None, "nothing happens")


def until(holds, what):
    """Wait until something holds."""
    end = time.monotonic() + MOST_S
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def fields_of(pid):
    """Return what /proc says of a process: state, parent and so on; nothing if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def descendants(pid):
    """Return the processes that a process has started, and theirs."""
    parent = {}
    for folder in Path("/proc").glob("[0-9]*"):
        fields = fields_of(folder.name)
        if fields:
            parent[int(folder.name)] = int(fields[1])
    found = {pid}
    while more := {one for one, other in parent.items() if other in found} - found:
        found |= more
    return sorted(found - {pid})


def is_worker(pid):
    """Say whether a process does tasks: a worker is a child of the process that makes workers."""
    fields = fields_of(pid)
    command = Path(f"/proc/{fields[1]}/cmdline") if fields else None
    return bool(command and command.exists() and b"forkserver" in command.read_bytes())


def alive(pid):
    """Say whether a process is there."""
    fields = fields_of(pid)
    return bool(fields) and fields[0] not in "ZX"


def flip(path):
    """Flip one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def cut(path):
    """Cut a file off in the middle."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


if __name__ == "__main__":
    if "/" in sys.argv[-1]:  # the driver that is killed
        found = runner.run(Path(sys.argv[1]), Path(sys.argv[2]), PARAMETERS, workers=2, work=WORK)
        sys.exit(len(found.finished) < len(found.tiles))
    sys.exit(main(tuple(sys.argv[1:])) > 0)
