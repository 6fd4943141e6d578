"""Decisions about a contract's dates, states and renewals: frozen values in, values out (algorithms.md 1 and 2).

`expires_on` (利用期限) is the last usable day, inclusive, and the only date a contract has. The *anchor* (1–31) is the
day of the month it falls on wherever the month has that day; keeping it is what stops 31 → 28 for ever.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import MAXYEAR, date, timedelta
from enum import StrEnum
from typing import NamedTuple

from core.errors import DomainError, InvariantBroken
from core.money import checked_yen


class ContractStatus(StrEnum):
    """The states of a contract (C6). What is stored may lag behind the calendar; `contract_state` says what holds."""

    TRIAL = "trial"
    ACTIVE = "active"
    IN_GRACE = "in_grace"
    CANCELLED = "cancelled"
    """解約: usable to its expiry, then ended, without grace; can be withdrawn until then."""
    ENDED = "ended"


class AssumedAnchor(NamedTuple):
    """An anchor read off an expiry alone; `assumed` when the day leaves open what was meant."""

    anchor: int
    assumed: bool


@dataclass(frozen=True, slots=True)
class ContractSnapshot:
    """What the decisions need to know of a contract.

    `grace_days`: days after the expiry during which it still counts as the same contract; `window_days`: days after the
    expiry until which it may be renewed by hand (R1: 7). `has_open_renewal`: an unpaid renewal invoice exists.
    """

    expires_on: date
    anchor: int
    status: ContractStatus
    grace_days: int
    window_days: int
    has_open_renewal: bool = False


@dataclass(frozen=True, slots=True)
class RenewalQuote:
    """What one renewal gives and costs, in net or gross yen as the profile's prices are.

    `daily_days` days are charged at `daily_yen` in a month of `month_days`; without any (0) there is no such line.
    """

    term_months: int
    old_expires_on: date
    new_expires_on: date
    new_anchor: int
    term_yen: int
    daily_days: int
    daily_yen: int
    month_days: int

    @property
    def total_yen(self) -> int:
        """The sum of the term's line and the daily-rate line, before tax is worked out on the document."""
        return self.term_yen + self.daily_yen


@dataclass(frozen=True, slots=True)
class PaidRenewal:
    """What a paid renewal does to its contract; `resumes` when service had been stopped meanwhile and goes on again."""

    expires_on: date
    anchor: int
    resumes: bool


@dataclass(frozen=True, slots=True)
class ProratedChange:
    """A plan change inside a term: `due_yen` = charge − credit; below 0 it is the member's credit."""

    days_left: int
    days_total: int
    credit_yen: int
    charge_yen: int
    due_yen: int


def anchor_of_start(start_on: date) -> int:
    """Return the anchor of a contract that starts on this day: the day before, and 31 for a start on the 1st."""
    return start_on.day - 1 or 31


def first_expiry(start_on: date, term_months: int) -> date:
    """Return the last usable day of a first term of whole months (民法143条2項).

    Raises InvariantBroken for a term below one month, DomainError `expiry_out_of_range` beyond the year 9999.
    """
    months = term_months - 1 if start_on.day == 1 else term_months
    _require_term(term_months)
    return _day_in_month(start_on, months, anchor_of_start(start_on))


def extend(expires_on: date, term_months: int, anchor: int) -> date:
    """Return the expiry `term_months` later, on the anchor's day or the last one the month has.

    Raises InvariantBroken for a term below one month or an anchor outside 1–31, DomainError `expiry_out_of_range`
    beyond the year 9999.
    """
    _require_term(term_months)
    if not 1 <= anchor <= 31:
        raise InvariantBroken(f"anchor {anchor} is no day of a month")
    return _day_in_month(expires_on, term_months, anchor)


def assumed_anchor(expires_on: date) -> AssumedAnchor:
    """Return the anchor of an imported contract of which only the expiry is known.

    The last day of a month of 28–30 days may be what is left of a 31st: it counts as 31 and is marked as assumed, so
    that the dry run lists it.
    """
    last = monthrange(expires_on.year, expires_on.month)[1]
    if expires_on.day == last and last < 31:
        return AssumedAnchor(31, assumed=True)
    return AssumedAnchor(expires_on.day, assumed=False)


def days_left(expires_on: date, today: date) -> int:
    """Return the days from today to the expiry: 0 means 「本日まで」, below 0 that it has passed."""
    return (expires_on - today).days


def grace_end_on(expires_on: date, grace_days: int) -> date:
    """Return the last day of grace, inclusive; the expiry itself when there is no grace."""
    return expires_on + timedelta(days=grace_days)


def contract_state(*, status: ContractStatus, expires_on: date, grace_days: int, today: date) -> ContractStatus:
    """Return the state of a contract as of a day, from what is stored (C6): grace is E+1 … E+g, then it has ended.

    A cancelled contract has no grace. Ended is final; every other stored state gives way to what the dates say.
    """
    if status is ContractStatus.ENDED:
        return ContractStatus.ENDED
    if today <= expires_on:
        return ContractStatus.ACTIVE if status is ContractStatus.IN_GRACE else status
    if status is ContractStatus.CANCELLED or today > grace_end_on(expires_on, grace_days):
        return ContractStatus.ENDED
    return ContractStatus.IN_GRACE


