"""One visitor of the app, without a browser: speaks Streamlit's messages over a web socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_RUN_S = 120.0
"""A page that takes longer has failed [s]."""
COOKIE = "_streamlit_xsrf"
MARK = re.compile(rb"cnry[0-9a-f]{12}|-?[0-9]{1,3}\.[0-9]{3,}, ?-?[0-9]{1,3}\.[0-9]{3,}")
"""What may belong to one session alone: words of its uploads, and positions."""


class SessionError(AssertionError):
    """Something that must not happen to a visitor."""


@dataclass(eq=False)
class Visitor:
    """A session: what it has sent, what it was shown, and what it must never be shown."""

    server: str
    owners: dict[bytes, Visitor] = field(default_factory=dict)
    """Whose each mark is; shared by all."""
    seen: set[bytes] = field(default_factory=set)
    """Its own marks that it was shown."""
    widgets: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Id and fragment of each widget by its key."""
    states: dict[str, WidgetState] = field(default_factory=dict)
    """What the widgets hold, by id; a browser sends all of it with each change."""
    shown: dict[tuple[int, ...], str] = field(default_factory=dict)
    """The texts on the page by their place in it."""
    query: str = ""
    page: str = ""
    socket: ClientConnection | None = None
    session: str = ""
    page_hash: str = ""
    """What the server calls the page that is shown."""
    received_bytes: int = 0
    foreign: list[bytes] = field(default_factory=list)
    """Marks of others that arrived here: must stay empty."""
    problems: list[str] = field(default_factory=list)
    _kept: dict[str, ForwardMsg] = field(default_factory=dict)
    _files: dict[str, Any] = field(default_factory=dict)
    _answers: dict[str, Any] = field(default_factory=dict)
    _downloads: dict[str, str] = field(default_factory=dict)

    async def open(self, query: str = "") -> float:
        """Connect and see the first page; return the seconds that took."""
        self.query = query
        self.socket = await connect(
            self.server.replace("http", "ws", 1) + "/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            origin=self.server,  # type: ignore[arg-type]
            max_size=64_000_000,
            ping_interval=None,
        )
        return await self._run()

    async def close(self) -> None:
        """Go away, as a closed tab does."""
        if self.socket is not None:
            await self.socket.close()
            self.socket = None

    async def go(self, page: str) -> float:
        """Open another page of the app."""
        self.page, self.states = page, {}
        self.shown.clear()
        self.widgets.clear()
        return await self._run(page_name=page)

    async def set(self, key: str, seen: Callable[[], bool] | None = None, **value: Any) -> float:
        """Change a widget and wait for the page; return the seconds until it is whole."""
        widget, fragment = self.widget(key)
        state = WidgetState(id=widget)
        for name, content in value.items():
            if name == "string_array_value":
                state.string_array_value.data[:] = content
            elif name == "file":
                state.file_uploader_state_value.uploaded_file_info.append(content)
            else:
                setattr(state, name, content)
        self.states[widget] = state
        took = await self._run(fragment=fragment)
        if "trigger_value" in value or "file" in value:  # a button springs back; a file is taken
            self.states.pop(widget, None)
        if seen is not None and not seen():
            self.problems.append(f"{key}: the page does not show what was asked")
        return took

    async def tap(self, lon: float, lat: float, key: str = "map") -> float:
        """Tap the map; return the seconds until the answer is whole."""
        tapped = {"last_clicked": {"lat": lat, "lng": lon}}
        self.owners[f"{lat},{lon}".encode()] = self.owners[f"{lon},{lat}".encode()] = self
        return await self.set(key, json_value=json.dumps(tapped))

    def widget(self, key: str) -> tuple[str, str]:
        """Return id and fragment of the widget whose key begins so."""
        for name, found in reversed(self.widgets.items()):
            if name == key or name.startswith(f"{key}-"):
                return found
        message = f"there is no widget {key} among {sorted(self.widgets)}"
        raise SessionError(message)

    def has(self, key: str) -> bool:
        """Return whether a widget is on the page."""
        return any(name == key or name.startswith(f"{key}-") for name in self.widgets)

    @property
    def text(self) -> str:
        """All texts of the page."""
        return "\n".join(self.shown.values())

    async def upload(self, name: str, content: bytes) -> int:
        """Send a file to the page's uploader; return the status of the answer."""
        assert self.socket is not None
        back, wanted = BackMsg(), uuid.uuid4().hex
        back.file_urls_request.request_id = wanted
        back.file_urls_request.session_id = self.session
        back.file_urls_request.file_names.append(name)
        await self.socket.send(back.SerializeToString())
        while wanted not in self._files:
            await self._hear()
        urls = self._files.pop(wanted)
        status = await asyncio.to_thread(put, self.server, urls.upload_url, name, content)
        if status == 204:
            from streamlit.proto.Common_pb2 import UploadedFileInfo

            info = UploadedFileInfo(
                name=name, size=len(content), file_id=urls.file_id, file_urls=urls
            )
            await self.set("upload", file=info)
        return status

    async def download(self, key: str) -> bytes:
        """Have a file made and fetch it."""
        assert self.socket is not None
        found = next((v for k, v in self._downloads.items() if k == key), None)
        if found is None:
            message = f"there is no file {key} among {sorted(self._downloads)}"
            raise SessionError(message)
        back, wanted = BackMsg(), uuid.uuid4().hex
        back.backend_operation_request.request_id = wanted
        back.backend_operation_request.session_id = self.session
        back.backend_operation_request.deferred_file.file_id = found
        await self.socket.send(back.SerializeToString())
        while wanted not in self._answers:
            await self._hear()
        answer = self._answers.pop(wanted)
        if answer.error_msg:
            raise SessionError(answer.error_msg)
        url = self.server + answer.deferred_file.url
        response = await asyncio.to_thread(requests.get, url, timeout=LONGEST_RUN_S)
        self._look(response.content)
        return response.content

    async def _run(self, *, fragment: str = "", page_name: str | None = None) -> float:
        """Have the script run and take in all that it shows."""
        assert self.socket is not None
        back = BackMsg()
        rerun = back.rerun_script
        rerun.query_string = self.query
        rerun.widget_states.widgets.extend(self.states.values())
        rerun.page_name = page_name or ""
        rerun.page_script_hash = self.page_hash if page_name is None else ""
        rerun.fragment_id = fragment
        rerun.cached_message_hashes.extend(self._kept)
        rerun.context_info.url = f"{self.server}/{self.page}"
        rerun.context_info.color_scheme = "light"
        started = time.perf_counter()
        await self.socket.send(back.SerializeToString())
        while True:
            message = await self._hear()
            done = message.WhichOneof("type") == "script_finished"
            if done and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return time.perf_counter() - started

    async def _hear(self) -> ForwardMsg:
        """Take in one message."""
        assert self.socket is not None
        async with asyncio.timeout(LONGEST_RUN_S):
            content = await self.socket.recv()
        assert isinstance(content, bytes)
        self.received_bytes += len(content)
        self._look(content)
        message = ForwardMsg.FromString(content)
        if message.WhichOneof("type") == "ref_hash":
            metadata = message.metadata
            message = ForwardMsg()
            message.CopyFrom(self._kept[message_hash(content)])
            message.metadata.CopyFrom(metadata)
        elif message.metadata.cacheable and message.hash:
            self._kept[message.hash] = message
        self._take(message)
        return message

    def _look(self, content: bytes) -> None:
        """Look for what belongs to others."""
        for found in set(MARK.findall(content)):
            owner = self.owners.get(found.replace(b" ", b""), self)
            if owner is not self:
                self.foreign.append(found)
            elif found in self.owners:
                self.seen.add(found)

    def _take(self, message: ForwardMsg) -> None:
        """Take over what a message changes."""
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.session = message.new_session.initialize.session_id or self.session
        elif kind == "navigation":
            self.page_hash = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "file_urls_response":
            self._files[message.file_urls_response.response_id] = (
                message.file_urls_response.file_urls[0]
            )
        elif kind == "backend_operation_response":
            answer = message.backend_operation_response
            self._answers[answer.request_id] = answer
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._element(message)

    def _element(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind is None:
            return
        inner = getattr(element, kind)
        if kind == "exception":
            self.problems.append(f"exception on the page: {inner.message[:200]}")
        if kind in {"html", "markdown", "alert"}:
            self.shown[tuple(message.metadata.delta_path)] = inner.body
        identity = getattr(inner, "id", "")
        if isinstance(identity, str) and identity.startswith("$$ID-"):
            key = "map" if kind == "component_instance" else identity.split("-", 2)[2]
            self.widgets.pop(key, None)  # the newest stands last
            self.widgets[key] = (identity, message.delta.fragment_id)
            if kind == "download_button" and inner.HasField("deferred_file_id"):
                self._downloads[key] = inner.deferred_file_id


def message_hash(content: bytes) -> str:
    """Return the hash that a message refers to."""
    return ForwardMsg.FromString(content).ref_hash


def put(server: str, address: str, name: str, content: bytes, *, trusted: bool = True) -> int:
    """Upload a file as a browser does; return the status of the answer, 0 if it was cut off."""
    with requests.Session() as browser:
        token = token_of(browser, server)
        headers = {"X-Xsrftoken": token} if trusted else {}
        with contextlib.suppress(requests.ConnectionError):
            return browser.put(
                server + address, files={"file": (name, content)}, headers=headers, timeout=120
            ).status_code
    return 0


def token_of(browser: requests.Session, server: str) -> str:
    """Return the token that a page of the server holds against forged requests."""
    browser.get(f"{server}/_stcore/health", timeout=60)
    return str(browser.cookies.get(COOKIE, ""))
