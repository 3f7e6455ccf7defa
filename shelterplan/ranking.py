"""Parts from 0 to 1 put together to one index, ranked, with the ranks under other weights."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from shelterplan.errors import ShelterplanError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

Mean = Literal["geometric", "arithmetic"]

PARTS = ("hazard", "vulnerability", "gap")
"""Parts of the index of priority, each from 0 to 1."""
SHAKEN = (0.8, 1.0, 1.2)
"""Factors by which each weight is changed, to see whether a rank holds."""
HIGH_HAZARD, HIGH_GAP = 0.25, 0.5
"""From which values of `hazard` and `gap` a community is called of high risk and under-served, if
nothing else is said: the program's own choice."""
_DECIMALS = 12
"""Values of the index that differ less are a tie: they differ by rounding only."""


class RiskError(ShelterplanError, ValueError):
    """A ranking that cannot be made."""


def ranking(
    parts: pd.DataFrame, *, weights: Mapping[str, float] | None = None, mean: Mean = "geometric"
) -> pd.DataFrame:
    """Put parts from 0 to 1 together, and rank by the result.

    A part that is not known for a row that has another one is left out for all rows, so that rows
    can be compared. Rows without any part (nobody lives there) are not ranked.

    Parameters
    ----------
    parts : DataFrame
        Columns `hazard`, `vulnerability`, `gap`, 0 to 1 or NaN.
    weights : mapping, optional
        A weight for each part, 1 where none is given; only their proportions count.
    mean : {"geometric", "arithmetic"}
        In the geometric mean, prod(part ** weight), a part that is 0 cannot be made good by another
        one; in the arithmetic mean, sum(weight * part), it can.

    Returns
    -------
    DataFrame
        The parts; `priority`, 0 to 1; `rank` (1 comes first; equal values have the same rank, and
        `tied` says so); `rank_low` and `rank_high`, the first and the last rank when each weight is
        changed by 20 % up or down in every combination; `stable`, whether they are the same;
        `hazard_weight`, `vulnerability_weight`, `gap_weight`, which add up to 1 (NaN where the part
        is left out); and `left_out`, the parts that are. Why, is in `attrs["left_out"]`.

    Raises
    ------
    RiskError
        If a weight is impossible, or no part with a weight is known.

    Examples
    --------
    >>> parts = pd.DataFrame(
    ...     {"hazard": [1.0, 0.25, 0.0], "vulnerability": np.nan, "gap": [0.25, 0.64, 1.0]},
    ...     index=["a", "b", "c"],
    ... )
    >>> found = ranking(parts)
    >>> found["priority"].round(6).tolist(), found["rank"].tolist()
    ([0.5, 0.4, 0.0], [1, 2, 3])
    >>> found["gap_weight"].tolist(), found.attrs["left_out"]
    ([0.5, 0.5, 0.5], {'vulnerability': 'not given'})
    >>> ranking(parts, mean="arithmetic")["priority"].tolist()
    [0.625, 0.445, 0.5]
    """
    if mean not in get_args(Mean):
        raise UnknownNameError("mean", mean, list(get_args(Mean)))
    parts = parts[list(PARTS)].astype(float)
    outside = parts.notna() & ~((parts >= 0) & (parts <= 1))
    if outside.any(axis=None):
        message = f"{', '.join(outside.columns[outside.any()])} must lie between 0 and 1"
        raise RiskError(message)
    left_out = left_out_of(parts, parts.notna().any(axis=1))
    given = _weights(weights)
    used = [name for name in PARTS if name not in left_out]
    heavy = np.array([given[name] for name in used])
    if len(parts) and not heavy.sum() > 0:
        message = f"no part with a weight is known; left out: {', '.join(left_out) or 'none'}"
        raise RiskError(message)
    values = parts[used].to_numpy()
    index = pd.Series(_index(values, heavy, mean), index=parts.index)
    rank = _ranks(index)
    shaken = [
        _ranks(pd.Series(_index(values, heavy * factors, mean), index=parts.index))
        for factors in itertools.product(SHAKEN, repeat=len(used))
    ]
    table = pd.concat(shaken, axis=1) if shaken else rank.to_frame()
    low, high = table.min(axis=1), table.max(axis=1)
    shares = dict(zip(used, heavy / heavy.sum(), strict=True))
    found = parts.assign(
        priority=index,
        rank=rank,
        tied=rank.duplicated(keep=False) & rank.notna(),
        rank_low=low,
        rank_high=high,
        stable=(low == high).fillna(value=False).astype(bool),
        **{f"{name}_weight": shares.get(name, np.nan) for name in PARTS},
        left_out=", ".join(left_out),
    )
    found.attrs["left_out"] = left_out
    return found


