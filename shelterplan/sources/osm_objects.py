"""Read single objects of an OpenStreetMap file as points and valid polygons, with their tags."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

import geopandas as gpd
import osmium
import pandas as pd
import shapely
from osmium.filter import EmptyTagFilter, EntityFilter
from osmium.geom import WKBFactory
from osmium.io import File, FileBuffer
from shapely.geometry.base import BaseGeometry

from shelterplan.sources.osm_file import read_in_order
from shelterplan.sources.walk_rules import Tags

LOGGER = logging.getLogger(__name__)

MAX_EXTENT_DEG = 0.5
"""A building or place that is wider than this has a misplaced node [degrees]."""


@dataclass(frozen=True)
class Feature:
    """One mapped object with its tags and its point or polygon."""

    osm_type: str
    osm_id: int
    tags: Tags = field(repr=False)
    geometry: BaseGeometry = field(repr=False)

    def base(self) -> dict[str, object]:
        """Give the columns that every table has."""
        return {"osm_type": self.osm_type, "osm_id": self.osm_id, "name": self.tags.get("name")}


class _Row(NamedTuple):
    """One object as it stands in a file."""

    osm_type: str
    osm_id: int
    version: int
    tags: Tags
    wkb: str
    """In hexadecimal signs."""


def number(tags: Tags, key: str) -> float | None:
    """Read a tag as a number that is not negative; None if it is none."""
    try:
        value = float(tags.get(key, ""))
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def read_objects(
    path: Path,
    keep: Callable[[Tags], bool],
    *filters: object,
    areas: bool = True,
    max_extent_deg: float = MAX_EXTENT_DEG,
) -> list[Feature]:
    """Read the points and polygons that pass osmium's filters and then `keep`.

    Of an object that stands twice the newest version counts.
    """

    def read(source: File | FileBuffer) -> list[_Row]:
        return _collect(source, keep, *filters, areas=areas)

    found = _each_once(read_in_order(path, read))
    shapes = shapely.make_valid(shapely.from_wkb([row.wkb for row in found]))
    features: list[Feature] = []
    for (osm_type, osm_id, _, tags, _), shape in zip(found, shapes, strict=True):
        whole = shape if osm_type == "node" else _polygonal(shape)
        if _is_placed(whole, max_extent_deg):
            features.append(Feature(osm_type, osm_id, tags, whole))
        else:
            LOGGER.warning(
                "%s %d has an impossible position or no area: left out", osm_type, osm_id
            )
    return features


def _collect(
    source: File | FileBuffer, keep: Callable[[Tags], bool], *filters: object, areas: bool
) -> list[_Row]:
    """Give every node and area that is kept."""
    factory = WKBFactory()
    entities = osmium.osm.ALL if areas else osmium.osm.NODE
    processor = osmium.FileProcessor(source, entities)
    if areas:
        processor = processor.with_areas(*filters)
    processor = processor.with_filter(EntityFilter(osmium.osm.NODE | osmium.osm.AREA))
    for one in (EmptyTagFilter(), *filters):
        processor = processor.with_filter(one)
    rows: list[_Row] = []
    for thing in cast("Iterable[Any]", processor):
        tags = {tag.k: tag.v for tag in thing.tags}
        if not keep(tags):
            continue
        if thing.is_node():
            if thing.location.valid():
                point = factory.create_point(thing)
                rows.append(_Row("node", thing.id, thing.version, tags, point))
        elif thing.num_rings()[0]:
            kind = "way" if thing.from_way() else "relation"
            outline = factory.create_multipolygon(thing)
            rows.append(_Row(kind, thing.orig_id(), thing.version, tags, outline))
    return rows


def _each_once(rows: list[_Row]) -> list[_Row]:
    """Put rows in the order of their objects; where one stands twice, the newest is kept."""
    newest: dict[tuple[str, int], _Row] = {}
    for row in sorted(rows, key=lambda row: (row.osm_type, row.osm_id, row.version)):
        if (row.osm_type, row.osm_id) in newest:
            LOGGER.warning(
                "%s %d stands more than once: the newest is taken", row.osm_type, row.osm_id
            )
        newest[row.osm_type, row.osm_id] = row
    return list(newest.values())


def _polygonal(shape: BaseGeometry) -> BaseGeometry:
    """Keep the surface of a repaired shape; one part alone becomes a plain polygon."""
    parts = [part for part in shapely.get_parts(shape) if part.geom_type.endswith("Polygon")]
    surface = shapely.MultiPolygon(list(shapely.get_parts(parts)))
    return surface.geoms[0] if len(surface.geoms) == 1 else surface


def _is_placed(shape: BaseGeometry, max_extent_deg: float) -> bool:
    """Tell whether a shape is on Earth and not torn apart by a misplaced node."""
    west, south, east, north = shape.bounds if not shape.is_empty else (math.nan,) * 4
    on_earth = west >= -180 and east <= 180 and south >= -90 and north <= 90
    return on_earth and max(east - west, north - south) <= max_extent_deg


def object_table(rows: list[dict[str, object]], types: Mapping[str, str]) -> gpd.GeoDataFrame:
    """Write rows as a table in the order of their OpenStreetMap objects."""
    rank = {"node": 0, "way": 1, "relation": 2}
    rows = sorted(rows, key=lambda row: (rank[str(row["osm_type"])], int(str(row["osm_id"]))))
    dtypes = {"osm_type": "str", "osm_id": "int64", "name": "str", **types}
    plain = pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes)
    shapes = [row["geometry"] for row in rows]
    return gpd.GeoDataFrame(
        plain, geometry=gpd.GeoSeries(shapes, crs="EPSG:4326", dtype="geometry")
    )
