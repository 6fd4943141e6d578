"""What the dispatcher asks of a channel's sender, and the ways a send can end."""

from dataclasses import dataclass
from typing import Any, Protocol

from core.errors import MadoguchiError, PermanentError


@dataclass(frozen=True, slots=True)
class Owed:
    """A claimed outbox row. `payload` is one of:

    - chat channels: `{"op": "say", "body": BODY, "replaces": platform_ref | None, "strip": [platform_ref, …],
      "reply": {"token": …, "until": …}, "more": [BODY, …]}` — BODY is
      `bot.screens.model.Rendered.body`, or `{"v": 1, "text": …, "author": "staff", "author_name": …, "files": […]}` for a
      person's words; `replaces` asks to redraw an older bubble where the channel can; `strip` takes old keyboards away;
      `reply` (LINE) is the free answer to an act, and `more` are bodies that leave with this one under it; `instead` is for
      whoever finds the chat gone (`bot.instead`), channels leave it alone;
    - `{"op": "fetch", "file_id": …, "remote_ref": …}`: bring a file that still lies at the platform into the store;
    - `{"op": "menu", "state": "guest" | "member", "language": …}`: the home screen below a chat, where the channel has one;
    - mail: `{"op": "mail", "subject": …, "text": …, "files": [id, …]}`; the files are attached.
    """

    id: int
    channel: str
    account: str
    address: str
    kind: str
    payload: dict[str, Any]
    chat_id: int | None
    message_id: int | None
    attempts: int  # this one included


@dataclass(frozen=True, slots=True)
class Sent:
    """The platform took it: its id for the message, and a short answer for the delivery record (no personal data)."""

    platform_ref: str = ""
    answer: str = ""


class Unreachable(PermanentError):
    """The person blocked the bot or is gone: stop sending there, use another channel."""


class OutcomeUnknown(MadoguchiError):
    """Sent, but no answer came: it may or may not have arrived (table at the end of algorithms.md 8)."""


class Sender(Protocol):
    """One channel's way out. Raises TransientError (not sent, later), PermanentError, Unreachable or OutcomeUnknown."""

    channel: str
    in_flight: int  # how many sends may run at once; chats stay in order whatever it is

    async def send(self, owed: Owed) -> Sent:
        """Send one row; keeps the platform's pace by itself."""
