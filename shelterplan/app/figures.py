"""Figures on screen, rounded so that they never flatter."""

from __future__ import annotations

import math


def people(count: float) -> str:
    """Return a number of people; a part of a person is a person.

    Examples
    --------
    >>> people(1234.0), people(0.2)
    ('1,234', '1')
    """
    return f"{math.ceil(count - 1e-6):,}"


def percent(share: float) -> str:
    """Return a share (0 to 1) in per cent; never 0 % or 100 % unless it is.

    Examples
    --------
    >>> percent(0.0), percent(0.0001), percent(0.5), percent(0.99996), percent(1.0)
    ('0 %', '< 0.1 %', '50 %', '> 99.9 %', '100 %')
    """
    if share in {0.0, 1.0}:
        return f"{share:.0%}".replace("%", " %")
    if share < 0.001:
        return "< 0.1 %"
    if share > 0.999:
        return "> 99.9 %"
    return f"{share * 100:.1f}".removesuffix(".0") + " %"
