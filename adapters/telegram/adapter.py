"""The Telegram channel as the composition sees it: routes, a sender, start and stop."""

import asyncio
import hashlib
import hmac
import logging
import re
from dataclasses import dataclass
from typing import Literal

from starlette.routing import BaseRoute
from telegram import Bot, BotCommandScopeAllPrivateChats
from telegram.error import BadRequest, InvalidToken, TelegramError

from adapters.telegram.commands import COMMANDS_BY_LANGUAGE
from adapters.telegram.inbound import PATH, Deliver, Intake, webhook_route
from adapters.telegram.pace import Time
from adapters.telegram.parse import ALLOWED_UPDATES
from adapters.telegram.polling import Polling
from adapters.telegram.request import AiohttpRequest
from adapters.telegram.sender import TelegramSender
from core.db import Database
from core.errors import PermanentError

log = logging.getLogger(__name__)

API_URL = "https://api.telegram.org"
RETRY_SECONDS = (2.0, 5.0, 15.0, 60.0, 300.0)
_TOKEN = re.compile(r"([0-9]{1,20}):[A-Za-z0-9_-]{3,}", re.ASCII)
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TelegramSettings:
    """What the operator set (`MADOGUCHI_TELEGRAM_…`, `MADOGUCHI_PUBLIC_URL`); the token and the secret are never shown."""

    token: str
    mode: Literal["webhook", "polling"] = "webhook"
    webhook_secret: str = ""  # empty: derived from the token, the same on every replica
    api_url: str = API_URL
    public_url: str = ""

    def __repr__(self) -> str:
        return f"TelegramSettings(mode={self.mode!r})"

    @property
    def account(self) -> str:
        """The bot's id, the first part of the token. Errors: PermanentError for a token that cannot be one."""
        match = _TOKEN.fullmatch(self.token)
        if match is None:
            raise PermanentError("MADOGUCHI_TELEGRAM_TOKEN does not look like a token of @BotFather (123456:ABC-DEF…)")
        return match[1]

    @property
    def secret(self) -> str:
        """What Telegram sends with each update. Errors: PermanentError for characters that Telegram does not take."""
        if not self.webhook_secret:
            return hmac.new(self.token.encode(), b"madoguchi webhook secret", hashlib.sha256).hexdigest()
        if _SECRET.fullmatch(self.webhook_secret) is None:
            raise PermanentError("MADOGUCHI_TELEGRAM_WEBHOOK_SECRET may hold only A-Z a-z 0-9 _ - (at most 256)")
        return self.webhook_secret


class TelegramAdapter:
    """One bot: `routes` for the web server, `sender` for the dispatcher, `start` and `stop` for the life of the process."""

    def __init__(
        self, settings: TelegramSettings, deliver: Deliver, database: Database, at: Time | None = None
    ) -> None:
        api_url = settings.api_url.rstrip("/")
        self.account = settings.account
        self.username = ""  # without @, once Telegram has said it
        self._settings = settings
        self._time = at or Time()
        self._requests = (AiohttpRequest(api_url=api_url), AiohttpRequest(api_url=api_url))
        self.bot = Bot(
            settings.token,
            base_url=f"{api_url}/bot",
            base_file_url=f"{api_url}/file/bot",
            request=self._requests[0],
            get_updates_request=self._requests[1],
        )
        self._intake = Intake(self.bot, self.account, deliver)
        self.sender = TelegramSender(self.bot, database, public_url=settings.public_url, at=at)
        self.routes: list[BaseRoute] = []
        if settings.mode == "webhook":
            self.routes.append(webhook_route(settings.secret, self._intake))
        self._polling = Polling(self.bot, self._requests[1], self._intake, at)
        self._tasks: list[asyncio.Task[None]] = []
        self.ready = asyncio.Event()  # Telegram knows where to send updates, and the commands

    async def start(self, *, receive: bool = True) -> None:
        """Returns at once: an outage of Telegram must not stop the product, so it is told in the background until it took.

        `receive` is False in a process that only sends.
        """
        if receive:
            self._tasks.append(asyncio.create_task(self._receive(), name="telegram"))

    async def stop(self) -> None:
        """Ends polling after the turns that run, lets the last answers leave, closes the connections."""
        self._polling.stop()
        if not self.ready.is_set():
            for task in self._tasks:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._intake.close()
        for request in self._requests:
            await request.shutdown()

    async def _receive(self) -> None:
        await self._prepare()
        if self._settings.mode == "polling":
            await self._polling.run()

    async def _prepare(self) -> None:
        attempt = 0
        while not self.ready.is_set():
            try:
                await self._introduce()
                self.ready.set()
            except TelegramError as error:
                pause = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
                attempt += 1
                log.error("Telegram is not ready: %s; next try in %d s", _why(error), pause)
                await self._time.sleep(pause)

    async def _introduce(self) -> None:
        """Tell Telegram where updates go and which commands there are; may be repeated."""
        me = await self.bot.get_me()
        self.username = me.username or ""
        if self._settings.mode == "webhook":
            await self.bot.set_webhook(
                self._settings.public_url.rstrip("/") + PATH,
                allowed_updates=ALLOWED_UPDATES,
                secret_token=self._settings.secret,
                drop_pending_updates=False,
            )
        else:
            await self.bot.delete_webhook(drop_pending_updates=False)
        for commands, language in COMMANDS_BY_LANGUAGE:
            await self.bot.set_my_commands(commands, scope=BotCommandScopeAllPrivateChats(), language_code=language)
        log.info("Telegram is ready: @%s by %s", me.username, self._settings.mode)


def _why(error: TelegramError) -> str:
    if isinstance(error, InvalidToken):
        return "it does not know this token (MADOGUCHI_TELEGRAM_TOKEN)"
    if isinstance(error, BadRequest):
        return f"it refuses the settings: {error.message} (MADOGUCHI_PUBLIC_URL must be https:// with a real name)"
    return error.message


def build(
    settings: TelegramSettings, deliver: Deliver, database: Database, *, at: Time | None = None
) -> TelegramAdapter:
    """The channel, not yet started. Errors: PermanentError for settings that can never work, in plain words."""
    return TelegramAdapter(settings, deliver, database, at)
