"""Hazard zones: polygons with a hazard and a level, or a grid of water depths.

Levels run from 1 to 4, the worst. A grid of depths becomes zones by the thresholds of
`DEPTH_LEVELS_M`, which are our own choice: about where water reaches the shin (grown-ups still
walk), the knee or thigh (they no longer do safely), the waist of a child or more, and the upper
floor. Published maps use other ones: give those of yours.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from shelterplan import tables
from shelterplan.errors import SourceError, TableError
from shelterplan.scenario import WORST_LEVEL
from shelterplan.sources.columns import NAME_NAMES, id_names
from shelterplan.sources.hazard_words import (
    HAZARD_NAMES,
    HAZARD_WORDS,
    LEVEL_NAMES,
    LEVEL_WORDS,
    PERIOD_NAMES,
    SOURCE_NAMES,
)
from shelterplan.sources.outlines import polygonal_part, repair
from shelterplan.sources.raster import Raster, is_geotiff, read_raster
from shelterplan.sources.records import (
    UNKNOWN_WORDS,
    Checked,
    Records,
    fault_frame,
    read_records,
    to_floats,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

DEPTH_LEVELS_M = (0.15, 0.5, 1.0, 3.0)
"""Depth at which each of the levels 1 to 4 begins [m], itself included. Own choice."""
LONGEST_SIDE_M = 500.0
"""Sides of cell outlines are cut to this length before they are turned into longitude and
latitude, in which they are not straight [m]."""
ROUNDING_M = 0.01
"""Depths below nought by less than this come from rounding: there is no water."""
MAX_ZONES = 500_000
"""Most pieces of ground that one grid may fall into."""


def read_hazards(
    path: str | os.PathLike[str],
    *,
    hazard: str = "",
    levels: Sequence[float] = DEPTH_LEVELS_M,
    layer: str = "",
    return_period: float | None = None,
    bounds: Sequence[float] | None = None,
) -> Checked:
    """Read hazard zones: a map layer of polygons, or a GeoTIFF of water depths.

    Parameters
    ----------
    path : path of a GeoJSON, GeoPackage, GeoParquet, zipped shapefile or GeoTIFF
    hazard : str
        Which hazard it is where the file does not say; "flood" for a grid of depths that is of
        none other.
    levels : sequence of float
        For a grid: depth at which each of the levels 1 to 4 begins [m], itself included; at most
        four, rising.
    layer : str
        The layer of a GeoPackage that has several.
    return_period : float, optional
        In years, where the file does not say.
    bounds : (west, south, east, north), optional
        For a grid: the box in longitude and latitude that is read [degrees].

    Returns
    -------
    Checked
        Table indexed by zone_id with the columns `hazard`, `level`, `return_period`, `source`,
        `name` and polygons in EPSG:4326. Zones of a grid do not overlap: those of level k hold
        the cells from its depth up to the next. Where its depth is not known no zone is drawn;
        `facts` has `cells` and `share_unknown`.

    Raises
    ------
    SourceError, TableError
        The file cannot be read, no row is good, or a hazard is named nowhere.
    """
    word = _plain_hazard(hazard)
    if is_geotiff(path):
        raster = read_raster(path, bounds=bounds)
        return zones_of_depth(raster, hazard=word, levels=levels, return_period=return_period)
    records = read_records(path, "hazards", layer=layer)
    if records.geometry is None:
        said = (
            "The file is a text table; hazard zones are polygons or a grid of depths: give "
            "GeoJSON, GeoPackage, GeoParquet, a zipped shapefile or a GeoTIFF."
        )
        raise TableError("hazards", [said])
    geometry = repair(records, records.positions(), polygons_only=True)
    words = _hazards(records, word)
    table = gpd.GeoDataFrame(
        {
            "hazard": words,
            "level": _levels(records),
            "return_period": _periods(records, return_period),
            "source": records.text(SOURCE_NAMES).replace("", str(records.facts["name"])),
            "name": records.text(NAME_NAMES),
        },
        geometry=geometry,
        crs=4326,
    ).set_axis(pd.Index(records.ids(id_names(records, "zone_id"), prefix="z"), name="zone_id"))
    return records.finish(table)


def _plain_hazard(word: str) -> str:
    """Return a hazard as one plain lower-case word.

    Examples
    --------
    >>> _plain_hazard("Storm surge"), _plain_hazard("津波"), _plain_hazard("Dam break")
    ('storm_surge', 'tsunami', 'dam_break')
    """
    plain = "_".join(word.casefold().replace("-", " ").replace("_", " ").split())
    return HAZARD_WORDS.get(plain, plain)


def _hazards(records: Records, given: str) -> pd.Series:
    """Return the hazard of each row; one that is named nowhere is left out."""
    column = records.find(HAZARD_NAMES)
    if not (column or given):
        said = (
            f"There is no hazard column (looked for {', '.join(HAZARD_NAMES)}; the file has "
            f"{records.told_columns()}): add it, or name the hazard when reading "
            f"({', '.join(tables.HAZARDS)}, or another word)."
        )
        raise TableError("hazards", [said])
    text = records.text(HAZARD_NAMES)
    words = text.mask(text.str.casefold().isin(UNKNOWN_WORDS), given).map(_plain_hazard)
    records.refuse(
        np.flatnonzero((words == "").to_numpy()),
        column,
        "the hazard is not named",
        "write one, such as flood",
    )
    return words


def _levels(records: Records) -> pd.Series:
    """Return the levels; missing ones are 1, which is said, and odd ones left out."""
    column = records.find(LEVEL_NAMES)
    text = records.text(LEVEL_NAMES).str.casefold().str.strip()
    missing = text.isin(UNKNOWN_WORDS).to_numpy()
    numbers = np.where(missing, 1.0, to_floats(text))
    for word, level in LEVEL_WORDS.items():
        numbers[(text == word).to_numpy()] = level
    shown = text.to_numpy()
    good = np.isin(numbers, np.arange(1, WORST_LEVEL + 1))
    records.refuse(
        np.flatnonzero(~good),
        column,
        lambda i: f"{column} {shown[i][:40]!r} is no level",
        f"write 1 to {WORST_LEVEL}, the worst",
    )
    empty = np.flatnonzero(missing & ~records.bad)
    if column:
        records.remark(empty, column, f"{column} is empty: taken as 1", "write the level, 1 to 4")
    else:
        records.remark(
            empty[:1],
            "level",
            "the file has no level column: all zones are taken as level 1",
            "add a column called level, 1 to 4",
        )
    return pd.Series(np.where(good, numbers, 1).astype(np.int64), index=text.index)


def _periods(records: Records, given: float | None) -> pd.Series:
    """Return return periods in years, the given one where the file has none."""
    years = records.numbers(PERIOD_NAMES)
    return years if given is None else years.fillna(given)


def zones_of_depth(
    raster: Raster,
    *,
    hazard: str = "flood",
    levels: Sequence[float] = DEPTH_LEVELS_M,
    return_period: float | None = None,
) -> Checked:
    """Draw the zones of a grid of depths [m]: one for each connected piece of one level.

    Cells that touch at a corner only are two pieces. The other arguments are those of
    `read_hazards`.

    Raises
    ------
    SourceError
        The thresholds do not rise, the grid holds depths that cannot be, or no cell is deep
        enough for level 1.

    Examples
    --------
    >>> import pyproj
    >>> pond = Raster(cells=np.array([[0.0, 0.5, 3.0]]), crs=pyproj.CRS.from_epsg(4326),
    ...               transform=(0.01, 0.0, 7.0, 0.0, -0.01, 50.0))
    >>> found = zones_of_depth(pond)
    >>> [(level, zone.bounds) for level, zone in zip(found.table["level"], found.table.geometry)]
    [(2, (7.01, 49.99, 7.02, 50.0)), (4, (7.02, 49.99, 7.03, 50.0))]
    """
    name = str(raster.facts.get("name", "the grid"))
    _check_levels(levels)
    _check_depths(raster, name)
    cells = np.nan_to_num(raster.cells, nan=-1.0)
    level = np.digitize(cells, np.array(levels, dtype=cells.dtype)).astype(np.uint8)
    shapes, found = _outlines(level, raster)
    if not len(shapes):
        raise SourceError(f"{name} has no cell of {levels[0]:g} m or more: no zone to draw")
    if len(shapes) > MAX_ZONES:
        raise SourceError(
            f"{name} falls into {len(shapes):,} pieces, at most {MAX_ZONES:,} are drawn: "
            "cut it to the place or use larger cells"
        )
    if not (np.abs(shapely.bounds(shapes)) <= (180, 90, 180, 90)).all():  # nor if one is empty
        raise SourceError(
            f"{name} lies nowhere on Earth: are its position and coordinate system right?"
        )
    table = gpd.GeoDataFrame(
        {
            "hazard": hazard or "flood",
            "level": found,
            "return_period": pd.array([return_period] * len(found), dtype="Float64"),
            "source": name,
            "name": "",
        },
        index=pd.Index([f"z{row}" for row in range(1, len(found) + 1)], name="zone_id"),
        geometry=shapes,
        crs=4326,
    )
    unknown = float(np.isnan(raster.cells).mean())
    bands = ", ".join(f"level {k} from {depth:g} m" for k, depth in enumerate(levels, start=1))
    facts = raster.facts | {
        "rows_read": len(table),
        "rows_kept": len(table),
        "cells": cells.size,
        "share_unknown": unknown,
        "note": f"depths as zones: {bands}; {unknown:.1%} of the cells are not known",
    }
    none = fault_frame("hazards", [])
    return Checked(table, np.arange(1, len(table) + 1), none, none, facts)


def _check_levels(levels: Sequence[float]) -> None:
    rising = all(a < b for a, b in pairwise(levels))
    if not (
        1 <= len(levels) <= WORST_LEVEL
        and rising
        and all(math.isfinite(depth) and depth > 0 for depth in levels)
    ):
        raise SourceError(
            f"{', '.join(f'{depth:g}' for depth in levels) or 'nothing'} are no depths of levels: "
            f"give one to {WORST_LEVEL} numbers above 0 [m], each larger than the last"
        )


def _check_depths(raster: Raster, name: str) -> None:
    """Refuse a grid of something else than depths in metres."""
    if np.isnan(raster.cells).all():
        raise SourceError(f"{name} knows no depth at all in this place")
    lowest, highest = float(np.nanmin(raster.cells)), float(np.nanmax(raster.cells))
    if lowest < -ROUNDING_M:
        raise SourceError(
            f"{name} has depths down to {lowest:g}: declare the value that means 'no data' "
            "(gdal_edit.py -a_nodata), or set cells without water to 0"
        )
    if highest > 1000:
        raise SourceError(f"{name} has depths up to {highest:g}: depths in metres are needed")


def _outlines(level: np.ndarray, raster: Raster) -> tuple[np.ndarray, np.ndarray]:
    """Return the outlines of connected cells of one level (lon, lat), and their levels."""
    import rasterio
    from rasterio.features import shapes

    transform = rasterio.Affine(*raster.transform)
    pairs = list(shapes(level, mask=level > 0, connectivity=4, transform=transform))
    outlines = np.array([_polygon(shape["coordinates"]) for shape, _ in pairs], dtype=object)
    levels = np.array([value for _, value in pairs], dtype=np.int64)
    if not pairs:
        return outlines, levels
    if raster.crs.is_projected:
        outlines = shapely.segmentize(outlines, LONGEST_SIDE_M / _metres(raster))
    lonlat = np.asarray(gpd.GeoSeries(outlines, crs=raster.crs).to_crs(4326).array)
    broken = ~shapely.is_valid(lonlat)
    lonlat[broken] = [polygonal_part(one) for one in shapely.make_valid(lonlat[broken])]
    return lonlat, levels


def _polygon(rings: list[list[tuple[float, float]]]) -> shapely.Polygon:
    return shapely.Polygon(rings[0], rings[1:])


def _metres(raster: Raster) -> float:
    """Return the metres of one unit of the raster's coordinate system."""
    return float(raster.crs.axis_info[0].unit_conversion_factor)
