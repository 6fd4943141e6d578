"""Slack's Web API on loopback: keeps channels, threads and files, fails on demand, signs what people do."""

import hashlib
import hmac
import json
import time
import urllib.parse
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import orjson
from aiohttp import web

from tests.support.slack_rules import check_message, check_view
from tests.support.slack_socket import SlackSocket

SECRET = "0123456789abcdef0123456789abcdef"
TOKEN = "xoxb-1-2-3"
TEAM, BOT_USER, BOT = "T0TEAM1", "U0BOT01", "B0BOT01"
CHANNEL = "C0DESK1"


@dataclass
class Fault:
    """What the next call of a method meets. `lost`: it is done, and the answer never comes."""

    status: int = 200
    error: str = ""
    retry_after: int = 0
    lost: bool = False


@dataclass
class Call:
    """One call, in the order of arrival."""

    method: str
    given: dict[str, Any]


@dataclass
class SlackApi:
    """`async with SlackApi() as slack:`; `slack.url` is the API's address. What Slack would refuse fails the test at the end."""

    calls: list[Call] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    whispers: list[dict[str, Any]] = field(default_factory=list)
    views: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    scopes: str = ""  # what the token was given, as every answer's header says
    down: str = ""  # every call is refused with this error
    file_status: int = 200  # what a download of a file answers
    violations: list[str] = field(default_factory=list)  # of Slack's own rules: must stay empty
    _faults: dict[str, deque[Fault]] = field(default_factory=dict)
    _ids: Any = field(default_factory=lambda: count(1))
    at: float = field(default_factory=time.time)
    socket: SlackSocket = field(default_factory=SlackSocket)
    _port: int = 0

    async def __aenter__(self) -> "SlackApi":
        app = web.Application(client_max_size=30_000_000)
        app.router.add_route("*", "/api/{method}", self._answer)
        app.router.add_post("/upload/{file_id}", self._upload)
        app.router.add_get("/files/{file_id}", self._download)
        app.router.add_get("/socket", self.socket.connect)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await self.up()
        self.base = f"http://127.0.0.1:{self._port}"
        self.url = f"{self.base}/api/"
        return self

    async def up(self) -> None:
        """Listen; after `outage` again, at the same address."""
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await self._site.start()
        self._port = int(self._runner.addresses[0][1])

    async def outage(self) -> None:
        """Nobody listens there any more."""
        await self._site.stop()

    async def __aexit__(self, failed: type[BaseException] | None, *_: object) -> None:
        await self.socket.drop()
        await self._runner.cleanup()
        if failed is None:
            assert self.violations == []

    def fail(self, method: str, *faults: Fault) -> None:
        """The next calls of this method end so."""
        self._faults.setdefault(method, deque()).extend(faults)

    def new_ts(self) -> str:
        """Later than all before."""
        self.at += 0.01
        return f"{self.at:.6f}"

    def roots(self) -> list[dict[str, Any]]:
        """What stands in the channel itself."""
        return [m for m in self.messages if not m.get("thread_ts") and m["channel"] == CHANNEL]

    def thread(self, root: str) -> list[dict[str, Any]]:
        """What stands in a thread, without its root, oldest first."""
        return [m for m in self.messages if m.get("thread_ts") == root]

    def says(self, message: dict[str, Any]) -> str:
        """Everything that can be read in a message."""
        return _words([message.get("text"), message.get("blocks"), message.get("attachments")])

    def methods(self) -> list[str]:
        """What was called, in order."""
        return [call.method for call in self.calls]

    def write(self, user: str, text: str, *, thread: str, **more: Any) -> dict[str, Any]:
        """Somebody writes into a thread; gives the message."""
        message = {"type": "message", "channel": CHANNEL, "user": user, "text": text, "ts": self.new_ts(), **more}
        message |= {"thread_ts": thread, "team": TEAM}
        self.messages.append(message)
        return message

    def put_file(self, name: str, content: bytes, mime: str = "application/pdf") -> dict[str, Any]:
        """Somebody uploads a file."""
        file_id = f"F{next(self._ids):04d}"
        self.files[file_id] = {"id": file_id, "name": name, "mimetype": mime, "size": len(content), "content": content}
        url = f"{self.base}/files/{file_id}"
        return {"id": file_id, "name": name, "mimetype": mime, "size": len(content), "url_private_download": url}

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        given = await _given(request)
        self.calls.append(Call(method, given))
        fault = self._faults[method].popleft() if self._faults.get(method) else Fault()
        if self.down and (method != "auth.test" or self.down in ("invalid_auth", "token_revoked")):
            return web.json_response({"ok": False, "error": self.down})
        if fault.status != 200:
            headers = {"Retry-After": str(fault.retry_after)} if fault.retry_after else {}
            return web.json_response({"ok": False, "error": fault.error}, status=fault.status, headers=headers)
        if fault.error:
            return web.json_response({"ok": False, "error": fault.error})
        self.violations += _wrong(method, given)
        made = getattr(self, "_" + method.replace(".", "_"))(given)
        if fault.lost:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"ok": "error" not in made, **made}, headers={"x-oauth-scopes": self.scopes})

    def _auth_test(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"team_id": TEAM, "user_id": BOT_USER, "bot_id": BOT, "url": self.base, "team": "t", "user": "bot"}

    def _apps_connections_open(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"url": f"{self.base.replace('http', 'ws', 1)}/socket"}

    def _chat_postMessage(self, given: dict[str, Any]) -> dict[str, Any]:
        message = {**given, "ts": self.new_ts(), "user": BOT_USER, "bot_id": BOT}
        if given["channel"].startswith("U"):  # a person's id: the direct channel with them
            message["channel"] = f"D{given['channel'][1:]}"
        self.messages.append(message)
        return {"channel": message["channel"], "ts": message["ts"], "message": message}

    def _chat_update(self, given: dict[str, Any]) -> dict[str, Any]:
        for message in self.messages:
            if message["ts"] == given["ts"] and message["channel"] == given["channel"]:
                message.update(given)
                return {"channel": given["channel"], "ts": given["ts"]}
        return {"error": "message_not_found"}

    def _chat_postEphemeral(self, given: dict[str, Any]) -> dict[str, Any]:
        self.whispers.append(given)
        return {"message_ts": self.new_ts()}

    def _reactions_add(self, given: dict[str, Any]) -> dict[str, Any]:
        found = next(m for m in self.messages if (m["channel"], m["ts"]) == (given["channel"], given["timestamp"]))
        found.setdefault("reactions", []).append({"name": given["name"], "users": [BOT_USER]})
        return {}

    def _conversations_replies(self, given: dict[str, Any]) -> dict[str, Any]:
        there = [m for m in self.messages if given["ts"] in (m["ts"], m.get("thread_ts"))]
        return {"messages": [m for m in there if m["ts"] > str(given.get("oldest", "0"))]}

    def _conversations_history(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"messages": [m for m in self.roots() if m["ts"] > str(given.get("oldest", "0"))][::-1]}

    def _conversations_info(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"channel": {"id": given["channel"], "is_archived": False, "is_ext_shared": False, **self.info}}

    def _views_publish(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"view": {"id": f"VH{next(self._ids)}"}}

    def _users_info(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"user": {"id": given["user"], "team_id": TEAM, "is_bot": False}}

    def _files_getUploadURLExternal(self, given: dict[str, Any]) -> dict[str, Any]:
        file_id = f"F{next(self._ids):04d}"
        self.files[file_id] = {"id": file_id, "name": given["filename"], "channels": []}
        return {"file_id": file_id, "upload_url": f"{self.base}/upload/{file_id}"}

    def _files_completeUploadExternal(self, given: dict[str, Any]) -> dict[str, Any]:
        for each in json.loads(given["files"]) if isinstance(given["files"], str) else given["files"]:
            file = self.files[each["id"]]
            file["channels"].append(given["channel_id"])
            self.messages.append(
                {
                    "channel": given["channel_id"], "thread_ts": given["thread_ts"], "ts": self.new_ts(), "bot_id": BOT,
                    "user": BOT_USER, "text": given.get("initial_comment", ""), "files": [each],
                }
            )  # fmt: skip
        return {"files": []}

    def _files_info(self, given: dict[str, Any]) -> dict[str, Any]:
        found = self.files.get(given["file"])
        if found is None:
            return {"error": "file_not_found"}
        return {"file": {name: value for name, value in found.items() if name != "content"}}

    def _files_delete(self, given: dict[str, Any]) -> dict[str, Any]:
        for message in self.messages:  # what shared it stays, with a tombstone instead of the file
            if any(file["id"] == given["file"] for file in message.get("files") or ()):
                message["files"] = [{"id": given["file"], "mode": "tombstone"}]
        return {} if self.files.pop(given["file"], None) else {"error": "file_not_found"}

    def _views_open(self, given: dict[str, Any]) -> dict[str, Any]:
        view = json.loads(given["view"]) if isinstance(given["view"], str) else given["view"]
        made = {**view, "id": f"V{next(self._ids):04d}", "hash": f"h{next(self._ids)}"}
        self.views.append(made)
        return {"view": made}

    def _views_update(self, given: dict[str, Any]) -> dict[str, Any]:
        view = json.loads(given["view"]) if isinstance(given["view"], str) else given["view"]
        self.views.append({**view, "id": given["view_id"], "hash": f"h{next(self._ids)}"})
        return {"view": self.views[-1]}

    async def _upload(self, request: web.Request) -> web.Response:
        self.files[request.match_info["file_id"]]["content"] = await request.read()
        return web.Response(text="OK")

    async def _download(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(text="<html>sign in</html>", content_type="text/html")
        if self.file_status != 200:
            return web.Response(status=self.file_status)
        file = self.files.get(request.match_info["file_id"])
        if file is None:
            return web.Response(status=404)
        return web.Response(body=file["content"], content_type=file["mimetype"])


def signed(body: str, *, form: bool = False, at: float | None = None) -> dict[str, str]:
    """Headers of a request from Slack."""
    stamp = str(int(at if at is not None else time.time()))
    proof = hmac.new(SECRET.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={proof}", "content-type": kind}


def as_form(payload: dict[str, Any]) -> str:
    """An interactive payload as Slack posts it."""
    return urllib.parse.urlencode({"payload": json.dumps(payload)})


def _wrong(method: str, given: dict[str, Any]) -> list[str]:
    """What Slack's rules say against a call."""
    if method in ("chat.postMessage", "chat.update", "chat.postEphemeral"):
        return check_message(given, method=method)
    if method.startswith("views."):
        view = given["view"]
        return [f"{method}: {said}" for said in check_view(json.loads(view) if isinstance(view, str) else view)]
    return []


async def _given(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        return dict(orjson.loads(await request.read() or b"{}"))
    form = {**request.query, **(await request.post() if request.method == "POST" else {})}
    return {name: _plain(str(value)) for name, value in form.items()}


def _plain(value: str) -> Any:
    if value[:1] in "[{":
        return json.loads(value)
    return value


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(_words(item) for item in value)
    if isinstance(value, dict):
        return "\n".join(_words(item) for name, item in value.items() if name not in ("type", "action_id", "value"))
    return ""
