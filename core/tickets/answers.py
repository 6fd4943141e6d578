"""Staff answer in a ticket, or note something for themselves. Locks in the order chat, ticket."""

from collections.abc import Sequence

from core.db import Tx
from core.dialogue.service import set_speaker
from core.errors import DomainError
from core.members.roles import ActingStaff, require
from core.tickets.chats import lock_reply_chat
from core.tickets.composing import stop_composing
from core.tickets.entries import File, add_entry, record_act, save_ticket
from core.tickets.facts import StaffReplied
from core.tickets.policy import check_filled, check_text, next_status
from core.tickets.threads import BY_CLIENT_KEY, LAST_OF_MEMBER, MESSAGE_BY_ID, TicketMessageView, lock_ticket

CLIENT_KEY_LENGTH = 60


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
    `text_too_long`, `text_unfilled` (a prepared answer's place is left),
    `ticket_unknown`, `client_key_reused` (the key belongs to other words), and `stale` (data: message_id,
    text) when the member wrote after `last_seen_message_id`; `force` sends all the same.
    """
    require(staff, "reply")
    text = check_text(text, files=len(files))
    check_filled(text)
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
            replied_at=tx.now,
            snoozed_until=None,
            silence_told_at=None,
        ),
    )
    if chat_id is not None:
        set_speaker(tx, chat_id=chat_id, speaker="human", ticket_id=ticket_id)
    stop_composing(tx, staff, ticket_id=ticket_id)
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
