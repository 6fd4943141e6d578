"""Which service listens to which fact: the one table. Listeners run in the transaction that emitted the fact."""

from core.billing.facts import InvoicePaid, InvoiceVoided
from core.contracts import renewals
from core.db import Listeners

LISTENERS: Listeners = {
    InvoicePaid: (renewals.on_invoice_paid,),
    InvoiceVoided: (renewals.on_invoice_voided,),
}
