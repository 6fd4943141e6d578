"""Updates of Telegram reach the turn at least once, proved by the secret, confirmed only after the commit."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
import uvicorn
from starlette.applications import Starlette

from adapters.telegram.adapter import TelegramAdapter, TelegramSettings, build
from adapters.telegram.pace import Time
from bot.inbound import Ack, Inbound
from core.clock import ManualClock
from core.db import Database
from core.errors import PermanentError
from core.ids import SeededIds
from core.open_database import open_database
from tests.support.databases import sqlite_database
from tests.support.telegram_double import ACCOUNT, TOKEN, Fault, Shown, TelegramDouble
from tests.support.telegram_rules import Refused

CHAT = 77
SECRET = "a-secret_of-the-operator"
HEADER = "X-Telegram-Bot-Api-Secret-Token"


class Turns:
    """Stands where the turn is: keeps each delivery once, fails when told to, can be held up."""

    def __init__(self) -> None:
        self.kept: list[Inbound] = []
        self.fail: dict[str, int] = {}  # text → how many times it fails before it is kept
        self.toast = ""
        self.changed = asyncio.Condition()
        self.hold: asyncio.Event | None = None
        self.entered = asyncio.Event()

    async def deliver(self, inbound: Inbound) -> Ack:
        self.entered.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.fail.get(inbound.text, 0):
            self.fail[inbound.text] -= 1
            raise ConnectionError("the database is away")
        if any(inbound.delivery_key == kept.delivery_key for kept in self.kept):
            return Ack("duplicate")
        self.kept.append(inbound)
        async with self.changed:
            self.changed.notify_all()
        return Ack("done", toast=self.toast)

    async def until(self, number: int) -> list[str]:
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(lambda: len(self.kept) >= number), 20)
        return [inbound.text for inbound in self.kept]


class Naps:
    """Pauses end at once, and are counted."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramDouble]:
    async with TelegramDouble() as double:
        yield double
        assert double.violations == []


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock, ids: SeededIds) -> Iterator[Database]:
    with sqlite_database(tmp_path) as url:
        database = open_database(url, clock, ids, {})
        yield database
        database.close()


@asynccontextmanager
async def served(make: Callable[[str], TelegramAdapter]) -> AsyncIterator[tuple[TelegramAdapter, str]]:
    """The adapter's routes on a real port: `make` gets the public URL."""
    app = Starlette()
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    listening = server.config.bind_socket()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    adapter = make(url)
    app.router.routes.extend(adapter.routes)
    serving = asyncio.create_task(server.serve([listening]))
    try:
        yield adapter, url
    finally:
        await adapter.stop()
        server.should_exit = True
        await serving


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.fixture
async def hooked(telegram: TelegramDouble, turns: Turns, store: Database) -> AsyncIterator[str]:
    """The product with its webhook set; gives the webhook's address."""

    def make(url: str) -> TelegramAdapter:
        settings = TelegramSettings(TOKEN, "webhook", SECRET, telegram.url, url)
        return build(settings, turns.deliver, store, at=Time(sleep=Naps().sleep))

    async with served(make) as (adapter, url):
        await adapter.start()
        await asyncio.wait_for(adapter.ready.wait(), 20)
        yield f"{url}/webhooks/telegram"


async def post(url: str, body: bytes, secret: str | None = SECRET) -> int:
    headers = {} if secret is None else {HEADER: secret}
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as response:
        return response.status


async def test_start_tells_telegram_where_and_what(telegram: TelegramDouble, hooked: str) -> None:
    assert telegram.webhook["url"] == hooked
    assert telegram.webhook["secret_token"] == SECRET
    assert telegram.webhook["allowed_updates"] == ["message", "edited_message", "callback_query", "my_chat_member"]
    assert set(telegram.commands) == {"ja", "en", ""}
    assert {call.params["scope"]["type"] for call in telegram.called("setMyCommands")} == {"all_private_chats"}
    assert telegram.commands["ja"][0] == {"command": "menu", "description": "メニューを開く"}


async def test_a_message_is_acknowledged_after_its_turn(telegram: TelegramDouble, hooked: str, turns: Turns) -> None:
    turns.hold = asyncio.Event()
    answer = asyncio.create_task(telegram.say(CHAT, "こんにちは"))
    done, _ = await asyncio.wait((answer,), timeout=0.2)
    assert not done  # nothing is acknowledged while the turn runs
    turns.hold.set()
    assert await answer == 200
    assert [(i.text, i.address, i.account) for i in turns.kept] == [("こんにちは", "77", ACCOUNT)]


