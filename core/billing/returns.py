"""Money that a provider gave back: refunds and chargebacks, booked once, undone when they do not stay (row P8)."""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import and_, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from core.billing.attempt_policy import ReturnState, decide_return
from core.billing.facts import PaymentReturned
from core.billing.invoices import InvoiceView, get_invoice, lock_money
from core.billing.ledger import (
    CREDIT,
    OF_ENTRY,
    RECEIVABLE,
    SALES,
    SUSPENSE,
    TAX_PAYABLE,
    Side,
    balance_of,
    credit_of,
    post,
    reversed_sides,
)
from core.billing.payments import PaymentView, find_by_reference, find_payment
from core.billing.tables import Payment, PaymentReturn
from core.db import Tx
from core.errors import InvariantBroken
from core.members.links import lock_chats
from core.profiles.model import Profile
from core.statements import Read, Write

REFUND, CHARGEBACK = "refund", "chargeback"
OVERTAKEN_FOR = timedelta(days=3)  # looked for so long after it was given back; the timed job runs every few minutes


class ReturnView(NamedTuple):
    """A refund or chargeback; `payment_id` is set once it is booked."""

    id: int
    provider: str
    reference: str
    payment_ref: str
    payment_id: int | None
    kind: str
    amount_yen: int
    state: str
    at: datetime


class _Yen(NamedTuple):
    yen: int


class _PaymentId(NamedTuple):
    id: int


_NAMES = ReturnView._fields
_VIEW = [getattr(PaymentReturn, name) for name in _NAMES]
ADD = Read(
    ReturnView,
    insert(PaymentReturn)
    .values({name: bindparam(name) for name in _NAMES})
    .on_conflict_do_nothing(index_elements=["provider", "reference"])
    .returning(*_VIEW),
)
LOCK_RETURN = Read(
    ReturnView,
    select(*_VIEW)
    .where(PaymentReturn.provider == bindparam("provider"), PaymentReturn.reference == bindparam("reference"))
    .with_for_update(),
)
OF_PAYMENT_REF = Read(
    ReturnView,
    select(*_VIEW)
    .where(PaymentReturn.provider == bindparam("provider"), PaymentReturn.payment_ref == bindparam("payment_ref"))
    .order_by(PaymentReturn.id)
    .with_for_update(),
)
OVERTAKEN = Read(
    _PaymentId,
    select(Payment.id)
    .join(
        PaymentReturn,
        and_(PaymentReturn.provider == Payment.provider, PaymentReturn.payment_ref == Payment.reference),
    )
    .where(
        PaymentReturn.state == "given",
        PaymentReturn.payment_id.is_(None),
        PaymentReturn.at >= bindparam("since"),
    )
    .order_by(PaymentReturn.id)
    .limit(bindparam("most")),
)
SAVE = Write(
    update(PaymentReturn)
    .where(PaymentReturn.id == bindparam("return_id"))
    .values(state=bindparam("new_state"), payment_id=bindparam("new_payment_id"))
)
BOOKED_OF = Read(
    _Yen,
    select(func.coalesce(func.sum(PaymentReturn.amount_yen), 0)).where(
        PaymentReturn.payment_id == bindparam("payment_id"), PaymentReturn.state == "given"
    ),
)
MOVE = Write(
    update(Payment)
    .where(Payment.id == bindparam("payment_id"))
    .values(
        suspense_yen=Payment.suspense_yen - bindparam("from_suspense"),
        credit_yen=Payment.credit_yen - bindparam("from_credit"),
        returned_yen=Payment.returned_yen + bindparam("back"),
    )
)


def take_return(
    tx: Tx,
    *,
    profile: Profile,
    provider: str,
    kind: Literal["refund", "chargeback"],
    seen: Literal["asked", "given", "undone"],
    reference: str,
    payment_ref: str,
    amount_yen: int,
) -> None:
    """A provider's news of a refund or dispute. One that overtakes its payment waits for it."""
    payment = find_by_reference(tx, provider=provider, reference=payment_ref)
    if payment is not None and payment.member_id is not None:
        lock_chats(tx, member_id=payment.member_id)
        lock_money(tx, member_id=payment.member_id)
    row = tx.first(LOCK_RETURN, provider=provider, reference=reference) or _add(
        tx, provider=provider, kind=kind, reference=reference, payment_ref=payment_ref, amount_yen=amount_yen
    )
    state = decide_return(ReturnState(row.state), seen)
    if row.payment_id is not None:
        if state is ReturnState.UNDONE and row.state != state:
            _undo(tx, row)
        tx.run(SAVE, return_id=row.id, new_state=state.value, new_payment_id=row.payment_id)
        return
    tx.run(SAVE, return_id=row.id, new_state=state.value, new_payment_id=None)
    if state is ReturnState.GIVEN and payment is not None:
        _book(tx, profile, row, payment)


def book_waiting(tx: Tx, *, profile: Profile, payment: PaymentView) -> None:
    """What was given back of a payment before the payment itself was heard of."""
    for row in tx.all(OF_PAYMENT_REF, provider=payment.provider, payment_ref=payment.reference):
        if row.state == ReturnState.GIVEN and row.payment_id is None:
            found = find_payment(tx, payment_id=payment.id)
            if found is not None:
                _book(tx, profile, row, found)


