"""Row Q1: the business clock with lunch, Japan's holidays, yearly closing days and single days off."""

from datetime import date, datetime, time, timedelta
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import JST
from core.errors import InvariantBroken
from core.profiles.hours import Calendar, calendar_of, due_at, opening_day_after
from core.profiles.model import BusinessHours, ServiceLevel
from tests.support.builders import a_profile

HOURS = a_profile().support.business_hours  # Mon–Fri 10–18, lunch 12–13, holidays and 29 Dec – 3 Jan closed
CALENDAR = calendar_of(HOURS)
EIGHT = ServiceLevel(hours=8, clock="business")
INSTANTS = st.datetimes(datetime(2025, 1, 1), datetime(2030, 12, 31)).map(lambda naive: naive.replace(tzinfo=JST))
WORK = st.timedeltas(timedelta(microseconds=1), timedelta(hours=400))


def at(text: str) -> datetime:
    """'2026-11-23 08:00' in Japan."""
    return datetime.fromisoformat(text).replace(tzinfo=JST)


@pytest.mark.parametrize(
    ("start", "due", "why"),
    [
        ("2026-11-20 10:00", "2026-11-24 11:00", "a working day has seven hours; 21–23 Nov is a weekend and a holiday"),
        ("2026-11-23 08:00", "2026-11-25 11:00", "asked on Labour Thanksgiving Day: counted from Tuesday's opening"),
        ("2026-11-20 12:30", "2026-11-24 14:00", "asked over lunch: counted from its end"),
        ("2026-11-20 18:00", "2026-11-25 11:00", "asked at closing time"),
        ("2026-04-28 16:00", "2026-04-30 17:00", "Golden Week 2026: 29 April is closed, 30 April is not"),
        ("2026-05-01 17:00", "2026-05-07 18:00", "2 to 6 May 2026 are closed: 6 May stands for Sunday the 3rd"),
        ("2027-04-30 17:30", "2027-05-07 10:30", "Golden Week 2027: 1 to 5 May"),
        ("2026-12-28 17:00", "2027-01-04 18:00", "the operator is closed from 29 December to 3 January"),
        ("2026-12-28 18:00", "2027-01-05 11:00", "after the last closing of the year"),
        ("2027-01-02 03:00", "2027-01-05 11:00", "asked in the New Year holidays"),
        ("2026-09-18 18:00", "2026-09-25 11:00", "Silver Week 2026: 22 Sept lies between two holidays"),
    ],
)
def test_eight_business_hours_worked_by_hand(start: str, due: str, why: str) -> None:
    assert due_at(EIGHT, CALENDAR, at(start)) == at(due), why


def test_48_hours_elapsed_know_no_holiday() -> None:
    level = ServiceLevel(hours=48, clock="elapsed")
    assert due_at(level, CALENDAR, at("2026-12-31 23:00")) == at("2027-01-02 23:00")
    assert due_at(level, CALENDAR, at("2026-12-31 23:00"), used=timedelta(hours=40)) == at("2027-01-01 07:00")


def test_a_single_day_off_is_closed_in_that_year_only() -> None:
    summer = calendar_of(HOURS.model_copy(update={"days_off": (date(2026, 8, 13), date(2026, 8, 14))}))
    assert due_at(EIGHT, summer, at("2026-08-12 18:00")) == at("2026-08-18 11:00")
    assert due_at(EIGHT, CALENDAR, at("2026-08-12 18:00")) == at("2026-08-14 11:00")
    assert due_at(EIGHT, summer, at("2027-08-12 18:00")) == at("2027-08-16 11:00")


def test_open_from_opening_to_the_last_moment_before_lunch_and_closing() -> None:
    moments = {
        "09:59": False,
        "10:00": True,
        "11:59": True,
        "12:00": False,
        "13:00": True,
        "17:59": True,
        "18:00": False,
    }
    for moment, expected in moments.items():
        assert CALENDAR.is_open(at(f"2026-11-24 {moment}")) is expected, moment
    assert not CALENDAR.is_open(at("2026-11-23 11:00"))
    assert CALENDAR.next_open(at("2026-11-20 18:00")) == at("2026-11-24 10:00")
    assert CALENDAR.next_open(at("2026-11-24 10:30")) == at("2026-11-24 10:30")
    assert CALENDAR.last_open(at("2026-11-23 11:00")) == at("2026-11-20 18:00")
    assert CALENDAR.last_open(at("2026-11-24 12:30")) == at("2026-11-24 12:00")
    assert opening_day_after(CALENDAR, at("2026-11-20 09:00")) == date(2026, 11, 24)


