"""Streets packed into the one binary file that `vendor/street_layer.js` draws.

The format, little-endian, version 2::

    "SPST" | u16 version | u16 zero | u32 points | u32 lines | u32 labels | u32 name bytes
    f64 x0, y0, step_x, step_y        web mercator, the world being 0..1 in both directions
    u16 x[points], u16 y[points]      steps from (x0, y0)
    u32 first[lines + 1]              line i has the points first[i] to first[i + 1] - 1
    u32 name[labels]                  which name
    u16 label_x[labels], label_y[labels], label_length_m[labels]
    i16 label_angle[labels]           hundredths of a degree, clockwise, -90 to 90
    u8 class[lines]                   index into CLASSES
    UTF-8 names, one on a line

Every array starts on a multiple of four bytes.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

VERSION = 2

CLASSES = ("steps", "path", "street", "main")
"""How a street is drawn: dashed, thin, middle, wide; the later is drawn over the earlier."""

_PATHS = frozenset(
    {"path", "footway", "pedestrian", "cycleway", "bridleway", "track", "corridor", "elevator"}
)
_MAIN = frozenset(
    f"{road}{link}" for road in ("trunk", "primary", "secondary") for link in ("", "_link")
)


def pack_streets(streets: gpd.GeoDataFrame) -> bytes:
    """Return the streets as one binary, with their true curves, classes and names.

    Parameters
    ----------
    streets
        The streets table, with ``class``, ``steps``, ``name``, ``length_m`` [m] and lines in
        longitude and latitude.

    Raises
    ------
    ValueError
        If there is no street at all.
    """
    if streets.empty:
        raise ValueError("there are no streets to draw")
    lines = np.asarray(streets.geometry.array, dtype=object)
    points = _mercator(shapely.get_coordinates(lines))
    first = np.concatenate(([0], np.cumsum(shapely.get_num_coordinates(lines))))
    origin = points.min(axis=0)
    step = np.maximum(np.ptp(points, axis=0) / 65535, 1e-12)
    names, labels = _labels(streets, lines)

    counts = (len(points), len(lines), len(labels), len(names))
    header = struct.pack("<4sHHIIII4d", b"SPST", VERSION, 0, *counts, *origin, *step)
    at = (_mercator(labels[["lon", "lat"]].to_numpy(float)) - origin) / step
    grid = (points - origin) / step
    arrays: tuple[tuple[Any, str], ...] = (
        (grid[:, 0], "<u2"),
        (grid[:, 1], "<u2"),
        (first, "<u4"),
        (labels["name"], "<u4"),
        (at[:, 0], "<u2"),
        (at[:, 1], "<u2"),
        (labels["length_m"].clip(upper=65535), "<u2"),
        (labels["angle"], "<i2"),
        (drawn_classes(streets), "u1"),
    )
    return header + b"".join(_packed(array, kind) for array, kind in arrays) + names


def pack_name(pack: bytes) -> str:
    """Return the file name of a pack, made from its content.

    Examples
    --------
    >>> pack_name(b"")
    'e3b0c44298fc1c149afbf4c8996fb924.bin'
    """
    return hashlib.sha256(pack).hexdigest()[:32] + ".bin"


def _mercator(lon_lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return longitude and latitude as web mercator, the world being 0..1."""
    lon, lat = lon_lat[:, 0], np.radians(np.clip(lon_lat[:, 1], -85, 85))
    return np.column_stack(
        ((lon + 180) / 360, (1 - np.log(np.tan(np.pi / 4 + lat / 2)) / np.pi) / 2)
    )


def drawn_classes(streets: gpd.GeoDataFrame) -> NDArray[np.uint8]:
    """Return for each street its index into `CLASSES`."""
    kind = streets["class"].astype(str)
    chosen = np.select(
        [streets["steps"].astype(bool) | (kind == "steps"), kind.isin(_PATHS), kind.isin(_MAIN)],
        [0, 1, 3],
        default=2,
    )
    return chosen.astype(np.uint8)


def _labels(streets: gpd.GeoDataFrame, lines: NDArray[np.object_]) -> tuple[bytes, pd.DataFrame]:
    """Return the names, one on a line, and where each may be written, longest street first."""
    said = streets["name"].astype(object).where(streets["name"].notna(), "").astype(str).str.strip()
    named = (said != "").to_numpy()
    codes, names = pd.factorize(said[named])
    lines = lines[named]
    lengths = shapely.length(lines)
    before = shapely.get_coordinates(shapely.line_interpolate_point(lines, lengths * 0.35))
    after = shapely.get_coordinates(shapely.line_interpolate_point(lines, lengths * 0.65))
    middle = shapely.get_coordinates(shapely.line_interpolate_point(lines, lengths * 0.5))
    run = _mercator(after) - _mercator(before)
    angle = np.degrees(np.arctan2(run[:, 1], run[:, 0]))
    angle = (angle + 90) % 180 - 90
    table = pd.DataFrame(
        {
            "name": codes,
            "lon": middle[:, 0],
            "lat": middle[:, 1],
            "length_m": (streets.loc[named, "length_m"].to_numpy(float)),
            "angle": angle * 100,
        }
    ).sort_values("length_m", ascending=False, kind="stable")
    text = "\n".join(" ".join(name.split()) for name in names)
    return text.encode(), table


def _packed(array: Any, kind: str) -> bytes:  # noqa: ANN401 - an array or a column
    """Return rounded numbers as bytes, filled up with zeros to a multiple of four."""
    raw: bytes = np.rint(np.asarray(array)).astype(kind).tobytes()
    return raw + b"\0" * (-len(raw) % 4)
