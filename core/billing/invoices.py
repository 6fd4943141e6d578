"""Invoices (請求書): issued once with their number, paid by allocations in the ledger, or voided (rows P1, P7)."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, Select, bindparam, func, insert, or_, select, update

from core.billing.facts import CreditUsed, InvoiceIssued, InvoicePaid
from core.billing.ledger import (
    CREDIT,
    RECEIVABLE,
    SALES,
    TAX_PAYABLE,
    Side,
    credit_of,
    open_yen_of,
    post,
)
from core.billing.payers import payment_ref_from
from core.billing.policy import (
    InvoiceStatus,
    format_invoice_no,
)
from core.billing.tables import Invoice, InvoiceLine, PaymentReport, Posting
from core.billing.terms import deadline_for, totals_of
from core.db import Tx
from core.delivery.counters import take_number
from core.errors import DomainError, InvariantBroken
from core.members.tables import Member
from core.profiles.model import Profile
from core.statements import Read, Write, one_of

UNDECIDED = ("open", "asked")  # states of a payment report in which money may be on its way
NEWEST = 2**63 - 1
PAGE = 20


class NewLine(NamedTuple):
    """A line to be billed; `amount_yen` is net or gross as the profile's prices are."""

    source_key: str
    description: str
    amount_yen: int


class LineView(NamedTuple):
    """A line of an invoice (明細)."""

    source_key: str
    description: str
    amount_yen: int


class InvoiceView(NamedTuple):
    """An invoice as members and staff see it. `open_yen` is still due; `reported`: a payment report is being checked."""

    id: int
    invoice_no: str
    member_id: int
    status: str
    method: str
    payment_ref: str
    net_yen: int
    tax_yen: int
    total_yen: int
    tax_rate: int
    price_includes_tax: bool
    issued_at: datetime
    issued_on: date
    due_on: date
    lapse_on: date
    paid_on: date | None
    void_reason: str | None
    open_yen: int
    credit_used_yen: int
    reported: bool
    lines: tuple[LineView, ...]


class _Invoice(NamedTuple):
    id: int
    invoice_no: str
    member_id: int
    status: str
    method: str
    payment_ref: str
    net_yen: int
    tax_yen: int
    total_yen: int
    tax_rate: int
    price_includes_tax: bool
    issued_at: datetime
    issued_on: date
    due_on: date
    lapse_on: date
    paid_on: date | None
    void_reason: str | None
    open_yen: int
    credit_used_yen: int
    report_id: int | None


class _Line(NamedTuple):
    invoice_id: int
    source_key: str
    description: str
    amount_yen: int


class _State(NamedTuple):
    id: int
    member_id: int
    status: str


class _Id(NamedTuple):
    id: int


def posted(account: str) -> ScalarSelect[int]:
    """The sum on an account for the invoice of the surrounding statement, as a part of it."""
    return (
        select(func.coalesce(func.sum(Posting.amount_yen), 0))
        .where(Posting.invoice_id == Invoice.id, Posting.account == account)
        .correlate(Invoice)
        .scalar_subquery()
    )


def undecided_report() -> ColumnElement[bool]:
    """The condition that a payment report is neither confirmed nor rejected."""
    return or_(*(PaymentReport.state == state for state in UNDECIDED))


_REPORT = (
    select(func.min(PaymentReport.id))
    .where(PaymentReport.invoice_id == Invoice.id, undecided_report())
    .scalar_subquery()
)


def _views(*conditions: Any) -> Select[*tuple[Any, ...]]:
    return select(
        Invoice.id, Invoice.invoice_no, Invoice.member_id, Invoice.status, Invoice.method, Invoice.payment_ref,
        Invoice.net_yen, Invoice.tax_yen, Invoice.total_yen, Invoice.tax_rate, Invoice.price_includes_tax,
        Invoice.issued_at, Invoice.issued_on, Invoice.due_on, Invoice.lapse_on, Invoice.paid_on, Invoice.void_reason,
        posted(RECEIVABLE), posted(CREDIT), _REPORT,
    ).where(*conditions)  # fmt: skip


