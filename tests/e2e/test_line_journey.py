"""The counter in LINE: the product as it is started, the real line-bot-sdk, LINE's HTTP interface played by a double that
judges every call by LINE's own schema. What the person sees, what it cost, and what the rows hold."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from adapters.line.setup import Target, set_up
from bot.app import DEMO_LOGIN, DEMO_PASSWORD, Mode, Product, build_app
from bot.demo import fill
from bot.settings import Settings
from tests.support.desk import field_of, token_of
from tests.support.line_double import SECRET, TOKEN, Fault, LineDouble
from tests.support.loopback import caller
from tests.support.profiles import shipped

PERSON = "U" + "a" * 32
WAIT_SECONDS = 20
RENEWED = ("srv002", "srv004")


@dataclass
class Counter:
    """A running product and one person's LINE chat with it."""

    product: Product
    line: LineDouble
    http: httpx.AsyncClient

    async def sees(self, *texts: str, after: int = 0) -> str:
        """Some message says all of this, now or soon; the newest such."""

        def found() -> list[str]:
            return [words for words in self.line.reads(PERSON)[after:] if all(part in words for part in texts)]

        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                await self.line.until(lambda: bool(found()))
        assert found(), f"{texts} not among:\n" + "\n---\n".join(self.line.reads(PERSON))
        return found()[-1]

    async def say(self, words: str) -> None:
        assert await self.line.deliver(self.line.text(PERSON, words)) == 200

    async def press(self, label: str) -> None:
        assert await self.line.deliver(self.line.pressed(PERSON, label)) == 200

    async def link(self) -> None:
        """From adding the account as a friend to a linked chat."""
        assert await self.line.deliver(self.line.event(PERSON, "follow", follow={"isUnblocked": False})) == 200
        await self.sees("窓口です")
        await self.press("会員と連携する")
        await self.sees("会員番号を入力してください")
        await self.say("M-000001")
        await self.sees("ご登録のメールアドレス")
        await self.say("taro.yamada@example.jp")
        await self.sees("6桁の確認ID")
        mails = (await self.http.get("/demo/mail")).json()
        code = next(re.findall(r"\b[0-9]{6}\b", mail["text"])[0] for mail in mails if "確認ID" in mail["subject"])
        await self.say(code)
        await self.sees("連携できました")

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Read beside the running product."""
        return await asyncio.to_thread(self._rows, sql)

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        url = make_url(self.product.settings.database_url)
        engine = create_engine(url.set(drivername="postgresql+psycopg") if "postgresql" in url.drivername else url)
        with engine.connect() as connection:
            found = [tuple(row) for row in connection.execute(text(sql))]
        engine.dispose()
        return found

    async def log_in(self) -> None:
        """The demo's operator at the desk."""
        form = await self.http.get("/desk/login")
        login = {"csrf": token_of(form.text), "login": DEMO_LOGIN, "password": DEMO_PASSWORD}
        assert (await self.http.post("/desk/login", data=login)).status_code == 303


@asynccontextmanager
async def counter(database_url: str, line: LineDouble) -> AsyncIterator[Counter]:
    """The whole product on a loopback port, with demo's data and mailbox."""
    server = uvicorn.Server(uvicorn.Config("unset", port=0, log_level="error", lifespan="on"))
    listening = server.config.bind_socket()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    settings = Settings(
        _env_file=None, database_url=database_url, public_url=url, secret_key="k" * 64,
        line_channel_secret=SECRET, line_channel_token=TOKEN, line_api_url=line.url,
    )  # fmt: skip
    profile = shipped("renewal-notice")
    product = Product(settings, profile, Mode("all", demo=True))
    await asyncio.to_thread(fill, product.database, profile, login=DEMO_LOGIN, password=DEMO_PASSWORD)
    server.config.app = build_app(product)
    line.webhook = f"{url}/webhooks/line"
    serving = asyncio.create_task(server.serve([listening]))
    async with caller(url, WAIT_SECONDS) as client:
        async with asyncio.timeout(WAIT_SECONDS):
            while not server.started:
                await asyncio.sleep(0.01)
        try:
            yield Counter(product, line, client)
        finally:
            server.should_exit = True
            await serving
    assert line.violations == []


