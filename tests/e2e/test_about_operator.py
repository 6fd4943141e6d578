"""What anybody may ask about the operator, words that must reach a person at once, and typed corrections in a form."""

import pytest

from tests.support.counter import Counter, Person
from tests.support.journeys import link_person, order_renewal


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("営業時間は何時まで？", "営業時間：平日10:00〜18:00"),
        ("インボイスの登録番号", "T9000000000009"),
        ("登録番号は？", "T9000000000009"),
        ("電話番号を教えて", "0120-000-000"),
        ("PayPayで払いたい", "ご利用いただける支払方法：銀行振込"),
        ("セブンイレブンで払えますか", "ご利用いただける支払方法：銀行振込"),
        ("What are your opening hours?", "Mon–Fri 10:00–18:00"),
        ("Can I pay with PayPay?", "You can pay by: Bank transfer"),
    ],
)
def test_a_question_about_the_operator_needs_no_membership(counter: Counter, words: str, told: str) -> None:
    assert told in counter.person().say(words).answer()


@pytest.mark.parametrize("words", ["二重に振り込んでしまいました", "金返せ！", "つながらないぞ！", "I paid twice!"])
def test_what_must_not_wait_is_offered_to_a_person_at_once(person: Person, words: str) -> None:
    assert "ticket.from_misses" in str(person.say(words).history()[-1].actions)


def test_how_much_to_pay_in_dialect(person: Person) -> None:
    assert "未払いの請求書はありません" in person.say("なんぼ払えばええの").answer()


def test_in_a_report_an_amount_is_no_date_and_a_line_is_put_right_by_words(counter: Counter, member_id: int) -> None:
    counter.add_contract(member_id)
    person = link_person(counter.person())
    order_renewal(person)
    person.say("/report").press("請求額どおり").say("千円")
    assert "日付を読み取れませんでした" in person.answer() and "残高" not in person.answer()
    person.press("今日").press("登録のお名前")
    assert "この内容で担当者に連絡します" in person.answer()
    assert "お振込額を入力してください" in person.say("お振込額を直したい").answer()
