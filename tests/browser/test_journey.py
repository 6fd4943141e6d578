"""The whole counter in a real Chromium, as people use it: a process that `madoguchi serve --demo` started, a member on a
phone, an operator at a desk, and the demo's clock."""

import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import DESKTOP, OpenPage, has_no_sideways_scroll
from tests.support.started import Started

MEMBER_NO = "M-000001"
EMAIL = "taro.yamada@example.jp"
LIVE_MS = 30_000  # what must come by itself, on a busy machine
RENEWED = ("srv002", "srv004")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Started]:
    started = Started(tmp_path)
    started.start()
    yield started
    started.kill()


class Person:
    """Somebody at a page: presses, writes, sees. What the browser complains about must stay empty."""

    def __init__(self, page: Page, pictures: Path, name: str) -> None:
        self.page, self._pictures, self._name, self._steps = page, pictures, name, 0
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)

    async def look(self, what: str) -> None:
        """A picture of the step for people to look at; nothing may stick out sideways."""
        self._steps += 1
        assert await has_no_sideways_scroll(self.page), what
        await self.page.screenshot(path=self._pictures / f"journey-{self._name}-{self._steps:02}-{what}.png")

    async def say(self, text: str) -> None:
        """Write in the chat."""
        await self.page.locator("#text").fill(text)
        await self.page.keyboard.press("Enter")

    async def press(self, label: str | re.Pattern[str]) -> None:
        """The newest button of this label."""
        await self.page.get_by_role("button", name=label, exact=isinstance(label, str)).last.click()

    async def sees(self, *texts: str) -> Locator:
        """The newest bubble that is not the member's own says all of this, now or soon, by itself."""
        newest = self.page.locator("article.bot, article.staff").last
        for text in texts:
            await expect(newest).to_contain_text(text, timeout=LIVE_MS)
        return newest

    @asynccontextmanager
    async def cut_off(self) -> AsyncIterator[None]:
        """The connection is lost while the block runs: of what the browser says then only lost connections are no fault."""
        before = list(self.complaints)
        yield
        assert [said for said in self.complaints[len(before) :] if "net::ERR_" not in said] == []
        self.complaints[:] = before


async def a_person(open_page: OpenPage, server: Started, pictures: Path, name: str, **how: object) -> Person:
    return Person(await open_page(server.url, errors_allowed=True, **how), pictures, name)


async def newest_code(page: Page) -> str:
    """From the demo's mailbox, as a person reads it."""
    await page.goto("/demo/mail")
    found = re.search(r"\b([0-9]{6})\b", await page.locator("article pre").first.inner_text())
    assert found
    return found[1]


async def log_in(operator: Person, login: str, password: str) -> None:
    await operator.page.goto("/desk")
    await operator.page.get_by_label(login, exact=True).fill("demo")
    await operator.page.get_by_label(password, exact=True).fill("madoguchi-demo")
    await operator.page.keyboard.press("Enter")
    await expect(operator.page.locator("#rows")).to_be_visible()


def rows(server: Started, sql: str) -> list[tuple[object, ...]]:
    """Read beside the running process."""
    with sqlite3.connect(f"file:{server.database}?mode=ro", uri=True) as database:
        return database.execute(sql).fetchall()


def expiries(server: Started) -> dict[str, str]:
    found = rows(server, "SELECT label, expires_on FROM contract WHERE contract_no <= 'C-000005'")
    return {str(label): str(day) for label, day in found}


def in_words(day: str) -> str:
    """2027年11月20日, as the chat shows it before the weekday."""
    year, month, of_month = (int(part) for part in day.split("-"))
    return f"{year}年{month}月{of_month}日"


