"""The embedded database: one writer thread with group commit, two readers (decision 0002).

Traps this file settles, each found by measurement: the driver must never begin by itself; a full disk or an interrupted
write undoes the whole group; a COMMIT that fails leaves the transaction open; readers need connections of their own.
"""

import logging
import queue
import sqlite3
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from core.clock import Clock
from core.db import Failed, Listeners, T, Turn, Tx, Wakeups, Work
from core.errors import PermanentError
from core.ids import Ids

log = logging.getLogger(__name__)

GROUP_TURNS = 64
GROUP_SECONDS = 0.02
READERS = 2
OLDEST_SQLITE = (3, 35)  # RETURNING


class SqliteDatabase:
    """A file, one process: turns are committed in groups before any of them is acknowledged."""

    embedded = True

    def __init__(self, url: URL, clock: Clock, ids: Ids, listeners: Listeners) -> None:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise PermanentError(f"SQLite {sqlite3.sqlite_version} is too old: 3.35 or newer is needed")
        self.dialect = url.get_dialect()()
        self.wakeups = Wakeups()
        self._clock, self._ids, self._listeners = clock, ids, listeners
        self._path = Path(url.database or "madoguchi.sqlite")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._turns: queue.SimpleQueue[Turn[Any] | None] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[Turn[Any] | None] = queue.SimpleQueue()
        self._writer_connection = self._connect()
        self._writer = threading.Thread(target=self._write_loop, name="sqlite-writer", daemon=True)
        self._readers = [
            threading.Thread(
                target=self._read_loop, args=(self._connect(reader=True),), name=f"sqlite-reader-{n}", daemon=True
            )
            for n in range(READERS)
        ]
        for thread in (self._writer, *self._readers):
            thread.start()

    def submit(
        self, work: Work[T], *, name: str = "run", failed: Failed[T] | None = None, slow: bool = False
    ) -> "Future[T]":
        """See `core.db.Database`."""
        turn = Turn(work, name, failed, slow)
        self._turns.put(turn)
        return turn.future

    def submit_read(self, work: Work[T]) -> "Future[T]":
        """See `core.db.Database`."""
        turn = Turn(work, "read", None)
        self._reads.put(turn)
        return turn.future

    def close(self) -> None:
        """Ends the threads after what is queued, and folds the write-ahead log into the file."""
        self._turns.put(None)
        for _ in self._readers:
            self._reads.put(None)
        for thread in (self._writer, *self._readers):
            thread.join()
        self._writer_connection.close()

    def _connect(self, *, reader: bool = False) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
            connection.execute(f"PRAGMA {pragma}")
        if reader:
            connection.execute("PRAGMA query_only=1")
        return connection

    def _tx(self, connection: sqlite3.Connection) -> Tx:
        return Tx(connection.cursor(), self.dialect, self._clock, self._ids, self._listeners)

    def _write_loop(self) -> None:
        slow: list[Turn[Any]] = []
        open_ = True
        while open_ or slow:
            group: list[Turn[Any]] = []
            while open_ and len(group) < GROUP_TURNS:
                try:
                    turn = self._turns.get(block=not group and not slow)
                except queue.Empty:
                    break
                if turn is None:
                    open_ = False
                elif turn.slow:
                    slow.append(turn)
                else:
                    group.append(turn)
            if slow:
                group.append(slow.pop(0))
            if group:
                self._commit_all(group)

    def _commit_all(self, turns: list[Turn[Any]]) -> None:
        """Run and commit; a lost group is run again one by one, so that the culprit fails alone."""
        try:
            rest = self._commit_group(turns)
        except Exception as error:  # noqa: BLE001 - whatever undid the group, each turn gets its own answer below
            if self._writer_connection.in_transaction:
                self._writer_connection.rollback()
            if len(turns) > 1:
                for turn in turns:
                    self._commit_all([turn])
                return
            self._remember_alone(turns[0], error)
            return
        if rest:
            self._commit_all(rest)

    def _commit_group(self, turns: list[Turn[Any]]) -> list[Turn[Any]]:
        """One BEGIN … COMMIT over the turns, each in its savepoint; gives back those it had no time for."""
        db = self._writer_connection
        done: list[tuple[Turn[Any], Any, Exception | None]] = []
        wakes: set[str] = set()
        begun = time.perf_counter()
        db.execute("BEGIN IMMEDIATE")
        for turn in turns:
            if done and time.perf_counter() - begun > GROUP_SECONDS:
                break
            db.execute("SAVEPOINT turn")
            tx = self._tx(db)
            try:
                done.append((turn, turn.run(tx), None))
            except Exception as error:
                if not db.in_transaction:
                    raise  # disk full, interrupted write: SQLite has undone the whole group
                db.execute("ROLLBACK TO turn")
                tx = self._tx(db)
                done.append(self._failed(turn, tx, error))
            db.execute("RELEASE turn")
            wakes |= tx.wakes
        db.execute("COMMIT")
        for turn, result, refusal in done:
            if refusal is None:
                turn.future.set_result(result)
            else:
                turn.future.set_exception(refusal)
        self.wakeups.publish(wakes)
        return turns[len(done) :]

    @staticmethod
    def _failed(turn: Turn[Any], tx: Tx, error: Exception) -> tuple[Turn[Any], Any, Exception | None]:
        if turn.failed is None:
            return turn, None, error
        return turn, turn.failed(tx, error), None

    def _remember_alone(self, turn: Turn[Any], error: Exception) -> None:
        if turn.failed is None:
            turn.future.set_exception(error)
            return
        db = self._writer_connection
        try:
            db.execute("BEGIN IMMEDIATE")
            tx = self._tx(db)
            result = turn.failed(tx, error)
            db.execute("COMMIT")
        except Exception as second:
            if db.in_transaction:
                db.rollback()
            log.exception("a failure could not be remembered", extra={"turn": turn.name})
            turn.future.set_exception(second)
            return
        turn.future.set_result(result)
        self.wakeups.publish(tx.wakes)

    def _read_loop(self, connection: sqlite3.Connection) -> None:
        while (turn := self._reads.get()) is not None:
            try:
                connection.execute("BEGIN")
                turn.future.set_result(turn.run(self._tx(connection)))
            except Exception as error:  # noqa: BLE001 - the reader goes on; whoever asked gets the error
                turn.future.set_exception(error)
            finally:
                if connection.in_transaction:
                    connection.rollback()
        connection.close()
