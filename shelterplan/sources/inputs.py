"""The tables that people bring: communities, population, shelters and candidate sites.

Each reader checks the whole file at once. Rows that cannot be used are set aside with their row
number and how to mend them, and the good rows go on; a file without a good row is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from shelterplan.errors import TableError
from shelterplan.sources.records import Checked, Records, read_records

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

ID_NAMES = ("id", "code", "编号", "代码", "编码", "osm_id", "gb", "fid", "@id")
NAME_NAMES = ("name", "name:en", "name_en", "名称", "名字", "nom", "nombre", "nome", "title")
DISTRICT_NAMES = ("district", "区", "区县", "行政区", "borough", "distrito")
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
CAPACITY_NAMES = ("capacity", "可容纳人数", "容纳人数", "容量", "evacuation_capacity", "capacidad")
AREA_NAMES = ("area_m2", "有效面积", "面积", "area")
KIND_COLUMNS = ("kind", "type", "类型", "类别")
GROUPS = ("children", "elderly_65", "disabled")
"""Population groups that are kept where a file has them."""
YES_WORDS = frozenset({"yes", "y", "true", "1", "是", "有", "designated"})
NO_WORDS = frozenset({"no", "n", "false", "0", "否", "无"})
STATUS_WORDS = {
    "open": "open",
    "closed": "closed",
    "full": "full",
    "开放": "open",
    "关闭": "closed",
    "已满": "full",
    "": "unknown",
    "unknown": "unknown",
}
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
        geometry in EPSG:4326.

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
    population = records.numbers(POPULATION_NAMES)
    table = gpd.GeoDataFrame(
        {
            "name": _names(records, ids, ("community", "社区")),
            "district": records.text(DISTRICT_NAMES),
            "population": population.astype("float64"),
        },
        geometry=geometry,
        crs=4326,
    ).set_axis(pd.Index(ids, name="community_id"))
    _remark_overlaps(records, geometry)
    return records.finish(table)


def read_population(path: str | os.PathLike[str], *, layer: str = "") -> Checked:
    """Read places with people: a text table with lat, lon, population, or a map layer.

    Polygons are placed at a point inside them, which is said in the remarks.

    Returns
    -------
    Checked
        Table indexed by demand_id: population (float), the groups that the file has
        (Float64, NA = unknown), Point geometry in EPSG:4326.

    Raises
    ------
    SourceError, TableError
        The file cannot be read, or no row is good.
    """
    records = read_records(path, "population", layer=layer)
    _need_column(records, "population", POPULATION_NAMES)
    geometry = _as_points(records, records.positions())
    records.remark_repeats()
    ids = records.ids(_id_names(records, "demand_id", ids=("id",)), prefix="d")
    population = records.numbers(POPULATION_NAMES, needed=True)
    groups = {group: records.numbers((group,)) for group in GROUPS if group in records.cells}
    for group, people in groups.items():
        more = (people > population).fillna(value=False).to_numpy(dtype=bool)
        records.remark(
            np.flatnonzero(more),
            group,
            f"{group} are more than the population",
            "check both numbers",
        )
    table = gpd.GeoDataFrame(
        {"population": population.astype("float64"), **groups}, geometry=geometry, crs=4326
    ).set_axis(pd.Index(ids, name="demand_id"))
    return records.finish(table)


def read_shelters(path: str | os.PathLike[str], *, layer: str = "") -> Checked:
    """Read existing shelters: a text table with name, lat, lon, or a map layer.

    A capacity that is not given is NA: unknown, neither nought nor without limit.

    Returns
    -------
    Checked
        Table indexed by shelter_id with the shelter columns of the study area.

    Raises
    ------
    SourceError, TableError
        The file cannot be read, or no row is good.
    """
    records = read_records(path, "shelters", layer=layer)
    geometry = _repair(records, records.positions())
    records.refuse_repeats()
    ids = records.ids(_id_names(records, "shelter_id", ids=("sid", *ID_NAMES)), prefix="s")
    table = gpd.GeoDataFrame(
        {
            "name": _names(records, ids, ("shelter_name", "施設・場所名")),
            "kind": records.text(KIND_COLUMNS),
            "indoor": _yes_no(records, ("indoor", "室内")),
            "capacity": records.numbers(CAPACITY_NAMES),
            "area_m2": records.numbers(AREA_NAMES),
            "wheelchair": _yes_no(records, ("wheelchair", "wheelchair_accessible"))
            .map({True: "yes", False: "no"})
            .fillna("unknown")
            .astype(str),
            "status": _status(records),
            "verified": _verified(records),
            "source": records.text(("source", "来源")).replace("", str(records.facts["name"])),
        },
        geometry=geometry,
        crs=4326,
    ).set_axis(pd.Index(ids, name="shelter_id"))
    return records.finish(table)


def read_candidates(path: str | os.PathLike[str], *, layer: str = "") -> Checked:
    """Read sites where a shelter could be: as `read_shelters`, with a cost.

    Returns
    -------
    Checked
        Table indexed by site_id: name, kind, capacity, cost, area_m2 (Float64, NA = unknown),
        geometry in EPSG:4326.

    Raises
    ------
    SourceError, TableError
        The file cannot be read, or no row is good.
    """
    records = read_records(path, "candidates", layer=layer)
    geometry = _repair(records, records.positions())
    records.refuse_repeats()
    ids = records.ids(_id_names(records, "site_id"), prefix="c")
    table = gpd.GeoDataFrame(
        {
            "name": _names(records, ids),
            "kind": records.text(KIND_COLUMNS),
            "capacity": records.numbers(CAPACITY_NAMES),
            "cost": records.numbers(("cost", "费用", "造价")),
            "area_m2": records.numbers(AREA_NAMES),
        },
        geometry=geometry,
        crs=4326,
    ).set_axis(pd.Index(ids, name="site_id"))
    return records.finish(table)


def _id_names(records: Records, own: str, *, ids: Sequence[str] = ID_NAMES) -> tuple[str, ...]:
    """Return names of the id column; a general one counts only where every row has its own."""
    general = [
        name
        for name in ids
        if name in records.cells
        and (name in ("id", "code", "sid") or records.cells[name].is_unique)
    ]
    return (own, *general)


def _names(records: Records, ids: pd.Series, more: Sequence[str] = ()) -> pd.Series:
    """Return names; a row without one goes by its id, which is said."""
    columns = (*NAME_NAMES[:1], *more, *NAME_NAMES[1:])
    names = records.text(columns)
    empty = np.flatnonzero((names == "").to_numpy())
    if records.find(columns):
        records.remark(empty, "name", "name is empty: the id is shown", "give the name")
    else:
        records.remark(
            empty[:1],
            "name",
            "the file has no name column: ids are shown",
            "add a column called name",
        )
    return names.mask(names == "", ids)


def _need_column(records: Records, what: str, names: Sequence[str]) -> None:
    if not records.find(names):
        raise TableError(
            records.table,
            [
                (
                    f"There is no {what} column (looked for {', '.join(names)}; the file has "
                    f"{', '.join(records.cells.columns[:30])})."
                )
            ],
        )


def _yes_no(records: Records, names: Sequence[str]) -> pd.Series:
    words = records.text(names).str.casefold()
    values = [True if word in YES_WORDS else False if word in NO_WORDS else pd.NA for word in words]
    return pd.Series(pd.array(values, dtype="boolean"), index=words.index)


def _status(records: Records) -> pd.Series:
    words = records.text(("status", "shelter_status", "状态")).str.casefold()
    strange = np.flatnonzero(~words.isin(STATUS_WORDS).to_numpy())
    shown = words.to_numpy()
    records.remark(
        strange,
        "status",
        lambda i: f"status {shown[i][:40]!r} is not known",
        "write open, closed, full or unknown",
    )
    return words.map(STATUS_WORDS).fillna("unknown").astype(str)


def _verified(records: Records) -> pd.Series:
    text = records.text(("verified", "verified_date", "核实日期"))
    return text.mask(text == "", pd.NA)


def _repair(
    records: Records, geometry: gpd.GeoSeries, *, polygons_only: bool = False
) -> gpd.GeoSeries:
    """Return geometry with broken polygons mended (said) and lines refused."""
    shapes = geometry.to_numpy().copy()
    broken = np.flatnonzero(~shapely.is_valid(shapes) & ~shapely.is_missing(shapes) & ~records.bad)
    reasons = dict(zip(broken, shapely.is_valid_reason(shapes[broken]), strict=True))
    for i in broken:
        shapes[i] = polygonal_part(shapely.make_valid(shapes[i]))
    whole = [int(i) for i in broken if not shapes[i].is_empty]
    records.remark(
        whole,
        "geometry",
        lambda i: f"outline is broken ({reasons[i]}): repaired",
        "look at it on a map",
    )
    wanted = (3, 6) if polygons_only else (0, 3, 6)
    shapes = np.array([_single_point(one) for one in shapes], dtype=object)
    unfit = ~np.isin(shapely.get_type_id(shapes), wanted) | shapely.is_empty(shapes)
    if polygons_only:
        unfit |= shapely.area(shapes) == 0
    records.refuse(
        np.flatnonzero(unfit & ~records.bad),
        "geometry",
        "geometry is no polygon" if polygons_only else "geometry is neither a point nor a polygon",
        "draw it as one",
    )
    return gpd.GeoSeries(shapes, index=geometry.index, crs=4326)


def _single_point(one: shapely.Geometry | None) -> shapely.Geometry | None:
    """Return the point of a multipoint that has only one."""
    return one.geoms[0] if isinstance(one, shapely.MultiPoint) and len(one.geoms) == 1 else one


def polygonal_part(geometry: shapely.Geometry) -> shapely.Geometry:
    """Return the polygons of a geometry as one (multi)polygon, empty where it has none.

    Examples
    --------
    >>> bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    >>> polygonal_part(shapely.make_valid(bow)).area
    0.5
    """
    parts = [
        part
        for part in shapely.get_parts(shapely.get_parts(geometry))
        if isinstance(part, shapely.Polygon)
    ]
    return parts[0] if len(parts) == 1 else shapely.union_all(parts)


def _as_points(records: Records, geometry: gpd.GeoSeries) -> gpd.GeoSeries:
    """Return a point for each row: inside the polygon where it is one (said once)."""
    geometry = _repair(records, geometry)
    areas = np.flatnonzero((geometry.geom_type != "Point").to_numpy() & ~records.bad)
    if areas.size:
        records.remark(
            areas[:1],
            "geometry",
            f"{areas.size:,} rows are polygons: all their people are placed at one "
            "point inside each",
            "give smaller cells or buildings if they are large",
        )
    points = geometry.to_numpy().copy()
    points[areas] = shapely.point_on_surface(points[areas])
    return gpd.GeoSeries(points, index=geometry.index, crs=4326)


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
