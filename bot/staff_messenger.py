"""The staff's own messenger (Slack) in the composition: built when it is configured, told of tickets, its timed jobs."""

from typing import TYPE_CHECKING

from adapters.scheduler import Job
from bot.settings import Settings
from core.clock import Clock
from core.db import Database, Listeners
from core.profiles.model import Profile
from core.teamchat.listeners import listeners

if TYPE_CHECKING:
    from adapters.slack.adapter import SlackAdapter


def told(settings: Settings, others: Listeners) -> Listeners:
    """Who is told what: the messenger too, when there is one."""
    if not settings.slack_bot_token.get_secret_value():
        return others
    return listeners(settings.slack_desk_channel, others)


def build(settings: Settings, database: Database, clock: Clock, profile: Profile) -> "SlackAdapter | None":
    """The desk in Slack, not yet started; None without settings. Errors: PermanentError for settings that cannot work."""
    token = settings.slack_bot_token.get_secret_value()
    if not token:
        return None
    from adapters.slack import adapter  # noqa: PLC0415 - the SDK costs a second: only when it is used

    given = adapter.SlackSettings(
        bot_token=token,
        app_token=settings.slack_app_token.get_secret_value(),
        signing_secret=settings.slack_signing_secret.get_secret_value(),
        desk_channel=settings.slack_desk_channel,
        api_url=settings.slack_api_url,
        public_url=settings.public_url,
    )
    return adapter.build(given, database, clock, profile)


def jobs(desk: "SlackAdapter | None") -> list[Job]:
    """Harmless in every process at once: rows decide who does what."""
    if desk is None:
        return []
    return [
        Job("slack held", "取り消し待ちの返事を送る", desk.jobs.release_held, every_seconds=1),
        Job("slack behind", "Slackのスレッドを最新にする", desk.jobs.look_behind, every_seconds=30),
        Job("slack missed", "Slackで届かなかった投稿を読む", desk.jobs.catch_up, every_seconds=20, at_start=True),
    ]