async def test_a_member_renews_pays_reports_and_is_reminded(
    server: Started, chromium_page: OpenPage, screenshots: Path
) -> None:
    member = await a_person(chromium_page, server, screenshots, "ja")
    operator = await a_person(chromium_page, server, screenshots, "desk", viewport=DESKTOP)
    house = await a_person(chromium_page, server, screenshots, "house")
    before = expiries(server)

    await _links(member, house)
    amount = await _renews_two(member)
    assert expiries(server) == before  # ordered is not paid

    async with member.cut_off():
        server.kill()  # as the power fails
        server.start()
        await member.press("この内容で申し込む")  # the button of before
        await member.sees("すでに受け付け済みです")
    await member.look("old-button")
    assert rows(server, "SELECT invoice_no, status FROM invoice") == [("INV-2026-000001", "open")]

    await _reports(member, amount)
    await _operator_confirms(operator, amount)
    after = expiries(server)
    news = await member.sees("入金を確認しました", "更新が完了しました", *RENEWED)
    for label in RENEWED:
        assert int(after[label][:4]) == int(before[label][:4]) + 1
        await expect(news.locator(".card").filter(has_text=label)).to_contain_text(in_words(after[label]))
    await member.look("renewed")

    await house.page.goto("/")
    await house.press("7日進める")
    await expect(house.page.get_by_role("status")).to_contain_text("進めました", timeout=LIVE_MS)
    await house.look("clock")
    reminder = await member.sees("【更新のご案内】", "srv001", "続けてご利用の場合は")
    await expect(reminder).not_to_contain_text("srv002")
    await member.look("reminded")
    await member.press(re.compile("新しいメッセージ"))  # it came below what was being read
    await expect(reminder.get_by_role("button", name="更新する")).to_be_in_viewport()
    await member.look("reminder")

    await member.page.reload()
    await member.sees("【更新のご案内】", "srv001")
    assert {label: day for label, day in after.items() if label in before} == expiries(server)
    _rows_are_right(server, amount)
    assert member.complaints == operator.complaints == house.complaints == []


async def _links(member: Person, house: Person) -> None:
    await member.page.goto("/")
    await member.look("start")
    await member.page.get_by_role("link", name="チャットを開く").click()
    await member.sees("みどり野サーバー株式会社の窓口です")
    await member.look("hello")
    await member.press("会員と連携する")
    await member.sees("会員番号を入力してください")
    await member.say(MEMBER_NO)
    await member.sees("ご登録のメールアドレスを入力してください")
    await member.say(EMAIL)
    await member.sees("6桁の確認ID")
    await member.look("code-asked")
    code = await newest_code(house.page)
    await house.look("mailbox")
    await member.say(code)
    await member.sees("連携できました。山田 太郎様")
    await member.look("linked")


async def _renews_two(member: Person) -> str:
    """From the expiry dates to the bank details; gives the amount to be paid, as it is shown."""
    await member.press("利用期限を見る")
    await member.sees("ご契約は5件です", "srv004", "猶予期間")
    await member.look("expiry")
    await member.press("更新する")
    await member.sees("更新するご契約を選んで")
    for label in RENEWED:
        await member.page.get_by_label(label).check()
    await member.look("choose")
    await member.press("次へ")
    for label, then in (("srv004", "srv002"), ("srv002", "月末にそろえますか")):
        term = await member.sees(f"「{label}」の契約期間を選んで")
        await term.get_by_role("button", name=re.compile("^1年")).click()
        await member.sees(then)
    await member.look("month-end")
    await member.press("そろえない")
    await member.sees("お支払方法を選んでください")
    await member.look("method")
    await member.press("銀行振込")
    await member.sees("お申し込みの内容をご確認ください", "自動では更新されません", "合計（税込）")
    await member.look("confirm")
    await member.press("この内容で申し込む")
    ordered = await member.sees("お申し込みを受け付けました", "どれか1つへお振り込みください")
    await member.look("ordered")
    found = re.search(r"お振込額\s*([0-9,]+円)", await ordered.locator(".card").first.inner_text())
    assert found
    return found[1]


async def _reports(member: Person, amount: str) -> None:
    await member.say(f"昨日、山田太郎名義で{amount}振り込みました")
    await member.sees("この内容で担当者に連絡します", "INV-2026-000001", amount, "山田太郎")
    await member.look("report")
    await member.press("この内容で連絡する")
    await member.sees("振込のご連絡を受け付けました")
    await member.look("reported")


async def _operator_confirms(operator: Person, amount: str) -> None:
    await log_in(operator, "ログインID", "パスワード")
    await operator.look("inbox")
    await operator.page.get_by_role("link", name=re.compile(f"お支払報告 {amount}")).click()
    sheet = operator.page.get_by_role("region", name="お支払報告")
    await expect(sheet).to_contain_text("金額が一致しています")
    await operator.look("report")
    await sheet.get_by_role("button", name="入金を確認する").click()
    dialog = operator.page.get_by_role("dialog")
    for label in RENEWED:
        await expect(dialog).to_contain_text(label)
    await operator.look("preview")
    await dialog.get_by_role("button", name="入金を確定する").click()
    await expect(sheet).to_contain_text("確認済み")
    await operator.look("confirmed")


