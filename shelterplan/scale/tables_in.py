"""The smaller tables of a region, cut along its grid: shelters, entrances, candidates, hazards.

They are read whole: a million rows fit into memory. Entrances are found tile by tile, since they
need the streets around.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from shelterplan import tables
from shelterplan.closures import Ground
from shelterplan.entrances import GATE_REACH_M, find_entrances
from shelterplan.progress import Progress, silent
from shelterplan.scale.grid import Box, Grid
from shelterplan.scale.store import NUMBER, Part, Region, touched, write_part
from shelterplan.scale.street_tiles import by_tile
from shelterplan.sources.streets import Ints, hilbert_order
from shelterplan.study_area import CORNER_EVERY

NEAR_M: Final = 1000.0
"""How far from a tile's shelters streets are read at first [m]."""
FAR_M: Final = 64_000.0
"""Farther than this no street is looked for [m]."""

_NO_STREETS: Final = gpd.GeoDataFrame({"bridge_tunnel": []}, geometry=[], crs="EPSG:4326")


def metric(shapes: gpd.GeoDataFrame, grid: Grid) -> np.ndarray:
    """Return the shapes of a table in the plane of the region."""
    return np.asarray(shapes.geometry.to_crs(grid.crs).array)


def tiles_of(shapes: np.ndarray, grid: Grid) -> Ints:
    """Return the tile (column, row) of a point on each shape of the plane, shape (n, 2)."""
    points = shapely.point_on_surface(shapes)
    return grid.tiles_at(shapely.get_x(points), shapely.get_y(points))


def on_the_map(table: gpd.GeoDataFrame, grid: Grid) -> gpd.GeoDataFrame:
    """Return the rows that the plane reaches: others lie on another side of the earth."""
    reached: gpd.GeoDataFrame = table[np.isfinite(shapely.bounds(metric(table, grid))).all(axis=1)]
    return reached


def write_rows(
    table: str, rows: gpd.GeoDataFrame, row: Ints, tile: Ints, folder: Path
) -> list[Part]:
    """Write a table, each row in the tiles that are named for it, in the order of the table.

    Parameters
    ----------
    table : str
        One of `store.TABLES`.
    rows : GeoDataFrame
        The table.
    row : array of int, shape (k,)
        Row of the table.
    tile : array of int, shape (k, 2)
        A tile in which it stands; the same twice is written once.
    folder : Path
        Folder of the region.
    """
    once = np.unique(np.column_stack([row, tile]), axis=0).reshape(-1, 3)
    every = by_tile(once[:, 1], once[:, 2], np.arange(len(once)))
    return [write_part(folder, table, one, rows.iloc[once[part, 0]]) for one, part in every]


def write_points(table: str, rows: gpd.GeoDataFrame, grid: Grid, folder: Path) -> list[Part]:
    """Write a table, each row in the tile of a point on it, in the order of its index."""
    rows = on_the_map(rows, grid).sort_index()
    return write_rows(table, rows, np.arange(len(rows)), tiles_of(metric(rows, grid), grid), folder)


def write_shelters(
    shelters: gpd.GeoDataFrame, entrances: gpd.GeoDataFrame, grid: Grid, folder: Path
) -> list[Part]:
    """Write shelters, each in the tiles of its entrances and in its own."""
    rows = on_the_map(shelters, grid).sort_index()
    owner = rows.index.get_indexer(entrances["shelter_id"])
    tile = [tiles_of(metric(one, grid), grid) for one in (rows, entrances)]
    return write_rows(
        "shelters", rows, np.r_[np.arange(len(rows)), owner], np.concatenate(tile), folder
    )


