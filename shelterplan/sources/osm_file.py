"""Open an OpenStreetMap file safely, whatever is in it, and hand its objects on in bulk.

The format is told from the content, not from the name. An XML file with a document type (the door
to entity expansion) is refused, and so is an archive that unpacks to far more than it should.
Every failure of the reader becomes a `SourceError` that a person understands.

Looping over the objects of a file in Python costs some 5 microseconds for a node and 3 for each
reference of a way. osmium itself writes the wanted objects as lines of text (its OPL format) in a
tenth of that, and numpy and pandas read numbers from text in bulk: `object_lines`, `positions`.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import re
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar, cast

import numpy as np
import osmium
import pandas as pd
from osmium.io import File, FileBuffer, Reader

from shelterplan.errors import SourceError
from shelterplan.sources.streets import Floats, Ints

T = TypeVar("T")

HEAD_BYTES = 1 << 16
BLOCK_BYTES = 1 << 24
MAX_UNPACKED_BYTES = 8 << 30
"""Largest unpacked size of a packed XML file [bytes]."""
MAX_RATIO = 100
"""Most that a packed file may grow beyond the first 64 MB; real OpenStreetMap XML grows tenfold."""
MAX_MENDED_BYTES = 2 << 30
"""Largest XML file of which the bad coordinates are taken out in memory [bytes]."""

_ESCAPE = re.compile(r"%([0-9a-f]+)%")
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
    with _plain_errors(path):
        try:
            return read(File(str(path), kind))
        except osmium.InvalidLocationError:
            return read(FileBuffer(_without_bad_coordinates(path, kind), "osm"))


@contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    """Turn the errors of osmium into a sentence."""
    try:
        yield
    except (RuntimeError, osmium.InvalidLocationError) as error:
        raise SourceError(f"{path.name} is cut off or damaged ({error}).") from error


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
    with _plain_errors(path), tempfile.TemporaryDirectory(prefix="shelterplan-") as folder:
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


def object_lines(
    source: File | FileBuffer,
    entities: osmium.osm.osm_entity_bits,
    *filters: object,
    metadata: str = "false",
) -> Iterator[str]:
    """Give the objects of a file that pass the filters as OPL lines, in the file's order.

    Parameters
    ----------
    source
        An opened file.
    entities
        The kinds of object to read.
    *filters
        osmium filters, all of which an object must pass.
    metadata
        Which of the editing data each line carries: "false" or for example "timestamp".

    Yields
    ------
    str
        One line, without its end.
    """
    with tempfile.TemporaryDirectory(prefix="shelterplan-") as folder:
        dump = _dump(Path(folder), source, entities, *filters, metadata=metadata)
        with dump.open(encoding="utf-8", errors="replace", newline="\n") as file:
            for line in file:
                yield line.rstrip("\n")


def _dump(
    folder: Path,
    source: File | FileBuffer,
    entities: osmium.osm.osm_entity_bits,
    *filters: object,
    metadata: str = "false",
) -> Path:
    """Let osmium write the wanted objects as OPL text into a folder."""
    path = folder / "objects.opl"
    with (
        Reader(source, entities) as reader,
        osmium.SimpleWriter(File(str(path), f"opl,add_metadata={metadata}")) as writer,
    ):
        osmium.apply(reader, *filters, writer)
    return path


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
        One entry for each time that a wanted node stands in the file, in its order [degrees];
        NaN where the file gives no position.
    """
    found: list[pd.DataFrame] = []
    with tempfile.TemporaryDirectory(prefix="shelterplan-") as folder:
        dump = _dump(Path(folder), source, osmium.osm.NODE)
        with dump.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                table = _node_table(block + file.readline())
                at = np.searchsorted(wanted, table["id"].to_numpy())
                at[at == wanted.size] = 0
                found.append(
                    table[wanted[at] == table["id"].to_numpy()] if wanted.size else table[:0]
                )
    nodes = pd.concat(found) if found else _node_table(b"")
    # osmium keeps whole 1e-7 degrees: back to them, so that equal places are equal numbers
    lon, lat = (np.round(nodes[name].to_numpy() * 1e7) / 1e7 for name in ("lon", "lat"))
    return nodes["id"].to_numpy(), lon, lat


def _node_table(block: bytes) -> pd.DataFrame:
    """Read lines such as `n17 Thighway=crossing x7.4319254 y43.7364237`."""
    return pd.read_csv(
        io.BytesIO(block.translate(None, b"nxy")),
        sep=" ",
        header=None,
        names=["id", "tags", "lon", "lat"],
        usecols=["id", "lon", "lat"],
        dtype={"id": np.int64, "lon": np.float64, "lat": np.float64},
        quoting=csv.QUOTE_NONE,
        encoding_errors="replace",
    )


def parse_tags(field: str) -> dict[str, str]:
    """Read the tags of an OPL line.

    >>> parse_tags("Thighway=steps,name=Rue%20%Basse")
    {'highway': 'steps', 'name': 'Rue Basse'}
    """
    if len(field) < 2:
        return {}
    if "%" in field:  # blanks are by far the most frequent escape, and no separator
        field = field.replace("%20%", " ")
    pairs = [pair.split("=") for pair in field[1:].split(",")]
    if "%" in field:
        pairs = [[_plain(part) for part in pair] for pair in pairs]
    return dict(cast("list[tuple[str, str]]", pairs))


def _plain(text: str) -> str:
    """Undo the escapes of OPL: `%20%` is a blank."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