def _rows_are_right(server: Started, amount: str) -> None:
    yen = int(amount.rstrip("円").replace(",", ""))
    assert rows(server, "SELECT status, total_yen FROM invoice") == [("paid", yen)]
    assert rows(server, "SELECT amount_yen, applied_yen, credit_yen, suspense_yen FROM payment") == [(yen, yen, 0, 0)]
    assert rows(server, "SELECT state FROM payment_report") == [("confirmed",)]
    assert rows(server, "SELECT state, term_months FROM renewal") == [("done", 12), ("done", 12)]
    assert rows(server, "SELECT sum(amount_yen) FROM posting") == [(0,)]
    assert rows(server, "SELECT amount_yen FROM posting WHERE account = 'cash:bank'") == [(yen,)]
    reminded = rows(
        server,
        "SELECT label, milestone FROM reminder JOIN contract ON contract.id = contract_id"
        " WHERE state = 'queued' AND contract_no IN ('C-000001', 'C-000002', 'C-000004') AND milestone > -40",
    )
    assert reminded == [("srv001", -5)]
    assert rows(server, "SELECT kind FROM outbox WHERE state NOT IN ('sent', 'cancelled')") == []
    assert rows(server, "SELECT id FROM inbox WHERE state <> 'done'") == []


async def test_in_english_up_to_the_order_and_an_operator_who_answers_live(
    server: Started, chromium_page: OpenPage, screenshots: Path
) -> None:
    member = await a_person(chromium_page, server, screenshots, "en", locale="en-GB")
    operator = await a_person(chromium_page, server, screenshots, "desk-en", viewport=DESKTOP, locale="en-GB")
    house = await a_person(chromium_page, server, screenshots, "house-en")

    await member.page.goto("/chat")
    await member.sees("Midorino Server")
    await expect(member.page.get_by_role("heading", level=1)).to_have_text("Midorino Server Inc.")
    await member.look("hello")
    await member.press("Link my membership")
    await member.say(MEMBER_NO)
    await member.sees("e-mail")
    await member.say(EMAIL)
    await member.sees("6-digit")
    await member.say(await newest_code(house.page))
    await member.sees("Linked. You are 山田 太郎")

    await member.say("I want to renew srv001 for 12 months")
    await member.sees("end of the month")
    await member.press("To the end of the month")
    await member.press("Bank transfer")
    await member.sees("Please check your order", "does not renew by itself", "Total (incl. tax)", "Daily rate")
    await member.look("confirm")
    await member.press("Order")
    await member.sees("Thank you, we have your order", "one of the accounts below")
    await member.look("ordered")

    await member.press("Menu")
    await member.press("Talk to a person")
    await member.sees("We are bringing in a person (number T-000001)")
    await member.say("Where do I find my payment reference?")
    await operator.page.goto("/desk/login")
    await operator.press("English")
    await log_in(operator, "Login", "Password")
    await operator.look("inbox")
    await operator.page.get_by_role("link", name=re.compile("T-000001")).click()
    thread = operator.page.get_by_role("log")
    await expect(thread).to_contain_text("Where do I find my payment reference?")
    await operator.page.locator("textarea#text").fill(
        "It is in the mail with the invoice, above your name. <b>8 digits</b>"
    )
    await operator.look("ticket")
    await operator.page.get_by_role("button", name=re.compile("^Send")).click()
    answer = await member.sees("It is in the mail with the invoice", "<b>8 digits</b>")
    await expect(answer).to_contain_text("デモ担当")
    await member.look("answered")
    await member.say("Found it, thank you!")
    await expect(thread).to_contain_text("Found it, thank you!", timeout=LIVE_MS)
    await operator.look("answered")

    assert rows(server, "SELECT status, unread FROM ticket") in ([("open", 0)], [("open", 1)], [("waiting", 0)])
    assert rows(server, "SELECT author FROM message WHERE author = 'staff'") == [("staff",)]
    assert rows(server, "SELECT status FROM invoice") == [("open",)]
    assert member.complaints == operator.complaints == house.complaints == []
