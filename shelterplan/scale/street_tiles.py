"""The streets of a country, cut to pieces, numbered through and written tile by tile.

Pieces come in the order of their ways' ids and along each way: that is their number, which does not
depend on the tiles. Each goes to the groups of all tiles that it touches, and a group is written at
a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.feather
import shapely

from shelterplan.progress import Progress, silent
from shelterplan.scale.grid import Grid, Tile
from shelterplan.scale.spill import Spill
from shelterplan.scale.store import Part, touched, write_part
from shelterplan.sources.streets import Ints

_HELPERS: Final = ("home_column", "home_row", "curve", "column", "row")
"""Columns that are not written: the home, the order within it, and the tile that a row is for."""


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


def lay_streets(tables: Iterable[gpd.GeoDataFrame], grid: Grid, groups: Groups) -> int:
    """Lay pieces of street aside by the groups of the tiles that they touch.

    Parameters
    ----------
    tables : iterable of GeoDataFrame
        Columns of the streets table, in longitude and latitude.
    grid : Grid
        The grid.
    groups : Groups
        Where they go.

    Returns
    -------
    int
        Pieces of street in all.
    """
    count = 0
    for table in tables:
        shapes = np.asarray(table.geometry.to_crs(grid.crs).array)
        start = shapely.get_coordinates(shapely.get_point(shapes, 0))
        home = grid.tiles_at(start[:, 0], start[:, 1])
        rows = pa.Table.from_pandas(table.drop(columns="geometry"), preserve_index=False)
        rows = rows.add_column(0, "edge", pa.array(count + np.arange(len(table))))
        names = pa.array([str(Tile(*one)) for one in home.tolist()], pa.large_string())
        rows = rows.add_column(3, "home", names)
        for name, values in zip(_HELPERS, (*home.T, curve(grid, *start.T)), strict=False):
            rows = rows.append_column(name, pa.array(values))
        wkb = pa.array(shapely.to_wkb(table.geometry.to_numpy()), pa.large_binary())
        rows = rows.append_column("geometry", wkb)
        at, tile = touched(grid, shapes)
        rows = rows.take(at)
        for name, values in zip(_HELPERS[3:], tile.T, strict=True):
            rows = rows.append_column(name, pa.array(values))
        groups.lay(groups.of(*tile.T), rows)
        count += len(table)
    return count


def write_streets(groups: Groups, folder: Path, *, progress: Progress = silent) -> list[Part]:
    """Write the streets of every tile.

    Parameters
    ----------
    groups : Groups
        As `lay_streets` has filled them.
    folder : Path
        Folder of the region.
    progress : Progress
        Told how far it is.
    """
    parts: list[Part] = []
    for group in range(groups.count):
        progress("writing streets", group / groups.count)
        rows = groups.fetch(group)
        if rows is not None:
            parts += _write(rows, folder)
    progress("writing streets", 1.0)
    return parts


def _write(rows: pa.Table, folder: Path) -> Iterator[Part]:
    """Write the tiles of a group, each along a curve through the homes of its streets."""
    keys = ("edge", "curve", "home_column", "home_row")
    order = np.lexsort([rows[key].to_numpy() for key in keys])
    column, row = (rows[key].to_numpy() for key in _HELPERS[3:])
    for tile, part in by_tile(column, row, order):
        yield write_part(folder, "streets", tile, _table(rows.take(part)))


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


def _table(rows: pa.Table) -> gpd.GeoDataFrame:
    """Return the streets of one tile as they are stored."""
    shapes = shapely.from_wkb(rows["geometry"].to_numpy(zero_copy_only=False))
    plain = rows.drop_columns([*_HELPERS, "geometry"]).to_pandas()
    return gpd.GeoDataFrame(plain, geometry=shapes, crs="EPSG:4326")
