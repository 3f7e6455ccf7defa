"""Text tables (CSV and its kin) read as text, row numbers kept, nothing guessed in silence."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shelterplan.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ROWS = 2_000_000
"""Most rows a table may have."""
MAX_COLUMNS = 1_000
"""Most columns a table may have."""
MAX_FIELD = 10_000
"""Longest field that is read [characters]; a row with a longer one is left out."""
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
"""The separators looked for, with their names."""
COMMON = {"gb18030": ("gb2312", b"\xd7\xf9"), "cp932": ("shift_jis", b"\x98\x72")}
"""Encodings told by the signs they hold: the standard's own set, and its last common sign."""


@dataclass(frozen=True, eq=False, slots=True)
class TextTable:
    """The fields of a text table, all of them text."""

    header: list[str]
    """Column names as written, without space around them."""
    rows: list[tuple[int, list[str]]]
    """Row number as a spreadsheet shows it (header = 1), and as many fields as the header."""
    faults: list[tuple[int, str, str]]
    """Rows that could not be read: row number, problem, how to mend it."""
    encoding: str
    """The encoding that was chosen."""
    delimiter: str
    """The separator that was found, in words."""


def read_text_table(data: bytes, name: str) -> TextTable:
    r"""Read the bytes of a text table.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        What to call the file in messages.

    Raises
    ------
    SourceError
        Not a text table, or larger than the limits.

    Examples
    --------
    >>> table = read_text_table(b"code;name\n0330106;NA\n", "shelters.csv")
    >>> table.rows, table.delimiter
    ([(2, ['0330106', 'NA'])], 'semicolon')
    """
    encoding = choose_encoding(data, name)
    text = data.decode(encoding)
    delimiter = _choose_delimiter(text)
    records = _records(text, delimiter, name)
    header = next((fields for _, fields in records if any(map(str.strip, fields))), [])
    if len(header) > MAX_COLUMNS:
        raise SourceError(f"{name} has {len(header):,} columns; at most {MAX_COLUMNS:,} are read")
    header = [field.strip() for field in header]
    rows, faults = sort_rows(records, len(header))
    if len(rows) + len(faults) > MAX_ROWS:
        raise SourceError(f"{name} has more than {MAX_ROWS:,} rows: split it")
    return TextTable(header, rows, faults, encoding, DELIMITERS[delimiter])


def choose_encoding(data: bytes, name: str) -> str:
    """Return the encoding of a text file: UTF-8, UTF-16 if marked, GB18030 or Shift_JIS (CP932).

    GB18030 accepts nearly any bytes and CP932 many, so that each is believed only where at least
    half of what is not ASCII comes out as signs that its language uses often; the better one wins.

    Examples
    --------
    >>> choose_encoding("名称".encode("gb18030"), "a.csv"), choose_encoding("é".encode(), "a.csv")
    ('gb18030', 'utf-8')
    >>> choose_encoding("施設・場所名".encode("cp932"), "a.csv")
    'cp932'
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _if_decodes(data, "utf-16") or _no_encoding(name)
    if data.startswith(b"\xef\xbb\xbf"):
        return _if_decodes(data, "utf-8-sig") or _no_encoding(name)
    if _if_decodes(data, "utf-8"):
        return "utf-8"
    shares = {
        encoding: _common_share(data.decode(encoding), *COMMON[encoding])
        for encoding in COMMON
        if _if_decodes(data, encoding)
    }
    best = max(shares, key=lambda encoding: shares[encoding], default="")
    return best if best and shares[best] >= 0.5 else _no_encoding(name)


def _if_decodes(data: bytes, encoding: str) -> str:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return ""
    return encoding


def _common_share(text: str, plain: str, last: bytes) -> float:
    """Return the share of what is not ASCII that stands in a character set up to a sign.

    The sets are in the order of use: symbols and syllables first, then common signs, then rare.
    """
    foreign = Counter(letter for letter in text if ord(letter) > 127)
    common = 0
    for letter, count in foreign.items():
        code = letter.encode(plain, "ignore")
        common += count * (len(code) == 2 and code <= last)
    return common / max(foreign.total(), 1)


def _no_encoding(name: str) -> str:
    raise SourceError(
        f"{name} is neither UTF-8 nor GB18030 nor Shift_JIS text: save it as 'CSV UTF-8'"
    )


def _choose_delimiter(text: str) -> str:
    """Return the separator that splits the first written row into the most fields."""
    return max(DELIMITERS, key=lambda mark: _first_width(text, mark))


def _first_width(text: str, delimiter: str) -> int:
    """Return the number of fields of the first row that has any text."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return next((len(fields) for fields in reader if any(map(str.strip, fields))), 0)
    except csv.Error:
        return 0


def _records(text: str, delimiter: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with its row number; a quoted field may span lines."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    number = 0
    while True:
        number += 1
        if number > MAX_ROWS + 1:
            raise SourceError(f"{name} has more than {MAX_ROWS:,} rows: split it")
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise SourceError(
                f"{name}, row {number}: {error}. Is a quotation mark left open?"
            ) from error


def sort_rows(
    records: Iterator[tuple[int, list[str]]],
    width: int,
) -> tuple[list[tuple[int, list[str]]], list[tuple[int, str, str]]]:
    """Return the rows that fit a header of `width` fields, stripped, and what is wrong with others.

    Rows without any text are passed over.
    """
    rows: list[tuple[int, list[str]]] = []
    faults: list[tuple[int, str, str]] = []
    for number, raw in records:
        fields = [field.strip() for field in raw]
        if not any(fields):
            continue
        while len(fields) > width and not fields[-1]:
            fields.pop()
        if len(fields) != width:
            faults.append(
                (
                    number,
                    f"has {len(fields)} fields, the header has {width}",
                    "quote a field that holds the separator, or add what is missing",
                )
            )
        elif max(map(len, fields)) > MAX_FIELD:
            faults.append(
                (number, f"has a field of more than {MAX_FIELD:,} characters", "shorten it")
            )
        else:
            rows.append((number, fields))
    return rows, faults
