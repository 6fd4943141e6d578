"""The counter in Telegram: the product as it is started, the real python-telegram-bot, Telegram's HTTP interface played by a
double. What the person sees in the chat, what was called, and what the rows hold."""

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

from bot.app import DEMO_LOGIN, DEMO_PASSWORD, Mode, Product, build_app
from bot.demo import fill
from bot.settings import Settings
from tests.support.desk import field_of, token_of
from tests.support.loopback import caller
from tests.support.profiles import shipped
from tests.support.telegram_double import TOKEN, Fault, Shown, TelegramDouble
from tests.support.telegram_rules import Refused

CHAT = 77
WAIT_SECONDS = 60
RENEWED = ("srv002", "srv004")


@dataclass
class Counter:
    """A running product and one person's Telegram chat with it."""

    product: Product
    telegram: TelegramDouble
    url: str
    http: httpx.AsyncClient

    @property
    def newest(self) -> Shown:
        """The last message in the chat."""
        return self.telegram.shown(CHAT)[-1]

    async def sees(self, *texts: str) -> Shown:
        """Some message on the screen says all of this, now or soon; the newest such."""

        def found() -> list[Shown]:
            return [shown for shown in self.telegram.shown(CHAT) if all(part in shown.text for part in texts)]

        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                await self.telegram.until(lambda: bool(found()))
        assert found(), f"{texts} not among:\n" + "\n---\n".join(shown.text for shown in self.telegram.shown(CHAT))
        return found()[-1]

    async def say(self, words: str) -> None:
        assert await self.telegram.say(CHAT, words) in (0, 200)

    async def press(self, label: str) -> None:
        assert await self.telegram.press(CHAT, label) in (0, 200)

    async def code(self) -> str:
        """The newest confirmation ID in the demo's mailbox."""
        mails = (await self.http.get("/demo/mail")).json()
        return next(re.findall(r"\b[0-9]{6}\b", mail["text"])[0] for mail in mails if "確認ID" in mail["subject"])

    async def link(self, hello: str = "窓口です") -> None:
        """From /start to a linked chat."""
        await self.say("/start")
        await self.sees(hello)
        await self.press("会員と連携する")
        await self.sees("会員番号を入力してください")
        await self.say("M-000001")
        await self.sees("ご登録のメールアドレス")
        await self.say("taro.yamada@example.jp")
        await self.sees("6桁の確認ID")
        await self.say(await self.code())
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

    def counts(self) -> tuple[int, int]:
        """How many messages were sent, how many were drawn anew."""
        return len(self.telegram.called("sendMessage")), len(self.telegram.called("editMessageText"))


@asynccontextmanager
async def counter(database_url: str, telegram: TelegramDouble, mode: str) -> AsyncIterator[Counter]:
    """The whole product on a loopback port, with demo's data and mailbox."""
    server = uvicorn.Server(uvicorn.Config("unset", port=0, log_level="error", lifespan="on"))
    listening = server.config.bind_socket()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    settings = Settings(
        _env_file=None, database_url=database_url, public_url=url, secret_key="k" * 64,
        telegram_token=TOKEN, telegram_mode=mode, telegram_api_url=telegram.url,
    )  # fmt: skip
    profile = shipped("renewal-notice")
    product = Product(settings, profile, Mode("all", demo=True))
    await asyncio.to_thread(fill, product.database, profile, login=DEMO_LOGIN, password=DEMO_PASSWORD)
    server.config.app = build_app(product)
    serving = asyncio.create_task(server.serve([listening]))
    assert product.telegram is not None
    async with caller(url, WAIT_SECONDS) as client:
        await asyncio.wait_for(product.telegram.ready.wait(), WAIT_SECONDS)
        try:
            yield Counter(product, telegram, url, client)
        finally:
            server.should_exit = True
            await serving
    assert telegram.violations == []


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramDouble]:
    async with TelegramDouble() as double:
        yield double


async def confirm_in_the_desk(c: Counter) -> None:
    """The operator logs in, opens the report and confirms it, over HTTP as without script."""
    form = await c.http.get("/desk/login")
    login = {"csrf": token_of(form.text), "login": DEMO_LOGIN, "password": DEMO_PASSWORD}
    assert (await c.http.post("/desk/login", data=login)).status_code == 303
    ticket = await c.http.get("/desk/tickets/T-000001")
    ((report_id, amount, on),) = await c.rows("SELECT id, amount_yen, paid_on FROM payment_report")
    assert f"/desk/reports/{report_id}/confirm" in ticket.text
    preview = await c.http.get(f"/desk/reports/{report_id}/confirm", params={"amount": amount, "on": str(on)})
    fields = {name: field_of(preview.text, name) for name in ("csrf", "client_key", "amount", "on", "invoice")}
    confirmed = await c.http.post(f"/desk/reports/{report_id}/confirm", data=fields)
    assert confirmed.status_code == 303, confirmed.text


