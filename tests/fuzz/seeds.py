"""Small valid files of every kind, made by the code itself."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import shapely
from openpyxl import Workbook

from shelterplan.scenario import WALKERS, Scenario
from shelterplan.siting.proposal import Proposal
from shelterplan.standards import AccessStandard
from tests.fuzz.packed import archive_of
from tests.osm_xml import node, osm, relation, way
from tests.village import box, demand, lonlat, point, streets, village

SHELTERS = [
    ["shelter_id", "name", "lat", "lon", "capacity", "area_m2", "kind", "fit_flood", "status"],
    ["0330106", "Mill School", "43.5", "7.5", "300", "1,200", "emergency", "yes", "open"],
    ["0330107", "NA", "43.51", "7.51", "", "", "short", "unknown", "closed"],
    ["0330108", "Park {{7*7}}", "43.52", "7.52", "1,200 人", "2公顷", "紧急", "no", "full"],
]
CHINESE = [
    ["编号", "名称", "经度", "纬度", "容纳人数", "面积（公顷）", "区"],
    ["a1", "福田公园", "114.05", "22.54", "300", "1.5", "福田区"],
    ["a2", "中心小学", "114.06", "22.55", "约300", "2", "福田区"],
]
JAPANESE = [
    ["共通ID", "施設・場所名", "住所", "洪水", "地震", "緯度", "経度"],
    ["E1", "中央公園", "x", "1", "", "35.1", "139.1"],
]
AMERICAN = [
    ["shelter_id", "shelter_name", "shelter_status", "evacuation_capacity", "latitude"],
    ["7", "Gym", "OPEN", "", "40.1"],
]
for _column, _value in {
    "longitude": "-75.1",
    "post_impact_capacity": "90",
    "ada_compliant": "YES",
    "in_100_yr_floodplain": "YES",
}.items():
    AMERICAN[0].append(_column)
    AMERICAN[1].append(_value)
PEOPLE = [
    ["lat", "lon", "population", "children", "elderly_65", "population_day"],
    ["43.5", "7.5", "120", "20", "15", "90.5"],
    ["43.51", "7.51", "80", "", "5", "100"],
]
SITES = [
    ["site_id", "name", "lat", "lon", "capacity", "cost", "area_m2", "wheelchair"],
    ["c1", "Sports ground", "43.5", "7.5", "500", "120000", "", "yes"],
    ["c2", "Old market", "43.51", "7.51", "", "", "800", ""],
]


def csv_of(rows, mark=",", encoding="utf-8"):
    """Return rows as a text table; a cell that holds the mark is quoted."""
    lines = [mark.join(f'"{c}"' if mark in c else c for c in row) for row in rows]
    return ("\n".join(lines) + "\n").encode(encoding)


def workbook_of(rows):
    """Return rows as a workbook; what looks like a number is one."""
    book = Workbook()
    for row in rows:
        book.active.append([float(c) if c.replace(".", "", 1).isdigit() else c for c in row])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def layer(kind="communities"):
    """Return a small layer in longitude and latitude."""
    shapes = [box(0, 0, 400, 400), box(400, 0, 900, 400), point(500, 20)]
    columns = {"name": ["West", "=East", "Île"], "population": [120, 30.5, None], "id": [1, 2, 3]}
    if kind == "hazards":
        shapes = shapes[:2]
        columns = {"hazard": ["flood", "tsunami"], "level": [1, 4], "return_period": [100, None]}
    if kind == "lines":
        return streets().edges[["name", "class", "osm_id", "geometry"]]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=4326)


def geojson_of(table):
    """Return a layer as GeoJSON."""
    return table.to_json(drop_id=True).encode()


def osm_xml():
    """Return a small town: streets, a gate, a park, a building, a shelter, a boundary, a kerb."""
    at = [node(n, *lonlat(100 * n, 0)) for n in range(1, 5)]
    at += [node(n, *lonlat(100 * n, 80)) for n in range(5, 9)]
    ring = [5, 6, 7, 8, 5]
    return osm(
        *at[:-1],
        node(8, *lonlat(480, 300), barrier="gate", access="private"),
        node(9, *lonlat(250, 0), emergency="assembly_point", name="Platz & <b>", capacity="300"),
        node(10, *lonlat(260, 5), kerb="raised"),
        way(1, [1, 2, 10, 3, 4], {"highway": "residential", "name": "Rue {{x}}"}),
        way(2, [2, 6, 7], {"highway": "steps", "incline": "up", "oneway:foot": "yes"}),
        way(3, ring, {"leisure": "park", "name": "公园"}),
        way(4, [1, 2, 5, 1], {"building": "yes", "building:levels": "3"}),
        way(5, ring, {"boundary": "administrative", "admin_level": "10", "name": "B"}),
        relation(
            1,
            [("way", 3, "outer"), ("way", 99, "inner")],
            {"type": "multipolygon", "leisure": "park", "amenity": "school"},
        ),
        relation(2, [("way", 1, "outer")], {"type": "boundary", "boundary": "administrative"}),
    ).encode()


def osm_files():
    """Return the town as XML, packed XML and .pbf, dense and plain."""
    text = osm_xml()
    found = {"xml": [text, gzip.compress(text, mtime=0), bz2.compress(text)], "pbf": []}
    with tempfile.TemporaryDirectory() as folder:
        for options in ("pbf", "pbf,pbf_dense_nodes=false", "pbf,pbf_compression=none"):
            path = str(Path(folder) / "a.osm.pbf")
            with osmium.SimpleWriter(osmium.io.File(path, options), overwrite=True) as writer:
                source = osmium.FileProcessor(osmium.io.FileBuffer(text, "osm"))
                for thing in source:
                    writer.add(thing)
            found["pbf"].append(Path(path).read_bytes())
    return found


def saved_layers(form):
    """Return layers as GeoPackage ("gpkg"), GeoParquet ("parquet") or zipped shapefiles.

    A reader's process has no driver but its own, so that no other form can be written there.
    """
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("communities", "hazards"):
            table, path = layer(kind), Path(folder) / f"{kind}.{form}"
            if form == "shapefile":
                found += _shapefiles(table[table.geom_type == "Polygon"], path.with_suffix(".shp"))
                continue
            (table.to_parquet if form == "parquet" else table.to_file)(path)
            found.append(path.read_bytes())
    return found


def _shapefiles(table, path):
    """Return a table as zipped shapefiles: with the name of its encoding, and without."""
    table.to_file(path)
    parts = {
        f"a{end}": path.with_suffix(end).read_bytes()
        for end in (".shp", ".shx", ".dbf", ".prj", ".cpg")
    }
    bare = {name: part for name, part in parts.items() if name != "a.cpg"}
    return [archive_of(parts), archive_of(bare)]


def grids():
    """Return GeoTIFFs: plain, in metres, packed, with scale and tiles."""
    import rasterio

    cells = np.arange(48, dtype="float32").reshape(6, 8) / 16
    found = []
    for profile in (
        {"crs": "EPSG:4326", "transform": rasterio.Affine(0.01, 0, 7, 0, -0.01, 44)},
        {"crs": "EPSG:32632", "transform": rasterio.Affine(30, 0, 400_000, 0, -30, 4_800_000)}
        | {"compress": "deflate", "nodata": -1.0},
        {"crs": "EPSG:4326", "transform": rasterio.Affine(0.01, 0, 7, 0, -0.01, 44)}
        | {"dtype": "int16", "tiled": True, "blockxsize": 16, "blockysize": 16, "nodata": 0},
        {"crs": "EPSG:3857", "transform": rasterio.Affine(30, 1, 4e5, 1, -30, 5e6)}
        | {"compress": "lzw", "predictor": 3},
    ):
        with rasterio.MemoryFile() as memory:
            whole = {"driver": "GTiff", "count": 1, "height": 6, "width": 8, "dtype": "float32"}
            with memory.open(**(whole | profile)) as file:
                file.write(cells.astype((whole | profile)["dtype"]), 1)
                file.units = ("m",)
            found.append(memory.read())
    return found


def small_area():
    """Return a study area of a village with everything in it."""
    sites = gpd.GeoDataFrame(
        {"name": ["Green"], "kind": ["park"], "capacity": [100], "cost": [5], "area_m2": [None]},
        index=["g"], geometry=[point(700, 30)], crs=4326,
    )  # fmt: skip
    zones = gpd.GeoDataFrame(
        {"hazard": ["flood"], "level": [2], "return_period": [100], "source": ["own"]},
        index=["z1"], geometry=[box(300, -30, 350, 30)], crs=4326,
    )  # fmt: skip
    quarantine = pd.DataFrame([("shelters", 3, "lat", "out of range", "swapped?")])
    quarantine.columns = ["table", "row", "column", "problem", "mend"]
    return village(
        candidates=sites,
        hazards=zones,
        demand=demand(),
        quarantine=quarantine,
        notes=["A note."],
        translations={"zh": {"A note.": "注"}},
        illustrative=["demand"],
    )


def saved_area():
    """Return the files of a saved study area by name."""
    with tempfile.TemporaryDirectory() as folder:
        small_area().save(folder)
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def scenarios():
    """Return scenario files: empty, and with every kind of setting."""
    wkt = shapely.to_wkt(box(0, 0, 100, 100))
    own = Scenario(
        walker=WALKERS["adult"],
        hazard="flood",
        hazard_level=2,
        return_period=100,
        closed_streets=(1, 2),
        closed_areas=(wkt,),
        closed_shelters=("school",),
        delay_s=60.0,
        time="night",
    )
    return [b"", own.to_toml().encode(), b'walker = "elderly"\nmax_leg_m = 250.0\n']


def proposals():
    """Return proposals: our own file, and lists of sites."""
    area = small_area()
    flood = Scenario(hazard="flood")
    own = Proposal.of("Two sites", area.candidates, area, flood, AccessStandard())
    text = own.to_bytes()
    return [text, json.dumps(json.loads(text)).encode(), geojson_of(layer()), csv_of(SITES)]
