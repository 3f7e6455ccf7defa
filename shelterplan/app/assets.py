"""Serves the map's files from this host, in the same way under every kind of Streamlit server.

Streamlit serves the folder of a component. The vendored files are one such folder, the packed
streets another; both lie beside the map's own page, so that a relative address finds them
behind any prefix.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path

import streamlit.components.v1 as components

from shelterplan.atomic import write_whole
from shelterplan.views.map import Assets
from shelterplan.views.street_pack import pack_name

VENDOR = Path(str(files("shelterplan.views").joinpath("vendor")))


@cache
def pack_folder() -> Path:
    """Return this process's folder of packed streets; it goes when the process ends."""
    folder = tempfile.mkdtemp(prefix="shelterplan-streets-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def register() -> None:
    """Tell the running server of both folders; needed once in each of its processes."""
    components.declare_component("vendor", path=str(VENDOR))
    components.declare_component("streets", path=str(pack_folder()))


def publish(pack: bytes) -> Assets:
    """Put packed streets where the page finds them, under a name made from their content."""
    name = pack_name(pack)
    target = pack_folder() / name
    if not target.exists():
        write_whole(target, pack)
    return Assets(vendor=f"../{__name__}.vendor", streets=f"../{__name__}.streets/{name}")
