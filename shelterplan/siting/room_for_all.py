"""Whether sites have room for everybody: a maximum flow says so, and forgives nobody."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from shelterplan.siting.capacitated_flow import Flow, Rooms, close, most_placed, refill

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.covering import Purse
    from shelterplan.siting.problem import Sparse

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_OF_SMALLEST = 1e-9
"""Share of the smallest demand that may be left by rounding."""
_OF_ALL = 1e-12
"""Share of all demand that sums cannot resolve."""
_MANY = 20_000
"""Pairs beyond which sites are opened in one order, and not one by one."""
_TINY = 1e-7
"""HiGHS takes entries of a model below 1e-9 for 0."""


def rooms_of(cover: Sparse, people: Floats, room: Floats, smallest: float | None = None) -> Rooms:
    """Return rooms in which the smallest demand point counts, however large the others are.

    Parameters
    ----------
    cover : sparse matrix, shape (demand, sites)
        Who can go where.
    people : array, shape (demand,)
        Above 0.
    room : array, shape (sites,)
        Finite.
    smallest : float, optional
        People of the smallest demand point, if points have been merged.
    """
    rooms = Rooms.of(cover, people, room)
    least = float(people.min(initial=np.inf)) if smallest is None else smallest
    left = max(_OF_SMALLEST * least, _OF_ALL * float(people.sum())) if len(people) else 0.0
    return rooms._replace(crumb=left / _parts(rooms))


def _parts(rooms: Rooms) -> int:
    """Return at how many places a crumb can be left."""
    return len(rooms.weight) + len(rooms.room) + 1


def all_placed(rooms: Rooms, flow: Flow) -> bool:
    """Return whether everybody has a place.

    Examples
    --------
    A crowd of ten million does not hide the one person who has no place:

    >>> rooms = rooms_of(sparse.csr_array([[1.0], [1.0]]), np.array([1e7, 1]), np.array([1e7]))
    >>> all_placed(rooms, most_placed(rooms, np.array([0])))
    False
    """
    return bool(flow.left.sum() <= rooms.crumb * _parts(rooms))


def have_room(rooms: Rooms, sites: Ints) -> bool:
    """Return whether these sites have room for everybody."""
    return all_placed(rooms, most_placed(rooms, sites))


def opened_greedily(rooms: Rooms, purse: Purse, fixed: Ints) -> Ints | None:
    """Open the sites that place most for their price, then those that place most; no room: None.

    A site that has room for all by itself is always found.
    """
    start = most_placed(rooms, fixed)
    if all_placed(rooms, start):
        return fixed
    most = int(min(purse.most, len(rooms.room)))
    limit = purse.limit
    orders = [(purse.price, limit), (purse.number, np.inf)]
    for price, left in orders[: 1 if (purse.price == purse.number).all() else 2]:
        if len(rooms.row_of) > _MANY:
            flow = most_placed(rooms, _likeliest(rooms, purse, fixed, price))
        else:
            flow = refill(rooms, start, price, left, most, ~purse.able)
        if not all_placed(rooms, flow):
            continue
        for site in np.argsort(-purse.price, kind="stable"):
            if flow.open_[site] and site not in fixed and not purse.allows(flow.open_):
                without = close(rooms, flow, np.array([site]))
                flow = without if all_placed(rooms, without) else flow
        if purse.allows(flow.open_):
            return np.flatnonzero(flow.open_)
    return None


def _likeliest(rooms: Rooms, purse: Purse, fixed: Ints, price: Floats) -> Ints:
    """Return sites within the limits, those first that can take most people for their price."""
    site = np.repeat(np.arange(len(rooms.room)), np.diff(rooms.column))
    near = np.bincount(site, weights=rooms.weight[rooms.row_of], minlength=len(rooms.room))
    worth = np.minimum(near, rooms.room) / np.maximum(price, _OF_ALL)
    order = np.argsort(-worth, kind="stable")
    order = order[purse.able[order] & ~np.isin(order, fixed)]
    spent, number = np.cumsum(purse.price[order]), np.cumsum(purse.number[order])
    return np.union1d(fixed, order[(spent <= purse.limit) & (number <= purse.most)])


def room_rows(site: Ints, people: Floats, room: Floats) -> tuple[Floats, Floats]:
    """Return the entries of rows that say: no more people at a site than it has room for.

    Each row is divided by the most in it, as HiGHS forgives 1e-6 in each row.

    Parameters
    ----------
    site, people : array, shape (pairs,)
        Site and people of each pair.
    room : array, shape (sites,)
        Room of each site.

    Returns
    -------
    filled, room : array, shape (pairs,), array, shape (sites,)
        Entries of the pairs and of the sites.
    """
    most = np.maximum(room, 0.0)
    np.maximum.at(most, site, people)
    most[most == 0] = 1.0
    own = np.where(room > 0, np.maximum(room / most, _TINY), 0.0)
    return people / most[site], own


def share_at_most(room: Floats, people: Floats) -> Floats:
    """Return what share of a demand point a site has room for, at most; never too little."""
    share: Floats = np.minimum(1.0, np.where(room > 0, np.maximum(room / people, _TINY), 0.0))
    return share


@cache
def warm_up() -> None:
    """Compile what flows run on, once a process: it is no part of anybody's time limit."""
    rooms = rooms_of(sparse.csr_array(np.ones((2, 2))), np.ones(2), np.ones(2))
    none = np.zeros(0, np.int64)
    flow = refill(rooms, most_placed(rooms, none), np.ones(2), 2.0, 2, np.zeros(2, np.bool_))
    close(rooms, flow, np.array([0]))
