"""What a planner is told of a proposal, as small pieces of a page: pure functions."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from shelterplan.app.markup import table
from shelterplan.views.proposal_telling import Telling, places, signed
from shelterplan.views.proposal_words import parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from shelterplan.app.words import Words
    from shelterplan.siting.evaluate import Evaluation
    from shelterplan.siting.proposal import Proposal
    from shelterplan.siting.suggest import Suggestion
    from shelterplan.study_area import StudyArea

MOST_ROWS = 40
"""Communities that are listed; the downloads have all."""


def telling(words: Words, found: Evaluation, title: str, area: StudyArea) -> Telling:
    """Return what tells of a proposal in the words' language."""
    return Telling(found, words.lang, title, area)


def headline(told: Telling) -> str:
    """Say what a proposal does, who is worse off and which sites would not be used."""
    said = parts(told)
    good = told.after > told.before
    more = (said["losers"], said.get("unused", ""))
    lines = "".join(f"<p>{escape(text)}</p>" for text in more if text)
    return (
        f"<div class='status {'answer' if good else 'problem'}' role='status'>"
        f"<p class='line'>{escape(said['gain'])}</p>{lines}</div>"
    )


def paragraph(told: Telling) -> str:
    """Return the rest of what there is to say, as three short paragraphs."""
    said = parts(told)
    groups = (
        ("walks", "winners", "groups", "use"),
        ("room", "interval", "best", "equity"),
        ("assumed", "standard", "illustrative"),
    )
    texts = (told.together(said.get(name, "") for name in group) for group in groups)
    return "".join(f"<p>{escape(text)}</p>" for text in texts if text)


def people_table(
    words: Words, rows: pd.DataFrame, first: str, name: Callable[[object], str]
) -> str:
    """Return a table of people with a place before and after, one line a row."""
    counts = "population" in rows
    minutes = "saved_person_min" in rows
    head = [words.of("proposals", first)]
    head += [words("gaps.column_people")] if counts else []
    head += [words("proposals.before"), words("proposals.after"), words("proposals.change")]
    head += [words("proposals.minutes")] if minutes else []
    lines = []
    for key, row in rows.iterrows():
        before, after = float(row["before_people"]), float(row["after_people"])
        line = [name(key)] + ([f"{row['population']:,.0f}"] if counts else [])
        line += [places(before), places(after), signed(after - before)]
        lines.append([*line, *([f"{row['saved_person_min']:,.0f}"] if minutes else [])])
    return table(head, lines, numbers=len(head) - 1)


def communities(told: Telling, words: Words) -> str:
    """Return the communities where people gain or lose a place, those with the most first."""
    rows = told.found.communities
    rows = rows[(rows["newly_people"] > 0) | (rows["lost_people"] > 0)]
    if rows.empty:
        return ""
    ranked = rows.sort_values(["newly_people", "lost_people"], ascending=False, kind="stable")
    names = rows["name"].map(told.named)
    shown = ranked.head(MOST_ROWS)
    return people_table(words, shown, "community", lambda key: str(names[key]))  # type: ignore[call-overload]


def sites(told: Telling, words: Words) -> str:
    """Return the sites: who would be sent there, who of them has a place anyway, and why nobody."""
    head = [
        words("proposals.site"),
        words("proposals.room"),
        words("proposals.sent"),
        words("proposals.overlap"),
    ]
    unknown, rows = words("data.unknown"), []
    for number, (_, site) in enumerate(told.found.sites.iterrows(), 1):
        sent = site["assigned_population"]
        name = words("proposals.option", number=number, name=told.named(site["name"]))
        reason = told.unused_reason(site)
        rows.append(
            [
                f"{name} – {reason}" if reason else name,
                unknown if pd.isna(site["room"]) else places(float(site["room"])),
                "–" if pd.isna(sent) else places(float(sent)),
                "–" if pd.isna(sent) else places(float(site["had_place_population"])),
            ]
        )
    return table(head, rows, numbers=3)


def relieved(told: Telling, words: Words) -> str:
    """Return the existing shelters that fewer, or more, people are sent to."""
    found = told.found.shelters
    if "relieved_people" not in found:
        return ""
    rows = found[found["relieved_people"].abs() >= 1].sort_values(
        "relieved_people", ascending=False, kind="stable"
    )
    if rows.empty:
        return ""
    head = [words("proposals.shelter"), words("proposals.before"), words("proposals.after")]
    lines = [
        [told.named(row["name"]), places(row["before_people"]), places(row["after_people"])]
        for _, row in rows.head(MOST_ROWS).iterrows()
    ]
    return table(head, lines, numbers=2)


