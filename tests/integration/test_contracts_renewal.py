"""C1, C2, C3, C6, C10, R1, R4, R5: contracts listed, renewed on one invoice, extended exactly once, ended by the calendar."""

import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from core.billing.books import check_books
from core.billing.facts import InvoicePaid, InvoiceVoided
from core.billing.invoices import InvoiceView, get_invoice, list_unpaid
from core.billing.lapse import lapse_due, void_invoice
from core.billing.payments import list_payments, list_suspense, record_bank_payment
from core.billing.reports import ReportView, confirm_report, file_report
from core.clock import ManualClock
from core.contracts.changes import list_changes
from core.contracts.ending import end_expired
from core.contracts.facts import (
    ContractEnded,
    ContractInGrace,
    ContractsRenewed,
    RenewalsCancelled,
    RenewalsLapsed,
)
from core.contracts.policy import ContractStatus
from core.contracts.quotes import RenewalItem, quote_renewals
from core.contracts.renewals import cancel_open_renewal, find_final_confirmation, list_renewals
from core.contracts.service import ContractView, get_contract, list_contracts, search_contracts
from core.db import Database, Tx, run
from core.errors import DomainError
from core.ids import SeededIds
from core.open_database import open_database
from core.profiles.catalogue import set_price
from core.wiring import LISTENERS
from tests.support.builders import ACCOUNTANT, AGENT, a_contract, a_member, a_profile, a_renewal
from tests.support.facts import of_kind, with_recorder

TODAY = date(2026, 11, 22)
E = date(2026, 11, 30)
KINDS = (
    ContractsRenewed,
    RenewalsLapsed,
    RenewalsCancelled,
    ContractInGrace,
    ContractEnded,
    InvoicePaid,
    InvoiceVoided,
)
D = date.fromisoformat


@pytest.fixture
def seen() -> list[Any]:
    """The facts of the test."""
    return []


@pytest.fixture
def database(database_url: str, clock: ManualClock, ids: SeededIds, seen: list[Any]) -> Iterator[Database]:
    """As everywhere, with the facts about contracts written down."""
    opened = open_database(database_url, clock, ids, with_recorder(LISTENERS, seen, *KINDS))
    yield opened
    opened.close()


@pytest.fixture
def member(database: Database) -> int:
    """A member."""
    return run(database, a_member)


def contract(database: Database, member_id: int, **changed: Any) -> int:
    return run(database, lambda tx: a_contract(tx, member_id=member_id, **changed))


def look(database: Database, contract_id: int) -> ContractView:
    return run(database, lambda tx: get_contract(tx, profile=a_profile(), contract_id=contract_id))


def renew(database: Database, member_id: int, *contract_ids: int, **changed: Any) -> InvoiceView:
    return run(database, lambda tx: a_renewal(tx, member_id=member_id, contract_ids=contract_ids, **changed))


def refused(database: Database, member_id: int, *contract_ids: int, **changed: Any) -> DomainError:
    with pytest.raises(DomainError) as refusal:
        renew(database, member_id, *contract_ids, **changed)
    return refusal.value


def paying(invoice: InvoiceView, reference: str = "t1", amount_yen: int | None = None) -> Callable[[Tx], Any]:
    return lambda tx: record_bank_payment(
        tx,
        profile=a_profile(),
        staff=ACCOUNTANT,
        invoice_id=invoice.id,
        amount_yen=amount_yen or invoice.open_yen,
        value_on=tx.today,
        payer_name="ヤマダ タロウ",
        reference=reference,
    )


def to(clock: ManualClock, day: date) -> None:
    clock.move(timedelta(days=(day - clock.now().date()).days))


def tick(database: Database) -> int:
    return run(database, lambda tx: end_expired(tx, profile=a_profile()))


def sound(database: Database) -> None:
    assert run(database, check_books) == []


# -- showing ----------------------------------------------------------------------------------------------------------


