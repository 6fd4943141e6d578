"""Japan's bank days: Monday to Friday, except holidays and 31 December to 3 January (algorithms.md 9).

Every answer is remembered, so that asking for a whole table of deadlines costs one look at the calendar a day.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import jpholiday

_ONE_DAY = timedelta(days=1)


@lru_cache(maxsize=4096)
def is_bank_day(day: date) -> bool:
    """Return whether banks in Japan book transfers on this day (銀行法施行令5条)."""
    if day.weekday() >= 5:
        return False
    if (day.month, day.day) == (12, 31) or (day.month == 1 and day.day <= 3):
        return False
    return not jpholiday.is_holiday(day)


def bank_day_on_or_after(day: date) -> date:
    """Return the day itself when it is a bank day, else the first bank day after it."""
    while not is_bank_day(day):
        day += _ONE_DAY
    return day


def next_bank_day(day: date) -> date:
    """Return the first bank day strictly after `day`, whether or not `day` is one itself."""
    return bank_day_on_or_after(day + _ONE_DAY)


def add_bank_days(day: date, count: int) -> date:
    """Return the `count`-th bank day strictly after `day`; 0 gives `day` unchanged, bank day or not."""
    for _ in range(count):
        day = next_bank_day(day)
    return day
