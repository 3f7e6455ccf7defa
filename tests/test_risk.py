"""Risk and priority of communities, standards, and what a walker loses against an adult."""

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelterplan import AccessStandard, Scenario, access, coverage, risk
from shelterplan.errors import TableError, UnknownNameError
from shelterplan.ranking import PARTS
from shelterplan.tables import PERSON_UNIT
from tests.village import box, communities, demand, point, random_village, shelters, village

WET = Scenario(hazard="flood")


def zones(rows=((4, -50, -50, 100, 50), (2, 350, -50, 500, 100))):
    """Return flood zones; by default one of level 4 around d0 and one of level 2 around d1."""
    return gpd.GeoDataFrame(
        {"hazard": "flood", "level": [row[0] for row in rows]},
        index=[f"z{i}" for i in range(len(rows))],
        geometry=[box(*row[1:]) for row in rows],
        crs="EPSG:4326",
    )


def grouped(**groups):
    """Return the village's demand with groups of people."""
    return demand().assign(**groups)


def test_people_are_counted_by_the_worst_zone():
    overlapping = zones(((4, -50, -50, 100, 50), (2, -50, -50, 500, 100)))
    found = risk.exposure(village(hazards=overlapping), WET)
    west = found.loc["west"]
    assert west[[f"level_{n}_population" for n in range(5)]].tolist() == [0, 0, 50, 0, 100]
    assert found["at_risk_people"].tolist() == [150, 0, 0]
    mild = risk.exposure(village(hazards=zones()), WET.with_changes(hazard_level=3))
    assert mild.loc["west", ["level_0_population", "at_risk_people"]].tolist() == [50, 100]


def test_where_no_zone_is_known_nobody_says_that_nobody_is_at_risk():
    found = risk.exposure(village(), WET)
    assert found["at_risk_people"].isna().all()
    assert not found["zones_known"].any()
    table = risk.priority(village(), WET)
    assert table["hazard"].isna().all()
    assert table[["at_risk_people", "at_risk_gap_population"]].isna().all(axis=None)
    assert table.attrs["left_out"]["hazard"] == "no zone of flood is known"
    assert risk.priority(village()).attrs["left_out"]["hazard"] == "no hazard was chosen"
    with pytest.raises(risk.RiskError, match="choose a hazard"):
        risk.high_risk_under_served(table)


@settings(max_examples=15)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(
        st.tuples(
            st.integers(1, 4), st.integers(-50, 300), st.integers(-50, 0), st.integers(301, 500)
        ),
        max_size=4,
    ),
)
def test_exposure_adds_up_exactly(seed, drawn):
    place = random_village(seed)
    if drawn:
        rows = [(level, x0, y0, x1, 900) for level, x0, y0, x1 in drawn]
        place = village(demand=place.demand, shelters=place.shelters, hazards=zones(rows))
    found = risk.exposure(place, WET)
    by_level = found[[f"level_{n}_population" for n in range(5)]]
    expected = place.demand.groupby("community_id")["population"].sum()
    assert by_level.sum(axis=1).tolist() == found["population"].tolist()
    assert (found["population"] == expected.reindex(found.index, fill_value=0.0)).all()


def test_exposure_follows_the_time_of_day():
    table = demand().assign(population_day=[1.25, 2, 3, 4, 5])
    found = risk.exposure(village(demand=table, hazards=zones()), WET.with_changes(time="day"))
    assert found.loc["west", ["population", "level_4_population"]].tolist() == [3.25, 1.25]
    assert found["population"].sum() / PERSON_UNIT % 1 == 0


def test_vulnerability_is_the_mean_of_what_is_known():
    homes = grouped(children=[25, 5, 0, 0, 13], elderly_65=[0, 30, 37, 0, None])
    where = communities().assign(deprivation=[10, 1000, 10])
    found = risk.vulnerability(village(demand=homes, communities=where))
    assert found["children_share"].tolist() == [0.2, 0.0, 1.0]
    assert found["elderly_65_share"].tolist()[:2] == [0.2, 1.0]
    assert np.isnan(found.loc["isle", "elderly_65_share"])
    assert found["deprivation_rank"].tolist() == [1 / 3, 2.5 / 3, 1 / 3]
    # the elderly of the isle are not known: they are left out everywhere
    assert found.loc["east", "vulnerability"] == pytest.approx((0 + 2.5 / 3) / 2)
    assert found.attrs["left_out"] == {
        "elderly_65_share": "not known for 1 communities",
        "disabled_share": "not given",
    }
    assert set(found["vulnerability_left_out"]) == {"elderly_65_share, disabled_share"}


