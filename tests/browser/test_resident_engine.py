"""The resident map's engine in a real browser gives the program's own answers."""

from __future__ import annotations

import base64
import dataclasses
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest
import shapely

from shelterplan import AccessStandard, Scenario, StudyArea, access
from shelterplan.coverage import limit_of
from shelterplan.finder import find_shelters
from shelterplan.situation import situation
from shelterplan.snap import snap
from shelterplan.views.resident import Packed, pack
from shelterplan.views.resident.engine_script import engine_script
from tests import village
from tests.browser.conftest import PAYLOADS, SHOTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

POLICY = "default-src 'none'; script-src 'unsafe-inline'"
PLACES = 500
"""Random places in each of two study areas."""
ASK = """places => places.map(([lon, lat, scenario, excluded]) => {
    const a = engine.find(lon, lat, scenario, new Set(excluded || [])), o = a.option;
    return {...a, leg_m: isFinite(a.leg_m) ? a.leg_m : null,
            option: o && {...o, id: engine.shelters[o.shelter].id, line: Array.from(o.line)}};
})"""


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory) -> Iterator[Page]:
    """A page from a file that holds the engine and is allowed nothing else."""
    file = tmp_path_factory.mktemp("resident") / "engine.html"
    file.write_text(
        f'<!doctype html><meta charset=utf-8><meta http-equiv=Content-Security-Policy content="'
        f'{POLICY}"><title>x</title><script>{engine_script()}</script>',
        "utf-8",
    )
    context = browser.new_context()
    page = context.new_page()
    asked, wrong = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text))
    page.goto(file.as_uri())
    yield page
    assert page.evaluate("window.__X") is None
    context.close()
    assert asked == [file.as_uri()]
    assert wrong == []


def opened(page: Page, packed: Packed) -> None:
    blob = base64.b64encode(packed.blob).decode()
    page.evaluate(
        "async ([head, blob]) => { window.engine = await ShelterEngine.open(head, blob) }",
        [packed.head, blob],
    )


def words(steps):
    return [
        tuple(step[k] for k in ("turn", "name", "street_class", "steps", "bearing"))
        if isinstance(step, dict)
        else (step.turn, step.name, step.street_class, step.steps, step.bearing)
        for step in steps
    ]


def same(answer, told, near_m=0.01):
    """Assert that an answer of the page is that of the program."""
    assert told["status"] == answer.status
    assert told["hazard_level"] == answer.hazard_level
    if told["leg_m"] is not None or np.isfinite(answer.leg_m):
        assert told["leg_m"] == pytest.approx(answer.leg_m, abs=near_m)
    found = told["option"]
    assert bool(found) == bool(answer.options)
    if not found:
        assert not told["more"]
        return
    best = answer.options[0]
    assert found["id"] == best.shelter_id
    assert found["distance_m"] == pytest.approx(best.distance_m, abs=near_m)
    assert found["walk_time_s"] == pytest.approx(best.walk_time_s, abs=0.1)
    assert found["within"] == (best.status == "covered")
    assert found["leg_end_m"] == pytest.approx(best.route.leg_end_m, abs=near_m)
    assert words(found["steps"]) == words(best.route.steps)
    line = shapely.LineString(np.array(found["line"]).reshape(-1, 2))
    assert line.hausdorff_distance(best.route.geometry) < 3e-7


def scenarios(area: StudyArea, hazard: str) -> dict[str, Scenario]:
    """Scenarios of every kind that the engine has to tell apart."""
    middle = shapely.Point(area.streets.total_bounds.reshape(2, 2).mean(axis=0))
    return {
        "any day": Scenario(),
        "wheelchair": Scenario.of(walker="wheelchair"),
        "hazard": Scenario.of(hazard=hazard),
        "worst, night": Scenario.of(
            hazard=hazard, hazard_level=3, walker="assisted", time="night", gates="emergency"
        ),
        "before": Scenario.of(hazard=hazard, phase="before", walker="elderly", max_leg_m=100),
        "closed": Scenario.of(
            hazard=hazard,
            hazard_level=2,
            closed_areas=(middle.buffer(0.003).wkt,),
            closed_streets=(5, 6, 7, 100, 200),
            island_slack_m=5,
        ),
    }


