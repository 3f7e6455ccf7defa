"""Backup coverage: sites chosen so that people are near two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from shelterplan.progress import Progress, silent
from shelterplan.siting import highs
from shelterplan.siting.problem import Choice, Matrix, as_cover, as_weights, is_whole
from shelterplan.siting.reduce import merge_rows
from shelterplan.siting.result import SitingError, SitingResult
from shelterplan.siting.watch import Watch, never

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from shelterplan.siting.problem import Sparse


def backup_cover(
    cover: Matrix,
    weights: ArrayLike | None = None,
    count: float | None = None,
    *,
    budget: float | None = None,
    fixed: Sequence[int] = (),
    costs: ArrayLike | None = None,
    share_backup: float = 1.0,
    time_limit_s: float = 10.0,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> SitingResult:
    """Choose sites so that as many people as possible are near two.

    Most of sum_i w_i [(1 - s) u_i + s b_i], where u_i says whether one of the sites covers i and
    b_i whether two do, s is `share_backup`:

        u_i + b_i <= sum_j a_ij x_j,  b_i <= u_i,  sum_j x_j <= count or sum_j c_j x_j <= budget,
        x, b in {0, 1}, 0 <= u <= 1.

    It is the second model (BACOP2) of Hogan and ReVelle 1986, "Concepts and applications of backup
    coverage", Management Science 32 (11). A matrix of what covers what knows no ways: whether the
    ways to two sites share a street is not looked at here; ask `redundancy.two_ways` of the result.

    Parameters
    ----------
    cover : matrix, shape (demand, sites)
        See `problem.as_cover`.
    weights : array, shape (demand,), optional
        People; 1 each by default.
    count : int, optional
        Most sites that may be added.
    budget, costs : float; array, shape (sites,), optional
        What the added sites may cost, and what each costs.
    fixed : sequence of int
        Sites that are there already.
    share_backup : float
        What a second site is worth, 0 to 1: 1 counts only people who are near two, 0 is maximal
        covering, 0.5 counts each of two sites alike.
    time_limit_s, progress, stop
        How long to look; who is told; asked whether to stop.

    Returns
    -------
    SitingResult
        Its objective is the sum above, worked out from the chosen sites.

    Raises
    ------
    SitingError
        If something does not fit.

    Examples
    --------
    >>> backup_cover([[1, 1, 0], [1, 0, 1], [0, 0, 1]], [10, 4, 3], 1, fixed=[0]).selected
    (0, 1)
    """
    if not 0 <= share_backup <= 1:
        message = f"share_backup must be from 0 to 1, not {share_backup!r}"
        raise SitingError(message)
    watch = Watch(time_limit_s, progress, stop)
    covers = as_cover(cover)
    people = as_weights(weights, covers.shape[0])
    choice = Choice.of(covers.shape[1], count, budget=budget, fixed=fixed, costs=costs)
    worth = np.array([0.0, 1 - share_backup, 1.0])
    task = _Task.of(covers, people, choice, worth)
    best = task.greedy(watch)
    watch.tell("solving the model")
    solved = highs.solve(task.model(), watch, start=task.start(best))
    plans = [best]
    if solved.values is not None:
        chosen = np.flatnonzero(solved.values[: len(choice.free)] > 0.5)
        plans += [chosen] if task.fits(chosen) else []

    def objective(plan: NDArray[np.int64]) -> float:
        sites = np.concatenate([choice.fixed, choice.free[plan]])
        return float(people @ worth[_times(covers, sites)])

    plan = max(plans, key=objective)
    return SitingResult.of(
        np.concatenate([choice.fixed, choice.free[plan]]),
        objective(plan),
        task.constant + min(solved.bound, task.most),
        seconds=watch.seconds,
        sense="most",
        whole=share_backup in (0, 1) and is_whole(people),
    )


def _times(covers: Sparse, sites: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many of some sites cover each demand point, 2 where there are more."""
    chosen = np.bincount(sites, minlength=covers.shape[1]).astype(float)
    times: NDArray[np.int64] = np.minimum(covers @ chosen, 2).astype(np.int64)
    return times


