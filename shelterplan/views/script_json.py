"""Values written into a script: JSON in which no text can end the script or start a template."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

PLAIN = frozenset(" -,.()&#;:/_")


class Written(str):
    """What `script_json` has made of a value: it stands in another one as it is."""

    __slots__ = ()


def script_json(value: object) -> str:
    r"""Return `value` as JSON for a script inside a page made by a template.

    Within texts, all but ASCII letters, digits and a few harmless signs are written as
    ``\uXXXX``, so that the result holds no ``{{``, ``{%``, ``{#``, ``</`` or back quote,
    whatever the texts are.

    Parameters
    ----------
    value
        None, a bool, a finite number, a text, what is `Written`, or a list or dict of such.

    Raises
    ------
    TypeError
        If the value is none of these.
    ValueError
        If a number is not finite.

    Examples
    --------
    >>> print(script_json({"a": ["{{7*7}}", 1.5, None]}))
    {"a":["\u007b\u007b7\u002a7\u007d\u007d",1.5,null]}
    """
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return str(value) if isinstance(value, Written) else f'"{"".join(map(_sign, value))}"'
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} cannot be written to a script")
        return repr(float(value))
    if isinstance(value, Mapping):
        members = (f"{script_json(str(key))}:{script_json(item)}" for key, item in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, Sequence):
        return "[" + ",".join(map(script_json, value)) + "]"
    raise TypeError(f"{type(value).__name__} cannot be written to a script")


def rounded(value: object, digits: int) -> object:
    """Return a value for `script_json` with all its numbers rounded.

    Examples
    --------
    >>> rounded({"type": "Point", "coordinates": (7.4212345, 43.7312345)}, 5)
    {'type': 'Point', 'coordinates': [7.42123, 43.73123]}
    """
    if isinstance(value, Mapping):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [rounded(item, digits) for item in value]
    return round(value, digits) if isinstance(value, float) else value


def _sign(sign: str) -> str:
    """Return one character of a text as it is written between the quotes."""
    if sign.isascii() and (sign.isalnum() or sign in PLAIN):
        return sign
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
