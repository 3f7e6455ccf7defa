"""Fetch an answer from a public server within one deadline, or say why not.

Public map servers are slow, busy and sometimes half-hearted. So one deadline holds for the whole
call, retries included, even when the server sends a byte at a time; retries are few and spaced out;
an answer is taken only when it is whole and of the right kind; what is kept in the cache carries
its own hash.
"""

from __future__ import annotations

import hashlib
import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from shelterplan.atomic import sweep, write_whole
from shelterplan.errors import DownloadError

LOGGER = logging.getLogger(__name__)

MAX_BYTES = 512 << 20
"""Largest answer that is accepted [bytes]."""
MAX_ATTEMPTS = 4
"""How often a request is sent at most."""
FIRST_PAUSE_S = 2.0
"""Pause after the first refusal [s]; each further one is twice as long."""
MAX_REDIRECTS = 3
CONNECT_S = 10.0
"""Longest wait for a connection [s]."""
PACKINGS = frozenset({"", "identity", "gzip"})
"""Ways in which an answer may be packed: one layer, and no other kind."""
BUSY = frozenset({429, 502, 503, 504})
"""Answers that mean: try again later."""


class _TryAgainError(Exception):
    """The request may succeed on another attempt."""

    def __init__(self, text: str, pause_s: float = 0.0) -> None:
        super().__init__(text)
        self.pause_s = pause_s


@dataclass(frozen=True)
class Request:
    """What to ask, and of whom."""

    url: str
    what: str
    """The server's name in messages."""
    params: Mapping[str, str] | None = None
    """Sent in the address (GET)."""
    data: Mapping[str, str] | None = None
    """Sent in the body (POST), if given."""

    def key(self) -> str:
        """Give the SHA-256 of the question: the name of its answer in the cache."""
        question = json.dumps([self.url, dict(self.params or {}), dict(self.data or {})])
        return hashlib.sha256(question.encode()).hexdigest()


class Deadline:
    """The moment by which the whole call has to be over."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left_s(self) -> float:
        """Tell how much time is left [s]."""
        return self._end - time.monotonic()

    def check(self, what: str) -> None:
        """Stop when the time is up.

        Raises
        ------
        DownloadError
            No time is left.
        """
        if self.left_s() <= 0:
            raise DownloadError(
                f"{what} did not give a whole answer within {self.seconds:g} seconds. Try again "
                "later, ask for a smaller area, or use a downloaded .osm.pbf file.",
            )


def user_agent() -> str:
    """Name the program, as the servers' rules of use ask."""
    try:
        number = version("shelterplan")
    except PackageNotFoundError:
        number = "unpackaged"
    return f"shelterplan/{number} (walking access to emergency shelters)"


def fetch_json(
    request: Request,
    *,
    deadline: Deadline,
    accept: Callable[[Any], None],
    cache_dir: Path | None = None,
    max_bytes: int = MAX_BYTES,
    pause_s: float = FIRST_PAUSE_S,
) -> Any:  # noqa: ANN401
    """Fetch a JSON answer, from the cache if it is there.

    Parameters
    ----------
    request
        What to ask.
    deadline
        By when the call has to be over, all retries included.
    accept
        Looks at the parsed answer and raises DownloadError if it is not whole; only then is an
        answer returned or kept.
    cache_dir
        Where answers are kept; None for no cache.
    max_bytes
        Largest answer accepted, unpacked [bytes].
    pause_s
        Pause after the first refusal [s].

    Returns
    -------
    Any
        The parsed answer.

    Raises
    ------
    DownloadError
        There is no whole answer. Nothing is put in its place.
    """
    kept = None if cache_dir is None else cache_dir / f"{request.key()}.json"
    if kept is not None:
        content = _from_cache(kept)
        with suppress(DownloadError):  # kept by an earlier version that took it
            if content is not None:
                return _parsed(content, request.what, accept)
    content = _fetch(request, deadline, max_bytes, pause_s)
    answer = _parsed(content, request.what, accept)
    if kept is not None:
        _to_cache(kept, content)
    return answer


def _parsed(content: bytes, what: str, accept: Callable[[Any], None]) -> Any:  # noqa: ANN401
    """Parse an answer and let the caller accept it."""
    try:
        answer = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DownloadError(f"{what} gave an answer that is cut off or damaged.") from error
    accept(answer)
    return answer


def _refuse_constant(name: str) -> None:
    """Refuse the numbers that JSON does not have: NaN, Infinity."""
    raise ValueError(f"{name} is no number")


def shown(text: object) -> str:
    r"""Return what a server said for a message: one short line without control characters.

    Examples
    --------
    >>> shown("a\x1b[2Jb\nc")
    'a [2Jb c'
    """
    return "".join(sign if sign.isprintable() else " " for sign in str(text)[:200]).strip()


