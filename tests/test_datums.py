"""WGS 84, GCJ-02 and BD-09, there and back, and which of them a list is in."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from shelterplan import StudyArea, tables
from shelterplan.datum_check import HYPOTHESES, datum_fit, findings
from shelterplan.earth import GEODESIC
from shelterplan.errors import ShelterplanError, UnknownNameError
from shelterplan.sources.datums import (
    CHINA,
    DATUMS,
    from_wgs84,
    in_china,
    shapes_to_wgs84,
    to_wgs84,
)
from shelterplan.sources.osm import Streets
from tests.village import village

# lon, lat in WGS 84 and GCJ-02: test values of github.com/googollee/eviltransform
CITIES = {
    "Shanghai": (121.5272106, 31.1774276, 121.531541859215, 31.17530398364597),
    "Shenzhen": (113.912316, 22.543847, 113.9171764808363, 22.540796131694766),
    "Beijing": (116.377817, 39.911954, 116.38404722455657, 39.91334545536069),
}


def apart_m(lon, lat, other_lon, other_lat):
    return GEODESIC.inv(lon, lat, other_lon, other_lat)[2]


@pytest.mark.parametrize("city", CITIES)
def test_published_pairs(city):
    lon, lat, gcj_lon, gcj_lat = CITIES[city]
    moved = from_wgs84(lon, lat, "gcj02")
    assert apart_m(*moved, [gcj_lon], [gcj_lat])[0] < 1e-5
    assert apart_m(*to_wgs84(gcj_lon, gcj_lat, "gcj02"), [lon], [lat])[0] < 1e-4


def test_the_example_of_another_library():
    """Values that github.com/wandergis/coordtransform prints for 116.404 E, 39.915 N."""
    assert from_wgs84(116.404, 39.915, "gcj02") == (
        pytest.approx([116.41024449916938]),
        pytest.approx([39.91640428150164]),
    )
    bd_lon, bd_lat = 116.41036949371029, 39.92133699351021  # BD-09 of GCJ-02 116.404, 39.915
    from_baidu = to_wgs84(bd_lon, bd_lat, "bd09")
    from_amap = to_wgs84(116.404, 39.915, "gcj02")
    assert apart_m(*from_baidu, *from_amap)[0] < 1e-4


@pytest.mark.parametrize("datum", DATUMS)
def test_there_and_back_over_all_china(datum):
    west, south, east, north = CHINA
    lon, lat = np.meshgrid(
        np.linspace(west + 0.1, east - 0.1, 331), np.linspace(south + 0.1, north - 0.1, 277)
    )
    lon, lat = lon.ravel(), lat.ravel()
    back = to_wgs84(*from_wgs84(lon, lat, datum), datum)
    assert apart_m(lon, lat, *back).max() < 0.001


CHINESE_CITIES = [
    (116.39, 39.91), (121.47, 31.23), (113.26, 23.13), (114.06, 22.54), (104.07, 30.67),
    (106.55, 29.56), (108.94, 34.34), (114.30, 30.59), (87.62, 43.82), (126.53, 45.80),
]  # fmt: skip


def test_the_shift_in_cities_is_as_large_as_people_see_it():
    lon, lat = np.array(CHINESE_CITIES).T
    moved = from_wgs84(lon, lat, "gcj02")
    shift = apart_m(lon, lat, *moved)
    assert (shift > 200).all()
    assert (shift < 700).all()
    further = apart_m(*moved, *from_wgs84(lon, lat, "bd09"))
    assert (further > 500).all()
    assert (further < 1300).all()


@pytest.mark.parametrize("datum", DATUMS)
def test_outside_china_nothing_moves(datum):
    lon, lat = np.array([7.42, -71.3, 72.0, 140.0, np.nan]), np.array([43.7, -29.9, 30, 36, 30])
    assert not in_china(lon, lat).any()
    for move in (to_wgs84, from_wgs84):
        moved = move(lon, lat, datum)
        assert np.array_equal(moved[0], lon, equal_nan=True)
        assert np.array_equal(moved[1], lat)
        assert moved[0] is not lon


def test_wgs84_and_cgcs2000_are_one():
    for datum in ("wgs84", "cgcs2000"):
        assert to_wgs84(114.06, 22.54, datum) == (np.array([114.06]), np.array([22.54]))


def test_an_unknown_datum_is_named():
    for call in (
        lambda: to_wgs84(1, 2, "gcj-2"),
        lambda: from_wgs84(1, 2, "gcj-2"),
        lambda: shapes_to_wgs84(np.array([None]), "gcj-2"),
    ):
        with pytest.raises(UnknownNameError, match=r"no datum called 'gcj-2'.*bd09") as raised:
            call()
        assert isinstance(raised.value, ShelterplanError)


def test_shapes_are_moved_corner_by_corner():
    square = shapely.box(116.38, 39.90, 116.39, 39.91)
    shapes = np.array([shapely.Point(116.41024449916938, 39.91640428150164), square, None])
    moved = shapes_to_wgs84(shapes, "gcj02")
    assert moved[0].distance(shapely.Point(116.404, 39.915)) < 1e-9
    assert moved[1].area == pytest.approx(square.area, rel=0.01)
    assert moved[1].centroid.x == pytest.approx(116.385 - 0.0062, abs=2e-4)
    assert moved[2] is None
    assert shapes[1].equals(square)


@given(
    st.floats(73, 135, allow_nan=False),
    st.floats(18, 54, allow_nan=False),
    st.sampled_from(["gcj02", "bd09"]),
)
def test_one_at_a_time_is_as_all_at_once(lon, lat, datum):
    alone = from_wgs84(lon, lat, datum)
    many = from_wgs84([lon, 2.0], [lat, 3.0], datum)
    assert (alone[0][0], alone[1][0]) == (many[0][0], many[1][0])
    assert apart_m(*to_wgs84(*alone, datum), [lon], [lat])[0] < 0.001


# --- which datum the shelters of a study area are really in ---


def lonlat(x_m, y_m):
    """Return positions of a made-up town in Beijing, metres from its south-western corner."""
    return 116.35 + np.asarray(x_m) / 85_400, 39.88 + np.asarray(y_m) / 111_000


@pytest.fixture(scope="module")
def town():
    """Blocks of 60 to 180 m, a quarter of their streets missing; west and east are districts."""
    draw = np.random.default_rng(3)
    at = np.cumsum(draw.uniform(60, 180, 41))
    lines, ends = [], []
    for i in range(41):
        for j in range(41):
            for k, m in ((i + 1, j), (i, j + 1)):
                if k < 41 and m < 41 and draw.random() > 0.25:
                    lines.append(shapely.LineString([lonlat(at[i], at[j]), lonlat(at[k], at[m])]))
                    ends.append((41 * i + j, 41 * k + m))
    edges = gpd.GeoDataFrame(
        {
            "from": [one for one, _ in ends],
            "to": [other for _, other in ends],
            "length_m": [GEODESIC.geometry_length(line) for line in lines],
            "class": "residential",
            "name": None,
            "steps": False,
            "forward": True,
            "backward": True,
        },
        geometry=lines,
        crs=4326,
    )
    dropped = pd.DataFrame({"rule": [], "reason": [], "ways": [], "length_m": []})
    border = at[20]
    corners = [(0, 0, border, at[-1] + 90), (border, 0, at[-1] + 90, at[-1] + 90)]
    communities = gpd.GeoDataFrame(
        {"name": ["一", "二"], "district": ["西区", "东区"]},
        index=["w", "e"],
        geometry=[shapely.box(*lonlat(a, b), *lonlat(c, d)) for a, b, c, d in corners],
        crs=4326,
    )
    demand = gpd.GeoDataFrame(
        {"community_id": ["w", "e"], "population": [10, 10]},
        index=["a", "b"],
        geometry=communities.representative_point().to_numpy(),
        crs=4326,
    )
    area = StudyArea.build(
        name="town",
        title="Town",
        streets=Streets(edges=edges, dropped=dropped, kept_ways=len(edges), date=""),
        communities=communities,
        demand=demand,
        shelters=listed(*lonlat([500.0], [500.0])),
    )
    return area, at


def listed(lon, lat, **columns):
    """Return a checked table of shelters at these positions."""
    table = gpd.GeoDataFrame(
        {"name": [f"S{i}" for i in range(len(lon))], **columns},
        index=[f"s{i}" for i in range(len(lon))],
        geometry=gpd.points_from_xy(lon, lat),
        crs=4326,
    )
    return tables.checked("shelters", table)


def beside_streets(at, count, seed, *, within_m=20.0):
    """Return positions 3 to `within_m` metres from the middle of blocks' sides."""
    draw = np.random.default_rng(seed)
    i = draw.integers(4, 37, count)
    along = draw.uniform(at[4], at[36], count)
    off = at[i] + draw.uniform(3, within_m, count) * draw.choice([-1, 1], count)
    east = draw.random(count) < 0.5
    return lonlat(np.where(east, off, along), np.where(east, along, off))