async def test_a_turn_that_could_not_be_kept_is_repeated_by_telegram(
    telegram: TelegramDouble, hooked: str, turns: Turns
) -> None:
    turns.fail["更新"] = 1
    update = telegram.update(message=telegram.message(CHAT, text="更新"))
    assert [await telegram.deliver(update) for _ in range(3)] == [500, 200, 200]
    assert [inbound.text for inbound in turns.kept] == ["更新"]


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET + "x", "秘密"])
async def test_without_the_secret_nothing_is_stored(
    hooked: str, turns: Turns, telegram: TelegramDouble, secret: str | None
) -> None:
    body = (
        b'{"update_id": 1, "message": {"message_id": 1, "chat": {"id": 1, "type": "private"}, "date": 1, "text": "x"}}'
    )
    assert await post(hooked, body, secret) == 401
    assert turns.kept == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"x" * 1_000_001, 413),
        (b"{broken", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"update_id": "7"}', 400),
        (b"", 400),
        (b'{"update_id": 7}', 200),
        (b'{"update_id": 7, "poll_answer": {}}', 200),
    ],
)
async def test_what_is_no_update_is_refused_and_what_is_not_ours_is_taken_quietly(
    hooked: str, turns: Turns, body: bytes, status: int
) -> None:
    assert await post(hooked, body) == status
    assert turns.kept == []


async def test_a_press_is_answered_with_the_toast(telegram: TelegramDouble, hooked: str, turns: Turns) -> None:
    markup = {"inline_keyboard": [[{"text": "更新する", "callback_data": "c.0.abcd12"}]]}
    telegram.messages[str(CHAT), 9] = Shown(str(CHAT), 9, "?", markup=markup)
    turns.toast = "選びました" + "。" * 300
    assert await telegram.press(CHAT, "更新") == 200
    assert (turns.kept[0].kind, turns.kept[0].handle, turns.kept[0].message_ref) == ("press", "c.0.abcd12", "9")
    await answered(telegram)
    assert next(iter(telegram.answered.values())).startswith("選びました。")


async def answered(telegram: TelegramDouble) -> None:
    await asyncio.wait_for(telegram.until(lambda: bool(telegram.called("answerCallbackQuery"))), 10)


@pytest.mark.parametrize("fault", [Fault(refused=Refused(400, "Bad Request: query is too old")), Fault(after="hang")])
async def test_an_answer_to_a_press_that_fails_does_not_hurt_the_webhook(
    telegram: TelegramDouble, hooked: str, turns: Turns, fault: Fault
) -> None:
    telegram.fail("answerCallbackQuery", fault)
    shown = Shown(str(CHAT), 9, "?", markup={"inline_keyboard": [[{"text": "はい", "callback_data": "c.0.abcd12"}]]})
    assert await asyncio.wait_for(telegram.deliver(telegram.press_update(CHAT, shown, "c.0.abcd12")), 5) == 200
    await answered(telegram)
    assert len(turns.kept) == 1


@asynccontextmanager
async def polling(
    telegram: TelegramDouble, turns: Turns, store: Database, naps: Naps
) -> AsyncIterator[TelegramAdapter]:
    settings = TelegramSettings(TOKEN, "polling", api_url=telegram.url)
    adapter = build(settings, turns.deliver, store, at=Time(sleep=naps.sleep))
    assert adapter.routes == []
    await adapter.start()
    try:
        yield adapter
    finally:
        await adapter.stop()


async def test_polling_takes_updates_in_order_and_needs_no_webhook(
    telegram: TelegramDouble, turns: Turns, store: Database
) -> None:
    telegram.webhook = {"url": ""}
    for number in range(20):
        await telegram.say(CHAT, f"{number}")
    async with polling(telegram, turns, store, Naps()):
        assert await turns.until(20) == [str(number) for number in range(20)]
        await telegram.say(CHAT, "後から")
        assert (await turns.until(21))[-1] == "後から"
        last = int(turns.kept[-1].delivery_key)
        await asyncio.wait_for(telegram.until(lambda: telegram.confirmed_below == last + 1), 20)


async def test_a_webhook_left_over_is_taken_away_before_polling(
    telegram: TelegramDouble, turns: Turns, store: Database
) -> None:
    telegram.webhook = {"url": "https://old.example.jp/hook", "secret_token": "x"}
    async with polling(telegram, turns, store, Naps()) as adapter:
        await asyncio.wait_for(adapter.ready.wait(), 20)
        assert telegram.webhook == {}
        await telegram.say(CHAT, "こんにちは")
        assert await turns.until(1) == ["こんにちは"]


