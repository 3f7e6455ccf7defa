"""Make streets of any layer of lines: a municipal street layer, the links of a traffic model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from shelterplan.errors import TableError
from shelterplan.sources.streets import (
    CHORD_TOLERANCE_M,
    FAULTS,
    MAX_SEGMENT_M,
    Bools,
    Floats,
    Ints,
    Report,
    Streets,
    geodesic_m,
    hilbert_order,
)

END_GRID_DEG = 1e-6
"""Ends of lines that fall into one cell of this grid are one node [degrees]: 0.11 m at most."""
MAX_END_SHIFT_M = 1.0
"""How far a line may end from the place of the node it names [m]."""
NAMED_ROWS = 10
"""How many row numbers a report spells out."""

_TAKEN_AS_THEY_ARE = {
    "steps": "bool",
    "incline": "str",
    "forward": "bool",
    "backward": "bool",
    "bridge_tunnel": "str",
    "wheelchair": "str",
}


@dataclass(frozen=True)
class _Lines:
    """Single lines in longitude and latitude, and the row of the layer that each comes from."""

    shape: npt.NDArray[np.object_]
    row: Ints

    def only(self, mask: Bools) -> _Lines:
        """Keep the marked lines."""
        return _Lines(self.shape[mask], self.row[mask])


def read_lines(
    layer: gpd.GeoDataFrame,
    *,
    length_column: str | None = None,
    class_column: str | None = None,
    name_column: str | None = None,
    id_column: str | None = None,
    from_column: str | None = None,
    to_column: str | None = None,
) -> Streets:
    """Make streets of a layer of lines. Every line counts as walkable, in both directions.

    Lines meet at their ends only: where two lines cross in the middle nobody can turn. Ends are
    joined when they fall into one cell of a grid of `END_GRID_DEG`, or when they name one node.
    Columns of the layer that have the names of the streets table (steps, forward, wheelchair ...)
    are taken as they are.

    Parameters
    ----------
    layer
        Lines or multi-part lines (each part becomes a street), in a known coordinate system.
    length_column
        Length [m]; by default `length_m` if the layer has it, else lengths are geodesic. The
        length of a multi-part line is shared out between its parts.
    class_column, name_column, id_column
        Kind of street, its name, its number (OpenStreetMap id); by default `class`, `name` and
        `osm_id` if the layer has them.
    from_column, to_column
        Ids of the nodes at both ends; without them the ends' coordinates decide.

    Returns
    -------
    Streets
        Rows that cannot be used are left out; `dropped` says why, how many, and which rows
        (counted from 0).

    Raises
    ------
    TableError
        The layer has no known coordinate system, no lines, or not the columns named.

    Examples
    --------
    >>> lines = shapely.linestrings([[(7, 43), (7.001, 43)], [(7.001, 43), (7.002, 43)]])
    >>> streets = read_lines(gpd.GeoDataFrame(geometry=lines, crs="EPSG:4326"))
    >>> streets.edges[["from", "to", "length_m"]].round(1).to_numpy().tolist()
    [[0.0, 1.0, 81.5], [1.0, 2.0, 81.5]]
    """
    named = [length_column, class_column, name_column, id_column, from_column, to_column]
    _check(layer, [column for column in named if column is not None])
    report = Report()
    lines = _measurable(_single_lines(layer, report), report)
    if from_column is not None and to_column is not None:
        lines, node = _named_nodes(lines, layer[from_column], layer[to_column], report)
    else:
        cells = np.round(np.vstack(_end_points(lines)) / END_GRID_DEG).astype(np.int64)
        node = np.unique(cells, axis=0, return_inverse=True)[1].reshape(-1)
    lines, node = _move_ends(lines, node, report)
    stated = _default(layer, length_column, "length_m")
    length_m, good = _lengths(lines, None if stated is None else layer[stated], report)
    columns = {
        "class": _default(layer, class_column, "class"),
        "name": _default(layer, name_column, "name"),
        "osm_id": _default(layer, id_column, "osm_id"),
    }
    ends = node.reshape(2, -1)[:, good]
    edges = _table(layer, lines.only(good), ends, length_m[good], columns)
    return Streets(edges, report.table(), int(np.unique(lines.row[good]).size), "")


def _check(layer: gpd.GeoDataFrame, named: list[str]) -> None:
    """Refuse a layer that cannot be read at all."""
    problems = [
        f"column {column!r} is missing; the layer has: {', '.join(map(str, layer.columns))}."
        for column in named
        if column not in layer.columns
    ]
    if layer.crs is None:
        problems.append("the coordinate system is unknown: set it, for example to EPSG:4326.")
    if not layer.geom_type.isin(["LineString", "MultiLineString"]).any():
        problems.append("there are no lines in the layer.")
    if problems:
        raise TableError("lines", problems)


def _default(layer: gpd.GeoDataFrame, column: str | None, usual: str) -> str | None:
    """Choose the column named, else the usual one if the layer has it."""
    return column if column is not None else (usual if usual in layer.columns else None)


def _note(report: Report, rule: str, rows: Ints, length_m: float = 0.0, mend: str = "") -> None:
    """Report rows that are left out, the first of them by number."""
    rows = np.unique(rows)
    reason = {
        "no_line": "no line",
        "several_parts": "a line in several parts cannot have one node at each end",
        "no_node": "it names no node at one of its ends",
        "bad_position": "a position that is not on Earth",
        "no_length": "both ends and all between at one place",
        "loose_end": f"its end lies more than {MAX_END_SHIFT_M:g} m from the node that it names",
    }.get(rule) or FAULTS[rule]
    named = ", ".join(map(str, rows[:NAMED_ROWS])) + (", ..." if rows.size > NAMED_ROWS else "")
    report.add(rule, f"{reason} (rows {named}){mend}", int(rows.size), length_m)


def _single_lines(layer: gpd.GeoDataFrame, report: Report) -> _Lines:
    """Take lines apart into their parts, in longitude and latitude; join parts that touch."""
    shapes = shapely.force_2d(layer.geometry.to_crs("EPSG:4326").to_numpy())
    kind = shapely.get_type_id(shapes)
    is_line = np.isin(kind, [1, 5]) & ~shapely.is_empty(shapes)
    _note(report, "no_line", np.flatnonzero(~is_line))
    rows = np.flatnonzero(is_line)
    shapes = shapes[rows]
    multi = shapely.get_type_id(shapes) == 5
    shapes[multi] = shapely.line_merge(shapes[multi])
    parts, parent = shapely.get_parts(shapes, return_index=True)
    return _Lines(parts, rows[parent])


def _measurable(lines: _Lines, report: Report) -> _Lines:
    """Leave out lines off the Earth, without extent, or with a piece too long to be believed."""
    west, south, east, north = shapely.bounds(lines.shape).T
    on_earth = (west >= -180) & (east <= 180) & (south >= -90) & (north <= 90)
    xy, line = shapely.get_coordinates(lines.shape, return_index=True)
    on_earth &= np.bincount(line, ~np.isfinite(xy).all(axis=1), lines.row.size) == 0
    _note(report, "bad_position", lines.row[~on_earth])
    lines = lines.only(on_earth)
    line, piece_m = _pieces(lines)
    longest = np.zeros(lines.row.size)
    np.maximum.at(longest, line, piece_m)
    far, still = longest > MAX_SEGMENT_M, longest == 0
    _note(report, "long_segment", lines.row[far], float(piece_m[far[line]].sum()))
    _note(report, "no_length", lines.row[still])
    return lines.only(np.asarray(~far & ~still, dtype=np.bool_))


def _pieces(lines: _Lines) -> tuple[Ints, Floats]:
    """Measure the straight pieces of all lines: the number of the line and the length [m]."""
    xy, line = shapely.get_coordinates(lines.shape, return_index=True)
    joined = line[1:] == line[:-1]
    a, b = xy[:-1][joined], xy[1:][joined]
    return line[1:][joined], geodesic_m(a[:, 0], a[:, 1], b[:, 0], b[:, 1])


def _end_points(lines: _Lines) -> tuple[Floats, Floats]:
    """Give the first and the last point of each line, shape (n, 2)."""
    first, last = (shapely.get_point(lines.shape, at) for at in (0, -1))
    return shapely.get_coordinates(first), shapely.get_coordinates(last)


def _named_nodes(
    lines: _Lines, start: pd.Series[Any], end: pd.Series[Any], report: Report
) -> tuple[_Lines, Ints]:
    """Tell the named nodes apart; leave out lines that name none, or have several parts."""
    several = np.bincount(lines.row, minlength=len(start))[lines.row] > 1
    _note(report, "several_parts", lines.row[several])
    nameless = (start.isna() | end.isna()).to_numpy()[lines.row] & ~several
    _note(report, "no_node", lines.row[nameless])
    lines = lines.only(~several & ~nameless)
    ids = pd.concat([start.iloc[lines.row], end.iloc[lines.row]])
    return lines, pd.factorize(ids)[0].astype(np.int64)


def _move_ends(lines: _Lines, node: Ints, report: Report) -> tuple[_Lines, Ints]:
    """Let each line end exactly where its nodes are; leave out lines that end elsewhere."""
    ends = np.vstack(_end_points(lines))
    first, again = np.unique(node, return_index=True, return_inverse=True)[1:]
    target = ends[first][again]
    shift = geodesic_m(ends[:, 0], ends[:, 1], target[:, 0], target[:, 1])
    loose = np.asarray((shift > MAX_END_SHIFT_M).reshape(2, -1).any(axis=0), dtype=np.bool_)
    _note(report, "loose_end", lines.row[loose])
    count = shapely.get_num_coordinates(lines.shape)
    last = np.cumsum(count) - 1
    xy = shapely.get_coordinates(lines.shape)
    xy[np.concatenate([last - count + 1, last])] = target
    moved = shapely.linestrings(xy, indices=np.repeat(np.arange(count.size), count))
    kept = _Lines(np.asarray(moved, dtype=np.object_), lines.row).only(~loose)
    return kept, node.reshape(2, -1)[:, ~loose].reshape(-1)


def _lengths(
    lines: _Lines, stated: pd.Series[float] | None, report: Report
) -> tuple[Floats, Bools]:
    """Measure each line, or take its stated length; mark those that can be used."""
    line, piece_m = _pieces(lines)
    measured: Floats = np.bincount(line, piece_m, lines.row.size).astype(np.float64)
    length_m: Floats = measured
    if stated is not None:
        whole = np.bincount(lines.row, measured, len(stated))
        given = pd.to_numeric(stated, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        length_m = given[lines.row] * measured / whole[lines.row]
    (x, y), (to_x, to_y) = (ends.T for ends in _end_points(lines))
    chord = geodesic_m(x, y, to_x, to_y)
    good = np.isfinite(length_m) & (length_m > 0) & (length_m >= chord - CHORD_TOLERANCE_M)
    mend = "; leave the length column out to have lengths measured" if stated is not None else ""
    _note(report, "bad_length", lines.row[~good], float(measured[~good].sum()), mend)
    return length_m, good


def _table(
    layer: gpd.GeoDataFrame,
    lines: _Lines,
    ends: Ints,
    length_m: Floats,
    columns: dict[str, str | None],
) -> gpd.GeoDataFrame:
    """Give every node its number and write the streets table."""
    start, end = _end_points(lines)
    first, again = np.unique(ends.reshape(-1), return_index=True, return_inverse=True)[1:]
    place = np.vstack([start, end])[first]
    number = hilbert_order(place[:, 0], place[:, 1])[again].reshape(2, -1)
    order = np.lexsort((np.arange(length_m.size), lines.row, number[1], number[0]))
    source = layer.iloc[lines.row[order]].reset_index(drop=True)
    table = pd.DataFrame({"from": number[0, order], "to": number[1, order]})
    table["length_m"] = length_m[order]
    for name in ("class", "name"):
        column = columns[name]
        table[name] = pd.Series(None if column is None else source[column], dtype="str")
    table["class"] = table["class"].fillna("unclassified")
    for name, dtype in _TAKEN_AS_THEY_ARE.items():
        table[name] = _taken(source, table["class"], name, dtype)
    table["osm_id"] = _whole(source, columns["osm_id"])
    edges = gpd.GeoDataFrame(table, geometry=lines.shape[order], crs="EPSG:4326")
    return edges.rename_axis("edge")


def _taken(
    source: gpd.GeoDataFrame, street_class: pd.Series[str], name: str, dtype: str
) -> pd.Series[Any]:
    """Take a column of the streets table from the layer, or say what is usual."""
    usual: Any = {"steps": street_class == "steps", "bridge_tunnel": ""}.get(name)
    if dtype == "bool":
        usual = True if usual is None else usual
        if name not in source.columns:
            return pd.Series(usual, index=source.index, dtype="bool")
        no = source[name].astype("str").str.lower().isin(["no", "false", "0", "0.0", "f", "n"])
        return pd.Series((~no).where(source[name].notna(), usual), dtype="bool")
    if name not in source.columns:
        return pd.Series(usual, index=source.index, dtype="str")
    return pd.Series(source[name].astype("str").where(source[name].notna(), usual), dtype="str")


def _whole(source: gpd.GeoDataFrame, column: str | None) -> pd.Series[int]:
    """Read a column of whole numbers; 0 where there is none."""
    if column is None:
        return pd.Series(0, index=source.index, dtype="int64")
    numbers = pd.to_numeric(source[column], errors="coerce")
    whole = numbers.where((numbers % 1 == 0) & (numbers.abs() < 2**53), 0)
    return pd.Series(whole.fillna(0), dtype="int64")
