"""Candidate sites of a village that can be checked by eye: measured, judged, explained."""

import math

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from shelterplan import AccessStandard, Scenario, StudyArea
from shelterplan.errors import TableError, UnknownNameError
from shelterplan.network import WalkNetwork
from shelterplan.room import room_of
from shelterplan.siting import SitingError
from shelterplan.siting.candidate_rules import RULES, SuitabilityRules, judge
from shelterplan.siting.candidates import site_at, suitability, why_none, with_areas
from shelterplan.siting.ways_in import ways_in
from shelterplan.snap import NOWHERE, Places
from tests.village import box, demand, lonlat, point, streets, village

SITES = {
    "corner": ("Corner", "square", 80, point(600, -5)),
    "lane": ("Lane End", "parking", None, point(605, 100)),
    "moor": ("Moor", "park", None, point(700, 1500)),
    "green": ("Green", "park", None, box(100, -50, 200, 50)),
    "isle": ("Isle", "park", None, point(25, 3005)),
}


def sites(*names, **columns):
    rows = [SITES[name] for name in names or SITES]
    return gpd.GeoDataFrame(
        {
            "name": [r[0] for r in rows],
            "kind": [r[1] for r in rows],
            "capacity": [r[2] for r in rows],
        }
        | columns,
        index=list(names or SITES),
        geometry=[r[3] for r in rows],
        crs="EPSG:4326",
    )


def zones(*rows):
    return gpd.GeoDataFrame(
        {"hazard": [r[0] for r in rows], "level": [r[1] for r in rows]},
        index=[f"z{i}" for i in range(len(rows))],
        geometry=[r[2] for r in rows],
        crs="EPSG:4326",
    )


FLOOD = zones(("flood", 1, box(550, -20, 650, 200)), ("flood", 3, box(590, 60, 620, 150)))
LOOSE = SuitabilityRules(rest_m=450.0)


@pytest.fixture(scope="module")
def place():
    return village(candidates=sites(), hazards=FLOOD)


def test_what_is_measured_on_an_ordinary_day(place):
    found = suitability(place, rules=LOOSE)
    assert found.index.tolist() == list(SITES)
    assert found["on_network"].tolist() == [True, True, False, True, True]
    assert found["leg_m"].round(1).tolist() == [5.0, 5.0, math.inf, 0.0, 5.0]
    assert found["entrances"].tolist() == [1, 1, 1, 2, 1]
    assert found["ways_in"].tolist() == [2, 1, 0, 1, 1]
    walks = found["nearest_shelter_m"].round(0).tolist()
    # Corner: 5 m to the street, 90 m up Mill Lane; Lane End: 5 + 10 m; Green: from its east side
    assert walks == [95.0, 15.0, math.inf, 490.0, math.inf]
    assert found["area_m2"].isna().tolist() == [True, True, True, False, True]
    assert found.loc["green", "area_m2"] == pytest.approx(10_000, rel=1e-3)
    assert found["hazard_level"].tolist() == [0] * 5
    assert found["slope"].isna().all()
    assert found["room_from"].tolist() == ["stated", *["unknown"] * 4]
    assert found["reason"].tolist() == ["", "", "not_on_network", "", ""]
    assert found["doubts"].tolist() == [""] * 5
    assert found["suitable"].tolist() == [True, True, False, True, True]


def test_the_candidates_and_their_order_stay(place):
    before = place.candidates.copy()
    found = suitability(place, place.candidates.iloc[::-1])
    assert found.index.tolist() == list(SITES)[::-1]
    assert found["name"].tolist() == [SITES[key][0] for key in found.index]
    assert place.candidates.equals(before)
    assert len(suitability(place, place.candidates.iloc[:0])) == 0


def test_zones_of_the_hazard_leave_sites_out(place):
    wet = suitability(place, scenario=Scenario(hazard="flood"), rules=LOOSE)
    assert wet["hazard_level"].tolist() == [1, 3, 0, 0, 0]
    assert wet["reason"].tolist() == ["in_zone", "in_zone", "not_on_network", "", ""]
    high = suitability(
        place,
        scenario=Scenario(hazard="flood"),
        rules=SuitabilityRules(hazard_level=2, min_ways_in=0),
    )
    assert high["reason"].tolist() == ["", "in_zone", "not_on_network", "", ""]
    assert high["hazard_level"].tolist() == [1, 3, 0, 0, 0]
    dry = suitability(place, rules=SuitabilityRules(hazards=("flood",)))
    assert dry["reason"].tolist() == wet["reason"].tolist()


