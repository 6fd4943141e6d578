"""A counter with its payment pages and Stripe's door open on loopback, Stripe itself played by the double."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import uvicorn
from starlette.applications import Starlette

from adapters.payments import page
from adapters.stripe.adapter import StripeAdapter, StripeSettings, build
from core.billing.attempts import PROVIDER_OF
from core.db import arun
from core.delivery import outbox
from tests.support.counter import Counter, Person
from tests.support.journeys import rows
from tests.support.loopback import caller
from tests.support.stripe_double import API_KEY, SECRET, StripeDouble

OWNER = "test"


@dataclass
class PayDoor:
    """Where members pay: `press` is the button of our page, `stripe` what the provider does."""

    counter: Counter
    stripe: StripeDouble
    http: httpx.AsyncClient
    adapter: StripeAdapter

    def order(self, person: Person, method: str, *, term: str = "1年") -> str:
        """A renewal ordered to be paid so; the path of the payment page as the chat's button has it."""
        person.say("/renew")
        if "更新するご契約を選んで" in person.answer():
            raise AssertionError("these tests have one contract")
        person.press(term).press("そろえない").press(method).press("この内容で申し込む")
        return self.link_of(person)

    @staticmethod
    def link_of(person: Person) -> str:
        """The newest payment link in the chat."""
        urls = [
            button["url"]
            for message in person.history()
            for row in message.body.get("buttons", ())
            for button in row
            if "/m/pay/" in button.get("url", "")
        ]
        return re.sub(r"^https?://[^/]+", "", urls[-1])

    async def press(self, link: str, method: str) -> httpx.Response:
        """The button of the page."""
        return await self.http.post(link, data={"method": method})

    async def session(self, link: str, method: str) -> str:
        """Press it, and be at the provider: its session."""
        answer = await self.press(link, method)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"].rsplit("/", 1)[1]

    async def drain(self) -> None:
        """The lane "stripe" sends what is owed."""
        while True:
            claimed = await arun(
                self.counter.database,
                lambda tx: outbox.claim(tx, channel="stripe", owner=OWNER, limit=10),
                name="claim",
            )
            for row in claimed:
                sent = await self.adapter.send(row.owed)
                await arun(
                    self.counter.database,
                    lambda tx, owed=row.owed, sent=sent: outbox.record_sent(
                        tx, outbox_id=owed.id, owner=OWNER, platform_ref="", answer=sent.answer
                    ),
                    name="sent",
                )
            if not claimed:
                return

    def states(self) -> list[str]:
        """Of the attempts, the first first."""
        return [row.state for row in rows(self.counter, "payment_attempt")]


@asynccontextmanager
async def pay_door(counter: Counter) -> AsyncIterator[PayDoor]:
    """Open until the block ends; nothing that Stripe would refuse may have been asked of it."""
    counter.bot.online = frozenset(PROVIDER_OF)
    async with StripeDouble() as stripe, caller() as http:
        adapter = build(StripeSettings(API_KEY, SECRET, stripe.url), counter.profile, counter.database, counter.clock)
        server = uvicorn.Server(uvicorn.Config("unset", port=0, log_level="error", lifespan="off"))
        listening = server.config.bind_socket()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        pages = page.PaymentPages(counter.database, counter.profile, url, dict.fromkeys(PROVIDER_OF, adapter))
        server.config.app = Starlette(routes=[*page.build(pages), *adapter.routes])
        stripe.webhook, http.base_url = f"{url}/webhooks/stripe", httpx.URL(url)
        serving = asyncio.create_task(server.serve([listening]))
        try:
            async with asyncio.timeout(10):
                while not server.started:
                    await asyncio.sleep(0.01)
            yield PayDoor(counter, stripe, http, adapter)
        finally:
            await adapter.stop()
            server.should_exit = True
            await serving
        assert stripe.violations == []
