"""Chats and their messages. Whoever talks to a chat locks its row first: that keeps the order and its `seq` without gaps."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from core.db import Tx
from core.dialogue.tables import Chat, Message
from core.errors import InvariantBroken
from core.statements import Read, Write, one_of


class ChatView(NamedTuple):
    """A chat as its row says."""

    id: int
    channel: str
    account: str
    address: str
    language: str | None
    hint: str
    display_name: str
    reachable: bool
    speaker: str
    member_id: int | None
    ticket_id: int | None
    last_seq: int
    misses: int
    window_at: datetime
    window_count: int
    last_inbound_at: datetime | None

    @property
    def order_key(self) -> str:
        """What is sent to one chat leaves in order."""
        return f"{self.channel}:{self.account}:{self.address}"


class MessageView(NamedTuple):
    """One bubble. `body` is the public form; what its buttons do is in `actions`."""

    id: int
    chat_id: int
    seq: int
    author: str
    author_name: str | None
    kind: str
    body: dict[str, Any]
    actions: list[list[Any]]
    screen_key: str | None
    platform_ref: str | None
    at: datetime
    edited_at: datetime | None


class _Ref(NamedTuple):
    platform_ref: str


_CHAT = tuple(getattr(Chat, name) for name in ChatView._fields)
_MESSAGE = tuple(getattr(Message, name) for name in MessageView._fields)

LOCK = Read(
    ChatView,
    select(*_CHAT)
    .where(
        Chat.channel == bindparam("channel"), Chat.account == bindparam("account"), Chat.address == bindparam("address")
    )
    .with_for_update(),
)
LOCK_BY_ID = Read(ChatView, select(*_CHAT).where(Chat.id == bindparam("chat_id")).with_for_update())
FIND = Read(
    ChatView,
    select(*_CHAT).where(
        Chat.channel == bindparam("channel"), Chat.account == bindparam("account"), Chat.address == bindparam("address")
    ),
)
BY_ID = Read(ChatView, select(*_CHAT).where(Chat.id == bindparam("chat_id")))
BY_IDS = Read(ChatView, select(*_CHAT).where(one_of(Chat.id, "chat_ids")).order_by(Chat.id))
ADD_CHAT = Write(
    insert(Chat)
    .values(
        {
            **{name: bindparam(name) for name in ChatView._fields},
            "created_at": bindparam("created_at"),
        }
    )
    .on_conflict_do_nothing(index_elements=["channel", "account", "address"])
)
SAVE = Write(
    update(Chat)
    .where(Chat.id == bindparam("chat_id"))
    .values(
        language=bindparam("new_language"),
        hint=bindparam("new_hint"),
        display_name=bindparam("new_display_name"),
        reachable=bindparam("new_reachable"),
        last_seq=bindparam("new_last_seq"),
        misses=bindparam("new_misses"),
        window_at=bindparam("new_window_at"),
        window_count=bindparam("new_window_count"),
        last_inbound_at=bindparam("new_last_inbound_at"),
    )
)
SET_SEQ = Write(update(Chat).where(Chat.id == bindparam("chat_id")).values(last_seq=bindparam("new_last_seq")))
SET_MEMBER = Write(update(Chat).where(Chat.id == bindparam("chat_id")).values(member_id=bindparam("new_member_id")))
SET_SPEAKER = Write(
    update(Chat)
    .where(Chat.id == bindparam("chat_id"))
    .values(speaker=bindparam("new_speaker"), ticket_id=bindparam("new_ticket_id"))
)
SET_REACHABLE = Write(update(Chat).where(Chat.id == bindparam("chat_id")).values(reachable=bindparam("new_reachable")))
SET_LANGUAGE = Write(update(Chat).where(Chat.id == bindparam("chat_id")).values(language=bindparam("new_language")))
ADD_MESSAGE = Write(insert(Message).values({name: bindparam(name) for name in MessageView._fields}))
MESSAGES = Read(
    MessageView,
    select(*_MESSAGE)
    .where(Message.chat_id == bindparam("chat_id"), Message.seq > bindparam("after_seq"))
    .order_by(Message.seq)
    .limit(bindparam("count")),
)
LATEST = Read(
    MessageView,
    select(*_MESSAGE)
    .where(Message.chat_id == bindparam("chat_id"), Message.seq < bindparam("before_seq"))
    .order_by(Message.seq.desc())
    .limit(bindparam("count")),
)
BY_SEQ = Read(
    MessageView, select(*_MESSAGE).where(Message.chat_id == bindparam("chat_id"), Message.seq == bindparam("seq"))
)
MESSAGE_BY_ID = Read(MessageView, select(*_MESSAGE).where(Message.id == bindparam("message_id")))
SET_REF = Write(update(Message).where(Message.id == bindparam("message_id")).values(platform_ref=bindparam("new_ref")))
BY_REF = Read(
    MessageView,
    select(*_MESSAGE)
    .where(Message.chat_id == bindparam("chat_id"), Message.platform_ref == bindparam("ref"))
    .order_by(Message.seq.desc())
    .limit(1),
)
BY_REF_BEFORE = Read(
    MessageView,
    select(*_MESSAGE)
    .where(
        Message.chat_id == bindparam("chat_id"),
        Message.platform_ref == bindparam("ref"),
        Message.seq < bindparam("before_seq"),
    )
    .order_by(Message.seq.desc())
    .limit(1),
)
BLANK = Write(
    update(Message)
    .where(Message.id == bindparam("message_id"))
    .values(body=bindparam("new_body"), edited_at=bindparam("new_edited_at"))
)
REDRAW = Write(
    update(Message)
    .where(Message.id == bindparam("message_id"))
    .values(
        body=bindparam("new_body"),
        actions=bindparam("new_actions"),
        screen_key=bindparam("new_key"),
        edited_at=bindparam("new_edited_at"),
    )
)


def lock_chat(
    tx: Tx, *, channel: str, account: str, address: str, hint: str, display_name: str, default_language: str
) -> ChatView:
    """The chat's row, locked for this turn; made at the person's first word."""
    who = {"channel": channel, "account": account, "address": address}
    found = tx.first(LOCK, **who)
    if found is not None:
        return found
    tx.run(
        ADD_CHAT,
        id=tx.ids.new(),
        **who,
        language=None,
        hint=hint or default_language,
        display_name=display_name[:100],
        reachable=True,
        speaker="bot",
        member_id=None,
        ticket_id=None,
        last_seq=0,
        misses=0,
        window_at=tx.now,
        window_count=0,
        last_inbound_at=None,
        created_at=tx.now,
    )
    return tx.one(LOCK, **who)


def lock_chat_by_id(tx: Tx, *, chat_id: int) -> ChatView:
    """For turns that start elsewhere (desk, payment, reminder) and have something to tell this chat."""
    return tx.one(LOCK_BY_ID, chat_id=chat_id)


def find_chat(tx: Tx, *, channel: str, account: str, address: str) -> ChatView | None:
    """Without a lock: reading only."""
    return tx.first(FIND, channel=channel, account=account, address=address)


def get_chat(tx: Tx, *, chat_id: int) -> ChatView:
    """Without a lock: reading only."""
    return tx.one(BY_ID, chat_id=chat_id)


def list_chats(tx: Tx, *, chat_ids: list[int]) -> list[ChatView]:
    """Several by id, in the order of ids (which is also the order to lock them in)."""
    return tx.all(BY_IDS, chat_ids=chat_ids)


def save_chat(tx: Tx, chat: ChatView) -> None:
    """Write back what a turn changed about the conversation (not membership, not speaker: those have their own acts)."""
    tx.run(
        SAVE,
        chat_id=chat.id,
        new_language=chat.language,
        new_hint=chat.hint,
        new_display_name=chat.display_name,
        new_reachable=chat.reachable,
        new_last_seq=chat.last_seq,
        new_misses=chat.misses,
        new_window_at=chat.window_at,
        new_window_count=chat.window_count,
        new_last_inbound_at=chat.last_inbound_at,
    )


def set_last_seq(tx: Tx, *, chat_id: int, last_seq: int) -> None:
    """After messages were added outside a chat's own turn."""
    tx.run(SET_SEQ, chat_id=chat_id, new_last_seq=last_seq)


