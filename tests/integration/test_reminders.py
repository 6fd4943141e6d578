"""R2, X4, M10: reminders decided once, caught up, withdrawn, and spread (algorithms.md 8), on both databases."""

import random
import sqlite3
import threading
from collections import Counter as Tally
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import psycopg
import pytest
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.engine import make_url

from core.billing.payments import record_bank_payment
from core.billing.tables import PaymentReport
from core.clock import JST, ManualClock, day_in_japan
from core.contracts.service import get_contract
from core.db import Tx, run
from core.delivery.tables import Outbox
from core.errors import InvariantBroken
from core.ids import SeededIds
from core.members.service import lock_member
from core.reminders import service
from core.reminders.cycles import RENEWED_BEFORE
from core.reminders.facts import RemindersDue
from core.reminders.service import CLAIM_MEMBERS
from core.statements import Read, Write
from tests.support.builders import ACCOUNTANT, an_invoice
from tests.support.builders import a_renewal as an_order
from tests.support.databases import PostgresServer
from tests.support.reminding import Counter, a_contract, a_counter, a_member, a_renewal, renewed

D = date.fromisoformat
E = "2027-03-31"
BORN = "2026-03-31"


class OwedRow(NamedTuple):
    subject_key: str


OWED = Read(OwedRow, select(Outbox.subject_key).where(Outbox.kind == "reminder"))
ADD_REPORT = Write(
    insert(PaymentReport).values({column.name: bindparam(column.name) for column in PaymentReport.__table__.columns})
)


@pytest.fixture
def counter(database_url: str, clock: ManualClock, ids: SeededIds) -> Iterator[Counter]:
    with a_counter(database_url, clock, ids) as opened:
        yield opened


def days(first: str, last: str) -> list[date]:
    return [D(first) + timedelta(days=n) for n in range((D(last) - D(first)).days + 1)]


def live(counter: Counter, first: str, last: str) -> None:
    for day in days(first, last):
        counter.at(day, "10:30")
        counter.tick()


def told_on(counter: Counter) -> list[str]:
    return [at[:5] for at, _ in counter.told]


def look(counter: Counter, fact: RemindersDue) -> str | datetime | None:
    return run(counter.database, lambda tx: service.still_wanted(tx, counter.profile, fact.bundle_id))


# --- the worked cases -----------------------------------------------------------------------------------------------


def test_five_milestones_give_five_messages_however_often_a_day_is_ticked(counter: Counter) -> None:
    contract = counter.contract(E, BORN, member_id=counter.member(early_reminder=True))
    for day in ("2027-02-18", "2027-02-19", "2027-03-21", "2027-03-26", "2027-03-31", "2027-04-01", "2027-04-02"):
        for n in range(288):
            counter.at(day, f"{n // 12:02d}:{n % 12 * 5:02d}")
            counter.tick()
    assert told_on(counter) == ["02-19", "03-21", "03-26", "03-31", "04-01"]
    assert all("10:00" <= at[6:] <= "10:30" for at, _ in counter.told)
    assert counter.outcome(contract) == dict.fromkeys((-40, -10, -5, 0, 1), "queued due")
    assert counter.milestone_on(contract) is None


def test_forty_days_before_is_only_for_those_who_ask(counter: Counter) -> None:
    contract = counter.contract(E, BORN)
    live(counter, "2027-02-18", "2027-04-03")
    assert told_on(counter) == ["03-21", "03-26", "03-31", "04-01"]
    assert -40 not in counter.outcome(contract)


def test_after_downtime_the_latest_goes_out_and_the_older_is_superseded(counter: Counter) -> None:
    contract = counter.contract(E, BORN)
    live(counter, "2027-03-18", "2027-03-19")
    live(counter, "2027-03-27", "2027-03-30")
    assert told_on(counter) == ["03-27"]
    assert counter.outcome(contract) == {-10: "superseded later_milestone", -5: "queued due"}
    assert counter.milestone_on(contract) == D(E)


