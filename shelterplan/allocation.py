"""Who finds room: everybody given the best place there is, or everybody walking to the nearest.

People are carried in whole units of `PERSON_UNIT` and walks in whole thousandths (of a metre or of
a second), so that nothing is lost and totals are exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from operator import mul
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pandas as pd

from shelterplan import kernels
from shelterplan.errors import TableError
from shelterplan.tables import MOST_PEOPLE, PERSON_UNIT

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from scipy.sparse import csr_array

__all__ = ["EFFORT", "Allocation", "assign", "rooms"]

EFFORT = 2_000_000_000
"""How many switches between shelters the exact search may look at, by default: half a minute or so.

With 10 shelters within reach of a point and room for 60, 90 or 110 % of the people, that was enough
for 20,000 points and 50 shelters (1 s) and for 100,000 and 500 (10 to 30 s); for 200,000 and 1,000
with room for 110 % (22 s), but not for 90 % (64 s in all, gap 0.04 %).
"""
COARSE_BITS = 7
"""Beyond that, walks are compared in steps of which the longest walk has less than 2**this."""
_LONGEST = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Allocation:
    """Who goes where. A flow is a number of people of one point in one shelter."""

    point: NDArray[np.int64]
    """Row of the demand point, shape (flows,); flows are sorted by point, then shelter."""
    shelter: NDArray[np.int64]
    """Column of the shelter, shape (flows,)."""
    people: NDArray[np.float64]
    """People, above 0, in whole multiples of `PERSON_UNIT`, shape (flows,)."""
    unserved: NDArray[np.float64]
    """People without a place though a shelter is within reach, shape (points,)."""
    unreached: NDArray[np.float64]
    """People without any shelter within reach, shape (points,)."""
    turned_away: NDArray[np.int64]
    """How many nearer shelters had no room for them, shape (flows,); mode "nearest" only, else 0.
    Equally near ones count as nearer if they come first."""
    walking: int
    """Sum over all people and walks, in `PERSON_UNIT` times thousandths."""
    bound: int | None
    """No allocation that serves as many has less walking, in the same unit; None in mode
    "nearest"."""
    exact: bool
    """Whether walking is known to be the least. False where the search would have taken too long
    (see `gap`), and in mode "nearest" where nothing is least."""

    @property
    def gap(self) -> float:
        """Share by which walking might be less, at most; 0 if exact, NaN in mode "nearest"."""
        if self.bound is None:
            return math.nan
        return (self.walking - self.bound) / self.walking if self.walking else 0.0

    @property
    def walking_person(self) -> float:
        """Sum of all walks, in persons times the unit of `reach` (metres or seconds)."""
        return self.walking * PERSON_UNIT / 1000


class _Problem(NamedTuple):
    """Checked input in whole numbers."""

    ptr: NDArray[np.int64]
    column: NDArray[np.int32]
    cost: NDArray[np.int64]
    supply: NDArray[np.int64]
    capacity: NDArray[np.int64]
    unknown: NDArray[np.bool_]

    @property
    def row(self) -> NDArray[np.int64]:
        """Point of each entry."""
        return np.repeat(np.arange(len(self.supply)), np.diff(self.ptr))


def assign(
    reach: csr_array,
    people: ArrayLike,
    capacity: ArrayLike,
    *,
    unknown: ArrayLike | None = None,
    mode: Literal["assigned", "nearest"] = "assigned",
    effort: int = EFFORT,
) -> Allocation:
    """Find a place for everybody whom shelters within reach have room for.

    With mode "assigned", people are told where to go, so that (1) as many as possible have a place,
    shelters of unknown room counting with all they might hold; (2) among those allocations, as many
    as possible are in shelters of known room; (3) among those, the sum of walks is least. This is
    one min-cost flow, in which a place of unknown room costs more than any walks can save, and no
    place twice that.

    The number in (2) is the most that shelters of known room can take if there are no others, so
    (1) costs the confirmed places nothing: start from a flow that fills those the most. Augmenting
    paths to shelters of unknown room make it one that serves the most, and none of them takes
    people off the total in a shelter, as a path ends where it first meets room. In turn, the part
    of any flow that goes to shelters of known room is a flow of the problem without the others.

    With mode "nearest", nobody is told: everybody walks to the nearest shelter. When it fills,
    those who walk farthest are turned away and take the next nearest. This is the stable matching
    with distance as the preference on both sides (Gale and Shapley 1962); pairs taken in the order
    of distance, then shelter, then point, find it.

    Parameters
    ----------
    reach : csr_array, shape (points, shelters)
        Walks in metres or seconds; not stored is out of reach. They are taken in whole thousandths.
    people : array_like of float, shape (points,)
        People, in whole multiples of `PERSON_UNIT`.
    capacity : array_like of float, shape (shelters,)
        Room; `inf` without limit, NaN unknown, which is taken to be without limit. Parts of a
        `PERSON_UNIT` are no room.
    unknown : array_like of bool, shape (shelters,), optional
        Shelters whose room is not confirmed, though `capacity` may tell what they hold at most; by
        default those where `capacity` is NaN.
    mode : {"assigned", "nearest"}
        See above.
    effort : int
        How far the exact search goes, in switches between shelters looked at. It is a count, not a
        time, so that the answer is the same everywhere. Beyond it, walks are compared in coarser
        steps: (1) and (2) hold, but walking may not be the least; `exact` is False and `gap` tells
        how much less is possible at most, proven by the dual solution.

    Returns
    -------
    Allocation
        The same for the same input. Flows into shelters of unknown room are possible places, the
        others are confirmed ones.

    Raises
    ------
    TableError
        If lengths do not fit, or a number is negative or not finite where it must be.

    Examples
    --------
    Ten people live 1 m from shelter 0 (room for 12) and 5 m from shelter 1 (room for 4), six live
    2 m from shelter 0. Least walking of all 16 sends 4 of the ten to shelter 1.

    >>> from scipy.sparse import csr_array
    >>> reach = csr_array([[1.0, 5.0], [2.0, 0.0]])
    >>> reach.eliminate_zeros()
    >>> told = assign(reach, [10, 6], [12, 4])
    >>> told.point.tolist(), told.shelter.tolist(), told.people.tolist()
    ([0, 0, 1], [0, 1, 0], [6.0, 4.0, 6.0])
    >>> told.unserved.tolist(), told.walking_person
    ([0.0, 0.0], 38.0)

    Untold, the ten come first, and four of the six are left without.

    >>> untold = assign(reach, [10, 6], [12, 4], mode="nearest")
    >>> untold.shelter.tolist(), untold.people.tolist(), untold.unserved.tolist()
    ([0, 0], [10.0, 2.0], [0.0, 4.0])
    """
    if mode not in {"assigned", "nearest"}:
        raise TableError("mode", [f'{mode!r} is not known: use "assigned" or "nearest".'])
    problem = _checked(reach, people, capacity, unknown)
    if mode == "nearest":
        return _nearest(problem)
    return _assigned(problem, effort)


def _checked(
    reach: csr_array, people: ArrayLike, capacity: ArrayLike, unknown: ArrayLike | None
) -> _Problem:
    """Return the input in whole units, or raise with all that is wrong."""
    points, shelters = reach.shape
    persons, room = np.asarray(people, float), np.asarray(capacity, float)
    hidden = np.isnan(room) if unknown is None else np.asarray(unknown, bool)
    for name, values, length in (
        ("people", persons, points),
        ("capacity", room, shelters),
        ("unknown", hidden, shelters),
    ):
        if values.shape != (length,):
            raise TableError(name, [f"there must be {length} numbers, got shape {values.shape}."])
    walks = reach.sorted_indices()
    cost = np.rint(walks.data.astype(float) * 1000)
    repeated = np.zeros(walks.nnz, bool)
    repeated[1:] = np.diff(walks.indices) <= 0
    starts = walks.indptr[:-1][np.diff(walks.indptr) > 0]
    repeated[starts] = False
    units = persons / PERSON_UNIT
    row = np.repeat(np.arange(points), np.diff(walks.indptr))
    _refuse("reach", row, ~((cost >= 0) & (cost <= _LONGEST)), "a walk must be 0 to 2,147,483")
    _refuse("reach", row, repeated, "a shelter stands twice; keep the shorter walk")
    whole = np.isfinite(units) & (units >= 0) & (units == np.floor(units))
    _refuse("people", None, ~whole, "people must be whole multiples of 2**-20; see tables.people")
    _refuse("capacity", None, room < 0, "room must be 0 or more")
    _refuse("capacity", None, np.isnan(room) & ~hidden, "room is NaN but not said to be unknown")
    if persons.sum() > MOST_PEOPLE:
        raise TableError("people", [f"there are more than {MOST_PEOPLE:.0f} people in all."])
    endless = ~(room < MOST_PEOPLE)
    places = np.where(endless, 0.0, np.floor(room / PERSON_UNIT)).astype(np.int64)
    return _Problem(
        walks.indptr.astype(np.int64),
        walks.indices.astype(np.int32),
        cost.astype(np.int64),
        units.astype(np.int64),
        np.where(endless, kernels.ENDLESS, places),
        hidden,
    )


def _refuse(
    table: str, row: NDArray[np.int64] | None, bad: NDArray[np.bool_], problem: str
) -> None:
    """Raise if anything is bad, with the first rows."""
    if bad.any():
        rows = np.flatnonzero(bad) if row is None else np.unique(row[bad])
        told = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
        raise TableError(table, [f"row {told}: {problem}."])


def _assigned(problem: _Problem, effort: int) -> Allocation:
    """Solve the min-cost flow, exactly if it can be done with the effort."""
    live, entry, big = _with_nowhere(problem)
    levels = np.append(problem.unknown, 2).astype(np.int64)
    if len(live.supply) == 0:
        return _told(problem, np.zeros(len(problem.cost), np.int64), exact=True)
    flow = (live.ptr, live.column, live.cost, live.supply, live.capacity)
    shift = 0
    amount, price, exact = kernels.cheapest_flow(*flow, levels * big, 0, effort)
    if not exact:
        shift = max(int(live.cost.max()).bit_length() - COARSE_BITS, 0)
        amount, price, _ = kernels.cheapest_flow(*flow, levels * big, shift, 2**62)
    people = np.zeros(len(problem.cost), np.int64)
    people[entry[entry >= 0]] = amount[entry >= 0]
    told = _told(problem, people, exact=exact)
    if exact:
        return told
    tiers = _dot(amount, levels[live.column] * big)
    bound = _dual(live, _finer(price, big, shift), levels * big) - tiers
    return replace(told, bound=max(bound, 0))


def _with_nowhere(problem: _Problem) -> tuple[_Problem, NDArray[np.int64], int]:
    """Leave out who cannot matter; let everybody else go nowhere, too, as the last column.

    Returns the problem, the entry that each of its entries was (-1: nowhere), and what a place of
    unknown room costs: more than twice what any chain of switches can save.
    """
    shelters = len(problem.capacity)
    use = (problem.supply[problem.row] > 0) & (problem.capacity[problem.column] > 0)
    count = np.bincount(problem.row[use], minlength=len(problem.supply))
    points = np.flatnonzero(count)
    count = count[points]
    ptr = np.concatenate([[0], np.cumsum(count + 1)])
    at = np.arange(int(count.sum())) + np.repeat(np.arange(len(points)), count)
    column = np.full(int(ptr[-1]), shelters, np.int32)
    cost = np.zeros(len(column), np.int64)
    entry = np.full(len(column), -1, np.int64)
    column[at], cost[at], entry[at] = problem.column[use], problem.cost[use], np.flatnonzero(use)
    live = _Problem(
        ptr,
        column,
        cost,
        problem.supply[points],
        np.append(problem.capacity, kernels.ENDLESS),
        np.append(problem.unknown, np.False_),
    )
    return live, entry, 2 * (shelters + 2) * (int(cost.max(initial=0)) + 1)


def _finer(price: NDArray[np.int64], big: int, shift: int) -> NDArray[np.int64]:
    """Turn prices in steps of 2**shift into thousandths; whole multiples of `big` stay."""
    level = (price + big // 2) // big
    return level * big + ((price - level * big) << shift)


def _dual(live: _Problem, price: NDArray[np.int64], tier: NDArray[np.int64]) -> int:
    """Return a lower bound on the cost of every flow, whatever the prices (weak duality).

    Every person pays at least the least walk and price there is; prices above a shelter's tier can
    be earned only as often as it has room. Where room is endless, the price is the tier.
    """
    price = np.where(live.capacity == kernels.ENDLESS, tier, np.maximum(price, tier))
    least = np.minimum.reduceat(live.cost + price[live.column], live.ptr[:-1])
    bounded = live.capacity < kernels.ENDLESS
    earned = _dot(live.capacity[bounded], (price - tier)[bounded])
    return _dot(live.supply, least) - earned


def _dot(a: NDArray[np.int64], b: NDArray[np.int64]) -> int:
    """Return the sum of products, in Python's numbers, which do not overflow."""
    return sum(map(mul, a.tolist(), b.tolist()))


