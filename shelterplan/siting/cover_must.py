"""Demand points that every better plan covers, and points that are covered with them.

Near full coverage a better plan can leave little uncovered: not a heavy point, for one. Where the
sites of such a point all cover another one, too, that one need not be looked at any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.cover_bound import Bound
    from shelterplan.siting.cover_search import Floats
    from shelterplan.siting.problem import Sparse

    Flags = NDArray[np.bool_]


class Lifted(NamedTuple):
    """A model in which points that must be covered are dear, and others are left out."""

    heir: NDArray[np.int64]
    """Of each point that is left out, the one whose sites all cover it; of others, themselves."""
    weights: Floats
    """Of all points, shape (demand,)."""
    base: float
    """What is to be added to what a plan covers; negative where points are dear."""


def no_better_without(bound: Bound, weights: Floats, reached: float) -> Flags:
    """Return which points any plan covers that covers more than `reached`, shape (demand,).

    A plan that leaves a point uncovered is worth less than the bound by the weight less the price.
    """
    must: Flags = bound.value - (weights - bound.prices) < reached
    return must


def lifted(cover: Sparse, weights: Floats, must: Flags, room: float) -> Lifted:
    """Leave out points that are covered with others that must be, and make these dear.

    A plan that covers all that must be is worth what it was, `base` added. Any other plan is worth
    less than it was, by `room` at least: it was no better one, and will not be taken for one.

    Examples
    --------
    >>> from scipy import sparse
    >>> cover = sparse.csr_array([[1.0, 1, 0], [1, 1, 1], [0, 0, 1]])
    >>> found = lifted(cover, np.array([9.0, 2, 1]), np.array([True, False, False]), 1.0)
    >>> found.heir.tolist(), found.weights.tolist(), found.base
    ([0, 0, 2], [12.0, 2.0, 1.0], -1.0)
    """
    heir = _heirs(cover, must)
    gone = heir != np.arange(len(heir))
    left_out = float(weights[gone].sum())
    extra = float(np.ceil(room)) + left_out
    dear = must & ~gone
    return Lifted(heir, weights + extra * dear, left_out - extra * float(dear.sum()))


def _heirs(cover: Sparse, must: Flags) -> NDArray[np.int64]:
    """Return, for each point, a point that must be covered and has no other sites, or itself."""
    size = np.diff(cover.indptr)
    heir = np.arange(len(size))
    there = np.flatnonzero(must)
    shared = (cover[there] @ cover.T).tocoo()
    inner, outer = there[shared.row], shared.col
    inside = (shared.data == size[inner]) & (inner != outer)
    inside &= (size[inner] < size[outer]) | ~must[outer] | (inner < outer)
    inner, outer = inner[inside], outer[inside]
    last = ~np.isin(inner, outer)
    heir[outer[last]] = inner[last]
    return heir
