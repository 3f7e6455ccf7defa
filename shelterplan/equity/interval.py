"""How far a measure could be off for the chance of which communities there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from shelterplan.equity.rows import numbers, refuse_misfits, shared
from shelterplan.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

_ROUNDING = 1e-9


class Interval(NamedTuple):
    """The ends of an interval."""

    low: float
    high: float


def bootstrap_interval(
    measure: Callable[..., float],
    access: ArrayLike,
    population: ArrayLike,
    *others: ArrayLike,
    draws: int = 999,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return the interval of a measure when rows (communities) are drawn anew, with replacement.

    The percentile bootstrap (Efron 1979) of rows with people: each draw has as many rows as there
    are, and each row comes with all it holds. It tells how much the measure hangs on single
    communities; rows are drawn as if neighbours were independent, which they seldom are, so take it
    for the least uncertainty. A draw in which the measure is not defined counts on both sides.

    Parameters
    ----------
    measure : callable
        Takes `access`, `population` and `others`, returns a number: `gini`, or
        `lambda a, p: theil_t(a, p).total`.
    access, population, *others : array_like, shape (rows,)
        What is drawn from.
    draws : int
        How often; at least 1.
    level : float
        Share of the draws within the interval; above 0 and below 1.
    seed : int
        The same seed gives the same draws.

    Returns
    -------
    Interval
        `low` and `high`, each the measure of one draw, as many draws being below as above: with
        999 draws and level 0.95, the 25th from each end. NaN with fewer than two rows with people,
        and where as many draws are not defined.

    Raises
    ------
    TableError
        If rows are not as `gini` needs them, or an option is out of its range.

    Examples
    --------
    >>> from shelterplan.equity import gini
    >>> low, high = bootstrap_interval(gini, [0.2, 0.5, 0.6, 0.9], [100, 80, 120, 90])
    >>> bool(0 <= low < gini([0.2, 0.5, 0.6, 0.9], [100, 80, 120, 90]) < high < 1)
    True
    """
    refuse_draws(draws, level)
    columns = {"access": access, "population": population}
    columns |= {f"column {place}": column for place, column in enumerate(others, 3)}
    refuse_misfits(columns)
    shared(access, population)
    lived_in = np.flatnonzero(numbers("population", population) > 0)
    arrays = [np.asarray(column)[lived_in] for column in columns.values()]
    if len(lived_in) < 2:
        return Interval(float("nan"), float("nan"))
    random = np.random.default_rng(seed)
    found = np.empty(draws)
    for draw in range(draws):
        rows = random.integers(0, len(lived_in), len(lived_in))
        found[draw] = measure(*(array[rows] for array in arrays))
    return ends(found, level)


def draw_counts(rows: int, draws: int, seed: int) -> NDArray[np.int64]:
    """Return how often each row is drawn in each draw, shape (draws, rows).

    They are the draws of `bootstrap_interval` with that seed.
    """
    picked = np.random.default_rng(seed).integers(0, max(rows, 1), (draws, rows))
    key = np.arange(draws)[:, np.newaxis] * rows + picked
    return np.bincount(key.ravel(), minlength=draws * rows).reshape(draws, rows)


def refuse_draws(draws: int, level: float) -> None:
    """Raise if an interval cannot be made so."""
    if draws < 1 or not 0 < level < 1:
        message = f"draws must be at least 1 and 0 < level < 1, got {draws!r} and {level!r}."
        raise TableError("bootstrap", [message])


def ends(found: NDArray[np.float64], level: float) -> Interval:
    """Return the interval that holds a share of the draws; one that is NaN counts on both sides."""
    undefined = np.isnan(found)
    outside = max(1, int((len(found) + 1) * (1 - level) / 2 + _ROUNDING))
    if undefined.sum() >= outside:
        return Interval(float("nan"), float("nan"))
    low = np.sort(np.where(undefined, -np.inf, found))[outside - 1]
    high = np.sort(np.where(undefined, np.inf, found))[-outside]
    return Interval(float(low), float(high))
