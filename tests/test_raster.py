"""GeoTIFF files: what is read from them, where, and what is refused."""

import json
import shutil

import numpy as np
import pyproj
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from shelterplan.errors import SourceError
from shelterplan.sources import raster as rasters
from shelterplan.sources.raster import Raster, read_raster

CELLS = np.arange(12, dtype="float32").reshape(3, 4)
"""Three rows from north to south, four columns from west to east."""
UTM = "EPSG:32632"


@pytest.fixture
def write(tmp_path):
    def written(cells=CELLS, name="a.tif", *, corner=(7.0, 44.0), step=0.01, **more):
        west, north = corner
        stack = cells if cells.ndim == 3 else cells[None]
        profile = {
            "driver": "GTiff",
            "count": len(stack),
            "height": stack.shape[1],
            "width": stack.shape[2],
            "dtype": stack.dtype,
            "crs": "EPSG:4326",
            "transform": rasterio.Affine(step, 0, west, 0, -step, north),
        }
        with rasterio.open(tmp_path / name, "w", **(profile | more)) as file:
            file.write(stack)
        return tmp_path / name

    return written


def middle(row, column, *, west=7.0, north=44.0, step=0.01):
    return west + (column + 0.5) * step, north - (row + 0.5) * step


def test_reads_cells_place_and_facts(write):
    found = read_raster(write(nodata=5))
    assert found.cells.shape == (3, 4)
    assert np.isnan(found.cells[1, 1])
    assert found.cells[2].tolist() == [8, 9, 10, 11]
    assert found.crs.to_epsg() == 4326
    assert_allclose(found.transform, (0.01, 0, 7.0, 0, -0.01, 44.0))
    assert found.facts["name"] == "a.tif"
    assert len(found.facts["sha256"]) == 64
    assert (found.facts["crs"], found.facts["shape"]) == ("EPSG:4326", (3, 4))
    assert_allclose(found.cell_size, (0.01, 0.01))
    assert_allclose(found.cell_m, (0.01 * 80_200 + 0.01 * 111_110) / 2, rtol=2e-3)
    with pytest.raises(ValueError, match="read-only"):
        found.cells[0, 0] = 1


def test_bilinear_between_the_middles_of_cells(write):
    found = read_raster(write())
    assert_allclose(found.sample(*middle(1, 1)), 5)
    assert_allclose(found.sample(*middle(1, 1.5)), 5.5)
    assert_allclose(found.sample(*middle(0.25, 2)), 3)
    assert np.isnan(found.sample(*middle(-0.1, 1)))
    assert np.isnan(found.sample(*middle(1, 3.1)))
    assert np.isnan(found.sample(0.0, 0.0))
    assert np.isnan(found.sample(np.nan, 44.0))


def test_unknown_cells_spoil_only_what_they_are_part_of(write):
    found = read_raster(write(nodata=5))
    assert np.isnan(found.sample(*middle(1, 1)))
    assert np.isnan(found.sample(*middle(0.5, 0.5)))
    assert_allclose(found.sample(*middle(1, 2.5)), 6.5)
    assert_allclose(found.sample(*middle(0, 1.5)), 1.5)


@given(
    st.floats(-3, 3),
    st.floats(-3, 3),
    st.floats(-100, 100),
    st.floats(0.5, 3.5),
    st.floats(0.5, 4.5),
)
def test_a_plane_is_sampled_exactly(by_column, by_row, base, row, column):
    rows, columns = np.mgrid[0:4, 0:5] + 0.5
    plane = Raster(
        cells=base + by_column * columns + by_row * rows,
        transform=(30.0, 2.0, 370_000.0, 1.0, -30.0, 4_840_000.0),
        crs=pyproj.CRS(UTM),
    )
    lon, lat = plane.lonlat(column, row)
    assert_allclose(np.ravel(plane.grid(lon, lat)), (column, row), atol=1e-5)
    if 0.51 < row < 3.49 and 0.51 < column < 4.49:
        assert_allclose(plane.sample(lon, lat), base + by_column * column + by_row * row, atol=1e-3)


