"""Look through a .osm.pbf file for texts that would crash the reader, and cut it into pieces.

osmium keeps texts as in C, up to the first zero byte. A zero byte inside a text of a hostile file
makes it read past the end of its memory, which ends the whole program. All texts of the format
stand in one table at the head of each block, so that they are quickly looked through.

A file is one block after the other, so that some of them, with the head before them, are a file,
too: a country is read piece by piece, in little memory.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from shelterplan.errors import SourceError

MAX_HEADER_BYTES = 64 << 10
MAX_BLOB_BYTES = 32 << 20
"""Limits of the format."""
PIECE_BYTES = 1 << 20
"""Largest unpacked size of a piece of a file; one block is always taken [bytes]."""


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
    with _plain_errors(path):
        for block in _blocks(path):
            _check(block, path)


class Piece(NamedTuple):
    """Some blocks of a file with its head before them: a file in itself."""

    content: bytes
    share: float
    """How much of the file has been read, up to the end of the piece."""


def pieces(path: Path, *, piece_bytes: int = PIECE_BYTES) -> Iterator[Piece]:
    """Cut a .osm.pbf file into small ones, checked as by `check_texts`.

    Parameters
    ----------
    path
        A .osm.pbf file.
    piece_bytes
        How large a piece is when it is unpacked, about [bytes].

    Yields
    ------
    Piece
        In the order of the file.

    Raises
    ------
    SourceError
        The file cannot be opened, is of another format, or cannot be trusted.
    """
    whole = _size(path)
    with _plain_errors(path):
        head, waiting, unpacked, read = b"", [], 0, 0
        for block in _blocks(path):
            read += len(block.raw)
            if block.kind != b"OSMData":
                head = head or block.raw
                continue
            _check(block, path)
            waiting.append(block.raw)
            unpacked += len(block.content) + len(block.raw)
            if unpacked >= piece_bytes:
                yield Piece(head + b"".join(waiting), read / whole)
                waiting, unpacked = [], 0
        if waiting or not read:
            yield Piece(head + b"".join(waiting), 1.0)


def _size(path: Path) -> int:
    """Return the size of a .osm.pbf file, and refuse another one."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
        size = path.stat().st_size
    except OSError as error:
        raise SourceError(f"{path.name} cannot be opened: {error.strerror}.") from error
    if not head[4:].startswith(b"\x0a\x09OSMHeader"):
        raise SourceError(
            f"{path.name} is no .osm.pbf file: convert it (osmium cat {path.name} -o s.osm.pbf)"
        )
    return size


@contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    """Turn what goes wrong into a sentence."""
    try:
        yield
    except (ValueError, IndexError, zlib.error) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{path.name} is cut off or damaged ({error}).") from error


class _Block(NamedTuple):
    raw: bytes
    """As it stands in the file."""
    kind: bytes
    """b"OSMHeader" or b"OSMData"."""
    content: bytes
    """Unpacked, if it holds objects."""


def _check(block: _Block, path: Path) -> None:
    """Refuse a block with a zero byte in a text."""
    for number, table in _fields(block.content):
        if number == 1 and _has_zero(table):
            raise SourceError(f"{path.name} is damaged: a text holds a zero byte.")


def _has_zero(table: bytes) -> bool:
    """Tell whether a text of a table holds a zero byte; its own lengths may well be zero."""
    return any(0 in text for number, text in _fields(table) if number == 1)


def _blocks(path: Path) -> Iterator[_Block]:
    """Read the blocks of a file, and unpack those that hold objects."""
    with path.open("rb") as file:
        while size := file.read(4):
            about = _exactly(file.read(_small(size)), _small(size))
            header = dict(_fields(about))
            length = int.from_bytes(header.get(3, b""), "little")
            if length > MAX_BLOB_BYTES:
                raise ValueError("a block is larger than the format allows")
            packed = _exactly(file.read(length), length)
            kind = header.get(1, b"")
            blob = dict(_fields(packed))
            content = _unpacked(blob) if kind == b"OSMData" else b""
            yield _Block(size + about + packed, kind, content)


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
