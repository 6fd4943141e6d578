"""Rows P4, P8, P10: whatever order a provider's events come in, and however often, the books and the contract end the same."""

import random
import threading
from concurrent.futures import wait
from typing import Any, NamedTuple

import pytest

from adapters.stripe.objects import read_event
from core.billing.attempts import PROVIDER_OF, record_page, request_attempt
from core.billing.books import check_books
from core.billing.invoices import get_invoice
from core.billing.ledger import credit_of, trial_balance
from core.billing.payments import list_payments
from core.billing.provider_news import take_delivery
from core.billing.returns import book_overtaken, list_returns
from core.clock import ManualClock
from core.contracts.service import get_contract
from core.db import Database, Tx, run
from core.ids import SystemIds
from core.open_database import open_database
from core.wiring import listeners
from tests.support.builders import a_contract, a_member, a_profile, a_renewal
from tests.support.databases import PostgresServer

PROFILE = a_profile()
Json = dict[str, Any]


class Case(NamedTuple):
    """One renewal with a page at the provider; `mark` makes its references its own."""

    mark: str
    attempt_id: int
    invoice_id: int
    contract_id: int
    member_id: int
    total_yen: int


def a_case(tx: Tx, mark: str, method: str = "credit_card") -> Case:
    member_id = a_member(tx, email=f"{mark}@example.jp")
    contract_id = a_contract(tx, member_id=member_id, label=f"{mark}.example.jp")
    invoice = a_renewal(tx, member_id=member_id, contract_ids=[contract_id], method=method)
    attempt = request_attempt(tx, profile=PROFILE, online=PROVIDER_OF, invoice_id=invoice.id, method=method)
    record_page(
        tx,
        attempt_id=attempt.id,
        session_ref=f"cs_{mark}",
        payment_ref=None,
        url="https://x.example",
        expires_at=tx.now,
    )
    return Case(mark, attempt.id, invoice.id, contract_id, member_id, invoice.total_yen)


def session(case: Case, kind: str, status: str, payment_status: str, amount: int = 0) -> Json:
    return {
        "type": f"checkout.session.{kind}",
        "object": {
            "id": f"cs_{case.mark}", "status": status, "payment_status": payment_status, "currency": "jpy",
            "payment_intent": None if status == "expired" else f"pi_{case.mark}", "amount_total": amount or case.total_yen,
            "metadata": {"madoguchi_attempt": str(case.attempt_id)},
        },
    }  # fmt: skip


def intent(case: Case, kind: str, status: str, **more: Any) -> Json:
    marked = {"id": f"pi_{case.mark}", "currency": "jpy", "metadata": {"madoguchi_attempt": str(case.attempt_id)}}
    return {"type": f"payment_intent.{kind}", "object": {**marked, "status": status, "next_action": None, **more}}


def refund(case: Case, name: str, amount: int, status: str) -> Json:
    kind = {"failed": "refund.failed", "pending": "refund.created"}.get(status, "refund.updated")
    marked = {"id": f"re_{case.mark}_{name}", "payment_intent": f"pi_{case.mark}", "currency": "jpy"}
    return {"type": kind, "object": {**marked, "amount": amount, "status": status}}


def dispute(case: Case, kind: str, status: str) -> Json:
    marked = {"id": f"du_{case.mark}", "payment_intent": f"pi_{case.mark}", "currency": "jpy"}
    return {"type": f"charge.dispute.{kind}", "object": {**marked, "amount": case.total_yen, "status": status}}


def paid_by_card(case: Case, amount: int = 0) -> list[Json]:
    return [
        intent(case, "payment_failed", "requires_payment_method"),  # refused once, then taken
        intent(case, "succeeded", "succeeded", amount_received=amount or case.total_yen),
        session(case, "completed", "complete", "paid", amount),
    ]


def paid_at_store(case: Case) -> list[Json]:
    details = {"expires_at": 1_800_000_000, "stores": {"lawson": {"confirmation_number": "1", "payment_code": "2"}}}
    return [
        session(case, "completed", "complete", "unpaid"),
        intent(case, "requires_action", "requires_action", next_action={"konbini_display_details": details}),
        intent(case, "succeeded", "succeeded", amount_received=case.total_yen),
        session(case, "async_payment_succeeded", "complete", "paid"),
    ]


