"""Changes inside packed files: archives, compressed text, blocks of a .pbf, tags of a TIFF."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import io
import json
import re
import sqlite3
import struct
import tempfile
import tomllib
import zipfile
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import tomli_w

from shelterplan.area_files import sealed
from tests.fuzz.odd import BYTES, HEADERS, NUMBERS, TEXTS, changed_bytes, changed_tree

TOKEN = re.compile(rb'"[^"]*"|>[^<]+<|-?\d+(\.\d+)?')
TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 11: 4, 12: 8, 16: 8}


def changed_json(data, draw):
    """Change GeoJSON: a place of its tree, sometimes bytes."""
    with contextlib.suppress(ValueError, RecursionError):
        tree = changed_tree(json.loads(data), draw)
        text = json.dumps(tree, ensure_ascii=draw.random() < 0.5)
        if draw.random() < 0.1:
            text = text.replace("null", draw.choice(("NaN", "1e999", '"\\ud800"', "-0")), 1)
        return text.encode("utf-8", "surrogatepass")
    return changed_bytes(data, draw)


def changed_toml(data, draw):
    """Change TOML: a place of its tree, or bytes."""
    if draw.random() < 0.75:
        with contextlib.suppress(ValueError, TypeError, RecursionError, AttributeError):
            return tomli_w.dumps(changed_tree(tomllib.loads(data.decode()), draw)).encode()
    return changed_bytes(data, draw)


def changed_markup(data, draw):
    """Change XML: the content of quotes and between tags, sometimes bytes."""
    tokens = list(TOKEN.finditer(data))
    if not tokens or draw.random() < 0.25:
        return changed_bytes(data, draw)
    one = draw.choice(tokens)
    old = one[0]
    new = (draw.choice(TEXTS) if draw.random() < 0.6 else str(draw.choice(NUMBERS))).encode(
        "utf-8", "replace"
    )
    if draw.random() < 0.3:
        new = draw.choice(tokens)[0].strip(b'"><')
    if old[:1] in b'">':
        new = old[:1] + new.replace(b'"', b"").replace(b"\0", b"") + old[-1:]
    return data[: one.start()] + new + data[one.end() :]


def changed_osm(data, draw):
    """Change OpenStreetMap XML, packed or not, and how it is packed."""
    with contextlib.suppress(OSError, EOFError, zlib.error):
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        elif data.startswith(b"BZh"):
            data = bz2.decompress(data)
    data = changed_markup(data, draw)
    how = draw.randrange(12)
    if how == 0:
        data = gzip.compress(data, 1, mtime=0)
    elif how == 1:
        data = bz2.compress(data, 1)
    return changed_bytes(data, draw) if how == 2 else data


def members(data):
    """Return the members of an archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {one: archive.read(one) for one in archive.namelist()}


