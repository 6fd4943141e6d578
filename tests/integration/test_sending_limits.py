"""Nobody fills the disk: files in an hour by chat and by network address; and where the web chat knows a person from."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import httpx
import pytest
from sqlalchemy import func, select
from starlette.applications import Starlette

from adapters.webchat import WebchatSettings, build
from bot.inbound import Ack, Inbound, InboundFile
from core.clock import ManualClock
from core.db import Tx, run
from core.delivery.quota import CHAT_NOT_LINKED, NETWORK_NOT_LINKED
from core.delivery.tables import Outbox, StoredFile
from core.dialogue.service import set_active_member
from core.ids import SeededIds
from core.members.links import add_link
from core.members.tables import LinkCode
from core.statements import Read
from tests.support.builders import a_member
from tests.support.counter import Counter, Person

SAME = {"Sec-Fetch-Site": "same-origin"}
SETTINGS = WebchatSettings(secret_key="k" * 32, secure_cookies=False, operator=lambda: "窓口")
HOME, CAFE = "203.0.113.9", "198.51.100.1"


class Count(NamedTuple):
    n: int


class Hash(NamedTuple):
    value: str | None


FILES = Read(Count, select(func.count()).select_from(StoredFile))
FETCHES = Read(Count, select(func.count()).select_from(Outbox).where(Outbox.kind == "fetch"))
NETWORKS = Read(Hash, select(LinkCode.network_hash))


@pytest.fixture
def counter(database_url: str, clock: ManualClock, ids: SeededIds) -> Iterator[Counter]:
    opened = Counter(database_url, clock, ids)
    yield opened
    opened.close()


class Web:
    """The web chat as the network sees it: browsers at addresses."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.inbounds: list[Inbound] = []
        self.app = Starlette(routes=list(build(database=counter.database, deliver=self.deliver, settings=SETTINGS)))
        self.keys = iter(range(10_000))

    async def deliver(self, inbound: Inbound) -> Ack:
        self.inbounds.append(inbound)
        return self.counter.deliver(inbound)

    async def browser(self, peer: str) -> httpx.AsyncClient:
        """A new visitor, whose chat has begun."""
        transport = httpx.ASGITransport(app=self.app, client=(peer, 5000))
        client = httpx.AsyncClient(transport=transport, base_url="http://chat.test", headers=SAME)
        await client.get("/chat")
        started = await client.post("/chat/inbound", json={"key": self.key(), "kind": "start"})
        assert started.status_code == 200
        return client

    def key(self) -> str:
        return f"key-{next(self.keys):08d}"

    async def upload(self, client: httpx.AsyncClient, content: bytes = b"x", key: str = "") -> tuple[int, Any]:
        answer = await client.post(f"/chat/files?key={key or self.key()}&name=a.png", content=content)
        return answer.status_code, answer.json()


@pytest.fixture
def web(counter: Counter) -> Web:
    return Web(counter)


def stored(counter: Counter) -> int:
    return run(counter.database, lambda tx: tx.one(FILES)).n


def link(counter: Counter, chat_id: int) -> None:
    def work(tx: Tx) -> None:
        member_id = a_member(tx)
        add_link(tx, chat_id=chat_id, member_id=member_id)
        set_active_member(tx, chat_id=chat_id, member_id=member_id)

    run(counter.database, work)


FULL = (409, {"error": "upload_quota"})


async def test_a_chat_that_is_not_linked_sends_few_files_an_hour(
    counter: Counter, web: Web, clock: ManualClock
) -> None:
    visitor = await web.browser(HOME)
    for n in range(CHAT_NOT_LINKED.files):
        assert (await web.upload(visitor, key=f"file-{n:08d}"))[0] == 200
    assert await web.upload(visitor) == FULL
    assert stored(counter) == CHAT_NOT_LINKED.files
    assert (await web.upload(visitor, key="file-00000000"))[1]["outcome"] == "duplicate"  # no new file
    clock.move(timedelta(hours=1, seconds=1))
    assert (await web.upload(visitor))[0] == 200


