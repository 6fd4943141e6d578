"""The independent look at the books: whatever does not add up, named (row P10; pains "Contracts, billing" 10)."""

from typing import Any, NamedTuple

from sqlalchemy import Select, and_, func, or_, select

from core.billing.ledger import BANK_FEE, CREDIT, RECEIVABLE, SUSPENSE, trial_balance
from core.billing.tables import Invoice, InvoiceLine, LedgerEntry, Payment, PaymentReturn, Posting
from core.db import Tx
from core.statements import Read, among


class BookError(NamedTuple):
    """Something that does not add up: which rule, and the id of the row that breaks it."""

    rule: str
    subject: int


class _Id(NamedTuple):
    id: int


def _sum_of(account: str, of: Any) -> Any:
    return (
        select(func.coalesce(func.sum(Posting.amount_yen), 0))
        .where(Posting.account == account, Posting.invoice_id == of)
        .scalar_subquery()
    )


_LINES = (
    select(func.coalesce(func.sum(InvoiceLine.amount_yen), 0))
    .where(InvoiceLine.invoice_id == Invoice.id)
    .scalar_subquery()
)
_OPEN = _sum_of(RECEIVABLE, Invoice.id)
_CHARGED_BACK = (  # owed again although it was paid: staff decide what becomes of it (row P8)
    select(func.coalesce(func.sum(Posting.amount_yen), 0))
    .join(LedgerEntry, LedgerEntry.id == Posting.entry_id)
    .where(
        Posting.account == RECEIVABLE,
        Posting.invoice_id == Invoice.id,
        among(LedgerEntry.kind, "chargeback", "chargeback_undone"),
    )
    .scalar_subquery()
)
_APPLIED = (
    select(func.coalesce(func.sum(Payment.applied_yen), 0)).where(Payment.invoice_id == Invoice.id).scalar_subquery()
)
_RULES: dict[str, Select[Any]] = {
    "the sides of an entry add up to 0": select(Posting.entry_id)
    .group_by(Posting.entry_id)
    .having(func.sum(Posting.amount_yen) != 0),
    "an open invoice lacks something, a paid or void one nothing": select(Invoice.id).where(
        or_(
            and_(Invoice.status == "open", _OPEN <= 0),
            and_(Invoice.status != "open", _OPEN != _CHARGED_BACK),
        )
    ),
    "a paid invoice was paid by money, credit or borne fees": select(Invoice.id).where(
        Invoice.status == "paid",
        Invoice.total_yen != _APPLIED + _sum_of(BANK_FEE, Invoice.id) + _sum_of(CREDIT, Invoice.id),
    ),
    "net and tax are the total": select(Invoice.id).where(Invoice.net_yen + Invoice.tax_yen != Invoice.total_yen),
    "the lines are the net, or the total where prices include tax": select(Invoice.id).where(
        or_(
            and_(Invoice.price_includes_tax, Invoice.total_yen != _LINES),
            and_(~Invoice.price_includes_tax, Invoice.net_yen != _LINES),
        )
    ),
    "every yen of a payment is on an invoice, credit, in suspense or given back": select(Payment.id).where(
        Payment.amount_yen != Payment.applied_yen + Payment.credit_yen + Payment.suspense_yen + Payment.returned_yen
    ),
    "nobody's credit is below 0": select(Posting.member_id)
    .where(Posting.account == CREDIT)
    .group_by(Posting.member_id)
    .having(func.sum(Posting.amount_yen) > 0),
}
RULES = {name: Read(_Id, statement) for name, statement in _RULES.items()}


class _Received(NamedTuple):
    provider: str
    amount_yen: int
    suspense_yen: int


RECEIVED = Read(
    _Received,
    select(Payment.provider, func.sum(Payment.amount_yen), func.sum(Payment.suspense_yen)).group_by(Payment.provider),
)


class _Returned(NamedTuple):
    provider: str
    amount_yen: int


RETURNED = Read(
    _Returned,
    select(PaymentReturn.provider, func.sum(PaymentReturn.amount_yen))
    .where(PaymentReturn.state == "given", PaymentReturn.payment_id.is_not(None))
    .group_by(PaymentReturn.provider),
)


def check_books(tx: Tx) -> list[BookError]:
    """Everything that does not add up, by rules that read the rows afresh; an empty list is what must always come back."""
    errors = [BookError(rule, row.id) for rule, statement in RULES.items() for row in tx.all(statement)]
    balances = dict(trial_balance(tx))
    received = tx.all(RECEIVED)
    returned = {row.provider: row.amount_yen for row in tx.all(RETURNED)}
    if sum(balances.values()) != 0:
        errors.append(BookError("all accounts add up to 0", 0))
    errors += [
        BookError(f"the cash of {row.provider} is the money received from it less what it gave back", 0)
        for row in received
        if balances.get(f"cash:{row.provider}", 0) != row.amount_yen - returned.get(row.provider, 0)
    ]
    if -balances.get(SUSPENSE, 0) != sum(row.suspense_yen for row in received):
        errors.append(BookError("suspense is the money nobody has placed yet", 0))
    return errors
