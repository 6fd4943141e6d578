"""仮受金: money that came and is on no invoice, as staff see it, and where they may place it (rows P7, P10)."""

from dataclasses import dataclass
from typing import NamedTuple

from core.billing.invoices import InvoiceView, list_by_ids, list_invoices
from core.billing.payments import PaymentView, find_payment, may_stand_on, place_suspense
from core.billing.policy import Allocation, InvoiceStatus, decide_payment
from core.contracts.renewals import RenewalView, list_renewals
from core.db import Tx
from core.errors import DomainError
from core.members.links import lock_chats
from core.members.roles import ActingStaff, require
from core.members.service import MemberView, get_member, shown_member
from core.profiles.model import Profile

SHOWN = 50


class Place(NamedTuple):
    """An open invoice the money could go to, and what would follow: decided by the policy of the payment itself."""

    invoice: InvoiceView
    allocation: Allocation
    renewals: tuple[RenewalView, ...]

    @property
    def settles(self) -> bool:
        """Whether the invoice is paid by it, so that its contracts are extended."""
        return self.allocation.still_due_yen == 0


@dataclass(frozen=True, slots=True)
class SuspenseSheet:
    """Money in suspense with the invoice it was meant for and the places it could go to, the exact amount first."""

    payment: PaymentView
    member: MemberView
    meant_for: InvoiceView | None
    places: tuple[Place, ...]


def open_suspense(tx: Tx, staff: ActingStaff, *, profile: Profile, payment_id: int) -> SuspenseSheet:
    """What staff look at before they place it. Errors: DomainError `forbidden`, `payment_not_found`."""
    require(staff, "confirm_payment")
    payment = find_payment(tx, payment_id=payment_id)
    if payment is None or payment.member_id is None:
        raise DomainError("payment_not_found")
    unpaid = list_invoices(tx, member_id=payment.member_id, statuses=("open",), limit=SHOWN)
    places = [
        Place(
            invoice,
            decide_payment(
                open_yen=invoice.open_yen,
                invoice_status=InvoiceStatus(invoice.status),
                paid_yen=payment.suspense_yen,
                fee_borne_up_to_yen=profile.payment.bears_fees_up_to_yen,
            ),
            tuple(list_renewals(tx, invoice_id=invoice.id)),
        )
        for invoice in (unpaid if payment.suspense_yen else ())
        if may_stand_on(payment, invoice.id)
    ]
    places.sort(key=lambda place: (place.invoice.open_yen != payment.suspense_yen, place.invoice.due_on))
    return SuspenseSheet(
        payment=payment,
        member=shown_member(staff, get_member(tx, member_id=payment.member_id)),
        meant_for=next(iter(list_by_ids(tx, invoice_ids=[payment.invoice_id])), None) if payment.invoice_id else None,
        places=tuple(places),
    )


def place_money(
    tx: Tx, staff: ActingStaff, *, profile: Profile, payment_id: int, invoice_id: int | None
) -> PaymentView:
    """この請求書に充てる, or (None) 預り金にする; the member is told. Pressing again changes nothing.

    Errors: as `core.billing.payments.place_suspense`.
    """
    require(staff, "confirm_payment")
    payment = find_payment(tx, payment_id=payment_id)
    if payment is None or payment.member_id is None:
        raise DomainError("payment_not_found")
    lock_chats(tx, member_id=payment.member_id)
    if payment.suspense_yen == 0:
        return payment
    return place_suspense(tx, profile=profile, staff=staff, payment_id=payment_id, invoice_id=invoice_id)
