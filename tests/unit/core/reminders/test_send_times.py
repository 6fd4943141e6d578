"""X4: reminders leave at the profile's hour in Japan, spread, and never in the quiet hours (algorithms.md 8)."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import JST
from core.errors import InvariantBroken
from core.reminders.policy import earliest_send_at, is_quiet

CLOCK_TIMES = st.builds(time, st.integers(0, 23), st.integers(0, 59))
INSTANTS = st.datetimes(datetime(2027, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC))


def japan(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=JST)


def send(now: str, *, send_at: time = time(10), quiet: tuple[time, time] = (time(21), time(8)), spread: int = 0) -> str:
    sent = earliest_send_at(
        japan(now),
        send_at=send_at,
        quiet_from=quiet[0],
        quiet_until=quiet[1],
        spread_minutes=spread,
        spread_key="M-000123",
    )
    assert sent.tzinfo is UTC
    return sent.astimezone(JST).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2027-03-26T00:05", "2027-03-26T10:00"),  # the first tick of the day waits for the hour
        ("2027-03-26T08:00", "2027-03-26T10:00"),
        ("2027-03-26T10:00", "2027-03-26T10:00"),
        ("2027-03-26T15:20", "2027-03-26T15:20"),  # back after downtime: now
        ("2027-03-26T20:59", "2027-03-26T20:59"),
        ("2027-03-26T21:00", "2027-03-27T10:00"),
        ("2027-03-26T23:59", "2027-03-27T10:00"),
        ("2026-12-31T22:00", "2027-01-01T10:00"),
    ],
)
def test_a_reminder_leaves_at_its_hour_or_now_but_not_at_night(now: str, expected: str) -> None:
    assert send(now) == expected


@pytest.mark.parametrize(
    ("send_at", "quiet", "now", "expected"),
    [
        (time(10), (time(22), time(11)), "2027-03-26T09:00", "2027-03-26T11:00"),  # the member's own quiet hours
        (time(10), (time(12), time(13)), "2027-03-26T12:30", "2027-03-26T13:00"),  # at noon, not over midnight
        (time(22), (time(21), time(8)), "2027-03-26T09:00", "2027-03-27T08:00"),  # its hour is always quiet
        (time(10), (time(0), time(0)), "2027-03-26T23:30", "2027-03-26T23:30"),  # none
        (time(10), (time(10), time(9)), "2027-03-26T09:30", "2027-03-27T09:00"),
    ],
)
def test_other_quiet_hours_are_kept_too(send_at: time, quiet: tuple[time, time], now: str, expected: str) -> None:
    assert send(now, send_at=send_at, quiet=quiet) == expected


def test_quiet_hours_begin_with_their_first_minute_and_are_over_at_their_last() -> None:
    def quiet(clock_time: str) -> bool:
        return is_quiet(japan(f"2027-03-26T{clock_time}"), quiet_from=time(21), quiet_until=time(8))

    assert [quiet(t) for t in ("20:59", "21:00", "00:00", "07:59", "08:00")] == [False, True, True, True, False]
    assert is_quiet(
        datetime(2027, 3, 26, 12, 0, tzinfo=UTC), quiet_from=time(21), quiet_until=time(8)
    )  # 21:00 in Japan


def test_quiet_hours_within_a_day_are_over_at_their_last_minute() -> None:
    def quiet(clock_time: str) -> bool:
        return is_quiet(japan(f"2027-03-26T{clock_time}"), quiet_from=time(12), quiet_until=time(13))

    assert [quiet(t) for t in ("11:59", "12:00", "12:59", "13:00")] == [False, True, True, False]


def test_reminders_are_spread_over_the_minutes_and_a_members_own_travel_together() -> None:
    def at(key: str) -> datetime:
        return earliest_send_at(
            japan("2027-03-26T00:05"),
            send_at=time(10),
            quiet_from=time(21),
            quiet_until=time(8),
            spread_minutes=30,
            spread_key=key,
        )

    first, last = japan("2027-03-26T10:00"), japan("2027-03-26T10:30")
    times = [at(f"M-{n:06d}") for n in range(3_000)]
    assert all(first <= sent < last for sent in times)
    by_minute = [sum(1 for sent in times if sent.astimezone(JST).minute == minute) for minute in range(30)]
    assert min(by_minute) > 50  # 100 are expected in each
    assert max(by_minute) < 150
    assert at("M-000001") == at("M-000001")


def test_spreading_stops_short_of_the_quiet_hours() -> None:
    for n in range(200):
        sent = earliest_send_at(
            japan("2027-03-26T20:58"),
            send_at=time(10),
            quiet_from=time(21),
            quiet_until=time(8),
            spread_minutes=30,
            spread_key=str(n),
        )
        assert japan("2027-03-26T20:58") <= sent < japan("2027-03-26T21:00")


@given(
    now=INSTANTS,
    send_at=CLOCK_TIMES,
    start=CLOCK_TIMES,
    end=CLOCK_TIMES,
    spread=st.integers(0, 720),
    key=st.integers(0, 99).map(str),
)
def test_nothing_leaves_early_at_night_or_later_than_a_day_and_its_spread(
    now: datetime, send_at: time, start: time, end: time, spread: int, key: str
) -> None:
    sent = earliest_send_at(
        now, send_at=send_at, quiet_from=start, quiet_until=end, spread_minutes=spread, spread_key=key
    )
    assert sent >= now
    assert not is_quiet(sent, quiet_from=start, quiet_until=end)
    assert sent - now < timedelta(days=2, minutes=spread)
    again = earliest_send_at(sent, send_at=send_at, quiet_from=start, quiet_until=end, spread_minutes=0, spread_key=key)
    if sent.astimezone(JST).time() >= send_at:
        assert again == sent  # what is allowed to leave at an instant is not put off at that instant


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(InvariantBroken):
        earliest_send_at(
            datetime(2027, 3, 26, 9, 0),
            send_at=time(10),
            quiet_from=time(21),
            quiet_until=time(8),
            spread_minutes=0,
            spread_key="",
        )
