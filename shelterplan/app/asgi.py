"""The app as a web server: Streamlit under a content security policy."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route

from shelterplan.app import resident_maps, warm
from shelterplan.app.uploads import Limits

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'self'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "  # streamlit-folium runs the map so
    "style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; "
    "font-src 'self' data:; "
    "connect-src 'self'{sockets}; "
    "worker-src 'self' blob:; "
    "frame-src 'self'; "
    "frame-ancestors 'self'; "
    "form-action 'self'; "
    "object-src 'none'; "
    "base-uri 'self'"
)
"""Nothing is loaded from, or sent to, any other host. The web socket to this host is named
because older browsers do not count it as 'self'."""

HEADERS = {
    "referrer-policy": "no-referrer",
    "permissions-policy": "geolocation=(self), camera=(), microphone=()",
    "x-content-type-options": "nosniff",
}
"""Added to every answer."""

UNCHANGING = "/component/shelterplan.app.assets.streets/"
"""Files whose names are made from their content: a browser may keep them."""


class SafeHeaders:
    """Adds the security headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back with the headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = dict(HEADERS)
                if not scope["path"].startswith(resident_maps.PREFIX):  # these bring their own
                    added["content-security-policy"] = policy(_host(scope))
                if UNCHANGING in scope["path"] and message["status"] == 200:
                    added["cache-control"] = "public, max-age=31536000, immutable"
                names = {name.encode() for name in added}
                kept = [pair for pair in message["headers"] if pair[0].lower() not in names]
                message["headers"] = kept + [(k.encode(), v.encode()) for k, v in added.items()]
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def policy(host: str) -> str:
    """Return the content security policy for a page that was asked from `host`.

    Examples
    --------
    >>> [rule for rule in policy("127.0.0.1:8501").split("; ") if rule.startswith("connect")]
    ["connect-src 'self' ws://127.0.0.1:8501 wss://127.0.0.1:8501"]
    >>> policy("a; script-src *") == policy("")
    True
    """
    named = re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]+)?|\[[0-9A-Fa-f:]+\](:[0-9]+)?", host)
    return POLICY.format(sockets=f" ws://{host} wss://{host}" if named else "")


def _host(scope: Scope) -> str:
    """Return the host that a request names."""
    found = next((value for name, value in scope.get("headers", []) if name == b"host"), b"")
    return str(found.decode("latin-1"))


@asynccontextmanager
async def _lifespan(_: st.App) -> AsyncIterator[None]:
    """Before the first visitor, prepare; while the server runs, hand out maps for residents."""
    warm.begin()
    resident_maps.begin()
    try:
        yield
    finally:
        resident_maps.stop()


async def _healthy(_: Request) -> JSONResponse:
    return JSONResponse({"ok": True})


def create_app() -> st.App:
    """Return the app, to be run by `launch.run` or by any ASGI server."""
    pd.options.mode.string_storage = "python"  # looks single texts up in half the time of Arrow's
    return st.App(
        Path(__file__).with_name("script.py"),
        lifespan=_lifespan,
        routes=[Route("/healthz", _healthy), resident_maps.ROUTE],
        middleware=[Middleware(SafeHeaders), Middleware(Limits)],
    )
