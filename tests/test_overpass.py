"""Downloads from a server with faults: one deadline, whole answers or an error, a checked cache."""

import logging
import time

import pytest
import shapely

from shelterplan.errors import DownloadError
from shelterplan.sources.osm import read_streets
from shelterplan.sources.overpass import fetch_streets, overpass_query
from tests.osm_xml import node, osm, way
from tests.overpass_server import OUTLINE, STREETS, FaultyServer

AREA = shapely.box(7.0, 43.0, 7.01, 43.01)


@pytest.fixture
def server(monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    with FaultyServer() as running:
        yield running


@pytest.fixture
def fetch(server, tmp_path):
    """Fetch the streets of the test area; nothing may last longer than its deadline."""

    def run(*script, place=AREA, deadline_s=1.0, cache_dir=tmp_path, **options):
        server.script[:] = script
        begin = time.monotonic()
        try:
            return fetch_streets(
                place,
                endpoint=server.endpoint,
                geocoder=server.geocoder,
                cache_dir=cache_dir,
                deadline_s=deadline_s,
                pause_s=0.01,
                **options,
            )
        finally:
            assert time.monotonic() - begin < deadline_s + 0.5

    return run


def cached(folder):
    return sorted(path.name for path in folder.iterdir())


def test_streets_of_an_area_are_those_of_a_file(fetch, server, tmp_path):
    streets = fetch()
    nodes = [node(1, 7, 43), node(2, 7.001, 43), node(3, 7.002, 43), node(4, 7.001, 43.001)]
    ways = [
        way(thing["id"], thing["nodes"], thing["tags"])
        for thing in STREETS["elements"]
        if thing["type"] == "way"
    ]
    (tmp_path / "a.osm").write_text(osm(*nodes, *ways))
    from_file = read_streets(tmp_path / "a.osm")
    assert streets.edges.equals(from_file.edges)
    assert streets.dropped.equals(from_file.dropped)
    assert streets.date == "2025-06-01T00:00:00Z"
    assert len(server.asked) == 1
    assert all(agent.startswith("shelterplan/") for agent in server.agents)


def test_a_place_is_looked_up_and_its_outline_used(fetch, server):
    assert len(fetch(place="Testville").edges) == 3
    (lookup, question), (_, query) = server.asked
    assert lookup == "/search"
    assert question["q"] == ["Testville"]
    assert "poly:" in query["data"][0]


@pytest.mark.parametrize("script", [["gzip"], ["chunked"], ["redirect"], ["redirect", "gzip"]])
def test_ways_of_sending_a_whole_answer(fetch, script):
    assert len(fetch(*script).edges) == 3


@pytest.mark.parametrize("fault", ["429", "504", "hang_up", "half"])
def test_a_passing_fault_is_tried_again(fetch, server, fault):
    assert len(fetch(fault, fault).edges) == 3
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("script", "words", "requests"),
    [
        (["504"] * 9, "busy .status 504., 4 times", 4),
        (["hang_up"] * 9, "broke off, 4 times", 4),
        (["half"] * 9, "broke off, 4 times", 4),
        (["429_long"], "no time was left to try again", 1),
        (["400"], "refused the request .status 400.", 1),
        (["html"], "text/html in place of JSON", 1),
        (["half_json"], "cut off or damaged", 1),
        (["deep"], "cut off or damaged", 1),
        (["remark"], "did not finish.*timed out", 1),
        (["lacking"], "without all of their nodes", 1),
        (["empty"], "knows no streets in this area", 1),
        (["odd"], "cannot be read", 1),
        (["list"], "without elements", 1),
        (["redirect_away"], "redirects to another address", 1),
        (["redirect"] * 9, "redirects without end", 4),
    ],
)
def test_no_whole_answer_is_an_error_and_is_not_kept(
    fetch, server, tmp_path, script, words, requests
):
    with pytest.raises(DownloadError, match=words):
        fetch(*script)
    assert len(server.asked) == requests
    assert cached(tmp_path) == []


