"""Look through a .osm.pbf file for texts that would crash the reader.

osmium keeps texts as in C, up to the first zero byte. A zero byte inside a text of a hostile file
makes it read past the end of its memory, which ends the whole program. All texts of the format
stand in one table at the head of each block, so that they are quickly looked through.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

from shelterplan.errors import SourceError

MAX_HEADER_BYTES = 64 << 10
MAX_BLOB_BYTES = 32 << 20
"""Limits of the format."""


def check_texts(path: Path) -> None:
    """Refuse a .osm.pbf file with a zero byte in a text, or with a block that is damaged.

    Parameters
    ----------
    path
        A .osm.pbf file.

    Raises
    ------
    SourceError
        The file cannot be trusted.
    """
    try:
        for block in _data_blocks(path):
            for number, table in _fields(block):
                if number == 1 and _has_zero(table):
                    raise SourceError(f"{path.name} is damaged: a text holds a zero byte.")
    except (ValueError, IndexError, zlib.error) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{path.name} is cut off or damaged ({error}).") from error


def _has_zero(table: bytes) -> bool:
    """Tell whether a text of a table holds a zero byte; its own lengths may well be zero."""
    return any(0 in text for number, text in _fields(table) if number == 1)


def _data_blocks(path: Path) -> Iterator[bytes]:
    """Unpack the blocks of a file that hold objects."""
    with path.open("rb") as file:
        while size := file.read(4):
            header = dict(_fields(_exactly(file.read(_small(size)), _small(size))))
            length = int.from_bytes(header.get(3, b""), "little")
            if length > MAX_BLOB_BYTES:
                raise ValueError("a block is larger than the format allows")
            blob = dict(_fields(_exactly(file.read(length), length)))
            if header.get(1) == b"OSMData":
                yield _unpacked(blob)


def _small(size: bytes) -> int:
    """Read the length of a header."""
    length = int.from_bytes(size, "big")
    if len(size) < 4 or length > MAX_HEADER_BYTES:
        raise ValueError("a header is cut off, or larger than the format allows")
    return length


def _exactly(content: bytes, length: int) -> bytes:
    """Refuse what is cut off."""
    if len(content) < length:
        raise ValueError("the file ends in the middle of a block")
    return content


def _unpacked(blob: dict[int, bytes]) -> bytes:
    """Unpack a block; one packed in another way than zlib is left to the reader."""
    if 3 not in blob:
        return blob.get(1, b"")
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(blob[3], MAX_BLOB_BYTES)
    if unpacker.unconsumed_tail:
        raise ValueError("a block unpacks to more than the format allows")
    return content


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    r"""Take a Protocol Buffers message apart: number and content of each field.

    A whole number comes as bytes too, lowest first.

    >>> list(_fields(bytes([0x0A, 2, 72, 105, 0x18, 0xAC, 2])))
    [(1, b'Hi'), (3, b',\x01\x00\x00\x00\x00\x00\x00')]
    """
    at, end = 0, len(message)
    while at < end:
        key, at = _whole(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _whole(message, at)
            yield key >> 3, (value & (2**64 - 1)).to_bytes(8, "little")
            continue
        if kind == 2:
            size, at = _whole(message, at)
        elif kind in {1, 5}:
            size = 8 if kind == 1 else 4
        else:
            raise ValueError("unknown kind of field")
        if at + size > end:
            raise ValueError("a field is cut off")
        yield key >> 3, message[at : at + size]
        at += size


def _whole(message: bytes, at: int) -> tuple[int, int]:
    """Read a whole number of variable length, and where the next thing starts."""
    value = message[at]
    at += 1
    if value < 128:
        return value, at
    value &= 127
    for shift in range(7, 70, 7):
        part = message[at]
        at += 1
        value |= (part & 127) << shift
        if part < 128:
            return value, at
    raise ValueError("a number is too long")
