"""`POST /webhooks/stripe`: proved by its signature, answered 2xx only after its effect has committed (row P4)."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
import stripe
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from core.billing.provider_news import News

log = logging.getLogger(__name__)

PATH = "/webhooks/stripe"
MAX_BODY_BYTES = 1_000_000
TOLERANCE_SECONDS = 300
_SIGNATURE = "stripe-signature"

Take = Callable[[str, str, News | None], Awaitable[str]]  # event id, kind, news → done, duplicate, ignored
Read = Callable[[Mapping[str, Any]], News | None]


def webhook_route(secret: str, read: Read, take: Take) -> Route:
    """401 wrong signature or a time more than five minutes off, 413 over 1 MB, 400 no event: nothing is stored then.

    500 when it could not be kept: Stripe repeats it for three days (https://docs.stripe.com/webhooks).
    """

    async def receive(request: Request) -> Response:
        body = await _read(request)
        if body is None:
            return PlainTextResponse("too large", 413)
        if not is_proved(body, request.headers.get(_SIGNATURE, ""), secret):
            return PlainTextResponse("wrong signature", 401)
        event = _event(body, read)
        if event is None:
            return PlainTextResponse("not an event", 400)
        event_id, kind, news = event
        try:
            await take(event_id, kind, news)
        except Exception as error:
            log.exception("a payment's news was not kept", extra={"event": event_id, "error": type(error).__name__})
            return PlainTextResponse("try again", 500)
        return Response(status_code=200)

    return Route(PATH, receive, methods=["POST"])


def is_proved(body: bytes, header: str, secret: str) -> bool:
    """Whether Stripe signed this body within five minutes of now. The SDK takes times of the future; we do not."""
    try:
        stripe.WebhookSignature.verify_header(body, header, secret, TOLERANCE_SECONDS)
        stamps = [int(part[2:]) for part in header.split(",") if part.startswith("t=")]
    except (stripe.SignatureVerificationError, ValueError, TypeError):  # TypeError: signs that no signature has
        return False
    return len(stamps) == 1 and stamps[0] <= time.time() + TOLERANCE_SECONDS


def _event(body: bytes, read: Read) -> tuple[str, str, News | None] | None:
    try:
        raw: Any = orjson.loads(body)
        event_id, kind = str(raw["id"]), str(raw["type"])
        if not 0 < len(event_id) <= 100 or not (event_id + kind).isprintable():
            return None
        return event_id, kind[:80], read(raw)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None


async def _read(request: Request) -> bytes | None:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return None
    except ClientDisconnect:
        return b""
    return bytes(body)
