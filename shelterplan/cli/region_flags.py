"""Options of the commands that run over a region."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

_OPTIONS: Final = (
    click.option(
        "--workers",
        type=click.IntRange(0),
        metavar="N",
        help="Processes on this computer; 0: no other than this one.  [default: one for each core]",
    ),
    click.option(
        "--cluster",
        metavar="ADDRESS",
        help="Address of a Dask scheduler, such as tcp://10.0.0.5:8786: its workers do it instead.",
    ),
    click.option(
        "--run-folder",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="FOLDER",
        help="Where results are kept.  [default: in REGION/runs, one for each question]",
    ),
)


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say who does the tasks, and where results are kept."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
