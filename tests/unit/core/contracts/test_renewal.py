"""C2, C3, C6, R1, R5: states as of a day, renewing by hand, daily rate to the month's end (algorithms.md 1 and 2)."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.contracts.policy import (
    ContractSnapshot,
    ContractStatus,
    PaidRenewal,
    RenewalQuote,
    contract_state,
    days_left,
    decide_paid_renewal,
    decide_renewal,
    extend,
    prorated_change,
    renewable_until,
)
from core.errors import DomainError
from core.money import MAX_YEN, consumption_tax

D = date.fromisoformat
E = D("2027-03-11")
CONTRACT = ContractSnapshot(
    expires_on=E, anchor=11, status=ContractStatus.ACTIVE, grace_days=7, window_days=7, has_open_renewal=False
)


def renew(contract: ContractSnapshot = CONTRACT, *, today: date = E, **changed: object) -> RenewalQuote:
    asked: dict[str, object] = {"term_months": 1, "price_yen": 1_200, "monthly_list_price_yen": 1_200, **changed}
    return decide_renewal(contract, today=today, **asked)  # type: ignore[arg-type]


def code_of(contract: ContractSnapshot = CONTRACT, **changed: object) -> str:
    with pytest.raises(DomainError) as refusal:
        renew(contract, **changed)  # type: ignore[arg-type]
    return refusal.value.code


@pytest.mark.parametrize(
    ("price", "expires", "anchor", "term", "extended", "days", "month_days", "daily_yen", "new_expiry"),
    [
        (1_200, "2027-03-11", 11, 1, "2027-04-11", 19, 30, 760, "2027-04-30"),
        (1_200, "2027-03-11", 11, 12, "2028-03-11", 20, 31, 774, "2028-03-31"),
        (1_200, "2027-01-11", 11, 1, "2027-02-11", 17, 28, 728, "2027-02-28"),
        (500, "2027-03-26", 26, 3, "2027-06-26", 4, 30, 66, "2027-06-30"),
        (980, "2028-01-09", 9, 1, "2028-02-09", 20, 29, 675, "2028-02-29"),
        (1_200, "2027-04-30", 30, 1, "2027-05-30", 1, 31, 38, "2027-05-31"),
        (1_200, "2027-05-30", 30, 1, "2027-06-30", 0, 30, 0, "2027-06-30"),
    ],
)
def test_a_renewal_to_the_month_end_is_extended_first_and_then_filled_by_daily_rate(
    price: int,
    expires: str,
    anchor: int,
    term: int,
    extended: str,
    days: int,
    month_days: int,
    daily_yen: int,
    new_expiry: str,
) -> None:
    contract = replace(CONTRACT, expires_on=D(expires), anchor=anchor)
    quote = renew(
        contract,
        today=D(expires),
        term_months=term,
        price_yen=10 * price,
        monthly_list_price_yen=price,
        to_month_end=True,
    )
    assert quote == RenewalQuote(
        term_months=term,
        old_expires_on=D(expires),
        new_expires_on=D(new_expiry),
        new_anchor=31,
        term_yen=10 * price,
        daily_days=days,
        daily_yen=daily_yen,
        month_days=month_days,
    )
    assert D(extended) + timedelta(days=days) == quote.new_expires_on
    assert quote.total_yen == 10 * price + daily_yen


def test_twelve_months_and_the_days_to_the_month_end_with_tax_make_14_051() -> None:
    quote = renew(term_months=12, price_yen=12_000, to_month_end=True)
    totals = consumption_tax([(10, quote.term_yen), (10, quote.daily_yen)], price_includes_tax=False)
    assert (totals.net_yen, totals.tax_yen, totals.total_yen) == (12_774, 1_277, 14_051)


@given(
    expires=st.dates(date(2025, 1, 1), date(2035, 12, 31)),
    term=st.sampled_from([1, 3, 6, 12, 24, 36, 60]),
    price=st.integers(0, 100_000),
    off_anchor=st.booleans(),
)
def test_the_daily_rate_covers_exactly_the_days_to_the_month_end(
    expires: date, term: int, price: int, off_anchor: bool
) -> None:
    last = monthrange(expires.year, expires.month)[1]
    anchor = 31 if off_anchor and expires.day == last else expires.day
    contract = replace(CONTRACT, expires_on=expires, anchor=anchor)
    asked = {"today": expires, "term_months": term, "price_yen": price, "monthly_list_price_yen": price}
    plain = renew(contract, **asked)  # type: ignore[arg-type]
    filled = renew(contract, to_month_end=True, **asked)  # type: ignore[arg-type]
    assert (plain.daily_days, plain.daily_yen, plain.new_anchor) == (0, 0, anchor)
    assert plain.new_expires_on == extend(expires, term, anchor)
    assert (filled.new_expires_on + timedelta(days=1)).day == 1
    assert (filled.new_expires_on - plain.new_expires_on).days == filled.daily_days < filled.month_days
    assert filled.daily_yen == floor(Fraction(price * filled.daily_days, filled.month_days)) <= price
    assert extend(filled.new_expires_on, 1, filled.new_anchor) > filled.new_expires_on


@pytest.mark.parametrize("days_after", [-400, -1, 0, 1, 7])
def test_a_renewal_counts_from_the_old_expiry_however_early_or_late_it_is(days_after: int) -> None:
    quote = renew(today=E + timedelta(days=days_after), term_months=3)
    assert (quote.old_expires_on, quote.new_expires_on, quote.new_anchor) == (E, D("2027-06-11"), 11)
    assert (quote.daily_days, quote.daily_yen, quote.term_yen) == (0, 0, 1_200)


def test_r1_the_window_closes_after_its_seventh_day() -> None:
    assert renewable_until(CONTRACT) == D("2027-03-18")
    assert renew(today=D("2027-03-18")).new_expires_on == D("2027-04-11")
    with pytest.raises(DomainError) as refusal:
        renew(today=D("2027-03-19"))
    assert (refusal.value.code, refusal.value.data) == ("after_window", {"last_day": D("2027-03-18")})


@pytest.mark.parametrize(("window", "grace", "last"), [(3, 7, 3), (7, 3, 3), (0, 7, 0)])
def test_the_window_never_reaches_beyond_the_grace(window: int, grace: int, last: int) -> None:
    contract = replace(CONTRACT, window_days=window, grace_days=grace)
    assert renewable_until(contract) == E + timedelta(days=last)
    assert renew(contract, today=E + timedelta(days=last)).old_expires_on == E
    assert code_of(contract, today=E + timedelta(days=last + 1)) == "after_window"


def test_what_cannot_be_renewed_says_why() -> None:
    assert code_of(replace(CONTRACT, status=ContractStatus.CANCELLED)) == "cancelled"
    assert code_of(replace(CONTRACT, status=ContractStatus.ENDED)) == "ended"
    assert code_of(replace(CONTRACT, has_open_renewal=True)) == "renewal_open"
    assert code_of(price_yen=None) == "term_not_offered"
    assert code_of(term_months=0) == "term_not_offered"
    assert code_of(monthly_list_price_yen=None, to_month_end=True) == "no_daily_rate"
    assert code_of(price_yen=MAX_YEN, to_month_end=True) == "yen_out_of_range"
    assert code_of(price_yen=-1) == "yen_out_of_range"


def test_no_monthly_price_is_needed_where_no_day_is_left_to_fill() -> None:
    contract = replace(CONTRACT, expires_on=D("2027-03-31"), anchor=31)
    quote = renew(contract, today=E, monthly_list_price_yen=None, to_month_end=True)
    assert (quote.new_expires_on, quote.daily_days) == (D("2027-04-30"), 0)


@pytest.mark.parametrize(
    ("status", "days_after", "expected"),
    [
        (ContractStatus.ACTIVE, 0, ContractStatus.ACTIVE),
        (ContractStatus.ACTIVE, 1, ContractStatus.IN_GRACE),
        (ContractStatus.ACTIVE, 7, ContractStatus.IN_GRACE),
        (ContractStatus.ACTIVE, 8, ContractStatus.ENDED),
        (ContractStatus.TRIAL, 0, ContractStatus.TRIAL),
        (ContractStatus.TRIAL, 1, ContractStatus.IN_GRACE),
        (ContractStatus.IN_GRACE, 0, ContractStatus.ACTIVE),
        (ContractStatus.IN_GRACE, 7, ContractStatus.IN_GRACE),
        (ContractStatus.IN_GRACE, 8, ContractStatus.ENDED),
        (ContractStatus.CANCELLED, 0, ContractStatus.CANCELLED),
        (ContractStatus.CANCELLED, 1, ContractStatus.ENDED),
        (ContractStatus.ENDED, -5, ContractStatus.ENDED),
    ],
)
def test_c6_a_state_holds_to_the_end_of_its_last_day(
    status: ContractStatus, days_after: int, expected: ContractStatus
) -> None:
    today = E + timedelta(days=days_after)
    assert contract_state(status=status, expires_on=E, grace_days=7, today=today) is expected


def test_days_left_is_nought_on_the_last_day() -> None:
    assert [days_left(E, D(day)) for day in ("2027-03-01", "2027-03-11", "2027-03-12")] == [10, 0, -1]


@pytest.mark.parametrize(
    ("status", "days_after", "resumes"),
    [
        (ContractStatus.ACTIVE, 0, False),
        (ContractStatus.ACTIVE, 7, False),
        (ContractStatus.ACTIVE, 8, True),
        (ContractStatus.ENDED, 9, True),
        (ContractStatus.CANCELLED, 1, True),
    ],
)
def test_pain_6_money_for_an_open_renewal_is_honoured_in_every_state(
    status: ContractStatus, days_after: int, resumes: bool
) -> None:
    """A paid renewal was refused because the nightly run had stopped the order minutes before."""
    paid = decide_paid_renewal(replace(CONTRACT, status=status), renew(), today=E + timedelta(days=days_after))
    assert paid == PaidRenewal(expires_on=D("2027-04-11"), anchor=11, resumes=resumes)


def test_pain_2_the_same_renewal_never_extends_twice() -> None:
    """One payment renewed an order at the webhook and again at the nightly run."""
    quote = renew()
    paid = decide_paid_renewal(CONTRACT, quote, today=E)
    extended = replace(CONTRACT, expires_on=paid.expires_on, anchor=paid.anchor)
    with pytest.raises(DomainError) as refusal:
        decide_paid_renewal(extended, quote, today=E)
    assert refusal.value.code == "renewal_overtaken"


def test_a_plan_change_on_the_second_day_of_a_year_credits_and_charges_364_of_365_days() -> None:
    change = prorated_change(
        term_starts_on=D("2027-01-01"),
        expires_on=D("2027-12-31"),
        effective_on=D("2027-01-02"),
        old_net_yen=12_000,
        new_net_yen=24_000,
    )
    assert (change.days_left, change.days_total) == (364, 365)
    assert (change.credit_yen, change.charge_yen, change.due_yen) == (11_967, 23_934, 11_967)


@given(left=st.integers(1, 366), old=st.integers(0, 1_000_000), new=st.integers(0, 1_000_000))
def test_a_plan_change_never_credits_more_than_was_paid(left: int, old: int, new: int) -> None:
    end = D("2028-12-31")
    change = prorated_change(
        term_starts_on=D("2028-01-01"),
        expires_on=end,
        effective_on=end - timedelta(days=left - 1),
        old_net_yen=old,
        new_net_yen=new,
    )
    assert (change.days_left, change.days_total) == (left, 366)
    assert 0 <= change.credit_yen <= old
    assert change.charge_yen == floor(Fraction(new * left, 366))
    assert change.due_yen == change.charge_yen - change.credit_yen
    if left == 366:
        assert change.due_yen == new - old


@pytest.mark.parametrize("effective", ["2026-12-31", "2028-01-01"])
def test_a_plan_change_outside_its_term_is_refused(effective: str) -> None:
    with pytest.raises(DomainError) as refusal:
        prorated_change(
            term_starts_on=D("2027-01-01"),
            expires_on=D("2027-12-31"),
            effective_on=D(effective),
            old_net_yen=1,
            new_net_yen=2,
        )
    assert refusal.value.code == "outside_term"
