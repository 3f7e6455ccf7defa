"""A study area under a few scenarios as compact bytes, from which a page finds shelters by itself.

The page searches the streets itself, in whole millimetres, as `finder.find_shelters` does: what is
packed is the network with its true curves, not answers. So a shelter that turns out to be full can
be left out, and the next, and the one after that, from anywhere.

The blob is gzip of ``"SPRM" | u32 bytes of the table | table | sections``, little-endian; the table
is JSON with `sections` (name, bytes) in order and whatever is not a row of numbers.
"""

from __future__ import annotations

import gzip
import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from shelterplan import gazetteer
from shelterplan.study_area import AROUND, ATTRIBUTION
from shelterplan.views.resident import rings, scenes
from shelterplan.views.resident.numbers import varints
from shelterplan.views.resident.plane import Plane, ResidentMapError, plane_of
from shelterplan.views.resident.streets import Sections, slope_sections, street_sections

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shelterplan.scenario import Scenario
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea

FORMAT = 1
_MAGIC = b"SPRM"
_KINDS = ("street", "community", "district", "shelter")
_METRES_A_DEGREE = 110_500.0


@dataclass(frozen=True, eq=False)
class Packed:
    """What a page needs to find shelters."""

    head: dict[str, Any]
    """What is said before anything is unpacked: title, sources, scenarios; plain values."""
    blob: bytes
    """Streets, shelters, scenarios, names."""


def pack(
    area: StudyArea,
    scenarios: Mapping[str, Scenario],
    standard: AccessStandard,
    *,
    choices: int = 3,
) -> Packed:
    """Pack a study area for a page that finds shelters with no server.

    Parameters
    ----------
    area : StudyArea
        The place.
    scenarios : mapping of str to Scenario
        What residents can choose between, in this order, by a key of your own.
    standard : AccessStandard
        What counts as near enough.
    choices : int
        How many shelters a page should offer one after another; it can find any number.

    Raises
    ------
    ResidentMapError
        If there is no scenario or no street, or the area is too large for one map.

    Examples
    --------
    >>> from shelterplan import AccessStandard, Scenario, StudyArea
    >>> packed = pack(StudyArea.open("monaco"), {"any day": Scenario()}, AccessStandard())
    >>> packed.head["title"], len(packed.blob) < 150_000
    ('Monaco', True)
    """
    if not scenarios:
        message = "a resident map needs at least one scenario"
        raise ResidentMapError(message)
    if area.streets.empty:
        message = "there are no streets, so there is no way to any shelter"
        raise ResidentMapError(message)
    plane = _plane(area, scenarios)
    sections, table = street_sections(area.network(), plane)
    for slope in _slopes(area, scenarios):
        sections |= slope_sections(area.streets, slope)
    packed = _scenes(area, scenarios, standard, sections, table)
    sections |= _outline(area)
    table |= {"format": FORMAT, "version": area.version, "plane": plane.facts}
    table |= {"shelters": _shelters(area, packed), "places": _names(area, plane)}
    owner = area.shelters.index.get_indexer(area.entrances["shelter_id"])
    sections["door_shelter"] = varints(owner)
    blob = gzip.compress(_joined(sections, table), 9, mtime=0)
    return Packed(head=_head(area, scenarios, packed, choices), blob=blob)


def _plane(area: StudyArea, scenarios: Mapping[str, Scenario]) -> Plane:
    tables = (area.streets, area.demand, area.shelters, area.communities, area.entrances)
    bounds = np.array([table.total_bounds for table in tables if len(table)])
    whole = np.concatenate([bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)])
    farthest = max(scenario.max_leg_m for scenario in scenarios.values())
    return plane_of(area.crs, whole, max(AROUND, 1.1 * farthest / _METRES_A_DEGREE))


def _slopes(area: StudyArea, scenarios: Mapping[str, Scenario]) -> list[str]:
    wanted = {scenario.slope for scenario in scenarios.values()}
    return sorted(slope for slope in wanted if f"{slope}_forward" in area.streets.columns)


def _scenes(
    area: StudyArea,
    scenarios: Mapping[str, Scenario],
    standard: AccessStandard,
    sections: Sections,
    table: dict[str, Any],
) -> list[scenes.Scene]:
    """Pack the scenarios into sections and table; return what is known of each."""
    shapes = list(area.metric_hazards)
    levels = area.hazards["level"].tolist()
    used: dict[int, int] = {}
    kept: list[shapely.Geometry] = []
    walks: dict[tuple[bool, bool, float, float], int] = {}
    table |= {"walks": [], "scenes": [], "zones": []}
    packed = []
    for number, scenario in enumerate(scenarios.values()):
        key = scenes.walks_key(scenario)
        if key not in walks:
            walks[key] = len(walks)
            shared = scenes.walks_of(area, scenario, f"w{walks[key]}")
            sections |= shared.sections
            table["walks"].append(shared.facts)
        scene = scenes.scene_of(area, scenario, standard, f"s{number}")
        sections |= scene.sections
        packed.append(scene)
        active, closed = scenes.ground_of(area, scenario)
        for zone in active.tolist():
            if zone not in used:
                used[zone] = len(kept)
                kept.append(shapes[zone])
                table["zones"].append(int(levels[zone]))
        zones = [used[zone] for zone in active.tolist()]
        ground = zones if scenario.phase == "during" else []
        ground = ground + list(range(len(kept), len(kept) + len(closed)))
        kept += closed
        table["zones"] += [0] * len(closed)
        table["scenes"].append({"walks": walks[key], "zones": zones, "ground": ground})
    sections |= rings.ring_sections(kept, "zone")
    return packed


