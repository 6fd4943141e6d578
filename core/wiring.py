"""Which service listens to which fact: the one table. Listeners run in the transaction that emitted the fact."""

from core.billing.facts import PaymentReportAsked, PaymentReportConfirmed, PaymentReported, PaymentReportRejected
from core.db import Listeners
from core.members.facts import ChatUnlinked
from core.tickets import listeners as tickets

LISTENERS: Listeners = {
    ChatUnlinked: [tickets.on_chat_unlinked],
    PaymentReported: [tickets.on_payment_reported],
    PaymentReportAsked: [tickets.on_report_asked],
    PaymentReportConfirmed: [tickets.on_report_confirmed],
    PaymentReportRejected: [tickets.on_report_rejected],
}
