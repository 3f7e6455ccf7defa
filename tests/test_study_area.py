"""Study areas on disk, entrances, and what does not fit together."""

import shutil
from contextlib import nullcontext

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from shelterplan import StudyArea, area_files, make_plan, tables
from shelterplan.area_files import MANIFEST, sealed
from shelterplan.earth import LONLAT
from shelterplan.entrances import find_entrances
from shelterplan.errors import AreaError, NetworkError, TableError
from shelterplan.network import MOST_UNUSED_NODES, WalkNetwork
from shelterplan.sources.osm import Streets
from shelterplan.study_area import _refuse_torn_streets
from shelterplan.tables import TABLES
from tests.village import box, communities, demand, point, shelters, streets, village


@pytest.fixture(scope="module")
def area():
    return village()


def test_saved_and_opened_is_the_same(area, tmp_path):
    area.save(tmp_path / "v")
    opened = StudyArea.open(tmp_path / "v")
    assert opened.version == area.version
    before, after = make_plan(area), make_plan(opened)
    pd.testing.assert_frame_equal(before.communities, after.communities)
    pd.testing.assert_frame_equal(before.demand, after.demand)
    assert before.manifest == after.manifest


def test_saving_twice_gives_the_same_bytes(area, tmp_path):
    for name in ("a", "b"):
        village().save(tmp_path / name)
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("a", "b")
    )
    assert first == second


def test_a_new_version_replaces_the_old_and_leaves_nothing_behind(area, tmp_path):
    area.save(tmp_path)
    village(demand=demand([("west", 1, 10, 0)])).save(tmp_path)
    assert StudyArea.open(tmp_path).demand["population"].sum() == 1
    assert len(list(tmp_path.iterdir())) == len(area._tables) + 1


def test_an_interrupted_save_leaves_the_old_version_whole(area, tmp_path, monkeypatch):
    area.save(tmp_path)
    written = []

    def stop_at_the_fourth(path, target):
        written.append(path)
        if len(written) == 4:
            raise KeyboardInterrupt
        return rename(path, target)

    rename = type(tmp_path).replace
    monkeypatch.setattr(type(tmp_path), "replace", stop_at_the_fourth)
    other = village(
        demand=demand([("west", 1, 10, 0)]),
        shelters=shelters().iloc[:1],
        communities=communities().assign(district="One"),
    )
    with pytest.raises(KeyboardInterrupt):
        other.save(tmp_path)
    monkeypatch.undo()
    assert StudyArea.open(tmp_path).version == area.version
    assert not list(tmp_path.glob(".*.tmp"))


