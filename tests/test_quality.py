"""Grades of trust: every measure, its limit, and how to mend it."""

from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from shelterplan.earth import GEODESIC
from shelterplan.grades import GRADES, LIMITS, graded, grades
from shelterplan.quality import MESSAGES, check
from shelterplan.study_area import Source
from tests.village import box, communities, demand, point, shelters, streets, village

DAY = date(2026, 1, 1)
STREETS = Source(table="streets", name="village.osm.pbf", date="2025-07-01")


def good(**changes):
    """Return a village in which nothing is thin, with some of its tables changed."""
    tables = {
        "demand": demand([("west", 9, 10, 0), ("east", 9, 990, 10)]),
        "shelters": shelters([("s", "S", 9, point(600, 90))]).assign(verified="2025-06-01"),
        "sources": [STREETS],
    }
    return village(**(tables | changes))


def test_good_data_is_an_a():
    found = check(good(), today=DAY)
    assert found.grades.loc["Town", ["grade", "reason"]].tolist() == ["A", ""]
    assert not any(code.startswith("grade_") for code in found.findings["code"])


@pytest.mark.parametrize(
    ("verified", "grade", "reason"),
    [
        ("2025-01-01", "A", ""),
        ("2024", "B", "verified_age_years"),
        ("2022-01-01", "C", "verified_age_years"),
        ("2019-01-01", "D", "verified_age_years"),
        (None, "C", "unverified_share"),
        ("last May", "C", "unverified_share"),
        ("2026-01-02", "C", "unverified_share"),
    ],
)
def test_the_age_of_the_shelters(verified, grade, reason):
    table = shelters([("s", "S", 9, point(600, 90))]).assign(verified=verified)
    found = check(good(shelters=table), today=DAY)
    assert found.grades.loc["Town", ["grade", "reason"]].tolist() == [grade, reason]
    unreadable = verified in {"last May", "2026-01-02"}
    assert ("date_unreadable" in set(found.findings["code"])) == unreadable
    assert ("not_verified" in set(found.findings["code"])) == (verified is None)


@pytest.mark.parametrize(
    ("dates", "grade", "reason"),
    [
        (["2025-07-01", "2023-07-01"], "B", "streets_age_years"),
        (["2025-07-01", ""], "C", "undated_streets_share"),
        ([], "C", "undated_streets_share"),
    ],
)
def test_the_age_of_the_streets_is_told_once(dates, grade, reason):
    sources = [Source(table="streets", name="v", date=day) for day in dates]
    found = check(good(sources=sources), today=DAY)
    assert found.grades.loc["Town", ["grade", "reason"]].tolist() == [grade, reason]
    told = found.findings[found.findings["code"] == f"grade_{reason}"]
    assert len(told) == 1
    assert told["problem"].iloc[0].startswith("Village: ")


def test_the_same_data_ages():
    assert grades(good(), today=DAY).loc["Town", "grade"] == "A"
    assert grades(good(), today=date(2035, 1, 1)).loc["Town", "grade"] == "D"


def test_people_moved_off_an_island_cost_a_grade():
    rows = [
        (0, 1, [(0, 0), (400, 0)], "High Street", "residential"),
        (1, 2, [(400, 0), (1000, 0)], "High Street", "residential"),
        (3, 4, [(100, 20), (200, 20)], "Yard", "path"),
    ]
    homes = demand([("west", 30, 150, 21), ("west", 70, 300, 0)])
    table = shelters([("s", "S", 9, point(600, 0))]).assign(verified="2025-06-01")
    found = check(good(streets=streets(rows), demand=homes, shelters=table), today=DAY)
    town = found.grades.loc["Town"]
    assert town["moved_share"] == 0.3
    assert town[["grade", "reason"]].tolist() == ["C", "moved_share"]
    told = found.findings.set_index("code").loc["grade_moved_share"]
    assert told["problem"].startswith("Town: 30.0 % of the people were put on a farther street")
    assert told["severity"] == "warning"