def test_after_downtime_over_the_expiry_only_the_last_goes_out(counter: Counter) -> None:
    contract = counter.contract(E, BORN)
    live(counter, "2027-03-19", "2027-03-24")
    live(counter, "2027-04-05", "2027-04-06")
    assert told_on(counter) == ["03-21", "04-05"]
    assert counter.outcome(contract)[-5] == counter.outcome(contract)[0] == "superseded later_milestone"
    assert counter.outcome(contract)[1] == "queued due"


def test_a_contract_imported_late_is_not_reminded_of_what_was_before_its_birth(counter: Counter) -> None:
    contract = counter.contract(E, "2027-03-24", member_id=counter.member(early_reminder=True))
    live(counter, "2027-03-24", "2027-03-26")
    assert told_on(counter) == ["03-26"]
    assert counter.outcome(contract) == {
        -40: "suppressed before_birth",
        -10: "suppressed before_birth",
        -5: "queued due",
    }


def test_a_renewal_while_the_reminder_waits_withdraws_it_and_closes_its_cycle(counter: Counter) -> None:
    contract = counter.contract(E, BORN)
    live(counter, "2027-03-21", "2027-03-26")
    fact = counter.told[-1][1]
    assert look(counter, fact) is None
    counter.renew(contract, "2028-03-31")
    assert look(counter, fact) == "renewed"
    assert look(counter, fact) == "renewed"
    live(counter, "2027-03-26", "2027-04-03")
    assert told_on(counter) == ["03-21", "03-26"]
    assert counter.outcome(contract) == {
        -10: "queued due",
        -5: "suppressed renewed",
        0: "suppressed renewed",
        1: "suppressed renewed",
    }
    assert counter.milestone_on(contract) == D("2028-03-21")


def test_a_short_new_cycle_has_its_own_milestones_from_its_birth_on(counter: Counter) -> None:
    contract = counter.contract(E, BORN)
    counter.at("2027-03-28", "15:00")
    counter.renew(contract, "2027-04-05")
    live(counter, "2027-03-28", "2027-04-06")
    assert told_on(counter) == ["03-31", "04-05", "04-06"]
    new = {row.milestone: row.reason for row in counter.rows() if row.expires_on == D("2027-04-05")}
    assert new == {-10: "before_birth", -5: "due", 0: "due", 1: "due"}


def test_a_contract_past_its_grace_is_closed_without_a_word(counter: Counter) -> None:
    contract = counter.contract(E, BORN)
    live(counter, "2027-04-08", "2027-04-09")
    assert counter.told == []
    assert counter.outcome(contract) == dict.fromkeys((-10, -5, 0, 1), "suppressed ended")
    assert counter.milestone_on(contract) is None


# --- who is not reminded --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contract_is", "member_is", "reason"),
    [
        ({"auto_renewal": True}, {}, "automatic"),
        ({"status": "cancelled"}, {}, "cancelled"),
        ({}, {"status": "withdrawn"}, "withdrawn"),
        ({}, {"reminders_off": True}, "opted_out"),
        ({"status": "ended"}, {}, "ended"),
    ],
)
def test_whoever_is_not_to_be_reminded_gets_a_row_with_the_reason_and_no_message(
    counter: Counter, contract_is: dict[str, Any], member_is: dict[str, Any], reason: str
) -> None:
    contract = counter.contract(E, BORN, member_id=counter.member(**member_is), **contract_is)
    live(counter, "2027-03-20", "2027-03-22")
    assert counter.told == []
    assert counter.outcome(contract)[-10] == f"suppressed {reason}"


