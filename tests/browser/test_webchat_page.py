"""The web chat's page in a real Chromium: what a member sees and does, on a phone and on a desktop."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from starlette.applications import Starlette

from adapters.webchat import SHUTDOWN_TOPIC, WebchatSettings, build
from bot.screens.model import Screen
from core.clock import ManualClock
from core.db import Database, run
from core.ids import SeededIds
from core.open_database import open_database
from tests.browser.conftest import DESKTOP, PHONE, OpenPage, has_no_sideways_scroll
from tests.support.databases import sqlite_database
from tests.support.loopback import serve
from tests.support.scripted_counter import SCREENS, ScriptedCounter

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


@pytest.fixture
def database(tmp_path: Path, clock: ManualClock, ids: SeededIds) -> Iterator[Database]:
    with sqlite_database(tmp_path) as url:
        opened = open_database(url, clock, ids, {})
        yield opened
        opened.close()


@pytest.fixture
def counter(database: Database) -> ScriptedCounter:
    return ScriptedCounter(database)


@pytest.fixture
def base(database: Database, counter: ScriptedCounter) -> Iterator[str]:
    settings = WebchatSettings(secret_key="k" * 32, secure_cookies=False, operator=lambda: "みどりレンタルサーバー")
    app = Starlette(routes=list(build(database=database, deliver=counter.deliver, settings=settings)))
    with serve(app, before_exit=lambda: database.wakeups.publish([SHUTDOWN_TOPIC])) as url:
        yield url


async def opened(page: Page) -> Page:
    await page.goto("/chat")
    await expect(page.get_by_text("ご用件をお選びください。")).to_be_visible()
    return page


def bubbles(page: Page, text: str):  # noqa: ANN201
    return page.locator("article:not(.pending)").filter(has_text=text)


async def say(page: Page, text: str) -> None:
    await page.get_by_label("メッセージ", exact=True).fill(text)
    await page.keyboard.press("Enter")


async def test_look(base: str, chromium_page: OpenPage, screenshots: Path, database: Database, counter: ScriptedCounter) -> None:
    for size, name in ((PHONE, "phone"), (DESKTOP, "desktop")):
        page = await opened(await chromium_page(base, size))
        await page.screenshot(path=screenshots / f"webchat-{name}-1-menu.png")
        await page.get_by_role("button", name="有効期限を確認する").click()
        await expect(page.get_by_text("ご契約は2件です。")).to_be_visible()
        await page.screenshot(path=screenshots / f"webchat-{name}-2-cards.png")
        await page.get_by_role("button", name="更新する", exact=True).click()
        await page.get_by_label("example.jp").first.check()
        await page.screenshot(path=screenshots / f"webchat-{name}-3-checks.png")
        await page.get_by_role("button", name="次へ進む").click()
        await expect(page.get_by_text("契約期間を選んで")).to_be_visible()
        await page.screenshot(path=screenshots / f"webchat-{name}-4-terms.png")
        await say(page, "振込")
        await expect(page.get_by_label("振込日")).to_be_visible()
        await page.screenshot(path=screenshots / f"webchat-{name}-5-date.png")
        await page.get_by_role("button", name="担当者に相談する").first.click()
        await expect(page.get_by_text("佐藤が承ります")).to_be_visible()
        await page.screenshot(path=screenshots / f"webchat-{name}-6-staff.png")
