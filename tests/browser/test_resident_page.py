"""The resident map from a file, in a real browser with no network: what people see and do."""

from __future__ import annotations

import functools
import http.server
import io
import json
import re
import threading
from contextlib import contextmanager

import pypdf
import pytest
from axe_playwright_python.sync_playwright import Axe

from shelterplan import Scenario, StudyArea
from shelterplan.finder import find_shelters
from shelterplan.views.resident import installable
from shelterplan.views.resident.choices import choices
from shelterplan.views.resident.page import resident_map, words

from .conftest import PAYLOADS, SHOTS, SIZES, ZONE

HERE = (7.4197, 43.7325)
"""A place in La Condamine."""
QUAY = (7.42546, 43.73748)
"""A place by the harbour, in the zones of the storm surge."""
SEA = (7.4400, 43.7300)
STORES = """async () => [localStorage.length, sessionStorage.length, document.cookie,
    (await indexedDB.databases()).length]"""


@pytest.fixture(scope="module")
def monaco():
    return StudyArea.open("monaco")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, monaco, odd_area):
    """Maps as they lie on a USB stick: of Monaco, of odd names, and one that was cut short."""
    target = tmp_path_factory.mktemp("stick")
    some = choices(monaco, hazards=["storm_surge"], walkers=["adult", "wheelchair"]).scenarios
    page = resident_map(monaco, scenarios=some)
    (target / "monaco.html").write_bytes(page)
    odd = StudyArea.open(odd_area)
    names = choices(odd, hazards=["flood"], walkers=["adult"]).scenarios
    (target / "odd.html").write_bytes(resident_map(odd, scenarios=names))
    start = page.index(b'id="blob-data">') + 5000
    (target / "damaged.html").write_bytes(page[:start] + page[start + 4000 :])
    return target


class Opened:
    """One person with the file; `bad` collects whatever must not happen."""

    def __init__(self, browser, address, *, size="phone", lang="", **context):
        wanted = {
            "viewport": SIZES[size] if isinstance(size, str) else size,
            "reduced_motion": "reduce",
            "offline": True,
        }
        self.context = browser.new_context(**wanted | context)
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.bad: list[str] = []
        self.address = address
        self.page.on("request", self._asked)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.bad.append(f"error: {error}"))
        self.page.goto(address + (f"#{lang}" if lang else ""))
        self.page.locator("[data-ready], [data-state=failed]").wait_for()

    def _asked(self, request):
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.bad.append(f"asked: {request.url}")

    def _said(self, message):
        if message.type == "error" or "Content Security Policy" in message.text:
            self.bad.append(f"console: {message.text}")

    def tap(self, x=0.5, y=0.5):
        self.page.locator("#map").scroll_into_view_if_needed()
        box = self.page.locator("#map").bounding_box()
        self.page.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * y)

    def at(self, lon, lat, accuracy=5):
        """Stand somewhere, and press the button."""
        self.context.grant_permissions(["geolocation"])
        self.context.set_geolocation({"longitude": lon, "latitude": lat, "accuracy": accuracy})
        if self.page.locator("#change").is_visible():
            self.page.locator("#change").click()
        self.page.locator("#position").click()
        self.page.locator("#answer").wait_for()

    def text(self, part):
        return self.page.locator(part).inner_text().replace("\u00a0", " ")

    def shows(self, answer):
        """Compare what is shown with the answer of the program."""
        [option] = answer.options[:1]
        assert self.text("#line") == option.name
        assert f"{round(option.distance_m):,} m" in self.text("#big")
        assert f"{max(1, -(-option.walk_time_s // 60)):.0f} minute" in self.text("#big")
        near = "Near enough" if option.status == "covered" else "Farther than"
        assert near in self.text("#facts")
        steps = [step for step in option.route.steps if step.turn != "arrive"]
        told = self.page.locator("#steps li").all_inner_texts()
        assert len(steps) <= len(told) <= len(steps) + 3
        for step in steps:
            assert not step.name or any(step.name in line for line in told)

    def usable_by_everybody(self):
        found = Axe().run(self.page).response["violations"]
        serious = [(v["id"], [n["html"][:200] for n in v["nodes"]][:3]) for v in found]
        assert serious == []
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    def shot(self, name, *, whole=True):
        SHOTS.mkdir(exist_ok=True)
        self.page.wait_for_timeout(200)
        self.page.screenshot(path=SHOTS / f"resident-{name}.png", full_page=whole)

    def close(self):
        assert self.page.evaluate("window.__X") is None
        assert self.page.evaluate(STORES) == [0, 0, "", 0]
        assert self.page.url.split("#")[0] == self.address
        assert not re.search(r"\d\.\d", self.page.url.removeprefix(self.address))
        self.context.close()
        assert self.bad == []