def test_automatic_renewal_taken_back_is_reminded_of_from_then_on(counter: Counter) -> None:
    contract = counter.contract(E, BORN, auto_renewal=True)
    live(counter, "2027-03-20", "2027-03-22")
    counter.change_contract(contract, auto_renewal=False)
    live(counter, "2027-03-23", "2027-03-26")
    assert told_on(counter) == ["03-26"]
    assert counter.outcome(contract) == {-10: "suppressed automatic", -5: "queued due"}


def test_a_trial_has_the_milestones_of_trials(counter: Counter) -> None:
    contract = counter.contract("2027-03-14", "2027-03-01", status="trial")
    live(counter, "2027-03-01", "2027-03-20")
    assert told_on(counter) == ["03-10", "03-13", "03-14"]
    assert counter.outcome(contract) == dict.fromkeys((-4, -1, 0), "queued due")


# --- hours and spread -----------------------------------------------------------------------------------------------


def test_nothing_is_decided_before_the_time_of_sending_or_in_the_quiet_hours(counter: Counter) -> None:
    contract = counter.contract(E, BORN)
    for clock_time in ("00:10", "08:00", "09:59", "21:00", "23:59"):
        counter.at("2027-03-21", clock_time)
        assert counter.tick() == 0
    assert counter.outcome(contract) == {}
    counter.at("2027-03-21", "20:59")
    assert counter.tick() == 1
    assert len(counter.told) == 1


def test_members_are_spread_and_those_whose_turn_has_not_come_do_not_hold_up_a_run(
    database_url: str, clock: ManualClock
) -> None:
    with a_counter(database_url, clock, reminders={"spread_minutes": 1}) as counter:

        def add(tx: Tx) -> list[int]:
            members = [a_member(tx) for _ in range(40)]
            for member in members:
                a_contract(tx, member_id=member, expires_on=D(E), born_on=D(BORN), milestone_on=D("2027-03-21"))
            return members

        members = run(counter.database, add)
        before = 0
        for second in (0, 20, 40, 59):
            counter.at("2027-03-21", f"10:00:{second:02d}")
            counter.tick(limit=3)
            told = [fact.member_id for _, fact in counter.told]
            assert sorted(told) == sorted(m for m in members if m % 60 <= second)
            assert second in (0, 59) or before < len(told) < 40
            before = len(told)
        assert before == 40


def test_in_the_quiet_hours_a_waiting_reminder_is_put_off_to_the_next_time_of_sending(counter: Counter) -> None:
    counter.contract(E, BORN)
    live(counter, "2027-03-21", "2027-03-21")
    counter.at("2027-03-21", "21:30")
    later = look(counter, counter.told[0][1])
    assert isinstance(later, datetime)
    assert datetime(2027, 3, 22, 10, 0, tzinfo=JST) <= later < datetime(2027, 3, 22, 10, 30, tzinfo=JST)
    counter.clock.set(later)
    assert look(counter, counter.told[0][1]) is None


# --- one message a member -------------------------------------------------------------------------------------------


def test_a_member_with_several_contracts_gets_one_message_however_small_the_chunk(counter: Counter) -> None:
    member, other = counter.member(), counter.member()
    for _ in range(3):
        counter.contract(E, BORN, member_id=member)
        counter.contract(E, BORN, member_id=other)
    counter.contract("2027-03-26", BORN, member_id=member)  # -5 on the same day
    counter.at("2027-03-21")
    assert counter.tick(limit=1) == 7
    assert sorted(len(fact.reminder_ids) for _, fact in counter.told) == [3, 4]
    assert {fact.member_id for _, fact in counter.told} == {member, other}
    owed = run(counter.database, lambda tx: tx.all(OWED))
    assert sorted(row.subject_key for row in owed) == sorted(f"reminder:{fact.bundle_id}" for _, fact in counter.told)


