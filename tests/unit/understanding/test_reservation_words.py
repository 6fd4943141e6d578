"""Months, states, facilities, times of day and counts as members write them about reservations."""

from datetime import date

import pytest

from bot.understanding import DateProblem
from bot.understanding.reservations import (
    Period,
    find_period,
    match_names,
    read_count,
    read_period,
    read_states,
    read_times,
)

TODAY = date(2026, 11, 22)  # a Sunday
NAMES = {
    "room-1": ("第1会議室", "Meeting room 1"),
    "room-2": ("第2会議室", "Meeting room 2"),
    "hall": ("多目的ホール", "Multipurpose hall", "大ホール", "main hall"),
    "studio": ("音楽スタジオ", "Music studio"),
}


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("10月の会議室の予約を見せて", "2026-10-01", "2026-10-31"),
        ("１０月分", "2026-10-01", "2026-10-31"),
        ("2月の予約", "2027-02-01", "2027-02-28"),
        ("2025年3月の予約", "2025-03-01", "2025-03-31"),
        ("来月の予約", "2026-12-01", "2026-12-31"),
        ("先月使った部屋", "2026-10-01", "2026-10-31"),
        ("再来月", "2027-01-01", "2027-01-31"),
        ("今週の予約", "2026-11-16", "2026-11-22"),
        ("来週の予約を見せて", "2026-11-23", "2026-11-29"),
        ("去年の予約", "2025-01-01", "2025-12-31"),
        ("2024年の予約", "2024-01-01", "2024-12-31"),
        ("my reservations in October", "2026-10-01", "2026-10-31"),
        ("bookings for May", "2026-05-01", "2026-05-31"),
        ("show next month's bookings", "2026-12-01", "2026-12-31"),
        ("reservations last week", "2026-11-09", "2026-11-15"),
        ("Feb 2025 reservations", "2025-02-01", "2025-02-28"),
    ],
)
def test_a_whole_month_week_or_year(text: str, first: str, last: str) -> None:
    assert find_period(text, today=TODAY) == Period(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    "text", ["予約を見せて", "10月5日の予約", "may I see my reservations", "R-000123", "3か月の予約"]
)
def test_no_period_where_none_is_said(text: str) -> None:
    assert find_period(text, today=TODAY) is None


def test_from_now_on_and_so_far() -> None:
    assert find_period("これからの予約", today=TODAY) == Period(TODAY, None)
    assert find_period("past reservations", today=TODAY) == Period(None, date(2026, 11, 21))


def test_an_answer_is_a_day_a_month_or_why_not() -> None:
    assert read_period("12/5", today=TODAY) == Period(date(2026, 12, 5), date(2026, 12, 5))
    assert read_period("12月", today=TODAY) == Period(date(2026, 12, 1), date(2026, 12, 31))
    assert read_period("2月31日", today=TODAY) is DateProblem.IMPOSSIBLE
    assert read_period("いつか", today=TODAY) is DateProblem.UNREADABLE


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("キャンセル待ちの予約", "waiting"),
        ("キャンセルした予約", "cancelled"),
        ("取り消した分", "cancelled"),
        ("確定した予約", "confirmed"),
        ("未確定", "asked"),
        ("仮予約", "asked"),
        ("ご利用済み", "used"),
        ("お断りされた予約", "declined"),
        ("pending", "asked"),
        ("waitlisted", "waiting"),
        ("cancelled bookings", "cancelled"),
    ],
)
def test_states_in_words(text: str, state: str) -> None:
    assert read_states(text) == (state,)


def test_no_state_where_none_is_said() -> None:
    assert read_states("来月の会議室") == ()


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("会議室", ("room-1", "room-2")),
        ("第1会議室", ("room-1",)),
        ("第１会議室", ("room-1",)),
        ("ホール", ("hall",)),
        ("大ホール", ("hall",)),
        ("meeting room", ("room-1", "room-2")),
        ("Meeting Room 2", ("room-2",)),
        ("スタジオ", ("studio",)),
        ("テニスコート", ()),
        ("", ()),
    ],
)
def test_facilities_by_what_they_are_called(text: str, codes: tuple[str, ...]) -> None:
    assert match_names(text, NAMES) == codes


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("13:00〜15:00", ("13:00", "15:00")),
        ("１３時から１５時", ("13:00", "15:00")),
        ("9時半から11時", ("09:30", "11:00")),
        ("午後1時から3時半", ("13:00", "15:30")),
        ("午前9時から午後1時", ("09:00", "13:00")),
        ("13:00-15:30", ("13:00", "15:30")),
        ("1pm to 3pm", ("13:00", "15:00")),
        ("1 to 3 pm", ("13:00", "15:00")),
        ("9am-11:30am", ("09:00", "11:30")),
        ("午前10時から正午まで", ("10:00", "12:00")),
        ("正午から午後3時", ("12:00", "15:00")),
        ("10am to noon", ("10:00", "12:00")),
        ("18時から24時", ("18:00", "23:59")),
        ("25時から26時", None),
        ("13時", None),
        ("いつでも", None),
    ],
)
def test_times_of_day(text: str, times: tuple[str, str] | None) -> None:
    assert read_times(text) == times


@pytest.mark.parametrize(
    ("text", "count"), [("12", 12), ("１２名", 12), ("約20人です", 20), ("12 people", 12), ("数人", None)]
)
def test_how_many(text: str, count: int | None) -> None:
    assert read_count(text) == count
