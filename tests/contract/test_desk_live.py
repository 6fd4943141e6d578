"""The desk is live (row Q3): what is committed anywhere appears on open pages, on both databases; an ended session ends it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import orjson
import pytest

from bot.telling import listeners
from core.clock import ManualClock
from core.db import SHUTDOWN_TOPIC, Database, arun, run
from core.ids import SeededIds
from core.members.sessions import IDLE, end_all_sessions
from core.members.staff import find_staff
from core.open_database import open_database
from core.tickets.service import add_member_message
from tests.support.desk import Operator, World, application, bot, build_world
from tests.support.loopback import caller, serve


@pytest.fixture
def database(database_url: str, clock: ManualClock, ids: SeededIds) -> Iterator[Database]:
    opened = open_database(database_url, clock, ids, listeners(bot()))
    yield opened
    opened.close()


@pytest.fixture
def world(database: Database) -> World:
    return build_world(database)


@pytest.fixture
def base(database: Database, world: World) -> Iterator[str]:
    with serve(application(database), before_exit=lambda: database.wakeups.publish([SHUTDOWN_TOPIC])) as url:
        yield url


async def an_operator(base: str, database: Database) -> Operator:
    operator = Operator(application(database))
    operator.http = caller(base)
    await operator.log_in("agent")
    return operator


@contextlib.asynccontextmanager
async def events(operator: Operator, address: str) -> AsyncIterator[AsyncIterator[tuple[str, dict[str, str]]]]:
    async with operator.http.stream("GET", address) as response:
        assert response.headers["content-type"].startswith("text/event-stream")

        async def read() -> AsyncIterator[tuple[str, dict[str, str]]]:
            name = ""
            async for line in response.aiter_lines():
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    yield name, orjson.loads(line[6:])

        yield read()


async def test_the_members_words_reach_open_pages_at_once(base: str, database: Database, world: World) -> None:
    operator = await an_operator(base, database)
    ticket = f"/desk/events/tickets/{world.ticket.ticket_no}"
    async with asyncio.timeout(15), events(operator, ticket) as thread, events(operator, "/desk/events/inbox") as inbox:
        _, first = await anext(thread)
        assert "昨日からメールが届きません。" in first["thread"]
        await anext(inbox)
        await arun(
            database, lambda tx: add_member_message(tx, ticket_id=world.ticket.id, text="今も届きません"), name="t"
        )
        name, second = await anext(thread)
        assert name == "update" and "今も届きません" in second["thread"]
        _, row = await anext(inbox)
        assert "未読 2件" in row["rows"]


async def test_a_stream_ends_with_its_session(base: str, database: Database, world: World) -> None:
    operator = await an_operator(base, database)
    async with asyncio.timeout(15), events(operator, "/desk/events/inbox") as inbox:
        await anext(inbox)
        agent = run(database, lambda tx: find_staff(tx, login="agent"))
        assert agent is not None
        staff_id = agent.id

        def end(tx: object) -> None:
            end_all_sessions(tx, staff_id=staff_id)  # type: ignore[arg-type]
            tx.wake("desk")  # type: ignore[attr-defined]

        await arun(database, end, name="t")
        name, _ = await anext(inbox)
        assert name == "gone"
        assert [event async for event in inbox] == []


async def test_an_open_page_does_not_keep_the_session_alive(
    base: str, database: Database, world: World, clock: ManualClock
) -> None:
    operator = await an_operator(base, database)
    ticket = f"/desk/tickets/{world.ticket.ticket_no}"
    async with asyncio.timeout(15), events(operator, f"/desk/events/tickets/{world.ticket.ticket_no}") as thread:
        await anext(thread)
        for minutes in (60, 59):  # the stream looks, and what it shows is marked as read, all without a person
            clock.move(timedelta(minutes=minutes))
            await arun(
                database, lambda tx: add_member_message(tx, ticket_id=world.ticket.id, text="まだです"), name="t"
            )
            name, _ = await anext(thread)
            assert name == "update"
            assert (await operator.press(f"{ticket}/read", scripted=True, last_seen="0")).json() == {"ok": True}
        clock.move(timedelta(minutes=2))
        await arun(database, lambda tx: tx.wake("desk"), name="t")
        while name != "gone":
            name, told = await anext(thread)
        assert told == {"login": True}
    async with asyncio.timeout(15), events(operator, "/desk/events/inbox") as inbox:
        assert [event async for event in inbox] == [("gone", {"login": True})]
    page = await operator.get(f"/desk/login?ended=1&next={ticket}")
    assert "ログインが終わりました" in page.text and f'value="{ticket}"' in page.text


async def test_what_a_person_does_keeps_the_session_alive(
    base: str, database: Database, world: World, clock: ManualClock
) -> None:
    operator = await an_operator(base, database)
    for _ in range(3):
        clock.move(IDLE - timedelta(minutes=1))
        assert (await operator.get("/desk")).status_code == 200
