"""The web chat's HTTP interface: sessions, acts exactly once, files, history, live events; over a real server."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import aiohttp
import orjson
import pytest
from sqlalchemy import func, select
from starlette.applications import Starlette
from yarl import URL

from adapters.webchat import WebchatSender, WebchatSettings, build
from adapters.webchat.files import clean_mime, clean_name
from adapters.webchat.session import COOKIE, address_of
from bot.screens.model import Screen
from core.clock import ManualClock
from core.db import SHUTDOWN_TOPIC, Database, run
from core.delivery.files import MAX_FILE_BYTES, store_file
from core.delivery.ports import Owed
from core.delivery.tables import StoredFile
from core.dialogue.service import find_chat
from core.dialogue.tables import Chat
from core.errors import PermanentError
from core.ids import SeededIds
from core.open_database import open_database
from core.statements import Read
from tests.support.databases import sqlite_database
from tests.support.loopback import serve
from tests.support.scripted_counter import ScriptedCounter

KEY = "0123456789abcdef"
SAME = {"Sec-Fetch-Site": "same-origin"}
SETTINGS = WebchatSettings(secret_key="k" * 32, secure_cookies=False, operator=lambda: "<b>みどり</b>サーバー")


class Count(NamedTuple):
    n: int


FILES = Read(Count, select(func.count()).select_from(StoredFile))
CHATS = Read(Count, select(func.count()).select_from(Chat))


@pytest.fixture
def embedded(tmp_path: Path, clock: ManualClock, ids: SeededIds) -> Iterator[Database]:
    with sqlite_database(tmp_path) as url:
        opened = open_database(url, clock, ids, {})
        yield opened
        opened.close()


@pytest.fixture
def counter(embedded: Database) -> ScriptedCounter:
    return ScriptedCounter(embedded)


@pytest.fixture
def base(embedded: Database, counter: ScriptedCounter) -> Iterator[str]:
    app = Starlette(routes=list(build(database=embedded, deliver=counter.deliver, settings=SETTINGS)))
    with serve(app, before_exit=lambda: embedded.wakeups.publish([SHUTDOWN_TOPIC])) as url:
        yield url


@dataclass
class Browser:
    """One browser's session."""

    http: aiohttp.ClientSession
    address: str = ""
    last_seq: int = 0
    keys: Iterator[int] = field(default_factory=lambda: iter(range(10_000)))

    async def open(self) -> "Browser":
        async with self.http.get("/chat") as answer:
            self.address = address_of(answer.cookies[COOKIE].value)
        return self

    async def act(self, *, headers: dict[str, str] = SAME, status: int = 200, **content: object) -> dict[str, object]:
        data = {"key": f"{KEY}{next(self.keys)}", "kind": "text", "text": "こんにちは", **content}
        return await self.send(orjson.dumps(data), headers=headers, status=status)

    async def send(self, body: bytes, *, headers: dict[str, str] = SAME, status: int = 200) -> dict[str, object]:
        async with self.http.post("/chat/inbound", data=body, headers=headers) as answer:
            assert answer.status == status, await answer.text()
            return orjson.loads(await answer.read())

    async def upload(self, content: bytes, *, status: int = 200, key: str = KEY, name: str = "明細.png",
                     mime: str = "image/png") -> dict[str, object]:  # fmt: skip
        where = self.http.post(
            "/chat/files", params={"key": key, "name": name}, data=content, headers={**SAME, "Content-Type": mime}
        )
        async with where as answer:
            assert answer.status == status, await answer.text()
            return orjson.loads(await answer.read())

    async def get(self, path: str, *, status: int = 200) -> dict[str, object]:
        async with self.http.get(path) as answer:
            assert answer.status == status, await answer.text()
            return orjson.loads(await answer.read())

    async def events(self, query: str = "", headers: dict[str, str] | None = None) -> AsyncIterator[dict[str, object]]:
        """Messages of the live stream: {id, event, data}."""
        async with self.http.get(f"/chat/events{query}", headers=headers or {}) as answer:
            assert answer.status == 200 and answer.content_type == "text/event-stream"
            event: dict[str, object] = {}
            async for raw in answer.content:
                name, _, value = raw.decode().rstrip("\n").partition(": ")
                if name in ("id", "event", "data"):
                    event[name] = orjson.loads(value) if name == "data" else value
                elif not name and event:
                    yield event
                    event = {}


@pytest.fixture
async def sessions(base: str) -> AsyncIterator[list[aiohttp.ClientSession]]:
    opened: list[aiohttp.ClientSession] = [
        aiohttp.ClientSession(base, cookie_jar=aiohttp.CookieJar(unsafe=True)) for _ in range(2)
    ]
    yield opened
    for session in opened:
        await session.close()