def _fetch(request: Request, deadline: Deadline, max_bytes: int, pause_s: float) -> bytes:
    """Send the request, a few times if the server is busy."""
    reason = ""
    for attempt in range(MAX_ATTEMPTS):
        deadline.check(request.what)
        try:
            return _in_time(lambda: _send(request, deadline, max_bytes), deadline, request.what)
        except _TryAgainError as error:
            reason = str(error)
            pause = max(error.pause_s, pause_s * 2**attempt)
        if attempt + 1 == MAX_ATTEMPTS:
            break
        if pause >= deadline.left_s():
            raise DownloadError(
                f"{request.what} {reason}; no time was left to try again "
                f"(limit: {deadline.seconds:g} seconds). Try again later.",
            )
        LOGGER.info("%s %s; trying again in %.1f s", request.what, reason, pause)
        time.sleep(pause)
    raise DownloadError(f"{request.what} {reason}, {MAX_ATTEMPTS} times. Try again later.")


def _in_time(send: Callable[[], bytes], deadline: Deadline, what: str) -> bytes:
    """Run one request in a thread of its own, and stop waiting when the time is up.

    The time-outs of a socket start anew with each byte, also while the headers come in; only
    another thread can keep the time.
    """
    outcome: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put(send())
        except Exception as error:  # noqa: BLE001  (handed to the waiting thread, raised there)
            outcome.put(error)

    threading.Thread(target=run, daemon=True, name="download").start()
    try:
        result = outcome.get(timeout=max(deadline.left_s(), 0.0))
    except queue.Empty:
        deadline.check(what)
        raise
    if isinstance(result, Exception):
        raise result
    return result


def _send(request: Request, deadline: Deadline, max_bytes: int) -> bytes:
    """Send one request, follow redirects on the same host, and read the whole answer."""
    url = request.url
    with requests.Session() as session:
        session.headers.update({"User-Agent": user_agent(), "Accept-Encoding": "gzip"})
        for _ in range(MAX_REDIRECTS + 1):
            try:
                response = session.request(
                    "GET" if request.data is None else "POST",
                    url,
                    params=None if urlsplit(url).query else dict(request.params or {}),
                    data=None if request.data is None else dict(request.data),
                    stream=True,
                    allow_redirects=False,
                    timeout=(min(CONNECT_S, _left(deadline)), _left(deadline)),
                )
                with response:
                    if not response.is_redirect:
                        return _body(response, request.what, deadline, max_bytes)
                    url = _next_url(url, response, request.what)
            except requests.Timeout as error:
                deadline.check(request.what)
                raise _TryAgainError("did not answer") from error
            except (requests.ConnectionError, urllib3.exceptions.HTTPError) as error:
                raise _TryAgainError("could not be reached, or broke off") from error
            except (requests.RequestException, ValueError) as error:
                raise DownloadError(f"{request.what} cannot be asked: {shown(error)}") from error
    raise DownloadError(f"{request.what} redirects without end.")


def _left(deadline: Deadline) -> float:
    """Give the time left as a time-out for a socket, never 0 (which would mean: at once)."""
    return max(deadline.left_s(), 0.001)


def _next_url(url: str, response: requests.Response, what: str) -> str:
    """Follow a redirect, unless it leads to another host or off an encrypted connection."""
    target = urljoin(url, response.headers["location"])
    old, new = urlsplit(url), urlsplit(target)
    if (new.scheme, new.netloc) != (old.scheme, old.netloc):
        raise DownloadError(f"{what} redirects to another address, which is not followed.")
    return target


def _body(response: requests.Response, what: str, deadline: Deadline, max_bytes: int) -> bytes:
    """Read an answer piece by piece, watching its size and the clock."""
    if response.status_code in BUSY:
        wait = response.headers.get("Retry-After", "")
        pause_s = float(wait) if wait.isdecimal() else 0.0
        raise _TryAgainError(f"is busy (status {response.status_code})", pause_s)
    if response.status_code != requests.codes.ok:
        raise DownloadError(f"{what} refused the request (status {response.status_code}).")
    kind = response.headers.get("Content-Type", "").split(";")[0].strip()
    if kind != "application/json":
        name = shown(kind) or "something unnamed"
        raise DownloadError(f"{what} gave {name} in place of JSON.")
    packing = response.headers.get("Content-Encoding", "").strip().lower()
    if packing not in PACKINGS:
        raise DownloadError(f"{what} packed its answer as {shown(packing)}, which is not accepted.")
    parts: list[bytes] = []
    size = 0
    while part := response.raw.read1(1 << 16, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > max_bytes:
            raise DownloadError(f"{what} gave more than {max_bytes / 1e6:g} MB: refused.")
        deadline.check(what)
    return b"".join(parts)


def _from_cache(path: Path) -> bytes | None:
    """Take an answer from the cache, if it is there and undamaged."""
    try:
        digest, _, content = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    if hashlib.sha256(content).hexdigest().encode() == digest:
        return content
    LOGGER.warning("a damaged file was thrown out of the download cache; asking again")
    with suppress(OSError):
        path.unlink()
    return None


def _to_cache(path: Path, content: bytes) -> None:
    """Keep an answer behind its own hash; a reader never sees half of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        write_whole(path, hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
    except OSError as error:
        LOGGER.warning("the answer could not be kept in the download cache: %s", error.strerror)
