"""The facility firm's product as it is started, and its member at one of its doors: web chat, Telegram or LINE.

The real adapters over HTTP; Telegram's and LINE's own interfaces are played by their doubles, which judge every call.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx
import uvicorn
from sqlalchemy import create_engine, text

from bot.app import DEMO_LOGIN, DEMO_PASSWORD, Mode, Product, build_app
from bot.demo import fill
from bot.settings import Settings
from tests.support.desk import field_of, token_of
from tests.support.doors import Door, LineDoor, TelegramDoor, WebDoor
from tests.support.facility import facility_profile
from tests.support.line_double import SECRET, LineDouble
from tests.support.line_double import TOKEN as LINE_TOKEN
from tests.support.loopback import caller
from tests.support.telegram_double import TOKEN as TELEGRAM_TOKEN
from tests.support.telegram_double import TelegramDouble

WAIT_SECONDS = 30


@dataclass
class FacilityCounter:
    """A running product, M-000001 at a door, the operator in the desk."""

    product: Product
    http: httpx.AsyncClient
    desk: httpx.AsyncClient
    door: Door

    async def say(self, words: str) -> None:
        """The member types."""
        await self.door.say(words)

    async def press(self, label: str) -> None:
        """The member presses."""
        await self.door.press(label)

    async def sees(self, *texts: str) -> str:
        """Some message says all of this, now or soon; the newest such."""
        found: list[str] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                while not (found := [one for one in await self.door.reads() if all(part in one for part in texts)]):
                    await asyncio.sleep(0.02)  # the outbox is sent by the product's own loops
        assert found, f"{texts} not among:\n" + "\n---\n".join(await self.door.reads())
        return found[-1]

    async def link(self) -> None:
        """From the first word to a linked chat."""
        await self.say("/link")
        await self.sees("会員番号を入力してください")
        await self.say("M-000001")
        await self.sees("ご登録のメールアドレス")
        await self.say("taro.yamada@example.jp")
        await self.sees("6桁の確認ID")
        mails = (await self.http.get("/demo/mail")).json()
        await self.say(
            next(re.findall(r"\b[0-9]{6}\b", mail["text"])[0] for mail in mails if "確認ID" in mail["subject"])
        )
        await self.sees("連携できました")

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Read beside the running product (SQLite)."""
        return await asyncio.to_thread(self._rows, sql)

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        engine = create_engine(self.product.settings.database_url)
        with engine.connect() as connection:
            found = [tuple(row) for row in connection.execute(text(sql))]
        engine.dispose()
        return found

    async def day_of(self, reservation_no: str) -> date:
        """The day of use as the row has it."""
        ((day,),) = await self.rows(f"SELECT used_on FROM reservation WHERE reservation_no = '{reservation_no}'")
        return date.fromisoformat(str(day))

    async def log_in(self) -> None:
        """The demo's operator at the desk."""
        form = await self.desk.get("/desk/login")
        login = {"csrf": token_of(form.text), "login": DEMO_LOGIN, "password": DEMO_PASSWORD}
        assert (await self.desk.post("/desk/login", data=login)).status_code == 303

    async def decide(self, act: str, words: str) -> httpx.Response:
        """Accept or decline the newest request, from its ticket's page, as a browser without script does."""
        ((request_id, ticket_no, revision),) = await self.rows(
            "SELECT q.id, t.ticket_no, r.revision FROM reservation_request q JOIN ticket t ON t.id = q.ticket_id "
            "JOIN reservation r ON r.id = q.reservation_id ORDER BY q.id DESC LIMIT 1"
        )
        page = await self.desk.get(f"/desk/tickets/{ticket_no}")
        address = f"/desk/requests/{request_id}/{act}"
        assert address in page.text
        fields = {"csrf": field_of(page.text, "csrf"), "words": words, "revision": str(revision)}
        return await self.desk.post(address, data=fields)


@asynccontextmanager
async def facility(channel: str, database_url: str) -> AsyncIterator[FacilityCounter]:
    """The whole product with the profile `facility` and its demo data, and its member linked at a door."""
    async with AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(TelegramDouble()) if channel == "telegram" else None
        line = await stack.enter_async_context(LineDouble()) if channel == "line" else None
        server = uvicorn.Server(uvicorn.Config("unset", port=0, log_level="error", lifespan="on"))
        listening = server.config.bind_socket()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        more: dict[str, Any] = {}
        if telegram is not None:
            more = {"telegram_token": TELEGRAM_TOKEN, "telegram_mode": "webhook", "telegram_api_url": telegram.url}
        if line is not None:
            more = {"line_channel_secret": SECRET, "line_channel_token": LINE_TOKEN, "line_api_url": line.url}
        settings = Settings(_env_file=None, database_url=database_url, public_url=url, secret_key="k" * 64, **more)
        profile = facility_profile()
        product = Product(settings, profile, Mode("all", demo=True))
        await asyncio.to_thread(fill, product.database, profile, login=DEMO_LOGIN, password=DEMO_PASSWORD)
        server.config.app = build_app(product)
        serving = asyncio.create_task(server.serve([listening]))
        async with asyncio.timeout(WAIT_SECONDS):
            while not server.started:
                await asyncio.sleep(0.01)
            if product.telegram is not None:
                await product.telegram.ready.wait()
        member = await stack.enter_async_context(caller(url, WAIT_SECONDS))
        desk = await stack.enter_async_context(caller(url, WAIT_SECONDS))
        door: Door = WebDoor(member)
        if telegram is not None:
            door = TelegramDoor(telegram)
        if line is not None:
            line.webhook = f"{url}/webhooks/line"
            door = LineDoor(line, member)
        try:
            if isinstance(door, WebDoor):
                await member.get("/chat")
            counter = FacilityCounter(product, member, desk, door)
            await counter.link()
            yield counter
        finally:
            server.should_exit = True
            await serving
        for double in (telegram, line):
            assert double is None or double.violations == []