class _Task(NamedTuple):
    """What is left to choose once the fixed sites are counted."""

    cover: Sparse
    """Shape (groups, free sites)."""
    people: NDArray[np.float64]
    near: NDArray[np.int64]
    """How many fixed sites cover each group, 0 or 1."""
    worth: NDArray[np.float64]
    """Of no site, one and two, for each person."""
    constant: float
    """What the fixed sites reach alone."""
    choice: Choice

    @classmethod
    def of(
        cls,
        covers: Sparse,
        people: NDArray[np.float64],
        choice: Choice,
        worth: NDArray[np.float64],
    ) -> _Task:
        near = _times(covers, choice.fixed)
        open_rows = np.flatnonzero((near < 2) & (people > 0))
        free = sparse.csr_array(covers[open_rows][:, choice.free])
        merged = merge_rows(free, people[open_rows], near[open_rows])
        label = np.zeros(len(merged.weights), np.int64)
        kept = merged.group >= 0
        label[merged.group[kept]] = near[open_rows][kept]
        constant = float(people @ worth[near])
        return cls(merged.cover, merged.weights, label, worth, constant, choice)

    @property
    def most(self) -> float:
        """What all free sites would add."""
        times = np.minimum(self.near + np.diff(self.cover.indptr), 2)
        return float(self.people @ (self.worth[times] - self.worth[self.near]))

    def fits(self, plan: NDArray[np.int64]) -> bool:
        """Return whether free sites keep to the count and the budget."""
        if self.choice.count is not None and len(plan) > self.choice.count:
            return False
        if self.choice.costs is None:
            return True
        spent = self.choice.costs[self.choice.free[plan]].sum()
        return bool(spent <= self.choice.budget * (1 + 1e-12))

    def greedy(self, watch: Watch) -> NDArray[np.int64]:
        """Add the free site with the most gain for its cost, a first site being worth a half."""
        half = np.maximum(self.worth, [0.0, 0.5, 0.0])
        gain_of = np.append(np.diff(half), 0.0)
        columns = sparse.csr_array(self.cover.T)
        near, plan = self.near.copy(), list[int]()
        price = np.ones(columns.shape[0])
        if self.choice.costs is not None:
            price = np.maximum(self.choice.costs[self.choice.free], 1e-9)
        left = np.ones(columns.shape[0], bool)
        while left.any() and not watch.over:
            gain = np.where(left, columns @ (self.people * gain_of[near]) / price, -1.0)
            site = int(np.argmax(gain))
            if gain[site] <= 0:
                break
            left[site] = False
            if self.fits(np.array([*plan, site])):
                plan.append(site)
                rows = columns.indices[columns.indptr[site] : columns.indptr[site + 1]]
                near[rows] = np.minimum(near[rows] + 1, 2)
            elif self.choice.costs is None:
                break
        return np.array(sorted(plan), np.int64)

    def start(self, plan: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the columns of the model for a plan."""
        chosen = np.zeros(self.cover.shape[1])
        chosen[plan] = 1.0
        times = self.near + self.cover @ chosen
        return np.concatenate([chosen, times >= 1, times >= 2]).astype(float)

    def model(self) -> highs.Model:
        """Return the model; columns: free sites, a first site of each group, a second one."""
        groups, sites = self.cover.shape
        one = sparse.eye_array(groups)
        none = sparse.csr_array((groups, sites))
        rows = [sparse.hstack([self.cover, -one, -one]), sparse.hstack([none, one, -one])]
        lower = [-self.near.astype(float), np.zeros(groups)]
        upper = [np.full(2 * groups, np.inf)]
        for limit, price in self._limits():
            rows.append(sparse.csr_array(np.concatenate([price, np.zeros(2 * groups)])[None]))
            lower.append(np.array([-np.inf]))
            upper.append(np.array([limit]))
        first, second = self.worth[1], self.worth[2] - self.worth[1]
        gained = np.where(self.near == 0, first, 0.0)
        reachable = self.near + np.diff(self.cover.indptr) >= 2
        whole_second = np.full(groups, second > first)
        return highs.Model(
            objective=np.concatenate([np.zeros(sites), self.people * gained, self.people * second]),
            rows=sparse.csr_array(sparse.vstack(rows)),
            row_lower=np.concatenate(lower),
            row_upper=np.concatenate(upper),
            column_lower=np.concatenate([np.zeros(sites), self.near, np.zeros(groups)]),
            column_upper=np.concatenate([np.ones(sites + groups), reachable.astype(float)]),
            whole=np.concatenate([np.ones(sites, bool), np.zeros(groups, bool), whole_second]),
            sense="most",
        )

    def _limits(self) -> list[tuple[float, NDArray[np.float64]]]:
        """Return what the free sites may come to, and what each comes to."""
        limits = []
        if self.choice.count is not None:
            limits.append((float(self.choice.count), np.ones(self.cover.shape[1])))
        if self.choice.costs is not None:
            limits.append((self.choice.budget, self.choice.costs[self.choice.free]))
        return limits
