"""Row C10: the final confirmation says everything, is stored as shown, and only what was shown can be ordered."""

from datetime import UTC, datetime, timedelta

import pytest

from core.clock import ManualClock
from core.db import run
from core.profiles import catalogue
from tests.support.counter import Counter, Person
from tests.support.journeys import newest_invoice, order_renewal, pay, rows


def at_confirmation(person: Person) -> Person:
    return person.say("/renew").press("1年　").press("そろえない")


def test_it_says_what_period_total_payment_and_how_to_cancel(counter: Counter, member_id: int, person: Person) -> None:
    counter.add_contract(member_id)
    shown = at_confirmation(person).answer()
    for words in (
        "自動では更新されません", "お支払方法：銀行振込", "お支払期限：2026年12月7日(月)",
        "入金の確認：お振り込みから1〜3銀行営業日", "「未払いの請求書」から取り消せます", "[example.jp] スタンダードプラン",
        "契約期間: 1年", "料金（税抜）: 12,000円", "新しい利用期限: 2027年11月30日(火)", "消費税（10%）: 1,200円",
        "合計（税込）: 13,200円", "次回以降（税込）: 1年 13,200円",
    ):  # fmt: skip
        assert words in shown, words
    assert rows(counter, "invoice") == []


def test_it_is_stored_as_shown_with_the_order(counter: Counter, member_id: int, person: Person) -> None:
    counter.add_contract(member_id)
    shown = at_confirmation(person).answer()
    person.press("この内容で申し込む")
    stored = rows(counter, "final_confirmation")
    assert [(row.invoice_id, row.member_id, row.language) for row in stored] == [
        (newest_invoice(person).id, member_id, "ja")
    ]
    assert stored[0].shown["text"] in shown
    assert ["合計（税込）", "13,200円"] in stored[0].shown["cards"][-1][1]


def test_a_line_can_be_corrected_and_the_rest_is_kept(counter: Counter, member_id: int, person: Person) -> None:
    counter.add_contract(member_id)
    at_confirmation(person)
    assert "<契約期間を直す（example.jp）>" in person.answer()
    person.press("契約期間を直す").press("2年　")
    assert "契約期間: 2年" in person.answer() and "合計（税込）: 25,300円" in person.answer()
    person.press("この内容で申し込む")
    assert newest_invoice(person).total_yen == 25_300


@pytest.mark.parametrize("word", ["press", "はい"])
def test_a_price_that_changed_since_is_shown_again_before_it_is_ordered(
    counter: Counter, member_id: int, person: Person, clock: ManualClock, word: str
) -> None:
    counter.add_contract(member_id)
    clock.set(datetime(2026, 11, 22, 14, 55, tzinfo=UTC))
    run(
        counter.database,
        lambda tx: catalogue.set_price(
            tx, plan_code="standard", term_months=12, price_yen=13_000, valid_from=tx.today + timedelta(days=1)
        ),
    )
    at_confirmation(person)
    clock.move(timedelta(minutes=10))
    if word == "press":
        person.press("この内容で申し込む")
    else:
        person.say(word)
    assert "料金や利用期限が変わりました" in person.answer() and "合計（税込）: 14,300円" in person.answer()
    assert rows(counter, "invoice") == []
    person.press("この内容で申し込む")
    assert newest_invoice(person).total_yen == 14_300


def test_credit_is_shown_and_a_fully_covered_order_is_done_at_once(
    counter: Counter, member_id: int, person: Person
) -> None:
    counter.add_contract(member_id)
    pay(counter, order_renewal(person), 26_400)
    assert "13,200円は、お預かり金として" in person.screen()
    at_confirmation(person)
    assert "お預かり金から充当: -13,200円" in person.answer()
    person.press("この内容で申し込む")
    assert newest_invoice(person).status == "paid"
    assert rows(counter, "contract")[0].cycle_no == 3
    assert "お振り込みください" not in person.answer()
