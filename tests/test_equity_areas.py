"""What districts, communities and groups have, and how unequally it is shared out."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelterplan import AccessStandard, Scenario, StudyArea, equity, make_plan
from shelterplan.errors import TableError, UnknownNameError
from shelterplan.scenario import WALKERS
from tests.village import communities, demand, shelters, village

INF, NAN = np.inf, np.nan
SEED = 7
SETTINGS = {"draws": 199, "seed": SEED}


def with_groups():
    return demand().assign(
        children=pd.array([40, 10, 20, 0, 0], dtype="Float64"),
        elderly_65=pd.array([10, pd.NA, 0, 7, pd.NA], dtype="Float64"),
    )


def with_areas():
    """Return shelters of 800 m2 (with steps) and of an unknown area."""
    known = pd.array([800, pd.NA], dtype="Float64")
    return shelters().assign(area_m2=known, wheelchair=["no", "unknown"])


@pytest.fixture(scope="module")
def area():
    return village(demand=with_groups(), shelters=with_areas())


@pytest.fixture(scope="module")
def plan(area):
    """West End: 50 of 150 people have a place; East End: 30 of 37; Île Dévote: none of 13."""
    return make_plan(area)


def bootstrapped(values, people, draws, seed, level=0.95):
    """Return the interval of a weighted mean, row by row, as slowly and plainly as can be."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        rows = random.integers(0, len(people), len(people))
        found.append((values[rows] * people[rows]).sum() / people[rows].sum())
    found.sort()
    outside = max(1, int((draws + 1) * (1 - level) / 2 + 1e-9))
    return found[outside - 1], found[-outside]


class TestPeopleOf:
    def test_one_row_for_each_part_of_a_point(self, plan, area):
        found = equity.people_of(plan, area)
        assert found["population"].tolist() == plan.demand["population"].tolist()
        assert found.index.equals(plan.demand.index)
        assert found.loc["d4", "district"] == "Sea"

    def test_walks_against_the_standard(self, plan):
        found = equity.people_of(plan)
        assert found["too_far"].tolist() == [1, 0, 0, 1, 1]
        assert found["access"].to_numpy() == pytest.approx([500 / 680, 1, 1, 0, 0], abs=1e-3)
        assert found["shortfall_severity"].to_numpy() == pytest.approx(
            (1 - found["access"].to_numpy()) ** 2
        )

    def test_what_is_shared_out_by_hand(self, plan, area):
        """From d1 and d2, 80 people reach the school (200 places, 800 m2); d2 reaches the park."""
        found = equity.people_of(plan, area)
        assert found["two_step"].tolist() == pytest.approx([0, 200 / 80, 200 / 80, 0, 0])
        assert found["m2_per_person"].tolist() == pytest.approx([0, 10, 10, 0, 0])
        assert found["m2_unknown"].tolist() == [0, 0, 1, 0, 0]
        assert found["two_step_unknown"].tolist() == [0, 0, 1, 0, 0]

    def test_all_that_is_known_is_shared_out(self, plan, area):
        found = equity.people_of(plan, area)
        assert (found["population"] * found["two_step"]).sum() == pytest.approx(200)
        assert (found["population"] * found["m2_per_person"]).sum() == pytest.approx(800)

    def test_area_that_room_stands_for(self):
        standard = AccessStandard(max_distance_m=500, area_m2_per_person=2)
        area = village()
        found = equity.people_of(make_plan(area, standard=standard), area)
        assert found["m2_per_person"].tolist() == pytest.approx([0, 5, 5, 0, 0])

    def test_without_the_area_or_any_size(self, plan):
        assert equity.people_of(plan).attrs["left_out"]["two_step"] == "give the study area, too"
        unknown = village(shelters=shelters().assign(capacity=pd.array([pd.NA] * 2, "Float64")))
        found = equity.people_of(make_plan(unknown), unknown)
        assert "known size" in found.attrs["left_out"]["two_step"]
        assert found[["two_step", "m2_per_person", "m2_unknown"]].isna().all(axis=None)

    def test_another_area_is_refused(self, plan):
        with pytest.raises(TableError, match="not of village"):
            equity.people_of(plan, village(demand=demand([("west", 9, 10, 0)])))

    def test_no_time_to_walk(self):
        never = make_plan(village(), Scenario(delay_s=400), AccessStandard(max_time_s=300))
        found = equity.people_of(never)
        assert found["access"].isna().all()
        assert "no time" in found.attrs["left_out"]["too_far"]
        table = equity.by_community(never)
        assert table["shortfall"].isna().all()
        assert table["coverage_share"].dropna().eq(0).all()


