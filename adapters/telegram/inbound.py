"""The webhook of Telegram: proved by its secret header, answered 200 only after the commit, the press answered afterwards."""

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from telegram import Bot
from telegram.constants import CallbackQueryLimit
from telegram.error import TelegramError

from adapters.telegram.parse import callback_id, parse_update
from bot.inbound import Ack, Inbound

log = logging.getLogger(__name__)

Deliver = Callable[[Inbound], Awaitable[Ack]]
PATH = "/webhooks/telegram"
MAX_BODY_BYTES = 1_000_000
_SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - a header's name
_TOAST_LENGTH = int(CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH)


class Intake:
    """One update, whichever way it came: parsed, delivered, and its press answered."""

    def __init__(self, bot: Bot, account: str, deliver: Deliver) -> None:
        self._bot = bot
        self._account = account
        self._deliver = deliver
        self._answers: set[asyncio.Task[None]] = set()

    def parse(self, raw: dict[str, Any]) -> Inbound | None:
        """What a person did; None when the update is nothing of ours."""
        return parse_update(raw, account=self._account)

    async def take(self, raw: dict[str, Any], inbound: Inbound | None) -> None:
        """Returns once the turn has committed; its errors pass through, so that Telegram repeats."""
        toast = ""
        try:
            if inbound is not None:
                toast = (await self._deliver(inbound)).toast
        finally:
            query_id = callback_id(raw)
            if query_id:  # also after an error: the button must not spin for ever
                task = asyncio.create_task(self._answer(query_id, toast))
                self._answers.add(task)
                task.add_done_callback(self._answers.discard)

    async def _answer(self, query_id: str, toast: str) -> None:
        """Best effort: a press older than some seconds cannot be answered any more, which hurts nobody."""
        try:
            await self._bot.answer_callback_query(query_id, text=toast[:_TOAST_LENGTH] or None)
        except TelegramError as error:
            log.info("a press could not be answered", extra={"error": type(error).__name__})

    async def close(self) -> None:
        """Let the last answers leave, two seconds at most."""
        if self._answers:
            _, late = await asyncio.wait(self._answers, timeout=2)
            for task in late:
                task.cancel()


def webhook_route(secret: str, intake: Intake) -> Route:
    """`POST /webhooks/telegram`: 401 wrong secret, 413 over 1 MB, 400 no update; in these cases nothing is stored.

    200 only after the commit, 500 when the turn could not be kept (Telegram repeats). There is no signature: the header
    is the only proof of origin (platforms.md 1), compared in constant time.
    """
    expected = secret.encode()

    async def receive(request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get(_SECRET_HEADER, "").encode(), expected):
            return PlainTextResponse("wrong secret", 401)
        body = await _read(request)
        if body is None:
            return PlainTextResponse("too large", 413)
        raw = _update(body)
        if raw is None:
            return PlainTextResponse("not an update", 400)
        try:
            await intake.take(raw, intake.parse(raw))
        except Exception as error:  # noqa: BLE001 - whatever it was, the update is not kept: Telegram must repeat it
            log.error("update not kept", extra={"update_id": raw["update_id"], "error": type(error).__name__})
            return PlainTextResponse("try again", 500)
        return Response(status_code=200)

    return Route(PATH, receive, methods=["POST"])


async def _read(request: Request) -> bytes | None:
    """The body, or None when it is too large (without reading more of it than that)."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return None
    except ClientDisconnect:
        return b""
    return bytes(body)


def _update(body: bytes) -> dict[str, Any] | None:
    try:
        raw = orjson.loads(body)
    except ValueError:
        return None
    return raw if is_update(raw) else None


def is_update(raw: Any) -> bool:
    """Whether this JSON can be an update: an object with a whole `update_id`."""
    return isinstance(raw, dict) and type(raw.get("update_id")) is int
