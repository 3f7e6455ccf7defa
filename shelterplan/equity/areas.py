"""What the people of each district and community have, with how sure a district's figures are."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from shelterplan.coverage import weighted_quantiles
from shelterplan.equity.interval import draw_counts, ends, refuse_draws
from shelterplan.equity.people import PLACED, people_of
from shelterplan.equity.rows import sums
from shelterplan.errors import TableError, UnknownNameError
from shelterplan.tables import GROUPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from shelterplan.equity.of_plan import Counted, Unit
    from shelterplan.plan import Plan
    from shelterplan.study_area import StudyArea

COUNTS = ("population", "unreachable_people")
"""Columns of people of the tables by area."""
FIGURES = (
    "mean_walk_time_s",
    "unreachable_share",
    "coverage_share",
    "possible_share",
    "m2_per_person",
    "m2_unknown_share",
    "two_step",
    "two_step_unknown_share",
    "too_far",
    "shortfall",
    "shortfall_severity",
    *(f"{group}_left_out_share" for group in GROUPS),
)
"""Means over people of the tables by area, each with an interval by district."""


class Ratios(NamedTuple):
    """Figures that are one sum over people divided by another, shape (rows, figures)."""

    part: NDArray[np.float64]
    whole: NDArray[np.float64]

    def summed(self, group: NDArray[np.intp], count: int) -> Ratios:
        """Return the sums of each group."""
        return Ratios(*(_sums(values, group, count) for values in self))

    def times(self, often: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the figures when rows are taken so often, shape (draws, figures)."""
        return divided(often @ self.part, often @ self.whole)


