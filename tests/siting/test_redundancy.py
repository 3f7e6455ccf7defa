"""Closed streets and second ways: equal to closing each street, and to all pairs of walks."""

from itertools import combinations

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelterplan import AccessStandard, Scenario, StudyArea, access, coverage
from shelterplan.closures import without
from shelterplan.ends import ends, pairs
from shelterplan.pace import Pace
from shelterplan.siting import SitingError
from shelterplan.siting.redundancy import critical_streets, two_ways
from shelterplan.siting.redundancy_kernels import ONE_SHELTER, SHARED_STREET, TWO_WALKS
from shelterplan.siting.redundancy_walks import Walks
from shelterplan.situation import situation
from tests.village import box, demand, point, random_village, shelters, streets, village
from tests.worlds import random_network, random_places

SEEDS = st.integers(0, 2**32 - 1)


def random_world(rng):
    """Return a network, homes, doors, a limit in thousandths, a pace and a measure."""
    network, _ = random_network(rng)
    homes, doors = random_places(rng, network, 8), random_places(rng, network, 5)
    measure = rng.choice(["m", "s"])
    speed = rng.uniform(0.5, 2.0, (2, len(network.edge_mm)))
    ahead, back = np.rint(network.edge_mm * speed).astype(np.uint32)
    pace = Pace(forward_ms=ahead, backward_ms=back, ms_per_mm=0.8, uniform=False)
    return network, homes, doors, int(rng.integers(0, 200_000)), pace, str(measure)


def covered(network, homes, doors, limit, pace, by):
    """Return which homes have a walk within the limit."""
    walk = {"m": "distance_m", "s": "walk_time_s"}[by]
    found = access.nearest(network, homes, doors, pace=pace, by=by)[walk].to_numpy()
    return np.rint(found * 1000) <= limit


def part_of(pace, keep):
    return Pace(
        forward_ms=pace.forward_ms[keep],
        backward_ms=pace.backward_ms[keep],
        ms_per_mm=pace.ms_per_mm,
        uniform=False,
    )


@given(SEEDS)
@settings(max_examples=120)
def test_everybody_who_loses_a_walk_is_found(seed):
    rng = np.random.default_rng(seed)
    network, homes, doors, limit, pace, by = random_world(rng)
    count = len(network.edge_mm)
    street = np.arange(count, dtype=np.int32)
    if rng.random() < 0.3 and count:  # several edges are closed together
        street = np.sort(rng.integers(0, count, count)).astype(np.int32)
    walks = Walks.between(network, homes, doors, limit, street=street, pace=pace, by=by)
    before = covered(network, homes, doors, limit, pace, by)
    assert walks.home.tolist() == np.flatnonzero(before).tolist()
    pair_street, pair_home = walks.lost(0, walks.street_count)
    whole = without(network, None)
    for s in range(walks.street_count):
        keep = street != s
        opened = whole.minus(~keep)
        places = [opened.moved(one, np.zeros(len(one), bool)) for one in (homes, doors)]
        after = covered(opened.network, *places, limit, part_of(pace, keep), by)
        lost = walks.home[pair_home[pair_street == s]].tolist()
        lost += walks.home[walks.home_street == s].tolist()
        assert sorted(lost) == np.flatnonzero(before & ~after).tolist()


def walks_of(network, homes, doors, limit, pace, by, home):
    """Return every walk of a home within a limit, as (shelter, streets but its own)."""
    into, out = ends(network, doors, "target", pace), ends(network, homes, "source", pace)
    direct = pairs(network, homes, doors, pace)
    steps = (network.edge_mm,) * 2 if by == "m" else (pace.forward_ms, pace.backward_ms)
    own = homes.edge[home]
    found = {
        (int(doors.owner[direct.target[i]]), frozenset())
        for i in np.flatnonzero(direct.source == home)
        if _cost(direct, by)[i] <= limit
    }

    def go(node, spent, used, passed):
        for i in np.flatnonzero(into.node == node):
            if spent + _cost(into, by)[i] <= limit:
                door = into.place[i]
                found.add(
                    (int(doors.owner[door]), frozenset(used | {int(doors.edge[door])}) - {own})
                )
        for e in range(len(network.edge_mm)):
            for a, b, allowed, step in (
                (network.edge_u, network.edge_v, network.forward, steps[0]),
                (network.edge_v, network.edge_u, network.backward, steps[1]),
            ):
                there = spent + int(step[e])
                if allowed[e] and a[e] == node and b[e] not in passed and there <= limit:
                    go(b[e], there, used | {e}, passed | {b[e]})

    for i in np.flatnonzero(out.place == home):
        go(out.node[i], int(_cost(out, by)[i]), set(), {out.node[i]})
    return found


