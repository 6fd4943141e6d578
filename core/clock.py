"""Time, handed in: the business clock (which demo may move) and the real one (which nobody moves)."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

JST = ZoneInfo("Asia/Tokyo")


class Clock(Protocol):
    """What time it is, for business decisions (`now`) and for leases, sessions and back-off (`real`). Aware, UTC."""

    def now(self) -> datetime:
        """The instant that dates, deadlines and reminders are counted from."""

    def real(self) -> datetime:
        """The instant of the machine: leases and log-ins must not end because a demo clock was moved."""


class SystemClock:
    """The machine's clock, with an offset that only clock travel in demo sets."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def now(self) -> datetime:
        """The machine's time plus the demo offset."""
        return datetime.now(UTC) + self.offset

    def real(self) -> datetime:
        """The machine's time."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is moved: tests and simulations."""

    def __init__(self, at: datetime) -> None:
        self.at = at.astimezone(UTC)

    def now(self) -> datetime:
        """The set instant."""
        return self.at

    def real(self) -> datetime:
        """The set instant too: leases run out with the simulated time."""
        return self.at

    def move(self, step: timedelta) -> None:
        """Move on by `step`."""
        self.at += step

    def set(self, at: datetime) -> None:
        """Move to an aware instant."""
        self.at = at.astimezone(UTC)


def day_in_japan(instant: datetime) -> date:
    """The calendar date in Asia/Tokyo of an aware instant."""
    return instant.astimezone(JST).date()


def at_in_japan(day: date, clock_time: time) -> datetime:
    """The UTC instant of a wall-clock time in Japan."""
    return datetime.combine(day, clock_time, tzinfo=JST).astimezone(UTC)


def end_of_day_in_japan(day: date) -> datetime:
    """The last microsecond of a day in Japan, as a UTC instant: deadlines "by the 30th" mean 23:59:59."""
    return at_in_japan(day, time.max)