def test_contracts_are_listed_by_urgency_with_the_ended_ones_last(database: Database, member: int) -> None:
    ended = contract(database, member, label="old.jp", expires_on=D("2026-01-31"), status="ended")
    later = contract(database, member, label="later.jp", expires_on=D("2027-03-11"))
    near = contract(database, member, label="near.jp", expires_on=TODAY)
    grace = contract(database, member, label="grace.jp", expires_on=D("2026-11-20"), status="in_grace")
    leaving = contract(database, member, label="leaving.jp", status="cancelled")
    views = run(database, lambda tx: list_contracts(tx, profile=a_profile(), member_id=member))
    assert [view.id for view in views] == [grace, near, later, ended, leaving]
    assert [view.days_left for view in views[:3]] == [-2, 0, 109]
    assert [view.state for view in views] == ["in_grace", "active", "active", "ended", "cancelled"]
    assert [view.renewable for view in views] == [True, True, True, False, False]
    assert views[0].renewable_until == D("2026-11-27") and views[0].plan_name("ja") == "スタンダードプラン"


@pytest.mark.parametrize("typed", ["SRV", "ｓｒｖ００１", "srv 001", "c-000002"])
def test_a_contract_is_found_by_label_or_number_in_any_width_and_case(
    database: Database, member: int, typed: str
) -> None:
    contract(database, member, label="example.jp")
    wanted = contract(database, member, label="Srv001")
    found = run(database, lambda tx: list_contracts(tx, profile=a_profile(), member_id=member, query=typed))
    assert [view.id for view in found] == [wanted]
    found = run(database, lambda tx: search_contracts(tx, profile=a_profile(), staff=AGENT, query=typed))
    assert [view.id for view in found] == [wanted]


def test_a_search_takes_signs_as_written_and_lists_filter_by_kind(database: Database, member: int) -> None:
    contract(database, member)
    domain = contract(database, member, label="100%_a.com", plan_code="domain-com")
    for typed, count in (("%", 1), ("_a", 1), ("0%_", 1), ("a%c", 0), ("  ", 0)):
        found = run(database, lambda tx, t=typed: search_contracts(tx, profile=a_profile(), staff=AGENT, query=t))
        assert len(found) == count, typed
    views = run(database, lambda tx: list_contracts(tx, profile=a_profile(), member_id=member, kind="domain"))
    assert [view.id for view in views] == [domain]


def test_another_members_contract_is_not_found(database: Database, member: int) -> None:
    other = contract(database, run(database, a_member))
    with pytest.raises(DomainError, match="contract_not_found"):
        run(database, lambda tx: get_contract(tx, profile=a_profile(), contract_id=other, member_id=member))


# -- quoting and ordering -------------------------------------------------------------------------------------------


def test_two_contracts_with_a_term_each_are_quoted_on_one_document(database: Database, member: int) -> None:
    first = contract(database, member, expires_on=D("2027-03-11"), anchor=11)
    second = contract(database, member, label="b.jp", plan_code="domain-jp", expires_on=D("2026-12-31"))
    items = [RenewalItem(first, 12, to_month_end=True), RenewalItem(second, 12)]
    order = run(database, lambda tx: quote_renewals(tx, profile=a_profile(), member_id=member, items=items))
    assert [(q.contract.expires_on, q.quote.new_expires_on) for q in order.renewals] == [
        (D("2027-03-11"), D("2028-03-31")),
        (D("2026-12-31"), D("2027-12-31")),
    ]
    assert (order.renewals[0].quote.daily_days, order.renewals[0].quote.daily_yen) == (20, 774)
    assert (order.net_yen, order.tax_yen, order.total_yen) == (15_774, 1_577, 17_351)
    assert [q.later_total_yen for q in order.renewals] == [13_200, 3_300]
    assert (order.due_on, order.due_yen) == (D("2026-12-07"), 17_351)


def test_the_order_of_algorithms_2_costs_14051(database: Database, member: int) -> None:
    chosen = contract(database, member, expires_on=D("2027-03-11"), anchor=11)
    shown = {"title": "最終確認", "total": "14,051円"}
    invoice = renew(
        database, member, items=[RenewalItem(chosen, 12, to_month_end=True)], shown=shown, expected_total_yen=14_051
    )
    assert (invoice.net_yen, invoice.tax_yen, invoice.total_yen) == (12_774, 1_277, 14_051)
    assert [(line.description, line.amount_yen) for line in invoice.lines] == [
        ("スタンダードプラン（example.jp） 更新 12か月 2027年3月12日〜2028年3月11日", 12_000),
        ("スタンダードプラン（example.jp） 日割（20日） 2028年3月12日〜2028年3月31日", 774),
    ]
    kept = run(database, lambda tx: find_final_confirmation(tx, invoice_id=invoice.id))
    assert kept is not None and kept.shown == shown and kept.at == invoice.issued_at
    run(database, paying(invoice))
    view = look(database, chosen)
    assert (view.expires_on, view.anchor) == (D("2028-03-31"), 31)
    sound(database)