@pytest.fixture
async def browser(sessions: list[aiohttp.ClientSession]) -> Browser:
    return await Browser(sessions[0]).open()


@pytest.fixture
async def stranger(sessions: list[aiohttp.ClientSession]) -> Browser:
    return await Browser(sessions[1]).open()


async def next_message(events: AsyncIterator[dict[str, object]]) -> dict[str, object]:
    async with asyncio.timeout(5):
        async for event in events:
            if event["event"] == "message":
                return event
    raise AssertionError("the stream ended")


async def test_the_page_makes_a_session_that_scripts_cannot_read_and_keeps_it(browser: Browser) -> None:
    async with browser.http.get("/chat") as answer:
        cookie = answer.headers["Set-Cookie"]
        page = await answer.text()
    assert address_of(answer.cookies[COOKIE].value) == browser.address
    for part in ("HttpOnly", "SameSite=lax", "Max-Age=31536000", "Path=/chat"):
        assert part in cookie
    assert "&lt;b&gt;みどり&lt;/b&gt;サーバー" in page and "<b>" not in page
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*src=)|style=|\son\w+=|https?://(?!www\.w3\.org)", page)


async def test_static_files_are_kept_for_good_under_their_version_only(browser: Browser) -> None:
    async with browser.http.get("/chat") as answer:
        path = re.search(r'src="(/chat/static/\w+/chat\.js)"', await answer.text())
    assert path
    async with browser.http.get(path[1]) as answer:
        assert answer.status == 200 and answer.content_type == "text/javascript"
        assert "immutable" in answer.headers["Cache-Control"]
    async with browser.http.get("/chat/static/000000000000/chat.js") as answer:
        assert answer.status == 200 and answer.headers["Cache-Control"] == "no-cache"
    assert await browser.get("/chat/static/0/chat.html", status=404) == {"error": "no_asset"}
    async with browser.http.get(URL("/chat/static/0/..%2froutes.py", encoded=True)) as answer:
        assert answer.status == 404


async def test_nothing_is_taken_without_a_session_of_ours(browser: Browser, counter: ScriptedCounter) -> None:
    browser.http.cookie_jar.clear()
    assert await browser.act(status=401) == {"error": "no_session"}
    browser.http.cookie_jar.update_cookies({COOKIE: "a" * 43 + "." + "0" * 32})
    assert await browser.act(status=401) == {"error": "no_session"}
    assert await browser.get("/chat/messages", status=401) == {"error": "no_session"}
    assert counter.attempts == 0


async def test_another_site_cannot_act_for_a_member(base: str, browser: Browser, counter: ScriptedCounter) -> None:
    for headers in (
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
    ):
        assert await browser.act(headers=headers, status=403) == {"error": "other_origin"}
    assert counter.attempts == 0
    assert (await browser.act(headers={"Origin": base}))["outcome"] == "done"


async def test_the_same_key_again_has_the_same_answer_and_no_second_effect(
    browser: Browser, stranger: Browser, counter: ScriptedCounter
) -> None:
    first = await browser.act(key=KEY)
    again = await browser.act(key=KEY)
    assert (first["outcome"], again["outcome"]) == ("done", "duplicate")
    assert again["last_seq"] == first["last_seq"] == 2
    assert len(counter.received) == 1
    await stranger.act(key=KEY)  # keys are a chat's own
    assert len(counter.received) == 2


async def test_a_press_arrives_with_its_handle_its_ticks_and_the_page_language(
    browser: Browser, counter: ScriptedCounter
) -> None:
    await browser.act(kind="press", text=None, handle="1.0.abcd", chosen=["C-1", "C-2"], lang="en")
    await browser.act(kind="date", text=None, handle="1.1.abcd", date="2026-11-22")
    press, day = counter.received
    assert (press.handle, press.chosen, press.language_hint) == ("1.0.abcd", ("C-1", "C-2"), "en")
    assert (day.kind, day.date, day.chosen) == ("date", "2026-11-22", None)
    assert press.address == browser.address and press.chat_key == f"webchat:web:{browser.address}"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{", "broken_json"),
        (b"[1]", "broken_json"),
        (b'{"kind": "text", "text": "\xff", "key": "0123456789"}', "broken_json"),
        (b'{"kind": "fly", "key": "0123456789"}', "unknown_kind"),
        (b'{"kind": ["text"], "key": "0123456789"}', "unknown_kind"),
        (b'{"kind": "text", "text": " \\n", "key": "0123456789"}', "empty_text"),
        (b'{"kind": "text", "text": 5, "key": "0123456789"}', "bad_text"),
        (b'{"kind": "text", "text": "a", "key": "short"}', "bad_key"),
        (b'{"kind": "text", "text": "a", "key": 12345678}', "bad_key"),
        (b'{"kind": "press", "key": "0123456789"}', "bad_handle"),
        (b'{"kind": "press", "handle": "1.0.abcd", "chosen": [1], "key": "0123456789"}', "bad_chosen"),
        (b'{"kind": "date", "handle": "1.0.abcd", "date": "2026-02-31", "key": "0123456789"}', "bad_date"),
    ],
)
async def test_bad_input_is_refused_with_a_code(
    browser: Browser, counter: ScriptedCounter, body: bytes, error: str
) -> None:
    assert await browser.send(body, status=400) == {"error": error}
    assert counter.attempts == 0


