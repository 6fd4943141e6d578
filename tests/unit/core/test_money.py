"""Consumption tax is rounded once per rate per document; yen read as people read them (algorithms.md 3)."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DomainError, InvariantBroken
from core.money import MAX_YEN, TaxRounding, checked_yen, consumption_tax, format_yen, spread_discount

LINES = st.lists(st.tuples(st.sampled_from([0, 8, 10]), st.integers(0, 10_000_000)), max_size=12)
ROUNDED = {
    TaxRounding.FLOOR: floor,
    TaxRounding.CEIL: ceil,
    TaxRounding.HALF_UP: lambda tax: floor(tax + Fraction(1, 2)),
}


@pytest.mark.parametrize(
    ("lines", "includes_tax", "by_rate", "net", "tax", "total"),
    [
        ([(10, 105)] * 3, False, {10: 31}, 315, 31, 346),
        ([(10, 1_000)] * 3, True, {10: 272}, 2_728, 272, 3_000),
        ([(10, 980), (10, 1_980), (10, 333), (8, 1_078)], False, {10: 329, 8: 86}, 4_371, 415, 4_786),
        ([(10, 12_000), (10, 774)], False, {10: 1_277}, 12_774, 1_277, 14_051),
        ([(0, 500)], False, {0: 0}, 500, 0, 500),
        ([], False, {}, 0, 0, 0),
    ],
)
def test_tax_is_rounded_once_per_rate_per_document(
    lines: list[tuple[int, int]], includes_tax: bool, by_rate: dict[int, int], net: int, tax: int, total: int
) -> None:
    totals = consumption_tax(lines, price_includes_tax=includes_tax)
    assert {part.rate_percent: part.tax_yen for part in totals.by_rate} == by_rate
    assert (totals.net_yen, totals.tax_yen, totals.total_yen) == (net, tax, total)


def test_rates_are_listed_highest_first() -> None:
    totals = consumption_tax([(8, 1), (10, 1), (0, 1)], price_includes_tax=False)
    assert [part.rate_percent for part in totals.by_rate] == [10, 8, 0]


@pytest.mark.parametrize(
    ("rounding", "net_yen", "tax_yen"),
    [
        (TaxRounding.FLOOR, 315, 31),
        (TaxRounding.HALF_UP, 315, 32),
        (TaxRounding.HALF_UP, 314, 31),
        (TaxRounding.CEIL, 311, 32),
        (TaxRounding.CEIL, 310, 31),
    ],
)
def test_the_issuer_chooses_how_tax_is_rounded(rounding: TaxRounding, net_yen: int, tax_yen: int) -> None:
    assert consumption_tax([(10, net_yen)], price_includes_tax=False, rounding=rounding).tax_yen == tax_yen


@given(lines=LINES, includes_tax=st.booleans(), rounding=st.sampled_from(TaxRounding))
def test_pain_pretix_5861_totals_equal_an_independent_recomputation(
    lines: list[tuple[int, int]], includes_tax: bool, rounding: TaxRounding
) -> None:
    """Net/tax off by one unit: exact fractions, rounded once, are the independent checker."""
    totals = consumption_tax(lines, price_includes_tax=includes_tax, rounding=rounding)
    for part in totals.by_rate:
        base = sum(amount for rate, amount in lines if rate == part.rate_percent)
        divisor = 100 + part.rate_percent if includes_tax else 100
        assert part.tax_yen == ROUNDED[rounding](Fraction(base * part.rate_percent, divisor))
        assert (part.gross_yen if includes_tax else part.net_yen) == base
        assert part.net_yen + part.tax_yen == part.gross_yen
    assert totals.net_yen + totals.tax_yen == totals.total_yen == sum(part.gross_yen for part in totals.by_rate)


def test_lines_that_add_up_to_less_than_nothing_are_refused() -> None:
    assert consumption_tax([(10, 1_000), (10, -1_000)], price_includes_tax=False).total_yen == 0
    with pytest.raises(InvariantBroken):
        consumption_tax([(10, 1_000), (10, -1_001)], price_includes_tax=False)
    with pytest.raises(InvariantBroken):
        consumption_tax([(110, 1)], price_includes_tax=False)


def test_amounts_stay_within_ten_digits() -> None:
    assert checked_yen(MAX_YEN) == 9_999_999_999
    assert checked_yen(0) == 0
    for amount, least in ((MAX_YEN + 1, 0), (-1, 0), (0, 1)):
        with pytest.raises(DomainError) as refusal:
            checked_yen(amount, least_yen=least)  # type: ignore[arg-type]
        assert refusal.value.code == "yen_out_of_range"
    with pytest.raises(DomainError):
        consumption_tax([(10, MAX_YEN)], price_includes_tax=False)


@pytest.mark.parametrize(
    ("amount", "ja", "en"),
    [
        (13_200, "13,200円", "¥13,200"),
        (0, "0円", "¥0"),
        (-949, "-949円", "-¥949"),
        (MAX_YEN, "9,999,999,999円", "¥9,999,999,999"),
    ],
)
def test_yen_are_written_as_people_read_them(amount: int, ja: str, en: str) -> None:
    assert (format_yen(amount), format_yen(amount, "en")) == (ja, en)


def test_the_largest_remainder_takes_the_left_over_yen_of_a_discount() -> None:
    # 100 over 3,293 and 1,078: 75.337… and 24.662…; the odd yen belongs to the 8 % lines
    assert spread_discount({10: 3_293, 8: 1_078}, 100) == {10: 75, 8: 25}
    assert spread_discount({10: 500, 8: 500}, 1) == {10: 1, 8: 0}
    assert spread_discount({10: 0}, 0) == {10: 0}


@given(
    sums=st.dictionaries(st.sampled_from([0, 8, 10]), st.integers(0, 10_000_000), min_size=1),
    share=st.fractions(min_value=0, max_value=1),
)
def test_a_discount_is_spread_without_losing_or_inventing_a_yen(sums: dict[int, int], share: Fraction) -> None:
    discount_yen = int(sum(sums.values()) * share)
    shares = spread_discount(sums, discount_yen)
    assert sum(shares.values()) == discount_yen
    for rate, part in sums.items():
        assert 0 <= shares[rate] <= part
        assert abs(Fraction(shares[rate]) - Fraction(discount_yen * part, sum(sums.values()) or 1)) < 1


def test_a_discount_above_the_sum_is_refused() -> None:
    with pytest.raises(DomainError) as refusal:
        spread_discount({10: 100}, 101)
    assert refusal.value.code == "discount_too_large"
