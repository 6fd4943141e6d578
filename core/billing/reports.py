"""Payment reports (お支払報告): a member's word that they have paid; evidence for staff, never money (row P3)."""

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Select, bindparam, insert, select, update

from core.billing.facts import PaymentReportAsked, PaymentReportConfirmed, PaymentReported, PaymentReportRejected
from core.billing.invoices import NEWEST, UNDECIDED, get_invoice, lock_money, undecided_report
from core.billing.payments import (
    BANK,
    BY_REFERENCE,
    PAYER_LENGTH,
    RIGHT,
    PaymentView,
    check_value_date,
    record_bank_payment,
)
from core.billing.tables import Invoice, PaymentReport
from core.db import Tx
from core.dialogue.service import lock_chat_by_id
from core.errors import DomainError
from core.members.audit import record
from core.members.roles import ActingStaff, require
from core.money import MAX_YEN
from core.profiles.model import Profile
from core.statements import Read, Write, one_of

NOTE_LENGTH = 1000


class ReportView(NamedTuple):
    """A payment report beside the number of the invoice it names."""

    id: int
    member_id: int
    chat_id: int | None
    invoice_id: int | None
    invoice_no: str | None
    ticket_id: int | None
    method: str
    amount_yen: int
    paid_on: date
    payer_name: str
    note: str
    state: str  # open, asked, confirmed, rejected
    created_at: datetime
    decided_at: datetime | None
    decided_by: int | None

    @property
    def undecided(self) -> bool:
        """Whether money may still be found for it."""
        return self.state in UNDECIDED


_STORED = tuple(name for name in ReportView._fields if name != "invoice_no")


def _reports(*conditions: object) -> Select[*tuple[object, ...]]:
    columns = [
        Invoice.invoice_no if name == "invoice_no" else getattr(PaymentReport, name) for name in ReportView._fields
    ]
    return select(*columns).outerjoin(Invoice, Invoice.id == PaymentReport.invoice_id).where(*conditions)  # type: ignore[arg-type]


ADD = Write(insert(PaymentReport).values({name: bindparam(name) for name in _STORED}))
BY_ID = Read(ReportView, _reports(PaymentReport.id == bindparam("report_id")))
LOCKED = Read(
    ReportView,
    _reports(PaymentReport.id == bindparam("report_id")).with_for_update(key_share=True, of=PaymentReport),
)
UNDECIDED_OF_MEMBER = Read(
    ReportView,
    _reports(PaymentReport.member_id == bindparam("member_id"), undecided_report()).order_by(PaymentReport.id),
)
OF_INVOICE = Read(ReportView, _reports(PaymentReport.invoice_id == bindparam("invoice_id")).order_by(PaymentReport.id))
OF_TICKET = Read(
    ReportView,
    _reports(
        PaymentReport.member_id == bindparam("member_id"), PaymentReport.ticket_id == bindparam("its_ticket")
    ).order_by(PaymentReport.id),
)
OLDEST_FIRST = Read(ReportView, _reports(undecided_report()).order_by(PaymentReport.id).limit(bindparam("most")))
PAGE = Read(
    ReportView,
    _reports(one_of(PaymentReport.state, "states"), PaymentReport.id < bindparam("before_id"))
    .order_by(PaymentReport.id.desc())
    .limit(bindparam("most")),
)
DECIDE = Write(
    update(PaymentReport)
    .where(PaymentReport.id == bindparam("report_id"))
    .values(state=bindparam("new_state"), decided_at=bindparam("now"), decided_by=bindparam("staff_id"))
)
NAME_INVOICE = Write(
    update(PaymentReport).where(PaymentReport.id == bindparam("report_id")).values(invoice_id=bindparam("target_id"))
)
SET_TICKET = Write(
    update(PaymentReport).where(PaymentReport.id == bindparam("report_id")).values(ticket_id=bindparam("its_ticket"))
)


