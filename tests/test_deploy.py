"""Running it for a city: the container's file, a start as in the container, and behind a proxy."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest
from numba.core.caching import _CacheLocator
from websockets.asyncio.client import connect

from shelterplan.app.asgi import policy
from tests.soak.sessions_client import Visitor
from tests.soak.sessions_server import ROOT, Server, free_port

TEXT = ROOT.joinpath("Dockerfile").read_text("utf-8")
STEPS = [
    step.split(None, 1)
    for step in re.sub(r"\\\n\s*", "", TEXT).splitlines()
    if step.strip() and not step.startswith("#")
]
LAST = STEPS[max(i for i, step in enumerate(STEPS) if step[0] == "FROM") :]
"""The stage that runs."""


def said(word: str, steps=STEPS) -> list[str]:
    return [rest for name, rest in steps if name == word]


def test_the_bases_are_pinned():
    bases = [text.split()[0] for text in said("FROM")]
    assert len(set(bases)) == 1, "what is built on one base runs on it"
    assert re.fullmatch(r"python:3\.\d+(\.\d+)?-slim-[a-z]+(@sha256:[0-9a-f]{64})?", bases[0])


def test_it_runs_as_somebody_without_rights():
    assert said("USER", LAST) == ["10001"]
    order = [name for name, _ in LAST]
    assert order.index("USER") > max(i for i, name in enumerate(order) if name in {"RUN", "COPY"})
    added = next(text for text in said("RUN", LAST) if "useradd" in text)
    assert "--uid 10001" in added
    assert "nologin" in added
    assert not re.search(r"\bsudo\b|chmod [0-7]*[2367]\b|chmod .*\+s", TEXT)


def test_no_secret_and_nothing_from_elsewhere():
    assert not re.search(r"(?i)(password|secret|token|api_?key)\s*=", TEXT)
    assert not re.search(r"\b(curl|wget)\b|\bADD\b|https?://(?!127\.0\.0\.1)", TEXT)
    copied = [text for text in said("COPY") if "--from" not in text]
    assert all("." not in text.split()[:-1] for text in copied), "only what is named is copied"
    ignored = ROOT.joinpath(".dockerignore").read_text("utf-8").split()
    assert {".git", ".venv", "artefacts"} <= set(ignored)


def test_packages_are_those_that_are_locked():
    pip = [line for text in said("RUN") for line in text.split("&&") if "pip install" in line]
    assert all("--require-hashes" in line or "--no-deps" in line for line in pip)
    apt = [text for text in said("RUN") if "apt-get install" in text]
    assert all("--no-install-recommends" in text for text in apt)
    assert all("rm -rf /var/lib/apt/lists/*" in text for text in apt)


def test_the_health_check_asks_what_the_app_answers():
    check = said("HEALTHCHECK", LAST)[0]
    path = re.search(r"127\.0\.0\.1:(\d+)(/\w+)", check)
    assert path
    assert said("EXPOSE", LAST) == [path[1]]
    from shelterplan.app.asgi import create_app

    assert path[2] in {route.path for route in create_app()._user_routes}


def environment() -> dict[str, str]:
    pairs = [pair for text in said("ENV", LAST) for pair in shlex.split(text)]
    return dict(pair.split("=", 1) for pair in pairs)


@pytest.fixture
def contained(tmp_path):
    """The app as the container starts it: no home, and only the cache and /tmp can be written."""
    cache = tmp_path / "cache"
    where = {
        key: value.replace("/var/cache/shelterplan", str(cache))
        for key, value in environment().items()
    }
    cache.mkdir()
    assert str(cache) in where["NUMBA_CACHE_DIR"]
    assert str(cache) in where["XDG_CACHE_HOME"]
    _compiled(Path(where["NUMBA_CACHE_DIR"]))
    server = Server(tmp_path, environment={**where, "HOME": "/nonexistent"})
    if os.geteuid() == 0 and shutil.which("setpriv") and _open_to_others():
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(0o755)
        for folder in (cache, tmp_path / "temp", tmp_path / "home"):
            os.chown(folder, 10001, 10001)
        server._command = [
            *("setpriv", "--reuid=10001", "--regid=10001", "--clear-groups"),
            *("--inh-caps=-all", "--no-new-privs"),
            *server._command,
        ]
    with server:
        yield server


def _compiled(folder: Path) -> None:
    """Put the compiled searches into the cache, as they are in the image."""
    for found in (ROOT / "shelterplan").rglob("*.nb[ic]"):
        inside = folder / _CacheLocator.get_suitable_cache_subpath(
            str(found.parent.parent / "x.py")
        )
        inside.mkdir(parents=True, exist_ok=True)
        shutil.copy2(found, inside)
        os.chown(inside, 10001, 10001) if os.geteuid() == 0 else None


def _open_to_others() -> bool:
    """Return whether another user can read the program here."""
    real = Path(os.path.realpath(shutil.which("python3") or "/")).parents
    return all(path.stat().st_mode & 0o005 == 0o005 for path in (*real, ROOT, *ROOT.parents))


def test_it_starts_and_ends_as_in_the_container(contained, tmp_path):
    visitor = Visitor(contained.address)

    async def visit() -> None:
        await visitor.open()
        await visitor.tap(7.4258, 43.7375)
        await visitor.close()

    asyncio.run(visit())
    assert "Nearest shelter" in visitor.text
    assert visitor.problems == []
    with urllib.request.urlopen(f"{contained.address}/healthz", timeout=10) as got:  # noqa: S310
        assert got.status == 200
        told = got.headers["content-security-policy"]
    assert told == policy(f"127.0.0.1:{contained.port}")
    written = {path.relative_to(tmp_path).parts[0] for path in contained.files()}
    assert written <= {"cache", "temp"}
    assert contained.stop() < 10
    assert "Traceback" not in contained.said()


async def proxy(port: int, target: int, prefix: str, done: asyncio.Event) -> None:
    """A small reverse proxy: the path goes on as it came, and so does the host."""

    async def serve(reader, writer):
        inner, outer = await asyncio.open_connection("127.0.0.1", target)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.split(b" ", 2)[1].startswith(prefix.encode()):
            writer.write(
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            await writer.drain()
            writer.close()
            outer.close()
            return
        extra = b"X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n\r\n"
        outer.write(head[:-2] + extra)
        with suppress(asyncio.CancelledError):
            await asyncio.gather(pump(reader, outer), pump(inner, writer))

    async def pump(reader, writer):
        try:
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        await done.wait()


def test_it_works_behind_a_proxy_which_keeps_the_host(tmp_path):
    port = free_port()

    async def visit(server: Server) -> str:
        done = asyncio.Event()
        running = asyncio.create_task(proxy(port, server.port, "/", done))
        await asyncio.sleep(0.2)
        address = f"http://127.0.0.1:{port}"
        page = await asyncio.to_thread(urllib.request.urlopen, f"{address}/healthz", timeout=20)
        page.close()
        visitor = Visitor(address)
        await visitor.open()
        await visitor.tap(7.4258, 43.7375)
        await visitor.close()
        with pytest.raises(Exception, match="403"):  # another site's page must not speak for it
            await connect(
                f"ws://127.0.0.1:{port}/_stcore/stream",
                origin="http://evil.example",  # type: ignore[arg-type]
            )
        done.set()
        running.cancel()
        assert "Nearest shelter" in visitor.text
        return page.headers["content-security-policy"]

    with Server(tmp_path) as server:
        told = asyncio.run(visit(server))
        below = f"{server.address}/shelters/healthz"  # the guide says that it does not work there
        with urllib.request.urlopen(below, timeout=10) as got:  # noqa: S310
            assert b"ok" not in got.read(20)
    assert told == policy(f"127.0.0.1:{port}")


def test_the_guide_says_what_the_server_says():
    guide = ROOT.joinpath("docs", "deploy.md").read_text("utf-8")
    assert policy("") in " ".join(guide.split())
    assert "--read-only" in guide
    assert "client_max_body_size 6m" in guide
