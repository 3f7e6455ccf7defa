"""Slopes: known hills, bridges that hang straight, and round trips that sum to nought."""

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from shelterplan import tables
from shelterplan.sources.elevation import irmischer_km_h, tobler_km_h, with_slopes
from shelterplan.sources.raster import Raster
from tests import village

UTM = pyproj.CRS.from_epsg(32631)
TO_LONLAT = pyproj.Transformer.from_crs(UTM, 4326, always_xy=True)
X0, Y0 = 500_000.0, 1_000.0
"""The middle of the zone, where a metre of the map is 0.9996 on the ground."""
CELL = 30.0
FACTORS = [name for name in tables.SLOPES if not name.endswith("_m")]


def ground(height, *, cells=60):
    """Return a grid of 30 m cells; height(x, y) with x to the east, y to the north [m]."""
    rows, columns = np.mgrid[0:cells, 0:cells] + 0.5
    return Raster(
        cells=np.asarray(height(columns * CELL, (cells - rows) * CELL), dtype="float64"),
        transform=(CELL, 0.0, X0, 0.0, -CELL, Y0 + cells * CELL),
        crs=UTM,
    )


def streets(*rows):
    """Return streets of (from, to, [points in metres on the map], bridge or tunnel)."""
    lines = [
        shapely.LineString([TO_LONLAT.transform(X0 + x, Y0 + y) for x, y in row[2]]) for row in rows
    ]
    geod = pyproj.Geod(ellps="WGS84")
    return gpd.GeoDataFrame(
        {
            "from": [row[0] for row in rows],
            "to": [row[1] for row in rows],
            "length_m": [geod.geometry_length(line) for line in lines],
            "bridge_tunnel": [row[3] if len(row) > 3 else "" for row in rows],
        },
        geometry=lines,
        crs=4326,
    )


EAST = (0, 1, [(100, 900), (700, 900)])
RAMP = ground(lambda x, y: 0.1 * x + 0 * y)


def test_speeds_are_the_published_ones():
    assert_allclose(tobler_km_h([0, 0.1]), [5.0367, 3.5493], atol=5e-5)
    assert_allclose(irmischer_km_h(0), 3.9463, atol=5e-5)
    assert tobler_km_h(-0.05) == 6
    assert irmischer_km_h(0.2) == irmischer_km_h(-0.2)


def test_flat_ground_is_exactly_flat():
    found, facts = with_slopes(
        streets(EAST, (1, 2, [(700, 900), (712, 317)])), ground(lambda x, y: 5.3 + 0 * x)
    )
    assert (found[FACTORS] == 1.0).all(axis=None)
    assert (found[["climb_m", "descent_m"]] == 0.0).all(axis=None)
    assert (facts["lowest_m"], facts["highest_m"], facts["steep_share"]) == (5.3, 5.3, 0.0)


def test_a_ramp_has_the_closed_form():
    found, facts = with_slopes(streets(EAST), RAMP)
    row = found.loc[0]
    slope = 60 / row["length_m"]
    assert_allclose([row["climb_m"], row["descent_m"]], [60, 0], atol=1e-4)
    assert_allclose(row["tobler_forward"], tobler_km_h(0) / tobler_km_h(slope), rtol=1e-6)
    assert_allclose(row["tobler_backward"], tobler_km_h(0) / tobler_km_h(-slope), rtol=1e-6)
    assert_allclose(row["irmischer_forward"], irmischer_km_h(0) / irmischer_km_h(slope), rtol=1e-6)
    assert row["irmischer_backward"] == row["irmischer_forward"]
    assert_allclose(row["tobler_forward"], 5.0367 / 3.5493, rtol=1e-3)
    assert facts["steep_share"] == 1.0
    assert_allclose(facts["cell_m"], CELL, rtol=1e-3)


def test_a_hill_between_flat_ends_is_seen():
    hill = ground(lambda x, y: np.maximum(0, 40 - np.abs(x - 400) / 5) + 0 * y)
    row = with_slopes(streets(EAST), hill)[0].loc[0]
    assert 36 < row["climb_m"] <= 40
    assert_allclose(row["climb_m"], row["descent_m"], atol=1e-6)
    assert row["tobler_forward"] > 1.1


