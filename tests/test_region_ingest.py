"""A region made of files: streets, people and shelters are those of a study area, bit by bit."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pyarrow.parquet
import pytest
import rasterio
import shapely
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from osmium.io import FileBuffer, Reader

from shelterplan.cli import Guarded
from shelterplan.cli.region_ingest import ingest as command
from shelterplan.errors import AreaError, SourceError, TableError
from shelterplan.scale import demand_in
from shelterplan.scale import ingest as ingest_module
from shelterplan.scale.crossings import edges, meet, use_nodes
from shelterplan.scale.grid import Grid, Tile, region_crs
from shelterplan.scale.ingest import SPILL, Files, ingest
from shelterplan.scale.osm_stream import Sizes, look_up, take_in
from shelterplan.scale.spill import Spill
from shelterplan.scale.store import Region, finish, touched
from shelterplan.scale.street_tiles import Groups, lay_streets, write_streets
from shelterplan.sources.osm import read_streets
from shelterplan.study_area import StudyArea
from tests.osm_xml import grid, node, osm, way

MONACO = Path("data/raw/monaco/monaco_2023-12-26.osm.pbf")
FOOTWAY = {"highway": "footway"}
TINY = Sizes(piece_bytes=1, chunk_places=3, block_nodes=2, bucket_places=2, group_places=4)
SMALL = Sizes(
    piece_bytes=200_000,
    chunk_places=3000,
    block_nodes=5000,
    bucket_places=2000,
    group_places=2000,
)
COLUMNS = (
    "class",
    "name",
    "steps",
    "incline",
    "forward",
    "backward",
    "bridge_tunnel",
    "wheelchair",
)


def pbf(path, *objects):
    """Write objects as they come into a .osm.pbf file."""
    with (
        Reader(FileBuffer(osm(*objects).encode(), "osm")) as reader,
        osmium.SimpleWriter(str(path), overwrite=True) as writer,
    ):
        osmium.apply(reader, writer)
    return path


def streets_of(path, folder, tile_m, sizes):
    """Ingest the streets of a file alone; return the region, the report and the date."""
    spill = Spill.fresh(folder / ".spill")
    taken = take_in(path, spill, sizes=sizes)
    look_up(taken)
    met = use_nodes(taken, bucket_places=sizes.bucket_places)
    meet(met)
    plane = Grid(region_crs(*met.extent).to_string(), tile_m)
    groups = Groups(spill, "streets", 1 + taken.places // sizes.group_places)
    count = lay_streets(edges(met), plane, groups)
    parts = write_streets(groups, folder)
    spill.remove()
    region = finish(folder, plane, parts, pd.DataFrame({"name": []}), title="")
    return region, met.report.table(), taken.date, count


def plain(streets):
    """Give streets as values that can be compared bit by bit, in an order of their own."""
    table = pd.DataFrame(
        {
            "osm_id": streets["osm_id"].to_numpy(),
            "length": streets["length_m"].to_numpy().view(np.int64),
            "line": streets.geometry.to_wkb(hex=True).to_numpy(),
            **{name: streets[name].astype(object).fillna("none").to_numpy() for name in COLUMNS},
            "from": streets["from"].to_numpy(),
            "to": streets["to"].to_numpy(),
        }
    )
    return table.sort_values(["osm_id", "length", "line"], kind="stable", ignore_index=True)


def assert_same_streets(found, expected):
    """Check attributes and lines bit by bit, and that nodes are the same up to their numbers."""
    a, b = plain(found), plain(expected)
    ends = ["from", "to"]
    pd.testing.assert_frame_equal(a.drop(columns=ends), b.drop(columns=ends))
    pairs = pd.DataFrame({"a": a[ends].to_numpy().ravel(), "b": b[ends].to_numpy().ravel()})
    pairs = pairs.drop_duplicates()
    assert pairs["a"].is_unique
    assert pairs["b"].is_unique


def all_streets(region):
    """Give every street of a region once."""
    read = [region.read("streets", tile) for tile in region.tiles]
    return pd.concat(read).drop_duplicates("edge").sort_values("edge", ignore_index=True)


def assert_tiles_are_right(region):
    """Check that each street stands in every tile that its box touches, and nowhere else."""
    streets = all_streets(region)
    lines = np.asarray(streets.geometry.to_crs(region.grid.crs).array)
    assert streets["edge"].tolist() == list(range(len(streets)))
    first = shapely.get_coordinates(shapely.get_point(lines, 0))
    home = [Tile(*one) for one in region.grid.tiles_at(*first.T).tolist()]
    assert streets["home"].tolist() == [str(tile) for tile in home]
    ways = streets["osm_id"].tolist()
    assert ways == sorted(ways)  # the number of a street says nothing of the tiles
    row, tile = touched(region.grid, lines)
    expected = {(int(r), *map(int, t)) for r, t in zip(row, tile, strict=True)}
    found = [
        (int(edge), *tile) for tile in region.tiles for edge in region.read("streets", tile)["edge"]
    ]
    assert len(found) == len(set(found))
    assert set(found) == expected


@pytest.mark.parametrize(("tile_m", "sizes"), [(300.0, SMALL), (25_000.0, Sizes())])
def test_the_streets_of_monaco_are_those_of_one_reading(tmp_path, tile_m, sizes):
    region, dropped, date, count = streets_of(MONACO, tmp_path, tile_m, sizes)
    whole = read_streets(MONACO)
    assert count == len(whole.edges)
    assert_same_streets(all_streets(region), whole.edges)
    assert_tiles_are_right(region)
    assert date == whole.date
    pd.testing.assert_frame_equal(dropped, whole.dropped)


TAGS = (
    FOOTWAY,
    {"highway": "residential", "name": "Rue Basse", "oneway:foot": "yes"},
    {"highway": "motorway"},
    {"route": "ferry"},
)
MARKS = (
    *({}, {}, {}),
    {"barrier": "gate", "access": "private"},
    {"barrier": "kerb", "kerb": "raised"},
)
PLACES = st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from(MARKS))


@given(
    nodes=st.lists(st.lists(PLACES, max_size=2), min_size=7, max_size=7),
    ways=st.lists(
        st.tuples(
            st.integers(1, 6),
            st.lists(st.integers(1, 8), max_size=6),
            st.sampled_from(TAGS),
        ),
        min_size=1,
        max_size=6,
    ),
)
@settings(max_examples=20)
def test_odd_files_give_the_same_streets(tmp_path_factory, nodes, ways):
    """Nodes that are missing, stand twice or on one another, ways that repeat, gates, kerbs."""
    folder = tmp_path_factory.mktemp("odd")
    written = [
        node(number, 7 + x * 0.002, 43 + y * 0.002, **tags)
        for number, places in enumerate(nodes, start=1)
        for x, y, tags in places
    ]
    ways = sorted(ways, key=lambda one: one[0])
    path = pbf(folder / "odd.osm.pbf", *written, *(way(*one) for one in ways))
    whole = read_streets(path)
    spill = Spill.fresh(folder / ".spill")
    taken = take_in(path, spill, sizes=TINY)
    look_up(taken)
    met = use_nodes(taken, bucket_places=TINY.bucket_places)
    meet(met)
    found = list(edges(met))
    pd.testing.assert_frame_equal(met.report.table(), whole.dropped)
    assert sum(map(len, found)) == len(whole.edges)
    if found:
        assert_same_streets(pd.concat(found), whole.edges)


def test_a_street_stands_in_every_tile_that_it_crosses(tmp_path):
    """One of 9 km over many tiles, with nothing at all in those between its ends."""
    ends = [node(1, 7.0, 43.0), node(2, 7.05, 43.07), node(3, 7.06, 43.07)]
    path = pbf(
        tmp_path / "long.osm.pbf", *ends, way(5, [1, 2, 3], FOOTWAY), way(6, [2, 3], FOOTWAY)
    )
    region, _, _, count = streets_of(path, tmp_path / "r", 1500.0, TINY)
    assert count == 3
    assert_tiles_are_right(region)
    assert len(region.tiles) > 12
    assert_same_streets(all_streets(region), read_streets(path).edges)


def test_what_is_done_at_once_changes_no_byte(tmp_path):
    first = streets_of(MONACO, tmp_path / "a", 700.0, SMALL)[0]
    second = streets_of(MONACO, tmp_path / "b", 700.0, Sizes())[0]
    assert first.sha256 == second.sha256


@pytest.mark.parametrize(
    "objects",
    [
        [node(2, 7, 43), node(1, 7.001, 43), way(5, [1, 2], FOOTWAY)],
        [*grid(2), way(6, [1, 2], FOOTWAY), way(5, [1, 2], FOOTWAY)],
        [*grid(2), way(5, [1, -2], FOOTWAY)],
    ],
)
def test_a_file_that_is_not_in_order_is_refused(tmp_path, objects):
    path = pbf(tmp_path / "odd.osm.pbf", *objects)
    with pytest.raises(SourceError, match="osmium sort"):
        take_in(path, Spill.fresh(tmp_path / "s"), sizes=TINY)


@pytest.mark.parametrize("keep", [0, 3, 300, 20_000, 500_000])
def test_a_file_that_is_cut_off_is_refused(tmp_path, keep):
    path = tmp_path / "cut.osm.pbf"
    path.write_bytes(MONACO.read_bytes()[:keep])
    with pytest.raises(SourceError, match=r"cut\.osm\.pbf"):
        take_in(path, Spill.fresh(tmp_path / "s"))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Write the tables of the embedded Monaco as files that people bring."""
    folder, area = tmp_path_factory.mktemp("files"), StudyArea.open("monaco")
    area.communities[["name", "district", "geometry"]].reset_index().to_file(folder / "c.geojson")
    area.shelters[["name", "status", "geometry"]].reset_index().to_file(folder / "s.geojson")
    area.hazards[["hazard", "level", "geometry"]].reset_index().to_file(folder / "h.geojson")
    area.candidates[["name", "geometry"]].reset_index().to_file(folder / "k.geojson")
    people = area.demand[["population", "geometry"]].reset_index()
    people.to_parquet(folder / "p.parquet")
    table = pd.DataFrame(
        {
            "lat": people.geometry.y,
            "lon": people.geometry.x,
            "population": people["population"],
            "note": 'a "quoted\nnote"',
        }
    )
    table.to_csv(folder / "without_ids.csv", index=False)
    table.assign(demand_id=people["demand_id"]).to_csv(folder / "p.csv", index=False)
    return Files(
        streets=MONACO.resolve(),
        demand=folder / "p.csv",
        communities=folder / "c.geojson",
        shelters=folder / "s.geojson",
        hazards=(folder / "h.geojson",),
        candidates=folder / "k.geojson",
    )


