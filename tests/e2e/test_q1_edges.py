"""Row Q1 at its edges: taps repeated, promises missed, hand-overs, long lists, what is staff's alone, what waits for a yes."""

from datetime import datetime

import pytest

from core.billing.reports import ask_back, list_undecided, reject_report
from core.clock import JST, ManualClock
from core.db import run
from core.errors import DomainError
from core.tickets import service as tickets
from tests.e2e.test_q1_several_tickets import MONDAY, ask, said_in, solve, staff
from tests.support.builders import ACCOUNTANT, AGENT
from tests.support.counter import Counter, Person
from tests.support.journeys import link_person, order_renewal, report_transfer, rows

PHONE = "0120-000-000"


@pytest.fixture(autouse=True)
def on_monday(clock: ManualClock) -> None:
    """A working day, staff are there."""
    clock.set(MONDAY)


# ── the same tap again ───────────────────────────────────────────────────────────────────────────


def test_going_back_to_the_bot_twice_is_the_menu_and_no_untruth(counter: Counter, person: Person) -> None:
    ask(person, "一つ目です")
    person.say("/human")
    back = person.handle("自動案内に戻る")
    person.act(kind="press", handle=back)
    assert "自動案内に戻りました" in person.answer()
    person.act(kind="press", handle=back)
    assert "まだありません" not in person.answer() and "<問い合わせる>" in person.answer()


@pytest.mark.parametrize(
    ("words", "origin"), [(("ふがふがほげ",) * 3, "misses"), (("二重請求されています！",), "urgent")]
)
def test_words_sent_to_staff_by_one_press_are_sent_once(
    counter: Counter, person: Person, words: tuple[str, ...], origin: str
) -> None:
    for text in words:
        person.say(text)
    send = person.handle("担当者に")
    for _ in range(2):
        person.act(kind="press", handle=send)
        assert "受付番号 T-000001" in person.answer() and PHONE in person.answer()
    assert [ticket.origin for ticket in rows(counter, "ticket")] == [origin]
    for text in words:
        person.say(text)
    person.press("担当者に")
    assert len(rows(counter, "ticket")) == 2, "another bubble's button is another inquiry"


def test_words_sent_to_an_inquiry_by_one_press_are_sent_once(counter: Counter, person: Person) -> None:
    number = ask(person, "一つ目です")
    person.say("ふがふがほげ")
    send = person.handle(number)
    person.act(kind="press", handle=send)
    assert f"受付番号 {number} の担当者に届けました" in person.answer()
    person.act(kind="press", handle=send)
    assert said_in(counter, number) == ["一つ目です", "ふがふがほげ"]


# ── honest times, every hand-over with hours and phone ───────────────────────────────────────────


def test_a_promise_that_was_missed_is_not_said_again(counter: Counter, person: Person, clock: ManualClock) -> None:
    person.say("/human")
    assert "11月17日(火) 12:00ごろまで" in person.answer()
    clock.set(datetime(2026, 11, 19, 20, 0, tzinfo=JST))
    person.say("まだでしょうか")
    assert "営業時間外です" in person.answer() and "回答の目安：担当者が確認しだい" in person.answer()
    assert "11月17日" not in person.answer() and PHONE in person.answer()


@pytest.mark.parametrize(("language", "hours"), [("ja", "営業時間："), ("en", "Hours: ")])
def test_an_inquiry_opened_again_says_until_when_the_hours_and_the_phone(
    counter: Counter, person: Person, clock: ManualClock, language: str, hours: str
) -> None:
    number = ask(person, "一つ目です")
    solve(counter, number, "直しました。")
    if language == "en":
        person.say("/language en")
    person.say("まだ動きません")
    assert number in person.answer() and hours in person.answer() and PHONE in person.answer()
    solve(counter, number)
    clock.set(datetime(2026, 12, 1, 20, 0, tzinfo=JST))
    person.say("また同じことが起きました")
    answer = person.answer()
    assert "T-000002" in answer and number in answer and hours in answer and answer.count(PHONE) == 1
    assert "ただいま営業時間外です" in answer or language == "en"


