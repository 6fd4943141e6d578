"""The LINE channel as the composition sees it: routes, a sender, the look at the monthly quota."""

import logging
import re
from dataclasses import dataclass

import aiohttp
from linebot.v3.messaging import ShowLoadingAnimationRequest
from linebot.v3.messaging.exceptions import ApiException
from starlette.routing import BaseRoute

from adapters.line.account_page import Page, page_route
from adapters.line.files import SignedFiles
from adapters.line.inbound import Deliver, webhook_route
from adapters.line.sender import CALL_SECONDS, LineSender
from adapters.line.waiting import LOADING_SECONDS, Waiting
from bot.deployment import Bot
from core.clock import Clock
from core.db import Database, Tx, arun
from core.delivery import quotas
from core.errors import PermanentError

log = logging.getLogger(__name__)

API_URL = "https://api.line.me"
DATA_URL = "https://api-data.line.me"
_SECRET = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class LineSettings:
    """What the operator set (`MADOGUCHI_LINE_…`, `MADOGUCHI_PUBLIC_URL`); secret and token are never shown."""

    channel_secret: str
    channel_token: str
    secret_key: str
    api_url: str = API_URL
    public_url: str = ""

    def __repr__(self) -> str:
        return "LineSettings()"


class LineAdapter:
    """One official account: `routes` for the web server, `sender` for the dispatcher."""

    def __init__(self, settings: LineSettings, deliver: Deliver, database: Database, clock: Clock, bot: Bot) -> None:
        api_url = settings.api_url.rstrip("/")
        files = SignedFiles(database, clock, secret=settings.secret_key, public_url=settings.public_url)
        self._database = database
        self.sender = LineSender(
            database,
            clock,
            token=settings.channel_token,
            api_url=api_url,
            data_url=DATA_URL if api_url == API_URL else api_url,
            public_url=settings.public_url,
            file_url=files.url,
        )
        page = Page(database, bot, settings.secret_key, self._issue_link_token)
        self._waiting = Waiting(self._show_loading)
        self.routes: list[BaseRoute] = [
            webhook_route(settings.channel_secret, deliver, self._waiting),
            files.route,
            page_route(page),
        ]
        self._basic_id = ""

    async def basic_id(self) -> str:
        """The account's id as people search for it (@…), asked for once; empty while LINE cannot be reached."""
        if not self._basic_id:
            try:
                self._basic_id = str((await self.sender.api.get_bot_info(_request_timeout=CALL_SECONDS)).basic_id)
            except (ApiException, aiohttp.ClientError, TimeoutError) as error:
                log.warning("LINE did not say who the account is", extra={"error": type(error).__name__})
        return self._basic_id

    async def _issue_link_token(self, user_id: str) -> str:
        return str((await self.sender.api.issue_link_token(user_id, _request_timeout=CALL_SECONDS)).link_token)

    async def _show_loading(self, user_id: str) -> None:
        request = ShowLoadingAnimationRequest(chatId=user_id, loadingSeconds=LOADING_SECONDS)
        try:
            await self.sender.api.show_loading_animation(request, _request_timeout=CALL_SECONDS)
        except (ApiException, aiohttp.ClientError, TimeoutError) as error:
            log.info("LINE showed no loading indicator", extra={"error": type(error).__name__})

    async def read_quota(self) -> None:
        """The timed job: how many pushes this month has, and how many went; kept for the desk, which warns from 80 %.

        Source: https://developers.line.biz/en/reference/messaging-api/#get-quota
        """
        try:
            quota = await self.sender.api.get_message_quota(_request_timeout=CALL_SECONDS)
            used = await self.sender.api.get_message_quota_consumption(_request_timeout=CALL_SECONDS)
        except (ApiException, aiohttp.ClientError, TimeoutError) as error:
            log.warning("LINE's quota could not be read", extra={"error": type(error).__name__})
            return
        limit = int(quota.value) if str(getattr(quota.type, "value", quota.type)) == "limited" and quota.value else None

        def keep(tx: Tx) -> None:
            quotas.record(tx, channel="line", limit=limit, used=int(used.total_usage or 0))

        await arun(self._database, keep, name="line.quota")

    async def stop(self) -> None:
        """Close the connections."""
        await self._waiting.close()
        await self.sender.close()


def build(settings: LineSettings, deliver: Deliver, database: Database, clock: Clock, bot: Bot) -> LineAdapter:
    """The channel, not yet started. Errors: PermanentError for settings that can never work, in plain words."""
    if _SECRET.fullmatch(settings.channel_secret) is None:
        raise PermanentError(
            "MADOGUCHI_LINE_CHANNEL_SECRET does not look like a channel secret (32 characters 0-9 a-f)"
        )
    if not settings.channel_token:
        raise PermanentError("MADOGUCHI_LINE_CHANNEL_TOKEN is missing: issue a channel access token in LINE's console")
    return LineAdapter(settings, deliver, database, clock, bot)
