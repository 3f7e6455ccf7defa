"""Small pieces of a page, with every text in them escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_MARKDOWN = frozenset("\\`*_{}[]()#+-.!|<>~$:")
"""Signs that can mean something in Markdown."""


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int = 0, lang: str = ""
) -> str:
    """Return a table whose last `numbers` columns are numbers; it scrolls if it is too wide.

    Parameters
    ----------
    head
        Titles of the columns; the first cell of each row is its heading.
    rows
        Texts.
    numbers
        How many of the last columns hold numbers.
    lang
        Language of the rows' texts, if it is not the page's.

    Examples
    --------
    >>> table(["a"], [["<b>"]]).partition("<tbody>")[2]
    "<tr><th scope='row'>&lt;b&gt;</th></tr></tbody></table></div>"
    """
    first = len(head) - numbers

    def css(position: int) -> str:
        return " class='number'" if position >= first else ""

    titles = "".join(f"<th scope='col'{css(i)}>{escape(text)}</th>" for i, text in enumerate(head))
    body = "".join(
        "<tr>"
        + "".join(
            f"<th scope='row'>{escape(text)}</th>" if i == 0 else f"<td{css(i)}>{escape(text)}</td>"
            for i, text in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    tongue = f" lang='{escape(lang)}'" if lang else ""
    return (
        f"<div class='scroll' tabindex='0' role='group' aria-label='{escape(head[0])}'><table>"
        f"<thead><tr>{titles}</tr></thead><tbody{tongue}>{body}</tbody></table></div>"
    )


def cards(entries: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> str:
    """Return titled lists of names and values.

    Examples
    --------
    >>> cards([("t", [("n", "v&")])])
    "<div class='cards'><section class='card'><h3>t</h3><dl><div><dt>n</dt><dd>v&amp;</dd></div>\
</dl></section></div>"
    """
    made = []
    for title, rows in entries:
        heading = f"<h3>{escape(title)}</h3>" if title else ""
        items = "".join(
            f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in rows
        )
        made.append(f"<section class='card'>{heading}<dl>{items}</dl></section>")
    return f"<div class='cards'>{''.join(made)}</div>"


def plain(text: str) -> str:
    r"""Return a text for a label that Streamlit reads as Markdown, with nothing in it Markdown.

    Examples
    --------
    >>> print(plain("[a](b) *c*"))
    \[a\]\(b\) \*c\*
    """
    return "".join(f"\\{sign}" if sign in _MARKDOWN else sign for sign in text)
