"""Which service listens to which fact: the one table. Listeners run in the transaction that emitted the fact."""

from collections.abc import Callable
from typing import Any

from core.billing import attempts
from core.billing.facts import (
    InvoicePaid,
    InvoiceVoided,
    PaymentInDoubt,
    PaymentReportAsked,
    PaymentReportConfirmed,
    PaymentReported,
    PaymentReportRejected,
    PaymentReturned,
)
from core.bookings.facts import ReservationRequestDecided, ReservationRequested
from core.contracts import renewals
from core.db import Listeners, Tx
from core.members.facts import ChatUnlinked
from core.profiles.model import Profile
from core.tickets import clocks
from core.tickets import listeners as tickets

LISTENERS: Listeners = {
    ChatUnlinked: (tickets.on_chat_unlinked,),
    InvoicePaid: (renewals.on_invoice_paid, attempts.on_invoice_closed),
    InvoiceVoided: (renewals.on_invoice_voided, attempts.on_invoice_closed, tickets.on_invoice_voided),
    PaymentInDoubt: (tickets.on_payment_in_doubt,),
    PaymentReturned: (renewals.on_payment_returned, tickets.on_payment_returned),
    PaymentReported: (tickets.on_payment_reported,),
    PaymentReportAsked: (tickets.on_report_asked,),
    PaymentReportConfirmed: (tickets.on_report_confirmed,),
    PaymentReportRejected: (tickets.on_report_rejected,),
    ReservationRequestDecided: (tickets.on_reservation_request_decided,),
    ReservationRequested: (tickets.on_reservation_requested,),
}


def listeners(profile: Profile) -> dict[type, list[Callable[[Tx, Any], None]]]:
    """The table above, and what listens under the operator's rules: the clocks of tickets."""
    merged: dict[type, list[Callable[[Tx, Any], None]]] = {fact: list(called) for fact, called in LISTENERS.items()}
    for fact, listener in clocks.listeners(profile).items():
        merged.setdefault(fact, []).append(listener)
    return merged