_NEWEST_FIRST = Invoice.id.desc()
BY_ID = Read(_Invoice, _views(Invoice.id == bindparam("invoice_id")))
BY_NO = Read(_Invoice, _views(Invoice.invoice_no == bindparam("invoice_no")))
BY_REF = Read(_Invoice, _views(Invoice.payment_ref == bindparam("payment_ref")))
UNPAID = Read(
    _Invoice,
    _views(Invoice.member_id == bindparam("member_id"), Invoice.status == "open").order_by(Invoice.due_on, Invoice.id),
)
OF_MEMBER = Read(
    _Invoice,
    _views(
        Invoice.member_id == bindparam("member_id"),
        one_of(Invoice.status, "statuses"),
        Invoice.id < bindparam("before_id"),
    )
    .order_by(_NEWEST_FIRST)
    .limit(bindparam("most")),
)
BY_IDS = Read(_Invoice, _views(one_of(Invoice.id, "invoice_ids")).order_by(Invoice.lapse_on, Invoice.id))
PAGE_OF_ALL = Read(
    _Invoice,
    _views(one_of(Invoice.status, "statuses"), Invoice.id < bindparam("before_id"))
    .order_by(_NEWEST_FIRST)
    .limit(bindparam("most")),
)
LINES = Read(
    _Line,
    select(InvoiceLine.invoice_id, InvoiceLine.source_key, InvoiceLine.description, InvoiceLine.amount_yen)
    .where(one_of(InvoiceLine.invoice_id, "invoice_ids"))
    .order_by(InvoiceLine.invoice_id, InvoiceLine.position),
)
LOCK_MEMBER = Read(_Id, select(Member.id).where(Member.id == bindparam("member_id")).with_for_update(key_share=True))
LOCK = Read(
    _State,
    select(Invoice.id, Invoice.member_id, Invoice.status)
    .where(Invoice.id == bindparam("invoice_id"))
    .with_for_update(key_share=True),
)
OWNER = Read(_Id, select(Invoice.member_id).where(Invoice.id == bindparam("invoice_id")))
ADD = Write(
    insert(Invoice).values(
        {
            name: bindparam(name)
            for name in (
                "id", "invoice_no", "member_id", "status", "method", "payment_ref", "net_yen", "tax_yen", "total_yen",
                "tax_rate", "tax_rounding", "price_includes_tax", "issued_at", "issued_on", "due_on", "lapse_on",
                "paid_on", "closed_at", "void_reason",
            )
        }
    )
)  # fmt: skip
ADD_LINE = Write(
    insert(InvoiceLine).values(
        {name: bindparam(name) for name in ("id", "invoice_id", "position", "source_key", "description", "amount_yen")}
    )
)
CLOSE = Write(
    update(Invoice)
    .where(Invoice.id == bindparam("invoice_id"))
    .values(
        status=bindparam("new_status"),
        paid_on=bindparam("paid_day"),
        closed_at=bindparam("now"),
        void_reason=bindparam("reason"),
    )
)


def lock_money(tx: Tx, *, member_id: int) -> None:
    """Everything about one member's money and renewals waits here: the first lock, so that no two turns meet crosswise."""
    tx.one(LOCK_MEMBER, member_id=member_id)


def issue_invoice(
    tx: Tx,
    *,
    profile: Profile,
    member_id: int,
    method: str,
    lines: Sequence[NewLine],
    grace_end_on: date | None = None,
    invoice_id: int | None = None,
) -> InvoiceView:
    """Issue an invoice: totals once, number and payment reference last, booked, and the member's credit used first.

    `grace_end_on`: the last day on which the earliest of the renewed contracts can still be saved. `invoice_id`: an id
    that the caller has stored already, so that its rows are there when credit pays the invoice at once. Credit that
    covers all of it makes it paid here and now. Raises InvariantBroken without lines, DomainError `yen_out_of_range`.
    """
    if not lines:
        raise InvariantBroken("an invoice without lines")
    lock_money(tx, member_id=member_id)
    totals = totals_of(profile, (line.amount_yen for line in lines))
    deadline = deadline_for(profile, method=method, issued_on=tx.today, grace_end_on=grace_end_on)
    invoice_id = invoice_id or tx.ids.new()
    payment_ref = payment_ref_from(take_number(tx, series="payment_ref"))
    invoice_no = format_invoice_no(tx.today.year, take_number(tx, series="invoice", year=tx.today.year))
    tx.run(
        ADD,
        id=invoice_id,
        invoice_no=invoice_no,
        member_id=member_id,
        status=InvoiceStatus.OPEN.value,
        method=method,
        payment_ref=payment_ref,
        net_yen=totals.net_yen,
        tax_yen=totals.tax_yen,
        total_yen=totals.total_yen,
        tax_rate=profile.tax_rate_percent,
        tax_rounding=profile.tax_rounding.value,
        price_includes_tax=profile.price_includes_tax,
        issued_at=tx.now,
        issued_on=tx.today,
        due_on=deadline.due_on,
        lapse_on=deadline.lapse_on,
        paid_on=None,
        closed_at=None,
        void_reason=None,
    )
    tx.many(
        ADD_LINE,
        [
            {"id": tx.ids.new(), "invoice_id": invoice_id, "position": position, **line._asdict()}
            for position, line in enumerate(lines)
        ],
    )
    post(
        tx,
        kind="invoice_issued",
        source_key=issue_key(invoice_id),
        postings=[
            Side(RECEIVABLE, totals.total_yen, member_id, invoice_id),
            Side(SALES, -totals.net_yen, member_id, invoice_id),
            Side(TAX_PAYABLE, -totals.tax_yen, member_id, invoice_id),
        ],
    )
    used_yen = _use_credit(tx, invoice_id=invoice_id, member_id=member_id, total_yen=totals.total_yen)
    tx.emit(InvoiceIssued(invoice_id, member_id))  # what is told of it is what is left to pay
    if used_yen == totals.total_yen:
        mark_paid(tx, invoice_id=invoice_id, member_id=member_id, paid_on=tx.today)
    return get_invoice(tx, invoice_id=invoice_id)


