"""The resident map of a large city: bytes, time to pack, and a slowed-down browser that uses it."""

from __future__ import annotations

import base64
import json
import shutil
import statistics
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from shelterplan import AccessStandard, Scenario, StudyArea
from shelterplan.finder import find_shelters
from shelterplan.sources.osm import Streets
from shelterplan.views.resident import Packed, pack
from shelterplan.views.resident.engine_script import engine_script
from shelterplan.views.script_json import script_json
from tests.benchmarks.city import GEODESIC, City, build_city
from tests.benchmarks.measure import Line, once

if TYPE_CHECKING:
    from playwright.sync_api import Page

MOST_MIB = 6_000_000 / 2**20
PAGE_BYTES = 190_000
"""Leaflet, the page around the engine and its words."""
LOAD_S = 4.0
TAP_S = 0.05
SLOWER = 4
"""How many times as slow as this computer the phone is."""
_TAPS = 200
_CHECKED = 12
_BENDS = 1.6
"""Points between the ends of a street, on average: as in Monaco."""
_SIDEWAYS_M = 3.0
_SHELTERS_PER_NODE = 1 / 1600
_DROPPED = {"rule": ["ferry"], "reason": ["a ferry is no walk"], "ways": [1], "length_m": [383.4]}


def curvy(city: City) -> gpd.GeoDataFrame:
    """Return the streets of a city with as many bends as real ones, in OpenStreetMap's units."""
    rng = np.random.default_rng(11)
    count = len(city.u)
    ends = np.column_stack([city.lon, city.lat])
    first, last = ends[city.u], ends[city.v]
    bends = rng.poisson(_BENDS, count)
    edge = np.repeat(np.arange(count), bends + 2)
    start = np.cumsum(bends + 2) - (bends + 2)
    place = np.arange(len(edge)) - start[edge]
    share = place / (bends[edge] + 1)
    inner = (share > 0) & (share < 1)
    points = first[edge] * (1 - share[:, None]) + last[edge] * share[:, None]
    points[inner] += rng.normal(0, _SIDEWAYS_M / 111_000, (int(inner.sum()), 2))
    points = np.round(points, 7)
    metres = GEODESIC.inv(points[:-1, 0], points[:-1, 1], points[1:, 0], points[1:, 1])[2]
    same = edge[:-1] == edge[1:]
    table = city.streets()
    return table.assign(
        length_m=np.bincount(edge[:-1][same], weights=metres[same], minlength=count),
        name=[f"Calle {number}" if number % 3 else None for number in (city.u // 60).tolist()],
    ).set_geometry(gpd.GeoSeries(shapely.linestrings(points, indices=edge), crs="EPSG:4326"))


def resident_area(nodes: int) -> StudyArea:
    """Return a study area of about `nodes` nodes with shelters and a flood."""
    city = build_city(nodes)
    rng = np.random.default_rng(3)
    west, south, east, north = (*ends(city, np.min), *ends(city, np.max))
    columns = np.linspace(west, east, 7)
    boxes = [shapely.box(a, south, b, north) for a, b in pairwise(columns)]
    names = [f"Barrio {i + 1}" for i in range(len(boxes))]
    home = rng.integers(0, len(city.lon), max(20, nodes // 100))
    community = np.clip(np.searchsorted(columns, city.lon[home], "right") - 1, 0, len(boxes) - 1)
    sites = rng.choice(len(city.lon), max(2, round(nodes * _SHELTERS_PER_NODE)), replace=False)
    wave = np.linspace(south, north, 400)
    coast = west + (east - west) * (0.3 + 0.04 * np.sin(np.arange(400) / 9))
    flood = shapely.Polygon([(west, south), *zip(coast, wave, strict=True), (west, north)])
    return StudyArea.build(
        name="large",
        title="Large city",
        streets=Streets(
            edges=curvy(city),
            dropped=gpd.pd.DataFrame(_DROPPED),
            kept_ways=len(city.u),
            date="2026-01-01",
        ),
        communities=_table({"name": names, "district": names}, boxes, "c"),
        demand=_table(
            {"community_id": [f"c{i}" for i in community], "population": 30},
            shapely.points(city.lon[home], city.lat[home]),
            "d",
        ),
        shelters=_table(
            {"name": [f"Escuela {i}" for i in range(len(sites))], "capacity": 400},
            shapely.points(city.lon[sites], city.lat[sites]),
            "s",
        ),
        hazards=_table({"hazard": ["flood"], "level": 2, "source": "invented"}, [flood], "z"),
    )


def ends(city: City, choose: Any) -> tuple[float, float]:
    """Return the least or greatest position of a city."""
    return float(choose(city.lon)), float(choose(city.lat))


def _table(columns: dict[str, Any], shapes: Any, letter: str) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        columns,
        geometry=list(shapes),
        crs="EPSG:4326",
        index=[f"{letter}{i}" for i in range(len(shapes))],
    )


def scenarios() -> dict[str, Scenario]:
    """Return the four scenarios: two walkers, with and without the flood."""
    return {
        "any day": Scenario(),
        "any day, wheelchair": Scenario.of(walker="wheelchair"),
        "flood": Scenario.of(hazard="flood"),
        "flood, assisted": Scenario.of(hazard="flood", walker="assisted"),
    }


def page_of(packed: Packed) -> str:
    """Return a page that holds the engine and the data, as the resident map does."""
    return (
        "<!doctype html><meta charset=utf-8><meta http-equiv=Content-Security-Policy "
        "content=\"default-src 'none'; script-src 'unsafe-inline'\"><title>x</title>"
        f"<script>{engine_script()}</script>"
        f"<script>const H={script_json(packed.head)},B='{base64.b64encode(packed.blob).decode()}'"
        "</script><script>ShelterEngine.open(H,B).then(e=>{window.engine=e;"
        "window.ready=performance.now()},e=>{window.failed=String(e)})</script>"
    )


def slowed(page: Page, address: str, places: list[list[float]], rate: int) -> dict[str, Any]:
    """Open a page on a slow computer and tap; return seconds, and the answers."""
    client = page.context.new_cdp_session(page)
    client.send("Emulation.setCPUThrottlingRate", {"rate": rate})
    page.goto(address)
    page.wait_for_function("window.ready || window.failed", timeout=120_000)
    assert page.evaluate("window.failed") is None
    told = page.evaluate(
        """([places, times]) => {
            const answers = places.map(([lon, lat, scenario]) => {
                const a = engine.find(lon, lat, scenario, new Set()), o = a.option;
                return [a.status, o && engine.shelters[o.shelter].id, o && o.distance_m];
            });
            const taps = places.map(([lon, lat, scenario]) => {
                const start = performance.now(); engine.find(lon, lat, scenario, new Set());
                return performance.now() - start;
            });
            return {ready: window.ready, timing: engine.timing, answers, taps};
        }""",
        [places, _TAPS],
    )
    client.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    told["taps"].sort()
    return {
        "ready_s": told["ready"] / 1000,
        "median_tap_s": statistics.median(told["taps"]) / 1000,
        "longest_tap_s": told["taps"][-1] / 1000,
        "timing": told["timing"],
        "answers": told["answers"],
    }


def _places(area: StudyArea, count: int) -> list[list[float]]:
    rng = np.random.default_rng(8)
    west, south, east, north = area.communities.total_bounds
    lon, lat = rng.uniform(west, east, count), rng.uniform(south, north, count)
    return [
        list(row)
        for row in zip(lon.tolist(), lat.tolist(), [i % 4 for i in range(count)], strict=True)
    ]


def resident_lines(nodes: int) -> list[Line]:
    """Pack a city, open it as a slow phone does, and tap."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    area, standard = resident_area(nodes), AccessStandard()
    kept: list[Packed] = []
    seconds = once(lambda: kept.append(pack(area, scenarios(), standard)))
    page = page_of(kept[0])
    size = len(page.encode()) + PAGE_BYTES
    what = f"resident map, {nodes} nodes, 4 scenarios"
    lines = [
        Line(
            what=f"{what}: HTML",
            ours=size / 2**20,
            baseline="the bar",
            theirs=MOST_MIB,
            bar=1 if nodes <= 200_000 else None,
            sense="cost",
            unit="MiB",
        ),
        Line(what=f"{what}: packed", ours=seconds, baseline="a minute", theirs=60.0),
    ]
    if chromium is None:
        return lines
    places = _places(area, _TAPS)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "map.html"
        file.write_text(page, "utf-8")
        found = _in_browser(chromium, file.as_uri(), places)
    for place, answer in list(zip(places, found["answers"], strict=True))[:_CHECKED]:
        _same(area, standard, place, answer)
    note = json.dumps({k: round(v, 1) for k, v in found["timing"].items()})
    return [
        *lines,
        Line(
            what=f"{what}: open, {SLOWER}x slower",
            ours=found["ready_s"],
            baseline="the bar",
            theirs=LOAD_S,
            bar=1,
            note=note,
        ),
        Line(
            what=f"{what}: tap to route, {SLOWER}x slower",
            ours=found["median_tap_s"],
            baseline="the bar",
            theirs=TAP_S,
            bar=1,
        ),
        Line(
            what=f"{what}: longest of {_TAPS} taps",
            ours=found["longest_tap_s"],
            baseline="the bar",
            theirs=TAP_S,
        ),
    ]


def _in_browser(chromium: str, address: str, places: list[list[float]]) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        found = slowed(browser.new_page(), address, places, SLOWER)
        browser.close()
    return found


def _same(area: StudyArea, standard: AccessStandard, place: list[float], answer: list[Any]) -> None:
    """Refuse an answer that is not the program's own."""
    lon, lat, number = place
    scenario = list(scenarios().values())[int(number)]
    ours = find_shelters(area, lon, lat, count=1, scenario=scenario, standard=standard)
    assert answer[0] == ours.status, (place, answer, ours.status)
    if ours.options:
        assert answer[1] == ours.options[0].shelter_id
        assert abs(answer[2] - ours.options[0].distance_m) < 0.01
