"""Rows P4, P7, X3 on PostgreSQL: money comes or lapses while its member writes; neither turn is undone and run again."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import psycopg
import pytest

from core.billing.attempts import PROVIDER_OF, record_page, request_attempt
from core.billing.invoices import InvoiceView, lock_money
from core.billing.lapse import lapse_due
from core.billing.provider_news import AttemptNews, take_delivery
from core.clock import ManualClock
from core.db import Tx, run
from core.dialogue.service import lock_chat_by_id
from core.ids import SeededIds
from tests.support.counter import Counter
from tests.support.databases import PostgresServer
from tests.support.journeys import link_person, newest_invoice, order_renewal, rows

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.fixture
def url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database of its own."""
    with postgres_server.database() as made:
        yield made


def paid(counter: Counter, invoice: InvoiceView) -> Callable[[Tx], object]:
    """The provider tells that its page was paid."""

    def open_page(tx: Tx) -> int:
        made = request_attempt(
            tx, profile=counter.profile, online=PROVIDER_OF, invoice_id=invoice.id, method="credit_card"
        )
        opened = record_page(
            tx, attempt_id=made.id, session_ref="cs_1", payment_ref=None, url="https://x.example", expires_at=tx.now
        )
        return opened.id

    news = AttemptNews(
        "stripe", "paid", counter.clock.now(), run(counter.database, open_page), "cs_1", "pi_1", invoice.total_yen
    )
    return lambda tx: take_delivery(
        tx, profile=counter.profile, provider="stripe", delivery_key="evt_1", kind="paid", news=news
    )


def lapsed(counter: Counter, invoice: InvoiceView) -> Callable[[Tx], object]:
    """The timed job on the day after."""
    days = (invoice.lapse_on - date(2026, 11, 22)).days + 1
    assert isinstance(counter.clock, ManualClock)
    counter.clock.move(timedelta(days=days))
    return lambda tx: lapse_due(tx, profile=counter.profile)


@pytest.mark.parametrize(("work", "ends"), [(paid, "paid"), (lapsed, "void")])
def test_a_turn_of_the_chat_and_what_befalls_its_members_money_are_each_run_once(
    url: str,
    clock: ManualClock,
    ids: SeededIds,
    work: Callable[[Counter, InvoiceView], Callable[[Tx], object]],
    ends: str,
) -> None:
    counter = Counter(url, clock, ids)
    try:
        member_id = counter.add_member()
        counter.add_contract(member_id, expires_on=date(2027, 3, 31))
        person = link_person(counter.person())
        does = work(counter, order_renewal(person))
        (chat,) = rows(counter, "chat")
        begun: list[str] = []
        holding = threading.Event()

        def in_chat(tx: Tx) -> None:
            begun.append("chat")
            lock_chat_by_id(tx, chat_id=chat.id)
            holding.set()
            with psycopg.connect(url, autocommit=True) as other:
                until = time.monotonic() + 5
                while time.monotonic() < until and other.execute(WAITING).fetchall() == [(0,)]:
                    time.sleep(0.01)
            lock_money(tx, member_id=member_id)

        def beside(tx: Tx) -> None:
            begun.append("money")
            does(tx)

        turn = counter.database.submit(in_chat, name="chat")
        assert holding.wait(20)
        money = counter.database.submit(beside, name="money")
        turn.result(30)
        money.result(30)
        assert sorted(begun) == ["chat", "money"]
        assert newest_invoice(person).status == ends
    finally:
        counter.close()
