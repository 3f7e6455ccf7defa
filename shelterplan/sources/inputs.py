"""The tables that people bring: communities, population, shelters and candidate sites.

Each reader checks the whole file at once. Rows that cannot be used are set aside with their row
number and how to mend them, and the good rows go on; a file without a good row is an error.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from shelterplan import tables
from shelterplan.errors import TableError
from shelterplan.sources.columns import DISTRICT_NAMES
from shelterplan.sources.columns import id_names as _id_names
from shelterplan.sources.columns import names as _names
from shelterplan.sources.outlines import polygonal_part
from shelterplan.sources.outlines import repair as _repair
from shelterplan.sources.population_grid import read_population_grid
from shelterplan.sources.raster import is_geotiff
from shelterplan.sources.records import UNKNOWN_WORDS, Checked, Records, read_records, to_floats
from shelterplan.sources.shelter_lists import read_candidates, read_shelters

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

__all__ = [
    "polygonal_part",
    "read_candidates",
    "read_communities",
    "read_population",
    "read_shelters",
]

POPULATION_NAMES = (
    "population",
    "pop",
    "people",
    "persons",
    "residents",
    "人口",
    "常住人口",
    "total_population",
    "poblacion",
    "población",
    "populacao",
    "população",
)
DEPRIVATION_NAMES = ("deprivation", "deprivation_index", "imd_score", "贫困指数")
LARGE_ZONE_M = 250.0
"""Polygons of people that are wider than this are said to be large [m]."""
METRES_PER_DEGREE = 111_195.0
"""Of latitude, on a sphere as large as the Earth."""
OVERLAP_SHARE = 0.001
"""Overlaps of less than this share of the smaller community are borders drawn twice."""


def read_communities(path: str | os.PathLike[str], *, layer: str = "") -> Checked:
    """Read the polygons of communities.

    Parameters
    ----------
    path : path of a GeoJSON, GeoPackage, GeoParquet or zipped shapefile
    layer : str
        The layer of a GeoPackage that has several.

    Returns
    -------
    Checked
        Table indexed by community_id: name, district, population (float, NaN = not given),
        `deprivation` where the file has it (any scale, more is worse; NaN = not known), geometry in
        EPSG:4326.

    Raises
    ------
    SourceError, TableError
        The file cannot be read, or no polygon is good.
    """
    records = read_records(path, "communities", layer=layer)
    if records.geometry is None:
        raise TableError(
            "communities",
            [
                (
                    "The file is a text table; communities are polygons: give GeoJSON, GeoPackage, "
                    "GeoParquet or a zipped shapefile."
                )
            ],
        )
    geometry = _repair(records, records.positions(), polygons_only=True)
    records.refuse_repeats()
    ids = records.ids(_id_names(records, "community_id"), prefix="c")
    population = _countable(records, records.numbers(POPULATION_NAMES))
    table = gpd.GeoDataFrame(
        {
            "name": _names(records, ids, ("community", "社区")),
            "district": records.text(DISTRICT_NAMES),
            "population": population.astype("float64"),
            **_deprivation(records),
        },
        geometry=geometry,
        crs=4326,
    ).set_axis(pd.Index(ids, name="community_id"))
    _remark_overlaps(records, geometry)
    return records.finish(table)


def _deprivation(records: Records) -> dict[str, pd.Series]:
    """Return the column of deprivation, which may be negative, where there is one."""
    column = records.find(DEPRIVATION_NAMES)
    if not column:
        return {}
    text = records.cells[column]
    values = to_floats(text)
    known = ~text.str.casefold().isin(UNKNOWN_WORDS).to_numpy()
    shown = text.to_numpy()
    records.remark(
        np.flatnonzero(known & ~np.isfinite(values)),
        column,
        lambda i: f"{column} {shown[i][:40]!r} is not a number: taken as unknown",
        "write digits, with a point before decimals",
    )
    values = np.where(np.isfinite(values), values, np.nan)
    return {"deprivation": pd.Series(values, index=records.cells.index)}


def read_population(
    path: str | os.PathLike[str],
    *,
    layer: str = "",
    bounds: Sequence[float] | None = None,
    zones: bool = False,
) -> Checked:
    """Read places with people: a text table with lat, lon, population, a map layer or a grid.

    Polygons are placed at a point inside them, which is said in the remarks. For a GeoTIFF see
    `population_grid.read_population_grid`.

    Parameters
    ----------
    path : path of a text table, a map layer or a GeoTIFF
    layer : str
        The layer of a GeoPackage that has several.
    bounds : (west, south, east, north), optional
        For a grid: the box in longitude and latitude that is read [degrees].
    zones : bool
        Whether polygons are wanted and kept, to be broken down later (see `spread`).

    Returns
    -------
    Checked
        Table indexed by demand_id: population (float); of population_day, population_night,
        children, elderly_65 and disabled those that the file has (Float64, NA = unknown);
        geometry in EPSG:4326, points unless `zones`.

    Raises
    ------
    SourceError, TableError
        The file cannot be read, or no row is good.
    """
    if is_geotiff(path):
        if zones:
            said = "A grid cannot be spread: its cells are places already; leave out the spreading."
            raise TableError("population", [said])
        return read_population_grid(path, bounds=bounds)
    records = read_records(path, "population", layer=layer)
    _need_column(records, "population", POPULATION_NAMES)
    if zones and records.geometry is None:
        said = "The file is a text table of points; only the people of polygons can be spread."
        raise TableError("population", [said])
    positions = records.positions()
    geometry = (
        _repair(records, positions, polygons_only=True) if zones else _as_points(records, positions)
    )
    records.remark_repeats()
    ids = records.ids(_id_names(records, "demand_id", ids=("id",)), prefix="d")
    population = _countable(records, records.numbers(POPULATION_NAMES, needed=True))
    others = {
        column: _countable(records, records.numbers((column,)))
        for column in (*tables.TIMES.values(), *tables.GROUPS)
        if column in records.cells
    }
    for group in others.keys() & set(tables.GROUPS):
        more = (others[group] > population).fillna(value=False).to_numpy(dtype=bool)
        records.remark(
            np.flatnonzero(more),
            group,
            f"{group} are more than the population",
            "check both numbers",
        )
    table = gpd.GeoDataFrame(
        {"population": population.astype("float64"), **others}, geometry=geometry, crs=4326
    ).set_axis(pd.Index(ids, name="demand_id"))
    checked = records.finish(table)
    if "community_id" in records.cells:
        said = "its community_id is not used: people belong where they are on the map"
        return replace(checked, facts=checked.facts | {"note": said})
    return checked


def _countable(records: Records, people: pd.Series) -> pd.Series:
    """Return numbers of people; a row with more than can be added up exactly is left out."""
    shown = people.to_numpy(float, na_value=np.nan)
    records.refuse(
        np.flatnonzero(shown > tables.MOST_PEOPLE),
        "population",
        lambda i: f"{shown[i]:g} people are more than live on Earth",
        "give the number of people",
    )
    return people.mask(shown > tables.MOST_PEOPLE)


def _need_column(records: Records, what: str, names: Sequence[str]) -> None:
    if not records.find(names):
        raise TableError(
            records.table,
            [
                (
                    f"There is no {what} column (looked for {', '.join(names)}; the file has "
                    f"{records.told_columns()})."
                )
            ],
        )


def _as_points(records: Records, geometry: gpd.GeoSeries) -> gpd.GeoSeries:
    """Return a point for each row: inside the polygon where it is one (said once)."""
    geometry = _repair(records, geometry)
    areas = np.flatnonzero((geometry.geom_type != "Point").to_numpy() & ~records.bad)
    if areas.size:
        records.remark(
            areas[:1],
            "geometry",
            f"{areas.size:,} rows are polygons{_large(geometry.iloc[areas])}: all their people are "
            "placed at one point inside each",
            "spread them with --spread buildings or streets, or give smaller cells, if they are "
            "large",
        )
    points = geometry.to_numpy().copy()
    points[areas] = shapely.point_on_surface(points[areas])
    return gpd.GeoSeries(points, index=geometry.index, crs=4326)


def _large(polygons: gpd.GeoSeries) -> str:
    """Say how many polygons are wider than `LARGE_ZONE_M`."""
    west, south, east, north = polygons.bounds.to_numpy().T
    wide = np.hypot((east - west) * np.cos(np.radians((south + north) / 2)), north - south)
    count = int((wide * METRES_PER_DEGREE > LARGE_ZONE_M).sum())
    return f", {count:,} of them more than {LARGE_ZONE_M:g} m across" if count else ""


def _remark_overlaps(records: Records, geometry: gpd.GeoSeries) -> None:
    """Say which good communities cover ground of another."""
    good = np.flatnonzero(~records.bad)
    shapes = geometry.to_numpy()[good]
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    left, right = left[left < right], right[left < right]
    shared = shapely.area(shapely.intersection(shapes[left], shapes[right]))
    share = shared / np.minimum(shapely.area(shapes[left]), shapely.area(shapes[right]))
    for i, j, part in zip(left, right, share, strict=True):
        if part > OVERLAP_SHARE:
            other = int(records.rows[good[i]])
            records.remark(
                [int(good[j])],
                "geometry",
                f"covers {part:.1%} of the smaller of this and row {other}",
                "people there are counted in the earlier row: mend the borders",
            )
