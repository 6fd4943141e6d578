"""What an order of renewals gives and costs, before anything is ordered (rows C2, C10, R1, R4, R5)."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from core.billing.invoices import NewLine
from core.billing.ledger import credit_of
from core.billing.terms import deadline_for, totals_of
from core.contracts.policy import RenewalQuote, decide_renewal
from core.contracts.service import ContractView, list_by_ids, snapshot
from core.db import Tx
from core.errors import DomainError
from core.members.service import get_member
from core.profiles.catalogue import month_end_offered, monthly_list_price, price_of
from core.profiles.model import PaymentMethod, Profile

MOST_CONTRACTS = 100  # on one invoice
LABEL_ON_INVOICE = 100


class RenewalItem(NamedTuple):
    """A contract chosen for renewal, its term, and whether it shall then run to the month's end."""

    contract_id: int
    term_months: int
    to_month_end: bool = False


class QuotedRenewal(NamedTuple):
    """One contract of an order: `later_total_yen` is what each later renewal for this term costs today, with tax."""

    contract: ContractView
    quote: RenewalQuote
    to_month_end: bool
    later_total_yen: int


class RenewalOrderQuote(NamedTuple):
    """The whole order: `credit_yen` of the member's is used first, `due_yen` is what they transfer, by `due_on`.

    `fee_yen` is the method's, in the same (net or gross) terms as the prices.
    """

    renewals: tuple[QuotedRenewal, ...]
    method: str
    fee_yen: int
    price_includes_tax: bool
    tax_rate: int
    net_yen: int
    tax_yen: int
    total_yen: int
    credit_yen: int
    due_yen: int
    due_on: date
    grace_end_on: date


def quote_renewals(
    tx: Tx, *, profile: Profile, member_id: int, items: Sequence[RenewalItem], method: str = "bank_transfer"
) -> RenewalOrderQuote:
    """Prices of today, tax once on the sum, the deadline, and every contract's old and new expiry.

    Errors: DomainError `nothing_chosen`, `too_many_chosen` (most), `member_withdrawn`, `method_not_offered`; for a
    contract, with contract_id, contract_no and label in its data: `contract_not_found` (also of another member),
    `contract_repeated`, `renewal_open` (invoice_id, invoice_no), `ended`, `cancelled`, `after_window` (last_day),
    `term_not_offered`, `month_end_not_offered`, `no_daily_rate`.
    """
    if not items:
        raise DomainError("nothing_chosen")
    if len(items) > MOST_CONTRACTS:
        raise DomainError("too_many_chosen", most=MOST_CONTRACTS)
    if get_member(tx, member_id=member_id).status != "active":
        raise DomainError("member_withdrawn")
    fee_yen = _manual_method(profile, method).fee_yen
    found = {view.id: view for view in list_by_ids(tx, profile=profile, contract_ids=[i.contract_id for i in items])}
    renewals: list[QuotedRenewal] = []
    for item in items:
        view = found.pop(item.contract_id, None)
        if view is None:
            repeated = any(known.contract.id == item.contract_id for known in renewals)
            raise DomainError("contract_repeated" if repeated else "contract_not_found", contract_id=item.contract_id)
        if view.member_id != member_id:
            raise DomainError("contract_not_found", contract_id=item.contract_id)
        renewals.append(_quoted(tx, profile, view, item))
    amounts = [line.amount_yen for known in renewals for line in _lines(known, 0)]
    totals = totals_of(profile, [*amounts, fee_yen])
    grace_end_on = min(known.contract.grace_end_on for known in renewals)
    credit_yen = min(credit_of(tx, member_id=member_id), totals.total_yen)
    return RenewalOrderQuote(
        renewals=tuple(renewals),
        method=method,
        fee_yen=fee_yen,
        price_includes_tax=profile.price_includes_tax,
        tax_rate=profile.tax_rate_percent,
        net_yen=totals.net_yen,
        tax_yen=totals.tax_yen,
        total_yen=totals.total_yen,
        credit_yen=credit_yen,
        due_yen=totals.total_yen - credit_yen,
        due_on=deadline_for(profile, method=method, issued_on=tx.today, grace_end_on=grace_end_on).due_on,
        grace_end_on=grace_end_on,
    )


def _manual_method(profile: Profile, code: str) -> PaymentMethod:
    for method in profile.list_manual_methods():
        if method.code == code:
            return method
    raise DomainError("method_not_offered", method=code)


def _quoted(tx: Tx, profile: Profile, view: ContractView, item: RenewalItem) -> QuotedRenewal:
    known = snapshot(
        profile,
        status=view.status,
        expires_on=view.expires_on,
        anchor=view.anchor,
        has_open=view.open_renewal is not None,
    )
    price_yen = price_of(tx, plan_code=view.plan_code, term_months=item.term_months, on=tx.today)
    try:
        quote = decide_renewal(
            known,
            today=tx.today,
            term_months=item.term_months,
            price_yen=price_yen if item.term_months > 0 else None,
            monthly_list_price_yen=monthly_list_price(tx, plan_code=view.plan_code, on=tx.today),
            to_month_end=item.to_month_end,
        )
        if item.to_month_end and not month_end_offered(profile, view.plan_code):
            raise DomainError("month_end_not_offered")
    except DomainError as refusal:
        raise _about(view, refusal) from refusal
    later = totals_of(profile, [quote.term_yen]).total_yen
    return QuotedRenewal(view, quote, item.to_month_end, later)


def _about(view: ContractView, refusal: DomainError) -> DomainError:
    data = {**refusal.data, "contract_id": view.id, "contract_no": view.contract_no, "label": view.label}
    if view.open_renewal is not None:
        data |= {"invoice_id": view.open_renewal.invoice_id, "invoice_no": view.open_renewal.invoice_no}
    return DomainError(refusal.code, **data)


def invoice_lines(profile: Profile, order: RenewalOrderQuote, renewal_ids: Sequence[int]) -> list[NewLine]:
    """The lines of the invoice for an order; `renewal_ids` in the order of its renewals."""
    lines = [
        line
        for known, renewal_id in zip(order.renewals, renewal_ids, strict=True)
        for line in _lines(known, renewal_id)
    ]
    if order.fee_yen:
        name = profile.method(order.method).name.ja
        lines.append(NewLine(f"fee:{order.method}", f"{name} 手数料", order.fee_yen))
    return lines


def _lines(known: QuotedRenewal, renewal_id: int) -> list[NewLine]:
    contract, quote, source_key = known.contract, known.quote, f"renewal:{renewal_id}"
    name = f"{contract.plan_name_ja}（{contract.label[:LABEL_ON_INVOICE]}）"
    term_end_on = quote.new_expires_on - timedelta(days=quote.daily_days)
    lines = [
        NewLine(
            source_key,
            f"{name} 更新 {quote.term_months}か月 {_period(quote.old_expires_on, term_end_on)}",
            quote.term_yen,
        )
    ]
    if quote.daily_days:
        period = _period(term_end_on, quote.new_expires_on)
        lines.append(NewLine(source_key, f"{name} 日割（{quote.daily_days}日） {period}", quote.daily_yen))
    return lines


def _period(after: date, until: date) -> str:
    first = after + timedelta(days=1)
    return f"{first.year}年{first.month}月{first.day}日〜{until.year}年{until.month}月{until.day}日"
