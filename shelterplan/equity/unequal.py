"""How unequally one thing is shared out between communities or districts, every measure of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from shelterplan.equity.areas import divided
from shelterplan.equity.inequality import (
    concentration_index,
    gini,
    lorenz_curve,
    palma_ratio,
    theil_split,
)
from shelterplan.equity.interval import draw_counts, ends, refuse_draws
from shelterplan.equity.people import PLACED, no_ranks, people_of
from shelterplan.equity.rows import Shared, mean_of, sums
from shelterplan.errors import UnknownNameError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.equity.of_plan import Counted, Unit
    from shelterplan.plan import Plan
    from shelterplan.study_area import StudyArea

Of = Literal["walk_time", "coverage", "m2_per_person", "two_step"]

MEASURES = (
    "gini",
    "palma",
    "theil",
    "theil_between_districts",
    "theil_within_districts",
    "between_share",
    "worst_half_share",
    "concentration",
    "concentration_erreygers",
)
"""Every measure of inequality, in the order of the table."""
_SPLIT = ("theil_between_districts", "theil_within_districts", "between_share")
_COLUMNS = {"walk_time": "access", "m2_per_person": "m2_per_person", "two_step": "two_step"}
_WHAT = {
    "walk_time": "how far walks meet the standard: the longest walk allowed over the walk, at most "
    "1, and 0 without any way",
    "m2_per_person": "shelter area for each person, shared out between all who reach it [m2]",
    "two_step": "shelter places for each person, shared out between all who reach them",
}
_BOUNDED = ("walk_time", "coverage")


@dataclass(frozen=True, eq=False, kw_only=True)
class Inequality:
    """How unequally one thing is shared out."""

    of: Of
    by: Unit
    what: str
    """What a unit has, in words."""
    measures: pd.DataFrame
    """One row for each of `MEASURES`: `value`, `low` and `high`, the bootstrap interval. NaN where
    it is not defined; see `left_out`."""
    lorenz: pd.DataFrame
    """`lorenz_curve` of the units, with `low` and `high` of `access_share` at each
    `population_share`."""
    units: pd.DataFrame
    """One row a unit: `name` and `district` of a community, `population` and `access`, what its
    people have on average (NaN without people)."""
    unreachable_share: float
    """Share of people without any way to a fit shelter; they are counted in every measure."""
    unknown_share: float
    """Share of people who reach a shelter of unknown size and have at least what is said; 0 where
    that does not matter."""
    left_out: dict[str, str]
    """Measures that are not known, and why."""


class _Rows(NamedTuple):
    """The communities with people, in numbers."""

    access: NDArray[np.float64]
    people: NDArray[np.float64]
    district: NDArray[np.int64]
    rank: NDArray[np.float64]
    """Minus the deprivation: the most deprived first; NaN where not known."""

    def drawn(self, often: NDArray[np.int64]) -> _Rows:
        """Return the rows when each is taken so often."""
        return self._replace(people=self.people * often)

    def of_districts(self) -> _Rows:
        """Return one row a district."""
        people = sums(self.district, self.people)
        had = sums(self.district, self.people * self.access)
        return _Rows(
            divided(had, people), people, np.arange(len(people)), np.full(len(people), np.nan)
        )


def inequality(
    plan: Plan,
    area: StudyArea | None = None,
    *,
    of: Of = "coverage",
    by: Unit = "community",
    counted: Counted = "possible",
    draws: int = 999,
    level: float = 0.95,
    seed: int = 0,
) -> Inequality:
    """Return every measure of how unequally one thing is shared out, with intervals.

    Parameters
    ----------
    plan : Plan
        The analysis.
    area : StudyArea, optional
        The place that was analysed; needed for `m2_per_person` and `two_step`.
    of : "walk_time", "coverage", "m2_per_person" or "two_step"
        What people have. Of walks, how far they meet the standard (`as_access`): of the walks
        themselves no mean exists as soon as somebody has no way. Coverage is the share of people
        with a place. For the others see `people_of`.
    by : "community" or "district"
        Whose means are compared.
    counted : "possible" or "confirmed"
        Who has a place.
    draws, level, seed : int, float, int
        As in `bootstrap_interval`. Communities are drawn anew, also by district: each draw then has
        other means of districts. As chance adds differences, above all between districts of few
        communities, intervals of those lean upwards.

    Returns
    -------
    Inequality
        Its measures are `gini`; `palma`, the mean of the best served 10 % of people over that of
        the worst served 40 %; `theil` and its parts `theil_between_districts` and
        `theil_within_districts`, with `between_share`, the first over their sum (these three only
        with two districts or more); `worst_half_share`, which share of everything the worse served
        half of the people has; and by community, where the deprivation of all is known,
        `concentration` and `concentration_erreygers` (bounds 0 and 1), above 0 if the less deprived
        have more.

    Raises
    ------
    UnknownNameError
        If `of`, `by` or `counted` is none of these.
    TableError
        If the analysis is of another study area.

    Examples
    --------
    >>> from shelterplan import StudyArea, make_plan
    >>> found = inequality(make_plan(StudyArea.open("coquimbo")), of="walk_time")
    >>> found.measures.loc[["gini", "worst_half_share"]].round(2).values.tolist()
    [[0.28, 0.24, 0.31], [0.3, 0.27, 0.32]]
    >>> found.left_out["concentration"]
    'the communities have no column `deprivation`'
    """
    _refuse_names(of, by, counted)
    refuse_draws(draws, level)
    people = people_of(plan, area)
    column = _COLUMNS.get(of, counted)
    rows, lived_in = _rows(plan, people, column)
    notes = _not_asked(rows, of, by)
    rows = rows._replace(rank=_ranks(plan, by, lived_in, notes))
    if column in people.attrs["left_out"]:
        notes |= dict.fromkeys(MEASURES, people.attrs["left_out"][column])
    unit, bounded = rows.of_districts() if by == "district" else rows, of in _BOUNDED
    curve = _curve(unit)
    at = curve["population_share"].to_numpy(float)
    found, shares = [], []
    for often in draw_counts(len(rows.access), draws if len(rows.access) > 1 else 0, seed):
        drawn = rows.drawn(often).of_districts() if by == "district" else rows.drawn(often)
        found.append(_measured(drawn, bounded=bounded))
        shares.append(_share_at(drawn, at))
    value = _measured(unit, bounded=bounded)
    measures = pd.DataFrame({"value": value}, index=pd.Index(MEASURES, name="measure"))
    measures["low"], measures["high"] = _spread(np.array(found), len(value), level)
    measures.loc[list(notes)] = np.nan
    low, high = _spread(np.array(shares), len(at), level)
    return Inequality(
        of=of,
        by=by,
        what=_WHAT.get(of, f"share of people with a place ({counted})"),
        measures=measures,
        lorenz=curve.assign(low=low, high=high),
        units=_units(plan, people, column, by),
        unreachable_share=_share(people, np.isinf(people["distance_m"].to_numpy(float))),
        unknown_share=_unknown(people, of),
        left_out=notes | _undefined(measures, notes),
    )


def _refuse_names(of: str, by: str, counted: str) -> None:
    for what, name, known in (
        ("thing to share out", of, get_args(Of)),
        ("unit", by, ("community", "district")),
        ("way of counting", counted, tuple(PLACED)),
    ):
        if name not in known:
            raise UnknownNameError(what, str(name), list(known))


def _not_asked(rows: _Rows, of: Of, by: Unit) -> dict[str, str]:
    """Return the measures that say nothing of this thing or these units, and why."""
    notes: dict[str, str] = {}
    if of not in _BOUNDED:
        notes["concentration_erreygers"] = "there is no most that a person can have"
    if by == "district":
        notes |= dict.fromkeys(_SPLIT, "it takes communities to split")
    if len(np.unique(rows.district)) < 2:
        alone = MEASURES if by == "district" else _SPLIT
        notes |= dict.fromkeys(alone, "there is only one district")
    return notes


def _rows(plan: Plan, people: pd.DataFrame, column: str) -> tuple[_Rows, NDArray[np.intp]]:
    """Return the communities with people, and which they are."""
    index = plan.communities.index
    where = index.get_indexer(people["community_id"])
    here = people["population"].to_numpy(float)
    has = people[column].to_numpy(float)
    count = sums(where, here, len(index))
    sum_of = sums(where, here * np.where(here > 0, has, 0.0), len(index))
    lived_in = np.flatnonzero(count > 0)
    district = pd.factorize(plan.communities["district"].iloc[lived_in])[0].astype(np.int64)
    access = divided(sum_of, count)[lived_in]
    unknown = np.full(len(lived_in), np.nan)
    return _Rows(access, count[lived_in], district, unknown), lived_in


def _ranks(
    plan: Plan, by: Unit, lived_in: NDArray[np.intp], notes: dict[str, str]
) -> NDArray[np.float64]:
    """Return what communities are ranked by, from the most to the least deprived."""
    reason = no_ranks(plan, by)
    if reason:
        ranked = dict.fromkeys(("concentration", "concentration_erreygers"), reason)
        notes |= ranked | notes
        return np.full(len(lived_in), np.nan)
    deprived = plan.communities["deprivation"].astype("Float64")
    rank: NDArray[np.float64] = -deprived.to_numpy(float, na_value=np.nan)[lived_in]
    return rank


def _measured(rows: _Rows, *, bounded: bool) -> list[float]:
    """Return every measure, in the order of `MEASURES`; NaN where it is not defined."""
    access, people = rows.access, rows.people
    nothing = float("nan")
    if np.isnan(access[people > 0]).any():
        return [nothing] * len(MEASURES)
    between, within = _theil(rows)
    total = between + within
    share = between / total if total > 0 else nothing
    plain = erreygers = nothing
    if not np.isnan(rows.rank).any():
        plain = concentration_index(access, people, rows.rank)
        if bounded:
            erreygers = concentration_index(
                access, people, rows.rank, kind="erreygers", lower=0, upper=1
            )
    return [
        gini(access, people),
        palma_ratio(access, people),
        *(total, between, within, share),
        float(_share_at(rows, np.array([0.5]))[0]),
        *(plain, erreygers),
    ]


def _theil(rows: _Rows) -> tuple[float, float]:
    """Return Theil's T between districts, and within them."""
    here = rows.people > 0
    access, people = rows.access[here], rows.people[here]
    if not len(people):
        return float("nan"), float("nan")
    names, index = np.unique(rows.district[here], return_inverse=True)
    checked = Shared(access=access, people=people, by=access, mean=mean_of(access, people))
    split = theil_split(checked, index, len(names))
    return split.between, split.within