@pytest.fixture
def visit(browser, folder):
    made = []

    def begin(name="monaco", **options):
        address = options.pop("address", f"file://{folder}/{name}.html")
        made.append(Opened(browser, address, **options))
        return made[-1]

    yield begin
    for one in made:
        one.close()


@pytest.mark.parametrize(
    ("size", "lang", "scheme"),
    [("phone", "en", "light"), ("phone", "zh", "dark"), ("desktop", "zh", "light")],
)
def test_a_tap_shows_the_way(visit, size, lang, scheme):
    here = visit(size=size, lang=lang, color_scheme=scheme, has_touch=size == "phone")
    here.usable_by_everybody()
    here.shot(f"{size}-{lang}-{scheme}-ask", whole=False)
    here.tap(0.5, 0.5)
    here.page.locator("#way").wait_for()
    assert here.page.locator("html").get_attribute("lang") == {"en": "en", "zh": "zh-Hans"}[lang]
    assert words()[lang]["heading.found"] in here.text("#kicker")
    here.page.locator("path.route").first.wait_for(state="attached")
    assert here.page.locator("#steps li").count() >= 2
    here.usable_by_everybody()
    here.shot(f"{size}-{lang}-{scheme}")


@pytest.mark.parametrize("walker", ["adult", "wheelchair"])
@pytest.mark.parametrize("hazard", ["", "storm_surge"])
def test_it_says_what_the_program_says(visit, monaco, hazard, walker):
    here = visit()
    if hazard:
        here.page.select_option("#hazard", hazard)
    here.page.select_option("#walker", walker)
    for place in (HERE, (7.4270, 43.7400), (7.4150, 43.7310)):
        here.at(*place)
        scenario = Scenario.of(hazard=hazard, walker=walker)
        here.shows(find_shelters(monaco, *place, count=1, scenario=scenario))
    assert "From your position" in here.text("#origin")


def test_full_or_closed_leads_to_the_next_and_back(visit, monaco):
    here, closed = visit(), []
    here.at(*HERE)
    for _ in range(2):
        answer = find_shelters(
            monaco, *HERE, count=1, scenario=Scenario(closed_shelters=tuple(closed))
        )
        here.shows(answer)
        closed.append(answer.options[0].shelter_id)
        here.page.locator("#next").click()
    here.shows(find_shelters(monaco, *HERE, scenario=Scenario(closed_shelters=tuple(closed))))
    assert here.page.locator("#marked-list li").count() == 2
    assert "Next shelter" in here.text("#kicker")
    here.shot("next")
    while here.page.locator("#marked button").count():
        here.page.locator("#marked button").first.click()
    here.shows(find_shelters(monaco, *HERE))


def test_when_all_are_full_it_says_so(visit, monaco):
    here = visit()
    here.at(*HERE)
    here.page.evaluate(
        "() => { const n = document.querySelector('#next'); while (!n.hidden) n.click(); }"
    )
    assert here.page.locator("#marked-list li").count() == len(monaco.shelters)
    assert here.text("#line") == "This map knows no further shelter from here"
    assert "ask the authorities" in here.text("#more")
    assert not here.page.locator("#next").is_visible()
    here.usable_by_everybody()
    here.page.locator("#marked button").first.click()
    assert here.page.locator("#way").is_visible()


def test_danger_is_told(visit, monaco):
    here = visit()
    here.page.select_option("#hazard", "storm_surge")
    here.at(*QUAY)
    answer = find_shelters(monaco, *QUAY, scenario=Scenario.of(hazard="storm_surge"))
    assert answer.hazard_level > 0
    assert f"level {answer.hazard_level} of 4" in here.text("#danger")
    assert "illustrative: no hazard map" in here.text("#key-text")
    if answer.status == "ok":
        here.shows(answer)
    else:
        assert here.text("#line") == words()["en"][f"state.{answer.status}"]
    assert here.page.locator("path.leaflet-interactive, .leaflet-zones-pane path").count() > 0
    here.shot("danger")
    here.usable_by_everybody()


