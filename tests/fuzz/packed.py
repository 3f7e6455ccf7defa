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
import shapely
import tomli_w

from shelterplan.area_files import sealed
from tests.fuzz.odd import BYTES, HEADERS, NUMBERS, TEXTS, changed_bytes, changed_tree

TOKEN = re.compile(rb'"[^"]*"|>[^<]+<|-?\d+(\.\d+)?')
KINDS = (
    *(pa.string(), pa.float32(), pa.float64(), pa.int8(), pa.int64(), pa.uint64(), pa.bool_()),
    *(pa.large_binary(), pa.decimal128(38, 2), pa.timestamp("ns"), pa.date32(), pa.null()),
)
"""Types that a column may be given."""
SHAPES = (
    *map(
        shapely.to_wkb,
        shapely.from_wkt(
            [
                *("POINT EMPTY", "POLYGON EMPTY", "LINESTRING EMPTY", "MULTIPOLYGON EMPTY"),
                *("POINT (3.001 0)", "POINT (0 0)", "MULTIPOINT (3 0, 3.001 0)"),
                *("LINESTRING (3 0, 3 0)", "LINESTRING (3 0, 3.001 0)"),
                *("LINESTRING (179.9 0, -179.9 0)", "GEOMETRYCOLLECTION (POINT (3 0))"),
                "POLYGON ((3 0, 3.01 0.01, 3.01 0, 3 0.01, 3 0))",
                "POLYGON ((3 0, 3 0, 3 0, 3 0))",
                "POLYGON ((-180 -90, 180 -90, 180 90, -180 90, -180 -90))",
            ]
        ),
    ),
    struct.pack("<BII6d", 1, 8, 3, 3.0, 0.0, 3.001, 0.001, 3.002, 0.0),
)
"""Shapes that stand where others should; the last one is an arc."""
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
    return archive_of(parts)


def changed_area(data, draw):
    """Change one table of a saved study area or its manifest; its hashes are mostly right."""
    try:
        parts = members(data)
        tables = sorted(one for one in parts if one.endswith(".parquet"))
        if draw.random() < 0.2:
            parts["area.toml"] = changed_manifest(parts["area.toml"], draw)
        elif draw.random() < 0.05:
            one, other = draw.choice(tables), draw.choice(tables)
            parts[one] = parts[other]
        else:
            name = draw.choice(tables)
            parts[name] = changed_rows(parts[name], draw)
    except (zipfile.BadZipFile, LookupError, ValueError, OSError, zlib.error, EOFError):
        return changed_archive(data, draw)
    return archive_of(with_right_hashes(parts) if draw.random() < 0.97 else parts)


def with_right_hashes(parts):
    """Let the manifest of a study area name the hashes that its files have now."""
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
        manifest = tomllib.loads(parts["area.toml"].decode())
        for entry in manifest["tables"].values():
            if entry["file"] in parts:
                content = parts[entry["file"]]
                entry["sha256"] = hashlib.sha256(content).hexdigest()
                with contextlib.suppress(pa.ArrowException, OSError):
                    entry["rows"] = pyarrow.parquet.read_metadata(io.BytesIO(content)).num_rows
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


def changed_rows(data, draw):
    """Change a table in a GeoParquet file as people and their programs do: it stays one."""
    if draw.random() < 0.2:
        return changed_parquet(data, draw)
    table = pyarrow.parquet.read_table(io.BytesIO(data))
    for _ in range(draw.choice((1, 1, 2))):
        with contextlib.suppress(
            pa.ArrowException, shapely.errors.ShapelyError, OverflowError, UnicodeError, TypeError
        ):
            change = draw.choice((_cell, _cell, _cell, _cell, _rows, _column, _kind, _said))
            table = change(table, draw)
    target = io.BytesIO()
    pyarrow.parquet.write_table(table, target)
    return target.getvalue()


