"""A reader's process: limits, readers that are forked in place of started, and a watch."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import tempfile
import time
from pathlib import Path

from shelterplan.sources import child, child_entry, raster, raster_child, vector, vector_child

MEMORY_BYTES = 8 * 1024**3
"""Most address space; libraries reserve much more than they use."""
CHILD_S = 45.0
"""Longest run of a forked reader [s]."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
SEEN: list[str] = []
"""What was done that no reader may do."""


def watch(*folders):
    """Note every connection, every program and every file opened for writing elsewhere."""
    allowed = tuple(str(Path(one).resolve()) for one in (*folders, tempfile.gettempdir()))

    def note(event, details):
        if event in ("socket.connect", "subprocess.Popen", "os.system", "os.exec"):
            SEEN.append(f"{event}: {details[:2]}"[:200])
        elif event == "open" and isinstance(details[0], str | bytes):
            name, flags = os.fsdecode(details[0]), details[2] or 0
            if flags & WRITING and not name.startswith((*allowed, "/dev/", "/proc/self/")):
                SEEN.append(f"opened for writing: {name}")

    sys.addaudithook(note)


def limit_memory():
    """Cap the address space of this process."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def fork_readers():
    """Let readers that usually have an interpreter of their own run in a fork: quicker."""
    vector.run_reader = raster.run_reader = forked


def forked(reader, arguments, *, name, kind, environment, timeout_s):
    """Run a reader in a fork; its end means what it means in `child.run_reader`."""
    mains = {"vector_child": vector_child.main, "raster_child": raster_child.main}
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            os.close(out)
            os._exit(_run(mains[reader], arguments, into))
        os._exit(99)
    os.close(into)
    told, code = _wait(pid, out)
    if code != 0:
        raise child.refusal(code, told, arguments, name=name, kind=kind)


def _run(main, arguments, into):
    try:
        main(*arguments)
    except Exception as error:  # noqa: BLE001  (as in child_entry)
        os.write(into, child_entry.reason(error).encode("utf-8", "replace")[:4000])
        return child.REFUSED
    return 0


def _wait(pid, out):
    """Return what a fork told and how it ended; one that does not end is ended."""
    told, end = b"", time.monotonic() + CHILD_S
    with os.fdopen(out, "rb", buffering=0) as pipe:
        while (left := end - time.monotonic()) > 0:
            part = pipe.read(65536) if select.select([pipe], [], [], left)[0] else None
            if not part:
                break
            told += part
    if time.monotonic() >= end:
        SEEN.append("a reader hung")
        os.kill(pid, signal.SIGKILL)
    return told, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
