"""Words changed after they were written: notes, answers that went out, a member's own. What was said before is kept."""

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, delete, insert, select, update

from core.db import Tx
from core.delivery.outbox import DeliveryView, find_delivery
from core.errors import DomainError
from core.members.roles import ActingStaff, require
from core.statements import Read, Write
from core.tickets.chats import lock_reply_chat
from core.tickets.entries import record_act, wake_desk
from core.tickets.facts import AnswerEdited, AnswerRemoved, EntryChanged
from core.tickets.policy import check_text
from core.tickets.tables import TicketMessage, TicketMessageVersion
from core.tickets.threads import MESSAGES, TicketMessageView, get_message, get_ticket, list_of_person, lock_ticket

CAN_EDIT = frozenset({"webchat", "telegram"})  # LINE has no way to change what was sent
REMOVE_WITHIN = timedelta(hours=48)  # Telegram: https://core.telegram.org/bots/api#deletemessage
LOOKED_AT = 5
REMOVED = "（取り消しました）"


class VersionView(NamedTuple):
    """One change of an entry."""

    id: int
    message_id: int
    body: str
    new_body: str
    change: str
    by: str


ADD = Write(insert(TicketMessageVersion).values({name: bindparam(name) for name in (*VersionView._fields, "at")}))
OF_MESSAGE = Read(
    VersionView,
    select(*(getattr(TicketMessageVersion, name) for name in VersionView._fields))
    .where(TicketMessageVersion.message_id == bindparam("message"))
    .order_by(TicketMessageVersion.id),
)
SET_BODY = Write(
    update(TicketMessage).where(TicketMessage.id == bindparam("message")).values(body=bindparam("new_body"))
)
FORGET = Write(delete(TicketMessageVersion).where(TicketMessageVersion.message_id == bindparam("message")))


def edit_note(tx: Tx, staff: ActingStaff, *, message_id: int, text: str) -> TicketMessageView:
    """A new version of one's own note. Errors: DomainError `forbidden`, `text_missing`, `text_too_long`."""
    require(staff, "note")
    message = _own_note(tx, staff, message_id)
    return _rewrite(tx, message, check_text(text, files=len(message.files)), change="edited", by=f"staff:{staff.id}")


def remove_note(tx: Tx, staff: ActingStaff, *, message_id: int) -> TicketMessageView:
    """One's own note is gone from the thread; what it said stays in its versions. Errors: DomainError `forbidden`."""
    require(staff, "note")
    return _rewrite(tx, _own_note(tx, staff, message_id), REMOVED, change="removed", by=f"staff:{staff.id}")


def edit_answer(tx: Tx, staff: ActingStaff, *, message_id: int, text: str) -> TicketMessageView:
    """Change what the member reads, where their channel can. The same words again change nothing.

    Errors: DomainError `forbidden`, `text_missing`, `text_too_long`, `cannot_edit` (channel: a correction must do).
    """
    require(staff, "reply")
    message, delivery = _lock_answer(tx, message_id)
    text = check_text(text, files=len(message.files))
    if text == message.body:
        return message
    changed = _rewrite(tx, message, text, change="edited", by=f"staff:{staff.id}")
    ticket = get_ticket(tx, ticket_id=message.ticket_id)
    record_act(tx, staff, "ticket.answer_edited", ticket, message_id=message_id)
    tx.emit(AnswerEdited(ticket.id, message_id, int(delivery.message_id or 0), text))
    return changed


def remove_answer(tx: Tx, staff: ActingStaff, *, message_id: int) -> TicketMessageView:
    """Take back what the member reads, where their channel can (Telegram: within 48 hours).

    Errors: DomainError `forbidden`, `cannot_edit` (channel).
    """
    require(staff, "reply")
    message, delivery = _lock_answer(tx, message_id)
    if message.body == REMOVED:
        return message
    if delivery.channel != "webchat" and tx.now - message.at > REMOVE_WITHIN:
        raise DomainError("cannot_edit", channel=delivery.channel)
    changed = _rewrite(tx, message, REMOVED, change="removed", by=f"staff:{staff.id}")
    ticket = get_ticket(tx, ticket_id=message.ticket_id)
    record_act(tx, staff, "ticket.answer_removed", ticket, message_id=message_id)
    tx.emit(AnswerRemoved(ticket.id, message_id, int(delivery.message_id or 0)))
    return changed


