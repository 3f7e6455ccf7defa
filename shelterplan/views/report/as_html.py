"""A report as one HTML file that needs no network, made to be read and to be printed."""

from __future__ import annotations

import math
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from shelterplan.coverage import STATUSES
from shelterplan.ranking import PARTS
from shelterplan.study_area import ATTRIBUTION
from shelterplan.views.charts import STATUS_COLOURS
from shelterplan.views.proposal_card import POLICY, TAGS, escape
from shelterplan.views.proposal_words import assumptions
from shelterplan.views.report import html_equity, html_proposals, html_sources, picture
from shelterplan.views.report.parts import paragraph, quoted, section, table, third
from shelterplan.views.report.tables import clean
from shelterplan.views.report.voice import had, order, short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shelterplan.views.report.contents import Report
    from shelterplan.views.report.voice import Voice

FIRST: Final = 12
"""Communities in the tables of the first pages; the annex has all."""
ANNEX: Final = 400
"""Most communities in the annex; the data files have all."""
PLACED: Final = frozenset({"covered", "capacity_unknown"})
"""Statuses of people who have a place, or may have one."""
REASONS: Final = tuple(status for status in STATUSES if status != "covered")


def to_html(report: Report) -> bytes:
    """Return a report as HTML in UTF-8, the same bytes for the same report.

    Every text in it is escaped, it runs no script, and its own policy forbids the browser to ask
    anybody for anything.

    Examples
    --------
    >>> from datetime import date
    >>> from shelterplan import StudyArea
    >>> from shelterplan.views.report.contents import report
    >>> page = to_html(report(StudyArea.open("monaco"), today=date(2026, 1, 31))).decode()
    >>> "7,744" in page, "<script" in page
    (True, False)
    """
    css = files("shelterplan.views.report").joinpath("report.css").read_text("utf-8")
    return (
        f"<!doctype html><html lang='{TAGS[report.language]}'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<meta name='dcterms.created' content='{report.day.isoformat()}'>"
        f"<meta name='generator' content='{escape(str(report.manifest['program']))}'>"
        f"<title>{escape(report.title)}</title><style>{css}{_running(report)}</style></head>"
        f"<body><main>{''.join(_body(report))}</main></body></html>"
    ).encode()


def _running(report: Report) -> str:
    """Return what stands at the head and the foot of every printed page."""
    said = report.voice.say
    page, of, end = (quoted(said(f"report.{name}")) for name in ("page", "page_of", "page_end"))
    number = f"{page} ' ' counter(page) ' ' {of} ' ' counter(pages) ' ' {end}"
    return (
        f"@page{{@top-left{{content:{quoted(report.title)}}}"
        f"@top-right{{content:'{report.day.isoformat()}'}}"
        f"@bottom-left{{content:{quoted(ATTRIBUTION)}}}@bottom-right{{content:{number}}}}}"
        "@page:first{@top-left{content:''}@top-right{content:''}}"
    )


def _body(report: Report) -> list[str]:
    voice = report.voice
    worst = _worst(report)
    made = [
        ("question", _question(report)),
        ("answer", _answer(report)),
        ("map", _map(report, worst)),
        ("gaps", _gaps(report, worst)),
        ("priority", _priority(report)),
        ("proposals", html_proposals.proposals(report)),
        ("equity", html_equity.equity(report)),
        ("unknowns", html_sources.unknowns(report)),
        ("method", html_sources.method(report)),
        ("repeat", html_sources.repeat(report)),
        ("annex", _annex(report)),
    ]
    return [
        _head(report),
        *(section(name, voice.say(f"section.{name}"), text) for name, text in made if text),
        f"<footer>{escape(ATTRIBUTION)}</footer>",
    ]


def _head(report: Report) -> str:
    voice, area = report.voice, report.area
    dated = voice.say(
        "report.dated",
        day=report.day.isoformat(),
        program=report.manifest["program"],
        version=area.version,
    )
    illustrative = [voice.word("illustrative", name) for name in sorted(area.illustrative)]
    banner = voice.say("illustrative.note", list=voice.listed(illustrative)) if illustrative else ""
    return (
        f"<header><p class='kind'>{escape(voice.say('report.kind'))}</p>"
        f"<h1>{escape(report.title)}</h1>{paragraph(dated, 'small')}</header>"
        f"{paragraph(banner, 'banner')}"
    )


