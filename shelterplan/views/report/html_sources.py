"""The last pages of a report: what is not known, the method, and how to repeat it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shelterplan.views.exports import plain
from shelterplan.views.report.parts import escape, listing, paragraph, table, third
from shelterplan.views.report.repeat import needs_file, same_standard

if TYPE_CHECKING:
    from shelterplan.views.report.contents import Report


def unknowns(report: Report) -> str:
    """Return what is not known, how far the data can be trusted, and where it comes from."""
    voice, area = report.voice, report.area
    missing = report.tables.get("unknowns")
    said = list(missing["said"]) if missing is not None else [voice.say("unknowns.none")]
    notes = [voice.named(note) for note in area.notes]
    return (
        listing(said)
        + paragraph(voice.say("unknowns.never"), "banner")
        + third(voice.say("unknowns.grades"))
        + _grades(report)
        + (third(voice.say("unknowns.notes")) + listing(notes, css="small") if notes else "")
        + _sources(report)
    )


def _grades(report: Report) -> str:
    voice, graded = report.voice, report.tables["grades"]
    rows = [
        [
            voice.called("district", row["district"]),
            str(row["grade"]),
            voice.word("grade_by", str(row["reason"]) or "none"),
        ]
        for _, row in graded.iterrows()
    ]
    head = [voice.say(f"head.{name}") for name in ("district", "grade", "reason")]
    return table(head, rows, texts=3)


def _sources(report: Report) -> str:
    voice = report.voice
    rows = [
        [
            voice.word("source_of", source.table),
            source.name,
            source.date or voice.say("unknowns.no_date"),
            source.licence,
            voice.named(source.note) if source.note else "",
            source.sha256[:16] + ("…" if source.sha256 else ""),
        ]
        for source in report.area.sources
    ]
    head = [voice.say(f"head.{name}") for name in ("topic", "source", "date", "licence")]
    head += [voice.column("note"), voice.say("head.hash")]
    made = table(head, rows, texts=6, css="sources")
    return third(voice.say("unknowns.sources")) + made if rows else ""


def method(report: Report) -> str:
    """Return how the figures were worked out, in plain words."""
    voice = report.voice
    room = str(voice.scenario.get("room", "assigned"))
    names = ["m1", "m2", "m3", f"m4_{room}", "m5", "m6", *(["m7"] if report.proposals else [])]
    return listing((voice.say(f"method.{name}") for name in [*names, "m8"]), kind="ol")


def repeat(report: Report) -> str:
    """Return the command that makes the report again, and the manifest."""
    voice, manifest = report.voice, report.manifest
    more = [
        voice.say("repeat.proposals") if report.proposals else "",
        voice.say("repeat.scenario") if needs_file(voice.scenario) else "",
        voice.say("repeat.standard") if not same_standard(voice.standard) else "",
        voice.say("repeat.formats"),
    ]
    shown = {key: value for key, value in manifest.items() if key != "command"}
    shown["area"] = {key: value for key, value in manifest["area"].items() if key != "notes"}
    text = json.dumps(plain(shown), ensure_ascii=False, indent=1, default=str)
    lines = "\n".join(escape(line) for line in text.split("\n"))
    return (
        paragraph(voice.say("repeat.command"), "intro")
        + f"<pre class='command'>{escape(manifest['command'])}</pre>"
        + paragraph(voice.together(more))
        + third(voice.say("repeat.manifest"))
        + f"<pre class='manifest'>{lines}</pre>"
    )