class TestByArea:
    def test_by_community(self, plan, area):
        found = equity.by_community(plan, area)
        assert found["population"].tolist() == [150, 37, 13]
        assert found["possible_share"].tolist() == pytest.approx([50 / 150, 30 / 37, 0])
        assert found["unreachable_people"].tolist() == [0, 7, 13]
        assert found["unreachable_share"].tolist() == pytest.approx([0, 7 / 37, 1])
        assert found["too_far"].tolist() == pytest.approx([100 / 150, 7 / 37, 1])
        assert found["two_step"].tolist() == pytest.approx([2.5 * 50 / 150, 2.5 * 30 / 37, 0])
        assert found["children_left_out_share"].tolist()[:2] == pytest.approx([40 / 50, 0])
        assert np.isnan(found.loc["isle", "children_left_out_share"])
        assert found["elderly_65_left_out_share"].tolist()[:2] == [1, 1]
        assert found["name"].tolist() == ["West End", "East End", "Île Dévote"]

    def test_walks_are_of_those_who_have_a_way(self, plan):
        found = equity.by_community(plan)
        walk = plan.demand["walk_time_s"]
        assert found.loc["west", "mean_walk_time_s"] == pytest.approx(
            (100 * walk["d0"] + 50 * walk["d1"]) / 150
        )
        assert found.loc["west", "median_walk_time_s"] == walk["d0"]
        assert found.loc["east", "median_walk_time_s"] == walk["d2"]
        assert np.isnan(found.loc["isle", "mean_walk_time_s"])
        assert np.isnan(found.loc["isle", "median_walk_time_s"])

    def test_by_district_with_plain_pandas(self, plan, area):
        people = equity.people_of(plan, area)
        found = equity.by_district(plan, area, **SETTINGS)
        for district, rows in people.groupby("district"):
            here = rows["population"]
            for name, column in {
                "possible_share": "possible",
                "coverage_share": "confirmed",
                "m2_per_person": "m2_per_person",
                "shortfall": "shortfall",
                "too_far": "too_far",
            }.items():
                mean = (here * rows[column]).sum() / here.sum()
                assert found.loc[district, name] == pytest.approx(mean)
            assert found.loc[district, "population"] == here.sum()

    def test_intervals_with_a_plain_loop(self, plan, area):
        table = equity.by_district(plan, area, **SETTINGS)
        found = table.loc["Town"]
        people = np.array([150.0, 37.0])
        shares = {
            "possible_share": [50 / 150, 30 / 37],
            "unreachable_share": [0, 7 / 37],
            "m2_per_person": [10 * 50 / 150, 10 * 30 / 37],
        }
        for name, values in shares.items():
            low, high = bootstrapped(np.array(values), people, 199, SEED)
            assert found[f"{name}_low"] == pytest.approx(low)
            assert found[f"{name}_high"] == pytest.approx(high)
        assert found["possible_share_low"] <= found["possible_share"]
        alone = table.loc["Sea", [name for name in table if name.endswith(("_low", "_high"))]]
        assert alone.isna().all(), "one community tells nothing of chance"

    def test_same_columns_but_for_intervals(self, plan, area):
        by_district = equity.by_district(plan, area, **SETTINGS)
        plain = [name for name in by_district if not name.endswith(("_low", "_high"))]
        assert plain == list(equity.by_community(plan, area).columns)[2:]

    def test_counted(self):
        unknown = shelters().assign(capacity=pd.array([pd.NA] * 2, dtype="Float64"))
        plan = make_plan(village(shelters=unknown, demand=with_groups()))
        possible = equity.by_community(plan).loc["east"]
        sure = equity.by_community(plan, counted="confirmed").loc["east"]
        assert possible["children_left_out_share"] == 0
        assert sure["children_left_out_share"] == 1
        assert sure["possible_share"] == possible["possible_share"] > sure["coverage_share"] == 0

    def test_what_is_not_given_is_said(self):
        found = equity.by_district(make_plan(village()), draws=9)
        assert found["children_left_out_share"].isna().all()
        assert found.attrs["left_out"]["children_left_out_share"] == "not given"

    def test_wrong_settings(self, plan):
        with pytest.raises(UnknownNameError, match="confirmed, possible"):
            equity.by_community(plan, counted="hoped")
        with pytest.raises(TableError, match="draws"):
            equity.by_district(plan, draws=0)

    def test_where_nobody_lives(self):
        found = equity.by_district(make_plan(village(demand=demand([("west", 0, 10, 0)]))))
        assert found["population"].tolist() == [0, 0]
        assert found.drop(columns=["population", "unreachable_people"]).isna().all(axis=None)


