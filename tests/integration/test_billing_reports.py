"""P3: a member's report is kept once, refused with a clear reason, and decided by staff who have the right."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from core.billing.books import check_books
from core.billing.facts import (
    PaymentReportAsked,
    PaymentReportConfirmed,
    PaymentReported,
    PaymentReportRejected,
)
from core.billing.invoices import InvoiceView, get_invoice
from core.billing.lapse import void_invoice
from core.billing.payments import PaymentView, list_payments, list_suspense
from core.billing.reports import (
    ReportView,
    ask_back,
    confirm_report,
    file_report,
    get_report,
    list_reports,
    list_reports_of_invoice,
    list_undecided,
    list_waiting,
    reject_report,
)
from core.clock import ManualClock
from core.db import Database, Tx, run
from core.dialogue.service import lock_chat
from core.errors import DomainError
from core.ids import SeededIds
from core.members.audit import list_audit
from core.open_database import open_database
from core.wiring import LISTENERS
from tests.support.builders import ACCOUNTANT, ADMIN, AGENT, a_member, a_profile, an_invoice
from tests.support.facts import of_kind, with_recorder

TODAY = date(2026, 11, 22)
KINDS = (PaymentReported, PaymentReportConfirmed, PaymentReportAsked, PaymentReportRejected)


@pytest.fixture
def seen() -> list[Any]:
    """The facts of the test."""
    return []


@pytest.fixture
def database(database_url: str, clock: ManualClock, ids: SeededIds, seen: list[Any]) -> Iterator[Database]:
    """As everywhere, with the facts about reports written down."""
    opened = open_database(database_url, clock, ids, with_recorder(LISTENERS, seen, *KINDS))
    yield opened
    opened.close()


@pytest.fixture
def invoice(database: Database) -> InvoiceView:
    """An open invoice of 14,051 yen."""
    return run(database, lambda tx: an_invoice(tx, member_id=a_member(tx)))


def a_chat(tx: Tx) -> int:
    return lock_chat(
        tx, channel="webchat", account="web", address="a1", hint="ja", display_name="山田", default_language="ja"
    ).id


def filed(database: Database, invoice: InvoiceView, **changed: Any) -> ReportView:
    asked: dict[str, Any] = {
        "member_id": invoice.member_id,
        "chat_id": None,
        "invoice_id": invoice.id,
        "amount_yen": 14_051,
        "paid_on": TODAY - timedelta(days=1),
        "payer_name": " ヤマダ タロウ ",
        "method": "bank_transfer",
        **changed,
    }
    return run(database, lambda tx: file_report(tx, **asked))


def confirm(database: Database, report: ReportView, **changed: Any) -> PaymentView:
    asked: dict[str, Any] = {
        "profile": a_profile(),
        "staff": ACCOUNTANT,
        "report_id": report.id,
        "amount_yen": report.amount_yen,
        "value_on": TODAY,
        **changed,
    }
    return run(database, lambda tx: confirm_report(tx, **asked))


def test_a_report_is_kept_with_its_invoice_and_told(database: Database, invoice: InvoiceView, seen: list[Any]) -> None:
    report = filed(database, invoice, note="ATMから")
    assert (report.state, report.invoice_no, report.payer_name) == ("open", invoice.invoice_no, "ヤマダ タロウ")
    assert seen == [PaymentReported(report.id, invoice.member_id)]
    assert run(database, lambda tx: get_invoice(tx, invoice_id=invoice.id)).reported
    assert run(database, list_waiting) == [report]


def test_the_same_report_again_is_the_first_one(database: Database, invoice: InvoiceView, seen: list[Any]) -> None:
    first = filed(database, invoice)
    assert filed(database, invoice, payer_name="ヤマダ　タロウ", note="もう一度") == first
    assert len(seen) == 1
    assert filed(database, invoice, amount_yen=14_050).id != first.id
    assert filed(database, invoice, paid_on=TODAY).id != first.id


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"amount_yen": 0}, "amount_not_positive"),
        ({"amount_yen": -1}, "amount_not_positive"),
        ({"amount_yen": 1_000_000_000_000}, "amount_too_large"),
        ({"paid_on": TODAY + timedelta(days=1)}, "date_in_future"),
        ({"paid_on": TODAY - timedelta(days=366)}, "date_too_old"),
        ({"payer_name": "　"}, "payer_name_missing"),
        ({"payer_name": "ヤ" * 101}, "payer_name_too_long"),
        ({"note": "長" * 1001}, "note_too_long"),
        ({"invoice_id": 5}, "invoice_not_found"),
    ],
)
def test_a_report_that_cannot_be_is_refused_and_nothing_is_kept(
    database: Database, invoice: InvoiceView, changed: dict[str, Any], code: str
) -> None:
    with pytest.raises(DomainError) as refusal:
        filed(database, invoice, **changed)
    assert refusal.value.code == code
    assert run(database, list_waiting) == []


def test_another_members_invoice_and_a_paid_one_cannot_be_reported(database: Database, invoice: InvoiceView) -> None:
    other = run(database, a_member)
    with pytest.raises(DomainError, match="invoice_not_found"):
        filed(database, invoice, member_id=other)
    confirm(database, filed(database, invoice))
    with pytest.raises(DomainError, match="invoice_paid"):
        filed(database, invoice)


def test_confirming_books_what_the_bank_shows_once(database: Database, invoice: InvoiceView, seen: list[Any]) -> None:
    report = filed(database, invoice, chat_id=run(database, a_chat))
    assert report.ticket_id is not None
    payment = confirm(database, report, amount_yen=15_000)
    assert confirm(database, report, amount_yen=15_000) == payment
    assert (payment.applied_yen, payment.credit_yen, payment.payer_name) == (14_051, 949, "ヤマダ タロウ")
    decided = run(database, lambda tx: get_report(tx, report_id=report.id))
    assert (decided.state, decided.decided_by, decided.undecided) == ("confirmed", ACCOUNTANT.id, False)
    assert of_kind(seen, PaymentReportConfirmed) == [PaymentReportConfirmed(report.id, invoice.member_id, payment.id)]
    assert run(database, lambda tx: list_payments(tx, invoice_id=invoice.id)) == [payment]
    assert run(database, check_books) == []
    assert [entry.action for entry in run(database, lambda tx: list_audit(tx, ADMIN)).entries] == ["payment.confirmed"]


def test_a_report_without_an_invoice_needs_one_named_by_staff(database: Database, invoice: InvoiceView) -> None:
    report = filed(database, invoice, invoice_id=None)
    with pytest.raises(DomainError, match="invoice_needed"):
        confirm(database, report)
    strangers = run(database, lambda tx: an_invoice(tx, member_id=a_member(tx)))
    with pytest.raises(DomainError, match="invoice_not_found"):
        confirm(database, report, invoice_id=strangers.id)
    confirm(database, report, invoice_id=invoice.id)
    [named] = run(database, lambda tx: list_reports_of_invoice(tx, invoice_id=invoice.id))
    assert (named.id, named.state) == (report.id, "confirmed")


def test_a_report_for_a_lapsed_invoice_is_taken_and_its_money_waits(database: Database, invoice: InvoiceView) -> None:
    run(database, lambda tx: void_invoice(tx, invoice_id=invoice.id, reason="lapsed"))
    payment = confirm(database, filed(database, invoice))
    assert run(database, list_suspense) == [payment]


def test_asking_back_keeps_it_undecided_and_rejecting_ends_it(
    database: Database, invoice: InvoiceView, seen: list[Any]
) -> None:
    report = filed(database, invoice)
    asked = run(database, lambda tx: ask_back(tx, staff=AGENT, report_id=report.id, words="名義は？"))
    assert (asked.state, asked.undecided) == ("asked", True)
    assert run(database, lambda tx: list_undecided(tx, member_id=invoice.member_id)) == [asked]
    for _ in range(2):
        rejected = run(database, lambda tx: reject_report(tx, staff=ACCOUNTANT, report_id=report.id, words="なし"))
        assert rejected.state == "rejected"
    with pytest.raises(DomainError, match="report_rejected"):
        confirm(database, report)
    with pytest.raises(DomainError, match="report_decided"):
        run(database, lambda tx: ask_back(tx, staff=AGENT, report_id=report.id, words="？"))
    assert seen[1:] == [
        PaymentReportAsked(report.id, invoice.member_id, "名義は？"),
        PaymentReportRejected(report.id, invoice.member_id, "なし"),
    ]
    assert not run(database, lambda tx: get_invoice(tx, invoice_id=invoice.id)).reported


def test_an_agent_may_ask_back_but_neither_confirm_nor_reject(database: Database, invoice: InvoiceView) -> None:
    report = filed(database, invoice)
    with pytest.raises(DomainError, match="forbidden"):
        confirm(database, report, staff=AGENT)
    with pytest.raises(DomainError, match="forbidden"):
        run(database, lambda tx: reject_report(tx, staff=AGENT, report_id=report.id, words=""))


def test_another_members_report_is_not_found_and_lists_come_in_pages(database: Database, invoice: InvoiceView) -> None:
    reports = [filed(database, invoice, amount_yen=100 + n) for n in range(3)]
    with pytest.raises(DomainError, match="report_not_found"):
        run(database, lambda tx: get_report(tx, report_id=reports[0].id, member_id=1))
    page = run(database, lambda tx: list_reports(tx, limit=2))
    rest = run(database, lambda tx: list_reports(tx, limit=2, before_id=page[-1].id))
    assert [r.id for r in (*page, *rest)] == [r.id for r in reversed(reports)]


def test_the_same_report_sent_twice_at_once_is_kept_once(database: Database, invoice: InvoiceView) -> None:
    def work(tx: Tx) -> ReportView:
        return file_report(
            tx,
            member_id=invoice.member_id,
            chat_id=None,
            invoice_id=invoice.id,
            amount_yen=14_051,
            paid_on=TODAY,
            payer_name="ヤマダ",
            method="bank_transfer",
        )

    answers = [future.result() for future in [database.submit(work) for _ in range(6)]]
    assert len({answer.id for answer in answers}) == 1
