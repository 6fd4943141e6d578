"""LINE's own ways of linking (row M1): the account link by a page of ours, one-time links, menus that follow the person."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from adapters.line.setup import Target, set_up
from core.db import run
from core.members.link_tokens import issue_deep_link
from tests.support.line_double import BASIC_ID, SECRET, TOKEN, Fault, LineDouble
from tests.support.line_rules import pressable
from tests.support.running import WAIT_SECONDS, Running, running

PERSON, OTHER = "U" + "a" * 32, "U" + "b" * 32


@pytest.fixture
async def line() -> AsyncIterator[LineDouble]:
    async with LineDouble() as double:
        yield double


@asynccontextmanager
async def counter(database_url: str, line: LineDouble) -> AsyncIterator[Running]:
    keys = {"line_channel_secret": SECRET, "line_channel_token": TOKEN, "line_api_url": line.url}
    async with running(database_url, **keys) as c:
        line.webhook = f"{c.url}/webhooks/line"
        yield c
    assert line.violations == []


async def sees(line: LineDouble, *texts: str, person: str = PERSON) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(WAIT_SECONDS):
            await line.until(lambda: any(all(part in words for part in texts) for words in line.reads(person)))
    assert any(all(part in words for part in texts) for words in line.reads(person)), line.reads(person)


async def page_of(line: LineDouble, c: Running, person: str = PERSON) -> str:
    """「会員と連携する」, and the address behind 「ブラウザーで連携する」."""
    assert await line.deliver(line.text(person, "/link")) == 200
    await sees(line, "会員番号を入力してください", person=person)
    actions = pressable(line.shown(person)[-1])
    uri = next(action["uri"] for label, action in actions.items() if "ブラウザーで連携する" in label)
    assert uri.startswith(f"{c.url}/m/link/line/")
    return str(uri)


async def prove(c: Running, page: str) -> httpx.Response:
    """Member number, mail address, the mailed code: where the page sends the browser then."""
    asked = await c.http.post(page, data={"member_no": "M-000001", "email": "taro.yamada@example.jp"})
    assert asked.status_code == 200 and "one-time-code" in asked.text
    return await c.http.post(page, data={"code": await c.code()})


async def test_a_member_proves_it_on_the_page_and_line_links(database_url: str, line: LineDouble) -> None:
    async with counter(database_url, line) as c:
        page = await page_of(line, c)
        assert "確認IDを受け取る" in (await c.http.get(page)).text
        dialog = await prove(c, page)
        assert dialog.status_code == 303
        location = dialog.headers["location"]
        assert location.startswith("https://access.line.me/dialog/bot/accountLink?linkToken=")
        assert await c.rows("SELECT id FROM chat_link") == []  # not before LINE says who pressed
        event = line.linked(PERSON, location)
        assert await line.deliver(event) == 200
        await sees(line, "連携できました。山田 太郎様")
        assert len(await c.rows("SELECT id FROM chat_link WHERE ended_at IS NULL")) == 1
        again = {**event, "webhookEventId": "01HANOTHERDELIVERYOFTHENONCE"}
        assert await line.deliver(again) == 200
        await sees(line, "連携できませんでした")
        assert len(await c.rows("SELECT id FROM chat_link")) == 1
        assert "使い終わったか" in (await c.http.get(page)).text
        assert line.called("push") == [] or all(call.status == 200 for call in line.called("push"))


async def test_somebody_else_cannot_finish_it(database_url: str, line: LineDouble) -> None:
    async with counter(database_url, line) as c:
        location = (await prove(c, await page_of(line, c))).headers["location"]
        failed = line.linked(OTHER, location)
        assert failed["link"]["result"] == "failed"
        assert await line.deliver(failed) == 200
        await sees(line, "連携できませんでした", person=OTHER)
        # A nonce that reached another person's chat, as no LINE would send it, opens nothing either
        nonce = re.findall("nonce=([0-9a-z]+)", location)[0]
        stolen = line.event(OTHER, "accountLink", link={"result": "ok", "nonce": nonce})
        assert await line.deliver(stolen) == 200
        await c.until_rows("SELECT count(*) FROM inbox WHERE state = 'done'", [(3,)])
        assert await c.rows("SELECT id FROM chat_link") == []


async def test_the_page_tells_nobody_whether_a_member_exists_and_counts_like_the_chat(
    database_url: str, line: LineDouble
) -> None:
    async with counter(database_url, line) as c:
        page = await page_of(line, c)
        known = await c.http.post(page, data={"member_no": "M-000001", "email": "taro.yamada@example.jp"})
        unknown = await c.http.post(page, data={"member_no": "M-999999", "email": "taro.yamada@example.jp"})
        assert known.text == unknown.text
        wrong = [await c.http.post(page, data={"code": "000000"}) for _ in range(5)]
        assert "あと4回" in wrong[0].text and "使えなくなりました" in wrong[4].text
        for _ in range(3):
            await c.http.post(page, data={"member_no": "M-000009", "email": "a@example.jp"})
        refused = await c.http.post(page, data={"member_no": "M-000001", "email": "taro.yamada@example.jp"})
        assert refused.status_code == 409 and "上限に達しました" in refused.text
        assert (await c.http.post(page, content=b"x" * 10_000)).status_code == 400
        gone = await c.http.get(f"{c.url}/m/link/line/{'0' * 32}")
        assert gone.status_code == 404 and "期限が過ぎています" in gone.text


async def test_when_line_is_away_the_page_says_so_and_nothing_is_linked(database_url: str, line: LineDouble) -> None:
    async with counter(database_url, line) as c:
        line.fail("linkToken", Fault(500))
        failed = await prove(c, await page_of(line, c))
        assert failed.status_code == 503 and "LINEにつながりませんでした" in failed.text
        assert await c.rows("SELECT id FROM chat_link") == []


async def test_the_operators_link_names_the_account_and_goes_on_in_line(database_url: str, line: LineDouble) -> None:
    async with counter(database_url, line) as c:
        await c.rows("UPDATE member SET birth_on = '1956-04-01' WHERE member_no = 'M-000001'")
        token = (
            await asyncio.to_thread(
                run, c.product.database, lambda tx: issue_deep_link(tx, staff=None, member_no="M-000001")
            )
        ).token
        page = (await c.http.get(f"/m/link/{token}")).text
        assert f"oaMessage/{BASIC_ID.replace('@', '%40')}/" in page
        assert await line.deliver(line.text(PERSON, f"/start link_{token}")) == 200
        await sees(line, "山田 太郎様ですか？")
        assert await line.deliver(line.pressed(PERSON, "はい、本人です")) == 200
        await sees(line, "生年月日を入力")
        assert await line.deliver(line.text(PERSON, "1956年4月1日")) == 200
        await sees(line, "連携できました")


async def test_the_menu_follows_link_language_and_unlink(database_url: str, line: LineDouble) -> None:
    async with counter(database_url, line) as c:
        assert await set_up(
            Target(TOKEN, line.url, "https://madoguchi.example.jp", "#0b6b4f", None),
            c.product.database,
            lambda words: None,
        )

        async def has_menu(name: str) -> None:
            async with asyncio.timeout(WAIT_SECONDS):
                await line.until(
                    lambda: line.menus.get(line.menu_of.get(PERSON, ""), {}).get("name", "").startswith(name)
                )

        await line.deliver(line.text(PERSON, "/language en"))
        await has_menu("madoguchi-guest-en-")
        location = (await prove(c, (await page_of_english(line)))).headers["location"]
        await line.deliver(line.linked(PERSON, location))
        await has_menu("madoguchi-member-en-")
        await line.deliver(line.text(PERSON, "/language ja"))
        await has_menu("madoguchi-member-ja-")
        await line.deliver(line.text(PERSON, "/unlink"))
        await sees(line, "連携を解除しますか")
        await line.deliver(line.pressed(PERSON, "連携を解除する"))
        await has_menu("madoguchi-guest-ja-")


async def page_of_english(line: LineDouble) -> str:
    await line.deliver(line.text(PERSON, "/link"))
    await sees(line, "enter your member ID")
    return str(
        next(a["uri"] for label, a in pressable(line.shown(PERSON)[-1]).items() if "Link in the browser" in label)
    )