async def test_a_text_over_ten_thousand_characters_is_cut_and_one_over_64_kb_refused(
    browser: Browser, counter: ScriptedCounter
) -> None:
    await browser.act(text="漢" * 10_001)
    await browser.act(text="a" * 10_000)
    assert [(len(inbound.text), inbound.cut) for inbound in counter.received] == [(10_000, True), (10_000, False)]
    refused = await browser.act(text="漢" * 25_000, status=413)
    assert refused == {"error": "too_large", "limit_bytes": 64_000}
    assert len(counter.received) == 2


async def test_a_database_that_cannot_take_it_now_says_so(browser: Browser, counter: ScriptedCounter) -> None:
    counter.broken = True
    assert await browser.act(status=503) == {"error": "busy"}


async def test_history_comes_in_pages_in_both_directions(browser: Browser) -> None:
    assert await browser.get("/chat/messages") == {"messages": [], "last_seq": 0, "language": None}
    for n in range(4):
        await browser.act(text=f"{n}番目")

    async def seqs(query: str) -> list[int]:
        return [m["seq"] for m in (await browser.get(f"/chat/messages?{query}"))["messages"]]

    assert await seqs("limit=3") == [6, 7, 8]
    assert await seqs("before=6&limit=3") == [3, 4, 5]
    assert await seqs("after=5") == [6, 7, 8]
    assert await browser.get("/chat/messages?after=-1", status=400) == {"error": "bad_number"}
    message = (await browser.get("/chat/messages?after=7"))["messages"][0]
    assert message.keys() == {"seq", "author", "author_name", "kind", "body", "at", "edited_at"}


async def test_one_browser_never_sees_the_chat_of_another(browser: Browser, stranger: Browser) -> None:
    await browser.act(text="秘密です")
    assert await stranger.get("/chat/messages") == {"messages": [], "last_seq": 0, "language": None}


async def test_a_file_is_kept_once_and_only_its_own_chat_can_fetch_it(
    embedded: Database, browser: Browser, stranger: Browser, counter: ScriptedCounter
) -> None:
    await browser.act()
    await stranger.act()
    content = b"\x89PNG\r\n\x1a\n" + bytes(5_000)
    first = await browser.upload(content)
    again = await browser.upload(content)
    assert (first["outcome"], again["outcome"], again["last_seq"]) == ("done", "duplicate", first["last_seq"])
    assert run(embedded, lambda tx: tx.one(FILES)).n == 1
    assert [f.name for f in counter.received[-1].files] == ["明細.png"] and counter.received[-1].kind == "file"
    token = (await browser.get("/chat/messages?after=2"))["messages"][0]["body"]["files"][0]["token"]
    async with browser.http.get(f"/chat/files/{token}") as answer:
        assert await answer.read() == content
        assert answer.content_type == "image/png"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Disposition"].startswith("inline; filename*=UTF-8''%E6%98%8E")
    assert await stranger.get(f"/chat/files/{token}", status=404) == {"error": "no_file"}


async def test_a_page_sent_as_file_is_never_run_in_our_name(embedded: Database, browser: Browser) -> None:
    await browser.act()

    def staff_sends(tx: object) -> str:
        chat = find_chat(tx, channel="webchat", account="web", address=browser.address)
        return store_file(tx, chat_id=chat.id, name="a.html", mime="text/html", content=b"<script>1</script>").token

    async with browser.http.get(f"/chat/files/{run(embedded, staff_sends)}") as answer:
        assert answer.content_type == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["Content-Security-Policy"]