async def test_a_member_renews_pays_reports_and_is_reminded(database_url: str, telegram: TelegramDouble) -> None:
    async with counter(database_url, telegram, "webhook") as c:
        await c.link()
        before = await expiries(c)
        sent, edited = c.counts()

        await c.press("利用期限を見る")
        await c.sees("ご契約は5件です", "srv004", "猶予期間")
        assert c.counts() == (sent, edited + 1)  # the same bubble, drawn anew

        amount = await renew_two(c)
        assert c.counts() == (sent, edited + 10), "a form is one bubble that changes, not a flood"
        old = c.newest
        old_data = old.buttons[0]["callback_data"]

        await c.say(f"昨日、山田太郎名義で{amount}振り込みました")
        report = await c.sees("この内容で担当者に連絡します", amount, "山田太郎")
        assert report is not old and c.counts()[0] == sent + 1
        await c.press("この内容で連絡する")
        await c.sees("振込のご連絡を受け付けました")
        await harm_of_an_old_button(c, old, old_data)

        await confirm_in_the_desk(c)
        after = await expiries(c)
        news = await c.sees("入金を確認しました", *RENEWED)
        for label in RENEWED:
            assert after[label].year == before[label].year + 1
            assert f"{after[label].year}年{after[label].month}月{after[label].day}日" in news.text

        sent = c.counts()[0]
        await travel(c, after["srv001"] - timedelta(days=5))
        reminder = await c.sees("【更新のご案内】", "srv001")
        assert "srv002" not in reminder.text
        assert "更新する" in reminder.labels
        assert c.counts()[0] > sent  # a message of its own: it rings
        await a_blocked_bot_means_mail(c, after["srv001"])
        ((sum_yen,),) = await c.rows("SELECT sum(amount_yen) FROM posting")
        assert sum_yen == 0
        assert await c.rows("SELECT status FROM invoice") == [("paid",)]
        assert await c.rows("SELECT id FROM inbox WHERE state <> 'done'") == []


async def expiries(c: Counter) -> dict[str, date]:
    found = await c.rows("SELECT label, expires_on FROM contract WHERE contract_no <= 'C-000005'")
    return {label: date.fromisoformat(str(day)) for label, day in found}


async def renew_two(c: Counter) -> str:
    """Toggles in the keyboard, a term each, no month end, ordered; gives the amount shown. A bubble changes nine times."""
    await c.press("更新する")
    await c.sees("更新するご契約を選んで")
    for label in RENEWED:
        await c.press(f"☐ {label}")
        await c.telegram.until(lambda label=label: f"☑ {label}" in c.newest.labels)
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
    found = re.search(r"お振込額：([0-9,]+円)", ordered.text)
    assert found
    return found[1]


async def harm_of_an_old_button(c: Counter, old: Shown, data: str) -> None:
    """None: what it opened is answered with the state of today; one delivery twice has one effect."""
    ((reports,),) = await c.rows("SELECT count(*) FROM payment_report")
    update = c.telegram.press_update(CHAT, old, data)
    assert await c.telegram.deliver(update) == 200
    ((messages,),) = await c.rows("SELECT count(*) FROM message")
    assert await c.telegram.deliver(update) == 200
    assert await c.rows("SELECT count(*) FROM message") == [(messages,)]
    assert await c.rows("SELECT count(*) FROM payment_report") == [(reports,)]
    assert update["callback_query"]["id"] in c.telegram.answered  # the press stops spinning


async def travel(c: Counter, day: date) -> None:
    """To noon of a day, when its reminders have left."""
    moved = await c.http.post("/demo/clock", json={"to": f"{day}T12:00:00+09:00"})
    assert moved.status_code == 200, moved.text


async def own_mails(c: Counter) -> list[dict[str, str]]:
    """The member's mails, newest first."""
    return [mail for mail in (await c.http.get("/demo/mail")).json() if mail["to"] == "taro.yamada@example.jp"]


async def a_blocked_bot_means_mail(c: Counter, last_day: date) -> None:
    """Once Telegram says so, what follows goes by mail alone; when the person is back, here again."""
    shown = len(c.telegram.shown(CHAT))
    c.telegram.fail("sendMessage", Fault(refused=Refused(403, "Forbidden: bot was blocked by the user")))
    await travel(c, last_day)
    assert await c.rows("SELECT reachable FROM chat") in ([(0,)], [(False,)])
    mails = await own_mails(c)
    assert "本日まで" in mails[0]["text"]  # the reminder that could not be delivered went by mail too
    await travel(c, last_day + timedelta(days=1))
    newest = await own_mails(c)
    assert len(newest) == len(mails) + 1 and "更新のご案内" in newest[0]["subject"]
    assert len(c.telegram.shown(CHAT)) == shown
    assert await c.rows("SELECT kind, state FROM outbox WHERE channel = 'telegram' AND state <> 'sent'") == [
        ("reminder", "mailed")  # the chat was found gone: by mail instead
    ]
    await c.say("/menu")
    await c.telegram.until(lambda: len(c.telegram.shown(CHAT)) == shown + 1)


async def test_polling_links_and_shows_the_expiry(database_url: str, telegram: TelegramDouble) -> None:
    async with counter(database_url, telegram, "polling") as c:
        await c.link()
        await c.press("利用期限を見る")
        await c.sees("ご契約は5件です")
        assert telegram.called("getUpdates") and not telegram.called("setWebhook")


async def test_markup_in_a_members_name_is_shown_as_typed(database_url: str, telegram: TelegramDouble) -> None:
    async with counter(database_url, telegram, "webhook") as c:
        await asyncio.to_thread(_rename, database_url, "<b>山田</b> & <i>太郎")
        await c.link()
        linked = await c.sees("連携できました。<b>山田</b> & <i>太郎様")
        assert linked.entities == []
        await c.say("/menu")
        await c.sees("ご用件")


def _rename(database_url: str, name: str) -> None:
    url = make_url(database_url)
    engine = create_engine(url.set(drivername="postgresql+psycopg") if "postgresql" in url.drivername else url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE member SET name = :name WHERE member_no = 'M-000001'"), {"name": name})
    engine.dispose()
