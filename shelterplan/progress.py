"""One small callback for long work: the command line makes a bar of it, the app a progress bar."""

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with the name of the stage and the share of it that is done (0 to 1)."""


def silent(stage: str, share: float) -> None:
    """Report to nobody."""
