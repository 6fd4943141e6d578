"""Money that came (入金): applied to its invoice, to the member's credit, or kept in suspense (rows P3, P4, P7, P10)."""

from datetime import date, datetime
from typing import Final, NamedTuple

from sqlalchemy import bindparam, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert

from core.billing.facts import CreditGained, InvoicePartlyPaid, MoneyInSuspense
from core.billing.invoices import LOCK, InvoiceView, get_invoice, lock_money, mark_paid
from core.billing.ledger import BANK_FEE, CREDIT, RECEIVABLE, SUSPENSE, Side, is_booked, open_yen_of, post
from core.billing.policy import Allocation, InvoiceStatus, decide_payment
from core.billing.tables import Payment
from core.db import Tx
from core.errors import DomainError, InvariantBroken
from core.members.audit import record
from core.members.roles import ActingStaff, require
from core.money import checked_yen
from core.profiles.model import Profile
from core.statements import Read, Write

BANK = "bank"
RIGHT: Final = "confirm_payment"
REFERENCE_LENGTH = 80
PAYER_LENGTH = 100
OLDEST_DAYS = 365  # an older value date is a slip of the pen: staff and members are asked again


class PaymentView(NamedTuple):
    """Money that came: `amount_yen` = applied + credit + suspense + returned (out of these two); a borne fee is not in it."""

    id: int
    provider: str
    reference: str
    member_id: int | None
    invoice_id: int | None
    amount_yen: int
    applied_yen: int
    credit_yen: int
    suspense_yen: int
    payer_name: str
    value_on: date
    recorded_at: datetime
    recorded_by: int | None
    returned_yen: int = 0


class _Id(NamedTuple):
    id: int


_VIEW = [getattr(Payment, name) for name in PaymentView._fields]
ADD = Read(
    _Id,
    insert(Payment)
    .values({name: bindparam(name) for name in PaymentView._fields})
    .on_conflict_do_nothing(index_elements=["provider", "reference"])
    .returning(Payment.id),
)
BY_REFERENCE = Read(
    PaymentView,
    select(*_VIEW).where(Payment.provider == bindparam("provider"), Payment.reference == bindparam("reference")),
)
BY_ID = Read(PaymentView, select(*_VIEW).where(Payment.id == bindparam("payment_id")))
LOCK_PAYMENT = Read(
    PaymentView, select(*_VIEW).where(Payment.id == bindparam("payment_id")).with_for_update(key_share=True)
)
OF_INVOICE = Read(PaymentView, select(*_VIEW).where(Payment.invoice_id == bindparam("invoice_id")).order_by(Payment.id))
# 0 is written out, so that SQLite can take the partial index
IN_SUSPENSE = Read(
    PaymentView,
    select(*_VIEW).where(Payment.suspense_yen > literal_column("0")).order_by(Payment.id).limit(bindparam("most")),
)
PLACE = Write(
    update(Payment)
    .where(Payment.id == bindparam("payment_id"))
    .values(
        invoice_id=bindparam("target_id"),
        applied_yen=Payment.applied_yen + bindparam("applied"),
        credit_yen=Payment.credit_yen + bindparam("credited"),
        suspense_yen=literal_column("0"),
    )
)
RELEASE = Write(
    update(Payment)
    .where(Payment.invoice_id == bindparam("of_invoice"), Payment.applied_yen > literal_column("0"))
    .values(credit_yen=Payment.credit_yen + Payment.applied_yen, applied_yen=literal_column("0"))
)


def check_value_date(tx: Tx, day: date) -> date:
    """A day on which money can have moved. Errors: DomainError `date_in_future` (today), `date_too_old` (earliest_on)."""
    if day > tx.today:
        raise DomainError("date_in_future", today=tx.today)
    if (tx.today - day).days > OLDEST_DAYS:
        raise DomainError("date_too_old", earliest_on=date.fromordinal(tx.today.toordinal() - OLDEST_DAYS))
    return day


