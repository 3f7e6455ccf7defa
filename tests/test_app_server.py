"""The server: its headers, its settings, its start."""

from __future__ import annotations

import asyncio
import threading
import tomllib
from contextlib import nullcontext
from pathlib import Path

import pytest

import shelterplan.app
from shelterplan.app import asgi, assets, launch, warm
from shelterplan.errors import AreaError

ROOT = Path(__file__).parent.parent


def answered(path: str, headers=(), status: int = 200) -> dict[str, str]:
    """Return the headers of an answer that passed the middleware."""
    sent = []

    async def inner(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})

    async def keep(message):
        sent.append(message)

    asyncio.run(
        asgi.SafeHeaders(inner)(
            {"type": "http", "path": path, "headers": [(b"host", b"here:8501")]}, None, keep
        )
    )
    return {k.decode(): v.decode() for k, v in sent[0]["headers"]}


def test_every_answer_forbids_other_hosts():
    headers = answered("/")
    rules = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
    assert rules["default-src"] == "'self'"
    assert rules["connect-src"] == "'self' ws://here:8501 wss://here:8501"
    assert not any("http" in rule or "*" in rule for rule in rules.values())
    assert headers["referrer-policy"] == "no-referrer"
    assert "geolocation=(self)" in headers["permissions-policy"]


def test_no_header_stands_twice():
    headers = answered("/", headers=[(b"Referrer-Policy", b"unsafe-url")])
    assert headers["referrer-policy"] == "no-referrer"
    assert "Referrer-Policy" not in headers


def test_only_files_named_by_their_content_are_kept_by_browsers():
    kept = "/component/shelterplan.app.assets.streets/a.bin"
    assert "immutable" in answered(kept)["cache-control"]
    assert "cache-control" not in answered(kept, status=404)
    assert "cache-control" not in answered("/component/other/a.bin")
    assert f"/component/{assets.__name__}.streets/" == asgi.UNCHANGING


def test_both_ways_of_starting_have_the_same_settings():
    app = (Path(shelterplan.app.__file__).parent / "config.toml").read_text("utf-8")
    assert (ROOT / ".streamlit" / "config.toml").read_text("utf-8") == app
    tomllib.loads(app)


def test_settings_are_private():
    config = launch.config()
    assert config["browser.gatherUsageStats"] is False
    assert config["client.showErrorDetails"] == "none"
    assert config["client.disableDataExport"] is True
    assert config["server.address"] == "127.0.0.1"
    assert config["server.fileWatcherType"] == "none"
    assert config["server.maxUploadSize"] <= 10


def test_garbage_is_collected_from_time_to_time_and_not_at_each_tap(monkeypatch):
    assert launch.config()["runner.postScriptGC"] is False
    done = []
    naps = iter([None, None])
    monkeypatch.setattr(warm.time, "sleep", lambda _: next(naps))
    monkeypatch.setattr(warm.gc, "collect", lambda: done.append(1))
    with pytest.raises(StopIteration):
        warm._tidy()
    assert len(done) == 2


def test_run_listens_here_alone_and_opens_the_area(monkeypatch):
    seen = {}
    monkeypatch.delenv(launch.OFFERED, raising=False)
    monkeypatch.setattr(
        launch,
        "create_app",
        type("App", (), {"run": lambda self, config: seen.update(config)}),
    )
    monkeypatch.setenv(launch.OFFERED, "")
    launch.run(port=9999, area="monaco", headless=True)
    assert seen["server.address"] == "127.0.0.1"
    assert (seen["server.port"], seen["server.headless"]) == (9999, True)


def test_the_page_never_offers_to_install_anything():
    assert launch.config()["server.headless"] is True  # the condition that Streamlit asks for


@pytest.mark.parametrize(
    ("headless", "screen", "shown"), [(False, ":0", True), (True, ":0", False), (False, "", False)]
)
def test_a_browser_opens_once_the_server_answers(monkeypatch, headless, screen, shown):
    opened, asked = threading.Event(), []

    def answer(address, timeout):
        asked.append(address)
        if len(asked) == 1:
            raise OSError
        return nullcontext()

    monkeypatch.setattr(launch.sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", screen)
    monkeypatch.setenv("WAYLAND_DISPLAY", "")
    monkeypatch.setattr(launch.urllib.request, "urlopen", answer)
    monkeypatch.setattr(launch.webbrowser, "open", lambda address: opened.set())
    app = type("App", (), {"run": lambda self, config: opened.wait(3 if shown else 0.1)})
    monkeypatch.setattr(launch, "create_app", app)
    launch.run(port=9999, headless=headless)
    assert opened.is_set() is shown
    assert asked == ["http://127.0.0.1:9999/healthz"] * (2 if shown else 0)


def test_an_unknown_area_stops_the_start(monkeypatch, tmp_path):
    monkeypatch.setattr(launch, "create_app", lambda: pytest.fail("started"))
    with pytest.raises(AreaError):
        launch.run(area=tmp_path / "nothing")


def test_streets_are_published_under_a_name_of_their_content():
    one, two = assets.publish(b"a"), assets.publish(b"b")
    assert one != two
    assert assets.publish(b"a") == one
    name = one.streets.rsplit("/", 1)[1]
    assert (assets.pack_folder() / name).read_bytes() == b"a"
    assert not list(assets.pack_folder().glob("*.part"))
