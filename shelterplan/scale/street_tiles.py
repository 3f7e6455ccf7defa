"""The streets of a country, cut to pieces, numbered through and written tile by tile.

Each piece of street goes to the group of its home, the tile of its first point. There it gets its
rank, and pieces that reach into other tiles are handed on to the groups of those. When all ranks
are known, so are the numbers of the first pieces of each tile, and the tiles are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import shapely

from shelterplan.progress import Progress, silent
from shelterplan.scale.grid import Grid, Tile
from shelterplan.scale.spill import Spill
from shelterplan.scale.store import Part, write_part
from shelterplan.sources.streets import Ints

_HELPERS: Final = ("column", "row", "first", "bottom", "last", "top", "curve", "rank")
"""Columns that are not written: the home, the tiles touched, and the order within the home."""


@dataclass
class Groups:
    """Rows laid aside by groups of tiles, to be fetched group by group."""

    spill: Spill
    name: str
    count: int
    _files: dict[int, int] = field(default_factory=dict)

    def of(self, column: Ints, row: Ints) -> Ints:
        """Return the group of each tile."""
        return (np.asarray(row) * 1_000_003 + np.asarray(column)) % self.count

    def lay(self, group: Ints, rows: pa.Table) -> None:
        """Lay each row aside for its group."""
        for one in np.unique(group).tolist():
            number = self._files.get(one, 0)
            self._files[one] = number + 1
            part = rows.take(np.flatnonzero(group == one))
            path = self.spill.path(self.name, f"{one}.{number}")
            pyarrow.feather.write_feather(part, path, compression="lz4")

    def fetch(self, group: int) -> pa.Table | None:
        """Return the rows of a group in the order in which they came, and throw them away."""
        paths = [
            self.spill.path(self.name, f"{group}.{number}")
            for number in range(self._files.pop(group, 0))
        ]
        if not paths:
            return None
        rows = pa.concat_tables(
            [pyarrow.feather.read_table(path, memory_map=False) for path in paths]
        )
        for path in paths:
            path.unlink()
        return rows.combine_chunks()


def curve(grid: Grid, x: np.ndarray, y: np.ndarray) -> Ints:
    """Return where points of the plane lie along a Hilbert curve in their tile."""
    side = grid.tile_m
    x, y = x - np.floor(x / side) * side, y - np.floor(y / side) * side
    within = gpd.GeoSeries(gpd.points_from_xy(x, y))
    along = within.hilbert_distance(total_bounds=(0, 0, side, side))
    return np.asarray(along, dtype=np.int64)


def lay_streets(tables: Iterable[gpd.GeoDataFrame], grid: Grid, groups: Groups) -> None:
    """Lay pieces of street aside by the groups of their homes.

    Parameters
    ----------
    tables : iterable of GeoDataFrame
        Columns of the streets table, in longitude and latitude.
    grid : Grid
        The grid.
    groups : Groups
        Where they go.
    """
    for table in tables:
        shapes = np.asarray(table.geometry.to_crs(grid.crs).array)
        start = shapely.get_coordinates(shapely.get_point(shapes, 0))
        bounds = shapely.bounds(shapes)
        home = grid.tiles_at(start[:, 0], start[:, 1])
        first, last = grid.tiles_at(*bounds[:, :2].T), grid.tiles_at(*bounds[:, 2:].T)
        rows = pa.Table.from_pandas(table.drop(columns="geometry"), preserve_index=False)
        helpers = (*home.T, *first.T, *last.T, curve(grid, *start.T))
        for name, values in zip(_HELPERS, helpers, strict=False):
            rows = rows.append_column(name, pa.array(values))
        wkb = pa.array(shapely.to_wkb(table.geometry.to_numpy()), pa.large_binary())
        groups.lay(groups.of(*home.T), rows.append_column("geometry", wkb))


def write_streets(
    groups: Groups, folder: Path, *, progress: Progress = silent
) -> tuple[list[Part], int]:
    """Write the streets of every tile, numbered through the whole region.

    Parameters
    ----------
    groups : Groups
        As `lay_streets` has filled them.
    folder : Path
        Folder of the region.
    progress : Progress
        Told how far it is.

    Returns
    -------
    parts : list of Part
        The files.
    count : int
        Pieces of street in the region.
    """
    homes = Groups(groups.spill, f"{groups.name}-home", groups.count)
    away = Groups(groups.spill, f"{groups.name}-away", groups.count)
    sizes: dict[Tile, int] = {}
    for group in range(groups.count):
        progress("numbering streets", group / groups.count)
        _rank(groups.fetch(group), group, sizes, homes, away)
    before, first = 0, {}
    for tile in sorted(sizes, key=lambda one: (one.row, one.column)):
        first[tile] = before
        before += sizes[tile]
    parts = []
    for group in range(groups.count):
        progress("writing streets", group / groups.count)
        found = [rows for rows in (homes.fetch(group), away.fetch(group)) if rows is not None]
        if found:
            parts += list(_write(pa.concat_tables(found), first, folder))
    progress("writing streets", 1.0)
    return parts, before


def _rank(
    rows: pa.Table | None, group: int, sizes: dict[Tile, int], homes: Groups, away: Groups
) -> None:
    """Give the pieces at home in a group their ranks, and hand on those that reach elsewhere."""
    if rows is None:
        return
    column, row = (rows[name].to_numpy() for name in ("column", "row"))
    keys = ("osm_id", "curve", "column", "row")
    order = np.lexsort((np.arange(column.size), *(rows[key].to_numpy() for key in keys)))
    rows, column, row = rows.take(order), column[order], row[order]
    new = (np.diff(column, prepend=column[:1] - 1) != 0) | (np.diff(row, prepend=row[:1]) != 0)
    begin = np.flatnonzero(new)
    size = np.diff(np.append(begin, column.size))
    tiles = zip(column[begin].tolist(), row[begin].tolist(), strict=True)
    sizes.update({Tile(*tile): int(n) for tile, n in zip(tiles, size, strict=True)})
    rank = np.arange(column.size) - np.repeat(begin, size)
    rows = rows.append_column("rank", pa.array(rank))
    at, to_column, to_row = _reached(rows)
    elsewhere = (to_column != column[at]) | (to_row != row[at])
    homes.lay(np.full(column.size, group), _with_tile(rows, column, row))
    at, to_column, to_row = at[elsewhere], to_column[elsewhere], to_row[elsewhere]
    away.lay(away.of(to_column, to_row), _with_tile(rows.take(at), to_column, to_row))


def _with_tile(rows: pa.Table, column: Ints, row: Ints) -> pa.Table:
    """Say for which tile rows are."""
    return rows.append_column("to_column", pa.array(column)).append_column("to_row", pa.array(row))


def _reached(rows: pa.Table) -> tuple[Ints, Ints, Ints]:
    """Return every tile that the box of a piece touches: row of the piece, column, row."""
    left, bottom, right, top = (
        rows[name].to_numpy() for name in ("first", "bottom", "last", "top")
    )
    wide = right - left + 1
    count = wide * (top - bottom + 1)
    at = np.repeat(np.arange(left.size), count)
    number = np.arange(at.size) - np.repeat(np.cumsum(count) - count, count)
    return at, left[at] + number % wide[at], bottom[at] + number // wide[at]


def _write(rows: pa.Table, first: dict[Tile, int], folder: Path) -> Iterator[Part]:
    """Write the tiles of a group."""
    home = [
        Tile(*one) for one in zip(rows["column"].to_pylist(), rows["row"].to_pylist(), strict=True)
    ]
    edge = np.array([first[tile] for tile in home], dtype=np.int64) + rows["rank"].to_numpy()
    column, row = rows["to_column"].to_numpy(), rows["to_row"].to_numpy()
    for tile, part in by_tile(column, row, np.argsort(edge, kind="stable")):
        names = [str(home[one]) for one in part.tolist()]
        yield write_part(folder, "streets", tile, _table(rows.take(part), edge[part], names))


def by_tile(column: Ints, row: Ints, order: Ints) -> Iterator[tuple[Tile, Ints]]:
    """Yield the rows of each tile, tile by tile, in the order given.

    Examples
    --------
    >>> list(by_tile(np.array([4, 3, 4]), np.array([0, 0, 0]), np.array([2, 1, 0])))
    [(Tile(column=3, row=0), array([1])), (Tile(column=4, row=0), array([2, 0]))]
    """
    order = order[np.lexsort((column[order], row[order]))]
    place = np.column_stack([row, column])[order]
    new = (np.diff(place, axis=0, prepend=place[:1]) != 0).any(axis=1)
    for part in np.split(order, np.flatnonzero(new)):
        if part.size:
            yield Tile(int(column[part[0]]), int(row[part[0]])), part


def _table(rows: pa.Table, edge: Ints, home: list[str]) -> gpd.GeoDataFrame:
    """Return the streets of one tile as they are stored."""
    shapes = shapely.from_wkb(rows["geometry"].to_numpy(zero_copy_only=False))
    plain = rows.drop_columns([*_HELPERS, "to_column", "to_row", "geometry"]).to_pandas()
    plain.insert(0, "edge", edge)
    plain.insert(3, "home", pd.array(home, dtype="str"))
    return gpd.GeoDataFrame(plain, geometry=shapes, crs="EPSG:4326")
