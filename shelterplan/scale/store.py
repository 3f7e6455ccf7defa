"""A region on disk: GeoParquet tables cut along the grid, and a manifest that is put in place last.

The folder of a region holds

    region.toml                     the grid, the sources, and the hash of `tiles` and `communities`
    tiles-<hash>.parquet            one row a file: table, tile, rows, sha256
    communities-<hash>.parquet      every community, without its polygon
    <table>/<tile>-<hash>.parquet   the rows of one table in one tile, in spatial order

Streets and hazard zones stand in every tile that they touch, whatever the place of their ends; all
else stands in the one tile that it lies in. Lines and points are kept in GeoParquet's own encoding
of coordinates (version 1.1), other shapes as well-known binary.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyproj
import shapely
import tomli_w

from shelterplan import area_files, earth
from shelterplan.atomic import write_whole
from shelterplan.errors import AreaError
from shelterplan.scale.board import Board
from shelterplan.scale.grid import Box, Grid, Tile

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

MANIFEST: Final = "region.toml"
FORMAT: Final = 1
"""Version of the layout; another one is refused."""
SHARED: Final = ("streets", "hazards")
"""Tables whose rows stand in every tile that they touch."""
TABLES: Final = (*SHARED, "demand", "shelters", "entrances", "candidates")
ROWS_IN_GROUP: Final = 4_096
"""Rows that are read or passed over together."""
SMALLEST_TILE_M: Final = 10.0
LARGEST_TILE_M: Final = 1e8
_AGAIN: Final = "Make the region again."
NUMBER: Final = {"streets": "edge", "hazards": "piece"}
"""Column that numbers the rows of a shared table through the whole region."""
_PLAIN: Final = ("streets", "demand", "entrances")
"""Tables whose shapes are all of one kind, kept as coordinates: those are read four times faster
than well-known binary."""


class Part(NamedTuple):
    """One table in one tile."""

    table: str
    tile: Tile
    file: str
    """Name within the folder of the region."""
    rows: int
    sha256: str


@dataclass(frozen=True)
class Region:
    """A region that can be read tile by tile. Open one with `Region.open`."""

    folder: Path
    grid: Grid
    title: str
    sources: tuple[Mapping[str, str], ...]
    notes: tuple[str, ...]
    illustrative: tuple[str, ...]
    """Tables that hold synthetic or illustrative data."""
    parts: Mapping[tuple[str, Tile], Part]
    sha256: str
    """Hash of the manifest, and so of everything."""
    _communities: tuple[str, str]

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Region:
        """Open the folder of a region; only the manifest and the list of tiles are read.

        Raises
        ------
        AreaError
            If it is none, or the list of tiles is damaged; the file is named.
        """
        path = Path(folder)
        if not (path / MANIFEST).is_file():
            message = (
                f"{path.name!r} is no region: it has no {MANIFEST}. Make one with region ingest."
            )
            raise AreaError(message)
        content = (path / MANIFEST).read_bytes()
        manifest = area_files.unsealed(content, f"{path.name}/{MANIFEST}", FORMAT, _AGAIN)
        try:
            tiles, communities = manifest["tiles"], manifest["communities"]
            listed = pd.read_parquet(_intact(path, tiles["file"], tiles["sha256"]))
            parts = [_part(row) for row in listed.to_dict("records")]
            return cls(
                folder=path,
                grid=_grid(manifest["crs"], manifest["tile_m"]),
                title=area_files.text(manifest["title"]),
                sources=tuple(manifest["source"]),
                notes=area_files.texts(manifest["notes"]),
                illustrative=area_files.texts(manifest["illustrative"]),
                parts={(part.table, part.tile): part for part in parts},
                sha256=hashlib.sha256(content).hexdigest(),
                _communities=(str(communities["file"]), str(communities["sha256"])),
            )
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            if isinstance(error, AreaError):
                raise
            message = f"{path.name}/{MANIFEST} does not fit together: {str(error)[:200]}. {_AGAIN}"
            raise AreaError(message) from error

    @property
    def tiles(self) -> list[Tile]:
        """The tiles that hold anything, row by row."""
        return sorted({tile for _, tile in self.parts}, key=lambda tile: (tile.row, tile.column))

    @cached_property
    def communities(self) -> pd.DataFrame:
        """Every community: `name`, `district`; the index is `community_id`."""
        return pd.read_parquet(_intact(self.folder, *self._communities))

    def parts_in(self, table: str, box: Box) -> list[Part]:
        """Return the parts of a table that a box meets, row by row."""
        tiles = self.grid.tiles_in(_padded(box))
        return [self.parts[table, tile] for tile in tiles if (table, tile) in self.parts]

    def read(self, table: str, tile: Tile) -> gpd.GeoDataFrame | None:
        """Return a table in one tile, checked against its hash; None if there is nothing.

        Parameters
        ----------
        table : str
            One of `TABLES`.
        tile : Tile
            The tile.

        Raises
        ------
        AreaError
            If the file is missing or damaged; it is named.
        """
        part = self.parts.get((table, tile))
        return None if part is None else _frame(self._rows(part))

    def columns(self, table: str, tile: Tile, names: Sequence[str]) -> pd.DataFrame | None:
        """Return some columns of a table in one tile, without shapes; else as `read`."""
        part = self.parts.get((table, tile))
        return None if part is None else self._rows(part, names).to_pandas()

    def near(
        self,
        table: str,
        box: Box,
        *,
        names: Sequence[str] | None = None,
        around: NDArray[np.float64] | None = None,
        beside: Callable[[Part], NDArray[np.int64]] | None = None,
    ) -> gpd.GeoDataFrame | None:
        """Return the rows of a table near a box, each once, in the order of the whole region.

        Rows that do not touch the box may be among them. None if there is nothing. Shelters come
        with all of the tiles that the box meets: an entrance may be near where the shelter is not.

        Parameters
        ----------
        table : str
            One of `TABLES`.
        box : Box
            The box.
        names : sequence of str, optional
            Columns that are wanted besides the shapes; by default all of them.
        around : array of float, shape (n, 4), optional
            Boxes (lon, lat), at least one: a row that does not come near one is not wanted.
        beside : callable, optional
            Returns a number for every row of a file, in its order: a further column, `beside`.
        """
        bounds = None if table == "shelters" else self.grid.lonlat(_padded(box))
        wanted = None if names is None else [*names, "geometry", "bbox"]
        board = None if around is None else Board.of(around)
        read = [
            self._rows(part, wanted, bounds, board, None if beside is None else beside(part))
            for part in self.parts_in(table, box)
        ]
        if not any(rows.num_rows for rows in read):
            return None
        rows = pa.concat_tables(read, promote_options="permissive")
        if table in SHARED:
            first = np.unique(rows[NUMBER[table]].to_numpy(), return_index=True)[1]
            return _frame(rows.take(pa.array(first)))
        every = _frame(rows)
        return every[~every.index.duplicated()].sort_index()

    def _rows(
        self,
        part: Part,
        names: Sequence[str] | None = None,
        bounds: tuple[float, float, float, float] | None = None,
        board: Board | None = None,
        beside: NDArray[np.int64] | None = None,
    ) -> pa.Table:
        """Return a file, or those of its rows whose boxes meet bounds, and come near others."""
        path = _intact(self.folder, part.file, part.sha256)
        try:
            with pq.ParquetFile(path) as file:
                groups = _groups_near(file.metadata, bounds)
                rows = file.read_row_groups(groups, columns=names, use_threads=False)
                if beside is not None:
                    here = beside[_row_numbers(file.metadata, groups)]
                    rows = rows.append_column("beside", pa.array(here))
            if bounds is not None and rows.num_rows:
                boxes = _boxes(rows)
                meets = (boxes[:, :2] <= bounds[2:]) & (boxes[:, 2:] >= bounds[:2])
                keep = np.flatnonzero(meets.all(axis=1))
                if board is not None:
                    keep = keep[board.near(boxes[keep])]
                rows = rows.take(pa.array(keep))
            return rows.drop_columns([name for name in ("bbox",) if name in rows.column_names])
        except (pa.ArrowException, ValueError, KeyError, OSError) as error:
            message = f"{self.folder.name}/{part.file} cannot be read: {error}"
            raise AreaError(message) from error


_BOX: Final = ("xmin", "ymin", "xmax", "ymax")


def _groups_near(
    metadata: pq.FileMetaData, bounds: tuple[float, float, float, float] | None
) -> list[int]:
    """Return the groups of rows of a file that can hold something within bounds (lon, lat)."""
    every = range(metadata.num_row_groups)
    if bounds is None or not every:
        return list(every)
    names = [metadata.row_group(0).column(i).path_in_schema for i in range(metadata.num_columns)]
    column = [names.index(f"bbox.{side}") for side in _BOX]
    west, south, east, north = bounds
    found = []
    for group in every:
        said = [metadata.row_group(group).column(i).statistics for i in column]
        if any(one is None or not one.has_min_max for one in said) or (
            said[0].min <= east
            and said[1].min <= north
            and said[2].max >= west
            and said[3].max >= south
        ):
            found.append(group)
    return found


def _row_numbers(metadata: pq.FileMetaData, groups: Sequence[int]) -> NDArray[np.int64]:
    """Return where in a file the rows of some of its groups stand."""
    size = np.array([metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)], int)
    first = np.cumsum(size) - size
    every = [np.arange(first[group], first[group] + size[group]) for group in groups]
    return np.concatenate([np.zeros(0, np.int64), *every])


def _boxes(rows: pa.Table) -> NDArray[np.float64]:
    """Return the boxes of rows (lon, lat), shape (n, 4)."""
    box = rows["bbox"].combine_chunks()
    return np.column_stack([pc.struct_field(box, side).to_numpy() for side in _BOX])


def _frame(rows: pa.Table) -> gpd.GeoDataFrame:
    """Return rows of GeoParquet files.

    geopandas reads the same, but takes a tenth of a second for every file to understand its CRS.
    """
    shapes = gpd.array.GeometryArray(_shapes(rows["geometry"].combine_chunks()), crs=earth.LONLAT)
    table = rows.drop_columns("geometry").to_pandas()
    return gpd.GeoDataFrame(table, geometry=shapes)


def _shapes(column: pa.Array) -> NDArray[np.object_]:
    """Return the shapes of a column: well-known binary, coordinates of points or of lines."""
    if pa.types.is_struct(column.type):
        shapes = shapely.points(*(pc.struct_field(column, axis).to_numpy() for axis in "xy"))
    elif pa.types.is_list(column.type):
        at = column.flatten()
        places = np.column_stack([pc.struct_field(at, axis).to_numpy() for axis in "xy"])
        start = column.offsets.to_numpy().astype(np.int64)
        kind = shapely.GeometryType.LINESTRING
        shapes = shapely.from_ragged_array(kind, places, (start - start[0],))
    else:
        shapes = shapely.from_wkb(column.to_numpy(zero_copy_only=False))
    found: NDArray[np.object_] = np.array(shapes, object, ndmin=1)
    return found


def write_part(folder: Path, table: str, tile: Tile, rows: pd.DataFrame) -> Part:
    """Write a table in one tile; the same rows give the same bytes.

    Parameters
    ----------
    folder : Path
        Folder of the region.
    table : str
        One of `TABLES`.
    tile : Tile
        The tile.
    rows : GeoDataFrame
        In spatial order: shared tables by their number, others by their index.
    """
    buffer = io.BytesIO()
    rows.to_parquet(
        buffer,
        compression="zstd",
        row_group_size=ROWS_IN_GROUP,
        write_covering_bbox=True,
        geometry_encoding="geoarrow" if table in _PLAIN else "WKB",
        schema_version="1.1.0",
    )
    content = buffer.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    file = f"{table}/{tile}-{digest[:8]}.parquet"
    (folder / table).mkdir(parents=True, exist_ok=True)
    if not _is_there(folder / file, content):
        write_whole(folder / file, content)
    return Part(table, tile, file, len(rows), digest)


def _is_there(path: Path, content: bytes) -> bool:
    """Say whether a file holds this already."""
    return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content


def finish(
    folder: Path,
    grid: Grid,
    parts: Iterable[Part],
    communities: pd.DataFrame,
    *,
    title: str,
    sources: Iterable[Mapping[str, str]] = (),
    notes: Iterable[str] = (),
    illustrative: Iterable[str] = (),
) -> Region:
    """Put the manifest of a region in place, drop the files of an earlier one, and open it."""
    listed = sorted(parts, key=lambda part: (part.table, part.tile.row, part.tile.column))
    table = pd.DataFrame(listed, columns=list(Part._fields))
    table["tile"] = table["tile"].map(str)
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "title": title,
        "crs": grid.crs_name,
        "tile_m": grid.tile_m,
        "attribution": "© OpenStreetMap contributors, ODbL 1.0",
        "notes": list(notes),
        "illustrative": sorted(illustrative),
        "tiles": _write_table(folder, "tiles", table),
        "communities": _write_table(folder, "communities", communities),
        "source": [dict(source) for source in sources],
    }
    write_whole(folder / MANIFEST, area_files.sealed(tomli_w.dumps(manifest)))
    kept = {part.file for part in listed} | {manifest[key]["file"] for key in _LISTS}
    for name in (*TABLES, *_LISTS):
        for old in folder.glob(f"{name}/*-????????.parquet" if name in TABLES else f"{name}-*"):
            if old.relative_to(folder).as_posix() not in kept:
                old.unlink()
    return Region.open(folder)


_LISTS: Final = ("tiles", "communities")


def _write_table(folder: Path, name: str, table: pd.DataFrame) -> dict[str, str]:
    """Write a table of the whole region under the name of its hash."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, compression="zstd")
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    write_whole(folder / f"{name}-{digest[:8]}.parquet", buffer.getvalue())
    return {"file": f"{name}-{digest[:8]}.parquet", "sha256": digest}


