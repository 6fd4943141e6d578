"""Row M1: linking a chat to a membership, its limits, several memberships in one chat, unlinking."""

from datetime import timedelta

import pytest

from core.clock import ManualClock
from tests.support.counter import Counter, Person
from tests.support.journeys import (
    ask_code,
    last_code,
    link_person,
    newest_invoice,
    order_renewal,
    report_transfer,
    rows,
)


def other_code(counter: Counter) -> str:
    return f"{(int(last_code(counter)) + 1) % 1_000_000:06d}"


@pytest.mark.parametrize("channel", ["webchat", "telegram"])
def test_member_number_mail_and_code_link_the_chat(counter: Counter, member_id: int, channel: str) -> None:
    person = counter.person(channel)
    person.act(kind="start")
    assert "はじめに「会員と連携する」を押してください" in person.answer()
    person.press("会員と連携する")
    assert "会員番号を入力" in person.answer() and "【1/2】" in person.answer()
    person.say("会員番号はｍ－０００００１です")
    assert "メールアドレスを入力" in person.answer()
    person.say("ＴＡＲＯ@example.jp")
    assert "6桁の確認ID" in person.answer() and last_code(counter) not in person.screen()
    code = last_code(counter)
    person.say(f"{code[:3]}-{code[3:]}")
    assert "連携できました。山田 太郎様（会員番号 M-000001）" in person.answer()
    assert [(link.member_id, link.ended_at) for link in rows(counter, "chat_link")] == [(member_id, None)]
    assert [row.action for row in rows(counter, "audit")].count("chat.linked") == 1
    assert all(code not in str(row) for row in [*rows(counter, "link_code"), *rows(counter, "audit")])


def test_linking_in_english_is_worded_in_english(counter: Counter, member_id: int) -> None:
    person = link_person(counter.person(language="en"))
    assert "Linked. You are 山田 太郎 (member ID M-000001)." in person.answer()


def test_an_unknown_member_and_a_wrong_mail_get_the_very_same_answers(counter: Counter, member_id: int) -> None:
    answers = []
    for place, (number, mail) in enumerate(
        [("M-000001", "taro@example.jp"), ("M-999999", "taro@example.jp"), ("M-000001", "hanako@example.jp")]
    ):
        person = counter.person(address=f"browser-{place}")
        asked = ask_code(person, number, mail).answer()
        answers.append([asked, *(person.say(other_code(counter)).answer() for _ in range(5))])
    assert answers[0] == answers[1] == answers[2]
    assert len(counter.mails()) == 1


def test_five_wrong_codes_end_the_code_and_the_right_one_is_too_late(counter: Counter, member_id: int) -> None:
    person = ask_code(counter.person())
    for left in (4, 3, 2, 1):
        assert f"あと{left}回入力できます" in person.say(other_code(counter)).answer()
    assert "この確認IDは使えなくなりました" in person.say(other_code(counter)).answer()
    person.say(last_code(counter))
    assert "連携できました" not in person.answer()
    assert rows(counter, "chat_link") == []
    assert [(code.tries, code.state) for code in rows(counter, "link_code")] == [(5, "dead")]
    link_again = person.press("もう一度はじめから").say("M-000001").say("taro@example.jp")
    assert "連携できました" in link_again.say(last_code(counter)).answer()


def test_what_is_no_code_is_said_and_costs_no_try(counter: Counter, member_id: int) -> None:
    person = ask_code(counter.person())
    assert "確認IDは6桁の数字です" in person.say("12345").answer()
    assert rows(counter, "link_code")[0].tries == 0


def test_a_code_dies_after_ten_minutes(counter: Counter, member_id: int, clock: ManualClock) -> None:
    person = ask_code(counter.person())
    clock.move(timedelta(minutes=10, seconds=1))
    assert "この確認IDは使えなくなりました" in person.say(last_code(counter)).answer()
    assert rows(counter, "chat_link") == []


def test_the_sixth_code_an_hour_is_refused_with_the_time_and_a_way_on(counter: Counter, member_id: int) -> None:
    person = ask_code(counter.person(), "M-000009")
    for _ in range(4):
        person.press("確認IDを送り直す")
    person.press("確認IDを送り直す")
    assert "確認IDの送信回数が上限に達しました。11月22日(日) 13:00を過ぎてから" in person.answer()
    assert "<問い合わせる>" in person.answer()
    assert len(rows(counter, "link_code")) == 5


def test_a_linked_chat_goes_on_whatever_others_ask_for(counter: Counter, member_id: int, person: Person) -> None:
    for place in range(6):
        ask_code(counter.person(address=f"stranger-{place}"))
    assert "ご契約" in person.say("/expiry").answer()
    assert "お問い合わせ" in person.say("/status").answer()