def test_a_message_goes_out_while_one_of_its_contracts_is_still_due_and_leaves_the_others_out(counter: Counter) -> None:
    member = counter.member()
    kept, gone = (counter.contract(E, BORN, member_id=member) for _ in range(2))
    counter.at("2027-03-21")
    counter.tick()
    counter.renew(gone, "2028-03-31")
    fact = counter.told[0][1]
    assert look(counter, fact) is None
    view = run(counter.database, lambda tx: service.view_bundle(tx, counter.profile, fact.bundle_id))
    assert [item.contract_id for item in view.items] == [kept]
    counter.change_contract(kept, status="cancelled")
    assert look(counter, fact) in ("cancelled", "renewed")


def test_a_reminder_overtaken_by_its_next_milestone_is_withdrawn(counter: Counter) -> None:
    contract = counter.contract(E, BORN)
    live(counter, "2027-03-21", "2027-03-21")
    counter.at("2027-03-26", "09:00")
    assert look(counter, counter.told[0][1]) == "later_milestone"
    assert counter.outcome(contract)[-10] == "suppressed later_milestone"


def test_what_one_address_has_had_stays_noted_as_sent_when_another_is_withdrawn(counter: Counter) -> None:
    contract = counter.contract(E, BORN)
    live(counter, "2027-03-21", "2027-03-21")
    run(counter.database, lambda tx: tx.run(Write(update(Outbox).values(state="sent"))))
    counter.change_contract(contract, status="cancelled")
    assert look(counter, counter.told[0][1]) == "cancelled"
    assert counter.outcome(contract)[-10] == "queued due"


# --- what it says ---------------------------------------------------------------------------------------------------


def a_report(tx: Tx, *, member_id: int, invoice_id: int | None, state: str) -> None:
    tx.run(
        ADD_REPORT,
        id=tx.ids.new(),
        member_id=member_id,
        chat_id=None,
        invoice_id=invoice_id,
        ticket_id=None,
        method="bank_transfer",
        amount_yen=14_051,
        paid_on=tx.today,
        payer_name="ヤマダタロウ",
        note="",
        state=state,
        created_at=tx.now,
        decided_at=None,
        decided_by=None,
    )


@pytest.mark.parametrize(
    ("ordered", "reports", "state"),
    [
        (False, [], "nothing_done"),
        (True, [], "invoice_open"),
        (True, [("own", "open")], "report_open"),
        (True, [("own", "rejected"), ("own", "asked")], "report_open"),
        (True, [("own", "rejected")], "payment_failed"),
        (True, [("own", "rejected"), ("own", "confirmed")], "invoice_open"),  # the money was less than the invoice
        (True, [("none", "open")], "report_open"),
        (False, [("none", "open")], "report_open"),
        (True, [("none", "confirmed")], "invoice_open"),
        (True, [("other", "open")], "invoice_open"),
    ],
)
def test_the_words_follow_how_far_the_member_has_come(
    counter: Counter, ordered: bool, reports: list[tuple[str, str]], state: str
) -> None:
    member = counter.member()
    contract = counter.contract(E, BORN, member_id=member, label="example.jp", contract_no="C-1")
    counter.at("2027-03-21")

    def go(tx: Tx) -> int | None:
        invoice, other = (an_invoice(tx, member_id=member) for _ in range(2))
        if ordered:
            a_renewal(tx, contract_id=contract, invoice_id=invoice.id, new_expires_on=D("2028-03-31"), state="open")
        which = {"own": invoice.id, "other": other.id, "none": None}
        for name, report_state in reports:
            a_report(tx, member_id=member, invoice_id=which[name], state=report_state)
        return invoice.id if ordered else None

    invoice_id = run(counter.database, go)
    counter.tick()
    fact = counter.told[0][1]
    view = run(counter.database, lambda tx: service.view_bundle(tx, counter.profile, fact.bundle_id))
    plan = counter.profile.plans[0]
    (item,) = view.items
    assert (view.bundle_id, view.member_id) == (fact.bundle_id, member)
    assert item == service.BundleItem(
        contract, "C-1", "example.jp", plan.name.ja, plan.name.en, D(E), 10, -10, state, invoice_id
    )


