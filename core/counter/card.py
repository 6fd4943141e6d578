"""The member card beside a conversation (会員カード), and the conversation itself as staff read it."""

from dataclasses import dataclass

from core.billing.invoices import InvoiceView, list_unpaid
from core.billing.ledger import credit_of
from core.bookings.service import ReservationView, list_live
from core.contracts.service import ContractView, list_contracts
from core.counter.reservations import shown_reservation
from core.db import Tx
from core.dialogue.service import MessageView, list_latest
from core.errors import DomainError
from core.members.linking import LinkView, list_links
from core.members.roles import ActingStaff, is_allowed, mask_text, require
from core.members.service import MemberView, find_member, get_member, open_member_card
from core.profiles.model import Profile
from core.tickets.threads import TicketView, list_member_tickets

CARD_TICKETS = 10
CARD_RESERVATIONS = 6
LATEST_BUBBLES = 80


@dataclass(frozen=True, slots=True)
class MemberCard:
    """A member with what staff need at once; the member is masked for who may not see personal data."""

    member: MemberView
    contracts: tuple[ContractView, ...]  # by urgency
    reservations: tuple[ReservationView, ...]  # still to come, the nearest first
    unpaid: tuple[InvoiceView, ...]
    credit_yen: int  # 預り金: held for the member
    links: tuple[LinkView, ...]
    tickets: tuple[TicketView, ...]  # newest first


def open_card(
    tx: Tx,
    staff: ActingStaff,
    *,
    profile: Profile,
    member_no: str | None = None,
    member_id: int | None = None,
    max_tickets: int = CARD_TICKETS,
) -> MemberCard:
    """Open a member's card; that it was opened is in the audit trail (row Q6).

    Errors: DomainError `forbidden`, `member_not_found`.
    """
    require(staff, "view")
    if member_id is None:
        found = find_member(tx, member_no=member_no or "")
        if found is None:
            raise DomainError("member_not_found")
        member_id = found.id
    real_name = get_member(tx, member_id=member_id).name
    tickets = list_member_tickets(tx, member_id=member_id, limit=max_tickets)
    if not is_allowed(staff.role, "view_unmasked"):
        tickets = [ticket._replace(subject=mask_text(ticket.subject, names=(real_name,))) for ticket in tickets]
    return MemberCard(
        member=open_member_card(tx, staff, member_id=member_id),
        contracts=tuple(list_contracts(tx, profile=profile, member_id=member_id)),
        reservations=tuple(
            shown_reservation(staff, each) for each in list_live(tx, member_id=member_id, limit=CARD_RESERVATIONS)
        ),
        unpaid=tuple(list_unpaid(tx, member_id=member_id)),
        credit_yen=credit_of(tx, member_id=member_id),
        links=tuple(list_links(tx, staff, member_id=member_id)),
        tickets=tuple(tickets),
    )


def read_conversation(tx: Tx, staff: ActingStaff, *, ticket: TicketView) -> list[MessageView]:
    """What the member and the bot said to each other lately in the ticket's chat, oldest first.

    The bot's screens are full of personal facts: who may not see these gets nothing. Errors: DomainError `forbidden`.
    """
    require(staff, "view")
    if ticket.chat_id is None or not is_allowed(staff.role, "view_unmasked"):
        return []
    return list_latest(tx, chat_id=ticket.chat_id, limit=LATEST_BUBBLES)
