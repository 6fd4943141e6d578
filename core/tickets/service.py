"""Tickets (お問い合わせ): what members and staff do with them. Locks in the order chat, ticket."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, insert

from core.db import Tx
from core.delivery.counters import take_number
from core.dialogue.service import get_chat, lock_chat_by_id, set_speaker
from core.errors import DomainError
from core.members.roles import ActingStaff, require
from core.members.service import get_member
from core.statements import Write
from core.tickets.assignment import claim, release
from core.tickets.chats import hand_back, hand_back_due, list_chats_of, lock_reply_chat
from core.tickets.entries import File, add_bot_entry, add_entry, record_act, record_delivery, save_ticket, wake_desk
from core.tickets.facts import MemberWrote, StaffReplied, TicketOpened, TicketReopened, TicketSolved
from core.tickets.policy import check_text, decide_written, next_status, subject_of
from core.tickets.tables import Ticket
from core.tickets.threads import (
    BY_CLIENT_KEY,
    LAST_OF_MEMBER,
    MESSAGE_BY_ID,
    TicketMessageView,
    TicketView,
    find_ticket,
    get_message,
    get_ticket,
    list_of_person,
    lock_ticket,
)

__all__ = [
    "TicketMessageView",
    "TicketView",
    "Written",
    "add_bot_entry",
    "add_member_message",
    "claim",
    "close_ticket",
    "find_ticket",
    "get_message",
    "get_ticket",
    "give_back",
    "hand_back",
    "hand_back_due",
    "list_of_person",
    "note",
    "open_ticket",
    "record_delivery",
    "release",
    "reopen",
    "reply",
    "solve",
]

NAME_LENGTH = 100
CLIENT_KEY_LENGTH = 60


class Written(NamedTuple):
    """Where a member's words went: `effect` is added, courtesy, reopened, or new_ticket (then `ticket` is the new one)."""

    effect: str
    ticket: TicketView
    message: TicketMessageView


ADD = Write(insert(Ticket).values({name: bindparam(name) for name in TicketView._fields}))


def open_ticket(
    tx: Tx,
    *,
    kind: str,
    queue: str,
    subject: str,
    body: str,
    member_id: int | None,
    chat_id: int | None,
    files: Sequence[File] = (),
    previous_id: int | None = None,
) -> TicketView:
    """A new ticket with the member's words as its first entry; `queue` comes from `policy.queue_of`.

    Errors: DomainError `text_missing`, `text_too_long`.
    """
    body = check_text(body, files=len(files))
    ticket = TicketView(
        id=tx.ids.new(),
        ticket_no=f"T-{take_number(tx, series='ticket'):06d}",
        kind=kind,
        queue=queue,
        status="new",
        subject=subject_of(subject) or subject_of(body),
        member_id=member_id,
        chat_id=chat_id,
        previous_id=previous_id,
        assignee_id=None,
        unread=1,
        created_at=tx.now,
        touched_at=tx.now,
        answered_at=None,
        solved_at=None,
    )
    tx.run(ADD, **ticket._asdict())
    _add_member_words(tx, ticket, body, files)
    previous = get_ticket(tx, ticket_id=previous_id) if previous_id is not None else None
    tx.emit(
        TicketOpened(
            ticket_id=ticket.id,
            ticket_no=ticket.ticket_no,
            kind=kind,
            queue=queue,
            member_id=member_id,
            chat_id=chat_id,
            previous_no=previous.ticket_no if previous else None,
        )
    )
    wake_desk(tx, ticket.id)
    return ticket


