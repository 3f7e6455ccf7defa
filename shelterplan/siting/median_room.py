"""The p-median with room: a model of whole sites and divided people, solved by HiGHS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from shelterplan.siting.capacitated_flow import Rooms, most_placed, refill
from shelterplan.siting.covering import Purse, one_more_of
from shelterplan.siting.highs import Model, solve
from shelterplan.siting.result import NoPlanError, SitingResult
from shelterplan.siting.room_for_all import (
    all_placed,
    have_room,
    opened_greedily,
    room_rows,
    rooms_of,
    share_at_most,
)
from shelterplan.siting.watch import Watch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.median_lists import Floats, Ints
    from shelterplan.siting.problem import Choice, Sparse

_TRANSPORT_S = 60.0
"""Longest time for one assignment of people to sites [s]."""
_MISSED = 1e-6
"""Share of a row that may be missing from an assignment, or of a site's room that may be passed."""


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
    pairs, purse = _pairs(matrix, people, room, unserved_cost), Purse.of(choice)
    rooms = _rooms(pairs)
    if unserved_cost is None and not have_room(rooms, np.flatnonzero(purse.able)):
        raise NoPlanError(_no_room(pairs, np.arange(matrix.shape[1])))
    watch.tell("sites with room")
    plan = _first(pairs, rooms, purse, choice)
    paid = np.inf if plan is None else _assigned(pairs, rooms, plan)
    bound, lasting = (paid, True) if not purse.able[choice.free].any() else (0.0, False)
    if not lasting:
        plan, paid, bound = _bettered(pairs, rooms, purse, choice, watch, (plan, paid))
    if plan is None:
        if bound == np.inf:
            raise NoPlanError(_no_room(pairs, np.arange(matrix.shape[1])))
        message = "no sites with room for all were found in time: raise the time limit"
        raise NoPlanError(message)
    return SitingResult.of(
        plan.tolist(), paid, min(paid, bound), seconds=watch.seconds, sense="least"
    )


def _rooms(pairs: _Pairs) -> Rooms:
    shape = (len(pairs.people), len(pairs.room))
    cover = sparse.csr_array((np.ones(len(pairs.row)), (pairs.row, pairs.site)), shape=shape)
    return rooms_of(cover, pairs.people, pairs.room)


def _first(pairs: _Pairs, rooms: Rooms, purse: Purse, choice: Choice) -> Ints | None:
    """Return sites that serve all, or, if some may be left unserved, as many as may be."""
    found = opened_greedily(rooms, purse, choice.fixed)
    if found is not None or pairs.unserved is None:
        return found
    start = most_placed(rooms, choice.fixed)
    most = int(min(purse.most, len(rooms.room)))
    flow = refill(rooms, start, purse.price, purse.limit, most, ~purse.able)
    found = np.flatnonzero(flow.open_)
    return found if purse.allows(found) else choice.fixed


def _bettered(
    pairs: _Pairs,
    rooms: Rooms,
    purse: Purse,
    choice: Choice,
    watch: Watch,
    first: tuple[Ints | None, float],
) -> tuple[Ints | None, float, float]:
    """Let HiGHS choose; return the best plan, what it pays, and the bound.

    Sites that HiGHS calls enough and a maximum flow does not are not enough without the others:
    one of these must be open, and HiGHS is asked again.
    """
    plan, paid = first
    sites = len(pairs.room)
    scale = paid
    if not 0 < paid < np.inf:
        scale = float((pairs.cost * pairs.people[pairs.row]).max(initial=0.0)) or 1.0
    model = _model(pairs, purse, choice.fixed, scale)
    bound = 0.0
    while not watch.over:
        solved = solve(model, watch)
        if solved.infeasible:
            return plan, paid, paid
        bound = max(bound, solved.bound * scale)
        if solved.values is None:
            break
        chosen = solved.values[:sites] > 0.5
        if not purse.allows(chosen):
            break
        if pairs.unserved is not None or have_room(rooms, np.flatnonzero(chosen)):
            flow = solved.values[sites:][: len(pairs.row)]
            used = chosen & (np.bincount(pairs.site, weights=flow, minlength=sites) > _MISSED)
            used[choice.fixed] = True
            for tried in (used, chosen):
                own = _assigned(pairs, rooms, np.flatnonzero(tried))
                if own < paid:
                    plan, paid = np.flatnonzero(tried), own
            break
        model = one_more_of(model, np.flatnonzero(~chosen))
    return plan, paid, bound


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


