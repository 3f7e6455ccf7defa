"""Figures on screen, rounded so that they never flatter."""

from __future__ import annotations

import math

NBSP = "\u00a0"
"""Keeps a number and its unit on one line."""


def people(count: float) -> str:
    """Return a number of people; a part of a person is a person.

    Examples
    --------
    >>> people(1234.0), people(0.2)
    ('1,234', '1')
    """
    return f"{math.ceil(count - 1e-6):,}"


def percent(share: float) -> str:
    """Return a share (0 to 1) in per cent, rounded down; never 0 % or 100 % unless it is.

    Examples
    --------
    >>> [percent(share).replace(NBSP, " ") for share in (0.0, 0.0001, 0.5, 0.99996, 1.0)]
    ['0 %', '< 0.1 %', '50 %', '> 99.9 %', '100 %']
    """
    if share in {0.0, 1.0}:
        return f"{share:.0%}".replace("%", f"{NBSP}%")
    if share < 0.001:
        return f"<{NBSP}0.1{NBSP}%"
    if share > 0.999:
        return f">{NBSP}99.9{NBSP}%"
    return f"{math.floor(share * 1000 + 1e-9) / 10:.1f}".removesuffix(".0") + f"{NBSP}%"


def lacking(share: float) -> str:
    """Return the share of people who lack something in per cent, rounded up.

    It and the share of all others, which `percent` rounds down, make up 100 %.

    Examples
    --------
    >>> [lacking(share).replace(NBSP, " ") for share in (0.0, 0.8001, 0.9999, 1.0)]
    ['0 %', '80.1 %', '> 99.9 %', '100 %']
    """
    if not 0.001 <= share <= 0.999:
        return percent(share)
    return f"{math.ceil(share * 1000 - 1e-9) / 10:.1f}".removesuffix(".0") + f"{NBSP}%"


def signed(count: float) -> str:
    """Return a difference of people with its sign.

    Examples
    --------
    >>> signed(12.0), signed(-3.5), signed(0.0)
    ('+12', '−4', '0')
    """
    sign = "+" if count > 0 else "−" if count < 0 else ""
    return sign + people(abs(count))
