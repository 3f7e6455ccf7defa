"""A planner looks at gaps and data, in a real browser; and every page can be used by everybody."""

from __future__ import annotations

import json

import pytest
from axe_playwright_python.sync_playwright import Axe

from shelterplan.app.words import Words

from .conftest import PAYLOADS


def outlined(visit) -> bool:
    return visit.frame.locator("path.chosen").count() > 0


@pytest.mark.parametrize(("size", "lang", "scheme", "area"), [
    ("desktop", "en", "light", "monaco"), ("desktop", "zh", "dark", "coquimbo"),
    ("phone", "zh", "light", "monaco"), ("phone", "en", "dark", "coquimbo")])
def test_gaps_open(visit, size, lang, scheme, area):
    here = visit(size=size, scheme=scheme).open("gaps", area=area, lang=lang)
    assert here.frame.locator("path.community").count() >= 9
    assert here.page.locator(".legend li").count() >= 2
    here.page.locator("[data-testid='stVegaLiteChart'] canvas").wait_for()
    assert here.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    here.shot(f"gaps-{area}-{size}-{lang}-{scheme}")


def test_the_map_chooses_the_row(visit):
    here = visit().open("gaps", area="monaco")
    here.tap(0.55, 0.45)
    here.page.locator(".community").wait_for()
    here.settled()
    name = here.page.locator(".community h2").inner_text()
    assert outlined(here)
    assert here.page.get_by_role("combobox", name="Community").input_value() == name
    assert "community=" in here.page.url
    here.shot("gaps-chosen-desktop")


def test_the_row_chooses_on_the_map(visit):
    here = visit().open("gaps", area="monaco")
    table = here.page.locator("[data-testid='stDataFrame']")
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    here.page.mouse.click(box["x"] + 17, box["y"] + 60)
    here.page.locator(".community").wait_for()
    here.settled()
    assert outlined(here)
    first = here.page.locator(".community h2").inner_text()
    here.page.mouse.click(box["x"] + 17, here.page.locator(
        "[data-testid='stDataFrame']").bounding_box()["y"] + 100)
    here.page.wait_for_function(
        "first => document.querySelector('.community h2')?.innerText !== first", arg=first)
    here.settled()


def test_the_choice_is_in_the_address(visit):
    here = visit().open("gaps", area="monaco", standard="cn_gb50180_5min", walker="elderly")
    assert "300 m" in here.page.locator(".big").inner_text()
    assert here.page.get_by_role("combobox", name="Who is walking").input_value() == "Older person"


@pytest.mark.parametrize("ending", ["csv", "geojson", "gpkg"])
def test_downloads(visit, ending, tmp_path):
    here = visit().open("gaps", area="odd")
    with here.page.expect_download() as waiting:
        here.page.locator(f".st-key-download_{ending} button").click()
    target = tmp_path / f"gaps.{ending}"
    waiting.value.save_as(target)
    if ending == "geojson":
        made = json.loads(target.read_text("utf-8"))
        assert {f["properties"]["name"] for f in made["features"]} == set(PAYLOADS)
        assert made["attribution"]
        assert made["manifest"]
    assert target.stat().st_size > 1000


def test_hostile_names_of_communities_are_only_names(visit):
    here = visit().open("gaps", area="odd")
    here.tap(0.55, 0.45)
    here.page.locator(".community").wait_for()
    here.settled()
    assert here.page.locator(".community h2").inner_text() in PAYLOADS


@pytest.mark.parametrize(("size", "lang"), [("desktop", "en"), ("phone", "zh")])
def test_data_opens(visit, size, lang):
    here = visit(size=size).open("data", area="monaco", lang=lang)
    here.page.get_by_role("heading", name=Words(lang)("data.findings")).wait_for()
    assert here.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", ["", "gaps", "data"])
def test_everybody_can_use_the_page(visit, page, scheme):
    here = visit(size="phone", scheme=scheme).open(page, area="monaco")
    if not page:
        here.tap(0.45, 0.62)
        here.page.locator(".status.answer").wait_for()
        here.settled()
    if page == "data":
        here.page.get_by_role("heading", name="Findings").wait_for()
    found = Axe().run(here.page).response["violations"]
    for frame in here.page.frames:
        if "st_folium" in frame.url:
            found += Axe().run(frame).response["violations"]
    serious = [(v["id"], [n["html"][:200] for n in v["nodes"]][:3]) for v in found
               if v["impact"] in {"serious", "critical"}]
    assert serious == []