@pytest.mark.parametrize("fault", ["silence", "trickle", "trickle_headers"])
def test_the_deadline_holds_for_the_whole_call(fetch, fault):
    begin = time.monotonic()
    with pytest.raises(DownloadError, match=r"within 0\.3 seconds"):
        fetch(fault, fault, fault, deadline_s=0.3)
    assert time.monotonic() - begin < 0.6


def test_the_deadline_holds_over_lookup_and_download(fetch):
    with pytest.raises(DownloadError, match=r"Overpass did not give .* within 0\.3 seconds"):
        fetch("ok", "silence", place="Testville", deadline_s=0.3)


def test_a_flood_is_stopped(fetch):
    with pytest.raises(DownloadError, match="more than 1 MB"):
        fetch("flood", max_bytes=1_000_000)


def test_nobody_answers():
    with pytest.raises(DownloadError, match="Overpass could not be reached"):
        fetch_streets(
            AREA, endpoint="http://127.0.0.1:9/", use_cache=False, deadline_s=0.5, pause_s=0.01
        )


def test_an_address_that_is_none():
    with pytest.raises(DownloadError, match="cannot be asked"):
        fetch_streets(AREA, endpoint="file:///etc/passwd", use_cache=False, deadline_s=0.5)


def test_an_answer_is_kept_and_used_again(fetch, server, tmp_path):
    first = fetch()
    assert len(cached(tmp_path)) == 1
    again = fetch("504", "504", "504", "504")
    assert again.edges.equals(first.edges)
    assert len(server.asked) == 1


def test_without_cache_nothing_is_kept(fetch, server, tmp_path):
    fetch(use_cache=False)
    fetch(use_cache=False)
    assert len(server.asked) == 2
    assert cached(tmp_path) == []


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-30], lambda b: b.replace(b"43.0", b"44.0"), lambda _: b""]
)
def test_a_damaged_cache_file_is_thrown_out_and_said(fetch, server, tmp_path, caplog, damage):
    first = fetch()
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    with caplog.at_level(logging.WARNING, "shelterplan"):
        again = fetch()
    assert again.edges.equals(first.edges)
    assert len(server.asked) == 2
    assert "damaged" in caplog.text
    fetch()
    assert len(server.asked) == 2


def test_a_cache_that_cannot_be_written_costs_nothing_but_a_word(fetch, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING, "shelterplan"):
        assert len(fetch(cache_dir=tmp_path / "file").edges) == 3
    assert "could not be kept" in caplog.text


PLACE_FAULTS = [
    ([], "knows no place called 'Testville'"),
    ([{"geojson": {"type": "Point", "coordinates": [7, 43]}}], "without an outline"),
    ([{"display_name": "no shape"}], "without an outline"),
    ([{"geojson": {"type": "Polygon", "coordinates": [[[7, 43], ["x"]]]}}], "outline .* damaged"),
    ([{"geojson": {"type": "Polygon", "coordinates": []}}], "empty, damaged"),
    ({"error": "no"}, "no list of places"),
    (
        [{"geojson": {**OUTLINE, "coordinates": [[[0, 0], [9, 0], [9, 9], [0, 9]]]}}],
        "at most 10,000",
    ),
    (
        [{"geojson": {**OUTLINE, "coordinates": [[[0, 0], [999, 0], [9, 9], [0, 9]]]}}],
        "not in long",
    ),
]


@pytest.mark.parametrize(("places", "words"), PLACE_FAULTS)
def test_a_place_that_cannot_be_used_gives_a_sentence(fetch, server, places, words):
    server.places = places
    with pytest.raises(DownloadError, match=words):
        fetch(place="Testville")
    assert len(server.asked) == 1


def test_the_query_asks_for_every_part_of_an_area():
    islands = shapely.MultiPolygon([AREA, shapely.box(8, 43, 8.01, 43.01)])
    query = overpass_query(islands, timeout_s=25)
    assert query.startswith("[out:json][timeout:25];")
    assert query.count("poly:") == 2 * 3
    assert query.endswith("(._;>;);out body;")


def test_progress_is_told(fetch):
    told = []
    fetch(progress=lambda stage, share: told.append((stage, share)))
    assert [share for _, share in told] == sorted(share for _, share in told)
    assert told[-1][1] == 1.0
