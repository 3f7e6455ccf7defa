"""Vector files from people: recognised by content, GeoJSON parsed here, the rest in a child.

GDAL opens what it likes (a `.geojson` that is a VRT reads any file or address), so it never sees
a path or a name that a user chose: the file is copied to a name of ours, and read in a process
with limits in which only the one needed driver is live.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyproj
import shapely

from shelterplan.errors import SourceError
from shelterplan.sources.child import environment_of, run_reader
from shelterplan.sources.geojson import flat_crs, parse_geojson

MAX_BYTES = 300 * 1024**2
"""Largest file that is read [bytes]."""
MAX_FEATURES = 2_000_000
"""Most features a file may have."""
MAX_MEMBERS = 200
"""Most members of an archive."""
MAX_UNPACKED_BYTES = 600 * 1024**2
"""Most that an archive may unpack to [bytes]."""
MAX_RATIO = 250
"""Most that one member may grow by, once it is larger than `RATIO_FREE_BYTES`."""
RATIO_FREE_BYTES = 5 * 1024**2
"""Padded attribute tables shrink a lot: below this size the growth does not matter [bytes]."""
TIMEOUT_S = 180
"""Longest wait for the reading process [s]."""
SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
"""The members of a zipped shapefile that are unpacked."""
KIND_NAMES = {
    "geojson": "GeoJSON",
    "gpkg": "GeoPackage",
    "shapefile": "zipped shapefile",
    "parquet": "GeoParquet",
    "text": "text table",
}
"""The kinds of file that are read, in words."""


def check_file(path: str | os.PathLike[str]) -> Path:
    """Return the path of an existing regular file that is not too large.

    An address ("http://...", "/vsicurl/...", "PG:...") is no file, and is never opened.

    Raises
    ------
    SourceError
        No such file, no regular file, empty, or too large.
    """
    file = Path(path)
    try:
        regular, size = file.is_file(), file.stat().st_size
    except (OSError, ValueError):
        regular, size = False, 0
    if not regular:
        raise SourceError(f"there is no file {str(path)!r}")
    if size == 0:
        raise SourceError(f"{file.name} is empty")
    if size > MAX_BYTES:
        raise SourceError(
            f"{file.name} has {size / 1e6:,.0f} MB; at most {MAX_BYTES / 1e6:,.0f} MB are read"
        )
    return file


def sniff(path: str | os.PathLike[str]) -> str:
    """Return what a file is by its first bytes, whatever its name ends in.

    Returns
    -------
    str
        "geojson", "gpkg", "shapefile", "parquet" or "text".

    Raises
    ------
    SourceError
        Something else; the message says what and what to do.
    """
    file = check_file(path)
    with file.open("rb") as stream:
        head = stream.read(4096)
    for magic, kind in ((b"PAR1", "parquet"), (b"SQLite format 3\0", "gpkg")):
        if head.startswith(magic):
            return kind
    if head.startswith(b"PK\x03\x04"):
        return _sniff_archive(file)
    for magic, problem in (
        (b"\x00\x00\x27\x0a", "is one part of a shapefile: zip the .shp, .shx, .dbf and .prj"),
        (b"\x1f\x8b", "is compressed: unpack it first"),
        (b"BZh", "is compressed: unpack it first"),
        (b"\xd0\xcf\x11\xe0", "is an old Excel workbook: save it as 'CSV UTF-8'"),
    ):
        if head.startswith(magic):
            raise SourceError(f"{file.name} {problem}")
    return _sniff_text(file, head)


def _sniff_text(file: Path, head: bytes) -> str:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start in {b"{", b"["}:
        return "geojson"
    if start == b"<":
        raise SourceError(
            f"{file.name} is an XML file, which is not read here: "
            "save it as GeoJSON, GeoPackage or CSV"
        )
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError(f"{file.name} is neither {', '.join(KIND_NAMES.values())}")
    return "text"


def _sniff_archive(file: Path) -> str:
    names = [member.filename.lower() for member in _members(file)]
    if "[content_types].xml" in names:
        raise SourceError(f"{file.name} is an Excel workbook: save it as 'CSV UTF-8'")
    if not any(name.endswith(".shp") for name in names):
        raise SourceError(f"{file.name} is an archive without a shapefile: unpack it first")
    return "shapefile"


def read_vector(path: str | os.PathLike[str], *, layer: str = "") -> gpd.GeoDataFrame:
    """Read the features of a GeoJSON, GeoPackage, GeoParquet or zipped shapefile.

    Parameters
    ----------
    path : path of a file
        Its content decides what it is.
    layer : str
        The layer of a GeoPackage; needed where it has several.

    Returns
    -------
    GeoDataFrame
        One row for each feature in the order of the file, index 0.., the coordinate system of the
        file (None where it declares none), heights dropped. A geometry that cannot be read is
        None.

    Raises
    ------
    SourceError
        The file is no vector file, damaged, too large, or reaches outside itself.
    """
    file = check_file(path)
    kind = sniff(file)
    if kind == "text":
        raise SourceError(f"{file.name} is a text table, not a map layer")
    table = (
        parse_geojson(file.read_bytes(), file.name)
        if kind == "geojson"
        else _read_in_child(file, kind, layer)
    )
    if len(table) > MAX_FEATURES:
        raise SourceError(
            f"{file.name} has {len(table):,} features; at most {MAX_FEATURES:,} are read"
        )
    try:
        crs = None if table.crs is None else flat_crs(table.crs)
    except pyproj.exceptions.CRSError as error:
        raise SourceError(f"{file.name}: {error}; save it in WGS 84 (EPSG:4326)") from error
    flat = shapely.force_2d(table.geometry.to_numpy())
    attributes = pd.DataFrame(table.drop(columns=table.geometry.name)).reset_index(drop=True)
    return gpd.GeoDataFrame(attributes, geometry=flat, crs=crs)


def _read_in_child(file: Path, kind: str, layer: str) -> gpd.GeoDataFrame:
    """Read a copy under a name of ours in a process with limits."""
    with tempfile.TemporaryDirectory(prefix="shelterplan-") as folder:
        source = (
            Path(folder) / {"gpkg": "in.gpkg", "shapefile": "in.shp", "parquet": "in.parquet"}[kind]
        )
        if kind == "shapefile":
            _unpack_shapefile(file, source)
        else:
            shutil.copyfile(file, source)
        target = Path(folder) / "out.parquet"
        run_reader(
            "vector_child",
            [kind, str(source), str(target), layer],
            name=file.name,
            kind=KIND_NAMES[kind],
            environment=_child_environment(kind),
            timeout_s=TIMEOUT_S,
        )
        table = gpd.read_parquet(target)
        bare = kind == "shapefile" and not source.with_suffix(".cpg").exists()
    return _decode_attributes(table, file.name) if bare else table


def _child_environment(kind: str) -> dict[str, str]:
    """Return the whole environment of the child: every driver but one off, no network."""
    import pyogrio

    driver = {"gpkg": "GPKG", "shapefile": "ESRI Shapefile", "parquet": ""}[kind]
    return environment_of(set(pyogrio.list_drivers()) - {driver, "MEM"})


def _members(file: Path) -> list[zipfile.ZipInfo]:
    """Return the members of an archive that keeps within the limits."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        said = str(error)[:200]
        raise SourceError(f"{file.name} is no whole zip archive: {said}") from error
    if len(members) > MAX_MEMBERS:
        raise SourceError(f"{file.name} has {len(members):,} members; at most {MAX_MEMBERS}")
    if sum(member.file_size for member in members) > MAX_UNPACKED_BYTES or any(
        member.file_size > max(RATIO_FREE_BYTES, MAX_RATIO * member.compress_size)
        for member in members
    ):
        raise SourceError(f"{file.name} would unpack to far more than its own size: refused")
    return members


