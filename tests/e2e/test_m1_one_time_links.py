"""Row M1: one-time links of the operator connect a chat on every channel: name, one proof more, once, fifteen minutes."""

from datetime import timedelta

import pytest

from bot.inbound import DEEP_LINK
from core.clock import ManualClock
from core.db import run
from core.errors import DomainError
from core.members.link_tokens import IssuedLink, issue_deep_link
from core.members.service import update_member
from tests.support.builders import AGENT, Somebody
from tests.support.counter import Counter, Person
from tests.support.journeys import last_code, link_person, rows

CHANNELS = ["webchat", "telegram", "line"]


def made(counter: Counter, member_no: str = "M-000001") -> IssuedLink:
    return run(counter.database, lambda tx: issue_deep_link(tx, staff=AGENT, member_no=member_no))


def opened(counter: Counter, token: str, channel: str = "webchat", address: str = "browser-1") -> Person:
    person = counter.person(channel, address)
    person.act(kind="start", text="/start", payload=DEEP_LINK + token)
    return person


def change(counter: Counter, member_id: int, **changes: object) -> None:
    run(
        counter.database,
        lambda tx: update_member(tx, member_id=member_id, actor_kind="system", actor_id=None, changes=changes),
    )


@pytest.mark.parametrize("typed", ["1956年4月1日", "19560401", "1956/04/01", "S31.4.1", "Apr 1, 1956", "1 April 1956"])
def test_a_birth_date_is_read_as_people_write_it(counter: Counter, member_id: int, typed: str) -> None:
    assert "連携できました" in opened(counter, made(counter).token).press("はい、本人です").say(typed).answer()


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_link_asks_for_the_name_and_the_birth_date_and_links(counter: Counter, member_id: int, channel: str) -> None:
    person = opened(counter, made(counter).token, channel)
    assert person.answer().startswith("山田 太郎様ですか？")
    assert rows(counter, "chat_link") == []
    assert "生年月日" in person.press("はい、本人です").answer()
    assert "連携できました。山田 太郎様" in person.say("昭和31年4月1日").answer()
    assert [link.member_id for link in rows(counter, "chat_link")] == [member_id]
    assert [row.action for row in rows(counter, "audit")].count("link.issued") == 1
    assert counter.mails() == []


def test_without_a_birth_date_the_end_of_the_telephone_number_proves_it(counter: Counter, member_id: int) -> None:
    change(counter, member_id, birth_on=None, phone="090-1234-5678")
    person = opened(counter, made(counter).token).press("はい、本人です")
    assert "電話番号の下4桁" in person.answer()
    assert "数字で入力" in person.say("ひみつ").answer()
    assert "一致しませんでした。あと4回" in person.say("1234").answer()
    assert "連携できました" in person.say("５６７８").answer()


def test_with_neither_a_code_is_mailed(counter: Counter, member_id: int) -> None:
    change(counter, member_id, birth_on=None, phone=None)
    person = opened(counter, made(counter).token).press("はい、本人です")
    assert "6桁の確認ID" in person.answer()
    assert "連携できました" in person.say(last_code(counter)).answer()


def test_whoever_has_nothing_on_file_gets_no_link(counter: Counter, member_id: int) -> None:
    change(counter, member_id, birth_on=None, phone=None, email=None)
    with pytest.raises(DomainError, match="no_proof"):
        made(counter)


def test_five_wrong_proofs_end_it(counter: Counter, member_id: int) -> None:
    person = opened(counter, made(counter).token).press("はい、本人です")
    for _ in range(5):
        person.say("1999年1月1日")
    assert "この確認IDは使えなくなりました" in person.answer()
    person.say("1956年4月1日")
    assert rows(counter, "chat_link") == []


def test_looking_uses_nothing_up_and_the_press_uses_it_once(counter: Counter, member_id: int) -> None:
    token = made(counter).token
    for _ in range(3):
        assert "山田 太郎様ですか？" in opened(counter, token).answer()
    first = opened(counter, token)
    second = opened(counter, token, "telegram", "thief")
    first.press("はい、本人です")
    assert "このリンクは使えないか" in second.press("はい、本人です").answer()
    assert "このリンクは使えないか" in opened(counter, token, "line", "third").answer()
    assert "連携できました" in first.say("1956/4/1").answer()


def test_used_old_foreign_and_ended_members_links_all_read_the_same(
    counter: Counter, member_id: int, clock: ManualClock
) -> None:
    never = opened(counter, "0" * 32).answer()
    late = made(counter).token
    clock.move(timedelta(minutes=15, seconds=1))
    replaced, gone = made(counter).token, made(counter).token
    assert opened(counter, late).answer() == opened(counter, replaced).answer() == never
    assert "ですか？" in opened(counter, gone).answer()
    change(counter, member_id, status="withdrawn")
    assert opened(counter, gone).answer() == never


def test_the_chats_and_the_members_limits_hold(counter: Counter, member_id: int) -> None:
    for place in range(3):
        opened(counter, made(counter).token, address=f"chat-{place}").press("はい、本人です")
    fourth = opened(counter, made(counter).token, address="chat-4").press("はい、本人です")
    assert "このリンクは使えないか" in fourth.answer()  # the member's own limit is not told apart
    person = counter.person(address="busy")
    for _ in range(5):
        person.say("/link").say("M-000009").say("somebody@example.jp")
    person.act(kind="start", text="/start", payload=DEEP_LINK + made(counter).token)
    assert "上限に達しました" in person.press("はい、本人です").answer()


def test_a_chat_that_is_linked_already_is_told_so(counter: Counter, person: Person) -> None:
    person.act(kind="start", text="/start", payload=DEEP_LINK + made(counter).token)
    assert "すでに山田 太郎様" in person.answer()


def test_no_is_no_harm_and_the_other_chats_hear_of_a_new_link(counter: Counter, person: Person) -> None:
    token = made(counter).token
    other = opened(counter, token, "telegram", "42").press("いいえ、違います")
    assert "会員と連携する" in other.answer()
    person.seen = person.last_seq()
    opened(counter, token, "telegram", "42").press("はい、本人です").say("1956-04-01")
    assert "別のトークがあなたの会員情報と連携されました" in person.answer()


def test_no_token_is_stored_and_a_payload_that_is_none_opens_the_menu(counter: Counter, member_id: int) -> None:
    token = made(counter).token
    assert token not in str(rows(counter, "link_token"))
    person = counter.person()
    person.act(kind="start", text="/start", payload="campaign-2026")
    assert "窓口" in person.answer()


def test_a_viewer_may_make_no_link(counter: Counter, member_id: int) -> None:
    with pytest.raises(DomainError, match="forbidden"):
        run(
            counter.database,
            lambda tx: issue_deep_link(tx, staff=Somebody(1, "viewer", "見学"), member_no="M-000001"),
        )


def test_in_a_group_a_link_does_nothing(counter: Counter, member_id: int) -> None:
    person = counter.person("telegram", "-100")
    person.act(kind="start", text="/start", payload=DEEP_LINK + made(counter).token, private=False)
    assert "1対1" in person.answer()


def test_linking_afterwards_by_mail_goes_on_as_before(counter: Counter, member_id: int) -> None:
    opened(counter, made(counter).token).press("はい、本人です").say("/cancel")
    assert "連携できました" in link_person(counter.person()).answer()