def places(area: StudyArea, count: int, kinds: int) -> list[list[float]]:
    """Random places, by scenario: all around, beside streets, in zones, in communities."""
    rng = np.random.default_rng(3)
    corners = shapely.get_coordinates(np.asarray(area.streets.geometry.array))
    boxes = [
        area.streets.total_bounds + np.array([-0.01, -0.01, 0.01, 0.01]),
        area.communities.total_bounds,
        *area.hazards.bounds.to_numpy(),
    ]
    made = []
    for number in range(count):
        box = boxes[[0, 1, 1, 2 + number % (len(boxes) - 2)][number % 4]]
        place = rng.uniform(box[:2], box[2:])
        if number % 4 == 2:
            place = rng.choice(corners) + rng.normal(0, 2e-4, 2)
        made.append([*map(float, place), number * kinds // count])
    return made


@pytest.mark.parametrize(
    ("name", "hazard", "standard"),
    [
        ("monaco", "storm_surge", AccessStandard(max_time_s=600)),
        ("coquimbo", "tsunami", AccessStandard()),
    ],
)
def test_random_places_get_the_answers_of_the_program(page, name, hazard, standard):
    area = StudyArea.open(name)
    chosen = scenarios(area, hazard)
    opened(page, pack(area, chosen, standard))
    asked = places(area, PLACES, len(chosen))
    told = page.evaluate(ASK, asked)
    seen = {answer["status"] for answer in told}
    assert seen >= {"ok", "outside", "cut_off"}
    for number, scenario in enumerate(chosen.values()):
        rows = [row for row, place in enumerate(asked) if place[2] == number]
        lon, lat = np.array([asked[row][:2] for row in rows]).T
        least = walks(area, scenario, standard, lon, lat)
        for at, row in enumerate(rows):
            found = told[row]["option"]
            assert (found["id"] if found else None) == least["shelter"][at]
            if found:
                shown = least["distance_m"][at]
                assert found["distance_m"] == pytest.approx(shown, abs=0.01)
                assert found["walk_time_s"] == pytest.approx(least["walk_time_s"][at], abs=0.1)
                if abs(shown % 1 - 0.5) > 0.01:
                    assert round(found["distance_m"]) == round(shown)
            if row % 8 == 0 or (row % 2 and not found):
                same(
                    find_shelters(
                        area, lon[at], lat[at], count=1, scenario=scenario, standard=standard
                    ),
                    told[row],
                )


def walks(area, scenario, standard, lon, lat):
    """Return the nearest shelter of many places at once, and the walk there."""
    here = situation(area, scenario)
    place = snap(
        here.whole.network,
        lon,
        lat,
        max_leg_m=scenario.max_leg_m,
        prefer=area.leads_somewhere(scenario),
        island_slack_m=scenario.island_slack_m,
    )
    streets, by = here.open, limit_of(here, standard).unit
    found = access.forest(streets.network, here.doors, pace=streets.pace, by=by)
    found = found.nearest(here.moved(place))
    if streets.pace.uniform and by == "m":
        found["walk_time_s"] = scenario.walk_time_s(found["distance_m"])
    ids = np.array([*area.shelters.index, None], object)
    return {
        "shelter": ids[found["target"]],
        "distance_m": found["distance_m"],
        "walk_time_s": found["walk_time_s"],
    }


def test_the_next_choice_is_that_of_the_program_when_shelters_are_full(page):
    area = StudyArea.open("monaco")
    chosen = {"any day": Scenario(), "wet": Scenario.of(hazard="storm_surge", walker="assisted")}
    standard = AccessStandard()
    opened(page, pack(area, chosen, standard))
    rng = np.random.default_rng(5)
    home = area.demand.geometry.iloc[int(rng.integers(len(area.demand)))]
    for number, scenario in enumerate(chosen.values()):
        excluded: list[int] = []
        for _ in range(4):
            (told,) = page.evaluate(ASK, [[home.x, home.y, number, excluded]])
            shut = scenario.with_changes(
                closed_shelters=tuple(area.shelters.index[row] for row in excluded)
            )
            ours = find_shelters(area, home.x, home.y, count=2, scenario=shut, standard=standard)
            same(ours, told)
            assert told["more"] == (len(ours.options) > 1)
            excluded.append(told["option"]["shelter"])
        (told,) = page.evaluate(ASK, [[home.x, home.y, number, [*range(len(area.shelters))]]])
        every = scenario.with_changes(closed_shelters=tuple(area.shelters.index))
        same(find_shelters(area, home.x, home.y, scenario=every, standard=standard), told)
        assert told["option"] is None


def odd_town(seed: int) -> StudyArea:
    """A random small town: one-way streets, slopes, stairs, zones, an island, odd names."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 1000, (int(rng.integers(2, 13)), 2))
    kinds = ["residential", "steps", "path", "footway", "primary"]
    rows = [
        (i, int(j), [tuple(corner[i]), *_bend(corner[i], corner[j], rng), tuple(corner[j])],
         rng.choice([None, "A", "B", *PAYLOADS[4:]]), str(rng.choice(kinds)))
        for i in range(1, len(corner))
        for j in rng.choice(i, min(i, int(rng.integers(1, 3))), replace=False)
    ]  # fmt: skip
    rows.append((len(corner), len(corner) + 1, [(0, 3000), (50, 3000)], "Isle", "path"))
    streets = village.streets(rows)
    edges = streets.edges.assign(backward=rng.random(len(rows)) > seed % 2 * 0.3)
    sites = [
        (f"s{i}", PAYLOADS[i], None, village.point(*rng.uniform(-50, 1050, 2)))
        for i in range(int(rng.integers(1, 5)))
    ]
    zones = [
        village.box(x, y, x + rng.uniform(50, 500), y + rng.uniform(50, 500))
        for x, y in rng.uniform(-100, 900, (2, 2))
    ]
    area = village.village(
        streets=dataclasses.replace(streets, edges=edges),
        shelters=village.shelters(sites),
        hazards=gpd.GeoDataFrame(
            {"hazard": "flood", "level": [2, 3], "source": "test"},
            geometry=zones,
            crs="EPSG:4326",
            index=["a", "b"],
        ),
    )
    if seed % 3 == 0:
        return area
    factor = {f"tobler_{way}": rng.uniform(0.85, 3, len(rows)) for way in ("forward", "backward")}
    return dataclasses.replace(
        area, streets=area.streets.assign(**factor), _digests={}, _snapped={}, _networks={}
    )


def _bend(start, end, rng):
    return [tuple((start + end) / 2 + rng.normal(0, 30, 2))] if rng.random() < 0.5 else []


@pytest.mark.parametrize("seed", range(5))
def test_small_towns_of_every_kind(page, seed):
    area = odd_town(seed)
    standard = AccessStandard(max_time_s=400) if seed % 2 else AccessStandard(max_distance_m=600)
    chosen = {
        "any day": Scenario(),
        "slow": Scenario.of(walker="assisted", max_leg_m=200),
        "flood": Scenario.of(hazard="flood", max_leg_m=300, island_slack_m=100),
        "sure": Scenario.of(hazard="flood", walker="pushchair", unknown_fitness="refuse"),
    }
    opened(page, pack(area, chosen, standard))
    rng = np.random.default_rng(seed)
    asked = [
        [*map(float, village.lonlat(*rng.uniform(-200, 1200, 2))), number // 5, [0][: number % 2]]
        for number in range(20)
    ]
    for (lon, lat, number, shut), told in zip(asked, page.evaluate(ASK, asked), strict=True):
        scenario = list(chosen.values())[number].with_changes(
            closed_shelters=tuple(area.shelters.index[shut])
        )
        ours = find_shelters(area, lon, lat, count=2, scenario=scenario, standard=standard)
        same(ours, told, near_m=0.03)  # the town's corners lie between the units of the page
        assert told["more"] == (len(ours.options) > 1)


def test_one_street_and_no_shelter(page):
    one = village.streets([(0, 1, [(0, 0), (1000, 0)], None, "path")])
    area = village.village(streets=one, shelters=village.shelters().iloc[:0])
    opened(page, pack(area, {"": Scenario()}, AccessStandard()))
    lon, lat = village.lonlat(500, 10)
    (told,) = page.evaluate(ASK, [[lon, lat, 0]])
    assert (told["status"], told["option"], told["more"]) == ("no_path", None, False)
    assert told["leg_m"] == pytest.approx(10, abs=0.02)
    assert page.evaluate("engine.shelters") == []


def test_what_the_engine_says_of_the_area(page):
    area = village.village()
    packed = pack(area, {"one": Scenario()}, AccessStandard())
    opened(page, packed)
    assert page.evaluate("engine.head") == packed.head
    assert page.evaluate("engine.scenarios.map(s => s.key)") == ["one"]
    names = {(n["label"], n["kind"]): n for n in page.evaluate("engine.names")}
    lane = names[("Mill Lane", "street")]
    assert (lane["lon"], lane["lat"]) == pytest.approx(village.lonlat(600, 50), abs=2e-7)
    assert {kind for _, kind in names} == {"street", "shelter", "community", "district"}
    assert page.evaluate("Object.keys(engine.timing)")


@pytest.mark.parametrize("damage", ["cut", "bit", "nothing", "not base64", "other area"])
def test_a_damaged_file_is_said_to_be_one(page, damage):
    packed = pack(village.village(), {"": Scenario()}, AccessStandard())
    blob, head = bytearray(packed.blob), packed.head
    if damage == "cut":
        blob = blob[: len(blob) // 2]
    elif damage == "bit":
        blob[len(blob) // 2] ^= 4
    elif damage == "nothing":
        blob = bytearray()
    elif damage == "other area":
        head = head | {"version": "0"}
    text = "§" if damage == "not base64" else base64.b64encode(bytes(blob)).decode()
    said = page.evaluate(
        "([head, blob]) => ShelterEngine.open(head, blob).then(() => '', e => e.message)",
        [head, text],
    )
    assert said.startswith("This map file is ")


def test_a_browser_that_cannot_unzip_is_served_too(page):
    packed = pack(StudyArea.open("monaco"), {"": Scenario()}, AccessStandard())
    blob = base64.b64encode(packed.blob).decode()
    told = page.evaluate(
        """async ([head, blob]) => {
            const kept = window.DecompressionStream;
            window.DecompressionStream = undefined;
            try {
                const engine = await ShelterEngine.open(head, blob);
                const said = text => ShelterEngine.open(head, text).catch(e => e.message);
                const other = blob[9000] === 'A' ? 'B' : 'A';
                const cut = await said(blob.slice(0, 4000));
                const wrong = await said(blob.slice(0, 9000) + other + blob.slice(9001));
                return [engine.find(7.4197, 43.7325, 0).option.distance_m, cut, wrong];
            } finally { window.DecompressionStream = kept; }
        }""",
        [packed.head, blob],
    )
    ours = find_shelters(StudyArea.open("monaco"), 7.4197, 43.7325, count=1)
    assert told[0] == pytest.approx(ours.options[0].distance_m, abs=0.002)
    assert told[1].startswith("This map file is damaged")
    assert told[2].startswith("This map file is damaged")


@pytest.mark.parametrize("dark", [False, True])
def test_streets_are_drawn_where_they_are(page, dark):
    area = StudyArea.open("monaco")
    opened(page, pack(area, {"": Scenario()}, AccessStandard()))
    address, inked = page.evaluate(
        """dark => {
            const canvas = document.createElement('canvas');
            canvas.width = canvas.height = 1024;
            const ctx = canvas.getContext('2d');
            for (let i = 0; i < 2; i++) for (let j = 0; j < 2; j++) {
                ctx.save(); ctx.translate(512 * i, 512 * j);
                ctx.beginPath(); ctx.rect(0, 0, 512, 512); ctx.clip();
                engine.draw(ctx, 16, 34118 + i, 23897 + j, 512, dark);
                ctx.restore();
            }
            const pixels = ctx.getImageData(0, 0, 1024, 1024).data;
            const inked = [];
            for (let i = 3; i < pixels.length; i += 4) if (pixels[i] > 200) inked.push((i - 3) / 4);
            const some = inked.filter((_, n) => n % Math.ceil(inked.length / 3000) === 0);
            return [canvas.toDataURL('image/png'), some];
        }""",
        dark,
    )
    SHOTS.mkdir(exist_ok=True)
    picture = base64.b64decode(address.split(",")[1])
    (SHOTS / f"resident_streets_{'dark' if dark else 'light'}.png").write_bytes(picture)
    pixel = np.array(inked)
    world = 2**16
    lon = (34118 + (pixel % 1024 + 0.5) / 512) / world * 360 - 180
    north = np.pi * (1 - 2 * (23897 + (pixel // 1024 + 0.5) / 512) / world)
    lat = np.degrees(np.arctan(np.sinh(north)))
    drawn = shapely.STRtree(np.asarray(area.streets.geometry.array))
    assert len(pixel) > 1500
    away = drawn.query_nearest(shapely.points(lon, lat), all_matches=False, return_distance=True)[1]
    assert away.max() < 5e-5  # half the widest street at this scale