def test_a_district_with_a_third_of_its_neighbours_streets_is_marked():
    # 600 m of street in the west, 400 m in the middle and 100 m in the east; equal ground, people
    rows = [
        (0, 1, [(0, 0), (300, 0)], "a", "path"),
        (0, 2, [(0, 0), (0, 300)], "b", "path"),
        (1, 3, [(300, 0), (600, 0)], "c", "path"),
        (3, 4, [(600, 0), (600, 100)], "d", "path"),
        (3, 5, [(600, 0), (700, 0)], "e", "path"),
    ]
    squares = gpd.GeoDataFrame(
        {"name": ["w", "m", "e"], "district": ["West", "Middle", "East"]},
        index=["w", "m", "e"],
        geometry=[box(x, -50, x + 310, 350) for x in (-1, 309, 619)],
        crs="EPSG:4326",
    )
    homes = demand([("w", 10, 10, 0), ("m", 10, 400, 0), ("e", 10, 690, 0)])
    table = shelters([("s", "S", 9, point(600, 0))]).assign(verified="2025-06-01")
    place = good(streets=streets(rows), communities=squares, demand=homes, shelters=table)
    found = check(place, today=DAY)
    missing = found.grades["missing_streets_share"]
    assert missing.round(2).to_dict() == {"East": 0.75, "Middle": 0.0, "West": 0.0}
    assert found.grades.loc["East", ["grade", "reason"]].tolist() == ["D", "missing_streets_share"]
    crowded = good(
        streets=streets(rows),
        communities=squares,
        shelters=table,
        demand=demand([("w", 10, 10, 0), ("m", 10, 400, 0), ("e", 1, 690, 0)]),
    )
    few = grades(crowded, today=DAY)["missing_streets_share"]
    assert few["East"] == 0.0  # little street on the ground, but enough for its one inhabitant


def test_a_district_without_neighbours_is_not_compared():
    assert np.isnan(grades(good(), today=DAY).loc["Town", "missing_streets_share"])


def test_a_hazard_of_which_no_shelter_says_anything():
    zone = gpd.GeoDataFrame(
        {"hazard": ["flood", "flood"], "level": [1, 2]},
        index=["a", "b"],
        geometry=[box(0, -9, 9, 9), box(0, -9, 5, 9)],
        crs="EPSG:4326",
    )
    told = check(good(hazards=zone), today=DAY).findings.set_index("code")
    assert told.loc["fitness_unknown", "problem"].startswith("2 zones of flood are known, but no")
    said = shelters([("s", "S", 9, point(600, 90))]).assign(verified="2025-06-01", fit_flood="no")
    assert "fitness_unknown" not in set(
        check(good(hazards=zone, shelters=said), today=DAY).findings["code"]
    )


def test_room_that_is_estimated_and_groups_that_cannot_be():
    table = shelters([("s", "S", None, point(600, 90))]).assign(area_m2=90.0)
    homes = demand([("west", 9, 10, 0), ("east", 9, 990, 10)]).assign(children=[10, None])
    told = check(good(shelters=table, demand=homes), today=DAY).findings.set_index("code")
    assert told.loc["capacity_estimated", "problem"].startswith("1 of 1 shelters have an area")
    assert told.loc["group_too_large", "problem"].startswith("1 demand points have more people in")
    assert "group_too_large" not in set(check(good(), today=DAY).findings["code"])


def test_every_measure_can_be_explained_and_mended():
    codes = {f"grade_{name}" for name in LIMITS}
    assert codes <= set(MESSAGES)
    assert all(a <= b <= c for a, b, c in LIMITS.values())
    for name, limits in LIMITS.items():
        values = pd.DataFrame({key: [0.0] * 4 for key in LIMITS})
        values[name] = [0.0, limits[0], limits[2], limits[2] * 1.01]
        found = graded(values)["grade"].tolist()
        assert found[:2] == ["A", "A"]
        assert found[2] <= "C"
        assert found[3] == "D"


@given(st.lists(st.floats(0, 10), min_size=len(LIMITS), max_size=len(LIMITS)), st.data())
def test_worse_data_never_has_a_better_grade(values, data):
    one = pd.DataFrame([values], columns=list(LIMITS))
    name = data.draw(st.sampled_from(list(LIMITS)))
    worse = one.assign(**{name: one[name] + data.draw(st.floats(0, 10))})
    before, after = (GRADES.index(graded(table)["grade"].iloc[0]) for table in (one, worse))
    assert after >= before


def test_a_district_where_nobody_lives_has_a_grade():
    found = check(good(communities=communities()), today=DAY).grades
    assert found.loc["Sea", "grade"] in GRADES


def test_a_chinese_list_with_no_shelter_near_the_streets_gets_an_answer():
    # streets in Shenzhen, all shelters but one far from them
    moved = streets()
    shift = (114.0, 22.5)
    translate = shapely.affinity.translate
    moved.edges.geometry = moved.edges.geometry.apply(lambda line: translate(line, *shift))
    moved.edges["length_m"] = moved.edges.geometry.map(GEODESIC.geometry_length)
    place = village(
        streets=moved,
        communities=communities().set_geometry(communities().translate(*shift)),
        demand=demand().set_geometry(demand().translate(*shift)),
        shelters=shelters([("a", "A", 5, shapely.Point(3 + 114.04, 22.5))]),
    )
    findings = check(place).findings
    assert "datum_unclear" in set(findings["code"])
    assert "shelter_off_network" not in set(findings["code"])  # it lies outside every community
