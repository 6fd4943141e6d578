"""The desk in a real Chromium: log in, see the inbox live, confirm a payment report, answer, lose nothing that was typed."""

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from bot.telling import listeners
from core.clock import ManualClock
from core.contracts.service import list_contracts
from core.db import SHUTDOWN_TOPIC, Database, Tx, run
from core.dialogue.service import list_messages
from core.ids import SeededIds
from core.members.sessions import IDLE
from core.members.staff import disable_staff, find_staff
from core.open_database import open_database
from core.tickets.service import add_member_message, open_ticket, reply, solve
from tests.browser.conftest import DESKTOP, PHONE, OpenPage, has_no_sideways_scroll
from tests.support.builders import AGENT, a_profile
from tests.support.databases import sqlite_database
from tests.support.desk import PASSWORD, World, application, bot, build_world
from tests.support.loopback import serve

WIDE = (1280, 900)
NOTE_GONE = """
window.EventSource = class extends EventSource {
  constructor(address) { super(address); this.addEventListener("gone", () => (window.heardGone = true)); }
};
"""


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
def address(database: Database, world: World) -> Iterator[str]:
    app = application(database, demo=True)
    with serve(app, before_exit=lambda: database.wakeups.publish([SHUTDOWN_TOPIC])) as base:
        yield base


async def log_in(page: Page, login: str = "accountant") -> None:
    await page.goto("/desk")
    await page.get_by_label("ログインID").fill(login)
    await page.get_by_label("パスワード").fill(PASSWORD)
    await page.get_by_role("button", name="ログイン").click()
    await expect(page.get_by_role("heading", name="受付")).to_be_visible()


async def test_an_operator_confirms_a_reported_payment_and_answers(
    chromium_page: OpenPage, address: str, database: Database, world: World, screenshots: Path
) -> None:
    page = await chromium_page(address, WIDE)
    await page.goto("/desk")
    await page.screenshot(path=screenshots / "desk-1280-login.png")
    await log_in(page)
    await page.screenshot(path=screenshots / "desk-1280-inbox.png")
    await page.get_by_role("link", name="お支払報告 26,400円").click()
    await expect(page.get_by_text("金額が一致しています")).to_be_visible()
    await page.screenshot(path=screenshots / "desk-1280-report.png", full_page=True)
    await page.get_by_role("button", name="入金を確認する").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("example.jp：2026年11月30日(月) → 2027年11月30日(火)")
    await page.screenshot(path=screenshots / "desk-1280-confirm.png")
    await dialog.get_by_role("button", name="入金を確定する").click()
    await expect(page.get_by_role("status")).to_contain_text("入金を確認しました")
    contracts = run(database, lambda tx: list_contracts(tx, profile=a_profile(), member_id=world.member_id))
    assert {contract.expires_on for contract in contracts} == {date(2027, 11, 30)}

    await page.get_by_role("link", name="受付", exact=True).click()
    await page.get_by_role("link", name="メールが届きません").click()
    await page.get_by_label("会員のチャットに届きます").fill("ご不便をおかけしております。確認いたします。")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".say.staff")).to_contain_text("ご不便をおかけしております")
    await expect(page.locator(".say.staff .sent")).to_contain_text("受付済")
    await expect(page.locator("#text")).to_have_value("")
    said = run(database, lambda tx: list_messages(tx, chat_id=world.chat_id))
    assert [m.body["text"] for m in said if m.author == "staff"] == ["ご不便をおかけしております。確認いたします。"]

    await page.get_by_text("内部メモ", exact=True).click()
    await page.locator("#text").fill("DNSの設定を確認中。")
    await page.screenshot(path=screenshots / "desk-1280-note.png", full_page=True)
    await page.get_by_role("button", name="メモを残す").click()
    await expect(page.locator(".say.note")).to_contain_text("DNSの設定を確認中。")
    assert run(database, lambda tx: list_messages(tx, chat_id=world.chat_id)) == said
    await page.screenshot(path=screenshots / "desk-1280-thread.png", full_page=True)


