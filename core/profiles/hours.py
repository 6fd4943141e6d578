"""When the operator's staff work, as arithmetic on instants: one calendar for promises, warnings and closed-time answers.

Open time is counted with one function that grows only while staff work: `_count(t)`, the open microseconds up to t. The time
between two instants is a difference of it, the instant after so much work its inverse; so spans add up exactly, and a due
instant never lies in closed time. Each year is summed up once (a table of its days), so that a question costs a look-up,
whatever lies between. Japan has no daylight saving time (夏時刻法 was repealed in 1952): a day is 24 hours.
"""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import jpholiday

from core.clock import JST, day_in_japan
from core.errors import InvariantBroken
from core.profiles.rules import BusinessHours, ServiceLevel

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_US = timedelta(microseconds=1)
_ANCHOR = 2026  # the year whose beginning counts as zero
_MOST_YEARS = 20  # who is closed for longer than that is never open
Span = tuple[int, int]  # of a day's microseconds, the end excluded


class Calendar:
    """An operator's working time. Make it with `calendar_of`, which remembers it."""

    def __init__(self, hours: BusinessHours) -> None:
        self._hours = hours
        self._spans = _spans(hours)
        self._open_us = sum(end - start for start, end in self._spans)
        self._years: dict[int, list[int]] = {}
        self._before: dict[int, int] = {_ANCHOR: 0}

    def is_open_on(self, day: date) -> bool:
        """Whether staff work on a day at all."""
        hours = self._hours
        return not (
            WEEKDAYS[day.weekday()] not in hours.weekdays
            or f"{day:%m-%d}" in hours.closed_days
            or day in hours.days_off
            or (hours.closed_on_holidays and day in _holidays(day.year))
        )

    def is_open(self, at: datetime) -> bool:
        """Whether staff work at an instant: from opening on, no longer at closing time or when lunch begins."""
        day, into = _split(at)
        return self.is_open_on(day) and any(start <= into < end for start, end in self._spans)

    def next_open(self, at: datetime) -> datetime:
        """The instant itself if staff work then, else the next opening."""
        return self._at(self._count(at) + 1, at) - _US

    def last_open(self, at: datetime) -> datetime:
        """The instant itself if staff work then, else when they last stopped."""
        return min(self._at(self._count(at), at), at)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from `start` to `end` (negative when `end` is earlier)."""
        return (self._count(end) - self._count(start)) * _US

    def after(self, start: datetime, work: timedelta) -> datetime:
        """The first instant at which `work` has been worked since `start`; `start` itself when there is nothing to do."""
        return self._at(self._count(start) + work // _US, start) if work > timedelta(0) else start

    def _count(self, at: datetime) -> int:
        day, into = _split(at)
        days = self._year(day.year)
        index = day.timetuple().tm_yday - 1
        worked = (
            sum(max(0, min(into, end) - start) for start, end in self._spans) if days[index + 1] > days[index] else 0
        )
        return self._before_year(day.year) + days[index] + worked

    def _at(self, count: int, near: datetime) -> datetime:
        """The first instant whose count is `count`, looked for from the year of `near`."""
        year = near.astimezone(JST).year
        for _ in range(_MOST_YEARS):
            rest = count - self._before_year(year)
            if rest <= 0:
                year -= 1
            elif rest > self._year(year)[-1]:
                year += 1
            else:
                return self._in_year(year, rest)
        raise InvariantBroken("these business hours are never open")

    def _in_year(self, year: int, rest: int) -> datetime:
        days = self._year(year)
        index = bisect_left(days, rest) - 1  # the day at whose end `rest` is reached for the first time
        rest -= days[index]
        for start, end in self._spans:
            if rest <= end - start:
                midnight = datetime.combine(date(year, 1, 1) + timedelta(days=index), time(), JST)
                return midnight.astimezone(UTC) + (start + rest) * _US
            rest -= end - start
        raise InvariantBroken("a day is shorter than its spans")

    def _year(self, year: int) -> list[int]:
        """Open microseconds of a year before each of its days, and at its end."""
        found = self._years.get(year)
        if found is None:
            found = [0]
            day = date(year, 1, 1)
            while day.year == year:
                found.append(found[-1] + (self._open_us if self.is_open_on(day) else 0))
                day += timedelta(days=1)
            self._years[year] = found
        return found

    def _before_year(self, year: int) -> int:
        """Open microseconds before a year, counted from the anchor (negative for earlier ones)."""
        if year not in self._before:
            self._before[year] = (
                self._before_year(year - 1) + self._year(year - 1)[-1]
                if year > _ANCHOR
                else self._before_year(year + 1) - self._year(year)[-1]
            )
        return self._before[year]


@lru_cache(maxsize=64)
def _holidays(year: int) -> frozenset[date]:
    """Japan's holidays of a year, substitute ones included (国民の祝日に関する法律)."""
    return frozenset(day for day, _ in jpholiday.year_holidays(year))


def _spans(hours: BusinessHours) -> tuple[Span, ...]:
    opens, closes = _into(hours.opens_at), _into(hours.closes_at)
    if hours.lunch_from is None or hours.lunch_until is None:
        return ((opens, closes),)
    spans = ((opens, _into(hours.lunch_from)), (_into(hours.lunch_until), closes))
    return tuple((start, end) for start, end in spans if start < end)


def _into(at: time) -> int:
    return timedelta(hours=at.hour, minutes=at.minute) // _US


def _split(at: datetime) -> tuple[date, int]:
    local = at.astimezone(JST)
    day = local.date()
    return day, (local.replace(tzinfo=None) - datetime.combine(day, time())) // _US


@lru_cache(maxsize=32)
def calendar_of(hours: BusinessHours) -> Calendar:
    """The calendar of business hours, made once."""
    return Calendar(hours)


def due_at(level: ServiceLevel, calendar: Calendar, start: datetime, *, used: timedelta = timedelta(0)) -> datetime:
    """Until when a level that was `used` before counts from `start`: a promise to the member, a deadline to staff.

    Used up already: `start`.
    """
    left = timedelta(hours=level.hours) - used
    if level.clock == "business":
        return calendar.after(start, left)
    return start + max(left, timedelta(0))


def used_between(level: ServiceLevel, calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """How much of a level passes between two instants."""
    return calendar.between(start, end) if level.clock == "business" else end - start


def opening_day_after(calendar: Calendar, at: datetime) -> date:
    """The next working day after the day of an instant (次の営業日)."""
    tomorrow = datetime.combine(day_in_japan(at) + timedelta(days=1), time(), JST)
    return day_in_japan(calendar.next_open(tomorrow))
