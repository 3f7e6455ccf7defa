"""The fewest sites with room for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy import sparse

from shelterplan.siting.capacitated_flow import Flow, Rooms, close, most_placed, refill
from shelterplan.siting.capacitated_model import constraints, entries
from shelterplan.siting.highs import Model, solve
from shelterplan.siting.reduce import merge_rows
from shelterplan.siting.result import ROUNDING, NoPlanError
from shelterplan.siting.set_cover_search import Covering, greedy, priced

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.problem import Sparse
    from shelterplan.siting.watch import Watch

    Floats = NDArray[np.float64]


class Allowed(Protocol):
    """What may be added, what it costs, and how much of it."""

    @property
    def fixed(self) -> NDArray[np.int64]:
        """Sites that are there."""

    @property
    def free(self) -> NDArray[np.int64]:
        """Sites that may be added."""

    @property
    def cost(self) -> Floats:
        """Of each site."""

    @property
    def whole(self) -> bool:
        """Whether plans cost whole numbers."""

    @property
    def spend(self) -> float:
        """Most that may be spent."""

    @property
    def most(self) -> float:
        """Most sites that may be added."""

    def allow(self, cost: float, added: int = 0) -> bool:
        """Return whether a plan is within the limits."""

    def raised(self, bound: float) -> float:
        """Return the bound, rounded up where plans cost whole numbers."""


def cheapest_with_room(
    matrix: Sparse, people: Floats, limits: Allowed, room: Floats, watch: Watch
) -> tuple[NDArray[np.int64], float]:
    """Return the sites to add so that everybody has a place, and a bound.

    Least sum(cost[j] y[j]) with sum(x[i, j] over j) = 1 for everybody, no more people at a site
    than room[j] y[j], x[i, j] <= y[j]. A plan is opened greedily by people placed for the cost and
    sites that prove needless are closed; HiGHS does the rest.

    Raises
    ------
    NoPlanError
        If all sites together have not room enough, or the limits do not allow a plan.
    """
    use = np.flatnonzero(people > 0)
    merged = merge_rows(sparse.csr_array(matrix[use]), people[use])
    rooms = Rooms.of(merged.cover, merged.weights, room)
    total = float(merged.weights.sum())
    best = most_placed(rooms, np.arange(len(room)))
    if best.placed < total * (1 - ROUNDING):
        message = (
            f"{total - best.placed:g} of {total:g} people find no room even with all sites: add "
            "sites or room near them"
        )
        raise NoPlanError(message)
    plan = _first(rooms, limits, total, watch)
    bound = _relaxed(merged.cover, rooms, limits, watch)
    return _finished(rooms, limits, plan, bound, watch)


def _first(rooms: Rooms, limits: Allowed, total: float, watch: Watch) -> Flow:
    """Open sites greedily until all have a place; close those that prove needless."""
    sites = len(rooms.room)
    flow = most_placed(rooms, limits.fixed)
    flow = refill(rooms, flow, limits.cost, np.inf, sites, np.zeros(sites, np.bool_))
    if flow.placed < total * (1 - ROUNDING):
        flow = most_placed(rooms, np.arange(sites))
    added = limits.free[flow.open_[limits.free]]
    for site in added[np.argsort(-limits.cost[added], kind="stable")]:
        if watch.over:
            break
        without = close(rooms, flow, np.array([site]))
        if without.placed >= total * (1 - ROUNDING):
            flow = without
    return flow


def _relaxed(cover: Sparse, rooms: Rooms, limits: Allowed, watch: Watch) -> float:
    """Return a bound: all covered, whatever the room; room for all, whatever is covered."""
    cost = limits.cost.copy()
    cost[limits.fixed] = 0.0
    problem = Covering.of(cover, cost)
    start = greedy(problem, np.zeros(cover.shape[0]))
    covering = priced(problem, start, watch.part(0.1)).bound
    lack = float(rooms.weight.sum() - rooms.room[limits.fixed].sum())
    able = limits.free[rooms.room[limits.free] > 0]
    able = able[np.argsort(limits.cost[able] / rooms.room[able], kind="stable")]
    before = np.cumsum(rooms.room[able]) - rooms.room[able]
    taken = np.clip((lack - before) / rooms.room[able], 0.0, 1.0)
    return max(0.0, covering, float((taken * limits.cost[able]).sum()))


def _finished(
    rooms: Rooms, limits: Allowed, plan: Flow, bound: float, watch: Watch
) -> tuple[NDArray[np.int64], float]:
    """Let HiGHS prove the plan or better it; raise where the limits allow none."""
    added = limits.free[plan.open_[limits.free]]
    cost, bound = float(limits.cost[added].sum()), limits.raised(bound)
    within = limits.allow(cost, len(added))
    if not (within and bound >= cost - ROUNDING) and not watch.over:
        found, proven = _best(rooms, limits, plan, watch, start=within)
        bound = max(bound, limits.raised(proven))
        if found is not None and (not within or limits.cost[found].sum() < cost):
            added = found
    if not limits.allow(float(limits.cost[added].sum()), len(added)):
        known = f"room for all costs {bound:g} at least" if np.isfinite(bound) else "none is enough"
        message = f"no plan within the limits has room for everybody: {known}"
        if limits.allow(bound):
            message = "no plan within the limits with room for everybody was found in time"
        raise NoPlanError(message)
    return added, bound


def _best(
    rooms: Rooms, limits: Allowed, plan: Flow, watch: Watch, *, start: bool
) -> tuple[NDArray[np.int64] | None, float]:
    """Solve the whole model; return the sites to add (None: none found) and the bound."""
    sites, point = len(rooms.room), rooms.row_of
    rows, upper = constraints(rooms, np.arange(sites), entries(rooms), point)
    fixed = np.isin(np.arange(sites), limits.fixed)
    cost = np.where(fixed, 0.0, limits.cost)
    pairs = len(point)
    lower = np.full(len(upper), -np.inf)
    lower[: len(rooms.weight)] = 1.0
    limit = np.zeros((2, sites + pairs))
    limit[:, :sites] = cost, ~fixed
    model = Model(
        objective=np.append(cost, np.zeros(pairs)),
        rows=sparse.csr_array(sparse.vstack([rows, sparse.csr_array(limit)])),
        row_lower=np.append(lower, [-np.inf, -np.inf]),
        row_upper=np.concatenate([upper, [limits.spend, limits.most]]),
        column_lower=np.append(fixed.astype(float), np.zeros(pairs)),
        column_upper=np.ones(sites + pairs),
        whole=np.arange(sites + pairs) < sites,
        sense="least",
    )
    given = np.append(plan.open_.astype(float), plan.flow / rooms.weight[point])
    close_ = 1 - ROUNDING if limits.whole else 1e-6
    solved = solve(model, watch, start=given if start else None, absolute_gap=close_)
    if solved.infeasible:
        return None, np.inf
    if solved.values is None:
        return None, solved.bound
    chosen = (solved.values[:sites] > 0.5) & ~fixed
    placed = most_placed(rooms, np.flatnonzero(chosen | fixed)).placed
    enough = placed >= rooms.weight.sum() * (1 - ROUNDING)
    return (np.flatnonzero(chosen) if enough else None), solved.bound
