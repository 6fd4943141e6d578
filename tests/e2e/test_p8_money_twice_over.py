"""Rows P2, P4, P8, P10: money that goes back and returns, pages that are left open, and what must not hold up the others."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest

from core.billing.attempts import record_page, record_refused, request_attempt
from core.billing.books import check_books
from core.billing.invoices import InvoiceView
from core.billing.lapse import void_invoice
from core.billing.ledger import balance_of, credit_of
from core.billing.payments import place_suspense
from core.clock import ManualClock
from core.db import Tx, run
from tests.support.builders import ACCOUNTANT
from tests.support.counter import Counter, Person, draw
from tests.support.journeys import newest_invoice, pay, rows
from tests.support.paying import PayDoor, pay_door

CARD, KONBINI = "クレジットカード", "コンビニ払い"


@pytest.fixture
async def door(counter: Counter, member_id: int, person: Person) -> AsyncIterator[PayDoor]:
    """One contract until 31 March 2027; in the end the books must balance."""
    counter.add_contract(member_id, expires_on=date(2027, 3, 31))
    async with pay_door(counter) as opened:
        yield opened
        assert run(counter.database, check_books) == []


async def late_money(counter: Counter, person: Person, door: PayDoor) -> tuple[str, InvoiceView]:
    """Paid at the provider when the invoice had just been withdrawn: all of it waits in suspense."""
    session = await door.session(door.order(person, CARD), "credit_card")
    invoice = newest_invoice(person)
    run(counter.database, lambda tx: void_invoice(tx, invoice_id=invoice.id, reason="withdrawn"))
    await door.stripe.deliver_all(door.stripe.pay(session))
    return session, invoice


def place(counter: Counter, invoice_id: int | None = None) -> None:
    """Staff place what waits."""
    payment_id = rows(counter, "payment")[0].id
    run(
        counter.database,
        lambda tx: place_suspense(
            tx, profile=counter.profile, staff=ACCOUNTANT, payment_id=payment_id, invoice_id=invoice_id
        ),
    )


def told(person: Person, words: str) -> int:
    """How often the chat says so."""
    return sum(words in draw(message.body) for message in person.history() if message.author != "member")


async def test_refunds_in_parts_leave_neither_sale_nor_tax_behind(
    counter: Counter, person: Person, door: PayDoor
) -> None:
    session = await door.session(door.order(person, CARD), "credit_card")
    await door.stripe.deliver_all(door.stripe.pay(session))
    invoice = newest_invoice(person)

    def left() -> dict[str, int]:
        accounts = ("sales", "tax_payable", "receivable")
        return run(counter.database, lambda tx: {a: balance_of(tx, a, invoice_id=invoice.id) for a in accounts})

    assert left() == {"sales": -12_000, "tax_payable": -1_200, "receivable": 0}
    for number, part in enumerate((4_405, 4_405, 4_389)):  # the tax of each alone would be 400, 400 and 399
        await door.stripe.deliver(door.stripe.refund(session, part, name=f"re_{number}"))
    assert left() == {"sales": -1, "tax_payable": 0, "receivable": 0}
    await door.stripe.deliver(door.stripe.refund(session, 1, name="re_last"))
    assert left() == {"sales": 0, "tax_payable": 0, "receivable": 0}
    await door.stripe.deliver(door.stripe.refund(session, 4_405, name="re_0", status="failed"))
    assert left() == {"sales": -4_004, "tax_payable": -401, "receivable": 0}  # just what it had taken
    await door.stripe.deliver(door.stripe.refund(session, 4_405, name="re_again"))
    assert left() == {"sales": 0, "tax_payable": 0, "receivable": 0}


async def test_what_a_failed_refund_brings_back_into_suspense_is_placed_again(
    counter: Counter, person: Person, door: PayDoor, member_id: int
) -> None:
    session, invoice = await late_money(counter, person, door)
    await door.stripe.deliver(door.stripe.refund(session, 5_000))
    place(counter)
    assert run(counter.database, lambda tx: credit_of(tx, member_id=member_id)) == invoice.total_yen - 5_000
    await door.stripe.deliver(door.stripe.refund(session, 5_000, status="failed"))
    assert rows(counter, "payment")[0].suspense_yen == 5_000
    place(counter)
    assert run(counter.database, lambda tx: credit_of(tx, member_id=member_id)) == invoice.total_yen
    assert rows(counter, "payment")[0].credit_yen == invoice.total_yen


async def test_money_that_is_on_an_invoice_already_is_not_moved_to_another_by_what_came_back(
    counter: Counter, person: Person, door: PayDoor, member_id: int
) -> None:
    session, invoice = await late_money(counter, person, door)
    await door.stripe.deliver(door.stripe.refund(session, 5_000))
    door.order(person, CARD, term="2年")
    first = newest_invoice(person)
    place(counter, first.id)
    await door.stripe.deliver(door.stripe.refund(session, 5_000, status="failed"))
    place(counter, first.id)
    payment = rows(counter, "payment")[0]
    assert (payment.applied_yen, payment.invoice_id) == (invoice.total_yen, first.id)
    run(counter.database, lambda tx: void_invoice(tx, invoice_id=first.id, reason="withdrawn"))
    assert run(counter.database, lambda tx: credit_of(tx, member_id=member_id)) == invoice.total_yen


async def test_a_refund_takes_what_a_withdrawn_invoice_had_released_and_is_not_given_twice(
    counter: Counter, person: Person, door: PayDoor, member_id: int
) -> None:
    session, invoice = await late_money(counter, person, door)
    door.order(person, CARD, term="2年")
    larger = newest_invoice(person)
    place(counter, larger.id)
    assert newest_invoice(person).open_yen == larger.total_yen - invoice.total_yen
    run(counter.database, lambda tx: void_invoice(tx, invoice_id=larger.id, reason="withdrawn"))
    assert run(counter.database, lambda tx: credit_of(tx, member_id=member_id)) == invoice.total_yen
    await door.stripe.deliver(door.stripe.refund(session, invoice.total_yen))
    assert run(counter.database, lambda tx: credit_of(tx, member_id=member_id)) == 0
    assert rows(counter, "posting", account="sales")[-1].amount_yen > 0  # the withdrawn invoice's, and none since
    assert sum(row.amount_yen for row in rows(counter, "posting", account="sales")) == 0


async def test_a_number_for_an_invoice_that_is_paid_already_is_ended_and_not_told(
    counter: Counter, person: Person, door: PayDoor
) -> None:
    session = await door.session(door.order(person, KONBINI), "konbini")
    events = door.stripe.take_number(session)  # their news is on its way
    pay(counter, newest_invoice(person))
    await door.drain()
    assert ("cancel", door.stripe.sessions[session]["payment_intent"]) in door.stripe.calls
    await door.stripe.deliver_all(events)
    assert told(person, "コンビニのお支払い番号です") == 0
    assert not any("お支払い番号" in mail.payload["subject"] for mail in counter.mails())


async def test_a_page_that_the_provider_does_not_know_holds_up_no_other(
    counter: Counter, person: Person, door: PayDoor, clock: ManualClock
) -> None:
    forgotten = await door.session(door.order(person, CARD), "credit_card")
    first = newest_invoice(person)
    run(counter.database, lambda tx: void_invoice(tx, invoice_id=first.id, reason="withdrawn"))
    session = await door.session(door.order(person, CARD), "credit_card")
    del door.stripe.sessions[forgotten]
    door.stripe.pay(session)  # and no event of it ever arrives
    clock.set(datetime.fromtimestamp(time.time(), UTC) + timedelta(days=2))
    await door.adapter.look_up_overdue()
    assert newest_invoice(person).status == "paid"
    assert ("events", "false") in door.stripe.calls


async def test_one_event_that_cannot_be_taken_holds_up_none_of_the_undelivered(
    counter: Counter, person: Person, door: PayDoor
) -> None:
    session = await door.session(door.order(person, CARD), "credit_card")
    broken = door.stripe.event("refund.created", {"id": "re_" + "x" * 90, "object": "refund", "payment_intent": "pi_x"})
    broken["data"]["object"].update(amount=1, currency="jpy", status="succeeded")
    door.stripe.undelivered = [broken, *door.stripe.pay(session)]
    await door.adapter.look_up_overdue()
    assert newest_invoice(person).status == "paid"


async def test_a_mail_address_that_the_provider_does_not_take_keeps_nobody_from_paying(
    counter: Counter, person: Person, door: PayDoor, member_id: int
) -> None:
    link = door.order(person, CARD)
    door.stripe.refused_mail = "taro@example.jp"
    session = await door.session(link, "credit_card")
    await door.stripe.deliver_all(door.stripe.pay(session))
    assert newest_invoice(person).status == "paid"


async def test_an_address_that_no_database_can_hold_is_like_any_that_nobody_was_given(door: PayDoor) -> None:
    assert (await door.http.get("/m/pay/%00")).status_code == 404
    assert (await door.press("/m/pay/a%00b", "credit_card")).status_code == 404


async def test_a_page_whose_other_press_was_refused_meanwhile_is_ended_with_its_invoice(
    counter: Counter, person: Person, door: PayDoor
) -> None:
    """Two browsers press at once: the key holds for the words of the first, the other one's are refused."""
    door.order(person, CARD)
    invoice = newest_invoice(person)

    def press(tx: Tx) -> int:
        asked = request_attempt(
            tx, profile=counter.profile, online=counter.bot.online, invoice_id=invoice.id, method="credit_card"
        )
        return asked.id

    attempt_id = run(counter.database, press)
    run(counter.database, lambda tx: record_refused(tx, attempt_id=attempt_id))
    run(
        counter.database,
        lambda tx: record_page(
            tx, attempt_id=attempt_id, session_ref="cs_1", payment_ref=None, url="https://x.example", expires_at=tx.now
        ),
    )
    assert door.states() == ["open"]
    pay(counter, invoice)
    assert [row.address for row in rows(counter, "outbox", channel="stripe")] == ["cs_1"]
