"""Closed ground: streets are cut where it begins, no walk crosses it, nobody gains by it."""

from itertools import pairwise

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from shelterplan import AccessStandard, Scenario, WalkNetwork, access, coverage
from shelterplan.closures import Ground, without
from shelterplan.errors import UnknownNameError
from shelterplan.finder import find_shelters
from shelterplan.scenario import ScenarioError
from shelterplan.situation import situation
from shelterplan.snap import snap
from tests.village import box, demand, point, shelters, village
from tests.worlds import UTM, lonlat, streets_of

SEEDS = st.integers(0, 2**32 - 1)
WET = Scenario(hazard="flood")


def zones(*rows):
    """Return hazard zones; a row is (hazard, level, polygon)."""
    return gpd.GeoDataFrame(
        {"hazard": [row[0] for row in rows], "level": [row[1] for row in rows]},
        index=[f"z{i}" for i in range(len(rows))],
        geometry=[row[2] for row in rows],
        crs="EPSG:4326",
    )


def random_polygon(rng, size=1000.0):
    """Return a polygon in the plane of `streets_of`, sometimes with a hole or many corners."""
    x, y = rng.uniform(-100, size, 2)
    shape = shapely.Point(x, y).buffer(rng.uniform(5, 250), quad_segs=int(rng.integers(1, 90)))
    if rng.random() < 0.3:
        shape = shape.difference(shapely.Point(x, y).buffer(rng.uniform(1, 100)))
    return shapely.affinity.translate(shape, 500_000.0, 5_761_038.0)


def random_grid(rng):
    """Return a network of a few crooked streets, some of them loops."""
    step = 200.0
    corners = {
        (i, j): (i * step + rng.uniform(-40, 40), j * step + rng.uniform(-40, 40))
        for i in range(5)
        for j in range(5)
    }
    lines = []
    for (i, j), here in corners.items():
        for there in ((i + 1, j), (i, j + 1)):
            if there in corners and rng.random() < 0.8:
                middle = rng.uniform(0, 1000, 2) if rng.random() < 0.1 else None
                between = [] if middle is None else [tuple(middle)]
                lines.append([here, *between, corners[there]])
    lines.append([corners[0, 0], (50.0, 300.0), (300.0, 50.0), corners[0, 0]])
    return WalkNetwork.from_streets(streets_of(lines), UTM)


def cut_by_shapely(network, shape):
    """Return the open network as shapely and networkx make it: nodes are coordinates."""
    graph = nx.Graph()
    for edge in range(len(network.edge_mm)):
        line = network.line(edge)
        scale = network.edge_mm[edge] / 1000 / line.length
        for part in shapely.get_parts(line.difference(shape)):
            if part.length > 0.002:
                a, b = (tuple(np.round(part.coords[end], 3)) for end in (0, -1))
                metres = part.length * scale
                if not graph.has_edge(a, b) or graph[a][b]["weight"] > metres:
                    graph.add_edge(a, b, weight=metres)
    return graph


@settings(max_examples=40)
@given(SEEDS)
def test_walks_round_closed_ground_are_those_of_shapely_and_networkx(seed):
    rng = np.random.default_rng(seed)
    network = random_grid(rng)
    shape = shapely.union_all([random_polygon(rng) for _ in range(rng.integers(1, 4))])
    opened = without(network, Ground.of([shape]))
    graph = cut_by_shapely(network, shape)
    where = [tuple(np.round(network.line(e).coords[0], 3)) for e in range(len(network.edge_mm))]
    nodes = {int(u): where[e] for e, u in enumerate(network.edge_u)}
    start, *others = rng.permutation(list(nodes))
    metres = access.distances(opened.network, int(start), np.array(others, np.int32))
    if nodes[int(start)] not in graph:
        assert not np.isfinite(metres).any()
        return
    reached = nx.single_source_dijkstra_path_length(graph, nodes[int(start)])
    for other, metre in zip(others, metres, strict=True):
        # each cut loses up to 2 mm to whole millimetres, and none is crossed
        assert metre == pytest.approx(reached.get(nodes[int(other)], np.inf), abs=0.05)


@settings(max_examples=40)
@given(SEEDS)
def test_no_street_of_the_open_network_lies_on_closed_ground(seed):
    rng = np.random.default_rng(seed)
    network = random_grid(rng)
    shapes = [random_polygon(rng) for _ in range(3)]
    opened = without(network, Ground.of(shapes))
    lines = opened.network.lines(np.arange(len(opened.network.edge_mm)))
    assert shapely.length(shapely.intersection(lines, shapely.union_all(shapes))).sum() < 0.01
    kept = int(opened.network.edge_mm.sum())
    whole = network.lines(np.arange(len(network.edge_mm)))
    dry = shapely.length(shapely.difference(whole, shapely.union_all(shapes)))
    scale = network.edge_mm / 1000 / shapely.length(whole)
    assert kept / 1000 == pytest.approx((dry * scale).sum(), abs=0.01 * len(opened.parent))


