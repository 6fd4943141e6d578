"""What the profile says about an invoice: its tax and its deadline (algorithms.md 3 and 9)."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from core.billing.policy import BankHolidayRule, Confirmation, lapse_on, payment_deadline
from core.money import DocumentTotals, consumption_tax
from core.profiles.model import Profile


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
    confirmation = Confirmation.CARD if method == "credit_card" else Confirmation(profile.payment.confirmation)
    return Deadline(
        due_on, lapse_on(due_on, confirmation=confirmation, bank_days=profile.payment.lapse_after_bank_days)
    )