@pytest.fixture
async def line() -> AsyncIterator[LineDouble]:
    async with LineDouble() as double:
        yield double


async def expiries(c: Counter) -> dict[str, date]:
    found = await c.rows("SELECT label, expires_on FROM contract WHERE contract_no <= 'C-000005'")
    return {label: date.fromisoformat(str(day)) for label, day in found}


async def renew_two(c: Counter) -> str:
    """Ticks, a term each, no month end, ordered; gives the amount shown."""
    await c.press("更新する")
    await c.sees("更新するご契約を選んで")
    for label in RENEWED:
        await c.press(f"☐ {label}")
        await c.sees(f"☑ {label}")
    await c.press("次へ")
    for label in ("srv004", "srv002"):
        await c.sees(f"「{label}」の契約期間を選んで")
        await c.press("1年")
    await c.sees("月末にそろえますか")
    await c.press("そろえない")
    await c.sees("お支払方法を選んでください")
    await c.press("銀行振込")
    await c.sees("お申し込みの内容をご確認ください", "自動では更新されません")
    await c.press("この内容で申し込む")
    ordered = await c.sees("お申し込みを受け付けました")
    found = re.search(r"お振込額\n([0-9,]+円)", ordered)
    assert found, ordered
    return found[1]


async def confirm_in_the_desk(c: Counter) -> None:
    await c.log_in()
    ((report_id, amount, on),) = await c.rows("SELECT id, amount_yen, paid_on FROM payment_report")
    preview = await c.http.get(f"/desk/reports/{report_id}/confirm", params={"amount": amount, "on": str(on)})
    fields = {name: field_of(preview.text, name) for name in ("csrf", "client_key", "amount", "on", "invoice")}
    assert (await c.http.post(f"/desk/reports/{report_id}/confirm", data=fields)).status_code == 303


async def test_a_member_renews_pays_reports_and_is_reminded(database_url: str, line: LineDouble) -> None:
    async with counter(database_url, line) as c:
        await c.link()
        before = await expiries(c)
        await c.press("利用期限を見る")
        await c.sees("ご契約は5件です")
        amount = await renew_two(c)
        await c.say(f"昨日、山田太郎名義で{amount}振り込みました")
        await c.sees("この内容で担当者に連絡します", amount, "山田太郎")
        await c.press("この内容で連絡する")
        await c.sees("振込のご連絡を受け付けました")
        assert line.called("push") == []  # everything so far was an answer: free

        await confirm_in_the_desk(c)
        after = await expiries(c)
        news = await c.sees("入金を確認しました", *RENEWED)
        for label in RENEWED:
            assert after[label].year == before[label].year + 1
            assert f"{after[label].year}年{after[label].month}月{after[label].day}日" in news
        assert len(line.called("push")) == 1

        moved = await c.http.post("/demo/clock", json={"to": f"{after['srv001'] - timedelta(days=5)}T12:00:00+09:00"})
        assert moved.status_code == 200, moved.text
        reminder = await c.sees("【更新のご案内】", "srv001")
        assert "srv002" not in reminder
        ((sum_yen,),) = await c.rows("SELECT sum(amount_yen) FROM posting")
        assert sum_yen == 0
        assert await c.rows("SELECT status FROM invoice") == [("paid",)]
        assert await c.rows("SELECT id FROM inbox WHERE state <> 'done'") == []


