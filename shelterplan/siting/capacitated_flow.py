"""Who finds room at the open sites: a maximum flow that grows and shrinks with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from shelterplan.kernels.common import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.problem import Sparse

    Ints = NDArray[np.int32]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

_CRUMB = 1e-9
"""A share of the mean demand that is too small to be moved."""


class Rooms(NamedTuple):
    """Demand points, sites with room, and who can go where."""

    row: Ints
    """Entries of demand point `i` stand at `row[i]` to `row[i + 1]` of `column_of` and `entry`."""
    column_of: Ints
    entry: Ints
    """Where the same entry stands in the order of sites."""
    column: Ints
    """Entries of site `j` stand at `column[j]` to `column[j + 1]` of `row_of`."""
    row_of: Ints
    weight: Floats
    """People of each demand point, shape (demand,)."""
    room: Floats
    """Of each site, finite, shape (sites,)."""
    crumb: float
    """People below this number are nobody: rounding left them."""

    @classmethod
    def of(cls, cover: Sparse, weight: Floats, room: Floats) -> Rooms:
        """Return the problem of a sparse matrix, shape (demand, sites)."""
        numbered = sparse.csr_array(
            (np.arange(1, cover.nnz + 1), cover.indices, cover.indptr), shape=cover.shape
        )
        columns = sparse.csc_array(numbered)
        columns.sort_indices()
        entry = np.empty(cover.nnz, np.int32)
        entry[columns.data - 1] = np.arange(cover.nnz)
        total = float(weight.sum())
        return cls(
            cover.indptr.astype(np.int32),
            cover.indices.astype(np.int32),
            entry,
            columns.indptr.astype(np.int32),
            columns.indices.astype(np.int32),
            np.asarray(weight, float),
            np.minimum(room, total),
            _CRUMB * total / max(len(weight), 1),
        )


class Flow(NamedTuple):
    """A maximum flow of people to the open sites."""

    flow: Floats
    """People of each entry, in the order of sites."""
    left: Floats
    """People of each demand point without a place."""
    spare: Floats
    """Room left at each site; 0 where it is not open."""
    open_: Flags
    """Shape (sites,)."""

    @property
    def placed(self) -> float:
        """People who have a place."""
        return float(self.flow.sum())

    def copy(self) -> Flow:
        """Return a copy that can be changed."""
        return Flow(self.flow.copy(), self.left.copy(), self.spare.copy(), self.open_.copy())

    @classmethod
    def nobody(cls, rooms: Rooms) -> Flow:
        """Return the flow with no site open."""
        sites = len(rooms.room)
        return cls(
            np.zeros(len(rooms.row_of)),
            rooms.weight.copy(),
            np.zeros(sites),
            np.zeros(sites, np.bool_),
        )


def most_placed(rooms: Rooms, sites: NDArray[np.int64]) -> Flow:
    """Return a maximum flow to these sites, from nothing.

    Examples
    --------
    >>> cover = sparse.csr_array([[1.0, 1], [1, 0]])
    >>> rooms = Rooms.of(cover, np.array([6.0, 5]), np.array([7.0, 3]))
    >>> most_placed(rooms, np.array([0, 1])).placed
    10.0
    """
    found = Flow.nobody(rooms)
    for site in sites:
        _open(int(site), rooms, found)
    return found


def close(rooms: Rooms, flow: Flow, sites: NDArray[np.int64]) -> Flow:
    """Return a maximum flow without some of the sites."""
    found = flow.copy()
    _close(np.asarray(sites, np.int64), rooms, found)
    return found


def refill(
    rooms: Rooms,
    flow: Flow,
    cost: Floats,
    left: float,
    count: int,
    forbidden: Flags,
) -> Flow:
    """Return the flow with sites opened one by one, always the one that places most for its cost.

    Parameters
    ----------
    rooms, flow : Rooms, Flow
        `flow` is a maximum one.
    cost : array, shape (sites,)
        What opening costs.
    left : float
        What may be spent.
    count : int
        Sites that may be opened.
    forbidden : array of bool, shape (sites,)
        Sites that must stay shut.
    """
    found = flow.copy()
    _refill(rooms, found, cost, left, count, forbidden)
    return found


@compiled
def _push(  # noqa: C901, PLR0912
    site: int,
    rooms: Rooms,
    found: Flow,
    seen: Flags,
) -> float:
    """Bring as many people as possible to a site with room; return how many.

    First those of its own rows, then, along shortest chains, others: a site takes people from
    another, which takes from another, which takes somebody without a place. Sites seen in a search
    that failed stay in `seen`: nobody can be reached through them.
    """
    gained = 0.0
    for t in range(rooms.column[site], rooms.column[site + 1]):
        if found.spare[site] <= rooms.crumb:
            return gained
        amount = min(found.spare[site], found.left[rooms.row_of[t]])
        if amount > 0:
            found.flow[t] += amount
            found.left[rooms.row_of[t]] -= amount
            found.spare[site] -= amount
            gained += amount
    sites = len(rooms.column) - 1
    queue = np.empty(sites, np.int32)
    taken = np.empty(sites, np.int32)
    given = np.empty(sites, np.int32)
    before = np.empty(sites, np.int32)
    while found.spare[site] > rooms.crumb and not seen[site]:
        queue[0], tail, head = site, 1, 0
        seen[site] = True
        end, end_entry = -1, -1
        while head < tail and end < 0:
            k = queue[head]
            head += 1
            for t in range(rooms.column[k], rooms.column[k + 1]):
                i = rooms.row_of[t]
                if found.left[i] > rooms.crumb:
                    end, end_entry = k, t
                    break
                for s in range(rooms.row[i], rooms.row[i + 1]):
                    other = rooms.column_of[s]
                    if (
                        found.open_[other]
                        and not seen[other]
                        and found.flow[rooms.entry[s]] > rooms.crumb
                    ):
                        seen[other] = True
                        before[other], taken[other], given[other] = k, rooms.entry[s], t
                        queue[tail] = other
                        tail += 1
        if end < 0:
            return gained
        for a in range(tail):
            seen[queue[a]] = False
        amount = min(found.spare[site], found.left[rooms.row_of[end_entry]])
        k = end
        while k != site:
            amount = min(amount, found.flow[taken[k]])
            k = before[k]
        found.flow[end_entry] += amount
        found.left[rooms.row_of[end_entry]] -= amount
        k = end
        while k != site:
            found.flow[taken[k]] -= amount
            found.flow[given[k]] += amount
            k = before[k]
        found.spare[site] -= amount
        gained += amount
    return gained


@compiled
def _open(
    site: int,
    rooms: Rooms,
    found: Flow,
) -> float:
    """Open a site; the flow stays a maximum one, as no path to older sites comes into being."""
    if found.open_[site]:
        return 0.0
    found.open_[site] = True
    found.spare[site] = rooms.room[site]
    seen = np.zeros(len(rooms.room), np.bool_)
    return _push(site, rooms, found, seen)


@compiled
def _close(
    sites: NDArray[np.int64],
    rooms: Rooms,
    found: Flow,
) -> None:
    for j in sites:
        found.open_[j] = False
        found.spare[j] = 0.0
        for t in range(rooms.column[j], rooms.column[j + 1]):
            found.left[rooms.row_of[t]] += found.flow[t]
            found.flow[t] = 0.0
    seen = np.zeros(len(rooms.room), np.bool_)
    for j in range(len(rooms.room)):
        if found.open_[j] and found.spare[j] > rooms.crumb:
            _push(j, rooms, found, seen)


@compiled
def _at_most(  # noqa: C901
    rooms: Rooms,
    found: Flow,
) -> Floats:
    """Return how many more people could be placed by opening each site, at most.

    Only those matter who have no place, or who sit where somebody without could sit instead.
    """
    rows = len(rooms.row) - 1
    waits = np.zeros(rows, np.bool_)
    queue = np.empty(rows, np.int32)
    head, tail = 0, 0
    for i in range(rows):
        if found.left[i] > rooms.crumb:
            waits[i] = True
            queue[tail] = i
            tail += 1
    seen = np.zeros(len(rooms.room), np.bool_)
    while head < tail:
        i = queue[head]
        head += 1
        for s in range(rooms.row[i], rooms.row[i + 1]):
            j = rooms.column_of[s]
            if found.open_[j] and not seen[j]:
                seen[j] = True
                for t in range(rooms.column[j], rooms.column[j + 1]):
                    if found.flow[t] > rooms.crumb and not waits[rooms.row_of[t]]:
                        waits[rooms.row_of[t]] = True
                        queue[tail] = rooms.row_of[t]
                        tail += 1
    most = np.zeros(len(rooms.room))
    for j in range(len(rooms.room)):
        if not found.open_[j]:
            for t in range(rooms.column[j], rooms.column[j + 1]):
                if waits[rooms.row_of[t]]:
                    most[j] += rooms.weight[rooms.row_of[t]]
            most[j] = min(most[j], rooms.room[j])
    return most


@compiled
def _refill(
    rooms: Rooms,
    found: Flow,
    cost: Floats,
    money: float,
    count: int,
    forbidden: Flags,
) -> None:
    most = _at_most(rooms, found)
    fresh = np.zeros(len(rooms.room), np.int32)
    turn = np.int32(1)
    trial = Flow(found.flow.copy(), found.left.copy(), found.spare.copy(), found.open_.copy())
    while count > 0:
        pick, best = -1, 0.0
        for j in range(len(rooms.room)):
            if (
                most[j] <= rooms.crumb
                or found.open_[j]
                or forbidden[j]
                or cost[j] > money * (1 + 1e-12)
            ):
                continue
            worth = most[j] / cost[j] if cost[j] > 0 else most[j] * 1e12
            if worth > best:
                pick, best = j, worth
        if pick < 0:
            break
        if fresh[pick] == turn:
            _open(pick, rooms, found)
            money -= cost[pick]
            count -= 1
            turn += np.int32(1)
        else:
            trial.flow[:] = found.flow
            trial.left[:] = found.left
            trial.spare[:] = found.spare
            trial.open_[:] = found.open_
            most[pick] = _open(pick, rooms, trial)
            fresh[pick] = turn
