"""A run over a region survives what happens to processes and files, and says what it lacks."""

import os
import signal
import subprocess
import sys
import threading
import time
import tomllib
from concurrent.futures import Future
from contextlib import ExitStack, nullcontext
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from shelterplan.errors import AreaError
from shelterplan.scale import record, runner
from shelterplan.scale.code_version import code_version, sources, versions
from shelterplan.scale.grid import Grid, Tile
from shelterplan.scale.record import Where
from shelterplan.scale.store import Region, finish, write_part
from shelterplan.scale.task import RunError, _time_limit
from tests.tiny_work import Parameters

PEOPLE = {Tile(370, 4843): 3, Tile(371, 4843): 5, Tile(372, 4843): 7, Tile(370, 4844): 11}


def people_at(tile, count):
    grid = Grid("EPSG:32632", 1000.0)
    back = grid.to_metric.transform(*(1000 * (one + 0.5) for one in tile), direction="INVERSE")
    return gpd.GeoDataFrame(
        {"community_id": ["a"] * 2, "population": [1.0, count - 1.0]},
        index=pd.Index([f"{tile}a", f"{tile}b"], name="demand_id"),
        geometry=[shapely.Point(back)] * 2,
        crs="EPSG:4326",
    )


@pytest.fixture
def world(tmp_path):
    """Return a region of four tiles, and parameters whose faults lie in a folder."""
    folder = tmp_path / "region"
    parts = [write_part(folder, "demand", tile, people_at(tile, n)) for tile, n in PEOPLE.items()]
    names = pd.DataFrame({"name": ["A"], "district": ["D"]}, pd.Index(["a"], name="community_id"))
    finish(folder, Grid("EPSG:32632", 1000.0), parts, names, title="Four tiles")
    (tmp_path / "faults").mkdir()
    return folder, Parameters(str(tmp_path / "faults"))


def fault(parameters, kind, stage, tile, times=99):
    (Path(parameters.faults) / f"{kind}-{stage}-{tile}").write_text(str(times))


def worked(parameters):
    """Return how often each task was begun."""
    return {
        file.name.removeprefix("worked-"): len(file.read_text())
        for file in Path(parameters.faults).glob("worked-*")
    }


def go(world, run=None, **options):
    region, parameters = world
    options = {"workers": 0, "work": "tests.tiny_work"} | options
    return runner.run(region, run, parameters, **options)


def contents(run):
    """Return every file of a run but the manifest, which tells the time."""
    return {
        path.relative_to(run).as_posix(): path.read_bytes()
        for path in sorted(run.rglob("*"))
        if path.is_file() and path.name != runner.MANIFEST
    }