def renewable_until(contract: ContractSnapshot) -> date:
    """Return the last day on which the contract can be renewed by hand: the window's end, never beyond the grace.

    After the grace the contract has ended, and taking it up again is a new contract (algorithms.md 1).
    """
    return contract.expires_on + timedelta(days=min(contract.window_days, contract.grace_days))


def decide_renewal(
    contract: ContractSnapshot,
    *,
    today: date,
    term_months: int,
    price_yen: int | None,
    monthly_list_price_yen: int | None,
    to_month_end: bool = False,
) -> RenewalQuote:
    """Return what renewing by hand for a term gives and costs (C3, R1, R5).

    It extends from the expiry, however early or late in the window it is asked for. To the end of the month: first
    extended, then filled up at floor(monthly list price · days / days of that month); the anchor becomes 31.
    `price_yen` is None when the plan has no price for the term, `monthly_list_price_yen` when it has no monthly one.

    Raises DomainError, in this order: `cancelled` (data: expires_on), `ended`, `after_window` (data: last_day),
    `renewal_open`, `term_not_offered` (data: term_months), `no_daily_rate`, `expiry_out_of_range`, `yen_out_of_range`.
    """
    _require_renewable(contract, today)
    if price_yen is None or term_months < 1:
        raise DomainError("term_not_offered", term_months=term_months)
    extended_on = extend(contract.expires_on, term_months, contract.anchor)
    month_days = monthrange(extended_on.year, extended_on.month)[1]
    daily_days = month_days - extended_on.day if to_month_end else 0
    daily_yen = 0
    if daily_days:
        if monthly_list_price_yen is None:
            raise DomainError("no_daily_rate", term_months=term_months)
        daily_yen = checked_yen(monthly_list_price_yen) * daily_days // month_days
    checked_yen(checked_yen(price_yen) + daily_yen)
    return RenewalQuote(
        term_months=term_months,
        old_expires_on=contract.expires_on,
        new_expires_on=extended_on + timedelta(days=daily_days),
        new_anchor=31 if to_month_end else contract.anchor,
        term_yen=price_yen,
        daily_days=daily_days,
        daily_yen=daily_yen,
        month_days=month_days,
    )


def decide_paid_renewal(contract: ContractSnapshot, quote: RenewalQuote, *, today: date) -> PaidRenewal:
    """Return what the money for a quoted renewal does, whatever became of the contract while it was on its way.

    Money on an open invoice is valid in every state that can still owe it: a contract that ran out or was stopped
    meanwhile takes up its service again. Raises DomainError `renewal_overtaken` (data: expected_on, expires_on) when
    the expiry is no longer the quoted one: staff decide, the term is never given twice.
    """
    if contract.expires_on != quote.old_expires_on:
        raise DomainError("renewal_overtaken", expected_on=quote.old_expires_on, expires_on=contract.expires_on)
    state = contract_state(
        status=contract.status, expires_on=contract.expires_on, grace_days=contract.grace_days, today=today
    )
    return PaidRenewal(expires_on=quote.new_expires_on, anchor=quote.new_anchor, resumes=state is ContractStatus.ENDED)


def prorated_change(
    *, term_starts_on: date, expires_on: date, effective_on: date, old_net_yen: int, new_net_yen: int
) -> ProratedChange:
    """Return the money of a plan change inside a term, by calendar days from the effective day, which counts as left.

    Credit and charge are floored each by itself. Raises DomainError `outside_term` (data: term_starts_on, expires_on)
    when the effective day is not in the term.
    """
    if not term_starts_on <= effective_on <= expires_on:
        raise DomainError("outside_term", term_starts_on=term_starts_on, expires_on=expires_on)
    total = days_left(expires_on, term_starts_on) + 1
    left = days_left(expires_on, effective_on) + 1
    credit_yen = checked_yen(old_net_yen) * left // total
    charge_yen = checked_yen(new_net_yen) * left // total
    return ProratedChange(left, total, credit_yen, charge_yen, charge_yen - credit_yen)


def _require_renewable(contract: ContractSnapshot, today: date) -> None:
    if contract.status is ContractStatus.CANCELLED:
        raise DomainError("cancelled", expires_on=contract.expires_on)
    if contract.status is ContractStatus.ENDED:
        raise DomainError("ended")
    last_day = renewable_until(contract)
    if today > last_day:
        raise DomainError("after_window", last_day=last_day)
    if contract.has_open_renewal:
        raise DomainError("renewal_open")


def _require_term(term_months: int) -> None:
    if term_months < 1:
        raise InvariantBroken(f"a term of {term_months} months is no term")


def _day_in_month(day: date, months_later: int, anchor: int) -> date:
    year, month0 = divmod(day.year * 12 + day.month - 1 + months_later, 12)
    if year > MAXYEAR:
        raise DomainError("expiry_out_of_range", year=year)
    return date(year, month0 + 1, min(anchor, monthrange(year, month0 + 1)[1]))
