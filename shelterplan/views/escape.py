"""The one way by which text reaches a map."""

PLAIN = frozenset(" -,.()")
"""Signs that mean nothing to HTML, to a script or to a template, and pass as they are."""


def escape(text: object) -> str:
    r"""Return a text that is inert in HTML, in a script and in a template.

    Letters and digits of every script and the signs ``-,.()`` and space pass; every other
    printable character becomes a numeric entity; what cannot be printed is dropped.
    Escaping for HTML alone is not enough for a map: folium's output is rendered a second time
    as a template, so braces, back quotes and dollar signs have to go as well.

    Parameters
    ----------
    text
        Any value; ``str()`` of it is shown.

    Returns
    -------
    str
        Text to be used as HTML.

    Examples
    --------
    >>> escape("Lycée (安全) - 2.5")
    'Lycée (安全) - 2.5'
    >>> escape("{{7*7}}")
    '&#123;&#123;7&#42;7&#125;&#125;'
    >>> escape("a\u202e\x00b")
    'ab'
    """
    return "".join(map(_escape_sign, str(text)))


def _escape_sign(sign: str) -> str:
    """Return one character as itself, as a numeric entity, or as nothing."""
    if sign in PLAIN or sign.isalnum():
        return sign
    return f"&#{ord(sign)};" if sign.isprintable() else ""