@settings(max_examples=40)
@given(SEEDS)
def test_places_keep_their_spot_and_their_leg(seed):
    rng = np.random.default_rng(seed)
    network = random_grid(rng)
    lon, lat = lonlat(rng.uniform(-50, 900, 30), rng.uniform(-50, 900, 30))
    places = snap(network, lon, lat)
    shut = rng.random(len(network.edge_mm)) < 0.2
    opened = without(network, Ground.of([random_polygon(rng)])).minus(shut)
    moved = opened.moved(places, np.zeros(len(places), bool))
    on = moved.snapped
    assert np.array_equal(moved.leg_mm, places.leg_mm)
    assert np.array_equal(opened.parent[moved.edge[on]], places.edge[on])
    here = network.positions(places.edge[on], places.offset_mm[on])
    there = opened.network.positions(moved.edge[on], moved.offset_mm[on])
    assert np.abs(here - there).max(initial=0) < 0.01


def routes_of(area, scenario):
    """Yield the whole way of every demand point that has one, legs included, in the metric CRS."""
    here = situation(area, scenario)
    forest = access.forest(here.open.network, here.doors)
    for row in range(len(area.demand)):
        way = forest.route(here.open.homes.take([row]))
        if way is not None:
            door = here.doors.take([way.entry])
            home = here.open.homes.take([row])
            points = [(home.lon[0], home.lat[0]), *way.geometry.coords, (door.lon[0], door.lat[0])]
            yield shapely.LineString(points)


@settings(max_examples=25)
@given(SEEDS)
def test_no_way_crosses_a_closed_zone(seed):
    rng = np.random.default_rng(seed)
    area = random_wet_village(rng)
    closed = area.hazards.geometry[area.hazards["hazard"] == "flood"].union_all()
    for way in routes_of(area, WET):
        assert way.intersection(closed).length * 111_000 < 0.02  # metres


def random_wet_village(rng):
    """Return a village of many homes with two or three flood zones."""
    homes = [
        ("west", int(rng.integers(1, 30)), rng.uniform(-40, 490), rng.uniform(-40, 120))
        for _ in range(15)
    ]
    homes += [("east", 5, rng.uniform(510, 1000), rng.uniform(-40, 120)) for _ in range(10)]
    sites = [
        (
            f"s{i}",
            f"S{i}",
            float(rng.integers(0, 60)),
            point(rng.uniform(0, 1000), rng.uniform(-60, 95)),
        )
        for i in range(rng.integers(1, 5))
    ]
    wet = []
    for _ in range(rng.integers(1, 4)):
        x, y = rng.uniform(0, 1000), rng.uniform(-60, 100)
        wet.append(
            (
                "flood",
                int(rng.integers(1, 5)),
                box(x, y, x + rng.uniform(5, 150), y + rng.uniform(5, 90)),
            )
        )
    fit = rng.choice(["yes", "no", "unknown"], len(sites))
    return village(
        demand=demand(homes),
        shelters=shelters(sites).assign(fit_flood=fit),
        hazards=zones(*wet, ("fire", 1, box(0, -50, 1000, 50))),
    )


def served(area, scenario, metres=600.0):
    walks = coverage.assess(area, scenario, AccessStandard(max_distance_m=metres))
    assert walks["population"].sum() == area.demand["population"].sum()
    return walks.loc[walks["status"] == "covered", "population"].sum()


@settings(max_examples=25)
@given(SEEDS, st.sampled_from(["assigned", "nearest", "ignored"]))
def test_a_larger_closure_never_serves_more(seed, room):
    rng = np.random.default_rng(seed)
    area = random_wet_village(rng)
    worse = [
        served(area, Scenario(hazard="flood", hazard_level=level, room=room))
        for level in (4, 3, 2, 1)
    ]
    assert all(a >= b for a, b in pairwise(worse))
    dry = served(area, Scenario(room=room))
    before = served(area, Scenario(hazard="flood", phase="before", room=room))
    assert dry >= before >= worse[-1]
    edges = tuple(int(e) for e in np.flatnonzero(rng.random(len(area.streets)) < 0.3))
    assert dry >= served(area, Scenario(closed_streets=edges, room=room))
    shut = Scenario(closed_areas=(shapely.to_wkt(area.hazards.geometry.iloc[0]),), room=room)
    assert dry >= served(area, shut)
    gone = Scenario(closed_shelters=(area.shelters.index[0],), room=room)
    assert dry >= served(area, gone)


