"""What whoever takes over from the bot needs to know at once, so that members never repeat themselves (dialogue-and-desk.md
2.5): how they came, what they filled in, who they are and since when that is sure, their last payment and last notices.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import bindparam, select

from core.billing.tables import Payment
from core.db import Tx
from core.delivery.outbox import DeliveryView, list_deliveries
from core.members.linking import LinkView, list_links
from core.members.roles import ActingStaff, is_allowed, require
from core.statements import Read
from core.tickets.ratings import RatingView, find_rating
from core.tickets.threads import TicketView, get_ticket

NOTICES = 3
NOTICE_KINDS = frozenset({"reminder", "notice", "money"})
LOOKED_AT = 40


class LastPayment(NamedTuple):
    """Money of the member's that came last."""

    amount_yen: int
    value_on: date
    provider: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Handover:
    """The summary. `link` None: the chat is not linked, so the person is not known; personal parts are empty for who may
    not see them.
    """

    ticket: TicketView
    link: LinkView | None
    payment: LastPayment | None
    notices: tuple[DeliveryView, ...]  # newest first
    rating: RatingView | None
    previous_no: str | None


LAST_PAYMENT = Read(
    LastPayment,
    select(Payment.amount_yen, Payment.value_on, Payment.provider, Payment.recorded_at)
    .where(Payment.member_id == bindparam("member_id"))
    .order_by(Payment.id.desc())
    .limit(1),
)


def summarise_handover(tx: Tx, staff: ActingStaff, *, ticket_id: int) -> Handover:
    """For the desk's page and for a thread's first card. Errors: DomainError `forbidden`, `ticket_unknown`."""
    require(staff, "view")
    ticket = get_ticket(tx, ticket_id=ticket_id)
    clear = is_allowed(staff.role, "view_unmasked")
    member_id = ticket.member_id if clear else None
    link = payment = None
    notices: list[DeliveryView] = []
    if member_id is not None:
        links = [row for row in list_links(tx, staff, member_id=member_id) if row.ended_at is None]
        link = next((row for row in links if row.chat_id == ticket.chat_id), None)
        payment = tx.first(LAST_PAYMENT, member_id=member_id)
        sent = list_deliveries(tx, member_id=member_id, limit=LOOKED_AT)
        notices = [row for row in sent if row.kind in NOTICE_KINDS and row.state == "sent"][:NOTICES]
    previous = get_ticket(tx, ticket_id=ticket.previous_id) if ticket.previous_id is not None else None
    return Handover(
        ticket=ticket if clear else ticket._replace(details=[]),
        link=link,
        payment=payment,
        notices=tuple(notices),
        rating=find_rating(tx, ticket_id=ticket_id) if clear else None,
        previous_no=previous.ticket_no if previous is not None else None,
    )
