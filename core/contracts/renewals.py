"""Renewals (更新): ordered on one invoice, done exactly once when its money is there, or closed (rows C2, C10, R1, R4)."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select, update

from core.billing.facts import InvoicePaid, InvoiceVoided, PaymentReturned
from core.billing.invoices import InvoiceView, get_invoice, issue_invoice, lock_money
from core.billing.lapse import LAPSED, OVERTAKEN, void_invoice
from core.contracts.changes import ContractFacts, list_changes, record_change
from core.contracts.facts import ContractsRenewed, RenewalsCancelled, RenewalsLapsed
from core.contracts.policy import ContractSnapshot, ContractStatus, RenewalQuote, decide_paid_renewal
from core.contracts.quotes import RenewalItem, RenewalOrderQuote, invoice_lines, quote_renewals
from core.contracts.tables import Contract, FinalConfirmation, Renewal
from core.db import Tx
from core.errors import DomainError
from core.profiles.model import Profile
from core.profiles.tables import Plan
from core.statements import Read, Write, one_of

CANCELLED = "cancelled"


class RenewalView(NamedTuple):
    """One contract's part of an order, open or closed; `state`: open, done, lapsed, cancelled, returned."""

    id: int
    contract_id: int
    contract_no: str
    label: str
    plan_name_ja: str
    plan_name_en: str
    member_id: int
    invoice_id: int
    term_months: int
    to_month_end: bool
    old_expires_on: date
    new_expires_on: date
    term_yen: int
    daily_days: int
    daily_yen: int
    state: str

    def plan_name(self, language: str) -> str:
        """The plan's name in a language."""
        return self.plan_name_en if language == "en" else self.plan_name_ja


class ConfirmationView(NamedTuple):
    """What the member was shown before ordering, word for word (row C10)."""

    invoice_id: int
    member_id: int
    chat_id: int | None
    language: str
    shown: Any
    at: datetime


class _Open(NamedTuple):
    id: int
    contract_id: int
    cycle_no: int
    term_months: int
    old_expires_on: date
    new_expires_on: date
    new_anchor: int
    term_yen: int
    daily_days: int
    daily_yen: int


class _Ordered(NamedTuple):
    invoice_id: int


class _Contract(NamedTuple):
    id: int
    status: str
    expires_on: date
    anchor: int
    cycle_no: int


LOCK_CONTRACTS = Read(
    _Contract,
    select(Contract.id, Contract.status, Contract.expires_on, Contract.anchor, Contract.cycle_no)
    .where(one_of(Contract.id, "contract_ids"))
    .order_by(Contract.id)
    .with_for_update(key_share=True),
)
OPEN_OF_INVOICE = Read(
    _Open,
    select(*(getattr(Renewal, name) for name in _Open._fields))
    .where(Renewal.invoice_id == bindparam("invoice_id"), Renewal.state == "open")
    .order_by(Renewal.contract_id),
)
OF_INVOICE = Read(
    RenewalView,
    select(
        Renewal.id, Renewal.contract_id, Contract.contract_no, Contract.label, Plan.name_ja, Plan.name_en,
        Renewal.member_id, Renewal.invoice_id, Renewal.term_months, Renewal.to_month_end, Renewal.old_expires_on,
        Renewal.new_expires_on, Renewal.term_yen, Renewal.daily_days, Renewal.daily_yen, Renewal.state,
    )
    .join(Contract, Contract.id == Renewal.contract_id)
    .join(Plan, Plan.code == Renewal.plan_code)
    .where(Renewal.invoice_id == bindparam("invoice_id"))
    .order_by(Renewal.id),
)  # fmt: skip
CONFIRMATION = Read(
    ConfirmationView,
    select(*(getattr(FinalConfirmation, name) for name in ConfirmationView._fields)).where(
        FinalConfirmation.invoice_id == bindparam("invoice_id")
    ),
)
ADD = Write(insert(Renewal).values({column.name: bindparam(column.name) for column in Renewal.__table__.columns}))
ADD_CONFIRMATION = Write(
    insert(FinalConfirmation).values({name: bindparam(name) for name in ("id", *ConfirmationView._fields)})
)
CLOSE = Write(
    update(Renewal)
    .where(Renewal.id == bindparam("renewal_id"))
    .values(state=bindparam("new_state"), closed_at=bindparam("now"))
)
EXTEND = Write(
    update(Contract)
    .where(Contract.id == bindparam("contract_id"))
    .values(
        status="active",
        expires_on=bindparam("new_expires_on"),
        anchor=bindparam("new_anchor"),
        cycle_no=bindparam("new_cycle_no"),
        cycle_born_on=bindparam("day"),
        milestone_on=bindparam("day"),  # reminders look at it at their next tick and set the day themselves
        ended_on=None,
        updated_at=bindparam("now"),
    )
)


