"""A planner looks for new sites, in a real browser."""

from __future__ import annotations

import time

import pytest

from shelterplan.app.words import Words

from .conftest import TIMES

EN = Words("en")
LONGEST_MS = 120_000
"""A search may wait for another one, and for a kernel to be compiled [ms]."""


def find(here, what: str) -> None:
    """Press the button, and wait for the plan."""
    started = time.perf_counter()
    here.page.locator(".st-key-sites_find button").click()
    here.page.locator(".status .line").wait_for(timeout=LONGEST_MS)
    here.frame.locator(".map-site").first.wait_for(timeout=LONGEST_MS)
    TIMES.append((f"find sites: {what}", time.perf_counter() - started))
    here.settled()


def choose(here, label: str, option: str) -> None:
    """Choose an option of a list by the keyboard."""
    box = here.page.get_by_role("combobox", name=label)
    box.scroll_into_view_if_needed()
    box.focus()
    box.press("ArrowDown")
    here.page.get_by_role("option", name=option).first.click()
    here.settled()


def fits(here) -> bool:
    return here.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("size", "lang", "scheme", "hazard", "room"),
    [("desktop", "en", "light", "tsunami", "ignored"), ("phone", "zh", "dark", "", "assigned")],
)
def test_five_sites_are_found(visit, size, lang, scheme, hazard, room):
    here = visit(size=size, scheme=scheme)
    here.open("sites", area="coquimbo", lang=lang, hazard=hazard, room=room)
    words = Words(lang)
    assert here.page.get_by_role("button", name=words("sites.find")).is_visible()
    assert here.frame.locator("path.candidate").count() > 70
    assert (here.frame.locator("path.urgent").count() > 0) == bool(hazard)
    here.usable_by_everybody()
    here.shot(f"sites-open-{size}-{lang}-{scheme}")
    find(here, f"coquimbo {size}")
    assert here.frame.locator(".map-site").count() == 5
    assert (here.frame.locator(".map-out").count() > 0) == bool(hazard)
    assert fits(here)
    here.usable_by_everybody()
    here.shot(f"sites-found-{size}-{lang}-{scheme}")


def test_a_site_is_chosen_forbidden_and_the_plan_found_again(visit):
    here = visit().open("sites", area="coquimbo", room="ignored")
    find(here, "coquimbo")
    line = here.page.locator(".status .line").inner_text()
    assert line.startswith("5 new sites give")
    choose(here, "Why this site", "2. ")
    chosen = here.page.locator(".community h2")
    chosen.wait_for()
    name = chosen.inner_text()
    assert here.frame.locator(".map-site.chosen").inner_text() == "2"
    here.frame.locator(".leaflet-container").scroll_into_view_if_needed()
    box = here.frame.locator(".map-site", has_text="5").bounding_box()
    here.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    here.page.wait_for_function(
        "before => document.querySelector('.community h2')?.innerText !== before", arg=name
    )
    here.frame.locator(".map-site.chosen", has_text="5").wait_for()
    here.settled()
    here.usable_by_everybody()
    here.shot("sites-why-desktop")
    forbidden = chosen.inner_text()
    here.page.locator(".st-key-site_forbid button").click()
    here.page.locator(".check", has_text=EN("sites.changed")).wait_for()
    here.settled()
    here.page.locator(".st-key-sites_again button").click()
    here.page.locator(".certainty", has_text="1 forbidden").wait_for(timeout=LONGEST_MS)
    here.settled()
    again = here.page.locator(".status .line").inner_text()
    assert again.startswith("5 new sites give")
    assert forbidden not in here.frame.locator(".map-site").all_inner_texts()
    here.shot("sites-again-desktop")
    here.page.get_by_role("button", name=f"Forbidden: {forbidden}").click()
    here.page.locator(".st-key-sites_picked").wait_for(state="detached")
    find(here, "coquimbo, a second time")
    here.page.locator(".certainty", has_text="1 forbidden").wait_for(state="detached")
    assert here.page.locator(".status .line").inner_text() == line


@pytest.mark.parametrize(
    ("size", "lang", "scheme"), [("desktop", "en", "light"), ("phone", "zh", "dark")]
)
def test_a_plan_for_several_scenarios(visit, size, lang, scheme):
    here = visit(size=size, scheme=scheme)
    here.open("sites", area="coquimbo", lang=lang, hazard="tsunami")
    words = Words(lang)
    choose(here, words("sites.objective"), words("objective.regret"))
    button = here.page.get_by_role("button", name=words("sites.find"))
    here.page.get_by_text(words("sites.scenarios_needed")).wait_for()
    assert button.is_disabled()
    for name in (words("sites.no_hazard"), words("walker.wheelchair")):
        here.page.locator(".st-key-pick_scenarios button", has_text=name).click()
        here.settled()
    here.page.get_by_text(words("sites.scenarios_needed")).wait_for(state="detached")
    here.settled()
    here.usable_by_everybody()
    here.shot(f"sites-scenarios-{size}-{lang}-{scheme}")
    find(here, f"coquimbo, three scenarios, {size}")
    table = here.page.get_by_role("group", name=words("sites.scenario"), exact=True)
    table.wait_for()
    assert table.locator("tbody tr").count() == 3
    assert size == "phone" or table.evaluate("node => node.scrollWidth <= node.clientWidth")
    assert fits(here)
    here.usable_by_everybody()
    table.scroll_into_view_if_needed()
    here.shot(f"sites-in-scenarios-{size}-{lang}-{scheme}")


def test_fairer_plans_are_drawn_and_opened(visit):
    here = visit().open("sites", area="coquimbo", room="ignored", hazard="tsunami")
    find(here, "coquimbo, tsunami")
    here.page.get_by_role("radio", name=EN.of("sites_part", "front"), exact=True).click()
    here.page.locator(".st-key-compare_fairer button").click()
    here.page.locator("[data-testid='stVegaLiteChart'] svg").wait_for(timeout=LONGEST_MS)
    here.settled()
    here.usable_by_everybody()
    here.shot("sites-front-desktop")
    assert here.page.locator(".scroll tbody tr").count() >= 3
    choose(here, EN("sites.open"), "Plan 2")
    here.page.locator(".st-key-sites_back button").wait_for(timeout=LONGEST_MS)
    here.settled()
    assert here.page.locator(".status .line").inner_text().startswith("5 new sites give")
    here.page.locator(".st-key-sites_back button").click()
    here.page.locator(".st-key-sites_back").wait_for(state="detached")


def test_candidates_of_hostile_names(visit):
    here = visit(size="phone").open("sites", area="odd", room="ignored", hazard="flood", sites="2")
    find(here, "odd phone")
    part = here.page.get_by_role("radio", name=EN.of("sites_part", "candidates"), exact=True)
    part.scroll_into_view_if_needed()
    part.click()
    here.page.get_by_role("combobox", name=EN("sites.any")).wait_for(timeout=LONGEST_MS)
    here.settled()
    assert fits(here)
    here.usable_by_everybody()
    here.shot("sites-candidates-phone")


def test_the_plan_is_taken_away(visit, tmp_path):
    here = visit().open("sites", area="monaco", room="ignored", sites="2")
    find(here, "monaco")
    for key in ("plan_csv", "plan_geojson", "plan_proposal"):
        with here.page.expect_download() as waiting:
            here.page.locator(f".st-key-{key} button").click()
        waiting.value.save_as(tmp_path / key)
        assert (tmp_path / key).stat().st_size > 1000
    here.page.locator(".st-key-sites_take button").click()
    here.page.get_by_text("Compare it on the page Proposals.").wait_for()
    here.settled()