def test_deprivation_of_any_scale_gives_the_same_ranks_and_words_are_refused():
    one, other = (
        risk.vulnerability(village(communities=communities().assign(deprivation=values)))
        for values in ([1, 2, 3], [-7.5, 0, 1e9])
    )
    assert one["vulnerability"].tolist() == other["vulnerability"].tolist()
    with pytest.raises(TableError, match=r"deprivation must be a finite number \(1 rows: east\)"):
        village(communities=communities().assign(deprivation=["1", "x", None]))


def test_priority_by_hand():
    place = village(hazards=zones(), demand=grouped(children=[25, 5, 8, 0, 13]))
    table = risk.priority(place, WET)
    # west: 100 in level 4 and 50 in level 2, none of whom can walk out of the flood
    assert table.loc["west", "hazard"] == pytest.approx((100 * 4 + 50 * 2) / 600)
    assert table.loc["west", ["vulnerability", "gap"]].tolist() == [0.2, 1.0]
    assert table.loc["west", "priority"] == pytest.approx((5 / 6 * 0.2) ** (1 / 3))
    assert table["rank"].tolist() == [1, 2, 2]
    assert table["tied"].tolist() == [False, True, True]  # no zone there: both are 0
    assert table.loc["west", "at_risk_gap_population"] == 150
    assert table["grade"].tolist() == ["C", "C", "D"]
    found = risk.high_risk_under_served(table, hazard_at_least=0.8, gap_at_least=1)
    assert found.index.tolist() == ["west"]
    pd.testing.assert_frame_equal(table.query(found.attrs["query"]), found)


def test_unknown_room_is_decided_openly():
    places = shelters([("school", "S", None, point(600, 90))])
    place = village(shelters=places)
    possible = risk.priority(place)["gap"]
    none = risk.priority(place, unknown_room="none")["gap"]
    total = coverage.summary(coverage.assess(place), place.demand["community_id"])
    share = 1 - total["possible_share"].reindex(possible.index)
    assert possible.tolist() == pytest.approx(share.tolist())
    assert none.tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(UnknownNameError, match="unknown room"):
        risk.priority(place, unknown_room="maybe")


def test_where_nobody_lives_nothing_is_ranked():
    table = risk.priority(village(demand=demand([("west", 9, 10, 0)])))
    assert table.loc["isle", ["gap", "priority", "rank"]].isna().all()
    assert not table.loc["isle", "stable"]
    assert table.loc["west", "rank"] == 1


def test_a_shorter_order_of_communities_changes_nothing_else():
    place = village(hazards=zones())
    turned = village(hazards=zones(), communities=communities().iloc[::-1])
    one, other = risk.priority(place, WET), risk.priority(turned, WET)
    pd.testing.assert_frame_equal(one, other.loc[one.index])


SHARE = st.one_of(st.just(0.0), st.floats(0.001, 1))
ROWS = st.lists(st.tuples(SHARE, SHARE, SHARE), min_size=1, max_size=6)
WEIGHTS = st.fixed_dictionaries({name: st.floats(0.1, 10) for name in PARTS})
MEANS = st.sampled_from(["geometric", "arithmetic"])


def frame(rows):
    return pd.DataFrame(rows, columns=list(PARTS), index=[f"c{i}" for i in range(len(rows))])


@given(ROWS, WEIGHTS, MEANS)
def test_twice_the_weights_change_nothing(rows, weights, mean):
    twice = {name: weight * 2 for name, weight in weights.items()}
    pd.testing.assert_frame_equal(
        risk.ranking(frame(rows), weights=weights, mean=mean),
        risk.ranking(frame(rows), weights=twice, mean=mean),
    )


@given(ROWS, WEIGHTS, MEANS, st.randoms(use_true_random=False))
def test_another_order_gives_the_same_ranks(rows, weights, mean, draw):
    table = frame(rows)
    order = list(table.index)
    draw.shuffle(order)
    found = risk.ranking(table.loc[order], weights=weights, mean=mean)
    pd.testing.assert_frame_equal(
        risk.ranking(table, weights=weights, mean=mean), found.loc[table.index]
    )