@pytest.mark.parametrize(
    ("stored", "best"), [("wgs84", "wgs84"), ("gcj02", "gcj02"), ("bd09", "bd09")]
)
def test_the_datum_is_found_by_the_streets(town, stored, best):
    area, at = town
    lon, lat = from_wgs84(*beside_streets(at, 300, 1, within_m=12.0), stored)
    area = replace(area, shelters=listed(lon, lat))
    before = area.shelters.copy()
    fit = datum_fit(area)
    assert fit.index.tolist() == list(HYPOTHESES)
    assert fit.index[fit["best"]].tolist() == [best]
    assert "streets" in fit["decided_by"].iloc[0]
    assert fit.loc[best, "median_street_m"] < 15
    found = list(findings(area))
    if stored == "wgs84":
        assert found == []
    else:
        (code, values), *more = found
        assert not more
        assert (code, values["datum"]) == ("datum_shifted", stored)
        assert values["offset_m"] == pytest.approx(fit.loc[best, "offset_m"])
        assert values["offset_m"] > 400
    assert area.shelters.equals(before)


def test_a_list_moved_though_it_was_right_is_found(town):
    area, at = town
    lon, lat = to_wgs84(*beside_streets(at, 300, 2, within_m=12.0), "gcj02")
    found = list(findings(replace(area, shelters=listed(lon, lat))))
    assert [code for code, _ in found] == ["datum_twice"]
    assert found[0][1]["datum"] == "wgs84"


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("count", [5, 15, 60])
def test_positions_that_have_nothing_to_do_with_streets_decide_nothing(town, count, seed):
    area, at = town
    lon, lat = lonlat(*np.random.default_rng(seed).uniform(at[0], at[-1], (2, count)))
    fit = datum_fit(replace(area, shelters=listed(lon, lat)))
    assert fit.index[fit["best"]].isin(["wgs84"]).all()


