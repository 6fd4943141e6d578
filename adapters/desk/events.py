"""Server-sent events: a wake-up says that there may be news; the parts of the page that look different are sent whole."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import NamedTuple

import orjson
from starlette.responses import Response, StreamingResponse

from adapters.desk.guards import LoginNeeded
from adapters.desk.visits import Visit, open_visit
from core.bell import Bell
from core.errors import DomainError

LOOK_SECONDS = 15.0  # the net under the wake-ups; it also keeps "5 minutes ago" true
PENDING_SECONDS = 1.0  # while an answer is on its way, whose outcome wakes nobody
GATHER_SECONDS = 0.2  # a burst is one look
RECONNECT_MS = 2_000


class Parts(NamedTuple):
    """Parts of a page by their element's id; `pending`: something of it will change soon by itself."""

    html: dict[str, str]
    pending: bool = False


Draw = Callable[[Visit], Awaitable[Parts]]


def stream(visit: Visit, *, topics: Sequence[str], draw: Draw) -> Response:
    """The page's stream; it ends when the session does."""
    return StreamingResponse(
        watch(visit, topics=topics, draw=draw),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"},
    )


async def watch(visit: Visit, *, topics: Sequence[str], draw: Draw) -> AsyncIterator[bytes]:
    """First everything (what happened since the page was drawn), then what differs; rights are asked anew each time."""
    bell = Bell(visit.desk.database.wakeups, topics)
    sent: dict[str, str] = {}
    try:
        yield f"retry: {RECONNECT_MS}\n\n".encode()
        while not bell.closing:
            bell.clear()  # before the look: what is committed during it rings again
            try:
                visit = await open_visit(visit.desk, visit.request)
                parts = await draw(visit)
            except (LoginNeeded, DomainError):
                yield event("gone", {})
                return
            news = {name: html for name, html in parts.html.items() if sent.get(name) != html}
            sent.update(news)
            yield event("update", news) if news else b": still here\n\n"
            if await bell.wait(PENDING_SECONDS if parts.pending else LOOK_SECONDS):
                await asyncio.sleep(GATHER_SECONDS)
    finally:
        bell.stop()


def event(name: str, data: object) -> bytes:
    """One server-sent event."""
    return f"event: {name}\ndata: ".encode() + orjson.dumps(data) + b"\n\n"