def test_the_deadline_of_a_renewal_never_lies_after_the_grace(database: Database, member: int) -> None:
    chosen = contract(database, member, expires_on=D("2026-11-18"))
    assert renew(database, member, chosen).due_on == D("2026-11-25")


def test_a_contract_has_at_most_one_open_renewal_and_the_refusal_names_its_invoice(
    database: Database, member: int
) -> None:
    chosen = contract(database, member)
    invoice = renew(database, member, chosen)
    refusal = refused(database, member, contract(database, member, label="b.jp"), chosen)
    assert refusal.code == "renewal_open"
    assert (refusal.data["invoice_no"], refusal.data["invoice_id"]) == (invoice.invoice_no, invoice.id)
    opened = look(database, chosen).open_renewal
    assert opened is not None and (opened.invoice_no, opened.new_expires_on) == (invoice.invoice_no, D("2027-11-30"))
    assert len(run(database, lambda tx: list_unpaid(tx, member_id=member))) == 1


@pytest.mark.parametrize(
    ("made", "items", "code"),
    [
        ({"status": "ended"}, {}, "ended"),
        ({"status": "cancelled"}, {}, "cancelled"),
        ({"expires_on": D("2026-11-14")}, {}, "after_window"),
        ({}, {"term_months": 5}, "term_not_offered"),
        ({}, {"term_months": 0}, "term_not_offered"),
        ({}, {"term_months": -1}, "term_not_offered"),
        ({"plan_code": "domain-jp"}, {"to_month_end": True}, "month_end_not_offered"),
    ],
)
def test_a_contract_that_cannot_be_renewed_is_refused_by_name(
    database: Database, member: int, made: dict[str, Any], items: dict[str, Any], code: str
) -> None:
    chosen = contract(database, member, **made)
    item = RenewalItem(chosen, **{"term_months": 12, **items})
    refusal = refused(database, member, items=[item])
    assert (refusal.code, refusal.data["label"]) == (code, "example.jp")


def test_an_order_of_nothing_of_anothers_or_twice_the_same_is_refused(database: Database, member: int) -> None:
    chosen, other = contract(database, member), contract(database, run(database, a_member))
    withdrawn = run(database, lambda tx: a_member(tx, status="withdrawn"))
    assert refused(database, member).code == "nothing_chosen"
    assert refused(database, member, chosen, other).code == "contract_not_found"
    assert refused(database, member, chosen, chosen).code == "contract_repeated"
    assert refused(database, member, chosen, method="paypay").code == "method_not_offered"
    assert refused(database, withdrawn, contract(database, withdrawn)).code == "member_withdrawn"
    assert run(database, lambda tx: list_unpaid(tx, member_id=member)) == []


def test_nobody_orders_at_a_price_they_have_not_seen(database: Database, member: int) -> None:
    chosen = contract(database, member)
    run(database, lambda tx: set_price(tx, plan_code="standard", term_months=12, price_yen=13_000, valid_from=TODAY))
    refusal = refused(database, member, chosen, expected_total_yen=13_200)
    assert (refusal.code, refusal.data["total_yen"]) == ("quote_changed", 14_300)


# -- money, and what it does ----------------------------------------------------------------------------------------


