"""How unequally access is shared out, in one number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import xlogy

from shelterplan.equity.rows import Shared, mean_of, numbers, pooled, shared, sums
from shelterplan.errors import TableError, UnknownNameError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def gini(access: ArrayLike, population: ArrayLike) -> float:
    """Return the Gini coefficient: 0 if everybody has the same, towards 1 if one has it all.

    With rows sorted by access, `p` the share of people and `L` the cumulated share of access,
    it is `1 - sum p_i (L_(i-1) + L_i)`: twice the area between `lorenz_curve` and the diagonal.

    Parameters
    ----------
    access : array_like, shape (rows,)
        What a person of each row has; at least 0.
    population : array_like, shape (rows,)
        People of each row.

    Returns
    -------
    float
        NaN if nobody has anything, if there are no people, or if somebody has `inf`.

    Raises
    ------
    TableError
        If lengths do not fit, or a row with people is unknown or negative.

    Examples
    --------
    >>> round(gini([0.0, 0.5, 1.0], [100, 100, 100]), 4)
    0.4444
    >>> gini([0.0, 1.0], [300, 100])
    0.75
    """
    rows = shared(access, population)
    relative = rows.relative
    if relative is None:
        return float("nan")
    order = np.argsort(rows.access, kind="stable")
    p = rows.share[order]
    upto = np.cumsum(p * relative[order])
    before = np.append(0.0, upto[:-1])
    return max(0.0, float(1 - (p * (before + upto)).sum() / upto[-1]))


def lorenz_curve(access: ArrayLike, population: ArrayLike) -> pd.DataFrame:
    """Return which share of all access the people with the least of it have.

    Parameters
    ----------
    access, population
        As in `gini`.

    Returns
    -------
    DataFrame
        From (0, 0) to (1, 1), one row more than there are rows with people: `population_share`
        and `access_share`, both cumulated. `access_share` is NaN where `gini` is.

    Examples
    --------
    >>> lorenz_curve([0.0, 1.0], [300, 100]).to_numpy().tolist()
    [[0.0, 0.0], [0.75, 0.0], [1.0, 1.0]]
    """
    rows = shared(access, population)
    order = np.argsort(rows.access, kind="stable")
    people = np.cumsum(np.append(0.0, rows.people[order]))
    relative = rows.relative
    if relative is None:
        upto = np.full(len(people), np.nan)
    else:
        upto = np.cumsum(np.append(0.0, rows.people[order] * relative[order]))
        upto /= upto[-1]
    total = people[-1] if people[-1] > 0 else np.nan
    return pd.DataFrame({"population_share": people / total, "access_share": upto})


def palma_ratio(
    access: ArrayLike,
    population: ArrayLike,
    income: ArrayLike | None = None,
    *,
    thresholds: tuple[float, float] | None = None,
) -> float:
    """Return the mean access of the richest 10 % of people over that of the poorest 40 %.

    The groups are exactly 40 % and 10 % of all people: a row at the border belongs to a group in
    part, and rows of equal income are one row, so that neither the order nor the size of rows
    matters. Where the rows are only part of a study area, give the incomes at 40 % and 90 % of its
    people as `thresholds`: then, as in the R package `accessibility`, whole rows count, the poorest
    with income up to the first (inclusive), the richest with more than the second.

    Parameters
    ----------
    access, population
        As in `gini`.
    income : array_like, shape (rows,), optional
        What makes a person rich; by default the access itself: the best served 10 % over the worst
        served 40 %.
    thresholds : (float, float), optional
        Incomes up to which people are poorest, and above which they are richest.

    Returns
    -------
    float
        `inf` if the poorest have nothing and the richest something; NaN if neither has anything,
        if a group is empty, or if somebody's access is `inf`.

    Examples
    --------
    >>> palma_ratio([10, 20, 30], [40, 50, 10])
    3.0
    """
    if thresholds is not None and income is None:
        raise TableError("thresholds", ["they are incomes: give income, too."])
    rows = shared(access, population, rank_name="income", rank_by=income)
    if np.isnan(rows.mean):
        return float("nan")
    if thresholds is None:
        rows = pooled(rows)
        upto = np.cumsum(rows.people)
        before = upto - rows.people
        poorest = np.clip(np.minimum(upto, upto[-1] * 4 / 10) - before, 0.0, None)
        richest = np.clip(upto - np.maximum(before, upto[-1] * 9 / 10), 0.0, None)
    else:
        poorest = rows.people * (rows.by <= thresholds[0])
        richest = rows.people * (rows.by > thresholds[1])
    rich, poor = (mean_of(rows.access, group) for group in (richest, poorest))
    if poor == 0:
        return float("inf") if rich > 0 else float("nan")
    return rich / poor


@dataclass(frozen=True, eq=False, kw_only=True)
class Theil:
    """Theil's T, and where it comes from."""

    total: float
    """0 if everybody has the same; at most the logarithm of the number of people."""
    between: float
    """What would be left if everybody had the mean of their group."""
    within: float
    """The rest: `between` + `within` = `total`."""
    groups: pd.DataFrame
    """One row a group with people: `population`, `mean_access`, and its parts of the two sums,
    `between` (negative for groups below the mean) and `within`."""


