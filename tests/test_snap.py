"""Places on streets against shapely, and worlds to check by eye."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.ops import substring

from shelterplan import WalkNetwork, access
from shelterplan.earth import GEODESIC
from shelterplan.errors import NetworkError
from shelterplan.kernels.edge_grid import NO_EDGE, EdgeGrid
from shelterplan.snap import NOWHERE, snap
from tests.benchmarks.city import CRS, build_city
from tests.worlds import ORIGIN, UTM, lonlat, streets_of

steady = settings(derandomize=True, deadline=None, max_examples=40, database=None)


@steady
@given(st.integers(0, 2**32 - 1))
def test_the_nearest_edge_is_that_of_shapely(seed):
    rng = np.random.default_rng(seed)
    for _ in range(5):
        count = int(rng.integers(1, 30))
        size = 10.0 ** rng.uniform(-1, 5)
        sizes = rng.integers(2, 6, count)
        points = rng.choice(
            [
                rng.uniform(0, size, (sizes.sum(), 2)),
                rng.integers(0, 4, (sizes.sum(), 2)) * size / 4,
            ]
        )
        if rng.random() < 0.2:
            points[:, 1] = 7.0
        lines = shapely.linestrings(points, indices=np.repeat(np.arange(count), sizes))
        query = rng.choice(
            [rng.uniform(-size, 2 * size, (40, 2)), points[rng.integers(0, len(points), 40)]]
        )
        max_m = float(rng.choice([0.0, size / 10, size, np.inf]))
        allowed = rng.random(count) < rng.choice([0.3, 1.0])
        grid = EdgeGrid.of(points, np.concatenate([[0], np.cumsum(sizes)]))
        edge, foot = grid.nearest(query, max_m, allowed)
        far = shapely.distance(shapely.points(query)[:, None], lines[None, :])
        far[:, ~allowed] = np.inf
        best = far.min(axis=1)
        tolerance = 1e-12 * size + 1e-9
        clear = (best < max_m - tolerance) | (best > max_m + tolerance)
        assert np.array_equal((edge != NO_EDGE)[clear], (best < max_m)[clear])
        on = edge != NO_EDGE
        assert np.allclose(far[on, edge[on]], best[on], rtol=0, atol=tolerance)
        assert np.allclose(foot[on, 2], best[on], rtol=0, atol=tolerance)
        assert np.isnan(foot[~on]).all()
        again = shapely.get_coordinates(
            shapely.line_interpolate_point(lines[edge[on]], foot[on, 3], normalized=True)
        )
        has_length = shapely.length(lines[edge[on]]) > 0
        assert np.allclose(
            again[has_length], foot[on, :2][has_length], rtol=0, atol=1e3 * tolerance
        )


def test_of_equally_near_edges_the_first_is_taken():
    cross = np.array([[0, 0], [9, 0], [0, 0], [0, 9], [0, 0], [-9, 0], [0, 0], [0, -9]], float)
    grid = EdgeGrid.of(cross, np.arange(0, 9, 2))
    every = np.ones(4, bool)
    edge, _ = grid.nearest(np.array([[0, 0], [5, 5], [-5, 5], [-5, -5]], float), 50.0, every)
    assert edge.tolist() == [0, 0, 1, 2]
    edge, _ = grid.nearest(np.array([[5.0, 5.0]]), 5.0, every)
    assert edge.tolist() == [0]
    edge, _ = grid.nearest(np.array([[5.0, 5.0]]), 4.999, every)
    assert edge.tolist() == [NO_EDGE]


def test_one_edge_far_away_costs_no_memory():
    rng = np.random.default_rng(3)
    near = rng.uniform(0, 1000, (500, 1, 2)) + rng.uniform(0, 50, (500, 2, 2))
    points = np.concatenate([near.reshape(-1, 2), [[0, 0], [3e6, 4e6]]])
    grid = EdgeGrid.of(points, np.arange(0, 1003, 2))
    assert len(grid.cell_segment) <= 4 * len(points)
    assert len(grid.cell_ptr) <= 4 * len(points)
    assert grid.nearest(np.array([[3e6, 4e6]]), 1.0, np.ones(501, bool))[0].tolist() == [500]


@pytest.fixture
def corner():
    """A street of 100 m to the east, one of 60 m to the north from there, a loop, an island."""
    return WalkNetwork.from_streets(
        streets_of(
            [
                [(0, 0), (100, 0)],
                [(100, 0), (100, 60)],
                [(100, 60), (130, 60), (130, 90), (100, 60)],
                [(0, 40), (60, 40)],
            ]
        ),
        UTM,
    )


def test_places_lie_at_their_true_position(corner):
    places = snap(corner, *lonlat([30, 120, 0, 100], [10, 20, 0, 30]))
    assert places.edge.tolist() == [0, 1, 0, 1]
    assert np.allclose(places.offset_mm, [30_000, 20_000, 0, 30_000], atol=15)
    assert np.allclose(places.leg_mm, [10_000, 20_000, 0, 0], atol=10)
    assert places.owner.tolist() == [0, 1, 2, 3]


def test_a_place_on_a_loop_keeps_its_side(corner):
    places = snap(corner, *lonlat([115, 131], [60, 75]))
    assert places.edge.tolist() == [2, 2]
    assert np.allclose(places.offset_mm, [15_000, 45_000], atol=30)


def test_places_walk_from_where_they_are(corner):
    home, shelter = snap(corner, *lonlat([30], [10])), snap(corner, *lonlat([120], [20]))
    found = access.nearest(corner, home, shelter).iloc[0]
    assert found["distance_m"] == pytest.approx(10 + 70 + 20 + 20, abs=0.1)
    assert found["leg_start_m"] == pytest.approx(10, abs=0.01)
    assert found["leg_end_m"] == pytest.approx(20, abs=0.01)


def test_the_longest_leg_is_inclusive(corner):
    lon, lat = lonlat([30], [-20])
    leg_m = snap(corner, lon, lat).leg_mm[0] / 1000
    assert snap(corner, lon, lat, max_leg_m=leg_m).snapped.tolist() == [True]
    short = snap(corner, lon, lat, max_leg_m=leg_m - 0.001)
    assert short.snapped.tolist() == [False]
    assert short.edge.tolist() == [NOWHERE]
    assert np.isinf(short.leg_m).all()


def test_far_from_any_street_there_is_no_place(corner):
    places = snap(corner, *lonlat([5000, 30], [0, 0]))
    assert places.snapped.tolist() == [False, True]
    assert places.leg_mm[0] == -1
    assert not places.moved_off_island.any()


@pytest.mark.parametrize(("slack_m", "edge"), [(50.0, 0), (9.0, 3)])
def test_islands_are_left_if_the_way_is_hardly_farther(corner, slack_m, edge):
    prefer = corner.edge_component == 0
    assert prefer.tolist() == [True, True, True, False]
    places = snap(corner, *lonlat([30], [25]), prefer=prefer, island_slack_m=slack_m)
    assert places.edge.tolist() == [edge]
    assert places.moved_off_island.tolist() == [edge == 0]
    assert places.nearest_leg_mm[0] == pytest.approx(15_000, abs=20)
    assert places.leg_mm[0] == pytest.approx(25_000 if edge == 0 else 15_000, abs=20)


def test_where_nothing_is_preferred_islands_will_do(corner):
    places = snap(corner, *lonlat([30], [25]), prefer=np.zeros(4, bool))
    assert places.edge.tolist() == [3]


def test_a_preferred_street_out_of_reach_does_not_help(corner):
    places = snap(
        corner,
        *lonlat([-5], [45]),
        prefer=np.array([True, True, True, False]),
        max_leg_m=20.0,
        island_slack_m=1000.0,
    )
    assert places.edge.tolist() == [3]


def test_an_island_within_the_limit_beats_a_street_beyond_it(corner):
    prefer = np.array([True, True, True, False])
    lon, lat = lonlat([30], [42])
    assert snap(corner, lon, lat, prefer=prefer, max_leg_m=41.9).edge.tolist() == [3]
    assert snap(corner, lon, lat, prefer=prefer, max_leg_m=42.1).edge.tolist() == [0]


def test_edges_without_length_take_places():
    network = WalkNetwork.from_streets(streets_of([[(0, 0), (0, 0)], [(50, 0), (90, 0)]]), UTM)
    places = snap(network, *lonlat([1, 49], [0, 0]))
    assert places.edge.tolist() == [0, 1]
    assert places.offset_mm.tolist() == [0, 0]


def test_no_streets_no_places():
    network = WalkNetwork.from_streets(streets_of([]), UTM)
    assert snap(network, [3.0], [52.0]).snapped.tolist() == [False]
    corner = WalkNetwork.from_streets(streets_of([[(0, 0), (9, 0)]]), UTM)
    assert len(snap(corner, [], [])) == 0


@pytest.mark.parametrize(
    ("lon", "lat"), [(np.nan, 0), (0, np.nan), (np.inf, 0), (181, 0), (0, 90.5), (0, -91)]
)
def test_positions_off_the_earth_are_refused(corner, lon, lat):
    with pytest.raises(NetworkError, match=r"1 positions are not .*rows \[1\]"):
        snap(corner, [3.0, lon], [52.0, lat])


def test_the_far_side_of_the_earth_is_only_far(corner):
    assert snap(corner, [-177.0, 93.0, 3.0], [-52.0, 0.0, -90.0]).snapped.tolist() == [False] * 3


def test_a_network_without_geometry_takes_no_places():
    with pytest.raises(NetworkError, match="no geometry"):
        snap(WalkNetwork.from_edges([0], [1], [5.0]), [3.0], [52.0])


@pytest.mark.parametrize("limit", [-1.0, np.nan])
def test_the_longest_leg_is_a_distance(corner, limit):
    with pytest.raises(NetworkError, match="max_leg_m"):
        snap(corner, [3.0], [52.0], max_leg_m=limit)


@pytest.mark.parametrize(
    ("lon", "lat"), [(24.94, 60.17), (18.95, 69.65), (-68.3, -54.8), (15.6, 78.2)]
)
def test_far_north_and_south_metres_are_metres(lon, lat):
    """At these latitudes a degree of longitude is less than half one of latitude."""
    crs = pyproj.CRS.from_dict({"proj": "utm", "zone": int((lon + 180) // 6) + 1, "south": lat < 0})
    there = GEODESIC.fwd(lon, lat, 80, 700)[:2]
    streets = (
        streets_of([[(0, 0), (1, 0)]])
        .set_geometry([shapely.LineString([(lon, lat), there])], crs="EPSG:4326")
        .assign(length_m=700.0)
    )
    network = WalkNetwork.from_streets(streets, crs)
    on = GEODESIC.fwd(lon, lat, 80, 300)
    off = GEODESIC.fwd(on[0], on[1], 170, 90)
    place = snap(network, off[0], off[1])
    assert place.offset_mm[0] == pytest.approx(300_000, abs=50)
    assert place.leg_mm[0] == pytest.approx(90_000, abs=30)


@pytest.fixture(scope="module")
def city():
    return build_city(400, seed=11)


@pytest.fixture(scope="module")
def city_network(city):
    return WalkNetwork.from_streets(city.streets(), CRS)


def test_legs_on_the_earth_are_those_on_the_map(city, city_network):
    lon, lat = city.positions(300, 1)
    places = snap(city_network, lon, lat)
    to_metric = pyproj.Transformer.from_crs("EPSG:4326", CRS, always_xy=True)
    points = shapely.points(*to_metric.transform(lon, lat))
    lines = city_network.streets.geometry.to_crs(CRS).array
    plane = shapely.distance(points[:, None], np.asarray(lines)[None, :])
    assert places.snapped.all()
    assert np.array_equal(places.edge, plane.argmin(axis=1))
    # UTM shrinks or stretches by at most 0.1 % within its zone and somewhat beyond
    assert np.allclose(places.leg_mm / 1000, plane.min(axis=1), rtol=1.2e-3, atol=0.002)
    along = shapely.line_locate_point(lines[places.edge], points, normalized=True)
    assert np.allclose(places.offset_mm, along * city_network.edge_mm[places.edge], atol=1.0)


def test_walks_in_a_city_are_those_over_streets_cut_by_shapely(city, city_network):
    """Shapely cuts streets at each place, and networkx walks the pieces: no code is shared."""
    lon, lat = city.positions(60, 2)
    places = snap(city_network, lon, lat)
    homes, shelters = places.take(np.arange(40)), places.take(np.arange(40, 60))
    graph = nx.MultiDiGraph()
    to_metric = pyproj.Transformer.from_crs("EPSG:4326", CRS, always_xy=True)
    points = shapely.points(*to_metric.transform(lon, lat))
    streets = city.streets()
    lines = streets.geometry.to_crs(CRS).array
    legs = {}
    cuts = {edge: [] for edge in range(len(lines))}
    for place, point in enumerate(points):
        edge = int(np.argmin(shapely.distance(lines, point)))
        cuts[edge].append((lines[edge].project(point), place))
        foot = lines[edge].interpolate(lines[edge].project(point))
        back = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(
            foot.x, foot.y
        )
        legs[place] = GEODESIC.inv(lon[place], lat[place], *back)[2]
    for edge, row in enumerate(streets.itertuples(index=False)):
        line = lines[edge]
        chain = [(0.0, ("node", row[0])), *sorted(cuts[edge]), (line.length, ("node", row[1]))]
        for (start, a), (stop, b) in pairwise(chain):
            metres = substring(line, start, stop).length / line.length * row[2]
            if row.forward:
                graph.add_edge(a, b, weight=metres)
            if row.backward:
                graph.add_edge(b, a, weight=metres)
    found = access.nearest(city_network, homes, shelters)
    for home in range(40):
        reached = nx.single_source_dijkstra_path_length(graph, home)
        walks = [legs[home] + reached[shelter] + legs[shelter] for shelter in range(40, 60)]
        hops = 100
        assert found["distance_m"][home] == pytest.approx(min(walks), abs=0.0005 * hops)
        assert found["target"][home] == 40 + int(np.argmin(walks))


def test_origin_is_where_the_helpers_say():
    to_metric = pyproj.Transformer.from_crs("EPSG:4326", UTM, always_xy=True)
    assert np.allclose(to_metric.transform(*lonlat(3.0, 4.0)), np.add(ORIGIN, (3, 4)), atol=1e-6)
