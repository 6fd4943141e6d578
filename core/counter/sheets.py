"""The payment report beside its invoice: what staff look at before they confirm, and what confirming would do."""

from dataclasses import dataclass
from datetime import date

from core.billing.invoices import InvoiceView, get_invoice, list_invoices
from core.billing.ledger import open_yen_of
from core.billing.payments import PaymentView, check_value_date, list_payments, record_bank_payment
from core.billing.policy import Allocation, InvoiceStatus, decide_payment
from core.billing.reports import (
    ReportView,
    ask_back,
    confirm_report,
    get_report,
    list_reports_of_invoice,
    list_reports_of_ticket,
    reject_report,
)
from core.contracts.renewals import RenewalView, list_renewals
from core.db import Tx
from core.errors import DomainError
from core.members.links import lock_chats
from core.members.roles import ActingStaff, is_allowed, mask_name, mask_text, require
from core.money import checked_yen
from core.profiles.model import Profile
from core.tickets.threads import TicketView


@dataclass(frozen=True, slots=True)
class ReportSheet:
    """A report with everything it is compared with."""

    report: ReportView
    invoice: InvoiceView | None
    renewals: tuple[RenewalView, ...]  # what paying the invoice extends
    payments: tuple[PaymentView, ...]  # what came for the invoice already
    others: tuple[InvoiceView, ...]  # the member's other invoices that are open
    twins: tuple[ReportView, ...]  # other reports of the same invoice

    @property
    def same_amount(self) -> bool:
        """Whether the reported amount is just what is open on the invoice."""
        return self.invoice is not None and self.report.amount_yen == self.invoice.open_yen

    @property
    def short_yen(self) -> int:
        """How much less was reported than is open; negative: more."""
        return self.invoice.open_yen - self.report.amount_yen if self.invoice is not None else 0


@dataclass(frozen=True, slots=True)
class PaymentPreview:
    """What a payment of this amount would do, decided by the same policy as the payment itself."""

    invoice: InvoiceView
    amount_yen: int
    value_on: date
    allocation: Allocation
    renewals: tuple[RenewalView, ...]

    @property
    def settles(self) -> bool:
        """Whether the invoice is paid by it, so that its contracts are extended."""
        return self.invoice.status == "open" and self.allocation.still_due_yen == 0


def open_sheet(tx: Tx, staff: ActingStaff, *, report_id: int) -> ReportSheet:
    """The report for staff; payer and note are masked for who may not see them. Errors: `forbidden`, `report_not_found`."""
    require(staff, "view")
    report = get_report(tx, report_id=report_id)
    invoice = get_invoice(tx, invoice_id=report.invoice_id) if report.invoice_id is not None else None
    unpaid = list_invoices(tx, member_id=report.member_id, statuses=("open",))
    twins = list_reports_of_invoice(tx, invoice_id=invoice.id) if invoice is not None else []
    return ReportSheet(
        report=shown_report(staff, report),
        invoice=invoice,
        renewals=tuple(list_renewals(tx, invoice_id=invoice.id)) if invoice is not None else (),
        payments=tuple(list_payments(tx, invoice_id=invoice.id)) if invoice is not None else (),
        others=tuple(other for other in unpaid if other.id != report.invoice_id),
        twins=tuple(shown_report(staff, twin) for twin in twins if twin.id != report_id),
    )


def list_sheets(tx: Tx, staff: ActingStaff, *, ticket: TicketView) -> list[ReportSheet]:
    """The sheets of the reports of a ticket, the oldest first; of most tickets none. Errors: DomainError `forbidden`."""
    require(staff, "view")
    if ticket.member_id is None:
        return []
    reports = list_reports_of_ticket(tx, member_id=ticket.member_id, ticket_id=ticket.id)
    return [open_sheet(tx, staff, report_id=report.id) for report in reports]


def shown_report(staff: ActingStaff, report: ReportView) -> ReportView:
    """The report as this role may see it."""
    if is_allowed(staff.role, "view_unmasked"):
        return report
    return report._replace(
        payer_name=mask_name(report.payer_name), note=mask_text(report.note, names=(report.payer_name,))
    )


def preview_payment(
    tx: Tx, staff: ActingStaff, *, profile: Profile, invoice_id: int, amount_yen: int, value_on: date
) -> PaymentPreview:
    """What recording this payment would do; nothing is done. Errors: as `record_bank_payment`."""
    require(staff, "confirm_payment")
    checked_yen(amount_yen, least_yen=1)
    check_value_date(tx, value_on)
    invoice = get_invoice(tx, invoice_id=invoice_id)
    allocation = decide_payment(
        open_yen=open_yen_of(tx, invoice_id=invoice_id),
        invoice_status=InvoiceStatus(invoice.status),
        paid_yen=amount_yen,
        fee_borne_up_to_yen=profile.payment.bears_fees_up_to_yen,
    )
    renewals = tuple(list_renewals(tx, invoice_id=invoice_id))
    return PaymentPreview(invoice, amount_yen, value_on, allocation, renewals)


def confirm_reported_payment(
    tx: Tx,
    staff: ActingStaff,
    *,
    profile: Profile,
    report_id: int,
    invoice_id: int | None,
    amount_yen: int,
    value_on: date,
) -> PaymentView:
    """入金を確認する: the member's chats are locked first, since they will be told. See `confirm_report` for the errors."""
    require(staff, "confirm_payment")
    report = get_report(tx, report_id=report_id)
    lock_chats(tx, member_id=report.member_id, also=report.chat_id)
    return confirm_report(
        tx,
        profile=profile,
        staff=staff,
        report_id=report_id,
        invoice_id=invoice_id,
        amount_yen=amount_yen,
        value_on=value_on,
    )


def ask_about_report(tx: Tx, staff: ActingStaff, *, report_id: int, words: str) -> ReportView:
    """確認をお願いする: the member is asked in these words, which stand in the thread too.

    Errors: DomainError `forbidden`, `report_not_found`, `report_decided`, `words_missing`.
    """
    require(staff, "ask_back")
    _lock_for_words(tx, report_id, words)
    return ask_back(tx, staff=staff, report_id=report_id, words=words)


def refuse_report(tx: Tx, staff: ActingStaff, *, report_id: int, words: str) -> ReportView:
    """却下: no such money was found; the member is told in these words. Repeating it changes nothing.

    Errors: DomainError `forbidden`, `report_not_found`, `report_decided`, `words_missing`.
    """
    require(staff, "confirm_payment")
    _lock_for_words(tx, report_id, words)
    return reject_report(tx, staff=staff, report_id=report_id, words=words)


def _lock_for_words(tx: Tx, report_id: int, words: str) -> None:
    if not words.strip():
        raise DomainError("words_missing")
    report = get_report(tx, report_id=report_id)
    lock_chats(tx, member_id=report.member_id, also=report.chat_id)


def record_payment_by_hand(
    tx: Tx,
    staff: ActingStaff,
    *,
    profile: Profile,
    invoice_id: int,
    amount_yen: int,
    value_on: date,
    payer_name: str,
    client_key: str,
) -> PaymentView:
    """A transfer that staff saw, without a report of the member. `client_key` makes a second press harmless.

    Errors: as `core.billing.payments.record_bank_payment`.
    """
    require(staff, "confirm_payment")
    lock_chats(tx, member_id=get_invoice(tx, invoice_id=invoice_id).member_id)
    return record_bank_payment(
        tx,
        profile=profile,
        staff=staff,
        invoice_id=invoice_id,
        amount_yen=amount_yen,
        value_on=value_on,
        payer_name=payer_name,
        reference=f"desk:{client_key}",
    )