def write_hazards(zones: gpd.GeoDataFrame, grid: Grid, folder: Path) -> list[Part]:
    """Write hazard zones as small pieces, in every tile that they touch.

    Borders get corners before they are cut, so that every tile sees the same ones.
    """
    drawn = shapely.segmentize(np.asarray(zones.geometry.array), CORNER_EVERY)
    cut = [Ground.of([shape]).shapes for shape in drawn]
    owner = np.repeat(np.arange(len(zones)), [len(pieces) for pieces in cut])
    shapes = np.concatenate([*cut, np.zeros(0, object)])
    middle = shapely.get_coordinates(shapely.centroid(shapes))
    order = np.argsort(hilbert_order(middle[:, 0].copy(), middle[:, 1].copy()))
    about = ["hazard", "level", "return_period", "source"]
    plain = pd.DataFrame(zones[about]).iloc[owner[order]].reset_index(drop=True)
    plain.insert(0, NUMBER["hazards"], np.arange(len(plain)))
    rows = on_the_map(gpd.GeoDataFrame(plain, geometry=shapes[order], crs="EPSG:4326"), grid)
    return write_rows("hazards", rows, *touched(grid, metric(rows, grid)), folder)


def gates_of(
    shelters: gpd.GeoDataFrame, gates: Iterable[gpd.GeoDataFrame], grid: Grid
) -> gpd.GeoDataFrame:
    """Return the gates that lie at the outlines of shelters, in the order in which they come."""
    shapes = metric(shelters, grid)
    outlines = shapely.boundary(shapes[np.isfinite(shapely.bounds(shapes)).all(axis=1)])
    tree = shapely.STRtree(outlines[~shapely.is_empty(outlines)])
    found = [gpd.GeoDataFrame({"emergency_only": []}, geometry=[], crs="EPSG:4326")]
    for some in gates:
        near = tree.query(metric(some, grid), predicate="dwithin", distance=GATE_REACH_M)[0]
        found.append(some.iloc[np.unique(near)])
    kept = [one for one in found if len(one)]
    return pd.concat(kept, ignore_index=True) if kept else found[0]


def find_all_entrances(
    shelters: gpd.GeoDataFrame,
    streets: Region,
    gates: gpd.GeoDataFrame,
    *,
    progress: Progress = silent,
) -> gpd.GeoDataFrame:
    """Return the entrances of all shelters: see `entrances.find_entrances`.

    Parameters
    ----------
    shelters : GeoDataFrame
        Shelters, or candidate sites.
    streets : Region
        A region of which only the streets are read.
    gates : GeoDataFrame
        As `gates_of` gives them.
    progress : Progress
        Told how far it is.
    """
    grid = streets.grid
    shelters = on_the_map(shelters, grid).sort_index()
    tile = tiles_of(metric(shelters, grid), grid)
    every = list(by_tile(tile[:, 0], tile[:, 1], np.arange(len(shelters))))
    found = []
    for number, (_, rows) in enumerate(every):
        progress("finding the entrances", number / len(every))
        found += list(_of_tile(shelters.iloc[rows], streets, gates))
    progress("finding the entrances", 1.0)
    table = pd.concat(found) if found else tables.empty("entrances")
    return tables.checked("entrances", table).sort_index()


def _of_tile(
    shelters: gpd.GeoDataFrame, region: Region, gates: gpd.GeoDataFrame
) -> Iterator[gpd.GeoDataFrame]:
    """Find entrances in ever larger boxes, until no street outside can be nearer."""
    places = (shelters.geometry.geom_type == "Point").to_numpy()
    if places.any():  # the place itself is the entrance, wherever the streets are
        yield find_entrances(shelters[places], _NO_STREETS, region.grid.crs)
    shelters, within = shelters[~places], NEAR_M
    while len(shelters):
        shapes = metric(shelters, region.grid)
        left, bottom, right, top = shapely.total_bounds(shapes).tolist()
        box = Box(left - within, bottom - within, right + within, top + within)
        near = region.near("streets", box)
        streets = _NO_STREETS if near is None else near
        done = np.full(len(shelters), within > FAR_M) | _settled(shapes, streets, region, within)
        if done.any():
            yield find_entrances(shelters[done], streets, region.grid.crs, gates)
        shelters, within = shelters[~done], within * 4


def _settled(
    shapes: np.ndarray, streets: gpd.GeoDataFrame, region: Region, within: float
) -> np.ndarray:
    """Say for which shelters the streets at hand are enough: those that have one near."""
    ground = streets[streets["bridge_tunnel"].fillna("") == ""]
    lines = metric(ground, region.grid)
    settled = np.zeros(len(shapes), bool)
    if len(lines):
        near = shapely.STRtree(lines).query(shapes, predicate="dwithin", distance=within)[0]
        settled[near] = True
    return settled