def equity(told: Telling, words: Words) -> str:
    """Return the measures of equity that could be worked out, before and after."""
    rows = []
    for name, row in told.found.equity.iterrows():
        before, after = float(row["before"]), float(row["after"])
        if abs(before) == float("inf") or before != before or after != after:  # noqa: PLR0124
            continue
        if f"measure.{name}" in _known():
            verdict = "same" if f"{before:.3f}" == f"{after:.3f}" else str(row["verdict"])
            rows.append(
                [
                    told.word("measure", str(name)),
                    told.word("verdict", verdict),
                    f"{before:.3f}",
                    f"{after:.3f}",
                ]
            )
    head = [words("proposals.measure"), words("proposals.verdict")]
    head += [words("proposals.now"), words("proposals.then")]
    return table(head, rows, numbers=2) if rows else ""


def _known() -> dict[str, dict[str, str]]:
    from shelterplan.views.proposal_telling import texts

    return texts()


def difference(told: Telling, words: Words, other: Suggestion) -> str:
    """Return the sites of the best plan and of the proposal, and which are in both."""
    mine = dict(told.found.sites["name"].items())
    names = {**mine, **dict(other.sites["name"].items())}
    order = [*other.sites.index, *(key for key in mine if key not in other.sites.index)]
    yes, no = words("sites.yes"), words("sites.no")
    rows = [
        [
            told.named(names[key]),
            yes if key in mine else no,
            yes if key in other.sites.index else no,
        ]
        for key in order
    ]
    return table(
        [words("proposals.site"), words("proposals.this_one"), words("proposals.best_plan")], rows
    )


def compared(
    words: Words,
    proposals: list[Proposal],
    found: list[Evaluation | None],
    others: list[Suggestion | None],
    area: StudyArea,
) -> pd.DataFrame:
    """Return the proposals side by side: one row each, what is compared in the columns."""
    rows = []
    for proposal, one, other in zip(proposals, found, others, strict=True):
        told = None if one is None else telling(words, one, proposal.title, area)
        rows.append(_compared(words, proposal, told, other))
    return pd.DataFrame(rows).rename_axis(words("proposals.number"))


def _compared(
    words: Words, proposal: Proposal, told: Telling | None, other: Suggestion | None
) -> dict[str, str]:
    """Return what is compared of one proposal, by title, as text."""
    costs = proposal.sites["cost"]
    known = len(costs) > 0 and bool(costs.notna().all())
    values = {
        "title": proposal.title,
        "sites_count": f"{len(proposal.sites)}",
        "cost": f"{float(costs.sum()):,g}" if known else words("data.unknown"),
    }
    names = ("newly", "share_after", "minutes", "worst_district", "better", "worse", "unused_count")
    if told is None:
        values |= dict.fromkeys((*names, "gap"), "–")
        return {words.of("proposals", name): value for name, value in values.items()}
    rows = told.found.communities
    values |= {
        "newly": signed(told.after - told.before),
        "share_after": told.share(told.after, told.everybody),
        "minutes": f"{told.found.saved_person_min:,.0f}",
        "worst_district": _worst(told),
        "better": str(int((rows["newly_people"] >= 1 - 1e-6).sum())),
        "worse": str(int((rows["lost_people"] > 1e-6).sum())),
        "unused_count": str(
            sum(bool(told.unused_reason(site)) for _, site in told.found.sites.iterrows())
        ),
        "gap": _gap(words, told, other),
    }
    return {words.of("proposals", name): value for name, value in values.items()}


def _worst(told: Telling) -> str:
    rows = told.found.districts[told.found.districts["population"] > 0]
    share = rows["after_people"] / rows["population"]
    if share.empty:
        return "–"
    return f"{told.share(float(share.min()))} ({told.named(share.idxmin())})"


def _gap(words: Words, told: Telling, other: Suggestion | None) -> str:
    """Return how many more people the best plan at the same cost gives a place."""
    if other is None:
        return words("proposals.not_computed")
    column = "possible_people" if told.found.counted == "possible" else "covered_population"
    more = float(other.after.total[column]) - told.after
    proven = "proven" if other.result.optimal else "not_proven"
    return f"{signed(more)} ({words.of('proposals', proven)})"


def side_by_side(words: Words, made: pd.DataFrame) -> str:
    """Return the comparison with one column a proposal."""
    head = [words("proposals.compared"), *(str(title) for title in made.iloc[:, 0])]
    lines = [[str(name), *made[name].astype(str)] for name in made.columns[1:]]
    return table(head, lines, numbers=len(head) - 1)
