"""What people read, screen by screen, in both languages: drawn as text and compared with tests/unit/screens/snapshots.

`MADOGUCHI_SNAPSHOTS=write` draws them anew; then read them aloud before committing.
"""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.line.draw import draw as draw_for_line
from bot.inbound import InboundFile
from bot.screens import talk as talk_screens
from bot.screens.model import Screen, read_handle, render
from bot.wording import LANGUAGES, Wording, texts
from core.billing import reports
from core.clock import ManualClock
from core.db import run
from core.errors import DomainError
from core.ids import SeededIds
from core.tickets import service as tickets
from tests.support.builders import ACCOUNTANT
from tests.support.counter import Counter, draw
from tests.support.databases import sqlite_database
from tests.support.journeys import last_code, newest_invoice, pay, rows, run_jobs
from tests.support.line_rules import pressable, said, violations

SNAPSHOTS = Path(__file__).parent / "snapshots"
WRITE = os.environ.get("MADOGUCHI_SNAPSHOTS") == "write"


class Visit:
    """One person's way through the counter, written down step by step; buttons are pressed by what they do."""

    def __init__(self, counter: Counter, language: str) -> None:
        self.counter = counter
        self.person = counter.person(language=language)
        self.written: list[str] = []

    def note(self, title: str) -> None:
        clock: Any = self.counter.clock
        clock.move(timedelta(seconds=2))  # people take their time: a flood is a test of its own
        self.written.append(f"### {title}\n{self.person.answer()}\n")

    def say(self, text: str, title: str = "") -> "Visit":
        self.person.say(text)
        self.note(title or f"says {text[:40]}")
        return self

    def act(self, title: str, **what: Any) -> "Visit":
        self.person.act(**what)
        self.note(title)
        return self

    def press(self, action: str, value: Any = None, **more: Any) -> "Visit":
        self.person.act(kind="press", handle=self.handle(action, value), **more)
        self.note(f"presses {action}" + ("" if value is None else f" {value}"))
        return self

    def handle(self, action: str, value: Any = None) -> str:
        for message in reversed(self.person.history()):
            buttons = [button for row in message.body.get("buttons", ()) for button in row]
            buttons += [message.body[part]["submit"] for part in ("checks", "date") if part in message.body]
            for button in buttons:
                parts = read_handle(button.get("handle", ""))
                does, args = message.actions[parts[1]] if parts else ("", {})
                if does == action and value in (None, *args.values()):
                    return str(button["handle"])
        raise AssertionError(f"no button does {action} {value!r} in:\n{self.person.screen()}")

    def told(self, title: str, act: Callable[[], object]) -> None:
        self.person.seen = self.person.last_seq()
        act()
        self.note(title)

    def link(self) -> "Visit":
        self.person.say("/link").say("M-000001").say("taro@example.jp").say(last_code(self.counter))
        return self


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


def frequent_questions(v: Visit) -> None:
    v.say("パスワードを忘れました", "a plain question").press("faq.helped").say(
        "ポートの話なんだけど", "a miss with an article"
    )
    v.press("faq.show").press("faq.send").press("form.answer", "other").press("form.ask_stop").press("form.stop")
    v.say("領収書を発行してほしい", "money, and not done here").link()
    v.say("/ticket").press("form.answer", "technical").say("FTPでファイルをアップロードする方法を教えてください")
    v.say("？").press("form.answer").say("？").press("form.answer", "send").press("form.ask_stop").press("form.stop")
    v.person.say("/ticket")
    v.press("form.answer", "technical").say("FTPでファイルをアップロードする方法を教えてください").press("form.answer")
    helped = v.handle("form.answer", "helped")
    v.press("form.answer", "helped").act("presses it again", kind="press", handle=helped)


JOURNEYS = [linking, contracts, renewal, invoices, lapse_and_reminders, inquiries, frequent_questions, talk]


