"""Download the streets of a place from the servers of OpenStreetMap.

A place name is looked up with Nominatim, its streets come from Overpass. Either there is a whole
answer or an error: a remark of the server (it ran out of time or memory), a missing node, half a
file are never taken for a street network.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import shapely
import shapely.geometry
from shapely.errors import ShapelyError

from shelterplan.errors import DownloadError
from shelterplan.progress import Progress, silent
from shelterplan.sources import walk_rules
from shelterplan.sources.download import (
    FIRST_PAUSE_S,
    MAX_BYTES,
    Deadline,
    Request,
    fetch_json,
    shown,
)
from shelterplan.sources.streets import WGS84, Streets
from shelterplan.sources.topology import build_streets
from shelterplan.sources.walk_rules import Tags
from shelterplan.sources.ways import Nodes, WayCollector, Ways

OVERPASS = "https://overpass-api.de/api/interpreter"
NOMINATIM = "https://nominatim.openstreetmap.org/search"
MAX_AREA_KM2 = 10_000.0
"""Largest area that is asked of a public server [km2]."""
MAX_CORNERS = 50_000
"""Most corners of an outline that are looked at."""
MAX_PLACES_BYTES = 32 << 20
"""Largest answer of Nominatim accepted [bytes]."""
OUTLINE_DEG = 1e-4
"""The outline is made simpler by at most this, and wider by as much [degrees]: about 10 m."""
SELECTIONS = ('way["highway"]', 'way["railway"="platform"]', 'way["route"="ferry"]')
"""What is asked for: the candidate ways of the walk rules."""

_UNREADABLE = (ShapelyError, ValueError, TypeError, KeyError, IndexError)

Area = shapely.Polygon | shapely.MultiPolygon


def fetch_streets(
    place: str | Area,
    *,
    endpoint: str = OVERPASS,
    geocoder: str = NOMINATIM,
    cache_dir: str | Path | None = None,
    use_cache: bool = True,
    deadline_s: float = 180.0,
    max_bytes: int = MAX_BYTES,
    pause_s: float = FIRST_PAUSE_S,
    progress: Progress = silent,
) -> Streets:
    """Download the walkable streets of a place.

    Parameters
    ----------
    place
        A name such as "Monaco-Ville, Monaco", or a (multi)polygon in longitude and latitude.
    endpoint, geocoder
        Addresses of an Overpass and a Nominatim server.
    cache_dir
        Folder of the answers that are kept; by default the user's cache folder.
    use_cache
        Whether to take and keep answers there.
    deadline_s
        Longest time for everything, lookup and retries included [s].
    max_bytes
        Largest answer accepted [bytes].
    pause_s
        Pause after the first "busy" [s]; each further one is twice as long.
    progress
        Told how far the download is.

    Returns
    -------
    Streets
        As from a file: the same rules, the same joining. `date` is the state of the server's data.

    Raises
    ------
    DownloadError
        The place is unknown or has no outline, the area is too large, or there is no whole answer.
    """
    deadline = Deadline(deadline_s)
    kept = Path(cache_dir) if cache_dir else platformdirs.user_cache_path("shelterplan") / "osm"
    options: dict[str, Any] = {
        "deadline": deadline,
        "cache_dir": kept if use_cache else None,
        "max_bytes": max_bytes,
        "pause_s": pause_s,
    }
    progress("looking up the place", 0.0)
    area, named = _look_up(place, geocoder, options) if isinstance(place, str) else (place, "")
    query = overpass_query(area, timeout_s=math.ceil(deadline_s))
    progress(f"downloading {named or 'streets'}", 0.1)
    request = Request(endpoint, "Overpass", data={"data": query})
    answer = fetch_json(request, accept=_accept_elements, **options)
    progress("joining streets", 0.8)
    streets = build_streets(*_read_elements(answer["elements"]), date=_date(answer))
    progress("joining streets", 1.0)
    return replace(streets, place=named)


def overpass_query(area: Area, *, timeout_s: int) -> str:
    """Write the question for the streets of an area.

    Parameters
    ----------
    area
        Outline in longitude and latitude; holes are filled.
    timeout_s
        How long the server may work on it [s].

    Raises
    ------
    DownloadError
        The area is empty, not in degrees, or too large for a public server.
    """
    _refuse_ragged(area)
    west, south, east, north = area.bounds if not area.is_empty else (math.nan,) * 4
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90 and area.is_valid):
        raise DownloadError("the area is empty, damaged, or not in longitude and latitude.")
    size_km2 = abs(WGS84.geometry_area_perimeter(area)[0]) / 1e6
    if size_km2 > MAX_AREA_KM2:
        raise DownloadError(
            f"the area has {size_km2:,.0f} km2; at most {MAX_AREA_KM2:,.0f} are asked of a public "
            "server. Use a downloaded .osm.pbf file.",
        )
    simple = area.buffer(OUTLINE_DEG).simplify(OUTLINE_DEG)
    outlines = [
        " ".join(f"{lat:.6f} {lon:.6f}" for lon, lat in part.exterior.coords)
        for part in shapely.get_parts(simple)
    ]
    wanted = "".join(f'{kind}(poly:"{outline}");' for outline in outlines for kind in SELECTIONS)
    return f"[out:json][timeout:{timeout_s}];({wanted});(._;>;);out body;"


def _look_up(name: str, geocoder: str, options: dict[str, Any]) -> tuple[Area, str]:
    """Find the outline of a place by its name, and how the server calls it."""
    most = min(MAX_PLACES_BYTES, options["max_bytes"])
    params = {"q": name, "format": "jsonv2", "polygon_geojson": "1", "limit": "5"}
    request = Request(geocoder, "Nominatim", params)
    found = fetch_json(request, accept=_accept_places, **{**options, "max_bytes": most})
    if not found:
        raise DownloadError(f"Nominatim knows no place called {name!r}.")
    for hit in found:
        outline = hit.get("geojson")
        if isinstance(outline, dict) and outline.get("type") in {"Polygon", "MultiPolygon"}:
            try:
                return _outline(outline), shown(hit.get("display_name", ""))
            except _UNREADABLE as error:
                raise DownloadError(f"Nominatim's outline of {name!r} is damaged.") from error
    raise DownloadError(
        f"Nominatim knows {name!r} only as a point or a line, without an outline. Name a district, "
        "town or quarter, or give a polygon.",
    )


def _outline(given: Mapping[str, Any]) -> Area:
    shape = shapely.geometry.shape(dict(given))
    _refuse_ragged(shape)
    return shapely.make_valid(shape).buffer(0)


def _refuse_ragged(shape: shapely.Geometry) -> None:
    """Refuse what would take long to make simpler."""
    corners = shapely.get_num_coordinates(shape)
    if corners > MAX_CORNERS:
        raise DownloadError(
            f"the outline has {corners:,} corners; at most {MAX_CORNERS:,} are looked at. Give a "
            "simpler polygon, or use a downloaded .osm.pbf file.",
        )


def _accept_places(answer: object) -> None:
    """Refuse what is no list of places."""
    if not isinstance(answer, list) or not all(isinstance(hit, dict) for hit in answer):
        raise DownloadError("Nominatim gave an answer that is no list of places.")


def _accept_elements(answer: object) -> None:
    """Refuse an answer of Overpass that is not whole."""
    if not isinstance(answer, dict) or not isinstance(answer.get("elements"), list):
        raise DownloadError("Overpass gave an answer without elements.")
    if answer.get("remark"):
        raise DownloadError(
            f"Overpass did not finish: {shown(answer['remark'])!r}. Part of the streets would "
            "be missing. Ask for a smaller area, or use a downloaded .osm.pbf file.",
        )
    ways, nodes = _read_elements(answer["elements"])
    if not ways.osm_id.size:
        raise DownloadError("Overpass knows no streets in this area.")
    if not np.isin(ways.ref, nodes.osm_id).all():
        raise DownloadError("Overpass gave ways without all of their nodes: not a whole answer.")


def _date(answer: Mapping[str, Any]) -> str:
    """Tell the state of the server's data."""
    about = answer.get("osm3s")
    return str(about.get("timestamp_osm_base", "")) if isinstance(about, dict) else ""


