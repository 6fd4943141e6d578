"""Row Q1: which clock of a ticket runs, what pauses it, when staff are told; promise and warning are one value."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import JST
from core.profiles.hours import calendar_of, due_at
from core.profiles.model import ServiceLevel, Support
from core.tickets.sla import Clock, Clocks, Event, decide_clocks, decide_silence, decide_silent_end
from tests.support.builders import a_profile

SUPPORT = a_profile().support  # 8h business, 8h business, 40h business
CALENDAR = calendar_of(SUPPORT.business_hours)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=JST)


def after(
    *events: tuple[Event, str],
    support: Support = SUPPORT,
    clocks: Clocks = Clocks(),  # noqa: B008
) -> Clocks:
    """The clocks after events; staff have answered once one of them is an answer."""
    answered = False
    for event, moment in events:
        answered = answered or event == "answered"
        clocks = decide_clocks(clocks, event, at=at(moment), support=support, answered=answered)
    return clocks


def due(clock: Clock | None) -> datetime | None:
    return clock.due_at if clock else None


def test_the_first_answer_is_due_by_its_level_and_the_resolution_by_its_own() -> None:
    clocks = after(("opened", "2026-11-20 10:00"))
    assert (
        due(clocks.answer) == at("2026-11-24 11:00") == due_at(SUPPORT.first_answer, CALENDAR, at("2026-11-20 10:00"))
    )
    assert due(clocks.resolution) == at("2026-11-30 16:00")  # five days of seven hours, and five hours
    assert clocks.nearest == clocks.answer and clocks.answer is not None and clocks.answer.level == "first_answer"


def test_more_words_do_not_put_the_deadline_off() -> None:
    once = after(("opened", "2026-11-20 10:00"))
    assert after(("opened", "2026-11-20 10:00"), ("written", "2026-11-20 17:00")) == once


def test_an_answer_stops_both_and_the_members_next_words_start_the_next_answer() -> None:
    waiting = after(("opened", "2026-11-20 10:00"), ("answered", "2026-11-20 11:00"))
    assert waiting.answer is None and waiting.nearest is None
    assert waiting.resolution is not None and waiting.resolution.used == timedelta(hours=1)
    again = decide_clocks(waiting, "written", at=at("2026-11-25 10:00"), support=SUPPORT, answered=True)
    assert again.answer is not None and again.answer.level == "next_answer"
    assert again.answer.due_at == at("2026-11-26 11:00")


def test_the_time_the_member_takes_does_not_count_for_the_resolution() -> None:
    straight = after(("opened", "2026-11-24 10:00"))
    paused = after(("opened", "2026-11-24 10:00"), ("answered", "2026-11-24 15:00"), ("written", "2026-12-08 15:00"))
    assert straight.resolution and paused.resolution and straight.resolution.due_at and paused.resolution.due_at
    lost = CALENDAR.between(at("2026-11-24 15:00"), at("2026-12-08 15:00"))
    assert CALENDAR.between(straight.resolution.due_at, paused.resolution.due_at) == lost


def test_a_ticket_opened_again_goes_on_with_what_it_had_used() -> None:
    solved = after(("opened", "2026-11-24 10:00"), ("solved", "2026-11-25 11:00"))
    assert solved.nearest is None and solved.resolution and solved.resolution.used == timedelta(hours=8)
    by_staff = decide_clocks(solved, "reopened", at=at("2026-12-01 10:00"), support=SUPPORT, answered=False)
    assert by_staff.answer is None and by_staff.resolution
    assert by_staff.resolution.due_at == due_at(
        SUPPORT.resolution, CALENDAR, at("2026-12-01 10:00"), used=timedelta(hours=8)
    )
    by_member = decide_clocks(solved, "written", at=at("2026-12-01 10:00"), support=SUPPORT, answered=False)
    assert by_member.answer is not None and by_member.answer.level == "first_answer"


def test_staff_are_told_at_four_fifths_and_when_it_is_late_always_while_they_work() -> None:
    clock = after(("opened", "2026-11-24 10:00")).answer
    assert clock is not None and clock.due_at == at("2026-11-25 11:00")
    assert clock.soon_at == at("2026-11-24 17:24")  # 6.4 of 8 hours
    assert clock.late_at == at("2026-11-25 11:00")
    night = SUPPORT.model_copy(update={"first_answer": ServiceLevel(hours=48, clock="elapsed")})
    clock = after(("opened", "2026-11-24 22:00"), support=night).answer
    assert clock is not None and clock.due_at == at("2026-11-26 22:00")
    assert clock.soon_at == at("2026-11-26 12:24").replace(hour=13, minute=0)  # over lunch nobody looks
    assert clock.late_at == at("2026-11-27 10:00")
    weekend = after(("opened", "2026-11-20 19:00"), support=night).answer
    assert weekend is not None and weekend.soon_at is None, "nobody works before it is due"
    assert weekend.late_at == at("2026-11-24 10:00")


def test_whoever_holds_it_is_told_at_half_while_they_work_and_only_before_the_later_warning() -> None:
    clock = after(("opened", "2026-11-24 10:00")).answer
    assert clock is not None and clock.half_at == at("2026-11-24 15:00")  # 4 of 8 hours, lunch from 12 to 13
    again = after(("opened", "2026-11-24 10:00"), ("answered", "2026-11-24 15:30"), ("written", "2026-11-24 16:00"))
    assert again.answer is not None and again.answer.half_at is not None
    assert at("2026-11-24 16:00") < again.answer.half_at < (again.answer.soon_at or again.answer.half_at)
    assert again.resolution is not None and again.resolution.half_at is not None, "paused and gone on"
    night = SUPPORT.model_copy(update={"first_answer": ServiceLevel(hours=24, clock="elapsed")})
    clock = after(("opened", "2026-11-24 22:00"), support=night).answer
    assert clock is not None and clock.half_at == at("2026-11-25 10:00")  # half past is open already
    weekend = after(("opened", "2026-11-20 19:00"), support=night).answer
    assert weekend is not None and (weekend.half_at, weekend.soon_at) == (None, None), "nobody works before it is due"


def test_silence_is_spoken_about_and_ended_only_while_staff_work() -> None:
    told = decide_silence(at("2026-11-18 17:00"), SUPPORT)  # 5 days later is the holiday of the 23rd
    assert told == at("2026-11-24 10:00")
    assert decide_silent_end(told, SUPPORT) == at("2026-11-27 10:00")


EVENTS = st.lists(
    st.tuples(st.sampled_from(["written", "answered", "solved", "reopened"]), st.integers(1, 20_000)), max_size=12
)


@pytest.mark.parametrize("clock", ["business", "elapsed"])
@given(events=EVENTS)
def test_resolution_time_is_exactly_the_time_in_which_we_did_not_wait(
    clock: str, events: list[tuple[Event, int]]
) -> None:
    support = SUPPORT.model_copy(update={"resolution": ServiceLevel(hours=40, clock=clock)})  # type: ignore[arg-type]
    moment, running, used = at("2026-12-20 09:00"), True, timedelta(0)
    clocks = decide_clocks(Clocks(), "opened", at=moment, support=support, answered=False)
    for event, minutes in events:
        later = moment + timedelta(minutes=minutes)
        if running:
            used += CALENDAR.between(moment, later) if clock == "business" else later - moment
        moment, running = later, event in ("written", "reopened")
        clocks = decide_clocks(clocks, event, at=moment, support=support, answered=True)
        assert clocks.resolution is not None
        assert (clocks.resolution.from_at is not None) is running
        if not running:
            assert clocks.resolution.used == used and clocks.nearest is None
        elif used < timedelta(hours=40):  # later it stays where it was: in the past
            assert clocks.resolution.due_at == due_at(support.resolution, CALENDAR, moment, used=used)
