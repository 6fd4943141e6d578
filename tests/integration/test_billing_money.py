"""P1, P3, P4, P7, P10: invoices, transfers confirmed by staff, credit, suspense, lapse; the books balance after each step."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from core.billing.books import check_books
from core.billing.facts import CreditGained, CreditUsed, InvoicePaid, InvoicePartlyPaid, InvoiceVoided, MoneyInSuspense
from core.billing.invoices import InvoiceView, find_invoice_by_no, get_invoice, list_invoices, list_unpaid
from core.billing.lapse import lapse_due, list_lapsing, void_invoice
from core.billing.ledger import Side, credit_of, post, trial_balance
from core.billing.payers import is_payment_ref
from core.billing.payments import PaymentView, list_suspense, place_suspense, record_bank_payment
from core.billing.policy import KeepReason
from core.billing.reports import ask_back, file_report, reject_report
from core.clock import ManualClock
from core.db import Database, Tx, run
from core.errors import DomainError, InvariantBroken
from core.ids import SeededIds
from core.open_database import open_database
from core.profiles.model import Profile
from core.wiring import LISTENERS
from tests.support.builders import ACCOUNTANT, AGENT, a_member, a_profile, an_invoice
from tests.support.facts import of_kind, with_recorder

TODAY = date(2026, 11, 22)
KINDS = (CreditGained, CreditUsed, InvoicePaid, InvoicePartlyPaid, InvoiceVoided, MoneyInSuspense)


@pytest.fixture
def seen() -> list[Any]:
    """The facts of the test."""
    return []


@pytest.fixture
def database(database_url: str, clock: ManualClock, ids: SeededIds, seen: list[Any]) -> Iterator[Database]:
    """As everywhere, with the facts of money written down."""
    opened = open_database(database_url, clock, ids, with_recorder(LISTENERS, seen, *KINDS))
    yield opened
    opened.close()


def balances(tx: Tx) -> dict[str, int]:
    return {account: yen for account, yen in trial_balance(tx) if yen}


def sound(database: Database) -> dict[str, int]:
    assert run(database, check_books) == []
    return run(database, balances)


def pay(
    invoice: InvoiceView, amount_yen: int, reference: str = "t1", profile: Profile | None = None, on: date = TODAY
) -> Callable[[Tx], PaymentView]:
    return lambda tx: record_bank_payment(
        tx,
        profile=profile or a_profile(),
        staff=ACCOUNTANT,
        invoice_id=invoice.id,
        amount_yen=amount_yen,
        value_on=on,
        payer_name="ﾔﾏﾀﾞ ﾀﾛｳ",
        reference=reference,
    )


def invoiced(database: Database, **changed: Any) -> InvoiceView:
    def work(tx: Tx) -> InvoiceView:
        return an_invoice(tx, member_id=a_member(tx), **changed)

    return run(database, work)


def again(database: Database, invoice: InvoiceView) -> InvoiceView:
    return run(database, lambda tx: get_invoice(tx, invoice_id=invoice.id))


def held(database: Database, member_id: int) -> int:
    return run(database, lambda tx: credit_of(tx, member_id=member_id))


def report(database: Database, invoice: InvoiceView, **changed: Any) -> Any:
    asked: dict[str, Any] = {
        "member_id": invoice.member_id,
        "chat_id": None,
        "invoice_id": invoice.id,
        "amount_yen": 14_051,
        "paid_on": TODAY,
        "payer_name": "ヤマダ タロウ",
        "method": "bank_transfer",
        **changed,
    }
    return run(database, lambda tx: file_report(tx, **asked))


def test_issuing_books_receivable_sales_and_tax_and_taxes_the_sum_once(database: Database) -> None:
    invoice = invoiced(database)
    assert (invoice.net_yen, invoice.tax_yen, invoice.total_yen, invoice.open_yen) == (12_774, 1_277, 14_051, 14_051)
    assert invoice.invoice_no == "INV-2026-000001" and is_payment_ref(invoice.payment_ref)
    assert sound(database) == {"receivable": 14_051, "sales": -12_774, "tax_payable": -1_277}


def test_the_deadline_is_14_days_later_moved_to_a_bank_day_and_waiting_ends_3_bank_days_after_it(
    database: Database,
) -> None:
    invoice = invoiced(database)  # 22 November + 14 = Sunday, 6 December
    assert (invoice.due_on, invoice.lapse_on) == (date(2026, 12, 7), date(2026, 12, 10))


def test_numbers_have_no_gaps_when_a_turn_fails_between(database: Database) -> None:
    def fails(tx: Tx) -> None:
        an_invoice(tx, member_id=a_member(tx))
        raise ValueError("on purpose")

    first = invoiced(database)
    with pytest.raises(ValueError, match="on purpose"):
        run(database, fails)
    assert [first.invoice_no, invoiced(database).invoice_no] == ["INV-2026-000001", "INV-2026-000002"]


@pytest.mark.parametrize(
    "typed", ["INV-2026-000001", "inv-2026-1", "ＩＮＶ－２０２６－０００００１", "2026-000001", " INV 2026 000001 "]
)
def test_an_invoice_is_found_by_its_number_as_people_type_it(database: Database, typed: str) -> None:
    invoice = invoiced(database)
    assert run(database, lambda tx: find_invoice_by_no(tx, invoice_no=typed)) == invoice
    other = run(database, a_member)
    assert run(database, lambda tx: find_invoice_by_no(tx, invoice_no=typed, member_id=other)) is None
    assert run(database, lambda tx: find_invoice_by_no(tx, invoice_no=invoice.payment_ref)) == invoice


def test_a_full_transfer_pays_and_a_replay_of_the_confirmation_books_nothing(
    database: Database, seen: list[Any]
) -> None:
    invoice = invoiced(database)
    first = run(database, pay(invoice, 14_051))
    assert run(database, pay(invoice, 14_051)) == first
    assert again(database, invoice)._replace(lines=()) == invoice._replace(
        status="paid", open_yen=0, paid_on=TODAY, lines=()
    )
    assert sound(database) == {"cash:bank": 14_051, "sales": -12_774, "tax_payable": -1_277}
    assert of_kind(seen, InvoicePaid) == [InvoicePaid(invoice.id, invoice.member_id)]


def test_a_reference_that_stands_for_other_money_is_refused(database: Database) -> None:
    invoice = invoiced(database)
    run(database, pay(invoice, 14_051))
    with pytest.raises(DomainError, match="reference_used"):
        run(database, pay(invoiced(database), 14_051))
    sound(database)


def test_too_much_becomes_credit_that_is_used_first_on_the_next_invoice(database: Database, seen: list[Any]) -> None:
    invoice = invoiced(database)
    run(database, pay(invoice, 15_000))
    assert sound(database) == {"cash:bank": 15_000, "credit": -949, "sales": -12_774, "tax_payable": -1_277}
    following = run(database, lambda tx: an_invoice(tx, member_id=invoice.member_id))
    assert (following.open_yen, following.credit_used_yen) == (13_102, 949)
    assert of_kind(seen, CreditUsed) == [CreditUsed(invoice.member_id, following.id, 949)]
    assert held(database, invoice.member_id) == 0
    sound(database)


def test_credit_that_covers_the_whole_invoice_pays_it_at_once(database: Database, seen: list[Any]) -> None:
    invoice = invoiced(database)
    run(database, pay(invoice, 30_000))
    following = run(database, lambda tx: an_invoice(tx, member_id=invoice.member_id))
    assert (following.status, following.paid_on, following.open_yen) == ("paid", TODAY, 0)
    assert held(database, invoice.member_id) == 30_000 - 2 * 14_051
    assert len(of_kind(seen, InvoicePaid)) == 2
    sound(database)


def test_an_invoice_of_nothing_is_paid_at_once(database: Database) -> None:
    assert invoiced(database, net_yen=0).status == "paid"
    sound(database)


def test_too_little_keeps_the_rest_due_and_the_rest_pays(database: Database, seen: list[Any]) -> None:
    invoice = invoiced(database)
    paid = run(database, pay(invoice, 13_721))
    assert again(database, invoice).open_yen == 330 and again(database, invoice).status == "open"
    assert of_kind(seen, InvoicePartlyPaid) == [InvoicePartlyPaid(invoice.id, invoice.member_id, paid.id, 330)]
    sound(database)
    run(database, pay(invoice, 330, "t2"))
    assert again(database, invoice).status == "paid"
    sound(database)


def test_a_missing_transfer_fee_is_borne_where_the_profile_says_so(database: Database) -> None:
    invoice = invoiced(database)
    run(database, pay(invoice, 13_721, profile=a_profile(payment={"bears_fees_up_to_yen": 660})))
    assert again(database, invoice).status == "paid"
    assert sound(database) == {"bank_fee": 330, "cash:bank": 13_721, "sales": -12_774, "tax_payable": -1_277}


def test_money_for_a_paid_invoice_goes_to_suspense_and_staff_place_it(database: Database, seen: list[Any]) -> None:
    invoice = invoiced(database)
    run(database, pay(invoice, 14_051))
    late = run(database, pay(invoice, 14_051, "t2"))
    assert (late.suspense_yen, sound(database)["suspense"]) == (14_051, -14_051)
    assert of_kind(seen, MoneyInSuspense) == [MoneyInSuspense(late.id, invoice.member_id, invoice.id)]
    assert run(database, list_suspense) == [late]
    following = run(database, lambda tx: an_invoice(tx, member_id=invoice.member_id))

    def place(tx: Tx) -> PaymentView:
        return place_suspense(tx, profile=a_profile(), staff=ACCOUNTANT, payment_id=late.id, invoice_id=following.id)

    assert run(database, place).applied_yen == 14_051
    assert again(database, following).status == "paid"
    with pytest.raises(DomainError, match="invoice_not_open"):
        run(database, place)
    assert run(database, list_suspense) == [] and "suspense" not in sound(database)


def test_suspense_can_become_credit_once(database: Database) -> None:
    invoice = invoiced(database)
    run(database, lambda tx: void_invoice(tx, invoice_id=invoice.id, reason="cancelled"))
    late = run(database, pay(invoice, 14_051))
    for _ in range(2):
        run(database, lambda tx: place_suspense(tx, profile=a_profile(), staff=ACCOUNTANT, payment_id=late.id))
        assert held(database, invoice.member_id) == 14_051
        sound(database)


@pytest.mark.parametrize(
    ("amount", "on", "code"),
    [
        (0, TODAY, "yen_out_of_range"),
        (-5, TODAY, "yen_out_of_range"),
        (10_000_000_000, TODAY, "yen_out_of_range"),
        (100, TODAY + timedelta(days=1), "date_in_future"),
        (100, TODAY - timedelta(days=366), "date_too_old"),
    ],
)
def test_a_payment_that_cannot_be_is_refused_and_books_nothing(
    database: Database, amount: int, on: date, code: str
) -> None:
    invoice = invoiced(database)
    with pytest.raises(DomainError) as refusal:
        run(database, pay(invoice, amount, on=on))
    assert refusal.value.code == code
    assert "cash:bank" not in sound(database)


def test_only_those_with_the_right_confirm_payments(database: Database) -> None:
    invoice = invoiced(database)
    with pytest.raises(DomainError, match="forbidden"):
        run(
            database,
            lambda tx: record_bank_payment(
                tx,
                profile=a_profile(),
                staff=AGENT,
                invoice_id=invoice.id,
                amount_yen=1,
                value_on=TODAY,
                payer_name="",
                reference="x",
            ),
        )


def test_voiding_reverses_the_books_once_and_releases_what_was_held(database: Database, seen: list[Any]) -> None:
    invoice = invoiced(database)
    run(database, pay(invoice, 5_000))
    for _ in range(2):
        voided = run(database, lambda tx: void_invoice(tx, invoice_id=invoice.id, reason="withdrawn"))
        assert (voided.status, voided.void_reason, voided.open_yen) == ("void", "withdrawn", 0)
        assert sound(database) == {"cash:bank": 5_000, "credit": -5_000}
    assert of_kind(seen, InvoiceVoided) == [InvoiceVoided(invoice.id, invoice.member_id, "withdrawn")]
    assert of_kind(seen, CreditGained) == [CreditGained(invoice.member_id, 5_000, invoice.id)]


def test_a_paid_invoice_is_not_voided(database: Database) -> None:
    invoice = invoiced(database)
    run(database, pay(invoice, 14_051))
    with pytest.raises(DomainError, match="invoice_paid"):
        run(database, lambda tx: void_invoice(tx, invoice_id=invoice.id, reason="withdrawn"))


def lapse(database: Database) -> int:
    return run(database, lambda tx: lapse_due(tx, profile=a_profile()))


def to(clock: ManualClock, day: date) -> None:
    clock.move(timedelta(days=(day - TODAY).days))


def test_an_unpaid_invoice_waits_for_its_last_day_and_lapses_once_after_it(
    database: Database, clock: ManualClock, seen: list[Any]
) -> None:
    invoice = invoiced(database)
    to(clock, invoice.lapse_on)
    assert lapse(database) == 0
    clock.move(timedelta(days=1))
    assert (lapse(database), lapse(database)) == (1, 0)
    assert again(database, invoice).void_reason == "lapsed"
    assert of_kind(seen, InvoiceVoided) == [InvoiceVoided(invoice.id, invoice.member_id, "lapsed")]
    assert sound(database) == {}


def test_the_desk_sees_what_lapses_the_day_before_and_why_something_is_kept(
    database: Database, clock: ManualClock
) -> None:
    free, partly, reported = invoiced(database), invoiced(database), invoiced(database)
    run(database, pay(partly, 10))
    report(database, reported)
    to(clock, free.lapse_on - timedelta(days=2))
    assert run(database, list_lapsing) == []
    clock.move(timedelta(days=1))
    assert {row.invoice.id: row.kept_for for row in run(database, list_lapsing)} == {
        free.id: (),
        partly.id: (KeepReason.ALLOCATION,),
        reported.id: (KeepReason.OPEN_REPORT,),
    }
    clock.move(timedelta(days=2))
    assert lapse(database) == 1
    assert [row.invoice.id for row in run(database, list_lapsing)] == [partly.id, reported.id]


def test_a_report_that_staff_rejected_no_longer_keeps_the_invoice(database: Database, clock: ManualClock) -> None:
    invoice = invoiced(database)
    filed = report(database, invoice)
    to(clock, invoice.lapse_on + timedelta(days=1))
    run(database, lambda tx: ask_back(tx, staff=AGENT, report_id=filed.id, words="いつのお振込みですか。"))
    assert lapse(database) == 0
    run(database, lambda tx: reject_report(tx, staff=ACCOUNTANT, report_id=filed.id, words="確認できませんでした。"))
    assert lapse(database) == 1


def test_waiting_money_of_the_same_amount_keeps_the_invoice(database: Database, clock: ManualClock) -> None:
    first = invoiced(database)
    run(database, pay(first, 14_051))
    second = run(database, lambda tx: an_invoice(tx, member_id=first.member_id))
    run(database, pay(first, 14_051, "t2"))
    to(clock, second.lapse_on + timedelta(days=1))
    assert lapse(database) == 0
    assert run(database, list_lapsing)[0].kept_for == (KeepReason.CANDIDATE,)


def test_money_after_the_lapse_goes_to_suspense(database: Database, clock: ManualClock, seen: list[Any]) -> None:
    invoice = invoiced(database)
    to(clock, invoice.lapse_on + timedelta(days=1))
    lapse(database)
    late = run(database, pay(invoice, 14_051, on=invoice.due_on))
    assert late.suspense_yen == 14_051 and len(of_kind(seen, MoneyInSuspense)) == 1
    assert sound(database) == {"cash:bank": 14_051, "suspense": -14_051}


def test_lists_show_open_ones_by_deadline_and_all_of_them_in_pages(database: Database, clock: ManualClock) -> None:
    first = invoiced(database)
    rest = []
    for _ in range(4):
        clock.move(timedelta(days=1))
        rest.append(run(database, lambda tx: an_invoice(tx, member_id=first.member_id)))
    run(database, pay(rest[0], 14_051))
    unpaid = run(database, lambda tx: list_unpaid(tx, member_id=first.member_id))
    assert [i.id for i in unpaid] == [first.id, *(i.id for i in rest[1:])]
    page = run(database, lambda tx: list_invoices(tx, member_id=first.member_id, limit=3))
    following = run(database, lambda tx: list_invoices(tx, before_id=page[-1].id, limit=3))
    assert [i.id for i in (*page, *following)] == [i.id for i in (*reversed(rest), first)]
    assert [i.status for i in run(database, lambda tx: list_invoices(tx, statuses=("paid",)))] == ["paid"]


def test_an_entry_that_does_not_balance_is_refused_and_a_repeat_posts_nothing(database: Database) -> None:
    with pytest.raises(InvariantBroken):
        run(database, lambda tx: post(tx, kind="x", source_key="x", postings=[Side("sales", 1)]))
    with pytest.raises(InvariantBroken, match="unknown"):
        run(database, lambda tx: post(tx, kind="x", source_key="x", postings=[Side("a", 1), Side("sales", -1)]))
    sides = [Side("receivable", 5), Side("sales", -5)]
    assert run(database, lambda tx: post(tx, kind="x", source_key="x", postings=sides))
    assert not run(database, lambda tx: post(tx, kind="x", source_key="x", postings=sides))
    assert run(database, balances) == {"receivable": 5, "sales": -5}
