"""How many sites each part of a region gets: the best sum, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]


class Shares(NamedTuple):
    """The best way to share sites out."""

    value: float
    """Sum of what the parts are worth with their shares."""
    sites: Whole
    """Sites of each part, shape (parts,)."""


def share_out(curves: Sequence[Floats], count: int) -> Shares:
    """Share a number of sites out so that the parts are worth most together.

    The most of ``sum f_k(n_k)`` where ``sum n_k <= count`` and ``0 <= n_k < len(f_k)``.

    Parts whose gains never grow (concave curves) are put together by taking their gains from the
    greatest to the smallest: an exchange of two gains shows that no other choice of as many is
    worth more. What remains is dynamic programming over the parts (Bellman 1957), with the
    concave ones as one part. Sites that add nothing are not shared out.

    Parameters
    ----------
    curves : sequence of array
        What each part is worth with 0, 1, 2 ... sites, never falling.
    count : int
        Most sites in all.

    Examples
    --------
    The second part gains more from its second site than from its first:

    >>> share_out([np.array([0.0, 5, 9]), np.array([0.0, 1, 8])], 3)
    Shares(value=13.0, sites=array([1, 2]))
    """
    gains = [np.diff(curve) for curve in curves]
    concave = np.array([bool((one[1:] <= one[:-1]).all()) for one in gains], bool)
    owner, merged = _by_gain(gains, np.flatnonzero(concave))
    start = float(sum(float(curve[0]) for curve in curves))
    best = np.full(count + 1, start)
    usable = min(count, len(merged))
    best[1 : usable + 1] += np.cumsum(merged[:usable])
    best[usable + 1 :] = best[usable]
    others = np.flatnonzero(~concave).tolist()
    taken = []
    for part in others:
        best, most = _with(best, curves[part] - curves[part][0])
        taken.append(most)
    shares, left = np.zeros(len(curves), np.int64), count
    value = float(best[count])
    for part, most in zip(others[::-1], reversed(taken), strict=True):
        shares[part] = most[left]
        left -= int(most[left])
    shares += np.bincount(owner[: min(left, len(owner))], minlength=len(curves))
    return Shares(value, shares)


def _by_gain(gains: Sequence[Floats], parts: Whole) -> tuple[Whole, Floats]:
    """Return the gains of parts that add anything, the greatest first, and whose they are."""
    if not len(parts):
        return np.zeros(0, np.int64), np.zeros(0)
    owner = np.repeat(parts, [len(gains[part]) for part in parts])
    gain = np.concatenate([gains[part] for part in parts])
    order = np.argsort(-gain, kind="stable")
    order = order[gain[order] > 0]
    return owner[order], gain[order]


def _with(best: Floats, curve: Floats) -> tuple[Floats, Whole]:
    """Add a part; return the best worth for each number of sites, and the part's share then."""
    found, share = best.copy(), np.zeros(len(best), np.int64)
    for sites in range(1, min(len(curve), len(best))):
        worth = best[: len(best) - sites] + curve[sites]
        better = worth > found[sites:]
        found[sites:][better] = worth[better]
        share[sites:][better] = sites
    return found, share
