"""A screen becomes a bubble of the chat and a debt to its channel, in the turn that decided it."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select

from bot.screens.model import Screen, render, with_handles
from core.db import Tx
from core.delivery import outbox
from core.dialogue import service as dialogue
from core.dialogue.service import ChatView, MessageView
from core.dialogue.tables import Message
from core.statements import Read

READS_ROWS = frozenset({"webchat"})  # channels whose page reads the stored messages: nothing has to leave
REDRAWS = frozenset({"telegram"})  # channels that can redraw a bubble: one living screen instead of a flood
KEY_LENGTH = 6


class _Bubble(NamedTuple):
    id: int
    seq: int
    platform_ref: str | None
    has_buttons: list[list[Any]]


LAST_OF_BOT = Read(
    _Bubble,
    select(Message.id, Message.seq, Message.platform_ref, Message.actions)
    .where(Message.chat_id == bindparam("chat_id"), Message.author == "bot")
    .order_by(Message.seq.desc())
    .limit(1),
)


@dataclass(slots=True)
class Reply:
    """The platform's free answer to one act (LINE's reply token): what is said in its turn leaves together under it."""

    token: str
    until: str
    outbox_id: int | None = None  # the row that carries it, once there is one
    more: list[dict[str, Any]] = field(default_factory=list)  # bodies that joined it


@dataclass(frozen=True, slots=True)
class Why:
    """Why a message is owed: for its delivery record and for what happens when its outcome is unknown (row X5)."""

    reason: str
    kind: str = "reply"
    member_id: int | None = None
    ticket_id: int | None = None
    subject_key: str | None = None
    dedupe_key: str | None = None
    # The mail for whoever's chat turns out to be gone (`bot.instead`); {}: it went beside; None: this belongs in the chat
    instead: dict[str, Any] | None = None


def say(
    tx: Tx,
    chat: ChatView,
    screen: Screen,
    why: Why,
    *,
    over: int | None = None,
    over_ref: str = "",
    reply: Reply | None = None,
) -> ChatView:
    """Add the bubble to a locked chat and owe it. `over`: number of the bubble it may be drawn over.

    `over_ref`: the platform's id of that bubble as the press brought it: whoever presses at once is faster than our note.

    `reply`: the free answer of this turn; a second bubble joins the first one's debt, since the token counts once.

    Returns the chat with its new `last_seq`; the caller writes the chat back once.
    """
    redraw = dialogue.find_message(tx, chat_id=chat.id, seq=over) if over and not screen.fresh else None
    ref = (redraw.platform_ref or over_ref) if redraw is not None else ""
    if redraw is not None and (redraw.author != "bot" or not ref or redraw.body.get("files")):
        redraw = None
    seq = redraw.seq if redraw else chat.last_seq + 1
    key = tx.ids.token(KEY_LENGTH)
    drawn = render(screen, seq=seq, key=key)
    strip: list[str] = []
    if redraw is not None:
        message_id = redraw.id
        dialogue.redraw_message(tx, message_id=message_id, body=drawn.body, actions=drawn.actions, screen_key=key)
    else:
        strip = _old_keyboard(tx, chat) if chat.channel in REDRAWS else []
        message_id = dialogue.add_message(
            tx,
            chat_id=chat.id,
            seq=seq,
            author="bot",
            body=drawn.body,
            kind=why.kind,
            actions=drawn.actions,
            screen_key=key,
        )
    numbered = chat if redraw else chat._replace(last_seq=seq)
    payload = {"op": "say", "body": drawn.body, "replaces": ref if redraw else None, "strip": strip}
    if reply is not None and reply.outbox_id is not None:
        reply.more.append(drawn.body)
        outbox.join(tx, outbox_id=reply.outbox_id, more=reply.more)
        return numbered
    if reply is not None:
        payload["reply"] = {"token": reply.token, "until": reply.until}
    outbox_id = _owe(tx, chat, why, payload, message_id)
    if reply is not None:
        reply.outbox_id = outbox_id
    return numbered


def _owe(tx: Tx, chat: ChatView, why: Why, payload: dict[str, Any], message_id: int) -> int | None:
    return outbox.owe(
        tx,
        channel=chat.channel,
        account=chat.account,
        address=chat.address,
        order_key=chat.order_key,
        kind=why.kind,
        payload={**payload, **_instead(why)} if chat.channel not in READS_ROWS else {},
        reason=why.reason,
        subject_key=why.subject_key,
        dedupe_key=why.dedupe_key,
        chat_id=chat.id,
        message_id=message_id,
        member_id=why.member_id if why.member_id is not None else chat.member_id,
        ticket_id=why.ticket_id,
        done=chat.channel in READS_ROWS,
    )


def say_as_staff(
    tx: Tx, chat: ChatView, *, name: str, text: str, files: list[dict[str, Any]], why: Why
) -> tuple[ChatView, int | None]:
    """A person's words, under their name; returns the chat and the outbox id by which staff follow the delivery."""
    body: dict[str, Any] = {"v": 1, "text": text, "author": "staff", "author_name": name}
    if (chat.language or chat.hint) == "en":
        body["language"] = "en"  # channels that have no place of their own for a name write "Staff …" above the words
    if files:
        body["files"] = files
    seq = chat.last_seq + 1
    message_id = dialogue.add_message(
        tx, chat_id=chat.id, seq=seq, author="staff", author_name=name, body=body, kind=why.kind
    )
    payload: dict[str, Any] = {"op": "say", "body": body, "replaces": None, "strip": []}
    outbox_id = _owe(tx, chat, why, payload, message_id)
    return chat._replace(last_seq=seq), outbox_id


def redraw_as_staff(tx: Tx, chat: ChatView, message_id: int, *, ref: str, body: dict[str, Any], why: Why) -> None:
    """A person's words changed after they were sent: owed to channels that redraw; a page reads the row."""
    if chat.channel not in READS_ROWS:
        _owe(tx, chat, why, {"op": "say", "body": body, "replaces": ref or None, "strip": []}, message_id)


def say_again(tx: Tx, chat: ChatView, message: MessageView, why: Why) -> tuple[ChatView, int | None]:
    """A bubble of another chat of the same person, with its buttons, anew in this one; as `say_as_staff` returns."""
    seq, key = chat.last_seq + 1, tx.ids.token(KEY_LENGTH)
    body = with_handles(message.body, seq=seq, key=key)
    strip = _old_keyboard(tx, chat) if chat.channel in REDRAWS and message.author == "bot" else []
    message_id = dialogue.add_message(
        tx,
        chat_id=chat.id,
        seq=seq,
        author=message.author,
        author_name=message.author_name,
        body=body,
        kind=message.kind,
        actions=message.actions,
        screen_key=key if message.screen_key is not None else None,
    )
    outbox_id = _owe(tx, chat, why, {"op": "say", "body": body, "replaces": None, "strip": strip}, message_id)
    return chat._replace(last_seq=seq), outbox_id


def _instead(why: Why) -> dict[str, Any]:
    return {} if why.instead is None else {"instead": why.instead}


def _old_keyboard(tx: Tx, chat: ChatView) -> list[str]:
    """The last bubble's buttons go when a new one comes below it: only one set of buttons is alive."""
    last = tx.first(LAST_OF_BOT, chat_id=chat.id)
    return [last.platform_ref] if last and last.platform_ref and last.has_buttons else []