def set_active_member(tx: Tx, *, chat_id: int, member_id: int | None) -> None:
    """Which membership the chat acts for from now on; the links themselves are in `core.members`."""
    tx.run(SET_MEMBER, chat_id=chat_id, new_member_id=member_id)


def set_speaker(tx: Tx, *, chat_id: int, speaker: str, ticket_id: int | None) -> None:
    """Who is talking with the member: "human" silences the bot while ticket `ticket_id` is talked about, "bot" ends it."""
    if speaker not in ("bot", "human"):
        raise InvariantBroken(f"no such speaker: {speaker}")
    tx.run(SET_SPEAKER, chat_id=chat_id, new_speaker=speaker, new_ticket_id=ticket_id)


def set_reachable(tx: Tx, *, chat_id: int, reachable: bool) -> None:
    """False when the person blocked the bot: other channels are used until they come back."""
    tx.run(SET_REACHABLE, chat_id=chat_id, new_reachable=reachable)


def set_language(tx: Tx, *, chat_id: int, language: str) -> None:
    """The language the person chose."""
    tx.run(SET_LANGUAGE, chat_id=chat_id, new_language=language)


def add_message(
    tx: Tx,
    *,
    chat_id: int,
    seq: int,
    author: str,
    body: dict[str, Any],
    kind: str = "reply",
    author_name: str | None = None,
    actions: list[list[Any]] | None = None,
    screen_key: str | None = None,
    platform_ref: str | None = None,
) -> int:
    """One bubble as number `seq` of a locked chat; returns its id and wakes whoever watches the chat."""
    message_id = tx.ids.new()
    tx.run(
        ADD_MESSAGE,
        id=message_id,
        chat_id=chat_id,
        seq=seq,
        author=author,
        author_name=author_name,
        kind=kind,
        body=body,
        actions=actions or [],
        screen_key=screen_key,
        platform_ref=platform_ref,
        at=tx.now,
        edited_at=None,
    )
    tx.wake(f"chat:{chat_id}")
    return message_id