def add_member_message(
    tx: Tx, *, ticket_id: int, text: str, files: Sequence[File] = (), chat_id: int | None = None
) -> Written:
    """The member's words for a ticket. Thanks is kept and changes nothing; a solved ticket opens again within 7 days, and
    is followed by a new, linked one after that (row Q1).

    `chat_id` is where they were written: the answer goes there from now on. Errors: DomainError `text_missing`,
    `text_too_long`, `ticket_unknown`.
    """
    text = check_text(text, files=len(files))
    ticket = lock_ticket(tx, ticket_id=ticket_id)
    what = decide_written(status=ticket.status, solved_at=ticket.solved_at, now=tx.now, text=text, files=len(files))
    if what.effect == "new_ticket":
        return _follow_up(tx, ticket, text, files, chat_id)
    message = _add_member_words(tx, ticket, text, files)
    courtesy = what.effect == "courtesy"
    changed = ticket._replace(
        status=what.status,
        chat_id=chat_id or ticket.chat_id,
        unread=ticket.unread if courtesy else ticket.unread + 1,
        touched_at=ticket.touched_at if courtesy else tx.now,
        solved_at=ticket.solved_at if what.status == "solved" else None,
    )
    save_ticket(tx, changed)
    if what.effect == "reopened":
        tx.emit(TicketReopened(ticket_id, ticket.ticket_no, "member"))
    tx.emit(MemberWrote(ticket_id, ticket.ticket_no, message.id, ticket.member_id, changed.chat_id, courtesy))
    return Written(what.effect, changed, message)


def reply(
    tx: Tx,
    staff: ActingStaff,
    *,
    ticket_id: int,
    text: str,
    files: Sequence[File] = (),
    client_key: str,
    last_seen_message_id: int,
    force: bool = False,
) -> TicketMessageView:
    """Staff's answer to the member's chat. The first answer claims the ticket; the bot is silent from here on.

    A second press with the same `client_key` gives the first answer. Errors: DomainError `forbidden`, `text_missing`,
    `text_too_long`, `ticket_unknown`, `client_key_reused` (the key belongs to other words), and `stale` (data: message_id,
    text) when the member wrote after `last_seen_message_id`; `force` sends all the same.
    """
    require(staff, "reply")
    text = check_text(text, files=len(files))
    chat_id = lock_reply_chat(tx, ticket_id)
    ticket = lock_ticket(tx, ticket_id=ticket_id)
    key = _client_key(staff, client_key)
    first = _first_press(tx, key, ticket_id, text)
    if first is not None:
        return first
    last = tx.first(LAST_OF_MEMBER, ticket_id=ticket_id)
    if last is not None and last.id > last_seen_message_id and not force:
        raise DomainError("stale", message_id=last.id, text=last.body)
    message = add_entry(
        tx,
        ticket_id,
        author="staff",
        author_id=staff.id,
        author_name=staff.name,
        body=text,
        files=files,
        client_key=key,
    )
    save_ticket(
        tx,
        ticket._replace(
            status=next_status(ticket.status, "reply"),
            chat_id=chat_id,
            assignee_id=ticket.assignee_id or staff.id,
            unread=0,
            touched_at=tx.now,
            answered_at=ticket.answered_at or tx.now,
            solved_at=None,
        ),
    )
    if chat_id is not None:
        set_speaker(tx, chat_id=chat_id, speaker="human", ticket_id=ticket_id)
    record_act(tx, staff, "ticket.replied", ticket)
    tx.emit(
        StaffReplied(
            ticket_id=ticket_id,
            ticket_no=ticket.ticket_no,
            ticket_message_id=message.id,
            member_id=ticket.member_id,
            chat_id=chat_id,
            staff_id=staff.id,
            staff_name=staff.name,
            text=text,
            files=tuple(message.files),
        )
    )
    return tx.one(MESSAGE_BY_ID, message_id=message.id)


def note(
    tx: Tx, staff: ActingStaff, *, ticket_id: int, text: str, files: Sequence[File] = (), client_key: str
) -> TicketMessageView:
    """An internal note: it never reaches the member. A second press gives the first.

    Errors: DomainError `forbidden`, `text_missing`, `text_too_long`, `ticket_unknown`, `client_key_reused`.
    """
    require(staff, "note")
    text = check_text(text, files=len(files))
    lock_ticket(tx, ticket_id=ticket_id)
    key = _client_key(staff, client_key)
    first = _first_press(tx, key, ticket_id, text)
    if first is not None:
        return first
    return add_entry(
        tx,
        ticket_id,
        author="staff",
        author_id=staff.id,
        author_name=staff.name,
        visibility="internal",
        body=text,
        files=files,
        client_key=key,
    )


