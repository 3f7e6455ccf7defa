"""Maximal covering of a region: solved part by part, and proven as a whole.

Sites further apart than twice the longest walk share no demand. The sites that do, directly or
over others, are a part; parts depend on each other only by the number of sites that may be built
in all. With ``f_k(n)`` the most that n sites of part k cover, the whole is the most of
``sum f_k(n_k)`` where ``sum n_k <= count``. Each part keeps what its best plans cover,
``l_k(n) <= f_k(n)``, and bounds ``u_k(n) >= f_k(n)``, for every n; sharing the sites out by either,
exactly (`share_out`), gives a plan and a bound of the whole:

    sum l_k(n_k) over the best shares by l  <=  the best plan  <=  the best sum of u_k.

Only numbers of sites that matter are solved: those of the best shares by u. If all of them were
proven, their sum of u would be one of l, and the plan the best one; so while there is a gap, one of
them is not proven, and is solved next. This is never worse than one price of a site for all parts
(Lagrangian relaxation of the count), as the best shares by u obey the count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from shelterplan.progress import Progress, silent
from shelterplan.scale.siting_parts import split
from shelterplan.scale.siting_shares import share_out
from shelterplan.siting.cover_run import reduced
from shelterplan.siting.cover_search import covered
from shelterplan.siting.max_cover import warm_up
from shelterplan.siting.problem import Choice, as_cover, as_weights, is_whole
from shelterplan.siting.result import ROUNDING, SitingResult
from shelterplan.siting.watch import Watch, never

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from shelterplan.scale.siting_parts import Part
    from shelterplan.scale.siting_shares import Shares
    from shelterplan.siting.problem import Matrix

    Floats = NDArray[np.float64]
    Columns = NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Divided:
    """A plan that was found part by part."""

    result: SitingResult
    parts: pd.DataFrame
    """One row a part of two sites and more: `sites`, `points` (that the same sites cover, put
    together), `weight` of all of them, `chosen` sites, `objective` and `bound` for so many sites,
    `solved` (numbers of sites whose model was given to the solver)."""
    alone: int
    """Sites that share demand with no other."""


def cover_by_parts(
    cover: Matrix,
    weights: ArrayLike | None,
    count: int,
    *,
    time_limit_s: float = 60.0,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> Divided:
    """Choose sites so that as much demand as possible is covered, part by part.

    The same model as `siting.max_cover`, for more sites and demand than it can hold at once. See
    the module for the method and its proof.

    Parameters
    ----------
    cover : array or sparse matrix, shape (demand, sites)
        Which sites cover which demand points: see `siting.problem.as_cover`.
    weights : array, shape (demand,), optional
        What covering each demand point is worth; 1 each if not given.
    count : int
        Most sites.
    time_limit_s : float
        How long the solving of parts may take; the best plan by then is returned, with its bound
        [s].
    progress, stop
        See `siting.watch.Watch`.

    Raises
    ------
    SitingError
        If something does not fit the matrix.

    Examples
    --------
    Two streets far apart:

    >>> near = [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]]
    >>> found = cover_by_parts(near, [50, 20, 30, 45], 2)
    >>> found.result.selected, found.result.objective, found.result.status
    ((1, 3), 145.0, 'optimal')
    """
    matrix = as_cover(cover)
    worth = as_weights(weights, matrix.shape[0])
    choice = Choice.of(matrix.shape[1], count)
    warm_up()
    watch = Watch(time_limit_s, progress, stop)
    small = reduced(matrix, worth, choice, Watch(np.inf))
    parts, alone, alone_worth = split(small.cover, small.weights, small.limits.most)
    whole = is_whole(worth)
    low, high = _close(parts, alone_worth, small.limits.most, watch, whole=whole)
    chosen = [alone[_first(alone_worth, int(low.sites[-1]))]]
    chosen += [part.sites[part.plans[n]] for part, n in zip(parts, low.sites[:-1], strict=True)]
    selected = small.columns[np.concatenate(chosen)]
    result = SitingResult.of(
        selected,
        covered(matrix, worth, selected),
        high.value,
        seconds=watch.seconds,
        sense="most",
        whole=whole,
    )
    return Divided(result=result, parts=_table(parts, low), alone=len(alone))


def _close(
    parts: list[Part], alone_worth: Floats, count: int, watch: Watch, *, whole: bool
) -> tuple[Shares, Shares]:
    """Solve what matters until plan and bound of the whole meet, or time is up."""
    single = np.concatenate([[0.0], np.cumsum(-np.sort(-alone_worth)[:count])])
    while True:
        low = share_out([*(part.reached for part in parts), single], count)
        high = share_out([*(part.bound for part in parts), single], count)
        far = high.value - low.value
        # a little less than `SitingResult` allows, as sums may be rounded
        near = far <= (1 - 2 * ROUNDING if whole else ROUNDING / 2 * low.value)
        watch.tell(f"{low.value:,.0f} covered, at most {high.value:,.0f}")
        shares = zip(parts, high.sites[:-1].tolist(), strict=True)
        unsure = [(part, n) for part, n in shares if part.gap(n) > 0]
        if near or not unsure or watch.over:
            return low, high
        unsure.sort(key=lambda one: -one[0].gap(one[1]))
        _tighten(unsure, watch)


def _tighten(unsure: list[tuple[Part, int]], watch: Watch) -> None:
    """Solve parts for a number of sites each; each may take its share of the time that is left."""
    for number, (part, n) in enumerate(unsure):
        if watch.over:
            return
        part.tighten(n, watch.left_s / (len(unsure) - number), lambda: watch.stopped)


def _first(worth: Floats, count: int) -> Columns:
    """Return the rows of the greatest numbers, of equals the first."""
    found: Columns = np.argsort(-worth, kind="stable")[:count]
    return found


def _table(parts: list[Part], low: Shares) -> pd.DataFrame:
    rows = [
        {
            "sites": len(part.sites),
            "points": len(part.weights),
            "weight": part.people,
            "chosen": n,
            "objective": float(part.reached[n]),
            "bound": float(part.bound[n]),
            "solved": len(part.solved),
        }
        for part, n in zip(parts, low.sites[:-1].tolist(), strict=True)
    ]
    columns = ("sites", "points", "weight", "chosen", "objective", "bound", "solved")
    return pd.DataFrame(rows, columns=list(columns))
