"""A real browser in front of a real server: nothing may leave this computer, nothing may fail."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from axe_playwright_python.sync_playwright import Axe

from shelterplan.study_area import StudyArea

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page

ROOT = Path(__file__).parent.parent.parent
SHOTS = ROOT / "artefacts"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
PAYLOADS = [
    "{{7*7}}",
    "{% for x in [1] %}",
    "{# x",
    "`${window.__X=1}`",
    "</script><script>window.__X=1</script>",
    "<img src=x onerror=window.__X=1>",
    "'-window.__X=1-'",
    "[a](javascript:window.__X=1)",
]
ZONE = (7.4165, 43.7300)
"""Middle of the flood zone of the odd study area."""
CONTEXTS: dict[str, BrowserContext] = {}
"""One for each kind of visitor, so that the browser need not load Streamlit again each time."""
TIMES: list[tuple[str, float]] = []


def pytest_collection_modifyitems(items):
    for item in items:
        if "/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="there is no chromium on this computer"))


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["page_times"] = TIMES


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    TIMES.extend(getattr(node, "workeroutput", {}).get("page_times", []))


def pytest_terminal_summary(terminalreporter):
    if TIMES:
        SHOTS.mkdir(exist_ok=True)
        (SHOTS / "page_times.json").write_text(json.dumps(TIMES, indent=1), "utf-8")
        terminalreporter.section("page times")
        for what, seconds in TIMES:
            terminalreporter.write_line(f"{what:<44} {seconds:5.2f} s")


@pytest.fixture(scope="package")
def odd_area(tmp_path_factory) -> Path:
    """Monaco with shelters, communities and streets of hostile names, and with a flood zone."""
    area = StudyArea.open("monaco")
    flood = gpd.GeoDataFrame(
        {"hazard": "flood", "level": [2, 3], "return_period": [100, 10], "source": PAYLOADS[4]},
        index=pd.Index(["wide", "deep"], name="zone_id"),
        geometry=[shapely.Point(ZONE).buffer(0.003), shapely.Point(ZONE).buffer(0.0015)],
        crs="EPSG:4326",
    ).astype({"return_period": "Float64"})

    def odd(table):
        names = [PAYLOADS[i % len(PAYLOADS)] for i in range(len(table))]
        return table.assign(name=names)

    folder = tmp_path_factory.mktemp("odd")
    dataclasses.replace(
        area,
        name="odd",
        title=PAYLOADS[0],
        shelters=odd(area.shelters),
        communities=odd(area.communities),
        streets=odd(area.streets),
        candidates=odd(area.candidates),
        hazards=flood,
        notes=tuple(PAYLOADS),
        _digests={},
        _snapped={},
        _networks={},
    ).save(folder)
    return folder


@contextmanager
def started(arguments: list[str], folder: Path, healthy: str, **more: str) -> Iterator[str]:
    """Start a server on a free port of this computer; yield its address; end it by its id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log, command = folder / f"server-{port}.log", [text.format(port=port) for text in arguments]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, stdout=out, stderr=out, env={**os.environ, **more}
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address + healthy, process, log)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    assert "Traceback" not in log.read_text("utf-8", "replace")