def _nearest(problem: _Problem) -> Allocation:
    """Fill shelters in the order of walks."""
    order = np.lexsort((problem.row, problem.column, problem.cost))
    people, before = kernels.first_come(
        order, problem.row.astype(np.int32), problem.column, problem.supply, problem.capacity
    )
    return _told(problem, people, exact=False, before=before)


def _told(
    problem: _Problem,
    people: NDArray[np.int64],
    *,
    exact: bool,
    before: NDArray[np.int64] | None = None,
) -> Allocation:
    """Return an allocation, given the people of each entry."""
    flow = np.flatnonzero(people)
    row = problem.row[flow]
    served = np.zeros(len(problem.supply), np.int64)
    np.add.at(served, row, people[flow])
    left = (problem.supply - served) * PERSON_UNIT
    reached = np.diff(problem.ptr) > 0
    walking = _dot(people[flow], problem.cost[flow])
    return Allocation(
        point=row,
        shelter=problem.column[flow].astype(np.int64),
        people=people[flow].astype(np.float64) * PERSON_UNIT,
        unserved=np.where(reached, left, 0.0),
        unreached=np.where(reached, 0.0, left),
        turned_away=np.zeros(len(flow), np.int64) if before is None else before[flow],
        walking=walking,
        bound=walking if exact else None,
        exact=exact,
    )