def test_a_shelter_in_the_zone_is_no_neighbour(place):
    wet = suitability(place, scenario=Scenario(hazard="flood", phase="before"))
    # the school is unfit: from the corner 5 m to the street, 280 m along it, 5 m to the park
    assert wet.loc["corner", "nearest_shelter_m"] == pytest.approx(290, abs=1)
    cut = suitability(place, scenario=Scenario(hazard="flood", phase="during"))
    assert cut.loc["green", "nearest_shelter_m"] == math.inf


def test_a_flooded_way_in_is_none(place):
    scenario = Scenario(closed_streets=(4,))
    found = suitability(place, scenario=scenario, rules=LOOSE)
    assert found.loc["lane", ["on_network", "ways_in", "reason"]].tolist() == [
        True,
        0,
        "one_way_in",
    ]


def test_a_hazard_without_zones_is_a_doubt(place):
    found = suitability(place, scenario=Scenario(hazard="tsunami"))
    assert found["hazard_level"].isna().all()
    assert found["doubts"].tolist() == ["in_zone"] * 5
    assert found["suitable"].tolist() == [True, True, False, True, True]
    both = suitability(
        place, scenario=Scenario(hazard="tsunami"), rules=SuitabilityRules(hazards=("flood",))
    )
    assert both["hazard_level"].fillna(-1).tolist() == [1, 3, -1, -1, -1]
    with pytest.raises(UnknownNameError, match="hazard called 'fog'"):
        suitability(place, rules=SuitabilityRules(hazards=("fog",)))


def test_room_is_as_for_shelters(place):
    standard = AccessStandard(area_m2_per_person=3.0)
    found = suitability(place, standard=standard)
    assert found["room_from"].tolist() == ["stated", "unknown", "unknown", "area", "unknown"]
    assert found.loc["corner", "room"] == 80
    assert found.loc["green", "room"] == math.floor(found.loc["green", "area_m2"] / 3.0)
    built = village(shelters=with_areas(place.candidates))
    assert room_of(built, standard)["room"].equals(found["room"].rename_axis("shelter_id"))


def test_a_site_of_the_least_area_is_large_enough():
    area = village(candidates=sites("green", "lane"))
    exact = float(suitability(area)["area_m2"].iloc[0])
    at = suitability(area, rules=SuitabilityRules(min_area_m2=exact))
    assert at["reason"].tolist() == ["", ""]
    assert at["doubts"].tolist() == ["", "too_small"]
    above = suitability(area, rules=SuitabilityRules(min_area_m2=exact + 0.1))
    assert above["reason"].tolist() == ["too_small", ""]
    none = suitability(area, standard=AccessStandard(area_m2_per_person=20_000))
    assert none["reason"].tolist() == ["too_small", ""]


def test_the_slope_is_that_of_the_streets_at_the_site():
    given_streets = streets()
    climb = pd.array([30.0, 0.0, 0.0, 20.0, None, 0.0], "Float64")
    fall = pd.array([10.0, 0.0, 0.0, 0.0, None, 0.0], "Float64")
    steep = given_streets.edges.assign(climb_m=climb, descent_m=fall)
    area = village(
        streets=type(given_streets)(steep, given_streets.dropped, 6, ""),
        candidates=sites("green", "lane", "isle"),
    )
    found = suitability(area, rules=SuitabilityRules(max_slope=0.1001))
    assert found["slope"].astype(float).round(4).tolist()[::2] == [0.1, 0.0]
    assert found["slope"].isna().tolist() == [False, True, False]
    assert found["reason"].tolist() == ["", "", ""]
    assert found["doubts"].tolist() == ["", "too_steep", ""]
    gentle = suitability(area, rules=SuitabilityRules(max_slope=0.0999))
    assert gentle["reason"].tolist() == ["too_steep", "", ""]


