"""Data: what a study area is made of, what was left out, and what is wrong or thin in it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st

from shelterplan.app import store
from shelterplan.app.markup import cards, table
from shelterplan.app.words import TAGS, Words

if TYPE_CHECKING:
    import pandas as pd

    from shelterplan.app.settings import Settings
    from shelterplan.quality import Check
    from shelterplan.study_area import Source, StudyArea

SHOWN = 50
"""Most findings shown on the page; the count of all is said."""


def show(area: StudyArea, chosen: Settings, words: Words) -> None:
    """Show the page."""
    st.html(f"<p class='lead'>{escape(words('data.lead', title=words.translated(area.title)))}</p>")
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
    tables = ("communities", "demand", "shelters", "candidates", "hazards", "streets")
    rows = [
        (words("data.people"), f"{area.demand['population'].sum():,.0f}"),
        *((words.of("table", name), f"{len(getattr(area, name)):,}") for name in tables),
        (
            words("data.length"),
            words("unit.km", number=f"{area.streets['length_m'].sum() / 1000:,.0f}"),
        ),
        (words("data.version"), area.version),
    ]
    st.html(cards([("", rows)]))


def _notes(words: Words, area: StudyArea) -> None:
    """Show what everybody who sees a result must know."""
    if area.notes:
        st.header(words("data.notes"), anchor=False)
        items = "".join(
            f"<li lang='{TAGS[words.lang] if note in words.translations else 'en'}'>"
            f"{escape(words.translated(note))}</li>"
            for note in area.notes
        )
        st.html(f"<ul class='notes'>{items}</ul>")


def _sources(words: Words, area: StudyArea) -> None:
    """Show each source with its date, its licence and its hash."""
    st.header(words("data.sources"), anchor=False)
    st.html(cards([_source(words, area, source) for source in area.sources]))


def _source(words: Words, area: StudyArea, source: Source) -> tuple[str, list[tuple[str, str]]]:
    """Return the card of one source."""
    title = words.of("table", source.table)
    if source.table in area.illustrative:
        title += f" ({words('data.illustrative')})"
    unknown = words("data.unknown")
    rows = [
        (words("data.name"), words.translated(source.name)),
        (words("data.date"), source.date or unknown),
        (words("data.licence"), words.translated(source.licence) or unknown),
        (words("data.hash"), source.sha256 or unknown),
    ]
    if source.note:
        rows.append((words("data.note"), words.translated(source.note)))
    return title, rows


def _dropped(words: Words, area: StudyArea) -> None:
    """Show what was left out, and why."""
    st.header(words("data.dropped"), anchor=False)
    st.html(f"<p>{escape(words('data.dropped_more'))}</p>")
    if area.dropped.empty:
        st.html(f"<p>{escape(words('data.nothing'))}</p>")
    else:
        st.html(
            table(
                [words("data.reason"), words("data.ways"), words("data.km")],
                [
                    [
                        words.of("rule", str(row["rule"]), otherwise=str(row["reason"])),
                        f"{row['ways']:,}",
                        f"{row['length_m'] / 1000:,.1f}",
                    ]
                    for _, row in area.dropped.iterrows()
                ],
                numbers=2,
            )
        )
    if len(area.quarantine):
        st.html(f"<p>{escape(words.count('quarantined', len(area.quarantine)))}</p>")
        st.html(_problems(words, area.quarantine))


def _grades(words: Words, found: Check) -> None:
    """Show the grade of each district, and how well places could be put on the streets."""
    st.header(words("data.grades"), anchor=False)
    st.html(f"<p>{escape(words('data.grades_more'))}</p>")
    st.html(
        table(
            [words("data.district"), words("data.grade"), words("data.reasons")],
            [
                [
                    words.translated(str(district)),
                    str(row["grade"]),
                    words.of("measure", str(row["reason"]) or "none"),
                ]
                for district, row in found.grades.iterrows()
            ],
        )
    )
    st.header(words("data.snapping"), anchor=False)
    st.html(f"<p>{escape(words('data.snapping_more'))}</p>")
    st.html(cards([_snapping(words, str(name), row) for name, row in found.snapping.iterrows()]))


def _snapping(words: Words, name: str, row: pd.Series[Any]) -> tuple[str, list[tuple[str, str]]]:
    """Return the card that says how the places of a table lie to the streets."""
    counts = [
        (words.of("snap", column), f"{row[column]:,.0f}")
        for column in ("places", "no_network", "moved_off_island", "still_on_island")
    ]
    legs = [
        (words.of("snap", column), words.distance(float(row[column])))
        for column in ("median_leg_m", "p95_leg_m")
        if row[column] == row[column]
    ]
    return words.of("table", name), counts + legs


def _findings(words: Words, found: Check) -> None:
    """Show what is wrong or thin, and how to mend it."""
    st.header(words("data.findings"), anchor=False)
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
        [
            [f"{words.of('table', str(row['table']))} {row['row']}", *_told(words, row)]
            for _, row in rows.head(SHOWN).iterrows()
        ],
    )


def _told(words: Words, row: pd.Series[Any]) -> tuple[str, str]:
    """Return a problem and how to mend it; what has no code is told as it was reported."""
    problem, mend = str(row["problem"]), str(row["mend"])
    values = dict(row.get("values") or {})
    if "reason" in values:
        values["reason"] = words.of("rule", str(values["rule"]), otherwise=str(values["reason"]))
    if "name" in values:
        values["name"] = words.translated(str(values["name"]))
    if "status" in values:
        values["status"] = words.of("shelter_status", str(values["status"]))
    shown = {}  # in the problem alone: how to mend it names columns
    if "group" in values:
        shown["group"] = words.of("group", str(values["group"]))
    if "hazard" in values:
        shown["hazard"] = words.of("hazard", str(values["hazard"]))
    code = str(row.get("code", ""))
    return (
        words.of("finding", code, otherwise=problem, **values | shown),
        words.of("mending", code, otherwise=mend, **values),
    )
