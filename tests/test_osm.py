"""Streets read from OpenStreetMap files: topology, lengths, hostile data, damaged files."""

import bz2
import gzip
from itertools import pairwise

import networkx as nx
import numpy as np
import osmium
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from shelterplan.errors import SourceError
from shelterplan.sources import topology
from shelterplan.sources.osm import read_streets
from shelterplan.sources.streets import MAX_SEGMENT_M, WGS84
from shelterplan.sources.topology import build_streets
from shelterplan.sources.ways import Nodes, WayCollector
from tests.osm_xml import grid, node, osm, relation, way

FOOTWAY = {"highway": "footway"}


@pytest.fixture
def read(tmp_path):
    """Read the streets of a file with the given objects."""

    def write_and_read(*objects, **options):
        path = tmp_path / "streets.osm"
        path.write_text(osm(*objects, **options), encoding="utf-8")
        return read_streets(path)

    return write_and_read


def lengths(streets):
    return sorted(streets.edges["length_m"].round().astype(int).tolist())


def lost(streets):
    return dict(zip(streets.dropped["rule"], streets.dropped["ways"], strict=True))


def node_count(streets):
    return len(set(streets.edges["from"]) | set(streets.edges["to"]))


def test_ways_are_cut_where_they_meet_and_nowhere_else(read):
    streets = read(
        *grid(4), node(9, 7.001, 43.001), way(50, [1, 2, 3, 4], FOOTWAY), way(51, [2, 9], FOOTWAY)
    )
    assert len(streets.edges) == 3
    assert node_count(streets) == 4
    assert streets.kept_ways == 2
    assert len(streets.dropped) == 0
    assert sorted(shapely.get_num_points(streets.edges.geometry)) == [2, 2, 3]


def test_the_table_is_as_agreed(read):
    tags = {
        "highway": "steps",
        "name": "Rue “des” Ecoles, 漢字 = 50% & more",
        "incline": "up",
        "tunnel": "yes",
        "oneway:foot": "yes",
        "wheelchair": "no",
    }
    edges = read(*grid(2), way(50, [1, 2], tags)).edges
    assert edges.columns.tolist() == [
        *("from", "to", "length_m", "class", "name", "steps", "incline", "forward", "backward"),
        *("bridge_tunnel", "wheelchair", "osm_id", "geometry"),
    ]
    assert edges.index.name == "edge"
    assert edges.crs == "EPSG:4326"
    row = edges.loc[0]
    assert row[["class", "name", "incline", "bridge_tunnel", "wheelchair"]].tolist() == [
        "steps",
        tags["name"],
        "up",
        "tunnel",
        "no",
    ]
    assert (row["steps"], row["forward"], row["backward"]) == (True, True, False)
    assert row["osm_id"] == 50


def test_lengths_are_geodesic_and_edges_end_at_their_nodes(read):
    zigzag = [node(n, 7 + n * 0.001, 43 + (n % 2) * 0.0005) for n in range(1, 30)]
    streets = read(
        *zigzag, way(1, range(1, 30), FOOTWAY), way(2, [5, 20], FOOTWAY), way(3, [9, 25], FOOTWAY)
    )
    place = {}
    for edge in streets.edges.itertuples():
        assert edge.length_m == pytest.approx(WGS84.geometry_length(edge.geometry), abs=1e-6)
        ends = edge.geometry.coords[0], edge.geometry.coords[-1]
        for number, end in zip((edge[1], edge.to), ends, strict=True):
            assert place.setdefault(number, end) == end
    assert sorted(place) == list(range(len(place)))


def test_a_loop_and_a_way_that_meets_itself(read):
    loop = read(*grid(2), node(9, 7.0, 43.001), way(1, [1, 2, 9, 1], FOOTWAY)).edges
    assert loop[["from", "to"]].to_numpy().tolist() == [[0, 0]]
    lollipop = read(
        *grid(3), node(8, 7.003, 43.001), node(9, 7.003, 42.999), way(1, [1, 2, 8, 9, 2], FOOTWAY)
    )
    assert len(lollipop.edges) == 2
    assert (lollipop.edges["from"] == lollipop.edges["to"]).sum() == 1