def _curve(rows: _Rows) -> pd.DataFrame:
    """Return the Lorenz curve; only its ends where nothing is known."""
    unknown = np.isnan(rows.access) & (rows.people > 0)
    return lorenz_curve(np.where(unknown, 0.0, rows.access), rows.people)


def _share_at(rows: _Rows, population_share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return which share of everything those shares of the people have, the worst served first."""
    order = np.argsort(rows.access, kind="stable")
    people = np.cumsum(np.append(0.0, rows.people[order]))
    has = rows.people[order] * rows.access[order]
    upto = np.cumsum(np.append(0.0, np.where(rows.people[order] > 0, has, 0.0)))
    if not upto[-1] > 0:
        return np.full(len(population_share), np.nan)
    found: NDArray[np.float64] = np.interp(population_share, people / people[-1], upto / upto[-1])
    return found


def _spread(
    found: NDArray[np.float64], count: int, level: float
) -> tuple[list[float], list[float]]:
    """Return the ends of the interval of each column."""
    if not len(found):
        return [float("nan")] * count, [float("nan")] * count
    both = [ends(column, level) for column in found.T]
    return [one.low for one in both], [one.high for one in both]


def _units(plan: Plan, people: pd.DataFrame, column: str, by: Unit) -> pd.DataFrame:
    """Return what the people of each unit have on average."""
    table = plan.communities if by == "community" else plan.districts
    where = table.index.get_indexer(
        pd.Index(people["community_id" if by == "community" else "district"])
    )
    here = people["population"].to_numpy(float)
    has = np.where(here > 0, people[column].to_numpy(float), 0.0)
    count = sums(where, here, len(table))
    about = ["name", "district"] if by == "community" else []
    return pd.DataFrame(table[about]).assign(
        population=count, access=divided(sums(where, here * has, len(table)), count)
    )


def _unknown(people: pd.DataFrame, of: Of) -> float:
    """Return the share of people who have at least what is said."""
    column = {"m2_per_person": "m2_unknown", "two_step": "two_step_unknown"}.get(of)
    if column is None:
        return 0.0
    return _share(people, people[column].to_numpy(float))


def _share(people: pd.DataFrame, those: NDArray[np.float64] | NDArray[np.bool_]) -> float:
    here = people["population"].to_numpy(float)
    return float(divided((here * those).sum(), here.sum()))


def _undefined(measures: pd.DataFrame, notes: dict[str, str]) -> dict[str, str]:
    """Return the measures that came to nothing, and why."""
    missing = measures.index[measures["value"].isna()].difference(list(notes), sort=False)
    return dict.fromkeys(map(str, missing), "nobody has anything, or all have the same")