def _question(report: Report) -> str:
    voice, standard = report.voice, report.standard
    source = voice.say("card.source", source=standard.source.rstrip(".")) if standard.source else ""
    named = voice.word("standard", standard.name)
    sure = voice.say(f"sure.{standard.certainty.replace(' ', '_')}")
    return (
        paragraph(voice.say("report.asked", limit=voice.limit()), "lead")
        + paragraph(
            voice.together(
                [voice.say("report.standard", name=named, limit=voice.limit()), sure, source]
            )
        )
        + paragraph(assumptions(voice))
    )


def _answer(report: Report) -> str:
    voice, total = report.voice, report.plan.total
    everybody = float(total["population"])
    if not everybody:
        return paragraph(voice.say("answer.nobody"), "lead")
    ignored = voice.scenario.get("room") == "ignored"
    gap = float(total["gap_population"])
    tiles = [
        (short(gap), voice.say("answer.gap", limit=voice.limit())),
        (voice.lacking(gap / everybody), voice.all_of("answer.gap_share", everybody)),
    ]
    if ignored:
        tiles.append((voice.share_of(total["coverage_share"]), voice.say("answer.within_reach")))
    else:
        tiles.append((voice.share_of(total["coverage_share"]), voice.say("answer.confirmed")))
        tiles.append((voice.share_of(total["possible_share"]), voice.say("answer.possible")))
    tiles += _walk_time(report)
    drawn = "".join(
        f"<div><strong>{escape(figure)}</strong><span>{escape(text)}</span></div>"
        for figure, text in tiles
    )
    lines = [_walks(report), _at_risk(report), _shelters(report)]
    return f"<div class='tiles'>{drawn}</div>{_statuses(report)}" + "".join(map(paragraph, lines))


def _walk_time(report: Report) -> list[tuple[str, str]]:
    """Return how long half of the people walk; nothing if they have no way."""
    voice, total = report.voice, report.plan.total
    median, p90 = (float(total[f"{name}_walk_time_s"]) for name in ("median", "p90"))
    if math.isinf(median):
        return []
    key = "answer.median_only" if math.isinf(p90) else "answer.median"
    return [(voice.minutes(median), voice.say(key, p90=voice.minutes(p90)))]


def _walks(report: Report) -> str:
    voice, total = report.voice, report.plan.total
    median, p90 = (float(total[f"{name}_distance_m"]) for name in ("median", "p90"))
    if math.isinf(median):
        lived_in = report.plan.demand["population"] > 0
        some = bool((report.plan.demand.loc[lived_in, "distance_m"] < math.inf).any())
        key = "answer.curve_few" if some else "answer.curve_nobody"
    else:
        key = "answer.curve_half" if math.isinf(p90) else "answer.curve"
    said = voice.say(key, median=voice.walk(median), p90=voice.walk(p90))
    estimated = float(total["estimated_people"])
    more = voice.say("answer.estimated", people=short(estimated)) if estimated else ""
    return voice.together([said, more])


def _at_risk(report: Report) -> str:
    voice, total = report.voice, report.plan.total
    if not voice.scenario.get("hazard"):
        return ""
    people = float(total["at_risk_people"])
    return voice.say(
        "answer.at_risk",
        people=short(people),
        share=voice.lacking(people / float(total["population"])),
        hazard=voice.hazard(voice.scenario["hazard"]),
    )


def _shelters(report: Report) -> str:
    voice, reason = report.voice, report.plan.shelters["reason"]
    unused = reason[reason != ""].value_counts().sort_index()
    everything = f"{len(reason):,}"
    if reason.empty:
        return voice.say("answer.shelters_none")
    if unused.empty:
        return voice.say("answer.shelters_all", all=everything)
    reasons = [
        voice.say(f"reason_short.{name}", number=f"{count:,}") for name, count in unused.items()
    ]
    used = len(reason) - int(unused.sum())
    values = {"used": f"{used:,}", "unused": f"{int(unused.sum()):,}"}
    return voice.say("answer.shelters", all=everything, reasons=voice.listed(reasons), **values)