def test_a_place_at_sea_and_one_far_away_are_told(visit, monaco):
    here = visit()
    for place in (SEA, (8.5, 44.4)):
        here.at(*place)
        status = find_shelters(monaco, *place).status
        assert here.text("#line") == words()["en"][f"state.{status}"]
        assert not here.page.locator("#way").is_visible()
    here.usable_by_everybody()
    here.shot("outside")


def test_an_inexact_position_is_said_and_drawn(visit):
    here = visit()
    here.at(*HERE, accuracy=180)
    assert "known to within 180 m" in here.text("#origin")
    assert "known to within 180 m" in here.page.locator("#say").inner_text().replace("\u00a0", " ")
    here.at(*HERE, accuracy=5)
    assert "known to within" not in here.page.locator("#say").inner_text()
    here.shot("inexact", whole=False)


def test_a_refused_position_is_said_with_what_to_do(visit):
    here = visit()
    here.page.locator("#position").click()
    here.page.locator("#ask-title", has_text="Position refused").wait_for()
    assert "Type a street or place, or tap the map" in here.text("#ask-more")
    here.usable_by_everybody()
    here.shot("refused", whole=False)
    here.tap()
    assert here.page.locator("#way").is_visible()


def test_by_keyboard_alone(visit):
    here = visit()
    page = here.page

    def tab_to(part):
        for _ in range(60):
            page.keyboard.press("Tab")
            assert not page.evaluate("document.activeElement instanceof SVGElement")
            if page.evaluate("part => document.activeElement.matches(part)", part):
                return
        pytest.fail(f"{part} cannot be reached by keyboard")

    tab_to("#skip")
    assert here.page.locator("#skip").inner_text() == "Skip the map"
    tab_to("#name")
    page.keyboard.type("larvoto")
    assert page.locator("#results li").count() > 1
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.closest('#results') !== null")
    assert "Larvotto" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.locator("#way").wait_for()
    assert page.evaluate("document.activeElement.id") == "line"
    said = page.locator("#say").inner_text()
    assert here.text("#line") in said
    assert "minute" in said
    first = here.text("#line")
    tab_to("#next")
    page.keyboard.press("Enter")
    assert here.text("#line") != first
    tab_to("#marked button")
    page.keyboard.press("Enter")
    assert here.text("#line") == first
    tab_to("#skip")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "way"
    tab_to("summary")
    page.keyboard.press("Enter")
    assert page.locator("#notes li").count() >= 5
    page.locator("#languages button").nth(1).focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.lang") == "zh-Hans"
    assert "成人" in here.text("#big")
    here.usable_by_everybody()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_names_of_both_languages_and_whole_numbers_first(visit, lang):
    here = visit(lang=lang)
    here.page.locator("#name").fill("摩纳哥")
    assert here.text("#results button").startswith("Monaco" if lang == "en" else "摩纳哥")
    names = ["Site 60 (a)", "Site 6 (long name, far away)", "Site 6", "Old Site 6", "Site 66"]
    order = here.page.evaluate(
        "names => Told.search(names.map(name => [Told.folded(name)]), 'site 6', 8)", names
    )
    assert [names[i] for i in order][:2] == ["Site 6", "Site 6 (long name, far away)"]


def test_a_name_that_is_not_there(visit):
    here = visit()
    here.page.locator("#name").fill("qqqqqq")
    here.page.keyboard.press("Enter")
    assert here.text("#ask-title") == "No such name found"


@pytest.mark.parametrize(
    ("name", "size", "more"),
    [
        ("narrow", {"width": 320, "height": 568}, {}),
        ("zoomed", {"width": 195, "height": 422}, {"device_scale_factor": 2}),
        ("forced", {"width": 390, "height": 844}, {"forced_colors": "active"}),
    ],
)
def test_small_large_and_forced(visit, name, size, more):
    here = visit(size=size, **more)
    here.tap()
    here.page.locator("#way").wait_for()
    here.usable_by_everybody()
    here.shot(name)


def test_on_paper(visit):
    here = visit()
    here.page.select_option("#hazard", "storm_surge")
    here.at(*HERE)
    paper = here.page.pdf(format="A4")
    SHOTS.mkdir(exist_ok=True)
    (SHOTS / "resident.pdf").write_bytes(paper)
    reader = pypdf.PdfReader(io.BytesIO(paper))
    said = "\n".join(sheet.extract_text() for sheet in reader.pages)
    assert here.text("#line") in said
    assert "Storm surge" in said
    here.page.select_option("#hazard", "")
    assert "Danger: none" in here.page.locator("#assumed").text_content()
    assert "OpenStreetMap" in said
    assert "Illustrative: not an" in said
    assert "Full or closed" not in said
    colours = """() => { const c = document.getElementById('picture'), d = c.getContext('2d')
        .getImageData(0, 0, c.width, c.height).data, s = new Set();
        for (let i = 0; i < d.length; i += 44) s.add(d[i] * 65536 + d[i+1] * 256 + d[i+2]);
        return s.size; }"""
    assert here.page.evaluate(colours) > 5
    assert len(reader.pages) <= 3


