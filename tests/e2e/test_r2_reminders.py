"""Rows R2, M10 and X4: each milestone once, at a decent hour, in the words of the state, to chat and mail, or not at all."""

from datetime import UTC, date, datetime, timedelta

import pytest

from core.clock import ManualClock
from tests.support.counter import Counter, Person
from tests.support.journeys import link_person, newest_invoice, order_renewal, pay, report_transfer, rows, run_jobs

EXPIRY = date(2027, 1, 20)


@pytest.fixture
def member(counter: Counter, member_id: int, person: Person) -> Person:
    counter.add_contract(member_id, expires_on=EXPIRY)
    return person


def at(counter: Counter, clock: ManualClock, day: date, hour_in_japan: int = 12) -> None:
    clock.set(datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour_in_japan - 9))
    run_jobs(counter)


def days_with_reminders(counter: Counter, clock: ManualClock, person: Person, first: date, last: date) -> list[int]:
    """Days from the expiry on which a reminder came, with four ticks a day."""
    came = []
    day = first
    while day <= last:
        person.seen = person.last_seq()
        for hour in (11, 12, 13, 14):
            at(counter, clock, day, hour)
        came += [(day - EXPIRY).days] * person.answer().count("【更新のご案内】")
        day += timedelta(days=1)
    return came


def test_ten_and_five_days_before_on_the_day_and_the_day_after_each_once(
    counter: Counter, member: Person, clock: ManualClock
) -> None:
    assert days_with_reminders(counter, clock, member, EXPIRY - timedelta(days=12), EXPIRY + timedelta(days=3)) == [
        -10,
        -5,
        0,
        1,
    ]
    sent = [row.milestone for row in rows(counter, "reminder") if row.state == "queued"]
    assert sent == [-10, -5, 0, 1]
    reminders = [mail for mail in counter.mails() if "更新のご案内" in mail.payload["subject"]]
    assert len(reminders) == 4


def test_forty_days_before_for_those_who_ask(counter: Counter, member: Person, clock: ManualClock) -> None:
    member.say("/settings").press("40日前の案内を受け取る")
    assert "40日前の案内：受け取る" in member.answer()
    first = EXPIRY - timedelta(days=41)
    assert days_with_reminders(counter, clock, member, first, first + timedelta(days=3)) == [-40]


def test_nothing_comes_to_those_who_turned_it_off(counter: Counter, member: Person, clock: ManualClock) -> None:
    member.say("/settings").press("更新のご案内を止める")
    assert "更新忘れ" in member.answer()
    first = EXPIRY - timedelta(days=11)
    assert days_with_reminders(counter, clock, member, first, EXPIRY) == []


@pytest.mark.parametrize("hour", [0, 3, 7, 21, 23])
def test_nothing_comes_in_the_quiet_hours(counter: Counter, member: Person, clock: ManualClock, hour: int) -> None:
    member.seen = member.last_seq()
    at(counter, clock, EXPIRY - timedelta(days=10), hour)
    assert "【更新のご案内】" not in member.answer()
    at(counter, clock, EXPIRY - timedelta(days=10 if hour < 9 else 9), 12)
    assert member.answer().count("【更新のご案内】") == 1


def test_after_downtime_only_the_latest_comes(counter: Counter, member: Person, clock: ManualClock) -> None:
    member.seen = member.last_seq()
    at(counter, clock, EXPIRY - timedelta(days=4))
    assert member.answer().count("【更新のご案内】") == 1
    assert {row.milestone: row.state for row in rows(counter, "reminder")}[-10] == "superseded"


def test_the_first_line_names_neither_plan_nor_amount(counter: Counter, member: Person, clock: ManualClock) -> None:
    member.seen = member.last_seq()
    at(counter, clock, EXPIRY - timedelta(days=10))
    assert member.answer().splitlines()[0] == "【更新のご案内】みどり野サーバー株式会社"
    assert "「example.jp」の契約期間" in member.press("更新する").answer()


def test_the_state_decides_the_words_and_who_has_renewed_hears_nothing(
    counter: Counter, member: Person, clock: ManualClock
) -> None:
    clock.set(datetime(2027, 1, 9, 3, 0, tzinfo=UTC))
    order_renewal(member)
    member.seen = member.last_seq()
    at(counter, clock, EXPIRY - timedelta(days=10))
    assert "お支払いがお済みでないようです" in member.answer() and "<振込先を見る>" in member.answer()
    report_transfer(member)
    member.seen = member.last_seq()
    at(counter, clock, EXPIRY - timedelta(days=5))
    assert "お手続きは不要です" in member.answer() and "更新する" not in member.answer()
    pay(counter, newest_invoice(member))
    member.seen = member.last_seq()
    at(counter, clock, EXPIRY)
    assert member.answer() == ""


def test_several_contracts_of_a_day_come_in_one_message_in_the_chats_language(
    counter: Counter, member_id: int, clock: ManualClock
) -> None:
    for label in ("a.example.jp", "b.example.jp"):
        counter.add_contract(member_id, label=label, expires_on=EXPIRY)
    person = link_person(counter.person(language="en"))
    person.seen = person.last_seq()
    at(counter, clock, EXPIRY - timedelta(days=5))
    assert person.answer().count("[Renewal]") == 1
    assert "[a.example.jp]" in person.answer() and "[b.example.jp]" in person.answer()


def test_without_a_chat_the_mail_comes_alone(counter: Counter, member_id: int, clock: ManualClock) -> None:
    counter.add_contract(member_id, expires_on=EXPIRY)
    at(counter, clock, EXPIRY - timedelta(days=5))
    assert [mail.address for mail in counter.mails()] == ["taro@example.jp"]
    assert "利用期限 2027年1月20日(水)（あと5日）" in counter.mails()[0].payload["text"]
