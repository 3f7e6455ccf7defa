"""The soak runs, in seconds: kill -9 at every step of one command, and at a few random moments."""

import subprocess
import sys

import pytest

from tests.soak.kills import Tally
from tests.soak.world import states


@pytest.mark.skipif(sys.platform != "linux", reason="forks, and looks into /proc")
def test_nothing_is_half_after_a_kill():
    command = [sys.executable, "-m", "tests.soak", "kills", "--only", "coverage", "--runs", "2"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "killed at every step" in found.stdout
    assert " 0 faults, " in found.stdout


def test_half_a_file_is_seen(tmp_path):
    old, new = {"r.csv": b"12"}, {"r.csv": b"1234"}
    for content, state in ((b"12", "old"), (b"1234", "new"), (b"123", "damaged"), (b"", "damaged")):
        (tmp_path / "r.csv").write_bytes(content)
        assert states(tmp_path, old, new) == {"r.csv": state}
    (tmp_path / "r.csv").rename(tmp_path / ".r.csv.0123abcd.tmp")
    assert states(tmp_path, old, new) == {"r.csv": "absent"}
    (tmp_path / "stray").write_text("x")
    tally = Tally("job")
    tally.note("writing", states(tmp_path, old, new))
    assert tally.faults == ["job: stray is damaged (killed: writing)"]


def test_a_study_area_beside_another_list_is_damaged(tmp_path):
    old = {"t/area.toml": b"old", "t/a-00000000.parquet": b"1", "t/quarantine.csv": b"old"}
    new = {"t/area.toml": b"new", "t/a-11111111.parquet": b"2", "t/quarantine.csv": b"new"}
    both = {**old, **new}
    cases = [
        (old, "old"),
        (new, "new"),
        ({**both, "t/area.toml": b"old", "t/quarantine.csv": b"old"}, "old"),
        (both, "new"),
        ({**both, "t/quarantine.csv": b"old"}, "damaged"),
        ({name: one for name, one in new.items() if "11111111" not in name}, "damaged"),
        ({name: one for name, one in new.items() if "quarantine" not in name}, "new"),
        ({name: one for name, one in old.items() if "toml" not in name}, "damaged"),
    ]
    for number, (files, state) in enumerate(cases):
        folder = tmp_path / str(number)
        (folder / "t").mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        assert states(folder, old, new) == {"t": state}, number
