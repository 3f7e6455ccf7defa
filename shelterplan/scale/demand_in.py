"""The people of a country: read some at a time, put into communities, and written tile by tile.

Text tables and GeoParquet files are cut into small files of the same kind, and GeoTIFFs are read
window by window; each goes through the same reader and the same checks as the people of a city.
Other map layers are read whole.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Final, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import shapely

from shelterplan import tables
from shelterplan.errors import SourceError, TableError
from shelterplan.progress import Progress, silent
from shelterplan.scale.grid import Grid
from shelterplan.scale.spill import Spill
from shelterplan.scale.store import Part, write_part
from shelterplan.scale.street_tiles import Groups, by_tile, curve
from shelterplan.sources.assign import owners
from shelterplan.sources.inputs import read_population
from shelterplan.sources.raster import is_geotiff, read_raster
from shelterplan.sources.records import Checked, fault_frame
from shelterplan.sources.streets import Ints
from shelterplan.sources.vector import sniff

PIECE_BYTES: Final = 16 << 20
"""Size of the small files that a text table is cut into [bytes]."""
PIECE_ROWS: Final = 200_000
"""Rows of the small files that a GeoParquet file is cut into."""
WINDOW_CELLS: Final = 1_500_000
"""Cells of a grid that are read together, about."""
GROUP_BYTES: Final = 16 << 20
"""Bytes of a file whose rows come together in one group of tiles, about."""
MILLION: Final = 1e6
"""People are kept in whole millionths."""
MOST_NAMED: Final = 10_000
"""Rows that could not be used and are named one by one; all are counted."""

_DIGITS: Final = 9
"""Decimals to which the positions of cells are kept [degrees]."""
_NARROW: Final = 1e-8
_ID = np.dtype([("hash", "<u8", 2), ("row", "<i8")])
"""With 128 bits no two ids of a country look the same by chance."""
_KEYS: Final = ("shelterplan: 1st", "shelterplan: 2nd")


class Some(NamedTuple):
    """Some of the rows of a file, checked."""

    checked: Checked
    before: int
    """Rows of the file before them."""
    numbered: bool
    """Whether their ids are made of row numbers."""


@dataclass
class People:
    """The people that were read."""

    groups: Groups
    rows_read: int = 0
    points: int = 0
    """Points in a community."""
    population: float = 0.0
    """People in them."""
    outside: int = 0
    """Points in no community."""
    population_outside: float = 0.0
    facts: dict[str, object] = field(default_factory=dict)
    quarantine: list[pd.DataFrame] = field(default_factory=list)


def lay_people(
    path: Path,
    communities: gpd.GeoDataFrame,
    grid: Grid,
    spill: Spill,
    *,
    piece_bytes: int = PIECE_BYTES,
    progress: Progress = silent,
) -> People:
    """Read the people of a file, and lay them aside by groups of tiles.

    Parameters
    ----------
    path : Path
        A text table, a map layer or a GeoTIFF (see `inputs.read_population`).
    communities : GeoDataFrame
        Index community_id; polygons in longitude and latitude.
    grid : Grid
        The grid.
    spill : Spill
        Where they are laid aside.
    piece_bytes : int
        How much of a text table is read together [bytes].
    progress : Progress
        Told how far it is.

    Raises
    ------
    SourceError, TableError
        The file cannot be read, an id stands in it twice, or nobody lives in a community.
    """
    count = 1 + (path.stat().st_size if path.is_file() else 0) // GROUP_BYTES
    people = People(Groups(spill, "demand", count))
    tree = shapely.STRtree(communities.geometry.to_numpy())
    for some, share in _read(path, communities, piece_bytes):
        progress("reading people", share)
        _lay(people, some, tree, communities.index, grid)
    progress("reading people", 1.0)
    for group in range(count):
        _refuse_repeated_ids(spill, group)
    if not people.points:
        problem = f"None of the {people.outside:,} points lies in a community: "
        raise TableError(
            "population",
            [problem + "do both files show the same place, in longitude and latitude?"],
        )
    return people


def _read(
    path: Path, communities: gpd.GeoDataFrame, piece_bytes: int
) -> Iterator[tuple[Some, float]]:
    """Yield the rows of a file, some at a time, and how far the reading is."""
    if is_geotiff(path):
        yield from _windows(path, communities)
        return
    kind = sniff(path) if path.is_file() and path.stat().st_size else ""
    large = kind == "text" and path.stat().st_size > piece_bytes
    if not (large or kind == "parquet"):
        yield Some(read_population(path), 0, numbered=False), 1.0
        return
    with tempfile.TemporaryDirectory(prefix="shelterplan-") as folder:
        piece = Path(folder) / path.name
        cut = _text_pieces(path, piece, piece_bytes) if large else _parquet_pieces(path, piece)
        for before, share in cut:
            try:
                checked = read_population(piece)
            except TableError as error:
                checked = _all_refused(error)
            yield Some(checked, before, numbered=_numbered(checked)), share


def _all_refused(error: TableError) -> Checked:
    """Return a piece of a file of which no row is good: other pieces may well have some.

    Raises
    ------
    TableError
        If not rows are what is wrong.
    """
    found = [re.match(r"row (\d+): (.*)", problem, re.DOTALL) for problem in error.problems]
    faults = [(int(one[1]), "", one[2], "") for one in found if one]
    if len(faults) < len(found):
        raise error
    nobody = gpd.GeoDataFrame({"population": np.zeros(0)}, geometry=[], crs="EPSG:4326")
    nothing = fault_frame("population", [])
    rows = np.zeros(0, np.int64)
    facts = {"rows_read": len({row for row, *_ in faults})}
    return Checked(nobody, rows, fault_frame("population", faults), nothing, facts)


def _numbered(checked: Checked) -> bool:
    """Tell whether ids are made of row numbers."""
    return bool((checked.table.index == [f"d{row}" for row in checked.rows]).all())


def _text_pieces(path: Path, piece: Path, piece_bytes: int) -> Iterator[tuple[int, float]]:
    """Write a text table as small ones, each with the head; yield the rows before it."""
    whole, read, before = path.stat().st_size, 0, 0
    with path.open("rb") as stream:
        head = stream.readline()
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise SourceError(f"{path.name} is UTF-16 text: save it as 'CSV UTF-8'")
        while True:
            rows, size, count, quotes = [], 0, 0, 0
            # a line may end within quotes: the row then goes on
            while (size < piece_bytes or quotes % 2) and (line := stream.readline(piece_bytes)):
                rows.append(line)
                size += len(line)
                quotes += line.count(b'"')
                count += quotes % 2 == 0
                if size > 4 * piece_bytes:
                    raise SourceError(f"{path.name} has a quote that does not end: mend it")
            if not rows:
                return
            piece.write_bytes(head + b"".join(rows))
            read += size
            yield before, read / whole
            before += count


def _parquet_pieces(path: Path, piece: Path) -> Iterator[tuple[int, float]]:
    """Write a GeoParquet file as small ones; yield the rows before each."""
    before = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            whole = file.metadata.num_rows
            for batch in file.iter_batches(batch_size=PIECE_ROWS):
                rows = pa.Table.from_batches([batch], schema=file.schema_arrow)
                pyarrow.parquet.write_table(rows, piece)
                yield before, (before + batch.num_rows) / whole
                before += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"{path.name} is cut off or damaged ({str(error)[:120]}).") from error


def _windows(path: Path, communities: gpd.GeoDataFrame) -> Iterator[tuple[Some, float]]:
    """Read a grid of people window by window, as far as there are communities."""
    bounds = np.array([-1, -1, 1, 1]) * _NARROW + communities.total_bounds
    bounds = bounds.round(_DIGITS)
    side = _window_side(path, communities)
    lines = [
        np.linspace(low, high, 1 + max(1, int(np.ceil((high - low) / side)))).round(_DIGITS)
        for low, high in zip(bounds[:2], bounds[2:], strict=True)
    ]
    boxes = [
        (west, south, east, north)
        for (south, north), (west, east) in product(
            zip(lines[1], lines[1][1:], strict=False), zip(lines[0], lines[0][1:], strict=False)
        )
    ]
    tree = shapely.STRtree(communities.geometry.to_numpy())
    for number, box in enumerate(boxes):
        if not tree.query(shapely.box(*box)).size:
            continue
        checked = _window(path, box, edges=(box[2] < bounds[2], box[3] < bounds[3]))
        if checked is not None:
            yield Some(checked, 0, numbered=False), (number + 1) / len(boxes)


def _window_side(path: Path, communities: gpd.GeoDataFrame) -> float:
    """Return the side of a window [degrees], by the cells of the grid."""
    tried: SourceError | None = None
    for point in communities.geometry.representative_point().iloc[:100]:
        try:
            raster = read_raster(path, bounds=(point.x, point.y, point.x, point.y))
        except SourceError as error:
            tried = error
            continue
        cell = raster.cell_m / 111_195.0
        return float(cell * np.sqrt(WINDOW_CELLS))
    raise tried or SourceError(f"{path.name}: there are no communities")


def _window(
    path: Path, box: tuple[float, float, float, float], edges: tuple[bool, bool]
) -> Checked | None:
    """Read one window; cells on its right or upper border are the next one's, if there is one.

    What lies where must not depend on the window: positions are rounded.
    """
    west, south, east, north = box
    around = (west - _NARROW, south - _NARROW, east + _NARROW, north + _NARROW)
    try:
        checked = read_population(path, bounds=around)
    except TableError:  # nobody lives there
        return None
    except SourceError as error:
        if "covers nothing" in str(error):
            return None
        raise
    places = checked.table.geometry
    x, y = places.x.to_numpy().round(_DIGITS), places.y.to_numpy().round(_DIGITS)
    mine = (x >= west) & (y >= south) & (x <= east) & (y <= north)
    mine &= ~((edges[0] & (x == east)) | (edges[1] & (y == north)))
    table = checked.table.set_geometry(gpd.points_from_xy(x, y, crs=4326))
    return replace(checked, table=table[mine], rows=checked.rows[mine])


def _lay(people: People, some: Some, tree: shapely.STRtree, names: pd.Index, grid: Grid) -> None:
    """Put some people into communities, and lay them aside."""
    checked, rows = some.checked, some.checked.rows + some.before
    table = checked.table
    if some.numbered:
        table = table.set_axis(pd.Index([f"d{row}" for row in rows], name="demand_id"))
    owner = owners(table.geometry.to_numpy(), tree)
    _note(people, some, owner, rows)
    inside = owner >= 0
    table, rows = table[inside].assign(community_id=names.to_numpy()[owner[inside]]), rows[inside]
    if not len(table):
        return
    table = _in_millionths(tables.checked("demand", table))
    people.points += len(table)
    people.population += float(table["population"].sum())
    x, y = grid.to_metric.transform(table.geometry.x.to_numpy(), table.geometry.y.to_numpy())
    column, row = grid.tiles_at(x, y).T
    _lay_ids(people.groups, table.index, rows)
    plain = pd.DataFrame(table.drop(columns="geometry")).reset_index()
    plain["lon"], plain["lat"] = table.geometry.x.to_numpy(), table.geometry.y.to_numpy()
    plain["column"], plain["row"], plain["curve"] = column, row, curve(grid, x, y)
    arrow = pa.Table.from_pandas(plain, preserve_index=False)
    people.groups.lay(people.groups.of(column, row), arrow)


def _in_millionths(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return people rounded to whole millionths."""
    counts = [
        name for name in ("population", *tables.TIMES.values(), *tables.GROUPS) if name in table
    ]
    return table.assign(**{name: (table[name] * MILLION).round() / MILLION for name in counts})