def file_report(
    tx: Tx,
    *,
    member_id: int,
    chat_id: int | None,
    invoice_id: int | None,
    amount_yen: int,
    paid_on: date,
    payer_name: str,
    method: str,
    note: str = "",
) -> ReportView:
    """Keep a member's report; the same again (invoice, amount, date) while the first is undecided gives the first.

    A report for a voided invoice is taken: the money may be on its way. It never tells whether a deposit exists.
    Errors: DomainError `amount_not_positive`, `amount_too_large` (most_yen), `date_in_future`, `date_too_old`,
    `payer_name_missing`, `payer_name_too_long`, `note_too_long` (most), `invoice_not_found`, `invoice_paid` (invoice_no).
    """
    payer_name, note = payer_name.strip(), note.strip()
    _check_words(payer_name, note)
    _check_amount(amount_yen)
    check_value_date(tx, paid_on)
    lock_money(tx, member_id=member_id)
    if invoice_id is not None:
        invoice = get_invoice(tx, invoice_id=invoice_id, member_id=member_id)
        if invoice.status == "paid":
            raise DomainError("invoice_paid", invoice_no=invoice.invoice_no, paid_on=invoice.paid_on)
    for earlier in tx.all(UNDECIDED_OF_MEMBER, member_id=member_id):
        if (earlier.invoice_id, earlier.amount_yen, earlier.paid_on) == (invoice_id, amount_yen, paid_on):
            return earlier
    report_id = tx.ids.new()
    tx.run(
        ADD,
        id=report_id,
        member_id=member_id,
        chat_id=chat_id,
        invoice_id=invoice_id,
        ticket_id=None,
        method=method,
        amount_yen=amount_yen,
        paid_on=paid_on,
        payer_name=payer_name,
        note=note,
        state="open",
        created_at=tx.now,
        decided_at=None,
        decided_by=None,
    )
    tx.emit(PaymentReported(report_id, member_id))
    return get_report(tx, report_id=report_id)


def _check_amount(amount_yen: int) -> None:
    if amount_yen <= 0:
        raise DomainError("amount_not_positive", amount_yen=amount_yen)
    if amount_yen > MAX_YEN:
        raise DomainError("amount_too_large", most_yen=MAX_YEN)


def _check_words(payer_name: str, note: str) -> None:
    if not payer_name:
        raise DomainError("payer_name_missing")
    if len(payer_name) > PAYER_LENGTH:
        raise DomainError("payer_name_too_long", most=PAYER_LENGTH)
    if len(note) > NOTE_LENGTH:
        raise DomainError("note_too_long", most=NOTE_LENGTH)


def get_report(tx: Tx, *, report_id: int, member_id: int | None = None) -> ReportView:
    """A report, with `member_id` only if it is theirs. Errors: DomainError `report_not_found`."""
    found = tx.first(BY_ID, report_id=report_id)
    if found is None or member_id not in (None, found.member_id):
        raise DomainError("report_not_found")
    return found


def attach_ticket(tx: Tx, *, report_id: int, ticket_id: int) -> None:
    """The ticket in which staff and the member talk about the report."""
    tx.run(SET_TICKET, report_id=report_id, its_ticket=ticket_id)


def list_waiting(tx: Tx, *, limit: int = 100) -> list[ReportView]:
    """For the desk: undecided reports, the longest waiting first."""
    return tx.all(OLDEST_FIRST, most=limit)


def list_reports(
    tx: Tx,
    *,
    states: tuple[str, ...] = ("open", "asked", "confirmed", "rejected"),
    before_id: int | None = None,
    limit: int = 50,
) -> list[ReportView]:
    """For the desk: reports newest first; the next page begins `before_id` the last one of this page."""
    return tx.all(PAGE, states=states, before_id=NEWEST if before_id is None else before_id, most=limit)


def list_undecided(tx: Tx, *, member_id: int) -> list[ReportView]:
    """A member's reports that staff have not decided yet, the oldest first."""
    return tx.all(UNDECIDED_OF_MEMBER, member_id=member_id)


def list_reports_of_invoice(tx: Tx, *, invoice_id: int) -> list[ReportView]:
    """All reports that name an invoice, the oldest first."""
    return tx.all(OF_INVOICE, invoice_id=invoice_id)