def archive_of(parts):
    """Return an archive of members."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return written.getvalue()


def changed_archive(data, draw):
    """Change a member of an archive (XML by its tokens), a name, or the archive itself."""
    try:
        parts = members(data)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, zlib.error, EOFError):
        return changed_bytes(data, draw)
    if not parts or draw.random() < 0.1:
        return changed_bytes(data, draw)
    cells = [one for one in parts if "sheet" in one or one.endswith((".shp", ".dbf", ".parquet"))]
    name = draw.choice(cells if cells and draw.random() < 0.6 else list(parts))
    what = draw.random()
    if what < 0.04:
        del parts[name]
    elif what < 0.06:
        parts[draw.choice(TEXTS).replace("\0", "") or "a"] = parts.pop(name)
    else:
        change = changed_markup if name.endswith((".xml", ".rels")) else changed_bytes
        parts[name] = (changed_manifest if name.endswith(".toml") else change)(parts[name], draw)
    if "area.toml" in parts and draw.random() < 0.8:
        parts = with_right_hashes(parts)
    return archive_of(parts)


def with_right_hashes(parts):
    """Let the manifest of a study area name the hashes that its files have now."""
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
        manifest = tomllib.loads(parts["area.toml"].decode())
        for entry in manifest["tables"].values():
            if entry["file"] in parts:
                entry["sha256"] = hashlib.sha256(parts[entry["file"]]).hexdigest()
        return parts | {"area.toml": sealed_again(manifest)}
    return parts


def sealed_again(manifest):
    """Return a manifest as text under the hash that it has now."""
    return sealed(tomli_w.dumps({key: manifest[key] for key in manifest if key != "sha256"}))


def changed_manifest(data, draw):
    """Change the manifest of a study area, mostly so that its own hash is right."""
    if draw.random() < 0.8:
        with contextlib.suppress(ValueError, TypeError, RecursionError, AttributeError, KeyError):
            return sealed_again(changed_tree(tomllib.loads(data.decode()), draw))
    return changed_toml(data, draw)


def changed_gpkg(data, draw):
    """Change a cell of any table of a GeoPackage, or bytes of it."""
    if draw.random() < 0.3:
        return changed_bytes(data, draw)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.gpkg"
        path.write_bytes(data)
        with contextlib.suppress(sqlite3.Error, ValueError, OverflowError, UnicodeError):
            base = sqlite3.connect(path)
            with contextlib.closing(base), base:
                _change_cell(base, draw)
            return path.read_bytes()
    return changed_bytes(data, draw)


def _change_cell(base, draw):
    tables = [row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type='table'")]
    table = draw.choice([one for one in tables if "rtree" not in one])
    columns = [row[1] for row in base.execute(f'PRAGMA table_info("{table}")')]
    column = draw.choice(columns)
    old = base.execute(f'SELECT "{column}" FROM "{table}" LIMIT 1').fetchone()  # noqa: S608
    new = draw.choice((*TEXTS, *(n for n in NUMBERS if abs(n) < 2**63), None, *HEADERS))
    if old and isinstance(old[0], bytes) and draw.random() < 0.8:
        new = changed_bytes(old[0], draw)
    base.execute(f'UPDATE "{table}" SET "{column}" = ?', (new,))  # noqa: S608


def changed_parquet(data, draw):
    """Change a cell, a column or what a GeoParquet file says of its geometry, or its bytes."""
    if draw.random() < 0.2:
        return changed_bytes(data, draw)
    with contextlib.suppress(pa.ArrowException, ValueError, OverflowError, UnicodeError, OSError):
        table = pyarrow.parquet.read_table(io.BytesIO(data))
        metadata = dict(table.schema.metadata or {})
        if draw.random() < 0.4:
            geo = changed_tree(json.loads(metadata[b"geo"]), draw)
            metadata[b"geo"] = json.dumps(geo).encode("utf-8", "replace")
        else:
            table = _change_column(table, draw)
        target = io.BytesIO()
        pyarrow.parquet.write_table(table.replace_schema_metadata(metadata), target)
        return target.getvalue()
    return changed_bytes(data, draw)


def _change_column(table, draw):
    """Change a cell or the name of a column; the type of the column follows."""
    at = draw.randrange(table.num_columns)
    name, values = table.column_names[at], table.column(at).to_pylist()
    if draw.random() < 0.2 or not values:
        return table.set_column(at, draw.choice((*HEADERS, "geometry", "name")), table.column(at))
    row = draw.randrange(len(values))
    if isinstance(values[row], bytes) and draw.random() < 0.8:
        values[row] = changed_bytes(values[row], draw)
    else:
        new = draw.choice((*TEXTS, *NUMBERS, None, b"\xff", [1], {"a": None}))
        values = [new] * len(values) if draw.random() < 0.5 else [*values[:row], new]
        values += [None] * (table.num_rows - len(values))
    return table.set_column(at, name, pa.array(values))


def changed_pbf(data, draw):
    """Change the unpacked bytes of a block of a .osm.pbf file, or the file itself."""
    blocks = pbf_blocks(data)
    if not blocks or draw.random() < 0.1:
        return changed_bytes(data, draw)
    at = draw.randrange(len(blocks))
    kind, content = blocks[at]
    content = (
        changed_message(content, draw) if draw.random() < 0.7 else changed_bytes(content, draw)
    )
    blocks[at] = kind, content
    return pbf_of(blocks, packed=draw.random() < 0.5)


def pbf_blocks(data):
    """Return kind and unpacked content of each block; empty where the file is none."""
    found, at = [], 0
    with contextlib.suppress(IndexError, struct.error, zlib.error, ValueError):
        while at < len(data):
            (size,) = struct.unpack_from(">I", data, at)
            header = dict(fields(data[at + 4 : at + 4 + size]))
            length = header[3]
            blob = dict(fields(data[at + 4 + size : at + 4 + size + length]))
            content = blob[1] if 1 in blob else zlib.decompress(blob[3])
            found.append((header[1], content))
            at += 4 + size + length
        return found
    return []


def pbf_of(blocks, *, packed):
    """Return the file of blocks."""
    written = b""
    for kind, content in blocks:
        blob = (
            part(2, len(content)) + part(3, zlib.compress(content)) if packed else part(1, content)
        )
        header = part(1, kind) + part(3, len(blob))
        written += struct.pack(">I", len(header)) + header + blob
    return written


def changed_message(message, draw, depth=0):
    """Change one field of a message, mostly of one inside it."""
    try:
        parts = list(fields(message))
    except (IndexError, ValueError):
        return changed_bytes(message, draw)
    if not parts:
        return changed_bytes(message, draw)
    at = draw.randrange(len(parts))
    number, value = parts[at]
    if isinstance(value, int):
        parts[at] = number, draw.choice((0, 1, value + 1, 2**31, 2**32, 2**62, 2**63, 2**64 - 1))
    elif depth < 4 and value and draw.random() < 0.75:
        parts[at] = number, changed_message(value, draw, depth + 1)
    else:
        parts[at] = number, draw.choice((changed_bytes(value, draw), draw.choice(BYTES), value * 2))
    if draw.random() < 0.1:
        parts.insert(at, parts[draw.randrange(len(parts))])
    elif draw.random() < 0.1:
        del parts[at]
    return b"".join(part(*one) for one in parts)


def fields(message):
    """Yield number and value of each field: whole numbers and bytes."""
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        if key & 7 == 0:
            value, at = varint(message, at)
        elif key & 7 == 2:
            size, at = varint(message, at)
            if at + size > len(message):
                raise ValueError("cut off")
            value, at = bytes(message[at : at + size]), at + size
        else:
            raise ValueError("no such field here")
        yield key >> 3, value


def varint(message, at):
    """Read a whole number of variable length."""
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at
        if shift > 70:
            raise ValueError("too long")


def part(number, value):
    """Write a field."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value):
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    written.append(value)
    return bytes(written)


