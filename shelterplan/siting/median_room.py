"""The p-median with room: a model of whole sites and divided people, solved by HiGHS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from shelterplan.siting.highs import Model, solve
from shelterplan.siting.result import NoPlanError, SitingResult
from shelterplan.siting.watch import Watch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.median_lists import Floats, Ints
    from shelterplan.siting.problem import Choice, Sparse

_TRANSPORT_S = 60.0
"""Longest time for one assignment of people to sites [s]."""
_MISSED = 1e-6
"""Share of all people that may be missing from an assignment through rounding."""


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Who can walk where, for rows with people, and what it costs."""

    row: Ints
    site: Ints
    cost: Floats
    people: Floats
    """Of each row, shape (rows,)."""
    room: Floats
    """Of each site, shape (sites,)."""
    unserved: float | None
    """What a person pays who is not served; None: all must be."""


def best_with_room(
    matrix: Sparse | Floats,
    people: Floats,
    choice: Choice,
    room: Floats,
    unserved_cost: float | None,
    watch: Watch,
) -> SitingResult:
    """Choose sites with room for those who walk to them; see `p_median`.

    The objective is worked out by assigning people to the chosen sites anew.

    Raises
    ------
    NoPlanError
        If no sites have room for all, or none were found in time.
    """
    pairs = _pairs(matrix, people, room, unserved_cost)
    everywhere = np.arange(matrix.shape[1])
    if choice.count == 0 or not len(choice.free):
        objective = _assigned(pairs, choice.fixed)
        if objective is None:
            raise NoPlanError(_no_room(pairs, choice.fixed))
        return SitingResult.of(
            choice.fixed.tolist(), objective, objective, seconds=watch.seconds, sense="least"
        )
    watch.tell("sites with room")
    model = _model(pairs, choice)
    solved = solve(model, watch)
    if solved.infeasible:
        raise NoPlanError(_no_room(pairs, everywhere))
    if solved.values is None:
        message = "no sites with room for all were found in time: raise the time limit"
        raise NoPlanError(message)
    opened = solved.values[: matrix.shape[1]] > 0.5
    flow = solved.values[matrix.shape[1] :][: len(pairs.row)]
    opened &= np.bincount(pairs.site, weights=flow, minlength=len(opened)) > 1e-9
    opened[choice.fixed] = True
    objective = _assigned(pairs, np.flatnonzero(opened))
    if objective is None:
        message = "HiGHS called sites feasible that have no room for all"
        raise NoPlanError(message)
    return SitingResult.of(
        np.flatnonzero(opened).tolist(),
        objective,
        min(objective, max(0.0, solved.bound)),
        seconds=watch.seconds,
        sense="least",
    )


def _pairs(
    matrix: Sparse | Floats, people: Floats, room: Floats, unserved_cost: float | None
) -> _Pairs:
    living = people > 0
    part = matrix[living]
    limit = np.inf if unserved_cost is None else unserved_cost
    if isinstance(part, np.ndarray):
        row, site = np.nonzero(np.isfinite(part) & (part <= limit))
        cost = part[row, site]
    else:
        row = np.repeat(np.arange(part.shape[0]), np.diff(part.indptr))
        site = part.indices.astype(np.int64)
        near = np.isfinite(part.data) & (part.data <= limit)
        row, site, cost = row[near], site[near], part.data[near]
    return _Pairs(row, site, cost, people[living], room, unserved_cost)


def _model(pairs: _Pairs, choice: Choice) -> Model:
    """Columns: open sites, the share of each row that walks along each pair, unserved shares."""
    sites, rows, links = len(pairs.room), len(pairs.people), len(pairs.row)
    spare = rows if pairs.unserved is not None else 0
    columns = sites + links + spare
    link = sites + np.arange(links)
    each = np.arange(links)
    served = _part(np.append(pairs.row, np.arange(spare)), np.arange(sites, columns), rows, columns)
    filled = _part(pairs.site, link, sites, columns, pairs.people[pairs.row]) - _part(
        np.arange(sites), np.arange(sites), sites, columns, pairs.room
    )
    share = np.minimum(1.0, pairs.room[pairs.site] / pairs.people[pairs.row])
    only_open = _part(each, link, links, columns) - _part(each, pairs.site, links, columns, share)
    price = np.zeros(sites)
    price[choice.free] = 1.0 if choice.costs is None else choice.costs[choice.free]
    limit = choice.budget if choice.count is None else float(choice.count)
    spent = _part(np.zeros(sites, np.int64), np.arange(sites), 1, columns, price)
    lower = np.zeros(columns)
    lower[choice.fixed] = 1.0
    return Model(
        objective=np.concatenate(
            [
                np.zeros(sites),
                pairs.cost * pairs.people[pairs.row],
                (pairs.unserved or 0.0) * pairs.people[: spare or 0],
            ]
        ),
        rows=sparse.csr_array(sparse.vstack([served, filled, only_open, spent])),
        row_lower=np.concatenate([np.ones(rows), np.full(sites + links + 1, -np.inf)]),
        row_upper=np.concatenate([np.ones(rows), np.zeros(sites + links), [limit]]),
        column_lower=lower,
        column_upper=np.ones(columns),
        whole=np.arange(columns) < sites,
        sense="least",
    )


def _part(row: Ints, column: Ints, rows: int, columns: int, value: Floats | None = None) -> Sparse:
    data = np.ones(len(row)) if value is None else value
    return sparse.csr_array((data, (row, column)), shape=(rows, columns))


def _assigned(pairs: _Pairs, opened: Ints) -> float | None:
    """Return what people pay who share the room of given sites best; None: there is no room.

    A transport problem in people, its sum taken from the ways and checked.
    """
    is_open = np.isin(pairs.site, opened)
    row, site, cost = pairs.row[is_open], pairs.site[is_open], pairs.cost[is_open]
    rows, links = len(pairs.people), len(row)
    spare = rows if pairs.unserved is not None else 0
    columns = links + spare
    if columns == 0:
        return 0.0 if rows == 0 else None
    served = _part(np.append(row, np.arange(spare)), np.arange(columns), rows, columns)
    filled = _part(site, np.arange(links), len(pairs.room), columns)
    price = np.append(cost, np.full(spare, pairs.unserved or 0.0))
    model = Model(
        objective=price,
        rows=sparse.csr_array(sparse.vstack([served, filled])),
        row_lower=np.append(pairs.people, np.full(len(pairs.room), -np.inf)),
        row_upper=np.append(pairs.people, pairs.room),
        column_lower=np.zeros(columns),
        column_upper=np.full(columns, np.inf),
        whole=np.zeros(columns, bool),
        sense="least",
    )
    solved = solve(model, Watch(_TRANSPORT_S))
    if solved.values is None or not solved.optimal:
        return None
    ways = np.maximum(solved.values, 0.0)
    everybody = pairs.people.sum()
    over = np.maximum(filled @ ways - pairs.room, 0.0).sum()
    if abs(served @ ways - pairs.people).sum() + over > _MISSED * everybody:
        return None
    return float((price * ways).sum())


def _no_room(pairs: _Pairs, sites: NDArray[np.int64]) -> str:
    people, room = pairs.people.sum(), pairs.room[sites].sum()
    if room < people:
        return (
            f"{people:g} people, and room for {room:g} at all sites together: add sites, or say "
            "what being unserved costs (unserved_cost)"
        )
    return (
        "no sites within the count or budget reach all people and have room for them: raise it, "
        "or say what being unserved costs (unserved_cost)"
    )