class TestLeftOut:
    def test_groups(self, plan, area):
        found = equity.left_out(plan, area, **SETTINGS)
        assert found.index.tolist() == ["everybody", "children", "elderly_65", "step_free"]
        assert found.loc["everybody", ["left_out_people", "gap"]].tolist() == [120, 0]
        children = found.loc["children"]
        assert children["left_out_share"] == pytest.approx(40 / 70)
        assert children["gap"] == pytest.approx(40 / 70 - 120 / 200)
        elderly = found.loc["elderly_65"]
        assert elderly["known_share"] == pytest.approx(137 / 200)
        assert elderly["gap"] == pytest.approx(1 - 107 / 137)
        assert elderly["unreachable_share"] == pytest.approx(7 / 17)
        assert found.attrs["left_out"] == {
            "without_car": "the data does not count them",
            "disabled": "not given",
        }

    def test_agrees_with_measures(self, plan, area):
        gaps = equity.measures(plan)["value"]
        found = equity.left_out(plan, area, **SETTINGS)
        for group in ("children", "elderly_65"):
            assert found.loc[group, "gap"] == pytest.approx(-gaps[f"{group}_gap"])

    def test_without_steps(self, plan, area):
        rolling = make_plan(area, Scenario(walker=WALKERS["wheelchair"]))
        found = equity.left_out(plan, area, **SETTINGS).loc["step_free"]
        assert found["left_out_people"] == rolling.total["gap_population"] == 170
        assert found["gap"] == pytest.approx(50 / 200)

    def test_interval_with_a_plain_loop(self, plan, area):
        found = equity.left_out(plan, area, **SETTINGS).loc["everybody"]
        people = np.array([150.0, 37.0, 13.0])
        low, high = bootstrapped(np.array([100 / 150, 7 / 37, 1]), people, 199, SEED)
        ends = found[["left_out_share_low", "left_out_share_high"]].tolist()
        assert ends == pytest.approx([low, high])

    def test_without_the_area(self, plan):
        found = equity.left_out(plan, draws=9)
        assert "step_free" not in found.index
        assert "study area" in found.attrs["left_out"]["step_free"]
        with pytest.raises(UnknownNameError, match="confirmed, possible"):
            equity.left_out(plan, counted="hoped")


SHARES, PEOPLE, DISTRICTS = [50 / 150, 30 / 37, 0.0], [150.0, 37.0, 13.0], ["Town", "Town", "Sea"]


