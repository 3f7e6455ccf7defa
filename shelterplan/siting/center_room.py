"""Whether any sites within a budget reach all people and have room for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from shelterplan.siting.covering import Cover, Purse, one_more_of
from shelterplan.siting.highs import Model, solve
from shelterplan.siting.room_for_all import (
    have_room,
    opened_greedily,
    room_rows,
    rooms_of,
    share_at_most,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.problem import Sparse
    from shelterplan.siting.watch import Watch

    Floats = NDArray[np.float64]


def roomy_within(
    cover: Sparse,
    people: Floats,
    room: Floats,
    purse: Purse,
    fixed: NDArray[np.int64],
    watch: Watch,
) -> Cover:
    """Look for sites within limits to which all people can be assigned, in parts if need be.

    HiGHS chooses, a maximum flow judges. Sites that have too little room have too little with fewer
    of them: one of the others must be open, and HiGHS is asked again. A greedy choice is tried even
    if no time is left.

    Examples
    --------
    >>> from shelterplan.siting.problem import Choice
    >>> from shelterplan.siting.watch import Watch
    >>> cover = sparse.csr_array([[1.0, 1], [0, 1]])
    >>> people, none, one = np.array([3.0, 2]), np.zeros(0, int), Purse.of(Choice.of(2, 1))
    >>> roomy_within(cover, people, np.array([3.0, 5]), one, none, Watch(10.0)).sites
    array([1])
    >>> roomy_within(cover, people, np.array([3.0, 4]), one, none, Watch(10.0)).none
    True
    """
    rooms = rooms_of(cover, people, room)
    if not have_room(rooms, np.flatnonzero(purse.able)):
        return Cover(None, 0.0, none=True)
    found = opened_greedily(rooms, purse, fixed)
    if found is not None:
        return Cover(found, 0.0, none=False)
    model = _model(cover, people, room, purse, fixed)
    while not watch.over:
        solved = solve(model, watch)
        if solved.infeasible:
            return Cover(None, 0.0, none=True)
        if solved.values is None:
            break
        chosen = solved.values[: cover.shape[1]] > 0.5
        if not purse.allows(chosen):
            break
        if have_room(rooms, np.flatnonzero(chosen)):
            return Cover(np.flatnonzero(chosen), 0.0, none=False)
        model = one_more_of(model, np.flatnonzero(~chosen))
    return Cover(None, 0.0, none=False)


def _model(
    cover: Sparse, people: Floats, room: Floats, purse: Purse, fixed: NDArray[np.int64]
) -> Model:
    """Columns: open sites, then the share of each row that goes along each pair."""
    rows, sites = cover.shape
    links = cover.nnz
    row = np.repeat(np.arange(rows), np.diff(cover.indptr))
    site = cover.indices.astype(np.int64)
    link, each = sites + np.arange(links), np.arange(links)
    columns = sites + links
    filled, own = room_rows(site, people[row], room)
    share = share_at_most(room[site], people[row])
    value = [np.ones(links), filled, -own, np.ones(links), -share]
    at = [row, rows + site, rows + np.arange(sites), rows + sites + each, rows + sites + each]
    column = [link, link, np.arange(sites), link, site]
    matrix = sparse.csr_array(
        (np.concatenate(value), (np.concatenate(at), np.concatenate(column))),
        shape=(rows + sites + links, columns),
    )
    limits, most = purse.rows()
    limits = sparse.csr_array((limits.data, limits.indices, limits.indptr), (len(most), columns))
    lower, upper = np.zeros(columns), np.ones(columns)
    lower[fixed] = 1.0
    upper[:sites] = purse.able
    stacked = sparse.csr_array(sparse.vstack([matrix, limits]))
    return Model(
        objective=np.zeros(columns),
        rows=stacked,
        row_lower=np.concatenate([np.ones(rows), np.full(stacked.shape[0] - rows, -np.inf)]),
        row_upper=np.concatenate([np.ones(rows), np.zeros(sites + links), most]),
        column_lower=lower,
        column_upper=upper,
        whole=np.arange(columns) < sites,
        sense="least",
    )