def test_excluded_land_and_kinds(place):
    beside, over = (box(x, -50, 300, 50).wkt for x in (200, 190))
    rules = SuitabilityRules(excluded_land=(("Army", beside), ("Marsh", over)))
    found = suitability(place, rules=rules)
    assert found["land"].tolist() == ["", "", "", "Marsh", ""]
    assert found["reason"].tolist() == ["", "", "not_on_network", "excluded_land", ""]
    no_cars = suitability(place, rules=SuitabilityRules(excluded_kinds=("parking",)))
    assert no_cars["reason"].tolist() == ["", "excluded_kind", "not_on_network", "", ""]
    unknown = suitability(
        place, sites("lane", kind=[None]), rules=SuitabilityRules(excluded_kinds=("parking",))
    )
    assert unknown["doubts"].tolist() == ["excluded_kind"]


def test_a_site_at_the_least_distance_from_a_shelter_is_far_enough(place):
    exact = float(suitability(place)["nearest_shelter_m"]["corner"])
    at = suitability(place, rules=SuitabilityRules(min_shelter_distance_m=exact))
    assert at["reason"].tolist() == ["", "near_shelter", "not_on_network", "", ""]
    above = suitability(place, rules=SuitabilityRules(min_shelter_distance_m=exact + 0.001))
    assert above.loc["corner", "reason"] == "near_shelter"


def test_two_ways_in(place):
    rules = SuitabilityRules(rest_m=450.0, min_ways_in=2)
    assert suitability(place, rules=rules)["reason"].tolist() == [
        "",
        "one_way_in",
        "not_on_network",
        "one_way_in",
        "one_way_in",
    ]
    near = SuitabilityRules(rest_m=150.0, min_ways_in=2)
    assert suitability(place, rules=near).loc["green", "reason"] == ""


def test_the_first_rule_that_leaves_a_site_out_is_its_reason():
    assert [rule.name for rule in RULES] == [
        "not_on_network",
        "in_zone",
        "excluded_land",
        "excluded_kind",
        "too_small",
        "too_steep",
        "one_way_in",
        "near_shelter",
    ]
    worst = pd.DataFrame(
        {
            "on_network": [False],
            "hazard_level": pd.array([4], "Int64"),
            "land": ["Army"],
            "kind": ["park"],
            "area_m2": pd.array([1.0], "Float64"),
            "slope": pd.array([0.5], "Float64"),
            "ways_in": [0],
            "nearest_shelter_m": [1.0],
        }
    )
    good = {
        "on_network": True,
        "hazard_level": 0,
        "land": "",
        "kind": "school",
        "area_m2": 100.0,
        "slope": 0.0,
        "ways_in": 2,
        "nearest_shelter_m": 900.0,
    }
    rules = SuitabilityRules(
        min_area_m2=50, max_slope=0.1, min_ways_in=2, min_shelter_distance_m=500,
        excluded_kinds=("park",), excluded_land=(("Army", box(0, 0, 1, 1).wkt),),
    )  # fmt: skip
    for rule, (column, value) in zip(RULES, good.items(), strict=True):
        assert judge(worst, rules)["reason"].tolist() == [rule.name]
        worst[column] = value
    assert judge(worst, rules).to_numpy().tolist() == [[True, "", ""]]


BAD_RULES = [
    ({"hazard_level": 0}, "hazard_level must be 1 to 4"),
    ({"min_ways_in": 3}, "min_ways_in must be 0 to 2"),
    ({"min_area_m2": -1}, "min_area_m2 must be a finite number >= 0"),
    ({"max_slope": math.nan}, "max_slope must be"),
    ({"rest_m": None}, "rest_m must be"),
    ({"excluded_land": (("Army", "POINT (1 1)"),)}, "'Army' must be a polygon"),
    ({"excluded_land": (("Army", "POLYGON"),)}, "'Army' must be a polygon, in WKT"),
    ({"excluded_land": ("Army",)}, "pairs of a name and a polygon"),
    ({"excluded_land": (("Army", shapely.box(0, 0, 400, 1).wkt),)}, "longitude and latitude"),
]


@pytest.mark.parametrize(("settings", "said"), BAD_RULES)
def test_impossible_rules_are_refused(settings, said):
    with pytest.raises(SitingError, match=said):
        SuitabilityRules(**settings)


def test_rules_as_plain_values_make_the_same_rules():
    rules = SuitabilityRules(min_area_m2=5, excluded_land=(("A", box(0, 0, 9, 9).wkt),))
    plain = rules.to_dict()
    land = tuple(map(tuple, plain.pop("excluded_land")))
    again = {key: tuple(v) if isinstance(v, list) else v for key, v in plain.items()}
    assert SuitabilityRules(**again, excluded_land=land) == rules


