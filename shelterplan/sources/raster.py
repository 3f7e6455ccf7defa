"""Rasters from people: GeoTIFF only, recognised by content, a window of it read in a child."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj

from shelterplan.errors import SourceError
from shelterplan.sources.child import environment_of, run_reader
from shelterplan.sources.geojson import flat_crs
from shelterplan.sources.streets import WGS84
from shelterplan.sources.vector import check_file

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

MAX_BYTES = 4 * 1024**3
"""Largest raster file that is opened [bytes]; only the wanted window of it is read."""
TIMEOUT_S = 180
"""Longest wait for the reading process [s]."""
MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First bytes of TIFF and BigTIFF files, in either byte order."""
KEPT_DRIVERS = frozenset({"GTiff", "MEM", "Memory", "DERIVED"})
"""Drivers that stay on in the child: one reads GeoTIFF, the others open no file."""
NO_PART = 1e-9
"""A cell whose weight in a value is less than this has no part in it: numbers are not exact."""

Transform = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, eq=False, kw_only=True)
class Raster:
    """A window of a raster: numbers in cells on the ground.

    Examples
    --------
    >>> plain = Raster(
    ...     cells=np.array([[0.0, 10.0], [0.0, 10.0]]),
    ...     transform=(1.0, 0.0, 7.0, 0.0, -1.0, 2.0),
    ...     crs=pyproj.CRS.from_epsg(4326),
    ... )
    >>> plain.sample([7.5, 8.0, 8.5, 7.0], [0.5, 1.0, 1.5, 1.0]).tolist()
    [0.0, 5.0, 10.0, nan]
    """

    cells: NDArray[np.floating[Any]]
    """Cells, shape (rows, columns), in the raster's own unit; NaN where nothing is known."""
    transform: Transform
    """(a, b, c, d, e, f): x = a column + b row + c and y = d column + e row + f; cell (0, 0) is
    from 0 to 1 in both."""
    crs: pyproj.CRS
    """Coordinate system of x and y."""
    facts: dict[str, Any] = field(default_factory=dict)
    """The source: name, sha256, kind, crs, shape of the whole file,
    offset (its row and column at which `cells` begins), cell_size, nodata, unit."""

    @property
    def cell_size(self) -> tuple[float, float]:
        """Width and height of a cell, in the unit of the coordinate system."""
        a, b, _, d, e, _ = self.transform
        return float(np.hypot(a, d)), float(np.hypot(b, e))

    @cached_property
    def cell_m(self) -> float:
        """Mean of the width and the height of the cell in the middle [m]."""
        row, column = (size / 2 for size in self.cells.shape)
        corners = np.array([[column, column + 1, column], [row, row, row + 1]])
        lon, lat = self.lonlat(*corners)
        sides = WGS84.inv(lon[[0, 0]], lat[[0, 0]], lon[1:], lat[1:])[2]
        return float(np.mean(sides))

    def lonlat(self, column: ArrayLike, row: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return longitude and latitude of places in the grid (fractions of cells)."""
        a, b, c, d, e, f = self.transform
        x, y = np.asarray(column, float), np.asarray(row, float)
        lonlat = self._transformer.transform(
            a * x + b * y + c, d * x + e * y + f, direction="INVERSE"
        )
        return np.asarray(lonlat[0]), np.asarray(lonlat[1])

    def grid(self, lon: ArrayLike, lat: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return column and row of places, fractions of cells included: `lonlat` backwards."""
        a, b, c, d, e, f = self.transform
        x, y = self._transformer.transform(np.asarray(lon, float), np.asarray(lat, float))
        dx, dy, area = np.asarray(x) - c, np.asarray(y) - f, a * e - b * d
        return (e * dx - b * dy) / area, (a * dy - d * dx) / area

    def sample(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.float64]:
        """Return values between the middles of cells, bilinear.

        Parameters
        ----------
        lon, lat : array of float, shape (n,)
            Places [degrees].

        Returns
        -------
        array of float64, shape (n,)
            NaN where a cell that has a part in the value is unknown or outside the raster.
        """
        column, row = self.grid(lon, lat)
        total = np.zeros(np.shape(column))
        left, top = np.floor(column - 0.5), np.floor(row - 0.5)
        for right, across in ((0, left + 1.5 - column), (1, column - 0.5 - left)):
            for below, down in ((0, top + 1.5 - row), (1, row - 0.5 - top)):
                weight = across * down
                part = weight * self._value(top + below, left + right)
                total += np.where(weight < NO_PART, 0.0, part)
        return total

    def _value(self, row: np.ndarray, column: np.ndarray) -> NDArray[np.float64]:
        """Return the values of cells by number, NaN outside."""
        rows, columns = self.cells.shape
        with np.errstate(invalid="ignore"):
            inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        found = self.cells[
            np.where(inside, row, 0).astype(np.int64), np.where(inside, column, 0).astype(np.int64)
        ]
        return np.where(inside, found, np.nan).astype(np.float64)

    @cached_property
    def _transformer(self) -> pyproj.Transformer:
        return pyproj.Transformer.from_crs(4326, self.crs, always_xy=True)


def is_geotiff(path: str | os.PathLike[str]) -> bool:
    """Say whether an existing file is a TIFF by its first bytes, whatever its name ends in."""
    file = Path(path)
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        return stream.read(4) in MAGIC


def read_raster(
    path: str | os.PathLike[str],
    *,
    bounds: Sequence[float] | None = None,
    crs: pyproj.CRS | None = None,
) -> Raster:
    """Read a GeoTIFF with one band, or the part of it around a box.

    Other files that stand beside it (.aux.xml, .ovr, .msk, .tfw, .vrt) are never read.

    Parameters
    ----------
    path : path of a file
        Its content decides what it is.
    bounds : (west, south, east, north), optional
        Box in longitude and latitude [degrees]: only the cells that touch it, and one around, are
        read. By default all.
    crs : pyproj.CRS, optional
        Coordinate system of a file that does not say its own.

    Raises
    ------
    SourceError
        The file is no GeoTIFF of one band of numbers, is damaged or too large, has no place on the
        ground, or shows another place.
    """
    file = check_raster(path)
    with tempfile.TemporaryDirectory(prefix="shelterplan-") as folder:
        source, target = Path(folder) / "in.tif", Path(folder) / "out.npy"
        _lay_in(file, source)
        run_reader(
            "raster_child",
            [
                "geotiff",
                str(source),
                str(target),
                json.dumps(None if bounds is None else [float(one) for one in bounds]),
                "" if crs is None else crs.to_wkt(),
            ],
            name=file.name,
            kind="GeoTIFF",
            environment=child_environment(),
            timeout_s=TIMEOUT_S,
        )
        values = np.load(target, allow_pickle=False)
        told = json.loads(target.with_suffix(".json").read_text("utf-8"))
    values.flags.writeable = False
    return _raster(file, values, told)


def child_environment() -> dict[str, str]:
    """Return the whole environment of the child: GTiff alone, no files beside it, no network."""
    import rasterio

    with rasterio.Env() as environment:
        drivers = set(environment.drivers())
    return environment_of(drivers - KEPT_DRIVERS) | {
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        "GDAL_PAM_ENABLED": "NO",
        "GDAL_GEOREF_SOURCES": "INTERNAL",
        "GDAL_CACHEMAX": "256",
    }


def check_raster(path: str | os.PathLike[str]) -> Path:
    """Return the path of an existing TIFF that is not too large; nothing of it is read yet.

    Raises
    ------
    SourceError
        No such file, something else, or too large.
    """
    file = Path(path)
    if not is_geotiff(file):
        file = check_file(path)  # says it better where there is no such file
        raise SourceError(f"{file.name} is no GeoTIFF: save the raster as GeoTIFF (.tif)")
    if file.stat().st_size > MAX_BYTES:
        raise SourceError(
            f"{file.name} has {file.stat().st_size / 1e9:,.1f} GB; at most "
            f"{MAX_BYTES / 1e9:,.1f} GB are read: cut it to the place"
        )
    return file


def _lay_in(file: Path, source: Path) -> None:
    """Put the file under a name of ours: linked where the system can, since it may be large."""
    try:
        source.symlink_to(file.resolve())
    except OSError:
        shutil.copyfile(file, source)


def _raster(file: Path, values: np.ndarray, told: dict[str, Any]) -> Raster:
    try:
        crs = flat_crs(pyproj.CRS.from_wkt(told["crs"]))
    except pyproj.exceptions.CRSError as error:
        said = str(error)[:200]
        raise SourceError(f"{file.name}: its coordinate system is not known: {said}") from error
    a, b, c, d, e, f = told["transform"]
    raster = Raster(cells=values, transform=(a, b, c, d, e, f), crs=crs)
    if not (np.isfinite(raster.cell_m) and raster.cell_m > 0):
        raise SourceError(
            f"{file.name} lies nowhere on Earth: are its position and coordinate system right?"
        )
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    facts = {
        "name": file.name,
        "sha256": digest,
        "kind": "GeoTIFF",
        "crs": crs.to_string() if crs.to_epsg() is None else f"EPSG:{crs.to_epsg()}",
        "shape": tuple(told["shape"]),
        "offset": tuple(told["offset"]),
        "cell_size": raster.cell_size,
        "nodata": told["nodata"],
        "unit": told["unit"],
    }
    return Raster(cells=values, transform=raster.transform, crs=crs, facts=facts)