def test_a_bundle_that_does_not_exist_is_not_sent(counter: Counter) -> None:
    assert run(counter.database, lambda tx: service.still_wanted(tx, counter.profile, 1)) == "no_reminder"
    with pytest.raises(InvariantBroken):
        run(counter.database, lambda tx: service.view_bundle(tx, counter.profile, 1))


# --- settings -------------------------------------------------------------------------------------------------------


def prefer(counter: Counter, member: int, *, early: bool = False, off: bool = False) -> None:
    run(counter.database, lambda tx: service.set_preferences(tx, counter.profile, member, early, off))


def test_asking_for_the_early_reminder_counts_from_the_next_contract_on_whose_day_is_still_to_come(
    counter: Counter,
) -> None:
    member = counter.member()
    soon = counter.contract(E, BORN, member_id=member)
    later = counter.contract("2027-04-30", BORN, member_id=member)
    live(counter, "2027-03-01", "2027-03-05")
    prefer(counter, member, early=True)
    assert counter.outcome(soon) == {-40: "suppressed asked_late"}
    assert counter.milestone_on(later) == D("2027-03-21")
    prefer(counter, member, early=True)
    live(counter, "2027-03-06", "2027-03-21")
    assert told_on(counter) == ["03-21"]
    assert counter.outcome(later) == {-40: "queued due"}


def test_asking_for_the_early_reminder_on_its_very_day_is_in_time(counter: Counter) -> None:
    member = counter.member()
    contract = counter.contract(E, BORN, member_id=member)
    counter.at("2027-02-19", "09:00")
    prefer(counter, member, early=True)
    live(counter, "2027-02-19", "2027-02-19")
    assert counter.outcome(contract) == {-40: "queued due"}


def test_taking_the_wish_for_the_early_reminder_back_moves_the_day_on(counter: Counter) -> None:
    member = counter.member(early_reminder=True)
    contract = counter.contract(E, BORN, member_id=member)
    live(counter, "2027-02-01", "2027-02-02")
    assert counter.milestone_on(contract) == D("2027-02-19")
    prefer(counter, member)
    assert counter.milestone_on(contract) == D("2027-03-21")


def test_a_wish_stated_again_during_downtime_loses_no_reminder(counter: Counter) -> None:
    member = counter.member(early_reminder=True)
    contract = counter.contract(E, BORN, member_id=member)
    counter.at("2027-02-20", "09:00")
    prefer(counter, member, early=True)
    live(counter, "2027-02-20", "2027-02-20")
    assert counter.outcome(contract) == {-40: "queued due"}


def test_reminders_turned_off_and_on_again_go_on_with_the_next(counter: Counter) -> None:
    member = counter.member()
    contract = counter.contract(E, BORN, member_id=member)
    live(counter, "2027-03-20", "2027-03-21")
    prefer(counter, member, off=True)
    assert look(counter, counter.told[0][1]) == "opted_out"
    live(counter, "2027-03-22", "2027-03-26")
    prefer(counter, member)
    assert counter.milestone_on(contract) == D(E)
    live(counter, "2027-03-27", "2027-04-01")
    assert told_on(counter) == ["03-21", "03-31", "04-01"]
    assert counter.outcome(contract)[-5] == "suppressed opted_out"
    shown = run(counter.database, lambda tx: service.list_reminders(tx, member))
    assert [(view.milestone, view.state) for view in shown] == [
        (1, "queued"), (0, "queued"), (-5, "suppressed"), (-10, "suppressed"),
    ]  # fmt: skip


def test_a_cycle_is_reset_without_a_tick(counter: Counter) -> None:
    contract = counter.contract(E, BORN)
    counter.at("2027-03-28")
    counter.renew(contract, "2028-03-31")
    run(counter.database, lambda tx: service.reset_cycle(tx, counter.profile, [contract]))
    assert counter.milestone_on(contract) == D("2028-03-21")
    assert counter.outcome(contract) == dict.fromkeys((-10, -5, 0, 1), "suppressed renewed")


