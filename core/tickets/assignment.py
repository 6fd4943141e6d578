"""Who looks after a ticket: claim (担当する) and release."""

from typing import NamedTuple

from sqlalchemy import bindparam, update

from core.db import Tx
from core.errors import DomainError
from core.members.roles import ActingStaff, require
from core.statements import Read
from core.tickets.entries import record_act, save_ticket, wake_desk
from core.tickets.policy import next_status
from core.tickets.tables import Ticket
from core.tickets.threads import ASSIGNEE, TicketView, get_ticket, lock_ticket


class _Id(NamedTuple):
    id: int


CLAIM = Read(
    _Id,
    update(Ticket)
    .where(Ticket.id == bindparam("ticket_id"), Ticket.assignee_id.is_(None))
    .values(assignee_id=bindparam("staff_id"), status=bindparam("new_status"), touched_at=bindparam("now"))
    .returning(Ticket.id),
)


def claim(tx: Tx, staff: ActingStaff, *, ticket_id: int) -> TicketView:
    """担当する: compare-and-swap. Claiming one's own again changes nothing.

    Errors: DomainError `forbidden`, `ticket_unknown`, `claimed_by_other` (data: name, staff_id).
    """
    require(staff, "claim")
    status = next_status(get_ticket(tx, ticket_id=ticket_id).status, "claim")
    if tx.first(CLAIM, ticket_id=ticket_id, staff_id=staff.id, new_status=status, now=tx.now) is None:
        holder_id = get_ticket(tx, ticket_id=ticket_id).assignee_id
        if holder_id != staff.id:
            raise DomainError("claimed_by_other", staff_id=holder_id, name=tx.one(ASSIGNEE, staff_id=holder_id).name)
    else:
        record_act(tx, staff, "ticket.claimed", get_ticket(tx, ticket_id=ticket_id))
        wake_desk(tx, ticket_id)
    return get_ticket(tx, ticket_id=ticket_id)


def release(tx: Tx, staff: ActingStaff, *, ticket_id: int) -> TicketView:
    """Give a ticket back to the queue, one's own or (noted in the trail) a colleague's.

    Errors: DomainError `forbidden`, `ticket_unknown`.
    """
    require(staff, "claim")
    ticket = lock_ticket(tx, ticket_id=ticket_id)
    if ticket.assignee_id is None:
        return ticket
    changed = ticket._replace(assignee_id=None, status=next_status(ticket.status, "release"), touched_at=tx.now)
    save_ticket(tx, changed)
    record_act(tx, staff, "ticket.released", ticket, held_by=ticket.assignee_id)
    return changed
