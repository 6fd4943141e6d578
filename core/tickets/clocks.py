"""The clocks of tickets as rows: started and stopped by what happens to a ticket, in the transaction in which it happens.

The rules come from the profile, which core's use cases do not hold: so these are listeners, and `core/wiring.py` hands the
profile in. `core.tickets.sla` decides.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from core.billing.facts import PaymentReportAsked
from core.billing.reports import get_report
from core.db import Tx
from core.profiles.model import Profile
from core.statements import Read, Write
from core.tickets.facts import MemberWrote, StaffReplied, TicketOpened, TicketReopened, TicketSolved
from core.tickets.policy import DECIDED
from core.tickets.sla import Clock, Clocks, Event, decide_clocks, decide_silence
from core.tickets.tables import Ticket, TicketClock
from core.tickets.threads import get_ticket

SECOND = timedelta(seconds=1)


class ClockView(NamedTuple):
    """A clock as its row says; `from_at` None: paused."""

    ticket_id: int
    clock: str  # answer, resolution
    level: str  # first_answer, next_answer, resolution
    used_seconds: int
    from_at: datetime | None
    due_at: datetime | None
    half_at: datetime | None
    soon_at: datetime | None
    late_at: datetime | None


_CLOCK = tuple(getattr(TicketClock, name) for name in ClockView._fields)
OF_TICKET = Read(
    ClockView, select(*_CLOCK).where(TicketClock.ticket_id == bindparam("ticket_id")).order_by(TicketClock.clock)
)
_new = insert(TicketClock).values({name: bindparam(name) for name in ClockView._fields})
KEEP = Write(
    _new.on_conflict_do_update(
        index_elements=["ticket_id", "clock"],
        set_={name: getattr(_new.excluded, name) for name in ClockView._fields[2:]},
    )
)
DROP = Write(
    delete(TicketClock).where(TicketClock.ticket_id == bindparam("ticket_id"), TicketClock.clock == bindparam("which"))
)
SET_DUE = Write(
    update(Ticket)
    .where(Ticket.id == bindparam("ticket_id"))
    .values(due_at=bindparam("new_due_at"), due_for=bindparam("new_due_for"))
)
SET_SILENCE = Write(
    update(Ticket).where(Ticket.id == bindparam("ticket_id")).values(silence_at=bindparam("new_silence_at"))
)


SET_AWAY_TOLD = Write(
    update(Ticket).where(Ticket.id == bindparam("ticket_id")).values(away_told_at=bindparam("new_away_told_at"))
)


def record_away_told(tx: Tx, *, ticket_id: int) -> None:
    """The member has been told that nobody is there now, and until when to expect an answer."""
    tx.run(SET_AWAY_TOLD, ticket_id=ticket_id, new_away_told_at=tx.now)


def answer_due_at(tx: Tx, *, ticket_id: int) -> datetime | None:
    """Until when the member is promised an answer: what is said to them and what staff see. None: nothing is owed."""
    return next((row.due_at for row in tx.all(OF_TICKET, ticket_id=ticket_id) if row.clock == "answer"), None)


def listeners(profile: Profile) -> dict[type, Callable[[Tx, Any], None]]:
    """Who listens to what, under the profile's rules."""
    heard: dict[type, Callable[[Profile, Tx, Any], None]] = {
        TicketOpened: _on_opened,
        MemberWrote: _on_written,
        StaffReplied: _on_replied,
        PaymentReportAsked: _on_asked,
        TicketSolved: _on_solved,
        TicketReopened: _on_reopened,
    }
    return {fact: partial(listener, profile) for fact, listener in heard.items()}


def _on_opened(profile: Profile, tx: Tx, fact: TicketOpened) -> None:
    _move(tx, profile, fact.ticket_id, "opened")


def _on_written(profile: Profile, tx: Tx, fact: MemberWrote) -> None:
    if not fact.courtesy:
        _move(tx, profile, fact.ticket_id, "written")


def _on_replied(profile: Profile, tx: Tx, fact: StaffReplied) -> None:
    _move(tx, profile, fact.ticket_id, "answered")
    if get_ticket(tx, ticket_id=fact.ticket_id).kind not in DECIDED:
        tx.run(SET_SILENCE, ticket_id=fact.ticket_id, new_silence_at=decide_silence(tx.now, profile.support))


def _on_asked(profile: Profile, tx: Tx, fact: PaymentReportAsked) -> None:
    ticket_id = get_report(tx, report_id=fact.report_id).ticket_id
    if ticket_id is not None:
        _move(tx, profile, ticket_id, "answered")


def _on_solved(profile: Profile, tx: Tx, fact: TicketSolved) -> None:
    _move(tx, profile, fact.ticket_id, "solved")


def _on_reopened(profile: Profile, tx: Tx, fact: TicketReopened) -> None:
    if fact.by != "member":  # the member's own words follow as a fact of their own
        _move(tx, profile, fact.ticket_id, "reopened")


def _move(tx: Tx, profile: Profile, ticket_id: int, event: Event) -> None:
    before = {row.clock: row for row in tx.all(OF_TICKET, ticket_id=ticket_id)}
    answered = get_ticket(tx, ticket_id=ticket_id).answered_at is not None
    after = decide_clocks(
        Clocks(_read(before.get("answer")), _read(before.get("resolution"))),
        event,
        at=tx.now,
        support=profile.support,
        answered=answered,
    )
    for which, clock in (("answer", after.answer), ("resolution", after.resolution)):
        row = before.get(which)
        if clock is not None and clock != _read(row):
            tx.run(KEEP, **_row(ticket_id, which, clock)._asdict())
        elif clock is None and row is not None:
            tx.run(DROP, ticket_id=ticket_id, which=which)
    due = after.nearest
    tx.run(SET_DUE, ticket_id=ticket_id, new_due_at=due.due_at if due else None, new_due_for=due.level if due else None)


def _read(row: ClockView | None) -> Clock | None:
    if row is None:
        return None
    used = row.used_seconds * SECOND
    return Clock(row.level, used, row.from_at, row.due_at, row.half_at, row.soon_at, row.late_at)  # type: ignore[arg-type]  # a level's name


def _row(ticket_id: int, which: str, clock: Clock) -> ClockView:
    return ClockView(
        ticket_id=ticket_id,
        clock=which,
        level=clock.level,
        used_seconds=clock.used // SECOND,
        from_at=clock.from_at,
        due_at=clock.due_at,
        half_at=clock.half_at,
        soon_at=clock.soon_at,
        late_at=clock.late_at,
    )
