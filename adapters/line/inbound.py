"""`POST /webhooks/line`: proved by its signature, answered 200 only after every event has committed (platforms.md 2)."""

import base64
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from adapters.line.parse import parse_event
from adapters.line.waiting import Waiting
from bot.inbound import Ack, Inbound

log = logging.getLogger(__name__)

Deliver = Callable[[Inbound], Awaitable[Ack]]
PATH = "/webhooks/line"
MAX_BODY_BYTES = 1_000_000
_SIGNATURE = "x-line-signature"


def webhook_route(secret: str, deliver: Deliver, waiting: Waiting | None = None) -> Route:
    """401 wrong signature, 413 over 1 MB, 400 no webhook of LINE: in these cases nothing is stored.

    Events are taken in the order they happened, one turn each; 500 when one could not be kept, so that LINE delivers the
    whole again (redelivery switched on): those taken already are known by their `webhookEventId`.
    """

    async def receive(request: Request) -> Response:
        body = await _read(request)
        if body is None:
            return PlainTextResponse("too large", 413)
        if not is_proved(body, request.headers.get(_SIGNATURE, ""), secret):
            return PlainTextResponse("wrong signature", 401)
        events = _events(body)
        if events is None:
            return PlainTextResponse("not a webhook", 400)
        account, found = events
        failed = False
        for event in found:
            failed |= not await _take(event, account, deliver, waiting)
        return PlainTextResponse("try again", 500) if failed else Response(status_code=200)

    return Route(PATH, receive, methods=["POST"])


def is_proved(body: bytes, header: str, secret: str) -> bool:
    """Whether LINE signed these very bytes (the SDK takes text only, and bytes that are none could not be judged).

    Source: https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature/
    """
    made = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())
    return hmac.compare_digest(header.encode(), made)


async def _take(event: dict[str, Any], account: str, deliver: Deliver, waiting: Waiting | None) -> bool:
    inbound = parse_event(event, account=account)
    if inbound is None:
        return True
    try:
        await (waiting.over(inbound, deliver) if waiting else deliver(inbound))
    except Exception as error:  # noqa: BLE001 - whatever it was, the event is not kept: LINE must repeat it
        log.error("event not kept", extra={"event": inbound.delivery_key, "error": type(error).__name__})
        return False
    return True


def _events(body: bytes) -> tuple[str, list[dict[str, Any]]] | None:
    """The bot's id and the events, oldest first: LINE promises no order. An empty list is the console's Verify button."""
    try:
        raw = orjson.loads(body)
    except ValueError:
        return None
    if (
        not isinstance(raw, dict)
        or not isinstance(raw.get("events"), list)
        or not isinstance(raw.get("destination"), str)
    ):
        return None
    events = [event for event in raw["events"] if isinstance(event, dict)]
    return raw["destination"], sorted(events, key=_at)


def _at(event: dict[str, Any]) -> int:
    at = event.get("timestamp")
    return at if isinstance(at, int) else 0


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
