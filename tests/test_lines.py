"""Streets made of any layer of lines."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from shelterplan.errors import TableError
from shelterplan.sources.lines import END_GRID_DEG, read_lines
from shelterplan.sources.streets import WGS84


def layer(*lines, crs="EPSG:4326", **columns):
    shapes = [None if xy is None else shapely.LineString(xy) for xy in lines]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=crs)


A, B, C, D = (7.0, 43.0), (7.001, 43.0), (7.002, 43.0), (7.001, 43.001)


def lost(streets):
    return dict(zip(streets.dropped["rule"], streets.dropped["ways"], strict=True))


def test_lines_meet_at_their_ends():
    streets = read_lines(layer((A, B), (B, C), (D, B)))
    edges = streets.edges
    assert len(edges) == 3
    assert len(set(edges["from"]) | set(edges["to"])) == 4
    assert edges["length_m"].round().tolist() == [82, 82, 111] or sorted(
        edges["length_m"].round()
    ) == [82, 82, 111]
    assert edges["class"].tolist() == ["unclassified"] * 3
    assert edges["forward"].all()
    assert edges["backward"].all()
    assert not edges["steps"].any()
    assert streets.kept_ways == 3
    assert len(streets.dropped) == 0


def test_the_table_has_the_columns_of_streets():
    edges = read_lines(layer((A, B))).edges
    assert edges.columns.tolist() == [
        *("from", "to", "length_m", "class", "name", "steps", "incline", "forward", "backward"),
        *("bridge_tunnel", "wheelchair", "osm_id", "geometry"),
    ]
    assert edges.index.name == "edge"
    assert edges.crs == "EPSG:4326"
    assert edges["osm_id"].tolist() == [0]
    assert edges["bridge_tunnel"].tolist() == [""]


def test_nearly_equal_ends_become_one_node_at_one_place():
    near = (B[0] + END_GRID_DEG / 4, B[1] - END_GRID_DEG / 4)
    edges = read_lines(layer((A, B), (near, C))).edges
    assert len(set(edges["from"]) | set(edges["to"])) == 3
    first, second = edges.geometry
    assert first.coords[-1] == second.coords[0]


def test_lines_that_cross_in_the_middle_do_not_meet():
    edges = read_lines(layer((A, C), ((7.001, 42.999), D))).edges
    assert len(set(edges["from"]) | set(edges["to"])) == 4


def test_another_coordinate_system_and_heights():
    plane = layer((A, B), (B, D)).to_crs("EPSG:32632")
    plane = plane.set_geometry(shapely.force_3d(plane.geometry.to_numpy(), 12.0))
    edges = read_lines(plane.set_crs("EPSG:32632", allow_override=True)).edges
    assert sorted(edges["length_m"].round(1)) == [81.5, 111.1]
    assert not edges.geometry.has_z.any()


def test_parts_of_a_line_become_streets_and_share_its_length():
    parts = shapely.MultiLineString([[A, B], [(7.01, 43.0), (7.012, 43.0)]])
    touching = shapely.MultiLineString([[A, D], [D, C]])
    table = gpd.GeoDataFrame(
        {"length_m": [300.0, 500.0]}, geometry=[parts, touching], crs="EPSG:4326"
    )
    streets = read_lines(table)
    assert sorted(streets.edges["length_m"].round(1)) == [100.0, 200.0, 500.0]
    assert streets.kept_ways == 2


def test_a_stated_length_shorter_than_the_chord_is_refused_with_its_row():
    table = layer((A, B), (B, C), (B, D), (A, D), lang=[81.6, 81.4, np.nan, np.inf])
    streets = read_lines(table, length_column="lang")
    assert streets.edges["length_m"].tolist() == [81.6]
    assert lost(streets) == {"bad_length": 3}
    assert "rows 1, 2, 3" in streets.dropped.loc[0, "reason"]
    assert "leave the length column out" in streets.dropped.loc[0, "reason"]


@pytest.mark.parametrize("length", ["-5", "0", "viel", None])
def test_a_length_that_is_none_is_refused(length):
    table = layer((A, B), (B, C), length_m=[length, "90"])
    assert read_lines(table).edges["length_m"].tolist() == [90.0]


def test_rows_that_are_no_use_are_named():
    far = ((7, 43), (8, 44))
    table = layer((A, B), None, ((500, 43), (501, 43)), far, (B, B), ((7, 91), (7, 91.001)))
    table.loc[len(table)] = shapely.Point(7, 43)
    streets = read_lines(table)
    assert len(streets.edges) == 1
    assert lost(streets) == {"no_line": 2, "bad_position": 2, "long_segment": 1, "no_length": 1}
    reasons = dict(zip(streets.dropped["rule"], streets.dropped["reason"], strict=True))
    assert "(rows 1, 6)" in reasons["no_line"]
    assert "(rows 2, 5)" in reasons["bad_position"]


def test_a_layer_in_which_no_row_is_of_use_gives_an_empty_table():
    streets = read_lines(layer((B, B), ((7, 91), (7, 92))))
    assert len(streets.edges) == 0
    assert streets.kept_ways == 0


def test_columns_are_taken_by_name():
    table = layer(
        (A, B), (B, C), kind=["steps", None], strasse=["Treppe", None], nr=[17, None],
        forward=[True, False], wheelchair=["no", None],
    )  # fmt: skip
    edges = read_lines(table, class_column="kind", name_column="strasse", id_column="nr").edges
    assert edges["class"].tolist() == ["steps", "unclassified"]
    assert edges["steps"].tolist() == [True, False]
    assert edges["name"].isna().tolist() == [False, True]
    assert edges["osm_id"].tolist() == [17, 0]
    assert edges["forward"].tolist() == [True, False]
    assert edges["wheelchair"].isna().tolist() == [False, True]


def test_our_own_table_comes_back_as_it_went():
    edges = read_lines(
        layer((A, B), (B, C), (B, D), steps=[False, True, False], backward=["no", "yes", "yes"])
    ).edges
    again = read_lines(edges).edges
    pd.testing.assert_frame_equal(pd.DataFrame(again), pd.DataFrame(edges))


def test_named_nodes_decide_where_lines_meet():
    above = layer((A, B), (B, C), (B, D), start=["a", "b", "bridge"], stop=["b", "c", "d"])
    edges = read_lines(above, from_column="start", to_column="stop").edges
    assert len(set(edges["from"]) | set(edges["to"])) == 5


def test_named_nodes_that_do_not_fit_the_lines():
    table = layer((A, B), (B, C), (D, C), (A, D), start=[1, 2, 2, 4], stop=[2, 3, 3, None])
    streets = read_lines(table, from_column="start", to_column="stop")
    assert len(streets.edges) == 2
    assert lost(streets) == {"no_node": 1, "loose_end": 1}
    assert "(rows 2)" in streets.dropped.set_index("rule").loc["loose_end", "reason"]


@pytest.mark.parametrize(
    ("table", "options", "words"),
    [
        (layer((A, B), crs=None), {}, "coordinate system is unknown"),
        (layer((A, B)), {"length_column": "m"}, "column 'm' is missing"),
        (gpd.GeoDataFrame(geometry=[shapely.Point(7, 43)], crs="EPSG:4326"), {}, "no lines"),
        (layer(), {}, "no lines"),
    ],
)
def test_a_layer_that_cannot_be_read_gives_a_sentence(table, options, words):
    with pytest.raises(TableError, match=words):
        read_lines(table, **options)


def test_the_layer_is_left_as_it_is():
    table = layer((A, B), (B, C), length_m=[90.0, 90.0])
    before = table.copy(deep=True)
    read_lines(table)
    pd.testing.assert_frame_equal(pd.DataFrame(table), pd.DataFrame(before))


coordinates = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(
    lambda xy: (7 + xy[0] * 0.001, 43 + xy[1] * 0.001)
)


@given(st.lists(st.lists(coordinates, min_size=2, max_size=4), min_size=1, max_size=12))
def test_laws(lines):
    if not any(len(set(line)) > 1 for line in lines):
        return
    streets = read_lines(layer(*lines))
    edges = streets.edges
    ends = np.concatenate([edges["from"], edges["to"]])
    assert sorted(set(ends)) == list(range(len(set(ends))))
    place = {}
    for edge in edges.itertuples():
        assert edge.length_m == pytest.approx(WGS84.geometry_length(edge.geometry), abs=1e-6)
        for number, end in (
            (edge[1], edge.geometry.coords[0]),
            (edge.to, edge.geometry.coords[-1]),
        ):
            assert place.setdefault(number, end) == end
    used = len(edges) + int(streets.dropped["ways"].sum())
    assert used == len(lines)
