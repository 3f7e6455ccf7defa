"""What people call their columns, and what they write in the cells."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from shelterplan.sources.records import UNKNOWN_WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shelterplan.sources.records import Records

ID_NAMES = ("id", "code", "编号", "代码", "编码", "osm_id", "gb", "fid", "@id")
NAME_NAMES = ("name", "name:en", "name_en", "名称", "名字", "nom", "nombre", "nome", "title")
DISTRICT_NAMES = ("district", "区", "区县", "行政区", "borough", "distrito")
YES_WORDS = frozenset({"yes", "y", "true", "1", "是", "有", "designated", "○", "〇", "◯", "◎"})
NO_WORDS = frozenset({"no", "n", "false", "0", "否", "无", "×"})
PEOPLE = {
    "人": 1.0,
    "名": 1.0,
    "位": 1.0,
    "people": 1.0,
    "persons": 1.0,
    "person": 1.0,
    "pers.": 1.0,
    "万": 1e4,
    "万人": 1e4,
    "万名": 1e4,
}
"""Words after a number of people, and what one of them is."""
SQUARE_METRES = {
    "m2": 1.0,
    "m^2": 1.0,
    "sqm": 1.0,
    "sq m": 1.0,
    "平方米": 1.0,
    "平米": 1.0,
    "公顷": 1e4,
    "ha": 1e4,
    "hectares": 1e4,
    "万": 1e4,
    "万平方米": 1e4,
    "万m2": 1e4,
}
"""Words after an area, and how many square metres one of them is. "㎡" and "m²" are m2 too."""
AMOUNT = re.compile(
    r"(?P<sign>[-−]?)\s*"
    r"(?P<number>\d{1,3}(?P<mark>[ ,'’])\d{3}(?:(?P=mark)\d{3})*(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"\s*(?P<unit>.*)"
)
HEAD = re.compile(r"(?P<name>[^()\[\]]+?)_?[(\[](?P<unit>[^()\[\]]+)[)\]]")
AMBIGUOUS = re.compile(r"[-+]?\d{1,3}\.\d{3}")
"""1.200 is twelve hundred to some and one and a fifth to others."""


def id_names(records: Records, own: str, *, ids: Sequence[str] = ID_NAMES) -> tuple[str, ...]:
    """Return names of the id column; a general one counts only where every row has its own."""
    general = [
        name
        for name in ids
        if name in records.cells
        and (name in ("id", "code", "sid") or records.cells[name].is_unique)
    ]
    return (own, *general)


def names(records: Records, ids: pd.Series, more: Sequence[str] = ()) -> pd.Series:
    """Return names; a row without one goes by its id, which is said."""
    columns = (*NAME_NAMES[:1], *more, *NAME_NAMES[1:])
    found = records.text(columns)
    empty = np.flatnonzero((found == "").to_numpy())
    if records.find(columns):
        records.remark(empty, "name", "name is empty: the id is shown", "give the name")
    else:
        records.remark(
            empty[:1],
            "name",
            "the file has no name column: ids are shown",
            "add a column called name",
        )
    return found.mask(found == "", ids)


def flags(records: Records, columns: Sequence[str]) -> pd.Series:
    """Return a yes/no column as booleans, NA where it says neither."""
    words = records.text(columns).str.casefold()
    values = [True if word in YES_WORDS else False if word in NO_WORDS else pd.NA for word in words]
    return pd.Series(pd.array(values, dtype="boolean"), index=words.index)


def yes_no(records: Records, columns: Sequence[str], *, empty: str = "unknown") -> pd.Series:
    """Return a column as yes / no / unknown; a word that is none of them is said.

    Parameters
    ----------
    records : Records
        The rows.
    columns : sequence of str
        Names the column may have; without any every row is unknown.
    empty : str
        What an empty cell means.
    """
    column = records.find(columns)
    if not column:
        return pd.Series("unknown", index=records.cells.index, dtype=str)
    words = records.cells[column].str.casefold()
    known = dict.fromkeys(UNKNOWN_WORDS, "unknown") | {"": empty, "limited": "unknown"}
    known |= dict.fromkeys(YES_WORDS, "yes") | dict.fromkeys(NO_WORDS, "no")
    shown = words.to_numpy()
    records.remark(
        np.flatnonzero(~words.isin(known).to_numpy()),
        column,
        lambda i: f"{column} {shown[i][:40]!r} is neither yes nor no: unknown",
        "write yes, no or unknown",
    )
    return words.map(known).fillna("unknown").astype(str)


def amounts(records: Records, columns: Sequence[str], units: Mapping[str, float]) -> pd.Series:
    """Return a column of numbers >= 0 that may be written with separators and units.

    What is read in another way than as plain digits is said, and so is what cannot be read
    safely ("about 300", "300-500", "1.200"): it is unknown, and the row stays. A negative number
    leaves the row out.

    Parameters
    ----------
    records : Records
        The rows.
    columns : sequence of str
        Names the column may have; a unit may follow in brackets, as in 面积（公顷）.
    units : mapping
        Units after a number, and how much one of them is: `PEOPLE` or `SQUARE_METRES`.

    Returns
    -------
    Series
        Float64, NA where unknown.
    """
    column, factor = _column_and_unit(records, columns, units)
    if not column:
        return pd.Series(pd.NA, index=records.cells.index, dtype="Float64")
    text = records.cells[column].to_numpy()
    read = [read_amount(one, units, factor) for one in text]
    known = np.array([one.casefold() not in UNKNOWN_WORDS for one in text], dtype=bool)
    values = np.array([value for value, _ in read], dtype="float64")
    plain = np.array([is_plain for _, is_plain in read], dtype=bool)
    values[~known] = np.nan
    records.refuse(
        np.flatnonzero(values < 0),
        column,
        lambda i: f"{column} {text[i][:40]} is negative",
        "give a number >= 0",
    )
    records.remark(
        np.flatnonzero((values >= 0) & ~plain),
        column,
        lambda i: f"{column} {text[i][:40]!r} is read as {values[i]:,.10g}",
        "write digits alone if that is wrong",
    )
    records.remark(
        np.flatnonzero(known & np.isnan(values)),
        column,
        lambda i: f"{column} {text[i][:40]!r} is no plain number: unknown",
        "write digits, with a point before decimals and nothing between thousands",
    )
    unknown = np.isnan(values)
    return pd.Series(
        pd.array(np.where(unknown, 0.0, values), dtype="Float64"), index=records.cells.index
    ).mask(unknown)


def _column_and_unit(
    records: Records, columns: Sequence[str], units: Mapping[str, float]
) -> tuple[str, float]:
    """Return the first of the columns that there is, and what a number in it stands for."""
    headed: dict[str, tuple[str, float]] = {}
    for column in map(str, records.cells.columns):
        found = HEAD.fullmatch(unicodedata.normalize("NFKC", column))
        if found and found["unit"].strip() in units:
            headed.setdefault(found["name"].strip(), (column, units[found["unit"].strip()]))
    for name in columns:
        if name in records.cells.columns:
            return name, 1.0
        if name in headed:
            return headed[name]
    return "", 1.0


def read_amount(text: str, units: Mapping[str, float], factor: float = 1.0) -> tuple[float, bool]:
    """Return the number in a cell (NaN if none can be read safely), and whether it is plain.

    Parameters
    ----------
    text : str
        The cell.
    units : mapping
        Units that may follow the number, and how much one of them is.
    factor : float
        What a number without a unit stands for.

    Examples
    --------
    >>> read_amount("300", PEOPLE), read_amount("1,200 人", PEOPLE)
    ((300.0, True), (1200.0, False))
    >>> read_amount("１.５公顷", SQUARE_METRES)
    (15000.0, False)
    >>> read_amount("约300", PEOPLE), read_amount("1.200", PEOPLE)
    ((nan, False), (nan, False))
    """
    cell = unicodedata.normalize("NFKC", text).strip()
    found = AMOUNT.fullmatch(cell)
    unit = found["unit"].strip().casefold() if found else ""
    if not found or (unit and unit not in units):
        return _exponent(cell, factor)
    if AMBIGUOUS.fullmatch(found["number"]) and units.get(unit, factor) == 1.0:
        return np.nan, False
    digits = re.sub(r"[ ,'’]", "", found["number"])
    size = float(digits) * units.get(unit, factor)
    if not np.isfinite(size):
        return np.nan, False
    return -size if found["sign"] else size, digits == text and factor == 1.0


def _exponent(cell: str, factor: float) -> tuple[float, bool]:
    """Return a number such as 1e3 or +5, which programs write."""
    try:
        value = np.nan if "_" in cell or AMBIGUOUS.fullmatch(cell) else float(cell) * factor
    except ValueError:
        value = np.nan
    return (value, factor == 1.0) if np.isfinite(value) else (np.nan, False)