@pytest.mark.parametrize("table", ["streets", "demand", "dropped"])
def test_a_damaged_file_is_named(area, tmp_path, table):
    area.save(tmp_path)
    path = next(tmp_path.glob(f"{table}-*.parquet"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(AreaError, match=rf"{path.name} is damaged"):
        StudyArea.open(tmp_path)
    path.unlink()
    with pytest.raises(AreaError, match=rf"{path.name} is missing"):
        StudyArea.open(tmp_path)


@pytest.mark.parametrize("text", ["", "format = 1", "= =", "format = 99\n[tables]\n", "\udcff"])
def test_a_damaged_manifest_is_named(area, tmp_path, text):
    area.save(tmp_path)
    (tmp_path / MANIFEST).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(AreaError, match=MANIFEST):
        StudyArea.open(tmp_path)


def test_a_file_outside_the_folder_is_never_read(area, tmp_path):
    area.save(tmp_path / "v")
    manifest = tmp_path / "v" / MANIFEST
    name = next((tmp_path / "v").glob("demand-*")).name
    shutil.move(tmp_path / "v" / name, tmp_path / name)
    text = manifest.read_text("utf-8").partition("\n")[2]
    manifest.write_bytes(sealed(text.replace(name, f"../{name}")))
    with pytest.raises(AreaError, match="missing"):
        StudyArea.open(tmp_path / "v")


def written(area, folder, **tables):
    """Write a study area with other tables, under a manifest that says so, and open it."""
    area_files.write(folder, area._manifest, {**area._tables, **tables})
    return StudyArea.open(folder)


def test_streets_that_share_a_node_meet_at_one_place(area, tmp_path):
    edges = area.streets.copy()
    edges.loc[3, "to"] = 5
    with pytest.raises(AreaError, match="end at different places: 4"):
        written(area, tmp_path / "v", streets=edges)
    with pytest.raises(AreaError, match="end at different places: 4"):
        village(streets=Streets(edges=edges, dropped=area.dropped, kept_ways=6, date=""))


@pytest.mark.parametrize(("lon", "meets"), [(-180.0, True), (180.0, True), (-179.99, False)])
def test_180_degrees_east_and_west_are_one_place(lon, meets):
    lines = [
        shapely.LineString([(179.9, 0), (180, 0)]),
        shapely.LineString([(lon, 0), (-179.9, 0)]),
    ]
    edges = gpd.GeoDataFrame({"from": [0, 1], "to": [1, 2]}, geometry=lines, crs=4326)
    with nullcontext() if meets else pytest.raises(AreaError, match="end at different places"):
        _refuse_torn_streets(edges)


def test_streets_number_their_nodes_without_large_gaps(area):
    edges = area.streets.copy()
    edges.loc[3, "to"] = MOST_UNUSED_NODES + 11
    count = WalkNetwork.from_streets(edges, area.crs).node_count
    assert count == MOST_UNUSED_NODES + 12
    edges.loc[3, "to"] += 1
    with pytest.raises(NetworkError, match=r"large gaps: 1,000,011 at most here \(edges 3\)"):
        WalkNetwork.from_streets(edges, area.crs)


@pytest.mark.parametrize(
    ("column", "value"),
    [("ways", "many"), ("ways", -1), ("ways", [1]), ("length_m", np.nan), ("length_m", "x")],
)
def test_what_was_left_out_is_words_and_numbers(area, tmp_path, column, value):
    rows = pd.DataFrame([area.dropped.iloc[0].to_dict() | {column: value}])
    with pytest.raises(AreaError, match="does not fit together"):
        written(area, tmp_path / "v", dropped=rows)


def test_rows_that_were_set_aside_are_shown_as_text(area, tmp_path):
    odd = {"table": None, "row": 1.5, "column": 2, "problem": "<b>", "mend": True}
    found = written(area, tmp_path / "v", quarantine=pd.DataFrame([odd])).quarantine
    assert found["row"].tolist() == ["1.5"]
    assert (found.dtypes == "str").all()


def test_a_table_that_is_far_larger_than_its_file_is_not_read(area, tmp_path, monkeypatch):
    many = pd.concat([area.dropped] * 100_000, ignore_index=True)
    assert len(written(area, tmp_path / "v", dropped=many).dropped) == 100_000
    monkeypatch.setattr(area_files, "FREE_CELLS", 100_000)
    with pytest.raises(AreaError, match=r"dropped-\w+.parquet would unpack to far more"):
        StudyArea.open(tmp_path / "v")
    monkeypatch.setattr(area_files, "FREE_CELLS", 400_000)
    monkeypatch.setattr(area_files, "FREE_BYTES", 10)
    monkeypatch.setattr(area_files, "MAX_RATIO", 0.001)
    with pytest.raises(AreaError, match="would unpack to far more"):
        StudyArea.open(tmp_path / "v")


def test_an_unknown_area_lists_the_known_ones():
    with pytest.raises(AreaError, match=r"'atlantis'.*monaco"):
        StudyArea.open("atlantis")


def test_all_problems_of_a_table_are_told_at_once():
    bad = shelters([("a", None, -5, point(0, 0)), ("b", "B", 10, box(0, 0, 10, 10))])
    bad = pd.concat([bad, bad.iloc[1:]]).assign(wheelchair="maybe")
    with pytest.raises(TableError) as error:
        village(shelters=bad)
    told = str(error.value)
    assert "ids occur more than once (b)" in told
    assert "name must not be empty (1 rows: a)" in told
    assert "capacity must be a finite number of at least 0 (1 rows: a)" in told
    assert "wheelchair must be one of yes, no, unknown" in told


def test_swapped_coordinates_are_asked_about():
    odd = demand().set_geometry([shapely.Point(3.0, 200.0)] * 5)
    with pytest.raises(TableError, match="latitude and longitude swapped"):
        village(demand=odd)


@pytest.mark.parametrize("number", [2.0**53, 2**63, 1e19, -(2.0**63), "9007199254740993"])
def test_whole_numbers_that_would_be_rounded_are_refused(area, number):
    for column, rule in (("to", "number of at least 0, below"), ("osm_id", "whole number, below")):
        values = [*area.streets[column][:-1], number]
        with pytest.raises(TableError, match=rule):
            tables.checked("streets", area.streets.assign(**{column: values}))


@pytest.mark.parametrize("number", [2**53 + 1, 2**63 - 1, -(2**63)])
def test_large_whole_numbers_keep_every_digit(area, number):
    values = [*area.streets["osm_id"][:-1], number]
    kept = tables.checked("streets", area.streets.assign(osm_id=values))
    assert kept["osm_id"].tolist() == values


def test_a_missing_column_and_an_unknown_crs_are_told():
    with pytest.raises(TableError, match="column 'district' is missing"):
        village(communities=communities().drop(columns="district"))
    with pytest.raises(TableError, match="coordinate system"):
        village(
            communities=gpd.GeoDataFrame(
                communities().drop(columns="geometry"), geometry=list(communities().geometry)
            )
        )


def test_demand_in_an_unknown_community_is_refused():
    with pytest.raises(AreaError, match="communities that do not exist: nowhere"):
        village(demand=demand([("nowhere", 1, 0, 0)]))


def test_a_length_below_the_straight_line_is_refused():
    table = streets().edges
    table.loc[2, "length_m"] = 100.0
    with pytest.raises(NetworkError, match=r"shorter than the straight line.*edges 2"):
        village(streets=Streets(edges=table, dropped=streets().dropped, kept_ways=6, date=""))


def test_unknown_capacity_stays_unknown(area):
    assert area.shelters["capacity"].isna().tolist() == [False, True]
    assert area.shelters["status"].tolist() == ["unknown", "unknown"]


def entrances_of(shape, gates=None, edges=None):
    table = gpd.GeoDataFrame({"name": ["x"]}, index=["x"], geometry=[shape], crs="EPSG:4326")
    edges = streets().edges if edges is None else edges
    return find_entrances(table, edges, village().crs, gates)


def test_a_park_is_entered_where_ways_cross_its_outline():
    found = entrances_of(box(300, -20, 500, 50))  # the High Street on two sides, the stair above
    assert found["how"].tolist() == ["outline"] * 3
    assert found.index.tolist() == ["x:1", "x:2", "x:3"]


def test_a_bridge_over_the_outline_is_no_entrance():
    edges = streets().edges.assign(bridge_tunnel=["bridge"] * 3 + [""] * 3)
    assert len(entrances_of(box(300, -20, 500, 50), edges=edges)) == 1


def test_mapped_gates_win_and_keep_their_kind():
    gates = gpd.GeoDataFrame(
        {"emergency_only": [True, False]}, crs="EPSG:4326", geometry=[point(300, 20), point(499, 0)]
    )
    found = entrances_of(box(300, -20, 500, 50), gates)
    assert found["how"].tolist() == ["mapped", "mapped"]
    assert found["emergency_only"].tolist() == [True, False]


def test_an_outline_that_no_way_crosses_is_entered_at_its_nearest_point():
    found = entrances_of(box(700, 20, 800, 60))
    assert found["how"].tolist() == ["position"]
    assert found.geometry.iloc[0].distance(point(750, 20)) < 60 / 111_000


def test_emergency_gates_are_not_used():
    gates = gpd.GeoDataFrame(
        {"emergency_only": [True]}, geometry=[point(880, -100)], crs="EPSG:4326"
    )
    area = village(gates=gates)
    assert area.entrances["emergency_only"].sum() == 1
    assert set(area.entrances["shelter_id"][area.usable()]) == {"school"}


def test_places_prefer_streets_that_lead_somewhere():
    # 20 m from the island path, 60 m from the High Street: nearly as near, and it leads on
    edges = streets(
        [
            (0, 1, [(0, 0), (500, 0)], "High Street", "residential"),
            (2, 3, [(0, 80), (50, 80)], "Island Path", "path"),
        ]
    )
    homes = demand([("west", 5, 25, 60), ("west", 5, 25, 79)])
    area = village(streets=edges, demand=homes, shelters=shelters([("s", "S", 1, point(500, 0))]))
    places = area.demand_places()
    assert places.edge.tolist() == [0, 1]
    assert places.moved_off_island.tolist() == [True, False]
    assert places.leg_m == pytest.approx([60, 1], abs=0.1)
    assert np.isinf(make_plan(area).demand["distance_m"]).tolist() == [False, True]


def test_shelters_of_another_place_are_refused():
    far = shelters(
        [("a", "A", 5, shapely.Point(114.05, 22.54)), ("b", "B", 5, shapely.Point(22, 3))]
    )
    with pytest.raises(AreaError, match="None of the 2 shelters lies near"):
        village(shelters=far)
    one_near = shelters([("a", "A", 5, point(100, 0)), ("b", "B", 5, shapely.Point(22, 3))])
    assert len(village(shelters=one_near).shelters) == 2


def test_more_people_than_can_be_added_up_are_refused():
    with pytest.raises(AreaError, match="adds up to more than"):
        village(demand=demand([("west", 2.0**33, 10, 0), ("east", 2.0**33, 600, 0)]))


def test_all_tables_share_one_coordinate_system():
    """Each thread would build every other object of the same meaning anew, in 0.1 s."""
    area = StudyArea.open("monaco")
    for one in (area, area.with_sites(area.candidates.iloc[:2])):
        found = {name: getattr(one, name).crs for name in TABLES}
        assert [name for name, crs in found.items() if crs is not LONLAT] == []