def test_faulty_candidates_are_refused(place):
    with pytest.raises(TableError, match="capacity must be a finite number"):
        suitability(place, sites("lane", capacity=[-1]))


def test_a_site_from_a_click(place):
    lon, lat = lonlat(500, 20)
    site = site_at(place, lon, lat, name=" Meadow ", capacity=120)
    assert site[["name", "kind", "capacity"]].iloc[0].tolist() == ["Meadow", "own site", 120]
    assert site["cost"].isna().all()
    assert site.geometry.iloc[0].equals(shapely.Point(lon, lat))
    found = suitability(place, site)
    assert found["leg_m"].iloc[0] == pytest.approx(20, abs=0.1)
    assert found["suitable"].all()
    unnamed = site_at(place, lon, lat)
    assert unnamed["name"].iloc[0] == f"site at {lat:.5f}, {lon:.5f}"


@pytest.mark.parametrize("where", [(4.0, 0.0), (3.0, 1.0), (math.nan, 0.0), (3.0, math.inf)])
def test_a_click_elsewhere_is_refused(place, where):
    with pytest.raises(SitingError, match="is not within Village: longitude"):
        site_at(place, *where)


@pytest.mark.parametrize("settings", [{"capacity": -1}, {"cost": math.nan}, {"area_m2": True}])
def test_impossible_numbers_of_a_click_are_refused(place, settings):
    with pytest.raises(SitingError, match="must be a number >= 0"):
        site_at(place, *lonlat(500, 20), **settings)


def said(area, *names, standard=None, scenario=None, counted="possible", **columns):
    chosen = sites(*names, **columns) if names else area.candidates.iloc[:0]
    table = suitability(area, chosen, standard=standard, scenario=scenario)
    return why_none(area, table, standard=standard, scenario=scenario, counted=counted)


def test_why_no_candidate_helps(place):
    assert "no candidate sites" in said(place)[0]
    flood = Scenario(hazard="flood", phase="before")
    assert said(place, "corner", "lane", scenario=flood) == ["All 2 candidates lie in flood zones."]
    assert said(place, "lane", scenario=flood) == ["The only candidate lies in flood zones."]
    (three,) = said(place, "corner", "lane", "moor", scenario=flood)
    assert three.startswith("None of the 3 candidates is suitable: 1 lies too far from any street")
    assert three.endswith(", 2 lie in flood zones.")
    near = AccessStandard(max_distance_m=40)
    assert said(place, "corner", standard=near) == [
        "No candidate is within 40 m of anybody without a place."
    ]
    soon = AccessStandard(max_time_s=30)
    assert said(place, "corner", standard=soon) == [
        "No candidate is within 0.5 minutes of anybody without a place."
    ]
    assert said(place, "green") == []
    assert said(place, "green", capacity=[0]) == [
        "The candidates near people without a place have no room that is known of."
    ]
    assert said(place, "green", capacity=[0], scenario=Scenario(room="ignored")) == []


def test_why_no_candidate_helps_where_sizes_are_not_known(place):
    # 30 people of the east can go to the park, whose size is not known; so can those near the lane
    wide = AccessStandard(max_distance_m=2_000)
    far_off = demand([("east", 30, 990, 10)])
    area = village(demand=far_off)
    assert said(area, "lane", standard=wide) == ["Everybody has a place already."]
    alone = village(demand=far_off, shelters=place.shelters.iloc[1:])
    assert said(alone, "lane", standard=wide) == ["Everybody has a place already."]
    assert said(alone, "lane", standard=wide, counted="confirmed") == [
        "The candidates near people without a place have no room that is known of."
    ]
    assert said(alone, "corner", standard=wide, counted="confirmed") == []


def test_why_no_candidate_helps_where_nobody_needs_one():
    area = village(demand=demand([("east", 5, 600, 50)]))
    assert said(area, "green") == ["Everybody has a place already."]


def test_communities_off_the_network_are_named():
    area = village(demand=demand([("east", 5, 600, 50), ("isle", 13, 25, 2400)]))
    assert said(area, "green") == [
        "No candidate can be reached by anybody without a place.",
        "1 community is off the network (Île Dévote): no walkable street lies within 500 m.",
    ]


