"""Bounds on covering with floors that follow from prices, whoever found them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from shelterplan.siting.grouped import Floats, Problem


class Duals(NamedTuple):
    """Prices of the rows of a linear program, from which a bound follows whatever they are."""

    row: Floats
    """Of covering each row of the problem, shape (rows,), 0 or more."""
    group: Floats
    """Of each group's floor, shape (groups,), 0 or more."""


def bound_of(problem: Problem, need: Floats, duals: Duals) -> tuple[float, Floats]:
    r"""Return what no plan can better, and the same for plans with each column, shape (columns,).

    Lagrangian relaxation of the rows and the floors (Geoffrion 1974): for any prices
    $u, \lambda \ge 0$ no plan that meets the floors covers more than

    $$\sum_i \max(0, w_i + \lambda_g c_i - u_i) + \max_y \sum_j y_j \sum_{i near j} u_i
      - \sum_g \lambda_g need_g$$

    It does not matter how well a solver has solved anything. Without capacities only.
    """
    worth = problem.people + duals.group[problem.group] * problem.counted
    left = float(np.maximum(0.0, worth - duals.row).sum()) - float(duals.group @ need)
    gain = np.asarray(problem.cover.T @ duals.row)
    return left + _fill(problem, gain), left + _fill_with(problem, gain)


def worst_bound(problem: Problem, at: Floats, per: Floats, duals: Duals) -> float:
    r"""Return how well off the worst group can be at most, whatever the prices.

    As `bound_of`, for the model that wants $t$ with $covered_g \ge at_g + per_g t$ in all groups:
    with $\sum_g \lambda_g per_g = 1$, $t$ is at most what no people and floors of `at` give.
    """
    total = float(duals.group @ per)
    if total <= 0:
        return np.inf
    nobody = replace(problem, people=np.zeros(len(problem.people)))
    return bound_of(nobody, at - problem.base.counted, duals)[0] / total


def _fill(problem: Problem, gain: Floats) -> float:
    """Return the most that columns within count and budget can gain: at most, not exactly."""
    best = float(np.sort(gain)[::-1][: problem.count].sum())
    if not np.isfinite(problem.budget):
        return best
    rate = np.divide(gain, problem.costs, out=np.full(len(gain), np.inf), where=problem.costs > 0)
    order = np.argsort(-rate)
    room = problem.budget - np.r_[0.0, np.cumsum(problem.costs[order])[:-1]]
    part = np.clip(
        np.divide(room, problem.costs[order], out=np.ones(len(gain)), where=rate[order] < np.inf),
        0.0,
        1.0,
    )
    return min(best, float(gain[order] @ part))


def _fill_with(problem: Problem, gain: Floats) -> Floats:
    """Return the same if a column must be among them, shape (columns,)."""
    if not problem.count:
        return np.full(len(gain), -np.inf)
    if np.isfinite(problem.budget):
        return np.full(len(gain), np.inf)
    top = np.sort(gain)[::-1][: problem.count]
    return np.asarray(float(top.sum()) - np.maximum(0.0, top[-1] - gain), float)