def record_bank_payment(
    tx: Tx,
    *,
    profile: Profile,
    staff: ActingStaff,
    invoice_id: int,
    amount_yen: int,
    value_on: date,
    payer_name: str,
    reference: str,
) -> PaymentView:
    """Staff confirm a transfer: applied, booked, and what waits for the invoice is done, in this one transaction.

    Too much becomes the member's credit, too little leaves the rest due (unless the profile bears the missing transfer
    fee), money for a paid or void invoice goes to suspense. `reference` is unique for ever: the same confirmation again
    gives the first payment and books nothing.
    Errors: DomainError `forbidden`, `invoice_not_found`, `yen_out_of_range`, `date_in_future`, `date_too_old`,
    `reference_used` (the reference stands for another payment).
    """
    require(staff, RIGHT)
    checked_yen(amount_yen, least_yen=1)
    check_value_date(tx, value_on)
    if not 0 < len(reference) <= REFERENCE_LENGTH:
        raise InvariantBroken("a payment needs a reference of 80 characters at most")
    member_id = get_invoice(tx, invoice_id=invoice_id).member_id
    lock_money(tx, member_id=member_id)
    invoice = tx.one(LOCK, invoice_id=invoice_id)
    before = tx.first(BY_REFERENCE, provider=BANK, reference=reference)
    if before is not None:
        return _repeated(before, invoice_id, amount_yen)
    allocation = decide_payment(
        open_yen=open_yen_of(tx, invoice_id=invoice_id),
        invoice_status=InvoiceStatus(invoice.status),
        paid_yen=amount_yen,
        fee_borne_up_to_yen=profile.payment.bears_fees_up_to_yen,
    )
    payment = PaymentView(
        id=tx.ids.new(),
        provider=BANK,
        reference=reference,
        member_id=member_id,
        invoice_id=invoice_id,
        amount_yen=amount_yen,
        applied_yen=allocation.applied_yen,
        credit_yen=allocation.credit_yen,
        suspense_yen=allocation.suspense_yen,
        payer_name=payer_name.strip()[:PAYER_LENGTH],
        value_on=value_on,
        recorded_at=tx.now,
        recorded_by=staff.id,
    )
    if not book(tx, payment, allocation):  # at this moment, for another member
        return _repeated(tx.one(BY_REFERENCE, provider=BANK, reference=reference), invoice_id, amount_yen)
    _record(tx, staff, "payment.confirmed", payment, invoice_id)
    _tell(tx, payment, allocation, member_id, invoice_id)
    return payment


def record_provider_payment(
    tx: Tx,
    *,
    provider: str,
    reference: str,
    member_id: int,
    invoice_id: int,
    amount_yen: int,
    value_on: date,
    to_suspense: bool = False,
) -> PaymentView | None:
    """A provider has taken the money: booked as a transfer is, what waits for the invoice done in this transaction (row P4).

    None when its `reference` was booked before: a repeat, or other news of the same payment. `to_suspense`: something about
    it is wrong (another amount than asked for), staff decide; money for a paid or void invoice waits there by itself.
    """
    checked_yen(amount_yen, least_yen=1)
    lock_money(tx, member_id=member_id)
    invoice = tx.one(LOCK, invoice_id=invoice_id)
    if to_suspense:
        allocation = Allocation(applied_yen=0, credit_yen=0, suspense_yen=amount_yen, still_due_yen=0, fee_yen=0)
    else:
        allocation = decide_payment(
            open_yen=open_yen_of(tx, invoice_id=invoice_id),
            invoice_status=InvoiceStatus(invoice.status),
            paid_yen=amount_yen,
        )
    payment = PaymentView(
        id=tx.ids.new(),
        provider=provider,
        reference=reference,
        member_id=member_id,
        invoice_id=invoice_id,
        amount_yen=amount_yen,
        applied_yen=allocation.applied_yen,
        credit_yen=allocation.credit_yen,
        suspense_yen=allocation.suspense_yen,
        payer_name="",
        value_on=value_on,
        recorded_at=tx.now,
        recorded_by=None,
    )
    if not book(tx, payment, allocation):
        return None
    _tell(tx, payment, allocation, member_id, invoice_id)
    return payment


def book(tx: Tx, payment: PaymentView, allocation: Allocation) -> bool:
    """The row and its entry; False when the reference was booked before, and then nothing is."""
    if tx.first(ADD, **payment._asdict()) is None:
        return False
    if payment.member_id is None or payment.invoice_id is None:
        raise InvariantBroken("a payment is booked for an invoice")
    money = [
        Side(f"cash:{payment.provider}", payment.amount_yen, payment.member_id),
        Side(SUSPENSE, -allocation.suspense_yen, payment.member_id),
        *_sides(allocation, payment.member_id, payment.invoice_id),
    ]
    post(tx, kind="payment", source_key=f"payment:{payment.id}", postings=money)
    return True


def _record(tx: Tx, staff: ActingStaff, action: str, payment: PaymentView, invoice_id: int | None) -> None:
    record(
        tx,
        actor_kind="staff",
        actor_id=staff.id,
        action=action,
        subject=f"payment:{payment.id}" if invoice_id is None else f"invoice:{invoice_id}",
        member_id=payment.member_id,
        detail={
            "payment_id": payment.id,
            "amount_yen": payment.amount_yen,
            "applied_yen": payment.applied_yen,
            "credit_yen": payment.credit_yen,
            "suspense_yen": payment.suspense_yen,
            "value_on": payment.value_on.isoformat(),
        },
    )


def _repeated(before: PaymentView, invoice_id: int, amount_yen: int) -> PaymentView:
    if (before.invoice_id, before.amount_yen) != (invoice_id, amount_yen):
        raise DomainError("reference_used", reference=before.reference)
    return before


def _sides(allocation: Allocation, member_id: int, invoice_id: int) -> list[Side]:
    return [
        Side(BANK_FEE, allocation.fee_yen, member_id, invoice_id),
        Side(RECEIVABLE, -allocation.applied_yen - allocation.fee_yen, member_id, invoice_id),
        Side(CREDIT, -allocation.credit_yen, member_id),
    ]


