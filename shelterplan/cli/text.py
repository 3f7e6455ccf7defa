"""What the command line prints: aligned tables, exact JSON, and a bar for long work."""

from __future__ import annotations

import json
import math
import sys
import unicodedata
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shelterplan.progress import Progress

BAR_WIDTH = 24
"""Cells of a progress bar."""
NOTE_WIDTH = 100
"""Columns of the screen that a note may take."""
LONGEST_CELL = 44
"""Most columns of the screen for one text cell of a table."""


def print_json(value: object) -> None:
    """Print a value as JSON, numbers exact; `inf`, NaN and NA become null."""
    narrow = "utf" not in str(getattr(sys.stdout, "encoding", "utf-8")).casefold()
    click.echo(json.dumps(plain(value), ensure_ascii=narrow, allow_nan=False, indent=2))


def plain(value: Any) -> Any:  # noqa: ANN401  (whatever a table may hold)
    """Return a value in the types of JSON.

    Examples
    --------
    >>> plain({"distance_m": float("inf"), "n": 3.0})
    {'distance_m': None, 'n': 3.0}
    """
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    text = str(value)
    return None if text in {"<NA>", "NaT"} else text


def clean(text: object) -> str:
    r"""Return text on one line without control characters, so that no name moves the cursor.

    Examples
    --------
    >>> clean("a\x1b[2Jb\nc")
    'a [2Jb c'
    """
    return "".join(
        " " if unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else letter
        for letter in str(text)
    ).strip()


def width(text: str) -> int:
    """Return how many columns of a screen a text takes: Chinese letters take two."""
    return sum(
        0
        if unicodedata.combining(letter)
        else 2
        if unicodedata.east_asian_width(letter) in "WF"
        else 1
        for letter in text
    )


def fit(text: str, columns: int) -> str:
    """Return a text cut to so many columns of the screen.

    Examples
    --------
    >>> fit("莲花山公园", 7)
    '莲花山…'
    """
    if width(text) <= columns:
        return text
    while width(text) > columns - 1:
        text = text[:-1]
    return text + "…"


def print_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print an aligned table: numbers to the right, text to the left."""
    cells = [[one if isinstance(one, str) else number(one) for one in row] for row in rows]
    right = (
        [all(not isinstance(one, str) for one in column) for column in zip(*rows, strict=True)]
        if isinstance(rows, list) and rows
        else []
    )
    cells = [[fit(clean(one), LONGEST_CELL) for one in row] for row in [list(header), *cells]]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = [
            " " * (space - width(one)) + one
            if i < len(right) and right[i]
            else one + " " * (space - width(one))
            for i, (one, space) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  ".join(padded).rstrip())


def number(value: Any) -> str:  # noqa: ANN401  (numpy, pandas or plain)
    """Return a number for people: thousands marked, "-" where there is none.

    Examples
    --------
    >>> number(1234.0), number(0.25), number(float("inf")), number(None)
    ('1,234', '0.2', 'no way', '-')
    """
    value = plain_number(value)
    if value is None:
        return "-"
    if math.isinf(value):
        return "no way"
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1000 else f"{value:,.1f}"


def counted(count: int, thing: str) -> str:
    """Return a number of things in words.

    Examples
    --------
    >>> counted(1, "row"), counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def plain_number(value: Any) -> float | None:  # noqa: ANN401
    """Return a number as float, None for NA and NaN."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return None if math.isnan(found) else found


def percent(share: Any) -> str:  # noqa: ANN401
    """Return a share as a percentage that shows 100 % only where it is whole.

    Examples
    --------
    >>> percent(0.99999), percent(1.0), percent(float("nan"))
    ('99.9 %', '100.0 %', '-')
    """
    value = plain_number(share)
    return "-" if value is None else f"{math.floor(value * 1000 + 1e-9) / 10:.1f} %"


def print_notes(notes: Iterable[str]) -> None:
    """Print what everybody who sees a result must know."""
    for note in notes:
        click.echo(
            click.wrap_text(f"Note: {clean(note)}", width=NOTE_WIDTH, subsequent_indent="  ")
        )


def print_facts(facts: Mapping[str, object]) -> None:
    """Print a few facts, one a line."""
    space = max(map(width, facts), default=0) + 2
    for name, value in facts.items():
        click.echo(f"{name}:{' ' * (space - width(name) - 1)}{clean(value)}")


def bar(*, shown: bool, stream: TextIO | None = None) -> Progress:
    """Return a progress callback that draws a bar, if wanted and if somebody can see it."""
    sink = sys.stderr if stream is None else stream
    visible = shown and sink.isatty()

    def draw(stage: str, share: float) -> None:
        if not visible:
            return
        done = round(BAR_WIDTH * min(max(share, 0.0), 1.0))
        sink.write(
            f"\r\x1b[K{clean(stage):<28.28} [{'#' * done}{'-' * (BAR_WIDTH - done)}] "
            f"{share:4.0%}{chr(10) if share >= 1 else ''}"
        )
        sink.flush()

    return draw