def _slow(calendar: Calendar, start: datetime, end: datetime) -> int:
    """Open minutes by walking: what the quick way is compared with."""
    minutes, moment = 0, start
    while moment < end:
        minutes += calendar.is_open(moment)
        moment += timedelta(minutes=1)
    return minutes


@pytest.mark.parametrize(
    ("start", "days"), [("2026-04-27 00:00", 12), ("2026-12-25 07:13", 14), ("2026-09-16 12:59", 9)]
)
def test_open_time_is_what_walking_through_it_minute_by_minute_gives(start: str, days: int) -> None:
    end = at(start) + timedelta(days=days, hours=5)
    assert CALENDAR.between(at(start), end) == timedelta(minutes=_slow(CALENDAR, at(start), end))


@given(first=INSTANTS, second=INSTANTS, work=WORK)
def test_who_asks_later_is_never_promised_earlier(first: datetime, second: datetime, work: timedelta) -> None:
    early, late = sorted((first, second))
    assert CALENDAR.after(early, work) <= CALENDAR.after(late, work)


@given(start=INSTANTS, one=WORK, two=WORK)
def test_pieces_of_work_add_up_exactly(start: datetime, one: timedelta, two: timedelta) -> None:
    middle = CALENDAR.after(start, one)
    assert CALENDAR.after(middle, two) == CALENDAR.after(start, one + two)
    assert CALENDAR.between(start, middle) == one


@given(a=INSTANTS, b=INSTANTS, c=INSTANTS)
def test_open_time_of_a_span_is_that_of_its_parts(a: datetime, b: datetime, c: datetime) -> None:
    assert CALENDAR.between(a, b) + CALENDAR.between(b, c) == CALENDAR.between(a, c)


@given(start=INSTANTS, work=WORK)
def test_a_deadline_never_lies_in_closed_time(start: datetime, work: timedelta) -> None:
    due = CALENDAR.after(start, work)
    assert CALENDAR.is_open(due - timedelta(microseconds=1)), "open right up to it"
    assert CALENDAR.next_open(due) >= due


@given(start=INSTANTS)
def test_a_day_is_24_hours_and_the_wall_clock_of_a_deadline_stays_within_working_time(start: datetime) -> None:
    due = CALENDAR.after(start, timedelta(hours=8)).astimezone(JST)
    assert due.utcoffset() == timedelta(hours=9)
    assert time(10) < due.timetz().replace(tzinfo=None) <= time(18)


@settings(max_examples=20)
@given(
    weekdays=st.sets(st.sampled_from((*HOURS.weekdays, "sat", "sun")), min_size=1),
    opens=st.integers(0, 11),
    length=st.integers(1, 12),
    start=INSTANTS,
    work=WORK,
)
def test_it_holds_for_any_hours(weekdays: set[str], opens: int, length: int, start: datetime, work: timedelta) -> None:
    hours = BusinessHours(
        weekdays=tuple(weekdays),  # type: ignore[arg-type]
        opens_at=time(opens),
        closes_at=time(opens + length),
        closed_on_holidays=False,
    )
    calendar = Calendar(hours)
    assert calendar.between(start, calendar.after(start, work)) == work


def test_a_thousand_promises_over_a_year_take_no_time() -> None:
    CALENDAR.after(at("2026-01-01 00:00"), timedelta(hours=1_700))  # the tables of the years are made
    begin = perf_counter()
    for day in range(1_000):
        CALENDAR.after(at("2026-01-01 00:00") + timedelta(hours=7 * day), timedelta(hours=400))
    assert perf_counter() - begin < 1, "minute loops would take minutes"


def test_hours_that_are_never_open_are_said_to_be_so() -> None:
    every_day = tuple(f"{date(2024, 1, 1) + timedelta(days=n):%m-%d}" for n in range(366))
    with pytest.raises(InvariantBroken, match="never open"):
        Calendar(HOURS.model_copy(update={"closed_days": every_day})).after(at("2026-11-20 10:00"), timedelta(hours=1))
