"""The report on the Gaps page: what is offered, and that it is the report."""

import tomllib
from datetime import date
from pathlib import Path

import pytest

from shelterplan.app import report_button, store
from shelterplan.app.words import Words
from shelterplan.scenario import Scenario
from shelterplan.standards import AccessStandard
from shelterplan.study_area import StudyArea
from shelterplan.views import pdf
from shelterplan.views.report import report
from shelterplan.views.report.as_html import to_html

from .test_app_pages import opened, said

DAY = date(2026, 1, 31)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_gaps_page_offers_the_report(lang):
    app = opened("gaps", area="monaco", lang=lang)
    assert not app.exception
    assert Words(lang)("report.lead").split("<")[0] in said(app)
    names = {block.proto.id.split("-")[-1] for block in app.get("download_button")}
    assert {f"report_{name}" for name in ("pdf", "html", "xlsx", "gpkg", "zip")} <= names


def test_the_offered_file_is_the_report():
    area = store.area("monaco")
    given_ = (area.version, Scenario(), AccessStandard(), "zh", DAY)
    page = report_button.made("monaco", *given_, "html")
    same = report(StudyArea.open("monaco"), language="zh", today=DAY)
    assert page == to_html(same)


def test_without_pango_the_page_offers_the_rest(monkeypatch):
    monkeypatch.setattr(pdf, "ready", lambda: False)
    app = opened("gaps", area="monaco")
    assert Words("en")("report.no_pdf") in said(app)


def test_the_words_of_the_button_are_complete():
    source = Path(report_button.__file__).with_name("catalogue.toml").read_text("utf-8")
    entries = tomllib.loads(source)["report"]
    assert all(set(both) == {"en", "zh"} for both in entries.values())
