r"""Covering with floors as a model of whole numbers, and its linear program for prices.

With $y_j$ = 1 where site $j$ is chosen and $x_i$ the part of row $i$ that is covered ($w_i$ people,
$c_i$ of whom count for their group $g$), a plan fulfils

    x_i <= sum of y_j over the sites near i,   sum of y_j <= count,   sum of cost_j y_j <= budget

With capacities $x_{ij}$ is the part of row $i$ that goes to site $j$:

    sum over j of x_ij <= 1,   x_ij <= y_j,   sum over i of w_i x_ij <= capacity_j y_j

The models differ in what they want: most people under floors for the groups (`most`), or the worst
group as well off as can be (`fairest`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from shelterplan.siting.floor_bound import Duals
from shelterplan.siting.highs import Model, Solved, solve
from shelterplan.siting.result import ROUNDING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.grouped import Flags, Floats, Problem
    from shelterplan.siting.problem import Sparse
    from shelterplan.siting.watch import Watch

_BARRIER = {"solver": "ipm", "run_crossover": "off"}
_LEAST_S = 0.02
"""What a solver needs to get going [s]."""


class Plan(NamedTuple):
    """Columns that are chosen, and with capacities who goes where."""

    columns: Flags
    """Shape (columns,)."""
    flow: Floats
    """Part of a row that goes to a site, for each entry of the cover matrix; empty without
    capacities."""


class Answer(NamedTuple):
    """What a model of whole numbers says."""

    plan: Plan | None
    bound: float
    infeasible: bool


@dataclass(frozen=True, eq=False, kw_only=True)
class Frame:
    """The part that all models of a problem share."""

    rows: Sparse
    """Shape (constraints, columns + flows)."""
    lower: Floats
    upper: Floats
    people: Floats
    """People of each flow, shape (flows,)."""
    by_group: Sparse
    """Whom each flow adds to its group's count, shape (groups, columns + flows)."""

    @classmethod
    def of(cls, problem: Problem) -> Frame:
        """Return the rows of a problem."""
        if problem.capacity is None:
            row = np.arange(problem.cover.shape[0])
            blocks, upper = _near(problem)
        else:
            row = np.repeat(np.arange(problem.cover.shape[0]), np.diff(problem.cover.indptr))
            blocks, upper = _with_room(problem, row)
        limits = _limits(problem, len(row))
        at = problem.cover.shape[1] + np.arange(len(row))
        return cls(
            rows=sparse.csr_array(sparse.vstack([blocks, limits[0]])),
            lower=np.full(len(upper) + len(limits[1]), -np.inf),
            upper=np.r_[upper, limits[1]],
            people=problem.people[row],
            by_group=sparse.csr_array(
                (problem.counted[row], (problem.group[row], at)),
                shape=(len(problem.base.counted), problem.cover.shape[1] + len(row)),
            ),
        )


def _near(problem: Problem) -> tuple[Sparse, Floats]:
    rows = problem.cover.shape[0]
    blocks = sparse.hstack([-problem.cover, sparse.eye_array(rows)])
    return sparse.csr_array(blocks), np.zeros(rows)


def _with_room(problem: Problem, row: NDArray[np.int64]) -> tuple[Sparse, Floats]:
    """Return the rows of an assignment: one place each, only chosen sites, no more than room."""
    rows, columns = problem.cover.shape
    flows, site = np.arange(len(row)), problem.cover.indices
    one = sparse.csr_array((np.ones(len(row)), (row, flows)), shape=(rows, len(row)))
    load = sparse.csr_array((problem.people[row], (site, flows)), shape=(columns, len(row)))
    opened = sparse.csr_array((np.ones(len(row)), (flows, site)), shape=(len(row), columns))
    room = np.zeros(columns) if problem.capacity is None else problem.capacity
    room = np.minimum(room, np.asarray(load.sum(axis=1)).ravel())
    blocks = sparse.vstack(
        [
            sparse.hstack([sparse.csr_array((rows, columns)), one]),
            sparse.hstack([-sparse.diags_array(room), load]),
            sparse.hstack([-opened, sparse.eye_array(len(row))]),
        ]
    )
    return sparse.csr_array(blocks), np.r_[np.ones(rows), np.zeros(columns + len(row))]


def _limits(problem: Problem, flows: int) -> tuple[Sparse, Floats]:
    """Return the rows of count and budget; the second only where there is one."""
    free = (~problem.must).astype(float)
    rows = [free] if not np.isfinite(problem.budget) else [free, free * problem.costs]
    upper = [float(problem.count), problem.budget][: len(rows)]
    block = sparse.hstack([sparse.csr_array(np.array(rows)), sparse.csr_array((len(rows), flows))])
    return sparse.csr_array(block), np.array(upper)