class TestInequality:
    def test_of_coverage_by_community(self, plan):
        found = equity.inequality(plan, **SETTINGS)
        value = found.measures["value"]
        theil = equity.theil_t(SHARES, PEOPLE, DISTRICTS)
        assert value["gini"] == pytest.approx(equity.gini(SHARES, PEOPLE))
        assert value["palma"] == pytest.approx(equity.palma_ratio(SHARES, PEOPLE))
        assert value["theil"] == pytest.approx(theil.total)
        assert value["theil_between_districts"] == pytest.approx(theil.between)
        parts = value[["theil_between_districts", "theil_within_districts"]]
        assert parts.sum() == value["theil"]
        assert value["between_share"] == pytest.approx(theil.between / theil.total)
        assert found.units["access"].tolist() == pytest.approx(SHARES)
        assert found.unreachable_share == pytest.approx(0.1)

    def test_agrees_with_measures(self, plan):
        old = equity.measures(plan)["value"]
        new = equity.inequality(plan, draws=9).measures["value"]
        both = ["gini", "theil", "theil_between_districts", "theil_within_districts", "palma"]
        assert new[both].tolist() == pytest.approx(old[both].tolist())

    def test_intervals_are_those_of_bootstrap_interval(self, plan):
        found = equity.inequality(plan, **SETTINGS).measures
        for name, measure in {
            "gini": equity.gini,
            "palma": equity.palma_ratio,
            "theil": lambda a, p: equity.theil_t(a, p).total,
        }.items():
            plain = equity.bootstrap_interval(measure, SHARES, PEOPLE, **SETTINGS)
            assert found.loc[name, ["low", "high"]].tolist() == pytest.approx(plain, nan_ok=True)

    def test_worst_half_and_lorenz_curve(self, plan):
        """The worst served 100: 13 have nothing, 87 a third of a place; there are 80 places."""
        found = equity.inequality(plan, level=0.5, **SETTINGS)
        assert found.measures.loc["worst_half_share", "value"] == pytest.approx(87 / 3 / 80)
        curve = equity.lorenz_curve(SHARES, PEOPLE)
        assert found.lorenz[["population_share", "access_share"]].to_numpy() == pytest.approx(
            curve.to_numpy()
        )
        assert (found.lorenz["low"] <= found.lorenz["high"]).all()

    def test_of_walks_counts_those_without_a_way(self, plan):
        found = equity.inequality(plan, of="walk_time", **SETTINGS)
        met = equity.as_access([680, 350, 125, INF, INF], 500)
        means = [(100 * met[0] + 50) / 150, 30 / 37, 0.0]
        assert found.units["access"].tolist() == pytest.approx(means, abs=1e-3)
        assert found.measures.loc["gini", "value"] == pytest.approx(
            equity.gini(means, PEOPLE), abs=1e-3
        )
        assert "no upper" not in found.what

    def test_by_district(self, plan):
        found = equity.inequality(plan, by="district", **SETTINGS)
        assert found.units["access"].to_dict() == pytest.approx({"Sea": 0, "Town": 80 / 187})
        assert found.measures.loc["gini", "value"] == pytest.approx(
            equity.gini([0, 80 / 187], [13, 187])
        )
        assert np.isnan(found.measures.loc["between_share", "value"])
        assert "communities" in found.left_out["between_share"]

    def test_one_district_has_nothing_to_compare_with(self):
        one = communities().assign(district="Town")
        plan = make_plan(village(communities=one))
        found = equity.inequality(plan, by="district", draws=9)
        assert found.measures.isna().all(axis=None)
        assert found.left_out["gini"] == "there is only one district"
        found = equity.inequality(plan, draws=9)
        assert found.measures["value"].notna()[["gini", "theil"]].all()
        assert found.left_out["between_share"] == "there is only one district"

    def test_of_what_is_shared_out(self, plan, area):
        found = equity.inequality(plan, area, of="two_step", **SETTINGS)
        has = [2.5 * 50 / 150, 2.5 * 30 / 37, 0.0]
        assert found.measures.loc["gini", "value"] == pytest.approx(equity.gini(has, PEOPLE))
        assert found.unknown_share == pytest.approx(30 / 200)
        assert "no most" in found.left_out["concentration_erreygers"]
        blind = equity.inequality(plan, of="two_step", draws=9)
        assert blind.measures.isna().all(axis=None)
        assert blind.left_out["gini"] == "give the study area, too"

    def test_deprivation(self, plan):
        known = replace(plan, communities=plan.communities.assign(deprivation=[-1.0, 2.0, 5.0]))
        found = equity.inequality(known, **SETTINGS).measures["value"]
        old = equity.measures(known)["value"]
        both = ["concentration", "concentration_erreygers"]
        assert found[both].tolist() == pytest.approx(old[both].tolist())
        assert "no column" in equity.inequality(plan, draws=9).left_out["concentration"]
        assert (
            "by community"
            in equity.inequality(known, by="district", draws=9).left_out["concentration"]
        )

    def test_wrong_names(self, plan):
        for wrong in ({"of": "luck"}, {"by": "street"}, {"counted": "hoped"}):
            with pytest.raises(UnknownNameError, match="there is no"):
                equity.inequality(plan, **wrong)

    def test_nobody_has_anything(self):
        closed = make_plan(village(), Scenario(closed_shelters=("school", "park")))
        found = equity.inequality(closed, draws=9)
        assert found.measures["value"].isna().all()
        assert "nobody has anything" in found.left_out["gini"]

    def test_where_nobody_lives(self):
        nobody = make_plan(village(demand=demand([("west", 0, 10, 0)])))
        found = equity.inequality(nobody, draws=9)
        assert found.measures.isna().all(axis=None)
        assert np.isnan(found.unreachable_share)


