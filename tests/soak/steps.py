"""Steps at which a process can be killed: every change of the file system below one folder."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

PATCHED = ("fsync", "replace", "rename", "unlink", "remove", "mkdir", "rmdir")


class Steps:
    """Calls a function before every change below a folder; half a write counts as a change, too.

    What is written by libraries in C (a GeoPackage in the making) is not seen.
    """

    def __init__(self, folder: Path, at_step: Callable[[str], None]) -> None:
        self.folder = f"{folder.resolve()}"
        self.at_step = at_step
        self.open = io.open
        self.os = {name: getattr(os, name) for name in PATCHED}

    def watch(self) -> None:
        """Begin, for the rest of this process's life."""
        io.open = self._open  # type: ignore[assignment]
        for name in PATCHED:
            setattr(os, name, self._watched(name))

    def _inside(self, path: Any, dir_fd: int | None) -> bool:
        if isinstance(path, int) or dir_fd is not None:
            held = path if isinstance(path, int) else dir_fd
            path = Path(f"/proc/self/fd/{held}").readlink()
        return os.path.realpath(os.fspath(path)).startswith(self.folder)

    def _watched(self, name: str) -> Callable[..., Any]:
        def call(path: Any, *rest: Any, **options: Any) -> Any:
            if self._inside(path, options.get("dir_fd")):
                self.at_step(name)
            return self.os[name](path, *rest, **options)

        return call

    def _open(self, path: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
        if not set(mode) & set("wxa") or isinstance(path, int) or not self._inside(path, None):
            return self.open(path, mode, *rest, **options)
        self.at_step("open")
        return _Stream(self.open(path, mode, *rest, **options), self.at_step)


class _Stream:
    """A file that tells of every write, before it and halfway through."""

    def __init__(self, stream: Any, at_step: Callable[[str], None]) -> None:
        self.stream = stream
        self.at_step = at_step

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, content: bytes) -> int:
        self.at_step("write")
        half = len(content) // 2
        self.stream.write(content[:half])
        self.stream.flush()
        self.at_step("half")
        self.stream.write(content[half:])
        return len(content)


def kill_myself() -> None:
    """End this process as kill -9 does: nothing is tidied, nothing flushed."""
    os.kill(os.getpid(), signal.SIGKILL)
