"""Every measure of equity of one analysis, and what changes between two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from shelterplan.equity.inequality import concentration_index, gini, palma_ratio, theil_t
from shelterplan.equity.people import NO_LIMIT, PLACED, no_ranks, walks_of
from shelterplan.equity.shortfall import as_access, fgt_poverty, unreachable_share
from shelterplan.errors import TableError, UnknownNameError
from shelterplan.tables import GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from shelterplan.plan import Plan

Counted = Literal["possible", "confirmed"]
Unit = Literal["community", "district"]
Better = Literal["lower", "higher"]

_PEOPLE = {"possible": "possible_people", "confirmed": "covered_population"}
_SAME = 1e-9
"""Changes up to this are rounding."""


class Measured(NamedTuple):
    """One measure of one analysis."""

    measure: str
    value: float
    of: str
    unit: str
    better: Better
    unreachable_share: float
    place: str = ""


def measures(plan: Plan, *, counted: Counted = "possible", by: Unit = "community") -> pd.DataFrame:
    """Return every measure of equity of an analysis.

    Three things are measured. The share of people with a place, unit by unit: `gini`, `theil` with
    its parts `theil_between_districts` and `theil_within_districts`, `palma` (mean share of the
    best served 10 % of people over that of the worst served 40 %), `worst_district`,
    `best_district` and the `district_gap` between them; and where the communities have a column
    `deprivation`, `concentration` and `concentration_erreygers` (bounds 0 and 1) from the most to
    the least deprived: above 0, the better-off have more.
    The walk to the nearest fit shelter, point by point, against the standard (without the delay
    with which people leave): `too_far` (share of people), `too_far_depth` and `too_far_severity`
    (see `fgt_poverty`: `inf` if somebody has no way at all), and `shortfall` and
    `shortfall_severity`, the same of `as_access`, which the unreachable enter with 1.
    And `<group>_gap`: the share of a population group that has a place minus that of everybody,
    at the points where the group is known; below 0, the group is worse served.

    Parameters
    ----------
    plan : Plan
        The analysis.
    counted : "possible" or "confirmed"
        Who has a place: also people whose shelter is of unknown size, or only those who certainly
        have one.
    by : "community" or "district"
        The unit whose shares are compared.

    Returns
    -------
    DataFrame
        One row a measure: `value` (NaN where it is not defined, for example where nobody has a
        place), `of` what, `unit`, `better` (`lower` or `higher`), `unreachable_share` (of the
        people measured, those who have no way to any fit shelter: they are counted in every
        measure) and `place` (the worst or best district; else empty). What is left out and why, is
        in `attrs["left_out"]`, and groups of which some people are not known in
        `attrs["partly_known"]`, with the share of people at points where they are.

    Raises
    ------
    UnknownNameError
        If `counted` or `by` is none of these.

    Examples
    --------
    >>> from shelterplan import StudyArea, make_plan
    >>> found = measures(make_plan(StudyArea.open("monaco")))
    >>> found.loc[["gini", "too_far"], "value"].round(3).tolist()
    [0.096, 0.202]
    >>> found.attrs["left_out"]["children_gap"]
    'not given'
    """
    if counted not in _PEOPLE:
        raise UnknownNameError("way of counting", str(counted), list(_PEOPLE))
    if by not in {"community", "district"}:
        raise UnknownNameError("unit", str(by), ["community", "district"])
    notes: dict[str, dict[str, Any]] = {"left_out": {}, "partly_known": {}}
    cut_off = unreachable_share(plan.demand["distance_m"], plan.demand["population"])
    found = [
        *_of_shares(plan, counted, by, cut_off),
        *_of_districts(plan, counted, cut_off),
        *_of_deprivation(plan, counted, by, cut_off, notes["left_out"]),
        *_of_walks(plan, cut_off, notes["left_out"]),
        *_of_groups(plan, counted, notes),
    ]
    table = pd.DataFrame(found).set_index("measure")
    table.attrs.update(notes)
    return table


def changes(
    before: Plan, after: Plan, *, counted: Counted = "possible", by: Unit = "community"
) -> pd.DataFrame:
    """Return the change of every measure of equity, for example by a proposal.

    Parameters
    ----------
    before, after : Plan
        Two analyses against the same standard.
    counted, by
        As in `measures`.

    Returns
    -------
    DataFrame
        One row a measure: `of`, `unit`, `better`; `before`, `after`, `change` (NaN if one of them
        is not known); `verdict` (`better`, `worse`, `same`, `unknown`); and, before and after, the
        `unreachable_share` and `place` of `measures`, such as `place_before`. Its attrs are those
        of `measures`: what was left out of either.

    Raises
    ------
    TableError
        If the standards are different.

    Examples
    --------
    >>> from shelterplan import StudyArea, make_plan
    >>> plan = make_plan(StudyArea.open("monaco"))
    >>> changes(plan, plan)["verdict"].unique().tolist()
    ['same']
    """
    if before.manifest["standard"] != after.manifest["standard"]:
        raise TableError("equity", ["the two plans are against different standards; use one."])
    old, new = (measures(plan, counted=counted, by=by) for plan in (before, after))
    every = old.index.append(new.index.difference(old.index, sort=False))
    was, now = (table["value"].reindex(every).to_numpy(float) for table in (old, new))
    told = old[["of", "unit", "better"]].combine_first(new[["of", "unit", "better"]]).loc[every]
    change = _difference(was, now)
    parts = {
        f"{name}_{when}": table[name].reindex(every)
        for name in ("unreachable_share", "place")
        for when, table in (("before", old), ("after", new))
    }
    verdict = _verdict(change, told["better"].to_numpy(object))
    found = told.assign(before=was, after=now, change=change, verdict=verdict, **parts)
    found.attrs.update({note: old.attrs[note] | new.attrs[note] for note in old.attrs})
    return found


def _difference(was: NDArray[np.float64], now: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the change; `inf` before and after is none."""
    same = was == now
    change: NDArray[np.float64] = np.where(same, 0.0, now) - np.where(same, 0.0, was)
    return change