def test_odd_names_do_nothing(visit):
    here = visit("odd")
    page = here.page
    for name in PAYLOADS[:2]:
        page.locator("#name").fill(name)
        if page.locator("#results button").count():
            page.locator("#results button").first.click()
            page.locator("#change").click()
    here.at(*HERE)
    assert here.text("#line") in PAYLOADS
    page.select_option("#hazard", "flood")
    here.at(*ZONE)
    page.locator("summary").click()
    assert page.locator("#notes li").all_inner_texts() == PAYLOADS
    assert page.locator("#title").inner_text() == f"The way to a shelter: {PAYLOADS[0]}"
    for marker in page.locator(".leaflet-marker-icon .mark, path.leaflet-interactive").all()[:4]:
        marker.dispatch_event("mouseover")
    here.shot("odd")


def test_a_damaged_file_says_so(visit):
    here = visit("damaged")
    assert "damaged" in here.text("#too-old .line")
    assert "do not wait" in here.text("#too-old")
    here.bad.clear()


def test_no_script_says_so(browser, folder, monaco):
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(f"file://{folder}/monaco.html")
    assert not page.locator("#too-old").is_visible()
    assert "JavaScript is off" in page.locator("main").inner_text()
    assert "JavaScript 已关闭" in page.locator("main").inner_text()
    assert page.locator("noscript li").count() == len(monaco.shelters)
    context.close()


# ---- hosted ----


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Says nothing, and knows a manifest."""

    def guess_type(self, path):
        known = str(path).endswith(".webmanifest")
        return "application/manifest+json" if known else super().guess_type(path)

    def log_message(self, *_):
        pass


@contextmanager
def hosted(folder):
    """Serve a folder on this computer until the block ends."""
    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def test_a_hosted_map_stays_when_the_host_is_gone(browser, monaco, tmp_path):
    page = resident_map(monaco, scenarios={"day": Scenario()}, installable="town.html")
    files = installable.beside(page, "town.html", title="Town", language="en")
    for name, content in (files | {"town.html": page}).items():
        (tmp_path / name).write_bytes(content)
    context = browser.new_context(viewport=SIZES["phone"], service_workers="allow")
    asked, bad = [], []
    context.on("request", lambda request: asked.append(request.url))
    tab = context.new_page()
    tab.on("console", lambda message: bad.append(message.text) if message.type == "error" else None)
    with hosted(tmp_path) as address:
        tab.goto(f"{address}/town.html")
        tab.locator("[data-ready]").wait_for()
        tab.evaluate("navigator.serviceWorker.ready.then(() => true)")
        session = context.new_cdp_session(tab)
        manifest = session.send("Page.getAppManifest")
        assert manifest["errors"] == []
        assert json.loads(manifest["data"])["start_url"] == "town.html"
        problems = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
        assert [one["errorId"] for one in problems if one["errorId"] != "in-incognito"] == []
        assert all(url.startswith((address, "data:", "blob:")) for url in asked)
    assert bad == []
    tab.goto(f"{address}/town.html?again")
    tab.locator("[data-ready]").wait_for()
    tab.locator("#name").fill("larvotto")
    tab.locator("#results button").first.click()
    tab.locator("#way").wait_for()
    context.close()


def test_the_app_leads_to_the_map(browser, server):
    context = browser.new_context(viewport=SIZES["desktop"])
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{server}/?area=odd&lang=zh")
    links = page.locator(".offline a")
    links.first.wait_for()
    targets = [link.get_attribute("href") for link in links.all()]
    assert targets == ["resident/odd?lang=zh#zh", "resident/odd?lang=zh&save=yes#zh"]
    links.first.scroll_into_view_if_needed()
    page.screenshot(path=SHOTS / "resident-link.png")
    with context.expect_page() as opened:
        links.first.click()
    here = opened.value
    here.locator("[data-ready]").wait_for(timeout=120_000)
    assert here.locator("html").get_attribute("lang") == "zh-Hans"
    context.close()
