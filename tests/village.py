"""A village small enough to check by eye: one main street of 1,000 m, a lane, a stair, an island.

    x    0 m        400 m        600 m       1000 m
    y  0 o------------o------------o-----------o      High Street
       |              |            |
     100              o (stair)    o  Mill Lane
                                                      and, 3 km north, an island of one path

Coordinates are metres on a plane around 0.5 degrees east on the equator.
"""

from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from shelterplan import StudyArea
from shelterplan.earth import GEODESIC
from shelterplan.sources.osm import Streets

ORIGIN = (3.0, 0.0)
METRES_EAST, METRES_NORTH = 111_319.49, 110_574.28


def lonlat(x_m, y_m):
    """Return the position of a point of the village."""
    return ORIGIN[0] + x_m / METRES_EAST, ORIGIN[1] + y_m / METRES_NORTH


def point(x_m, y_m):
    return shapely.Point(lonlat(x_m, y_m))


def box(x0, y0, x1, y1):
    return shapely.box(*lonlat(x0, y0), *lonlat(x1, y1))


def streets(rows=None):
    """Return a streets table; a row is (from, to, [points in metres], name, class)."""
    rows = rows or [
        (0, 1, [(0, 0), (400, 0)], "High Street", "residential"),
        (1, 2, [(400, 0), (600, 0)], "High Street", "residential"),
        (2, 3, [(600, 0), (1000, 0)], "High Street", "residential"),
        (1, 4, [(400, 0), (400, 100)], None, "steps"),
        (2, 5, [(600, 0), (600, 100)], "Mill Lane", "footway"),
        (6, 7, [(0, 3000), (50, 3000)], "Island Path", "path"),
    ]
    lines = [shapely.LineString([lonlat(*xy) for xy in row[2]]) for row in rows]
    edges = gpd.GeoDataFrame(
        {
            "from": [row[0] for row in rows],
            "to": [row[1] for row in rows],
            "length_m": [GEODESIC.geometry_length(line) for line in lines],
            "class": [row[4] for row in rows],
            "name": [row[3] for row in rows],
            "steps": [row[4] == "steps" for row in rows],
            "incline": None,
            "forward": True,
            "backward": True,
            "bridge_tunnel": "",
            "wheelchair": None,
            "osm_id": 0,
        },
        geometry=lines,
        crs="EPSG:4326",
    )
    dropped = pd.DataFrame(
        {"rule": ["ferry"], "reason": ["a ferry is no walk"], "ways": [1], "length_m": [383.4]}
    )
    return Streets(edges=edges, dropped=dropped, kept_ways=len(rows), date="2026-01-01")


def communities():
    return gpd.GeoDataFrame(
        {"name": ["West End", "East End", "Île Dévote"], "district": ["Town", "Town", "Sea"]},
        index=["west", "east", "isle"],
        crs="EPSG:4326",
        geometry=[box(-50, -50, 500, 1600), box(500, -50, 1050, 1600), box(-50, 2900, 1050, 3100)],
    )


def demand(rows=None):
    rows = rows or [
        ("west", 100, 10, 0),
        ("west", 50, 400, 60),
        ("east", 30, 990, 10),
        ("east", 7, 700, 1500),
        ("isle", 13, 25, 3005),
    ]
    return gpd.GeoDataFrame(
        {"community_id": [row[0] for row in rows], "population": [row[1] for row in rows]},
        index=[f"d{i}" for i in range(len(rows))],
        geometry=[point(*row[2:]) for row in rows],
        crs="EPSG:4326",
    )


def shelters(rows=None):
    rows = rows or [
        ("school", "Mill School", 200, point(600, 90)),
        ("park", "Long Park", None, box(880, -200, 1000, -5)),
    ]
    return gpd.GeoDataFrame(
        {"name": [row[1] for row in rows], "capacity": [row[2] for row in rows]},
        index=[row[0] for row in rows],
        geometry=[row[3] for row in rows],
        crs="EPSG:4326",
    )


@cache
def _own():
    """Return the village's own tables, drawn once: `StudyArea.build` copies what it is given."""
    return {
        "streets": streets(),
        "communities": communities(),
        "demand": demand(),
        "shelters": shelters(),
    }


def village(**changes):
    """Return the village's study area, with some of its tables changed."""
    return StudyArea.build(name="village", title="Village", **_own() | changes)


def random_village(seed):
    """Return a village with random homes and shelters, some of them nowhere near a street."""
    draw = np.random.default_rng(seed)
    homes = [
        (
            "west",
            int(draw.integers(0, 9)),
            float(draw.uniform(-40, 490)),
            float(draw.uniform(-40, 900)),
        )
        for _ in range(draw.integers(1, 20))
    ]
    homes += [("isle", 3, 25.0, 3010.0)] * int(draw.integers(0, 2))
    places = [
        (f"s{i}", f"S{i}", None, point(draw.uniform(0, 1000), draw.uniform(-90, 90)))
        for i in range(draw.integers(1, 4))
    ]
    return village(demand=demand(homes), shelters=shelters(places))