def _note(people: People, some: Some, owner: Ints, rows: Ints) -> None:
    """Count what was read and what was left out."""
    checked = some.checked
    people.facts = people.facts or (checked.facts if "name" in checked.facts else {})
    people.rows_read += int(checked.facts["rows_read"])
    outside = np.flatnonzero(owner < 0)
    lost = checked.table["population"].to_numpy(float)[outside]
    room = MOST_NAMED - sum(map(len, people.quarantine))
    moved = checked.quarantine.assign(row=checked.quarantine["row"] + some.before)[:room]
    named = outside[: room - len(moved)]
    points = checked.table.geometry.iloc[named]
    said = [
        (int(row), "", f"{n:g} people at {x:.6f}, {y:.6f} (lon, lat) lie in no community", _MEND)
        for row, n, x, y in zip(rows[named], lost[: named.size], points.x, points.y, strict=True)
    ]
    people.quarantine += [moved, fault_frame("population", said)]
    people.outside += outside.size
    people.population_outside += float(lost.sum())


_MEND: Final = "draw the community there, or move the point"


def _lay_ids(groups: Groups, ids: pd.Index, rows: Ints) -> None:
    """Lay the ids aside, so that repeated ones come together."""
    records = np.zeros(len(ids), dtype=_ID)
    names = ids.to_numpy(object)
    records["hash"] = np.column_stack([pd.util.hash_array(names, hash_key=key) for key in _KEYS])
    records["row"] = rows
    bucket = (records["hash"][:, 0] % np.uint64(groups.count)).astype(np.int64)
    groups.spill.lay("ids", bucket, records)


