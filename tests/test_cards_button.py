"""The button for the card of the community that is chosen on the Gaps page."""

from __future__ import annotations

import io
from html import unescape

import pypdf
import pytest

from shelterplan.app import cards_button
from shelterplan.app.words import LANGUAGES, catalogue
from shelterplan.scenario import Scenario
from shelterplan.standards import AccessStandard
from shelterplan.study_area import StudyArea

from .test_app_pages import opened


def offered(app) -> list:
    return [
        button.proto for button in app.get("download_button") if "download_card" in button.proto.id
    ]


@pytest.mark.parametrize("lang", list(LANGUAGES))
def test_the_card_of_the_chosen_community_is_offered(lang):
    app = opened("gaps", area="monaco", community="larvotto", lang=lang)
    assert not app.exception
    (button,) = offered(app)
    key = "card" if cards_button.ready() else "card_html"
    assert button.label == catalogue()[f"gaps.{key}"][lang]


def test_no_card_is_offered_while_no_community_is_chosen():
    assert offered(opened("gaps", area="monaco")) == []


@pytest.mark.parametrize("lang", list(LANGUAGES))
def test_the_file_is_the_card_of_that_community(lang):
    asked = ("monaco", StudyArea.open("monaco").version, "larvotto", Scenario(), AccessStandard())
    page = cards_button.card_file(*asked, lang, pdf=False).decode("utf-8")
    assert page.count("<section class='card'") == 1
    assert "Larvotto" in page
    if cards_button.ready():
        made = cards_button.card_file(*asked, lang, pdf=True)
        assert len(pypdf.PdfReader(io.BytesIO(made)).pages) == 1
    flooded = cards_button.card_file(
        *asked[:3], Scenario.of(hazard="landslide"), asked[4], lang, pdf=False
    )
    assert flooded.decode("utf-8") != page


def test_where_no_pdf_can_be_made_html_is_offered(monkeypatch):
    monkeypatch.setattr(cards_button, "ready", lambda: False)
    app = opened("gaps", area="monaco", community="larvotto")
    (button,) = offered(app)
    assert button.label == catalogue()["gaps.card_html"]["en"]


def test_the_address_of_a_map_that_others_can_reach_stands_on_the_card():
    asked = ("monaco", StudyArea.open("monaco").version, "larvotto", Scenario(), AccessStandard())
    link = cards_button.map_address("https://shelters.example.org/gaps?x=1", "monaco", "en")
    page = unescape(cards_button.card_file(*asked, "en", link, pdf=False).decode("utf-8"))
    assert "https://shelters.example.org/resident/monaco?lang=en#en" in page
    without = cards_button.card_file(*asked, "en", pdf=False).decode("utf-8")
    assert "shelters.example.org" not in without
    for here in (None, "", "http://localhost:8501/gaps", "http://[::1]:8501/", "ftp://a.example/"):
        assert cards_button.map_address(here, "monaco", "en") is None