# ── lists ────────────────────────────────────────────────────────────────────────────────────────


def test_an_inquiry_under_way_is_never_pushed_off_the_list_and_the_list_has_pages(
    counter: Counter, person: Person
) -> None:
    old = ask(person, "最初の件です")
    for place in range(7):
        solve(counter, ask(person, f"件{place}です"))
    person.say("/status")
    assert old in person.answer() and "T-000008" in person.answer() and "T-000004" not in person.answer()
    person.press("続きを見る")
    assert [no in person.answer() for no in ("T-000004", "T-000003", "T-000002", old, "T-000008")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert "続きを見る" not in person.answer()


def test_what_the_product_noted_for_staff_is_nobodys_inquiry(counter: Counter, person: Person, member_id: int) -> None:
    noted = run(
        counter.database,
        lambda tx: tickets.open_ticket(
            tx,
            kind="payment_notice",
            queue="accounting",
            subject="返金・チャージバック INV-000001",
            body="決済会社から返金がありました。",
            member_id=member_id,
            chat_id=None,
            origin="provider",
            by_bot=True,
        ),
    )
    for words in (f"{noted.ticket_no} の状況", "/status"):
        assert "チャージバック" not in person.say(words).answer()
    assert [row.author for row in rows(counter, "ticket_message", ticket_id=noted.id)] == ["bot"]


# ── what waits for a yes or no ───────────────────────────────────────────────────────────────────


def test_a_report_that_is_not_decided_is_not_solved_around_its_decision(
    counter: Counter, member_id: int, clock: ManualClock
) -> None:
    counter.add_contract(member_id)
    person = link_person(counter.person())
    order_renewal(person)
    report_transfer(person)
    report = run(counter.database, lambda tx: list_undecided(tx, member_id=member_id))[0]
    ticket = rows(counter, "ticket")[0]

    def solve_it() -> object:
        return run(counter.database, lambda tx: tickets.solve(tx, AGENT, ticket_id=ticket.id, force=True))

    with pytest.raises(DomainError, match="ticket_undecided"):
        solve_it()
    run(counter.database, lambda tx: ask_back(tx, staff=ACCOUNTANT, report_id=report.id, words="控えはありますか。"))
    person.say("/status").press(ticket.ticket_no)
    assert "<解決しました>" not in person.answer()
    run(counter.database, lambda tx: reject_report(tx, staff=ACCOUNTANT, report_id=report.id, words="見当たりません。"))
    person.say("/status").press(ticket.ticket_no).press("続きを書く").say("もう一度見てください")
    assert rows(counter, "ticket")[0].status == "open"
    solve_it()
    assert rows(counter, "ticket")[0].status == "solved"


# ── the bot's own words, typed while a person talks ──────────────────────────────────────────────


@pytest.mark.parametrize("words", ["メニュー", "ﾒﾆｭｰ", "Menu"])
def test_the_menu_typed_is_the_menu_and_opens_no_solved_inquiry(counter: Counter, person: Person, words: str) -> None:
    number = ask(person, "一つ目です")
    solve(counter, number, "直しました。")
    assert "<問い合わせる>" in person.say(words).answer() and "【自動応答】" in person.answer()
    assert rows(counter, "ticket")[0].status == "solved" and said_in(counter, number) == ["一つ目です"]
    assert person.say(f"{words}が開きません").answer().count("もう一度お受けしました") == 1, (
        "more than the word is for staff"
    )


def test_the_way_back_typed_is_the_way_back(counter: Counter, person: Person) -> None:
    person.say("/human")
    staff(counter, "T-000001", "どうされましたか。")
    assert "自動案内に戻りました" in person.say("自動案内に戻る").answer()
    assert "<問い合わせる>" in person.say("メニュー").answer() and "【自動応答】" not in person.answer()
