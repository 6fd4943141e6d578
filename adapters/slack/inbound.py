"""`POST /webhooks/slack`: proved by its signature, answered 200 only after its turn has committed (platforms.md 3)."""

import logging

from slack_bolt.adapter.starlette.async_handler import to_async_bolt_request, to_starlette_response
from slack_bolt.async_app import AsyncApp
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

log = logging.getLogger(__name__)

PATH = "/webhooks/slack"
MAX_BODY_BYTES = 1_000_000
NOBODY_LISTENS = 404  # Bolt's answer to what no listener is there for


def webhook_route(app: AsyncApp) -> Route:
    """401 wrong or old signature (Bolt's own check over the raw body), 413 over 1 MB, 400 not readable: nothing is stored
    then. What we do not listen to is answered 200 and not stored either.

    500 when the turn could not be kept: Slack repeats an event, and the person sees that a press did not work.
    """

    async def receive(request: Request) -> Response:
        body = await _read(request)
        if body is None:
            return PlainTextResponse("too large", 413)
        try:
            body.decode()
        except UnicodeDecodeError:
            return PlainTextResponse("not text", 400)
        try:
            asked = to_async_bolt_request(request, body)
        except (ValueError, TypeError, AttributeError):  # broken JSON, or JSON that is no object
            return PlainTextResponse("not readable", 400)
        answer = to_starlette_response(await app.async_dispatch(asked))
        if answer.status_code == NOBODY_LISTENS:  # else Slack repeats it, and at last switches our subscriptions off
            return PlainTextResponse("")
        return answer

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
