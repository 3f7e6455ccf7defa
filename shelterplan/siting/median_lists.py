"""What a p-median is searched on: for each demand point, its sites from the nearest on."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from shelterplan.kernels.common import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.problem import Sparse

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Sites = NDArray[np.int32]


class Lists(NamedTuple):
    """Demand points and what they pay at sites, where that is less than what they pay anyway.

    All costs are weighted: what a point pays times its people.
    """

    ptr: Ints
    """Sites of point `i` stand at `ptr[i]` to `ptr[i + 1]`, nearest first."""
    site: Sites
    cost: Floats
    base: Floats
    """What each point pays if no site of its list is opened."""
    site_ptr: Ints
    """Points of site `j` stand at `site_ptr[j]` to `site_ptr[j + 1]`."""
    row: Sites
    row_cost: Floats

    @property
    def sites(self) -> int:
        """Number of sites."""
        return len(self.site_ptr) - 1


def lists_of(paid: Sparse | Floats, base: Floats, scale: float = 1.0) -> Lists:
    """Sort what each demand point pays.

    Parameters
    ----------
    paid : dense or sparse matrix, shape (demand, sites)
        Weighted costs; `inf`, or what is not stored: not reached.
    base : array, shape (demand,)
        What each point pays anyway, in the lists' unit; sites where it pays as much or more are
        left out.
    scale : float
        The lists' unit: `paid` is divided by it.

    Examples
    --------
    >>> found = lists_of(np.array([[3.0, 1, 9]]), np.array([5.0]))
    >>> found.site.tolist(), found.cost.tolist()
    ([1, 0], [1.0, 3.0])
    """
    rows, sites = paid.shape
    if isinstance(paid, np.ndarray):
        order = np.argsort(paid, axis=1, kind="stable")
        cost = np.take_along_axis(paid, order, axis=1) / scale
        near = cost < base[:, None]
        return _both_ways(near.sum(axis=1), order[near].astype(np.int32), cost[near], base, sites)
    row = np.repeat(np.arange(rows), np.diff(paid.indptr))
    value = paid.data / scale
    near = value < base[row]
    row, site, cost = row[near], paid.indices[near].astype(np.int32), value[near]
    by_cost = np.lexsort((site, cost, row))
    length = np.bincount(row, minlength=rows)
    return _both_ways(length, site[by_cost], cost[by_cost], base, sites)


def _both_ways(length: Ints, site: Sites, cost: Floats, base: Floats, sites: int) -> Lists:
    ptr = np.concatenate([[0], np.cumsum(length)]).astype(np.int64)
    site_ptr, row, row_cost = _by_site(ptr, site, cost, sites)
    return Lists(ptr, site, cost, base.astype(float), site_ptr, row, row_cost)


@compiled
def _by_site(ptr: Ints, site: Sites, cost: Floats, sites: int) -> tuple[Ints, Sites, Floats]:
    site_ptr = np.zeros(sites + 1, np.int64)
    for t in range(len(site)):
        site_ptr[site[t] + 1] += 1
    for j in range(sites):
        site_ptr[j + 1] += site_ptr[j]
    free = site_ptr[:sites].copy()
    row = np.empty(len(site), np.int32)
    row_cost = np.empty(len(site))
    for i in range(len(ptr) - 1):
        for t in range(ptr[i], ptr[i + 1]):
            at = free[site[t]]
            free[site[t]] += 1
            row[at] = i
            row_cost[at] = cost[t]
    return site_ptr, row, row_cost


def narrowed(lists: Lists, kept: NDArray[np.bool_], base: Floats, cap: Floats) -> Lists:
    """Leave sites out, open others (by a lower base), and cut each list where it costs too much.

    Parameters
    ----------
    lists : Lists
        What to narrow.
    kept : array of bool, shape (sites,)
        Sites that stay; they are numbered anew.
    base : array, shape (demand,)
        What each point pays if none of the sites that stay is opened.
    cap : array, shape (demand,)
        What no point pays in a plan of any interest, exclusive.
    """
    row = np.repeat(np.arange(len(base)), np.diff(lists.ptr))
    near = kept[lists.site] & (lists.cost < np.minimum(base, cap)[row])
    number = (np.cumsum(kept) - 1).astype(np.int32)
    length = np.bincount(row[near], minlength=len(base))
    site = number[lists.site[near]]
    return _both_ways(length, site, lists.cost[near], base, int(kept.sum()))


def first_of_equals(lists: Lists, price: Floats) -> NDArray[np.bool_]:
    """Return which sites to keep: useful ones, and of those where all pay the same, the cheapest.

    Examples
    --------
    >>> paid = np.array([[3.0, 3, 9], [4, 4, 9]])
    >>> first_of_equals(lists_of(paid, np.array([5.0, 5])), np.ones(3)).tolist()
    [True, False, False]
    """
    kept = np.zeros(lists.sites, bool)
    seen: set[bytes] = set()
    for j in np.argsort(price, kind="stable").tolist():
        span = slice(lists.site_ptr[j], lists.site_ptr[j + 1])
        if span.stop > span.start:
            name = blake2b(lists.row[span].tobytes())
            name.update(lists.row_cost[span].tobytes())
            kept[j] = name.digest() not in seen
            seen.add(name.digest())
    return kept


def as_sparse(lists: Lists) -> Sparse:
    """Return the lists as a matrix of stored costs, shape (demand, sites)."""
    shape = (len(lists.base), lists.sites)
    found = sparse.csr_array((lists.cost, lists.site, lists.ptr), shape=shape, copy=True)
    found.sort_indices()
    return found
