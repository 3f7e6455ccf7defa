"""Limits on what is sent to the server, kept before anything reads it.

Streamlit has a limit of its own (`server.maxUploadSize`); this one does not rest on it, and it
also bounds what it does not: how many files one session, and all of them together, keep on the
server, how many are on their way at once, and for how long.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from streamlit.runtime.uploaded_file_manager import UploadedFile

PATH: Final = "/_stcore/upload_file/"
"""Where Streamlit takes files; a session and a file follow."""
MOST_BYTES: Final = 6_000_000
"""Longest request with a file [B]: a file of 5 MB, and what a browser wraps around it."""
MOST_OTHER_BYTES: Final = 100_000
"""Longest request of any other kind [B]."""
MOST_KEPT: Final = 4
"""Files of one session that are on the server at once."""
MOST_KEPT_BYTES: Final = 200_000_000
"""What the files of all sessions may take together [B]."""
MOST_MESSAGE_BYTES: Final = 1_000_000
"""Length of one message of a page; what people do takes a few hundred bytes."""
MOST_AT_ONCE: Final = 2
"""Files that one session sends at the same time."""
MOST_UNDER_WAY: Final = 8
"""Uploads at once."""
LONGEST_S: Final = 60.0
"""Longest time that an upload may take [s]."""

LINGER_S: Final = 2.0
LINGER_BYTES: Final = 20_000_000
"""How long, and how much, is still read of what was refused [s, B]."""

Refusal = tuple[int, str]


class Held:
    """Which files of which sessions are on the server."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, list[str]] = OrderedDict()

    def sizes(self, session: str) -> list[int]:
        """Return the sizes of a session's files that are still there [B]."""
        if not runtime.exists():
            return []
        kept = runtime.get_instance().uploaded_file_mgr.get_files(
            session, self._files.get(session, [])
        )
        if kept:
            self._files[session] = [one.file_id for one in kept]
        else:
            self._files.pop(session, None)
        return [len(one.data) for one in kept]

    def total_bytes(self) -> int:
        """Return what all files take together [B]; what is gone is forgotten."""
        return sum(sum(self.sizes(session)) for session in list(self._files))

    def add(self, session: str, file: str) -> None:
        """Take note of a file that is about to come."""
        self._files.setdefault(session, []).append(file)


class Limits:
    """Answers requests that are too long, too many or too slow, before the app hears of them."""

    def __init__(self, app: ASGIApp, longest_s: float = LONGEST_S) -> None:
        self.app = app
        self.longest_s = longest_s
        self.held = Held()
        self.under_way: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or say why not."""
        if scope["type"] == "websocket":
            await self.app(scope, _bytes_only(receive), send)
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        uploads = scope["method"] == "PUT" and PATH in scope["path"]
        most = MOST_BYTES if uploads else MOST_OTHER_BYTES
        refused = too_long(scope, most) or (self._too_many(scope) if uploads else None)
        if refused:
            await _refuse(refused, receive, send)
        elif uploads:
            await self._take(scope, receive, send, most)
        else:
            await Counted(receive, send, most).pass_on(self.app, scope)

    def _too_many(self, scope: Scope) -> Refusal | None:
        """Return why no more files are taken now, None if they are."""
        session = scope["path"].split(PATH)[1].split("/")[0]
        if self.under_way[session] >= MOST_AT_ONCE:
            return 429, "one file after the other"
        if self.under_way.total() >= MOST_UNDER_WAY:
            return 503, "others are uploading, try again in a minute"
        if len(self.held.sizes(session)) >= MOST_KEPT:
            return 429, "too many files"
        if self.held.total_bytes() >= MOST_KEPT_BYTES:
            return 503, "there is no room for more files now, try again later"
        return None

    async def _take(self, scope: Scope, receive: Receive, send: Send, most: int) -> None:
        """Pass a file on, and stop it when it is too long or too slow."""
        session, _, file = scope["path"].split(PATH)[1].partition("/")
        counted = Counted(receive, send, most)
        self.under_way[session] += 1
        try:
            async with asyncio.timeout(self.longest_s):
                await counted.pass_on(self.app, scope)
        except TimeoutError:
            if not counted.answered:
                await _refuse((408, "too slow"), receive, send)
        finally:
            self.under_way -= Counter([session])  # and forget sessions that have none
        self.held.add(session, file)


class Counted:
    """The body of one request, counted while it comes; one that is too long is refused."""

    def __init__(self, receive: Receive, send: Send, most: int) -> None:
        self._receive, self._send, self._most = receive, send, most
        self._bytes = 0
        self.too_long = False
        self.answered = False

    async def pass_on(self, app: ASGIApp, scope: Scope) -> None:
        """Let the app answer, unless the body is too long."""
        try:
            await app(scope, self._read, self._answer)
        except TooLongError:
            if not self.answered:
                await _refuse((413, "too large"), self._receive, self._send)

    async def _read(self) -> Message:
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        if self._bytes > self._most:
            self.too_long = True
            raise TooLongError
        return message

    async def _answer(self, message: Message) -> None:
        """Send the app's answer, unless it is one to a body that was not read to its end."""
        if self.too_long and not self.answered:
            raise TooLongError
        self.answered = True
        await self._send(message)


def _bytes_only(receive: Receive) -> Receive:
    """Return a web socket's messages; one of text, or too long, which no page sends, ends it."""

    async def read() -> Message:
        message = await receive()
        if message["type"] == "websocket.receive" and message.get("bytes") is None:
            return {"type": "websocket.disconnect", "code": 1003}
        if len(message.get("bytes") or b"") > MOST_MESSAGE_BYTES:
            return {"type": "websocket.disconnect", "code": 1009}
        return message

    return read


class TooLongError(Exception):
    """A body is longer than is allowed."""


def too_long(scope: Scope, most: int) -> Refusal | None:
    """Return why a request is refused by the length that it states, None if it is not.

    Examples
    --------
    >>> stated = lambda text: {"headers": [(b"content-length", text)]}
    >>> too_long(stated(b"10"), 10), too_long(stated(b"11"), 10), too_long(stated(b"-1"), 10)
    (None, (413, 'too large'), (400, 'no length'))
    """
    stated = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
    if any(not value.isdigit() for value in stated):
        return 400, "no length"
    long = any(len(value.lstrip(b"0")) > 12 or int(value) > most for value in stated)
    return (413, "too large") if long else None


async def _refuse(why: Refusal, receive: Receive, send: Send) -> None:
    """Answer with a refusal, and close the connection.

    A little of what is still coming is thrown away first: else many browsers would be cut off while
    they send, and would never read the answer.
    """
    status, text = why
    answer = PlainTextResponse(text, status, {"connection": "close"})
    start = {"type": "http.response.start", "status": status, "headers": answer.raw_headers}
    await send(start)
    await send({"type": "http.response.body", "body": answer.body, "more_body": True})
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            await _throw_away(receive)
    await send({"type": "http.response.body", "body": b""})


async def _throw_away(receive: Receive) -> None:
    """Read on until the body ends, or enough of it came."""
    came = 0
    while came < LINGER_BYTES:
        message = await receive()
        came += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return


def forget(file: UploadedFile) -> None:
    """Take a file that was read off the server, which would else keep it while its session is."""
    context = get_script_run_ctx()
    drop: Callable[[str, str], None] | None = getattr(
        context and context.uploaded_file_mgr, "remove_file", None
    )
    if context is not None and drop is not None:
        drop(context.session_id, file.file_id)
