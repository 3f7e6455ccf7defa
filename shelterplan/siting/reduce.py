"""Smaller location models with the same best plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from shelterplan.kernels.common import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.problem import Sparse

    Ints = NDArray[np.int32]


class Merged(NamedTuple):
    """Demand points that the same sites cover, put together."""

    cover: Sparse
    """Shape (groups, sites); no empty rows."""
    weights: NDArray[np.float64]
    """Sum of each group's weights, shape (groups,)."""
    group: NDArray[np.int64]
    """Group of each demand point, -1 where no site covers it, shape (demand,)."""


def merge_rows(
    cover: Sparse, weights: NDArray[np.float64], label: NDArray[np.int64] | None = None
) -> Merged:
    """Put demand points together that the same sites cover (and that have the same label).

    Sites are told apart by two random 62-bit numbers each, sets of sites by their sums.

    Examples
    --------
    >>> cover = sparse.csr_array([[1.0, 0, 1], [0, 0, 0], [1, 0, 1], [0, 1, 0]])
    >>> found = merge_rows(cover, np.array([10.0, 5, 7, 1]))
    >>> found.weights.tolist(), found.group.tolist()
    ([1.0, 17.0], [1, -1, 1, 0])
    """
    rows, sites = cover.shape
    length = np.diff(cover.indptr)
    names = np.random.default_rng(1).integers(1, 2**62, size=(sites, 2), dtype=np.int64)
    sums = np.zeros((rows, 2), np.int64)
    full = length > 0
    if cover.nnz:
        sums[full] = np.add.reduceat(names[cover.indices], cover.indptr[:-1][full], axis=0)
    key = np.column_stack([sums, length, np.zeros(rows, np.int64) if label is None else label])
    key[~full] = 0
    _, first, group = np.unique(key, axis=0, return_index=True, return_inverse=True)
    group = group.ravel()
    kept = full[first]
    number = np.where(kept, np.cumsum(kept) - 1, -1)
    return Merged(
        cover=sparse.csr_array(cover[first[kept]]),
        weights=np.bincount(group, weights=weights, minlength=len(first))[kept].astype(float),
        group=number[group],
    )


def undominated(cover: Sparse, costs: NDArray[np.float64] | None = None) -> NDArray[np.bool_]:
    """Return which sites to keep: another one covers all that the others cover, for no more.

    Of equal sites the first is kept; sites that cover nobody are not. Shape (sites,).

    Examples
    --------
    >>> undominated(sparse.csr_array([[1.0, 1, 0], [0, 1, 0]])).tolist()
    [False, True, False]
    """
    columns = sparse.csc_array(cover)
    columns.sort_indices()
    price = np.zeros(cover.shape[1]) if costs is None else costs
    kept: NDArray[np.bool_] = _undominated(
        columns.indptr, columns.indices, cover.indptr, cover.indices, price
    )
    return kept


def needed_rows(cover: Sparse) -> NDArray[np.bool_]:
    """Return which rows to keep where each must be covered: the others then are, too.

    Examples
    --------
    >>> needed_rows(sparse.csr_array([[1.0, 1, 0], [0, 1, 0], [0, 1, 0]])).tolist()
    [False, True, False]
    """
    rows = sparse.csr_array(cover)
    rows.sort_indices()
    columns = sparse.csc_array(rows)
    kept: NDArray[np.bool_] = _needed(rows.indptr, rows.indices, columns.indptr, columns.indices)
    return kept


@compiled
def _undominated(
    column: Ints, row_of: Ints, row: Ints, column_of: Ints, price: NDArray[np.float64]
) -> NDArray[np.bool_]:
    sites = len(column) - 1
    keep = np.ones(sites, np.bool_)
    for j in range(sites):
        size = column[j + 1] - column[j]
        if size == 0:
            keep[j] = False
            continue
        rarest = row_of[column[j]]
        for t in range(column[j], column[j + 1]):
            r = row_of[t]
            if row[r + 1] - row[r] < row[rarest + 1] - row[rarest]:
                rarest = r
        for t in range(row[rarest], row[rarest + 1]):
            k = column_of[t]
            other = column[k + 1] - column[k]
            if k == j or not keep[k] or other < size or price[k] > price[j]:
                continue
            if other == size and price[k] == price[j] and k > j:
                continue
            if _inside(row_of, column[j], column[j + 1], column[k], column[k + 1]):
                keep[j] = False
                break
    return keep


@compiled
def _needed(row: Ints, column_of: Ints, column: Ints, row_of: Ints) -> NDArray[np.bool_]:
    rows = len(row) - 1
    keep = np.ones(rows, np.bool_)
    for k in range(rows):
        if not keep[k] or row[k] == row[k + 1]:
            continue
        rarest = column_of[row[k]]
        for t in range(row[k], row[k + 1]):
            c = column_of[t]
            if column[c + 1] - column[c] < column[rarest + 1] - column[rarest]:
                rarest = c
        for t in range(column[rarest], column[rarest + 1]):
            i = row_of[t]
            size, other = row[k + 1] - row[k], row[i + 1] - row[i]
            if i == k or not keep[i] or other < size or (other == size and i < k):
                continue
            if _inside(column_of, row[k], row[k + 1], row[i], row[i + 1]):
                keep[i] = False
    return keep


@compiled
def _inside(items: Ints, a: int, a_end: int, b: int, b_end: int) -> bool:
    """Return whether one sorted list holds all of another."""
    while a < a_end:
        while b < b_end and items[b] < items[a]:
            b += 1
        if b >= b_end or items[b] != items[a]:
            return False
        a += 1
    return True
