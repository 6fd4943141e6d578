"""The Bot API on loopback: keeps messages, checks every call, fails on demand, and brings what members do to the product."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

import aiohttp
from aiohttp import web

from tests.support.telegram_rules import (
    CAPTION,
    TEXT,
    Refused,
    Upload,
    check_commands,
    check_fields,
    check_keyboard,
    decode,
    formatted,
)  # fmt: skip

TOKEN = "4242:AAtest-token_of-a-double"
ACCOUNT = "4242"
After = Literal["answer", "hang", "drop"]


class StepTime:
    """Sleeping moves the time on at once: for sends one after another."""

    def __init__(self) -> None:
        self.at = 1000.0

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


@dataclass
class Call:
    """One request, in the order of arrival."""

    method: str
    params: dict[str, Any]
    at: float
    status: int = 200


@dataclass
class Shown:
    """A message as the person sees it now."""

    chat: str
    message_id: int
    text: str
    entities: list[dict[str, Any]] = field(default_factory=list)
    markup: dict[str, Any] | None = None
    file: tuple[str, bytes] | None = None
    edits: int = 0

    @property
    def buttons(self) -> list[dict[str, Any]]:
        """All buttons in reading order."""
        return [button for row in (self.markup or {}).get("inline_keyboard", []) for button in row]

    @property
    def labels(self) -> list[str]:
        """What the buttons say."""
        return [button["text"] for button in self.buttons]


@dataclass
class Fault:
    """What the next matching call meets: a refusal, or a lost answer after it was accepted."""

    refused: Refused | None = None
    after: After = "answer"
    raw: tuple[int, str] | None = None  # a gateway's answer that is no JSON


class TelegramDouble:
    """`async with TelegramDouble() as telegram:`; `telegram.url` is the API's address, `violations` must stay empty."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self.calls: list[Call] = []
        self.messages: dict[tuple[str, int], Shown] = {}
        self.violations: list[str] = []
        self.files: dict[str, bytes] = {}
        self.webhook: dict[str, Any] = {}
        self.commands: dict[str, list[dict[str, str]]] = {}
        self.answered: dict[str, str] = {}
        self.confirmed_below = 0  # what getUpdates was told to forget
        self.down = False
        self._faults: dict[str, deque[Fault]] = {}
        self._pending: list[dict[str, Any]] = []
        self._new = asyncio.Event()
        self._polling = 0
        self._sends: deque[tuple[float, str]] = deque()
        self._message_ids, self._update_ids = count(1), count(900_001)
        self._never = asyncio.Event()
        self._happened = asyncio.Condition()

    async def __aenter__(self) -> "TelegramDouble":
        app = web.Application(client_max_size=60_000_000)
        app.router.add_route("*", "/bot{token}/{method}", self._handle)
        app.router.add_get("/file/bot{token}/{path:.+}", self._download)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._client = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._never.set()
        await self._client.close()
        await self._runner.cleanup()

    def fail(self, method: str, *faults: Fault) -> None:
        """The next calls of `method` meet these, one each."""
        self._faults.setdefault(method, deque()).extend(faults)

    def called(self, method: str) -> list[Call]:
        """The calls of one method."""
        return [call for call in self.calls if call.method == method]

    def shown(self, chat: int | str) -> list[Shown]:
        """What stands in a chat, oldest first."""
        return [message for message in self.messages.values() if message.chat == str(chat)]

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait, call by call, until something is so: `await telegram.until(lambda: len(telegram.shown(7)) == 2)`."""
        async with self._happened:
            await self._happened.wait_for(true)

    def forget(self, chat: int | str, message_id: int) -> None:
        """The person deletes a message of the bot (Telegram tells nobody)."""
        del self.messages[str(chat), message_id]

    # What members do

    def update(self, **what: Any) -> dict[str, Any]:
        """An update with the next id: `update(message={…})`."""
        return {"update_id": next(self._update_ids), **what}

    def message(self, chat: int, **content: Any) -> dict[str, Any]:
        """A message of the person whose private chat this is (a group when the id is negative)."""
        person = {"id": abs(chat), "is_bot": False, "first_name": "太郎", "last_name": "山田", "language_code": "ja"}
        place = (
            {"id": chat, "type": "private", "first_name": "太郎"}
            if chat > 0
            else {"id": chat, "type": "group", "title": "会"}
        )
        return {"message_id": next(self._message_ids), "from": person, "chat": place, "date": 1_795_316_400, **content}

    async def say(self, chat: int, text: str) -> int:
        """The person writes; the product's answer (HTTP status), or 0 when it polls."""
        content: dict[str, Any] = {"text": text}
        if text.startswith("/"):
            content["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])}]
        return await self.deliver(self.update(message=self.message(chat, **content)))

    async def press(self, chat: int, label: str) -> int:
        """The person presses the newest button whose label contains `label`."""
        for shown in reversed(self.shown(chat)):
            for button in shown.buttons:
                if label in button["text"]:
                    return await self.deliver(self.press_update(chat, shown, button["callback_data"]))
        raise AssertionError(f"no button {label!r} among {[m.labels for m in self.shown(chat)]}")

    def press_update(self, chat: int, shown: Shown, data: str) -> dict[str, Any]:
        """A callback query on a message of the bot."""
        message = {**self._json(shown), "chat": {"id": chat, "type": "private", "first_name": "太郎"}}
        query = {
            "id": f"q{next(self._message_ids)}",
            "from": self.message(chat)["from"],
            "message": message,
            "data": data,
        }
        return self.update(callback_query={**query, "chat_instance": "1"})

    async def send_photo(self, chat: int, content: bytes, caption: str = "") -> int:
        """The person sends a picture."""
        self.files[file_id := f"photo-{len(self.files)}"] = content
        size = {"file_id": file_id, "file_unique_id": file_id, "width": 90, "height": 90, "file_size": len(content)}
        return await self.deliver(self.update(message=self.message(chat, photo=[size], caption=caption)))

    async def deliver(self, update: dict[str, Any], *, secret: str | None = None) -> int:
        """By the webhook that was set (the product's status), else into the queue of getUpdates (0)."""
        if not self.webhook.get("url"):
            self._pending.append(update)
            self._new.set()
            return 0
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook["secret_token"] if secret is None else secret}
        async with self._client.post(self.webhook["url"], json=update, headers=headers) as response:
            return response.status

    # The API

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        fields: dict[str, str] = dict(request.query)
        files: dict[str, tuple[str, bytes]] = {}
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                files[name] = (value.filename, value.file.read())
            else:
                fields[name] = str(value)
        if request.match_info["token"] != TOKEN:
            return _refusal(Refused(401, "Unauthorized"))
        params = decode(fields, files)
        call = Call(method, params, self.now())
        self.calls.append(call)
        self.violations += check_fields(method, params)
        faults = self._faults.get(method)
        fault = faults.popleft() if faults else Fault()
        response = await self._answer(call, fault)
        call.status = response.status
        await self._tell()
        if fault.after == "hang":
            await self._never.wait()
        if fault.after == "drop" and request.transport is not None:
            request.transport.abort()
        return response

    async def _tell(self) -> None:
        async with self._happened:
            self._happened.notify_all()

    async def _answer(self, call: Call, fault: Fault) -> web.Response:
        if self.down:
            return web.Response(status=502, text="<html>Bad Gateway</html>")
        if fault.raw:
            return web.Response(status=fault.raw[0], text=fault.raw[1])
        try:
            if fault.refused:
                raise fault.refused
            known: dict[str, Callable[[dict[str, Any]], Awaitable[Any]]] = {
                "getMe": self._get_me, "sendMessage": self._send_message, "editMessageText": self._edit_text,
                "editMessageCaption": self._edit_caption, "deleteMessage": self._delete,
                "editMessageReplyMarkup": self._edit_markup, "sendPhoto": self._send_file, "sendDocument": self._send_file,
                "answerCallbackQuery": self._answer_query, "setWebhook": self._set_webhook,
                "deleteWebhook": self._delete_webhook, "setMyCommands": self._set_commands, "getFile": self._get_file,
                "getUpdates": self._get_updates,
            }  # fmt: skip
            if call.method not in known:
                raise Refused(404, "Not Found")
            result = await known[call.method](call.params)
            return web.json_response({"ok": True, "result": result})
        except Refused as refused:
            return _refusal(refused)
        except Exception as error:
            self.violations.append(f"{call.method}: {type(error).__name__} {error}")  # the call's fault or the double's
            raise

    def _flood(self, chat: str) -> None:
        """More than 30 in a second, or 20 a minute in a group: 429, as Telegram does (core.telegram.org/bots/faq)."""
        now = self.now()
        self._sends.append((now, chat))
        while self._sends[0][0] <= now - 60:
            self._sends.popleft()
        if sum(at > now - 1 for at, _ in self._sends) > 30:
            raise Refused(429, "Too Many Requests: retry after 3", 3)
        if chat.startswith("-") and sum(there == chat for _, there in self._sends) > 20:
            raise Refused(429, "Too Many Requests: retry after 30", 30)

    async def _get_me(self, _: dict[str, Any]) -> Any:
        return {"id": int(ACCOUNT), "is_bot": True, "first_name": "窓口", "username": "madoguchi_test_bot"}

    async def _send_message(self, params: dict[str, Any]) -> Any:
        self._flood(params["chat_id"])
        text = formatted(params, "text", TEXT)
        return self._keep(params, Shown(params["chat_id"], next(self._message_ids), text.text, text.entities))

    async def _send_file(self, params: dict[str, Any]) -> Any:
        self._flood(params["chat_id"])
        caption = formatted(params, "caption", CAPTION)
        upload = params.get("photo") or params.get("document")
        assert isinstance(upload, Upload)
        shown = Shown(params["chat_id"], next(self._message_ids), caption.text, caption.entities)
        shown.file = (upload.filename, upload.data)
        return self._keep(params, shown)

    def _keep(self, params: dict[str, Any], shown: Shown) -> Any:
        check_keyboard(params.get("reply_markup"))
        shown.markup = params.get("reply_markup")
        self.messages[shown.chat, shown.message_id] = shown
        return self._json(shown)

    async def _edit_text(self, params: dict[str, Any]) -> Any:
        self._flood(params["chat_id"])
        shown = self._found(params)
        if shown.file:
            raise Refused(400, "Bad Request: there is no text in the message to edit")
        text = formatted(params, "text", TEXT)
        check_keyboard(params.get("reply_markup"))
        return self._changed(shown, text.text, text.entities, params.get("reply_markup"))

    async def _edit_caption(self, params: dict[str, Any]) -> Any:
        self._flood(params["chat_id"])
        shown = self._found(params)
        if not shown.file:
            raise Refused(400, "Bad Request: there is no caption in the message to edit")
        caption = formatted(params, "caption", CAPTION)
        check_keyboard(params.get("reply_markup"))
        return self._changed(shown, caption.text, caption.entities, params.get("reply_markup"))

    async def _delete(self, params: dict[str, Any]) -> Any:
        shown = self.messages.pop((params["chat_id"], int(params["message_id"])), None)
        if shown is None:
            raise Refused(400, "Bad Request: message to delete not found")
        return True

    async def _edit_markup(self, params: dict[str, Any]) -> Any:
        shown = self._found(params)
        check_keyboard(params.get("reply_markup"))
        return self._changed(shown, shown.text, shown.entities, params.get("reply_markup"))

    def _found(self, params: dict[str, Any]) -> Shown:
        shown = self.messages.get((params["chat_id"], int(params["message_id"])))
        if shown is None:
            raise Refused(400, "Bad Request: message to edit not found")
        return shown

    def _changed(self, shown: Shown, text: str, entities: list[dict[str, Any]], markup: dict[str, Any] | None) -> Any:
        if (shown.text, shown.entities, shown.markup) == (text, entities, markup):
            raise Refused(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are exactly the "
                "same as a current content and reply markup of the message",
            )
        shown.text, shown.entities, shown.markup = text, entities, markup
        shown.edits += 1
        return self._json(shown)

    def _json(self, shown: Shown) -> dict[str, Any]:
        chat = int(shown.chat)
        said: dict[str, Any] = (
            {"text": shown.text, "entities": shown.entities} if not shown.file else {"caption": shown.text}
        )
        if shown.markup:
            said["reply_markup"] = shown.markup
        place = {"id": chat, "type": "private" if chat > 0 else "group"}
        sender = {"id": int(ACCOUNT), "is_bot": True, "first_name": "窓口"}
        return {"message_id": shown.message_id, "date": 1_795_316_400, "chat": place, "from": sender, **said}

    async def _answer_query(self, params: dict[str, Any]) -> Any:
        text = str(params.get("text") or "")
        if len(text) > 200:
            raise Refused(400, "Bad Request: MESSAGE_TOO_LONG")
        self.answered[params["callback_query_id"]] = text
        return True

    async def _set_webhook(self, params: dict[str, Any]) -> Any:
        self.webhook = params
        return True

    async def _delete_webhook(self, _: dict[str, Any]) -> Any:
        self.webhook = {}
        return True

    async def _set_commands(self, params: dict[str, Any]) -> Any:
        check_commands(params)
        self.commands[params.get("language_code", "")] = params["commands"]
        return True

    async def _get_file(self, params: dict[str, Any]) -> Any:
        content = self.files.get(params["file_id"])
        if content is None:
            raise Refused(400, "Bad Request: invalid file_id")
        if len(content) > 20_000_000:
            raise Refused(400, "Bad Request: file is too big")
        found = {"file_id": params["file_id"], "file_unique_id": "u", "file_size": len(content)}
        return {**found, "file_path": f"files/{params['file_id']}"}

    async def _download(self, request: web.Request) -> web.Response:
        content = self.files.get(request.match_info["path"].removeprefix("files/"))
        return web.Response(status=404) if content is None else web.Response(body=content)

    async def _get_updates(self, params: dict[str, Any]) -> Any:
        if self.webhook.get("url"):
            raise Refused(409, "Conflict: can't use getUpdates method while webhook is active")
        if self._polling:
            raise Refused(409, "Conflict: terminated by other getUpdates request")
        self.confirmed_below = max(self.confirmed_below, int(params.get("offset", 0)))
        self._pending = [update for update in self._pending if update["update_id"] >= self.confirmed_below]
        await self._tell()
        if not self._pending and int(params.get("timeout", 0)):
            self._new.clear()
            self._polling += 1
            try:
                await asyncio.wait_for(self._new.wait(), int(params["timeout"]))
            except TimeoutError:
                return []
            finally:
                self._polling -= 1
        return self._pending[: int(params.get("limit", 100))]


def _refusal(refused: Refused) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": refused.status, "description": refused.description}
    if refused.retry_after is not None:
        body["parameters"] = {"retry_after": refused.retry_after}
    return web.json_response(body, status=refused.status)
