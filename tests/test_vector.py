"""Vector files: what is read, and what is refused before GDAL may look at it."""

import io
import json
import sqlite3
import zipfile

import geopandas as gpd
import pytest
import shapely

from shelterplan.errors import SourceError
from shelterplan.sources import vector
from shelterplan.sources.vector import read_vector, sniff

VRT = """<OGRVRTDataSource><OGRVRTLayer name="secret">
<SrcDataSource>{secret}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"""


@pytest.fixture
def places():
    return gpd.GeoDataFrame(
        {"code": ["01", "02"], "名称": ["福田", None], "n": [1, 2]},
        geometry=gpd.points_from_xy([114.0, 114.1], [22.5, 22.6]),
        crs=4326,
    )


@pytest.fixture
def shapefile(tmp_path, places):
    def zipped(name="s.zip", folder="", encoding="utf-8", *, cpg=True):
        places.to_file(tmp_path / "part.shp", engine="pyogrio", encoding=encoding)
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for ending in (".shp", ".shx", ".dbf", ".prj", *((".cpg",) if cpg else ())):
                archive.write(tmp_path / f"part{ending}", f"{folder}地点{ending}")
        return tmp_path / name

    return zipped


def write_geojson(path, geometry, **members):
    path.write_text(
        json.dumps(
            {
                "type": "FeatureCollection",
                "features": [{"type": "Feature", "properties": {"a": 1}, "geometry": geometry}],
                **members,
            }
        )
    )
    return path


POINT = {"type": "Point", "coordinates": [114.0, 22.5]}


def test_reads_what_it_should(tmp_path, places, shapefile):
    places.to_file(tmp_path / "a.gpkg", engine="pyogrio")
    places.to_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.geojson").write_text(places.to_json(drop_id=True))
    for name in ("a.gpkg", "a.parquet", "a.geojson"):
        read = read_vector(tmp_path / name)
        assert read["code"].tolist() == ["01", "02"]
        assert read["名称"].iloc[0] == "福田"
        assert read.geometry.geom_equals(places.geometry).all()
        assert read.crs.to_epsg() == 4326
    assert read_vector(shapefile())["名称"].iloc[0] == "福田"


def test_ending_does_not_matter(tmp_path, places):
    places.to_file(tmp_path / "a.gpkg", engine="pyogrio")
    (tmp_path / "a.gpkg").rename(tmp_path / "a.geojson")
    assert sniff(tmp_path / "a.geojson") == "gpkg"
    assert len(read_vector(tmp_path / "a.geojson")) == 2


@pytest.mark.parametrize("name", ["a.geojson", "a.gpkg", "a.vrt", "a.zip"])
def test_a_vrt_is_refused_whatever_its_name(tmp_path, places, name):
    places.to_file(tmp_path / "secret.gpkg", engine="pyogrio")
    (tmp_path / name).write_text(VRT.format(secret=tmp_path / "secret.gpkg"))
    with pytest.raises(SourceError, match="XML"):
        read_vector(tmp_path / name)


def test_a_vrt_in_an_archive_is_not_unpacked(tmp_path, places):
    places.to_file(tmp_path / "secret.gpkg", engine="pyogrio")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for ending in (".shp", ".shx", ".dbf"):
            archive.writestr(f"a{ending}", VRT.format(secret=tmp_path / "secret.gpkg"))
    with pytest.raises(SourceError, match="zipped shapefile"):
        read_vector(tmp_path / "a.zip")


@pytest.mark.parametrize(
    "path",
    [
        "/vsicurl/http://127.0.0.1:9/a.gpkg",
        "http://127.0.0.1:9/a.geojson",
        "PG:dbname=a",
        "nul\0",
        "/vsimem/a",
        "/dev/zero",
        "/vsizip/a.zip/a.shp",
    ],
)
def test_only_regular_files_are_opened(path):
    with pytest.raises(SourceError, match="no file"):
        read_vector(path)


def test_child_has_one_driver_and_no_network():
    for kind, driver in (("gpkg", "GPKG"), ("shapefile", "ESRI Shapefile")):
        environment = vector._child_environment(kind)
        skipped = environment["GDAL_SKIP"].split(",")
        assert driver not in skipped
        assert {"OGR_VRT", "HTTP", "WFS", "CSV", "GeoJSON"} <= set(skipped)
        assert not any("proxy" in key.lower() for key in environment)


