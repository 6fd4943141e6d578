"""Stretches of a member's way that several tests begin with, each walked through the chat; and the timed jobs."""

import re
from functools import partial
from typing import Any

from sqlalchemy import Table, select

from bot.jobs import Ticks
from core.billing import invoices, payments
from core.billing.invoices import InvoiceView
from core.billing.payments import PaymentView
from core.clock import day_in_japan
from core.db import run
from core.statements import Base, Read
from tests.support.builders import ACCOUNTANT
from tests.support.counter import Counter, Person


class Row(dict[str, Any]):
    """A row of any table by column name."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


def rows(counter: Counter, table: str, **wanted: Any) -> list[Row]:
    """What a table holds afterwards, oldest first, only rows with these values."""
    found: Table = Base.metadata.tables[table]
    names = [column.name for column in found.columns]

    class Of(Row):
        @classmethod
        def _make(cls, values: Any) -> "Of":
            return cls(zip(names, values, strict=True))

    query = Read(Of, select(*found.columns).order_by(*found.primary_key.columns))
    everything = run(counter.database, lambda tx: tx.all(query))
    return [row for row in everything if all(row[name] == value for name, value in wanted.items())]


def last_code(counter: Counter) -> str:
    """The 確認ID of the newest mail that holds one."""
    for mail in reversed(counter.mails()):
        found = re.search(r"(?:確認ID：|Confirmation ID: )(\d{6})", mail.payload["text"])
        if found:
            return found[1]
    raise AssertionError("no mail with a code")


def ask_code(person: Person, member_no: str = "M-000001", email: str = "taro@example.jp") -> Person:
    """Up to the question for the 確認ID."""
    return person.say("/link").say(member_no).say(email)


def link_person(person: Person, member_no: str = "M-000001", email: str = "taro@example.jp") -> Person:
    """Linked, by mail and code."""
    ask_code(person, member_no, email)
    return person.say(last_code(person.counter))


def order_renewal(person: Person, *labels: str, term: str = "1年") -> InvoiceView:
    """These contracts (the only one if none is named) renewed for a term, not moved to the month's end, ordered."""
    person.say("/renew")
    if labels:
        person.tick(*labels)
    for _ in labels or ("the only one",):
        person.press(f"{term}　")
    person.press("そろえない").press("この内容で申し込む")
    return newest_invoice(person)


def newest_invoice(person: Person) -> InvoiceView:
    """The invoice issued last."""
    newest = rows(person.counter, "invoice")[-1]
    return run(person.counter.database, lambda tx: invoices.get_invoice(tx, invoice_id=newest.id))


def report_transfer(person: Person) -> None:
    """The full amount, today, under the registered name; by buttons."""
    person.say("/report").press("請求額どおり").press("今日").press("登録のお名前").press("この内容で連絡する")


def pay(
    counter: Counter, invoice: InvoiceView, amount_yen: int | None = None, reference: str = "bank-1"
) -> PaymentView:
    """Staff confirm a transfer that came today."""
    return run(
        counter.database,
        lambda tx: payments.record_bank_payment(
            tx,
            profile=counter.profile,
            staff=ACCOUNTANT,
            invoice_id=invoice.id,
            amount_yen=invoice.total_yen if amount_yen is None else amount_yen,
            value_on=day_in_japan(counter.clock.now()),
            payer_name="ヤマダ タロウ",
            reference=reference,
        ),
    )


def run_jobs(counter: Counter) -> None:
    """Every date-driven job of bot/jobs.py, in its order, to the end."""
    for _, _, _, chunk in Ticks(counter.database, counter.bot, "test").business():
        while run(counter.database, partial(chunk, most=100), slow=True):
            pass
