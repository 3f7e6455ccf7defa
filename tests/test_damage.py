"""Nothing that is saved is ever half: damage is named, and what was there before stays."""

import ast
import errno
import os
import re
import shutil
import stat
import threading
import time
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import shelterplan
from shelterplan import StudyArea, area_files, atomic
from shelterplan.area_files import MANIFEST
from shelterplan.cli import main
from shelterplan.cli.report import _write as write_report
from shelterplan.errors import AreaError
from shelterplan.sources import download
from tests.village import demand, shelters, village

NEWER = {"demand": demand([("west", 1, 10, 0)]), "shelters": shelters().iloc[:1]}


@pytest.fixture(scope="module")
def older():
    return village()


@pytest.fixture(scope="module")
def newer():
    return village(**NEWER)


@pytest.fixture(scope="module")
def saved(older, tmp_path_factory):
    """Return the files of a saved study area."""
    folder = tmp_path_factory.mktemp("saved") / "v"
    older.save(folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """Return a folder that a test may fill as often as it likes."""
    return tmp_path_factory.mktemp("room") / "v"


def fill(folder, files):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def names(files):
    return [MANIFEST, *sorted(name for name in files if name != MANIFEST)]


def refused(folder, name):
    with pytest.raises(AreaError) as error:
        StudyArea.open(folder)
    assert f"{folder.name}/{name}" in str(error.value)
    assert "uild the study area again" in str(error.value)


def flip(content, at, bit=0):
    return content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :]