def test_the_order_of_a_file_changes_nothing(read):
    nodes, ways = (
        grid(5),
        [way(1, [1, 2, 3], FOOTWAY), way(2, [2, 4], FOOTWAY), way(3, [5, 3], FOOTWAY)],
    )
    one = read(*nodes, *ways)
    other = read(*reversed(ways), *reversed(nodes))
    assert one.edges.equals(other.edges)


def test_dropped_ways_are_reported_with_their_metres(read):
    streets = read(
        *grid(4),
        way(1, [1, 2], FOOTWAY),
        way(2, [2, 3], {"highway": "motorway"}),
        way(3, [3, 4], {"highway": "motorway_link"}),
        way(4, [1, 4], {"building": "yes"}),
    )
    assert lost(streets) == {"motorway": 2}
    row = streets.dropped.iloc[0]
    assert row["length_m"] == pytest.approx(2 * 81.5, abs=0.5)
    assert "motorway" in row["reason"]


def test_only_kept_ways_make_crossings(read):
    streets = read(
        *grid(3),
        node(9, 7.001, 43.1),
        way(1, [1, 2, 3], FOOTWAY),
        way(2, [2, 9], {"highway": "no"}),
    )
    assert len(streets.edges) == 1


def test_a_private_gate_leaves_two_dead_ends(read):
    open_gate = read(node(2, 7.001, 43, barrier="gate"), *grid(3)[::2], way(1, [1, 2, 3], FOOTWAY))
    assert len(open_gate.edges) == 1
    gate = node(2, 7.001, 43, barrier="gate", access="private")
    shut = read(gate, *grid(3)[::2], way(1, [1, 2, 3], FOOTWAY))
    assert len(shut.edges) == 2
    assert node_count(shut) == 4
    ends = {xy for line in shut.edges.geometry for xy in (line.coords[0], line.coords[-1])}
    assert (7.001, 43.0) in ends


def test_a_raised_kerb_stops_a_wheelchair_where_it_is_clear_which_way_it_stands_in(read):
    kerb = node(2, 7.001, 43, barrier="kerb", kerb="raised")
    inside = read(kerb, *grid(3)[::2], way(1, [1, 2, 3], FOOTWAY)).edges
    assert inside["wheelchair"].tolist() == ["no"]
    between = read(kerb, *grid(3)[::2], way(1, [1, 2], FOOTWAY), way(2, [2, 3], FOOTWAY)).edges
    assert between["wheelchair"].tolist() == ["no", "no"]
    corner = [node(9, 7.001, 43.001), way(2, [2, 9], FOOTWAY)]
    crossing = read(kerb, *grid(3)[::2], way(1, [1, 2, 3], FOOTWAY), *corner).edges
    assert crossing["wheelchair"].isna().all()


def test_the_date_is_the_newest_stamp_of_a_way_if_the_file_has_none(read):
    streets = read(
        *grid(3),
        way(1, [1, 2], FOOTWAY, stamp="2023-02-01T00:00:00Z"),
        way(2, [2, 3], FOOTWAY, stamp="2024-05-01T10:00:00Z"),
    )
    assert streets.date == "2024-05-01T10:00:00Z"
    assert read(*grid(2), '<way id="1"><nd ref="1"/><nd ref="2"/></way>').date == ""


def test_the_date_of_the_file_comes_first(tmp_path):
    (tmp_path / "a.osm").write_text(osm(*grid(2), way(1, [1, 2], FOOTWAY)))
    header = osmium.io.Header()
    header.set("osmosis_replication_timestamp", "2025-01-01T00:00:00Z")
    with osmium.SimpleWriter(str(tmp_path / "a.osm.pbf"), header=header) as writer:
        for thing in osmium.FileProcessor(str(tmp_path / "a.osm")):
            writer.add(thing)
    assert read_streets(tmp_path / "a.osm.pbf").date == "2025-01-01T00:00:00Z"


def test_a_file_without_streets_gives_an_empty_table(read):
    streets = read(*grid(2), way(1, [1, 2], {"building": "yes"}))
    assert len(streets.edges) == 0
    assert streets.edges.crs == "EPSG:4326"
    assert streets.edges["length_m"].dtype == np.float64
    assert streets.kept_ways == 0


