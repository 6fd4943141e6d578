"""Yen: bounds, wording, and Japan's consumption tax with one rounding per rate per document (algorithms.md 3).

Amounts are plain `int` yen in names that end in `_yen`. Floats never occur: every rounding is integer arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from core.errors import DomainError, InvariantBroken

MAX_YEN = 9_999_999_999
"""The largest amount anything may carry: the 10 digits of a Zengin record's amount field."""


class TaxRounding(StrEnum):
    """How the tax of a rate is rounded to whole yen; the issuer's choice, stored on the document."""

    FLOOR = "floor"
    HALF_UP = "half_up"
    CEIL = "ceil"


@dataclass(frozen=True, slots=True)
class RateTotals:
    """What a document says about one tax rate: net (税抜), tax (消費税) and gross (税込), in yen."""

    rate_percent: int
    net_yen: int
    tax_yen: int
    gross_yen: int


@dataclass(frozen=True, slots=True)
class DocumentTotals:
    """The totals of a document and, highest rate first, of each rate on it."""

    by_rate: tuple[RateTotals, ...]
    net_yen: int
    tax_yen: int
    total_yen: int


def format_yen(amount_yen: int, lang: str = "ja") -> str:
    """Return the amount as people read it: "13,200円", in English "¥13,200"; a minus sign leads a negative one."""
    sign = "-" if amount_yen < 0 else ""
    digits = f"{abs(amount_yen):,}"
    return f"{sign}¥{digits}" if lang == "en" else f"{sign}{digits}円"


def checked_yen(amount_yen: int, *, least_yen: Literal[0, 1] = 0) -> int:
    """Return the amount when it lies in `least_yen … MAX_YEN`.

    Raises DomainError `yen_out_of_range` (data: amount_yen, least_yen, most_yen): an amount that people or files gave.
    """
    if not least_yen <= amount_yen <= MAX_YEN:
        raise DomainError("yen_out_of_range", amount_yen=amount_yen, least_yen=least_yen, most_yen=MAX_YEN)
    return amount_yen


def consumption_tax(
    lines: Iterable[tuple[int, int]], *, price_includes_tax: bool, rounding: TaxRounding = TaxRounding.FLOOR
) -> DocumentTotals:
    """Return the totals of one document from its lines, each (rate in percent, amount in yen).

    The amounts are net when prices exclude tax and gross when they include it; one document is one or the other.
    The tax of a rate is taken once, on the sum of its lines (国税庁 Q&A 問57), rounded as `rounding` says. Inclusive
    prices give net = gross − tax. A line may be negative (a discount), the sum of a rate may not.
    Raises InvariantBroken for a negative sum or a rate outside 0–100, DomainError `yen_out_of_range` for a total above
    `MAX_YEN`.
    """
    sums: dict[int, int] = {}
    for rate_percent, amount_yen in lines:
        sums[rate_percent] = sums.get(rate_percent, 0) + amount_yen
    by_rate = tuple(
        _rate_totals(rate, sums[rate], price_includes_tax=price_includes_tax, rounding=rounding)
        for rate in sorted(sums, reverse=True)
    )
    return DocumentTotals(
        by_rate=by_rate,
        net_yen=sum(part.net_yen for part in by_rate),
        tax_yen=sum(part.tax_yen for part in by_rate),
        total_yen=checked_yen(sum(part.gross_yen for part in by_rate)),
    )


def _rate_totals(rate_percent: int, sum_yen: int, *, price_includes_tax: bool, rounding: TaxRounding) -> RateTotals:
    if not 0 <= rate_percent <= 100:
        raise InvariantBroken(f"tax rate {rate_percent} is not a percentage")
    if sum_yen < 0:
        raise InvariantBroken(f"the lines at {rate_percent} % add up to less than nothing")
    if price_includes_tax:
        tax_yen = _divided(sum_yen * rate_percent, 100 + rate_percent, rounding)
        return RateTotals(rate_percent, sum_yen - tax_yen, tax_yen, sum_yen)
    tax_yen = _divided(sum_yen * rate_percent, 100, rounding)
    return RateTotals(rate_percent, sum_yen, tax_yen, sum_yen + tax_yen)


def _divided(numerator: int, denominator: int, rounding: TaxRounding) -> int:
    """Return the quotient of non-negative integers, rounded as asked and without passing through a float."""
    if rounding is TaxRounding.FLOOR:
        return numerator // denominator
    if rounding is TaxRounding.CEIL:
        return -(-numerator // denominator)
    return (2 * numerator + denominator) // (2 * denominator)


def spread_discount(sums_yen: Mapping[int, int], discount_yen: int) -> dict[int, int]:
    """Return each rate's share of a discount on the whole document, before taxing (algorithms.md 3).

    Shares are proportional to the sums; the yen left over by flooring go to the largest remainders first, and to the
    higher rate between equal ones. The shares add up to the discount. Raises DomainError `discount_too_large` (data:
    discount_yen, most_yen) when the discount is more than there is.
    """
    whole_yen = sum(sums_yen.values())
    if not 0 <= discount_yen <= whole_yen or any(part < 0 for part in sums_yen.values()):
        raise DomainError("discount_too_large", discount_yen=discount_yen, most_yen=whole_yen)
    if whole_yen == 0:
        return dict.fromkeys(sums_yen, 0)
    shares = {rate: discount_yen * part // whole_yen for rate, part in sums_yen.items()}
    left_over = discount_yen - sum(shares.values())
    by_remainder = sorted(sums_yen, key=lambda rate: (discount_yen * sums_yen[rate] % whole_yen, rate), reverse=True)
    for rate in by_remainder[:left_over]:
        shares[rate] += 1
    return shares