def theil_t(access: ArrayLike, population: ArrayLike, group: ArrayLike | None = None) -> Theil:
    """Return Theil's T, split into differences between groups and within them.

    `T = sum p (a/m) ln(a/m)` with `p` the share of people, `m` the mean access and 0 ln 0 = 0
    (Theil 1967). With groups, `between` is T of the groups' means, and `within` the T of each
    group weighted by its share of all access.

    Parameters
    ----------
    access, population
        As in `gini`.
    group : array_like, shape (rows,), optional
        The group of each row; without it everybody is of one group, and `between` is 0.

    Returns
    -------
    Theil
        Its numbers are NaN where `gini` is.

    Examples
    --------
    >>> found = theil_t([1, 1, 3, 3], [10, 10, 10, 10], ["north", "north", "south", "south"])
    >>> round(found.total, 4), round(found.between, 4), found.within
    (0.1308, 0.1308, 0.0)
    """
    key, names = _grouped(population, group)
    rows = shared(access, population, rank_name="group", rank_by=key)
    split = theil_split(rows, rows.by.astype(np.int64), len(names))
    return Theil(
        total=split.between + split.within,
        between=split.between,
        within=split.within,
        groups=pd.DataFrame(split.columns, index=pd.Index(names, name="group")),
    )


class TheilSplit(NamedTuple):
    """Theil's T of rows, in two parts."""

    between: float
    within: float
    columns: dict[str, NDArray[np.float64]]
    """Those of `Theil.groups`, one number a group."""


def theil_split(rows: Shared, index: NDArray[np.int64], count: int) -> TheilSplit:
    """Return Theil's T of rows whose groups are numbered; each group has people."""
    relative = rows.relative
    people = sums(index, rows.people, count)
    means = sums(index, rows.people * rows.access, count) / people
    nothing = np.full(count, np.nan)
    parts = (nothing, nothing) if relative is None else _theil_parts(rows, relative, index)
    if relative is None:
        between = within = float("nan")
    else:
        between = float((people / people.sum() * _entropy(means / rows.mean)).sum())
        within = max(0.0, float(parts[1].sum()))
    found = {"population": people, "mean_access": means, "between": parts[0], "within": parts[1]}
    return TheilSplit(between=between, within=within, columns=found)


