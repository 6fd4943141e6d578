"""PostgreSQL: a few threads with ordinary transactions, any number of processes (decision 0002)."""

import logging
import queue
import threading
import time
from concurrent.futures import Future
from typing import Any

import psycopg
from psycopg import errors as pg
from sqlalchemy.engine import URL

from core.clock import Clock
from core.db import Failed, Listeners, T, Turn, Tx, Wakeups, Work
from core.ids import Ids

log = logging.getLogger(__name__)

CHANNEL = "madoguchi"
SERIALIZATION_TRIES = 5
RECONNECT_SECONDS = 0.5
CONNECT_TRIES = 20
CLOSING = "closing"
NOTIFY_PAYLOAD_BYTES = 7_000  # PostgreSQL refuses 8 000
SESSION = "-c timezone=UTC -c lock_timeout=5000 -c statement_timeout=60000 -c idle_in_transaction_session_timeout=60000"


class PostgresDatabase:
    """`READ COMMITTED`, row locks in one fixed order (chat, member, contract, invoice), wake-ups by LISTEN/NOTIFY."""

    embedded = False

    def __init__(self, url: URL, clock: Clock, ids: Ids, listeners: Listeners, *, threads: int = 4) -> None:
        self.dialect = url.set(drivername="postgresql+psycopg").get_dialect()()
        self.wakeups = Wakeups()
        self._clock, self._ids, self._listeners = clock, ids, listeners
        self._conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._turns: queue.SimpleQueue[Turn[Any] | None] = queue.SimpleQueue()
        self._topics: queue.SimpleQueue[set[str] | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        first = self._connect()
        self._threads = [
            threading.Thread(
                target=self._work_loop, args=(first if n == 0 else None,), name=f"pg-turn-{n}", daemon=True
            )
            for n in range(threads)
        ]
        self._notifier = threading.Thread(target=self._notify_loop, name="pg-notify", daemon=True)
        self._listener = threading.Thread(target=self._listen_loop, name="pg-listen", daemon=True)
        for thread in (*self._threads, self._notifier, self._listener):
            thread.start()

    def submit(
        self, work: Work[T], *, name: str = "run", failed: Failed[T] | None = None, slow: bool = False
    ) -> "Future[T]":
        """See `core.db.Database`."""
        turn = Turn(work, name, failed, slow)
        self._turns.put(turn)
        return turn.future

    def submit_read(self, work: Work[T]) -> "Future[T]":
        """Reads share the turns' threads: PostgreSQL's readers do not hinder its writers."""
        return self.submit(work, name="read")

    def close(self) -> None:
        """Ends the threads after what is queued."""
        self._closing.set()
        for _ in self._threads:
            self._turns.put(None)
        for thread in self._threads:
            thread.join()
        self._topics.put(
            {CLOSING}
        )  # wakes our own listener (and others', whom it tells nothing), so that it ends at once
        self._topics.put(None)
        self._notifier.join()
        self._listener.join()

    def _connect(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self._conninfo, options=SESSION, connect_timeout=5)

    def _work_loop(self, connection: "psycopg.Connection[Any] | None") -> None:
        while (turn := self._turns.get()) is not None:
            for attempt in range(CONNECT_TRIES):
                try:
                    if connection is None or connection.closed:
                        connection = self._connect()
                    self._run(turn, connection)
                    break
                except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                    if connection is not None:
                        connection.close()
                    if attempt == CONNECT_TRIES - 1 or self._closing.is_set():
                        turn.future.set_exception(error)
                        break
                    time.sleep(RECONNECT_SECONDS)
        if connection is not None:
            connection.close()

    def _run(self, turn: Turn[Any], connection: "psycopg.Connection[Any]") -> None:
        """One transaction; deadlocks and serialisation failures run it again whole, a lost connection too.

        A connection lost *during* COMMIT leaves the outcome open; running again is right all the same, since every turn
        carries a unique delivery key or is repeatable by its own unique keys.
        """
        for left in reversed(range(SERIALIZATION_TRIES)):
            tx = Tx(connection.cursor(), self.dialect, self._clock, self._ids, self._listeners)
            try:
                result = turn.run(tx)
                connection.commit()
            except (pg.SerializationFailure, pg.DeadlockDetected, pg.LockNotAvailable) as error:
                connection.rollback()
                if left:
                    continue
                self._remember(turn, connection, error)
            except Exception as error:
                if connection.closed:  # whatever was said about it: the turn is run again on a new connection
                    raise psycopg.OperationalError("the connection was lost in a turn") from error
                connection.rollback()
                self._remember(turn, connection, error)
            else:
                turn.future.set_result(result)
                self._woken(tx.wakes)
            return

    def _remember(self, turn: Turn[Any], connection: "psycopg.Connection[Any]", error: Exception) -> None:
        if turn.failed is None:
            turn.future.set_exception(error)
            return
        tx = Tx(connection.cursor(), self.dialect, self._clock, self._ids, self._listeners)
        try:
            result = turn.failed(tx, error)
            connection.commit()
        except Exception as second:
            connection.rollback()
            log.exception("a failure could not be remembered", extra={"turn": turn.name})
            turn.future.set_exception(second)
            return
        turn.future.set_result(result)
        self._woken(tx.wakes)

    def _woken(self, wakes: set[str]) -> None:
        if wakes:
            self.wakeups.publish(wakes)
            self._topics.put(wakes)

    def _notify_loop(self) -> None:
        """Tells the other processes, many topics in one NOTIFY: inside a turn it would serialise all commits."""
        connection: psycopg.Connection[Any] | None = None
        more = True
        while more:
            topics: set[str] = set()
            waiting = [self._topics.get()]
            while not self._topics.empty():
                waiting.append(self._topics.get())
            for each in waiting:
                topics |= each or set()
            more = None not in waiting
            for again in (True, False):  # a connection that died while it was idle is only noticed when it is used
                try:
                    if connection is None or connection.closed:
                        connection = self._connect()
                        connection.autocommit = True
                    for payload in _payloads(sorted(topics)):
                        connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))
                    break
                except psycopg.Error:
                    if connection is not None:
                        connection.close()
                    if not again:
                        log.warning("other processes could not be woken; their sweep will find the work")
        if connection is not None:
            connection.close()

    def _listen_loop(self) -> None:
        """After an interruption everybody is woken: what was notified meanwhile has reached nobody here."""
        interrupted = False
        while not self._closing.is_set():
            try:
                with psycopg.connect(self._conninfo, autocommit=True, connect_timeout=5) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    if interrupted:
                        self.wakeups.publish_all()
                    interrupted = True
                    while not self._closing.is_set():
                        for notice in connection.notifies(timeout=0.5):
                            self.wakeups.publish(notice.payload.split("\n"))
                            if self._closing.is_set():  # it would wait for more until the time is over
                                break
            except psycopg.Error:
                log.warning("listening for wake-ups was interrupted; trying again")
                self._closing.wait(RECONNECT_SECONDS)


def _payloads(topics: list[str]) -> list[str]:
    payloads: list[str] = []
    for topic in topics:
        if payloads and len(payloads[-1]) + len(topic) < NOTIFY_PAYLOAD_BYTES:
            payloads[-1] += "\n" + topic
        else:
            payloads.append(topic)
    return payloads