LIVES = {
    "card": ("credit_card", paid_by_card),
    "store": ("konbini", paid_at_store),
    "refunded": (
        "credit_card",
        lambda c: [
            *paid_by_card(c),
            refund(c, "all", c.total_yen, "pending"),
            refund(c, "all", c.total_yen, "succeeded"),
        ],
    ),
    "refunded in two parts": (
        "konbini",
        lambda c: [*paid_at_store(c), refund(c, "1", 1_001, "succeeded"), refund(c, "2", 333, "succeeded")],
    ),
    "a refund that failed after all": (
        "credit_card",
        lambda c: [*paid_by_card(c), refund(c, "1", 5_000, "succeeded"), refund(c, "1", 5_000, "failed")],
    ),
    "chargeback, lost": (
        "credit_card",
        lambda c: [*paid_by_card(c), dispute(c, "created", "needs_response"), dispute(c, "closed", "lost")],
    ),
    "chargeback, won": (
        "credit_card",
        lambda c: [
            *paid_by_card(c),
            dispute(c, "created", "needs_response"),
            dispute(c, "funds_reinstated", "won"),
            dispute(c, "closed", "won"),
        ],
    ),
    "an inquiry": (
        "credit_card",
        lambda c: [*paid_by_card(c), dispute(c, "created", "warning_needs_response")],
    ),
    "another amount, given back": (
        "credit_card",
        lambda c: [*paid_by_card(c, 1_000), refund(c, "1", 1_000, "succeeded")],
    ),
    "page left": ("credit_card", lambda c: [session(c, "expired", "expired", "unpaid")]),
}


def tell(database: Database, key: str, event: Json) -> None:
    """One delivery, as the webhook reads it."""
    news = read_event({"type": event["type"], "created": 1_795_000_000, "data": {"object": event["object"]}})
    run(
        database,
        lambda tx: take_delivery(
            tx, profile=PROFILE, provider="stripe", delivery_key=key, kind=event["type"], news=news
        ),
    )


def end(tx: Tx, case: Case) -> dict[str, Any]:
    """What became of it all, without ids."""
    invoice = get_invoice(tx, invoice_id=case.invoice_id)
    payments = list_payments(tx, invoice_id=case.invoice_id)
    return {
        "invoice": (invoice.status, invoice.open_yen),
        "contract": get_contract(tx, profile=PROFILE, contract_id=case.contract_id).expires_on,
        "payments": [(p.amount_yen, p.applied_yen, p.credit_yen, p.suspense_yen, p.returned_yen) for p in payments],
        "returns": sorted((r.kind, r.amount_yen, r.state) for p in payments for r in list_returns(tx, payment=p)),
        "credit": credit_of(tx, member_id=case.member_id),
    }


@pytest.mark.parametrize("life", LIVES)
def test_shuffled_and_repeated_events_end_as_those_in_order(life: str, database: Database) -> None:
    """The dice of eight orders are fixed: a failure repeats."""
    dice, (method, events_of) = random.Random(life), LIVES[life]
    expected: dict[str, Any] = {}
    for number in range(9):
        mark = f"{number}"
        case = run(database, lambda tx, mark=mark: a_case(tx, mark, method))
        events = [(f"evt_{mark}_{index}", event) for index, event in enumerate(events_of(case))]
        if number:
            events += [dice.choice(events) for _ in range(3)]
            dice.shuffle(events)
        for key, event in events:
            tell(database, key, event)
            assert run(database, check_books) == [], events
        found = run(database, lambda tx, case=case: end(tx, case))
        expected = expected or found
        assert found == expected, [event["type"] for _, event in events]


def test_a_refund_that_arrives_while_its_payment_is_being_booked_is_not_lost(
    postgres_server: PostgresServer, clock: ManualClock
) -> None:
    """Two processes: neither sees what the other has not committed yet."""
    with postgres_server.database() as url:
        opened = open_database(url, clock, SystemIds(), listeners(PROFILE))
        try:
            case = run(opened, lambda tx: a_case(tx, "race"))
            payment, back = (
                read_event({"type": e["type"], "created": 1_795_000_000, "data": {"object": e["object"]}})
                for e in (paid_by_card(case)[1], refund(case, "1", 500, "succeeded"))
            )
            booked, may_commit = threading.Event(), threading.Event()

            def take_payment(tx: Tx) -> None:
                take_delivery(
                    tx, profile=PROFILE, provider="stripe", delivery_key="evt_1", kind="payment", news=payment
                )
                booked.set()
                assert may_commit.wait(20)

            first = opened.submit(take_payment, name="payment")
            assert booked.wait(20)
            second = opened.submit(
                lambda tx: take_delivery(
                    tx, profile=PROFILE, provider="stripe", delivery_key="evt_2", kind="refund", news=back
                ),
                name="refund",
            )
            wait([second], timeout=5)  # it is through at once; should it ever wait for the payment, it goes on below
            may_commit.set()
            first.result(20)
            second.result(20)
            for _ in range(2):  # the timed job, and again
                run(opened, lambda tx: book_overtaken(tx, profile=PROFILE))
            found = run(opened, lambda tx: list_payments(tx, invoice_id=case.invoice_id)[0])
            (returned,) = run(opened, lambda tx: list_returns(tx, payment=found))
            assert (returned.amount_yen, returned.state, returned.payment_id) == (500, "given", found.id)
            assert dict(run(opened, trial_balance))["cash:stripe"] == case.total_yen - 500
            assert run(opened, check_books) == []
        finally:
            opened.close()
