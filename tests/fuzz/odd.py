"""Odd values, and how to put one into a tree, a table or plain bytes."""

from __future__ import annotations

import csv
import io
from copy import deepcopy

TEXTS = (
    "",
    " ",
    "0",
    "-1",
    "1e308",
    "1e400",
    "-0.0",
    "nan",
    "inf",
    "NaN",
    "Infinity",
    "91",
    "181",
    "999999999999999999999999",
    "9" * 400,
    "0330106",
    "1_0",
    "１２",
    "1,200",
    "1.200",
    "300人",
    "约300",
    "1e3",
    "0x10",
    "+5",
    "NA",
    "null",
    "None",
    "=1+1",
    "@SUM(A1)",
    "{{7*7}}",
    "{% x %}",
    "<b>",
    "`",
    "${x}",
    "\x00",
    "\ud7ff",
    "\u202e",
    "é",
    "名称",
    "😀",
    "a" * 300,
    '"',
    "'",
    ",",
    ";",
    "\t",
    "\n",
    "\r\n",
    "..",
    "../../x",
    "file:///etc/hostname",
    "yes",
    "no",
    "2024-01-01",
    "true",
    "7.5",
    "43.5",
)
"""What people and machines write into a cell."""
NUMBERS = (
    0,
    1,
    -1,
    2,
    4,
    5,
    0.5,
    -0.0,
    90.0,
    90.0000001,
    180.0,
    -180.0,
    181,
    1e-320,
    1e15,
    1e308,
    -1e308,
    2**31,
    2**53,
    2**63,
    2**64,
    10**30,
    10**400,
)
HEADERS = (
    "lat",
    "lon",
    "latitude",
    "longitude",
    "x",
    "y",
    "name",
    "id",
    "code",
    "population",
    "capacity",
    "area_m2",
    "面积（公顷）",
    "容纳人数",
    "kind",
    "status",
    "wheelchair",
    "fit_flood",
    "children",
    "population_day",
    "shelter_name",
    "shelter_status",
    "施設・場所名",
    "洪水",
    "共通ID",
    "经度",
    "纬度",
    "hazard",
    "level",
    "district",
    "cost",
    "verified",
    "source",
    "emergency",
    "amenity",
    "@id",
    "geometry",
    "index",
    "deprivation",
    "return_period",
    "shelter_id",
    "community_id",
    "occupants",
    "市町村コード",
    "no",
    "",
)
BYTES = (
    b"",
    b"\x00",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\x80",
    b"\x7f\xff\xff\xff",
    b"0",
    b"-",
    b"9" * 30,
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"<!DOCTYPE a>",
    b"&a;",
    b"\x00" * 8,
    b"\xff" * 10,
    b"nan",
    b"1e999",
)


def changed_bytes(data, draw):
    """Change some bytes."""
    data = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(data) + 1)
        what = draw.randrange(6)
        if what == 0 and data:
            data[min(at, len(data) - 1)] = draw.randrange(256)
        elif what == 1 and data:
            data[min(at, len(data) - 1)] ^= 1 << draw.randrange(8)
        elif what == 2:
            data[at:at] = draw.choice(BYTES)
        elif what == 3:
            new = draw.choice(BYTES)
            data[at : at + len(new)] = new
        elif what == 4:
            del data[at : at + draw.choice((1, 2, 8, 64))]
        elif data:
            other, size = draw.randrange(len(data)), draw.choice((1, 4, 16, 64))
            data[at:at] = data[other : other + size]
    return bytes(data)


def changed_tree(tree, draw):
    """Change one place of nested dicts and lists."""
    places = [(None, None), *_places(tree)]
    holder, key = draw.choice(places)
    if holder is None:
        return odd_value(tree, draw) if draw.random() < 0.05 else changed_keys(tree, draw)
    what = draw.randrange(5)
    if what == 0:
        del holder[key]
    elif what == 1 and isinstance(holder, list):
        holder.insert(key, deepcopy(holder[key]))
    elif what == 2:
        other_holder, other_key = draw.choice(places[1:])
        holder[key] = deepcopy(other_holder[other_key])
    else:
        holder[key] = odd_value(holder[key], draw)
    return tree


def changed_keys(tree, draw):
    """Give the outermost dict a key more, or another name to one."""
    if isinstance(tree, dict):
        tree[draw.choice((*tree, *HEADERS, "type", "features", "crs"))] = odd_value(None, draw)
    return tree


def odd_value(old, draw):
    """Return something else."""
    what = draw.randrange(8)
    if what == 0:
        return draw.choice((None, True, False, [], {}, [[]], [{}]))
    if what == 1 and isinstance(old, (list, dict)):
        return [old] if draw.random() < 0.5 else {"a": old}
    if what == 2:
        return nested(old, draw.choice((3, 40, 400)))
    if what in (3, 4):
        return draw.choice(TEXTS)
    if isinstance(old, float):
        return old + draw.choice((1e-9, -1e-3, 1, 100, 1e6))
    return draw.choice(NUMBERS)


def nested(value, depth):
    """Put a value into many lists."""
    for _ in range(depth):
        value = [value]
    return value


def _places(tree):
    """Return every place (holder, key) of a tree."""
    found, waiting = [], [tree]
    while waiting and len(found) < 5_000:
        one = waiting.pop()
        pairs = one.items() if isinstance(one, dict) else enumerate(one)
        if not isinstance(one, (dict, list)):
            continue
        for key, value in pairs:
            found.append((one, key))
            if isinstance(value, (dict, list)):
                waiting.append(value)
    return found


def changed_table(rows, draw):
    """Change a table of text: a cell, a row, a column, a name of a column."""
    rows = [list(row) for row in rows] or [["lat", "lon"]]
    for _ in range(draw.randint(1, 3)):
        row = draw.choice(rows)
        at = draw.randrange(len(row)) if row else 0
        what = draw.randrange(9)
        if what <= 3 and row:
            row[at] = draw.choice(TEXTS)
        elif what == 4:
            rows.insert(draw.randrange(len(rows)), list(row))
        elif what == 5 and len(rows) > 1:
            rows.remove(row)
        elif what == 6:
            rows[0].insert(min(at, len(rows[0])), draw.choice(HEADERS))
            for other in rows[1:]:
                other.insert(min(at, len(other)), draw.choice(TEXTS))
        elif what == 7 and rows[0]:
            rows[0][draw.randrange(len(rows[0]))] = draw.choice(HEADERS)
        elif row:
            del row[at]
        if not rows:
            rows = [[""]]
    return rows


def changed_csv(data, draw):
    """Change a text table: mostly its cells, sometimes its mark, its encoding or its bytes."""
    if draw.random() < 0.2:
        return changed_bytes(data, draw)
    encoding = "utf-8"
    for one in ("utf-8-sig", "gb18030", "utf-16"):
        try:
            text, encoding = data.decode(one), one
            break
        except UnicodeError:
            continue
    else:
        return changed_bytes(data, draw)
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error:
        return changed_bytes(data, draw)
    if draw.random() < 0.1:
        encoding = draw.choice(("utf-8", "utf-8-sig", "gb18030", "utf-16", "cp932"))
    written = io.StringIO()
    mark = draw.choice(",,,,;\t")
    csv.writer(written, delimiter=mark).writerows(changed_table(rows, draw))
    return written.getvalue().encode(encoding, "replace")
