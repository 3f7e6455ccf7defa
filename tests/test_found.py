"""Hostile files that were found, and changed files: what comes of each is a table or a sentence.

Files in tests/fuzz/found are named by the reader that they were found for.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelterplan.errors import SourceError
from tests.fuzz import oracle
from tests.fuzz.targets import TARGETS
from tests.fuzz.worker import changed

FOUND = sorted((Path(__file__).parent / "fuzz" / "found").iterdir())
TEXTS = ("shelters-csv", "population-csv", "candidates-csv", "geojson", "osm-xml", "proposal")
TOML = ("scenario", "area-toml")
PACKED = ("shelters-xlsx", "osm-pbf", "area")


@cache
def seeds(reader):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a shapefile shortens the names of columns
        return TARGETS[reader].seeds()


def come_of(reader, data, folder):
    """Return what each way of reading a file makes of it."""
    path = folder / f"input{TARGETS[reader].suffix}"
    path.write_bytes(data)
    return [oracle.judge(*way, path) for way in TARGETS[reader].reads]


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_what_was_found_is_mended(path, tmp_path):
    reader = next(name for name in sorted(TARGETS, key=len)[::-1] if path.name.startswith(name))
    outcomes = come_of(reader, path.read_bytes(), tmp_path)
    assert [said for kind, said in outcomes if kind == "finding"] == []


@pytest.mark.parametrize("reader", TARGETS)
def test_every_reader_starts_from_files_that_it_reads(reader, tmp_path):
    data = seeds(reader)[0]
    outcomes = come_of(reader, data, tmp_path)
    assert "read" in {kind for kind, _ in outcomes}
    assert [said for kind, said in outcomes if kind == "finding"] == []


@pytest.mark.parametrize("reader", ["shapefile", "gpkg", "parquet"])
def test_where_a_reader_has_one_driver_alone_its_files_to_start_from_can_be_written(reader):
    code = f"from tests.fuzz.targets import TARGETS; print(len(TARGETS[{reader!r}].seeds()))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=Path(__file__).parents[1],
        env=os.environ | TARGETS[reader].environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() in ("2", "4"), done.stderr[-300:]


@pytest.mark.parametrize("reader", [*TEXTS, *TOML, *PACKED])
def test_changed_files_are_read_or_refused_in_words(reader, tmp_path_factory):
    folder = tmp_path_factory.mktemp(reader)

    @settings(max_examples=10)
    @given(st.integers(0, 2**32), st.integers(0, 99))
    def holds(seed, number):
        start = seeds(reader)[number % len(seeds(reader))]
        data = changed(TARGETS[reader], start, random.Random(seed))  # noqa: S311
        path = folder / f"input{TARGETS[reader].suffix}"
        path.write_bytes(data)
        kind, said = oracle.judge(*TARGETS[reader].chosen(data), path)
        assert kind != "finding", said

    holds()


def test_the_oracle_knows_what_is_wrong(tmp_path):
    path = tmp_path / "a.csv"

    def told(text):
        def read(_):
            raise SourceError(text)

        return oracle.judge(read, lambda _: None, path)

    assert told("a.csv is empty") == ("refused", "")
    assert told(f"{path} is empty")[0] == told("x" * 2_000)[0] == "finding"
    assert told("Traceback (most recent call last)")[0] == "finding"
    assert oracle.judge(lambda _: {}["a"], lambda _: None, path)[0] == "finding"
    good = "lat,lon,population\n43,7,1\n43.1,7,2\n"
    path.write_text(good)
    read, check = TARGETS["population-csv"].reads[0]
    assert oracle.judge(read, check, path) == ("read", "")

    def loses_a_row(file):
        found = read(file)
        return type(found)(found.table[:1], found.rows[:1], found.quarantine, found.remarks,
                           found.facts | {"rows_kept": 1})  # fmt: skip

    assert oracle.judge(loses_a_row, check, path)[1].endswith("a row is lost")
