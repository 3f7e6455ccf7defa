"""The p-center: few sites, and the shortest longest walk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from shelterplan.progress import Progress, silent
from shelterplan.siting.center_room import roomy_within
from shelterplan.siting.covering import Cover, Purse, covered_within
from shelterplan.siting.problem import Choice, as_capacity, as_costs_matrix, as_weights, is_whole
from shelterplan.siting.result import NoPlanError, SitingResult
from shelterplan.siting.room_for_all import have_room, rooms_of
from shelterplan.siting.room_for_all import warm_up as warm_up_flow
from shelterplan.siting.watch import Watch, never

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from shelterplan.siting.median_lists import Floats, Ints
    from shelterplan.siting.problem import Matrix, Sparse


def p_center(
    cost: Matrix,
    weights: ArrayLike | None = None,
    count: float | None = None,
    *,
    budget: float | None = None,
    fixed: Sequence[int] = (),
    costs: ArrayLike | None = None,
    capacity: ArrayLike | None = None,
    time_limit_s: float = 10.0,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> SitingResult:
    """Choose the sites that make the longest walk of anybody as short as possible.

    Formulation (Hakimi 1964), with c_ij the costs, x_ij = 1 if demand point i walks to site j,
    y_j = 1 if site j is open:

        least of      r
        such that     sum over j of c_ij x_ij <= r   for each i with people
                      sum over j of x_ij = 1         for each i with people
                      x_ij <= y_j                    for each i, j
                      sum over j not fixed of y_j <= count   (and costs_j y_j <= budget)
                      y_j = 1 for fixed j;  x_ij and y_j are 0 or 1

    r is one of the costs. Whether the sites suffice for a given r is a question of set covering
    (Minieka 1970), asked in a binary search, first of its linear relaxation.

    With capacity, demand points can be split between sites, and all parts must walk at most r.

    Parameters
    ----------
    cost : matrix, shape (demand, sites)
        Distance or time from each demand point to each site. Dense (`inf`: not reached) or scipy
        sparse (what is not stored is not reached; a stored 0 costs nothing).
    weights : array, shape (demand,), optional
        People at each demand point; 1 each by default. They only say who counts: a point of weight
        0 does not, all others count the same. With capacity, they are the people who need room.
    count : int, optional
        Most sites that may be added to the fixed ones; with `costs` and no `budget`, the budget.
    budget : float, optional
        Most that the added sites may cost together; with `count`, both limits hold.
    fixed : sequence of int
        Columns of sites that are there already.
    costs : array, shape (sites,), optional
        What each site costs.
    capacity : array, shape (sites,), optional
        How much weight each site has room for.
    time_limit_s : float
        How long it may take [s].
    progress : Progress
        Told the shortest and longest radius still in question.
    stop : callable
        Asked now and then; once it says yes, the best plan so far is returned.

    Returns
    -------
    SitingResult
        `objective`: the longest walk of anybody with weight above 0.

    Raises
    ------
    NoPlanError
        If there are people whom no site reaches, no sites within the count or budget reach all of
        them or have room, or no such sites were found in time.
    SitingError
        If the input cannot be used as given.

    References
    ----------
    Hakimi, S. L. 1964. Optimum locations of switching centers and the absolute centers and medians
    of a graph. Operations Research 12. Minieka, E. 1970. The m-center problem. SIAM Review 12.

    Examples
    --------
    Four places on a road at 0, 1, 2 and 6 km:

    >>> places = np.array([0.0, 1, 2, 6])
    >>> cost = abs(places[:, None] - places)
    >>> [p_center(cost, count=sites).objective for sites in (1, 2, 3)]
    [4.0, 1.0, 1.0]
    """
    warm_up()
    watch = Watch(time_limit_s, progress, stop)
    matrix = as_costs_matrix(cost)
    people = as_weights(weights, matrix.shape[0])
    choice = Choice.of(matrix.shape[1], count, budget=budget, fixed=fixed, costs=costs)
    everybody = float(people.sum())
    room = None if capacity is None else as_capacity(capacity, matrix.shape[1], everybody)
    if room is not None:
        warm_up_flow()
        watch = Watch(time_limit_s, progress, stop)
    search = _Search.of(matrix, people, choice, room)
    if not len(search.people):
        fixed_only = choice.fixed.tolist()
        return SitingResult.of(fixed_only, 0.0, 0.0, seconds=watch.seconds, sense="least")
    if not len(search.radii):
        raise NoPlanError(_no_plan(search))
    low, sites = _shortest(search, watch)
    if sites is None:
        if low > search.radii[-1]:
            raise NoPlanError(_no_plan(search))
        message = "no sites that reach all people were found in time: raise the time limit"
        raise NoPlanError(message)
    return SitingResult.of(
        np.union1d(sites, choice.fixed).tolist(),
        search.longest(sites),
        low,
        seconds=watch.seconds,
        sense="least",
        whole=is_whole(search.radii),
    )


@cache
def warm_up() -> None:
    """Compile what the search runs on, once a process: it is no part of anybody's time limit."""
    near = sparse.csr_array(np.eye(3) + np.roll(np.eye(3), 1, axis=1))
    covered_within(near, Purse.of(Choice.of(3, 1)), Watch(60.0))


