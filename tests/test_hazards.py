"""Hazard zones: from polygons with all that people write in them, and from grids of depths."""

import json

import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_allclose

from shelterplan import tables
from shelterplan.errors import SourceError, TableError
from shelterplan.sources.hazards import DEPTH_LEVELS_M, read_hazards, zones_of_depth
from shelterplan.sources.raster import Raster

SQUARE = shapely.box(7.0, 43.0, 7.01, 43.01)
BOW = shapely.Polygon([(7, 43), (7.01, 43.01), (7.01, 43), (7, 43.01)])


@pytest.fixture
def write(tmp_path):
    def written(*rows, name="zones.geojson"):
        """Write features of (geometry, properties)."""
        features = [
            {
                "type": "Feature",
                "geometry": json.loads(shapely.to_geojson(shape)),
                "properties": properties,
            }
            for shape, properties in rows
        ]
        path = tmp_path / name
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
        return path

    return written


def grid(cells, *, step=0.01):
    return Raster(
        cells=np.asarray(cells),
        transform=(step, 0.0, 7.0, 0.0, -step, 44.0),
        crs=pyproj.CRS.from_epsg(4326),
    )


def test_zones_with_every_column(write):
    found = read_hazards(
        write(
            (
                SQUARE,
                {
                    "zone_id": "a",
                    "hazard": "Flood",
                    "level": 3,
                    "return_period": 100,
                    "name": "Low",
                },
            ),
            (SQUARE, {"zone_id": "b", "hazard": "Storm surge", "level": "4", "source": "Survey"}),
        )
    )
    table = found.table
    assert table.index.tolist() == ["a", "b"]
    assert table["hazard"].tolist() == ["flood", "storm_surge"]
    assert table["level"].tolist() == [3, 4]
    assert table["return_period"].isna().tolist() == [False, True]
    assert table["source"].tolist() == ["zones.geojson", "Survey"]
    assert table["name"].tolist() == ["Low", ""]
    assert len(found.quarantine) == len(found.remarks) == 0
    assert len(tables.checked("hazards", table)) == 2


@pytest.mark.parametrize(
    ("properties", "hazard", "level"),
    [
        ({"灾种": "洪水", "等级": "高"}, "flood", 3),
        ({"災害種別": "津波", "レベル": 2}, "tsunami", 2),
        ({"amenaza": "Inundación", "nivel": "Muy alta"}, "flood", 4),
        ({"HAZARD": "dam break", "Level": "1.0"}, "dam_break", 1),
        ({"Hazard Type": "Wildfire", "severity": "medium"}, "wildfire", 2),
    ],
)
def test_other_words(write, properties, hazard, level):
    row = read_hazards(write((SQUARE, properties))).table.iloc[0]
    assert (row["hazard"], row["level"]) == (hazard, level)


def test_the_given_hazard_and_period_fill_what_is_missing(write):
    path = write((SQUARE, {"hazard": "", "level": 1}), (SQUARE, {"hazard": "fire", "level": 1}))
    found = read_hazards(path, hazard="Flood", return_period=50)
    assert found.table["hazard"].tolist() == ["flood", "fire"]
    assert found.table["return_period"].tolist() == [50, 50]
    alone = read_hazards(path)
    assert alone.table["hazard"].tolist() == ["fire"]
    assert alone.quarantine["problem"].tolist() == ["the hazard is not named"]
    with pytest.raises(TableError, match="There is no hazard column"):
        read_hazards(write((SQUARE, {"level": 1})))


def test_missing_levels_are_one_and_bad_ones_left_out(write):
    rows = [{"level": level, "n": i} for i, level in enumerate(["", 0, 5, 2.5, "x", -1, 4, None])]
    found = read_hazards(write(*((SQUARE, row) for row in rows)), hazard="flood")
    assert found.table["level"].tolist() == [1, 4, 1]
    assert found.rows.tolist() == [1, 7, 8]
    assert found.quarantine["row"].tolist() == [2, 3, 4, 5, 6]
    assert found.quarantine["problem"].iloc[1] == "level '5' is no level"
    assert found.remarks["row"].tolist() == [1, 8]
    without = read_hazards(write((SQUARE, {}), (SQUARE, {"a": 1})), hazard="flood")
    assert without.table["level"].tolist() == [1, 1]
    assert without.remarks["problem"].tolist() == [
        "the file has no level column: all zones are taken as level 1"
    ]


def test_broken_outlines_are_mended_and_points_left_out(write):
    found = read_hazards(
        write((BOW, {"level": 2}), (shapely.Point(7, 43), {"level": 2})), hazard="flood"
    )
    assert found.table.geometry.is_valid.all()
    assert "repaired" in found.remarks["problem"].iloc[0]
    assert found.quarantine["problem"].tolist() == ["geometry is no polygon"]


def test_other_packings(write, tmp_path):
    import geopandas as gpd

    layer = gpd.GeoDataFrame({"hazard": ["fire"], "level": [2]}, geometry=[SQUARE], crs=4326)
    layer.to_crs(32632).to_file(tmp_path / "z.gpkg", engine="pyogrio")
    layer.to_parquet(tmp_path / "z.parquet")
    for name in ("z.gpkg", "z.parquet"):
        found = read_hazards(tmp_path / name).table
        assert found["hazard"].tolist() == ["fire"]
        assert_allclose(found.total_bounds, SQUARE.bounds, atol=1e-9)
    (tmp_path / "z.csv").write_text("hazard,level,lat,lon\nfire,1,43,7\n")
    with pytest.raises(TableError, match="text table"):
        read_hazards(tmp_path / "z.csv")