def _verdict(change: NDArray[np.float64], better: NDArray[np.object_]) -> NDArray[np.str_]:
    gain = np.where(better == "higher", change, -change)
    return np.select(
        [np.isnan(gain), np.abs(gain) <= _SAME, gain > 0], ["unknown", "same", "better"], "worse"
    )


def _shares(table: pd.DataFrame, counted: Counted) -> tuple[pd.Series, pd.Series]:
    """Return the share of people with a place of each unit (NaN without people), and its people."""
    people = table["population"]
    share: pd.Series = (table[_PEOPLE[counted]] / people).where(people > 0)
    return share, people


def _of_shares(plan: Plan, counted: Counted, by: Unit, cut_off: float) -> Iterator[Measured]:
    """Yield how unequal the shares of people with a place are."""
    of = f"share of people with a place, by {by}"
    if by == "district":
        share, people = _shares(plan.districts, counted)
        theil = theil_t(share, people)
    else:
        share, people = _shares(plan.communities, counted)
        theil = theil_t(share, people, plan.communities["district"])
    yield Measured("gini", gini(share, people), of, "index", "lower", cut_off)
    yield Measured("theil", theil.total, of, "index", "lower", cut_off)
    if by == "community":
        parts = {"between": theil.between, "within": theil.within}
        for name, value in parts.items():
            yield Measured(f"theil_{name}_districts", value, of, "index", "lower", cut_off)
    yield Measured("palma", palma_ratio(share, people), of, "ratio", "lower", cut_off)


def _of_districts(plan: Plan, counted: Counted, cut_off: float) -> Iterator[Measured]:
    """Yield the shares of the worst and of the best district, and the gap between them."""
    of = "share of people with a place, by district"
    share = _shares(plan.districts, counted)[0].dropna()
    if share.empty:
        worst = best = float("nan")
        names = ["", ""]
    else:
        worst, best = float(share.min()), float(share.max())
        names = [str(share.idxmin()), str(share.idxmax())]
    yield Measured("worst_district", worst, of, "share", "higher", cut_off, names[0])
    yield Measured("best_district", best, of, "share", "higher", cut_off, names[1])
    yield Measured("district_gap", best - worst, of, "share", "lower", cut_off)


def _of_deprivation(
    plan: Plan, counted: Counted, by: Unit, cut_off: float, left_out: dict[str, str]
) -> Iterator[Measured]:
    """Yield whether places are concentrated on the less deprived."""
    share, people = _shares(plan.communities, counted)
    reason = no_ranks(plan, by)
    if reason:
        left_out |= dict.fromkeys(("concentration", "concentration_erreygers"), reason)
        return
    of = "share of people with a place, by community, from the most to the least deprived"
    rank = -plan.communities["deprivation"].astype("Float64")
    plain = concentration_index(share, people, rank)
    bounded = concentration_index(share, people, rank, kind="erreygers", lower=0, upper=1)
    yield Measured("concentration", plain, of, "index", "lower", cut_off)
    yield Measured("concentration_erreygers", bounded, of, "index", "lower", cut_off)


def _of_walks(plan: Plan, cut_off: float, left_out: dict[str, str]) -> Iterator[Measured]:
    """Yield who walks too far, and how much too far."""
    walk, limit = walks_of(plan)
    raw, bounded = ("too_far_depth", "too_far_severity"), ("shortfall", "shortfall_severity")
    if limit.value <= 0:
        left_out |= dict.fromkeys(("too_far", *raw, *bounded), NO_LIMIT)
        return
    people = plan.demand["population"].to_numpy(float)
    of = f"walk to the nearest fit shelter, against {limit.value:g} {limit.unit}"
    share, *far = fgt_poverty(walk, people, limit.value, longer_is_worse=True)
    short = fgt_poverty(as_access(walk, limit.value), people, 1.0, alpha=(1, 2))
    yield Measured("too_far", share, of, "share", "lower", cut_off)
    for name, value, unit in zip(raw, far, ("limits", "limits squared"), strict=True):
        yield Measured(name, value, of, unit, "lower", cut_off)
    for name, value in zip(bounded, short, strict=True):
        yield Measured(name, value, f"limit / {of}", "index", "lower", cut_off)


def _of_groups(
    plan: Plan, counted: Counted, notes: dict[str, dict[str, Any]]
) -> Iterator[Measured]:
    """Yield how much better or worse each population group is served than everybody."""
    placed = plan.demand["status"].isin(PLACED[counted]).to_numpy(bool)
    everybody = plan.demand["population"].to_numpy(float)
    walk = plan.demand["distance_m"].to_numpy(float)
    for group in GROUPS:
        name = f"{group}_gap"
        if group not in plan.demand:
            notes["left_out"][name] = "not given"
            continue
        people = plan.demand[group].astype("Float64").to_numpy(float, na_value=np.nan)
        known = ~np.isnan(people)
        here = np.where(known, people, 0.0)
        if here.sum() == 0 or everybody[known].sum() == 0:
            notes["left_out"][name] = "nobody of this group is known of"
            continue
        if not known[everybody > 0].all():
            notes["partly_known"][name] = float(everybody[known].sum() / everybody.sum())
        of_all = everybody[known & placed].sum() / everybody[known].sum()
        gap = float(here[placed].sum() / here.sum() - of_all)
        of = f"share of {group} with a place minus that of everybody"
        yield Measured(name, gap, of, "share", "higher", unreachable_share(walk, here))
