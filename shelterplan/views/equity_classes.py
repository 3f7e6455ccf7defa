"""Need and access at once: three by three classes, told apart with any colour vision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

CLASSES = 3
"""Classes of each of the two."""
COLOURS = (
    ("#e8e8e8", "#f2bd78", "#dd7a0c"),
    ("#a3bfe4", "#a08f86", "#8c5021"),
    ("#3f78c4", "#45507a", "#26141c"),
)
"""By the class of need (rows, little to much) and of the lack of access (columns): grey to orange
for the lack, grey to blue for the need, and the darker the more of both; blue and orange are told
apart with any colour vision, and lightness tells how much."""
COLOURS_DARK = (
    ("#3c444b", "#96631d", "#ef9a2f"),
    ("#31578f", "#93857c", "#f0bf86"),
    ("#4f9bff", "#b5c5e6", "#fff3e6"),
)
"""The same for a dark page: the lighter the more."""


def thirds(values: ArrayLike) -> NDArray[np.int64]:
    """Return the class of each value by its rank: 0, 1 or 2 for thirds; -1 where it is not known.

    Equal values are in one class, that of their mean rank; the least is always 0 and the most 2,
    unless all are equal: then they are 1.

    Examples
    --------
    >>> thirds([5.0, 1.0, 3.0, np.nan]).tolist(), thirds([0.0, 1.0, 1.0, 1.0]).tolist()
    ([2, 0, 1, -1], [0, 2, 2, 2])
    """
    given = np.asarray(values, float)
    known = np.isfinite(given)
    found = np.full(len(given), -1, np.int64)
    if known.any():
        _, place, count = np.unique(given[known], return_inverse=True, return_counts=True)
        mean_rank = np.cumsum(count) - (count - 1) / 2
        share = (mean_rank - 0.5) / known.sum()
        classes = np.minimum((share * CLASSES + 1e-9).astype(np.int64), CLASSES - 1)
        if len(classes) > 1:
            classes[[0, -1]] = 0, CLASSES - 1
        found[known] = classes[place]
    return found


def colour_of(need: int, lack: int, *, dark: bool = False) -> str:
    """Return the fill of a community; "none" where one of the two is not known.

    Examples
    --------
    >>> colour_of(2, 2), colour_of(0, -1)
    ('#26141c', 'none')
    """
    if need < 0 or lack < 0:
        return "none"
    return (COLOURS_DARK if dark else COLOURS)[need][lack]


def ink_on(colour: str) -> str:
    """Return black or white, whichever is read better on a colour.

    Examples
    --------
    >>> ink_on("#e8e8e8"), ink_on("#26141c")
    ('#0b0c0c', '#ffffff')
    """
    light = _luminance(colour)
    black, white = (light + 0.05) / 0.053, 1.05 / (light + 0.05)
    return "#0b0c0c" if black >= white else "#ffffff"


def _luminance(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2)."""
    parts: Sequence[float] = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
