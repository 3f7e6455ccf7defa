"""Sites with room as a linear model for HiGHS, and whole demand points given places."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from shelterplan.siting.highs import Model, solve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.capacitated_bound import Limits
    from shelterplan.siting.capacitated_flow import Flow, Rooms
    from shelterplan.siting.problem import Sparse
    from shelterplan.siting.watch import Watch

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


class Assigned(NamedTuple):
    """Who has a place where."""

    open_: Flags
    """Shape (sites,)."""
    flow: Floats
    """People of each entry, in the order of sites."""
    placed: float
    bound: float
    """What no choice among the sites given can better."""


def entries(rooms: Rooms) -> NDArray[np.int64]:
    """Return the site of each entry, in the order of sites."""
    return np.repeat(np.arange(len(rooms.room)), np.diff(rooms.column))


def assigned(
    rooms: Rooms,
    limits: Limits,
    sites: Flags,
    open_: Flags,
    flow: Floats,
    watch: Watch,
    *,
    whole: bool,
) -> Assigned:
    """Choose among some sites, and give places, with HiGHS; start from a plan at hand.

    The model is the one of `capacitated_cover`, with x[i, j] <= y[j] for each pair.
    """
    pair = np.flatnonzero(sites[entries(rooms)])
    use = np.flatnonzero(sites)
    number = np.full(len(rooms.room), -1)
    number[use] = np.arange(len(use))
    site, point = number[entries(rooms)[pair]], rooms.row_of[pair]
    people = rooms.weight[point]
    rows, upper = constraints(rooms, use, site, point)
    limit, most = _limit_rows(limits, use, rows.shape[1])
    stacked = sparse.csr_array(sparse.vstack([rows, limit]))
    columns = rows.shape[1]
    whole_columns = np.ones(columns, bool)
    whole_columns[len(use) :] = whole
    model = Model(
        objective=np.append(np.zeros(len(use)), people),
        rows=stacked,
        row_lower=np.full(stacked.shape[0], -np.inf),
        row_upper=np.append(upper, most),
        column_lower=np.append(limits.fixed[use].astype(float), np.zeros(len(pair))),
        column_upper=np.ones(columns),
        whole=whole_columns,
        sense="most",
    )
    start = np.append(open_[use].astype(float), flow[pair] / people)
    solved = solve(model, watch, start=start)
    if solved.values is None:
        return Assigned(open_, flow, float(flow.sum()), solved.bound)
    chosen = np.zeros(len(rooms.room), np.bool_)
    chosen[use] = solved.values[: len(use)] > 0.5
    given = np.zeros(len(flow))
    share = solved.values[len(use) :]
    given[pair] = (np.rint(share) if whole else share) * people
    return Assigned(chosen | limits.fixed, given, float(given.sum()), solved.bound)


def constraints(
    rooms: Rooms, use: NDArray[np.int64], site: NDArray[np.int64], point: NDArray[np.int32]
) -> tuple[Sparse, Floats]:
    """Return rows and their upper limits: one place each, room, open sites alone.

    Columns are the sites `use`, then one for each pair of a site's number and a point.
    """
    pairs, sites = len(site), len(use)
    columns = sites + np.arange(pairs)
    once = sparse.csr_array(
        (np.ones(pairs), (point, columns)), shape=(len(rooms.weight), sites + pairs)
    )
    room = sparse.csr_array(
        (
            np.append(rooms.weight[point], -rooms.room[use]),
            (np.append(site, np.arange(sites)), np.append(columns, np.arange(sites))),
        ),
        shape=(sites, sites + pairs),
    )
    number = np.arange(pairs)
    linked = sparse.csr_array(
        (
            np.append(np.ones(pairs), -np.ones(pairs)),
            (np.append(number, number), np.append(columns, site)),
        ),
        shape=(pairs, sites + pairs),
    )
    upper = np.concatenate([np.ones(len(rooms.weight)), np.zeros(sites), np.zeros(pairs)])
    return sparse.csr_array(sparse.vstack([once, room, linked])), upper


def _limit_rows(limits: Limits, use: NDArray[np.int64], columns: int) -> tuple[Sparse, Floats]:
    """Return the rows that limit the number of added sites and what they cost."""
    added = ~limits.fixed[use]
    rows, most = [added.astype(float)], [float(limits.number)]
    if np.isfinite(limits.spend):
        rows.append(np.where(added, limits.cost[use], 0.0))
        most.append(limits.spend)
    whole = np.zeros((len(rows), columns))
    whole[:, : len(use)] = rows
    return sparse.csr_array(whole), np.array(most)


def whole_from(rooms: Rooms, plan: Flow) -> Assigned:
    """Give whole points places at the open sites of a flow.

    Points that the flow leaves together stay where they are; the others, the largest first, go
    where the least room that is enough is left.
    """
    site, flow = entries(rooms), np.zeros(len(plan.flow))
    together = plan.flow >= rooms.weight[rooms.row_of] - rooms.crumb
    flow[together] = rooms.weight[rooms.row_of[together]]
    spare = np.where(plan.open_, rooms.room, 0.0)
    spare -= np.bincount(site, flow, len(spare))
    placed = np.bincount(rooms.row_of, flow, len(rooms.weight)) > 0
    for point in np.argsort(-rooms.weight, kind="stable"):
        if placed[point]:
            continue
        own = slice(rooms.row[point], rooms.row[point + 1])
        near, entry = rooms.column_of[own], rooms.entry[own]
        fits = plan.open_[near] & (spare[near] >= rooms.weight[point])
        if fits.any():
            pick = np.flatnonzero(fits)[np.argmin(spare[near[fits]])]
            flow[entry[pick]] = rooms.weight[point]
            spare[near[pick]] -= rooms.weight[point]
    return Assigned(plan.open_, flow, float(flow.sum()), np.inf)
