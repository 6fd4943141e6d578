"""P7: deadlines on bank days, and when an unpaid invoice lapses (algorithms.md 9)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bankdays import is_bank_day
from core.billing.policy import (
    BankHolidayRule,
    Confirmation,
    KeepReason,
    decide_lapse,
    format_invoice_no,
    is_lapsed,
    lapse_announced_on,
    lapse_on,
    payment_deadline,
    provider_lapse_at,
)
from core.errors import InvariantBroken

D = date.fromisoformat
FRIDAY = D("2027-04-02")
DAYS = st.dates(date(2026, 1, 1), date(2032, 12, 31))


@pytest.mark.parametrize(
    ("issue", "days", "grace_end", "rule", "expected"),
    [
        ("2027-04-24", 7, None, BankHolidayRule.MOVE, "2027-05-06"),  # Sat 2027-05-01 moved over Golden Week
        ("2027-04-24", 7, None, BankHolidayRule.KEEP, "2027-05-01"),
        ("2027-04-24", 12, None, BankHolidayRule.MOVE, "2027-05-06"),
        ("2027-03-01", 14, "2027-03-10", BankHolidayRule.KEEP, "2027-03-10"),
        ("2027-03-01", 14, "2027-04-10", BankHolidayRule.KEEP, "2027-03-15"),
        ("2027-03-01", 14, "2027-03-13", BankHolidayRule.MOVE, "2027-03-15"),
        ("2027-03-01", 0, None, BankHolidayRule.KEEP, "2027-03-01"),
    ],
)
def test_a_deadline_is_the_days_given_within_the_grace_and_moved_off_bank_holidays_if_the_profile_says_so(
    issue: str, days: int, grace_end: str | None, rule: BankHolidayRule, expected: str
) -> None:
    grace_end_on = D(grace_end) if grace_end else None
    assert payment_deadline(D(issue), days, grace_end_on=grace_end_on, bank_holiday_rule=rule) == D(expected)


@given(issue=DAYS, days=st.integers(0, 60))
def test_a_moved_deadline_is_the_first_bank_day_from_the_kept_one(issue: date, days: int) -> None:
    kept = payment_deadline(issue, days)
    moved = payment_deadline(issue, days, bank_holiday_rule=BankHolidayRule.MOVE)
    assert is_bank_day(moved)
    assert not any(is_bank_day(kept + timedelta(days=n)) for n in range((moved - kept).days))


def test_a_deadline_before_the_invoice_is_refused() -> None:
    with pytest.raises(InvariantBroken):
        payment_deadline(FRIDAY, -1)


@pytest.mark.parametrize(
    ("deadline", "confirmation", "bank_days", "expected"),
    [
        ("2027-04-02", Confirmation.STAFF, 3, "2027-04-07"),
        ("2027-04-02", Confirmation.STAFF, 1, "2027-04-05"),
        ("2027-04-02", Confirmation.STATEMENT, 3, "2027-04-05"),
        ("2027-04-02", Confirmation.CARD, 3, "2027-04-02"),
        ("2027-05-01", Confirmation.STATEMENT, 3, "2027-05-06"),
        ("2027-05-01", Confirmation.STAFF, 3, "2027-05-10"),
        ("2026-12-30", Confirmation.STAFF, 3, "2027-01-06"),
    ],
)
def test_waiting_ends_with_the_bank_day_on_which_money_sent_in_time_is_seen(
    deadline: str, confirmation: Confirmation, bank_days: int, expected: str
) -> None:
    assert lapse_on(D(deadline), confirmation=confirmation, bank_days=bank_days) == D(expected)


def test_an_invoice_lapses_after_the_last_day_of_waiting_and_is_announced_the_day_before_it() -> None:
    def lapsed(day: str, confirmation: Confirmation) -> bool:
        return is_lapsed(today=D(day), deadline_on=FRIDAY, confirmation=confirmation)

    assert [lapsed(day, Confirmation.STAFF) for day in ("2027-04-03", "2027-04-07", "2027-04-08")] == [
        False,
        False,
        True,
    ]
    assert [lapsed(day, Confirmation.CARD) for day in ("2027-04-02", "2027-04-03")] == [False, True]
    assert lapse_on(FRIDAY) == D("2027-04-07")
    assert lapse_announced_on(lapse_on(FRIDAY)) == D("2027-04-06")


def test_pain_18_a_transfer_of_the_last_evening_is_awaited_until_a_statement_covers_the_next_bank_day() -> None:
    """Deadline Friday, transfer at 20:00, booked on Monday the 5th: however late it gets, Monday must be covered."""

    def lapsed(covered: str | None, today: str = "2027-12-31") -> bool:
        return is_lapsed(
            today=D(today),
            deadline_on=FRIDAY,
            confirmation=Confirmation.STATEMENT,
            statement_covers_until=D(covered) if covered else None,
        )

    assert not lapsed(None)
    assert not lapsed("2027-04-02")
    assert not lapsed("2027-04-04")
    assert lapsed("2027-04-05", today="2027-04-06")


@given(deadline=DAYS, confirmation=st.sampled_from(Confirmation), late=st.integers(0, 20), bank_days=st.integers(1, 9))
def test_nothing_lapses_by_its_deadline_day(
    deadline: date, confirmation: Confirmation, late: int, bank_days: int
) -> None:
    today = deadline + timedelta(days=late)
    lapsed = is_lapsed(
        today=today,
        deadline_on=deadline,
        confirmation=confirmation,
        bank_days=bank_days,
        statement_covers_until=today - timedelta(days=1),
    )
    if late == 0:
        assert not lapsed
    if lapsed and confirmation is not Confirmation.CARD:
        between = [deadline + timedelta(days=n) for n in range(1, late)]
        assert sum(is_bank_day(day) for day in between) >= (bank_days if confirmation is Confirmation.STAFF else 1)


def test_a_convenience_store_invoice_lapses_an_hour_after_the_provider_closes_it() -> None:
    assert provider_lapse_at(datetime(2027, 4, 2, 14, 59, tzinfo=UTC)) == datetime(2027, 4, 2, 15, 59, tzinfo=UTC)


@pytest.mark.parametrize(("allocation", "candidate", "report"), list(product([False, True], repeat=3)))
def test_pain_18_any_sign_of_money_keeps_an_invoice_from_lapsing(
    allocation: bool, candidate: bool, report: bool
) -> None:
    decision = decide_lapse(has_allocation=allocation, candidate_same_amount=candidate, open_report=report)
    assert decision.void is not (allocation or candidate or report)
    assert (KeepReason.ALLOCATION in decision.kept_for) is allocation
    assert (KeepReason.CANDIDATE in decision.kept_for) is candidate
    assert (KeepReason.OPEN_REPORT in decision.kept_for) is report


def test_invoice_numbers_are_written_with_year_and_six_digits() -> None:
    assert format_invoice_no(2026, 123) == "INV-2026-000123"
    assert format_invoice_no(2026, 1_234_567) == "INV-2026-1234567"
    for year, n in ((2026, 0), (26, 1)):
        with pytest.raises(InvariantBroken):
            format_invoice_no(year, n)
