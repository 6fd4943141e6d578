"""`GET /chat/events`: server-sent events. A wake-up says that there is news; the rows say what; a slow look is the net."""

from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from adapters.webchat.guards import need_address
from adapters.webchat.history import read_number, show_message
from adapters.webchat.ports import ACCOUNT, CHANNEL, Webchat
from core.bell import Bell
from core.db import Tx, aread
from core.dialogue.service import MessageView, find_chat, get_chat, list_messages

HEARTBEAT_SECONDS = 15.0
RECONNECT_MS = 2_000
RECENT = 20  # so many of the newest are looked at for edits
CHUNK = 100


class News(NamedTuple):
    """What a look at the rows gave."""

    language: str | None
    messages: list[MessageView]


async def stream_events(web: Webchat, request: Request) -> Response:
    """Messages after `Last-Event-ID` (a reconnect) or `?after=`, then each new one; the event's id is its number.

    204 (which tells EventSource to stop) before the chat began. Refused 401 without a session.
    """
    address = need_address(web.settings, request)
    resumed = request.headers.get("last-event-id", "")
    after = int(resumed) if resumed.isdecimal() and len(resumed) <= 18 else read_number(request, "after") or 0
    chat = await aread(web.database, lambda tx: find_chat(tx, channel=CHANNEL, account=ACCOUNT, address=address))
    if chat is None:
        return Response(status_code=204)
    return StreamingResponse(
        watch_chat(web, chat_id=chat.id, after=after),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"},
    )


async def watch_chat(web: Webchat, *, chat_id: int, after: int) -> AsyncIterator[bytes]:
    """The stream itself; ends at shutdown, or with its task when the browser has gone."""
    bell = Bell(web.database.wakeups, [f"chat:{chat_id}"])
    edits: dict[int, datetime | None] = {}
    language: str | None = None
    try:
        yield f"retry: {RECONNECT_MS}\n\n".encode()
        while not bell.closing:
            bell.clear()  # before the look: what is committed during it rings again
            news = await aread(web.database, partial(look, chat_id=chat_id, after=after))
            if news.language != language:
                language = news.language
                yield event("language", language)
            for message in news.messages:
                if message.seq > after:
                    after = message.seq
                    yield event("message", show_message(message), seq=after)
                elif message.edited_at != edits.get(message.seq):
                    yield event("message", show_message(message))
                edits[message.seq] = message.edited_at
            edits = {seq: at for seq, at in edits.items() if seq > after - RECENT}
            if len(news.messages) < CHUNK and not await bell.wait(HEARTBEAT_SECONDS):
                yield b": still here\n\n"
    finally:
        bell.stop()


def look(tx: Tx, *, chat_id: int, after: int) -> News:
    """What is new after `after`, and the few before it, which may have been edited."""
    messages = list_messages(tx, chat_id=chat_id, after_seq=max(0, after - RECENT), limit=CHUNK)
    return News(get_chat(tx, chat_id=chat_id).language, messages)


def event(name: str, data: Any, *, seq: int | None = None) -> bytes:
    """One server-sent event; without `seq` it does not move the place to resume from."""
    lines = [f"event: {name}".encode(), b"data: " + orjson.dumps(data)]
    if seq is not None:
        lines.insert(0, f"id: {seq}".encode())
    return b"\n".join(lines) + b"\n\n"
