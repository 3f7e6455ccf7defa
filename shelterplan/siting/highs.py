"""HiGHS, called with sparse arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Thread
from threading import enumerate as enumerate_threads
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.problem import Sparse
    from shelterplan.siting.result import Sense
    from shelterplan.siting.watch import Watch

THREADS = 1
"""HiGHS takes one number of threads for each process and keeps silent about a second one."""
THREAD = "HiGHS"
"""Name of the threads in which it runs."""
_STAGE = "solving"
_GRACE_S = 0.15
"""How much longer HiGHS may take than its time limit before it is left alone [s]."""
_LOOK_S = 0.05
"""How often somebody who might have had enough is asked [s]."""
_INFEASIBLE = (
    highspy.HighsModelStatus.kInfeasible,
    highspy.HighsModelStatus.kUnboundedOrInfeasible,
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """A linear model: the most or least of `objective` x under bounds on rows and columns."""

    objective: NDArray[np.float64]
    """Shape (columns,)."""
    rows: Sparse
    """Shape (rows, columns)."""
    row_lower: NDArray[np.float64]
    row_upper: NDArray[np.float64]
    column_lower: NDArray[np.float64]
    column_upper: NDArray[np.float64]
    whole: NDArray[np.bool_]
    """Columns that must be whole numbers; none: a linear program."""
    sense: Sense


@dataclass(frozen=True, eq=False, kw_only=True)
class Solved:
    """What HiGHS says of a model: a claim, which the caller checks."""

    values: NDArray[np.float64] | None
    """The best feasible columns found, shape (columns,); None: none was found."""
    objective: float
    bound: float
    """What no feasible columns can better; `inf` or `-inf` if nothing is known. Of a linear program
    that was not finished, nothing is."""
    infeasible: bool
    """Whether it is proven that no columns are feasible."""
    optimal: bool
    row_duals: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    """Of a linear program only, shape (rows,)."""
    nodes: int = 0


def solve(
    model: Model,
    watch: Watch,
    *,
    start: NDArray[np.float64] | None = None,
    relative_gap: float = 0.0,
    absolute_gap: float = 1e-6,
    options: dict[str, Any] | None = None,
) -> Solved:
    """Solve a model with HiGHS until it is proven, the time is up, or somebody has had enough.

    Parameters
    ----------
    model : Model
        The model.
    watch : Watch
        Its time left is the limit; it is told now and then that HiGHS is at work.
    start : array, shape (columns,), optional
        Feasible columns to start from.
    relative_gap, absolute_gap : float
        When to call a model of whole numbers solved.
    options : dict, optional
        Further options of HiGHS.
    """
    highs: highspy.Highs = highspy.Highs()  # type: ignore[no-untyped-call]
    settings = {
        "output_flag": False,
        "threads": THREADS,
        "time_limit": max(watch.left_s, 0.01),
        "mip_rel_gap": relative_gap,
        "mip_abs_gap": absolute_gap,
    } | (options or {})
    for name, value in settings.items():
        _must(highs.setOptionValue(name, value), name)
    _must(highs.passModel(_program(model)), "passModel")
    if start is not None and model.whole.any():
        solution = highspy.HighsSolution()
        solution.col_value = np.asarray(start, float).tolist()
        _must(highs.setSolution(solution), "setSolution")
    return _run(highs, model, watch)


def _run(highs: highspy.Highs, model: Model, watch: Watch) -> Solved:
    """Run HiGHS beside this thread, so that nobody need wait for it.

    HiGHS looks up seldom while it solves a large linear program. When the time is up, or somebody
    has had enough, it is told to stop, and left alone if it does not hear: it ends by itself soon
    after its time limit. The best columns and the bound that it told of are kept.
    """
    best = _Best(-np.inf if model.sense == "most" else np.inf)
    highs.cbMipImprovingSolution.subscribe(best.take)
    highs.cbMipInterrupt.subscribe(lambda event: best.look(event, watch))
    worker = Thread(target=highs.run, name=THREAD)
    worker.start()
    late_s = watch.time_limit_s + _GRACE_S
    while worker.is_alive() and not watch.stopped and watch.seconds < late_s:
        worker.join(_LOOK_S)
        watch.tell(_STAGE)
    worker.join(_LOOK_S)
    if worker.is_alive():
        best.left = True
        return Solved(
            values=best.values,
            objective=best.objective,
            bound=best.bound,
            infeasible=False,
            optimal=False,
        )
    return _solved(highs, model)


def running() -> bool:
    """Return whether HiGHS still runs somewhere, because nobody waited for it."""
    return any(thread.name == THREAD for thread in enumerate_threads())


class _Best:
    """The best columns and the bound that HiGHS has told of."""

    def __init__(self, worst: float) -> None:
        self.objective = worst
        self.bound = -worst
        self.values: NDArray[np.float64] | None = None
        self.left = False
        """Whether nobody waits for it any more."""

    def take(self, event: highspy.HighsCallbackEvent) -> None:
        """Keep better columns."""
        self.values = np.array(event.data_out.mip_solution)
        self.objective = float(event.data_out.objective_function_value)

    def look(self, event: highspy.HighsCallbackEvent, watch: Watch) -> None:
        """Keep the bound, and say whether to stop."""
        if np.isfinite(event.data_out.mip_dual_bound):
            self.bound = float(event.data_out.mip_dual_bound)
        event.interrupt(self.left or watch.stopped)


def _must(status: highspy.HighsStatus, what: str) -> None:
    """Raise if HiGHS refused something: it says so by a status alone."""
    if status == highspy.HighsStatus.kError:
        message = f"HiGHS refused {what}"
        raise RuntimeError(message)


def _program(model: Model) -> highspy.HighsLp:
    columns = sparse.csc_array(model.rows)
    program = highspy.HighsLp()
    program.num_row_, program.num_col_ = columns.shape
    program.col_cost_ = np.asarray(model.objective, float)
    program.col_lower_ = np.asarray(model.column_lower, float)
    program.col_upper_ = np.asarray(model.column_upper, float)
    program.row_lower_ = np.asarray(model.row_lower, float)
    program.row_upper_ = np.asarray(model.row_upper, float)
    program.sense_ = (
        highspy.ObjSense.kMaximize if model.sense == "most" else highspy.ObjSense.kMinimize
    )
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_ = columns.indptr.astype(np.int32)
    program.a_matrix_.index_ = columns.indices.astype(np.int32)
    program.a_matrix_.value_ = columns.data.astype(float)
    if model.whole.any():
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        program.integrality_ = [kinds[whole] for whole in model.whole.tolist()]
    return program


def _solved(highs: highspy.Highs, model: Model) -> Solved:
    status, info, solution = highs.getModelStatus(), highs.getInfo(), highs.getSolution()
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    optimal = status == highspy.HighsModelStatus.kOptimal
    nothing = np.inf if model.sense == "most" else -np.inf
    if model.whole.any():
        bound = float(info.mip_dual_bound)
    else:
        bound = float(info.objective_function_value) if optimal else nothing
    return Solved(
        values=np.array(solution.col_value) if found else None,
        objective=float(info.objective_function_value) if found else -nothing,
        bound=bound if np.isfinite(bound) else nothing,
        infeasible=status in _INFEASIBLE,
        optimal=optimal,
        row_duals=np.zeros(0) if model.whole.any() else np.array(solution.row_dual),
        nodes=int(info.mip_node_count) if model.whole.any() else 0,
    )
