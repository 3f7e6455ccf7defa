"""The fewest sites with room for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy import sparse

from shelterplan.siting.capacitated_flow import Flow, Rooms, close, most_placed, refill
from shelterplan.siting.capacitated_model import constraints, entries
from shelterplan.siting.covering import one_more_of
from shelterplan.siting.highs import Model, solve
from shelterplan.siting.reduce import merge_rows
from shelterplan.siting.result import ROUNDING, NoPlanError
from shelterplan.siting.room_for_all import all_placed, have_room, room_rows, rooms_of
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
    rooms = rooms_of(merged.cover, merged.weights, room, float(people[use].min(initial=np.inf)))
    total = float(merged.weights.sum())
    best = most_placed(rooms, np.arange(len(room)))
    if not all_placed(rooms, best):
        message = (
            f"{best.left.sum():g} of {total:g} people find no room even with all sites: add "
            "sites or room near them"
        )
        raise NoPlanError(message)
    plan = _first(rooms, limits, watch)
    bound = _relaxed(merged.cover, rooms, limits, watch)
    return _finished(rooms, limits, plan, bound, watch)


def _first(rooms: Rooms, limits: Allowed, watch: Watch) -> Flow:
    """Open sites greedily until all have a place; close those that prove needless."""
    sites = len(rooms.room)
    flow = most_placed(rooms, limits.fixed)
    flow = refill(rooms, flow, limits.cost, np.inf, sites, np.zeros(sites, np.bool_))
    if not all_placed(rooms, flow):
        flow = most_placed(rooms, np.arange(sites))
    added = limits.free[flow.open_[limits.free]]
    for site in added[np.argsort(-limits.cost[added], kind="stable")]:
        if watch.over:
            break
        without = close(rooms, flow, np.array([site]))
        if all_placed(rooms, without):
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
    if not (within and bound >= cost - _near(limits, cost)) and not watch.over:
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


def _near(limits: Allowed, cost: float) -> float:
    """Return how far a bound may be from a cost to prove it."""
    return ROUNDING if limits.whole else ROUNDING * cost


def _best(
    rooms: Rooms, limits: Allowed, plan: Flow, watch: Watch, *, start: bool
) -> tuple[NDArray[np.int64] | None, float]:
    """Solve the whole model; return the sites to add (None: none found) and the bound.

    Sites that HiGHS calls enough and a maximum flow does not are not enough without the others: one
    of these must be open, and HiGHS is asked again.
    """
    sites = len(rooms.room)
    fixed = np.isin(np.arange(sites), limits.fixed)
    unit = 1.0 if limits.whole else float(limits.cost[~fixed].max(initial=0.0)) or 1.0
    model = _model(rooms, limits, fixed, unit)
    given = np.append(plan.open_.astype(float), plan.flow / rooms.weight[rooms.row_of])
    close_ = 1 - ROUNDING if limits.whole else ROUNDING
    bound = 0.0
    while not watch.over:
        solved = solve(model, watch, start=given if start else None, absolute_gap=close_)
        if solved.infeasible:
            return None, np.inf
        bound = max(bound, solved.bound * unit)
        if solved.values is None:
            break
        chosen = solved.values[:sites] > 0.5
        if have_room(rooms, np.flatnonzero(chosen | fixed)):
            return np.flatnonzero(chosen & ~fixed), bound
        model = one_more_of(model, np.flatnonzero(~chosen))
    return None, bound


def _model(rooms: Rooms, limits: Allowed, fixed: NDArray[np.bool_], unit: float) -> Model:
    """Columns: open sites, then the share of each point that goes along each pair."""
    sites, point, site = len(rooms.room), rooms.row_of, entries(rooms)
    rows, upper = constraints(rooms, np.arange(sites), site, point)
    points, pairs = len(rooms.weight), len(point)
    filled, own = room_rows(site, rooms.weight[point], rooms.room)
    number = np.arange(sites)
    rooms_at = sparse.csr_array(
        (
            np.append(filled, -own),
            (np.append(site, number), np.append(sites + np.arange(pairs), number)),
        ),
        shape=(sites, sites + pairs),
    )
    cost = np.where(fixed, 0.0, limits.cost)
    able = fixed | (limits.cost <= limits.spend * (1 + 1e-9))
    share = 1.0 if limits.whole or not 0 < limits.spend < np.inf else 1 / limits.spend
    limit = np.zeros((2, sites + pairs))
    limit[:, :sites] = np.where(able, cost * share, 0.0), ~fixed
    lower = np.full(len(upper) + 2, -np.inf)
    lower[:points] = 1.0
    blocks = [rows[:points], rooms_at, rows[points + sites :], sparse.csr_array(limit)]
    return Model(
        objective=np.append(cost / unit, np.zeros(pairs)),
        rows=sparse.csr_array(sparse.vstack(blocks)),
        row_lower=lower,
        row_upper=np.append(upper, [limits.spend * share, limits.most]),
        column_lower=np.append(fixed.astype(float), np.zeros(pairs)),
        column_upper=np.append(able.astype(float), np.ones(pairs)),
        whole=np.arange(sites + pairs) < sites,
        sense="least",
    )
