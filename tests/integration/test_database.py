"""The unit of work: groups, duplicates, failures, on both databases (turn-executor recipe)."""

import threading
from datetime import timedelta
from typing import NamedTuple

import pytest
from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import insert

from core.db import Database, Tx, run
from core.delivery.counters import take_number
from core.delivery.tables import Lease, Setting
from core.statements import Read, Write, one_of


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
