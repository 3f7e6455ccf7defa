"""Candidate sites from an OpenStreetMap file: schools, halls, parks and the like.

What OpenStreetMap does not say stays unknown: it knows outlines, but hardly ever how many people
have room, and never what a site would cost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from osmium.filter import TagFilter

from shelterplan import tables
from shelterplan.errors import UnknownNameError
from shelterplan.sources.osm_features import PLACE_KINDS, place_kind
from shelterplan.sources.osm_objects import Feature, object_table, read_objects
from shelterplan.sources.outline_area import outline_area_m2
from shelterplan.sources.walk_rules import Tags

if TYPE_CHECKING:
    from numpy.typing import NDArray

CANDIDATE_KINDS: tuple[str, ...] = tuple(dict.fromkeys(kind for kind, _, _ in PLACE_KINDS))
"""Kinds of place that can become a shelter."""
OPEN_AIR = ("garden", "parking", "pitch", "square")
"""Kinds that are often part of a larger place: the pitch of a school, the garden in a park."""
INSIDE_SHARE = 0.5
"""A site of which more than this lies in a larger one is part of it."""
NEAR_STREET_M = 200.0
"""A site without a name is said to be near a street so far away at most [m]."""
OVERLAP_SHARE = 0.1
"""A site and a shelter that share more than this of the smaller one are one place."""
REASONS = {
    "private": "closed to the public (access=no, private or military, or a garden of homes)",
    "outside": "too far from the communities",
    "is_shelter": "a shelter already, or on the ground of one",
    "part_of_another": "part of a larger site of this list: its ground would count twice",
}
"""Why an object of a wanted kind is no candidate, in the order in which it is looked at."""


@dataclass(frozen=True)
class OsmCandidates:
    """Candidate sites as OpenStreetMap has them."""

    sites: gpd.GeoDataFrame
    """The candidates table, index site_id such as "way/17"."""
    left_out: pd.DataFrame
    """What was left out: rule (a key of `REASONS`), reason, objects (how many)."""


def wanted_kinds(names: Iterable[str]) -> tuple[str, ...]:
    """Return kinds in the order of `CANDIDATE_KINDS`; none means all.

    Raises
    ------
    UnknownNameError
        There is no such kind; the known ones are listed.

    Examples
    --------
    >>> wanted_kinds(["park", "school"])
    ('school', 'park')
    """
    given = list(names)
    for name in given:
        if name not in CANDIDATE_KINDS:
            raise UnknownNameError("kind of candidate site", name, list(CANDIDATE_KINDS))
    return tuple(kind for kind in CANDIDATE_KINDS if kind in given or not given)


def read_osm_candidates(
    path: str | Path,
    *,
    kinds: Iterable[str] = (),
    shelters: gpd.GeoDataFrame | None = None,
    streets: gpd.GeoDataFrame | None = None,
    bounds: Sequence[float] | None = None,
) -> OsmCandidates:
    """Read the sites of an OpenStreetMap file where a shelter could be.

    Parameters
    ----------
    path : str or Path
        An OpenStreetMap file (see `osm.read_streets`).
    kinds : iterable of str
        Some of `CANDIDATE_KINDS`; by default all.
    shelters : GeoDataFrame, optional
        The existing shelters, lon/lat, indexed by id: they, and sites on their ground, are left
        out.
    streets : GeoDataFrame, optional
        Lines with `name`, to say where a site without a name is.
    bounds : (west, south, east, north), optional
        Sites that do not touch this box are left out [degrees].

    Returns
    -------
    OsmCandidates
        Sites with `name` (where none is tagged "unnamed school, way/17", or with a named street
        within `NEAR_STREET_M` "unnamed school near Mill Lane, way/17"), `kind`, `capacity` and
        `cost` (NA: unknown), `area_m2` (of the outline on the ellipsoid; NA for a point), geometry
        in EPSG:4326; and what was left out, with why and how often.

    Raises
    ------
    SourceError
        The file cannot be read.
    UnknownNameError
        There is no such kind.
    """
    taken = wanted_kinds(kinds)
    tags = {(key, value) for kind, key, value in PLACE_KINDS if kind in taken}
    found = read_objects(Path(path), lambda one: open_kind(one) in taken, TagFilter(*sorted(tags)))
    private = sum(place_kind(thing.tags) is None for thing in found)
    things = [thing for thing in found if place_kind(thing.tags) is not None]
    sites = _table(things, streets)
    reasons = Counter({"private": private})
    for rule, is_out in _checks(shelters, bounds):
        out = is_out(sites)
        reasons[rule] += int(out.sum())
        sites = sites[~out]
    rows = [(rule, REASONS[rule], reasons[rule]) for rule in REASONS if reasons[rule]]
    return OsmCandidates(
        tables.checked("candidates", sites),
        pd.DataFrame(rows, columns=["rule", "reason", "objects"]),
    )


def open_kind(tags: Tags) -> str | None:
    """Name the kind of place as if it were open to the public, or None.

    >>> open_kind({"leisure": "park", "access": "private"})
    'park'
    """
    return place_kind({k: v for k, v in tags.items() if k not in {"access", "garden:type"}})


def _table(things: Sequence[Feature], streets: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """Return objects as rows of the candidates table."""
    rows = [
        thing.base() | {"kind": place_kind(thing.tags), "geometry": thing.geometry}
        for thing in things
    ]
    found = object_table(rows, {"kind": "str"})
    ids = found["osm_type"].astype("str") + "/" + found["osm_id"].astype("str")
    near = _near_street(found.geometry, streets)
    unnamed = "unnamed " + found["kind"].str.replace("_", " ") + near + ", " + ids
    named = found["name"].where(found["name"].fillna("").str.strip() != "", unnamed)
    return gpd.GeoDataFrame(
        {
            "name": named,
            "kind": found["kind"],
            "capacity": pd.NA,
            "cost": pd.NA,
            "area_m2": pd.array(outline_area_m2(found.geometry), dtype="Float64"),
        },
        geometry=found.geometry,
    ).set_index(pd.Index(ids, name="site_id"))


def _near_street(places: gpd.GeoSeries, streets: gpd.GeoDataFrame | None) -> pd.Series:
    """Return " near" and the nearest named street of each place; empty where none is near."""
    near = pd.Series("", index=places.index, dtype="str")
    named = streets[streets["name"].fillna("").str.strip() != ""] if streets is not None else None
    if named is None or not len(named) or not len(places):
        return near
    metric = named.to_crs(named.estimate_utm_crs())
    place, street = metric.sindex.nearest(
        places.to_crs(metric.crs).array, return_all=False, max_distance=NEAR_STREET_M
    )
    near.iloc[place] = " near " + metric["name"].iloc[street].astype("str").to_numpy()
    return near


def _checks(
    shelters: gpd.GeoDataFrame | None, bounds: Sequence[float] | None
) -> list[tuple[str, Callable[[gpd.GeoDataFrame], NDArray[np.bool_]]]]:
    """Return the rules that follow on `private`, each with what it leaves out."""
    checks: list[tuple[str, Callable[[gpd.GeoDataFrame], NDArray[np.bool_]]]] = []
    if bounds is not None:
        west, south, east, north = bounds
        box = shapely.box(west, south, east, north)
        checks.append(("outside", lambda sites: ~sites.geometry.intersects(box).to_numpy(bool)))
    if shelters is not None and len(shelters):
        checks.append(("is_shelter", lambda sites: _is_shelter(sites, shelters)))
    return [*checks, ("part_of_another", _is_part)]


def _is_shelter(sites: gpd.GeoDataFrame, shelters: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Say which sites are shelters, by their id or because they cover the same ground."""
    same: NDArray[np.bool_] = np.isin(sites.index.to_numpy(object), shelters.index.to_numpy(object))
    here, there = np.asarray(sites.geometry.array), np.asarray(shelters.geometry.array)
    site, shelter = shapely.STRtree(there).query(here, predicate="intersects")
    shared = _shared_share(here[site], there[shelter])
    same[site[shared > OVERLAP_SHARE]] = True
    return same


def _is_part(sites: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Say which sites are part of a larger one: of the same kind, or an open-air one of any."""
    shapes = np.asarray(sites.geometry.array)
    size, kind = shapely.area(shapes), sites["kind"].to_numpy(object)
    order = np.lexsort((np.arange(len(sites)), -size))
    rank = np.empty(len(sites), np.int64)
    rank[order] = np.arange(len(sites))
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    larger = (rank[other] < rank[one]) & (size[other] > 0)
    larger &= (kind[one] == kind[other]) | np.isin(kind[one], OPEN_AIR)
    one, other = one[larger], other[larger]
    inside = _shared_share(shapes[one], shapes[other]) > INSIDE_SHARE
    part = np.zeros(len(sites), bool)
    part[one[inside]] = True
    return part


def _shared_share(one: NDArray[np.object_], other: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return how much of the smaller of two shapes that meet lies in both; 1 if one is a point."""
    shared = shapely.area(shapely.intersection(one, other))
    smaller = np.minimum(shapely.area(one), shapely.area(other))
    share: NDArray[np.float64] = np.divide(
        shared, smaller, out=np.ones(len(one)), where=smaller > 0
    )
    return share
