"""Real browsers that tap beside the others: how long it takes until the page shows the answer."""

from __future__ import annotations

import shutil
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
ARGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PLACES = ((0.45, 0.62), (0.3, 0.3), (0.55, 0.5), (0.4, 0.45))
"""Taps, as shares of the map's width and height, with different answers one after another."""
REST_S = 4.0


@contextmanager
def tapping(address: str, count: int, seconds: float, world: Any) -> Iterator[Callable[[], None]]:
    """Let some browsers tap in a thread; yield what waits for them."""
    if not count or CHROMIUM is None:
        yield lambda: None
        return
    until = time.monotonic() + seconds
    thread = threading.Thread(target=_tap, args=(address, count, until, world), daemon=True)
    thread.start()
    yield lambda: thread.join(120)


def _tap(address: str, count: int, until: float, world: Any) -> None:
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        try:
            pages = [browser.new_context().new_page() for _ in range(count)]
            turn = 0
            while time.monotonic() < until:
                for page in pages:
                    if turn % len(PLACES) == 0:  # the map has moved: a mark may lie where is tapped
                        page.set_default_timeout(60_000)
                        page.goto(f"{address}/?area=monaco")
                        _map(page).locator("[data-streets]").wait_for(state="attached")
                    world.note("tap in a browser", _tapped(page, *PLACES[turn % len(PLACES)]))
                    time.sleep(REST_S / count)
                turn += 1
        except Error as error:
            world.problems.append(f"a browser: {error}"[:300])
        finally:
            browser.close()


def _map(page: Any) -> Any:
    return page.frame_locator("iframe[title*='st_folium']")


def _tapped(page: Any, x: float, y: float) -> float:
    """Tap the map; return the seconds until the page shows the answer and the map the way."""
    ground = _map(page).locator(".leaflet-container")
    ground.scroll_into_view_if_needed()
    box = ground.bounding_box()
    before = page.evaluate("(document.querySelector('ol.steps') || {}).innerText || ''")
    started = time.perf_counter()
    page.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
    page.wait_for_function(
        "before => { const steps = document.querySelector('ol.steps');"
        " return steps && steps.innerText !== before; }",
        arg=before,
    )
    return time.perf_counter() - started