def test_truncated_geopackage(tmp_path, places):
    places.to_file(tmp_path / "a.gpkg", engine="pyogrio")
    whole = (tmp_path / "a.gpkg").read_bytes()
    (tmp_path / "b.gpkg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match=r"b\.gpkg cannot be read as GeoPackage"):
        read_vector(tmp_path / "b.gpkg")


def test_truncated_parquet_and_shapefile(tmp_path, places, shapefile):
    places.to_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-20])
    with pytest.raises(SourceError, match="GeoParquet"):
        read_vector(tmp_path / "b.parquet")
    whole = shapefile().read_bytes()
    (tmp_path / "b.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match="no whole zip"):
        read_vector(tmp_path / "b.zip")


def test_geopackage_with_a_foreign_virtual_table(tmp_path, places):
    places.to_file(tmp_path / "a.gpkg", engine="pyogrio")
    with sqlite3.connect(tmp_path / "a.gpkg") as database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute(
            "INSERT INTO sqlite_master VALUES ('table', 'v', 'v', 0, "
            "'CREATE VIRTUAL TABLE v USING VirtualOGR(\"/etc/passwd\")')"
        )
    database.close()
    with pytest.raises(SourceError, match="virtual table"):
        read_vector(tmp_path / "a.gpkg")


def test_geopackage_with_two_layers_wants_a_choice(tmp_path, places):
    places.to_file(tmp_path / "a.gpkg", layer="one", engine="pyogrio")
    places.iloc[:1].to_file(tmp_path / "a.gpkg", layer="two", engine="pyogrio")
    with pytest.raises(SourceError, match="layers: one, two"):
        read_vector(tmp_path / "a.gpkg")
    assert len(read_vector(tmp_path / "a.gpkg", layer="two")) == 1


def test_zip_bomb_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for ending in (".shp", ".shx", ".dbf"):
            archive.writestr(f"a{ending}", bytes(20_000_000))
    assert (tmp_path / "bomb.zip").stat().st_size < 100_000
    with pytest.raises(SourceError, match="unpack to far more"):
        read_vector(tmp_path / "bomb.zip")


def test_lying_archive_is_refused(tmp_path, shapefile):
    path = shapefile()
    data = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.find(magic)
        data[at + offset : at + offset + 4] = (10).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(SourceError):
        read_vector(path)


def test_too_many_members(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(300):
            archive.writestr(f"{number}.shp", b"")
    with pytest.raises(SourceError, match="300 members"):
        read_vector(tmp_path / "a.zip")


def test_names_in_an_archive_go_nowhere(tmp_path, shapefile):
    nested = tmp_path / "deep" / "er"
    nested.mkdir(parents=True)
    path = shapefile(folder="../../../../../../../../tmp/")
    path = path.rename(nested / "s.zip")
    before = sorted(tmp_path.rglob("*"))
    assert read_vector(path)["code"].tolist() == ["01", "02"]
    assert sorted(tmp_path.rglob("*")) == before


def test_shapefile_without_declared_encoding(shapefile):
    assert read_vector(shapefile(encoding="gb18030", cpg=False))["名称"].iloc[0] == "福田"
    assert read_vector(shapefile("u.zip", cpg=False))["名称"].iloc[0] == "福田"


def test_archive_without_the_needed_parts(tmp_path, shapefile):
    with zipfile.ZipFile(shapefile()) as whole, zipfile.ZipFile(tmp_path / "p.zip", "w") as part:
        name = next(one for one in whole.namelist() if one.endswith(".shp"))
        part.writestr(name, whole.read(name))
    with pytest.raises(SourceError, match=r"\.shx"):
        read_vector(tmp_path / "p.zip")


def test_crs_members(tmp_path):
    def read(name):
        return read_vector(
            write_geojson(
                tmp_path / "a.geojson", POINT, crs={"type": "name", "properties": {"name": name}}
            )
        ).crs.to_epsg()

    assert read("urn:ogc:def:crs:OGC:1.3:CRS84") == 4326
    assert read("urn:ogc:def:crs:EPSG::31983") == 31983
    assert read("EPSG:4490") == 4490
    for unknown in ("urn:ogc:def:crs:EPSG::999999", "BD-09", "+proj=merc"):
        with pytest.raises(SourceError, match="coordinate system"):
            read(unknown)
    with pytest.raises(SourceError, match="coordinate system"):
        read_vector(
            write_geojson(
                tmp_path / "a.geojson",
                POINT,
                crs={"type": "link", "properties": {"href": "http://x"}},
            )
        )


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        {"type": "Point"},
        {"type": "Point", "coordinates": ["a", "b"]},
        {"type": "Cube"},
        {"type": "Polygon", "coordinates": [[[0, 0]]]},
        {"type": "Point", "coordinates": {"x": 1}},
        7,
        {"type": "Point", "coordinates": []},
        {"type": "Polygon", "coordinates": 3},
    ],
)
def test_bad_geometry_is_none(tmp_path, geometry):
    assert read_vector(write_geojson(tmp_path / "a.geojson", geometry)).geometry.isna().all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"type": "FeatureCollection", "features": [', "no whole GeoJSON"),
        ('{"a": 1}', "no GeoJSON"),
        ("[1, 2]", "no GeoJSON"),
        ("[" * 100_000, "nested"),
        ('{"type": "FeatureCollection", "features": []}', "no features"),
        ('{"type": "FeatureCollection", "features": [NaN]}', "NaN"),
        ("", "empty"),
        ("a,b\n1,2\n", "text table"),
        ('{"features": [1]}', "no GeoJSON"),
    ],
)
def test_other_json_is_refused(tmp_path, text, said):
    (tmp_path / "a.geojson").write_text(text)
    with pytest.raises(SourceError, match=said):
        read_vector(tmp_path / "a.geojson")


def test_workbook_is_named(tmp_path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("[Content_Types].xml", "")
    (tmp_path / "a.csv").write_bytes(content.getvalue())
    with pytest.raises(SourceError, match="Excel"):
        sniff(tmp_path / "a.csv")


def test_heights_are_dropped_and_nested_properties_kept_as_text(tmp_path):
    path = tmp_path / "a.geojson"
    path.write_text(
        json.dumps(
            {
                "type": "Feature",
                "id": "w1",
                "properties": {"tags": {"a": "ä"}},
                "geometry": {"type": "Point", "coordinates": [1, 2, 3]},
            }
        )
    )
    read = read_vector(path)
    assert not read.geometry.has_z.any()
    assert read.loc[0, ["id", "tags"]].tolist() == ["w1", '{"a": "ä"}']
    assert read.geometry.iloc[0].equals(shapely.Point(1, 2))


def test_slow_reader_is_given_up(tmp_path, places, monkeypatch):
    places.to_file(tmp_path / "a.gpkg", engine="pyogrio")
    monkeypatch.setattr(vector, "TIMEOUT_S", 0.01)
    with pytest.raises(SourceError, match="given up"):
        read_vector(tmp_path / "a.gpkg")