OPEN_OF_CONTRACT = Read(
    _Ordered, select(Renewal.invoice_id).where(Renewal.contract_id == bindparam("contract_id"), Renewal.state == "open")
)
DONE_OF_INVOICE = Read(
    _Open,
    select(*(getattr(Renewal, name) for name in _Open._fields))
    .where(Renewal.invoice_id == bindparam("invoice_id"), Renewal.state == "done")
    .order_by(Renewal.contract_id),
)


def request_renewals(
    tx: Tx,
    *,
    profile: Profile,
    member_id: int,
    items: Sequence[RenewalItem],
    method: str,
    chat_id: int | None,
    shown: Any,
    language: str,
    expected_total_yen: int | None = None,
) -> InvoiceView:
    """Order renewals on one invoice, and keep what the member was shown before (row C10).

    `expected_total_yen`: the total they confirmed; another one today is refused, so that nobody orders at a price they
    have not seen. If the member's credit covers everything, the contracts are extended at once and the invoice is paid.
    Errors: those of `quote_renewals`, and DomainError `quote_changed` (total_yen).
    """
    lock_money(tx, member_id=member_id)
    tx.all(LOCK_CONTRACTS, contract_ids=[item.contract_id for item in items])
    order = quote_renewals(tx, profile=profile, member_id=member_id, items=items, method=method)
    if expected_total_yen not in (None, order.total_yen):
        raise DomainError("quote_changed", total_yen=order.total_yen)
    invoice_id = tx.ids.new()
    renewal_ids = [_add(tx, order, place, invoice_id) for place in range(len(order.renewals))]
    tx.run(
        ADD_CONFIRMATION,
        id=tx.ids.new(),
        invoice_id=invoice_id,
        member_id=member_id,
        chat_id=chat_id,
        language=language,
        shown=shown,
        at=tx.now,
    )
    return issue_invoice(
        tx,
        profile=profile,
        member_id=member_id,
        method=method,
        lines=invoice_lines(profile, order, renewal_ids),
        grace_end_on=order.grace_end_on,
        invoice_id=invoice_id,
    )


def _add(tx: Tx, order: RenewalOrderQuote, place: int, invoice_id: int) -> int:
    contract, quote, to_month_end, _ = order.renewals[place]
    renewal_id = tx.ids.new()
    tx.run(
        ADD,
        id=renewal_id,
        contract_id=contract.id,
        member_id=contract.member_id,
        invoice_id=invoice_id,
        cycle_no=contract.cycle_no,
        plan_code=contract.plan_code,
        term_months=quote.term_months,
        to_month_end=to_month_end,
        old_expires_on=quote.old_expires_on,
        new_expires_on=quote.new_expires_on,
        new_anchor=quote.new_anchor,
        term_yen=quote.term_yen,
        daily_days=quote.daily_days,
        daily_yen=quote.daily_yen,
        state="open",
        asked_at=tx.now,
        closed_at=None,
    )
    return renewal_id


def list_renewals(tx: Tx, *, invoice_id: int) -> list[RenewalView]:
    """What an invoice renews, in the order it was chosen; empty for an invoice of something else."""
    return tx.all(OF_INVOICE, invoice_id=invoice_id)


def find_final_confirmation(tx: Tx, *, invoice_id: int) -> ConfirmationView | None:
    """What was shown before the order that led to an invoice."""
    return tx.first(CONFIRMATION, invoice_id=invoice_id)


def cancel_open_renewal(tx: Tx, *, member_id: int, invoice_id: int) -> InvoiceView:
    """The member changes their mind: the invoice is void, the contracts can be renewed anew. Repeating it does nothing.

    Errors: DomainError `invoice_not_found` (also another member's), `nothing_to_cancel`, `invoice_paid`,
    `payment_reported` (invoice_no): they said that money is on its way, staff decide first.
    """
    lock_money(tx, member_id=member_id)
    invoice = get_invoice(tx, invoice_id=invoice_id, member_id=member_id)
    if not list_renewals(tx, invoice_id=invoice_id):
        raise DomainError("nothing_to_cancel", invoice_no=invoice.invoice_no)
    if invoice.status == "open" and invoice.reported:
        raise DomainError("payment_reported", invoice_no=invoice.invoice_no)
    return void_invoice(tx, invoice_id=invoice_id, reason=CANCELLED)


