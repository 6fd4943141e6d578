"""Composition: settings to database, adapters and loops; the only code that knows them all."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from adapters import desk, http, webchat
from adapters.http.link import Doors, link_route
from adapters.mail import DemoMailbox, SmtpSender
from adapters.payments import page as payment_page
from adapters.scheduler import Job, Scheduler
from bot import handlers, staff_messenger, turn
from bot.clock_travel import ClockTravel, load_offset
from bot.deployment import Bot
from bot.dispatch import Lane
from bot.inbound import Ack, Inbound
from bot.jobs import Ticks
from bot.second_look import ask_again, mark_unreachable
from bot.settings import Settings
from bot.telling import listeners
from bot.understanding import understand
from bot.understanding.likeness import rank_texts
from bot.wording import LANGUAGES
from core.billing import attempts
from core.clock import SystemClock, day_in_japan
from core.db import SHUTDOWN_TOPIC, Database, Tx, Wakeups, aread, arun
from core.delivery import leases, outbox
from core.delivery.files import FileContent, list_contents
from core.delivery.ports import Owed, Sender
from core.ids import SystemIds
from core.migrate import current, head
from core.open_database import open_database
from core.profiles import catalogue
from core.profiles.model import Profile

if TYPE_CHECKING:
    from adapters.line.adapter import LineAdapter
    from adapters.stripe.adapter import StripeAdapter
    from adapters.telegram.adapter import TelegramAdapter

log = logging.getLogger(__name__)

DEMO_LOGIN = "demo"
DEMO_PASSWORD = "madoguchi-demo"  # noqa: S105 - printed on the login page; demo refuses to listen beyond loopback


@dataclass(frozen=True, slots=True)
class Mode:
    """How this process runs."""

    role: str = "all"  # all, web, worker
    demo: bool = False


class Product:
    """One process of the product: routes for the web server, lanes and jobs for the worker."""

    def __init__(self, settings: Settings, profile: Profile, mode: Mode) -> None:
        handlers.register_all()
        self.settings, self.profile, self.mode = settings, profile, mode
        self.clock = SystemClock()
        self.bot = Bot(profile, settings.public_url.rstrip("/"))
        self.database: Database = open_database(
            settings.database_url,
            self.clock,
            SystemIds(),
            staff_messenger.told(self.settings, listeners(self.bot)),
            threads=settings.database_threads,
        )
        self.owner = f"{socket.gethostname()[:16]}-{os.getpid()}-{SystemIds().token(6)}"
        self.ticks = Ticks(self.database, self.bot, self.owner)
        self.telegram = self._telegram()
        self.line = self._line()
        self._stripe_double: list[Route] = []
        self.stripe = self._stripe()
        if self.stripe is not None:
            self.bot.online = frozenset(attempts.PROVIDER_OF)
        self.slack = staff_messenger.build(self.settings, self.database, self.clock, self.profile)
        self.senders = self._senders()
        self._lanes = [
            Lane(self.database, sender, self.owner, self._ask_again, mark_unreachable) for sender in self.senders
        ]
        self._scheduler: Scheduler | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._travel = ClockTravel(
            self.database, self.clock, self.ticks, tuple(sender.channel for sender in self.senders)
        )

    @property
    def serves(self) -> bool:
        """Whether this process answers people and platforms."""
        return self.mode.role in ("all", "web")

    @property
    def works(self) -> bool:
        """Whether this process sends and runs timed jobs."""
        return self.mode.role in ("all", "worker")

    async def deliver(self, inbound: Inbound) -> Ack:
        """One turn; the answer comes after its commit. What adapters are handed in."""
        return await arun(
            self.database,
            lambda tx: turn.handle(tx, inbound, self.bot),
            failed=lambda tx, error: turn.on_failure(tx, error, inbound, self.bot),
            name="turn",
        )

    def _ask_again(self, tx: Tx, owed: Owed, subject_key: str) -> str | datetime | None:
        return ask_again(tx, self.profile, subject_key)

    def _telegram(self) -> "TelegramAdapter | None":
        token = self.settings.telegram_token.get_secret_value()
        if not token:
            return None
        from adapters.telegram import adapter  # noqa: PLC0415 - the SDK costs a second and 40 MB: only when it is used

        settings = adapter.TelegramSettings(
            token=token,
            mode=self.settings.telegram_mode,
            webhook_secret=self.settings.telegram_webhook_secret.get_secret_value(),
            api_url=self.settings.telegram_api_url,
            public_url=self.settings.public_url,
        )
        return adapter.build(settings, self.deliver, self.database)

    def _line(self) -> "LineAdapter | None":
        secret, token = self.settings.line_channel_secret, self.settings.line_channel_token
        if not secret.get_secret_value() and not token.get_secret_value():
            return None
        from adapters.line import adapter  # noqa: PLC0415 - the SDK costs a second: only when it is used

        settings = adapter.LineSettings(
            channel_secret=secret.get_secret_value(),
            channel_token=token.get_secret_value(),
            secret_key=self.settings.secret_key.get_secret_value(),
            api_url=self.settings.line_api_url,
            public_url=self.settings.public_url,
        )
        return adapter.build(settings, self.deliver, self.database, self.clock, self.bot)

    def _stripe(self) -> "StripeAdapter | None":
        key, secret = self.settings.stripe_api_key, self.settings.stripe_webhook_secret
        url, doubled = self.settings.stripe_api_url, self.settings.stripe_api_url.startswith("http://127.0.0.1:")
        demo = self.mode.demo and not (key.get_secret_value() and doubled)  # in demo no money ever leaves
        if not demo and not key.get_secret_value() and not secret.get_secret_value():
            return None
        if not {method.code for method in self.profile.list_manual_methods()} & set(attempts.PROVIDER_OF):
            return None  # the operator offers neither
        from adapters.stripe import adapter  # noqa: PLC0415 - the SDK costs half a second: only when it is used

        if not demo:
            settings = adapter.StripeSettings(key.get_secret_value(), secret.get_secret_value(), url)
            return adapter.build(settings, self.profile, self.database, self.clock)
        from adapters.stripe import demo as double  # noqa: PLC0415

        made_up = f"{double.SECRET_PREFIX}{SystemIds().token(24)}"
        self._stripe_double = double.DemoStripe(
            self.database, self.clock, secret=made_up, url=self.bot.public_url
        ).routes
        settings = adapter.StripeSettings(double.API_KEY, made_up, f"{self.bot.public_url}{double.ROOT}")
        return adapter.build(settings, self.profile, self.database, self.clock)

    def _payments(self) -> list[Route]:
        """The page of each invoice is there even while no provider is: it says how to pay then."""
        providers = {method: self.stripe for method in self.bot.online if self.stripe is not None}
        shown = payment_page.PaymentPages(self.database, self.profile, self.bot.public_url, providers)
        provider = list(self.stripe.routes) if self.stripe is not None else []
        return [*payment_page.build(shown), *provider, *self._stripe_double]

    def _senders(self) -> list[Sender]:
        senders: list[Sender] = [webchat.WebchatSender(self.database)]
        if self.telegram is not None:
            senders.append(self.telegram.sender)
        if self.line is not None:
            senders.append(self.line.sender)
        if self.stripe is not None:
            senders.append(self.stripe)
        if self.slack is not None:
            senders.append(self.slack.sender)
        smtp = self.settings.smtp_url.get_secret_value()
        if self.mode.demo:
            senders.append(DemoMailbox())
        elif smtp:
            name = self.profile.operator.mail_from_name.ja
            senders.append(SmtpSender(smtp, self.settings.mail_from, name, self._load_files))
        return senders

    async def _load_files(self, file_ids: Sequence[int]) -> list[FileContent]:
        return await aread(self.database, lambda tx: list_contents(tx, file_ids=file_ids))

    def switched_off(self) -> list[str]:
        """Channels without settings, to be said at start."""
        off = [] if self.telegram else ["Telegram (MADOGUCHI_TELEGRAM_TOKEN)"]
        if self.line is None:
            off.append("LINE (MADOGUCHI_LINE_CHANNEL_SECRET, MADOGUCHI_LINE_CHANNEL_TOKEN)")
        if self.slack is None:
            off.append("Slack (MADOGUCHI_SLACK_BOT_TOKEN, MADOGUCHI_SLACK_DESK_CHANNEL)")
        if self.stripe is None:
            off.append("cards and convenience stores (MADOGUCHI_STRIPE_API_KEY, MADOGUCHI_STRIPE_WEBHOOK_SECRET)")
        elif "konbini" in {method.code for method in self.bot.methods()}:
            off.append(
                "7-Eleven and other chains: Stripe's convenience stores are FamilyMart, Lawson, Ministop, Seicomart"
            )
        if not self.mode.demo and not self.settings.smtp_url.get_secret_value():
            off.append("mail (MADOGUCHI_SMTP_URL, MADOGUCHI_MAIL_FROM)")
        return off

    def routes(self) -> list[BaseRoute]:
        """Everything this process answers."""
        https = self.bot.public_url.startswith("https://")
        demo = http.Demo(self.clock.now, self._travel.travel) if self.mode.demo else None
        token = self.settings.metrics_token.get_secret_value()
        plain = http.build(http.Parts(self.database, self.bot.operator_name("ja"), self._ready, demo, token))
        if not self.serves:
            return list(plain)
        chat = webchat.build(
            database=self.database,
            deliver=self.deliver,
            settings=webchat.WebchatSettings(
                secret_key=self.settings.secret_key.get_secret_value(),
                secure_cookies=https,
                operator=lambda: self.bot.operator_name("ja"),
                operator_en=lambda: self.bot.operator_name("en"),
                public_origin=self.bot.public_url,
                widget_origins=tuple(self.settings.widget_origins.split()),
            ),
        )
        telegram = self.telegram.routes if self.telegram else []
        line = self.line.routes if self.line else []
        slack = self.slack.routes if self.slack else []
        return [
            *plain,
            *chat,
            *self._desk(https),
            *telegram,
            *line,
            *slack,
            *self._payments(),
            link_route(self.bot, self._doors),
        ]

    async def _doors(self) -> Doors:
        return Doors(
            telegram=self.telegram.username if self.telegram else "",
            line=await self.line.basic_id() if self.line else "",
        )

    def _desk(self, https: bool) -> list[Route]:
        demo = self.mode.demo
        settings = desk.DeskSettings(
            secure_cookies=https,
            demo=demo,
            demo_login=DEMO_LOGIN if demo else "",
            demo_password=DEMO_PASSWORD if demo else "",
            public_origin=self.bot.public_url,
        )
        return desk.build(database=self.database, profile=self.profile, settings=settings)

    async def _ready(self) -> str:
        """Empty when this process can work; else what is missing."""
        try:
            await asyncio.wait_for(aread(self.database, lambda tx: tx.today), 3)
        except Exception as error:  # noqa: BLE001 - whatever it is, this process is not ready
            return f"database: {type(error).__name__}"
        if await asyncio.to_thread(current, self.settings.database_url) != head():
            return "database: not on the current schema"
        return ""

    async def start(self) -> None:
        """On the running loop: catch up first, then the loops."""
        if self.database.embedded:
            await arun(self.database, _take_over, name="take over")
        await arun(self.database, lambda tx: catalogue.ensure_catalogue(tx, profile=self.profile), name="catalogue")
        if self.mode.demo:
            await load_offset(self.database, self.clock)
        await self._load_wording()
        # The first sentence reads the models (0.3 s): not in a member's turn, where all others would wait for it
        await asyncio.to_thread(understand, "メニュー", today=day_in_japan(self.clock.now()))
        await asyncio.to_thread(rank_texts, "メニュー", [])
        self._watcher = asyncio.create_task(follow_settings(self.database.wakeups, self._reload))
        if self.works:
            for lane in self._lanes:
                lane.start()
            self._scheduler = Scheduler([*self.ticks.table(), *self._channel_jobs()])
            self._scheduler.start()
        if self.telegram is not None:
            await self.telegram.start(receive=self.serves)
        if self.slack is not None:
            await self.slack.start(receive=self.serves)

    async def stop(self) -> None:
        """Nothing new, finish what is in hand, hand over the leases, close."""
        self.database.wakeups.publish([SHUTDOWN_TOPIC])
        if self.telegram is not None:
            await self.telegram.stop()
        if self._scheduler is not None:
            self._scheduler.stop()
        for lane in self._lanes if self.works else ():
            await lane.stop()
        if self.line is not None:
            await self.line.stop()
        if self.stripe is not None:
            await self.stripe.stop()
        if self.slack is not None:
            await self.slack.stop()
        if self._watcher is not None:
            self._watcher.cancel()
            with suppress(asyncio.CancelledError):
                await self._watcher
        await arun(self.database, lambda tx: leases.drop_leases(tx, owner=self.owner), name="hand over")
        await asyncio.to_thread(self.database.close)

    def _channel_jobs(self) -> list[Job]:
        jobs = []
        if self.line is not None:
            what = "LINEの今月の残り通数を読む"
            jobs.append(Job("line quota", what, self.line.read_quota, every_seconds=3_600, at_start=True))
        if self.stripe is not None:
            what = "届かなかった決済の知らせを決済会社に尋ねる"
            jobs.append(Job("stripe books", what, self.stripe.look_up_overdue, every_seconds=600, at_start=True))
        jobs += staff_messenger.jobs(self.slack)
        return jobs

    async def _load_wording(self) -> None:
        def load(tx: Tx) -> dict[str, Mapping[str, str]]:
            return {language: catalogue.list_wordings(tx, language=language) for language in LANGUAGES}

        self.bot.overrides.update(await aread(self.database, load))

    async def _reload(self) -> None:
        """What the desk or another process changed is taken up at once."""
        await self._load_wording()
        if self.mode.demo:
            await load_offset(self.database, self.clock)


def _take_over(tx: Tx) -> None:
    """An embedded database has one process: what an earlier one held when it died is decided now."""
    leases.drop_all_leases(tx)
    outbox.expire_all_claims(tx)
    outbox.settle_lost(tx)


async def follow_settings(wakeups: Wakeups, reload: Callable[[], Awaitable[None]], *, pause_seconds: float = 1) -> None:
    """Reload whenever a setting changed, until cancelled; a reload that fails (the database was away) is tried again."""
    loop, changed = asyncio.get_running_loop(), asyncio.Event()
    stop = wakeups.listen("settings", lambda: loop.call_soon_threadsafe(changed.set))
    try:
        while True:
            await changed.wait()
            changed.clear()
            try:
                await reload()
            except Exception:
                log.exception("settings could not be read; trying again")
                await asyncio.sleep(pause_seconds)
                changed.set()
    finally:
        stop()


def build_app(product: Product) -> Starlette:
    """The web application of a process."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await product.start()
        try:
            yield
        finally:
            await product.stop()

    return Starlette(routes=product.routes(), lifespan=lifespan)
