"""Data: what a study area is made of, what was left out, and what is wrong or thin in it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from shelterplan.app import store
from shelterplan.app.markup import cards, table
from shelterplan.app.words import Words

if TYPE_CHECKING:
    import pandas as pd

    from shelterplan.app.settings import Settings
    from shelterplan.quality import Check
    from shelterplan.study_area import Source, StudyArea

SHOWN = 50
"""Most findings shown on the page; the count of all is said."""


def show(area: StudyArea, chosen: Settings, words: Words) -> None:
    """Show the page."""
    st.html(f"<p class='lead'>{escape(words('data.lead', title=area.title))}</p>")
    _contents(words, area)
    _notes(words, area)
    _sources(words, area)
    _dropped(words, area)
    with st.spinner(words("data.checking")):
        found = store.checked(chosen.area, area.version)
    _grades(words, found)
    _findings(words, found)


def _contents(words: Words, area: StudyArea) -> None:
    """Say how much of everything there is."""
    rows = [(words("data.people"), f"{area.demand['population'].sum():,.0f}")]
    for name in ("communities", "demand", "shelters", "candidates", "streets"):
        rows.append((words.of("table", name), f"{len(getattr(area, name)):,}"))
    rows.append((words("data.length"), f"{area.streets['length_m'].sum() / 1000:,.0f} km"))
    rows.append((words("data.version"), area.version))
    st.html(cards([("", rows)]))


def _notes(words: Words, area: StudyArea) -> None:
    """Show what everybody who sees a result must know."""
    if area.notes:
        st.subheader(words("data.notes"), anchor=False)
        items = "".join(f"<li>{escape(note)}</li>" for note in area.notes)
        st.html(f"<ul class='notes' lang='en'>{items}</ul>")


def _sources(words: Words, area: StudyArea) -> None:
    """Show each source with its date, its licence and its hash."""
    st.subheader(words("data.sources"), anchor=False)
    st.html(cards([_source(words, area, source) for source in area.sources]))


def _source(words: Words, area: StudyArea, source: Source) -> tuple[str, list[tuple[str, str]]]:
    """Return the card of one source."""
    title = words.of("table", source.table)
    if source.table in area.illustrative:
        title += f" ({words('data.illustrative')})"
    unknown = words("data.unknown")
    rows = [(words("data.name"), source.name), (words("data.date"), source.date or unknown),
            (words("data.licence"), source.licence or unknown),
            (words("data.hash"), source.sha256 or unknown)]
    if source.note:
        rows.append((words("data.note"), source.note))
    return title, rows


def _dropped(words: Words, area: StudyArea) -> None:
    """Show what was left out, and why."""
    st.subheader(words("data.dropped"), anchor=False)
    st.html(f"<p>{escape(words('data.dropped_more'))}</p>")
    if area.dropped.empty:
        st.html(f"<p>{escape(words('data.nothing'))}</p>")
    else:
        st.html(table(
            [words("data.reason"), words("data.ways"), words("data.km")],
            [[words.of("rule", str(row["rule"]), otherwise=str(row["reason"])),
              f"{row['ways']:,}", f"{row['length_m'] / 1000:,.1f}"]
             for _, row in area.dropped.iterrows()], numbers=2))
    if len(area.quarantine):
        st.html(f"<p>{escape(words.count('quarantined', len(area.quarantine)))}</p>")
        st.html(_problems(words, area.quarantine))


def _grades(words: Words, found: Check) -> None:
    """Show the grade of each district, and how its places lie to the streets."""
    st.subheader(words("data.grades"), anchor=False)
    st.html(f"<p>{escape(words('data.grades_more'))}</p>")
    st.html(table(
        [words("data.district"), words("data.grade"), words("data.reasons")],
        [[str(district), str(row["grade"]), words.of("measure", str(row["reason"]) or "none")]
         for district, row in found.grades.iterrows()]))


def _findings(words: Words, found: Check) -> None:
    """Show what is wrong or thin, and how to mend it."""
    st.subheader(words("data.findings"), anchor=False)
    count = len(found.findings)
    if not count:
        st.html(f"<p>{escape(words('data.nothing'))}</p>")
        return
    said = words.count("findings", count)
    if count > SHOWN:
        said += " " + words("data.first", number=SHOWN)
    st.html(f"<p>{escape(said)}</p>" + _problems(words, found.findings))


def _problems(words: Words, rows: pd.DataFrame) -> str:
    """Return problems as a table: where, what, how to mend."""
    return table(
        [words("data.where"), words("data.problem"), words("data.mend")],
        [[f"{words.of('table', str(row['table']))} {row['row']}", str(row["problem"]),
          str(row["mend"])] for _, row in rows.head(SHOWN).iterrows()], lang="en")