def _grid(crs_name: object, tile_m: object) -> Grid:
    """Return the grid that a manifest states."""
    grid = Grid(area_files.text(crs_name), float(str(tile_m)))
    if not SMALLEST_TILE_M <= grid.tile_m <= LARGEST_TILE_M:
        message = f"tiles of {tile_m!r} m"
        raise ValueError(message)
    try:
        metric = grid.crs.is_projected and all(
            axis.unit_conversion_factor == 1 for axis in grid.crs.axis_info
        )
    except pyproj.exceptions.CRSError as error:
        message = f"its crs {str(crs_name)[:80]!r} is none"
        raise ValueError(message) from error
    if not metric:
        message = f"its crs {str(crs_name)[:80]!r} is not in metres"
        raise ValueError(message)
    return grid


def _part(row: Mapping[Any, Any]) -> Part:
    """Return what one row of the list of tiles states."""
    file, sha256 = area_files.text(row["file"]), area_files.text(row["sha256"])
    if row["table"] not in TABLES or Path(file).parts[:-1] != (row["table"],):
        message = f"there is no table {str(row['table'])[:80]!r} in {file[:80]!r}"
        raise ValueError(message)
    return Part(row["table"], Tile.named(row["tile"]), file, int(row["rows"]), sha256)


def _padded(box: Box) -> Box:
    return Box(box.left - 1, box.bottom - 1, box.right + 1, box.top + 1)