def _statuses(report: Report) -> str:
    """Return the people of each status as a bar and a table, which add up to all."""
    voice, rows = report.voice, report.tables["statuses"]
    shown = rows[rows["population"] > 0]
    everybody = float(rows["population"].sum())
    bar = "".join(
        f"<span style='flex:{share:.6f};background:{STATUS_COLOURS[status]}'></span>"
        for status, share in zip(shown["status"], shown["people_share"], strict=True)
    )
    cells = [
        [
            voice.word("status", row["status"]),
            _people(row["status"], row["population"]),
            _share(voice, row["status"], row["people_share"]),
        ]
        for _, row in shown.iterrows()
    ]
    head = [voice.say(f"head.{name}") for name in ("status", "people", "share")]
    return (
        f"<div class='bar' aria-hidden='true'>{bar}</div>"
        + paragraph(voice.all_of("answer.reasons", everybody))
        + table(head, cells, css="statuses")
    )


def _people(status: str, count: float) -> str:
    """Return a number of people of a status: of those with a place down, of others up."""
    return had(count) if status in PLACED else short(count)


def _share(voice: Voice, status: str, share: float) -> str:
    """Return the share of people of a status, rounded as their number is."""
    return voice.share_of(share) if status in PLACED else voice.lacking(share)


def _worst(report: Report) -> list[str]:
    """Return the communities with the most people without a place."""
    communities = report.plan.communities
    ranked = order(communities, "gap_population", "population")
    gap = communities["gap_population"]
    return [key for key in ranked[:FIRST] if gap[key] > 0]


def _map(report: Report, worst: Sequence[str]) -> str:
    drawn = picture.draw(report, numbers=worst)
    return f"<figure>{drawn.svg}<figcaption>{drawn.legend}</figcaption></figure>"


def _used_reasons(report: Report) -> list[str]:
    total = report.plan.total
    return [status for status in REASONS if total[f"{status}_population"] > 0]


def _gap_row(report: Report, row: Any, name: str, *more: str) -> list[str]:  # noqa: ANN401
    voice = report.voice
    people = float(row["population"])
    gap = float(row["gap_population"])
    reasons = _used_reasons(report)
    return [
        name,
        *more,
        f"{people:,.0f}",
        short(gap),
        voice.lacking(gap / people) if people else "–",
        *(_people(status, row[f"{status}_population"]) for status in ("covered", *reasons)),
        voice.walk(row["median_distance_m"]) if "median_distance_m" in row else "",
    ]


def _gap_head(report: Report, *first: str) -> list[str]:
    names = [*first, "people", "gap", "gap_share", "covered", *_used_reasons(report), "median"]
    return [report.voice.say(f"head.{name}") for name in names]


def _gaps(report: Report, worst: Sequence[str]) -> str:
    voice, plan = report.voice, report.plan
    if not float(plan.total["gap_population"]):
        said = paragraph(voice.say("gaps.none"), "lead")
    else:
        said = paragraph(voice.say("gaps.order"), "intro")
    grade = report.tables["grades"].set_index("district")["grade"].to_dict()
    everybody = voice.say("card.all")
    districts = [
        [
            *_gap_row(report, plan.districts.loc[key], voice.called("district", key)),
            _grade(grade, key),
        ]
        for key in order(plan.districts, "gap_population", "population")
    ]
    districts.append([*_gap_row(report, plan.total, everybody), ""])
    head = [*_gap_head(report, "district"), voice.say("head.grade")]
    if len(plan.districts) == 1:
        name = voice.called("district", plan.districts.index[0])
        said += paragraph(voice.say("gaps.only_one", name=name), "intro")
    rows = [
        _gap_row(report, plan.communities.loc[key], str(number), _named(report, key))
        for number, key in enumerate(worst, 1)
    ]
    made = table(_gap_head(report, "number", "community"), rows, texts=2, css="gaps")
    return (
        said
        + third(voice.say("gaps.districts"))
        + table(head, districts, css="gaps", last=True)
        + paragraph(voice.say("gaps.grade_key"), "small")
        + (third(voice.say("gaps.communities")) + made if made else "")
        + paragraph(voice.say("gaps.see_annex"), "small")
    )