def test_few_shelters_leave_it_open(town):
    area, at = town
    lon, lat = from_wgs84(*beside_streets(at, 5, 4), "gcj02")
    found = list(findings(replace(area, shelters=listed(lon, lat))))
    assert [code for code, _ in found] == ["datum_unclear"]
    assert found[0][1]["shelters"] == 5


def test_named_districts_decide(town):
    area, at = town
    draw = np.random.default_rng(5)
    x = at[20] + draw.uniform(-600, 600, 80)
    y = draw.uniform(at[10], at[30], 80)
    district = np.where(x < at[20], "西区", "东区")
    for stored in ("wgs84", "gcj02"):
        shelters = listed(*from_wgs84(*lonlat(x, y), stored), district=district)
        fit = datum_fit(replace(area, shelters=shelters))
        assert fit.index[fit["best"]].tolist() == [stored]
        assert fit["decided_by"].iloc[0] == "districts"
        assert fit.loc[stored, "in_named_district"] == fit["named_district"].iloc[0] == 80


def test_places_of_the_same_name_decide(town):
    area, at = town
    lon, lat = lonlat(at[5:11], at[12:18])
    places = gpd.GeoDataFrame(
        {"name": [f"S{i}" for i in range(6)], "kind": "park"},
        index=[f"p{i}" for i in range(6)],
        geometry=gpd.points_from_xy(lon, lat),
        crs=4326,
    )
    area = replace(area, places=tables.checked("places", places))
    for stored in ("wgs84", "gcj02"):
        fit = datum_fit(replace(area, shelters=listed(*from_wgs84(lon, lat, stored))))
        assert fit.index[fit["best"]].tolist() == [stored]
        assert fit["decided_by"].iloc[0] == "names"
        assert fit.loc[stored, "near_namesake"] == fit["namesakes"].iloc[0] == 6


def test_evidence_that_contradicts_itself_decides_nothing(town):
    area, at = town
    lon, lat = beside_streets(at, 300, 1, within_m=12.0)
    right = np.where(lon < lonlat(at[20], 0)[0], "西区", "东区")
    shelters = listed(*from_wgs84(lon, lat, "gcj02"), district=right)
    assert datum_fit(replace(area, shelters=shelters))["best"].any()
    stored = np.where(shelters.geometry.x < lonlat(at[20], 0)[0], "西区", "东区")
    clipped = shelters.assign(district=stored)
    assert [code for code, _ in findings(replace(area, shelters=clipped))] == ["datum_unclear"]


def test_outlines_count_by_their_border(town):
    area, at = town
    blocks = [
        shapely.box(*lonlat(at[i] + 8, at[j] + 8), *lonlat(at[i + 1] - 8, at[j + 1] - 8))
        for i in range(6, 34, 4)
        for j in range(6, 34, 4)
    ]
    shelters = listed(np.zeros(len(blocks)), np.zeros(len(blocks))).set_geometry(blocks, crs=4326)
    fit = datum_fit(replace(area, shelters=shelters))
    assert fit.index[fit["best"]].isin(["wgs84"]).all()
    assert fit.loc["wgs84", "beside_street_share"] > 0.5
    assert fit.loc["gcj02", "beside_street_share"] < 0.5


def test_outside_china_there_is_one_answer():
    area = village()
    fit = datum_fit(area)
    assert fit.index.tolist() == ["wgs84"]
    assert fit["shelters"].tolist() == [len(area.shelters)]
    assert list(findings(area)) == []


def test_an_area_without_shelters(town):
    area, _ = town
    assert list(findings(replace(area, shelters=area.shelters.iloc[:0]))) == []