def test_the_money_extends_each_contract_once_and_records_why(database: Database, member: int, seen: list[Any]) -> None:
    first, second = contract(database, member), contract(database, member, label="b.jp")
    invoice = renew(database, member, first, second)
    renewals = run(database, lambda tx: list_renewals(tx, invoice_id=invoice.id))
    for _ in range(2):
        run(database, paying(invoice))
        for chosen in (first, second):
            view = look(database, chosen)
            assert (view.expires_on, view.cycle_no, view.open_renewal) == (D("2027-11-30"), 2, None)
    changes = run(database, lambda tx: list_changes(tx, contract_id=first))
    assert [change.cause for change in changes] == ["test", f"renewal:{renewals[0].id}"]
    assert changes[1].before["expires_on"] == "2026-11-30" and changes[1].after["expires_on"] == "2027-11-30"
    ids = tuple(renewal.id for renewal in renewals)
    assert of_kind(seen, ContractsRenewed) == [ContractsRenewed(member, invoice.id, ids, (first, second))]
    sound(database)


def test_a_partly_paid_order_extends_nothing_until_the_rest_is_there(database: Database, member: int) -> None:
    chosen = contract(database, member)
    invoice = renew(database, member, chosen)
    run(database, paying(invoice, amount_yen=10_000))
    assert look(database, chosen).expires_on == E
    run(database, paying(invoice, "t2", amount_yen=3_200))
    assert look(database, chosen).expires_on == D("2027-11-30")
    sound(database)


def test_credit_that_covers_the_order_extends_at_once(database: Database, member: int) -> None:
    first, second = contract(database, member), contract(database, member, label="b.jp")
    run(database, paying(renew(database, member, first), amount_yen=30_000))
    order = run(
        database,
        lambda tx: quote_renewals(tx, profile=a_profile(), member_id=member, items=[RenewalItem(second, 12)]),
    )
    assert (order.credit_yen, order.due_yen) == (13_200, 0)
    assert renew(database, member, second).status == "paid"
    assert look(database, second).expires_on == D("2027-11-30")
    sound(database)


def test_a_28th_of_february_goes_back_to_the_31st(database: Database, member: int) -> None:
    chosen = contract(database, member, expires_on=D("2027-01-31"), anchor=31)
    for number, expected in enumerate(("2027-02-28", "2027-03-31", "2027-04-30")):
        run(database, paying(renew(database, member, items=[RenewalItem(chosen, 1)]), f"t{number}"))
        assert look(database, chosen).expires_on == D(expected)


def test_a_trial_becomes_a_contract_when_its_first_renewal_is_paid(database: Database, member: int) -> None:
    chosen = contract(database, member, status="trial", expires_on=D("2026-11-25"))
    run(database, paying(renew(database, member, chosen)))
    view = look(database, chosen)
    assert (view.status, view.expires_on) == ("active", D("2027-11-25"))


def test_a_change_of_mind_voids_the_invoice_and_frees_the_contract(
    database: Database, member: int, seen: list[Any]
) -> None:
    chosen = contract(database, member)
    invoice = renew(database, member, chosen)
    for _ in range(2):
        voided = run(database, lambda tx: cancel_open_renewal(tx, member_id=member, invoice_id=invoice.id))
        assert (voided.status, voided.void_reason) == ("void", "cancelled")
    assert len(of_kind(seen, RenewalsCancelled)) == 1
    assert renew(database, member, items=[RenewalItem(chosen, 6)]).status == "open"
    sound(database)


def test_an_order_whose_payment_is_reported_is_not_cancelled(database: Database, member: int) -> None:
    chosen = contract(database, member)
    invoice = renew(database, member, chosen)
    report(database, invoice)
    with pytest.raises(DomainError, match="payment_reported"):
        run(database, lambda tx: cancel_open_renewal(tx, member_id=member, invoice_id=invoice.id))
    opened = look(database, chosen).open_renewal
    assert opened is not None and opened.reported


def report(database: Database, invoice: InvoiceView) -> ReportView:
    return run(
        database,
        lambda tx: file_report(
            tx,
            member_id=invoice.member_id,
            chat_id=None,
            invoice_id=invoice.id,
            amount_yen=invoice.total_yen,
            paid_on=tx.today,
            payer_name="ヤマダ タロウ",
            method="bank_transfer",
        ),
    )


def confirming(filed: ReportView) -> Callable[[Tx], Any]:
    return lambda tx: confirm_report(
        tx, profile=a_profile(), staff=ACCOUNTANT, report_id=filed.id, amount_yen=filed.amount_yen, value_on=tx.today
    )


