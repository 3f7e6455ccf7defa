"""Where somebody is stays with them: it is searched for in all that a visit leaves behind."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Error

from shelterplan.app.words import Words
from tests.soak.sessions_server import Server

from .conftest import Visit

GIVEN = (7.4218573, 43.7379137)
"""A place in Monaco that the phone tells (lon, lat), with digits that nothing else has."""
TYPED = "43.7361573, 7.4209137"
STREET = "canaryqz 7731"
CODE = """
import logging
from shelterplan import finder
from shelterplan.app import launch

real = finder.find_shelters

def find_shelters(area, lon, lat, **more):
    found = real(area, lon, lat, **more)
    if more["scenario"].walker.name == "wheelchair":
        raise RuntimeError("broken on purpose")
    return found

finder.find_shelters = find_shelters
logging.basicConfig(level=logging.DEBUG)
usual = launch.config()
launch.config = lambda: usual | {{"logger.level": "debug"}}
launch.run(port={port}, headless=True)
"""
"""The app, as talkative as can be, with a fault that somebody in a wheelchair meets."""
STORED = """async () => {
  const bases = indexedDB.databases ? await indexedDB.databases() : [];
  const caches_ = self.caches ? await caches.keys() : [];
  return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, bases, caches_,
    location.href, document.referrer, history.state, navigator.serviceWorker
    ? (await navigator.serviceWorker.getRegistrations()).length : 0,
    performance.getEntries().map(one => one.name)]);
}"""


def digits(lon: float, lat: float) -> list[re.Pattern[str]]:
    """Return how a position may be written: rounded or cut, in both orders, as text or in hex."""
    shapes = []
    for value in (lon, lat):
        text = f"{value:.7f}"
        for places in (5, 6, 7):
            for one in {text[: len(text) - 7 + places], f"{value:.{places}f}"}:
                shapes += [re.escape(one), " ?".join(f"{ord(sign):02x}" for sign in one)]
        shapes += [str(round(value * 10**7)), str(round(value * 10**6))]
    east, north = (
        "(?:" + "|".join({f"{value:.4f}", f"{value:.7f}"[:-3]}) + ")" for value in (lon, lat)
    )
    shapes += [f"{a}[0-9]*[^0-9]{{1,20}}{b}" for a, b in ((east, north), (north, east))]
    return [re.compile(shape) for shape in shapes]


def traces(content: str, *places: tuple[float, float], words: tuple[str, ...] = ()) -> list[str]:
    """Return what in a text tells one of the places, or repeats what was typed."""
    patterns = [shape for place in places for shape in digits(*place)]
    patterns += [re.compile(re.escape(word).replace(r"\ ", ".{0,3}")) for word in words]
    return [
        content[max(0, hit.start() - 60) : hit.end() + 30]
        for shape in patterns
        for hit in shape.finditer(content)
    ]


@pytest.mark.parametrize(
    "line",
    [
        "at (7.4218573, 43.7379137)",
        "lat=43.737914&lon=7.421857",
        '{"coordinates":[7.42186,43.73791]}',
        "[43.7379, 7.4218]",
        "7.4219,43.7379",
        "43.73791",
        "< BINARY 31 34 33 2e 37 33 37 39 31 33 37",
        "437379137",
    ],
)
def test_a_line_with_the_position_would_be_found(line):
    assert traces(f"2026-01-01 INFO {line} ok", GIVEN)
    assert not traces("2026-01-01 INFO 43.7301, 7.4301 43.7379", GIVEN)
    assert traces(f"query={STREET.replace(' ', '%20')}", words=(STREET,))


@pytest.fixture(scope="module")
def private(tmp_path_factory):
    """A server with a home, a cache and temporary files of its own, that logs all it can."""
    with Server(tmp_path_factory.mktemp("private"), code=CODE) as server:
        server.wait_for("/resident/monaco")
        yield server


def contents(server: Server) -> dict[str, str]:
    """All files that a server wrote."""
    return {str(path): path.read_bytes().decode("latin-1") for path in server.files()}


class Watched(Visit):
    """A visit of which every address and header is kept."""

    def __init__(self, browser, server: str) -> None:
        self.sent: list[str] = []
        lon, lat = GIVEN
        super().__init__(
            browser,
            server,
            size="phone",
            permissions=["geolocation"],
            geolocation={"longitude": lon, "latitude": lat, "accuracy": 12},
            locale="en-GB",
        )
        self.page.context.on("request", self._keep)

    def _keep(self, request) -> None:
        self.sent.append(f"{request.method} {request.url} {request.headers} {request.post_data}")

    def left(self) -> str:
        """All that the browser keeps of its pages, and the addresses that it asked for."""
        parts = [*self.sent]
        for page in self.page.context.pages:
            parts.append(page.url)
            for frame in page.frames:
                try:
                    parts.append(frame.evaluate(STORED))
                except Error:  # a frame that is just going away
                    continue
        parts.append(str(self.page.context.cookies()))
        parts.append(str(self.page.context.storage_state(indexed_db=True)))
        return "\n".join(parts)


def answered(here: Visit) -> None:
    here.page.locator(".status.answer, .status.problem").first.wait_for()
    here.settled()


def test_a_position_is_left_nowhere(browser, private):
    before = contents(private)
    here = Watched(browser, private.address)
    here.open(area="monaco")
    page, words = here.page, Words("en")
    page.get_by_role("button", name=words("find.use_position")).click()
    answered(here)
    assert "From your position" in page.locator(".status").inner_text()
    for typed in (TYPED, STREET):
        page.get_by_role("textbox", name=words("find.name")).fill(typed)
        page.keyboard.press("Enter")
        page.locator(".status.problem").wait_for()
        here.settled()
    here.tap(0.45, 0.62)
    page.locator(".status.answer").wait_for()
    here.settled()
    tapped = _marked(here)
    page.get_by_role("combobox", name=words("app.walker")).click()
    page.get_by_role("option", name=words.of("walker", "wheelchair")).click()
    page.get_by_test_id("stException").first.wait_for()
    shown = page.get_by_test_id("stException").first.inner_text()
    offline = _offline(here)
    places = [GIVEN, tuple(map(float, TYPED.split(", ")))[::-1], tapped]
    said = private.said()
    assert "broken on purpose" in said, "the log is not the server's"
    assert "DEBUG" in said.upper() or "Runtime state" in said, "the log is not talkative"
    written = {name: text for name, text in contents(private).items() if before.get(name) != text}
    for what, content in {
        "the log": said,
        "the error": shown,
        "the addresses and what the browser keeps": here.left(),
        "what the offline map keeps": offline,
        **written,
    }.items():
        assert traces(content, *places, words=(STREET,)) == [], what
    page.context.close()


def _marked(here: Visit) -> tuple[float, float]:
    """Return the place of the mark on the map (lon, lat)."""
    inside = next(frame for frame in here.page.frames if "st_folium" in frame.url)
    found = inside.evaluate(
        "() => { const all = []; map.eachLayer(one => { if (one.getLatLng && one.options.icon)"
        " all.push(one.getLatLng()); }); return all.map(one => [one.lng, one.lat]); }"
    )
    assert found
    return tuple(found[0])


def _offline(here: Visit) -> str:
    """Ask for the position on the map that needs no network; return what that page keeps."""
    page = here.page.context.new_page()
    page.on("request", here._keep)
    page.goto(f"{here.server}/resident/monaco?lang=en#en")
    page.locator("#position").click()
    page.locator("#origin", has_text="From your position").wait_for()
    kept = page.evaluate(STORED) + page.url
    page.close()
    return kept
