"""A resident finds a shelter, in a real browser."""

from __future__ import annotations

import time

import pytest

from shelterplan.app.words import TAGS, Words

from .conftest import PAYLOADS, TIMES, ZONE

ROUTE = "path.route"


def route_shown(visit, started):
    visit.frame.locator(ROUTE).first.wait_for(state="attached")
    visit.page.locator(".status.answer").wait_for()
    seconds = time.perf_counter() - started
    visit.page.locator("ol.steps").wait_for()
    visit.settled()
    return seconds


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_tap_shows_the_way(visit, size, lang, scheme):
    here = visit(size=size, scheme=scheme).open(area="monaco", lang=lang)
    seconds = route_shown(here, here.tap(0.45, 0.62))
    TIMES.append((f"tap to route: monaco {size}", seconds))
    words = Words(lang)
    assert words("find.nearest") in here.page.locator(".st-key-find_detail").inner_text()
    assert here.page.locator(".st-key-find_detail").get_by_role("radio").count() == 3
    assert here.page.locator("ol.steps li").count() >= 2
    assert here.page.locator("html").get_attribute("lang") == TAGS[lang]
    assert here.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    here.usable_by_everybody()
    here.shot(f"find-{size}-{lang}-{scheme}")


def test_the_map_is_kept_when_somebody_taps_again(visit):
    here = visit().open(area="monaco")
    route_shown(here, here.tap(0.45, 0.62))
    inside = next(f for f in here.page.frames if "st_folium" in f.url)
    inside.evaluate("window.mark = 1")
    zoom = inside.evaluate("map.getZoom()")
    before = here.page.locator(".status").inner_text()
    started = here.tap(0.3, 0.3)
    here.page.wait_for_function(
        "before => document.querySelector('.status').innerText !== before", arg=before
    )
    TIMES.append(("second tap to answer: monaco desktop", time.perf_counter() - started))
    here.settled()
    assert inside.evaluate("window.mark") == 1
    assert inside.evaluate("map.getZoom()") == zoom
    assert "lat" not in here.page.url
    assert "7.4" not in here.page.url


def test_a_tap_on_a_numbered_shelter_shows_the_way_to_it(visit):
    here = visit().open(area="monaco")
    route_shown(here, here.tap(0.45, 0.62))
    steps, place = here.page.locator("ol.steps"), here.page.locator(".status")
    told, origin = [], place.inner_text()
    for number in (2, 1, 2):
        for _ in range(2):  # so that all numbers are in view
            here.frame.locator(".leaflet-control-zoom-out").click()
            here.settled()
        before = steps.inner_text()
        here.frame.locator(".map-number", has_text=str(number)).last.click()
        here.page.wait_for_function(
            "before => (document.querySelector('ol.steps') || {}).innerText !== before", arg=before
        )
        here.settled()
        checked = here.page.locator(".st-key-find_detail").get_by_role("radio").nth(number - 1)
        assert checked.is_checked()
        told.append(steps.inner_text())
    assert told[0] == told[2] != told[1]
    assert place.inner_text() == origin


def test_a_large_area_answers_too(visit):
    here = visit().open(area="coquimbo")
    TIMES.append(("tap to route: coquimbo desktop", route_shown(here, here.tap(0.5, 0.5))))
    here.shot("find-coquimbo-desktop")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_name_by_keyboard_alone_gives_the_answer_as_text(visit, lang):
    here = visit(size="phone").open(area="monaco", lang=lang)
    words, page = Words(lang), here.page
    page.locator("body").focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == words("find.name"):
            break
    else:
        pytest.fail("the box for a name cannot be reached by keyboard")
    page.keyboard.type("larvotto")
    started = time.perf_counter()
    page.keyboard.press("Enter")
    page.locator(".status.answer").wait_for()
    TIMES.append((f"name to answer: monaco {lang}", time.perf_counter() - started))
    here.settled()
    assert "Larvotto" in page.get_by_role("status").first.inner_text()
    first = page.locator(".st-key-find_detail").get_by_role("radio").nth(0)
    steps = page.locator("ol.steps").inner_text()
    first.focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_function(
        "before => document.querySelector('ol.steps').innerText !== before", arg=steps
    )
    here.shot(f"find-name-{lang}")


def test_the_phones_position(visit):
    here = visit(
        size="phone",
        permissions=["geolocation"],
        geolocation={"longitude": 7.4197, "latitude": 43.7325},
    ).open(area="monaco")
    started = time.perf_counter()
    here.page.get_by_role("button", name="Use my position").click()
    TIMES.append(("position to route: monaco phone", route_shown(here, started)))
    assert "From your position" in here.page.locator(".status").inner_text()
    assert "43.7" not in here.page.url


