"""Which chats belong to which memberships: listing, switching, ending (row M1)."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from core.db import Tx
from core.dialogue.service import ChatView, get_chat, lock_chat_by_id, set_active_member
from core.dialogue.tables import Chat
from core.errors import DomainError
from core.members.audit import record
from core.members.facts import ChatUnlinked
from core.members.roles import ActingStaff, is_allowed, mask_name, require
from core.members.service import MemberView, get_member
from core.members.tables import ChatLink, Member
from core.statements import Read


class LinkView(NamedTuple):
    """A link as staff see it; ended ones stay as a record."""

    id: int
    chat_id: int
    member_id: int
    channel: str
    display_name: str
    linked_at: datetime
    ended_at: datetime | None
    ended_by: str | None


class _Link(NamedTuple):
    id: int
    chat_id: int
    member_id: int
    ended_at: datetime | None


class _Id(NamedTuple):
    id: int


ADD = Read(
    _Id,
    insert(ChatLink)
    .values({name: bindparam(name) for name in ("id", "chat_id", "member_id", "linked_at", "ended_at", "ended_by")})
    .on_conflict_do_nothing(index_elements=["chat_id", "member_id"], index_where=ChatLink.ended_at.is_(None))
    .returning(ChatLink.id),
)
LIVE = Read(
    _Link,
    select(ChatLink.id, ChatLink.chat_id, ChatLink.member_id, ChatLink.ended_at).where(
        ChatLink.chat_id == bindparam("chat_id"),
        ChatLink.member_id == bindparam("member_id"),
        ChatLink.ended_at.is_(None),
    ),
)
BY_ID = Read(
    _Link,
    select(ChatLink.id, ChatLink.chat_id, ChatLink.member_id, ChatLink.ended_at).where(
        ChatLink.id == bindparam("link_id")
    ),
)
END = Read(
    _Id,
    update(ChatLink)
    .where(ChatLink.id == bindparam("link_id"), ChatLink.ended_at.is_(None))
    .values(ended_at=bindparam("now"), ended_by=bindparam("by"))
    .returning(ChatLink.id),
)
OF_MEMBER = Read(
    LinkView,
    select(
        ChatLink.id,
        ChatLink.chat_id,
        ChatLink.member_id,
        Chat.channel,
        Chat.display_name,
        ChatLink.linked_at,
        ChatLink.ended_at,
        ChatLink.ended_by,
    )
    .join(Chat, Chat.id == ChatLink.chat_id)
    .where(ChatLink.member_id == bindparam("member_id"))
    .order_by(ChatLink.id.desc()),
)
MEMBERS = Read(
    MemberView,
    select(*(getattr(Member, name) for name in MemberView._fields))
    .join(ChatLink, Member.id == ChatLink.member_id)
    .where(ChatLink.chat_id == bindparam("chat_id"), ChatLink.ended_at.is_(None))
    .order_by(ChatLink.id),
)
CHATS = Read(
    ChatView,
    select(*(getattr(Chat, name) for name in ChatView._fields))
    .join(ChatLink, Chat.id == ChatLink.chat_id)
    .where(ChatLink.member_id == bindparam("member_id"), ChatLink.ended_at.is_(None)),
)


def add_link(tx: Tx, *, chat_id: int, member_id: int) -> int | None:
    """The id of a new link, or None when the two were connected already."""
    row = tx.first(
        ADD, id=tx.ids.new(), chat_id=chat_id, member_id=member_id, linked_at=tx.now, ended_at=None, ended_by=None
    )
    return None if row is None else row.id


def is_linked(tx: Tx, *, chat_id: int, member_id: int) -> bool:
    """Whether the chat may act and be told things for this member."""
    return tx.first(LIVE, chat_id=chat_id, member_id=member_id) is not None


def linked_members(tx: Tx, *, chat_id: int) -> list[MemberView]:
    """The memberships of a chat, oldest link first; which of them is active stands in the chat (`active_member`)."""
    return tx.all(MEMBERS, chat_id=chat_id)


def active_member(tx: Tx, *, chat_id: int) -> MemberView | None:
    """The membership that the chat acts for at present; None when it has no link."""
    wanted = get_chat(tx, chat_id=chat_id).member_id
    return next((member for member in linked_members(tx, chat_id=chat_id) if member.id == wanted), None)


def linked_chats(tx: Tx, *, member_id: int) -> list[ChatView]:
    """The chats of a member for delivery: reachable before blocked, then the one that wrote last first."""
    long_ago = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
    return sorted(
        tx.all(CHATS, member_id=member_id),
        key=lambda chat: (chat.reachable, chat.last_inbound_at or long_ago, chat.id),
        reverse=True,
    )


def lock_chats(tx: Tx, *, member_id: int, also: int | None = None) -> list[ChatView]:
    """Lock all chats of a member (and the chat `also`), in the order of their ids.

    Whoever will tell a member something locks their chats before anything else: a turn of the chat locks in the same
    order (chat, member, contract, invoice), so the two can wait for each other but never both.
    """
    chat_ids = {chat.id for chat in linked_chats(tx, member_id=member_id)}
    if also is not None:
        chat_ids.add(also)
    return [lock_chat_by_id(tx, chat_id=chat_id) for chat_id in sorted(chat_ids)]


def list_links(tx: Tx, staff: ActingStaff, *, member_id: int) -> list[LinkView]:
    """All links of a member, ended ones too, newest first. Errors: DomainError `forbidden`."""
    require(staff, "view")
    rows = tx.all(OF_MEMBER, member_id=member_id)
    if is_allowed(staff.role, "view_unmasked"):
        return rows
    return [row._replace(display_name=mask_name(row.display_name)) for row in rows]


def switch_member(tx: Tx, *, chat_id: int, member_id: int) -> MemberView:
    """Which of its memberships the chat acts for from now on. Errors: DomainError `not_linked`."""
    lock_chat_by_id(tx, chat_id=chat_id)
    if not is_linked(tx, chat_id=chat_id, member_id=member_id):
        raise DomainError("not_linked")
    set_active_member(tx, chat_id=chat_id, member_id=member_id)
    return get_member(tx, member_id=member_id)


def unlink(tx: Tx, *, chat_id: int, member_id: int, by: str = "member") -> bool:
    """End the link; the chat goes on with another membership if it has one. False when there was none (a repeat).

    `by` is "member" or "system" (withdrawal); staff use `revoke_link`.
    """
    lock_chat_by_id(tx, chat_id=chat_id)
    link = tx.first(LIVE, chat_id=chat_id, member_id=member_id)
    return link is not None and _end(tx, link, by=by, actor_kind=by, actor_id=member_id if by == "member" else None)


def revoke_link(tx: Tx, staff: ActingStaff, *, link_id: int) -> bool:
    """Staff end a link (a lost phone); repeating it changes nothing and gives False.

    Errors: DomainError `forbidden`, `link_unknown`.
    """
    require(staff, "revoke_link")
    link = tx.first(BY_ID, link_id=link_id)
    if link is None:
        raise DomainError("link_unknown")
    lock_chat_by_id(tx, chat_id=link.chat_id)
    return _end(tx, link, by=f"staff:{staff.id}", actor_kind="staff", actor_id=staff.id)


def _end(tx: Tx, link: _Link, *, by: str, actor_kind: str, actor_id: int | None) -> bool:
    if tx.first(END, link_id=link.id, now=tx.now, by=by) is None:
        return False
    if get_chat(tx, chat_id=link.chat_id).member_id == link.member_id:
        others = linked_members(tx, chat_id=link.chat_id)
        set_active_member(tx, chat_id=link.chat_id, member_id=others[0].id if others else None)
    record(
        tx,
        actor_kind=actor_kind,
        actor_id=actor_id,
        action="chat.unlinked",
        subject=f"chat:{link.chat_id}",
        member_id=link.member_id,
    )
    tx.emit(ChatUnlinked(link_id=link.id, chat_id=link.chat_id, member_id=link.member_id, by=by))
    return True
