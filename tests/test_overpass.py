"""Downloads from a server with faults: one deadline, whole answers or an error, a checked cache."""

import hashlib
import logging
import time

import numpy as np
import pytest
import requests
import shapely

from shelterplan.errors import DownloadError
from shelterplan.sources import download
from shelterplan.sources.osm import read_streets
from shelterplan.sources.overpass import fetch_streets, overpass_query
from tests.osm_xml import node, osm, way
from tests.overpass_server import OUTLINE, STREETS, FaultyServer

AREA = shapely.box(7.0, 43.0, 7.01, 43.01)


@pytest.fixture
def server(monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    sleep = time.sleep

    def short(seconds):
        assert seconds < 60, "it sleeps as long as the server says"
        sleep(seconds)

    monkeypatch.setattr(download.time, "sleep", short)
    with FaultyServer() as running:
        yield running


@pytest.fixture
def fetch(server, tmp_path):
    """Fetch the streets of the test area; nothing may last longer than its deadline."""

    def run(*script, place=AREA, deadline_s=20.0, cache_dir=tmp_path, **options):
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
            assert time.monotonic() - begin < deadline_s + 1.5

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
        (["429_silent"] * 9, "busy .status 429., 4 times", 4),
        (["504"] * 9, "busy .status 504., 4 times", 4),
        (["hang_up"] * 9, "broke off, 4 times", 4),
        (["half"] * 9, "broke off, 4 times", 4),
        (["429_long"], "no time was left to try again", 1),
        (["half_gzip"] * 9, "broke off, 4 times", 4),
        (["half_chunked"] * 9, "broke off, 4 times", 4),
        (["broken_gzip"] * 9, "broke off, 4 times", 4),
        (["negative"] * 9, "broke off|damaged", None),
        (["too_short"], "cut off or damaged", 1),
        (["cut_gzip"], "cut off or damaged", 1),
        (["nothing"], "cut off or damaged", 1),
        (["no_content"], "refused the request .status 204.", 1),
        (["html_as_json"], "cut off or damaged", 1),
        (["latin"], "cut off or damaged", 1),
        (["nan"], "cut off or damaged", 1),
        (["control"], r"gave text/ \[2Jhtml in place", 1),
        (["layers"], "packed its answer as gzip, gzip", 1),
        (["deflate"], "packed its answer as deflate", 1),
        (["remark_whole"], r"did not finish: 'runtime error: out of memory \[2J'", 1),
        (["400"], "refused the request .status 400.", 1),
        (["html"], "text/html in place of JSON", 1),
        (["half_json"], "cut off or damaged", 1),
        (["deep"], "cut off or damaged", 1),
        (["remark"], "did not finish.*timed out", 1),
        (["lacking"], "without all of their nodes", 1),
        (["empty"], "knows no streets in this area", 1),
        (["odd"], "cannot be read", 1),
        (["list"], "without elements", 1),
        (["redirect_to"], "redirects to another address", 1),
        (["redirect", "redirect_to"], "redirects to another address", 2),
        (["redirect_nowhere"], "refused the request .status 302.", 1),
        (["redirect"] * 9, "redirects without end", 4),
    ],
)
def test_no_whole_answer_is_an_error_and_is_not_kept(
    fetch, server, tmp_path, script, words, requests
):
    with pytest.raises(DownloadError, match=words):
        fetch(*script)
    assert requests is None or len(server.asked) == requests
    assert cached(tmp_path) == []


@pytest.mark.parametrize(
    "wait", ["9" * 400, "3600", "-5", "1e9", "nan", "soon", "Wed, 21 Oct 2099 07:28:00 GMT"]
)
def test_no_wait_that_a_server_names_breaks_the_deadline(fetch, server, tmp_path, wait):
    server.retry_after = wait
    with pytest.raises(DownloadError, match=r"no time was left|busy .status 429., 4 times"):
        fetch(*["429_long"] * 9)
    assert cached(tmp_path) == []


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd",
        "https://127.0.0.1/api/interpreter",
        "http://127.0.0.1:22/",
        "http://localhost/",
        "http://[::1]:8501/",
        "//127.0.0.2/x",
        "http://user@127.0.0.1/",
        "http://[::1",
        "gopher://127.0.0.1/",
    ],
)
def test_no_redirect_leads_to_another_address(fetch, server, tmp_path, target):
    server.target = target
    with pytest.raises(DownloadError, match=r"redirects to another address|cannot be asked"):
        fetch("redirect_to")
    assert len(server.asked) == 1
    assert cached(tmp_path) == []