def test_a_lapsed_order_leaves_the_contract_and_late_money_extends_nothing(
    database: Database, member: int, clock: ManualClock, seen: list[Any]
) -> None:
    chosen = contract(database, member, expires_on=D("2027-03-11"), anchor=11)
    invoice = renew(database, member, chosen)
    to(clock, invoice.lapse_on + timedelta(days=1))
    assert run(database, lambda tx: lapse_due(tx, profile=a_profile())) == 1
    assert len(of_kind(seen, RenewalsLapsed)) == 1
    run(database, paying(invoice))
    view = look(database, chosen)
    assert (view.expires_on, view.open_renewal, view.renewable) == (D("2027-03-11"), None, True)
    assert len(run(database, list_suspense)) == 1
    sound(database)


# -- the calendar ----------------------------------------------------------------------------------------------------


def test_a_contract_is_active_on_its_last_day_then_in_grace_then_ended_each_told_once(
    database: Database, member: int, clock: ManualClock, seen: list[Any]
) -> None:
    chosen = contract(database, member)
    steps = {E: "active", D("2026-12-01"): "in_grace", D("2026-12-07"): "in_grace", D("2026-12-08"): "ended"}
    for day, expected in steps.items():
        to(clock, day)
        before = look(database, chosen)
        tick(database)
        assert tick(database) == 0
        assert (before.state, look(database, chosen).status) == (expected, expected), day
    assert of_kind(seen, ContractInGrace) == [ContractInGrace(chosen, member)]
    assert of_kind(seen, ContractEnded) == [ContractEnded(chosen, member, D("2026-12-07"))]
    changes = run(database, lambda tx: list_changes(tx, contract_id=chosen))
    assert [(c.cause, c.after["status"]) for c in changes[1:]] == [("expired", "in_grace"), ("expired", "ended")]


def test_after_a_pause_contracts_go_straight_to_where_they_belong(
    database: Database, member: int, clock: ManualClock, seen: list[Any]
) -> None:
    gone = contract(database, member)
    trial = contract(database, member, label="t.jp", status="trial")
    leaving = contract(database, member, label="c.jp", status="cancelled", expires_on=D("2026-12-05"))
    stays = contract(database, member, label="s.jp", expires_on=D("2026-12-08"))
    to(clock, D("2026-12-08"))
    assert tick(database) == 3
    states = [look(database, chosen).status for chosen in (gone, trial, leaving, stays)]
    assert states == ["ended", "ended", "ended", "active"]
    assert of_kind(seen, ContractInGrace) == [] and len(of_kind(seen, ContractEnded)) == 3
    last_days = {fact.contract_id: fact.renewable_until for fact in of_kind(seen, ContractEnded)}
    assert last_days[gone] == D("2026-12-07") and last_days[leaving] == D("2026-12-05")  # cancelled: no grace


def test_a_chunk_at_a_time_moves_everything(database: Database, member: int, clock: ManualClock) -> None:
    made = [contract(database, member, label=f"{n}.jp") for n in range(5)]
    to(clock, D("2026-12-08"))
    counts = [run(database, lambda tx: end_expired(tx, profile=a_profile(), limit=2)) for _ in range(4)]
    assert counts == [2, 2, 1, 0]
    assert {look(database, chosen).status for chosen in made} == {"ended"}


def test_money_sent_in_time_extends_a_contract_that_ended_meanwhile(
    database: Database, member: int, clock: ManualClock
) -> None:
    chosen = contract(database, member)
    to(clock, D("2026-12-04"))
    invoice = renew(database, member, chosen)
    assert invoice.due_on == D("2026-12-07")
    to(clock, D("2026-12-08"))
    tick(database)
    assert look(database, chosen).status == "ended"
    run(database, lambda tx: lapse_due(tx, profile=a_profile()))
    run(database, paying(invoice))
    view = look(database, chosen)
    assert (view.status, view.expires_on, view.cycle_no) == ("active", D("2027-11-30"), 2)
    assert tick(database) == 0
    sound(database)