def test_a_refused_position_is_told_and_the_name_still_works(visit):
    here = visit(size="phone", permissions=[]).open(area="monaco")
    here.page.get_by_role("button", name="Use my position").click()
    here.page.locator(".status.problem").wait_for()
    assert "Position refused" in here.page.locator(".status").inner_text()
    here.shot("find-refused-phone")
    here.page.get_by_role("textbox", name="Street or place where you are").fill("larvotto")
    here.page.keyboard.press("Enter")
    here.page.locator(".status.answer").wait_for()
    here.settled()


def test_a_place_at_sea_is_told_so(visit):
    here = visit(size="phone").open(area="monaco")
    here.tap(0.9, 0.9)
    here.page.locator(".status.problem").wait_for()
    here.settled()
    here.shot("find-sea-phone")


def test_the_language_can_be_changed_and_stays_in_the_address(visit):
    here = visit(size="phone").open(area="monaco")
    here.page.get_by_text("中文", exact=True).click()
    here.page.get_by_role("heading", name=Words("zh")("page.find")).wait_for()
    here.page.wait_for_url("**lang=zh**")
    here.page.wait_for_function(
        "document.querySelectorAll(\"iframe[title*='st_folium']\").length === 1"
    )
    here.frame.locator("[data-streets]").wait_for(state="attached")
    here.settled()


def test_hostile_names_are_only_names(visit):
    here = visit().open(area="odd")
    here.frame.locator("path.shelter").first.hover(force=True)
    tip = here.frame.locator(".leaflet-tooltip").first
    tip.wait_for()
    assert tip.inner_text() in PAYLOADS
    route_shown(here, here.tap(0.45, 0.62))
    shown = here.page.locator(".status .line").inner_text()
    assert any(shown == f"Nearest shelter: {name}" for name in PAYLOADS)
    here.shot("find-hostile-names")


@pytest.mark.parametrize(
    ("size", "lang", "scheme"),
    [("desktop", "en", "light"), ("phone", "en", "dark"), ("phone", "zh", "light")],
)
def test_the_assumptions_are_chosen_beside_the_page(visit, size, lang, scheme):
    here = visit(size=size, scheme=scheme).open(area="odd", lang=lang, hazard="flood")
    words, page = Words(lang), here.page
    sidebar = page.locator("[data-testid='stSidebar'][data-collapsed='false']")
    assert not sidebar.is_visible()
    button = page.get_by_role("button", name=words("app.settings"))
    button.press("Enter")
    sidebar.wait_for()
    page.wait_for_function(
        "document.querySelector('[data-testid=stSidebar]').contains(document.activeElement)"
    )
    page.wait_for_timeout(500)
    here.usable_by_everybody()
    here.shot(f"assumptions-{size}-{lang}-{scheme}")
    sidebar.get_by_text(words.of("phase", "before")).click()
    page.wait_for_url("**phase=before**")
    page.locator(".assumed", has_text=words("assumed.before")).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Tab")
    sidebar.locator("[data-testid='stSidebarCollapseButton'] button").click()
    sidebar.wait_for(state="hidden")
    here.settled()


@pytest.mark.parametrize(("lang", "scheme"), [("en", "light"), ("zh", "dark")])
def test_a_place_in_the_flood_is_warned_and_told_what_to_do(visit, lang, scheme):
    lon, lat = ZONE
    here = visit(
        size="phone",
        scheme=scheme,
        permissions=["geolocation"],
        geolocation={"longitude": lon, "latitude": lat},
    ).open(area="odd", lang=lang, hazard="flood")
    words = Words(lang)
    here.page.get_by_role("button", name=words("find.use_position")).click()
    here.page.locator(".status.problem").wait_for()
    here.settled()
    said = here.page.locator(".status").inner_text()
    assert words("state.cut_off") in said
    assert words("instead.up") in said
    assert words.of("hazard", "flood") in here.page.locator(".danger").inner_text()
    here.page.locator("details.refused[open] li").first.wait_for()
    here.usable_by_everybody()
    here.shot(f"find-flood-phone-{lang}-{scheme}")


def test_the_hazard_changes_what_is_offered(visit):
    here = visit(size="phone").open(area="odd")
    route_shown(here, here.tap(0.42, 0.68))
    here.page.get_by_role("combobox", name="Hazard").click()
    here.page.get_by_role("option", name="Flood").click()
    here.page.wait_for_url("**hazard=flood**")
    here.page.locator(".assumed", has_text="Flood, happening now").wait_for()
    here.frame.locator("[data-streets]").wait_for(state="attached")
    here.settled()
    assert here.page.locator(".status.answer, .status.problem").count() == 1
    here.shot("find-hazard-phone")