def _weights(weights: Mapping[str, float] | None) -> dict[str, float]:
    """Return the weight of every part."""
    given = dict(weights or {})
    for name, weight in given.items():
        if name not in PARTS:
            raise UnknownNameError("part of the priority", name, list(PARTS))
        if not (math.isfinite(weight) and 0 <= weight <= 1e6):
            message = f"the weight of {name} must be a number from 0 to 1,000,000, got {weight!r}"
            raise RiskError(message)
    return {name: float(given.get(name, 1.0)) for name in PARTS}


def _index(
    values: NDArray[np.float64], weights: NDArray[np.float64], mean: Mean
) -> NDArray[np.float64]:
    """Return the weighted mean of each row."""
    shares = weights / weights.sum()
    whole = np.prod(values**shares, axis=1) if mean == "geometric" else (values * shares).sum(1)
    rounded: NDArray[np.float64] = np.round(whole, _DECIMALS)
    return rounded


def _ranks(index: pd.Series) -> pd.Series:
    """Return ranks from the largest value, 1; equal values share the first of theirs."""
    return index.rank(method="min", ascending=False).astype("Int64")


def high_risk_query(*, hazard_at_least: float = HIGH_HAZARD, gap_at_least: float = HIGH_GAP) -> str:
    """Return the question for high risk and too little shelter, as pandas' `query` takes it.

    Examples
    --------
    >>> high_risk_query(hazard_at_least=0.5)
    'hazard >= 0.5 and gap >= 0.5'
    """
    for name, limit in (("hazard_at_least", hazard_at_least), ("gap_at_least", gap_at_least)):
        if not 0 <= limit <= 1:
            message = f"{name} must be a number from 0 to 1, got {limit!r}"
            raise RiskError(message)
    return f"hazard >= {float(hazard_at_least)!r} and gap >= {float(gap_at_least)!r}"


def high_risk_under_served(
    table: pd.DataFrame, *, hazard_at_least: float = HIGH_HAZARD, gap_at_least: float = HIGH_GAP
) -> pd.DataFrame:
    """Return the communities of high risk with too little shelter; anybody can repeat it.

    The result is `table.query(result.attrs["query"])`.

    Parameters
    ----------
    table : DataFrame
        As `priority` returns it.
    hazard_at_least, gap_at_least : float
        Limits of the parts, inclusive, 0 to 1.

    Raises
    ------
    RiskError
        If the hazard is not known: then nobody can say whose risk is high.

    Examples
    --------
    >>> table = pd.DataFrame({"hazard": [1.0, 0.0], "gap": [0.5, 1.0]}, index=["a", "b"])
    >>> found = high_risk_under_served(table)
    >>> found.index.tolist(), found.attrs["query"]
    (['a'], 'hazard >= 0.25 and gap >= 0.5')
    """
    text = high_risk_query(hazard_at_least=hazard_at_least, gap_at_least=gap_at_least)
    if len(table) and table["hazard"].isna().all():
        message = "whose risk is high is not known: choose a hazard of which zones are known"
        raise RiskError(message)
    found: pd.DataFrame = table.query(text)
    found.attrs = {**table.attrs, "query": text}
    return found


def left_out_of(parts: pd.DataFrame, needed: pd.Series | NDArray[np.bool_]) -> dict[str, str]:
    """Return the parts that are not known for every row that needs them, and why."""
    missing = parts[needed].isna().sum()
    return {
        str(name): "not given" if count == np.sum(needed) else f"not known for {count} communities"
        for name, count in missing.items()
        if count or not np.any(needed)
    }
