"""Rows P3 and P4: a transfer is reported by form or in a sentence, staff confirm, ask back or reject, the member is told."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from core.billing import reports
from core.billing.books import check_books
from core.clock import ManualClock
from core.db import run
from tests.support.builders import ACCOUNTANT
from tests.support.counter import Counter, Person
from tests.support.journeys import Row, link_person, newest_invoice, order_renewal, pay, report_transfer, rows, run_jobs


@pytest.fixture
def ordered(counter: Counter, member_id: int, person: Person) -> Person:
    counter.add_contract(member_id)
    order_renewal(person)
    return person


def report_of(counter: Counter) -> Row:
    return rows(counter, "payment_report")[-1]


def confirm(counter: Counter, amount_yen: int = 13_200) -> None:
    report = report_of(counter)
    run(
        counter.database,
        lambda tx: reports.confirm_report(
            tx,
            profile=counter.profile,
            staff=ACCOUNTANT,
            report_id=report.id,
            amount_yen=amount_yen,
            value_on=report.paid_on,
        ),
    )


def test_by_form_the_report_reaches_staff_as_a_ticket(counter: Counter, ordered: Person) -> None:
    ordered.say("/report")
    assert "お振込額を入力してください" in ordered.answer() and "【2/" not in ordered.answer()
    ordered.press("13,200円（請求額どおり）").press("昨日").say("ﾔﾏﾀﾞ ﾊﾅｺ")
    shown = ordered.answer()
    assert "お振込額: 13,200円" in shown and "お振込日: 2026年11月21日(土)" in shown and "ヤマダ ハナコ" in shown
    ordered.press("この内容で連絡する")
    assert "振込のご連絡を受け付けました" in ordered.answer() and "1〜3銀行営業日" in ordered.answer()
    report = report_of(counter)
    assert (report.amount_yen, report.paid_on, report.payer_name, report.state) == (
        13_200,
        date(2026, 11, 21),
        "ヤマダ ハナコ",
        "open",
    )
    ticket = rows(counter, "ticket", id=report.ticket_id)[0]
    assert (ticket.kind, ticket.queue, ticket.status) == ("payment_report", "accounting", "new")
    assert rows(counter, "payment") == []


def test_in_one_sentence_only_the_confirmation_is_left(counter: Counter, ordered: Person) -> None:
    ordered.say("昨日、山田太郎名義で13,200円振り込みました")
    shown = ordered.answer()
    assert "この内容で担当者に連絡します" in shown and "山田太郎" in shown and "2026年11月21日(土)" in shown
    ordered.say("はい")
    assert (report_of(counter).amount_yen, report_of(counter).payer_name) == (13_200, "山田太郎")


def test_in_an_english_sentence(counter: Counter, member_id: int) -> None:
    counter.add_contract(member_id)
    person = link_person(counter.person(language="en"))
    person.say("renew for 12 months").press("No").press("Order")
    person.say("I transferred 13,200 yen yesterday under the name Taro Yamada")
    assert "¥13,200" in person.answer() and "Sat, Nov 21, 2026" in person.answer()
    person.press("Send it")
    assert report_of(counter).payer_name == "Taro Yamada"


def test_an_amount_that_differs_is_pointed_out_and_not_refused(counter: Counter, ordered: Person) -> None:
    ordered.say("昨日、山田太郎名義で12,000円振り込みました")
    assert "請求額 13,200円 と金額が違います" in ordered.answer()
    ordered.press("この内容で連絡する")
    assert report_of(counter).amount_yen == 12_000


def test_two_taps_and_a_repeated_report_make_one(counter: Counter, ordered: Person) -> None:
    ordered.say("/report").press("請求額どおり").press("今日").press("登録のお名前")
    submit = ordered.handle("この内容で連絡する")
    ordered.act(kind="press", handle=submit)
    ordered.act(kind="press", handle=submit)
    assert "すでに受け付け済みです" in ordered.answer()
    report_transfer(ordered)
    assert len(rows(counter, "payment_report")) == 1 and len(rows(counter, "ticket")) == 1


def test_confirmation_extends_the_contract_and_tells_the_member_once(counter: Counter, ordered: Person) -> None:
    report_transfer(ordered)
    ordered.seen = ordered.last_seq()
    confirm(counter)
    assert ordered.answer().count("入金を確認しました") == 1
    assert "新しい利用期限: 2027年11月30日(火)" in ordered.answer()
    assert report_of(counter).state == "confirmed" and newest_invoice(ordered).status == "paid"
    assert rows(counter, "contract")[0].expires_on == date(2027, 11, 30)
    assert rows(counter, "renewal")[0].state == "done"
    assert [mail.payload["subject"] for mail in counter.mails()][-1].endswith("更新が完了しました（INV-2026-000001）")
    assert rows(counter, "ticket")[0].status == "solved"
    assert run(counter.database, check_books) == []


def test_asked_back_the_members_words_reach_the_ticket(counter: Counter, ordered: Person) -> None:
    report_transfer(ordered)
    ordered.seen, report_id = ordered.last_seq(), report_of(counter).id
    run(
        counter.database,
        lambda tx: reports.ask_back(
            tx, staff=ACCOUNTANT, report_id=report_id, words="お振込人のお名前は合っていますか？"
        ),
    )
    assert "お振込人のお名前は合っていますか？" in ordered.answer()
    ordered.say("妻の名前（ヤマダ ハナコ）で振り込みました")
    assert "営業時間外" in ordered.answer() and "\n回答の目安：" in ordered.answer()  # on a Sunday; else silence
    assert rows(counter, "ticket_message")[-1].body == "妻の名前（ヤマダ ハナコ）で振り込みました"
    assert report_of(counter).state == "asked"
    confirm(counter)
    assert "新しい利用期限" in ordered.answer()
    assert "ご契約" in ordered.say("/expiry").answer()


def test_rejected_the_member_hears_why_and_can_report_again(counter: Counter, ordered: Person) -> None:
    report_transfer(ordered)
    ordered.seen, report_id = ordered.last_seq(), report_of(counter).id
    run(
        counter.database,
        lambda tx: reports.reject_report(
            tx, staff=ACCOUNTANT, report_id=report_id, words="該当の入金がありませんでした。"
        ),
    )
    assert "該当の入金がありませんでした。" in ordered.answer()
    report_transfer(ordered)
    assert [row.state for row in rows(counter, "payment_report")] == ["rejected", "open"]


@pytest.mark.parametrize("channel", ["webchat", "telegram", "line"])
def test_rejected_what_the_member_answers_goes_to_accounting(
    counter: Counter, linked: Callable[..., Person], channel: str, clock: ManualClock
) -> None:
    member = linked(channel=channel)
    counter.add_contract(rows(counter, "member")[0].id)
    order_renewal(member)
    report_transfer(member)
    member.seen, report_id = member.last_seq(), report_of(counter).id
    words = "該当の入金がありませんでした。"
    run(counter.database, lambda tx: reports.reject_report(tx, staff=ACCOUNTANT, report_id=report_id, words=words))
    assert "経理の担当者に届きます" in member.answer() and "ボット" not in member.answer()
    assert "理解" not in member.say("ありがとうございます").answer()
    assert rows(counter, "ticket")[0].status == "solved"
    told = member.say("妻の口座から振り込みました").answer()
    (ticket,) = rows(counter, "ticket")
    assert (ticket.status, ticket.queue) == ("open", "accounting") and ticket.ticket_no in told, told
    assert rows(counter, "ticket_message")[-1].body == "妻の口座から振り込みました"
    assert "ご契約" in member.say("/expiry").answer()


def test_a_day_after_the_rejection_the_bot_speaks_again(counter: Counter, ordered: Person, clock: ManualClock) -> None:
    report_transfer(ordered)
    report_id = report_of(counter).id
    run(
        counter.database,
        lambda tx: reports.reject_report(tx, staff=ACCOUNTANT, report_id=report_id, words="ありません。"),
    )
    clock.move(timedelta(hours=25))
    run_jobs(counter)
    assert [chat.speaker for chat in rows(counter, "chat")] == ["bot"]


def test_too_little_money_leaves_the_rest_due_and_says_so(counter: Counter, ordered: Person) -> None:
    ordered.seen = ordered.last_seq()
    pay(counter, newest_invoice(ordered), 10_000)
    assert "あと3,200円不足しています" in ordered.answer()
    assert "お支払い残額: 3,200円" in ordered.say("/unpaid").answer()
    assert rows(counter, "contract")[0].expires_on == date(2026, 11, 30)
    pay(counter, newest_invoice(ordered), 3_200, "bank-2")
    assert rows(counter, "contract")[0].expires_on == date(2027, 11, 30)


BAD_AMOUNTS = {
    "0円": "金額は1円以上",
    "０": "金額は1円以上",
    "-5000": "金額は1円以上",
    "▲5,000円": "金額は1円以上",
    "マイナス五千円": "金額は1円以上",
    "1234567890123": "金額が大きすぎます",
    "たくさん": "金額を読み取れませんでした",
    "😀": "金額を読み取れませんでした",
    "12.5円": "金額を読み取れませんでした",
}


def test_a_bad_amount_says_why_with_an_example_and_asks_again(counter: Counter, ordered: Person) -> None:
    ordered.say("/report")
    for typed, why in BAD_AMOUNTS.items():
        answer = ordered.say(typed).answer()
        assert why in answer, typed
        assert "例：13,200円" in answer and "お振込額を入力してください" in answer, typed
    assert "お振り込みの日はいつですか" in ordered.say("１３，２００円").answer()
    assert rows(counter, "form_run", name="report")[-1].answers["amount"] == 13_200


BAD_DATES = {
    "2月31日": "その日付は暦にありません",
    "11/31": "その日付は暦にありません",
    "明日": "先の日付は入力できません",
    "2026年12月1日": "先の日付は入力できません",
    "2024年1月5日": "1年より前の日付です",
    "そのうち": "日付を読み取れませんでした",
}


def test_a_bad_date_says_why_and_asks_again(counter: Counter, ordered: Person) -> None:
    ordered.say("/report").press("請求額どおり")
    for typed, why in BAD_DATES.items():
        answer = ordered.say(typed).answer()
        assert why in answer, typed
        assert "例：" in answer and "お振り込みの日はいつですか" in answer, typed
    ordered.say("令和8年11月20日")
    assert rows(counter, "form_run", name="report")[-1].answers["date"] == "2026-11-20"


def test_a_date_from_the_picker_counts(counter: Counter, ordered: Person) -> None:
    ordered.say("/report").press("請求額どおり")
    picker = next(m.body["date"] for m in reversed(ordered.history()) if "date" in m.body)
    ordered.act(kind="date", handle=picker["submit"]["handle"], date="2026-11-19")
    assert rows(counter, "form_run", name="report")[-1].answers["date"] == "2026-11-19"


def test_a_day_without_a_year_is_the_last_such_day_and_is_shown_with_year_and_weekday(ordered: Person) -> None:
    ordered.say("12月25日に13,200円振り込みました").press("登録のお名前")
    assert "お振込日: 2025年12月25日(木)" in ordered.answer()


def test_the_third_wrong_answer_offers_a_person(ordered: Person) -> None:
    ordered.say("/report").say("あ").say("い")
    assert "担当者がお手伝いします" not in ordered.answer()
    assert "担当者がお手伝いします" in ordered.say("う").answer() and "<担当者と話す>" in ordered.answer()


def test_with_several_invoices_the_amount_in_the_sentence_finds_its_own(
    counter: Counter, member_id: int, person: Person
) -> None:
    counter.add_contract(member_id, label="a.example.jp")
    counter.add_contract(member_id, label="b.example.jp", plan_code="light")
    order_renewal(person, "a.example.jp")
    order_renewal(person, term="1年")
    person.say("昨日5,940円振り込みました").press("登録のお名前").press("この内容で連絡する")
    assert report_of(counter).invoice_id == rows(counter, "invoice", total_yen=5_940)[0].id


def test_without_an_unpaid_invoice_a_person_helps(person: Person) -> None:
    answer = person.say("昨日、山田太郎名義で13,200円振り込みました").answer()
    assert "未払いの請求書がありません" in answer and "<担当者と話す>" in answer