def list_messages(tx: Tx, *, chat_id: int, after_seq: int = 0, limit: int = 100) -> list[MessageView]:
    """Messages after `after_seq`, oldest first: how a page catches up."""
    return tx.all(MESSAGES, chat_id=chat_id, after_seq=after_seq, count=limit)


def list_latest(tx: Tx, *, chat_id: int, before_seq: int = 2**62, limit: int = 50) -> list[MessageView]:
    """The newest messages before `before_seq`, oldest first: how a long chat is opened."""
    return tx.all(LATEST, chat_id=chat_id, before_seq=before_seq, count=limit)[::-1]


def find_message(tx: Tx, *, chat_id: int, seq: int) -> MessageView | None:
    """One bubble by its number in the chat."""
    return tx.first(BY_SEQ, chat_id=chat_id, seq=seq)


def find_message_by_id(tx: Tx, *, message_id: int) -> MessageView | None:
    """One bubble by its row."""
    return tx.first(MESSAGE_BY_ID, message_id=message_id)


def find_by_ref(tx: Tx, *, chat_id: int, platform_ref: str) -> MessageView | None:
    """One bubble by the platform's own id of it."""
    return tx.first(BY_REF, chat_id=chat_id, ref=platform_ref)


def find_earlier(tx: Tx, *, chat_id: int, platform_ref: str, before_seq: int) -> MessageView | None:
    """What a message said before the platform told of its edit: the bubble of the same id before `before_seq`."""
    return tx.first(BY_REF_BEFORE, chat_id=chat_id, ref=platform_ref, before_seq=before_seq)


def blank_message(tx: Tx, *, message_id: int, chat_id: int, body: dict[str, Any]) -> None:
    """Its writer took it back: nothing but `body` is left of it."""
    tx.run(BLANK, message_id=message_id, new_body=body, new_edited_at=tx.now)
    tx.wake(f"chat:{chat_id}")


def record_platform_ref(tx: Tx, *, message_id: int, platform_ref: str) -> None:
    """The platform's own id of a bubble, known once it is sent: later edits need it."""
    tx.run(SET_REF, message_id=message_id, new_ref=platform_ref)


def redraw_message(tx: Tx, *, message_id: int, body: dict[str, Any], actions: list[list[Any]], screen_key: str) -> None:
    """The bot draws a bubble anew (a living screen, where the channel can edit): old buttons of it die."""
    tx.run(REDRAW, message_id=message_id, new_body=body, new_actions=actions, new_key=screen_key, new_edited_at=tx.now)
