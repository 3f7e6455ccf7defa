"""Measures of equity on arrays: published values, values by eye, laws, intervals."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from shelterplan import equity
from shelterplan.errors import TableError, UnknownNameError
from tests import equity_vectors as published

INF, NAN = np.inf, np.nan


def rows(most=12, fewest=2, highest=50):
    """Return access and people of a few rows, in whole numbers."""
    return st.integers(fewest, most).flatmap(
        lambda count: st.tuples(
            arrays.arrays(np.int64, count, elements=st.integers(0, highest)),
            arrays.arrays(np.int64, count, elements=st.integers(0, 9)),
        )
    )


def with_something(table):
    access, people = table
    return bool((access * people).sum() > 0)


SHARED_OUT = rows().filter(with_something)
GROUPS = st.lists(st.sampled_from("abc"), min_size=12, max_size=12)


def persons(*columns, people):
    """Return one entry a person."""
    return [np.repeat(np.asarray(column), people) for column in columns]


class TestPublished:
    def test_gini(self):
        assert round(equity.gini(published.ACCESS, published.POPULATION), 4) == published.GINI

    @pytest.mark.parametrize(
        ("kind", "count", "value"),
        [
            ("plain", 5, published.CONCENTRATION),
            ("plain", 4, published.CONCENTRATION_WITHOUT_LAST),
            ("erreygers", 5, published.ERREYGERS),
            ("erreygers", 4, published.ERREYGERS_WITHOUT_LAST),
        ],
    )
    def test_concentration(self, kind, count, value):
        columns = (published.ACCESS, published.POPULATION, published.INCOME)
        found = equity.concentration_index(*(column[:count] for column in columns), kind=kind)
        assert round(found, 4) == value

    def test_poverty(self):
        found = equity.fgt_poverty(published.ACCESS, published.POPULATION, published.POVERTY_LINE)
        assert [round(value, 4) for value in found] == published.POVERTY

    @pytest.mark.parametrize("thresholds", published.PALMA_THRESHOLDS)
    @pytest.mark.parametrize(
        ("count", "value"), [(5, published.PALMA), (4, published.PALMA_WITHOUT_LAST)]
    )
    def test_palma(self, thresholds, count, value):
        columns = (published.ACCESS, published.POPULATION, published.INCOME)
        found = equity.palma_ratio(*(column[:count] for column in columns), thresholds=thresholds)
        assert round(found, 4) == value

    @pytest.mark.parametrize("thresholds", [(543.0, 3000.0), (1627.8, 3000.0), (543.1, 3822.0)])
    def test_palma_of_other_thresholds_is_another(self, thresholds):
        found = equity.palma_ratio(
            published.ACCESS, published.POPULATION, published.INCOME, thresholds=thresholds
        )
        assert round(found, 4) != published.PALMA

    @pytest.mark.parametrize(
        ("cells", "value"),
        [(slice(0, 5), published.THEIL), (slice(1, 5), published.THEIL_WITHOUT_FIRST)],
    )
    def test_theil(self, cells, value):
        columns = (published.GROUPED_ACCESS, published.GROUPED_POPULATION, published.DECILE)
        found = equity.theil_t(*(column[cells] for column in columns))
        assert {part: round(getattr(found, part), 4) for part in value} == value

    def test_theil_of_groups(self):
        found = equity.theil_t(
            published.GROUPED_ACCESS, published.GROUPED_POPULATION, published.DECILE
        ).groups.round(4)
        assert found["between"].to_dict() == published.BETWEEN_BY_DECILE
        assert found["within"].to_dict() == published.WITHIN_BY_DECILE

    def test_theil_without_groups(self):
        access, people = published.GROUPED_ACCESS, published.GROUPED_POPULATION
        assert round(equity.theil_t(access, people).total, 4) == published.THEIL["total"]
        last = equity.theil_t(access[:4], people[:4])
        assert round(last.total, 4) == published.THEIL_WITHOUT_LAST
        assert last.between == 0


class TestByEye:
    def test_lorenz_curve(self):
        found = equity.lorenz_curve([30, 0, 10], [1, 2, 1])
        assert found["population_share"].tolist() == [0, 0.5, 0.75, 1]
        assert found["access_share"].tolist() == [0, 0, 0.25, 1]

    def test_a_row_at_the_border_is_in_a_palma_group_in_part(self):
        # poorest 40 of 100: 30 with 1, 10 with 5; richest 10: 5 with 9, 5 with 5
        assert equity.palma_ratio([1, 5, 9], [30, 65, 5]) == pytest.approx(7.0 / 2.0)

    def test_palma_by_income_is_not_by_access(self):
        assert equity.palma_ratio([8, 2, 2], [40, 50, 10], [1, 2, 3]) == 0.25

    def test_palma_of_poorest_with_nothing(self):
        assert equity.palma_ratio([0, 1], [50, 50]) == INF

    def test_palma_of_an_empty_group(self):
        assert np.isnan(equity.palma_ratio([1, 2], [1, 1], [5, 6], thresholds=(4, 5)))

    def test_theil_of_groups_that_are_even_inside(self):
        found = equity.theil_t([1, 1, 3], [5, 5, 10], list("aab"))
        assert found.within == 0
        assert found.between == pytest.approx((0.5 * np.log(0.5) + 1.5 * np.log(1.5)) / 2)
        assert found.groups.loc["a"].tolist()[:2] == [10, 1]

    def test_concentration_by_deprivation_turns_its_sign(self):
        access, people, income = [1, 2, 5], [10, 20, 30], np.array([3.0, 7.0, 9.0])
        rich = equity.concentration_index(access, people, income)
        assert rich > 0
        assert equity.concentration_index(access, people, -income) == pytest.approx(-rich)

    def test_erreygers_of_a_share_mirrors_those_who_lack_it(self):
        share, people, income = np.array([0.1, 0.4, 0.6]), [10, 20, 30], [1, 2, 3]
        has, lacks = (
            equity.concentration_index(x, people, income, kind="erreygers", lower=0, upper=1)
            for x in (share, 1 - share)
        )
        assert has == pytest.approx(-lacks)

    def test_the_line_itself_is_enough(self):
        assert equity.fgt_poverty([299.9, 300.0, 300.1], [1, 1, 2], 300, alpha=(0,)) == (0.25,)
        longer = equity.fgt_poverty(
            [299.9, 300.0, 300.1], [1, 1, 2], 300, alpha=(0,), longer_is_worse=True
        )
        assert longer == (0.5,)

    def test_depth_and_severity(self):
        found = equity.fgt_poverty([150, 450, 900], [50, 25, 25], 300, longer_is_worse=True)
        assert found == (0.5, 0.25 * 0.5 + 0.25 * 2, 0.25 * 0.25 + 0.25 * 4)

    def test_as_access(self):
        assert equity.as_access([0, 300, 400, INF], 300).tolist() == [1, 1, 0.75, 0]


class TestOpenly:
    def test_unreachable_people_make_means_undefined_and_are_counted(self):
        walk, people = [100, 200, INF], [50, 40, 10]
        assert np.isnan(equity.gini(walk, people))
        assert np.isnan(equity.palma_ratio(walk, people))
        assert np.isnan(equity.theil_t(walk, people).total)
        assert np.isnan(equity.concentration_index(walk, people, [1, 2, 3]))
        assert equity.lorenz_curve(walk, people)["access_share"].isna().all()
        assert equity.unreachable_share(walk, people) == 0.1
        assert equity.fgt_poverty(walk, people, 150, longer_is_worse=True) == (0.5, INF, INF)
        met = equity.as_access(walk, 100)
        assert 0 < equity.gini(met, people) < 1
        assert equity.fgt_poverty(met, people, 1.0) == pytest.approx((0.5, 0.3, 0.2))

    def test_means_of_groups_stay_known_beside_the_unreachable(self):
        found = equity.theil_t([100, 200, INF], [1, 1, 1], list("aab")).groups
        assert found["mean_access"].tolist() == [150, INF]

    def test_rows_without_people_count_for_nothing(self):
        access, people = [NAN, 0.2, -1.0, 0.8, INF], [0, 3, 0, 5, 0]
        assert equity.gini(access, people) == equity.gini([0.2, 0.8], [3, 5])
        assert equity.unreachable_share(access, people) == 0
        assert equity.theil_t(
            access, people, [None, "a", "b", "a", None]
        ).groups.index.tolist() == ["a"]
        assert len(equity.lorenz_curve(access, people)) == 3

    @pytest.mark.parametrize(("access", "people"), [([0, 0], [3, 4]), ([1, 2], [0, 0]), ([], [])])
    def test_nothing_to_share_out_is_not_equal(self, access, people):
        ranks = np.arange(len(access))
        assert np.isnan(equity.gini(access, people))
        assert np.isnan(equity.palma_ratio(access, people))
        assert np.isnan(equity.concentration_index(access, people, ranks))
        theil = equity.theil_t(access, people, ranks)
        assert np.isnan([theil.total, theil.between, theil.within]).all()
        assert equity.lorenz_curve(access, people)["access_share"].isna().all()

    def test_nobody_is_poor_where_nobody_is(self):
        assert np.isnan(equity.fgt_poverty([1], [0], 5)).all()
        assert np.isnan(equity.unreachable_share([1], [0]))

    def test_one_row_is_equal(self):
        assert equity.gini([0.4], [9]) == 0
        assert equity.palma_ratio([0.4], [9]) == 1
        assert equity.theil_t([0.4], [9], ["a"]).total == 0
        assert equity.concentration_index([0.4], [9], [1]) == 0
        assert np.isnan(equity.concentration_index([0.4], [9], [1], kind="erreygers"))

    @pytest.mark.parametrize(
        ("access", "people", "message"),
        [
            ([1, NAN, 2], [1, 1, 1], "row 1: access is unknown"),
            ([1, 2, -3], [1, 1, 1], "row 2: access is negative"),
            ([1, 2], [NAN, 1], "row 0: population is unknown"),
            ([1, 2], [1, -1], "row 1: population is not a finite number >= 0"),
            ([1, 2], [1, INF], "row 1: population is not a finite number >= 0"),
            ([1, 2], [1, 2, 3], r"access \(2,\), population \(3,\)"),
            ([[1, 2]], [[1, 2]], "one number a row"),
            (["far"], [1], "access: .* must hold numbers"),
        ],
    )
    def test_rows_that_are_wrong_are_named(self, access, people, message):
        with pytest.raises(TableError, match=message):
            equity.gini(access, people)

    def test_rows_of_tables_are_named_by_their_label(self):
        label = pd.Index(["north", "south"])
        with pytest.raises(TableError, match="row south: access is unknown"):
            equity.gini(pd.Series([1.0, NAN], label), pd.Series([1, 2], label))

    def test_many_wrong_rows_are_counted(self):
        with pytest.raises(TableError, match="row 4 and 3 more: access is unknown"):
            equity.gini([NAN] * 8, [1] * 8)

    def test_all_problems_at_once(self):
        with pytest.raises(TableError, match="2 problems") as error:
            equity.concentration_index([1, NAN], [1, 1], [NAN, 2])
        assert "row 0: rank_by is unknown" in str(error.value)

    def test_tables_with_other_rows_are_not_put_together(self):
        with pytest.raises(TableError, match="different row labels"):
            equity.gini(pd.Series([1, 2], ["a", "b"]), pd.Series([1, 2], ["b", "a"]))

    def test_unknown_people_of_a_table(self):
        with pytest.raises(TableError, match="row 1: population is unknown"):
            equity.gini([1, 2], pd.Series([3, pd.NA], dtype="Int64"))

    def test_a_group_that_is_not_known(self):
        with pytest.raises(TableError, match="row 1: group is unknown"):
            equity.theil_t([1, 2], [1, 1], ["a", None])

    @pytest.mark.parametrize("line", [0, -1, INF, NAN])
    def test_a_line_is_a_number_above_0(self, line):
        with pytest.raises(TableError, match="finite number > 0"):
            equity.fgt_poverty([1], [1], line)
        with pytest.raises(TableError, match="finite number > 0"):
            equity.as_access([1], line)

    def test_options_that_are_wrong(self):
        with pytest.raises(UnknownNameError, match="erreygers, plain"):
            equity.concentration_index([1], [1], [1], kind="wagstaff")
        with pytest.raises(TableError, match="kind='erreygers'"):
            equity.concentration_index([1], [1], [1], upper=1)
        with pytest.raises(TableError, match=r"from 0\.5 to 2, outside 0 to 1"):
            equity.concentration_index([0.5, 2], [1, 1], [1, 2], kind="erreygers", lower=0, upper=1)
        with pytest.raises(TableError, match="give income, too"):
            equity.palma_ratio([1], [1], thresholds=(1, 2))
        with pytest.raises(TableError, match="alpha"):
            equity.fgt_poverty([1], [1], 1, alpha=(-1,))
        with pytest.raises(TableError, match="row 0: walk is negative"):
            equity.as_access([-1], 5)

    def test_what_is_given_stays_as_it_is(self):
        access, people = pd.Series([3.0, 1.0]), pd.Series([1, 2])
        kept = access.copy(), people.copy()
        equity.theil_t(access, people, pd.Series(["a", "b"]))
        equity.lorenz_curve(access, people)
        pd.testing.assert_series_equal(access, kept[0])
        pd.testing.assert_series_equal(people, kept[1])


class TestLaws:
    @given(SHARED_OUT)
    def test_gini_is_the_mean_difference_of_two_persons(self, table):
        access, people = table
        (each,) = persons(access, people=people)
        difference = np.abs(each[:, None] - each[None, :]).mean() / (2 * each.mean())
        assert equity.gini(access, people) == pytest.approx(difference, abs=1e-12)
        assert 0 <= equity.gini(access, people) < 1

    @given(SHARED_OUT)
    def test_gini_is_twice_the_area_above_the_curve(self, table):
        curve = equity.lorenz_curve(*table)
        area = np.trapezoid(curve["access_share"], curve["population_share"])
        assert equity.gini(*table) == pytest.approx(1 - 2 * area, abs=1e-12)
        assert (curve["access_share"] <= curve["population_share"] + 1e-12).all()

    @given(SHARED_OUT)
    def test_theil_is_that_of_persons(self, table):
        access, people = table
        (each,) = persons(access, people=people)
        x = each / each.mean()
        direct = np.where(x > 0, x * np.log(np.where(x > 0, x, 1)), 0).mean()
        found = equity.theil_t(access, people).total
        assert found == pytest.approx(direct, abs=1e-12)
        assert 0 <= found <= np.log(people.sum()) + 1e-12

    @given(SHARED_OUT, GROUPS)
    def test_theil_adds_up(self, table, groups):
        access, people = table
        group = groups[: len(access)]
        found = equity.theil_t(access, people, group)
        assert found.between + found.within == found.total
        assert found.total == pytest.approx(equity.theil_t(access, people).total, abs=1e-12)
        assert found.between >= 0
        assert found.within >= 0
        assert found.groups["between"].sum() == pytest.approx(found.between, abs=1e-12)
        assert found.groups["within"].sum() == pytest.approx(found.within, abs=1e-12)
        assert found.groups["population"].sum() == people.sum()

    @given(SHARED_OUT, GROUPS)
    def test_between_groups_is_theil_of_their_means(self, table, groups):
        found = equity.theil_t(*table, groups[: len(table[0])])
        means = equity.theil_t(found.groups["mean_access"], found.groups["population"])
        assert found.between == pytest.approx(means.total, abs=1e-12)

    @given(SHARED_OUT)
    def test_concentration_is_the_covariance_with_rank(self, table):
        access, people = table
        income = np.arange(len(access)) // 2  # two rows each rank equal
        each, of = persons(access, income, people=people)
        rank = pd.Series(of).rank().to_numpy() / len(of) - 1 / (2 * len(of))
        direct = 2 * np.cov(each, rank, ddof=0)[0, 1] / each.mean()
        found = equity.concentration_index(access, people, income)
        assert found == pytest.approx(direct, abs=1e-12)

    @given(SHARED_OUT)
    def test_concentration_by_access_itself_is_gini(self, table):
        found = equity.concentration_index(*table, table[0])
        assert found == pytest.approx(equity.gini(*table), abs=1e-12)

    @given(SHARED_OUT)
    def test_palma_is_that_of_persons(self, table):
        access, people = table[0], table[1] * 10
        each = np.sort(persons(access, people=people)[0])
        poor, rich = each[: len(each) * 4 // 10].mean(), each[len(each) * 9 // 10 :].mean()
        found = equity.palma_ratio(access, people)
        assert found == (pytest.approx(rich / poor) if poor > 0 else INF)
        assert found >= 1 - 1e-12

    @given(rows().filter(lambda table: table[1].sum() > 0), st.integers(1, 60))
    def test_poverty_is_that_of_persons(self, table, line):
        access, people = table
        (each,) = persons(access, people=people)
        for longer in (False, True):
            gap = np.clip((each - line if longer else line - each) / line, 0, None)
            expected = ((gap > 0).mean(), gap.mean(), (gap**2).mean())
            found = equity.fgt_poverty(access, people, line, longer_is_worse=longer)
            assert found == pytest.approx(expected)

    @given(SHARED_OUT, st.floats(1e-6, 1e6), st.integers(1, 1000))
    def test_neither_unit_nor_number_of_people_matters(self, table, factor, times):
        access, people = table
        ranks = np.arange(len(access))
        for measure in MEASURES:
            before, after = (
                measure(access, people, ranks),
                measure(access * factor, people * times, ranks),
            )
            assert before == pytest.approx(after, rel=1e-9, abs=1e-12, nan_ok=True)

    @given(SHARED_OUT, st.integers(0, 11), st.integers(0, 9), st.randoms(use_true_random=False))
    def test_splitting_and_ordering_rows_changes_nothing(self, table, which, part, random):
        access, people = table
        which %= len(access)
        part = min(part, people[which])
        split = np.append(people, part)
        split[which] -= part
        order = list(range(len(split)))
        random.shuffle(order)
        columns = [
            np.append(access, access[which]),
            split,
            np.append(np.arange(len(access)), which),
        ]
        for measure in MEASURES:
            before = measure(access, people, np.arange(len(access)))
            after = measure(*(column[order] for column in columns))
            assert before == pytest.approx(after, rel=1e-9, abs=1e-12, nan_ok=True)

    @given(SHARED_OUT, st.data())
    def test_giving_to_the_poorer_makes_it_more_equal(self, table, data):
        access, people = table[0] * 2.0, table[1] + 1
        rich, poor = data.draw(st.permutations(range(len(access))))[:2]
        assume(access[rich] > access[poor])
        given = data.draw(st.integers(1, int((access[rich] - access[poor]) / 2)))
        each, one = persons(access, np.arange(len(access)), people=people)
        before = [measure(each, np.ones(len(each)), each) for measure in (GINI, THEIL)]
        each[np.flatnonzero(one == rich)[0]] -= given
        each[np.flatnonzero(one == poor)[0]] += given
        after = [measure(each, np.ones(len(each)), each) for measure in (GINI, THEIL)]
        assert all(now < was for now, was in zip(after, before, strict=True))

    @given(rows(highest=900).filter(lambda table: table[1].sum() > 0), st.integers(1, 900))
    def test_who_is_within_the_limit_has_all_access(self, table, limit):
        met = equity.as_access(table[0], limit)
        assert ((met == 1) == (table[0] <= limit)).all()
        far = equity.fgt_poverty(*table, limit, alpha=(0,), longer_is_worse=True)
        assert equity.fgt_poverty(met, table[1], 1.0, alpha=(0,)) == far


def GINI(access, people, _ranks):  # noqa: N802
    return equity.gini(access, people)


def THEIL(access, people, _ranks):  # noqa: N802
    return equity.theil_t(access, people).total


MEASURES = (
    GINI,
    THEIL,
    lambda access, people, _: equity.palma_ratio(access, people),
    equity.palma_ratio,
    equity.concentration_index,
    lambda access, people, ranks: equity.concentration_index(
        access, people, ranks, kind="erreygers"
    ),
    lambda access, people, ranks: equity.theil_t(access, people, ranks // 2).between,
)


class TestInterval:
    ACCESS = (0.1, 0.4, 0.5, 0.9, 0.3, 0.7)
    PEOPLE = (100, 50, 80, 60, 0, 90)

    def test_it_is_repeatable_and_around_the_measure(self):
        first, again = (
            equity.bootstrap_interval(equity.gini, self.ACCESS, self.PEOPLE) for _ in "ab"
        )
        assert first == again
        assert 0 <= first.low < equity.gini(self.ACCESS, self.PEOPLE) < first.high < 1

    def test_a_higher_level_is_no_narrower(self):
        narrow, wide = (
            equity.bootstrap_interval(equity.gini, self.ACCESS, self.PEOPLE, level=level)
            for level in (0.5, 0.99)
        )
        assert wide.low <= narrow.low <= narrow.high <= wide.high

    def test_the_same_everywhere_is_certain(self):
        found = equity.bootstrap_interval(equity.palma_ratio, [0.5] * 4, [1, 2, 3, 4])
        assert found == (1, 1)

    def test_each_draw_takes_whole_rows_with_people(self):
        seen = set()

        def look(access, people, income):
            seen.update(zip(access, people, income, strict=True))
            return float(len(access))

        found = equity.bootstrap_interval(look, [1, 2, 3], [5, 0, 6], [7, 8, 9], draws=20)
        assert seen == {(1, 5, 7), (3, 6, 9)}
        assert found == (2, 2)

    def test_infinite_draws_may_be_an_end(self):
        found = equity.bootstrap_interval(equity.palma_ratio, [0.0, 0.5, 0.6, 0.7], [10] * 4)
        assert found.high == INF
        assert found.low >= 1

    def test_what_says_nothing_is_not_certain(self):
        assert np.isnan(equity.bootstrap_interval(equity.gini, [0.4, 0.9], [5, 0])).all()
        assert np.isnan(equity.bootstrap_interval(equity.gini, [0, 0, 0.1], [5, 5, 5])).all()

    def test_a_few_undefined_draws_are_counted_on_both_sides(self):
        values = iter([NAN, *range(1, 100)])
        found = equity.bootstrap_interval(
            lambda *_: float(next(values)), [1, 2], [1, 1], draws=100, level=0.9
        )
        assert found == (4, 96)  # the fifth from each end, one undefined beyond each

    def test_options_and_rows_that_are_wrong(self):
        with pytest.raises(TableError, match="draws"):
            equity.bootstrap_interval(equity.gini, [1, 2], [1, 1], draws=0)
        with pytest.raises(TableError, match="level"):
            equity.bootstrap_interval(equity.gini, [1, 2], [1, 1], level=1.0)
        with pytest.raises(TableError, match="column 3"):
            equity.bootstrap_interval(equity.palma_ratio, [1, 2], [1, 1], [1])