def test_length_along_a_bent_line_counts_and_not_degrees():
    """At 60 degrees north a degree of longitude is half as long: the bend stays in the middle."""
    north = Raster(
        cells=np.tile(np.linspace(0, 100, 101), (101, 1)),
        transform=(0.0005, 0.0, 10.0, 0.0, -0.0005, 60.05),
        crs=pyproj.CRS.from_epsg(4326),
    )
    bend = shapely.LineString([(10.01, 60.01), (10.03, 60.01), (10.03, 60.02)])
    street = streets(EAST).assign(length_m=1115.0 + 1114.0).set_geometry([bend], crs=4326)
    row = with_slopes(street, north)[0].loc[0]
    assert_allclose(row["climb_m"], 40, atol=1e-3)
    half = tobler_km_h(0) / tobler_km_h(40 / 1115)
    assert_allclose(row["tobler_forward"], (half + 1) / 2, rtol=2e-3)


def test_steps_steeper_than_a_walk_are_capped_and_counted():
    cliff = ground(lambda x, y: np.where(x > 400, 300.0, 0.0) + 0 * y)
    found, facts = with_slopes(streets(EAST), cliff)
    assert facts["steps_capped"] in (1, 2)
    assert found.loc[0, "climb_m"] == 300
    worst = tobler_km_h(0) / tobler_km_h(1.0)
    assert found.loc[0, "tobler_forward"] < worst


def test_a_short_street_takes_the_slope_between_its_ends():
    found, _ = with_slopes(streets((0, 1, [(400, 900), (412, 900)])), RAMP)
    assert_allclose(found.loc[0, "climb_m"], 1.2, atol=1e-5)
    assert_allclose(found.loc[0, "tobler_forward"], 5.0367 / 3.5493, rtol=1e-3)


def test_streets_without_elevation_are_unknown_and_counted():
    gap = ground(lambda x, y: np.where(np.abs(x - 400) < 20, np.nan, 7.0) + 0 * y)
    away = (2, 3, [(9_000, 0), (9_500, 0)])
    short = (0, 4, [(100, 900), (100, 800)])
    found, facts = with_slopes(streets(EAST, away, short), gap)
    assert found[list(tables.SLOPES)].isna().all(axis=1).tolist() == [True, True, False]
    assert facts["edges_unknown"] == 2
    assert_allclose(facts["km_unknown"], 1.1, rtol=1e-3)
    nowhere, facts = with_slopes(streets(away), gap)
    assert nowhere["climb_m"].isna().all()
    assert facts["lowest_m"] is None


def test_values_that_no_land_has_are_gaps():
    sea = ground(lambda x, y: np.where(x > 400, -32_768.0, 3.0) + 0 * y)
    assert with_slopes(streets(EAST), sea)[0]["climb_m"].isna().all()


VALLEY = ground(lambda x, y: np.abs(x - 400) / 4 + 0 * y)
"""75 m high at x = 100 and x = 700, 0 in the middle."""


@pytest.mark.parametrize("kind", ["bridge", "tunnel"])
def test_a_bridge_hangs_straight_over_its_valley(kind):
    ends = [(9, 0, [(40, 900), (100, 900)]), (1, 8, [(700, 900), (760, 900)])]
    over, facts = with_slopes(streets((*EAST, kind), *ends), VALLEY)
    assert (over.loc[0, FACTORS] == 1.0).all()
    assert over.loc[0, "climb_m"] == 0
    assert (facts["edges_bridge_tunnel"], facts["edges_bridge_tunnel_unknown"]) == (1, 0)
    through = with_slopes(streets(EAST, *ends), VALLEY)[0]
    assert through.loc[0, "climb_m"] > 70


def test_a_bridge_of_several_pieces_hangs_between_the_ends_of_the_whole():
    pieces = [
        (0, 1, [(100, 900), (200, 900)], "bridge"),
        (1, 2, [(200, 900), (400, 900)], "bridge"),
        (3, 2, [(600, 900), (400, 900)], "tunnel"),
        (9, 0, [(40, 900), (100, 900)]),
        (3, 8, [(600, 900), (700, 900)]),
        (1, 7, [(200, 900), (200, 800)], "bridge"),
    ]
    found, _ = with_slopes(streets(*pieces), VALLEY)
    assert_allclose(found["climb_m"][:3] - found["descent_m"][:3], [-5, -10, 10], atol=1e-3)
    assert found.loc[5, ["climb_m", "descent_m"]].tolist() == pytest.approx([0, 0], abs=1e-6)
    met = streets(*pieces, (2, 6, [(400, 900), (400, 700)]))
    found, _ = with_slopes(met, VALLEY)
    assert_allclose(found["descent_m"][:2], [25, 50], atol=2)