def _theil_parts(
    rows: Shared, relative: NDArray[np.float64], index: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what each group adds to the differences between groups, and within them."""
    p = sums(index, rows.share)
    x = sums(index, rows.share * relative) / p
    mine = x[index]
    own = np.divide(relative, mine, out=np.zeros_like(relative), where=mine > 0)
    return p * xlogy(x, x), sums(index, rows.share * mine * _entropy(own))


def _entropy(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return x ln x, less what adds up to 0 over everybody: never negative, and 0 where x is 1."""
    return np.maximum(0.0, xlogy(x, x) - (x - 1))


def concentration_index(
    access: ArrayLike,
    population: ArrayLike,
    rank_by: ArrayLike,
    *,
    kind: Literal["plain", "erreygers"] = "plain",
    lower: float | None = None,
    upper: float | None = None,
) -> float:
    """Say whether access is concentrated on people who rank high (above 0) or low (below 0).

    `2 sum p (R - 1/2) (a - m) / m`, `R` being the share of people who rank lower plus half of the
    row's own (Kakwani, Wagstaff and van Doorslaer 1997). Rows that rank equal are one row.
    Of access with bounds, such as a share from 0 to 1, the plain index depends on its mean, and on
    whether one looks at those who have it or those who lack it; Erreygers' (2009) does not: the
    plain one times `4 m / (upper - lower)`.

    Parameters
    ----------
    access, population
        As in `gini`.
    rank_by : array_like, shape (rows,)
        What people are ranked by, such as income. By deprivation (more is worse), the sign turns:
        above 0 is more access for the deprived.
    kind : "plain" or "erreygers"
        Which index.
    lower, upper : float, optional
        For Erreygers', the lowest and highest access that there can be; by default the lowest and
        highest that somebody has.

    Returns
    -------
    float
        From -1 to 1; NaN where `gini` is, and Erreygers' also if the bounds are equal.

    Raises
    ------
    TableError
        As `gini`; or if somebody's access is outside the bounds, or bounds come with the plain one.

    Examples
    --------
    >>> concentration_index([0.0, 1.0], [50, 50], [1000, 2000])
    0.5
    >>> concentration_index([0.0, 1.0], [50, 50], [1000, 2000], kind="erreygers")
    1.0
    """
    if kind not in {"plain", "erreygers"}:
        raise UnknownNameError("kind of concentration index", str(kind), ["plain", "erreygers"])
    if kind == "plain" and (lower is not None or upper is not None):
        raise TableError("bounds", ["the plain index has none; say kind='erreygers'."])
    rows = shared(access, population, rank_name="rank_by", rank_by=rank_by)
    if rows.relative is None:
        return float("nan")
    lowest = float(rows.access.min()) if lower is None else lower
    highest = float(rows.access.max()) if upper is None else upper
    if kind == "erreygers":
        _refuse_outside(rows, lowest, highest)
    ranked = pooled(rows)
    p = ranked.share
    rank = np.cumsum(p) - p / 2
    plain = float(2 * (p * (rank - 0.5) * (ranked.access / rows.mean - 1)).sum())
    if kind == "plain":
        return plain
    return plain * 4 * rows.mean / (highest - lowest) if highest > lowest else float("nan")


def _refuse_outside(rows: Shared, lower: float, upper: float) -> None:
    """Raise if somebody's access is not within the bounds."""
    if (rows.access < lower).any() or (rows.access > upper).any():
        found = f"{rows.access.min():g} to {rows.access.max():g}"
        raise TableError("bounds", [f"access is from {found}, outside {lower:g} to {upper:g}."])


def _grouped(
    population: ArrayLike, group: ArrayLike | None
) -> tuple[ArrayLike, NDArray[np.object_]]:
    """Return the number of each row's group (NaN if not known), and the groups with people."""
    people = numbers("population", population)
    if group is None:
        return np.zeros(people.shape), np.array(["all"] if (people > 0).any() else [], object)
    column = group if isinstance(group, pd.Series) else pd.Series(np.asarray(group))
    key = np.full(len(column), np.nan)
    if len(column) == len(people):
        here = column.notna().to_numpy() & (people > 0)
        codes, names = pd.factorize(column[here].to_numpy(object), sort=True)
        key[here] = codes
    else:
        names = np.array([], object)
    told = pd.Series(key, column.index) if isinstance(group, pd.Series) else key
    return told, np.asarray(names, object)
