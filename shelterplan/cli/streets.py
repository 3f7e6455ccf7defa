"""The streets that `build` is given: an OpenStreetMap file, a layer of lines, or a place's name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd

    from shelterplan.progress import Progress
    from shelterplan.sources.streets import Streets
    from shelterplan.study_area import Source

OSM_LICENCE = "© OpenStreetMap contributors, ODbL 1.0"


@dataclass(frozen=True, eq=False, slots=True)
class Network:
    """The streets, where they came from, and what else the same file gave."""

    streets: Streets
    source: Source
    gates: gpd.GeoDataFrame | None = None
    places: gpd.GeoDataFrame | None = None
    elevation: Source | None = None
    """Where the slopes of the streets came from."""
    slopes: dict[str, Any] | None = None
    """What `elevation.with_slopes` found; None without elevations."""


def read_any_streets(path: Path | None, place: str | None, progress: Progress) -> Network:
    """Read streets from an OpenStreetMap file, a layer of lines, or a place by its name."""
    if path is None:
        return _download(str(place), progress)
    from shelterplan.sources.vector import check_file

    if not path.is_file():
        check_file(path)
    return _read_osm(path, progress) if looks_like_osm(path) else _read_lines(path)


def with_elevation(network: Network, path: Path | None, progress: Progress) -> Network:
    """Return the streets with their slopes from a grid of elevations, if there is one."""
    if path is None:
        return network
    from shelterplan.sources.elevation import with_slopes
    from shelterplan.sources.raster import read_raster
    from shelterplan.study_area import Source

    progress("measuring slopes", 0.0)
    edges = network.streets.edges
    dem = read_raster(path, bounds=edges.total_bounds.tolist())
    progress("measuring slopes", 0.5)
    sloped, facts = with_slopes(edges, dem)
    progress("measuring slopes", 1.0)
    source = Source(
        table="elevation",
        name=facts["name"],
        sha256=facts["sha256"],
        note=f"elevations in cells of about {facts['cell_m']:,.0f} m, for the slopes of streets",
    )
    streets = replace(network.streets, edges=sloped)
    return replace(network, streets=streets, elevation=source, slopes=facts)


def looks_like_osm(path: Path) -> bool:
    """Say whether a file is one of OpenStreetMap, by its first bytes."""
    with path.open("rb") as stream:
        head = stream.read(4096)
    return (
        head[4:].startswith(b"\x0a\x09OSMHeader")
        or head.startswith((b"\x1f\x8b", b"BZh"))
        or head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")
    )


def _read_osm(path: Path, progress: Progress) -> Network:
    from shelterplan.sources.osm import read_streets
    from shelterplan.sources.osm_features import read_gates, read_public_places
    from shelterplan.study_area import Source

    streets = read_streets(path, progress=progress)
    progress("reading gates and places", 0.0)
    gates = read_gates(path)
    progress("reading gates and places", 0.5)
    places = _named_places(read_public_places(path))
    progress("reading gates and places", 1.0)
    source = Source(
        table="streets",
        name=path.name,
        date=streets.date,
        licence=OSM_LICENCE,
        sha256=_hash(path),
        note="walkable ways, mapped gates and named places",
    )
    return Network(streets, source, gates, places)


def _named_places(found: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return public places with a name as points, for the search by name."""
    named = found[found["name"].notna() & (found["name"] != "")]
    ids = named["osm_type"].astype(str) + "/" + named["osm_id"].astype(str)
    table: gpd.GeoDataFrame = named[["name", "kind", "geometry"]].set_axis(ids.to_numpy())
    return table.set_geometry(table.geometry.representative_point())


def _read_lines(path: Path) -> Network:
    from shelterplan.sources.lines import read_lines
    from shelterplan.sources.vector import read_vector
    from shelterplan.study_area import Source

    layer = read_vector(path)
    tagged = "highway" in layer and "class" not in layer
    streets = read_lines(layer, class_column="highway" if tagged else None)
    source = Source(
        table="streets",
        name=path.name,
        date=streets.date,
        sha256=_hash(path),
        note="a layer of lines, taken as walkable both ways",
    )
    return Network(streets, source)


def _download(place: str, progress: Progress) -> Network:
    from shelterplan.sources.overpass import fetch_streets
    from shelterplan.study_area import Source

    streets = fetch_streets(place, progress=progress)
    return Network(
        streets,
        Source(table="streets", name=f"Overpass: {place}", date=streets.date, licence=OSM_LICENCE),
    )


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
