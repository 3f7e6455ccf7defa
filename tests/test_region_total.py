"""What a region's tiles come to together is what the undivided study area gives, to the person."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from shelterplan.cli.region_run import run as command
from shelterplan.coverage import STATUSES, examine, summary
from shelterplan.scale import runner
from shelterplan.scale.reduce import total_of
from shelterplan.scale.stages import Parameters
from shelterplan.scenario import Scenario
from shelterplan.standards import AccessStandard
from tests.region_of import region_of
from tests.village import random_village, village

FAR = Parameters.of(Scenario(room="ignored"), AccessStandard(), cutoff_m=2000.0)


@pytest.fixture
def region(tmp_path):
    """Return the village in tiles of 1 km."""
    return region_of(village(), tmp_path / "village", 1000)


def spoilt(region, table, tile):
    """Damage the file of a table in a tile, and give its name."""
    file = region.folder / region.parts[table, tile].file
    file.write_bytes(file.read_bytes()[:-1])
    return file.name


def tile_of(region, demand_id):
    (tile,) = (
        tile
        for table, tile in region.parts
        if table == "demand" and demand_id in region.read("demand", tile).index
    )
    return tile


def test_the_village_by_community(region):
    outcome = runner.run(region.folder, None, FAR, workers=0)
    found = total_of(region, outcome, FAR)
    assert found.communities.loc["west", ["population", "covered_population"]].tolist() == [150, 50]
    assert found.communities.loc["west", "too_far_population"] == 100
    assert found.communities["name"].tolist() == ["West End", "East End", "Île Dévote"]
    assert found.total["population"] == 200
    assert found.total["not_computed_population"] == 0
    assert found.uncounted_points == 0
    assert "INCOMPLETE" not in " ".join(found.notes)


@pytest.mark.parametrize("seed", [1, 2])
def test_sums_and_walks_are_those_of_the_undivided_area(seed, tmp_path):
    area = random_village(seed)
    region = region_of(area, tmp_path / "village", 400)
    found = total_of(region, runner.run(region.folder, None, FAR, workers=0), FAR)
    walks = examine(area, FAR.scenario, FAR.standard).people
    whole = summary(walks, walks["community_id"]).reindex(found.communities.index)
    for status in STATUSES:
        name = f"{status}_population"
        assert found.communities[name].tolist() == whole[name].fillna(0).tolist()
    assert found.communities["coverage_share"].tolist() == pytest.approx(
        whole["coverage_share"].tolist(), nan_ok=True
    )
    metres = np.repeat(walks["distance_m"], walks["population"].astype(int)).sort_values()
    if len(metres):
        half = metres.iloc[int(np.ceil(len(metres) / 2)) - 1]
        expected = np.ceil(half) if half <= FAR.cutoff_m else np.nan
        assert found.total["median_distance_m"] == pytest.approx(expected, nan_ok=True)


def test_people_of_a_tile_that_was_left_out_are_not_computed(region):
    # the island is alone in its tiles: its demand is whole, its streets are not
    lost = tile_of(region, "d4")
    (there,) = (t for name, t in region.parts if name == "streets" and abs(t.row - lost.row) <= 1)
    name = spoilt(region, "streets", there)
    outcome = runner.run(region.folder, None, FAR, workers=0, retries=0)
    found = total_of(region, outcome, FAR)
    assert lost not in outcome.finished
    assert name in outcome.quarantined["error"][0]
    assert found.communities.loc["isle", "not_computed_population"] == 13
    assert found.communities.loc["isle", "coverage_share"] == 0
    statuses = [f"{status}_population" for status in (*STATUSES, "not_computed")]
    assert found.communities[statuses].sum(axis=1).tolist() == [150, 37, 13]
    assert found.notes[0].startswith(f"INCOMPLETE: {outcome.told}.")


def test_people_whom_nobody_can_count_are_said(region):
    lost = tile_of(region, "d4")
    name = spoilt(region, "demand", lost)
    outcome = runner.run(region.folder, None, FAR, workers=0, retries=0)
    assert [*outcome.quarantined["tile"]] == [str(lost)]
    assert outcome.told == f"{len(region.tiles) - 1} of {len(region.tiles)} tiles"
    assert name in outcome.quarantined["error"][0]
    found = total_of(region, outcome, FAR)
    assert found.uncounted_points == 1
    assert found.total["population"] == 187
    assert "The people of 1 places" in found.notes[1]


def asked(*args):
    return CliRunner().invoke(command, [*map(str, args), "--workers", "0"])


def test_the_command_prints_and_writes(region, tmp_path):
    out = asked(region.folder, "--distance-m", 600, "--out", tmp_path / "c.csv")
    assert out.exit_code == 0, out.output
    tiles = len(region.tiles)
    assert f"{tiles} of {tiles} tiles." in out.output
    assert "room is not looked at" in out.output
    assert "OpenStreetMap" in out.output
    assert "INCOMPLETE" not in out.output
    rows = pd.read_csv(tmp_path / "c.csv")
    assert rows["community_id"].tolist() == ["west", "east", "isle"]
    assert set(rows["tiles"]) == {f"{tiles} of {tiles} tiles"}
    assert rows["attribution"].str.contains("OpenStreetMap").all()
    out = asked(region.folder, "--distance-m", 600, "--out", tmp_path / "c.parquet", "--json")
    answer = json.loads(out.stdout)
    assert (answer["tiles_done"], answer["tiles_total"]) == (tiles, tiles)
    assert [one["community_id"] for one in answer["communities"]] == ["west", "east", "isle"]
    assert answer["communities"][0]["population"] == 150
    assert "OpenStreetMap" in answer["attribution"]
    assert b"OpenStreetMap" in pq.read_schema(tmp_path / "c.parquet").metadata[b"attribution"]
    assert pd.read_parquet(tmp_path / "c.parquet").loc["west", "population"] == 150


def test_the_command_says_what_is_missing_and_fails(region):
    name = spoilt(region, "demand", tile_of(region, "d4"))
    out = asked(region.folder)
    assert out.exit_code == 1
    assert f"{len(region.tiles) - 1} of {len(region.tiles)} tiles." in out.output
    assert name in out.output
    assert "INCOMPLETE" in out.output
    answer = json.loads(asked(region.folder, "--json").stdout)
    assert answer["tiles_done"] == len(region.tiles) - 1
    assert answer["quarantined"][0]["stage"] == "walks"
    assert answer["notes"][0].startswith("INCOMPLETE")


def test_a_file_of_another_kind_is_refused(region):
    assert "must end in .csv or .parquet" in asked(region.folder, "--out", "x.xlsx").output