@cache
def any_plan():
    return make_plan(village())


def plans(shares, people, district):
    """Return a plan of communities of which those shares have a place, whatever their streets."""
    rows = []
    for place, (share, count) in enumerate(zip(shares, people, strict=True)):
        rows += [
            (f"c{place}", count * share, "covered"),
            (f"c{place}", count * (1 - share), "too_far"),
        ]
    frame = pd.DataFrame(rows, columns=["community_id", "population", "status"])
    frame = frame.assign(distance_m=100.0, walk_time_s=80.0)
    index = [f"c{place}" for place in range(len(people))]
    places = pd.DataFrame(
        {"name": index, "district": list(district), "population": list(people)}, index=index
    )
    every = pd.DataFrame(index=pd.Index(sorted(set(district)), name="district"))
    return replace(any_plan(), demand=frame, communities=places, districts=every)


communities_drawn = st.lists(
    st.tuples(st.integers(0, 8).map(lambda n: n / 8), st.integers(1, 500), st.sampled_from("NES")),
    min_size=2,
    max_size=6,
)


class TestLaws:
    @settings(max_examples=25)
    @given(communities_drawn, st.sampled_from([2, 3, 10]))
    def test_more_people_everywhere_change_no_index(self, rows, times):
        shares, people, district = zip(*rows, strict=True)
        one = equity.inequality(plans(shares, people, district), draws=9)
        more = equity.inequality(plans(shares, [n * times for n in people], district), draws=9)
        for column in ("value", "low", "high"):
            assert more.measures[column].to_numpy() == pytest.approx(
                one.measures[column].to_numpy(), nan_ok=True, abs=1e-9, rel=1e-6
            )

    @settings(max_examples=25)
    @given(communities_drawn)
    def test_merging_communities_that_have_the_same_changes_no_gini(self, rows):
        shares, people, district = zip(*rows, strict=True)
        whole = equity.inequality(plans(shares, people, district), draws=9).measures["value"]
        halves = equity.inequality(
            plans((*shares, *shares), [n / 2 for n in (*people, *people)], (*district, *district)),
            draws=9,
        ).measures["value"]
        assert halves.to_numpy() == pytest.approx(whole.to_numpy(), nan_ok=True, abs=1e-9, rel=1e-6)

    @settings(max_examples=25)
    @given(communities_drawn)
    def test_parts_add_up(self, rows):
        shares, people, district = zip(*rows, strict=True)
        plan = plans(shares, people, district)
        value = equity.inequality(plan, draws=9).measures["value"]
        between, within = value[["theil_between_districts", "theil_within_districts"]]
        if not np.isnan(between):
            assert between + within == value["theil"]
        table = equity.by_district(plan, draws=9)
        assert table["population"].sum() == pytest.approx(sum(people))
        covered = (table["population"] * table["coverage_share"]).sum()
        assert covered == pytest.approx(np.dot(shares, people))
        every = equity.by_community(plan)
        assert every["possible_share"].tolist() == pytest.approx(list(shares))