@given(ROWS, WEIGHTS, MEANS, st.floats(0, 1))
def test_a_larger_gap_never_comes_later(rows, weights, mean, more):
    table = frame(rows)
    worse = table.assign(gap=[max(table["gap"].iloc[0], more), *table["gap"].iloc[1:]])
    one, other = (risk.ranking(t, weights=weights, mean=mean) for t in (table, worse))
    assert other["priority"].iloc[0] >= one["priority"].iloc[0]
    assert other["rank"].iloc[0] <= one["rank"].iloc[0]


@given(ROWS, WEIGHTS, MEANS)
def test_the_index_lies_within_its_parts_and_its_rank_within_its_range(rows, weights, mean):
    found = risk.ranking(frame(rows), weights=weights, mean=mean)
    parts = found[list(PARTS)]
    assert (found["priority"] >= parts.min(axis=1) - 1e-9).all()
    assert (found["priority"] <= parts.max(axis=1) + 1e-9).all()
    assert (found["rank_low"] <= found["rank"]).all()
    assert (found["rank"] <= found["rank_high"]).all()
    if mean == "geometric":
        assert (found.loc[(parts == 0).any(axis=1), "priority"] == 0).all()


@settings(max_examples=10)
@given(ROWS, WEIGHTS)
def test_the_range_of_ranks_is_that_of_every_change_of_weights(rows, weights):
    table = frame(rows)
    found = risk.ranking(table, weights=weights)
    ranks = pd.concat(
        [
            risk.ranking(
                table, weights={n: weights[n] * f for n, f in zip(PARTS, factors, strict=True)}
            )["rank"]
            for factors in itertools.product((0.8, 1.0, 1.2), repeat=3)
        ],
        axis=1,
    )
    assert found["rank_low"].tolist() == ranks.min(axis=1).tolist()
    assert found["rank_high"].tolist() == ranks.max(axis=1).tolist()


def test_a_part_that_is_not_known_for_one_is_left_out_for_all():
    table = frame([(1.0, 0.5, 0.5), (0.5, np.nan, 1.0), (np.nan, np.nan, np.nan)])
    found = risk.ranking(table)
    assert found.attrs["left_out"] == {"vulnerability": "not known for 1 communities"}
    assert found["priority"].tolist()[:2] == pytest.approx([0.5**0.5, 0.5**0.5])
    assert found["rank"].tolist() == [1, 1, pd.NA]
    assert found[["hazard_weight", "gap_weight"]].iloc[0].tolist() == [0.5, 0.5]
    assert found["vulnerability_weight"].isna().all()


def test_impossible_rankings_are_refused():
    table = frame([(1.0, 0.5, 0.5)])
    with pytest.raises(UnknownNameError, match="gap"):
        risk.ranking(table, weights={"gapp": 1})
    with pytest.raises(risk.RiskError, match="weight of gap"):
        risk.ranking(table, weights={"gap": float("nan")})
    with pytest.raises(risk.RiskError, match="no part with a weight"):
        risk.ranking(table, weights=dict.fromkeys(PARTS, 0))
    with pytest.raises(risk.RiskError, match="hazard must lie between"):
        risk.ranking(frame([(1.5, 0.5, 0.5)]))
    with pytest.raises(UnknownNameError):
        risk.ranking(table, mean="harmonic")
    with pytest.raises(risk.RiskError, match="hazard_at_least"):
        risk.high_risk_query(hazard_at_least=float("nan"))
    assert risk.ranking(frame([])).empty


def rules(place, standard, **more):
    found = risk.standards_check(place, standards=[standard], **more)
    return found.set_index(["rule", "community_id"])


FIELD = AccessStandard(name="field", max_distance_m=700, area_m2_per_person=2.0)


