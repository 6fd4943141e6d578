"""Reservations, decided: their state as of today, until when a request is taken, what an accepted one changes."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from core.clock import at_in_japan
from core.profiles.booking import OWN_COLUMNS, CancellationFee, RequestDeadline, RequestField

Kind = Literal["change", "cancel"]
LONGEST_TEXT = 300
LONGEST_NOTE = 1_000
_DASHES = {ord(dash): "-" for dash in "‐‑‒–—―−﹣－ー"}
FARTHEST = timedelta(days=3 * 366)


class ReservationStatus(StrEnum):
    """Where a reservation stands."""

    ASKED = "asked"  # お申し込み中: staff have not confirmed it
    WAITING = "waiting"  # キャンセル待ち
    CONFIRMED = "confirmed"  # 予約確定
    USED = "used"  # ご利用済み
    CANCELLED = "cancelled"  # キャンセル済み
    DECLINED = "declined"  # お受けできなかった


LIVE = (ReservationStatus.ASKED, ReservationStatus.WAITING, ReservationStatus.CONFIRMED)
TAKES_A_PLACE = (ReservationStatus.CONFIRMED,)


class Times(NamedTuple):
    """When a facility is used. Both days are inclusive; an open time means the whole day."""

    used_on: date
    until_on: date
    used_from: time | None
    used_until: time | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What an accepted change does: new values of columns, and all details afterwards."""

    columns: dict[str, Any]
    details: dict[str, Any]


def status_today(status: str, *, until_on: date, today: date) -> ReservationStatus:
    """The state as of today: a confirmed reservation whose last day has passed was used."""
    if status == ReservationStatus.CONFIRMED and until_on < today:
        return ReservationStatus.USED
    return ReservationStatus(status)


def last_request_at(used_on: date, deadline: RequestDeadline) -> datetime:
    """The instant after which requests are refused: `deadline.days` days before the day of use, at `deadline.at` in Japan."""
    return at_in_japan(used_on - timedelta(days=deadline.days), deadline.at)


def refusal_of_request(
    *, status: ReservationStatus, used_on: date, deadline: RequestDeadline, now: datetime, has_open: bool
) -> str | None:
    """Why a change or cancel request cannot be taken: `reservation_over`, `request_open`, `request_too_late`; None: it can."""
    if status not in LIVE:
        return "reservation_over"
    if has_open:
        return "request_open"
    return "request_too_late" if now > last_request_at(used_on, deadline) else None


class Fee(NamedTuple):
    """What a cancellation costs."""

    charge_yen: int
    percent: int
    yen: int


def fee_of_cancelling(
    rules: Sequence[CancellationFee], *, was_confirmed: bool, charge_yen: int | None, used_on: date, asked_on: date
) -> Fee | None:
    """The fee by the day it was asked for, rounded down to the yen.

    None where nothing is known to be owed: no rule, no amount yet, or never confirmed. The rule that begins latest counts.
    """
    left = (used_on - asked_on).days
    begun = [rule for rule in rules if left <= rule.days]
    if not was_confirmed or charge_yen is None or not rules:
        return None
    percent = min(begun, key=lambda rule: rule.days).percent if begun else 0
    return Fee(charge_yen, percent, charge_yen * percent // 100)


def flaw_of_value(field: RequestField, value: Any, *, today: date, facilities: Sequence[str]) -> str | None:
    """Why a value does not fit its field, by a stable code; None when it does.

    Values are JSON: dates ISO, times ["13:00", "15:00"], choices and facilities by code. None says nothing and fits where
    the field may be left out.
    """
    if value is None:
        return "field_missing" if field.required else None
    if field.kind == "date":
        return _flaw_of_day(value, today)
    if field.kind == "time":
        return _flaw_of_times(value)
    if field.kind == "facility":
        return None if value in facilities else "facility_unknown"
    if field.kind == "choice":
        return None if field.choice(str(value)) else "choice_unknown"
    if field.kind == "number":
        return None if type(value) is int and 1 <= value <= field.most else "number_out_of_range"
    return _flaw_of_text(value)


def _flaw_of_day(value: Any, today: date) -> str | None:
    day = _day(value)
    if day is None:
        return "day_unreadable"
    if day < today:
        return "day_in_past"
    return "day_too_far" if day > today + FARTHEST else None


def _flaw_of_times(value: Any) -> str | None:
    times = _clock_times(value)
    if times is None:
        return "times_unreadable"
    return "times_reversed" if times[0] >= times[1] else None


def _flaw_of_text(value: Any) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return "field_missing"
    return "field_too_long" if len(value) > LONGEST_TEXT else None


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _clock_times(value: Any) -> tuple[time, time] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    try:
        return time.fromisoformat(value[0]), time.fromisoformat(value[1])
    except (TypeError, ValueError):
        return None


def changes_of(wanted: Mapping[str, Any], *, times: Times, details: Mapping[str, Any]) -> Changes:
    """What accepting does. Moved to another day, a reservation of several days keeps its length."""
    columns: dict[str, Any] = {}
    if wanted.get("used_on") is not None:
        columns["used_on"] = date.fromisoformat(wanted["used_on"])
        columns["until_on"] = columns["used_on"] + (times.until_on - times.used_on)
    if wanted.get("used_time") is not None:
        columns["used_from"], columns["used_until"] = (time.fromisoformat(part) for part in wanted["used_time"])
    if wanted.get("facility") is not None:
        columns["facility_code"] = wanted["facility"]
    if wanted.get("purpose") is not None:
        columns["purpose"] = wanted["purpose"]
    own = {code: value for code, value in wanted.items() if code not in OWN_COLUMNS and value is not None}
    return Changes(columns, {**details, **own})


def value_of(code: str, columns: Mapping[str, Any], details: Mapping[str, Any]) -> Any:
    """The present value of a field, in the form that requests carry (JSON)."""
    if code == "used_on":
        return columns["used_on"].isoformat()
    if code == "used_time":
        begin, end = columns["used_from"], columns["used_until"]
        return None if begin is None or end is None else [show_clock(begin), show_clock(end)]
    if code == "facility":
        return columns["facility_code"]
    if code == "purpose":
        return columns["purpose"] or None
    return details.get(code)


def show_clock(at: time) -> str:
    """13:00."""
    return f"{at:%H:%M}"


def do_overlap(one: Times, other: Times) -> bool:
    """Whether two uses of the same facility meet. Between two open ends a day belongs to its reservation as a whole."""
    return _begin(one) < _end(other) and _begin(other) < _end(one)


def _begin(times: Times) -> datetime:
    return datetime.combine(times.used_on, times.used_from or time.min)


def _end(times: Times) -> datetime:
    if times.used_until is None:
        return datetime.combine(times.until_on + timedelta(days=1), time.min)
    return datetime.combine(times.until_on, times.used_until)


def number_candidates(typed: str) -> list[str]:
    """The numbers somebody may have meant by 「ｒ－１２３」 or "123": as typed, in capitals, and in our own shape."""
    plain = "".join(unicodedata.normalize("NFKC", typed).translate(_DASHES).split())[:40]
    found = [plain, plain.upper()]
    digits = plain.upper().removeprefix("R").lstrip("-")
    if digits.isascii() and digits.isdecimal() and len(digits) <= 12:
        found.append(f"R-{int(digits):06d}")
    return list(dict.fromkeys(found))
