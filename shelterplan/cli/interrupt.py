"""Ctrl-C that asks a solver for the best it has, instead of losing it."""

from __future__ import annotations

import os
import signal
import sys
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any, Self

import click

if TYPE_CHECKING:
    from types import FrameType, TracebackType


class Interrupt:
    """While it holds, the first Ctrl-C is only remembered; the second one ends the program.

    Call it to ask whether there was one.
    """

    def __init__(self) -> None:
        self._asked = False
        self._before: Any = None

    def __call__(self) -> bool:
        """Return whether somebody has had enough."""
        return self._asked

    def __enter__(self) -> Self:
        if current_thread() is main_thread():
            self._before = signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def leave(self) -> None:
        """End the program at once if it was interrupted and a solver has not heard of it."""
        from shelterplan.siting.highs import running

        if self._asked and running():
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)

    def _take(self, _: int, __: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        click.echo("\nStopping; the best plan so far follows. Ctrl-C again to give up.", err=True)