def _named(report: Report, community: str) -> str:
    return report.voice.called("community", report.plan.communities.loc[community, "name"])


def _annex(report: Report) -> str:
    voice, communities = report.voice, report.plan.communities
    keys = order(communities, "gap_population", "population")
    shown = keys[:ANNEX]
    rows = [
        _gap_row(
            report,
            communities.loc[key],
            _named(report, key),
            voice.called("district", communities.loc[key, "district"]),
        )
        for key in shown
    ]
    rows.append(_gap_row(report, report.plan.total, voice.say("card.all"), ""))
    further = len(keys) - len(shown)
    more = voice.say("gaps.further", number=f"{further:,}") if further else ""
    head = _gap_head(report, "community", "district")
    return table(head, rows, texts=2, css="gaps", last=True) + paragraph(more)


def _grade(grades: Mapping[Any, Any], district: Any) -> str:  # noqa: ANN401 - a label
    """Return the grade of a district; the names in the tables are without odd signs."""
    return str(grades.get(clean(str(district)), "–"))


def _priority(report: Report) -> str:
    voice, ranked = report.voice, report.ranking
    if ranked.empty:
        return paragraph(voice.say("answer.nobody"))
    urgent = ranked[ranked["priority"] > 0]
    if urgent.empty:
        return paragraph(voice.say("priority.all_have"))
    order_of = {"rank": urgent["rank"], "gap": -urgent["gap_population"]}
    first = urgent.loc[pd.DataFrame(order_of).sort_values(["rank", "gap"], kind="stable").index]
    first = first.head(FIRST)
    last = first["rank"].iloc[-1]
    equal = int((urgent["rank"] == last).sum())
    tied = voice.say("priority.tied", number=f"{equal:,}", rank=str(last))
    more = paragraph(tied, "small") if equal > int((first["rank"] == last).sum()) else ""
    known = [part for part in PARTS if ranked[part].notna().any()]
    risky = bool(ranked["at_risk_people"].notna().any())
    head = ["rank", "community", "district", "spread", "index"]
    head += ["gap_part" if part == "gap" else part for part in known]
    head += ["gap", *(["at_risk"] if risky else []), "grade"]
    rows = [
        [
            str(row["rank"]),
            voice.called("community", row["name"]),
            voice.called("district", row["district"]),
            _spread(row["rank_low"], row["rank_high"]),
            f"{row['priority']:.2f}",
            *(f"{row[part]:.2f}" for part in known),
            short(row["gap_population"]),
            *([short(row["at_risk_people"])] if risky else []),
            str(row["grade"]),
        ]
        for _, row in first.iterrows()
    ]
    return (
        paragraph(voice.say("priority.lead"), "intro")
        + "".join(paragraph(_left_out(report, *one), "intro") for one in _missing_parts(report))
        + table([voice.say(f"head.{name}") for name in head], rows, texts=3, css="gaps")
        + more
        + paragraph(voice.say("priority.spread"), "small")
    )


def _spread(low: Any, high: Any) -> str:  # noqa: ANN401 - whole numbers or NA
    if pd.isna(low):
        return "–"
    return f"{low}" if low == high else f"{low}–{high}"


def _missing_parts(report: Report) -> list[tuple[str, str]]:
    return [(str(k), str(v)) for k, v in report.ranking.attrs["left_out"].items()]


def _left_out(report: Report, part: str, reason: str) -> str:
    """Say why a part of the priority is not there."""
    voice = report.voice
    digits = "".join(sign for sign in reason if sign.isdigit())
    if part == "hazard":
        kind = "no_zone" if voice.scenario.get("hazard") else "no_hazard"
    else:
        kind = "some_unknown" if digits else "not_given"
    why = voice.say(f"priority.{kind}", number=digits)
    return voice.say("priority.left_out", part=voice.say(f"priority.{part}"), why=why)
