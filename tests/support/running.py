"""The product as it is started, on a loopback port, with demo's data and mailbox: what tests over real adapters talk to."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import httpx
import uvicorn
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from bot.app import DEMO_LOGIN, DEMO_PASSWORD, Mode, Product, build_app
from bot.demo import fill
from bot.settings import Settings
from tests.support.desk import field_of, token_of
from tests.support.loopback import caller
from tests.support.profiles import shipped

WAIT_SECONDS = 30


class Running:
    """A running product: its HTTP, its rows, its desk."""

    def __init__(self, product: Product, url: str, http: httpx.AsyncClient) -> None:
        self.product, self.url, self.http = product, url, http
        database = make_url(product.settings.database_url)
        form = "postgresql+psycopg" if "postgresql" in database.drivername else database.drivername
        self.beside = create_engine(database.set(drivername=form))

    async def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Read (or change) beside the running product."""
        return await asyncio.to_thread(self._rows, sql, values)

    def _rows(self, sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        with self.beside.begin() as connection:
            result = connection.execute(text(sql), values)
            return [tuple(row) for row in result] if result.returns_rows else []

    async def until_rows(self, sql: str, wanted: list[tuple[Any, ...]]) -> None:
        """Wait until a query gives this."""
        found: list[tuple[Any, ...]] = []
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while (found := await self.rows(sql)) != wanted:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{sql}: {found} instead of {wanted}") from None

    async def mails(self) -> list[dict[str, str]]:
        """Demo's mailbox, newest first."""
        found: list[dict[str, str]] = (await self.http.get("/demo/mail")).json()
        return found

    async def code(self) -> str:
        """The newest confirmation ID in the mailbox."""
        mails = await self.mails()
        return next(re.findall(r"\b[0-9]{6}\b", mail["text"])[0] for mail in mails if "確認ID" in mail["subject"])

    async def travel(self, day: date) -> None:
        """To noon of a day, when its reminders have left."""
        moved = await self.http.post("/demo/clock", json={"to": f"{day}T12:00:00+09:00"})
        assert moved.status_code == 200, moved.text

    async def log_in(self) -> None:
        """The demo's operator at the desk."""
        form = await self.http.get("/desk/login")
        login = {"csrf": token_of(form.text), "login": DEMO_LOGIN, "password": DEMO_PASSWORD}
        assert (await self.http.post("/desk/login", data=login)).status_code == 303

    async def confirm_report(self) -> None:
        """The operator, logged in, confirms the one payment report there is, over HTTP as without script."""
        ((report_id, amount, on),) = await self.rows("SELECT id, amount_yen, paid_on FROM payment_report")
        preview = await self.http.get(f"/desk/reports/{report_id}/confirm", params={"amount": amount, "on": str(on)})
        fields = {name: field_of(preview.text, name) for name in ("csrf", "client_key", "amount", "on", "invoice")}
        confirmed = await self.http.post(f"/desk/reports/{report_id}/confirm", data=fields)
        assert confirmed.status_code == 303, confirmed.text

    async def expiries(self) -> dict[str, date]:
        """Label → last day of the demo member's own contracts."""
        found = await self.rows("SELECT label, expires_on FROM contract WHERE contract_no <= 'C-000005'")
        return {label: date.fromisoformat(str(day)) for label, day in found}


@asynccontextmanager
async def running(database_url: str, *, demo: bool = True, **settings: Any) -> AsyncIterator[Running]:
    """The whole product with these settings; without `demo` what is owed by mail leaves through `smtp_url`."""
    server = uvicorn.Server(uvicorn.Config("unset", port=0, log_level="error", lifespan="on"))
    listening = server.config.bind_socket()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    given = {"database_url": database_url, "public_url": url, "secret_key": "k" * 64, **settings}
    profile = shipped("renewal-notice")
    product = Product(Settings(_env_file=None, **given), profile, Mode("all", demo=demo))
    await asyncio.to_thread(fill, product.database, profile, login=DEMO_LOGIN, password=DEMO_PASSWORD)
    server.config.app = build_app(product)
    serving = asyncio.create_task(server.serve([listening]))
    async with caller(url, 60) as client:
        async with asyncio.timeout(60):
            while not server.started:
                await asyncio.sleep(0.01)
            if product.telegram is not None:
                await product.telegram.ready.wait()
        shown = Running(product, url, client)
        try:
            yield shown
        finally:
            shown.beside.dispose()
            server.should_exit = True
            await serving
