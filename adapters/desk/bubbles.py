"""One conversation out of two stores: the ticket's thread, and what the bot and the member said around it in the chat."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.dialogue.service import MessageView
from core.tickets.threads import Thread, TicketMessageView

BEFORE_TICKET = timedelta(minutes=30)  # what led to it


@dataclass(frozen=True, slots=True)
class Bubble:
    """One thing said. `look` is member, staff, note, bot (a screen of the bot) or event (of the ticket itself)."""

    key: str
    at: datetime
    look: str
    name: str
    text: str
    order: tuple[datetime, int]
    files: tuple[dict[str, Any], ...] = ()
    cards: tuple[dict[str, Any], ...] = ()
    pressables: tuple[str, ...] = ()
    outbox_id: int | None = None
    message_id: int = 0


def merge(thread: Thread, said: list[MessageView]) -> tuple[Bubble, ...]:
    """Oldest first. What stands in both (the member's words, staff's answers: same author, same instant) is shown once."""
    own = [_from_thread(message) for message in thread.messages]
    known = {(message.author, message.at) for message in thread.messages}
    since = thread.ticket.created_at - BEFORE_TICKET
    around = [
        _from_chat(message)
        for message in said
        if message.at >= since and (message.author, message.at) not in known and message.author != "staff"
    ]
    return tuple(sorted([*own, *around], key=lambda bubble: bubble.order))


def _from_thread(message: TicketMessageView) -> Bubble:
    look = "note" if message.visibility == "internal" else message.author
    if message.author == "bot":
        look = "event"
    return Bubble(
        key=f"t{message.id}",
        at=message.at,
        look=look,
        name=message.author_name,
        text=message.body,
        files=tuple(message.files),
        outbox_id=message.outbox_id,
        message_id=message.id,
        order=(message.at, message.id),
    )


def _from_chat(message: MessageView) -> Bubble:
    """A bubble of the chat in plain words: text, tables of facts, and what could be pressed."""
    body = message.body
    buttons = [button for row in body.get("buttons", ()) for button in row]
    checks = body.get("checks") or {}
    picks = body.get("date") or {}
    pressables = [str(button.get("label", "")) for button in buttons]
    pressables += [str(item.get("label", "")) for item in checks.get("items", ())]
    pressables += [str(part["submit"].get("label", "")) for part in (checks, picks) if part.get("submit")]
    return Bubble(
        key=f"c{message.id}-{message.edited_at.timestamp() if message.edited_at else 0}",
        at=message.at,
        look="bot" if message.author == "bot" else "member",
        name=message.author_name or "",
        text=str(body.get("text", "")) or str(body.get("label", "")),
        files=tuple(body.get("files", ())),
        cards=tuple(body.get("cards", ())),
        pressables=tuple(label for label in pressables if label),
        order=(message.at, message.id),
    )