def test_standards_by_hand():
    places = shelters([("school", "S", 30, point(600, 90)), ("park", "P", None, point(990, 0))])
    places = places.assign(area_m2=[300, None], kind=["long", "emergency"])
    found = rules(village(shelters=places), FIELD)
    radius = found.loc["radius"]
    assert radius["result"].to_dict() == {"west": "pass", "east": "fail", "isle": "fail"}
    assert radius.loc["east", "value"] == 30 / 37  # d3 is off the network
    area = found.loc["area"]
    # school: 300 m2 for the 180 who reach it; d1 and d2 reach the park, of unknown area, too
    assert area.loc["west", ["value", "unknown_shelters"]].tolist() == pytest.approx([300 / 180, 1])
    assert area.loc["east", "value"] == pytest.approx(300 / 180 * 30 / 37)
    assert area["result"].to_dict() == {"west": "unknown", "east": "unknown", "isle": "fail"}
    fixed = found.loc["fixed_share"]
    assert fixed["value"].tolist() == [30 / 200] * 3  # the people of the isle included
    assert set(fixed["result"]) == {"pass"}
    assert set(fixed["certainty"]) == {"seen"}
    assert set(radius["certainty"]) == {"own choice"}


def test_unknown_is_not_a_fail():
    places = shelters([("school", "S", None, point(600, 90))]).assign(kind="long")
    assert set(rules(village(shelters=places), FIELD).loc["fixed_share", "result"]) == {"unknown"}
    known = places.assign(capacity=1)
    assert set(rules(village(shelters=known), FIELD).loc["fixed_share", "result"]) == {"fail"}
    park = known.assign(kind="park")
    assert set(rules(village(shelters=park), FIELD).loc["fixed_share", "result"]) == {"unknown"}
    room = places.assign(capacity=180)  # room for 180 people stands for 360 m2
    assert rules(village(shelters=room), FIELD).loc[("area", "west"), "value"] == 2.0
    empty = rules(village(demand=demand([("west", 5, 10, 0)])), FIELD)
    assert empty.loc[("radius", "isle"), "result"] == "unknown"


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(0, 1200))
def test_the_radius_is_what_coverage_finds_and_no_area_is_lost(seed, limit_m):
    place = random_village(seed)
    standard = AccessStandard(max_distance_m=limit_m, area_m2_per_person=1.0)
    sized = village(demand=place.demand, shelters=place.shelters.assign(area_m2=100.0))
    found = rules(sized, standard)
    walks = coverage.assess(sized, Scenario(room="ignored"), standard)
    told = coverage.summary(walks, walks["community_id"])
    share = told["reached_share"]
    assert found.loc["radius", "value"].reindex(share.index).tolist() == pytest.approx(
        share.tolist(), nan_ok=True
    )
    area_m2 = found.loc["area", "value"].reindex(share.index) * told["population"]
    reached = [
        any(walks["population"].to_numpy()[within(sized, key, limit_m)] > 0)
        for key in sized.shelters.index
    ]
    assert area_m2.sum() == pytest.approx(100.0 * sum(reached))


def within(place, key, limit_m):
    """Return which points have a walk to one shelter within a limit."""
    doors = place.entrance_places()
    own = doors.take(np.flatnonzero(doors.owner == place.shelters.index.get_loc(key)))
    found = access.nearest(place.network(), place.demand_places(), own, cutoff_m=limit_m)
    return (found["target"] >= 0).to_numpy()


def test_a_delay_counts_against_a_standard_in_minutes():
    standard = AccessStandard(max_time_s=300)
    late = rules(village(), standard, scenario=Scenario(delay_s=301))
    assert late.loc["radius", "value"].tolist() == [0, 0, 0]
    assert rules(village(), standard).loc[("radius", "west"), "value"] > 0


def test_a_walker_loses_time_or_any_way():
    place = village(
        shelters=shelters([("hut", "Hut", 9, point(400, 95))]),  # up the stair
        demand=demand([("west", 30, 0, 0), ("west", 10, 400, 98), ("east", 5, 700, 1500)]),
    )
    slow = risk.walker_penalty(place, Scenario.of(walker="elderly"))
    assert slow["extra_time_s"].iloc[0] == pytest.approx(495 / 1.1 - 495 / 1.27, abs=0.5)
    assert np.isnan(slow["extra_time_s"].iloc[2])
    wheels = Scenario.of(walker="wheelchair").walker
    lost = risk.penalty_summary(
        risk.walker_penalty(place, Scenario(max_leg_m=50), walker=wheels),
        place.demand["community_id"],
    )
    west = lost.loc["west"]
    assert west["population"] == 40
    assert west["lost_population"] == 40  # no street but the stair is near the hut
    assert np.isposinf(west["median_extra_time_s"])
    assert lost.loc["east", "no_way_population"] == 5
    assert np.isnan(lost.loc["east", "p90_extra_time_s"])
