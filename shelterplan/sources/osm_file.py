"""Open an OpenStreetMap file safely, whatever is in it, and hand its objects on in bulk.

The format is told from the content, not from the name. An XML file with a document type (the door
to entity expansion) is refused, and so is an archive that unpacks to far more than it should.
Every failure of the reader becomes a `SourceError` that a person understands.

Looping over the objects of a file in Python costs some 5 microseconds for a node and 3 for each
reference of a way. osmium itself writes the wanted ones to a temporary file in a tenth of that, as
XML (`tagged_objects`) or as plain numbers (`positions`), from where they are read in bulk.
"""

from __future__ import annotations

import bz2
import gzip
import html
import re
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt
import osmium
from osmium.io import File, FileBuffer, Reader

from shelterplan.errors import SourceError
from shelterplan.sources.osm_pbf import check_texts
from shelterplan.sources.streets import Floats, Ints

T = TypeVar("T")

HEAD_BYTES = 1 << 16
BLOCK_NODES = 1 << 20
MAX_UNPACKED_BYTES = 8 << 30
"""Largest unpacked size of a packed XML file [bytes]."""
MAX_RATIO = 100
"""Most that a packed file may grow beyond the first 64 MB; real OpenStreetMap XML grows tenfold."""
MAX_MENDED_BYTES = 2 << 30
"""Largest XML file of which the bad coordinates are taken out in memory [bytes]."""

