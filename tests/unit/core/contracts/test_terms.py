"""C3, expiry arithmetic: terms in months, the anchor kept, the law's rule as the judge (algorithms.md 1)."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.contracts.policy import anchor_of_start, assumed_anchor, extend, first_expiry
from core.errors import DomainError, InvariantBroken

D = date.fromisoformat
STARTS = st.dates(date(2023, 1, 1), date(2031, 12, 31))


def end_by_law(start_on: date, term_months: int) -> date:
    """民法143条2項, said in another way than the code: count months one by one, then look for the corresponding day."""
    year, month = start_on.year, start_on.month
    for _ in range(term_months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    try:
        return date(year, month, start_on.day) - timedelta(days=1)
    except ValueError:  # that month has no such day: its last day
        return date(year, month, monthrange(year, month)[1])


@pytest.mark.parametrize(
    ("start", "anchor", "expiries"),
    [
        ("2027-01-31", 30, {1: "2027-02-28", 2: "2027-03-30", 3: "2027-04-30", 12: "2028-01-30"}),
        ("2027-01-29", 28, {1: "2027-02-28", 2: "2027-03-28", 3: "2027-04-28", 12: "2028-01-28"}),
        ("2027-02-01", 31, {1: "2027-02-28", 2: "2027-03-31", 3: "2027-04-30", 12: "2028-01-31"}),
        ("2027-01-12", 11, {1: "2027-02-11", 2: "2027-03-11", 3: "2027-04-11", 12: "2028-01-11"}),
        ("2028-02-29", 28, {1: "2028-03-28", 2: "2028-04-28", 3: "2028-05-28", 12: "2029-02-28"}),
        ("2027-08-31", 30, {6: "2028-02-29"}),
    ],
)
def test_a_first_term_ends_the_day_before_the_corresponding_day(
    start: str, anchor: int, expiries: dict[int, str]
) -> None:
    assert anchor_of_start(D(start)) == anchor
    assert {months: first_expiry(D(start), months).isoformat() for months in expiries} == expiries


def test_terms_in_a_row_keep_the_anchor() -> None:
    start = D("2027-01-31")
    anchor = anchor_of_start(start)
    assert extend(extend(first_expiry(start, 1), 3, anchor), 12, anchor) == D("2028-05-30")


@pytest.mark.parametrize(
    ("expires", "anchor", "chain"),
    [
        ("2027-01-31", 31, ["2027-02-28", "2027-03-31", "2027-04-30"]),
        ("2027-01-30", 30, ["2027-02-28", "2027-03-30"]),
        ("2028-02-29", 31, ["2028-03-31"]),
        ("2028-02-29", 29, ["2028-03-29"]),
    ],
)
def test_an_expiry_extended_month_by_month_returns_to_its_anchor(expires: str, anchor: int, chain: list[str]) -> None:
    reached = D(expires)
    for expected in chain:
        reached = extend(reached, 1, anchor)
        assert reached.isoformat() == expected


def test_every_start_from_2023_to_2031_and_every_term_to_60_months_agrees_with_the_law() -> None:
    """Brute force: 3,287 starts × 60 terms, each also reached as 1 month + the rest."""
    compared = 0
    day = date(2023, 1, 1)
    while day <= date(2031, 12, 31):
        anchor = anchor_of_start(day)
        first = first_expiry(day, 1)
        for months in range(1, 61):
            lawful = end_by_law(day, months)
            assert first_expiry(day, months) == lawful, (day, months)
            assert months == 1 or extend(first, months - 1, anchor) == lawful, (day, months)
            compared += 1
        day += timedelta(days=1)
    assert compared == 197_220


@given(start=STARTS, terms=st.lists(st.integers(1, 60), min_size=1, max_size=6))
def test_pain_7_31_never_becomes_28_for_ever(start: date, terms: list[int]) -> None:
    """A chain of terms ends where one term of their sum ends: no drift over February, no overflow into March."""
    anchor = anchor_of_start(start)
    expires = first_expiry(start, terms[0])
    for months in terms[1:]:
        expires = extend(expires, months, anchor)
    assert expires == first_expiry(start, sum(terms)) == end_by_law(start, sum(terms))


@given(start=STARTS, months=st.integers(1, 60))
def test_pain_8_a_contract_on_the_31st_is_due_in_every_month(start: date, months: int) -> None:
    """No month is skipped and none ends a day early: the expiry is the anchor's day or the month's last."""
    anchor = anchor_of_start(start)
    expires = first_expiry(start, 1)
    for _ in range(months):
        following = extend(expires, 1, anchor)
        assert (following.year * 12 + following.month) - (expires.year * 12 + expires.month) == 1
        assert following.day == min(anchor, monthrange(following.year, following.month)[1])
        expires = following


@given(start=STARTS, months=st.integers(1, 60))
def test_pain_9_a_term_is_never_a_month_too_long_or_counted_in_31_days(start: date, months: int) -> None:
    """A term of n months lies within n calendar months: never shorter than n Februaries, never over n·31 days."""
    length = (first_expiry(start, months) - start).days + 1
    assert 28 * months <= length <= 31 * months
    assert first_expiry(start, months) < first_expiry(start, months + 1)


@pytest.mark.parametrize(
    ("expires", "anchor", "assumed"),
    [
        ("2027-01-31", 31, False),
        ("2027-02-28", 31, True),
        ("2028-02-28", 28, False),
        ("2028-02-29", 31, True),
        ("2027-04-30", 31, True),
        ("2027-05-30", 30, False),
        ("2027-04-11", 11, False),
    ],
)
def test_an_imported_expiry_on_a_short_months_last_day_is_assumed_to_be_a_31st(
    expires: str, anchor: int, assumed: bool
) -> None:
    assert assumed_anchor(D(expires)) == (anchor, assumed)


def test_terms_and_anchors_that_do_not_exist_are_refused() -> None:
    for months in (0, -1):
        with pytest.raises(InvariantBroken):
            first_expiry(D("2027-01-31"), months)
        with pytest.raises(InvariantBroken):
            extend(D("2027-01-31"), months, 31)
    for anchor in (0, 32):
        with pytest.raises(InvariantBroken):
            extend(D("2027-01-31"), 1, anchor)
    with pytest.raises(DomainError) as refusal:
        extend(date(9999, 12, 31), 1, 31)
    assert refusal.value.code == "expiry_out_of_range"
    assert extend(date(9999, 11, 30), 1, 31) == date(9999, 12, 31)