async def test_thirty_megabytes_are_refused_whether_announced_or_not_and_nothing_is_stored(
    embedded: Database, browser: Browser, counter: ScriptedCounter
) -> None:
    await browser.act()

    async def unannounced() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield bytes(1_000_000)

    refusal = {"error": "too_large", "limit_bytes": MAX_FILE_BYTES}
    assert await browser.upload(bytes(30_000_000), status=413) == refusal
    assert await browser.upload(unannounced(), status=413, key=KEY + "x") == refusal
    assert await browser.upload(b"", status=400, key=KEY + "y") == {"error": "empty_file"}
    assert run(embedded, lambda tx: tx.one(FILES)).n == 0
    assert len(counter.received) == 1
    assert (await browser.act())["outcome"] == "done"


async def test_a_file_of_just_the_limit_is_taken(browser: Browser, counter: ScriptedCounter) -> None:
    await browser.act()
    assert (await browser.upload(bytes(MAX_FILE_BYTES)))["outcome"] == "done"
    assert counter.received[-1].files[0].size_bytes == MAX_FILE_BYTES


async def test_a_file_before_the_chat_began_is_refused(embedded: Database, browser: Browser) -> None:
    assert await browser.upload(b"x", status=409) == {"error": "no_chat"}
    assert run(embedded, lambda tx: tx.one(CHATS)).n == 0


async def test_live_events_carry_numbers_and_resume_after_the_last_one_seen(
    embedded: Database, browser: Browser, counter: ScriptedCounter
) -> None:
    async with browser.http.get("/chat/events") as answer:
        assert answer.status == 204  # no chat yet: EventSource must not try again and again
    await browser.act(text="最初")
    async with aclosing(browser.events("?after=1")) as events:
        assert (await next_message(events))["id"] == "2"
        run(embedded, lambda tx: counter.say(tx, browser.address, Screen(text="お知らせです")))
        news = await next_message(events)
        assert (news["id"], news["data"]["body"]["text"]) == ("3", "お知らせです")
    run(embedded, lambda tx: counter.say(tx, browser.address, Screen(text="その間に")))
    async with aclosing(browser.events("?after=1", {"Last-Event-ID": "3"})) as events:
        assert (await next_message(events))["data"]["body"]["text"] == "その間に"


async def test_events_come_in_order_even_in_a_burst(
    embedded: Database, browser: Browser, counter: ScriptedCounter
) -> None:
    await browser.act()
    async with aclosing(browser.events("?after=2")) as events:
        for n in range(150):
            embedded.submit(lambda tx, n=n: counter.say(tx, browser.address, Screen(text=str(n))))
        seen = [(await next_message(events))["id"] for _ in range(150)]
    assert seen == [str(n) for n in range(3, 153)]


async def test_the_language_chosen_in_the_chat_reaches_the_page(browser: Browser) -> None:
    await browser.act()
    async with aclosing(browser.events("?after=2")) as events:
        await browser.act(text="/language en")
        async with asyncio.timeout(5):
            async for event in events:
                if event["event"] == "language":
                    break
        assert event["data"] == "en"


async def test_open_streams_end_at_shutdown(embedded: Database, browser: Browser) -> None:
    await browser.act()
    async with aclosing(browser.events("?after=0")) as events:
        await next_message(events)
        embedded.wakeups.publish([SHUTDOWN_TOPIC])
        async with asyncio.timeout(5):
            assert [event["event"] async for event in events] in ([], ["message"])


async def test_sending_wakes_the_open_page(embedded: Database, browser: Browser) -> None:
    await browser.act()
    chat = run(embedded, lambda tx: find_chat(tx, channel="webchat", account="web", address=browser.address))
    woken = asyncio.Event()
    loop = asyncio.get_running_loop()
    stop = embedded.wakeups.listen(f"chat:{chat.id}", lambda: loop.call_soon_threadsafe(woken.set))
    owed = Owed(1, "webchat", "web", browser.address, "reminder", {}, chat.id, 1, 1)
    assert (await WebchatSender(embedded).send(owed)).answer == "stored"
    await asyncio.wait_for(woken.wait(), 5)
    stop()
    with pytest.raises(PermanentError):
        await WebchatSender(embedded).send(Owed(1, "webchat", "web", "a", "reminder", {}, None, 1, 1))


def test_names_and_types_of_files_are_made_harmless() -> None:
    assert clean_name("C:\\docs\\..\\明細\u202egnp.exe\n") == "明細gnp.exe"
    assert clean_name("../../") == "file"
    assert clean_name("a" * 300 + ".pdf").endswith(".pdf")
    assert clean_mime("Image/PNG; charset=x") == "image/png"
    assert clean_mime("text/html\r\nX: 1") == "application/octet-stream"
