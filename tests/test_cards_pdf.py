"""Cards as a PDF: one sheet each whatever the names are, text that can be read out of it."""

from __future__ import annotations

import dataclasses
import io

import pypdf
import pytest

from shelterplan import StudyArea
from shelterplan.scenario import Scenario, Walker
from shelterplan.standards import AccessStandard
from shelterplan.views.cards import cards, to_html
from shelterplan.views.pdf import PdfError, to_pdf

from . import village
from .test_views_escape import PAYLOADS

LINK = "https://example.org/" + "map" * 30
MM = 72 / 25.4
FREE = {
    "height:277mm;overflow:hidden": "",
    "footer{position:absolute;left:0;right:0;bottom:0;": "footer{position:relative;",
}
"""Pages of any height: what is too much for one sheet then takes a second one."""


@pytest.fixture(scope="module", autouse=True)
def pdf_or_skip():
    try:
        to_pdf("<html lang='en'><title>-</title></html>")
    except PdfError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def monaco():
    return StudyArea.open("monaco")


@pytest.fixture(scope="module")
def long_names(monaco):
    """Monaco with hostile and endless names, known rooms and many hazards."""

    def named(table):
        many = [*PAYLOADS[:6], "W" * 300, "国" * 200, "a " * 300, "Avenue " * 60, "\u202e" * 50]
        return table.assign(name=[many[i % len(many)] * 3 for i in range(len(table))])

    fits = dict.fromkeys(("fit_flood", "fit_tsunami", "fit_fire", "fit_earthquake"), "unknown")
    return dataclasses.replace(
        monaco,
        title="国" * 99,
        shelters=named(monaco.shelters).assign(capacity=7, **fits).astype({"capacity": "Int64"}),
        communities=named(monaco.communities).assign(district="District " * 40),
        streets=named(monaco.streets),
        _digests={},
        _snapped={},
        _networks={},
    )


def pages(page: str) -> list[pypdf.PageObject]:
    return list(pypdf.PdfReader(io.BytesIO(to_pdf(page))).pages)


def text_of(page: pypdf.PageObject) -> str:
    return " ".join(page.extract_text().split())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_card_is_one_sheet_of_a4(monaco, language):
    ids = ["monte-carlo", "fontvieille", "ravin-de-sainte-devote"]
    made = cards(monaco, communities=ids, language=language, link=LINK)
    sheets = pages(to_html(made))
    assert len(sheets) == len(made)
    for card, sheet in zip(made, sheets, strict=True):
        assert float(sheet.mediabox.width) == pytest.approx(210 * MM, abs=0.1)
        assert float(sheet.mediabox.height) == pytest.approx(297 * MM, abs=0.1)
        said = text_of(sheet)
        assert card.words.named(card.name) in said
        assert card.words.say("card.kicker") in said
        for one in card.shelters:
            assert card.words.named(one.name)[:20] in said
        tight = said.replace(" ", "")
        assert card.words.say("card.check").replace(" ", "") in tight
        assert "OpenStreetMap" in said


NIGHT = Scenario(time="night", gates="emergency")
EVERYTHING = NIGHT.with_changes(
    walker=Walker(name="W" * 300, speed_m_s=0.123),
    hazard="flood",
    hazard_level=3,
    return_period=10_000_000,
    phase="before",
    delay_s=12345.6,
    room="nearest",
    unknown_fitness="refuse",
    closed_streets=tuple(range(9)),
)
"""Everything unusual at once."""


@pytest.mark.parametrize(
    ("scenario", "language"),
    [
        (NIGHT, "en"),
        (EVERYTHING, "zh"),
        (EVERYTHING.with_changes(unknown_fitness="accept"), "en"),
    ],
)
def test_nothing_makes_a_second_sheet(long_names, scenario, language):
    ids = list(long_names.communities.index[:4])
    made = cards(
        long_names,
        communities=ids,
        scenario=scenario,
        standard=AccessStandard(max_time_s=15000),
        language=language,
        link=LINK,
    )
    page = to_html(made)
    for bound, free in FREE.items():
        assert page.count(bound) == 1
        page = page.replace(bound, free)
    assert len(pages(page)) == len(made)


def test_a_card_without_shelters_is_one_sheet():
    made = cards(village.village(), language="zh")
    sheets = pages(to_html(made))
    assert len(sheets) == len(made)
    assert "从这里步行到不了任何避难场所" in text_of(sheets[2]).replace(" ", "")


def test_the_fonts_are_in_the_file(monaco):
    made = cards(monaco, communities=["larvotto"], language="zh")
    fonts = pages(to_html(made))[0]["/Resources"]["/Font"].values()
    assert fonts
    for font in fonts:
        inner = font.get_object()["/DescendantFonts"][0].get_object()
        described = inner["/FontDescriptor"].get_object()
        assert {"/FontFile2", "/FontFile3"} & {*described}


def test_the_same_cards_are_the_same_file(monaco):
    page = to_html(cards(monaco, communities=["larvotto"]))
    assert to_pdf(page) == to_pdf(to_html(cards(monaco, communities=["larvotto"])))
