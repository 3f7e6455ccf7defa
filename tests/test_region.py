"""A region cut into tiles gives what it gives undivided, to the bit."""

import shutil
from dataclasses import replace

import pandas as pd
import pytest
from click.testing import CliRunner

from shelterplan import StudyArea
from shelterplan.cli import main as command_line
from shelterplan.coverage import assess
from shelterplan.errors import AreaError, UnknownNameError
from shelterplan.memory import Memory
from shelterplan.scale import stages
from shelterplan.scale.stages import STAGES, Parameters
from shelterplan.scale.store import Region
from shelterplan.scenario import WALKERS, Scenario, ScenarioError
from shelterplan.standards import AccessStandard

from .region_of import region_of

WHOLE_M = 1e7


@pytest.fixture(scope="module")
def monaco():
    """Monaco, as it is embedded."""
    return StudyArea.open("monaco")


@pytest.fixture(scope="module")
def regions(monaco, tmp_path_factory):
    """Monaco as a region with tiles of a side."""
    folder = tmp_path_factory.mktemp("regions")
    made = {}

    def region(side):
        if side not in made:
            made[side] = region_of(monaco, folder / f"{side:.0f}", side)
        return made[side]

    return region


def by_name(area):
    """Give a study area with its shelters in the order of their names, as a region has them."""
    return replace(area, shelters=area.shelters.sort_index(), _snapped={}, memory=Memory())


def walks_of(region, parameters, run, tiles=None):
    """Do every task in this process, in the order of the tiles, and give all walks."""
    for stage in STAGES:
        (run / stage).mkdir(parents=True)
        found = {}
        for tile in region.tiles if tiles is None or stage != "walks" else tiles:
            found[tile] = stages.execute(stage, region, tile, parameters, run)
            for name, table in found[tile].items():
                table.to_parquet(stages.task_file(run, stage, tile, name))
        for name, table in stages.reduce(stage, found, found.__getitem__).items():
            table.to_parquet(stages.total_file(run, stage, name))
    walks = pd.concat([one["walks"] for one in found.values()])
    return walks.set_index("demand_id").sort_index()


CASES = {
    "adult": (Scenario(), AccessStandard()),
    "far": (Scenario(), AccessStandard(max_distance_m=1500)),
    "wheelchair": (Scenario(walker=WALKERS["wheelchair"]), AccessStandard(max_distance_m=300)),
    "slow on stairs": (Scenario(walker=WALKERS["assisted"]), AccessStandard(max_time_s=600)),
    "landslide": (Scenario(hazard="landslide"), AccessStandard(max_distance_m=400)),
    "storm": (Scenario(hazard="storm_surge", gates="emergency"), AccessStandard(max_time_s=480)),
    "closed": (
        Scenario(
            closed_areas=("POLYGON((7.416 43.73, 7.422 43.73, 7.422 43.738, 7.416 43.73))",),
            closed_shelters=("way/49209155",),
        ),
        AccessStandard(),
    ),
}


@pytest.fixture(scope="module")
def whole(regions, tmp_path_factory):
    """Give all walks of a case in the region that is one tile, worked out once."""
    folder = tmp_path_factory.mktemp("whole")
    known = {}

    def walks(case):
        if case not in known:
            parameters = Parameters.of(*CASES[case])
            known[case] = walks_of(regions(WHOLE_M), parameters, folder / case)
        return known[case].copy()

    return walks


IN_TILES = [("adult", 700.0), ("slow on stairs", 1000.0), ("storm", 1000.0), ("closed", 1000.0)]


@pytest.mark.parametrize(("case", "side"), IN_TILES)
def test_tiles_give_the_bits_of_the_whole(regions, whole, tmp_path, case, side):
    tiled = walks_of(regions(side), Parameters.of(*CASES[case]), tmp_path / "tiled")
    pd.testing.assert_frame_equal(whole(case), tiled, check_exact=True)


def test_a_lacking_halo_is_noticed(regions, whole, tmp_path, monkeypatch):
    known = whole("far")
    monkeypatch.setattr(stages, "halo_m", lambda _cutoff, _leg: 0.0)
    tiled = walks_of(regions(700.0), Parameters.of(*CASES["far"]), tmp_path / "tiled")
    assert list(tiled.index) == list(known.index)
    assert (tiled["distance_m"] != known["distance_m"]).any()


@pytest.mark.parametrize("case", ["adult", "wheelchair", "storm"])
def test_a_region_says_what_the_study_area_says(monaco, whole, case):
    scenario, standard = CASES[case]
    walks = whole(case)
    known = assess(by_name(monaco), replace(scenario, room="ignored"), standard).loc[walks.index]
    near = known["status"].isin(["covered", "no_network", "full"])
    assert near.sum() > 100
    assert walks.loc[near, "status"].tolist() == known.loc[near, "status"].tolist()
    covered = known["status"] == "covered"
    for column in ("population", "shelter_id", "distance_m", "walk_time_s", "hazard_level"):
        assert walks.loc[covered, column].tolist() == known.loc[covered, column].tolist()
    if not scenario.hazard:  # beyond the cutoff it is not known which ways are cut
        assert walks["status"].tolist() == known["status"].tolist()


@pytest.mark.parametrize("read_before", [False, True])
def test_a_damaged_file_is_named(regions, tmp_path, read_before):
    shutil.copytree(regions(1000.0).folder, tmp_path / "mc")
    region = Region.open(tmp_path / "mc")
    part = next(part for (table, _), part in region.parts.items() if table == "streets")
    if read_before:
        assert region.near("streets", region.grid.box(part.tile)) is not None
    content = bytearray((region.folder / part.file).read_bytes())
    content[len(content) // 2] ^= 1
    (region.folder / part.file).write_bytes(bytes(content))
    with pytest.raises(AreaError, match=part.file):
        region.near("streets", region.grid.box(part.tile))


def test_parameters_come_back_from_their_text():
    for scenario, standard in CASES.values():
        own = Parameters.of(scenario, standard)
        assert Parameters.of_text(own.as_text()) == own


def test_a_cutoff_holds_the_standard():
    with pytest.raises(ScenarioError, match="at least 800 m"):
        Parameters.of(Scenario(), AccessStandard(max_distance_m=800), cutoff_m=700)
    by_time = Parameters.of(Scenario(delay_s=100.0), AccessStandard(max_time_s=600))
    assert by_time.cutoff_m == pytest.approx(500 * 1.27)
    with pytest.raises(ScenarioError, match="closed by their number"):
        Parameters.of(Scenario(closed_streets=(3,)), AccessStandard())


def test_what_a_region_does_not_know_is_refused(regions):
    region = regions(1000.0)
    stranger = Parameters.of(Scenario(closed_shelters=("no-such",)), AccessStandard())
    with pytest.raises(ScenarioError, match="no-such"):
        stages.refuse_strangers(region, stranger)
    told = CliRunner().invoke(
        command_line, ["region", "run", str(region.folder), "--hazard=locusts"]
    )
    assert told.exit_code != 0
    assert "locusts" in told.output
    with pytest.raises(UnknownNameError, match="locusts"):
        stages.refuse_strangers(region, Parameters.of(Scenario(hazard="locusts"), AccessStandard()))