def test_the_reasons_by_eye():
    # the High Street is under water between 450 and 550 m
    area = village(
        hazards=zones(("flood", 2, box(450, -20, 550, 20))),
        demand=demand(
            [
                ("west", 100, 10, 0),  # too far on a dry day, and shut off now
                ("west", 50, 400, 60),  # was covered by the school
                ("west", 1, 460, 5),  # lives in the zone
                ("east", 30, 700, 5),
                ("isle", 13, 25, 3005),
            ]
        ),
    )
    standard = AccessStandard(max_distance_m=500)
    dry = coverage.assess(area, Scenario(room="ignored"), standard)
    assert dry["status"].tolist() == ["too_far", "covered", "covered", "covered", "no_path"]
    wet = coverage.assess(area, Scenario(hazard="flood", room="ignored"), standard)
    assert wet["status"].tolist() == ["cut_off", "cut_off", "cut_off", "covered", "no_path"]
    assert wet["hazard_level"].tolist() == [0, 0, 2, 0, 0]
    milder = coverage.assess(area, Scenario(hazard="flood", hazard_level=3), standard)
    assert (
        milder["status"].tolist() == coverage.assess(area, Scenario(), standard)["status"].tolist()
    )
    early = coverage.assess(
        area, Scenario(hazard="flood", phase="before", room="ignored"), standard
    )
    assert early["status"].tolist() == dry["status"].tolist()
    assert early["hazard_level"].tolist() == [0, 0, 2, 0, 0]


def test_a_shelter_in_the_zone_or_listed_as_unfit_is_not_used_and_unknown_is_kept_apart():
    wet = zones(("flood", 1, box(590, 80, 610, 100)))  # Mill School itself
    area = village(hazards=wet, shelters=shelters().assign(fit_flood=["yes", "unknown"]))
    here = situation(area, WET)
    assert here.fitness.tolist() == ["no", "unknown"]
    assert here.reason.tolist() == ["in_zone", ""]
    walks = coverage.assess(area, WET)
    assert set(walks["shelter_id"].dropna()) == {"park"}
    assert walks["status"].tolist()[1] == "unsafe"
    strict = situation(area, Scenario(hazard="flood", unknown_fitness="refuse"))
    assert strict.reason.tolist() == ["in_zone", "fitness_unknown"]
    listed = village(shelters=shelters().assign(fit_flood=["no", "yes"]))
    assert situation(listed, WET).reason.tolist() == ["unfit", ""]
    assert situation(listed, Scenario()).reason.tolist() == ["", ""]
    assert situation(listed, Scenario(hazard="fire")).fitness.tolist() == ["unknown", "unknown"]


def test_a_resident_is_told_why_nearer_shelters_are_not_offered():
    area = village(
        hazards=zones(("flood", 1, box(450, -20, 550, 20)), ("fire", 3, box(590, 80, 610, 100)))
    )
    spot = box(400, 0, 400, 0).centroid
    ordinary = find_shelters(area, spot.x, spot.y)
    assert [option.shelter_id for option in ordinary.options] == ["school", "park"]
    assert ordinary.refused == ()
    burning = find_shelters(area, spot.x, spot.y, scenario=Scenario(hazard="fire"))
    assert [option.shelter_id for option in burning.options] == ["park"]
    assert [(one.shelter_id, one.reason) for one in burning.refused] == [("school", "in_zone")]
    wet = find_shelters(area, spot.x, spot.y, scenario=WET)
    assert (wet.status, wet.options) == ("cut_off", ())
    assert [one.reason for one in wet.refused] == ["cut_off", "cut_off"]
    there = find_shelters(area, *box(500, 0, 500, 0).centroid.coords[0], scenario=WET)
    assert (there.status, there.hazard_level) == ("cut_off", 1)
    no_park = find_shelters(
        village(shelters=shelters().iloc[:1].assign(fit_flood="no")), spot.x, spot.y, scenario=WET
    )
    assert (no_park.status, no_park.refused[0].reason) == ("unsafe", "unfit")


@pytest.mark.parametrize(
    ("school", "expected"),
    [
        ("yes", ["cut_off", "cut_off", "covered", "no_network", "no_path"]),
        ("no", ["too_far", "unsafe", "unsafe", "no_network", "no_path"]),
    ],
)
def test_find_and_gaps_say_the_same_of_who_is_shut_off(school, expected):
    # the school stays dry, the park does not; water lies between d0 and the east, d1 stands in it
    wet = zones(("flood", 1, box(350, -20, 450, 200)), ("flood", 2, box(870, -210, 1010, 0)))
    area = village(hazards=wet, shelters=shelters().assign(fit_flood=[school, "yes"]))
    walks = coverage.assess(area, WET)
    assert walks["status"].tolist() == expected
    for key, walk in walks.iterrows():
        spot = area.demand.geometry[key]
        answer = find_shelters(area, spot.x, spot.y, scenario=WET)
        told = "ok" if np.isfinite(walk["distance_m"]) else walk["status"]
        told = "unsafe" if told == "too_far" else told  # only unfit ones can be reached
        assert answer.status == told, key


