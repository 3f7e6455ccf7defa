"""The maps for residents that need no network: made beside the app, once, and handed out.

A map is made by a process of its own, at low priority, so that nobody waits for it; it is kept in
the user's cache under a name made from the study area and from the program, so that a change of
either makes a new one.
"""

from __future__ import annotations

import atexit
import hashlib
import logging
import os
import re
import subprocess
import sys
import threading
import time
from functools import cache
from html import escape, unescape
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

import platformdirs
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from shelterplan.app import store
from shelterplan.app.words import LANGUAGES, Words
from shelterplan.atomic import sweep, write_whole
from shelterplan.views.resident import page

if TYPE_CHECKING:
    from starlette.requests import Request

PREFIX = "/resident/"
"""Where the maps are, on the app's own server."""
WAIT_S = 2
"""Between two looks at whether a map is made [s]."""
WAITING = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Policy of the page that says that a map is being made."""
NICENESS = 5
KEPT_S = 7 * 86400
"""How long a map of an earlier state is kept, for another server may still hand it out [s]."""
_POLICY = re.compile(rb'http-equiv="Content-Security-Policy" content="([^"]+)"')
_CHILD = (
    "import sys; from shelterplan.app.resident_maps import step_back, write; "
    "step_back(); write(*sys.argv[1:])"
)
_making: dict[Path, subprocess.Popen[bytes]] = {}
_lock = threading.Lock()
_served = threading.Event()

State = Literal["ready", "making", "failed"]


def kept_in() -> Path:
    """Return the folder of the finished maps."""
    return platformdirs.user_cache_path("shelterplan") / "resident"


def path_of(name: str) -> Path:
    """Return where the map of a study area is kept; the name says of what it was made."""
    area = store.known_areas()[name].joinpath("area.toml").read_bytes()
    key = hashlib.sha256(area + _program()).hexdigest()[:16]
    return kept_in() / f"{_short(name)}-{key}.html"


def _short(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:12]


@cache
def _program() -> bytes:
    """Return a hash of the program, as far as a map depends on it."""
    digest = hashlib.sha256(version("shelterplan").encode())
    for part in (*page.scripts().values(), page.style()):
        digest.update(part.encode())
    for one in sorted(files("shelterplan.views.resident").iterdir(), key=lambda one: one.name):
        if one.is_file():
            digest.update(one.read_bytes())
    digest.update(files("shelterplan.app").joinpath("catalogue.toml").read_bytes())
    return digest.digest()


def state(name: str) -> State:
    """Return whether a map is there, and begin to make it if nobody has."""
    path = path_of(name)
    if path.exists():
        return "ready"
    with _lock:
        if path not in _making or _making[path].poll() == 0:  # made, and taken away since
            command = [sys.executable, "-c", _CHILD]
            arguments = [str(store.known_areas()[name]), str(path)]
            _making[path] = subprocess.Popen([*command, *arguments], stdin=subprocess.DEVNULL)  # noqa: S603
        child = _making[path]
    if child.poll() is None:
        return "making"
    return "ready" if path.exists() else "failed"


def step_back() -> None:
    """Let everything else on this computer go first."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)


def write(area: str, target: str) -> None:
    """Make a map and put it in place in one step; long unused ones of the study area go."""
    from shelterplan.study_area import StudyArea

    path = Path(target)
    content = page.resident_map(StudyArea.open(area), language="")
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent)
    write_whole(path, content)
    for old in path.parent.glob(f"{path.name.rsplit('-', 1)[0]}-*.html"):
        if old != path and time.time() - old.stat().st_mtime > KEPT_S:
            old.unlink(missing_ok=True)


@atexit.register
def stop() -> None:
    """End what is still being made."""
    _served.clear()
    for child in _making.values():
        if child.poll() is None:
            child.terminate()


def begin() -> None:
    """Say that this server hands out maps, and begin to make the one that is opened first."""
    _served.set()
    try:
        state(next(iter(store.known_areas())))
    except OSError:  # the app itself needs no cache
        logging.getLogger(__name__).warning("the map for residents cannot be made", exc_info=True)


def served() -> bool:
    """Return whether the running server hands out maps; `streamlit run` does not."""
    return _served.is_set()


def address(name: str, lang: str, *, save: bool = False) -> str:
    """Return the address of a map, relative to the app's pages.

    Examples
    --------
    >>> address("monaco", "zh"), address("a b", "en")
    ('resident/monaco?lang=zh#zh', 'resident/a%20b?lang=en#en')
    """
    to_save = "&save=yes" if save else ""
    return f"{PREFIX.strip('/')}/{quote(name, safe='')}?lang={lang}{to_save}#{lang}"


def answer(request: Request) -> Response:
    """Hand out a map; while it is being made, a page that asks again by itself."""
    name = request.path_params["name"]
    lang = request.query_params.get("lang", "")
    if name not in store.known_areas():
        return HTMLResponse(_waiting("unknown", "en"), 404, {"content-security-policy": WAITING})
    lang = lang if lang in LANGUAGES else next(iter(LANGUAGES))
    found = state(name)
    if found == "ready":
        headers = {
            "content-security-policy": policy_of(path_of(name)),
            "cache-control": "no-cache",
        }
        named = f"shelters-{_safe(name)}.html" if "save" in request.query_params else None
        return FileResponse(path_of(name), media_type="text/html", headers=headers, filename=named)
    status = 202 if found == "making" else 500
    return HTMLResponse(_waiting(found, lang), status, {"content-security-policy": WAITING})


def _safe(name: str) -> str:
    kept = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in name)
    return kept.strip("-") or "map"


def policy_of(path: Path) -> str:
    """Return the policy of a finished map, the one in the file, and no frame around it."""
    with path.open("rb") as stream:
        found = _POLICY.search(stream.read(8192))
    own = unescape(found[1].decode("ascii")) if found else "default-src 'none'"
    return f"{own}; frame-ancestors 'none'"


def _waiting(what: str, lang: str) -> str:
    """Return a small page that says what there is instead of a map."""
    words = Words(lang)
    again = f'<meta http-equiv="refresh" content="{WAIT_S}">' if what == "making" else ""
    text = escape(words.of("offline_map", what))
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">{again}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(words('offline_map.title'))}</title><style>body{{font:1.5rem/1.5 "
        "system-ui,sans-serif;margin:2rem;color-scheme:light dark}</style></head>"
        f"<body><main><h1>{escape(words('offline_map.title'))}</h1>"
        f'<p role="status">{text}</p></main></body></html>'
    )


ROUTE = Route(PREFIX + "{name}", answer)
