"""Whether any sites within a budget reach all people and have room for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from shelterplan.siting.covering import Cover
from shelterplan.siting.highs import Model, solve
from shelterplan.siting.problem import is_whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.problem import Sparse
    from shelterplan.siting.watch import Watch

    Floats = NDArray[np.float64]


def roomy_within(
    cover: Sparse,
    people: Floats,
    room: Floats,
    price: Floats,
    budget: float,
    fixed: NDArray[np.int64],
    watch: Watch,
) -> Cover:
    """Look for sites within a budget to which all people can be assigned, in parts if need be.

    Examples
    --------
    >>> from shelterplan.siting.watch import Watch
    >>> cover = sparse.csr_array([[1.0, 1], [0, 1]])
    >>> people, price, none = np.array([3.0, 2]), np.ones(2), np.zeros(0, int)
    >>> roomy_within(cover, people, np.array([3.0, 5]), price, 1, none, Watch(10.0)).sites
    array([1])
    >>> roomy_within(cover, people, np.array([3.0, 4]), price, 1, none, Watch(10.0)).least
    2.0
    """
    rows, sites = cover.shape
    links = cover.nnz
    row = np.repeat(np.arange(rows), np.diff(cover.indptr))
    site = cover.indices.astype(np.int64)
    link = sites + np.arange(links)
    columns = sites + links
    shape = (rows + sites + links + 1, columns)
    share = np.minimum(1.0, room[site] / people[row])
    matrix = sparse.csr_array(
        (
            np.concatenate([np.ones(links), people[row], -room, np.ones(links), -share, price]),
            (
                np.concatenate(
                    [
                        row,
                        rows + site,
                        rows + np.arange(sites),
                        rows + sites + np.arange(links),
                        rows + sites + np.arange(links),
                        np.full(sites, shape[0] - 1),
                    ]
                ),
                np.concatenate([link, link, np.arange(sites), link, site, np.arange(sites)]),
            ),
        ),
        shape=shape,
    )
    lower = np.zeros(columns)
    lower[fixed] = 1.0
    solved = solve(
        Model(
            objective=np.zeros(columns),
            rows=matrix,
            row_lower=np.concatenate([np.ones(rows), np.full(shape[0] - rows, -np.inf)]),
            row_upper=np.concatenate([np.ones(rows), np.zeros(sites + links), [budget]]),
            column_lower=lower,
            column_upper=np.ones(columns),
            whole=np.arange(columns) < sites,
            sense="least",
        ),
        watch,
    )
    if solved.values is not None:
        return Cover(np.flatnonzero(solved.values[:sites] > 0.5), 0.0)
    if solved.infeasible:
        more = np.floor(budget) + 1 if is_whole(price) else np.nextafter(budget, np.inf)
        return Cover(None, float(more))
    return Cover(None, 0.0)
