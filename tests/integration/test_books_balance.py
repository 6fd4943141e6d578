"""P10 and pains 1–10: whatever members and staff do, in any order, the books balance and a paid renewal extends once."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import bindparam, update

from core.billing.books import check_books
from core.billing.invoices import list_invoices
from core.billing.lapse import lapse_due
from core.billing.ledger import trial_balance
from core.billing.payments import list_suspense, place_suspense, record_bank_payment
from core.billing.reports import ask_back, confirm_report, file_report, list_waiting, reject_report
from core.billing.tables import Invoice, Payment, Posting
from core.clock import ManualClock
from core.contracts.changes import list_changes
from core.contracts.ending import end_expired
from core.contracts.quotes import RenewalItem
from core.contracts.renewals import cancel_open_renewal, list_renewals
from core.contracts.service import list_contracts
from core.db import Database, Tx, run
from core.errors import DomainError
from core.profiles.model import Profile
from core.statements import Write
from tests.support.builders import ACCOUNTANT, a_contract, a_member, a_profile, a_renewal, an_invoice

STEPS = 60
Step = Callable[[Tx], Any]


class World:
    """Some members with contracts, and what can happen to them; every choice comes from the seed."""

    def __init__(self, seed: int, database: Database, clock: ManualClock, profile: Profile) -> None:
        self.dice = random.Random(seed)
        self.database, self.clock, self.profile = database, clock, profile
        self.members = [run(database, a_member) for _ in range(3)]
        for member_id in self.members:
            for number in range(3):
                days = self.dice.randint(-5, 120)
                run(
                    database,
                    lambda tx, m=member_id, n=number, d=days: a_contract(
                        tx,
                        member_id=m,
                        label=f"srv{n}.jp",
                        expires_on=date(2026, 11, 22) + timedelta(days=d),
                        status=self.dice.choice(["active", "active", "trial"]) if d > 0 else "active",
                    ),
                )

    def step(self) -> Step:
        """The next thing somebody does."""
        acts: list[Callable[[Tx], Any]] = [
            self.order, self.order, self.order, self.transfer, self.transfer, self.report, self.decide, self.cancel, self.place,
            self.jobs, self.replay,
        ]  # fmt: skip
        if self.dice.random() < 0.3:
            self.clock.move(timedelta(days=self.dice.choice([1, 1, 3, 9])))
        return self.dice.choice(acts)

    def order(self, tx: Tx) -> None:
        member_id = self.dice.choice(self.members)
        views = list_contracts(tx, profile=self.profile, member_id=member_id)
        if self.dice.random() < 0.8:
            views = [view for view in views if view.renewable] or views
        chosen = self.dice.sample(views, self.dice.randint(1, len(views)))
        items = [RenewalItem(v.id, self.dice.choice([1, 3, 12]), self.dice.random() < 0.3) for v in chosen]
        a_renewal(tx, member_id=member_id, contract_ids=(), items=items, profile=self.profile)

    def _invoice(self, tx: Tx) -> Any:
        return self.dice.choice(list_invoices(tx, limit=50) or [an_invoice(tx, member_id=self.members[0])])

    def transfer(self, tx: Tx) -> None:
        invoice = self._invoice(tx)
        record_bank_payment(
            tx,
            profile=self.profile,
            staff=ACCOUNTANT,
            invoice_id=invoice.id,
            amount_yen=max(1, invoice.total_yen + self.dice.choice([0, 0, 0, -330, -5_000, 949, 20_000])),
            value_on=tx.today - timedelta(days=self.dice.randint(0, 5)),
            payer_name="ﾔﾏﾀﾞ ﾀﾛｳ",
            reference=f"t{self.dice.randint(1, 40)}",
        )

    def report(self, tx: Tx) -> None:
        invoice = self._invoice(tx)
        file_report(
            tx,
            member_id=invoice.member_id,
            chat_id=None,
            invoice_id=invoice.id,
            amount_yen=invoice.total_yen,
            paid_on=tx.today,
            payer_name="ヤマダ",
            method="bank_transfer",
        )

    def decide(self, tx: Tx) -> None:
        for report in list_waiting(tx, limit=1):
            act = self.dice.choice(["confirm", "confirm", "ask", "reject"])
            if act == "confirm":
                confirm_report(
                    tx,
                    profile=self.profile,
                    staff=ACCOUNTANT,
                    report_id=report.id,
                    amount_yen=report.amount_yen + self.dice.choice([0, 0, -330, 100]),
                    value_on=tx.today,
                )
            else:
                (ask_back if act == "ask" else reject_report)(tx, staff=ACCOUNTANT, report_id=report.id, words="。")

    def cancel(self, tx: Tx) -> None:
        invoice = self._invoice(tx)
        cancel_open_renewal(tx, member_id=invoice.member_id, invoice_id=invoice.id)

    def place(self, tx: Tx) -> None:
        for payment in list_suspense(tx, limit=1):
            target = self.dice.choice([None, *(i.id for i in list_invoices(tx, statuses=("open",)))])
            place_suspense(tx, profile=self.profile, staff=ACCOUNTANT, payment_id=payment.id, invoice_id=target)

    def jobs(self, tx: Tx) -> None:
        lapse_due(tx, profile=self.profile, limit=5)
        end_expired(tx, profile=self.profile, limit=5)

    def replay(self, tx: Tx) -> None:
        self.jobs(tx)
        self.jobs(tx)

    def check(self, tx: Tx) -> None:
        """What must hold after every step."""
        assert check_books(tx) == []
        assert sum(row.balance_yen for row in trial_balance(tx)) == 0
        done: dict[int, int] = {}
        for invoice in list_invoices(tx, limit=1_000):
            for renewal in list_renewals(tx, invoice_id=invoice.id):
                expected = {"open": {"open"}, "paid": {"done"}, "void": {"lapsed", "cancelled"}}[invoice.status]
                assert renewal.state in expected, "paid and extended, or neither"
                done[renewal.contract_id] = done.get(renewal.contract_id, 0) + (renewal.state == "done")
        for member_id in self.members:
            for view in list_contracts(tx, profile=self.profile, member_id=member_id):
                causes = [change.cause for change in list_changes(tx, contract_id=view.id)]
                assert sum(cause.startswith("renewal:") for cause in causes) == done.get(view.id, 0)
                assert view.cycle_no == 1 + done.get(view.id, 0), "extended exactly once for each paid renewal"


@pytest.mark.parametrize("seed", range(4))
def test_the_books_balance_after_every_step(database: Database, clock: ManualClock, seed: int) -> None:
    fees = 660 if seed % 2 else 0
    world = World(seed, database, clock, a_profile(payment={"bears_fees_up_to_yen": fees}))
    outcomes: dict[str, int] = {}
    for number in range(STEPS):
        act = world.step()
        try:
            run(database, act)
            outcome = "done"
        except DomainError as refusal:
            outcome = refusal.code
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
        try:
            run(database, world.check)
        except AssertionError as broken:
            raise AssertionError(f"seed {seed}, step {number}, {act.__name__}: {broken}") from broken
    invoices = run(database, lambda tx: list_invoices(tx, limit=1_000))
    assert outcomes["done"] > STEPS / 3
    assert {"paid", "void"} <= {invoice.status for invoice in invoices}
    numbers = sorted(invoice.invoice_no[-6:] for invoice in invoices if invoice.invoice_no.startswith("INV-2026"))
    assert numbers == [f"{n:06d}" for n in range(1, len(numbers) + 1)], "numbers without gaps"


@pytest.mark.parametrize(
    ("forgery", "rule"),
    [
        (Write(update(Posting).where(Posting.account == "sales").values(amount_yen=bindparam("wrong"))), "add up to 0"),
        (Write(update(Invoice).values(net_yen=bindparam("wrong"))), "net and tax"),
        (Write(update(Payment).values(amount_yen=bindparam("wrong"))), "every yen"),
        (Write(update(Payment).values(amount_yen=bindparam("wrong"))), "the cash of bank"),
        (Write(update(Payment).values(suspense_yen=bindparam("wrong"))), "suspense"),
        (Write(update(Payment).values(applied_yen=bindparam("wrong"))), "was paid by"),
    ],
)
def test_the_check_of_the_books_sees_what_was_tampered_with(database: Database, forgery: Write, rule: str) -> None:
    def work(tx: Tx) -> None:
        invoice = an_invoice(tx, member_id=a_member(tx))
        record_bank_payment(
            tx,
            profile=a_profile(),
            staff=ACCOUNTANT,
            invoice_id=invoice.id,
            amount_yen=14_051,
            value_on=tx.today,
            payer_name="ﾔﾏﾀﾞ",
            reference="t",
        )

    run(database, work)
    assert run(database, check_books) == []
    run(database, lambda tx: tx.run(forgery, wrong=1))
    assert any(rule in error.rule for error in run(database, check_books))