def rooms(
    reach: csr_array, people: ArrayLike, capacity: ArrayLike, allocation: Allocation
) -> pd.DataFrame:
    """Say for each shelter who would come, who has a place there and who must go elsewhere.

    Parameters
    ----------
    reach, people, capacity
        As given to `assign`.
    allocation : Allocation
        What `assign` returned.

    Returns
    -------
    DataFrame
        One row a shelter: `room` (NaN unknown), `expected_population` (people whose nearest shelter
        it is; of equally near ones, the first), `assigned_population`, `utilisation` (assigned /
        room; NaN if unknown or 0), `turned_away_population` (people whose nearest it is and who
        have a place elsewhere, or nowhere), `fills_at_share` (room / expected where that is below
        1: it is full when that share of those expected have come; else NaN).

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> reach = csr_array([[1.0, 5.0], [2.0, 4.0]])
    >>> given = assign(reach, [10, 10], [12, 16])
    >>> rooms(reach, [10, 10], [12, 16], given).T
                              0     1
    room                   12.0  16.0
    expected_population    20.0   0.0
    assigned_population    12.0   8.0
    utilisation             1.0   0.5
    turned_away_population  8.0   0.0
    fills_at_share          0.6   NaN
    """
    walks = reach.sorted_indices()
    persons, room = np.asarray(people, float), np.asarray(capacity, float)
    points, shelters = walks.shape
    row = np.repeat(np.arange(points), np.diff(walks.indptr))
    order = np.lexsort((walks.indices, np.rint(walks.data.astype(float) * 1000), row))
    first = order[walks.indptr[:-1][np.diff(walks.indptr) > 0]]
    nearest = np.full(points, -1)
    nearest[row[first]] = walks.indices[first]
    some = nearest >= 0
    expected = np.bincount(nearest[some], persons[some], shelters)
    assigned = np.bincount(allocation.shelter, allocation.people, shelters)
    own = nearest[allocation.point] == allocation.shelter
    stay = np.bincount(allocation.shelter[own], allocation.people[own], shelters)
    limited = np.isfinite(room) & (room > 0)
    fills = np.isfinite(room) & (room < expected)
    return pd.DataFrame(
        {
            "room": room,
            "expected_population": expected,
            "assigned_population": assigned,
            "utilisation": np.divide(assigned, room, out=np.full(shelters, np.nan), where=limited),
            "turned_away_population": expected - stay,
            "fills_at_share": np.divide(room, expected, out=np.full(shelters, np.nan), where=fills),
        }
    )