def issue_key(invoice_id: int) -> str:
    """The key of the entry that booked an invoice."""
    return f"invoice:{invoice_id}:issued"


def _use_credit(tx: Tx, *, invoice_id: int, member_id: int, total_yen: int) -> int:
    used = min(credit_of(tx, member_id=member_id), total_yen)
    if used > 0:
        post(
            tx,
            kind="credit_used",
            source_key=f"invoice:{invoice_id}:credit",
            postings=[Side(CREDIT, used, member_id, invoice_id), Side(RECEIVABLE, -used, member_id, invoice_id)],
        )
        tx.emit(CreditUsed(member_id, invoice_id, used))
    return used


def mark_paid(tx: Tx, *, invoice_id: int, member_id: int, paid_on: date) -> None:
    """Nothing is open any more: close it and tell who waits for it. Raises InvariantBroken when something is open."""
    if open_yen_of(tx, invoice_id=invoice_id) != 0:
        raise InvariantBroken("an invoice with an open amount is not paid")
    tx.run(CLOSE, invoice_id=invoice_id, new_status="paid", paid_day=paid_on, now=tx.now, reason=None)
    tx.emit(InvoicePaid(invoice_id, member_id))


def get_invoice(tx: Tx, *, invoice_id: int, member_id: int | None = None) -> InvoiceView:
    """An invoice, with `member_id` only if it is theirs. Errors: DomainError `invoice_not_found`."""
    found = tx.first(BY_ID, invoice_id=invoice_id)
    if found is None or member_id not in (None, found.member_id):
        raise DomainError("invoice_not_found")
    return _with_lines(tx, [found])[0]


def find_invoice_by_no(tx: Tx, *, invoice_no: str, member_id: int | None = None) -> InvoiceView | None:
    """By its number or its payment reference as people type them: `inv-2026-123`, full width, without INV.

    With `member_id` another member's invoice is not found.
    """
    typed = re.sub(r"[\s‐-―−ー]", "-", unicodedata.normalize("NFKC", invoice_no).strip().upper())
    if number := re.fullmatch(r"(?:INV)?-*(\d{4})-+(\d{1,9})", typed):
        found = tx.first(BY_NO, invoice_no=f"INV-{number[1]}-{int(number[2]):06d}")
    elif re.fullmatch(r"\d{8}", typed):
        found = tx.first(BY_REF, payment_ref=typed)
    else:
        found = None
    if found is None or member_id not in (None, found.member_id):
        return None
    return _with_lines(tx, [found])[0]


def list_unpaid(tx: Tx, *, member_id: int) -> list[InvoiceView]:
    """A member's open invoices (未払い請求一覧), the nearest deadline first."""
    return _with_lines(tx, tx.all(UNPAID, member_id=member_id))


def list_by_ids(tx: Tx, *, invoice_ids: Sequence[int]) -> list[InvoiceView]:
    """These invoices, the first to lapse first."""
    return _with_lines(tx, tx.all(BY_IDS, invoice_ids=invoice_ids)) if invoice_ids else []


def list_invoices(
    tx: Tx,
    *,
    member_id: int | None = None,
    statuses: Sequence[str] = ("open", "paid", "void"),
    before_id: int | None = None,
    limit: int = PAGE,
) -> list[InvoiceView]:
    """Invoices newest first, of one member or of all; the next page begins `before_id` the last one of this page."""
    before_id = NEWEST if before_id is None else before_id
    if member_id is None:
        return _with_lines(tx, tx.all(PAGE_OF_ALL, statuses=statuses, before_id=before_id, most=limit))
    return _with_lines(tx, tx.all(OF_MEMBER, member_id=member_id, statuses=statuses, before_id=before_id, most=limit))


def _with_lines(tx: Tx, found: Sequence[_Invoice]) -> list[InvoiceView]:
    lines: dict[int, list[LineView]] = {row.id: [] for row in found}
    for line in tx.all(LINES, invoice_ids=list(lines)) if lines else ():
        lines[line.invoice_id].append(LineView(line.source_key, line.description, line.amount_yen))
    return [
        InvoiceView(
            *row[:-3],
            open_yen=int(row.open_yen),
            credit_used_yen=int(row.credit_used_yen),
            reported=row.report_id is not None,
            lines=tuple(lines[row.id]),
        )
        for row in found
    ]