@pytest.fixture
def visit(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Visit]]:
    opened: list[Counter] = []

    def start(language: str) -> Visit:
        with sqlite_database(tmp_path) as url:
            counter = Counter(url, ManualClock(datetime(2026, 11, 22, 3, 0, tzinfo=UTC)), SeededIds())
        opened.append(counter)
        counter.add_member(language=language)
        visit = Visit(counter, language)
        if language != "ja":  # the journeys are typed in Japanese: only a chosen language stands against that
            visit.person.say(f"/language {language}")
        return visit

    yield start
    for counter in opened:
        counter.close()


def in_line(v: Visit) -> list[str]:
    """Every screen of the way as LINE gets it: judged by LINE's schema, then what is read, pressed and read aloud."""
    shown = []
    for message in v.person.history():
        if message.author == "member":
            continue
        drawn = draw_for_line(message.body)
        assert violations("PushMessageRequest", {"to": "U1", "messages": drawn}) == []
        for part in drawn:
            labels = " / ".join(label.replace("\n", " ") for label in pressable(part))
            shown.append(f"### {part['type']}\n{said(part)}\n[{labels}]\n({part.get('altText', '')})\n")
    return shown


def compare(name: str, drawn: str) -> None:
    path = SNAPSHOTS / f"{name}.txt"
    if WRITE:
        SNAPSHOTS.mkdir(exist_ok=True)
        path.write_text(drawn, "utf-8")
    assert path.read_text("utf-8") == drawn


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.__name__)
def test_screens_read_as_they_were_read_aloud(
    visit: Callable[[str], Visit], journey: Callable[[Visit], None], language: str
) -> None:
    v = visit(language)
    journey(v)
    compare(f"{journey.__name__}.{language}", "\n".join(v.written))
    compare(f"line/{journey.__name__}.{language}", "\n".join(in_line(v)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_mails_read_as_they_were_read_aloud(visit: Callable[[str], Visit], language: str) -> None:
    v = visit(language)
    invoices(v)
    lapse_member = rows(v.counter, "member")[0].id
    v.counter.add_contract(lapse_member, label="mail.example.jp", expires_on=date(2026, 12, 2))
    clock: Any = v.counter.clock
    clock.set(datetime(2026, 11, 23, 3, 0, tzinfo=UTC))
    run_jobs(v.counter)
    mails = [f"### {mail.payload['subject']}\n{mail.payload['text']}\n" for mail in v.counter.mails()]
    assert len(mails) > 4
    compare(f"mails.{language}", "\n".join(mails))


@pytest.mark.parametrize("language", LANGUAGES)
def test_refusals_read_as_they_were_read_aloud(language: str) -> None:
    given: dict[str, object] = {
        "day": date(2026, 11, 30), "today": date(2026, 11, 22), "earliest_on": date(2025, 11, 22),
        "expires_on": date(2026, 11, 30), "last_day": date(2026, 12, 7), "retry_at": datetime(2026, 11, 22, 4, tzinfo=UTC),
        "total_yen": 14_300, "most_yen": 9_999_999_999, "least_yen": 1, "most": 20, "longest": 40, "least": 12, "count": 3,
        "member_no": "M-000001", "invoice_no": "INV-2026-000001", "reference": "bank-1", "name": "管理 太郎", "key": "menu.hello",
        "plan_code": "standard", "external_key": "old-1", "login": "taro", "role": "boss",
        "team": "T1", "user": "U1", "channel": "line",
        "title": "お支払い", "place": "menber", "known": "{{member_name}}", "places": "{{invoice_no}}",
        "ticket_no": "T-000001",
        "reservation_no": "R-000001", "until_at": datetime(2026, 12, 1, 8, tzinfo=UTC), "phone": "045-000-0000",
    }  # fmt: skip
    w = Wording(language)
    codes = sorted(key.removeprefix("errors.") for key in texts(language) if key.startswith("errors."))
    screens: list[tuple[str, Screen]] = [
        (code, talk_screens.refusal_screen(w, DomainError(code, **given))) for code in codes
    ]
    drawn = "\n".join(f"### {code}\n{draw(render(screen, seq=1, key='aaaa').body)}\n" for code, screen in screens)
    compare(f"refusals.{language}", drawn)