def list_reports_of_ticket(tx: Tx, *, member_id: int, ticket_id: int) -> list[ReportView]:
    """The member's reports that are talked about in a ticket, the oldest first."""
    return tx.all(OF_TICKET, member_id=member_id, its_ticket=ticket_id)


def confirm_report(
    tx: Tx,
    *,
    profile: Profile,
    staff: ActingStaff,
    report_id: int,
    amount_yen: int,
    value_on: date,
    invoice_id: int | None = None,
) -> PaymentView:
    """Staff found the money: record what the bank shows (amount, 勘定日), which may differ from what was reported.

    `invoice_id` names the invoice when the report does not, or another one than it does. Confirming again gives the
    first payment. Errors: DomainError `forbidden`, `report_not_found`, `report_rejected`, `invoice_needed`, and those
    of `record_bank_payment`.
    """
    require(staff, RIGHT)
    report = _lock(tx, report_id)
    reference = f"report:{report_id}"
    if report.state == "confirmed":
        return tx.one(BY_REFERENCE, provider=BANK, reference=reference)
    if report.state == "rejected":
        raise DomainError("report_rejected")
    target_id = invoice_id or report.invoice_id
    if target_id is None:
        raise DomainError("invoice_needed")
    get_invoice(tx, invoice_id=target_id, member_id=report.member_id)
    tx.run(DECIDE, report_id=report_id, new_state="confirmed", now=tx.now, staff_id=staff.id)
    tx.run(NAME_INVOICE, report_id=report_id, target_id=target_id)
    payment = record_bank_payment(
        tx,
        profile=profile,
        staff=staff,
        invoice_id=target_id,
        amount_yen=amount_yen,
        value_on=value_on,
        payer_name=report.payer_name,
        reference=reference,
    )
    tx.emit(PaymentReportConfirmed(report_id, report.member_id, payment.id))
    return payment


def ask_back(tx: Tx, *, staff: ActingStaff, report_id: int, words: str) -> ReportView:
    """Staff ask the member about a report, which keeps the invoice from lapsing. Errors: `forbidden`, `report_decided`."""
    require(staff, "ask_back")
    report = _undecided(tx, report_id)
    tx.run(DECIDE, report_id=report_id, new_state="asked", now=None, staff_id=None)
    _record(tx, staff, "report.asked_back", report)
    tx.emit(PaymentReportAsked(report_id, report.member_id, words))
    return get_report(tx, report_id=report_id)


def reject_report(tx: Tx, *, staff: ActingStaff, report_id: int, words: str) -> ReportView:
    """Staff found no such money; rejecting again changes nothing. Errors: `forbidden`, `report_decided`."""
    require(staff, RIGHT)
    if get_report(tx, report_id=report_id).state != "rejected":
        report = _undecided(tx, report_id)
        tx.run(DECIDE, report_id=report_id, new_state="rejected", now=tx.now, staff_id=staff.id)
        _record(tx, staff, "report.rejected", report)
        tx.emit(PaymentReportRejected(report_id, report.member_id, words))
    return get_report(tx, report_id=report_id)


def _lock(tx: Tx, report_id: int) -> ReportView:
    """The chat first, as in the member's own turns: its ticket is settled at the end of this one."""
    report = get_report(tx, report_id=report_id)
    if report.chat_id is not None:
        lock_chat_by_id(tx, chat_id=report.chat_id)
    lock_money(tx, member_id=report.member_id)
    return tx.one(LOCKED, report_id=report_id)


def _undecided(tx: Tx, report_id: int) -> ReportView:
    report = _lock(tx, report_id)
    if not report.undecided:
        raise DomainError("report_decided", state=report.state)
    return report


def _record(tx: Tx, staff: ActingStaff, action: str, report: ReportView) -> None:
    record(
        tx,
        actor_kind="staff",
        actor_id=staff.id,
        action=action,
        subject=f"report:{report.id}",
        member_id=report.member_id,
    )
