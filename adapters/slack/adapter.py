"""The Slack desk as the composition sees it: a route or a socket in, a sender out, start and stop."""

import asyncio
import logging
import re
from collections.abc import Callable

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from starlette.routing import BaseRoute

from adapters.slack import actions, command, events, home, reactions
from adapters.slack.blocks import Draw
from adapters.slack.calls import Time
from adapters.slack.handles import Handles
from adapters.slack.inbound import webhook_route
from adapters.slack.jobs import Jobs
from adapters.slack.parts import API_URL, Parts, SlackSettings
from adapters.slack.sender import SlackSender
from adapters.slack.words import Words
from core.clock import Clock
from core.db import Database
from core.errors import PermanentError
from core.profiles.model import Profile

__all__ = ["API_URL", "Parts", "SlackAdapter", "SlackSettings", "build"]

log = logging.getLogger(__name__)

CALL_SECONDS = 10
RETRY_SECONDS = (2.0, 5.0, 15.0, 60.0, 300.0)
Register = Callable[[AsyncApp, Parts], None]
LISTENERS: tuple[Register, ...] = (
    events.register,
    actions.register,
    reactions.register,
    home.register,
    command.register,
)  # each module that listens to Slack says here what to
_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,20}")


class SlackAdapter:
    """One app in one workspace: `routes` for the web server, `sender` for the dispatcher, `start` and `stop`."""

    def __init__(
        self, settings: SlackSettings, database: Database, clock: Clock, profile: Profile, at: Time | None = None
    ) -> None:
        client = AsyncWebClient(
            token=settings.bot_token, base_url=settings.api_url, timeout=CALL_SECONDS, retry_handlers=[]
        )
        handles = Handles(settings.bot_token)
        draw = Draw(Words(profile.language), handles, profile, settings.public_url)
        self.parts = Parts(database, clock, profile, client, settings, handles, draw)
        # Answered after the turn: what is not committed is not acknowledged (architecture.md, "An operator replies in Slack")
        self.app = AsyncApp(
            client=client,
            signing_secret=settings.signing_secret or None,
            request_verification_enabled=not settings.socket_mode,
            process_before_response=True,
        )
        for register in LISTENERS:
            register(self.app, self.parts)
        self.sender = SlackSender(self.parts, self.parts.draw, at)
        self.jobs = Jobs(self.parts, self.sender.calls)
        self.routes: list[BaseRoute] = [] if settings.socket_mode else [webhook_route(self.app)]
        self._socket: AsyncSocketModeHandler | None = None
        self._task: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()

    async def start(self, *, receive: bool = True) -> None:
        """Returns at once: an outage of Slack must not stop the product. `receive` is False in a process that only sends."""
        if receive and self.parts.home is not None:
            self.parts.home.start()
        if receive and self.parts.settings.socket_mode:
            self._task = asyncio.create_task(self._connect(), name="slack")
        else:
            self.ready.set()

    async def stop(self) -> None:
        """Take nothing more, close the connections."""
        if self.parts.home is not None:
            await self.parts.home.stop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close_async()  # type: ignore[no-untyped-call]
        await self.sender.close()

    async def tick(self) -> None:
        """All timed jobs, now."""
        await self.jobs.release_held()
        await self.jobs.look_behind()
        await self.jobs.catch_up()

    async def _connect(self) -> None:
        """The first address is asked for here: the SDK would try for ever without saying what is wrong."""
        attempt = 0
        self._socket = AsyncSocketModeHandler(self.app, self.parts.settings.app_token)
        while not self.ready.is_set():
            try:
                opened = await self.parts.client.apps_connections_open(app_token=self.parts.settings.app_token)
                self._socket.client.wss_uri = str(opened["url"])
                await self._socket.connect_async()  # type: ignore[no-untyped-call]
                self.ready.set()
                log.info("Slack is ready: Socket Mode")
            except (SlackApiError, aiohttp.ClientError, TimeoutError) as error:
                pause = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
                attempt += 1
                log.error("Slack is not ready: %s; next try in %d s", _why(error), pause)
                await asyncio.sleep(pause)


def _why(error: Exception) -> str:
    if isinstance(error, SlackApiError):
        return f"it answers {error.response.get('error', '')} (MADOGUCHI_SLACK_APP_TOKEN)"
    return type(error).__name__


def build(
    settings: SlackSettings, database: Database, clock: Clock, profile: Profile, *, at: Time | None = None
) -> SlackAdapter:
    """The desk in Slack, not yet started. Errors: PermanentError for settings that can never work, in plain words."""
    if not settings.bot_token.startswith("xoxb-"):
        raise PermanentError("MADOGUCHI_SLACK_BOT_TOKEN does not look like a bot token (xoxb-…)")
    if not settings.socket_mode and not settings.signing_secret:
        raise PermanentError("MADOGUCHI_SLACK_SIGNING_SECRET is missing (or MADOGUCHI_SLACK_APP_TOKEN for Socket Mode)")
    if settings.socket_mode and not settings.app_token.startswith("xapp-"):
        raise PermanentError("MADOGUCHI_SLACK_APP_TOKEN does not look like an app-level token (xapp-…)")
    if not _CHANNEL.fullmatch(settings.desk_channel):
        raise PermanentError("MADOGUCHI_SLACK_DESK_CHANNEL must be the id of a channel (C…): see its details in Slack")
    return SlackAdapter(settings, database, clock, profile, at)
