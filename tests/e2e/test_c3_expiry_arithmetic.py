"""Row C3: the new expiry counts from the old one, keeps its anchor day, and moves only when the money is there."""

from datetime import date, timedelta

import pytest

from core.clock import ManualClock
from tests.support.counter import Counter, Person
from tests.support.journeys import newest_invoice, order_renewal, pay, rows


def renew_one_month(person: Person) -> None:
    order_renewal(person, term="1か月")
    pay(person.counter, newest_invoice(person), reference=f"bank-{newest_invoice(person).id}")


def test_the_anchor_day_comes_back_after_february(counter: Counter, member_id: int, person: Person) -> None:
    counter.add_contract(member_id, expires_on=date(2026, 12, 31))
    seen = []
    for _ in range(4):
        renew_one_month(person)
        seen.append(rows(counter, "contract")[0].expires_on)
    assert seen == [date(2027, 1, 31), date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30)]


@pytest.mark.parametrize("days_after", [0, 9, 15])
def test_the_term_counts_from_the_expiry_and_not_from_the_order_or_the_payment(
    counter: Counter, member_id: int, person: Person, clock: ManualClock, days_after: int
) -> None:
    counter.add_contract(member_id)
    clock.move(timedelta(days=days_after))
    order_renewal(person)
    assert rows(counter, "contract")[0].expires_on == date(2026, 11, 30)
    clock.move(timedelta(days=1))
    person.seen = person.last_seq()
    pay(counter, newest_invoice(person))
    assert "新しい利用期限: 2027年11月30日(火)" in person.answer()
    assert rows(counter, "contract")[0].expires_on == date(2027, 11, 30)
    assert rows(counter, "contract")[0].cycle_no == 2
