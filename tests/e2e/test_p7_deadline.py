"""Row P7: an unpaid invoice lapses when the money can no longer come in time; late money is caught and never lost."""

from datetime import UTC, date, datetime, timedelta

import pytest

from core.billing.books import check_books
from core.clock import ManualClock
from core.db import run
from tests.support.counter import Counter, Person
from tests.support.journeys import newest_invoice, order_renewal, pay, report_transfer, rows, run_jobs


@pytest.fixture
def ordered(counter: Counter, member_id: int, person: Person) -> Person:
    """An order whose deadline is 7 December 2026 and whose contract runs to March."""
    counter.add_contract(member_id, expires_on=date(2027, 3, 31))
    order_renewal(person)
    return person


def on(counter: Counter, clock: ManualClock, day: date) -> None:
    clock.set(datetime(day.year, day.month, day.day, 3, 0, tzinfo=UTC))
    run_jobs(counter)


def test_it_lapses_after_three_bank_days_and_the_member_is_told_once(
    counter: Counter, ordered: Person, clock: ManualClock
) -> None:
    on(counter, clock, date(2026, 12, 9))
    assert newest_invoice(ordered).status == "open"
    ordered.seen = ordered.last_seq()
    on(counter, clock, date(2026, 12, 11))
    on(counter, clock, date(2026, 12, 12))
    assert ordered.answer().count("無効になりました") == 1
    assert (newest_invoice(ordered).status, newest_invoice(ordered).invoice_no) == ("void", "INV-2026-000001")
    assert [row.state for row in rows(counter, "renewal")] == ["lapsed"]
    assert "未払いの請求書はありません" in ordered.say("/unpaid").answer()
    order_renewal(ordered)
    assert newest_invoice(ordered).invoice_no == "INV-2026-000002"


def test_an_old_button_of_a_lapsed_invoice_says_so(counter: Counter, ordered: Person, clock: ManualClock) -> None:
    button = ordered.handle("振込を連絡する")
    detail = ordered.handle("くわしく見る")
    on(counter, clock, date(2026, 12, 11))
    ordered.act(kind="press", handle=button)
    assert "未払いの請求書がありません" in ordered.answer() and "<担当者と話す>" in ordered.answer()
    ordered.act(kind="press", handle=detail)
    assert "期限切れ（無効）" in ordered.answer()


def test_a_reported_invoice_waits_for_staff(counter: Counter, ordered: Person, clock: ManualClock) -> None:
    clock.set(datetime(2026, 12, 7, 3, 0, tzinfo=UTC))
    report_transfer(ordered)
    on(counter, clock, date(2026, 12, 20))
    assert newest_invoice(ordered).status == "open"


def test_late_money_goes_to_suspense_and_is_told(counter: Counter, ordered: Person, clock: ManualClock) -> None:
    on(counter, clock, date(2026, 12, 11))
    clock.move(timedelta(days=3))
    ordered.seen = ordered.last_seq()
    payment = pay(counter, newest_invoice(ordered))
    assert (payment.applied_yen, payment.suspense_yen) == (0, 13_200)
    assert "入金はお預かりしています" in ordered.answer() and "期限切れ（無効）" in ordered.answer()
    assert rows(counter, "contract")[0].expires_on == date(2027, 3, 31)
    assert run(counter.database, check_books) == []
