"""Row Q1, opening and status: an inquiry by form, a person in the chat, the answer where it was asked, the way back."""

from datetime import timedelta

import pytest

from core.clock import ManualClock
from core.db import run
from core.tickets import service as tickets
from tests.support.builders import AGENT
from tests.support.counter import Counter, Person
from tests.support.journeys import link_person, rows


@pytest.mark.parametrize("channel", ["webchat", "telegram"])
def test_an_inquiry_gets_a_number_a_promise_and_its_queue(counter: Counter, member_id: int, channel: str) -> None:
    person = link_person(counter.person(channel))
    person.say("問い合わせたい").press("技術的なご質問・不具合").say("サイトが表示されません").say("ないです")
    assert "内容: サイトが表示されません" in person.answer() and "添付ファイル: なし" in person.answer()
    person.press("送信する")
    assert "受付番号 T-000001" in person.answer() and "回答の目安：11月25日(水) 11:00ごろまで" in person.answer()
    ticket = rows(counter, "ticket")[0]
    assert (ticket.queue, ticket.status, ticket.member_id) == ("technical", "new", member_id)
    assert "[T-000001] 担当者が確認します" in person.say("/status").answer()


def test_two_taps_open_one_ticket(counter: Counter, person: Person) -> None:
    person.say("/ticket").press("その他").say("質問です").press("スキップ")
    submit = person.handle("送信する")
    person.act(kind="press", handle=submit)
    person.act(kind="press", handle=submit)
    assert "すでに受け付け済みです" in person.answer()
    assert len(rows(counter, "ticket")) == 1


def test_who_is_not_linked_may_ask_too(counter: Counter) -> None:
    person = counter.person()
    person.say("/ticket").press("その他").say("入会したい").press("スキップ").press("送信する")
    assert rows(counter, "ticket")[0].member_id is None
    assert "T-000001" in person.say("/status").answer()


def test_staffs_answer_comes_to_the_chat_under_their_name(counter: Counter, person: Person) -> None:
    person.say("担当者と話したい")
    assert "担当者におつなぎします（受付番号 T-000001）" in person.answer() and "0120-000-000" in person.answer()
    person.say("困っています")
    assert "担当者に届いています（受付番号 T-000001）" in person.answer()
    ticket = rows(counter, "ticket")[0]
    last = rows(counter, "ticket_message")[-1].id
    person.seen = person.last_seq()
    run(
        counter.database,
        lambda tx: tickets.reply(
            tx, AGENT, ticket_id=ticket.id, text="どうされましたか。", last_seen_message_id=last, client_key="key-one-1"
        ),
    )
    assert "どうされましたか。" in person.answer()
    assert person.history()[-1].author == "staff"
    assert [row.state for row in rows(counter, "outbox", ticket_id=ticket.id, kind="staff_reply")] == ["sent"]


def test_the_menu_still_works_while_a_person_talks_and_the_way_back_is_one_press(
    counter: Counter, person: Person
) -> None:
    person.say("/human").say("更新したい")
    assert "ご契約" not in person.answer()
    assert "ご契約" in person.say("/expiry").answer()
    person.say("/human").press("自動案内に戻る")
    assert "自動案内に戻りました" in person.answer()
    assert "いま更新できるご契約はありません" in person.say("更新したい").answer()


def test_solved_is_said_and_the_bot_speaks_again_a_day_later(
    counter: Counter, person: Person, clock: ManualClock
) -> None:
    person.say("/human")
    ticket = rows(counter, "ticket")[0]
    person.seen = person.last_seq()
    run(counter.database, lambda tx: tickets.solve(tx, AGENT, ticket_id=ticket.id))
    assert "解決済みになりました" in person.answer()
    clock.move(timedelta(hours=24, minutes=1))
    run(counter.database, tickets.hand_back_due)
    assert "いま更新できるご契約はありません" in person.say("更新したい").answer()
