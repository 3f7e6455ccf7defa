"""Who has too little, and how much too little; and what the unreachable count for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shelterplan.equity.rows import numbers, shared, told
from shelterplan.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


def fgt_poverty(
    access: ArrayLike,
    population: ArrayLike,
    line: float,
    *,
    alpha: Sequence[float] = (0, 1, 2),
    longer_is_worse: bool = False,
) -> tuple[float, ...]:
    """Return how many have too little, how much too little, and how unequally (FGT).

    `sum p ((line - a) / line) ** alpha` over the people below the line (Foster, Greer and
    Thorbecke 1984): with alpha 0 their share (head count), with 1 the mean shortfall in
    multiples of the line (depth; 0 for the others), with 2 its mean square (severity). Whoever is
    exactly on the line meets it.

    Parameters
    ----------
    access, population
        As in `gini`.
    line : float
        What everybody should have; above 0.
    alpha : sequence of float
        The weights of the shortfall, each at least 0.
    longer_is_worse : bool
        Whether `access` is a walk (distance or time): then poor is who is above the line, and who
        has no way at all (`inf`) is of the poor; depth and severity are then `inf`, too. For
        numbers that remain finite, measure `as_access(walk, line)` against a line of 1.

    Returns
    -------
    tuple of float
        One number for each alpha; NaN without people.

    Examples
    --------
    Half of the people walk 300 s, exactly the line, the others twice that; then ten have no way.

    >>> fgt_poverty([300, 600], [100, 100], 300, longer_is_worse=True)
    (0.5, 0.5, 0.5)
    >>> fgt_poverty([300, 600, np.inf], [100, 90, 10], 300, longer_is_worse=True)
    (0.5, inf, inf)
    """
    if not (np.isfinite(line) and line > 0):
        raise TableError("line", [f"it must be a finite number > 0, got {line!r}."])
    if not all(one >= 0 for one in alpha):
        raise TableError("alpha", [f"each must be a number >= 0, got {alpha!r}."])
    rows = shared(access, population)
    if not len(rows.people):
        return tuple(float("nan") for _ in alpha)
    short = (rows.access - line) if longer_is_worse else (line - rows.access)
    poor = short > 0
    gap, people = short[poor] / line, rows.people[poor]
    return tuple(float((people * gap**one).sum() / rows.people.sum()) for one in alpha)


def unreachable_share(walk: ArrayLike, population: ArrayLike) -> float:
    """Return the share of people whose walk is `inf`: nothing can be reached (NaN without people).

    Examples
    --------
    >>> unreachable_share([120.0, np.inf], [75, 25])
    0.25
    """
    rows = shared(walk, population)
    if not len(rows.people):
        return float("nan")
    return float(rows.people[np.isinf(rows.access)].sum() / rows.people.sum())


def as_access(walk: ArrayLike, limit: float) -> NDArray[np.float64]:
    """Return how far walks meet a limit: `limit / walk`, at most 1.

    1 for everybody within the limit (inclusive), half for twice the limit, and 0 for `inf`: the
    inverse decay of gravity models, cut at the limit. More is better, and every measure of it
    exists, those without any way included.

    Parameters
    ----------
    walk : array_like
        Distances or times; at least 0, `inf` if there is no way. NaN stays NaN.
    limit : float
        Longest acceptable walk, in the same unit; above 0.

    Examples
    --------
    >>> as_access([0, 500, 1000, np.inf], 500).tolist()
    [1.0, 1.0, 0.5, 0.0]
    """
    if not (np.isfinite(limit) and limit > 0):
        raise TableError("limit", [f"it must be a finite number > 0, got {limit!r}."])
    walks = numbers("walk", walk)
    if (walks < 0).any():
        raise TableError("walk", list(told("walk", walk, walks < 0, "is negative")))
    met: NDArray[np.float64] = limit / np.maximum(walks, limit)
    return met