def _cost(ways, by):
    return ways.mm if by == "m" else ways.ms


@given(SEEDS)
@settings(max_examples=120)
def test_two_ways_are_found_exactly_where_all_pairs_of_walks_have_some(seed):
    rng = np.random.default_rng(seed)
    network, homes, doors, limit, pace, by = random_world(rng)
    if len(network.edge_mm) > 14:
        return
    walks = Walks.between(network, homes, doors, limit, pace=pace, by=by)
    answer, shelter, cost, _ = walks.two(0, len(walks.home), 100_000)
    for row, home in enumerate(walks.home):
        every = walks_of(network, homes, doors, limit, pace, by, home)
        two = any(a != b and not p & q for (a, p), (b, q) in combinations(every, 2))
        one = len({a for a, _ in every}) == 1
        assert answer[row] == (TWO_WALKS if two else ONE_SHELTER if one else SHARED_STREET)
        assert (cost[row][np.isfinite(cost[row])] * 1000 <= limit + 0.5).all()
        if two:
            assert {a for a, _ in every} >= set(shelter[row].tolist())
            assert shelter[row, 0] != shelter[row, 1]
        else:
            assert shelter[row, 1] == -1


def losses(area, scenario, standard, closed):
    """Return who is covered and no longer is once streets are closed, by way of the coverage."""
    scenario = scenario.with_changes(room="ignored")
    before = coverage.assess(area, scenario, standard)
    after = coverage.assess(
        area,
        scenario.with_changes(closed_streets=(*scenario.closed_streets, *closed)),
        standard,
    )
    lost = (before["status"] == "covered") & (after["status"] != "covered")
    return before["population"].to_numpy()[lost.to_numpy()]


def agrees(found, area, scenario, standard, street, closed=None):
    """Check one street of a ranking against the coverage."""
    lost = losses(area, scenario, standard, closed or (street,))
    people = found["lost_population"].get(street, 0.0)
    assert people == pytest.approx(lost.sum())
    if people:
        assert found.loc[street, "lost_points"] == len(lost)


def test_the_village_by_eye():
    """The school's door is at (600, 90), up Mill Lane; the west end lives 600 m from it."""
    found = critical_streets(village(), standard=AccessStandard(max_distance_m=700))
    rows = found.drop(columns="geometry")
    assert rows.loc[0, ["lost_population", "here_population"]].tolist() == [100, 100]
    assert rows.loc[1, ["lost_population", "here_population"]].tolist() == [150, 0]
    assert rows.loc[1, "beyond_population"] == 150
    assert rows.loc[4, "lost_population"] == 100  # those on the stair can go to the park as well
    assert rows.loc[4, "shelters_shut"] == 1
    assert rows.loc[3, ["lost_population", "here_population"]].tolist() == [50, 50]
    assert rows.loc[2, ["lost_population", "here_population"]].tolist() == [30, 30]
    assert found.index.tolist() == [1, 0, 4, 3, 2]
    assert found["only_link"].all()
    assert found.attrs["covered_population"] == 180
    assert found["streets"].tolist() == [str(street) for street in found.index]


WORLDS = [
    (Scenario(), AccessStandard(max_distance_m=500)),
    (Scenario.of(walker="wheelchair"), AccessStandard(max_time_s=900)),
    (Scenario.of(walker="assisted"), AccessStandard(max_time_s=900)),
    (Scenario(hazard="flood"), AccessStandard(max_distance_m=900)),
    (Scenario(closed_streets=(1,)), AccessStandard(max_distance_m=900)),
    (Scenario(delay_s=900), AccessStandard(max_time_s=600)),
]