@pytest.fixture(scope="module")
def made(files, tmp_path_factory):
    return ingest(tmp_path_factory.mktemp("r") / "monaco", files, tile_km=0.7, title="Monaco")


def everything(region, table):
    read = [region.read(table, tile) for tile in region.tiles]
    return pd.concat([rows for rows in read if rows is not None])


def test_every_table_of_a_region_is_that_of_a_study_area(files, made):
    area, region = StudyArea.open("monaco"), made.region
    assert Region.open(region.folder).sha256 == region.sha256
    demand = everything(region, "demand").sort_index()
    expected = area.demand.sort_index()
    assert demand.index.tolist() == expected.index.tolist()
    assert demand["community_id"].tolist() == expected["community_id"].tolist()
    np.testing.assert_allclose(demand["population"], expected["population"], atol=1e-6)
    assert demand.geometry.geom_equals_exact(expected.geometry, 0).all()
    assert made.population == pytest.approx(area.demand["population"].sum())
    assert region.communities.index.tolist() == area.communities.index.tolist()
    shelters = everything(region, "shelters")
    assert set(shelters.index) == set(area.shelters.index)
    assert set(everything(region, "candidates").index) == set(area.candidates.index)
    entrances = everything(region, "entrances")
    places = region.grid.to_metric.transform(entrances.geometry.x, entrances.geometry.y)
    for tile in region.tiles:
        rows = region.read("entrances", tile)
        if rows is None:
            continue
        x, y = region.grid.to_metric.transform(rows.geometry.x, rows.geometry.y)
        assert (region.grid.tiles_at(x, y) == tile).all()
        assert set(rows["shelter_id"]) <= set(region.read("shelters", tile).index)
    assert np.isfinite(places).all()
    assert not (region.folder / SPILL).exists()


