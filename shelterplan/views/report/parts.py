"""Small pieces of a page, every text in them escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelterplan.views.proposal_card import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SHORT = 14
"""A table with at most so many rows is not broken between pages."""

__all__ = ["escape", "listing", "paragraph", "quoted", "section", "table", "third"]


def section(name: str, title: str, *content: str) -> str:
    """Return a section with its heading, under which links find it."""
    return f"<section id='{name}'><h2>{escape(title)}</h2>{''.join(content)}</section>"


def third(title: str) -> str:
    """Return a heading within a section."""
    return f"<h3>{escape(title)}</h3>"


def paragraph(said: str, css: str = "") -> str:
    """Return a paragraph; nothing if there is nothing to say.

    Examples
    --------
    >>> paragraph("5 < 6", css="lead"), paragraph("")
    ("<p class='lead'>5 &#60; 6</p>", '')
    """
    mark = f" class='{css}'" if css else ""
    return f"<p{mark}>{escape(said)}</p>" if said else ""


def listing(items: Iterable[str], *, kind: str = "ul", css: str = "") -> str:
    """Return a list of texts; nothing if there are none."""
    mark = f" class='{css}'" if css else ""
    made = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f"<{kind}{mark}>{made}</{kind}>" if made else ""


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    texts: int = 1,
    caption: str = "",
    css: str = "",
    last: bool = False,
) -> str:
    """Return a table whose first cell of a row is its heading; it scrolls if it is too wide.

    Parameters
    ----------
    head
        Titles of the columns.
    rows
        Texts; nothing is returned if there are none.
    texts
        How many columns hold texts; the others hold numbers.
    caption
        What the table is called.
    css
        Its class.
    last
        Whether the last row is a sum.
    """
    if not rows:
        return ""
    titles = "".join(
        f"<th scope='col'{_number(at, texts)}>{escape(text)}</th>" for at, text in enumerate(head)
    )
    body = "".join(
        f"<tr{_sum(last and at == len(rows) - 1)}>"
        f"<th scope='row'>{escape(row[0])}</th>"
        + "".join(
            f"<td{_number(column, texts)}>{escape(text)}</td>"
            for column, text in enumerate(row)
            if column
        )
        + "</tr>"
        for at, row in enumerate(rows)
    )
    named = f"<caption>{escape(caption)}</caption>" if caption else ""
    classes = " ".join(filter(None, [css, "short" if len(rows) <= SHORT else ""]))
    mark = f" class='{classes}'" if classes else ""
    return (
        f"<div class='wide'><table{mark}>{named}<thead><tr>{titles}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _number(at: int, texts: int) -> str:
    return "" if at < texts else " class='number'"


def _sum(summed: bool) -> str:  # noqa: FBT001
    return " class='sum'" if summed else ""


def quoted(text: str) -> str:
    r"""Return a text as a string of a style sheet, inert within a page.

    The blank after the number of a sign ends it and is not part of the text.

    Examples
    --------
    >>> print(quoted("a'</style>"))
    'a\000027 \00003c \00002f style\00003e '
    """
    inert = "".join(
        sign if sign.isalnum() or sign in " ,.()-" else f"\\{ord(sign):06x} "
        for sign in text
        if sign.isprintable()
    )
    return f"'{inert}'"
