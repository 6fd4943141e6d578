"""What staff do with a ticket besides answering: priority, snooze, solve with a closing text, reopen, back to the bot."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, select

from core.billing.reports import list_reports_of_ticket
from core.bookings.requests import list_requests_of_ticket
from core.db import Tx
from core.delivery.outbox import find_delivery
from core.dialogue.service import lock_chat_by_id
from core.errors import DomainError
from core.members.roles import ActingStaff, require
from core.statements import Read
from core.tickets.answers import reply
from core.tickets.chats import hand_back, list_chats_of
from core.tickets.entries import record_act, save_ticket
from core.tickets.facts import TicketChanged, TicketReopened, TicketSolved
from core.tickets.policy import check_priority, check_reason, check_snooze, next_status
from core.tickets.tables import TicketMessage
from core.tickets.threads import TicketView, get_ticket, lock_ticket

NOT_ARRIVED = frozenset({"dead", "unknown"})


class _Outbox(NamedTuple):
    outbox_id: int | None


LAST_ANSWER = Read(
    _Outbox,
    select(TicketMessage.outbox_id)
    .where(
        TicketMessage.ticket_id == bindparam("ticket_id"),
        TicketMessage.author == "staff",
        TicketMessage.visibility == "public",
    )
    .order_by(TicketMessage.id.desc())
    .limit(1),
)


def set_priority(
    tx: Tx, staff: ActingStaff, *, ticket_id: int, priority: str, seen_revision: int | None = None
) -> TicketView:
    """優先度: low, normal, high, urgent. Setting it again changes nothing.

    `seen_revision` as in `snooze`. Errors: DomainError `forbidden`, `priority_unknown`, `ticket_unknown`, `ticket_changed`.
    """
    require(staff, "claim")
    check_priority(priority)
    ticket = lock_ticket(tx, ticket_id=ticket_id)
    if ticket.priority == priority:
        return ticket
    _need_seen(ticket, seen_revision)
    changed = save_ticket(tx, ticket._replace(priority=priority))
    record_act(tx, staff, "ticket.priority_set", ticket, before=ticket.priority, after=priority)
    tx.emit(TicketChanged(ticket_id, ticket.ticket_no, "priority", staff.id, changed.revision))
    return changed


def snooze(
    tx: Tx, staff: ActingStaff, *, ticket_id: int, until: datetime | None, seen_revision: int | None = None
) -> TicketView:
    """保留: out of sight until an instant (90 days at most), or (None) awake again at once. The member's words wake it too,
    and its clocks go on: the member still waits.

    `seen_revision`: the revision of the card that was pressed; another by now is refused as `ticket_changed`; None does not
    ask. Errors: DomainError `forbidden`, `ticket_unknown`, `ticket_state`, `snooze_out_of_range`, `ticket_changed`.
    """
    require(staff, "claim")
    ticket = lock_ticket(tx, ticket_id=ticket_id)
    if ticket.snoozed_until == until:
        return ticket
    _need_seen(ticket, seen_revision)
    if until is not None:
        check_snooze(ticket.status, until=until, now=tx.now)
    changed = save_ticket(tx, ticket._replace(snoozed_until=until))
    change = "snoozed" if until is not None else "woken"
    record_act(tx, staff, f"ticket.{change}", ticket, **({"until": until.isoformat()} if until else {}))
    tx.emit(TicketChanged(ticket_id, ticket.ticket_no, change, staff.id, changed.revision))
    return changed


def solve(
    tx: Tx,
    staff: ActingStaff,
    *,
    ticket_id: int,
    text: str = "",
    client_key: str = "",
    last_seen_message_id: int | None = None,
    seen_revision: int | None = None,
    force: bool = False,
    reason: str = "",
    rate: bool = True,
) -> TicketView:
    """解決, with a closing text to the member if there is one: both in one transaction. The chat stays with staff for a day,
    so that thanks and second thoughts reach this ticket (`hand_back_due`).

    Repeating it changes nothing. `seen_revision` as in `snooze`; `force` solves although the last answer did not arrive
    or the member has written since. `reason`: one of `SOLVE_REASONS` for the trail; `rate`: whether the member may be asked
    how it was. Errors: DomainError `forbidden`, `ticket_unknown`, `ticket_changed`, `reason_unknown`,
    `answer_undelivered` (the last answer did not reach the member), `ticket_undecided`, and with a text those of `service.reply`.
    """
    require(staff, "reply")
    check_reason(reason)
    ticket = get_ticket(tx, ticket_id=ticket_id)
    if ticket.status == "solved":
        return ticket
    if not force:
        _need_seen(ticket, seen_revision)
        _need_arrived(tx, ticket_id)
    if text.strip():
        seen = last_seen_message_id or 0
        reply(
            tx,
            staff,
            ticket_id=ticket_id,
            text=text,
            client_key=client_key,
            last_seen_message_id=seen,
            force=force or last_seen_message_id is None,
        )
    if close_ticket(tx, ticket_id=ticket_id, rate=rate):
        record_act(tx, staff, "ticket.solved", ticket, **({"reason": reason} if reason else {}))
    return get_ticket(tx, ticket_id=ticket_id)


def reopen(tx: Tx, staff: ActingStaff, *, ticket_id: int) -> TicketView:
    """再開, by staff, at any time. Repeating it changes nothing. Errors: DomainError `forbidden`, `ticket_unknown`."""
    require(staff, "reply")
    ticket = lock_ticket(tx, ticket_id=ticket_id)
    if ticket.status != "solved":
        return ticket
    save_ticket(
        tx,
        ticket._replace(status=next_status(ticket.status, "reopen"), solved_at=None, touched_at=tx.now),
    )
    record_act(tx, staff, "ticket.reopened", ticket)
    tx.emit(TicketReopened(ticket_id, ticket.ticket_no, f"staff:{staff.id}"))
    return get_ticket(tx, ticket_id=ticket_id)


def close_ticket(tx: Tx, *, ticket_id: int, why: str = "staff", rate: bool = True) -> bool:
    """Solved: by staff, because what it was about is settled (a payment report was decided), or by the member's silence or
    word (`why`: staff, settled, silence, member); False: it was already.

    Errors: DomainError `ticket_unknown`, `ticket_undecided` (a report or a request is ended by its decision, never around it).
    """
    chat_id = get_ticket(tx, ticket_id=ticket_id).chat_id
    if chat_id is not None:
        lock_chat_by_id(tx, chat_id=chat_id)  # first: whoever listens has something to say there
    ticket = lock_ticket(tx, ticket_id=ticket_id)
    if ticket.status == "solved":
        return False
    if why != "settled":
        _need_decided(tx, ticket)
    status = next_status(ticket.status, "solve")
    save_ticket(
        tx,
        ticket._replace(
            status=status,
            solved_at=tx.now,
            unread=0,
            touched_at=tx.now,
            snoozed_until=None,
            silence_at=None,
            silence_told_at=None,
        ),
    )
    tx.emit(TicketSolved(ticket_id, ticket.ticket_no, ticket.kind, ticket.member_id, ticket.chat_id, why, rate))
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


def _need_seen(ticket: TicketView, seen_revision: int | None) -> None:
    if seen_revision is not None and seen_revision != ticket.revision:
        raise DomainError("ticket_changed", revision=ticket.revision)


def _need_decided(tx: Tx, ticket: TicketView) -> None:
    """What waits for a yes or no would be out of sight otherwise, and the member could not ask anew."""
    asked = any(request.state == "open" for request in list_requests_of_ticket(tx, ticket_id=ticket.id))
    member_id = ticket.member_id
    reports = list_reports_of_ticket(tx, member_id=member_id, ticket_id=ticket.id) if member_id is not None else []
    if asked or any(report.undecided for report in reports):
        raise DomainError("ticket_undecided", ticket_no=ticket.ticket_no)


def _need_arrived(tx: Tx, ticket_id: int) -> None:
    """Who solves believes that the member has the answer (pains.md 8)."""
    last = tx.first(LAST_ANSWER, ticket_id=ticket_id)
    if last is None or last.outbox_id is None:
        return
    delivery = find_delivery(tx, outbox_id=last.outbox_id)
    if delivery is not None and delivery.state in NOT_ARRIVED:
        raise DomainError("answer_undelivered")