@pytest.mark.parametrize("name", ["monaco", "coquimbo"])
def test_embedded_areas_agree_with_the_plan(name):
    area = StudyArea.open(name)
    standard = AccessStandard(max_distance_m=500, area_m2_per_person=0.5)
    plan = make_plan(area, standard=standard)
    table = equity.by_community(plan, area)
    for column in ("population", "coverage_share", "possible_share"):
        assert table[column].to_numpy() == pytest.approx(
            plan.communities[column].to_numpy(float), nan_ok=True
        )
    assert table["too_far"].to_numpy() == pytest.approx(
        1 - plan.communities["reached_share"].to_numpy(float), abs=1e-9, nan_ok=True
    )
    districts = equity.by_district(plan, area, draws=99)
    assert districts["population"].sum() == plan.total["population"]
    inside = districts["possible_share"].between(
        districts["possible_share_low"], districts["possible_share_high"]
    )
    assert inside.all()
    without = equity.left_out(plan, area, draws=99)
    assert without.loc["everybody", "left_out_people"] == plan.total["gap_population"]
    assert without.loc["step_free", "gap"] >= -1e-12


def test_area_is_that_of_the_published_rule():
    """`standards_check` works the ground of a person out in another way."""
    from shelterplan.compliance import standards_check

    area, standard = StudyArea.open("monaco"), AccessStandard(area_m2_per_person=0.5)
    found = equity.by_community(make_plan(area, standard=standard), area)["m2_per_person"]
    rules = standards_check(area, standards=[standard])
    ground = rules[rules["rule"] == "area"].set_index("community_id")["value"]
    assert found.to_numpy() == pytest.approx(ground.reindex(found.index).to_numpy())


class TestChangesByArea:
    @pytest.mark.parametrize(
        ("by", "table"), [("district", equity.by_district), ("community", equity.by_community)]
    )
    def test_it_is_the_difference_of_the_two_tables(self, area, plan, by, table):
        small = with_areas().assign(capacity=pd.array([10, 5], dtype="Float64"))
        better = village(demand=with_groups(), shelters=small)
        after = make_plan(better)
        found = equity.changes_by_area(plan, after, (area, better), by=by)
        old, new = table(plan, area), table(after, better)
        for name in ("possible_share", "mean_walk_time_s", "shortfall", "unreachable_share"):
            assert found[f"{name}_before"].equals(old[name])
            assert found[f"{name}_after"].equals(new[name])
            assert found[f"{name}_change"].equals(new[name] - old[name])
        assert found["population"].equals(new["population"])
        assert (found["possible_share_change"] != 0).any()

    def test_what_cannot_be_compared_is_refused(self, area, plan):
        other = make_plan(area, standard=AccessStandard(max_distance_m=300))
        with pytest.raises(TableError, match="different standards"):
            equity.changes_by_area(plan, other)
        with pytest.raises(UnknownNameError):
            equity.changes_by_area(plan, plan, by="street")
