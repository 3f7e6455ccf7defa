"""What is told about equity, in words and small pieces of a page: pure functions."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

from shelterplan.app.figures import NBSP, lacking, people, percent
from shelterplan.app.markup import table as html_table
from shelterplan.equity.unequal import MEASURES
from shelterplan.views.equity_classes import CLASSES, colour_of, ink_on

if TYPE_CHECKING:
    import pandas as pd

    from shelterplan.app.equity_work import Need
    from shelterplan.app.words import Words
    from shelterplan.equity import Inequality

SHARES = ("coverage", "walk_time")
"""What is compared by a share of people; the rest is an amount for each person."""
NAMED = 8
"""Most communities that are named in a sentence."""
UNKNOWN = "–"


def half(words: Words, found: Inequality) -> str:
    """Say what the worse served half has, how sure that is, and who has nothing."""
    value, low, high = _figures(found, "worst_half_share")
    if math.isnan(value):
        return f"<p class='big' role='status'>{escape(not_known(words, found))}</p>"
    line = words.of("equity_half", found.of, share=percent(value))
    said = [
        words("equity.half_interval", low=percent(low), high=percent(high))
        if math.isfinite(low)
        else "",
    ]
    everybody = float(found.units["population"].sum())
    if found.unreachable_share > 0:
        said.append(words("equity.no_way", people=people(found.unreachable_share * everybody)))
    if found.unknown_share > 0:
        said.append(words("equity.at_least", people=people(found.unknown_share * everybody)))
    more = escape(" ".join(filter(None, said)))
    return f"<p class='big' role='status'>{escape(line)}</p><p class='sureness'>{more}</p>"


def _figures(found: Inequality, measure: str) -> tuple[float, float, float]:
    """Return the value of a measure and the ends of its interval."""
    value, low, high = (float(found.measures[name][measure]) for name in ("value", "low", "high"))
    return value, low, high


def not_known(words: Words, found: Inequality) -> str:
    """Say why the measures are not known."""
    reason = found.left_out.get("gini", "")
    return words.of("equity_unknown", "size" if "known size" in reason else "nothing")


def worst(words: Words, of: str, names: list[str], figures: pd.DataFrame) -> str:
    """Say which district is the worst and which the best, and how sure that is.

    `figures` has `value`, `low`, `high` and `least`, the worst first.
    """
    known = figures[figures["value"].notna()]
    if len(known) < 2:
        return ""
    first, last = known.iloc[0], known.iloc[-1]
    line = words.of(
        "equity_worst",
        of,
        worst=names[0],
        low=_marked(figure(of, first["value"]), least=bool(first["least"])),
        best=names[len(known) - 1],
        high=_marked(figure(of, last["value"]), least=bool(last["least"])),
    )
    if known["low"].isna().all():
        return line
    overlap = (known["low"] <= first["high"]) & (known["high"] >= first["low"])
    others = int(overlap.sum()) - 1
    kind = "some" if others else "none"
    return f"{line} {words.of('equity_overlap', kind, number=others)}"


def _marked(told: str, *, least: bool) -> str:
    """Return a figure, marked if it is at least so much."""
    return f"≥{NBSP}{told}" if least else told


def figure(of: str, value: float) -> str:
    """Return a figure of an area: a share, or an amount for each person.

    Shares of people who walk too far are rounded up, all others down: never better than it is.

    Examples
    --------
    >>> figure("coverage", 0.2399).replace(NBSP, " "), figure("two_step", 0.129)
    ('23.9 %', '0.12')
    """
    if math.isnan(value):
        return UNKNOWN
    if of == "walk_time":
        return lacking(value)
    return percent(value) if of in SHARES else f"{math.floor(value * 100 + 1e-9) / 100:.2f}"


def split(words: Words, found: Inequality) -> str:
    """Say how much of the inequality lies between districts."""
    share, low, high = _figures(found, "between_share")
    if math.isnan(share):
        only = "only one" in found.left_out.get("between_share", "")
        return words("equity.split_one") if only else not_known(words, found)
    line = words("equity.split", between=percent(share), within=lacking(1.0 - share))
    kind = "between" if share >= 0.5 else "within"
    said = [line, words.of("equity_split", kind)]
    if math.isfinite(low):
        said.append(words("equity.split_interval", low=percent(low), high=percent(high)))
    return " ".join(said)


def measures(words: Words, found: Inequality) -> str:
    """Return the measures as a table: what each is, its value and interval."""
    rows = []
    for name in MEASURES:
        value, low, high = _figures(found, name)
        if math.isnan(value):
            continue
        between = UNKNOWN if math.isnan(low) else f"{number(low)}{NBSP}–{NBSP}{number(high)}"
        rows.append(
            [
                *(words.of("equity_measure", name), words.of("equity_meaning", name)),
                *(number(value), between),
            ]
        )
    head = [
        *(words("equity.measure"), words("equity.meaning")),
        *(words("equity.value"), words("equity.interval")),
    ]
    return html_table(head, rows, numbers=2) if rows else ""


def number(value: float) -> str:
    """Return a measure.

    Examples
    --------
    >>> number(0.12345), number(float("inf"))
    ('0.123', '∞')
    """
    return "∞" if math.isinf(value) else f"{value:.3f}"


def areas(words: Words, names: list[str], table: pd.DataFrame, *, title: str) -> str:
    """Return what areas have as a table."""
    rows = [
        [
            name,
            people(row["population"]),
            _with_interval(row, "possible_share"),
            figure("coverage", float(row["coverage_share"])),
            _minutes(row["mean_walk_time_s"]),
            people(row["unreachable_people"]),
            figure("walk_time", float(row["too_far"])),
            *(
                _least(row, column, f"{column.removesuffix('_per_person')}_unknown_share")
                for column in ("m2_per_person", "two_step")
            ),
        ]
        for name, (_, row) in zip(names, table.iterrows(), strict=True)
    ]
    head = [
        title,
        *(words.of("equity_column", name) for name in COLUMNS),
    ]
    return html_table(head, rows, numbers=len(COLUMNS))


COLUMNS = ("people", "possible", "confirmed", "walk", "no_way", "too_far", "m2", "places")
"""Columns of the table of areas, after the name."""


def _with_interval(row: pd.Series[Any], name: str) -> str:
    """Return a share with its interval, if it has one."""
    value, low = float(row[name]), float(row.get(f"{name}_low", math.nan))
    if math.isnan(value):
        return UNKNOWN
    high = float(row.get(f"{name}_high", math.nan))
    between = "" if math.isnan(low) else f" ({percent(low)} – {percent(high)})"
    return f"{percent(value)}{between}"


def _minutes(seconds: float) -> str:
    return f"{math.ceil(seconds / 6 - 1e-9) / 10:.1f}" if math.isfinite(seconds) else UNKNOWN


def _least(row: pd.Series[Any], name: str, unknown: str) -> str:
    """Return what is shared out, marked where shelters of unknown size add to it."""
    value = float(row[name])
    if math.isnan(value):
        return UNKNOWN
    return _marked(figure(name, value), least=bool(row[unknown] > 0))


def groups(words: Words, table: pd.DataFrame) -> str:
    """Say who is left out, one sentence a group, and who is not known of."""
    everybody = float(table["left_out_share"]["everybody"])
    if math.isnan(everybody):
        return f"<p>{escape(words('gaps.nobody'))}</p>"
    said = [words("equity.left_out", share=lacking(everybody))]
    for name, row in table.drop("everybody").iterrows():
        points = f"{abs(row['gap']) * 100:.1f}"
        same = abs(row["gap"]) < 0.0005
        kind = "same" if same else "worse" if row["gap"] > 0 else "better"
        share = lacking(float(row["left_out_share"]))
        if name == "step_free":
            said.append(words.of("equity_step_free", kind, share=share, points=points))
        else:
            group = words.of("group", str(name))
            told = words.of("equity_group", kind, group=group, share=share, points=points)
            said.append(told)
        if row["known_share"] < 1:
            said[-1] += " " + words("equity.partly", share=percent(float(row["known_share"])))
    items = "".join(f"<li>{escape(one)}</li>" for one in said)
    missing = [words.of("group", name) for name in table.attrs["left_out"] if name != "step_free"]
    unknown = words("equity.not_counted", groups=words.listed(missing)) if missing else ""
    tail = f"<p class='check'>{escape(unknown)}</p>" if unknown else ""
    return f"<ul class='notes'>{items}</ul>{tail}"


def group_table(words: Words, table: pd.DataFrame) -> str:
    """Return who is left out as a table."""
    rows = [
        [
            words.of("group", str(name)),
            people(row["population"]),
            people(row["left_out_people"]),
            lacking(row["left_out_share"]),
            f"{lacking(row['left_out_share_low'])} – {lacking(row['left_out_share_high'])}"
            if math.isfinite(row["left_out_share_low"])
            else UNKNOWN,
        ]
        for name, row in table.iterrows()
    ]
    head = [
        *(words("equity.group"), words.of("equity_column", "people")),
        *(words("equity.without"), words("equity.share"), words("equity.interval")),
    ]
    return html_table(head, rows, numbers=4)


def crossing(words: Words, found: Need) -> str:
    """Say what need is here, and where much need meets little access."""
    count = found.worst
    first = words.of("equity_need", found.kind)
    if not len(count):
        return f"<p>{escape(first)} {escape(words('equity.cross_none'))}</p>"
    names = [words.translated(str(name)) for name in count["name"].head(NAMED)]
    more = len(count) - len(names)
    line = words(
        "equity.cross",
        people=people(count["population"].sum()),
        names=words.listed([*names, words("equity.more", number=more) if more else ""]),
    )
    return f"<p>{escape(first)}</p><p><strong>{escape(line)}</strong></p>"


def class_told(words: Words, need: int, lack: int) -> str:
    """Return the two classes of a community in words."""
    if need < 0 or lack < 0:
        return words("equity.class_unknown")
    return words.listed(
        [words.of("equity_need_class", str(need)), words.of("equity_lack_class", str(lack))]
    )


def legend(words: Words, found: Need, *, dark: bool) -> str:
    """Return the legend of the map of need and access: three by three colours, with numbers.

    It is a table: need in rows, the most on top; lack of access in columns, the most on the right.
    Each cell tells how many communities it holds; what it means and how many people is in words.
    """
    columns = "".join(
        f"<th scope='col' style='{_HEAD}'>{escape(words.of('equity_lack_class', str(lack)))}</th>"
        for lack in range(CLASSES)
    )
    rows = "".join(
        f"<tr><th scope='row' style='{_HEAD}'>"
        f"{escape(words.of('equity_need_class', str(need)))}</th>"
        + "".join(_cell(words, found, need, lack, dark=dark) for lack in range(CLASSES))
        + "</tr>"
        for need in reversed(range(CLASSES))
    )
    caption = escape(words("equity.legend"))
    return (
        f"<div class='scroll' tabindex='0' role='group' aria-label='{caption}'>"
        f"<table style='border-collapse:separate;border-spacing:3px;width:auto'>"
        f"<caption style='text-align:left;font-weight:600'>{caption}</caption>"
        f"<thead><tr><td style='border:0'></td>{columns}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


_HEAD = "text-align:left;vertical-align:middle;padding:4px 8px 4px 0;border:0;font-weight:600"


def _cell(words: Words, found: Need, need: int, lack: int, *, dark: bool) -> str:
    """Return one cell of the legend."""
    table = found.table
    here = table[(table["need_class"] == need) & (table["lack_class"] == lack)]
    told = words(
        "equity.cell",
        kind=class_told(words, need, lack),
        number=len(here),
        people=people(here["population"].sum()),
    )
    colour = colour_of(need, lack, dark=dark)
    frame = "3px solid currentColor" if need == lack == CLASSES - 1 else "1px solid currentColor"
    style = (
        f"background:{colour};color:{ink_on(colour)};text-align:center;min-width:3.5rem;"
        f"padding:8px;outline:{frame};font-weight:700"
    )
    return f"<td style='{style}' title='{escape(told, quote=True)}'>{len(here)}</td>"