def book_overtaken(tx: Tx, *, profile: Profile, limit: int = 50) -> int:
    """The timed job: returns whose payment is booked although neither saw the other; how many payments were looked at.

    News of both at one moment runs in two transactions, and neither reads what the other has not committed.
    """
    found = tx.all(OVERTAKEN, since=tx.now - OVERTAKEN_FOR, most=limit)
    for each in found:
        payment = find_payment(tx, payment_id=each.id)
        if payment is not None and payment.member_id is not None:
            lock_chats(tx, member_id=payment.member_id)
            lock_money(tx, member_id=payment.member_id)
            book_waiting(tx, profile=profile, payment=payment)
    return len(found)


def list_returns(tx: Tx, *, payment: PaymentView) -> list[ReturnView]:
    """What a provider gave back of a payment, the first first."""
    return tx.all(OF_PAYMENT_REF, provider=payment.provider, payment_ref=payment.reference)


def _add(tx: Tx, *, provider: str, kind: str, reference: str, payment_ref: str, amount_yen: int) -> ReturnView:
    added = tx.first(
        ADD,
        id=tx.ids.new(),
        provider=provider,
        reference=reference,
        payment_ref=payment_ref,
        payment_id=None,
        kind=kind,
        amount_yen=amount_yen,
        state=ReturnState.WAITING.value,
        at=tx.now,
    )
    return added or tx.one(LOCK_RETURN, provider=provider, reference=reference)


def _book(tx: Tx, profile: Profile, row: ReturnView, payment: PaymentView) -> None:
    """Out of suspense first, then out of the member's credit; the rest reverses the sale, or is owed again (algorithms.md 5)."""
    if payment.member_id is None or payment.invoice_id is None:
        raise InvariantBroken("a provider's payment has an invoice")
    member_id, invoice = payment.member_id, get_invoice(tx, invoice_id=payment.invoice_id)
    from_suspense = min(payment.suspense_yen, row.amount_yen)
    held = max(credit_of(tx, member_id=member_id), 0)
    from_credit = min(payment.credit_yen, held, row.amount_yen - from_suspense)
    rest = row.amount_yen - from_suspense - from_credit
    post(
        tx,
        kind=row.kind,
        source_key=f"return:{row.id}",
        postings=[
            Side(f"cash:{row.provider}", -row.amount_yen, member_id),
            Side(SUSPENSE, from_suspense, member_id),
            Side(CREDIT, from_credit, member_id),
            *_sale_sides(tx, row.kind, rest, invoice),
        ],
    )
    tx.run(
        MOVE,
        payment_id=payment.id,
        from_suspense=from_suspense,
        from_credit=from_credit,
        back=from_suspense + from_credit,
    )
    tx.run(SAVE, return_id=row.id, new_state=ReturnState.GIVEN.value, new_payment_id=payment.id)
    after = find_payment(tx, payment_id=payment.id)
    gone = tx.one(BOOKED_OF, payment_id=payment.id).yen - (after.returned_yen if after else 0)
    everything = payment.applied_yen > 0 and gone >= payment.applied_yen
    take_back = everything and profile.payment.after_return == "take_back"
    _tell(tx, row, payment, undone=False, take_back=take_back)


def _sale_sides(tx: Tx, kind: str, yen: int, invoice: InvoiceView) -> list[Side]:
    if kind == CHARGEBACK or not yen:
        return [Side(RECEIVABLE, yen, invoice.member_id, invoice.id)]
    tax_left = -balance_of(tx, TAX_PAYABLE, invoice_id=invoice.id)
    kept = tax_left - balance_of(tx, SALES, invoice_id=invoice.id) - yen
    # The tax on what stays sold is rounded, not that of each part: refunds in parts end at 0 like one refund of all
    tax = tax_left - _tax_in(invoice, kept) if kept >= 0 else _tax_in(invoice, yen)
    return [
        Side(SALES, yen - tax, invoice.member_id, invoice.id),
        Side(TAX_PAYABLE, tax, invoice.member_id, invoice.id),
    ]


def _tax_in(invoice: InvoiceView, yen: int) -> int:
    """The invoice's own tax in proportion, whatever its rounding was: all of it for its total."""
    return invoice.tax_yen * yen // invoice.total_yen


def _undo(tx: Tx, row: ReturnView) -> None:
    if row.payment_id is None:
        raise InvariantBroken("a return that is not booked cannot be undone")
    payment = find_payment(tx, payment_id=row.payment_id)
    if payment is None:
        raise InvariantBroken("a booked return has its payment")
    key = f"return:{row.id}"
    moved = {side.account: side.amount_yen for side in tx.all(OF_ENTRY, source_key=key)}
    post(
        tx,
        kind=f"{row.kind}_undone",
        source_key=f"{key}:undone",
        postings=reversed_sides(tx, source_key=key),
    )
    from_suspense, from_credit = moved.get(SUSPENSE, 0), moved.get(CREDIT, 0)
    tx.run(
        MOVE,
        payment_id=payment.id,
        from_suspense=-from_suspense,
        from_credit=-from_credit,
        back=-(from_suspense + from_credit),
    )
    _tell(tx, row, payment, undone=True, take_back=False)


def _tell(tx: Tx, row: ReturnView, payment: PaymentView, *, undone: bool, take_back: bool) -> None:
    if payment.member_id is None or payment.invoice_id is None:
        return
    tx.emit(PaymentReturned(row.id, row.kind, payment.member_id, payment.invoice_id, row.amount_yen, undone, take_back))