@given(SEEDS, st.sampled_from(WORLDS))
@settings(max_examples=6)
def test_the_ranking_is_what_closing_each_street_shows(seed, world):
    scenario, standard = world
    rng = np.random.default_rng(seed)
    x = float(rng.uniform(0, 900))
    zone = gpd.GeoDataFrame(
        {"hazard": ["flood"], "level": [2]},
        index=["z"],
        geometry=[box(x, -20, x + float(rng.uniform(5, 80)), 20)],
        crs="EPSG:4326",
    )
    plain = random_village(seed)
    area = village(
        demand=plain.demand.drop(columns=["demand_id"], errors="ignore"),
        shelters=plain.shelters[["name", "capacity", "geometry"]],
        hazards=zone,
    )
    found = critical_streets(area, scenario, standard)
    for street in range(len(area.streets)):
        agrees(found, area, scenario, standard, street)


@pytest.mark.parametrize("name", ["monaco", "coquimbo"])
def test_a_sample_of_a_city_is_what_closing_each_street_shows(name):
    area, standard = StudyArea.open(name), AccessStandard(max_distance_m=800)
    scenario = Scenario.of(walker="elderly")
    found = critical_streets(area, scenario, standard)
    rng = np.random.default_rng(4)
    sample = [
        *found.index[:10],
        *rng.choice(found.index, 10).tolist(),
        *rng.integers(0, len(area.streets), 10).tolist(),
    ]
    for street in sample:
        agrees(found, area, scenario, standard, int(street))


def test_a_whole_way_is_closed_with_all_its_streets():
    area, standard = StudyArea.open("monaco"), AccessStandard()
    found = critical_streets(area, standard=standard, by="way")
    many = found[found["streets"].str.contains(" ")]
    ways = area.streets["osm_id"].to_numpy()
    for street, row in [*many.head(6).iterrows(), *many.tail(2).iterrows()]:
        closed = tuple(map(int, row["streets"].split()))
        assert closed == tuple(np.flatnonzero(ways == row["osm_id"]).tolist())
        assert row["length_m"] == pytest.approx(area.streets["length_m"].iloc[list(closed)].sum())
        agrees(found, area, Scenario(), standard, street, closed)
    alone = critical_streets(area, standard=standard)
    assert len(alone) > len(found)


def test_streets_without_an_osm_number_are_closed_alone():
    standard = AccessStandard(max_distance_m=700)
    by_street = critical_streets(village(), standard=standard)
    by_way = critical_streets(village(), standard=standard, by="way")
    assert by_way.drop(columns="geometry").equals(by_street.drop(columns="geometry"))


def test_only_links_are_what_networkx_calls_bridges():
    area = StudyArea.open("monaco")
    found = critical_streets(area, standard=AccessStandard(max_distance_m=5000))
    graph = nx.MultiGraph()
    graph.add_edges_from(
        (u, v, row) for row, (u, v) in enumerate(area.streets[["from", "to"]].to_numpy().tolist())
    )
    bridges = {key for u, v in nx.bridges(graph) for key in graph[u][v]}
    assert len(bridges) > 100
    assert found.index[found["only_link"]].tolist() == [s for s in found.index if s in bridges]


def test_nobody_loses_where_nobody_is_covered():
    found = critical_streets(village(), standard=AccessStandard(max_distance_m=0))
    assert found.empty
    assert found.attrs["covered_population"] == 0
    late = critical_streets(village(), Scenario(delay_s=700), AccessStandard(max_time_s=600))
    assert late.empty


def test_stop_and_progress():
    told = []
    critical_streets(village(), progress=lambda stage, share: told.append((stage, share)))
    assert told[0][1] == 0
    assert told[-1][1] == 1
    with pytest.raises(SitingError, match="stopped after 0 of 6"):
        critical_streets(village(), stop=lambda: True)
    with pytest.raises(SitingError, match="stopped"):
        two_ways(village(), standard=AccessStandard(max_distance_m=900), stop=lambda: True)
    with pytest.raises(SitingError, match="street or way"):
        critical_streets(village(), by="bridge")