def test_entrances_are_those_of_one_build(files, made):
    from shelterplan.entrances import find_entrances
    from shelterplan.sources.inputs import read_shelters
    from shelterplan.sources.osm_features import read_gates

    shelters = read_shelters(files.shelters).table
    streets = read_streets(files.streets).edges
    whole = find_entrances(shelters, streets, made.region.grid.crs, read_gates(files.streets))
    found = everything(made.region, "entrances").sort_index()
    whole = whole.sort_index()
    assert found.index.tolist() == whole.index.tolist()
    assert found["how"].tolist() == whole["how"].tolist()
    assert found["emergency_only"].tolist() == whole["emergency_only"].tolist()
    assert found.geometry.geom_equals_exact(whole.geometry, 1e-9).all()


def test_hazard_pieces_cover_what_the_zones_cover(made):
    area = StudyArea.open("monaco")
    pieces = everything(made.region, "hazards").drop_duplicates("piece").sort_values("piece")
    assert pieces["piece"].tolist() == list(range(len(pieces)))
    for key, zones in area.hazards.groupby(["hazard", "level"]):
        mine = pieces[(pieces["hazard"] == key[0]) & (pieces["level"] == key[1])]
        apart = shapely.symmetric_difference(zones.union_all(), mine.union_all())
        assert apart.area < 1e-12