def _outline(area: StudyArea) -> Sections:
    """Return the ground of all communities together."""
    whole = shapely.union_all(shapely.make_valid(area.metric_communities))
    return rings.ring_sections([whole], "outline")


def _shelters(area: StudyArea, packed: list[scenes.Scene]) -> list[dict[str, Any]]:
    """Return what a page says of each shelter."""
    at = shapely.point_on_surface(np.asarray(area.shelters.geometry.array, object))
    room = packed[0].room
    rows = []
    for number, (key, row) in enumerate(area.shelters.iterrows()):
        shares = [scene.fills_at_share[number] for scene in packed]
        space = float(room["room"].iloc[number])
        rows.append(
            {
                "id": str(key),
                "name": _text(row["name"]),
                "kind": _text(row["kind"]),
                "indoor": None if pd.isna(row["indoor"]) else bool(row["indoor"]),
                "lon": round(float(shapely.get_x(at[number])), 7),
                "lat": round(float(shapely.get_y(at[number])), 7),
                "capacity": space if np.isfinite(space) else None,
                "capacity_from": str(room["room_from"].iloc[number]),
                "wheelchair": _text(row["wheelchair"]),
                "status": _text(row["status"]),
                "verified": _text(row["verified"]),
                "reason": [scene.reason[number] for scene in packed],
                "fitness": [scene.fitness[number] for scene in packed],
                "fills_at_share": None if all(s is None for s in shares) else shares,
            }
        )
    return rows


def _names(area: StudyArea, plane: Plane) -> dict[str, list[Any]]:
    """Return every name that can be searched for, and where it is [units]."""
    found = gazetteer.names(area)
    districts = _districts(area)
    at = plane.units(
        np.concatenate([found[["lon", "lat"]].to_numpy(float), districts["at"]]).reshape(-1, 2)
    )
    kinds = [kind if kind in _KINDS else "place" for kind in found["kind"]]
    kinds += ["district"] * len(districts["name"])
    order = [*_KINDS, "place"]
    return {
        "kinds": order,
        "kind": [order.index(kind) for kind in kinds],
        "label": [*map(str, found["name"]), *districts["name"]],
        "lon": at[:, 0].tolist(),
        "lat": at[:, 1].tolist(),
    }


def _districts(area: StudyArea) -> dict[str, Any]:
    """Return the districts, each at the community in it that lies most in the middle."""
    named = area.communities[["district", "geometry"]]
    named = named[[isinstance(name, str) and name.strip() != "" for name in named["district"]]]
    points = shapely.point_on_surface(np.asarray(named.geometry.array, object))
    lonlat = pd.DataFrame(
        {"name": named["district"].to_numpy(object), "lon": shapely.get_x(points)}
    ).assign(lat=shapely.get_y(points))
    middle = lonlat.groupby("name")[["lon", "lat"]].transform("mean")
    far = np.hypot(lonlat["lon"] - middle["lon"], lonlat["lat"] - middle["lat"])
    chosen = lonlat.assign(far=far).sort_values("far", kind="stable").drop_duplicates("name")
    chosen = chosen.sort_values("name")
    return {"name": [*map(str, chosen["name"])], "at": chosen[["lon", "lat"]].to_numpy(float)}


def _head(
    area: StudyArea,
    scenarios: Mapping[str, Scenario],
    packed: list[scenes.Scene],
    choices: int,
) -> dict[str, Any]:
    bounds = np.array([area.communities.total_bounds, area.streets.total_bounds])
    corners = np.concatenate([bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)])
    dates = sorted({source.date for source in area.sources if source.table == "streets"} - {""})
    return {
        "format": FORMAT,
        "name": area.name,
        "title": area.title,
        "version": area.version,
        "bounds": corners.tolist(),
        "home": area.communities.total_bounds.tolist(),
        "attribution": ATTRIBUTION,
        "illustrative": sorted(area.illustrative),
        "notes": list(area.notes),
        "translations": {
            code: {note: texts[note] for note in area.notes if note in texts}
            for code, texts in area.translations.items()
        },
        "date": dates[-1] if dates else "",
        "sources": [
            {key: getattr(source, key) for key in ("table", "name", "date", "licence")}
            for source in area.sources
        ],
        "choices": choices,
        "scenarios": [
            {"key": key} | scene.facts for key, scene in zip(scenarios, packed, strict=True)
        ],
    }


def _joined(sections: Sections, table: dict[str, Any]) -> bytes:
    listed = table | {"sections": [[name, len(part)] for name, part in sections.items()]}
    told = json.dumps(listed, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    written = told.encode("utf-8", "surrogatepass")
    return b"".join([_MAGIC, struct.pack("<I", len(written)), written, *sections.values()])


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