def test_only_the_wanted_window_is_read(write):
    path = write(np.arange(10_000, dtype="int16").reshape(100, 100), dtype="int16")
    whole = read_raster(path)
    part = read_raster(path, bounds=(7.203, 43.495, 7.297, 43.595))
    assert part.cells.shape == (13, 12)
    assert part.facts["offset"] == (39, 19)
    assert part.cells.dtype == np.float32
    lon, lat = np.random.default_rng(1).uniform((7.203, 43.495), (7.297, 43.595), (50, 2)).T
    assert_allclose(part.sample(lon, lat), whole.sample(lon, lat))
    assert not np.isnan(part.sample(lon, lat)).any()


def test_a_window_of_a_projected_grid_holds_the_whole_box(write):
    path = write(np.ones((200, 200), "float32"), crs=UTM, corner=(365e3, 4850e3), step=100)
    box = (7.35, 43.68, 7.45, 43.74)
    part = read_raster(path, bounds=box)
    assert part.cells.size < 200 * 200
    lon, lat = np.meshgrid(np.linspace(*box[::2], 9), np.linspace(*box[1::2], 9))
    assert (part.sample(lon, lat) == 1).all()
    assert_allclose(part.cell_m, 100, rtol=1e-3)


def test_elsewhere_is_an_error(write):
    with pytest.raises(SourceError, match=r"a\.tif cannot be read as GeoTIFF: it covers nothing"):
        read_raster(write(), bounds=(100, 1, 101, 2))


def test_without_coordinate_system_it_says_how_to_mend_it(write):
    path = write(crs=None)
    with pytest.raises(SourceError, match="does not say its coordinate system: assign it"):
        read_raster(path)
    assert read_raster(path, crs=pyproj.CRS("EPSG:4490")).crs.to_epsg() == 4490


def test_without_a_place_it_is_refused(tmp_path):
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning), rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", count=1, height=3, width=4, dtype="uint8",
        crs="EPSG:4326",
    ) as file:  # fmt: skip
        file.write(np.ones((1, 3, 4), "uint8"))
    with pytest.raises(SourceError, match="does not say where it lies"):
        read_raster(tmp_path / "a.tif")


def test_pictures_and_odd_cells_are_refused(write):
    with pytest.raises(SourceError, match="3 bands"):
        read_raster(write(np.ones((3, 2, 2), "uint8")))
    with pytest.raises(SourceError, match="complex64"):
        read_raster(write(np.ones((2, 2), "complex64")))


def test_scale_offset_and_infinite_cells(write, tmp_path):
    path = write(np.array([[0, 10], [20, 30]], "uint8"), nodata=30)
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.5,), (100.0,)
    assert_allclose(read_raster(path).cells, [[100, 105], [110, np.nan]])
    assert not (tmp_path / "a.tif.aux.xml").exists()
    path = write(np.array([[np.inf, -np.inf, np.nan, 1]]))
    assert_allclose(read_raster(path).cells, [[np.nan, np.nan, np.nan, 1]])
    assert read_raster(path).cells.dtype == np.float64


def test_the_content_decides_and_bigtiff_is_one(write, tmp_path):
    shutil.move(write(BIGTIFF="YES"), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes()[:4] == b"II+\0"
    assert read_raster(tmp_path / "a.csv").cells.shape == (3, 4)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'<VRTDataset rasterXSize="1"/>', "no GeoTIFF"),
        (b"\x89PNG\r\n\x1a\n", "no GeoTIFF"),
        (b"", "empty"),
        (b"II*\0", "cannot be read as GeoTIFF"),
        (b"II*\0" + bytes(200), "cannot be read as GeoTIFF"),
    ],
)
def test_other_content_is_refused(tmp_path, content, said):
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(SourceError, match=said):
        read_raster(tmp_path / "a.tif")


@pytest.mark.parametrize(
    "path",
    ["/vsicurl/http://127.0.0.1:9/a.tif", "http://127.0.0.1:9/a.tif", "GTIFF_DIR:1:a.tif", "nul\0"],
)
def test_only_regular_files_are_opened(path):
    with pytest.raises(SourceError, match="no file"):
        read_raster(path)


