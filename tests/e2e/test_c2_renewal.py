"""Rows C2, R1, R4, R5: one or several contracts renewed, a term each, month-end, one invoice, one open renewal each."""

from datetime import date, timedelta

import pytest

from core.clock import ManualClock
from tests.support.counter import Counter, Person
from tests.support.journeys import link_person, newest_invoice, order_renewal, pay, rows


@pytest.mark.parametrize("channel", ["webchat", "telegram"])
def test_several_contracts_with_a_term_each_come_on_one_invoice(counter: Counter, member_id: int, channel: str) -> None:
    counter.add_contract(member_id, label="a.example.jp")
    counter.add_contract(member_id, label="b.example.jp", plan_code="light")
    counter.add_contract(member_id, label="c.example.jp")
    person = link_person(counter.person(channel))
    person.say("更新したい")
    assert "更新するご契約を選んで" in person.answer()
    person.tick("a.example.jp", "b.example.jp").press("1年　").press("6か月　").press("そろえない")
    assert "1年" in person.answer() and "6か月" in person.answer() and "c.example.jp" not in person.answer()
    assert "合計（税込）: 16,368円" in person.answer()
    person.press("この内容で申し込む")
    assert "お振込額: 16,368円" in person.answer() and "2026年12月7日(月)までです" in person.answer()
    invoice = newest_invoice(person)
    assert (invoice.status, invoice.total_yen, len(invoice.lines)) == ("open", 16_368, 2)
    renewals = rows(counter, "renewal")
    assert [(r.term_months, r.state, r.invoice_id) for r in renewals] == [
        (12, "open", invoice.id),
        (6, "open", invoice.id),
    ]
    bill = counter.mails()[-1]
    assert bill.address == "taro@example.jp" and invoice.payment_ref in bill.payload["text"]


def test_one_contract_is_not_asked_for(counter: Counter, member_id: int, person: Person) -> None:
    counter.add_contract(member_id)
    assert "「example.jp」の契約期間を選んでください" in person.say("/renew").answer()


def test_the_sentence_fills_contract_and_term(counter: Counter, member_id: int, person: Person) -> None:
    counter.add_contract(member_id)
    counter.add_contract(member_id, label="other.example.jp")
    person.say("example.jpを1年更新したいです")
    assert "利用期限を月末にそろえますか" in person.answer()
    person.say("いいえ")
    assert "[example.jp]" in person.answer() and "other.example.jp" not in person.answer()
    person.say("はい")
    assert [row.term_months for row in rows(counter, "renewal")] == [12]


def test_typed_answers_do_what_buttons_do(counter: Counter, member_id: int, person: Person) -> None:
    counter.add_contract(member_id, label="a.example.jp")
    counter.add_contract(member_id, label="b.example.jp")
    person.say("/renew").say("１番と2番").say("半年").say("１２ヶ月").say("いいえ")
    assert "6か月" in person.answer() and "1年" in person.answer()
    assert "更新するご契約" in person.say("/cancel").press("やめる").say("/renew").answer()
    assert "「a.example.jp」の契約期間" in person.say("全部").answer()


def test_month_end_is_filled_by_daily_rate(counter: Counter, member_id: int, person: Person) -> None:
    counter.add_contract(member_id, expires_on=date(2026, 12, 10), anchor=10)
    person.say("/renew").press("1か月　").press("月末にそろえる")
    assert "日割（21日）: 812円" in person.answer() and "新しい利用期限: 2027年1月31日(日)" in person.answer()
    person.press("この内容で申し込む")
    pay(counter, newest_invoice(person))
    contract = rows(counter, "contract")[0]
    assert (contract.expires_on, contract.anchor) == (date(2027, 1, 31), 31)


def test_a_contract_with_an_open_renewal_cannot_be_renewed_again(
    counter: Counter, member_id: int, person: Person
) -> None:
    counter.add_contract(member_id)
    person.say("/expiry")
    old_button = person.handle("example.jpを更新する")
    order_renewal(person)
    assert "すでに受け付けています" in person.say("/renew").answer()
    assert "すでに受け付けています" in person.say("example.jpを更新したい").answer()
    person.act(kind="press", handle=old_button)
    assert "すでに受け付けています" in person.answer() and "<未払いの請求書>" in person.answer()
    assert "更新のお支払い待ち（INV-2026-000001）" in person.say("/expiry").answer()
    assert len(rows(counter, "renewal")) == 1


def test_two_taps_on_the_order_button_make_one_order(counter: Counter, member_id: int, person: Person) -> None:
    counter.add_contract(member_id)
    person.say("/renew").press("1年　").press("そろえない")
    submit = person.handle("この内容で申し込む")
    person.act(kind="press", handle=submit, delivery_key="tap-1")
    first = person.answer()
    person.act(kind="press", handle=submit, delivery_key="tap-1")
    assert person.answer() == ""
    person.act(kind="press", handle=submit)
    assert "はすでに受け付け済みです" in person.answer() and first.splitlines()[1] in person.answer()
    assert len(rows(counter, "invoice")) == 1 and len(rows(counter, "renewal")) == 1
    assert len([mail for mail in counter.mails() if "INV-" in mail.payload["subject"]]) == 1


def test_renewal_is_possible_until_seven_days_after_expiry(
    counter: Counter, member_id: int, person: Person, clock: ManualClock
) -> None:
    counter.add_contract(member_id)
    clock.move(timedelta(days=15))
    order_renewal(person)
    assert rows(counter, "renewal")[0].new_expires_on == date(2027, 11, 30)


def test_after_the_window_the_way_on_is_a_person(
    counter: Counter, member_id: int, person: Person, clock: ManualClock
) -> None:
    counter.add_contract(member_id)
    person.say("/expiry")
    old_button = person.handle("example.jpを更新する")
    clock.move(timedelta(days=16))
    assert "いま更新できるご契約はありません" in person.say("/renew").answer() and "<問い合わせる>" in person.answer()
    person.act(kind="press", handle=old_button)
    assert "終了" in person.answer()
    assert rows(counter, "renewal") == []


def test_a_renewal_in_english(counter: Counter, member_id: int) -> None:
    counter.add_contract(member_id)
    person = link_person(counter.person(language="en"))
    person.say("I want to renew for 12 months").press("No").press("Order")
    assert "Invoice INV-2026-000001, to be paid by Mon, Dec 7, 2026." in person.answer()
    assert "Amount: ¥13,200" in person.answer()