def feet(rows):
    """Return places; a row is (site, edge, millimetres along it)."""
    site, edge, offset = (np.array(column) for column in zip(*rows, strict=True))
    zero = np.zeros(len(rows))
    mm = zero.astype(np.int64)
    return Places(
        zero, zero, edge.astype(np.int32), offset.astype(np.int64), mm, mm, site.astype(np.int32)
    )


def still_reached(network, places):
    """Return the least length of streets that stays connected with a site, whatever is cut."""
    split, at, more = nx.MultiGraph(), [], network.node_count
    split.add_nodes_from(range(network.node_count))
    for edge, length in enumerate(network.edge_mm.tolist()):
        node, done = int(network.edge_u[edge]), 0
        last = int(network.edge_v[edge])
        for offset in sorted(set(places.offset_mm[places.edge == edge].tolist())):
            if 0 < offset < length:
                split.add_edge(node, more, mm=offset - done)
                node, done, more = more, offset, more + 1
            at.append(node if offset < length else last)
        split.add_edge(node, last, mm=length - done)
    whole = reached_mm(split, at)
    least = whole
    for u, v, key, mm in list(split.edges(keys=True, data="mm")):
        split.remove_edge(u, v, key)
        apart = not nx.has_path(split, u, v)
        sides = [{*nx.node_connected_component(split, node)} & {*at} for node in (u, v)]
        if apart and not all(sides):
            least = min(least, reached_mm(split, at))
        split.add_edge(u, v, key, mm=mm)
    return least, whole


def reached_mm(graph, at):
    nodes = set().union(*(nx.node_connected_component(graph, node) for node in at))
    return sum(mm for u, _, mm in graph.edges(data="mm") if u in nodes)


@given(st.data())
def test_ways_in_are_what_cutting_each_street_says(data):
    count = data.draw(st.integers(2, 9))
    node = st.integers(0, count - 1)
    edges = data.draw(st.lists(st.tuples(node, node, st.integers(1, 9)), min_size=1, max_size=14))
    u, v, hundreds = zip(*edges, strict=True)
    network = WalkNetwork.from_edges(u, v, np.array(hundreds) * 100.0, node_count=count)
    foot = st.tuples(st.integers(0, len(edges) - 1), st.integers(0, 2))
    rows = [
        (0, edge, int(network.edge_mm[edge]) * half // 2)
        for edge, half in data.draw(st.lists(foot, min_size=1, max_size=4))
    ]
    places = feet(rows)
    rest_m = data.draw(st.integers(1, 12)) * 100.0
    least, _ = still_reached(network, places)
    part_mm = np.bincount(network.edge_component, weights=network.edge_mm)
    parts = np.unique(network.edge_component[places.edge])
    found = ways_in(network, places, 1, rest_m=rest_m).tolist()
    if (part_mm[parts] >= 2 * rest_m * 1000).all():
        assert found == [2 if least >= rest_m * 1000 else 1]
    elif len(parts) == 1:
        assert found == [1]


def test_ways_in_of_a_dead_end_a_loop_and_a_long_street():
    # a triangle of 600 m, a dead end of 100 m on it, and a long dead end of 2,000 m
    network = WalkNetwork.from_edges([0, 1, 2, 0, 1], [1, 2, 0, 3, 4], [200, 200, 200, 100, 2000])
    rows = [(0, 0, 50_000), (1, 3, 50_000), (2, 3, 0), (3, 4, 500_000), (4, 4, 1_900_000)]
    rows += [(5, 3, 90_000), (5, 0, 1), (6, NOWHERE, 0)]
    found = ways_in(network, feet(rows), 8, rest_m=500.0)
    assert found.tolist() == [2, 1, 2, 2, 1, 2, 0, 0]


def test_real_sites_in_real_zones():
    area = StudyArea.open("monaco")
    found = suitability(
        area,
        scenario=Scenario(hazard="storm_surge"),
        standard=AccessStandard(area_m2_per_person=2.0),
        rules=SuitabilityRules(min_ways_in=2),
    )
    assert len(found) == len(area.candidates) == 22
    assert (found["reason"] == "in_zone").sum() == 4
    zone = area.hazards[area.hazards["hazard"] == "storm_surge"].union_all()
    assert (found["hazard_level"] > 0).tolist() == area.candidates.intersects(zone).tolist()
    assert (found["room_from"] == "area").sum() == area.candidates["area_m2"].notna().sum()
    assert found.loc[found["suitable"], "ways_in"].eq(2).all()