# --- cost -----------------------------------------------------------------------------------------------------------


class CountingCursor:
    def __init__(self, cursor: Any) -> None:
        self.cursor, self.statements = cursor, 0

    def execute(self, *args: Any) -> Any:
        self.statements += 1
        return self.cursor.execute(*args)

    def executemany(self, *args: Any) -> Any:
        self.statements += 1
        return self.cursor.executemany(*args)

    def fetchall(self) -> Any:
        return self.cursor.fetchall()


def statements_of_a_tick(counter: Counter) -> tuple[int, int]:
    def count(tx: Tx) -> tuple[int, int]:
        cursor = CountingCursor(tx._cursor)
        tx._cursor = cursor
        return service.tick(tx, counter.profile), cursor.statements

    return run(counter.database, count)


def test_a_tick_runs_the_same_few_statements_for_one_contract_and_for_many(
    database_url: str, clock: ManualClock
) -> None:
    with a_counter(database_url, clock) as counter:
        counter.told.clear()
        counter.contract(E, BORN)
        for clock_time in ("00:10", "09:59", "21:00"):
            counter.at("2027-03-21", clock_time)
            assert statements_of_a_tick(counter) == (0, 0)
        counter.at("2027-03-21")
        assert statements_of_a_tick(counter) == (1, 9)  # eight, and the listener's one message
        member = counter.member()
        for _ in range(50):
            counter.contract(E, BORN, member_id=member)
        assert statements_of_a_tick(counter) == (50, 9)
        assert statements_of_a_tick(counter) == (0, 1)


def test_contracts_that_are_not_due_are_not_read(database_url: str, clock: ManualClock) -> None:
    with a_counter(database_url, clock) as counter:

        def add(tx: Tx) -> None:
            for n in range(1_000):
                member = a_member(tx)
                a_contract(
                    tx,
                    member_id=member,
                    expires_on=D(E) + timedelta(days=n),
                    born_on=D(BORN),
                    milestone_on=D("2027-03-21") + timedelta(days=n),
                )

        run(counter.database, add)
        counter.at("2027-03-21")
        for statement in (CLAIM_MEMBERS, RENEWED_BEFORE):
            given = {
                "today": D("2027-03-21"),
                "wave_seconds": 1800,
                "elapsed": 1800,
                "count": 1000,
                "real": clock.real(),
            }
            if statement is RENEWED_BEFORE:
                given = {"contract_ids": [1, 2, 3]}
            plan = statement.plan(counter.database.dialect)
            shown = explained(database_url, plan.sql, plan.parameters(given))
            assert "ix_contract_milestone_on" in shown or "uq_renewal_done" in shown, shown
            assert "SCAN contract" not in shown and "Seq Scan on contract" not in shown, shown
        assert statements_of_a_tick(counter)[0] == 1


