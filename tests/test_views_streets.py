"""The packed streets hold the true lines, classes and names."""

from __future__ import annotations

import struct

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from shelterplan.views.street_pack import CLASSES, VERSION, pack_name, pack_streets


def streets(lines, *, kinds=None, names=None, steps=None):
    count = len(lines)
    return gpd.GeoDataFrame(
        {
            "class": kinds or ["residential"] * count,
            "name": names or ["Rue"] * count,
            "steps": steps or [False] * count,
            "length_m": [100.0] * count,
        },
        geometry=lines,
        crs="EPSG:4326",
    )


def unpack(pack):
    """Read a pack as the browser does."""
    magic, version, _, points, lines, labels, names = struct.unpack_from("<4sHHIIII", pack)
    x0, y0, step_x, step_y = struct.unpack_from("<4d", pack, 24)
    at = 56

    def take(kind, count):
        nonlocal at
        array = np.frombuffer(pack, kind, count, at)
        at += (array.nbytes + 3) & ~3
        return array

    x, y = x0 + take("<u2", points) * step_x, y0 + take("<u2", points) * step_y
    first, name = take("<u4", lines + 1), take("<u4", labels)
    take("<u2", labels), take("<u2", labels)
    length, angle, kind = take("<u2", labels), take("<i2", labels), take("u1", lines)
    lat = np.degrees(2 * np.arctan(np.exp(np.pi * (1 - 2 * y))) - np.pi / 2)
    text = pack[at : at + names].decode().split("\n")
    assert at + names == len(pack)
    return {
        "magic": magic,
        "version": version,
        "lon": x * 360 - 180,
        "lat": lat,
        "first": first,
        "name": [text[i] for i in name],
        "length": length,
        "angle": angle,
        "kind": kind,
    }


coordinate = st.tuples(st.floats(-71.5, -71.2), st.floats(-30.1, -29.8))


@given(st.lists(st.lists(coordinate, min_size=2, max_size=6), min_size=1, max_size=8))
def test_every_bend_is_kept_to_less_than_a_metre(shapes):
    lines = [shapely.LineString(shape) for shape in shapes]
    got = unpack(pack_streets(streets(lines)))
    wanted = shapely.get_coordinates(lines)
    assert np.diff(got["first"]).tolist() == [len(shape) for shape in shapes]
    metres = np.hypot(
        (got["lon"] - wanted[:, 0]) * 111_320 * np.cos(np.radians(wanted[:, 1])),
        (got["lat"] - wanted[:, 1]) * 111_320,
    )
    assert metres.max() < 1.0


def test_header_classes_and_names():
    line = shapely.LineString([(7.0, 43.0), (7.001, 43.0)])
    got = unpack(
        pack_streets(
            streets(
                [line] * 5,
                kinds=["steps", "footway", "residential", "primary", "primary_link"],
                names=["Escalier", None, "民田路", "Boulevard\nLong", ""],
                steps=[True, False, False, False, False],
            )
        )
    )
    assert (got["magic"], got["version"]) == (b"SPST", VERSION)
    assert [CLASSES[i] for i in got["kind"]] == ["steps", "path", "street", "main", "main"]
    assert got["name"] == ["Escalier", "民田路", "Boulevard Long"]
    assert got["angle"].tolist() == [0, 0, 0]


def test_a_name_reads_from_left_to_right():
    line = shapely.LineString([(7.001, 43.0), (7.0, 43.0005)])
    angle = unpack(pack_streets(streets([line])))["angle"][0]
    assert -9000 <= angle <= 9000


def test_streets_without_names_are_drawn():
    line = shapely.LineString([(7.0, 43.0), (7.001, 43.0)])
    assert unpack(pack_streets(streets([line], names=[None])))["name"] == []


def test_the_name_of_the_file_is_made_from_its_content():
    line = shapely.LineString([(7.0, 43.0), (7.001, 43.0)])
    one, two = pack_streets(streets([line])), pack_streets(streets([line], names=["Other"]))
    assert pack_name(one) == pack_name(pack_streets(streets([line])))
    assert pack_name(one) != pack_name(two)


def test_no_streets_is_an_error():
    with pytest.raises(ValueError, match="no streets"):
        pack_streets(streets([]))