def test_the_members_other_chat_hears_of_a_new_link(counter: Counter, person: Person) -> None:
    person.seen = person.last_seq()
    link_person(counter.person("telegram", "42"))
    assert "別のトークがあなたの会員情報と連携されました（Telegram）" in person.answer()


def test_unlinking_is_one_step_and_pressed_twice_it_says_the_same(counter: Counter, person: Person) -> None:
    person.say("/unlink")
    assert "山田 太郎様（会員番号 M-000001）との連携を解除しますか？" in person.answer()
    handle = person.handle("連携を解除する")
    person.act(kind="press", handle=handle)
    assert "連携を解除しました" in person.answer()
    person.act(kind="press", handle=handle)
    assert "連携を解除しました" in person.answer()
    assert [link.ended_by for link in rows(counter, "chat_link")] == ["member"]
    assert "会員との連携が必要です" in person.say("/expiry").answer() and "<会員と連携する>" in person.answer()


def test_unlinking_in_the_middle_of_a_form_leaves_no_form_to_commit(
    counter: Counter, member_id: int, person: Person
) -> None:
    counter.add_contract(member_id)
    order_renewal(person)
    person.say("/report").press("請求額どおり").press("今日").press("登録のお名前")
    submit = person.handle("この内容で連絡する")
    person.say("/unlink").press("連携を解除する")
    person.act(kind="press", handle=submit)
    assert "会員を切り替えたため" in person.answer()
    assert rows(counter, "payment_report") == []
    assert "うまく読み取れませんでした" in person.say("あああああ").answer()


def two_memberships(counter: Counter, person: Person) -> int:
    company = counter.add_member(
        name="緑野商事", name_kana="ミドリノショウジ", email="info@example.co.jp", phone="03-1111-1111"
    )
    person.say("/link").press("別の会員を追加する").say("M-000002").say("info@example.co.jp")
    person.say(last_code(counter))
    assert "緑野商事様（会員番号 M-000002）としてご案内します" in person.answer()
    return company


def test_one_chat_holds_two_memberships_with_a_switcher(counter: Counter, member_id: int, person: Person) -> None:
    counter.add_contract(member_id, label="taro.example.jp")
    company = two_memberships(counter, person)
    counter.add_contract(company, label="midorino.example.jp")
    assert "midorino.example.jp" in person.say("/expiry").answer() and "taro." not in person.answer()
    person.say("/settings").press("会員を切り替える")
    assert "<山田 太郎（M-000001）>" in person.answer() and "<緑野商事（M-000002）>" in person.answer()
    person.press("山田 太郎（M-000001）")
    assert "taro.example.jp" in person.say("/expiry").answer() and "midorino" not in person.answer()
    assert rows(counter, "chat")[0].member_id == member_id


def test_a_form_of_one_membership_cannot_be_committed_as_another(
    counter: Counter, member_id: int, person: Person
) -> None:
    counter.add_contract(member_id)
    company = two_memberships(counter, person)
    counter.add_contract(company, label="midorino.example.jp")
    person.say("/settings").press("会員を切り替える").press("山田 太郎")
    person.say("/renew").press("1年　").press("そろえない")
    submit = person.handle("この内容で申し込む")
    person.say("/settings").press("会員を切り替える").press("緑野商事")
    person.act(kind="press", handle=submit)
    assert "会員を切り替えたため" in person.answer()
    assert rows(counter, "invoice") == []
    person.say("/settings").press("会員を切り替える").press("山田 太郎")
    person.say("/menu").press("続きから：更新のお手続き").press("この内容で申し込む")
    assert newest_invoice(person).member_id == member_id


def test_unlinking_one_of_two_says_who_the_chat_is_now(counter: Counter, member_id: int, person: Person) -> None:
    two_memberships(counter, person)
    person.say("/unlink").press("連携を解除する")
    assert "これからは山田 太郎様（会員番号 M-000001）としてご案内します" in person.answer()


def test_in_a_group_the_bot_only_asks_to_write_privately(counter: Counter, member_id: int) -> None:
    person = counter.person("telegram", "-100")
    person.say("/expiry", private=False)
    assert person.answer() == "個人情報を守るため、この窓口は1対1のトークでご利用ください。"
    person.say("利用期限は？", private=False)
    assert person.answer() == ""


def test_a_report_of_a_member_who_unlinked_stays_with_staff(counter: Counter, member_id: int, person: Person) -> None:
    counter.add_contract(member_id)
    order_renewal(person)
    report_transfer(person)
    person.say("/unlink").press("連携を解除する")
    assert [report.state for report in rows(counter, "payment_report")] == ["open"]
