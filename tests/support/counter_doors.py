"""A door of a counter without a web server: the real adapter and the vendor's own SDK on loopback, on the test's clock.

What is owed leaves when the test says so (`settle`), so that nothing is waited for and every run is the same.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import httpx
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from adapters import webchat
from adapters.line import adapter as line_adapter
from adapters.telegram import adapter as telegram_adapter
from adapters.telegram.pace import Time
from bot import turn
from bot.dispatch import Lane
from bot.inbound import Ack, Inbound
from bot.second_look import ask_again, mark_unreachable
from core.db import arun
from core.delivery.ports import Sender
from tests.support.counter import Counter
from tests.support.doors import LineDoor, TelegramDoor, Visit, WebDoor
from tests.support.journeys import last_code
from tests.support.lanes import drain
from tests.support.line_double import SECRET, LineDouble
from tests.support.line_double import TOKEN as LINE_TOKEN
from tests.support.loopback import caller, serving
from tests.support.telegram_double import TOKEN as TELEGRAM_TOKEN
from tests.support.telegram_double import StepTime, TelegramDouble

PUBLIC_URL = "https://madoguchi.example.jp"  # what members are shown; the doubles know where it really is
KEY = "k" * 64


class Edge:
    """What an adapter of a counter is handed: its turns, its clock, and a lane for what it owes."""

    def __init__(self, counter: Counter, stack: AsyncExitStack) -> None:
        self.counter, self.stack = counter, stack

    async def deliver(self, inbound: Inbound) -> Ack:
        """One turn, as the product makes it."""
        return await arun(
            self.counter.database,
            lambda tx: turn.handle(tx, inbound, self.counter.bot),
            failed=lambda tx, error: turn.on_failure(tx, error, inbound, self.counter.bot),
            name="turn",
        )

    async def serve(self, routes: list[BaseRoute]) -> httpx.AsyncClient:
        """The adapter's routes on loopback; a client with that address."""

        async def make(_: str) -> Starlette:
            return Starlette(routes=routes)

        url = await self.stack.enter_async_context(serving(make))
        return await self.stack.enter_async_context(caller(url))

    def lane(self, sender: Sender) -> Lane:
        """With the product's own second look."""
        profile = self.counter.profile
        return Lane(
            self.counter.database,
            sender,
            "test",
            lambda tx, owed, subject_key: ask_again(tx, profile, subject_key),
            mark_unreachable,
        )

    async def code(self) -> str:
        """The newest confirmation ID that was mailed."""
        return last_code(self.counter)


@asynccontextmanager
async def at_door(counter: Counter, channel: str) -> AsyncIterator[Visit]:
    """Somebody at one of the doors; at the end nothing may have been sent that the platform would refuse."""
    counter.bot.public_url = PUBLIC_URL
    async with AsyncExitStack() as stack:
        edge = Edge(counter, stack)
        opened = {"webchat": _web, "telegram": _telegram, "line": _line}[channel]
        yield await opened(edge)


async def _web(edge: Edge) -> Visit:
    counter = edge.counter
    settings = webchat.WebchatSettings(
        secret_key=KEY, secure_cookies=False, operator=lambda: counter.bot.operator_name("ja")
    )
    routes = webchat.build(database=counter.database, deliver=edge.deliver, settings=settings)
    http = await edge.serve(list(routes))
    assert (await http.get("/chat")).status_code == 200
    return Visit(WebDoor(http), _nothing, edge.code)


async def _nothing() -> None:
    """A page reads the rows: nothing has to leave."""


async def _telegram(edge: Edge) -> Visit:
    at = StepTime()
    double = await edge.stack.enter_async_context(TelegramDouble(now=at.now))
    settings = telegram_adapter.TelegramSettings(token=TELEGRAM_TOKEN, api_url=double.url, public_url=PUBLIC_URL)
    adapter = telegram_adapter.build(settings, edge.deliver, edge.counter.database, at=Time(at.now, at.sleep))
    http = await edge.serve(adapter.routes)
    edge.stack.push_async_callback(_leave, adapter, double)
    await adapter.start()
    await adapter.ready.wait()
    double.webhook["url"] = _moved(double.webhook["url"], to=str(http.base_url))
    lane = edge.lane(adapter.sender)
    return Visit(TelegramDoor(double), lambda: drain(lane), edge.code)


async def _line(edge: Edge) -> Visit:
    counter = edge.counter
    double = await edge.stack.enter_async_context(LineDouble(now=lambda: counter.clock.real().timestamp()))
    settings = line_adapter.LineSettings(
        channel_secret=SECRET, channel_token=LINE_TOKEN, secret_key=KEY, api_url=double.url, public_url=PUBLIC_URL
    )
    adapter = line_adapter.build(settings, edge.deliver, counter.database, counter.clock, counter.bot)
    http = await edge.serve(adapter.routes)
    edge.stack.push_async_callback(_leave, adapter, double)
    double.webhook = f"{str(http.base_url).rstrip('/')}/webhooks/line"
    lane = edge.lane(adapter.sender)
    return Visit(LineDoor(double, http), lambda: drain(lane), edge.code)


async def _leave(
    adapter: "telegram_adapter.TelegramAdapter | line_adapter.LineAdapter", double: TelegramDouble | LineDouble
) -> None:
    await adapter.stop()
    assert double.violations == []


def _moved(url: str, *, to: str) -> str:
    """The same path at another origin."""
    origin, parts = urlsplit(to), urlsplit(url)
    return urlunsplit((origin.scheme, origin.netloc, *parts[2:]))
