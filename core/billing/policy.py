"""Decisions about invoices and money: numbers, deadlines, lapse, what a payment does (algorithms.md 3, 5, 9)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from core.bankdays import add_bank_days, bank_day_on_or_after, next_bank_day
from core.errors import InvariantBroken
from core.money import checked_yen

PROVIDER_LAPSE_MARGIN = timedelta(hours=1)


class InvoiceStatus(StrEnum):
    """The states of an invoice; one that lapsed or was withdrawn is void and keeps its number."""

    OPEN = "open"
    PAID = "paid"
    VOID = "void"


class BankHolidayRule(StrEnum):
    """What becomes of a deadline on a day that is no bank day (profile)."""

    KEEP = "keep"
    MOVE = "move"


class Confirmation(StrEnum):
    """How money of an invoice's method becomes known: at once, by a statement import, or by staff."""

    CARD = "card"
    STATEMENT = "statement"
    STAFF = "staff"


class KeepReason(StrEnum):
    """Why an invoice past its deadline does not lapse."""

    ALLOCATION = "allocation"
    CANDIDATE = "candidate"
    OPEN_REPORT = "open_report"
    NUMBER = "number"  # a convenience store still takes the money


@dataclass(frozen=True, slots=True)
class LapseDecision:
    """Whether an invoice whose waiting is over becomes void, and if not, everything that speaks against it."""

    void: bool
    kept_for: tuple[KeepReason, ...]


@dataclass(frozen=True, slots=True)
class Allocation:
    """What a payment does: paid = applied + credit + suspense; what was open = applied + fee + still due.

    `applied_yen` goes to the invoice, `credit_yen` is held for the member, `suspense_yen` waits for staff, `fee_yen` is
    the transfer fee that the operator bears, `still_due_yen` is what the invoice lacks afterwards.
    """

    applied_yen: int
    credit_yen: int
    suspense_yen: int
    still_due_yen: int
    fee_yen: int


def format_invoice_no(year: int, n: int) -> str:
    """Return the number people read: `INV-2026-000123`, the n-th of its calendar year; beyond a million it grows.

    Raises InvariantBroken below 1 or outside years of four digits.
    """
    if n < 1 or not 1000 <= year <= 9999:
        raise InvariantBroken(f"there is no invoice {n} of {year}")
    return f"INV-{year}-{n:06d}"


def payment_deadline(
    issue_on: date,
    days: int,
    *,
    grace_end_on: date | None = None,
    bank_holiday_rule: BankHolidayRule = BankHolidayRule.KEEP,
) -> date:
    """Return the last day on which the member may pay: issue + days, for a renewal never after the grace's last day.

    Then a deadline on a bank holiday is kept or moved to the next bank day. Raises InvariantBroken for days below 0.
    """
    if days < 0:
        raise InvariantBroken(f"a deadline of {days} days lies before the invoice")
    deadline_on = issue_on + timedelta(days=days)
    if grace_end_on is not None:
        deadline_on = min(deadline_on, grace_end_on)
    return bank_day_on_or_after(deadline_on) if bank_holiday_rule is BankHolidayRule.MOVE else deadline_on


def lapse_on(deadline_on: date, *, confirmation: Confirmation = Confirmation.STAFF, bank_days: int = 3) -> date:
    """Return the last day of waiting for money that was sent by the deadline; the invoice lapses after it, not on it.

    A transfer of the last evening is booked on the next bank day: a statement that covers that day is awaited, or, where
    staff confirm by hand, `bank_days` bank days. A card needs none. With statements the day alone does not decide:
    `is_lapsed` also asks what has been imported.
    """
    if confirmation is Confirmation.CARD:
        return deadline_on
    if confirmation is Confirmation.STATEMENT:
        return next_bank_day(deadline_on)
    return add_bank_days(deadline_on, bank_days)


def lapse_announced_on(last_waiting_on: date) -> date:
    """Return the day on which the desk lists the invoice as about to lapse: the day before waiting ends."""
    return last_waiting_on - timedelta(days=1)


def provider_lapse_at(provider_expires_at: datetime) -> datetime:
    """Return the instant at which a konbini or Pay-easy invoice lapses: the provider's expiry and an hour."""
    return provider_expires_at + PROVIDER_LAPSE_MARGIN


def is_lapsed(
    *,
    today: date,
    deadline_on: date,
    confirmation: Confirmation,
    bank_days: int = 3,
    statement_covers_until: date | None = None,
) -> bool:
    """Return whether waiting for money sent in time is over (the first half of P7; `decide_lapse` is the second).

    `statement_covers_until`: the last day up to which imported statements cover every day in full, None without any.
    """
    last_waiting_on = lapse_on(deadline_on, confirmation=confirmation, bank_days=bank_days)
    if confirmation is Confirmation.STATEMENT:
        return statement_covers_until is not None and statement_covers_until >= last_waiting_on
    return today > last_waiting_on


def decide_lapse(
    *, has_allocation: bool, candidate_same_amount: bool, open_report: bool, number_alive: bool = False
) -> LapseDecision:
    """Return whether an invoice for which waiting is over becomes void: only when nothing hints at money on its way."""
    reasons = (
        (has_allocation, KeepReason.ALLOCATION),
        (candidate_same_amount, KeepReason.CANDIDATE),
        (open_report, KeepReason.OPEN_REPORT),
        (number_alive, KeepReason.NUMBER),
    )
    kept_for = tuple(reason for holds, reason in reasons if holds)
    return LapseDecision(void=not kept_for, kept_for=kept_for)


def decide_payment(
    *,
    open_yen: int,
    invoice_status: InvoiceStatus,
    paid_yen: int,
    fee_borne_up_to_yen: int = 0,
    known_fees_yen: Collection[int] = (),
) -> Allocation:
    """Return what a payment does to the invoice it is meant for; not a yen is lost or invented.

    Too much goes to the member's credit, too little leaves the rest due. A shortage up to `fee_borne_up_to_yen` (0: none)
    and smaller than the payment counts as the bank's transfer fee, which the operator bears; with `known_fees_yen` given
    it must be one of them. Money for an invoice that is paid or void waits in suspense for staff: late money is never
    lost.
    Raises DomainError `yen_out_of_range` for a payment of nothing, InvariantBroken when an open invoice lacks nothing.
    """
    checked_yen(paid_yen, least_yen=1)
    if invoice_status is not InvoiceStatus.OPEN:
        return Allocation(applied_yen=0, credit_yen=0, suspense_yen=paid_yen, still_due_yen=0, fee_yen=0)
    if open_yen < 1:
        raise InvariantBroken(f"an open invoice lacks {open_yen} yen")
    applied_yen = min(paid_yen, open_yen)
    short_yen = open_yen - applied_yen
    is_fee = (
        short_yen <= fee_borne_up_to_yen
        and short_yen < applied_yen  # else one yen would settle a small invoice
        and (not known_fees_yen or short_yen in known_fees_yen)
    )
    return Allocation(
        applied_yen=applied_yen,
        credit_yen=paid_yen - applied_yen,
        suspense_yen=0,
        still_due_yen=0 if is_fee else short_yen,
        fee_yen=short_yen if is_fee else 0,
    )