async def test_a_ticket_with_a_photo_is_answered_and_what_was_taken_back_is_gone(
    database_url: str, line: LineDouble
) -> None:
    async with counter(database_url, line) as c:
        await c.link()
        line.content["9001"] = b"\xff\xd8a photo"
        line.preparing.add("9001")  # LINE is still working on it when we first ask
        photo = {"type": "image", "id": "9001", "contentProvider": {"type": "line"}}
        assert await line.deliver(line.event(PERSON, "message", message=photo)) == 200
        await c.sees("どのようなご用件ですか")
        await c.press("技術的な")
        await c.sees("内容を")
        words = line.text(PERSON, "画面が真っ白です。秘密の言葉")
        assert await line.deliver(words) == 200
        await c.sees("この内容で担当者に送ります", "image_9001.jpg")
        await c.press("送信する")
        await c.sees("T-000001")
        async with asyncio.timeout(WAIT_SECONDS):
            while await c.rows("SELECT state FROM stored_file") != [("stored",)]:
                await asyncio.sleep(0.02)

        await c.log_in()
        page = (await c.http.get("/desk/tickets/T-000001")).text
        assert "秘密の言葉" in page and "image_9001.jpg" in page

        back = line.event(PERSON, "unsend", token=False, unsend={"messageId": words["message"]["id"]})
        assert [await line.deliver(back), await line.deliver(back)] == [200, 200]
        page = (await c.http.get("/desk/tickets/T-000001")).text
        assert "秘密の言葉" not in page and "会員が送信を取り消しました" in page
        gone = line.event(PERSON, "unsend", token=False, unsend={"messageId": "9001"})
        assert await line.deliver(gone) == 200
        assert await c.rows("SELECT content, name, state FROM stored_file") == [(None, "-", "erased")]


async def test_members_get_their_own_menu_and_guests_theirs_and_a_tile_is_a_command(
    database_url: str, line: LineDouble
) -> None:
    async with counter(database_url, line) as c:
        target = Target(TOKEN, line.url, "https://madoguchi.example.jp", "#0b6b4f", None)
        assert await set_up(target, c.product.database, lambda words: None)
        await c.link()
        await line.until(lambda: PERSON in line.menu_of)
        member = line.menus[line.menu_of[PERSON]]
        assert member["name"].startswith("madoguchi-member-ja-")
        tile = member["areas"][0]["action"]
        assert tile["displayText"] == "利用期限"
        assert await line.deliver(line.event(PERSON, "postback", postback={"data": tile["data"]})) == 200
        await c.sees("ご契約は5件です")
        await c.say("/unlink")
        await c.sees("連携を解除しますか")
        await c.press("連携を解除する")
        await line.until(lambda: line.menus[line.menu_of[PERSON]]["name"].startswith("madoguchi-guest-ja-"))


async def test_a_redelivered_event_has_one_effect_and_events_are_taken_in_their_order(
    database_url: str, line: LineDouble
) -> None:
    async with counter(database_url, line) as c:
        first, second = line.text(PERSON, "/menu"), line.text(PERSON, "/help")
        second["timestamp"] = first["timestamp"] + 1
        assert await line.deliver(second, first) == 200
        again = {**first, "deliveryContext": {"isRedelivery": True}}
        assert await line.deliver(again) == 200
        await line.until(lambda: len(line.called("reply")) >= 2)
        said = await c.rows("SELECT body FROM message WHERE author = 'member' ORDER BY seq")
        assert ["/menu" in body for (body,) in said] == [True, False]
        assert await c.rows("SELECT count(*) FROM inbox") == [(2,)]


async def test_blocking_is_known_and_what_follows_goes_by_mail(database_url: str, line: LineDouble) -> None:
    async with counter(database_url, line) as c:
        await c.link()
        assert await line.deliver(line.event(PERSON, "unfollow", token=False)) == 200
        assert await c.rows("SELECT reachable FROM chat") in ([(0,)], [(False,)])
        shown = len(line.shown(PERSON))
        day = (await expiries(c))["srv001"] - timedelta(days=5)
        assert (await c.http.post("/demo/clock", json={"to": f"{day}T12:00:00+09:00"})).status_code == 200
        mails = (await c.http.get("/demo/mail")).json()
        assert any("更新のご案内" in mail["subject"] for mail in mails)
        assert len(line.shown(PERSON)) == shown
        assert await line.deliver(line.event(PERSON, "follow", follow={"isUnblocked": True})) == 200
        assert await c.rows("SELECT reachable FROM chat") in ([(1,)], [(True,)])


