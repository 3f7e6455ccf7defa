"""What is packed for the resident map, read back by a reader of its own."""

import dataclasses
import gzip
import json
import struct

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from shelterplan import AccessStandard, Scenario, StudyArea
from shelterplan.situation import situation
from shelterplan.views.resident import pack
from shelterplan.views.resident.numbers import gaps, signed, varints
from shelterplan.views.resident.plane import UNITS, ResidentMapError, plane_of
from shelterplan.views.resident.rings import ring_sections
from shelterplan.views.script_json import script_json
from tests import village

STANDARD = AccessStandard()


def read(packed):
    """Return the table and the sections of a pack."""
    raw = gzip.decompress(packed.blob)
    assert raw[:4] == b"SPRM"
    size = struct.unpack("<I", raw[4:8])[0]
    table = json.loads(raw[8 : 8 + size])
    part, at = {}, 8 + size
    for name, count in table["sections"]:
        part[name] = raw[at : at + count]
        at += count
    assert at == len(raw)
    return table, part


def numbers(part, *, sign=False, add=False):
    """Return the numbers of a section, one byte after the other."""
    found, value, shift = [], 0, 0
    for byte in part:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            found.append((value >> 1) ^ -(value & 1) if sign else value)
            value, shift = 0, 0
    return np.cumsum(found).tolist() if add else found


def lines(table, part):
    """Return the lines of the streets in degrees, and their lengths in millimetres."""
    u = numbers(part["u"], sign=True, add=True)
    v = [a + b for a, b in zip(u, numbers(part["v"], sign=True), strict=True)]
    steps = iter(zip(*(numbers(part[axis], sign=True) for axis in "xy"), strict=True))
    odd = set(numbers(part["odd_ends"], add=True))
    known, at, found = {}, np.zeros(2, np.int64), []
    for edge, inner in enumerate(numbers(part["inner"])):
        points = []
        for place in range(inner + 2):
            end = {0: 2 * edge, inner + 1: 2 * edge + 1}.get(place)
            node = None if end is None else (v if end % 2 else u)[edge]
            if node in known and end not in odd:
                at = known[node]
            else:
                at = at + next(steps)
                if node is not None:
                    known.setdefault(node, at)
            points.append(at)
        found.append((np.array(points) + table["plane"]["origin"]) / UNITS)
    assert next(steps, None) is None
    return u, v, found


def flooded():
    return gpd.GeoDataFrame(
        {"hazard": "flood", "level": [2, 3], "source": "test"},
        geometry=[village.box(100, -50, 300, 50), village.box(150, -50, 250, 50)],
        crs="EPSG:4326",
        index=["wide", "deep"],
    )


@given(st.lists(st.integers(0, 2**62)))
def test_numbers_come_back(given_numbers):
    assert numbers(varints(np.array(given_numbers, np.uint64))) == given_numbers


@given(st.lists(st.integers(-(2**60), 2**60)))
def test_signed_numbers_and_gaps_come_back(given_numbers):
    assert numbers(signed(np.array(given_numbers, np.int64)), sign=True) == given_numbers
    ascending = sorted(abs(number) for number in given_numbers)
    assert numbers(gaps(np.array(ascending, np.int64)), add=True) == ascending