@pytest.mark.parametrize("bad", ["9999", "NaN", "95", "-90.5", "1e400", "", "abc"])
def test_an_impossible_latitude_costs_its_own_stretch_only(read, bad):
    streets = read(
        *grid(5)[:2], node(3, 7.002, bad), *grid(5)[3:], way(1, [1, 2, 3, 4, 5], FOOTWAY)
    )
    assert lengths(streets) == [82, 82]
    assert lost(streets) in ({"bad_position": 1}, {"long_segment": 1})


def test_a_node_without_position_costs_its_own_stretch_only(read):
    streets = read(*grid(3)[:2], '<node id="3"/>', way(1, [1, 2, 3], FOOTWAY))
    assert lengths(streets) == [82]
    assert lost(streets) == {"bad_position": 1}


def test_a_missing_node_splits_the_way_around_it(read):
    streets = read(*grid(4), way(1, [1, 2, 77, 3, 4], FOOTWAY), way(2, [78, 79], FOOTWAY))
    assert lengths(streets) == [82, 82]
    assert lost(streets) == {"missing_node": 2, "one_node": 1}


def test_a_repeated_node_at_another_place_is_not_believed(read):
    streets = read(*grid(4), node(2, 9.0, 45.0), way(1, [1, 2, 3, 4], FOOTWAY))
    assert lengths(streets) == [82]
    assert lost(streets) == {"duplicate_node": 1}


def test_a_repeated_node_at_the_same_place_does_no_harm(read):
    streets = read(*grid(3), node(2, 7.001, 43.0), way(1, [1, 2, 3], FOOTWAY))
    assert lengths(streets) == [163]
    assert len(streets.dropped) == 0


def test_a_piece_shorter_than_the_straight_line_is_left_out(read, monkeypatch):
    walked = topology.walked

    def halved(*given):
        start, length = walked(*given)
        return start, np.where(start < 2, length / 2, length)

    objects = *grid(), way(1, [1, 2], FOOTWAY), way(2, [2, 3, 4], FOOTWAY)
    assert len(read(*objects).edges) == 2
    monkeypatch.setattr(topology, "walked", halved)
    streets = read(*objects)
    assert streets.edges["osm_id"].tolist() == [2]
    assert lost(streets) == {"bad_length": 1}


def test_a_repeated_way_counts_once(read):
    streets = read(*grid(3), way(1, [1, 2], FOOTWAY), way(1, [2, 3], FOOTWAY))
    assert lengths(streets) == [82]
    assert lost(streets) == {"duplicate_way": 1}


def test_an_absurd_segment_is_refused(read):
    streets = read(*grid(3), node(9, 8.0, 44.0), way(1, [1, 2, 9, 3], FOOTWAY))
    assert lengths(streets) == [82]
    row = streets.dropped.set_index("rule").loc["long_segment"]
    assert row["ways"] == 1
    assert row["length_m"] > 2 * MAX_SEGMENT_M


def test_ways_of_one_node_are_counted(read):
    streets = read(
        *grid(2),
        way(1, [1, 2], FOOTWAY),
        way(2, [1], FOOTWAY),
        way(3, [2, 2], FOOTWAY),
        way(4, [], FOOTWAY),
    )
    assert len(streets.edges) == 1
    assert lost(streets) == {"one_node": 3}


def test_two_nodes_at_one_place_on_a_way_become_one(read):
    twin = node(9, 7.001, 43.0)
    streets = read(
        *grid(3),
        twin,
        node(8, 7.001, 43.001),
        way(1, [1, 2, 9, 3], FOOTWAY),
        way(2, [9, 8], FOOTWAY),
    )
    assert (streets.edges["length_m"] > 0).all()
    assert len(streets.edges) == 3
    assert node_count(streets) == 4


def test_negative_ids_of_an_editor_are_read(read):
    streets = read(
        node(-1, 7, 43), node(-2, 7.001, 43), node(-3, 7.002, 43), way(-9, [-1, -2, -3], FOOTWAY)
    )
    assert lengths(streets) == [163]


