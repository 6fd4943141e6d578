"""How many tickets wait, for the numbers beside the inbox's filters."""

from typing import NamedTuple

from sqlalchemy import bindparam, case, func, select

from core.db import Tx
from core.members.roles import ActingStaff, require
from core.statements import Read, among
from core.tickets.policy import PAYMENT_REPORT
from core.tickets.tables import Ticket


class InboxCounts(NamedTuple):
    """Unsolved tickets: all of them, nobody's, one's own, payment reports, and those with words nobody has read."""

    unsolved: int
    unassigned: int
    mine: int
    payment_reports: int
    unread: int


def _count_if(condition: object) -> object:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)  # type: ignore[arg-type]  # any column condition


COUNTS = Read(
    InboxCounts,
    select(
        func.count(Ticket.id),
        _count_if(Ticket.assignee_id.is_(None)),  # type: ignore[call-overload]
        _count_if(Ticket.assignee_id == bindparam("staff_id")),
        _count_if(Ticket.kind == PAYMENT_REPORT),
        _count_if(Ticket.unread > 0),
    ).where(among(Ticket.status, "new", "open", "waiting")),
)


def count_inbox(tx: Tx, staff: ActingStaff) -> InboxCounts:
    """For the person who looks. Errors: DomainError `forbidden`."""
    require(staff, "view")
    return InboxCounts(*(int(value) for value in tx.one(COUNTS, staff_id=staff.id)))
