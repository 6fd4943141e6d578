"""What a cancellation costs: the profile's rows, by the day it was asked for, in whole yen."""

from datetime import date

import pytest

from core.bookings.policy import fee_of_cancelling
from tests.support.facility import facility_profile

USED_ON = date(2026, 12, 10)


@pytest.mark.parametrize(
    ("asked_on", "percent", "yen"),
    [
        (date(2026, 12, 2), 0, 0),
        (date(2026, 12, 3), 50, 2_400),
        (date(2026, 12, 8), 50, 2_400),
        (date(2026, 12, 9), 80, 3_840),
        (date(2026, 12, 10), 80, 3_840),
    ],
)
def test_the_row_that_begins_latest_counts_and_the_yen_are_rounded_down(asked_on: date, percent: int, yen: int) -> None:
    bookings = facility_profile().bookings
    assert bookings is not None
    fee = fee_of_cancelling(
        bookings.cancellation_fees, was_confirmed=True, charge_yen=4_801, used_on=USED_ON, asked_on=asked_on
    )
    assert fee == (4_801, percent, yen)


@pytest.mark.parametrize(("confirmed", "charge_yen", "rules"), [(False, 4_800, 2), (True, None, 2), (True, 4_800, 0)])
def test_without_a_rule_an_amount_or_a_confirmation_nothing_is_claimed(
    confirmed: bool, charge_yen: int | None, rules: int
) -> None:
    bookings = facility_profile().bookings
    assert bookings is not None
    given = bookings.cancellation_fees[:rules]
    assert (
        fee_of_cancelling(given, was_confirmed=confirmed, charge_yen=charge_yen, used_on=USED_ON, asked_on=USED_ON)
        is None
    )
