"""Run the soak: `python -m tests.soak [kills|sessions] [options]`; without a name, both.

kills      end `build`, `report` and every other writer by kill -9, at random and at every step
sessions   fifty visitors of the app at once
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec

PARTS = ("kills", "sessions")


def main(arguments: list[str]) -> int:
    """Run one part with its options, or all parts; return 1 if one of them found a fault."""
    if arguments and arguments[0] in {"-h", "--help"}:
        print(__doc__)  # noqa: T201
        return 0
    named = [arguments.pop(0)] if arguments and arguments[0] in PARTS else list(PARTS)
    there = [name for name in named if find_spec(f"tests.soak.{name}")]
    if arguments and len(named) > 1:
        print(f"options belong to a part: name one of {', '.join(PARTS)}")  # noqa: T201
        return 2
    return max((import_module(f"tests.soak.{name}").main(arguments) for name in there), default=2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
