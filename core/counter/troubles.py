"""What needs a person's eye: messages that did not arrive, deliveries given up, invoices about to lapse, money unplaced,
the staff's messenger away."""

from dataclasses import dataclass
from typing import NamedTuple

from core.billing.invoices import InvoiceView, list_by_ids
from core.billing.lapse import LapsingInvoice, list_lapsing
from core.billing.payments import PaymentView, list_suspense
from core.db import Tx
from core.delivery.inbox import DeadLetter, list_dead, revive
from core.delivery.outbox import DeliveryView, find_delivery, list_troubled, send_again
from core.delivery.quotas import QuotaView
from core.delivery.quotas import find as find_quota
from core.delivery.setaside import SetAsideView, list_set_aside, try_again
from core.delivery.stalled import StalledView, list_stalled
from core.errors import DomainError
from core.members.audit import record
from core.members.roles import ActingStaff, require
from core.members.service import MemberView, list_members, shown_member
from core.teamchat.health import Outage, find_outage
from core.teamchat.threads import LANE
from core.tickets.threads import TicketView, get_ticket
from core.tickets.ticks import DueTicket, list_overdue

SHOWN = 50


class Undelivered(NamedTuple):
    """A message that did not arrive, with whom it was for and the ticket it belongs to."""

    delivery: DeliveryView
    member: MemberView | None
    ticket: TicketView | None


class Unplaced(NamedTuple):
    """Money in suspense (仮受金), with the invoice it was meant for."""

    payment: PaymentView
    invoice: InvoiceView | None
    member: MemberView | None


class Lapsing(NamedTuple):
    """An invoice about to lapse, with whose it is."""

    lapsing: LapsingInvoice
    member: MemberView


class Waiting(NamedTuple):
    """What a timed job could not do, with whose it is."""

    row: SetAsideView
    member: MemberView | None


class Overdue(NamedTuple):
    """A ticket of which staff have been warned, with whose it is."""

    ticket: DueTicket
    member: MemberView | None


@dataclass(frozen=True, slots=True)
class Troubles:
    """Everything at once, for the box beside the inbox."""

    undelivered: tuple[Undelivered, ...]
    dead_letters: tuple[DeadLetter, ...]
    lapsing: tuple[Lapsing, ...]
    suspense: tuple[Unplaced, ...]
    set_aside: tuple[Waiting, ...]
    short_quotas: tuple[QuotaView, ...]
    overdue: tuple[Overdue, ...] = ()
    stalled: tuple[StalledView, ...] = ()
    team_chat: Outage | None = None  # the staff's messenger cannot be written to: everything is here only

    @property
    def count(self) -> int:
        """How many things are waiting."""
        return (self.team_chat is not None) + sum(
            map(
                len,
                (
                    self.undelivered,
                    self.dead_letters,
                    self.lapsing,
                    self.suspense,
                    self.set_aside,
                    self.short_quotas,
                    self.overdue,
                    self.stalled,
                ),
            )
        )


def list_troubles(tx: Tx, staff: ActingStaff) -> Troubles:
    """For staff with the right `view`; members as their role may see them. Errors: DomainError `forbidden`."""
    require(staff, "view")
    deliveries = list_troubled(tx)[:SHOWN]
    lapsing = list_lapsing(tx, limit=SHOWN)
    money = list_suspense(tx, limit=SHOWN)
    aside = list_set_aside(tx, limit=SHOWN)
    overdue = list_overdue(tx, limit=SHOWN)
    ids = {row.member_id for rows in (deliveries, money, aside, overdue) for row in rows}
    ids |= {item.invoice.member_id for item in lapsing}
    members = {
        member.id: shown_member(staff, member)
        for member in list_members(tx, member_ids=sorted(i for i in ids if i is not None))
    }
    invoices = {
        invoice.id: invoice for invoice in list_by_ids(tx, invoice_ids=[p.invoice_id for p in money if p.invoice_id])
    }
    return Troubles(
        undelivered=tuple(
            Undelivered(
                delivery,
                members.get(delivery.member_id or 0),
                get_ticket(tx, ticket_id=delivery.ticket_id) if delivery.ticket_id else None,
            )
            for delivery in deliveries
        ),
        dead_letters=tuple(list_dead(tx)[:SHOWN]),
        lapsing=tuple(Lapsing(item, members[item.invoice.member_id]) for item in lapsing),
        suspense=tuple(
            Unplaced(payment, invoices.get(payment.invoice_id or 0), members.get(payment.member_id or 0))
            for payment in money
        ),
        set_aside=tuple(Waiting(row, members.get(row.member_id or 0)) for row in aside),
        short_quotas=tuple(
            quota for quota in (find_quota(tx, channel="line"),) if quota is not None and quota.is_short
        ),
        overdue=tuple(Overdue(row, members.get(row.member_id or 0)) for row in overdue),
        stalled=tuple(lane for lane in list_stalled(tx) if lane.channel != LANE),  # that one is said beside, with why
        team_chat=find_outage(tx),
    )


def send_delivery_again(tx: Tx, staff: ActingStaff, *, outbox_id: int) -> bool:
    """再送: a dead or unknown message is owed again, to the same address. Repeating it changes nothing (False).

    Errors: DomainError `forbidden`, `delivery_not_found`.
    """
    require(staff, "retry_failed")
    delivery = find_delivery(tx, outbox_id=outbox_id)
    if delivery is None:
        raise DomainError("delivery_not_found")
    again = send_again(tx, outbox_id=outbox_id, channel=delivery.channel)
    if again:
        record(
            tx,
            actor_kind="staff",
            actor_id=staff.id,
            action="delivery.sent_again",
            subject=f"delivery:{outbox_id}",
            member_id=delivery.member_id,
        )
        tx.wake("desk")
    return again


def revive_delivery(tx: Tx, staff: ActingStaff, *, inbox_id: int) -> bool:
    """もう一度処理: a delivery that was given up gets its turn again. Repeating it changes nothing (False).

    Errors: DomainError `forbidden`.
    """
    require(staff, "retry_failed")
    again = revive(tx, inbox_id=inbox_id)
    if again:
        record(tx, actor_kind="staff", actor_id=staff.id, action="inbox.revived", subject=f"inbox:{inbox_id}")
        tx.wake("desk")
    return again


def try_job_again(tx: Tx, staff: ActingStaff, *, job: str, subject_id: int) -> bool:
    """もう一度処理: what a timed job set aside is due at its next tick. Repeating it changes nothing; False when it is settled.

    Errors: DomainError `forbidden`.
    """
    require(staff, "retry_failed")
    again = try_again(tx, job=job, subject_id=subject_id)
    if again:
        record(tx, actor_kind="staff", actor_id=staff.id, action="job.tried_again", subject=f"{job}:{subject_id}")
        tx.wake("desk")
    return again