def solve(tx: Tx, staff: ActingStaff, *, ticket_id: int) -> TicketView:
    """解決. The chat stays with staff for a day, so that thanks and second thoughts reach this ticket (`hand_back_due`).

    Repeating it changes nothing. Errors: DomainError `forbidden`, `ticket_unknown`.
    """
    require(staff, "reply")
    if close_ticket(tx, ticket_id=ticket_id):
        record_act(tx, staff, "ticket.solved", get_ticket(tx, ticket_id=ticket_id))
    return get_ticket(tx, ticket_id=ticket_id)


def reopen(tx: Tx, staff: ActingStaff, *, ticket_id: int) -> TicketView:
    """再開, by staff, at any time. Repeating it changes nothing. Errors: DomainError `forbidden`, `ticket_unknown`."""
    require(staff, "reply")
    ticket = lock_ticket(tx, ticket_id=ticket_id)
    if ticket.status != "solved":
        return ticket
    changed = ticket._replace(status=next_status(ticket.status, "reopen"), solved_at=None, touched_at=tx.now)
    save_ticket(tx, changed)
    record_act(tx, staff, "ticket.reopened", ticket)
    tx.emit(TicketReopened(ticket_id, ticket.ticket_no, f"staff:{staff.id}"))
    return changed


def close_ticket(tx: Tx, *, ticket_id: int) -> bool:
    """Solved, by staff or because what it was about is settled (a payment report was decided); False: it was already.

    Errors: DomainError `ticket_unknown`.
    """
    chat_id = get_ticket(tx, ticket_id=ticket_id).chat_id
    if chat_id is not None:
        lock_chat_by_id(tx, chat_id=chat_id)  # first: whoever listens has something to say there
    ticket = lock_ticket(tx, ticket_id=ticket_id)
    if ticket.status == "solved":
        return False
    status = next_status(ticket.status, "solve")
    save_ticket(tx, ticket._replace(status=status, solved_at=tx.now, unread=0, touched_at=tx.now))
    tx.emit(TicketSolved(ticket_id, ticket.ticket_no, ticket.kind, ticket.member_id, ticket.chat_id))
    return True


def give_back(tx: Tx, staff: ActingStaff, *, ticket_id: int) -> None:
    """ボットに戻す: the bot speaks again wherever this ticket was talked about; the ticket stays as it is.

    Errors: DomainError `forbidden`, `ticket_unknown`.
    """
    require(staff, "reply")
    ticket = get_ticket(tx, ticket_id=ticket_id)
    for chat_id in list_chats_of(tx, ticket):
        hand_back(tx, chat_id=chat_id, ticket_id=ticket_id)
    record_act(tx, staff, "ticket.given_back", ticket)


def _client_key(staff: ActingStaff, client_key: str) -> str:
    """One press of one person: the page makes a new key for each thing to be said."""
    if not 0 < len(client_key) <= CLIENT_KEY_LENGTH:
        raise DomainError("client_key_invalid")
    return f"{staff.id}:{client_key}"


def _first_press(tx: Tx, key: str, ticket_id: int, text: str) -> TicketMessageView | None:
    first = tx.first(BY_CLIENT_KEY, client_key=key)
    if first is not None and (first.ticket_id, first.body) != (ticket_id, text):
        raise DomainError("client_key_reused")
    return first


def _follow_up(tx: Tx, ticket: TicketView, text: str, files: Sequence[File], chat_id: int | None) -> Written:
    """The old ticket's times stay as they are; what is asked now is counted by itself (pains.md 15)."""
    new = open_ticket(
        tx,
        kind=ticket.kind,
        queue=ticket.queue,
        subject=ticket.subject,
        body=text,
        member_id=ticket.member_id,
        chat_id=chat_id or ticket.chat_id,
        files=files,
        previous_id=ticket.id,
    )
    return Written("new_ticket", new, tx.one(LAST_OF_MEMBER, ticket_id=new.id))


def _add_member_words(tx: Tx, ticket: TicketView, text: str, files: Sequence[File]) -> TicketMessageView:
    if ticket.member_id is not None:
        name = get_member(tx, member_id=ticket.member_id).name
    else:
        name = get_chat(tx, chat_id=ticket.chat_id).display_name if ticket.chat_id is not None else ""
    return add_entry(
        tx,
        ticket.id,
        author="member",
        author_id=ticket.member_id,
        author_name=name[:NAME_LENGTH],
        body=text,
        files=files,
    )
