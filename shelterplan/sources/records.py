"""Rows from people, whatever the file: text cells, row numbers, positions, and what is wrong."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from shelterplan.errors import SourceError, TableError
from shelterplan.sources.text_tables import TextTable, read_text_table
from shelterplan.sources.vector import KIND_NAMES, check_file, read_vector, sniff
from shelterplan.sources.workbooks import is_workbook, read_workbook

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

UNKNOWN_WORDS = frozenset(
    {"", "na", "n/a", "nan", "null", "none", "unknown", "unk", "-", "?", "未知", "不详"}
)
"""What people write in a cell whose value they do not know."""
LAT_NAMES = ("lat", "latitude", "y", "lat_wgs84", "纬度", "緯度", "latitud")
LON_NAMES = (
    "lon",
    "lng",
    "long",
    "longitude",
    "x",
    "lon_wgs84",
    "经度",
    "經度",
    "経度",
    "longitud",
)
FAULT_COLUMNS = ["table", "row", "column", "problem", "mend"]
"""Columns of a quarantine."""
REPEATED = "repeats an earlier row in every column"


@dataclass(frozen=True, eq=False, slots=True)
class Checked:
    """A table that was checked, and everything that was found on the way."""

    table: gpd.GeoDataFrame
    """The good rows, with the columns of the study area's table."""
    rows: np.ndarray
    """Row number in the file of each good row."""
    quarantine: pd.DataFrame
    """Rows that were left out: table, row, column, problem, mend."""
    remarks: pd.DataFrame
    """Rows that were kept but repaired, or that are worth a look; same columns."""
    facts: dict[str, Any]
    """The source: name, sha256, kind, encoding, delimiter, crs, rows_read, rows_kept."""


