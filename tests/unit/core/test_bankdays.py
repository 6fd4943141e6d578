"""Bank days: no weekends, no holidays, no 31 December to 3 January (algorithms.md 9)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bankdays import add_bank_days, bank_day_on_or_after, is_bank_day, next_bank_day

DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2027, 4, 30), True),  # Friday
        (date(2027, 5, 1), False),  # Saturday
        (date(2027, 5, 2), False),  # Sunday
        (date(2027, 5, 3), False),  # Constitution Day
        (date(2027, 5, 6), True),
        (date(2027, 3, 22), False),  # the Monday after an equinox that falls on a Sunday
        (date(2026, 9, 22), False),  # between two holidays
        (date(2026, 12, 30), True),
        (date(2026, 12, 31), False),  # Thursday
        (date(2029, 1, 1), False),
        (date(2029, 1, 2), False),  # Tuesday, no public holiday
        (date(2029, 1, 3), False),
        (date(2029, 1, 4), True),
    ],
)
def test_a_bank_day_is_no_weekend_no_holiday_and_not_the_turn_of_the_year(day: date, expected: bool) -> None:
    assert is_bank_day(day) is expected


def test_a_saturday_before_golden_week_moves_to_the_thursday_after() -> None:
    assert bank_day_on_or_after(date(2027, 5, 1)) == date(2027, 5, 6)
    assert bank_day_on_or_after(date(2027, 5, 6)) == date(2027, 5, 6)
    assert next_bank_day(date(2027, 5, 6)) == date(2027, 5, 7)


def test_the_turn_of_the_year_is_skipped_when_counting() -> None:
    assert add_bank_days(date(2026, 12, 29), 1) == date(2026, 12, 30)
    assert add_bank_days(date(2026, 12, 29), 2) == date(2027, 1, 4)
    assert add_bank_days(date(2027, 1, 2), 0) == date(2027, 1, 2)


@given(day=DAYS, count=st.integers(1, 15))
def test_the_nth_bank_day_has_exactly_n_bank_days_behind_it(day: date, count: int) -> None:
    end = add_bank_days(day, count)
    passed = [day + timedelta(days=step) for step in range(1, (end - day).days + 1)]
    assert is_bank_day(end)
    assert sum(is_bank_day(each) for each in passed) == count
