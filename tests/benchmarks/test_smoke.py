"""The benchmarks run, and every engine gives the same values; times are for `make bench`."""

import json

from tests.benchmarks import __main__ as benchmarks
from tests.benchmarks.measure import Line, table


def test_benchmarks_run_and_agree(tmp_path, capsys):
    out = tmp_path / "artefacts" / "bench.json"
    benchmarks.main(
        [
            "--nodes",
            "2500",
            "--read-nodes",
            "400",
            "--room-points",
            "400",
            "--memory-nodes",
            "2500",
            "--resident-nodes",
            "400",
            "--siting-scale",
            "0.01",
            "--times",
            "1",
            "--out",
            str(out),
        ]
    )
    told = json.loads(out.read_text())
    assert len(told["lines"]) >= 13
    assert all(line["ours"] > 0 for line in told["lines"] if line["unit"] == "s")
    assert "nearest shelter of every node" in capsys.readouterr().out


def test_bars_are_read_the_right_way():
    common = {"what": "a", "baseline": "b", "ours": 2.0, "theirs": 6.0}
    assert Line(**common, bar=3).met
    assert not Line(**common, bar=3.1).met
    assert Line(**common, bar=0.34, sense="cost").met
    assert not Line(**common, bar=0.33, sense="cost").met
    assert Line(**common).met is None
    assert "MISSED" in table([Line(**common, bar=9)])
