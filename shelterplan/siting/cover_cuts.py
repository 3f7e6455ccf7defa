"""Inequalities that tighten the linear model of maximal covering.

Take some demand points that no site covers all of. If all are covered, two of the sites that cover
any of them are chosen; in general each site that covers all counts twice, and
``sum a_j y_j >= 2 - sum of (1 - z_i)``: the cuts of Balas and Ng (1989) for set covering, with room
for points that are not covered. They close much of the gap where most of the demand is covered.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from shelterplan.siting.cover_linear import cover_model, solve_in_time
from shelterplan.siting.set_cover_cuts import row_cuts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.cover_search import Floats, Limits
    from shelterplan.siting.highs import Model
    from shelterplan.siting.problem import Sparse
    from shelterplan.siting.watch import Watch

ROUNDS = 12
"""Most linear programs."""
SLOW = 0.03
"""Rounds end once one takes a smaller share of the gap away."""


class Cut(NamedTuple):
    """A model with cuts."""

    model: Model
    """Of whole sites."""
    bound: float
    """No plan covers more; `inf` if nothing was found in time."""
    reduced: Floats
    """How much each site is worth beyond the prices of its rows, shape (sites,)."""
    points: Floats
    """The same of each point that several sites cover."""


def cut_model(
    cover: Sparse, weights: Floats, limits: Limits, watch: Watch, *, reached: float
) -> Cut:
    """Return the model with the cuts that its linear program misses, round by round.

    `reached` is what the best plan known covers: rounds go on while the bound comes nearer to it.
    """
    model = cover_model(cover, weights, limits, whole=True)
    own, sites = model.rows.shape[0], cover.shape[1]
    shared: Sparse = sparse.csr_array(cover[np.diff(cover.indptr) > 1])
    best = Cut(model, np.inf, np.zeros(sites), np.zeros(shared.shape[0]))
    for _ in range(ROUNDS):
        before = watch.seconds
        linear = replace(model, whole=np.zeros(len(model.whole), bool))
        solved = solve_in_time(linear, watch, options={"solver": "ipm", "run_crossover": "off"})
        if not solved.optimal or solved.values is None:
            break
        price = np.maximum(np.abs(solved.row_duals), 0.0)
        bound, reduced = _bound(model, price)
        slow = best.bound - bound < SLOW * (best.bound - reached)
        if bound < best.bound:
            best = Cut(model, bound, reduced[:sites], reduced[sites:])
        watch.tell("cuts")
        if slow or watch.left_s < 3 * (watch.seconds - before):
            break
        more, upper = _missed(shared, np.clip(solved.values, 0.0, 1.0))
        if not len(upper):
            break
        kept = np.flatnonzero((np.arange(len(price)) < own) | (price > 1e-7))
        model = _with(model, kept, more, upper)
    return best


def _bound(model: Model, price: Floats) -> tuple[float, Floats]:
    """Return what no columns between 0 and 1 can better at any prices, and what exceeds these."""
    reduced: Floats = model.objective - model.rows.T @ price
    return float(price @ model.row_upper + np.maximum(reduced, 0.0).sum()), reduced


def _missed(shared: Sparse, values: Floats) -> tuple[Sparse, Floats]:
    """Return cuts that the values miss as rows of the model, and their upper bounds."""
    sites = shared.shape[1]
    more, sets = row_cuts(shared, values[:sites], 1.0 - values[sites:])
    size = np.diff(sets.indptr)
    return sparse.csr_array(sparse.hstack([-more, sets])), size - 2.0


def _with(model: Model, kept: NDArray[np.intp], more: Sparse, upper: Floats) -> Model:
    """Return the model with some of its rows and others."""
    return replace(
        model,
        rows=sparse.csr_array(sparse.vstack([model.rows[kept], more])),
        row_lower=np.full(len(kept) + len(upper), -np.inf),
        row_upper=np.concatenate([model.row_upper[kept], upper]),
    )