def people_of(path, files, tmp_path, **options):
    communities = gpd.read_file(files.communities).set_index("community_id")
    spill = Spill.fresh(tmp_path / "spill")
    plane = Grid("EPSG:32632", 700.0)
    people = demand_in.lay_people(path, communities, plane, spill, **options)
    parts = demand_in.write_people(people, tmp_path / "out")
    region = finish(tmp_path / "out", plane, parts, pd.DataFrame({"name": []}), title="")
    return people, everything(region, "demand")


def test_people_of_a_text_table_are_read_some_at_a_time(files, tmp_path):
    path = files.demand.with_name("without_ids.csv")
    whole, rows = people_of(path, files, tmp_path / "a")
    some, same = people_of(path, files, tmp_path / "b", piece_bytes=2000)
    assert len(rows) == len(StudyArea.open("monaco").demand)
    pd.testing.assert_frame_equal(same.sort_index(), rows.sort_index())
    assert (whole.points, whole.rows_read) == (some.points, some.rows_read)


def test_people_of_parquet_are_read_some_at_a_time(files, tmp_path, monkeypatch):
    _, rows = people_of(files.demand, files, tmp_path / "a")
    monkeypatch.setattr(demand_in, "PIECE_ROWS", 600)
    _, same = people_of(files.demand.with_suffix(".parquet"), files, tmp_path / "b")
    pd.testing.assert_frame_equal(same.sort_index(), rows.sort_index())


def test_an_id_that_stands_twice_is_found_in_whatever_part(files, tmp_path, monkeypatch):
    people = gpd.read_parquet(files.demand.with_suffix(".parquet"))
    people.loc[900, "demand_id"] = people.loc[5, "demand_id"]
    people.to_parquet(tmp_path / "twice.parquet")
    monkeypatch.setattr(demand_in, "PIECE_ROWS", 600)
    with pytest.raises(TableError, match="rows 6 and 901 have the same demand_id"):
        people_of(tmp_path / "twice.parquet", files, tmp_path)


def test_people_of_a_grid_are_read_window_by_window(files, tmp_path, monkeypatch):
    """Cells of 0.001 degrees with 2.5 people each, some of them in the sea."""
    path = tmp_path / "people.tif"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=60,
        height=50,
        count=1,
        dtype="float32",
        crs="EPSG:4326",
        transform=rasterio.Affine(0.001, 0, 7.395, 0, -0.001, 43.765),
    ) as raster:
        raster.write(np.full((1, 50, 60), 2.5, np.float32))
    whole, rows = people_of(path, files, tmp_path / "a")
    monkeypatch.setattr(demand_in, "WINDOW_CELLS", 400)
    some, same = people_of(path, files, tmp_path / "b")
    pd.testing.assert_frame_equal(same.sort_index(), rows.sort_index())
    polygons = gpd.read_file(files.communities).union_all()
    lon, lat = np.meshgrid(7.395 + 0.0005 + np.arange(60) * 0.001, 43.7645 - np.arange(50) * 0.001)
    inside = int(shapely.intersects_xy(polygons, lon, lat).sum())
    assert whole.points == some.points == inside
    assert whole.population == inside * 2.5


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk here")
def test_a_full_disk_is_told_as_one(tmp_path):
    spill = Spill.fresh(tmp_path / "s")
    spill.path("ids", 0).symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        spill.lay("ids", np.zeros(5000, np.int64), np.zeros(5000, [("id", "<i8")]))


