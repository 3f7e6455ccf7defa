"""What a proposal changes: every table adds up to the difference of two coverage runs."""

import geopandas as gpd
import numpy as np
import pytest

from shelterplan import Scenario, StudyArea, make_plan
from shelterplan.siting.evaluate import evaluate
from tests.village import demand, point, village


def sites(*rows):
    return gpd.GeoDataFrame(
        {"name": [row[0] for row in rows], "capacity": [row[1] for row in rows]},
        index=[row[0] for row in rows],
        geometry=[row[2] for row in rows],
        crs="EPSG:4326",
    )


@pytest.mark.parametrize("counted", ["possible", "confirmed"])
@pytest.mark.parametrize("hazard", ["", "tsunami"])
def test_tables_add_up_to_two_coverage_runs(counted, hazard):
    area = StudyArea.open("coquimbo")
    chosen = area.candidates.iloc[3:40:9]
    scenario = Scenario(hazard=hazard)
    found = evaluate(area, chosen, scenario, counted=counted, compare=False)
    column = "possible_people" if counted == "possible" else "covered_population"
    before, after = (
        float(make_plan(place, scenario).total[column]) for place in (area, area.with_sites(chosen))
    )
    assert found.newly_people == after - before > 0
    for table in (found.communities, found.districts, found.served):
        assert table["after_people"].sum() == after
        assert table["before_people"].sum() == before
        assert (table["newly_people"] - table["lost_people"]).sum() == after - before
    assert found.hazards.loc[hazard, "newly_people"] == after - before
    assert set(found.hazards.index) == {"", "tsunami"}
    sent = found.sites["assigned_population"].sum()
    moved = found.shelters["relieved_people"].sum()
    everybody = [float(plan.shelters["assigned_population"].sum()) for plan in
                 (found.before, found.after)]  # fmt: skip
    assert sent - moved == everybody[1] - everybody[0]
    assert (found.sites["had_place_population"] <= found.sites["assigned_population"]).all()


def test_by_eye():
    hall = sites(("hall", 30, point(30, 5)))
    found = evaluate(village(), hall, compare=False)
    assert found.newly_people == 30
    assert found.communities["newly_people"].tolist() == [30, 0, 0]
    assert found.sites.loc["hall", "assigned_population"] == 30
    assert found.sites.loc["hall", "had_place_population"] == 0
    walk_s = [found.served[f"{when}_time_s"].iloc[0] for when in ("before", "after")]
    saved = 30 * (walk_s[0] - walk_s[1]) / 60
    assert found.saved_person_min == pytest.approx(saved)
    assert found.communities["shorter_people"].tolist() == [30, 0, 0]


def test_people_without_a_way_are_told_apart_from_minutes():
    pier = sites(("pier", 13, point(40, 3002)))
    found = evaluate(village(), pier, compare=False)
    assert found.communities["reconnected_people"].tolist() == [0, 0, 13]
    assert found.saved_person_min == 0
    assert np.isinf(found.served["before_time_s"].iloc[4])


def test_groups_are_counted_where_they_are_known():
    people = demand().assign(children=[20, 10, 3, 1, 2])
    found = evaluate(village(demand=people), sites(("hall", 100, point(30, 5))), compare=False)
    children = found.groups.loc["children"]
    assert children["population"] == 36
    assert children["after_people"] - children["before_people"] == 20


def test_a_site_where_a_shelter_stands_is_named():
    twin = sites(("twin", 30, point(600, 88)), ("other", 30, point(30, 5)))
    found = evaluate(village(), twin, compare=False)
    assert len(found.doubles) == 1
    assert found.doubles[0].startswith("twin lies 2 m from the shelter Mill School")


def test_the_best_plan_is_never_worse_than_the_proposal():
    area = StudyArea.open("coquimbo")
    chosen = area.candidates.loc[["c7", "c26"]]
    for seconds in (0.05, 10.0):
        found = evaluate(area, chosen, time_limit_s=seconds)
        if found.alternative is None:
            assert found.why_no_alternative
        else:
            best = found.alternative.after.total["possible_people"]
            assert best >= found.after.total["possible_people"]


def test_untold_people_have_no_best_plan_but_a_before_and_an_after():
    area = StudyArea.open("monaco")
    found = evaluate(area, area.candidates.iloc[:1], Scenario(room="nearest"))
    assert found.alternative is None
    assert "nearest" in found.why_no_alternative


def test_further_scenarios_give_an_interval():
    area = StudyArea.open("monaco")
    more = {"slow": Scenario.of(walker="elderly"), "night": Scenario(time="night")}
    found = evaluate(area, area.candidates.iloc[:2], compare=False, scenarios=more)
    assert list(found.interval.index) == ["slow", "night"]
    slow = make_plan(area.with_sites(area.candidates.iloc[:2]), more["slow"])
    assert found.interval.loc["slow", "after_people"] == slow.total["possible_people"]