def _intact(folder: Path, file: str, sha256: str) -> Path:
    """Return a file of a region that is as it was written, or say that it is damaged.

    A process reads a file many times, for one tile after the other: it is looked through once, and
    again when it was touched.
    """
    path = folder / file
    if ".." in Path(file).parts or Path(file).is_absolute() or not path.is_file():
        message = f"{folder.name}/{file} is missing. Make the region again."
        raise AreaError(message)
    about = path.stat()
    if _sha256(path, about.st_mtime_ns, about.st_size, about.st_ino) != sha256:
        message = (
            f"{folder.name}/{file} is damaged: its hash is not the one in the list of tiles. "
            "Make the region again."
        )
        raise AreaError(message)
    return path


@lru_cache(maxsize=100_000)
def _sha256(path: Path, *_: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def touched(grid: Grid, shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the tiles that the boxes of shapes touch.

    Parameters
    ----------
    grid : Grid
        The grid.
    shapes : array of Geometry, shape (n,)
        In the metric CRS.

    Returns
    -------
    row : array of int, shape (k,)
        Row of the shape, ascending.
    tile : array of int, shape (k, 2)
        Column and row of a tile that its box touches.

    Examples
    --------
    >>> line = shapely.linestrings([[900.0, 10.0], [1100.0, 20.0]])
    >>> touched(Grid("EPSG:32632", 1000.0), np.array([line]))[1].tolist()
    [[0, 0], [1, 0]]
    """
    bounds = shapely.bounds(shapes)
    first, last = grid.tiles_at(*bounds[:, :2].T), grid.tiles_at(*bounds[:, 2:].T)
    size = last - first + 1
    count = size.prod(axis=1)
    row = np.repeat(np.arange(len(shapes)), count)
    at = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    column = at % size[row, 0]
    return row, first[row] + np.column_stack([column, at // size[row, 0]])