@pytest.fixture(scope="package")
def server(odd_area) -> Iterator[str]:
    """The address of `shelterplan app`, started for these tests alone."""
    code = (
        "import sys; from shelterplan.app.launch import run; "
        "run(port=int(sys.argv[1]), area=sys.argv[2], headless=True)"
    )
    with started(["-c", code, "{port}", str(odd_area)], odd_area, "/healthz") as address:
        yield address


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server answers."""
    for _ in range(600):
        assert process.poll() is None, log.read_text("utf-8")
        try:
            with urllib.request.urlopen(address, timeout=1) as answer:  # noqa: S310 - our own
                assert answer.status == 200
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the server did not answer within a minute")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield opened
        opened.close()


class Visit:
    """One person's visit; `bad` collects whatever must not happen."""

    def __init__(self, browser: Browser, server: str, *, size="desktop", scheme="light", **context):
        self.server, self.size, self.scheme = server, size, scheme
        wanted = {
            "viewport": SIZES[size],
            "color_scheme": scheme,
            "has_touch": size == "phone",
            "reduced_motion": "reduce",
            **context,
        }
        key = json.dumps(wanted, sort_keys=True)
        if key not in CONTEXTS:
            CONTEXTS[key] = browser.new_context(**wanted)
        self.page: Page = CONTEXTS[key].new_page()
        self.page.set_default_timeout(30_000)
        self.bad: list[str] = []
        self.page.on("request", self._asked)
        self.page.on("response", self._got)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.bad.append(f"error: {error}"))

    def _asked(self, request) -> None:
        if not request.url.startswith((self.server, "data:", "blob:")):
            self.bad.append(f"other host: {request.url}")

    def _got(self, response) -> None:
        if response.status >= 400 and not _is_probe(response.url):
            self.bad.append(f"{response.status}: {response.url}")

    def _said(self, message) -> None:
        if message.type == "error" and not _is_probe(message.location.get("url", "")):
            self.bad.append(f"console: {message.text}")
        elif "Content Security Policy" in message.text:
            self.bad.append(message.text)

    def open(self, page: str = "", **address: str) -> Visit:
        """Open a page, and wait for its heading and its map."""
        query = "&".join(f"{name}={value}" for name, value in address.items())
        started = time.perf_counter()
        self.page.goto(f"{self.server}/{page}?{query}")
        self.page.locator("h1").wait_for()
        if page != "data":
            self.frame.locator("[data-streets]").wait_for(state="attached")
            TIMES.append(
                (
                    f"first map: {page or 'find'} {address.get('area', '')} {self.size}",
                    time.perf_counter() - started,
                )
            )
            self.settled()
        return self

    def settled(self) -> None:
        """Wait until the server has nothing more to say and the map stands still."""
        self.page.locator("[data-testid='stStatusWidget']").wait_for(state="hidden")
        self.page.wait_for_timeout(300)

    @property
    def frame(self) -> FrameLocator:
        # for a moment, an earlier map may stand beside the one that takes its place
        return self.page.frame_locator("iframe[title*='st_folium']").last

    def tap(self, x: float, y: float) -> float:
        """Tap the map at a share of its width and height; return the seconds to the route."""
        ground = self.frame.locator(".leaflet-container")
        ground.scroll_into_view_if_needed()
        box = ground.bounding_box()
        started = time.perf_counter()
        self.page.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        return started

    def shot(self, name: str) -> None:
        """Keep a picture of the whole page."""
        SHOTS.mkdir(exist_ok=True)
        height = self.page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        self.page.set_viewport_size(
            {"width": SIZES[self.size]["width"], "height": min(max(height, 844), 4000)}
        )
        self.page.wait_for_timeout(400)
        self.page.screenshot(path=SHOTS / f"{name}.png")
        self.page.set_viewport_size(SIZES[self.size])

    def usable_by_everybody(self) -> None:
        """Let axe look at the page and at its map: nothing serious may be wrong."""
        frames = [frame for frame in self.page.frames if "st_folium" in frame.url]
        found = [v for part in (self.page, *frames) for v in Axe().run(part).response["violations"]]
        serious = [
            (v["id"], [node["html"][:200] for node in v["nodes"]][:3])
            for v in found
            if v["impact"] in {"serious", "critical"}
        ]
        assert serious == []

    def close(self) -> None:
        self.settled()
        for frame in self.page.frames:
            assert frame.evaluate("window.__X") is None
        self.page.close()
        assert self.bad == []


def _is_probe(address: str) -> bool:
    """Streamlit's own page asks, on a deep link, for its server at two places; one is no page."""
    parts = address.split("?", maxsplit=1)[0].split("/")
    return parts[-2:] in (["_stcore", "health"], ["_stcore", "host-config"]) and len(parts) > 5


@pytest.fixture
def visit(browser, server):
    """Make visits; each is checked for what must not happen when the test ends."""
    made = []

    def begin(**options) -> Visit:
        made.append(Visit(browser, server, **options))
        return made[-1]

    yield begin
    for one in made:
        one.close()
