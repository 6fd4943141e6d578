"""What Slack tells of threads: messages of people, their edits and deletions. One turn each, before Slack is answered."""

import logging
from typing import Any

from slack_bolt.async_app import AsyncApp

from adapters.slack.parts import Parts
from adapters.slack.text import unescape
from core.db import Tx, arun
from core.teamchat import intake
from core.teamchat.intake import TeamEvent
from core.teamchat.threads import whisper
from core.teamchat.writing import RemoteFile, pass_over

log = logging.getLogger(__name__)

NEW = frozenset({"", "file_share", "thread_broadcast", "bot_message", "me_message"})


def register(app: AsyncApp, parts: Parts) -> None:
    """Listen to messages. Our own never come here: Bolt drops them by bot id, and `record_said` knows our posts by ts."""

    async def on_message(body: dict[str, Any], event: dict[str, Any]) -> None:
        found = read_event(event, team=str(body.get("team_id") or ""))
        if found is None or found.place != parts.settings.desk_channel:
            return
        key = str(body["event_id"])
        if body.get("is_ext_shared_channel"):
            await refuse_shared(parts, found, key)
            return
        await take(parts, found, key)

    app.event("message")(on_message)


async def take(parts: Parts, event: TeamEvent, key: str) -> str:
    """One turn; what fails is kept and tried again."""
    return await arun(
        parts.database,
        lambda tx: intake.take(tx, event, delivery_key=key),
        failed=lambda tx, error: intake.keep(tx, error, event, delivery_key=key),
        name="slack.event",
    )


async def refuse_shared(parts: Parts, event: TeamEvent, key: str) -> None:
    """A channel shared with another company: no word of it is kept, now or later, and its writer is told."""

    def refuse(tx: Tx) -> None:
        if intake.take_press(tx, team=event.team, key=key):
            pass_over(
                tx, place=event.place, root_ref=event.root_ref, ref=event.ref, author=f"{event.team}:{event.user}"
            )
            whisper(tx, place=event.place, root_ref=event.root_ref, user=event.user, key="refused_shared")

    await arun(parts.database, refuse, name="slack.shared")


def read_event(event: dict[str, Any], *, team: str) -> TeamEvent | None:
    """In our words; None for what is no message in a thread, or merely unfurled a link."""
    subtype = str(event.get("subtype") or "")
    if subtype == "message_changed":
        after, before = event.get("message") or {}, event.get("previous_message") or {}
        if after.get("text") == before.get("text") or after.get("subtype") == "tombstone":
            return None
        return _read("changed", after, event, team)
    if subtype == "message_deleted":
        before = event.get("previous_message") or {}
        return _read("deleted", {**before, "ts": event.get("deleted_ts") or before.get("ts")}, event, team)
    return _read("said", event, event, team) if subtype in NEW else None


def _read(what: str, message: dict[str, Any], event: dict[str, Any], team: str) -> TeamEvent | None:
    ts, thread = str(message.get("ts") or ""), str(message.get("thread_ts") or "")
    if not ts or not thread or ts == thread:
        return None
    return TeamEvent(
        what=what,
        # Whose user it is: in a channel shared between teams the writer's own team counts, not the channel's
        team=str(message.get("user_team") or message.get("team") or team),
        user=str(message.get("user") or message.get("bot_id") or ""),
        place=str(message.get("channel") or event.get("channel") or ""),
        root_ref=thread,
        ref=ts,
        text=unescape(str(message.get("text") or "")),
        files=tuple(_file(file) for file in message.get("files") or () if file.get("url_private_download")),
        is_bot=bool(message.get("bot_id")),
    )


def _file(file: dict[str, Any]) -> RemoteFile:
    return RemoteFile(
        name=str(file.get("name") or "file"),
        mime=str(file.get("mimetype") or "application/octet-stream"),
        size_bytes=int(file.get("size") or 0),
        remote_ref=str(file["url_private_download"]),
    )
