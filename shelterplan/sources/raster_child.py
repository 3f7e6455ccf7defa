"""Read one window of a GeoTIFF and write it as .npy: run alone, in a process with limits.

`child_entry.py` runs this file in a fresh interpreter; it imports nothing of the package. The
environment it is given switches off every GDAL driver but GTiff.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.warp
from rasterio.windows import Window

MAX_CELLS = 64_000_000
"""Most cells that are read."""
MAX_BLOCK_BYTES = 512 * 1024**2
"""Largest piece that a file may have to be unpacked in."""
EDGE_POINTS = 21
"""Points along each side of the wanted box, which is no box in the raster's own coordinates."""
HARMLESS = {"MEM", "Memory", "DERIVED"}
"""Drivers that open nothing and may stay."""


def main(kind: str, source: str, target: str, wanted: str, fallback_crs: str) -> None:
    """Read the part of `source` around the box `wanted` and write `target` (.npy and .json).

    Parameters
    ----------
    kind : str
        "geotiff".
    source, target : str
        Paths of ours.
    wanted : str
        Box in longitude and latitude as JSON ([west, south, east, north]), or "null" for all.
    fallback_crs : str
        Coordinate system to use where the file names none; "" for none.
    """
    with rasterio.Env() as environment:
        others = set(environment.drivers()) - HARMLESS - {"GTiff"}
        if kind != "geotiff" or others:
            raise ValueError(f"drivers could not be limited to GTiff: {', '.join(sorted(others))}")
        with rasterio.open(source, driver="GTiff") as raster:
            refuse(raster)
            crs = raster.crs.to_wkt() if raster.crs else fallback_crs
            if not crs:
                raise ValueError(
                    "it does not say its coordinate system: assign it in a GIS "
                    "(or gdal_edit.py -a_srs EPSG:...), or name it when reading"
                )
            window = window_of(raster, json.loads(wanted), crs)
            values = read(raster, window)
            facts = {
                "crs": crs,
                "transform": list(raster.window_transform(window))[:6],
                "offset": [int(window.row_off), int(window.col_off)],
                "shape": [raster.height, raster.width],
                "nodata": None if raster.nodata is None else repr(float(raster.nodata)),
                "unit": (raster.units or ("",))[0] or "",
            }
    np.save(target, values, allow_pickle=False)
    Path(target).with_suffix(".json").write_text(json.dumps(facts), "utf-8")


def refuse(raster: Any) -> None:  # noqa: ANN401  (a rasterio dataset)
    """Stop at a raster that is not one band of numbers with a place on the ground."""
    if raster.count != 1:
        raise ValueError(f"it has {raster.count} bands: save the one that is meant alone")
    if np.dtype(raster.dtypes[0]).kind not in "iuf":
        raise ValueError(f"its cells are {raster.dtypes[0]}, not plain numbers")
    step = raster.transform
    if step.is_identity or not step.determinant or not all(map(math.isfinite, step)):
        raise ValueError("it does not say where it lies: save it with its position (GeoTIFF)")
    height, width = raster.block_shapes[0]
    if height * width * np.dtype(raster.dtypes[0]).itemsize > MAX_BLOCK_BYTES:
        raise ValueError("it is stored in one huge piece: save it tiled (TILED=YES)")


def window_of(raster: Any, wanted: list[float] | None, crs: str) -> Window:  # noqa: ANN401
    """Return the rows and columns around a box in longitude and latitude, one cell more."""
    whole = Window(0, 0, raster.width, raster.height)
    window = whole if wanted is None else around(raster, wanted, crs)
    if window.width <= 0 or window.height <= 0:
        raise ValueError("it covers nothing of the place: do both show the same place?")
    if window.width * window.height > MAX_CELLS:
        raise ValueError(
            f"{window.width * window.height:,} cells would be read, at most {MAX_CELLS:,} are: "
            "cut it to the place"
        )
    return window


def around(raster: Any, wanted: list[float], crs: str) -> Window:  # noqa: ANN401
    """Return the window of the cells around a box."""
    west, south, east, north = wanted
    share = np.linspace(0, 1, EDGE_POINTS)
    lon = np.concatenate([west + (east - west) * share] * 2 + [share * 0 + west, share * 0 + east])
    lat = np.concatenate(
        [share * 0 + south, share * 0 + north] + [south + (north - south) * share] * 2
    )
    xy = np.array(rasterio.warp.transform("EPSG:4326", crs, lon, lat)[:2])
    if not np.isfinite(xy).all():
        raise ValueError("its coordinate system is not one for this place")
    inverse = ~raster.transform
    column = inverse.a * xy[0] + inverse.b * xy[1] + inverse.c
    row = inverse.d * xy[0] + inverse.e * xy[1] + inverse.f
    first = [max(0, math.floor(one.min()) - 1) for one in (column, row)]
    last = [
        min(size, math.ceil(one.max()) + 1)
        for one, size in ((column, raster.width), (row, raster.height))
    ]
    return Window(first[0], first[1], max(last[0] - first[0], 0), max(last[1] - first[1], 0))


def read(raster: Any, window: Window) -> np.ndarray:  # noqa: ANN401
    """Return cells as floats, NaN where there is nothing known; scale and offset applied."""
    cells = raster.read(1, window=window, masked=True)
    small = cells.dtype.itemsize < 4 or cells.dtype == np.float32
    values = cells.astype(np.float32 if small else np.float64).filled(np.nan)
    scale, offset = raster.scales[0], raster.offsets[0]
    if (scale, offset) != (1.0, 0.0):
        values = values.astype(np.float64) * scale + offset
    values[~np.isfinite(values)] = np.nan
    return np.asarray(values)
