"""Rows P1, P7 and P10 at the desk, with the books balanced: late money waits in suspense, is seen, and is placed once by who
may; an invoice that staff take back: what stands in the way, once, told."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from starlette.applications import Starlette

from bot.telling import listeners
from core.billing.books import check_books
from core.billing.invoices import InvoiceView, get_invoice
from core.billing.lapse import void_invoice
from core.billing.ledger import credit_of
from core.billing.payments import PaymentView, list_suspense, record_bank_payment
from core.clock import ManualClock
from core.contracts.renewals import list_renewals
from core.contracts.service import list_contracts
from core.db import Database, Tx, run
from core.dialogue.service import list_messages
from core.ids import SeededIds
from core.open_database import open_database
from tests.support.builders import ACCOUNTANT, a_member, a_profile, a_renewal, an_invoice
from tests.support.databases import sqlite_database
from tests.support.desk import Operator, World, application, bot, build_world

WHY = "お電話でのご依頼により取り消しました。"


@pytest.fixture
def database(tmp_path: Path, clock: ManualClock, ids: SeededIds) -> Iterator[Database]:
    with sqlite_database(tmp_path) as url:
        opened = open_database(url, clock, ids, listeners(bot()))
        yield opened
        opened.close()


@pytest.fixture
def world(database: Database) -> World:
    return build_world(database)


@pytest.fixture
def app(database: Database, world: World) -> Starlette:
    return application(database)


async def logged_in(app: Starlette, role: str) -> Operator:
    operator = Operator(app)
    assert (await operator.log_in(role)).status_code == 303
    return operator


@pytest.fixture
def late(database: Database, world: World) -> PaymentView:
    """The reported invoice was withdrawn; its money came all the same."""

    def work(tx: Tx) -> PaymentView:
        void_invoice(tx, invoice_id=world.invoice.id, reason="withdrawn")
        return record_bank_payment(
            tx,
            profile=a_profile(),
            staff=ACCOUNTANT,
            invoice_id=world.invoice.id,
            amount_yen=world.invoice.total_yen,
            value_on=date(2026, 11, 21),
            payer_name="ヤマダ タロウ",
            reference="late",
        )

    return run(database, work)


@pytest.fixture
def again(database: Database, world: World, late: PaymentView) -> InvoiceView:
    """The member ordered the same once more: an open invoice of the same amount."""

    def work(tx: Tx) -> InvoiceView:
        contracts = [contract.id for contract in list_contracts(tx, profile=a_profile(), member_id=world.member_id)]
        return a_renewal(tx, member_id=world.member_id, contract_ids=contracts, chat_id=world.chat_id)

    return run(database, work)


def says(database: Database, world: World) -> str:
    messages = run(database, lambda tx: list_messages(tx, chat_id=world.chat_id, after_seq=0))
    return "\n".join(str(message.body.get("text", "")) for message in messages)


async def test_money_in_suspense_is_placed_on_the_invoice_that_fits_and_counts_once(
    app: Starlette, database: Database, world: World, late: PaymentView, again: InvoiceView
) -> None:
    operator = await logged_in(app, "accountant")
    assert f"/desk/suspense/{late.id}" in (await operator.get("/desk")).text
    page = (await operator.get(f"/desk/suspense/{late.id}")).text
    assert "26,400円" in page and again.invoice_no in page and "同じ金額" in page
    assert "example.jp：2026年11月30日(月) → 2027年11月30日(火)" in page
    for _ in range(2):  # the second press says so and does nothing
        done = await operator.press(f"/desk/suspense/{late.id}/place", invoice=str(again.id))
        assert done.headers["location"] == f"/desk/suspense/{late.id}?done=placed"
    assert "処理済み" in (await operator.get(f"/desk/suspense/{late.id}")).text

    def look(tx: Tx) -> tuple[str, set[date], list[PaymentView], list[str]]:
        contracts = list_contracts(tx, profile=a_profile(), member_id=world.member_id)
        expiries = {contract.expires_on for contract in contracts}
        return get_invoice(tx, invoice_id=again.id).status, expiries, list_suspense(tx), check_books(tx)

    assert run(database, look) == ("paid", {date(2027, 11, 30)}, [], [])
    assert says(database, world).count("入金を確認しました") == 1


async def test_without_a_fitting_invoice_it_becomes_the_members_credit(
    app: Starlette, database: Database, world: World, late: PaymentView
) -> None:
    operator = await logged_in(app, "accountant")
    assert "未払いの請求書はありません" in (await operator.get(f"/desk/suspense/{late.id}")).text
    assert (await operator.press(f"/desk/suspense/{late.id}/place", to="credit")).status_code == 303
    assert run(database, list_suspense) == [] and run(database, check_books) == []
    assert "お預かり金として" in says(database, world)


@pytest.mark.parametrize("role", ["viewer", "agent"])
async def test_who_may_not_confirm_money_may_not_place_it(
    app: Starlette, database: Database, late: PaymentView, again: InvoiceView, role: str
) -> None:
    operator = await logged_in(app, role)
    assert f"/desk/suspense/{late.id}" not in (await operator.get("/desk")).text
    assert (await operator.get(f"/desk/suspense/{late.id}")).status_code == 403
    assert (await operator.press(f"/desk/suspense/{late.id}/place", invoice=str(again.id))).status_code == 403
    assert [money.id for money in run(database, list_suspense)] == [late.id]


async def test_it_goes_to_nobody_elses_invoice_and_nowhere_by_a_broken_form(
    app: Starlette, database: Database, late: PaymentView
) -> None:
    other = run(database, lambda tx: an_invoice(tx, member_id=a_member(tx, name="佐藤 次郎", email="jiro@example.jp")))
    operator = await logged_in(app, "accountant")
    for fields, status in (({"invoice": str(other.id)}, 404), ({"invoice": "x"}, 400), ({}, 400)):
        assert (await operator.press(f"/desk/suspense/{late.id}/place", **fields)).status_code == status, fields
    assert (await operator.get("/desk/suspense/999")).status_code == 404
    assert [money.id for money in run(database, list_suspense)] == [late.id]


async def test_after_the_report_is_decided_it_is_taken_back_once_and_the_member_is_told(
    app: Starlette, database: Database, world: World
) -> None:
    operator = await logged_in(app, "accountant")
    page = f"/desk/invoices/{world.invoice.invoice_no}"
    fields = {"invoice": str(world.invoice.id), "words": WHY}
    early = await operator.press(f"{page}/withdraw", scripted=True, **fields)
    assert "先にお支払報告を確認するか、却下してください" in early.json()["text"]
    await operator.press(f"/desk/reports/{world.report.id}/reject", words="入金を確認できませんでした。")
    assert "請求を取り消す" in (await operator.get(page)).text
    for _ in range(2):  # the second press changes nothing
        done = await operator.press(f"{page}/withdraw", **fields)
        assert done.headers["location"] == f"{page}?done=invoice_withdrawn"
    after = (await operator.get(f"{page}?done=invoice_withdrawn")).text
    assert "請求を取り消しました" in after and "担当者による取消" in after and "withdraw" not in after.split("<main")[1]

    def look(tx: Tx) -> tuple[str, str | None, set[str], list[str]]:
        invoice = get_invoice(tx, invoice_id=world.invoice.id)
        states = {renewal.state for renewal in list_renewals(tx, invoice_id=invoice.id)}
        return invoice.status, invoice.void_reason, states, check_books(tx)

    assert run(database, look) == ("void", "withdrawn", {"cancelled"}, [])
    told = says(database, world)
    assert told.count(WHY) == 1 and f"請求書 {world.invoice.invoice_no}（26,400円）を、担当者が取り消しました" in told
    admin = await logged_in(app, "admin")
    assert (await admin.get("/desk/audit")).text.count("請求を取り消した") >= 1


async def test_what_was_paid_towards_it_becomes_the_members_credit(
    app: Starlette, database: Database, world: World
) -> None:
    operator = await logged_in(app, "accountant")
    page = f"/desk/invoices/{world.invoice.invoice_no}"
    await operator.press(f"/desk/reports/{world.report.id}/reject", words="金額が違いました。")
    paid = {"amount": "1000", "on": str(date(2026, 11, 21)), "invoice": str(world.invoice.id), "client_key": "k" * 20}
    assert (await operator.press(f"{page}/payment", **paid)).status_code == 303
    await operator.press(f"{page}/withdraw", invoice=str(world.invoice.id), words=WHY)
    assert run(database, lambda tx: (credit_of(tx, member_id=world.member_id), check_books(tx))) == (1000, [])
    assert "お預かり金" in says(database, world)


async def test_one_that_was_cancelled_meanwhile_is_not_said_to_be_taken_back(
    app: Starlette, database: Database, world: World
) -> None:
    operator = await logged_in(app, "accountant")
    run(database, lambda tx: void_invoice(tx, invoice_id=world.invoice.id, reason="cancelled"))
    page = f"/desk/invoices/{world.invoice.invoice_no}"
    late = await operator.press(f"{page}/withdraw", scripted=True, invoice=str(world.invoice.id), words=WHY)
    assert "先に失効か取り消しになりました" in late.json()["text"]
    assert WHY not in says(database, world)


async def test_who_may_not_take_back_and_what_is_missing(app: Starlette, database: Database, world: World) -> None:
    page = f"/desk/invoices/{world.invoice.invoice_no}"
    agent = await logged_in(app, "agent")
    assert f"{page}/withdraw" not in (await agent.get(page)).text
    fields = {"invoice": str(world.invoice.id), "words": WHY}
    assert "権限がありません" in (await agent.press(f"{page}/withdraw", scripted=True, **fields)).json()["text"]
    accountant = await logged_in(app, "accountant")
    await accountant.press(f"/desk/reports/{world.report.id}/reject", words="入金を確認できませんでした。")
    for words, answer in (("", "会員に送る文を入力してください"), ("  \n", "会員に送る文を入力してください")):
        refused = await accountant.press(f"{page}/withdraw", scripted=True, invoice=fields["invoice"], words=words)
        assert answer in refused.json()["text"]
    long = await accountant.press(f"{page}/withdraw", scripted=True, invoice=fields["invoice"], words="あ" * 1_001)
    assert "長すぎます" in long.json()["text"]
    assert "入力を読み取れませんでした" in (await accountant.press(f"{page}/withdraw", scripted=True)).json()["text"]
    assert run(database, lambda tx: get_invoice(tx, invoice_id=world.invoice.id).status) == "open"
