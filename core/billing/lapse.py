"""Voiding an invoice, and the timed job that lapses those nobody can have paid in time (row P7, algorithms.md 9)."""

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Boolean, bindparam, exists, or_, select

from core.billing.facts import CreditGained, InvoiceVoided
from core.billing.invoices import (
    CLOSE,
    LOCK,
    OWNER,
    InvoiceView,
    get_invoice,
    issue_key,
    list_by_ids,
    lock_money,
    posted,
    undecided_report,
)
from core.billing.ledger import CREDIT, RECEIVABLE, Side, post, reversed_sides
from core.billing.payments import RELEASE
from core.billing.policy import (
    PROVIDER_LAPSE_MARGIN,
    Confirmation,
    InvoiceStatus,
    KeepReason,
    LapseDecision,
    decide_lapse,
    lapse_announced_on,
)
from core.billing.tables import Invoice, Payment, PaymentAttempt, PaymentReport
from core.billing.terms import BANK_TRANSFER
from core.db import Tx
from core.delivery import setaside
from core.errors import DomainError
from core.members.links import lock_chats
from core.profiles.model import Profile
from core.statements import Read

LAPSED, WITHDRAWN, OVERTAKEN = "lapsed", "withdrawn", "overtaken"
CHUNK = 200
JOB = "lapse"


class LapsingInvoice(NamedTuple):
    """An invoice whose waiting ends or has ended, for the desk: `kept_for` says what keeps it from lapsing."""

    invoice: InvoiceView
    announced_on: date
    kept_for: tuple[KeepReason, ...]


class _Due(NamedTuple):
    id: int
    member_id: int
    allocation: bool
    candidate: bool
    report: bool
    number: bool


_ALLOCATION = exists().where(Payment.invoice_id == Invoice.id, Payment.applied_yen > 0)
_CANDIDATE = exists().where(
    Payment.suspense_yen == posted(RECEIVABLE),
    Payment.suspense_yen > 0,
    or_(Payment.member_id == Invoice.member_id, Payment.member_id.is_(None)),
)
_REPORT = exists().where(PaymentReport.invoice_id == Invoice.id, undecided_report())
_NUMBER = exists().where(  # a convenience store still takes the money, or may have taken it within the hour
    PaymentAttempt.invoice_id == Invoice.id,
    PaymentAttempt.state == "pending",
    or_(PaymentAttempt.expires_at.is_(None), PaymentAttempt.expires_at > bindparam("alive_after")),
)


def _due(*conditions: Any) -> Any:
    return select(Invoice.id, Invoice.member_id, _ALLOCATION, _CANDIDATE, _REPORT, _NUMBER).where(
        Invoice.status == "open", *conditions
    )


OVERDUE = Read(
    _Due,
    _due(
        Invoice.lapse_on < bindparam("day"),
        ~_ALLOCATION,
        ~_CANDIDATE,
        ~_REPORT,
        ~_NUMBER,
        or_(Invoice.method != BANK_TRANSFER, bindparam("transfers_too", type_=Boolean)),
        setaside.not_set_aside(JOB, Invoice.id),
    )
    .order_by(Invoice.member_id, Invoice.id)
    .limit(bindparam("most")),
)
ONE_DUE = Read(_Due, _due(Invoice.id == bindparam("invoice_id")))
ENDING = Read(
    _Due,
    _due(Invoice.lapse_on <= bindparam("day")).order_by(Invoice.lapse_on, Invoice.id).limit(bindparam("most")),
)


def void_invoice(tx: Tx, *, invoice_id: int, reason: str, words: str = "") -> InvoiceView:
    """Void an open invoice; what was allocated to it is released to the member's credit. Voiding it again does nothing.

    `reason` and `words`: see `InvoiceVoided`. Nothing was returned, so no credit note is owed (algorithms.md 3).
    Errors: DomainError `invoice_not_found`, `invoice_paid`.
    """
    owner = tx.first(OWNER, invoice_id=invoice_id)
    if owner is None:
        raise DomainError("invoice_not_found")
    member_id = owner.id
    lock_money(tx, member_id=member_id)
    invoice = tx.one(LOCK, invoice_id=invoice_id)
    if invoice.status == InvoiceStatus.PAID:
        raise DomainError("invoice_paid")
    if invoice.status == InvoiceStatus.OPEN:
        _void(tx, get_invoice(tx, invoice_id=invoice_id), reason, words)
    return get_invoice(tx, invoice_id=invoice_id)


def _void(tx: Tx, invoice: InvoiceView, reason: str, words: str = "") -> None:
    allocated = invoice.total_yen - invoice.open_yen
    post(
        tx,
        kind="invoice_voided",
        source_key=f"invoice:{invoice.id}:voided",
        postings=[
            *reversed_sides(tx, source_key=issue_key(invoice.id)),
            Side(RECEIVABLE, allocated, invoice.member_id, invoice.id),
            Side(CREDIT, -allocated, invoice.member_id, invoice.id),
        ],
    )
    tx.run(RELEASE, of_invoice=invoice.id)  # a refund of it takes it from the credit, not from a sale that is no more
    tx.run(CLOSE, invoice_id=invoice.id, new_status="void", paid_day=None, now=tx.now, reason=reason)
    if allocated:
        tx.emit(CreditGained(invoice.member_id, allocated, invoice.id))
    tx.emit(InvoiceVoided(invoice.id, invoice.member_id, reason, words))


def lapse_due(tx: Tx, *, profile: Profile, limit: int = CHUNK) -> int:
    """The timed job: void open invoices for which waiting is over and nothing hints at money; how many it voided.

    Transfers only where staff confirm them by hand; with statements an import decides. It may be repeated and run by
    several processes; call it again while it returns `limit`.
    """
    by_hand = Confirmation(profile.payment.confirmation) is Confirmation.STAFF
    overdue = tx.all(
        OVERDUE, day=tx.today, most=limit, real=tx.real, alive_after=_alive_after(tx), transfers_too=by_hand
    )
    voided = 0
    for due in overdue:
        with setaside.one(JOB, due.id, due.member_id):
            voided += _lapse(tx, due)
    setaside.done(tx, JOB, [due.id for due in overdue])
    return voided


def _lapse(tx: Tx, due: _Due) -> int:
    lock_chats(tx, member_id=due.member_id)  # the member is told
    lock_money(tx, member_id=due.member_id)
    now = tx.first(ONE_DUE, invoice_id=due.id, alive_after=_alive_after(tx))
    if now is None or not _decision(now).void:
        return 0
    void_invoice(tx, invoice_id=due.id, reason=LAPSED)
    return 1


def list_lapsing(tx: Tx, *, limit: int = CHUNK) -> list[LapsingInvoice]:
    """For the desk: invoices that lapse tomorrow or today unless money is found, and those kept past that day."""
    ending = tx.all(ENDING, day=tx.today + timedelta(days=1), most=limit, alive_after=_alive_after(tx))
    rows = {due.id: due for due in ending}
    return [
        LapsingInvoice(view, lapse_announced_on(view.lapse_on), _decision(rows[view.id]).kept_for)
        for view in list_by_ids(tx, invoice_ids=list(rows))
    ]


def _decision(due: _Due) -> LapseDecision:
    return decide_lapse(
        has_allocation=bool(due.allocation),
        candidate_same_amount=bool(due.candidate),
        open_report=bool(due.report),
        number_alive=bool(due.number),
    )


def _alive_after(tx: Tx) -> datetime:
    """A number that ended before this is dead: the store may report an hour late (algorithms.md 9)."""
    return tx.now - PROVIDER_LAPSE_MARGIN