def explained(url: str, sql: str, parameters: Any) -> str:
    if url.startswith("sqlite"):
        with sqlite3.connect(make_url(url).database or "") as connection:
            return "\n".join(str(row[-1]) for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")
        connection.execute("SET enable_seqscan = off")  # tables of a test are too small for an index to be worth it
        return "\n".join(str(row[0]) for row in connection.execute(f"EXPLAIN {sql}", parameters))


# --- two processes --------------------------------------------------------------------------------------------------


def test_two_processes_at_once_decide_each_milestone_once_and_never_split_a_member(
    postgres_server: PostgresServer, clock: ManualClock
) -> None:
    with (
        postgres_server.database() as url,
        a_counter(url, clock, SeededIds(1)) as one,
        a_counter(url, clock, SeededIds(2)) as two,
    ):

        def add(tx: Tx) -> None:
            for _ in range(60):
                member = a_member(tx)
                for _ in range(3):
                    a_contract(tx, member_id=member, expires_on=D(E), born_on=D(BORN), milestone_on=D("2027-03-21"))

        run(one.database, add)
        for day in ("2027-03-21", "2027-03-26", "2027-03-31", "2027-04-01"):
            one.at(day)
            together = threading.Barrier(2)

            def work(counter: Counter, together: threading.Barrier = together) -> int:
                together.wait(10)
                return sum(counter.tick(limit=10) for _ in range(20))  # while the other holds what is next, it finds 0

            with ThreadPoolExecutor(2) as pool:
                assert sum(pool.map(work, (one, two))) == 180
        rows = one.rows()
        assert Tally(row.milestone for row in rows) == dict.fromkeys((-10, -5, 0, 1), 180)
        assert all(row.state == "queued" for row in rows)
        told = [*one.told, *two.told]
        assert len(told) == 240 and all(len(fact.reminder_ids) == 3 for _, fact in told)


def test_a_member_who_is_just_being_served_is_left_for_the_next_tick_and_holds_up_nobody(
    postgres_server: PostgresServer, clock: ManualClock
) -> None:
    with postgres_server.database() as url, a_counter(url, clock) as counter:
        busy, idle = counter.member(), counter.member()
        for member in (busy, idle):
            counter.contract(E, BORN, member_id=member)
        counter.at("2027-03-21")

        def turn(tx: Tx) -> int:
            lock_member(tx, member_id=busy)
            return counter.tick()  # on another thread's connection

        assert run(counter.database, turn) == 1
        assert [fact.member_id for _, fact in counter.told] == [idle]
        assert counter.tick() == 1


# --- a year ---------------------------------------------------------------------------------------------------------


class Cycle:
    """What the simulation itself knows of a cycle: nothing here is read from the product."""

    def __init__(self, expires_on: date, born_on: date, milestones: tuple[int, ...]) -> None:
        self.expires_on, self.born_on, self.milestones = expires_on, born_on, milestones
        self.renewed_on: date | None = None

    def queued(self, up: set[date], today: date) -> set[int]:
        """Each milestone on whose days the counter was up before the contract was renewed."""
        found = set()
        for m, following in zip(self.milestones, (*self.milestones[1:], 8), strict=True):
            first = self.expires_on + timedelta(days=m)
            until = min(self.expires_on + timedelta(days=following), today + timedelta(days=1))
            if self.renewed_on is not None:
                until = min(until, self.renewed_on)
            if first >= self.born_on and any(first + timedelta(days=n) in up for n in range((until - first).days)):
                found.add(m)
        return found


@pytest.mark.parametrize("seed", [11])
def test_a_year_of_renewals_and_downtimes_leaves_no_milestone_out_and_none_twice(
    database_url: str, clock: ManualClock, seed: int
) -> None:
    chance = random.Random(seed)
    start = D("2027-01-01")
    with a_counter(database_url, clock, SeededIds(seed)) as counter:
        counter.at(start, "07:00")
        cycles: dict[int, list[Cycle]] = {}

        def add(tx: Tx) -> None:
            for number in range(150):
                wants_early = number % 3 == 0
                member = a_member(tx, early_reminder=wants_early)
                for _ in range(2):
                    born = start - timedelta(days=chance.randrange(60))
                    end = start + timedelta(days=chance.randrange(1, 200))
                    contract = a_contract(tx, member_id=member, expires_on=end, born_on=born, milestone_on=start)
                    cycles[contract] = [Cycle(end, born, (-40, -10, -5, 0, 1) if wants_early else (-10, -5, 0, 1))]

        run(counter.database, add)
        up: set[date] = set()
        down_until = start
        today = start
        for n in range(360):
            today = start + timedelta(days=n)
            counter.at(today, "08:30")
            run(counter.database, lambda tx, day=today: _some_renew(tx, cycles, day, chance))  # type: ignore[misc]
            if chance.random() < 0.03:
                down_until = today + timedelta(days=chance.choice((1, 3, 9, 20)))
            if today < down_until:
                continue
            up.add(today)
            for clock_time in ("10:04", "10:31"):
                counter.at(today, clock_time)
                counter.tick(limit=40)
        counter.at(today + timedelta(days=1))  # the catch-up
        today += timedelta(days=1)
        up.add(today)
        counter.tick()
        _check_year(counter, cycles, up, today)


def _some_renew(tx: Tx, cycles: dict[int, list[Cycle]], today: date, chance: random.Random) -> None:
    for contract, known in cycles.items():
        cycle = known[-1]
        left = (cycle.expires_on - today).days
        if -7 <= left <= 45 and chance.random() < 0.02:
            new = Cycle(cycle.expires_on + timedelta(days=chance.choice((30, 91, 365))), today, cycle.milestones)
            cycle.renewed_on = today
            known.append(new)
            renewed(tx, contract_id=contract, new_expires_on=new.expires_on)


def _check_year(counter: Counter, cycles: dict[int, list[Cycle]], up: set[date], today: date) -> None:
    rows = {}
    for row in counter.rows():
        key = (row.contract_id, row.expires_on)
        assert row.milestone not in rows.setdefault(key, {}), f"twice: {key}"
        rows[key][row.milestone] = row
    sent = over = 0
    for contract, known in cycles.items():
        for place, cycle in enumerate(known):
            found = rows.pop((contract, cycle.expires_on), {})
            queued = {m for m, row in found.items() if row.state == "queued"}
            assert queued == cycle.queued(up, today), (contract, cycle.expires_on, cycle.born_on, cycle.renewed_on)
            passed = {m for m in cycle.milestones if cycle.expires_on + timedelta(days=m) <= today}
            if place == len(known) - 2 or today > cycle.expires_on + timedelta(days=7):
                passed = set(cycle.milestones)
            if place >= len(known) - 2:  # renewed twice within one downtime leaves the middle cycle without ticks
                assert set(found) == passed, (contract, cycle.expires_on, sorted(found))
                over += 1
            for m in queued:
                day = day_in_japan(found[m].decided_at)
                assert day == min(d for d in up if d >= cycle.expires_on + timedelta(days=m))
            sent += len(queued)
    assert rows == {}
    assert sent > 400 and over > 300
    assert sum(len(fact.reminder_ids) for _, fact in counter.told) == sent
    days_told = Tally((at[:5], fact.member_id) for at, fact in counter.told)
    assert set(days_told.values()) == {1}


# --- with the real renewal ------------------------------------------------------------------------------------------


def test_a_paid_renewal_starts_a_cycle_of_reminders_by_itself(counter: Counter) -> None:
    member = counter.member()
    contract = counter.contract(E, BORN, member_id=member)
    live(counter, "2027-03-20", "2027-03-21")

    def pay(tx: Tx) -> date:
        invoice = an_order(tx, member_id=member, contract_ids=(contract,))
        record_bank_payment(
            tx,
            profile=counter.profile,
            staff=ACCOUNTANT,
            invoice_id=invoice.id,
            amount_yen=invoice.open_yen,
            value_on=tx.today,
            payer_name="ヤマダタロウ",
            reference="t1",
        )
        return get_contract(tx, profile=counter.profile, contract_id=contract).expires_on

    new_on = run(counter.database, pay)
    assert new_on > D(E)
    assert look(counter, counter.told[0][1]) == "renewed"
    live(counter, "2027-03-22", "2027-04-03")
    assert told_on(counter) == ["03-21"]
    old = {row.milestone: row.reason for row in counter.rows() if row.expires_on == D(E)}
    assert old == dict.fromkeys((-10, -5, 0, 1), "renewed")
    assert counter.milestone_on(contract) == new_on - timedelta(days=10)
