"""What location models are given: checked, in the form that solvers want."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from shelterplan.siting.result import SitingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Sparse = sparse.csr_array[np.float64, tuple[int, int]]

Matrix = Any
"""A dense array, or any scipy sparse matrix or array."""


def as_cover(cover: Matrix) -> Sparse:
    """Return which demand points each site covers, shape (demand, sites), entries of 1.0.

    Of a sparse matrix of floating-point numbers, such as `access.catchments` returns, every stored
    entry covers, a walk of 0 too. Of any other matrix, what is not 0 (or False) covers; a dense one
    must hold nothing but 0 and 1.

    Raises
    ------
    SitingError
        If a dense matrix holds distances: which of them would be near enough?

    Examples
    --------
    >>> as_cover([[True, False], [True, True]]).indices.tolist()
    [0, 0, 1]
    """
    if sparse.issparse(cover):
        given: Any = cover
        found: Any = sparse.csr_array(given, copy=True)
        if not np.issubdtype(found.dtype, np.floating):
            found.eliminate_zeros()
    else:
        dense = np.asarray(cover)
        _refuse_shape(dense)
        if dense.dtype != bool and not np.isin(dense, (0, 1)).all():
            message = (
                "a cover matrix holds 0 and 1 (or False and True); of distances, say which are "
                "near enough: cover = distance_m <= 500"
            )
            raise SitingError(message)
        found = sparse.csr_array(dense.astype(float))
    found.sum_duplicates()
    found.sort_indices()
    return sparse.csr_array((np.ones(found.nnz), found.indices, found.indptr), shape=found.shape)


def as_costs_matrix(cost: Matrix) -> Sparse | NDArray[np.float64]:
    """Return what each demand point pays at each site, shape (demand, sites).

    A sparse matrix stays sparse: what is not stored cannot be reached; a stored 0 costs nothing.
    A dense one is made floating-point; `inf` cannot be reached.

    Raises
    ------
    SitingError
        If a cost is negative or not a number.
    """
    if sparse.issparse(cost):
        given: Any = cost
        found: Any = sparse.csr_array(given, dtype=float, copy=True)
        found.sum_duplicates()
        found.sort_indices()
        values: NDArray[np.float64] = found.data
    else:
        found = values = np.asarray(cost, float)
        _refuse_shape(values)
    if np.isnan(values).any() or (values < 0).any():
        message = "costs (distances, times) must be 0 or more; what cannot be reached is inf"
        raise SitingError(message)
    checked: Sparse | NDArray[np.float64] = found
    return checked


def _refuse_shape(dense: NDArray[Any]) -> None:
    if dense.ndim != 2:
        message = f"a matrix of (demand, sites) is needed, not an array of shape {dense.shape}"
        raise SitingError(message)


@dataclass(frozen=True, eq=False)
class Choice:
    """Which sites may be chosen, and how many."""

    fixed: NDArray[np.int64]
    """Sites that are there already, ascending."""
    free: NDArray[np.int64]
    """Sites that can be chosen, ascending."""
    count: int | None
    """Most sites that may be added; None: any number."""
    costs: NDArray[np.float64] | None
    """What each site costs, shape (sites,); None: no budget."""
    budget: float
    """What the added sites may cost together; `inf`: any sum."""

    @classmethod
    def of(
        cls,
        sites: int,
        count: float | None = None,
        *,
        budget: float | None = None,
        fixed: Sequence[int] = (),
        costs: ArrayLike | None = None,
    ) -> Choice:
        """Check what may be chosen of a number of sites.

        Raises
        ------
        SitingError
            If neither a count nor a budget is given, or something does not fit the matrix.
        """
        there = np.unique(np.asarray(list(fixed), np.int64))
        if there.size and (there[0] < 0 or there[-1] >= sites):
            message = f"fixed names site {there[0] if there[0] < 0 else there[-1]}; there are "
            raise SitingError(message + f"{sites}, numbered from 0")
        if costs is not None and budget is None and count is not None:
            budget, count = float(count), None
        if count is None and budget is None:
            message = "say how many sites may be added (count), or what they may cost (budget)"
            raise SitingError(message)
        if budget is not None and costs is None:
            message = "a budget needs costs: what each site costs"
            raise SitingError(message)
        if count is not None and (count != int(count) or count < 0):
            message = f"count must be a whole number of sites, not {count!r}"
            raise SitingError(message)
        if budget is not None and not budget >= 0:
            message = f"budget must be 0 or more, not {budget!r}"
            raise SitingError(message)
        free = np.setdiff1d(np.arange(sites), there)
        return cls(
            fixed=there,
            free=free,
            count=None if count is None else min(int(count), len(free)),
            costs=None if budget is None else as_weights(costs, sites, "costs"),
            budget=np.inf if budget is None else float(budget),
        )


def as_weights(weights: ArrayLike | None, rows: int, name: str = "weights") -> NDArray[np.float64]:
    """Return one number a row: people, costs, capacities; 1 each if none are given.

    Raises
    ------
    SitingError
        If there are more or fewer than rows, or one is negative or not a finite number.
    """
    if weights is None:
        return np.ones(rows)
    found = np.asarray(weights, float)
    if found.shape != (rows,):
        message = f"{name}: {rows} numbers are needed, not an array of shape {found.shape}"
        raise SitingError(message)
    bad = np.flatnonzero(~(np.isfinite(found) & (found >= 0)))
    if bad.size:
        message = f"{name}: row {bad[0]} is {found[bad[0]]}; 0 or more is needed"
        raise SitingError(message)
    return found


def as_capacity(capacity: ArrayLike, sites: int, people: float) -> NDArray[np.float64]:
    """Return for how many people each site has room, at most for all of them.

    `inf` or NaN is room for any number.

    Raises
    ------
    SitingError
        If there are more or fewer than sites, or one is negative.

    Examples
    --------
    >>> as_capacity([5, np.nan, np.inf, 99], 4, 20.0).tolist()
    [5.0, 20.0, 20.0, 20.0]
    """
    found = np.asarray(capacity, float)
    endless = np.isnan(found) | np.isposinf(found)
    room = as_weights(np.where(endless, 0.0, found), sites, "capacity")
    return np.where(endless, people, np.minimum(room, people))


def is_whole(numbers: NDArray[np.float64]) -> bool:
    """Return whether all numbers are whole, so that a bound less than 1 away proves a plan."""
    return bool((numbers == np.rint(numbers)).all())