def test_no_redirect_leads_off_an_encrypted_connection():
    answer = requests.Response()
    answer.headers["location"] = "http://overpass-api.de/api/interpreter"
    with pytest.raises(DownloadError, match="redirects to another address"):
        download._next_url("https://overpass-api.de/api/interpreter", answer, "Overpass")


def test_a_byte_a_second_does_not_outlive_the_deadline(fetch, server, tmp_path):
    server.drip_s = 1.0
    with pytest.raises(DownloadError, match=r"within 0\.5 seconds"):
        fetch("trickle", deadline_s=0.5)
    assert cached(tmp_path) == []


@pytest.mark.parametrize("fault", ["silence", "trickle", "trickle_headers"])
def test_the_deadline_holds_for_the_whole_call(fetch, fault):
    begin = time.monotonic()
    with pytest.raises(DownloadError, match=r"within 0\.3 seconds"):
        fetch(fault, fault, fault, deadline_s=0.3)
    assert time.monotonic() - begin < 1.5


def test_the_deadline_holds_over_lookup_and_download(fetch):
    with pytest.raises(DownloadError, match=r"Overpass did not give .* within 1 seconds"):
        fetch("ok", "silence", place="Testville", deadline_s=1.0)


def test_a_flood_is_stopped(fetch):
    with pytest.raises(DownloadError, match="more than 1 MB"):
        fetch("flood", max_bytes=1_000_000)


def test_nobody_answers():
    with pytest.raises(DownloadError, match="Overpass could not be reached"):
        fetch_streets(
            AREA, endpoint="http://127.0.0.1:9/", use_cache=False, deadline_s=9, pause_s=0.01
        )


def test_nobody_answers_at_an_address_of_six():
    with pytest.raises(DownloadError, match="Overpass could not be reached"):
        fetch_streets(AREA, endpoint="http://[::1]:9/", use_cache=False, deadline_s=9, pause_s=0.01)


@pytest.mark.parametrize("endpoint", ["file:///etc/passwd", "http://[::1", "http://", "x"])
def test_an_address_that_is_none(endpoint):
    with pytest.raises(DownloadError, match=r"cannot be asked|could not be reached"):
        fetch_streets(AREA, endpoint=endpoint, use_cache=False, deadline_s=9, pause_s=0.01)


def changed(number, **values):
    """Return the answer with another element, and one that is left out where a value is None."""
    return {
        **STREETS,
        "elements": [
            {**one, **values} if one["id"] == number else one for one in STREETS["elements"]
        ],
    }


@pytest.mark.parametrize(
    "answer",
    [
        changed(4, id=4.7),
        changed(4, id="4"),
        changed(1, id=True),
        changed(4, id=10**30),
        changed(4, lat="43.001"),
        changed(4, lat=True),
        changed(4, lat=None),
        changed(4, lat=[43]),
        changed(4, tags=["barrier"]),
        changed(10, nodes=None),
        changed(10, nodes=[1, 2.5]),
        changed(10, nodes=[1, [2]]),
        changed(10, nodes={"1": 2}),
        changed(10, tags={"highway": {"a": 1}}),
        changed(10, type=None, nodes=7)["elements"],
        {**STREETS, "elements": [*STREETS["elements"], 5]},
        {**STREETS, "elements": [*STREETS["elements"], None]},
        {**STREETS, "elements": {"1": 2}},
    ],
)
def test_elements_of_another_shape_are_no_answer(fetch, server, tmp_path, answer):
    server.streets = answer
    with pytest.raises(DownloadError, match=r"cannot be read|without"):
        fetch()
    assert cached(tmp_path) == []


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ([{"type": "node", "id": 4, "lat": 43.5, "lon": 7.001}], "duplicate_node"),
        (
            [{"type": "way", "id": 11, "nodes": [2, 4], "tags": {"highway": "path"}}],
            "duplicate_way",
        ),
        (changed(4, lat=9999)["elements"], "duplicate_node"),
    ],
)
def test_what_stands_twice_is_left_out_and_counted(fetch, server, more, rule):
    server.streets = {**STREETS, "elements": [*STREETS["elements"], *more]}
    streets = fetch()
    assert rule in streets.dropped["rule"].tolist()
    assert streets.edges["length_m"].between(70, 200).all()