@dataclass(frozen=True, eq=False)
class _Search:
    """Who must be within a radius of a site, and which sites may be opened."""

    row: Ints
    site: Ints
    cost: Floats
    """What each row with people pays at each site it reaches."""
    people: Floats
    """Shape (rows,)."""
    purse: Purse
    fixed: Ints
    room: Floats | None
    radii: Floats
    """Costs that the longest walk can be, ascending; none if the limits leave people unreached."""

    @classmethod
    def of(
        cls, matrix: Sparse | Floats, people: Floats, choice: Choice, room: Floats | None
    ) -> _Search:
        living = np.flatnonzero(people > 0)
        part = matrix[living]
        if isinstance(part, np.ndarray):
            row, site = np.nonzero(np.isfinite(part))
            cost = part[row, site]
        else:
            row = np.repeat(np.arange(len(living)), np.diff(part.indptr))
            site = part.indices.astype(np.int64)
            near = np.isfinite(part.data)
            row, site, cost = row[near], site[near], part.data[near]
        best = np.full(len(living), np.inf)
        np.minimum.at(best, row, cost)
        lost = living[~np.isfinite(best)]
        if lost.size:
            named = ", ".join(str(at) for at in lost[:5].tolist())
            more = f" and {lost.size - 5} more" if lost.size > 5 else ""
            message = f"no site reaches the people of row {named}{more}: leave them out"
            raise NoPlanError(message)
        purse = Purse.of(choice)
        near = purse.able[site]
        row, site, cost = row[near], site[near], cost[near]
        best = np.full(len(living), np.inf)
        np.minimum.at(best, row, cost)
        radii = np.unique(cost[cost >= best.max(initial=0.0)])
        return cls(row, site, cost, people[living], purse, choice.fixed, room, radii)

    def within(self, radius: float, watch: Watch) -> Cover:
        """Look for sites within a radius of everybody."""
        cover = self._near(radius)
        if self.room is not None:
            return roomy_within(cover, self.people, self.room, self.purse, self.fixed, watch)
        given = self.purse.given
        rest = sparse.csr_array(cover[cover @ given.astype(float) == 0])
        found = covered_within(rest, self.purse, watch)
        if found.sites is None:
            return found
        idle = np.flatnonzero(given) if rest.shape[0] < cover.shape[0] else self.fixed
        return found._replace(sites=np.union1d(found.sites, idle))

    def _near(self, radius: float) -> Sparse:
        """Return who is within a radius of which site."""
        near = self.cost <= radius
        row, site = self.row[near], self.site[near]
        shape = (len(self.people), len(self.purse.price))
        return sparse.csr_array((np.ones(len(row)), (row, site)), shape=shape)

    def longest(self, sites: Ints) -> float:
        """Return the longest walk to the nearest of some sites; with room, to the one assigned."""
        if self.room is not None:
            return self._longest_with_room(sites, self.room)
        is_open = np.zeros(len(self.purse.price), bool)
        is_open[sites] = True
        near = np.full(len(self.people), np.inf)
        at = is_open[self.site]
        np.minimum.at(near, self.row[at], self.cost[at])
        return float(near.max())

    def _longest_with_room(self, sites: Ints, room: Floats) -> float:
        """Return the shortest radius at which given sites have room for all."""
        low, high, every = 0, len(self.radii) - 1, np.arange(len(sites))
        while low < high:
            middle = (low + high) // 2
            near = sparse.csr_array(self._near(float(self.radii[middle]))[:, sites])
            enough = have_room(rooms_of(near, self.people, room[sites]), every)
            low, high = (low, middle) if enough else (middle + 1, high)
        return float(self.radii[low])


def _shortest(search: _Search, watch: Watch) -> tuple[float, Ints | None]:
    """Search for the shortest radius; return what it is at least, and the best sites found.

    The lower end is the first radius that is not ruled out; where a question stays open for lack of
    time, that end stays where it is and the search goes on above. The first question, whether any
    sites suffice, is asked even if no time is left: a greedy choice may answer it.
    """
    radii = search.radii
    low, high = 0, len(radii)
    best: Ints | None = None
    asked_from, asked = 0, False
    while asked_from < high and not (watch.over and asked):
        watch.tell(f"longest walk from {radii[low]:.6g} to {radii[min(high, len(radii) - 1)]:.6g}")
        first, asked = not asked, True
        middle = len(radii) - 1 if first else (asked_from + high) // 2
        found = search.within(float(radii[middle]), watch if first else watch.part(0.5))
        if found.sites is not None:
            best = found.sites
            high = int(np.searchsorted(radii, search.longest(best)))
        elif found.none:
            low = asked_from = middle + 1
            if first:
                return np.inf, None
        else:
            asked_from = middle + 1
    return float(radii[min(low, high, len(radii) - 1)]), best


def _no_plan(search: _Search) -> str:
    if search.room is not None and search.room.sum() < search.people.sum():
        return (
            f"{search.people.sum():g} people, and room for {search.room.sum():g} at all sites "
            "together: add sites"
        )
    with_room = "" if search.room is None else " and have room for them"
    return f"no sites within the count or budget reach all people{with_room}: raise it"