def _tell(tx: Tx, payment: PaymentView, allocation: Allocation, member_id: int, invoice_id: int) -> None:
    if allocation.suspense_yen:
        tx.emit(MoneyInSuspense(payment.id, member_id, invoice_id))
        return
    if allocation.credit_yen:
        tx.emit(CreditGained(member_id, allocation.credit_yen, invoice_id))
    if allocation.still_due_yen:
        tx.emit(InvoicePartlyPaid(invoice_id, member_id, payment.id, allocation.still_due_yen))
    else:
        mark_paid(tx, invoice_id=invoice_id, member_id=member_id, paid_on=payment.value_on)


def list_payments(tx: Tx, *, invoice_id: int) -> list[PaymentView]:
    """What came for an invoice, in the order it was recorded."""
    return tx.all(OF_INVOICE, invoice_id=invoice_id)


def find_by_reference(tx: Tx, *, provider: str, reference: str) -> PaymentView | None:
    """What a provider's payment was booked as."""
    return tx.first(BY_REFERENCE, provider=provider, reference=reference)


def find_payment(tx: Tx, *, payment_id: int) -> PaymentView | None:
    """One payment."""
    return tx.first(BY_ID, payment_id=payment_id)


def list_suspense(tx: Tx, *, limit: int = 200) -> list[PaymentView]:
    """Money nobody has placed yet (仮受金), the oldest first."""
    return tx.all(IN_SUSPENSE, most=limit)


def place_suspense(
    tx: Tx, *, profile: Profile, staff: ActingStaff, payment_id: int, invoice_id: int | None = None
) -> PaymentView:
    """Staff place money from suspense: on an open invoice of the same member, or (None) on the member's credit.

    Placing it again changes nothing. What a refund that failed brings back is placed once more; a payment stands on one
    invoice only. Errors: DomainError `forbidden`, `payment_not_found`, `invoice_not_found`, `invoice_not_open`,
    `payment_on_other_invoice`.
    """
    require(staff, RIGHT)
    found = tx.first(BY_ID, payment_id=payment_id)
    if found is None or found.member_id is None:
        raise DomainError("payment_not_found")
    lock_money(tx, member_id=found.member_id)
    target = _open_target(tx, found.member_id, invoice_id)
    payment = tx.one(LOCK_PAYMENT, payment_id=payment_id)
    if payment.suspense_yen == 0:
        return payment
    if target is not None and not may_stand_on(payment, target.id):
        raise DomainError("payment_on_other_invoice")
    waiting = payment.suspense_yen
    allocation = (
        Allocation(applied_yen=0, credit_yen=waiting, suspense_yen=0, still_due_yen=0, fee_yen=0)
        if target is None
        else decide_payment(
            open_yen=target.open_yen,
            invoice_status=InvoiceStatus(target.status),
            paid_yen=waiting,
            fee_borne_up_to_yen=profile.payment.bears_fees_up_to_yen,
        )
    )
    sides = _sides(allocation, found.member_id, 0 if target is None else target.id)
    booked = post(
        tx,
        kind="suspense_placed",
        source_key=_place_key(tx, payment.id),
        postings=[Side(SUSPENSE, waiting, found.member_id), *sides],
    )
    if not booked:
        raise InvariantBroken("money is placed and not booked")
    tx.run(
        PLACE,
        payment_id=payment.id,
        target_id=payment.invoice_id if target is None else target.id,
        applied=allocation.applied_yen,
        credited=allocation.credit_yen,
    )
    placed = tx.one(BY_ID, payment_id=payment.id)
    _record(tx, staff, "suspense.placed", placed, None if target is None else target.id)
    if target is None:
        tx.emit(CreditGained(found.member_id, waiting, None))
    else:
        _tell(tx, placed, allocation, found.member_id, target.id)
    return placed


def may_stand_on(payment: PaymentView, invoice_id: int) -> bool:
    """Whether (more of) a payment may be applied to an invoice: to the one it stands on, or to any while on none."""
    return payment.applied_yen == 0 or payment.invoice_id == invoice_id


def _place_key(tx: Tx, payment_id: int) -> str:
    """The first free one: a failed refund may bring money back into suspense, and then it is placed again."""
    key, again = f"payment:{payment_id}:placed", 1
    while is_booked(tx, source_key=key):
        again += 1
        key = f"payment:{payment_id}:placed:{again}"
    return key


def _open_target(tx: Tx, member_id: int, invoice_id: int | None) -> InvoiceView | None:
    if invoice_id is None:
        return None
    target = get_invoice(tx, invoice_id=invoice_id, member_id=member_id)
    tx.one(LOCK, invoice_id=invoice_id)
    if target.status != InvoiceStatus.OPEN:
        raise DomainError("invoice_not_open", invoice_no=target.invoice_no)
    return target