@settings(max_examples=12)
@given(lon=st.floats(-179, 179), lat=st.floats(-78, 78), size=st.floats(0.001, 1.0))
def test_the_plane_is_that_of_the_projection(lon, lat, size):
    zone = min(int((lon + 180) // 6) + 1, 60)
    crs = pyproj.CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)
    bounds = np.array([lon, lat, lon + size, lat + size])
    plane = plane_of(crs, bounds, 0.05)
    rng = np.random.default_rng(1)
    place = rng.uniform(bounds[:2] - 0.04, bounds[2:] + 0.04, (50, 2))
    s, t = ((place * UNITS - plane.origin) / plane.size * 2 - 1).T
    degree = plane.facts["degree"]
    power = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
    terms = np.column_stack([s**i * t**j for i, j in power])
    true = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    x, y = true.transform((place[:, 0] + 180) % 360 - 180, place[:, 1])
    assert np.abs(terms @ plane.facts["x"] - x).max() < 1e-5
    assert np.abs(terms @ plane.facts["y"] - y).max() < 1e-5
    middle_x, half_x, middle_y, half_y = plane.facts["metric"]
    a, b = (x - middle_x) / half_x, (y - middle_y) / half_y
    terms = np.column_stack([a**i * b**j for i, j in power])
    assert np.abs(terms @ plane.facts["lon"] + plane.origin[0] - place[:, 0] * UNITS).max() < 0.01
    assert np.abs(terms @ plane.facts["lat"] + plane.origin[1] - place[:, 1] * UNITS).max() < 0.01


def test_half_a_continent_is_refused():
    with pytest.raises(ResidentMapError, match="too large"):
        plane_of(pyproj.CRS.from_epsg(32632), np.array([-60.0, -60.0, 70.0, 70.0]), 0.05)


@pytest.mark.parametrize("name", ["monaco", "coquimbo"])
def test_every_street_comes_back_with_its_curve_and_its_length(name):
    area = StudyArea.open(name)
    packed = pack(area, {"any day": Scenario()}, STANDARD)
    table, part = read(packed)
    u, v, found = lines(table, part)
    streets, network = area.streets, area.network()
    assert u == streets["from"].tolist()
    assert v == streets["to"].tolist()
    points = shapely.get_coordinates(np.asarray(streets.geometry.array))
    assert np.abs(np.concatenate(found) - points).max() < 1e-12
    # the page adds up the curve in whole units, and the rest of each length is written: here none
    assert numbers(part["mm"], sign=True) == [0] * len(network.edge_mm)
    told = [table["kinds"][number][:2] for number in part["kind"]]
    assert told == [list(k) for k in zip(streets["class"], streets["steps"], strict=True)]
    names = ["", *table["names"]]
    assert [names[i] for i in numbers(part["name"])] == streets["name"].fillna("").tolist()
    assert len(packed.blob) < 300_000


def test_lengths_that_do_not_follow_from_the_curve_are_written():
    whole = village.streets()
    longer = dataclasses.replace(
        whole, edges=whole.edges.assign(length_m=whole.edges["length_m"] + 12.5)
    )
    area = village.village(streets=longer)
    _, part = read(pack(area, {"": Scenario()}, STANDARD))
    rest = np.array(numbers(part["mm"], sign=True))
    assert np.abs(rest - 12_500).max() <= 11  # the village's corners lie between the units


def test_the_open_streets_are_those_of_the_situation():
    area = village.village(hazards=flooded())
    scenarios = {
        "dry": Scenario(),
        "wet": Scenario.of(hazard="flood"),
        "deep": Scenario.of(hazard="flood", hazard_level=3, walker="pushchair"),
        "warned": Scenario.of(hazard="flood", phase="before", closed_streets=(4,)),
    }
    table, part = read(pack(area, scenarios, STANDARD))
    mm = area.network().edge_mm
    assert [scene["zones"] for scene in table["scenes"]] == [[], [0, 1], [1], [0, 1]]
    assert [scene["ground"] for scene in table["scenes"]] == [[], [0, 1], [1], []]
    assert table["zones"] == [2, 3]
    assert numbers(part["s0_gone"]) == []
    # of the street from 0 to 400 m, what lies beside 100 to 300 m (wet) or 150 to 250 m (deep)
    for number, (low, high) in {1: (100, 300), 2: (150, 250)}.items():
        assert numbers(part[f"s{number}_gone"], add=True) == [0]
        assert numbers(part[f"s{number}_piece"], add=True) == [0, 0]
        start = np.array(numbers(part[f"s{number}_piece_start"]))
        stop = start + numbers(part[f"s{number}_piece_mm"])
        assert np.abs(start - [0, high * 1000]).max() < 200
        assert np.abs(stop - [low * 1000, mm[0]]).max() < 200
        here = situation(area, list(scenarios.values())[number])
        of_edge = here.opened.parent == 0
        assert start.tolist() == here.opened.start_mm[of_edge].tolist()
        assert stop.tolist() == here.opened.stop_mm[of_edge].tolist()
    assert numbers(part["s3_gone"], add=True) == [4]
    assert table["scenes"][2]["walks"] == 1
    assert numbers(part["w1_barred"], add=True) == [3]  # the stair


def test_shelters_are_told_with_their_reasons():
    area = village.village(hazards=flooded())
    scenarios = {"dry": Scenario(), "chair": Scenario.of(hazard="flood", walker="wheelchair")}
    packed = pack(area, scenarios, STANDARD)
    table, part = read(packed)
    school, park = table["shelters"]
    assert (school["id"], school["name"], school["capacity"]) == ("school", "Mill School", 200.0)
    assert (park["capacity"], park["capacity_from"]) == (None, "unknown")
    assert school["reason"] == ["", ""]
    assert school["fitness"] == ["yes", "unknown"]
    owner = numbers(part["door_shelter"])
    assert owner == area.shelters.index.get_indexer(area.entrances["shelter_id"]).tolist()
    assert [scene["walker"] for scene in packed.head["scenarios"]] == ["adult", "wheelchair"]
    assert packed.head["scenarios"][0]["limit"] == 500_000


def test_a_time_becomes_a_limit_in_the_unit_of_the_search():
    standard = AccessStandard(max_time_s=600)
    scenarios = {"all": Scenario(delay_s=100), "stairs": Scenario.of(walker="assisted")}
    told = pack(village.village(), scenarios, standard).head["scenarios"]
    assert (told[0]["by"], told[0]["limit"]) == ("m", 635_000)  # 500 s at 1.27 m/s
    assert (told[1]["by"], told[1]["limit"]) == ("s", 600_000)


def test_slopes_are_kept():
    area = village.village()
    factor = [1.0, 1.25, np.nan, 3.0, 0.84, 1.0]
    sloped = area.streets.assign(tobler_forward=factor, tobler_backward=factor[::-1])
    area = dataclasses.replace(area, streets=sloped, _digests={}, _snapped={}, _networks={})
    packed = pack(area, {"": Scenario()}, STANDARD)
    _, part = read(packed)
    assert numbers(part["tobler_forward"]) == [100_000, 125_000, 100_000, 300_000, 84_000, 100_000]
    assert packed.head["scenarios"][0]["slope"] == "tobler"
    assert not packed.head["scenarios"][0]["open_uniform"]


def test_rings_go_round_holes_too():
    shape = shapely.box(0, 0, 10, 10).difference(shapely.box(2, 2, 4, 4.25))
    parts = ring_sections([shape, shapely.Point(3, 3).buffer(1, 1)], "z")
    assert numbers(parts["z_shape"]) == [2, 1]
    assert numbers(parts["z_ring"]) == [4, 4, 4]
    x, y = (numbers(parts[f"z_{axis}"], sign=True, add=True) for axis in "xy")
    assert {*zip(x[:4], y[:4], strict=True)} == {(0, 0), (0, 1000), (1000, 0), (1000, 1000)}
    assert {*zip(x[4:8], y[4:8], strict=True)} == {(200, 200), (200, 425), (400, 200), (400, 425)}


def test_no_zone_at_all_is_packed():
    parts = ring_sections([], "z")
    assert [*parts.values()] == [b"", b"", b"", b""]


def test_the_head_can_stand_in_a_script():
    area = dataclasses.replace(village.village(), title="{{7*7}}</script>", notes=("`${x}`",))
    head = pack(area, {"</script>": Scenario()}, STANDARD).head
    told = script_json(head)
    assert "</" not in told
    assert "{{" not in told
    assert json.loads(told) == head


def test_odd_names_and_no_names_are_packed():
    odd = village.streets()
    odd = dataclasses.replace(
        odd, edges=odd.edges.assign(name=[None, "", "\U0001f600", "é\n", "</", "名"])
    )
    nameless = village.shelters([("a", "\u202e", None, village.point(600, 90))])
    table, part = read(
        pack(village.village(streets=odd, shelters=nameless), {"": Scenario()}, STANDARD)
    )
    names = ["", *table["names"]]
    assert [names[i] for i in numbers(part["name"])][2:] == ["\U0001f600", "é\n", "</", "名"]


def test_one_street_without_a_shelter_is_packed():
    one = village.streets([(0, 1, [(0, 0), (1000, 0)], None, "path")])
    nothing = village.shelters().iloc[:0]
    area = village.village(streets=one, shelters=nothing)
    table, part = read(pack(area, {"": Scenario()}, STANDARD))
    assert table["shelters"] == []
    assert part["s0_doors"] == b""


def test_the_same_area_gives_the_same_bytes():
    area = village.village()
    first, second = (pack(area, {"": Scenario()}, STANDARD) for _ in range(2))
    assert first.blob == second.blob
    assert first.head == second.head


def test_a_map_without_a_scenario_is_refused():
    with pytest.raises(ResidentMapError, match="at least one scenario"):
        pack(village.village(), {}, STANDARD)


def test_names_can_be_searched_for():
    table, _ = read(pack(village.village(), {"": Scenario()}, STANDARD))
    places = table["places"]
    told = pd.DataFrame(
        {"label": places["label"], "kind": [places["kinds"][i] for i in places["kind"]]}
    )
    assert told.groupby("kind")["label"].apply(set).to_dict() == {
        "street": {"High Street", "Mill Lane", "Island Path"},
        "shelter": {"Mill School", "Long Park"},
        "community": {"West End", "East End", "Île Dévote"},
        "district": {"Town", "Sea"},
    }