async def test_what_the_member_writes_appears_by_itself_and_typed_text_stays(
    chromium_page: OpenPage, address: str, database: Database, world: World
) -> None:
    page = await chromium_page(address, WIDE, errors_allowed=True)  # the browser logs the refused (409) answer
    await log_in(page)
    inbox = await page.context.new_page()
    await inbox.goto("/desk")
    await page.goto(f"/desk/tickets/{world.ticket.ticket_no}")
    await expect(page.locator("body:not(.offline)")).to_be_attached()
    await page.locator("#text").fill("書きかけの返信です。")
    run(database, lambda tx: add_member_message(tx, ticket_id=world.ticket.id, text="まだ届きません"))
    await expect(page.locator("#thread")).to_contain_text("まだ届きません")
    await expect(page.locator("#text")).to_have_value("書きかけの返信です。")
    await expect(inbox.locator("[data-key=T-000002]")).to_contain_text("メールが届きません")
    await page.reload()
    await expect(page.locator("#text")).to_have_value("書きかけの返信です。")


async def test_newer_words_are_shown_before_a_stale_reply_goes_out(
    chromium_page: OpenPage, address: str, database: Database, world: World
) -> None:
    page = await chromium_page(address, WIDE, errors_allowed=True)
    await log_in(page)
    await page.route("**/desk/events/**", lambda route: route.abort())  # the page does not hear of it
    await page.goto(f"/desk/tickets/{world.ticket.ticket_no}")
    await page.locator("#text").fill("再起動をお試しください。")
    run(database, lambda tx: add_member_message(tx, ticket_id=world.ticket.id, text="自分で直しました"))
    await page.get_by_role("button", name="返信を送る").click()
    await expect(page.locator("[data-error]:visible")).to_contain_text("自分で直しました")
    await expect(page.locator("#text")).to_have_value("再起動をお試しください。")
    await expect(page.locator(".say.staff")).to_have_count(0)
    await page.get_by_role("button", name="返信を送る").click()
    await expect(page.locator(".say.staff")).to_have_count(1)


async def test_a_past_answer_goes_into_the_box_at_the_cursor_and_nothing_is_sent(
    chromium_page: OpenPage, address: str, database: Database, world: World
) -> None:
    def answered(tx: Tx) -> None:
        past = open_ticket(
            tx,
            kind="technical",
            queue="technical",
            subject="",
            body="メールが届きません。",
            member_id=None,
            chat_id=None,
        )
        text = "転送の設定を\nお確かめください。"
        reply(tx, AGENT, ticket_id=past.id, text=text, client_key="p1", last_seen_message_id=2**62)
        solve(tx, AGENT, ticket_id=past.id, force=True)

    run(database, answered)
    page = await chromium_page(address, WIDE)
    await log_in(page, "agent")
    await page.goto(f"/desk/tickets/{world.ticket.ticket_no}")
    await page.locator("#text").fill("山田様、")
    await page.get_by_role("button", name="返信欄に入れる").click()
    await expect(page.locator("#text")).to_have_value("山田様、転送の設定を\nお確かめください。")
    await expect(page.locator(".say.staff")).to_have_count(0)


async def test_a_session_that_ends_keeps_what_was_typed(
    chromium_page: OpenPage, address: str, database: Database, world: World
) -> None:
    page = await chromium_page(address, WIDE, errors_allowed=True)
    await log_in(page, "agent")
    await page.route(
        "**/desk/events/**", lambda route: route.abort()
    )  # the stream may see the end before the press does
    await page.goto(f"/desk/tickets/{world.ticket.ticket_no}")
    await page.locator("#text").fill("大切な長い返信。")
    agent = run(database, lambda tx: find_staff(tx, login="agent"))
    assert agent is not None
    run(database, lambda tx: disable_staff(tx, by=None, staff_id=agent.id))
    await page.get_by_role("button", name="返信を送る").click()
    await expect(page.locator(".compose [data-error]")).to_contain_text("ログインの有効期間が過ぎました")
    await expect(page.locator("#text")).to_have_value("大切な長い返信。")