DAMAGE = {
    "half": lambda content, _: content[: len(content) // 2],
    "one byte less": lambda content, _: content[:-1],
    "one byte more": lambda content, _: content + b"\n",
    "empty": lambda *_: b"",
    "first byte": lambda content, _: flip(content, 0),
    "middle byte": lambda content, _: flip(content, len(content) // 2),
    "last byte": lambda content, _: flip(content, -1 + len(content)),
    "zeros at the end": lambda content, _: content[:-512] + bytes(512),
    "another's": lambda _, other: other,
    "a page": lambda *_: b"<html>404</html>",
}


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("number", range(11))
def test_every_file_with_every_damage_is_named(saved, room, number, kind):
    name, other = (names(saved)[at % len(saved)] for at in (number, number + 1))
    damaged = DAMAGE[kind](saved[name], saved[other])
    assert damaged != saved[name]
    refused(fill(room, saved | {name: damaged}), name)


@pytest.mark.parametrize("number", range(1, 11))
def test_a_file_that_is_missing_or_a_folder_is_named(saved, room, number):
    assert len(saved) == 11
    name = names(saved)[number]
    fill(room, saved)
    (room / name).unlink()
    refused(room, name)
    (room / name).mkdir()
    refused(room, name)


def test_without_its_manifest_it_is_no_study_area(saved, room):
    fill(room, {name: content for name, content in saved.items() if name != MANIFEST})
    with pytest.raises(AreaError, match=r"it has no area\.toml"):
        StudyArea.open(room)


@given(st.data())
def test_no_bit_of_any_file_can_change(saved, room, data):
    name = data.draw(st.sampled_from(names(saved)))
    at = data.draw(st.integers(0, len(saved[name]) - 1))
    bit = data.draw(st.integers(0, 7))
    fill(room, saved | {name: flip(saved[name], at, bit)})
    refused(room, name)


def test_a_manifest_cut_anywhere_is_refused(saved, room):
    """Not every cut is one of the syntax: after a whole line, it is good TOML."""
    whole = saved[MANIFEST]
    cuts = {at for at in range(len(whole)) if whole[at - 1 : at] == b"\n"} | set(
        range(0, len(whole), 37)
    )
    good = 0
    for at in sorted(cuts):
        fill(room, {MANIFEST: whole[:at]})
        with pytest.raises(AreaError, match=MANIFEST):
            area_files.read(room)
        try:
            good += "tables" in tomllib.loads(whole[:at].decode(errors="replace"))
        except tomllib.TOMLDecodeError:
            continue
    assert good > 20


@pytest.mark.parametrize("start", [b"format = 1\n", b'format = 1\nname = "x"\n[tables]\n'])
def test_a_manifest_of_an_earlier_format_says_so(room, start):
    fill(room, {MANIFEST: start})
    with pytest.raises(AreaError, match=r"has format 1, not 2\. Build the study area again"):
        StudyArea.open(room)


def test_words_changed_by_hand_are_damage(saved, room):
    changed = saved[MANIFEST].replace(b'title = "Village"', b'title = "Willage"')
    refused(fill(room, saved | {MANIFEST: changed}), MANIFEST)


class FullDisk:
    """Lets a number of files be flushed to disk; then the disk is full."""

    def __init__(self, monkeypatch, left=0):
        self.left = left
        self.flush = os.fsync
        monkeypatch.setattr(os, "fsync", self)

    def __call__(self, handle):
        if stat.S_ISREG(os.fstat(handle).st_mode):
            if not self.left:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.left -= 1
        self.flush(handle)


@pytest.mark.parametrize("left", range(3))
def test_a_full_disk_leaves_the_earlier_version_and_says_so(
    saved, room, older, newer, monkeypatch, left
):
    fill(room, saved)
    FullDisk(monkeypatch, left)
    with pytest.raises(AreaError, match=r"saved in 'v': .*No space left.*before is unchanged"):
        newer.save(room)
    monkeypatch.undo()
    assert StudyArea.open(room).version == older.version
    assert {path.name for path in room.iterdir()} == set(saved)


@pytest.mark.parametrize("left", [0, 5, 10])
def test_a_full_disk_leaves_nothing_of_a_first_save(older, tmp_path, monkeypatch, left):
    FullDisk(monkeypatch, left)
    with pytest.raises(AreaError, match=r"No space left on device\. Nothing was left there"):
        older.save(tmp_path / "v")
    assert not (tmp_path / "v").exists()


def test_a_folder_that_cannot_be_made_is_a_sentence(older, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AreaError, match="cannot be saved in 'v'"):
        older.save(tmp_path / "file" / "v")


def test_everything_is_flushed_before_it_is_renamed_and_the_rename_after(
    older, tmp_path, monkeypatch
):
    done = []
    flush, rename = os.fsync, Path.replace

    def flushed(handle):
        done.append(("flush", Path(f"/proc/self/fd/{handle}").readlink().name))
        flush(handle)

    def renamed(path, target):
        done.append(("rename", path.name))
        return rename(path, target)

    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc to see which file is flushed")
    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "replace", renamed)
    older.save(tmp_path / "v", beside={"quarantine.csv": b"x"})
    renames = [at for at, (what, _) in enumerate(done) if what == "rename"]
    assert len(renames) == 12
    for at in renames:
        assert ("flush", done[at][1]) in done[:at]
        assert done[at + 1] == ("flush", "v")
    manifest = next(at for at in renames if done[at][1].startswith(f".{MANIFEST}"))
    assert manifest == renames[-2]
    assert done[0] == ("flush", tmp_path.name)


def test_two_savers_take_turns(older, newer, tmp_path, monkeypatch):
    """Otherwise the one that ends first drops the tables of the other."""
    older.save(tmp_path)
    put, pause, waits = area_files._put_in_place, time.sleep, threading.Event()
    other = threading.Thread(target=older.save, args=[tmp_path])

    def meanwhile(*arguments):
        monkeypatch.setattr(area_files, "_put_in_place", put)
        other.start()
        while other.is_alive() and not waits.is_set():
            other.join(0.01)
        put(*arguments)

    monkeypatch.setattr(area_files, "_put_in_place", meanwhile)
    monkeypatch.setattr(time, "sleep", lambda seconds: (waits.set(), pause(seconds)))
    newer.save(tmp_path)
    other.join()
    assert waits.is_set()
    assert StudyArea.open(tmp_path).version == older.version
    assert len(list(tmp_path.iterdir())) == 11


def test_readers_always_find_a_whole_version(older, newer, tmp_path):
    older.save(tmp_path)
    versions, faults = {older.version, newer.version}, []

    def save(area):
        try:
            for _ in range(4):
                area.save(tmp_path)
        except AreaError as error:
            faults.append(error)

    savers = [threading.Thread(target=save, args=[area]) for area in (older, newer)]
    for saver in savers:
        saver.start()
    while any(saver.is_alive() for saver in savers):
        assert StudyArea.open(tmp_path).version in versions
    assert not faults
    assert StudyArea.open(tmp_path).version in versions
    assert len(list(tmp_path.iterdir())) == 11


def test_a_table_that_goes_between_two_looks_is_no_traceback(saved, room, monkeypatch):
    fill(room, saved)
    read = Path.read_bytes

    def gone(path):
        if path.name.startswith("shelters"):
            path.unlink(missing_ok=True)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", gone)
    with pytest.raises(AreaError, match=r"v/shelters-.* is missing"):
        StudyArea.open(room)


def test_nobody_waits_for_ever(tmp_path):
    with (
        atomic.alone(tmp_path),
        pytest.raises(OSError, match="has been writing there"),
        atomic.alone(tmp_path, patience_s=0.05),
    ):
        pass
    with atomic.alone(tmp_path, patience_s=0):
        pass


def test_what_is_beside_is_never_there_with_another_version(older, newer, tmp_path, monkeypatch):
    older.save(tmp_path, beside={"list.csv": b"older"})
    earlier = (tmp_path / MANIFEST).read_bytes()
    rename, seen = Path.replace, []

    def now():
        version = "older" if (tmp_path / MANIFEST).read_bytes() == earlier else "newer"
        there = (tmp_path / "list.csv").exists()
        return version, (tmp_path / "list.csv").read_text() if there else "none"

    def look(path, target):
        seen.append(now())
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", look)
    newer.save(tmp_path, beside={"list.csv": b"newer"})
    seen.append(now())
    assert StudyArea.open(tmp_path).version == newer.version
    assert [one for one, next_one in pairwise([*seen, None]) if one != next_one] == [
        ("older", "older"),
        ("older", "none"),
        ("newer", "none"),
        ("newer", "newer"),
    ]


def test_drafts_of_the_killed_go_and_those_of_the_living_stay(tmp_path):
    killed = tmp_path / ".a.txt.0123abcd.tmp"
    other = tmp_path / ".b.txt.0123abcd.tmp"
    for path in (killed, other, tmp_path / ".a.txt.tmp", tmp_path / ".bashrc"):
        path.write_text("x")
    with atomic.draft(tmp_path / "a.txt", b"whole") as put:
        atomic.sweep(tmp_path, "a.txt")
        assert not killed.exists()
        assert other.exists()
        put()
    assert (tmp_path / "a.txt").read_bytes() == b"whole"
    atomic.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a.txt.tmp", ".bashrc", "a.txt"]


def test_an_earlier_folder_is_put_back_when_the_swap_was_killed(tmp_path):
    (tmp_path / ".r.csv.0123abcd.old").mkdir()
    (tmp_path / ".r.csv.0123abcd.old" / "a.csv").write_text("earlier")
    (tmp_path / ".r.csv.4567abcd.tmp").mkdir()
    atomic.sweep(tmp_path, "r.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["r.csv"]
    atomic.write_folder(tmp_path / "r.csv", {"a.csv": b"later", "b.csv": b"more"})
    assert [path.name for path in tmp_path.iterdir()] == ["r.csv"]
    assert (tmp_path / "r.csv" / "a.csv").read_text() == "later"


def test_long_names_and_names_of_devices(tmp_path):
    long = tmp_path / ("东" * 80 + ".csv")
    atomic.write_whole(long, b"1")
    assert [path.name for path in tmp_path.iterdir()] == [long.name]
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a device or a pipe"):
        atomic.write_whole(tmp_path / "pipe", b"1")
    with pytest.raises(OSError, match="directory"):
        atomic.write_whole(tmp_path, b"1")


@pytest.mark.parametrize("name", ["r.html", "r.csv"])
@pytest.mark.parametrize("before", [True, False])
def test_a_report_that_does_not_fit_leaves_the_earlier_one(tmp_path, monkeypatch, name, before):
    """A file, and a folder of files."""
    content = {"a.csv": b"1", "b.csv": b"2"} if name == "r.csv" else b"1"
    if before:
        write_report(tmp_path / name, content)
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    later = {"a.csv": b"3", "b.csv": b"4"} if name == "r.csv" else b"3"
    FullDisk(monkeypatch, 1 if name == "r.csv" else 0)
    with pytest.raises(OSError, match=f"{name}.* cannot be written: No space left"):
        write_report(tmp_path / name, later)
    monkeypatch.undo()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files
    assert bool(list(tmp_path.iterdir())) is before
    write_report(tmp_path / name, later)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_is_a_sentence_on_the_command_line(saved, room, monkeypatch, tmp_path):
    fill(room, saved)
    out = tmp_path / "c.csv"
    out.write_text("earlier")
    assert CliRunner().invoke(main, ["coverage", str(room)]).exit_code == 0  # kernels are kept, too
    FullDisk(monkeypatch)
    found = CliRunner().invoke(main, ["coverage", str(room), "--out", str(out)])
    assert found.exit_code == 1
    assert f"Error: {out} cannot be written: No space left on device" in found.output
    assert out.read_text() == "earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["c.csv"]


def test_a_full_disk_costs_the_cache_nothing_but_a_word(tmp_path, monkeypatch, caplog):
    FullDisk(monkeypatch)
    download._to_cache(tmp_path / "a.json", b"{}")
    assert "could not be kept" in caplog.text
    assert not list(tmp_path.iterdir())


def test_a_first_build_that_was_killed_can_be_repeated(saved, room):
    tables = [name for name in names(saved) if name != MANIFEST]
    fill(room, {name: saved[name] for name in tables[:4]} | {".area.toml.0123abcd.tmp": b"half"})
    known = ("communities", "candidates", "demand", "dropped", "entrances", "hazards")
    assert area_files.is_unfinished(room, known)
    (room / "thesis.docx").write_text("mine")
    assert not area_files.is_unfinished(room, known)


TEMPORARY = {
    "app/assets.py": "packed streets, in a folder of this process alone",
    "app/proposals_list.py": "an upload, in a temporary folder",
    "cli/__init__.py": "to nowhere",
    "sources/raster_child.py": "what a child hands to its parent, in a temporary folder",
    "sources/vector.py": "what is unpacked, in a temporary folder",
    "sources/vector_child.py": "what a child hands to its parent, in a temporary folder",
}
"""Modules that write files of which nobody sees half, and why."""


def test_nothing_else_in_the_package_writes_files():
    """Regions have rules and tests of their own."""
    package = Path(shelterplan.__file__).parent
    found = set()
    for path in sorted(set(package.rglob("*.py")) - set(package.glob("scale/*.py"))):
        text = path.read_text("utf-8")
        if not re.search(r"open\(|write_|to_file", text):
            continue
        for call in ast.walk(ast.parse(text)):
            if isinstance(call, ast.Call) and writes(call):
                found.add(path.relative_to(package).as_posix())
    assert found <= {"atomic.py", *TEMPORARY}


def writes(call):
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    modes = [str(one.value) for one in call.args if isinstance(one, ast.Constant)]
    opens = name == "open" and any(set(one) <= set("wxa+bt") for one in modes)
    return opens or name in {"write_bytes", "write_text", "to_file"}