def most(
    problem: Problem,
    need: Floats,
    watch: Watch,
    *,
    start: Plan | None = None,
    frame: Frame | None = None,
) -> Answer:
    """Find most people under floors: `need` of each group must be covered by columns."""
    frame = Frame.of(problem) if frame is None else frame
    model = _model(
        problem,
        frame,
        objective=np.r_[np.zeros(problem.cover.shape[1]), frame.people],
        rows=[frame.by_group[need > 0]],
        lower=need[need > 0],
    )
    return _answer(problem, model, watch, start)


def relaxed(problem: Problem, need: Floats, watch: Watch) -> Duals | None:
    """Return prices from the linear program of `most`; None if it has no plan or took too long.

    The interior point is enough: a bound follows from any prices.
    """
    frame = Frame.of(problem)
    held = need > 0
    model = _model(
        problem,
        frame,
        objective=np.r_[np.zeros(problem.cover.shape[1]), frame.people],
        rows=[frame.by_group[held]],
        lower=need[held],
        whole=False,
    )
    solved = solve(model, watch, options=_BARRIER)
    if solved.infeasible or len(solved.row_duals) != model.rows.shape[0]:
        return None
    duals = np.abs(np.nan_to_num(solved.row_duals))
    group = np.zeros(len(need))
    group[held] = duals[len(frame.upper) :]
    return Duals(duals[: problem.cover.shape[0]], group)


def _model(
    problem: Problem,
    frame: Frame,
    *,
    objective: Floats,
    rows: list[Any],
    lower: Floats,
    extra: Floats | None = None,
    whole: bool = True,
) -> Model:
    """Return the model with rows of its own, and columns whose least is `extra`."""
    wide = frame.rows.shape[1]
    least = np.zeros(0) if extra is None else extra
    shared = sparse.hstack([frame.rows, sparse.csr_array((frame.rows.shape[0], len(least)))])
    columns = problem.cover.shape[1]
    return Model(
        objective=objective,
        rows=sparse.csr_array(sparse.vstack([shared, *rows])),
        row_lower=np.r_[frame.lower, lower],
        row_upper=np.r_[frame.upper, np.full(len(lower), np.inf)],
        column_lower=np.r_[problem.must.astype(float), np.zeros(wide - columns), least],
        column_upper=np.r_[np.ones(wide), np.full(len(least), np.inf)],
        whole=np.arange(wide + len(least)) < (columns if whole else 0),
        sense="most",
    )


def _answer(
    problem: Problem, model: Model, watch: Watch, start: Plan | None, more: Floats | None = None
) -> Answer:
    """Solve a model from a plan and its `more` columns; without time, nothing is known."""
    if watch.left_s < _LEAST_S:
        return Answer(None, np.inf, infeasible=False)
    values = None
    if start is not None:
        values = np.r_[start.columns, _flow(problem, start), np.zeros(0) if more is None else more]
    solved = solve(model, watch, start=values)
    return Answer(_plan(problem, solved), solved.bound, solved.infeasible)


def _flow(problem: Problem, plan: Plan) -> Floats:
    if problem.capacity is not None:
        return plan.flow
    return np.asarray(problem.cover @ plan.columns.astype(float) > 0, float)


def _plan(problem: Problem, solved: Solved) -> Plan | None:
    """Return the plan in a solver's columns, made exact: whole sites, no site over its room."""
    if solved.values is None:
        return None
    rows, columns = problem.cover.shape
    chosen = solved.values[:columns] > 0.5
    if problem.capacity is None:
        return Plan(chosen, np.zeros(0))
    site = problem.cover.indices
    row = np.repeat(np.arange(rows), np.diff(problem.cover.indptr))
    flow = np.clip(solved.values[columns : columns + len(row)], 0.0, 1.0) * chosen[site]
    flow /= np.maximum(1.0, np.bincount(row, weights=flow, minlength=rows))[row]
    load = np.bincount(site, weights=flow * problem.people[row], minlength=columns)
    full = np.divide(problem.capacity, load, out=np.ones(columns), where=load > problem.capacity)
    return Plan(chosen, flow * full[site])


