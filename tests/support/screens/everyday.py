"""Linking, contracts, renewal, invoices, reminders, inquiries, talk: the ways of a member of `renewal-notice`."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from bot.inbound import InboundFile
from core.billing import reports
from core.db import run
from core.tickets import service as tickets
from tests.support.builders import ACCOUNTANT
from tests.support.journeys import last_code, newest_invoice, pay, rows, run_jobs
from tests.support.screens.visit import Visit


def linking(v: Visit) -> None:
    v.counter.add_member(name="緑野商事", name_kana="ミドリノショウジ", email="info@example.co.jp")
    v.act("opens the chat", kind="start").press("intent.link_account").say("？？").say("M-000001").say("taro").say(
        "taro@example.jp"
    )
    v.say("12").say("000000").press("link.resend")
    v.say(last_code(v.counter), "says the code").press("intent.show_menu")
    v.say("/link").press("intent.link_account", True).say("M-000002").say("info@example.co.jp")
    v.say(last_code(v.counter), "says the code").say("/settings").press("link.choose").press("link.switch")
    v.say("/unlink").press("link.unlink").say("/unlink").press("link.unlink").say("/unlink").say("/expiry")
    v.say("/link").say("M-000001").say("taro@example.jp")
    for _ in range(5):
        v.person.say("999999")
    v.note("the fifth wrong code")


def contracts(v: Visit) -> None:
    v.link().say("/expiry", "no contract").say("/renew", "nothing to renew")
    member_id = rows(v.counter, "member")[0].id
    v.counter.add_contract(member_id, label="one.example.jp")
    v.say("/expiry", "one contract")
    v.counter.add_contract(member_id, label="trial.example.jp", status="trial", expires_on=date(2026, 11, 29))
    v.counter.add_contract(member_id, label="gone.example.jp", status="cancelled", expires_on=date(2027, 2, 10))
    v.counter.add_contract(member_id, label="domain.example.com", plan_code="domain-com", expires_on=date(2027, 1, 5))
    v.counter.add_contract(member_id, label="late.example.jp", expires_on=date(2026, 11, 20))
    v.counter.add_contract(member_id, label="today.example.jp", expires_on=date(2026, 11, 22))
    v.counter.add_contract(member_id, label="old.example.jp", expires_on=date(2026, 10, 1))
    v.say("/expiry", "several contracts").press("contract.list").say("nothing.example.orgの期限は？")


def renewal(v: Visit) -> None:
    v.link()
    member_id = rows(v.counter, "member")[0].id
    for label, plan in (("a.example.jp", "standard"), ("b.example.jp", "light"), ("c.example.com", "domain-com")):
        v.counter.add_contract(member_id, label=label, plan_code=plan, expires_on=date(2026, 12, 10), anchor=10)
    v.say("/renew").say("どれ", "names no contract").say("1 2", "names two by their place").press("form.answer", 12)
    v.say("ずっと", "no such term").press("form.answer", 6).press("form.answer", True)
    old = v.handle("form.commit")
    v.press("form.fix").press("form.back").press("form.ask_stop").press("form.show")
    v.act("presses an old button", kind="press", handle=old)
    v.say("/menu").press("form.show").say("全部", "all of them").press("form.answer", 12)
    v.person.say("/menu")
    v.press("form.show")
    while "form.commit" not in {does for does, _ in v.person.history()[-1].actions}:
        v.press("form.answer")
    v.press("form.commit").act("presses it again", kind="press", handle=v.handle("form.commit"))
    v.say("/renew", "all ordered").say("a.example.jpを更新したい", "ordered already").say("/expiry")
    v.person.say("/report")
    clock: Any = v.counter.clock
    clock.move(timedelta(minutes=20))
    v.say("昨日", "after a pause").say("はい")
    clock.move(timedelta(hours=25))
    v.say("昨日", "a day later")


def invoices(v: Visit) -> None:
    v.link().say("/unpaid", "nothing owed").say("入金は確認できましたか").say("支払い履歴").say(
        "/report", "nothing to report"
    )
    member_id = rows(v.counter, "member")[0].id
    v.counter.add_contract(member_id)
    v.person.say("/renew")
    for value in (12, False):
        v.press("form.answer", value)
    v.press("form.commit").say("/unpaid").press("invoice.detail").press("invoice.bank").press("invoice.resend")
    v.say("入金は確認できましたか").press("invoice.ask_cancel")
    cancel = v.handle("invoice.cancel")
    v.say("/report").say("0").say("1234567890123").say("たくさん").press("form.answer").say("2月31日").say("明日").say(
        "1月5日"
    )
    v.say("昨日").say("、").press("form.answer").press("form.commit").say("入金は確認できましたか")
    v.act("cancels after reporting", kind="press", handle=cancel).say("/unpaid").say("INV-2026-999999を払いたい")
    report_id = rows(v.counter, "payment_report")[-1].id
    database = v.counter.database
    v.told(
        "staff ask back",
        lambda: run(
            database,
            lambda tx: reports.ask_back(tx, staff=ACCOUNTANT, report_id=report_id, words="お名前は合っていますか？"),
        ),
    )
    v.told("part of the money", lambda: pay(v.counter, newest_invoice(v.person), 10_000))
    v.press("ticket.leave").say("/unpaid", "partly paid")
    v.told("the rest and more", lambda: pay(v.counter, newest_invoice(v.person), 5_000, "bank-2"))
    v.say("支払い履歴")
    v.person.say("/renew")
    v.press("form.answer", 3).press("form.answer", False).press("form.commit")
    v.press("invoice.detail").press("invoice.ask_cancel").press("invoice.cancel")
    v.act("presses it again", kind="press", handle=v.handle("invoice.cancel"))
    v.told("money for a cancelled order", lambda: pay(v.counter, newest_invoice(v.person), 120, "bank-3"))


def lapse_and_reminders(v: Visit) -> None:
    v.link()
    member_id = rows(v.counter, "member")[0].id
    v.counter.add_contract(member_id, label="quiet.example.jp", expires_on=date(2026, 12, 2))
    v.counter.add_contract(member_id, label="ordered.example.jp", expires_on=date(2026, 12, 2))
    v.person.say("/renew").tick("ordered.example.jp")
    v.press("form.answer", 12).press("form.answer", False).press("form.commit")
    v.say("/settings").press("settings.set", True).press("settings.set", False)
    clock: Any = v.counter.clock
    v.person.say("/settings")
    for days in range(30):
        clock.set(datetime(2026, 11, 23, 3, 0, tzinfo=UTC) + timedelta(days=days))
        before = v.person.seen = v.person.last_seq()
        run_jobs(v.counter)
        if v.person.last_seq() != before:
            v.note(f"{clock.now():%Y-%m-%d} comes")


def inquiries(v: Visit) -> None:
    v.link().say("/status", "no inquiry").say("/ticket").say("？").press("form.answer", "technical").say(
        "メールが届きません"
    )
    v.say("ないです").press("form.skip").press("form.commit").say("/status")
    v.say("/human").say("/human").press("ticket.leave")
    ticket_id = rows(v.counter, "ticket")[0].id
    database = v.counter.database
    v.told("staff solve it", lambda: run(database, lambda tx: tickets.solve(tx, ACCOUNTANT, ticket_id=ticket_id)))
    v.say("/status").say("登録情報を変更したい").say("/menu").say("登録情報を見たい")


def talk(v: Visit) -> None:
    v.act("opens the chat", kind="start").say("@@@").say("@@@").say("@@@").press("ticket.from_misses")
    v.link()
    v.say("/menu").say("/help").say("ありがとう").say("@@@").say("@@@").say("@@@").press("intent.show_menu")
    v.say("自動更新にしたい").press("ticket.about").say("/cancel").say("/language").say("/language")
    for other in ("sticker", "voice", "location", "contact", "video", "photo", "poll"):
        v.act(f"sends {other}", kind="other", other=other)
    v.say("4111 1111 1111 1111")
    v.act("a text that was cut", kind="text", text="長い文。", cut=True)
    v.act("a large file", kind="file", files=(InboundFile(0, "a.zip", "application/zip", 10**9, "r"),))
    v.act("in a group", kind="text", text="/expiry", private=False)
    v.act("an old button", kind="press", handle="1.0.aaaa")
    v.say("更新とか支払いとか", "an unclear sentence")
    for _ in range(45):
        v.person.say("/menu")
        if "1分" in v.person.answer() or "a minute" in v.person.answer():
            v.note("a flood")
            break