def ladder(gap):
    """Return an area with a home in the middle of a street and a shelter at either end of it.

    a --- home's street --- b      shelters up the side streets of a and b; with `gap`, the
    |                       |      second one stands behind the first, in the same side street
    """
    rows = [
        (0, 1, [(0, 0), (200, 0)], "Home Street", "residential"),
        (0, 2, [(0, 0), (0, 100)], "Left", "residential"),
        (1, 3, [(200, 0), (200, 100)], "Right", "residential"),
    ]
    second = point(200, 90) if gap else point(0, 90)
    return village(
        streets=streets(rows),
        demand=demand([("west", 10, 100, 0), ("west", 5, 0, 50)]),
        shelters=shelters([("a", "A", 5, point(0, 80)), ("b", "B", 5, second)]),
    )


def test_two_ways_by_eye():
    standard = AccessStandard(max_distance_m=350)
    apart = two_ways(ladder(gap=True), standard=standard)
    assert apart["ways"].tolist() == [2, 2]
    assert apart["first_id"].tolist() == ["a", "a"]
    assert apart["second_id"].tolist() == ["b", "b"]
    assert apart["second_distance_m"].tolist() == pytest.approx([190, 340], abs=1)
    same = two_ways(ladder(gap=False), standard=standard)
    assert same["ways"].tolist() == [1, 2]  # the second lives on that side street
    assert same["why_not"].tolist() == ["shared_street", ""]
    near = two_ways(ladder(gap=True), standard=AccessStandard(max_distance_m=185))
    assert near["ways"].tolist() == [1, 1]
    assert near["why_not"].tolist() == ["one_shelter", "one_shelter"]
    nothing = two_ways(ladder(gap=True), standard=AccessStandard(max_distance_m=10))
    assert nothing["ways"].tolist() == [0, 0]
    assert nothing["first_id"].isna().all()
    assert np.isinf(nothing["first_distance_m"]).all()


def test_what_is_not_settled_is_told():
    area, standard = StudyArea.open("monaco"), AccessStandard(max_distance_m=1000)
    found = two_ways(area, standard=standard, most_searches=2)
    unsettled = found["ways"].isna()
    assert unsettled.any()
    assert (found.loc[unsettled, "why_not"] == "not_settled").all()
    full = two_ways(area, standard=standard)
    assert full["ways"].notna().all()
    assert (found["ways"].dropna() == full.loc[~unsettled, "ways"]).all()
    assert full.loc[unsettled, "ways"].isin([1, 2]).all()


def test_who_has_two_ways_loses_nothing_by_any_street_but_their_own():
    area, standard = StudyArea.open("monaco"), AccessStandard()
    ways = two_ways(area, standard=standard)["ways"]
    streets_lost = critical_streets(area, standard=standard)
    base = coverage.assess(area, Scenario(room="ignored"), standard)
    assert ((ways > 0) == (base["status"] == "covered")).all()
    own = situation(area, Scenario(room="ignored")).open.homes.edge
    for street in streets_lost.index[:15]:
        after = coverage.assess(
            area, Scenario(room="ignored", closed_streets=(int(street),)), standard
        )
        elsewhere = (ways == 2).to_numpy(bool) & (own != street)
        assert (after["status"][elsewhere] == "covered").all()


def test_more_of_everything_never_costs_a_way():
    area = StudyArea.open("monaco")
    before = two_ways(area, standard=AccessStandard(max_distance_m=400))["ways"]
    after = two_ways(area, standard=AccessStandard(max_distance_m=600))["ways"]
    assert (after >= before).all()
    closed = Scenario(closed_shelters=(str(area.shelters.index[0]),))
    fewer = two_ways(area, closed, AccessStandard(max_distance_m=600))["ways"]
    assert (fewer <= after).all()


def test_a_standard_in_time_is_met_in_time():
    found = two_ways(
        ladder(gap=True), Scenario.of(walker="assisted"), AccessStandard(max_time_s=240)
    )
    assert found["ways"].tolist() == [2, 1]
