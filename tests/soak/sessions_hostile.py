"""People who mean harm: too long, too many, too slow, and no messages at all."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.soak.sessions_client import COOKIE, Visitor, put, token_of

if TYPE_CHECKING:
    from collections.abc import Callable

HUGE_BYTES = 200_000_000
PIECE = b"x" * 65536
UPLOADS = {
    "not-json.geojson": b"\x00\xff" * 500,
    "deep.geojson": b'{"type":"FeatureCollection","features":' + b"[" * 100_000,
    "vrt.geojson": b"<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>/etc/passwd"
    b"</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>",
    "zip.geojson": b"PK\x03\x04" + b"\x00" * 4000,
    "nan.geojson": b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":'
    b'{"name":"x"},"geometry":{"type":"Point","coordinates":[NaN,Infinity]}}]}',
    "formula.csv": b"name,lon,lat\n=cmd|' /C calc'!A0,nan,91\n",
    "numbers.csv": b"name,lon,lat\nx,1e400,-1e400\n",
    "empty.csv": b"",
}
"""Small files of every bad kind."""


async def harm(
    address: str, until: float, problems: list[str], note: Callable[[str, float], None]
) -> None:
    """Try everything, again and again, while others go on."""
    while True:
        for what in (too_long, too_long_unsaid, bad_files, too_many, no_session, no_messages):
            started = time.perf_counter()
            try:
                problem = await what(address)
            except OSError as error:
                problem = f"the server broke off: {error!r}"
            note(f"harm: {what.__name__}", time.perf_counter() - started)
            if problem:
                problems.append(f"{what.__name__}: {problem}")
            if time.monotonic() > until:
                return
            await asyncio.sleep(2)


async def too_long(address: str) -> str:
    """Say that 200 MB come, and begin to send them."""
    status, sent = await _raw(address, f"Content-Length: {HUGE_BYTES}")
    return "" if status == 413 and sent < HUGE_BYTES / 10 else f"{status} after {sent} bytes"


async def too_long_unsaid(address: str) -> str:
    """Send 200 MB in pieces without saying how many come."""
    status, sent = await _raw(address, "Transfer-Encoding: chunked")
    return "" if status == 413 and sent < HUGE_BYTES / 5 else f"{status} after {sent} bytes"


async def bad_files(address: str) -> str:
    """Upload what is no proposal: it is refused in words, and the page goes on."""
    visitor = Visitor(address)
    try:
        await visitor.open()
        await visitor.go("proposals")
        for name, content in UPLOADS.items():
            status = await visitor.upload(name, content)
            if status != 204:
                return f"{name}: {status}"
            if "role='alert'" not in visitor.text:
                return f"{name} was not refused"
        return "; ".join(visitor.problems)
    finally:
        await visitor.close()


async def too_many(address: str) -> str:
    """Leave files on the server that nobody reads."""
    visitor = Visitor(address)
    try:
        await visitor.open()
        statuses = [
            await asyncio.to_thread(put, address, _target(visitor, number), "x.csv", b"x" * 100_000)
            for number in range(8)
        ]
        return "" if statuses.count(204) <= 4 and 429 in statuses else str(statuses)
    finally:
        await visitor.close()


async def no_session(address: str) -> str:
    """Upload to a session that is none, and to one's own without the token."""
    path = "/_stcore/upload_file/00000000-0000-0000-0000-000000000000/x"
    stranger = await asyncio.to_thread(put, address, path, "x.csv", b"x")
    visitor = Visitor(address)
    try:
        await visitor.open()
        target = _target(visitor, 0)
        forged = await asyncio.to_thread(put, address, target, "x.csv", b"x", trusted=False)
    finally:
        await visitor.close()
    return "" if (stranger, forged) == (400, 403) else f"{stranger}, {forged}"


async def no_messages(address: str) -> str:
    """Send over the web socket what is no message: the connection ends, the server does not."""
    for content in (b"\xff" * 1000, "text", b"\x00" * 30_000_000):
        try:
            async with (
                asyncio.timeout(30),
                connect(
                    address.replace("http", "ws", 1) + "/_stcore/stream",
                    subprotocols=["streamlit"],  # type: ignore[list-item]
                    origin=address,  # type: ignore[arg-type]
                    max_size=64_000_000,
                ) as socket,
            ):
                await socket.send(content)
                while True:
                    await socket.recv()
        except ConnectionClosed:
            continue
        except TimeoutError:
            return "a connection with no messages stayed open"
    return ""


def _target(visitor: Visitor, number: int) -> str:
    return f"/_stcore/upload_file/{visitor.session}/file-{number}"


async def _raw(address: str, length: str) -> tuple[int, int]:
    """Send a huge body to a session of one's own; return the answer's status and what was sent."""
    visitor = Visitor(address)
    await visitor.open()
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    with requests.Session() as browser:
        token = await asyncio.to_thread(token_of, browser, address)
    head = [
        f"PUT {_target(visitor, 0)} HTTP/1.1",
        f"Host: {place.netloc}",
        f"Cookie: {COOKIE}={token}",
        f"X-Xsrftoken: {token}",
        "Content-Type: multipart/form-data; boundary=x",
        length,
    ]
    writer.write("\r\n".join([*head, "", ""]).encode())
    sent, chunked = 0, "chunked" in length
    part = b'--x\r\nContent-Disposition: form-data; name="f"; filename="x.csv"\r\n\r\n'
    writer.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
    try:
        while sent < HUGE_BYTES and not reader._buffer:  # type: ignore[attr-defined]
            piece = b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if chunked else PIECE
            writer.write(piece)
            async with asyncio.timeout(20):
                await writer.drain()
            sent += len(PIECE)
        answer = await asyncio.wait_for(reader.read(4096), 20)
    except (ConnectionError, TimeoutError):
        answer = bytes(reader._buffer)  # type: ignore[attr-defined]
    finally:
        writer.close()
        await visitor.close()
    found = re.match(rb"HTTP/1\.[01] (\d+)", answer)
    return (int(found[1]) if found else 0), sent