def test_a_contract_changed_by_other_hands_is_not_extended_blindly(database: Database, member: int) -> None:
    chosen = contract(database, member)
    invoice = renew(database, member, chosen)
    run(database, lambda tx: tx._cursor.execute("UPDATE contract SET expires_on = '2027-05-31'"))
    with pytest.raises(DomainError, match="renewal_overtaken"):
        run(database, paying(invoice))
    assert run(database, lambda tx: list_payments(tx, invoice_id=invoice.id)) == []
    run(database, lambda tx: void_invoice(tx, invoice_id=invoice.id, reason="withdrawn"))
    run(database, paying(invoice))
    assert len(run(database, list_suspense)) == 1
    sound(database)


# -- races -------------------------------------------------------------------------------------------------------------


def at_once(database: Database, *works: Callable[[Tx], Any]) -> list[Any]:
    """All works in transactions that start together; each answer, or its DomainError."""
    gate = threading.Barrier(len(works) if not database.embedded else 1)

    def started(work: Callable[[Tx], Any]) -> Callable[[Tx], Any]:
        def go(tx: Tx) -> Any:
            gate.wait(5)
            return work(tx)

        return go

    futures = [database.submit(started(work)) for work in works]
    return [future.exception() or future.result() for future in futures]


def test_of_two_requests_for_one_contract_at_once_exactly_one_is_open(database: Database, member: int) -> None:
    for number in range(5):
        chosen = contract(database, member, label=f"{number}.jp")
        other = contract(database, member, label=f"x{number}.jp")
        answers = at_once(
            database,
            lambda tx, a=chosen, b=other: a_renewal(tx, member_id=member, contract_ids=[a, b]),
            lambda tx, a=chosen, b=other: a_renewal(tx, member_id=member, contract_ids=[b, a]),
        )
        won = [answer for answer in answers if isinstance(answer, InvoiceView)]
        lost = [answer.code for answer in answers if isinstance(answer, DomainError)]
        assert (len(won), lost) == (1, ["renewal_open"])
    assert len(run(database, lambda tx: list_unpaid(tx, member_id=member))) == 5
    numbers = sorted(i.invoice_no for i in run(database, lambda tx: list_unpaid(tx, member_id=member)))
    assert numbers == [f"INV-2026-{n:06d}" for n in range(1, 6)]


def test_two_confirmations_of_a_report_at_once_are_one_payment_and_one_extension(
    database: Database, member: int, seen: list[Any]
) -> None:
    for number in range(4):
        chosen = contract(database, member, label=f"{number}.jp")
        invoice = renew(database, member, chosen)
        filed = report(database, invoice)
        first, second = at_once(database, confirming(filed), confirming(filed))
        assert first == second
        assert look(database, chosen).expires_on == D("2027-11-30")
        sound(database)
    assert len(of_kind(seen, ContractsRenewed)) == 4


def test_two_transfers_at_once_for_one_invoice_extend_once_and_the_second_waits_in_suspense(
    database: Database, member: int
) -> None:
    chosen = contract(database, member)
    invoice = renew(database, member, chosen)
    at_once(database, paying(invoice, "a"), paying(invoice, "b"))
    assert look(database, chosen).expires_on == D("2027-11-30")
    assert [payment.amount_yen for payment in run(database, list_suspense)] == [13_200]
    sound(database)


def test_payment_lapse_cancel_and_the_calendar_at_once_leave_one_outcome(
    database: Database, member: int, clock: ManualClock
) -> None:
    for number in range(4):
        chosen = contract(database, member, label=f"{number}.jp", expires_on=clock.now().date())
        invoice = renew(database, member, chosen)
        to(clock, invoice.lapse_on + timedelta(days=1))
        at_once(
            database,
            paying(invoice, f"p{number}"),
            lambda tx: lapse_due(tx, profile=a_profile()),
            lambda tx: end_expired(tx, profile=a_profile()),
            lambda tx, i=invoice: cancel_open_renewal(tx, member_id=member, invoice_id=i.id),
        )
        tick(database)
        state = run(database, lambda tx, i=invoice: get_invoice(tx, invoice_id=i.id))
        view = look(database, chosen)
        assert view.open_renewal is None
        assert (state.status == "paid") == (view.cycle_no == 2)
        assert view.status == ("active" if state.status == "paid" else "ended")
        assert view.state is ContractStatus(view.status)
        sound(database)
