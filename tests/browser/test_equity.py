"""The Equity page in a real browser: charts, tables, the map of need and access."""

from __future__ import annotations

import pytest

from shelterplan.app.words import Words


def drawn(here, charts=3):
    """Wait for the charts."""
    for place in range(charts):
        chart = here.page.locator("[data-testid='stVegaLiteChart']").nth(place)
        chart.scroll_into_view_if_needed()
        chart.locator("svg, canvas").first.wait_for()
    here.page.locator("h1").scroll_into_view_if_needed()
    here.settled()


def test_map_tells_both_and_the_legend_too(visit):
    here = visit().open("equity", area="odd", hazard="flood")
    drawn(here)
    cells = here.page.locator("td[title]")
    assert cells.count() == 9
    assert sum(int(text) for text in cells.all_inner_texts()) == 9
    here.frame.locator(".leaflet-container").scroll_into_view_if_needed()
    here.frame.locator("path.community").nth(2).hover(force=True)
    tip = here.frame.locator(".leaflet-tooltip")
    tip.wait_for()
    assert "need" in tip.inner_text()
    here.shot("equity-odd-desktop")


def test_another_thing_is_compared_and_taken_away(visit):
    here = visit().open("equity", area="monaco")
    words = Words("en")
    drawn(here)
    before = here.page.locator(".big").inner_text()
    here.page.get_by_role("combobox", name=words("equity.of")).click()
    here.page.get_by_role("option", name=words.of("equity_of", "m2_per_person")).click()
    here.page.wait_for_function(
        "before => document.querySelector('.big')?.innerText !== before", arg=before
    )
    here.settled()
    assert "shelter area" in here.page.locator(".big").inner_text()
    with here.page.expect_download() as taken:
        here.page.locator(".st-key-download_equity-groups button").click()
    assert "step_free" in taken.value.path().read_text("utf-8-sig")
    here.shot("equity-monaco-m2-desktop")


@pytest.mark.parametrize(
    ("size", "lang", "scheme", "area"),
    [("desktop", "en", "light", "coquimbo"), ("phone", "zh", "dark", "coquimbo")],
)
def test_page_is_usable_by_everybody(visit, size, lang, scheme, area):
    here = visit(size=size, scheme=scheme).open("equity", area=area, lang=lang)
    words = Words(lang)
    drawn(here)
    assert here.page.locator(".big").inner_text()
    assert here.frame.locator("path.community").count() >= 9
    assert here.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    here.usable_by_everybody()
    here.shot(f"equity-{area}-{size}-{lang}-{scheme}")
    for folded in here.page.get_by_text(words("equity.numbers")).all():
        folded.click()
    assert here.page.locator("details[open] table").count() == 2
    assert here.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    here.usable_by_everybody()