def test_a_node_off_the_earth_costs_its_piece_and_is_counted(fetch, server):
    server.streets = changed(4, lat=9999)
    streets = fetch()
    assert "bad_position" in streets.dropped["rule"].tolist()
    assert len(streets.edges) == 1


def test_elements_that_are_no_streets_change_nothing(fetch, server):
    plain = fetch(use_cache=False)
    odd = [{"type": "relation", "id": 1, "members": []}, {"type": "count", "id": 0}]
    server.streets = {**STREETS, "elements": [*odd, *STREETS["elements"]]}
    assert fetch(use_cache=False).edges.equals(plain.edges)


def test_half_a_character_in_a_name_costs_that_character_alone(fetch, server, tmp_path):
    server.streets = changed(11, tags={"highway": "steps", "name": "Ramp\ud800e"})
    streets = fetch()
    assert "Ramp?e" in streets.edges["name"].tolist()
    streets.edges.to_parquet(tmp_path / "streets.parquet")


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


def ragged(corners):
    """Return an outline with so many corners, none of them on a line with its neighbours."""
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    reach = 0.05 + 0.001 * np.random.default_rng(1).random(corners)
    ring = np.column_stack([7 + reach * np.cos(turn), 43 + reach * np.sin(turn)]).tolist()
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def test_an_outline_with_too_many_corners_is_refused_in_time(fetch, server):
    server.places = [{"display_name": "Coast", "geojson": ragged(60_000)}]
    with pytest.raises(DownloadError, match="60,001 corners; at most 50,000"):
        fetch(place="Coast")
    assert len(server.asked) == 1


def test_the_outline_asked_for_has_few_corners(fetch, server):
    server.places = [{"display_name": "Coast", "geojson": ragged(5_000)}]
    assert len(fetch(place="Coast").edges) == 3
    assert len(server.asked[1][1]["data"][0]) < 200_000


def test_more_places_than_fit_are_refused(fetch, server):
    server.places = [{"display_name": "x" * 40_000_000}]
    with pytest.raises(DownloadError, match="Nominatim gave more than"):
        fetch(place="Testville")


def test_of_several_places_the_one_taken_is_told(fetch, server):
    server.places = [
        {"display_name": "Testville\x1b[2J, North", "geojson": OUTLINE},
        {"display_name": "Testville, South", "geojson": OUTLINE},
    ]
    told = []
    found = fetch(place="Testville", progress=lambda stage, _: told.append(stage))
    assert "downloading Testville [2J, North" in told
    assert found.place == "Testville [2J, North"


def test_an_answer_kept_by_an_earlier_version_that_took_more_is_asked_for_again(
    fetch, server, tmp_path
):
    fetch()
    (path,) = tmp_path.iterdir()
    content = path.read_bytes().partition(b"\n")[2].replace(b'"id": 4,', b'"id": 4.5,')
    path.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
    assert len(fetch().edges) == 3
    assert len(server.asked) == 2


def test_what_a_killed_download_left_in_the_cache_is_removed_and_never_read(fetch, tmp_path):
    left = tmp_path / f".{'0' * 64}.json.0123abcd.tmp"
    left.write_bytes(b"half")
    fetch()
    assert not left.exists()
    assert len(cached(tmp_path)) == 1


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
