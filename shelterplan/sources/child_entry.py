"""Cap this process, then run one reader: started by `child.py` in a fresh interpreter.

Neither this file nor a reader imports anything of the package.
"""

from __future__ import annotations

import contextlib
import runpy
import sys
from pathlib import Path

MEMORY_BYTES = 6 * 1024**3
"""Most address space of the process; libraries reserve much more than they use."""
CPU_S = 120
"""Most processor time [s]."""
FILE_BYTES = 2 * 1024**3
"""Largest file it may write."""
REFUSED = 3
"""Returned when the last line of the error stream says what is wrong."""


def limit_process() -> None:
    """Cap memory, processor time, file size and open files, where the system can."""
    try:
        import resource
    except ImportError:
        return
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 256),
    ):
        _, hard = resource.getrlimit(limit)
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(ValueError, OSError):  # some systems know no such limit
            resource.setrlimit(limit, (allowed, allowed))


def main(reader: str, *arguments: str) -> None:
    """Run `main` of the reader that stands beside this file."""
    limit_process()
    runpy.run_path(str(Path(__file__).with_name(f"{reader}.py")))["main"](*arguments)


def reason(error: Exception) -> str:
    """Return what an error says in its first line, or else its kind."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception as error:  # noqa: BLE001  (the parent turns the last line into its message)
        sys.stderr.write(reason(error))
        sys.exit(REFUSED)
