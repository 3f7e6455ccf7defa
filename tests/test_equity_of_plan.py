"""Every measure of equity of a whole analysis, and what changes between two."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from shelterplan import AccessStandard, Scenario, StudyArea, equity, make_plan
from shelterplan.errors import TableError, UnknownNameError
from tests.village import box, demand, point, shelters, village

INF, NAN = np.inf, np.nan


def children_and_all():
    """Return the village's people, with some groups known."""
    return demand().assign(
        children=pd.array([40, 10, 20, 0, 0], dtype="Float64"),
        elderly_65=pd.array([10, pd.NA, 0, 7, pd.NA], dtype="Float64"),
    )


@pytest.fixture(scope="module")
def plan():
    """West End: 50 of 150 people have a place; East End: 30 of 37; Île Dévote: none of 13."""
    return make_plan(village(demand=children_and_all()))


class TestOfPlan:
    def test_shares_by_community(self, plan):
        found = equity.measures(plan)
        share, people = [50 / 150, 30 / 37, 0], [150, 37, 13]
        theil = equity.theil_t(share, people, ["Town", "Town", "Sea"])
        assert found.loc["gini", "value"] == equity.gini(share, people)
        assert found.loc["theil", "value"] == theil.total
        assert found.loc["theil_between_districts", "value"] == theil.between
        assert found.loc["theil_within_districts", "value"] == theil.within
        assert found.loc["palma", "value"] == equity.palma_ratio(share, people)

    def test_by_district(self, plan):
        found = equity.measures(plan, by="district")
        assert found.loc["gini", "value"] == equity.gini([0, 80 / 187], [13, 187])
        assert "theil_between_districts" not in found.index
        assert found.loc["gini", "of"] == "share of people with a place, by district"
        split = equity.measures(plan).loc["theil_between_districts", "value"]
        assert found.loc["theil", "value"] == pytest.approx(split)

    def test_worst_and_best_district(self, plan):
        found = equity.measures(plan)
        assert found.loc["worst_district", ["value", "place"]].tolist() == [0, "Sea"]
        assert found.loc["best_district", ["value", "place"]].tolist() == [80 / 187, "Town"]
        assert found.loc["district_gap", "value"] == 80 / 187

    def test_walks(self, plan):
        found = equity.measures(plan)["value"]  # 680 m, 350 m, 125 m, and 20 people without a way
        assert found["too_far"] == 0.6
        assert found[["too_far_depth", "too_far_severity"]].tolist() == [INF, INF]
        assert found["shortfall"] == pytest.approx(0.5 * (1 - 500 / 680) + 0.1)
        assert found["shortfall_severity"] == pytest.approx(0.5 * (1 - 500 / 680) ** 2 + 0.1)

    def test_the_unreachable_stand_beside_every_measure(self, plan):
        found = equity.measures(plan)["unreachable_share"]
        assert set(found.drop(["children_gap", "elderly_65_gap"])) == {0.1}
        assert found["children_gap"] == 0
        assert found["elderly_65_gap"] == pytest.approx(7 / 17)

    def test_groups(self, plan):
        found = equity.measures(plan)
        assert found.loc["children_gap", "value"] == pytest.approx(30 / 70 - 80 / 200)
        assert found.loc["elderly_65_gap", "value"] == pytest.approx(0 / 17 - 30 / 137)
        assert found.attrs["partly_known"] == {"elderly_65_gap": 137 / 200}
        assert found.attrs["left_out"]["disabled_gap"] == "not given"

    def test_a_group_nobody_knows_of_is_left_out(self):
        nobody = demand().assign(children=pd.array([pd.NA] * 5, dtype="Float64"))
        found = equity.measures(make_plan(village(demand=nobody)))
        assert found.attrs["left_out"]["children_gap"] == "nobody of this group is known of"

    def test_standard_in_time_counts_from_when_people_leave(self):
        area = village()
        late = make_plan(area, Scenario(delay_s=60), AccessStandard(max_time_s=300))
        found = equity.measures(late)
        assert found.loc["too_far", "of"].endswith("against 240 s")
        assert found.loc["too_far", "value"] == pytest.approx(1 - late.total["reached_share"])
        never = make_plan(area, Scenario(delay_s=400), AccessStandard(max_time_s=300))
        found = equity.measures(never)
        assert "too_far" not in found.index
        assert "no time" in found.attrs["left_out"]["too_far"]

    def test_exactly_the_limit_is_not_too_far(self):
        found = equity.measures(make_plan(village(), standard=AccessStandard(max_distance_m=680)))
        assert found.loc["too_far", "value"] == pytest.approx(0.1)
        nearly = AccessStandard(max_distance_m=679.9)
        found = equity.measures(make_plan(village(), standard=nearly))
        assert found.loc["too_far", "value"] == pytest.approx(0.6)

    def test_only_confirmed_places(self):
        unknown = shelters().assign(capacity=pd.array([pd.NA, pd.NA], dtype="Float64"))
        plan = make_plan(village(shelters=unknown))
        assert equity.measures(plan).loc["best_district", "value"] == pytest.approx(80 / 187)
        confirmed = equity.measures(plan, counted="confirmed")["value"]
        assert confirmed["best_district"] == 0
        assert confirmed[["gini", "theil", "palma"]].isna().all()

    def test_deprivation(self, plan):
        known = plan.communities.assign(deprivation=[-1.0, 2.0, 5.0])  # west, east, isle
        found = equity.measures(replace(plan, communities=known))
        share, people = [50 / 150, 30 / 37, 0], [150, 37, 13]
        value = equity.concentration_index(share, people, [1.0, -2.0, -5.0])
        assert found.loc["concentration", "value"] == pytest.approx(value)
        bounded = found.loc["concentration_erreygers", "value"]
        assert bounded == pytest.approx(4 * value * 80 / 200)

    @pytest.mark.parametrize(
        ("deprivation", "by", "reason"),
        [
            (None, "community", "no column"),
            ([1.0, NAN, 2.0], "community", "not known for every community"),
            ([1.0, 2.0, 3.0], "district", "by community"),
        ],
    )
    def test_deprivation_that_cannot_be_used(self, plan, deprivation, by, reason):
        if deprivation:
            known = plan.communities.assign(deprivation=deprivation)
            plan = replace(plan, communities=known)
        found = equity.measures(plan, by=by)
        assert "concentration" not in found.index
        assert reason in found.attrs["left_out"]["concentration"]

    def test_names_that_are_not_known(self, plan):
        with pytest.raises(UnknownNameError, match="confirmed, possible"):
            equity.measures(plan, counted="hoped")
        with pytest.raises(UnknownNameError, match="community, district"):
            equity.measures(plan, by="street")

    def test_where_nobody_lives(self):
        nobody = demand([("west", 0, 10, 0)])
        found = equity.measures(make_plan(village(demand=nobody)))
        assert found["value"].isna().all()
        assert found["place"].eq("").all()


