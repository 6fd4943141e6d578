"""LINE's Messaging API on loopback: judges every call by LINE's own schema, fails on demand, and brings what members do."""

import asyncio
import base64
import hashlib
import hmac
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import aiohttp
import orjson
from aiohttp import web

from tests.support.line_rules import pressable, said, violations

SECRET = "0123456789abcdef0123456789abcdef"
TOKEN = "line-channel-token"
BASIC_ID = "@123madog"
ACCOUNT = "Ubotbotbotbotbotbotbotbotbotbotbo"
TOKEN_SECONDS = 60.0


@dataclass
class Call:
    """One request, in the order of arrival."""

    method: str
    body: dict[str, Any]
    key: str = ""
    status: int = 200


@dataclass
class Fault:
    """What the next matching call meets: a refusal, or a lost answer after it was accepted."""

    status: int = 0
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    after: Literal["answer", "hang", "drop"] = "answer"


class LineDouble:
    """`async with LineDouble() as line:`; `line.url` is the API's address, `violations` must stay empty."""

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self.calls: list[Call] = []
        self.chats: dict[str, list[dict[str, Any]]] = {}
        self.violations: list[str] = []
        self.content: dict[str, bytes] = {}
        self.preparing: set[str] = set()
        self.blocked: set[str] = set()
        self.quota: tuple[int | None, int] = (200, 0)
        self.webhook = ""
        self.menus: dict[str, dict[str, Any]] = {}  # id → request
        self.pictures: dict[str, bytes] = {}
        self.menu_of: dict[str, str] = {}  # person, or "all" → id
        self.endpoint = ""
        self.link_tokens: dict[str, str] = {}  # link token → person it was made for
        self.loading: list[str] = []
        self.answers_tries = True
        self._faults: dict[str, deque[Fault]] = {}
        self._keys: dict[str, list[dict[str, str]]] = {}
        self._tokens: dict[str, tuple[str, float]] = {}
        self._ids = count(500_001)
        self._never = asyncio.Event()
        self._happened = asyncio.Condition()

    async def __aenter__(self) -> "LineDouble":
        app = web.Application(client_max_size=5_000_000)
        app.router.add_post("/v2/bot/message/{method:reply|push}", self._send)
        app.router.add_get("/v2/bot/richmenu/list", self._menus)
        app.router.add_post("/v2/bot/richmenu", self._new_menu)
        app.router.add_post("/v2/bot/richmenu/{id}/content", self._menu_picture)
        app.router.add_delete("/v2/bot/richmenu/{id}", self._drop_menu)
        app.router.add_post("/v2/bot/user/all/richmenu/{id}", self._default_menu)
        app.router.add_post("/v2/bot/user/{person}/richmenu/{id}", self._link_menu)
        app.router.add_put("/v2/bot/channel/webhook/endpoint", self._set_endpoint)
        app.router.add_post("/v2/bot/channel/webhook/test", self._test_endpoint)
        app.router.add_get("/v2/bot/info", self._info)
        app.router.add_post("/v2/bot/user/{person}/linkToken", self._link_token)
        app.router.add_post("/v2/bot/chat/loading/start", self._loading)
        app.router.add_get("/v2/bot/message/quota", self._quota)
        app.router.add_get("/v2/bot/message/quota/consumption", self._quota)
        app.router.add_get("/v2/bot/message/{id}/content", self._content)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._client = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._never.set()
        await self._client.close()
        await self._runner.cleanup()

    def fail(self, method: str, *faults: Fault) -> None:
        """The next calls of `method` (reply, push, content) meet these, one each."""
        self._faults.setdefault(method, deque()).extend(faults)

    def called(self, method: str) -> list[Call]:
        """The calls of one method."""
        return [call for call in self.calls if call.method == method]

    def shown(self, person: str) -> list[dict[str, Any]]:
        """What stands in a person's chat, oldest first."""
        return self.chats.get(person, [])

    def reads(self, person: str) -> list[str]:
        """The words of each message."""
        return [said(message) for message in self.shown(person)]

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait, call by call, until something is so."""
        async with self._happened:
            await self._happened.wait_for(true)

    # What members do

    def event(self, person: str, kind: str, *, group: str = "", token: bool = True, **what: Any) -> dict[str, Any]:
        """One event; `token` False for those LINE sends without a reply token."""
        source = {"type": "group", "groupId": group, "userId": person} if group else {"type": "user", "userId": person}
        number = next(self._ids)
        event = {
            "type": kind,
            "mode": "active",
            "timestamp": int(self.now() * 1000),
            "source": source,
            "webhookEventId": f"01HEVENT{number:018d}",
            "deliveryContext": {"isRedelivery": False},
            **what,
        }
        if token:
            event["replyToken"] = f"reply-{number}"
            self._tokens[event["replyToken"]] = (group or person, self.now() + TOKEN_SECONDS)
        return event

    def text(self, person: str, words: str, **more: Any) -> dict[str, Any]:
        """A text message."""
        message = {"type": "text", "id": str(next(self._ids)), "text": words, "quoteToken": "q"}
        return self.event(person, "message", message=message, **more)

    def pressed(self, person: str, label: str) -> dict[str, Any]:
        """A press on the newest thing whose words hold `label`."""
        for message in reversed(self.shown(person)):
            for words, action in pressable(message).items():
                if label in words:
                    return self.event(person, "postback", postback={"data": action["data"]})
        raise AssertionError(f"nothing to press like {label!r} in:\n" + "\n---\n".join(self.reads(person)))

    def chose_date(self, person: str, day: str) -> dict[str, Any]:
        """A day chosen in the newest date picker."""
        for message in reversed(self.shown(person)):
            for action in pressable(message).values():
                if action["type"] == "datetimepicker":
                    return self.event(person, "postback", postback={"data": action["data"], "params": {"date": day}})
        raise AssertionError("no date picker")

    async def deliver(self, *events: dict[str, Any], signature: str | None = None, raw: bytes | None = None) -> int:
        """To the product's webhook; the status it answered."""
        body = raw if raw is not None else orjson.dumps({"destination": ACCOUNT, "events": list(events)})
        proof = sign(body) if signature is None else signature
        async with self._client.post(self.webhook, data=body, headers={"x-line-signature": proof}) as answer:
            return answer.status

    # What the product calls

    async def _send(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        body = orjson.loads(await request.read())
        key = request.headers.get("X-Line-Retry-Key", "")
        call = Call(method, body, key)
        self.calls.append(call)
        answer, after = self._judged(call, request.headers.get("Authorization", ""))
        call.status = answer.status
        async with self._happened:
            self._happened.notify_all()
        if after == "hang":
            await self._never.wait()
        if after == "drop" and request.transport is not None:
            request.transport.abort()
        return answer

    def _judged(self, call: Call, authorization: str) -> tuple[web.Response, str]:
        if authorization != f"Bearer {TOKEN}":
            return _refused(401, "Authentication failed"), ""
        self.violations.extend(
            violations("ReplyMessageRequest" if call.method == "reply" else "PushMessageRequest", call.body)
        )
        faults = self._faults.get(call.method)
        fault = faults.popleft() if faults else Fault()
        if fault.status:
            return _refused(fault.status, fault.message, fault.headers), ""
        answer = self._replied(call) if call.method == "reply" else self._pushed(call)
        return answer, fault.after

    def _replied(self, call: Call) -> web.Response:
        person, until = self._tokens.pop(call.body["replyToken"], ("", 0.0))
        if not person or self.now() > until:
            return _refused(400, "Invalid reply token")
        return web.json_response({"sentMessages": self._keep(person, call.body["messages"])})

    def _pushed(self, call: Call) -> web.Response:
        if call.key and call.key in self._keys:
            sent = {"message": "The retry key is already accepted", "sentMessages": self._keys[call.key]}
            return web.json_response(sent, status=409, headers={"x-line-accepted-request-id": "first"})
        limit, used = self.quota
        if limit is not None and used >= limit:
            return _refused(429, "You have reached your monthly limit.")
        person = call.body["to"]
        if person in self.blocked:
            return web.json_response({"sentMessages": [{"id": str(next(self._ids))}]})  # LINE drops it without a word
        self.quota = (limit, used + 1)
        sent_messages = self._keep(person, call.body["messages"])
        if call.key:
            self._keys[call.key] = sent_messages
        return web.json_response({"sentMessages": sent_messages})

    def _keep(self, person: str, messages: list[dict[str, Any]]) -> list[dict[str, str]]:
        self.chats.setdefault(person, []).extend(messages)
        return [{"id": str(next(self._ids)), "quoteToken": "q"} for _ in messages]

    async def _menus(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _refused(401, "Authentication failed")
        return web.json_response({"richmenus": [{"richMenuId": number, **menu} for number, menu in self.menus.items()]})

    async def _new_menu(self, request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        self.calls.append(Call("menu", body))
        self.violations.extend(violations("RichMenuRequest", body))
        number = f"richmenu-{next(self._ids)}"
        self.menus[number] = body
        return web.json_response({"richMenuId": number})

    async def _menu_picture(self, request: web.Request) -> web.Response:
        content = await request.read()
        if (
            request.headers.get("Content-Type") != "image/png"
            or not content.startswith(b"\x89PNG")
            or len(content) > 1_000_000
        ):
            self.violations.append("a rich menu's picture must be PNG or JPEG of at most 1 MB")
        self.pictures[request.match_info["id"]] = content
        return web.json_response({})

    async def _drop_menu(self, request: web.Request) -> web.Response:
        self.menus.pop(request.match_info["id"], None)
        return web.json_response({})

    async def _default_menu(self, request: web.Request) -> web.Response:
        self.menu_of["all"] = request.match_info["id"]
        return web.json_response({})

    async def _link_menu(self, request: web.Request) -> web.Response:
        if request.match_info["id"] not in self.pictures:
            return _refused(404, "richmenu not found")
        self.menu_of[request.match_info["person"]] = request.match_info["id"]
        async with self._happened:
            self._happened.notify_all()
        return web.json_response({})

    async def _set_endpoint(self, request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        self.violations.extend(violations("SetWebhookEndpointRequest", body))
        self.endpoint = body["endpoint"]
        return web.json_response({})

    async def _test_endpoint(self, _: web.Request) -> web.Response:
        told = {"timestamp": "2026-11-23T00:00:00Z", "statusCode": 200, "reason": "OK", "detail": "200"}
        return web.json_response({"success": self.answers_tries, **told})

    async def _info(self, _: web.Request) -> web.Response:
        told = {
            "userId": ACCOUNT,
            "basicId": BASIC_ID,
            "displayName": "窓口",
            "chatMode": "bot",
            "markAsReadMode": "auto",
        }
        return web.json_response(told)

    async def _link_token(self, request: web.Request) -> web.Response:
        faults = self._faults.get("linkToken")
        if faults:
            return _refused(faults.popleft().status, "")
        token = f"link-token-{next(self._ids)}"
        self.link_tokens[token] = request.match_info["person"]
        return web.json_response({"linkToken": token})

    async def _loading(self, request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        self.violations.extend(violations("ShowLoadingAnimationRequest", body))
        self.loading.append(body["chatId"])
        async with self._happened:
            self._happened.notify_all()
        return web.json_response({}, status=202)

    def linked(self, person: str, dialog: str) -> dict[str, Any]:
        """The person pressed "link" in LINE's dialog: only the one its link token was made for may, and only once."""
        asked = parse_qs(urlsplit(dialog).query)
        (token,), (nonce,) = asked["linkToken"], asked["nonce"]
        fine = self.link_tokens.pop(token, "") == person and 10 <= len(nonce) <= 255
        return self.event(
            person, "accountLink", token=fine, link={"result": "ok" if fine else "failed", "nonce": nonce}
        )

    async def _quota(self, request: web.Request) -> web.Response:
        limit, used = self.quota
        if request.path.endswith("consumption"):
            return web.json_response({"totalUsage": used})
        return web.json_response({"type": "none"} if limit is None else {"type": "limited", "value": limit})

    async def _content(self, request: web.Request) -> web.Response:
        number = request.match_info["id"]
        self.calls.append(Call("content", {"id": number}))
        faults = self._faults.get("content")
        if faults:
            return _refused(faults.popleft().status, "")
        if number in self.preparing:
            self.preparing.discard(number)
            return web.Response(status=202)
        if number not in self.content:
            return _refused(404, "Not found")
        return web.Response(body=self.content[number])


def sign(body: bytes, secret: str = SECRET) -> str:
    """As LINE signs."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def _refused(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"message": message}, status=status, headers=headers)