def _unpack_shapefile(file: Path, target: Path) -> None:
    """Unpack the parts of the one shapefile of an archive to names of ours beside `target`."""
    members = [one for one in _members(file) if not one.filename.startswith("__MACOSX")]
    layers = [one.filename for one in members if one.filename.lower().endswith(".shp")]
    if len(layers) != 1:
        raise SourceError(f"{file.name} has {len(layers)} shapefiles: zip one alone")
    stem = layers[0][:-4].lower()
    try:
        with zipfile.ZipFile(file) as archive:
            for member in members:
                name = member.filename.lower()
                if name[:-4] == stem and name[-4:] in SHAPEFILE_PARTS:
                    _unpack(archive, member, target.with_suffix(name[-4:]))
    except (
        zipfile.BadZipFile,
        RuntimeError,
        OSError,
        EOFError,
        NotImplementedError,
        ValueError,
    ) as error:
        raise SourceError(f"{file.name} cannot be unpacked: {str(error)[:200]}") from error
    if not target.with_suffix(".shx").exists() or not target.with_suffix(".dbf").exists():
        raise SourceError(f"{file.name} lacks the .shx or .dbf of the shapefile: zip them too")


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    """Copy one member, never more than it declares."""
    with archive.open(member) as source, target.open("wb") as sink:
        left = member.file_size
        while left > 0 and (chunk := source.read(min(left, 1 << 20))):
            sink.write(chunk)
            left -= len(chunk)


def _decode_attributes(table: gpd.GeoDataFrame, name: str) -> gpd.GeoDataFrame:
    """Return the table with the names and text of a shapefile without .cpg decoded rightly."""
    from shelterplan.sources.text_tables import choose_encoding

    plain = pd.DataFrame(table.drop(columns=table.geometry.name))
    columns = [one for one in plain.columns if pd.api.types.is_string_dtype(plain[one])]
    text = "\n".join(
        [*plain.columns, *(str(cell) for one in columns for cell in plain[one].dropna())]
    )
    if text.isascii():
        return table
    encoding = choose_encoding(text.encode("latin-1", "replace"), f"{name} (.dbf)")

    def decoded(cell: str) -> str:
        return cell.encode("latin-1", "replace").decode(encoding, "replace")

    cells = {one: [c if pd.isna(c) else decoded(str(c)) for c in plain[one]] for one in columns}
    return gpd.GeoDataFrame(
        plain.assign(**cells).rename(columns=decoded), geometry=table.geometry, crs=table.crs
    )
