"""From an OSM file to a ready network, and places on it, beside osmnx and shapely."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import numpy as np
import osmium
import osmnx
import pyproj
import shapely

from shelterplan import WalkNetwork
from shelterplan.snap import snap
from shelterplan.sources.osm import read_streets
from tests.benchmarks.city import CRS, City
from tests.benchmarks.measure import Line, medians

PLACES = 20_000
REACH_M = 500.0


def write_osm(city: City, path: Path) -> None:
    """Write a city as OSM: a node for each point, a way for each edge."""
    count = np.bincount(city.line_edge, minlength=len(city.u))
    first = np.cumsum(count) - count
    ends = set(first.tolist()) | set((first + count - 1).tolist())
    number = np.arange(len(city.line_edge)) + len(city.lon) + 1
    number[first] = city.u + 1
    number[first + count - 1] = city.v + 1
    with osmium.SimpleWriter(str(path)) as writer:
        for node, place in enumerate(zip(city.lon.tolist(), city.lat.tolist(), strict=True)):
            writer.add_node(osmium.osm.mutable.Node(id=node + 1, location=place, version=1))
        for point, place in enumerate(city.line_lonlat.tolist()):
            if point not in ends:
                writer.add_node(
                    osmium.osm.mutable.Node(id=int(number[point]), location=tuple(place), version=1)
                )
        for edge in range(len(city.u)):
            nodes = number[first[edge] : first[edge] + count[edge]].tolist()
            writer.add_way(
                osmium.osm.mutable.Way(
                    id=edge + 1,
                    nodes=nodes,
                    version=1,
                    tags={"highway": "residential", "name": f"Street {edge % 997}"},
                )
            )


def reading_lines(city: City, times: int) -> list[Line]:
    """A file of OSM data becomes a network that answers."""
    with tempfile.TemporaryDirectory() as folder:
        binary, xml = Path(folder) / "city.osm.pbf", Path(folder) / "city.osm"
        write_osm(city, binary)
        write_osm(city, xml)

        def ours() -> WalkNetwork:
            network = WalkNetwork.from_streets(read_streets(binary).edges, CRS)
            _ = network.reverse_arcs
            return network

        def theirs() -> object:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return osmnx.graph_from_xml(xml, retain_all=True)

        total = ours().edge_mm.sum() / 1000
        assert abs(total - city.length_m.sum()) < 1e-5 * total
        ours_s, theirs_s = medians(ours, theirs, times=max(1, times // 4))
    return [
        Line(
            what=f"OSM file of {len(city.lon)} nodes to a network (.pbf)",
            ours=ours_s,
            baseline="osmnx graph_from_xml (.osm)",
            theirs=theirs_s,
            bar=10,
        )
    ]


def snapping_lines(city: City, times: int) -> list[Line]:
    """Places on the nearest edge."""
    network = WalkNetwork.from_streets(city.streets(), CRS)
    lon, lat = city.positions(PLACES, seed=3)
    to_metric = pyproj.Transformer.from_crs("EPSG:4326", CRS, always_xy=True)
    points = shapely.points(*to_metric.transform(lon, lat))
    lines = np.asarray(network.streets.geometry.to_crs(CRS).array)
    tree = shapely.STRtree(lines)
    places = snap(network, lon, lat, max_leg_m=REACH_M)
    point, edge = tree.query_nearest(points, max_distance=REACH_M)
    same = shapely.distance(points[point], lines[edge]) - shapely.distance(
        points[point], lines[places.edge[point]]
    )
    assert np.abs(same).max() < 1e-6
    ours_s, theirs_s = medians(
        lambda: snap(network, lon, lat, max_leg_m=REACH_M),
        lambda: tree.query_nearest(points, max_distance=REACH_M, all_matches=False),
        times=max(1, times // 3),
    )
    return [
        Line(
            what=f"{PLACES} places on the nearest edge, with legs",
            ours=ours_s,
            baseline="shapely STRtree, edge only",
            theirs=theirs_s,
        )
    ]