def test_people_in_no_community_are_counted_and_said(files, tmp_path):
    people = pd.read_csv(files.demand)
    people.loc[3, ["lat", "lon"]] = [43.0, 7.0]
    people.loc[4, "population"] = -1
    people.to_csv(tmp_path / "p.csv", index=False)
    made = ingest(tmp_path / "r", replaced(files, demand=tmp_path / "p.csv"), tile_km=5)
    total = people["population"].drop(4).sum()
    assert made.population_outside == pytest.approx(people.loc[3, "population"])
    assert made.population == pytest.approx(total - made.population_outside)
    assert made.quarantine["row"].tolist() == [6, 5]
    assert [note.split(":")[0] for note in made.region.notes] == ["demand", "demand"]
    assert "1 of 994 rows" in made.region.notes[0]


def replaced(files, **changes):
    from dataclasses import replace

    return replace(files, **changes)


def test_an_interrupted_run_leaves_the_earlier_region(files, made, tmp_path, monkeypatch):
    out = tmp_path / "r"
    first = ingest(out, files, tile_km=5).region

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(ingest_module, "finish", stop)
    with pytest.raises(KeyboardInterrupt):
        ingest(out, files, tile_km=1)
    monkeypatch.undo()
    assert Region.open(out).sha256 == first.sha256
    assert len(everything(Region.open(out), "streets")) >= made.rows["streets"]
    (out / SPILL).mkdir()
    (out / SPILL / "left by a killed run").touch()
    second = ingest(out, files, tile_km=0.7, title="Monaco").region
    assert second.sha256 == made.region.sha256
    assert not (out / SPILL).exists()
    assert {part.file for part in second.parts.values()} == {
        path.relative_to(out).as_posix() for path in out.glob("*/*.parquet")
    }


def test_files_of_other_places_and_foreign_folders_are_refused(files, tmp_path):
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "diary.txt").touch()
    with pytest.raises(AreaError, match="has other files"):
        ingest(tmp_path / "r", files)
    far = pbf(tmp_path / "far.osm.pbf", *grid(2, lon=20), way(5, [1, 2], FOOTWAY))
    with pytest.raises(AreaError, match="no street lies near a community"):
        ingest(tmp_path / "f", replaced(files, streets=far))
    closed = pbf(tmp_path / "closed.osm.pbf", *grid(2), way(5, [1, 2], {"highway": "motorway"}))
    with pytest.raises(AreaError, match="no street that people can walk"):
        ingest(tmp_path / "f", replaced(files, streets=closed))
    assert [path.name for path in (tmp_path / "f").iterdir()] == [
        ".spill"
    ]  # and may be tried again


def test_the_command_says_what_it_made(files, tmp_path):
    given = ["--streets", "--demand", "--communities", "--shelters", "--candidates"]
    paths = [files.streets, files.demand, files.communities, files.shelters, files.candidates]
    options = [str(one) for pair in zip(given, paths, strict=True) for one in pair]
    group = Guarded(commands={"ingest": command})
    run = CliRunner().invoke(group, ["ingest", str(tmp_path / "r"), *options, "--json"])
    told = json.loads(run.output)
    assert told["rows"]["streets"] == len(read_streets(MONACO).edges)
    assert told["tile_m"] == 25_000
    assert (tmp_path / "r" / "dropped.csv").read_text("utf-8-sig").startswith("rule,reason")
    text = CliRunner().invoke(group, ["ingest", str(tmp_path / "r"), *options])
    assert "OpenStreetMap contributors" in text.output
    assert text.exit_code == 0
    wrong = CliRunner().invoke(
        group, ["ingest", str(tmp_path / "w"), "--streets", str(files.shelters), *options[2:]]
    )
    assert wrong.exit_code == 1
    assert "no .osm.pbf file" in wrong.output


def test_parquet_in_pieces_keeps_its_coordinate_system(files, tmp_path):
    people = gpd.read_parquet(files.demand.with_suffix(".parquet")).to_crs(32632)
    people.to_parquet(tmp_path / "p.parquet")
    assert pyarrow.parquet.ParquetFile(tmp_path / "p.parquet").metadata.num_rows == len(people)
    _, rows = people_of(tmp_path / "p.parquet", files, tmp_path)
    expected = StudyArea.open("monaco").demand.sort_index()
    assert rows.sort_index().geometry.geom_equals_exact(expected.geometry, 1e-7).all()