def test_truncated(write, tmp_path):
    path = write(np.random.default_rng(1).random((200, 200)))
    (tmp_path / "b.tif").write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(SourceError, match=r"b\.tif cannot be read as GeoTIFF"):
        read_raster(tmp_path / "b.tif")


def test_files_beside_it_are_not_read(write, tmp_path):
    path = write(np.ones((64, 64), "uint8"))
    plain = read_raster(path)
    other = write(np.full((32, 32), 9, "uint8"), name="other.tif")
    shutil.copy(other, tmp_path / "a.tif.ovr")
    shutil.copy(write(np.zeros((64, 64), "uint8"), name="m.tif"), tmp_path / "a.tif.msk")
    (tmp_path / "a.tfw").write_text("5\n0\n0\n-5\n0\n0\n")
    (tmp_path / "a.tif.aux.xml").write_text(
        "<PAMDataset><SRS>EPSG:3857</SRS><PAMRasterBand band='1'><NoDataValue>1</NoDataValue>"
        "</PAMRasterBand></PAMDataset>"
    )
    again = read_raster(path)
    assert np.array_equal(again.cells, plain.cells)
    assert (again.transform, again.crs) == (plain.transform, plain.crs)


def test_child_has_one_driver_and_no_network():
    environment = rasters.child_environment()
    skipped = environment["GDAL_SKIP"].split(",")
    assert "GTiff" not in skipped
    assert {"VRT", "HTTP", "WMS", "WCS", "PNG", "COG", "GTI", "STACIT", "Zarr"} <= set(skipped)
    assert environment["GDAL_PAM_ENABLED"] == "NO"
    assert not any("proxy" in key.lower() for key in environment)


def test_a_child_with_other_drivers_refuses_to_read(write, monkeypatch):
    environment = rasters.child_environment()
    live = dict.fromkeys(("GDAL_SKIP", "OGR_SKIP"), environment["GDAL_SKIP"].replace(",VRT", ""))
    monkeypatch.setattr(rasters, "child_environment", lambda: environment | live)
    with pytest.raises(SourceError, match="drivers could not be limited to GTiff: VRT"):
        read_raster(write())


def test_huge_grids_are_refused_before_they_are_unpacked(tmp_path, write):
    huge = {"SPARSE_OK": "TRUE", "TILED": "YES", "BIGTIFF": "YES"}
    profile = {
        "driver": "GTiff",
        "count": 1,
        "dtype": "uint8",
        "crs": "EPSG:4326",
        "transform": rasterio.Affine(0.001, 0, -170, 0, -0.001, 80),
    }
    with rasterio.open(tmp_path / "a.tif", "w", width=300_000, height=150_000, **profile, **huge):
        pass
    assert (tmp_path / "a.tif").stat().st_size < 50_000_000
    with pytest.raises(SourceError, match="45,000,000,000 cells would be read"):
        read_raster(tmp_path / "a.tif")
    assert read_raster(tmp_path / "a.tif", bounds=(7, 43, 7.01, 43.01)).cells.shape == (12, 12)
    blocks = {"tiled": True, "blockxsize": 32_768, "blockysize": 32_768, "sparse_ok": True}
    with rasterio.open(tmp_path / "b.tif", "w", width=32_768, height=32_768, **profile, **blocks):
        pass
    with pytest.raises(SourceError, match="one huge piece"):
        read_raster(tmp_path / "b.tif", bounds=(-169, 79, -168.9, 79.1))


def test_file_caps(write, monkeypatch):
    path = write()
    monkeypatch.setattr(rasters, "TIMEOUT_S", 0.01)
    with pytest.raises(SourceError, match="given up"):
        read_raster(path)
    monkeypatch.setattr(rasters, "MAX_BYTES", 10)
    with pytest.raises(SourceError, match="at most"):
        read_raster(path)


def test_no_link_is_needed(write, monkeypatch):
    def refuse(*_):
        raise OSError

    monkeypatch.setattr("pathlib.Path.symlink_to", refuse)
    assert read_raster(write()).cells.shape == (3, 4)


def test_facts_are_plain(write):
    assert json.dumps(read_raster(write()).facts)