@dataclass(slots=True)
class Records:
    """The rows of one file as text, while they are being checked.

    Rows are never removed here: `bad` marks those that a check has refused.
    """

    table: str
    """Name of the table in messages."""
    cells: pd.DataFrame
    """Text cells under lower-case column names; "" where there is nothing."""
    rows: np.ndarray
    """Row number in the file: header = 1 in text, first feature = 1 in a map layer."""
    geometry: gpd.GeoSeries | None
    """Geometry in longitude and latitude; None for a text table."""
    facts: dict[str, Any]
    """What is known of the file."""
    bad: np.ndarray = field(init=False)
    faults: list[tuple[int, str, str, str]] = field(default_factory=list)
    remarks: list[tuple[int, str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start with every row good."""
        self.bad = np.zeros(len(self.cells), dtype=bool)

    def find(self, names: Sequence[str]) -> str:
        """Return the first of the names that is a column, or ""."""
        return next((name for name in names if name in self.cells.columns), "")

    def told_columns(self) -> str:
        """Return the columns that the file has, as many as a message holds."""
        return f"{', '.join(map(str, self.cells.columns[:30])):.400}"

    def text(self, names: Sequence[str]) -> pd.Series:
        """Return the text of the first of these columns; all "" where there is none."""
        column = self.find(names)
        return self.cells[column] if column else pd.Series("", index=self.cells.index, dtype=str)

    def refuse(
        self, where: Iterable[int], column: str, problem: str | Callable[[int], str], mend: str
    ) -> None:
        """Leave out rows by position, each with its problem."""
        for i in where:
            self.bad[i] = True
            said = problem if isinstance(problem, str) else problem(i)
            self.faults.append((int(self.rows[i]), column, said, mend))

    def remark(
        self, where: Iterable[int], column: str, problem: str | Callable[[int], str], mend: str
    ) -> None:
        """Keep rows by position, and say what is odd about them."""
        for i in where:
            said = problem if isinstance(problem, str) else problem(i)
            self.remarks.append((int(self.rows[i]), column, said, mend))

    def numbers(self, names: Sequence[str], *, needed: bool = False) -> pd.Series:
        """Return a column of numbers >= 0 (NA = unknown); other rows are left out.

        Parameters
        ----------
        names : sequence of str
            Names the column may have.
        needed : bool
            Whether a row without the number is left out.
        """
        column = self.find(names)
        if not column:
            return pd.Series(pd.NA, index=self.cells.index, dtype="Float64")
        text = self.cells[column]
        known = ~text.str.casefold().isin(UNKNOWN_WORDS).to_numpy()
        values = to_floats(text)
        show = text.to_numpy()
        if needed:
            self.refuse(
                np.flatnonzero(~known),
                column,
                f"{column} is empty",
                "give a number (0 where it is none)",
            )
        self.refuse(
            np.flatnonzero(known & ~np.isfinite(values)),
            column,
            lambda i: f"{column} {show[i][:40]!r} is not a number",
            "write digits, with a point before decimals and nothing between thousands",
        )
        self.refuse(
            np.flatnonzero(known & (values < 0)),
            column,
            lambda i: f"{column} {show[i]} is negative",
            "give a number >= 0",
        )
        return pd.Series(
            pd.array(np.where(known, values, np.nan), dtype="Float64"), index=self.cells.index
        ).mask(~known | ~np.isfinite(values))

    def ids(self, names: Sequence[str], *, prefix: str) -> pd.Series:
        """Return ids as written, or prefix + row number; the second of two equal is left out."""
        column = self.find(names)
        numbered = pd.Series([f"{prefix}{row}" for row in self.rows], index=self.cells.index)
        if not column:
            return numbered
        ids = self.cells[column]
        self.refuse(
            np.flatnonzero(ids == ""), column, f"{column} is empty", "give each row its own id"
        )
        first = {text: int(row) for row, text in zip(self.rows[::-1], ids[::-1], strict=True)}
        self.refuse(
            np.flatnonzero(ids.duplicated() & (ids != "")),
            column,
            lambda i: f"{column} {ids[i]!r} stands in row {first[ids[i]]} already",
            "give each row its own id, or remove one",
        )
        return ids.mask(ids == "", numbered)

    def refuse_repeats(self) -> None:
        """Leave out rows that repeat an earlier one in every cell and in their geometry."""
        self.refuse(self._repeats(), "", REPEATED, "remove it, or give both rows their own id")

    def remark_repeats(self) -> None:
        """Keep such rows, and say so: two households of a block may well look the same."""
        self.remark(self._repeats(), "", f"{REPEATED}; both are counted", "remove it if it is one")

    def _repeats(self) -> NDArray[np.intp]:
        whole = self.cells
        if self.geometry is not None:
            whole = whole.assign(geometry=self.geometry.to_wkb().to_numpy())
        return np.flatnonzero(whole.duplicated().to_numpy() & ~self.bad)

    def positions(self) -> gpd.GeoSeries:
        """Return the geometry: of the map layer, or points from latitude and longitude."""
        if self.geometry is None:
            return self._points()
        geometry = self.geometry
        missing = geometry.isna().to_numpy()
        self.refuse(
            np.flatnonzero(missing),
            "geometry",
            "geometry is missing or cannot be read",
            "draw it again, or remove the row",
        )
        bounds = geometry.bounds.to_numpy()
        with np.errstate(invalid="ignore"):
            inside = (np.abs(bounds) <= (180, 90, 180, 90)).all(axis=1)
        self.refuse(
            np.flatnonzero(~inside & ~missing),
            "geometry",
            "geometry lies outside longitude -180..180, latitude -90..90",
            "save it in WGS 84 (EPSG:4326)",
        )
        self._refuse_null_island(geometry.geom_equals(shapely.Point(0, 0)).to_numpy())
        return geometry

    def _points(self) -> gpd.GeoSeries:
        lat_name, lon_name = self.find(LAT_NAMES), self.find(LON_NAMES)
        missing = [
            f"There is no {what} column (looked for {', '.join(names)}; the file has "
            f"{self.told_columns()})."
            for what, names, found in (
                ("latitude", LAT_NAMES, lat_name),
                ("longitude", LON_NAMES, lon_name),
            )
            if not found
        ]
        if missing:
            raise TableError(self.table, missing)
        lat, lon = to_floats(self.cells[lat_name]), to_floats(self.cells[lon_name])
        self._check_degrees(lat, lon, lat_name, "latitude", 90)
        self._check_degrees(lon, lat, lon_name, "longitude", 180)
        self._refuse_null_island((lat == 0) & (lon == 0))
        return gpd.GeoSeries(gpd.points_from_xy(lon, lat), index=self.cells.index, crs=4326)

    def _check_degrees(
        self, values: np.ndarray, other: np.ndarray, column: str, what: str, limit: int
    ) -> None:
        """Refuse coordinates that are no finite number in range; guess at the cause."""
        show = self.cells[column].to_numpy()
        self.refuse(
            np.flatnonzero(~np.isfinite(values)),
            column,
            lambda i: (
                f"{what} {show[i][:40]!r} is not a finite number" if show[i] else f"{what} is empty"
            ),
            "give degrees, such as 22.5431",
        )
        with np.errstate(invalid="ignore"):
            out = np.isfinite(values) & (np.abs(values) > limit)
            swapped = out & (np.abs(values) <= 180) & (np.abs(other) <= 90)
        said = lambda i: f"{what} {show[i]} is out of range"  # noqa: E731
        self.refuse(np.flatnonzero(swapped), column, said, "latitude and longitude swapped?")
        self.refuse(
            np.flatnonzero(out & ~swapped),
            column,
            said,
            "give degrees in WGS 84, not metres of a projection",
        )

    def _refuse_null_island(self, where: np.ndarray) -> None:
        self.refuse(
            np.flatnonzero(where),
            "",
            "position is (0, 0), where nothing lies",
            "give the position, or remove the row",
        )

    def finish(self, table: gpd.GeoDataFrame) -> Checked:
        """Return the good rows of the table made from these records.

        Raises
        ------
        TableError
            No row is good; every problem is listed.
        """
        kept = table[~self.bad]
        if kept.empty:
            raise TableError(
                self.table,
                [sentence(*fault) for fault in sorted(self.faults)] or ["The file has no rows."],
            )
        self.facts |= {
            "rows_read": len(self.cells) + self.facts.pop("unread", 0),
            "rows_kept": len(kept),
        }
        return Checked(
            kept,
            self.rows[~self.bad],
            fault_frame(self.table, self.faults),
            fault_frame(self.table, self.remarks),
            dict(self.facts),
        )


def sentence(row: int, column: str, problem: str, mend: str) -> str:  # noqa: ARG001
    """Return a fault as one sentence.

    Examples
    --------
    >>> sentence(4, "lat", "latitude 114.06 is out of range", "latitude and longitude swapped?")
    'row 4: latitude 114.06 is out of range (latitude and longitude swapped?).'
    """
    return f"row {row}: {problem} ({mend})."


def fault_frame(table: str, faults: Iterable[tuple[int, str, str, str]]) -> pd.DataFrame:
    """Return faults as a table in the order of the file."""
    found = pd.DataFrame([(table, *fault) for fault in faults], columns=FAULT_COLUMNS)
    return found.astype(
        {"row": "int64"} | dict.fromkeys(["table", "column", "problem", "mend"], "str")
    ).sort_values("row", kind="stable", ignore_index=True)


def to_floats(text: pd.Series) -> np.ndarray:
    """Return text as floats; NaN where it is not a plain number.

    Examples
    --------
    >>> to_floats(pd.Series(["1.5", "1_0", "1,5", ""])).tolist()
    [1.5, nan, nan, nan]
    """
    return np.fromiter(map(_to_float, text), dtype="float64", count=len(text))


def _to_float(text: str) -> float:
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def read_records(path: str | os.PathLike[str], table: str, *, layer: str = "") -> Records:
    """Read a text table, an Excel workbook or a map layer into text cells with row numbers.

    Parameters
    ----------
    path : path of a file
        Its content decides what it is.
    table : str
        What the table is called in messages.
    layer : str
        The layer of a GeoPackage, or the sheet of a workbook (by default the first).

    Raises
    ------
    SourceError
        The file cannot be read.
    """
    file = check_file(path)
    facts: dict[str, Any] = {"name": file.name, "sha256": _hash(file)}
    if is_workbook(file):
        text, sheet = read_workbook(file, sheet=layer)
        facts |= {"kind": "Excel workbook", "sheet": sheet}
    else:
        kind = sniff(file)
        facts["kind"] = KIND_NAMES[kind]
        if kind != "text":
            return _from_layer(read_vector(file, layer=layer), table, facts)
        text = read_text_table(file.read_bytes(), file.name)
        facts |= {"encoding": text.encoding, "delimiter": text.delimiter}
    return _from_text(text, table, file, facts)


def _from_text(text: TextTable, table: str, file: Path, facts: dict[str, Any]) -> Records:
    """Turn a text table or a sheet into records."""
    facts["unread"] = len(text.faults)
    header = _plain_names(text.header, file)
    cells = pd.DataFrame([fields for _, fields in text.rows], columns=header, dtype=str)
    records = Records(
        table, cells, np.array([row for row, _ in text.rows], dtype=np.int64), None, facts
    )
    records.faults.extend((row, "", problem, mend) for row, problem, mend in text.faults)
    return records


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _plain_names(header: Sequence[str], file: Path) -> list[str]:
    """Return column names in lower case with "_" for space and "-"; refuse equal ones."""
    names = [name.casefold().replace(" ", "_").replace("-", "_") for name in header]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise SourceError(
            f"{file.name} has two columns called {', '.join(twice)[:200]}: rename one"
        )
    return [name or f"column_{i}" for i, name in enumerate(names, start=1)]


def _from_layer(layer: gpd.GeoDataFrame, table: str, facts: dict[str, Any]) -> Records:
    """Turn a map layer into records, in longitude and latitude."""
    geometry = layer.geometry
    facts["crs"] = geometry.crs.to_string() if geometry.crs else "none declared: taken as WGS 84"
    geometry = geometry.set_crs(4326) if geometry.crs is None else geometry.to_crs(4326)
    attributes = layer.drop(columns=layer.geometry.name)
    cells = pd.DataFrame(
        {
            name: [_to_text(value) for value in attributes.iloc[:, i]]
            for i, name in enumerate(_unique(attributes.columns))
        },
        index=layer.index,
        dtype=str,
    )
    return Records(table, cells, np.arange(1, len(layer) + 1), geometry, facts)


def _unique(columns: Iterable[Any]) -> list[str]:
    """Return plain column names; of two that differ only in case the second gets a number."""
    names: list[str] = []
    for column in columns:
        name = str(column).casefold().replace(" ", "_").replace("-", "_")
        names.append(name if name not in names else f"{name}_{len(names)}")
    return names


def _to_text(value: Any) -> str:  # noqa: ANN401  (a cell of any layer)
    """Return a cell as text: whole numbers without a point, nothing for missing values."""
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()