def fairest(
    problem: Problem,
    at: Floats,
    per: Floats,
    reached: list[float],
    watch: Watch,
    *,
    start: Plan | None = None,
    people: bool = False,
) -> Answer:
    r"""Find the next worst group as well off as can be, given how well off the worse ones are.

    A group is as well off as $v_g = (covered_g - at_g) / per_g$. The sum of the $k$ least of them
    is the most that $k r_k - \sum_g d_{gk}$ can be with $d_{gk} \ge r_k - v_g$, $d_{gk} \ge 0$
    (Ogryczak and Tamir 2003); raising these sums one after the other is the lexicographic maximin.

    Parameters
    ----------
    problem : Problem
        The problem.
    at, per : array, shape (groups,)
        What makes a group well off; groups whose `per` is 0 count for nothing.
    reached : list of float
        The sums of the 1, 2, ... least that the plan must reach.
    watch : Watch
        Clock.
    start : Plan, optional
        A plan that reaches them.
    people : bool
        Want most people rather than the next worst group as well off as can be.

    Returns
    -------
    Answer
        Its bound is one on the sum of the `len(reached) + 1` least, or on the people.
    """
    found = _fairest_model(problem, at, per, reached, people=people)
    answer = _answer(problem, found.model, watch, start, found.levels(problem, start))
    return answer if people else answer._replace(bound=answer.bound / found.scale)


def relaxed_worst(problem: Problem, at: Floats, per: Floats, watch: Watch) -> Duals | None:
    """Return prices from the linear program of the worst group; None if it took too long."""
    found = _fairest_model(problem, at, per, [], people=False, whole=False)
    solved = solve(found.model, watch, options=_BARRIER)
    if len(solved.row_duals) != found.model.rows.shape[0]:
        return None
    duals = np.abs(np.nan_to_num(solved.row_duals))
    group = np.zeros(len(per))
    group[found.live] = duals[-len(found.live) :] * found.scale / per[found.live]
    return Duals(duals[: problem.cover.shape[0]], group)


@dataclass(frozen=True, eq=False)
class _Fairest:
    """The model of `fairest`."""

    model: Model
    scale: float
    live: NDArray[np.int64]
    """Groups that count."""
    well: Sparse
    """How each flow makes groups better off."""
    base: Floats
    """How well off they are with nothing."""
    depth: int
    """How many of the worst groups have columns of their own."""

    def levels(self, problem: Problem, start: Plan | None) -> Floats | None:
        """Return the columns of the levels that go with a plan."""
        if start is None:
            return None
        value = self.base + self.well @ np.r_[start.columns, _flow(problem, start)]
        found = [
            np.r_[level, np.maximum(0.0, level - value)] for level in np.sort(value)[: self.depth]
        ]
        return np.concatenate(found) if found else np.zeros(0)


def _fairest_model(
    problem: Problem,
    at: Floats,
    per: Floats,
    reached: list[float],
    *,
    people: bool,
    whole: bool = True,
) -> _Fairest:
    frame = Frame.of(problem)
    live = np.flatnonzero(per > 0)
    scale = float(per[live].max())
    wide, groups, columns = frame.rows.shape[1], len(live), problem.cover.shape[1]
    depth = len(reached) + (not people)
    well = sparse.csr_array(sparse.diags_array(scale / per[live]) @ frame.by_group[live])
    base = scale * (problem.base.counted[live] - at[live]) / per[live]
    rows, lower = _level_rows(well, base, [scale * value for value in reached], depth)
    objective = np.zeros(wide + depth * (1 + groups))
    if people:
        objective[columns:wide] = frame.people
    else:
        objective[-(1 + groups) :] = np.r_[float(depth), -np.ones(groups)]
    model = _model(
        problem,
        frame,
        objective=objective,
        rows=rows,
        lower=lower,
        extra=np.tile(np.r_[-np.inf, np.zeros(groups)], depth),
        whole=whole,
    )
    return _Fairest(model, scale, live, well, base, depth)


def _level_rows(
    well: Sparse, base: Floats, reached: list[float], depth: int
) -> tuple[list[Sparse], Floats]:
    """Return the rows of each level: its sum of the worst is reached, and is no more than it is."""
    groups, wide = well.shape
    rows, lower = [], [np.zeros(0)]
    for k in reversed(range(depth)):
        before, after = k * (1 + groups), (depth - 1 - k) * (1 + groups)
        if k < len(reached):
            total = sparse.csr_array(np.r_[k + 1.0, -np.ones(groups)][None, :])
            rows.append(_padded(sparse.csr_array((1, wide)), before, total, after))
            lower.append(np.array([reached[k] - 0.1 * ROUNDING * max(1.0, abs(reached[k]))]))
        own = sparse.csr_array(np.column_stack([-np.ones(groups), np.eye(groups)]))
        rows.append(_padded(well, before, own, after))
        lower.append(-base)
    return rows, np.concatenate(lower)


def _padded(left: Sparse, before: int, own: Sparse, after: int) -> Sparse:
    rows = left.shape[0]
    zeros = [sparse.csr_array((rows, before)), sparse.csr_array((rows, after))]
    return sparse.csr_array(sparse.hstack([left, zeros[0], own, zeros[1]]))