async def test_a_used_up_reply_token_becomes_a_push_and_an_unclear_push_is_repeated_under_its_key(
    database_url: str, line: LineDouble
) -> None:
    async with counter(database_url, line) as c:
        line.fail("reply", Fault(400, "Invalid reply token"))
        await c.say("/menu")
        await c.sees("窓口です")
        assert [call.status for call in line.called("reply")] == [400] and len(line.called("push")) == 1

        line.fail("reply", Fault(400, "Invalid reply token"))
        line.fail("push", Fault(500, "Internal error"))
        await c.say("/help")
        await line.until(lambda: len(line.called("push")) == 3)
        second, third = line.called("push")[1:]
        assert second.key == third.key and (second.status, third.status) == (500, 200)
        async with asyncio.timeout(WAIT_SECONDS):
            while await c.rows("SELECT state, repeats FROM outbox WHERE channel = 'line'") != [("sent", 0)] * 2:
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("what", ["sticker", "location", "audio", "video", "file", "hologram"])
async def test_whatever_is_sent_gets_an_answer(database_url: str, line: LineDouble, what: str) -> None:
    messages = {
        "sticker": {"type": "sticker", "id": "1", "packageId": "1", "stickerId": "2", "keywords": ["hello"]},
        "location": {
            "type": "location",
            "id": "1",
            "title": "家",
            "address": "東京都",
            "latitude": 35.6,
            "longitude": 139.7,
        },
        "hologram": {"type": "hologram", "id": "1", "depth": 3},
    }
    async with counter(database_url, line) as c:
        line.content["1"] = b"x"
        message = messages.get(what, {"type": what, "id": "1", "fileName": "a.pdf", "fileSize": 3})
        assert await line.deliver(line.event(PERSON, "message", message=message)) == 200
        await line.until(lambda: bool(line.shown(PERSON)))
        assert await c.rows("SELECT state FROM inbox") == [("done",)]


async def test_what_is_no_webhook_of_line_is_refused_and_nothing_is_stored(database_url: str, line: LineDouble) -> None:
    async with counter(database_url, line) as c:
        event = line.text(PERSON, "/menu")
        assert await line.deliver(event, signature="x" * 44) == 401
        assert await line.deliver(event, signature="") == 401
        assert await line.deliver(raw=b"{" + b" " * 5_000_000) == 413
        assert await line.deliver(raw=b'{"events": [') == 400
        assert await line.deliver(raw=b'{"events": {}, "destination": "x"}') == 400
        assert await c.rows("SELECT count(*) FROM inbox") == [(0,)]
        assert await line.deliver() == 200  # the console's Verify button
        assert await line.deliver({**event, "mode": "standby"}) == 200
        assert await c.rows("SELECT count(*) FROM inbox") == [(0,)]
        strange = line.event(PERSON, "teleport")
        assert await line.deliver(strange) == 200
        assert await c.rows("SELECT state FROM inbox") == [("done",)]


async def test_a_month_that_is_used_up_is_seen_at_the_desk_and_nothing_is_lost(
    database_url: str, line: LineDouble
) -> None:
    async with counter(database_url, line) as c:
        await c.link()
        line.quota = (200, 200)
        assert c.product.line is not None
        await c.product.line.read_quota()
        await c.log_in()
        assert "LINEの今月の通数を100%使いました" in (await c.http.get("/desk")).text
        line.fail("reply", Fault(400, "Invalid reply token"))
        await c.say("/menu")
        await line.until(lambda: bool(line.called("push")))
        async with asyncio.timeout(WAIT_SECONDS):
            while not (
                waiting := await c.rows("SELECT state, answer FROM outbox WHERE channel = 'line' AND state <> 'sent'")
            ):
                await asyncio.sleep(0.02)
        assert waiting in ([("queued", "line: monthly quota used up")], [("sending", None)])
