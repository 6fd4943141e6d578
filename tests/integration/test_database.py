"""The unit of work: groups, duplicates, failures, on both databases (turn-executor recipe)."""

import threading
from datetime import timedelta
from typing import NamedTuple

import psycopg
import pytest
from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import insert

from core.clock import ManualClock
from core.db import SHUTDOWN_TOPIC, Database, Tx, Wakeups, run
from core.delivery.counters import take_number
from core.delivery.outbox import claim
from core.delivery.tables import Lease, Setting
from core.ids import SeededIds
from core.open_database import open_database
from core.statements import Read, Write, one_of
from tests.support.databases import PostgresServer
from tests.support.lanes import owe


class Key(NamedTuple):
    key: str


class LeaseRow(NamedTuple):
    name: str
    until: object


PUT = Read(
    Key,
    insert(Setting)
    .values(key=bindparam("key"), value=bindparam("value"))
    .on_conflict_do_nothing()
    .returning(Setting.key),
)
KEYS = Read(Key, select(Setting.key).order_by(Setting.key))
SOME = Read(Key, select(Setting.key).where(one_of(Setting.key, "keys")).order_by(Setting.key))
CLEAR = Write(delete(Setting))


def put(tx: Tx, key: str) -> bool:
    return tx.first(PUT, key=key, value={"n": 1, "名": "値"}) is not None


def test_a_key_seen_before_gives_no_row_on_either_database(database: Database) -> None:
    assert run(database, lambda tx: put(tx, "a"))
    assert not run(database, lambda tx: put(tx, "a"))


def test_a_failing_turn_leaves_nothing_and_the_others_of_its_group_stay(database: Database) -> None:
    def bad(tx: Tx) -> None:
        put(tx, "half")
        raise ValueError("on purpose")

    gate = threading.Event()
    first = database.submit(lambda tx: gate.wait(5))
    futures = [database.submit(lambda tx, n=n: put(tx, f"k{n}")) for n in range(5)]
    broken = database.submit(bad)
    after = database.submit(lambda tx: put(tx, "z"))
    gate.set()
    assert first.result() and all(future.result() for future in futures) and after.result()
    with pytest.raises(ValueError, match="on purpose"):
        broken.result()
    assert [row.key for row in run(database, lambda tx: tx.all(KEYS))] == ["k0", "k1", "k2", "k3", "k4", "z"]


def test_a_failure_is_remembered_in_the_same_place(database: Database) -> None:
    def bad(tx: Tx) -> str:
        put(tx, "half")
        raise ValueError

    def remember(tx: Tx, error: Exception) -> str:
        put(tx, "remembered")
        return type(error).__name__

    assert database.submit(bad, failed=remember).result() == "ValueError"
    assert [row.key for row in run(database, lambda tx: tx.all(KEYS))] == ["remembered"]


def test_concurrent_counters_have_no_gaps_and_no_repeats(database: Database) -> None:
    futures = [database.submit(lambda tx: take_number(tx, series="invoice", year=2026)) for _ in range(60)]
    assert sorted(future.result() for future in futures) == list(range(1, 61))


def test_lists_and_json_and_instants_come_back_as_they_went(database: Database) -> None:
    run(database, lambda tx: [put(tx, key) for key in ("a", "b", "c")])
    assert [r.key for r in run(database, lambda tx: tx.all(SOME, keys=["a", "c", "x"]))] == ["a", "c"]

    lease = Read(
        LeaseRow,
        insert(Lease)
        .values(name=bindparam("name"), owner=bindparam("owner"), until=bindparam("until"))
        .returning(Lease.name, Lease.until),
    )

    def write(tx: Tx) -> bool:
        until = tx.now + timedelta(microseconds=1)
        return tx.one(lease, name="x", owner="me", until=until).until == until

    assert run(database, write)


def test_a_list_beside_other_conditions_still_lets_sqlite_use_its_indexes() -> None:
    both = select(Setting.key).where(or_(one_of(Setting.key, "keys"), one_of(Setting.key, "more")))
    sql = Read(Key, both).plan(sqlite.dialect(paramstyle="qmark")).sql
    assert sql.count("IN (SELECT value FROM json_each(?))") == 2 and "= 1" not in sql


def test_a_lane_takes_no_more_than_it_asked_for_however_the_database_plans(database: Database) -> None:
    """PostgreSQL ran the choice anew for each row it looked at, when it joined in this way: all were taken."""

    def take(tx: Tx) -> int:
        for number in range(5):
            owe(tx, address=f"chat-{number}", text="お知らせ")
        if not database.embedded:
            for way in ("hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize"):
                tx._cursor.execute(f"SET LOCAL enable_{way} = off", ())
        return len(claim(tx, channel="telegram", owner="me", limit=2))

    assert run(database, take) == 2


def test_a_missing_parameter_is_refused_before_the_driver_sees_it(database: Database) -> None:
    with pytest.raises(TypeError, match="given"):
        run(database, lambda tx: tx.all(PUT, key="a"))


def test_wakeups_are_published_only_after_the_commit(database: Database) -> None:
    woken = threading.Event()
    database.wakeups.listen("desk", woken.set)

    def bad(tx: Tx) -> None:
        tx.wake("desk")
        raise ValueError

    with pytest.raises(ValueError):
        run(database, bad)
    assert not woken.is_set()
    run(database, lambda tx: tx.wake("desk"))
    assert woken.wait(5)


def test_a_listener_that_fails_neither_repeats_a_turn_nor_ends_a_database_thread(database: Database) -> None:
    def fail() -> None:
        raise RuntimeError("Event loop is closed")

    def number(tx: Tx) -> int:
        tx.wake("desk")
        return take_number(tx, series="ticket")

    heard = threading.Event()
    database.wakeups.listen("desk", fail)
    database.wakeups.listen("desk", heard.set)
    gate = threading.Event()
    database.submit(lambda tx: gate.wait(5))
    futures = [database.submit(number) for _ in range(8)]
    gate.set()
    assert sorted(future.result(5) for future in futures) == list(range(1, 9))
    assert heard.wait(5)
    assert database.submit(number).result(5) == 9


def test_after_lost_wake_ups_everybody_is_woken_but_nobody_told_to_end() -> None:
    wakeups, woken = Wakeups(), []
    wakeups.listen("settings", lambda: woken.append("settings"))
    wakeups.listen("chat:1", lambda: woken.append("chat:1"))
    wakeups.listen(SHUTDOWN_TOPIC, lambda: woken.append("end"))
    wakeups.publish_all()
    assert woken == ["settings", "chat:1"]


def test_wake_ups_of_another_process_come_again_after_the_connections_were_cut(
    postgres_server: PostgresServer, clock: ManualClock, ids: SeededIds
) -> None:
    with postgres_server.database() as url:
        here, there = (open_database(url, clock, ids, {}) for _ in range(2))
        try:
            heard = threading.Event()
            here.wakeups.listen("settings", heard.set)
            with psycopg.connect(url, autocommit=True) as admin:
                listening = (
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE query = 'LISTEN madoguchi' AND datname = current_database()"
                )
                while admin.execute(listening).fetchone() != (2,):
                    pass
                run(there, lambda tx: tx.wake("settings"))
                assert heard.wait(5)
                heard.clear()
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND query LIKE 'LISTEN%' AND datname = current_database()"
                )
            assert heard.wait(5), "what was notified meanwhile may be lost: everybody looks"
        finally:
            here.close()
            there.close()