def test_every_format_gives_the_same_streets(tmp_path):
    text = osm(*grid(4), way(1, [1, 2, 3], FOOTWAY), way(2, [4, 2], {"highway": "steps"}))
    plain = tmp_path / "a.osm"
    plain.write_text(text)
    (tmp_path / "a.osm.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "a.osm.bz2").write_bytes(bz2.compress(text.encode()))
    with osmium.SimpleWriter(str(tmp_path / "a.osm.pbf")) as writer:
        for thing in osmium.FileProcessor(str(plain)):
            writer.add(thing)
    expected = read_streets(plain)
    for name in ("a.osm.gz", "a.osm.bz2", "a.osm.pbf"):
        assert read_streets(tmp_path / name).edges.equals(expected.edges)
        odd = tmp_path / "noname"
        odd.write_bytes((tmp_path / name).read_bytes())
        assert read_streets(odd).edges.equals(expected.edges)


def test_an_impossible_latitude_in_a_packed_file(tmp_path):
    text = osm(*grid(2), node(3, 7.002, 9999), way(1, [1, 2, 3], FOOTWAY))
    (tmp_path / "a.osm.gz").write_bytes(gzip.compress(text.encode()))
    assert lengths(read_streets(tmp_path / "a.osm.gz")) == [82]


def entity_bomb():
    return '<?xml version="1.0"?><!DOCTYPE osm [<!ENTITY a "aaaa">]><osm version="0.6"></osm>'


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.osm", b"", "is empty"),
        ("text.osm", b"hello", "no OpenStreetMap file"),
        ("page.osm", b"<html><body>error</body></html>", "no OpenStreetMap file"),
        ("cut.osm", osm(*grid(4)).encode()[:200], "cut off or damaged"),
        ("entity.osm", entity_bomb().encode(), "document type"),
        ("entity.osm.gz", gzip.compress(entity_bomb().encode(), mtime=0), "document type"),
        ("wide.osm", entity_bomb().encode("utf-16"), "no OpenStreetMap file"),
        ("cut.osm.gz", gzip.compress(osm(*grid(99)).encode(), mtime=0)[:120], "cut off or damaged"),
        (
            "bomb.osm.gz",
            gzip.compress(b"<osm>" + b" " * (80 << 20), mtime=0),
            "unpacks to more than",
        ),
        ("text.osm.gz", gzip.compress(b"hello", mtime=0), "no OpenStreetMap file"),
        ("cut.osm.pbf", b"\0\0\0\x0d\x0a\x09OSMHeader\x18\x7f", "cut off or damaged"),
    ],
)
def test_a_bad_file_gives_a_sentence(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=words) as caught:
        read_streets(tmp_path / name)
    assert str(tmp_path) not in str(caught.value)


def test_a_cut_off_pbf_gives_a_sentence(tmp_path):
    rng = np.random.default_rng(1)
    nodes = [node(n, *rng.uniform(0, 1, 2)) for n in range(1, 20000)]
    (tmp_path / "a.osm").write_text(osm(*nodes, way(1, range(1, 999), FOOTWAY)))
    with osmium.SimpleWriter(str(tmp_path / "a.osm.pbf")) as writer:
        for thing in osmium.FileProcessor(str(tmp_path / "a.osm")):
            writer.add(thing)
    whole = (tmp_path / "a.osm.pbf").read_bytes()
    (tmp_path / "b.osm.pbf").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match="cut off or damaged"):
        read_streets(tmp_path / "b.osm.pbf")


@pytest.mark.parametrize("packing", ["none", "zlib"])
def test_a_zero_byte_in_a_text_does_not_end_the_program(tmp_path, packing):
    (tmp_path / "a.osm").write_text(osm(*grid(2), way(1, [1, 2], {**FOOTWAY, "name": "Zehnzehn"})))
    target = osmium.io.File(str(tmp_path / "a.osm.pbf"), f"pbf,pbf_compression={packing}")
    with osmium.SimpleWriter(target) as writer:
        for thing in osmium.FileProcessor(str(tmp_path / "a.osm")):
            writer.add(thing)
    assert len(read_streets(tmp_path / "a.osm.pbf").edges) == 1
    content = (tmp_path / "a.osm.pbf").read_bytes()
    if packing == "none":
        (tmp_path / "a.osm.pbf").write_bytes(content.replace(b"Zehnzehn", b"Zehn\0ehn"))
        with pytest.raises(SourceError, match="zero byte"):
            read_streets(tmp_path / "a.osm.pbf")
    else:
        (tmp_path / "a.osm.pbf").write_bytes(content[:-40] + bytes(20) + content[-20:])
        with pytest.raises(SourceError, match="cut off or damaged"):
            read_streets(tmp_path / "a.osm.pbf")