def test_a_structure_without_known_ends_is_unknown():
    lone = (0, 1, [(100, 900), (200, 900)], "bridge")
    found, facts = with_slopes(streets(lone, (5, 6, [(300, 300), (400, 300)])), VALLEY)
    assert found["climb_m"].isna().tolist() == [True, False]
    assert facts["edges_bridge_tunnel_unknown"] == 1
    half = [
        lone,
        (1, 2, [(200, 900), (9_000, 900)], "bridge"),
        (2, 3, [(9_000, 900), (9_100, 900)]),
    ]
    start = (0, 4, [(100, 900), (100, 800)])
    found, _ = with_slopes(streets(*half, start), VALLEY)
    assert found["climb_m"].isna().tolist() == [True, True, True, False]


def rough(seed):
    """Return ground with a new height in every cell."""
    return ground(lambda x, _: np.random.default_rng(seed).normal(50, 20, x.shape))


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_round_trips_sum_to_nought(seed, seed_of_ground):
    random = np.random.default_rng(seed)
    spots = random.uniform(100, 1600, (8, 2))
    pairs = [(i, int(j)) for i in range(8) for j in random.choice(8, 2, replace=False) if i != j]
    kinds = random.choice(["", "", "bridge"], len(pairs))
    rows = [
        (i, j, [spots[i], random.uniform(100, 1600, 2), spots[j]], kind)
        for (i, j), kind in zip(pairs, kinds, strict=True)
    ]
    found, _ = with_slopes(streets(*rows), rough(seed_of_ground))
    graph = nx.MultiDiGraph()
    for row in found.itertuples():
        if not pd.isna(row.climb_m):
            net = row.climb_m - row.descent_m
            graph.add_edge(row._1, row.to, net=net)
            graph.add_edge(row.to, row._1, net=-net)
    for loop in nx.cycle_basis(nx.Graph(graph)):
        total = sum(graph[a][b][0]["net"] for a, b in zip(loop, [*loop[1:], loop[0]], strict=True))
        assert abs(total) < 1e-6


@given(st.integers(0, 10**6))
def test_walking_back_swaps_the_directions(seed):
    random = np.random.default_rng(seed)
    way = list(map(tuple, random.uniform(100, 1600, (4, 2))))
    there, _ = with_slopes(streets((0, 1, way)), rough(seed))
    back, _ = with_slopes(streets((1, 0, way[::-1])), rough(seed))
    for one, other in (
        ("climb_m", "descent_m"),
        ("tobler_forward", "tobler_backward"),
        ("irmischer_forward", "irmischer_backward"),
    ):
        assert_allclose(there.loc[0, one], back.loc[0, other], rtol=1e-6)
        assert_allclose(there.loc[0, other], back.loc[0, one], rtol=1e-6)


@given(st.integers(0, 10**6))
def test_no_walk_is_quicker_than_the_best_slope_or_slower_than_the_cap(seed):
    found, _ = with_slopes(streets(EAST), rough(seed))
    assert tobler_km_h(0) / 6 <= found.loc[0, "tobler_forward"] <= np.exp(3.5) + 1e-9
    assert found.loc[0, "irmischer_forward"] >= 1


def test_the_streets_given_are_left_alone_and_the_table_is_a_proper_one():
    edges = village.streets().edges
    before = edges.copy()
    east, north = village.lonlat(-500, 4_000)
    flat = Raster(
        cells=np.full((200, 200), 3, "float32"),
        transform=(0.0003, 0.0, east, 0.0, -0.0003, north),
        crs=pyproj.CRS.from_epsg(4326),
    )
    found, _ = with_slopes(edges, flat)
    pd.testing.assert_frame_equal(edges, before)
    checked = tables.checked("streets", found)
    assert checked["tobler_forward"].notna().all()