async def test_a_chat_that_is_not_linked_sends_few_bytes_an_hour(counter: Counter, web: Web) -> None:
    visitor = await web.browser(HOME)
    half = bytes(CHAT_NOT_LINKED.size_bytes // 2 + 1)
    assert (await web.upload(visitor, half))[0] == 200

    async def unannounced() -> Any:
        yield half

    assert await web.upload(visitor, half) == FULL
    assert await web.upload(visitor, unannounced()) == FULL  # type: ignore[arg-type]
    assert stored(counter) == 1


async def test_new_cookies_do_not_give_new_room_to_the_same_network_address(counter: Counter, web: Web) -> None:
    for n in range(NETWORK_NOT_LINKED.files):
        if n % CHAT_NOT_LINKED.files == 0:
            visitor = await web.browser(HOME)
        assert (await web.upload(visitor))[0] == 200
    assert await web.upload(await web.browser(HOME)) == FULL
    assert (await web.upload(await web.browser(CAFE)))[0] == 200


async def test_a_linked_chat_may_send_more(counter: Counter, web: Web) -> None:
    member = await web.browser(HOME)
    address = web.inbounds[-1].address
    chat_id = counter.person(address=address).chat_id()
    assert chat_id is not None
    link(counter, chat_id)
    for _ in range(CHAT_NOT_LINKED.files + 1):
        assert (await web.upload(member))[0] == 200


def photo(person: Person, n: int, text: str = "") -> None:
    file = InboundFile(0, f"{n}.jpg", "image/jpeg", 1_000, remote_ref=f"ref-{n}")
    person.act(kind="file", files=(file,), text=text, other="photo")


def test_over_the_limit_files_stay_at_telegram_and_the_words_count(counter: Counter) -> None:
    person = counter.person("telegram", "100")
    person.act(kind="start")
    for n in range(CHAT_NOT_LINKED.files):
        photo(person, n)
    photo(person, 98)
    assert "ファイルは受け取れませんでした" in person.screen()
    person.say("/cancel")
    photo(person, 99, text="有効期限を教えて")
    assert "ファイルは受け取れませんでした" in person.screen() and "連携" in person.screen()
    words = [m.body for m in person.history() if m.author == "member"][-1]
    assert words["text"] == "有効期限を教えて" and "files" not in words
    fetched = run(counter.database, lambda tx: tx.one(FETCHES)).n
    assert stored(counter) == fetched == CHAT_NOT_LINKED.files


def test_files_of_a_flood_stay_at_telegram(counter: Counter) -> None:
    person = counter.person("telegram", "100")
    person.act(kind="start")
    link(counter, person.chat_id() or 0)
    for _ in range(counter.bot.flood_acts - 1):
        person.act(kind="text", text="こんにちは")
    photo(person, 1, text="これです")
    assert "ファイルは、あらためてお送りください" in person.screen()
    assert [m.body["text"] for m in person.history() if m.author == "member"][-1] == "これです"
    assert stored(counter) == 0 and run(counter.database, lambda tx: tx.one(FETCHES)).n == 0


async def test_the_web_chat_tells_network_addresses_apart_without_storing_them(counter: Counter, web: Web) -> None:
    sources = {}
    for peer in (HOME, CAFE, "127.0.0.1", "::1", "2001:db8:1:2::3", "2001:db8:1:2:ffff::4", "2001:db8:1:3::3"):
        await web.browser(peer)
        sources[peer] = web.inbounds[-1].source
    assert sources["127.0.0.1"] == sources["::1"] == ""  # a proxy that says nothing must not be everybody
    assert sources["2001:db8:1:2::3"] == sources["2001:db8:1:2:ffff::4"] != sources["2001:db8:1:3::3"]
    assert len(set(sources.values())) == 5 and not any(HOME in source for source in sources.values())


@pytest.mark.parametrize("source", ["", "a-network"])
def test_a_code_asked_for_in_a_chat_counts_for_its_network_address(counter: Counter, source: str) -> None:
    person = counter.person()
    for text in ("/link", "M-000001", "taro@example.jp"):
        person.say(text, source=source)
    assert [row.value is not None for row in run(counter.database, lambda tx: tx.all(NETWORKS))] == [source != ""]
