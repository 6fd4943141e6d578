"""Row Q1 while a person is waited for and afterwards: a sign that words arrived, one inquiry, ordinary questions."""

from datetime import datetime, timedelta

import pytest

from core.clock import JST, ManualClock
from core.db import run
from core.tickets.composing import record_composing
from tests.e2e.test_q1_several_tickets import ask, said_in, solve, staff
from tests.support.builders import AGENT
from tests.support.counter import Counter, Person
from tests.support.journeys import link_person, rows

TUESDAY = datetime(2026, 11, 24, 11, 0, tzinfo=JST)  # staff are there
SATURDAY = datetime(2026, 11, 28, 13, 0, tzinfo=JST)
SIGN = "担当者に届いています（受付番号 T-000001）"


# ── a sign that words arrived ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("channel", ["webchat", "telegram", "line"])
def test_out_of_hours_words_are_acknowledged_once_a_pause_with_the_way_back(
    counter: Counter, member_id: int, clock: ManualClock, channel: str
) -> None:
    person = link_person(counter.person(channel))
    clock.set(SATURDAY)
    person.say("/human")
    assert "お急ぎのときは" not in person.answer() and "0120-000-000" in person.answer(), (
        "nobody is at the phone either"
    )
    assert SIGN in person.say("ログインできません").answer()
    assert "<自動案内に戻る>" in person.answer() and "<メニュー>" in person.answer()
    for words in ("パスワードは合っています", "画面を送ります", "急いでいます"):
        assert person.say(words).answer() == ""
    clock.move(timedelta(minutes=11))
    assert person.say("いかがでしょうか").answer().count(SIGN) == 1
    assert "自動案内に戻りました" in person.press("自動案内に戻る").answer()
    assert len(said_in(counter, "T-000001")) == 6


def test_the_sign_in_english(counter: Counter, member_id: int, clock: ManualClock) -> None:
    person = link_person(counter.person())
    person.say("/language en")
    clock.set(SATURDAY)
    person.say("/human").say("I cannot log in")
    assert "Your message has reached our staff (number T-000001)." in person.answer()
    assert "ticket.leave" in str(person.history()[-1].actions)


def test_no_sign_while_somebody_writes_or_has_just_answered(
    counter: Counter, person: Person, clock: ManualClock
) -> None:
    clock.set(SATURDAY)
    person.say("/human")
    ticket = rows(counter, "ticket")[0]
    run(counter.database, lambda tx: record_composing(tx, AGENT, ticket_id=ticket.id))
    assert person.say("ログインできません").answer() == ""
    staff(counter, ticket.ticket_no, "どの画面ですか。")
    clock.move(timedelta(minutes=5))
    assert SIGN not in person.say("最初の画面です").answer()


def test_in_business_hours_staff_have_ten_minutes_to_answer_first(
    counter: Counter, person: Person, clock: ManualClock
) -> None:
    clock.set(TUESDAY)
    person.say("/human")
    assert "お急ぎのときは 0120-000-000 へお電話ください。" in person.answer()
    assert person.say("ログインできません").answer() == ""
    clock.move(timedelta(minutes=11))
    assert SIGN in person.say("いかがでしょうか").answer()
    assert person.say("ありがとうございます").answer() == ""


# ── an ordinary question after solving ───────────────────────────────────────────────────────────


@pytest.mark.parametrize("words", ["利用期限を教えて", "when does my server expire?", "未払いの請求書を見たい"])
def test_an_ordinary_question_is_answered_and_the_ticket_stays_solved(
    counter: Counter, person: Person, clock: ManualClock, words: str
) -> None:
    clock.set(TUESDAY)
    number = ask(person, "入れません")
    staff(counter, number, "直しました。")
    solve(counter, number)
    assert person.say(words).answer().startswith(("【自動応答】", "[Automatic"))
    assert rows(counter, "ticket")[0].status == "solved" and said_in(counter, number) == ["入れません"]


@pytest.mark.parametrize(
    "words",
    [
        "また入れません",
        "いいえ、違います",
        "更新しても直りません",
        "T-000001 の有効期限を教えて",
        "担当者につないでください",
    ],
)
def test_what_may_be_about_the_ticket_opens_it_again(
    counter: Counter, person: Person, clock: ManualClock, words: str
) -> None:
    clock.set(TUESDAY)
    number = ask(person, "入れません")
    staff(counter, number, "直しました。")
    solve(counter, number)
    assert "もう一度お受けしました" in person.say(words).answer()
    assert rows(counter, "ticket")[0].status == "open" and said_in(counter, number)[-1] == words


# ── one inquiry for one wish to talk ─────────────────────────────────────────────────────────────


def test_asking_for_a_person_again_leads_to_the_inquiry_that_waits(
    counter: Counter, person: Person, clock: ManualClock
) -> None:
    clock.set(SATURDAY)
    person.say("/human").say("サーバーに入れません").say("自動案内に戻る")
    assert [row.subject for row in rows(counter, "ticket")] == ["サーバーに入れません"]
    assert "T-000001 でお待ちください" in person.say("/human").answer() and "<続きを書く>" in person.answer()
    assert "このままお書きください" in person.press("続きを書く").answer()
    person.say("昨日からです")
    assert len(rows(counter, "ticket")) == 1 and said_in(counter, "T-000001")[-1] == "昨日からです"
    assert rows(counter, "ticket")[0].subject == "サーバーに入れません", "the first words name it, no later ones"
    staff(counter, "T-000001", "承りました。")
    person.say("自動案内に戻る").say("/human")
    assert len(rows(counter, "ticket")) == 2, "one that was answered is another conversation"


# ── what this counter does not do ────────────────────────────────────────────────────────────────


def test_words_about_what_is_not_done_here_are_not_typed_again(counter: Counter, person: Person) -> None:
    person.say("srv001 を解約したいです")
    assert "まだお手続きできません" in person.answer()
    person.press("担当者に送る").press("その他")
    assert "内容: srv001 を解約したいです" in person.answer()
    person.press("送信する")
    ticket = rows(counter, "ticket")[0]
    assert said_in(counter, ticket.ticket_no) == ["srv001 を解約したいです"]
