"""The address of the resident map on a card: checked, and as a square to be read by a phone."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import segno

from shelterplan.errors import ShelterplanError

LONGEST: Final = 300
"""Signs of an address; the square of a longer one is too fine for an old phone."""


class LinkError(ShelterplanError, ValueError):
    """An address that cannot stand on a card."""


def checked_link(link: str) -> str:
    """Return an address on the web, or raise if it is none.

    Raises
    ------
    LinkError
        If it does not begin with http:// or https://, names no host, holds a name or a password,
        a blank or a sign that is not ASCII, or is longer than 300 signs.

    Examples
    --------
    >>> checked_link(" https://example.org/map.html#area=town ")
    'https://example.org/map.html#area=town'
    """
    address = link.strip()
    plain = address.isascii() and all("!" <= sign <= "~" for sign in address)
    if not plain or any(sign in address for sign in "<>\"'`{}\\^|"):
        message = f"the link {address[:80]!r} holds a blank or a special sign: percent-encode it"
        raise LinkError(message)
    if len(address) > LONGEST:
        message = f"the link has {len(address)} signs, the most is {LONGEST}: give a shorter one"
        raise LinkError(message)
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        message = f"the link {address[:80]!r} is no address: {error}"
        raise LinkError(message) from error
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc:
        message = f"the link {address[:80]!r} must begin with http:// or https:// and name a host"
        raise LinkError(message)
    return address


def square(link: str) -> str:
    """Return an address as a QR code: a picture of black squares with its quiet zone, as data."""
    picture: str = segno.make(link, error="m", micro=False).png_data_uri(scale=8, border=4)
    return picture
