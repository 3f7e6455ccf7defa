"""Maximal covering: the sites that reach as many people as can be."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from shelterplan.progress import Progress, silent
from shelterplan.siting.cover_bound import descend, evaluate, even_prices
from shelterplan.siting.cover_cuts import cut_model
from shelterplan.siting.cover_linear import Linear, linear_bound, solve_sites
from shelterplan.siting.cover_run import Run, reduced
from shelterplan.siting.cover_search import (
    Cover,
    Limits,
    covered,
    greedy,
    improve,
    swaps_in,
)
from shelterplan.siting.cover_tree import grow
from shelterplan.siting.problem import Choice, as_cover, as_weights, is_whole
from shelterplan.siting.reduce import merge_rows, undominated
from shelterplan.siting.result import SitingResult
from shelterplan.siting.set_cover_cuts import row_cuts
from shelterplan.siting.watch import Watch, never

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from shelterplan.siting.cover_search import Columns, Floats
    from shelterplan.siting.highs import Model
    from shelterplan.siting.problem import Matrix, Sparse

ROUNDS = 16
"""Most turns of swaps and steps."""
IDLE_ROUNDS = 6
"""So many turns without a better plan are enough."""
SWAP_WORK = 5e7
"""Steps of the processor in one turn of swaps: a part of a second."""
STEP_WORK = 6e7
"""Entries read in one turn of subgradient steps."""
TREE_WORK = 2e9
"""Entries read in the tree of all plans before it is judged."""
TREE_SHARE = 0.97
"""If by then so much of the tree is done, it is searched to its end."""
CUT_ENTRIES = 100_000
"""A model with more entries is given to HiGHS without cuts: to find them takes too long."""
KERNEL_SITES = 1
"""So many of the most promising sites for each chosen one join those of the linear program."""
KERNEL_NODES = 2000
"""Most nodes of the search among the most promising sites."""


def max_cover(
    cover: Matrix,
    weights: ArrayLike | None = None,
    count: float | None = None,
    *,
    budget: float | None = None,
    fixed: Sequence[int] = (),
    costs: ArrayLike | None = None,
    capacity: ArrayLike | None = None,
    whole_points: bool = False,
    time_limit_s: float = 10.0,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> SitingResult:
    """Choose sites so that as much demand as possible is covered (Church and ReVelle 1974).

    With ``y_j`` 1 for a chosen site and ``z_i`` 1 for a covered demand point, the most
    ``sum w_i z_i`` where ``z_i <= sum of y_j over the sites j that cover i``, ``y_j = 1`` for fixed
    sites, and the others number at most `count`, or cost at most `budget`, or both.

    What fixed sites cover is set aside, points that the same sites cover are put together, sites
    that others make needless are left out. Plans come from greedy choice and tabu search, bounds
    from Lagrangian relaxation and the linear program; sites that these rule out are left out, too,
    and HiGHS closes what gap is left.

    Parameters
    ----------
    cover : array or sparse matrix, shape (demand, sites)
        Which sites cover which demand points: see `problem.as_cover`.
    weights : array, shape (demand,), optional
        What covering each demand point is worth, for example its people; 1 each if not given.
    count : int, optional
        Most sites that are added to the fixed ones. With `costs` and no budget, the budget.
    budget : float, optional
        Most that the added sites may cost together.
    fixed : sequence of int
        Columns of sites that are there already; they cost nothing.
    costs : array, shape (sites,), optional
        What each site costs.
    capacity : array, shape (sites,), optional
        Room at each site: people are then assigned to sites, see `capacitated.capacitated_cover`.
    whole_points : bool
        With `capacity`, whether the people of a demand point must stay together.
    time_limit_s : float
        How long it may take [s]; the best plan by then is returned, with its bound.
    progress : Progress
        Told the stage, the best plan and the bound.
    stop : callable
        Asked now and then whether to return the best plan so far.

    Returns
    -------
    SitingResult
        The chosen sites and what they cover. Fewer sites than allowed, where more do not help. The
        same input gives the same sites, if the time suffices.

    Raises
    ------
    SitingError
        If something does not fit the matrix, or neither count nor budget is given.

    References
    ----------
    Church, R. and ReVelle, C. (1974): The maximal covering location problem. Papers of the Regional
    Science Association 32, 101-118.

    Examples
    --------
    Four communities along a street, a site beside each that reaches the next ones, too:

    >>> near = [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]]
    >>> people = [50, 20, 30, 40]
    >>> found = max_cover(near, people, 1)
    >>> found.selected, found.objective, found.status
    ((1,), 100.0, 'optimal')
    >>> max_cover(near, people, 1, fixed=[3]).selected
    (0, 3)
    >>> max_cover(near, people, budget=5, costs=[2, 6, 3, 1]).selected
    (0, 2)
    """
    warm_up()
    watch = Watch(time_limit_s, progress, stop)
    matrix = as_cover(cover)
    worth = as_weights(weights, matrix.shape[0])
    choice = Choice.of(matrix.shape[1], count, budget=budget, fixed=fixed, costs=costs)
    if capacity is not None:
        from shelterplan.siting.capacitated import capacitated_cover

        found: SitingResult = capacitated_cover(
            matrix, worth, choice, capacity, whole_points=whole_points, watch=watch
        )
        return found
    added, bound = best_cover(matrix, worth, choice, watch)
    selected = np.union1d(choice.fixed, added)
    return SitingResult.of(
        selected,
        covered(matrix, worth, selected),
        bound,
        seconds=watch.seconds,
        sense="most",
        whole=is_whole(worth),
    )


@cache
def warm_up() -> None:
    """Compile all loops that maximal covering needs, before the clock of a first call starts."""
    matrix: Sparse = sparse.csr_array(np.array([[1.0, 0, 0, 1], [1, 1, 0, 0], [0, 1, 1, 0]]))
    undominated(matrix)
    cover = Cover.of(matrix, np.ones(3))
    for limits in (Limits.of(4, 2, None, np.inf), Limits.of(4, 3, np.ones(4), 2.0)):
        plan = improve(cover, limits, greedy(cover, limits), iterations=2, seed=0)
        bound = evaluate(cover, limits, even_prices(cover))
        descend(cover, limits, bound, reached=float(len(plan)), iterations=2)
    row_cuts(matrix, np.full(4, 0.5), np.zeros(3))
    grow(cover, 2, bound.prices, 1.0, Watch(60.0), enough=0.0, work=1.0)


def best_cover(
    cover: Sparse, weights: Floats, choice: Choice, watch: Watch
) -> tuple[Columns, float]:
    """Return the best sites to add, ascending, and what no choice of sites can better.

    For models that stand on maximal covering: `cover` as `as_cover` returns it.
    """
    small = reduced(cover, weights, choice, watch)
    if not small.columns.size or small.limits.most == 0:
        return np.zeros(0, np.int64), small.base
    run = Run(small, watch, whole=is_whole(weights))
    _solve(run)
    return run.small.columns[run.plan], run.small.base + run.bound


def _solve(run: Run) -> None:
    """Better the plan and the bound until they meet or time is up."""
    _take_turns(run)
    if run.done():
        return
    run.shrink()
    linear = _linear(run)
    if run.done():
        return
    used = run.small.columns[linear.columns[linear.shares > 1e-4]]
    partial = len(linear.columns) < len(run.small.columns)
    run.shrink()
    small = run.cover.entries <= CUT_ENTRIES
    if not run.done():
        _branch(run)
    if not run.done() and small:
        run.shrink(*_cut(run)[1:])
        _branch(run)
    if run.done():
        return
    if partial and not small:
        _kernel(run, used)
        if not run.done():
            _take_turns(run, first=ROUNDS)
    if not run.done():
        run.shrink()
        _finish(run)


def _take_turns(run: Run, first: int = 0) -> None:
    """Look for a better plan by swaps and for a better bound by steps of prices, in turns."""
    swaps = swaps_in(run.cover, len(run.plan), SWAP_WORK)
    steps = int(np.clip(STEP_WORK / max(run.cover.entries + len(run.cover.weights), 1), 10, 500))
    idle, length = 0, 1.5 if first == 0 else 0.05
    for turn in range(first, first + ROUNDS):
        better = run.offer(improve(run.cover, run.limits, run.plan, iterations=swaps, seed=turn))
        idle = 0 if better else idle + 1
        run.tell("swaps")
        if run.done():
            return
        if length > 1e-3:
            found = descend(
                run.cover,
                run.limits,
                run.prices,
                reached=run.value,
                iterations=steps,
                length=length,
                enough=run.enough,
            )
            length = found.length
            run.offer(found.columns)
            run.lower(found.bound)
            run.tell("bound")
        if run.done() or (idle >= IDLE_ROUNDS and length <= 1e-3):
            return


def _linear(run: Run) -> Linear:
    found = linear_bound(
        run.small.cover,
        run.cover,
        run.limits,
        run.prices,
        run.plan,
        run.watch,
        enough=run.enough / 4,
    )
    run.lower(found.bound)
    run.tell("linear program")
    return found


def _branch(run: Run) -> None:
    """Search the tree of all plans, where that soon comes to an end."""
    if np.isfinite(run.limits.budget):
        return
    grown = grow(
        run.cover,
        run.limits.most,
        run.prices.prices,
        run.value,
        run.watch,
        enough=run.enough,
        work=TREE_WORK,
        share=TREE_SHARE,
    )
    if grown is not None:
        run.offer(grown.columns)
        run.bound = min(run.bound, max(grown.bound, run.value))
        run.tell(f"{grown.nodes:,} nodes")


def _kernel(run: Run, used: Columns) -> None:
    """Look for a better plan among the sites of the linear program alone."""
    best = np.argsort(-run.prices.surplus(run.limits.costs), kind="stable")
    columns = np.union1d(np.flatnonzero(np.isin(run.small.columns, used)), run.plan)
    columns = np.union1d(columns, best[: KERNEL_SITES * len(run.plan)])
    _among(run, columns, nodes=KERNEL_NODES, share=0.35)
    run.tell("most promising sites")


def _cut(run: Run) -> tuple[Model, NDArray[np.bool_], NDArray[np.bool_]]:
    """Lower the bound by cuts; return the model with them.

    Returns also which sites a better plan can have, and which points it must cover.

    Prices of cuts are no prices of points, so that they are not kept.
    """
    small = run.small
    cut = cut_model(small.cover, small.weights, run.limits, run.watch, reached=run.value)
    run.bound = min(run.bound, max(cut.bound, run.value))
    run.tell("cuts")
    can = cut.bound + np.minimum(cut.reduced, 0.0) >= run.value + run.enough
    can[run.plan] = True
    must = np.zeros(len(small.weights), bool)
    several = np.diff(small.cover.indptr) > 1
    must[several] = cut.bound - np.maximum(cut.points, 0.0) < run.value + run.enough
    return cut.model, can, must


def _finish(run: Run) -> None:
    """Solve what is left with HiGHS; where that is not too much, with cuts."""
    columns = np.arange(len(run.small.columns))
    if run.cover.entries > CUT_ENTRIES:
        bound = _among(run, columns, nodes=None, share=1.0)
    else:
        model, can, _ = _cut(run)
        if run.done():
            return
        ends = model.column_upper.copy()
        ends[columns] = can
        plan, bound, _ = solve_sites(
            run.small.cover,
            run.small.weights,
            run.limits,
            run.plan,
            run.watch,
            sure=run.sure() & np.isin(columns, run.plan),
            absolute_gap=run.enough / 2,
            model=replace(model, column_upper=ends),
        )
        run.offer(plan)
    run.bound = min(run.bound, max(bound, run.value))
    run.tell("whole model")


def _among(run: Run, columns: Columns, *, nodes: int | None, share: float) -> float:
    """Solve the model of some of the sites, offer the plan, return the bound."""
    merged = merge_rows(sparse.csr_array(run.small.cover[:, columns]), run.small.weights)
    sure = run.sure()[columns] & np.isin(columns, run.plan)
    plan, bound, _ = solve_sites(
        merged.cover,
        merged.weights,
        run.limits.of_columns(columns),
        np.searchsorted(columns, run.plan),
        run.watch,
        sure=sure,
        limit_s=share * run.watch.left_s,
        absolute_gap=run.enough / 2,
        options=None if nodes is None else {"mip_max_nodes": nodes},
    )
    run.offer(columns[plan])
    return bound
