"""The fewest sites that cover everybody."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from shelterplan.progress import Progress, silent
from shelterplan.siting.capacitated_set_cover import cheapest_with_room
from shelterplan.siting.cover_search import narrow
from shelterplan.siting.highs import Model, solve
from shelterplan.siting.problem import Choice, Matrix, as_capacity, as_cover, as_weights, is_whole
from shelterplan.siting.reduce import merge_rows, needed_rows, undominated
from shelterplan.siting.result import ROUNDING, NoPlanError, SitingResult
from shelterplan.siting.set_cover_cuts import Tightened, cuts, tightened
from shelterplan.siting.set_cover_local import search
from shelterplan.siting.set_cover_search import Covering, cost_of, greedy, priced, pruned
from shelterplan.siting.watch import Watch, never

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from shelterplan.siting.problem import Sparse

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

_FIRST_MOVES = 50_000
_MOVES = 400_000
"""Moves of the local search before the bound is worked on."""
_MOST_MOVES = 10_000_000
_LARGEST_MODEL = 20_000
"""Entries of a model that HiGHS is given at most; beyond, the local search has the time."""


def set_cover(
    cover: Matrix,
    weights: ArrayLike | None = None,
    *,
    costs: ArrayLike | None = None,
    fixed: Sequence[int] = (),
    capacity: ArrayLike | None = None,
    count: float | None = None,
    budget: float | None = None,
    skip_unreachable: bool = False,
    time_limit_s: float = 10.0,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> SitingResult:
    """Choose the fewest (or cheapest) sites to add so that everybody is covered.

    The location set covering problem (Toregas, Swain, ReVelle and Bergman 1971): least
    sum(cost[j] y[j]) with sum(y[j] over the sites j that cover i) >= 1 for each demand point i with
    people, y[j] 0 or 1, and 1 for fixed sites, which cost nothing. With `capacity`, people are
    given to sites that cover them (a point may be split), all of them, and no site takes more than
    it has room for: see `capacitated_cover`.

    Sites that others replace and points that are covered whenever another one is are left out. A
    plan comes from prices of a Lagrangian relaxation (Caprara, Fischetti and Toth 1999) and from a
    local search with weights of rows (Gao, Weise and Li 2015); the bound from the relaxation, its
    cuts (Balas and Ng 1989) and HiGHS. Where costs are whole numbers the bound is rounded up.

    Parameters
    ----------
    cover : matrix, shape (demand, sites)
        Which demand points each site covers; see `problem.as_cover`.
    weights : array_like, shape (demand,), optional
        People; a point without people need not be covered.
    costs : array_like, shape (sites,), optional
        What each site costs to add; 1 if not given.
    fixed : sequence of int
        Sites that are there already.
    capacity : array_like, shape (sites,), optional
        People that each site has room for; `inf` or NaN without limit.
    count, budget : float, optional
        At most so many sites may be added, at most this may be spent; with `costs` and no `budget`,
        `count` is the budget.
    skip_unreachable : bool
        Leave demand points out that no site covers.
    time_limit_s, progress, stop
        See `Watch`.

    Returns
    -------
    SitingResult
        `objective` is the number of added sites, or their cost.

    Raises
    ------
    NoPlanError
        If no site covers some point, if there is not room enough, or if more sites are needed than
        allowed.

    Examples
    --------
    >>> cover = [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]
    >>> found = set_cover(cover)
    >>> found.selected, found.objective, found.status
    ((1, 2), 2.0, 'optimal')
    >>> set_cover(cover, fixed=[3], costs=[1, 5, 2, 9]).objective
    3.0
    """
    warm_up()
    watch = Watch(time_limit_s, progress, stop)
    matrix = as_cover(cover)
    people = as_weights(weights, matrix.shape[0])
    limits = _Limits.of(matrix.shape[1], count, budget, fixed, costs)
    reachable = np.diff(matrix.indptr) > 0
    alone = np.flatnonzero((people > 0) & ~reachable)
    if alone.size and not skip_unreachable:
        raise NoPlanError(_alone(alone))
    people = np.where(reachable, people, 0.0)
    if capacity is not None:
        room = as_capacity(capacity, matrix.shape[1], float(people.sum()))
        added, bound = cheapest_with_room(matrix, people, limits, room, watch)
    else:
        added, bound = _cheapest(matrix, people, limits, watch)
    return _result(matrix, people, limits, added, bound, watch)


@cache
def warm_up() -> None:
    """Compile all loops that set covering needs, before the clock of a first call starts."""
    cover: Sparse = sparse.csr_array(np.array([[1.0, 0, 1], [1, 1, 0], [0, 1, 1]]))
    cost = np.ones(3)
    _smaller(cover, cost)
    problem = Covering.of(cover, cost)
    chosen = priced(problem, greedy(problem, np.zeros(3)), Watch(0.0)).chosen
    search(problem, chosen, 1.0, Watch(60.0), most_moves=2)
    pruned(problem, chosen)
    cuts(cover, np.full(3, 0.5))


@dataclass(frozen=True, eq=False)
class _Limits:
    """What may be added, what it costs, and how much of it."""

    fixed: NDArray[np.int64]
    free: NDArray[np.int64]
    cost: Floats
    """Of each site, shape (sites,)."""
    whole: bool
    """Whether the cost of any plan is a whole number."""
    spend: float
    """Most that may be spent (sites, if they cost nothing)."""
    most: float
    """Most sites that may be added, where this is not the same."""

    @classmethod
    def of(
        cls,
        sites: int,
        count: float | None,
        budget: float | None,
        fixed: Sequence[int],
        costs: ArrayLike | None,
    ) -> _Limits:
        asked = count is not None or budget is not None
        choice = Choice.of(
            sites,
            count if asked else sites,
            budget=budget,
            fixed=fixed,
            costs=costs if asked else None,
        )
        cost = as_weights(costs, sites, "costs")
        most = np.inf if choice.count is None or not asked else float(choice.count)
        spend, most = (most, np.inf) if costs is None else (choice.budget, most)
        return cls(choice.fixed, choice.free, cost, is_whole(cost), spend, most)

    def allow(self, cost: float, added: int = 0) -> bool:
        """Return whether a plan is within the limits."""
        return bool(cost <= self.spend * (1 + 1e-9) and added <= self.most)

    def raised(self, bound: float) -> float:
        """Return the bound, rounded up where plans cost whole numbers."""
        slack = ROUNDING * max(1.0, abs(bound))
        raised = float(np.ceil(bound - slack)) if self.whole and np.isfinite(bound) else bound
        return max(raised, 0.0)


def _alone(rows: NDArray[np.int64]) -> str:
    some = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
    return (
        f"no site covers {len(rows)} demand point{'s' if len(rows) != 1 else ''} with people (row "
        f"{some}): add sites near them, allow longer walks, or leave them out with skip_unreachable"
    )


def _result(
    matrix: Sparse,
    people: Floats,
    limits: _Limits,
    added: NDArray[np.int64],
    bound: float,
    watch: Watch,
) -> SitingResult:
    """Work the result out from the chosen sites alone."""
    selected = np.concatenate([limits.fixed, added])
    covered = matrix[:, selected].sum(axis=1) > 0
    if not covered[people > 0].all():
        message = f"the solver left row {np.flatnonzero((people > 0) & ~covered)[0]} uncovered"
        raise RuntimeError(message)
    cost = float(limits.cost[added].sum())
    bound = limits.raised(bound)
    return SitingResult.of(
        selected, cost, bound, seconds=watch.seconds, sense="least", whole=limits.whole
    )


def _cheapest(
    matrix: Sparse, people: Floats, limits: _Limits, watch: Watch
) -> tuple[NDArray[np.int64], float]:
    """Return the sites to add and the bound; raise where the limits do not allow it."""
    must = people > 0
    if limits.fixed.size:
        must &= matrix[:, limits.fixed].sum(axis=1) == 0
    hopeless = np.flatnonzero(must & (matrix[:, limits.free].sum(axis=1) == 0))
    if hopeless.size:
        raise NoPlanError(_alone(hopeless))
    open_ = narrow(matrix[np.flatnonzero(must)][:, limits.free])
    cover, kept = _smaller(open_, limits.cost[limits.free])
    sites = limits.free[kept]
    if not cover.shape[0]:
        return sites[:0], 0.0
    chosen, bound = _solve(cover, limits.cost[sites], limits, watch)
    if chosen is None:
        raise NoPlanError(_too_dear(bound, limits))
    return sites[chosen], bound


def _too_dear(bound: float, limits: _Limits) -> str:
    allowed = f"{limits.spend:g}" + (f" for {limits.most:g} sites" if limits.most < np.inf else "")
    if not limits.allow(bound):
        return f"not everybody can be covered: that takes {bound:g} at least, allowed are {allowed}"
    return f"no plan within {allowed} was found in time that covers everybody; nothing is proven"


def _smaller(cover: Sparse, cost: Floats) -> tuple[Sparse, NDArray[np.int64]]:
    """Leave out rows and columns until no more can be; return the rest and which columns it has."""
    kept = np.arange(cover.shape[1])
    while True:
        rows = merge_rows(cover, np.ones(cover.shape[0])).cover
        rows = sparse.csr_array(rows[np.flatnonzero(needed_rows(rows))])
        use = np.flatnonzero(undominated(rows, cost[kept]))
        rows = sparse.csr_array(rows[:, use])
        same = rows.shape == cover.shape
        cover, kept = rows, kept[use]
        if same:
            return cover, kept


def _solve(
    cover: Sparse, cost: Floats, limits: _Limits, watch: Watch
) -> tuple[Flags | None, float]:
    """Return the cheapest plan found within the limits (None: none) and the bound."""
    problem = Covering.of(cover, cost)
    first, weight = greedy(problem, np.zeros(cover.shape[0])), np.ones(cover.shape[0], np.int64)
    first = search(problem, first, 0.0, watch.part(0.1), most_moves=_FIRST_MOVES, weight=weight)
    relaxed = priced(problem, first, watch.part(0.15))
    lower, reduced = relaxed.bound, relaxed.reduced
    bound = limits.raised(lower)
    first = search(
        problem, relaxed.chosen, bound, watch.part(0.2), most_moves=_MOVES, weight=weight
    )
    chosen = first if first.sum() <= limits.most else _fewest(problem, limits, watch)
    upper = np.inf if chosen is None else cost_of(problem, chosen)
    if upper > bound and limits.allow(bound) and not watch.over:
        tight = tightened(cover, cost, upper, watch.part(0.9))
        if tight.bound > lower:
            lower, reduced = tight.bound, tight.reduced
        bound = limits.raised(lower)
        if upper > bound and limits.allow(bound) and not watch.over:
            useful = _useful(problem, chosen, lower, reduced, limits)
            if chosen is first and cover[:, useful].nnz > _LARGEST_MODEL:
                chosen = search(problem, first, bound, watch, most_moves=_MOST_MOVES, weight=weight)
            else:
                chosen, bound = _proven(problem, tight, chosen, (lower, useful), limits, watch)
    if chosen is None or not limits.allow(cost_of(problem, chosen), int(chosen.sum())):
        return None, bound
    return pruned(problem, chosen), bound


def _fewest(problem: Covering, limits: _Limits, watch: Watch) -> Flags | None:
    """Return a plan of few sites, whatever they cost, if it is within the limit of sites."""
    alike = problem._replace(cost=np.ones(len(problem.cost)))
    chosen = greedy(alike, np.zeros(len(problem.row) - 1))
    chosen = search(alike, chosen, limits.most, watch.part(0.3), most_moves=_MOVES)
    return chosen if chosen.sum() <= limits.most else None


def _useful(
    problem: Covering, chosen: Flags | None, lower: float, reduced: Floats, limits: _Limits
) -> NDArray[np.int64]:
    """Return the sites of the plan and those that a better one can have.

    Where the relaxation's bound and a site's reduced cost are together more than a better plan may
    cost, no better plan has the site.
    """
    upper = np.inf if chosen is None else cost_of(problem, chosen)
    better = upper - 1 if limits.whole else upper
    useful = lower + np.maximum(reduced, 0) <= better + ROUNDING * max(1.0, abs(lower))
    return np.flatnonzero(useful if chosen is None else useful | chosen)


def _proven(
    problem: Covering,
    tight: Tightened,
    chosen: Flags | None,
    relaxed: tuple[float, NDArray[np.int64]],
    limits: _Limits,
    watch: Watch,
) -> tuple[Flags | None, float]:
    """Let HiGHS prove the plan, or find a better one, among sites that a better one can have."""
    lower, use = relaxed
    rows, needed = tight.rows, tight.needed
    upper = np.inf if chosen is None else cost_of(problem, chosen)
    part: Sparse = sparse.csr_array(rows[:, use])
    row_upper = np.full(len(needed), np.inf)
    if limits.most < np.inf:
        part = sparse.csr_array(sparse.vstack([part, sparse.csr_array(np.ones((1, len(use))))]))
        needed, row_upper = np.append(needed, 0.0), np.append(row_upper, limits.most)
    model = Model(
        objective=problem.cost[use],
        rows=part,
        row_lower=needed,
        row_upper=row_upper,
        column_lower=np.zeros(len(use)),
        column_upper=np.ones(len(use)),
        whole=np.ones(len(use), bool),
        sense="least",
    )
    start = None if chosen is None else chosen[use].astype(float)
    close = 1 - ROUNDING if limits.whole else 1e-6
    solved = solve(model, watch, start=start, absolute_gap=close)
    if solved.values is not None:
        found = np.zeros(len(problem.cost), bool)
        found[use] = solved.values > 0.5
        if cost_of(problem, found) < upper and covers(problem, found):
            chosen, upper = found, cost_of(problem, found)
    bound = upper if solved.infeasible else min(upper, max(lower, solved.bound))
    return chosen, max(limits.raised(lower), limits.raised(bound))


def covers(problem: Covering, chosen: Flags) -> bool:
    """Return whether the chosen columns cover every row."""
    cover = sparse.csr_array(
        (np.ones(len(problem.column_of)), problem.column_of, problem.row),
        shape=(len(problem.row) - 1, len(problem.cost)),
    )
    return bool((cover @ chosen.astype(float) > 0).all())