def on_invoice_paid(tx: Tx, fact: InvoicePaid) -> None:
    """Listener: extend every contract on the invoice, exactly once, in the transaction that booked the money.

    A contract that ran out meanwhile takes up its service again: the money was sent for it in time (pains 6). Raises
    DomainError `renewal_overtaken` when a contract's expiry is no longer the one that was quoted: staff decide.
    """
    renewals = tx.all(OPEN_OF_INVOICE, invoice_id=fact.invoice_id)
    if not renewals:
        return
    contract_ids = tuple(renewal.contract_id for renewal in renewals)
    contracts = {row.id: row for row in tx.all(LOCK_CONTRACTS, contract_ids=contract_ids)}
    for renewal in renewals:
        _extend(tx, renewal, contracts[renewal.contract_id])
        tx.run(CLOSE, renewal_id=renewal.id, new_state="done", now=tx.now)
    tx.emit(ContractsRenewed(fact.member_id, fact.invoice_id, tuple(renewal.id for renewal in renewals), contract_ids))


def _extend(tx: Tx, renewal: _Open, contract: _Contract) -> None:
    known = ContractSnapshot(
        expires_on=contract.expires_on,
        anchor=contract.anchor,
        status=ContractStatus(contract.status),
        grace_days=0,  # neither matters once the money is there
        window_days=0,
    )
    quote = RenewalQuote(
        term_months=renewal.term_months,
        old_expires_on=renewal.old_expires_on,
        new_expires_on=renewal.new_expires_on,
        new_anchor=renewal.new_anchor,
        term_yen=renewal.term_yen,
        daily_days=renewal.daily_days,
        daily_yen=renewal.daily_yen,
        month_days=0,
    )
    paid = decide_paid_renewal(known, quote, today=tx.today)
    if contract.cycle_no != renewal.cycle_no:
        raise DomainError("renewal_overtaken", expected_on=renewal.old_expires_on, expires_on=contract.expires_on)
    before = ContractFacts(contract.status, contract.expires_on, contract.anchor, contract.cycle_no)
    after = ContractFacts("active", paid.expires_on, paid.anchor, contract.cycle_no + 1)
    tx.run(
        EXTEND,
        contract_id=contract.id,
        new_expires_on=after.expires_on,
        new_anchor=after.anchor,
        new_cycle_no=after.cycle_no,
        day=tx.today,
        now=tx.now,
    )
    record_change(tx, contract_id=contract.id, cause=f"renewal:{renewal.id}", before=before, after=after)


def on_invoice_voided(tx: Tx, fact: InvoiceVoided) -> None:
    """Listener: what waited for this invoice waits no more, and its contracts can be renewed anew."""
    renewals = tx.all(OPEN_OF_INVOICE, invoice_id=fact.invoice_id)
    if not renewals:
        return
    lapsed = fact.reason == LAPSED
    for renewal in renewals:
        tx.run(CLOSE, renewal_id=renewal.id, new_state="lapsed" if lapsed else "cancelled", now=tx.now)
    ids = tuple(renewal.id for renewal in renewals)
    kind = RenewalsLapsed if lapsed else RenewalsCancelled
    tx.emit(kind(fact.member_id, fact.invoice_id, ids))


def on_payment_returned(tx: Tx, fact: PaymentReturned) -> None:
    """Listener: all of it was given back and the profile takes back what it paid for (row P8).

    Only where nothing has happened to the contract since: whatever was renewed after it stays, and staff decide. A further
    renewal that is ordered and not paid counted from the expiry taken back: its invoice is void, and it is ordered anew.
    """
    if not fact.take_back or fact.undone:
        return
    renewals = tx.all(DONE_OF_INVOICE, invoice_id=fact.invoice_id)
    contract_ids = tuple(renewal.contract_id for renewal in renewals)
    contracts = {row.id: row for row in tx.all(LOCK_CONTRACTS, contract_ids=contract_ids)} if renewals else {}
    for renewal in renewals:
        contract = contracts[renewal.contract_id]
        if (contract.cycle_no, contract.expires_on) != (renewal.cycle_no + 1, renewal.new_expires_on):
            continue
        cause = f"renewal:{renewal.id}"
        change = next(one for one in list_changes(tx, contract_id=contract.id) if one.cause == cause)
        before = ContractFacts(contract.status, contract.expires_on, contract.anchor, contract.cycle_no)
        after = ContractFacts("active", renewal.old_expires_on, int(change.before["anchor"]), contract.cycle_no + 1)
        tx.run(
            EXTEND,
            contract_id=contract.id,
            new_expires_on=after.expires_on,
            new_anchor=after.anchor,
            new_cycle_no=after.cycle_no,
            day=tx.today,
            now=tx.now,
        )  # a day that has passed: the job that ends contracts sees to it at its next tick
        tx.run(CLOSE, renewal_id=renewal.id, new_state="returned", now=tx.now)
        record_change(tx, contract_id=contract.id, cause=f"returned:{fact.return_id}", before=before, after=after)
        for further in tx.all(OPEN_OF_CONTRACT, contract_id=contract.id):
            void_invoice(tx, invoice_id=further.invoice_id, reason=OVERTAKEN)
