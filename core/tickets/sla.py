"""The clocks of a ticket, decided (row Q1): which run, until when, when staff are told. Values in, value out.

Two clocks: *answer* runs from the member's first unanswered words to staff's answer (the first one has its own level),
*resolution* from the opening to the solving, except while we wait for the member. What the member is promised is the due
instant of the answer clock, and what staff are warned about is the same value.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from core.profiles.hours import calendar_of, due_at, used_between
from core.profiles.model import ServiceLevel, Support

LevelName = Literal["first_answer", "next_answer", "resolution"]
Event = Literal["opened", "written", "answered", "solved", "reopened"]
HALF, SOON = 0.5, 0.8  # of a level: then whoever looks after it is told (dialogue-and-desk.md 1.6)


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock. `from_at` None: paused, with `used` so far; then nothing is due."""

    level: LevelName
    used: timedelta
    from_at: datetime | None
    due_at: datetime | None = None
    half_at: datetime | None = None
    soon_at: datetime | None = None
    late_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Clocks:
    """Both clocks of a ticket; None: there is nothing to answer, or no resolution was ever counted."""

    answer: Clock | None = None
    resolution: Clock | None = None

    @property
    def nearest(self) -> Clock | None:
        """The clock that is due first: what a list shows and is sorted by."""
        running = [clock for clock in (self.answer, self.resolution) if clock is not None and clock.due_at is not None]
        return min(running, key=_due_of, default=None)


def _due_of(clock: Clock) -> datetime:
    return clock.due_at or datetime.max.replace(tzinfo=UTC)


def decide_clocks(clocks: Clocks, event: Event, *, at: datetime, support: Support, answered: bool) -> Clocks:
    """The clocks after an event; `answered`: whether staff have ever answered this ticket.

    A courtesy (thanks) is no event. A second message does not start the answer clock anew: the member waits since the first.
    A ticket opened again goes on with the resolution time it had used.
    """
    if event in ("answered", "solved"):
        return Clocks(None, _paused(clocks.resolution, at, support))
    answer = clocks.answer
    if event in ("opened", "written") and answer is None:
        answer = _started("next_answer" if answered else "first_answer", timedelta(0), at, support)
    resolution = clocks.resolution or Clock("resolution", timedelta(0), None)
    if resolution.from_at is None:
        resolution = _started("resolution", resolution.used, at, support)
    return Clocks(answer, resolution)


def decide_silence(at: datetime, support: Support) -> datetime:
    """When a member who does not answer is asked whether all is well: after the profile's days, while staff work."""
    return calendar_of(support.business_hours).next_open(at + timedelta(days=support.silence_warning_days))


def decide_silent_end(told_at: datetime, support: Support) -> datetime:
    """When a ticket ends whose member did not answer that question either."""
    return calendar_of(support.business_hours).next_open(told_at + timedelta(days=support.silence_close_days))


def level_of(support: Support, name: LevelName) -> ServiceLevel:
    """The profile's level of this name."""
    return {"first_answer": support.first_answer, "next_answer": support.next_answer}.get(name, support.resolution)


def _started(name: LevelName, used: timedelta, at: datetime, support: Support) -> Clock:
    level, calendar = level_of(support, name), calendar_of(support.business_hours)
    due = due_at(level, calendar, at, used=used)

    def told_at(share: float) -> datetime | None:
        moment = due_at(level, calendar, at, used=used + timedelta(hours=level.hours) * (1 - share))
        if not calendar.is_open(moment):  # nobody is there: at the next opening if that is early enough, else before
            later, earlier = calendar.next_open(moment), calendar.last_open(moment)
            moment = later if later < due else earlier
        return moment if at < moment < due else None

    half, soon = told_at(HALF), told_at(SOON)
    return Clock(
        level=name,
        used=used,
        from_at=at,
        due_at=due,
        half_at=half if half is not None and soon is not None and half < soon else None,
        soon_at=soon,
        late_at=calendar.next_open(due),
    )


def _paused(clock: Clock | None, at: datetime, support: Support) -> Clock | None:
    if clock is None or clock.from_at is None:
        return clock
    passed = used_between(level_of(support, clock.level), calendar_of(support.business_hours), clock.from_at, at)
    return replace(
        clock,
        used=clock.used + max(passed, timedelta(0)),
        from_at=None,
        due_at=None,
        half_at=None,
        soon_at=None,
        late_at=None,
    )
