"""Server-sent events: a wake-up says that there may be news; the parts of the page that look different are sent whole."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from typing import NamedTuple

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from adapters.desk.guards import LoginNeeded, Refused
from adapters.desk.ports import Desk
from adapters.desk.visits import Endpoint, Visit, open_visit
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


def streaming(desk: Desk, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """A page's stream, opened by the page itself: it keeps no session alive, and without one it says so and ends."""

    async def call(request: Request) -> Response:
        try:
            return await endpoint(await open_visit(desk, request, touch=False))
        except LoginNeeded:
            return _events(_only(event("gone", {"login": True})))
        except (DomainError, Refused):
            return _events(_only(event("gone", {"login": False})))

    return call


def stream(visit: Visit, *, topics: Sequence[str], draw: Draw) -> Response:
    """The page's stream; it ends when the session does."""
    return _events(watch(visit, topics=topics, draw=draw))


def _events(content: AsyncIterable[bytes]) -> Response:
    return StreamingResponse(
        content,
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"},
    )


async def _only(one: bytes) -> AsyncIterator[bytes]:
    yield one


async def watch(visit: Visit, *, topics: Sequence[str], draw: Draw) -> AsyncIterator[bytes]:
    """First everything (what happened since the page was drawn), then what differs; rights are asked anew each time.

    Looking does not count as use of the session: two hours without an act end it though the page is open.
    """
    bell = Bell(visit.desk.database.wakeups, topics)
    sent: dict[str, str] = {}
    try:
        yield f"retry: {RECONNECT_MS}\n\n".encode()
        while not bell.closing:
            bell.clear()  # before the look: what is committed during it rings again
            try:
                visit = await open_visit(visit.desk, visit.request, touch=False)
                parts = await draw(visit)
            except (LoginNeeded, DomainError) as ended:
                yield event("gone", {"login": isinstance(ended, LoginNeeded)})
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