def channel_of_answer(tx: Tx, *, message_id: int) -> str:
    """By which channel an answer went; nothing: by none yet."""
    delivery = _delivery(tx, get_message(tx, message_id=message_id))
    return delivery.channel if delivery is not None else ""


def can_edit_answer(tx: Tx, *, message_id: int) -> bool:
    """Whether the member's channel lets us change it."""
    delivery = _delivery(tx, get_message(tx, message_id=message_id))
    return delivery is not None and delivery.channel in CAN_EDIT and delivery.state == "sent"


def record_member_edit(tx: Tx, *, ticket_id: int, before: str, after: str) -> bool:
    """A member changed a message in their chat: the entry says the new words, the old ones are kept. False: no such entry."""
    lock_ticket(tx, ticket_id=ticket_id)
    if not before.strip() or not after.strip():
        return False
    for message in reversed(tx.all(MESSAGES, ticket_id=ticket_id)):
        if message.author == "member" and message.body == before.strip():
            if message.body != after.strip():
                _rewrite(tx, message, after.strip(), change="edited", by="member")
            return True
    return False


def record_edit_in_chat(tx: Tx, *, chat_id: int, member_id: int | None, before: str, after: str) -> bool:
    """As `record_member_edit`, in whichever of the newest tickets of this person the words stand."""
    tickets = list_of_person(tx, member_id=member_id, chat_id=chat_id, limit=LOOKED_AT)
    return any(record_member_edit(tx, ticket_id=ticket.id, before=before, after=after) for ticket in tickets)


def list_versions(tx: Tx, *, message_id: int) -> list[VersionView]:
    """What an entry said before, oldest first."""
    return tx.all(OF_MESSAGE, message=message_id)


def forget_versions(tx: Tx, *, message_id: int) -> None:
    """Its writer took it back for good."""
    tx.run(FORGET, message=message_id)


def _own_note(tx: Tx, staff: ActingStaff, message_id: int) -> TicketMessageView:
    message = get_message(tx, message_id=message_id)
    lock_ticket(tx, ticket_id=message.ticket_id)
    message = get_message(tx, message_id=message_id)
    if message.author != "staff" or message.author_id != staff.id or message.visibility != "internal":
        raise DomainError("forbidden", right="note")
    return message


def _lock_answer(tx: Tx, message_id: int) -> tuple[TicketMessageView, DeliveryView]:
    ticket_id = get_message(tx, message_id=message_id).ticket_id
    lock_reply_chat(tx, ticket_id)
    lock_ticket(tx, ticket_id=ticket_id)
    message = get_message(tx, message_id=message_id)
    delivery = _delivery(tx, message)
    if message.author != "staff" or message.visibility != "public":
        raise DomainError("cannot_edit", channel="")
    if delivery is None or delivery.channel not in CAN_EDIT or delivery.state != "sent":
        raise DomainError("cannot_edit", channel=delivery.channel if delivery is not None else "")
    return message, delivery


def _delivery(tx: Tx, message: TicketMessageView) -> DeliveryView | None:
    return find_delivery(tx, outbox_id=message.outbox_id) if message.outbox_id is not None else None


def _rewrite(tx: Tx, message: TicketMessageView, body: str, *, change: str, by: str) -> TicketMessageView:
    if body == message.body:
        return message
    tx.run(
        ADD, id=tx.ids.new(), message_id=message.id, body=message.body, new_body=body, change=change, by=by, at=tx.now
    )
    tx.run(SET_BODY, message=message.id, new_body=body)
    wake_desk(tx, message.ticket_id)
    tx.emit(EntryChanged(message.ticket_id, message.id, change, by))
    return message._replace(body=body)
