"""Who looks after a ticket (担当する): claim, take over, release, assign. Each is a compare-and-swap on what was seen."""

from typing import NamedTuple

from sqlalchemy import bindparam, literal_column, select, update

from core.db import Tx
from core.errors import DomainError
from core.members.roles import ActingStaff, is_allowed, require
from core.members.tables import Staff
from core.statements import Read
from core.tickets.entries import record_act, save_ticket, wake_desk
from core.tickets.facts import TicketChanged
from core.tickets.policy import next_status
from core.tickets.tables import Ticket
from core.tickets.threads import ASSIGNEE, TicketView, get_ticket, lock_ticket


class _Id(NamedTuple):
    id: int


class Colleague(NamedTuple):
    """Somebody of staff who has not left."""

    id: int
    name: str
    role: str


COLLEAGUES = Read(
    Colleague,
    select(Staff.id, Staff.name, Staff.role).where(Staff.disabled_at.is_(None)).order_by(Staff.name, Staff.id),
)
CLAIM = Read(
    _Id,
    update(Ticket)
    .where(Ticket.id == bindparam("ticket_id"), Ticket.assignee_id.is_(None))
    .values(
        assignee_id=bindparam("staff_id"),
        status=bindparam("new_status"),
        touched_at=bindparam("now"),
        revision=Ticket.revision + literal_column("1"),
    )
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
            raise _held_by(tx, holder_id)
    else:
        _noted(tx, staff, get_ticket(tx, ticket_id=ticket_id), "claimed")
        wake_desk(tx, ticket_id)
    return get_ticket(tx, ticket_id=ticket_id)


def take_over(tx: Tx, staff: ActingStaff, *, ticket_id: int, from_staff_id: int | None) -> TicketView:
    """引き継ぐ: from the colleague who was seen to hold it (`from_staff_id`), noted in the trail; never by accident.

    Taking over one's own changes nothing. Errors: DomainError `forbidden`, `ticket_unknown`, `claimed_by_other` (data:
    name, staff_id) when somebody else holds it by now.
    """
    require(staff, "claim")
    ticket = lock_ticket(tx, ticket_id=ticket_id)
    if ticket.assignee_id == staff.id:
        return ticket
    if ticket.assignee_id is not None and ticket.assignee_id != from_staff_id:
        raise _held_by(tx, ticket.assignee_id)
    return _give(tx, staff, ticket, staff.id, "taken_over")


def release(tx: Tx, staff: ActingStaff, *, ticket_id: int) -> TicketView:
    """Give a ticket back to the queue, one's own or (noted in the trail) a colleague's.

    Errors: DomainError `forbidden`, `ticket_unknown`.
    """
    require(staff, "claim")
    ticket = lock_ticket(tx, ticket_id=ticket_id)
    return ticket if ticket.assignee_id is None else _give(tx, staff, ticket, None, "released")


def assign(
    tx: Tx, staff: ActingStaff, *, ticket_id: int, to_staff_id: int, seen_assignee_id: int | None = None
) -> TicketView:
    """振り分け: to a colleague who may answer. `seen_assignee_id` is who was seen to hold it (None: nobody).

    Giving it to who holds it changes nothing. Errors: DomainError `forbidden`, `ticket_unknown`, `assignee_unfit` (the
    colleague has left or may only look), `claimed_by_other` when somebody else than the one seen holds it by now.
    """
    require(staff, "claim")
    if to_staff_id not in {colleague.id for colleague in list_assignable(tx, staff)}:
        raise DomainError("assignee_unfit")
    ticket = lock_ticket(tx, ticket_id=ticket_id)
    if ticket.assignee_id == to_staff_id:
        return ticket
    if ticket.assignee_id is not None and ticket.assignee_id != seen_assignee_id:
        raise _held_by(tx, ticket.assignee_id)
    return _give(tx, staff, ticket, to_staff_id, "assigned")


def list_assignable(tx: Tx, staff: ActingStaff) -> list[Colleague]:
    """Everybody a ticket can be given to, by name. Errors: DomainError `forbidden`."""
    require(staff, "view")
    return [row for row in tx.all(COLLEAGUES) if is_allowed(row.role, "reply")]


def _give(tx: Tx, staff: ActingStaff, ticket: TicketView, to_staff_id: int | None, change: str) -> TicketView:
    status = next_status(ticket.status, "release" if to_staff_id is None else "claim")
    changed = save_ticket(tx, ticket._replace(assignee_id=to_staff_id, status=status, touched_at=tx.now))
    _noted(tx, staff, changed, change, held_by=ticket.assignee_id, given_to=to_staff_id)
    return changed


def _noted(tx: Tx, staff: ActingStaff, ticket: TicketView, change: str, **detail: int | None) -> None:
    record_act(tx, staff, f"ticket.{change}", ticket, **{name: value for name, value in detail.items() if value})
    tx.emit(TicketChanged(ticket.id, ticket.ticket_no, change, staff.id, ticket.revision))


def _held_by(tx: Tx, holder_id: int | None) -> DomainError:
    name = tx.one(ASSIGNEE, staff_id=holder_id).name if holder_id is not None else ""
    return DomainError("claimed_by_other", staff_id=holder_id, name=name)