class TestChanges:
    def test_a_shelter_in_the_west(self, plan):
        more = shelters(
            [
                ("school", "Mill School", 200, point(600, 90)),
                ("park", "Long Park", None, box(880, -200, 1000, -5)),
                ("hall", "West Hall", 500, point(100, 0)),
            ]
        )
        after = make_plan(village(demand=children_and_all(), shelters=more))
        found = equity.changes(plan, after)
        assert found.loc["too_far", ["before", "after"]].tolist() == pytest.approx([0.6, 0.1])
        assert found.loc["too_far", "change"] == pytest.approx(-0.5)
        assert found.loc["too_far", "verdict"] == "better"
        assert found.loc["best_district", "verdict"] == "better"
        assert found.loc["worst_district", "verdict"] == "same"
        assert found.loc["district_gap", "verdict"] == "worse"
        assert found.loc["too_far_depth", ["change", "verdict"]].tolist() == [0, "same"]
        assert found.loc["worst_district", ["place_before", "place_after"]].tolist() == ["Sea"] * 2
        assert found.loc["gini", "unreachable_share_after"] == 0.1
        back = equity.changes(after, plan)
        assert back["change"].tolist() == pytest.approx((-found["change"]).tolist())
        turned = {"better": "worse", "worse": "better", "same": "same"}
        assert back["verdict"].tolist() == [turned[one] for one in found["verdict"]]

    def test_nothing_changed(self, plan):
        found = equity.changes(plan, plan)
        assert set(found["verdict"]) == {"same"}
        assert found["change"].eq(0).all()
        assert found.attrs == equity.measures(plan).attrs

    def test_undefined_before_is_unknown(self):
        closed = make_plan(village(), Scenario(closed_shelters=("school", "park")))
        found = equity.changes(closed, make_plan(village()))
        assert found.loc["gini", "verdict"] == "unknown"
        assert np.isnan(found.loc["gini", "change"])
        assert found.loc["too_far", ["before", "verdict"]].tolist() == [1, "better"]
        assert found.loc["gini", "unreachable_share_before"] == 1

    def test_a_measure_that_only_one_has(self, plan):
        known = replace(plan, communities=plan.communities.assign(deprivation=[1.0, 2.0, 3.0]))
        found = equity.changes(plan, known)
        assert found.loc["concentration", "verdict"] == "unknown"
        assert found.loc["concentration", "better"] == "lower"
        assert "no column" in found.attrs["left_out"]["concentration"]

    def test_other_standards_are_not_compared(self, plan):
        other = make_plan(village(), standard=AccessStandard(max_distance_m=400))
        with pytest.raises(TableError, match="different standards"):
            equity.changes(plan, other)


@pytest.mark.parametrize("name", ["monaco", "coquimbo"])
class TestEmbedded:
    def test_measures_agree_with_the_plan(self, name):
        plan = make_plan(StudyArea.open(name))
        found = equity.measures(plan)["value"]
        assert found["too_far"] == pytest.approx(1 - plan.total["reached_share"], abs=1e-12)
        parts = found["theil_between_districts"] + found["theil_within_districts"]
        assert found["theil"] == pytest.approx(parts)
        assert found["district_gap"] == found["best_district"] - found["worst_district"]
        assert found["worst_district"] == plan.districts["possible_share"].min()
        by_district = equity.measures(plan, by="district")["value"]
        assert by_district["theil"] == pytest.approx(found["theil_between_districts"], abs=1e-12)
        assert by_district["gini"] <= found["gini"]
        no_way = plan.total[["no_path_population", "no_network_population"]].sum()
        share = equity.measures(plan)["unreachable_share"].iloc[0]
        assert share == pytest.approx(no_way / plan.total["population"])
        assert found["shortfall"] > share