def changed_tiff(data, draw):
    """Change a tag of a little-endian TIFF, the numbers it points to, or any bytes."""
    if data[:4] != b"II*\0" or draw.random() < 0.3:
        return changed_bytes(data, draw)
    changed = bytearray(data)
    with contextlib.suppress(struct.error):
        (directory,) = struct.unpack_from("<I", data, 4)
        (count,) = struct.unpack_from("<H", data, directory)
        entry = directory + 2 + 12 * draw.randrange(max(count, 1))
        _, kind, many, value = struct.unpack_from("<HHII", data, entry)
        what = draw.randrange(5)
        if what == 0:
            struct.pack_into("<I", changed, entry + 8, draw.choice((0, 1, value + 1, 2**32 - 1)))
        elif what == 1:
            struct.pack_into("<I", changed, entry + 4, draw.choice((0, 1, many + 1, 2**32 - 1)))
        elif what == 2:
            struct.pack_into("<H", changed, entry + 2, draw.randrange(20))
        elif what == 3:
            struct.pack_into("<H", changed, entry, draw.choice((256, 258, 259, 339, 33550, 34735)))
        elif kind == 12:
            odd = draw.choice((0.0, -1.0, 1e308, float("nan"), float("inf"), 1e-300, 500.0))
            struct.pack_into("<d", changed, value + 8 * draw.randrange(max(many, 1)), odd)
        elif kind == 3 and many > 2:
            odd = draw.choice((0, 1, 2, 1024, 3072, 4326, 4978, 5703, 32767, 65535, 3857, 3031))
            struct.pack_into("<H", changed, value + 2 * draw.randrange(many), odd)
    return bytes(changed)
