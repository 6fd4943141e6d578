"""Until when a person answers, said as a day and a time: the very instant that staff are warned about (row Q1)."""

from datetime import datetime, timedelta

from bot.screens.invoices import local
from bot.wording import Wording, show_time
from core.clock import JST, day_in_japan
from core.profiles.hours import calendar_of, opening_day_after
from core.profiles.model import Profile

MINUTE = timedelta(minutes=1)


def promise(w: Wording, profile: Profile, due_at: datetime, now: datetime) -> str:
    """本日 15:00ごろまで · 次の営業日 11月24日(火) 15:00ごろまで · 11月26日(木) 11:00ごろまで; the year where it is another."""
    due_at = -(-(due_at - _EPOCH) // MINUTE) * MINUTE + _EPOCH  # the full minute after: never sooner than meant
    local_due = due_at.astimezone(JST)
    day, today = local_due.date(), day_in_japan(now)
    if day == today:
        return w("ticket.promise_today", clock=f"{local_due:%H:%M}")
    at = show_time(due_at, w.language)
    if day.year != today.year:
        at = f"{w.date(day)} {local_due:%H:%M}"
    is_next = day == opening_day_after(calendar_of(profile.support.business_hours), now)
    return w("ticket.promise_next" if is_next else "ticket.promise_later", at=at)


_EPOCH = datetime(2000, 1, 1, tzinfo=JST)


def staffed(w: Wording, profile: Profile, due_at: datetime | None, now: datetime) -> dict[str, str]:
    """What every hand-over to a person says: whether somebody is there now, until when, the hours, the phone.

    A promise that was missed is not said again as if it could still be kept.
    """
    calendar = calendar_of(profile.support.business_hours)
    is_open, phone = calendar.is_open(now), profile.operator.phone
    return {
        "closed": "" if is_open else w("ticket.closed_now"),
        "promise": w("ticket.promise_open") if due_at is None or due_at <= now else promise(w, profile, due_at, now),
        "hours": local(w, profile.operator.hours),
        "call": w("ticket.call_now" if is_open else "ticket.call_later", phone=phone),
    }
