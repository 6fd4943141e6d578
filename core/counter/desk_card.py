"""The card at the head of a ticket's thread in the staff's messenger: who asks, with what contracts, what is owed (row Q2)."""

from dataclasses import dataclass
from datetime import datetime

from core.billing.invoices import list_unpaid
from core.billing.reports import ReportView, list_reports_of_ticket
from core.contracts.service import ContractView, list_contracts
from core.counter.reservations import RequestSheet, list_open_requests
from core.db import Tx
from core.dialogue.service import get_chat
from core.members.service import MemberView, get_member
from core.profiles.model import Profile
from core.teamchat.threads import find_thread
from core.tickets.threads import ASSIGNEE, TicketView, get_ticket, list_member_tickets

CONTRACTS = 3
PAST = 20


@dataclass(frozen=True, slots=True)
class DeskCard:
    """A ticket with what staff need at once."""

    ticket: TicketView
    member: MemberView | None  # None: the chat is not linked, nobody has proved who they are
    who: str
    channel: str  # where it is talked about: webchat, line, telegram, or nothing
    language: str
    contracts: tuple[ContractView, ...]
    more_contracts: int
    unpaid_yen: int
    unpaid: int
    past_tickets: int
    assignee_name: str
    claimed_at: datetime | None
    reports: tuple[ReportView, ...]  # payment reports to decide here
    requests: tuple[RequestSheet, ...] = ()  # change and cancel requests to decide here


def read_desk_card(tx: Tx, *, profile: Profile, ticket_id: int) -> DeskCard:
    """For the channel as a whole: which of its people may do what is asked when they press. Errors: `ticket_unknown`."""
    ticket = get_ticket(tx, ticket_id=ticket_id)
    chat = get_chat(tx, chat_id=ticket.chat_id) if ticket.chat_id is not None else None
    member = get_member(tx, member_id=ticket.member_id) if ticket.member_id is not None else None
    contracts = list_contracts(tx, profile=profile, member_id=member.id) if member is not None else []
    unpaid = list_unpaid(tx, member_id=member.id) if member is not None else []
    past = list_member_tickets(tx, member_id=member.id, limit=PAST + 1) if member is not None else []
    reports = list_reports_of_ticket(tx, member_id=member.id, ticket_id=ticket.id) if member is not None else []
    thread = find_thread(tx, ticket_id=ticket_id)
    assignee = tx.first(ASSIGNEE, staff_id=ticket.assignee_id) if ticket.assignee_id is not None else None
    return DeskCard(
        ticket=ticket,
        member=member,
        who=member.name if member is not None else chat.display_name if chat is not None else "",
        channel=chat.channel if chat is not None else "",
        language=(chat.language or chat.hint) if chat is not None else member.language if member is not None else "ja",
        contracts=tuple(contracts[:CONTRACTS]),
        more_contracts=max(0, len(contracts) - CONTRACTS),
        unpaid_yen=sum(invoice.open_yen for invoice in unpaid),
        unpaid=len(unpaid),
        past_tickets=sum(other.id != ticket.id for other in past),
        assignee_name=assignee.name if assignee is not None else "",
        claimed_at=thread.claimed_at if thread is not None else None,
        reports=tuple(report for report in reports if report.undecided),
        requests=tuple(list_open_requests(tx, ticket_id=ticket.id)),
    )
