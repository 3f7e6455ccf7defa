"""A planner looks at gaps and data, in a real browser."""

from __future__ import annotations

import json

import pytest

from shelterplan.app.words import Words

from .conftest import PAYLOADS


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
    assert "community=" in here.page.url
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
