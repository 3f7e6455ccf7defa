"""GeoJSON parsed without GDAL, which would take a file of that name for anything it likes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyproj
import shapely
from shapely.geometry import shape

from shelterplan.errors import SourceError
from shelterplan.sources.text_tables import MAX_COLUMNS

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

MAX_CELLS = 100_000_000
"""Most cells of the table of properties, empty ones counted."""


def parse_geojson(data: bytes, name: str) -> gpd.GeoDataFrame:
    """Return the features of GeoJSON: longitude and latitude in WGS 84 unless it says otherwise.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        What to call the file in messages.

    Returns
    -------
    GeoDataFrame
        One row for each feature; a geometry that is missing or cannot be read is None.

    Raises
    ------
    SourceError
        Not GeoJSON, not whole, or in a coordinate system that is not known by an EPSG number.
    """
    try:
        content = json.loads(data.decode("utf-8-sig"), parse_constant=_not_finite)
    except UnicodeDecodeError as error:
        raise SourceError(f"{name} is not UTF-8, as GeoJSON must be") from error
    except RecursionError as error:
        raise SourceError(f"{name} is nested too deeply") from error
    except ValueError as error:
        raise SourceError(f"{name} is no whole GeoJSON file: {str(error)[:200]}") from error
    features = _features(content, name)
    try:
        records = [_properties(feature) for feature in features]
    except RecursionError as error:
        raise SourceError(f"{name} is nested too deeply") from error
    _refuse_columns(records, name)
    return gpd.GeoDataFrame(
        pd.DataFrame(records, index=range(len(records)), dtype=object),
        geometry=[_shape(feature.get("geometry")) for feature in features],
        crs=_declared_crs(content, name),
    )


def _not_finite(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")


def _features(content: Any, name: str) -> list[dict[str, Any]]:  # noqa: ANN401  (parsed JSON)
    if isinstance(content, dict) and content.get("type") == "Feature":
        content = {"features": [content]}
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or not all(isinstance(one, dict) for one in features):
        raise SourceError(f"{name} is JSON, but no GeoJSON FeatureCollection")
    if not features:
        raise SourceError(f"{name} has no features")
    return features


def _refuse_columns(records: list[dict[str, Any]], name: str) -> None:
    """Stop at more columns than a table has: features that share no name would need a square."""
    columns: set[str] = set()
    for record in records:
        columns.update(record)
        if len(columns) > MAX_COLUMNS:
            raise SourceError(f"{name} has more than {MAX_COLUMNS:,} columns: refused")
    if len(columns) * len(records) > MAX_CELLS:
        raise SourceError(
            f"{name} has {len(records):,} features of {len(columns):,} columns, more than "
            f"{MAX_CELLS:,} cells: leave out columns that are not needed"
        )


def _properties(feature: dict[str, Any]) -> dict[str, Any]:
    """Return the properties; the feature's own id stands in where they have none."""
    properties = feature.get("properties")
    known = properties if isinstance(properties, dict) else {}
    found = {
        _whole_text(key): _whole_text(json.dumps(value, ensure_ascii=False))
        if isinstance(value, (dict, list))
        else _whole_text(value)
        for key, value in known.items()
        if key != "geometry"
    }
    if "id" not in found and isinstance(feature.get("id"), (str, int)):
        found["id"] = _whole_text(feature["id"])
    return found


def _whole_text(value: Any) -> Any:  # noqa: ANN401  (a value of parsed JSON)
    r"""Return a value; halves of a letter that stand alone, which no file can hold, become "?".

    Examples
    --------
    >>> _whole_text("a\ud800b"), _whole_text(5)
    ('a?b', 5)
    """
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _shape(geometry: Any) -> BaseGeometry | None:  # noqa: ANN401  (parsed JSON)
    """Return the geometry, or None where it is missing, malformed or not finite."""
    if not isinstance(geometry, dict):
        return None
    try:
        found: BaseGeometry = shape(geometry)
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        OverflowError,
        RecursionError,
        shapely.errors.ShapelyError,
    ):
        return None
    return None if found.is_empty else found


def _declared_crs(content: dict[str, Any], name: str) -> pyproj.CRS:
    """Return the system of an old `crs` member; by RFC 7946 there is none, and it is WGS 84."""
    member = content.get("crs")
    if member is None:
        return pyproj.CRS.from_epsg(4326)
    try:
        text = str(member["properties"]["name"])
    except (KeyError, TypeError):
        text = ""
    if re.fullmatch(r"(urn:ogc:def:crs:)?OGC:(1\.3)?:?CRS84", text, re.IGNORECASE):
        return pyproj.CRS.from_epsg(4326)
    found = re.fullmatch(r"(?:urn:ogc:def:crs:)?EPSG:(?:[\d.]*:)?(\d{4,6})", text, re.IGNORECASE)
    try:
        return flat_crs(pyproj.CRS.from_epsg(int(found[1]) if found else -1))
    except pyproj.exceptions.CRSError as error:
        raise SourceError(
            f"{name} is in a coordinate system that is not known ({text[:80]!r}): "
            "save it in WGS 84 (EPSG:4326)"
        ) from error


def flat_crs(crs: pyproj.CRS) -> pyproj.CRS:
    """Return a coordinate system that places things on the map; heights alone, say, do not.

    Raises
    ------
    pyproj.exceptions.CRSError
        It is neither geographic nor projected.

    Examples
    --------
    >>> flat_crs(pyproj.CRS.from_epsg(2154)).name
    'RGF93 v1 / Lambert-93'
    """
    if not (crs.is_geographic or crs.is_projected):
        raise pyproj.exceptions.CRSError(f"{crs.name[:80]} places nothing on the map")
    return crs