async def test_a_session_that_ends_during_a_press_leaves_the_press_its_answer(
    chromium_page: OpenPage, address: str, database: Database, world: World
) -> None:
    page = await chromium_page(address, WIDE, errors_allowed=True)
    await page.add_init_script(NOTE_GONE)
    await log_in(page, "agent")
    place = f"/desk/tickets/{world.ticket.ticket_no}"
    await page.goto(place)
    await page.locator("#text").fill("大切な長い返信。")
    pressed, heard = asyncio.Event(), asyncio.Event()

    async def slow(route: Route) -> None:
        pressed.set()
        await heard.wait()
        await route.continue_()

    await page.route("**/answer", slow)
    await page.get_by_role("button", name="返信を送る").click()
    await pressed.wait()
    agent = run(database, lambda tx: find_staff(tx, login="agent"))
    assert agent is not None
    run(database, lambda tx: disable_staff(tx, by=None, staff_id=agent.id))
    run(database, lambda tx: tx.wake("desk"))
    await page.wait_for_function("() => window.heardGone")
    await page.wait_for_timeout(700)  # longer than the page waits before it looks again
    heard.set()
    await expect(page.locator(".compose [data-error]")).to_contain_text("ログインの有効期間が過ぎました")
    await page.wait_for_timeout(700)
    assert page.url.endswith(place)
    await expect(page.locator("#text")).to_have_value("大切な長い返信。")


async def test_every_page_fits_a_phone_and_a_desktop(
    chromium_page: OpenPage, address: str, world: World, screenshots: Path
) -> None:
    member = f"/desk/members/{world.member_no}"
    pages = {
        "inbox": "/desk",
        "ticket": f"/desk/tickets/{world.ticket.ticket_no}",
        "report": f"/desk/tickets/{world.report_ticket.ticket_no}",
        "members": "/desk/members",
        "member": member,
        "chats": f"{member}?tab=chats",
        "deliveries": f"{member}?tab=deliveries",
        "contracts": "/desk/contracts",
        "invoices": "/desk/invoices",
        "invoice": f"/desk/invoices/{world.invoice.invoice_no}",
        "catalogue": "/desk/catalogue",
        "wordings": "/desk/catalogue/wordings",
        "audit": "/desk/audit",
        "staff": "/desk/staff",
    }
    for name, viewport in (("390", PHONE), ("1280", DESKTOP)):
        page = await chromium_page(address, viewport)
        await log_in(page, "admin")
        for title, place in pages.items():
            await page.goto(place)
            assert await has_no_sideways_scroll(page), (name, place)
            await page.screenshot(
                path=screenshots / f"desk-{name}-{title}.png", full_page=title not in ("wordings", "catalogue")
            )


async def test_a_page_whose_session_ran_out_goes_to_the_login_and_comes_back(
    chromium_page: OpenPage, address: str, database: Database, world: World, clock: ManualClock
) -> None:
    page = await chromium_page(address, WIDE, errors_allowed=True)  # the stream may ask once more and hear 401
    await log_in(page)
    await page.goto(f"/desk/tickets/{world.ticket.ticket_no}")
    await expect(page.locator("#thread")).to_contain_text("昨日からメールが届きません。")
    await page.locator("#text").fill("書きかけの返信。")
    clock.move(IDLE + timedelta(minutes=1))
    run(database, lambda tx: tx.wake("desk"))
    await expect(page.get_by_text("ログインが終わりました")).to_be_visible()
    await page.get_by_label("ログインID").fill("accountant")
    await page.get_by_label("パスワード").fill(PASSWORD)
    await page.get_by_role("button", name="ログイン").click()
    await expect(page.locator("#thread")).to_contain_text("昨日からメールが届きません。")
    await expect(page.locator("#text")).to_have_value("書きかけの返信。")
