"""Population grids: people per cell of a GeoTIFF, as WorldPop and GHS-POP publish them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from shelterplan.errors import SourceError, TableError
from shelterplan.sources.raster import Raster, read_raster
from shelterplan.sources.records import Checked, fault_frame
from shelterplan.tables import MOST_PEOPLE

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

MAX_POINTS = 2_000_000
"""Most cells with people that are read."""
DENSITY_UNIT = re.compile(r"/|\bper\b|densit|km\s*-2|ha\s*-1", re.IGNORECASE)
"""Units of people on an area, such as people/km2."""
DENSITY_NAME = re.compile(r"densit|(^|[_-])pd[_-]", re.IGNORECASE)
"""Names of density grids; WorldPop calls its own "..._pd_..."."""


def read_population_grid(
    path: str | os.PathLike[str], *, bounds: Sequence[float] | None = None
) -> Checked:
    """Read a GeoTIFF of people per cell: a demand point in the middle of each cell with people.

    A cell belongs to the community in which its middle lies, also where it reaches over the
    border: with cells of 100 m some people near a border are counted on its other side. Cells
    whose middle lies outside `bounds` are not read.

    Parameters
    ----------
    path : path of a GeoTIFF
        People (not people per square kilometre) in each cell; a cell without data has nobody.
    bounds : (west, south, east, north), optional
        Box in longitude and latitude [degrees]; by default all.

    Returns
    -------
    Checked
        Table indexed by demand_id ("r" and "c" with the cell's row and column in the file, from
        0): population (float), Point geometry in EPSG:4326. `facts` has `cell_m`, `cells`,
        `cells_with_people` and `share_unknown`.

    Raises
    ------
    SourceError
        The file cannot be read, or its numbers are no people per cell.
    TableError
        No cell in the place has people.
    """
    raster = read_raster(path, bounds=bounds)
    _refuse_other_numbers(raster)
    row, column = np.nonzero(np.nan_to_num(raster.cells) > 0)
    lon, lat = raster.lonlat(column + 0.5, row + 0.5)
    _refuse_nowhere(lon, lat, raster.facts["name"])
    if bounds is not None:
        west, south, east, north = bounds
        inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
        row, column, lon, lat = row[inside], column[inside], lon[inside], lat[inside]
    name = raster.facts["name"]
    if not len(row):
        raise TableError("population", [f"No cell of {name} in this place has people."])
    if len(row) > MAX_POINTS:
        raise SourceError(f"{name} has {len(row):,} cells with people here: at most {MAX_POINTS:,}")
    first_row, first_column = raster.facts["offset"]
    ids = [f"r{i + first_row}c{j + first_column}" for i, j in zip(row, column, strict=True)]
    table = gpd.GeoDataFrame(
        {"population": raster.cells[row, column].astype(np.float64)},
        index=pd.Index(ids, name="demand_id"),
        geometry=gpd.points_from_xy(lon, lat),
        crs=4326,
    )
    return _checked(table, raster)


def _refuse_other_numbers(raster: Raster) -> None:
    """Refuse densities, and numbers below nought that are not declared as "no data"."""
    name, unit = raster.facts["name"], raster.facts["unit"]
    if DENSITY_UNIT.search(unit) or DENSITY_NAME.search(name):
        raise SourceError(
            f"{name} holds people on an area ({unit or 'by its name'}), not people in each cell: "
            "take the grid of counts, or multiply by the area of the cells"
        )
    with np.errstate(invalid="ignore"):
        negative = raster.cells < 0
        endless = raster.cells > MOST_PEOPLE
    if endless.any():
        raise SourceError(
            f"{name} has {int(endless.sum()):,} cells with more people than live on Earth: declare "
            "the value that means 'no data' (gdal_edit.py -a_nodata)"
        )
    if negative.any():
        raise SourceError(
            f"{name} has {int(negative.sum()):,} cells with fewer than 0 people (down to "
            f"{float(raster.cells[negative].min()):g}): declare the value that means 'no data' "
            "(gdal_edit.py -a_nodata)"
        )


def _refuse_nowhere(lon: np.ndarray, lat: np.ndarray, name: str) -> None:
    """Refuse a grid with people where there is no longitude and latitude."""
    with np.errstate(invalid="ignore"):
        on_earth = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    if not on_earth.all():
        raise SourceError(
            f"{name} has {int((~on_earth).sum()):,} cells with people that lie nowhere on Earth: "
            "is its coordinate system the right one?"
        )


def _checked(table: gpd.GeoDataFrame, raster: Raster) -> Checked:
    size = f"{raster.cell_m:,.0f} m"
    said = (
        f"{len(table):,} cells of about {size}: the people of each are placed in its middle, which "
        "decides their community"
    )
    remark = (1, "geometry", said, "use smaller cells or buildings where walks are short")
    facts = raster.facts | {
        "rows_read": len(table),
        "rows_kept": len(table),
        "cell_m": raster.cell_m,
        "cells": int(raster.cells.size),
        "cells_with_people": len(table),
        "share_unknown": float(np.isnan(raster.cells).mean()),
        "note": f"people per cell of about {size}, at the middle of each",
    }
    return Checked(
        table,
        np.arange(1, len(table) + 1),
        fault_frame("population", []),
        fault_frame("population", [remark]),
        facts,
    )
