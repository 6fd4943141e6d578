"""What the profile says about an invoice: its tax and its deadline (algorithms.md 3 and 9)."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from core.billing.policy import BankHolidayRule, Confirmation, lapse_on, payment_deadline
from core.money import DocumentTotals, consumption_tax
from core.profiles.model import Profile

BANK_TRANSFER = "bank_transfer"


class Deadline(NamedTuple):
    """Until when the member may pay, and the last day of waiting for money sent by then (algorithms.md 9)."""

    due_on: date
    lapse_on: date


def totals_of(profile: Profile, amounts_yen: Iterable[int]) -> DocumentTotals:
    """Net, tax and total of a document with these lines: one rounding for the whole (algorithms.md 3)."""
    return consumption_tax(
        ((profile.tax_rate_percent, amount) for amount in amounts_yen),
        price_includes_tax=profile.price_includes_tax,
        rounding=profile.tax_rounding,
    )


def deadline_for(profile: Profile, *, method: str, issued_on: date, grace_end_on: date | None = None) -> Deadline:
    """Until when an invoice issued on a day may be paid, and how long money sent by then is waited for."""
    due_on = payment_deadline(
        issued_on,
        profile.payment.deadline_days,
        grace_end_on=grace_end_on,
        bank_holiday_rule=BankHolidayRule(profile.payment.deadline_bank_holiday),
    )
    # A number that a convenience store still takes keeps its invoice beyond that day by itself (core/billing/lapse.py)
    confirmation = Confirmation(profile.payment.confirmation) if method == BANK_TRANSFER else Confirmation.CARD
    return Deadline(
        due_on, lapse_on(due_on, confirmation=confirmation, bank_days=profile.payment.lapse_after_bank_days)
    )
