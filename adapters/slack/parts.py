"""What every listener of the Slack app is handed: the database, the operator's rules, the client, what is configured."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.blocks import Draw
from adapters.slack.handles import Handles
from core.clock import Clock
from core.db import Database
from core.profiles.model import Profile

if TYPE_CHECKING:
    from adapters.slack.home import Home

API_URL = "https://slack.com/api/"


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """What the operator set (`MADOGUCHI_SLACK_…`, `MADOGUCHI_PUBLIC_URL`); tokens and the secret are never shown."""

    bot_token: str
    app_token: str = ""
    signing_secret: str = ""
    desk_channel: str = ""
    api_url: str = API_URL
    public_url: str = ""

    def __repr__(self) -> str:
        return f"SlackSettings(desk_channel={self.desk_channel!r})"

    @property
    def socket_mode(self) -> bool:
        """Whether Slack is listened to by a connection of our own."""
        return bool(self.app_token)


@dataclass(slots=True)
class Parts:
    """Handed to `register(app, parts)` of each module that listens."""

    database: Database
    clock: Clock
    profile: Profile
    client: AsyncWebClient  # without retries of its own: what is posted is the outbox's to repeat
    settings: SlackSettings
    handles: Handles  # what buttons carry
    draw: Draw
    home: "Home | None" = None  # set by whoever listens to App Home
