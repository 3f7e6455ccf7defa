"""The seeded country is the same however it is cut, and fit to be a region."""

import numpy as np
import pandas as pd
import pytest
import shapely

from shelterplan import WalkNetwork, tables
from shelterplan.scale.grid import Grid, Tile
from shelterplan.scale.stages import Parameters
from shelterplan.scenario import Scenario
from shelterplan.standards import AccessStandard

from .city import CRS, WHOLE_M, City, morton, write_city
from .exact import differences, run

CITY = City(6000, link=16)
NUMBERED = {"streets": "edge", "hazards": "piece"}


@pytest.fixture(scope="module")
def cut(tmp_path_factory):
    """The country undivided, and in tiles."""
    folder = tmp_path_factory.mktemp("cities")
    return {
        side: write_city(CITY, folder / f"{side:.0f}", side).region for side in (WHOLE_M, 3200.0)
    }


def all_rows(region, table):
    """Give the rows of all tiles, each once."""
    found = [region.read(table, tile) for tile in region.tiles]
    rows = pd.concat([one for one in found if one is not None])
    if table in NUMBERED:
        rows = rows.set_index(NUMBERED[table]).drop(columns=["home"], errors="ignore")
    return rows[~rows.index.duplicated()].sort_index()


@pytest.mark.parametrize(
    "table", ["streets", "demand", "shelters", "entrances", "candidates", "hazards"]
)
def test_it_is_the_same_however_it_is_cut(cut, table):
    whole, tiled = (all_rows(region, table) for region in cut.values())
    assert len(whole) > 0
    assert len(tiled) == len(whole)
    assert shapely.equals_exact(whole.geometry.array, tiled.geometry.array, 0.0).all()
    left, right = (rows.drop(columns="geometry") for rows in (whole, tiled))
    pd.testing.assert_frame_equal(left, right, check_exact=True)


def test_every_table_is_as_it_should_be(cut):
    for table in ("streets", "demand", "shelters", "entrances", "candidates", "hazards"):
        rows = all_rows(cut[3200.0], table)
        good = tables.checked(table, rows.rename_axis(tables.TABLES[table].index))
        assert good[rows.columns].dtypes.equals(rows.dtypes), table
    demand = all_rows(cut[3200.0], "demand")
    assert demand["community_id"].isin(cut[3200.0].communities.index).all()


def test_streets_are_like_real_ones(cut):
    streets = all_rows(cut[WHOLE_M], "streets").reset_index()
    ends = streets[["from", "to"]].to_numpy()
    local = np.unique(ends, return_inverse=True)[1].reshape(ends.shape)
    numbered = streets.assign(**{"from": local[:, 0], "to": local[:, 1]})
    network = WalkNetwork.from_streets(numbered, cut[WHOLE_M].grid.crs)
    parts = np.bincount(network.edge_component)
    assert parts[0] > 0.9 * len(streets)
    assert len(parts) > 5
    assert (~streets["backward"]).any()
    assert streets["steps"].any()
    assert 0.8 * CITY.nodes < network.node_count <= CITY.side**2


def test_a_long_edge_crosses_a_tile_with_both_ends_outside(cut):
    region = cut[3200.0]
    long = all_rows(region, "streets")
    long = long[long["class"] == "path"]
    long = long[long["length_m"] > 1500]
    stands = {
        number: [
            tile
            for tile in region.tiles
            if ("streets", tile) in region.parts
            and number in region.read("streets", tile)["edge"].to_numpy()
        ]
        for number in long.index
    }
    assert any(len(tiles) > 2 for tiles in stands.values())


def test_a_tiled_run_is_the_whole_one_and_a_narrow_halo_is_noticed(cut, tmp_path):
    parameters = Parameters.of(
        Scenario(hazard="flood", room="ignored"), AccessStandard(max_distance_m=700)
    )
    whole = run(cut[WHOLE_M].folder, tmp_path / "whole", parameters, workers=0)
    tiled = run(cut[3200.0].folder, tmp_path / "tiled", parameters, workers=0, halo=1.0)
    narrow = run(cut[3200.0].folder, tmp_path / "narrow", parameters, workers=0, halo=0.0)
    assert differences(whole.walks, tiled.walks) == 0
    assert differences(whole.walks, narrow.walks) > 0
    assert len(set(whole.walks["status"])) > 3


def test_differences_are_counted():
    one = pd.DataFrame({"m": [1.0, 2.0, np.inf], "id": ["a", None, "c"]}, index=["x", "y", "z"])
    assert differences(one, one.copy()) == 0
    other = one.assign(m=[1.0, np.nextafter(2.0, 3), np.inf])
    assert differences(one, other) == 1
    assert differences(one, other.drop("z")) == 2
    assert differences(one, one.assign(id=["a", "b", "d"])) == 2


def test_draws_are_even_and_of_their_corner():
    i, j = np.meshgrid(np.arange(200), np.arange(200))
    drawn = CITY.draw(3, i, j)
    assert drawn[7, 9] == CITY.draw(3, np.array([9]), np.array([7]))[0]
    assert abs(drawn.mean() - 0.5) < 0.01
    assert abs(np.corrcoef(drawn[:, :-1].ravel(), drawn[:, 1:].ravel())[0, 1]) < 0.02
    assert (CITY.draw(4, i, j) != drawn).mean() > 0.99
    assert len(np.unique(morton(i, j))) == i.size


def test_tiles_hold_what_lies_in_them(cut):
    region = cut[3200.0]
    grid = Grid(CRS, 3200.0)
    for tile in region.tiles[:6]:
        demand = region.read("demand", tile)
        if demand is None:
            continue
        x, y = grid.to_metric.transform(demand.geometry.x, demand.geometry.y)
        assert {Tile(*one) for one in grid.tiles_at(x, y).tolist()} == {tile}
