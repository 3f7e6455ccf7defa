"""What is left of a p-median after its bound, as a model of whole numbers.

Radius formulation (Elloumi 2010; García, Labbé and Marín 2011): point `i` has radii
D_1 < ... < D_K, the costs in its list, and z_ik = 1 if no site within D_k is open. Least of
sum D_1 + sum (D_k+1 - D_k) z_ik, where z_ik + (open sites at D_k) >= z_i,k-1, and z_i0 = 1. Its
linear relaxation is as strong as that of the formulation by assignments, and much smaller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from shelterplan.siting.highs import Model, Solved, solve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.median_lists import Lists
    from shelterplan.siting.median_search import Limits
    from shelterplan.siting.watch import Watch


def radius_model(lists: Lists, limits: Limits, must: NDArray[np.bool_]) -> tuple[Model, float]:
    """Return the model and what to add to its objective.

    Parameters
    ----------
    lists, limits : Lists, Limits
        The problem.
    must : array of bool, shape (demand,)
        Points that may not be left to pay their `base`.
    """
    rows, sites = len(lists.base), lists.sites
    row = np.repeat(np.arange(rows), np.diff(lists.ptr))
    new = np.ones(len(row), bool)
    new[1:] = (row[1:] != row[:-1]) | (lists.cost[1:] != lists.cost[:-1])
    level = np.cumsum(new) - 1
    at, value = row[new], lists.cost[new]
    levels = len(at)
    last = np.ones(levels, bool)
    last[:-1] = at[1:] != at[:-1]
    after = np.append(value[1:], 0.0)
    after[last] = np.where(must[at[last]], value[last], lists.base[at[last]])
    first = np.ones(levels, bool)
    first[1:] = last[:-1]
    chained = np.flatnonzero(~first)
    matrix = sparse.csr_array(
        (
            np.concatenate([np.ones(len(level) + levels), -np.ones(len(chained)), limits.price]),
            (
                np.concatenate([level, np.arange(levels), chained, np.full(sites, levels)]),
                np.concatenate(
                    [lists.site, sites + np.arange(levels), sites + chained - 1, np.arange(sites)]
                ),
            ),
        ),
        shape=(levels + 1, sites + levels),
    )
    empty = np.diff(lists.ptr) == 0
    counted = sparse.csr_array(
        (np.ones(sites), (np.zeros(sites, np.int64), np.arange(sites))), (1, sites + levels)
    )
    model = Model(
        objective=np.concatenate([np.zeros(sites), after - value]),
        rows=sparse.csr_array(sparse.vstack([matrix, counted])),
        row_lower=np.append(first.astype(float), [-np.inf, -np.inf]),
        row_upper=np.append(np.full(levels, np.inf), [limits.budget, float(limits.most)]),
        column_lower=np.zeros(sites + levels),
        column_upper=np.concatenate([np.ones(sites), np.where(last & must[at], 0.0, 1.0)]),
        whole=np.arange(sites + levels) < sites,
        sense="least",
    )
    return model, float(value[first].sum() + lists.base[empty].sum())


def solve_rest(
    lists: Lists,
    limits: Limits,
    must: NDArray[np.bool_],
    watch: Watch,
    *,
    target: float,
) -> tuple[Solved, float]:
    """Solve what is left with HiGHS; return its claim and what to add to its objective.

    Parameters
    ----------
    target : float
        How much below the best known plan a better one must be.
    """
    model, constant = radius_model(lists, limits, must)
    solved = solve(
        model,
        watch,
        absolute_gap=0.9 * target,
        options={"mip_heuristic_effort": 0.0},
    )
    return solved, constant
