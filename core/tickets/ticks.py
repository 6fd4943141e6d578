"""What time does to tickets, for the clock: warnings before and at a deadline, ends of snoozes, the end of silence.

Each is a question over rows, so a missed tick loses nothing, and each takes what it tells in the same statement or under the
ticket's lock, so that two processes tell it once (pains.md 3 and 18).
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, literal_column, select, tuple_, update

from core.db import Tx
from core.delivery import setaside
from core.dialogue.service import lock_chat_by_id
from core.profiles.model import Profile
from core.statements import Read, among, picked
from core.tickets.entries import save_ticket, wake_desk
from core.tickets.facts import TicketChanged, TicketDue, TicketWentQuiet
from core.tickets.handling import close_ticket
from core.tickets.policy import DECIDED
from core.tickets.sla import decide_silent_end
from core.tickets.tables import Ticket, TicketClock
from core.tickets.threads import get_ticket, lock_ticket

DUE_JOB, QUIET_JOB = "ticket_due", "ticket_quiet"


class _Told(NamedTuple):
    ticket_id: int
    level: str
    due_at: datetime
    soon_at: datetime | None


class _Woken(NamedTuple):
    id: int
    ticket_no: str
    revision: int


class _Quiet(NamedTuple):
    id: int
    chat_id: int | None


class DueTicket(NamedTuple):
    """A ticket whose clock is late or nearly so, for the box of troubles."""

    ticket_id: int
    ticket_no: str
    subject: str
    member_id: int | None
    level: str
    due_at: datetime


def _take(stage: str) -> Read[_Told]:
    """Takes the warnings of a stage whose time has come: the second taker finds none."""
    column = {"half": TicketClock.half_at, "soon": TicketClock.soon_at, "late": TicketClock.late_at}[stage]
    due = (
        select(TicketClock.ticket_id, TicketClock.clock)
        .where(column <= bindparam("until"), setaside.not_set_aside(DUE_JOB, TicketClock.ticket_id))
        .order_by(column)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
    return Read(
        _Told,
        update(TicketClock)
        .where(tuple_(TicketClock.ticket_id, TicketClock.clock).in_(picked(due)))
        .values({column.key: None})
        .returning(TicketClock.ticket_id, TicketClock.level, TicketClock.due_at, TicketClock.soon_at),
    )


STAGES = ("late", "soon", "half")  # the most urgent first: what it says makes the others needless
TAKE = {stage: _take(stage) for stage in STAGES}
WAKE = Read(
    _Woken,
    update(Ticket)
    .where(
        Ticket.id.in_(
            picked(
                select(Ticket.id)
                .where(Ticket.snoozed_until <= bindparam("until"))
                .order_by(Ticket.snoozed_until)
                .limit(bindparam("most"))
                .with_for_update(skip_locked=True)
            )
        )
    )
    .values(snoozed_until=None, touched_at=bindparam("until"), revision=Ticket.revision + literal_column("1"))
    .returning(Ticket.id, Ticket.ticket_no, Ticket.revision),
)
QUIET = Read(
    _Quiet,
    select(Ticket.id, Ticket.chat_id)
    .where(
        Ticket.silence_at <= bindparam("until"),
        Ticket.status == literal_column("'waiting'"),
        Ticket.snoozed_until.is_(None),
        setaside.not_set_aside(QUIET_JOB, Ticket.id),
    )
    .order_by(Ticket.silence_at, Ticket.id)
    .limit(bindparam("most")),
)
OVERDUE = Read(
    DueTicket,
    select(Ticket.id, Ticket.ticket_no, Ticket.subject, Ticket.member_id, TicketClock.level, TicketClock.due_at)
    .join(TicketClock, TicketClock.ticket_id == Ticket.id)
    .where(
        among(Ticket.status, "new", "open", "waiting"),
        TicketClock.due_at.is_not(None),
        TicketClock.soon_at.is_(None),  # told, or nobody was there to be told
    )
    .order_by(TicketClock.due_at, Ticket.id)
    .limit(bindparam("most")),
)


def warn_due(tx: Tx, *, limit: int) -> int:
    """Staff hear of clocks that are nearly due or late: each once. One chunk; how many there were."""
    told = 0
    for stage in STAGES:
        taken = tx.all(TAKE[stage], until=tx.now, real=tx.real, most=limit)
        for row in taken:
            with setaside.one(DUE_JOB, row.ticket_id):
                if _says_more(stage, row, tx.now):
                    _warn(tx, row, stage)
        if taken:
            setaside.done(tx, DUE_JOB, [row.ticket_id for row in taken])
        told += len(taken)
    return told


def _says_more(stage: str, row: _Told, now: datetime) -> bool:
    """After downtime several stages are due at once: once late has been said soon says nothing more, nor half after soon."""
    return stage == "late" or (row.due_at > now and (stage == "soon" or row.soon_at is not None))


def _warn(tx: Tx, row: _Told, stage: str) -> None:
    ticket = get_ticket(tx, ticket_id=row.ticket_id)
    tx.emit(
        TicketDue(
            ticket_id=ticket.id,
            ticket_no=ticket.ticket_no,
            stage=stage,
            level=row.level,
            due_at=row.due_at,
            queue=ticket.queue,
            priority=ticket.priority,
            assignee_id=ticket.assignee_id,
        )
    )
    wake_desk(tx, ticket.id)


def wake_snoozed(tx: Tx, *, limit: int) -> int:
    """Tickets whose rest is over are in sight again. One chunk; how many there were."""
    woken = tx.all(WAKE, until=tx.now, most=limit)
    for row in woken:
        tx.emit(TicketChanged(row.id, row.ticket_no, "woken", None, row.revision))
        wake_desk(tx, row.id)
    return len(woken)


def end_silence(tx: Tx, *, profile: Profile, limit: int) -> int:
    """Members who do not answer are asked once whether all is well, and after the profile's days their ticket ends.

    A snoozed ticket is left alone, and so is a payment report: money is decided, never timed out. One chunk.
    """
    found = tx.all(QUIET, until=tx.now, real=tx.real, most=limit)
    for row in found:
        with setaside.one(QUIET_JOB, row.id):
            _speak_of_silence(tx, profile, row)
    if found:
        setaside.done(tx, QUIET_JOB, [row.id for row in found])
    return len(found)


def _speak_of_silence(tx: Tx, profile: Profile, row: _Quiet) -> None:
    if row.chat_id is not None:
        lock_chat_by_id(tx, chat_id=row.chat_id)
    ticket = lock_ticket(tx, ticket_id=row.id)
    due = ticket.silence_at is not None and ticket.silence_at <= tx.now and ticket.status == "waiting"
    if not due or ticket.snoozed_until is not None:  # asked again under the lock: the member may just have written
        return
    if ticket.kind in DECIDED:
        save_ticket(tx, ticket._replace(silence_at=None))
    elif ticket.silence_told_at is None:
        ends_at = decide_silent_end(tx.now, profile.support)
        save_ticket(tx, ticket._replace(silence_told_at=tx.now, silence_at=ends_at))
        tx.emit(TicketWentQuiet(ticket.id, ticket.ticket_no, ticket.member_id, ticket.chat_id, ends_at))
    else:
        close_ticket(tx, ticket_id=ticket.id, why="silence")


def list_overdue(tx: Tx, *, limit: int) -> list[DueTicket]:
    """Clocks that staff have been warned about (nearly due or late), the oldest first."""
    return tx.all(OVERDUE, most=limit)