def test_a_missing_file_gives_a_sentence(tmp_path):
    with pytest.raises(SourceError, match="cannot be opened"):
        read_streets(tmp_path / "nothing.osm.pbf")
    with pytest.raises(SourceError, match="cannot be opened"):
        read_streets(tmp_path)


@pytest.mark.parametrize("name", ["-", "http:", "a,b.osm"])
def test_odd_names_are_names_of_files(tmp_path, monkeypatch, name):
    (tmp_path / name).write_text(osm(*grid(2), way(1, [1, 2], FOOTWAY)))
    monkeypatch.chdir(tmp_path)
    assert len(read_streets(name).edges) == 1


def test_relations_are_passed_over(read):
    streets = read(
        *grid(2), way(1, [1, 2], FOOTWAY), relation(1, [("way", 1, "")], {"route": "hiking"})
    )
    assert len(streets.edges) == 1


def test_progress_is_told(tmp_path):
    (tmp_path / "a.osm").write_text(osm(*grid(2), way(1, [1, 2], FOOTWAY)))
    told = []
    read_streets(tmp_path / "a.osm", progress=lambda stage, share: told.append((stage, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


SIDE = 5
GRID = Nodes(
    np.arange(SIDE * SIDE),
    7 + np.arange(SIDE * SIDE) % SIDE * 0.001,
    43 + np.arange(SIDE * SIDE) // SIDE * 0.001,
)
some_ways = st.lists(
    st.lists(st.integers(0, SIDE * SIDE - 1), min_size=1, max_size=7), min_size=1, max_size=12
)


def oracle(ways):
    """Join every piece of every way one by one: slow, plain, and without any cutting."""
    graph = nx.Graph()
    for refs in ways:
        for a, b in pairwise(refs):
            if a != b:
                length = WGS84.inv(GRID.lon[a], GRID.lat[a], GRID.lon[b], GRID.lat[b])[2]
                graph.add_edge(a, b, length=length)
    return graph


@given(some_ways)
def test_distances_are_those_of_the_single_pieces(ways):
    collector = WayCollector()
    for number, refs in enumerate(ways):
        collector.add(number, refs, FOOTWAY)
    streets = build_streets(collector.ways(), GRID)
    expected = oracle(ways)
    found = nx.MultiGraph()
    osm_id = {xy: n for n, xy in enumerate(zip(GRID.lon.tolist(), GRID.lat.tolist(), strict=True))}
    name = {}
    for edge in streets.edges.itertuples():
        found.add_edge(edge[1], edge.to, length=edge.length_m)
        name[edge[1]] = osm_id[edge.geometry.coords[0]]
        name[edge.to] = osm_id[edge.geometry.coords[-1]]
    assert sorted(found.nodes) == list(range(len(found)))
    assert len(set(name.values())) == len(name)
    assert nx.number_connected_components(found) == nx.number_connected_components(expected)
    theirs = dict(nx.all_pairs_dijkstra_path_length(expected, weight="length"))
    for start, reached in nx.all_pairs_dijkstra_path_length(found, weight="length"):
        for end, distance_m in reached.items():
            assert distance_m == pytest.approx(theirs[name[start]][name[end]], abs=1e-6)


@given(some_ways, st.sets(st.integers(0, SIDE * SIDE - 1), max_size=5))
def test_nobody_gets_past_a_node_that_cuts(ways, cuts):
    collector = WayCollector()
    for number, refs in enumerate(ways):
        collector.add(number, refs, FOOTWAY)
    nodes = Nodes(GRID.osm_id, GRID.lon, GRID.lat, frozenset(cuts))
    edges = build_streets(collector.ways(), nodes).edges
    whole = build_streets(collector.ways(), GRID).edges
    assert edges["length_m"].sum() == pytest.approx(whole["length_m"].sum(), abs=1e-6)
    shut = {(GRID.lon[n], GRID.lat[n]) for n in cuts}
    ends = np.bincount(np.concatenate([edges["from"], edges["to"]]))
    for edge in edges.itertuples():
        assert not shut & set(edge.geometry.coords[1:-1])
        for number, end in (
            (edge[1], edge.geometry.coords[0]),
            (edge.to, edge.geometry.coords[-1]),
        ):
            assert end not in shut or ends[number] == 1
