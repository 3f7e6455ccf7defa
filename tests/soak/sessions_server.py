"""A server of the app as a process of its own, and what can be seen of it from outside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parent.parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
LONGEST_START_S = 120
LONGEST_STOP_S = 10
"""As long as a container is given to end [s]."""


@dataclass(frozen=True)
class State:
    """What a process holds."""

    rss_mb: float
    cpu_s: float
    threads: int
    handles: int


class Server:
    """`shelterplan app` on a free port of this computer, with a home of its own.

    Parameters
    ----------
    folder : Path
        Its home, cache and temporary files are below.
    arguments : sequence of str
        Further arguments of the command.
    environment : mapping
        Further variables of the environment.
    code : str
        Python code that stands in for the command; `{port}` is its port.
    """

    def __init__(
        self,
        folder: Path,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        code: str = "",
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        command = ["-c", code.format(port=self.port)] if code else ["-m", "shelterplan.cli", "app"]
        if not code:
            command += [*arguments, "--port", str(self.port)]
        for name in ("home", "cache", "temp"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._command = [sys.executable, *command]
        self._environment = {
            **os.environ,
            "HOME": str(folder / "home"),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "TMPDIR": str(folder / "temp"),
            "DISPLAY": "",
            "WAYLAND_DISPLAY": "",
            **(environment or {}),
        }

    def __enter__(self) -> Self:
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                self._command, cwd=ROOT, stdout=out, stderr=out, env=self._environment
            )
        try:
            self.wait_for("/healthz")
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait_for(self, path: str, status: int = 200) -> None:
        """Wait until an address answers with a status."""
        until = time.monotonic() + LONGEST_START_S
        while time.monotonic() < until:
            assert self.process.poll() is None, self.said()
            with suppress(OSError), urllib.request.urlopen(self.address + path, timeout=5) as got:  # noqa: S310 - our own
                if got.status == status:
                    return
            time.sleep(0.1)
        message = f"{path} did not answer with {status} within {LONGEST_START_S} s: {self.said()}"
        raise AssertionError(message)

    def stop(self) -> float:
        """End it as a container is ended; return the seconds that took."""
        started = time.monotonic()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(LONGEST_STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return time.monotonic() - started

    def said(self) -> str:
        """Return its log."""
        return self.log.read_text("utf-8", "replace")

    def state(self) -> State:
        """Return what it holds now."""
        folder = Path("/proc") / str(self.process.pid)
        fields = dict(
            line.split(":", 1) for line in (folder / "status").read_text("utf-8").splitlines()
        )
        times = (folder / "stat").read_text("utf-8").rpartition(")")[2].split()
        return State(
            rss_mb=int(fields["VmRSS"].split()[0]) / 1024,
            cpu_s=(int(times[11]) + int(times[12])) / TICKS,
            threads=int(fields["Threads"]),
            handles=sum(1 for _ in (folder / "fd").iterdir()),
        )

    def files(self) -> list[Path]:
        """Return the files that it wrote to its home, cache and temporary folder."""
        return sorted(path for path in self._below() if path.is_file())

    def _below(self) -> Iterator[Path]:
        for name in ("home", "cache", "temp"):
            yield from (self.folder / name).rglob("*")


def free_port() -> int:
    """Return a port of this computer that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
