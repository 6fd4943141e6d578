"""Tickets (お問い合わせ): what members and staff do with them. Locks in the order chat, ticket."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, insert

from core.db import Tx
from core.delivery.counters import take_number
from core.dialogue.service import get_chat
from core.members.service import get_member
from core.statements import Write
from core.tickets.answers import note, reply
from core.tickets.assignment import assign, claim, list_assignable, release, take_over
from core.tickets.chats import hand_back, hand_back_due
from core.tickets.entries import File, add_bot_entry, add_entry, record_delivery, save_ticket, wake_desk
from core.tickets.facts import MemberWrote, TicketOpened, TicketReopened
from core.tickets.handling import close_ticket, give_back, reopen, set_priority, snooze, solve
from core.tickets.policy import REOPEN_WITHIN, check_text, decide_written, subject_of
from core.tickets.tables import Ticket
from core.tickets.threads import (
    LAST_OF_MEMBER,
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
    "assign",
    "claim",
    "close_ticket",
    "find_ticket",
    "get_message",
    "get_ticket",
    "give_back",
    "hand_back",
    "hand_back_due",
    "list_assignable",
    "list_of_person",
    "note",
    "open_ticket",
    "record_delivery",
    "release",
    "rename",
    "reopen",
    "reply",
    "set_priority",
    "snooze",
    "solve",
    "take_over",
]

NAME_LENGTH = 100


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
    origin: str = "form",
    details: Sequence[Mapping[str, str]] = (),
    by_bot: bool = False,
    priority: str = "normal",
    client_key: str | None = None,
) -> TicketView:
    """A new ticket with the member's words as its first entry; `queue` comes from `policy.queue_of`.

    `origin`: how it came to be (form, human, misses, urgent, report, follow_up, staff); `details`: the kind's own fields as
    answered ({code, ja, en, value}). `by_bot`: the product
    found something, the words are a note for staff. `client_key`: of the press that sent the words, by which
    `threads.find_sent` knows a second one. Errors: DomainError `text_missing`, `text_too_long`.
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
        origin=origin,
        priority=priority,
        details=[dict(detail) for detail in details],
        member_wrote_at=tx.now,
    )
    tx.run(ADD, **ticket._asdict())
    if by_bot:
        add_bot_entry(tx, ticket_id=ticket.id, body=body)
    else:
        _add_member_words(tx, ticket, body, files, client_key)
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
    return get_ticket(tx, ticket_id=ticket.id)  # with its clocks, which a listener started


def add_member_message(
    tx: Tx,
    *,
    ticket_id: int,
    text: str,
    files: Sequence[File] = (),
    chat_id: int | None = None,
    reopen_within: timedelta = REOPEN_WITHIN,
    client_key: str | None = None,
) -> Written:
    """The member's words for a ticket. Thanks is kept and changes nothing; a solved ticket opens again for some days
    (`reopen_within`, the profile's), and is followed by a new, linked one after that (row Q1).

    `chat_id` is where they were written: the answer goes there from now on. `client_key` as in `open_ticket`.
    Errors: DomainError `text_missing`, `text_too_long`, `ticket_unknown`.
    """
    text = check_text(text, files=len(files))
    ticket = lock_ticket(tx, ticket_id=ticket_id)
    what = decide_written(
        status=ticket.status,
        solved_at=ticket.solved_at,
        now=tx.now,
        text=text,
        files=len(files),
        reopen_within=reopen_within,
    )
    if what.effect == "new_ticket":
        return _follow_up(tx, ticket, text, files, chat_id, client_key)
    message = _add_member_words(tx, ticket, text, files, client_key, alarming=what.effect == "reopened")
    courtesy = what.effect == "courtesy"
    changed = ticket._replace(
        status=what.status,
        chat_id=chat_id or ticket.chat_id,
        unread=ticket.unread if courtesy else ticket.unread + 1,
        touched_at=ticket.touched_at if courtesy else tx.now,
        solved_at=ticket.solved_at if what.status == "solved" else None,
        member_wrote_at=ticket.member_wrote_at if courtesy else tx.now,
        snoozed_until=ticket.snoozed_until if courtesy else None,
        silence_at=ticket.silence_at if courtesy else None,
        silence_told_at=ticket.silence_told_at if courtesy else None,
    )
    changed = save_ticket(tx, changed)
    if what.effect == "reopened":
        tx.emit(TicketReopened(ticket_id, ticket.ticket_no, "member"))
    tx.emit(MemberWrote(ticket_id, ticket.ticket_no, message.id, ticket.member_id, changed.chat_id, courtesy))
    return Written(what.effect, get_ticket(tx, ticket_id=ticket_id), message)


def rename(tx: Tx, *, ticket_id: int, subject: str) -> None:
    """Another line for the lists (`policy.subject_of`); words that give none leave it as it is."""
    ticket, line = lock_ticket(tx, ticket_id=ticket_id), subject_of(subject)
    if line:
        save_ticket(tx, ticket._replace(subject=line))


def _follow_up(
    tx: Tx, ticket: TicketView, text: str, files: Sequence[File], chat_id: int | None, client_key: str | None
) -> Written:
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
        origin="follow_up",
        details=ticket.details,
        client_key=client_key,
    )
    return Written("new_ticket", new, tx.one(LAST_OF_MEMBER, ticket_id=new.id))


def _add_member_words(
    tx: Tx,
    ticket: TicketView,
    text: str,
    files: Sequence[File],
    client_key: str | None,
    *,
    alarming: bool = False,
) -> TicketMessageView:
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
        client_key=client_key,
        alarming=alarming,
    )
