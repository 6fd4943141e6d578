"""`/metrics`: who may read it, that it counts right on both databases, and that it does not read the whole outbox."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import Dialect
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from starlette.applications import Starlette

from adapters import http
from core.db import Database, Tx, run
from core.delivery import inbox, outbox
from core.statements import Read
from tests.support.databases import sqlite_database

TOKEN = "t" * 32


async def ready() -> str:
    return ""


def asking(database: Database, *, peer: str = "127.0.0.1", host: str = "127.0.0.1:8000") -> httpx.AsyncClient:
    app = Starlette(routes=http.build(http.Parts(database, "窓口", ready, None, TOKEN)))
    transport = httpx.ASGITransport(app=app, client=(peer, 5000))
    return httpx.AsyncClient(transport=transport, base_url=f"http://{host}")


@pytest.mark.parametrize(
    ("peer", "host", "headers", "status"),
    [
        ("127.0.0.1", "127.0.0.1:8000", {}, 200),
        ("::1", "[::1]:8000", {}, 200),
        ("127.0.0.1", "localhost:8000", {}, 200),
        ("203.0.113.9", "203.0.113.1", {}, 403),
        ("203.0.113.9", "127.0.0.1", {}, 403),
        ("127.0.0.1", "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("127.0.0.1", "127.0.0.1", {"Forwarded": "for=203.0.113.9"}, 403),
        ("127.0.0.1", "127.0.0.1", {"X-Real-IP": "203.0.113.9"}, 403),
        ("127.0.0.1", "madoguchi.example.jp", {}, 403),  # a proxy that adds nothing passes the public name on
        ("203.0.113.9", "madoguchi.example.jp", {"Authorization": f"Bearer {TOKEN}"}, 200),
        ("203.0.113.9", "madoguchi.example.jp", {"Authorization": "Bearer "}, 403),
        ("203.0.113.9", "madoguchi.example.jp", {"Authorization": f"Bearer {TOKEN}x"}, 403),
    ],
)
async def test_only_this_machine_or_the_token_reads_the_metrics(
    database: Database, peer: str, host: str, headers: dict[str, str], status: int
) -> None:
    async with asking(database, peer=peer, host=host) as client:
        answer = await client.get("/metrics", headers=headers)
    assert answer.status_code == status
    assert ("madoguchi_outbox_messages" in answer.text) == (status == 200)


async def test_without_a_token_no_empty_bearer_opens_it(database: Database) -> None:
    app = Starlette(routes=http.build(http.Parts(database, "窓口", ready, None)))
    transport = httpx.ASGITransport(app=app, client=("203.0.113.9", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://madoguchi.example.jp") as client:
        for given in ("Bearer ", "Bearer", ""):
            assert (await client.get("/metrics", headers={"Authorization": given})).status_code == 403


async def test_the_metrics_count_what_is_owed_repeated_and_given_up(database: Database) -> None:
    def work(tx: Tx) -> None:
        for n in range(3):
            outbox.owe(
                tx,
                channel="telegram",
                account="1",
                address=str(n),
                order_key=str(n),
                kind="reply",
                payload={},
                reason="t",
            )
        first, second = outbox.claim(tx, channel="telegram", owner="me", limit=2)
        for claimed in (first, second):
            outbox.record_unknown(
                tx, outbox_id=claimed.owed.id, owner="me", channel="telegram", kind="reply", attempts=1, answer="?"
            )
        kept = inbox.record(
            tx, channel="telegram", account="1", delivery_key="k", chat_key="c", payload={}, state="retry"
        )
        assert kept is not None
        inbox.fail(tx, inbox_id=kept, attempts=inbox.TRIES, error="Bug")

    run(database, work)
    async with asking(database) as client:
        said = (await client.get("/metrics")).text
    assert 'madoguchi_outbox_messages{state="queued"} 3.0' in said
    assert 'madoguchi_outbox_messages{state="dead"} 0.0' in said
    assert "madoguchi_outbox_repeats 2.0" in said
    assert "madoguchi_inbox_dead_letters 1.0" in said


@pytest.fixture
def schema(tmp_path: Any) -> Iterator[sqlite3.Connection]:
    with sqlite_database(tmp_path) as url:
        opened = sqlite3.connect(url.removeprefix("sqlite:///"))
        yield opened
        opened.close()


@pytest.mark.parametrize("query", [outbox.COUNTS, outbox.REPEATS, inbox.COUNT_DEAD, inbox.DEAD])
def test_no_metric_reads_a_whole_table(schema: sqlite3.Connection, query: Read[Any]) -> None:
    dialect: Dialect = sqlite_dialect()
    plan = query.plan(dialect)
    steps = [row[3] for row in schema.execute("EXPLAIN QUERY PLAN " + plan.sql, plan.parameters({}))]
    assert steps and not [
        step
        for step in steps
        if step.startswith("SCAN") and "ix_outbox_repeats" not in step and "ix_inbox_dead" not in step
    ], steps
