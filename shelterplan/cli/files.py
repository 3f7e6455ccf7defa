"""Files that the command line writes: whole or not at all, and safe to open in a spreadsheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from shelterplan.atomic import sweep, write_whole
from shelterplan.errors import ShelterplanError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd


class WriteError(ShelterplanError, OSError):
    """A file cannot be written."""


def write_file(path: Path, content: bytes) -> None:
    """Write a file in one step (see `atomic.write_whole`); drafts of killed runs are removed.

    Raises
    ------
    WriteError
        The folder does not exist or cannot be written.
    """
    sweep(path.parent, path.name)
    try:
        write_whole(path, content)
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error.strerror}") from error


def csv_bytes(table: pd.DataFrame) -> bytes:
    r"""Return a table of text as CSV in UTF-8 that spreadsheets show and do not run.

    Examples
    --------
    >>> import pandas as pd
    >>> csv_bytes(pd.DataFrame({"problem": ["=1+1", "fine"]})).decode("utf-8-sig")
    "problem\n'=1+1\nfine\n"
    """
    from shelterplan.views.exports import safe_cell

    harmless = table.astype("str").map(safe_cell)
    return harmless.to_csv(index=False, lineterminator="\n").encode("utf-8-sig")


def ends_in(*endings: str) -> Callable[[click.Context, click.Parameter, Path | None], Path | None]:
    """Return the callback of an option that takes files of these endings only, such as ".csv"."""

    def checked(_: click.Context, __: click.Parameter, out: Path | None) -> Path | None:
        if out and out.suffix.lower() not in endings:
            raise click.BadParameter(f"must end in {' or '.join(endings)}")
        return out

    return checked
