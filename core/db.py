"""The unit of work: one turn, one transaction (decision 0002; the measured recipe behind it is in docs/decisions).

`Tx` is what a use case gets: statements, the time, ids, and `wake`. `Database` runs work in transactions on its own threads;
`core/sqlite.py` and `core/postgresql.py` are its two forms. Nobody inside a use case commits.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Dialect

from core.clock import Clock, day_in_japan
from core.errors import InvariantBroken
from core.ids import Ids
from core.statements import R, Read, Write

T = TypeVar("T")
log = logging.getLogger(__name__)

SHUTDOWN_TOPIC = "shutdown"  # published by a process to itself when it ends: streams close; never sent to others
SLOW_TURN_SECONDS = 0.05  # every other turn waits for it: logged with its name


class Cursor(Protocol):
    """What both drivers' cursors have in common."""

    def execute(self, sql: Any, parameters: Any = ..., /) -> Any:
        """Run one statement."""

    def executemany(self, sql: Any, parameters: Any, /) -> Any:
        """Run one statement for each set of parameters."""

    def fetchall(self) -> Sequence[tuple[Any, ...]]:
        """All rows."""


class Tx:
    """A transaction in progress, handed to every use case; it lives for one turn and is never kept."""

    def __init__(self, cursor: Cursor, dialect: Dialect, clock: Clock, ids: Ids, listeners: "Listeners") -> None:
        self._cursor = cursor
        self._dialect = dialect
        self._listeners = listeners
        self.clock = clock
        self.ids = ids
        self.wakes: set[str] = set()

    @cached_property
    def now(self) -> datetime:
        """The instant of this turn (business clock, UTC); the same for the whole turn."""
        return self.clock.now()

    @cached_property
    def today(self) -> date:
        """The day of this turn in Japan."""
        return day_in_japan(self.now)

    @cached_property
    def real(self) -> datetime:
        """The machine's instant: leases, back-off, log-ins."""
        return self.clock.real()

    def all(self, query: Read[R], **given: Any) -> list[R]:
        """All rows."""
        plan = query.plan(self._dialect)
        self._cursor.execute(plan.sql, plan.parameters(given))
        return query.rows(plan, self._cursor.fetchall())

    def first(self, query: Read[R], **given: Any) -> R | None:
        """The first row or None; for "seen before?" use a write with RETURNING, never a row count."""
        rows = self.all(query, **given)
        return rows[0] if rows else None

    def one(self, query: Read[R], **given: Any) -> R:
        """The row that must be there."""
        row = self.first(query, **given)
        if row is None:
            raise InvariantBroken(f"no row for {query.row.__name__}")
        return row

    def run(self, statement: Write, **given: Any) -> None:
        """A write whose rows nobody needs."""
        plan = statement.plan(self._dialect)
        self._cursor.execute(plan.sql, plan.parameters(given))

    def many(self, statement: Write, rows: Iterable[Mapping[str, Any]]) -> None:
        """One write for many sets of values."""
        plan = statement.plan(self._dialect)
        self._cursor.executemany(plan.sql, [plan.parameters(row) for row in rows])

    def emit(self, fact: object) -> None:
        """Tell the listeners of this kind of fact (a frozen dataclass, past tense), here and now, in this transaction."""
        for listener in self._listeners.get(type(fact), ()):
            listener(self, fact)

    def wake(self, topic: str) -> None:
        """After the commit, tell who listens for `topic` ("outbox", "chat:123", "desk") that there is something new."""
        self.wakes.add(topic)


Listeners = Mapping[type, Sequence[Callable[[Tx, Any], None]]]  # `core/wiring.py` and `bot/telling.py` fill it
Work = Callable[[Tx], T]
Failed = Callable[[Tx, Exception], T]


class Wakeups:
    """Who wants to be woken when something was committed; only ever a hint, a slow sweep is the safety net."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[str, list[Callable[[], object]]] = {}

    def listen(self, topic: str, callback: Callable[[], object]) -> Callable[[], None]:
        """Call `callback` (from any thread; it must not block) at each wake-up; returns the way to stop it."""
        with self._lock:
            self._listeners.setdefault(topic, []).append(callback)

        def stop() -> None:
            with self._lock:
                self._listeners[topic].remove(callback)
                if not self._listeners[topic]:
                    del self._listeners[topic]

        return stop

    def publish(self, topics: Iterable[str]) -> None:
        """Wake the listeners of these topics; one that fails (its event loop is closed) hurts neither caller nor others."""
        with self._lock:
            called = [callback for topic in topics for callback in self._listeners.get(topic, ())]
        for callback in called:
            try:
                callback()
            except (
                Exception
            ):  # the caller is a database thread after its COMMIT: it must not take this for a failed turn
                log.exception("a listener for wake-ups failed")

    def publish_all(self) -> None:
        """Wake everybody: wake-ups may have been lost, so all have to look for themselves."""
        with self._lock:
            topics = [topic for topic in self._listeners if topic != SHUTDOWN_TOPIC]
        self.publish(topics)


@dataclass(slots=True)
class Turn(Generic[T]):
    """Work waiting for its transaction, and whoever waits for the answer."""

    work: Work[T]
    name: str
    failed: Failed[T] | None
    slow: bool = False
    future: Future[T] = field(default_factory=Future)

    def run(self, tx: Tx) -> T:
        """The work itself, timed."""
        start = time.perf_counter()
        try:
            return self.work(tx)
        finally:
            took = time.perf_counter() - start
            if took > SLOW_TURN_SECONDS and not self.slow:
                log.warning("slow turn", extra={"turn": self.name, "ms": round(took * 1000)})


class Database(Protocol):
    """Runs work in transactions; one for each process."""

    wakeups: Wakeups
    dialect: Dialect
    embedded: bool  # True: this process is the only one on the database

    def submit(
        self, work: Work[T], *, name: str = ..., failed: Failed[T] | None = ..., slow: bool = ...
    ) -> "Future[T]":
        """Queue `work`; the future is resolved after its COMMIT, or with its error after its undoing.

        `failed` is run in the same place when `work` raises and its answer is the result: it remembers the failure.
        `slow` work (more than about 20 ms) is kept from delaying the others.
        """

    def submit_read(self, work: Work[T]) -> "Future[T]":
        """Queue work that only reads, beside the writer."""

    def close(self) -> None:
        """Finish what is queued and close."""


def run(database: Database, work: Work[T], *, name: str = "run", slow: bool = False) -> T:
    """Do `work` in a transaction of its own and wait for its commit (commands, tests)."""
    return database.submit(work, name=name, slow=slow).result()


async def arun(
    database: Database, work: Work[T], *, name: str, failed: Failed[T] | None = None, slow: bool = False
) -> T:
    """Await the commit of `work` from the event loop."""
    return await _settled(database.submit(work, name=name, failed=failed, slow=slow))


async def aread(database: Database, work: Work[T]) -> T:
    """Await work that only reads."""
    return await _settled(database.submit_read(work))


async def _settled(future: "Future[T]") -> T:
    """As `asyncio.wrap_future`, but a waiter that goes away does not cancel the turn: it may be half done."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not answer.done():
            answer.set_result(None)

    def done(_: "Future[T]") -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(wake)

    future.add_done_callback(done)
    await answer
    return future.result()
