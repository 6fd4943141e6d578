"""Sending through the real python-telegram-bot against a double of the Bot API: every way a send can end has its name."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from telegram import Bot

from adapters.telegram.pace import Time
from adapters.telegram.request import AiohttpRequest
from adapters.telegram.sender import TelegramSender
from bot.screens.model import Button, Card, Check, Checks, Screen, render
from core.clock import ManualClock
from core.db import Database, run
from core.delivery.files import FileContent, find_file, store_file
from core.delivery.ports import OutcomeUnknown, Owed, Sender, Unreachable
from core.errors import PermanentError, TransientError
from core.ids import SeededIds
from core.open_database import open_database
from tests.support.databases import sqlite_database
from tests.support.telegram_double import ACCOUNT, TOKEN, Call, Fault, StepTime, TelegramDouble
from tests.support.telegram_rules import Refused

CHAT = 77
_ids = count(1)


@pytest.fixture
def at() -> StepTime:
    return StepTime()


@pytest.fixture
async def telegram(at: StepTime) -> AsyncIterator[TelegramDouble]:
    async with TelegramDouble(now=at.now) as double:
        yield double
        assert double.violations == []


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock, ids: SeededIds) -> Iterator[Database]:
    with sqlite_database(tmp_path) as url:
        database = open_database(url, clock, ids, {})
        yield database
        database.close()


@pytest.fixture
async def sender(telegram: TelegramDouble, store: Database, at: StepTime) -> AsyncIterator[TelegramSender]:
    async for made in make_sender(telegram.url, store, at):
        yield made


async def make_sender(url: str, store: Database, at: StepTime) -> AsyncIterator[TelegramSender]:
    requests = [AiohttpRequest(api_url=url, read_seconds=0.3) for _ in range(2)]
    bot = Bot(TOKEN, f"{url}/bot", f"{url}/file/bot", request=requests[0], get_updates_request=requests[1])
    yield TelegramSender(bot, store, public_url="https://madoguchi.example.jp", at=Time(at.now, at.sleep))
    for request in requests:
        await request.shutdown()


def owed(body: dict[str, Any] | Screen | str, *, chat: int = CHAT, kind: str = "reply", **more: Any) -> Owed:
    if isinstance(body, str):
        body = Screen(body)
    if isinstance(body, Screen):
        body = render(body, seq=7, key="abc123").body
    payload = {"op": "say", "body": body, "replaces": None, "strip": [], **more}
    return Owed(next(_ids), "telegram", ACCOUNT, str(chat), kind, payload, None, None, 1)


def refusal(status: int, description: str, retry_after: int | None = None) -> Fault:
    return Fault(refused=Refused(status, description, retry_after))


def sends(double: TelegramDouble) -> list[Call]:
    return [call for call in double.calls if call.method.startswith(("send", "edit"))]


def test_it_is_a_sender(sender: TelegramSender) -> None:
    port: Sender = sender
    assert port.channel == "telegram" and port.in_flight <= 30


async def test_a_screen_arrives_as_a_person_sees_it(telegram: TelegramDouble, sender: TelegramSender) -> None:
    screen = Screen(
        "ご契約の一覧です <3",
        cards=(Card("A & B", (("有効期限", "2026年11月22日(日)"),), "有効", "good"),),
        checks=Checks((Check("1", "example.jp", checked=True),), Button("次へ", "go")),
    )
    sent = await sender.send(owed(screen))
    (shown,) = telegram.shown(CHAT)
    assert sent.platform_ref == str(shown.message_id)
    assert shown.text == "ご契約の一覧です <3\n\nA & B  ✅ 有効\n有効期限：2026年11月22日(日)"
    assert [(e["type"], e["length"]) for e in shown.entities] == [("bold", 5)]
    assert shown.labels == ["☑ example.jp", "次へ"]


async def test_a_long_text_arrives_whole_and_in_order(telegram: TelegramDouble, sender: TelegramSender) -> None:
    text = "\n\n".join(f"{n}. " + "あ<&>" * 600 for n in range(5))
    sent = await sender.send(owed(Screen(text, buttons=((Button("次へ", "go"),),))))
    shown = telegram.shown(CHAT)
    assert "\n\n".join(part.text for part in shown) == text
    assert [part.labels for part in shown[:-1]] == [[]] * (len(shown) - 1)
    assert (shown[-1].labels, sent.platform_ref) == (["次へ"], str(shown[-1].message_id))


async def test_the_living_bubble_is_redrawn_in_place(telegram: TelegramDouble, sender: TelegramSender) -> None:
    first = await sender.send(owed("一つ目"))
    again = await sender.send(owed("二つ目", replaces=first.platform_ref))
    (shown,) = telegram.shown(CHAT)
    assert (again.platform_ref, shown.text, shown.edits) == (first.platform_ref, "二つ目", 1)


async def test_redrawing_the_same_is_a_success(telegram: TelegramDouble, sender: TelegramSender) -> None:
    first = await sender.send(owed("同じ"))
    assert (await sender.send(owed("同じ", replaces=first.platform_ref))).platform_ref == first.platform_ref
    assert len(telegram.shown(CHAT)) == 1


@pytest.mark.parametrize("gone", ["deleted", "too old", "a file", "nonsense"])
async def test_what_cannot_be_redrawn_is_sent_anew(telegram: TelegramDouble, sender: TelegramSender, gone: str) -> None:
    first = await sender.send(owed("一つ目"))
    ref = first.platform_ref
    if gone == "deleted":
        telegram.forget(CHAT, int(ref))
    elif gone == "too old":
        telegram.fail("editMessageText", refusal(400, "Bad Request: message can't be edited"))
    elif gone == "a file":
        telegram.messages[str(CHAT), int(ref)].file = ("a.png", b"x")
    else:
        ref = "web-12"
    sent = await sender.send(owed("二つ目", replaces=ref))
    assert sent.platform_ref != first.platform_ref
    assert telegram.shown(CHAT)[-1].text == "二つ目"


async def test_old_keyboards_are_taken_away_and_failing_at_it_hurts_nobody(
    telegram: TelegramDouble, sender: TelegramSender
) -> None:
    with_button = Screen("どれ?", buttons=((Button("これ", "x"),),))
    refs = [(await sender.send(owed(with_button))).platform_ref for _ in range(2)]
    sent = await sender.send(owed("済みました", strip=["999", *refs]))
    assert sent.platform_ref
    assert [message.labels for message in telegram.shown(CHAT)] == [[], [], []]


async def test_markup_that_telegram_cannot_read_goes_out_as_plain_text(
    telegram: TelegramDouble, sender: TelegramSender
) -> None:
    telegram.fail(
        "sendMessage", refusal(400, 'Bad Request: can\'t parse entities: Unsupported start tag "x" at byte offset 3')
    )
    await sender.send(owed(Screen("こんにちは", cards=(Card("題"),))))
    (shown,) = telegram.shown(CHAT)
    assert (shown.text, shown.entities) == ("こんにちは\n\n題", [])


async def test_429_waits_as_long_as_it_says_and_holds_the_whole_lane(
    telegram: TelegramDouble, sender: TelegramSender, at: StepTime
) -> None:
    telegram.fail("sendMessage", refusal(429, "Too Many Requests: retry after 9", 9))
    with pytest.raises(TransientError) as caught:
        await sender.send(owed("一"))
    assert caught.value.retry_after == 9
    started = at.now()
    await sender.send(owed("二", chat=78))
    assert sends(telegram)[-1].at >= started + 9


@pytest.mark.parametrize(
    ("status", "description", "expected"),
    [
        (403, "Forbidden: bot was blocked by the user", Unreachable),
        (403, "Forbidden: user is deactivated", Unreachable),
        (400, "Bad Request: chat not found", Unreachable),
        (400, "Bad Request: BUTTON_DATA_INVALID", PermanentError),
        (401, "Unauthorized", TransientError),
        (500, "Internal Server Error", TransientError),
    ],
)
async def test_a_refusal_says_what_follows_from_it(
    telegram: TelegramDouble, sender: TelegramSender, status: int, description: str, expected: type[Exception]
) -> None:
    telegram.fail("sendMessage", refusal(status, description))
    with pytest.raises(expected) as caught:
        await sender.send(owed("秘密の言葉"))
    assert type(caught.value) is expected
    assert TOKEN not in str(caught.value) and "秘密" not in str(caught.value)
    assert telegram.shown(CHAT) == []


@pytest.mark.parametrize("lost", ["hang", "drop", "gateway"])
async def test_no_answer_after_the_request_left_is_unknown_never_not_sent(
    telegram: TelegramDouble, sender: TelegramSender, lost: Any
) -> None:
    telegram.fail("sendMessage", Fault(raw=(502, "<html>")) if lost == "gateway" else Fault(after=lost))
    with pytest.raises(OutcomeUnknown) as caught:
        await sender.send(owed("一"))
    assert TOKEN not in str(caught.value)
    assert len(telegram.called("sendMessage")) == 1  # never repeated on its own account


async def test_an_outage_makes_one_message_unclear_and_not_all_of_them(
    telegram: TelegramDouble, sender: TelegramSender
) -> None:
    telegram.down = True
    with pytest.raises(OutcomeUnknown):
        await sender.send(owed("一"))
    for _ in range(3):
        with pytest.raises(TransientError):
            await sender.send(owed("二", kind="reminder"))
    assert len(telegram.called("sendMessage")) == 1
    telegram.down = False
    await sender.send(owed("二", kind="reminder"))
    assert [message.text for message in telegram.shown(CHAT)] == ["二"]


async def test_an_unclear_redrawing_may_be_repeated(telegram: TelegramDouble, sender: TelegramSender) -> None:
    first = await sender.send(owed("一つ目"))
    telegram.fail("editMessageText", Fault(after="drop"))
    again = owed("二つ目", replaces=first.platform_ref)
    with pytest.raises(TransientError):
        await sender.send(again)
    assert (await sender.send(again)).platform_ref == first.platform_ref
    assert [message.text for message in telegram.shown(CHAT)] == ["二つ目"]


async def test_a_refused_connection_was_certainly_not_sent(store: Database, at: StepTime) -> None:
    async with TelegramDouble() as gone:
        url = gone.url
    async for sender in make_sender(url, store, at):
        with pytest.raises(TransientError):
            await sender.send(owed("一"))


async def test_parts_that_arrived_are_not_sent_twice_by_the_next_try(
    telegram: TelegramDouble, sender: TelegramSender
) -> None:
    long = owed("\n\n".join(mark * 3000 for mark in "あいう"))
    telegram.fail("sendMessage", Fault(), refusal(500, "Internal Server Error"))
    with pytest.raises(TransientError):
        await sender.send(long)
    await sender.send(long)
    assert [message.text[0] for message in telegram.shown(CHAT)] == ["あ", "い", "う"]


async def test_100_messages_never_put_31_into_one_second(telegram: TelegramDouble, sender: TelegramSender) -> None:
    for chat in range(1, 101):
        await sender.send(owed("お知らせ", chat=chat, kind="notice"))
    times = [call.at for call in sends(telegram)]
    assert len(times) == 100
    assert all(later - first > 1.0 for first, later in zip(times, times[30:], strict=False))
    assert times[-1] - times[0] < 60  # not one a second, however busy the machine
    assert {call.status for call in sends(telegram)} == {200}  # the double refuses the 31st, as Telegram does


async def test_a_group_gets_at_most_20_a_minute(telegram: TelegramDouble, sender: TelegramSender) -> None:
    for _ in range(45):
        await sender.send(owed("連絡", chat=-500))
    assert {call.status for call in sends(telegram)} == {200}


async def test_files_of_the_store_go_out_as_picture_or_document(
    telegram: TelegramDouble, sender: TelegramSender, store: Database
) -> None:
    png, pdf = (
        run(
            store,
            lambda tx, name=name, mime=mime: store_file(tx, chat_id=None, name=name, mime=mime, content=name.encode()),
        )
        for name, mime in (("図.png", "image/png"), ("領収書.pdf", "application/pdf"))
    )
    files = [
        {"file_id": str(f.id), "name": f.name, "mime": f.mime, "size_bytes": f.size_bytes, "token": f.token}
        for f in (png, pdf)
    ]
    await sender.send(
        owed({"v": 1, "text": "お送りします。", "files": files, "author": "staff", "author_name": "佐藤"})
    )
    shown = telegram.shown(CHAT)
    assert [message.file for message in shown] == [
        ("図.png", "図.png".encode()),
        ("領収書.pdf", "領収書.pdf".encode()),
        None,
    ]
    assert shown[-1].text == "担当 佐藤：\nお送りします。"
    assert [call.method for call in sends(telegram)] == ["sendPhoto", "sendDocument", "sendMessage"]


async def fetch(
    sender: TelegramSender, store: Database, content: bytes | None, telegram: TelegramDouble
) -> FileContent:
    pending = run(
        store, lambda tx: store_file(tx, chat_id=None, name="a.jpg", mime="image/jpeg", content=None, remote_ref="F1")
    )
    if content is not None:
        telegram.files["F1"] = content
    payload = {"op": "fetch", "file_id": pending.id, "remote_ref": "F1"}
    try:
        await sender.send(Owed(next(_ids), "telegram", ACCOUNT, str(CHAT), "fetch", payload, None, None, 1))
    finally:
        found = run(store, lambda tx: find_file(tx, token=pending.token))
        assert found is not None
        fetched = found
    return fetched


async def test_a_file_of_a_member_is_brought_into_the_store(
    telegram: TelegramDouble, sender: TelegramSender, store: Database
) -> None:
    fetched = await fetch(sender, store, b"\x00picture" * 1000, telegram)
    assert (fetched.state, fetched.content, fetched.size_bytes) == ("stored", b"\x00picture" * 1000, 8000)


async def test_a_file_that_will_never_come_is_marked_as_failed(
    telegram: TelegramDouble, sender: TelegramSender, store: Database
) -> None:
    pending = run(
        store, lambda tx: store_file(tx, chat_id=None, name="a.jpg", mime="image/jpeg", content=None, remote_ref="F9")
    )
    payload = {"op": "fetch", "file_id": pending.id, "remote_ref": "F9"}
    with pytest.raises(PermanentError):
        await sender.send(Owed(next(_ids), "telegram", ACCOUNT, str(CHAT), "fetch", payload, None, None, 1))
    found = run(store, lambda tx: find_file(tx, token=pending.token))
    assert found is not None and found.state == "failed"


async def test_a_fetch_without_an_answer_is_simply_tried_again(
    telegram: TelegramDouble, sender: TelegramSender, store: Database
) -> None:
    telegram.fail("getFile", Fault(after="drop"))
    with pytest.raises(TransientError):
        await fetch(sender, store, b"x", telegram)
    assert (await fetch(sender, store, b"x", telegram)).state == "stored"