def divided(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return quotients, NaN where there is nothing to divide by."""
    quotient: NDArray[np.float64] = np.divide(
        part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0
    )
    return quotient


def _sums(values: NDArray[np.float64], group: NDArray[np.intp], count: int) -> NDArray[np.float64]:
    columns = [sums(group, column, count) for column in values.T]
    return np.array(columns, float).T.reshape(count, values.shape[1])


def by_district(
    plan: Plan,
    area: StudyArea | None = None,
    *,
    counted: Counted = "possible",
    draws: int = 999,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Return what the people of each district have, with intervals.

    Parameters
    ----------
    plan : Plan
        The analysis.
    area : StudyArea, optional
        The place that was analysed; without it, `m2_per_person` and `two_step` are not known.
    counted : "possible" or "confirmed"
        Who has a place, for the groups: also people whose shelter is of unknown size, or only those
        who certainly have one.
    draws, level, seed : int, float, int
        As in `bootstrap_interval`.

    Returns
    -------
    DataFrame
        One row a district: `population`; `mean_walk_time_s` and `median_walk_time_s` to the nearest
        fit shelter, of those who have a way [s]; `unreachable_people` and `unreachable_share`, who
        have none; `coverage_share`, who certainly have a place, and `possible_share`, who have one
        if shelters of unknown size have room; the means of what is shared out between all who reach
        a shelter, `m2_per_person` [m2] and `two_step` [places a person] (see `people_of`), with
        `m2_unknown_share` and `two_step_unknown_share`, those who have at least so much, as they
        reach a shelter of unknown size; against the standard `too_far` (share of people: the head
        count), `shortfall` (depth) and `shortfall_severity`, the FGT measures of `as_access`, which
        the unreachable enter with 1; and `<group>_left_out_share`, the share of each population
        group that has no place. NaN where it is not known, or nobody lives.

        Each figure but the median has `<figure>_low` and `<figure>_high`, the percentile bootstrap
        of the district's communities: those are drawn anew, with all people in them, as the people
        of one community share their streets and shelters and do not tell of others one by one. It
        is NaN with fewer than two communities with people. Why a figure is not known, is in
        `attrs["left_out"]`.

    Examples
    --------
    >>> from shelterplan import StudyArea, make_plan
    >>> area = StudyArea.open("monaco")
    >>> found = by_district(make_plan(area), area)
    >>> found[["possible_share_low", "possible_share", "possible_share_high"]].round(2).values
    array([[0.7 , 0.8 , 0.91]])
    """
    refuse_draws(draws, level)
    people = people_of(plan, area)
    names = pd.Index(plan.districts.index, name="district")
    table = _by(people, names.get_indexer(pd.Index(people["district"])), names, counted)
    index = plan.communities.index
    where = index.get_indexer(pd.Index(people["community_id"]))
    ratios = _ratios(people, counted).summed(where, len(index))
    lived_in = sums(where, people["population"].to_numpy(float), len(index)) > 0
    home = names.get_indexer(pd.Index(plan.communities["district"]))
    spread = np.full((2, len(names), len(FIGURES)), np.nan)
    for place in range(len(names)):
        mine = np.flatnonzero(lived_in & (home == place))
        if len(mine) < 2:
            continue
        drawn = Ratios(ratios.part[mine], ratios.whole[mine]).times(
            draw_counts(len(mine), draws, seed).astype(float)
        )
        spread[:, place] = np.array([ends(column, level) for column in drawn.T]).T
    return _with_intervals(table, spread)


def by_community(
    plan: Plan, area: StudyArea | None = None, *, counted: Counted = "possible"
) -> pd.DataFrame:
    """Return what the people of each community have.

    Parameters
    ----------
    plan, area, counted
        As in `by_district`.

    Returns
    -------
    DataFrame
        One row a community: `name`, `district`, `deprivation` where it is given, and the columns of
        `by_district` without intervals: the community is what is drawn there.

    Examples
    --------
    >>> from shelterplan import StudyArea, make_plan
    >>> found = by_community(make_plan(StudyArea.open("monaco")))
    >>> found.loc["larvotto", ["population", "possible_share"]].astype(float).round(3).tolist()
    [2192.0, 0.576]
    """
    people = people_of(plan, area)
    index = plan.communities.index
    about = ["name", "district", *({"deprivation"} & {*plan.communities.columns})]
    found = _by(people, index.get_indexer(pd.Index(people["community_id"])), index, counted)
    table = pd.DataFrame(plan.communities[about]).join(found)
    table.attrs = found.attrs
    return table


def changes_by_area(
    before: Plan,
    after: Plan,
    areas: tuple[StudyArea | None, StudyArea | None] = (None, None),
    *,
    by: Unit = "district",
    counted: Counted = "possible",
) -> pd.DataFrame:
    """Return what changes for the people of each district or community, for example by a proposal.

    Parameters
    ----------
    before, after : Plan
        Two analyses of the same communities against the same standard.
    areas : (StudyArea, StudyArea), optional
        The places that were analysed, such as an area and `area.with_sites(...)`.
    by : "district" or "community"
        What a row is.
    counted
        As in `by_district`.

    Returns
    -------
    DataFrame
        One row an area: `population`, and for each figure of `by_district` its `<figure>_before`,
        `<figure>_after` and `<figure>_change`; NaN where one of the two is not known.

    Raises
    ------
    TableError
        If the standards are different, or the areas are.

    Examples
    --------
    >>> from shelterplan import StudyArea, make_plan
    >>> area = StudyArea.open("monaco")
    >>> more = area.with_sites(area.candidates.loc[["way/157719659"]])
    >>> found = changes_by_area(make_plan(area), make_plan(more), by="community")
    >>> round(float(found["possible_share_change"].max()), 3)
    0.168
    """
    if before.manifest["standard"] != after.manifest["standard"]:
        raise TableError("equity", ["the two plans are against different standards; use one."])
    if by not in {"community", "district"}:
        raise UnknownNameError("unit", str(by), ["community", "district"])
    tables = []
    for plan, area in zip((before, after), areas, strict=True):
        people = people_of(plan, area)
        rows = plan.communities.index if by == "community" else plan.districts.index
        column = "community_id" if by == "community" else "district"
        tables.append(_by(people, rows.get_indexer(pd.Index(people[column])), rows, counted))
    old, new = tables
    if not old.index.equals(new.index):
        raise TableError("equity", [f"the two plans have different rows by {by}; use one area."])
    columns: dict[str, Any] = {"population": new["population"]}
    for name in old.columns.drop("population"):
        columns |= {f"{name}_before": old[name], f"{name}_after": new[name]}
        columns[f"{name}_change"] = new[name] - old[name]
    found = pd.DataFrame(columns, index=new.index)
    found.attrs["left_out"] = old.attrs["left_out"] | new.attrs["left_out"]
    return found


def _by(
    people: pd.DataFrame, group: NDArray[np.intp], names: pd.Index, counted: Counted
) -> pd.DataFrame:
    """Return the figures of each group of people."""
    figures = divided(*_ratios(people, counted).summed(group, len(names)))
    table = pd.DataFrame(figures, index=names, columns=list(FIGURES))
    here = people["population"].to_numpy(float)
    cut_off = np.isinf(people["distance_m"].to_numpy(float))
    counts = {
        "population": sums(group, here, len(names)),
        "unreachable_people": sums(group, here * cut_off, len(names)),
    }
    for place, name in enumerate(COUNTS):
        table.insert(place, name, counts[name])
    table.insert(2, "median_walk_time_s", _medians(people[~cut_off], group[~cut_off], len(names)))
    table.attrs["left_out"] = dict(people.attrs["left_out"]) | {
        f"{name}_left_out_share": "not given" for name in GROUPS if name not in people
    }
    return table


def _ratios(people: pd.DataFrame, counted: Counted) -> Ratios:
    """Return each row's part of the figures."""
    if counted not in PLACED:
        raise UnknownNameError("way of counting", str(counted), list(PLACED))
    here = people["population"].to_numpy(float)
    walk = people["walk_time_s"].to_numpy(float)
    way = np.isfinite(people["distance_m"].to_numpy(float))
    pairs = {
        "mean_walk_time_s": (here * np.where(way, walk, 0.0), here * way),
        "unreachable_share": (here * ~way, here),
    }
    columns = {
        "coverage_share": "confirmed",
        "possible_share": "possible",
        "m2_unknown_share": "m2_unknown",
        "two_step_unknown_share": "two_step_unknown",
    }
    for name in FIGURES[2:11]:
        values = people[columns.get(name, name)].to_numpy(float)
        known = ~np.isnan(values)
        pairs[name] = (here * np.where(known, values, 0.0), here * known)
    lost = 1.0 - people[counted].to_numpy(float)
    for name in GROUPS:
        of_group = group_people(people, name)
        pairs[f"{name}_left_out_share"] = (of_group * lost, of_group)
    listed = [pairs[name] for name in FIGURES]
    part, whole = (np.column_stack(columns) for columns in zip(*listed, strict=True))
    return Ratios(part, whole)


def group_people(people: pd.DataFrame, group: str) -> NDArray[np.float64]:
    """Return the people of a group in each row, 0 where they are not known."""
    if group not in people:
        return np.zeros(len(people))
    counted = people[group].astype("Float64").to_numpy(float, na_value=0.0)
    return np.asarray(counted, float)


def _medians(people: pd.DataFrame, group: NDArray[np.intp], count: int) -> NDArray[np.float64]:
    """Return the walking time that half of the people of each group do not exceed [s]."""
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(count + 1))
    time = people["walk_time_s"].to_numpy(float)[order]
    here = people["population"].to_numpy(float)[order]
    return np.array(
        [
            weighted_quantiles(time[first:last], here[first:last], [0.5])[0]
            for first, last in pairwise(bounds)
        ]
    )


def _with_intervals(table: pd.DataFrame, spread: NDArray[np.float64]) -> pd.DataFrame:
    """Return the table with the ends of each figure's interval beside it."""
    columns: dict[str, Any] = {}
    order: Sequence[str] = list(table.columns)
    for name in order:
        columns[name] = table[name]
        if name in FIGURES:
            place = FIGURES.index(name)
            columns[f"{name}_low"], columns[f"{name}_high"] = spread[:, :, place]
    found = pd.DataFrame(columns, index=table.index)
    found.attrs = table.attrs
    return found
