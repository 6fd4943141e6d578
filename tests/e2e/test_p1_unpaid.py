"""Rows P1, P2, R7: unpaid invoices, bank details again, the bill by mail again, history, cancelling."""

import pytest

from tests.support.counter import Counter, Person
from tests.support.journeys import link_person, newest_invoice, order_renewal, pay, report_transfer, rows


@pytest.fixture
def ordered(counter: Counter, member_id: int, person: Person) -> Person:
    counter.add_contract(member_id)
    order_renewal(person)
    return person


def test_the_list_says_how_much_and_by_when_and_leads_on(ordered: Person) -> None:
    answer = ordered.say("未払いの請求はありますか").answer()
    assert "未払いの請求書は1件です（合計 13,200円）" in answer and "お支払期限: 2026年12月7日(月)" in answer
    assert "うち消費税（10%）: 1,200円" in ordered.press("くわしく見る").answer()


def test_bank_details_are_shown_again_whenever_asked(ordered: Person) -> None:
    ref = newest_invoice(ordered).payment_ref
    for words in ("振込先を教えて", "INV-2026-000001の振込先をもう一度見たい", "/pay"):
        answer = ordered.say(words).answer()
        assert (
            "口座番号: 0012345" in answer
            and f"振込番号（お名前の前に付ける）: {ref}" in answer
            and "13,200円" in answer
        )


def test_a_number_of_nobodys_is_said_with_a_way_on(ordered: Person) -> None:
    answer = ordered.say("INV-2026-999999の振込先を教えて").answer()
    assert "この請求書は見つかりませんでした" in answer and "<未払いの請求書>" in answer


def test_another_members_invoice_does_not_exist_for_me(counter: Counter, ordered: Person) -> None:
    other = counter.add_member(name="鈴木 花子", name_kana="スズキ ハナコ", email="hanako@example.jp")
    counter.add_contract(other, label="hanako.example.jp")
    hanako = link_person(counter.person(address="browser-2"), "M-000002", "hanako@example.jp")
    assert "見つかりませんでした" in hanako.say("INV-2026-000001の振込先を教えて").answer()


def test_the_bill_is_mailed_again_on_request(counter: Counter, ordered: Person) -> None:
    ordered.say("/unpaid").press("くわしく見る").press("請求のメールを再送")
    assert "1件のアドレスに送りました" in ordered.answer()
    assert [mail.payload["subject"].count("INV-2026-000001") for mail in counter.mails()][-2:] == [1, 1]


def test_the_bill_goes_to_main_and_sub_address(counter: Counter) -> None:
    member = counter.add_member(sub_email="taro-sub@example.jp")
    counter.add_contract(member)
    order_renewal(link_person(counter.person()))
    assert [mail.address for mail in counter.mails()][-2:] == ["taro@example.jp", "taro-sub@example.jp"]


def test_an_order_is_cancelled_after_one_question_and_the_contract_can_be_renewed_anew(
    counter: Counter, ordered: Person
) -> None:
    ordered.say("/unpaid").press("くわしく見る").press("申込を取り消す")
    assert "申込を取り消しますか" in ordered.answer() and rows(counter, "invoice")[0].status == "open"
    handle = ordered.handle("取り消す")
    ordered.press("取り消す")
    assert "申込を取り消しました" in ordered.answer()
    ordered.act(kind="press", handle=handle)
    assert "取消済み" in ordered.answer()
    assert [row.status for row in rows(counter, "invoice")] == ["void"]
    assert [row.state for row in rows(counter, "renewal")] == ["cancelled"]
    order_renewal(ordered)
    assert [row.state for row in rows(counter, "renewal")] == ["cancelled", "open"]


def test_an_order_whose_transfer_was_reported_is_not_cancelled(counter: Counter, ordered: Person) -> None:
    ordered.say("/unpaid").press("くわしく見る").press("申込を取り消す")
    handle = ordered.handle("取り消す")
    report_transfer(ordered)
    ordered.act(kind="press", handle=handle)
    assert "お振込のご連絡をいただいているため、取り消せません" in ordered.answer()
    assert "<担当者と話す>" in ordered.answer()
    assert rows(counter, "invoice")[0].status == "open"


def test_what_was_paid_is_in_the_history_and_nowhere_else(counter: Counter, ordered: Person) -> None:
    pay(counter, newest_invoice(ordered))
    assert "未払いの請求書はありません" in ordered.say("/unpaid").answer()
    answer = ordered.say("お支払い履歴を見たい").answer()
    assert "[INV-2026-000001] お支払い済み" in answer and "お支払日: 2026年11月22日(日)" in answer


def test_payment_status_tells_honestly_what_is_known(counter: Counter, ordered: Person) -> None:
    assert "まだご入金を確認できていません" in ordered.say("入金は確認できましたか").answer()
    report_transfer(ordered)
    assert "担当者が確認しています" in ordered.say("入金は確認できましたか").answer()
