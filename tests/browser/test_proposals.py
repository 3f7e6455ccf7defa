"""A planner draws, drags, uploads and compares proposals, in a real browser."""

from __future__ import annotations

import json
import re
import time

import pytest
from playwright.sync_api import expect

from shelterplan.app.words import Words
from shelterplan.siting.evaluate import evaluate
from shelterplan.siting.proposal import read_proposal
from shelterplan.study_area import StudyArea

from .conftest import PAYLOADS, TIMES

EN = Words("en")


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Three of Coquimbo's candidate sites as a CSV file."""
    area = StudyArea.open("coquimbo")
    sites = area.candidates.iloc[[3, 30, 60]]
    points = sites.geometry.representative_point()
    table = sites.drop(columns="geometry").assign(lon=points.x, lat=points.y)
    path = tmp_path_factory.mktemp("upload") / "three.csv"
    table.reset_index()[["name", "lon", "lat", "capacity", "cost"]].to_csv(path, index=False)
    return path


def page_of(here, **address: str):
    """Open the page, which has no map before there is a proposal."""
    query = "&".join(f"{name}={value}" for name, value in address.items())
    here.page.goto(f"{here.server}/proposals?{query}")
    here.page.locator(".status.ask").wait_for()
    here.settled()
    return here


def uploaded(here, path):
    """Upload a file, and wait until it is looked at."""
    here.page.locator("[data-testid='stFileUploader'] input[type=file]").set_input_files(path)
    here.frame.locator(".map-site").first.wait_for()
    here.settled()
    return here


def gained(here) -> int:
    """How many people gain a place, as the page says."""
    said = here.page.locator(".status.answer .line").inner_text()
    return int(re.search(r"gives ([\d,]+) more", said)[1].replace(",", ""))


def part(here, name: str, lang: str = "en") -> None:
    """Open a part of the page."""
    here.page.get_by_role("radio", name=Words(lang).of("proposal_part", name), exact=True).click()
    rested(here)


def rested(here) -> None:
    """Wait until nothing on the page is dimmed because it is being worked out anew."""
    here.page.wait_for_timeout(500)
    here.page.wait_for_function("!document.querySelector('[data-stale=true]')")
    here.settled()


def test_an_uploaded_proposal_has_the_figures_of_evaluate_and_is_dragged(visit, three, tmp_path):
    here = uploaded(page_of(visit(), area="coquimbo"), three)
    area = StudyArea.open("coquimbo")
    sites = read_proposal(three).sites
    found = evaluate(area, sites, compare=False)
    assert gained(here) == found.newly_people
    assert here.frame.locator(".map-site").count() == 3
    here.shot("proposals-coquimbo-desktop")
    before = here.page.locator(".status.answer .line").inner_text()
    here.frame.locator(".leaflet-container").scroll_into_view_if_needed()
    box = here.frame.locator(".map-site").nth(1).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    here.page.mouse.move(x, y)
    here.page.mouse.down()
    here.page.mouse.move(x + 20, y + 15, steps=4)
    here.page.mouse.move(x + 40, y + 25, steps=4)
    started = time.perf_counter()
    here.page.mouse.up()
    here.page.wait_for_function(
        "before => document.querySelector('.status .line')?.innerText !== before", arg=before
    )
    TIMES.append(("drag to new figure: coquimbo desktop", time.perf_counter() - started))
    here.frame.locator(".map-site.chosen").wait_for()
    TIMES.append(("drag to painted map: coquimbo desktop", time.perf_counter() - started))
    here.settled()
    assert here.frame.locator(".map-site.chosen").inner_text() == "2"
    with here.page.expect_download() as waiting:
        here.page.locator(".st-key-proposal_file button").click()
    path = tmp_path / "moved.geojson"
    waiting.value.save_as(path)
    moved = read_proposal(path)
    assert moved.sites.geometry.iloc[0].equals(sites.geometry.iloc[0])
    assert not moved.sites.geometry.iloc[1].equals(sites.geometry.iloc[1])
    again = evaluate(area, moved.sites, compare=False, other_hazards=False)
    assert gained(here) == again.newly_people
    with here.page.expect_download() as waiting:
        here.page.locator(".st-key-proposal_card button").click()
    waiting.value.save_as(tmp_path / "card.html")
    assert f"{again.newly_people:,.0f}" in (tmp_path / "card.html").read_text("utf-8")
    here.page.locator(".st-key-delete_site button").click()
    here.frame.locator(".map-site").nth(2).wait_for(state="detached")
    here.settled()
    assert here.frame.locator(".map-site").count() == 2


def test_taps_add_and_move_a_site(visit):
    here = page_of(visit(size="phone"), area="monaco")
    here.page.get_by_role("textbox", name=EN("proposals.title_field")).fill("Mine")
    here.page.get_by_role("button", name=EN("proposals.begin"), exact=True).click()
    here.frame.locator("[data-streets]").wait_for(state="attached")
    here.settled()
    here.tap(0.5, 0.45)
    here.frame.locator(".map-site.chosen").wait_for()
    here.settled()
    field = here.page.get_by_role("spinbutton", name=EN("proposals.lon"))
    first = field.input_value()
    here.page.get_by_role("radio", name=EN.of("proposal_tap", "move"), exact=True).click()
    here.settled()
    here.tap(0.4, 0.6)
    expect(field).not_to_have_value(first, timeout=60_000)
    here.settled()
    assert here.frame.locator(".map-site").count() == 1


@pytest.mark.parametrize(
    ("size", "lang", "scheme"),
    [("desktop", "en", "light"), ("phone", "zh", "dark")],
)
def test_every_part_is_usable_by_everybody(visit, three, size, lang, scheme):
    here = page_of(visit(size=size, scheme=scheme), area="coquimbo", lang=lang, hazard="tsunami")
    uploaded(here, three)
    for name in ("sites", "result", "best", "scenarios", "compare"):
        part(here, name, lang)
        if name in {"best", "scenarios"}:
            begin = here.page.locator(f".st-key-begin_{name} button")
            answer = here.page.locator(".st-key-gaps_detail .big")
            begin.or_(answer).first.wait_for(timeout=60_000)
            if begin.count():  # else somebody has asked already, and the answer is there
                begin.click()
            said = re.compile("scenario|情景" if name == "scenarios" else "plan|方案")
            told = here.page.locator(".st-key-gaps_detail .big", has_text=said)
            told.wait_for(timeout=120_000)
            rested(here)
        assert here.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        here.usable_by_everybody()
        here.shot(f"proposals-{name}-{size}-{lang}-{scheme}")


def test_hostile_names_stay_text(visit, tmp_path):
    features = [
        {
            "type": "Feature",
            "properties": {"name": text},
            "geometry": {"type": "Point", "coordinates": [7.415 + i / 1000, 43.731]},
        }
        for i, text in enumerate(PAYLOADS)
    ]
    path = tmp_path / "odd.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    here = uploaded(page_of(visit(), area="odd"), path)
    assert here.frame.locator(".map-site").count() == len(PAYLOADS)
    part(here, "result")
    here.page.get_by_role("heading", name=EN("proposals.hazards_title")).wait_for()
    told = here.page.locator(".st-key-gaps_detail").inner_text()
    assert all(text in told for text in PAYLOADS)
    part(here, "compare")