async def test_a_crash_between_fetch_and_commit_loses_nothing(
    telegram: TelegramDouble, turns: Turns, store: Database
) -> None:
    first = telegram.update(message=telegram.message(CHAT, text="一"))
    second = telegram.update(message=telegram.message(CHAT, text="二"))
    dying = Turns()
    dying.hold = asyncio.Event()  # the turn never commits
    settings = TelegramSettings(TOKEN, "polling", api_url=telegram.url)
    crashed = build(settings, dying.deliver, store, at=Time(sleep=Naps().sleep))
    await crashed.start()
    await asyncio.wait_for(crashed.ready.wait(), 20)
    await telegram.deliver(first)
    await telegram.deliver(second)
    await asyncio.wait_for(dying.entered.wait(), 10)
    for task in crashed._tasks:  # as kill -9 would: no goodbye
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*crashed._tasks)
    assert dying.kept == []
    assert telegram.confirmed_below <= first["update_id"]
    await crashed.stop()
    async with polling(telegram, turns, store, Naps()):
        assert await turns.until(2) == ["一", "二"]


async def test_an_update_that_could_not_be_kept_comes_again_and_holds_only_its_own_chat(
    telegram: TelegramDouble, turns: Turns, store: Database
) -> None:
    turns.fail["一"] = 2
    for chat, text in ((CHAT, "一"), (CHAT, "二"), (78, "別の人")):
        await telegram.deliver(telegram.update(message=telegram.message(chat, text=text)))
    naps = Naps()
    async with polling(telegram, turns, store, naps):
        assert await turns.until(3) == ["別の人", "一", "二"]
    assert naps.seconds[:2] == [1.0, 2.0]


async def test_two_pollers_are_told_plainly_and_work_goes_on(
    telegram: TelegramDouble, turns: Turns, store: Database, caplog: pytest.LogCaptureFixture
) -> None:
    conflict = Refused(
        409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
    )
    telegram.fail("getUpdates", Fault(refused=conflict), Fault(raw=(502, "<html>")), Fault(after="drop"))
    await telegram.say(CHAT, "やっと")
    async with polling(telegram, turns, store, Naps()):
        assert await turns.until(1) == ["やっと"]
    assert "another process is polling with this token" in caplog.text
    assert TOKEN not in caplog.text


async def test_stopping_lets_the_running_turn_finish(telegram: TelegramDouble, turns: Turns, store: Database) -> None:
    turns.hold = asyncio.Event()
    await telegram.say(CHAT, "最後")
    async with polling(telegram, turns, store, Naps()) as adapter:
        await asyncio.wait_for(turns.entered.wait(), 10)
        stopping = asyncio.create_task(adapter.stop())
        asyncio.get_running_loop().call_later(0.05, turns.hold.set)
        await asyncio.wait_for(stopping, 10)
        assert [inbound.text for inbound in turns.kept] == ["最後"]


async def test_an_outage_at_the_start_is_told_and_mended_in_the_background(
    telegram: TelegramDouble, turns: Turns, store: Database, caplog: pytest.LogCaptureFixture
) -> None:
    telegram.fail("getMe", Fault(raw=(502, "")), Fault(refused=Refused(401, "Unauthorized")), Fault(after="drop"))
    naps = Naps()
    async with polling(telegram, turns, store, naps) as adapter:  # start itself does not fail or wait
        await asyncio.wait_for(adapter.ready.wait(), 20)
    assert naps.seconds[:3] == [2.0, 5.0, 15.0]
    assert "Telegram is not ready" in caplog.text and "MADOGUCHI_TELEGRAM_TOKEN" in caplog.text
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("token", ["", "abc", "4242", ":AAA", "42x:AAAA", "4242:AA A"])
def test_a_token_that_cannot_be_one_is_refused_in_plain_words(token: str) -> None:
    with pytest.raises(PermanentError, match="MADOGUCHI_TELEGRAM_TOKEN"):
        _ = TelegramSettings(token).account


def test_the_secret_is_derived_from_the_token_when_none_is_set_and_shown_nowhere() -> None:
    settings = TelegramSettings(TOKEN)
    assert settings.secret == TelegramSettings(TOKEN).secret != TelegramSettings(TOKEN + "x").secret
    assert len(settings.secret) == 64
    assert TOKEN not in repr(settings)
    with pytest.raises(PermanentError):
        _ = TelegramSettings(TOKEN, webhook_secret="空白 は不可").secret