def test_a_depth_on_a_threshold_belongs_to_the_level_that_begins_there():
    below = np.nextafter(np.float32(0.15), np.float32(0))
    for kind in ("float32", "float64"):
        cells = np.array([[0.0, 0.15, 0.5, 1.0, 3.0, 99.0]], dtype=kind)
        found = zones_of_depth(grid(cells))
        assert found.table["level"].tolist() == [1, 2, 3, 4]
        assert found.table.geometry.iloc[3].bounds[0] == pytest.approx(7.04)
    assert zones_of_depth(grid(np.array([[below, 0.2]]))).table.total_bounds[0] == pytest.approx(
        7.01
    )
    assert zones_of_depth(grid(np.float32([[0.7]])), levels=(0.1, 0.7)).table["level"].iloc[0] == 2


def test_pieces_are_drawn_by_the_outlines_of_cells():
    cells = [[1.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 1.5]]
    found = zones_of_depth(grid(cells), hazard="storm_surge", return_period=20)
    assert found.table["level"].tolist() == [3, 3]
    assert set(found.table["hazard"]) == {"storm_surge"}
    assert found.table["return_period"].tolist() == [20, 20]
    assert found.table.geometry.iloc[0].equals(shapely.box(7, 43.98, 7.02, 44))
    assert found.table.geometry.iloc[1].equals(shapely.box(7.02, 43.97, 7.03, 43.98))


def test_unknown_cells_have_no_zone_and_are_counted():
    found = zones_of_depth(grid([[np.nan, 1.0, 0.0, np.nan]]))
    assert len(found.table) == 1
    assert (found.facts["cells"], found.facts["share_unknown"]) == (4, 0.5)
    assert "level 1 from 0.15 m" in found.facts["note"]
    assert "50.0% of the cells are not known" in found.facts["note"]


depths = arrays.arrays(
    "float64", (5, 6), elements=st.sampled_from([0.0, 0.1, 0.15, 0.4, 0.5, 2.0, 3.0, np.nan])
)


@given(depths)
def test_zones_cover_the_cells_of_their_level_and_no_other(cells):
    raster = grid(cells)
    if not (np.nan_to_num(cells) >= DEPTH_LEVELS_M[0]).any():
        with pytest.raises(SourceError):
            zones_of_depth(raster)
        return
    zones = zones_of_depth(raster).table
    assert zones.geometry.is_valid.all()
    assert set(zones.geom_type) <= {"Polygon", "MultiPolygon"}
    whole = shapely.area(zones.geometry.to_numpy()).sum()
    assert_allclose(zones.geometry.union_all().area, whole, atol=1e-12)
    for row, column in np.ndindex(cells.shape):
        middle = shapely.Point(7 + (column + 0.5) * 0.01, 44 - (row + 0.5) * 0.01)
        inside = zones["level"][zones.contains(middle)].tolist()
        depth = np.nan_to_num(cells[row, column])
        level = sum(depth >= limit for limit in DEPTH_LEVELS_M)
        assert inside == ([level] if level else [])


def test_projected_grids_keep_their_place(tmp_path):
    cells = np.zeros((40, 40), "float32")
    cells[10:30, 5:35] = 2
    with rasterio.open(
        tmp_path / "d.tif",
        "w",
        driver="GTiff",
        count=1,
        width=40,
        height=40,
        dtype="float32",
        crs="EPSG:32632",
        transform=rasterio.Affine(500, 0, 365_000, 0, -500, 4_850_000),
    ) as file:
        file.write(cells[None])
    found = read_hazards(tmp_path / "d.tif")
    assert found.table["hazard"].tolist() == ["flood"]
    assert found.table["source"].tolist() == ["d.tif"]
    assert found.facts["kind"] == "GeoTIFF"
    back = found.table.to_crs(32632).geometry.iloc[0]
    wanted = shapely.box(367_500, 4_835_000, 382_500, 4_845_000)
    assert shapely.hausdorff_distance(back, wanted, densify=0.01) < 0.01
    near = read_hazards(tmp_path / "d.tif", bounds=(7.4, 43.7, 7.41, 43.71))
    assert near.facts["cells"] < 40


@pytest.mark.parametrize(
    ("cells", "levels", "said"),
    [
        ([[0.0, -9999.0]], DEPTH_LEVELS_M, "no data"),
        ([[4000.0]], DEPTH_LEVELS_M, "metres are needed"),
        ([[np.nan]], DEPTH_LEVELS_M, "no depth at all"),
        ([[0.1]], DEPTH_LEVELS_M, "no zone to draw"),
        ([[1.0]], (1.0, 0.5), "no depths of levels"),
        ([[1.0]], (0.0, 0.5), "no depths of levels"),
        ([[1.0]], (), "nothing are no depths"),
        ([[1.0]], (1, 2, 3, 4, 5), "no depths of levels"),
        ([[1.0]], (1, float("nan")), "no depths of levels"),
    ],
)
def test_other_grids_are_refused(cells, levels, said):
    with pytest.raises(SourceError, match=said):
        zones_of_depth(grid(cells), levels=levels)


def test_too_many_pieces(monkeypatch):
    monkeypatch.setattr("shelterplan.sources.hazards.MAX_ZONES", 1)
    with pytest.raises(SourceError, match="2 pieces, at most 1"):
        zones_of_depth(grid([[1.0, 0.0, 1.0]]))