def _model(pairs: _Pairs, purse: Purse, fixed: Ints, scale: float) -> Model:
    """Columns: open sites, the share of each row that walks along each pair, unserved shares."""
    sites, rows, links = len(pairs.room), len(pairs.people), len(pairs.row)
    spare = rows if pairs.unserved is not None else 0
    columns = sites + links + spare
    link = sites + np.arange(links)
    each = np.arange(links)
    served = _part(np.append(pairs.row, np.arange(spare)), np.arange(sites, columns), rows, columns)
    filled_by, own = room_rows(pairs.site, pairs.people[pairs.row], pairs.room)
    filled = _part(pairs.site, link, sites, columns, filled_by) - _part(
        np.arange(sites), np.arange(sites), sites, columns, own
    )
    share = share_at_most(pairs.room[pairs.site], pairs.people[pairs.row])
    only_open = _part(each, link, links, columns) - _part(each, pairs.site, links, columns, share)
    limits, most = purse.rows()
    limits = sparse.csr_array((limits.data, limits.indices, limits.indptr), (len(most), columns))
    lower, upper = np.zeros(columns), np.ones(columns)
    lower[fixed] = 1.0
    upper[:sites] = purse.able
    unserved = (pairs.unserved or 0.0) * pairs.people[: spare or 0]
    paid = np.concatenate([pairs.cost * pairs.people[pairs.row], unserved])
    below = sites + links + len(most)
    return Model(
        objective=np.append(np.zeros(sites), paid / scale),
        rows=sparse.csr_array(sparse.vstack([served, filled, only_open, limits])),
        row_lower=np.append(np.ones(rows), np.full(below, -np.inf)),
        row_upper=np.concatenate([np.ones(rows), np.zeros(sites + links), most]),
        column_lower=lower,
        column_upper=upper,
        whole=np.arange(columns) < sites,
        sense="least",
    )


def _part(row: Ints, column: Ints, rows: int, columns: int, value: Floats | None = None) -> Sparse:
    data = np.ones(len(row)) if value is None else value
    return sparse.csr_array((data, (row, column)), shape=(rows, columns))


def _assigned(pairs: _Pairs, rooms: Rooms, opened: Ints) -> float:
    """Return what people pay who share the room of given sites best; `inf`: there is no room.

    Whether there is room a maximum flow says; then a transport problem in shares of each row, the
    sum taken from the ways.
    """
    if pairs.unserved is None and not all_placed(rooms, most_placed(rooms, opened)):
        return np.inf
    is_open = np.isin(pairs.site, opened)
    row, site, cost = pairs.row[is_open], pairs.site[is_open], pairs.cost[is_open]
    rows, links = len(pairs.people), len(row)
    if rows == 0:
        return 0.0
    spare = rows if pairs.unserved is not None else 0
    columns = links + spare
    at = np.append(row, np.arange(spare))
    served = _part(at, np.arange(columns), rows, columns)
    filled_by, own = room_rows(site, pairs.people[row], pairs.room)
    filled = _part(site, np.arange(links), len(pairs.room), columns, filled_by)
    price = np.append(cost, np.full(spare, pairs.unserved or 0.0)) * pairs.people[at]
    model = Model(
        objective=price / (float(price.max()) or 1.0),
        rows=sparse.csr_array(sparse.vstack([served, filled])),
        row_lower=np.append(np.ones(rows), np.full(len(pairs.room), -np.inf)),
        row_upper=np.append(np.ones(rows), own),
        column_lower=np.zeros(columns),
        column_upper=np.full(columns, np.inf),
        whole=np.zeros(columns, bool),
        sense="least",
    )
    solved = solve(model, Watch(_TRANSPORT_S))
    if solved.values is None or not solved.optimal:
        return np.inf
    ways = np.maximum(solved.values, 0.0)
    times = served @ ways
    if (abs(times - 1) > _MISSED).any() or (filled @ ways > own + _MISSED).any():
        return np.inf
    return float((price * ways / times[at]).sum())


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
