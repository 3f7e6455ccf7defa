"""A planner looks at gaps and data, in a real browser."""

from __future__ import annotations

import json
import time

import pytest

from shelterplan.app.words import Words

from .conftest import PAYLOADS, TIMES

KEYS = {
    "reasons": "download_reasons",
    "priority": "download_priority",
    "compare": "download_before-after",
    "walkers": "download_walkers-wheelchair",
}
"""The download of each part of the page."""


def tap_on(visit, mark) -> None:
    """Tap a mark on the map."""
    box = mark.bounding_box()
    visit.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def outlined(visit) -> bool:
    return visit.frame.locator("path.chosen").count() > 0


@pytest.mark.parametrize(
    ("size", "lang", "scheme", "area"),
    [
        ("desktop", "en", "light", "monaco"),
        ("desktop", "zh", "dark", "coquimbo"),
        ("phone", "zh", "light", "monaco"),
        ("phone", "en", "dark", "coquimbo"),
    ],
)
def test_gaps_open(visit, size, lang, scheme, area):
    here = visit(size=size, scheme=scheme).open("gaps", area=area, lang=lang)
    assert here.frame.locator("path.community").count() >= 9
    assert here.page.locator(".legend li").count() >= 2
    here.page.locator("[data-testid='stVegaLiteChart'] svg").wait_for()
    assert here.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    here.usable_by_everybody()
    here.shot(f"gaps-{area}-{size}-{lang}-{scheme}")


def test_map_and_table_choose_for_each_other(visit):
    here = visit().open("gaps", area="monaco")
    chosen = here.page.locator(".community h2")
    here.tap(0.55, 0.45)
    chosen.wait_for()
    here.settled()
    tapped = chosen.inner_text()
    assert here.page.get_by_role("combobox", name="Community").input_value() == tapped
    here.page.wait_for_url("**community=**")
    assert outlined(here)
    here.shot("gaps-chosen-desktop")
    table = here.page.locator("[data-testid='stDataFrame']")
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    here.page.mouse.click(box["x"] + 17, box["y"] + 60)
    here.page.wait_for_function(
        "before => document.querySelector('.community h2')?.innerText !== before", arg=tapped
    )
    here.settled()
    assert here.page.get_by_role("combobox", name="Community").input_value() == chosen.inner_text()
    assert outlined(here)


def test_the_choice_is_in_the_address(visit):
    here = visit().open("gaps", area="monaco", standard="cn_gb50180_5min", walker="elderly")
    assert "300\xa0m" in here.page.locator(".big").inner_text()
    assert here.page.get_by_role("combobox", name="Who is walking").input_value() == "Older person"


@pytest.mark.parametrize(
    ("size", "lang", "scheme", "area"),
    [("desktop", "en", "light", "monaco"), ("phone", "zh", "dark", "coquimbo")],
)
def test_every_part_is_usable_by_everybody(visit, size, lang, scheme, area):
    here = visit(size=size, scheme=scheme).open("gaps", area=area, lang=lang)
    words = Words(lang)
    inside = next(f for f in here.page.frames if "st_folium" in f.url)
    inside.evaluate("window.mark = 1")
    for part in ("reasons", "priority", "compare", "walkers"):
        here.page.get_by_role("radio", name=words.of("part", part), exact=True).click()
        here.page.locator(f".st-key-{KEYS[part]}").wait_for()
        here.settled()
        assert here.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        here.usable_by_everybody()
        here.shot(f"gaps-{part}-{area}-{size}-{lang}-{scheme}")
    assert inside.evaluate("window.mark") == 1


def test_a_tap_closes_a_shelter_and_a_second_one_opens_it(visit):
    here = visit().open("gaps", area="coquimbo")
    words = Words("en")
    here.page.get_by_role("radio", name=words.of("tap", "shelter"), exact=True).click()
    here.page.get_by_role("combobox", name=words.of("whatif", "by_name_shelter")).wait_for()
    here.settled()
    here.frame.locator(".leaflet-container").scroll_into_view_if_needed()
    started = time.perf_counter()
    tap_on(here, here.frame.locator("path.shelter").nth(10))
    here.frame.locator(".map-shut").wait_for()
    TIMES.append(("tap to closed shelter: coquimbo desktop", time.perf_counter() - started))
    told = here.page.locator(".st-key-gaps_detail .status .line")
    told.wait_for()
    assert "lose their place" in told.inner_text()
    here.settled()
    assert "closed_shelters=" in here.page.url
    here.usable_by_everybody()
    here.shot("gaps-closed-desktop")
    here.frame.locator(".leaflet-container").scroll_into_view_if_needed()
    tap_on(here, here.frame.locator(".map-shut").first)
    here.frame.locator(".map-shut").wait_for(state="detached")
    here.settled()
    assert "closed_shelters=" not in here.page.url


def test_a_tap_closes_a_street(visit):
    here = visit(size="phone").open("gaps", area="monaco", lang="zh")
    words = Words("zh")
    here.page.get_by_role("radio", name=words.of("tap", "street"), exact=True).click()
    here.page.get_by_role("combobox", name=words.of("whatif", "by_name_street")).wait_for()
    here.settled()
    here.tap(0.5, 0.5)
    here.frame.locator("path.shut").first.wait_for(state="attached")
    here.page.locator(".st-key-closed_list button").first.wait_for()
    here.settled()
    assert "closed_streets=" in here.page.url
    here.shot("gaps-street-phone-zh")
    here.page.locator(".st-key-gaps_detail .st-key-reopen_all button").click()
    here.frame.locator("path.shut").first.wait_for(state="detached")
    here.settled()
    assert "closed_streets=" not in here.page.url


def test_downloads_of_hostile_names(visit, tmp_path):
    here = visit().open("gaps", area="odd")
    for ending in ("csv", "geojson", "gpkg"):
        with here.page.expect_download() as waiting:
            here.page.locator(f".st-key-download_{ending} button").click()
        waiting.value.save_as(tmp_path / f"gaps.{ending}")
        assert (tmp_path / f"gaps.{ending}").stat().st_size > 1000
    made = json.loads((tmp_path / "gaps.geojson").read_text("utf-8"))
    assert {feature["properties"]["name"] for feature in made["features"]} == set(PAYLOADS)
    assert made["attribution"]
    assert made["manifest"]
    here.tap(0.55, 0.45)
    here.page.locator(".community").wait_for()
    here.settled()
    assert here.page.locator(".community h2").inner_text() in PAYLOADS


@pytest.mark.parametrize(("size", "lang"), [("desktop", "en"), ("phone", "zh")])
def test_data_opens(visit, size, lang):
    here = visit(size=size).open("data", area="monaco", lang=lang)
    here.page.get_by_role("heading", name=Words(lang)("data.findings")).wait_for()
    assert here.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    here.usable_by_everybody()
    here.shot(f"data-{size}-{lang}")


def test_the_pages_are_linked_and_keep_the_choices(visit):
    here = visit(size="phone").open(area="coquimbo", lang="zh", walker="elderly")
    here.page.get_by_role("link", name=Words("zh")("page.gaps")).click()
    here.page.locator(".big").wait_for()
    here.frame.locator("[data-streets]").wait_for(state="attached")
    here.settled()
    assert "area=coquimbo" in here.page.url
    assert "lang=zh" in here.page.url
    assert "walker=elderly" in here.page.url