def _cell(table, draw):
    """Change a cell, or all of its column, to another value of its kind."""
    at = draw.randrange(table.num_columns)
    field, values = table.field(at), table.column(at).to_pylist()
    if not values:
        return table
    row = draw.randrange(len(values))
    new = _value(field, values[row], draw)
    values = (
        [new] * len(values) if draw.random() < 0.2 else [*values[:row], new, *values[row + 1 :]]
    )
    return table.set_column(at, field, pa.array(values, type=field.type))


def _value(field, old, draw):
    if draw.random() < 0.1:
        return None
    if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
        return changed_shape(old, draw)
    if pa.types.is_boolean(field.type):
        return not old
    if pa.types.is_integer(field.type):
        return draw.choice((0, -1, 1, 5, 2**30, 2_000_000_000, 2**31 - 2, 2**31, 2**53, 2**63 - 1))
    if pa.types.is_floating(field.type):
        return draw.choice((*map(float, NUMBERS[:-1]), float("nan"), float("inf"), 2.0**33, 1e-9))
    return draw.choice((*TEXTS, "closed", "full", "west", "school", "unknown")).replace(
        "\ud7ff", "?"
    )


def changed_shape(data, draw):
    """Change a shape: its coordinates, its kind, its bytes."""
    what = draw.randrange(8)
    if what == 0 or data is None:
        return changed_bytes(data or b"", draw)
    shape = shapely.from_wkb(data)
    if what == 1:
        return draw.choice(SHAPES)
    if what == 2:
        return shapely.to_wkb(shapely.transform(shape, lambda xy: xy[:, ::-1]))
    if what == 3:
        return shapely.to_wkb(shapely.set_srid(shapely.force_3d(shape, 1e9), 4326), 3, None, 1)
    places = shapely.get_coordinates(shape)
    if what == 4:
        places = places + draw.choice((1e-9, 1e-3, 1.0, 177.0, -93.0, 360.0))
    elif len(places):
        odd = (float("nan"), float("inf"), 0.0, 90.0, 180.0, -180.0, 181.0, 1e308, 1e-320)
        places[draw.randrange(len(places)), draw.randrange(2)] = draw.choice(odd)
    return shapely.to_wkb(shapely.set_coordinates(shape, places))


def _rows(table, draw):
    """Leave rows out, repeat them, turn them round, or take none or many."""
    rows = list(range(table.num_rows))
    what = draw.randrange(5)
    if rows and what == 0:
        rows.pop(draw.randrange(len(rows)))
    elif rows and what == 1:
        rows.append(draw.choice(rows))
    elif what == 2:
        rows.reverse()
    elif what == 3:
        rows = []
    else:
        rows = rows * 50
    return table.take(rows)


def _column(table, draw):
    """Leave a column out, repeat it, or give it another name."""
    at, what = draw.randrange(table.num_columns), draw.randrange(4)
    if what == 0:
        return table.remove_column(at)
    if what == 1:
        return table.append_column(table.field(at), table.column(at))
    name = draw.choice((*HEADERS, *table.column_names, "geometry", "name"))
    if what == 2:
        return table.append_column(name, table.column(at))
    return table.set_column(at, table.field(at).with_name(name), table.column(at))


def _kind(table, draw):
    """Give a column another type."""
    at = draw.randrange(table.num_columns)
    column, field = table.column(at), table.field(at)
    if draw.random() < 0.3:
        column = pa.chunked_array([column.combine_chunks().dictionary_encode()])
    elif draw.random() < 0.3:
        nested = draw.choice(([1], {"a": None}, [["x"]]))
        column = pa.chunked_array([pa.array([nested] * len(column))])
    else:
        column = column.cast(draw.choice(KINDS), safe=False)
    return table.set_column(at, pa.field(field.name, column.type), column)


def _said(table, draw):
    """Change what the file says of its index, its types or its geometry."""
    metadata = dict(table.schema.metadata or {})
    key = draw.choice(sorted(metadata))
    if draw.random() < 0.1:
        del metadata[key]
    elif key in (b"geo", b"pandas"):
        told = changed_tree(json.loads(metadata[key]), draw)
        metadata[key] = json.dumps(told).encode("utf-8", "replace")
    return table.replace_schema_metadata(metadata)


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
