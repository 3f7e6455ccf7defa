"""Starts the app's server."""

from __future__ import annotations

import os
import sys
import threading
import time
import tomllib
import urllib.request
import webbrowser
from contextlib import suppress
from importlib.resources import files
from typing import Any

from shelterplan.app.asgi import create_app
from shelterplan.app.store import OFFERED
from shelterplan.study_area import StudyArea

LONGEST_START_S = 60
"""How long a browser waits for the server [s]."""


def run(
    *,
    host: str = "127.0.0.1",
    port: int = 8501,
    area: str | os.PathLike[str] | None = None,
    headless: bool = False,
) -> None:
    """Serve the app until it is stopped.

    Parameters
    ----------
    host
        Address to listen on; by default only this computer can reach it.
    port
        Port to listen on.
    area
        Name of an embedded study area or folder of one, opened first.
    headless
        Whether to leave the browser closed.

    Raises
    ------
    AreaError
        If there is no such study area.
    """
    if area is not None:
        StudyArea.open(area)
        os.environ[OFFERED] = os.fspath(area)
    if not headless and _has_screen():
        threading.Thread(target=_show, args=(f"http://{host}:{port}",), daemon=True).start()
    create_app().run(config=config() | {"server.address": host, "server.port": port})


def _has_screen() -> bool:
    """Return whether a browser with windows can be expected here."""
    return sys.platform in {"darwin", "win32"} or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )


def _show(address: str) -> None:
    """Open the page in a browser as soon as the server answers."""
    for _ in range(LONGEST_START_S * 2):
        with suppress(OSError), urllib.request.urlopen(f"{address}/healthz", timeout=1):  # noqa: S310
            webbrowser.open(address)
            return
        time.sleep(0.5)


def config() -> dict[str, Any]:
    """Return the settings of Streamlit, by their dotted names."""
    text = files("shelterplan.app").joinpath("config.toml").read_text("utf-8")
    return dict(_flat(tomllib.loads(text), ""))


def _flat(table: dict[str, Any], prefix: str) -> list[tuple[str, Any]]:
    """Return the values of nested tables by their dotted names."""
    flat: list[tuple[str, Any]] = []
    for name, value in table.items():
        flat += (
            _flat(value, f"{prefix}{name}.")
            if isinstance(value, dict)
            else [(f"{prefix}{name}", value)]
        )
    return flat