def test_a_shelter_that_says_it_is_full_makes_people_full_not_lost():
    only = shelters().iloc[:1]
    standard = AccessStandard(max_distance_m=500)
    for table in (only.assign(status="full"), only.assign(capacity=0.0)):
        walks = coverage.assess(village(shelters=table), None, standard)
        assert walks["status"].tolist() == ["too_far", "full", "full", "no_network", "no_path"]
    answer = find_shelters(village(shelters=only.assign(status="full")), *point(590, 80).coords[0])
    assert [one.reason for one in answer.refused] == ["full"]


def test_a_zone_that_ends_at_the_middle_of_a_street_leaves_it_open():
    school = shelters([("s", "S", None, point(600, 90))])
    beside = village(hazards=zones(("flood", 1, box(-50, -300, 2000, 0))), shelters=school)
    assert coverage.assess(beside, WET)["distance_m"].iloc[1] == pytest.approx(350, abs=0.5)
    halves = zones(("flood", 1, box(-50, -300, 2000, 0)), ("flood", 1, box(-50, 0, 2000, 50)))
    under = village(hazards=halves, shelters=school)
    assert not np.isfinite(coverage.assess(under, WET)["distance_m"].iloc[1])


def test_a_border_between_two_far_corners_stays_where_it_is_on_the_map():
    # on a sphere a straight border on the map bends in the metric plane; it must not move
    far = shapely.box(-60, -40, 60, box(0, -30, 1, -20).bounds[1])
    area = village(hazards=zones(("flood", 1, far)), shelters=shelters().iloc[:1])
    assert coverage.assess(area, WET)["status"].tolist()[1] == "covered"
    everywhere = Scenario(closed_areas=(shapely.box(-180, -90, 180, 90).wkt,))
    assert set(coverage.assess(area, everywhere)["status"]) <= {"cut_off", "no_network", "no_path"}


def test_a_zone_without_a_hazard_is_in_no_scenario():
    area = village(hazards=zones(("", 1, box(-50, -50, 500, 50))))
    assert situation(area, Scenario()).ground is None


def test_what_is_remembered_cannot_be_changed_from_outside():
    area = village()
    first = coverage.assess(area)
    first["population"] = 0.0
    assert coverage.assess(area)["population"].sum() == area.demand["population"].sum()


def test_gates_for_emergencies_open_when_the_scenario_says_so():
    area = village()
    gate = area.entrances.assign(emergency_only=True)
    shut = type(area)(
        **{f: getattr(area, f) for f in area.__dataclass_fields__ if f != "memory"}
        | {"entrances": gate}
    )
    assert coverage.assess(shut)["shelter_id"].isna().all()
    opened = coverage.assess(shut, Scenario(gates="emergency"))
    assert opened["shelter_id"].tolist()[:3] == ["school", "school", "park"]
    assert situation(shut, Scenario()).reason.tolist() == ["no_entrance", "no_entrance"]


def test_what_is_not_there_cannot_be_closed():
    area = village()
    with pytest.raises(ScenarioError, match="shelters that do not exist: nowhere"):
        coverage.assess(area, Scenario(closed_shelters=("nowhere",)))
    with pytest.raises(ScenarioError, match=r"streets that do not exist: \[6\]"):
        coverage.assess(area, Scenario(closed_streets=(6,)))
    with pytest.raises(UnknownNameError, match="flod"):
        coverage.assess(area, Scenario(hazard="flod"))


def test_return_periods_choose_the_zones():
    wet = zones(("flood", 1, box(450, -20, 550, 20)), ("flood", 2, box(650, -20, 660, 20)))
    wet["return_period"] = [1000, 10]
    area = village(hazards=wet)
    assert situation(area, Scenario(hazard="flood", return_period=100)).ground.shapes.size == 1
    assert situation(area, Scenario(hazard="flood", return_period=1000)).ground.shapes.size == 2
    assert situation(area, Scenario(hazard="flood", return_period=5)).ground is None


def test_people_are_counted_where_they_are_at_that_time():
    table = demand().assign(population_day=[10, 500, 30, 7, None])
    area = village(demand=table)
    day = coverage.assess(area, Scenario(time="day"))
    assert day.groupby("demand_id")["population"].sum().tolist() == [10, 500, 30, 7, 13]
    assert coverage.assess(area, Scenario(time="night"))["population"].sum() == 200
