"""Plans by groups where sites have limited room, made and mended without a solver."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from shelterplan.siting.capacitated_flow import Flow, Rooms, close, most_placed, refill
from shelterplan.siting.floor_model import Plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.grouped import Flags, Floats, Problem

_SPARE = 1e-9
"""So much more is kept for a group than its floor: rounding must not miss it."""
NO_ONE: NDArray[np.int64] = np.empty(0, np.int64)


def placed(problem: Problem, columns: Flags) -> Plan:
    """Return the plan of columns in which most people have a place."""
    rooms = _rooms(problem)
    return _plan(problem, rooms, most_placed(rooms, np.flatnonzero(columns)))


def filled(problem: Problem, plan: Plan) -> Plan:
    """Return a plan with the columns added that may still be, those first that place most people.

    Nobody loses a place by it: people only move on to make room for others. So whatever share of a
    group had one has one still.
    """
    rooms = _rooms(problem)
    people = np.zeros(problem.cover.nnz)
    people[rooms.entry] = plan.flow * problem.people[_rows(problem)]
    load = np.bincount(
        np.repeat(np.arange(len(rooms.room)), np.diff(rooms.column)),
        weights=people,
        minlength=len(rooms.room),
    )
    row = np.bincount(rooms.row_of, weights=people, minlength=len(problem.people))
    flow = Flow(
        people,
        np.maximum(problem.people - row, 0.0),
        np.where(plan.columns, np.maximum(rooms.room - load, 0.0), 0.0),
        plan.columns.copy(),
    )
    added = plan.columns & ~problem.must
    more = refill(
        rooms,
        close(rooms, flow, NO_ONE),
        problem.costs,
        problem.budget - float(problem.costs[added].sum()),
        problem.count - int(added.sum()),
        np.zeros(len(rooms.room), np.bool_),
    )
    return _plan(problem, rooms, more)


def promised(problem: Problem, need: Floats) -> Plan:
    """Return a plan that keeps places for groups first; whether it meets the floors is to be seen.

    Of every row the same part of its people is let in first, as many as make the floor of its
    group; sites are added by how many of those they place. Then the others find what room is left.

    Parameters
    ----------
    problem : Problem
        The problem, with room.
    need : array, shape (groups,)
        Who must be covered of each group, as it counts.
    """
    counts = (problem.counted > 0) & (np.diff(problem.cover.indptr) > 0)
    near = np.bincount(problem.group[counts], problem.counted[counts], minlength=len(need))
    part = np.divide(np.maximum(need, 0.0), near, out=np.zeros(len(need)), where=near > 0)
    first = np.where(counts, np.minimum(part * (1 + _SPARE), 1.0)[problem.group], 0.0)
    some = replace(problem, people=problem.people * first)
    kept = filled(some, placed(some, problem.must))
    return filled(problem, Plan(kept.columns, kept.flow * first[_rows(problem)]))


def _rooms(problem: Problem) -> Rooms:
    if problem.capacity is None:
        message = "only where sites have room is there anything to give out"
        raise AssertionError(message)
    return Rooms.of(problem.cover, problem.people, problem.capacity)


def _rows(problem: Problem) -> NDArray[np.int64]:
    """Return the row of each entry of the cover matrix."""
    return np.repeat(np.arange(problem.cover.shape[0]), np.diff(problem.cover.indptr))


def _plan(problem: Problem, rooms: Rooms, flow: Flow) -> Plan:
    people = problem.people[_rows(problem)]
    part = np.divide(
        flow.flow[rooms.entry], people, out=np.zeros(problem.cover.nnz), where=people > 0
    )
    return Plan(flow.open_.copy(), np.minimum(part, 1.0))
