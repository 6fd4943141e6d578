"""How many tickets wait, for the numbers beside the inbox's filters."""

from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, case, func, select

from core.db import Tx
from core.members.roles import ActingStaff, require
from core.statements import Read, among
from core.tickets.policy import PAYMENT_REPORT
from core.tickets.tables import Ticket


class InboxCounts(NamedTuple):
    """Unsolved tickets: all of them, nobody's, one's own, payment reports, those with words nobody has
    read, those past a deadline, and those at rest (which the others do not count).
    """

    unsolved: int
    unassigned: int
    mine: int
    payment_reports: int
    unread: int
    late: int
    snoozed: int


def _count_if(condition: Any) -> Any:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


_awake = Ticket.snoozed_until.is_(None)
COUNTS = Read(
    InboxCounts,
    select(
        _count_if(_awake),
        _count_if(and_(_awake, Ticket.assignee_id.is_(None))),
        _count_if(and_(_awake, Ticket.assignee_id == bindparam("staff_id"))),
        _count_if(and_(_awake, Ticket.kind == PAYMENT_REPORT)),
        _count_if(and_(_awake, Ticket.unread > 0)),
        _count_if(and_(_awake, Ticket.due_at <= bindparam("now"))),
        _count_if(Ticket.snoozed_until.is_not(None)),
    ).where(among(Ticket.status, "new", "open", "waiting")),
)


def count_inbox(tx: Tx, staff: ActingStaff) -> InboxCounts:
    """For the person who looks. Errors: DomainError `forbidden`."""
    require(staff, "view")
    return InboxCounts(*(int(value) for value in tx.one(COUNTS, staff_id=staff.id, now=tx.now)))