def _read_elements(elements: list[Any]) -> tuple[Ways, Nodes]:
    """Take the ways and nodes out of an answer."""
    try:
        nodes = [thing for thing in elements if thing["type"] == "node"]
        ways = [thing for thing in elements if thing["type"] == "way" and _is_street(thing)]
        collector = WayCollector()
        for way in ways:
            collector.add(_id(way["id"]), map(_id, way["nodes"]), _tags(way))
        return (
            collector.ways(),
            Nodes(
                np.array([_id(node["id"]) for node in nodes], dtype=np.int64),
                np.array([_degrees(node["lon"]) for node in nodes], dtype=np.float64),
                np.array([_degrees(node["lat"]) for node in nodes], dtype=np.float64),
                frozenset(int(n["id"]) for n in nodes if walk_rules.node_cuts(_tags(n))),
                frozenset(
                    int(n["id"]) for n in nodes if walk_rules.node_stops_wheelchair(_tags(n))
                ),
            ),
        )
    except (*_UNREADABLE, OverflowError, AttributeError) as error:
        raise DownloadError("Overpass gave elements that cannot be read.") from error


def _is_street(way: Mapping[str, Any]) -> bool:
    """Tell whether the walk rules look at this way."""
    return walk_rules.is_candidate(_tags(way))


def _tags(thing: Mapping[str, Any]) -> Tags:
    """Give the tags of an element; half a character (a lone surrogate) becomes "?"."""
    tags = thing.get("tags", {})
    return {_text(key): _text(value) for key, value in tags.items()}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a tag that is no text")
    return value.encode("utf-8", "replace").decode()


def _id(value: object) -> int:
    if type(value) is not int:
        raise TypeError("an id that is no whole number")
    return value


def _degrees(value: object) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError("a coordinate that is no number")
    return float(value)
