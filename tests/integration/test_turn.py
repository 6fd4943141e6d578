"""One act of a person, one transaction: what the turn must hold together, on both databases."""

from collections.abc import Iterator

import pytest

from core.billing.books import check_books
from core.billing.invoices import list_invoices
from core.billing.payments import record_bank_payment
from core.clock import ManualClock
from core.contracts.service import list_contracts
from core.db import Tx, run
from core.delivery import inbox
from core.dialogue.service import find_chat, set_active_member
from core.ids import SeededIds
from core.members.links import add_link
from tests.support.builders import ACCOUNTANT, a_contract, a_member, an_invoice
from tests.support.counter import Counter, Person


@pytest.fixture
def counter(database_url: str, clock: ManualClock, ids: SeededIds) -> Iterator[Counter]:
    opened = Counter(database_url, clock, ids)
    yield opened
    opened.close()


@pytest.fixture
def person(counter: Counter) -> Person:
    """Somebody whose chat is linked, with one contract."""
    person = counter.person()
    person.act(kind="start")
    chat_id = person.chat_id()
    assert chat_id is not None

    def link(tx: Tx) -> None:
        member_id = a_member(tx)
        a_contract(tx, member_id=member_id)
        add_link(tx, chat_id=chat_id, member_id=member_id)
        set_active_member(tx, chat_id=chat_id, member_id=member_id)

    run(counter.database, link)
    return person


def member_of(counter: Counter, person: Person) -> int:
    chat = run(
        counter.database,
        lambda tx: find_chat(tx, channel=person.channel, account="web", address=person.address),
    )
    assert chat is not None and chat.member_id is not None
    return chat.member_id


def hold_credit(counter: Counter, person: Person, credit_yen: int) -> None:
    """The member has paid another invoice and this much more."""
    member_id = member_of(counter, person)

    def pay(tx: Tx) -> None:
        invoice = an_invoice(tx, member_id=member_id)
        record_bank_payment(
            tx,
            profile=counter.profile,
            staff=ACCOUNTANT,
            invoice_id=invoice.id,
            amount_yen=invoice.total_yen + credit_yen,
            value_on=tx.today,
            payer_name="ヤマダ タロウ",
            reference="before",
        )

    run(counter.database, pay)


def order(person: Person) -> None:
    person.say("example.jpを1年更新したい").press("そろえない").press("この内容で申し込む")


def test_credit_used_by_an_order_is_told_in_the_chat_that_orders(counter: Counter, person: Person) -> None:
    hold_credit(counter, person, 5_000)
    order(person)
    assert "5,000円" in person.answer() and "8,200円" in person.answer()
    assert [message.seq for message in person.history()] == list(range(1, person.last_seq() + 1))


def test_an_order_that_credit_covers_extends_the_contract_at_once(counter: Counter, person: Person) -> None:
    hold_credit(counter, person, 20_000)
    order(person)
    member_id = member_of(counter, person)
    contracts = run(counter.database, lambda tx: list_contracts(tx, profile=counter.profile, member_id=member_id))
    assert [contract.expires_on.isoformat() for contract in contracts] == ["2027-11-30"]
    assert "2027年11月30日" in person.answer()
    assert run(counter.database, check_books) == []


def test_cancelling_an_order_that_used_credit_gives_it_back_and_says_so(counter: Counter, person: Person) -> None:
    hold_credit(counter, person, 5_000)
    order(person)
    person.say("未払いの請求書を見せて").press("くわしく見る").press("取り消").press("取り消す")
    member_id = member_of(counter, person)
    newest = run(counter.database, lambda tx: list_invoices(tx, member_id=member_id))[0]
    assert newest.status == "void"
    assert "5,000円" in person.answer()
    assert run(counter.database, inbox.list_dead) == []


def test_a_button_nobody_made_gets_an_answer_and_no_dead_letter(counter: Counter, person: Person) -> None:
    for handle in ("zzzzzzzzzzzzz.0.abcd", "zzzzzzzzzzzz.999.abcd", "1.0.abcd", "x"):
        assert person.act(kind="press", handle=handle).outcome == "done", handle
        assert person.answer()
