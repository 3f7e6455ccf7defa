"""Whole numbers as few bytes: seven bits a byte, small ones first, differences and gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BITS = np.uint64(7)
_MOST = 10
"""Bytes that a number of 64 bits needs."""


def varints(numbers: NDArray[Any]) -> bytes:
    """Return whole numbers >= 0, each in as many bytes as it needs.

    A byte holds seven bits, the lowest first; its eighth bit says that more follow.

    Examples
    --------
    >>> import numpy as np
    >>> varints(np.array([1, 127, 128, 300])).hex(" ")
    '01 7f 80 01 ac 02'
    """
    left = np.asarray(numbers).astype(np.uint64)
    width = np.ones(len(left), np.int64)
    for count in range(1, _MOST):
        width += (left >> (_BITS * np.uint64(count))) > 0
    end = np.cumsum(width)
    written = np.zeros(int(end[-1]) if len(end) else 0, np.uint8)
    at = end - width
    for count in range(int(width.max(initial=0))):
        here = width > count
        byte = (left[here] & np.uint64(127)).astype(np.uint8)
        byte |= ((width[here] > count + 1).astype(np.uint8)) << np.uint8(7)
        written[at[here] + count] = byte
        left = left >> _BITS
    return written.tobytes()


def signed(numbers: NDArray[Any]) -> bytes:
    """Return whole numbers of either sign: 0, -1, 1, -2, 2 become 0, 1, 2, 3, 4.

    Examples
    --------
    >>> import numpy as np
    >>> signed(np.array([0, -1, 1, -64])).hex(" ")
    '00 01 02 7f'
    """
    whole = np.asarray(numbers).astype(np.int64)
    return varints((whole << 1) ^ (whole >> 63))


def gaps(rows: NDArray[Any]) -> bytes:
    """Return ascending row numbers by the steps between them, from 0 on.

    Examples
    --------
    >>> import numpy as np
    >>> gaps(np.array([3, 4, 4, 300])).hex(" ")
    '03 01 00 a8 02'
    """
    return varints(np.diff(np.asarray(rows, np.int64), prepend=0))
