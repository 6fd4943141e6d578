"""R2, X4: each milestone decided once, downtime caught up by the latest, no reminder without cause (algorithms.md 8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.contracts.policy import ContractStatus
from core.reminders.policy import (
    Decision,
    MilestoneDecision,
    ReminderCycle,
    SecondLook,
    StopReason,
    WordingState,
    due_milestones,
    next_milestone_on,
    still_wanted,
    stop_reason,
    wanted_milestones,
    wording_state,
)

D = date.fromisoformat
E = D("2027-03-31")
CYCLE = ReminderCycle(
    expires_on=E,
    born_on=D("2026-03-31"),
    grace_end_on=D("2027-04-07"),
    milestones=(-40, -10, -5, 0, 1),
)
QUEUED, SUPERSEDED, SUPPRESSED = Decision.QUEUED, Decision.SUPERSEDED, Decision.SUPPRESSED
MILESTONES = st.lists(st.integers(-60, 7), min_size=1, max_size=6, unique=True).map(lambda days: tuple(sorted(days)))
Log = list[tuple[str, int, Decision]]


def days(first: str, last: str) -> list[date]:
    count = (D(last) - D(first)).days + 1
    return [D(first) + timedelta(days=n) for n in range(count)]


def run(cycle: ReminderCycle, on: list[date], *, ticks_a_day: int = 1) -> tuple[Log, ReminderCycle]:
    """What ticks on these days decide, each with the rows of those before it, as the scheduler would."""
    log: Log = []
    for today in on:
        for _ in range(ticks_a_day):
            for milestone, decision, _reason in due_milestones(cycle, today=today):
                assert milestone not in cycle.decided
                cycle = replace(cycle, decided=cycle.decided | {milestone})
                log.append((today.isoformat(), milestone, decision))
    return log, cycle


def test_the_dates_of_the_milestones() -> None:
    dates = [CYCLE.date_of(m).isoformat() for m in CYCLE.milestones]
    assert dates == ["2027-02-19", "2027-03-21", "2027-03-26", "2027-03-31", "2027-04-01"]


@pytest.mark.parametrize("ticks_a_day", [1, 288])
def test_pain_1_five_messages_however_often_the_clock_ticks(ticks_a_day: int) -> None:
    log, _ = run(CYCLE, days("2027-02-01", "2027-04-30"), ticks_a_day=ticks_a_day)
    assert log == [
        ("2027-02-19", -40, QUEUED),
        ("2027-03-21", -10, QUEUED),
        ("2027-03-26", -5, QUEUED),
        ("2027-03-31", 0, QUEUED),
        ("2027-04-01", 1, QUEUED),
    ]


def test_down_over_two_milestones_the_later_goes_out_on_the_first_day_back() -> None:
    log, _ = run(CYCLE, days("2027-02-01", "2027-03-19") + days("2027-03-27", "2027-03-30"))
    assert log[1:] == [("2027-03-27", -10, SUPERSEDED), ("2027-03-27", -5, QUEUED)]


def test_down_over_the_expiry_only_the_last_milestone_goes_out() -> None:
    log, _ = run(CYCLE, days("2027-02-01", "2027-03-24") + days("2027-04-05", "2027-04-10"))
    assert log[2:] == [("2027-04-05", -5, SUPERSEDED), ("2027-04-05", 0, SUPERSEDED), ("2027-04-05", 1, QUEUED)]


def test_down_beyond_the_grace_nothing_goes_out() -> None:
    log, cycle = run(CYCLE, days("2027-03-21", "2027-03-26") + days("2027-04-08", "2027-04-20"))
    assert log[3:] == [("2027-04-08", 0, SUPPRESSED), ("2027-04-08", 1, SUPPRESSED)]
    assert next_milestone_on(cycle) is None


def test_the_last_milestone_stays_valid_to_the_end_of_the_grace() -> None:
    sent = replace(CYCLE, decided=frozenset({-40, -10, -5, 0}))
    assert [d.decision for d in due_milestones(sent, today=D("2027-04-07"))] == [QUEUED]
    assert [d.decision for d in due_milestones(sent, today=D("2027-04-08"))] == [SUPPRESSED]


def test_pain_20_milestones_before_a_contract_was_made_are_born_suppressed() -> None:
    log, _ = run(replace(CYCLE, born_on=D("2027-03-24")), days("2027-03-24", "2027-03-26"))
    assert log == [
        ("2027-03-24", -40, SUPPRESSED),
        ("2027-03-24", -10, SUPPRESSED),
        ("2027-03-26", -5, QUEUED),
    ]


def test_a_contract_made_on_a_milestones_own_day_is_reminded_of() -> None:
    decided = due_milestones(replace(CYCLE, born_on=D("2027-03-26")), today=D("2027-03-26"))
    assert [(m, decision) for m, decision, _ in decided] == [(-40, SUPPRESSED), (-10, SUPPRESSED), (-5, QUEUED)]


def test_an_early_milestone_asked_for_late_does_not_follow_a_later_one() -> None:
    asked_late = replace(CYCLE, decided=frozenset({-10}))
    assert due_milestones(asked_late, today=D("2027-03-23")) == [
        MilestoneDecision(-40, SUPERSEDED, "later_milestone"),
    ]


def test_an_early_milestone_asked_for_while_it_is_the_latest_goes_out() -> None:
    assert due_milestones(CYCLE, today=D("2027-03-01")) == [MilestoneDecision(-40, QUEUED, "due")]


def test_r2_the_fortieth_day_before_is_only_for_those_who_ask() -> None:
    days_of_all = (-40, -10, -5, 0, 1)
    assert wanted_milestones(days_of_all, on_request=(-40,), asked_for=()) == (-10, -5, 0, 1)
    assert wanted_milestones(days_of_all, on_request=(-40,), asked_for=(-40,)) == days_of_all


@pytest.mark.parametrize("stop", [StopReason.RENEWED, StopReason.ENDED])
def test_a_final_stop_suppresses_all_the_rest(stop: StopReason) -> None:
    stopped = replace(CYCLE, decided=frozenset({-40}), stopped=stop)
    assert due_milestones(stopped, today=D("2027-03-21")) == [
        MilestoneDecision(m, SUPPRESSED, stop.value) for m in (-10, -5, 0, 1)
    ]
    assert next_milestone_on(stopped) is None


@pytest.mark.parametrize("stop", [StopReason.CANCELLED, StopReason.AUTOMATIC, StopReason.OPTED_OUT])
def test_a_stop_that_may_be_taken_back_suppresses_what_is_due_and_leaves_what_is_ahead(stop: StopReason) -> None:
    """A3: a contract that falls back to renewal by hand is reminded of from then on."""
    log, cycle = run(replace(CYCLE, stopped=stop), days("2027-03-01", "2027-03-26"))
    assert [(m, decision) for _, m, decision in log] == [(-40, SUPPRESSED), (-10, SUPPRESSED), (-5, SUPPRESSED)]
    assert next_milestone_on(cycle) == E
    back, _ = run(replace(cycle, stopped=None), days("2027-03-26", "2027-03-31"))
    assert back == [("2027-03-31", 0, QUEUED)]


@given(
    milestones=MILESTONES,
    born=st.integers(-70, 3),
    up=st.lists(st.booleans(), min_size=90, max_size=90),
    stops=st.lists(st.sampled_from([None, None, None, *StopReason]), min_size=90, max_size=90),
)
def test_x4_whatever_happens_each_milestone_is_decided_once_and_none_is_sent_after_a_later_one(
    milestones: tuple[int, ...], born: int, up: list[bool], stops: list[StopReason | None]
) -> None:
    cycle = replace(CYCLE, milestones=milestones, born_on=E + timedelta(days=born))
    queued: list[tuple[date, int]] = []
    for n in range(90):
        today = E + timedelta(days=n - 75)
        if not up[n] or today < cycle.born_on:
            continue
        cycle = replace(cycle, stopped=stops[n])
        decisions = due_milestones(cycle, today=today)
        decided_now = {decision.milestone for decision in decisions}
        assert len(decided_now) == len(decisions)
        assert not decided_now & cycle.decided
        sent = [decision.milestone for decision in decisions if decision.decision is QUEUED]
        assert len(sent) <= 1
        for milestone in sent:
            assert stops[n] is None
            assert cycle.born_on <= cycle.date_of(milestone) <= today <= cycle.grace_end_on
            assert not any(milestone < other and cycle.date_of(other) <= today for other in milestones)
            queued.append((today, milestone))
        cycle = replace(cycle, decided=cycle.decided | decided_now)
        assert all(m in cycle.decided for m in milestones if cycle.date_of(m) <= today)
        following = next_milestone_on(cycle)
        assert following is None or following > today
        assert due_milestones(cycle, today=today) == []
    assert [m for _, m in queued] == sorted({m for _, m in queued})
    assert len({day for day, _ in queued}) == len(queued)


@given(milestones=MILESTONES, born=st.integers(-70, 3))
def test_x4_without_downtime_every_milestone_from_the_birth_on_is_sent_on_its_day(
    milestones: tuple[int, ...], born: int
) -> None:
    cycle = replace(CYCLE, milestones=milestones, born_on=E + timedelta(days=born))
    sent = []
    while (today := next_milestone_on(cycle)) is not None:
        day = max(today, cycle.born_on)
        for milestone, decision, _ in due_milestones(cycle, today=day):
            cycle = replace(cycle, decided=cycle.decided | {milestone})
            if decision is QUEUED:
                sent.append((day, milestone))
    assert sent == [(cycle.date_of(m), m) for m in milestones if m >= born]


def test_the_index_holds_the_day_of_the_next_milestone_and_nothing_when_all_is_said() -> None:
    assert next_milestone_on(CYCLE) == D("2027-02-19")
    assert next_milestone_on(replace(CYCLE, decided=frozenset({-40, -10}))) == D("2027-03-26")
    assert next_milestone_on(replace(CYCLE, decided=frozenset(CYCLE.milestones))) is None
    assert next_milestone_on(replace(CYCLE, milestones=(-5, 9), decided=frozenset({-5}))) is None  # after the grace


def test_renewed_while_a_reminder_waits_for_its_sender_it_does_not_leave() -> None:
    queued = replace(CYCLE, decided=frozenset({-40, -10, -5}))
    today = D("2027-03-26")
    assert still_wanted(queued, -5, today=today) == SecondLook(wanted=True, reason="due")
    for stop in StopReason:
        assert still_wanted(replace(queued, stopped=stop), -5, today=today) == SecondLook(False, stop.value)


def test_a_reminder_that_waited_too_long_gives_way_to_the_later_one() -> None:
    queued = replace(CYCLE, decided=frozenset({-40, -10}))
    assert still_wanted(queued, -10, today=D("2027-03-25")).wanted
    assert still_wanted(queued, -10, today=D("2027-03-26")) == SecondLook(False, "later_milestone")
    assert still_wanted(queued, 1, today=D("2027-04-07")).wanted
    assert still_wanted(queued, 1, today=D("2027-04-08")) == SecondLook(False, "ended")


STANDING = {
    "cycle_expires_on": E,
    "contract_expires_on": E,
    "status": ContractStatus.ACTIVE,
    "grace_days": 7,
    "auto_renewal": False,
    "opted_out": False,
    "today": E,
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, None),
        ({"today": D("2027-04-07")}, None),
        ({"today": D("2027-04-08")}, StopReason.ENDED),
        ({"status": ContractStatus.ENDED}, StopReason.ENDED),
        ({"status": ContractStatus.TRIAL}, None),
        ({"status": ContractStatus.CANCELLED}, StopReason.CANCELLED),
        ({"auto_renewal": True}, StopReason.AUTOMATIC),
        ({"opted_out": True}, StopReason.OPTED_OUT),
        ({"contract_expires_on": D("2027-04-30"), "opted_out": True}, StopReason.RENEWED),
        ({"status": ContractStatus.ENDED, "auto_renewal": True}, StopReason.ENDED),
    ],
)
def test_a_cycle_is_stopped_by_what_the_contract_has_become(
    changed: dict[str, object], expected: StopReason | None
) -> None:
    assert stop_reason(**{**STANDING, **changed}) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("invoice", "report", "failed", "expected"),
    [
        (False, False, False, WordingState.NOTHING_DONE),
        (True, False, False, WordingState.INVOICE_OPEN),
        (True, True, False, WordingState.REPORT_OPEN),
        (True, True, True, WordingState.REPORT_OPEN),
        (True, False, True, WordingState.PAYMENT_FAILED),
        (False, False, True, WordingState.PAYMENT_FAILED),
    ],
)
def test_a_reminder_says_thanks_for_a_report_and_does_not_urge(
    invoice: bool, report: bool, failed: bool, expected: WordingState
) -> None:
    assert wording_state(has_open_invoice=invoice, has_open_report=report, payment_failed=failed) is expected