def test_a_run_does_everything_once_and_then_nothing(world):
    seen = []
    found = go(world, progress=lambda stage, share: seen.append((stage, share)))
    assert found.run == runner.run_folder(Region.open(world[0]), world[1])
    assert (found.done, found.skipped, found.told) == (8, 0, "4 of 4 tiles")
    assert set(worked(world[1]).values()) == {1}
    assert record.read(Where(found.run, "count"))["total"]["people"].tolist() == [3, 5, 7, 11]
    share = record.read(Where(found.run / "share", "371_4843"))["share"].iloc[0]
    assert share["share"] == 5 / 26
    assert share["near"] == 3 + 5 + 7
    assert seen[0] == ("count", 0.0)
    assert seen[-1] == ("share", 1.0)
    assert [share for _, share in seen[: len(seen) // 2]] == sorted({s for _, s in seen[:6]})
    first = contents(found.run)
    again = go(world)
    assert (again.done, again.skipped, again.told) == (0, 8, "4 of 4 tiles")
    assert contents(found.run) == first
    assert set(worked(world[1]).values()) == {1}


def test_the_manifest_says_how_the_run_came_about(world):
    found = go(world)
    manifest = tomllib.loads((found.run / runner.MANIFEST).read_text("utf-8"))
    assert manifest["region"]["sha256"] == Region.open(world[0]).sha256
    assert manifest["parameters"] == world[1].as_text()
    assert manifest["code"] == code_version("tests.tiny_work")
    assert (manifest["tiles_done"], manifest["tiles_total"]) == (4, 4)
    assert manifest["last_time"]["tasks_done"] == 8
    assert "OpenStreetMap" in manifest["attribution"]


def test_other_parameters_are_another_run(world):
    region, parameters = world
    one = go(world)
    two = go((region, Parameters(parameters.faults, factor=2)))
    assert one.run != two.run
    assert two.done == 8
    # in one folder, the results of other parameters do not count
    three = go((region, Parameters(parameters.faults, factor=2)), one.run)
    assert three.done == 8
    assert contents(one.run) == contents(two.run)


@pytest.mark.parametrize("kind", ["odd", "bug"])
def test_what_fails_once_is_done_again(world, tmp_path, kind):
    calm = contents(go(world, tmp_path / "calm").run)
    fault(world[1], kind, "count", "371_4843", times=1)
    fault(world[1], kind, "share", "370_4843", times=2)
    found = go(world, tmp_path / "struck")
    assert found.told == "4 of 4 tiles"
    assert contents(found.run) == calm


def test_processes_that_die_or_hang_take_no_other_tile_along(world, tmp_path):
    calm = contents(go(world, tmp_path / "calm").run)
    fault(world[1], "kill", "count", "371_4843", times=1)
    fault(world[1], "hang", "count", "370_4843", times=1)
    fault(world[1], "kill", "share", "372_4843")
    found = go(world, workers=2, limit_s=15.0, retries=1)
    assert found.told == "3 of 4 tiles"
    rows = found.quarantined[["stage", "tile", "attempts"]].to_numpy().tolist()
    assert rows == [["share", "372_4843", 2]]
    assert "ran out of memory, or took longer than 15 s" in found.quarantined["error"][0]
    assert contents(found.run) == {
        name: content for name, content in calm.items() if not name.startswith("share/372_4843.")
    } | {"share.json": (found.run / "share.json").read_bytes()}


def test_tiles_that_depend_on_a_lost_one_are_left_out_by_name(world):
    fault(world[1], "odd", "count", "370_4843")
    found = go(world)
    assert found.told == "2 of 4 tiles"
    assert found.finished == (Tile(372, 4843), Tile(370, 4844))
    rows = found.quarantined.set_index(["stage", "tile"])
    assert rows.loc[("count", "370_4843"), "attempts"] == 3
    assert rows.loc[("count", "370_4843"), "error"] == "demand: 1 problem. row 1: odd"
    assert rows.loc[("share", "371_4843"), "error"] == "it depends on tile 370_4843"
    assert worked(world[1])["count-370_4843"] == 3
    assert "share-371_4843" not in worked(world[1])
    # mended, it is as if nothing had been
    fault(world[1], "odd", "count", "370_4843", times=0)
    mended = go(world)
    assert mended.told == "4 of 4 tiles"
    assert record.read(Where(mended.run, "count"))["total"]["people"].tolist() == [3, 5, 7, 11]


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("count/371_4843.people.parquet", lambda b: b[:40] + bytes([b[40] ^ 1]) + b[41:]),
        ("count/371_4843.json", lambda b: b[: len(b) // 2]),
        ("count/371_4843.json", lambda b: b.replace(b"371", b"372", 1)),
        ("count/371_4843.json", lambda b: b"[]"),
        ("count/371_4843.tile.parquet", lambda b: None),
        ("count.total.parquet", lambda b: b[:-9]),
        ("count.json", lambda b: b""),
        ("share/370_4844.json", lambda b: b + b"\xff"),
    ],
)
def test_a_damaged_result_is_made_again(world, name, spoil):
    found = go(world)
    good = contents(found.run)
    bad = spoil(good[name])
    (found.run / name).unlink() if bad is None else (found.run / name).write_bytes(bad)
    (found.run / "count" / ".371_4843.people.parquet.0000ffff.tmp").write_bytes(b"half")
    again = go(world)
    assert again.done == (0 if "/" not in name else 1)
    assert contents(found.run) == good


def test_a_damaged_file_of_the_region_is_named(world):
    region = Region.open(world[0])
    file = world[0] / region.parts["demand", Tile(372, 4843)].file
    file.write_bytes(file.read_bytes()[:-1])
    found = go(world, retries=1)
    assert found.told == "2 of 4 tiles"
    first = found.quarantined.iloc[0]
    assert first["error"].startswith(f"region/demand/{file.name} is damaged")


DRIVER = """
import sys
from tests.tiny_work import Parameters
from shelterplan.scale import runner
if __name__ == "__main__":
    runner.run(sys.argv[1], sys.argv[2], Parameters(sys.argv[3]), workers=2, work="tests.tiny_work")
"""


def children(pid):
    """Return the processes that a process has started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(holds, seconds=150):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
def test_a_killed_driver_leaves_no_process_and_nothing_half(world, tmp_path):
    calm = contents(go(world, tmp_path / "calm").run)
    (tmp_path / "drive.py").write_text(DRIVER)
    fault(world[1], "hang", "share", "370_4843", times=1)
    struck = tmp_path / "struck"
    for file in Path(world[1].faults).glob("worked-*"):
        file.unlink()
    driver = subprocess.Popen(
        [sys.executable, str(tmp_path / "drive.py"), str(world[0]), str(struck), world[1].faults],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )
    try:
        until(lambda: "share-370_4843" in worked(world[1]))
        with pytest.raises(RunError, match="another run is at work in 'struck'"):
            go(world, struck)
        theirs = children(driver.pid)
        assert len(theirs) >= 2
    finally:
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    until(lambda: not any(map(alive, theirs)))
    found = go(world, struck)
    assert found.told == "4 of 4 tiles"
    assert found.skipped >= 4
    assert contents(struck) == calm


def test_ctrl_c_ends_the_processes_at_once(world):
    def interrupted(stage, share):
        if share > 0:
            raise KeyboardInterrupt

    fault(world[1], "hang", "count", "370_4844")
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        go(world, workers=2, progress=interrupted)
    assert time.monotonic() - began < 50  # the task hangs for 60 s


def test_time_limits_of_threads_do_not_end_each_other_early():
    ended = threading.Event()

    def short():
        with _time_limit(30.0):
            ended.set()

    with _time_limit(0.5):
        thread = threading.Thread(target=short)
        thread.start()
        thread.join()
    assert ended.is_set()
    time.sleep(0.6)  # it would have struck by now


def test_a_result_is_read_back_or_refused(tmp_path):
    where = Where(tmp_path / "stage", "0_0")
    tables = {"a": pd.DataFrame({"x": [1, 2]}), "b": pd.DataFrame({"y": ["z"]})}
    record.write(where, "key", tables)
    assert record.finished(where, "key")
    assert not record.finished(where, "other")
    assert not record.finished(Where(tmp_path / "stage", "0_1"), "key")
    back = record.read(where)
    pd.testing.assert_frame_equal(back["a"], tables["a"])
    first = where.table("a").read_bytes()
    record.write(where, "key2", {"a": tables["a"]})
    assert where.table("a").read_bytes() == first
    assert not where.table("b").exists()
    where.table("a").write_bytes(first[:-1])
    with pytest.raises(AreaError, match=r"stage/0_0\.a\.parquet is missing or damaged"):
        record.read(where)
    record.drop(where)
    with pytest.raises(AreaError, match=r"stage/0_0\.json is missing"):
        record.files(where)


def test_the_code_version_is_that_of_all_that_tasks_import():
    code = "import shelterplan.scale.stages, shelterplan.scale.task, sys; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    loaded = {name for name in out.stdout.split() if name.startswith("shelterplan.")}
    counted = set(sources("shelterplan.scale.stages"))
    assert loaded <= counted
    assert {name.split(".")[1] for name in counted}.isdisjoint({"app", "cli", "views", "equity"})
    assert "tests.tiny_work" in sources("tests.tiny_work")
    assert {"numpy", "geos", "proj"} <= set(versions())


def test_a_cluster_that_is_not_there_is_told_in_a_sentence(world, monkeypatch):
    monkeypatch.setattr("shelterplan.scale.crew.WAIT_S", 0.3)
    with pytest.raises(RunError, match="no Dask scheduler answers at"):
        go(world, cluster="tcp://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(RunError, match=r'pip install "shelterplan\[cluster\]"'):
        go(world, cluster="tcp://127.0.0.1:9")


class _Deserted:
    """A cluster without workers."""

    size = 1

    def start(self, job, stage, tile):
        return Future()

    def gone(self):
        return True


def test_a_cluster_without_workers_is_not_waited_for_for_ever(world, monkeypatch):
    monkeypatch.setattr(runner, "crew", lambda job, **_: nullcontext(_Deserted()))
    monkeypatch.setattr(runner, "CHECK_S", 0.05)
    monkeypatch.setattr(runner, "ALONE_S", 0.2)
    with pytest.raises(RunError, match="the Dask cluster has had no worker for 0 s"):
        go(world)


@pytest.fixture(scope="module")
def dask():
    """Return the address of a Dask cluster of two workers on this machine."""
    distributed = pytest.importorskip("distributed")
    patient = {"distributed.comm.timeouts.connect": "120s", "distributed.comm.timeouts.tcp": "120s"}
    dask_config = pytest.importorskip("dask").config
    with dask_config.set(patient), ExitStack() as stack:
        try:
            cluster = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=2,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address=":0",
                    host="127.0.0.1",
                )
            )
        except (RuntimeError, TimeoutError) as error:
            pytest.skip(f"no Dask cluster could be started here: {error}")
        yield cluster.scheduler_address


def test_dask_workers_write_the_same_bytes_and_may_die(world, tmp_path, dask):
    calm = contents(go(world, tmp_path / "calm").run)
    fault(world[1], "kill", "count", "371_4843", times=1)
    fault(world[1], "odd", "share", "370_4843", times=1)
    found = go(world, tmp_path / "dask", cluster=dask)
    assert found.told == "4 of 4 tiles"
    assert contents(found.run) == calm


def test_a_dask_worker_that_is_not_the_same_is_refused(world, dask, monkeypatch):
    monkeypatch.setattr(runner, "code_version", lambda work: "another")
    with pytest.raises(RunError, match="runs another version of shelterplan"):
        go(world, cluster=dask)
