"""Whether somebody of staff is writing to a member at this moment: what 「担当者が返信中」 rests on (row Q1).

The only sign is a key pressed in an answer box (or an answer's dialog opened), and it holds for seconds of the machine's
clock: a page closed, a network gone or a note for colleagues is nobody writing. The member is never told by a ticket's state.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from core.db import Tx
from core.members.roles import ActingStaff, require
from core.members.tables import Staff
from core.statements import Read, Write
from core.tickets.tables import Ticket, TicketComposing
from core.tickets.threads import get_ticket

HOLDS_FOR = timedelta(seconds=12)  # the page says it anew every five while keys are pressed


class _Until(NamedTuple):
    until: datetime | None


class Writer(NamedTuple):
    """A colleague who is writing."""

    staff_id: int
    name: str


_new = insert(TicketComposing).values(
    ticket_id=bindparam("ticket_id"), staff_id=bindparam("staff_id"), until=bindparam("until")
)
SIGN = Write(_new.on_conflict_do_update(index_elements=["ticket_id", "staff_id"], set_={"until": _new.excluded.until}))
STOP = Write(
    delete(TicketComposing).where(
        TicketComposing.ticket_id == bindparam("ticket_id"), TicketComposing.staff_id == bindparam("staff_id")
    )
)
FORGET = Write(delete(TicketComposing).where(TicketComposing.until < bindparam("before")))
IN_CHAT = Read(
    _Until,
    select(func.max(TicketComposing.until))
    .join(Ticket, Ticket.id == TicketComposing.ticket_id)
    .where(Ticket.chat_id == bindparam("chat_id"), TicketComposing.until > bindparam("real")),
)
WRITERS = Read(
    Writer,
    select(TicketComposing.staff_id, Staff.name)
    .join(Staff, Staff.id == TicketComposing.staff_id)
    .where(TicketComposing.ticket_id == bindparam("ticket_id"), TicketComposing.until > bindparam("real"))
    .order_by(Staff.name),
)


def record_composing(tx: Tx, staff: ActingStaff, *, ticket_id: int) -> None:
    """A sign that an answer to the member is being written now. Errors: DomainError `forbidden`, `ticket_unknown`."""
    require(staff, "reply")
    ticket = get_ticket(tx, ticket_id=ticket_id)
    tx.run(FORGET, before=tx.real - HOLDS_FOR)
    tx.run(SIGN, ticket_id=ticket_id, staff_id=staff.id, until=tx.real + HOLDS_FOR)
    _wake(tx, ticket_id, ticket.chat_id)


def stop_composing(tx: Tx, staff: ActingStaff, *, ticket_id: int) -> None:
    """Sent, or put away."""
    tx.run(STOP, ticket_id=ticket_id, staff_id=staff.id)
    _wake(tx, ticket_id, get_ticket(tx, ticket_id=ticket_id).chat_id)


def composing_until(tx: Tx, *, chat_id: int) -> datetime | None:
    """Until when (machine's clock) a chat's member may be told that an answer is being written; None: nobody writes."""
    row = tx.first(IN_CHAT, chat_id=chat_id, real=tx.real)
    return row.until if row is not None else None


def list_writers(tx: Tx, staff: ActingStaff, *, ticket_id: int) -> list[Writer]:
    """Colleagues who write to the same member now, so that two do not answer at once."""
    require(staff, "view")
    return [writer for writer in tx.all(WRITERS, ticket_id=ticket_id, real=tx.real) if writer.staff_id != staff.id]


def _wake(tx: Tx, ticket_id: int, chat_id: int | None) -> None:
    tx.wake(f"ticket:{ticket_id}")
    if chat_id is not None:
        tx.wake(f"chat:{chat_id}")