_OBJECT = re.compile(rb"<(node|way) id=\"(-?\d+)\"([^>]*?)(?:/>|>(.*?)</(?:node|way)>)", re.DOTALL)
_REF = re.compile(r'<nd ref="(-?\d+)"/>')
_TAG = re.compile(r'<tag k="([^"]*)" v="([^"]*)"/>')
_STAMP = re.compile(r'timestamp="([^"]*)"')
STORED = np.dtype([("id", "<i8"), ("x", "<i4"), ("y", "<i4")])
"""A node in osmium's store of positions: id and units of 1e-7 degrees."""
EMPTY = 2**31 - 1
"""Coordinate of a node without a position, and of places of the store that are not in use."""
_NODE = re.compile(rb"<node\b[^>]*>")
_COORDINATE = re.compile(rb"""\s(?:lat|lon)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_NUMBER = re.compile(rb"-?\d{1,3}(\.\d*)?$")


def file_format(path: Path) -> str:
    """Tell the format of an OpenStreetMap file from its first bytes.

    Parameters
    ----------
    path
        A file; its name does not matter.

    Returns
    -------
    str
        "pbf", "osm", "osm.gz" or "osm.bz2".

    Raises
    ------
    SourceError
        The file is missing, empty, of another format, or XML that declares a document type.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise SourceError(f"{path.name} cannot be opened: {error.strerror}.") from error
    if not head:
        raise SourceError(f"{path.name} is empty.")
    if head[4:].startswith(b"\x0a\x09OSMHeader"):
        check_texts(path)
        return "pbf"
    if head.startswith(b"\x1f\x8b"):
        _check_unpacked(path, "gzip")
        return "osm.gz"
    if head.startswith(b"BZh"):
        _check_unpacked(path, "bzip2")
        return "osm.bz2"
    _check_xml_head(path, head)
    return "osm"


def _unpack(path: Path, packing: str) -> IO[bytes]:
    """Open a packed file for reading."""
    if packing == "gzip":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return cast("IO[bytes]", bz2.open(path, "rb"))


def _check_unpacked(path: Path, packing: str) -> None:
    """Refuse a packed file that is damaged, no OpenStreetMap XML, or a bomb."""
    limit = min(MAX_UNPACKED_BYTES, max(64 << 20, path.stat().st_size * MAX_RATIO))
    size = 0
    try:
        with _unpack(path, packing) as file:
            while block := file.read(1 << 20):
                if not size:
                    _check_xml_head(path, block[:HEAD_BYTES])
                size += len(block)
                if size > limit:
                    raise SourceError(
                        f"{path.name} unpacks to more than {limit >> 20} MB: refused.",
                    )
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{path.name} is cut off or damaged ({packing}: {error}).") from error


def _check_xml_head(path: Path, head: bytes) -> None:
    """Refuse what is not OpenStreetMap XML in plain bytes, and XML with a document type."""
    root = re.search(rb"<osm[\s>/]", head)
    if root is None or b"\0" in head:
        raise SourceError(
            f"{path.name} is no OpenStreetMap file (.osm.pbf, .osm, .osm.gz or .osm.bz2).",
        )
    if b"<!" in re.sub(rb"<!--.*?-->", b"", head[: root.start()], flags=re.DOTALL):
        raise SourceError(
            f"{path.name} declares a document type or entities, which no OpenStreetMap file does: "
            "refused.",
        )


def read_safely(path: Path, read: Callable[[File | FileBuffer], T]) -> T:
    """Run one reading of a file, and turn every failure of the reader into a sentence.

    Parameters
    ----------
    path
        The file.
    read
        What to do with the opened file. It is called a second time, on a copy in memory, when the
        file has coordinates that are no numbers: those are taken out, so that one bad node does
        not lose the whole file. The nodes stay, without a position.

    Returns
    -------
    T
        What `read` returns.

    Raises
    ------
    SourceError
        The file cannot be read, or not to its end.
    """
    kind = file_format(path)
    with plain_errors(path):
        try:
            # an absolute path: osmium takes "-" for standard input and "http:" for an address
            return read(File(str(path.absolute()), kind))
        except osmium.InvalidLocationError:
            return read(FileBuffer(_without_bad_coordinates(path, kind), "osm"))


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """Turn the errors of osmium into a sentence."""
    try:
        yield
    except SourceError:
        raise
    except (RuntimeError, ValueError, LookupError, osmium.InvalidLocationError) as error:
        why = "".join(letter if letter.isprintable() else " " for letter in str(error))[:120]
        raise SourceError(f"{path.name} is cut off or damaged ({why}).") from error


def read_in_order(path: Path, read: Callable[[File | FileBuffer], T]) -> T:
    """Run one reading that needs nodes before ways before relations, each in order of their ids.

    XML files come in any order (an answer of Overpass has its ways first): they are sorted in
    memory, and of an object that stands twice the newest version counts. A .osm.pbf file that is
    not in order is refused.

    Parameters and errors are those of `read_safely`.
    """
    if file_format(path) == "pbf":
        return read_safely(path, read)

    text = _without_bad_coordinates(path, file_format(path))
    with plain_errors(path), tempfile.TemporaryDirectory(prefix="shelterplan-") as folder:
        name = str(Path(folder) / "sorted.osm.pbf")
        merged = osmium.MergeInputReader()
        merged.add_buffer(text, "osm")
        with osmium.SimpleWriter(name) as writer:
            merged.apply(writer)
        return read(File(name, "pbf"))


def _without_bad_coordinates(path: Path, kind: str) -> bytes:
    """Read an XML file and take away each node's coordinates that are no ordinary numbers."""
    packing = {"osm.gz": "gzip", "osm.bz2": "bzip2"}.get(kind)
    with _unpack(path, packing) if packing else path.open("rb") as file:
        text = file.read(MAX_MENDED_BYTES + 1)
    if len(text) > MAX_MENDED_BYTES:
        raise SourceError(f"{path.name} is too large to be put in order: convert it to .osm.pbf.")

    def keep(found: re.Match[bytes]) -> bytes:
        value = (found[1] if found[1] is not None else found[2]).strip()
        return found[0] if _NUMBER.match(value) else b""

    return _NODE.sub(lambda node: _COORDINATE.sub(keep, node[0]), text)


class Object(NamedTuple):
    """A node or way with its tags."""

    kind: str
    """"node" or "way"."""
    osm_id: int
    stamp: str
    """When it was last edited, "" if unknown."""
    refs: list[str]
    """Ids of a way's nodes."""
    tags: dict[str, str]


def tagged_objects(
    source: File | FileBuffer, entities: osmium.osm.osm_entity_bits, *filters: object
) -> Iterator[Object]:
    """Give the nodes and ways of a file that have tags and pass all filters, in the file's order.

    Parameters
    ----------
    source
        An opened file.
    entities
        The kinds of object to read: nodes, ways or both.
    *filters
        osmium filters.

    Yields
    ------
    Object
        Bytes that are no UTF-8 are replaced by the sign for that.
    """
    with tempfile.TemporaryDirectory(prefix="shelterplan-") as folder:
        dump = Path(folder) / "objects.osm"
        # not OPL: osmium ends the whole program on a text in OPL that is no UTF-8
        file = File(str(dump), "osm,add_metadata=timestamp")
        with Reader(source, entities) as reader, osmium.SimpleWriter(file) as writer:
            osmium.apply(reader, *filters, writer)
        if dump.stat().st_size:
            with dump.open("rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as text:
                for found in _OBJECT.finditer(text):
                    yield _parse(found)


def positions_and_objects(
    source: File | FileBuffer, *filters: object
) -> tuple[npt.NDArray[np.void], list[Object]]:
    """Read the positions of all nodes, and the nodes and ways that pass filters, in one go.

    Parameters
    ----------
    source
        A small file: everything is kept in memory.
    *filters
        osmium filters.

    Returns
    -------
    positions
        One entry for each node, of the type `STORED`, in the order of the file if it is in order
        of ids. Nodes with negative ids are not among them.
    objects
        As `tagged_objects` gives them.
    """
    with tempfile.TemporaryDirectory(prefix="shelterplan-") as folder:
        dump = Path(folder) / "positions"
        store = osmium.index.create_map(f"sparse_file_array,{dump}")
        keeper = osmium.NodeLocationsForWays(store)
        keeper.apply_nodes_to_ways = False
        entities = osmium.osm.NODE | osmium.osm.WAY
        objects = list(tagged_objects(source, entities, keeper, *filters))
        nodes = np.fromfile(dump, dtype=STORED)
    return nodes[(nodes["id"] != 0) | (nodes["x"] != EMPTY)], objects


def _parse(found: re.Match[bytes]) -> Object:
    """Read one object as osmium writes it."""
    head = found[3].decode("utf-8", "replace")
    body = (found[4] or b"").decode("utf-8", "replace")
    stamp = _STAMP.search(head)
    tags = dict(_TAG.findall(body))
    if "&" in body:
        tags = {html.unescape(key): html.unescape(value) for key, value in tags.items()}
    return Object(
        found[1].decode(), int(found[2]), stamp[1] if stamp else "", _REF.findall(body), tags
    )


def positions(source: File | FileBuffer, wanted: Ints) -> tuple[Ints, Floats, Floats]:
    """Read the positions of the wanted nodes, with every repetition that the file has.

    Parameters
    ----------
    source
        An opened file.
    wanted
        Node ids, ascending, each once.

    Returns
    -------
    ids, lon, lat
        One entry for each time that a wanted node stands in the file, in its order [degrees]; off
        the Earth where the file gives no position.
    """
    if wanted.size and wanted[0] < 0:
        return _positions_of_an_editor(source, wanted)
    found = [np.zeros(0, dtype=STORED)]
    with tempfile.TemporaryDirectory(prefix="shelterplan-") as folder:
        dump = Path(folder) / "positions"
        store = osmium.index.create_map(f"sparse_file_array,{dump}")
        with Reader(source, osmium.osm.NODE) as reader:
            osmium.apply(reader, osmium.NodeLocationsForWays(store))
        with dump.open("rb") as stream:
            while (block := np.fromfile(stream, dtype=STORED, count=BLOCK_NODES)).size:
                at = np.minimum(np.searchsorted(wanted, block["id"]), wanted.size - 1)
                found.append(block[wanted[at] == block["id"]] if wanted.size else block[:0])
    nodes = np.concatenate(found)
    return nodes["id"], nodes["x"] / 1e7, nodes["y"] / 1e7


def _positions_of_an_editor(source: File | FileBuffer, wanted: Ints) -> tuple[Ints, Floats, Floats]:
    """Read positions one by one: osmium's store has no room for the negative ids of new objects."""
    ids = set(wanted.tolist())
    rows = [
        (node.id, node.location.x, node.location.y)
        for node in cast("Iterable[Any]", osmium.FileProcessor(source, osmium.osm.NODE))
        if node.id in ids
    ]
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1] / 1e7, table[:, 2] / 1e7