def _refuse_repeated_ids(spill: Spill, group: int) -> None:
    """Stop at an id that stands twice, in whatever parts of the file."""
    ids = spill.fetch("ids", group, _ID)
    spill.drop("ids", group)
    order = np.lexsort(ids["hash"].T)
    again = np.flatnonzero((np.diff(ids["hash"][order], axis=0) == 0).all(axis=1))
    if again.size:
        first, second = ids["row"][order][again[0] : again[0] + 2].tolist()
        said = f"rows {first} and {second} have the same demand_id: give each row its own id."
        raise TableError("population", [said])


def write_people(people: People, folder: Path, *, progress: Progress = silent) -> list[Part]:
    """Write the demand points of every tile, along a Hilbert curve."""
    parts = []
    for group in range(people.groups.count):
        progress("writing people", group / people.groups.count)
        rows = people.groups.fetch(group)
        if rows is None:
            continue
        table = rows.to_pandas().set_index("demand_id")
        column, row = (table[name].to_numpy() for name in ("column", "row"))
        order = np.argsort(table["curve"].to_numpy(), kind="stable")
        points = gpd.points_from_xy(table["lon"], table["lat"])
        plain = table.drop(columns=["lon", "lat", "column", "row", "curve"])
        placed = gpd.GeoDataFrame(plain, geometry=points, crs="EPSG:4326")
        parts += [
            write_part(folder, "demand", tile, placed.iloc[part])
            for tile, part in by_tile(column, row, order)
        ]
    progress("writing people", 1.0)
    return parts
